"""A WSGI environment (PEP 3333) as a request.

WSGI writes header names in capitals with `_` for `-`, so `X_A` and `X-A` of a client are one
header here, and a server joins fields of one name with a comma. Other servers keep them apart.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypedDict
from urllib.parse import quote


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
    content = [(_name(key), environ.get(key)) for key in ("CONTENT_TYPE", "CONTENT_LENGTH")]
    return found + [(name, value) for name, value in content if value]


def block(environ: Mapping[str, Any]) -> bytes | None:
    """The header fields as lines; None when one of them could be read as another field there."""
    try:
        lines = [
            (_LINES.get(key) or _line(key)) + value
            for key, value in environ.items()
            if key.startswith("HTTP_") or (key in _CONTENT and value)
        ]
        joined = "\r\n".join(lines)
        breaks = max(len(lines) - 1, 0)
        is_whole = joined.count("\n") == joined.count("\r") == breaks and "\0" not in joined
        return joined.encode("latin-1") if is_whole else None
    except (TypeError, UnicodeEncodeError):  # bytes of a test client; no bytes at all
        return None


def target(environ: Mapping[str, Any]) -> str:
    """Path and query as sent where the server says so, else put together again."""
    for key in ("RAW_URI", "REQUEST_URI"):
        sent = environ.get(key)
        if isinstance(sent, str) and sent.startswith("/"):
            return sent
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    return quote(path, encoding="latin-1") + (f"?{query}" if query else "")


def _name(key: str) -> str:
    return key.replace("_", "-")


_CONTENT: Final = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_LINES: Final[dict[str, str]] = {}
"""The beginnings of lines by the keys of environments, of names that are names in a line too."""
_MOST_LINES: Final = 1000
_NAME: Final = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+").fullmatch  # RFC 9110: token


def _line(key: str) -> str:
    """The beginning of a line; a line break for what is none, so that it is not taken for one."""
    name = _name(key.removeprefix("HTTP_") if key not in _CONTENT else key)
    if not _NAME(name):
        return "\n"
    if len(_LINES) < _MOST_LINES:  # clients choose names
        _LINES[key] = name + ": "
    return name + ": "
