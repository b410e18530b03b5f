"""A real Django with DRF behind mod_wsgi: it is told who asks, whatever WSGIPassAuthorization says."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import LOADED, ROOT, Apache, Servers, Site, basic, bearer

PACKAGES = next((ROOT / ".venv/lib").glob("python3.*/site-packages"))

# The application is in the main interpreter: a child that had one of its own (mod_wsgi 4.9.4 in event) does not end
# before Apache kills it, with or without mod_authchain.
MOUNT = """
WSGIScriptAlias /{mode}-{passes} {{folder}}/app.wsgi
<Location /{mode}-{passes}>
  WSGIProcessGroup {group}
  WSGIApplicationGroup %{{GLOBAL}}
  WSGIPassAuthorization {passes}
  AuthType authchain
  Require authchain-authenticated
</Location>
<Location /{mode}-{passes}/remote/signed>
  AuthChain jwt
</Location>
"""

PLACES = f"""
WSGIPythonPath {PACKAGES}
WSGIDaemonProcess app processes=1 threads=4 python-path={PACKAGES} home={{folder}}
WSGISocketPrefix {{folder}}/run/wsgi
<Files app.wsgi>
  Require all granted
</Files>
""" + "".join(
    MOUNT.format(mode=mode, passes=passes, group="app" if mode == "daemon" else "%{GLOBAL}")
    for mode, passes in itertools.product(("embedded", "daemon"), ("On", "Off"))
)


@pytest.fixture(scope="module")
def apache(site: Site) -> Iterator[Apache]:
    """A server with the application four times."""
    servers = Servers(site)
    apache = servers.make(PLACES, loaded=[*LOADED, "wsgi"])
    shutil.copy(Path(__file__).parent / "wsgi_app.py", apache.folder / "app.wsgi")
    apache.start()
    yield apache
    servers.end()


@pytest.mark.parametrize("mode", ["embedded", "daemon"])
@pytest.mark.parametrize("passes", ["On", "Off"])
def test_an_application_is_told_who_asks(apache: Apache, site: Site, mode: str, passes: str) -> None:
    for headers, scheme in (
        (site.token(), "token"),
        (basic("alice", "wonderland"), "basic"),
        (site.cookies(), "session"),
    ):
        answer = apache.ask(f"/{mode}-{passes}/remote/", headers)
        assert answer.status == 200, apache.log()[-3000:]
        said = answer.json()
        assert said["user"] == "alice"
        assert bool(said["mode"]) == (mode == "daemon")
        told = said["told"]
        assert isinstance(told, dict)
        assert (told["REMOTE_USER"], told["AUTH_TYPE"], told["AUTHCHAIN_SCHEME"]) == ("alice", scheme, scheme)
        assert (told["AUTHCHAIN_USER_ID"], told["AUTHCHAIN_EMAIL"], told["AUTHCHAIN_FLAGS"]) == (
            "1",
            "alice@example.com",
            "active",
        )
        assert ("HTTP_AUTHORIZATION" in told) == (passes == "On" and scheme != "session")


@pytest.mark.parametrize("mode", ["embedded", "daemon"])
def test_an_application_is_told_what_a_token_says(apache: Apache, site: Site, mode: str) -> None:
    said = apache.ask(f"/{mode}-Off/remote/signed", bearer(scope="read write", team={"id": 7, "name": "J\u00f6rg"})).json()
    told = said["told"]
    assert isinstance(told, dict)
    assert said["user"] == told["REMOTE_USER"] == "alice"
    claims = json.loads(told["AUTHCHAIN_CLAIMS"])
    assert (claims["scope"], claims["team"]) == ("read write", {"id": 7, "name": "J\u00f6rg"})
    other = apache.ask(f"/{mode}-Off/remote/", site.token()).json()["told"]
    assert isinstance(other, dict)
    assert "AUTHCHAIN_CLAIMS" not in other


@pytest.mark.parametrize("mode", ["embedded", "daemon"])
def test_an_application_that_wants_credentials_gets_them_only_where_they_are_passed(
    apache: Apache, site: Site, mode: str
) -> None:
    for passes, user in (("On", "alice"), ("Off", "")):
        assert apache.ask(f"/{mode}-{passes}/drf/", site.token()).json()["user"] == user
        assert apache.ask(f"/{mode}-{passes}/drf/", basic("alice", "wonderland")).json()["user"] == user
        assert apache.ask(f"/{mode}-{passes}/drf/", site.cookies()).json()["user"] == "alice"


@pytest.mark.parametrize("mode", ["embedded", "daemon"])
def test_no_client_can_be_somebody_else(apache: Apache, site: Site, mode: str) -> None:
    forged = {
        "Remote-User": "root",
        "REMOTE_USER": "root",
        "X-Remote-User": "root",
        "X-Auth-User": "root",
        "Authchain-User-Id": "3",
    }
    assert apache.ask(f"/{mode}-On/remote/", forged).status == 401
    said = apache.ask(f"/{mode}-On/remote/", {**forged, **site.token()}).json()
    assert said["user"] == "alice"
    told = said["told"]
    assert isinstance(told, dict)
    assert "HTTP_X_AUTH_USER" not in told
    assert "root" not in told.values()


@pytest.mark.parametrize("mode", ["embedded", "daemon"])
def test_a_form_that_was_read_for_its_token_reaches_the_application(apache: Apache, site: Site, mode: str) -> None:
    body = b"csrfmiddlewaretoken=" + b"c" * 32 + b"&text=" + b"y" * 200_000
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = apache.ask(f"/{mode}-Off/drf/", {**site.cookies(), **form}, "POST", body)
    assert (answer.status, answer.json()["user"], answer.json()["size"]) == (200, "alice", len(body))
