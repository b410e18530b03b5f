/*
 * Freezes the ABI: values, layouts and prototypes as programs were compiled with them. Compiling is
 * the test. This file only ever grows; a line that has to change breaks programs, and then
 * AUTH_ABI_VERSION has to change with it.
 */
#include "authchain.h"

#if defined(__cplusplus)
#define FROZEN(expression) static_assert(expression, #expression)
#elif __STDC_VERSION__ >= 201112L
#define FROZEN(expression) _Static_assert(expression, #expression)
#else /* C99 has no assertion: an array of size -1 is an error */
#define FROZEN_AT_(expression, line) typedef char frozen_##line[(expression) ? 1 : -1]
#define FROZEN_AT(expression, line) FROZEN_AT_(expression, line)
#define FROZEN(expression) FROZEN_AT(expression, __LINE__)
#endif

#define AT(type, field, offset) FROZEN(offsetof(type, field) == (offset))

FROZEN(AUTH_ABI_VERSION == 1);

/* Statuses; an enum is an int for ctypes and others. */
FROZEN(sizeof(auth_status) == sizeof(int));
FROZEN(AUTH_OK == 0);
FROZEN(AUTH_ANONYMOUS == 1);
FROZEN(AUTH_REFUSED == 2);
FROZEN(AUTH_THROTTLED == 3);
FROZEN(AUTH_PENDING == 4);
FROZEN(AUTH_EINVAL == -1);
FROZEN(AUTH_EPANIC == -2);
FROZEN(AUTH_ECONFIG == -3);
FROZEN(AUTH_ESTORE == -4);
FROZEN(AUTH_ENOTSUP == -5);
FROZEN(AUTH_EBUSY == -6);
FROZEN(AUTH_ENOMEM == -7);

/* Bits and choices. */
FROZEN(AUTH_HTTP_TLS == 1);
FROZEN(AUTH_HTTP_SKIP_CSRF == 2);
FROZEN(AUTH_HTTP_CERT_VERIFIED == 4);
FROZEN(AUTH_USER_ACTIVE == 1);
FROZEN(AUTH_USER_STAFF == 2);
FROZEN(AUTH_USER_SUPERUSER == 4);
FROZEN(AUTH_TOKEN_RESET == 1);
FROZEN(AUTH_BY_NAME == 0);
FROZEN(AUTH_BY_ID == 1);
FROZEN(AUTH_BY_EMAIL == 2);
FROZEN(AUTH_NEW_STAFF == 1);
FROZEN(AUTH_NEW_SUPERUSER == 2);
FROZEN(AUTH_NEW_NO_PASSWORD == 4);
FROZEN(AUTH_SIGN_TIMED == 1);
FROZEN(AUTH_SIGN_COOKIE == 2);
FROZEN(AUTH_SIGN_ANY_AGE == 4);
FROZEN(AUTH_SCHEME_ONE_THREAD == 1);
FROZEN(AUTH_SCHEME_BLOCKS == 2);
FROZEN(AUTH_HEADER_REMOVE == 1);
FROZEN(AUTH_HEADER_ADD == 2);

/* Layouts, where pointers and sizes have 64 bits (x86-64 and arm64 Linux). */
#if defined(__LP64__)
FROZEN(sizeof(auth_str) == 16);
AT(auth_str, ptr, 0);
AT(auth_str, len, 8);

FROZEN(sizeof(auth_header) == 32);
AT(auth_header, name, 0);
AT(auth_header, value, 16);

/* The first version of a struct that grows: sizes may only be added to. */
FROZEN(sizeof(auth_http) >= 152);
AT(auth_http, size, 0);
AT(auth_http, flags, 8);
AT(auth_http, peer_port, 12);
AT(auth_http, now_us, 16);
AT(auth_http, method, 24);
AT(auth_http, target, 40);
AT(auth_http, host, 56);
AT(auth_http, peer, 72);
AT(auth_http, remote_user, 88);
AT(auth_http, client_cert, 104);
AT(auth_http, header_block, 120);
AT(auth_http, headers, 136);
AT(auth_http, n_headers, 144);
FROZEN(sizeof(auth_headers) == sizeof(auth_http));

FROZEN(sizeof(auth_options) >= 104);
AT(auth_options, size, 0);
AT(auth_options, path, 8);
AT(auth_options, text, 24);
AT(auth_options, base_dir, 40);
AT(auth_options, host, 56);
AT(auth_options, log, 72);
AT(auth_options, log_data, 80);
AT(auth_options, schemes, 88);
AT(auth_options, n_schemes, 96);

FROZEN(sizeof(auth_token_options) >= 48);
AT(auth_token_options, size, 0);
AT(auth_token_options, flags, 8);
AT(auth_token_options, reserved, 12);
AT(auth_token_options, kind, 16);
AT(auth_token_options, user, 32);
AT(auth_token_options, client, 48);

FROZEN(sizeof(auth_new_user) >= 64);
AT(auth_new_user, size, 0);
AT(auth_new_user, flags, 8);
AT(auth_new_user, reserved, 12);
AT(auth_new_user, name, 16);
AT(auth_new_user, email, 32);
AT(auth_new_user, password, 48);

FROZEN(sizeof(auth_session_options) >= 64);
AT(auth_session_options, size, 0);
AT(auth_session_options, flags, 8);
AT(auth_session_options, reserved, 12);
AT(auth_session_options, user, 16);
AT(auth_session_options, cookie, 32);
AT(auth_session_options, backend, 48);

FROZEN(sizeof(auth_sign_options) >= 64);
AT(auth_sign_options, size, 0);
AT(auth_sign_options, flags, 8);
AT(auth_sign_options, reserved, 12);
AT(auth_sign_options, now_us, 16);
AT(auth_sign_options, max_age, 24);
AT(auth_sign_options, salt, 32);
AT(auth_sign_options, cookie, 48);

/* Elements of an array all have the size that the first one says. */
FROZEN(sizeof(auth_scheme) >= 72);
AT(auth_scheme, size, 0);
AT(auth_scheme, flags, 8);
AT(auth_scheme, reserved, 12);
AT(auth_scheme, name, 16);
AT(auth_scheme, challenge, 32);
AT(auth_scheme, authenticate, 48);
AT(auth_scheme, destroy, 56);
AT(auth_scheme, data, 64);
FROZEN(sizeof(auth_scheme) >= 80);
AT(auth_scheme, configure, 72);

/* What comes from the library: a plug-in may look at its size. */
FROZEN(sizeof(auth_api) >= 152);
AT(auth_api, size, 0);
AT(auth_api, abi_version, 8);
AT(auth_api, reserved, 12);
AT(auth_api, view_header, 16);
AT(auth_api, view_method, 24);
AT(auth_api, view_target, 32);
AT(auth_api, view_host, 40);
AT(auth_api, view_peer, 48);
AT(auth_api, view_remote_user, 56);
AT(auth_api, answer_user, 64);
AT(auth_api, answer_refuse, 72);
AT(auth_api, answer_pass, 80);
AT(auth_api, answer_broken, 88);
AT(auth_api, settings_scheme, 96);
AT(auth_api, settings_count, 104);
AT(auth_api, settings_name, 112);
AT(auth_api, settings_text, 120);
AT(auth_api, settings_integer, 128);
AT(auth_api, settings_boolean, 136);
AT(auth_api, settings_refuse, 144);

FROZEN(sizeof(auth_plugin) >= 32);
AT(auth_plugin, size, 0);
AT(auth_plugin, abi_version, 8);
AT(auth_plugin, reserved, 12);
AT(auth_plugin, schemes, 16);
AT(auth_plugin, n_schemes, 24);
#endif

/* Prototypes, said a second time: a compiler refuses another one of the same name. */
#ifdef __cplusplus
extern "C" {
#endif

const char *auth_version(void);
uint32_t auth_abi_version(void);
const char *auth_strerror(int);
const char *auth_status_name(int);
auth_status auth_default_context(auth_context **, auth_report **);

const char *auth_report_file(const auth_report *);
uint32_t auth_report_line(const auth_report *);
uint32_t auth_report_column(const auth_report *);
const char *auth_report_text(const auth_report *);
const char *auth_report_remedy(const auth_report *);
const char *auth_report_message(const auth_report *);
void auth_report_free(auth_report *);

auth_status auth_context_open(const auth_options *, auth_context **, auth_report **);
auth_status auth_config_check(const auth_options *, auth_report **);
auth_status auth_context_chain(const auth_context *, auth_str, uint32_t *);
auth_status auth_context_endpoint(const auth_context *, auth_str, uint32_t *);
auth_status auth_context_reload(const auth_context *, auth_report **);
auth_status auth_context_tick(const auth_context *);
int auth_context_wants_tick(const auth_context *);
auth_status auth_context_metrics(const auth_context *, auth_metrics **);
const char *auth_metrics_text(const auth_metrics *);
void auth_metrics_free(auth_metrics *);
void auth_context_free(auth_context *);

auth_status auth_authenticate(const auth_http *, auth_user **);
auth_status auth_request_new(const auth_context *, const auth_http *, auth_request **);
auth_status auth_request_authenticate(auth_request *, uint32_t);
uint32_t auth_request_wants(const auth_request *, uint32_t);
auth_status auth_request_feed_body(auth_request *, auth_str, int);
auth_status auth_request_serve(auth_request *, uint32_t);
auth_status auth_request_deny(auth_request *, auth_str);
const auth_user *auth_request_user(const auth_request *);
const auth_response *auth_request_response(const auth_request *);
const auth_edits *auth_request_edits(const auth_request *);
auth_status auth_request_event(const auth_request *, size_t, const char **, const char **);
const char *auth_request_log(const auth_request *);
const char *auth_request_failure(const auth_request *);
void auth_request_free(auth_request *);

uint32_t auth_response_status(const auth_response *);
size_t auth_edits_count(const auth_edits *);
auth_status auth_edits_at(const auth_edits *, size_t, int *, const char **, const char **);
const char *auth_edits_lines(const auth_edits *, int);
auth_status auth_request_assert(const auth_request *, auth_str, auth_assertion **);
const char *auth_assertion_header(const auth_assertion *);
const char *auth_assertion_text(const auth_assertion *);
void auth_assertion_free(auth_assertion *);
auth_status auth_response_header(const auth_response *, size_t, const char **, const char **);
const char *auth_response_lines(const auth_response *);
const char *auth_response_body(const auth_response *);

const char *auth_user_id(const auth_user *);
const char *auth_user_name(const auth_user *);
const char *auth_user_email(const auth_user *);
const char *auth_user_scheme(const auth_user *);
uint32_t auth_user_flags(const auth_user *);
const char *auth_user_auth(const auth_user *);
const char *auth_user_group(const auth_user *, size_t);
const auth_response *auth_user_response(const auth_user *);
auth_user *auth_user_clone(const auth_user *);
void auth_user_free(auth_user *);
const char *auth_user_claims_json(const auth_user *);
const char *auth_user_claim(const auth_user *, auth_str);
int auth_user_has_claim(const auth_user *, auth_str, auth_str);
const char *auth_user_scope(const auth_user *, size_t);
int64_t auth_user_expires(const auth_user *);

auth_status auth_token_create(const auth_context *, const auth_token_options *, auth_token **);
const char *auth_token_key(const auth_token *);
const char *auth_token_id(const auth_token *);
void auth_token_free(auth_token *);
auth_status auth_token_verify(const auth_context *, auth_str, auth_str, auth_user **);
auth_status auth_token_revoke(const auth_context *, auth_str, auth_str);
auth_status auth_token_list(const auth_context *, auth_str, auth_str, auth_tokens **);
size_t auth_tokens_count(const auth_tokens *);
const char *auth_tokens_id(const auth_tokens *, size_t);
const char *auth_tokens_user(const auth_tokens *, size_t);
const char *auth_tokens_created(const auth_tokens *, size_t);
void auth_tokens_free(auth_tokens *);
const char *auth_token_refresh_key(const auth_token *);
int64_t auth_token_expires(const auth_token *);
auth_status auth_token_refresh(const auth_context *, auth_str, auth_str, auth_token **);
auth_status auth_token_revoke_all(const auth_context *, auth_str, auth_str, size_t *);
const char *auth_tokens_expires(const auth_tokens *, size_t);

auth_status auth_user_lookup(const auth_context *, int, auth_str, auth_user **);
auth_status auth_user_create(const auth_context *, const auth_new_user *, auth_user **);
auth_status auth_password_check(const auth_context *, auth_str, auth_str, auth_user **);
auth_status auth_password_set(const auth_context *, auth_str, auth_str);

auth_status auth_session_create(const auth_context *, const auth_session_options *, auth_session **);
auth_status auth_session_end(const auth_context *, auth_str, auth_session **);
const char *auth_session_key(const auth_session *);
const char *auth_session_cookie(const auth_session *, size_t);
void auth_session_free(auth_session *);
auth_status auth_csrf_token(const auth_request *, auth_csrf **);
const char *auth_csrf_text(const auth_csrf *);
const char *auth_csrf_cookie(const auth_csrf *);
void auth_csrf_free(auth_csrf *);

auth_status auth_sign(const auth_context *, const auth_sign_options *, auth_str, auth_signed **);
auth_status auth_unsign(const auth_context *, const auth_sign_options *, auth_str, auth_signed **);
const char *auth_signed_text(const auth_signed *);
const char *auth_signed_value(const auth_signed *);
int64_t auth_signed_time(const auth_signed *);
void auth_signed_free(auth_signed *);

auth_status auth_view_header(const auth_view *, auth_str, auth_str *);
auth_str auth_view_method(const auth_view *);
auth_str auth_view_target(const auth_view *);
auth_str auth_view_host(const auth_view *);
auth_str auth_view_peer(const auth_view *);
auth_str auth_view_remote_user(const auth_view *);
auth_status auth_answer_user(const auth_answer *, auth_str);
auth_status auth_answer_refuse(const auth_answer *, auth_str);
auth_status auth_answer_pass(const auth_answer *);
auth_status auth_answer_broken(const auth_answer *, auth_str);

const char *auth_settings_scheme(const auth_settings *);
size_t auth_settings_count(const auth_settings *);
const char *auth_settings_name(const auth_settings *, size_t);
auth_status auth_settings_text(const auth_settings *, auth_str, const char **);
auth_status auth_settings_integer(const auth_settings *, auth_str, int64_t, int64_t, int64_t *);
auth_status auth_settings_boolean(const auth_settings *, auth_str, int *);
auth_status auth_settings_refuse(const auth_settings *, auth_str, auth_str);
const auth_plugin *auth_plugin_entry(const auth_api *); /* a plug-in's */

#ifdef __cplusplus
}
#endif

/* The initialisers, and that a callback of these types fits. */
static inline auth_str initialisers_compile(auth_log log)
{
  static const auth_str literal = AUTH_STR("literal");
  auth_http http = AUTH_HTTP_INIT;
  auth_headers headers = AUTH_HEADERS_INIT;
  auth_options options = AUTH_OPTIONS_INIT;
  auth_token_options token = AUTH_TOKEN_OPTIONS_INIT;
  auth_new_user user = AUTH_NEW_USER_INIT;
  auth_session_options session = AUTH_SESSION_OPTIONS_INIT;
  auth_sign_options sign = AUTH_SIGN_OPTIONS_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_plugin plugin = AUTH_PLUGIN_INIT;
  options.log = log;
  http.size += headers.size + options.size + token.size + user.size + scheme.size;
  http.size += session.size + sign.size + plugin.size;
  return http.size > 0 ? literal : auth_text("text");
}

int main(void)
{
  return initialisers_compile(NULL).len == 7 ? 0 : 1;
}
