/**
 * authchain: PAM for HTTP, behind a C ABI.
 *
 * Made from src/capi by `make header`. Do not edit.
 *
 * Conventions
 *
 * Answers   Only AUTH_OK (0) lets anyone in, so `if (auth_authenticate(…))`
 *           denies. Statuses above 0 are answers, those below are failures;
 *           a failure says nothing about the user: send 503.
 * Outputs   `T **out`, written only when the status is not negative, never
 *           read: the variable need not be initialised. Outputs come last.
 * Ownership Each function says who frees what. What is borrowed is `const`
 *           and dies with its owner. Every _free(NULL) does nothing.
 * Texts     In: auth_str, pointer and length, no NUL needed; with length 0
 *           the pointer is ignored. At most 1 MiB of input a call, else
 *           AUTH_EINVAL. Names, keys and texts are UTF-8 without NUL; header
 *           values and passwords are bytes. Out: NUL-terminated UTF-8,
 *           borrowed, NULL when absent.
 * NULL      A NULL handle, struct or output is AUTH_EINVAL; accessors of NULL
 *           say what they return.
 * Growth    Structs that come in start with their size (AUTH_…_INIT sets it).
 *           Smaller than ours: the missing fields are zero. Larger: accepted
 *           when the bytes beyond ours are zero, else AUTH_ENOTSUP. Smaller
 *           than the first version or beyond 4,096: AUTH_EINVAL. Types that
 *           come out are opaque.
 * Threads   Contexts: any. Requests: one at a time. Users, tokens, reports:
 *           as their functions say.
 * Panics    Caught at every function: AUTH_EPANIC, and the process goes on.
 * Fork      Before a fork the library waits for its work in flight and closes
 *           its connections; parent and child open them again when needed.
 *           Handles stay valid on both sides. The library has no threads.
 * Blocking  Each function says what it may wait for. A call waits for a lock
 *           of another process on the database as long as the configuration
 *           says (`timeout`, 5 s).
 * Process   No signal handler, no output, no change of locale or folder; the
 *           environment is not read but for AUTHCHAIN_CONFIG and what a
 *           configuration names. No code of others is loaded but the plug-ins
 *           that a configuration names.
 * Versions  AUTH_VERSION is this header's, auth_version() the library's;
 *           AUTH_ABI_VERSION and auth_abi_version() have to be equal.
 */

#ifndef AUTHCHAIN_H
#define AUTHCHAIN_H

#include <stddef.h>
#include <stdint.h>

#define AUTH_VERSION "0.1.0"
#define AUTH_VERSION_MAJOR 0
#define AUTH_VERSION_MINOR 1
#define AUTH_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define AUTH_API __attribute__((visibility("default")))
#define AUTH_MUST_USE __attribute__((warn_unused_result))
#else
#define AUTH_API
#define AUTH_MUST_USE
#endif


/**
 * The number of this ABI: grows when a program compiled for an older one
 * could break.
 */
#define AUTH_ABI_VERSION 1

/**
 * The request came over TLS.
 */
#define AUTH_HTTP_TLS 1

/**
 * Test clients: no CSRF check (Django's `_dont_enforce_csrf_checks`).
 */
#define AUTH_HTTP_SKIP_CSRF 2

/**
 * The host verified `client_cert`.
 */
#define AUTH_HTTP_CERT_VERIFIED 4

/**
 * The request's body decides, too: feed it before asking.
 */
#define AUTH_WANTS_BODY 1

/**
 * auth_edits_at: take away every header of this name, in any case of letters.
 */
#define AUTH_HEADER_REMOVE 1

/**
 * auth_edits_at: add this header.
 */
#define AUTH_HEADER_ADD 2

/**
 * Bits of auth_user_flags: `is_active`.
 */
#define AUTH_USER_ACTIVE 1

/**
 * Bits of auth_user_flags: `is_staff`.
 */
#define AUTH_USER_STAFF 2

/**
 * Bits of auth_user_flags: `is_superuser`.
 */
#define AUTH_USER_SUPERUSER 4

/**
 * Bits of auth_user_flags: a token says so; the database was not asked. Its id
 * may be that of somebody else there.
 */
#define AUTH_USER_CLAIMED 8

/**
 * auth_token_create: replace the user's token (`drf_create_token --reset`).
 */
#define AUTH_TOKEN_RESET 1

/**
 * auth_user_lookup: by the value of USERNAME_FIELD.
 */
#define AUTH_BY_NAME 0

/**
 * auth_user_lookup: by the key, as auth_user_id shows it.
 */
#define AUTH_BY_ID 1

/**
 * auth_user_lookup: by e-mail address, as stored; two users of one address are nobody.
 */
#define AUTH_BY_EMAIL 2

/**
 * auth_user_create: the user is staff.
 */
#define AUTH_NEW_STAFF 1

/**
 * auth_user_create: the user is a superuser.
 */
#define AUTH_NEW_SUPERUSER 2

/**
 * auth_user_create: no password can log in (Django's `set_unusable_password`).
 */
#define AUTH_NEW_NO_PASSWORD 4

/**
 * With the moment of signing, as Django's `TimestampSigner` does.
 */
#define AUTH_SIGN_TIMED 1

/**
 * As the value of the cookie `cookie`, as Django's `set_signed_cookie` does;
 * has the moment, too.
 */
#define AUTH_SIGN_COOKIE 2

/**
 * auth_unsign: however long ago it was signed, whatever `max_age` says.
 */
#define AUTH_SIGN_ANY_AGE 4

/**
 * Only one thread at a time may call `authenticate`. A child that is forked
 * during such a call has its turn all the same; what the scheme had half done
 * in its own data is the scheme's affair.
 */
#define AUTH_SCHEME_ONE_THREAD 1

/**
 * `authenticate` may block (network, disk).
 */
#define AUTH_SCHEME_BLOCKS 2

/**
 * What a call came to. Only `AUTH_OK` lets anyone in: answers are not
 * negative, failures are, and a failure is never an answer about the user
 * (send 503). Numbers are never reused.
 */
typedef enum auth_status {
  /**
   * Authenticated; done; found.
   */
  AUTH_OK = 0,
  /**
   * Nobody, and the chain allows that.
   */
  AUTH_ANONYMOUS = 1,
  /**
   * Refused: send the response. Elsewhere: no such user, token or name.
   */
  AUTH_REFUSED = 2,
  /**
   * Too many attempts: send the response.
   */
  AUTH_THROTTLED = 3,
  /**
   * The verdict needs work that may block.
   */
  AUTH_PENDING = 4,
  /**
   * The call broke the contract of its function.
   */
  AUTH_EINVAL = -1,
  /**
   * The library caught a panic of its own or of a scheme.
   */
  AUTH_EPANIC = -2,
  /**
   * The configuration cannot be used.
   */
  AUTH_ECONFIG = -3,
  /**
   * The database, the address of public keys, or a custom scheme's back end
   * cannot answer.
   */
  AUTH_ESTORE = -4,
  /**
   * Not in this build, or from a newer header than this library's.
   */
  AUTH_ENOTSUP = -5,
  /**
   * Short of something that will be there again: try later.
   */
  AUTH_EBUSY = -6,
  /**
   * Out of memory.
   */
  AUTH_ENOMEM = -7,
} auth_status;

/**
 * The answer of a custom scheme; valid during the call only. The last answer
 * counts; no answer is a failure, never a success.
 *
 * Methods: auth_answer_user, auth_answer_refuse, auth_answer_pass,
 * auth_answer_broken.
 */
typedef struct auth_answer auth_answer;

/**
 * A signed word about a user. Wiped when it is freed.
 *
 * Methods: auth_request_assert, auth_assertion_header, auth_assertion_text,
 * auth_assertion_free.
 */
typedef struct auth_assertion auth_assertion;

/**
 * A loaded configuration: chains, keys, databases. Shared between threads.
 *
 * Methods: auth_context_open, auth_default_context, auth_context_reload,
 * auth_context_chain, auth_context_endpoint, auth_context_metrics,
 * auth_context_tick, auth_context_wants_tick, auth_context_free.
 */
typedef struct auth_context auth_context;

/**
 * A CSRF token for one page. Wiped when it is freed.
 *
 * Methods: auth_csrf_token, auth_csrf_text, auth_csrf_cookie, auth_csrf_free.
 */
typedef struct auth_csrf auth_csrf;

/**
 * Changes of a request's headers, to be made in order before the request is
 * passed on to an application: what a client may not say about the user goes
 * (`X-Auth-User`, `X-Auth-User-Id`, `X-Auth-Scheme` and the header of
 * remote_user, in every spelling that a CGI or WSGI server takes for them);
 * after a success the user comes. Values are visible ASCII; other bytes, and
 * `%`, are percent-encoded.
 *
 * Methods: auth_request_edits, auth_edits_count, auth_edits_at,
 * auth_edits_lines.
 */
typedef struct auth_edits auth_edits;

/**
 * The counters of a context at one moment.
 *
 * Methods: auth_context_metrics, auth_metrics_text, auth_metrics_free.
 */
typedef struct auth_metrics auth_metrics;

/**
 * Why a configuration cannot be used: one problem and its place.
 *
 * Methods: auth_report_file, auth_report_line, auth_report_column,
 * auth_report_text, auth_report_remedy, auth_report_message,
 * auth_report_free.
 */
typedef struct auth_report auth_report;

/**
 * A request being judged: keeps a copy of what it needs, the configuration it
 * began with, and the verdict of each chain.
 *
 * Methods: auth_request_new, auth_request_wants, auth_request_feed_body,
 * auth_request_authenticate, auth_request_serve, auth_request_deny,
 * auth_request_user, auth_request_response, auth_request_edits,
 * auth_request_assert, auth_request_event, auth_request_log, auth_request_failure,
 * auth_request_free.
 */
typedef struct auth_request auth_request;

/**
 * What to send verbatim: status, headers, body. After a success it has status
 * 200 and the headers to add.
 *
 * Methods: auth_request_response, auth_user_response, auth_response_status,
 * auth_response_header, auth_response_lines, auth_response_body.
 */
typedef struct auth_response auth_response;

/**
 * A session that was made or ended, and the cookies that tell the browser so.
 * Its key and cookies are wiped when it is freed.
 *
 * Methods: auth_session_create, auth_session_end, auth_session_key,
 * auth_session_cookie, auth_session_free.
 */
typedef struct auth_session auth_session;

/**
 * The options of a `[schemes.NAME]` as `configure` of a custom scheme sees
 * them; valid during the call only. Whatever it does not ask for by name is an
 * unknown key, and refuses the configuration with its line and column, as does
 * a value of another kind than it asks for.
 *
 * Methods: auth_settings_scheme, auth_settings_count, auth_settings_name,
 * auth_settings_text, auth_settings_integer, auth_settings_boolean,
 * auth_settings_refuse.
 */
typedef struct auth_settings auth_settings;

/**
 * A signed text and what it says. Wiped when it is freed.
 *
 * Methods: auth_sign, auth_unsign, auth_signed_text, auth_signed_value,
 * auth_signed_time, auth_signed_free.
 */
typedef struct auth_signed auth_signed;

/**
 * A fresh credential. Its secret is wiped when it is freed.
 *
 * Methods: auth_token_create, auth_token_refresh, auth_token_key,
 * auth_token_refresh_key, auth_token_id, auth_token_expires, auth_token_free.
 */
typedef struct auth_token auth_token;

/**
 * The tokens of a user or of everybody, without their secrets.
 *
 * Methods: auth_token_list, auth_tokens_count, auth_tokens_id,
 * auth_tokens_user, auth_tokens_created, auth_tokens_expires, auth_tokens_free.
 */
typedef struct auth_tokens auth_tokens;

/**
 * A user, or the anonymous user: whoever a verdict or a look-up found.
 * Borrowed from a request (`const`), or owned.
 *
 * Methods: auth_authenticate, auth_request_user, auth_user_id, auth_user_name,
 * auth_user_email, auth_user_scheme, auth_user_flags, auth_user_auth,
 * auth_user_claims_json, auth_user_claim, auth_user_has_claim, auth_user_scope,
 * auth_user_expires, auth_user_group, auth_user_response, auth_user_clone, auth_user_free,
 * auth_user_lookup, auth_user_create, auth_token_verify, auth_password_check.
 */
typedef struct auth_user auth_user;

/**
 * The request as a custom scheme sees it; valid during the call only.
 *
 * Methods: auth_view_header, auth_view_method, auth_view_target,
 * auth_view_host, auth_view_peer, auth_view_remote_user.
 */
typedef struct auth_view auth_view;

/**
 * A piece of text with its length; no NUL is needed. With `len` 0 the pointer
 * is ignored. Make one with `AUTH_STR("literal")` or `auth_text(string)`.
 */
typedef struct auth_str {
  /**
   * The first byte.
   */
  const char *ptr;
  /**
   * How many bytes.
   */
  size_t len;
} auth_str;

/**
 * Takes one log line: visible ASCII, no newline, no secret. Called on the
 * thread of the request; must not block and must not call the library.
 * `severity` is syslog's: 3 no verdict could be given, 5 refused, 7 passed.
 */
typedef void (*auth_log)(void *data, int severity, const char *line);

/**
 * A scheme of the host's own or of a plug-in, named in `[chains.…] schemes`
 * like any other. Start with `AUTH_SCHEME_INIT`. It says who it is by name
 * only: that the user exists and is active is checked by the library.
 */
typedef struct auth_scheme {
  /**
   * sizeof(auth_scheme); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_SCHEME_ONE_THREAD and others; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * The name in the configuration; must not be that of a built-in scheme.
   */
  struct auth_str name;
  /**
   * The value of `WWW-Authenticate`; empty: a refusal is 403 (DRF's rule).
   */
  struct auth_str challenge;
  /**
   * Answers one request. Must not keep `view` or `answer`, nor unwind with
   * anything but a Rust panic.
   */
  void (*authenticate)(void *data,
                       const struct auth_view *view,
                       struct auth_answer *answer);
  /**
   * Called once when the last user of the configuration is gone, also when it was refused
   * (AUTH_ECONFIG): with `data`, or for each time that `configure` was content with what that
   * made, and then not with `data`. May be NULL.
   */
  void (*destroy)(void *data);
  /**
   * Handed to the functions.
   */
  void *data;
  /**
   * Makes a scheme of the options that `[schemes.NAME]`, or an item of a chain, gives it, while
   * the configuration is read: what it writes to `*made` (NULL before) is handed to the other
   * functions instead of `data`. Once for each table and each item with options of its own.
   * Returns AUTH_OK, or another status when it has made nothing; then the configuration is
   * refused. Must not call the library but for auth_settings_…; forks of other threads wait
   * for it. NULL: it has no options.
   */
  int (*configure)(void *data,
                   const struct auth_settings *settings,
                   void **made);
} auth_scheme;

/**
 * What to open. Start with `AUTH_OPTIONS_INIT`. With neither `path` nor
 * `text` the usual file is meant (see auth_default_context).
 */
typedef struct auth_options {
  /**
   * sizeof(auth_options); set by the initialiser.
   */
  size_t size;
  /**
   * The configuration file.
   */
  struct auth_str path;
  /**
   * Or the configuration itself; excludes `path`. An empty text is no text: then the usual
   * file is opened.
   */
  struct auth_str text;
  /**
   * The folder that relative paths in it start from; the file's own when empty.
   */
  struct auth_str base_dir;
  /**
   * The host's name for log lines.
   */
  struct auth_str host;
  /**
   * Where log lines go; NULL: nowhere.
   */
  auth_log log;
  /**
   * Handed to `log`.
   */
  void *log_data;
  /**
   * The host's own schemes; copied.
   */
  const struct auth_scheme *schemes;
  /**
   * How many.
   */
  size_t n_schemes;
} auth_options;

/**
 * One header field as received.
 */
typedef struct auth_header {
  /**
   * The field name; its case does not matter.
   */
  struct auth_str name;
  /**
   * The field value: any bytes.
   */
  struct auth_str value;
} auth_header;

/**
 * One HTTP request. Start with `AUTH_HTTP_INIT`; fill in what is known. The
 * headers are enough, but an absent method counts as unsafe. Headers come as
 * an array or as a block of `Name: value` lines; both set is AUTH_EINVAL.
 */
typedef struct auth_http {
  /**
   * sizeof(auth_http); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_HTTP_TLS and others; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * The client's port; 0 when unknown.
   */
  uint32_t peer_port;
  /**
   * Unix time in microseconds, for tests; 0: the clock.
   */
  int64_t now_us;
  /**
   * "GET", as sent.
   */
  struct auth_str method;
  /**
   * Path and query, as sent.
   */
  struct auth_str target;
  /**
   * The host as the server understood it.
   */
  struct auth_str host;
  /**
   * The client's address.
   */
  struct auth_str peer;
  /**
   * The user whom the server itself has verified.
   */
  struct auth_str remote_user;
  /**
   * The client's certificate.
   */
  struct auth_str client_cert;
  /**
   * `Name: value` lines separated by CR LF or LF, instead of `headers`. A
   * line without a colon or starting with a blank is AUTH_EINVAL.
   */
  struct auth_str header_block;
  /**
   * The header fields in order, duplicates kept.
   */
  const struct auth_header *headers;
  /**
   * How many.
   */
  size_t n_headers;
} auth_http;

/**
 * What token to create. Start with `AUTH_TOKEN_OPTIONS_INIT`.
 */
typedef struct auth_token_options {
  /**
   * sizeof(auth_token_options); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_TOKEN_RESET; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * The name of a token scheme; empty for "token".
   */
  struct auth_str kind;
  /**
   * The owner's name, active or not.
   */
  struct auth_str user;
  /**
   * The name of the client that the token is for, where the kind has clients
   * (durin); empty where it has none.
   */
  struct auth_str client;
} auth_token_options;

/**
 * A user to create. Start with `AUTH_NEW_USER_INIT`.
 */
typedef struct auth_new_user {
  /**
   * sizeof(auth_new_user); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_NEW_STAFF and others; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * The value of USERNAME_FIELD.
   */
  struct auth_str name;
  /**
   * The e-mail address; may be empty.
   */
  struct auth_str email;
  /**
   * The password; any bytes.
   */
  struct auth_str password;
} auth_new_user;

/**
 * Whom to log in. Start with `AUTH_SESSION_OPTIONS_INIT`.
 */
typedef struct auth_session_options {
  /**
   * sizeof(auth_session_options); set by the initialiser.
   */
  size_t size;
  /**
   * 0; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * The user's name. That it is this user has been found out before: by a verdict, say, or
   * auth_password_check.
   */
  struct auth_str user;
  /**
   * The value of the session cookie as the browser sent it, empty for none: what that session
   * holds is kept under a new key, unless it was another user's.
   */
  struct auth_str cookie;
  /**
   * Which of `authentication_backends` vouches for the user: its dotted path, or the short name
   * of one of Django's. Empty for the one that checks passwords, else the first.
   */
  struct auth_str backend;
} auth_session_options;

/**
 * How to sign, and what to believe. Start with `AUTH_SIGN_OPTIONS_INIT`.
 *
 * With no flag it is Django's `Signer`. `signing.dumps` and `loads` are not
 * for texts but for JSON, and not here.
 */
typedef struct auth_sign_options {
  /**
   * sizeof(auth_sign_options); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_SIGN_TIMED and others; unknown bits are AUTH_EINVAL.
   */
  uint32_t flags;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * Unix time in microseconds, for tests; 0: the clock.
   */
  int64_t now_us;
  /**
   * auth_unsign: the greatest age in seconds that is still good. It is always asked for where
   * there is a moment, unless AUTH_SIGN_ANY_AGE says otherwise; elsewhere it has to be 0.
   */
  int64_t max_age;
  /**
   * What is signed under one salt is not believed under another: name the purpose, and use a
   * salt either with a moment or without, because Django takes the one for the other. Empty
   * for the salt of Django's class; for a cookie Django's `salt` argument.
   */
  struct auth_str salt;
  /**
   * The name of the cookie, with AUTH_SIGN_COOKIE only.
   */
  struct auth_str cookie;
} auth_sign_options;

/**
 * The functions of the library that a plug-in calls, each as it is declared
 * under its name with auth_ in front. A plug-in takes them from here and is
 * not linked with the library: a host may have linked it statically, and a
 * second copy would not know its types.
 */
typedef struct auth_api {
  /**
   * sizeof(auth_api) of the library.
   */
  size_t size;
  /**
   * AUTH_ABI_VERSION of the library.
   */
  uint32_t abi_version;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * auth_view_header.
   */
  enum auth_status (*view_header)(const struct auth_view *view,
                                  struct auth_str name,
                                  struct auth_str *value);
  /**
   * auth_view_method.
   */
  struct auth_str (*view_method)(const struct auth_view *view);
  /**
   * auth_view_target.
   */
  struct auth_str (*view_target)(const struct auth_view *view);
  /**
   * auth_view_host.
   */
  struct auth_str (*view_host)(const struct auth_view *view);
  /**
   * auth_view_peer.
   */
  struct auth_str (*view_peer)(const struct auth_view *view);
  /**
   * auth_view_remote_user.
   */
  struct auth_str (*view_remote_user)(const struct auth_view *view);
  /**
   * auth_answer_user.
   */
  enum auth_status (*answer_user)(const struct auth_answer *answer,
                                  struct auth_str name);
  /**
   * auth_answer_refuse.
   */
  enum auth_status (*answer_refuse)(const struct auth_answer *answer,
                                    struct auth_str detail);
  /**
   * auth_answer_pass.
   */
  enum auth_status (*answer_pass)(const struct auth_answer *answer);
  /**
   * auth_answer_broken.
   */
  enum auth_status (*answer_broken)(const struct auth_answer *answer,
                                    struct auth_str why);
  /**
   * auth_settings_scheme.
   */
  const char *(*settings_scheme)(const struct auth_settings *settings);
  /**
   * auth_settings_count.
   */
  size_t (*settings_count)(const struct auth_settings *settings);
  /**
   * auth_settings_name.
   */
  const char *(*settings_name)(const struct auth_settings *settings, size_t i);
  /**
   * auth_settings_text.
   */
  enum auth_status (*settings_text)(const struct auth_settings *settings,
                                    struct auth_str name,
                                    const char **value);
  /**
   * auth_settings_integer.
   */
  enum auth_status (*settings_integer)(const struct auth_settings *settings,
                                       struct auth_str name,
                                       int64_t least,
                                       int64_t most,
                                       int64_t *value);
  /**
   * auth_settings_boolean.
   */
  enum auth_status (*settings_boolean)(const struct auth_settings *settings,
                                       struct auth_str name,
                                       int *value);
  /**
   * auth_settings_refuse.
   */
  enum auth_status (*settings_refuse)(const struct auth_settings *settings,
                                      struct auth_str name,
                                      struct auth_str text);
} auth_api;

/**
 * What a plug-in offers: custom schemes in a shared object, which
 * `[schemes.NAME] plugin = "/…/x.so"` names. Start with `AUTH_PLUGIN_INIT`.
 *
 * Methods: auth_plugin_entry.
 */
typedef struct auth_plugin {
  /**
   * sizeof(auth_plugin); set by the initialiser.
   */
  size_t size;
  /**
   * AUTH_ABI_VERSION of the header; set by the initialiser.
   */
  uint32_t abi_version;
  /**
   * Keeps the struct without holes; 0.
   */
  uint32_t reserved;
  /**
   * Its schemes; copied. `data` must live as long as the process.
   */
  const struct auth_scheme *schemes;
  /**
   * How many.
   */
  size_t n_schemes;
} auth_plugin;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0".
 *
 * Ownership: static. Threads: any. Blocks: never.
 * Returns: a text, never NULL.
 */
AUTH_API AUTH_MUST_USE const char *auth_version(void);

/**
 * The number of the library's ABI; compare it with `AUTH_ABI_VERSION`.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the number.
 */
AUTH_API AUTH_MUST_USE uint32_t auth_abi_version(void);

/**
 * What a status means, in words.
 *
 * Ownership: static. Threads: any. Blocks: never.
 * Returns: a text, never NULL; "unknown status" for other numbers.
 */
AUTH_API AUTH_MUST_USE const char *auth_strerror(int status);

/**
 * The name of a status, such as "AUTH_OK".
 *
 * Ownership: static. Threads: any. Blocks: never.
 * Returns: a text, or NULL for other numbers.
 */
AUTH_API AUTH_MUST_USE const char *auth_status_name(int status);

/**
 * The context that the one-call form uses: the file that `$AUTHCHAIN_CONFIG`
 * names (ignored in set-uid processes), else /etc/authchain/authchain.toml.
 * Opened on first use; after a failure tried again once a second at most. A
 * file that has changed is loaded when it has been still for a second; if it
 * is refused, the one in use stays.
 *
 * Ownership: free `*out` with auth_context_free (the context itself stays
 * open), and `*why` with auth_report_free; `why` may be NULL. `*why` is
 * written on AUTH_ECONFIG only.
 * Threads: any. Blocks: reads the configuration on first use and when
 * it has changed.
 * Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_default_context(struct auth_context **out,
                                      struct auth_report **why);

/**
 * The file as it was named; "(text)" for a configuration given as text.
 *
 * Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_report_file(const struct auth_report *report);

/**
 * The line, counted from 1; 0 when the problem has none.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the line; 0 for NULL.
 */
AUTH_API
AUTH_MUST_USE
uint32_t auth_report_line(const struct auth_report *report);

/**
 * The column in characters, counted from 1; 0 without a line.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the column; 0 for NULL.
 */
AUTH_API
AUTH_MUST_USE
uint32_t auth_report_column(const struct auth_report *report);

/**
 * What is wrong. Never holds a secret.
 *
 * Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_report_text(const struct auth_report *report);

/**
 * What was expected and what is known; empty when there is nothing to add.
 *
 * Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_report_remedy(const struct auth_report *report);

/**
 * The whole report in one line: `file:line:column: text (remedy)`.
 *
 * Ownership: borrowed from the report. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_report_message(const struct auth_report *report);

/**
 * Frees a report; NULL does nothing.
 *
 * Ownership: takes the report. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_report_free(struct auth_report *report);

/**
 * Loads a configuration. Starts no thread and opens no connection.
 *
 * Ownership: free `*out` with auth_context_free and `*why` with
 * auth_report_free; `why` may be NULL. `*why` is written on AUTH_ECONFIG only.
 * Everything in `options` is copied; `log_data` and the `data` of schemes must
 * live as long as the context.
 * Threads: any. Blocks: reads the configuration and the files it names.
 * Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_open(const struct auth_options *options,
                                   struct auth_context **out,
                                   struct auth_report **why);

/**
 * Checks a configuration without opening anything but its own files and the
 * plug-ins that it names, whose code runs. Schemes in `options` are taken over
 * as by auth_context_open: their `destroy` is called.
 *
 * Ownership: free `*why` with auth_report_free; `why` may be NULL. It is
 * written on AUTH_ECONFIG only.
 * Threads: any. Blocks: reads the configuration and the files it names.
 * Returns: AUTH_OK, AUTH_ECONFIG, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_config_check(const struct auth_options *options,
                                   struct auth_report **why);

/**
 * Loads the configuration again, from where the context was opened. It takes
 * the place of the one in use at once, or not at all; requests keep the one
 * that they began with. The default context (auth_default_context) follows its
 * file by itself.
 *
 * Ownership: free `*why` with auth_report_free; `why` may be NULL. It is
 * written on AUTH_ECONFIG only.
 * Threads: any. Blocks: reads the configuration and the files it names, closes
 * connections.
 * Returns: AUTH_OK, AUTH_ECONFIG (the one in use stays), AUTH_EINVAL,
 * AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_reload(const struct auth_context *context,
                                     struct auth_report **why);

/**
 * The number of a chain, for auth_request_authenticate. The same name keeps
 * its number for the life of the context, also when the configuration is
 * loaded again; a chain that is gone then answers AUTH_ECONFIG.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: AUTH_OK, AUTH_ECONFIG (no such chain), AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_chain(const struct auth_context *context,
                                    struct auth_str name,
                                    uint32_t *out);

/**
 * The number of an endpoint, for auth_request_serve. The same name keeps its
 * number as that of a chain does; no chain has the number of an endpoint.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: AUTH_OK, AUTH_ECONFIG (no such endpoint), AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_endpoint(const struct auth_context *context,
                                       struct auth_str name,
                                       uint32_t *out);

/**
 * Does what no request may wait for: fetches the sets of public keys that come
 * from an address (`jwk_url`) and are due. Opening a context fetches nothing;
 * until a set has come, requests that need it end in AUTH_ESTORE, which lets
 * nobody in. Call this once a second or so, in each process, away from an event
 * loop: a set is asked for every five minutes, and when a token names an unknown
 * key, but never twice in 30 seconds, so that most calls do nothing.
 *
 * Ownership: none. Threads: any. Blocks: network, three seconds for each set
 * that is due, besides what the system takes to look its name up.
 * Returns: AUTH_OK, AUTH_ESTORE (an address gave no set that can be used; the
 * last good one stays, and the log says why), AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_tick(const struct auth_context *context);

/**
 * Whether anybody has to call auth_context_tick: 1 while a set of keys comes from
 * an address, 0 otherwise and for NULL. A configuration that is loaded again may
 * change that.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: 0 or 1.
 */
AUTH_API
int auth_context_wants_tick(const struct auth_context *context);

/**
 * Gives up a context; NULL does nothing. Requests and users made with it stay
 * valid.
 *
 * Ownership: takes the context. Threads: any. Blocks: closes connections when
 * it was the last user.
 * Returns: nothing.
 */
AUTH_API void auth_context_free(struct auth_context *context);

/**
 * What has been answered since the context was opened, by chain, endpoint and
 * outcome, and how often the configuration was loaded again.
 *
 * Ownership: free `*out` with auth_metrics_free. Threads: any. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_context_metrics(const struct auth_context *context,
                                      struct auth_metrics **out);

/**
 * The counters in Prometheus' text format (0.0.4).
 *
 * Ownership: borrowed from the metrics. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_metrics_text(const struct auth_metrics *metrics);

/**
 * Frees metrics; NULL does nothing.
 *
 * Ownership: takes the metrics. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_metrics_free(struct auth_metrics *metrics);

/**
 * Judges a request by `[chains.default]` of the default context: the one call,
 * with no context to manage.
 *
 * Ownership: free `*out_user` with auth_user_free. It is written for every
 * status that is not negative: for AUTH_ANONYMOUS and AUTH_REFUSED it is the
 * anonymous user, which also carries what to answer.
 * Threads: any. Blocks: database, password hashes; reads the configuration on
 * first use and when it has changed.
 * Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_EINVAL,
 * AUTH_ECONFIG, AUTH_ESTORE, AUTH_ENOTSUP, AUTH_EBUSY, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_authenticate(const struct auth_http *headers,
                                   struct auth_user **out_user);

/**
 * Begins a request. Copies what it needs of `http`.
 *
 * Ownership: free `*out` with auth_request_free. Threads: any; the request
 * itself one at a time. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_new(const struct auth_context *context,
                                  const struct auth_http *http,
                                  struct auth_request **out);

/**
 * Judges the request by a chain. Asked again the verdict is the same; another
 * chain decides anew and becomes the one that the accessors speak of.
 *
 * Ownership: none. Threads: one at a time. Blocks: database, password hashes.
 * Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_ECONFIG
 * (no such chain), AUTH_ESTORE, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EBUSY,
 * AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_authenticate(struct auth_request *request,
                                           uint32_t chain);

/**
 * What the target, a chain or an endpoint, needs beyond the head of the
 * request.
 *
 * Ownership: none. Threads: one at a time. Blocks: never.
 * Returns: the sum of AUTH_WANTS_BODY and others; 0 for nothing, for NULL and
 * for a target that there is not.
 */
AUTH_API
AUTH_MUST_USE
uint32_t auth_request_wants(const struct auth_request *request,
                            uint32_t target);

/**
 * Hands over the next piece of the body, before the verdict that needs it;
 * `last` is not 0 for the last one. What goes beyond 2.5 MiB is not kept, and
 * the verdict is 413.
 *
 * Ownership: none; the piece is copied. Threads: one at a time. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL (also after the last piece), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_feed_body(struct auth_request *request,
                                        struct auth_str piece,
                                        int last);

/**
 * Serves an endpoint (auth_context_endpoint). The response is to be sent
 * verbatim, whatever the status; with AUTH_OK the user is who got or gave the
 * credentials. Asked again the answer is the same.
 *
 * Ownership: none. Threads: one at a time. Blocks: database, password hashes.
 * Returns: AUTH_OK, AUTH_ANONYMOUS, AUTH_REFUSED, AUTH_THROTTLED, AUTH_ECONFIG
 * (no such endpoint), AUTH_ESTORE, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EBUSY,
 * AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_serve(struct auth_request *request,
                                    uint32_t endpoint);

/**
 * The host's own no to a request that was judged, answered by DRF's rule:
 * nobody is asked to log in (401 with the challenge, or 403), somebody is told
 * 403. A refusal stays as it is. `detail` is what somebody is told; empty for
 * DRF's text.
 *
 * Ownership: none. Threads: one at a time. Blocks: never.
 * Returns: AUTH_REFUSED, AUTH_EINVAL (not judged yet, or no verdict could be
 * given), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_deny(struct auth_request *request,
                                   struct auth_str detail);

/**
 * Who it is.
 *
 * Ownership: borrowed; dies with the request, and changes with the next
 * verdict. Threads: one at a time. Blocks: never.
 * Returns: the user; the anonymous user before a verdict and after a refusal;
 * NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const struct auth_user *auth_request_user(const struct auth_request *request);

/**
 * What to send verbatim after a refusal or a failure; on success the headers
 * to add. AUTH_ANONYMOUS is a success: a page for users only has to say no
 * itself (auth_request_deny).
 *
 * Ownership: borrowed; dies with the request, and changes with the next
 * verdict. Threads: one at a time. Blocks: never.
 * Returns: the response; a plain 503 before a verdict, after a failure and for
 * NULL.
 */
AUTH_API
AUTH_MUST_USE
const struct auth_response *auth_request_response(const struct auth_request *request);

/**
 * What to change in the headers of the request before it is passed on to an
 * application. Also before a verdict, after a refusal and for nobody: then only
 * what a client may not say about the user is taken away.
 *
 * Ownership: borrowed; dies with the request, and changes with the next
 * verdict. Threads: one at a time. Blocks: never.
 * Returns: the changes, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const struct auth_edits *auth_request_edits(const struct auth_request *request);

/**
 * Event number `i`, counted from 0, of the verdict: what Django announces by a
 * signal. `*name` is "logged_in", "logged_out", "login_failed",
 * "user_created", "token_expired" or "other_token_expired" (the token of the
 * request was deleted; knox: another one of its owner), "token_renewed" (durin);
 * `*user` whom it is about, NULL when that is not known. More names may come.
 *
 * Ownership: `*name` is static; `*user` is borrowed, dies with the request, and
 * changes with the next verdict. Threads: one at a time. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such event; nothing is written),
 * AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_event(const struct auth_request *request,
                                    size_t i,
                                    const char **name,
                                    const char **user);

/**
 * One line for the log: the slug of the verdict first, fields escaped, never a
 * secret or a part of one.
 *
 * Ownership: borrowed; dies with the request, and changes with the next
 * verdict. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_request_log(const struct auth_request *request);

/**
 * Why no verdict could be given, in words for the operator.
 *
 * Ownership: borrowed; dies with the request, and changes with the next
 * verdict. Threads: one at a time. Blocks: never.
 * Returns: a text, or NULL when there is a verdict, none was asked for, or for
 * NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_request_failure(const struct auth_request *request);

/**
 * Ends a request; NULL does nothing. What was borrowed from it is gone.
 *
 * Ownership: takes the request. Threads: one at a time. Blocks: closes
 * connections when it was the last user of a context that was freed.
 * Returns: nothing.
 */
AUTH_API void auth_request_free(struct auth_request *request);

/**
 * The HTTP status.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the status; 503 for NULL.
 */
AUTH_API
AUTH_MUST_USE
uint32_t auth_response_status(const struct auth_response *response);

/**
 * Header number `i`, counted from 0; a name may come more than once.
 *
 * Ownership: `*name` and `*value` are borrowed from the response. Threads:
 * any. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such header; nothing is written),
 * AUTH_EINVAL.
 */
AUTH_API
enum auth_status auth_response_header(const struct auth_response *response,
                                      size_t i,
                                      const char **name,
                                      const char **value);

/**
 * The headers as one text of `Name: value` lines, each of which ends with LF:
 * for hosts to which a call costs more than what it says.
 *
 * Ownership: borrowed from the response. Threads: any. Blocks: never.
 * Returns: a text, "" when there are no headers, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_response_lines(const struct auth_response *response);

/**
 * The body: JSON after a refusal, empty after a success.
 *
 * Ownership: borrowed from the response. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_response_body(const struct auth_response *response);

/**
 * How many changes there are.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the number; 0 for NULL.
 */
AUTH_API AUTH_MUST_USE size_t auth_edits_count(const struct auth_edits *edits);

/**
 * Change number `i`, counted from 0: AUTH_HEADER_REMOVE or AUTH_HEADER_ADD, the
 * name of the header, and its value ("" when it is taken away).
 *
 * Ownership: `*name` and `*value` are borrowed from the edits. Threads: any.
 * Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such change; nothing is written),
 * AUTH_EINVAL.
 */
AUTH_API
enum auth_status auth_edits_at(const struct auth_edits *edits,
                               size_t i,
                               int *what,
                               const char **name,
                               const char **value);

/**
 * The changes of one kind, AUTH_HEADER_REMOVE (`Name`) or AUTH_HEADER_ADD
 * (`Name: value`), as one text in which each line ends with LF: for hosts to
 * which a call costs more than what it says.
 *
 * Ownership: borrowed from the edits. Threads: any. Blocks: never.
 * Returns: a text, "" when there is no such change; NULL when a name has a line
 * break or a colon in it, which only auth_edits_at can say, for another `what`,
 * and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_edits_lines(const struct auth_edits *edits,
                             int what);

/**
 * Makes a short-lived JSON Web Token (RFC 7519) that says to `audience`, a
 * program that the request is passed on to, who the user is: `iss`, `aud`,
 * `sub` (the user's key), `iat`, `exp`, `jti`, `preferred_username`, `email`,
 * `scheme`, `is_staff` and `is_superuser`. The table `[assertion]` of the
 * configuration says how it is signed and for how long it is good. Its
 * header has the `typ` `authchain-assertion+jwt` (RFC 8725 section 3.11).
 *
 * Ownership: free `*out` with auth_assertion_free. Threads: one at a time.
 * Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (there is no user to speak of; `*out` is NULL),
 * AUTH_ENOTSUP (the configuration has no such table, whatever the verdict),
 * AUTH_EINVAL (also an empty audience), AUTH_EBUSY (no random bytes),
 * AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_request_assert(const struct auth_request *request,
                                     struct auth_str audience,
                                     struct auth_assertion **out);

/**
 * The name of the header that it is passed on in. auth_request_edits takes it
 * away as a client sent it.
 *
 * Ownership: borrowed from the assertion. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_assertion_header(const struct auth_assertion *assertion);

/**
 * The token, which is the value of the header.
 *
 * Ownership: borrowed from the assertion. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_assertion_text(const struct auth_assertion *assertion);

/**
 * Frees an assertion and wipes it; NULL does nothing.
 *
 * Ownership: takes the assertion. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_assertion_free(struct auth_assertion *assertion);

/**
 * The user's key as text, Python's `str(user.pk)`: a number or a UUID.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL for the anonymous user and NULL.
 */
AUTH_API AUTH_MUST_USE const char *auth_user_id(const struct auth_user *user);

/**
 * The name, the value of USERNAME_FIELD.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text; for the anonymous user "" (as Django's), or with
 * AUTH_ANONYMOUS the chain's `anonymous_user`; NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_name(const struct auth_user *user);

/**
 * The e-mail address.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text; "" when there is none; NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_email(const struct auth_user *user);

/**
 * The scheme that found the user, by its name in the configuration.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when no scheme did, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_scheme(const struct auth_user *user);

/**
 * AUTH_USER_ACTIVE, AUTH_USER_STAFF, AUTH_USER_SUPERUSER.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the bits; 0 for the anonymous user and NULL.
 */
AUTH_API AUTH_MUST_USE uint32_t auth_user_flags(const struct auth_user *user);

/**
 * Which credential it was: for a token its keyed digest as in the log, never
 * the token.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when the scheme has none (Basic), and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_auth(const struct auth_user *user);

/**
 * The name of group number `i`, counted from 0, of a user that
 * auth_user_lookup found. Verdicts do not read groups.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such group, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_group(const struct auth_user *user,
                            size_t i);

/**
 * What to answer, see auth_request_response.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: the response; a plain 503 for NULL, so that it can be called
 * whatever auth_authenticate returned; NULL for a user of a look-up.
 */
AUTH_API
AUTH_MUST_USE
const struct auth_response *auth_user_response(const struct auth_user *user);

/**
 * A copy that outlives the request.
 *
 * Ownership: free the copy with auth_user_free. Threads: any. Blocks: never.
 * Returns: the copy, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_user *auth_user_clone(const struct auth_user *user);

/**
 * Frees an owned user; NULL does nothing. Never a user borrowed from a
 * request, which is `const`.
 *
 * Ownership: takes the user. Threads: any. Blocks: closes connections when it
 * was the last user of a context that was freed.
 * Returns: nothing.
 */
AUTH_API void auth_user_free(struct auth_user *user);

/**
 * Everything that the credential of a verdict says, as a JSON object: the
 * claims of a signed token.
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when the credential says nothing (a password, a
 * token that is a row of a table), and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_claims_json(const struct auth_user *user);

/**
 * One claim: a text as it is, anything else as JSON (`5`, `["a"]`).
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such claim, when it is a text with
 * a NUL inside, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_claim(const struct auth_user *user,
                            struct auth_str name);

/**
 * Whether a claim has this value, or is a list with it: a text as it is,
 * anything else as JSON (`5`, `true`).
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: 1 when it has; 0 when it has not, when there is no such claim, and
 * for NULL.
 */
AUTH_API
AUTH_MUST_USE
int auth_user_has_claim(const struct auth_user *user,
                        struct auth_str name,
                        struct auth_str value);

/**
 * Scope number `i`, counted from 0, of a token: of the claim "scope", a text
 * with blanks between them (RFC 8693) or a list, else of "scp".
 *
 * Ownership: borrowed from the user. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such scope, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_user_scope(const struct auth_user *user,
                            size_t i);

/**
 * When the credential ends, as a token itself says (the claim "exp").
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: Unix time in microseconds; 0 when it does not say, and for NULL.
 */
AUTH_API AUTH_MUST_USE int64_t auth_user_expires(const struct auth_user *user);

/**
 * Creates a token of the user. DRF keeps one a user: the one there is comes
 * back. knox keeps many: each call makes one, up to the limit of its scheme. Of
 * simplejwt each call makes an access token and a refresh token, or a sliding
 * token where the scheme takes those only. durin keeps one a user and client,
 * which comes back unless it has expired.
 *
 * Ownership: free `*out` with auth_token_free. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user or client, or the user has as
 * many tokens as may be; `*out` is NULL), AUTH_EINVAL, AUTH_ENOTSUP (no such
 * kind, or it has no AUTH_TOKEN_RESET, or no clients, or needs one),
 * AUTH_ESTORE, AUTH_EBUSY (no random bytes), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_create(const struct auth_context *context,
                                   const struct auth_token_options *options,
                                   struct auth_token **out);

/**
 * The secret itself. It can be read here only; the library never shows it
 * again.
 *
 * Ownership: borrowed from the token. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_token_key(const struct auth_token *token);

/**
 * The second secret, which only gets new tokens (auth_token_refresh): the
 * refresh token of simplejwt. It can be read here only.
 *
 * Ownership: borrowed from the token. Threads: any. Blocks: never.
 * Returns: a text, or NULL when the kind has none, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_token_refresh_key(const struct auth_token *token);

/**
 * When the token that auth_token_key shows ends.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: Unix time in microseconds; 0 when it does not end, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
int64_t auth_token_expires(const struct auth_token *token);

/**
 * Which token it is: its keyed digest as in the log.
 *
 * Ownership: borrowed from the token. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_token_id(const struct auth_token *token);

/**
 * Frees a token and wipes its secret; NULL does nothing.
 *
 * Ownership: takes the token. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_token_free(struct auth_token *token);

/**
 * New tokens for one that can be renewed: of simplejwt a refresh token, which is
 * replaced where the scheme rotates, or a sliding token; of durin the same token,
 * whose end is put off.
 *
 * Ownership: free `*out` with auth_token_free. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such token, it has ended, was used up, or
 * its owner may not log in; `*out` is NULL), AUTH_EINVAL, AUTH_ENOTSUP (no such
 * kind, or its tokens are not renewed), AUTH_ESTORE, AUTH_EBUSY (no random
 * bytes), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_refresh(const struct auth_context *context,
                                    struct auth_str kind,
                                    struct auth_str key,
                                    struct auth_token **out);

/**
 * Whose token a key is, without a request. `kind` is the name of a token
 * scheme, empty for "token".
 *
 * Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such key, it has expired, or its owner is
 * inactive and the scheme lets no such in; `*out` is NULL), AUTH_EINVAL,
 * AUTH_ENOTSUP (no such kind; `stateless`, which looks nobody up), AUTH_ESTORE,
 * AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_verify(const struct auth_context *context,
                                   struct auth_str kind,
                                   struct auth_str key,
                                   struct auth_user **out);

/**
 * Deletes a token by its key, or blacklists it (simplejwt). From the next
 * request on it is refused, in every process.
 *
 * Ownership: none. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (there was none), AUTH_EINVAL, AUTH_ENOTSUP
 * (no such kind; an access token of simplejwt without `revocable`),
 * AUTH_ESTORE, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_revoke(const struct auth_context *context,
                                   struct auth_str kind,
                                   struct auth_str key);

/**
 * Deletes every token of the user of a name, or blacklists them (simplejwt: those
 * that are in its table, so access tokens with `revocable` only). `*count`, unless
 * NULL, is how many there were.
 *
 * Ownership: none. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user), AUTH_EINVAL, AUTH_ENOTSUP (no
 * such kind, or its tokens are in no table), AUTH_ESTORE, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_revoke_all(const struct auth_context *context,
                                       struct auth_str kind,
                                       struct auth_str user,
                                       size_t *count);

/**
 * The tokens of the user of a name; of everybody when `user` is empty. Of
 * simplejwt those in its table that are not blacklisted.
 *
 * Ownership: free `*out` with auth_tokens_free. Threads: any. Blocks:
 * database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user; `*out` is NULL), AUTH_EINVAL,
 * AUTH_ENOTSUP (no such kind), AUTH_ESTORE, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_token_list(const struct auth_context *context,
                                 struct auth_str kind,
                                 struct auth_str user,
                                 struct auth_tokens **out);

/**
 * How many tokens the list has.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: the number; 0 for NULL.
 */
AUTH_API
AUTH_MUST_USE
size_t auth_tokens_count(const struct auth_tokens *tokens);

/**
 * The keyed digest of token number `i`, counted from 0.
 *
 * Ownership: borrowed from the list. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such token, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_tokens_id(const struct auth_tokens *tokens,
                           size_t i);

/**
 * The name of the owner of token number `i`.
 *
 * Ownership: borrowed from the list. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such token, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_tokens_user(const struct auth_tokens *tokens,
                             size_t i);

/**
 * When token number `i` was created, as Django's text in the database.
 *
 * Ownership: borrowed from the list. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such token, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_tokens_created(const struct auth_tokens *tokens,
                                size_t i);

/**
 * When token number `i` ends, as Django's text in the database.
 *
 * Ownership: borrowed from the list. Threads: any. Blocks: never.
 * Returns: a text, or NULL when it does not end, when there is no such token,
 * and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_tokens_expires(const struct auth_tokens *tokens,
                                size_t i);

/**
 * Frees a list; NULL does nothing.
 *
 * Ownership: takes the list. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_tokens_free(struct auth_tokens *tokens);

/**
 * The user of a name, key or address, with groups, active or not. No
 * credential is asked for: this finds, it does not let in.
 *
 * Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user; `*out` is NULL), AUTH_EINVAL,
 * AUTH_ESTORE, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_user_lookup(const struct auth_context *context,
                                  int by,
                                  struct auth_str value,
                                  struct auth_user **out);

/**
 * Creates a user as Django's `create_user` does: the name in NFKC, the domain of
 * the address in lower case.
 *
 * Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database,
 * password hash.
 * Returns: AUTH_OK, AUTH_REFUSED (the name is taken; `*out` is NULL),
 * AUTH_EINVAL (also a name that is empty or longer than 254 characters),
 * AUTH_ENOTSUP, AUTH_ESTORE, AUTH_EBUSY (no random bytes, or no turn to hash,
 * see `hashes_at_once`), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_user_create(const struct auth_context *context,
                                  const struct auth_new_user *user,
                                  struct auth_user **out);

/**
 * Whether a name and a password belong to a user who may log in. Every failure
 * costs one hash of the preferred kind.
 *
 * Ownership: free `*out` with auth_user_free. Threads: any. Blocks: database,
 * password hash.
 * Returns: AUTH_OK, AUTH_REFUSED (wrong, unknown or inactive; `*out` is NULL),
 * AUTH_EINVAL, AUTH_ESTORE, AUTH_EBUSY (no turn to hash), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_password_check(const struct auth_context *context,
                                     struct auth_str name,
                                     struct auth_str password,
                                     struct auth_user **out);

/**
 * Sets the password of the user of a name.
 *
 * Ownership: none. Threads: any. Blocks: database, password hash.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user), AUTH_EINVAL (also a password
 * that the preferred hasher cannot take), AUTH_ESTORE, AUTH_EBUSY (no random
 * bytes, or no turn to hash), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_password_set(const struct auth_context *context,
                                   struct auth_str name,
                                   struct auth_str password);

/**
 * Logs a user in as Django's `auth.login` does: a new session that Django
 * knows, too, under a new key, with a new CSRF secret; the moment goes into
 * `last_login`.
 *
 * Ownership: free `*out` with auth_session_free. Threads: any. Blocks:
 * database, session files.
 * Returns: AUTH_OK, AUTH_REFUSED (no such user, or inactive; `*out` is NULL),
 * AUTH_EINVAL, AUTH_ENOTSUP (no such backend), AUTH_ESTORE, AUTH_EBUSY (no
 * random bytes), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_session_create(const struct auth_context *context,
                                     const struct auth_session_options *options,
                                     struct auth_session **out);

/**
 * Ends the session of a cookie, and says how to take the cookie away; that
 * also where there was no session. A session that is kept in the cookie itself
 * (`signed_cookies`) cannot be ended: whoever copied the cookie has it until
 * it is too old.
 *
 * Ownership: free `*out` with auth_session_free; it has cookies, but no key.
 * Threads: any. Blocks: database, session files.
 * Returns: AUTH_OK, AUTH_REFUSED (there was none to end; `*out` is written all
 * the same), AUTH_EINVAL, AUTH_ESTORE, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_session_end(const struct auth_context *context,
                                  struct auth_str cookie,
                                  struct auth_session **out);

/**
 * The key, which is the value of the session cookie: a secret.
 *
 * Ownership: borrowed from the session. Threads: any. Blocks: never.
 * Returns: a text, or NULL for a session that was ended, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_session_key(const struct auth_session *session);

/**
 * The value of `Set-Cookie` number `i`, counted from 0: send each of them in a
 * header of its own.
 *
 * Ownership: borrowed from the session. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is no such cookie, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_session_cookie(const struct auth_session *session,
                                size_t i);

/**
 * Frees a session and wipes its secrets; NULL does nothing. The user stays
 * logged in.
 *
 * Ownership: takes the session. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_session_free(struct auth_session *session);

/**
 * A CSRF token for a page that the host makes itself, as Django's `get_token`
 * gives one: for the secret of the request's cookie, or of its session with
 * `csrf_use_sessions`; where there is none, a new one is made. Put the text
 * into a field `csrfmiddlewaretoken` of each form, send the cookie, and
 * `Vary: Cookie`.
 *
 * Ownership: free `*out` with auth_csrf_free. Threads: one at a time. Blocks:
 * database and session files, with `csrf_use_sessions` only.
 * Returns: AUTH_OK, AUTH_REFUSED (sessions hold the secrets, and the request
 * has none; `*out` is NULL), AUTH_EINVAL, AUTH_ESTORE, AUTH_EBUSY (no random
 * bytes), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_csrf_token(const struct auth_request *request,
                                 struct auth_csrf **out);

/**
 * The token as it goes into a page, another text in each. A script may send it
 * in the header of `csrf_header_name` instead (X-CSRFToken).
 *
 * Ownership: borrowed from the token. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_csrf_text(const struct auth_csrf *csrf);

/**
 * The value of the `Set-Cookie` to send with the page: of the CSRF cookie,
 * whose time begins anew, or of the session that has just got a secret.
 *
 * Ownership: borrowed from the token. Threads: any. Blocks: never.
 * Returns: a text, or NULL when there is nothing to send, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_csrf_cookie(const struct auth_csrf *csrf);

/**
 * Frees a token and wipes it; NULL does nothing.
 *
 * Ownership: takes the token. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_csrf_free(struct auth_csrf *csrf);

/**
 * Signs a text with `secret_key`, so that Django and auth_unsign believe it.
 * It is signed, not hidden: everybody can read it.
 *
 * Ownership: free `*out` with auth_signed_free. Threads: any. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_sign(const struct auth_context *context,
                           const struct auth_sign_options *options,
                           struct auth_str value,
                           struct auth_signed **out);

/**
 * Takes a signed text apart, if `secret_key` or one of `secret_key_fallbacks`
 * signed it under the same salt (and for the same cookie), and not too long ago.
 * The text may be any bytes.
 *
 * Ownership: free `*out` with auth_signed_free. Threads: any. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (not signed so, changed, or too old; `*out`
 * is NULL), AUTH_EINVAL, AUTH_ENOTSUP, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_unsign(const struct auth_context *context,
                             const struct auth_sign_options *options,
                             struct auth_str text,
                             struct auth_signed **out);

/**
 * The whole signed text, to be sent.
 *
 * Ownership: borrowed from the signed text. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_signed_text(const struct auth_signed *signed_);

/**
 * What was signed.
 *
 * Ownership: borrowed from the signed text. Threads: any. Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_signed_value(const struct auth_signed *signed_);

/**
 * When it was signed.
 *
 * Ownership: none. Threads: any. Blocks: never.
 * Returns: Unix time in seconds; 0 where the way of signing does not say, and
 * for NULL.
 */
AUTH_API
AUTH_MUST_USE
int64_t auth_signed_time(const struct auth_signed *signed_);

/**
 * Frees a signed text and wipes it; NULL does nothing.
 *
 * Ownership: takes the signed text. Threads: any. Blocks: never.
 * Returns: nothing.
 */
AUTH_API void auth_signed_free(struct auth_signed *signed_);

/**
 * A header of the request; duplicates are joined with a comma.
 *
 * Ownership: `*value` is borrowed for the call of the scheme. Threads: the
 * caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such header; nothing is written),
 * AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_view_header(const struct auth_view *view,
                                  struct auth_str name,
                                  struct auth_str *value);

/**
 * The method as sent.
 *
 * Ownership: borrowed for the call of the scheme. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, empty when the host did not say and for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_str auth_view_method(const struct auth_view *view);

/**
 * Path and query as sent.
 *
 * Ownership: borrowed for the call of the scheme. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, empty when the host did not say and for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_str auth_view_target(const struct auth_view *view);

/**
 * The host as the server understood it.
 *
 * Ownership: borrowed for the call of the scheme. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, empty when the host did not say and for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_str auth_view_host(const struct auth_view *view);

/**
 * The client's address.
 *
 * Ownership: borrowed for the call of the scheme. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, empty when the host did not say and for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_str auth_view_peer(const struct auth_view *view);

/**
 * The user whom the server verified.
 *
 * Ownership: borrowed for the call of the scheme. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, empty when there is none and for NULL.
 */
AUTH_API
AUTH_MUST_USE
struct auth_str auth_view_remote_user(const struct auth_view *view);

/**
 * Answers: it is the user of this name, if there is one and it is active.
 *
 * Ownership: copies the text. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL (not UTF-8, NUL inside, or empty: then the
 * scheme has failed), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_answer_user(const struct auth_answer *answer,
                                  struct auth_str name);

/**
 * Answers: refused, with a text for the client.
 *
 * Ownership: copies the text. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL (not UTF-8 or NUL inside: then the scheme has
 * failed), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_answer_refuse(const struct auth_answer *answer,
                                    struct auth_str detail);

/**
 * Answers: these credentials are not mine, ask the next.
 *
 * Ownership: none. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API enum auth_status auth_answer_pass(const struct auth_answer *answer);

/**
 * Answers: no answer can be given, for a reason that the log may know.
 *
 * Ownership: copies the text. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_EINVAL (not UTF-8 or NUL inside: the scheme has
 * failed all the same), AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_answer_broken(const struct auth_answer *answer,
                                    struct auth_str why);

/**
 * The name that the configuration gives the scheme: NAME of `[schemes.NAME]`.
 *
 * Ownership: borrowed for the call of `configure`. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, or NULL for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_settings_scheme(const struct auth_settings *settings);

/**
 * How many options there are.
 *
 * Ownership: none. Threads: the caller's. Blocks: never.
 * Returns: the number; 0 for NULL.
 */
AUTH_API
AUTH_MUST_USE
size_t auth_settings_count(const struct auth_settings *settings);

/**
 * The name of option number `i`, counted from 0, for a scheme that does not
 * know its options beforehand. It still has to ask for the value.
 *
 * Ownership: borrowed for the call of `configure`. Threads: the caller's.
 * Blocks: never.
 * Returns: a text, or NULL when there is no such option, and for NULL.
 */
AUTH_API
AUTH_MUST_USE
const char *auth_settings_name(const struct auth_settings *settings,
                               size_t i);

/**
 * The text of an option. `{ file = "…" }` and `{ env = "…" }` are read for the
 * scheme, with the checks of `secret_key`.
 *
 * Ownership: `*value` is borrowed for the call of `configure`. Threads: the
 * caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
 * a default stays), AUTH_ECONFIG (no text: the configuration will be refused),
 * AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_settings_text(const struct auth_settings *settings,
                                    struct auth_str name,
                                    const char **value);

/**
 * The whole number of an option, between `least` and `most`.
 *
 * Ownership: none. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
 * a default stays), AUTH_ECONFIG (no such number: the configuration will be
 * refused), AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_settings_integer(const struct auth_settings *settings,
                                       struct auth_str name,
                                       int64_t least,
                                       int64_t most,
                                       int64_t *value);

/**
 * Whether an option is true: 1 or 0.
 *
 * Ownership: none. Threads: the caller's. Blocks: never.
 * Returns: AUTH_OK, AUTH_REFUSED (no such option; nothing is written, so that
 * a default stays), AUTH_ECONFIG (neither true nor false: the configuration
 * will be refused), AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_settings_boolean(const struct auth_settings *settings,
                                       struct auth_str name,
                                       int *value);

/**
 * Says what is wrong with an option, or with the whole table when `name` is
 * empty or that of no option. The first complaint counts, and the
 * configuration will be refused with it. The text must not show a secret.
 *
 * Ownership: copies the text. Threads: the caller's. Blocks: never.
 * Returns: AUTH_ECONFIG, for `configure` to return; AUTH_EINVAL, AUTH_EPANIC.
 */
AUTH_API
enum auth_status auth_settings_refuse(const struct auth_settings *settings,
                                      struct auth_str name,
                                      struct auth_str text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** The headers are enough for auth_authenticate. */
typedef auth_http auth_headers;

/** An auth_str of a string literal, as an initialiser. */
#define AUTH_STR(literal) { "" literal, sizeof(literal) - 1 }

/** An auth_str of a NUL-terminated string; NULL is the empty text. */
static inline auth_str auth_text(const char *text)
{
  auth_str str;
  size_t len = 0;
  while (text != NULL && text[len] != '\0') {
    len++;
  }
  str.ptr = text;
  str.len = len;
  return str;
}

/*
 * Initialisers of the structs that come in: everything zero but the size.
 */
#ifdef __cplusplus
template <typename T> static inline T auth_sized_()
{
  T made = T();
  made.size = sizeof(T);
  return made;
}
#define AUTH_INIT_(type) auth_sized_<type>()
#else
#define AUTH_INIT_(type) { .size = sizeof(type) }
#endif
#define AUTH_HTTP_INIT AUTH_INIT_(auth_http)
#define AUTH_HEADERS_INIT AUTH_INIT_(auth_http)
#define AUTH_OPTIONS_INIT AUTH_INIT_(auth_options)
#define AUTH_TOKEN_OPTIONS_INIT AUTH_INIT_(auth_token_options)
#define AUTH_NEW_USER_INIT AUTH_INIT_(auth_new_user)
#define AUTH_SESSION_OPTIONS_INIT AUTH_INIT_(auth_session_options)
#define AUTH_SIGN_OPTIONS_INIT AUTH_INIT_(auth_sign_options)
#define AUTH_SCHEME_INIT AUTH_INIT_(auth_scheme)
/* Every field, in C and C++ alike. */
#define AUTH_PLUGIN_INIT { sizeof(auth_plugin), AUTH_ABI_VERSION, 0, NULL, 0 }

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a plug-in defines, and the library does not: called once in a process,
 * when the first configuration that names the plug-in is read. It may keep
 * `api` for the life of the process.
 *
 * Ownership: the plug-in's, for the life of the process; it is never unloaded.
 * Threads: one at a time. Blocks: must not.
 * Returns: what the plug-in offers, or NULL when it does not work with
 * `api->abi_version`.
 */
AUTH_API const auth_plugin *auth_plugin_entry(const auth_api *api);

#ifdef __cplusplus
}
#endif

#endif  /* AUTHCHAIN_H */
