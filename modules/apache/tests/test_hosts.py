"""The kinds of Apache there are: MPMs, users, restarts; and what the logs do not say."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import CONFIG, IS_ROOT, LOADED, SECRET, Apache, Servers, Site, basic, wait_for

PLACES = """
DirectoryIndex index.shtml
<Location />
  AuthType authchain
  Require authchain-authenticated
</Location>
<Location /open>
  AuthChain open
  Require authchain-passed
</Location>
<Location /editors>
  Require authchain-group editors
</Location>
<Location /metrics>
  AuthType None
  Require all granted
  SetHandler authchain-metrics
</Location>
"""


def fill(apache: Apache) -> None:
    """The pages of the places."""
    for place in ("", "open/", "editors/"):
        apache.page(f"{place}index.shtml", "<!--#printenv -->\n")


# ---------------------------------------------------------------- MPMs and users


@pytest.mark.parametrize(
    "mpm, user", [("event", "nobody"), ("prefork", "www-data"), ("prefork", "nobody"), ("worker", "www-data")]
)
def test_every_kind_of_server_gives_the_same_answers(servers: Servers, site: Site, mpm: str, user: str) -> None:
    if not IS_ROOT and user == "www-data":
        pytest.skip("needs root")
    apache = servers.make(PLACES, mpm=mpm, user=user)
    fill(apache)
    apache.start()
    asked: list[tuple[str, dict[str, str], int, str | None]] = [
        ("/", {}, 401, None),
        ("/", site.token(), 200, "alice"),
        ("/", basic("bob", "builder"), 200, "bob"),
        ("/", basic("bob", "wrong"), 401, None),
        ("/", site.cookies(), 200, "alice"),
        ("/open/", {}, 200, None),
        ("/open/", site.token("root"), 200, "root"),
        ("/editors/", site.token(), 200, "alice"),
        ("/editors/", site.token("bob"), 403, None),
        ("/nosuch", site.token(), 404, None),
    ] * 20

    def ask(row: tuple[str, dict[str, str], int, str | None]) -> None:
        path, headers, status, user = row
        answer = apache.ask(path, headers)
        assert answer.status == status, row
        if status == 200:
            assert answer.variables().get("REMOTE_USER") == user, row

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, asked))
    assert apache.stop() == 0


# ---------------------------------------------------------------- restarts


class Load:
    """Clients that ask until they are told to stop, each request on a connection of its own."""

    def __init__(self, apache: Apache, site: Site, clients: int = 3) -> None:
        self.apache, self.site = apache, site
        self.stop, self.answered = threading.Event(), 0
        self.lost: list[str] = []
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(clients)]

    def run(self, number: int) -> None:
        """One client; every other request is refused."""
        while not self.stop.is_set():
            number += 1
            try:
                answer = self.apache.ask("/", self.site.token() if number % 2 else {})
                if answer.status != (200 if number % 2 else 401):
                    self.lost.append(f"status {answer.status}")
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def restarted(apache: Apache, number: int) -> Callable[[], bool]:
    """Tells the server to restart; says whether another child answers."""
    before = apache.child()
    apache.signal(number)
    return lambda: apache.child() not in ("", before)


def resident(pid: int) -> int:
    """The memory of a process in KiB (VmRSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


# Room for children of the former generation beside those of the next.
OVERLAPPING = (
    "StartServers 1\nServerLimit 4\nThreadsPerChild 8\nMaxRequestWorkers 32\nMinSpareThreads 1\nMaxSpareThreads 16"
)


@pytest.mark.parametrize("mpm", ["event", "worker"])
def test_no_request_is_lost_in_graceful_restarts_under_load(servers: Servers, site: Site, mpm: str) -> None:
    apache = servers.make(PLACES, mpm=mpm, processes=OVERLAPPING)
    fill(apache)
    apache.start()
    rounds = 100 if os.environ.get("SOAK") else 20
    memory = []
    with Load(apache, site) as load:
        for number in range(1, rounds + 1):
            wait_for(restarted(apache, signal.SIGUSR1), "restarted")
            wait_for(lambda: load.answered >= 20 * number, "under load")
            memory.append(resident(apache.process.pid))  # type: ignore[union-attr]
    assert not load.lost
    # The first restarts fill pools and arenas; each of the later ones would show what it had left behind.
    assert memory[-1] - memory[rounds // 2] < 1024, f"KiB of the parent: {memory}"
    log = apache.log()
    assert "exit signal" not in log and "AH00052" not in log, "a child has crashed"
    assert log.count("resuming normal operations") == rounds + 1


def test_a_hard_restart_works_as_well(servers: Servers, site: Site) -> None:
    apache = servers.make(PLACES)
    fill(apache)
    apache.start()
    assert apache.ask("/", site.token()).status == 200
    wait_for(restarted(apache, signal.SIGHUP), "restarted")
    assert apache.ask("/", site.token()).status == 200
    assert apache.stop() == 0


def cpu_seconds(pid: int) -> float:
    """The processor time that the children of a process have used, in seconds."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12]) if int(fields[1]) == pid else 0
    return used / os.sysconf("SC_CLK_TCK")


def slow(apache: Apache) -> None:
    """Gives bob a password that takes seconds to check."""
    encoded = "pbkdf2_sha256$8000000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    with contextlib.closing(sqlite3.connect(apache.folder / "db.sqlite3")) as db, db:
        db.execute("UPDATE auth_user SET password = ? WHERE username = 'bob'", (encoded,))


# Not of event, which has a race of its own whenever it is told to stop (docs/apache.md, Starts and restarts).
@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_no_child_crashes_that_is_told_to_stop_in_the_middle_of_a_hash(servers: Servers, site: Site, mpm: str) -> None:
    apache = servers.make(PLACES, mpm=mpm)
    fill(apache)
    slow(apache)
    apache.start()
    parent = apache.process.pid  # type: ignore[union-attr]

    def ask() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            apache.ask("/", basic("bob", "builder"))

    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(ask)
        wait_for(lambda: cpu_seconds(parent) > 0.5, "hashing")
        apache.signal(signal.SIGHUP)
    wait_for(lambda: apache.log().count("resuming normal operations") == 2, "restarted")
    assert apache.ask("/", site.token()).status == 200
    assert apache.stop() == 0
    assert "exit signal" not in apache.log()


# ---------------------------------------------------------------- too much at once


def test_more_memory_hard_hashes_than_may_be_are_sent_away(servers: Servers, site: Site) -> None:
    config = CONFIG.replace("timeout = 20", "timeout = 0\nhashes_at_once = 1")
    config = config.replace("timeout = 0", 'timeout = 0\npassword_hashers = ["pbkdf2_sha256", "argon2"]', 1)
    apache = servers.make(PLACES, config=config)
    fill(apache)
    encoded = "$argon2id$v=19$m=131072,t=16,p=1$c2FsdHNhbHQ$" + "A" * 43
    with contextlib.closing(sqlite3.connect(apache.folder / "db.sqlite3")) as db, db:
        db.execute("UPDATE auth_user SET password = ? WHERE username IN ('bob', 'root')", (f"argon2{encoded}",))
    apache.start()
    parent = apache.process.pid  # type: ignore[union-attr]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(apache.ask, "/", basic("bob", "builder"))
        wait_for(lambda: cpu_seconds(parent) > 0.3, "hashing")
        second = apache.ask("/", basic("root", "toor"))
        assert apache.ask("/", basic("alice", "wonderland")).status == 200, "PBKDF2 takes no turn"
        assert not first.done(), "the first hash was too quick to be met"
    assert (second.status, second.one("Retry-After")) == (503, "1")
    assert "hashes_at_once" in apache.log()
    assert first.result().status == 401
    assert apache.ask("/", basic("root", "toor")).status == 401, "its turn has come"


# ---------------------------------------------------------------- secrets


def test_no_secret_is_in_any_log(servers: Servers, site: Site, back_end: int) -> None:
    # httpd itself writes all headers of a request at http:trace4; every other module may say what it likes.
    text = PLACES + f"""
<Location /basic>
  AuthType Basic
  AuthName stock
  AuthBasicProvider authchain
  Require valid-user
</Location>
<Location /proxy>
  AuthChainForward identity
  ProxyPass http://127.0.0.1:{back_end}/
</Location>
<Location /login>
  AuthType None
  Require all granted
  SetHandler authchain
  AuthChainEndpoint obtain_auth_token
</Location>
LogLevel trace8 http:trace3
"""
    apache = servers.make(text)
    fill(apache)
    apache.start()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    canary = "canary5d1f"
    for path in ("/", "/basic/", "/proxy/", "/open/", "/editors/"):
        for headers in (
            site.token(),
            basic("alice", "wonderland"),
            basic("alice", canary),
            {"Authorization": f"Token {canary}"},
            {"Authorization": f"Token {canary} {canary}"},
            {"Cookie": f"sessionid={canary}"},
            site.cookies(canary * 3),
        ):
            apache.ask(path, headers)
            apache.ask(path, {**headers, **form}, "POST", f"csrfmiddlewaretoken={canary}".encode())
    assert apache.ask("/login", form, "POST", b"username=alice&password=wonderland").status == 200
    assert apache.ask("/login", form, "POST", f"username=alice&password={canary}".encode()).status == 400
    assert apache.stop() == 0
    secrets = [
        canary,
        "wonderland",
        site.keys["alice"],
        site.session,
        SECRET,
        *[
            h.split()[1]
            for h in (basic("alice", "wonderland")["Authorization"], basic("alice", canary)["Authorization"])
        ],
    ]
    logs = {
        path.name: path.read_text(errors="replace")
        for path in apache.folder.iterdir()
        if path.name in ("error.log", "access.log", "out")
    }
    assert "token.unknown" in logs["error.log"] or "token." in logs["error.log"], "the verdicts are there"
    for name, log in logs.items():
        for secret in secrets:
            assert secret not in log, f"{name}: {next(line for line in log.splitlines() if secret in line)}"


# ---------------------------------------------------------------- memory


def test_a_thousand_requests_under_valgrind_lose_no_memory_of_ours(servers: Servers, site: Site) -> None:
    apache = servers.make(PLACES)
    fill(apache)
    report = apache.folder / "valgrind"
    apache.wrapper = [
        "valgrind",
        "--leak-check=full",
        "--show-leak-kinds=definite",
        "--error-limit=no",
        f"--log-file={report}",
    ]
    apache.start("-X")
    rows = [
        ("/", site.token()),
        ("/", {}),
        ("/open/", {}),
        ("/editors/", site.token()),
        ("/editors/", site.token("bob")),
        ("/", site.cookies()),
        ("/", {"Authorization": "Token wrong"}),
        ("/nosuch", site.token()),
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: apache.ask(*rows[n % len(rows)]).status, range(1000)))
    assert set(answers) == {200, 401, 403, 404}
    assert apache.stop() == 0
    # The context of a child is never given up; everything else is a leak, or worse.
    parts = re.split(r"\n==\d+== \n", report.read_text())
    assert "ERROR SUMMARY" in parts[-1]
    ours = [part for part in parts if "libauthchain" in part]
    assert [("auth_context_open" in part, " in 1 blocks are definitely lost" in part) for part in ours] == [
        (True, True)
    ], ours
