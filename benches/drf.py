#!/usr/bin/env python3
"""What the peers' own classes cost: authenticate() of the TokenAuthentication of DRF, knox and durin in this process,
on the database of the benchmark, with one connection that stays open, one random user a call.

    drf.py DATABASE knox|durin     a line a class: name and us of CPU time a token, the median of 15 rounds;
                                   with knox also DRF's own class, and that without credentials

knox and durin name the way back from a user alike, so that no process can have both.
"""
import hashlib
import importlib.util
import os
import random
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUNDS, CALLS, USERS = 15, 500, 100000


def site(database, *options):
    # by its path: `import site` is Python's own
    spec = importlib.util.spec_from_file_location("peer_site", os.path.join(HERE, "../tests/peer/site.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.argv = ["site.py", "--db", database, *options, "pending"]
    module.configure(module.parse())


def cost(authentication, requests, expect_user):
    start = time.thread_time_ns()
    for request in requests:
        if (authentication.authenticate(request) is not None) != expect_user:
            sys.exit("drf.py: an unexpected answer")
    return (time.thread_time_ns() - start) / 1e3 / len(requests)


def classes(kind):
    """By name: the class, and the token of a number."""
    from django.contrib.auth import get_user_model
    first = get_user_model().objects.order_by("pk").values_list("pk", flat=True)[0]

    def of_user(number):
        return hashlib.sha256(b"%s %d" % (kind.encode(), first + number)).hexdigest()
    if kind == "durin":
        from durin.auth import TokenAuthentication as Durin
        return {"durin": (Durin(), of_user)}
    from knox.auth import TokenAuthentication as Knox
    from rest_framework.authentication import TokenAuthentication
    drf = TokenAuthentication()
    return {"drf": (drf, lambda number: hashlib.sha1(b"token %d" % number).hexdigest()), "nobody": (drf, None),
            "knox": (Knox(), of_user)}


def main(database, kind):
    site(database, "--" + kind)
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    factory = APIRequestFactory()
    random.seed(1)

    def request(token):
        headers = {"HTTP_AUTHORIZATION": "Token " + token(random.randrange(USERS))} if token else {}
        return Request(factory.get("/", **headers))
    asked = classes(kind)
    rounds = {name: [] for name in asked}
    for _ in range(ROUNDS + 1):
        for name, (authentication, token) in asked.items():
            rounds[name].append(cost(authentication, [request(token) for _ in range(CALLS)], token is not None))
    for name, costs in rounds.items():
        print("%s\t%.2f" % (name, statistics.median(costs[1:])))      # the first round opens the connection


if __name__ == "__main__":
    main(*sys.argv[1:])
