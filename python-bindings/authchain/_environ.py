"""A WSGI environment (PEP 3333) as a request.

WSGI writes header names in capitals with `_` for `-`, so `X_A` and `X-A` of a client are one
header here, and a server joins fields of one name with a comma. Other servers keep them apart.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict
from urllib.parse import quote

from .verdict import User

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


class Facts(TypedDict):
    """What an environment says about its request: arguments of `Context.authenticate`."""

    headers: list[tuple[str, str]] | bytes
    method: str
    target: str
    host: str
    peer: str
    remote_user: str
    tls: bool


def facts(environ: Mapping[str, Any]) -> Facts:
    """Reads an environment; the header fields as lines where that is no less than pairs."""
    lines = block(environ)
    return Facts(
        headers=headers(environ) if lines is None else lines,
        method=environ.get("REQUEST_METHOD", ""),
        target=target(environ),
        host=environ.get("HTTP_HOST") or environ.get("SERVER_NAME", ""),
        peer=environ.get("REMOTE_ADDR", ""),
        remote_user=environ.get("REMOTE_USER") or "",
        tls=environ.get("wsgi.url_scheme") == "https",
    )


def headers(environ: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The header fields. `CONTENT_TYPE` and `CONTENT_LENGTH` are empty when there are none."""
    found = [(_name(key[5:]), value) for key, value in environ.items() if key.startswith("HTTP_")]
    content = [(_name(key), environ.get(key)) for key in _CONTENT]
    return found + [(name, value) for name, value in content if value]


def block(environ: Mapping[str, Any]) -> bytes | None:
    """The header fields as lines; None when one of them could be read as another field there."""
    begins = _BEGINS
    try:
        lines = [begin + value for key, value in environ.items() if (begin := begins[key])]
        for key in _CONTENT:
            if value := environ.get(key):
                lines.append(_name(key) + ": " + value)
        joined = "\n".join(lines)
        is_whole = joined.count("\n") == max(len(lines) - 1, 0) and "\r" not in joined and "\0" not in joined
        return joined.encode("latin-1") if is_whole else None
    except (TypeError, UnicodeEncodeError):  # bytes of a test client; no bytes at all
        return None


def target(environ: Mapping[str, Any]) -> str:
    """Path and query as sent where the server says so, else put together again."""
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if isinstance(sent, str) and sent.startswith("/"):
        return sent
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    quoted = path if _PLAIN(path) else quote(path, encoding="latin-1")
    return f"{quoted}?{query}" if query else quoted


def edit(environ: "WSGIEnvironment", removals: Iterable[str], additions: Iterable[tuple[str, str]], user: User) -> None:
    """What an application may believe of a user: takes away, adds, and tells."""
    for key in removals:
        environ.pop(key, None)
    for key, value in additions:
        environ[key] = value
    environ["authchain.user"] = user
    if user.id is None:
        environ.pop("REMOTE_USER", None)
        environ.pop("AUTH_TYPE", None)
    else:
        environ["REMOTE_USER"] = user.name.encode().decode("latin-1")  # PEP 3333: bytes as Latin-1
        environ["AUTH_TYPE"] = user.scheme


def key(name: str) -> str:
    """The key of a header."""
    return "HTTP_" + name.upper().replace("-", "_")


def _name(key: str) -> str:
    return key.replace("_", "-")


class _Begins(dict[str, str]):
    """The beginnings of lines by the keys of environments; empty for what is no header field of its own."""

    def __missing__(self, key: str) -> str:
        begin = _begin(key)
        if len(self) < _MOST_BEGINS:  # clients choose names
            self[key] = begin
        return begin


def _begin(key: str) -> str:
    """The beginning of a line; a line break for what is none, so that it is not taken for one."""
    if not key.startswith("HTTP_"):
        return ""
    name = _name(key[5:])
    return name + ": " if _NAME(name) else "\n"


_CONTENT: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")
_BEGINS: Final = _Begins()
_MOST_BEGINS: Final = 1000
_NAME: Final = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+").fullmatch  # RFC 9110: token
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
"""What `quote` leaves as it is."""
