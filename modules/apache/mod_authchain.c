/* mod_authchain: hooks, and the phases of a request. Who is asking, and what is answered, is libauthchain's
 * to say; what is here is where httpd asks and where it puts the answer. */
#include "mod_authchain.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

static int is_ours(const request_rec *r)
{
  const char *type = ap_auth_type((request_rec *)r);
  return type != NULL && strcasecmp(type, AUTHCHAIN_TYPE) == 0;
}

/* post_read_request: of all hooks the first that has headers. A server whose configuration could not be opened
 * answers nothing: it would not know which headers to take away. Nor does it answer a request that the library
 * cannot take, such as one with more than a MiB of headers, whatever the place is. */
static int begin(request_rec *r)
{
  const struct authchain_site *site = authchain_site(r);
  if (site == NULL)
    return DECLINED;
  if (site->context == NULL)
    return r->prev == NULL ? HTTP_SERVICE_UNAVAILABLE : DECLINED;
  return authchain_visit(r)->all->request == NULL && r->prev == NULL ? HTTP_BAD_REQUEST : DECLINED;
}

/* Nobody gets the empty name for as long as httpd insists on one ("No authentication done" is 500, AH00027). */
static int authenticate(request_rec *r)
{
  struct authchain_visit *visit;
  const auth_user *user;
  int result;
  if (!is_ours(r))
    return DECLINED;
  visit = authchain_visit(r);
  if (visit->all->request == NULL)
    return authchain_answer(r, NULL);
  result = authchain_judge(r, visit);
  if (result == HTTP_SERVICE_UNAVAILABLE)
    return authchain_answer(r, NULL);
  if (result != OK)
    return result;
  switch (visit->verdict->status) {
  case AUTH_OK:
    user = authchain_user(r);
    r->user = apr_pstrdup(r->pool, auth_user_name(user));
    r->ap_auth_type = apr_pstrdup(r->pool, auth_user_scheme(user));
    return OK;
  case AUTH_ANONYMOUS:
    r->user = apr_pstrdup(r->pool, "");
    return OK;
  default:
    authchain_recall(visit->all, visit->verdict);
    return authchain_answer(r, auth_request_response(visit->all->request));
  }
}

/* Comes before all other modules of its hook, runs them, and answers for them if they say no. Nobody loses the
 * empty name here: `Require valid-user` only looks whether there is one (mod_authz_user). */
static int authorize(request_rec *r)
{
  struct authchain_visit *visit =
    (struct authchain_visit *)ap_get_module_config(r->request_config, &authchain_module);
  int result;
  if (visit == NULL || visit->verdict == NULL || visit->is_authorizing || !is_ours(r))
    return DECLINED;
  if (visit->verdict->status != AUTH_OK)
    r->user = NULL;
  visit->is_authorizing = 1;
  result = ap_run_auth_checker(r);
  visit->is_authorizing = 0;
  if (visit->has_failed && result != OK)
    return authchain_answer(r, NULL);
  return result == HTTP_UNAUTHORIZED || result == HTTP_FORBIDDEN ? authchain_deny(r, visit) : result;
}

/* fixups, before mod_headers: what an administrator adds with RequestHeader stays. */
static int pass_on(request_rec *r)
{
  int result = authchain_site(r) != NULL ? authchain_pass_on(r) : OK;
  return result == OK ? DECLINED : result;
}

static void register_hooks(apr_pool_t *pool)
{
  static const char *const remoteip[] = {"mod_remoteip.c", NULL}; /* tells us the client's address */
  static const char *const headers[] = {"mod_headers.c", NULL};
  static const char *const watchdog[] = {"mod_watchdog.c", NULL}; /* starts threads that find contexts open */
  ap_hook_pre_config(authchain_config_begin, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_check_config(authchain_config_check, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_post_config(authchain_tick_begin, NULL, watchdog, APR_HOOK_MIDDLE);
  ap_hook_child_init(authchain_child_init, NULL, watchdog, APR_HOOK_MIDDLE);
  ap_hook_post_read_request(begin, remoteip, NULL, APR_HOOK_FIRST);
  ap_hook_check_authn(authenticate, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
  ap_hook_check_authz(authorize, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
  ap_hook_fixups(pass_on, NULL, headers, APR_HOOK_MIDDLE);
  ap_hook_insert_filter(authchain_give_body_back, NULL, NULL, APR_HOOK_MIDDLE);
  ap_hook_handler(authchain_serve, NULL, NULL, APR_HOOK_MIDDLE);
  authchain_authz_register(pool);
  authchain_body_register();
}

module AP_MODULE_DECLARE_DATA authchain_module = {
  STANDARD20_MODULE_STUFF,
  authchain_folder_create,
  authchain_folder_merge,
  authchain_server_create,
  authchain_server_merge,
  authchain_commands,
  register_hooks,
  AP_MODULE_FLAG_NONE
};
