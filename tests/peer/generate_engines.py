"""Requests for the second corpus: sessions in signed cookies, in files, and in the cache in front of the rows."""
from generate import b64, wire
from generate_browser import SECRET, UNSAFE, Browser

ENGINE = "django.contrib.sessions.backends."


class Engines(Browser):
    """`manifest` is that of the rows, `stored` holds what the other engines store."""

    def __init__(self, manifest, stored, seed):
        super().__init__(manifest, seed, [])
        self.stored = stored

    def add(self, label, chain, headers=(), **kw):
        before = len(self.out)
        super().add(label, chain, headers, **kw)
        for row in self.out[before:]:
            row["id"] = row["id"].replace("drf", "engine")

    def put(self, label, engine, value, conf=None, chain=None, headers=(), **kw):
        name = (conf or {}).get("SESSION_COOKIE_NAME", "sessionid")
        more = kw.pop("more", [])
        self.ask(label, chain or ["session"], [["Cookie", "; ".join(["%s=%s" % (name, value)] + more)], *headers],
                 settings={"SESSION_ENGINE": ENGINE + engine, **(conf or {})}, **kw)

    def every_way(self, label, engine, value):
        self.put(label, engine, value, at=self.now)
        self.put(label, engine, value, {"SESSION_SAVE_EVERY_REQUEST": True}, at=self.now)
        if self.chance(0.4):
            self.put(label, engine, value, chain=self.session_chain(), method=self.pick(UNSAFE), more=["csrftoken=" + SECRET], headers=[["X-CSRFToken", self.masked()]])
        if not label.startswith("good") and self.chance(0.5):
            self.put(label, engine, value, chain=["session", "basic"], headers=[["Authorization", "Basic " + b64(self.pair())]])

    def signed_cookies(self):
        for label, value in self.stored["cookies"].items():
            self.every_way("cookies/" + label, "signed_cookies", value)
        for age in (1, 59, 60, 61, 86400, 10 ** 9):
            for label in ("good/alice", "past/long ago", "good/of an hour ago", "good/of tomorrow"):
                self.put("cookies/age", "signed_cookies", self.stored["cookies"][label], {"SESSION_COOKIE_AGE": age}, at=self.now)
        for value in ('"%s"' % self.stored["cookies"]["good/bob"], "", '""', self.sessions["good/alice"]):
            self.put("cookies/value", "signed_cookies", value)
        for token in (SECRET, SECRET[::-1], None):
            self.put("cookies/csrf", "signed_cookies", self.stored["cookies"]["good/csrf"], {"CSRF_USE_SESSIONS": True}, method="POST",
                     headers=[["X-CSRFToken", token]] if token else [])

    def files(self):
        for label, entry in self.stored["files"].items():
            self.every_way("files/" + label, "file", entry["key"])
        good = self.stored["files"]["good/alice"]["key"]
        for age in (1, 59, 60, 61, 62, 3600, 86400, 10 ** 9):
            for label in ("good/alice", "past/two weeks old", "good/expiry in seconds", "good/of tomorrow"):
                self.put("files/age", "file", self.stored["files"][label]["key"], {"SESSION_COOKIE_AGE": age}, at=self.now)
        for text in (good + "x", good.upper(), "../" + good, "/etc/passwd", "..", "../../../etc/passwd", good + "/", good + ".", "short", "", good[:-1], "a" * 300, "x" * 32, '"%s"' % good, wire("\u00e9" * 10), good + "\0"):
            self.put("files/key", "file", text)
        self.put("files/name", "file", good, {"SESSION_COOKIE_NAME": "sid"})
        for token in (SECRET, SECRET[::-1], None):
            self.put("files/csrf", "file", self.stored["files"]["good/csrf"]["key"], {"CSRF_USE_SESSIONS": True}, method="POST",
                     headers=[["X-CSRFToken", token]] if token else [])

    def cached_rows(self):
        for label in self.sessions:
            if label.startswith(("fallback", "flushed/no", "flushed/hash zeros", "expiry", "bad/id gone", "bad/disabled", "bad/anonymous", "corrupted/mac", "crash/id word", "good/exp")) or label in (
                    "good/alice", "good/bob", "good/\u7528\u6237", "good/compressed", "good/signed by fallback", "good/long key", "good/odd key"):
                self.every_way("cached/" + label, "cached_db", wire(self.sessions[label]))
        for text in ("short", "", "x" * 32, "two words of a key", "a" * 300):
            self.put("cached/key", "cached_db", text)

    def run(self):
        self.signed_cookies()
        self.files()
        self.cached_rows()
        return self.out


def generate_engines(manifest, stored, seed):
    return Engines(manifest, stored, seed).run()
