"""What requests come to, with the exact texts that a client sees."""

import gc
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD, basic, config

import authchain
from authchain import AuthError, ConfigError, Context, Headers, Status, StoreError

CHALLENGED = [
    ("WWW-Authenticate", 'Basic realm="api"'),
    ("Content-Type", "application/json"),
    ("Cache-Control", "no-store"),
    ("Vary", "Authorization"),
]


def authorization(value: str | bytes) -> list[tuple[str, str | bytes]]:
    return [("Authorization", value)]


def test_a_password_lets_in(context: Context) -> None:
    verdict = context.authenticate({"Authorization": basic("alice", PASSWORD)})
    assert verdict
    assert verdict.ok
    assert verdict.status is Status.OK
    assert verdict.failure is None
    assert verdict.user == authchain.User(
        name="alice", id="1", email="alice@example.com", scheme="basic", is_active=True
    )
    assert not verdict.user.is_anonymous
    assert verdict.response == authchain.Response(200, [("Vary", "Authorization")], "")


def test_a_token_lets_in(context: Context) -> None:
    token = context.create_token("bob")
    verdict = context.authenticate(authorization(f"Token {token.key}"))
    assert (verdict.ok, verdict.user.name, verdict.user.scheme) == (True, "bob", "token")
    assert verdict.user.auth == token.id
    assert token.key not in repr(verdict)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (basic("alice", "wrong"), "Invalid username/password."),
        (basic("nobody", PASSWORD), "Invalid username/password."),
        (basic("inactive", PASSWORD), "Invalid username/password."),
        ("Basic", "Invalid basic header. No credentials provided."),
        ("Basic a b", "Invalid basic header. Credentials string should not contain spaces."),
        ("Basic !", "Invalid basic header. Credentials not correctly base64 encoded."),
        ("Token", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
        (b"Token \xff", "Invalid token header. Token string should not contain invalid characters."),
        ("Token unknown", "Invalid token."),
        ("Bearer unknown", "Authentication credentials were not provided."),
    ],
)
def test_a_refusal_says_what_drf_says(context: Context, value: str | bytes, detail: str) -> None:
    verdict = context.authenticate(authorization(value))
    assert not verdict
    assert verdict.status is Status.REFUSED
    assert verdict.user is authchain.ANONYMOUS
    assert verdict.response == authchain.Response(401, CHALLENGED, f'{{"detail":"{detail}"}}')
    verdict.raise_for_failure()  # a refusal is no failure


def test_a_token_of_an_inactive_user_is_refused(context: Context) -> None:
    key = context.create_token("inactive").key
    verdict = context.authenticate(authorization(f"Token {key}"))
    assert (verdict.ok, verdict.response.status) == (False, 401)
    assert verdict.response.body == '{"detail":"User inactive or deleted."}'


def test_nobody_is_refused_or_let_pass_as_nobody(context: Context) -> None:
    refused = context.authenticate()
    assert (refused.status, refused.response.status) == (Status.REFUSED, 401)
    assert refused.response.body == '{"detail":"Authentication credentials were not provided."}'
    allowed = context.authenticate(chain="open")
    assert (allowed.status, allowed.response.status) == (Status.ANONYMOUS, 200)
    assert not allowed
    assert allowed.user.is_anonymous
    required = context.authenticate(chain="open", required=True)
    assert (required.status, required.response.status) == (Status.REFUSED, 401)
    assert required.response.headers[0] == ("WWW-Authenticate", "Token")


def test_only_ok_is_true() -> None:
    response = authchain.Response(503, [], "")
    true = [s for s in Status if authchain.Verdict(s, authchain.ANONYMOUS, response)]
    assert true == [Status.OK]


def headers_like(value: str) -> list[Headers]:
    message = Message()
    message["Host"] = "example.com"
    message["Authorization"] = value
    return [
        {"Host": "example.com", "Authorization": value},
        {b"host": b"example.com", b"AUTHORIZATION": value.encode()},
        [("Host", "example.com"), ("Authorization", value)],
        (pair for pair in [("Host", "example.com"), ("authorization", value)]),
        [("Host", "two\nlines"), ("Authorization", value)],
        [("not a token", ""), ("Authorization", value)],
        f"Host: example.com\r\nAuthorization: {value}\r\n".encode(),
        f"Host: example.com\nauthorization:{value}".encode(),
        message,
    ]


@pytest.mark.parametrize("value", [basic("alice", PASSWORD), basic("alice", "wrong"), "Token x", "Basic"])
def test_every_form_of_headers_gives_the_same_verdict(context: Context, value: str) -> None:
    [first, *others] = [context.authenticate(headers) for headers in headers_like(value)]
    assert first.ok == (value == basic("alice", PASSWORD))
    for verdict in others:
        assert verdict == first


def test_two_authorization_headers_are_refused_in_both_forms(context: Context) -> None:
    pairs = [("Authorization", basic("alice", PASSWORD))] * 2
    block = context.authenticate(pairs)
    array = context.authenticate([*pairs, ("X", "\n")])
    assert block == array
    assert block.response.body == (  # joined with a comma, as a WSGI server does
        '{"detail":"Invalid basic header. Credentials string should not contain spaces."}'
    )


GOOD = basic("alice", PASSWORD)


@pytest.mark.parametrize(
    "hostile",
    [
        [("X", f"a\r\nAuthorization: {GOOD}")],
        [("X", f"a\nAuthorization: {GOOD}")],
        [("X", f"a\rAuthorization: {GOOD}")],
        [("X", f"a\0\r\nAuthorization: {GOOD}")],
        [(f"Authorization: {GOOD}\r\nX", "a")],
        [(f"Authorization: {GOOD}", "")],
        [("Authorization:", GOOD)],
        [("Authorization ", GOOD)],
        [(" Authorization", GOOD)],
        [("\nAuthorization", GOOD)],
        [("Authorization\0", GOOD)],
        [("", GOOD)],
        [("Authorization_", GOOD)],
        [("HTTP_AUTHORIZATION", GOOD)],
    ],
)
def test_no_value_or_name_can_become_another_header(
    context: Context, hostile: list[tuple[str, str]]
) -> None:
    verdict = context.authenticate(hostile)
    assert verdict.status is Status.REFUSED
    assert verdict.response.body == '{"detail":"Authentication credentials were not provided."}'


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_in_a_value_is_that_byte(context: Context, byte: int) -> None:
    value = b"Token a" + bytes([byte]) + b"b"
    verdict = context.authenticate(authorization(value))
    parts = value.split()
    if len(parts) == 3:
        detail = "Invalid token header. Token string should not contain spaces."
    elif byte >= 0x80:
        detail = "Invalid token header. Token string should not contain invalid characters."
    else:
        detail = "Invalid token."
    assert verdict.response.body == f'{{"detail":"{detail}"}}'


def test_a_character_that_is_no_byte_is_refused_without_showing_the_value(context: Context) -> None:
    with pytest.raises(ValueError, match="a character beyond Latin-1") as caught:
        context.authenticate(authorization("Token secret\u20ac"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("block", [b"Authorization\r\n", b"A: b\r\n Authorization: x\r\n", b": x\r\n"])
def test_a_block_with_a_line_that_is_no_header_is_an_error(context: Context, block: bytes) -> None:
    with pytest.raises(AuthError, match="a line that is no header field") as caught:
        context.authenticate(block)
    assert caught.value.status is Status.EINVAL


def test_headers_beyond_a_mebibyte_are_an_error(context: Context) -> None:
    assert context.authenticate({"X": "x" * 1_000_000}).status is Status.REFUSED
    with pytest.raises(AuthError, match="larger than 1 MiB"):
        context.authenticate({"X": "x" * (1 << 20)})


def test_a_large_token_is_a_refusal(context: Context) -> None:
    verdict = context.authenticate(authorization("Token " + "x" * 60_000))
    assert verdict.response.body == '{"detail":"Invalid token."}'


@pytest.mark.parametrize("damage", ["missing", "folder", "garbage", "no table"])
def test_a_broken_database_is_a_failure_never_an_answer(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "db.sqlite3"
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes(b"garbage" * 1000 if damage == "garbage" else b"")
    with Context(text=config(path)) as context:
        for value in (basic("alice", PASSWORD), "Token x"):
            verdict = context.authenticate(authorization(value))
            assert not verdict
            assert verdict.status is Status.ESTORE
            assert verdict.user is authchain.ANONYMOUS
            assert verdict.response.status == 503
            assert "WWW-Authenticate" not in dict(verdict.response.headers)
            assert verdict.response.body == (
                '{"detail":"Service temporarily unavailable, try again later."}'
            )
            assert verdict.failure is not None
            assert verdict.failure.startswith("database: ")
            with pytest.raises(StoreError) as caught:
                verdict.raise_for_failure()
            assert caught.value.status is Status.ESTORE
        calls: list[Any] = [
            lambda: context.lookup(name="alice"),
            lambda: context.check_password("alice", PASSWORD),
            lambda: context.verify_token("x"),
            lambda: context.create_token("alice"),
            lambda: context.tokens(),
            lambda: context.create_user("eve"),
            lambda: context.set_password("alice", "x"),
            lambda: context.revoke_token("x"),
        ]
        for call in calls:
            with pytest.raises(StoreError, match="the database cannot answer"):
                call()


def test_an_unknown_chain_is_an_error(context: Context) -> None:
    with pytest.raises(ConfigError, match="the configuration has no chain 'none'") as caught:
        context.authenticate(chain="none")
    assert (caught.value.line, caught.value.status) == (0, Status.ECONFIG)


def test_the_application_may_deny(context: Context) -> None:
    with context.request({"Authorization": basic("alice", PASSWORD)}) as request:
        with pytest.raises(AuthError):
            request.deny()
        assert request.authenticate().ok
        denied = request.deny("Not on Sundays.")
        assert (denied.status, denied.response.status) == (Status.REFUSED, 403)
        assert denied.response.body == '{"detail":"Not on Sundays."}'
        assert denied.user is authchain.ANONYMOUS
        assert request.log_line() == "host.denied user=alice denied"
    with pytest.raises(ValueError, match="closed"):
        request.authenticate()
    with context.request() as request:
        assert request.authenticate("open").status is Status.ANONYMOUS
        assert request.deny().response.status == 401


def test_a_request_survives_its_context(database: Path) -> None:
    lines: list[str] = []
    context = Context(text=config(database), log=lambda severity, line: lines.append(line))
    request = context.request({"Authorization": basic("alice", PASSWORD)})
    assert request.authenticate().ok
    context.close()
    del context
    gc.collect()
    assert request.authenticate().user.name == "alice"
    assert request.authenticate("open").status is Status.ANONYMOUS
    assert lines == ["ok user=alice scheme=basic", "anonymous"]


def environ(**more: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "/app",
        "PATH_INFO": "/\xc3\xa9",
        "QUERY_STRING": "a=b",
        "SERVER_NAME": "localhost",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_TYPE": "",
        "wsgi.url_scheme": "https",
        **more,
    }


def test_a_wsgi_environment_is_a_request(context: Context) -> None:
    assert context.authenticate_environ(environ(HTTP_AUTHORIZATION=basic("alice", PASSWORD)))
    assert not context.authenticate_environ(environ(AUTHORIZATION=basic("alice", PASSWORD)))
    assert context.authenticate_environ(environ(), chain="open").status is Status.ANONYMOUS
    assert context.authenticate_environ(environ(), chain="open", required=True).response.status == 401


def test_a_wsgi_environment_becomes_these_facts() -> None:
    from authchain.wsgi import facts

    assert facts(environ(HTTP_X_A="1", HTTP_X_B="", CONTENT_LENGTH="3", HTTP_HOST="h:1", REMOTE_USER="eve")) == {
        "headers": b"X-A: 1\nX-B: \nHOST: h:1\nCONTENT-LENGTH: 3",
        "method": "GET",
        "target": "/app/%C3%A9?a=b",
        "host": "h:1",
        "peer": "192.0.2.1",
        "remote_user": "eve",
        "tls": True,
    }
    assert facts(environ(RAW_URI="/app/%c3%A9?a=b"))["target"] == "/app/%c3%A9?a=b"
    assert facts(environ(REQUEST_URI="http://h/x"))["target"] == "/app/%C3%A9?a=b"
    assert facts({})["headers"] == b""


@pytest.mark.parametrize("value", ["a\r\nAuthorization: x", "a\nb", "a\rb", "a\0b", "\n", b"a"])
def test_a_value_that_could_be_another_header_goes_as_pairs(value: Any) -> None:
    from authchain.wsgi import facts

    for given in ({"HTTP_X": value, "HTTP_Y": "1"}, {"HTTP_Y": "1", "HTTP_X": value}):
        assert sorted(facts(given)["headers"]) == [("X", value), ("Y", "1")]
    for key in ("HTTP_A:B", "HTTP_A B", "HTTP_", "HTTP_A\r\nX"):
        assert facts({key: "1"})["headers"] == [(key[5:], "1")]
