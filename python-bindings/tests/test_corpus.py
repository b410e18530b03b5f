"""The requests that were recorded from DRF, put to real DRF views with our classes: DRF's answers, but for
the rows of docs/differences.md (peers/corpus.py)."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from conftest import ROOT


def row(difference: dict[str, Any]) -> str:
    """The documented row of a difference; the difference itself, if there is none."""
    fields, raised = difference["fields"], difference["found"] or ""
    if difference["exception"]:
        return "a crash of DRF"
    if "keyword does not take" in raised and raised.startswith("ImproperlyConfigured"):
        return "a keyword with a blank"
    if fields == ["www_authenticate"] and "\\" in difference["www_authenticate"][1]:
        return "a realm with a quote"
    if difference["class"].startswith("remote/") and difference["user"][1].isascii() is False:
        return "a remote user in UTF-8"
    return json.dumps(difference)


def test_recorded_requests_are_answered_as_drf_answers_them(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    script = ROOT / "python-bindings/tests/peers/corpus.py"
    command = [sys.executable, str(script), str(tmp_path / "corpus.sqlite3")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *lines, counts = map(json.loads, done.stdout.splitlines())
    assert counts == {"asked": 14303, "written": 549}
    assert Counter(map(row, lines)) == {
        "a keyword with a blank": 136,
        "a crash of DRF": 81,
        "a realm with a quote": 32,
        "a remote user in UTF-8": 4,
    }
