/* `SetHandler authchain`: the endpoints. `SetHandler authchain-metrics`: the counters. */
#include "mod_authchain.h"

#include <apr_strings.h>
#include <http_protocol.h>

static apr_status_t end_request(void *request)
{
  auth_request_free((auth_request *)request);
  return APR_SUCCESS;
}

/* The client's own request; of a redirect (`ErrorDocument 401 /login`) one like it, with the method of the redirect.
 * Its body has been handed over when the result is OK. */
static int request_for(request_rec *r, struct authchain_request *all, uint32_t endpoint, auth_request **request)
{
  *request = all->request;
  if (r->prev != NULL) {
    *request = authchain_request_new(r, all);
    apr_pool_cleanup_register(r->pool, *request, end_request, apr_pool_cleanup_null);
  } else if (all->has_read_body) {
    return OK;
  }
  if (!(auth_request_wants(*request, endpoint) & AUTH_WANTS_BODY))
    return OK;
  return authchain_read_body(r, *request, NULL);
}

static int serve_endpoint(request_rec *r, struct authchain_request *all)
{
  const char *name = authchain_folder(r)->endpoint;
  auth_request *request;
  uint32_t endpoint;
  int result;
  if (name == NULL || auth_context_endpoint(all->site->context, auth_text(name), &endpoint) != AUTH_OK) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "AuthChainEndpoint is missing, or what it names in %s",
                  all->site->file);
    return HTTP_NOT_FOUND;
  }
  result = request_for(r, all, endpoint, &request);
  if (result != OK)
    return result;
  authchain_log(r, request, auth_request_serve(request, endpoint));
  authchain_send(r, auth_request_response(request));
  return OK;
}

static int serve_metrics(request_rec *r, const struct authchain_request *all)
{
  auth_metrics *metrics = NULL;
  if (r->method_number != M_GET)
    return HTTP_METHOD_NOT_ALLOWED;
  if (auth_context_metrics(all->site->context, &metrics) != AUTH_OK)
    return HTTP_SERVICE_UNAVAILABLE;
  ap_set_content_type(r, "text/plain; version=0.0.4; charset=utf-8");
  ap_rprintf(r, "# process %ld\n", (long)getpid());
  ap_rputs(auth_metrics_text(metrics), r);
  auth_metrics_free(metrics);
  return OK;
}

int authchain_serve(request_rec *r)
{
  int is_metrics;
  struct authchain_request *all;
  if (r->handler == NULL || strncmp(r->handler, AUTHCHAIN_TYPE, strlen(AUTHCHAIN_TYPE)) != 0)
    return DECLINED;
  is_metrics = strcmp(r->handler, AUTHCHAIN_TYPE "-metrics") == 0;
  if (!is_metrics && strcmp(r->handler, AUTHCHAIN_TYPE) != 0)
    return DECLINED;
  all = authchain_visit(r)->all;
  if (all->request == NULL)
    return HTTP_SERVICE_UNAVAILABLE;
  if (r->main != NULL) /* an endpoint's response is a whole one */
    return HTTP_NOT_FOUND;
  return is_metrics ? serve_metrics(r, all) : serve_endpoint(r, all);
}
