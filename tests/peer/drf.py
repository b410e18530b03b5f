#!/usr/bin/env python3
"""What Django REST framework answers: real Django and DRF behind a line protocol.

    drf.py --db F.sqlite3 --init [--manifest M.json]   create the schema, seed it, print the manifest
    drf.py --db F.sqlite3                              JSON lines on stdin -> JSON lines on stdout

One request line:
  {"id": 1, "chain": ["basic", {"scheme": "token", "keyword": "Bearer"}], "views": ["required", "optional"],
   "method": "GET", "path": "/probe/", "headers": [["Authorization", "Basic ..."]] or {...},
   "cookies": {...}, "environ": {...}, "secure": false, "body": "..." | "body_b64": "...",
   "settings": {...}, "at": 1700000000.0, "persist": false}
Header and body characters are bytes 0..255 (latin-1). A chain item is a scheme name, or an object whose other
members become attributes of the authentication class. The answer has one object per view ("required" is
IsAuthenticated, "optional" is AllowAny):
  {status, user, user_id, anonymous_type, auth_kind, auth_repr, authenticator, www_authenticate, detail, code,
   exception} and "body" unless it is the view's own {"ok": true}
Unless "persist" is true everything a request wrote (a refreshed password hash) is rolled back.
Lines with "op" call one Django primitive instead, see OPS.

Use one process per database file at a time.
"""
import argparse
import base64
import hashlib
import io
import json
import logging
import os
import re
import sys
import warnings
from contextlib import ExitStack
from datetime import datetime, timezone

ap = argparse.ArgumentParser()
ap.add_argument("--db", required=True)
ap.add_argument("--init", action="store_true")
ap.add_argument("--manifest")
ap.add_argument("--pbkdf2-iterations", type=int, default=1000)
ap.add_argument("--secret", default="peer-secret-key-0123456789-0123456789-0123456789")
args = ap.parse_args()

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from django.conf import settings  # noqa: E402

if args.init:
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(args.db + suffix):
            os.unlink(args.db + suffix)

HASHER_MODULE = "django.contrib.auth.hashers."
settings.configure(
    DEBUG=False,
    DEBUG_PROPAGATE_EXCEPTIONS=True,
    SECRET_KEY=args.secret,
    ALLOWED_HOSTS=["testserver"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    LANGUAGE_CODE="en-us",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": args.db}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "rest_framework", "rest_framework.authtoken",
    ],
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,                    # this module, also when it runs as __main__
    PASSWORD_HASHERS=[HASHER_MODULE + name for name in (
        "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher", "ScryptPasswordHasher", "MD5PasswordHasher")],
    REST_FRAMEWORK={"EXCEPTION_HANDLER": __name__ + ".record_exception"},
)
import django  # noqa: E402

django.setup()

from django.contrib.auth import get_user_model, hashers  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.urls import path as url_path  # noqa: E402
from rest_framework import authentication, exceptions, permissions  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView, exception_handler  # noqa: E402

hashers.PBKDF2PasswordHasher.iterations = args.pbkdf2_iterations
hashers.PBKDF2SHA1PasswordHasher.iterations = args.pbkdf2_iterations
User = get_user_model()
CAPTURE = {}
CURRENT = {}


def record_exception(exc, context):
    CAPTURE["exc"] = exc
    return exception_handler(exc, context)


# ---------------------------------------------------------------- schemes of the chain
class NeverAuth(authentication.BaseAuthentication):
    def authenticate(self, request):
        return None


class FailAuth(authentication.BaseAuthentication):
    challenge = None

    def authenticate(self, request):
        raise exceptions.AuthenticationFailed("Bad credentials")

    def authenticate_header(self, request):
        return self.challenge


class DenyAuth(authentication.BaseAuthentication):
    def authenticate(self, request):
        raise exceptions.PermissionDenied("Denied by scheme")


SCHEMES = {
    "basic": authentication.BasicAuthentication,
    "token": authentication.TokenAuthentication,
    "never": NeverAuth,
    "fail": FailAuth,
    "deny": DenyAuth,
}
PERMISSIONS = {"required": permissions.IsAuthenticated, "optional": permissions.AllowAny}


def build_chain(spec):
    out = []
    for item in spec:
        attributes = {"scheme": item} if isinstance(item, str) else dict(item)
        base = SCHEMES[attributes.pop("scheme")]
        out.append(type(base.__name__, (base,), attributes) if attributes else base)
    return out


def build_view(spec, name):
    classes = {"authentication_classes": build_chain(spec), "permission_classes": [PERMISSIONS[name]]}
    return type("Probe", (Probe,), classes).as_view()


# ---------------------------------------------------------------- the view
def describe_auth(auth):
    if auth is None:
        return None, None
    if isinstance(auth, Token):
        return "authtoken.Token", auth.key
    return "%s.%s" % (type(auth).__module__.split(".")[0], type(auth).__name__), str(auth)


class Probe(APIView):
    renderer_classes = [JSONRenderer]

    def answer(self, request):
        user, winner = request.user, request.successful_authenticator
        anonymous = user is None or isinstance(user, AnonymousUser)
        kind, text = describe_auth(request.auth)
        CAPTURE.update(
            user=None if anonymous else user.get_username(), user_id=getattr(user, "pk", None),
            anonymous_type=type(user).__name__ if anonymous else None,
            auth_kind=kind, auth_repr=text, authenticator=type(winner).__name__ if winner else None)
        return Response({"ok": True})

    get = post = put = patch = delete = head = trace = answer


def probe(request):
    return CURRENT[CURRENT["view"]](request)


probe.csrf_exempt = True
urlpatterns = [url_path("probe/", probe)]
handler = WSGIHandler()
# each request runs inside our own transaction: the handler must not close that connection
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_old_connections)


# ---------------------------------------------------------------- request -> WSGI environ
def request_body(req):
    if "body_b64" in req:
        return base64.b64decode(req["body_b64"])
    return (req.get("body") or "").encode("latin-1")


def header_variables(headers):
    """CGI variables of a header list, as wsgiref and gunicorn make them."""
    out = {}
    for name, value in headers:
        if "_" in name:                       # gunicorn and runserver drop such names
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = "HTTP_" + key
        value = value.strip(" \t")
        if key in out:                        # servers join repeated headers
            out[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
        else:
            out[key] = value
    return out


def build_environ(req):
    body, secure = request_body(req), bool(req.get("secure"))
    raw_path, _, query = (req.get("path") or "/probe/").partition("?")
    env = {
        "REQUEST_METHOD": req.get("method", "GET"), "SCRIPT_NAME": "", "PATH_INFO": raw_path,
        "QUERY_STRING": query, "SERVER_NAME": "testserver", "SERVER_PORT": "443" if secure else "80",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "HTTP_HOST": "testserver", "CONTENT_LENGTH": str(len(body)),
    }
    headers = req.get("headers") or []
    env.update(header_variables(headers.items() if isinstance(headers, dict) else headers))
    if req.get("cookies"):
        jar = "; ".join("%s=%s" % kv for kv in req["cookies"].items())
        env["HTTP_COOKIE"] = (env["HTTP_COOKIE"] + "; " if "HTTP_COOKIE" in env else "") + jar
    env.update(req.get("environ") or {})
    return env


# ---------------------------------------------------------------- one call
def call_handler(req):
    """-> status, headers, body, exception text"""
    started = []

    def start_response(line, headers, exc_info=None):
        started[:] = [line, headers]

    try:
        with transaction.atomic():
            response = handler(build_environ(req), start_response)
            body = b"".join(response)
            response.close()
    except Exception as e:                    # a server would answer 500
        text = "%s: %s" % (type(e).__name__, str(e)[:300])
        return 500, {}, b"", re.sub(r"0x[0-9a-f]{6,}", "0x", text)
    return int(started[0].split()[0]), {k.lower(): v for k, v in started[1]}, body, None


def call_once(req, view):
    CAPTURE.clear()
    CURRENT["view"] = view
    with transaction.atomic():
        status, headers, body, exception = call_handler(req)
        if not req.get("persist"):
            transaction.set_rollback(True)
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        parsed = body.decode("utf-8", "replace")[:500]
    exc = CAPTURE.get("exc")
    out = {"status": status}
    for name in ("user", "user_id", "anonymous_type", "auth_kind", "auth_repr", "authenticator"):
        out[name] = CAPTURE.get(name)
    out.update(
        www_authenticate=headers.get("www-authenticate"),
        detail=parsed.get("detail") if isinstance(parsed, dict) else None,
        code=exc.get_codes() if isinstance(exc, exceptions.APIException) else exc and type(exc).__name__,
        exception=exception)
    if parsed != {"ok": True}:
        out["body"] = parsed
    return out


def run(req):
    wanted = req.get("views") or ["required", "optional"]
    for name in wanted:
        CURRENT[name] = build_view(req.get("chain") or [], name)
    with ExitStack() as stack:
        if req.get("at") is not None:
            from freezegun import freeze_time
            stack.enter_context(freeze_time(datetime.fromtimestamp(req["at"], tz=timezone.utc)))
        conf = dict(req.get("settings") or {})
        if "REST_FRAMEWORK" in conf:
            conf["REST_FRAMEWORK"] = {"EXCEPTION_HANDLER": __name__ + ".record_exception", **conf["REST_FRAMEWORK"]}
        if conf:
            stack.enter_context(override_settings(**conf))
        return {view: call_once(req, view) for view in wanted}


# ---------------------------------------------------------------- seeding
# Everything is derived from names, so that two runs make the same rows.
EPOCH = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)


def salt_for(name):
    return hashlib.sha256(b"salt " + name.encode()).hexdigest()[:22]


def bcrypt_salt(name, cost):
    # 22 characters hold 16 bytes; the last one has only two bits to spend
    return b"$2b$%02d$%s" % (cost, salt_for(name)[:21].encode() + b"u")


def argon2_hash(name, password, kind="ID", memory=1024, passes=1, lanes=1, version=19):
    from argon2 import low_level
    data = low_level.hash_secret(
        password.encode(), salt_for(name).encode(), time_cost=passes, memory_cost=memory, parallelism=lanes,
        hash_len=32, type=low_level.Type[kind], version=version)
    return "argon2" + data.decode()


def encode(name, password, hasher="pbkdf2_sha256", **kw):
    """A stored hash with cheap parameters unless others are asked for."""
    if hasher == "argon2":
        return argon2_hash(name, password, **kw)
    tool = hashers.get_hasher(hasher)
    if hasher.startswith("bcrypt"):
        return tool.encode(password, bcrypt_salt(name, kw.get("cost", 4)))
    if hasher == "scrypt":
        kw = {"n": 1024, "r": 8, "p": 1, **kw}
    return tool.encode(password, kw.pop("salt", salt_for(name)), **kw)


class Seeder:
    def __init__(self):
        self.users, self.tokens = {}, {}

    def user(self, name, password, hasher="pbkdf2_sha256", raw=None, is_active=True, is_staff=False,
             is_superuser=False, **kw):
        encoded = encode(name, password, hasher, **kw) if raw is None else raw
        row = User(username=name, password=encoded, is_active=is_active, is_staff=is_staff,
                   is_superuser=is_superuser, date_joined=EPOCH)
        row.save()
        self.users[name] = {
            "id": row.pk, "password": password, "encoded": encoded, "is_active": is_active,
            "verifies": password is not None and hashers.check_password(password, encoded)}

    def token(self, name, key):
        Token.objects.create(key=key, user=User.objects.get(username=name))
        self.tokens[name] = key


def seed_first_users(s):
    s.user("alice", "wonderland-1", is_staff=True)
    s.user("bob", "argon two", "argon2")
    s.user("carol", "bcrypt-sha256-pw", "bcrypt_sha256")
    s.user("dave", "bcrypt-pw", "bcrypt")
    s.user("erin", "scrypt-pw", "scrypt")
    s.user("frank", "sha1-pw", "pbkdf2_sha1")
    s.user("grace", "md5-pw", "md5")
    s.user("inactive", "inactive-pw", is_active=False)
    s.user("unusable", None, raw="!" + "u" * 40)
    s.user("\u00fcn\u00efcode", "p\u00e4ssw\u00f6rd\u20ac")
    s.user("\u7528\u6237", "\u5bc6\u7801")
    s.user("empty-password", "")
    s.user("colon", "a:b:c")
    s.user(" padded ", " lead and trail ")
    s.user("CaseUser", "upper")
    s.user("caseuser", "lower")
    s.user("old-iterations", "old", iterations=100)
    s.user("short-salt", "short", salt="abc")
    s.user("gibberish", None, raw="not a hash")
    s.user("blank-hash", None, raw="")
    s.user("unsalted-md5", "legacy", raw="f2c7bb8acc97f92e987a2d4087d4ff19")
    s.user("unknown-alg", "legacy", raw="sha1$salt$deadbeef")
    s.user("root", "root-pw", is_superuser=True, is_staff=True)
    s.user("jos\u00e9", "caf\u00e9")


def seed_more_users(s):
    s.user("argon2-default", "default cost a", "argon2", memory=102400, passes=2, lanes=8)
    s.user("bcrypt-sha256-default", "default cost b", "bcrypt_sha256", cost=12)
    s.user("bcrypt-default", "default cost c", "bcrypt", cost=12)
    s.user("scrypt-default", "default cost d", "scrypt", n=2 ** 14, p=5)
    s.user("argon2i", "argon2i pw", "argon2", kind="I")
    s.user("argon2d", "argon2d pw", "argon2", kind="D")
    s.user("argon2-v16", "argon2 v16 pw", "argon2", version=16)
    s.user("scrypt-small", "scrypt small pw", "scrypt", n=16, r=1, p=2)
    s.user("sha1-short", "sha1 short pw", "pbkdf2_sha1", salt="x", iterations=1)
    s.user("more-iterations", "more", iterations=2500)
    s.user("bcrypt-72", "b" * 72, "bcrypt")
    s.user("bcrypt-sha256-long", "c" * 100, "bcrypt_sha256")
    s.user("md5-upper", "md5-pw", raw="md5$salt$" + hashlib.md5(b"saltmd5-pw").hexdigest().upper())
    s.user("zero-iterations", "zero", raw="pbkdf2_sha256$0$" + encode("zero", "zero").split("$", 2)[2])
    s.user("long-password", "correct horse battery staple " * 40)
    s.user("nul-password", "nul\0byte")
    s.user("jos\u00c3\u00a9", "caf\u00c3\u00a9")             # the UTF-8 bytes of another name read as latin-1
    s.user("jose\u0301", "decomposed")
    s.user("\U0001f980crab", "\U0001f980\U0001f512")
    s.user("col:on", "x")                                    # cannot log in: the name ends at the colon
    s.user("name@example.com", "p@ss/w+rd=")
    s.user("a", "b")
    s.user("line\nfeed", "tab\tpw")
    s.user("inactive-sha1", "inactive sha1", "pbkdf2_sha1", is_active=False)
    s.user("in\u00e4ktiv", "\u00e4us", is_active=False)
    s.user("inactive-root", "inactive root", is_superuser=True, is_staff=True, is_active=False)
    for n in range(1, 25):
        s.user("member%02d" % n, "member-password-%02d" % n)


ODD_KEYS = [
    "\u043a\u043b\u044e\u0447", "\U0001f511", "tok\u00a0en", "\u3000wide", "sep\x1cara\x1ftor", '"quoted"', "a=b", "a,b", "Token",
    "1234567890", "007", "k" * 64, "x", "%41%42", "\\", "'; drop table x; --",
]


def seed_tokens(s):
    for name, key in (("alice", "0123456789abcdef0123456789abcdef01234567"), ("inactive", "inactive-token"),
                      ("bob", "abcd1234"), ("\u00fcn\u00efcode", "t\u00f6k\u00e9n"), ("CaseUser", "CaseTok"),
                      ("caseuser", "casetok"), ("inactive-sha1", "5" * 40), ("in\u00e4ktiv", "in\u00e4ktiv-t\u00f6ken"),
                      ("inactive-root", "6" * 40), ("unusable", "7" * 40), ("blank-hash", "8" * 40)):
        s.token(name, key)
    for n in range(1, 25):
        plain = hashlib.sha1(b"token %d" % n).hexdigest()
        s.token("member%02d" % n, ODD_KEYS[n - 1] if n <= len(ODD_KEYS) else plain)


def fix_dates():
    Token.objects.update(created=EPOCH)
    with connection.cursor() as c:
        c.execute("update django_migrations set applied = '2024-01-02 03:04:05.678901'")


def versions():
    from importlib.metadata import version
    names = ["Django", "djangorestframework", "argon2-cffi", "bcrypt"]
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def seed():
    s = Seeder()
    with transaction.atomic():
        seed_first_users(s)
        seed_more_users(s)
        seed_tokens(s)
        fix_dates()
    return {"secret": args.secret, "pbkdf2_iterations": args.pbkdf2_iterations, "users": s.users, "tokens": s.tokens,
            "versions": versions()}


# ---------------------------------------------------------------- primitives
def check_password(r):
    ok, must = hashers.verify_password(r["password"], r["encoded"])
    return {"ok": ok, "must_update": must}


OPS = {
    "check_password": check_password,
    "make_password": lambda r: {
        "encoded": hashers.make_password(r["password"], r.get("salt"), r.get("hasher", "default"))},
    "b64decode": lambda r: {"hex": base64.b64decode(r["data"].encode("latin-1")).hex()},
    "versions": lambda r: versions(),
}


def answer(line):
    req = {}
    try:
        req = json.loads(line)
        res = OPS[req["op"]](req) if "op" in req else run(req)
    except Exception as e:
        res = {"error": "%s: %s" % (type(e).__name__, str(e)[:300])}
    if isinstance(req, dict) and "id" in req:
        res["id"] = req["id"]
    return res


def init():
    call_command("migrate", verbosity=0)
    manifest = json.dumps(seed(), indent=1, ensure_ascii=True)
    with open(args.manifest or args.db + ".manifest.json", "w") as f:
        f.write(manifest + "\n")
    print(manifest)


def main():
    if args.init:
        return init()
    for line in sys.stdin:
        if line.strip():
            sys.stdout.write(json.dumps(answer(line), ensure_ascii=True, default=str) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
