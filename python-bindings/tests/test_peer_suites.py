"""DRF's own tests pass with the classes of authchain.drf in the place of DRF's (peers/substitute.py).

The suite is the source archive that scripts/setup has fetched, unpacked into a folder of its own.
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from conftest import ROOT

PEERS = Path(__file__).parent / "peers"
[LIST] = PEERS.glob("djangorestframework-*.txt")
ARCHIVE = Path(sys.prefix) / "sources" / f"{LIST.stem}.tar.gz"


def listed() -> dict[str, tuple[int, bool]]:
    """The tests that must pass: how often the library decides, and whether in exact mode only."""
    lines = [line.split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
    return {name: (int(times), bool(exact)) for times, name, *exact in lines}


def unpacked(folder: Path) -> Path:
    """The tests, without the package, which is the installed one."""
    assert ARCHIVE.exists(), f"{ARCHIVE} is missing: run scripts/setup"
    with tarfile.open(ARCHIVE) as archive:
        members = [member for member in archive if member.name.split("/")[1:2] in (["tests"], ["pyproject.toml"])]
        archive.extractall(folder, members, filter="data")
    return folder / LIST.stem


def run(folder: Path, *, exact: bool) -> tuple[dict[str, dict[str, str]], str]:
    """What the tests came to, and what pytest said."""
    report = folder / "report.json"
    path = [ROOT / "python-bindings", PEERS, "."]
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "AUTHCHAIN_REPORT": str(report),
        "AUTHCHAIN_EXACT": "1" if exact else "",
    }
    options = ["-q", "-p", "substitute", "-p", "no:cacheprovider", "--tb=short"]
    command = [sys.executable, "-m", "pytest", *options, "tests/authentication", "tests/test_authtoken.py"]
    done = subprocess.run(command, cwd=unpacked(folder), env=environment, capture_output=True, text=True)
    return json.loads(report.read_text()), done.stdout


@pytest.mark.parametrize("exact", [False, True])
def test_drfs_own_tests_pass(tmp_path: Path, exact: bool) -> None:
    found, said = run(tmp_path, exact=exact)
    expected = listed()
    assert len(expected) == 96
    missed = {name for name, (_, in_exact_mode_only) in expected.items() if in_exact_mode_only and not exact}
    assert len(missed) == (0 if exact else 3)
    passed = {name for name, outcome in found["outcomes"].items() if outcome == "passed"}
    assert passed == set(expected) - missed, said
    assert set(found["outcomes"]) == set(expected), said
    assert found["decided"] == {name: times for name, (times, _) in expected.items() if times}
