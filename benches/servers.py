#!/usr/bin/env python3
"""What a request costs a real server: gunicorn with two workers under wrk, CPU time of the workers a request.

    servers.py DATABASE SECRET [SECONDS]     a line a way: name, us of CPU time a request, requests a second

A protected view of the example project, its class for tokens DRF's, ours, knox's, and ours for knox; and the WSGI
middleware before an empty application. One token of each kind, made for the first user. $AUTHCHAIN_FAST names the
folder of the optional module, which is then used.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = """
from shop.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "knox"]
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": ["%s"]}
"""
APP = """
from authchain import Context
from authchain.wsgi import Middleware
def app(environ, start):
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
application = Middleware(app, Context("authchain.toml"))
"""
CONFIGURATION = 'database = "sqlite:%s"\nsecret_key = "%s"\nchains.default.schemes = ["token"]\n'
WAYS = {
    "DRF's class": ("rest_framework.authentication.TokenAuthentication", "token"),
    "authchain.drf": ("authchain.drf.TokenAuthentication", "token"),
    "knox's class": ("knox.auth.TokenAuthentication", "knox"),
    "authchain.knox": ("authchain.knox.KnoxTokenAuthentication", "knox"),
    "authchain.wsgi": (None, "token"),
}


def tokens(database, secret):
    """One of each kind."""
    site = [sys.executable, os.path.join(HERE, "../tests/peer/site.py"), "--db", database, "--secret", secret, "--knox"]
    subprocess.run([*site, "migrate"], check=True, stdout=subprocess.DEVNULL)
    ask = lambda verb: subprocess.run([*site, verb, "user000000"], check=True, capture_output=True, text=True).stdout.strip()
    return {"token": ask("addtoken"), "knox": ask("addknox")}


def spent(pid):
    """CPU time of a process's children, in ticks."""
    children = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
    stats = [open("/proc/%s/stat" % child).read().rpartition(")")[2].split() for child in children]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)


def measure(folder, module, environment, token, seconds):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:%d" % port, module]
    server = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    try:
        wrk = ["wrk", "-t", "1", "-c", "4", "-H", "Authorization: Token " + token, "http://localhost:%d/" % port]
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        subprocess.run([*wrk, "-d", "1s"], check=True, stdout=subprocess.DEVNULL)      # opens connections
        before = spent(server.pid)
        said = subprocess.run([*wrk, "-d", "%ds" % seconds], check=True, capture_output=True, text=True).stdout
        after = spent(server.pid)
    finally:
        server.terminate()
        server.wait()
    requests = int(re.search(r"(\d+) requests in", said)[1])
    if "Non-2xx" in said or not requests:
        sys.exit("servers.py: an unexpected answer\n" + said)
    return (after - before) * 1e6 / TICK / requests, requests / seconds


def main():
    database, secret, *rest = sys.argv[1:]
    database, seconds = os.path.abspath(database), int(rest[0]) if rest else 5
    known = tokens(database, secret)
    with tempfile.TemporaryDirectory() as folder:
        path = [folder, *(os.path.join(HERE, "..", name) for name in ("python-bindings", "examples/django_project"))]
        path += [os.environ["AUTHCHAIN_FAST"]] if "AUTHCHAIN_FAST" in os.environ else []
        with open(os.path.join(folder, "authchain.toml"), "w") as file:
            file.write(CONFIGURATION % (database, secret))
        with open(os.path.join(folder, "bare.py"), "w") as file:
            file.write(APP)
        for number, (name, (cls, kind)) in enumerate(WAYS.items()):
            with open(os.path.join(folder, "settings%d.py" % number), "w") as file:
                file.write(SETTINGS % cls)
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "DATABASE": database, "SECRET_KEY": secret,
                           "DJANGO_SETTINGS_MODULE": "settings%d" % number}
            module = "shop.wsgi" if cls else "bare:application"
            print("%s\t%.0f\t%.0f" % (name, *measure(folder, module, environment, known[kind], seconds)), flush=True)


if __name__ == "__main__":
    main()
