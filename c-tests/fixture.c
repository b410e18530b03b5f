/* See fixture.h. */
#include "fixture.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SEED
#define SEED "../tests/vectors/attacks/seed.sql"
#endif

extern char **environ;

static char folder[200];
static pid_t owner;

void broken(const char *what)
{
  fprintf(stderr, "fixture: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void remove_folder(void)
{
  char command[300];
  if (getpid() != owner)
    return; /* a forked child ends with exit() */
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0)
    fprintf(stderr, "fixture: %s stays\n", folder);
}

static void make_folder(void)
{
  const char *temp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/authchain-c-XXXXXX", temp != NULL ? temp : "/tmp");
  if (mkdtemp(folder) == NULL)
    broken(folder);
  owner = getpid();
  atexit(remove_folder);
}

const char *in_folder(const char *name)
{
  static char paths[16][300];
  static unsigned next;
  char *path = paths[__sync_fetch_and_add(&next, 1) % 16]; /* from any thread */
  if (folder[0] == '\0')
    make_folder();
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

void write_file(const char *name, const char *text)
{
  const char *path = in_folder(name);
  FILE *file = fopen(path, "w");
  if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, 0644) != 0)
    broken(path);
}

static size_t read_all(int from, char *out, size_t size)
{
  char ignored[4096];
  size_t used = 0;
  for (;;) {
    ssize_t n = used + 1 < size ? read(from, out + used, size - 1 - used) : read(from, ignored, sizeof ignored);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    used += used + 1 < size ? (size_t)n : 0;
  }
  return used;
}

int run(char *const argv[], char *out, size_t size)
{
  posix_spawn_file_actions_t actions;
  int ends[2], status;
  size_t used;
  pid_t pid;
  if (pipe(ends) != 0)
    broken("pipe");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  /* Not fork(): that would be announced to the library, and close its connections. */
  errno = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
  if (errno != 0)
    broken(argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  used = read_all(ends[0], out, size);
  close(ends[0]);
  while (used > 0 && out[used - 1] == '\n')
    used--;
  out[used] = '\0';
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *sqlite(const char *database, const char *statement, const char *timeout)
{
  static char out[1 << 16];
  const char *argv[] = {"sqlite3", "-batch", "-cmd", timeout, in_folder(database), statement, NULL};
  run((char *const *)argv, out, sizeof out);
  return out;
}

const char *sql(const char *database, const char *statement)
{
  return sqlite(database, statement, ".timeout 20000");
}

const char *sql_impatient(const char *database, const char *statement)
{
  return sqlite(database, statement, ".timeout 0");
}

void make_database(const char *name, int wal)
{
  const char *said = sql(name, ".read " SEED);
  if (said[0] != '\0')
    broken(said);
  if (wal && strcmp(sql(name, "PRAGMA journal_mode = wal"), "wal") != 0)
    broken("journal_mode");
}

auth_context *open_text(const char *toml)
{
  return open_with(toml, NULL, 0, NULL, NULL);
}

auth_context *open_with(const char *toml, const auth_scheme *schemes, size_t n, auth_log log, void *log_data)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context = NULL;
  auth_report *why = NULL;
  options.text = auth_text(toml);
  options.base_dir = auth_text(in_folder("."));
  options.schemes = schemes;
  options.n_schemes = n;
  options.log = log;
  options.log_data = log_data;
  if (auth_context_open(&options, &context, &why) != AUTH_OK)
    broken(why != NULL ? auth_report_message(why) : "auth_context_open");
  return context;
}

auth_request *request_of(const auth_context *context, const char *name, const char *value)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  auth_header header;
  header.name = auth_text(name);
  header.value = auth_text(value);
  http.method = auth_text("GET");
  http.headers = &header;
  http.n_headers = value != NULL ? 1 : 0;
  if (auth_request_new(context, &http, &request) != AUTH_OK)
    broken("auth_request_new");
  return request;
}

auth_status judge(const auth_context *context, uint32_t chain, const char *authorization, auth_request **out)
{
  *out = request_of(context, "Authorization", authorization);
  return auth_request_authenticate(*out, chain);
}

const char *basic(char *out, const char *name, const char *password)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char pair[512];
  size_t i, n = (size_t)snprintf(pair, sizeof pair - 2, "%s:%s", name, password);
  char *to = out + sprintf(out, "Basic ");
  for (i = 0; i < n; i += 3) {
    unsigned a = (unsigned char)pair[i];
    unsigned b = i + 1 < n ? (unsigned char)pair[i + 1] : 0;
    unsigned c = i + 2 < n ? (unsigned char)pair[i + 2] : 0;
    *to++ = digits[a >> 2];
    *to++ = digits[(a & 3) << 4 | b >> 4];
    *to++ = i + 1 < n ? digits[(b & 15) << 2 | c >> 6] : '=';
    *to++ = i + 2 < n ? digits[c & 63] : '=';
  }
  *to = '\0';
  return out;
}

const char *header_of(const auth_response *response, const char *name)
{
  const char *known, *value;
  size_t i;
  for (i = 0; auth_response_header(response, i, &known, &value) == AUTH_OK; i++)
    if (strcasecmp(known, name) == 0)
      return value;
  return NULL;
}

void fill_garbage(void *memory, size_t size)
{
  memset(memory, 0xA5, size);
}

int is_garbage(const void *memory, size_t size)
{
  const unsigned char *bytes = (const unsigned char *)memory;
  while (size > 0)
    if (bytes[--size] != 0xA5)
      return 0;
  return 1;
}

long rounds(int argc, char **argv, long usual, long soak)
{
  const char *told = getenv("SOAK");
  if (argc > 1)
    return atol(argv[1]);
  return told != NULL && strcmp(told, "1") == 0 ? soak : usual;
}
