/*
 * The custom scheme of Django REST framework's guide, in C: the name stands in a header X-USERNAME.
 * (Nobody should trust such a header: it is the shortest scheme there is.)
 *
 *   cc custom_xusername.c -lauthchain -o custom_xusername
 *   ./custom_xusername authchain.toml alice
 *
 * with a chain that names it:  [chains.default]  schemes = ["xusername"]
 */
#include <authchain.h>
#include <stdio.h>

/* Says who it is; that there is such a user, and an active one, is checked by the library. */
static void x_username(void *data, const auth_view *view, auth_answer *answer)
{
  auth_str name;
  (void)data;
  if (auth_view_header(view, auth_text("X-USERNAME"), &name) == AUTH_OK && name.len > 0)
    auth_answer_user(answer, name);
  else
    auth_answer_pass(answer);
}

static int serve(const auth_context *context, uint32_t chain, const char *name)
{
  auth_http http = AUTH_HTTP_INIT;
  auth_header header;
  auth_request *request = NULL;
  int in;

  header.name = auth_text("X-Username");
  header.value = auth_text(name);
  http.headers = &header;
  http.n_headers = name != NULL ? 1 : 0;
  in = auth_request_new(context, &http, &request) == AUTH_OK && auth_request_authenticate(request, chain) == AUTH_OK;
  if (in)
    printf("Hello, %s!\n", auth_user_name(auth_request_user(request)));
  else
    printf("%u %s\n", (unsigned)auth_response_status(auth_request_response(request)),
           auth_response_body(auth_request_response(request)));
  auth_request_free(request);
  return in ? 0 : 1;
}

int main(int argc, char **argv)
{
  auth_options options = AUTH_OPTIONS_INIT;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *context = NULL;
  auth_report *why = NULL;
  uint32_t chain;
  int result = 2;

  scheme.name = auth_text("xusername");
  scheme.authenticate = x_username; /* no challenge: a refusal is 403, as in the guide */
  options.path = auth_text(argc > 1 ? argv[1] : "authchain.toml");
  options.schemes = &scheme;
  options.n_schemes = 1;
  if (auth_context_open(&options, &context, &why) != AUTH_OK)
    fprintf(stderr, "%s\n", why != NULL ? auth_report_message(why) : "the options are wrong");
  else if (auth_context_chain(context, auth_text("default"), &chain) != AUTH_OK)
    fprintf(stderr, "the configuration has no [chains.default]\n");
  else
    result = serve(context, chain, argc > 2 ? argv[2] : NULL);
  auth_report_free(why);
  auth_context_free(context);
  return result;
}
