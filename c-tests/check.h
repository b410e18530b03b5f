/* CHECK counts and prints what failed; a program ends with `return check_result();`. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

#include "authchain.h"

static int check_counts[2]; /* failed, passed */

/* Counts from any thread. */
static inline int check_count(int passed)
{
  __sync_add_and_fetch(&check_counts[passed], 1);
  return passed;
}

static inline int check_status(int got, int want, const char *what, const char *file, int line)
{
  const char *a = auth_status_name(got), *b = auth_status_name(want);
  if (got != want)
    printf("%s:%d: %s is %d %s, expected %s\n", file, line, what, got, a ? a : "", b ? b : "?");
  return check_count(got == want);
}

static inline int check_text(const char *got, const char *want, const char *what, const char *file, int line)
{
  int same = got && want ? strcmp(got, want) == 0 : got == want;
  if (!same)
    printf("%s:%d: %s is \"%s\", expected \"%s\"\n", file, line, what, got ? got : "(NULL)", want ? want : "(NULL)");
  return check_count(same);
}

static inline int check_that(int holds, const char *what, const char *file, int line)
{
  if (!holds)
    printf("%s:%d: not so: %s\n", file, line, what);
  return check_count(holds);
}

#define CHECK(expression) check_that((expression) ? 1 : 0, #expression, __FILE__, __LINE__)
#define CHECK_STATUS(call, want) check_status((int)(call), (int)(want), #call, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text(got, want, #got, __FILE__, __LINE__)

static inline int check_result(void)
{
  printf("%d passed, %d failed\n", check_counts[1], check_counts[0]);
  return check_counts[0] || !check_counts[1] ? 1 : 0;
}

#endif
