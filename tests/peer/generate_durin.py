"""Requests for the corpus of django-rest-durin: chains with its scheme, and its views."""
import json
from urllib.parse import quote_plus

from generate import FORM, METHODS, NOT_UTF8, Generator, b64, item_parts, wire

AUTH, SHORT = "/api/auth/", "/short/"
LOGIN, REFRESH, LOGOUT, ALL, SESSIONS, ACCESS = (AUTH + name + "/" for name in ("login", "refresh", "logout", "logoutall", "sessions", "apiaccess"))
WITHOUT, SAYING = "/without/sessions/", "/saying/apiaccess/"
PASSIVE = ["never", "basic", {"scheme": "token", "keyword": "Bearer"}]
BOUNDARY = "boundary123"


class Durin(Generator):
    def __init__(self, manifest, seed):
        super().__init__(manifest, seed)
        self.durin, self.clients, self.now = manifest["durin"], manifest["clients"], int(manifest["epoch"])
        # names with a password that is quick to check
        self.people = [n for n in self.good if n.startswith("member") or n in ("alice", "frank", "root", "caseuser")]
        self.live = [label for label in self.durin if label.startswith(("good/", "client/", "member/"))]

    def add(self, label, chain, headers=(), **kw):
        before = len(self.out)
        super().add(label, chain, headers, **{"at": self.now, **kw})
        for row in self.out[before:]:
            row["id"] = row["id"].replace("drf", "durin")

    def of(self, label):
        return wire(self.durin[label]["token"])

    def passing(self):
        """A chain whose scheme of durin is reached."""
        chain = [self.pick(PASSIVE) for _ in range(self.pick([0, 0, 0, 1, 1, 2]))] + ["durin"]
        return chain + [self.pick(["never", "basic", "token", "fail", "deny"]) for _ in range(self.pick([0, 0, 1, 2]))]

    def ask(self, label, token, chain=None, word="Token", **kw):
        self.auth(label, self.passing() if chain is None else chain, "%s %s" % (word, token), **kw)

    # ------------------------------------------------------------ the scheme
    def every_token(self):
        for label, row in self.durin.items():
            for chain in (["durin"], None):
                self.ask("token/" + label.split("/")[0], self.of(label), chain)
            for later in (1, -1, 86400):
                self.ask("token/later", self.of(label), at=self.now + later)
            token = row["token"]
            if len(token) > 20:
                for near in self.rnd.sample([token[:15], token[:-1], token + "0", token.upper(), token[1:], '"%s"' % token, token + "\0", token[:14] + "z" + token[15:], "\ufeff" + token], 2):
                    self.ask("near/" + label.split("/")[0], wire(near))

    def spelling(self):
        labels = [label for label in self.live if label.startswith("good/") and "ends" not in label]
        kept = len(self.out)
        self.words("durin", "Token", lambda: self.of(self.pick(labels)))
        spelled = self.out[kept:]
        del self.out[kept:]
        for row in spelled:
            if self.chance(0.5):
                self.out.append({**row, "id": "durin-%04d" % len(self.out), "at": self.now})
        for prefix in ("Bearer", "Durin", "T", "API-Key", "JWT"):
            item = {"scheme": "durin", "auth_header_prefix": prefix}
            for label in ("good/alice", "inactive/good", "expired/long ago"):
                self.ask("prefix", self.of(label), [item], prefix)
                self.ask("prefix", self.of(label), [item], prefix.swapcase())
                self.ask("prefix", self.of(label), [item, "basic"])
            self.add("prefix", [item])
            self.auth("prefix", [item, "basic"], prefix)

    def refusals(self):
        expired = [label for label in self.durin if label.startswith("expired/")]
        for _ in range(24):
            first = self.pick([[], ["never"]])
            for rest in ("", self.of("good/alice") + " x", self.of(self.pick(["inactive/good", "inactive/other"])),
                         "%064x" % self.rnd.getrandbits(256), self.of(self.pick(expired))):
                self.auth("refusal", first + ["durin"] + [self.pick(PASSIVE) for _ in range(self.rnd.randrange(3))], ("Token " + rest).strip())
            self.auth("refusal", first + ["durin", "basic"], "Basic " + b64(self.pick(self.people) + ":wrong"))
            self.add("refusal", first + ["durin"] + [self.pick(PASSIVE)], method=self.pick(METHODS), at=self.now + self.rnd.randrange(1000))
            self.auth("refusal", ["durin", "fail"] if not first else ["never", "durin", "fail"], "Other %d" % self.rnd.randrange(1000))
            self.auth("refusal", first + ["durin", "deny"], "Other %d" % self.rnd.randrange(1000))
        for bad in NOT_UTF8:
            self.ask("not utf-8", bad, ["durin"])
            self.ask("not utf-8", self.of("good/alice")[:20] + bad, self.pick([["durin"], ["never", "durin"]]))
        for text in ("\0", "null", "''", "*", "_", "%", "a" * 300, "a" * 20000, "\xc2\xa0" * 15, "\xef\xbb\xbf" + self.of("good/alice")):
            self.ask("odd", text, ["durin"])

    def beside(self):
        for name in self.people:
            for chain in (["durin", "basic"], ["basic", "durin"]):
                self.auth("beside/basic", chain, "Basic " + b64(self.pair(name)))
        for token in (self.key("alice"), self.of("good/alice"), self.of("inactive/good")):
            for chain in (["durin", "token"], ["token", "durin"], [{"scheme": "token", "keyword": "Bearer"}, "durin"], ["durin", {"scheme": "token", "keyword": "Bearer"}]):
                for word in ("Token", "Bearer"):
                    self.ask("beside/token", token, chain, word)
        for first in ("Token " + self.of("good/alice"), "Token", ""):
            for second in ("Token " + self.of("good/root"), "Token", ""):
                self.add("duplicate", self.pick([["durin"], ["durin", "basic"], ["basic", "durin"]]), [["Authorization", first], ["authorization", second]])

    def rules(self):
        """What clients may do. Only tokens of durin are asked for a client here."""
        for label in [label for label in self.durin if label.startswith(("client/", "good/alice", "inactive/", "expired/long"))]:
            for names in (["web"], ["web", "mobile"], ["CASE", "caf\u00e9 \u2615"], ["nobody"]):
                for option in ("allow_clients", "deny_clients"):
                    self.ask("rule/" + option, self.of(label), [{"scheme": "durin", option: names}], views=["required"])
            for options in ({"user_per_client": "none"}, {"user_per_client": "0/minute"}, {"user_per_client": "0/h", "allow_clients": ["web", "cli"]}):
                self.ask("rule/rate", self.of(label), [{"scheme": "durin", **options}], views=["required"])
        self.ask("rule/both", self.of("good/alice"), [{"scheme": "durin", "allow_clients": ["web"], "deny_clients": ["web"]}], views=["required"])

    # ------------------------------------------------------------ the views
    def view(self, label, path, chain, value=None, method="POST", **kw):
        self.add(label, chain, [["Authorization", value]] if value is not None else [], method=method, path=path, **kw)

    def login(self, label, members, path=LOGIN, form="json", headers=(), **kw):
        if form == "json":
            kind, body = "application/json", members if isinstance(members, str) else json.dumps(members)
        elif form == "form":
            kind, body = FORM, "&".join("%s=%s" % (quote_plus(k), quote_plus(v)) for k, v in members.items())
        else:
            kind = "multipart/form-data; boundary=" + BOUNDARY
            body = "".join('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (BOUNDARY, k, wire(v)) for k, v in members.items())
            body += "--%s--\r\n" % BOUNDARY
        self.add(label, None, [["Content-Type", kind], *headers], method="POST", path=path, body=body, **kw)
        if self.out and self.out[-1].get("chain", 0) is None:
            del self.out[-1]["chain"]

    def member(self, name, client, **more):
        return {"username": name, "password": self.users[name]["password"] or "", "client": client, **more}

    def logins(self):
        for name in self.people:
            for path in (LOGIN, SHORT + "login/"):
                for form in ("json", "form", "multipart"):
                    self.login("login/good", self.member(name, self.pick(["web", "mobile", "cli", "api", "short"])), path, form)
                self.login("login/later", self.member(name, "web"), path, at=self.now + self.pick([-1, 1, 5, 90000]))
        for name in ("\u00fcn\u00efcode", "\u7528\u6237", "grace", "colon", "CaseUser"):
            for client in ("web", "odd", "caf\u00e9 \u2615"):
                self.login("login/good", self.member(name, client))
        for client in self.clients:
            for name in ("alice", "frank"):
                self.login("login/client", self.member(name, client), self.pick([LOGIN, SHORT + "login/"]), self.pick(["json", "form"]))
        for value in (True, 5, 1.5, 5.0, "5", ["web"], {"a": 1}, "WEB", "Case", " web", "web ", "nobody", "w" * 300, "\0", "web\0", 1e400, -1, "none", "None", "true", "*", "%", "we_"):
            self.login("client/unknown", self.member(self.pick(self.people), value))
        for value in (None, "", 0, 0.0, False, [], {}, -0.0):
            self.login("client/none", self.member(self.pick(self.people), value), self.pick([LOGIN, SHORT + "login/"]))
        for name in self.people[:14]:
            self.login("client/none", {"username": name, "password": self.users[name]["password"]})
            self.login("client/none", {"username": name, "password": self.users[name]["password"]}, form=self.pick(["form", "multipart"]))
        for bad in range(12):
            self.login("client/unknown", self.member(self.pick(self.people), "client%d" % bad), form=self.pick(["form", "json"]))
        self.bad_logins()

    def bad_logins(self):
        for name in self.people:
            self.login("login/wrong", {**self.member(name, "web"), "password": "wrong"}, form=self.pick(["form", "json"]))
        for name in ("inactive", "unusable", "gibberish", "nobody"):
            for client in ("web", "nothing"):
                self.login("login/wrong", {"username": name, "password": "inactive-pw", "client": client})
        for field in ("username", "password"):
            for value in (None, "", [], ["x"], {}, True, "\0", "a\0b", "absent"):
                for client in ("web", "", "nobody"):
                    members = {**self.member("alice", client), field: value}
                    if value == "absent":
                        del members[field]
                    self.login("login/field", members)
            for form in ("form", "multipart"):
                for _ in range(6):
                    members = self.member(self.pick(self.people), self.pick(list(self.clients)[:8]))
                    del members[field]
                    self.login("login/field", members, form=form)
                    self.login("login/field", {**members, field: ""}, form=form)
        for number in range(22):
            self.login("login/malformed", self.pick(['{"username": "alice', "[1,", "nope", '{"a": 01}', "{'a': 1}", '{"a" "b"}']) + " " * number)
            self.login("login/no object", self.pick(["[]", '"text"', "5", "true", "1.5"]) + " " * number)
            self.add("login/type", None, [["Content-Type", self.pick(["text/plain", "application/xml", "image/png"])]], method="POST", path=LOGIN, body="x" * (number + 1))
            del self.out[-1]["chain"]
        header = [["Authorization", "Token " + "0" * 64]]
        self.login("login/header", self.member("alice", "web"), headers=header)      # nobody looks at it
        self.login("login/header", self.member("alice", "nobody"), headers=header)

    def every_view(self):
        for path in (REFRESH, SHORT + "refresh/", LOGOUT, ALL, SESSIONS, SESSIONS + "/1", ACCESS, SAYING, WITHOUT):
            for chain in (["durin"], ["never", "durin"], ["durin", "basic"], ["basic", "durin"]):
                method = "POST" if path in (REFRESH, LOGOUT, ALL, ACCESS) else "DELETE" if path.endswith("/1") else "GET"
                self.view("view/nobody", path, chain, method=method)
                self.view("view/nobody", path, chain, "Other x", method)
                self.view("view/wrong", path, chain, "Token " + "0" * 64, method)
                self.view("view/wrong", path, chain, "Token " + self.of("expired/long ago"), method)
                self.view("view/wrong", path, chain, "Token " + self.of("inactive/good"), method)
                self.view("view/wrong", path, chain, "Basic " + b64("alice:wrong"), method)
                for other in ("GET", "PUT", "DELETE", "PATCH", "POST"):
                    self.view("view/method", path, chain, "Token " + self.of("good/alice"), other)
                    self.view("view/method", path, chain, None, other)
        for label in self.durin:
            if label.startswith("odd/"):
                continue
            chain, value = self.pick([["durin"], ["never", "durin"], ["durin", "basic"]]), "Token " + self.of(label)
            self.view("refresh", self.pick([REFRESH, SHORT + "refresh/"]), chain, value, at=self.now + self.pick([0, 0, 1, 60]))
            self.view("logout/one", LOGOUT, chain, value)
            self.view("logout/all", ALL, chain, value)
            for path in (SESSIONS, WITHOUT):
                self.view("sessions", path, chain, value, self.pick(["GET", "GET", "GET", "HEAD"]), at=self.now + self.pick([0, 0, 4, 5, 6, 100000]))
        for name in self.people[:10]:
            self.view("logout/all", ALL, ["basic"], "Basic " + b64(self.pair(name)))
            self.view("without a token/logout", LOGOUT, ["basic"], "Basic " + b64(self.pair(name)))
            self.view("without a token/refresh", REFRESH, ["basic"], "Basic " + b64(self.pair(name)))
            self.view("access/basic", ACCESS, ["basic"], "Basic " + b64(self.pair(name)), self.pick(["GET", "POST", "DELETE"]))

    def one_session(self):
        ids = {label: row["id"] for label, row in self.durin.items()}
        for label in self.live:
            value, mine = "Token " + self.of(label), ids[label]
            others = [i for other, i in ids.items() if self.durin[other]["user"] == self.durin[label]["user"] and other != label]
            for path in self.rnd.sample([SESSIONS, WITHOUT], 1):
                self.view("session/own", path + "/%d" % mine, ["durin"], value, "DELETE")
                for other in others[:1] or [mine]:
                    self.view("session/other", path + "/%d" % other, ["durin"], value, "DELETE")
                self.view("session/foreign", path + "/%d" % self.rnd.randrange(1, max(ids.values()) + 9), ["durin"], value, "DELETE")
                self.view("session/odd", path + "/" + self.pick(["0", "-1", "9223372036854775807", "abc", "1x", "x1", "a-b", "id"]), ["durin"], value, "DELETE")

    def access(self):
        for label in self.live:
            value = "Token " + self.of(label)
            for path in (ACCESS, SAYING):
                for method in ("GET", "POST", "DELETE", "HEAD"):
                    if self.chance(0.5):
                        self.view("access/" + method.lower(), path, ["durin"], value, method, at=self.now + self.pick([0, 0, 3]))
        for number in range(22):
            name = self.pick(["good/frank", "good/root", "good/colon"])
            self.view("access/none", ACCESS, ["durin"], "Token " + self.of(name), self.pick(["GET", "DELETE"]), at=self.now + number)

    def passive(self, word):
        return self.pick([item for item in PASSIVE if item_parts(item)[1] != word])

    def any_item(self):
        return self.pick(["basic", "token", "never", "deny"])

    def run(self):
        self.every_token()
        self.spelling()
        self.refusals()
        self.beside()
        self.rules()
        self.logins()
        self.every_view()
        self.one_session()
        self.access()
        return self.out


def generate_durin(manifest, seed):
    return Durin(manifest, seed).run()
