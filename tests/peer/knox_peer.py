"""django-rest-knox for drf.py: its rows, its scheme and views, what it writes and what it announces.

Imported by drf.py with --knox once Django is configured. The rows are derived from labels and from one moment (`BASE`),
as those of seed.py are.
"""
import hashlib
from datetime import datetime, timedelta, timezone

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from knox.signals import token_expired
from knox.views import LoginView, LogoutAllView, LogoutView

from seed import Seeder, seed_first_users

User = get_user_model()
# whole seconds: a moment in a request has no more
BASE = datetime(2024, 1, 2, 4, 0, 0, tzinfo=timezone.utc)
HOURS = timedelta(hours=10)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
MEMBERS = ["member%02d" % n for n in range(1, 25)]

# ---------------------------------------------------------------- settings
SHORT = {"token_limit_per_user": 3, "token_prefix": "svc_", "auth_token_character_length": 48, "token_ttl": 90,
         "secure_hash_algorithm": "hashlib.sha256"}
# path -> view, options of its scheme, settings of the view
VIEWS = {
    "/api/auth/login/": (LoginView, {}, {}),
    "/api/auth/logout/": (LogoutView, {}, {}),
    "/api/auth/logoutall/": (LogoutAllView, {}, {}),
    "/short/login/": (LoginView, SHORT, {
        "USER_SERIALIZER": "knox.serializers.UserSerializer", "EXPIRY_DATETIME_FORMAT": "%a %d.%m.%y %H:%M:%S.%f %z"}),
    "/endless/login/": (LoginView, {"token_ttl": 0, "token_prefix": "0123456789"}, {}),
}
PERHAPS_NONE = ("token_limit_per_user",)
DURATIONS = ("token_ttl", "auto_refresh_max_ttl")


def rest_knox(chain, path):
    """REST_KNOX of the options of the chain's knox items, and of what stands at the path."""
    options, out = {}, {}
    for item in chain:
        if isinstance(item, dict) and item["scheme"] == "knox":
            options.update(item)
    options.pop("scheme", None)
    if path in VIEWS:
        _, of_scheme, of_view = VIEWS[path]
        options.update(of_scheme)
        out.update(of_view)
    for name, value in options.items():
        if name in PERHAPS_NONE + DURATIONS:
            value = value or None
        out[name.upper()] = timedelta(seconds=value) if name in DURATIONS and value else value
    return out


# ---------------------------------------------------------------- rows
class Tokens:
    """Rows of knox_authtoken; `made` says by label what the token is and whose."""

    def __init__(self):
        self.made = {}

    def add(self, label, owner, expiry=HOURS, created=-SECOND, token=None, prefix="", hash=hashlib.sha512):
        token = prefix + hashlib.sha256(b"knox " + label.encode()).hexdigest() if token is None else token
        expiry = None if expiry is None else BASE + expiry
        digest = hash(token.encode()).hexdigest()
        AuthToken(digest=digest, token_key=token[:15], user=User.objects.get(username=owner), expiry=expiry).save(force_insert=True)
        AuthToken.objects.filter(digest=digest).update(created=BASE + created)
        self.made[label] = {"token": token, "user": owner}


def seed_good(t):
    for name in ("alice", "frank", "grace", "unusable", "\u00fcn\u00efcode", "\u7528\u6237", "colon", " padded ", "CaseUser", "root", "blank-hash"):
        t.add("good/" + name, name)
    for name in MEMBERS[:16]:
        t.add("good/" + name, name, expiry=None if name < "member06" else timedelta(days=3650))
    for n in range(3):
        t.add("good/alice %d" % n, "alice", expiry=HOURS + n * SECOND)
    t.add("good/ends now", "erin", expiry=timedelta())
    t.add("good/ends in a microsecond", "erin", expiry=MICROSECOND)
    t.add("good/ends in a second", "erin", expiry=SECOND)
    t.add("good/prefix", "alice", prefix="svc_")
    t.add("good/long prefix", "alice", prefix="0123456789")
    for name in ("sha384", "sha256", "sha224", "sha3_512", "sha3_384", "sha3_256"):
        t.add("hash/" + name, "frank", hash=getattr(hashlib, name))
    for token in ("abc", "x" * 15, "y" * 16, "t\u00f6k\u00e9n-\u043a\u043b\u044e\u0447-\U0001f511-0123456789", '"quoted-token-here"', "a,b=c;d", "Token"):
        t.add("odd/" + token, "member17", token=token)


def seed_expired(t):
    t.add("expired/a microsecond ago", "caseuser", expiry=-MICROSECOND)
    t.add("expired/long ago", "caseuser", expiry=-timedelta(days=400))
    t.add("expired/alone", "jos\u00e9", expiry=-SECOND)
    t.add("siblings/good", "bob")
    for n in range(3):
        t.add("siblings/expired %d" % n, "bob", expiry=-SECOND * (n + 1))
    t.add("siblings/never", "carol", expiry=None)
    t.add("siblings/never expired", "carol", expiry=-HOURS)
    for n in range(2):
        t.add("siblings/both expired %d" % n, "dave", expiry=-HOURS)
    t.add("inactive/good", "inactive")
    t.add("inactive/never", "inactive", expiry=None)
    t.add("inactive/expired", "inactive", expiry=-SECOND)
    same = "samestart123456"
    t.add("same/alice", "alice", token=same + "a" * 49)
    t.add("same/old-iterations", "old-iterations", token=same + "b" * 49)
    t.add("same/expired", "old-iterations", token=same + "c" * 49, expiry=-SECOND)
    t.add("same/inactive", "inactive", token=same + "d" * 49)


def seed_renewals(t):
    for label, expiry in (("at once", HOURS), ("59 s", HOURS - 59 * SECOND), ("60 s", HOURS - 60 * SECOND), ("60 s and more", HOURS - 60 * SECOND - MICROSECOND),
                          ("61 s", HOURS - 61 * SECOND), ("soon", SECOND), ("later", HOURS * 2)):
        t.add("renew/" + label, "short-salt", expiry=expiry)
    for hours in (1, 9, 10, 11, 19, 20, 21, 30):
        t.add("renew/made %d hours ago" % hours, "gibberish", expiry=SECOND * 120, created=-timedelta(hours=hours))
    t.add("renew/never", "short-salt", expiry=None)
    t.add("renew/inactive", "inactive", expiry=SECOND)
    t.add("renew/expired", "unknown-alg", expiry=-SECOND)
    t.add("renew/expired beside", "unknown-alg", expiry=SECOND)


def seed_limits(t):
    for name, live, expired, endless in (("member20", 2, 0, 0), ("member21", 3, 0, 0), ("member22", 2, 3, 0), ("member23", 2, 0, 1), ("member24", 1, 5, 1)):
        for n in range(live):
            t.add("limit/%s %d" % (name, n), name)
        for n in range(expired):
            t.add("limit/%s expired %d" % (name, n), name, expiry=-SECOND if n else timedelta())
        for n in range(endless):
            t.add("limit/%s never %d" % (name, n), name, expiry=None)


def seed():
    from django.db import connection, transaction
    from freezegun import freeze_time
    s, t = Seeder(), Tokens()
    with transaction.atomic(), freeze_time(BASE):
        seed_first_users(s)
        for name in MEMBERS:
            s.user(name, "password of " + name)
        s.token("alice", "0123456789abcdef0123456789abcdef01234567")
        for part in (seed_good, seed_expired, seed_renewals, seed_limits):
            part(t)
        with connection.cursor() as c:
            c.execute("update django_migrations set applied = '2024-01-02 03:04:05.678901'")
    return {"users": s.users, "tokens": s.tokens, "knox": t.made, "epoch": BASE.timestamp()}


# ---------------------------------------------------------------- what a request does
EVENTS = []


def note(name, user, **more):
    EVENTS.append({"name": name, **({} if name == "logged_out" else {"username": user}), **more})


def on_expired(sender, username, source, **kw):
    note("token_expired" if source == "auth_token" else "other_token_expired", username)


def on_login(sender, user, **kw):
    note("logged_in", user.get_username())


def on_logout(sender, user, **kw):
    note("logged_out", user.get_username())


def on_failure(sender, credentials, **kw):
    note("login_failed", credentials.get("username"))


token_expired.connect(on_expired)
user_logged_in.connect(on_login)
user_logged_out.connect(on_logout)
user_login_failed.connect(on_failure)


def text(moment):
    return None if moment is None else str(moment).removesuffix("+00:00")


def rows():
    tokens = {row.digest: (text(row.expiry), row.user.get_username()) for row in AuthToken.objects.select_related("user")}
    return tokens, dict(User.objects.values_list("username", "last_login"))


def written(before, after):
    """The difference of two `rows()`."""
    (old, old_logins), (new, logins), out = before, after, {}
    if old.keys() - new.keys():
        out["knox_deleted"] = sorted(old.keys() - new.keys())
    renewed = {digest: new[digest][0] for digest in old if digest in new and new[digest] != old[digest]}
    if renewed:
        out["knox_renewed"] = renewed
    for digest in new.keys() - old.keys():
        out["knox_created"] = {"user": new[digest][1], "expiry": new[digest][0], "digits": len(digest)}
    for name, moment in logins.items():
        if moment != old_logins[name]:
            out["last_login"] = {name: text(moment)}
    return out


def masked(body, _before):
    """A fresh token is random: its prefix and the number of its digits are not."""
    if not isinstance(body, dict) or "token" not in body:
        return body
    from knox.settings import knox_settings
    prefix = knox_settings.TOKEN_PREFIX
    return {**body, "token": "<%s+%d>" % (prefix, len(body["token"]) - len(prefix))}


def scheme(options):
    return TokenAuthentication
