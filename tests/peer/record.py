#!/usr/bin/env python3
"""Record the DRF corpus: generated requests with the answers of Django REST framework.

    record.py [--out tests/vectors/drf] [--count 4200] [--rng 7]
                         write requests.jsonl, seed.sql, manifest.json, and the counts into README.md
    record.py --check    record into a scratch folder and compare
    record.py --table    print the count table of the written corpus

The exit status is 1 when a count is too small, or when --check finds a difference.

Needs the packages of scripts/requirements.txt. The seed, the requests and the answers depend on nothing but the
code here and the pinned versions, so a second run writes the same bytes.
"""
import argparse
import filecmp
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter

from generate import generate

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(os.path.dirname(HERE), "vectors", "drf")
FILES = ["requests.jsonl", "seed.sql", "manifest.json"]
FIELDS = ["status", "user", "user_id", "auth_kind", "auth_repr", "authenticator", "www_authenticate", "detail", "code",
          "exception"]
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
# what the corpus must hold at least; (status, text) for refusals
REFUSALS = [(status, text) for text in TEXTS for status in (401, 403)] + [(403, "Denied by scheme")]
MINIMUM_REFUSALS, MINIMUM_GOOD, MINIMUM_GOOD_EACH, MAXIMUM_CRASHES = 25, 1300, 300, 6


def oracle(db, *flags, lines=""):
    command = [sys.executable, os.path.join(HERE, "drf.py"), "--db", db, *flags]
    return subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=True).stdout


def dump(db):
    con = sqlite3.connect(db)
    # the dump creates tables by name, not by dependency
    text = "PRAGMA foreign_keys=OFF;\n" + "\n".join(con.iterdump()) + "\n"
    con.close()
    return text


def recorded(answer, method):
    """The fields to keep. A refusal has a body, except in answer to HEAD."""
    out = {name: answer[name] for name in FIELDS}
    if out["status"] >= 400:
        out["body"] = None if method == "HEAD" else answer["body"]
    return out


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(text)


def record(out, count, seed):
    with tempfile.TemporaryDirectory() as scratch:
        db = os.path.join(scratch, "seed.sqlite3")
        text = oracle(db, "--init", "--manifest", os.path.join(scratch, "manifest.json"))
        sql = dump(db)
        requests = generate(json.loads(text), count, seed)
        answers = oracle(db, lines="".join(json.dumps(r) + "\n" for r in requests))
    rows = []
    for request, line in zip(requests, answers.splitlines(), strict=True):
        answer = json.loads(line)
        if answer.get("id") != request["id"] or "error" in answer:
            sys.exit("unexpected answer to %s: %s" % (request["id"], line[:300]))
        method = request.get("method", "GET")
        views = {view: recorded(answer[view], method) for view in ("required", "optional")}
        rows.append({**request, "drf": views})
    write(os.path.join(out, "manifest.json"), text)
    write(os.path.join(out, "seed.sql"), sql)
    write(os.path.join(out, "requests.jsonl"), "".join(json.dumps(r, ensure_ascii=True) + "\n" for r in rows))


# ---------------------------------------------------------------- counting
def read(out):
    with open(os.path.join(out, "requests.jsonl"), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def count_rows(rows):
    good, refused, crashes = Counter(), Counter(), 0
    for row in rows:
        answer = row["drf"]["required"]
        if answer["exception"]:
            crashes += 1
        elif answer["status"] == 200:
            good[answer["authenticator"]] += 1
        else:
            refused[answer["status"], answer["detail"]] += 1
    return good, refused, crashes


def table(rows):
    good, refused, crashes = count_rows(rows)
    yield "| answer with IsAuthenticated | requests |"
    yield "| --- | ---: |"
    for name, n in sorted(good.items()):
        yield "| 200, %s | %d |" % (name, n)
    for (status, text), n in sorted(refused.items(), key=lambda kv: (kv[0][1], kv[0][0])):
        yield "| %d, %s | %d |" % (status, text, n)
    yield "| 500, exception (plain bcrypt, more than 72 bytes) | %d |" % crashes
    yield "| all | %d |" % len(rows)
    parts = Counter(row["class"].split("/")[0] for row in rows)
    yield ""
    yield "| part | requests |"
    yield "| --- | ---: |"
    for name, n in sorted(parts.items()):
        yield "| %s | %d |" % (name, n)


def update_readme(out, rows):
    """Put the table under the last heading of README.md, when there is one."""
    path = os.path.join(out, "README.md")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            head, mark, _ = f.read().partition("## Counts\n")
        write(path, head + mark + "\n" + "\n".join(table(rows)) + "\n")


def shortfalls(rows):
    good, refused, crashes = count_rows(rows)
    for status, text in REFUSALS:
        if refused[status, text] < MINIMUM_REFUSALS:
            yield "%d %s: %d of %d" % (status, text, refused[status, text], MINIMUM_REFUSALS)
    for status, text in set(refused) - set(REFUSALS):
        yield "unexpected: %s %s" % (status, text)
    for name in ("BasicAuthentication", "TokenAuthentication"):
        if good[name] < MINIMUM_GOOD_EACH:
            yield "200 %s: %d of %d" % (name, good[name], MINIMUM_GOOD_EACH)
    if sum(good.values()) < MINIMUM_GOOD:
        yield "200: %d of %d" % (sum(good.values()), MINIMUM_GOOD)
    if crashes > MAXIMUM_CRASHES:
        yield "%d crashes, at most %d" % (crashes, MAXIMUM_CRASHES)


def check(out, count, seed):
    with tempfile.TemporaryDirectory() as scratch:
        record(scratch, count, seed)
        _, different, missing = filecmp.cmpfiles(out, scratch, FILES, shallow=False)
    for name in different + missing:
        print("differs: " + name)
    return 1 if different or missing else 0


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", default=OUT)
    ap.add_argument("--count", type=int, default=4200)
    ap.add_argument("--rng", type=int, default=7)
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--table", action="store_true")
    args = ap.parse_args()
    if args.check:
        return check(args.out, args.count, args.rng)
    if not args.table:
        os.makedirs(args.out, exist_ok=True)
        record(args.out, args.count, args.rng)
    rows = read(args.out)
    if not args.table:
        update_readme(args.out, rows)
    print("\n".join(table(rows)))
    problems = list(shortfalls(rows))
    for problem in problems:
        print("too few: " + problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
