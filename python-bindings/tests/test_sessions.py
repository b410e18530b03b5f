"""Sessions, CSRF tokens and signed texts: made here and known to the real Django, and the other way."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import PASSWORD, ROOT, config

from authchain import AuthError, ConfigError, Context, Status, StoreError

SECRET = "a secret key for tests, never used elsewhere"
MORE = """
[chains.site]
schemes = ["session"]
[endpoints.obtain_auth_token]
[endpoints.login]
"""


def django(database: Path, *arguments: str) -> str:
    """What the real Django with the same secret says."""
    site = [sys.executable, str(ROOT / "tests/peer/site.py"), "--db", str(database), "--secret", SECRET]
    return subprocess.run([*site, *arguments], check=True, capture_output=True, text=True).stdout.rstrip("\n")


def value(cookies: tuple[str, ...] | str | None, name: str) -> str:
    """The value of a cookie among `Set-Cookie`s."""
    for cookie in (cookies,) if isinstance(cookies, str) else cookies or ():
        if cookie.startswith(f"{name}="):
            return cookie[len(name) + 1 :].split(";")[0]
    raise AssertionError(f"{cookies} has no {name}")


@pytest.fixture
def site(database: Path) -> Iterator[Context]:
    """A context that knows sessions and endpoints."""
    with Context(text=config(database) + MORE) as made:
        yield made


def who(context: Context, cookie: str, method: str = "GET", **headers: str) -> str:
    return context.authenticate({"Cookie": cookie, **headers}, chain="site", method=method).user.name


def test_a_session_made_here_is_one_of_djangos_until_it_ends(site: Context, database: Path) -> None:
    session = site.create_session("alice")
    assert value(session.cookies, "sessionid") == session.key
    assert session.key not in repr(session)
    assert django(database, "sessionuser", session.key) == "alice"
    assert who(site, f"sessionid={session.key}") == "alice"
    ended = site.end_session(session.key)
    assert ended.existed
    assert value(ended.cookies, "sessionid") == '""'
    assert django(database, "sessionuser", session.key) == "nobody"
    assert who(site, f"sessionid={session.key}") == ""
    assert site.end_session(session.key) == type(ended)(existed=False, cookies=ended.cookies)
    assert not site.end_session(b"\xff\0").existed


def test_a_session_of_django_is_replaced_and_ended_here(site: Context, database: Path) -> None:
    theirs = django(database, "addsession", "alice")
    assert who(site, f"sessionid={theirs}") == "alice"
    session = site.create_session("alice", cookie=theirs)
    assert django(database, "sessionuser", theirs) == "nobody"
    assert django(database, "sessionuser", session.key) == "alice"
    assert site.end_session(django(database, "addsession", "bob")).existed


def test_nobody_inactive_or_unknown_is_logged_in(site: Context) -> None:
    for name in ("inactive", "nobody", ""):
        with pytest.raises(AuthError, match="no active user '") as caught:
            site.create_session(name)
        assert caught.value.status is Status.REFUSED
    with pytest.raises(AuthError) as caught:
        site.create_session("alice", backend="shop.Badge")
    assert caught.value.status is Status.ENOTSUP
    assert site.create_session("alice", backend="RemoteUserBackend").key


def test_a_database_that_is_away_is_a_store_error(tmp_path: Path) -> None:
    with Context(text=config(tmp_path / "none") + MORE) as context:
        with pytest.raises(StoreError):
            context.create_session("alice")
        with pytest.raises(StoreError):
            context.end_session("0123456789abcdef")


def test_a_csrf_token_passes_djangos_middleware(site: Context, database: Path) -> None:
    session = site.create_session("alice")
    secret = value(session.cookies, "csrftoken")
    with site.request({"Cookie": f"csrftoken={secret}"}, method="GET") as request:
        token = request.csrf_token()
        again = request.csrf_token()
    assert token is not None and again is not None
    assert value(token.cookie, "csrftoken") == secret
    assert token.text != again.text
    assert token.text not in repr(token)
    for text in (token.text, again.text):
        assert django(database, "csrf", secret, text) == "ok"
        assert who(site, f"sessionid={session.key}; csrftoken={secret}", "POST", **{"X-CSRFToken": text}) == "alice"
    with site.request(method="GET") as request:
        other = request.csrf_token()
    assert other is not None
    assert django(database, "csrf", value(other.cookie, "csrftoken"), other.text) == "ok"
    assert django(database, "csrf", secret, other.text) == "refused: 403"
    assert who(site, f"sessionid={session.key}; csrftoken={secret}", "POST", **{"X-CSRFToken": other.text}) == ""


def test_without_a_session_there_is_no_token_where_sessions_hold_them(database: Path) -> None:
    with Context(text=f"csrf_use_sessions = true\n{config(database)}{MORE.replace('[endpoints.login]', '')}") as context:
        with context.request(method="GET") as request:
            assert request.csrf_token() is None
        key = context.create_session("alice").key
        with context.request({"Cookie": f"sessionid={key}"}, method="GET") as request:
            token = request.csrf_token()
        assert token is not None
        assert token.cookie is None
        assert who(context, f"sessionid={key}", "POST", **{"X-CSRFToken": token.text}) == "alice"


VALUES = ["hello", "a:b", "", "\u00e9\u5bc6"]


@pytest.mark.parametrize("salt", ["", "reset"])
def test_what_is_signed_here_is_believed_by_django(site: Context, database: Path, salt: str) -> None:
    for text in VALUES:
        assert django(database, "unsign", "plain", salt, site.sign(text, salt)) == text
        assert django(database, "unsign", "timed", salt, site.sign_timed(text, salt), "60") == text
        assert django(database, "unsign", "cookie:theme", salt, site.sign_cookie("theme", text, salt), "60") == text
    assert django(database, "unsign", "plain", salt, site.sign("x", "other")) == "refused: BadSignature"
    assert django(database, "unsign", "cookie:b", salt, site.sign_cookie("a", "x", salt)) == "refused: BadSignature"


@pytest.mark.parametrize("salt", ["", "reset"])
def test_what_django_signs_is_believed_here(site: Context, database: Path, salt: str) -> None:
    for text in VALUES:
        assert site.unsign(django(database, "sign", "plain", salt, text), salt) == text
        timed = django(database, "sign", "timed", salt, text)
        cookie = django(database, "sign", "cookie:theme", salt, text)
        for max_age in (60, timedelta(minutes=1), None):
            assert site.unsign_timed(timed, salt, max_age=max_age) == text
            assert site.unsign_cookie("theme", cookie, salt, max_age=max_age) == text
        assert site.unsign_timed(timed, salt, max_age=0) is None
        assert site.unsign_timed(timed, "other", max_age=None) is None
        assert site.unsign_cookie("other", cookie, salt, max_age=None) is None
        assert site.unsign_timed(cookie, salt, max_age=None) is None


def test_a_negative_age_is_an_error_and_nonsense_is_refused(site: Context) -> None:
    with pytest.raises(AuthError) as caught:
        site.unsign_timed("x", max_age=-1)
    assert caught.value.status is Status.EINVAL
    for text in ("", "x", ":", b"\xff", b"a\0:b"):
        assert site.unsign(text) is None
        assert site.unsign_timed(text, max_age=None) is None


def test_an_endpoint_is_served(site: Context) -> None:
    obtain = site.endpoint("obtain_auth_token")
    headers = {"Content-Type": "application/json"}
    with site.request(headers, method="POST") as request:
        assert request.wants_body(obtain)
        assert not request.wants_body("default")
        request.feed(b'{"username": "alice", ', last=False)
        request.feed(f'"password": "{PASSWORD}"}}'.encode())
        verdict = request.serve(obtain)
        assert verdict
        assert verdict.user.name == "alice"
        assert verdict.response.status == 200
        assert site.create_token("alice").key in verdict.response.body
        assert request.serve(obtain) == verdict
        with pytest.raises(AuthError):
            request.feed(b"more")
    with site.request(headers, method="POST") as request:
        request.feed(b"")
        assert request.serve(obtain).response.status == 400
    with site.request(headers, method="POST") as request:
        request.feed(b"x" * (3 << 20))
        assert request.serve(obtain).response.status == 413


def test_an_endpoint_that_is_not_there_or_of_another_context_is_an_error(site: Context, context: Context) -> None:
    with pytest.raises(ConfigError, match="no endpoint 'default'"):
        site.endpoint("default")
    with context.request() as request:
        with pytest.raises(ValueError, match="<Endpoint 'login'> is of another context"):
            request.serve(site.endpoint("login"))
        with pytest.raises(ConfigError):
            request.wants_body("login")
