"""What type checkers see of the middlewares and of Django's part. Not run, as api.py."""

from collections.abc import Iterable
from typing import Any, assert_type
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from authchain import Context, Refused, Response, Throttled, asgi, wsgi


def wsgi_application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    start("200 OK", [])
    return [b""]


async def asgi_application(scope: Any, receive: asgi.Receive, send: asgi.Send) -> None:
    await send(await receive())


def middlewares(context: Context) -> None:
    application: WSGIApplication = wsgi.Middleware(wsgi_application, context)
    wsgi.Middleware(application, context, "api", required=True, endpoints={"/login": "login"})
    wsgi.Middleware(application, context, endpoints=True)
    asgi_made: asgi.Application = asgi.Middleware(asgi_application, context)
    asgi.Middleware(asgi_made, context, "api", required=True, endpoints=wsgi.USUAL_PLACES)
    wsgi.Middleware(application)  # type: ignore[call-arg]
    wsgi.Middleware(application, context, True)  # type: ignore[arg-type]
    wsgi.Middleware(application, context, endpoints=["/login"])  # type: ignore[arg-type]
    asgi.Middleware(wsgi_application, context)  # type: ignore[arg-type]


def refusals(refused: Refused, throttled: Throttled) -> None:
    assert_type(refused.response, Response)
    assert_type(throttled.response.headers, list[tuple[str, str]])
