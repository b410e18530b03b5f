"""Real servers and process models: 1,000 requests each, no lost row, no hang.

gunicorn with --preload opens the context before it forks its workers; uvicorn spawns its own; both
serve our middleware and, in turn, the Django project of the examples; Celery forks workers that have inherited
a context. Half of the requests write: a user whom the library makes.
"""

import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from multiprocessing.context import BaseContext
from pathlib import Path

import pytest
from conftest import PASSWORD, ROOT, basic, config

from authchain import Context

REQUESTS = 1000
CLIENTS = 4
APP = '''
import os, sqlite3
from authchain import Context
from authchain.{kind} import Middleware

with sqlite3.connect(os.environ["DATABASE"]) as connection:  # another user of the file in this process
    connection.execute("SELECT count(*) FROM auth_user").fetchone()
context = Context("authchain.toml")
context.authenticate({{"Authorization": "Token x"}})  # its connection is open before any fork

def wsgi(environ, start):
    start("200 OK", [("X-Process", str(os.getpid()))])
    return [environ["REMOTE_USER"].encode()]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({{"type": "lifespan.startup.complete"}})
        return await send({{"type": "lifespan.shutdown.complete"}})
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"x-process", str(os.getpid()).encode())]}})
    await send({{"type": "http.response.body", "body": scope["authchain.user"].name.encode()}})

application = Middleware({kind}, context)
'''
PROXIED = """
trusted_proxies = ["127.0.0.1"]
{config}
[schemes.proxied]
type = "remote_user"
header = "HTTP_X_REMOTE_USER"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(command: list[str], folder: Path, ready: str, **environment: str) -> Iterator[None]:
    """A server, until the block ends; it has said `ready` before it begins."""
    paths = [str(ROOT / "python-bindings"), str(ROOT / "examples/django_project"), str(folder)]
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=folder, env=given, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if ready in line:
                break
        assert process.poll() is None and ready in lines[-1], "".join(lines)
        with ThreadPoolExecutor(1) as draining:
            draining.submit(lines.extend, process.stderr)
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM), "".join(lines)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def asked(port: int, number: int, token: str) -> tuple[set[str], int]:
    """One client's requests; the processes that answered, and how many users it asked to be made."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    processes: set[str] = set()
    made = 0
    for i in range(REQUESTS // CLIENTS):
        if i % 2:
            name, headers = "alice", {"Authorization": f"Token {token}"}
        else:
            name, headers = f"user{number}x{i}", {"X-Remote-User": f"user{number}x{i}"}
            made += 1
        connection.request("GET", "/", headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        assert (response.status, body) == (200, name), (response.status, body)
        processes.add(response.headers["X-Process"] or "")
    connection.close()
    return processes, made


SERVERS = {
    "gunicorn --preload": (
        "wsgi",
        ["gunicorn", "--preload", "--workers", "2", "--threads", "2", "--bind", "127.0.0.1:{port}", "app"],
        "Booting worker",
    ),
    "gunicorn": ("wsgi", ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}", "app"], "Booting worker"),
    "uvicorn": (
        "asgi",
        ["uvicorn", "--workers", "2", "--port", "{port}", "--log-level", "info", "app:application"],
        "startup complete",
    ),
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_answers_and_loses_no_row(database: Path, server: str) -> None:
    kind, command, ready = SERVERS[server]
    folder = database.parent
    (folder / "app.py").write_text(APP.format(kind=kind))
    text = PROXIED.format(config=config(database, 60)).replace('["basic", "token"]', '["token", "proxied"]')
    (folder / "authchain.toml").write_text(text)
    with Context(folder / "authchain.toml") as context:
        token = context.create_token("alice").key
    port = free_port()
    command = [part.format(port=port) for part in command]
    with serving(command, folder, ready, DATABASE=str(database)), ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda number: asked(port, number, token), range(CLIENTS)))
    assert sum(made for _, made in answers) == REQUESTS // 2
    assert users(database) == REQUESTS // 2


def users(database: Path) -> int:
    """How many users were made; the file is whole."""
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    [count] = connection.execute("SELECT count(*) FROM auth_user WHERE username LIKE 'user%x%'").fetchone()
    connection.close()
    return int(count)


@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_the_django_project_is_served_by_many_workers(database: Path, server: str) -> None:
    port = free_port()
    command, ready = {
        "gunicorn": (["gunicorn", "--preload", "-w", "2", "--threads", "2", "-b", f"127.0.0.1:{port}", "shop.wsgi"], "Booting worker"),
        "uvicorn": (["uvicorn", "--workers", "2", "--port", str(port), "shop.asgi:application"], "startup complete"),
    }[server]  # fmt: skip
    with Context(text=config(database)) as context:
        keys = [context.create_token(name).key for name in ("alice", "bob")]

    def client(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        for i in range(REQUESTS // CLIENTS):
            name = ("alice", "bob")[i % 2]
            connection.request("GET", "/", headers={"Authorization": f"Token {keys[i % 2]}"})
            response = connection.getresponse()
            body = response.read()
            assert (response.status, body) == (200, f'{{"user":"{name}","auth":"{keys[i % 2]}"}}'.encode())

    with serving(command, database.parent, ready, DATABASE=str(database)), ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))


# --- Celery ---------------------------------------------------------------------------------

TASKS = """
import os, pathlib
from authchain import Context
from celery import Celery

for name in ("queue", "results"):
    pathlib.Path(name).mkdir(exist_ok=True)
app = Celery("tasks", broker="filesystem://", backend="file://results")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}
context = Context("authchain.toml")
context.authenticate({"Authorization": "Token x"})  # its connection is open before any fork

@app.task
def ask(number, token):
    if number % 2:
        context.create_user(f"user{number}x")
    return context.authenticate({"Authorization": f"Token {token}"}).user.name, os.getpid()
"""

ASK_ALL = """
import os, sys
from celery import group
from tasks import ask

done = group(ask.s(number, sys.argv[1]) for number in range(int(sys.argv[2]))).apply_async()
answers = done.get(timeout=240, interval=0.1)
assert [name for name, _ in answers] == ["alice"] * len(answers), answers
print(len(answers), len({process for _, process in answers} - {os.getpid()}))
"""


def test_celerys_workers_lose_no_row(database: Path) -> None:
    folder = database.parent
    (folder / "tasks.py").write_text(TASKS)
    (folder / "ask_all.py").write_text(ASK_ALL)
    (folder / "authchain.toml").write_text(config(database, 60))
    with Context(folder / "authchain.toml") as context:
        token = context.create_token("alice").key
    worker = ["celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2", "--without-gossip", "--without-mingle"]
    paths = os.pathsep.join([str(ROOT / "python-bindings"), str(folder)])
    with serving([*worker, "-l", "info"], folder, "ready."):
        command = [sys.executable, "ask_all.py", token, str(REQUESTS)]
        environment = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(REQUESTS), "2"]
    assert users(database) == REQUESTS // 2


# --- multiprocessing ------------------------------------------------------------------------

inherited: Context | None = None


def work(arguments: tuple[str, str, int]) -> bool:
    """What a worker of a pool does: with the context that it inherited, or one of its own."""
    global inherited
    text, token, number = arguments
    if inherited is None:
        inherited = Context(text=text)
    if number % 2:
        inherited.create_user(f"user{number}x")
    return inherited.authenticate({"Authorization": f"Token {token}"}).user.name == "alice"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_loses_no_row(database: Path, method: str) -> None:
    global inherited
    text = config(database, 60)
    inherited = Context(text=text)
    try:
        token = inherited.create_token("alice").key
        assert inherited.authenticate({"Authorization": basic("alice", PASSWORD)})
        how: BaseContext = multiprocessing.get_context(method)
        with how.Pool(3) as pool:
            answers = pool.map_async(work, [(text, token, number) for number in range(REQUESTS)], chunksize=20).get(300)
        assert answers == [True] * REQUESTS
        assert inherited.authenticate({"Authorization": f"Token {token}"})
    finally:
        inherited.close()
        inherited = None
    assert users(database) == REQUESTS // 2
