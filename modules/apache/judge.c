/* One verdict a request: what the library is told, what it says, and what of it is passed on. */
#include "mod_authchain.h"

#include <apr_strings.h>
#include <http_request.h>
#include <http_ssl.h>

/* ---- a request and its request_recs -------------------------------------------------------------- */

/* The request_rec that the client's request began with. DirectoryIndex and mod_include make sub-requests
 * (r->main), ErrorDocument, FallbackResource and mod_rewrite internal redirects (r->prev). */
request_rec *authchain_first(request_rec *r)
{
  while (r->main != NULL || r->prev != NULL)
    r = r->main != NULL ? r->main : r->prev;
  return r;
}

static apr_status_t end_request(void *data)
{
  struct authchain_request *all = (struct authchain_request *)data;
  auth_request_free(all->request);
  auth_user_free(all->password_user);
  auth_user_free(all->member);
  return APR_SUCCESS;
}

static struct authchain_visit *new_visit(request_rec *r, struct authchain_request *all)
{
  struct authchain_visit *visit = (struct authchain_visit *)apr_pcalloc(r->pool, sizeof *visit);
  visit->all = all;
  ap_set_module_config(r->request_config, &authchain_module, visit);
  return visit;
}

/* Makes the changes of a request's headers that the library wants; additions only if they are wanted here. */
static void edit_headers(request_rec *r, const auth_request *request, int is_adding)
{
  const auth_edits *edits = auth_request_edits(request);
  const char *name, *value;
  size_t i;
  int what;
  for (i = 0; auth_edits_at(edits, i, &what, &name, &value) == AUTH_OK; i++) {
    if (what == AUTH_HEADER_REMOVE)
      apr_table_unset(r->headers_in, name);
    else if (is_adding)
      apr_table_set(r->headers_in, name, value);
  }
}

/* Begins the request of a client, by taking away from it what nobody may say of himself. That is done once,
 * before anything is decided, whatever the place it will be for: peers that did it on their way to a success
 * let forged headers through where they had nothing to decide (mod_auth_openidc, 2017 and later). */
static struct authchain_visit *begin(request_rec *first)
{
  struct authchain_request *all = (struct authchain_request *)apr_pcalloc(first->pool, sizeof *all);
  all->site = authchain_site(first);
  apr_pool_cleanup_register(first->pool, all, end_request, apr_pool_cleanup_null);
  if (all->site != NULL && all->site->context != NULL) {
    all->received = apr_table_copy(first->pool, first->headers_in);
    all->request = authchain_request_new(first, all);
    if (all->request != NULL)
      edit_headers(first, all->request, 0);
    else
      apr_table_clear(first->headers_in); /* none of them was looked at */
  }
  return new_visit(first, all);
}

struct authchain_visit *authchain_visit(request_rec *r)
{
  struct authchain_visit *visit = (struct authchain_visit *)ap_get_module_config(r->request_config, &authchain_module);
  request_rec *first;
  if (visit != NULL)
    return visit;
  first = authchain_first(r);
  visit = (struct authchain_visit *)ap_get_module_config(first->request_config, &authchain_module);
  if (visit == NULL)
    visit = begin(first);
  return first == r ? visit : new_visit(r, visit->all);
}

/* The verdict that holds for r. httpd does not ask again where the configuration of a sub-request or redirect is
 * that of the request before it (ap_process_request_internal); it takes over r->user then, and so do we. */
const struct authchain_verdict *authchain_verdict_of(request_rec *r)
{
  while (r != NULL) {
    const struct authchain_visit *visit = authchain_visit(r);
    const request_rec *here = r;
    if (visit->verdict != NULL)
      return visit->verdict;
    r = r->main != NULL ? r->main : r->prev;
    if (r != NULL && r->per_dir_config != here->per_dir_config)
      return NULL;
  }
  return NULL;
}

/* ---- what the library is told -------------------------------------------------------------------- */

static int add_header(void *data, const char *name, const char *value)
{
  auth_header *header = (auth_header *)apr_array_push((apr_array_header_t *)data);
  header->name = auth_text(name);
  header->value = auth_text(value);
  return 1;
}

/* Of an HTTP/1.0 request without Host everything but the peer may be missing here: each pointer may be NULL.
 * Repeated headers have been joined with a comma by httpd. The host is told with its port, which r->hostname lacks. */
auth_request *authchain_request_new(request_rec *r, struct authchain_request *all)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  apr_array_header_t *headers = apr_array_make(r->pool, apr_table_elts(all->received)->nelts + 1, sizeof(auth_header));
  const char *host = apr_table_get(all->received, "Host");
  auth_status status;
  apr_table_do(add_header, headers, all->received, NULL);
  http.method = auth_text(r->method);
  http.target = auth_text(r->unparsed_uri);
  http.host = auth_text(host != NULL ? host : r->hostname);
  http.peer = auth_text(r->useragent_ip); /* mod_remoteip's, where it is used */
  http.peer_port = r->useragent_addr != NULL ? r->useragent_addr->port : 0;
  http.flags = ap_ssl_conn_is_ssl(r->connection) ? AUTH_HTTP_TLS : 0;
  http.remote_user = auth_text(all->remote_user);
  http.headers = (const auth_header *)headers->elts;
  http.n_headers = (size_t)headers->nelts;
  status = auth_request_new(all->site->context, &http, &request);
  if (status != AUTH_OK)
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "a request cannot be judged: %s", auth_strerror(status));
  return request;
}

/* A name that a module of the phase before has verified, such as mod_ssl's of a certificate (SSLUserName), is what
 * the scheme remote_user may believe. Only of the first request_rec: later ones have names of ours. */
static void take_remote_user(request_rec *r, struct authchain_request *all)
{
  if (r->user == NULL || *r->user == '\0' || r != authchain_first(r) || all->verdicts != NULL)
    return;
  all->remote_user = apr_pstrdup(r->pool, r->user);
  auth_request_free(all->request);
  all->request = authchain_request_new(r, all);
}

/* ---- what it says -------------------------------------------------------------------------------- */

void authchain_log(request_rec *r, const auth_request *request, auth_status status)
{
  const char *failure = auth_request_failure(request), *line = auth_request_log(request);
  if (status < 0)
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "no verdict: %s", failure != NULL ? failure : auth_strerror(status));
  else
    ap_log_rerror(APLOG_MARK, status == AUTH_OK || status == AUTH_ANONYMOUS ? APLOG_DEBUG : APLOG_INFO, 0, r, "%s",
                  line != NULL ? line : auth_strerror(status));
}

static const struct authchain_verdict *known(const struct authchain_request *all, uint32_t chain)
{
  const struct authchain_verdict *verdict = all->verdicts;
  while (verdict != NULL && verdict->chain != chain)
    verdict = verdict->next;
  return verdict;
}

/* Makes the verdict the one that the library's accessors speak of; it is not judged anew. */
void authchain_recall(const struct authchain_request *all, const struct authchain_verdict *verdict)
{
  (void)auth_request_authenticate(all->request, verdict->chain);
}

static struct authchain_verdict *remember(request_rec *r, struct authchain_request *all, uint32_t chain,
                                          auth_status status)
{
  apr_pool_t *pool = authchain_first(r)->pool;
  struct authchain_verdict *verdict = (struct authchain_verdict *)apr_palloc(pool, sizeof *verdict);
  verdict->chain = chain;
  verdict->status = status;
  verdict->next = all->verdicts;
  all->verdicts = verdict;
  return verdict;
}

/* A form may hold the token that its CSRF check wants. Bodies belong to the client's request: a sub-request is
 * judged without, so that the token has to be in a header. */
static int read_body_if_wanted(request_rec *r, struct authchain_request *all, uint32_t chain)
{
  if (all->has_read_body || r->main != NULL || !(auth_request_wants(all->request, chain) & AUTH_WANTS_BODY))
    return OK;
  all->has_read_body = 1;
  all->body = apr_brigade_create(authchain_first(r)->pool, r->connection->bucket_alloc);
  return authchain_read_body(r, all->request, all->body);
}

/* Asks the chain of the place, once a request. visit->verdict is set when the result is OK; else it is an HTTP
 * status, because the body could not be read. */
int authchain_judge(request_rec *r, struct authchain_visit *visit)
{
  struct authchain_request *all = visit->all;
  const char *name = authchain_folder(r)->chain;
  uint32_t chain = 0;
  auth_status status;
  int result;
  take_remote_user(r, all);
  if (auth_context_chain(all->site->context, auth_text(name), &chain) != AUTH_OK) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s has no [chains.%s]", all->site->file, name);
    return HTTP_SERVICE_UNAVAILABLE;
  }
  visit->verdict = known(all, chain);
  if (visit->verdict != NULL)
    return OK;
  result = read_body_if_wanted(r, all, chain);
  if (result != OK)
    return result;
  status = auth_request_authenticate(all->request, chain);
  authchain_log(r, all->request, status);
  visit->verdict = remember(r, all, chain, status);
  if (status == AUTH_OK || status == AUTH_ANONYMOUS)
    authchain_add_headers(r, authchain_first(r)->err_headers_out, auth_request_response(all->request));
  return OK;
}

/* Whoever r is for: found by the chain, or by its password for stock Basic authentication. NULL: nobody. */
const auth_user *authchain_user(request_rec *r)
{
  const struct authchain_request *all = authchain_visit(r)->all;
  const struct authchain_verdict *verdict = authchain_verdict_of(r);
  if (verdict != NULL) {
    authchain_recall(all, verdict);
    return verdict->status == AUTH_OK ? auth_request_user(all->request) : NULL;
  }
  if (all->password_user != NULL && r->user != NULL && strcmp(r->user, auth_user_name(all->password_user)) == 0)
    return all->password_user;
  return NULL;
}

/* ---- what is passed on --------------------------------------------------------------------------- */

static const char *flags_of(request_rec *r, const auth_user *user)
{
  static const struct {
    uint32_t bit;
    const char *name;
  } flags[] = {{AUTH_USER_ACTIVE, "active"}, {AUTH_USER_STAFF, "staff"}, {AUTH_USER_SUPERUSER, "superuser"}};
  const char *text = "";
  size_t i;
  for (i = 0; i < sizeof flags / sizeof *flags; i++)
    if (auth_user_flags(user) & flags[i].bit)
      text = apr_pstrcat(r->pool, text, *text != '\0' ? "," : "", flags[i].name, NULL);
  return text;
}

/* Variables of CGI and WSGI. A client cannot forge them, whose headers become HTTP_*. */
static void set_variables(request_rec *r, const auth_user *user)
{
  const char *scheme = auth_user_scheme(user), *id = auth_user_id(user);
  apr_table_set(r->subprocess_env, "AUTHCHAIN_USER_ID", id != NULL ? id : "");
  apr_table_set(r->subprocess_env, "AUTHCHAIN_SCHEME", scheme != NULL ? scheme : "");
  apr_table_set(r->subprocess_env, "AUTHCHAIN_EMAIL", auth_user_email(user));
  apr_table_setn(r->subprocess_env, "AUTHCHAIN_FLAGS", flags_of(r, user));
  if (auth_user_claims_json(user) != NULL)
    apr_table_set(r->subprocess_env, "AUTHCHAIN_CLAIMS", auth_user_claims_json(user));
}

/* Adds a signed word about the user for the program behind. 500 when there is none: without it the program would
 * take the user for nobody, or worse. Whom another module has found, or only a password, nobody can vouch for. */
static int assert_user(request_rec *r, const struct authchain_request *all, int is_known, const char *audience)
{
  auth_assertion *assertion = NULL;
  auth_status status = is_known ? auth_request_assert(all->request, auth_text(audience), &assertion) : AUTH_REFUSED;
  if (status != AUTH_OK) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "no assertion for %s: %s", audience,
                  is_known ? auth_strerror(status) : "the user was not found by a chain (AuthType authchain)");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  apr_table_set(r->headers_in, auth_assertion_header(assertion), auth_assertion_text(assertion));
  auth_assertion_free(assertion);
  return OK;
}

/* In fixups, because redirects get a table of variables of their own, and of the request that is served in
 * the end: what is set for the place before a redirect does not hold behind it. */
int authchain_pass_on(request_rec *r)
{
  const struct authchain_folder *folder = authchain_folder(r);
  struct authchain_request *all = authchain_visit(r)->all;
  const auth_user *user;
  int is_known, is_forwarding, is_asserting, result = OK;
  if (all->request == NULL)
    return OK;
  user = r->user != NULL ? authchain_user(r) : NULL;
  is_known = user != NULL && user != all->password_user; /* known to the library as the user of this request */
  is_asserting = r->user != NULL && *r->user != '\0' && folder->audience != NULL;
  is_forwarding = is_known && folder->forward == AUTHCHAIN_FORWARD_IDENTITY;
  if (is_forwarding || all->has_forwarded)
    edit_headers(r, all->request, is_forwarding);
  if (is_asserting)
    result = assert_user(r, all, is_known, folder->audience);
  all->has_forwarded |= (unsigned)(is_forwarding || is_asserting);
  if (user == NULL)
    return OK;
  set_variables(r, user);
  if (folder->strip)
    apr_table_unset(r->headers_in, "Authorization");
  return result;
}
