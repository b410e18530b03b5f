#!/usr/bin/env python3
"""A small real Django + DRF project on one SQLite file, for live tests and the demo.

    site.py --db F [--no-tz] [--custom-user] [--knox | --jwt | --durin] [--iterations N] [--secret S] VERB ...

    migrate [--wal]                     create or update the schema
    adduser NAME PASSWORD [--inactive] [--staff] [--superuser] [--hasher H]     prints the primary key
    addtoken NAME                       prints the key (the old one when there is one)
    addknox NAME [SECONDS]              prints a new token of knox; SECONDS until it ends, "never" for none
    checkknox TOKEN                     prints the user name, or "refused: TEXT"
    knoxview VIEW NAME PASSWORD|TOKEN   what knox's login, logout or logoutall answers: status and body
    knoxadmin NAME PASSWORD             what knox's page in the admin answers, and how many tokens it shows
    addjwt NAME KIND                    prints a token of simplejwt: access, refresh or sliding
    checkjwt TOKEN                      prints the user name, or "refused: " and the code
    jwtview VIEW JSON                   what simplejwt's pair, refresh, verify, blacklist, sliding or renew answers: status and body
    jwtadmin NAME PASSWORD              what simplejwt's pages in the admin answer, and how many tokens they show
    jwtflush                            flushexpiredtokens
    addclient NAME [TTL] [RATE]         durin's create_client
    adddurin NAME CLIENT [SECONDS]      prints a new token of durin; SECONDS until it ends
    checkdurin TOKEN                    prints the user name and the client, or "refused: TEXT"
    durinview VIEW TOKEN|-              what durin's views answer: status and body; login: JSON on stdin
    durinadmin NAME PASSWORD            what durin's pages in the admin answer, and how many tokens and clients they show
    throttled TOKEN [RATE]              moments on stdin, in seconds: what durin's throttle says to a request at each
    checkpassword NAME                  password on stdin; prints ok or no
    checktoken KEY                      prints the user name, or "refused: TEXT"
    sessionuser KEY                     prints whose session it is, or "nobody"
    addsession NAME                     logs in; prints the key of the session
    csrf COOKIE TOKEN                   what CsrfViewMiddleware says to a POST: "ok", or why not
    sign WAY SALT VALUE                 prints the signed text; WAY: plain, timed or cookie:NAME
    unsign WAY SALT TEXT [MAX_AGE]      prints the value, or "refused: " and the exception
    pending                             what `migrate --plan` prints
    bulksessions N                      a session each for the first N users
    bulkknox N                          a token of knox each for the first N users; the tokens in a table knox_tokens
    bulkdurin N                         a token of durin each for the first N users, all of one client
    bulk N                              N users user000000.. with tokens, password "bulk-password"
    serve PORT                          the site on 127.0.0.1; prints "ready PORT" (0 picks a free port)
    admin NAME PASSWORD [KEY]           log in to the admin, look for KEY (or the user's own key) on the token page

The options may stand before or after the verb, and must be the same for all verbs on one file.
With --custom-user names are e-mail addresses. With --knox, --jwt (and its blacklist, which rotates) or --durin that package is
installed.
"""
import argparse
import base64
import hashlib
import os
import sys
import time
import warnings

warnings.simplefilter("ignore")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))       # for the package `people`
HASHER_MODULE = "django.contrib.auth.hashers."


# ---------------------------------------------------------------- configuration
def configure(args):
    import django
    from django.conf import settings
    apps = ["django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
    settings.configure(
        DEBUG=False,
        SECRET_KEY=args.secret,
        ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
        USE_TZ=not args.no_tz,
        TIME_ZONE="Europe/Berlin" if args.no_tz else "UTC",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": args.db, "OPTIONS": {"timeout": 20}}},
        INSTALLED_APPS=apps + ["rest_framework", "rest_framework.authtoken"] + ["people"] * args.custom_user
        + ["knox"] * args.knox + ["rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"] * args.jwt
        + ["durin"] * args.durin,
        SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
        AUTH_USER_MODEL="people.Person" if args.custom_user else "auth.User",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages"]},
        }],
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        PASSWORD_HASHERS=[HASHER_MODULE + name for name in (
            "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
            "BCryptPasswordHasher", "ScryptPasswordHasher", "MD5PasswordHasher")],
    )
    # a settings module does this by itself, settings.configure() does not
    os.environ["TZ"] = settings.TIME_ZONE
    time.tzset()
    django.setup()
    from django.contrib.auth import hashers
    hashers.PBKDF2PasswordHasher.iterations = args.iterations
    hashers.PBKDF2SHA1PasswordHasher.iterations = args.iterations


def load_urls():
    """The URL patterns need models, so they are made after configure()."""
    global urlpatterns
    from django.contrib import admin
    from django.urls import path
    from rest_framework.authentication import BasicAuthentication, SessionAuthentication, TokenAuthentication
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.renderers import JSONRenderer
    from rest_framework.response import Response
    from rest_framework.views import APIView

    class Probe(APIView):
        authentication_classes = [BasicAuthentication, TokenAuthentication, SessionAuthentication]
        permission_classes = [IsAuthenticated]
        renderer_classes = [JSONRenderer]

        def get(self, request):
            return Response({"user": request.user.get_username(), "auth": request.auth and str(request.auth)})

        post = get

    urlpatterns = [path("admin/", admin.site.urls), path("probe/", Probe.as_view())]


def user_model():
    from django.contrib.auth import get_user_model
    return get_user_model()


# ---------------------------------------------------------------- verbs
def migrate(args):
    from django.core.management import call_command
    from django.db import connection
    if args.wal:
        with connection.cursor() as c:
            c.execute("pragma journal_mode=wal")
    call_command("migrate", verbosity=0)


def adduser(args):
    from django.contrib.auth.hashers import make_password
    model = user_model()
    user = model(is_active=not args.inactive, is_staff=args.staff, is_superuser=args.superuser)
    setattr(user, model.USERNAME_FIELD, args.name)
    user.password = make_password(args.password, hasher=args.hasher)
    user.save(force_insert=True)
    print(user.pk)


def addtoken(args):
    from rest_framework.authtoken.models import Token
    user = user_model().objects.get_by_natural_key(args.name)
    print(Token.objects.get_or_create(user=user)[0].key)


def addknox(args):
    from datetime import timedelta

    from knox.models import AuthToken
    user = user_model().objects.get_by_natural_key(args.name)
    lasts = {} if args.seconds is None else {"expiry": None if args.seconds == "never" else timedelta(seconds=int(args.seconds))}
    print(AuthToken.objects.create(user, **lasts)[1])


def checkknox(args):
    from knox.auth import TokenAuthentication
    from rest_framework.exceptions import AuthenticationFailed
    try:
        user, _ = TokenAuthentication().authenticate_credentials(args.token.encode())
        print(user.get_username())
    except AuthenticationFailed as e:
        print("refused: %s" % e.detail)


def knoxview(args):
    from knox import views
    from rest_framework.authentication import BasicAuthentication
    from rest_framework.test import APIRequestFactory
    view = {"login": views.LoginView, "logout": views.LogoutView, "logoutall": views.LogoutAllView}[args.view]
    if args.view == "login":
        view = type("Login", (view,), {"authentication_classes": [BasicAuthentication]})
        given = "Basic " + base64.b64encode(("%s:%s" % (args.name, args.secret_or_token)).encode()).decode()
    else:
        given = "Token " + args.secret_or_token
    response = view.as_view()(APIRequestFactory().post("/", HTTP_AUTHORIZATION=given)).render()
    print(response.status_code, response.content.decode())


def knoxadmin(args):
    from django.test import Client
    load_urls()
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": args.name, "password": args.password})
    page = client.get("/admin/knox/authtoken/")
    print(page.status_code, page.content.decode().count('class="action-select"'))


def addjwt(args):
    from rest_framework_simplejwt import tokens
    user = user_model().objects.get_by_natural_key(args.name)
    print({"access": tokens.AccessToken, "refresh": tokens.RefreshToken, "sliding": tokens.SlidingToken}[args.kind].for_user(user))


def checkjwt(args):
    from rest_framework.exceptions import AuthenticationFailed
    from rest_framework_simplejwt.authentication import JWTAuthentication
    scheme = JWTAuthentication()
    try:
        print(scheme.get_user(scheme.get_validated_token(args.token.encode())).get_username())
    except AuthenticationFailed as e:
        print("refused: %s" % e.detail["code"])


def jwtview(args):
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt import views
    view = {"pair": views.token_obtain_pair, "refresh": views.token_refresh, "verify": views.token_verify, "blacklist": views.token_blacklist,
            "sliding": views.token_obtain_sliding, "renew": views.token_refresh_sliding}[args.view]
    response = view(APIRequestFactory().post("/", args.json, content_type="application/json")).render()
    print(response.status_code, response.content.decode())


def jwtadmin(args):
    from django.test import Client
    load_urls()
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": args.name, "password": args.password})
    issued = client.get("/admin/token_blacklist/outstandingtoken/")
    black = client.get("/admin/token_blacklist/blacklistedtoken/")
    print(issued.status_code, issued.content.decode().count('class="field-jti"'), black.status_code, black.content.decode().count('class="action-select"'))


def jwtflush(args):
    from django.core.management import call_command
    call_command("flushexpiredtokens")


def addclient(args):
    from django.core.management import call_command
    call_command("create_client", args.name, token_ttl=args.ttl or "1 00:00:00", throttle_rate=args.rate or "")


def adddurin(args):
    from datetime import timedelta

    from durin.models import AuthToken, Client
    user, client = user_model().objects.get_by_natural_key(args.name), Client.objects.get(name=args.client)
    lasts = {} if args.seconds is None else {"delta_ttl": timedelta(seconds=int(args.seconds))}
    print(AuthToken.objects.create(user, client, **lasts).token)


def checkdurin(args):
    from durin.auth import TokenAuthentication
    from rest_framework.exceptions import AuthenticationFailed
    try:
        user, token = TokenAuthentication().authenticate_credentials(args.token.encode())
        print(user.get_username(), token.client.name)
    except AuthenticationFailed as e:
        print("refused: %s" % e.detail)


def durinview(args):
    from durin import views
    from durin.auth import TokenAuthentication
    from rest_framework.test import APIRequestFactory
    names = {"login": "LoginView", "refresh": "RefreshView", "logout": "LogoutView", "logoutall": "LogoutAllView"}
    method, factory = "get" if args.view == "sessions" else "post", APIRequestFactory()
    if args.view == "sessions":
        view = views.TokenSessionsViewSet.as_view({"get": "list"}, authentication_classes=[TokenAuthentication])
    else:
        cls = getattr(views, names[args.view])
        view = cls.as_view() if args.view == "login" else cls.as_view(authentication_classes=[TokenAuthentication])
    headers = {} if args.token == "-" else {"HTTP_AUTHORIZATION": "Token " + args.token}
    body = sys.stdin.read() if args.view == "login" else ""
    response = view(getattr(factory, method)("/", body or None, content_type="application/json", **headers)).render()
    print(response.status_code, response.content.decode())


def durinadmin(args):
    from django.test import Client
    load_urls()
    client = Client()
    client.post("/admin/login/?next=/admin/", {"username": args.name, "password": args.password})
    for page in (client.get("/admin/durin/authtoken/"), client.get("/admin/durin/client/")):
        print(page.status_code, page.content.decode().count('class="action-select"'))


def throttled(args):
    from durin.auth import TokenAuthentication
    from durin.throttling import UserClientRateThrottle
    from rest_framework.response import Response
    from rest_framework.test import APIRequestFactory
    from rest_framework.views import APIView

    class Throttle(UserClientRateThrottle):
        THROTTLE_RATES = {"user_per_client": args.rate}

    class View(APIView):
        authentication_classes, throttle_classes = [TokenAuthentication], [Throttle]

        def get(self, request):
            return Response()

    for line in sys.stdin:
        Throttle.timer = staticmethod(lambda: float(line))
        response = View.as_view()(APIRequestFactory().get("/", HTTP_AUTHORIZATION="Token " + args.token)).render()
        print(response.status_code, response.headers.get("Retry-After"), response.content.decode())


def checkpassword(args):
    from django.contrib.auth import authenticate
    password = sys.stdin.buffer.read().decode().removesuffix("\n")
    print("ok" if authenticate(username=args.name, password=password) else "no")


def checktoken(args):
    from rest_framework.authentication import TokenAuthentication
    from rest_framework.exceptions import AuthenticationFailed
    try:
        user, _ = TokenAuthentication().authenticate_credentials(args.key)
        print(user.get_username())
    except AuthenticationFailed as e:
        print("refused: %s" % e.detail)


def sessionuser(args):
    from django.contrib.auth import get_user
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest
    request = HttpRequest()
    request.session = SessionStore(args.key)
    print(get_user(request).get_username() or "nobody")


def addsession(args):
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user_model().objects.get_by_natural_key(args.name), "django.contrib.auth.backends.ModelBackend")
    request.session.save()
    print(request.session.session_key)


def csrf(args):
    from django.http import HttpRequest, HttpResponse
    from django.middleware.csrf import CsrfViewMiddleware
    request = HttpRequest()
    request.method = "POST"
    request.COOKIES["csrftoken"] = args.cookie
    request.META.update(HTTP_X_CSRFTOKEN=args.token, SERVER_NAME="testserver", SERVER_PORT="80")
    middleware = CsrfViewMiddleware(lambda request: HttpResponse())
    middleware.process_request(request)
    refused = middleware.process_view(request, lambda request: None, (), {})
    print("ok" if refused is None else "refused: %d" % refused.status_code)


def sign(args):
    from django.core.signing import Signer, TimestampSigner
    from django.http import HttpResponse
    way, _, name = args.way.partition(":")
    if way == "cookie":
        response = HttpResponse()
        response.set_signed_cookie(name, args.value, salt=args.salt)
        print(response.cookies[name].value)
        return
    signer = TimestampSigner if way == "timed" else Signer
    print(signer(salt=args.salt or None).sign(args.value))


def unsign(args):
    from django.core.signing import BadSignature, Signer, TimestampSigner
    from django.http import HttpRequest
    way, _, name = args.way.partition(":")
    try:
        if way == "cookie":
            request = HttpRequest()
            request.COOKIES[name] = args.text
            print(request.get_signed_cookie(name, salt=args.salt, max_age=args.max_age))
        elif way == "timed":
            print(TimestampSigner(salt=args.salt or None).unsign(args.text, max_age=args.max_age))
        else:
            print(Signer(salt=args.salt or None).unsign(args.text))
    except BadSignature as e:
        print("refused: %s" % type(e).__name__)


def pending(args):
    from django.core.management import call_command
    call_command("migrate", plan=True)


def bulk(args):
    from django.contrib.auth.hashers import make_password
    from django.db import transaction
    from rest_framework.authtoken.models import Token
    model = user_model()
    suffix = "@example.com" if args.custom_user else ""
    password = make_password("bulk-password")                # one hash for all: hashing would take hours
    with transaction.atomic():
        for start in range(0, args.count, 5000):
            numbers = range(start, min(start + 5000, args.count))
            users = model.objects.bulk_create(
                model(**{model.USERNAME_FIELD: "user%06d%s" % (n, suffix), "password": password}) for n in numbers)
            Token.objects.bulk_create(
                Token(key=hashlib.sha1(b"token %d" % n).hexdigest(), user=user) for n, user in zip(numbers, users))


def bulksessions(args):
    from datetime import timedelta

    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone
    store, model, hashes = SessionStore(), user_model(), {}
    expires = timezone.now() + timedelta(days=365)

    def session(user):                                       # all passwords are the same: hash each once
        if user.password not in hashes:
            hashes[user.password] = user.get_session_auth_hash()
        data = {"_auth_user_id": str(user.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                "_auth_user_hash": hashes[user.password]}
        key = hashlib.sha1(b"session %d" % user.pk).hexdigest()[:32]
        return Session(session_key=key, session_data=store.encode(data), expire_date=expires)

    users = model.objects.order_by("pk")[:args.count].iterator()
    Session.objects.bulk_create(map(session, users), batch_size=5000)


def bulkknox(args):
    from datetime import timedelta

    from django.db import connection, transaction
    from django.utils import timezone
    from knox.models import AuthToken
    expiry = timezone.now() + timedelta(days=365)
    tokens = [(hashlib.sha256(b"knox %d" % user.pk).hexdigest(), user) for user in user_model().objects.order_by("pk")[:args.count]]
    with transaction.atomic(), connection.cursor() as c:
        AuthToken.objects.bulk_create((AuthToken(
            digest=hashlib.sha512(token.encode()).hexdigest(), token_key=token[:15], user=user, expiry=expiry)
            for token, user in tokens), batch_size=5000)
        c.execute("create table knox_tokens (token varchar(64) not null)")
        c.executemany("insert into knox_tokens values (%s)", [(token,) for token, _ in tokens])


def bulkdurin(args):
    from datetime import timedelta

    from django.utils import timezone
    from durin.models import AuthToken, Client
    now = timezone.now()
    client = Client.objects.create(name="web", token_ttl=timedelta(days=365))
    AuthToken.objects.bulk_create((AuthToken(
        token=hashlib.sha256(b"durin %d" % user.pk).hexdigest(), user=user, client=client, created=now, expiry=now + client.token_ttl)
        for user in user_model().objects.order_by("pk")[:args.count]), batch_size=5000)


def serve(args):
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

    from django.core.handlers.wsgi import WSGIHandler

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, *a):
            pass

    load_urls()
    server = make_server("127.0.0.1", args.port, WSGIHandler(), server_class=Server, handler_class=Quiet)
    print("ready %d" % server.server_port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


def admin(args):
    from django.test import Client
    from rest_framework.authtoken.models import Token
    load_urls()
    client = Client()
    login = client.post("/admin/login/?next=/admin/", {"username": args.name, "password": args.password})
    page = client.get("/admin/authtoken/tokenproxy/")
    key = args.key or Token.objects.filter(
        **{"user__" + user_model().USERNAME_FIELD: args.name}).values_list("key", flat=True).first()
    found = "none" if key is None else "yes" if page.status_code == 200 and key in page.content.decode() else "no"
    print("login %d\ntokens %d\nkey %s" % (login.status_code, page.status_code, found))


# ---------------------------------------------------------------- command line
def add_options(parser, **defaults):
    # after the verb an option that is not given must not undo one given before it
    absent = {} if defaults else {"default": argparse.SUPPRESS}
    parser.add_argument("--db", **absent)
    parser.add_argument("--no-tz", action="store_true", **absent)
    parser.add_argument("--custom-user", action="store_true", **absent)
    parser.add_argument("--knox", action="store_true", **absent)
    parser.add_argument("--jwt", action="store_true", **absent)
    parser.add_argument("--durin", action="store_true", **absent)
    parser.add_argument("--iterations", type=int, **absent)
    parser.add_argument("--secret", **absent)
    parser.set_defaults(**defaults)


def parse():
    ap = argparse.ArgumentParser()
    add_options(ap, iterations=1000, secret="site-secret-key-0123456789-0123456789-0123456789")
    verbs = ap.add_subparsers(dest="verb", required=True)

    def verb(function, *positional):
        parser = verbs.add_parser(function.__name__)
        add_options(parser)
        parser.set_defaults(run=function)
        for name, kw in positional:
            parser.add_argument(name, **kw)
        return parser

    verb(migrate).add_argument("--wal", action="store_true")
    add = verb(adduser, ("name", {}), ("password", {}))
    for flag in ("--inactive", "--staff", "--superuser"):
        add.add_argument(flag, action="store_true")
    add.add_argument("--hasher", default="default")
    verb(addtoken, ("name", {}))
    verb(addknox, ("name", {}), ("seconds", {"nargs": "?"}))
    verb(checkknox, ("token", {}))
    verb(knoxview, ("view", {}), ("name", {}), ("secret_or_token", {}))
    verb(knoxadmin, ("name", {}), ("password", {}))
    verb(addjwt, ("name", {}), ("kind", {}))
    verb(checkjwt, ("token", {}))
    verb(jwtview, ("view", {}), ("json", {}))
    verb(jwtadmin, ("name", {}), ("password", {}))
    verb(jwtflush)
    verb(addclient, ("name", {}), ("ttl", {"nargs": "?"}), ("rate", {"nargs": "?"}))
    verb(adddurin, ("name", {}), ("client", {}), ("seconds", {"nargs": "?"}))
    verb(checkdurin, ("token", {}))
    verb(durinview, ("view", {}), ("token", {}))
    verb(durinadmin, ("name", {}), ("password", {}))
    verb(throttled, ("token", {}), ("rate", {"nargs": "?"}))
    verb(checkpassword, ("name", {}))
    verb(checktoken, ("key", {}))
    verb(sessionuser, ("key", {}))
    verb(addsession, ("name", {}))
    verb(csrf, ("cookie", {}), ("token", {}))
    verb(sign, ("way", {}), ("salt", {}), ("value", {}))
    verb(unsign, ("way", {}), ("salt", {}), ("text", {}), ("max_age", {"nargs": "?", "type": int}))
    verb(pending)
    verb(bulk, ("count", {"type": int}))
    verb(bulksessions, ("count", {"type": int}))
    verb(bulkknox, ("count", {"type": int}))
    verb(bulkdurin, ("count", {"type": int}))
    verb(serve, ("port", {"type": int}))
    verb(admin, ("name", {}), ("password", {}), ("key", {"nargs": "?"}))
    args = ap.parse_args()
    if not args.db:
        ap.error("--db is required")
    return args


def main():
    args = parse()
    configure(args)
    args.run(args)


if __name__ == "__main__":
    main()
