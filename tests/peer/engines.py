"""Sessions which are not rows: signed cookies and files. Imported by drf.py once Django is configured.

The same moment, users and secrets as the rows of seed.py; `sessions()` needs the seeded database.
"""
import functools
import os
import tempfile
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.backends.file import SessionStore as FileStore
from django.core import signing

from seed import CSRF_SECRET, DISABLED, EPOCH, OWNERS, login, session_key, signed, without

COOKIE_SALT = "django.contrib.sessions.backends.signed_cookies"
PREFIX = "sessionid"                          # files are named after SESSION_COOKIE_NAME
STATE = {}


def contents():
    """(label, payload) for both engines."""
    old = settings.SECRET_KEY_FALLBACKS[0]
    good = login("alice")
    for name in OWNERS[:23]:
        yield "good/" + name, login(name)
    yield "good/compressed", login("alice", padding="x" * 3000)
    yield "good/csrf", login("alice", _csrftoken=CSRF_SECRET)
    yield "good/expiry in seconds", login("alice", _session_expiry=60)
    yield "good/expiry zero", login("alice", _session_expiry=0)
    yield "good/expiry date", login("bob", _session_expiry="2024-03-01T00:00:00+00:00")
    yield "past/expiry date", login("bob", _session_expiry="2024-01-01T00:00:00+00:00")
    yield "fallback/hash", login("alice", secret=old)
    for name in DISABLED:
        yield "bad/disabled " + name, login(name)
    yield "bad/anonymous", {"cart": [1]}
    yield "bad/empty", {}
    yield "bad/no id", without(good, "_auth_user_id")
    yield "bad/no backend", without(good, "_auth_user_backend")
    yield "bad/backend unknown", {**good, "_auth_user_backend": "example.OtherBackend"}
    yield "bad/id gone", {**good, "_auth_user_id": "99999"}
    yield "crash/id word", {**good, "_auth_user_id": "abc"}
    yield "flushed/no hash", without(good, "_auth_user_hash")
    yield "flushed/hash zeros", {**good, "_auth_user_hash": "0" * 64}


def frozen(days=0, seconds=0):
    from freezegun import freeze_time
    return freeze_time(EPOCH + timedelta(days=days, seconds=seconds))


def cookies():
    good, out = login("alice"), {}
    with frozen():
        for label, data in contents():
            out[label] = signed(data, salt=COOKIE_SALT)
        out["good/not compressed"] = signed(login("bob", padding="x" * 300), salt=COOKIE_SALT, compress=False)
        out["good/signed by fallback"] = signed(good, salt=COOKIE_SALT, key=settings.SECRET_KEY_FALLBACKS[0])
        text = out["good/alice"]
        data, stamp, mac = text.split(":")
        out["corrupted/signed by a stranger"] = signed(good, salt=COOKIE_SALT, key="stranger")
        out["corrupted/salt of rows"] = signed(good)
        out["corrupted/mac cut"] = text[:-1]
        out["corrupted/time changed"] = ":".join([data, stamp[:-1] + "0", mac])
        out["corrupted/data changed"] = "x" + text
        out["corrupted/two parts"] = data + ":" + stamp
        out["corrupted/list"] = signed([1], salt=COOKIE_SALT)
        out["corrupted/short"] = "abc"
        out["corrupted/word"] = "a" * 32
    for label, days, seconds in (("good/just before its age", -14, 1), ("past/its age", -14, 0), ("past/a second more", -14, -1), ("past/long ago", -400, 0),
                                 ("good/of tomorrow", 1, 0), ("good/of an hour ago", 0, -3600)):
        with frozen(days, seconds):
            out[label] = signed(good, salt=COOKIE_SALT)
    return out


def file_entries():
    """(label, key, text, seconds since EPOCH of the last modification)"""
    for label, data in contents():
        yield label, session_key("file " + label), SessionStore().encode(data), 0
    text = SessionStore().encode(login("alice"))
    for label, value in (("nothing in it", ""), ("mac cut", text[:-1]), ("word", "hello"), ("line behind", text + "\n"), ("signed by a stranger", signed(login("alice"), key="stranger")),
                         ("cookie salt", signed(login("alice"), salt=COOKIE_SALT)), ("beyond ascii", text + "\u00e9")):
        yield "corrupted/" + label, session_key("file corrupted " + label), value, 0
    yield "good/signed by fallback", session_key("file fallback"), signed(login("bob"), key=settings.SECRET_KEY_FALLBACKS[0]), 0
    yield "good/short key", "abcd1234", text, 0
    fortnight = 14 * 86400
    for label, age in (("good/almost two weeks old", fortnight - 2), ("past/two weeks old", fortnight), ("past/older", fortnight + 1), ("past/ancient", fortnight * 30),
                       ("good/of tomorrow", -86400)):
        yield label, session_key("file " + label), text, -age


@functools.cache
def files_to_write():
    with frozen():
        return [(label, key, text, EPOCH.timestamp() + seconds) for label, key, text, seconds in file_entries()]


def sessions():
    files = {label: {"key": key, "name": PREFIX + key, "content": text, "mtime": mtime} for label, key, text, mtime in files_to_write()}
    return {"cookies": cookies(), "files": files}


# ---------------------------------------------------------------- the folder of the file engine
def is_file_engine():
    return settings.SESSION_ENGINE.endswith(".file")


def folder():
    if not STATE:
        STATE["folder"] = tempfile.TemporaryDirectory()
        FileStore._storage_path = STATE["folder"].name
    return STATE["folder"].name


def restore():
    """Put the folder into its first state."""
    if not is_file_engine():
        return
    for name in os.listdir(folder()):
        os.unlink(os.path.join(folder(), name))
    for _, key, text, mtime in files_to_write():
        path = os.path.join(folder(), PREFIX + key)
        with open(path, "w", encoding="utf-8", newline="") as f:
            f.write(text)
        os.utime(path, (mtime, mtime))


def files():
    if not is_file_engine():
        return {}
    out = {}
    for name in sorted(os.listdir(folder())):
        with open(os.path.join(folder(), name), encoding="utf-8", newline="") as f:
            out[name] = f.read(), os.fstat(f.fileno()).st_ino
    return out


def written(before, after):
    out = {}
    if [name for name in before if name not in after]:
        out["files_deleted"] = [name for name in before if name not in after]
    fresh = [name for name in after if name not in before]
    if fresh:
        out["files_created"] = len(fresh)
        out["file_data"] = SessionStore().decode(after[fresh[-1]][0])
    changed = [name for name in after if name in before and after[name] != before[name]]
    if changed:
        out["files_rewritten"] = changed
    return out


def signed_cookies(cookies):
    """What the engine of the signed cookies sets: decoded, as the text depends on zlib."""
    out, data = [], {}
    for text in cookies:
        name, _, rest = text.partition("=")
        value, _, attributes = rest.partition(";")
        if settings.SESSION_ENGINE.endswith(".signed_cookies") and value != '""':
            data["cookie_data"] = signing.loads(value, salt=COOKIE_SALT)
            text = "%s=<signed>;%s" % (name, attributes)
        out.append(text)
    return out, data


def key_of(name):
    return name.removeprefix(settings.SESSION_COOKIE_NAME)
