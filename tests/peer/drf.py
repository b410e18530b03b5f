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
   exception}, "body" unless it is the view's own {"ok": true}, "set_cookie" when there is any, and "after" when the
   request wrote sessions, users or tokens
With --knox (also with --init) django-rest-knox is installed: "knox" is a scheme whose item may have members of
REST_KNOX in lower case (durations in seconds, 0 for None), knox_peer.VIEWS are endpoints, and answers have "events".
With --jwt the same for simplejwt and its blacklist: "jwt", SIMPLE_JWT, jwt_peer.VIEWS; "stateless" is its other class.
With --durin it is django-rest-durin: its item may have `auth_header_prefix`, `allow_clients`, `deny_clients` and
user_per_client (the views' permissions and throttle), durin_peer.VIEWS are endpoints.
The path /api-token-auth/ is DRF's obtain_auth_token under the chain of the line; its one answer is "endpoint".
New session keys and tokens are random: they are shown as <random>.
Unless "persist" is true everything a request wrote is rolled back.
Lines with "op" call one Django primitive instead, see OPS.

Use one process per database file at a time.
"""
import argparse
import base64
import io
import json
import logging
import os
import re
import sys
import warnings
from contextlib import nullcontext
from datetime import datetime, timezone

ap = argparse.ArgumentParser()
ap.add_argument("--db", required=True)
ap.add_argument("--init", action="store_true")
ap.add_argument("--manifest")
ap.add_argument("--pbkdf2-iterations", type=int, default=1000)
ap.add_argument("--secret", default="peer-secret-key-0123456789-0123456789-0123456789")
ap.add_argument("--fallback", action="append")
ap.add_argument("--knox", action="store_true")
ap.add_argument("--jwt", action="store_true")
ap.add_argument("--durin", action="store_true")
args = ap.parse_args()
FALLBACKS = ["peer-previous-key-9876543210-9876543210-9876543210", "peer-first-key-5555555555-5555555555-5555555555"]

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
    SECRET_KEY_FALLBACKS=FALLBACKS if args.fallback is None else args.fallback,
    ALLOWED_HOSTS=["testserver", ".example.com", "[::1]"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    LANGUAGE_CODE="en-us",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": args.db}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "rest_framework", "rest_framework.authtoken",
    ] + ["knox"] * args.knox + ["rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"] * args.jwt
    + ["durin"] * args.durin,
    # simplejwt looks once, when it is imported
    SIMPLE_JWT={"BLACKLIST_AFTER_ROTATION": True},
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend", "django.contrib.auth.backends.RemoteUserBackend"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    ROOT_URLCONF=__name__,                    # this module, also when it runs as __main__
    PASSWORD_HASHERS=[HASHER_MODULE + name for name in (
        "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher", "ScryptPasswordHasher", "MD5PasswordHasher")],
    REST_FRAMEWORK={"EXCEPTION_HANDLER": __name__ + ".record_exception"},
)
import django  # noqa: E402

django.setup()

from django.contrib.auth import get_user_model, hashers  # noqa: E402
from django.contrib.auth.backends import RemoteUserBackend  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from django.urls import path as url_path  # noqa: E402
from rest_framework import authentication, exceptions, permissions  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.authtoken.views import ObtainAuthToken  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView, exception_handler  # noqa: E402

import engines  # noqa: E402
PEER = None
if args.knox:
    import knox_peer as PEER
if args.jwt:
    import jwt_peer as PEER
if args.durin:
    import durin_peer as PEER
from seed import seed, versions  # noqa: E402

hashers.PBKDF2PasswordHasher.iterations = args.pbkdf2_iterations
hashers.PBKDF2SHA1PasswordHasher.iterations = args.pbkdf2_iterations
User = get_user_model()
CAPTURE = {}
CURRENT = {}
CLOCK = []


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


class RemoteUserAuthentication(authentication.RemoteUserAuthentication):
    create_unknown_user = True                # an attribute of the backend, not of the scheme

    def authenticate(self, request):
        RemoteUserBackend.create_unknown_user = self.create_unknown_user
        return super().authenticate(request)


SCHEMES = {
    "basic": authentication.BasicAuthentication,
    "token": authentication.TokenAuthentication,
    "session": authentication.SessionAuthentication,
    "remote_user": RemoteUserAuthentication,
    "never": NeverAuth,
    "fail": FailAuth,
    "deny": DenyAuth,
}
if args.durin:
    SCHEMES["durin"] = PEER.SCHEME
ENDPOINTS = {"/api-token-auth/": ObtainAuthToken}
if PEER:
    ENDPOINTS.update((path, view) for path, (view, *_) in PEER.VIEWS.items())
PERMISSIONS = {"required": permissions.IsAuthenticated, "optional": permissions.AllowAny}


def build_chain(spec):
    out = []
    for item in spec:
        attributes = {"scheme": item} if isinstance(item, str) else dict(item)
        name = attributes.pop("scheme")
        if name in ("knox", "jwt"):           # their members are settings
            base, attributes = PEER.scheme(attributes), {}
        else:
            base = SCHEMES[name]
        if name == "durin":                   # likewise, see `configure`
            attributes = {}
        out.append(type(base.__name__, (base,), attributes) if attributes else base)
    return out


def build_view(spec, name, path):
    if name == "endpoint" and args.durin and PEER.is_endpoint(path):
        return PEER.endpoint(path, build_chain(spec))
    if name == "endpoint":
        return type("Endpoint", (ENDPOINTS[path],), {"authentication_classes": build_chain(spec)}).as_view()
    classes = {"authentication_classes": build_chain(spec), "permission_classes": [PERMISSIONS[name]]}
    if args.durin:
        more, throttles = PEER.rules(spec)
        classes.update(permission_classes=classes["permission_classes"] + more, throttle_classes=throttles)
    return type("Probe", (Probe,), classes).as_view()


# ---------------------------------------------------------------- the view
def describe_auth(auth):
    if auth is None:
        return None, None
    if isinstance(auth, Token):
        return "authtoken.Token", auth.key
    kind = "%s.%s" % (type(auth).__module__.split(".")[0], type(auth).__name__)
    # a token of simplejwt is what it says
    return kind, json.dumps(auth.payload) if hasattr(auth, "payload") else str(auth)


class Probe(APIView):
    renderer_classes = [JSONRenderer]
    # a chain of schemes cannot decide a 405
    http_method_names = [*APIView.http_method_names, "connect", "foo", "propfind", "purge"]

    def answer(self, request):
        user, winner = request.user, request.successful_authenticator
        anonymous = user is None or isinstance(user, AnonymousUser)
        kind, text = describe_auth(request.auth)
        CAPTURE.update(
            user=None if anonymous else user.get_username(), user_id=getattr(user, "pk", None),
            anonymous_type=type(user).__name__ if anonymous else None,
            auth_kind=kind, auth_repr=text, authenticator=type(winner).__name__ if winner else None)
        return Response({"ok": True})

    get = post = put = patch = delete = head = trace = options = connect = foo = propfind = purge = answer


def probe(request, **found):
    return CURRENT[CURRENT["view"]](request, **found)


probe.csrf_exempt = True
urlpatterns = [url_path(path[1:], probe) for path in ("/probe/", *ENDPOINTS)]
if args.durin:
    urlpatterns += PEER.urls(probe)
HANDLERS = {}                                 # the session middleware reads SESSION_ENGINE only once
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
def handler():
    engine = settings.SESSION_ENGINE
    if engine not in HANDLERS:
        HANDLERS[engine] = WSGIHandler()
    return HANDLERS[engine]


def call_handler(req):
    """-> status, header list, body, exception text"""
    started = []

    def start_response(line, headers, exc_info=None):
        started[:] = [line, headers]

    try:
        with transaction.atomic():
            response = handler()(build_environ(req), start_response)
            body = b"".join(response)
            response.close()
    except Exception as e:                    # a server would answer 500
        text = "%s: %s" % (type(e).__name__, str(e)[:300])
        return 500, [], b"", re.sub(r"0x[0-9a-f]{6,}", "0x", text)
    return int(started[0].split()[0]), started[1], body, None


def rows():
    """Everything a request may write, but for password hashes."""
    sessions = {key: [data, str(expires).removesuffix("+00:00")] for key, data, expires in Session.objects.values_list()}
    users = dict(User.objects.values_list("username", "id"))
    return sessions, users, set(Token.objects.values_list("key", "user__username")), engines.files()


def written(before, after):
    """The difference of two `rows()` for the "after" of an answer, and the random texts in it."""
    sessions, old, out = after[0], before[0], {}
    new = [key for key in sessions if key not in old]
    changed = [key for key in sessions if key in old and sessions[key] != old[key]]
    if [key for key in old if key not in sessions]:
        out["sessions_deleted"] = sorted(key for key in old if key not in sessions)
    for name, keys in (("session_created", new), ("session_rewritten", changed)):
        for key in keys:
            data, expires = sessions[key]
            out[name] = {"expires": expires, "data": Session.get_session_store_class()().decode(data)}
    for name in after[1].keys() - before[1].keys():
        out["user_created"] = name
    for key, name in after[2] - before[2]:
        out["token_created"] = name
        new.append(key)
    fresh = [name for name in after[3] if name not in before[3]]
    out.update(engines.written(before[3], after[3]))
    return out, new + [engines.key_of(name) for name in fresh]


def call_once(req, view):
    CAPTURE.clear()
    if PEER:
        PEER.EVENTS.clear()
    CURRENT["view"] = view
    cache.clear()
    with transaction.atomic():
        before, of_peer = rows(), PEER and PEER.rows()
        status, headers, body, exception = call_handler(req)
        after, random = written(before, rows())
        if PEER:
            after.update(PEER.written(of_peer, PEER.rows()))
        if not req.get("persist"):
            transaction.set_rollback(True)
    return masked(described(view, status, headers, body, exception, after, of_peer), random)


def described(view, status, headers, body, exception, after, of_peer):
    try:
        parsed = json.loads(body) if body else None
    except ValueError:
        parsed = body.decode("utf-8", "replace")[:500]
    exc = CAPTURE.get("exc")
    out = {"status": status}
    if view != "endpoint":
        for name in ("user", "user_id", "anonymous_type", "auth_kind", "auth_repr", "authenticator"):
            out[name] = CAPTURE.get(name)
    out.update(
        www_authenticate=next((v for k, v in headers if k.lower() == "www-authenticate"), None),
        detail=parsed.get("detail") if isinstance(parsed, dict) else None,
        code=exc.get_codes() if isinstance(exc, exceptions.APIException) else exc and type(exc).__name__,
        exception=exception)
    if PEER:
        out["events"] = list(PEER.EVENTS)
        parsed = PEER.masked(parsed, of_peer)
    if parsed != {"ok": True}:
        out["body"] = parsed
    cookies = [v.strip() for k, v in headers if k.lower() == "set-cookie"]
    cookies, signed = engines.signed_cookies(cookies)
    after.update(signed)
    if cookies:
        out["set_cookie"] = cookies
    if after:
        out["after"] = after
    return out


def masked(out, random):
    text = json.dumps(out, ensure_ascii=True, default=str)
    for value in random:
        text = text.replace(json.dumps(value)[1:-1], "<random>")
    return json.loads(text)


def set_clock(at):
    """Freezing takes long, moving a frozen clock does not."""
    if at is None:
        if CLOCK:
            CLOCK.pop()[0].stop()
        return
    moment = datetime.fromtimestamp(at, tz=timezone.utc)
    if not CLOCK:
        from freezegun import freeze_time
        freezer = freeze_time(moment)
        CLOCK.append((freezer, freezer.start()))
    CLOCK[0][1].move_to(moment)


def run(req):
    wanted = req.get("views") or ["required", "optional"]
    path, chain = (req.get("path") or "").partition("?")[0], req.get("chain") or []
    if path in ENDPOINTS or (args.durin and PEER.is_endpoint(path)):
        wanted = ["endpoint"]
    for name in wanted:
        CURRENT[name] = build_view(chain, name, path)
    set_clock(req.get("at"))
    conf = dict(req.get("settings") or {})
    if args.knox:
        conf["REST_KNOX"] = PEER.rest_knox(chain, path)
    if args.durin:
        PEER.configure(chain, path)
    of_peer = PEER.Settings(PEER.simple_jwt(chain, path)) if args.jwt else nullcontext()
    if "REST_FRAMEWORK" in conf:
        conf["REST_FRAMEWORK"] = {"EXCEPTION_HANDLER": __name__ + ".record_exception", **conf["REST_FRAMEWORK"]}
    with override_settings(**conf) if conf else nullcontext(), of_peer:
        answers = {}
        for view in wanted:
            engines.restore()
            answers[view] = call_once(req, view)
        return answers


# ---------------------------------------------------------------- primitives
def check_password(r):
    ok, must = hashers.verify_password(r["password"], r["encoded"])
    return {"ok": ok, "must_update": must}


OPS = {
    "check_password": check_password,
    "make_password": lambda r: {
        "encoded": hashers.make_password(r["password"], r.get("salt"), r.get("hasher", "default"))},
    "b64decode": lambda r: {"hex": base64.b64decode(r["data"].encode("latin-1")).hex()},
    "engine_sessions": lambda r: engines.sessions(),
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
    packages = ["djangorestframework-simplejwt", "PyJWT", "cryptography"] if args.jwt else ["django-rest-durin"] if args.durin \
        else ["django-rest-knox"]
    rows = {"secret": settings.SECRET_KEY, "fallbacks": settings.SECRET_KEY_FALLBACKS, **PEER.seed(), "versions": versions(*packages)} \
        if PEER else seed()
    manifest = json.dumps(rows, indent=1, ensure_ascii=True)
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
