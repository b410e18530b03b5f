"""What stands in httpd.conf: the check of it, merging, and what children make of it."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from conftest import CONFIG, SECONDS, Apache, Servers, Site, basic, wait_for

PLACE = """
<Location />
  AuthType authchain
  Require authchain-authenticated
</Location>
"""


# ---------------------------------------------------------------- the check


def test_a_right_configuration_passes(servers: Servers) -> None:
    run = servers.make(PLACE).check()
    assert (run.returncode, run.stderr) == (0, "Syntax OK\n")


@pytest.mark.parametrize(
    "config, told",
    [
        (CONFIG.replace('"token", "session"', '"tokn"'), 'authchain.toml:5:21: unknown scheme "tokn"'),
        (CONFIG.replace("timeout", "timeuot"), "authchain.toml:3:1: "),
        ("", "authchain.toml"),
        ("= nonsense", "authchain.toml:1:1: "),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place_and_stops_a_start(
    servers: Servers, config: str, told: str
) -> None:
    apache = servers.make(PLACE, config=config)
    run = apache.check()
    assert run.returncode != 0
    assert told in run.stderr
    start = subprocess.run(apache.command("-DFOREGROUND"), capture_output=True, text=True, timeout=SECONDS)
    assert start.returncode != 0
    assert told in start.stderr


def test_a_file_that_is_not_there_is_told(servers: Servers) -> None:
    apache = servers.make(PLACE)
    (apache.folder / "authchain.toml").unlink()
    assert "authchain.toml" in apache.check().stderr


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "<Location /x>\nAuthType authchain\nAuthChain nosuch\n</Location>",
            "AuthChain: {}/authchain.toml has no [chains.nosuch]",
        ),
        (
            "<Location /x>\nAuthChainEndpoint nosuch\n</Location>",
            "AuthChainEndpoint: {}/authchain.toml has no [endpoints.nosuch]",
        ),
        ("<VirtualHost *>\n<Location /x>\nAuthChain nosuch\n</Location>\n</VirtualHost>", "has no [chains.nosuch]"),
        ("<Location /x>\nAuthChainAssertion \"\"\n</Location>", "AuthChainAssertion takes one argument, AUDIENCE|none: "),
        ("AuthChainErrors both", '"both" is neither library nor server'),
        ("AuthChainForward all", '"all" is neither none nor identity'),
        ("AuthChainStripCredentials maybe", '"maybe" is neither Off nor On'),
        ("<Location /x>\nAuthChain\n</Location>", "AuthChain takes one argument, NAME: "),
        ("<Directory />\nAuthChainConfig x\n</Directory>", "AuthChainConfig not allowed"),
        ("<Directory />\nRequire authchain-user\n</Directory>", "needs a name"),
        ("<Directory />\nRequire authchain-scope\n</Directory>", "needs a name"),
        ("<Directory />\nRequire authchain-claim iss:me role\n</Directory>", '"role" is no NAME:VALUE'),
        ("<Directory />\nRequire authchain-flag staff admin\n</Directory>", '"admin" is no flag'),
        ("<Directory />\nRequire authchain-authenticated alice\n</Directory>", "nothing may follow"),
    ],
)
def test_a_wrong_directive_is_told(servers: Servers, text: str, told: str) -> None:
    apache = servers.make(text)
    run = apache.check()
    assert run.returncode != 0
    assert told.format(apache.folder) in run.stderr


def test_an_assertion_needs_a_key(servers: Servers) -> None:
    config = CONFIG.replace(CONFIG[CONFIG.index("[assertion]") : CONFIG.index("[throttle]")], "")
    apache = servers.make("<Location /x>\nAuthChainAssertion app\n</Location>", config=config)
    run = apache.check()
    assert run.returncode != 0
    assert f"AuthChainAssertion: {apache.folder}/authchain.toml has no [assertion]" in run.stderr


def test_a_chain_needs_a_file(servers: Servers) -> None:
    apache = servers.make("<Location /x>\nAuthChain default\n</Location>")
    conf = apache.folder / "httpd.conf"
    conf.write_text(conf.read_text().replace("AuthChainConfig authchain.toml\n", ""))
    assert "AuthChainConfig is missing" in apache.check().stderr


def test_a_place_without_a_file_lets_nobody_in(servers: Servers, site: Site) -> None:
    apache = servers.make(PLACE)
    conf = apache.folder / "httpd.conf"
    conf.write_text(conf.read_text().replace("AuthChainConfig authchain.toml\n", ""))
    apache.start()
    assert apache.ask("/", site.token()).status == 503


# ---------------------------------------------------------------- merging

# What a client sees of a value; a place below sets another, the one beside it sets only something else.
MERGED = """
ProxyPass /proxy/AuthChainEndpoint !
ProxyPass /proxy http://127.0.0.1:BACKEND/
<Location />
  AuthType authchain
  Require authchain-authenticated
</Location>

<Location /proxy/AuthChain>
  AuthChain token
</Location>
<Location /proxy/AuthChain/inner>
  AuthChain default
</Location>
<Location /proxy/AuthChain/beside>
  AuthChainForward identity
</Location>

<Location /proxy/AuthChainErrors>
  AuthChainErrors server
</Location>
<Location /proxy/AuthChainErrors/inner>
  AuthChainErrors library
</Location>
<Location /proxy/AuthChainErrors/beside>
  AuthChainForward identity
</Location>

<Location /proxy/AuthChainForward>
  AuthChainForward identity
</Location>
<Location /proxy/AuthChainForward/inner>
  AuthChainForward none
</Location>
<Location /proxy/AuthChainForward/beside>
  AuthChainErrors server
</Location>

<Location /proxy/AuthChainAssertion>
  AuthChainAssertion outer
</Location>
<Location /proxy/AuthChainAssertion/inner>
  AuthChainAssertion none
</Location>
<Location /proxy/AuthChainAssertion/beside>
  AuthChainErrors server
</Location>

<Location /proxy/AuthChainStripCredentials>
  AuthChainStripCredentials On
</Location>
<Location /proxy/AuthChainStripCredentials/inner>
  AuthChainStripCredentials Off
</Location>
<Location /proxy/AuthChainStripCredentials/beside>
  AuthChainErrors server
</Location>

<Location /proxy/AuthChainEndpoint>
  SetHandler authchain
  AuthChainEndpoint login
</Location>
<Location /proxy/AuthChainEndpoint/inner>
  AuthChainEndpoint logout
</Location>
<Location /proxy/AuthChainEndpoint/beside>
  AuthChainErrors server
</Location>
"""

# directive: (what is seen without it, with the outer value, with the inner one)
SEEN = {
    "AuthChain": ("Basic", "Token", "Basic"),
    "AuthChainErrors": ("json", "html", "json"),
    "AuthChainForward": ("no", "alice", "no"),
    "AuthChainAssertion": ("no", "outer", "no"),
    "AuthChainStripCredentials": ("sent", "gone", "sent"),
    "AuthChainEndpoint": ("200", "200", "405"),
}


def seen(apache: Apache, site: Site, directive: str, path: str) -> str:
    """The value of a directive, as far as it can be seen from outside."""
    refused, passed = apache.ask(path), apache.ask(path, site.token())
    if directive == "AuthChain":
        return (refused.one("WWW-Authenticate") or "").split()[0]
    if directive == "AuthChainErrors":
        return "json" if refused.body.startswith('{"detail"') else "html"
    if directive == "AuthChainEndpoint":
        return str(passed.status)
    headers = passed.reached()
    if directive == "AuthChainForward":
        return str(headers.get("x-auth-user", "no"))
    if directive == "AuthChainAssertion":
        asserted = headers.get("x-auth-assertion")
        return "no" if asserted is None else str(jwt.decode(asserted, options={"verify_signature": False})["aud"])
    return "sent" if "authorization" in headers else "gone"


def test_every_directive_is_merged_and_can_be_set_back(servers: Servers, site: Site, back_end: int) -> None:
    apache = servers.start(MERGED.replace("BACKEND", str(back_end)))
    for directive, (without, outer, inner) in SEEN.items():
        assert seen(apache, site, directive, "/proxy/") == without, directive
        for place, value in (("", outer), ("/inner", inner), ("/beside", outer)):
            assert seen(apache, site, directive, f"/proxy/{directive}{place}") == value, directive + place


def test_virtual_hosts_have_files_of_their_own_or_the_main_one(servers: Servers, site: Site) -> None:
    apache = servers.make("""
<Location />
  AuthType authchain
  Require authchain-authenticated
</Location>
<VirtualHost *>
  ServerName first
</VirtualHost>
<VirtualHost *>
  ServerName other
  AuthChainConfig other.toml
</VirtualHost>
""")
    other = apache.folder / "other.toml"
    other.write_bytes(
        (apache.folder / "authchain.toml").read_bytes().replace(b'["basic", "token", "session"]', b'["session"]')
    )
    other.chmod(0o644)
    apache.page("index.html")
    apache.start()
    for host, status in (("first", 200), ("other", 403), ("unknown", 200)):
        assert apache.ask("/index.html", {"Host": host, **site.token()}).status == status, host
    assert apache.ask("/index.html", {"Host": "other", **site.cookies()}).status == 200


# ---------------------------------------------------------------- children

SHORT_LIVED = """
StartServers 2
MinSpareServers 2
MaxSpareServers 4
ServerLimit 8
MaxRequestWorkers 8
MaxConnectionsPerChild 1
"""


def test_a_child_that_is_born_later_has_the_configuration_of_the_others(servers: Servers, site: Site) -> None:
    apache = servers.start(PLACE + METRICS, mpm="prefork", processes=SHORT_LIVED)
    apache.page("index.html")
    (apache.folder / "authchain.toml").write_text("half a li")
    processes = {apache.ask("/metrics", site.token()).body.split("\n")[0] for _ in range(3)}
    assert len(processes) == 3, "a child was there before"
    assert {apache.ask("/index.html", site.token()).status for _ in range(2)} == {200}


METRICS = "<Location /metrics>\nSetHandler authchain-metrics\n</Location>\n"


def test_a_child_that_cannot_open_it_answers_503_to_everything(servers: Servers, site: Site) -> None:
    apache = servers.make(PLACE + "<Location /open>\nAuthType None\nRequire all granted\n</Location>")
    if not apache.runs_as_root:
        pytest.skip("parent and children are one user")
    (apache.folder / "secret_key").chmod(0o600)
    apache.page("open/index.html")
    assert apache.check().returncode == 0
    apache.start()
    assert apache.ask("/", site.token()).status == 503
    assert apache.ask("/open/index.html").status == 503, "it does not know which headers to take away"
    assert "every request will be answered with 503" in apache.log()


def test_a_database_that_is_gone_is_503_with_the_reason_in_the_log(servers: Servers, site: Site) -> None:
    apache = servers.start(
        PLACE + '<Location /documents>\nAuthChainErrors server\nErrorDocument 503 "later"\n</Location>\n'
        "<Location /basic>\nAuthType Basic\nAuthName x\nAuthBasicProvider authchain\n</Location>\n"
    )
    (apache.folder / "db.sqlite3").unlink()
    answer = apache.ask("/", site.token())
    assert (answer.status, answer.one("WWW-Authenticate")) == (503, None)
    answer = apache.ask("/documents", site.token())
    assert (answer.status, answer.body) == (503, "later")
    assert apache.ask("/basic", basic("alice", "wonderland")).status == 500, "what mod_auth_basic makes of a failure"
    assert "no verdict: " in apache.log()


def test_groups_that_cannot_be_read_are_503(servers: Servers, site: Site) -> None:
    config = CONFIG.replace("[throttle]", '[users]\ngroups_table = "nosuch"\n[throttle]')
    apache = servers.start(
        "<Location />\nAuthType authchain\nRequire authchain-group editors\n</Location>", config=config
    )
    assert apache.ask("/", site.token()).status == 503
    assert "no groups: " in apache.log()


# ---------------------------------------------------------------- restarts


def test_a_bad_file_does_not_end_the_server_that_is_told_to_reload(servers: Servers, site: Site) -> None:
    apache = servers.start(PLACE)
    apache.page("index.html")
    wait_for((apache.folder / "run/pid").exists, "written its pid")
    config = apache.folder / "authchain.toml"
    config.write_text(CONFIG.replace("timeout", "timeuot"))
    run = subprocess.run(apache.command("-k", "graceful"), capture_output=True, text=True, timeout=SECONDS)
    assert run.returncode != 0
    assert "authchain.toml:3:1: " in run.stderr
    assert apache.ask("/index.html", site.token()).status == 200
    config.write_text(CONFIG.replace('schemes = ["basic", "token", "session"]', 'schemes = ["basic"]'))
    run = subprocess.run(apache.command("-k", "graceful"), capture_output=True, text=True, timeout=SECONDS)
    assert run.returncode == 0, run.stderr
    wait_for(lambda: apache.ask("/index.html", site.token()).status == 401, "reloaded")
    assert apache.ask("/index.html", basic("alice", "wonderland")).status == 200


def test_a_bad_file_does_not_end_the_server_that_gets_a_signal(servers: Servers, site: Site) -> None:
    apache = servers.start(METRICS + PLACE.replace("/>", "/private>"))
    apache.page("private/index.html")
    config = apache.folder / "authchain.toml"
    for number in (signal.SIGUSR1, signal.SIGHUP):
        config.write_text(CONFIG.replace("timeout", "timeuot"))
        before = apache.child()
        apache.signal(number)
        wait_for(lambda: apache.child() not in ("", before), "restarted")
        assert "authchain.toml:3:1: " in apache.log()
        assert "the configuration stays what it was" in apache.log()
        assert apache.ask("/private/index.html", site.token()).status == 200
    config.write_text(CONFIG.replace('schemes = ["basic", "token", "session"]', 'schemes = ["basic"]'))
    apache.signal(signal.SIGUSR1)
    wait_for(lambda: apache.ask("/private/index.html", site.token()).status == 401, "reloaded")


# ---------------------------------------------------------------- keys of an address

KEYS = """
<Location />
  AuthType authchain
  AuthChain keys
  Require authchain-authenticated
</Location>
"""


@pytest.fixture
def issuer() -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """An issuer of tokens: what to add to the configuration, a header with a token, and what it was asked for."""
    key = Ed25519PrivateKey.generate()
    keys = {"keys": [{**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k"}]}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps(keys).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    claims = {"token_type": "access", "user_id": "1", "jti": "0" * 32, "exp": int(time.time()) + 600}
    token = jwt.encode(claims, key, "EdDSA", headers={"kid": "k"})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        scheme = f'type = "jwt"\nalgorithm = "EdDSA"\nblacklist = false\njwk_url = "{url}"\n'
        yield f'[chains.keys]\nschemes = ["issuer"]\n[schemes.issuer]\n{scheme}', {"Authorization": f"Bearer {token}"}, asked
        server.shutdown()


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_the_watchdog_of_each_child_fetches_the_keys(
    servers: Servers, issuer: tuple[str, dict[str, str], list[str]], mpm: str
) -> None:
    config, header, asked = issuer
    apache = servers.start(KEYS, config=CONFIG + config, mpm=mpm)
    apache.page("index.html")
    wait_for(lambda: apache.ask("/index.html", header).status == 200, "fetched")
    assert set(asked) == {"/jwks.json"}
    assert len(asked) <= 4  # one for each child


def test_keys_are_fetched_after_a_restart_with_a_bad_file(
    servers: Servers, issuer: tuple[str, dict[str, str], list[str]]
) -> None:
    config, header, _ = issuer
    apache = servers.start(METRICS + KEYS.replace("/>", "/private>"), config=CONFIG + config)
    apache.page("private/index.html")
    wait_for(lambda: apache.ask("/private/index.html", header).status == 200, "fetched")
    (apache.folder / "authchain.toml").write_text("nonsense")
    before = apache.child()
    apache.signal(signal.SIGHUP)
    wait_for(lambda: apache.child() not in ("", before), "restarted")
    wait_for(lambda: apache.ask("/private/index.html", header).status == 200, "fetched again")


def threads(apache: Apache) -> int:
    """How many the children have."""
    assert apache.process is not None
    listed = ["ps", "-L", "--ppid", str(apache.process.pid), "-o", "lwp="]
    return len(subprocess.run(listed, capture_output=True, text=True).stdout.split())


def test_only_where_there_is_something_to_fetch_there_is_a_thread_for_it(servers: Servers) -> None:
    scheme = 'type = "jwt"\nalgorithm = "EdDSA"\nblacklist = false\njwk_url = "http://127.0.0.1:9/"\n'
    without, fetching = servers.start(PLACE), servers.start(PLACE, config=f"{CONFIG}[schemes.issuer]\n{scheme}")
    wait_for(lambda: threads(fetching) == threads(without) + 1, "one thread more")
