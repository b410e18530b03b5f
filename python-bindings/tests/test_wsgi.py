"""The WSGI middleware: what the application sees, what the client gets, and whose body it is."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from conftest import PASSWORD, basic, config

from authchain import ConfigError, Context, User
from authchain.wsgi import Middleware

MORE = """
[chains.site]
schemes = ["session"]
[endpoints.obtain_auth_token]
[endpoints.login]
"""


class App:
    """Remembers its environment, and says how many bytes the body has."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] | None = None
        self.body = b""

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        self.environ = environ
        self.body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start("200 OK", [("Content-Type", "text/plain"), ("Vary", "Accept")])
        return [b"hello"]


class Answer:
    """What a client gets."""

    def __init__(self, app: Any, body: bytes = b"", **environ: Any) -> None:
        given: dict[str, Any] = {"wsgi.input": io.BytesIO(body), "QUERY_STRING": "", "SCRIPT_NAME": "", "PATH_INFO": "/", **environ}
        if body:
            given.setdefault("CONTENT_LENGTH", str(len(body)))
        setup_testing_defaults(given)
        result = validator(app)(given, self.start)
        self.body = b"".join(result)
        result.close()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, headers
        return lambda data: None


@pytest.fixture
def site(database: Path) -> Iterator[Context]:
    with Context(text=config(database) + MORE) as made:
        yield made


def test_the_application_sees_who_it_is(site: Context) -> None:
    app = App()
    answer = Answer(Middleware(app, site), HTTP_AUTHORIZATION=basic("alice", PASSWORD))
    assert (answer.status, answer.body) == ("200 OK", b"hello")
    assert answer.headers == [("Content-Type", "text/plain"), ("Vary", "Accept"), ("Vary", "Authorization")]
    assert app.environ is not None
    user = app.environ["authchain.user"]
    assert isinstance(user, User)
    assert (user.name, user.id) == ("alice", "1")
    said = [app.environ[key] for key in ("REMOTE_USER", "AUTH_TYPE", "HTTP_X_AUTH_USER", "HTTP_X_AUTH_USER_ID")]
    assert said == ["alice", "basic", "alice", "1"]


def test_a_name_beyond_ascii_is_bytes_in_the_environment(site: Context) -> None:
    site.create_user("j\u00f6rg", PASSWORD)
    app = App()
    Answer(Middleware(app, site), HTTP_AUTHORIZATION=basic("j\u00f6rg", PASSWORD))
    assert app.environ is not None
    assert app.environ["REMOTE_USER"] == "j\xc3\xb6rg"
    assert app.environ["HTTP_X_AUTH_USER"] == "j%C3%B6rg"


@pytest.mark.parametrize("forged", ["HTTP_X_AUTH_USER", "HTTP_X.AUTH.USER", "HTTP_X_AUTH_SCHEME", "REMOTE_USER", "AUTH_TYPE"])
def test_nobody_is_nobody_whatever_the_client_or_the_server_says(site: Context, forged: str) -> None:
    app = App()
    answer = Answer(Middleware(app, site, "open"), **{forged: "root"})
    assert answer.status == "200 OK"
    assert app.environ is not None
    assert forged not in app.environ
    assert app.environ["authchain.user"].is_anonymous


def test_a_refusal_is_the_answer_word_for_word(site: Context) -> None:
    app = App()
    for middleware in (Middleware(app, site), Middleware(app, site, "open", required=True)):
        answer = Answer(middleware)
        assert answer.status == "401 Unauthorized"
        assert answer.body == b'{"detail":"Authentication credentials were not provided."}'
        assert ("Content-Length", str(len(answer.body))) in answer.headers
    assert dict(answer.headers)["WWW-Authenticate"] == "Token"
    assert Answer(Middleware(app, site), HTTP_AUTHORIZATION="Token x").body == b'{"detail":"Invalid token."}'
    assert Answer(Middleware(app, site), REQUEST_METHOD="HEAD").body == b""
    assert app.environ is None


def test_a_database_that_is_away_is_503(tmp_path: Path) -> None:
    app = App()
    with Context(text=config(tmp_path / "none")) as context:
        answer = Answer(Middleware(app, context), HTTP_AUTHORIZATION="Token x")
    assert answer.status == "503 Service Unavailable"
    assert app.environ is None


def form(context: Context, fill: int = 0) -> tuple[dict[str, str], bytes]:
    """A browser's POST with its CSRF token in the form, as the environment and the body."""
    session = context.create_session("alice")
    with context.request(method="GET") as request:
        token = request.csrf_token()
    assert token is not None and token.cookie is not None
    cookie = token.cookie.split(";")[0]
    body = f"fill={'x' * fill}&csrfmiddlewaretoken={token.text}".encode()
    return {
        "HTTP_COOKIE": f"sessionid={session.key}; {cookie}",
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }, body


@pytest.mark.parametrize("fill", [0, 100_000])
def test_a_body_that_decides_is_given_back(site: Context, fill: int) -> None:
    app = App()
    environ, body = form(site, fill)
    assert Answer(Middleware(app, site, "site"), body, **environ).status == "200 OK"
    assert app.body == body
    wrong = Answer(Middleware(app, site, "site"), body[:-1], **environ)
    assert wrong.status == "403 Forbidden"
    assert b"CSRF Failed" in wrong.body


def test_a_body_of_which_too_much_decides_is_413_and_read_no_further(site: Context) -> None:
    environ, body = form(site, 4 << 20)
    source = io.BytesIO(body)
    answer = Answer(
        Middleware(App(), site, "site"), **{**environ, "CONTENT_LENGTH": str(len(body)), "wsgi.input": source}
    )
    assert answer.status.startswith("413 ")
    assert source.tell() < len(body) - 1_000_000


def test_a_body_that_does_not_decide_is_left_alone(site: Context) -> None:
    class Untouched(io.BytesIO):
        pass

    app, source = App(), Untouched(b"body")
    seen: list[object] = []

    def looking(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append(environ["wsgi.input"])
        return app(environ, start)

    environ = {"HTTP_AUTHORIZATION": basic("alice", PASSWORD), "REQUEST_METHOD": "POST", "CONTENT_LENGTH": "4"}
    given: dict[str, Any] = {"wsgi.input": source, **environ}
    setup_testing_defaults(given)
    Middleware(looking, site)(given, lambda *_: lambda _: None)
    assert seen == [source]
    assert app.body == b"body"


def test_endpoints_are_served_in_their_places(site: Context) -> None:
    app = App()
    body = json.dumps({"username": "alice", "password": PASSWORD}).encode()
    post = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json"}
    for endpoints, path in (
        (True, "/api-token-auth/"),
        ({"/t": "obtain_auth_token"}, "/t"),
        ({"/t/*": "obtain_auth_token"}, "/t/5"),
    ):
        answer = Answer(Middleware(app, site, endpoints=endpoints), body, PATH_INFO=path, **post)
        assert answer.status == "200 OK"
        assert json.loads(answer.body) == {"token": site.create_token("alice").key}
    assert Answer(Middleware(app, site, endpoints=True), PATH_INFO="/accounts/login/").status == "200 OK"
    assert app.environ is None
    assert Answer(Middleware(app, site), body, PATH_INFO="/api-token-auth/", **post).status == "401 Unauthorized"


def test_a_chain_or_endpoint_that_there_is_not_is_told_at_once(site: Context) -> None:
    with pytest.raises(ConfigError, match="no chain 'none'"):
        Middleware(App(), site, "none")
    with pytest.raises(ConfigError, match="no endpoint 'none'"):
        Middleware(App(), site, endpoints={"/": "none"})
