"""Real Apaches on free ports, over a database that Django made.

Every server lives in a throw-away folder, is known by its process id, and is killed when it does not stop. It has
a session of its own: prefork sends SIGTERM to its whole process group.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest

ROOT = Path(__file__).resolve().parents[3]
MODULES = Path(subprocess.run(["apxs", "-q", "LIBEXECDIR"], check=True, capture_output=True, text=True).stdout.strip())
MODULE = Path(os.environ.get("AUTHCHAIN_MODULE", ROOT / "target/dist/mod_authchain.so"))
WRAPPER = os.environ.get("AUTHCHAIN_WRAPPER", "").split()  # of the sanitizers
SECRET = "a-secret-that-no-line-may-show-0123456789"
BEHIND = "a-secret-of-the-programs-behind-us"  # signs assertions
SECONDS = 20  # after which a server has not started or not stopped
IS_ROOT = os.geteuid() == 0

LOADED = """authn_core authn_file authz_core authz_user authz_host auth_basic alias dir mime env headers include proxy
proxy_http rewrite lua negotiation autoindex remoteip""".split()

CONFIG = f"""\
database = "sqlite:db.sqlite3"
secret_key = {{ file = "secret_key" }}
timeout = 20
[chains.default]
schemes = ["basic", "token", "session"]
[chains.open]
schemes = ["token"]
anonymous = "allow"
[chains.guests]
schemes = ["basic"]
anonymous = "allow"
anonymous_user = "guest"
[chains.token]
schemes = ["token"]
[chains.session]
schemes = ["session"]
[chains.jwt]
schemes = ["jwt"]
[schemes.jwt]
blacklist = false
[chains.stateless]
schemes = ["stateless"]
[schemes.stateless]
type = "jwt"
stateless = true
blacklist = false
[chains.remote]
schemes = ["remote_user"]
[schemes.remote_user]
create_unknown_user = false
[endpoints.obtain_auth_token]
[endpoints.login]
[endpoints.logout]
[assertion]
key = "BEHIND"
algorithm = "HS256"
[throttle]
enabled = false
[hashers.pbkdf2_sha256]
iterations = 1000
""".replace("BEHIND", BEHIND)


# ---------------------------------------------------------------- what is judged


@dataclass
class Site:
    """A database with users, tokens and a session."""

    folder: Path
    keys: dict[str, str] = field(default_factory=dict)
    session: str = ""

    def token(self, name: str = "alice") -> dict[str, str]:
        """The header of a token."""
        return {"Authorization": f"Token {self.keys[name]}"}

    def cookies(self, csrf: str = "c" * 32) -> dict[str, str]:
        """The header of a browser that alice has logged in with."""
        return {"Cookie": f"sessionid={self.session}; csrftoken={csrf}"}


def bearer(**claims: object) -> dict[str, str]:
    """The header of an access token of alice that says more."""
    usual = {"token_type": "access", "user_id": "1", "jti": "0" * 32, "exp": int(time.time()) + 600}
    return {"Authorization": f"Bearer {jwt.encode({**usual, **claims}, SECRET)}"}


def basic(name: str, password: str) -> dict[str, str]:
    """The header of a password."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def django(database: Path, *arguments: str) -> str:
    """What a command of the real Django prints."""
    site = ROOT / "tests/peer/site.py"
    command = [sys.executable, str(site), "--db", str(database), "--secret", SECRET, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The database that every server here gets a copy of."""
    with tempfile.TemporaryDirectory(prefix="authchain-apache-") as name:
        made = Site(Path(name))
        database = made.folder / "db.sqlite3"
        django(database, "migrate")
        django(database, "adduser", "alice", "wonderland")
        django(database, "adduser", "bob", "builder", "--staff")
        django(database, "adduser", "root", "toor", "--staff", "--superuser")
        django(database, "adduser", "inactive", "sleeping", "--inactive")
        made.keys = {user: django(database, "addtoken", user) for user in ("alice", "bob", "root", "inactive")}
        made.session = django(database, "addsession", "alice")
        with contextlib.closing(sqlite3.connect(database)) as db, db:
            db.execute("UPDATE auth_user SET email = 'alice@example.com' WHERE username = 'alice'")
            db.execute("INSERT INTO auth_group (id, name) VALUES (1, 'editors'), (2, 'the readers')")
            db.execute("INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (2, 2)")
        yield made


# ---------------------------------------------------------------- servers


@dataclass
class Answer:
    """A response, with its headers by name in lower case; a name may have several values."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key == name.lower()]

    def one(self, name: str) -> str | None:
        """The value of a header that may be there once."""
        values = self.all(name)
        assert len(values) <= 1, values
        return values[0] if values else None

    def json(self) -> dict[str, object]:
        """The body as JSON."""
        parsed = json.loads(self.body)
        assert isinstance(parsed, dict)
        return parsed

    def reached(self) -> dict[str, str]:
        """The headers that reached the back end of `back_end`."""
        headers = self.json()["headers"]
        assert isinstance(headers, dict)
        return headers

    def variables(self) -> dict[str, str]:
        """What `<!--#printenv -->` showed."""
        return dict(line.split("=", 1) for line in self.body.splitlines() if "=" in line)


class Apache:
    """One server. `text` is the part of its configuration that a test is about."""

    def __init__(
        self,
        folder: Path,
        site: Site,
        text: str,
        mpm: str = "event",
        user: str = "www-data",
        loaded: list[str] | None = None,
        config: str = CONFIG,
        processes: str = "",
    ) -> None:
        self.folder, self.text, self.mpm, self.user = folder, text, mpm, user
        self.loaded = LOADED if loaded is None else loaded
        self.processes = processes or self.usual_processes()
        self.wrapper = WRAPPER
        self.process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.fill(site, config)

    def usual_processes(self) -> str:
        """One child, so that its counters are the server's; of prefork a few."""
        if self.mpm == "prefork":
            return "StartServers 2\nMinSpareServers 1\nMaxSpareServers 4\nServerLimit 4\nMaxRequestWorkers 4"
        one = "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8"
        return f"{one}\nMinSpareThreads 1\nMaxSpareThreads 8"

    def fill(self, site: Site, config: str) -> None:
        """The files of the folder, as the user of the children needs them."""
        for name in ("htdocs", "run"):
            (self.folder / name).mkdir()
        shutil.copy(site.folder / "db.sqlite3", self.folder)
        (self.folder / "authchain.toml").write_text(config)
        (self.folder / "secret_key").write_text(SECRET)
        self.folder.chmod(0o755)
        (self.folder / "authchain.toml").chmod(0o644)
        (self.folder / "secret_key").chmod(0o640)
        if IS_ROOT:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, self.user, self.user_group)
        if self.runs_as_root:  # what decides belongs to root; the children may read it
            for path in (self.folder / "authchain.toml", self.folder / "secret_key"):
                shutil.chown(path, "root")
        (self.folder / "httpd.conf").write_text(self.configuration())

    @property
    def runs_as_root(self) -> bool:
        """Whether the parent is root, its children somebody else."""
        return IS_ROOT and self.user == "www-data"

    def configuration(self) -> str:
        """httpd.conf."""
        loads = "\n".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in [f"mpm_{self.mpm}", *self.loaded]
        )
        return f"""\
ServerName localhost
ServerRoot {self.folder}
DefaultRuntimeDir {self.folder}/run
PidFile {self.folder}/run/pid
Listen 127.0.0.1:{self.port}
{loads}
Mutex file:{self.folder}/run default
{f"User www-data{chr(10)}Group www-data" if self.runs_as_root else ""}
LoadModule authchain_module {MODULE}
{self.processes}
DocumentRoot {self.folder}/htdocs
ErrorLog {self.folder}/error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog {self.folder}/access.log common
LogLevel info authchain:trace8 authz_core:trace8 auth_basic:trace8
TypesConfig /dev/null
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
Timeout 30
<Directory {self.folder}/htdocs>
  Options +Includes
</Directory>
AuthChainConfig authchain.toml
{self.text.replace("{folder}", str(self.folder))}
"""

    def command(self, *arguments: str) -> list[str]:
        """The program with its configuration, by its user."""
        own = [*self.wrapper, "apache2", "-f", str(self.folder / "httpd.conf"), *arguments]
        if IS_ROOT and not self.runs_as_root:
            return ["setpriv", f"--reuid={self.user}", f"--regid={self.user_group}", "--clear-groups", *own]
        return own

    @property
    def user_group(self) -> str:
        """The group of the user."""
        return subprocess.run(["id", "-gn", self.user], check=True, capture_output=True, text=True).stdout.strip()

    def page(self, name: str, text: str = "a page\n") -> None:
        """Writes a file below DocumentRoot."""
        path = self.folder / "htdocs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def port_beside(self) -> int:
        """Another free port."""
        return free_port()

    def add(self, text: str) -> None:
        """Adds to the configuration what needs to know more of the server."""
        with (self.folder / "httpd.conf").open("a") as file:
            file.write(text.replace("{folder}", str(self.folder)))

    def check(self) -> subprocess.CompletedProcess[str]:
        """`apache2 -t`."""
        return subprocess.run(self.command("-t"), capture_output=True, text=True, timeout=SECONDS)

    def start(self, how: str = "-DFOREGROUND") -> None:
        """Starts the server and waits until it answers."""
        out = (self.folder / "out").open("wb")
        self.process = subprocess.Popen(self.command(how), stdout=out, stderr=out, start_new_session=True)
        wait_for(self.is_listening, "listening")
        self.raw(b"OPTIONS * HTTP/1.0\r\n\r\n")  # it listens before it has read its configuration for good

    def is_listening(self) -> bool:
        """Whether somebody can connect."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "out").read_text() + self.log()
        with contextlib.closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> int | None:
        """Stops the server; what has not stopped in time is killed."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def signal(self, number: int) -> None:
        """Sends a signal to the parent."""
        assert self.process is not None
        self.process.send_signal(number)

    def log(self) -> str:
        """The error log."""
        path = self.folder / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def connect(self) -> http.client.HTTPConnection:
        """A connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def ask(
        self, path: str, headers: dict[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            return ask_on(connection, path, headers, method, body)

    def child(self) -> str:
        """Which child answers, by the handler of metrics at /metrics; nothing while none does."""
        try:
            return self.ask("/metrics").body.split("\n")[0]
        except (OSError, http.client.HTTPException):
            return ""

    def raw(self, request: bytes) -> str:
        """What comes back for these bytes until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as stream:
            stream.sendall(request)
            stream.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: stream.recv(65536), b"")).decode("latin-1")


def ask_on(
    connection: http.client.HTTPConnection,
    path: str,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
) -> Answer:
    """One request on a connection that stays open."""
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    fields = [(name.lower(), value) for name, value in response.getheaders()]
    return Answer(response.status, fields, response.read().decode("utf-8", "replace"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(holds, what: str) -> None:  # type: ignore[no-untyped-def]
    """Asks until it is so, at most SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"not {what} in {SECONDS} s"
        time.sleep(0.01)


class Servers:
    """Makes servers and ends them."""

    def __init__(self, site: Site) -> None:
        self.site, self.made, self.stack = site, [], contextlib.ExitStack()  # type: ignore[var-annotated]

    def make(self, text: str, **how) -> Apache:  # type: ignore[no-untyped-def]
        """A server that is not started yet."""
        folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="authchain-apache-"))
        apache = Apache(Path(folder), self.site, text, **how)
        self.made.append(apache)
        return apache

    def start(self, text: str, **how) -> Apache:  # type: ignore[no-untyped-def]
        """A server that runs."""
        apache = self.make(text, **how)
        apache.start()
        return apache

    def end(self) -> None:
        """Stops all."""
        for apache in self.made:
            apache.stop()
        self.stack.close()


@pytest.fixture
def servers(site: Site) -> Iterator[Servers]:
    """Servers of one test."""
    made = Servers(site)
    yield made
    made.end()


# ---------------------------------------------------------------- a back end


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The headers, and how long the body was."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        shown = {
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "size": len(body),
            "head": body[:200].decode("latin-1"),
        }
        said = json.dumps(shown).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="session")
def back_end() -> Iterator[int]:
    """The port of an application that shows what reaches it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
