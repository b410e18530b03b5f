/* Plug-ins for plugin.c: one that counts, and with -DODD=... those that no configuration may name.
 * Not linked with the library. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authchain.h"
#include "odd_plugin.h"

#ifndef ODD
#define ODD 0
#elif ODD == NO_ENTRY
#define auth_plugin_entry another_name
#endif

static const auth_api *authchain;

AUTH_API struct counts counts;

static int configure(void *data, const auth_settings *settings, void **made)
{
  struct instance *own = (struct instance *)calloc(1, sizeof *own);
  const char *tag = "none", *say = "";
  int forks = 0;
  size_t i;
  (void)data;
  if (own == NULL)
    return AUTH_ENOMEM;
  counts.last = own;
  counts.configured++;
  own->number = 5;
  authchain->settings_text(settings, auth_text("tag"), &tag);
  authchain->settings_text(settings, auth_text("say"), &say);
  authchain->settings_integer(settings, auth_text("number"), 1, 9, &own->number);
  authchain->settings_boolean(settings, auth_text("flag"), &own->flag);
  authchain->settings_boolean(settings, auth_text("forks"), &forks);
  strncpy(own->tag, tag, sizeof own->tag - 1);
  strncpy(own->scheme, authchain->settings_scheme(settings), sizeof own->scheme - 1);
  if (strcmp(say, "all") == 0) /* a scheme that takes whatever there is */
    for (i = 0; i < authchain->settings_count(settings); i++)
      authchain->settings_text(settings, auth_text(authchain->settings_name(settings, i)), &tag);
  if (forks) {
    pid_t child = fork();
    int status = 1;
    if (child == 0)
      _exit(0);
    waitpid(child, &status, 0);
    counts.forked += child > 0 && status == 0;
  }
  if (strcmp(say, "refuse") == 0 || strcmp(say, "fail") == 0) {
    free(own);
    if (say[0] == 'f')
      return AUTH_ENOMEM;
    return authchain->settings_refuse(settings, auth_text("say"), auth_text("not today"));
  }
  if (strcmp(say, "table") == 0) /* complains and is content all the same */
    authchain->settings_refuse(settings, auth_text(NULL), auth_text("not in this place"));
  *made = own;
  counts.alive++;
  return AUTH_OK;
}

static void destroy(void *made)
{
  counts.alive--;
  counts.destroyed++;
  free(made);
}

/* The user in X-User, when X-Tag is the instance's. */
static void authenticate(void *made, const auth_view *view, auth_answer *answer)
{
  const struct instance *own = (const struct instance *)made;
  auth_str tag, user;
  if (__sync_add_and_fetch(&counts.inside, 1) > 1)
    __sync_add_and_fetch(&counts.together, 1);
  usleep(500);
  if (authchain->view_header(view, auth_text("X-Tag"), &tag) != AUTH_OK || tag.len != strlen(own->tag)
      || memcmp(tag.ptr, own->tag, tag.len) != 0)
    authchain->answer_pass(answer);
  else if (authchain->view_header(view, auth_text("X-User"), &user) == AUTH_OK)
    authchain->answer_user(answer, user);
  else
    authchain->answer_refuse(answer, auth_text(own->scheme));
  __sync_sub_and_fetch(&counts.inside, 1);
}

const auth_plugin *auth_plugin_entry(const auth_api *api)
{
  static auth_scheme schemes[2];
  static auth_plugin plugin = AUTH_PLUGIN_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  authchain = api;
  counts.entered++;
  scheme.name = auth_text("counted");
  scheme.challenge = auth_text("Counted");
  scheme.configure = configure;
  scheme.authenticate = authenticate;
  scheme.destroy = destroy;
  schemes[0] = schemes[1] = scheme;
  schemes[1].name = auth_text("alone");
  schemes[1].flags = AUTH_SCHEME_ONE_THREAD;
  plugin.schemes = schemes;
  plugin.n_schemes = 2;
  switch (ODD) {
  case SAYS_NO: return NULL;
  case OTHER_ABI: plugin.abi_version = 99; break;
  case NO_SCHEMES: plugin.n_schemes = 0; break;
  case NULL_SCHEMES: plugin.schemes = NULL; break;
  case BUILT_IN: schemes[1].name = auth_text("token"); break;
  case SHORT_SIZE: plugin.size = 8; break;
  case TWO_SIZES: schemes[1].size += 8; break;
  default: break;
  }
  return &plugin;
}
