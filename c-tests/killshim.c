/* Preloaded into kill.c's child: counts what is written to the files whose path starts with
 * $KILL_FILES, and kills the process, as a power button would, after number $KILL_AFTER. With
 * KILL_TORN=1 that last write is only half done. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library declares some of these functions as throwing nothing. */
#ifdef __cplusplus
#define NOTHROW noexcept(true)
extern "C" {
#else
#define NOTHROW
#endif

static int counted(const char *path)
{
  const char *files = getenv("KILL_FILES");
  return files != NULL && strncmp(path, files, strlen(files)) == 0;
}

static int is_counted(int fd)
{
  char link[64], path[512];
  ssize_t n;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = '\0';
  return counted(path);
}

/* Whether this is the last one. */
static int is_last(void)
{
  static int n;
  const char *after = getenv("KILL_AFTER");
  return after != NULL && ++n == atoi(after);
}

static long finish(int last, long result)
{
  if (last)
    syscall(SYS_kill, getpid(), SIGKILL);
  return result;
}

static size_t torn(int last, size_t size)
{
  const char *told = getenv("KILL_TORN");
  return last && told != NULL && told[0] == '1' ? size / 2 : size;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
  int last = is_counted(fd) && is_last();
  return finish(last, syscall(SYS_write, fd, bytes, torn(last, size)));
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
  int last = is_counted(fd) && is_last();
  return finish(last, syscall(SYS_pwrite64, fd, bytes, torn(last, size), offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
  return pwrite64(fd, bytes, size, offset);
}

int fsync(int fd)
{
  int last = is_counted(fd) && is_last();
  return (int)finish(last, syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
  int last = is_counted(fd) && is_last();
  return (int)finish(last, syscall(SYS_fdatasync, fd));
}

int ftruncate64(int fd, off64_t size) NOTHROW
{
  int last = is_counted(fd) && is_last();
  return (int)finish(last, syscall(SYS_ftruncate, fd, size));
}

int ftruncate(int fd, off_t size) NOTHROW
{
  return ftruncate64(fd, size);
}

int unlink(const char *path) NOTHROW
{
  int last = counted(path) && is_last();
  return (int)finish(last, syscall(SYS_unlink, path));
}

#ifdef __cplusplus
}
#endif
