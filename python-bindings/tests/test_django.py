"""The classes of authchain.drf and the parts of authchain.django, in the project of examples/django_project."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from conftest import PASSWORD, ROOT, basic

PROJECT = ROOT / "examples/django_project"
SECRET = "a secret key for tests, never used elsewhere"
os.environ.update(DJANGO_SETTINGS_MODULE="shop.settings", SECRET_KEY=SECRET, DATABASE="/nowhere/db.sqlite3")
sys.path.insert(0, str(PROJECT))

import django  # noqa: E402

django.setup()

from django.contrib.auth import authenticate, get_user_model, signals  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core.checks import run_checks  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.db.models.signals import post_save  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client, RequestFactory, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment  # noqa: E402
from django.utils import translation  # noqa: E402
from rest_framework import exceptions  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.request import Request  # noqa: E402

import authchain  # noqa: E402
from authchain import drf  # noqa: E402
from authchain.django import configuration, middleware  # noqa: E402
from authchain.django.comparison import differences  # noqa: E402

setup_test_environment()
factory = RequestFactory()


@pytest.fixture(autouse=True)
def site(database: Path) -> Iterator[Path]:
    """The project over the test's own database."""
    connection.close()
    connections["default"].settings_dict["NAME"] = str(database)
    with override_settings(AUTHCHAIN={}, PASSWORD_HASHERS=HASHERS):
        yield database
    connection.close()


class Quick(django.contrib.auth.hashers.PBKDF2PasswordHasher):
    """As the hashes of the template."""

    iterations = 1000


HASHERS = [f"{__name__}.Quick"]


def judged(authentication: Any, method: str = "GET", **environ: Any) -> Any:
    """What a class of DRF's kind says to a request."""
    return authentication.authenticate(Request(factory.generic(method, "/", **environ)))


def token(name: str = "alice") -> Any:
    return Token.objects.get_or_create(user=get_user_model().objects.get(username=name))[0]


# --- instances ------------------------------------------------------------------------------


def test_a_token_gives_the_projects_own_instances_without_a_query() -> None:
    key = token().key
    judged(drf.TokenAuthentication())  # opens
    with CaptureQueriesContext(connection) as queries:
        user, found = judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION=f"Token {key}")
        assert (type(user), type(found)) == (get_user_model(), Token)
        assert (user.pk, user.username, user.email) == (1, "alice", "alice@example.com")
        assert (user.is_active, user.is_staff, user.is_superuser, user.is_authenticated) == (True, False, False, True)
        assert (found.key, found.user_id, found.user) == (key, 1, user)
        assert user == get_user_model()(pk=1)
    assert len(queries) == 0
    assert user._state.db == "default"
    assert not user._state.adding
    assert (user.get_deferred_fields(), found.get_deferred_fields()) == (
        {"password", "last_login", "first_name", "last_name", "date_joined"},
        {"created"},
    )
    stored = get_user_model().objects.get(pk=1)
    assert (user.password, user.date_joined) == (stored.password, stored.date_joined)
    assert found.created == token().created


def test_what_is_saved_of_an_instance_leaves_the_other_fields_alone() -> None:
    user, _ = judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION=f"Token {token().key}")
    get_user_model().objects.filter(pk=1).update(first_name="Alice")
    user.email = "other@example.com"
    user.save()
    stored = get_user_model().objects.get(pk=1)
    assert (stored.first_name, stored.email) == ("Alice", "other@example.com")


def test_the_peers_queries_give_whole_instances() -> None:
    key = token().key
    session = Client()
    session.force_login(get_user_model().objects.get(pk=1), "authchain.django.backends.Backend")
    with override_settings(AUTHCHAIN={"EXACT_QUERIES": True}):
        for authentication, environ in (
            (drf.TokenAuthentication(), {"HTTP_AUTHORIZATION": f"Token {key}"}),
            (drf.BasicAuthentication(), {"HTTP_AUTHORIZATION": basic("alice", PASSWORD)}),
            (drf.SessionAuthentication(), {"HTTP_COOKIE": f"sessionid={session.cookies['sessionid'].value}"}),
        ):
            judged(authentication)
            with CaptureQueriesContext(connection) as queries:
                user, _ = judged(authentication, **environ)
            assert len(queries) == 1
            assert user.get_deferred_fields() == set()


# --- answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        ("Token", "Invalid token header. No credentials provided."),
        ("token a b", "Invalid token header. Token string should not contain spaces."),
        ("Token a\nb", "Invalid token header. Token string should not contain spaces."),
        ("Token \xb8", "Invalid token header. Token string should not contain invalid characters."),
        ("Token a\0b", "Invalid token."),
        (b"Token unknown", "Invalid token."),
    ],
)
def test_a_refusal_is_drfs_exception_with_drfs_text(authorization: Any, detail: str) -> None:
    from rest_framework.authentication import TokenAuthentication

    for authentication in (drf.TokenAuthentication(), TokenAuthentication()):
        with pytest.raises(exceptions.AuthenticationFailed) as caught:
            judged(authentication, HTTP_AUTHORIZATION=authorization)
        assert str(caught.value.detail) == detail


def test_who_sends_nothing_for_a_class_is_nobody_of_it() -> None:
    classes: list[Any] = [drf.BasicAuthentication, drf.TokenAuthentication, drf.SessionAuthentication]
    for cls in [*classes, drf.RemoteUserAuthentication]:
        for authorization in ("", " ", "Bearer x"):
            assert judged(cls(), HTTP_AUTHORIZATION=authorization) is None
        assert judged(cls()) is None


def test_challenges_are_the_librarys() -> None:
    class Shop(drf.BasicAuthentication):
        www_authenticate_realm = 'the "shop"'

    class Bearer(drf.TokenAuthentication):
        keyword = "Bearer"

    request = Request(factory.get("/"))
    assert drf.BasicAuthentication().authenticate_header(request) == 'Basic realm="api"'
    assert Shop().authenticate_header(request) == r'Basic realm="the \"shop\""'
    assert Bearer().authenticate_header(request) == "Bearer"
    assert drf.SessionAuthentication().authenticate_header(request) is None
    assert drf.RemoteUserAuthentication().authenticate_header(request) is None


def test_the_text_of_a_refusal_is_translated() -> None:
    from rest_framework.authentication import TokenAuthentication

    texts: list[str] = []
    for authentication in (drf.TokenAuthentication(), TokenAuthentication()):
        with translation.override("de"), pytest.raises(exceptions.AuthenticationFailed) as caught:
            judged(authentication, HTTP_AUTHORIZATION="Token x")
        texts.append(str(caught.value.detail))
    assert texts[0] == texts[1] != "Invalid token."


def test_a_database_that_cannot_answer_is_503(site: Path) -> None:
    key = token().key
    connection.close()
    site.write_bytes(b"garbage" * 1000)
    for value in (f"Token {key}", basic("alice", PASSWORD)):
        response = Client().get("/", HTTP_AUTHORIZATION=value)
        assert response.status_code == 503
        assert response.json() == {"detail": "Service temporarily unavailable, try again later."}
        assert response.headers["Retry-After"].isdigit()
        assert "WWW-Authenticate" not in response.headers


def test_too_many_wrong_passwords_are_429() -> None:
    with override_settings(AUTHCHAIN={"TABLES": '[throttle]\naccount = "2/1h"\n'}):
        answers = [Client().get("/", HTTP_AUTHORIZATION=basic("bob", "wrong")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_a_whole_request_is_answered_by_drf_with_our_classes() -> None:
    key = token().key
    assert Client().get("/", HTTP_AUTHORIZATION=f"Token {key}").json() == {"user": "alice", "auth": key}
    assert Client().get("/", HTTP_AUTHORIZATION=basic("bob", PASSWORD)).json() == {"user": "bob", "auth": None}
    nobody = Client().get("/")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Basic realm="api"')


# --- classes of a project -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "method"),
    [
        (drf.TokenAuthentication, "authenticate_credentials"),
        (drf.BasicAuthentication, "authenticate_credentials"),
        (drf.SessionAuthentication, "enforce_csrf"),
    ],
)
def test_a_class_whose_own_method_would_not_be_asked_cannot_be_made(cls: Any, method: str) -> None:
    mixin = type("Mixin", (), {method: lambda self, *_: None})
    for bases, own in (((cls,), vars(mixin)[method]), ((mixin, cls), None)):
        with pytest.raises(TypeError, match=f"Mine.{method} would never be asked"):
            type("Mine", bases, {method: own} if own else {})


def test_a_class_may_add_to_what_is_decided() -> None:
    class Mine(drf.TokenAuthentication):
        def authenticate(self, request: Any) -> Any:
            found = super().authenticate(request)
            if found is not None and found[0].username == "bob":
                raise exceptions.AuthenticationFailed("Not bob.")
            return found

    assert judged(Mine(), HTTP_AUTHORIZATION=f"Token {token().key}")
    with pytest.raises(exceptions.AuthenticationFailed, match="Not bob"):
        judged(Mine(), HTTP_AUTHORIZATION=f"Token {token('bob').key}")


def test_who_is_switched_off_after_the_verdict_is_refused_by_the_peers_query(monkeypatch: pytest.MonkeyPatch) -> None:
    value = f"Token {token().key}"
    original = drf._named

    def switched_off(*arguments: Any) -> Any:
        found = original(*arguments)
        get_user_model().objects.filter(pk=1).update(is_active=False)
        return found

    with override_settings(AUTHCHAIN={"EXACT_QUERIES": True}):
        monkeypatch.setattr(drf, "_named", switched_off)
        for cls, header in ((drf.TokenAuthentication, value), (drf.BasicAuthentication, basic("alice", PASSWORD))):
            get_user_model().objects.filter(pk=1).update(is_active=True)
            with pytest.raises(exceptions.AuthenticationFailed, match="User inactive or deleted."):
                judged(cls(), HTTP_AUTHORIZATION=header)


def test_settings_that_cannot_be_taken_over_are_told(site: Path) -> None:
    connections["default"].settings_dict["NAME"] = ":memory:"
    with pytest.raises(ImproperlyConfigured, match="authchain: the database ':memory:' is no file"):
        judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION="Token x")
    connections["default"].settings_dict["NAME"] = str(site)
    unreadable = override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache")
    with unreadable, pytest.raises(ImproperlyConfigured, match="cannot read the sessions of"):
        judged(drf.SessionAuthentication(), HTTP_COOKIE="sessionid=x")


def test_a_test_runners_database_is_followed(site: Path) -> None:
    value = f"Token {token().key}"
    assert judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION=value)
    other = site.with_name("test.sqlite3")
    shutil.copy(site, other)
    Token.objects.all().delete()
    connection.close()
    connections["default"].settings_dict["NAME"] = str(other)  # what Django's test runner does
    assert judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION=value)
    connections["default"].settings_dict["NAME"] = str(site)
    with pytest.raises(exceptions.AuthenticationFailed):
        judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION=value)


def test_two_copies_of_sqlite_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from authchain import _sqlite

    for body in ("int sqlite3_open_v2(void) { return 0; }", "static int sqlite3_open_v2; int *unused = &sqlite3_open_v2;"):
        source, library = tmp_path / "copy.c", tmp_path / f"copy{len(body)}.so"
        source.write_text(body)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
        monkeypatch.setitem(sys.modules, "_sqlite3", SimpleNamespace(__file__=str(library)))
        _sqlite.check_copies.cache_clear()
        configuration._forget()
        with pytest.raises(ImproperlyConfigured, match="there would be two in this process"):
            judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION="Token x")
    monkeypatch.undo()
    _sqlite.check_copies.cache_clear()
    with pytest.raises(exceptions.AuthenticationFailed):
        judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION="Token x")


# --- sessions and remote users --------------------------------------------------------------


def logged_in() -> Client:
    client = Client(enforce_csrf_checks=True)
    assert client.login(username="alice", password=PASSWORD)
    return client


def test_a_session_is_its_users_and_a_post_needs_a_csrf_token() -> None:
    client = logged_in()
    assert client.get("/").json() == {"user": "alice", "auth": None}
    refused = client.post("/")
    assert (refused.status_code, refused.json()) == (403, {"detail": "CSRF Failed: CSRF cookie not set."})
    secret = "a" * 32
    client.cookies["csrftoken"] = secret
    assert client.post("/").json() == {"detail": "CSRF Failed: CSRF token missing."}
    assert client.post("/", {"csrfmiddlewaretoken": secret}).status_code == 200
    assert client.post("/", {}, HTTP_X_CSRFTOKEN=secret).status_code == 200
    assert client.post("/", "{}", content_type="application/json", HTTP_X_CSRFTOKEN=secret).status_code == 200
    assert client.post("/", "{", content_type="application/json", HTTP_X_CSRFTOKEN=secret).status_code == 400
    assert client.put("/", HTTP_X_CSRFTOKEN=secret).status_code == 405
    elsewhere = client.post("/", {"csrfmiddlewaretoken": secret}, HTTP_ORIGIN="https://elsewhere.example")
    assert elsewhere.json()["detail"].startswith("CSRF Failed: Origin checking failed - ")


def test_the_form_is_there_for_the_view_that_looks_at_it() -> None:
    client = logged_in()
    request = Request(
        factory.post("/", {"a": "1", "csrfmiddlewaretoken": "a" * 32}, HTTP_COOKIE=cookie(client, "a" * 32)),
        parsers=[__import__("rest_framework.parsers").parsers.MultiPartParser()],
    )
    assert drf.SessionAuthentication().authenticate(request) is not None
    assert request.data["a"] == "1"


def cookie(client: Client, csrf: str = "") -> str:
    return f"sessionid={client.cookies['sessionid'].value}; csrftoken={csrf}"


def test_a_session_that_a_former_key_signed_gets_a_new_key_and_the_browser_its_cookie() -> None:
    client = logged_in()
    before = client.cookies["sessionid"].value
    with override_settings(SECRET_KEY="a newer key", SECRET_KEY_FALLBACKS=[SECRET]):
        assert client.get("/").json()["user"] == "alice"
        after = client.cookies["sessionid"].value
        assert after != before
        assert client.get("/").json()["user"] == "alice"
        client.cookies["sessionid"] = before
        assert client.get("/").status_code == 401


def test_a_remote_user_is_made_where_the_backends_say_so() -> None:
    made: list[str] = []

    def remember(instance: Any, created: bool, **_: Any) -> None:
        made.append(instance.username)

    post_save.connect(remember, sender=get_user_model())
    try:
        remote = "django.contrib.auth.backends.RemoteUserBackend"
        assert judged(drf.RemoteUserAuthentication(), REMOTE_USER="eve") is None, "no such backend"
        with override_settings(AUTHENTICATION_BACKENDS=[remote]):
            user, auth = judged(drf.RemoteUserAuthentication(), REMOTE_USER="eve")
            assert (user.username, auth) == ("eve", None)
            assert judged(drf.RemoteUserAuthentication(), REMOTE_USER="inactive") is None
        assert made == ["eve"]
        assert get_user_model().objects.get(username="eve").pk == user.pk
    finally:
        post_save.disconnect(remember, sender=get_user_model())


def test_a_failed_login_is_announced_as_django_does() -> None:
    heard: list[tuple[Any, Any]] = []

    def remember(sender: Any, credentials: Any, request: Any, **_: Any) -> None:
        heard.append((sender, credentials))

    from rest_framework.authentication import BasicAuthentication

    signals.user_login_failed.connect(remember)
    try:
        for authentication in (BasicAuthentication(), drf.BasicAuthentication()):
            with pytest.raises(exceptions.AuthenticationFailed):
                judged(authentication, HTTP_AUTHORIZATION=basic("alice", "wrong"))
    finally:
        signals.user_login_failed.disconnect(remember)
    assert heard[0] == heard[1]


# --- a chain --------------------------------------------------------------------------------

FILE = """\
database = "sqlite:{database}"
secret_key = "{secret}"
authentication_backends = ["authchain.django.backends.Backend", "ModelBackend"]
allowed_hosts = ["localhost", "127.0.0.1", "testserver"]
password_hashers = ["pbkdf2_sha256"]
[throttle]
enabled = false
[hashers.pbkdf2_sha256]
iterations = 1000
[chains.default]
schemes = ["session", "token"]
anonymous = "allow"
[chains.api]
schemes = ["basic", "token"]
"""


@pytest.fixture
def file(site: Path) -> Path:
    path = site.parent / "authchain.toml"
    path.write_text(FILE.format(database=site, secret=SECRET))
    path.chmod(0o600)
    return path


class Api(drf.ChainAuthentication):
    """The guide's way to name a chain."""

    chain = "api"


def test_a_chain_of_a_file_decides(file: Path) -> None:
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        user, auth = judged(Api(), HTTP_AUTHORIZATION=f"Token {token('bob').key}")
        assert (type(user), user.username) == (get_user_model(), "bob")
        assert isinstance(auth, authchain.User)
        assert (auth.scheme, auth.name) == ("token", "bob")
        assert Api().authenticate_header(Request(factory.get("/"))) == 'Basic realm="api"'
        with pytest.raises(exceptions.AuthenticationFailed, match="credentials were not provided"):
            judged(Api())
        assert judged(drf.ChainAuthentication()) is None


@pytest.mark.parametrize("exact", [False, True])
def test_whom_only_a_token_claims_is_no_row(file: Path, exact: bool) -> None:
    file.write_text(
        file.read_text()
        + '[chains.claimed]\nschemes = ["claimed"]\n[schemes.claimed]\ntype = "jwt"\nstateless = true\nblacklist = false\n'
    )
    claims = {"token_type": "access", "user_id": "1", "username": "bob", "jti": "0" * 32, "exp": 4102444800}

    class Claimed(drf.ChainAuthentication):
        chain = "claimed"

    settings = override_settings(AUTHCHAIN={"CONFIG": str(file), "EXACT_QUERIES": exact})
    with settings, pytest.raises(ImproperlyConfigured, match="in no table"):
        judged(Claimed(), HTTP_AUTHORIZATION=f"Bearer {jwt.encode(claims, SECRET)}")


def test_a_scheme_of_the_project_is_asked(file: Path) -> None:
    file.write_text(file.read_text() + '[chains.badge]\nschemes = ["badge"]\n')

    class Badge(drf.ChainAuthentication):
        chain = "badge"

    with override_settings(AUTHCHAIN={"CONFIG": str(file), "SCHEMES": [f"{__name__}.BADGE"]}):
        user, auth = judged(Badge(), HTTP_X_USERNAME="bob")
        assert (user.username, auth.scheme) == ("bob", "badge")
        with pytest.raises(exceptions.APIException) as caught:
            judged(Badge(), HTTP_X_USERNAME="jammed")
        assert caught.value.status_code == 503


def badge(view: authchain.View) -> str | None:
    """The guide's example: the name stands in a header."""
    name = view.header("X-Username")
    if name == b"jammed":
        raise RuntimeError("the reader is jammed")
    return None if name is None else name.decode()


BADGE = authchain.Scheme("badge", badge)


def test_options_of_the_project_are_added(site: Path) -> None:
    log = site.parent / "log"
    with override_settings(AUTHCHAIN={"OPTIONS": {"log": str(log)}}), pytest.raises(exceptions.AuthenticationFailed):
        judged(drf.TokenAuthentication(), HTTP_AUTHORIZATION="Token x")
    assert "token.unknown" in log.read_text()


def through_middleware(**environ: Any) -> tuple[Any, Any]:
    """The request that a view gets, and the response that the client gets."""
    seen: list[Any] = []

    def view(request: Any) -> HttpResponse:
        seen.append(request)
        return HttpResponse("hello", headers={"Vary": "Accept"})

    response = middleware.AuthenticationMiddleware(view)(factory.get("/", **environ))
    return (seen or [None])[0], response


def test_the_middleware_sets_the_user_of_a_request(file: Path) -> None:
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        request, response = through_middleware(HTTP_AUTHORIZATION=f"Token {token().key}")
        assert (type(request.user), request.user.username) == (get_user_model(), "alice")
        assert request.authchain.user.scheme == "token"
        assert response.headers["Vary"].startswith("Accept, ")
        request, response = through_middleware()
        assert isinstance(request.user, AnonymousUser)
        request, response = through_middleware(HTTP_AUTHORIZATION="Token x")
        assert request is None
        assert (response.status_code, response.content) == (403, b'{"detail":"Invalid token."}')
        assert response.headers["Content-Type"] == "application/json"
    with override_settings(AUTHCHAIN={"CONFIG": str(file), "CHAIN": "api"}):
        _, response = through_middleware()
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Basic realm="api"')


def test_the_middleware_sends_the_cookie_of_a_prolonged_session(file: Path) -> None:
    file.write_text("session_save_every_request = true\n" + file.read_text())
    client = logged_in()
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        request, response = through_middleware(HTTP_COOKIE=cookie(client))
    assert request.user.username == "alice"
    sent = response.cookies["sessionid"]
    assert (sent.value, sent["httponly"], sent["samesite"]) == (client.cookies["sessionid"].value, True, "Lax")
    assert re.fullmatch(r"\d+", str(sent["max-age"]))


# --- backend, checks, command ---------------------------------------------------------------


def test_the_backend_checks_passwords(file: Path) -> None:
    for options in ({}, {"CONFIG": str(file)}):
        with override_settings(AUTHCHAIN=options):
            user = authenticate(username="alice", password=PASSWORD)
            assert (type(user), user.username) == (get_user_model(), "alice")
            assert user.get_deferred_fields() == set()
            for name, password in (("alice", "wrong"), ("inactive", PASSWORD), ("nobody", PASSWORD)):
                assert authenticate(username=name, password=password) is None


def test_the_backend_says_when_it_cannot_know(site: Path) -> None:
    connection.close()
    site.write_bytes(b"garbage" * 1000)
    with pytest.raises(authchain.StoreError):
        authenticate(username="alice", password=PASSWORD)


def checks() -> list[tuple[str, str]]:
    return [(message.id, message.msg) for message in run_checks(tags=["security"]) if "authchain" in (message.id or "")]


def test_manage_py_check_is_content_with_what_fits(file: Path) -> None:
    assert checks() == []
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        assert checks() == []


def test_manage_py_check_tells_what_does_not_fit(file: Path) -> None:
    text = file.read_text()
    file.write_text('use_tz = false\ntime_zone = "Europe/Berlin"\n' + text.replace(SECRET, "another"))
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        assert checks() == [
            ("authchain.W001", f"{file}: use_tz is False, the settings say True"),
            ("authchain.W001", f"{file}: secret_key is not that of the settings"),
        ]
    file.write_text("nonsense")
    with override_settings(AUTHCHAIN={"CONFIG": str(file)}):
        [(id, text)] = checks()
        assert (id, text.startswith(f"{file}:1:")) == ("authchain.E001", True)
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.BaseBackend", "authchain.django.backends.Backend"]):
        [(id, text)] = checks()
        assert id == "authchain.W002"
        assert "BaseBackend is left out" in text


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("authchain_config", *arguments)
    return capsys.readouterr().out


def test_the_command_prints_what_from_django_prints(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = subprocess.run(
        [ROOT / "target/release/authchain", "from-django", "shop.settings", "--python", sys.executable, "--path", PROJECT, "--print-secret"],  # noqa: E501
        env={**os.environ, "DATABASE": str(site), "PYTHONPATH": str(ROOT / "python-bindings")},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    own = {"PASSWORD_HASHERS": django.conf.global_settings.PASSWORD_HASHERS, "ALLOWED_HOSTS": ["localhost", "127.0.0.1"]}
    with override_settings(**own):  # as without the test environment
        assert printed(capsys, "--print-secret") == run.stdout
    assert SECRET in run.stdout


def test_the_command_shows_no_secret_unless_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert SECRET not in printed(capsys)
    file = site.parent / "secret_key"
    assert f'secret_key = {{ file = "{file}" }}' in printed(capsys, "--secret-file", str(file))
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{SECRET}\n", 0o600)
    with pytest.raises(CommandError, match="File exists"):
        printed(capsys, "--secret-file", str(file))


def test_what_the_command_prints_is_accepted_and_says_what_the_settings_say(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site.parent / "authchain.toml"
    path.write_text(printed(capsys, "--print-secret"))
    path.chmod(0o600)
    with authchain.Context(path) as context:
        assert context.authenticate({"Authorization": basic("alice", PASSWORD)}).user.name == "alice"
    assert printed(capsys, "--check", str(path)) == f"{path} says what the settings say\n"
    path.write_text(path.read_text().replace(str(site), "/elsewhere.sqlite3"))
    with pytest.raises(CommandError, match="database is 'sqlite:/elsewhere.sqlite3', the settings say"):
        printed(capsys, "--check", str(path))


def test_a_comparison_never_shows_a_secret(file: Path) -> None:
    made = configuration.made_text()
    file.write_text(file.read_text().replace(SECRET, "the other secret"))
    told = "\n".join(differences(made, file))
    assert "secret_key is not that of the settings" in told
    assert SECRET not in told
    assert "the other secret" not in told


def test_the_project_answers_manage_py(database: Path) -> None:
    environment = {**os.environ, "DATABASE": str(database), "PYTHONPATH": str(ROOT / "python-bindings")}
    command = [sys.executable, str(PROJECT / "manage.py"), "check", "--fail-level", "WARNING"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


