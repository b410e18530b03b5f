"""A WSGI middleware (PEP 3333) that says who each request comes from.

    from authchain import Context
    from authchain.wsgi import Middleware

    application = Middleware(application, Context("authchain.toml"))

Of a request that passes the application sees in its environment: `REMOTE_USER` and `AUTH_TYPE` (the
scheme by its name in the configuration), absent for nobody whatever the server said; `authchain.user`,
a `User`; and `HTTP_X_AUTH_USER`, `HTTP_X_AUTH_USER_ID` and `HTTP_X_AUTH_SCHEME`, never the client's own.
A refusal is answered by the middleware, word for word as the library says it.
"""

import io
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from . import _out
from ._asked import Asked, Remembered
from ._environ import edit, facts, key
from ._hosted import MOST_BODY, USUAL_PLACES, Endpoints, Judge
from .chain import Context, Request
from .verdict import Response, Verdict

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["USUAL_PLACES", "Middleware", "facts"]


class Middleware:
    """Judges each request by a chain before the application sees it.

    Nobody passes where the chain says so (`anonymous = "allow"`), unless `required`. `endpoints` says
    where the configuration's endpoints are served: paths and their names, or True for those that there
    are, in their usual places (the library does not tell a configured `path`).

    ConfigError: no such chain or endpoint.
    """

    __slots__ = ("_app", "_asked", "_judge", "_required")

    def __init__(
        self,
        app: "WSGIApplication",
        context: Context,
        chain: str = "default",
        *,
        required: bool = False,
        endpoints: Endpoints = False,
    ) -> None:
        self._app: Final = app
        self._judge: Final = Judge(context, chain, required, endpoints)
        self._asked: Final = Asked.of(context, chain)
        self._required: Final = required

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        is_endpoint = self._judge.is_endpoint(environ.get("PATH_INFO", ""))
        passed = None if is_endpoint else self._asked.environ(environ, self._required)
        if passed is None:
            return self._by_steps(environ, start)
        if isinstance(passed, Verdict):
            return _answer(passed.response, environ, start)
        return self._app(environ, _adding(start, _HEADERS[passed]) if passed else start)

    def _by_steps(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """The same for what needs more than one question."""
        judge = self._judge
        target = judge.target(environ.get("PATH_INFO", ""))
        with judge.context.request(**facts(environ)) as request:
            if request.wants_body(target):
                _feed(request, environ)
            judged = judge.judge(request, target)
        if judged.answers:
            return _answer(judged.verdict.response, environ, start)
        additions = [(key(name), value) for name, value in judged.edits.add]
        edit(environ, map(key, judged.edits.remove), additions, judged.verdict.user)
        more = judged.verdict.response.headers
        return self._app(environ, _adding(start, more) if more else start)


_HEADERS: Final = Remembered(_out.pairs)
"""What lines of headers mean, of answers that come again with every request."""


def _adding(start: "StartResponse", more: list[tuple[str, str]]) -> "StartResponse":
    """Adds the headers of a success, such as `Vary` and a prolonged session's `Set-Cookie`."""

    def adding(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        return start(status, [*headers, *more], exc_info)

    return adding


def _answer(
    response: Response, environ: "WSGIEnvironment", start: "StartResponse"
) -> Iterable[bytes]:
    body = response.body.encode()
    headers = [*response.headers, ("Content-Length", str(len(body)))]
    start(f"{response.status} {_phrase(response.status)}", headers)
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _feed(request: Request, environ: "WSGIEnvironment") -> None:
    """Hands over the body and gives it back to the application."""
    source = environ["wsgi.input"]
    body = _read(source, _length(environ))
    request.feed(body)
    rest = source if len(body) == MOST_BODY else io.BytesIO()
    environ["wsgi.input"] = io.BufferedReader(_Again(body, rest))


def _length(environ: "WSGIEnvironment") -> int:
    """How much may be read. Without a length there is no body, unless the server says where it ends."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        return min(int(length), MOST_BODY)
    return MOST_BODY if environ.get("wsgi.input_terminated") else 0


def _read(source: Any, length: int) -> bytes:
    pieces: list[bytes] = []
    while length > 0 and (piece := source.read(min(length, 1 << 16))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


class _Again(io.RawIOBase):
    """A body of which the beginning was read already."""

    def __init__(self, read: bytes, rest: Any) -> None:
        self._read = io.BytesIO(read)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._read.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
