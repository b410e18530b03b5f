"""The peers' own tests pass with the library in the place of what they test: DRF's and knox's with the classes of
authchain.drf and simplejwt's with those of authchain.simplejwt (peers/substitute.py), and simplejwt's with the endpoints,
too (peers/jwt_endpoints.py), Django's of hashes, signatures and CSRF tokens (peers/functions.py).

The suites are the source archives that scripts/setup has fetched, unpacked into a folder of their own.
"""

import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD, ROOT

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Suite:
    """One of a peer."""

    archive: str
    kept: tuple[str, ...]
    """What is unpacked of it; not the package, which is the installed one."""
    tests: tuple[str, ...] = ()
    settings: str = ""
    number: int = 0

    def listed(self) -> dict[str, tuple[int, str]]:
        """The tests that must pass: how often the library decides, and what is said besides."""
        lines = (PEERS / f"{self.archive}.txt").read_text().splitlines()
        entries = [line.split(maxsplit=2) for line in lines if not line.startswith("#")]
        return {name: (int(times), " ".join(rest)) for times, name, *rest in entries}

    def unpacked(self, folder: Path) -> Path:
        """The tests."""
        archive = Path(sys.prefix) / "sources" / f"{self.archive}.tar.gz"
        assert archive.exists(), f"{archive} is missing: run scripts/setup"
        with tarfile.open(archive) as opened:
            names = tuple(f"{self.archive}/{name}" for name in self.kept)
            opened.extractall(folder, [member for member in opened if member.name.startswith(names)], filter="data")
        return folder / self.archive

    def run(self, folder: Path, *, exact: bool = False, endpoints: bool = False) -> tuple[dict[str, dict[str, Any]], str]:
        """What the tests came to, and what pytest said."""
        report = folder / "report.json"
        environment = {
            **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT / "python-bindings"), str(PEERS), "."]),
            "AUTHCHAIN_REPORT": str(report),
            "AUTHCHAIN_EXACT": "1" if exact else "",
            "AUTHCHAIN_ENDPOINTS": "1" if endpoints else "",
            **({"DJANGO_SETTINGS_MODULE": self.settings} if self.settings else {}),
        }
        options = ["-q", "-p", "substitute", "-p", "no:cacheprovider", "--tb=short"]
        command = [sys.executable, "-m", "pytest", *options, *self.tests]
        done = subprocess.run(command, cwd=self.unpacked(folder), env=environment, capture_output=True, text=True)
        return json.loads(report.read_text()), done.stdout


DRF = Suite(
    archive="djangorestframework-3.18.3",
    kept=("tests", "pyproject.toml"),
    tests=("tests/authentication", "tests/test_authtoken.py"),
    number=96,
)
KNOX = Suite(
    archive="django_rest_knox-5.1.0",
    kept=("tests",),
    tests=("tests",),
    settings="knox_project.settings",
    number=73,
)
SIMPLEJWT = Suite(
    archive="djangorestframework_simplejwt-5.5.1",
    kept=("tests/",),
    tests=("tests",),
    number=184,
)
DJANGO = Suite(
    archive="django-5.2.19",
    kept=("tests/auth_tests/__init__.py", "tests/auth_tests/test_hashers.py", "tests/signing/", "tests/csrf_tests/"),
    number=73,
)

WORDS = ("exact", "never", "peer")
"""What a list says of tests that do not pass, or not always."""


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("suite", "missed"),
    [(DRF, {"exact": 3}), (KNOX, {"exact": 1, "never": 1}), (SIMPLEJWT, {"exact": 1, "never": 2, "peer": 6})],
)
def test_the_peers_own_tests_pass(tmp_path: Path, suite: Suite, missed: dict[str, int], exact: bool) -> None:
    found, said = suite.run(tmp_path, exact=exact, endpoints=suite is SIMPLEJWT)
    expected = suite.listed()
    assert len(expected) == suite.number
    words = {word: {name for name, (_, besides) in expected.items() if besides.startswith(word)} for word in WORDS}
    assert {word: len(names) for word, names in words.items() if names} == missed
    passing = set(expected) - words["never"] - words["peer"] - (set() if exact else words["exact"])
    assert found["subfailed"] == dict.fromkeys(words["peer"], 2), said
    assert {name for name, outcome in found["outcomes"].items() if outcome == "passed"} == passing, said
    assert set(found["outcomes"]) == set(expected), said
    assert found["decided"] == {name: times for name, (times, _) in expected.items() if times}


def test_simplejwts_own_tests_pass_with_our_classes_alone(tmp_path: Path) -> None:
    found, said = SIMPLEJWT.run(tmp_path)
    expected = SIMPLEJWT.listed()
    peer = {name for name, (_, besides) in expected.items() if besides == "peer"}
    assert {name for name, outcome in found["outcomes"].items() if outcome == "passed"} == set(expected) - peer, said
    assert found["subfailed"] == dict.fromkeys(peer, 2)
    view = "tests/test_integration.py::TestTestView::test_"
    pages = {"expired_token": 1, "user_can_get_access_and_refresh_tokens_and_use_them": 2, "user_can_get_sliding_token_and_use_it": 1}
    assert found["decided"] == {view + name: times for name, times in pages.items()}


def test_djangos_own_tests_of_its_functions_pass(tmp_path: Path) -> None:
    database = tmp_path / "functions.sqlite3"
    site = [sys.executable, str(ROOT / "tests/peer/site.py"), "--db", str(database)]
    subprocess.run([*site, "migrate"], check=True)
    for name in ("peer", "visitor"):
        subprocess.run([*site, "adduser", name, PASSWORD], check=True, capture_output=True)
    script = PEERS / "functions.py"
    command = [sys.executable, str(script), str(DJANGO.unpacked(tmp_path) / "tests"), str(database)]
    done = subprocess.run(command, capture_output=True, text=True)
    found, expected = json.loads(done.stdout), DJANGO.listed()
    assert len(expected) == DJANGO.number
    assert found["outcomes"] == dict.fromkeys(expected, "passed"), done.stderr
    assert found["decided"] == {name: times for name, (times, _) in expected.items() if times}
    assert all(why for times, why in expected.values() if not times)
