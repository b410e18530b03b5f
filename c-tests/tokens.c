/* Tokens, users and passwords without a request; what is written is what Django would write. */
#include <ctype.h>
#include <stdlib.h>

#include "check.h"
#include "fixture.h"

/* A second table of tokens beside DRF's, as [schemes.NAME] declares one. */
#define TWO_KINDS                                                                               \
  USUAL "[schemes.device]\ntype = \"token\"\nkeyword = \"Device\"\ntable = \"device_token\"\n" \
        "[chains.devices]\nschemes = [\"device\"]\n"

static auth_context *context;
static auth_str none;

static auth_status create(const char *kind, const char *user, uint32_t flags, char *key)
{
  auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
  auth_token *token;
  auth_status status;
  options.kind = auth_text(kind);
  options.user = auth_text(user);
  options.flags = flags;
  fill_garbage(&token, sizeof token);
  status = auth_token_create(context, &options, &token);
  key[0] = '\0';
  if (status == AUTH_OK) {
    snprintf(key, 64, "%s", auth_token_key(token));
    CHECK(auth_token_id(token)[0] == '#' && strlen(auth_token_id(token)) == 9);
    CHECK(strstr(auth_token_id(token), key) == NULL);
    auth_token_free(token);
  } else if (status > 0) {
    CHECK(token == NULL);
  } else {
    CHECK(is_garbage(&token, sizeof token));
  }
  return status;
}

static int is_key(const char *key)
{
  size_t i;
  for (i = 0; isxdigit((unsigned char)key[i]) && !isupper((unsigned char)key[i]); i++)
    ;
  return i == 40 && key[i] == '\0';
}

/* The name of the owner, or what the status was. */
static const char *verified(const char *kind, const char *key)
{
  static char name[64];
  auth_user *user;
  auth_status status;
  fill_garbage(&user, sizeof user);
  status = auth_token_verify(context, auth_text(kind), auth_text(key), &user);
  if (status < 0) {
    CHECK(is_garbage(&user, sizeof user));
    return auth_status_name(status);
  }
  CHECK((user == NULL) == (status != AUTH_OK));
  snprintf(name, sizeof name, "%s", status == AUTH_OK ? auth_user_name(user) : auth_status_name(status));
  auth_user_free(user);
  return name;
}

static void a_token_is_created_once(void)
{
  char first[64], second[64], third[64];
  CHECK_STATUS(create("", "root", 0, first), AUTH_OK);
  CHECK(is_key(first));
  CHECK_TEXT(verified("", first), "root");
  CHECK_TEXT(verified("token", first), "root");
  CHECK_STATUS(create("", "root", 0, second), AUTH_OK);
  CHECK_TEXT(second, first);
  CHECK_STATUS(create("token", "root", AUTH_TOKEN_RESET, third), AUTH_OK);
  CHECK(is_key(third) && strcmp(third, first) != 0);
  CHECK_TEXT(verified("", first), "AUTH_REFUSED");
  CHECK_TEXT(verified("", third), "root");
  CHECK_TEXT(sql("site.db", "SELECT count(*), max(key) FROM authtoken_token WHERE user_id = 23") + 2, third);
  CHECK_STATUS(create("", "alice", 0, first), AUTH_OK);
  CHECK_TEXT(first, ALICE_KEY);
  /* A reset of a user without one makes one. */
  CHECK_STATUS(create("", "carol", AUTH_TOKEN_RESET, first), AUTH_OK);
  CHECK_TEXT(verified("", first), "carol");
}

/* Django's text of a moment in UTC, to the microsecond, of a second ago at most. */
static void the_row_is_as_django_writes_it(void)
{
  const char *row = sql("site.db",
    "SELECT created GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]*',"
    " length(created) IN (19, 26), abs(julianday('now') - julianday(created)) * 86400 < 60, typeof(user_id)"
    " FROM authtoken_token WHERE user_id = 23");
  CHECK_TEXT(row, "1|1|1|integer");
}

static void nobody_gets_no_token(void)
{
  char key[64];
  CHECK_STATUS(create("", "nobody there", 0, key), AUTH_REFUSED);
  CHECK_STATUS(create("", "", 0, key), AUTH_REFUSED);
  CHECK_STATUS(create("jwt", "alice", 0, key), AUTH_ENOTSUP);
  CHECK_STATUS(create("basic", "alice", 0, key), AUTH_ENOTSUP);
}

/* An inactive user may have a token, as in DRF; it lets nobody in. */
static void inactive_owners(void)
{
  char key[64];
  auth_request *request;
  CHECK_STATUS(create("", "inactive", 0, key), AUTH_OK);
  CHECK_TEXT(key, INACTIVE_KEY);
  CHECK_TEXT(verified("", key), "AUTH_REFUSED");
  CHECK_STATUS(judge(context, 0, "Token " INACTIVE_KEY, &request), AUTH_REFUSED);
  auth_request_free(request);
}

static void verification(void)
{
  CHECK_TEXT(verified("", ALICE_KEY), "alice");
  CHECK_TEXT(verified("", ""), "AUTH_REFUSED");
  CHECK_TEXT(verified("", "0123456789ABCDEF0123456789ABCDEF01234567"), "AUTH_REFUSED");
  CHECK_TEXT(verified("", ALICE_KEY " "), "AUTH_REFUSED");
  CHECK_TEXT(verified("", "' OR 1=1 --"), "AUTH_REFUSED");
  CHECK_TEXT(verified("", "%"), "AUTH_REFUSED");
  CHECK_TEXT(verified("jwt", ALICE_KEY), "AUTH_ENOTSUP");
}

static void kinds_are_apart(void)
{
  char key[64], other[128];
  auth_request *request;
  uint32_t devices;
  CHECK_STATUS(create("device", "alice", 0, key), AUTH_OK);
  CHECK(is_key(key) && strcmp(key, ALICE_KEY) != 0);
  CHECK_TEXT(verified("device", key), "alice");
  CHECK_TEXT(verified("", key), "AUTH_REFUSED");
  CHECK_TEXT(verified("device", ALICE_KEY), "AUTH_REFUSED");
  CHECK_STATUS(create("", "alice", 0, other), AUTH_OK);
  CHECK_TEXT(other, ALICE_KEY);
  CHECK_STATUS(auth_context_chain(context, auth_text("devices"), &devices), AUTH_OK);
  snprintf(other, sizeof other, "Device %s", key);
  CHECK_STATUS(judge(context, devices, other, &request), AUTH_OK);
  CHECK_TEXT(auth_user_scheme(auth_request_user(request)), "device");
  auth_request_free(request);
  CHECK_STATUS(auth_token_revoke(context, auth_text("device"), auth_text(key)), AUTH_OK);
  CHECK_TEXT(verified("device", key), "AUTH_REFUSED");
}

static void revocation(void)
{
  char key[64];
  CHECK_STATUS(create("", "dave", 0, key), AUTH_OK);
  CHECK_STATUS(auth_token_revoke(context, none, auth_text(key)), AUTH_OK);
  CHECK_TEXT(verified("", key), "AUTH_REFUSED");
  CHECK_STATUS(auth_token_revoke(context, none, auth_text(key)), AUTH_REFUSED);
  CHECK_STATUS(auth_token_revoke(context, none, auth_text("' OR 1=1 --")), AUTH_REFUSED);
  CHECK_STATUS(auth_token_revoke(context, auth_text("jwt"), auth_text(key)), AUTH_ENOTSUP);
  CHECK_TEXT(verified("", ALICE_KEY), "alice");
}

static void lists(void)
{
  auth_tokens *tokens = NULL;
  auth_token *token = NULL;
  auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
  size_t i, n;
  char count[32];
  CHECK_STATUS(auth_token_list(context, none, auth_text("alice"), &tokens), AUTH_OK);
  CHECK(auth_tokens_count(tokens) == 1);
  CHECK_TEXT(auth_tokens_user(tokens, 0), "alice");
  CHECK_TEXT(auth_tokens_created(tokens, 0), "2026-11-24 17:40:43.400627");
  options.user = auth_text("alice");
  CHECK_STATUS(auth_token_create(context, &options, &token), AUTH_OK);
  CHECK_TEXT(auth_tokens_id(tokens, 0), auth_token_id(token));
  CHECK(auth_tokens_id(tokens, 1) == NULL && auth_tokens_user(tokens, 1) == NULL);
  CHECK(auth_tokens_created(tokens, SIZE_MAX) == NULL);
  auth_token_free(token);
  auth_tokens_free(tokens);

  CHECK_STATUS(auth_token_list(context, none, none, &tokens), AUTH_OK);
  n = auth_tokens_count(tokens);
  snprintf(count, sizeof count, "%zu", n);
  CHECK_TEXT(sql("site.db", "SELECT count(*) FROM authtoken_token"), count);
  for (i = 0; i < n; i++) {
    CHECK(auth_tokens_user(tokens, i) != NULL && auth_tokens_id(tokens, i)[0] == '#');
    CHECK(i == 0 || strcmp(auth_tokens_created(tokens, i - 1), auth_tokens_created(tokens, i)) <= 0);
  }
  auth_tokens_free(tokens);

  CHECK_STATUS(auth_token_list(context, none, auth_text("erin"), &tokens), AUTH_OK);
  CHECK(auth_tokens_count(tokens) == 0 && auth_tokens_id(tokens, 0) == NULL);
  auth_tokens_free(tokens);
  CHECK_STATUS(auth_token_list(context, none, auth_text("nobody there"), &tokens), AUTH_REFUSED);
  CHECK(tokens == NULL);
  fill_garbage(&tokens, sizeof tokens);
  CHECK_STATUS(auth_token_list(context, auth_text("jwt"), none, &tokens), AUTH_ENOTSUP);
  CHECK(is_garbage(&tokens, sizeof tokens));
}

/* ---- users ------------------------------------------------------------------------------- */

static auth_status add(const char *name, const char *email, const char *password, uint32_t flags)
{
  auth_new_user new_user = AUTH_NEW_USER_INIT;
  auth_user *user;
  auth_status status;
  new_user.name = auth_text(name);
  new_user.email = auth_text(email);
  new_user.password = auth_text(password);
  new_user.flags = flags;
  fill_garbage(&user, sizeof user);
  status = auth_user_create(context, &new_user, &user);
  if (status < 0) {
    CHECK(is_garbage(&user, sizeof user));
    return status;
  }
  CHECK((user == NULL) == (status != AUTH_OK));
  if (status == AUTH_OK) {
    CHECK_TEXT(auth_user_name(user), name);
    CHECK_TEXT(auth_user_email(user), email);
    CHECK(auth_user_scheme(user) == NULL && auth_user_auth(user) == NULL);
    CHECK(auth_user_response(user) == NULL);
  }
  auth_user_free(user);
  return status;
}

static auth_status check_password(const char *name, const char *password)
{
  auth_user *user;
  auth_status status;
  fill_garbage(&user, sizeof user);
  status = auth_password_check(context, auth_text(name), auth_text(password), &user);
  if (status == AUTH_OK)
    CHECK_TEXT(auth_user_name(user), name);
  else
    CHECK(user == NULL);
  auth_user_free(user);
  return status;
}

static void users_are_created(void)
{
  char long_name[256];
  char value[256];
  auth_request *request;
  CHECK_STATUS(add("zoe", "zoe@example.org", "pw of zoe", 0), AUTH_OK);
  CHECK_STATUS(add("zoe", "", "other", 0), AUTH_REFUSED); /* taken */
  CHECK_STATUS(add("alice", "", "other", 0), AUTH_REFUSED);
  CHECK_STATUS(check_password("zoe", "pw of zoe"), AUTH_OK);
  CHECK_STATUS(check_password("zoe", "other"), AUTH_REFUSED);
  CHECK_STATUS(judge(context, 0, basic(value, "zoe", "pw of zoe"), &request), AUTH_OK);
  auth_request_free(request);
  CHECK_STATUS(add("boss", "", "pw", AUTH_NEW_STAFF | AUTH_NEW_SUPERUSER), AUTH_OK);
  CHECK_STATUS(add("robot", "", "ignored", AUTH_NEW_NO_PASSWORD), AUTH_OK);
  CHECK_STATUS(check_password("robot", "ignored"), AUTH_REFUSED);
  CHECK_STATUS(check_password("robot", ""), AUTH_REFUSED);
  CHECK_STATUS(add("h\xc3\xa9l\xc3\xa8ne \xe7\x94\xa8", "", "p", 0), AUTH_OK);
  CHECK_STATUS(add("", "", "p", 0), AUTH_EINVAL);
  memset(long_name, 'n', 255);
  long_name[255] = '\0';
  CHECK_STATUS(add(long_name, "", "p", 0), AUTH_EINVAL);
  long_name[254] = '\0';
  CHECK_STATUS(add(long_name, "", "p", 0), AUTH_OK);
  CHECK_TEXT(sql("site.db", "SELECT is_active, is_staff, is_superuser, first_name, last_name, last_login IS NULL,"
                            " substr(password, 1, 19), email FROM auth_user WHERE username = 'zoe'"),
             "1|0|0|||1|pbkdf2_sha256$1000$|zoe@example.org");
  CHECK_TEXT(sql("site.db", "SELECT is_staff, is_superuser FROM auth_user WHERE username = 'boss'"), "1|1");
  CHECK_TEXT(sql("site.db", "SELECT substr(password, 1, 1), length(password) FROM auth_user WHERE username = 'robot'"),
             "!|41");
}

/* The name of whom a look-up finds, or what the status was. */
static const char *found(int by, const char *value)
{
  static char name[64];
  auth_user *user;
  auth_status status;
  fill_garbage(&user, sizeof user);
  status = auth_user_lookup(context, by, auth_text(value), &user);
  CHECK((user == NULL) == (status != AUTH_OK));
  snprintf(name, sizeof name, "%s", status == AUTH_OK ? auth_user_name(user) : auth_status_name(status));
  auth_user_free(user);
  return name;
}

static void users_are_found(void)
{
  CHECK_TEXT(found(AUTH_BY_NAME, "alice"), "alice");
  CHECK_TEXT(found(AUTH_BY_NAME, "Alice"), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_NAME, "inactive"), "inactive"); /* this finds, it does not let in */
  CHECK_TEXT(found(AUTH_BY_NAME, ""), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_ID, "1"), "alice");
  CHECK_TEXT(found(AUTH_BY_ID, "99999"), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_ID, "one"), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_ID, "99999999999999999999999999"), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_EMAIL, "zoe@example.org"), "zoe");
  CHECK_TEXT(found(AUTH_BY_EMAIL, "ZOE@example.org"), "AUTH_REFUSED");
  CHECK_TEXT(found(AUTH_BY_EMAIL, ""), "AUTH_REFUSED"); /* many have none */
  CHECK_STATUS(add("zoe2", "zoe@example.org", "p", 0), AUTH_OK);
  CHECK_TEXT(found(AUTH_BY_EMAIL, "zoe@example.org"), "AUTH_REFUSED");
}

static void groups_are_shown(void)
{
  auth_user *user = NULL, *copy;
  sql("site.db", "INSERT INTO auth_group (id, name) VALUES (1, 'writers'), (2, 'editors'), (3, 'others');"
                 "INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (1, 2), (2, 3)");
  CHECK_STATUS(auth_user_lookup(context, AUTH_BY_NAME, auth_text("alice"), &user), AUTH_OK);
  copy = auth_user_clone(user);
  auth_user_free(user);
  CHECK_TEXT(auth_user_group(copy, 0), "editors");
  CHECK_TEXT(auth_user_group(copy, 1), "writers");
  CHECK(auth_user_group(copy, 2) == NULL && auth_user_group(copy, SIZE_MAX) == NULL);
  CHECK_TEXT(auth_user_id(copy), "1");
  CHECK(auth_user_flags(copy) == (AUTH_USER_ACTIVE | AUTH_USER_STAFF));
  auth_user_free(copy);
}

static void passwords_are_checked_and_set(void)
{
  CHECK_STATUS(check_password("alice", ALICE_PASSWORD), AUTH_OK);
  CHECK_STATUS(check_password("alice", "wrong"), AUTH_REFUSED);
  CHECK_STATUS(check_password("inactive", INACTIVE_PASSWORD), AUTH_REFUSED);
  CHECK_STATUS(check_password("unusable", ""), AUTH_REFUSED);
  CHECK_STATUS(check_password("nobody there", "x"), AUTH_REFUSED);
  CHECK_STATUS(check_password("erin", "scrypt-pw"), AUTH_OK);
  CHECK_STATUS(check_password("empty-password", ""), AUTH_OK);
  CHECK_STATUS(auth_password_set(context, auth_text("alice"), auth_text("new one")), AUTH_OK);
  CHECK_STATUS(check_password("alice", ALICE_PASSWORD), AUTH_REFUSED);
  CHECK_STATUS(check_password("alice", "new one"), AUTH_OK);
  CHECK_STATUS(auth_password_set(context, auth_text("unusable"), auth_text("usable")), AUTH_OK);
  CHECK_STATUS(check_password("unusable", "usable"), AUTH_OK);
  CHECK_STATUS(auth_password_set(context, auth_text("inactive"), auth_text("new one")), AUTH_OK);
  CHECK_STATUS(check_password("inactive", "new one"), AUTH_REFUSED);
  CHECK_STATUS(auth_password_set(context, auth_text("nobody there"), auth_text("x")), AUTH_REFUSED);
  CHECK_STATUS(auth_password_set(context, none, auth_text("x")), AUTH_REFUSED);
}

/* bcrypt cannot take more than 72 bytes: refused, where cutting it off would weaken it silently. */
static void a_hasher_may_refuse_a_password(void)
{
  auth_context *usual = context;
  char password[80];
  memset(password, 'p', sizeof password);
  password[73] = '\0';
  context = open_text("password_hashers = [\"bcrypt\"]\n" TOP("site.db") "[hashers.bcrypt]\nrounds = 4\n");
  CHECK_STATUS(auth_password_set(context, auth_text("frank"), auth_text(password)), AUTH_EINVAL);
  CHECK_STATUS(add("long", "", password, 0), AUTH_EINVAL);
  password[72] = '\0';
  CHECK_STATUS(auth_password_set(context, auth_text("frank"), auth_text(password)), AUTH_OK);
  CHECK_STATUS(check_password("frank", password), AUTH_OK);
  auth_context_free(context);
  context = usual;
}

static void without_a_database(void)
{
  auth_context *usual = context;
  auth_tokens *tokens;
  auth_user *user;
  char key[64];
  fill_garbage(&tokens, sizeof tokens);
  fill_garbage(&user, sizeof user);
  context = open_text(TOP("missing.db"));
  CHECK_STATUS(create("", "alice", 0, key), AUTH_ESTORE);
  CHECK_STATUS(auth_token_revoke(context, none, auth_text("x")), AUTH_ESTORE);
  CHECK_STATUS(auth_token_list(context, none, none, &tokens), AUTH_ESTORE);
  CHECK_STATUS(auth_token_verify(context, none, auth_text("x"), &user), AUTH_ESTORE);
  CHECK_STATUS(auth_user_lookup(context, AUTH_BY_ID, auth_text("1"), &user), AUTH_ESTORE);
  CHECK_STATUS(auth_password_check(context, auth_text("alice"), auth_text("x"), &user), AUTH_ESTORE);
  CHECK_STATUS(auth_password_set(context, auth_text("alice"), auth_text("x")), AUTH_ESTORE);
  CHECK_STATUS(add("alice", "", "x", 0), AUTH_ESTORE);
  CHECK(is_garbage(&tokens, sizeof tokens) && is_garbage(&user, sizeof user));
  auth_context_free(context);
  context = usual;
}

int main(void)
{
  make_database("site.db", 0);
  sql("site.db", "CREATE TABLE device_token (key varchar(40) NOT NULL PRIMARY KEY, created datetime NOT NULL,"
                 " user_id integer NOT NULL UNIQUE REFERENCES auth_user (id))");
  context = open_text(TWO_KINDS);
  a_token_is_created_once();
  the_row_is_as_django_writes_it();
  nobody_gets_no_token();
  inactive_owners();
  verification();
  kinds_are_apart();
  revocation();
  lists();
  users_are_created();
  users_are_found();
  groups_are_shown();
  passwords_are_checked_and_set();
  a_hasher_may_refuse_a_password();
  without_a_database();
  auth_context_free(context);
  return check_result();
}
