/* load LIBRARY: how long dlopen takes in a process that has loaded nothing yet, in us: CPU time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static double cpu_us(void)
{
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
  double start = cpu_us();
  if (argc != 2 || dlopen(argv[1], RTLD_NOW) == NULL) {
    fprintf(stderr, "load: %s\n", argc == 2 ? dlerror() : "usage: load LIBRARY");
    return 2;
  }
  printf("%.0f\n", cpu_us() - start);
  return 0;
}
