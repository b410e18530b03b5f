"""Schemes written in Python: DRF's "custom authentication"."""

import ctypes
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from . import _ffi
from .errors import Status

_log: Final = logging.getLogger("authchain")


class View:
    """The request as a scheme sees it: bytes as sent, empty when the host did not say.

    It is valid during the call only; afterwards everything raises ValueError.
    """

    __slots__ = ("_pointer",)

    def __init__(self, pointer: int) -> None:
        self._pointer: int | None = pointer

    def header(self, name: str | bytes) -> bytes | None:
        """A header, duplicates joined with a comma; None when there is no such header."""
        value = _ffi.auth_str()
        status = _ffi.library.auth_view_header(self._valid(), _ffi.text(name), ctypes.byref(value))
        return _ffi.read(value) if status == Status.OK else None

    @property
    def method(self) -> bytes:
        """The method."""
        return _ffi.read(_ffi.library.auth_view_method(self._valid()))

    @property
    def target(self) -> bytes:
        """Path and query."""
        return _ffi.read(_ffi.library.auth_view_target(self._valid()))

    @property
    def host(self) -> bytes:
        """The host as the server understood it."""
        return _ffi.read(_ffi.library.auth_view_host(self._valid()))

    @property
    def peer(self) -> bytes:
        """The client's address."""
        return _ffi.read(_ffi.library.auth_view_peer(self._valid()))

    @property
    def remote_user(self) -> bytes:
        """The user whom the server verified."""
        return _ffi.read(_ffi.library.auth_view_remote_user(self._valid()))

    def _valid(self) -> int:
        if self._pointer is None:
            raise ValueError("the call of the scheme is over")
        return self._pointer

    def _end(self) -> None:
        self._pointer = None


class Refuse(Exception):
    """Raised by a scheme: these credentials are mine and wrong. The client is told `detail`."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Scheme:
    """A scheme of the application's own, named in `[chains.…] schemes` like any other.

    `authenticate` answers with the name of the user (the library looks whether it exists and is
    active) or None (not mine, ask the next), or raises `Refuse`. Any other exception, and any
    other answer, is a failure (503), never a success. It runs on the thread of the request and
    may be called from several at once.
    """

    name: str
    authenticate: Callable[[View], str | None]
    challenge: str = ""
    """The value of `WWW-Authenticate`; without one a refusal is 403."""


def array(schemes: Iterable[Scheme]) -> "ctypes.Array[_ffi.auth_scheme]":
    """The schemes for the library; keep the array alive as long as they may be called."""
    made = [_struct(scheme) for scheme in schemes]
    return (_ffi.auth_scheme * len(made))(*made)


def _struct(scheme: Scheme) -> _ffi.auth_scheme:
    return _ffi.auth_scheme(
        size=ctypes.sizeof(_ffi.auth_scheme),
        flags=_ffi.SCHEME_BLOCKS,
        name=_ffi.text(scheme.name),
        challenge=_ffi.text(scheme.challenge),
        authenticate=_ffi.AUTHENTICATE(_called(scheme)),
    )


def _called(scheme: Scheme) -> Callable[[Any, Any, Any], None]:
    """What the library calls. Nothing leaves it but an answer."""

    def call(_data: int | None, view: int, answer: int) -> None:
        lent = View(view)
        try:
            _answer(answer, scheme.authenticate(lent))
        except Refuse as refusal:
            _ffi.library.auth_answer_refuse(answer, _ffi.text(refusal.detail))
        except BaseException as error:  # an exception cannot go through the library
            _log.error("the scheme %r failed", scheme.name, exc_info=True)
            _ffi.library.auth_answer_broken(answer, _ffi.text(type(error).__name__))
        finally:
            lent._end()

    return call


def _answer(answer: int, said: object) -> None:
    if said is None:
        _ffi.library.auth_answer_pass(answer)
    elif isinstance(said, str):
        _ffi.library.auth_answer_user(answer, _ffi.text(said))
    else:
        raise TypeError(f"a scheme answers with a name or None, not {type(said).__name__}")
