"""The wheel, installed into a virtual environment of its own, where nothing else of ours is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import PASSWORD, ROOT, config

README = (ROOT / "README.md").read_text()


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints, without our variables in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHCHAIN", "PYTHON"))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    library = os.path.realpath(os.environ["AUTHCHAIN_LIBRARY"])
    run(ROOT / "scripts/make-wheel", sys.executable, library, folder, folder=ROOT)
    [made] = folder.iterdir()
    return made


def test_the_wheel_has_the_library_and_no_sqlite(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if ".so" in name] == ["authchain/libauthchain.so.0.1"]
    assert {"authchain/py.typed", "authchain/django/from_django/__init__.py", "authchain/django/from_django/of_drf.py"} <= set(names)
    assert "authchain/django/management/commands/authchain_config.py" in names
    assert wheel.name.startswith("authchain-0.1.0-py3-none-linux_")


def test_the_readmes_lines_run_where_only_the_wheel_is_installed(wheel: Path, database: Path) -> None:
    folder = database.parent
    run(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    python = folder / "venv/bin/python"
    run(python, "-m", "pip", "install", "-q", "--no-index", "--disable-pip-version-check", wheel, folder=folder)
    (folder / "authchain.toml").write_text(config(database))
    blocks = [part.split("```")[0] for part in README.split("```python\n")[1:]]
    (folder / "first.py").write_text(blocks[0])
    assert run(python, "first.py", folder=folder) == '401 {"detail":"Invalid token."}\n'
    (folder / "app.py").write_text(blocks[1])
    (folder / "ask.py").write_text(ASK)
    said = run(python, "ask.py", PASSWORD, folder=folder)
    assert said.splitlines() == ["200 OK hello alice", '401 Unauthorized {"detail":"Invalid username/password."}']


ASK = """\
import base64, sys
from wsgiref.util import setup_testing_defaults
from app import application
for password in (sys.argv[1], "wrong"):
    environ = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"alice:{password}".encode()).decode()}
    setup_testing_defaults(environ)
    statuses = []
    body = b"".join(application(environ, lambda status, headers, exc_info=None: statuses.append(status)))
    print(statuses[0], body.decode().strip())
"""
