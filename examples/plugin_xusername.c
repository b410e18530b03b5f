/*
 * The custom scheme of Django REST framework's guide as a plug-in: the name stands in a header, by
 * default X-USERNAME. (Nobody should trust such a header: it is the shortest scheme there is.)
 *
 *   cc -shared -fPIC plugin_xusername.c -o xusername.so      (not linked with the library)
 *
 * and in the configuration of any program, in a folder that only root can write:
 *
 *   [schemes.badge]
 *   plugin = "/usr/lib/authchain/xusername.so"
 *   header = "X-Badge"
 *
 *   [chains.default]
 *   schemes = ["badge"]
 */
#include <authchain.h>
#include <stdlib.h>
#include <string.h>

static const auth_api *authchain;

/* Once for each table: keeps the name of the header. What is not asked for here refuses the file. */
static int configure(void *data, const auth_settings *settings, void **made)
{
  const char *header = "X-USERNAME";
  (void)data;
  authchain->settings_text(settings, auth_text("header"), &header);
  if (header[0] == '\0')
    return authchain->settings_refuse(settings, auth_text("header"), auth_text("a header has a name"));
  *made = malloc(strlen(header) + 1);
  if (*made == NULL)
    return AUTH_ENOMEM;
  strcpy((char *)*made, header);
  return AUTH_OK;
}

/* Says who it is; that there is such a user, and an active one, is checked by the library. */
static void authenticate(void *header, const auth_view *view, auth_answer *answer)
{
  auth_str name;
  if (authchain->view_header(view, auth_text((const char *)header), &name) == AUTH_OK && name.len > 0)
    authchain->answer_user(answer, name);
  else
    authchain->answer_pass(answer);
}

const auth_plugin *auth_plugin_entry(const auth_api *api)
{
  static auth_scheme scheme = AUTH_SCHEME_INIT;
  static auth_plugin plugin = AUTH_PLUGIN_INIT;
  if (api->abi_version != AUTH_ABI_VERSION)
    return NULL;
  authchain = api;
  scheme.name = auth_text("xusername");
  scheme.configure = configure;
  scheme.authenticate = authenticate;
  scheme.destroy = free;
  plugin.schemes = &scheme;
  plugin.n_schemes = 1;
  return &plugin;
}
