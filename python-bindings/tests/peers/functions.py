#!/usr/bin/env python3
"""Runs Django's own tests of password hashes, signed texts and CSRF tokens, with the library in the place of what
they test: no request, no DRF.

    functions.py TESTS DATABASE      a JSON object: how each test ended, and how often the library decided in it

TESTS is the folder `tests` of Django's source archive, DATABASE has Django's schema and users "peer" and "visitor". What
Django is asked in them and the C ABI is not stays Django's: a hash with a salt that is given, what a hash is made
of, whether it should be made anew, other digests than SHA-256. Where one of Django's methods runs that the library
stands for, the test fails.
"""

import json
import sqlite3
import sys
import time
import unittest
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from authchain import ConfigError, Context, _ffi
from authchain.chain import _signing

NAMES = ["auth_tests.test_hashers", "signing.tests", "csrf_tests.tests.CsrfFunctionTests"]
SECRET = "not a secret"

decided: Counter[str] = Counter()
running = ""


def ours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Counts what the library decides."""

    def counting(*arguments: Any, **more: Any) -> Any:
        decided[running] += 1
        return function(*arguments, **more)

    return counting


def never(name: str) -> Callable[..., Any]:
    """In the place of what the library stands for."""

    def fails(*_arguments: object, **_more: object) -> None:
        raise AssertionError(f"fell back to Django's {name}")

    return fails


# --- password hashes ------------------------------------------------------------------------

COSTS = {
    "pbkdf2_sha256": {"iterations": "iterations"},
    "pbkdf2_sha1": {"iterations": "iterations"},
    "argon2": {"time_cost": "time_cost", "memory_cost": "memory_cost", "parallelism": "parallelism"},
    "bcrypt_sha256": {"rounds": "rounds"},
    "bcrypt": {"rounds": "rounds"},
    "scrypt": {"work_factor": "work_factor", "block_size": "block_size", "parallelism": "parallelism"},
    "md5": {},
}


class Passwords:
    """A user "peer", whose stored hash is what a hasher is asked about."""

    def __init__(self, database: Path) -> None:
        self.database = database

    @cache  # noqa: B019 - there is one
    def context(self, algorithm: str, costs: tuple[tuple[str, int], ...]) -> Context:
        """With this hasher only."""
        options = "".join(f"{name} = {value}\n" for name, value in costs)
        table = f"[hashers.{algorithm}]\n{options}" if costs else ""
        text = f'database = "sqlite:{self.database}"\nsecret_key = "{SECRET}"\npassword_hashers = ["{algorithm}"]\n'
        chains = '[chains.default]\nschemes = ["basic"]\n[throttle]\nenabled = false\n'
        return Context(text=text + chains + table)

    def stored(self, encoded: str | None = None) -> str:
        """The stored hash; a new one if it is given."""
        with sqlite3.connect(self.database) as connection:
            if encoded is not None:
                connection.execute("UPDATE auth_user SET password = ? WHERE username = 'peer'", (encoded,))
            [[found]] = connection.execute("SELECT password FROM auth_user WHERE username = 'peer'")
        connection.close()
        return str(found)


class Drawn(str):
    """A salt that a hasher has drawn: nobody minds another one."""


class DrawnBytes(bytes):
    """The same of bcrypt."""


def use_passwords(passwords: Passwords) -> None:
    """Hashers that ask the library whether a password is right, and for new hashes."""
    from django.contrib.auth import hashers

    class Asking:
        algorithm: str

        def salt(self) -> str | bytes:
            drawn = super().salt()  # type: ignore[misc]
            return DrawnBytes(drawn) if isinstance(drawn, bytes) else Drawn(drawn)

        def encode(self, password: Any, salt: Any, *costs: Any) -> Any:
            if password is None or costs or not isinstance(salt, Drawn | DrawnBytes):
                return super().encode(password, salt, *costs)  # type: ignore[misc]
            try:
                return self.made(password)
            except ConfigError:  # cheaper than a configuration may be
                return super().encode(password, salt)  # type: ignore[misc]

        @ours
        def made(self, password: str | bytes) -> str:
            known = tuple((name, getattr(self, field)) for name, field in COSTS[self.algorithm].items())
            passwords.context(self.algorithm, known).set_password("peer", password)
            return passwords.stored()

        @ours
        def verify(self, password: str | bytes, encoded: str) -> bool:
            passwords.stored(encoded)
            return passwords.context(self.algorithm, ()).check_password("peer", password) is not None

    for name in ("PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt", "MD5"):
        name += "PasswordHasher"
        peers = getattr(hashers, name)
        setattr(hashers, name, type(name, (Asking, peers), {"__module__": hashers.__name__}))
        if "verify" in vars(peers):
            peers.verify = never(f"{name}.verify")


# --- signed texts ---------------------------------------------------------------------------


@cache
def signing_context(keys: tuple[str, ...]) -> Context:
    """With these keys, the first of which signs."""
    lines = [f"secret_key = {json.dumps(keys[0])}", f"secret_key_fallbacks = {json.dumps(keys[1:])}"]
    return Context(text='database = "sqlite:/nonexistent"\n' + "\n".join(lines) + '\n[chains.default]\nschemes = ["basic"]\n')


def signing_options(salt: str, flags: int, max_age: float | timedelta | None = 0) -> _ffi.auth_sign_options:
    """With the clock of Python, which tests set."""
    seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
    made = _signing(flags, salt, max_age=None if seconds is None else int(seconds))
    if flags & _ffi.SIGN_TIMED:
        made.now_us = int(time.time() * 1e6)
    return made


def use_signing() -> None:
    """Signers that have the library sign and look."""
    from django.core import signing

    class Asking:
        key: Any
        fallback_keys: Any
        sep: str
        salt: str
        algorithm: str

        def is_ours(self) -> bool:
            keys = [self.key, *self.fallback_keys]
            return self.algorithm == "sha256" and all(isinstance(key, str) for key in keys)

        def context(self) -> Context:
            return signing_context((self.key, *self.fallback_keys))

        def signature(self, value: Any, key: Any = None) -> Any:
            if not self.is_ours():
                return super().signature(value, key)  # type: ignore[misc]
            text = value.decode() if isinstance(value, bytes) else str(value)
            return self.signed(text, False).rpartition(":")[2]

        @ours
        def signed(self, value: str, timed: bool) -> str:
            options = signing_options(self.salt, _ffi.SIGN_TIMED if timed else 0)
            return self.context()._sign(value, options)

        @ours
        def unsigned(self, text: str, timed: bool, max_age: Any) -> str:
            value, _, rest = text.rpartition(self.sep)
            if timed:
                value, _, moment = value.rpartition(self.sep)
                rest = f"{moment}:{rest}"
            options = signing_options(self.salt, _ffi.SIGN_TIMED, max_age) if timed else signing_options(self.salt, 0)
            found = self.context()._unsign(f"{value}:{rest}", options)
            if found is None:
                raise signing.SignatureExpired("old") if max_age is not None else signing.BadSignature("no")
            return found

        def sign(self, value: Any) -> str:
            return f"{value}{self.sep}{self.signature(value)}"

        def unsign(self, signed_value: str) -> str:
            return self.unsigned(signed_value, False, None)

    class TimedAsking(Asking):
        def sign(self, value: Any) -> str:
            return self.signed(str(value), True).replace(":", self.sep)

        def unsign(self, value: str, max_age: Any = None) -> str:
            return self.unsigned(value, True, max_age)

    for name, kind in (("Signer", Asking), ("TimestampSigner", TimedAsking)):
        peers = getattr(signing, name)
        setattr(signing, name, type(name, (kind, peers), {"__module__": signing.__name__}))
        peers.unsign = never(f"{name}.unsign")
        peers.sign = never(f"{name}.sign")


# --- CSRF tokens ----------------------------------------------------------------------------


def use_csrf(database: Path) -> None:
    """The functions of Django's middleware, by pages and requests of the library."""
    from django.middleware import csrf

    text = f'database = "sqlite:{database}"\nsecret_key = "{SECRET}"\nallowed_hosts = ["*"]\n'
    context = Context(text=text + '[chains.default]\nschemes = ["session"]\n[throttle]\nenabled = false\n')
    session = context.create_session("visitor").key

    def page(cookie: str | None) -> tuple[str, str]:
        """The token of a page, and the secret that it is for."""
        headers = [] if cookie is None else [("Cookie", f"csrftoken={cookie}")]
        with context.request(headers) as request:
            made = request.csrf_token()
        assert made is not None
        assert made.cookie is not None
        return made.text, made.cookie.partition("=")[2].partition(";")[0]

    def posted(token: str, secret: str) -> str:
        """What the library says to a request of a session."""
        headers = [("Cookie", f"sessionid={session}; csrftoken={secret}"), ("X-CSRFToken", token), ("Host", "h")]
        verdict = context.authenticate(headers, method="POST", host="h")
        return "" if verdict else verdict.response.body

    @ours
    def mask(secret: str) -> str:
        return page(secret)[0]

    @ours
    def unmask(token: str) -> str:
        return page(token)[1]

    @ours
    def get_token(request: Any) -> str:
        token, secret = page(request.META.get("CSRF_COOKIE"))
        request.META.update({"CSRF_COOKIE": secret, "CSRF_COOKIE_NEEDS_UPDATE": True})
        return token

    @ours
    def rotate_token(request: Any) -> None:
        request.META.update({"CSRF_COOKIE": page(None)[1], "CSRF_COOKIE_NEEDS_UPDATE": True})

    @ours
    def check_format(token: str) -> None:
        said = posted(token, "a" * 32)
        for reason in (csrf.REASON_INVALID_CHARACTERS, csrf.REASON_INCORRECT_LENGTH):
            if reason in said:
                raise csrf.InvalidTokenFormat(reason)

    @ours
    def matches(token: str, secret: str) -> bool:
        return posted(token, secret) == ""

    def does_match(token: str, secret: str) -> bool:
        assert len(token) in (csrf.CSRF_TOKEN_LENGTH, csrf.CSRF_SECRET_LENGTH)
        return bool(matches(token, secret))

    for name, function in (
        ("_mask_cipher_secret", mask),
        ("_unmask_cipher_token", unmask),
        ("_check_token_format", check_format),
        ("_does_token_match", does_match),
        ("get_token", get_token),
        ("rotate_token", rotate_token),
    ):
        setattr(csrf, name, function)


# --- running --------------------------------------------------------------------------------


class Result(unittest.TextTestResult):
    """Remembers how tests ended."""

    outcomes: dict[str, str]

    def startTest(self, test: unittest.TestCase) -> None:
        global running
        super().startTest(test)
        running = test.id()
        outcomes[running] = "passed"

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        outcomes[test.id()] = "failed"

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        outcomes[test.id()] = "failed"

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            outcomes[test.id()] = "failed"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        outcomes[test.id()] = "skipped"


outcomes: dict[str, str] = {}


def main() -> None:
    """Configures Django, puts the library in, and runs."""
    tests, database = map(Path, sys.argv[1:])
    import django
    from django.conf import settings
    from django.test.utils import setup_test_environment

    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
    settings.configure(SECRET_KEY=SECRET, INSTALLED_APPS=apps, USE_TZ=True)
    django.setup()
    setup_test_environment()
    use_passwords(Passwords(database))
    use_signing()
    use_csrf(database)
    sys.path.insert(0, str(tests))
    found = unittest.defaultTestLoader.loadTestsFromNames(NAMES)
    unittest.TextTestRunner(stream=sys.stderr, resultclass=Result).run(found)
    print(json.dumps({"outcomes": outcomes, "decided": decided}))


if __name__ == "__main__":
    main()
