/* A configuration that changes under the host: loaded whole or not at all, and nobody is judged by
 * half of one.
 *   reload [RELOADS]     SOAK=1: a thousand */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

enum { THREADS = 4, PATIENCE_MS = 10000 };

#define CHAIN(name, schemes) "[chains." name "]\nschemes = [" schemes "]\n"
#define BEARER "[schemes.bearer]\ntype = \"token\"\nkeyword = \"Bearer\"\n"

static auth_context *open_file(const char *name)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context = NULL;
  auth_report *why = NULL;
  options.path = auth_text(in_folder(name));
  if (auth_context_open(&options, &context, &why) != AUTH_OK)
    broken(auth_report_message(why));
  return context;
}

static uint32_t chain(const auth_context *context, const char *name)
{
  uint32_t number = 0;
  if (auth_context_chain(context, auth_text(name), &number) != AUTH_OK)
    broken(name);
  return number;
}

static auth_status once(const auth_context *context, uint32_t number, const char *authorization)
{
  auth_request *request = NULL;
  auth_status status = judge(context, number, authorization, &request);
  auth_request_free(request);
  return status;
}

static int says(const auth_context *context, const char *line)
{
  auth_metrics *metrics = NULL;
  int found;
  if (auth_context_metrics(context, &metrics) != AUTH_OK)
    broken("metrics");
  found = strstr(auth_metrics_text(metrics), line) != NULL;
  auth_metrics_free(metrics);
  return found;
}

/* Open files whose name ends so. */
static int open_files(const char *ending)
{
  DIR *folder = opendir("/proc/self/fd");
  struct dirent *entry;
  int found = 0;
  while ((entry = readdir(folder)) != NULL) {
    char link[300], name[512];
    ssize_t n;
    snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
    n = readlink(link, name, sizeof name - 1);
    name[n > 0 ? n : 0] = 0;
    found += strlen(name) >= strlen(ending) && strcmp(name + strlen(name) - strlen(ending), ending) == 0;
  }
  closedir(folder);
  return found;
}

static void names_keep_their_numbers(void)
{
  auth_context *context;
  auth_request *before = NULL;
  uint32_t a, b;
  write_file("numbers.toml", TOP("site.db") CHAIN("a", "\"token\"") CHAIN("b", "\"basic\"") QUICK);
  context = open_file("numbers.toml");
  a = chain(context, "a");
  b = chain(context, "b");
  before = request_of(context, "Authorization", "Token " ALICE_KEY);
  write_file("numbers.toml", TOP("site.db") CHAIN("c", "\"basic\"") CHAIN("b", "\"token\"") QUICK);
  CHECK_STATUS(auth_context_reload(context, NULL), AUTH_OK);
  CHECK(chain(context, "b") == b && chain(context, "c") != a && chain(context, "c") != b);
  CHECK_STATUS(once(context, b, "Token " ALICE_KEY), AUTH_OK); /* another scheme now */
  CHECK_STATUS(once(context, a, "Token " ALICE_KEY), AUTH_ECONFIG);
  CHECK_STATUS(auth_context_chain(context, auth_text("a"), &a), AUTH_ECONFIG);
  CHECK_STATUS(auth_request_authenticate(before, a), AUTH_OK); /* begun with the one that had it */
  CHECK_STATUS(auth_request_authenticate(before, b), AUTH_REFUSED);
  auth_request_free(before);
  auth_context_free(context);
}

static void a_refused_file_changes_nothing(void)
{
  auth_context *context;
  auth_report *why = NULL;
  write_file("kept.toml", USUAL);
  context = open_file("kept.toml");
  write_file("kept.toml", TOP("site.db") CHAIN("default", "\"nonsense\""));
  CHECK_STATUS(auth_context_reload(context, &why), AUTH_ECONFIG);
  CHECK(auth_report_line(why) == 5);
  CHECK(strstr(auth_report_message(why), "unknown scheme \"nonsense\"") != NULL);
  auth_report_free(why);
  CHECK_STATUS(once(context, 0, "Token " ALICE_KEY), AUTH_OK);
  unlink(in_folder("kept.toml"));
  CHECK_STATUS(auth_context_reload(context, NULL), AUTH_ECONFIG);
  CHECK_STATUS(once(context, 0, "Token " ALICE_KEY), AUTH_OK);
  CHECK(says(context, "authchain_config_reloads_total{result=\"refused\"} 2\n"));
  CHECK(says(context, "authchain_config_reloads_total{result=\"loaded\"} 0\n"));
  CHECK(says(context, "authchain_verdicts_total{chain=\"default\",outcome=\"ok\"} 2\n"));
  auth_context_free(context);
}

static void the_former_database_is_closed(void)
{
  auth_context *context;
  auth_request *last = NULL;
  make_database("former.db", 0);
  write_file("moves.toml", TOP("former.db") CHAIN("default", "\"token\""));
  context = open_file("moves.toml");
  CHECK_STATUS(judge(context, 0, "Token " ALICE_KEY, &last), AUTH_OK);
  CHECK(open_files("/former.db") == 1);
  write_file("moves.toml", TOP("site.db") CHAIN("default", "\"token\""));
  CHECK_STATUS(auth_context_reload(context, NULL), AUTH_OK);
  CHECK(open_files("/former.db") == 0);
  CHECK_STATUS(auth_request_authenticate(last, 0), AUTH_OK); /* remembered */
  CHECK_STATUS(once(context, 0, "Token " ALICE_KEY), AUTH_OK);
  CHECK(open_files("/former.db") == 0 && open_files("/site.db") == 1);
  auth_request_free(last);
  auth_context_free(context);
  CHECK(open_files("/site.db") == 0);
}

/* ---- schemes of the host ----------------------------------------------------------------------- */

static int destroyed;

static void pass(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view;
  (void)auth_answer_pass(answer);
}

static void count_end(void *data)
{
  (void)data;
  destroyed++;
}

static void a_hosts_scheme_lives_as_long_as_the_context(void)
{
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *context;
  scheme.name = auth_text("mine");
  scheme.authenticate = pass;
  scheme.destroy = count_end;
  context = open_with(TOP("site.db") CHAIN("default", "\"mine\", \"token\""), &scheme, 1, NULL, NULL);
  CHECK_STATUS(auth_context_reload(context, NULL), AUTH_OK); /* of a text: the same again */
  CHECK_STATUS(once(context, 0, "Token " ALICE_KEY), AUTH_OK);
  CHECK(destroyed == 0);
  auth_context_free(context);
  CHECK(destroyed == 1);
}

/* ---- under load -------------------------------------------------------------------------------- */

static auth_context *shared;
static int stop;
static long judged, wrong;

/* Both good files let the token in and an unknown one not; the broken one would let nobody in. */
static void *keep_judging(void *unused)
{
  uint32_t number = chain(shared, "default");
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    int is_right = once(shared, number, "Token " ALICE_KEY) == AUTH_OK;
    is_right &= once(shared, number, "Token unknown") == AUTH_REFUSED;
    __sync_add_and_fetch(&judged, 2);
    if (!is_right)
      __sync_add_and_fetch(&wrong, 1);
  }
  return unused;
}

static long resident_kib(void)
{
  long pages[2] = {0, 0};
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%ld %ld", &pages[0], &pages[1]) != 2)
    broken("statm");
  fclose(file);
  return pages[1] * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Writes a file aside and renames it, as an editor does. */
static void replace_file(const char *name, const char *text)
{
  char aside[512];
  snprintf(aside, sizeof aside, "%s", in_folder("aside.toml"));
  write_file("aside.toml", text);
  if (rename(aside, in_folder(name)) != 0)
    broken("rename");
}

static void reloads_under_load(long reloads)
{
  static const char *const files[] = {
    TOP("site.db") CHAIN("default", "\"token\", \"basic\"") CHAIN("gone", "\"basic\"") QUICK,
    TOP("site.db") CHAIN("default", "\"bearer\", \"token\"") BEARER QUICK,
    TOP("site.db") CHAIN("default", "\"no such scheme\""),
  };
  pthread_t threads[THREADS];
  long i, early = 0, good = 0;
  replace_file("busy.toml", files[0]);
  shared = open_file("busy.toml");
  for (i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, keep_judging, NULL) != 0)
      broken("pthread_create");
  for (i = 1; i <= reloads; i++) {
    int is_bearer = i % 4 == 1 || i % 4 == 2;
    replace_file("busy.toml", files[i % 2 == 0 ? 2 : is_bearer]);
    CHECK_STATUS(auth_context_reload(shared, NULL), i % 2 == 0 ? AUTH_ECONFIG : AUTH_OK);
    good += i % 2;
    CHECK_STATUS(once(shared, 0, "Bearer " ALICE_KEY), is_bearer ? AUTH_OK : AUTH_REFUSED);
    if (i == 20)
      early = resident_kib();
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  printf("%ld reloads, %ld of a broken file, %ld verdicts beside them, %ld wrong; %ld KiB, then %ld KiB\n", reloads,
         reloads - good, judged, wrong, early, resident_kib());
  CHECK(wrong == 0 && judged > reloads);
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory */
  CHECK(resident_kib() - early <= 2048); /* what was loaded is given back */
#endif
  auth_context_free(shared);
}

/* ---- the default context ----------------------------------------------------------------------- */

static auth_status one_call(const char *authorization)
{
  auth_headers headers = AUTH_HEADERS_INIT;
  auth_header header;
  auth_user *user = NULL;
  auth_status status;
  header.name = auth_text("Authorization");
  header.value = auth_text(authorization);
  headers.headers = &header;
  headers.n_headers = 1;
  status = auth_authenticate(&headers, &user);
  auth_user_free(user);
  return status;
}

/* Asks until it is so; how long that took does not matter, that it comes does. */
static int comes(auth_status wanted, const char *authorization, const char *metric)
{
  int waited;
  for (waited = 0; waited < PATIENCE_MS; waited += 50) {
    auth_context *context = NULL;
    int is_there;
    if (auth_default_context(&context, NULL) != AUTH_OK)
      broken("default context");
    is_there = one_call(authorization) == wanted && says(context, metric);
    auth_context_free(context);
    if (is_there)
      return 1;
    usleep(50 * 1000);
  }
  return 0;
}

static void the_default_context_follows_its_file(void)
{
  auth_context *kept = NULL;
  int waited;
  setenv("AUTHCHAIN_CONFIG", in_folder("default.toml"), 1);
  write_file("default.toml", TOP("site.db") CHAIN("default", "\"token\""));
  CHECK_STATUS(one_call("Token " ALICE_KEY), AUTH_OK);
  CHECK_STATUS(auth_default_context(&kept, NULL), AUTH_OK);
  write_file("default.toml", TOP("site.db") CHAIN("default", "\"bearer\"") BEARER);
  for (waited = 0; waited < PATIENCE_MS && once(kept, 0, "Bearer " ALICE_KEY) != AUTH_OK; waited += 50)
    usleep(50 * 1000); /* also who keeps its handle and asks for nothing else follows */
  CHECK(waited < PATIENCE_MS);
  auth_context_free(kept);
  CHECK(comes(AUTH_OK, "Bearer " ALICE_KEY, "reloads_total{result=\"loaded\"} 1\n"));
  CHECK_STATUS(one_call("Token " ALICE_KEY), AUTH_REFUSED);
  write_file("default.toml", "no toml");
  CHECK(comes(AUTH_OK, "Bearer " ALICE_KEY, "reloads_total{result=\"refused\"} 1\n"));
  unlink(in_folder("default.toml"));
  CHECK(comes(AUTH_OK, "Bearer " ALICE_KEY, "reloads_total{result=\"refused\"} 2\n"));
  write_file("default.toml", TOP("site.db") CHAIN("default", "\"token\""));
  CHECK(comes(AUTH_OK, "Token " ALICE_KEY, "reloads_total{result=\"loaded\"} 2\n"));
}

int main(int argc, char **argv)
{
  make_database("site.db", 1);
  names_keep_their_numbers();
  a_refused_file_changes_nothing();
  the_former_database_is_closed();
  a_hosts_scheme_lives_as_long_as_the_context();
  reloads_under_load(rounds(argc, argv, 100, 1000));
  the_default_context_follows_its_file();
  return check_result();
}
