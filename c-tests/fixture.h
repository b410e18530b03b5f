/* What most programs here need: a folder of their own with Django's tables in it, and short ways to
 * ask. A fixture that fails ends the program; only what is being tested is a CHECK. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stddef.h>

#include "authchain.h"

/* Users of the seed; its hashes have 1,000 iterations so that tests are quick. */
#define ALICE_PASSWORD "wonderland-1"
#define ALICE_KEY "0123456789abcdef0123456789abcdef01234567"
#define INACTIVE_PASSWORD "inactive-pw"
#define INACTIVE_KEY "inactive-token"
#define SECRET_KEY "a-secret-that-no-line-may-show"

/* The usual configuration, on the database site.db: chain 0 is `default`. */
#define TOP(database) \
  "database = \"sqlite:" database "\"\nsecret_key = \"" SECRET_KEY "\"\ntimeout = 30\n"
#define QUICK "[hashers.pbkdf2_sha256]\niterations = 1000\n[throttle]\nenabled = false\n"
#define USUAL TOP("site.db") "[chains.default]\nschemes = [\"basic\", \"token\"]\n" QUICK

#ifdef __cplusplus
extern "C" {
#endif

/* Says why and ends the program: the fixture itself is broken. */
void broken(const char *what);

/* The path of a file in the program's own folder, which is made when first asked for and removed
 * at the end. The text stays valid for the next 15 calls. */
const char *in_folder(const char *name);

/* Writes a file in the folder. */
void write_file(const char *name, const char *text);

/* A database in the folder, from the seed; in WAL mode if so told. */
void make_database(const char *name, int wal);

/* Runs a program; its output goes to `out`, without the last newline. Returns its exit status. */
int run(char *const argv[], char *out, size_t size);

/* What the `sqlite3` command says to a statement: always a process of its own. It waits for locks
 * unless `impatient`. The text is valid until the next call on the same thread of tests. */
const char *sql(const char *database, const char *statement);
const char *sql_impatient(const char *database, const char *statement);

/* A context from a text; relative paths start at the folder. */
auth_context *open_text(const char *toml);
auth_context *open_with(const char *toml, const auth_scheme *schemes, size_t n, auth_log log, void *log_data);

/* A request with one header, or with none when `value` is NULL. */
auth_request *request_of(const auth_context *context, const char *name, const char *value);

/* Status of a new request with that Authorization on a chain; the request goes to `*out`. */
auth_status judge(const auth_context *context, uint32_t chain, const char *authorization, auth_request **out);

/* The value of an Authorization header for Basic; `out` must hold twice the pair and 16 bytes. */
const char *basic(char *out, const char *name, const char *password);

/* A header of a response, or NULL. */
const char *header_of(const auth_response *response, const char *name);

/* Whether all bytes are 0xA5, what outputs are filled with before a call. */
void fill_garbage(void *memory, size_t size);
int is_garbage(const void *memory, size_t size);

/* How many rounds: `usual`, or argv[1], or with SOAK=1 in the environment `soak`. */
long rounds(int argc, char **argv, long usual, long soak);

#ifdef __cplusplus
}
#endif

#endif
