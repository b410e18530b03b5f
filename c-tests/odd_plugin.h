/* What odd_plugin.c and plugin.c both know. */
#ifndef ODD_PLUGIN_H
#define ODD_PLUGIN_H

#include <stdint.h>

#define NO_ENTRY 1
#define SAYS_NO 2
#define OTHER_ABI 3
#define NO_SCHEMES 4
#define NULL_SCHEMES 5
#define BUILT_IN 6
#define SHORT_SIZE 7
#define TWO_SIZES 8

struct instance {
  char scheme[32];
  char tag[32];
  int64_t number;
  int flag;
};

struct counts {
  int entered, configured, alive, destroyed, forked;
  int inside, together; /* threads */
  struct instance *last;
};

#ifdef __cplusplus
extern "C" {
#endif

extern struct counts counts;

#ifdef __cplusplus
}
#endif

#endif
