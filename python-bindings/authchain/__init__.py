"""PAM for HTTP: who a request comes from, by one chain of schemes over a Django database.

    with authchain.Context("authchain.toml") as context:
        verdict = context.authenticate({"Authorization": "Token ..."})
        if verdict:
            print(verdict.user.name)

The library itself is libauthchain, found by the loader or through $AUTHCHAIN_LIBRARY.
"""

from ._http import Headers, Text
from .chain import (
    Context,
    Endpoint,
    Log,
    Request,
    check_config,
    default_context,
    library_version,
)
from .errors import AuthError, ConfigError, Status, StoreError
from .schemes import Refuse, Scheme, View
from .verdict import (
    ANONYMOUS,
    CsrfToken,
    EndedSession,
    Response,
    Session,
    StoredToken,
    Token,
    User,
    Verdict,
)

__all__ = [
    "ANONYMOUS",
    "AuthError",
    "ConfigError",
    "Context",
    "CsrfToken",
    "EndedSession",
    "Endpoint",
    "Headers",
    "Log",
    "Refuse",
    "Request",
    "Response",
    "Scheme",
    "Session",
    "Status",
    "StoreError",
    "StoredToken",
    "Text",
    "Token",
    "User",
    "Verdict",
    "View",
    "authenticate",
    "check_config",
    "default_context",
    "library_version",
]

_default: Context | None = None


def authenticate(
    headers: Headers = (),
    *,
    method: Text = "",
    target: Text = "",
    peer: Text = "",
    tls: bool = False,
) -> Verdict:
    """The one call: judges a request by `[chains.default]` of the usual configuration file.

    ConfigError: the configuration cannot be used, or has no such chain. Otherwise as
    `Context.authenticate`.
    """
    global _default
    context = _default
    if context is None:
        _default = context = default_context()
    return context.authenticate(headers, method=method, target=target, peer=peer, tls=tls)
