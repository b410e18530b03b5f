#!/usr/bin/env python3
"""Record what Django makes of cookies, signed texts, CSRF tokens, URLs and hosts.

    signing.py [--out tests/vectors/signing] [--rng 7]    write cookies.jsonl, set_cookie.jsonl, signing.jsonl,
                                                          csrf.jsonl and origin.jsonl
    signing.py --check                                    record anew and compare

The lines are explained in the README.md of that folder. They depend on nothing but the code here, the pinned
versions, and zlib.
"""
import argparse
import filecmp
import json
import os
import random
import string
import sys
import tempfile
import zlib
from unittest.mock import patch

HERE = os.path.dirname(os.path.abspath(__file__))
# this file has the name of one of Django's, but Django's is in a package
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE]
KEYS = ["signing-secret-key-0123456789", "signing-old-key-9876543210", "", "\u00fcber-key"]

from django.conf import settings  # noqa: E402

settings.configure(SECRET_KEY=KEYS[0], SECRET_KEY_FALLBACKS=KEYS[1:], ALLOWED_HOSTS=[], USE_TZ=True)
import django  # noqa: E402

django.setup()

from django.core import signing  # noqa: E402
from django.core.exceptions import DisallowedHost  # noqa: E402
from django.core.handlers.wsgi import WSGIRequest  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.middleware import csrf  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.utils.crypto import salted_hmac  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

AT = 1_700_000_000
FILES = ["cookies.jsonl", "set_cookie.jsonl", "signing.jsonl", "csrf.jsonl", "origin.jsonl"]


def request(**variables):
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "SERVER_NAME": "testserver", "SERVER_PORT": "443",
               "wsgi.url_scheme": "https", "wsgi.input": sys.stdin.buffer}
    return WSGIRequest({**environ, **variables})


def wire(text):
    return text.encode().decode("latin-1")


def unique(rows):
    seen = set()
    for row in rows:
        key = json.dumps(row, sort_keys=True)
        if key not in seen:
            seen.add(key)
            yield row


# ---------------------------------------------------------------- Cookie
PIECES = ["a", "b", "sessionid", "csrftoken", "=", "=", "=", ";", "; ", ";", '"', '"', "\\", "\\", '\\"', "\\\\", "\\054", "\\303\\251", "\\377", "\\400",
          "\\8", "\\12", "\\0", "\\\n", " ", "\t", "\x0b", "\x1c", "\x1f", "\x7f", "\0", "\n", "\r", "\x85", "\xa0", "\xff", "\xc3", "\xe9", wire("\u00e9"), wire("\u00a0"),
          wire("\u0085"), wire("\u3000"), wire("\u2028"), wire("\u200b"), wire("\ufeff"), wire("\u5bc6"), wire("\U0001f511"), "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf0\x9f\x92",
          "\xc0\xaf", ",", "$Version", "%3D", "Path=/", "1", "abc", "x" * 32, ":", "(", "{}", "/", "'"]


def cookie_headers(rnd):
    key = "4iaki0gjkfpgxfes1sowak1beob5hqsb"
    for piece in PIECES:
        for form in ("a=%s", "%s", "%s=1", "a=1%s", "a=%s1", "a%s=1", "a=1;%s", "a=1;a=%s", 'a="%s"', 'a="x%sy"', '"a%s"=1', "a=1; %s=2; b=3", "sessionid=%s" + key,
                     "sessionid=" + key + "%s", "%ssessionid=" + key):
            yield form % piece
    for number in range(0, 512, 3):
        yield 'a="\\%03o"' % number
    for char in range(256):
        yield "a=%s; b=2" % chr(char)
    while True:
        length = rnd.choice([2, 3, 4, 5, 6, 8, 10])
        yield "".join(rnd.choice(PIECES) for _ in range(length))


def cookies(rnd):
    for header in cookie_headers(rnd):
        yield {"header": header, "cookies": request(HTTP_COOKIE=header).COOKIES}


# ---------------------------------------------------------------- Set-Cookie
NAMES = ["sessionid", "csrftoken", "__Host-s", "__Secure-s", "a", "a:b", "a.b", "messages"]
BAD_NAMES = ["", "a b", "a=b", "a;b", "Path", "path", "secure", "HttpOnly", "max-age", "\u00e9", "a\n", "a,b", 'a"', "comment", "version", "SameSite", "expires", "a/b", "[a]", "partitioned"]
VALUES = ["", "abc", "a b", "a,b;c", '"', "\\", "\r\n\0", "\u00e9", "\u5bc6", "a:b", "x" * 40, "=", "/", "a=b", "\x7f", "\x80\xff", "\u0100", "\U0001f511", "{\"a\": 1}", "'", "~", "!#$%&'*+-.^_`|~:", "()<>@[]?{}",
          "\t", ".eJx:1r31eq:X19-0"]


def set_cookie_calls(rnd):
    for name in NAMES:
        yield "set", name, {"value": "v"}
        for samesite in (None, "Lax", "Strict", "None"):
            yield "delete", name, {"path": "/", "domain": rnd.choice([None, "", "example.com"]), "samesite": samesite}
    for name in BAD_NAMES:
        yield "set", name, {"value": "v"}
    for value in VALUES:
        yield "set", "a", {"value": value}
    for code in range(128):
        yield "set", "a", {"value": "<%s" % chr(code)}
    for age in (0, 1, 59, 86400, 1209600, 31449600, 10 ** 9, -1, -86400 * 365 * 60):
        yield "set", "a", {"value": "v", "max_age": age}
    while True:
        options = {"value": rnd.choice(VALUES), "max_age": rnd.choice([None, 0, 600, rnd.randrange(10 ** 8)]), "path": rnd.choice(["/", "", "/app/", "/x"]),
                   "domain": rnd.choice([None, "", "example.com", ".example.com"]), "secure": rnd.random() < 0.5, "httponly": rnd.random() < 0.5,
                   "samesite": rnd.choice([None, "Lax", "Strict", "None"])}
        yield "set", rnd.choice(NAMES), options


def set_cookies(rnd):
    for call, name, options in set_cookie_calls(rnd):
        at = rnd.choice([AT, 0, rnd.randrange(4 * 10 ** 9)])
        response = HttpResponse()
        row = {"call": call, "name": name, **options, "at": at}
        try:
            with patch("time.time", lambda: float(at)):
                (response.set_cookie if call == "set" else response.delete_cookie)(name, **options)
            yield {**row, "header": response.cookies[name].output(header="").strip()}
        except Exception as e:
            yield {**row, "error": type(e).__name__}


# ---------------------------------------------------------------- signing
# no empty one: Signer takes the name of its class in its place
SALTS = ["django.core.signing", "django.contrib.sessions.SessionStore", "a", "\u00fc", "a:b"]
TEXTS = ["", "hello", "a:b:c", ":", "\u00e9\u5bc6", "x" * 60, "\n", "\0", " ", "\U0001f511", "a=b&c", '{"a": 1}', "-1", "."]
STAMPS = ["", "-", "0", "1r31eq", "-1", "--1", "+1", "1 ", " 1", "zzzzzzzzzzzz", "1r31eq1r31eq1r31eq", "z" * 180, "1.5", "\u0661", "0001r31eq", "_", "z" * 6000]


class Raw:
    """The payload as it is."""
    dumps = loads = staticmethod(lambda data: data)


class Signed:
    """Rows of signing.jsonl; `keys` are the first and the fallback ones."""

    def __init__(self, rnd):
        self.rnd = rnd

    def asked(self, kind, salt, keys, text, at_us, max_age=None, **more):
        row = {"kind": kind, "salt": salt, "keys": keys, "text": text, "at_us": at_us}
        row.update({name: value for name, value in {"max_age": max_age, **more}.items() if value is not None})
        signer = signing.TimestampSigner(key=keys[0], fallback_keys=keys[1:], salt=salt)
        try:
            with patch("time.time", lambda: at_us / 1e6), override_settings(SECRET_KEY=keys[0], SECRET_KEY_FALLBACKS=keys[1:]):
                row["answer"] = self.answer(kind, signer, text, salt, max_age, **more)
        except Exception as e:
            row["error"] = type(e).__name__
        return row

    def answer(self, kind, signer, text, salt, max_age, compress=False, name=None, fallback=True):
        plain = signing.Signer(key=signer.key, fallback_keys=signer.fallback_keys, salt=salt)
        if kind == "sign":
            return plain.sign(text)
        if kind == "unsign":
            return plain.unsign(text)
        if kind == "sign_at":
            return signer.sign(text)
        if kind == "unsign_at":
            return signer.unsign(text, max_age=max_age)
        if kind == "dumps":
            return signer.sign_object(text.encode("latin-1"), serializer=Raw, compress=compress)
        if kind == "loads":
            return signer.unsign_object(text, serializer=Raw, max_age=max_age).decode("latin-1")
        if kind == "sign_cookie":
            response = HttpResponse()
            response.set_signed_cookie(name, text, salt=salt)
            return response.cookies[name].value
        if kind == "unsign_cookie":
            asking = request()
            asking.COOKIES = {name: text}
            with override_settings(SIGNED_COOKIE_LEGACY_SALT_FALLBACK=fallback):
                return asking.get_signed_cookie(name, salt=salt, max_age=max_age)
        return salted_hmac(salt, text, secret=signer.key, algorithm=kind).hexdigest()

    def keys(self):
        return self.rnd.choice([KEYS[:1], KEYS[:2], KEYS, [KEYS[1], KEYS[0]], [KEYS[3]]])

    def fixed(self):
        for salt in (*SALTS, ""):
            for text in TEXTS:
                for kind in ("sign", "sign_at", "sha1", "sha256") if salt else ("sha1", "sha256"):
                    yield self.asked(kind, salt, self.keys(), text, AT * 10 ** 6)
        by_all = signing.Signer(key=KEYS[0], salt="a")
        for stamp in STAMPS:
            for max_age in (None, 10, -1):
                yield self.asked("unsign_at", "a", KEYS[:2], by_all.sign("x:" + stamp), AT * 10 ** 6, max_age)
        for max_age in (0, 1, 10, 10 ** 12, -1):
            for us in (-1, 0, 1, 999_999, 1_000_000, 1_000_001, 10 ** 7, 10 ** 7 + 1, -10 ** 12):
                yield self.asked("unsign_at", "a", KEYS[:1], by_all.sign("x:" + signing.b62_encode(AT)), AT * 10 ** 6 + us, max_age)
        for encoded in self.payloads():
            yield self.asked("loads", "a", KEYS[:1], by_all.sign(encoded + ":" + signing.b62_encode(AT)), AT * 10 ** 6)

    def payloads(self):
        packed = zlib.compress(b"payload " * 20)
        for data in (packed, packed + b"behind", packed[:-1], packed[:-4], packed[:10], b"", b"x", packed[:-1] + bytes([packed[-1] ^ 1]), zlib.compress(b""), zlib.compress(b"a" * 100_000, 9),
                     zlib.compress(b"stored", 0), b"\x78\x9c" + packed[2:], b"\x78\xbb\0\0\0\1" + packed[2:], b"\x48\x89" + packed[2:], b"\x88\x1c" + packed[2:], packed[2:-4], b"\x1f\x8b\x08" + packed, packed + packed):
            text = signing.b64_encode(data).decode()
            yield "." + text
            yield text
        for text in ("", ".", "..", "YQ", "YQ==", "YQ=", "Y", "YWJj", "YW Jj", "YW\nJj", "Y!W@J#j", "--__", "++//", "YR", "YWJ", "YWI=YWI=", "=YWJj", "====", "YQ===", "\u00e9", "YW\u00e9Jj", ".YQ", "a" * 5, "a" * 9, "YWJjZ"):
            yield text

    def one(self):
        rnd, keys = self.rnd, self.keys()
        kind = rnd.choice(["sign", "sign_at", "dumps", "sign_cookie"])
        salts = ["", *SALTS] if kind == "sign_cookie" else SALTS
        salt = rnd.choice(salts)
        more = {"name": rnd.choice(["ab", "a", "sid"])} if kind == "sign_cookie" else {}
        text = rnd.choice(TEXTS)
        if kind == "dumps":
            more["compress"] = rnd.random() < 0.5
            text = "".join(map(chr, rnd.randbytes(rnd.randrange(60)))) if rnd.random() < 0.5 else '{"key": "%s"}' % ("v" * rnd.randrange(120))
        made = self.asked(kind, salt, keys, text, AT * 10 ** 6, **more)
        yield made
        signed = self.broken(made["answer"])
        others = rnd.choice([keys, keys, KEYS[:2], KEYS])
        max_age = None if kind == "sign" else rnd.choice([None, None, 60])
        more.pop("compress", None)
        if kind == "sign_cookie":
            more["fallback"] = rnd.random() < 0.5
        back = {"sign": "unsign", "sign_at": "unsign_at", "dumps": "loads", "sign_cookie": "unsign_cookie"}[kind]
        if rnd.random() < 0.1:
            salt = rnd.choice(salts)
        yield self.asked(back, salt, others, signed, AT * 10 ** 6 + rnd.choice([0, 1, 60_000_000, 60_000_001, 10 ** 11]), max_age, **more)

    def legacy(self):
        """Cookies as Django signed them before the salts were told apart."""
        for name, salt in (("ab", "c"), ("a", "bc"), ("abc", ""), ("ab", "d")):
            for key in KEYS[:2]:
                with patch("time.time", lambda: float(AT)):
                    signed = signing.TimestampSigner(key=b"django.http.cookies" + key.encode(), salt="abc").sign("x")
                for fallback in (True, False):
                    for max_age in (None, 5):
                        yield self.asked("unsign_cookie", salt, KEYS[:2], signed, AT * 10 ** 6 + 10 ** 7, max_age, name=name, fallback=fallback)

    def broken(self, text):
        rnd = self.rnd
        if rnd.random() < 0.5 or not text:
            return text
        at, put = rnd.randrange(len(text)), rnd.choice([":", "", "A", "a", "=", "\u00e9", "\0", " "])
        return rnd.choice([text[:at] + put + text[at + 1:], text[:at], text[at:], text + put, put + text, text[:at] + text[at:].swapcase(), text.replace(":", "", 1)])


def signed(rnd):
    of = Signed(rnd)
    yield from of.legacy()
    yield from of.fixed()
    while True:
        yield from of.one()


# ---------------------------------------------------------------- CSRF tokens
def csrf_row(token, secret):
    row = {"token": token, "secret": secret}
    try:
        csrf._check_token_format(token)
    except csrf.InvalidTokenFormat as e:
        return {**row, "error": e.reason}
    plain = csrf._unmask_cipher_token(secret) if len(secret) == csrf.CSRF_TOKEN_LENGTH else secret
    unmasked = csrf._unmask_cipher_token(token) if len(token) == csrf.CSRF_TOKEN_LENGTH else token
    return {**row, "unmasked": unmasked, "matches": csrf._does_token_match(token, plain)}


def csrf_tokens(rnd):
    letters = string.ascii_letters + string.digits

    def masked(secret):
        with patch.object(csrf, "_get_new_csrf_string", lambda: "".join(rnd.choices(letters, k=32))):
            return csrf._mask_cipher_secret(secret)

    for length in range(70):
        yield csrf_row("a" * length, "a" * 32)
    for char in [*string.punctuation, " ", "\n", "\0", "\u00e9", "\u0661", "\uff21", "\xaa"]:
        for n in (32, 64):
            yield csrf_row("b" * (n - 1) + char, "b" * 32)
    yield csrf_row("\u00e9" * 16, "b" * 32)
    while True:
        secret, other = ("".join(rnd.choices(letters, k=32)) for _ in range(2))
        token = rnd.choice([secret, masked(secret), masked(secret), other, masked(other), secret.swapcase(), masked(secret)[::-1]])
        yield csrf_row(token, rnd.choice([secret, masked(secret)]))


# ---------------------------------------------------------------- origins
HOSTS = ["example.com", "a.example.com", "EXAMPLE.com", "evil.org", "example.com.", "notexample.com", "example.com:8000", "[::1]", "[::1]:8000", "127.0.0.1", "localhost", "", "x@example.com",
         "example.com@evil.org", "u:p@example.com:8000", "example.com:", "xn--e1afmkfd.org", "[::ffff:1.2.3.4]", "[fe80::1%eth0]", "[1.2.3.4]", "[v1.x]", "[V1.x]", "[vg.x]", "[v1.]", "[]", "[::1", "::1]", "x[::1]",
         "[::1]x", "[::1]@b", "a@[::1]", "[::1%]", "[::1%a%b]", "[1:2:3:4:5:6:7::]", "[12345::]", "[::1.2.3.04]", "*", "*.example.com", ".example.com", "exa mple.com", "ex\tample.com", "ex\nample.com", "\xe9.org", "\xbd",
         "example.com\\", "example.com%2f", "[::G]", "[::]]", "[[::1]]", "a[b]@c", "[a:]", "[:a]", "[1.2:3]", "[:]", "[::.]", ".", "..", "-", ":80", "a:b", "a:80:80", "a:\xb2", "a/b", "a?b", "a#b", "a_b", "0", "A.B-C:0"]
SCHEMES = ["https://", "http://", "HTTPS://", "", "//", "https:", "https:/", "https:///", "ftp://", "ht tps://", "1https://", "h+-.1://", "\xe9://", "://", "x:", " https://", "\x01https://", "\xa0https://", "ht\ntps://", "https://https://", "null"]
TAILS = ["", "/", "/x", "?q", "#f", "/x?q#f", "/?", "/#", "?#", "/a#b#", "/a?b?", "\\x", "/a#b?", "/\xe9", " ", "/\t", "//", ";x"]
TRUSTED = [[], ["https://example.com"], ["https://*.example.com"], ["http://*.example.com:8000", "https://evil.org"], ["https://[::1]", "https://.example.com"], ["HTTPS://EXAMPLE.com", "https://*"],
           ["https://a*.example.com", "h+-.1://x"], ["https://example.com/", "https://u@example.com"], ["https://*.*.example.com", "ftp://*.org"]]
ALLOWED = [["example.com", ".Example.com"], ["*"], ["[::1]", "localhost", "127.0.0.1"], [".com", ""], ["EXAMPLE.COM", "."], [], ["a", "example.com:8000", "[::1]:8000"]]


def url_row(url):
    try:
        split = urlsplit(url)
        return {"kind": "split", "url": url, "scheme": split.scheme, "netloc": split.netloc, "again": split.geturl()}
    except ValueError:
        return {"kind": "split", "url": url, "error": "ValueError"}


def host_row(host, allowed):
    with override_settings(ALLOWED_HOSTS=allowed):
        try:
            request(HTTP_HOST=host).get_host()
            return {"kind": "host", "host": host, "allowed": allowed, "ok": True}
        except DisallowedHost:
            return {"kind": "host", "host": host, "allowed": allowed, "ok": False}


def origin_row(origin, trusted, host, secure):
    with override_settings(CSRF_TRUSTED_ORIGINS=trusted, ALLOWED_HOSTS=["example.com", "[::1]"]):
        asked = request(HTTP_ORIGIN=origin, HTTP_HOST=host, **{"wsgi.url_scheme": "https" if secure else "http"})
        good = csrf.CsrfViewMiddleware(lambda _: None)._origin_verified(asked)
        return {"kind": "origin", "origin": origin, "trusted": trusted, "host": host, "secure": secure, "ok": good}


def referer_row(referer, trusted, host, domain):
    row = {"kind": "referer", "referer": referer, "trusted": trusted, "host": host, "domain": domain}
    with override_settings(CSRF_TRUSTED_ORIGINS=trusted, ALLOWED_HOSTS=["example.com", "[::1]"], CSRF_COOKIE_DOMAIN=domain or None):
        try:
            csrf.CsrfViewMiddleware(lambda _: None)._check_referer(request(HTTP_REFERER=referer, HTTP_HOST=host))
            return {**row, "error": None}
        except csrf.RejectRequest as e:
            return {**row, "error": e.reason}


def origins(rnd):
    for host in HOSTS:
        yield url_row("https://" + host)
        yield host_row(host, ["*"])
        yield host_row(host, rnd.choice(ALLOWED))
        yield origin_row("https://" + host, rnd.choice(TRUSTED), rnd.choice(["example.com", host]), True)
        yield referer_row("https://%s/x" % host, rnd.choice(TRUSTED), rnd.choice(["example.com", host]), "")
    for scheme in SCHEMES:
        for tail in TAILS:
            yield url_row(scheme + "example.com" + tail)
    for code in range(256):
        yield host_row("a%sb" % chr(code), ["*"])
    while True:
        host, scheme, tail = rnd.choice(HOSTS[:8] * 8 + HOSTS), rnd.choice(SCHEMES[:2] * 12 + SCHEMES), rnd.choice(TAILS[:1] * 12 + TAILS)
        usual = rnd.choice(["example.com", "example.com:8000", "[::1]", "EXAMPLE.com", "evil.org", host])
        yield host_row(host, rnd.choice(ALLOWED))
        yield origin_row(rnd.choice([scheme + host + tail, scheme + usual, TRUSTED[1][0]]), rnd.choice(TRUSTED), usual, rnd.random() < 0.7)
        yield referer_row(scheme + rnd.choice([host, usual]) + tail, rnd.choice(TRUSTED), usual, rnd.choice(["", "", "example.com", ".example.com"]))


# ---------------------------------------------------------------- writing
PARTS = {"cookies.jsonl": (cookies, 2400), "set_cookie.jsonl": (set_cookies, 420), "signing.jsonl": (signed, 1100), "csrf.jsonl": (csrf_tokens, 420), "origin.jsonl": (origins, 1500)}


def record(out, seed):
    os.makedirs(out, exist_ok=True)
    for name, (part, count) in PARTS.items():
        rows = unique(part(random.Random("%s %d" % (name, seed))))
        with open(os.path.join(out, name), "w", encoding="utf-8", newline="") as f:
            for row, _ in zip(rows, range(count)):
                f.write(json.dumps(row, separators=(",", ":")) + "\n")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=os.path.join(os.path.dirname(HERE), "vectors", "signing"))
    ap.add_argument("--rng", type=int, default=7)
    ap.add_argument("--check", action="store_true")
    args = ap.parse_args()
    if not args.check:
        return record(args.out, args.rng)
    with tempfile.TemporaryDirectory() as scratch:
        record(scratch, args.rng)
        _, different, missing = filecmp.cmpfiles(args.out, scratch, FILES, shallow=False)
    for name in different + missing:
        print("differs: " + name)
    return 1 if different or missing else 0


if __name__ == "__main__":
    sys.exit(main())
