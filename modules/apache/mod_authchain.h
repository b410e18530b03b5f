/* mod_authchain: chains of libauthchain in Apache httpd 2.4. What its files share.
 *
 *   mod_authchain.c  hooks, and the phases of a request
 *   config.c         directives; the check at `apache2 -t`; contexts of children
 *   judge.c          one verdict a request, what comes in and what is passed on
 *   answer.c         how a refusal is sent
 *   body.c           bodies that decide, read before the handler reads them
 *   authz.c          `Require authchain-...` and `AuthBasicProvider authchain`
 *   tick.c           public keys that come from an address
 *   serve.c          `SetHandler authchain` and `authchain-metrics`
 */
#ifndef MOD_AUTHCHAIN_H
#define MOD_AUTHCHAIN_H

#include <authchain.h>
#include <httpd.h>

#include <http_config.h>
#include <http_log.h>

/* Modules are loaded into the global scope of symbols (APR opens them with RTLD_GLOBAL), so everything
 * but the module itself is hidden (-fvisibility=hidden). */
extern module AP_MODULE_DECLARE_DATA authchain_module __attribute__((visibility("default")));
APLOG_USE_MODULE(authchain);

enum authchain_errors { AUTHCHAIN_ERRORS_LIBRARY, AUTHCHAIN_ERRORS_SERVER };
enum authchain_forward { AUTHCHAIN_FORWARD_NONE, AUTHCHAIN_FORWARD_IDENTITY };

/* Where a directive may stand. AuthConfig is what may stand in .htaccess where `AllowOverride AuthConfig`
 * says so: what chooses a chain, never what decides which file is believed or what leaves the server. */
#define AUTHCHAIN_IN_SERVER RSRC_CONF
#define AUTHCHAIN_IN_FOLDER (RSRC_CONF | ACCESS_CONF)
#define AUTHCHAIN_IN_HTACCESS (RSRC_CONF | OR_AUTHCFG)

/* The directives: X(field, type, default, name, context, reader, values, meaning). Fields, the flags that
 * they were set, defaults, merging and httpd's table of commands are made from these rows, so that no
 * directive can be without one of them; tests/test_directives.py wants documentation and a test of each.
 * A value that was not set comes from the enclosing section, set or not from the one before it. */
#define AUTHCHAIN_SERVER_DIRECTIVES(X)                                                                      \
  X(file, const char *, NULL, "AuthChainConfig", AUTHCHAIN_IN_SERVER, read_path, "FILE",                    \
    "The configuration of libauthchain; a relative path starts at ServerRoot.")

#define AUTHCHAIN_FOLDER_DIRECTIVES(X)                                                                      \
  X(chain, const char *, "default", "AuthChain", AUTHCHAIN_IN_HTACCESS, read_chain, "NAME",                 \
    "The chain that judges requests where AuthType is authchain.")                                          \
  X(errors, enum authchain_errors, AUTHCHAIN_ERRORS_LIBRARY, "AuthChainErrors", AUTHCHAIN_IN_HTACCESS,      \
    read_errors, "library|server", "Whose body a refusal has: the library's JSON, or ErrorDocument's.")     \
  X(forward, enum authchain_forward, AUTHCHAIN_FORWARD_NONE, "AuthChainForward", AUTHCHAIN_IN_FOLDER,       \
    read_forward, "identity|none", "Whether X-Auth-User and its kin are added to the request.")             \
  X(audience, const char *, NULL, "AuthChainAssertion", AUTHCHAIN_IN_FOLDER, read_audience, "AUDIENCE|none",  \
    "For whom a signed assertion of the user is added to the request, as the configuration's [assertion] says.") \
  X(strip, int, 0, "AuthChainStripCredentials", AUTHCHAIN_IN_FOLDER, read_flag, "On|Off",                   \
    "Whether Authorization is taken away after a success.")                                                 \
  X(endpoint, const char *, NULL, "AuthChainEndpoint", AUTHCHAIN_IN_FOLDER, read_endpoint, "NAME",          \
    "The endpoint that `SetHandler authchain` serves.")

#define AUTHCHAIN_FIELD(field, type, fallback, name, context, reader, values, meaning) type field;
#define AUTHCHAIN_FLAG(field, type, fallback, name, context, reader, values, meaning) unsigned field##_set : 1;

/* One configuration file in use, for all virtual hosts that name it. */
struct authchain_site {
  const char *file;
  const char *text;      /* as it was when it was found right */
  apr_size_t text_len;
  auth_context *context; /* NULL in the parent, and in a child that could not open it */
  int wants_tick;        /* public keys come from an address */
};

struct authchain_server {
  AUTHCHAIN_SERVER_DIRECTIVES(AUTHCHAIN_FIELD)
  AUTHCHAIN_SERVER_DIRECTIVES(AUTHCHAIN_FLAG)
  struct authchain_site *site; /* of `file`, once the configuration has been checked */
};

/* Never changed by a request: what a request finds out is kept with the request (an nginx module that kept
 * claims in the location let the next client in with them, GHSA-pvq3-8rvg-f36q). */
struct authchain_folder {
  AUTHCHAIN_FOLDER_DIRECTIVES(AUTHCHAIN_FIELD)
  AUTHCHAIN_FOLDER_DIRECTIVES(AUTHCHAIN_FLAG)
};

/* What one chain said. Kept beside the library's own memory because auth_request_deny changes that one,
 * and a page that is denied to a sub-request is not denied to the next. */
struct authchain_verdict {
  uint32_t chain;
  auth_status status;
  struct authchain_verdict *next;
};

/* A request of a client, with all of its sub-requests and internal redirects. */
struct authchain_request {
  const struct authchain_site *site;
  auth_request *request;
  apr_table_t *received;   /* the headers as they came, before identities were taken away */
  const char *remote_user; /* whom another module had verified, as the library was told */
  struct authchain_verdict *verdicts;
  apr_bucket_brigade *body; /* what was read of it for a verdict and the handler has not read yet */
  unsigned has_read_body : 1;
  unsigned has_forwarded : 1; /* headers of ours are in the request, for one place of perhaps several */
  auth_user *password_user; /* whom `AuthBasicProvider authchain` found */
  auth_user *member;        /* the user of `member_id` with groups */
  const char *member_id;
};

/* One request_rec of it. */
struct authchain_visit {
  struct authchain_request *all;
  const struct authchain_verdict *verdict; /* of the chain here, once it was asked */
  unsigned is_authorizing : 1;
  unsigned has_failed : 1; /* a Require could not be answered */
};

#define AUTHCHAIN_TYPE "authchain"

/* config.c */
extern const command_rec authchain_commands[];
void *authchain_server_create(apr_pool_t *pool, server_rec *server);
void *authchain_server_merge(apr_pool_t *pool, void *base, void *add);
void *authchain_folder_create(apr_pool_t *pool, char *path);
void *authchain_folder_merge(apr_pool_t *pool, void *base, void *add);
int authchain_config_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int authchain_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server);
void authchain_child_init(apr_pool_t *pchild, server_rec *main_server);
const struct authchain_folder *authchain_folder(const request_rec *r);
const struct authchain_site *authchain_site(const request_rec *r);

const apr_array_header_t *authchain_sites(void);

/* tick.c */
int authchain_tick_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server);

/* judge.c */
request_rec *authchain_first(request_rec *r);
struct authchain_visit *authchain_visit(request_rec *r);
const struct authchain_verdict *authchain_verdict_of(request_rec *r);
auth_request *authchain_request_new(request_rec *r, struct authchain_request *all);
int authchain_judge(request_rec *r, struct authchain_visit *visit);
void authchain_recall(const struct authchain_request *all, const struct authchain_verdict *verdict);
const auth_user *authchain_user(request_rec *r);
int authchain_pass_on(request_rec *r);
void authchain_log(request_rec *r, const auth_request *request, auth_status status);

/* answer.c */
int authchain_answer(request_rec *r, const auth_response *response);
void authchain_send(request_rec *r, const auth_response *response);
int authchain_deny(request_rec *r, struct authchain_visit *visit);
void authchain_add_headers(request_rec *r, apr_table_t *to, const auth_response *response);

/* body.c */
int authchain_read_body(request_rec *r, auth_request *request, apr_bucket_brigade *keep);
void authchain_give_body_back(request_rec *r);
void authchain_body_register(void);

/* authz.c */
void authchain_authz_register(apr_pool_t *pool);

/* serve.c */
int authchain_serve(request_rec *r);

#endif
