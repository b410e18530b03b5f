"""PAM for HTTP: who a request comes from, by one chain of schemes over a Django database.

    >>> import authchain
    >>> with authchain.Context("authchain.toml") as context:
    ...     key = context.create_token("alice").key
    ...     verdict = context.authenticate({"Authorization": f"Token {key}"})
    >>> if verdict:
    ...     print(verdict.user.name)
    alice

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
from .errors import AuthError, ConfigError, Refused, Status, StoreError, Throttled
from .schemes import Refuse, Scheme, View
from .verdict import (
    ANONYMOUS,
    Assertion,
    CsrfToken,
    Edits,
    EndedSession,
    Event,
    Response,
    Session,
    StoredToken,
    Token,
    User,
    Verdict,
)

__all__ = [
    "ANONYMOUS",
    "Assertion",
    "AuthError",
    "ConfigError",
    "Context",
    "CsrfToken",
    "Edits",
    "EndedSession",
    "Endpoint",
    "Event",
    "Headers",
    "Log",
    "Refuse",
    "Refused",
    "Request",
    "Response",
    "Scheme",
    "Session",
    "Status",
    "StoreError",
    "StoredToken",
    "Text",
    "Throttled",
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
