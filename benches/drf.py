#!/usr/bin/env python3
"""What the peers' own classes cost: authenticate() of DRF's TokenAuthentication and of knox's in this process, on the
database of the benchmark, with one connection that stays open, one random user a call.

    drf.py DATABASE     prints the medians of 15 rounds: us of CPU time a token, without credentials, a token of knox
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
    sys.argv = ["site.py", "--db", database, "--knox", "pending"]
    module.configure(module.parse())


def cost(authentication, requests, expect_user):
    start = time.thread_time_ns()
    for request in requests:
        if (authentication.authenticate(request) is not None) != expect_user:
            sys.exit("drf.py: an unexpected answer")
    return (time.thread_time_ns() - start) / 1e3 / len(requests)


def main():
    site(sys.argv[1])
    from knox.auth import TokenAuthentication as KnoxAuthentication
    from knox.models import AuthToken
    from rest_framework.authentication import TokenAuthentication
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    factory = APIRequestFactory()
    authentication, knox = TokenAuthentication(), KnoxAuthentication()
    first = AuthToken.objects.order_by("user_id").values_list("user_id", flat=True)[0]
    random.seed(1)

    def with_token():
        key = hashlib.sha1(b"token %d" % random.randrange(USERS)).hexdigest()
        return Request(factory.get("/", HTTP_AUTHORIZATION="Token " + key))

    def with_knox():
        token = hashlib.sha256(b"knox %d" % (first + random.randrange(USERS))).hexdigest()
        return Request(factory.get("/", HTTP_AUTHORIZATION="Token " + token))

    nobody = [Request(factory.get("/"))] * CALLS
    cost(authentication, [with_token() for _ in range(CALLS)], True)
    tokens, nobodies, of_knox = [], [], []
    for _ in range(ROUNDS):
        requests = [with_token() for _ in range(CALLS)]
        tokens.append(cost(authentication, requests, True))
        nobodies.append(cost(authentication, nobody, False))
        of_knox.append(cost(knox, [with_knox() for _ in range(CALLS)], True))
    print("%.1f %.2f %.1f" % tuple(map(statistics.median, (tokens, nobodies, of_knox))))


if __name__ == "__main__":
    main()
