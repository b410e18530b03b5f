#!/usr/bin/env python3
"""Requests for the DRF corpus, made from the manifest of a seeded database.

    generate.py --manifest M.json [--count 4200] [--rng 7]     prints JSON lines

The same manifest, count and seed give the same lines. The fixed parts come first (each is a list of edge cases),
random requests fill up to the count: about half of those carry one valid credential somewhere in a chain of one
to six schemes, the others the same with something broken.
What a DRF *view* answers by itself (405, 406, OPTIONS) is left out: a chain of schemes cannot decide it.
So is the empty chain.
"""
import argparse
import base64
import json
import random
import sys

METHODS = ["GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
SPLITTING = [" ", "  ", "\t", "\x0b", "\x0c", " \t\x0b\x0c "]
NOT_SPLITTING = ["", "\xa0", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\0", ",", ":", "=", "\u00ad"]
EDGES = [("", ""), (" ", ""), ("", " "), ("\t", "\t"), ("\x0b", "\x0c"), ("\x0c \x0b", " \t ")]
JUNK = "!-_.*~,:;%&#@\"'()<>[]{}|^`\\?$\0\x01\x7f\x80\xa0\xe9\xff\x1c"
KEYWORDS = ["Bearer", "ApiKey", "token", "API-Key", "JWT", "T", "Basic", "My Token"]
REALMS = ["api", "staff area", "", "a \"quoted\" realm", "x" * 60, "back\\slash", "api, charset=UTF-8"]
CHALLENGES = ["X realm=y", "Negotiate", "Bearer realm=\"x\", error=\"invalid_token\"", "Basic realm=\"other\""]
NOT_UTF8 = [
    "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "\xed\xa0\x80",
    "\xed\xbf\xbf", "\xf0\x9f\x94", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
    "\xfe", "\xff", "\xff\xfe", "\xe9", "\xb8", "\xc3\xc3\xa9", "\xa0", "\x85",
]
FORM = "application/x-www-form-urlencoded"


def b64(data, encoding="utf-8"):
    return base64.b64encode(data.encode(encoding) if isinstance(data, str) else data).decode()


def wire(text):
    """UTF-8 bytes as the latin-1 string which stands for them in a request."""
    return text.encode("utf-8").decode("latin-1")


def item_parts(item):
    """(scheme, first word it reads, None when it reads none)"""
    item = {"scheme": item} if isinstance(item, str) else item
    if item["scheme"] == "basic":
        return "basic", "basic"
    if item["scheme"] == "token":
        return "token", item.get("keyword", "Token").lower()
    if item["scheme"] in ("knox", "durin"):
        return item["scheme"], item.get("auth_header_prefix", "Token").lower()
    return item["scheme"], None


class Generator:
    def __init__(self, manifest, seed):
        self.rnd = random.Random(seed)
        self.users, self.tokens = manifest["users"], manifest["tokens"]
        # names which log in through Basic, without the slow ones
        self.good = [n for n, u in self.users.items()
                     if u["verifies"] and u["is_active"] and ":" not in n and not n.endswith("-default")]
        self.bearers = [n for n in self.tokens if self.users[n]["is_active"]]
        self.disabled = [n for n, u in self.users.items() if not u["is_active"]]
        self.seen, self.out = set(), []

    # ------------------------------------------------------------ helpers
    def pick(self, seq):
        return seq[self.rnd.randrange(len(seq))]

    def chance(self, p):
        return self.rnd.random() < p

    def add(self, label, chain, headers=(), **kw):
        req = {"class": label, "chain": chain, "headers": [list(h) for h in headers]}
        req.update((k, v) for k, v in kw.items() if v)
        if req.get("method") == "GET":
            del req["method"]
        key = json.dumps({k: v for k, v in req.items() if k != "class"}, sort_keys=True)
        if key not in self.seen:
            self.seen.add(key)
            self.out.append({"id": "drf-%04d" % len(self.out), **req})

    def auth(self, label, chain, value, **kw):
        self.add(label, chain, [["Authorization", value]], method=self.pick(METHODS), **kw)

    def pair(self, name=None):
        name = name if name is not None else self.pick(self.good)
        return "%s:%s" % (name, self.users[name]["password"] or "")

    def key(self, name=None):
        return wire(self.tokens[name if name is not None else self.pick(self.bearers)])

    # ------------------------------------------------------------ chain items
    def basic(self):
        return {"scheme": "basic", "www_authenticate_realm": self.pick(REALMS)} if self.chance(0.25) else "basic"

    def token(self, keyword="Token"):
        return "token" if keyword == "Token" else {"scheme": "token", "keyword": keyword}

    def fail(self):
        return {"scheme": "fail", "challenge": self.pick(CHALLENGES)} if self.chance(0.5) else "fail"

    def any_item(self):
        return self.pick([self.basic(), self.token(), self.token(self.pick(KEYWORDS)), "never", self.fail(), "deny"])

    def passive(self, word):
        """An item which lets a header with this first word go by."""
        items = ["never", "never", self.basic(), self.basic(), "token", "token", self.token(self.pick(KEYWORDS))]
        return self.pick([i for i in items if item_parts(i)[1] != word])

    def small_chain(self, target):
        """Chains of one or two in which `target` is the one that reads the header."""
        word = item_parts(target)[1]
        return self.pick([[target], [target], [target, self.any_item()], [self.passive(word), target]])

    def both(self):
        return self.pick([["basic", "token"], ["token", "basic"], ["never", "basic", "token"],
                          ["token", "never", "basic"], ["basic", "token", "deny"]])

    # ------------------------------------------------------------ fixed parts
    def words(self, scheme, word, value):
        """Spelling of the first word, blanks around and between, and too many or too few words."""
        spellings = [word, word.lower(), word.upper(), word.swapcase()]
        chain = lambda: self.small_chain(scheme)  # noqa: E731
        for spelled in spellings:
            for gap in SPLITTING:
                self.auth("word/good", chain(), spelled + gap + value())
            for gap in NOT_SPLITTING:
                self.auth("word/joined", chain(), spelled + gap + value())
            for before, after in EDGES:
                self.auth("word/edges", chain(), before + spelled + " " + value() + after)
                self.auth("word/alone", chain(), before + spelled + after)
            for tail in (" x", "  x  y", "\tx", "\x0bx", " \x0c=", " x" * 50, " \xe9", " ,", " \0"):
                self.auth("word/many", chain(), spelled + " " + value() + tail)
        for other in (word + "x", "x" + word, word[:-1], word + ":", '"' + word + '"', word + "\0", "\xef\xbb\xbf" + word,
                      "\xa0" + word, "\x1c" + word, word.replace("i", "\u0131".encode().decode("latin-1")), "Negotiate",
                      "Digest", "AWS4-HMAC-SHA256"):
            self.auth("word/other", chain(), other + " " + value())
        for blank in ("", " ", "\t", "\x0b", "\x0c\x0b", " " * 300):
            self.auth("word/blank", chain(), blank)

    def base64_forms(self, pair):
        """(label, text) for one credential: forms a lenient decoder takes or refuses."""
        text = b64(pair)
        bare = text.rstrip("=")
        middle = len(bare) // 2
        for n in range(5):
            yield "padding", bare + "=" * n
            yield "leading padding", "=" * n + text
        for at in (1, 2, 3, 4, middle, len(bare) - 1, len(bare)):
            yield "inner padding", bare[:at] + "=" + text[at:]
            yield "inner padding", bare[:at] + "==" + text[at:]
        for c in JUNK:
            at = self.rnd.randrange(len(text) + 1)
            yield "junk", text[:at] + c + text[at:]
        yield "junk everywhere", "!".join(text)
        yield "junk at the end", text + "!!!!"
        yield "junk in padding", bare + "-=_="
        yield "data after padding", text + b64("zz")
        yield "data after padding", text + "A"
        yield "data after padding", bare + "==Zm9v"
        yield "data after padding", bare + "=Zm9v=="
        yield "one short", bare[:-1]
        yield "two short", bare[:-2]
        yield "three short", bare[:-3]
        yield "one over", bare + "A"
        yield "url alphabet", text.replace("+", "-").replace("/", "_")
        yield "url alphabet", base64.urlsafe_b64encode(pair.encode() + b"\xfb\xff").decode()
        yield "case", text.swapcase()
        yield "twice", b64(text)
        yield "reversed", text[::-1]
        abc = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        yield "spare bits", bare[:-1] + abc[abc.index(bare[-1]) | 1] + "=" * (len(text) - len(bare))

    def base64(self):
        # lengths 0, 1 and 2 modulo 3
        for name in ("alice", "bob", "frank", "\u00fcn\u00efcode", "caseuser", "name@example.com"):
            for label, text in self.base64_forms(self.pair(name)):
                self.auth("base64/" + label, self.small_chain("basic"), "Basic " + text)
        for text in ("=", "==", "===", "====", "=" * 64, "A", "AA", "AAA", "AAAA", "!", "!!!!", "-_-_", "\xe9", "\xff\xfe", "\0",
                     "Og", "Og=", "Og==", "Og===", "O=g=", "=Og==", "Og==Og==", "O!g==", "Og=!=", ":", "a:b", "alice:wonderland-1",
                     "/", "+", "//8=", "\u20ac".encode().decode("latin-1")):
            self.auth("base64/small", self.small_chain("basic"), "Basic " + text)

    def contents(self):
        """What stands inside a well-formed Basic credential."""
        alice = "wonderland-1"
        for text in (
                "alice", ":", "::", ":x", "alice:", ":alice:" + alice, "alice::" + alice, "alice: " + alice, " alice:" + alice,
                "alice :" + alice, "alice:" + alice + " ", "alice:" + alice + "\n", "alice\n:" + alice, "alice:" + alice + "\r\n",
                "alice;" + alice, "alice=" + alice, "alice\uff1a" + alice, "\ufeffalice:" + alice, "\uff41lice:" + alice,
                "alice:" + alice + "\0", "alice:" + alice + "\0\0", "alice:" + alice + "\0x", "ali\0ce:" + alice, "alice\0:" + alice,
                "\0alice:" + alice, "\0:\0", "alice:\0" + alice, "ALICE:" + alice, "Alice:" + alice, "alice:" + alice.upper(),
                "alice:" + alice[:-1], "alice:" + alice + "1", "CaseUser:lower", "caseuser:upper", "CASEUSER:upper",
                "colon:a", "colon:a:b", "colon:a:b:c:", "colon::a:b:c", "col:on:x", "padded: lead and trail ",
                " padded :lead and trail", "empty-password:", "empty-password: ", "empty-password:\0", "jose\u0301:cafe\u0301",
                "jose\u0301:decomposed", "jos\u00e9:decomposed", "jos\u00e9:cafe\u0301", "jos\u00c3\u00a9:caf\u00e9",
                "\u7528\u6237:" + alice, "nul-password:nul", "nul-password:nul\0byt", "1:" + alice, "alice' or '1'='1:x",
                "alice\\:x", "%61lice:" + alice, "nobody:" + alice, "nobody:", "*:*", "\U0001f980:\U0001f512"):
            for chain in (["basic"], self.both(), self.small_chain("basic")):
                self.auth("content", chain, "Basic " + b64(text))
        for raw in (b"jos\xe9:caf\xe9", b"jos\xe9:caf\xc3\xa9", b"jos\xc3\xa9:caf\xe9", b"jos\xc3\xa9:caf\xc3\xa9", b"\xfcn\xefcode:x",
                    b"\xff:\xff", b"\xff\xfea\0:\0b\0", b"alice:\xff", b"\xc0\x80:x", b"alice:wonderland-1\xa0", b"\xed\xa0\x80:x",
                    b"jos\xe9\xff:caf\xe9", b"in\xe4ktiv:\xe4us", b"\x80\x81", b"\xff", b"alice\xba:wonderland-1", b"\xf0\x9f:\xa6\x80",
                    b"\xef\xbb\xbfjos\xc3\xa9:caf\xc3\xa9", b"jos\xc3\x83\xc2\xa9:caf\xc3\x83\xc2\xa9", b"\xa9:\xa9"):
            for chain in (["basic"], ["never", "basic"], self.small_chain("basic")):
                self.auth("content/bytes", chain, "Basic " + b64(raw))

    def accounts(self):
        """Every seeded user with the right and with wrong passwords."""
        for name, user in self.users.items():
            slow, password = name.endswith("-default"), user["password"] or ""
            plain = name.startswith("member")        # twenty-four alike: one wrong password is enough
            wrong = ["wrong"] if slow or plain else [
                "wrong", "", password + "x", " " + password, password.swapcase() + "?", name]
            for text in [password] if slow else [password, password]:
                chain = self.small_chain("basic") if text else self.both()
                self.auth("account/right", chain, "Basic " + b64("%s:%s" % (name, text)))
            for text in wrong:
                if len(text.encode()) <= 72 or "bcrypt-72" not in name:
                    self.auth("account/wrong", self.small_chain("basic"), "Basic " + b64("%s:%s" % (name, text)))
            if user["password"]:
                self.auth("account/latin-1", ["basic"], "Basic " + b64(
                    ("%s:%s" % (name, password)).encode("latin-1", "ignore")))
            if not slow and not plain:
                for other in (name.upper(), name + " ", name[:-1], name + "\0"):
                    self.auth("account/other name", self.small_chain("basic"), "Basic " + b64("%s:%s" % (other, password)))
        # plain bcrypt refuses more than 72 bytes, and DRF answers 500
        for name, text in (("dave", "x" * 73), ("dave", "bcrypt-pw" * 9), ("bcrypt-72", "b" * 73), ("dave", "\u20ac" * 25)):
            self.auth("account/bcrypt over 72 bytes", ["basic"], "Basic " + b64("%s:%s" % (name, text)))

    def disabled_accounts(self):
        for name in self.disabled:
            for _ in range(4):
                self.auth("disabled/basic", self.chain_for("basic", "basic"), "Basic " + b64(self.pair(name)))
            if name in self.tokens:
                for _ in range(12):
                    item = self.token(self.pick(["Token", "Token", "Bearer", "ApiKey"]))
                    word = item_parts(item)[1]
                    self.auth("disabled/token", self.chain_for(item, word), word + " " + self.key(name))

    def keys(self):
        """Every seeded token, right and nearly right."""
        for name in self.tokens:
            key = self.key(name)
            self.auth("key/right", self.small_chain("token"), "Token " + key)
            self.auth("key/right", self.both(), "Token " + key)
            for keyword in ("Bearer", "ApiKey"):
                item = self.token(keyword)
                self.auth("key/keyword", self.small_chain(item), keyword + " " + key)
            self.auth("key/keyword", ["token", self.token("Bearer")], "Bearer " + key)
            self.auth("key/keyword", [self.token("Basic"), "basic"], "Basic " + key)
            near = [key.upper(), key.swapcase(), key + "0", key[:-1], '"%s"' % key, "token=" + key, key + "=", key + ",",
                    "\xef\xbb\xbf" + key, key + "\0", "\0" + key, b64(key.encode("latin-1")), key * 2, "%" + key, key + "%"]
            for text in self.rnd.sample(near, 8):
                self.auth("key/near", self.small_chain("token"), "Token " + text)
            latin = self.tokens[name].encode("latin-1", "replace").decode("latin-1")
            if latin != key:
                self.auth("key/latin-1", self.small_chain("token"), "Token " + latin)
        for bad in NOT_UTF8:
            for text in (bad, "abcd1234" + bad, bad + "abcd1234", "ab" + bad + "cd"):
                self.auth("key/not utf-8", self.chain_for("token", "token") if self.chance(0.5) else ["token"], "Token " + text)
        for text in ("\0", "null", "None", "undefined", "''", "*", "_", "%", "a" * 300, "\x7f", "\x1f", "\xc2\x85", "\xc2\xa0", "\xe2\x80\xa8",
                     "\xef\xbb\xbf", "\xef\xbf\xbe", "\xf4\x8f\xbf\xbf", "Token", "Basic", "0" * 40, "a'b", 'a"b', "a;b", "a--", "\\x"):
            self.auth("key/odd", self.small_chain("token"), "Token " + text)

    def bare_chains(self):
        """Chains without credentials, and with credentials nobody reads."""
        items = ["basic", "token", "never", "fail", "deny", {"scheme": "fail", "challenge": "X realm=y"},
                 {"scheme": "token", "keyword": "Bearer"}, {"scheme": "basic", "www_authenticate_realm": "staff area"}]
        singles = items + [{"scheme": "basic", "www_authenticate_realm": r} for r in REALMS] + [
            {"scheme": "token", "keyword": k} for k in KEYWORDS] + [{"scheme": "fail", "challenge": c} for c in CHALLENGES]
        for chain in [[i] for i in singles] + [[a, b] for a in items for b in items]:
            for method in (["GET", "POST", "HEAD"] if len(chain) == 1 else [self.pick(METHODS)]):
                self.add("chain/bare", chain, method=method)
            self.auth("chain/unread", chain, self.pick(["Negotiate abc", "Digest username=\"alice\"", "x", "Bearerx y"]))
        for _ in range(120):
            chain = [self.passive(None) for _ in range(self.rnd.randrange(2, 7))]
            self.add("chain/bare", chain, method=self.pick(METHODS))

    def coerced(self):
        """Each refusal with a first scheme that has no challenge: the 401 becomes 403."""
        basic, token = ("basic", "Basic"), ("token", "Token")
        kinds = [(basic, lambda: ""), (basic, lambda: b64(self.pair()) + " " + self.pick(["x", "x y", "=", "\xe9"])),
                 (basic, lambda: b64(self.pick(self.good))), (token, lambda: ""),
                 (token, lambda: self.key() + " " + self.pick(["x", "x y", "=", "\xe9"])),
                 (token, lambda: self.key() + self.pick(NOT_UTF8)),
                 (token, lambda: self.key(self.pick([n for n in self.tokens if n not in self.bearers])))]
        for (scheme, word), rest in kinds:
            for _ in range(26):
                chain = ["never"] + [self.passive(scheme) for _ in range(self.rnd.randrange(3))] + [scheme]
                chain += [self.any_item() for _ in range(self.rnd.randrange(3))]
                self.auth("coerced", chain, self.spelled(word, rest()))

    def duplicates(self):
        """Servers join repeated headers with a comma; so does the oracle."""
        good = lambda: "Basic " + b64(self.pair())  # noqa: E731
        key = lambda: "Token " + self.key()  # noqa: E731
        choices = [good, key, lambda: "Basic", lambda: "Token", lambda: "", lambda: b64(self.pair()), lambda: self.key(),
                   lambda: "Bearer x", lambda: "Basic !", lambda: ","]
        for first in choices:
            for second in choices:
                self.repeated([first(), second()])
        for _ in range(60):
            self.repeated([self.pick(choices)() for _ in range(self.pick([2, 3, 3]))])

    def repeated(self, values):
        names = ["Authorization", "authorization", "AUTHORIZATION"]
        headers = [[self.pick(names), v] for v in values]
        self.add("duplicate", self.both() if self.chance(0.7) else [self.any_item(), self.any_item()], headers,
                 method=self.pick(METHODS))

    def names(self):
        """Other spellings of the header name, and headers which only look like it."""
        for value, scheme in (("Basic " + b64(self.pair("alice")), "basic"), ("Token " + self.key("alice"), "token")):
            for name in ("Authorization", "authorization", "AUTHORIZATION", "aUTHORIZATION", "AuthorizatioN"):
                for _ in range(3):
                    self.add("name/case", self.small_chain(scheme), [[name, value]], method=self.pick(METHODS))
            for name in ("Proxy-Authorization", "X-Authorization", "Authorization2", "HTTP-Authorization", "HTTP_AUTHORIZATION",
                         "Authorization_", "_Authorization", "Proxy_Authorization", "Authorisation", "WWW-Authenticate", "Auth-Token",
                         "X-Forwarded-Authorization", "X-Auth-Token", "Authorization-X", "Authorization-", "Cookie"):
                self.add("name/other", [scheme], [[name, value]])
                self.add("name/other", self.both(), [[name, value]], method=self.pick(METHODS))
                self.add("name/beside", self.small_chain(scheme), [[name, "Basic x y"], ["Authorization", value]])

    def big(self):
        good = b64(self.pair("alice"))
        self.auth("big", ["token"], "Token " + "a" * 100_000)
        self.auth("big", ["basic"], "Basic " + b64("alice:" + "p" * 74_000))
        self.auth("big", ["basic"], "Basic " + "!" * 100_000 + good)
        self.auth("big", ["basic", "token"], "Basic " + "x " * 50_000)
        self.auth("big", ["basic"], "Basic" + " " * 100_000 + good)

    # ------------------------------------------------------------ random part
    def chain_for(self, target, word):
        """A chain of 1..6 in which `target` is reached by a header with this word."""
        length = self.pick([1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6])
        at = self.rnd.randrange(length)
        chain = [self.passive(word) for _ in range(at)] + [target]
        return chain + [self.any_item() for _ in range(length - at - 1)]

    def credential(self):
        """(chain item, first word, rest of the header), all good"""
        if self.chance(0.5):
            return self.basic(), "Basic", b64(self.pair())
        keyword = "Token" if self.chance(0.6) else self.pick([k for k in KEYWORDS if " " not in k])
        return self.token(keyword), keyword, self.key()

    def spelled(self, word, rest):
        word = self.pick([word, word, word, word.lower(), word.upper(), word.swapcase()])
        before, after = self.pick(EDGES) if self.chance(0.2) else ("", "")
        return before + word + (self.pick(SPLITTING) if self.chance(0.3) else " ") + rest + after

    def noise(self):
        """Things no scheme of the chain reads."""
        extra, kw = [], {}
        if self.chance(0.25):
            extra.append(self.pick([
                ["Accept", "*/*"], ["Accept", "application/json"], ["User-Agent", "x/1"], ["Origin", "https://evil.test"],
                ["Proxy-Authorization", "Basic " + b64("alice:wonderland-1")], ["X_Remote_User", "alice"], ["Remote-User", "root"],
                ["X-Forwarded-User", "root"], ["X-CSRFToken", "a" * 32], ["Authorization_", "Token abcd1234"],
                ["Referer", "https://evil.test/"], ["Date", "Tue, 02 Jan 2024 03:04:05 GMT"]]))
        method = self.pick(METHODS)
        if method in ("POST", "PUT", "PATCH") and self.chance(0.3):
            kw["body"] = self.pick(["{}", "a=b", "\xff\0", "{", "username=alice&password=x"])
            extra.append(["Content-Type", self.pick(["application/json", FORM, "application/octet-stream"])])
        if self.chance(0.1):
            kw["cookies"] = self.pick([{"sessionid": "a" * 32}, {"csrftoken": "b" * 32}, {"Authorization": "Token abcd1234"}])
        if self.chance(0.08):
            kw["environ"] = {"REMOTE_USER": self.pick(["alice", "root", "nobody"])}
        if self.chance(0.1):
            kw["path"] = "/probe/?" + self.pick(["access_token=abcd1234", "token=abcd1234", "x=1", "Authorization=Basic"])
        kw["secure"] = self.chance(0.1)
        return extra, {"method": method, **kw}

    def good_request(self):
        item, word, rest = self.credential()
        extra, kw = self.noise()
        name = self.pick(["Authorization", "Authorization", "authorization", "AUTHORIZATION"])
        headers = [[name, self.spelled(word, rest)]] + extra
        if self.chance(0.3):
            headers.reverse()
        self.add("random/good", self.chain_for(item, word.lower()), headers, **kw)

    def broken_rest(self, item, rest):
        """The part after the first word, damaged."""
        if item_parts(item)[0] == "basic":
            return self.pick([
                lambda: b64(self.pick(self.good) + ":" + self.pick(["", "wrong", "x" * 60])),
                lambda: b64("ghost-%d:x" % self.rnd.randrange(1000)), lambda: b64(self.pair(self.pick(self.disabled))),
                lambda: self.mutated(rest), lambda: self.mutated(rest), lambda: rest.rstrip("=")[:-1],
                lambda: b64(self.pick(self.good)), lambda: rest + " " + rest, lambda: "", lambda: "=" + rest[1:]])()
        return self.pick([
            lambda: "%040x" % self.rnd.getrandbits(160), lambda: self.key(self.pick([n for n in self.tokens if n not in self.bearers])),
            lambda: self.mutated(rest), lambda: rest + self.pick(NOT_UTF8), lambda: rest + " x", lambda: "",
            lambda: rest.swapcase() + "z"])()

    def mutated(self, text):
        for _ in range(self.rnd.randrange(1, 4)):
            at = self.rnd.randrange(len(text) + 1)
            new = self.pick(["", "=", "A", "!", "\xe9", "-", "/", "0", "\0"])
            text = text[:at] + new + text[at + self.rnd.randrange(2):]
        return text

    def broken_request(self):
        item, word, rest = self.credential()
        extra, kw = self.noise()
        how = self.rnd.random()
        chain = self.chain_for(item, word.lower())
        if how < 0.6:
            rest = self.broken_rest(item, rest)
        elif how < 0.7:
            at = next(i for i, x in enumerate(chain) if x == item)
            chain[at] = "never"
        elif how < 0.85:
            chain = ([self.pick(["never", "token" if word != "Token" else "never"])] * self.rnd.randrange(3)
                     + [self.pick([self.fail(), "deny"])] + chain)[:6]
        else:
            chain = ([self.pick([self.token(word), "basic" if word == "Basic" else self.token(word)])] + chain)[:6]
        headers = extra if self.chance(0.1) else [["Authorization", self.spelled(word, rest)]] + extra
        self.add("random/broken", chain, headers, **kw)

    def soup(self):
        abc = ["Basic", "Token", "Bearer", " ", " ", "\t", "=", ":", ",", "\0", "\xa0", "\xff", "\xc3\xa9", "abcd1234",
               b64("alice:wonderland-1"), b64("bob:x"), "!", "A", "basic", "TOKEN"]
        value = "".join(self.pick(abc) for _ in range(self.rnd.randrange(1, 7)))
        self.auth("random/soup", [self.any_item() for _ in range(self.rnd.randrange(1, 5))], value)

    def fill(self, count):
        while len(self.out) < count:
            r = self.rnd.random()
            if r < 0.08:
                self.soup()
            elif r < 0.60:
                self.good_request()
            else:
                self.broken_request()

    def run(self, count):
        self.words("basic", "Basic", lambda: b64(self.pair()))
        self.words("token", "Token", self.key)
        self.base64()
        self.contents()
        self.accounts()
        self.disabled_accounts()
        self.keys()
        self.bare_chains()
        self.coerced()
        self.duplicates()
        self.names()
        self.big()
        fixed = len(self.out)
        self.fill(count)
        print("%d fixed, %d random requests" % (fixed, len(self.out) - fixed), file=sys.stderr)
        return self.out


def generate(manifest, count, seed):
    return Generator(manifest, seed).run(count)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--manifest", required=True)
    ap.add_argument("--count", type=int, default=4200)
    ap.add_argument("--rng", type=int, default=7)
    args = ap.parse_args()
    with open(args.manifest) as f:
        manifest = json.load(f)
    for request in generate(manifest, args.count, args.rng):
        print(json.dumps(request, ensure_ascii=True))


if __name__ == "__main__":
    main()
