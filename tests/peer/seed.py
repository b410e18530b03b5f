"""The rows that the requests of the corpus meet: users, tokens and sessions.

Everything is derived from names and from one moment (`EPOCH`), so that two runs make the same rows. Imported by drf.py once
Django is configured; the clock stands still at `EPOCH` while rows are made.
"""
import base64
import hashlib
import json
import sys
import zlib
from datetime import datetime, timedelta, timezone

from django.conf import settings
from django.contrib.auth import get_user_model, hashers
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing
from django.db import connection, transaction
from django.utils.crypto import salted_hmac
from rest_framework.authtoken.models import Token

User = get_user_model()
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


# ---------------------------------------------------------------- sessions
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
REMOTE_BACKEND = "django.contrib.auth.backends.RemoteUserBackend"
SALT = "django.contrib.sessions.SessionStore"
CSRF_SECRET = "abcdefghijklmnopqrstuvwxyzABCDEF"
FORTNIGHT, DECADE = timedelta(days=14), timedelta(days=3650)
# users whose sessions are good; a session does not ask whether the password can be used
OWNERS = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "unusable", "\u00fcn\u00efcode", "\u7528\u6237", "empty-password",
    "colon", " padded ", "CaseUser", "caseuser", "old-iterations", "gibberish", "blank-hash", "root", "jos\u00e9", "col:on",
    "line\nfeed", "\U0001f980crab", "member01", "member02", "member03", "member04", "member05", "member06",
]
DISABLED = ["inactive", "inactive-sha1", "in\u00e4ktiv", "inactive-root"]


def session_key(label):
    """32 characters of a-z0-9, as Django draws them."""
    abc = "abcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(abc[b % 36] for b in hashlib.sha256(b"session " + label.encode()).digest())


def login(name, backend=MODEL_BACKEND, secret=None, **more):
    """What django.contrib.auth.login leaves in a session."""
    user = User.objects.get(username=name)
    proof = user.get_session_auth_hash() if secret is None else user._get_session_auth_hash(secret=secret)
    return {"_auth_user_id": str(user.pk), "_auth_user_backend": backend, "_auth_user_hash": proof, **more}


def without(data, name):
    return {k: v for k, v in data.items() if k != name}


def signed(data, key=None, salt=SALT, compress=True):
    return signing.dumps(data, key=key, salt=salt, compress=compress)


class Sessions:
    """Rows of django_session; `labels` says which key stands for what."""

    def __init__(self):
        self.labels = {}

    def raw(self, label, text, expires=DECADE, key=None):
        key = session_key(label) if key is None else key
        self.labels[label] = key
        SessionStore.get_model_class().objects.create(
            session_key=key, session_data=text, expire_date=EPOCH + expires)

    def add(self, label, data, **kw):
        self.raw(label, SessionStore().encode(data), **kw)


def seed_good_sessions(s):
    for name in OWNERS:
        s.add("good/" + name, login(name), expires=FORTNIGHT if name == "member06" else DECADE)
    old = settings.SECRET_KEY_FALLBACKS[0]
    s.add("good/remote backend", login("alice", REMOTE_BACKEND))
    s.add("good/compressed", login("alice", padding="x" * 3000, text="\u00fcn\u00efcode \U0001f980"))
    s.raw("good/not compressed", signed(login("bob", padding="x" * 300), compress=False))
    s.raw("good/signed by fallback", signed(login("alice"), key=old))
    s.raw("good/signed by second fallback", signed(login("bob"), key=settings.SECRET_KEY_FALLBACKS[1]))
    s.add("good/expiry in seconds", login("alice", _session_expiry=3600))
    s.add("good/expiry zero", login("alice", _session_expiry=0))
    s.add("good/expiry date", login("bob", _session_expiry="2024-03-01T00:00:00+00:00"))
    s.add("good/expiry long past", login("bob", _session_expiry="2020-01-01T00:00:00+00:00"))
    s.add("good/more members", login("alice", cart=[1, 2.5, None, {"a": "\u00e9"}], language="de", _language=True))
    for label, value in (("int", 1), ("blanks", " 1 "), ("plus", "+1"), ("zeros", "001"), ("underscore", "0_1"), ("float", 1.0),
                         ("arabic", "\u0661"), ("true", True), ("fraction", 1.9)):
        s.add("good/id " + label, {**login("alice"), "_auth_user_id": value})
    s.add("good/short key", login("alice"), key="abcd1234")
    s.add("good/long key", login("alice"), key="long" * 10)
    s.add("good/odd key", login("alice"), key="UPPER_lower-!~0123456789")
    s.add("good/key with equals", login("bob"), key="a=b=c=d=e=f=")
    s.add("good/key with blank", login("bob"), key="two words of a key")
    s.add("good/key beyond ascii", login("carol"), key="schl\u00fcssel-\u043a\u043b\u044e\u0447")
    s.add("fallback/hash", login("alice", secret=old))
    s.add("fallback/second hash", login("member01", secret=settings.SECRET_KEY_FALLBACKS[1]))
    s.raw("fallback/hash and signature", signed(login("bob", secret=old), key=old))
    s.add("fallback/with more", login("carol", secret=old, cart=[1], _csrftoken=CSRF_SECRET))
    s.add("fallback/expiry", login("dave", secret=old, _session_expiry=600))


def seed_csrf_sessions(s):
    for label, value in (("plain", CSRF_SECRET), ("masked", "Z" * 32 + "YXWVUTSRQPONMLKJIHGFEDCBA9876543"), ("digits", "0123456789" * 3 + "ab"),
                         ("short", "abc"), ("long", "a" * 65), ("characters", "!" * 32), ("empty", ""), ("null", None)):
        s.add("csrf/" + label, login("alice", _csrftoken=value))
    s.add("csrf/other", login("bob", _csrftoken="zyxwvutsrqponmlkjihgfedcba012345"))


def seed_bad_sessions(s):
    good = login("alice")
    for name in DISABLED:
        s.add("bad/disabled " + name, login(name))
    s.add("bad/no id", without(good, "_auth_user_id"))
    s.add("bad/no backend", without(good, "_auth_user_backend"))
    s.add("bad/anonymous", {"cart": [1, 2, 3]})
    s.add("bad/empty", {})
    s.add("bad/only csrf", {"_csrftoken": CSRF_SECRET})
    for label, value in (("unknown", "example.OtherBackend"), ("empty", ""), ("null", None), ("case", MODEL_BACKEND.lower()), ("list", [MODEL_BACKEND])):
        s.add("bad/backend " + label, {**good, "_auth_user_backend": value})
    for label, value in (("gone", "99999"), ("zero", "0"), ("negative", "-1"), ("null", None), ("huge", "9" * 40), ("false", False)):
        s.add("bad/id " + label, {**good, "_auth_user_id": value})
    for label, value in (("word", "abc"), ("empty", ""), ("list", [1]), ("decimal", "1.0"), ("nul", "1\0"), ("name", "alice"), ("hex", "0x1")):
        s.add("crash/id " + label, {**good, "_auth_user_id": value})
    s.add("bad/disabled under fallback", login("inactive", secret=settings.SECRET_KEY_FALLBACKS[0]))
    seed_wrong_hashes(s, good)
    seed_expired(s)
    seed_corrupted(s, good)


def seed_wrong_hashes(s, good):
    proof = good["_auth_user_hash"]
    other = salted_hmac("x", "y", secret="stranger", algorithm="sha256").hexdigest()
    s.add("flushed/no hash", without(good, "_auth_user_hash"))
    s.add("flushed/hash of a stranger key", login("alice", secret="stranger"))
    s.add("flushed/hash of another user", {**good, "_auth_user_id": "2"})
    for label, value in (("zeros", "0" * 64), ("upper", proof.upper()), ("cut", proof[:-1]), ("longer", proof + "0"), ("empty", ""), ("null", None),
                         ("false", False), ("other", other), ("beyond ascii", "\u00e9" * 64), ("number", 5), ("blank", proof + " ")):
        s.add("flushed/hash " + label, {**good, "_auth_user_hash": value})


def seed_expired(s):
    for label, after in (("now", timedelta()), ("a second before", -timedelta(seconds=1)), ("long before", -DECADE),
                         ("a microsecond after", timedelta(microseconds=1)), ("an hour after", timedelta(hours=1))):
        s.add("expiry/" + label, login("alice"), expires=after)
    whole = timedelta(microseconds=-EPOCH.microsecond)
    s.add("expiry/whole second", login("bob"), expires=whole)
    s.add("expiry/next whole second", login("bob"), expires=whole + timedelta(seconds=1))
    s.add("expiry/own", login("bob", _session_expiry=60), expires=timedelta(seconds=60))


def seed_corrupted(s, good):
    text = SessionStore().encode(good)
    data, stamp, mac = text.split(":")
    squeezed = SessionStore().encode({**good, "padding": "x" * 500})
    flip = "A" if mac[5] != "A" else "B"
    for label, value in (
            ("empty", ""), ("one part", data), ("two parts", data + ":" + stamp), ("four parts", text + ":x"), ("no data", ":%s:%s" % (stamp, mac)),
            ("mac changed", "%s:%s:%s" % (data, stamp, mac[:5] + flip + mac[6:])), ("mac cut", text[:-1]), ("mac longer", text + "A"), ("mac padded", text + "="),
            ("mac empty", "%s:%s:" % (data, stamp)), ("time changed", "%s:%s:%s" % (data, stamp[:-1] + "0", mac)),
            ("data changed", "x" + text), ("dot in front", "." + text), ("dot lost", squeezed[1:]), ("blank behind", text + " "),
            ("line behind", text + "\n"), ("old encoding", base64.b64encode(b"0" * 40 + b":{}").decode()), ("beyond ascii", text + "\u00e9"),
            ("signed by a stranger", signed(good, key="stranger")), ("other salt", signed(good, salt="django.contrib.sessions.backends.db")),
            ("cookie salt", signed(good, salt="django.contrib.sessions.backends.signed_cookies"))):
        s.raw("corrupted/" + label, value)
    signer = signing.TimestampSigner(salt=SALT)
    for label, value in (("not base64", "!!!"), ("not json", b64url(b"hello")), ("not utf-8", b64url(b"\xff\xfe{}")), ("not zlib", "." + b64url(b"hello")),
                         ("zlib cut", "." + b64url(zlib.compress(json.dumps(good).encode())[:-6])), ("nothing", "")):
        s.raw("corrupted/signed but " + label, signer.sign(value))
    plain = signing.Signer(salt=SALT)
    for label, stamp in (("no time", None), ("time not base 62", "!!"), ("time empty", ""), ("time of nothing", "0"), ("time negative", "-1r31eq")):
        s.raw(("good/" if stamp in ("0", "-1r31eq") else "corrupted/") + label, plain.sign(data if stamp is None else "%s:%s" % (data, stamp)))
    s.raw("good/json with blanks", signer.sign(b64url(json.dumps(good, indent=2).encode())))
    s.raw("good/json with member twice", signer.sign(b64url(('{"_auth_user_id": "2", %s' % json.dumps(good)[1:]).encode())))
    s.raw("good/padded", signer.sign(base64.urlsafe_b64encode(json.dumps({**good, "x": "yy"}).encode()).decode()))
    for label, value in (("list", [1]), ("number", 5), ("text", "x"), ("null", None)):
        s.raw("crash/json " + label, signed(value))


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seed_sessions():
    s = Sessions()
    seed_good_sessions(s)
    seed_csrf_sessions(s)
    seed_bad_sessions(s)
    return s.labels


def versions(*more):
    from importlib.metadata import version
    names = ["Django", "djangorestframework", "argon2-cffi", "bcrypt", *more]
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def seed():
    from freezegun import freeze_time
    s = Seeder()
    with transaction.atomic(), freeze_time(EPOCH):
        seed_first_users(s)
        seed_more_users(s)
        seed_tokens(s)
        sessions = seed_sessions()
        fix_dates()
    return {
        "secret": settings.SECRET_KEY, "fallbacks": settings.SECRET_KEY_FALLBACKS, "allowed_hosts": settings.ALLOWED_HOSTS,
        "pbkdf2_iterations": hashers.PBKDF2PasswordHasher.iterations, "users": s.users, "tokens": s.tokens,
        "sessions": sessions, "epoch": EPOCH.timestamp(), "versions": versions()}
