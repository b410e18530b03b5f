/* Public keys that come from an address (`jwk_url`). No request fetches them; mod_watchdog's thread of each child
 * does, and there is none where no configuration wants it. */
#include "mod_authchain.h"

#include <apr_optional.h>
#include <http_core.h>
#include <mod_watchdog.h>

/* A site that went wrong goes on with the keys it has; the library logs why. */
static apr_status_t tick(int state, void *data, apr_pool_t *pool)
{
  const apr_array_header_t *sites = (const apr_array_header_t *)data;
  int i;
  (void)pool;
  for (i = 0; i < sites->nelts && state != AP_WATCHDOG_STATE_STOPPING; i++) {
    const struct authchain_site *site = APR_ARRAY_IDX(sites, i, struct authchain_site *);
    if (site->context != NULL && site->wants_tick)
      (void)auth_context_tick(site->context);
  }
  return APR_SUCCESS;
}

/* Whether there is anything to fetch. */
static int is_wanted(const apr_array_header_t *sites)
{
  int i;
  for (i = 0; i < sites->nelts; i++) {
    if (APR_ARRAY_IDX(sites, i, struct authchain_site *)->wants_tick)
      return 1;
  }
  return 0;
}

/* post_config, before mod_watchdog drops the threads that nobody has work for. Where it is not loaded the check of
 * the configuration has said so. */
int authchain_tick_begin(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
  APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
  APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *call_back =
    APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
  const apr_array_header_t *sites = authchain_sites();
  ap_watchdog_t *watchdog;
  (void)plog, (void)ptemp;
  if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG || !is_wanted(sites))
    return OK;
  if (get_instance != NULL && call_back != NULL &&
      get_instance(&watchdog, "_authchain_", 0, 0, pconf) == APR_SUCCESS &&
      call_back(watchdog, apr_time_from_sec(1), sites, tick) == APR_SUCCESS)
    return OK;
  ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, main_server, "mod_watchdog takes no work: no keys of a jwk_url");
  return HTTP_INTERNAL_SERVER_ERROR;
}
