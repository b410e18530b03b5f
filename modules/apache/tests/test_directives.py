"""The table of directives in mod_authchain.h: no row without default, merge, documentation and test."""

from __future__ import annotations

import os
import re
import subprocess
from typing import NamedTuple

import pytest

import test_config
from conftest import IS_ROOT, ROOT, Servers, basic

HEADER = (ROOT / "modules/apache/mod_authchain.h").read_text()
MANUAL = (ROOT / "docs/apache.md").read_text()


class Row(NamedTuple):
    """One X(…) of the table."""

    field: str
    type: str
    fallback: str
    name: str
    context: str
    reader: str
    values: str
    meaning: str


PATTERN = r'X\((\w+), ([\w *]+), (\w+|"[^"]*"), "(\w+)", (\w+), (\w+), "([^"]*)", "([^"]*)"\)'
ROWS = [Row(*found) for found in re.findall(PATTERN, re.sub(r"\s*\\\n\s*", " ", HEADER))]
CONTEXTS = {
    "AUTHCHAIN_IN_SERVER": "server, virtual host",
    "AUTHCHAIN_IN_FOLDER": "server, virtual host, folder",
    "AUTHCHAIN_IN_HTACCESS": "server, virtual host, folder, .htaccess",
}
FALLBACKS = {"NULL": "none", "0": "`Off`", "AUTHCHAIN_ERRORS_LIBRARY": "`library`", "AUTHCHAIN_FORWARD_NONE": "`none`"}


def test_every_directive_is_in_the_table() -> None:
    assert [row.name for row in ROWS] == [
        "AuthChainConfig",
        "AuthChain",
        "AuthChainErrors",
        "AuthChainForward",
        "AuthChainAssertion",
        "AuthChainStripCredentials",
        "AuthChainEndpoint",
    ]
    source = "".join(path.read_text() for path in (ROOT / "modules/apache").glob("*.c"))
    assert source.count("AP_INIT_") == 1, "a command beside the table"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_directive_is_documented(row: Row) -> None:
    lines = [line for line in MANUAL.splitlines() if line.startswith(f"| `{row.name}` |")]
    assert len(lines) == 1
    name, values, fallback, context, meaning, example = re.split(r"(?<!\\)\|", lines[0].strip("|"))
    assert values.strip().replace("\\|", "|") == row.values
    assert fallback.strip() == FALLBACKS.get(row.fallback, f"`{row.fallback.strip(chr(34))}`")
    assert context.strip() == CONTEXTS[row.context]
    assert meaning.strip() == row.meaning
    assert re.fullmatch(rf"`{row.name} \S+`", example.strip())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_merging_of_every_directive_is_tested(row: Row) -> None:
    """Those of servers by virtual hosts, the others with a value below, and with none beside it."""
    if row.context == "AUTHCHAIN_IN_SERVER":
        assert f"  {row.name} other.toml" in (ROOT / "modules/apache/tests/test_config.py").read_text()
        return
    assert row.name in test_config.SEEN
    for place in ("", "/inner", "/beside"):
        assert f"<Location /proxy/{row.name}{place}>" in test_config.MERGED


def test_every_require_is_documented_and_tested() -> None:
    names = re.findall(r'\{"(authchain-\w+)", \{check', (ROOT / "modules/apache/authz.c").read_text())
    assert len(names) == 8
    tests = "".join(path.read_text() for path in (ROOT / "modules/apache/tests").glob("test_*.py"))
    for name in names:
        assert f"| `Require {name}" in MANUAL, name
        assert f"Require {name}" in tests, name


def test_the_six_lines_of_the_manual_protect_a_location(servers: Servers) -> None:
    if not IS_ROOT:
        pytest.skip("it is for root")
    block = re.search(r"```sh\n(.*?)```", MANUAL, re.S)
    assert block is not None
    installing, *lines, reloading = block[1].splitlines()
    assert (len(lines), reloading) == (4, "apache2ctl configtest && apache2ctl graceful")
    apache = servers.make("Include extra.conf\n")
    made = apache.folder / "etc"
    text = "\n".join(lines).replace("/etc/apache2/conf-enabled/authchain.conf", str(apache.folder / "extra.conf"))
    text = text.replace("/etc/authchain", str(made)).replace("create alice", "create --password-stdin alice")
    environment = {
        "PATH": f"{ROOT / 'target/release'}:{os.environ['PATH']}",
        "AUTHCHAIN_CONFIG": str(made / "authchain.toml"),
    }
    subprocess.run(["bash", "-ec", text], input=b"wonderland\n", env=environment, check=True, capture_output=True)
    for name in ("authchain.toml", "db.sqlite3", "secret_key"):
        (apache.folder / name).unlink()
    conf = apache.folder / "httpd.conf"
    conf.write_text(conf.read_text().replace("AuthChainConfig authchain.toml\n", ""))
    apache.page("private/index.html")
    apache.start()
    assert apache.ask("/private/index.html").status == 401
    assert apache.ask("/private/index.html", basic("alice", "looking-glass")).status == 401
    assert apache.ask("/private/index.html", basic("alice", "wonderland")).status == 200
