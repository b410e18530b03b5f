"""What the WSGI and the ASGI middleware have in common: one request of theirs, judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .chain import Context, Endpoint, Request
from .errors import ConfigError, Status
from .verdict import Edits, Verdict

MOST_BODY: Final = (5 << 19) + 1
"""What is read of a body that decides: of more than 2.5 MiB the library keeps nothing."""

USUAL_PLACES: Final[Mapping[str, str]] = {
    "/api-token-auth/": "obtain_auth_token",
    "/accounts/login/": "login",
    "/accounts/logout/": "logout",
}
"""Where the endpoints are when their `path` is not configured."""

Endpoints = bool | Mapping[str, str]
"""Paths and the endpoints served there, `/sessions/*` for one with ids below it; True: those that there are,
in their usual places."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and what becomes of the request."""

    verdict: Verdict
    edits: Edits
    answers: bool
    """Whether the response is the answer and the application is not asked."""


class Judge:
    """What a middleware asks of each request."""

    __slots__ = ("_below", "_chain", "_endpoints", "_required", "context")

    def __init__(self, context: Context, chain: str, required: bool, endpoints: Endpoints) -> None:
        self.context: Final = context
        self._chain = chain
        self._required = required
        self._endpoints = _found(context, endpoints)
        self._below = [(path[:-1], found) for path, found in self._endpoints.items() if path.endswith("/*")]
        with context.request() as request:
            request.wants_body(chain)  # a chain that there is not is told now, not to the first client

    def is_endpoint(self, path: str) -> bool:
        """Whether something else than the chain decides about a path."""
        return path in self._endpoints or any(path.startswith(begin) for begin, _ in self._below)

    def target(self, path: str) -> str | Endpoint:
        """What decides about a path."""
        found = self._endpoints.get(path)
        if found is not None:
            return found
        return next((found for begin, found in self._below if path.startswith(begin)), self._chain)

    def judge(self, request: Request, target: str | Endpoint) -> Judged:
        """The verdict. Blocks: database, password hashes."""
        if isinstance(target, Endpoint):
            return Judged(request.serve(target), request.edits(), answers=True)
        verdict = request.authenticate(target)
        if self._required and verdict.status is Status.ANONYMOUS:
            verdict = request.deny()
        return Judged(verdict, request.edits(), answers=verdict.status not in (Status.OK, Status.ANONYMOUS))


def _found(context: Context, endpoints: Endpoints) -> dict[str, Endpoint]:
    if endpoints is False:
        return {}
    if endpoints is not True:
        return {path: context.endpoint(name) for path, name in endpoints.items()}
    found: dict[str, Endpoint] = {}
    for path, name in USUAL_PLACES.items():
        try:
            found[path] = context.endpoint(name)
        except ConfigError:
            continue
    return found
