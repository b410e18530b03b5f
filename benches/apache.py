#!/usr/bin/env python3
"""What a verdict costs in Apache: CPU time of its child a request, by the scheduler's counters.

    apache.py [ROUNDS]      needs `make modules`, wrk and, as it uses the tests' servers, pytest

The places take turns in each round. `bound` is the same file from the same server without the module.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "modules/apache/tests"))

from conftest import Apache, Servers, Site, basic, django  # noqa: E402

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


def make_servers(servers: Servers) -> tuple[Apache, Apache]:
    """The server with all places, and one without the module; neither logs its requests."""
    ours, bare = servers.make(PLACES), servers.make("LogLevel warn\nMaxKeepAliveRequests 0\n")
    for apache, without in (
        (ours, "CustomLog"),
        (bare, "CustomLog|LoadModule authchain|AuthChainConfig|LogLevel info"),
    ):
        conf = apache.folder / "httpd.conf"
        conf.write_text(re.sub(rf"(?m)^({without}).*\n", "", conf.read_text()))
        for place in ("open", "token", "nobody", "stock"):
            apache.page(f"{place}/index.html", "hello\n")
    command = ["htpasswd", "-bcs", str(ours.folder / "passwords"), "alice", "wonderland"]  # one SHA-1
    subprocess.run(command, check=True, capture_output=True)
    return ours, bare


def used(apache: Apache) -> int:
    """Nanoseconds of CPU time that the threads of the children have had."""
    assert apache.process is not None
    parent = apache.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    counters = [path for child in children for path in Path(f"/proc/{child}/task").glob("*/schedstat")]
    return sum(int(path.read_text().split()[0]) for path in counters)


def measure(apache: Apache, path: str, headers: dict[str, str]) -> float:
    """Microseconds a request, over a second of them on four connections that stay open."""
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = used(apache)
    command = ["wrk", "-t1", "-c4", "-d1", "--timeout", "10", *options, f"http://127.0.0.1:{apache.port}{path}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    count = re.search(r"(\d+) requests in", said)
    assert count is not None, said
    return (used(apache) - before) / int(count[1]) / 1000


def main(rounds: int) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(prefix="authchain-bench-") as folder:
        site = Site(Path(folder))
        django(site.folder / "db.sqlite3", "migrate")
        django(site.folder / "db.sqlite3", "adduser", "alice", "wonderland")
        site.keys["alice"] = django(site.folder / "db.sqlite3", "addtoken", "alice")
        servers = Servers(site)
        try:
            ours, bare = make_servers(servers)
            ours.start()
            bare.start()
            rows = {
                "bound: no module": (bare, "/open/index.html", {}),
                "outside every place": (ours, "/open/index.html", {}),
                "token": (ours, "/token/index.html", site.token()),
                "nobody, let through": (ours, "/nobody/index.html", {}),
                "no credentials, refused": (ours, "/token/index.html", {}),
                "mod_auth_basic, authn_file, SHA-1": (ours, "/stock/index.html", basic("alice", "wonderland")),
            }
            times = {name: [0.0] * rounds for name in rows}
            for number in range(rounds):
                for name, row in rows.items():
                    times[name][number] = measure(*row)
        finally:
            servers.end()
    bound = times["bound: no module"]
    for name, row_times in times.items():
        more = statistics.median(time - least for time, least in zip(row_times, bound))
        print(f"{name:36} {statistics.median(row_times):7.2f} µs   {more:+6.2f} µs   least {min(row_times):6.2f} µs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
