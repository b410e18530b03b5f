/*
 * What a session costs through the C ABI beside its two rows and its two HMACs, what the CSRF check
 * adds, what schemes cost that are asked before the one that knows the credentials, and what a token of
 * knox costs beside its row and its SHA-512, and one of durin beside its row.
 *
 *   browser DATABASE MMAP_SIZE     prints what bench prints; see there for how it is measured
 *
 * DATABASE has Django's sessions and the tokens of knox and durin (`site.py bulksessions`, `bulkknox` and
 * `bulkdurin`), AUTHCHAIN_CONFIG the chains `session`, `token`, `six`, `knox` and `durin`.
 */
#include "measure.h"

enum { SESSIONS = 100000, KEY = 32, TOKEN = 40, ID = 6, KNOX = 64, DURIN = 64, KNOX_KEY = 15, SHA512 = 64 };

/* The library's own HMAC, taken out of its archive: the prefix of aws-lc's symbols names its version. */
unsigned char *BARE_HMAC(const void *digest, const void *key, size_t key_len, const unsigned char *data, size_t len,
                         unsigned char *out, unsigned *out_len);
const void *BARE_SHA256(void);
unsigned char *BARE_SHA512(const unsigned char *data, size_t len, unsigned char out[SHA512]);

static auth_context *context;
static uint32_t session_chain, token_chain, six_chain, knox_chain, durin_chain;
static char (*session_keys)[KEY], (*user_ids)[ID], (*token_keys)[TOKEN], (*knox_tokens)[KNOX], (*durin_tokens)[DURIN];

static void *keys(const char *sql, size_t length)
{
  sqlite3_stmt *all = prepared(sql);
  char *found = malloc(SESSIONS * length);
  size_t n = 0;
  if (found == NULL)
    fail("memory");
  while (sqlite3_step(all) == SQLITE_ROW && n < SESSIONS)
    memcpy(found + n++ * length, sqlite3_column_text(all, 0), length);
  sqlite3_finalize(all);
  if (n < SESSIONS)
    fail("the database has too few sessions or tokens");
  return found;
}

/* --- the bare work ---------------------------------------------------------------------------- */

struct bare {
  sqlite3_stmt *session, *user, *knox, *durin;
};

static void hmac(const void *data, size_t len)
{
  static const unsigned char key[32] = {1};
  unsigned char out[64];
  unsigned out_len = 0;
  if (BARE_HMAC(BARE_SHA256(), key, sizeof key, data, len, out, &out_len) == NULL)
    fail("HMAC");
  sink += out[0];
}

/* The row of the session, its signature; the row of its user, the hash of the password. */
static void bare_session(void *state, size_t i)
{
  const struct bare *bare = state;
  const char *data;
  char id[ID + 1] = "";
  sqlite3_bind_text(bare->session, 1, session_keys[i % SESSIONS], KEY, SQLITE_STATIC);
  if (sqlite3_step(bare->session) != SQLITE_ROW)
    fail("a session is not in the database");
  data = (const char *)sqlite3_column_text(bare->session, 0);
  hmac(data, (size_t)sqlite3_column_bytes(bare->session, 0) - 44);
  sqlite3_reset(bare->session);
  memcpy(id, user_ids[i % SESSIONS], ID);
  sqlite3_bind_int64(bare->user, 1, atol(id));
  if (sqlite3_step(bare->user) != SQLITE_ROW)
    fail("a user is not in the database");
  hmac(sqlite3_column_text(bare->user, 6), (size_t)sqlite3_column_bytes(bare->user, 6));
  sqlite3_reset(bare->user);
}

/* The row of the token with its owner, the hash of the token, and both compared. */
static void bare_knox(void *state, size_t i)
{
  const struct bare *bare = state;
  const char *token = knox_tokens[i % SESSIONS];
  unsigned char hash[SHA512];
  const unsigned char *stored;
  int k, n;
  sqlite3_bind_text(bare->knox, 1, token, KNOX_KEY, SQLITE_STATIC);
  if (sqlite3_step(bare->knox) != SQLITE_ROW)
    fail("a token of knox is not in the database");
  for (k = 0; k < sqlite3_column_count(bare->knox); k++)
    sink += (unsigned long)sqlite3_column_bytes(bare->knox, k);
  stored = sqlite3_column_text(bare->knox, 6);
  BARE_SHA512((const unsigned char *)token, KNOX, hash);
  for (k = n = 0; k < SHA512; k++)
    n += stored[2 * k] == "0123456789abcdef"[hash[k] >> 4] && stored[2 * k + 1] == "0123456789abcdef"[hash[k] & 15];
  if (n != SHA512)
    fail("a hash is not the token's");
  sqlite3_reset(bare->knox);
}

/* The row of the token with its owner and its client: as src/store/tables/durin.rs. */
static void bare_durin(void *state, size_t i)
{
  const struct bare *bare = state;
  int k;
  sqlite3_bind_text(bare->durin, 1, durin_tokens[i % SESSIONS], DURIN, SQLITE_STATIC);
  if (sqlite3_step(bare->durin) != SQLITE_ROW)
    fail("a token of durin is not in the database");
  for (k = 0; k < sqlite3_column_count(bare->durin); k++)
    sink += (unsigned long)(sqlite3_column_type(bare->durin, k) == SQLITE_INTEGER
                                ? (int)sqlite3_column_int64(bare->durin, k)
                                : sqlite3_column_bytes(bare->durin, k));
  if (memcmp(sqlite3_column_text(bare->durin, 7), durin_tokens[i % SESSIONS], DURIN) != 0)
    fail("a token of durin is another one");
  sqlite3_reset(bare->durin);
}

/* --- the library ------------------------------------------------------------------------------ */

static void judged(const struct made *made, uint32_t chain)
{
  auth_request *request = NULL;
  if (auth_request_new(context, &made->http, &request) != AUTH_OK ||
      auth_request_authenticate(request, chain) != AUTH_OK)
    fail("an unexpected status");
  sink += (unsigned long)auth_user_name(auth_request_user(request))[0];
  auth_request_free(request);
}

static void session(void *state, size_t i)
{
  struct made *made = state;
  memcpy(made->value + strlen("sessionid="), session_keys[i % SESSIONS], KEY);
  judged(made, session_chain);
}

static void token(void *state, size_t i)
{
  struct made *made = state;
  memcpy(made->value + strlen("Token "), token_keys[i % SESSIONS], TOKEN);
  judged(made, token_chain);
}

static void six(void *state, size_t i)
{
  struct made *made = state;
  memcpy(made->value + strlen("Token "), token_keys[i % SESSIONS], TOKEN);
  judged(made, six_chain);
}

static void knox(void *state, size_t i)
{
  struct made *made = state;
  memcpy(made->value + strlen("Token "), knox_tokens[i % SESSIONS], KNOX);
  judged(made, knox_chain);
}

static void durin(void *state, size_t i)
{
  struct made *made = state;
  memcpy(made->value + strlen("Token "), durin_tokens[i % SESSIONS], DURIN);
  judged(made, durin_chain);
}

#define SECRET "abcdefghijklmnopqrstuvwxyz012345"

/* A POST with the plain secret as cookie and header, in the place of one of the browser's headers. */
static void make_post(struct made *made)
{
  make(made, "Cookie", "sessionid=01234567890123456789012345678901; csrftoken=" SECRET);
  made->headers[1].name = auth_text("X-CSRFToken");
  made->headers[1].value = auth_text(SECRET);
  made->http.method = auth_text("POST");
  made->http.host = auth_text("api.example.com");
}

static uint32_t chain(const char *name)
{
  uint32_t number = 0;
  if (auth_context_chain(context, auth_text(name), &number) != AUTH_OK)
    fail(name);
  return number;
}

int main(int argc, char **argv)
{
  static const char *const of_session[] = {"", "session"}, *const of_csrf[] = {"", "csrf"}, *const of_six[] = {"", "six"};
  static const char *const of_knox[] = {"", "knox"}, *const of_durin[] = {"", "durin"};
  auth_report *why = NULL;
  struct bare bare;
  struct made get, post, known, kept;
  if (argc != 3)
    fail("usage: browser DATABASE MMAP_SIZE");
  database = argv[1];
  mmap_size = atol(argv[2]);
  if (auth_default_context(&context, &why) != AUTH_OK)
    fail(why != NULL ? auth_report_message(why) : "auth_default_context");
  session_chain = chain("session"), token_chain = chain("token"), six_chain = chain("six"), knox_chain = chain("knox");
  durin_chain = chain("durin");
  /* The rows were made in the order of users; all keys are digests, and a part of one is a random order. */
  session_keys = keys("SELECT session_key FROM django_session ORDER BY substr(session_key, 9)", KEY);
  user_ids = keys("SELECT printf('%06d', rowid) FROM django_session ORDER BY substr(session_key, 9)", ID);
  token_keys = keys("SELECT key FROM authtoken_token ORDER BY substr(key, 9)", TOKEN);
  knox_tokens = keys("SELECT token FROM knox_tokens ORDER BY substr(token, 9)", KNOX);
  durin_tokens = keys("SELECT token FROM durin_authtoken ORDER BY substr(token, 9)", DURIN);
  bare.durin = prepared("SELECT u.id, u.username, u.email, u.is_active, u.is_staff, u.is_superuser, t.id, t.token, t.created, "
                        "t.expiry, c.id, c.name, c.token_ttl, c.throttle_rate FROM durin_authtoken t JOIN auth_user u "
                        "ON u.id = t.user_id JOIN durin_client c ON c.id = t.client_id WHERE t.token = ?1");
  bare.knox = prepared("SELECT u.id, u.username, u.email, u.is_active, u.is_staff, u.is_superuser, t.digest, t.created, "
                       "t.expiry, EXISTS (SELECT 1 FROM knox_authtoken o WHERE o.user_id = t.user_id AND o.expiry < "
                       "'2020-01-01' AND o.digest <> t.digest) FROM knox_authtoken t JOIN auth_user u ON u.id = t.user_id "
                       "WHERE t.token_key = ?1");
  bare.session = prepared("SELECT session_data FROM django_session WHERE session_key = ?1 AND expire_date > '2020-01-01'");
  bare.user = prepared("SELECT id, username, email, is_active, is_staff, is_superuser, password FROM auth_user WHERE id = ?1");
  make(&get, "Cookie", "sessionid=01234567890123456789012345678901; csrftoken=" SECRET);
  make(&known, "Authorization", "Token 0123456789012345678901234567890123456789");
  make(&kept, "Authorization", "Token 0123456789012345678901234567890123456789012345678901234567890123");
  make_post(&post);
  compare(of_session, 1000, (const struct way[]){{bare_session, &bare}, {session, &get}}, 2, 5000, ROUNDS);
  compare(of_csrf, 1000, (const struct way[]){{session, &get}, {session, &post}}, 2, 5000, ROUNDS);
  compare(of_six, 1000, (const struct way[]){{token, &known}, {six, &known}}, 2, 5000, ROUNDS);
  compare(of_knox, 1000, (const struct way[]){{bare_knox, &bare}, {knox, &kept}}, 2, 5000, ROUNDS);
  compare(of_durin, 1000, (const struct way[]){{bare_durin, &bare}, {durin, &kept}}, 2, 5000, ROUNDS);
  auth_context_free(context);
  return 0;
}
