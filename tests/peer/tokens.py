#!/usr/bin/env python3
"""Record what PyJWT makes of tokens, as simplejwt asks it.

    tokens.py                     write tests/vectors/jwt/pyjwt.jsonl (and pyjwt-keys.json if there is none)
    tokens.py --check             ask again about every line that is there
    tokens.py --ask               answer the questions of the standard input, a line each
    tokens.py --sign              sign the payloads of the standard input, a line each

The lines are explained in the README.md of tests/vectors/jwt. Signatures of some algorithms are random: recording
anew gives other tokens.
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import sys
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(HERE), "vectors", "jwt")

import jwt  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402
from freezegun import freeze_time  # noqa: E402

NOW = 1_800_000_000
# the end of the year 9999, where Python's datetime ends
LAST = 253_402_300_799
HMAC = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1, "ES256K": ec.SECP256K1}
ALGORITHMS = [*HMAC, "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVES, "EdDSA"]


def make_keys():
    """Two keys of each algorithm, one pair for all of RSA."""
    keys = {}
    rsa_pairs = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
    for algorithm in ALGORITHMS:
        if algorithm in HMAC:
            size = HMAC[algorithm]().digest_size
            keys[algorithm] = [{"secret": base64.b64encode(os.urandom(size)).decode()} for _ in range(2)]
            continue
        if algorithm in CURVES:
            pairs = [ec.generate_private_key(CURVES[algorithm]()) for _ in range(2)]
        elif algorithm == "EdDSA":
            pairs = [ed25519.Ed25519PrivateKey.generate() for _ in range(2)]
        else:
            pairs = rsa_pairs
        keys[algorithm] = [pems(pair) for pair in pairs]
    return keys


def pems(pair):
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = pair.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()
    forms = {"private": private}
    forms["public"] = pair.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    if not isinstance(pair, ed25519.Ed25519PrivateKey):
        # PKCS #1 for RSA, SEC 1 for curves
        old = serialization.PrivateFormat.TraditionalOpenSSL
        forms["private_old"] = pair.private_bytes(pem, old, serialization.NoEncryption()).decode()
    if isinstance(pair, rsa.RSAPrivateKey):
        forms["public_old"] = pair.public_key().public_bytes(pem, serialization.PublicFormat.PKCS1).decode()
    return forms


class Asker:
    def __init__(self):
        name = os.path.join(FOLDER, "pyjwt-keys.json")
        if not os.path.exists(name):
            with open(name, "w") as file:
                json.dump(make_keys(), file, indent=1)
                file.write("\n")
        with open(name) as file:
            self.keys = json.load(file)

    def material(self, algorithm, which, part):
        key = self.keys[algorithm][which]
        return key.get("secret") or key[part]

    def answer(self, line):
        """As rest_framework_simplejwt.backends.TokenBackend.decode."""
        audience = line.get("audience")
        try:
            claims = jwt.decode(
                line["token"].encode("latin-1"),
                self.material(line["alg"], 0, "public"),
                algorithms=[line["alg"]],
                audience=audience,
                issuer=line.get("issuer"),
                leeway=line.get("leeway", 0),
                options={"verify_aud": audience is not None, "verify_signature": True},
            )
        except jwt.ExpiredSignatureError:
            return {"answer": "expired"}
        except jwt.InvalidTokenError:
            return {"answer": "invalid"}
        found = {"answer": "valid"}
        if int(claims.get("exp", 0)) > LAST:
            found["late"] = True
        if not any_float(claims):
            found["claims"] = json.dumps(claims, separators=(",", ":"))
        return found

    def signature(self, algorithm, message, which=0):
        if algorithm in HMAC:
            return hmac.new(self.material(algorithm, which, "").encode(), message, HMAC[algorithm]).digest()
        known = jwt.get_algorithm_by_name(algorithm)
        return known.sign(message, known.prepare_key(self.material(algorithm, which, "private")))

    def token(self, algorithm, header, payload, which=0):
        message = encoded(header) + b"." + encoded(payload)
        return message + b"." + encoded(self.signature(algorithm, message, which))


def any_float(value):
    if isinstance(value, dict):
        return any(any_float(one) for one in value.values())
    if isinstance(value, list):
        return any(any_float(one) for one in value)
    return isinstance(value, float)


def encoded(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def dumps(value):
    return json.dumps(value, separators=(",", ":")).encode()


# --- what is tried -----------------------------------------------------------------------------


def headers(rng, alg):
    """Bytes of headers, good and odd."""
    plain = {"alg": alg, "typ": "JWT"}
    yield dumps(plain)
    other = rng.choice([name for name in ALGORITHMS if name != alg])
    wrong = [other, "none", "None", "", alg.lower(), alg + " ", alg + "\0", None, 0, [alg], {"a": alg}, True]
    for one in rng.sample(wrong, 4):
        yield dumps({"alg": one, "typ": "JWT"})
    extra = [
        {"typ": None}, {"typ": "at+jwt"}, {"kid": "x"}, {"kid": ""}, {"kid": None}, {"kid": 1}, {"kid": ["x"]},
        {"kid": "x" * 300}, {"kid": "\ud800"}, {"crit": []}, {"crit": ["exp"], "exp": 1}, {"crit": ["b64"]},
        {"crit": ["b64"], "b64": True}, {"crit": ["b64"], "b64": False}, {"crit": None}, {"crit": "b64"},
        {"crit": [1]}, {"b64": True}, {"b64": False}, {"b64": 0}, {"b64": None}, {"zip": "DEF"}, {"cty": "JWT"},
        {"jku": "https://attacker.invalid/"}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {"x5c": ["AAAA"]},
        {"enc": "A128GCM"}, {"x": [[[[{}]]]]}, {"": ""}, {"x": 1e400}, {"x": float("nan")},
    ]  # fmt: skip
    for one in rng.sample(extra, 8):
        yield dumps({**plain, **one})
    text = dumps(plain).decode()
    forms = [
        text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-16-be"),
        text.encode("utf-32"), text.encode("utf-32-le"), text.encode("utf-32-be"), text.encode("utf-16")[:-1],
        b"\xfe\xff" + text.encode("utf-16-be"), b"", b" " + dumps(plain) + b"\r\n\t ", dumps(plain) + b"\0",
        dumps([plain]), dumps(alg), b"{}", b"null", text.replace("{", "{\n").encode(), text[:-1].encode(),
        text.replace("}", ',"alg":"none"}').encode(), text.replace("{", '{"alg":"none",').encode(),
        text.replace("alg", "\\u0061lg").encode(), text.replace('"', "'").encode(), b'{"typ":"JWT"}',
        text.replace("}", ',"x":"\xe9"}').encode("latin-1"), text.replace("}", ',"x":"\xed\xa0\x80"}').encode("latin-1"),
        text.replace("}", ',"x":"\\ud83d\\ude00 \\ude00"}').encode(), text.replace("}", ",}").encode(),
        text.replace("}", ',"x":' + "[" * 40 + "]" * 40 + "}").encode(),
    ]  # fmt: skip
    yield from rng.sample(forms, 8)


def moments(rng):
    """What may stand for a moment."""
    near = NOW + rng.choice([-100, -31, -30, -29, -1, 0, 1, 29, 30, 31, 100, 3600])
    return rng.choice([
        near, near, near, near + 0.5, float(near), str(near), f" {near} ", f"+{near}", f"{near}.0", f"{near:_}", True, False,
        None, "", "x", [near], {}, 0, -1, -0.5, 10**12, 10**20, -(10**20), 1e300, float("inf"), float("nan"), 253402300799,
    ])  # fmt: skip


def payloads(rng):
    """Bytes of payloads, with what is asked of them."""
    for _ in range(60):
        claims = {"token_type": "access", "exp": NOW + 300, "iat": NOW - 10, "jti": "%032x" % rng.getrandbits(128), "user_id": "1"}
        asked = {}
        if rng.random() < 0.3:
            asked["leeway"] = rng.choice([1, 30, 60])
        for name in rng.sample(["exp", "iat", "nbf"], rng.choice([0, 1, 1, 1, 2])):
            claims[name] = moments(rng)
            if rng.random() < 0.1:
                del claims[name]
        if rng.random() < 0.35:
            asked["audience"] = rng.choice(["api", ["api"], ["other", "api"], [], "", ["", "api"]])
            claims["aud"] = rng.choice(["api", "api", ["api"], ["x", "api"], "API", "", [], None, 0, 1, ["api", 1], [["api"]], {"api": 1}, True, [None]])
            if rng.random() < 0.1:
                del claims["aud"]
        elif rng.random() < 0.15:
            claims["aud"] = rng.choice(["api", None, 1, [1], {}])
        if rng.random() < 0.3:
            asked["issuer"] = rng.choice(["https://issuer", ["https://issuer", "other"], "", []])
            claims["iss"] = rng.choice(["https://issuer", "https://issuer", "other", "https://issuer/", "", None, 1, ["https://issuer"]])
            if rng.random() < 0.1:
                del claims["iss"]
        elif rng.random() < 0.1:
            claims["iss"] = rng.choice(["x", None, 1])
        for name in ["sub", "jti"]:
            if rng.random() < 0.12:
                claims[name] = rng.choice(["1", "", 1, None, ["1"], {}, True, "\u20ac", "\ud800"])
        yield dumps(claims), asked
    plain = {"exp": NOW + 300, "user_id": "1"}
    text = dumps(plain).decode()
    forms = [
        text.encode("utf-8-sig"), text.encode("utf-16"), text.encode("utf-16-le"), text.encode("utf-32-be"), b"", b"{}",
        b"[]", b"null", b'"x"', b"1", dumps([plain]), text[:-1].encode(), text.encode() + b"x", b"\n" + text.encode() + b"\n",
        text.replace("{", '{"exp":1,').encode(), text.replace("}", ',"exp":1}').encode(), text.replace("}", ',"\\u0065xp":1}').encode(),
        text.replace("}", ',"x":NaN}').encode(), text.replace("}", ',"x":-Infinity}').encode(), text.replace("}", ',"x":nan}').encode(),
        text.replace("}", ',"x":"\xff"}').encode("latin-1"), text.replace("}", ',"x":"\xed\xbf\xbf"}').encode("latin-1"),
        text.replace("}", ',"x":"\t"}').encode(), text.replace("}", ',"x":01}').encode(), text.replace("}", ',"x":1.}').encode(),
        text.replace("}", ',"x":' + "9" * 4300 + "}").encode(), text.replace("}", ',"x":' + "9" * 4301 + "}").encode(),
        text.replace("}", ',"x":' + "[" * 50 + "]" * 50 + "}").encode(), text.replace("300", "300E0").encode(),
        text.replace("}", ',"x":{"a":1,"a":2}}').encode(), text.replace(":", " :\t").encode(), text.replace("}", "/**/}").encode(),
        text.replace("}", ',"x":"\xc3\xa9\\/\\u20ac"}').encode("latin-1"), text.replace("}", ',"x":-}').encode(),
        text.replace(str(NOW + 300), f"{NOW + 300}.0e0").encode(), text.replace("user_id", "").encode(),
    ]  # fmt: skip
    for one in rng.sample(forms, 18):
        yield one, {}


def damaged(rng, asker, alg):
    """Tokens that were good once."""
    header, payload = dumps({"alg": alg, "typ": "JWT"}), dumps({"exp": NOW + 300, "user_id": "1", "pad": "x" * rng.randrange(3)})
    good = asker.token(alg, header, payload)
    parts = good.split(b".")
    for _ in range(12):
        at = rng.randrange(len(good))
        yield good[:at] + bytes([good[at] ^ 1 << rng.randrange(8)]) + good[at + 1 :]
    for _ in range(6):
        at = rng.randrange(len(good))
        yield good[:at] + rng.choice([b"=", b".", b"+", b"/", b" ", b"\n", b"\xff", b"A", b"%", b""]) + good[at:]
    for i in range(3):
        part = parts[i]
        for pads in (b"=", b"==", b"==="):
            yield b".".join([*parts[:i], part + pads, *parts[i + 1 :]])
        # Signed over what is sent, not over what is meant.
        if i < 2:
            for change in (part + b"=", part + b"==", b"=" * (-len(part) % 4), part.replace(b"-", b"+"), part[:-1], b""):
                sent = part + change if change.strip(b"=") == b"" else change
                message = b".".join([sent if j == i else parts[j] for j in range(2)])
                yield message + b"." + encoded(asker.signature(alg, message))
    signature = asker.signature(alg, b".".join(parts[:2]))
    half = len(signature) // 2
    for other in (
        b"", b"\0", signature[:-1], signature + b"\0", b"\0" + signature, signature[::-1], bytes(len(signature)),
        signature[half:] + signature[:half], signature[:half], b"\xff" * len(signature), asker.signature(alg, b"x"),
        asker.signature(alg, b".".join(parts[:2]), 1),
    ):  # fmt: skip
        yield b".".join([*parts[:2], encoded(other)])
    yield from (parts[0], b".".join(parts[:2]), good + b".", b"." + good, b"..", b"", good + b".x", b"a." + good, good.upper())
    # Signed by what everybody has.
    if alg not in HMAC:
        message = encoded(dumps({"alg": "HS256", "typ": "JWT"})) + b"." + parts[1]
        public = asker.material(alg, 0, "public").encode()
        yield message + b"." + encoded(hmac.new(public, message, hashlib.sha256).digest())


def record(asker, rng):
    lines = []
    for alg in ALGORITHMS:
        payload = dumps({"exp": NOW + 300, "iat": NOW, "user_id": "1"})
        tried = [(asker.token(alg, header, payload), {}) for header in headers(rng, alg)]
        plain = dumps({"alg": alg, "typ": "JWT"})
        tried += [(asker.token(alg, plain, payload), asked) for payload, asked in payloads(rng)]
        tried += [(token, {}) for token in damaged(rng, asker, alg)]
        for token, asked in tried:
            line = {"alg": alg, "token": token.decode("latin-1"), **asked}
            lines.append({**line, **asker.answer(line)})
    with open(os.path.join(FOLDER, "pyjwt.jsonl"), "w") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    print(len(lines))


def check(asker):
    different = 0
    with open(os.path.join(FOLDER, "pyjwt.jsonl")) as file:
        for number, text in enumerate(file, 1):
            line = json.loads(text)
            found = asker.answer(line)
            if found != {name: line[name] for name in ("answer", "claims", "late") if name in line}:
                print(f"line {number}: {found}")
                different += 1
    return 1 if different else 0


def main():
    ap = argparse.ArgumentParser()
    for verb in ("check", "ask", "sign"):
        ap.add_argument("--" + verb, action="store_true")
    ap.add_argument("--rng", type=int, default=7)
    args = ap.parse_args()
    warnings.simplefilter("ignore")
    asker = Asker()
    with freeze_time("2027-01-15T08:00:00Z"):
        if args.check:
            return check(asker)
        if args.ask:
            for text in sys.stdin:
                print(json.dumps(asker.answer(json.loads(text))))
        elif args.sign:
            for text in sys.stdin:
                line = json.loads(text)
                key = asker.material(line["alg"], 0, "private")
                print(jwt.encode(line["claims"], key, line["alg"], headers=line.get("headers")))
        else:
            record(asker, random.Random(args.rng))
    return 0


if __name__ == "__main__":
    sys.exit(main())
