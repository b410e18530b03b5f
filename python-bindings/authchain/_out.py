"""What comes out of the library, as Python values."""

import json
from ctypes import byref, c_char_p, c_int, c_void_p
from typing import Any, Final

from . import _ffi
from .errors import AuthError, ConfigError, Status, StoreError
from .verdict import ANONYMOUS, Edits, Event, Response, Token, User, Verdict, made

_lib: Final = _ffi.library

_request_user: Final = _ffi.short("auth_request_user")
_request_response: Final = _ffi.short("auth_request_response")
_request_event: Final = _ffi.short("auth_request_event")
_request_edits: Final = _ffi.short("auth_request_edits")
_edits_count: Final = _ffi.short("auth_edits_count")
_edits_at: Final = _ffi.short("auth_edits_at")
_edits_lines: Final = _ffi.short("auth_edits_lines")
_request_failure: Final = _ffi.short("auth_request_failure")
_response_lines: Final = _ffi.short("auth_response_lines")
_response_status: Final = _ffi.short("auth_response_status")
_response_body: Final = _ffi.short("auth_response_body")
_user_id: Final = _ffi.short("auth_user_id")
_user_name: Final = _ffi.short("auth_user_name")
_user_email: Final = _ffi.short("auth_user_email")
_user_scheme: Final = _ffi.short("auth_user_scheme")
_user_flags: Final = _ffi.short("auth_user_flags")
_user_auth: Final = _ffi.short("auth_user_auth")

_STATUSES: Final = {status.value: status for status in Status}


def verdict(request: int | None, number: int) -> Verdict:
    """What a request came to, with the status that judging it returned."""
    status = _STATUSES[number]
    return made(
        Verdict,
        {
            "status": status,
            "user": user(_request_user(request)) if number == 0 else ANONYMOUS,
            "response": response(_request_response(request)),
            "failure": text(_request_failure(request)) if number < 0 else None,
            "events": events(request),
        },
    )


def events(request: int | None) -> tuple[Event, ...]:
    """What happened besides."""
    found: list[Event] = []
    name, about = c_char_p(), c_char_p()
    while _request_event(request, len(found), byref(name), byref(about)) == 0:
        found.append(Event(text(name.value), option(about.value)))
    return tuple(found)


def edits(request: int) -> Edits:
    """What to change in the headers of a request."""
    pointer = _request_edits(request)
    removals = _edits_lines(pointer, _ffi.HEADER_REMOVE)
    if removals is None:
        return _edits_one_by_one(pointer)
    return Edits(names(removals), tuple(pairs(_edits_lines(pointer, _ffi.HEADER_ADD))))


def _edits_one_by_one(pointer: int) -> Edits:
    what, name, value = c_int(), c_char_p(), c_char_p()
    remove: list[str] = []
    add: list[tuple[str, str]] = []
    for i in range(_edits_count(pointer)):
        _edits_at(pointer, i, byref(what), byref(name), byref(value))
        if what.value == _ffi.HEADER_REMOVE:
            remove.append((name.value or b"").decode("latin-1"))
        else:
            add.append((text(name.value), text(value.value)))
    return Edits(tuple(remove), tuple(add))


def response(pointer: int) -> Response:
    """What to send."""
    fields = {
        "status": _response_status(pointer),
        "headers": pairs(_response_lines(pointer)),
        "body": text(_response_body(pointer)),
    }
    return made(Response, fields)


def names(lines: bytes) -> tuple[str, ...]:
    """Lines as names, which are the client's: of any bytes, and so Latin-1, as WSGI has it."""
    return tuple(lines.decode("latin-1").split("\n")[:-1])


def pairs(lines: bytes) -> list[tuple[str, str]]:
    """Lines as names and values."""
    found: list[tuple[str, str]] = []
    for line in lines.decode().split("\n")[:-1]:
        name, _, value = line.partition(": ")
        found.append((name, value))
    return found


def user(pointer: int, groups: tuple[str, ...] = ()) -> User:
    """Who it is."""
    flags = _user_flags(pointer)
    fields = {
        "name": text(_user_name(pointer)),
        "id": option(_user_id(pointer)),
        "email": text(_user_email(pointer)),
        "scheme": option(_user_scheme(pointer)),
        "is_active": flags & _ffi.USER_ACTIVE != 0,
        "is_staff": flags & _ffi.USER_STAFF != 0,
        "is_superuser": flags & _ffi.USER_SUPERUSER != 0,
        "is_claimed": flags & _ffi.USER_CLAIMED != 0,
        "auth": option(_user_auth(pointer)),
        "groups": groups,
        "claims": claims(pointer),
    }
    return made(User, fields)


def claims(pointer: int) -> dict[str, Any] | None:
    """What the credential itself says."""
    found = option(_lib.auth_user_claims_json(pointer))
    return None if found is None else json.loads(found)


def token(pointer: int) -> Token:
    """A fresh token, which is freed."""
    try:
        return Token(
            key=text(_lib.auth_token_key(pointer)),
            id=text(_lib.auth_token_id(pointer)),
            refresh=option(_lib.auth_token_refresh_key(pointer)),
            expires_us=_lib.auth_token_expires(pointer) or None,
        )
    finally:
        _lib.auth_token_free(pointer)


def groups(pointer: int) -> tuple[str, ...]:
    """The groups of a user that a look-up found."""
    found: list[str] = []
    while (name := _lib.auth_user_group(pointer, len(found))) is not None:
        found.append(text(name))
    return tuple(found)


def cookies(session: int | c_void_p) -> tuple[str, ...]:
    """The `Set-Cookie`s of a session."""
    found: list[str] = []
    while (cookie := _lib.auth_session_cookie(session, len(found))) is not None:
        found.append(text(cookie))
    return tuple(found)


def owned(pointer: int | None) -> User | None:
    """As `read_owned`; None for NULL."""
    return None if pointer is None else read_owned(pointer)


def read_owned(pointer: int) -> User:
    """Reads a user that the caller owns, and frees it."""
    try:
        return user(pointer, groups(pointer))
    finally:
        _lib.auth_user_free(pointer)


def found(pointer: int | None, otherwise: str) -> int:
    """The pointer. AuthError with this text: it is NULL."""
    if pointer is None:
        raise AuthError(Status.REFUSED, otherwise)
    return pointer


def text(value: bytes | None) -> str:
    """A text; empty for NULL."""
    return "" if value is None else value.decode()


def option(value: bytes | None) -> str | None:
    """A text; None for NULL."""
    return None if value is None else value.decode()


def check(number: int) -> None:
    """Raises for a failure."""
    if number < 0:
        status = Status(number)
        kind = StoreError if status is Status.ESTORE else AuthError
        raise kind(status, text(_lib.auth_strerror(number)))


def check_report(number: int, report: c_void_p) -> None:
    """Raises for a failure, with what the report says; frees the report."""
    if number != Status.ECONFIG or report.value is None:
        return check(number)
    try:
        raise ConfigError(
            text(_lib.auth_report_text(report)),
            file=text(_lib.auth_report_file(report)),
            line=_lib.auth_report_line(report),
            column=_lib.auth_report_column(report),
            remedy=text(_lib.auth_report_remedy(report)),
        )
    finally:
        _lib.auth_report_free(report)
