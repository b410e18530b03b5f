"""A Python request as the library takes it."""

import ctypes
import re
from collections.abc import Iterable
from typing import Any, Final, Protocol

from . import _ffi

Text = str | bytes
"""Bytes, or text whose characters are bytes (Latin-1), as WSGI has it."""


class HasItems(Protocol):
    """A mapping, or whatever lists its header fields as one does (`email.message.Message`)."""

    def items(self) -> Iterable[tuple[Text, Text]]: ...


Headers = HasItems | Iterable[tuple[Text, Text]] | bytes
"""A mapping, pairs of name and value, or the header lines as received."""


def http(
    headers: Headers,
    *,
    method: Text,
    target: Text,
    host: Text,
    peer: Text,
    remote_user: Text,
    tls: bool,
    skip_csrf: bool,
    now_us: int,
) -> _ffi.auth_http:
    """The struct for a request; it keeps alive what it points to.

    Header fields go as one block of lines, which costs a quarter of an array, unless one of them
    could be read as another field there: then as an array, in which any byte is only that byte.
    ValueError: a character that is no byte.
    """
    made = _ffi.auth_http(
        size=_SIZE,
        flags=(_ffi.HTTP_TLS if tls else 0) | (_ffi.HTTP_SKIP_CSRF if skip_csrf else 0),
        now_us=now_us,
    )
    parts = (("method", method), ("target", target), ("host", host), ("peer", peer), ("remote_user", remote_user))
    for name, part in parts:
        if part:
            setattr(made, name, _part(part))
    if isinstance(headers, bytes):
        made.header_block = _part(headers)
        return made
    pairs = [(_bytes(name), _bytes(value)) for name, value in _items(headers)]
    block = _block(pairs)
    if block is not None:
        made.header_block = _part(block)
    else:
        made.headers = _array(pairs)
        made.n_headers = len(pairs)
    return made


_SIZE: Final = ctypes.sizeof(_ffi.auth_http)
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110: token
_ENDS_LINE: Final = re.compile(rb"[\r\n\0]").search


def _block(pairs: list[tuple[bytes, bytes]]) -> bytes | None:
    """The fields as lines; None when a name or value does not survive that."""
    for name, value in pairs:
        if not _NAME(name) or _ENDS_LINE(value):
            return None
    return b"".join([b"%b: %b\r\n" % pair for pair in pairs])


def _array(pairs: list[tuple[bytes, bytes]]) -> "ctypes.Array[_ffi.auth_header]":
    fields = [_ffi.auth_header(_part(name), _part(value)) for name, value in pairs]
    return (_ffi.auth_header * len(fields))(*fields)


def _items(headers: HasItems | Iterable[tuple[Text, Text]]) -> Iterable[tuple[Text, Text]]:
    given: Any = headers
    pairs: Iterable[tuple[Text, Text]] = given.items() if hasattr(given, "items") else given
    return pairs


def _part(value: Text) -> _ffi.auth_str:
    data = _bytes(value)
    return _ffi.auth_str(data, len(data))


def _bytes(value: Text) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:  # its message would show a part of what may be a secret
        raise ValueError("a part of the request holds a character beyond Latin-1") from None
