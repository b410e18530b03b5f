"""A middleware that sets `request.user` by a chain."""
# mypy: disable-error-code="import-untyped", allow-untyped-calls

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse

from .. import _environ
from ..errors import Status
from ..verdict import Verdict
from . import configuration
from .events import announce
from .instances import Users


class AuthenticationMiddleware:
    """In the place of Django's `AuthenticationMiddleware`: `request.user` is whom the chain finds, an
    `AnonymousUser` where the chain lets nobody pass; `request.authchain` is the verdict. What the chain
    refuses is answered here, word for word.

    CSRF is the library's affair for the schemes that need it (`session`); the views of other sites' forms
    keep Django's `CsrfViewMiddleware`. The body of a form is read here where it decides.
    """

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response: Final = get_response

    def __call__(self, request: Any) -> Any:
        verdict = _judged(request)
        announce(verdict.events, request)
        if verdict.status not in (Status.OK, Status.ANONYMOUS):
            return _answer(verdict)
        request.authchain = verdict
        request.user = AnonymousUser()
        if verdict:
            request.user = _user(verdict)
        response = self.get_response(request)
        for name, value in verdict.response.headers:
            _add(response, name, value)
        return response


def _judged(request: Any) -> Verdict:
    chain: str = configuration.option("CHAIN", "default")
    skips = getattr(request, "_dont_enforce_csrf_checks", False)
    host = f"{request.META.get('SERVER_NAME', '')}:{request.get_port()}"
    facts = {**_environ.facts(request.META), "tls": request.is_secure(), "host": host}
    with configuration.context().request(**facts, skip_csrf=skips) as asked:
        if asked.wants_body(chain):
            asked.feed(request.body)
        return asked.authenticate(chain)


def _user(verdict: Verdict) -> Any:
    users = configuration.kept("users", Users)
    if configuration.option("EXACT_QUERIES", False):
        return users.whole(verdict.user) or AnonymousUser()
    return users.of(verdict.user)


def _answer(verdict: Verdict) -> Any:
    response = HttpResponse(verdict.response.body, status=verdict.response.status)
    del response.headers["Content-Type"]
    for name, value in verdict.response.headers:
        _add(response, name, value)
    return response


def _add(response: Any, name: str, value: str) -> None:
    """Django keeps one header of a name; its cookies have a place of their own."""
    if name == "Set-Cookie":
        response.cookies.load(value)
    elif name == "Vary" and response.has_header("Vary"):
        response.headers["Vary"] += f", {value}"
    else:
        response.headers[name] = value
