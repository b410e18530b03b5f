/* What the benchmarks share: measuring in turn, requests as a browser sends them. Each includes it once. */
#ifndef MEASURE_H
#define MEASURE_H

#define _GNU_SOURCE
#include "authchain.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 21, MOST_WAYS = 4 };

static const char *database;
static long mmap_size;
static volatile unsigned long sink;

static void fail(const char *what)
{
  fprintf(stderr, "bench: %s\n", what);
  exit(2);
}

static sqlite3_stmt *prepared(const char *sql)
{
  char pragma[64];
  sqlite3_stmt *statement = NULL;
  sqlite3 *db;
  if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    fail("the database cannot be opened");
  sqlite3_busy_timeout(db, 5000);
  snprintf(pragma, sizeof pragma, "PRAGMA mmap_size = %ld", mmap_size);
  if (sqlite3_exec(db, pragma, NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
    fail(sqlite3_errmsg(db));
  return statement;
}

/* --- the library ----------------------------------------------------------------------------- */

enum { HEADERS = 6 };

static void browser(auth_header headers[HEADERS], const char *name, const char *value, size_t len)
{
  static const char *const fields[HEADERS - 1][2] = {
      {"Host", "api.example.com"},
      {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
      {"Accept", "application/json, text/plain, */*"},
      {"Accept-Language", "en-GB,en;q=0.5"},
      {"Accept-Encoding", "gzip, deflate, br, zstd"},
  };
  size_t i;
  for (i = 0; i < HEADERS - 1; i++) {
    headers[i].name = auth_text(fields[i][0]);
    headers[i].value = auth_text(fields[i][1]);
  }
  headers[i].name = auth_text(name);
  headers[i].value.ptr = value;
  headers[i].value.len = len;
}

struct made { /* a request that is filled in once, as a server's own structs are */
  auth_header headers[HEADERS];
  auth_http http;
  char value[1280]; /* a token signed by RSA */
};

static void make(struct made *made, const char *name, const char *value)
{
  auth_http http = AUTH_HTTP_INIT;
  snprintf(made->value, sizeof made->value, "%s", value);
  browser(made->headers, name, made->value, strlen(made->value));
  http.method = auth_text("GET");
  http.target = auth_text("/api/articles/?page=2");
  http.peer = auth_text("192.0.2.7");
  http.headers = made->headers;
  http.n_headers = HEADERS;
  made->http = http;
}

/* --- measuring ------------------------------------------------------------------------------- */

struct way {
  void (*run)(void *state, size_t i);
  void *state;
};

static double cpu_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double cost(const struct way *way, size_t from, size_t n)
{
  double start = cpu_ns();
  size_t i;
  for (i = 0; i < n; i++)
    way->run(way->state, from + i);
  return (cpu_ns() - start) / (double)n;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, int n)
{
  double sorted[ROUNDS];
  memcpy(sorted, values, (size_t)n * sizeof *values);
  qsort(sorted, (size_t)n, sizeof *sorted, ascending);
  return sorted[n / 2];
}

static void row(const char *name, double scale, const double *bound, const double *ours, int n)
{
  double ratios[ROUNDS];
  int r;
  for (r = 0; r < n; r++)
    ratios[r] = ours[r] / bound[r];
  printf("%s\t%.2f\t%.2f\t%.3f\n", name, median(bound, n) / scale, median(ours, n) / scale, median(ratios, n));
  fflush(stdout);
}

/* Runs the ways in turn, way 0 being the bound of the others. */
static void compare(const char *const *names, double scale, const struct way *ways, int n_ways, size_t n, int rounds)
{
  double costs[MOST_WAYS][ROUNDS];
  int r, w;
  for (w = 0; w < n_ways; w++)
    cost(&ways[w], 0, n); /* to warm up: connections, statements, page cache */
  for (r = 0; r < rounds; r++)
    for (w = 0; w < n_ways; w++) {
      int turn = r % 2 ? n_ways - 1 - w : w;
      costs[turn][r] = cost(&ways[turn], (size_t)r * n, n);
    }
  for (w = 1; w < n_ways; w++)
    row(names[w], scale, costs[0], costs[w], rounds);
}

#endif
