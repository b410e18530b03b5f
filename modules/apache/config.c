/* Directives, made from the table in mod_authchain.h; the check of what they name; contexts of children. */
#include "mod_authchain.h"

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <http_core.h>

/* A name that a directive gave, to be looked for once the whole configuration is read. */
enum named_what { NAMED_CHAIN, NAMED_ENDPOINT, NAMED_AUDIENCE };
struct named {
  const char *directive, *name, *where;
  server_rec *server;
  enum named_what what;
};

enum { MOST_TEXT = 1024 * 1024 }; /* of a configuration (docs/config.md) */

/* Both belong to the configuration that is being read or was read last. `names` is NULL but while one is
 * read: directives of .htaccess come from many threads, and their chains are looked for when asked. */
static apr_array_header_t *names;
static apr_array_header_t *sites;

/* ---- values -------------------------------------------------------------------------------------- */

static const char *read_path(cmd_parms *cmd, const char *value, const char **to)
{
  *to = ap_server_root_relative(cmd->pool, value);
  return *to == NULL ? apr_psprintf(cmd->pool, "\"%s\" is no path", value) : NULL;
}

static const char *read_name(cmd_parms *cmd, const char *value, enum named_what what)
{
  if (names != NULL) {
    struct named *named = (struct named *)apr_array_push(names);
    named->directive = cmd->cmd->name;
    named->name = value;
    named->where = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    named->server = cmd->server;
    named->what = what;
  }
  return NULL;
}

static const char *read_chain(cmd_parms *cmd, const char *value, const char **to)
{
  *to = value;
  return read_name(cmd, value, NAMED_CHAIN);
}

static const char *read_endpoint(cmd_parms *cmd, const char *value, const char **to)
{
  *to = value;
  return read_name(cmd, value, NAMED_ENDPOINT);
}

/* The place of a word among two. */
static const char *read_word(cmd_parms *cmd, const char *value, const char *zero, const char *one, int *place)
{
  *place = strcasecmp(value, one) == 0;
  if (!*place && strcasecmp(value, zero) != 0)
    return apr_psprintf(cmd->pool, "\"%s\" is neither %s nor %s", value, zero, one);
  return NULL;
}

static const char *read_errors(cmd_parms *cmd, const char *value, enum authchain_errors *to)
{
  int place;
  const char *wrong = read_word(cmd, value, "library", "server", &place);
  *to = place ? AUTHCHAIN_ERRORS_SERVER : AUTHCHAIN_ERRORS_LIBRARY;
  return wrong;
}

static const char *read_forward(cmd_parms *cmd, const char *value, enum authchain_forward *to)
{
  int place;
  const char *wrong = read_word(cmd, value, "none", "identity", &place);
  *to = place ? AUTHCHAIN_FORWARD_IDENTITY : AUTHCHAIN_FORWARD_NONE;
  return wrong;
}

/* Whoever it is, something has to sign, and which file says what is known when all has been read. */
static const char *read_audience(cmd_parms *cmd, const char *value, const char **to)
{
  *to = strcasecmp(value, "none") == 0 ? NULL : value;
  return *to == NULL ? NULL : read_name(cmd, value, NAMED_AUDIENCE);
}

static const char *read_flag(cmd_parms *cmd, const char *value, int *to)
{
  return read_word(cmd, value, "Off", "On", to);
}

/* ---- from the table ------------------------------------------------------------------------------ */

#define OWN_SERVER(cmd, folder) ap_get_module_config((cmd)->server->module_config, &authchain_module)
#define OWN_FOLDER(cmd, folder) (folder)

#define SETTER(owner, own, field, reader)                                                                   \
  static const char *set_##field(cmd_parms *cmd, void *folder, const char *value)                           \
  {                                                                                                         \
    struct owner *to = (struct owner *)own(cmd, folder);                                                    \
    const char *wrong = reader(cmd, value, &to->field);                                                     \
    (void)folder;                                                                                           \
    to->field##_set = wrong == NULL;                                                                        \
    return wrong == NULL ? NULL : apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", wrong, NULL);                \
  }
#define SERVER_SETTER(field, type, fallback, name, context, reader, values, meaning)                        \
  SETTER(authchain_server, OWN_SERVER, field, reader)
#define FOLDER_SETTER(field, type, fallback, name, context, reader, values, meaning)                        \
  SETTER(authchain_folder, OWN_FOLDER, field, reader)
AUTHCHAIN_SERVER_DIRECTIVES(SERVER_SETTER)
AUTHCHAIN_FOLDER_DIRECTIVES(FOLDER_SETTER)

#define COMMAND(field, type, fallback, name, context, reader, values, meaning)                              \
  AP_INIT_TAKE1(name, set_##field, NULL, context, values ": " meaning),
const command_rec authchain_commands[] = {
  AUTHCHAIN_SERVER_DIRECTIVES(COMMAND) AUTHCHAIN_FOLDER_DIRECTIVES(COMMAND){.name = NULL}
};

#define DEFAULT(field, type, fallback, name, context, reader, values, meaning) made->field = fallback;
#define MERGE(field, type, fallback, name, context, reader, values, meaning)                                \
  made->field = inner->field##_set ? inner->field : outer->field;                                           \
  made->field##_set = inner->field##_set | outer->field##_set;

void *authchain_server_create(apr_pool_t *pool, server_rec *server)
{
  struct authchain_server *made = (struct authchain_server *)apr_pcalloc(pool, sizeof *made);
  (void)server;
  AUTHCHAIN_SERVER_DIRECTIVES(DEFAULT)
  return made;
}

void *authchain_server_merge(apr_pool_t *pool, void *base, void *add)
{
  const struct authchain_server *outer = (const struct authchain_server *)base;
  const struct authchain_server *inner = (const struct authchain_server *)add;
  struct authchain_server *made = (struct authchain_server *)apr_pcalloc(pool, sizeof *made);
  AUTHCHAIN_SERVER_DIRECTIVES(MERGE)
  return made;
}

void *authchain_folder_create(apr_pool_t *pool, char *path)
{
  struct authchain_folder *made = (struct authchain_folder *)apr_pcalloc(pool, sizeof *made);
  (void)path;
  AUTHCHAIN_FOLDER_DIRECTIVES(DEFAULT)
  return made;
}

void *authchain_folder_merge(apr_pool_t *pool, void *base, void *add)
{
  const struct authchain_folder *outer = (const struct authchain_folder *)base;
  const struct authchain_folder *inner = (const struct authchain_folder *)add;
  struct authchain_folder *made = (struct authchain_folder *)apr_pcalloc(pool, sizeof *made);
  AUTHCHAIN_FOLDER_DIRECTIVES(MERGE)
  return made;
}

const struct authchain_folder *authchain_folder(const request_rec *r)
{
  return (const struct authchain_folder *)ap_get_module_config(r->per_dir_config, &authchain_module);
}

const struct authchain_site *authchain_site(const request_rec *r)
{
  const struct authchain_server *own =
    (const struct authchain_server *)ap_get_module_config(r->server->module_config, &authchain_module);
  return own->site;
}

/* ---- checking ------------------------------------------------------------------------------------ */

int authchain_config_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
  (void)plog, (void)ptemp;
  names = apr_array_make(pconf, 8, sizeof(struct named));
  sites = apr_array_make(pconf, 2, sizeof(struct authchain_site *));
  return OK;
}

/* The text of a file, which is small, else the library will refuse it. */
static apr_status_t read_text(struct authchain_site *site, apr_pool_t *pool)
{
  apr_file_t *file;
  apr_finfo_t info;
  char *text;
  apr_status_t status = apr_file_open(&file, site->file, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
  if (status == APR_SUCCESS)
    status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
  if (status != APR_SUCCESS || info.size > MOST_TEXT)
    return status;
  text = (char *)apr_pcalloc(pool, (apr_size_t)info.size + 1);
  status = apr_file_read_full(file, text, (apr_size_t)info.size, &site->text_len);
  site->text = text;
  apr_file_close(file);
  return APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status; /* an empty file, or one that got shorter */
}

static auth_status open_text(const struct authchain_site *site, auth_context **context, auth_report **why,
                             apr_pool_t *pool)
{
  auth_options options = AUTH_OPTIONS_INIT;
  options.text.ptr = site->text;
  options.text.len = site->text_len;
  options.base_dir = auth_text(ap_make_dirstr_parent(pool, site->file));
  options.host = auth_text("apache");
  return auth_context_open(&options, context, why);
}

/* Whether a context can assert anything: a request that was never judged is told so, too. */
static int is_asserting(const auth_context *context, auth_str audience)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  auth_assertion *none = NULL;
  auth_status status = auth_request_new(context, &http, &request);
  if (status == AUTH_OK)
    status = auth_request_assert(request, audience, &none);
  auth_request_free(request);
  return status == AUTH_REFUSED;
}

/* What the file lacks that a directive has named; NULL when it is there. */
static const char *lacking(const auth_context *context, const struct named *named, apr_pool_t *pool)
{
  auth_str name = auth_text(named->name);
  uint32_t number;
  switch (named->what) {
  case NAMED_CHAIN:
    return auth_context_chain(context, name, &number) == AUTH_OK ? NULL : apr_psprintf(pool, "[chains.%s]", named->name);
  case NAMED_ENDPOINT:
    return auth_context_endpoint(context, name, &number) == AUTH_OK
             ? NULL
             : apr_psprintf(pool, "[endpoints.%s]", named->name);
  default:
    return is_asserting(context, name) ? NULL : "[assertion]";
  }
}

/* Whether the context has what was named for its site. */
static int check_names(const struct authchain_site *site, const auth_context *context, apr_pool_t *pool)
{
  int i, found = 1;
  for (i = 0; i < names->nelts; i++) {
    const struct named *named = &APR_ARRAY_IDX(names, i, struct named);
    const struct authchain_server *server =
      (const struct authchain_server *)ap_get_module_config(named->server->module_config, &authchain_module);
    const char *lacks = server->site == site ? lacking(context, named, pool) : NULL;
    if (lacks == NULL)
      continue;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, named->server, "%s: %s: %s has no %s", named->where,
                 named->directive, site->file, lacks);
    found = 0;
  }
  return found;
}

/* What was last found right of a file, kept by the process: httpd unloads modules at each restart. */
static apr_hash_t *kept_texts(const server_rec *server)
{
  static const char key[] = "mod_authchain";
  apr_hash_t **kept = (apr_hash_t **)ap_retained_data_get(key);
  if (kept == NULL) {
    kept = (apr_hash_t **)ap_retained_data_create(key, sizeof *kept);
    *kept = apr_hash_make(server->process->pool);
  }
  return *kept;
}

static void keep_text(const struct authchain_site *site, const server_rec *server)
{
  apr_hash_t *texts = kept_texts(server);
  apr_pool_t *pool = server->process->pool;
  const char *former = (const char *)apr_hash_get(texts, site->file, APR_HASH_KEY_STRING);
  if (former == NULL || strcmp(former, site->text) != 0)
    apr_hash_set(texts, apr_pstrdup(pool, site->file), APR_HASH_KEY_STRING, apr_pstrdup(pool, site->text));
}

/* Whether public keys of the text have to be fetched. */
static int wants_tick(const struct authchain_site *site, apr_pool_t *pool)
{
  auth_context *context = NULL;
  int wants;
  if (site->text == NULL || open_text(site, &context, NULL, pool) != AUTH_OK)
    return 0;
  wants = auth_context_wants_tick(context);
  auth_context_free(context);
  return wants;
}

/* Tells what is wrong. A server that runs and is told to restart (by a signal: `-k graceful` has looked before) goes
 * on with what the file was. */
static int refuse(struct authchain_site *site, server_rec *server, const char *wrong)
{
  site->text = (const char *)apr_hash_get(kept_texts(server), site->file, APR_HASH_KEY_STRING);
  site->text_len = site->text != NULL ? strlen(site->text) : 0;
  site->wants_tick = wants_tick(site, server->process->pconf);
  ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, server, "AuthChainConfig: %s%s", wrong,
               site->text != NULL ? "; the configuration stays what it was" : "");
  return site->text != NULL;
}

static int refuse_for(struct authchain_site *site, server_rec *server, auth_status status, auth_report *why)
{
  int goes_on = refuse(site, server, status == AUTH_ECONFIG ? auth_report_message(why) : auth_strerror(status));
  auth_report_free(why);
  return goes_on;
}

/* Checks the file, then opens the text that was in it and gives it up again: opening starts no thread and no
 * connection, and only a context knows which chains there are. The children will open the same text, so that one
 * that is born while somebody edits the file is like the others. */
static int check_site(struct authchain_site *site, server_rec *server, apr_pool_t *pconf)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_context *context = NULL;
  auth_report *why = NULL;
  auth_status status;
  apr_status_t is_read = read_text(site, pconf);
  int good;
  options.path = auth_text(site->file);
  status = auth_config_check(&options, &why);
  if (status != AUTH_OK)
    return refuse_for(site, server, status, why);
  if (is_read != APR_SUCCESS)
    return refuse(site, server, apr_pstrcat(pconf, site->file, " cannot be read", NULL));
  status = open_text(site, &context, &why, pconf);
  if (status != AUTH_OK)
    return refuse_for(site, server, status, why);
  site->wants_tick = auth_context_wants_tick(context);
  if (site->wants_tick && ap_find_linked_module("mod_watchdog.c") == NULL) {
    auth_context_free(context);
    return refuse(site, server, apr_pstrcat(pconf, site->file, ": a jwk_url is fetched by mod_watchdog, "
                                            "which is not loaded", NULL));
  }
  keep_text(site, server);
  good = check_names(site, context, pconf);
  auth_context_free(context);
  return good;
}

/* The site of a file, made when it is new. */
static struct authchain_site *site_of(const char *file, apr_pool_t *pconf)
{
  struct authchain_site *site;
  int i;
  for (i = 0; i < sites->nelts; i++) {
    site = APR_ARRAY_IDX(sites, i, struct authchain_site *);
    if (strcmp(site->file, file) == 0)
      return site;
  }
  site = (struct authchain_site *)apr_pcalloc(pconf, sizeof *site);
  site->file = file;
  APR_ARRAY_PUSH(sites, struct authchain_site *) = site;
  return site;
}

/* Every configuration file that a server names. */
const apr_array_header_t *authchain_sites(void)
{
  return sites;
}

/* Whether every name that was given has a file in which to look for it. */
static int check_files(void)
{
  int i;
  for (i = 0; i < names->nelts; i++) {
    const struct named *named = &APR_ARRAY_IDX(names, i, struct named);
    const struct authchain_server *server =
      (const struct authchain_server *)ap_get_module_config(named->server->module_config, &authchain_module);
    if (server->site != NULL)
      continue;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, named->server, "%s: %s: AuthChainConfig is missing",
                 named->where, named->directive);
    return 0;
  }
  return 1;
}

/* Of all hooks, `apache2 -t` runs this one (and not post_config), and so do a start and `-k graceful`. */
int authchain_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
  server_rec *server;
  int i, good;
  (void)plog, (void)ptemp;
  if (auth_abi_version() != AUTH_ABI_VERSION) {
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, main_server, "libauthchain has another ABI than we");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  for (server = main_server; server != NULL; server = server->next) {
    struct authchain_server *own =
      (struct authchain_server *)ap_get_module_config(server->module_config, &authchain_module);
    own->site = own->file != NULL ? site_of(own->file, pconf) : NULL;
  }
  good = check_files();
  for (i = 0; i < sites->nelts; i++)
    good &= check_site(APR_ARRAY_IDX(sites, i, struct authchain_site *), main_server, pconf);
  names = NULL;
  return good ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- children ------------------------------------------------------------------------------------ */

/* Contexts are opened here only: by the user whom they will work for, and after the last fork. They are
 * never given up: a child ends with its threads still at work when it is told to stop at once. */
void authchain_child_init(apr_pool_t *pchild, server_rec *main_server)
{
  int i;
  for (i = 0; i < sites->nelts; i++) {
    struct authchain_site *site = APR_ARRAY_IDX(sites, i, struct authchain_site *);
    auth_report *why = NULL;
    auth_status status = open_text(site, &site->context, &why, pchild);
    if (status != AUTH_OK) {
      ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main_server,
                   "%s, as user %ld: %s; every request will be answered with 503", site->file, (long)geteuid(),
                   status == AUTH_ECONFIG ? auth_report_text(why) : auth_strerror(status));
      site->context = NULL;
    }
    auth_report_free(why);
  }
}
