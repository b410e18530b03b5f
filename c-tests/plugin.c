/* Plug-ins: what a configuration may load, what it says to it, and that nothing else is loaded.
 *   plugin FOLDER with the shared objects of the Makefile */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"
#include "odd_plugin.h"

/* Four lines before what is of interest. */
#define HEAD TOP("site.db") "[chains.default]\nschemes = [\"mine\"]\n"
#define MINE "[schemes.mine]\nplugin = \"%s\"\n"
enum { PLUGIN_LINE = 7, AFTER = 8 };

static const char *built;
static char safe[PATH_MAX];

/* ---- a folder that only root and this user can change ------------------------------------ */

static int is_safe(const char *path)
{
  char real[PATH_MAX], *slash;
  struct stat st;
  if (path == NULL || realpath(path, real) == NULL || access(real, W_OK) != 0)
    return 0;
  for (;;) {
    if (stat(real, &st) != 0 || (st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022) != 0)
      return 0;
    if (strcmp(real, "/") == 0)
      return 1;
    slash = strrchr(real, '/');
    slash[slash == real ? 1 : 0] = '\0';
  }
}

static void remove_safe(void)
{
  char command[PATH_MAX + 20];
  snprintf(command, sizeof command, "rm -rf '%s'", safe);
  if (system(command) != 0)
    fprintf(stderr, "%s stays\n", safe);
}

static void make_safe(void)
{
  const char *candidates[] = {getenv("SAFE_FOLDER"), getenv("HOME"), "/root", "/run", "/var/lib", "/opt"};
  char real[PATH_MAX];
  size_t i;
  for (i = 0; i < sizeof candidates / sizeof *candidates; i++)
    if (is_safe(candidates[i]) && realpath(candidates[i], real) != NULL) {
      snprintf(safe, sizeof safe, "%.*s/.authchain-c-XXXXXX", PATH_MAX - 30, real);
      if (mkdtemp(safe) == NULL)
        broken(safe);
      atexit(remove_safe);
      return;
    }
  broken("no folder that only root and this user can change: set SAFE_FOLDER");
}

static const char *in_safe(const char *name)
{
  static char paths[8][PATH_MAX + 64];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", safe, name);
  return path;
}

/* Copies a shared object of the Makefile: always a new file. */
static const char *install(const char *name, const char *to, mode_t mode)
{
  char command[3 * PATH_MAX];
  snprintf(command, sizeof command, "rm -f '%s' && cp '%s/%s.so' '%s'", to, built, name, to);
  if (system(command) != 0 || chmod(to, mode) != 0)
    broken(command);
  return to;
}

static struct counts *counts_of(const char *path)
{
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  struct counts *found = handle != NULL ? (struct counts *)dlsym(handle, "counts") : NULL;
  if (found == NULL)
    broken(path);
  return found;
}

/* ---- opening ----------------------------------------------------------------------------- */

static const char *with(const char *format, const char *path)
{
  static char text[4 * PATH_MAX];
  snprintf(text, sizeof text, format, path);
  return text;
}

/* The configuration is refused at this line with this text, by open and check alike. */
static void refused(const char *toml, uint32_t line, const char *text)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context;
  auth_report *why[2] = {NULL, NULL};
  int i, before = check_counts[0];
  options.text = auth_text(toml);
  options.base_dir = auth_text(in_folder("."));
  fill_garbage(&context, sizeof context);
  CHECK_STATUS(auth_context_open(&options, &context, &why[0]), AUTH_ECONFIG);
  CHECK(is_garbage(&context, sizeof context));
  CHECK_STATUS(auth_config_check(&options, &why[1]), AUTH_ECONFIG);
  for (i = 0; i < 2; i++) {
    CHECK(why[i] != NULL && strstr(auth_report_message(why[i]), text) != NULL);
    CHECK(auth_report_line(why[i]) == line && auth_report_column(why[i]) > 0);
    if (check_counts[0] != before)
      printf("  that was %s\n  expected %s\n", why[i] ? auth_report_message(why[i]) : "(nothing)", text);
    auth_report_free(why[i]);
  }
}

/* Who a request with these two headers comes from; the status if nobody. */
static const char *who(const auth_context *context, uint32_t chain, const char *tag, const char *user)
{
  static __thread char said[64]; /* judge_often calls from several threads */
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  auth_header headers[2];
  auth_status status;
  headers[0].name = auth_text("X-Tag");
  headers[0].value = auth_text(tag);
  headers[1].name = auth_text("X-User");
  headers[1].value = auth_text(user);
  http.headers = headers;
  http.n_headers = user != NULL ? 2 : 1;
  if (auth_request_new(context, &http, &request) != AUTH_OK)
    broken("auth_request_new");
  status = auth_request_authenticate(request, chain);
  snprintf(said, sizeof said, "%s",
           status == AUTH_OK ? auth_user_name(auth_request_user(request)) : auth_status_name((int)status));
  auth_request_free(request);
  return said;
}

/* ---- the example ------------------------------------------------------------------------- */

static void the_example(void)
{
  const char *path = install("plugin_xusername", in_safe("xusername.so"), 0755);
  auth_context *context = open_text(with(HEAD "[schemes.mine]\nplugin = \"%s\"\nheader = \"X-User\"\n", path));
  auth_request *request;
  CHECK_TEXT(who(context, 0, "", "alice"), "alice");
  CHECK_TEXT(who(context, 0, "", "nobody there"), "AUTH_REFUSED");
  CHECK_TEXT(who(context, 0, "", "inactive"), "AUTH_REFUSED");
  CHECK_TEXT(who(context, 0, "", NULL), "AUTH_REFUSED");
  request = request_of(context, "X-User", "alice");
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  CHECK_TEXT(auth_user_scheme(auth_request_user(request)), "mine");
  auth_request_free(request);
  auth_context_free(context);
  context = open_text(with(HEAD MINE, path));
  request = request_of(context, "x-username", "alice");
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  auth_request_free(request);
  auth_context_free(context);
  refused(with(HEAD MINE "heade = \"X-User\"\n", path), AFTER,
          "unknown key \"heade\" in [schemes.mine] (known: header)");
  refused(with(HEAD MINE "header = 7\n", path), AFTER, "header does not take 7 (expected a text)");
  refused(with(HEAD MINE "header = \"\"\n", path), AFTER, "header: a header has a name");
}

/* ---- what may be loaded ------------------------------------------------------------------ */

static void unsafe_files(void)
{
  const char *path = install("counted", in_safe("modes.so"), 0644);
  auth_context_free(open_text(with(HEAD MINE "type = \"counted\"\n", path)));
  path = install("counted", in_safe("writable.so"), 0775);
  refused(with(HEAD MINE, path), PLUGIN_LINE, "may be written by others (mode 0775), expected 0755 or less");
  path = install("counted", in_safe("writable.so"), 0646);
  refused(with(HEAD MINE, path), PLUGIN_LINE, "may be written by others (mode 0646), expected 0644 or less");
  if (geteuid() == 0) {
    path = install("counted", in_safe("foreign.so"), 0755);
    if (chown(path, 12345, 0) != 0)
      broken("chown");
    refused(with(HEAD MINE, path), PLUGIN_LINE, "belongs to user 12345, expected root or the user that runs this");
  }
}

static void unsafe_folders(void)
{
  static const mode_t modes[] = {0777, 01777, 0775, 0757};
  char inner[PATH_MAX + 80], file[PATH_MAX + 100], said[128];
  size_t i;
  snprintf(inner, sizeof inner, "%s", in_safe("inner"));
  snprintf(file, sizeof file, "%s/deep/x.so", inner);
  if (mkdir(inner, 0755) != 0 || mkdir(with("%s/deep", inner), 0755) != 0)
    broken("mkdir");
  install("counted", file, 0755);
  for (i = 0; i < sizeof modes / sizeof *modes; i++) {
    if (chmod(inner, modes[i]) != 0)
      broken("chmod");
    snprintf(said, sizeof said, "is in a folder \"inner\" that may be written by others (mode %04o)", (unsigned)modes[i]);
    refused(with(HEAD MINE, file), PLUGIN_LINE, said);
  }
  if (geteuid() == 0) {
    if (chmod(inner, 0755) != 0 || chown(inner, 12345, 0) != 0)
      broken("chown");
    refused(with(HEAD MINE, file), PLUGIN_LINE, "is in a folder \"inner\" that belongs to user 12345");
    if (chown(inner, 0, 0) != 0)
      broken("chown");
  }
  if (chmod(inner, 0755) != 0)
    broken("chmod");
  auth_context_free(open_text(with(HEAD MINE "type = \"counted\"\n", file)));
  /* The usual folder for throw-away files is one that everybody writes. */
  if (strncmp(in_folder("x.so"), "/tmp/", 5) == 0)
    refused(with(HEAD MINE, install("counted", in_folder("x.so"), 0755)), PLUGIN_LINE, "is in a folder \"tmp\" that may");
}

static void odd_paths(void)
{
  char text[PATH_MAX + 100];
  const char *path = install("counted", in_safe("real.so"), 0755);
  refused(HEAD "[schemes.mine]\nplugin = \"real.so\"\n", PLUGIN_LINE, "\"real.so\" is no absolute path");
  refused(HEAD "[schemes.mine]\nplugin = \"\"\n", PLUGIN_LINE, "\"\" is no absolute path");
  refused(HEAD "[schemes.mine]\nplugin = 7\n", PLUGIN_LINE, "plugin does not take 7");
  refused(HEAD "[schemes.mine]\nplugin = \"/\"\n", PLUGIN_LINE, "is a folder");
  refused(with(HEAD MINE, in_safe("none.so")), PLUGIN_LINE, "cannot be opened: No such file or directory");
  refused(with(HEAD MINE, safe), PLUGIN_LINE, "is not a regular file");
  snprintf(text, sizeof text, "%s/./real.so", safe);
  refused(with(HEAD MINE, text), PLUGIN_LINE, "is a path by way of links or dots, expected");
  if (symlink(path, in_safe("link.so")) != 0 || symlink(safe, in_safe("folder")) != 0)
    broken("symlink");
  refused(with(HEAD MINE, in_safe("link.so")), PLUGIN_LINE, "is a path by way of links or dots, expected");
  refused(with(HEAD MINE, in_safe("folder/real.so")), PLUGIN_LINE, "is a path by way of links or dots, expected");
  if (mkfifo(in_safe("fifo.so"), 0644) != 0)
    broken("mkfifo");
  refused(with(HEAD MINE, in_safe("fifo.so")), PLUGIN_LINE, "is not a regular file");
  if (symlink("loop.so", in_safe("loop.so")) != 0)
    broken("symlink");
  refused(with(HEAD MINE, in_safe("loop.so")), PLUGIN_LINE, "cannot be opened: Too many levels");
}

static void no_plugins(void)
{
  static const struct { const char *name, *text; } rows[] = {
    {"no_entry", "has no function auth_plugin_entry"},
    {"says_no", "does not work with ABI 1, which this library has"},
    {"other_abi", "was made for ABI 99, this library has ABI 1"},
    {"no_schemes", "offers no scheme"},
    {"null_schemes", "offers what auth_context_open would not take (AUTH_EINVAL)"},
    {"built_in", "offers what auth_context_open would not take (AUTH_EINVAL)"},
    {"short_size", "offers what auth_context_open would not take (AUTH_EINVAL)"},
    {"two_sizes", "offers what auth_context_open would not take (AUTH_EINVAL)"},
  };
  size_t i;
  FILE *file = fopen(in_safe("text.so"), "w");
  if (file == NULL || fputs("#!/bin/sh\necho hello\n", file) < 0 || fclose(file) != 0)
    broken("text.so");
  chmod(in_safe("text.so"), 0755);
  refused(with(HEAD MINE, in_safe("text.so")), PLUGIN_LINE, "cannot be loaded: ");
  file = fopen(in_safe("empty.so"), "w");
  if (file == NULL || fclose(file) != 0)
    broken("empty.so");
  chmod(in_safe("empty.so"), 0644);
  refused(with(HEAD MINE, in_safe("empty.so")), PLUGIN_LINE, "cannot be loaded: ");
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s.so", rows[i].name);
    refused(with(HEAD MINE, install(rows[i].name, in_safe(name), 0755)), PLUGIN_LINE, rows[i].text);
  }
}

/* A new file under the name of a loaded one: the code of the old one is still the process's. */
static void a_replaced_file_needs_a_new_process(void)
{
  const char *toml = HEAD MINE "type = \"counted\"\n", *path = install("counted", in_safe("replaced.so"), 0755);
  auth_context *context = open_text(with(toml, path));
  auth_context_free(open_text(with(toml, path)));
  CHECK(counts_of(path)->entered == 1);
  install("counted", path, 0755);
  refused(with(toml, path), PLUGIN_LINE, "has changed since this process loaded it; restart the process");
  CHECK_TEXT(who(context, 0, "none", "alice"), "alice"); /* what is open goes on */
  auth_context_free(context);
}

/* ---- options ----------------------------------------------------------------------------- */

#define COUNTED MINE "type = \"counted\"\n"

static void options(const char *path)
{
  struct counts *counts = counts_of(path);
  auth_context *context;
  int alive = counts->alive, destroyed = counts->destroyed;
  context = open_text(with(HEAD COUNTED "tag = \"t\"\nnumber = 9\nflag = true\n", path));
  CHECK_TEXT(counts->last->scheme, "mine");
  CHECK_TEXT(counts->last->tag, "t");
  CHECK(counts->last->number == 9 && counts->last->flag == 1);
  auth_context_free(context);
  context = open_text(with(HEAD COUNTED, path));
  CHECK_TEXT(counts->last->tag, "none");
  CHECK(counts->last->number == 5 && counts->last->flag == 0);
  auth_context_free(context);
  CHECK(counts->alive == alive && counts->destroyed == destroyed + 2);
  write_file("tag", "from a file\n");
  chmod(in_folder("tag"), 0600);
  setenv("PLUGIN_TAG", "from outside", 1);
  context = open_text(with(HEAD COUNTED "tag = { file = \"tag\" }\n", path));
  CHECK_TEXT(counts->last->tag, "from a file");
  auth_context_free(context);
  context = open_text(with(HEAD COUNTED "tag = { env = \"PLUGIN_TAG\" }\n", path));
  CHECK_TEXT(counts->last->tag, "from outside");
  auth_context_free(context);
  context = open_text(with(HEAD COUNTED "say = \"all\"\nfree = \"x\"\n", path));
  auth_context_free(context);
  CHECK(counts->alive == alive);
}

static void bad_options(const char *path)
{
  static const struct { const char *line, *text; } rows[] = {
    {"tag = 7", "tag does not take 7 (expected a text)"},
    {"tag = [\"a\"]", "tag does not take a list (expected a text)"},
    {"tag = 1.5", "tag does not take a fraction (expected a text)"},
    {"tag = { x = 1 }", "tag does not take a table (expected a text)"},
    {"tag = { file = \"none\" }", "the file \"none\" cannot be opened"},
    {"tag = { env = \"NOT_THERE\" }", "the environment has no \"NOT_THERE\""},
    {"tag = \"a\\u0000b\"", "a text has a NUL in it"},
    {"number = 0", "number does not take 0 (expected a whole number from 1 to 9)"},
    {"number = 10", "number does not take 10 (expected a whole number from 1 to 9)"},
    {"number = \"5\"", "number does not take \"5\" (expected a whole number from 1 to 9)"},
    {"flag = 1", "flag does not take 1 (expected true or false)"},
    {"other = 1", "unknown key \"other\" in [schemes.mine] (known: tag, say, number, flag, forks)"},
    {"\"a\\u0000\" = 1", "unknown key \"a\\0\" in [schemes.mine]"},
    {"say = \"all\"\nfree = 7", "free does not take 7 (expected a text)"},
    {"say = \"refuse\"", "say: not today"},
  };
  struct counts *counts = counts_of(path);
  int alive = counts->alive;
  size_t i;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    char toml[2 * PATH_MAX];
    snprintf(toml, sizeof toml, HEAD COUNTED "%s\n", path, rows[i].line);
    refused(toml, strchr(rows[i].line, '\n') != NULL ? AFTER + 2 : AFTER + 1, rows[i].text);
  }
  /* Complaints about no option stand at the table. */
  refused(with(HEAD COUNTED "say = \"fail\"\n", path), PLUGIN_LINE - 1, "cannot be made: it says AUTH_ENOMEM");
  refused(with(HEAD COUNTED "say = \"table\"\n", path), PLUGIN_LINE - 1, "cannot be made: not in this place");
  CHECK(counts->alive == alive); /* also what was content and refused all the same is gone */
  refused(with(HEAD MINE, path), PLUGIN_LINE, "has no scheme \"mine\" (say which with type; known: counted, alone)");
  refused(with(HEAD MINE "type = \"token\"\n", path), AFTER, "has no scheme \"token\"");
  refused(with(HEAD MINE "type = 7\n", path), AFTER, "type does not take 7");
  auth_context_free(open_text(with(TOP("site.db") "[chains.default]\nschemes = [\"counted\"]\n"
                                                  "[schemes.counted]\nplugin = \"%s\"\n", path)));
}

static void instances(const char *path)
{
  struct counts *counts = counts_of(path);
  char toml[4 * PATH_MAX];
  auth_context *first, *second;
  auth_request *request;
  int before = counts->configured;
  CHECK(counts->alive == 0);
  snprintf(toml, sizeof toml,
           TOP("site.db") "[chains.a]\nschemes = [\"red\"]\n[chains.b]\nschemes = [\"blue\", \"red\"]\n"
           "[chains.c]\nschemes = [{ scheme = \"red\", tag = \"pink\", control = \"try\" }, \"blue\"]\n"
           "[schemes.red]\nplugin = \"%s\"\ntype = \"counted\"\ntag = \"r\"\n"
           "[schemes.blue]\nplugin = \"%s\"\ntype = \"counted\"\ntag = \"b\"\n", path, path);
  first = open_text(toml);
  CHECK(counts->configured == before + 3); /* each table once, and the item with an option of its own */
  CHECK(counts->alive == 3);
  CHECK_TEXT(who(first, 0, "r", "alice"), "alice");
  CHECK_TEXT(who(first, 0, "b", "alice"), "AUTH_REFUSED");
  CHECK_TEXT(who(first, 1, "r", "alice"), "alice");
  CHECK_TEXT(who(first, 1, "b", "carol"), "carol");
  CHECK_TEXT(who(first, 2, "pink", "alice"), "alice");
  CHECK_TEXT(who(first, 2, "r", "alice"), "AUTH_REFUSED");
  request = request_of(first, "X-Tag", "r");
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_REFUSED);
  CHECK_TEXT(header_of(auth_request_response(request), "WWW-Authenticate"), "Counted");
  CHECK_TEXT(auth_response_body(auth_request_response(request)), "{\"detail\":\"red\"}");
  auth_request_free(request);
  second = open_text(toml);
  CHECK(counts->alive == 6 && counts->entered == 1);
  auth_context_free(first);
  CHECK(counts->alive == 3);
  CHECK_TEXT(who(second, 0, "r", "alice"), "alice");
  request = request_of(second, "X-Tag", "r");
  auth_context_free(second);
  CHECK(counts->alive == 3); /* the request still needs them */
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_REFUSED);
  auth_request_free(request);
  CHECK(counts->alive == 0);
}

/* The first generation stays with the context, later ones end with their last request. */
static void a_reload_configures_anew(const char *path)
{
  struct counts *counts = counts_of(path);
  char toml[2 * PATH_MAX], other[2 * PATH_MAX + 32];
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context = NULL;
  int i, before = counts->configured;
  CHECK(counts->alive == 0);
  snprintf(toml, sizeof toml, HEAD "[schemes.mine]\nplugin = \"%s\"\ntype = \"counted\"\n", path);
  snprintf(other, sizeof other, "%stag = \"new\"\n", toml);
  write_file("reloaded.toml", toml);
  options.path = auth_text(in_folder("reloaded.toml"));
  CHECK_STATUS(auth_context_open(&options, &context, NULL), AUTH_OK);
  write_file("reloaded.toml", other);
  for (i = 1; i <= 3; i++) {
    CHECK_STATUS(auth_context_reload(context, NULL), AUTH_OK);
    CHECK(counts->configured == before + 1 + i);
    CHECK(counts->alive == 2); /* the first and the one in use */
    CHECK_TEXT(counts->last->tag, "new");
  }
  write_file("reloaded.toml", "no toml");
  CHECK_STATUS(auth_context_reload(context, NULL), AUTH_ECONFIG);
  CHECK(counts->alive == 2);
  auth_context_free(context);
  CHECK(counts->alive == 0);
}

static void a_host_and_a_plugin_do_not_share_a_name(const char *path)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *context = NULL;
  auth_report *why = NULL;
  scheme.name = auth_text("mine");
  scheme.authenticate = (void (*)(void *, const auth_view *, auth_answer *))abort;
  options.text = auth_text(with(HEAD COUNTED, path));
  options.schemes = &scheme;
  options.n_schemes = 1;
  CHECK_STATUS(auth_context_open(&options, &context, &why), AUTH_ECONFIG);
  CHECK(strstr(auth_report_text(why), "the host has a scheme \"mine\" of its own") != NULL);
  auth_report_free(why);
}

/* A fork inside `configure` does not wait for the configuration that waits for it. */
static void configure_may_fork(const char *path)
{
  struct counts *counts = counts_of(path);
  auth_context *context = open_text(with(HEAD COUNTED "forks = true\n", path));
  CHECK(counts->forked == 1);
  CHECK_TEXT(who(context, 0, "none", "alice"), "alice");
  auth_context_free(context);
}

/* ---- threads ----------------------------------------------------------------------------- */

static void *judge_often(void *data)
{
  int i;
  for (i = 0; i < 25; i++)
    CHECK_TEXT(who((const auth_context *)data, 0, "none", NULL), "AUTH_REFUSED");
  return NULL;
}

/* With the flag no two threads are inside together, though they come through two contexts. */
static void one_thread(const char *path, const char *type, int alone)
{
  struct counts *counts = counts_of(path);
  auth_context *contexts[2];
  pthread_t threads[4];
  char toml[2 * PATH_MAX];
  int i;
  snprintf(toml, sizeof toml, HEAD MINE "type = \"%s\"\n", path, type);
  counts->together = 0;
  contexts[0] = open_text(toml);
  contexts[1] = open_text(toml);
  for (i = 0; i < 4; i++)
    if (pthread_create(&threads[i], NULL, judge_often, contexts[i % 2]) != 0)
      broken("pthread_create");
  for (i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  CHECK((counts->together == 0) == alone);
  auth_context_free(contexts[0]);
  auth_context_free(contexts[1]);
}

int main(int argc, char **argv)
{
  const char *path;
  char counted[PATH_MAX + 64];
  if (argc < 2)
    broken("plugin FOLDER");
  built = argv[1];
  make_database("site.db", 0);
  make_safe();
  path = install("counted", in_safe("counted.so"), 0755);
  snprintf(counted, sizeof counted, "%s", path);
  the_example();
  unsafe_files();
  unsafe_folders();
  odd_paths();
  no_plugins();
  a_replaced_file_needs_a_new_process();
  auth_context_free(open_text(with(HEAD COUNTED, counted)));
  options(counted);
  bad_options(counted);
  instances(counted);
  a_reload_configures_anew(counted);
  a_host_and_a_plugin_do_not_share_a_name(counted);
  configure_may_fork(counted);
  one_thread(counted, "alone", 1);
  one_thread(counted, "counted", 0);
  return check_result();
}
