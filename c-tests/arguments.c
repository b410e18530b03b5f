/* Whatever a caller hands in, it is refused by a status: nothing is read that was not promised,
 * and outputs stay untouched. Run under sanitizers and valgrind as well. */
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

#define MIB ((size_t)1 << 20)

/* A call with an output that must stay as uninitialised as it was. */
#define REFUSES(type, want, call)           \
  do {                                      \
    type out;                               \
    fill_garbage(&out, sizeof out);         \
    CHECK_STATUS(call, want);               \
    CHECK(is_garbage(&out, sizeof out));    \
  } while (0)

static auth_context *context;
static auth_str none; /* all zero: the empty text */

static auth_str str(const char *ptr, size_t len)
{
  auth_str made;
  made.ptr = ptr;
  made.len = len;
  return made;
}

/* Memory that ends where the process may not read on. */
static void *edge(size_t size)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + 7) / 8 * 8;
  size_t pages = room / page + 1;
  char *start = (char *)mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == (char *)MAP_FAILED || mprotect(start + pages * page, page, PROT_NONE) != 0)
    broken("mmap");
  return start + pages * page - room;
}

/* ---- NULL -------------------------------------------------------------------------------- */

static void null_contexts(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  options.text = auth_text(USUAL);
  CHECK_STATUS(auth_context_open(NULL, NULL, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_context_open(&options, NULL, NULL), AUTH_EINVAL);
  REFUSES(auth_report *, AUTH_EINVAL, auth_context_open(&options, NULL, &out));
  REFUSES(auth_context *, AUTH_EINVAL, auth_context_open(NULL, &out, NULL));
  CHECK_STATUS(auth_config_check(NULL, NULL), AUTH_EINVAL);
  REFUSES(auth_report *, AUTH_EINVAL, auth_config_check(NULL, &out));
  CHECK_STATUS(auth_config_check(&options, NULL), AUTH_OK);
  REFUSES(auth_report *, AUTH_OK, auth_config_check(&options, &out));
  CHECK_STATUS(auth_default_context(NULL, NULL), AUTH_EINVAL);
  REFUSES(auth_report *, AUTH_EINVAL, auth_default_context(NULL, &out));
  CHECK_STATUS(auth_context_chain(NULL, auth_text("default"), NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_context_chain(context, auth_text("default"), NULL), AUTH_EINVAL);
  REFUSES(uint32_t, AUTH_EINVAL, auth_context_chain(NULL, auth_text("default"), &out));
  REFUSES(uint32_t, AUTH_ECONFIG, auth_context_chain(context, auth_text("other"), &out));
  REFUSES(uint32_t, AUTH_ECONFIG, auth_context_chain(context, none, &out));
  CHECK_STATUS(auth_context_endpoint(context, auth_text("obtain_auth_token"), NULL), AUTH_EINVAL);
  REFUSES(uint32_t, AUTH_EINVAL, auth_context_endpoint(NULL, auth_text("obtain_auth_token"), &out));
  REFUSES(uint32_t, AUTH_ECONFIG, auth_context_endpoint(context, auth_text("default"), &out));
  REFUSES(uint32_t, AUTH_ECONFIG, auth_context_endpoint(context, none, &out));
  CHECK_STATUS(auth_context_reload(NULL, NULL), AUTH_EINVAL);
  REFUSES(auth_report *, AUTH_EINVAL, auth_context_reload(NULL, &out));
  REFUSES(auth_report *, AUTH_OK, auth_context_reload(context, &out));
  CHECK_STATUS(auth_context_tick(NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_context_tick(context), AUTH_OK);
  CHECK(auth_context_wants_tick(NULL) == 0);
  CHECK(auth_context_wants_tick(context) == 0);
  CHECK_STATUS(auth_context_metrics(context, NULL), AUTH_EINVAL);
  REFUSES(auth_metrics *, AUTH_EINVAL, auth_context_metrics(NULL, &out));
  CHECK(auth_metrics_text(NULL) == NULL);
  auth_metrics_free(NULL);
}

static void null_requests(void)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = request_of(context, "A", "b");
  const char *name = NULL, *user = NULL;
  int what = 0;
  CHECK_STATUS(auth_authenticate(NULL, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_authenticate(&http, NULL), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_authenticate(NULL, &out));
  CHECK_STATUS(auth_request_new(NULL, NULL, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_request_new(context, &http, NULL), AUTH_EINVAL);
  REFUSES(auth_request *, AUTH_EINVAL, auth_request_new(NULL, &http, &out));
  REFUSES(auth_request *, AUTH_EINVAL, auth_request_new(context, NULL, &out));
  CHECK_STATUS(auth_request_authenticate(NULL, 0), AUTH_EINVAL);
  CHECK_STATUS(auth_request_authenticate(request, 1), AUTH_ECONFIG);
  CHECK_STATUS(auth_request_authenticate(request, UINT32_MAX), AUTH_ECONFIG);
  CHECK(auth_request_wants(NULL, 0) == 0);
  CHECK(auth_request_wants(request, 0) == 0);
  CHECK(auth_request_wants(request, UINT32_MAX) == 0);
  CHECK(auth_request_edits(NULL) == NULL && auth_edits_count(NULL) == 0);
  CHECK_STATUS(auth_edits_at(NULL, 0, &what, &name, &user), AUTH_EINVAL);
  CHECK_STATUS(auth_edits_at(auth_request_edits(request), 0, NULL, &name, &user), AUTH_EINVAL);
  CHECK_STATUS(auth_edits_at(auth_request_edits(request), 0, &what, NULL, &user), AUTH_EINVAL);
  CHECK_STATUS(auth_edits_at(auth_request_edits(request), 0, &what, &name, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_edits_at(auth_request_edits(request), SIZE_MAX, &what, &name, &user), AUTH_REFUSED);
  CHECK(auth_edits_lines(NULL, AUTH_HEADER_REMOVE) == NULL && auth_edits_lines(NULL, AUTH_HEADER_ADD) == NULL);
  CHECK(auth_edits_lines(auth_request_edits(request), 0) == NULL && auth_edits_lines(auth_request_edits(request), 3) == NULL);
  CHECK_STATUS(auth_request_event(NULL, 0, &name, &user), AUTH_EINVAL);
  CHECK_STATUS(auth_request_event(request, 0, NULL, &user), AUTH_EINVAL);
  CHECK_STATUS(auth_request_event(request, 0, &name, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_request_event(request, SIZE_MAX, &name, &user), AUTH_REFUSED);
  CHECK(what == 0 && name == NULL && user == NULL);
  CHECK_STATUS(auth_request_serve(NULL, 0), AUTH_EINVAL);
  CHECK_STATUS(auth_request_serve(request, 0), AUTH_ECONFIG); /* a chain is no endpoint */
  CHECK_STATUS(auth_request_serve(request, UINT32_MAX), AUTH_ECONFIG);
  CHECK_STATUS(auth_request_feed_body(NULL, none, 0), AUTH_EINVAL);
  CHECK_STATUS(auth_request_feed_body(request, str(NULL, 7), 0), AUTH_EINVAL);
  CHECK_STATUS(auth_request_feed_body(request, none, 0), AUTH_OK);
  CHECK_STATUS(auth_request_feed_body(request, auth_text("body"), 1), AUTH_OK);
  CHECK_STATUS(auth_request_feed_body(request, auth_text("more"), 1), AUTH_EINVAL);
  CHECK_STATUS(auth_request_deny(NULL, none), AUTH_EINVAL);
  CHECK_STATUS(auth_request_deny(request, none), AUTH_EINVAL); /* not judged yet */
  CHECK_STATUS(auth_csrf_token(request, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_request_assert(request, auth_text("app"), NULL), AUTH_EINVAL);
  REFUSES(auth_assertion *, AUTH_EINVAL, auth_request_assert(NULL, auth_text("app"), &out));
  REFUSES(auth_assertion *, AUTH_EINVAL, auth_request_assert(request, str(NULL, 3), &out));
  REFUSES(auth_assertion *, AUTH_ENOTSUP, auth_request_assert(request, auth_text("app"), &out)); /* no [assertion] */
  auth_request_free(request);
}

static void null_accounts(void)
{
  auth_token_options token = AUTH_TOKEN_OPTIONS_INIT;
  auth_new_user user = AUTH_NEW_USER_INIT;
  auth_str name = auth_text("alice");
  CHECK_STATUS(auth_token_create(context, &token, NULL), AUTH_EINVAL);
  REFUSES(auth_token *, AUTH_EINVAL, auth_token_create(NULL, &token, &out));
  REFUSES(auth_token *, AUTH_EINVAL, auth_token_create(context, NULL, &out));
  CHECK_STATUS(auth_token_verify(context, none, name, NULL), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_token_verify(NULL, none, name, &out));
  CHECK_STATUS(auth_token_revoke(NULL, none, name), AUTH_EINVAL);
  CHECK_STATUS(auth_token_revoke_all(NULL, none, name, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_token_refresh(context, none, name, NULL), AUTH_EINVAL);
  REFUSES(auth_token *, AUTH_EINVAL, auth_token_refresh(NULL, none, name, &out));
  CHECK_STATUS(auth_token_list(context, none, name, NULL), AUTH_EINVAL);
  REFUSES(auth_tokens *, AUTH_EINVAL, auth_token_list(NULL, none, name, &out));
  CHECK_STATUS(auth_user_lookup(context, AUTH_BY_NAME, name, NULL), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(NULL, AUTH_BY_NAME, name, &out));
  CHECK_STATUS(auth_user_create(context, &user, NULL), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_user_create(NULL, &user, &out));
  REFUSES(auth_user *, AUTH_EINVAL, auth_user_create(context, NULL, &out));
  CHECK_STATUS(auth_password_check(context, name, name, NULL), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_password_check(NULL, name, name, &out));
  CHECK_STATUS(auth_password_set(NULL, name, name), AUTH_EINVAL);
}

static void null_sessions_and_signatures(void)
{
  auth_session_options session = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  auth_str text = auth_text("alice");
  CHECK_STATUS(auth_session_create(context, &session, NULL), AUTH_EINVAL);
  REFUSES(auth_session *, AUTH_EINVAL, auth_session_create(NULL, &session, &out));
  REFUSES(auth_session *, AUTH_EINVAL, auth_session_create(context, NULL, &out));
  CHECK_STATUS(auth_session_end(context, text, NULL), AUTH_EINVAL);
  REFUSES(auth_session *, AUTH_EINVAL, auth_session_end(NULL, text, &out));
  REFUSES(auth_csrf *, AUTH_EINVAL, auth_csrf_token(NULL, &out));
  CHECK_STATUS(auth_sign(context, &sign, text, NULL), AUTH_EINVAL);
  REFUSES(auth_signed *, AUTH_EINVAL, auth_sign(NULL, &sign, text, &out));
  REFUSES(auth_signed *, AUTH_EINVAL, auth_sign(context, NULL, text, &out));
  CHECK_STATUS(auth_unsign(context, &sign, text, NULL), AUTH_EINVAL);
  REFUSES(auth_signed *, AUTH_EINVAL, auth_unsign(NULL, &sign, text, &out));
  REFUSES(auth_signed *, AUTH_EINVAL, auth_unsign(context, NULL, text, &out));
}

static void null_schemes(void)
{
  CHECK_STATUS(auth_view_header(NULL, auth_text("A"), NULL), AUTH_EINVAL);
  REFUSES(auth_str, AUTH_EINVAL, auth_view_header(NULL, auth_text("A"), &out));
  CHECK(auth_view_method(NULL).len == 0);
  CHECK(auth_view_target(NULL).len == 0);
  CHECK(auth_view_host(NULL).len == 0);
  CHECK(auth_view_peer(NULL).len == 0);
  CHECK(auth_view_remote_user(NULL).len == 0);
  CHECK_STATUS(auth_answer_user(NULL, auth_text("alice")), AUTH_EINVAL);
  CHECK_STATUS(auth_answer_refuse(NULL, auth_text("no")), AUTH_EINVAL);
  CHECK_STATUS(auth_answer_pass(NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_answer_broken(NULL, auth_text("down")), AUTH_EINVAL);
  CHECK(auth_settings_scheme(NULL) == NULL);
  CHECK(auth_settings_count(NULL) == 0);
  CHECK(auth_settings_name(NULL, 0) == NULL);
  REFUSES(const char *, AUTH_EINVAL, auth_settings_text(NULL, auth_text("a"), &out));
  REFUSES(int64_t, AUTH_EINVAL, auth_settings_integer(NULL, auth_text("a"), 0, 1, &out));
  REFUSES(int, AUTH_EINVAL, auth_settings_boolean(NULL, auth_text("a"), &out));
  CHECK_STATUS(auth_settings_refuse(NULL, auth_text("a"), none), AUTH_EINVAL);
}

/* Inside `configure`: names and outputs that are none. */
static int odd_questions(void *data, const auth_settings *settings, void **made)
{
  auth_str huge = str("a", SIZE_MAX), bad = str("\xff", 1), null = str(NULL, 3);
  (void)made;
  CHECK_STATUS(auth_settings_text(settings, auth_text("a"), NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_settings_integer(settings, auth_text("a"), 0, 1, NULL), AUTH_EINVAL);
  CHECK_STATUS(auth_settings_boolean(settings, auth_text("a"), NULL), AUTH_EINVAL);
  REFUSES(const char *, AUTH_EINVAL, auth_settings_text(settings, huge, &out));
  REFUSES(const char *, AUTH_EINVAL, auth_settings_text(settings, bad, &out));
  REFUSES(const char *, AUTH_EINVAL, auth_settings_text(settings, null, &out));
  REFUSES(int64_t, AUTH_EINVAL, auth_settings_integer(settings, bad, 0, 1, &out));
  REFUSES(int, AUTH_EINVAL, auth_settings_boolean(settings, null, &out));
  REFUSES(const char *, AUTH_REFUSED, auth_settings_text(settings, none, &out));
  REFUSES(const char *, AUTH_REFUSED, auth_settings_text(settings, auth_text("b"), &out));
  REFUSES(int64_t, AUTH_REFUSED, auth_settings_integer(settings, auth_text("b"), 0, 1, &out));
  REFUSES(int, AUTH_REFUSED, auth_settings_boolean(settings, auth_text("b"), &out));
  CHECK_STATUS(auth_settings_refuse(settings, bad, none), AUTH_EINVAL);
  CHECK_STATUS(auth_settings_refuse(settings, auth_text("a"), huge), AUTH_EINVAL);
  CHECK(auth_settings_name(settings, 1) == NULL);
  CHECK(auth_settings_name(settings, SIZE_MAX) == NULL);
  ++*(int *)data;
  REFUSES(int64_t, AUTH_ECONFIG, auth_settings_integer(settings, auth_text("a"), 1, 0, &out)); /* no number fits */
  return AUTH_OK;
}

static void never_asked(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view, (void)answer;
}

static void odd_settings(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  int asked = 0;
  scheme.name = auth_text("mine");
  scheme.authenticate = never_asked;
  scheme.configure = odd_questions;
  scheme.data = &asked;
  options.text = auth_text(USUAL "[schemes.mine]\na = 1\n");
  options.schemes = &scheme;
  options.n_schemes = 1;
  CHECK_STATUS(auth_config_check(&options, NULL), AUTH_ECONFIG);
  CHECK(asked == 1);
}

static void null_accessors(void)
{
  const char *name, *value;
  CHECK(auth_report_file(NULL) == NULL);
  CHECK(auth_report_line(NULL) == 0);
  CHECK(auth_report_column(NULL) == 0);
  CHECK(auth_report_text(NULL) == NULL);
  CHECK(auth_report_remedy(NULL) == NULL);
  CHECK(auth_report_message(NULL) == NULL);
  CHECK(auth_request_user(NULL) == NULL);
  CHECK(auth_request_log(NULL) == NULL);
  CHECK(auth_request_failure(NULL) == NULL);
  CHECK(auth_response_status(auth_request_response(NULL)) == 503);
  CHECK(auth_response_status(NULL) == 503);
  CHECK(auth_response_body(NULL) == NULL && auth_response_lines(NULL) == NULL);
  CHECK_STATUS(auth_response_header(NULL, 0, &name, &value), AUTH_EINVAL);
  REFUSES(const char *, AUTH_EINVAL, auth_response_header(auth_user_response(NULL), 0, &out, NULL));
  REFUSES(const char *, AUTH_EINVAL, auth_response_header(auth_user_response(NULL), 0, NULL, &out));
  REFUSES(const char *, AUTH_REFUSED, auth_response_header(auth_user_response(NULL), SIZE_MAX, &out, &value));
  CHECK(auth_user_id(NULL) == NULL);
  CHECK(auth_user_name(NULL) == NULL);
  CHECK(auth_user_email(NULL) == NULL);
  CHECK(auth_user_scheme(NULL) == NULL);
  CHECK(auth_user_flags(NULL) == 0);
  CHECK(auth_user_auth(NULL) == NULL);
  CHECK(auth_user_group(NULL, 0) == NULL);
  CHECK(auth_response_status(auth_user_response(NULL)) == 503);
  CHECK(auth_user_clone(NULL) == NULL);
  CHECK(auth_token_key(NULL) == NULL);
  CHECK(auth_token_id(NULL) == NULL);
  CHECK(auth_token_refresh_key(NULL) == NULL);
  CHECK(auth_token_expires(NULL) == 0);
  CHECK(auth_user_claims_json(NULL) == NULL);
  CHECK(auth_user_claim(NULL, none) == NULL);
  CHECK(auth_user_has_claim(NULL, none, none) == 0);
  CHECK(auth_user_scope(NULL, 0) == NULL);
  CHECK(auth_user_expires(NULL) == 0);
  CHECK(auth_tokens_count(NULL) == 0);
  CHECK(auth_tokens_id(NULL, 0) == NULL);
  CHECK(auth_tokens_user(NULL, 0) == NULL);
  CHECK(auth_tokens_created(NULL, 0) == NULL);
  CHECK(auth_tokens_expires(NULL, 0) == NULL);
  CHECK(auth_session_key(NULL) == NULL);
  CHECK(auth_session_cookie(NULL, 0) == NULL);
  CHECK(auth_csrf_text(NULL) == NULL);
  CHECK(auth_csrf_cookie(NULL) == NULL);
  CHECK(auth_signed_text(NULL) == NULL);
  CHECK(auth_signed_value(NULL) == NULL);
  CHECK(auth_signed_time(NULL) == 0);
}

static void null_frees(void)
{
  auth_report_free(NULL);
  auth_context_free(NULL);
  auth_request_free(NULL);
  auth_user_free(NULL);
  auth_token_free(NULL);
  auth_tokens_free(NULL);
  auth_session_free(NULL);
  auth_csrf_free(NULL);
  CHECK(auth_assertion_header(NULL) == NULL && auth_assertion_text(NULL) == NULL);
  auth_assertion_free(NULL);
  auth_signed_free(NULL);
  CHECK("all of them returned");
}

/* ---- structs of other sizes --------------------------------------------------------------- */

/* One function that takes a struct: its least size and the one of today, a filling that is accepted, and the call. */
struct taker {
  const char *name;
  size_t least, known;
  void (*fill)(void *);
  auth_status (*call)(const void *);
};

static void fill_http(void *to)
{
  auth_http *http = (auth_http *)to;
  http->method = auth_text("GET");
}

static auth_status call_authenticate(const void *given)
{
  auth_user *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_authenticate((const auth_http *)given, &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_user_free(out);
  return status;
}

static auth_status call_request_new(const void *given)
{
  auth_request *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_request_new(context, (const auth_http *)given, &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_request_free(out);
  return status;
}

static void fill_options(void *to)
{
  auth_options *options = (auth_options *)to;
  options->text = auth_text(USUAL);
}

static auth_status call_open(const void *given)
{
  auth_context *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_context_open((const auth_options *)given, &out, NULL);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_context_free(out);
  return status;
}

static auth_status call_check(const void *given)
{
  return auth_config_check((const auth_options *)given, NULL);
}

static void fill_token(void *to)
{
  auth_token_options *options = (auth_token_options *)to;
  options->user = auth_text("alice");
}

static auth_status call_token(const void *given)
{
  auth_token *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_token_create(context, (const auth_token_options *)given, &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_token_free(out);
  return status;
}

static void fill_user(void *to)
{
  auth_new_user *user = (auth_new_user *)to;
  user->name = auth_text("alice"); /* is taken, so nothing is created */
  user->flags = AUTH_NEW_NO_PASSWORD;
}

static auth_status call_user(const void *given)
{
  auth_user *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_user_create(context, (const auth_new_user *)given, &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_user_free(out);
  return status;
}

static void fill_session(void *to)
{
  auth_session_options *options = (auth_session_options *)to;
  options->user = auth_text("nobody there"); /* so no session is made */
}

static auth_status call_session(const void *given)
{
  auth_session *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_session_create(context, (const auth_session_options *)given, &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_session_free(out);
  return status;
}

static void fill_sign(void *to)
{
  auth_sign_options *options = (auth_sign_options *)to;
  options->salt = auth_text("salt");
}

static auth_status call_sign(const void *given)
{
  auth_signed *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_sign(context, (const auth_sign_options *)given, auth_text("value"), &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_signed_free(out);
  return status;
}

static auth_status call_unsign(const void *given)
{
  auth_signed *out;
  auth_status status;
  fill_garbage(&out, sizeof out);
  status = auth_unsign(context, (const auth_sign_options *)given, auth_text("value:signature"), &out);
  if (status < 0)
    CHECK(is_garbage(&out, sizeof out));
  else
    auth_signed_free(out);
  return status;
}

static const struct taker takers[] = {
  {"auth_authenticate", 152, 152, fill_http, call_authenticate},
  {"auth_request_new", 152, 152, fill_http, call_request_new},
  {"auth_context_open", 104, 104, fill_options, call_open},
  {"auth_config_check", 104, 104, fill_options, call_check},
  {"auth_token_create", 48, 64, fill_token, call_token},
  {"auth_user_create", 64, 64, fill_user, call_user},
  {"auth_session_create", 64, 64, fill_session, call_session},
  {"auth_sign", 64, 64, fill_sign, call_sign},
  {"auth_unsign", 64, 64, fill_sign, call_unsign},
};

/* The status for a struct that says `said`, has `there` bytes, and `last` as the last of them. */
static auth_status with_size(const struct taker *taker, size_t said, size_t there, unsigned char last)
{
  unsigned char *memory = (unsigned char *)edge(there);
  if (there >= taker->least)
    taker->fill(memory);
  memcpy(memory, &said, sizeof said);
  if (last != 0)
    memory[there - 1] = last;
  return taker->call(memory);
}

static void sizes(const struct taker *taker)
{
  size_t least = taker->least, known = taker->known;
  int before = check_counts[0];
  CHECK(with_size(taker, least, least, 0) >= 0);
  CHECK_STATUS(with_size(taker, 0, 8, 0), AUTH_EINVAL);
  CHECK_STATUS(with_size(taker, 8, 8, 0), AUTH_EINVAL);
  CHECK_STATUS(with_size(taker, least - 8, least - 8, 0), AUTH_EINVAL);
  CHECK_STATUS(with_size(taker, least - 1, least - 1, 0), AUTH_EINVAL);
  /* A newer program that does not use what is new to us, and one that does. */
  CHECK(with_size(taker, known + 1, known + 1, 0) >= 0);
  CHECK(with_size(taker, known + 64, known + 64, 0) >= 0);
  CHECK(with_size(taker, 4096, 4096, 0) >= 0);
  CHECK_STATUS(with_size(taker, known + 1, known + 1, 1), AUTH_ENOTSUP);
  CHECK_STATUS(with_size(taker, known + 64, known + 64, 1), AUTH_ENOTSUP);
  CHECK_STATUS(with_size(taker, 4096, 4096, 0x80), AUTH_ENOTSUP);
  CHECK_STATUS(with_size(taker, 4097, 4097, 0), AUTH_EINVAL);
  CHECK_STATUS(with_size(taker, SIZE_MAX, 8, 0), AUTH_EINVAL);
  CHECK_STATUS(with_size(taker, SIZE_MAX / 2 + 1, 8, 0), AUTH_EINVAL);
  if (check_counts[0] != before)
    printf("  that was %s\n", taker->name);
}

/* ---- flags ------------------------------------------------------------------------------- */

static void http_flags(void)
{
  auth_http http = AUTH_HTTP_INIT;
  int bit;
  for (bit = 0; bit < 32; bit++) {
    int known = bit < 3;
    http.flags = (uint32_t)1 << bit;
    CHECK_STATUS(call_request_new(&http), known ? AUTH_OK : AUTH_EINVAL);
    CHECK_STATUS(call_authenticate(&http), known ? AUTH_REFUSED : AUTH_EINVAL);
  }
}

static void token_flags(void)
{
  auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
  int bit;
  options.user = auth_text("nobody there");
  for (bit = 0; bit < 32; bit++) {
    options.flags = (uint32_t)1 << bit;
    CHECK_STATUS(call_token(&options), bit < 1 ? AUTH_REFUSED : AUTH_EINVAL);
  }
  options.flags = 0;
  options.reserved = 1;
  CHECK_STATUS(call_token(&options), AUTH_EINVAL);
}

static void user_flags(void)
{
  auth_new_user user = AUTH_NEW_USER_INIT;
  int bit;
  user.name = auth_text("alice");
  for (bit = 0; bit < 32; bit++) {
    user.flags = (uint32_t)1 << bit;
    CHECK_STATUS(call_user(&user), bit < 3 ? AUTH_REFUSED : AUTH_EINVAL);
  }
  user.flags = 0;
  user.reserved = 1;
  CHECK_STATUS(call_user(&user), AUTH_EINVAL);
}

static void session_flags(void)
{
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  int bit;
  options.user = auth_text("nobody there");
  for (bit = 0; bit < 32; bit++) {
    options.flags = (uint32_t)1 << bit;
    CHECK_STATUS(call_session(&options), AUTH_EINVAL);
  }
  options.flags = 0;
  options.reserved = 1;
  CHECK_STATUS(call_session(&options), AUTH_EINVAL);
}

/* Nothing that could not be measured or would not count may be asked for. */
static void sign_flags(void)
{
  static const struct { uint32_t flags; const char *cookie; int64_t max_age; int good; } rows[] = {
    {0, "", 0, 1}, {AUTH_SIGN_TIMED, "", 0, 1}, {AUTH_SIGN_TIMED, "", INT64_MAX, 1}, {AUTH_SIGN_COOKIE, "c", 60, 1},
    {AUTH_SIGN_TIMED | AUTH_SIGN_ANY_AGE, "", 0, 1}, {AUTH_SIGN_COOKIE | AUTH_SIGN_ANY_AGE, "c", 0, 1},
    {0, "", 60, 0}, {0, "", -1, 0}, {AUTH_SIGN_ANY_AGE, "", 0, 0}, {0, "c", 0, 0}, {AUTH_SIGN_TIMED, "c", 0, 0},
    {AUTH_SIGN_COOKIE, "", 0, 0}, {AUTH_SIGN_COOKIE | AUTH_SIGN_TIMED, "c", 0, 0}, {AUTH_SIGN_TIMED, "", -1, 0},
    {AUTH_SIGN_TIMED, "", INT64_MIN, 0},
  };
  auth_sign_options options = AUTH_SIGN_OPTIONS_INIT;
  size_t i;
  int bit;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    options.flags = rows[i].flags;
    options.cookie = auth_text(rows[i].cookie);
    options.max_age = rows[i].max_age;
    CHECK_STATUS(call_sign(&options), rows[i].good ? AUTH_OK : AUTH_EINVAL);
    if (!CHECK_STATUS(call_unsign(&options), rows[i].good ? AUTH_REFUSED : AUTH_EINVAL))
      printf("  that was row %d\n", (int)i);
  }
  options.max_age = 0;
  options.cookie = none;
  for (bit = 3; bit < 32; bit++) {
    options.flags = (uint32_t)1 << bit;
    CHECK_STATUS(call_sign(&options), AUTH_EINVAL);
  }
  options.flags = 0;
  options.reserved = 1;
  CHECK_STATUS(call_unsign(&options), AUTH_EINVAL);
}

static void lookup_kinds(void)
{
  static const int kinds[] = {-1, 3, INT_MAX, INT_MIN};
  size_t i;
  for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
    REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, kinds[i], auth_text("1"), &out));
}

/* ---- texts ------------------------------------------------------------------------------- */

static auth_status with_header(auth_str name, auth_str value, size_t n)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header header;
  header.name = name;
  header.value = value;
  http.headers = &header;
  http.n_headers = n;
  return call_request_new(&http);
}

static auth_status with_block(const char *block, size_t len)
{
  auth_http http = AUTH_HTTP_INIT;
  http.header_block = str(block, len);
  return call_request_new(&http);
}

static void odd_text_of_a_session_or_signature(auth_str text)
{
  auth_session_options session = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  REFUSES(auth_signed *, AUTH_EINVAL, auth_sign(context, &sign, text, &out));
  sign.salt = text;
  CHECK_STATUS(call_sign(&sign), AUTH_EINVAL);
  CHECK_STATUS(call_unsign(&sign), AUTH_EINVAL);
  sign.salt = none;
  sign.flags = AUTH_SIGN_COOKIE;
  sign.cookie = text;
  CHECK_STATUS(call_sign(&sign), AUTH_EINVAL);
  session.user = text;
  CHECK_STATUS(call_session(&session), AUTH_EINVAL);
  session.user = auth_text("nobody there");
  session.backend = text;
  CHECK_STATUS(call_session(&session), AUTH_EINVAL);
}

/* Cookies and signed texts come from clients: only their length may be wrong. */
static void huge_text_of_a_client(auth_str text)
{
  auth_session_options session = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  session.user = auth_text("nobody there");
  session.cookie = text;
  CHECK_STATUS(call_session(&session), AUTH_EINVAL);
  REFUSES(auth_session *, AUTH_EINVAL, auth_session_end(context, text, &out));
  REFUSES(auth_signed *, AUTH_EINVAL, auth_unsign(context, &sign, text, &out));
}

static void odd_text_of_a_client(auth_str text)
{
  auth_session_options session = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  auth_session *ended = NULL;
  auth_signed *back;
  session.user = auth_text("nobody there");
  session.cookie = text;
  CHECK_STATUS(call_session(&session), AUTH_REFUSED);
  CHECK_STATUS(auth_session_end(context, text, &ended), AUTH_REFUSED);
  auth_session_free(ended);
  CHECK_STATUS(auth_unsign(context, &sign, text, &back), AUTH_REFUSED);
  CHECK(back == NULL);
}

/* Lengths that cannot be true: refused before a byte is read. */
static void huge_lengths(void)
{
  const size_t huge[] = {MIB + 1, (size_t)1 << 31, (size_t)1 << 32, SIZE_MAX / 2, SIZE_MAX};
  char *byte = (char *)edge(1);
  size_t i;
  for (i = 0; i < sizeof huge / sizeof *huge; i++) {
    auth_str text = str(byte, huge[i]);
    auth_http http = AUTH_HTTP_INIT;
    auth_options options = AUTH_OPTIONS_INIT;
    CHECK_STATUS(with_header(text, none, 1), AUTH_EINVAL);
    CHECK_STATUS(with_header(none, text, 1), AUTH_EINVAL);
    CHECK_STATUS(with_block(byte, huge[i]), AUTH_EINVAL);
    http.method = text;
    CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
    http.method = none;
    http.client_cert = text;
    CHECK_STATUS(call_authenticate(&http), AUTH_EINVAL);
    options.text = text;
    CHECK_STATUS(call_open(&options), AUTH_EINVAL);
    options.text = auth_text(USUAL);
    options.host = text;
    CHECK_STATUS(call_check(&options), AUTH_EINVAL);
    REFUSES(uint32_t, AUTH_EINVAL, auth_context_chain(context, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_token_verify(context, text, none, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_token_verify(context, none, text, &out));
    CHECK_STATUS(auth_token_revoke(context, none, text), AUTH_EINVAL);
    CHECK_STATUS(auth_token_revoke_all(context, none, text, NULL), AUTH_EINVAL);
    REFUSES(auth_token *, AUTH_EINVAL, auth_token_refresh(context, none, text, &out));
    REFUSES(auth_tokens *, AUTH_EINVAL, auth_token_list(context, none, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, AUTH_BY_NAME, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_password_check(context, auth_text("alice"), text, &out));
    CHECK_STATUS(auth_password_set(context, auth_text("alice"), text), AUTH_EINVAL);
    huge_text_of_a_client(text);
    odd_text_of_a_session_or_signature(text);
  }
}

/* Counts that cannot be true, also those whose size in bytes wraps around. */
static void huge_counts(void)
{
  const size_t huge[] = {(size_t)1 << 31, SIZE_MAX / 32 + 1, SIZE_MAX / 32 + 2, SIZE_MAX / 72 + 1, SIZE_MAX / 80 + 1, SIZE_MAX};
  auth_header *header = (auth_header *)edge(sizeof(auth_header));
  auth_scheme *scheme = (auth_scheme *)edge(sizeof(auth_scheme));
  size_t i;
  scheme->size = sizeof *scheme;
  for (i = 0; i < sizeof huge / sizeof *huge; i++) {
    auth_http http = AUTH_HTTP_INIT;
    auth_options options = AUTH_OPTIONS_INIT;
    http.headers = header;
    http.n_headers = huge[i];
    CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
    CHECK_STATUS(call_authenticate(&http), AUTH_EINVAL);
    options.text = auth_text(USUAL);
    options.schemes = scheme;
    options.n_schemes = huge[i];
    CHECK_STATUS(call_open(&options), AUTH_EINVAL);
  }
}

/* The limit is on all input of a call together, and is the limit: one byte less passes. */
static void one_mebibyte(void)
{
  char *bytes = (char *)malloc(MIB + 1);
  auth_http http = AUTH_HTTP_INIT;
  if (bytes == NULL)
    broken("malloc");
  memset(bytes, 'x', MIB + 1);
  http.target = str(bytes, MIB);
  CHECK_STATUS(call_request_new(&http), AUTH_OK);
  CHECK_STATUS(call_authenticate(&http), AUTH_REFUSED);
  http.method = str(bytes, 1);
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  http.method = none;
  http.target = str(bytes, MIB + 1);
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  CHECK_STATUS(with_header(str(bytes, 1), str(bytes, MIB / 2), 1), AUTH_OK);
  CHECK_STATUS(with_header(str(bytes, MIB / 2), str(bytes, MIB / 2 + 1), 1), AUTH_EINVAL);
  REFUSES(auth_user *, AUTH_EINVAL, auth_password_check(context, str(bytes, MIB / 2), str(bytes, MIB / 2 + 1), &out));
  bytes[1] = ':';
  CHECK_STATUS(with_block(bytes, MIB), AUTH_OK);
  CHECK_STATUS(with_block(bytes, MIB + 1), AUTH_EINVAL);
  free(bytes);
}

/* Length 0 makes the pointer irrelevant; a length without a pointer is a mistake. */
static void null_pointers_in_texts(void)
{
  const char *wild = (const char *)(uintptr_t)8;
  auth_http http = AUTH_HTTP_INIT;
  auth_options options = AUTH_OPTIONS_INIT;
  auth_user *user = NULL;
  CHECK_STATUS(with_header(str(NULL, 0), str(NULL, 0), 1), AUTH_OK);
  CHECK_STATUS(with_header(str(wild, 0), str(wild, 0), 1), AUTH_OK);
  CHECK_STATUS(with_header(str(NULL, 1), none, 1), AUTH_EINVAL);
  CHECK_STATUS(with_header(none, str(NULL, 5), 1), AUTH_EINVAL);
  CHECK_STATUS(with_block(NULL, 1), AUTH_EINVAL);
  CHECK_STATUS(with_block(wild, 0), AUTH_OK);
  http.headers = (const auth_header *)(uintptr_t)8; /* without a count it is not looked at */
  CHECK_STATUS(call_request_new(&http), AUTH_OK);
  http.headers = NULL;
  http.n_headers = 1;
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  http.n_headers = 0;
  http.peer = str(NULL, 3);
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  http.peer = none;
  http.remote_user = str(NULL, 3);
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  options.text = str(NULL, 10);
  CHECK_STATUS(call_open(&options), AUTH_EINVAL);
  options.text = auth_text(USUAL);
  options.n_schemes = 1;
  CHECK_STATUS(call_open(&options), AUTH_EINVAL);
  REFUSES(uint32_t, AUTH_EINVAL, auth_context_chain(context, str(NULL, 7), &out));
  REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, AUTH_BY_NAME, str(NULL, 1), &out));
  CHECK_STATUS(auth_user_lookup(context, AUTH_BY_NAME, str(wild, 0), &user), AUTH_REFUSED);
  CHECK(user == NULL);
}

static void headers_both_ways(void)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header header;
  header.name = auth_text("A");
  header.value = auth_text("b");
  http.headers = &header;
  http.n_headers = 1;
  http.header_block = auth_text("A: b\r\n");
  CHECK_STATUS(call_request_new(&http), AUTH_EINVAL);
  CHECK_STATUS(call_authenticate(&http), AUTH_EINVAL);
  http.n_headers = 0;
  CHECK_STATUS(call_request_new(&http), AUTH_OK);
}

static void blocks(void)
{
  static const char *const good[] = {"A: b\r\n", "A: b", "A:b\nC:d\n", "A:\r\n", "\r\n", "A: b\r\n\r\n", "A: b: c\r\n"};
  static const char *const bad[] = {"A\r\n", "A: b\r\nC\r\n", " A: b\r\n", "A: b\r\n c\r\n", "\tA: b", ": b\r\n", "b"};
  size_t i;
  for (i = 0; i < sizeof good / sizeof *good; i++)
    if (!CHECK_STATUS(with_block(good[i], strlen(good[i])), AUTH_OK))
      printf("  that was \"%s\"\n", good[i]);
  for (i = 0; i < sizeof bad / sizeof *bad; i++)
    if (!CHECK_STATUS(with_block(bad[i], strlen(bad[i])), AUTH_EINVAL))
      printf("  that was \"%s\"\n", bad[i]);
}

static auth_status judged(const char *value, size_t len)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header header;
  auth_user *user = NULL;
  auth_status status;
  header.name = auth_text("Authorization");
  header.value = str(value, len);
  http.headers = &header;
  http.n_headers = 1;
  status = auth_authenticate(&http, &user);
  auth_user_free(user);
  return status;
}

/* Header values are bytes: what they hold is for the schemes to refuse, never an error. */
static void odd_header_values(void)
{
  char value[64], every[2];
  int byte;
  CHECK_STATUS(judged("Token " ALICE_KEY, 46), AUTH_OK);
  CHECK_STATUS(judged("Token " ALICE_KEY "\0", 47), AUTH_REFUSED);
  CHECK_STATUS(judged("Token " ALICE_KEY "\0junk", 51), AUTH_REFUSED);
  CHECK_STATUS(judged("Token \0", 7), AUTH_REFUSED);
  CHECK_STATUS(judged("\0Token " ALICE_KEY, 47), AUTH_REFUSED);
  CHECK_STATUS(judged("Token \xff\xfe", 8), AUTH_REFUSED);
  CHECK_STATUS(judged("Basic YWxpY2UAOndvbmRlcmxhbmQtMQ==", 34), AUTH_REFUSED); /* alice NUL : … */
  for (byte = 0; byte < 256; byte++) {
    memcpy(value, "Token " ALICE_KEY, 46);
    value[20] = (char)byte;
    every[0] = (char)byte;
    every[1] = ':';
    CHECK_STATUS(judged(value, 46), byte == ALICE_KEY[14] ? AUTH_OK : AUTH_REFUSED);
    CHECK(with_header(str(every, 1), str(every, 2), 1) == AUTH_OK);
  }
}

/* Names, keys and texts come back as C strings, so they must be UTF-8 without NUL. */
static void odd_texts(void)
{
  static const struct { const char *ptr; size_t len; } odd[] = {
    {"al\0ice", 6}, {"alice\0", 6}, {"\0", 1}, {"\xff", 1}, {"\xc0\xaf", 2}, {"\xed\xa0\x80", 3}, {"ali\xe9", 4},
  };
  size_t i;
  for (i = 0; i < sizeof odd / sizeof *odd; i++) {
    auth_str text = str(odd[i].ptr, odd[i].len);
    auth_token_options token = AUTH_TOKEN_OPTIONS_INIT;
    auth_new_user user = AUTH_NEW_USER_INIT;
    auth_options options = AUTH_OPTIONS_INIT;
    REFUSES(uint32_t, AUTH_EINVAL, auth_context_chain(context, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, AUTH_BY_NAME, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, AUTH_BY_ID, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_user_lookup(context, AUTH_BY_EMAIL, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_token_verify(context, none, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_token_verify(context, text, none, &out));
    CHECK_STATUS(auth_token_revoke_all(context, text, none, NULL), AUTH_EINVAL);
    CHECK_STATUS(auth_token_revoke_all(context, none, text, NULL), AUTH_EINVAL);
    REFUSES(auth_token *, AUTH_EINVAL, auth_token_refresh(context, text, none, &out));
    REFUSES(auth_token *, AUTH_EINVAL, auth_token_refresh(context, none, text, &out));
    CHECK_STATUS(auth_token_revoke(context, none, text), AUTH_EINVAL);
    REFUSES(auth_tokens *, AUTH_EINVAL, auth_token_list(context, none, text, &out));
    REFUSES(auth_user *, AUTH_EINVAL, auth_password_check(context, text, none, &out));
    CHECK_STATUS(auth_password_set(context, text, none), AUTH_EINVAL);
    odd_text_of_a_client(text);
    odd_text_of_a_session_or_signature(text);
    token.user = text;
    CHECK_STATUS(call_token(&token), AUTH_EINVAL);
    token.user = auth_text("alice");
    token.kind = text;
    CHECK_STATUS(call_token(&token), AUTH_EINVAL);
    user.name = text;
    CHECK_STATUS(call_user(&user), AUTH_EINVAL);
    user.name = auth_text("someone");
    user.email = text;
    CHECK_STATUS(call_user(&user), AUTH_EINVAL);
    options.path = text;
    CHECK_STATUS(call_open(&options), AUTH_EINVAL);
    options.path = none;
    options.text = text;
    CHECK_STATUS(call_open(&options), AUTH_EINVAL);
    options.text = auth_text(USUAL);
    options.base_dir = text;
    CHECK_STATUS(call_open(&options), AUTH_EINVAL);
  }
}

/* Passwords are bytes wherever they come in. */
static void odd_passwords(void)
{
  static const struct { const char *ptr; size_t len; } odd[] = {{"pass\0word", 9}, {"\xff\xfe", 2}, {"\n\x01", 2}};
  size_t i;
  for (i = 0; i < sizeof odd / sizeof *odd; i++) {
    auth_str password = str(odd[i].ptr, odd[i].len), name = auth_text("odd");
    auth_user *user = NULL;
    CHECK_STATUS(auth_password_set(context, name, password), AUTH_OK);
    CHECK_STATUS(auth_password_check(context, name, password, &user), AUTH_OK);
    auth_user_free(user);
    CHECK_STATUS(auth_password_check(context, name, str(odd[i].ptr, odd[i].len - 1), &user), AUTH_REFUSED);
    CHECK(user == NULL);
  }
}

static void path_and_text_exclude_each_other(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  options.text = auth_text(USUAL);
  options.path = auth_text("/nowhere/authchain.toml");
  CHECK_STATUS(call_open(&options), AUTH_EINVAL);
  CHECK_STATUS(call_check(&options), AUTH_EINVAL);
}

static void odd_moments(void)
{
  static const int64_t moments[] = {INT64_MIN, -1, 1, INT64_MAX};
  size_t i;
  for (i = 0; i < sizeof moments / sizeof *moments; i++) {
    auth_http http = AUTH_HTTP_INIT;
    http.now_us = moments[i];
    http.peer_port = UINT32_MAX;
    CHECK_STATUS(call_authenticate(&http), AUTH_REFUSED);
  }
}

static void statuses(void)
{
  int status;
  for (status = -7; status <= 4; status++) {
    CHECK(auth_status_name(status) != NULL);
    CHECK(strcmp(auth_strerror(status), "unknown status") != 0);
  }
  CHECK_TEXT(auth_status_name(AUTH_OK), "AUTH_OK");
  CHECK_TEXT(auth_status_name(AUTH_ENOMEM), "AUTH_ENOMEM");
  CHECK(auth_status_name(5) == NULL);
  CHECK(auth_status_name(INT_MIN) == NULL);
  CHECK_TEXT(auth_strerror(-8), "unknown status");
  CHECK_TEXT(auth_strerror(INT_MAX), "unknown status");
  CHECK_TEXT(auth_version(), AUTH_VERSION);
  CHECK(auth_abi_version() == AUTH_ABI_VERSION);
}

static void make_user(const char *name)
{
  auth_new_user new_user = AUTH_NEW_USER_INIT;
  auth_user *user = NULL;
  new_user.name = auth_text(name);
  new_user.password = str("\xff\0", 2);
  CHECK_STATUS(auth_user_create(context, &new_user, &user), AUTH_OK);
  auth_user_free(user);
}

int main(void)
{
  size_t i;
  make_database("site.db", 0);
  write_file("authchain.toml", USUAL);
  setenv("AUTHCHAIN_CONFIG", in_folder("authchain.toml"), 1);
  context = open_text(USUAL);
  make_user("odd");
  null_contexts();
  null_requests();
  null_accounts();
  null_sessions_and_signatures();
  null_schemes();
  odd_settings();
  null_accessors();
  null_frees();
  for (i = 0; i < sizeof takers / sizeof *takers; i++)
    sizes(&takers[i]);
  http_flags();
  token_flags();
  user_flags();
  session_flags();
  sign_flags();
  lookup_kinds();
  huge_lengths();
  huge_counts();
  one_mebibyte();
  null_pointers_in_texts();
  headers_both_ways();
  blocks();
  odd_header_values();
  odd_texts();
  odd_passwords();
  path_and_text_exclude_each_other();
  odd_moments();
  statuses();
  auth_context_free(context);
  return check_result();
}
