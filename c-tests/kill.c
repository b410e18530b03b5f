/* Killed at every write: after kill -9 the database is whole, a token is there or not, and a key
 * that was handed out is there. The child runs under killshim.so, which kills it after its n-th
 * write to the database's files; the driver goes through n = 1, 2, … until the child lives.
 *   kill [ROUNDS]     SOAK=1: 20 rounds, more than 1,000 kills in each journal mode */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

extern char **environ;

enum { MOST_WRITES = 200 };

static int kills;

/* ---- the child --------------------------------------------------------------------------- */

/* kill child FOLDER USER FLAGS: prints the key once the library has handed it out. */
static int child(char **argv)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_token_options wanted = AUTH_TOKEN_OPTIONS_INIT;
  auth_context *context = NULL;
  auth_token *token = NULL;
  options.text = auth_text(USUAL);
  options.base_dir = auth_text(argv[2]);
  wanted.user = auth_text(argv[3]);
  wanted.flags = (uint32_t)atoi(argv[4]);
  if (auth_context_open(&options, &context, NULL) != AUTH_OK ||
      auth_token_create(context, &wanted, &token) != AUTH_OK)
    return 3;
  printf("%s\n", auth_token_key(token));
  fflush(stdout);
  auth_token_free(token);
  auth_context_free(context); /* in WAL mode this writes the log back */
  return 0;
}

/* ---- the driver -------------------------------------------------------------------------- */

struct attempt {
  int wal, reset, torn;
  const char *user, *id;
};

static void copy_file(const char *from, const char *to)
{
  static char bytes[1 << 20];
  FILE *in = fopen(from, "r"), *out = fopen(to, "w");
  size_t n;
  if (in == NULL || out == NULL)
    broken(to);
  n = fread(bytes, 1, sizeof bytes, in);
  if (n == sizeof bytes || fwrite(bytes, 1, n, out) != n || fclose(out) != 0)
    broken(to);
  fclose(in);
}

static void fresh_database(const struct attempt *attempt)
{
  unlink(in_folder("site.db-journal"));
  unlink(in_folder("site.db-wal"));
  unlink(in_folder("site.db-shm"));
  copy_file(in_folder(attempt->wal ? "wal.db" : "delete.db"), in_folder("site.db"));
}

/* The path of this program, or of a file beside it. */
static const char *beside(const char *name)
{
  static char path[512];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
  if (n <= 0)
    broken("/proc/self/exe");
  path[n] = '\0';
  if (name != NULL)
    strcpy(strrchr(path, '/') + 1, name);
  return path;
}

/* Runs the child; its key goes to `key`. Returns its exit status, 128 + 9 after the kill. */
static int run_child(const struct attempt *attempt, int n, char *key, size_t size)
{
  const char *argv[6];
  char number[16], flags[16], self[512];
  int status;
  snprintf(number, sizeof number, "%d", n);
  snprintf(flags, sizeof flags, "%d", attempt->reset ? AUTH_TOKEN_RESET : 0);
  snprintf(self, sizeof self, "%s", beside(NULL));
  argv[0] = self;
  argv[1] = "child";
  argv[2] = in_folder("");
  argv[3] = attempt->user;
  argv[4] = flags;
  argv[5] = NULL;
  setenv("KILL_FILES", in_folder("site.db"), 1);
  setenv("KILL_AFTER", number, 1);
  setenv("KILL_TORN", attempt->torn ? "1" : "0", 1);
  setenv("LD_PRELOAD", beside("killshim.so"), 1);
  status = run((char *const *)argv, key, size);
  unsetenv("LD_PRELOAD");
  return status;
}

static auth_status verified(const char *key)
{
  auth_context *context = open_text(USUAL);
  auth_user *user = NULL;
  auth_status status = auth_token_verify(context, auth_text(NULL), auth_text(key), &user);
  auth_user_free(user);
  auth_context_free(context);
  return status;
}

/* All or nothing, and never less than was promised. */
static void what_is_left(const struct attempt *attempt, const char *reported)
{
  char query[512], stored[64] = "";
  const char *left;
  /* The library first: it has to cope with what the dead process left. */
  CHECK_STATUS(verified(reported[0] != '\0' ? reported : "unknown"), reported[0] != '\0' ? AUTH_OK : AUTH_REFUSED);
  snprintf(query, sizeof query,
           "PRAGMA integrity_check; PRAGMA foreign_key_check; SELECT count(*) FROM authtoken_token WHERE user_id <> %s;"
           "SELECT key FROM authtoken_token WHERE user_id = %s AND length(created) > 18", attempt->id, attempt->id);
  left = sql("site.db", query);
  CHECK(strncmp(left, attempt->reset ? "ok\n4" : "ok\n5", 4) == 0); /* whole, and the others' tokens are there */
  if (left[4] == '\n')
    snprintf(stored, sizeof stored, "%s", left + 5);
  CHECK(strlen(stored) == 40 || (stored[0] == '\0' && !attempt->reset));
  if (reported[0] != '\0')
    CHECK_TEXT(stored, reported);
  else if (stored[0] != '\0')
    CHECK_STATUS(verified(stored), AUTH_OK);
}

static void at_every_write(const struct attempt *attempt)
{
  char key[256];
  int n, status = 0, before = check_counts[0];
  for (n = 1; n < MOST_WRITES; n++) {
    fresh_database(attempt);
    status = run_child(attempt, n, key, sizeof key);
    if (status == 0)
      break;
    kills++;
    CHECK(status == 128 + 9);
    CHECK(key[0] == '\0' || strlen(key) == 40);
    what_is_left(attempt, key);
    if (check_counts[0] != before) {
      printf("  that was write %d, wal %d, reset %d, torn %d, key \"%s\"\n", n, attempt->wal, attempt->reset,
             attempt->torn, key);
      break;
    }
  }
  /* A transaction is several writes: with fewer kills the shim has not seen them. */
  CHECK(n > 5 && status == 0);
  CHECK(strlen(key) == 40);
  what_is_left(attempt, key);
}

int main(int argc, char **argv)
{
  long round, n;
  int i;
  if (argc > 4 && strcmp(argv[1], "child") == 0)
    return child(argv);
  n = rounds(argc, argv, 1, 20);
  make_database("delete.db", 0);
  make_database("wal.db", 1);
  for (round = 0; round < n; round++) {
    for (i = 0; i < 8; i++) {
      struct attempt attempt;
      attempt.wal = i & 1;
      attempt.reset = i >> 1 & 1;
      attempt.torn = i >> 2 & 1;
      attempt.user = attempt.reset ? "alice" : "root";
      attempt.id = attempt.reset ? "1" : "23";
      at_every_write(&attempt);
    }
  }
  printf("%d kills\n", kills);
  return check_result();
}
