/*
 * A server whose pages are for those who get in (libmicrohttpd).
 *
 *   cc server.c -lauthchain -lmicrohttpd -o server
 *   ./server authchain.toml 8080
 *   curl -u alice http://127.0.0.1:8080/
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <authchain.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, MOST_HEADERS = 100 };

struct site {
  auth_context *context;
  uint32_t chain;
};

struct fields {
  auth_header list[MOST_HEADERS];
  size_t n;
};

/* Lends the library the server's own texts: nothing is copied here. */
static enum MHD_Result take_field(void *to, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                  const char *value, size_t value_len)
{
  struct fields *fields = (struct fields *)to;
  auth_header *field = &fields->list[fields->n];
  (void)kind;
  if (fields->n++ >= MOST_HEADERS)
    return MHD_NO; /* one left out could be the one that decides: seen in `serve` */
  field->name.ptr = name;
  field->name.len = name_len;
  field->value.ptr = value;
  field->value.len = value != NULL ? value_len : 0;
  return MHD_YES;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *body,
                              const auth_response *from)
{
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), (void *)body, MHD_RESPMEM_MUST_COPY);
  enum MHD_Result result;
  const char *name, *value;
  size_t i;
  for (i = 0; auth_response_header(from, i, &name, &value) == AUTH_OK; i++)
    MHD_add_response_header(response, name, value);
  result = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result serve(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                             const char *version, const char *body, size_t *body_len, void **seen)
{
  const struct site *site = (const struct site *)data;
  struct fields fields;
  auth_http http = AUTH_HTTP_INIT;
  auth_request *request = NULL;
  const auth_response *response;
  auth_status status;
  enum MHD_Result result;
  char page[1200];
  (void)path, (void)version, (void)body;

  if (*seen == NULL || *body_len > 0) { /* called again when the request, with its body, is complete */
    *seen = data;
    *body_len = 0;
    return MHD_YES;
  }
  fields.n = 0;
  MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_field, &fields);
  if (fields.n > MOST_HEADERS)
    return answer(connection, 431, "Too many header fields\n", NULL);
  http.method = auth_text(method);
  http.headers = fields.list;
  http.n_headers = fields.n;
  status = auth_request_new(site->context, &http, &request);
  if (status == AUTH_OK)
    status = auth_request_authenticate(request, site->chain);
  if (status == AUTH_ANONYMOUS)
    status = auth_request_deny(request, auth_text(NULL)); /* a chain may let nobody through, this page does not */
  response = auth_request_response(request);              /* after a failure, and of NULL, a plain 503 */
  if (status == AUTH_OK) {
    snprintf(page, sizeof page, "Hello, %s!\n", auth_user_name(auth_request_user(request)));
    result = answer(connection, 200, page, response);
  } else {
    result = answer(connection, auth_response_status(response), auth_response_body(response), response);
  }
  auth_request_free(request);
  return result;
}

static int run(struct site *site, unsigned short port)
{
  struct sockaddr_in address;
  struct MHD_Daemon *daemon;
  sigset_t stop;
  int received;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before there are threads, so that they inherit it */
  signal(SIGPIPE, SIG_IGN);
  daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, port, NULL, NULL, serve, site, MHD_OPTION_SOCK_ADDR,
                            (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)128 * 1024, /* room for large headers */
                            MHD_OPTION_END);
  if (daemon == NULL) {
    fprintf(stderr, "cannot listen on port %u\n", (unsigned)port);
    return 1;
  }
  printf("listening on %u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  fflush(stdout);
  sigwait(&stop, &received);
  MHD_stop_daemon(daemon);
  return 0;
}

int main(int argc, char **argv)
{
  auth_options options = AUTH_OPTIONS_INIT;
  struct site site = {NULL, 0};
  auth_report *why = NULL;
  int result = 1;
  options.path = auth_text(argc > 1 ? argv[1] : "authchain.toml");
  if (auth_context_open(&options, &site.context, &why) != AUTH_OK)
    fprintf(stderr, "%s\n", why != NULL ? auth_report_message(why) : "the options are wrong");
  else if (auth_context_chain(site.context, auth_text("default"), &site.chain) != AUTH_OK)
    fprintf(stderr, "the configuration has no [chains.default]\n");
  else
    result = run(&site, (unsigned short)(argc > 2 ? atoi(argv[2]) : 8080));
  auth_report_free(why);
  auth_context_free(site.context);
  return result;
}
