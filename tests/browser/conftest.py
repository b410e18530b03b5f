"""One database, Django's own site and `authchain serve` over it, and a browser: all on free ports of loopback, in a
folder that goes away, ended by their process ids."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from webdriver import Browser

ROOT = Path(__file__).parents[2]
COMMAND = os.environ.get("AUTHCHAIN", str(ROOT / "target/release/authchain"))

CONFIG = """\
database = "sqlite:db.sqlite3"
secret_key = "site-secret-key-0123456789-0123456789-0123456789"
[hashers.pbkdf2_sha256]
iterations = 1000
[chains.site]
schemes = ["session"]
[endpoints.login]
redirect_url = "/healthz"
[endpoints.logout]
redirect_url = "/metrics"
"""


@dataclass
class Sites:
    """Two servers of one host: cookies do not look at ports."""

    django: str
    ours: str


@contextmanager
def process(arguments: list[str], ready: str) -> Iterator[str]:
    """A server that says where it listens; gives what stands behind `ready`."""
    child = subprocess.Popen(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said = child.stdout.readline().strip() if child.stdout else ""
        assert said.startswith(ready), f"{arguments} says {said!r}"
        yield said.removeprefix(ready)
    finally:
        child.terminate()
        child.communicate()


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    """Django's admin and ours; `anna` may enter both with the password `geheim`."""
    site = [sys.executable, str(ROOT / "tests/peer/site.py"), "--db", str(tmp_path / "db.sqlite3")]
    subprocess.run([*site, "migrate"], check=True)
    subprocess.run([*site, "adduser", "anna", "geheim", "--staff", "--superuser"], check=True, stdout=subprocess.DEVNULL)
    config = tmp_path / "authchain.toml"
    config.write_text(CONFIG)
    config.chmod(0o644)
    serve = [COMMAND, "--config", str(config), "serve", "--listen", "127.0.0.1:0"]
    with process([*site, "serve", "0"], "ready ") as port, process(serve, "listening on ") as place:
        yield Sites(f"http://127.0.0.1:{port}", f"http://{place}")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests: it takes seconds to start."""
    browser = Browser(tmp_path_factory.mktemp("profile"))
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def browser(chromium: Browser, sites: Sites) -> Browser:
    """The browser, without the cookies of an earlier test."""
    chromium.open(f"{sites.ours}/healthz")
    chromium.forget()
    return chromium
