/* Sessions from login to logout, in each place where they may be kept; CSRF tokens for a host's own
 * pages; texts signed with the secret key. What Django says to them: python-bindings/tests. */
#include <stdlib.h>
#include <sys/stat.h>

#include "check.h"
#include "fixture.h"

#define SITE(options) TOP("site.db") options "[chains.default]\nschemes = [\"session\"]\n" QUICK

static auth_str none;

/* The value of the cookie `name` among the Set-Cookie values of a session; "" when it is not set. */
static const char *cookie_of(const auth_session *session, const char *name)
{
  static char values[4][4096];
  static int next;
  char *value = values[next++ % 4];
  size_t i, length = strlen(name);
  const char *set;
  value[0] = '\0';
  for (i = 0; (set = auth_session_cookie(session, i)) != NULL; i++)
    if (strncmp(set, name, length) == 0 && set[length] == '=')
      snprintf(value, sizeof values[0], "%.*s", (int)strcspn(set + length + 1, ";"), set + length + 1);
  return value;
}

static auth_session *log_in(const auth_context *context, const char *user, const char *cookie)
{
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  auth_session *session = NULL;
  options.user = auth_text(user);
  options.cookie = auth_text(cookie);
  CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_OK);
  return session;
}

static auth_request *request_with(const auth_context *context, const char *method, const char *cookies,
                                  const char *token)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  auth_header headers[2];
  headers[0].name = auth_text("Cookie");
  headers[0].value = auth_text(cookies);
  headers[1].name = auth_text("X-CSRFToken");
  headers[1].value = auth_text(token);
  http.method = auth_text(method);
  http.headers = headers;
  http.n_headers = token != NULL ? 2 : 1;
  if (auth_request_new(context, &http, &request) != AUTH_OK)
    broken("auth_request_new");
  return request;
}

/* Who a request with these cookies comes from; "" for nobody. */
static const char *who(const auth_context *context, const char *method, const char *cookies, const char *token)
{
  static char name[64];
  auth_request *request = request_with(context, method, cookies, token);
  auth_request_authenticate(request, 0);
  snprintf(name, sizeof name, "%s", auth_user_name(auth_request_user(request)));
  auth_request_free(request);
  return name;
}

static const char *text_of(const char *format, const char *first, const char *second)
{
  static char texts[4][8192];
  static int next;
  char *text = texts[next++ % 4];
  snprintf(text, sizeof texts[0], format, first, second);
  return text;
}

/* A page's token, and the value of the cookie that goes with it ("" for none). */
static const char *page_token(const auth_context *context, const char *cookies, char *set_cookie, size_t size)
{
  static char token[128];
  auth_request *request = request_with(context, "GET", cookies, NULL);
  auth_csrf *csrf = NULL;
  const char *set;
  token[0] = set_cookie[0] = '\0';
  if (CHECK_STATUS(auth_csrf_token(request, &csrf), AUTH_OK)) {
    set = auth_csrf_cookie(csrf);
    snprintf(token, sizeof token, "%s", auth_csrf_text(csrf));
    if (set != NULL)
      snprintf(set_cookie, size, "%.*s", (int)strcspn(set, ";"), set);
  }
  auth_csrf_free(csrf);
  auth_request_free(request);
  return token;
}

/* ---- login and logout -------------------------------------------------------------------- */

/* With every engine: the chain knows the session, a second login changes the key, a logout ends it.
 * `ends`: whether the engine can end a session before its time. */
static void from_login_to_logout(const char *toml, int ends)
{
  auth_context *context = open_text(toml);
  auth_session *first = log_in(context, "alice", NULL), *second, *ended = NULL;
  const char *cookie = text_of("a=b; sessionid=%s%s", auth_session_key(first), "");
  CHECK_TEXT(cookie_of(first, "sessionid"), auth_session_key(first));
  CHECK(strlen(cookie_of(first, "csrftoken")) == 32);
  CHECK(auth_session_cookie(first, 2) == NULL);
  CHECK(strstr(auth_session_cookie(first, 0), "; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax") != NULL);
  CHECK_TEXT(who(context, "GET", cookie, NULL), "alice");
  CHECK_TEXT(who(context, "GET", "sessionid=0123456789abcdef0123456789abcdef", NULL), "");

  second = log_in(context, "alice", auth_session_key(first));
  if (ends) { /* session fixation: who knew the old key has nothing */
    CHECK(strcmp(auth_session_key(second), auth_session_key(first)) != 0);
    CHECK_TEXT(who(context, "GET", cookie, NULL), "");
  }
  cookie = text_of("sessionid=%s%s", auth_session_key(second), "");
  CHECK_TEXT(who(context, "GET", cookie, NULL), "alice");
  CHECK_STATUS(auth_session_end(context, auth_text(auth_session_key(second)), &ended), ends ? AUTH_OK : AUTH_REFUSED);
  CHECK(auth_session_key(ended) == NULL);
  CHECK(strncmp(auth_session_cookie(ended, 0), "sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT", 51) == 0);
  CHECK(auth_session_cookie(ended, 1) == NULL);
  auth_session_free(ended);
  CHECK_TEXT(who(context, "GET", cookie, NULL), ends ? "" : "alice");
  CHECK_STATUS(auth_session_end(context, auth_text(auth_session_key(second)), &ended), AUTH_REFUSED);
  auth_session_free(ended);
  CHECK_STATUS(auth_session_end(context, none, &ended), AUTH_REFUSED);
  CHECK(auth_session_cookie(ended, 0) != NULL);
  auth_session_free(ended);
  auth_session_free(first);
  auth_session_free(second);
  auth_context_free(context);
}

static void nobody_else_is_logged_in(void)
{
  static const char *const names[] = {"inactive", "nobody there", "Alice", ""};
  auth_context *context = open_text(SITE(""));
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  auth_session *session;
  size_t i;
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    options.user = auth_text(names[i]);
    fill_garbage(&session, sizeof session);
    CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_REFUSED);
    CHECK(session == NULL);
  }
  options.user = auth_text("alice");
  options.backend = auth_text("no.such.Backend");
  fill_garbage(&session, sizeof session);
  CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_ENOTSUP);
  CHECK(is_garbage(&session, sizeof session));
  auth_context_free(context);
}

static void a_backend_may_be_named(void)
{
  static const char *const names[] = {"shop.auth.Badge", "RemoteUserBackend",
                                      "django.contrib.auth.backends.RemoteUserBackend", ""};
  auth_context *context =
    open_text(SITE("authentication_backends = [\"shop.auth.Badge\", \"RemoteUserBackend\"]\n"));
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  auth_session *session = NULL;
  size_t i;
  options.user = auth_text("alice");
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    options.backend = auth_text(names[i]);
    CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_OK);
    CHECK_TEXT(who(context, "GET", text_of("sessionid=%s%s", auth_session_key(session), ""), NULL), "alice");
    auth_session_free(session);
  }
  options.backend = auth_text("ModelBackend"); /* known to Django, but not of this site */
  CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_ENOTSUP);
  auth_context_free(context);
}

static void a_login_goes_into_last_login_and_another_user_gets_a_session_of_their_own(void)
{
  auth_context *context = open_text(SITE(""));
  auth_session *alice, *other;
  sql("site.db", "UPDATE auth_user SET last_login = NULL WHERE username = 'alice'");
  alice = log_in(context, "alice", NULL);
  CHECK_TEXT(sql("site.db", "SELECT last_login > '2020' FROM auth_user WHERE username = 'alice'"), "1");
  other = log_in(context, "carol", auth_session_key(alice));
  CHECK_TEXT(who(context, "GET", text_of("sessionid=%s%s", auth_session_key(alice), ""), NULL), "");
  CHECK_TEXT(who(context, "GET", text_of("sessionid=%s%s", auth_session_key(other), ""), NULL), "carol");
  auth_session_free(alice);
  auth_session_free(other);
  auth_context_free(context);
}

static void a_database_that_is_away_is_a_failure(void)
{
  auth_context *context = open_text("database = \"sqlite:nowhere.db\"\nsecret_key = \"x\"\n"
                                    "[chains.default]\nschemes = [\"session\"]\n");
  auth_session_options options = AUTH_SESSION_OPTIONS_INIT;
  auth_session *session;
  options.user = auth_text("alice");
  fill_garbage(&session, sizeof session);
  CHECK_STATUS(auth_session_create(context, &options, &session), AUTH_ESTORE);
  CHECK_STATUS(auth_session_end(context, auth_text("0123456789abcdef"), &session), AUTH_ESTORE);
  CHECK(is_garbage(&session, sizeof session));
  auth_context_free(context);
}

/* ---- CSRF -------------------------------------------------------------------------------- */

static void a_page_has_a_token_that_a_post_may_use(void)
{
  auth_context *context = open_text(SITE(""));
  auth_session *session = log_in(context, "alice", NULL);
  char set[512], again[512], token[128];
  const char *cookies = text_of("sessionid=%s; csrftoken=%s", auth_session_key(session), cookie_of(session, "csrftoken"));
  snprintf(token, sizeof token, "%s", page_token(context, cookies, set, sizeof set));
  CHECK(strlen(token) == 64);
  /* The secret stays, its cookie begins anew, and each page has another text for it. */
  CHECK_TEXT(set, text_of("csrftoken=%s%s", cookie_of(session, "csrftoken"), ""));
  CHECK(strcmp(page_token(context, cookies, again, sizeof again), token) != 0);
  CHECK_TEXT(again, set);
  CHECK_TEXT(who(context, "POST", cookies, token), "alice");
  CHECK_TEXT(who(context, "POST", cookies, NULL), "");
  token[40] = token[40] == 'x' ? 'y' : 'x';
  CHECK_TEXT(who(context, "POST", cookies, token), "");
  /* A browser without the cookie gets a secret of its own, which is no good with the other cookie. */
  snprintf(token, sizeof token, "%s", page_token(context, "", again, sizeof again));
  CHECK(strcmp(again, set) != 0 && strncmp(again, "csrftoken=", 10) == 0 && strlen(again) == 42);
  CHECK_TEXT(who(context, "POST", cookies, token), "");
  CHECK_TEXT(who(context, "POST", text_of("sessionid=%s; %s", auth_session_key(session), again), token), "alice");
  /* What is no secret is replaced. */
  page_token(context, "csrftoken=nonsense", set, sizeof set);
  CHECK(strlen(set) == 42);
  auth_session_free(session);
  auth_context_free(context);
}

static void with_csrf_use_sessions_the_session_holds_the_secret(const char *options)
{
  char toml[1024], set[512], token[128];
  auth_context *context;
  auth_session *session, *again;
  auth_request *stranger;
  auth_csrf *csrf;
  const char *cookies;
  snprintf(toml, sizeof toml, TOP("site.db") "csrf_use_sessions = true\n%s[chains.default]\nschemes = [\"session\"]\n" QUICK,
           options);
  context = open_text(toml);
  session = log_in(context, "alice", NULL);
  cookies = text_of("sessionid=%s%s", auth_session_key(session), "");
  CHECK(auth_session_cookie(session, 0) != NULL && auth_session_cookie(session, 1) == NULL);
  snprintf(token, sizeof token, "%s", page_token(context, cookies, set, sizeof set));
  CHECK_TEXT(set, ""); /* the login has made the secret */
  CHECK_TEXT(who(context, "POST", cookies, token), "alice");
  CHECK_TEXT(who(context, "POST", cookies, NULL), "");
  /* Another login, another secret. */
  again = log_in(context, "alice", auth_session_key(session));
  cookies = text_of("sessionid=%s%s", auth_session_key(again), "");
  CHECK_TEXT(who(context, "GET", cookies, NULL), "alice");
  CHECK_TEXT(who(context, "POST", cookies, token), "");
  /* A stranger has no session to keep a secret in, and does not get one. */
  stranger = request_with(context, "GET", "", NULL);
  fill_garbage(&csrf, sizeof csrf);
  CHECK_STATUS(auth_csrf_token(stranger, &csrf), AUTH_REFUSED);
  CHECK(csrf == NULL);
  auth_request_free(stranger);
  auth_session_free(session);
  auth_session_free(again);
  auth_context_free(context);
}

/* A session without a secret gets one when a page needs it, and the secret is saved. */
static void a_session_without_a_secret_gets_one(void)
{
  auth_context *without = open_text(SITE("")), *with = open_text(SITE("csrf_use_sessions = true\n"));
  auth_session *session = log_in(without, "alice", NULL);
  const char *cookies = text_of("sessionid=%s%s", auth_session_key(session), "");
  char set[512], again[512], token[128];
  snprintf(token, sizeof token, "%s", page_token(with, cookies, set, sizeof set));
  CHECK_TEXT(set, cookies);
  CHECK_TEXT(who(with, "POST", cookies, token), "alice");
  CHECK(strlen(page_token(with, cookies, again, sizeof again)) == 64);
  CHECK_TEXT(again, "");
  CHECK_TEXT(who(with, "POST", cookies, token), "alice");
  auth_session_free(session);
  auth_context_free(without);
  auth_context_free(with);
}

/* ---- signing ----------------------------------------------------------------------------- */

static auth_sign_options how(uint32_t flags, const char *salt, const char *cookie, int64_t now, int64_t max_age)
{
  auth_sign_options options = AUTH_SIGN_OPTIONS_INIT;
  options.flags = flags;
  options.salt = auth_text(salt);
  options.cookie = auth_text(cookie);
  options.now_us = now * 1000000;
  options.max_age = max_age;
  return options;
}

/* What auth_unsign says; the value has to be `value` if it is good. */
static void expect(const auth_context *context, auth_sign_options options, const char *text, auth_status want,
                   const char *value, int64_t time)
{
  auth_signed *back;
  fill_garbage(&back, sizeof back);
  if (!CHECK_STATUS(auth_unsign(context, &options, auth_text(text), &back), want))
    printf("  that was \"%s\"\n", text);
  if (want == AUTH_REFUSED)
    CHECK(back == NULL);
  CHECK_TEXT(auth_signed_value(back), value);
  CHECK_TEXT(auth_signed_text(back), value != NULL ? text : NULL);
  CHECK(auth_signed_time(back) == time);
  auth_signed_free(back);
}

enum { THEN = 1700000000 };

static void what_is_signed_comes_back(const auth_context *context, uint32_t flags, const char *cookie)
{
  static const char *const values[] = {"hello", "a:b:c", "", "\xc3\xa9\xe5\xaf\x86", " x\n"};
  auth_sign_options options = how(flags, "reset", cookie, THEN, flags ? 60 : 0);
  int64_t time = flags ? THEN : 0;
  size_t i, at;
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    auth_signed *made = NULL;
    char text[256];
    CHECK_STATUS(auth_sign(context, &options, auth_text(values[i]), &made), AUTH_OK);
    CHECK_TEXT(auth_signed_value(made), values[i]);
    CHECK(auth_signed_time(made) == time);
    snprintf(text, sizeof text, "%s", auth_signed_text(made));
    auth_signed_free(made);
    expect(context, options, text, AUTH_OK, values[i], time);
    expect(context, how(flags, "other", cookie, THEN, options.max_age), text, AUTH_REFUSED, NULL, 0);
    for (at = 0; text[at] != '\0'; at++) { /* any change is noticed */
      char was = text[at];
      text[at] = was == 'A' ? 'B' : 'A';
      expect(context, options, text, AUTH_REFUSED, NULL, 0);
      text[at] = was;
    }
    if (flags != 0) {
      expect(context, how(flags, "reset", cookie, THEN + 60, 60), text, AUTH_OK, values[i], time);
      expect(context, how(flags, "reset", cookie, THEN + 61, 60), text, AUTH_REFUSED, NULL, 0);
      expect(context, how(flags, "reset", cookie, THEN + 1, 0), text, AUTH_REFUSED, NULL, 0);
      expect(context, how(flags, "reset", cookie, 0, 60), text, AUTH_REFUSED, NULL, 0); /* the clock */
      expect(context, how(flags | AUTH_SIGN_ANY_AGE, "reset", cookie, 0, 0), text, AUTH_OK, values[i], time);
    }
  }
}

static void signatures(void)
{
  static const char *const nonsense[] = {"", ":", "x", "x:", ":::", "hello:1r31eq:", "\xc3\xa9"};
  auth_context *context = open_text(SITE("")), *next;
  size_t i;
  what_is_signed_comes_back(context, 0, NULL);
  what_is_signed_comes_back(context, AUTH_SIGN_TIMED, NULL);
  what_is_signed_comes_back(context, AUTH_SIGN_COOKIE, "theme");
  for (i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
    expect(context, how(0, "", NULL, 0, 0), nonsense[i], AUTH_REFUSED, NULL, 0);
    expect(context, how(AUTH_SIGN_TIMED | AUTH_SIGN_ANY_AGE, "", NULL, 0, 0), nonsense[i], AUTH_REFUSED, NULL, 0);
    expect(context, how(AUTH_SIGN_COOKIE, "", "c", 0, 60), nonsense[i], AUTH_REFUSED, NULL, 0);
  }
  /* A former key still verifies, and does not sign. */
  next = open_text("database = \"sqlite:site.db\"\nsecret_key = \"the next\"\nsecret_key_fallbacks = [\"" SECRET_KEY "\"]\n"
                   "[chains.default]\nschemes = [\"session\"]\n");
  {
    auth_sign_options options = how(0, "reset", NULL, 0, 0);
    auth_signed *old = NULL, *young = NULL;
    CHECK_STATUS(auth_sign(context, &options, auth_text("x"), &old), AUTH_OK);
    CHECK_STATUS(auth_sign(next, &options, auth_text("x"), &young), AUTH_OK);
    CHECK(strcmp(auth_signed_text(old), auth_signed_text(young)) != 0);
    expect(next, options, auth_signed_text(old), AUTH_OK, "x", 0);
    expect(next, options, auth_signed_text(young), AUTH_OK, "x", 0);
    expect(context, options, auth_signed_text(young), AUTH_REFUSED, NULL, 0);
    auth_signed_free(old);
    auth_signed_free(young);
  }
  auth_context_free(context);
  auth_context_free(next);
}

int main(void)
{
  make_database("site.db", 0);
  if (mkdir(in_folder("kept"), 0700) != 0)
    broken("mkdir");
  from_login_to_logout(SITE(""), 1);
  from_login_to_logout(SITE("session_engine = \"cached_db\"\n"), 1);
  from_login_to_logout(SITE("session_engine = \"file\"\nsession_file_path = \"kept\"\n"), 1);
  from_login_to_logout(SITE("session_engine = \"signed_cookies\"\n"), 0);
  nobody_else_is_logged_in();
  a_backend_may_be_named();
  a_login_goes_into_last_login_and_another_user_gets_a_session_of_their_own();
  a_database_that_is_away_is_a_failure();
  a_page_has_a_token_that_a_post_may_use();
  with_csrf_use_sessions_the_session_holds_the_secret("");
  with_csrf_use_sessions_the_session_holds_the_secret("session_engine = \"file\"\nsession_file_path = \"kept\"\n");
  a_session_without_a_secret_gets_one();
  signatures();
  return check_result();
}
