/*
 * Who is this? One call, with no context to manage.
 *
 *   cc minimal.c -lauthchain -o minimal
 *   AUTHCHAIN_CONFIG=authchain.toml ./minimal "Authorization: Token 0123456789abcdef..."
 */
#include <authchain.h>
#include <stdio.h>

int main(int argc, char **argv)
{
  auth_headers headers = AUTH_HEADERS_INIT;
  auth_user *user = NULL;
  auth_status status;

  /* Header lines as they come from the wire; a server would rather hand over an array. */
  headers.header_block = auth_text(argc > 1 ? argv[1] : "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x");

  status = auth_authenticate(&headers, &user);
  if (status == AUTH_OK) {
    printf("%s (by %s)\n", auth_user_name(user), auth_user_scheme(user));
  } else {
    /* Of NULL, after a failure, this is a plain 503: nothing to tell apart. */
    const auth_response *response = auth_user_response(user);
    printf("%s: %u %s\n", auth_strerror(status), (unsigned)auth_response_status(response),
           auth_response_body(response));
  }
  auth_user_free(user);
  return status == AUTH_OK ? 0 : 1;
}
