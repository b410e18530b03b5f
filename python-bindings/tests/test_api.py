"""The rest of the C ABI in Python: reloading, metrics, edits, events; what does not leave the process; examples."""

import copy
import doctest
import json
import pickle
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jwt
import pytest
from conftest import PASSWORD, ROOT, basic, config
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

import authchain
from authchain import ConfigError, Context, Edits, Event, Refused, Status, StoreError, Throttled, chain

THROTTLED = "[throttle]\naccount = \"2/1h\"\nstore = \"database\"\n"


def test_a_configuration_is_loaded_again_or_the_one_in_use_stays(database: Path) -> None:
    path = database.parent / "authchain.toml"
    path.write_text(config(database))
    with Context(path) as context:
        begun = context.request({"Authorization": basic("alice", PASSWORD)})
        path.write_text(config(database).replace('["basic", "token"]', '["token"]'))
        context.reload()
        assert not context.authenticate({"Authorization": basic("alice", PASSWORD)})
        assert begun.authenticate().user.name == "alice"
        path.write_text(config(database).replace('["basic", "token"]', '["tokn"]'))
        with pytest.raises(ConfigError, match="unknown scheme") as caught:
            context.reload()
        assert caught.value.file == str(path)
        assert caught.value.line > 0
        key = context.create_token("alice").key
        assert context.authenticate({"Authorization": f"Token {key}"})


def test_a_tick_fetches_the_keys_of_an_address(database: Path) -> None:
    key = Ed25519PrivateKey.generate()
    jwks = json.dumps({"keys": [{**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k"}]}).encode()
    claims = {"token_type": "access", "user_id": "1", "jti": "a", "exp": 4102444800}
    header = {"Authorization": "Bearer " + jwt.encode(claims, key, "EdDSA", headers={"kid": "k"})}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(jwks)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/"
        scheme = f'[schemes.jwt]\nalgorithm = "EdDSA"\nblacklist = false\njwk_url = "{url}"\n'
        with Context(text=config(database) + scheme + '[chains.jwt]\nschemes = ["jwt"]\n') as context:
            assert context.wants_tick
            verdict = context.authenticate(header, chain="jwt")
            assert verdict.status is Status.ESTORE
            assert not verdict
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            context.tick()
            thread.join()
            assert context.authenticate(header, chain="jwt").user.name == "alice"
    with Context(text=config(database) + scheme) as context, pytest.raises(StoreError):
        context.tick()  # nobody listens any more


def test_metrics_count_what_was_answered(context: Context) -> None:
    context.authenticate({"Authorization": basic("alice", PASSWORD)})
    context.authenticate({"Authorization": "Token x"})
    context.authenticate({"Authorization": "Token y"})
    lines = [line for line in context.metrics().splitlines() if 'chain="default"' in line]
    counted = {line.split('outcome="')[1].split('"')[0]: line.rsplit(" ", 1)[1] for line in lines}
    assert {outcome: number for outcome, number in counted.items() if number != "0"} == {"ok": "1", "authentication_failed": "2"}


def test_edits_take_away_what_a_client_says_and_add_who_it_is(context: Context) -> None:
    headers = {"Authorization": basic("alice", PASSWORD), "x_auth_user": "eve"}
    with context.request(headers) as request:
        before = request.edits()
        assert before.add == ()
        assert "X-Auth-User" in before.remove
        assert request.authenticate()
        assert request.edits() == Edits(
            before.remove, (("X-Auth-User", "alice"), ("X-Auth-User-Id", "1"), ("X-Auth-Scheme", "basic"))
        )
    with context.request({"Authorization": "Token x", "x_auth_user": "eve"}) as request:
        assert not request.authenticate()
        assert request.edits() == before


def test_a_verdict_says_what_happened_besides(database: Path) -> None:
    with Context(text=config(database).replace('["basic", "token"]', '["basic", "remote_user"]')) as context:
        assert context.authenticate({"Authorization": basic("alice", PASSWORD)}).events == ()
        refused = context.authenticate({"Authorization": basic("alice", "wrong")})
        assert refused.events == (Event("login_failed", "alice"),)
        made = context.authenticate(remote_user="eve")
        assert made.user.name == "eve"
        assert Event("user_created", "eve") in made.events


def test_a_verdict_may_be_raised(database: Path, tmp_path: Path) -> None:
    text = config(database).replace("[throttle]\nenabled = false\n", THROTTLED)
    with Context(text=text) as context:
        context.authenticate({"Authorization": basic("alice", PASSWORD)}).raise_for_refusal()
        context.authenticate(chain="open").raise_for_refusal()
        for kind in (Refused, Refused, Throttled):
            verdict = context.authenticate({"Authorization": basic("bob", "wrong")})
            with pytest.raises(Refused) as caught:
                verdict.raise_for_refusal()
            assert type(caught.value) is kind
            assert caught.value.response == verdict.response
        assert verdict.response.status == 429
    with Context(text=config(tmp_path / "none")) as context, pytest.raises(StoreError):
        context.authenticate({"Authorization": "Token x"}).raise_for_refusal()


def test_what_points_into_the_library_is_not_pickled(context: Context, database: Path) -> None:
    with Context(text=config(database) + "[endpoints.obtain_auth_token]\n") as own:
        endpoint = own.endpoint("obtain_auth_token")
    calls: list[Callable[[object], object]] = [pickle.dumps, copy.copy, copy.deepcopy]
    for thing in (context, context.request(), endpoint):
        for call in calls:
            with pytest.raises(TypeError, match="belongs to its process"):
                call(thing)


def test_plain_values_are_pickled(context: Context) -> None:
    verdict = context.authenticate({"Authorization": basic("alice", PASSWORD)})
    assert pickle.loads(pickle.dumps(verdict)) == verdict
    assert pickle.loads(pickle.dumps(verdict)).status is Status.OK


def test_no_representation_shows_a_secret(context: Context) -> None:
    token, session = context.create_token("alice"), context.create_session("alice")
    headers = {"Authorization": f"Token {token.key}", "Cookie": f"sessionid={session.key}"}
    with context.request(headers) as request:
        shown = repr([context, request, request.authenticate(), token, session, context.tokens()])
        shown += request.log_line() + context.metrics()
    assert token.key not in shown
    assert session.key not in shown


@pytest.mark.parametrize("module", [authchain, chain])
def test_the_examples_do_what_they_say(module: object, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(database.parent)
    Path("authchain.toml").write_text(config(database))
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted >= 3
    assert result.failed == 0


def test_the_readme_says_what_is_so(database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(database.parent)
    Path("authchain.toml").write_text(config(database))
    block = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out == '401 {"detail":"Invalid token."}\n'


def test_the_python_of_the_documents_compiles() -> None:
    for name in ("docs/python.md", "docs/django.md", "python-bindings/README.md"):
        blocks = (ROOT / name).read_text().split("```python\n")[1:]
        assert blocks
        for block in blocks:
            compile(block.split("```")[0], name, "exec")
