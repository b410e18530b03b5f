"""The optional module in C says and does what the package does by ctypes, for whatever environment."""

import importlib.util
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from conftest import PASSWORD, ROOT, basic, config

from authchain import Context, Response, User, Verdict, _asked
from authchain._asked import Asked, Quick
from authchain.wsgi import Middleware

MORE = """
[chains.site]
schemes = ["session"]
anonymous = "allow"
[chains.remote]
schemes = ["remote_user"]
[chains.signed]
schemes = ["jwt"]
[chains.claimed]
schemes = ["claimed"]
[schemes.jwt]
blacklist = false
[schemes.claimed]
type = "jwt"
stateless = true
blacklist = false
"""
SIGNED = jwt.encode(
    {"token_type": "access", "user_id": "1", "jti": "0" * 32, "exp": 4102444800, "username": "j\xf6rg", "roles": ["a"], "n": 1},
    "a secret key for tests, never used elsewhere",
)

USUAL = {"HTTP_HOST": "localhost", "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "REMOTE_ADDR": "192.0.2.1",
         "wsgi.url_scheme": "http", "SERVER_NAME": "localhost"}  # fmt: skip

ODD: list[dict[str, Any]] = [
    {},
    {"HTTP_AUTHORIZATION": "Token x"},
    {"HTTP_AUTHORIZATION": basic("alice", PASSWORD)},
    {"HTTP_AUTHORIZATION": basic("inactive", PASSWORD)},
    {"HTTP_AUTHORIZATION": "Basic \xe9"},
    {"HTTP_AUTHORIZATION": "Token \u20ac"},
    {"HTTP_AUTHORIZATION": "Token \udc80"},
    {"HTTP_AUTHORIZATION": b"Token x"},
    {"HTTP_AUTHORIZATION": "Token x\r\nHost: other"},
    {"HTTP_AUTHORIZATION": ""},
    {"HTTP_AUTHORIZATION": f"Bearer {SIGNED}"},
    {"HTTP_X_AUTH_USER": "root", "HTTP_X_AUTH_USER_ID": "1", "HTTP_X_AUTH_SCHEME": "s", "AUTH_TYPE": "x", "REMOTE_USER": "root"},
    {"HTTP_X.AUTH.USER": "root", "HTTP_X_AUTH~USER": "root"},
    {"HTTP_X:AUTH:USER": "root"},
    {"HTTP_X\nAUTH\nUSER": "root"},
    {"HTTP_": "empty", "HTTP": "none"},
    {"HTTP_\xe9": "1"},
    {"HTTP_\u20ac": "1"},
    {f"HTTP_X_{number}": "x" for number in range(63)},
    {f"HTTP_X_{number}": "x" for number in range(64)},
    {"HTTP_" + "A" * 2044: "x"},
    {"HTTP_" + "A" * 2045: "x"},
    {"HTTP_X": "x" * (1 << 20)},
    {"CONTENT_TYPE": "", "CONTENT_LENGTH": ""},
    {"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3"},
    {"PATH_INFO": "/\xc3\xa9", "QUERY_STRING": "a=b"},
    {"PATH_INFO": "/" + "a" * 3000, "QUERY_STRING": "a=b"},
    {"RAW_URI": "/a%2fb?c"},
    {"REQUEST_URI": "http://h/x"},
    {"REMOTE_USER": "alice"},
    {"REMOTE_USER": "j\xc3\xb6rg"},
    {"REMOTE_USER": None},
    {"REMOTE_ADDR": ""},
    {"HTTP_HOST": "", "SERVER_NAME": "h"},
    {"REQUEST_METHOD": "POST", "HTTP_COOKIE": "sessionid=x"},
    {"wsgi.url_scheme": "https", "wsgi.input": object()},
]


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module, as its wheel has it."""
    folder = tmp_path_factory.mktemp("fast")
    subprocess.run([ROOT / "scripts/make-wheel", sys.executable, "fast", folder], check=True)
    [wheel] = folder.iterdir()
    assert wheel.name.startswith("authchain_fast-0.1.0-cp310-abi3-linux_")
    zipfile.ZipFile(wheel).extract("authchain_fast.abi3.so", folder)
    return folder


@pytest.fixture
def quick(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is there for this test."""
    monkeypatch.syspath_prepend(str(module))
    monkeypatch.setattr(_asked, "_fast", _asked._bound())
    assert importlib.util.find_spec("authchain_fast") is not None


@pytest.fixture
def site(database: Path) -> Iterator[Context]:
    with Context(text=config(database) + MORE) as made:
        made.create_user("j\xf6rg", PASSWORD)
        yield made


def told(kind: type[Asked], site: Context, chain: str, required: bool, given: dict[str, Any]) -> object:
    """What a client gets and the application sees, or the error."""
    seen: list[object] = []

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.append({key: value for key, value in environ.items() if key != "wsgi.input"})
        start("200 OK", [("A", "b")])
        return [b"hello"]

    middleware = Middleware(app, site, chain, required=required)
    middleware._asked = kind(site, chain)  # type: ignore[misc]
    environ = {**given, "wsgi.input": io.BytesIO()}
    try:
        body = b"".join(middleware(environ, lambda *answer: seen.append(answer)))  # type: ignore[arg-type]
    except Exception as error:
        return repr(error)
    return seen, body


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("chain", ["default", "open", "site", "remote", "signed", "claimed"])
def test_every_environment_is_judged_and_edited_alike(site: Context, chain: str, required: bool) -> None:
    keys = [site.create_token(name).key for name in ("alice", "j\xf6rg")]
    good = [{**odd, "HTTP_AUTHORIZATION": f"Token {keys[0]}"} for odd in ODD if "HTTP_AUTHORIZATION" not in odd]
    answers = []
    for odd in [*ODD, *good, {"HTTP_AUTHORIZATION": f"Token {keys[1]}"}]:
        given = {**USUAL, **odd}
        quick, plain = (told(kind, site, chain, required, given) for kind in (Quick, Asked))
        assert quick == plain, odd
        answers.append(str(quick))
    assert any("authchain.user" in answer for answer in answers) or (chain == "site" and required)
    assert any("401 " in answer or "403 " in answer for answer in answers) or (chain == "site" and not required)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("chain", ["signed", "claimed"])
def test_an_application_is_told_what_a_token_says_by_both(site: Context, chain: str) -> None:
    given = {**USUAL, "HTTP_AUTHORIZATION": f"Bearer {SIGNED}"}
    for kind in (Quick, Asked):
        [environ, _], _ = told(kind, site, chain, True, given)  # type: ignore[misc]
        user: User = environ["authchain.user"]
        assert user.claims is not None
        assert (user.claims["roles"], user.claims["n"], user.claims["username"]) == (["a"], 1, "j\xf6rg")
        assert user.is_claimed == (chain == "claimed")
        assert "roles" not in repr(user)


@pytest.mark.usefixtures("quick")
def test_what_is_usual_is_not_left_to_the_package(site: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def left(*_: object) -> None:
        pytest.fail("left to the package")

    monkeypatch.setattr(Asked, "environ", left)
    environ = {**USUAL, "HTTP_AUTHORIZATION": basic("alice", PASSWORD), "HTTP_X_AUTH_USER": "root", "REMOTE_USER": "root"}
    assert Quick(site).environ(environ, False) == b"Vary: Authorization\n"
    assert (environ["REMOTE_USER"], environ["AUTH_TYPE"], environ["HTTP_X_AUTH_USER"]) == ("alice", "basic", "alice")
    user = environ["authchain.user"]
    assert user == User("alice", "1", "alice@example.com", scheme="basic", is_active=True)
    refused = Quick(site).environ({**USUAL, "HTTP_AUTHORIZATION": "Token x"}, False)
    assert isinstance(refused, Verdict)
    assert isinstance(refused.response, Response)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("value", [b"", b"Token x", b"Basic \xff", b"Token x\r\nA: b", b"a\0b", b"x" * (1 << 20)])
def test_every_header_is_judged_alike(context: Context, value: bytes) -> None:
    def answer(asked: Asked) -> object:
        try:
            return asked.authorization(value, "192.0.2.1")
        except Exception as error:
            return repr(error)

    assert answer(Quick(context)) == answer(Asked(context))
    key = context.create_token("alice").key.encode()
    assert Quick(context).authorization(b"Token " + key, "") == ("1", "alice", "alice@example.com", 1)


@pytest.mark.usefixtures("quick")
def test_a_closed_context_is_an_error(site: Context) -> None:
    asked = Quick(site)
    site.close()
    with pytest.raises(ValueError, match="closed"):
        asked.environ(dict(USUAL), False)
    with pytest.raises(ValueError, match="closed"):
        asked.authorization(b"Token x", "")


@pytest.mark.usefixtures("quick")
def test_a_module_for_another_package_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authchain_fast.INTERFACE", 99)
    assert _asked._bound() is None


def test_the_hosts_own_tests_pass_with_the_module(module: Path) -> None:
    path = os.pathsep.join([str(module), str(ROOT / "python-bindings")])
    tests = [str(Path(__file__).parent / name) for name in ("test_wsgi.py", "test_django.py", "test_peer_suites.py")]
    environment = {**os.environ, "PYTHONPATH": path, "AUTHCHAIN_FAST": "required"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


LEAK = """
import sys, authchain
from authchain._asked import Quick
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
context = authchain.Context(text=sys.argv[1])
asked = Quick(context)
key = context.create_token("alice").key
good, bad = "Token " + key, "Token x"
odd = {"HTTP_X": "\\xe9"}
def ask(times):
    for _ in range(times):
        assert asked.environ({"HTTP_AUTHORIZATION": good, "HTTP_X_AUTH_USER": "eve", "PATH_INFO": "/"}, False)
        assert not asked.environ({"HTTP_AUTHORIZATION": bad}, False)
        asked.environ(dict(odd), True)
        assert len(asked.authorization(good.encode(), "")) == 4
        asked.authorization(bad.encode(), "")
ask(2000)
before = resident()
ask(30_000)
print(resident() - before)
"""


def test_a_hundred_thousand_calls_of_the_module_leak_nothing(module: Path, database: Path) -> None:
    path = os.pathsep.join([str(module), str(ROOT / "python-bindings")])
    command = [sys.executable, "-c", LEAK, config(database)]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 1 << 20
