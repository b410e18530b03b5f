"""The C ABI: every function of include/authchain.h and the structs that go in.

`FUNCTIONS` is the one table: name -> (restype, argtypes). Handles are `c_void_p`, texts that come
out are `c_char_p` (bytes, or None for NULL), statuses are numbers. Calls release the GIL.
"""

import ctypes
import os
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from typing import Any, Final

ABI_VERSION: Final = 1
"""AUTH_ABI_VERSION of the header that this file was written for."""

LIBRARY: Final = "libauthchain.so.0.1"
"""What the loader is asked for when $AUTHCHAIN_LIBRARY does not name a file, and the wheel has brought none."""

_OWN: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), LIBRARY)

HTTP_TLS: Final = 1
HTTP_SKIP_CSRF: Final = 2
USER_ACTIVE: Final = 1
USER_STAFF: Final = 2
USER_SUPERUSER: Final = 4
USER_CLAIMED: Final = 8
TOKEN_RESET: Final = 1
BY_NAME: Final = 0
BY_ID: Final = 1
BY_EMAIL: Final = 2
NEW_STAFF: Final = 1
NEW_SUPERUSER: Final = 2
NEW_NO_PASSWORD: Final = 4
SIGN_TIMED: Final = 1
SIGN_COOKIE: Final = 2
SIGN_ANY_AGE: Final = 4
WANTS_BODY: Final = 1
HEADER_REMOVE: Final = 1
HEADER_ADD: Final = 2
SCHEME_BLOCKS: Final = 2


class auth_str(Structure):
    """Bytes with their length. Keeps the bytes object that it was made of alive."""

    _fields_ = [("ptr", c_char_p), ("len", c_size_t)]


class auth_header(Structure):
    """One header field."""

    _fields_ = [("name", auth_str), ("value", auth_str)]


class auth_http(Structure):
    """One HTTP request."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("peer_port", c_uint32),
        ("now_us", c_int64),
        ("method", auth_str),
        ("target", auth_str),
        ("host", auth_str),
        ("peer", auth_str),
        ("remote_user", auth_str),
        ("client_cert", auth_str),
        ("header_block", auth_str),
        ("headers", POINTER(auth_header)),
        ("n_headers", c_size_t),
    ]


LOG: Final = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
"""`auth_log`: data, severity, line."""

AUTHENTICATE: Final = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
"""`authenticate` of `auth_scheme`: data, view, answer."""

DESTROY: Final = CFUNCTYPE(None, c_void_p)
"""`destroy` of `auth_scheme`: data."""


CONFIGURE: Final = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(c_void_p))
"""`configure` of `auth_scheme`: data, settings, made."""


class auth_scheme(Structure):
    """A scheme of the host's own."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("name", auth_str),
        ("challenge", auth_str),
        ("authenticate", AUTHENTICATE),
        ("destroy", DESTROY),
        ("data", c_void_p),
        ("configure", CONFIGURE),
    ]


class auth_options(Structure):
    """What to open."""

    _fields_ = [
        ("size", c_size_t),
        ("path", auth_str),
        ("text", auth_str),
        ("base_dir", auth_str),
        ("host", auth_str),
        ("log", LOG),
        ("log_data", c_void_p),
        ("schemes", POINTER(auth_scheme)),
        ("n_schemes", c_size_t),
    ]


class auth_token_options(Structure):
    """What token to create."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("kind", auth_str),
        ("user", auth_str),
        ("client", auth_str),
    ]


class auth_new_user(Structure):
    """A user to create."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("name", auth_str),
        ("email", auth_str),
        ("password", auth_str),
    ]


class auth_session_options(Structure):
    """Whom to log in."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("user", auth_str),
        ("cookie", auth_str),
        ("backend", auth_str),
    ]


class auth_sign_options(Structure):
    """How to sign, and what to believe."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_uint32),
        ("now_us", c_int64),
        ("max_age", c_int64),
        ("salt", auth_str),
        ("cookie", auth_str),
    ]


STRUCTS: Final[list[type[Structure]]] = [
    auth_str,
    auth_header,
    auth_http,
    auth_scheme,
    auth_options,
    auth_token_options,
    auth_new_user,
    auth_session_options,
    auth_sign_options,
]

_OUT = POINTER(c_void_p)

FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    # library
    "auth_version": (c_char_p, []),
    "auth_abi_version": (c_uint32, []),
    "auth_strerror": (c_char_p, [c_int]),
    "auth_status_name": (c_char_p, [c_int]),
    "auth_default_context": (c_int, [_OUT, _OUT]),
    # reports
    "auth_report_file": (c_char_p, [c_void_p]),
    "auth_report_line": (c_uint32, [c_void_p]),
    "auth_report_column": (c_uint32, [c_void_p]),
    "auth_report_text": (c_char_p, [c_void_p]),
    "auth_report_remedy": (c_char_p, [c_void_p]),
    "auth_report_message": (c_char_p, [c_void_p]),
    "auth_report_free": (None, [c_void_p]),
    # contexts
    "auth_context_open": (c_int, [POINTER(auth_options), _OUT, _OUT]),
    "auth_config_check": (c_int, [POINTER(auth_options), _OUT]),
    "auth_context_chain": (c_int, [c_void_p, auth_str, POINTER(c_uint32)]),
    "auth_context_endpoint": (c_int, [c_void_p, auth_str, POINTER(c_uint32)]),
    "auth_context_free": (None, [c_void_p]),
    "auth_context_reload": (c_int, [c_void_p, _OUT]),
    "auth_context_tick": (c_int, [c_void_p]),
    "auth_context_wants_tick": (c_int, [c_void_p]),
    "auth_context_metrics": (c_int, [c_void_p, _OUT]),
    "auth_metrics_text": (c_char_p, [c_void_p]),
    "auth_metrics_free": (None, [c_void_p]),
    # requests
    "auth_authenticate": (c_int, [POINTER(auth_http), _OUT]),
    "auth_request_new": (c_int, [c_void_p, POINTER(auth_http), _OUT]),
    "auth_request_wants": (c_uint32, [c_void_p, c_uint32]),
    "auth_request_feed_body": (c_int, [c_void_p, auth_str, c_int]),
    "auth_request_serve": (c_int, [c_void_p, c_uint32]),
    "auth_request_authenticate": (c_int, [c_void_p, c_uint32]),
    "auth_request_deny": (c_int, [c_void_p, auth_str]),
    "auth_request_user": (c_void_p, [c_void_p]),
    "auth_request_response": (c_void_p, [c_void_p]),
    "auth_request_edits": (c_void_p, [c_void_p]),
    "auth_request_event": (c_int, [c_void_p, c_size_t, POINTER(c_char_p), POINTER(c_char_p)]),
    "auth_edits_count": (c_size_t, [c_void_p]),
    "auth_edits_lines": (c_char_p, [c_void_p, c_int]),
    "auth_edits_at": (c_int, [c_void_p, c_size_t, POINTER(c_int), POINTER(c_char_p), POINTER(c_char_p)]),
    "auth_request_assert": (c_int, [c_void_p, auth_str, _OUT]),
    "auth_assertion_header": (c_char_p, [c_void_p]),
    "auth_assertion_text": (c_char_p, [c_void_p]),
    "auth_assertion_free": (None, [c_void_p]),
    "auth_request_log": (c_char_p, [c_void_p]),
    "auth_request_failure": (c_char_p, [c_void_p]),
    "auth_request_free": (None, [c_void_p]),
    # responses
    "auth_response_status": (c_uint32, [c_void_p]),
    "auth_response_header": (c_int, [c_void_p, c_size_t, POINTER(c_char_p), POINTER(c_char_p)]),
    "auth_response_lines": (c_char_p, [c_void_p]),
    "auth_response_body": (c_char_p, [c_void_p]),
    # users
    "auth_user_id": (c_char_p, [c_void_p]),
    "auth_user_name": (c_char_p, [c_void_p]),
    "auth_user_email": (c_char_p, [c_void_p]),
    "auth_user_scheme": (c_char_p, [c_void_p]),
    "auth_user_flags": (c_uint32, [c_void_p]),
    "auth_user_auth": (c_char_p, [c_void_p]),
    "auth_user_claims_json": (c_char_p, [c_void_p]),
    "auth_user_claim": (c_char_p, [c_void_p, auth_str]),
    "auth_user_has_claim": (c_int, [c_void_p, auth_str, auth_str]),
    "auth_user_scope": (c_char_p, [c_void_p, c_size_t]),
    "auth_user_expires": (c_int64, [c_void_p]),
    "auth_user_group": (c_char_p, [c_void_p, c_size_t]),
    "auth_user_response": (c_void_p, [c_void_p]),
    "auth_user_clone": (c_void_p, [c_void_p]),
    "auth_user_free": (None, [c_void_p]),
    # tokens
    "auth_token_create": (c_int, [c_void_p, POINTER(auth_token_options), _OUT]),
    "auth_token_key": (c_char_p, [c_void_p]),
    "auth_token_id": (c_char_p, [c_void_p]),
    "auth_token_refresh_key": (c_char_p, [c_void_p]),
    "auth_token_expires": (c_int64, [c_void_p]),
    "auth_token_free": (None, [c_void_p]),
    "auth_token_refresh": (c_int, [c_void_p, auth_str, auth_str, _OUT]),
    "auth_token_verify": (c_int, [c_void_p, auth_str, auth_str, _OUT]),
    "auth_token_revoke": (c_int, [c_void_p, auth_str, auth_str]),
    "auth_token_revoke_all": (c_int, [c_void_p, auth_str, auth_str, POINTER(c_size_t)]),
    "auth_token_list": (c_int, [c_void_p, auth_str, auth_str, _OUT]),
    "auth_tokens_count": (c_size_t, [c_void_p]),
    "auth_tokens_id": (c_char_p, [c_void_p, c_size_t]),
    "auth_tokens_user": (c_char_p, [c_void_p, c_size_t]),
    "auth_tokens_created": (c_char_p, [c_void_p, c_size_t]),
    "auth_tokens_expires": (c_char_p, [c_void_p, c_size_t]),
    "auth_tokens_free": (None, [c_void_p]),
    # accounts
    "auth_user_lookup": (c_int, [c_void_p, c_int, auth_str, _OUT]),
    "auth_user_create": (c_int, [c_void_p, POINTER(auth_new_user), _OUT]),
    "auth_password_check": (c_int, [c_void_p, auth_str, auth_str, _OUT]),
    "auth_password_set": (c_int, [c_void_p, auth_str, auth_str]),
    # sessions
    "auth_session_create": (c_int, [c_void_p, POINTER(auth_session_options), _OUT]),
    "auth_session_end": (c_int, [c_void_p, auth_str, _OUT]),
    "auth_session_key": (c_char_p, [c_void_p]),
    "auth_session_cookie": (c_char_p, [c_void_p, c_size_t]),
    "auth_session_free": (None, [c_void_p]),
    "auth_csrf_token": (c_int, [c_void_p, _OUT]),
    "auth_csrf_text": (c_char_p, [c_void_p]),
    "auth_csrf_cookie": (c_char_p, [c_void_p]),
    "auth_csrf_free": (None, [c_void_p]),
    # signed texts
    "auth_sign": (c_int, [c_void_p, POINTER(auth_sign_options), auth_str, _OUT]),
    "auth_unsign": (c_int, [c_void_p, POINTER(auth_sign_options), auth_str, _OUT]),
    "auth_signed_text": (c_char_p, [c_void_p]),
    "auth_signed_value": (c_char_p, [c_void_p]),
    "auth_signed_time": (c_int64, [c_void_p]),
    "auth_signed_free": (None, [c_void_p]),
    # custom schemes
    "auth_view_header": (c_int, [c_void_p, auth_str, POINTER(auth_str)]),
    "auth_view_method": (auth_str, [c_void_p]),
    "auth_view_target": (auth_str, [c_void_p]),
    "auth_view_host": (auth_str, [c_void_p]),
    "auth_view_peer": (auth_str, [c_void_p]),
    "auth_view_remote_user": (auth_str, [c_void_p]),
    "auth_answer_user": (c_int, [c_void_p, auth_str]),
    "auth_answer_refuse": (c_int, [c_void_p, auth_str]),
    "auth_answer_pass": (c_int, [c_void_p]),
    "auth_answer_broken": (c_int, [c_void_p, auth_str]),
    "auth_settings_scheme": (c_char_p, [c_void_p]),
    "auth_settings_count": (c_size_t, [c_void_p]),
    "auth_settings_name": (c_char_p, [c_void_p, c_size_t]),
    "auth_settings_text": (c_int, [c_void_p, auth_str, POINTER(c_char_p)]),
    "auth_settings_integer": (c_int, [c_void_p, auth_str, c_int64, c_int64, POINTER(c_int64)]),
    "auth_settings_boolean": (c_int, [c_void_p, auth_str, POINTER(c_int)]),
    "auth_settings_refuse": (c_int, [c_void_p, auth_str, auth_str]),
}


def text(value: str | bytes) -> auth_str:
    """A text for the library: UTF-8 of a str, bytes as they are.

    ValueError: a lone surrogate, which has no UTF-8. The message does not show the text, which
    may be a secret.
    """
    data = value if isinstance(value, bytes) else _utf8(value)
    return auth_str(data, len(data))


def read(value: auth_str) -> bytes:
    """The bytes of a text from the library, with any NUL in it."""
    address = c_void_p.from_buffer(value).value  # `value.ptr` would stop at a NUL
    return ctypes.string_at(address, value.len) if address and value.len else b""


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds a lone surrogate, which has no UTF-8") from None


def _load() -> ctypes.CDLL:
    """Loads the library and gives its functions their types.

    ImportError: it cannot be loaded, lacks a function, or has another ABI.
    """
    name = os.environ.get("AUTHCHAIN_LIBRARY") or (_OWN if os.path.exists(_OWN) else LIBRARY)
    try:
        library = ctypes.CDLL(name)
        for function, (restype, argtypes) in FUNCTIONS.items():
            entry = getattr(library, function)
            entry.restype, entry.argtypes = restype, argtypes
    except (OSError, AttributeError) as error:
        hint = "install libauthchain or set AUTHCHAIN_LIBRARY to its file"
        raise ImportError(f"{name} cannot be used: {error} ({hint})") from None
    found = library.auth_abi_version()
    if found != ABI_VERSION:
        raise ImportError(f"{name} has ABI {found}, this package needs ABI {ABI_VERSION}")
    return library


library: Final = _load()


def short(name: str) -> Any:
    """A function that never blocks, for where microseconds count: its calls keep the GIL, which costs less
    than to give it away and wait for it."""
    function = unchecked(name)
    function.argtypes = FUNCTIONS[name][1]
    return function


def unchecked(name: str, *, blocks: bool = False) -> Any:
    """The same, or one that blocks, whose arguments are not looked at: they have to be ctypes' own objects,
    or numbers that fit an int."""
    kind = ctypes.CDLL if blocks else ctypes.PyDLL
    function = getattr(kind(library._name), name)
    function.restype = FUNCTIONS[name][0]
    return function
