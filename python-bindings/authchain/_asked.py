"""A chain asked by way of the C ABI with as little Python as possible, for the classes of `authchain.drf`."""

import re
from ctypes import byref, c_void_p, pointer, sizeof
from typing import Final

from . import _ffi, _out
from .chain import Context
from .errors import AuthError, Status
from .verdict import Verdict

_judge: Final = _ffi.library.auth_request_authenticate
_free: Final = _ffi.library.auth_request_free
_new: Final = _ffi.short("auth_request_new")
_user: Final = _ffi.short("auth_request_user")
_id: Final = _ffi.short("auth_user_id")
_name: Final = _ffi.short("auth_user_name")
_email: Final = _ffi.short("auth_user_email")
_flags: Final = _ffi.short("auth_user_flags")
_SIZE: Final = sizeof(_ffi.auth_http)

_ENDS_LINE: Final = re.compile(rb"[\r\n\0]").search

Found = tuple[str, str, str, int]
"""Key, name, address and flags of a user."""

calls = 0
"""How often the library was asked: tests compare it with what they did."""


class Asked:
    """A chain of a context."""

    __slots__ = ("_chain", "_handle", "_peer", "_pointer", "context")

    def __init__(self, context: Context, chain: str = "default") -> None:
        self.context: Final = context
        self._handle: Final = context._open()  # stays open as long as this
        self._pointer: Final = self._handle.pointer
        self._chain: Final = context._chain(self._handle, chain)
        self._peer = ("", _ffi.auth_str())

    def authorization(self, value: bytes, peer: str) -> Found | Verdict:
        """Who it is by the value of `Authorization`; the verdict if it is not somebody."""
        global calls
        calls += 1
        http = _ffi.auth_http(_SIZE)
        if _ENDS_LINE(value):  # no server lets it through, but a test client does
            field = _ffi.auth_header(_ffi.text(b"Authorization"), _ffi.auth_str(value, len(value)))
            http.headers, http.n_headers = pointer(field), 1
        else:
            block = b"Authorization: " + value
            http.header_block = _ffi.auth_str(block, len(block))
        last = self._peer  # the proxy, as a rule
        if last[0] != peer:
            last = self._peer = (peer, _ffi.text(peer))
        http.peer = last[1]
        out = c_void_p()
        status = _new(self._pointer, byref(http), byref(out))
        if status != 0:
            raise AuthError(Status(status), "the library cannot take the Authorization header")
        request = out.value
        try:
            status = _judge(request, self._chain)
            if status != 0:
                return _out.verdict(request, status)
            user = _user(request)
            return _id(user).decode(), _name(user).decode(), _email(user).decode(), _flags(user)
        finally:
            _free(request)
