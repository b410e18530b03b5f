#!/usr/bin/env python3
"""What the Python package costs, beside Django REST framework in the same process and on the database of
the benchmark: one random user a call, the order changing from round to round.

    python.py DATABASE SECRET [FOLDER]     a line a comparison: name, bound, ours (us of CPU time), ratio

With FOLDER, where authchain_fast is, the optional module does what ctypes would.

request.user   DRF's TokenAuthentication against ours, from `request.user` of a new DRF request
wsgi           a whole request to a Django view with DRF's class against our middleware and an empty application
ctypes         the bound is 0: a verdict over 8 hot keys, six headers as a block, key and name read, all by ctypes
context        the same through Context.authenticate, which makes the values of the package
header         with FOLDER instead of the two: a verdict on an Authorization header over 8 hot keys, by the module
"""
import ctypes
import hashlib
import itertools
import os
import random
import statistics
import sys
import time
from wsgiref.util import setup_testing_defaults

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, CALLS, USERS = 15, 400, 100000
CONFIGURATION = """\
database = "sqlite:%s"
secret_key = "%s"
chains.default.schemes = ["basic", "token"]
"""


def set_up(database, secret):
    sys.path[:0] = [os.path.join(HERE, "../python-bindings"), os.path.join(HERE, "../examples/django_project")]
    os.environ.setdefault("AUTHCHAIN_LIBRARY", os.path.join(HERE, "../target/dist/libauthchain.so"))
    os.environ.update(DJANGO_SETTINGS_MODULE="shop.settings", DATABASE=os.path.abspath(database), SECRET_KEY=secret)
    import django
    django.setup()


def key():
    return hashlib.sha1(b"token %d" % random.randrange(USERS)).hexdigest()


# ---------------------------------------------------------------- what is compared
def user_of(cls):
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    factory = APIRequestFactory()

    def make():
        return Request(factory.get("/", HTTP_AUTHORIZATION="Token " + key()), authenticators=[cls()])

    def ask(request):
        return request.user.is_authenticated
    return make, ask


def environ():
    made = {"HTTP_HOST": "localhost", "HTTP_USER_AGENT": "bench", "HTTP_ACCEPT": "*/*", "HTTP_ACCEPT_ENCODING": "gzip",
            "HTTP_CONNECTION": "keep-alive", "HTTP_AUTHORIZATION": "Token " + key(), "REMOTE_ADDR": "127.0.0.1",
            "QUERY_STRING": "", "SCRIPT_NAME": "", "PATH_INFO": "/"}
    setup_testing_defaults(made)
    return made


def answered(application):
    def ask(given):
        statuses = []
        b"".join(application(given, lambda status, headers, exc_info=None: statuses.append(status)))
        return statuses == ["200 OK"]
    return environ, ask


def django_with_drfs_class():
    import shop.urls
    from rest_framework.authentication import TokenAuthentication
    from shop.wsgi import application
    shop.urls.Who.authentication_classes = [TokenAuthentication]
    return application


def empty(environ, start):
    start("200 OK", [])
    return [b""]


def hot_blocks():
    keys = [key() for _ in range(8)]
    lines = "Host: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n"
    blocks = itertools.cycle([(lines + "Authorization: Token " + name).encode() for name in keys])
    return lambda: next(blocks)


def by_ctypes(context):
    """As authchain._asked does it."""
    from authchain._asked import Asked, Http, _free, _id, _judge, _name, _new, _user
    asked, size, c_void_p, byref = Asked(context), ctypes.sizeof(Http), ctypes.c_void_p, ctypes.byref
    handle, chain = asked.context._open().argument, asked._chain

    def ask(block):
        http = Http(size)
        http.block, http.block_len = block, len(block)
        request = c_void_p()
        _new(handle, byref(http), byref(request))
        _judge(request, chain)
        user = _user(request)
        found = _id(user).decode(), _name(user).decode()
        _free(request)
        return found
    return hot_blocks(), ask


def by_module(context):
    from authchain._asked import Quick
    asked = Quick(context)
    keys = itertools.cycle([("Token " + key()).encode() for _ in range(8)])
    return lambda: next(keys), lambda value: len(asked.authorization(value, "127.0.0.1")) == 4


# ---------------------------------------------------------------- measuring
def cost(make, ask):
    made = [make() for _ in range(CALLS)]
    start = time.thread_time_ns()
    good = [ask(one) for one in made]
    spent = time.thread_time_ns() - start
    return spent / 1e3 / CALLS if all(good) else sys.exit("python.py: an unexpected answer")


def compared(name, bound, ours):
    sides = [side for side in (bound, ours) if side]
    for side in sides:
        cost(*side)                                        # opens connections, fills caches
    rounds = []
    for number in range(ROUNDS):
        order = sides if number % 2 else sides[::-1]
        times = {id(side): cost(*side) for side in order}
        rounds.append((times[id(bound)] if bound else 0.0, times[id(ours)]))
    median = statistics.median
    ratio = median(b / o for b, o in rounds)
    print("%s\t%.2f\t%.2f\t%.2f" % (name, median(b for b, _ in rounds), median(o for _, o in rounds), ratio))


def main():
    database, secret, *folders = sys.argv[1:]
    sys.path[:0] = folders
    set_up(database, secret)
    import rest_framework.authentication

    import authchain.drf
    import authchain.wsgi
    random.seed(1)
    context = authchain.Context(text=CONFIGURATION % (os.path.abspath(database), secret))
    compared("request.user", user_of(rest_framework.authentication.TokenAuthentication),
             user_of(authchain.drf.TokenAuthentication))
    compared("wsgi", answered(django_with_drfs_class()), answered(authchain.wsgi.Middleware(empty, context)))
    if folders:
        return compared("header", None, by_module(context))
    compared("ctypes", None, by_ctypes(context))
    compared("context", None, (hot_blocks(), context.authenticate))


if __name__ == "__main__":
    main()
