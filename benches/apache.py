#!/usr/bin/env python3
"""What a verdict costs in Apache: CPU time of its child a request, by the scheduler's counters.

    apache.py [ROUNDS]      needs `make modules`, wrk and, as it uses the tests' servers, pytest

The places take turns in each round. `bound` is the same file from the same server without the module. Peers are measured
where they are installed: authn_dbd (libaprutil1-dbd-sqlite3), mod_auth_openidc and mod_oauth2
(libapache2-mod-auth-openidc, libapache2-mod-oauth2); the last one asks DRF behind gunicorn, whose time is counted, too.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import jwt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "modules/apache/tests"))

from conftest import BEHIND, MODULES, Apache, Servers, Site, basic, django, free_port, wait_for  # noqa: E402

PLACES = """
LogLevel warn
MaxKeepAliveRequests 0
<Location /token>
  AuthType authchain
  AuthChain token
  Require authchain-authenticated
</Location>
<Location /nobody>
  AuthType authchain
  AuthChain open
  Require authchain-passed
</Location>
<Location /stock>
  AuthType Basic
  AuthName stock
  AuthBasicProvider file
  AuthUserFile {folder}/passwords
  Require valid-user
</Location>
"""
DBD = """
LoadModule dbd_module MODULES/mod_dbd.so
LoadModule authn_dbd_module MODULES/mod_authn_dbd.so
DBDriver sqlite3
DBDParams {folder}/dbd.sqlite3
<Location /dbd>
  AuthType Basic
  AuthName stock
  AuthBasicProvider dbd
  AuthDBDUserPWQuery "SELECT password FROM authn WHERE user = %s"
  Require valid-user
</Location>
"""
OPENIDC = """
LoadModule auth_openidc_module MODULES/mod_auth_openidc.so
OIDCOAuthVerifySharedKeys plain##BEHIND
OIDCOAuthRemoteUserClaim sub
<Location /openidc>
  AuthType oauth20
  Require valid-user
</Location>
"""
OAUTH2 = """
LoadModule oauth2_module MODULES/mod_oauth2.so
<Location /oauth2>
  AuthType oauth2
  OAuth2TokenVerify introspect http://127.0.0.1:INTROSPECTION/introspect expiry=0
  OAuth2TargetPass remote_user_claim=sub
  Require valid-user
</Location>
"""


def peers(introspection: int) -> str:
    """The places of the peers that are installed."""
    places = PLACES
    for text, module in ((DBD, "dbd"), (OPENIDC, "auth_openidc"), (OAUTH2, "oauth2")):
        if (MODULES / f"mod_{module}.so").exists():
            places += text
        else:
            print(f"left out: mod_{module} is not installed")
    places = places.replace("MODULES", str(MODULES)).replace("BEHIND", BEHIND)
    return places.replace("INTROSPECTION", str(introspection))


def make_servers(servers: Servers, introspection: int) -> tuple[Apache, Apache]:
    """The server with all places, and one without the module; neither logs its requests."""
    ours, bare = servers.make(peers(introspection)), servers.make("LogLevel warn\nMaxKeepAliveRequests 0\n")
    for apache, without in (
        (ours, "CustomLog"),
        (bare, "CustomLog|LoadModule authchain|AuthChainConfig|LogLevel info"),
    ):
        conf = apache.folder / "httpd.conf"
        conf.write_text(re.sub(rf"(?m)^({without}).*\n", "", conf.read_text()))
        for place in ("open", "token", "nobody", "stock", "dbd", "openidc", "oauth2"):
            apache.page(f"{place}/index.html", "hello\n")
    digest = "{SHA}" + base64.b64encode(hashlib.sha1(b"wonderland").digest()).decode()
    (ours.folder / "passwords").write_text(f"alice:{digest}\n")
    with contextlib.closing(sqlite3.connect(ours.folder / "dbd.sqlite3")) as db, db:
        db.execute("CREATE TABLE authn (user TEXT PRIMARY KEY, password TEXT)")
        db.executemany("INSERT INTO authn VALUES (?, ?)", [(f"user{n}", digest) for n in range(100_000)])
        db.execute("INSERT INTO authn VALUES ('alice', ?)", (digest,))
    (ours.folder / "dbd.sqlite3").chmod(0o644)
    return ours, bare


@contextlib.contextmanager
def introspecting(database: Path, port: int) -> Iterator[int]:
    """DRF behind gunicorn; gives its process id."""
    environment = {**os.environ, "DATABASE": str(database)}
    options = ["--bind", f"127.0.0.1:{port}", "--chdir", str(ROOT / "benches"), "--log-level", "error"]
    command = [sys.executable, "-m", "gunicorn", *options, "--worker-class", "gthread", "introspect:application"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            wait_for(lambda: is_open(port), "gunicorn")
            yield process.pid
        finally:
            process.terminate()


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def used(parent: int) -> int:
    """Nanoseconds of CPU time that the threads of the children of a process have had."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    counters = [path for child in children for path in Path(f"/proc/{child}/task").glob("*/schedstat")]
    return sum(int(path.read_text().split()[0]) for path in counters)


def measure(apache: Apache, path: str, headers: dict[str, str], also: int = 0) -> float:
    """Microseconds a request, over a second of them on four connections that stay open; `also` those of the
    children of another process."""
    assert apache.process is not None
    parents = [apache.process.pid, *([also] if also else [])]
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = sum(map(used, parents))
    command = ["wrk", "-t1", "-c4", "-d1", "--timeout", "10", *options, f"http://127.0.0.1:{apache.port}{path}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    count = re.search(r"(\d+) requests in", said)
    assert count is not None, said
    assert "Non-2xx" not in said or headers.get("X-Refused"), f"{path}: {said}"
    return (sum(map(used, parents)) - before) / int(count[1]) / 1000


Row = tuple[Apache, str, dict[str, str]] | tuple[Apache, str, dict[str, str], int]


def rows(ours: Apache, bare: Apache, site: Site, introspection: int) -> dict[str, Row]:
    """What is measured, by name."""
    text = (ours.folder / "httpd.conf").read_text()
    password = basic("alice", "wonderland")
    claims = {"sub": "alice", "iss": "bench", "iat": int(time.time()), "exp": int(time.time()) + 86400}
    signed = {"Authorization": f"Bearer {jwt.encode(claims, BEHIND)}"}
    opaque = {"Authorization": f"Bearer {site.keys['alice']}"}
    all_rows: dict[str, Row] = {
        "bound: no module": (bare, "/open/index.html", {}),
        "outside every place": (ours, "/open/index.html", {}),
        "token": (ours, "/token/index.html", site.token()),
        "nobody, let through": (ours, "/nobody/index.html", {}),
        "no credentials, refused": (ours, "/token/index.html", {"X-Refused": "1"}),
        "mod_auth_basic, authn_file, SHA-1": (ours, "/stock/index.html", password),
        "mod_auth_basic, authn_dbd, SHA-1": (ours, "/dbd/index.html", password),
        "mod_auth_openidc, JWT HS256": (ours, "/openidc/index.html", signed),
        "mod_oauth2, introspection by DRF": (ours, "/oauth2/index.html", opaque, introspection),
    }
    return {name: row for name, row in all_rows.items() if row[1].split("/")[1] in f"open {text}"}


def main(rounds: int) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="authchain-bench-") as folder, contextlib.ExitStack() as stack:
        site = Site(Path(folder))
        database = site.folder / "db.sqlite3"
        django(database, "migrate")
        django(database, "adduser", "alice", "wonderland")
        site.keys["alice"] = django(database, "addtoken", "alice")
        port = free_port()
        introspection = stack.enter_context(introspecting(database, port))
        servers = Servers(site)
        stack.callback(servers.end)
        ours, bare = make_servers(servers, port)
        ours.start()
        bare.start()
        measured = rows(ours, bare, site, introspection)
        times = {name: [0.0] * rounds for name in measured}
        for number in range(rounds):
            for name, row in measured.items():
                times[name][number] = measure(*row)
    bound = times["bound: no module"]
    for name, row_times in times.items():
        more = statistics.median(time - least for time, least in zip(row_times, bound))
        print(f"{name:36} {statistics.median(row_times):7.2f} µs   {more:+6.2f} µs   least {min(row_times):6.2f} µs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
