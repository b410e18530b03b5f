"""A WSGI environment (PEP 3333) as a request.

WSGI writes header names in capitals with `_` for `-`, so `X_A` and `X-A` of a client are one
header here, and a server joins fields of one name with a comma. Other servers keep them apart.
"""

from collections.abc import Mapping
from typing import Any, TypedDict
from urllib.parse import quote


class Facts(TypedDict):
    """What an environment says about its request: arguments of `Context.authenticate`."""

    headers: list[tuple[str, str]]
    method: str
    target: str
    host: str
    peer: str
    remote_user: str
    tls: bool


def facts(environ: Mapping[str, Any]) -> Facts:
    """Reads an environment."""
    return Facts(
        headers=headers(environ),
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
