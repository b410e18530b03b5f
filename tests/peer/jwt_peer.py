"""djangorestframework-simplejwt for drf.py: its rows, its schemes and views, and what it writes.

Imported by drf.py with --jwt once Django is configured. Tokens and rows are derived from labels and from one moment (`BASE`),
as those of seed.py are; the keys are for tests only.
"""
import base64
import hashlib
import json
import os
from datetime import datetime, timedelta, timezone

import jwt as pyjwt
import rest_framework_simplejwt.authentication as authentication
import rest_framework_simplejwt.serializers  # noqa: F401  before a setting that it looks at is changed
import rest_framework_simplejwt.state as state
import rest_framework_simplejwt.tokens as tokens
import rest_framework_simplejwt.views as views
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed
from django.utils.module_loading import import_string
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from seed import Seeder, seed_first_users

User = get_user_model()
BASE = datetime(2024, 1, 2, 4, 0, 0, tzinfo=timezone.utc)
NOW = int(BASE.timestamp())
DAY = 86400
MEMBERS = ["member%02d" % n for n in range(1, 13)]

# ---------------------------------------------------------------- settings
ROTATING = {"rotate_refresh_tokens": True, "blacklist_after_rotation": True}
ROLLING = {"rotate_refresh_tokens": True}
STRICT = {"check_revoke_token": True, "audience": ["api", "web"], "issuer": "https://issuer.example", "access_token_lifetime": 60, "refresh_token_lifetime": 600,
          "sliding_token_lifetime": 30, "sliding_token_refresh_lifetime": 3000, "algorithm": "HS512", "token_type_claim": "kind", "user_id_claim": "sub"}
NAMED = {"user_id_field": "username", "audience": ["api"], "auth_header_types": ["JWT", "Bearer"], "jti_claim": "id", "leeway": 5}
# path -> view, options of its scheme, settings of the view
VIEWS = {
    "/api/token/": (views.TokenObtainPairView, {}, {}),
    "/api/token/refresh/": (views.TokenRefreshView, {}, {}),
    "/api/token/verify/": (views.TokenVerifyView, {}, {}),
    "/api/token/blacklist/": (views.TokenBlacklistView, {}, {}),
    "/api/token/sliding/": (views.TokenObtainSlidingView, {}, {}),
    "/api/token/sliding/refresh/": (views.TokenRefreshSlidingView, {}, {}),
    "/rotating/refresh/": (views.TokenRefreshView, ROTATING, {}),
    "/rotating/verify/": (views.TokenVerifyView, ROTATING, {}),
    "/rolling/refresh/": (views.TokenRefreshView, ROLLING, {}),
    "/strict/": (views.TokenObtainPairView, STRICT, {"UPDATE_LAST_LOGIN": True}),
    "/strict/refresh/": (views.TokenRefreshView, STRICT, {}),
    "/strict/sliding/": (views.TokenObtainSlidingView, STRICT, {"UPDATE_LAST_LOGIN": True}),
    "/named/": (views.TokenObtainPairView, NAMED, {}),
    "/named/refresh/": (views.TokenRefreshView, NAMED, {}),
    "/named/sliding/": (views.TokenObtainSlidingView, NAMED, {}),
}
SECONDS = ("access_token_lifetime", "refresh_token_lifetime", "sliding_token_lifetime", "sliding_token_refresh_lifetime")
PERHAPS_NONE = ("token_type_claim", "jti_claim", "issuer")
OURS = ("stateless", "blacklist", "revocable", "require", "reuse_interval", "jwks_file")
CLASSES = {"ACCESS_TOKEN_LIFETIME": tokens.AccessToken, "REFRESH_TOKEN_LIFETIME": tokens.RefreshToken, "SLIDING_TOKEN_LIFETIME": tokens.SlidingToken}
DEFAULTS = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=5), "REFRESH_TOKEN_LIFETIME": timedelta(days=1), "SLIDING_TOKEN_LIFETIME": timedelta(minutes=5)}


def simple_jwt(chain, path):
    """SIMPLE_JWT of the options of the chain's jwt items, and of what stands at the path."""
    options, out = {}, {"BLACKLIST_AFTER_ROTATION": False}
    for item in chain:
        if isinstance(item, dict) and item["scheme"] == "jwt":
            options.update(item)
    options.pop("scheme", None)
    if path in VIEWS:
        _, of_scheme, of_view = VIEWS[path]
        options.update(of_scheme)
        out.update(of_view)
    for name, value in options.items():
        if name in OURS:
            continue
        if name in SECONDS:
            value = timedelta(seconds=value)
        elif name == "auth_token_classes":
            value = [import_string("rest_framework_simplejwt.tokens." + one) for one in value]
        elif name in PERHAPS_NONE:
            value = value or None
        elif name == "audience":
            value = value[0] if len(value) == 1 else value or None
        out[name.upper()] = value
    return out


class Settings:
    """SIMPLE_JWT for one request. simplejwt reads some of it when it is imported."""

    def __init__(self, conf):
        self.conf, self.undo = conf, []

    def set(self, where, name, value):
        self.undo.append((where, name, getattr(where, name)))
        setattr(where, name, value)

    def __enter__(self):
        s = api_settings
        for name, value in self.conf.items():
            self.set(s, name, value)
        for name, cls in CLASSES.items():
            self.set(cls, "lifetime", self.conf.get(name, DEFAULTS[name]))
        self.set(tokens.RefreshToken, "no_copy_claims", (s.TOKEN_TYPE_CLAIM, "exp", s.JTI_CLAIM, "jti", "iat"))
        types = tuple(s.AUTH_HEADER_TYPES)
        self.set(authentication, "AUTH_HEADER_TYPES", types)
        self.set(authentication, "AUTH_HEADER_TYPE_BYTES", {word.encode("latin-1") for word in types})
        self.set(views, "AUTH_HEADER_TYPES", types)
        self.set(state, "token_backend", TokenBackend(s.ALGORITHM, s.SIGNING_KEY, s.VERIFYING_KEY, s.AUDIENCE, s.ISSUER, s.JWK_URL, s.LEEWAY, s.JSON_ENCODER))

    def __exit__(self, *exc):
        for where, name, value in reversed(self.undo):
            setattr(where, name, value)


def scheme(options):
    return authentication.JWTStatelessUserAuthentication if options.get("stateless") else authentication.JWTAuthentication


# ---------------------------------------------------------------- rows
def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digits(label):
    return hashlib.sha256(b"jwt " + label.encode()).hexdigest()[:32]


def keys():
    """Keys that are the same each time."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jwt_rsa.pem")) as f:
        rsa = f.read()
    made = {"RS256": ser.load_pem_private_key(rsa.encode(), None),
            "ES256": ec.derive_private_key(int(digits("es256"), 16), ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.from_private_bytes(digits("eddsa").encode())}
    pem = {name: (key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode(),
                  key.public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode())
           for name, key in made.items()}
    return made, pem


class Tokens:
    """Tokens by label; `outstanding` and `blacklisted` ones have rows."""

    def __init__(self):
        self.made = {}
        self.private, self.pem = keys()

    def claims(self, label, of="access", user="alice", **more):
        pk = User.objects.get(username=user).pk
        out = {"token_type": of, "exp": NOW + DAY, "iat": NOW - 10, "jti": digits(label), "user_id": str(pk)}
        if of == "sliding":
            out["refresh_exp"] = NOW + 2 * DAY
        out.update(more)
        return {name: value for name, value in out.items() if value is not ...}

    def add(self, label, of="access", user="alice", alg="HS256", key=None, headers=None, raw=None, **more):
        payload = self.claims(label, of, user, **more)
        if raw is not None:
            token = raw(payload)
        elif alg == "ES256":                  # the same each time
            header = b64url(json.dumps({"alg": alg, "typ": "JWT"}, separators=(",", ":")).encode())
            message = header + "." + b64url(json.dumps(payload, separators=(",", ":")).encode())
            der = self.private[alg].sign(message.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
            token = message + "." + b64url(b"".join(n.to_bytes(32, "big") for n in utils.decode_dss_signature(der)))
        else:
            # without a look at the claims
            data = json.dumps(payload, separators=(",", ":")).encode()
            token = pyjwt.PyJWS().encode(data, self.private.get(alg) or key or settings.SECRET_KEY, algorithm=alg, headers=headers)
        self.made[label] = {"token": token, "user": user, "kind": of}
        return token, payload

    def outstand(self, label, blacklisted=False, **kw):
        token, payload = self.add(label, **kw)
        user = User.objects.get(username=kw.get("user", "alice"))
        expires = datetime.fromtimestamp(payload["exp"], tz=timezone.utc)
        row = OutstandingToken.objects.create(jti=payload["jti"], user=user, token=token, created_at=BASE - timedelta(seconds=10), expires_at=expires)
        if blacklisted:
            BlacklistedToken.objects.create(token=row)
            BlacklistedToken.objects.filter(token=row).update(blacklisted_at=BASE - timedelta(hours=1))


def signed(segments):
    """A token of HS256 with these first two segments."""
    import hmac
    message = ".".join(segments)
    return message + "." + b64url(hmac.new(settings.SECRET_KEY.encode(), message.encode(), "sha256").digest())


HEADER = b64url(b'{"alg":"HS256","typ":"JWT"}')


def of_json(text):
    return lambda payload: signed([HEADER, b64url(text(payload) if callable(text) else text)])


def seed_good(t):
    for name in ("alice", "frank", "grace", "unusable", "\u00fcn\u00efcode", "\u7528\u6237", "root", "CaseUser", "caseuser", "jos\u00e9", *MEMBERS):
        t.add("access/" + name, user=name)
        t.add("sliding/" + name, "sliding", name)
        t.outstand("refresh/" + name, of="refresh", user=name)
    for name in MEMBERS[:4]:
        t.outstand("black refresh/" + name, True, of="refresh", user=name)
        t.outstand("black sliding/" + name, True, of="sliding", user=name)
        t.outstand("listed sliding/" + name, of="sliding", user=name)
        t.outstand("black access/" + name, True, user=name)
    for alg in ("HS384", "HS512", "RS256", "ES256", "EdDSA"):
        t.add("alg/" + alg, alg=alg)
        t.add("alg/inactive " + alg, user="inactive", alg=alg)
        t.add("alg/expired " + alg, alg=alg, exp=NOW - 1)
    for alg in ("HS512",):
        for kind in ("access", "refresh", "sliding"):
            t.add("strict %s" % kind, kind, "grace", alg, token_type=..., kind=kind, user_id=..., sub=str(User.objects.get(username="grace").pk), aud="api", iss="https://issuer.example",
                  hash_password=hashlib.md5(User.objects.get(username="grace").password.encode()).hexdigest().upper())


def seed_times(t):
    for kind in ("access", "refresh", "sliding"):
        for label, exp in (("now", 0), ("in a second", 1), ("a second ago", -1), ("half a second ago", -0.5), ("in half a second", 0.5), ("long ago", -DAY * 400), ("in 5 s", 5), ("5 s ago", -5)):
            t.add("ends/%s %s" % (kind, label), kind, exp=NOW + exp)
        for label, exp in (("none", ...), ("null", None), ("text", str(NOW + DAY)), ("list", [NOW + DAY]), ("true", True), ("year 10000", 253402300800), ("huge", 10 ** 20), ("negative", -1)):
            t.add("exp/%s %s" % (kind, label), kind, exp=exp)
    for name in ("iat", "nbf"):
        for label, value in (("now", NOW), ("in a second", NOW + 1), ("in 5 s", NOW + 5), ("none", ...), ("null", None), ("text", str(NOW)), ("list", []), ("float", NOW + 0.5), ("negative", -5)):
            t.add("%s/%s" % (name, label), **{name: value})
    for label, exp in (("now", 0), ("in a second", 1), ("a second ago", -1), ("none", ...), ("text", "x"), ("float", 0.5)):
        t.add("refresh_exp/" + label, "sliding", refresh_exp=exp if isinstance(exp, (str, type(...))) else NOW + exp)


def seed_claims(t):
    for kind in ("access", "refresh", "sliding"):
        t.add("jti/none " + kind, kind, jti=...)
        t.add("jti/number " + kind, kind, jti=5)
        t.add("jti/empty " + kind, kind, jti="")
        t.add("jti/null " + kind, kind, jti=None)
        t.add("jti/long " + kind, kind, jti="j" * 200)
        t.add("type/none " + kind, kind, token_type=...)
        t.add("type/null " + kind, kind, token_type=None)
        t.add("type/list " + kind, kind, token_type=[kind])
        t.add("type/capitals " + kind, kind, token_type=kind.upper())
        t.add("inactive/" + kind, kind, "inactive")
        t.add("user/none " + kind, kind, user_id=...)
        t.add("user/gone " + kind, kind, user_id="99999")
    t.outstand("inactive/listed refresh", of="refresh", user="inactive")
    for label, value in (("number", 1), ("float", 1.5), ("float 1.0", 1.0), ("true", True), ("false", False), ("null", None), ("negative", "-1"), ("zero", 0), ("huge", "9" * 40), ("text", "abc"),
                         ("1.0", "1.0"), ("empty", ""), ("list", [1]), ("object", {"id": 1}), ("blanks", " 1 "), ("plus", "+1"), ("underscore", "0_1"), ("arabic", "\u0661"), ("wide", "\uff11"), ("feed", "1\n"),
                         ("leading zero", "01"), ("nul", "1\0"), ("big number", 2 ** 63), ("exponent", 1e0)):
        t.add("user/" + label, user_id=value)
        t.add("user/refresh " + label, "refresh", user_id=value)
    for label, value in (("text", "api"), ("list", ["web", "x"]), ("other", "other"), ("none", ...), ("null", None), ("number", 5), ("empty list", []), ("empty", "")):
        t.add("aud/" + label, aud=value, iss="https://issuer.example")
        t.add("iss/" + label, iss=value, aud="api")
    t.add("both", aud="api", iss="https://issuer.example")
    t.add("sub/number", sub=5)
    t.add("sub/text", sub="x")
    for name in ("alice", "frank", "grace", "inactive"):
        encoded = User.objects.get(username=name).password
        t.add("password/" + name, user=name, hash_password=hashlib.md5(encoded.encode()).hexdigest().upper())
        t.add("password/lower " + name, user=name, hash_password=hashlib.md5(encoded.encode()).hexdigest())
        t.add("password/other " + name, user=name, hash_password="0" * 32)
    t.add("named/access", user_id="alice", jti=..., id="x1", aud="api")
    t.add("named/refresh", "refresh", user_id="alice", jti=..., id="x2", aud="api")
    t.add("named/nobody", user_id="nobody", jti=..., id="x3", aud="api")
    t.add("named/inactive", user_id="inactive", jti=..., id="x4", aud="api")
    t.add("stateless/name", user_id="77", username="somebody", is_staff=True)
    t.add("stateless/uuid", user_id="01234567-89ab-cdef-0123-456789abcdef", username="u\u00fc", email="x@example.com")
    t.add("extra", scope="read write", roles=["a", {"b": None}], deep={"x": [1.5, "\u2028\u00e9\U0001f980"]})
    t.add("extra refresh", "refresh", scope="read write", roles=["a", {"b": None}], deep={"x": [1, "\u2028\u00e9\U0001f980"]})


def seed_forged(t):
    good = t.made["access/alice"]["token"]
    head, payload, signature = good.split(".")
    odd = {
        "two segments": head + "." + payload, "four segments": good + "." + signature, "no signature": head + "." + payload + ".", "empty": "..", "dot": ".", "one word": "abc",
        "padding": good + "=", "cut": good[:-1], "longer": good + "A", "other last": good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1], "blank payload": signed([head, ""]),
        "not base64": head + "." + "%%" + "." + signature, "not ascii": good + "\u00e9", "nul": good + "\0", "quoted": '"%s"' % good,
        "payload padded": signed([head, payload + "=" * (-len(payload) % 4)]), "list payload": signed([head, b64url(b"[1]")]), "text payload": signed([head, b64url(b'"x"')]), "null payload": signed([head, b64url(b"null")]),
    }
    for label, token in odd.items():
        t.made["forged/" + label] = {"token": token, "user": "alice", "kind": "access"}
    t.add("forged/other key", key="another key that is long enough for anything")
    for label, header in (("none", {"alg": "none"}), ("None", {"alg": "None"}), ("hs512", {"alg": "HS512"}), ("lower", {"alg": "hs256"}), ("no alg", {"typ": "JWT"}), ("null alg", {"alg": None}), ("list alg", {"alg": ["HS256"]}),
                          ("crit", {"alg": "HS256", "crit": ["exp"]}), ("empty crit", {"alg": "HS256", "crit": []}), ("kid", {"alg": "HS256", "kid": "k"}), ("kid number", {"alg": "HS256", "kid": 5}), ("typ", {"alg": "HS256", "typ": "at+jwt"}),
                          ("jku", {"alg": "HS256", "jku": "http://127.0.0.1:9/"}), ("b64", {"alg": "HS256", "b64": False, "crit": ["b64"]}), ("list", ["HS256"]), ("extra", {"alg": "HS256", "x": {"y": [None]}})):
        t.made["header/" + label] = {"token": signed([b64url(json.dumps(header).encode()), payload]), "user": "alice", "kind": "access"}
    text = json.dumps(t.claims("json", "access", "alice"))
    for label, data in (("twice", text[:-1] + ', "user_id": "%d"}' % User.objects.get(username="frank").pk), ("blanks", " \n" + text.replace(":", " : ") + "\t"), ("nan", text[:-1] + ', "x": NaN}'), ("infinity", text[:-1] + ', "x": [-Infinity]}'),
                        ("exp infinity", text.replace(str(NOW + DAY), "Infinity")), ("exp nan", text.replace(str(NOW + DAY), "NaN")), ("surrogate", text[:-1] + ', "x": "\\ud800"}'), ("comma", text[:-1] + ",}"), ("cut", text[:-1])):
        t.add("json/" + label, raw=of_json(data.encode()))
    for label, codec in (("bom", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("latin-1", "latin-1")):
        t.add("json/" + label, raw=of_json((text[:-1] + ', "x": "\u00e9"}').encode(codec)))


def seed():
    from django.db import connection, transaction
    from freezegun import freeze_time
    s, t = Seeder(), Tokens()
    with transaction.atomic(), freeze_time(BASE):
        seed_first_users(s)
        for name in MEMBERS:
            s.user(name, "password of " + name)
        s.token("alice", "0123456789abcdef0123456789abcdef01234567")
        for part in (seed_good, seed_times, seed_claims, seed_forged):
            part(t)
        with connection.cursor() as c:
            c.execute("update django_migrations set applied = '2024-01-02 03:04:05.678901'")
    return {"users": s.users, "tokens": s.tokens, "jwt": t.made, "keys": t.pem, "epoch": NOW}


# ---------------------------------------------------------------- what a request does
EVENTS = []


def on_failure(sender, credentials, **kw):
    EVENTS.append({"name": "login_failed", "username": credentials.get("username")})


user_login_failed.connect(on_failure)


def text(moment):
    return None if moment is None else str(moment).removesuffix("+00:00")


def rows():
    issued = {row.jti: [row.user.get_username() if row.user else None, text(row.created_at), text(row.expires_at)] for row in OutstandingToken.objects.select_related("user")}
    black = {row.token.jti: text(row.blacklisted_at) for row in BlacklistedToken.objects.select_related("token")}
    return issued, black, dict(User.objects.values_list("username", "last_login"))


def written(before, after):
    """The difference of two `rows()`; the id of a fresh token is random."""
    (issued, black, logins), out = after, {}
    known = KNOWN()
    new = [[jti if jti in known else "<random>", *row] for jti, row in issued.items() if jti not in before[0]]
    if new:
        out["jwt_outstanding"] = sorted(new, key=str)
    struck = [[jti, at] for jti, at in black.items() if jti not in before[1]]
    if struck:
        out["jwt_blacklisted"] = struck
    for name, moment in logins.items():
        if moment != before[2][name]:
            out["last_login"] = {name: text(moment)}
    return out


IDS = set()


def KNOWN():
    """The ids of the tokens of the manifest."""
    if not IDS:
        IDS.update(OutstandingToken.objects.values_list("jti", flat=True))
    return IDS


def saw(token):
    """A token in a request: its id is known from now on."""
    try:
        payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        KNOWN().update(str(payload[name]) for name in ("jti", "id") if name in payload)
    except (ValueError, IndexError, AttributeError, TypeError):
        pass


def masked(body, _before):
    """Tokens are shown as what they say; fresh ids are random."""
    if not isinstance(body, dict):
        return body
    return {name: opened(value) if name in ("access", "refresh", "token") and isinstance(value, str) else value for name, value in body.items()}


def opened(token):
    header, payload, _ = token.split(".")
    header, payload = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload))
    for name in ("jti", "id"):
        if name in payload and str(payload[name]) not in KNOWN():
            payload[name] = "<random>"
    return {"header": header, "payload": payload}
