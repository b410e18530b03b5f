/* What hosts live by: who gets in, what the others are told, and that a failure is no answer. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

#define CHAINS                                        \
  "[chains.default]\nschemes = [\"basic\", \"token\"]\n" \
  "[chains.api]\nschemes = [\"token\"]\n"                \
  "[chains.open]\nschemes = [\"token\"]\nanonymous = \"allow\"\n"
#define THREE_CHAINS TOP("site.db") CHAINS QUICK

enum { DEFAULT, API, OPEN };

#define NOT_PROVIDED "{\"detail\":\"Authentication credentials were not provided.\"}"
#define WRONG_PASSWORD "{\"detail\":\"Invalid username/password.\"}"
#define WRONG_TOKEN "{\"detail\":\"Invalid token.\"}"
#define INACTIVE "{\"detail\":\"User inactive or deleted.\"}"
#define NO_PERMISSION "{\"detail\":\"You do not have permission to perform this action.\"}"
#define UNAVAILABLE "{\"detail\":\"Service temporarily unavailable, try again later.\"}"

static auth_context *context;

/* ---- the one call ------------------------------------------------------------------------ */

/* The context of the one call opens once its file is there; a failure holds for a second. */
static void default_context_fails_then_works(void)
{
  auth_context *shared = NULL;
  auth_report *why = NULL;
  auth_user *user;
  auth_http http = AUTH_HTTP_INIT;
  fill_garbage(&user, sizeof user);
  setenv("AUTHCHAIN_CONFIG", in_folder("later.toml"), 1);
  CHECK_STATUS(auth_default_context(&shared, &why), AUTH_ECONFIG);
  CHECK(shared == NULL);
  CHECK_TEXT(auth_report_file(why), in_folder("later.toml"));
  CHECK(auth_report_line(why) == 0 && auth_report_column(why) == 0);
  CHECK(strstr(auth_report_text(why), "cannot be opened: No such file or directory") != NULL);
  CHECK(strstr(auth_report_message(why), "later.toml: ") != NULL);
  auth_report_free(why);
  CHECK_STATUS(auth_default_context(&shared, NULL), AUTH_ECONFIG);
  CHECK_STATUS(auth_authenticate(&http, &user), AUTH_ECONFIG);
  CHECK(is_garbage(&user, sizeof user));
  write_file("later.toml", THREE_CHAINS);
  CHECK_STATUS(auth_default_context(&shared, NULL), AUTH_ECONFIG); /* not read again so soon */
  usleep(1100 * 1000);
  CHECK_STATUS(auth_default_context(&shared, NULL), AUTH_OK);
  auth_context_free(shared); /* the context itself stays open */
  CHECK_STATUS(auth_default_context(&shared, NULL), AUTH_OK);
  auth_context_free(shared);
}

static auth_status one_call(const char *authorization, auth_user **user)
{
  auth_headers headers = AUTH_HEADERS_INIT;
  auth_header header;
  header.name = auth_text("authorization");
  header.value = auth_text(authorization);
  headers.headers = &header;
  headers.n_headers = authorization != NULL ? 1 : 0;
  fill_garbage(user, sizeof *user);
  return auth_authenticate(&headers, user);
}

static void one_call_lets_in(void)
{
  char value[256];
  auth_user *user;
  CHECK_STATUS(one_call(basic(value, "alice", ALICE_PASSWORD), &user), AUTH_OK);
  CHECK_TEXT(auth_user_name(user), "alice");
  CHECK_TEXT(auth_user_id(user), "1");
  CHECK_TEXT(auth_user_email(user), "");
  CHECK_TEXT(auth_user_scheme(user), "basic");
  CHECK(auth_user_flags(user) == (AUTH_USER_ACTIVE | AUTH_USER_STAFF));
  CHECK(auth_user_auth(user) == NULL);
  CHECK(auth_user_group(user, 0) == NULL);
  CHECK(auth_response_status(auth_user_response(user)) == 200);
  CHECK_TEXT(auth_response_body(auth_user_response(user)), "");
  auth_user_free(user);
  CHECK_STATUS(one_call("Token " ALICE_KEY, &user), AUTH_OK);
  CHECK_TEXT(auth_user_scheme(user), "token");
  CHECK(auth_user_auth(user) != NULL && auth_user_auth(user)[0] == '#' && strlen(auth_user_auth(user)) == 9);
  auth_user_free(user);
}

static void one_call_refuses(void)
{
  char value[256];
  auth_user *user;
  CHECK_STATUS(one_call(basic(value, "alice", "wrong"), &user), AUTH_REFUSED);
  CHECK_TEXT(auth_user_name(user), "");
  CHECK(auth_user_id(user) == NULL);
  CHECK(auth_user_scheme(user) == NULL);
  CHECK(auth_user_flags(user) == 0);
  CHECK(auth_response_status(auth_user_response(user)) == 401);
  CHECK_TEXT(auth_response_body(auth_user_response(user)), WRONG_PASSWORD);
  CHECK_TEXT(header_of(auth_user_response(user), "WWW-Authenticate"), "Basic realm=\"api\"");
  auth_user_free(user);
  CHECK_STATUS(one_call(NULL, &user), AUTH_REFUSED);
  CHECK_TEXT(auth_response_body(auth_user_response(user)), NOT_PROVIDED);
  auth_user_free(user);
}

/* The same as a block of lines, with everything else that may be known. */
static void one_call_reads_a_block(void)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_user *user = NULL;
  http.header_block = auth_text("Host: example.org\r\nAUTHORIZATION: token " ALICE_KEY "\r\n\r\n");
  http.method = auth_text("POST");
  http.target = auth_text("/things?x=1");
  http.host = auth_text("example.org");
  http.peer = auth_text("192.0.2.1");
  http.peer_port = 4711;
  http.flags = AUTH_HTTP_TLS;
  CHECK_STATUS(auth_authenticate(&http, &user), AUTH_OK);
  CHECK_TEXT(auth_user_name(user), "alice");
  auth_user_free(user);
}

/* Runs before the default context of this process is opened; its own comes in a child. */
static void one_call_without_database(void)
{
  int status;
  pid_t pid;
  write_file("no-database.toml", TOP("missing.db") CHAINS QUICK);
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    auth_user *user;
    setenv("AUTHCHAIN_CONFIG", in_folder("no-database.toml"), 1);
    CHECK_STATUS(one_call("Token " ALICE_KEY, &user), AUTH_ESTORE);
    CHECK(is_garbage(&user, sizeof user));
    CHECK(auth_response_status(auth_user_response(NULL)) == 503);
    fflush(stdout);
    _exit(check_counts[0] != 0);
  }
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- requests ---------------------------------------------------------------------------- */

/* What auth_response_lines has to say. */
static const char *joined_headers(const auth_response *response)
{
  static char text[1024];
  const char *name, *value;
  size_t i, length = 0;
  text[0] = 0;
  for (i = 0; auth_response_header(response, i, &name, &value) == AUTH_OK; i++)
    length += (size_t)snprintf(text + length, sizeof text - length, "%s: %s\n", name, value);
  return text;
}

/* One verdict and all that is said about it. */
static void expect(uint32_t chain, const char *authorization, auth_status status, uint32_t http, const char *challenge,
                   const char *body)
{
  auth_request *request;
  const auth_response *response;
  int before = check_counts[0];
  CHECK_STATUS(judge(context, chain, authorization, &request), status);
  response = auth_request_response(request);
  CHECK(auth_response_status(response) == http);
  CHECK_TEXT(header_of(response, "WWW-Authenticate"), challenge);
  CHECK_TEXT(header_of(response, "Vary"), "Authorization");
  CHECK_TEXT(header_of(response, "Content-Type"), http == 200 ? NULL : "application/json");
  CHECK_TEXT(header_of(response, "Cache-Control"), http == 200 ? NULL : "no-store");
  CHECK_TEXT(auth_response_body(response), body);
  CHECK_TEXT(auth_response_lines(response), joined_headers(response));
  CHECK(auth_request_failure(request) == NULL);
  CHECK(auth_request_log(request) != NULL);
  if (status != AUTH_OK) {
    CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
    CHECK(auth_user_id(auth_request_user(request)) == NULL);
    CHECK(auth_user_flags(auth_request_user(request)) == 0);
  }
  auth_request_free(request);
  if (check_counts[0] != before)
    printf("  that was chain %u, \"%s\"\n", (unsigned)chain, authorization ? authorization : "(none)");
}

static void verdicts(void)
{
  static const char realm[] = "Basic realm=\"api\"";
  char value[256];
  expect(DEFAULT, basic(value, "alice", ALICE_PASSWORD), AUTH_OK, 200, NULL, "");
  expect(DEFAULT, basic(value, "alice", "wrong"), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, basic(value, "alice", ""), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, basic(value, "nobody", "x"), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, basic(value, "Alice", ALICE_PASSWORD), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, basic(value, "inactive", INACTIVE_PASSWORD), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, basic(value, "unusable", ""), AUTH_REFUSED, 401, realm, WRONG_PASSWORD);
  expect(DEFAULT, "Token " ALICE_KEY, AUTH_OK, 200, NULL, "");
  expect(DEFAULT, "tOkEn\t" ALICE_KEY " ", AUTH_OK, 200, NULL, "");
  expect(DEFAULT, "Token " INACTIVE_KEY, AUTH_REFUSED, 401, realm, INACTIVE);
  expect(DEFAULT, "Token unknown", AUTH_REFUSED, 401, realm, WRONG_TOKEN);
  expect(DEFAULT, NULL, AUTH_REFUSED, 401, realm, NOT_PROVIDED);
  expect(DEFAULT, "", AUTH_REFUSED, 401, realm, NOT_PROVIDED);
  expect(DEFAULT, "Digest x", AUTH_REFUSED, 401, realm, NOT_PROVIDED);
  expect(DEFAULT, "Token", AUTH_REFUSED, 401, realm, "{\"detail\":\"Invalid token header. No credentials provided.\"}");
  expect(DEFAULT, "Token a b", AUTH_REFUSED, 401, realm,
         "{\"detail\":\"Invalid token header. Token string should not contain spaces.\"}");
  expect(DEFAULT, "Basic ?", AUTH_REFUSED, 401, realm,
         "{\"detail\":\"Invalid basic header. Credentials not correctly base64 encoded.\"}");
  expect(API, "Token unknown", AUTH_REFUSED, 401, "Token", WRONG_TOKEN);
  expect(API, basic(value, "alice", ALICE_PASSWORD), AUTH_REFUSED, 401, "Token", NOT_PROVIDED);
  expect(OPEN, NULL, AUTH_ANONYMOUS, 200, NULL, "");
  expect(OPEN, "Token unknown", AUTH_REFUSED, 401, "Token", WRONG_TOKEN);
  expect(OPEN, "Token " ALICE_KEY, AUTH_OK, 200, NULL, "");
}

/* Two Authorization headers are joined, as servers do, and so refused: none is picked. */
static void duplicates_are_refused(void)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header headers[2];
  auth_request *request = NULL;
  headers[0].name = headers[1].name = auth_text("Authorization");
  headers[0].value = auth_text("Token " ALICE_KEY);
  headers[1].value = auth_text("Token " ALICE_KEY);
  http.headers = headers;
  http.n_headers = 2;
  CHECK_STATUS(auth_request_new(context, &http, &request), AUTH_OK);
  CHECK_STATUS(auth_request_authenticate(request, DEFAULT), AUTH_REFUSED);
  auth_request_free(request);
}

static void chains_have_numbers(void)
{
  uint32_t number = 99;
  CHECK_STATUS(auth_context_chain(context, auth_text("default"), &number), AUTH_OK);
  CHECK(number == DEFAULT);
  CHECK_STATUS(auth_context_chain(context, auth_text("open"), &number), AUTH_OK);
  CHECK(number == OPEN);
  number = 99;
  CHECK_STATUS(auth_context_chain(context, auth_text("Default"), &number), AUTH_ECONFIG);
  CHECK(number == 99);
}

/* What there is before a verdict, and after an answer without one. */
static void before_a_verdict(void)
{
  auth_request *request = request_of(context, "Authorization", "Token " ALICE_KEY);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
  CHECK(auth_response_status(auth_request_response(request)) == 503);
  CHECK(auth_request_failure(request) == NULL);
  CHECK_TEXT(auth_request_log(request), "chain.not_asked");
  CHECK_STATUS(auth_request_deny(request, auth_text("no")), AUTH_EINVAL);
  CHECK_STATUS(auth_request_authenticate(request, 3), AUTH_ECONFIG);
  CHECK_STATUS(auth_request_authenticate(request, API), AUTH_OK);
  CHECK_STATUS(auth_request_authenticate(request, 3), AUTH_ECONFIG);
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "alice"); /* the verdict there was */
  auth_request_free(request);
}

/* The verdict of a request does not change while it is served, whatever becomes of the token. */
static void verdicts_are_remembered(void)
{
  auth_request *old, *fresh;
  sql("site.db", "INSERT INTO authtoken_token VALUES ('shortlived', '2026-01-01 00:00:00', 23)");
  CHECK_STATUS(judge(context, API, "Token shortlived", &old), AUTH_OK);
  sql("site.db", "DELETE FROM authtoken_token WHERE key = 'shortlived'");
  CHECK_STATUS(auth_request_authenticate(old, API), AUTH_OK);
  CHECK_TEXT(auth_user_name(auth_request_user(old)), "root");
  CHECK(auth_user_flags(auth_request_user(old)) == (AUTH_USER_ACTIVE | AUTH_USER_STAFF | AUTH_USER_SUPERUSER));
  CHECK_STATUS(auth_request_authenticate(old, OPEN), AUTH_REFUSED); /* another chain decides anew */
  CHECK_TEXT(auth_user_name(auth_request_user(old)), "");
  CHECK_STATUS(auth_request_authenticate(old, API), AUTH_OK); /* and the first one still knows */
  CHECK_TEXT(auth_user_name(auth_request_user(old)), "root");
  CHECK_STATUS(judge(context, API, "Token shortlived", &fresh), AUTH_REFUSED);
  auth_request_free(old);
  auth_request_free(fresh);
}

static void denials(void)
{
  auth_request *request;
  CHECK_STATUS(judge(context, DEFAULT, "Token " ALICE_KEY, &request), AUTH_OK);
  CHECK_STATUS(auth_request_deny(request, auth_text("Only for \"editors\".")), AUTH_REFUSED);
  CHECK(auth_response_status(auth_request_response(request)) == 403);
  CHECK_TEXT(header_of(auth_request_response(request), "WWW-Authenticate"), NULL);
  CHECK_TEXT(auth_response_body(auth_request_response(request)), "{\"detail\":\"Only for \\\"editors\\\".\"}");
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
  CHECK_STATUS(auth_request_authenticate(request, DEFAULT), AUTH_REFUSED); /* it stays denied */
  auth_request_free(request);

  CHECK_STATUS(judge(context, DEFAULT, "Token " ALICE_KEY, &request), AUTH_OK);
  CHECK_STATUS(auth_request_deny(request, auth_text(NULL)), AUTH_REFUSED);
  CHECK_TEXT(auth_response_body(auth_request_response(request)), NO_PERMISSION);
  auth_request_free(request);

  CHECK_STATUS(judge(context, OPEN, NULL, &request), AUTH_ANONYMOUS);
  CHECK_STATUS(auth_request_deny(request, auth_text("Only for editors.")), AUTH_REFUSED);
  CHECK(auth_response_status(auth_request_response(request)) == 401);
  CHECK_TEXT(header_of(auth_request_response(request), "WWW-Authenticate"), "Token");
  CHECK_TEXT(auth_response_body(auth_request_response(request)), NOT_PROVIDED);
  auth_request_free(request);

  CHECK_STATUS(judge(context, DEFAULT, "Token unknown", &request), AUTH_REFUSED);
  CHECK_STATUS(auth_request_deny(request, auth_text("Only for editors.")), AUTH_REFUSED);
  CHECK_TEXT(auth_response_body(auth_request_response(request)), WRONG_TOKEN);
  auth_request_free(request);
}

static void clones_outlive_everything(void)
{
  auth_context *own = open_text(THREE_CHAINS);
  auth_request *request;
  auth_user *in, *out, *again;
  CHECK_STATUS(judge(own, API, "Token " ALICE_KEY, &request), AUTH_OK);
  in = auth_user_clone(auth_request_user(request));
  CHECK_STATUS(auth_request_deny(request, auth_text("no")), AUTH_REFUSED);
  out = auth_user_clone(auth_request_user(request));
  auth_request_free(request);
  auth_context_free(own);
  again = auth_user_clone(in);
  auth_user_free(in);
  CHECK_TEXT(auth_user_name(again), "alice");
  CHECK_TEXT(auth_user_id(again), "1");
  CHECK_TEXT(auth_user_scheme(again), "token");
  CHECK(auth_user_auth(again) != NULL);
  CHECK(auth_response_status(auth_user_response(again)) == 200);
  CHECK_TEXT(auth_user_name(out), "");
  CHECK(auth_response_status(auth_user_response(out)) == 403);
  auth_user_free(again);
  auth_user_free(out);
}

/* Everything of `http` is copied: the caller's memory may go when auth_request_new returns. */
static void requests_own_their_copy(void)
{
  char *value = (char *)malloc(64), *name = (char *)malloc(64);
  auth_request *request;
  strcpy(name, "Authorization");
  strcpy(value, "Token " ALICE_KEY);
  request = request_of(context, name, value);
  memset(value, 'x', 64);
  memset(name, 'x', 64);
  free(value);
  free(name);
  CHECK_STATUS(auth_request_authenticate(request, DEFAULT), AUTH_OK);
  auth_request_free(request);
}

static void without_a_database(const char *toml, const char *reason)
{
  auth_context *own = open_text(toml);
  auth_request *request;
  const auth_response *response;
  CHECK_STATUS(judge(own, DEFAULT, "Token " ALICE_KEY, &request), AUTH_ESTORE);
  CHECK(auth_request_failure(request) != NULL && strstr(auth_request_failure(request), reason) != NULL);
  CHECK(strncmp(auth_request_log(request), "broken ", 7) == 0);
  response = auth_request_response(request);
  CHECK(auth_response_status(response) == 503);
  CHECK_TEXT(auth_response_body(response), UNAVAILABLE);
  CHECK_TEXT(auth_response_lines(response), joined_headers(response));
  CHECK_TEXT(header_of(response, "WWW-Authenticate"), NULL);
  CHECK_TEXT(header_of(response, "Retry-After"), "1");
  CHECK_TEXT(header_of(response, "Cache-Control"), "no-store");
  CHECK_TEXT(auth_user_name(auth_request_user(request)), "");
  CHECK_STATUS(auth_request_deny(request, auth_text("no")), AUTH_EINVAL);
  CHECK_STATUS(auth_request_authenticate(request, DEFAULT), AUTH_ESTORE);
  auth_request_free(request);
  auth_context_free(own);
  CHECK(access(in_folder("missing.db"), F_OK) != 0); /* and none is made */
}

/* Asked for a chain that needs no database, there is an answer all the same. */
static void no_database_no_matter(void)
{
  auth_context *own = open_text(TOP("missing.db") CHAINS);
  auth_request *request;
  CHECK_STATUS(judge(own, DEFAULT, NULL, &request), AUTH_REFUSED);
  CHECK(auth_response_status(auth_request_response(request)) == 401);
  auth_request_free(request);
  auth_context_free(own);
}

/* ---- configurations ---------------------------------------------------------------------- */

struct fault {
  const char *toml;
  uint32_t line, column;
  const char *text, *remedy; /* parts */
};

static const struct fault faults[] = {
  {"database = \"sqlite:x\"\n", 1, 1, "the file has no secret_key", "expected a text, { file"},
  {TOP("x") "oops = 1\n", 4, 1, "unknown key \"oops\"", "known: database"},
  {TOP("x") "[chains.default]\nschemes = [\"basic\", \"tokem\"]\n", 5, 21, "unknown scheme \"tokem\"", "known: basic"},
  {TOP("x") "[chains.default]\nschemes = []\n", 5, 11, "cannot find anybody", "at least one"},
  {TOP("x") "[chains.default]\n", 4, 9, "[chains.default] has no schemes", "expected a list"},
  {TOP("x") "[chains.default]\nschemes = [\"token\"]\nanonymous = \"yes\"\n", 6, 13, "anonymous does not take \"yes\"",
   "refuse, allow"},
  {TOP("x") "[hashers.pbkdf2_sha256]\niterations = \"many\"\n", 5, 14, "iterations does not take", "a whole number"},
  {TOP("x") "use_tz = maybe\n", 4, 10, "", ""},
  {"database = \"postgres:x\"\nsecret_key = \"" SECRET_KEY "\"\n", 1, 1, "no known kind", "sqlite:PATH"},
  {"database = \"sqlite:x\"\nsecret_key = \"" SECRET_KEY "\n", 2, 0, "", ""},
  {"database = \"sqlite:x\"\nsecret_key = [\"" SECRET_KEY "\"]\n", 2, 14, "secret_key does not take", "expected"},
  {"database = \"sqlite:x\"\nsecret_key = 77007700\n", 2, 14, "secret_key does not take", "expected"},
  {"database = \"sqlite:x\"\nsecret_key = \"\"\n", 2, 14, "secret_key is empty", "SECRET_KEY"},
  {"database = \"sqlite:x\"\nsecret_key = { file = \"no-such-file\" }\n", 2, 23, "No such file", ""},
  {"database = \"sqlite:x\"\nsecret_key = { env = \"NO_SUCH_VARIABLE\" }\n", 2, 22, "NO_SUCH_VARIABLE", ""},
};

/* Both functions that read a configuration say the same, and where. */
static void fault_is_reported(const struct fault *fault)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *opened;
  auth_report *why = NULL, *checked = NULL;
  char message[1024];
  int before = check_counts[0];
  fill_garbage(&opened, sizeof opened);
  options.text = auth_text(fault->toml);
  options.base_dir = auth_text(in_folder("."));
  CHECK_STATUS(auth_context_open(&options, &opened, &why), AUTH_ECONFIG);
  CHECK(is_garbage(&opened, sizeof opened));
  CHECK_STATUS(auth_context_open(&options, &opened, NULL), AUTH_ECONFIG);
  CHECK_STATUS(auth_config_check(&options, &checked), AUTH_ECONFIG);
  CHECK_TEXT(auth_report_message(checked), auth_report_message(why));
  CHECK_TEXT(auth_report_file(why), "(text)");
  CHECK(auth_report_line(why) == fault->line);
  CHECK(fault->column == 0 || auth_report_column(why) == fault->column);
  CHECK(strstr(auth_report_text(why), fault->text) != NULL);
  CHECK(strstr(auth_report_remedy(why), fault->remedy) != NULL);
  snprintf(message, sizeof message, "(text):%u:%u: %s%s%s%s", (unsigned)auth_report_line(why),
           (unsigned)auth_report_column(why), auth_report_text(why), auth_report_remedy(why)[0] ? " (" : "",
           auth_report_remedy(why), auth_report_remedy(why)[0] ? ")" : "");
  CHECK_TEXT(auth_report_message(why), message);
  CHECK(strchr(auth_report_message(why), '\n') == NULL);
  CHECK(strstr(auth_report_message(why), SECRET_KEY) == NULL);
  CHECK(strstr(auth_report_message(why), "77007700") == NULL);
  if (check_counts[0] != before)
    printf("  that was\n%s  => %s\n", fault->toml, auth_report_message(why));
  auth_report_free(why);
  auth_report_free(checked);
}

static void files_are_read(void)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *opened = NULL;
  auth_report *why = NULL;
  auth_request *request;
  char path[300];
  write_file("site.toml", THREE_CHAINS);
  snprintf(path, sizeof path, "%s", in_folder("site.toml"));
  options.path = auth_text(path);
  CHECK_STATUS(auth_config_check(&options, &why), AUTH_OK);
  CHECK_STATUS(auth_context_open(&options, &opened, &why), AUTH_OK);
  CHECK(why == NULL);
  CHECK_STATUS(judge(opened, API, "Token " ALICE_KEY, &request), AUTH_OK); /* paths start at the file */
  auth_request_free(request);
  auth_context_free(opened);
  write_file("site.toml", "\n\noops");
  CHECK_STATUS(auth_config_check(&options, &why), AUTH_ECONFIG);
  CHECK_TEXT(auth_report_file(why), path);
  CHECK(auth_report_line(why) == 3);
  auth_report_free(why);
}

/* ---- log lines --------------------------------------------------------------------------- */

struct lines {
  char text[64][512];
  int severity[64], n;
};

static void take_line(void *data, int severity, const char *line)
{
  struct lines *lines = (struct lines *)data;
  if (lines->n == 64)
    return;
  lines->severity[lines->n] = severity;
  snprintf(lines->text[lines->n++], sizeof lines->text[0], "%s", line);
}

/* Not the secrets, and not half of one either. */
static int shows_a_secret(const char *line)
{
  static const char *const secrets[] = {"wonderland", "inactive-p", "0123456789", "inactive-t", "a-secret",
                                        "hunter2",    "YWxpY2U6",   "topsecret",  "pbkdf2"};
  size_t i;
  for (i = 0; i < sizeof secrets / sizeof *secrets; i++)
    if (strstr(line, secrets[i]) != NULL)
      return 1;
  return 0;
}

static int is_plain(const char *line)
{
  for (; *line != '\0'; line++)
    if (*line < ' ' || *line > '~')
      return 0;
  return 1;
}

static void log_lines(void)
{
  static struct lines lines;
  static const char *const expected[] = {
    "7 ok user=alice scheme=basic", "7 ok user=alice scheme=token", "5 password.wrong user=alice ",
    "5 password.wrong user=a\\u{a}b\\u{1b}c ", "5 password.wrong user=inactive ",
    "5 token.unknown key=#", "5 user.inactive key=#", "5 chain.no_credentials refused",
    "5 token.spaces refused",
  };
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *own = NULL;
  auth_request *request;
  char value[256];
  const char *asked[9];
  char stored[4][256];
  int i;
  asked[0] = basic(stored[0], "alice", ALICE_PASSWORD);
  asked[1] = "Token " ALICE_KEY;
  asked[2] = basic(stored[1], "alice", "hunter2");
  asked[3] = basic(stored[2], "a\nb\033c", "hunter2");
  asked[4] = basic(stored[3], "inactive", INACTIVE_PASSWORD);
  asked[5] = "Token topsecret";
  asked[6] = "Token " INACTIVE_KEY;
  asked[7] = NULL;
  asked[8] = "Token topsecret topsecret";
  options.text = auth_text(USUAL);
  options.base_dir = auth_text(in_folder("."));
  options.host = auth_text("my host");
  options.log = take_line;
  options.log_data = &lines;
  CHECK_STATUS(auth_context_open(&options, &own, NULL), AUTH_OK);
  for (i = 0; i < 9; i++) {
    judge(own, 0, asked[i], &request);
    CHECK_TEXT(auth_request_log(request), lines.text[i]);
    auth_request_free(request);
  }
  CHECK(lines.n == 9); /* one line a verdict */
  for (i = 0; i < lines.n; i++) {
    snprintf(value, sizeof value, "%d %s", lines.severity[i], lines.text[i]);
    if (!CHECK(strncmp(value, expected[i], strlen(expected[i])) == 0))
      printf("  the line is \"%s\"\n", value);
    CHECK(!shows_a_secret(lines.text[i]));
    CHECK(is_plain(lines.text[i]));
    CHECK(strstr(lines.text[i], " host=my\\u{20}host") != NULL);
  }
  auth_context_free(own);
}

/* What is broken is logged as such, and what the host denies is in its line. */
static void log_lines_of_failures(void)
{
  static struct lines lines;
  auth_context *own = open_with(TOP("missing.db") CHAINS, NULL, 0, take_line, &lines);
  auth_request *request;
  CHECK_STATUS(judge(own, API, "Token topsecret", &request), AUTH_ESTORE);
  CHECK(lines.n == 1 && lines.severity[0] == 3 && strncmp(lines.text[0], "broken database: ", 17) == 0);
  CHECK(!shows_a_secret(lines.text[0]) && is_plain(lines.text[0]));
  auth_request_free(request);
  auth_context_free(own);
  CHECK_STATUS(judge(context, API, "Token " ALICE_KEY, &request), AUTH_OK);
  CHECK_STATUS(auth_request_deny(request, auth_text("no")), AUTH_REFUSED);
  CHECK_TEXT(auth_request_log(request), "host.denied user=alice denied");
  auth_request_free(request);
}

int main(void)
{
  size_t i;
  make_database("site.db", 0);
  one_call_without_database();
  default_context_fails_then_works();
  one_call_lets_in();
  one_call_refuses();
  one_call_reads_a_block();
  context = open_text(THREE_CHAINS);
  verdicts();
  duplicates_are_refused();
  chains_have_numbers();
  before_a_verdict();
  verdicts_are_remembered();
  denials();
  clones_outlive_everything();
  requests_own_their_copy();
  write_file("text.db", "this is no database at all, but longer than a header of SQLite would have to be, a hundred bytes");
  without_a_database(TOP("missing.db") CHAINS, "missing.db");
  without_a_database(TOP("text.db") CHAINS, "not a database");
  without_a_database(TOP(".") CHAINS, "database");
  no_database_no_matter();
  for (i = 0; i < sizeof faults / sizeof *faults; i++)
    fault_is_reported(&faults[i]);
  files_are_read();
  log_lines();
  log_lines_of_failures();
  auth_context_free(context);
  return check_result();
}
