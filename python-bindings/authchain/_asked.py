"""A chain asked by way of the C ABI with as little Python as possible, for the classes of `authchain.drf`."""

import re
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
    pointer,
    sizeof,
)
from typing import Final

from . import _ffi, _out
from .chain import Context
from .errors import AuthError, Status
from .verdict import Verdict

_judge: Final = _ffi.unchecked("auth_request_authenticate", blocks=True)
_free: Final = _ffi.unchecked("auth_request_free")  # its context is open still: closes nothing
_new: Final = _ffi.unchecked("auth_request_new")
_user: Final = _ffi.unchecked("auth_request_user")
_id: Final = _ffi.short("auth_user_id")
_name: Final = _ffi.short("auth_user_name")
_email: Final = _ffi.short("auth_user_email")
_flags: Final = _ffi.short("auth_user_flags")


class Http(Structure):
    """`auth_http` with its texts in two fields each, which are set in half the time."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("peer_port", c_uint32),
        ("now_us", c_int64),
        *[(f"{text}{part}", c_void_p) for text in ("method", "target", "host") for part in ("", "_len")],
        ("peer", c_char_p),
        ("peer_len", c_size_t),
        *[(f"{text}{part}", c_void_p) for text in ("remote_user", "client_cert") for part in ("", "_len")],
        ("block", c_char_p),
        ("block_len", c_size_t),
        ("headers", POINTER(_ffi.auth_header)),
        ("n_headers", c_size_t),
    ]


_SIZE: Final = sizeof(Http)
assert _SIZE == sizeof(_ffi.auth_http)

_ENDS_LINE: Final = re.compile(rb"[\r\n\0]").search

Found = tuple[str, str, str, int]
"""Key, name, address and flags of a user."""

calls = 0
"""How often the library was asked: tests compare it with what they did."""


class Asked:
    """A chain of a context."""

    __slots__ = ("_chain", "_handle", "_pointer", "context")

    def __init__(self, context: Context, chain: str = "default") -> None:
        self.context: Final = context
        self._handle: Final = context._open()  # stays open as long as this
        self._pointer: Final = c_void_p(self._handle.pointer)
        self._chain: Final = context._chain(self._handle, chain)

    def authorization(self, value: bytes, peer: str) -> Found | Verdict:
        """Who it is by the value of `Authorization`; the verdict if it is not somebody."""
        global calls
        calls += 1
        http = Http(_SIZE)
        if _ENDS_LINE(value):  # no server lets it through, but a test client does
            field = _ffi.auth_header(_ffi.text(b"Authorization"), _ffi.auth_str(value, len(value)))
            http.headers, http.n_headers = pointer(field), 1
        else:
            http.block = block = b"Authorization: " + value
            http.block_len = len(block)
        http.peer = address = peer.encode()
        http.peer_len = len(address)
        request = c_void_p()
        status = _new(self._pointer, byref(http), byref(request))
        if status != 0:
            raise AuthError(Status(status), "the library cannot take the Authorization header")
        try:
            status = _judge(request, self._chain)
            if status != 0:
                return _out.verdict(request.value, status)
            user = _user(request)
            return _id(user).decode(), _name(user).decode(), _email(user).decode(), _flags(user)
        finally:
            _free(request)
