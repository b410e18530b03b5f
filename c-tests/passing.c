/* What a host does with a verdict besides letting in: headers that it changes before it passes the
 * request on, events that it announces, log lines that the library writes for it. */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

#define ONE(schemes) "[chains.default]\nschemes = [" schemes "]\n"

static auth_request *request_with(const auth_context *context, const auth_header *headers, size_t n)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  http.headers = headers;
  http.n_headers = n;
  http.peer = auth_text("192.0.2.1");
  if (auth_request_new(context, &http, &request) != AUTH_OK)
    broken("request");
  return request;
}

/* ---- headers ----------------------------------------------------------------------------------- */

/* auth_edits_lines says the same as a text of `-name` and `+name: value` lines. */
static void same_as_lines(const auth_edits *edits, const char *text)
{
  static char joined[1024];
  const char *parts[] = {auth_edits_lines(edits, AUTH_HEADER_REMOVE), auth_edits_lines(edits, AUTH_HEADER_ADD)};
  size_t i, length = 0;
  joined[0] = 0;
  for (i = 0; i < 2; i++)
    while (parts[i] && *parts[i]) {
      size_t line = strcspn(parts[i], "\n") + 1;
      length += (size_t)snprintf(joined + length, sizeof joined - length, "%c%.*s", "-+"[i], (int)line, parts[i]);
      parts[i] += line;
    }
  CHECK_TEXT(joined, text);
}

/* The edits as a text of `-name` and `+name: value` lines. */
static const char *edits_of(const auth_request *request)
{
  static char text[1024];
  const auth_edits *edits = auth_request_edits(request);
  const char *name, *value;
  size_t i, length = 0;
  int what;
  text[0] = 0;
  for (i = 0; auth_edits_at(edits, i, &what, &name, &value) == AUTH_OK; i++)
    length += (size_t)snprintf(text + length, sizeof text - length, what == AUTH_HEADER_ADD ? "+%s: %s\n" : "-%s%s\n", name, value);
  CHECK(i == auth_edits_count(edits));
  same_as_lines(edits, text);
  return text;
}

#define SCRUBBED "-X-Auth-User\n-X-Auth-User-Id\n-X-Auth-Scheme\n-X-REMOTE-USER\n"

static void forged_identities_are_taken_away_and_the_real_one_comes(void)
{
  auth_context *context = open_text(TOP("site.db") ONE("\"token\"") "[chains.front]\nschemes = [\"remote_user\"]\n"
                                    "[schemes.remote_user]\nheader = \"HTTP_X_REMOTE_USER\"\n" QUICK);
  auth_header headers[] = {
    {AUTH_STR("Authorization"), AUTH_STR("Token " ALICE_KEY)},
    {AUTH_STR("x_auth_user"), AUTH_STR("root")},
    {AUTH_STR("X.Remote_User"), AUTH_STR("root")},
  };
  auth_request *request = request_with(context, headers, 3);
  const char *removed = SCRUBBED "-x_auth_user\n-X.Remote_User\n";
  char expected[512];
  auth_header bytes = {AUTH_STR("X\xff" "Auth\xe9User"), AUTH_STR("root")};
  auth_request *odd = request_with(context, &bytes, 1);
  CHECK_TEXT(edits_of(odd), SCRUBBED "-X\xff" "Auth\xe9User\n"); /* as it came, whatever it is */
  auth_request_free(odd);
  CHECK_TEXT(edits_of(request), removed); /* before a verdict */
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  snprintf(expected, sizeof expected, "%s+X-Auth-User: alice\n+X-Auth-User-Id: 1\n+X-Auth-Scheme: token\n", removed);
  CHECK_TEXT(edits_of(request), expected);
  CHECK_STATUS(auth_request_authenticate(request, 1), AUTH_REFUSED);
  CHECK_TEXT(edits_of(request), removed);
  auth_request_free(request);
  auth_context_free(context);
}

/* ---- assertions ------------------------------------------------------------------------------- */

#define ASSERTION \
  "[assertion]\nalgorithm = \"HS256\"\nkey = \"a-secret-of-the-programs-behind-us\"\nheader = \"X-Who\"\n"

/* {"alg":"HS256","typ":"authchain-assertion+jwt"} */
#define ASSERTED "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF1dGhjaGFpbi1hc3NlcnRpb24rand0In0."

/* What the tokens say is checked with PyJWT (python-bindings/tests/test_assertion.py). */
static void an_assertion_is_made_for_a_user_and_for_nobody_else(void)
{
  auth_context *context = open_text(TOP("site.db") ONE("\"token\"") "anonymous = \"allow\"\n" ASSERTION QUICK);
  auth_header headers[] = {
    {AUTH_STR("Authorization"), AUTH_STR("Token " ALICE_KEY)},
    {AUTH_STR("X-Who"), AUTH_STR("forged")},
    {AUTH_STR("x_who"), AUTH_STR("forged")},
  };
  auth_request *request = request_with(context, headers, 3), *nobody = request_with(context, NULL, 0);
  auth_assertion *one = NULL, *other = NULL, *none = (auth_assertion *)&one;
  const char *removed = edits_of(request);
  CHECK(strstr(removed, "-X-Who\n") != NULL && strstr(removed, "-x_who\n") != NULL);
  CHECK_STATUS(auth_request_assert(request, auth_text("app"), &none), AUTH_REFUSED); /* before a verdict */
  CHECK(none == NULL);
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  CHECK_STATUS(auth_request_assert(request, auth_text(""), &none), AUTH_EINVAL);
  CHECK_STATUS(auth_request_assert(request, auth_text("app"), &one), AUTH_OK);
  CHECK_STATUS(auth_request_assert(request, auth_text("app"), &other), AUTH_OK);
  CHECK_TEXT(auth_assertion_header(one), "X-Who");
  CHECK(strncmp(auth_assertion_text(one), ASSERTED, sizeof ASSERTED - 1) == 0);
  CHECK(strcmp(auth_assertion_text(one), auth_assertion_text(other)) != 0);
  CHECK_STATUS(auth_request_authenticate(nobody, 0), AUTH_ANONYMOUS);
  CHECK_STATUS(auth_request_assert(nobody, auth_text("app"), &none), AUTH_REFUSED);
  CHECK_STATUS(auth_request_deny(request, auth_text(NULL)), AUTH_REFUSED);
  CHECK_STATUS(auth_request_assert(request, auth_text("app"), &none), AUTH_REFUSED);
  CHECK(none == NULL);
  auth_assertion_free(one);
  auth_assertion_free(other);
  auth_request_free(nobody);
  auth_request_free(request);
  auth_context_free(context);
}

static void a_name_that_would_be_another_one_as_a_line_is_said_one_by_one_only(void)
{
  auth_context *context = open_text(TOP("site.db") ONE("\"token\""));
  auth_header broken = {AUTH_STR("X\nAuth\nUser"), AUTH_STR("root")}, colon = {AUTH_STR("X:Auth-User"), AUTH_STR("root")};
  const auth_header *odd[] = {&broken, &colon};
  size_t i;
  for (i = 0; i < 2; i++) {
    auth_request *request = request_with(context, odd[i], 1);
    const auth_edits *edits = auth_request_edits(request);
    CHECK(auth_edits_count(edits) == 4);
    CHECK(auth_edits_lines(edits, AUTH_HEADER_REMOVE) == NULL);
    CHECK_TEXT(auth_edits_lines(edits, AUTH_HEADER_ADD), "");
    auth_request_free(request);
  }
  auth_context_free(context);
}

/* ---- events ------------------------------------------------------------------------------------ */

static void events_are_djangos_signals(void)
{
  auth_context *context = open_text(TOP("site.db") ONE("\"basic\", \"remote_user\"") QUICK);
  char value[256];
  const char *name = NULL, *user = NULL;
  auth_request *request = NULL;
  auth_http http = AUTH_HTTP_INIT;
  CHECK_STATUS(judge(context, 0, basic(value, "alice", "wrong"), &request), AUTH_REFUSED);
  CHECK_STATUS(auth_request_event(request, 0, &name, &user), AUTH_OK);
  CHECK_TEXT(name, "login_failed");
  CHECK_TEXT(user, "alice");
  CHECK_STATUS(auth_request_event(request, 1, &name, &user), AUTH_REFUSED);
  auth_request_free(request);

  CHECK_STATUS(judge(context, 0, basic(value, "alice", ALICE_PASSWORD), &request), AUTH_OK);
  CHECK_STATUS(auth_request_event(request, 0, &name, &user), AUTH_REFUSED);
  auth_request_free(request);

  http.remote_user = auth_text("newcomer");
  if (auth_request_new(context, &http, &request) != AUTH_OK)
    broken("request");
  CHECK_STATUS(auth_request_authenticate(request, 0), AUTH_OK);
  CHECK_STATUS(auth_request_event(request, 0, &name, &user), AUTH_OK);
  CHECK_TEXT(name, "user_created");
  CHECK_TEXT(user, "newcomer");
  auth_request_free(request);
  auth_context_free(context);
}

/* ---- who may ask ------------------------------------------------------------------------------- */

static auth_status from(const auth_context *context, const char *peer, uint32_t flags, const char *proto, auth_request **out)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header headers[] = {{AUTH_STR("Authorization"), AUTH_STR("Token " ALICE_KEY)}, {AUTH_STR("X-Forwarded-Proto"), AUTH_STR("")}};
  headers[1].value = auth_text(proto);
  http.peer = auth_text(peer);
  http.flags = flags;
  http.headers = headers;
  http.n_headers = *proto != 0 ? 2 : 1;
  if (auth_request_new(context, &http, out) != AUTH_OK)
    broken("request");
  return auth_request_authenticate(*out, 0);
}

static void clear_text_from_elsewhere_is_refused_before_any_challenge(void)
{
  static const struct {
    const char *peer, *proto;
    uint32_t flags;
    auth_status status;
  } rows[] = {
    {"192.0.2.1", "", 0, AUTH_REFUSED},           {"192.0.2.1", "", AUTH_HTTP_TLS, AUTH_OK},
    {"127.0.0.1", "", 0, AUTH_OK},                {"::1", "", 0, AUTH_OK},
    {"", "", 0, AUTH_REFUSED},                    {"192.0.2.1", "https", 0, AUTH_REFUSED},
    {"198.51.100.7", "https", 0, AUTH_OK},        {"198.51.100.7", "http", 0, AUTH_REFUSED},
    {"::ffff:127.0.0.1", "", 0, AUTH_OK},         {"192.0.2.1", "", AUTH_HTTP_SKIP_CSRF, AUTH_REFUSED},
    {"127.0.0.1", "http", 0, AUTH_REFUSED},       {"127.0.0.1", "https", 0, AUTH_REFUSED}, /* of a proxy that nobody trusts */
  };
  auth_context *context = open_text(TOP("site.db") "trusted_proxies = [\"198.51.100.7\"]\n"
                                    "secure_proxy_ssl_header = [\"HTTP_X_FORWARDED_PROTO\", \"https\"]\n"
                                    ONE("\"token\"") "require_tls = true\n");
  size_t i;
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    auth_request *request = NULL;
    if (!CHECK_STATUS(from(context, rows[i].peer, rows[i].flags, rows[i].proto, &request), rows[i].status))
      printf("  row %d\n", (int)i);
    if (rows[i].status == AUTH_REFUSED) {
      CHECK(auth_response_status(auth_request_response(request)) == 403);
      CHECK(header_of(auth_request_response(request), "WWW-Authenticate") == NULL);
      CHECK_TEXT(auth_request_log(request), "chain.clear_text denied");
    }
    auth_request_free(request);
  }
  auth_context_free(context);
}

static void nobody_has_a_name_only_where_nobody_is_let_through(void)
{
  auth_context *context = open_text(TOP("site.db") ONE("\"token\"") "anonymous = \"allow\"\nanonymous_user = \"guest\"\n");
  auth_request *request = NULL;
  auth_user *copy;
  CHECK_STATUS(judge(context, 0, NULL, &request), AUTH_ANONYMOUS);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "guest");
  CHECK(auth_user_id(auth_request_user(request)) == NULL && auth_user_flags(auth_request_user(request)) == 0);
  CHECK(strstr(edits_of(request), "guest") == NULL);
  copy = auth_user_clone(auth_request_user(request));
  CHECK_TEXT(auth_user_name(copy), "guest");
  auth_user_free(copy);
  CHECK_STATUS(auth_request_deny(request, auth_text("")), AUTH_REFUSED);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
  auth_request_free(request);
  CHECK_STATUS(judge(context, 0, "Token wrong", &request), AUTH_REFUSED);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
  auth_request_free(request);
  auth_context_free(context);
}

/* ---- the log ----------------------------------------------------------------------------------- */

static char logged[512];
static int priority_of_log;

/* In the place of the system's, which the library calls. */
void syslog(int priority, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(logged, sizeof logged, format, arguments);
  va_end(arguments);
  priority_of_log = priority;
}

static void ask(const auth_context *context, const char *authorization, auth_status wanted)
{
  auth_request *request = NULL;
  logged[0] = 0;
  CHECK_STATUS(judge(context, 0, authorization, &request), wanted);
  auth_request_free(request);
}

static void the_systems_log_gets_refusals_and_failures(void)
{
  auth_context *context = open_text(TOP("site.db") "log = \"syslog\"\n" ONE("\"token\""));
  ask(context, "Token " ALICE_KEY, AUTH_OK);
  CHECK_TEXT(logged, "");
  ask(context, NULL, AUTH_REFUSED);
  CHECK_TEXT(logged, "authchain: chain.no_credentials refused");
  CHECK(priority_of_log == (10 << 3 | 5)); /* authpriv.notice */
  auth_context_free(context);
  context = open_text(TOP("missing.db") "log = \"syslog\"\nlog_level = \"error\"\n" ONE("\"token\""));
  ask(context, NULL, AUTH_REFUSED);
  CHECK_TEXT(logged, "");
  ask(context, "Token %s%n", AUTH_ESTORE);
  CHECK(strncmp(logged, "authchain: broken ", 18) == 0);
  CHECK(priority_of_log == (10 << 3 | 3));
  auth_context_free(context);
}

static void take(void *data, int severity, const char *line)
{
  (void)severity;
  snprintf((char *)data, 256, "%s", line);
}

static void a_file_gets_lines_unless_the_host_takes_them(void)
{
  char line[256] = "", got[256] = "";
  auth_context *context = open_text(TOP("site.db") "log = \"./auth.log\"\nlog_level = \"debug\"\n" ONE("\"token\""));
  FILE *file;
  ask(context, "Token " ALICE_KEY, AUTH_OK);
  auth_context_free(context);
  file = fopen(in_folder("auth.log"), "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL)
    broken("auth.log");
  CHECK(strstr(line, "Z authchain: ok user=alice scheme=token\n") != NULL);
  CHECK(fgets(line, sizeof line, file) == NULL);
  context = open_with(TOP("site.db") "log = \"./auth.log\"\n" ONE("\"token\""), NULL, 0, take, got);
  ask(context, NULL, AUTH_REFUSED);
  CHECK_TEXT(got, "chain.no_credentials refused");
  CHECK(fgets(line, sizeof line, file) == NULL);
  fclose(file);
  auth_context_free(context);
}

int main(void)
{
  make_database("site.db", 0);
  forged_identities_are_taken_away_and_the_real_one_comes();
  an_assertion_is_made_for_a_user_and_for_nobody_else();
  a_name_that_would_be_another_one_as_a_line_is_said_one_by_one_only();
  events_are_djangos_signals();
  clear_text_from_elsewhere_is_refused_before_any_challenge();
  nobody_has_a_name_only_where_nobody_is_let_through();
  the_systems_log_gets_refusals_and_failures();
  a_file_gets_lines_unless_the_host_takes_them();
  return check_result();
}
