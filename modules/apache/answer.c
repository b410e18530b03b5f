/* How a refusal is sent: the library's response as it is, or its status and headers for ErrorDocument. */
#include "mod_authchain.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>

static int has(const apr_table_t *table, const char *name, const char *value)
{
  const apr_array_header_t *all = apr_table_elts(table);
  int i;
  for (i = 0; i < all->nelts; i++) {
    const apr_table_entry_t *entry = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
    if (strcasecmp(entry->key, name) == 0 && strcmp(entry->val, value) == 0)
      return 1;
  }
  return 0;
}

/* Adds the headers of a response but for the type of its body; none twice, since two chains may have the same.
 * httpd sends err_headers_out with every response, also when an error takes the place of a page. */
void authchain_add_headers(request_rec *r, apr_table_t *to, const auth_response *response)
{
  const char *name, *value;
  size_t i;
  (void)r;
  for (i = 0; auth_response_header(response, i, &name, &value) == AUTH_OK; i++)
    if (strcasecmp(name, "Content-Type") != 0 && strcasecmp(name, "Content-Length") != 0 && !has(to, name, value))
      apr_table_add(to, name, value);
}

/* The headers of the response take the place of those that a success had left. All go to one table: in two they
 * would be sent twice (mod_oauth2 #42). */
static void take_headers(request_rec *r, const auth_response *response)
{
  const char *name, *value;
  size_t i;
  for (i = 0; auth_response_header(response, i, &name, &value) == AUTH_OK; i++) {
    apr_table_unset(r->err_headers_out, name);
    if (strcasecmp(name, "Content-Type") == 0)
      ap_set_content_type(r, apr_pstrdup(r->pool, value));
    else
      apr_table_add(r->headers_out, name, value);
  }
}

/* Sends the response verbatim. What is left of the client's body is read by httpd at the end of the request
 * (ap_finalize_request_protocol), so that the connection stays. */
void authchain_send(request_rec *r, const auth_response *response)
{
  const char *body = auth_response_body(response);
  int status = (int)auth_response_status(response);
  if (status == HTTP_OK && r->prev != NULL && ap_is_HTTP_ERROR(r->prev->status))
    status = r->prev->status; /* a login page is still the page of a 401 */
  r->status = status;
  r->status_line = NULL;
  take_headers(r, response);
  ap_set_content_length(r, (apr_off_t)strlen(body));
  ap_rputs(body, r);
}

/* Whether a whole response may be written. A sub-request's would stand in the middle of another page, and behind
 * an error (ErrorDocument) it would hide which one it was. */
static int is_verbatim(const request_rec *r)
{
  return authchain_folder(r)->errors == AUTHCHAIN_ERRORS_LIBRARY && r->main == NULL &&
         !(r->prev != NULL && ap_is_HTTP_ERROR(r->prev->status));
}

/* Answers with a refusal or a failure; NULL is 503. */
int authchain_answer(request_rec *r, const auth_response *response)
{
  r->user = NULL;
  if (response == NULL)
    response = auth_request_response(NULL);
  if (is_verbatim(r)) {
    ap_run_insert_error_filter(r); /* `Header always` of mod_headers, which hooks in here */
    authchain_send(r, response);
    return DONE; /* so that nothing can follow our body (GHSA-59jp-rwph-878r) */
  }
  authchain_add_headers(r, r->err_headers_out, response);
  return (int)auth_response_status(response);
}

/* A Require said no: by DRF's rule somebody is told 403, and nobody to log in. httpd itself would say 401 to both.
 * Unless it is sent, the denial of somebody is not told to the library: it would hold for the whole request, and
 * the page for the error, or the next file of a listing, may be open to him. */
int authchain_deny(request_rec *r, struct authchain_visit *visit)
{
  struct authchain_request *all = visit->all;
  if (visit->verdict->status == AUTH_OK && !is_verbatim(r))
    return HTTP_FORBIDDEN;
  authchain_recall(all, visit->verdict);
  authchain_log(r, all->request, auth_request_deny(all->request, auth_text(NULL)));
  return authchain_answer(r, auth_request_response(all->request));
}
