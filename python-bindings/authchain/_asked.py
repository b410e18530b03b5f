"""A chain asked by way of the C ABI with as little Python as possible, for the classes of `authchain.drf` and
for `authchain.wsgi`."""

import json
import re
from collections.abc import Callable, Mapping
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_char_p,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
    cast,
    pointer,
    sizeof,
)
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from . import _environ, _ffi, _out
from .chain import Context
from .errors import AuthError, Status
from .verdict import ANONYMOUS, User, Verdict, made

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_judge: Final = _ffi.unchecked("auth_request_authenticate", blocks=True)
_free: Final = _ffi.unchecked("auth_request_free")  # its context is open still: closes nothing
_new: Final = _ffi.unchecked("auth_request_new")
_wants: Final = _ffi.unchecked("auth_request_wants")
_user: Final = _ffi.unchecked("auth_request_user")
_id: Final = _ffi.short("auth_user_id")
_name: Final = _ffi.short("auth_user_name")
_email: Final = _ffi.short("auth_user_email")
_flags: Final = _ffi.short("auth_user_flags")
_edits: Final = _ffi.unchecked("auth_request_edits")
_edits_lines: Final = _ffi.short("auth_edits_lines")
_response: Final = _ffi.unchecked("auth_request_response")
_response_lines: Final = _ffi.short("auth_response_lines")

_lib: Final = _ffi.library


class Http(Structure):
    """`auth_http` with its texts in two fields each, which are set in half the time."""

    _fields_ = [
        ("size", c_size_t),
        ("flags", c_uint32),
        ("peer_port", c_uint32),
        ("now_us", c_int64),
        *[
            (f"{text}{part}", kind)
            for text in ("method", "target", "host", "peer", "remote_user", "cert")
            for part, kind in (("", c_char_p), ("_len", c_size_t))
        ],
        ("block", c_char_p),
        ("block_len", c_size_t),
        ("headers", POINTER(_ffi.auth_header)),
        ("n_headers", c_size_t),
    ]


_SIZE: Final = sizeof(Http)
assert sizeof(_ffi.auth_http) == _SIZE

_ENDS_LINE: Final = re.compile(rb"[\r\n\0]").search

Found = tuple[str, str, str, int]
"""Key, name, address and flags of a user."""

Passed = bytes
"""The headers to add to the answer, as lines of the library."""

calls = 0
"""How often the library was asked: tests compare it with what they did."""


class Asked:
    """A chain of a context."""

    __slots__ = ("_chain", "context")

    def __init__(self, context: Context, chain: str = "default") -> None:
        self.context: Final = context
        self._chain: Final = c_uint32(context._chain(context._open(), chain))

    @staticmethod
    def of(context: Context, chain: str = "default") -> "Asked":
        """By the quickest way that there is."""
        return Asked(context, chain) if _fast is None else Quick(context, chain)

    def authorization(self, value: bytes, peer: str) -> Found | Verdict:
        """Who it is by the value of `Authorization`; the verdict if it is not somebody."""
        request = self._headed(value, peer)
        try:
            status = _judge(request, self._chain)
            if status != 0:
                return _out.verdict(request.value, status)
            user = _user(request)
            return _id(user).decode(), _name(user).decode(), _email(user).decode(), _flags(user)
        finally:
            _free(request)

    def verdict(self, value: bytes, peer: str) -> Verdict:
        """The same where what happened besides counts, too."""
        request = self._headed(value, peer)
        try:
            return _out.verdict(request.value, _judge(request, self._chain))
        finally:
            _free(request)

    def _headed(self, value: bytes, peer: str) -> c_void_p:
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
        return self._begun(http, "the library cannot take the Authorization header")

    def environ(self, environ: "WSGIEnvironment", required: bool) -> Passed | Verdict | None:
        """Judges a WSGI environment, and edits that of whoever passes. The verdict on whoever does not; None where
        the body decides, and where `Context.request` has to make the request or to say why it cannot."""
        block = _environ.block(environ)
        if block is None:
            return None
        try:
            request = self._begun(_http(environ, block), "the headers are larger than 1 MiB")
        except UnicodeEncodeError:
            return None
        try:
            return None if _wants(request, self._chain) else self._passed(request, environ, required)
        finally:
            _free(request)

    def _passed(self, request: c_void_p, environ: "WSGIEnvironment", required: bool) -> Passed | Verdict | None:
        status = _judge(request, self._chain)
        if required and status == Status.ANONYMOUS:
            status = _lib.auth_request_deny(request, _ffi.text(""))
        if status not in _PASSES:
            return _out.verdict(request.value, status)
        edits = _edits(request)
        removals = _edits_lines(edits, _ffi.HEADER_REMOVE)
        if removals is None:  # not of these headers, but perhaps of the configuration
            return None
        additions = [(_environ.key(name), value) for name, value in _out.pairs(_edits_lines(edits, _ffi.HEADER_ADD))]
        user = _out.user(_user(request)) if status == 0 else ANONYMOUS
        _environ.edit(environ, _KEYS[removals], additions, user)
        lines: bytes = _response_lines(_response(request))
        return lines

    def _begun(self, http: Http, otherwise: str) -> c_void_p:
        request = c_void_p()
        handle = self.context._open()
        status = _new(handle.argument, byref(http), byref(request))
        if status != 0:
            raise AuthError(Status(status), otherwise)
        return request


class Quick(Asked):
    """The same by the optional module `authchain_fast`, which leaves what is not usual to this one."""

    __slots__ = ()

    def authorization(self, value: bytes, peer: str) -> Found | Verdict:
        global calls
        calls += 1
        handle = self.context._open()
        found = _fast.authorization(handle.pointer, self._chain.value, value, peer.encode())
        return _left(*found) if len(found) == 2 else found

    def environ(self, environ: "WSGIEnvironment", required: bool) -> Passed | Verdict | None:
        handle = self.context._open()
        found = _fast.environ(handle.pointer, self._chain.value, environ, required)
        if found is None:
            return super().environ(environ, required)
        user, last = found
        if isinstance(user, int):
            return _left(user, last)
        if user is not None and user["claims"] is not None:
            user["claims"] = json.loads(user["claims"])
        environ["authchain.user"] = ANONYMOUS if user is None else made(User, user)
        lines: bytes = last
        return lines


def _left(request: int, status: int) -> Verdict:
    """The verdict on a request that the module has judged and left."""
    if not request:
        raise AuthError(Status(status), "the library cannot take the Authorization header")
    try:
        return _out.verdict(request, status)
    finally:
        _free(c_void_p(request))


def _bound() -> Any:
    """The optional module with the library's functions; None where there is none for this package."""
    try:
        module = import_module("authchain_fast")
    except ImportError:
        return None
    if module.INTERFACE != _INTERFACE:
        return None
    module.bind({name: cast(getattr(_ffi.library, name), c_void_p).value for name in module.FUNCTIONS})
    return module


_INTERFACE: Final = 2
"""What this package can talk to."""
_fast: Final = _bound()


def _http(environ: Mapping[str, Any], block: bytes) -> Http:
    http = Http(_SIZE, _ffi.HTTP_TLS if environ.get("wsgi.url_scheme") == "https" else 0)
    http.block, http.block_len = block, len(block)
    http.method = method = environ.get("REQUEST_METHOD", "").encode("latin-1")
    http.method_len = len(method)
    http.target = target = _environ.target(environ).encode("latin-1")
    http.target_len = len(target)
    http.host = host = (environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")).encode("latin-1")
    http.host_len = len(host)
    http.peer = peer = environ.get("REMOTE_ADDR", "").encode("latin-1")
    http.peer_len = len(peer)
    if name := environ.get("REMOTE_USER"):
        http.remote_user = remote_user = name.encode("latin-1")
        http.remote_user_len = len(remote_user)
    return http


_Value = TypeVar("_Value")


class Remembered(dict[bytes, _Value]):
    """What lines mean, of those that come again with every request."""

    def __init__(self, make: Callable[[bytes], _Value]) -> None:
        super().__init__()
        self._make: Final = make

    def __missing__(self, lines: bytes) -> _Value:
        value = self._make(lines)
        if len(self) < _MOST_REMEMBERED and b"Set-Cookie" not in lines:
            self[lines] = value
        return value


_MOST_REMEMBERED: Final = 100
_KEYS: Final = Remembered(lambda lines: tuple(map(_environ.key, _out.names(lines))))

_PASSES: Final = (Status.OK.value, Status.ANONYMOUS.value)
