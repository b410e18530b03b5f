/*
 * What a verdict costs through the C ABI, beside the bare work it cannot do without.
 *
 *   bench DATABASE MMAP_SIZE speed|tokens|memory|allocations
 *
 * DATABASE is made by scripts/bench, AUTHCHAIN_CONFIG names a configuration of it. Prints one
 * line a result: name, bound, ours (both in the unit of the name) and the median of the rounds'
 * ratios, separated by tabs. `tokens` is the look-ups alone, for another mmap_size.
 *
 * Costs are CPU time of the calling thread. Bound and library run in turn in one process, in
 * alternating order, over the same keys; nothing holds a transaction between two operations
 * (while one connection of a process does, the others skip their file locks and look too cheap).
 */
#include "measure.h"

#include <pthread.h>
#include <unistd.h>

enum { USERS = 100000, HOT = 8 };

/* The library's own PBKDF2, taken out of its archive: the prefix of aws-lc's symbols names its version. */
int BARE_PBKDF2(const char *password, size_t password_len, const unsigned char *salt, size_t salt_len,
                unsigned iterations, const void *digest, size_t key_len, unsigned char *key);
const void *BARE_SHA256(void);

/* Only in bench-allocations, which counts them. */
extern __thread unsigned long allocations __attribute__((weak));

static char keys[USERS][40]; /* in random order */
static auth_context *context;

/* --- the bare look-up ------------------------------------------------------------------------ */

/* As src/store/tables: TokensTable's owner_sql with the columns of UsersTable. */
static const char JOIN[] =
    "SELECT u.\"id\", u.\"username\", u.\"email\", u.\"is_active\", u.\"is_staff\", u.\"is_superuser\", t.\"key\" "
    "FROM \"authtoken_token\" t JOIN \"auth_user\" u ON u.\"id\" = t.\"user_id\" WHERE t.\"key\" = ?1";

static void look_up(sqlite3_stmt *join, const char *key)
{
  unsigned long read = 0;
  int i;
  sqlite3_bind_text(join, 1, key, 40, SQLITE_STATIC);
  if (sqlite3_step(join) != SQLITE_ROW)
    fail("a key is not in the database");
  read += (unsigned long)sqlite3_column_int64(join, 0);
  for (i = 1; i <= 2; i++)
    read += *sqlite3_column_text(join, i) + (unsigned long)sqlite3_column_bytes(join, i);
  for (i = 3; i <= 5; i++)
    read += (unsigned long)sqlite3_column_int64(join, i);
  read += *sqlite3_column_text(join, 6) + (unsigned long)sqlite3_column_bytes(join, 6);
  sqlite3_reset(join);
  sink += read;
}

/* --- the library ----------------------------------------------------------------------------- */

static void one_call(const struct made *made, auth_status expected)
{
  auth_user *user = NULL;
  if (auth_authenticate(&made->http, &user) != expected)
    fail("auth_authenticate: an unexpected status");
  sink += (unsigned long)auth_user_name(user)[0] + auth_user_flags(user);
  auth_user_free(user);
}

static void request_form(const struct made *made, auth_status expected)
{
  auth_request *request = NULL;
  const auth_user *user;
  if (auth_request_new(context, &made->http, &request) != AUTH_OK ||
      auth_request_authenticate(request, 0) != expected)
    fail("auth_request_authenticate: an unexpected status");
  user = auth_request_user(request);
  sink += (unsigned long)auth_user_name(user)[0] + auth_user_flags(user);
  auth_request_free(request);
}

/* --- tokens ---------------------------------------------------------------------------------- */

struct tokens {
  sqlite3_stmt *join;
  struct made made;
  size_t spread; /* how many keys are used */
};

static const char *key_of(const struct tokens *tokens, size_t i)
{
  return keys[i % tokens->spread];
}

static const struct made *token_request(struct tokens *tokens, size_t i)
{
  memcpy(tokens->made.value + strlen("Token "), key_of(tokens, i), 40);
  return &tokens->made;
}

static void token_bound(void *state, size_t i)
{
  struct tokens *tokens = state;
  look_up(tokens->join, key_of(tokens, i));
}

static void token_one_call(void *state, size_t i)
{
  one_call(token_request(state, i), AUTH_OK);
}

static void token_request_form(void *state, size_t i)
{
  request_form(token_request(state, i), AUTH_OK);
}

static struct tokens tokens_of(size_t spread)
{
  static const char any[] = "Token 0123456789012345678901234567890123456789";
  struct tokens tokens;
  tokens.join = prepared(JOIN);
  tokens.spread = spread;
  make(&tokens.made, "Authorization", any);
  return tokens;
}

/* In place of a copy: `made` points into itself. */
static void settle(struct tokens *tokens)
{
  tokens->made.http.headers = tokens->made.headers;
  tokens->made.headers[HEADERS - 1].value.ptr = tokens->made.value;
}

static void tokens(void)
{
  static const char *const random[] = {"", "token_random", "token_random_request"};
  static const char *const hot[] = {"", "token_hot", "token_hot_request"};
  struct tokens all = tokens_of(USERS), few = tokens_of(HOT);
  struct way ways[3] = {{token_bound, &all}, {token_one_call, &all}, {token_request_form, &all}};
  int w;
  settle(&all);
  settle(&few);
  compare(random, 1000, ways, 3, 10000, ROUNDS);
  for (w = 0; w < 3; w++)
    ways[w].state = &few;
  compare(hot, 1000, ways, 3, 10000, ROUNDS);
}

/* --- no credentials -------------------------------------------------------------------------- */

static void nobody_one_call(void *state, size_t i)
{
  (void)i;
  one_call(state, AUTH_REFUSED);
}

static void nobody_request_form(void *state, size_t i)
{
  (void)i;
  request_form(state, AUTH_REFUSED);
}

static void nothing(void *state, size_t i)
{
  (void)state;
  sink += i;
}

/* A database that is not there is not missed. */
static void untouched(const struct made *made)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *usual = context;
  options.text = auth_text("database = \"sqlite:/nonexistent/site.db\"\nsecret_key = \"k\"\n"
                           "[chains.default]\nschemes = [\"basic\", \"token\"]\n");
  options.base_dir = auth_text("/");
  if (auth_context_open(&options, &context, NULL) != AUTH_OK)
    fail("auth_context_open");
  request_form(made, AUTH_REFUSED);
  auth_context_free(context);
  context = usual;
}

static void nobody(void)
{
  static const char *const names[] = {"", "nobody", "nobody_request"};
  struct made made;
  const struct way ways[3] = {{nothing, NULL}, {nobody_one_call, &made}, {nobody_request_form, &made}};
  make(&made, "Connection", "keep-alive");
  untouched(&made);
  compare(names, 1, ways, 3, 300000, ROUNDS);
}

/* --- passwords ------------------------------------------------------------------------------- */

static const char PASSWORD[] = "bulk-password";

struct stored {
  unsigned iterations;
  char salt[64];
  struct made made;
};

static void password_bound(void *state, size_t i)
{
  const struct stored *stored = state;
  unsigned char key[32];
  (void)i;
  if (BARE_PBKDF2(PASSWORD, strlen(PASSWORD), (const unsigned char *)stored->salt, strlen(stored->salt),
                  stored->iterations, BARE_SHA256(), sizeof key, key) != 1)
    fail("PBKDF2");
  sink += key[0];
}

static void password_one_call(void *state, size_t i)
{
  (void)i;
  one_call(&((struct stored *)state)->made, AUTH_OK);
}

static void password(void)
{
  static const char *const names[] = {"", "basic"};
  sqlite3_stmt *find = prepared("SELECT password FROM auth_user WHERE username = 'user000000'");
  struct stored stored;
  const struct way ways[2] = {{password_bound, &stored}, {password_one_call, &stored}};
  if (sqlite3_step(find) != SQLITE_ROW || sscanf((const char *)sqlite3_column_text(find, 0),
                                                 "pbkdf2_sha256$%u$%63[^$]", &stored.iterations, stored.salt) != 2)
    fail("no password of user000000");
  sqlite3_close(sqlite3_db_handle(find)); /* fails, and is not needed again: ends the transaction */
  sqlite3_finalize(find);
  make(&stored.made, "Authorization", "Basic dXNlcjAwMDAwMDpidWxrLXBhc3N3b3Jk"); /* user000000:bulk-password */
  compare(names, 1e6, ways, 2, 3, 15);
}

/* --- threads --------------------------------------------------------------------------------- */

struct worker {
  struct way way;
  size_t from, n;
  double cost;
};

static void *work(void *argument)
{
  struct worker *worker = argument;
  worker->cost = cost(&worker->way, worker->from, worker->n);
  return NULL;
}

/* CPU time of one operation with as many threads as there are states. */
static double with_threads(void (*run)(void *, size_t), struct tokens *states, int n_threads, size_t from)
{
  enum { EACH = 10000 };
  struct worker workers[2];
  pthread_t threads[2];
  double sum = 0;
  int t;
  for (t = 0; t < n_threads; t++) {
    struct worker worker = {{run, &states[t]}, from + (size_t)t * USERS / 2, EACH, 0};
    workers[t] = worker;
    if (pthread_create(&threads[t], NULL, work, &workers[t]) != 0)
      fail("pthread_create");
  }
  for (t = 0; t < n_threads; t++) {
    pthread_join(threads[t], NULL);
    sum += workers[t].cost;
  }
  return sum / n_threads;
}

static void threads(const char *name, void (*run)(void *, size_t))
{
  struct tokens states[2];
  double alone[ROUNDS], together[ROUNDS];
  int r;
  states[0] = tokens_of(USERS);
  states[1] = tokens_of(USERS);
  settle(&states[0]);
  settle(&states[1]);
  for (r = 0; r < 3; r++)
    with_threads(run, states, 2, (size_t)r * 10000);
  for (r = 0; r < ROUNDS; r++) {
    double *first = r % 2 ? &alone[r] : &together[r], *second = r % 2 ? &together[r] : &alone[r];
    *first = with_threads(run, states, first == alone + r ? 1 : 2, (size_t)r * 10000);
    *second = with_threads(run, states, second == alone + r ? 1 : 2, (size_t)r * 10000);
  }
  row(name, 1000, alone, together, ROUNDS);
}

/* --- memory ---------------------------------------------------------------------------------- */

static long resident_kib(void)
{
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
    fail("/proc/self/statm");
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Every road that needs no password hash: a user, an unknown key, a malformed header, nobody. */
static void memory(void)
{
  struct tokens all = tokens_of(USERS);
  struct made unknown, malformed, none;
  long early = 0;
  size_t i;
  settle(&all);
  make(&unknown, "Authorization", "Token 0000000000000000000000000000000000000000");
  make(&malformed, "Authorization", "Basic !");
  make(&none, "Connection", "keep-alive");
  for (i = 0; i < 1000000; i++) {
    const struct made *made = i % 4 == 0   ? token_request(&all, i)
                              : i % 4 == 1 ? &unknown
                              : i % 4 == 2 ? &malformed
                                           : &none;
    auth_status expected = i % 4 == 0 ? AUTH_OK : AUTH_REFUSED;
    if (i % 8 < 4)
      one_call(made, expected);
    else
      request_form(made, expected);
    if (i + 1 == 100000)
      early = resident_kib();
  }
  printf("memory\t%ld\t%ld\t%.3f\n", early, resident_kib(), (double)resident_kib() / (double)early);
}

/* --- allocations ----------------------------------------------------------------------------- */

static void count(const char *name, const struct way *bound, const struct way *ours)
{
  enum { EACH = 1000 };
  unsigned long start, bare, mine;
  cost(bound, 0, EACH);
  cost(ours, 0, EACH);
  start = allocations;
  cost(bound, EACH, EACH);
  bare = allocations - start;
  start = allocations;
  cost(ours, EACH, EACH);
  mine = allocations - start;
  printf("%s\t%.2f\t%.2f\t0\n", name, (double)bare / EACH, (double)mine / EACH);
}

static void count_all(void)
{
  struct tokens all = tokens_of(USERS);
  struct made none;
  const struct way bound = {token_bound, &all}, token = {token_one_call, &all}, request = {token_request_form, &all};
  const struct way no_work = {nothing, NULL}, nobody = {nobody_one_call, &none};
  if (&allocations == NULL)
    fail("allocations are counted by bench-allocations only");
  settle(&all);
  make(&none, "Connection", "keep-alive");
  count("allocations_token", &bound, &token);
  count("allocations_token_request", &bound, &request);
  count("allocations_nobody", &no_work, &nobody);
}

/* --------------------------------------------------------------------------------------------- */

static void read_keys(void)
{
  sqlite3_stmt *all = prepared("SELECT key FROM authtoken_token ORDER BY key"); /* of a hash: a random order */
  size_t n = 0;
  while (sqlite3_step(all) == SQLITE_ROW && n < USERS)
    memcpy(keys[n++], sqlite3_column_text(all, 0), 40);
  sqlite3_finalize(all);
  if (n < USERS)
    fail("the database has less than 100000 tokens");
  srand(1);
  for (n = USERS - 1; n > 0; n--) { /* Fisher and Yates; RAND_MAX is above USERS */
    size_t other = (size_t)rand() % (n + 1);
    char swap[40];
    memcpy(swap, keys[n], 40);
    memcpy(keys[n], keys[other], 40);
    memcpy(keys[other], swap, 40);
  }
}

int main(int argc, char **argv)
{
  auth_report *why = NULL;
  if (argc != 4)
    fail("usage: bench DATABASE MMAP_SIZE speed|tokens|memory|allocations");
  database = argv[1];
  mmap_size = atol(argv[2]);
  if (auth_default_context(&context, &why) != AUTH_OK)
    fail(why != NULL ? auth_report_message(why) : "auth_default_context");
  read_keys();
  if (strcmp(argv[3], "memory") == 0) {
    memory();
  } else if (strcmp(argv[3], "allocations") == 0) {
    count_all();
  } else {
    tokens();
    if (strcmp(argv[3], "speed") == 0) {
      nobody();
      password();
      threads("threads_bound", token_bound);
      threads("threads", token_one_call);
    }
  }
  auth_context_free(context);
  return 0;
}
