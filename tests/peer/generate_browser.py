"""Requests for the DRF corpus, second half: sessions, CSRF, remote users and the endpoint that hands out tokens.

Every line has its own clock (`at`), so that expiry does not depend on the day. Answers which depend on the server (what it
makes of two Cookie headers) are left out.
"""
import json
from urllib.parse import quote, urlencode

from generate import FORM, Generator, b64, wire

ABC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SECRET = "abcdefghijklmnopqrstuvwxyzABCDEF"       # also in the session "csrf/plain"
JSON, TEXT = "application/json", "text/plain"
SAFE, UNSAFE = ["GET", "HEAD", "OPTIONS", "TRACE"], ["POST", "PUT", "PATCH", "DELETE"]
UNKNOWN = ["FOO", "CONNECT", "PROPFIND", "PURGE", "foo", "get", "head", "options", "post", "Post", "delete"]
WRONG_LENGTHS = ["a", "a" * 31, "a" * 33, "a" * 63, "a" * 65, "a" * 500, "0" * 48]
WRONG_CHARACTERS = ["!" * 32, SECRET[:-1] + "-", "_" + SECRET[1:], SECRET[:15] + " " + SECRET[16:], "." * 64, SECRET + "=" * 32, SECRET[:31] + "\xe9"]
TRUSTED = {"CSRF_TRUSTED_ORIGINS": ["https://*.example.com", "https://exact.test", "http://plain.test:8080"]}
PORTED = {"CSRF_TRUSTED_ORIGINS": ["https://*.example.com:8443", "http://*.example.org"]}
ORIGINS = [
    "http://testserver", "https://testserver", "http://TESTSERVER", "HTTP://testserver", "http://testserver:80", "https://testserver:443",
    "http://testserver/", "http://testserver.", "//testserver", "testserver", "null", "", " ", "https://x.example.com", "https://x.y.example.com",
    "https://example.com", "https://.example.com", "https://X.EXAMPLE.COM", "HTTPS://x.example.com", "http://x.example.com",
    "https://x.example.com:8443", "https://x.example.com:443", "https://aexample.com", "https://example.com.evil.org",
    "https://x.example.com@evil.org", "https://evil.org/.example.com", "https://evil.org#.example.com", "https://evil.org?.example.com", "https://exact.test",
    "https://exact.test:443", "https://exact.test/", "http://exact.test", "https://sub.exact.test", "http://plain.test:8080", "http://plain.test",
    "http://a.example.org", "https://a.example.org", "http://evil.test", "https://[", "https://[::1]", "https://[x", "http://testserver, http://testserver",
    "http://testserver http://evil.test", "https://x.example.com\\@evil.org", "\xe9", "https://\xe4.example.com", "javascript:alert(1)", "file://",
    "https://*.example.com", "https://x.example.com/path", "https://x.example.com?x",
]
REFERERS = [
    "https://testserver/", "https://testserver", "https://testserver/a/b?c=d#e", "https://TESTSERVER/", "HTTPS://testserver/", "https://testserver:443/",
    "https://testserver:444/", "https://testserver:/", "https://user@testserver/", "https://testserver@evil.test/", "https://testserver.evil.test/", "https://eviltestserver/",
    "https://sub.testserver/", "http://testserver/", "http://evil.test/", "HTTP://testserver/", "ftp://testserver/", "ws://testserver/", "https://evil.test/",
    "https://evil.test/https://testserver/", "https:///x", "https://", "https:", "https:testserver", "https:/testserver/", "//testserver/", "/relative",
    "testserver", "nonsense", "", " ", "null", "about:blank", "https://[", "https://[::1]/", "https://]/", "https://[x]/", "https://a.example.com/",
    "https://a.b.example.com/", "https://example.com/", "https://A.Example.COM/", "https://aexample.com/", "https://a.example.com.evil.org/",
    "https://a.example.com:8443/", "https://a.example.com@evil.org/", "https://a.example.com\\@evil.org/", "https://exact.test/x", "https://exact.test:443/",
    "https://plain.test:8080/", "https://plain.test/", "https://a.example.org/x", "https://\xe9/", "https://testserver/\xe9", "https://test\tserver/",
    "https://testserver?x", "https://testserver#x", "https://testserver\\evil", "data:,x", "javascript:x", "https:\\\\testserver\\", "https://testserver./",
]
HOSTS = [
    "testserver", "TESTSERVER", "testserver:80", "testserver:443", "testserver:8000", "testserver.", "testserver:", "x.example.com", "example.com",
    "example.com:8443", "x.example.com.", "[::1]", "[::1]:8000", "evil.test", "testserver:99999", "", "[::2]", "a b", "testserver:x", "x.example.com@evil.test",
    "testserver,evil.test", "testserver/evil", "\xe9.example.com", "1.2.3.4", "[", "-.example.com", "_x.example.com",
]
NEW_NAMES = ["newbie", "new user", "DOMAIN\\user", "user@REALM", "Alice", "ALICE", " alice", "alice ", "x' OR '1'='1", "a" * 151, "a" * 300, "-", "0", "\t", " ",
             "%61lice", "alice,bob", "null", "ghost\0", "\xe4", wire("\u00fcn\u00efcode"), wire("\u7528\u6237"), wire("na\u00efve"), "\xff\xfe", "line\r\nfeed", "alice\0"]


def unshift(secret, mask):
    """A token whose unmasked form is `secret`."""
    return mask + "".join(ABC[(ABC.index(a) + ABC.index(m)) % 62] for a, m in zip(secret, mask, strict=True))


def multipart(fields, boundary="xYzXyZ"):
    parts = ['--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, *kv) for kv in fields]
    return "".join(parts) + "--%s--\r\n" % boundary


def multipart_type(boundary="xYzXyZ"):
    return "multipart/form-data; boundary=" + boundary


class Browser(Generator):
    def __init__(self, manifest, seed, before):
        super().__init__(manifest, seed)
        self.out = list(before)
        self.sessions = manifest["sessions"]
        self.now = int(manifest["epoch"]) + 60
        self.good_sessions = [n for n in self.sessions if n.startswith(("good/", "csrf/")) and "key" not in n and "member06" not in n]

    # ------------------------------------------------------------ helpers
    def ask(self, label, chain, headers=(), at=None, **kw):
        """Both views now and then: a success or a refusal by a scheme does not depend on the permission."""
        if self.chance(0.8) and "views" not in kw and not kw.get("path", "").startswith("/api"):
            kw["views"] = ["required"]
        self.add(label, chain, headers, at=self.now + self.pick([0, 1, 60, 3600]) if at is None else at, **kw)

    def cookie(self, name=None, more=()):
        """A Cookie header with the session of this label."""
        key = self.sessions[name if name is not None else self.pick(self.good_sessions)]
        pairs = ["sessionid=" + wire(key)] + list(more)
        self.rnd.shuffle(pairs)
        return ["Cookie", "; ".join(pairs)]

    def masked(self, secret=SECRET):
        return unshift(secret, "".join(self.pick(ABC) for _ in range(32)))

    def quiet(self):
        """An item that reads neither cookies nor, as none is sent, the other headers."""
        return self.pick(["never", "basic", "token", "remote_user", self.token(self.pick(["Bearer", "ApiKey"]))])

    def any_scheme(self):
        return self.pick([self.any_item(), "session", "remote_user", "basic", "token"])

    def session_chain(self):
        """`session` reached by a request without other credentials."""
        length = self.pick([1, 1, 1, 1, 2, 2, 3, 4, 6])
        at = self.rnd.randrange(length)
        return [self.quiet() for _ in range(at)] + ["session"] + [self.any_scheme() for _ in range(length - at - 1)]

    def csrf(self, label, session=None, secret=SECRET, token=None, headers=(), method="POST", chain=None, ctype=None, **kw):
        """An unsafe request with a good session; `secret` is the cookie, `token` the header."""
        name = kw.get("settings", {}).get("CSRF_COOKIE_NAME", "csrftoken")
        out = [self.cookie(session, [] if secret is None else ["%s=%s" % (name, secret)])]
        out += [["X-CSRFToken", token]] if token is not None else []
        out += [["Content-Type", ctype]] if ctype else []
        out += [list(h) for h in headers]
        if self.chance(0.3):
            self.rnd.shuffle(out)
        self.ask("csrf/" + label, chain or self.session_chain(), out, method=method, **kw)

    # ------------------------------------------------------------ sessions
    def session_rows(self):
        """Every seeded session."""
        exact = self.now - 60 + 0.678901
        for name in self.sessions:
            plain = [["session"], ["session"], self.session_chain()]
            for chain in plain + [["session", "basic"]] * (not name.startswith(("good", "csrf"))):
                self.ask("session/" + name, chain, [self.cookie(name)], at=exact if name.startswith("expiry") else None, method=self.pick(SAFE))
            if not name.startswith(("good", "csrf", "crash")):
                self.ask("session/" + name, ["session", "token"], [self.cookie(name), ["Authorization", "Token " + self.key()]], method=self.pick(SAFE + UNSAFE))
                self.csrf("refused session", session=name, method=self.pick(UNSAFE))
        for name in ("expiry/an hour after", "good/member06", "expiry/own", "expiry/a microsecond after", "expiry/next whole second", "good/alice", "good/expiry in seconds"):
            for after in (-1e8, -1, 0, 0.000001, 1, 59.9, 60, 60.5, 3599, 3600, 14 * 86400 - 1, 14 * 86400, 14 * 86400 + 1, 3e8, 4e8):
                self.ask("session/clock", ["session"], [self.cookie(name)], at=exact + after, views=["required"])

    def cookie_headers(self):
        """Spellings of the Cookie header, after Django's parse_cookie."""
        key, other = self.sessions["good/alice"], self.sessions["good/bob"]
        quoted = "".join("\\%03o" % ord(c) for c in key)
        for text in (
                '"%s"' % key, "'%s'" % key, key + " ", " " + key, "\t" + key, key + ",", key + ";", '"%s' % key, '%s"' % key, '""%s""' % key, '"%s"x' % key, '"%s\\"' % key,
                '"%s"' % quoted, quoted, '"\\%s"' % key, key.upper(), key + "x", key[:-1], key[:7], key[:8], "", '""', "%" + key, quote(key, safe="").replace("a", "%61"),
                key + "=", "=" + key, key + "\0", "\xa0" + key, key + "\xa0", "\x1c" + key, "\x85" + key, key + "\xff", "(%s)" % key, "x" * 4000, key + "/", "../" + key, "\\" + key, key * 2):
            self.ask("cookie/value", ["session"], [["Cookie", "sessionid=" + text]])
            self.ask("cookie/value", self.session_chain(), [["Cookie", "a=b; sessionid=%s; c=d" % text]], method=self.pick(SAFE))
        both = (key, other)
        for text in (
                "sessionid=%s; sessionid=%s" % both, "sessionid=%s; sessionid=" % key, "sessionid=; sessionid=%s" % key, "sessionid=x; sessionid=%s" % key,
                "sessionid=%s,sessionid=%s" % both, "sessionid=%s;sessionid=%s" % both, "sessionid = %s" % key, " sessionid=%s" % key, ";sessionid=%s;" % key, ";;;sessionid=%s" % key,
                "SESSIONID=%s" % key, "SessionId=%s" % key, "sessionid2=%s" % key, "sessionid=%s; SESSIONID=x" % key, "sessionid", key, "=%s" % key, "a; sessionid=%s; b" % key,
                "a=b, sessionid=%s" % key, "a=b sessionid=%s" % key, "a=b\tsessionid=%s" % key, "$Version=1; sessionid=%s; $Path=/" % key, "sessionid:%s" % key, '"sessionid"=%s' % key,
                'a="; sessionid=%s; "' % key, "a='; sessionid=%s; b='" % key, "\xe9=\xe9; sessionid=%s" % key, "\xff; sessionid=%s" % key, "sessionid\xa0=%s" % key, "sessionid\x1c=%s" % key,
                "sessionid\0=%s" % key, "%%73essionid=%s" % key, "__Host-sessionid=%s" % key, "sessionid==%s" % key, "; ".join("c%d=%d" % (n, n) for n in range(300)) + "; sessionid=%s" % key,
                "csrftoken=%s; sessionid=%s" % (SECRET, key), "sessionid=%s; path=/; domain=evil" % key, " ; ; sessionid=%s ; " % key, "a=b;sessionid=%s;c=d" % key):
            self.ask("cookie/header", ["session"], [["Cookie", text]])
            self.ask("cookie/header", self.session_chain(), [["cookie", text]], method=self.pick(SAFE))
        for text in ("sessionid=%s" % key, "sessionid=%s" % other):
            self.ask("cookie/member", ["session"], [["Cookie", "a=b"]], cookies={"sessionid": text.partition("=")[2]})
            # whether joined by a semicolon or a comma, the session stands alone
            self.ask("cookie/two headers", ["session"], [["Cookie", text + "; a=b"], ["Cookie", "c=d"]])
            self.ask("cookie/two headers", ["session"], [["Cookie", "a=b"], ["Cookie", "c=d; " + text]])
            self.ask("cookie/two headers", ["session"], [["Cookie", "a=b; %s; e=f" % text], ["Cookie", "c=d"], ["cookie", "g=h"]])
        for _ in range(20):
            self.ask("cookie/member", self.session_chain(), cookies={"a": "b", "sessionid": self.sessions[self.pick(self.good_sessions)], "c": "d"})
            self.ask("cookie/other header", ["session"], [[self.pick(["Set-Cookie", "Cookie2", "X-Cookie", "Cookie_", "Session", "Authorization"]), "sessionid=" + key]])

    def session_settings(self):
        """What is written, and the attributes of the cookie."""
        every = {"SESSION_SAVE_EVERY_REQUEST": True}
        choices = [
            {}, {"SESSION_COOKIE_AGE": 600}, {"SESSION_COOKIE_AGE": 0}, {"SESSION_COOKIE_DOMAIN": "example.com"}, {"SESSION_COOKIE_PATH": "/api/"}, {"SESSION_COOKIE_SECURE": True},
            {"SESSION_COOKIE_HTTPONLY": False}, {"SESSION_COOKIE_SAMESITE": "Strict"}, {"SESSION_COOKIE_SAMESITE": "None"}, {"SESSION_COOKIE_SAMESITE": False},
            {"SESSION_EXPIRE_AT_BROWSER_CLOSE": True}, {"SESSION_COOKIE_DOMAIN": ".example.com", "SESSION_COOKIE_PATH": "/x", "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_SAMESITE": "Lax"}]
        names = ["good/alice", "good/compressed", "good/expiry in seconds", "good/expiry zero", "good/expiry date", "good/expiry long past", "good/more members", "csrf/plain", "fallback/hash",
                 "fallback/with more", "fallback/expiry", "flushed/no hash", "expiry/long before", "bad/anonymous", "bad/empty", "bad/disabled inactive", "corrupted/mac cut",
                 "crash/id word", "good/signed by fallback", "good/not compressed"]
        for conf in choices:
            for name in names:
                if self.chance(0.7):
                    self.ask("session/settings", ["session"], [self.cookie(name)], settings={**every, **conf}, views=["required"])
                if name.startswith(("fallback", "flushed", "expiry")) and conf:
                    self.ask("session/settings", self.session_chain(), [self.cookie(name)], settings=conf, views=["required"])
        for chain in (["basic"], ["never"], ["basic", "session"]):
            for name in ("good/alice", "expiry/long before", "bad/anonymous"):
                good = [["Authorization", "Basic " + b64(self.pair())]]
                self.ask("session/not asked", chain, [self.cookie(name), *good], settings=every)
                self.ask("session/not asked", chain, [["Cookie", "sessionid=short"], *good])
        for name in ("sid", "session-id", "SESSIONID", "__Host-s", "a.b"):
            for spelled in (name, name.lower(), "sessionid"):
                for label in ("good/bob", "fallback/hash", "flushed/no hash"):
                    self.ask("session/cookie name", self.session_chain(), [["Cookie", "%s=%s" % (spelled, self.sessions[label])]], settings={"SESSION_COOKIE_NAME": name})

    # ------------------------------------------------------------ CSRF
    def csrf_methods(self):
        for method in SAFE + UNSAFE + UNKNOWN:
            for _ in range(3):
                self.csrf("method", secret=None, method=method)
                self.csrf("method", token=self.masked(), method=method)
                self.csrf("method", token=SECRET[::-1], method=method)
                self.csrf("method", token=self.masked(), method=method, headers=[["Origin", self.pick(["https://evil.test", "http://testserver"])]])

    def csrf_cookies(self):
        for text in WRONG_LENGTHS + WRONG_CHARACTERS + [""]:
            for method in UNSAFE:
                self.csrf("cookie", secret=text, token=self.pick([text, SECRET, self.masked()]), method=method)
        for _ in range(24):
            self.csrf("cookie missing", secret=None, token=self.pick([None, SECRET, self.masked()]), method=self.pick(UNSAFE))
            self.csrf("cookie missing", secret=None, token=SECRET, ctype=FORM, body="csrfmiddlewaretoken=" + SECRET)
            secret = self.pick([SECRET, self.masked(), '"%s"' % SECRET, self.masked()])
            self.csrf("cookie form", secret=secret, token=self.pick([SECRET, self.masked()]), method=self.pick(UNSAFE))
        for text in ("csrftoken=%s; csrftoken=%s" % (SECRET[::-1], SECRET), "csrftoken=%s; csrftoken=%s" % (SECRET, SECRET[::-1]), "CSRFTOKEN=%s" % SECRET, "csrftoken=%s," % SECRET,
                     "csrftoken = %s" % SECRET, "csrf_token=%s" % SECRET):
            for _ in range(2):
                self.ask("csrf/cookie header", ["session"], [["Cookie", "sessionid=%s; %s" % (self.sessions["good/alice"], text)], ["X-CSRFToken", SECRET]], method="POST")

    def csrf_header_tokens(self):
        for _ in range(30):
            self.csrf("header good", token=self.pick([SECRET, self.masked(), self.masked()]), method=self.pick(UNSAFE))
            other = "".join(self.pick(ABC) for _ in range(32))
            self.csrf("header wrong", token=self.pick([other, other + self.masked()[32:], self.masked(other), SECRET.swapcase(), SECRET[::-1]]), method=self.pick(UNSAFE))
            self.csrf("header missing", method=self.pick(UNSAFE))
        for text in WRONG_LENGTHS + WRONG_CHARACTERS + ["", " ", "null", " %s " % SECRET, '"%s"' % SECRET]:
            self.csrf("header shape", token=text, method=self.pick(UNSAFE))
            self.csrf("header shape", token=text, method="POST")
        for name in ("X-CSRF-Token", "X_CSRFToken", "CSRFToken", "X-XSRF-TOKEN", "x-csrftoken", "X-CSRFTOKEN", "Http-X-Csrftoken"):
            for method in ("POST", "PUT"):
                self.csrf("header name", headers=[[name, SECRET]], method=method)
        self.csrf("header twice", headers=[["X-CSRFToken", SECRET], ["X-CSRFToken", SECRET]])
        self.csrf("query", path="/probe/?csrfmiddlewaretoken=" + SECRET)
        self.csrf("query", path="/probe/?csrfmiddlewaretoken=" + SECRET, ctype=FORM, body="a=b")

    def form_bodies(self, token):
        """(type, body) with the token as a form field"""
        field = "csrfmiddlewaretoken"
        yield FORM, urlencode({field: token})
        yield FORM, urlencode({"a": "b c&d", field: token, "z": "\u00e9"})
        yield FORM + "; charset=utf-8", urlencode({field: token})
        yield FORM.upper(), urlencode({field: token})
        yield multipart_type(), multipart([(field, token)])
        yield multipart_type(), multipart([("a", "b"), (field, token), ("z", "\xc3\xa9")])
        yield 'multipart/form-data; boundary="xYzXyZ"', "preamble\r\n" + multipart([(field, token)]) + "epilogue"

    def csrf_forms(self):
        for _ in range(6):
            other = "".join(self.pick(ABC) for _ in range(32))
            for label, token in (("good", SECRET), ("good", self.masked()), ("wrong", other), ("wrong", self.masked(other)), ("length", self.pick(WRONG_LENGTHS[:5])),
                                 ("characters", self.pick(WRONG_CHARACTERS[:6])), ("empty", "")):
                for ctype, body in self.form_bodies(token):
                    if self.chance(0.45):
                        header = self.pick([None, None, SECRET, self.masked(), other])
                        self.csrf("form " + label, token=header, ctype=ctype, body=body)
        for method in ("PUT", "PATCH", "DELETE"):
            for ctype, body in self.form_bodies(SECRET):
                self.csrf("form not read", method=method, ctype=ctype, body=body, token=self.pick([None, None, SECRET]))
        for text in WRONG_CHARACTERS[:6]:
            self.csrf("form characters", ctype=FORM, body=urlencode({"csrfmiddlewaretoken": text}))
        field = "csrfmiddlewaretoken="
        for body in (field + SECRET + "&" + field + "x", field + "x&" + field + SECRET, field + SECRET + "&" + field, field + "&" + field + SECRET, "csrf%6Diddlewaretoken=" + SECRET,
                     field + "%61" + SECRET[1:], field + "+" + SECRET, field + SECRET + "+", "csrfmiddlewaretoken", "&&" + field + SECRET + "&&", ";" + field + SECRET, "a=b;" + field + SECRET,
                     "CSRFMIDDLEWARETOKEN=" + SECRET, "csrfmiddlewaretoken[]=" + SECRET, " " + field + SECRET, field + SECRET + "\n", field + SECRET + "\0", field + "\xff", field + "%ff", field + SECRET + "%", "\xff=\xff&" + field + SECRET, "x" * 5000 + "&" + field + SECRET):
            for token in (None, SECRET):
                self.csrf("form spelled", token=token, ctype=FORM, body=body)

    def csrf_other_bodies(self):
        """Bodies of other types: a broken one is 400, an unknown type 415, and both after the cookie was looked at."""
        good = json.dumps({"csrfmiddlewaretoken": SECRET})
        broken = ["{", "{]", "", "nonsense", '{"a": 1,}', "[1", '"x', "\xff", "{'a': 1}", '{"a": NaN}', "\xef\xbb\xbf{}", '{"a": 1} x', "tru", "[" * 20, '{"a" 1}', '{"a": "\n"}', '{"a": "\\x"}', "-", "01", '{"a": 1e999}']
        for text in broken + [good, "[]", "5", "null", '"x"', "{}", '{"a": "\\ud800"}']:
            for secret, token in ((SECRET, SECRET), (SECRET, None), (None, SECRET)):
                self.csrf("json", secret=secret, token=token, ctype=self.pick([JSON, JSON, JSON + "; charset=utf-8", "Application/JSON"]), body=text)
        for ctype in (TEXT, "application/octet-stream", "application/xml", "text/html", "application/x-www-form-urlencoded2", "nonsense", "", "*/*", "application/json2", "text/json", "multipart/mixed; boundary=x", "application/vnd.api+json", "image/\xe9", "a/b; c"):
            for secret, token, body in ((SECRET, SECRET, "x=y"), (SECRET, None, "csrfmiddlewaretoken=" + SECRET), (None, SECRET, "x"), (SECRET, SECRET, ""), (SECRET, SECRET[::-1], "x")):
                self.csrf("type", secret=secret, token=token, ctype=ctype, body=body)
                if token == SECRET:
                    self.csrf("type not read", secret=secret, token=token, ctype=ctype, body=body, method=self.pick(UNSAFE[1:]))
        fields = [("csrfmiddlewaretoken", SECRET)]
        for ctype, body in (
                ("multipart/form-data", multipart(fields)), (multipart_type(""), multipart(fields)), (multipart_type("other"), multipart(fields)), (multipart_type(), "nonsense"), (multipart_type(), multipart(fields)[:-10]),
                (multipart_type(), multipart(fields).replace("\r\n", "\n")), (multipart_type("x" * 300), multipart(fields, "x" * 300)), (multipart_type("\xe9"), multipart(fields, "\xe9")), (multipart_type(), ""),
                (multipart_type("a b"), multipart(fields, "a b")), (multipart_type("xYzXyZ; charset=utf-8"), multipart(fields)), (multipart_type("--"), multipart(fields, "--"))):
            for secret, token in ((SECRET, None), (SECRET, SECRET), (None, SECRET)):
                self.csrf("multipart", secret=secret, token=token, ctype=ctype, body=body)
        for _ in range(24):
            self.csrf("body type missing", token=self.masked(), body=self.pick(["a=b", "{}", "csrfmiddlewaretoken=" + SECRET]), method=self.pick(UNSAFE))

    def csrf_origins(self):
        for origin in ORIGINS:
            for secure in (False, True):
                for conf in (None, TRUSTED, PORTED):
                    if conf is None or self.chance(0.75):
                        extra = [["Referer", self.pick(["https://evil.test/", "https://testserver/"])]] if self.chance(0.2) else []
                        self.csrf("origin", token=self.masked(), headers=[["Origin", origin], *extra], secure=secure, settings=conf or {}, method=self.pick(UNSAFE))
        self.csrf("origin twice", token=SECRET, headers=[["Origin", "http://testserver"], ["Origin", "http://testserver"]])

    def csrf_referers(self):
        for referer in REFERERS:
            for conf in (None, TRUSTED, PORTED, {"CSRF_COOKIE_DOMAIN": self.pick(["testserver", ".example.com", "example.com"])}):
                if conf is None or self.chance(0.6):
                    self.csrf("referer", token=self.masked(), headers=[["Referer", referer]], secure=True, settings=conf or {}, method=self.pick(UNSAFE))
            if self.chance(0.3):
                self.csrf("referer not read", token=self.masked(), headers=[["Referer", referer]], method=self.pick(UNSAFE))
        for _ in range(26):
            self.csrf("no referer", token=self.masked(), secure=True, settings=self.pick([{}, TRUSTED]), method=self.pick(UNSAFE))
            kind = self.pick(["nonsense", "https:///x", "", "http://testserver/", "http://evil.test/x", "https://evil.test/%d" % self.rnd.randrange(99)])
            self.csrf("referer", token=self.masked(), headers=[["Referer", kind]], secure=True, method=self.pick(UNSAFE))
            self.csrf("referer good", token=self.masked(), headers=[["Referer", "https://testserver/%d" % self.rnd.randrange(999)]], secure=True, method=self.pick(UNSAFE))

    def csrf_hosts(self):
        """The host that Origin and Referer must agree with."""
        forwarded = {"USE_X_FORWARDED_HOST": True}
        for host in HOSTS:
            for secure in (False, True):
                scheme = "https" if secure else "http"
                for other in (host, host.partition(":")[0], "testserver"):
                    header = self.pick([["Origin", "%s://%s" % (scheme, other)], ["Referer", "%s://%s/" % (scheme, other)]])
                    self.csrf("host", token=self.masked(), headers=[["Host", host], header], secure=secure)
                    self.csrf("forwarded host", token=self.masked(), headers=[["X-Forwarded-Host", host], ["Origin", "%s://%s" % (scheme, other)]], secure=secure,
                              settings=self.pick([forwarded, forwarded, {}]))
        for hosts in (["*"], [], ["evil.test"], [".test"], ["testserver"], ["[::2]", "1.2.3.4"], ["EVIL.test"]):
            for host in ("evil.test", "testserver", "[::2]", "evil.test:8000", "a.b.test", "localhost"):
                if self.chance(0.6):
                    self.csrf("allowed hosts", token=self.masked(), headers=[["Host", host], ["Origin", "http://" + host]], settings={"ALLOWED_HOSTS": hosts})
                if self.chance(0.6):
                    self.csrf("allowed hosts", token=self.masked(), headers=[["Host", host], ["Referer", "https://%s/" % host]], secure=True, settings={"ALLOWED_HOSTS": hosts})

    def csrf_proxies(self):
        """Who says that the request is secure, and on which port."""
        proxy = {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"]}
        for value in ("https", "http", "HTTPS", " https ", "https, http", "http, https", "https,http", "", "https;", "on"):
            for secure in (False, True):
                for header in (["Origin", "https://testserver"], ["Origin", "http://testserver"], ["Referer", "https://testserver/"], None):
                    if self.chance(0.8):
                        self.csrf("proxy", token=self.masked(), headers=[["X-Forwarded-Proto", value]] + ([header] if header else []), secure=secure,
                                  settings=self.pick([proxy, proxy, proxy, {"SECURE_PROXY_SSL_HEADER": ["HTTP_X_SCHEME", "https"]}, {}]))
        for port in ("80", "443", "8443", "8000"):
            for referer in ("https://example.com/", "https://example.com:%s/" % port, "https://a.example.com:%s/" % port, "https://testserver:%s/" % port):
                for domain in ("example.com", ".example.com", None):
                    self.csrf("port", token=self.masked(), headers=[["Referer", referer]], secure=True, environ={"SERVER_PORT": port},
                              settings={"CSRF_COOKIE_DOMAIN": domain} if domain else {})

    def csrf_names(self):
        for name in ("xsrf", "csrf-token", "CSRFTOKEN", "__Host-csrf"):
            conf = {"CSRF_COOKIE_NAME": name}
            for _ in range(4):
                self.csrf("cookie name", token=self.masked(), settings=conf, method=self.pick(UNSAFE))
                self.ask("csrf/cookie name", ["session"], [self.cookie(None, ["csrftoken=" + SECRET]), ["X-CSRFToken", SECRET]], settings=conf, method=self.pick(UNSAFE))
        for variable, header in (("HTTP_X_XSRF_TOKEN", "X-XSRF-TOKEN"), ("HTTP_CSRF", "Csrf"), ("HTTP_X_A_B2_C", "x-a-b2-c"), ("HTTP_X_CSRFTOKEN", "x-csrftoken")):
            conf = {"CSRF_HEADER_NAME": variable}
            for token in (SECRET, self.masked(), self.masked(), SECRET[::-1], SECRET.swapcase(), "a" * 33, "b" * 31, "!" * 32, "-" * 64, None):
                for method in ("POST", "PUT"):
                    self.csrf("header name", headers=[] if token is None else [[header, token]], settings=conf, method=method)
                    if self.chance(0.2):
                        self.csrf("header name", token=token, settings=conf, method=method)

    def csrf_in_sessions(self):
        conf = {"CSRF_USE_SESSIONS": True}
        secrets = {"csrf/plain": SECRET, "csrf/digits": "0123456789" * 3 + "ab", "csrf/other": "zyxwvutsrqponmlkjihgfedcba012345"}
        names = [n for n in self.sessions if n.startswith("csrf/")] + ["good/alice", "good/bob", "good/carol"]
        for name in names:
            secret = secrets.get(name, SECRET)
            for token in (secret, self.masked(secret), self.masked(secret), self.masked(), SECRET, None, "a" * 33, "!" * 32):
                for cookie in (None, SECRET):
                    if self.chance(0.6):
                        self.csrf("in session", session=name, secret=cookie, token=token, settings=conf, method=self.pick(UNSAFE))
            if name in secrets:
                for ctype, body in self.form_bodies(self.masked(secret)):
                    self.csrf("in session", session=name, secret=None, ctype=ctype, body=body, settings=conf)
        for referer in ("https://testserver/", "https://example.com/", "https://a.example.com/"):
            for more in ({"SESSION_COOKIE_DOMAIN": "example.com"}, {"CSRF_COOKIE_DOMAIN": "example.com"}, {"SESSION_COOKIE_DOMAIN": ".example.com"}, {}):
                self.csrf("in session", session="csrf/plain", secret=None, token=self.masked(), headers=[["Referer", referer]], secure=True, settings={**conf, **more})
        for label in ("fallback/with more",):
            for token in (SECRET, self.masked(), None):
                self.csrf("in session", session=label, secret=None, token=token, settings={**conf, "SESSION_SAVE_EVERY_REQUEST": self.chance(0.5)})

    # ------------------------------------------------------------ remote users
    def remote(self, label, name, chain=None, conf=None, **kw):
        item = {"scheme": "remote_user", **conf} if conf else "remote_user"
        self.ask("remote/" + label, chain or self.remote_chain(item), environ={"REMOTE_USER": name}, method=self.pick(SAFE + UNSAFE), **kw)

    def remote_chain(self, item):
        length = self.pick([1, 1, 1, 2, 2, 3, 5])
        at = self.rnd.randrange(length)
        quiet = ["never", "basic", "token", "session"]
        return [self.pick(quiet) for _ in range(at)] + [item] + [self.any_scheme() for _ in range(length - at - 1)]

    def remote_users(self):
        closed, header = {"create_unknown_user": False}, "HTTP_X_FORWARDED_USER"
        for name, user in self.users.items():
            self.remote("known" if user["is_active"] else "disabled", wire(name))
        for name in self.disabled * 3:
            self.remote("disabled", wire(name), conf=self.pick([None, closed]))
        for name in NEW_NAMES:
            self.remote("unknown", name)
            self.remote("unknown", name, chain=["remote_user"])
            self.remote("not created", name, conf=closed)
            self.ask("remote/header", self.remote_chain({"scheme": "remote_user", "header": header}), [["X-Forwarded-User", name]])
        for n in range(20):
            self.remote("unknown", "person-%d" % n)
            self.remote("empty", "", conf=self.pick([None, closed]))
            self.ask("remote/absent", self.remote_chain("remote_user"), method=self.pick(SAFE + UNSAFE))
        for name in ("alice", "bob", "inactive", "root", "newcomer", "", "CaseUser", "caseuser"):
            for spelled in ("X-Forwarded-User", "x-forwarded-user", "X_Forwarded_User", "Remote-User", "REMOTE_USER", "Http-X-Forwarded-User"):
                for item in ("remote_user", {"scheme": "remote_user", "header": header}, {"scheme": "remote_user", "header": header, **closed}):
                    if self.chance(0.6):
                        self.ask("remote/header", [item], [[spelled, name]], method=self.pick(SAFE + UNSAFE))
        only = {"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}
        for name in ("alice", "newbie", "inactive", ""):
            self.remote("backends", name, settings=only)

    # ------------------------------------------------------------ the endpoint
    def obtain(self, label, body, ctype=JSON, headers=(), chain=None, method="POST", **kw):
        chain = chain or self.pick([["session", "basic"], ["session", "basic"], ["token"], ["basic", "token"], ["never"], ["session", "token", "remote_user"]])
        sent = [["Content-Type", ctype]] if ctype is not None else []
        self.ask("obtain/" + label, chain, sent + [list(h) for h in headers], method=method, path="/api-token-auth/", body=body, **kw)

    def account_body(self, data):
        kind = self.pick(["json", "json", "form", "multipart"])
        if kind == "form":
            return urlencode(data), FORM
        if kind == "multipart":
            return multipart([(k, wire(v)) for k, v in data.items()]), multipart_type()
        return (json.dumps(data) if self.chance(0.5) else wire(json.dumps(data, ensure_ascii=False))), JSON

    def obtain_accounts(self):
        for name, user in self.users.items():
            if name.endswith("-default") or user["password"] is None:
                continue
            good = {"username": name, "password": user["password"]}
            wrong = {**good, "password": self.pick(["wrong", user["password"] + "x", " " + user["password"]])}
            for label, data in (("right", good), ("right", good), ("wrong", wrong)):
                if name not in ("dave", "bcrypt-72") or label == "right":
                    self.obtain(label, *self.account_body(data))
        for data in ({"username": " alice ", "password": "wonderland-1"}, {"username": "\talice\n", "password": "wonderland-1"}, {"username": "alice", "password": " wonderland-1"},
                     {"username": "nobody", "password": "x"}, {"username": "ALICE", "password": "wonderland-1"}, {"username": "\u00a0alice\u3000", "password": "wonderland-1"}):
            for _ in range(5):
                self.obtain("wrong", *self.account_body({**data, "extra": str(self.rnd.randrange(99))}))

    def obtain_fields(self):
        ok = {"username": "alice", "password": "wonderland-1"}
        for field in ok:
            for value in (None, "", " ", "\t", True, False, 7, 1.5, 10 ** 30, [], ["alice"], {}, {"a": 1}, "x\0", "\0", "a" * 300):
                for other in (ok, {**ok, "password" if field == "username" else "username": self.pick([None, "", True, "\0"])}):
                    self.obtain("field", json.dumps({**other, field: value}))
            for form in (FORM, "multipart"):
                for value in ("", " ", "x\0", "%00"):
                    data = {**ok, field: value}
                    self.obtain("field", *((urlencode(data), FORM) if form == FORM else (multipart(data.items()), multipart_type())))
            self.obtain("field", '{"%s": "\\ud800", "%s": "x"}' % (field, "password" if field == "username" else "username"))
            self.obtain("field", '{"%s": "a\\udfffb"}' % field)
            for n in range(8):
                self.obtain("field", json.dumps({field: chr(0xd800 + 37 * n), "other": n}))
                self.obtain("field", json.dumps({field: None, "other": n}))
            self.obtain("field", json.dumps({field: "alice"}))
            self.obtain("field", urlencode({field: "alice"}), FORM)
            self.obtain("field", urlencode([(field, "x"), *ok.items()]), FORM)
            self.obtain("field", urlencode([*ok.items(), (field, "x")]), FORM)
        for chain in (["session", "basic"], ["never"], ["token"], ["session"], ["basic"], ["remote_user", "token"], ["token", "session"]):
            for text in ("{}", "[]", "[1]", '[{"username": "alice", "password": "wonderland-1"}]', '"x"', "5", "null", "true", "1.5", ""):
                self.obtain("shape", text, chain=chain)
        self.obtain("field", '{"username": "nobody", "username": "alice", "password": "wonderland-1"}')
        self.obtain("field", json.dumps({"Username": "alice", "PASSWORD": "wonderland-1"}))

    def obtain_bodies(self):
        ok = json.dumps({"username": "alice", "password": "wonderland-1"})
        form = urlencode(json.loads(ok))
        for text in ("{", "{]", "nonsense", '{"a": 1,}', "[1", '"x', "\xff", '{"username": "\xff"}', '{"username": "jos\xe9"}', "{'a': 1}", '{"username": NaN}', "Infinity", "\xef\xbb\xbf" + ok, ok + " x", ok + ok, "tru",
                     '{"a" 1}', '{"a": "\n"}', '{"a": "\\x"}', "-", "01", "", " ", "\0", "[" * 30):
            self.obtain("broken json", text)
            self.obtain("broken json", text, chain=self.pick([["session"], ["basic"], ["never"]]))
        for ctype in (TEXT, "application/xml", "", None, "nonsense", "application/json; charset=latin-1", "APPLICATION/JSON", "application/json ; x=y", "text/json", "application/octet-stream", FORM + "; charset=utf-8", "*/*", "application/*"):
            for text in (ok, form, ""):
                self.obtain("type", text, ctype)
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "FOO", "post"):
            for _ in range(3):
                self.obtain("method", ok, method=method, chain=[self.pick(["session", "basic", "token", "never"])])
        for ctype, body in (("multipart/form-data", ""), ("multipart/form-data", "x"), (multipart_type(), "x"), (multipart_type("other"), multipart(json.loads(ok).items()))):
            for at in range(8):
                self.obtain("multipart", body, ctype, at=self.now + at)

    def obtain_forms(self):
        """Forms that break off, and more NUL characters."""
        fields = [("username", "alice"), ("password", "wonderland-1")]
        for boundary in ("", "x" * 300, "\xe9", "a\xffb"):
            for body in ("", "x", multipart(fields)):
                self.obtain("multipart", body, multipart_type(boundary))
        for value in ("\0alice", "al\0ice", "alice\0\0"):
            self.obtain("field", json.dumps({"username": value, "password": "wonderland-1"}))
            self.obtain("field", *((multipart([("username", value), fields[1]]), multipart_type())))

    def obtain_authenticated(self):
        """The schemes of the project come first, and a bad credential ends it."""
        ok = json.dumps({"username": "alice", "password": "wonderland-1"})
        values = ["Basic x", "Basic", "Basic " + b64("alice:wrong"), "Basic " + b64("alice:wonderland-1"), "Token nope", "Token", "Token a b", "Token \xff", "Token " + self.key("alice"), "Bearer x",
                  "Token " + self.key("inactive")]
        for value in values:
            for chain in (["session", "basic"], ["basic", "session"], ["token"], ["basic", "token"], ["remote_user", "token", "basic"], ["fail"], ["deny"]):
                self.obtain("credentials", ok, headers=[["Authorization", value]], chain=chain)
        for name in ("good/alice", "good/bob", "expiry/long before", "bad/anonymous", "flushed/no hash", "fallback/hash", "crash/id word"):
            for csrf in (None, SECRET):
                for token in (None, self.masked(), SECRET[::-1]):
                    headers = [self.cookie(name, [] if csrf is None else ["csrftoken=" + csrf])] + ([] if token is None else [["X-CSRFToken", token]])
                    self.obtain("session", ok, headers=headers, chain=["session", "basic"])
                    self.obtain("session", urlencode(json.loads(ok)), FORM, headers=headers, chain=["basic", "session"])

    # ------------------------------------------------------------ random chains
    def good_part(self):
        """(item, headers, keywords, words it uses) of one credential that is accepted"""
        kind = self.pick(["session", "session", "remote_user", "basic", "token", "csrf"])
        if kind == "remote_user":
            return kind, [], {"environ": {"REMOTE_USER": self.pick(["alice", "bob", "root", "CaseUser", "newbie", "member07", "jos\xe9"])}}, "remote"
        if kind == "session":
            return kind, [self.cookie(self.pick(self.good_sessions + ["fallback/hash"]))], {"method": self.pick(SAFE)}, "cookie"
        if kind == "csrf":
            headers = [self.cookie(None, ["csrftoken=" + self.pick([SECRET, self.masked()])]), ["X-CSRFToken", self.masked()]]
            if self.chance(0.3):
                headers.append(["Origin", "http://testserver"])
            return "session", headers, {"method": self.pick(UNSAFE)}, "cookie"
        if kind == "basic":
            return self.basic(), [["Authorization", self.spelled("Basic", b64(self.pair()))]], {}, "basic"
        return "token", [["Authorization", self.spelled("Token", self.key())]], {}, "token"

    def silent(self, used):
        items = ["never", "never"] + ["basic"] * (used != "basic") + ["token"] * (used != "token") + ["session"] * (used != "cookie") + ["remote_user"] * (used != "remote")
        return self.pick(items + [self.token("Bearer")])

    def mixed(self):
        item, headers, kw, used = self.good_part()
        length = self.pick([1, 2, 2, 3, 3, 3, 4, 4, 5, 6])
        at = self.rnd.randrange(length)
        chain = [self.silent(used) for _ in range(at)] + [item] + [self.any_scheme() for _ in range(length - at - 1)]
        label = "good"
        if self.chance(0.3):                      # a second credential, which the first one makes unread or which comes first
            _, more, other, also = self.good_part()
            if also != used and not ({"basic", "token"} <= {also, used}):
                headers, kw = headers + more, {**other, **kw}
        if self.chance(0.28):
            label = "broken"
            headers, kw, chain = self.damaged(headers, dict(kw), chain)
        kw.setdefault("method", self.pick(SAFE + UNSAFE))
        self.rnd.shuffle(headers)
        self.ask("mixed/" + label, chain, headers, secure=self.chance(0.1), **kw)

    def damaged(self, headers, kw, chain):
        how = self.rnd.randrange(6)
        if how == 0:
            chain = ([self.pick(["fail", "deny", self.fail()])] + chain)[:6]
        elif how == 1:
            headers = [[n, v if n != "Cookie" else self.cookie(self.pick([s for s in self.sessions if s.startswith(("bad", "flushed", "corrupted", "expiry/long"))]))[1]] for n, v in headers]
        elif how == 2:
            kw["method"] = self.pick(UNSAFE)
            headers = [h for h in headers if h[0] != "X-CSRFToken"]
        elif how == 3:
            headers = [[n, self.pick(["Basic x y", "Token x y", "Basic " + b64("alice:no"), "Token no", "Basic !"]) if n == "Authorization" else v] for n, v in headers]
            headers += [["Authorization", "Token nope"]] * (not any(n == "Authorization" for n, _ in headers))
        elif how == 4:
            kw["environ"] = {"REMOTE_USER": self.pick(["", "inactive", "inactive-root"])}
            headers = []
        else:
            chain = [self.silent("none") for _ in chain]
            headers = []
        return headers, kw, chain

    def run(self, mixed=1000):
        fixed = len(self.out)
        for part in (
                self.session_rows, self.cookie_headers, self.session_settings, self.csrf_methods, self.csrf_cookies, self.csrf_header_tokens, self.csrf_forms,
                self.csrf_other_bodies, self.csrf_origins, self.csrf_referers, self.csrf_hosts, self.csrf_proxies, self.csrf_names, self.csrf_in_sessions, self.remote_users,
                self.obtain_accounts, self.obtain_fields, self.obtain_bodies, self.obtain_authenticated):
            part()
        for _ in range(mixed):
            self.mixed()
        self.obtain_forms()
        return self.out[fixed:]


def generate_browser(manifest, before, seed):
    return Browser(manifest, seed, before).run()
