"""An ASGI middleware that says who each request comes from, without blocking the loop.

    from authchain import Context
    from authchain.asgi import Middleware

    application = Middleware(application, Context("authchain.toml"))

Of a request that passes the application sees `scope["authchain.user"]`, a `User`, and the headers
`X-Auth-User`, `X-Auth-User-Id` and `X-Auth-Scheme`, never the client's own. A refusal is answered by the
middleware, word for word as the library says it; that of a WebSocket closes it before it is accepted.

The verdict, which waits for the database and hashes passwords, is made in the loop's default executor.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from ._hosted import MOST_BODY, USUAL_PLACES, Endpoints, Judge, Judged
from .chain import Context, Endpoint, Request
from .verdict import Edits, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

__all__ = ["USUAL_PLACES", "Middleware"]


class Middleware:
    """Judges each request by a chain before the application sees it; as `authchain.wsgi.Middleware`.

    Browsers send cookies with a WebSocket that another site's page opens: a session opens none from an
    `Origin` that is neither the host nor one of `csrf_trusted_origins`.
    """

    __slots__ = ("_app", "_judge")

    def __init__(
        self,
        app: Application,
        context: Context,
        chain: str = "default",
        *,
        required: bool = False,
        endpoints: Endpoints = False,
    ) -> None:
        self._app: Final = app
        self._judge: Final = Judge(context, chain, required, endpoints)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in ("http", "websocket"):  # "lifespan" has no client
            return await self._app(scope, receive, send)
        judge = self._judge
        target = judge.target(scope["path"])
        request = _begin(judge.context, scope)
        try:
            if kind == "http" and request.wants_body(target):
                fed = await _feed(request, receive)
                if fed is None:
                    return
                receive = fed
            judged = await _judged(judge, request, target)
        finally:
            request.close()
        if judged.answers:
            refuse = _refuse_websocket if kind == "websocket" else _answer
            return await refuse(judged.verdict.response, scope, receive, send)
        scope = {**scope, "headers": _edited(scope, judged.edits), "authchain.user": judged.verdict.user}
        await self._app(scope, receive, _adding(send, judged.verdict.response))


async def _judged(judge: Judge, request: Request, target: str | Endpoint) -> Judged:
    """The verdict, made by another thread. Where the task is cancelled it is waited for all the same:
    the request may not be closed under it, and waiting for that would block the loop."""
    making = asyncio.get_running_loop().run_in_executor(None, judge.judge, request, target)
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait([making])
        raise


def _begin(context: Context, scope: MutableMapping[str, Any]) -> Request:
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    if scope["type"] == "websocket":  # HTTP/2 says so in another way (RFC 8441)
        headers.append((b"upgrade", b"websocket"))
    query: bytes = scope.get("query_string", b"")
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    return context.request(
        headers,
        method=scope.get("method", "GET"),
        target=path + b"?" + query if query else path,
        host=next((value for name, value in headers if name.lower() == b"host"), b""),
        peer=client[0] if client else "",
        tls=scope.get("scheme") in ("https", "wss"),
    )


def _edited(scope: MutableMapping[str, Any], edits: Edits) -> list[tuple[bytes, bytes]]:
    """The headers that the application may believe."""
    gone = {name.encode("latin-1").lower() for name in edits.remove}
    kept = [(name, value) for name, value in scope["headers"] if name.lower() not in gone]
    return kept + [(name.lower().encode(), value.encode()) for name, value in edits.add]


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]


def _adding(send: Send, response: Response) -> Send:
    """Adds the headers of a success, such as `Vary` and a prolonged session's `Set-Cookie`."""
    more = _headers(response)
    if not more:
        return send

    async def adding(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return adding


async def _answer(response: Response, scope: Message, _receive: Receive, send: Send) -> None:
    body = response.body.encode()
    headers = [*_headers(response), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    shown = b"" if scope.get("method") == "HEAD" else body
    await send({"type": "http.response.body", "body": shown})


async def _refuse_websocket(
    response: Response, scope: Message, receive: Receive, send: Send
) -> None:
    """Before it is accepted a WebSocket is an HTTP request; a server that cannot be told the answer
    says 403 when it is closed (ASGI, "websocket.close")."""
    await receive()  # "websocket.connect"
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        return await send({"type": "websocket.close", "code": 1008})
    start = {"status": response.status, "headers": _headers(response)}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": response.body.encode()})


async def _feed(request: Request, receive: Receive) -> Receive | None:
    """Hands over the body, and gives back a `receive` that begins with what was read; None when the
    client has gone meanwhile."""
    read: list[Message] = []
    size = 0
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":  # "http.disconnect"
            return None
        piece: bytes = message.get("body", b"")
        size += len(piece)
        last = not message.get("more_body", False) or size >= MOST_BODY
        request.feed(piece, last=last)
        if last:
            break
    read.reverse()

    async def again() -> Message:
        return read.pop() if read else await receive()

    return again
