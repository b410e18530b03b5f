"""One process with other users of the database: threads, forks, the sqlite3 module; and no leaks."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from conftest import PASSWORD, basic, config

import authchain
from authchain import Context, Status, StoreError

ROWS = 200
CHILDREN = 10


def set_journal_mode(database: Path, mode: str) -> None:
    connection = sqlite3.connect(database)
    assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
    connection.close()


def test_there_is_one_sqlite_in_the_process(context: Context) -> None:
    context.lookup(name="alice")
    mapped = Path("/proc/self/maps").read_text().split()
    assert len({path for path in mapped if "libsqlite3" in path}) == 1
    exported = subprocess.run(
        ["nm", "-D", os.environ["AUTHCHAIN_LIBRARY"]], check=True, capture_output=True, text=True
    ).stdout
    assert " U sqlite3_open_v2" in exported


def write_with_sqlite3(database: Path) -> None:
    connection = sqlite3.connect(database, timeout=60)
    for i in range(ROWS):
        with connection:
            connection.execute("INSERT INTO auth_group (name) VALUES (?)", (f"group{i}",))
        if i % 50 == 0:  # closing drops POSIX locks of the process on the file: the classical trap
            connection.close()
            connection = sqlite3.connect(database, timeout=60)
    connection.close()


def write_with_the_library(context: Context) -> None:
    for i in range(ROWS):
        context.create_user(f"user{i}")


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_nothing_is_lost_when_both_write(database: Path, mode: str) -> None:
    set_journal_mode(database, mode)
    with Context(text=config(database, timeout=60)) as context, ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write_with_sqlite3, database), pool.submit(write_with_the_library, context)]
        for writer in writers:
            writer.result()
        assert context.lookup(name=f"user{ROWS - 1}")
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    groups = connection.execute("SELECT name FROM auth_group").fetchall()
    users = connection.execute("SELECT username FROM auth_user WHERE username LIKE 'user%'").fetchall()
    connection.close()
    assert {name for (name,) in groups} == {f"group{i}" for i in range(ROWS)}
    assert {name for (name,) in users} == {f"user{i}" for i in range(ROWS)}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_locked_database_is_a_failure_at_once_and_over_with_the_lock(database: Path, mode: str) -> None:
    set_journal_mode(database, mode)
    headers = {"Authorization": basic("alice", PASSWORD)}
    wrong = {"Authorization": basic("alice", "wrong")}
    with Context(text=config(database, timeout=0)) as context:
        assert context.authenticate(headers)
        connection = sqlite3.connect(database, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        verdict, refused = context.authenticate(headers), context.authenticate(wrong)
        if mode == "delete":
            for locked in (verdict, refused):
                assert (locked.status, locked.response.status) == (Status.ESTORE, 503)
                assert locked.failure is not None
                assert "locked" in locked.failure
        else:  # readers do not wait in this mode
            assert (verdict.status, refused.status) == (Status.OK, Status.REFUSED)
        with pytest.raises(StoreError):
            context.create_user("eve")
        with pytest.raises(StoreError):
            context.create_token("alice", reset=True)
        connection.execute("ROLLBACK")
        assert context.authenticate(headers)
        assert context.authenticate(wrong).status is Status.REFUSED
        assert context.create_user("eve")
        connection.close()


def test_more_threads_than_connections_share_a_context(context: Context) -> None:
    names = ["alice", "bob"]
    keys = {name: context.create_token(name).key for name in names}
    wrong: list[authchain.Verdict] = []

    def ask(name: str) -> None:
        for _ in range(200):
            verdict = context.authenticate({"Authorization": f"Token {keys[name]}"})
            if verdict.user.name != name:
                wrong.append(verdict)

    threads = [threading.Thread(target=ask, args=[names[i % 2]]) for i in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_hash_at_the_same_time(database: Path) -> None:
    """Each is seen in the midst of its hash by a third thread, at one moment: none has the GIL, and none waits for
    another. The measure is what each has computed so far, which no load of the machine changes."""
    text = config(database).replace("iterations = 1000", "iterations = 1000000\nmax_iterations = 1000000")
    started, done = threading.Barrier(3), threading.Event()

    def clock(thread: threading.Thread) -> float:
        assert thread.ident is not None
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))

    def hash_passwords(context: Context, ends: list[float]) -> None:
        started.wait()
        ends.append(time.thread_time())
        context.check_password("nobody", PASSWORD)  # a dummy hash of the preferred kind, a million iterations
        ends.append(time.thread_time())
        done.wait()

    with Context(text=text) as context:
        ends: list[list[float]] = [[], []]
        threads = [threading.Thread(target=hash_passwords, args=[context, moments]) for moments in ends]
        for thread in threads:
            thread.start()
        started.wait()
        seen: list[list[float]] = []
        while any(len(moments) < 2 for moments in ends):
            seen.append([clock(thread) for thread in threads])
        done.set()
        for thread in threads:
            thread.join()
    tenths = [(end - begin) / 10 for begin, end in ends]
    assert min(tenths) > 0.005
    amid = [
        moment
        for moment in seen
        if all(begin + tenth < now < end - tenth for now, (begin, end), tenth in zip(moment, ends, tenths, strict=True))
    ]
    assert amid


def test_closing_waits_for_nobody_and_breaks_nobody(database: Path) -> None:
    for _ in range(50):
        context = Context(text=config(database))
        started = threading.Barrier(4)

        def ask(context: Context = context, started: threading.Barrier = started) -> int:
            started.wait()
            answers = 0
            try:
                while True:
                    verdict = context.authenticate({"Authorization": "Token x"})
                    assert verdict.status is Status.REFUSED
                    answers += 1
            except ValueError:
                return answers

        with ThreadPoolExecutor(3) as pool:
            asking = [pool.submit(ask) for _ in range(3)]
            started.wait()
            context.close()
            for done in asking:
                done.result()


def test_a_request_of_one_thread_may_be_closed_by_another(context: Context) -> None:
    for _ in range(200):
        request = context.request({"Authorization": "Token x"})
        closing = threading.Thread(target=request.close)
        closing.start()
        with suppress(ValueError):
            assert request.authenticate().status is Status.REFUSED
        closing.join()


def test_closing_a_request_waits_for_its_verdict(database: Path) -> None:
    entered, done = threading.Event(), threading.Event()

    def log(severity: int, line: str) -> None:
        entered.set()
        time.sleep(0.2)  # in the library still, on the thread that judges
        done.set()

    with Context(text=config(database), log=log) as context:
        request = context.request({"Authorization": "Token x"})
        judging = threading.Thread(target=request.authenticate)
        judging.start()
        assert entered.wait(10)
        request.close()
        assert done.is_set()
        judging.join()


def in_child(check: Callable[[], bool]) -> int:
    """Forks, and returns the child's pid; it exits with 0 when `check` holds."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)  # a child that hangs is a failure, not a zombie of the test
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return pid


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_process_may_fork_while_its_threads_ask_and_write(database: Path, mode: str) -> None:
    set_journal_mode(database, mode)
    stop = threading.Event()
    with Context(text=config(database, timeout=60)) as context:
        key = context.create_token("alice").key

        def let_in() -> bool:
            return context.authenticate({"Authorization": f"Token {key}"}).user.name == "alice"

        def ask() -> bool:
            answers = [let_in()]
            while not stop.is_set():
                answers.append(let_in())
            return all(answers)

        def write() -> int:
            rows = 0
            while not stop.is_set():
                context.create_user(f"parent{rows}")
                rows += 1
                time.sleep(0.005)  # SQLite's waiting is not fair: let others in
            return rows

        def child(number: int) -> bool:
            return let_in() and context.create_user(f"child{number}").name == f"child{number}"

        with ThreadPoolExecutor(3) as pool:
            asking, writing = [pool.submit(ask) for _ in range(2)], pool.submit(write)
            try:
                children = [in_child(partial(child, number)) for number in range(CHILDREN)]
                codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
            finally:
                stop.set()
            assert codes == [0] * CHILDREN
            assert all(done.result() for done in asking)
            rows = writing.result()
        assert let_in()
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    count = "SELECT count(*) FROM auth_user WHERE username LIKE ?"
    assert connection.execute(count, ("parent%",)).fetchone() == (rows,)
    assert connection.execute(count, ("child%",)).fetchone() == (CHILDREN,)
    connection.close()


LEAK = """
import sys, authchain
def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096
context = authchain.Context(text=sys.argv[1])
key = context.create_token("alice").key
good, bad = {"Authorization": "Token " + key}, [("Authorization", "Token x"), ("X", "a\\nb")]
def ask(times):
    for i in range(times):
        assert context.authenticate(good)
        assert not context.authenticate(bad)
        if i % 10 == 0:
            context.verify_token(key), context.tokens(), context.lookup(name="alice")
            for _ in range(5):
                context.create_token("alice")
            with context.request(good) as request:
                request.authenticate()
            context.request(bad)
            authchain.Context(text=sys.argv[1], log=print)
            try:
                authchain.Context(text="x")
            except authchain.ConfigError:
                pass
ask(2000)
before = resident()
ask(50_000)
print(resident() - before)
"""


def test_a_hundred_thousand_calls_leak_nothing(database: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", LEAK, config(database)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(run.stdout) < 1 << 20
