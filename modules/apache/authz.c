/* `Require authchain-...`, and `AuthBasicProvider authchain` for stock Basic authentication. */
#include "mod_authchain.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <mod_auth.h>

/* ---- Require ------------------------------------------------------------------------------------- */

/* The words of a Require line; `Require NAME` without any is a fault of the configuration. */
static const char *read_words(cmd_parms *cmd, const char *line, const void **words)
{
  apr_array_header_t *list = apr_array_make(cmd->pool, 2, sizeof(const char *));
  const char *word;
  while (*(word = ap_getword_conf(cmd->pool, &line)) != '\0')
    APR_ARRAY_PUSH(list, const char *) = word;
  *words = list;
  return list->nelts == 0 ? apr_pstrcat(cmd->pool, "Require ", cmd->cmd->name, " needs a name", NULL) : NULL;
}

static const char *read_nothing(cmd_parms *cmd, const char *line, const void **words)
{
  (void)cmd, (void)words;
  return *ap_getword_conf(cmd->pool, &line) != '\0' ? "nothing may follow" : NULL;
}

static int is_among(const char *word, const void *words)
{
  const apr_array_header_t *list = (const apr_array_header_t *)words;
  int i;
  for (i = 0; i < list->nelts; i++)
    if (word != NULL && strcmp(APR_ARRAY_IDX(list, i, const char *), word) == 0)
      return 1;
  return 0;
}

typedef int condition(request_rec *r, const auth_user *user, const void *words);

/* Providers are asked before anybody is authenticated, too: then, and for nobody, the answer is that a user is
 * missing, which has httpd ask who it is. */
static authz_status answer(request_rec *r, condition *holds, const void *words)
{
  const auth_user *user = r->user != NULL ? authchain_user(r) : NULL;
  if (user == NULL)
    return AUTHZ_DENIED_NO_USER;
  return holds(r, user, words) ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static int is_named(request_rec *r, const auth_user *user, const void *words)
{
  (void)r;
  return is_among(auth_user_name(user), words);
}

static authz_status check_user(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, is_named, words);
}

static int is_somebody(request_rec *r, const auth_user *user, const void *words)
{
  (void)r, (void)user, (void)words;
  return 1;
}

static authz_status check_authenticated(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, is_somebody, words);
}

static int is_found_by(request_rec *r, const auth_user *user, const void *words)
{
  (void)r;
  return is_among(auth_user_scheme(user), words);
}

static authz_status check_scheme(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, is_found_by, words);
}

/* Whom the chain lets through, nobody included. */
static authz_status check_passed(request_rec *r, const char *line, const void *words)
{
  const struct authchain_verdict *verdict = authchain_verdict_of(r);
  (void)line, (void)words;
  if (verdict != NULL && verdict->status == AUTH_ANONYMOUS)
    return AUTHZ_GRANTED;
  return answer(r, is_somebody, NULL);
}

/* ---- what a token says ---------------------------------------------------------------------------- */

static int has_scope(request_rec *r, const auth_user *user, const void *words)
{
  const char *scope;
  size_t i;
  (void)r;
  for (i = 0; (scope = auth_user_scope(user, i)) != NULL; i++)
    if (is_among(scope, words))
      return 1;
  return 0;
}

static authz_status check_scope(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, has_scope, words);
}

static const char *read_claims(cmd_parms *cmd, const char *line, const void **words)
{
  const char *wrong = read_words(cmd, line, words);
  const apr_array_header_t *list = (const apr_array_header_t *)*words;
  int i;
  for (i = 0; wrong == NULL && i < list->nelts; i++) {
    const char *word = APR_ARRAY_IDX(list, i, const char *), *colon = strchr(word, ':');
    if (colon == NULL || colon == word)
      wrong = apr_psprintf(cmd->pool, "\"%s\" is no NAME:VALUE", word);
  }
  return wrong;
}

/* The name ends at the first colon: values may be addresses. */
static int has_claim(request_rec *r, const auth_user *user, const void *words)
{
  const apr_array_header_t *list = (const apr_array_header_t *)words;
  int i;
  (void)r;
  for (i = 0; i < list->nelts; i++) {
    const char *word = APR_ARRAY_IDX(list, i, const char *), *colon = strchr(word, ':');
    auth_str name;
    name.ptr = word;
    name.len = (size_t)(colon - word);
    if (auth_user_has_claim(user, name, auth_text(colon + 1)))
      return 1;
  }
  return 0;
}

static authz_status check_claim(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, has_claim, words);
}

/* ---- flags --------------------------------------------------------------------------------------- */

static uint32_t flag_of(const char *word)
{
  return strcmp(word, "active") == 0      ? AUTH_USER_ACTIVE
         : strcmp(word, "staff") == 0     ? AUTH_USER_STAFF
         : strcmp(word, "superuser") == 0 ? AUTH_USER_SUPERUSER
                                          : 0;
}

static const char *read_flags(cmd_parms *cmd, const char *line, const void **words)
{
  const char *wrong = read_words(cmd, line, words);
  const apr_array_header_t *list = (const apr_array_header_t *)*words;
  int i;
  for (i = 0; wrong == NULL && i < list->nelts; i++)
    if (flag_of(APR_ARRAY_IDX(list, i, const char *)) == 0)
      wrong = apr_psprintf(cmd->pool, "\"%s\" is no flag (known: active, staff, superuser)",
                           APR_ARRAY_IDX(list, i, const char *));
  return wrong;
}

static int has_flag(request_rec *r, const auth_user *user, const void *words)
{
  const apr_array_header_t *list = (const apr_array_header_t *)words;
  int i;
  (void)r;
  for (i = 0; i < list->nelts; i++)
    if (auth_user_flags(user) & flag_of(APR_ARRAY_IDX(list, i, const char *)))
      return 1;
  return 0;
}

static authz_status check_flag(request_rec *r, const char *line, const void *words)
{
  (void)line;
  return answer(r, has_flag, words);
}

/* ---- groups -------------------------------------------------------------------------------------- */

/* Verdicts do not read groups: they are looked up when a Require asks for them, once for a user and request. */
static auth_status look_up(request_rec *r, struct authchain_request *all, const char *id)
{
  auth_user *member = NULL;
  auth_status status;
  if (all->member_id != NULL && strcmp(all->member_id, id) == 0)
    return AUTH_OK;
  status = auth_user_lookup(all->site->context, AUTH_BY_ID, auth_text(id), &member);
  if (status < 0)
    return status;
  auth_user_free(all->member);
  all->member = member; /* NULL for a user who has just been deleted: in no group */
  all->member_id = apr_pstrdup(authchain_first(r)->pool, id);
  return AUTH_OK;
}

static authz_status check_group(request_rec *r, const char *line, const void *words)
{
  struct authchain_visit *visit = authchain_visit(r);
  const auth_user *user = r->user != NULL ? authchain_user(r) : NULL;
  const char *group;
  auth_status status;
  size_t i;
  (void)line;
  if (user == NULL)
    return AUTHZ_DENIED_NO_USER;
  if (auth_user_flags(user) & AUTH_USER_CLAIMED)
    return AUTHZ_DENIED; /* nobody of the database, whatever the key: groups are for those */
  status = look_up(r, visit->all, auth_user_id(user));
  if (status != AUTH_OK) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "no groups: %s", auth_strerror(status));
    visit->has_failed = 1;
    return AUTHZ_GENERAL_ERROR;
  }
  for (i = 0; (group = auth_user_group(visit->all->member, i)) != NULL; i++)
    if (is_among(group, words))
      return AUTHZ_GRANTED;
  return AUTHZ_DENIED;
}

/* ---- AuthBasicProvider --------------------------------------------------------------------------- */

/* Whether a name is nobody's, so that the next provider is to be asked. It is looked up for wrong passwords of
 * known names as well, so it takes both the same time. */
static int is_unknown(const auth_context *context, const char *name)
{
  auth_user *user = NULL;
  auth_status status = auth_user_lookup(context, AUTH_BY_NAME, auth_text(name), &user);
  auth_user_free(user);
  return status == AUTH_REFUSED;
}

static authn_status check_password(request_rec *r, const char *name, const char *password)
{
  struct authchain_request *all = authchain_visit(r)->all;
  auth_user *user = NULL;
  auth_status status;
  if (all->request == NULL)
    return AUTH_GENERAL_ERROR;
  status = auth_password_check(all->site->context, auth_text(name), auth_text(password), &user);
  if (status == AUTH_OK) {
    auth_user_free(all->password_user);
    all->password_user = user;
    r->user = apr_pstrdup(r->pool, auth_user_name(user)); /* as stored, which may be another case of letters */
    return AUTH_GRANTED;
  }
  if (status != AUTH_REFUSED && status != AUTH_EINVAL) { /* AUTH_EINVAL: the name is no UTF-8, so nobody's */
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "no verdict: %s", auth_strerror(status));
    return AUTH_GENERAL_ERROR;
  }
  return status == AUTH_EINVAL || is_unknown(all->site->context, name) ? AUTH_USER_NOT_FOUND : AUTH_DENIED;
}

/* ---- all of them --------------------------------------------------------------------------------- */

void authchain_authz_register(apr_pool_t *pool)
{
  static const struct {
    const char *name;
    authz_provider provider;
  } providers[] = {
    {"authchain-authenticated", {check_authenticated, read_nothing}},
    {"authchain-passed", {check_passed, read_nothing}},
    {"authchain-user", {check_user, read_words}},
    {"authchain-flag", {check_flag, read_flags}},
    {"authchain-scheme", {check_scheme, read_words}},
    {"authchain-group", {check_group, read_words}},
    {"authchain-scope", {check_scope, read_words}},
    {"authchain-claim", {check_claim, read_claims}},
  };
  static const authn_provider password = {check_password, NULL};
  size_t i;
  for (i = 0; i < sizeof providers / sizeof *providers; i++)
    ap_register_auth_provider(pool, AUTHZ_PROVIDER_GROUP, providers[i].name, AUTHZ_PROVIDER_VERSION,
                              &providers[i].provider, AP_AUTH_INTERNAL_PER_CONF);
  ap_register_auth_provider(pool, AUTHN_PROVIDER_GROUP, AUTHCHAIN_TYPE, AUTHN_PROVIDER_VERSION, &password,
                            AP_AUTH_INTERNAL_PER_CONF);
}
