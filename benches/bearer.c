/*
 * What a signed token costs through the C ABI beside its bare verification.
 *
 *   bearer DATABASE FOLDER     prints what bench prints; see there for how it is measured
 *
 * FOLDER is made by benches/peers.py: NAME.jwt has tokens, one a line, and NAME.key what verifies them, a secret or DER.
 * AUTHCHAIN_CONFIG has a chain of each NAME and `default` for HS256, all stateless, and `users`, which is not.
 */
#include "measure.h"

enum { TOKENS = 64, LONGEST = 1024, SIGNATURE = 256, SHA256 = 32 };

/* The library's own primitives, taken out of its archive: the prefix of aws-lc's symbols names its version. */
typedef struct hmac_ctx HMAC_CTX;
typedef struct evp_md_ctx EVP_MD_CTX;
typedef struct evp_pkey EVP_PKEY;
HMAC_CTX *BARE_HMAC_CTX_NEW(void);
int BARE_HMAC_CTX_COPY(HMAC_CTX *to, const HMAC_CTX *from);
int BARE_HMAC_INIT(HMAC_CTX *, const void *key, size_t key_len, const void *digest, void *engine);
int BARE_HMAC_UPDATE(HMAC_CTX *, const unsigned char *data, size_t len);
int BARE_HMAC_FINAL(HMAC_CTX *, unsigned char *out, unsigned *out_len);
int BARE_MEMCMP(const void *, const void *, size_t len);
const void *BARE_SHA256(void);
EVP_PKEY *BARE_D2I_PUBKEY(EVP_PKEY **, const unsigned char **der, long len);
EVP_MD_CTX *BARE_MD_CTX_NEW(void);
void BARE_MD_CTX_FREE(EVP_MD_CTX *);
int BARE_VERIFY_INIT(EVP_MD_CTX *, void **, const void *digest, void *engine, EVP_PKEY *);
int BARE_VERIFY(EVP_MD_CTX *, const unsigned char *signature, size_t, const unsigned char *data, size_t);

static auth_context *context;

struct tokens {
  char texts[TOKENS][LONGEST];
  size_t lengths[TOKENS], messages[TOKENS]; /* of the whole, and of what is signed */
  unsigned char signatures[TOKENS][SIGNATURE];
  size_t signature_lengths[TOKENS];
  HMAC_CTX *keyed, *scratch;
  EVP_PKEY *key;
  const void *digest;
  sqlite3_stmt *user;
  uint32_t chain;
  struct made made;
};

static size_t read_file(const char *folder, const char *name, const char *ending, char *out, size_t size)
{
  char path[512];
  size_t len;
  FILE *file;
  snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
  file = fopen(path, "rb");
  if (file == NULL)
    fail(path);
  len = fread(out, 1, size - 1, file);
  fclose(file);
  out[len] = '\0';
  return len;
}

/* --- the bare work ---------------------------------------------------------------------------- */

static unsigned char values[256];

static void make_values(void)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  int i;
  for (i = 0; i < 64; i++)
    values[(unsigned char)alphabet[i]] = (unsigned char)i;
}

/* base64url without padding, of characters that are known to be good. */
static size_t decoded(const char *text, size_t len, unsigned char *out)
{
  unsigned long bits = 0;
  size_t i, n = 0;
  for (i = 0; i < len; i++) {
    bits = bits << 6 | values[(unsigned char)text[i]];
    if (i % 4 != 0)
      out[n++] = (unsigned char)(bits >> (4 - 2 * (i % 4 - 1)));
  }
  return n;
}

/* The two dots, the signature out of its base64, the HMAC, and both compared. */
static void bare_hmac(void *state, size_t i)
{
  const struct tokens *tokens = state;
  const char *text = tokens->texts[i % TOKENS], *end = text + tokens->lengths[i % TOKENS];
  const char *last = memrchr(text, '.', (size_t)(end - text));
  unsigned char signature[LONGEST], mac[64];
  unsigned mac_len = 0;
  sink += (unsigned long)((const char *)memchr(text, '.', (size_t)(last - text)) - text);
  if (decoded(last + 1, (size_t)(end - last - 1), signature) != SHA256 ||
      !BARE_HMAC_CTX_COPY(tokens->scratch, tokens->keyed) ||
      !BARE_HMAC_UPDATE(tokens->scratch, (const unsigned char *)text, (size_t)(last - text)) ||
      !BARE_HMAC_FINAL(tokens->scratch, mac, &mac_len) || BARE_MEMCMP(mac, signature, SHA256) != 0)
    fail("a bare HMAC is not the token's");
}

/* The same, and the row of a user. */
static void bare_user(void *state, size_t i)
{
  const struct tokens *tokens = state;
  int k;
  bare_hmac(state, i);
  sqlite3_bind_int64(tokens->user, 1, (sqlite3_int64)(i % TOKENS) + 1);
  if (sqlite3_step(tokens->user) != SQLITE_ROW)
    fail("a user is not in the database");
  for (k = 0; k < sqlite3_column_count(tokens->user); k++)
    sink += (unsigned long)(k == 0 || (k > 2 && k < 6) ? (int)sqlite3_column_int64(tokens->user, k)
                                                       : sqlite3_column_bytes(tokens->user, k));
  sqlite3_reset(tokens->user);
}

/* The verification with a key that is parsed and a signature in the library's form. */
static void bare_verification(void *state, size_t i)
{
  const struct tokens *tokens = state;
  size_t n = i % TOKENS;
  EVP_MD_CTX *verification = BARE_MD_CTX_NEW();
  if (BARE_VERIFY_INIT(verification, NULL, tokens->digest, NULL, tokens->key) != 1 ||
      BARE_VERIFY(verification, tokens->signatures[n], tokens->signature_lengths[n],
                  (const unsigned char *)tokens->texts[n], tokens->messages[n]) != 1)
    fail("a bare verification");
  BARE_MD_CTX_FREE(verification);
}

/* --- the library ------------------------------------------------------------------------------ */

static const struct made *with_token(struct tokens *tokens, size_t i)
{
  char *value = tokens->made.value + strlen("Bearer ");
  size_t n = i % TOKENS;
  memcpy(value, tokens->texts[n], tokens->lengths[n]);
  tokens->made.headers[HEADERS - 1].value.len = strlen("Bearer ") + tokens->lengths[n];
  return &tokens->made;
}

static void one_call(void *state, size_t i)
{
  auth_user *user = NULL;
  if (auth_authenticate(&with_token(state, i)->http, &user) != AUTH_OK)
    fail("auth_authenticate: an unexpected status");
  sink += (unsigned long)auth_user_name(user)[0] + auth_user_flags(user);
  auth_user_free(user);
}

static void request_form(void *state, size_t i)
{
  struct tokens *tokens = state;
  auth_request *request = NULL;
  if (auth_request_new(context, &with_token(tokens, i)->http, &request) != AUTH_OK ||
      auth_request_authenticate(request, tokens->chain) != AUTH_OK)
    fail("auth_request_authenticate: an unexpected status");
  sink += (unsigned long)auth_user_name(auth_request_user(request))[0];
  auth_request_free(request);
}

/* --------------------------------------------------------------------------------------------- */

/* DER of `r` and `s`, which a token has one after the other (RFC 7518, 3.4). */
static size_t put_integer(const unsigned char *from, unsigned char *out)
{
  size_t skipped = 0, padded, len;
  while (skipped < 31 && from[skipped] == 0)
    skipped++;
  padded = from[skipped] >> 7;
  len = 32 - skipped;
  out[0] = 2;
  out[1] = (unsigned char)(len + padded);
  out[2] = 0;
  memcpy(out + 2 + padded, from + skipped, len);
  return 2 + padded + len;
}

static size_t in_der(unsigned char *signature)
{
  unsigned char both[64];
  size_t len = 2;
  memcpy(both, signature, sizeof both);
  len += put_integer(both, signature + len);
  len += put_integer(both + 32, signature + len);
  signature[0] = 0x30;
  signature[1] = (unsigned char)(len - 2);
  return len;
}

static void read_key(struct tokens *tokens, const char *folder, const char *name)
{
  char key[LONGEST];
  const unsigned char *der = (const unsigned char *)key;
  size_t len = read_file(folder, name, "key", key, sizeof key);
  tokens->digest = strcmp(name, "EdDSA") == 0 ? NULL : BARE_SHA256();
  if (strcmp(name, "HS256") != 0) {
    tokens->key = BARE_D2I_PUBKEY(NULL, &der, (long)len);
    if (tokens->key == NULL)
      fail("a key cannot be parsed");
    return;
  }
  tokens->keyed = BARE_HMAC_CTX_NEW();
  tokens->scratch = BARE_HMAC_CTX_NEW();
  if (BARE_HMAC_INIT(tokens->keyed, key, len, tokens->digest, NULL) != 1)
    fail("HMAC");
}

static void read_tokens(struct tokens *tokens, const char *folder, const char *name)
{
  static char all[TOKENS * LONGEST];
  char *line;
  size_t n = 0;
  memset(tokens, 0, sizeof *tokens);
  read_file(folder, name, "jwt", all, sizeof all);
  for (line = strtok(all, "\n"); line != NULL && n < TOKENS; line = strtok(NULL, "\n"), n++) {
    const char *last = strrchr(line, '.');
    tokens->lengths[n] = strlen(line);
    tokens->messages[n] = (size_t)(last - line);
    tokens->signature_lengths[n] = decoded(last + 1, strlen(last + 1), tokens->signatures[n]);
    if (strcmp(name, "ES256") == 0)
      tokens->signature_lengths[n] = in_der(tokens->signatures[n]);
    memcpy(tokens->texts[n], line, tokens->lengths[n]);
  }
  if (n < TOKENS)
    fail("too few tokens");
  read_key(tokens, folder, name);
  if (auth_context_chain(context, auth_text(name), &tokens->chain) != AUTH_OK)
    fail(name);
  make(&tokens->made, "Authorization", "Bearer ");
}

static void hmac(struct tokens *tokens, const char *folder)
{
  static const char *const stateless[] = {"", "HS256", "HS256_request"}, *const with_user[] = {"", "HS256_user"};
  const struct way ways[3] = {{bare_hmac, tokens}, {one_call, tokens}, {request_form, tokens}};
  const struct way user_ways[2] = {{bare_user, tokens}, {request_form, tokens}};
  read_tokens(tokens, folder, "HS256");
  compare(stateless, 1000, ways, 3, 20000, ROUNDS);
  if (auth_context_chain(context, auth_text("users"), &tokens->chain) != AUTH_OK)
    fail("users");
  tokens->user = prepared("SELECT id, username, email, is_active, is_staff, is_superuser, password FROM auth_user WHERE id = ?1");
  compare(with_user, 1000, user_ways, 2, 10000, ROUNDS);
}

int main(int argc, char **argv)
{
  static const char *const names[] = {"RS256", "ES256", "EdDSA"};
  static struct tokens tokens;
  auth_report *why = NULL;
  size_t i;
  if (argc != 3)
    fail("usage: bearer DATABASE FOLDER");
  database = argv[1];
  if (auth_default_context(&context, &why) != AUTH_OK)
    fail(why != NULL ? auth_report_message(why) : "auth_default_context");
  make_values();
  hmac(&tokens, argv[2]);
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    const char *const rows[] = {"", names[i]};
    const struct way ways[2] = {{bare_verification, &tokens}, {request_form, &tokens}};
    read_tokens(&tokens, argv[2], names[i]);
    compare(rows, 1000, ways, 2, 1000, ROUNDS);
  }
  auth_context_free(context);
  return 0;
}
