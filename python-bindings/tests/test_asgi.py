"""The ASGI middleware: as the WSGI one, and the loop goes on."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD, basic, config
from test_wsgi import MORE, form

from authchain import Context, Scheme, View
from authchain.asgi import Middleware


@pytest.fixture
def site(database: Path) -> Iterator[Context]:
    with Context(text=config(database) + MORE) as made:
        yield made


class App:
    """Remembers its scope and body."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] | None = None
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.accept"})
        more = scope["type"] == "http"
        while more:
            message = await receive()
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]})
        await send({"type": "http.response.body", "body": b"hello"})


def scope(kind: str = "http", headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return {"type": kind, "method": "GET", "path": "/", "query_string": b"", "headers": fields, "scheme": "http", **more}


def sent(app: Any, asked: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What a middleware sends."""
    left = list(messages)
    out: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        out.append(message)

    asyncio.run(app(asked, receive, send))
    return out


EMPTY = {"type": "http.request", "body": b"", "more_body": False}


def test_the_application_sees_who_it_is(site: Context) -> None:
    app = App()
    headers = {"Authorization": basic("alice", PASSWORD), "X-Auth-User": "eve", "x_auth_user": "eve"}
    start, body = sent(Middleware(app, site), scope(headers=headers), EMPTY)
    assert (start["status"], body["body"]) == (200, b"hello")
    assert start["headers"] == [(b"vary", b"Accept"), (b"vary", b"Authorization")]
    assert app.scope is not None
    assert app.scope["authchain.user"].name == "alice"
    said = [pair for pair in app.scope["headers"] if b"auth" in pair[0] and pair[0] != b"authorization"]
    assert said == [(b"x-auth-user", b"alice"), (b"x-auth-user-id", b"1"), (b"x-auth-scheme", b"basic")]


def test_nobody_is_nobody(site: Context) -> None:
    app = App()
    asked = scope(headers={"X-Auth-User": "root"})
    assert sent(Middleware(app, site, "open"), asked, EMPTY)[0]["status"] == 200
    assert app.scope is not None
    assert app.scope["authchain.user"].is_anonymous
    assert app.scope["headers"] == []
    assert asked["headers"], "the server's own scope stays as it is"


def test_a_refusal_is_the_answer_word_for_word(site: Context) -> None:
    app = App()
    start, body = sent(Middleware(app, site), scope(headers={"Authorization": "Token x"}))
    assert (start["status"], body["body"]) == (401, b'{"detail":"Invalid token."}')
    assert (b"www-authenticate", b'Basic realm="api"') in start["headers"]
    assert sent(Middleware(app, site), scope(method="HEAD"))[1]["body"] == b""
    assert sent(Middleware(app, site, "open", required=True), scope())[0]["status"] == 401
    assert app.scope is None


def test_a_body_that_decides_is_given_back(site: Context) -> None:
    app = App()
    environ, body = form(site)
    headers = {"Cookie": environ["HTTP_COOKIE"], "Content-Type": environ["CONTENT_TYPE"]}
    pieces = [
        {"type": "http.request", "body": body[:10], "more_body": True},
        {"type": "http.request", "body": body[10:], "more_body": False},
    ]
    asked = scope(headers=headers, method="POST")
    assert sent(Middleware(app, site, "site"), asked, *pieces)[0]["status"] == 200
    assert app.body == body
    assert sent(Middleware(App(), site, "site"), asked, EMPTY)[0]["status"] == 403
    assert sent(Middleware(App(), site, "site"), asked, pieces[0]) == [], "the client has gone"
    many = [{"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}] * 9
    assert sent(Middleware(App(), site, "site"), asked, *many)[0]["status"] == 413


def test_endpoints_are_served(site: Context) -> None:
    start, body = sent(Middleware(App(), site, endpoints=True), scope(path="/accounts/login/"))
    assert (start["status"], b"csrfmiddlewaretoken" in body["body"]) == (200, True)


def test_a_websocket_is_refused_before_it_is_accepted(site: Context) -> None:
    app = App()
    connect = {"type": "websocket.connect"}
    assert sent(Middleware(app, site), scope("websocket"), connect) == [{"type": "websocket.close", "code": 1008}]
    asked = scope("websocket", extensions={"websocket.http.response": {}})
    start, body = sent(Middleware(app, site), asked, connect)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["body"] == b'{"detail":"Authentication credentials were not provided."}'
    assert app.scope is None
    asked = scope("websocket", {"Authorization": basic("alice", PASSWORD)})
    assert sent(Middleware(app, site), asked, connect) == [
        {"type": "websocket.accept", "headers": [(b"vary", b"Authorization")]}
    ]


def test_a_session_opens_no_websocket_for_another_sites_page(site: Context) -> None:
    connect, key = {"type": "websocket.connect"}, site.create_session("alice").key
    origins = ["http://evil.example", "http://testserver", None]
    answers = []
    for origin in origins:
        headers = {"Cookie": f"sessionid={key}", "Host": "testserver", **({"Origin": origin} if origin else {})}
        asked = scope("websocket", headers, scheme="ws")
        answers.append(sent(Middleware(App(), site, "site"), asked, connect)[0]["type"])
    assert answers == ["websocket.close", "websocket.accept", "websocket.accept"]


def test_what_is_no_request_passes(site: Context) -> None:
    app = App()
    sent(Middleware(app, site), {"type": "lifespan"})
    assert app.scope == {"type": "lifespan"}


def test_the_loop_goes_on_while_a_verdict_is_made(database: Path) -> None:
    let_go = threading.Event()

    def slow(view: View) -> str | None:
        assert let_go.wait(30)
        return "alice"

    text = config(database).replace('["basic", "token"]', '["slow"]')

    async def both(middleware: Middleware) -> list[int]:
        statuses: list[int] = []

        async def receive() -> Any:
            return EMPTY

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        waiting = asyncio.create_task(middleware(scope(), receive, send))
        await asyncio.sleep(0)  # its verdict is being made
        let_go.set()  # by the loop's own thread
        await waiting
        return statuses

    with Context(text=text, schemes=[Scheme("slow", slow)]) as context:
        assert asyncio.run(both(Middleware(App(), context))) == [200]


def test_a_cancelled_task_leaves_its_verdict_to_end(database: Path) -> None:
    entered, let_go, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(view: View) -> str | None:
        entered.set()
        assert let_go.wait(30)
        ended.set()
        return "alice"

    text = config(database).replace('["basic", "token"]', '["slow"]')

    async def cancelled(middleware: Middleware) -> None:
        async def nothing(*_: object) -> Any:
            return EMPTY

        task = asyncio.create_task(middleware(scope(), nothing, nothing))
        await asyncio.get_running_loop().run_in_executor(None, entered.wait)
        task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)  # the task is told, and may not hold the loop
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Context(text=text, schemes=[Scheme("slow", slow)]) as context:
        asyncio.run(cancelled(Middleware(App(), context)))
    assert ended.is_set()
