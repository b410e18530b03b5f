/* Schemes of the host's own: what they may say, and that nothing they do lets in whom the library
 * would not. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

#define CHAINS                                                \
  TOP("site.db") "[chains.default]\nschemes = [\"mine\"]\n" \
                 "[chains.both]\nschemes = [\"mine\", \"token\"]\n"

enum { ALONE, BOTH };

/* What a scheme is told to answer, and what it saw. */
struct told {
  void (*answer)(struct told *, const auth_view *, auth_answer *);
  auth_status status; /* of the last auth_answer_… */
  int calls, ends;
  int inside, together, most; /* threads */
};

static void authenticate(void *data, const auth_view *view, auth_answer *answer)
{
  struct told *told = (struct told *)data;
  told->answer(told, view, answer);
}

static void count_end(void *data)
{
  ((struct told *)data)->ends++;
}

static auth_scheme scheme_of(struct told *told, const char *challenge)
{
  auth_scheme scheme = AUTH_SCHEME_INIT;
  scheme.name = auth_text("mine");
  scheme.challenge = auth_text(challenge);
  scheme.authenticate = authenticate;
  scheme.destroy = count_end;
  scheme.data = told;
  return scheme;
}

/* ---- the guide's example ----------------------------------------------------------------- */

/* DRF's ExampleAuthentication: the name stands in a header, and there has to be such a user. */
static void x_username(struct told *told, const auth_view *view, auth_answer *answer)
{
  auth_str name;
  if (auth_view_header(view, auth_text("X-USERNAME"), &name) == AUTH_OK && name.len > 0)
    told->status = auth_answer_user(answer, name);
  else
    told->status = auth_answer_pass(answer);
}

/* One verdict of a context on an X-USERNAME. */
static void expect(const auth_context *context, const char *name, auth_status status, uint32_t http,
                   const char *challenge, const char *body)
{
  auth_request *request = request_of(context, "x-username", name);
  const auth_response *response;
  int before = check_counts[0];
  CHECK_STATUS(auth_request_authenticate(request, ALONE), status);
  response = auth_request_response(request);
  CHECK(auth_response_status(response) == http);
  CHECK_TEXT(header_of(response, "WWW-Authenticate"), challenge);
  CHECK_TEXT(auth_response_body(response), body);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), status == AUTH_OK ? name : "");
  CHECK_TEXT(auth_user_scheme(auth_request_user(request)), status == AUTH_OK ? "mine" : NULL);
  CHECK(auth_user_auth(auth_request_user(request)) == NULL);
  auth_request_free(request);
  if (check_counts[0] != before)
    printf("  that was %s\n", name ? name : "(none)");
}

static void the_guides_example(const char *challenge)
{
  struct told told = {x_username, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, challenge);
  auth_context *context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  uint32_t no = challenge != NULL ? 401 : 403;
  expect(context, "alice", AUTH_OK, 200, NULL, "");
  expect(context, "nobody there", AUTH_REFUSED, no, challenge, "{\"detail\":\"No such user\"}");
  expect(context, "inactive", AUTH_REFUSED, no, challenge, "{\"detail\":\"User inactive or deleted.\"}");
  expect(context, NULL, AUTH_REFUSED, no, challenge,
         "{\"detail\":\"Authentication credentials were not provided.\"}");
  expect(context, "\xff", AUTH_ESTORE, 503, NULL,
         "{\"detail\":\"Service temporarily unavailable, try again later.\"}");
  auth_context_free(context);
  CHECK(told.ends == 1);
}

/* ---- every kind of answer ---------------------------------------------------------------- */

static void says_nothing(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)told, (void)view, (void)answer;
}

static void says_pass(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)view;
  told->status = auth_answer_pass(answer);
}

static void says_refuse(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)view;
  told->status = auth_answer_refuse(answer, auth_text("Not \"today\""));
}

static void says_refuse_empty(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)view;
  told->status = auth_answer_refuse(answer, auth_text(NULL));
}

static void says_broken(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)view;
  told->status = auth_answer_broken(answer, auth_text("the back end\nis down"));
}

static void says_alice(struct told *told, const auth_view *view, auth_answer *answer)
{
  (void)view;
  told->status = auth_answer_user(answer, auth_text("alice"));
}

static void says_alice_then_refuses(struct told *told, const auth_view *view, auth_answer *answer)
{
  says_alice(told, view, answer);
  says_refuse(told, view, answer);
}

static void refuses_then_says_alice(struct told *told, const auth_view *view, auth_answer *answer)
{
  says_refuse(told, view, answer);
  says_alice(told, view, answer);
}

static void says_alice_then_nonsense(struct told *told, const auth_view *view, auth_answer *answer)
{
  static const auth_str nonsense = AUTH_STR("\xff\xfe");
  says_alice(told, view, answer);
  told->status = auth_answer_user(answer, nonsense);
}

static void says_alice_then_half(struct told *told, const auth_view *view, auth_answer *answer)
{
  static const auth_str half = AUTH_STR("alice\0root");
  says_alice(told, view, answer);
  told->status = auth_answer_user(answer, half);
}

static void says_alice_then_nobody(struct told *told, const auth_view *view, auth_answer *answer)
{
  says_alice(told, view, answer);
  told->status = auth_answer_user(answer, auth_text(""));
}

static void refuses_with_nonsense(struct told *told, const auth_view *view, auth_answer *answer)
{
  static const auth_str nonsense = AUTH_STR("\xff");
  says_alice(told, view, answer);
  told->status = auth_answer_refuse(answer, nonsense);
}

static void is_broken_with_nonsense(struct told *told, const auth_view *view, auth_answer *answer)
{
  static const auth_str nonsense = AUTH_STR("\xff");
  says_alice(told, view, answer);
  told->status = auth_answer_broken(answer, nonsense);
}

struct row {
  void (*answer)(struct told *, const auth_view *, auth_answer *);
  auth_status said;    /* to the scheme */
  auth_status verdict; /* to the host */
  const char *body;    /* with a refusal */
  const char *failure; /* a part, with a failure */
};

#define OPEN_BODY "{\"detail\":\"Authentication credentials were not provided.\"}"

static const struct row rows[] = {
  {says_alice, AUTH_OK, AUTH_OK, "", NULL},
  {says_pass, AUTH_OK, AUTH_REFUSED, OPEN_BODY, NULL},
  {says_refuse, AUTH_OK, AUTH_REFUSED, "{\"detail\":\"Not \\\"today\\\"\"}", NULL},
  {says_refuse_empty, AUTH_OK, AUTH_REFUSED, "{\"detail\":\"\"}", NULL},
  {says_broken, AUTH_OK, AUTH_ESTORE, NULL, "mine: the back end\nis down"},
  {says_nothing, AUTH_OK, AUTH_ESTORE, NULL, "mine gave no answer"},
  {says_alice_then_refuses, AUTH_OK, AUTH_REFUSED, "{\"detail\":\"Not \\\"today\\\"\"}", NULL},
  {refuses_then_says_alice, AUTH_OK, AUTH_OK, "", NULL},
  {says_alice_then_nonsense, AUTH_EINVAL, AUTH_ESTORE, NULL, "mine gave no answer"},
  {says_alice_then_half, AUTH_EINVAL, AUTH_ESTORE, NULL, "mine gave no answer"},
  {says_alice_then_nobody, AUTH_EINVAL, AUTH_ESTORE, NULL, "mine gave no answer"},
  {refuses_with_nonsense, AUTH_EINVAL, AUTH_ESTORE, NULL, "mine gave no answer"},
  {is_broken_with_nonsense, AUTH_EINVAL, AUTH_ESTORE, NULL, "mine gave no answer"},
};

static void answer_counts(const struct row *row)
{
  struct told told = {row->answer, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, "Mine");
  auth_context *context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  auth_request *request = request_of(context, "Authorization", "Token " ALICE_KEY);
  int before = check_counts[0];
  CHECK_STATUS(auth_request_authenticate(request, ALONE), row->verdict);
  CHECK_STATUS(told.status, row->said);
  if (row->failure != NULL) {
    const char *failure = auth_request_failure(request);
    CHECK(failure != NULL && strstr(failure, row->failure) != NULL);
    CHECK(strchr(auth_request_log(request), '\n') == NULL);
    CHECK(auth_response_status(auth_request_response(request)) == 503);
    /* A failure ends the chain: the token behind it is right, and does not let in. */
    CHECK_STATUS(auth_request_authenticate(request, BOTH), AUTH_ESTORE);
  } else {
    CHECK_TEXT(auth_response_body(auth_request_response(request)), row->body);
    CHECK_STATUS(auth_request_authenticate(request, BOTH), row->answer == says_pass ? AUTH_OK : row->verdict);
  }
  if (check_counts[0] != before)
    printf("  that was row %d\n", (int)(row - rows));
  auth_request_free(request);
  auth_context_free(context);
}

/* ---- what a scheme sees ------------------------------------------------------------------ */

static int is_text(auth_str got, const char *want)
{
  return got.len == strlen(want) && memcmp(got.ptr, want, got.len) == 0;
}

static void looks_around(struct told *told, const auth_view *view, auth_answer *answer)
{
  auth_str first, second, missing;
  fill_garbage(&missing, sizeof missing);
  CHECK(is_text(auth_view_method(view), "PUT"));
  CHECK(is_text(auth_view_target(view), "/a%20b?c=d"));
  CHECK(is_text(auth_view_host(view), "example.org"));
  CHECK(is_text(auth_view_peer(view), "192.0.2.1"));
  CHECK(is_text(auth_view_remote_user(view), "vera"));
  CHECK_STATUS(auth_view_header(view, auth_text("x-one"), &first), AUTH_OK);
  CHECK_STATUS(auth_view_header(view, auth_text("X-TWO"), &second), AUTH_OK);
  CHECK(is_text(first, "1"));
  CHECK(is_text(second, "2,two"));
  CHECK_STATUS(auth_view_header(view, auth_text("X-Three"), &missing), AUTH_REFUSED);
  CHECK_STATUS(auth_view_header(view, auth_text(""), &missing), AUTH_REFUSED);
  CHECK_STATUS(auth_view_header(view, auth_text("X-One"), NULL), AUTH_EINVAL);
  CHECK(is_garbage(&missing, sizeof missing));
  told->calls++;
  says_pass(told, view, answer);
}

static void a_scheme_sees_the_request(void)
{
  struct told told = {looks_around, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, NULL);
  auth_context *context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  http.method = auth_text("PUT");
  http.target = auth_text("/a%20b?c=d");
  http.host = auth_text("example.org");
  http.peer = auth_text("192.0.2.1");
  http.remote_user = auth_text("vera");
  http.header_block = auth_text("X-One: 1\r\nx-two: 2\r\nX-Two: two\r\n");
  CHECK_STATUS(auth_request_new(context, &http, &request), AUTH_OK);
  CHECK_STATUS(auth_request_authenticate(request, ALONE), AUTH_REFUSED);
  CHECK_STATUS(auth_request_authenticate(request, ALONE), AUTH_REFUSED);
  CHECK(told.calls == 1); /* the verdict is remembered */
  auth_request_free(request);
  auth_context_free(context);
}

/* A scheme may use the library: it has its own data in the same database, say. */
static void asks_the_library(struct told *told, const auth_view *view, auth_answer *answer)
{
  const auth_context *other = (const auth_context *)*(auth_context *const *)(told + 1);
  auth_user *user = NULL;
  (void)view;
  CHECK_STATUS(auth_token_verify(other, auth_text(NULL), auth_text(ALICE_KEY), &user), AUTH_OK);
  told->status = auth_answer_user(answer, auth_text(auth_user_name(user)));
  auth_user_free(user);
}

static void a_scheme_may_call_the_library(void)
{
  struct { struct told told; auth_context *other; } both;
  auth_scheme scheme = scheme_of(&both.told, NULL);
  auth_context *context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  memset(&both, 0, sizeof both);
  both.told.answer = asks_the_library;
  both.other = context; /* its own, even */
  expect(context, "alice", AUTH_OK, 200, NULL, "");
  auth_context_free(context);
}

/* ---- threads ----------------------------------------------------------------------------- */

static void takes_a_moment(struct told *told, const auth_view *view, auth_answer *answer)
{
  int inside = __sync_add_and_fetch(&told->inside, 1);
  (void)view;
  if (inside > 1)
    __sync_add_and_fetch(&told->together, 1);
  usleep(1000);
  __sync_sub_and_fetch(&told->inside, 1);
  __sync_add_and_fetch(&told->calls, 1);
  auth_answer_user(answer, auth_text("alice"));
}

static void *judge_often(void *data)
{
  const auth_context *context = (const auth_context *)data;
  int i;
  for (i = 0; i < 25; i++) {
    auth_request *request = request_of(context, "A", "b");
    CHECK_STATUS(auth_request_authenticate(request, ALONE), AUTH_OK);
    auth_request_free(request);
  }
  return NULL;
}

/* With the flag no two threads are inside together; without it they are (so that this can fail). */
static void one_thread(uint32_t flags, int alone)
{
  struct told told = {takes_a_moment, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, NULL);
  auth_context *context;
  pthread_t threads[4];
  int i;
  scheme.flags = flags;
  context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  for (i = 0; i < 4; i++)
    if (pthread_create(&threads[i], NULL, judge_often, context) != 0)
      broken("pthread_create");
  for (i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  CHECK(told.calls == 100);
  CHECK((told.together == 0) == alone);
  auth_context_free(context);
}

/* ---- the end of a scheme ----------------------------------------------------------------- */

static auth_status open_status(const char *toml, const auth_scheme *schemes, size_t n)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context = NULL;
  auth_status status;
  options.text = auth_text(toml);
  options.schemes = schemes;
  options.n_schemes = n;
  status = auth_context_open(&options, &context, NULL);
  auth_context_free(context);
  return status;
}

static void destroy_is_called_once(void)
{
  struct told told = {says_alice, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, NULL);
  auth_context *context = open_with(CHAINS, &scheme, 1, NULL, NULL);
  auth_request *request = request_of(context, "A", "b");
  auth_user *user;
  memset(&scheme, 0xA5, sizeof scheme); /* it was copied */
  CHECK_STATUS(auth_request_authenticate(request, ALONE), AUTH_OK);
  auth_context_free(context);
  CHECK(told.ends == 0); /* the request still needs it */
  CHECK_STATUS(auth_request_authenticate(request, BOTH), AUTH_OK);
  user = auth_user_clone(auth_request_user(request));
  auth_request_free(request);
  auth_user_free(user);
  CHECK(told.ends == 1);
}

static void destroy_after_a_refused_configuration(void)
{
  struct told told = {says_alice, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, NULL);
  CHECK_STATUS(open_status("nonsense", &scheme, 1), AUTH_ECONFIG);
  CHECK(told.ends == 1);
  CHECK_STATUS(open_status(CHAINS "[chains.x]\nschemes = [\"unknown\"]\n", &scheme, 1), AUTH_ECONFIG);
  CHECK(told.ends == 2);
  CHECK_STATUS(open_status(USUAL, &scheme, 1), AUTH_OK); /* a scheme that no chain names */
  CHECK(told.ends == 3);
  scheme.destroy = NULL;
  CHECK_STATUS(open_status(CHAINS, &scheme, 1), AUTH_OK);
  CHECK(told.ends == 3);
}

/* A broken contract takes over nothing, so nothing ends. */
static void refused(auth_scheme *schemes, size_t n, auth_status want)
{
  struct told *told = (struct told *)schemes[0].data;
  int before = check_counts[0];
  CHECK_STATUS(open_status(CHAINS, schemes, n), want);
  CHECK(told->ends == 0);
  if (check_counts[0] != before)
    printf("  that was a scheme \"%.*s\"\n", (int)schemes[0].name.len, schemes[0].name.ptr);
}

static void odd_schemes(void)
{
  static const char *const names[] = {"basic", "token", "", "min\xff"};
  static const char *const challenges[] = {"M\r\nX: y", "M\xc3\xa9", "M\x7f", "\x01"};
  struct told told = {says_alice, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme two[2];
  size_t i;
  int bit;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    two[0] = scheme_of(&told, NULL);
    two[0].name = auth_text(names[i]);
    refused(two, 1, AUTH_EINVAL);
  }
  for (i = 0; i < sizeof challenges / sizeof *challenges; i++) {
    two[0] = scheme_of(&told, challenges[i]);
    refused(two, 1, AUTH_EINVAL);
  }
  for (bit = 0; bit < 32; bit++) {
    two[0] = scheme_of(&told, NULL);
    two[0].flags = (uint32_t)1 << bit;
    if (bit >= 2)
      refused(two, 1, AUTH_EINVAL);
  }
  two[0] = scheme_of(&told, NULL);
  two[0].reserved = 1;
  refused(two, 1, AUTH_EINVAL);
  two[0] = scheme_of(&told, NULL);
  two[0].authenticate = NULL;
  refused(two, 1, AUTH_EINVAL);
  two[0] = two[1] = scheme_of(&told, NULL);
  refused(two, 2, AUTH_EINVAL); /* two of one name */
  two[0] = two[1] = scheme_of(&told, NULL);
  two[1].name = auth_text("basic");
  refused(two, 2, AUTH_EINVAL); /* none of them unless all are good */
  two[0] = scheme_of(&told, NULL);
  two[0].size = 72 - 8;
  refused(two, 1, AUTH_EINVAL);
  two[0].size = sizeof *two + 4; /* elements would not be aligned */
  refused(two, 1, AUTH_EINVAL);
  two[0].size = 4104;
  refused(two, 1, AUTH_EINVAL);
  two[0].size = sizeof *two + 8; /* of a newer header, with something in it that is not known here */
  refused(two, 1, AUTH_ENOTSUP);
  two[0] = two[1] = scheme_of(&told, NULL);
  two[1].name = auth_text("other");
  two[1].size = 72; /* not the size of the first */
  refused(two, 2, AUTH_EINVAL);
}

/* An array of an older header has smaller elements, one of a newer header larger ones. */
static void other_headers(size_t size)
{
  struct told told[2] = {{says_alice, AUTH_OK, 0, 0, 0, 0, 0}, {says_pass, AUTH_OK, 0, 0, 0, 0, 0}};
  char memory[2 * 128] __attribute__((aligned(8)));
  auth_context *context;
  auth_request *request;
  size_t i;
  memset(memory, 0, sizeof memory);
  for (i = 0; i < 2; i++) {
    auth_scheme scheme = scheme_of(&told[i], NULL);
    scheme.size = size;
    scheme.name = auth_text(i == 0 ? "other" : "mine");
    memcpy(memory + i * size, &scheme, size < sizeof scheme ? size : sizeof scheme);
  }
  context = open_with(TOP("site.db") "[chains.default]\nschemes = [\"mine\", \"other\"]\n", (auth_scheme *)memory, 2, NULL,
                      NULL);
  request = request_of(context, "A", "b");
  CHECK_STATUS(auth_request_authenticate(request, ALONE), AUTH_OK);
  CHECK_TEXT(auth_user_scheme(auth_request_user(request)), "other");
  auth_request_free(request);
  auth_context_free(context);
  CHECK(told[0].ends == 1 && told[1].ends == 1);
}

/* ---- options of a host's scheme ----------------------------------------------------------- */

/* Every scheme that is made gets a copy of `data` in which to count. */
static struct told *made_last;

static int configure(void *data, const auth_settings *settings, void **made)
{
  struct told *told = (struct told *)data, *own = (struct told *)malloc(sizeof *own);
  int64_t calls = 0;
  CHECK(own != NULL && *made == NULL);
  CHECK_TEXT(auth_settings_scheme(settings), "mine");
  *own = *told;
  told->calls++;
  auth_settings_integer(settings, auth_text("calls"), 0, 100, &calls);
  own->calls = (int)calls;
  *made = made_last = own;
  return AUTH_OK;
}

static struct told *of_hosts;

static void count_end_of_made(void *made)
{
  CHECK(made != of_hosts);
  of_hosts->ends++;
  free(made);
}

static void options_go_to_configure(void)
{
  static const char *const tables[] = {"", "[schemes.mine]\n", "[schemes.mine]\ncalls = 7\n"};
  struct told told = {says_alice, AUTH_OK, 0, 0, 0, 0, 0};
  auth_scheme scheme = scheme_of(&told, NULL);
  char toml[1024];
  int i;
  of_hosts = &told;
  scheme.configure = configure;
  scheme.destroy = count_end_of_made;
  for (i = 0; i < 3; i++) {
    auth_context *context;
    snprintf(toml, sizeof toml, CHAINS "%s", tables[i]);
    context = open_with(toml, &scheme, 1, NULL, NULL);
    CHECK(told.calls == i + 1 && told.ends == i); /* one for both chains */
    CHECK(made_last->calls == (i == 2 ? 7 : 0));
    expect(context, "alice", AUTH_OK, 200, NULL, "");
    auth_context_free(context);
    CHECK(told.ends == i + 1);
  }
  /* A scheme that no chain and no table names is never made. */
  CHECK_STATUS(open_status(USUAL, &scheme, 1), AUTH_OK);
  CHECK(told.calls == 3 && told.ends == 3);
  CHECK_STATUS(open_status(CHAINS "[schemes.mine]\ncalls = 101\n", &scheme, 1), AUTH_ECONFIG);
  CHECK_STATUS(open_status(CHAINS "[schemes.mine]\nother = 1\n", &scheme, 1), AUTH_ECONFIG);
  CHECK_STATUS(open_status(CHAINS "[chains.more]\nschemes = [{ scheme = \"mine\", other = 1 }]\n", &scheme, 1), AUTH_ECONFIG);
  CHECK_STATUS(open_status(CHAINS "[chains.more]\nschemes = [{ scheme = \"mine\", calls = 3 }]\n", &scheme, 1), AUTH_OK);
  CHECK(made_last != NULL && told.calls == 3 + 1 + 1 + 2 + 2 && told.ends == told.calls);
  /* A fault behind it: what was made is not leaked. */
  CHECK_STATUS(open_status(CHAINS "[chains.x]\nschemes = [\"unknown\"]\n", &scheme, 1), AUTH_ECONFIG);
  CHECK(told.ends == told.calls);
}

int main(void)
{
  size_t i;
  make_database("site.db", 0);
  the_guides_example(NULL);
  the_guides_example("X-Username");
  for (i = 0; i < sizeof rows / sizeof *rows; i++)
    answer_counts(&rows[i]);
  a_scheme_sees_the_request();
  a_scheme_may_call_the_library();
  one_thread(AUTH_SCHEME_ONE_THREAD, 1);
  one_thread(0, 0);
  destroy_is_called_once();
  destroy_after_a_refused_configuration();
  odd_schemes();
  other_headers(72);
  other_headers(sizeof(auth_scheme));
  other_headers(sizeof(auth_scheme) + 16);
  options_go_to_configure();
  return check_result();
}
