/**
 * authchain: PAM for HTTP, behind a C ABI.
 *
 * Made from src/capi by `make header`. Do not edit.
 *
 * Conventions
 *
 * Answers   Only AUTH_OK (0) lets anyone in, so `if (auth_authenticate(…))`
 *           denies. Statuses above 0 are answers, those below are failures;
 *           a failure says nothing about the user: send 503.
 * Outputs   `T **out`, written only when the status is not negative, never
 *           read: the variable need not be initialised. Outputs come last.
 * Ownership Each function says who frees what. What is borrowed is `const`
 *           and dies with its owner. Every _free(NULL) does nothing.
 * Texts     In: auth_str, pointer and length, no NUL needed; with length 0
 *           the pointer is ignored. At most 1 MiB of input a call, else
 *           AUTH_EINVAL. Names, keys and texts are UTF-8 without NUL; header
 *           values and passwords are bytes. Out: NUL-terminated UTF-8,
 *           borrowed, NULL when absent.
 * NULL      A NULL handle, struct or output is AUTH_EINVAL; accessors of NULL
 *           say what they return.
 * Growth    Structs that come in start with their size (AUTH_…_INIT sets it).
 *           Smaller than ours: the missing fields are zero. Larger: accepted
 *           when the bytes beyond ours are zero, else AUTH_ENOTSUP. Smaller
 *           than the first version or beyond 4,096: AUTH_EINVAL. Types that
 *           come out are opaque.
 * Threads   Contexts: any. Requests: one at a time. Users, tokens, reports:
 *           as their functions say.
 * Panics    Caught at every function: AUTH_EPANIC, and the process goes on.
 * Fork      Before a fork the library waits for its work in flight and closes
 *           its connections; parent and child open them again when needed.
 *           Handles stay valid on both sides. The library has no threads.
 * Blocking  Each function says what it may wait for. A call waits for a lock
 *           of another process on the database as long as the configuration
 *           says (`timeout`, 5 s).
 * Process   No signal handler, no output, no change of locale or folder; the
 *           environment is not read but for AUTHCHAIN_CONFIG and what a
 *           configuration names. No code of others is loaded but the plug-ins
 *           that a configuration names.
 * Versions  AUTH_VERSION is this header's, auth_version() the library's;
 *           AUTH_ABI_VERSION and auth_abi_version() have to be equal.
 */
