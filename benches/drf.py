#!/usr/bin/env python3
"""What DRF's own class costs: TokenAuthentication().authenticate() in this process, on the database of
the benchmark, with one connection that stays open, one random user a call.

    drf.py DATABASE     prints the medians of 15 rounds: us of CPU time a token, then without credentials
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


def site(database):
    # by its path: `import site` is Python's own
    spec = importlib.util.spec_from_file_location("peer_site", os.path.join(HERE, "../tests/peer/site.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.argv = ["site.py", "--db", database, "pending"]
    module.configure(module.parse())


def cost(authentication, requests, expect_user):
    start = time.thread_time_ns()
    for request in requests:
        if (authentication.authenticate(request) is not None) != expect_user:
            sys.exit("drf.py: an unexpected answer")
    return (time.thread_time_ns() - start) / 1e3 / len(requests)


def main():
    site(sys.argv[1])
    from rest_framework.authentication import TokenAuthentication
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    factory = APIRequestFactory()
    authentication = TokenAuthentication()
    random.seed(1)

    def with_token():
        key = hashlib.sha1(b"token %d" % random.randrange(USERS)).hexdigest()
        return Request(factory.get("/", HTTP_AUTHORIZATION="Token " + key))

    nobody = [Request(factory.get("/"))] * CALLS
    cost(authentication, [with_token() for _ in range(CALLS)], True)
    tokens, nobodies = [], []
    for _ in range(ROUNDS):
        requests = [with_token() for _ in range(CALLS)]
        tokens.append(cost(authentication, requests, True))
        nobodies.append(cost(authentication, nobody, False))
    print("%.1f %.2f" % (statistics.median(tokens), statistics.median(nobodies)))


if __name__ == "__main__":
    main()
