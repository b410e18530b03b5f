"""django-rest-durin for drf.py: its rows, its scheme and views, what it writes and what it announces.

Imported by drf.py with --durin once Django is configured. The rows are derived from labels and from one moment (`BASE`).
"""
import hashlib
import re
from datetime import datetime, timedelta, timezone

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.urls import path as url_path, re_path
from durin import views
from durin.auth import TokenAuthentication
from durin.models import AuthToken, Client
from durin.permissions import AllowSpecificClients, DisallowSpecificClients
from durin.serializers import APIAccessTokenSerializer
from durin.settings import durin_settings
from durin.signals import token_expired, token_renewed
from durin.throttling import UserClientRateThrottle
from rest_framework.permissions import IsAuthenticated

from seed import Seeder, seed_first_users

User = get_user_model()
# whole seconds: a moment in a request has no more
BASE = datetime(2024, 1, 2, 4, 0, 0, tzinfo=timezone.utc)
MEMBERS = ["member%02d" % n for n in range(1, 25)]
SECOND, MICROSECOND, DAY = timedelta(seconds=1), timedelta(microseconds=1), timedelta(days=1)
SCHEME = TokenAuthentication

# ---------------------------------------------------------------- settings
SHORT = {"TOKEN_CHARACTER_LENGTH": 48, "REFRESH_TOKEN_ON_LOGIN": True, "USER_SERIALIZER": "durin.serializers.UserSerializer",
         "EXPIRY_DATETIME_FORMAT": "%a %d.%m.%y %H:%M:%S.%f %z"}
WITHOUT = {"API_ACCESS_CLIENT_NAME": "api", "API_ACCESS_EXCLUDE_FROM_SESSIONS": True}
SAYING = {"API_ACCESS_CLIENT_NAME": "cli", "API_ACCESS_RESPONSE_INCLUDE_TOKEN": True}
LIST, ONE = {"get": "list"}, {"delete": "destroy"}
# path -> view, its actions, settings; a path below one of a list is a detail
VIEWS = {
    "/api/auth/login/": (views.LoginView, None, {}),
    "/short/login/": (views.LoginView, None, SHORT),
    "/api/auth/refresh/": (views.RefreshView, None, {}),
    "/short/refresh/": (views.RefreshView, None, SHORT),
    "/api/auth/logout/": (views.LogoutView, None, {}),
    "/api/auth/logoutall/": (views.LogoutAllView, None, {}),
    "/api/auth/sessions/": (views.TokenSessionsViewSet, LIST, {}),
    "/without/sessions/": (views.TokenSessionsViewSet, LIST, WITHOUT),
    "/api/auth/apiaccess/": (views.APIAccessTokenView, None, {"API_ACCESS_CLIENT_NAME": "api"}),
    "/saying/apiaccess/": (views.APIAccessTokenView, None, SAYING),
}


ACCESS_FIELDS = tuple(APIAccessTokenSerializer.Meta.fields)


def detail(path):
    """The path of the list, when it is one below it."""
    found = re.fullmatch(r"(/[a-z/]+/sessions/)/[^/.]+", path)
    return found and found[1]


def is_endpoint(path):
    return path in VIEWS or detail(path) in VIEWS


def urls(view):
    """durin says the path of its view to log out."""
    out = [url_path(path[1:], view, name="durin_logout" if path == "/api/auth/logout/" else None) for path in VIEWS]
    return out + [re_path(r"^(?:api/auth|without)/sessions//(?P<pk>[^/.]+)$", view)]


def endpoint(path, chain):
    """The view at a path, behind a chain; LoginView has none before it."""
    view, actions, _ = VIEWS[detail(path) or path]
    if view is not views.LoginView:
        view = type("Endpoint", (view,), {"authentication_classes": chain, "permission_classes": [IsAuthenticated]})
    return view.as_view(ONE if detail(path) else actions) if actions else view.as_view()


def rules(chain):
    """Permissions and throttles of the options of the chain's durin item."""
    options = next((item for item in chain if isinstance(item, dict) and item["scheme"] == "durin"), {})
    permissions, throttles = [], []
    if options.get("allow_clients"):
        permissions.append(type("Allow", (AllowSpecificClients,), {"allowed_clients_name": tuple(options["allow_clients"])}))
    if options.get("deny_clients"):
        permissions.append(type("Deny", (DisallowSpecificClients,), {"disallowed_clients_name": tuple(options["deny_clients"])}))
    if options.get("user_per_client"):
        rate = None if options["user_per_client"] == "none" else options["user_per_client"]
        throttles.append(type("Throttle", (UserClientRateThrottle,), {"THROTTLE_RATES": {"user_per_client": rate}}))
    return permissions, throttles


def configure(chain, path):
    """REST_DURIN of what stands at the path and of the options of the chain."""
    values = dict(VIEWS[detail(path) or path][2]) if is_endpoint(path) else {}
    for item in chain:
        if isinstance(item, dict) and item["scheme"] == "durin" and "auth_header_prefix" in item:
            values["AUTH_HEADER_PREFIX"] = item["auth_header_prefix"]
    # It adds "token" to the list of its class, so that after one POST every GET of the process would say the token.
    APIAccessTokenSerializer.Meta.fields = list(ACCESS_FIELDS)
    durin_settings.reload()
    durin_settings._user_settings = values


# ---------------------------------------------------------------- rows
CLIENTS = {
    "web": (DAY, ""), "mobile": (30 * DAY, ""), "cli": (timedelta(hours=1), ""), "api": (365 * DAY, ""), "short": (90 * SECOND, ""),
    "odd": (timedelta(days=3, microseconds=1), ""), "caf\u00e9 \u2615": (400 * DAY, ""), "True": (DAY, ""), "5": (DAY, ""), "1.5": (DAY, ""),
    "0": (DAY, ""), "CASE": (DAY, ""), "case": (7 * DAY, ""), " padded": (DAY, ""), "long" + "g" * 60: (DAY, ""),
    "stopped a second": (DAY, "0/s"), "stopped a minute": (DAY, "0/m"), "stopped an hour": (DAY, "0/h"), "stopped a day": (DAY, "0/d"), "fast": (DAY, "1000/s"),
}
# what `expires_in_str` says something else of, in seconds
LENGTHS = [0, 1, 2, 59, 60, 89, 90, 91, 3569, 3570, 5399, 5400, 9000, 84599, 84600, 86399, 86400, 86400 * 2, 86400 * 15, 86400 * 16, 86400 * 45,
           86400 * 46, 86400 * 350, 86400 * 351, 86400 * 365, 86400 * 380, 86400 * 381, 86400 * 411, 86400 * 717, 86400 * 730, 86400 * 1000, 86400 * 36500]


class Tokens:
    """Rows of durin_authtoken; `made` says by label what the token is, whose and of which client."""

    def __init__(self):
        self.made = {}
        for name, (ttl, rate) in CLIENTS.items():
            Client.objects.create(name=name, token_ttl=ttl, throttle_rate=rate)

    def add(self, label, owner, client, expiry=DAY, created=-SECOND, token=None):
        token = hashlib.sha256(b"durin " + label.encode()).hexdigest() if token is None else token
        row = AuthToken(token=token, user=User.objects.get(username=owner), client=Client.objects.get(name=client), expiry=BASE + expiry)
        row.save(force_insert=True)
        AuthToken.objects.filter(pk=row.pk).update(created=BASE + created)
        self.made[label] = {"id": row.pk, "token": token, "user": owner, "client": client}


def seed_good(t):
    for name in ("alice", "frank", "grace", "unusable", "\u00fcn\u00efcode", "\u7528\u6237", "colon", " padded ", "CaseUser", "root", "blank-hash"):
        t.add("good/" + name, name, "web")
    for client in list(CLIENTS)[1:]:
        t.add("client/" + client, "alice", client)
    t.add("good/ends now", "erin", "web", expiry=timedelta())
    t.add("good/ends in a microsecond", "erin", "mobile", expiry=MICROSECOND)
    t.add("good/ends in a second", "erin", "cli", expiry=SECOND)
    for number, token in enumerate(("abc", "t\u00f6k\u00e9n-\u043a\u043b\u044e\u0447-\U0001f511", '"quoted"', "a,b=c;d", "Token")):
        t.add("odd/" + token, "member17", list(CLIENTS)[number], token=token)
    for number, length in enumerate(LENGTHS):
        client, name = list(CLIENTS)[number % 8], MEMBERS[number // 8]
        t.add("length/%d" % length, name, client, created=-timedelta(seconds=length) + SECOND * 5, expiry=SECOND * 5)
    for name in MEMBERS[4:14]:
        for client in ("web", "api", "cli")[:1 + MEMBERS.index(name) % 3]:
            t.add("member/%s %s" % (name, client), name, client, expiry=10 * DAY)


def seed_expired(t):
    t.add("expired/a microsecond ago", "caseuser", "web", expiry=-MICROSECOND)
    t.add("expired/long ago", "caseuser", "mobile", expiry=-400 * DAY)
    t.add("expired/beside a good one", "bob", "web", expiry=-SECOND)
    t.add("good/beside an expired one", "bob", "mobile")
    for name in MEMBERS[18:24]:
        t.add("expired/" + name, name, "web", expiry=-SECOND)
        t.add("expired/" + name + " api", name, "api", expiry=-SECOND)
    t.add("inactive/good", "inactive", "web")
    t.add("inactive/other", "inactive", "mobile")
    t.add("inactive/expired", "inactive", "cli", expiry=-SECOND)


def seed():
    from django.db import connection, transaction
    from freezegun import freeze_time
    s = Seeder()
    with transaction.atomic(), freeze_time(BASE):
        seed_first_users(s)
        for name in MEMBERS:
            s.user(name, "password of " + name)
        s.token("alice", "0123456789abcdef0123456789abcdef01234567")
        t = Tokens()
        seed_good(t)
        seed_expired(t)
        with connection.cursor() as c:
            c.execute("update django_migrations set applied = '2024-01-02 03:04:05.678901'")
    clients = {name: {"ttl": ttl.total_seconds(), "rate": rate} for name, (ttl, rate) in CLIENTS.items()}
    return {"users": s.users, "tokens": s.tokens, "durin": t.made, "clients": clients, "epoch": BASE.timestamp()}


# ---------------------------------------------------------------- what a request does
EVENTS = []


def note(name, user):
    EVENTS.append({"name": name, **({} if name == "logged_out" else {"username": user})})


def on_expired(sender, username, **kw):
    note("token_expired", username)


def on_renewed(sender, **kw):
    note("token_renewed", sender.user.get_username())


def on_login(sender, user, **kw):
    note("logged_in", user.get_username())


def on_logout(sender, user, **kw):
    note("logged_out", user.get_username())


def on_failure(sender, credentials, **kw):
    note("login_failed", credentials.get("username"))


token_expired.connect(on_expired)
token_renewed.connect(on_renewed)
user_logged_in.connect(on_login)
user_logged_out.connect(on_logout)
user_login_failed.connect(on_failure)


def text(moment):
    return None if moment is None else str(moment).removesuffix("+00:00")


def rows():
    tokens = {row.token: (text(row.expiry), row.user.get_username(), row.client.name)
              for row in AuthToken.objects.select_related("user", "client")}
    return tokens, dict(User.objects.values_list("username", "last_login"))


def written(before, after):
    """The difference of two `rows()`."""
    (old, old_logins), (new, logins), out = before, after, {}
    if old.keys() - new.keys():
        out["durin_deleted"] = sorted(old.keys() - new.keys())
    renewed = {token: new[token][0] for token in old if token in new and new[token] != old[token]}
    if renewed:
        out["durin_renewed"] = renewed
    for token in new.keys() - old.keys():
        out["durin_created"] = {"user": new[token][1], "client": new[token][2], "expiry": new[token][0], "digits": len(token)}
    for name, moment in logins.items():
        if moment != old_logins[name]:
            out["last_login"] = {name: text(moment)}
    return out


def masked(body, before):
    """A fresh token is random: the number of its digits is not."""
    if not isinstance(body, dict) or "token" not in body or body["token"] in before[0]:
        return body
    return {**body, "token": "<+%d>" % len(body["token"])}
