/* The library across fork(). SQLite keeps its table of locks per process: a connection that crosses
 * a fork makes the child's fresh connections invisible to other processes, and rows are lost. The
 * controls show that with plain SQLite; the rest shows that the library's closing of connections
 * before a fork cures it, that nothing hangs, and that no random number comes twice.
 *   fork [CHILDREN]     SOAK=1: 1,000 children in each journal mode */
#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fixture.h"

enum { PATIENCE = 20, BUSY_THREADS = 4, TOGETHER = 8, MOST_CHILDREN = 2000, FIRST_USES = 100, COME_AND_GO = 150 };

#define BUSY_SITE "busy.db"
#define BUSY_CONFIG TOP(BUSY_SITE) "[chains.default]\nschemes = [\"basic\", \"token\"]\n" QUICK

/* ---- processes --------------------------------------------------------------------------- */

/* fork(), with a child that is ended when it hangs. */
static pid_t fork_child(void)
{
  pid_t pid;
  fflush(stdout);
  pid = fork();
  if (pid < 0)
    broken("fork");
  if (pid == 0) {
    alarm(PATIENCE);
    check_counts[0] = 0;
  }
  return pid;
}

/* The end of a child: its failures are in its status. */
static void end_child(void)
{
  fflush(stdout);
  _exit(check_counts[0] == 0 ? 0 : 1);
}

/* Whether it ended by itself and well. */
static int ended_well(pid_t pid)
{
  int status = 0;
  if (waitpid(pid, &status, 0) != pid)
    return 0;
  if (WIFSIGNALED(status))
    printf("  a child died of signal %d%s\n", WTERMSIG(status), WTERMSIG(status) == SIGALRM ? ": it hung" : "");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct gate {
  int ends[2];
};

static struct gate make_gate(void)
{
  struct gate gate;
  if (pipe(gate.ends) != 0)
    broken("pipe");
  return gate;
}

/* The side that waits calls this, and goes on when every holder of the other side is gone. */
static void wait_at(struct gate *gate)
{
  char byte;
  close(gate->ends[1]);
  while (read(gate->ends[0], &byte, 1) > 0)
    ;
  close(gate->ends[0]);
}

static void open_gate(struct gate *gate)
{
  close(gate->ends[0]);
  close(gate->ends[1]);
}

/* How many of this process's descriptors are of a database of the folder. */
static int open_files(const char *database)
{
  const char *prefix = in_folder(database);
  char path[512];
  struct dirent *entry;
  int n = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL)
    broken("/proc/self/fd");
  while ((entry = readdir(folder)) != NULL) {
    ssize_t length = readlinkat(dirfd(folder), entry->d_name, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    n += strncmp(path, prefix, strlen(prefix)) == 0;
  }
  closedir(folder);
  return n;
}

static void remove_database(const char *name)
{
  static const char *const parts[] = {"", "-journal", "-wal", "-shm"};
  char part[64];
  size_t i;
  for (i = 0; i < 4; i++) {
    snprintf(part, sizeof part, "%s%s", name, parts[i]);
    unlink(in_folder(part));
  }
}

/* ---- controls: what plain SQLite does ----------------------------------------------------- */

static sqlite3 *plain_open(const char *database)
{
  sqlite3 *connection = NULL;
  if (sqlite3_open(in_folder(database), &connection) != SQLITE_OK)
    broken("sqlite3_open");
  return connection;
}

static int plain_run(sqlite3 *connection, const char *statement)
{
  return sqlite3_exec(connection, statement, NULL, NULL, NULL);
}

#define READ "SELECT * FROM auth_group"
#define ADD(name) "INSERT INTO auth_group (name) VALUES ('" name "')"

/* WAL: the parent has used a connection (or not), forks, and closes it; the child opens a fresh one.
 * A third process takes itself for the last and removes the log under the child, whose row is lost. */
static void control_wal(int parent_connects)
{
  struct gate gate = make_gate();
  sqlite3 *parent = NULL;
  pid_t pid;
  make_database("control.db", 1);
  if (parent_connects) {
    parent = plain_open("control.db");
    plain_run(parent, READ);
  }
  pid = fork_child();
  if (pid == 0) {
    sqlite3 *fresh;
    wait_at(&gate);
    fresh = plain_open("control.db");
    CHECK(plain_run(fresh, READ) == SQLITE_OK);
    CHECK_TEXT(sql("control.db", ADD("third")), "");
    CHECK(plain_run(fresh, ADD("child")) == SQLITE_OK); /* it is told that all is well */
    end_child();
  }
  sqlite3_close(parent);
  open_gate(&gate);
  CHECK(ended_well(pid));
  CHECK_TEXT(sql("control.db", "SELECT name FROM auth_group ORDER BY name"), parent_connects ? "third" : "child\nthird");
  if (parent_connects && strcmp(sql("control.db", "SELECT count(*) FROM auth_group WHERE name = 'child'"), "0") == 0)
    printf("control: plain SQLite loses the row\n");
  remove_database("control.db");
}

/* Rollback journal: a read transaction is open at the fork (or not). The child's own read lock is
 * then no lock: a third process writes under its transaction. */
static void control_rollback(int parent_reads)
{
  struct gate reading = make_gate(), written = make_gate();
  sqlite3 *parent;
  pid_t pid;
  const char *said;
  make_database("control.db", 0);
  parent = plain_open("control.db");
  if (parent_reads)
    plain_run(parent, "BEGIN; " READ);
  else
    sqlite3_close(parent);
  pid = fork_child();
  if (pid == 0) {
    sqlite3 *fresh = plain_open("control.db");
    close(reading.ends[0]);
    CHECK(plain_run(fresh, "BEGIN; " READ) == SQLITE_OK);
    close(reading.ends[1]);
    wait_at(&written);
    end_child();
  }
  wait_at(&reading);
  if (parent_reads) {
    plain_run(parent, "COMMIT");
    sqlite3_close(parent);
  }
  said = sql_impatient("control.db", ADD("third"));
  if (parent_reads) {
    CHECK_TEXT(said, "");
    printf("control: plain SQLite lets a third process write under a read transaction\n");
  } else {
    CHECK(strstr(said, "database is locked") != NULL);
  }
  open_gate(&written);
  CHECK(ended_well(pid));
  remove_database("control.db");
}

/* ---- the same with the library ------------------------------------------------------------ */

enum ending { STAYS, FREES, EXITS };

static auth_status token_of(const auth_context *context, const char *user, char *key)
{
  auth_token_options options = AUTH_TOKEN_OPTIONS_INIT;
  auth_token *token = NULL;
  auth_status status;
  options.user = auth_text(user);
  status = auth_token_create(context, &options, &token);
  if (key != NULL)
    snprintf(key, 48, "%s", token != NULL ? auth_token_key(token) : "");
  auth_token_free(token);
  return status;
}

static auth_status ask(const auth_context *context, const char *authorization)
{
  auth_request *request = NULL;
  auth_status status = judge(context, 0, authorization, &request);
  auth_request_free(request);
  return status;
}

/* In the grandchild: read, let a third process come and go, then write. */
static void use_after_fork(const auth_context *context, const char *third)
{
  CHECK(open_files("site.db") == 0);
  CHECK_STATUS(ask(context, "Token " ALICE_KEY), AUTH_OK);
  CHECK(open_files("site.db") > 0);
  CHECK_TEXT(sql("site.db", third), "");
  CHECK_STATUS(token_of(context, "root", NULL), AUTH_OK);
}

/* The first reproduction: nothing may be lost, however the parent goes on. */
static void row_is_kept(int wal, enum ending ending)
{
  struct gate gate = make_gate(), all = make_gate();
  pid_t parent, child;
  int before = check_counts[0];
  make_database("site.db", wal);
  parent = fork_child();
  if (parent == 0) {
    auth_context *context = open_text(USUAL);
    close(all.ends[0]);
    CHECK_STATUS(ask(context, "Token " ALICE_KEY), AUTH_OK);
    CHECK(open_files("site.db") > 0);
    child = fork_child();
    if (child == 0) {
      wait_at(&gate);
      use_after_fork(context, ADD("third"));
      end_child();
    }
    CHECK(open_files("site.db") == 0); /* opened again when needed */
    if (ending == EXITS)
      _exit(check_counts[0] == 0 ? 0 : 1);
    if (ending == FREES)
      auth_context_free(context);
    else
      CHECK_STATUS(ask(context, "Token " ALICE_KEY), AUTH_OK);
    open_gate(&gate);
    CHECK(ended_well(child));
    end_child();
  }
  open_gate(&gate);
  CHECK(ended_well(parent));
  wait_at(&all); /* a child whose parent has exited is nobody's to wait for */
  CHECK_TEXT(sql("site.db", "SELECT count(*) FROM authtoken_token WHERE user_id = 23"), "1");
  CHECK_TEXT(sql("site.db", "SELECT name FROM auth_group; PRAGMA integrity_check"), "third\nok");
  if (check_counts[0] != before)
    printf("  that was wal %d, ending %d\n", wal, (int)ending);
  remove_database("site.db");
}

/* Requests, users and contexts stay valid on both sides, and in a child's child. */
static void handles_stay_valid(void)
{
  auth_context *context;
  auth_request *judged, *fresh;
  auth_user *user;
  pid_t pid;
  make_database("site.db", 1);
  context = open_text(USUAL);
  CHECK_STATUS(judge(context, 0, "Token " ALICE_KEY, &judged), AUTH_OK);
  fresh = request_of(context, "Authorization", "Token " ALICE_KEY);
  user = auth_user_clone(auth_request_user(judged));
  pid = fork_child();
  CHECK_TEXT(auth_user_name(user), "alice");
  CHECK_STATUS(auth_request_authenticate(fresh, 0), AUTH_OK);
  CHECK_STATUS(auth_request_authenticate(judged, 0), AUTH_OK);
  if (pid == 0) {
    pid_t grandchild = fork_child();
    CHECK_STATUS(token_of(context, "root", NULL), AUTH_OK);
    if (grandchild != 0)
      CHECK(ended_well(grandchild));
  }
  auth_user_free(user);
  auth_request_free(fresh);
  auth_request_free(judged);
  auth_context_free(context);
  if (pid == 0)
    end_child();
  CHECK(ended_well(pid));
  CHECK_TEXT(sql("site.db", "SELECT count(*) FROM authtoken_token WHERE user_id = 23"), "1");
  remove_database("site.db");
}

/* ---- forks while threads are inside calls -------------------------------------------------- */

static auth_context *busy_context;
static int stop;

/* Verdicts, lists, passwords and writes. */
static void *be_busy(void *number)
{
  unsigned seed = (unsigned)(long)number + 1;
  char value[128], user[32];
  long rounds_done = 0;
  basic(value, "alice", ALICE_PASSWORD);
  snprintf(user, sizeof user, "child-%04d", 1901 + (int)(long)number);
  while (!__sync_fetch_and_add(&stop, 0)) {
    auth_tokens *tokens = NULL;
    switch (rand_r(&seed) % 32) {
    case 0:
      CHECK_STATUS(auth_token_list(busy_context, auth_text(NULL), auth_text(NULL), &tokens), AUTH_OK);
      auth_tokens_free(tokens);
      break;
    case 1:
      CHECK_STATUS(ask(busy_context, value), AUTH_OK);
      break;
    case 2:
      CHECK_STATUS(token_of(busy_context, user, NULL), AUTH_OK);
      break;
    default:
      CHECK_STATUS(ask(busy_context, "Token " ALICE_KEY), AUTH_OK);
    }
    rounds_done++;
  }
  return (void *)rounds_done;
}

/* Contexts that are opened, used and freed. */
static void *come_and_go(void *unused)
{
  long rounds_done = 0;
  (void)unused;
  while (!__sync_fetch_and_add(&stop, 0)) {
    auth_context *own = open_text(USUAL);
    CHECK_STATUS(ask(own, "Token " ALICE_KEY), AUTH_OK);
    auth_context_free(own);
    rounds_done++;
  }
  return (void *)rounds_done;
}

static void start_threads(pthread_t *threads, void *(*work)(void *))
{
  long i;
  stop = 0;
  for (i = 0; i < BUSY_THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
      broken("pthread_create");
  usleep(20 * 1000);
}

static void stop_threads(pthread_t *threads)
{
  void *done;
  int i;
  __sync_fetch_and_add(&stop, 1);
  for (i = 0; i < BUSY_THREADS; i++) {
    pthread_join(threads[i], &done);
    CHECK((long)done > 0);
  }
}

static void make_busy_site(int wal)
{
  make_database(BUSY_SITE, wal);
  sql(BUSY_SITE, "WITH RECURSIVE n (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 1999)"
                 " INSERT INTO auth_user (password, is_superuser, username, last_name, email, is_staff, is_active,"
                 " date_joined, first_name) SELECT '!', 0, printf('child-%04d', i), '', '', 0, 1,"
                 " '2026-01-01 00:00:00', '' FROM n");
  busy_context = open_text(BUSY_CONFIG);
  CHECK_STATUS(token_of(busy_context, "root", NULL), AUTH_OK); /* the random numbers have been used */
}

/* A child authenticates, creates its user's token, says which, and ends. */
static void be_a_child(int number, int report)
{
  char line[64], user[32];
  CHECK_STATUS(ask(busy_context, "Token " ALICE_KEY), AUTH_OK);
  CHECK_STATUS(ask(busy_context, "Token unknown"), AUTH_REFUSED);
  snprintf(user, sizeof user, "child-%04d", number);
  CHECK_STATUS(token_of(busy_context, user, line), AUTH_OK);
  strcat(line, "\n");
  CHECK(write(report, line, strlen(line)) == 41);
  if (number % 2 == 0)
    auth_context_free(busy_context); /* an orderly end, and one without */
  end_child();
}

static int compare(const void *a, const void *b)
{
  return strcmp((const char *)a, (const char *)b);
}

/* Every reported key is stored, and no two are equal. */
static void keys_are_there(const char *report, long n)
{
  static char keys[MOST_CHILDREN][48];
  FILE *file = fopen(report, "r");
  char *stored = strdup(sql(BUSY_SITE, "SELECT group_concat(key, ' ') FROM authtoken_token"));
  long i, lost = 0, equal = 0;
  if (file == NULL || stored == NULL)
    broken(report);
  for (i = 0; i < n && fgets(keys[i], sizeof keys[i], file) != NULL; i++) {
    keys[i][40] = '\0';
    lost += strstr(stored, keys[i]) == NULL;
  }
  CHECK(i == n);
  CHECK(lost == 0);
  qsort(keys, (size_t)i, sizeof keys[0], compare);
  while (--i > 0)
    equal += strcmp(keys[i - 1], keys[i]) == 0;
  CHECK(equal == 0);
  free(stored);
  fclose(file);
}

static void forks_from_a_busy_process(int wal, int n)
{
  pthread_t threads[BUSY_THREADS];
  pid_t children[MOST_CHILDREN];
  FILE *report = fopen(in_folder("report"), "w+");
  int i, well = 0, before = check_counts[0];
  if (report == NULL)
    broken("report");
  make_busy_site(wal);
  start_threads(threads, be_busy);
  for (i = 0; i < n; i++) {
    children[i] = fork_child();
    if (children[i] == 0) {
      CHECK(open_files(BUSY_SITE) == 0);
      be_a_child(i, fileno(report));
    }
    if (i >= TOGETHER)
      well += ended_well(children[i - TOGETHER]);
  }
  for (i = n > TOGETHER ? n - TOGETHER : 0; i < n; i++)
    well += ended_well(children[i]);
  CHECK(well == n);
  stop_threads(threads);
  auth_context_free(busy_context);
  keys_are_there(in_folder("report"), n);
  CHECK_TEXT(sql(BUSY_SITE, "PRAGMA integrity_check"), "ok");
  if (check_counts[0] != before)
    printf("  that was wal %d\n", wal);
  fclose(report);
  remove_database(BUSY_SITE);
}

/* The second reproduction: threads read at the fork; a read lock of the child is a lock all the same. */
static void read_lock_holds(void)
{
  pthread_t threads[BUSY_THREADS];
  int i;
  make_busy_site(0);
  start_threads(threads, be_busy);
  for (i = 0; i < 5; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      sqlite3 *fresh = plain_open(BUSY_SITE);
      sqlite3_busy_timeout(fresh, PATIENCE * 1000);
      CHECK(plain_run(fresh, "BEGIN; " READ) == SQLITE_OK);
      CHECK_STATUS(ask(busy_context, "Token " ALICE_KEY), AUTH_OK);
      CHECK(strstr(sql_impatient(BUSY_SITE, ADD("third")), "database is locked") != NULL);
      end_child();
    }
    CHECK(ended_well(pid));
  }
  stop_threads(threads);
  auth_context_free(busy_context);
  remove_database(BUSY_SITE);
}

/* ---- forks at odd moments ------------------------------------------------------------------ */

static void *open_one(void *unused)
{
  (void)unused;
  auth_context_free(open_text(USUAL));
  return NULL;
}

/* The very first call of a process is under way on another thread. Runs before this process has
 * used the library at all. */
static void first_use_during_a_fork(void)
{
  int i, well = 0;
  make_database("site.db", 0);
  for (i = 0; i < FIRST_USES; i++) {
    pid_t process = fork_child();
    if (process == 0) {
      pthread_t thread;
      pid_t child;
      pthread_create(&thread, NULL, open_one, NULL);
      usleep((useconds_t)(i * 3));
      child = fork_child();
      if (child == 0) {
        auth_context *context = open_text(USUAL);
        CHECK_STATUS(ask(context, "Token " ALICE_KEY), AUTH_OK);
        end_child();
      }
      CHECK(ended_well(child));
      pthread_join(thread, NULL);
      end_child();
    }
    well += ended_well(process);
    if (well <= i)
      break;
  }
  CHECK(well == FIRST_USES);
  remove_database("site.db");
}

/* A context that is being freed has connections, too. */
static void contexts_come_and_go_during_forks(int wal)
{
  pthread_t threads[BUSY_THREADS];
  int i, well = 0;
  make_database("site.db", wal);
  start_threads(threads, come_and_go);
  for (i = 0; i < COME_AND_GO; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      auth_context *context;
      alarm(5);
      CHECK(open_files("site.db") == 0);
      context = open_text(USUAL);
      CHECK_STATUS(ask(context, "Token " ALICE_KEY), AUTH_OK);
      auth_context_free(context);
      end_child();
    }
    well += ended_well(pid);
    if (well < i - 2)
      break;
  }
  CHECK(well == COME_AND_GO);
  stop_threads(threads);
  remove_database("site.db");
}

static void answers_slowly(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view;
  usleep(50 * 1000);
  auth_answer_user(answer, auth_text("alice"));
}

static void *ask_often(void *data)
{
  while (!__sync_fetch_and_add(&stop, 0))
    CHECK_STATUS(ask((const auth_context *)data, "x"), AUTH_OK);
  return NULL;
}

/* Another thread is inside a scheme that takes one thread at a time: the child has its turn too. */
static void one_thread_scheme_across_a_fork(void)
{
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *context;
  pthread_t thread;
  int i;
  make_database("site.db", 0);
  scheme.name = auth_text("slow");
  scheme.flags = AUTH_SCHEME_ONE_THREAD | AUTH_SCHEME_BLOCKS;
  scheme.authenticate = answers_slowly;
  context = open_with(TOP("site.db") "[chains.default]\nschemes = [\"slow\"]\n", &scheme, 1, NULL, NULL);
  stop = 0;
  pthread_create(&thread, NULL, ask_often, context);
  usleep(20 * 1000);
  for (i = 0; i < 3; i++) {
    pid_t pid = fork_child();
    if (pid == 0) {
      alarm(5);
      CHECK_STATUS(ask(context, "x"), AUTH_OK);
      end_child();
    }
    if (!CHECK(ended_well(pid)))
      break;
  }
  __sync_fetch_and_add(&stop, 1);
  pthread_join(thread, NULL);
  auth_context_free(context);
  remove_database("site.db");
}

/* A scheme may use the library (custom.c), and so wait for what a fork has shut. */
static auth_context *other_context;

static void uses_a_context(void *data, const auth_view *view, auth_answer *answer)
{
  auth_context *own;
  (void)data, (void)view;
  usleep(1000);
  own = open_text(USUAL);
  if (ask(own, "Token " ALICE_KEY) == AUTH_OK)
    auth_answer_user(answer, auth_text("alice"));
  auth_context_free(own);
}

static void uses_the_other_scheme(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view;
  usleep(1000);
  if (ask(other_context, "x") == AUTH_OK)
    auth_answer_user(answer, auth_text("alice"));
}

static void answers_soon(void *data, const auth_view *view, auth_answer *answer)
{
  (void)data, (void)view;
  usleep(1000);
  auth_answer_user(answer, auth_text("alice"));
}

static auth_context *open_turns(void (*authenticate)(void *, const auth_view *, auth_answer *))
{
  auth_scheme scheme = AUTH_SCHEME_INIT;
  scheme.name = auth_text("turns");
  scheme.flags = AUTH_SCHEME_ONE_THREAD;
  scheme.authenticate = authenticate;
  return open_with(TOP("site.db") "[chains.default]\nschemes = [\"turns\"]\n", &scheme, 1, NULL, NULL);
}

/* In a process of its own, which a fork that waits for ever would otherwise take along. */
static void forks_while_a_scheme_uses_the_library(void (*authenticate)(void *, const auth_view *, auth_answer *))
{
  pid_t process;
  make_database("site.db", 1);
  process = fork_child();
  if (process == 0) {
    pthread_t thread;
    auth_context *context;
    int i;
    other_context = open_turns(answers_soon);
    context = open_turns(authenticate);
    stop = 0;
    pthread_create(&thread, NULL, ask_often, context);
    for (i = 0; i < 50; i++) {
      pid_t pid;
      usleep(500);
      pid = fork_child();
      if (pid == 0) {
        CHECK_STATUS(ask(context, "x"), AUTH_OK);
        end_child();
      }
      CHECK(ended_well(pid));
    }
    __sync_fetch_and_add(&stop, 1);
    pthread_join(thread, NULL);
    auth_context_free(context);
    auth_context_free(other_context);
    end_child();
  }
  CHECK(ended_well(process));
  remove_database("site.db");
}

/* The call itself forks: both sides end it, and have the next one. */
static pid_t forked_inside;

static void forks_itself(void *data, const auth_view *view, auth_answer *answer)
{
  int *calls = (int *)data;
  (void)view;
  if ((*calls)++ == 0)
    forked_inside = fork_child();
  auth_answer_user(answer, auth_text("alice"));
}

static void a_scheme_forks(void)
{
  int calls = 0;
  auth_scheme scheme = AUTH_SCHEME_INIT;
  auth_context *context;
  make_database("site.db", 0);
  scheme.name = auth_text("forks");
  scheme.flags = AUTH_SCHEME_ONE_THREAD;
  scheme.authenticate = forks_itself;
  scheme.data = &calls;
  context = open_with(TOP("site.db") "[chains.default]\nschemes = [\"forks\"]\n", &scheme, 1, NULL, NULL);
  CHECK_STATUS(ask(context, "x"), AUTH_OK);
  CHECK_STATUS(ask(context, "x"), AUTH_OK);
  CHECK(calls == 2);
  auth_context_free(context);
  if (forked_inside == 0)
    end_child();
  CHECK(ended_well(forked_inside));
  remove_database("site.db");
}

int main(int argc, char **argv)
{
  int n = (int)rounds(argc, argv, 50, 1000), wal, ending;
  if (n > 1900)
    n = 1900;
  first_use_during_a_fork();
  control_wal(0);
  control_wal(1);
  control_rollback(0);
  control_rollback(1);
  for (wal = 0; wal < 2; wal++)
    for (ending = STAYS; ending <= EXITS; ending++)
      row_is_kept(wal, (enum ending)ending);
  handles_stay_valid();
  read_lock_holds();
  forks_from_a_busy_process(0, n);
  forks_from_a_busy_process(1, n);
  contexts_come_and_go_during_forks(0);
  contexts_come_and_go_during_forks(1);
  one_thread_scheme_across_a_fork();
  forks_while_a_scheme_uses_the_library(uses_a_context);
  forks_while_a_scheme_uses_the_library(uses_the_other_scheme);
  a_scheme_forks();
  return check_result();
}
