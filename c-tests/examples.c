/* The programs of examples/ do what they show. The server is asked the plain way, then treated as
 * the network does: connections that send half a request, or go away, and wrk's 64 at once.
 *   examples FOLDER [SECONDS of wrk; 0: none] */
#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

extern char **environ;

enum { ABORTS = 200 };

static const char *folder;
static unsigned short port;
static pid_t server;

static const char *program(const char *name)
{
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

/* Output and exit status of a program, as "STATUS: OUTPUT". */
static const char *said(const char *name, const char *first, const char *second)
{
  static char text[1100];
  char out[1024];
  const char *argv[4];
  int status;
  argv[0] = program(name);
  argv[1] = first;
  argv[2] = first != NULL ? second : NULL;
  argv[3] = NULL;
  status = run((char *const *)argv, out, sizeof out);
  snprintf(text, sizeof text, "%d: %s", status, out);
  return text;
}

static void minimal(void)
{
  CHECK_TEXT(said("minimal", NULL, NULL), "0: alice (by basic)");
  CHECK_TEXT(said("minimal", "Authorization: Token " ALICE_KEY, NULL), "0: alice (by token)");
  CHECK(strstr(said("minimal", "Authorization: Token x", NULL), ": 401 {\"detail\":\"Invalid token.\"}") != NULL);
  CHECK(strstr(said("minimal", "no header", NULL), ": 503 ") != NULL);
}

static void custom_xusername(void)
{
  const char *config = in_folder("custom.toml");
  CHECK_TEXT(said("custom_xusername", config, "alice"), "0: Hello, alice!");
  CHECK_TEXT(said("custom_xusername", config, "zoe"), "1: 403 {\"detail\":\"No such user\"}");
  CHECK_TEXT(said("custom_xusername", config, "inactive"), "1: 403 {\"detail\":\"User inactive or deleted.\"}");
  CHECK_TEXT(said("custom_xusername", config, NULL),
             "1: 403 {\"detail\":\"Authentication credentials were not provided.\"}");
  CHECK(strncmp(said("custom_xusername", in_folder("usual.toml"), "alice"), "1: 401 ", 7) == 0);
  CHECK(strstr(said("custom_xusername", "/nowhere.toml", "alice"), "2: /nowhere.toml: ") != NULL);
}

/* ---- the server -------------------------------------------------------------------------- */

static void start_server(void)
{
  posix_spawn_file_actions_t actions;
  const char *argv[4];
  char line[64];
  unsigned got = 0;
  int ends[2];
  FILE *from;
  if (pipe(ends) != 0)
    broken("pipe");
  argv[0] = program("server");
  argv[1] = in_folder("usual.toml");
  argv[2] = "0";
  argv[3] = NULL;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  if (posix_spawn(&server, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
    broken(argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  from = fdopen(ends[0], "r");
  if (from == NULL || fgets(line, sizeof line, from) == NULL || sscanf(line, "listening on %u", &got) != 1)
    broken("the server does not say where it listens");
  fclose(from);
  port = (unsigned short)got;
}

static void stop_server(void)
{
  int status = 0;
  kill(server, SIGTERM);
  CHECK(waitpid(server, &status, 0) == server);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* sanitizers say otherwise */
}

static int connected(void)
{
  struct sockaddr_in address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
    broken("connect");
  return fd;
}

static void send_text(int fd, const char *text)
{
  if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
    broken("send");
}

/* The whole answer to a request with these header lines. */
static const char *asked(const char *start, const char *headers)
{
  static char got[8192];
  size_t used = 0;
  ssize_t n;
  int fd = connected();
  send_text(fd, start);
  send_text(fd, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
  send_text(fd, headers);
  while ((n = recv(fd, got + used, sizeof got - 1 - used, 0)) > 0)
    used += (size_t)n;
  got[used] = '\0';
  close(fd);
  return got;
}

static int has(const char *answer, const char *part)
{
  return strstr(answer, part) != NULL;
}

static void pages(void)
{
  const char *got = asked("GET /", "\r\n");
  CHECK(strncmp(got, "HTTP/1.1 401 ", 13) == 0);
  CHECK(has(got, "\r\nWWW-Authenticate: Basic realm=\"api\"\r\n"));
  CHECK(has(got, "\r\nContent-Type: application/json\r\n"));
  CHECK(has(got, "\r\nCache-Control: no-store\r\n"));
  CHECK(has(got, "\r\n\r\n{\"detail\":\"Authentication credentials were not provided.\"}"));
  got = asked("GET /", "Authorization: Token " ALICE_KEY "\r\n\r\n");
  CHECK(strncmp(got, "HTTP/1.1 200 ", 13) == 0);
  CHECK(has(got, "\r\nVary: Authorization\r\n"));
  CHECK(has(got, "\r\n\r\nHello, alice!\n"));
  got = asked("GET /any?x=y", "authorization: basic YWxpY2U6d29uZGVybGFuZC0x\r\n\r\n");
  CHECK(has(got, "Hello, alice!"));
  got = asked("GET /", "Authorization: Token x\r\nAuthorization: Token " ALICE_KEY "\r\n\r\n");
  CHECK(strncmp(got, "HTTP/1.1 401 ", 13) == 0);
  got = asked("POST /", "Authorization: Token " ALICE_KEY "\r\nContent-Length: 5\r\n\r\nabcde");
  CHECK(has(got, "Hello, alice!"));
}

static void too_many_headers(void)
{
  char headers[2048] = "";
  int i;
  for (i = 0; i < 120; i++)
    strcat(headers, "A: b\r\n");
  strcat(headers, "Authorization: Token " ALICE_KEY "\r\n\r\n");
  CHECK(strncmp(asked("GET /", headers), "HTTP/1.1 431 ", 13) == 0);
}

/* Half a request, or a whole one whose answer nobody waits for; closed, or reset. */
static void aborted_connections(void)
{
  static const char *const parts[] = {
    "", "GET / HT", "GET / HTTP/1.1\r\nAuthorization: Tok", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YWxpY2U6d29uZGVybGFuZC0x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
  };
  struct linger reset = {1, 0};
  size_t n = sizeof parts / sizeof *parts;
  int i;
  for (i = 0; i < ABORTS; i++) {
    int fd = connected();
    send_text(fd, parts[(size_t)i % n]);
    if (i % 2 == 0)
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
  }
  CHECK(has(asked("GET /", "Authorization: Token " ALICE_KEY "\r\n\r\n"), "Hello, alice!"));
}

/* How many requests of wrk's were answered; `refusals` counts the answers that are not 2xx. */
static long wrk(const char *seconds, const char *authorization, long *refusals)
{
  static char out[4096];
  char duration[16], url[64], header[256];
  const char *argv[8], *at;
  long n = 0;
  snprintf(duration, sizeof duration, "-d%ss", seconds);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)port);
  snprintf(header, sizeof header, "Authorization: %s", authorization);
  argv[0] = "wrk";
  argv[1] = "-t2";
  argv[2] = "-c64";
  argv[3] = duration;
  argv[4] = "-H";
  argv[5] = header;
  argv[6] = url;
  argv[7] = NULL;
  CHECK(run((char *const *)argv, out, sizeof out) == 0);
  at = strstr(out, " requests in ");
  while (at != NULL && at > out && at[-1] >= '0' && at[-1] <= '9')
    at--;
  if (at != NULL)
    n = atol(at);
  at = strstr(out, "Non-2xx or 3xx responses: ");
  *refusals = at != NULL ? atol(at + 26) : 0;
  CHECK(strstr(out, "Socket errors") == NULL);
  return n;
}

static void under_load(const char *seconds)
{
  long refusals, n;
  n = wrk(seconds, "Token " ALICE_KEY, &refusals);
  CHECK(n > 0 && refusals == 0);
  printf("%ld requests in %s s\n", n, seconds);
  n = wrk(seconds, "Token unknown", &refusals);
  CHECK(n > 0 && refusals == n);
}

int main(int argc, char **argv)
{
  const char *seconds = argc > 2 ? argv[2] : "1";
  if (argc < 2)
    broken("usage: examples FOLDER [SECONDS]");
  folder = argv[1];
  make_database("site.db", 1);
  write_file("usual.toml", USUAL);
  write_file("custom.toml", TOP("site.db") "[chains.default]\nschemes = [\"xusername\"]\n");
  setenv("AUTHCHAIN_CONFIG", in_folder("usual.toml"), 1);
  minimal();
  custom_xusername();
  start_server();
  pages();
  too_many_headers();
  aborted_connections();
  if (atoi(seconds) > 0)
    under_load(seconds);
  aborted_connections();
  stop_server();
  return check_result();
}
