#!/usr/bin/env python3
"""Record the corpora: generated requests with the answers of Django REST framework, of knox, of simplejwt and of durin.

    record.py [--out tests/vectors] [--rng 7]
                         write drf/{requests.jsonl,seed.sql,manifest.json}, engines/{requests.jsonl,manifest.json}, and as
                         drf also knox, simplejwt and durin, and the counts into their README.md
    record.py --only simplejwt
                         of one of the packages: knox, simplejwt, durin
    record.py --check    record into a scratch folder and compare
    record.py --table    print the count tables of the written corpora

The exit status is 1 when a count is too small, or when --check finds a difference.

Needs the packages of scripts/requirements.txt. The seed, the requests and the answers depend on nothing but the
code here and the pinned versions (and on zlib, which squeezes session data), so a second run writes the same bytes.
"""
import argparse
import filecmp
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter

from generate import generate
from generate_browser import generate_browser
from generate_durin import generate_durin
from generate_engines import generate_engines
from generate_jwt import generate_jwt
from generate_knox import generate_knox

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.path.dirname(HERE), "vectors")
FILES = ["drf/requests.jsonl", "drf/seed.sql", "drf/manifest.json", "engines/requests.jsonl", "engines/manifest.json",
         *("%s/%s" % (part, name) for part in ("knox", "simplejwt", "durin") for name in ("requests.jsonl", "seed.sql", "manifest.json"))]
# folder -> flag of drf.py, requests
PACKAGES = {"knox": ("--knox", generate_knox), "simplejwt": ("--jwt", generate_jwt), "durin": ("--durin", generate_durin)}
# requests without sessions; they are the first lines of drf
FIRST = 4200
FIELDS = ["status", "user", "user_id", "auth_kind", "auth_repr", "authenticator", "www_authenticate", "detail", "code",
          "exception"]
ONLY_WHEN_THERE = ["set_cookie", "after", "events"]
NOT_GIVEN = "Authentication credentials were not provided."
TEXTS = [
    NOT_GIVEN,
    "Invalid basic header. No credentials provided.",
    "Invalid basic header. Credentials string should not contain spaces.",
    "Invalid basic header. Credentials not correctly base64 encoded.",
    "Invalid username/password.",
    "Invalid token header. No credentials provided.",
    "Invalid token header. Token string should not contain spaces.",
    "Invalid token header. Token string should not contain invalid characters.",
    "Invalid token.",
    "User inactive or deleted.",
    "Bad credentials",
]
TOKEN_FAULTS = ["has incorrect length", "has invalid characters", "incorrect"]
CSRF_TEXTS = [
    "Origin checking failed - \u2026 does not match any trusted origins.",
    "Referer checking failed - no Referer.",
    "Referer checking failed - Referer is malformed.",
    "Referer checking failed - Referer is insecure while host is secure.",
    "Referer checking failed - \u2026 does not match any trusted origins.",
    "CSRF cookie not set.",
    "CSRF cookie has incorrect length.",
    "CSRF cookie has invalid characters.",
    "CSRF token missing.",
    *("CSRF token from POST %s." % fault for fault in TOKEN_FAULTS),
    *("CSRF token from the 'X-Csrftoken' HTTP header %s." % fault for fault in TOKEN_FAULTS),
]
ENDPOINT_TEXTS = [
    "Unable to log in with provided credentials.", "This field is required.", "This field may not be blank.",
    "This field may not be null.", "Not a valid string.", "Null characters are not allowed.", "Surrogate characters are not allowed: \u2026",
    "Invalid data. Expected a dictionary, but got \u2026.", "JSON parse error - \u2026", "Multipart form parse error - \u2026",
]
# what the corpus must hold at least; (status, text) for refusals
REFUSALS = [(status, text) for text in TEXTS for status in (401, 403)] + [(403, "Denied by scheme")]
REFUSALS += [(403, "CSRF Failed: " + text) for text in CSRF_TEXTS] + [(400, text) for text in ENDPOINT_TEXTS]
REFUSALS += [(405, 'Method "\u2026" not allowed.'), (415, 'Unsupported media type "\u2026" in request.')]
# fewer of these, and they need not be there
RARE = [(400, "No data provided")]
RARE += [(403, "CSRF Failed: CSRF token from the '%s' HTTP header %s." % (name, fault)) for name in ("Csrf", "X-A-B2-C", "X-Xsrf-Token") for fault in TOKEN_FAULTS]
MINIMUM_REFUSALS, MINIMUM_GOOD, MINIMUM_GOOD_EACH, MINIMUM_LINES, MINIMUM_ENGINES, MAXIMUM_BYTES = 20, 3000, 200, 8000, 150, 8_000_000
# of knox: every text that occurs
KNOX_TEXTS = [text for text in TEXTS if "basic header" not in text and "invalid characters" not in text] + [
    "Denied by scheme", "Maximum amount of tokens allowed per user exceeded.", 'Method "\u2026" not allowed.']
MINIMUM_PACKAGE, MINIMUM_GOOD_PACKAGE = 1000, 300
# of simplejwt, likewise; some are in the inner messages only
JWT_TEXTS = [
    "Authentication credentials were not provided.", "Authorization header must contain two space-delimited values", "Given token not valid for any token type",
    "Token contained no recognizable user identification", "User not found", "User is inactive", "The user's password has been changed.",
    "No active account found with the given credentials", "No active account found for the given token.", "Token is invalid", "Token is expired", "Token is blacklisted", "Token has wrong type",
    "Token has no id", "Token has no type", "Token has no 'exp' claim", "Token has no 'refresh_exp' claim", "Token 'refresh_exp' claim has expired",
    "This field is required.", "This field may not be blank.", "This field may not be null.", "Not a valid string.", 'Method "\u2026" not allowed.', 'Unsupported media type "\u2026" in request.',
    "Invalid data. Expected a dictionary, but got \u2026.", "Bad credentials", "Denied by scheme", "Invalid username/password."]
# of durin, but for what is about one digit of a body
DURIN_TEXTS = [text for text in TEXTS if "basic header" not in text and "invalid characters" not in text] + [
    "Denied by scheme", "The given token has expired.", "You do not have permission to perform this action.", 'Method "\u2026" not allowed.',
    "Request was throttled. Expected available in \u2026.", "No client specified.", "No client with that name.", "Not found.",
    "No AuthToken matches the given query.", "Can't delete token if the request is authed with it.Use /api/auth/logout/ instead.",
    "An API token was already issued to you.", "Unable to log in with provided credentials.", "JSON parse error - \u2026",
    "This field is required.", "This field may not be blank.", "Invalid data. Expected a dictionary, but got \u2026.", 'Unsupported media type "\u2026" in request.']
DURIN_RARE = ["This field may not be null.", "Not a valid string.", "Null characters are not allowed."]
OF_PACKAGE = {"knox": KNOX_TEXTS, "simplejwt": JWT_TEXTS, "durin": DURIN_TEXTS}
GOOD = ["BasicAuthentication", "TokenAuthentication", "SessionAuthentication", "RemoteUserAuthentication", "obtain_auth_token"]
# texts that repeat what was sent
VARYING = [
    (r"(CSRF Failed: (?:Origin|Referer) checking failed - ).*( does not match any trusted origins\.)", "\\1\u2026\\2"),
    (r"((?:JSON|Multipart form) parse error - ).*", "\\1\u2026"),
    (r'(Unsupported media type ").*(" in request\.)', "\\1\u2026\\2"),
    (r'(Method ").*(" not allowed\.)', "\\1\u2026\\2"),
    (r"(Surrogate characters are not allowed: ).*", "\\1\u2026"),
    (r"(Request was throttled. Expected available in ).*\.", "\\1\u2026."),
    (r"(Invalid data\. Expected a dictionary, but got ).*\.", "\\1\u2026."),
]
CRASHES = {
    "ValueError: Field 'id' expected a number": "the claim of the user is no number",
    "TypeError: Field 'id' expected a number": "the claim of the user is no number",
    "TypeError: 'str' object cannot": "exp or refresh_exp is a text",
    "TypeError: an integer is required": "exp or refresh_exp is a text",
    "DoesNotExist: User matching query": "a refresh token of a user who is gone",
    "MultipleObjectsReturned": "several users have what the claim says",
    "KeyError: 'jti'": "a token without an id where the blacklist is asked",
    "OverflowError: ": "exp beyond the year 9999",
    "ValueError: year": "exp beyond the year 9999",
    "ValueError: password cannot be longer than 72 bytes": "plain bcrypt, more than 72 bytes",
    "ValidationError: ": "user id in the session is no integer",
    "TypeError: ": "session data is no JSON object",
    "UnicodeDecodeError: 'ascii' codec": "a file with a session is not ASCII",
    "UnicodeDecodeError: 'utf-8' codec": "a token of knox or durin is not UTF-8",
    "AttributeError: 'NoneType' object has no attribute 'delete'": "logout of knox or durin without a token of it",
    "AttributeError: 'NoneType' object has no attribute 'renew_token'": "refresh of durin without a token of it",
    "AttributeError: 'NoneType' object has no attribute 'pk'": "sessions of durin without a token of it",
}


def oracle(db, *flags, lines=""):
    command = [sys.executable, os.path.join(HERE, "drf.py"), "--db", db, *flags]
    return subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout


def dump(db):
    con = sqlite3.connect(db)
    # the dump creates tables by name, not by dependency
    text = "PRAGMA foreign_keys=OFF;\n" + "\n".join(con.iterdump()) + "\n"
    con.close()
    return text


def recorded(answer, request):
    """The fields to keep. A refusal has a body; an answer to HEAD has none."""
    out = {name: answer[name] for name in FIELDS if name in answer}
    if out["status"] >= 400 or "body" in answer:
        out["body"] = None if request.get("method", "GET").upper() == "HEAD" else answer["body"]
    out.update((name, answer[name]) for name in ONLY_WHEN_THERE if answer.get(name))
    return out


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)


def answered(db, requests, *flags):
    lines = oracle(db, *flags, lines="".join(json.dumps(r) + "\n" for r in requests)).splitlines()
    out = []
    for request, line in zip(requests, lines, strict=True):
        answer = json.loads(line)
        if answer.pop("id", None) != request["id"] or "error" in answer:
            sys.exit("unexpected answer to %s: %s" % (request["id"], line[:300]))
        views = {view: recorded(a, request) for view, a in answer.items()}
        out.append(json.dumps({**request, "drf": views}, ensure_ascii=True) + "\n")
    return "".join(out)


def record(out, seed):
    with tempfile.TemporaryDirectory() as scratch:
        db = os.path.join(scratch, "seed.sqlite3")
        text = oracle(db, "--init", "--manifest", os.path.join(scratch, "manifest.json"))
        stored = json.loads(oracle(db, lines='{"op": "engine_sessions"}\n'))
        sql, manifest = dump(db), json.loads(text)
        first = generate(manifest, FIRST, seed)
        requests = answered(db, first + generate_browser(manifest, first, seed))
        engines = answered(db, generate_engines(manifest, stored, seed))
    contents = (requests, sql, text, engines, json.dumps(stored, indent=1) + "\n")
    for name, content in zip(FILES, contents):
        write(os.path.join(out, name), content)
    for part in PACKAGES:
        record_package(out, part, seed)


def record_package(out, part, seed):
    flag, requests_of = PACKAGES[part]
    with tempfile.TemporaryDirectory() as scratch:
        db = os.path.join(scratch, "seed.sqlite3")
        manifest = oracle(db, flag, "--init", "--manifest", os.path.join(scratch, "manifest.json"))
        sql = dump(db)
        requests = answered(db, requests_of(json.loads(manifest), seed), flag)
    for name, content in (("requests.jsonl", requests), ("seed.sql", sql), ("manifest.json", manifest)):
        write(os.path.join(out, part, name), content)


# ---------------------------------------------------------------- counting
def read(out, part):
    with open(os.path.join(out, part, "requests.jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def general(text):
    for pattern, replacement in VARYING:
        text = re.sub("(?s)^" + pattern + "$", replacement, text)
    return text


def texts(answer):
    """The detail and what is told besides, or each text of the endpoint about a field."""
    if answer["detail"] is not None:
        inner = answer["body"].get("messages", []) if isinstance(answer.get("body"), dict) else []
        return [general(answer["detail"]), *sorted({message["message"] for message in inner})]
    if answer["body"] is None:                    # HEAD
        return []
    errors = answer["body"].values() if isinstance(answer["body"], dict) else [answer["body"]]
    return sorted({general(text) for error in errors for text in ([error] if isinstance(error, str) else error)})


def served(row, answer):
    """What let a request in, or which endpoint did what it is for."""
    path = re.sub(r"//\d+$", "//ID", row.get("path", "").partition("?")[0])
    endpoint = "obtain_auth_token" if path == "/api-token-auth/" else "%s (%d)" % (path, answer["status"])
    return answer.get("authenticator", endpoint)


def crash_kind(text):
    return next((kind for start, kind in CRASHES.items() if text.startswith(start)), text)


def count_rows(rows):
    """Of the first view: successes, refusals and crashes."""
    good, refused, crashes = Counter(), Counter(), Counter()
    for row in rows:
        answer = next(iter(row["drf"].values()))
        if answer["exception"]:
            crashes[crash_kind(answer["exception"])] += 1
        elif answer["status"] in (200, 201, 204):
            good[served(row, answer)] += 1
        else:
            refused.update((answer["status"], text) for text in texts(answer))
    return good, refused, crashes


def table(rows):
    good, refused, crashes = count_rows(rows)
    yield "| answer | requests |"
    yield "| --- | ---: |"
    for name, n in sorted(good.items()):
        yield "| 200, %s | %d |" % (name, n)
    for (status, text), n in sorted(refused.items(), key=lambda kv: (kv[0][1], kv[0][0])):
        yield "| %d, %s | %d |" % (status, text, n)
    for text, n in sorted(crashes.items()):
        yield "| 500, exception (%s) | %d |" % (text, n)
    yield "| all | %d |" % len(rows)
    parts = Counter(row["class"].split("/")[0] for row in rows)
    yield ""
    yield "| part | requests |"
    yield "| --- | ---: |"
    for name, n in sorted(parts.items()):
        yield "| %s | %d |" % (name, n)


def update_readme(path, rows):
    """Put the table under the last heading of README.md, when there is one."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            head, mark, _ = f.read().partition("## Counts\n")
        write(path, head + mark + "\n" + "\n".join(table(rows)) + "\n")


def shortfalls_of_package(part, rows):
    good, refused, crashes = count_rows(rows)
    counts = Counter()
    for (_, text), n in refused.items():
        counts[text] += n
    rare = {"knox": (), "durin": DURIN_RARE}.get(part, set(counts) - set(OF_PACKAGE[part]))
    for text in set(counts) | set(OF_PACKAGE[part]):
        if counts[text] < MINIMUM_REFUSALS and text not in rare:
            yield "%s, %s: %d of %d" % (part, text, counts[text], MINIMUM_REFUSALS)
    if len(rows) < MINIMUM_PACKAGE or sum(good.values()) < MINIMUM_GOOD_PACKAGE:
        yield "%s: %d lines, %d good ones" % (part, len(rows), sum(good.values()))
    for kind in set(crashes) - set(CRASHES.values()):
        yield part + ", unexpected crash: " + kind


def shortfalls_of_drf(rows, engines):
    good, refused, crashes = count_rows(rows)
    for status, text in REFUSALS:
        if refused[status, text] < MINIMUM_REFUSALS:
            yield "%d %s: %d of %d" % (status, text, refused[status, text], MINIMUM_REFUSALS)
    for status, text in set(refused) - set(REFUSALS) - set(RARE):
        yield "unexpected: %s %s" % (status, text)
    for name in GOOD:
        if good[name] < MINIMUM_GOOD_EACH:
            yield "200 %s: %d of %d" % (name, good[name], MINIMUM_GOOD_EACH)
    if sum(good.values()) < MINIMUM_GOOD:
        yield "200: %d of %d" % (sum(good.values()), MINIMUM_GOOD)
    for kind in set(crashes) - set(CRASHES.values()):
        yield "unexpected crash: " + kind
    for name, found, least in (("drf", rows, MINIMUM_LINES), ("engines", engines, MINIMUM_ENGINES)):
        if len(found) < least:
            yield "%s: %d of %d lines" % (name, len(found), least)


def check(out, seed):
    with tempfile.TemporaryDirectory() as scratch:
        record(scratch, seed)
        _, different, missing = filecmp.cmpfiles(out, scratch, FILES, shallow=False)
    for name in different + missing:
        print("differs: " + name)
    return 1 if different or missing else 0


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=OUT)
    ap.add_argument("--rng", type=int, default=7)
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--table", action="store_true")
    ap.add_argument("--only", choices=PACKAGES)
    args = ap.parse_args()
    if args.check:
        return check(args.out, args.rng)
    if args.only:
        record_package(args.out, args.only, args.rng)
    elif not args.table:
        record(args.out, args.rng)
    parts = {name: read(args.out, name) for name in ("drf", "engines", *PACKAGES)}
    for name, rows in parts.items():
        if not args.table:
            update_readme(os.path.join(args.out, name, "README.md"), rows)
        print("\n".join([name, *table(rows), ""]))
    problems = list(shortfalls_of_drf(parts["drf"], parts["engines"]))
    for part in PACKAGES:
        problems += shortfalls_of_package(part, parts[part])
    if os.path.getsize(os.path.join(args.out, FILES[0])) > MAXIMUM_BYTES:
        problems.append("more than %d bytes" % MAXIMUM_BYTES)
    for problem in problems:
        print("not as it should be: " + problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
