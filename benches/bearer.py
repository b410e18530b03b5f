#!/usr/bin/env python3
"""Tokens of simplejwt for bearer.c, and what its classes and PyJWT cost with them in this process.

    bearer.py make DATABASE FOLDER   NAME.jwt (64 tokens, one a line) and NAME.key (a secret, or DER) of each algorithm,
                                     NAME.pem (the public key), for as many users of the database
    bearer.py DATABASE FOLDER        a line a peer: name and us of CPU time a token, the median of 15 rounds

The tokens end in a year. Their users are read with one connection that stays open.
"""
import os
import pathlib
import statistics
import sys
import time

import drf

TOKENS, ROUNDS, CALLS = 64, 15, 512
SECRET = "for measuring only, and as long as RFC 7518 wants it"


def make(database, folder):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    drf.site(database, "--jwt", "--secret", SECRET)
    from datetime import timedelta

    import jwt
    from django.contrib.auth import get_user_model
    from rest_framework_simplejwt.tokens import AccessToken
    keys = {"RS256": rsa.generate_private_key(65537, 2048), "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate()}
    payloads = []
    for user in get_user_model().objects.order_by("username")[:TOKENS]:
        token = AccessToken.for_user(user)
        token.set_exp(lifetime=timedelta(days=365))
        payloads.append(token.payload)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    os.makedirs(folder, exist_ok=True)
    for name, key in {"HS256": SECRET, **keys}.items():
        path = pathlib.Path(folder, name)
        path.with_suffix(".jwt").write_text("".join(jwt.encode(claims, key, name) + "\n" for claims in payloads))
        if name == "HS256":
            path.with_suffix(".key").write_text(key)
            continue
        path.with_suffix(".key").write_bytes(key.public_key().public_bytes(serialization.Encoding.DER, form))
        path.with_suffix(".pem").write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def cost(ask, made):
    start = time.thread_time_ns()
    for one in made:
        ask(one)                                           # raises if it is refused
    return (time.thread_time_ns() - start) / 1e3 / len(made)


def main(database, folder):
    drf.site(database, "--jwt", "--secret", SECRET)
    import jwt
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication
    factory = APIRequestFactory()

    def tokens(name):
        return pathlib.Path(folder, name + ".jwt").read_text().split() * (CALLS // TOKENS)

    def requests(name):
        return [Request(factory.get("/", HTTP_AUTHORIZATION="Bearer " + token)) for token in tokens(name)]
    ways = {"stateless": (JWTStatelessUserAuthentication().authenticate, requests),
            "user": (JWTAuthentication().authenticate, requests),
            "pyjwt": (lambda token: jwt.decode(token, SECRET, ["HS256"]), tokens)}
    rounds = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, (ask, made) in ways.items():
            rounds[name].append(cost(ask, made("HS256")))
    for name, costs in rounds.items():
        print("%s\t%.2f" % (name, statistics.median(costs[1:])))


if __name__ == "__main__":
    make(*sys.argv[2:]) if sys.argv[1] == "make" else main(*sys.argv[1:])
