"""What type checkers see. Not run: `make test-python` checks it with `mypy --strict`.

A line with `type: ignore` has to be an error: mypy reports an ignore that nothing needs.
"""

from email.message import Message
from http.client import HTTPMessage
from pathlib import Path
from typing import assert_type
from wsgiref.headers import Headers as WsgiHeaders
from wsgiref.types import WSGIEnvironment

import authchain
from authchain import (
    Assertion,
    Context,
    CsrfToken,
    Edits,
    EndedSession,
    Endpoint,
    Event,
    Request,
    Scheme,
    Session,
    Status,
    StoredToken,
    Token,
    User,
    Verdict,
    View,
)


def opening(path: Path) -> None:
    assert_type(Context(), Context)
    assert_type(Context(path), Context)
    Context("authchain.toml", base_dir=path, host="shop", log=print)
    Context(text="", log=lambda severity, line: assert_type((severity, line), tuple[int, str]))
    with Context() as context:
        assert_type(context, Context)
    assert_type(authchain.default_context(), Context)
    authchain.check_config(path)
    Context(path, "text")  # type: ignore[call-arg]
    Context(7)  # type: ignore[arg-type]
    Context(log=lambda line: None)  # type: ignore[arg-type, misc]


def every_kind_of_headers(context: Context, message: Message, http: HTTPMessage, wsgi: WsgiHeaders) -> None:
    context.authenticate()
    context.authenticate({"Authorization": "Token x"})
    context.authenticate({b"Authorization": b"Token x"})
    context.authenticate([("Authorization", b"Token x")])
    context.authenticate(pair for pair in [("Authorization", "Token x")])
    context.authenticate(b"Authorization: Token x\r\n")
    context.authenticate(http)
    context.authenticate(wsgi)
    context.authenticate("Authorization: Token x")  # type: ignore[arg-type]
    context.authenticate({"X": 7})  # type: ignore[arg-type]
    context.authenticate(None)  # type: ignore[arg-type]
    context.authenticate({}, "default")  # type: ignore[call-arg]
    context.authenticate(tls=1.5)  # type: ignore[arg-type]


def judging(context: Context, environ: WSGIEnvironment) -> None:
    verdict = context.authenticate({}, chain="api", method=b"GET", target="/", now_us=1)
    assert_type(verdict, Verdict)
    assert_type(context.authenticate_environ(environ, chain="api"), Verdict)
    assert_type(authchain.authenticate({}, method="GET"), Verdict)
    assert_type(verdict.ok, bool)
    assert_type(bool(verdict), bool)
    assert_type(verdict.status, Status)
    assert_type(verdict.user, User)
    assert_type(verdict.user.id, str | None)
    assert_type(verdict.response.status, int)
    assert_type(verdict.response.headers, list[tuple[str, str]])
    assert_type(verdict.response.body, str)
    assert_type(verdict.failure, str | None)
    assert_type(verdict.events, tuple[Event, ...])
    assert_type(context.metrics(), str)
    context.reload()
    verdict.status = Status.OK  # type: ignore[misc]
    verdict.user.is_staff = True  # type: ignore[misc]
    with context.request({}) as request:
        assert_type(request, Request)
        assert_type(request.authenticate("api"), Verdict)
        assert_type(request.deny(), Verdict)
        assert_type(request.edits(), Edits)
        assert_type(request.edits().add, tuple[tuple[str, str], ...])
        assert_type(context.endpoint("login"), Endpoint)
        assert_type(request.wants_body(context.endpoint("login")), bool)
        request.feed(b"", last=True)
        assert_type(request.serve(context.endpoint("login")), Verdict)
        assert_type(request.csrf_token(), CsrfToken | None)
        assert_type(request.assertion("app"), Assertion | None)
        request.serve("login")  # type: ignore[arg-type]
        request.feed("text")  # type: ignore[arg-type]


def accounts(context: Context) -> None:
    assert_type(context.create_token("alice", reset=True), Token)
    assert_type(context.verify_token("x"), User | None)
    assert_type(context.revoke_token("x"), bool)
    assert_type(context.tokens(), list[StoredToken])
    assert_type(context.lookup(id=1), User | None)
    assert_type(context.create_user("alice", b"x"), User)
    assert_type(context.check_password("alice", "x"), User | None)
    context.create_token(7)  # type: ignore[arg-type]
    context.lookup("alice")  # type: ignore[call-arg]
    context.verify_token("x").name  # type: ignore[union-attr]


def sessions_and_signed_texts(context: Context) -> None:
    assert_type(context.create_session("alice", cookie=b"x"), Session)
    assert_type(context.create_session("alice").cookies, tuple[str, ...])
    assert_type(context.end_session("x"), EndedSession)
    assert_type(context.sign("x"), str)
    assert_type(context.unsign(b"x"), str | None)
    assert_type(context.unsign_timed("x", max_age=None), str | None)
    assert_type(context.unsign_cookie("name", "x", max_age=60), str | None)
    context.unsign_timed("x")  # type: ignore[call-arg]
    context.sign(b"x")  # type: ignore[arg-type]


def schemes() -> None:
    def named(view: View) -> str | None:
        assert_type(view.header("X"), bytes | None)
        return None

    Context(schemes=[Scheme("own", named)])
    Scheme("own", lambda view: True)  # type: ignore[arg-type, return-value]


def failing(error: authchain.ConfigError) -> None:
    assert_type((error.file, error.line, error.column), tuple[str, int, int])
    assert_type((error.status, error.text, error.remedy), tuple[Status, str, str])
