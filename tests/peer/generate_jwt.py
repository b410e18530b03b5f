"""Requests for the corpus of simplejwt: chains with its scheme, and its views."""
import json

from generate import FORM, METHODS, NOT_UTF8, Generator, b64, wire

PAIR, REFRESH, VERIFY, BLACKLIST = "/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/blacklist/"
SLIDING, RENEW = "/api/token/sliding/", "/api/token/sliding/refresh/"
ROTATE, ROTATE_VERIFY, ROLL = "/rotating/refresh/", "/rotating/verify/", "/rolling/refresh/"
STRICT, STRICT_REFRESH, STRICT_SLIDING = "/strict/", "/strict/refresh/", "/strict/sliding/"
NAMED, NAMED_REFRESH, NAMED_SLIDING = "/named/", "/named/refresh/", "/named/sliding/"
FIELDS = {REFRESH: "refresh", VERIFY: "token", BLACKLIST: "refresh", RENEW: "token", ROTATE: "refresh", ROTATE_VERIFY: "token", ROLL: "refresh", STRICT_REFRESH: "refresh", NAMED_REFRESH: "refresh"}
STATELESS = {"scheme": "jwt", "stateless": True}
PASSIVE = ["never", "basic", "token"]
ALL = {"scheme": "jwt", "auth_token_classes": ["AccessToken", "SlidingToken", "RefreshToken", "UntypedToken"]}
OF_KIND = {"sliding": {"scheme": "jwt", "auth_token_classes": ["SlidingToken"]}, "refresh": {"scheme": "jwt", "auth_token_classes": ["RefreshToken"]},
           "untyped": {"scheme": "jwt", "auth_token_classes": ["UntypedToken"]}, "both": {"scheme": "jwt", "auth_token_classes": ["AccessToken", "SlidingToken"]},
           "turned": {"scheme": "jwt", "auth_token_classes": ["SlidingToken", "AccessToken"]}}


class Jwt(Generator):
    def __init__(self, manifest, seed):
        super().__init__(manifest, seed)
        self.jwt, self.keys, self.now = manifest["jwt"], manifest["keys"], manifest["epoch"]
        self.people = [n for n in self.good if n.startswith("member") or n in ("alice", "frank", "root", "CaseUser", "caseuser", "jos\u00e9")]
        self.items = [dict(OF_KIND[name]) for name in OF_KIND]

    def add(self, label, chain, headers=(), **kw):
        before = len(self.out)
        super().add(label, chain, headers, **{"at": self.now, **kw})
        for row in self.out[before:]:
            row["id"] = row["id"].replace("drf", "jwt")

    def of(self, label):
        return wire(self.jwt[label]["token"])

    def labels(self, *starts):
        return [label for label in self.jwt if label.startswith(starts)]

    def passing(self, item="jwt"):
        """A chain whose scheme of simplejwt is reached."""
        chain = [self.pick(PASSIVE) for _ in range(self.pick([0, 0, 0, 1, 1, 2]))] + [item]
        return chain + [self.pick(["never", "basic", "token", "fail", "deny"]) for _ in range(self.pick([0, 0, 1, 2]))]

    def ask(self, label, token, item="jwt", chain=None, word="Bearer", **kw):
        if chain is None and self.chance(0.8):
            kw["views"] = ["required"]
        self.auth(label, self.passing(item) if chain is None else chain, "%s %s" % (word, token), **kw)

    # ------------------------------------------------------------ the scheme
    def every_token(self):
        for label, row in self.jwt.items():
            part = "token/" + label.split("/")[0]
            self.ask(part, self.of(label), chain=["jwt"])
            self.ask(part, self.of(label))
            if label.startswith(("user", "stateless", "inactive", "ends/access", "jti")) or self.chance(0.25):
                self.ask("stateless/" + label.split("/")[0], self.of(label), STATELESS)
            for kind, item in OF_KIND.items():
                if row["kind"] == kind or label.startswith(("type", "jti", "black")) or self.chance(0.15):
                    self.ask("classes/" + kind, self.of(label), item)
            if row["kind"] != "access" and self.chance(0.5) or self.chance(0.2):
                self.ask("classes/all", self.of(label), ALL)
            for later in (1, -1, 5, 86400, 86401):
                if (label.startswith(("ends/access", "iat", "nbf")) and later in (1, -1, 5)) or self.chance(0.06):
                    self.ask("later", self.of(label), at=self.now + later)

    def options(self):
        for label in self.labels("ends", "iat", "nbf", "exp"):
            for leeway in (1, 5, 10):
                self.chance(0.6) and self.ask("leeway", self.of(label), {"scheme": "jwt", "leeway": leeway, **({"auth_token_classes": ["AccessToken", "SlidingToken", "RefreshToken"]} if self.chance(0.4) else {})})
        for label in self.labels("aud", "iss", "both", "access/alice", "strict"):
            for item in ({"audience": ["api"]}, {"audience": ["web", "api"]}, {"issuer": "https://issuer.example"}, {"issuer": "x"}, {"audience": ["api"], "issuer": "https://issuer.example"}):
                self.chance(0.7) and self.ask("audience", self.of(label), {"scheme": "jwt", **item})
        for label in self.labels("password", "access", "inactive", "user/gone"):
            for item in ({"check_revoke_token": True}, {"check_revoke_token": True, "revoke_token_claim": "jti"}):
                self.ask("revoke", self.of(label), {"scheme": "jwt", **item})
        for label in self.labels("inactive", "user", "alg/inactive", "password/inactive"):
            self.ask("inactive", self.of(label), {"scheme": "jwt", "check_user_is_active": False, **({"auth_token_classes": ["RefreshToken", "AccessToken"]} if "refresh" in label else {})})
        for label in self.labels("named", "access/alice", "user/text", "user/n", "user/gone"):
            for item in ({"user_id_field": "username"}, {"user_id_field": "username", "jti_claim": "id"}, {"user_id_field": "email"}, {"user_id_claim": "sub"}, {"jti_claim": "id"}):
                self.ask("names", self.of(label), {"scheme": "jwt", **item})
        for label in self.labels("type", "jti", "strict", "access/alice", "refresh/alice"):
            for item in ({"token_type_claim": ""}, {"token_type_claim": "kind"}, {"user_id_claim": "jti", "user_id_field": "username"}):
                self.ask("names", self.of(label), {"scheme": "jwt", **item})
        # where ids are not asked for, nothing can be looked up
        for label in self.labels("jti", "access/member"):
            if self.jwt[label]["kind"] == "access":
                self.ask("names", self.of(label), {"scheme": "jwt", "jti_claim": "", "blacklist": False})

    def algorithms(self):
        for alg in ("HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"):
            item = {"scheme": "jwt", "algorithm": alg}
            if not alg.startswith("HS"):
                item["verifying_key"] = self.keys[alg][1]
            for label in self.labels("alg", "access/alice", "header", "forged/other key"):
                self.ask("algorithm/" + alg, self.of(label), item)
                if "/" + alg in label:
                    self.ask("algorithm/" + alg, self.of(label), {**item, "stateless": True})
                    self.ask("algorithm/" + alg, self.of(label), {**item, "verifying_key": self.keys["RS256"][1]} if alg == "RS256" else {**item, "signing_key": "x" * 70} if alg.startswith("HS") else item)

    def spelling(self):
        good = self.of("access/alice")
        for word in ("Bearer", "bearer", "BEARER", "Bearer:", "Bearer,", "Token", "JWT", "Bear", "Bearers", "\xa0Bearer", "Be\u00ebrer"):
            for rest in (" " + good, "  " + good, "\t" + good, good, "", " ", " " + good + " x", " a b c", "," + good, "\x0b" + good, "\xa0" + good):
                self.auth("word", self.passing(), word + rest)
        for types in (["JWT"], ["JWT", "Bearer"], ["Bearer", "JWT"], ["Token"], ["T"], ["bearer"]):
            item = {"scheme": "jwt", "auth_header_types": types}
            for word in ("Bearer", "JWT", "jwt", "Token", "T", "bearer"):
                self.ask("types", good, item, word=word)
                self.auth("types", [item, self.pick(PASSIVE)], word)
                self.auth("types", [item], word + " a b")
        for name, header in (("HTTP_X_ACCESS_TOKEN", "X-Access-Token"), ("HTTP_X_AUTH", "x-auth")):
            item = {"scheme": "jwt", "auth_header_name": name}
            for value in ("Bearer " + good, "bearer " + good, "Bearer", "Bearer x", ""):
                self.add("header", self.pick([[item], [item, "basic"], ["never", item]]), [[header, value]])
                self.add("header", [item], [["Authorization", value]])
                self.add("header", [item, "token"], [["Authorization", "Token " + self.key("alice")], [header, value]])
        for first in ("Bearer " + good, "Bearer", ""):
            for second in ("Bearer " + self.of("access/root"), "Bearer", ""):
                self.add("duplicate", self.pick([["jwt"], ["jwt", "basic"], ["basic", "jwt"]]), [["Authorization", first], ["authorization", second]])
        for bad in NOT_UTF8:
            self.ask("not utf-8", bad)
            self.ask("not utf-8", good[:30] + bad)
        for text in ("\0", "null", "..", "a.b.c", "*", "a" * 300, "a" * 15000, good + good, good.upper(), good.lower(), good[::-1], good.replace(".", "\xa0")):
            self.ask("odd", text)

    def refusals(self):
        for _ in range(26):
            first = self.pick([[], ["never"], ["basic"]])
            for rest in ("", self.of("access/alice") + " x", self.of("inactive/access"), self.of("user/gone access"), self.of("user/none access"), self.of("forged/other key")):
                self.auth("refusal", first + ["jwt"] + [self.pick(PASSIVE) for _ in range(self.rnd.randrange(3))], ("Bearer " + rest).strip())
            self.ask("refusal", self.of("password/other alice"), {"scheme": "jwt", "check_revoke_token": True})
            self.auth("refusal", first + ["jwt", "basic"], "Basic " + b64(self.pick(self.people) + ":wrong"))
            self.add("refusal", first + ["jwt"] + [self.pick(PASSIVE)], method=self.pick(METHODS), at=self.now + self.rnd.randrange(1000))
            self.auth("refusal", ["jwt", "fail"] if not first else ["never", "jwt", "fail"], "Other %d" % self.rnd.randrange(1000))
            self.auth("refusal", first + ["jwt", "deny"], "Other %d" % self.rnd.randrange(1000))
        for name in self.people:
            for chain in (["jwt", "basic"], ["basic", "jwt"], ["token", "jwt", "basic"]):
                self.auth("beside/basic", chain, "Basic " + b64(self.pair(name)))
            self.ask("beside/jwt", self.of("access/" + name), chain=["basic", "jwt", "token"])
        for chain in (["jwt", {"scheme": "token", "keyword": "Bearer"}], [{"scheme": "token", "keyword": "Bearer"}, "jwt"], [STATELESS, "jwt"], ["jwt", STATELESS]):
            for token in (self.key("alice"), self.of("access/alice"), self.of("inactive/access"), self.of("user/gone access")):
                self.ask("beside/token", token, chain=chain)

    # ------------------------------------------------------------ the views
    def post(self, label, path, data, chain=None, form=False, **kw):
        """The views have no schemes of their own; the item says what their settings are."""
        chain = ["never"] if chain is None else chain
        if form:
            from urllib.parse import urlencode
            body, kind = urlencode(data), FORM
        else:
            body, kind = json.dumps(data), "application/json"
        self.add(label, chain, [["Content-Type", kind]], method="POST", path=path, body=body, **kw)

    def logins(self):
        for path in (PAIR, SLIDING, STRICT, STRICT_SLIDING, NAMED, NAMED_SLIDING):
            for name in self.people + ["grace"]:
                if name in ("frank", "grace") and path.startswith("/strict"):
                    continue                  # a new hash has a random salt
                data = {"username": name, "password": self.users[name]["password"]}
                self.post("login/good", path, data, form=self.chance(0.3))
                self.post("login/later", path, {**data, "password": " %s " % data["password"]}, at=self.now + self.pick([-1, 0.25, 40000]))
            for name, password in (("alice", "wrong"), ("nobody", "x"), ("inactive", "inactive-pw"), ("unusable", "x"), ("gibberish", "x"), ("blank-hash", ""), (" padded ", " lead and trail "), ("empty-password", ""), ("Alice", "wonderland-1"), ("al\0ice", "x")):
                self.post("login/wrong", path, {"username": name, "password": password}, form=self.chance(0.3))
        for data in ({}, {"username": "alice"}, {"password": "x"}, {"username": "", "password": ""}, {"username": None, "password": None}, {"username": ["a"], "password": {}}, {"username": True, "password": 1},
                     {"username": " ", "password": " "}, {"username": 5, "password": 5.5}, {"username": "a\0", "password": "\0"}, {"username": "\ud800", "password": "x"}, [], "x", None, 5):
            for path in (PAIR, SLIDING, STRICT):
                self.post("login/fields", path, data)
        for _ in range(6):
            self.post("login/wrong", PAIR, {"username": self.pick(self.people), "password": "wrong %d" % self.rnd.randrange(1000)})
        self.post("login/behind", PAIR, {"username": "alice", "password": "wonderland-1"}, chain=["basic", "jwt"])
        self.add("login/behind", ["basic", "jwt"], [["Content-Type", "application/json"], ["Authorization", "Bearer x"]], method="POST", path=PAIR, body="{}")
        self.add("login/behind", ["basic"], [["Content-Type", "application/json"], ["Authorization", "Basic " + b64("alice:wrong")]], method="POST", path=REFRESH, body="{}")

    def old_tokens(self):
        for label, row in self.jwt.items():
            for path, field in FIELDS.items():
                if path.startswith(("/strict", "/named")) and not label.startswith(("strict", "named", "refresh/", "password", "inactive")):
                    continue
                wanted = {"refresh": "refresh", "token": "sliding" if path == RENEW else None}[field]
                if (wanted == row["kind"] and self.chance(0.8)) or (wanted is None and self.chance(0.35)) or self.chance(0.06):
                    self.post(path.strip("/").replace("/", " ") + "/" + label.split("/")[0], path, {field: row["token"]}, form=self.chance(0.15))
                if wanted == row["kind"] and label.startswith(("ends", "refresh_exp", "refresh/member0", "listed", "black", "sliding/member0")):
                    self.post("old/later", path, {field: row["token"]}, at=self.now + self.pick([0.75, 1, 3600, 86399, 86400]))
        for path, field in FIELDS.items():
            for data in ({}, {field: ""}, {field: None}, {field: [1]}, {field: 5}, {field: True}, {field: " "}, {field: "abc"}, {field: "a.b.c"}, {field: "\0"}, {field: "\u00e9"}, {field: " %s " % self.jwt["refresh/alice"]["token"]}, [], None, "x"):
                self.post("old/fields", path, data)
            for method in ("GET", "PUT", "DELETE", "HEAD"):
                self.add("view/method", ["never"], method=method, path=path)
        for path in (PAIR, SLIDING):
            for method in ("GET", "PUT", "DELETE", "HEAD", "PATCH"):
                self.add("view/method", ["never"], method=method, path=path)
        for path in (PAIR, REFRESH, VERIFY, BLACKLIST, SLIDING, RENEW):
            for kind in ("text/plain", "", "application/xml", "application/jsonx"):
                self.add("view/type", ["never"], [["Content-Type", kind]], method="POST", path=path, body="{}")
            for body in ("{", "nope", '{"a": NaN}'):
                self.add("view/json", ["never"], [["Content-Type", "application/json"]], method="POST", path=path, body=body)
            for _ in range(3):
                self.post("old/wrong", path, {FIELDS.get(path, "x"): self.of("inactive/" + ("sliding" if path == RENEW else "refresh"))}, at=self.now + self.rnd.randrange(1000))
        for _ in range(22):
            at = self.now + self.rnd.randrange(10000)
            self.post("old/refusal", self.pick([REFRESH, ROTATE, ROLL]), {"refresh": self.of("inactive/refresh")}, at=at)
            self.post("old/refusal", self.pick([REFRESH, ROTATE, BLACKLIST]), {"refresh": self.of("access/member%02d" % self.rnd.randrange(1, 13))}, at=at)
            self.post("old/refusal", self.pick([REFRESH, ROTATE, BLACKLIST]), {"refresh": self.of("black refresh/member%02d" % self.rnd.randrange(1, 5))}, at=at)
            self.post("old/refusal", ROTATE_VERIFY, {"token": self.of(self.pick(["black refresh", "black sliding", "black access"]) + "/member%02d" % self.rnd.randrange(1, 5))}, at=at)
            self.post("old/refusal", RENEW, {"token": self.of(self.pick(["refresh_exp/a second ago", "refresh_exp/now", "refresh_exp/in a second"]))}, at=at)
            self.post("old/refusal", RENEW, {"token": self.of("refresh_exp/none")}, at=at)
            self.post("old/refusal", self.pick([VERIFY, REFRESH]), {self.pick(["token", "refresh"]): self.of("jti/none access")}, at=at)
            self.post("old/refusal", VERIFY, {"token": self.of("jti/none " + self.pick(["access", "refresh", "sliding"]))}, at=at)
            self.post("old/refusal", VERIFY, {"token": self.of("exp/%s none" % self.pick(["access", "refresh", "sliding"]))}, at=at)
            self.post("old/refusal", self.pick([REFRESH, ROTATE, BLACKLIST]), {"refresh": self.of("type/none refresh")}, at=at)
            self.post("old/refusal", self.pick([REFRESH, ROTATE, BLACKLIST]), {"refresh": None}, at=at)

    def run(self):
        self.every_token()
        self.options()
        self.algorithms()
        self.spelling()
        self.refusals()
        self.logins()
        self.old_tokens()
        return self.out


def generate_jwt(manifest, seed):
    return Jwt(manifest, seed).run()
