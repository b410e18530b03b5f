#!/usr/bin/env python3
"""A WSGI server with one protected page: `app.py CONFIG PORT`, on 127.0.0.1; port 0 is any.

Prints "listening on PORT". SIGTERM ends it.
"""

import signal
import sys
from collections.abc import Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import NoReturn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import authchain


class App:
    """Greets whoever the chain lets in; the others get the chain's own answer."""

    def __init__(self, context: authchain.Context) -> None:
        self.context = context

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/":
            return answer(start, 404, [("Content-Type", "text/plain")], "not found\n")
        verdict = self.context.authenticate_environ(environ, required=True)
        response = verdict.response
        if not verdict:
            return answer(start, response.status, response.headers, response.body)
        headers = [("Content-Type", "text/plain; charset=utf-8"), *response.headers]
        return answer(start, 200, headers, f"hello {verdict.user.name}\n")


def answer(
    start: StartResponse, status: int, headers: list[tuple[str, str]], body: str
) -> list[bytes]:
    """Sends an answer."""
    start(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body.encode()]


class Server(ThreadingMixIn, WSGIServer):
    """One thread a connection."""

    daemon_threads = True
    request_queue_size = 128


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def stop(signum: int, frame: object) -> NoReturn:
    """Ends `serve_forever`."""
    sys.exit(0)


def main() -> None:
    """Serves until SIGTERM."""
    config, port = sys.argv[1:]
    signal.signal(signal.SIGTERM, stop)
    app = App(authchain.Context(config))
    with make_server("127.0.0.1", int(port), app, Server, Quiet) as server:
        print(f"listening on {server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
