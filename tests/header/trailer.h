
/** The headers are enough for auth_authenticate. */
typedef auth_http auth_headers;

/** An auth_str of a string literal, as an initialiser. */
#define AUTH_STR(literal) { "" literal, sizeof(literal) - 1 }

/** An auth_str of a NUL-terminated string; NULL is the empty text. */
static inline auth_str auth_text(const char *text)
{
  auth_str str;
  size_t len = 0;
  while (text != NULL && text[len] != '\0') {
    len++;
  }
  str.ptr = text;
  str.len = len;
  return str;
}

/*
 * Initialisers of the structs that come in: everything zero but the size.
 */
#ifdef __cplusplus
template <typename T> static inline T auth_sized_()
{
  T made = T();
  made.size = sizeof(T);
  return made;
}
#define AUTH_INIT_(type) auth_sized_<type>()
#else
#define AUTH_INIT_(type) { .size = sizeof(type) }
#endif
#define AUTH_HTTP_INIT AUTH_INIT_(auth_http)
#define AUTH_HEADERS_INIT AUTH_INIT_(auth_http)
#define AUTH_OPTIONS_INIT AUTH_INIT_(auth_options)
#define AUTH_TOKEN_OPTIONS_INIT AUTH_INIT_(auth_token_options)
#define AUTH_NEW_USER_INIT AUTH_INIT_(auth_new_user)
#define AUTH_SESSION_OPTIONS_INIT AUTH_INIT_(auth_session_options)
#define AUTH_SIGN_OPTIONS_INIT AUTH_INIT_(auth_sign_options)
#define AUTH_SCHEME_INIT AUTH_INIT_(auth_scheme)
/* Every field, in C and C++ alike. */
#define AUTH_PLUGIN_INIT { sizeof(auth_plugin), AUTH_ABI_VERSION, 0, NULL, 0 }

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What a plug-in defines, and the library does not: called once in a process,
 * when the first configuration that names the plug-in is read. It may keep
 * `api` for the life of the process.
 *
 * Ownership: the plug-in's, for the life of the process; it is never unloaded.
 * Threads: one at a time. Blocks: must not.
 * Returns: what the plug-in offers, or NULL when it does not work with
 * `api->abi_version`.
 */
AUTH_API const auth_plugin *auth_plugin_entry(const auth_api *api);

#ifdef __cplusplus
}
#endif
