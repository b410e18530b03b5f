#!/usr/bin/env python3
"""Puts the recorded requests (tests/vectors/drf) to real DRF views with the classes of authchain.drf.

    corpus.py DATABASE       a JSON line a difference, and the counts in a last line

tests/peer/drf.py, which recorded them, answers them anew with our classes in the place of DRF's. Lines that
write are left out: what Django writes it rolls back, the library has a connection of its own.
"""

import json
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

MODEL, REMOTE = (f"django.contrib.auth.backends.{name}Backend" for name in ("Model", "RemoteUser"))
ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests/vectors/drf"
FIELDS = ["status", "user", "user_id", "auth_kind", "auth_repr", "authenticator", "www_authenticate", "detail", "code"]
TABLES = "[throttle]\nenabled = false\n"


def peer(database: Path) -> Any:
    """tests/peer/drf.py over the seeded database, with our classes."""
    manifest = json.loads((VECTORS / "manifest.json").read_text())
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = wal")
    connection.executescript((VECTORS / "seed.sql").read_text())
    connection.close()
    sys.path[:0] = [str(ROOT / "tests/peer"), str(ROOT / "python-bindings")]
    fallbacks = [part for key in manifest["fallbacks"] for part in ("--fallback", key)]
    iterations = str(manifest["pbkdf2_iterations"])
    sys.argv = ["drf.py", "--db", str(database), "--secret", manifest["secret"], "--pbkdf2-iterations", iterations, *fallbacks]
    import drf  # type: ignore[import-not-found]

    from authchain import chain
    from authchain import drf as ours

    drf.settings.AUTHCHAIN = {"TABLES": TABLES}
    for name, cls in (("basic", "Basic"), ("token", "Token"), ("session", "Session"), ("remote_user", "RemoteUser")):
        drf.SCHEMES[name] = getattr(ours, f"{cls}Authentication")
    from django.contrib.auth.backends import RemoteUserBackend

    keeping = {"create_unknown_user": False, "__module__": __name__}
    globals()["Kept"] = type("Kept", (RemoteUserBackend,), keeping)  # models are there now
    original = chain.http

    def by_djangos_clock(headers: Any, **more: Any) -> Any:
        return original(headers, **{**more, "now_us": int(time.time() * 1e6)})

    chain.http = by_djangos_clock
    return drf


def with_backend(line: dict[str, Any]) -> dict[str, Any]:
    """Whether unknown remote users are made is said by a line's scheme, and by the backend in Django."""
    keeps = [item for item in line.get("chain", []) if isinstance(item, dict) and item.get("create_unknown_user") is False]
    if not keeps:
        return line
    backends = line.get("settings", {}).get("AUTHENTICATION_BACKENDS", [MODEL, REMOTE])
    own = [f"{__name__}.Kept" if backend == REMOTE else backend for backend in backends]
    return {**line, "settings": {**line.get("settings", {}), "AUTHENTICATION_BACKENDS": own}}


def main() -> None:
    """Asks every line that does not write."""
    from_peer = peer(Path(sys.argv[1]))
    counts: Counter[str] = Counter()
    for text in (VECTORS / "requests.jsonl").read_text().splitlines():
        line = json.loads(text)
        theirs = line.pop("drf")
        if any("after" in answer for answer in theirs.values()):
            counts["written"] += 1
            continue
        given = from_peer.answer(json.dumps(with_backend(line)))
        for view, expected in theirs.items():
            counts["asked"] += 1
            found = given.get(view) or given
            fields = [name for name in FIELDS if found.get(name) != expected.get(name)]
            if fields:
                told = {"id": line["id"], "class": line["class"], "view": view, "fields": fields}
                pairs = {name: [expected.get(name), found.get(name)] for name in fields}
                print(json.dumps({**told, "exception": expected.get("exception"), "found": found.get("exception"), **pairs}))
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
