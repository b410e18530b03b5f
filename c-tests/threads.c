/* Eight threads, and a crowd, ten users, one context: nobody is ever taken for somebody else.
 *   threads [ROUNDS of a thread]     SOAK=1: a million together */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

enum { THREADS = 8, CROWD = 48, USERS = 10, OPEN_REQUESTS = 100 };

static auth_context *context;
static char keys[USERS][64], names[USERS][32], passwords[USERS][32];
static long each;
static long wrong_names, wrong_statuses, verdicts;
static pthread_barrier_t barrier;

static void make_users(void)
{
  int i;
  for (i = 0; i < USERS; i++) {
    auth_new_user user = AUTH_NEW_USER_INIT;
    auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
    auth_user *made = NULL;
    auth_token *token = NULL;
    snprintf(names[i], sizeof names[i], "user-%d", i);
    snprintf(passwords[i], sizeof passwords[i], "password-%d", i);
    user.name = auth_text(names[i]);
    user.password = auth_text(passwords[i]);
    options.user = user.name;
    if (auth_user_create(context, &user, &made) != AUTH_OK || auth_token_create(context, &options, &token) != AUTH_OK)
      broken("users");
    snprintf(keys[i], sizeof keys[i], "%s", auth_token_key(token));
    auth_token_free(token);
    auth_user_free(made);
  }
}

static void in_threads(int n, void *(*work)(void *))
{
  pthread_t threads[CROWD];
  long i;
  for (i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
      broken("pthread_create");
  for (i = 0; i < n; i++)
    pthread_join(threads[i], NULL);
}

static void note(auth_status got, auth_status want, const char *name, const char *expected)
{
  __sync_add_and_fetch(&verdicts, 1);
  if (got != want)
    __sync_add_and_fetch(&wrong_statuses, 1);
  if (name == NULL || strcmp(name, expected) != 0)
    __sync_add_and_fetch(&wrong_names, 1);
}

/* Of a hundred: 90 tokens, 2 passwords, 4 unknown tokens, 4 of nobody. */
static void judge_one(long round, int i, int one_call)
{
  char value[256];
  const char *authorization = value;
  auth_request *request = NULL;
  auth_user *user = NULL;
  auth_status want = AUTH_OK, got;
  snprintf(value, sizeof value, "Token %s", keys[i]);
  if (round % 50 == 7) {
    basic(value, names[i], passwords[i]);
  } else if (round % 25 == 3) {
    value[20] = 'x';
    want = AUTH_REFUSED;
  } else if (round % 25 == 4) {
    authorization = NULL;
    want = AUTH_REFUSED;
  }
  if (one_call) {
    auth_http http = AUTH_HTTP_INIT;
    auth_header header;
    header.name = auth_text("Authorization");
    header.value = auth_text(authorization);
    http.headers = &header;
    http.n_headers = authorization != NULL ? 1 : 0;
    got = auth_authenticate(&http, &user);
    note(got, want, auth_user_name(user), want == AUTH_OK ? names[i] : "");
    auth_user_free(user);
    return;
  }
  got = judge(context, 0, authorization, &request);
  note(got, want, auth_user_name(auth_request_user(request)), want == AUTH_OK ? names[i] : "");
  auth_request_free(request);
}

static void *judge_many(void *number)
{
  unsigned seed = (unsigned)(long)number + 1;
  long round;
  for (round = 0; round < each; round++)
    judge_one(round, (int)(rand_r(&seed) % USERS), (int)(round % 2));
  return NULL;
}

/* All threads meet at the first use of the default context. */
static void *first_use(void *number)
{
  pthread_barrier_wait(&barrier);
  judge_one(0, (int)((long)number % USERS), 1);
  return NULL;
}

/* The context is freed while every thread has requests of it, judged and not. */
static void *outlive_the_context(void *number)
{
  auth_request *requests[OPEN_REQUESTS];
  char value[128];
  int i, mine = (int)((long)number % USERS);
  snprintf(value, sizeof value, "Token %s", keys[mine]);
  for (i = 0; i < OPEN_REQUESTS; i++) {
    requests[i] = request_of(context, "Authorization", value);
    if (i % 2 == 0)
      note(auth_request_authenticate(requests[i], 0), AUTH_OK, names[mine], names[mine]);
  }
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
    auth_context_free(context);
  for (i = 0; i < OPEN_REQUESTS; i++) {
    auth_status got = auth_request_authenticate(requests[i], 0);
    note(got, AUTH_OK, auth_user_name(auth_request_user(requests[i])), names[mine]);
    auth_request_free(requests[i]);
  }
  return NULL;
}

/* All write and read at once. */
static void *write_something(void *number)
{
  long round, i = (long)number;
  for (round = 0; round < 5; round++) {
    char name[32];
    auth_new_user user = AUTH_NEW_USER_INIT;
    auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
    auth_user *made = NULL, *owner = NULL;
    auth_token *token = NULL;
    auth_status got;
    snprintf(name, sizeof name, "writer-%ld-%ld", i, round);
    user.name = options.user = auth_text(name);
    user.flags = AUTH_NEW_NO_PASSWORD;
    options.flags = AUTH_TOKEN_RESET;
    got = auth_user_create(context, &user, &made);
    note(got, AUTH_OK, auth_user_name(made), name);
    got = auth_token_create(context, &options, &token);
    note(got, AUTH_OK, "", "");
    got = auth_token_verify(context, auth_text(NULL), auth_text(auth_token_key(token)), &owner);
    note(got, AUTH_OK, auth_user_name(owner), name);
    auth_token_free(token);
    auth_user_free(owner);
    auth_user_free(made);
    judge_one(round, (int)(i % USERS), 0);
  }
  return NULL;
}

static void expect_verdicts(long n)
{
  CHECK(verdicts == n);
  CHECK(wrong_names == 0);
  CHECK(wrong_statuses == 0);
  if (wrong_names != 0 || wrong_statuses != 0)
    printf("  %ld verdicts, %ld wrong names, %ld wrong statuses\n", verdicts, wrong_names, wrong_statuses);
  verdicts = wrong_names = wrong_statuses = 0;
}

int main(int argc, char **argv)
{
  each = rounds(argc, argv, 20000, 1000000 / THREADS);
  make_database("site.db", 1);
  write_file("authchain.toml", USUAL);
  setenv("AUTHCHAIN_CONFIG", in_folder("authchain.toml"), 1);
  context = open_text(USUAL);
  make_users();
  pthread_barrier_init(&barrier, NULL, THREADS);
  in_threads(THREADS, first_use);
  expect_verdicts(THREADS);
  in_threads(THREADS, judge_many);
  expect_verdicts(THREADS * each);
  in_threads(THREADS, write_something);
  expect_verdicts(THREADS * 5 * 4);
  each = each / CROWD + 1; /* more threads than the library has connections: they have to share */
  in_threads(CROWD, judge_many);
  expect_verdicts(CROWD * each);
  in_threads(THREADS, outlive_the_context);
  expect_verdicts(THREADS * (OPEN_REQUESTS + OPEN_REQUESTS / 2));
  pthread_barrier_destroy(&barrier);
  return check_result();
}
