"""Requests for the corpus of django-rest-knox: chains with its scheme, and its views."""
from generate import KEYWORDS, METHODS, NOT_UTF8, Generator, b64, item_parts, wire

LOGIN, SHORT, ENDLESS, LOGOUT, ALL = "/api/auth/login/", "/short/login/", "/endless/login/", "/api/auth/logout/", "/api/auth/logoutall/"
REFRESH = {"scheme": "knox", "auto_refresh": True}
PASSIVE = ["never", "basic", {"scheme": "token", "keyword": "Bearer"}]


class Knox(Generator):
    def __init__(self, manifest, seed):
        super().__init__(manifest, seed)
        self.knox, self.now = manifest["knox"], int(manifest["epoch"])
        # names with a password that is quick to check
        self.people = [n for n in self.good if n.startswith("member") or n in ("alice", "frank", "root", "caseuser")]
        self.live = [label for label in self.knox if label.startswith(("good/", "limit/")) and "expired" not in label]

    def add(self, label, chain, headers=(), **kw):
        before = len(self.out)
        super().add(label, chain, headers, **{"at": self.now, **kw})
        for row in self.out[before:]:
            row["id"] = row["id"].replace("drf", "knox")

    def of(self, label):
        return wire(self.knox[label]["token"])

    def passing(self):
        """A chain whose scheme of knox is reached."""
        chain = [self.pick(PASSIVE) for _ in range(self.pick([0, 0, 0, 1, 1, 2]))] + ["knox"]
        return chain + [self.pick(["never", "basic", "token", "fail", "deny"]) for _ in range(self.pick([0, 0, 1, 2]))]

    def ask(self, label, token, chain=None, word="Token", **kw):
        self.auth(label, self.passing() if chain is None else chain, "%s %s" % (word, token), **kw)

    # ------------------------------------------------------------ the scheme
    def every_token(self):
        for label, row in self.knox.items():
            for chain in (["knox"], None, None):
                self.ask("token/" + label.split("/")[0], self.of(label), chain)
            for later in (1, -1, 3600, 36000):
                self.ask("token/later", self.of(label), at=self.now + later)
            for chain in ([REFRESH], ["never", REFRESH]):
                self.ask("refresh/usual", self.of(label), chain)
            token = row["token"]
            if len(token) > 20 and not label.startswith("limit"):
                for near in self.rnd.sample([token[:15], token[:15] + "x", token[:16], token[:-1], token + "0", token.upper(), token[1:], '"%s"' % token, token + "\0", token[:14] + "z" + token[15:], token[:15] + token[15:].upper()], 3):
                    self.ask("near/" + label.split("/")[0], wire(near), at=self.now + self.pick([0, 0, 40000]))

    def refreshing(self):
        for label in self.knox:
            if not label.startswith(("renew/", "siblings/", "expired/", "good/ends", "good/never")):
                continue
            for options in ({"auto_refresh_max_ttl": 36000}, {"auto_refresh_max_ttl": 72000}, {"min_refresh_interval": 0}, {"min_refresh_interval": 3600},
                            {"token_ttl": 60}, {"token_ttl": 864000}, {"auto_refresh_max_ttl": 39600, "min_refresh_interval": 10}):
                self.ask("refresh/" + next(iter(options)), self.of(label), [{**REFRESH, **options}], at=self.now + self.pick([0, 0, 1, 30]))

    def spelling(self):
        labels = [label for label in self.live if label.startswith("good/")]
        # the longest part of the usual spellings, one in three
        kept = len(self.out)
        self.words("knox", "Token", lambda: self.of(self.pick(labels)))
        spelled = self.out[kept:]
        del self.out[kept:]
        for row in spelled:
            if self.chance(0.6):
                self.out.append({**row, "id": "knox-%04d" % len(self.out), "at": self.now})
        for prefix in ("Bearer", "Knox", "T", "API-Key", "JWT"):
            item = {"scheme": "knox", "auth_header_prefix": prefix}
            for label in ("good/alice", "inactive/good", "expired/alone", "siblings/good"):
                self.ask("prefix", self.of(label), [item], prefix)
                self.ask("prefix", self.of(label), [item], prefix.swapcase())
                self.ask("prefix", self.of(label), [item, "basic"])
            self.add("prefix", [item])
            self.auth("prefix", [item, "knox"], prefix)

    def hashes(self):
        for name in ("sha384", "sha256", "sha224", "sha3_512", "sha3_384", "sha3_256", "sha512"):
            item = {"scheme": "knox", "secure_hash_algorithm": "hashlib." + name}
            for label in ("hash/" + name, "hash/sha256", "good/alice"):
                if label in self.knox:
                    self.ask("hash", self.of(label), [item])

    def refusals(self):
        for _ in range(26):
            first = self.pick([[], ["never"]])
            for rest in ("", self.of("good/alice") + " x", self.of(self.pick(["inactive/good", "inactive/never", "same/inactive", "renew/inactive"])),
                         "%064x" % self.rnd.getrandbits(256), self.of("expired/alone")):
                self.auth("refusal", first + ["knox"] + [self.pick(PASSIVE) for _ in range(self.rnd.randrange(3))], ("Token " + rest).strip())
            self.auth("refusal", first + ["knox", "basic"], "Basic " + b64(self.pick(self.people) + ":wrong"))
            self.add("refusal", first + ["knox"] + [self.pick(PASSIVE)], method=self.pick(METHODS), at=self.now + self.rnd.randrange(1000))
            self.auth("refusal", ["knox", "fail"] if not first else ["never", "knox", "fail"], "Other %d" % self.rnd.randrange(1000))
            self.auth("refusal", first + ["knox", "deny"], "Other %d" % self.rnd.randrange(1000))
        for bad in NOT_UTF8:
            self.ask("not utf-8", bad, ["knox"])
            self.ask("not utf-8", self.of("good/alice")[:20] + bad, self.pick([["knox"], ["never", "knox"]]))
        for text in ("\0", "null", "''", "*", "_", "%", "a" * 300, "a" * 20000, "\xc2\xa0" * 15, "\xef\xbb\xbf" + self.of("good/alice"), self.of("same/alice")[:15] + "e" * 49):
            self.ask("odd", text, ["knox"])

    def beside(self):
        """Chains with DRF's own tokens and with passwords."""
        for name in self.people:
            for chain in (["knox", "basic"], ["basic", "knox"], ["token", "knox", "basic"]):
                self.auth("beside/basic", chain, "Basic " + b64(self.pair(name)))
        drf = self.key("alice")
        for token in (drf, self.of("good/alice"), self.of("good/root"), self.of("inactive/good")):
            for chain in (["knox", "token"], ["token", "knox"], [{"scheme": "token", "keyword": "Bearer"}, "knox"], ["knox", {"scheme": "token", "keyword": "Bearer"}],
                          [{"scheme": "knox", "auth_header_prefix": "Bearer"}, "token"]):
                for word in ("Token", "Bearer"):
                    self.ask("beside/token", token, chain, word)
        for first in ("Token " + self.of("good/alice"), "Token", ""):
            for second in ("Token " + self.of("good/root"), "Token", ""):
                self.add("duplicate", self.pick([["knox"], ["knox", "basic"], ["basic", "knox"]]), [["Authorization", first], ["authorization", second]])

    # ------------------------------------------------------------ the views
    def view(self, label, path, chain, value=None, method="POST", **kw):
        if path == SHORT:                     # REST_KNOX is one for the scheme and the view
            chain = [{"scheme": "knox", "secure_hash_algorithm": "hashlib.sha256"} if item == "knox" else item for item in chain]
        self.add(label, chain, [["Authorization", value]] if value is not None else [], method=method, path=path, **kw)

    def logins(self):
        for name in self.people:
            for path in (LOGIN, SHORT, ENDLESS):
                self.view("login/good", path, self.pick([["basic"], ["never", "basic"], ["knox", "basic"], ["basic", "knox"]]), "Basic " + b64(self.pair(name)))
                self.view("login/later", path, ["basic"], "Basic " + b64(self.pair(name)), at=self.now + self.pick([-1, 1, 40000]))
        for n in range(20, 25):
            for later in (0, 1, 2, 5, 60, 36000, 36001):
                for chain in (["basic"], ["never", "basic"]):
                    self.view("login/limit", SHORT, chain, "Basic " + b64(self.pair("member%d" % n)), at=self.now + later)
        for label in self.live[:12]:
            self.view("login/by token", LOGIN, ["knox"], "Token " + self.of(label))
        for path in (LOGIN, SHORT, LOGOUT, ALL):
            for chain in (["basic"], ["knox"], ["never", "knox"], ["knox", "basic"], ["basic", "knox"]):
                self.view("view/nobody", path, chain)
                self.view("view/nobody", path, chain, "Other x")
                self.view("view/wrong", path, chain, "Token " + "0" * 64)
                self.view("view/wrong", path, chain, "Basic " + b64("alice:wrong"))
                for method in ("GET", "PUT", "DELETE", "HEAD"):
                    self.view("view/method", path, chain, "Token " + self.of("good/alice"), method)
                    self.view("view/method", path, chain, None, method)

    def logouts(self):
        for label in self.knox:
            if not label.startswith(("hash/", "odd/t\u00f6")):
                self.view("logout/one", LOGOUT, self.pick([["knox"], ["never", "knox"], ["knox", "basic"]]), "Token " + self.of(label))
                self.view("logout/all", ALL, self.pick([["knox"], ["never", "knox"], ["knox", "basic"]]), "Token " + self.of(label))
        for name in self.people[:10]:
            self.view("logout/all", ALL, ["basic"], "Basic " + b64(self.pair(name)))
            self.view("logout/without a token", LOGOUT, ["basic"], "Basic " + b64(self.pair(name)))

    def passive(self, word):
        return self.pick([item for item in PASSIVE if item_parts(item)[1] != word])

    def any_item(self):
        return self.pick(["basic", "token", {"scheme": "token", "keyword": self.pick(KEYWORDS[:3])}, "never", "deny"])

    def run(self):
        self.every_token()
        self.refreshing()
        self.spelling()
        self.hashes()
        self.refusals()
        self.beside()
        self.logins()
        self.logouts()
        return self.out


def generate_knox(manifest, seed):
    return Knox(manifest, seed).run()
