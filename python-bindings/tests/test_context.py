"""Opening, closing, logging, the usual file, and schemes in Python."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PASSWORD, ROOT, basic, config

import authchain
from authchain import ConfigError, Context, Refuse, Scheme, Status, View, check_config


def broken_config(path: Path) -> Path:
    path.write_text('database = "sqlite:db"\nsecret_key = "x"\n[chains.default]\nschemes = ["basic", "tokn"]\n')
    return path


def test_a_faulty_file_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = broken_config(tmp_path / "authchain.toml")
    for attempt in (lambda: Context(path), lambda: check_config(path)):
        with pytest.raises(ConfigError) as caught:
            attempt()
        error = caught.value
        assert (error.file, error.line, error.column) == (str(path), 4, 21)
        assert error.text == 'unknown scheme "tokn"'
        assert error.remedy == "known: basic, durin, jwt, knox, remote_user, session, token"
        assert str(error) == f'{path}:4:21: unknown scheme "tokn" (known: basic, durin, jwt, knox, remote_user, session, token)'
        assert error.status is Status.ECONFIG


def test_columns_are_counted_in_characters() -> None:
    with pytest.raises(ConfigError) as caught:
        Context(text='"\u00fc\u20ac" = 1')
    assert (caught.value.file, caught.value.line, caught.value.column) == ("(text)", 1, 1)
    with pytest.raises(ConfigError) as caught:
        Context(text='database = "\u00fc\u20ac" bad')
    assert (caught.value.line, caught.value.column) == (1, 17)


def test_a_missing_file_is_an_error_without_a_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened") as caught:
        Context(tmp_path / "none.toml")
    assert (caught.value.line, caught.value.column) == (0, 0)


def test_an_empty_text_or_path_is_never_the_usual_file() -> None:
    with pytest.raises(ConfigError, match="has no database"):
        Context(text="")
    with pytest.raises(ValueError, match="empty"):
        Context("")
    with pytest.raises(TypeError):
        Context("a", text="b")


def test_relative_paths_start_at_the_file_or_the_base(database: Path) -> None:
    path = database.parent / "authchain.toml"
    path.write_text(config(Path(database.name)))
    with Context(path) as context:
        assert context.lookup(name="alice")
    with Context(text=path.read_text(), base_dir=database.parent) as context:
        assert context.lookup(name="alice")


def test_a_closed_context_refuses_everything(context: Context) -> None:
    context.close()
    context.close()
    for call in (context.authenticate, context.request, context.tokens):
        with pytest.raises(ValueError, match="the context is closed"):
            call()


def test_log_lines_reach_python(database: Path) -> None:
    lines: list[tuple[int, str]] = []
    with Context(text=config(database), host="shop", log=lambda s, line: lines.append((s, line))) as context:
        gc.collect()
        context.authenticate({"Authorization": basic("alice", PASSWORD)})
        context.authenticate({"Authorization": basic("ali ce\n", "secret")})
        database.unlink()
        database.mkdir()
    with Context(text=config(database), log=lambda s, line: lines.append((s, line))) as context:
        context.authenticate({"Authorization": basic("alice", PASSWORD)})
    [passed, refused, broken] = lines
    assert passed == (7, "ok user=alice scheme=basic host=shop")
    assert refused[0] == 5
    assert refused[1].startswith("password.wrong user=ali\\u{20}ce\\u{a} ")
    assert refused[1].endswith(" host=shop")
    assert broken[0] == 3
    assert broken[1].startswith("broken database: ")


ONE_CALL = """
import authchain
try:
    verdict = authchain.authenticate({"Authorization": "%s"}, method="GET")
    print(verdict.ok, verdict.user.name, authchain.authenticate().response.status)
except authchain.ConfigError as error:
    print(error.line, error.text)
"""


def one_call(path: Path) -> str:
    run = subprocess.run(
        [sys.executable, "-c", ONE_CALL % basic("alice", PASSWORD)],
        env={
            **os.environ,
            "AUTHCHAIN_CONFIG": str(path),
            "PYTHONPATH": str(ROOT / "python-bindings"),
        },
        capture_output=True,
        check=True,
        text=True,
    )
    return run.stdout.strip()


def test_the_one_call_uses_the_usual_file(database: Path) -> None:
    path = database.parent / "authchain.toml"
    path.write_text(config(database))
    assert one_call(path) == "True alice 401"
    path.write_text(config(database).replace("chains.default", "chains.other"))
    assert one_call(path) == "0 the configuration has no chain 'default'"
    assert one_call(broken_config(path)) == '4 unknown scheme "tokn"'


def badge(view: View) -> str | None:
    """A scheme: the user of the header `X-Badge`."""
    value = view.header("x-badge")
    if value is None:
        return None
    if value == b"forged":
        raise Refuse("This badge is forged.")
    if value == b"jammed":
        raise RuntimeError("the reader is jammed")
    if value == b"number":
        return 7  # type: ignore[return-value]
    return value.decode()


def with_badge(database: Path, challenge: str = "") -> Context:
    text = config(database).replace('["basic", "token"]', '["badge", "basic"]')
    return Context(text=text, schemes=[Scheme("badge", badge, challenge)])


@pytest.mark.parametrize(
    ("value", "status", "http", "name"),
    [
        ("alice", Status.OK, 200, "alice"),
        ("inactive", Status.REFUSED, 403, ""),
        ("nobody", Status.REFUSED, 403, ""),
        ("forged", Status.REFUSED, 403, ""),
        ("jammed", Status.ESTORE, 503, ""),
        ("number", Status.ESTORE, 503, ""),
        ("", Status.ESTORE, 503, ""),
    ],
)
def test_a_scheme_in_python(database: Path, value: str, status: Status, http: int, name: str) -> None:
    with with_badge(database) as context:
        gc.collect()
        verdict = context.authenticate({"X-Badge": value})
    assert (verdict.status, verdict.response.status, verdict.user.name) == (status, http, name)
    assert verdict.user.scheme == ("badge" if verdict else None)


def test_what_a_scheme_raises_stands_in_the_log_and_not_in_the_answer(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with with_badge(database) as context, context.request({"X-Badge": "jammed"}) as request:
        verdict = request.authenticate()
        assert "RuntimeError" in request.log_line()
    assert "jammed" not in verdict.response.body
    [record] = caplog.records
    assert (record.name, record.getMessage()) == ("authchain", "the scheme 'badge' failed")
    assert "the reader is jammed" in caplog.text


def test_a_scheme_in_python_may_pass_and_challenge(database: Path) -> None:
    with with_badge(database, "Badge") as context:
        assert context.authenticate({"Authorization": basic("bob", PASSWORD)}).user.name == "bob"
        verdict = context.authenticate({"X-Badge": "forged"})
        assert verdict.response.headers[0] == ("WWW-Authenticate", "Badge")
        assert verdict.response.body == '{"detail":"This badge is forged."}'


def test_a_view_ends_with_its_call(database: Path) -> None:
    views: list[View] = []

    def remember(view: View) -> str | None:
        views.append(view)
        seen = (view.method, view.target, view.host, view.peer, view.remote_user)
        assert seen == (b"GET", b"/a?\0b", b"h", b"192.0.2.1", b"eve")
        assert (view.header("X"), view.header("Y")) == (b"1,2", None)
        return None

    text = config(database).replace('["basic", "token"]', '["own"]')
    with Context(text=text, schemes=[Scheme("own", remember)]) as context:
        verdict = context.authenticate(
            [("x", "1"), ("X", "2")],
            method="GET",
            target="/a?\0b",
            host="h",
            peer="192.0.2.1",
            remote_user="eve",
        )
    assert verdict.response.status == 403
    with pytest.raises(ValueError, match="over"):
        views[0].header("X")


def test_the_library_says_its_version() -> None:
    assert authchain.library_version().split(".")[:2] == ["0", "1"]
