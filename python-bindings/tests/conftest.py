"""A database made by Django, and a context over a copy of it for each test."""

import os
import shutil
import sqlite3
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
os.environ.setdefault("AUTHCHAIN_LIBRARY", str(ROOT / "target/dist/libauthchain.so.0.1"))
sys.path.insert(0, str(ROOT / "python-bindings"))

import authchain  # noqa: E402
from authchain import _asked  # noqa: E402

# test_fast.py runs other tests with the optional module, and wants to know that it is used.
assert (_asked._fast is not None) == (os.environ.get("AUTHCHAIN_FAST") == "required")

PASSWORD = "wonderland"

CONFIG = """\
database = "sqlite:{database}"
secret_key = "a secret key for tests, never used elsewhere"
timeout = {timeout}
[throttle]
enabled = false
[hashers.pbkdf2_sha256]
iterations = 1000
[chains.default]
schemes = ["basic", "token"]
[chains.open]
schemes = ["token"]
anonymous = "allow"
"""


def basic(name: str, password: str) -> str:
    """The value of `Authorization`."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def config(database: Path, timeout: int = 5) -> str:
    """A configuration over a database."""
    return CONFIG.format(database=database, timeout=timeout)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Django's schema and three users."""
    path = tmp_path_factory.mktemp("template") / "db.sqlite3"
    site = [sys.executable, str(ROOT / "tests/peer/site.py"), "--db", str(path)]
    subprocess.run([*site, "migrate"], check=True)
    with authchain.Context(text=config(path)) as made:
        for name in ("alice", "bob", "inactive"):
            made.create_user(name, PASSWORD, email=f"{name}@example.com")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE auth_user SET is_active = 0 WHERE username = 'inactive'")
    connection.close()
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Path:
    """A database of the test's own."""
    return Path(shutil.copy(template, tmp_path / "db.sqlite3"))


@pytest.fixture
def context(database: Path) -> Iterator[authchain.Context]:
    """A context over the test's database."""
    with authchain.Context(text=config(database)) as made:
        yield made
