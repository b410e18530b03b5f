/* What authchain._asked does through ctypes, in C: an optional module, for CPython 3.10 or later (stable ABI).
 *
 * It is not linked with libauthchain. The package hands over the functions that ctypes has found, so
 * that there is one library in the process whichever way it was loaded. Nothing is decided here, and
 * what is not usual (a header that is not ASCII, a body that decides) is left to the package. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030a0000
#include <Python.h>

#include "authchain.h"

#define MOST_HEADERS 64
#define MOST_NAMES 2048

static struct {
  auth_status (*request_new)(const auth_context *, const auth_http *, auth_request **);
  auth_status (*request_authenticate)(auth_request *, uint32_t);
  auth_status (*request_deny)(auth_request *, auth_str);
  uint32_t (*request_wants)(const auth_request *, uint32_t);
  void (*request_free)(auth_request *);
  const auth_user *(*request_user)(const auth_request *);
  const auth_edits *(*request_edits)(const auth_request *);
  const char *(*edits_lines)(const auth_edits *, int);
  const auth_response *(*request_response)(const auth_request *);
  const char *(*response_lines)(const auth_response *);
  const char *(*user_id)(const auth_user *);
  const char *(*user_name)(const auth_user *);
  const char *(*user_email)(const auth_user *);
  const char *(*user_scheme)(const auth_user *);
  const char *(*user_auth)(const auth_user *);
  uint32_t (*user_flags)(const auth_user *);
  const char *(*user_claims_json)(const auth_user *);
} library;

/* The functions' names, in the order of the struct. */
static const char *const NAMES[] = {
  "auth_request_new", "auth_request_authenticate", "auth_request_deny", "auth_request_wants", "auth_request_free",
  "auth_request_user", "auth_request_edits", "auth_edits_lines", "auth_request_response", "auth_response_lines",
  "auth_user_id", "auth_user_name", "auth_user_email", "auth_user_scheme", "auth_user_auth", "auth_user_flags",
  "auth_user_claims_json",
};

enum { FUNCTIONS = sizeof NAMES / sizeof *NAMES };
typedef char as_many_names_as_functions[sizeof library == FUNCTIONS * sizeof(void *) ? 1 : -1];

/* Keys of environments and names of fields, made once. */
enum { METHOD, HTTP_HOST, SERVER_NAME, ADDRESS, REMOTE_USER, RAW_URI, REQUEST_URI, SCRIPT, PATH, QUERY, SCHEME, TYPE, LENGTH,
       AUTH_TYPE, NAME, ID, EMAIL, FOUND_BY, AUTH, ACTIVE, STAFF, SUPERUSER, CLAIMED, GROUPS,
       CLAIMS, KEYS };
static const char *const KEY_TEXTS[KEYS] = {
  "REQUEST_METHOD", "HTTP_HOST", "SERVER_NAME", "REMOTE_ADDR", "REMOTE_USER", "RAW_URI", "REQUEST_URI",
  "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "wsgi.url_scheme", "CONTENT_TYPE", "CONTENT_LENGTH",
  "AUTH_TYPE", "name", "id", "email", "scheme", "auth", "is_active", "is_staff", "is_superuser", "is_claimed",
  "groups", "claims",
};
static PyObject *keys[KEYS];

/* A request as the library takes it, and the memory of what is not in the environment as it has to be. */
struct asked {
  auth_http http;
  auth_header headers[MOST_HEADERS];
  char names[MOST_NAMES];
  size_t names_used;
  char target[MOST_NAMES];
};

/* The text of an ASCII string, borrowed; 0 when it is another object, or has other characters. */
static int ascii(PyObject *text, auth_str *out)
{
  Py_ssize_t size;
  if (!PyUnicode_Check(text))
    return 0;
  out->ptr = PyUnicode_AsUTF8AndSize(text, &size);
  if (out->ptr == NULL) {
    PyErr_Clear(); /* a lone surrogate */
    return 0;
  }
  out->len = (size_t)size;
  return size == PyUnicode_GetLength(text);
}

/* A text of the environment; empty when it is missing. */
static int read_key(PyObject *environ, int key, auth_str *out)
{
  PyObject *value = PyDict_GetItemWithError(environ, keys[key]);
  out->ptr = NULL;
  out->len = 0;
  return value == NULL ? !PyErr_Occurred() : ascii(value, out);
}

static int is_alphanumeric(char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* Whether all of a text is letters, digits and these. */
static int consists_of(auth_str text, const char *besides)
{
  size_t i;
  for (i = 0; i < text.len; i++)
    if (!is_alphanumeric(text.ptr[i]) && (text.ptr[i] == 0 || strchr(besides, text.ptr[i]) == NULL))
      return 0;
  return 1;
}

static int add_header(struct asked *asked, auth_str name, auth_str value)
{
  auth_header *header = &asked->headers[asked->http.n_headers];
  char *own = asked->names + asked->names_used;
  size_t i;
  if (name.len == 0 || asked->http.n_headers == MOST_HEADERS || name.len > MOST_NAMES - asked->names_used)
    return 0;
  for (i = 0; i < name.len; i++)
    own[i] = name.ptr[i] == '_' ? '-' : name.ptr[i];
  asked->names_used += name.len;
  header->name.ptr = own;
  header->name.len = name.len;
  header->value = value;
  asked->http.n_headers++;
  return consists_of(name, "-_!#$%&'*+.^`|~"); /* RFC 9110: token; `_` stands for `-` */
}

static int add_content(struct asked *asked, PyObject *environ, int key)
{
  auth_str value;
  if (!read_key(environ, key, &value))
    return 0;
  return value.len == 0 || add_header(asked, auth_text(KEY_TEXTS[key]), value);
}

static int read_headers(struct asked *asked, PyObject *environ)
{
  PyObject *key, *object;
  Py_ssize_t position = 0;
  auth_str name, value;
  while (PyDict_Next(environ, &position, &key, &object)) {
    if (!ascii(key, &name))
      return 0;
    if (name.len < 5 || memcmp(name.ptr, "HTTP_", 5) != 0)
      continue;
    name.ptr += 5;
    name.len -= 5;
    if (!ascii(object, &value) || !add_header(asked, name, value))
      return 0;
  }
  return add_content(asked, environ, TYPE) && add_content(asked, environ, LENGTH);
}

/* What `quote` leaves as it is. */
static int is_plain(auth_str text)
{
  return consists_of(text, "/_.-~");
}

/* Path and query as sent where the server says so, else put together again. */
static int read_target(struct asked *asked, PyObject *environ)
{
  auth_str script, path, query, *target = &asked->http.target;
  char *to = asked->target;
  if (!read_key(environ, RAW_URI, target) || (target->len == 0 && !read_key(environ, REQUEST_URI, target)))
    return 0;
  if (target->len > 0 && target->ptr[0] == '/')
    return 1;
  if (!read_key(environ, SCRIPT, &script) || !read_key(environ, PATH, &path) || !read_key(environ, QUERY, &query))
    return 0;
  if (!is_plain(script) || !is_plain(path) || script.len + path.len + query.len + 1 > sizeof asked->target)
    return 0;
  target->ptr = to;
  if (script.len > 0)
    to = (char *)memcpy(to, script.ptr, script.len) + script.len;
  if (path.len > 0)
    to = (char *)memcpy(to, path.ptr, path.len) + path.len;
  if (query.len > 0) {
    *to++ = '?';
    to = (char *)memcpy(to, query.ptr, query.len) + query.len;
  }
  target->len = (size_t)(to - asked->target);
  return 1;
}

/* The environment as a request; 0 when the package has to do it. */
static int read_environ(struct asked *asked, PyObject *environ)
{
  const auth_http empty = AUTH_HTTP_INIT;
  auth_str scheme;
  auth_http *http = &asked->http;
  *http = empty;
  http->headers = asked->headers;
  asked->names_used = 0;
  if (!read_headers(asked, environ) || !read_target(asked, environ) || !read_key(environ, SCHEME, &scheme))
    return 0;
  if (scheme.len == 5 && memcmp(scheme.ptr, "https", 5) == 0)
    http->flags = AUTH_HTTP_TLS;
  return read_key(environ, METHOD, &http->method) && read_key(environ, ADDRESS, &http->peer) &&
         read_key(environ, REMOTE_USER, &http->remote_user) && read_key(environ, HTTP_HOST, &http->host) &&
         (http->host.len > 0 || read_key(environ, SERVER_NAME, &http->host));
}

/* Sets a key to a new object, which is taken; 0 for an error, also when there is none. */
static int set_key(PyObject *dict, PyObject *key, PyObject *value)
{
  int done = value != NULL && PyDict_SetItem(dict, key, value) == 0;
  Py_XDECREF(value);
  return done;
}

static int remove_key(PyObject *dict, PyObject *key)
{
  if (PyDict_GetItemWithError(dict, key) == NULL)
    return !PyErr_Occurred();
  return PyDict_DelItem(dict, key) == 0;
}

static PyObject *text_or_none(const char *text)
{
  if (text == NULL)
    Py_RETURN_NONE;
  return PyUnicode_FromString(text);
}

/* The fields of `User`; the claims are still JSON. */
static PyObject *fields_of(const auth_user *user)
{
  uint32_t flags = library.user_flags(user);
  PyObject *fields = PyDict_New();
  if (fields == NULL)
    return NULL;
  if (set_key(fields, keys[NAME], text_or_none(library.user_name(user))) &&
      set_key(fields, keys[ID], text_or_none(library.user_id(user))) &&
      set_key(fields, keys[EMAIL], text_or_none(library.user_email(user))) &&
      set_key(fields, keys[FOUND_BY], text_or_none(library.user_scheme(user))) &&
      set_key(fields, keys[ACTIVE], PyBool_FromLong(flags & AUTH_USER_ACTIVE)) &&
      set_key(fields, keys[STAFF], PyBool_FromLong(flags & AUTH_USER_STAFF)) &&
      set_key(fields, keys[SUPERUSER], PyBool_FromLong(flags & AUTH_USER_SUPERUSER)) &&
      set_key(fields, keys[AUTH], text_or_none(library.user_auth(user))) &&
      set_key(fields, keys[CLAIMED], PyBool_FromLong(flags & AUTH_USER_CLAIMED)) &&
      set_key(fields, keys[GROUPS], PyTuple_New(0)) &&
      set_key(fields, keys[CLAIMS], text_or_none(library.user_claims_json(user))))
    return fields;
  Py_DECREF(fields);
  return NULL;
}

/* A line's name as a key of environments; NULL with an error. */
static PyObject *key_of(const char *name, size_t length)
{
  char key[5 + MOST_NAMES] = "HTTP_";
  size_t i;
  if (length > MOST_NAMES)
    return PyErr_Format(PyExc_ValueError, "a header's name is too long");
  for (i = 0; i < length; i++)
    key[5 + i] = name[i] == '-' ? '_' : (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
  return PyUnicode_DecodeLatin1(key, (Py_ssize_t)(5 + length), NULL);
}

/* Takes away or adds what the lines say; 0 for an error. */
static int edit(PyObject *environ, const char *lines, int adds)
{
  if (lines == NULL)
    return PyErr_NoMemory() != NULL;
  while (*lines) {
    size_t line = strcspn(lines, "\n"), name = adds ? strcspn(lines, ":") : line;
    PyObject *key = key_of(lines, name);
    int done = key != NULL && (adds ? set_key(environ, key, PyUnicode_DecodeLatin1(lines + name + 2, (Py_ssize_t)(line - name - 2), NULL))
                                    : remove_key(environ, key));
    Py_XDECREF(key);
    if (!done)
      return 0;
    lines += line + 1;
  }
  return 1;
}

/* REMOTE_USER and AUTH_TYPE; 0 for an error. */
static int tell(PyObject *environ, const auth_user *user)
{
  const char *name;
  if (user == NULL)
    return remove_key(environ, keys[REMOTE_USER]) && remove_key(environ, keys[AUTH_TYPE]);
  name = library.user_name(user);
  if (name == NULL)
    return PyErr_NoMemory() != NULL;
  return set_key(environ, keys[REMOTE_USER], PyUnicode_DecodeLatin1(name, (Py_ssize_t)strlen(name), NULL)) && /* PEP 3333 */
         set_key(environ, keys[AUTH_TYPE], text_or_none(library.user_scheme(user)));
}

/* The verdict is asked for without the GIL. */
static auth_status judge(auth_request *request, uint32_t chain)
{
  auth_status status;
  Py_BEGIN_ALLOW_THREADS
  status = library.request_authenticate(request, chain);
  Py_END_ALLOW_THREADS
  return status;
}

/* A request that is judged and does not pass goes to the package, which frees it. */
static PyObject *left(auth_request *request, auth_status status)
{
  PyObject *pair = Py_BuildValue("Ki", (unsigned long long)(uintptr_t)request, (int)status);
  if (pair == NULL)
    library.request_free(request);
  return pair;
}

static PyObject *judge_environ(PyObject *module, PyObject *arguments)
{
  unsigned long long handle;
  unsigned int chain;
  int required;
  PyObject *given, *result = NULL;
  struct asked asked;
  auth_request *request = NULL;
  auth_status status;
  const auth_edits *edits;
  const auth_user *user;
  const char *removals;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "KIO!p", &handle, &chain, &PyDict_Type, &given, &required))
    return NULL;
  if (!read_environ(&asked, given)) {
    if (PyErr_Occurred())
      return NULL;
    Py_RETURN_NONE;
  }
  if (library.request_new((const auth_context *)(uintptr_t)handle, &asked.http, &request) != AUTH_OK)
    Py_RETURN_NONE;
  if (library.request_wants(request, chain)) {
    library.request_free(request);
    Py_RETURN_NONE;
  }
  status = judge(request, chain);
  if (status == AUTH_ANONYMOUS && required)
    status = library.request_deny(request, auth_text(""));
  if (status != AUTH_OK && status != AUTH_ANONYMOUS)
    return left(request, status);
  edits = library.request_edits(request);
  removals = library.edits_lines(edits, AUTH_HEADER_REMOVE);
  user = status == AUTH_OK ? library.request_user(request) : NULL;
  if (removals == NULL)
    result = Py_BuildValue("");
  else if (edit(given, removals, 0) && edit(given, library.edits_lines(edits, AUTH_HEADER_ADD), 1) && tell(given, user))
    result = Py_BuildValue("Ny", user ? fields_of(user) : Py_BuildValue(""),
      library.response_lines(library.request_response(request)));
  library.request_free(request);
  return result;
}

static PyObject *judge_authorization(PyObject *module, PyObject *arguments)
{
  static const auth_header authorization = {AUTH_STR("Authorization"), {NULL, 0}};
  auth_http http = AUTH_HTTP_INIT;
  auth_header header = authorization;
  unsigned long long handle;
  unsigned int chain;
  Py_ssize_t value, peer;
  const auth_user *user;
  auth_request *request = NULL;
  auth_status status;
  PyObject *result;
  (void)module;
  if (!PyArg_ParseTuple(arguments, "KIy#s#", &handle, &chain, &header.value.ptr, &value, &http.peer.ptr, &peer))
    return NULL;
  header.value.len = (size_t)value;
  http.peer.len = (size_t)peer;
  http.headers = &header;
  http.n_headers = 1;
  status = library.request_new((const auth_context *)(uintptr_t)handle, &http, &request);
  if (status != AUTH_OK)
    return left(NULL, status);
  status = judge(request, chain);
  if (status != AUTH_OK)
    return left(request, status);
  user = library.request_user(request);
  result = Py_BuildValue("sssI", library.user_id(user), library.user_name(user), library.user_email(user),
    (unsigned int)library.user_flags(user));
  library.request_free(request);
  return result;
}

static PyObject *bind(PyObject *module, PyObject *addresses)
{
  size_t i;
  void *functions[FUNCTIONS];
  (void)module;
  for (i = 0; i < FUNCTIONS; i++) {
    PyObject *address = PyMapping_GetItemString(addresses, NAMES[i]);
    if (address == NULL)
      return NULL;
    functions[i] = PyLong_AsVoidPtr(address);
    Py_DECREF(address);
    if (functions[i] == NULL)
      return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "%s is NULL", NAMES[i]);
  }
  memcpy(&library, functions, sizeof library);
  Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {
  {"bind", bind, METH_O, "Takes the addresses of the library's functions, by their names."},
  {"environ", judge_environ, METH_VARARGS, "Judges a WSGI environment."},
  {"authorization", judge_authorization, METH_VARARGS, "Judges an Authorization header."},
  {NULL, NULL, 0, NULL},
};

static struct PyModuleDef DEFINITION = {PyModuleDef_HEAD_INIT, "authchain_fast", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_authchain_fast(void)
{
  PyObject *module = PyModule_Create(&DEFINITION), *names;
  size_t i;
  if (module == NULL)
    return NULL;
  for (i = 0; i < KEYS; i++)
    if ((keys[i] = PyUnicode_InternFromString(KEY_TEXTS[i])) == NULL)
      return NULL;
  names = PyList_New(0);
  for (i = 0; names != NULL && i < FUNCTIONS; i++) {
    PyObject *name = PyUnicode_FromString(NAMES[i]);
    if (name == NULL || PyList_Append(names, name) != 0)
      return NULL;
    Py_DECREF(name);
  }
  if (PyModule_AddObject(module, "FUNCTIONS", names) != 0 || PyModule_AddIntConstant(module, "INTERFACE", 2) != 0)
    return NULL;
  return module;
}
