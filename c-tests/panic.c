/* A fault inside the library is AUTH_EPANIC, and the host goes on. Needs the build with the feature
 * `panic-switch`, whose switch makes the next call that does any work panic. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

#ifdef __cplusplus
extern "C"
#endif
void authchain_test_panic(void);

static auth_context *context;
static auth_str none;

/* Panics, keeps its output untouched, and leaves everything in order. */
#define PANICS(type, call)                  \
  do {                                      \
    type out;                               \
    fill_garbage(&out, sizeof out);         \
    authchain_test_panic();                 \
    CHECK_STATUS(call, AUTH_EPANIC);        \
    CHECK(is_garbage(&out, sizeof out));    \
    all_is_well();                          \
  } while (0)

/* An accessor that panics gives what it gives for NULL. */
#define GIVES_NOTHING(call)  \
  do {                       \
    authchain_test_panic();  \
    CHECK((call) == NULL);   \
    all_is_well();           \
  } while (0)

/* The switch is off again, and a right token gets in. */
static void all_is_well(void)
{
  auth_request *request = NULL;
  CHECK_STATUS(judge(context, 0, "Token " ALICE_KEY, &request), AUTH_OK);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "alice");
  auth_request_free(request);
}

static void library_and_contexts(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  options.text = auth_text(USUAL);
  PANICS(auth_context *, auth_default_context(&out, NULL));
  PANICS(auth_report *, auth_default_context(&context, &out));
  PANICS(auth_context *, auth_context_open(&options, &out, NULL));
  PANICS(auth_report *, auth_config_check(&options, &out));
  PANICS(uint32_t, auth_context_chain(context, auth_text("default"), &out));
  PANICS(uint32_t, auth_context_endpoint(context, auth_text("default"), &out));
  PANICS(auth_report *, auth_context_reload(context, &out));
  PANICS(auth_metrics *, auth_context_metrics(context, &out));
  authchain_test_panic();
  CHECK_STATUS(auth_context_tick(context), AUTH_EPANIC);
  authchain_test_panic();
  CHECK(auth_context_wants_tick(context) == 0);
  authchain_test_panic();
  CHECK_TEXT(auth_strerror(AUTH_OK), "unknown status");
  GIVES_NOTHING(auth_status_name(AUTH_OK));
}

static void requests(void)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = request_of(context, "Authorization", "Token " ALICE_KEY);
  const auth_response *response;
  const auth_edits *edits;
  PANICS(auth_user *, auth_authenticate(&http, &out));
  PANICS(auth_request *, auth_request_new(context, &http, &out));
  PANICS(char, auth_request_feed_body(request, auth_text("a"), 0));
  PANICS(char, auth_request_serve(request, 0));
  PANICS(const char *, auth_request_event(request, 0, &out, &out));
  PANICS(char, auth_request_authenticate(request, 0));
  CHECK_TEXT(auth_user_name(auth_request_user(request)), ""); /* nobody was let in meanwhile */
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  PANICS(char, auth_request_authenticate(request, 0));
  PANICS(char, auth_request_deny(request, none));
  GIVES_NOTHING(auth_request_response(request));
  edits = auth_request_edits(request);
  GIVES_NOTHING(auth_edits_lines(edits, AUTH_HEADER_REMOVE));
  response = auth_request_response(request);
  GIVES_NOTHING(auth_response_lines(response));
  GIVES_NOTHING(auth_request_log(request));
  GIVES_NOTHING(auth_request_failure(request));
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "alice");
  CHECK(auth_response_status(auth_request_response(request)) == 200);
  authchain_test_panic();
  auth_request_free(request); /* sanitizers see that it is freed all the same */
  all_is_well();
}

static void users(void)
{
  auth_user *user = NULL;
  CHECK_STATUS(auth_token_verify(context, none, auth_text(ALICE_KEY), &user), AUTH_OK);
  GIVES_NOTHING(auth_user_id(user));
  GIVES_NOTHING(auth_user_scheme(user));
  GIVES_NOTHING(auth_user_auth(user));
  GIVES_NOTHING(auth_user_response(user));
  GIVES_NOTHING(auth_user_clone(user));
  CHECK_TEXT(auth_user_id(user), "1");
  GIVES_NOTHING(auth_user_claims_json(user));
  GIVES_NOTHING(auth_user_claim(user, none));
  authchain_test_panic();
  CHECK(auth_user_has_claim(user, none, none) == 0);
  all_is_well();
  GIVES_NOTHING(auth_user_scope(user, 0));
  authchain_test_panic();
  CHECK(auth_user_expires(user) == 0);
  authchain_test_panic();
  auth_user_free(user);
  all_is_well();
}

static void accounts(void)
{
  auth_token_options token = AUTH_TOKEN_OPTIONS_INIT;
  auth_new_user new_user = AUTH_NEW_USER_INIT;
  auth_str alice = auth_text("alice");
  token.user = alice;
  new_user.name = auth_text("new");
  PANICS(auth_token *, auth_token_create(context, &token, &out));
  PANICS(auth_user *, auth_token_verify(context, none, alice, &out));
  PANICS(char, auth_token_revoke(context, none, alice));
  PANICS(auth_tokens *, auth_token_list(context, none, alice, &out));
  PANICS(auth_token *, auth_token_refresh(context, none, alice, &out));
  PANICS(size_t, auth_token_revoke_all(context, none, alice, &out));
  PANICS(auth_user *, auth_user_lookup(context, AUTH_BY_NAME, alice, &out));
  PANICS(auth_user *, auth_user_create(context, &new_user, &out));
  PANICS(auth_user *, auth_password_check(context, alice, alice, &out));
  PANICS(char, auth_password_set(context, alice, alice));
  CHECK_TEXT(sql("site.db", "SELECT count(*) FROM auth_user WHERE username = 'new'"), "0");
}

static void sessions_and_signatures(void)
{
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  auth_request *request = request_of(context, "A", "b");
  auth_session *session = NULL;
  auth_csrf *csrf = NULL;
  auth_signed *signed_text = NULL;
  auth_str alice = auth_text("alice");
  options.user = alice;
  PANICS(auth_session *, auth_session_create(context, &options, &out));
  CHECK_TEXT(sql("site.db", "SELECT count(*) FROM django_session WHERE expire_date < '2030'"), "0");
  PANICS(auth_session *, auth_session_end(context, none, &out));
  PANICS(auth_csrf *, auth_csrf_token(request, &out));
  PANICS(auth_assertion *, auth_request_assert(request, alice, &out));
  PANICS(auth_signed *, auth_sign(context, &sign, none, &out));
  PANICS(auth_signed *, auth_unsign(context, &sign, none, &out));
  CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_OK);
  CHECK_STATUS(auth_csrf_token(request, &csrf), AUTH_OK);
  CHECK_STATUS(auth_sign(context, &sign, none, &signed_text), AUTH_OK);
  authchain_test_panic();
  auth_session_free(session);
  all_is_well();
  authchain_test_panic();
  auth_csrf_free(csrf);
  all_is_well();
  authchain_test_panic();
  auth_signed_free(signed_text);
  all_is_well();
  auth_request_free(request);
}

static void reports(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_report *why = NULL;
  options.text = auth_text("nonsense");
  CHECK_STATUS(auth_config_check(&options, &why), AUTH_ECONFIG);
  GIVES_NOTHING(auth_report_file(why));
  GIVES_NOTHING(auth_report_text(why));
  GIVES_NOTHING(auth_report_remedy(why));
  GIVES_NOTHING(auth_report_message(why));
  CHECK_TEXT(auth_report_file(why), "(text)");
  authchain_test_panic();
  auth_report_free(why);
  all_is_well();
}

static void frees(void)
{
  auth_context *own = open_text(USUAL);
  auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
  auth_token *token = NULL;
  auth_tokens *tokens = NULL;
  options.user = auth_text("alice");
  CHECK_STATUS(auth_token_create(own, &options, &token), AUTH_OK);
  CHECK_STATUS(auth_token_list(own, none, none, &tokens), AUTH_OK);
  authchain_test_panic();
  auth_token_free(token);
  all_is_well();
  authchain_test_panic();
  auth_tokens_free(tokens);
  all_is_well();
  authchain_test_panic();
  auth_context_free(own);
  all_is_well();
}

/* ---- panics inside a custom scheme -------------------------------------------------------- */

static auth_status told;

static void panics_at_answer(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view;
  authchain_test_panic();
  told = auth_answer_user(answer, auth_text("alice"));
}

static void panics_at_header(void *data, const auth_view *view, auth_answer *answer)
{
  auth_str value;
  (void)data;
  authchain_test_panic();
  told = auth_view_header(view, auth_text("A"), &value);
  if (told == AUTH_OK)
    auth_answer_user(answer, auth_text("alice"));
}

static void panics_at_each_answer(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data;
  authchain_test_panic();
  CHECK_STATUS(auth_answer_refuse(answer, none), AUTH_EPANIC);
  authchain_test_panic();
  CHECK_STATUS(auth_answer_pass(answer), AUTH_EPANIC);
  authchain_test_panic();
  CHECK_STATUS(auth_answer_broken(answer, none), AUTH_EPANIC);
  authchain_test_panic();
  CHECK(auth_view_method(view).len == 0);
  CHECK(auth_view_method(view).len == 3);
  told = AUTH_EPANIC;
}

static void no_answer_lets_nobody_in(void (*authenticate)(void *, const auth_view *, auth_answer *))
{
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *own;
  auth_request *request;
  scheme.name = auth_text("mine");
  scheme.authenticate = authenticate;
  own = open_with(TOP("site.db") "[chains.default]\nschemes = [\"mine\", \"token\"]\n", &scheme, 1, NULL, NULL);
  request = request_of(own, "Authorization", "Token " ALICE_KEY);
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_ESTORE);
  CHECK_STATUS(told, AUTH_EPANIC);
  CHECK(auth_response_status(auth_request_response(request)) == 503);
  auth_request_free(request);
  auth_context_free(own);
  all_is_well();
}

/* ---- panics while a custom scheme is configured ------------------------------------------- */

static int panics_at_each_question(void *data, const auth_settings *settings, void **made)
{
  const char *text;
  int64_t integer;
  int boolean;
  (void)data, (void)made;
  authchain_test_panic();
  CHECK_STATUS(auth_settings_text(settings, auth_text("a"), &text), AUTH_EPANIC);
  authchain_test_panic();
  CHECK_STATUS(auth_settings_integer(settings, auth_text("a"), 0, 9, &integer), AUTH_EPANIC);
  authchain_test_panic();
  CHECK_STATUS(auth_settings_boolean(settings, auth_text("a"), &boolean), AUTH_EPANIC);
  authchain_test_panic();
  CHECK_STATUS(auth_settings_refuse(settings, none, none), AUTH_EPANIC);
  CHECK_STATUS(auth_settings_integer(settings, auth_text("a"), 0, 9, &integer), AUTH_OK);
  return AUTH_EPANIC;
}

static void a_panic_while_configured_refuses(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_report *why = NULL;
  scheme.name = auth_text("mine");
  scheme.authenticate = panics_at_answer;
  scheme.configure = panics_at_each_question;
  options.text = auth_text(USUAL "[schemes.mine]\na = 1\n");
  options.schemes = &scheme;
  options.n_schemes = 1;
  CHECK_STATUS(auth_config_check(&options, &why), AUTH_ECONFIG);
  CHECK(strstr(auth_report_text(why), "it says AUTH_EPANIC") != NULL);
  auth_report_free(why);
  all_is_well();
}

int main(void)
{
  /* A panic writes where it was; that is expected here, many times. */
  if (freopen("/dev/null", "w", stderr) == NULL)
    return 2;
  make_database("site.db", 0);
  write_file("authchain.toml", USUAL);
  setenv("AUTHCHAIN_CONFIG", in_folder("authchain.toml"), 1);
  context = open_text(USUAL);
  library_and_contexts();
  requests();
  users();
  accounts();
  sessions_and_signatures();
  reports();
  frees();
  no_answer_lets_nobody_in(panics_at_answer);
  no_answer_lets_nobody_in(panics_at_header);
  no_answer_lets_nobody_in(panics_at_each_answer);
  a_panic_while_configured_refuses();
  auth_context_free(context);
  return check_result();
}
