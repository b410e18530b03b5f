"""A pytest plugin that puts the classes of authchain.drf into DRF's own test suite, into knox's where knox is
installed, and those of authchain.simplejwt into simplejwt's: `-p substitute`.

The tests are the peer's, unedited. What is adapted:

- The databases are files: the library has a connection of its own.
- Tests commit: `TestCase` holds each test in a transaction, in which nobody else sees its rows.
- `rest_framework.authentication` has our classes under its names, before any test module is imported.

- Python's clock, which tests set, is the library's, too.
- What simplejwt's views and serializers decide the library's endpoints decide, with $AUTHCHAIN_ENDPOINTS
  (jwt_endpoints.py).

A test in which one of our classes finds somebody, or refuses, without having asked the library fails, and
so does one in which DRF's own `authenticate` runs. At the end $AUTHCHAIN_REPORT says, as JSON, how every
test ended and how often the library decided in it. With $AUTHCHAIN_EXACT the peer's queries are made.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ["BasicAuthentication", "TokenAuthentication", "SessionAuthentication", "RemoteUserAuthentication"]

outcomes: dict[str, str] = {}
decided: dict[str, int] = {}
subfailed: dict[str, int] = {}
running = ""


def pytest_configure(config: pytest.Config) -> None:
    """After the suite's own conftest, which configures Django."""
    config.pluginmanager.register(Late(), "substitute-late")


class Late:
    """What has to wait for the suite's own settings."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Before any test module is imported."""
        use_files()
        commit()
        substitute()
        set_the_clock()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Whose decisions are counted."""
        global running
        running = nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The worst of setup, call and teardown counts."""
        if isinstance(report, pytest.SubtestReport) and report.failed:
            subfailed[report.nodeid] = subfailed.get(report.nodeid, 0) + 1
        if report.when == "call" or report.outcome != "passed":
            outcomes[report.nodeid] = max(outcomes.get(report.nodeid, ""), report.outcome, key=ORDER.index)

    def pytest_sessionfinish(self) -> None:
        """Tells."""
        Path(os.environ["AUTHCHAIN_REPORT"]).write_text(json.dumps({"outcomes": outcomes, "decided": decided, "subfailed": subfailed}))


ORDER = ["", "passed", "skipped", "failed"]


def use_files() -> None:
    """Where the test runner makes the databases."""
    from django.conf import settings
    from django.db import connections

    settings.AUTHCHAIN = {"EXACT_QUERIES": bool(os.environ.get("AUTHCHAIN_EXACT"))}

    for alias in connections:
        folder = Path(os.environ["AUTHCHAIN_REPORT"]).parent
        connections[alias].settings_dict["TEST"]["NAME"] = str(folder / f"{alias}.sqlite3")


def commit() -> None:
    """Replaces Django's `TestCase`."""
    import django.test
    import django.test.testcases

    class TestCase(django.test.TransactionTestCase):
        """Makes its rows anew for each test, instead of rolling back."""

        def _pre_setup(self) -> None:  # type: ignore[override]
            super()._pre_setup()
            type(self).setUpTestData()

        @classmethod
        def setUpTestData(cls) -> None:
            """As Django's."""

    django.test.TestCase = django.test.testcases.TestCase = TestCase  # type: ignore[misc]


def substitute() -> None:
    """Puts our classes in the place of DRF's."""
    from django.apps import apps
    from rest_framework import authentication

    from authchain import drf

    if apps.is_installed("rest_framework_simplejwt"):
        import jwt_endpoints

        return jwt_endpoints.substitute()
    places = [(authentication, name, name) for name in NAMES]
    if apps.is_installed("knox"):
        from knox import auth

        places.append((auth, "TokenAuthentication", "KnoxTokenAuthentication"))
    for module, name, own in places:
        getattr(module, name).authenticate = fell_back
        ours = getattr(drf, own)
        ours.authenticate = counted(ours.authenticate)
        setattr(module, name, ours)


def fell_back(self: Any, request: Any) -> None:
    """In the place of a peer's `authenticate`."""
    pytest.fail(f"{type(self).__name__} fell back to the peer's own authenticate")


def set_the_clock() -> None:
    """Requests by an Authorization header are judged at the moment that Python's clock shows."""
    from authchain import _asked

    class Http(_asked.Http):
        def __init__(self, *fields: Any) -> None:
            super().__init__(*fields)
            self.now_us = int(time.time() * 1e6)

    _asked.Http = Http


def count() -> None:
    """The library has decided."""
    decided[running] = decided.get(running, 0) + 1


def counted(authenticate: Any) -> Any:
    """Fails where an answer was not the library's."""
    from authchain import _asked

    def counting(self: Any, request: Any) -> Any:
        before, answer = _asked.calls, "an exception"
        try:
            answer = authenticate(self, request)
            return answer
        finally:
            if answer is not None:
                if _asked.calls == before:
                    pytest.fail(f"{type(self).__name__} answered without the library: {answer}")
                count()

    return counting
