"""What a client sees of one Apache (event), place by place."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator

import jwt
import pytest

from conftest import BEHIND, SECONDS, Apache, Servers, Site, ask_on, basic, bearer

PLACES = """
DirectoryIndex index.shtml
<LocationMatch "^/(protected|folder|sub)">
  AuthType authchain
  ErrorDocument 404 /protected/sorry.shtml
  Require authchain-authenticated
</LocationMatch>

Alias /alice {folder}/htdocs/protected
<Location /alice>
  AuthType authchain
  Require authchain-user alice
</Location>
Alias /staff {folder}/htdocs/protected
<Location /staff>
  AuthType authchain
  Require authchain-flag staff
</Location>
Alias /superuser {folder}/htdocs/protected
<Location /superuser>
  AuthType authchain
  Require authchain-flag superuser
</Location>
Alias /active {folder}/htdocs/protected
<Location /active>
  AuthType authchain
  Require authchain-flag active
</Location>
Alias /by-token {folder}/htdocs/protected
<Location /by-token>
  AuthType authchain
  Require authchain-scheme token session
</Location>
Alias /editors {folder}/htdocs/protected
<Location /editors>
  AuthType authchain
  Require authchain-group editors
</Location>
Alias /readers {folder}/htdocs/protected
<Location /readers>
  AuthType authchain
  Require authchain-group "no such group" "the readers"
</Location>
Alias /scoped {folder}/htdocs/protected
<Location /scoped>
  AuthType authchain
  AuthChain jwt
  Require authchain-scope write admin
</Location>
Alias /claimed {folder}/htdocs/protected
<Location /claimed>
  AuthType authchain
  AuthChain jwt
  Require authchain-claim level:5 roles:auditor site:https://example.com
</Location>
Alias /readers-jwt {folder}/htdocs/protected
<Location /readers-jwt>
  AuthType authchain
  AuthChain jwt
  Require authchain-group "the readers"
</Location>
Alias /readers-claimed {folder}/htdocs/protected
<Location /readers-claimed>
  AuthType authchain
  AuthChain stateless
  Require authchain-group "the readers"
</Location>
Alias /claimed-user {folder}/htdocs/protected
<Location /claimed-user>
  AuthType authchain
  AuthChain stateless
  Require authchain-user bob
</Location>
Alias /no-root {folder}/htdocs/protected
<Location /no-root>
  AuthType authchain
  <RequireAll>
    Require authchain-authenticated
    Require expr "%{HTTP:X-Auth-User} != 'root'"
  </RequireAll>
</Location>
Alias /stock {folder}/htdocs/protected
<Location /stock>
  AuthType authchain
  Require valid-user
  Require user alice
</Location>
Alias /either {folder}/htdocs/protected
<Location /either>
  AuthType authchain
  <RequireAny>
    Require ip 127.0.0.1
    Require authchain-authenticated
  </RequireAny>
</Location>
Alias /nowhere {folder}/htdocs/protected
<Location /nowhere>
  AuthType authchain
  <RequireAll>
    Require not ip 127.0.0.1
    Require authchain-authenticated
  </RequireAll>
</Location>

Alias /open {folder}/htdocs/protected
<Location /open>
  AuthType authchain
  AuthChain open
  Require authchain-passed
</Location>
Alias /guests {folder}/htdocs/protected
<Location /guests>
  AuthType authchain
  AuthChain guests
  Require authchain-passed
</Location>
Alias /open-valid {folder}/htdocs/protected
<Location /open-valid>
  AuthType authchain
  AuthChain open
  Require valid-user
</Location>
Alias /open-user {folder}/htdocs/protected
<Location /open-sub>
  AuthType authchain
  AuthChain open
  Require authchain-passed
</Location>
<Location /open-user>
  AuthType authchain
  AuthChain open
  Require authchain-authenticated
</Location>
Alias /open-not {folder}/htdocs/protected
<Location /open-not>
  AuthType authchain
  AuthChain open
  <RequireAll>
    Require authchain-passed
    Require not user root
  </RequireAll>
</Location>

Alias /basic {folder}/htdocs/protected
<Location /basic>
  AuthType Basic
  AuthName stock
  AuthBasicProvider authchain
  Require valid-user
</Location>
Alias /basic-staff {folder}/htdocs/protected
<Location /basic-staff>
  AuthType Basic
  AuthName stock
  AuthBasicProvider authchain
  Require authchain-flag staff
  Require authchain-group editors
</Location>
Alias /mixed {folder}/htdocs/protected
<Location /mixed>
  AuthType Basic
  AuthName stock
  AuthBasicProvider authchain file
  AuthUserFile {folder}/passwords
  Require valid-user
</Location>

Alias /documents {folder}/htdocs/protected
<Location /documents>
  AuthType authchain
  AuthChainErrors server
  Require authchain-flag staff
  ErrorDocument 401 "please log in"
  ErrorDocument 403 "staff only"
</Location>
Alias /pages {folder}/htdocs/protected
<Location /pages>
  AuthType authchain
  AuthChainErrors server
  Require authchain-flag staff
  ErrorDocument 403 /protected/sorry.shtml
</Location>

<Location /remote>
  AuthType authchain
  AuthChain remote
  LuaHookAccessChecker {folder}/verify.lua verify
  Require authchain-authenticated
</Location>

<Directory {folder}/htdocs/htaccess>
  AllowOverride AuthConfig FileInfo
</Directory>

<Location /proxy>
  AuthType authchain
  ProxyPass http://127.0.0.1:BACKEND/
  Require authchain-authenticated
</Location>
<Location /proxy-identity>
  AuthType authchain
  AuthChainForward identity
  AuthChainStripCredentials On
  ProxyPass http://127.0.0.1:BACKEND/
  Require authchain-authenticated
</Location>
<Location /proxy-asserted>
  AuthType authchain
  AuthChain open
  AuthChainAssertion app
  AuthChainStripCredentials On
  ProxyPass http://127.0.0.1:BACKEND/
  Require authchain-passed
</Location>
<Location /proxy-open>
  ProxyPass http://127.0.0.1:BACKEND/
</Location>
<Location /proxy-anonymous>
  AuthType authchain
  AuthChain open
  AuthChainForward identity
  ProxyPass http://127.0.0.1:BACKEND/
  Require authchain-passed
</Location>

<Location /metrics>
  SetHandler authchain-metrics
</Location>
<Location /api-token-auth/>
  SetHandler authchain
  AuthChainEndpoint obtain_auth_token
</Location>
<Location /accounts/login/>
  SetHandler authchain
  AuthChainEndpoint login
</Location>
<Location /accounts/logout/>
  SetHandler authchain
  AuthChainEndpoint logout
</Location>
<Location /endpoint-of-none>
  SetHandler authchain
</Location>

Header always set X-Always here
"""

# What another module has verified: here mod_lua in the phase of mod_ssl's SSLUserName.
VERIFY = """
function verify(r)
  if r.headers_in["X-Verified"] then r.user = r.headers_in["X-Verified"] end
  return apache2.DECLINED
end
"""

PAGE = "<!--#printenv -->\n"


@pytest.fixture(scope="module")
def apache(site: Site, back_end: int) -> Iterator[Apache]:
    """The server with all places."""
    servers = Servers(site)
    apache = servers.make(PLACES.replace("BACKEND", str(back_end)))
    (apache.folder / "verify.lua").write_text(VERIFY)
    subprocess.run(
        ["htpasswd", "-bcm", apache.folder / "passwords", "carol", "secret"], check=True, capture_output=True
    )
    subprocess.run(
        ["htpasswd", "-bm", apache.folder / "passwords", "alice", "secret"], check=True, capture_output=True
    )
    for name in ("protected/page.shtml", "protected/sorry.shtml", "remote/page.shtml", "page.shtml"):
        apache.page(name, PAGE)
    apache.page("folder/index.shtml", PAGE)
    include = '<!--#include virtual="/{}/page.shtml" -->\n'.format
    apache.page("sub/page.shtml", include("alice") + include("staff"))
    apache.page("open-sub/page.shtml", include("open-user") + include("open"))
    apache.page("htaccess/good/page.shtml", PAGE)
    apache.page(
        "htaccess/good/.htaccess",
        "AuthType authchain\nAuthChain token\nAuthChainErrors server\n"
        'Require authchain-authenticated\nErrorDocument 401 "told by .htaccess"\n',
    )
    for number, directive in enumerate(OUTSIDE_HTACCESS):
        apache.page(f"htaccess/bad{number}/page.html")
        apache.page(f"htaccess/bad{number}/.htaccess", directive + "\n")
    apache.page("htaccess/nosuch/page.html")
    apache.page("htaccess/nosuch/.htaccess", "AuthType authchain\nAuthChain nosuch\nRequire authchain-authenticated\n")
    apache.start()
    yield apache
    servers.end()


OUTSIDE_HTACCESS = [
    "AuthChainConfig /etc/passwd",
    "AuthChainForward identity",
    "AuthChainAssertion app",
    "AuthChainStripCredentials Off",
    "AuthChainEndpoint login",
]


# ---------------------------------------------------------------- who is let in


def test_a_request_without_credentials_is_answered_as_drf_does(apache: Apache) -> None:
    answer = apache.ask("/protected/page.shtml")
    assert answer.status == 401
    assert answer.one("WWW-Authenticate") == 'Basic realm="api"'
    assert answer.one("Content-Type") == "application/json"
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert len(answer.all("Vary")) == 1


@pytest.mark.parametrize("name, scheme", [("token", "token"), ("basic", "basic"), ("session", "session")])
def test_credentials_of_every_scheme_let_in_and_reach_the_page(
    apache: Apache, site: Site, name: str, scheme: str
) -> None:
    headers = {"token": site.token(), "basic": basic("alice", "wonderland"), "session": site.cookies()}[name]
    answer = apache.ask("/protected/page.shtml", headers)
    assert answer.status == 200
    shown = answer.variables()
    assert shown["REMOTE_USER"] == "alice"
    assert shown["AUTH_TYPE"] == shown["AUTHCHAIN_SCHEME"] == scheme
    assert shown["AUTHCHAIN_USER_ID"] == "1"
    assert shown["AUTHCHAIN_EMAIL"] == "alice@example.com"
    assert shown["AUTHCHAIN_FLAGS"] == "active"
    assert answer.all("Vary"), "a cache has to know"


@pytest.mark.parametrize(
    "headers, detail",
    [
        ({"Authorization": "Token " + "0" * 40}, "Invalid token."),
        (basic("alice", "wrong"), "Invalid username/password."),
        (basic("inactive", "sleeping"), "Invalid username/password."),
        ({"Authorization": "Token a b"}, "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_wrong_credentials_are_refused(apache: Apache, headers: dict[str, str], detail: str) -> None:
    answer = apache.ask("/protected/page.shtml", headers)
    assert (answer.status, answer.json()["detail"]) == (401, detail)


def test_a_place_outside_is_not_judged(apache: Apache) -> None:
    answer = apache.ask("/page.shtml", basic("alice", "wrong"))
    assert answer.status == 200
    assert "REMOTE_USER" not in answer.variables()


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PROPFIND", "NOSUCH"])
def test_no_method_gets_around(apache: Apache, method: str) -> None:
    answer = apache.ask("/protected/page.shtml", method=method)
    assert answer.status == 401
    assert answer.one("WWW-Authenticate") == 'Basic realm="api"'
    assert (answer.body == "") == (method == "HEAD")


@pytest.mark.parametrize(
    "header", ["", "Authorization: Basic\r\n", "Authorization: X\r\n", "Authorization: Basic " + "A" * 8000 + "\r\n"]
)
def test_http_1_0_without_host_is_judged_like_any_other(apache: Apache, header: str) -> None:
    said = apache.raw(f"GET /protected/page.shtml HTTP/1.0\r\n{header}\r\n".encode())
    assert said.startswith("HTTP/1.1 401")
    assert apache.raw(b"GET /page.shtml HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 200")


def test_headers_and_body_of_a_refusal_are_ours_alone(apache: Apache) -> None:
    said = apache.raw(b"GET /protected/page.shtml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = said.partition("\r\n\r\n")
    assert body == '{"detail":"Authentication credentials were not provided."}'
    assert f"Content-Length: {len(body)}" in head
    assert head.count("WWW-Authenticate") == 1
    assert "X-Always: here" in head


def test_a_user_whom_another_module_verified_is_believed(apache: Apache) -> None:
    answer = apache.ask("/remote/page.shtml", {"X-Verified": "bob"})
    assert (answer.status, answer.variables()["REMOTE_USER"]) == (200, "bob")
    assert answer.variables()["AUTH_TYPE"] == "remote_user"
    assert apache.ask("/remote/page.shtml", {"X-Verified": "stranger"}).status in (401, 403)
    assert apache.ask("/remote/page.shtml").status == 403, "this chain has no challenge"
    assert apache.ask("/remote/page.shtml", {"REMOTE-USER": "bob", "Remote_User": "bob"}).status == 403


# ---------------------------------------------------------------- Require


@pytest.mark.parametrize(
    "place, names",
    [
        ("alice", "alice"),
        ("staff", "bob root"),
        ("superuser", "root"),
        ("active", "alice bob root"),
        ("by-token", "alice bob root"),
        ("editors", "alice"),
        ("readers", "bob"),
        ("stock", "alice bob root"),
        ("either", "alice bob root"),
    ],
)
def test_a_require_lets_in_whom_it_names(apache: Apache, site: Site, place: str, names: str) -> None:
    for name in ("alice", "bob", "root"):
        answer = apache.ask(f"/{place}/page.shtml", site.token(name))
        assert answer.status == (200 if name in names.split() else 403), name
        if answer.status == 403:
            assert answer.json() == {"detail": "You do not have permission to perform this action."}
            assert answer.one("WWW-Authenticate") is None


@pytest.mark.parametrize("place", ["alice", "staff", "superuser", "active", "by-token", "editors", "readers", "stock"])
def test_nobody_is_asked_to_log_in(apache: Apache, place: str) -> None:
    answer = apache.ask(f"/{place}/page.shtml")
    assert (answer.status, answer.one("WWW-Authenticate")) == (401, 'Basic realm="api"')


def test_a_scheme_that_is_not_named_is_denied(apache: Apache, site: Site) -> None:
    assert apache.ask("/by-token/page.shtml", basic("alice", "wonderland")).status == 403
    assert apache.ask("/by-token/page.shtml", site.cookies()).status == 200


def test_who_needs_no_user_is_not_asked_for_one(apache: Apache, site: Site) -> None:
    answer = apache.ask("/either/page.shtml")
    assert (answer.status, "REMOTE_USER" in answer.variables()) == (200, False)
    assert apache.ask("/nowhere/page.shtml", site.token()).status == 403


# ---------------------------------------------------------------- nobody


@pytest.mark.parametrize("place", ["open", "guests", "open-not"])
def test_nobody_is_let_through_where_the_chain_says_so_and_has_no_name(apache: Apache, place: str) -> None:
    answer = apache.ask(f"/{place}/page.shtml")
    assert answer.status == 200
    shown = answer.variables()
    assert not [name for name in shown if name in ("REMOTE_USER", "AUTH_TYPE") or name.startswith("AUTHCHAIN_")]
    assert answer.all("Vary"), "a cache has to know"


def test_wrong_credentials_are_wrong_also_where_nobody_may_pass(apache: Apache, site: Site) -> None:
    assert apache.ask("/open/page.shtml", {"Authorization": "Token wrong"}).status == 401
    assert apache.ask("/open/page.shtml", site.token()).variables()["REMOTE_USER"] == "alice"


@pytest.mark.parametrize("place", ["open-valid", "open-user"])
def test_nobody_is_no_valid_user(apache: Apache, site: Site, place: str) -> None:
    answer = apache.ask(f"/{place}/page.shtml")
    assert (answer.status, answer.one("WWW-Authenticate")) == (401, "Token")
    assert len(answer.all("Vary")) == 1
    assert apache.ask(f"/{place}/page.shtml", site.token()).status == 200


# ---------------------------------------------------------------- stock Basic authentication


def test_stock_basic_authentication_has_our_passwords(apache: Apache) -> None:
    answer = apache.ask("/basic/page.shtml", basic("alice", "wonderland"))
    assert (answer.status, answer.variables()["AUTH_TYPE"]) == (200, "Basic")
    assert answer.variables()["AUTHCHAIN_USER_ID"] == "1"
    for wrong in (
        basic("alice", "wrong"),
        basic("inactive", "sleeping"),
        basic("nobody", "x"),
        {"Authorization": "Basic /3g6eA=="},
        {},
    ):
        answer = apache.ask("/basic/page.shtml", wrong)
        assert (answer.status, answer.one("WWW-Authenticate")) == (401, 'Basic realm="stock"')


def test_our_require_knows_users_of_stock_basic_authentication(apache: Apache) -> None:
    assert apache.ask("/basic-staff/page.shtml", basic("bob", "builder")).status == 200
    assert apache.ask("/basic-staff/page.shtml", basic("alice", "wonderland")).status == 200
    assert apache.ask("/basic-staff/page.shtml").status == 401


def test_the_next_provider_is_asked_for_unknown_names_only(apache: Apache) -> None:
    assert apache.ask("/mixed/page.shtml", basic("carol", "secret")).status == 200
    assert apache.ask("/mixed/page.shtml", basic("alice", "wonderland")).status == 200
    assert apache.ask("/mixed/page.shtml", basic("alice", "secret")).status == 401


# ---------------------------------------------------------------- refusals by the server


def test_error_documents_take_the_place_of_our_body(apache: Apache, site: Site) -> None:
    answer = apache.ask("/documents/page.shtml")
    assert (answer.status, answer.body, answer.one("WWW-Authenticate")) == (401, "please log in", 'Basic realm="api"')
    answer = apache.ask("/documents/page.shtml", site.token())
    assert (answer.status, answer.body, answer.one("WWW-Authenticate")) == (403, "staff only", None)
    answer = apache.ask("/documents/page.shtml", {"Authorization": "Token wrong"})
    assert (answer.status, answer.body, answer.one("WWW-Authenticate")) == (401, "please log in", 'Basic realm="api"')


def test_the_page_for_an_error_is_judged_by_the_same_verdict(apache: Apache, site: Site) -> None:
    before = verdicts(apache)
    answer = apache.ask("/pages/page.shtml", site.token())
    assert (answer.status, answer.variables()["REMOTE_USER"]) == (403, "alice")
    assert verdicts(apache) - before == 1


# ---------------------------------------------------------------- one verdict


def test_a_page_for_an_error_at_the_same_place_is_told_who_asks(apache: Apache, site: Site) -> None:
    answer = apache.ask("/protected/nosuch", site.token())
    shown = answer.variables()
    assert (answer.status, shown["REMOTE_USER"], shown["AUTHCHAIN_USER_ID"]) == (404, "alice", "1")


def verdicts(apache: Apache) -> int:
    """How often the chain `default` has judged."""
    text = apache.ask("/metrics").body
    assert text.startswith("# process ")
    return sum(
        int(n) for n in re.findall(r'^authchain_verdicts_total\{chain="default",outcome="\w+"\} (\d+)$', text, re.M)
    )


@pytest.mark.parametrize("path", ["/folder/", "/sub/page.shtml", "/protected/nosuch", "/protected/page.shtml"])
def test_a_request_is_judged_once(apache: Apache, site: Site, path: str) -> None:
    before = verdicts(apache)
    apache.ask(path, site.token())
    assert verdicts(apache) - before == 1
    apache.ask(path)
    assert verdicts(apache) - before == 2


def test_an_index_knows_the_user(apache: Apache, site: Site) -> None:
    answer = apache.ask("/folder/", site.token())
    assert (answer.status, answer.variables()["REMOTE_USER"]) == (200, "alice")
    assert len(answer.all("Vary")) == 1


def test_what_is_denied_to_one_sub_request_is_not_denied_to_the_next(apache: Apache, site: Site) -> None:
    answer = apache.ask("/sub/page.shtml", site.token("bob"))
    assert answer.status == 200
    assert answer.body.startswith("[an error occurred while processing this directive]\nAUTHCHAIN_")
    assert answer.body.count("[an error") == 1
    assert answer.variables()["AUTHCHAIN_FLAGS"] == "active,staff"


def test_what_is_denied_to_nobody_in_one_sub_request_is_open_in_the_next(apache: Apache) -> None:
    answer = apache.ask("/open-sub/page.shtml")
    assert (answer.status, answer.body.count("[an error")) == (200, 1)
    assert "SCRIPT_NAME=" in answer.body


# ---------------------------------------------------------------- .htaccess


def test_htaccess_may_choose_a_chain(apache: Apache, site: Site) -> None:
    answer = apache.ask("/htaccess/good/page.shtml")
    assert (answer.status, answer.body, answer.one("WWW-Authenticate")) == (401, "told by .htaccess", "Token")
    assert apache.ask("/htaccess/good/page.shtml", site.token()).variables()["REMOTE_USER"] == "alice"


@pytest.mark.parametrize("number", range(len(OUTSIDE_HTACCESS)))
def test_htaccess_may_not_say_what_is_believed(apache: Apache, number: int) -> None:
    directive = OUTSIDE_HTACCESS[number].split()[0]
    assert apache.ask(f"/htaccess/bad{number}/page.html").status == 500
    assert f"{directive} not allowed here" in apache.log()


def test_a_chain_that_is_not_there_lets_nobody_in(apache: Apache, site: Site) -> None:
    assert apache.ask("/htaccess/nosuch/page.html", site.token()).status == 503
    assert "has no [chains.nosuch]" in apache.log()


# ---------------------------------------------------------------- what reaches an application

@pytest.mark.parametrize(
    "place, claims, status",
    [
        ("scoped", {"scope": "read write"}, 200),
        ("scoped", {"scope": ["admin"]}, 200),
        ("scoped", {"scp": "admin"}, 200),
        ("scoped", {"scope": "read writer"}, 403),
        ("scoped", {}, 403),
        ("claimed", {"level": 5}, 200),
        ("claimed", {"level": "5"}, 200),
        ("claimed", {"level": 50}, 403),
        ("claimed", {"roles": ["clerk", "auditor"]}, 200),
        ("claimed", {"roles": "auditor"}, 200),
        ("claimed", {"roles": "clerk auditor"}, 403),
        ("claimed", {"roles": [["auditor"]]}, 403),
        ("claimed", {"site": "https://example.com"}, 200),
        ("claimed", {"sit": "e:https://example.com"}, 403),
        ("claimed", {}, 403),
    ],
)
def test_what_a_token_says_decides(apache: Apache, place: str, claims: dict[str, object], status: int) -> None:
    answer = apache.ask(f"/{place}/page.shtml", bearer(**claims))
    assert answer.status == status
    assert apache.ask(f"/{place}/page.shtml").status == 401
    if status == 200:
        said = json.loads(answer.variables()["AUTHCHAIN_CLAIMS"].replace("&quot;", '"'))
        assert said.items() >= claims.items()


FORGED = {
    "X-Auth-User": "root",
    "x_auth_user": "root",
    "X.Auth.User": "root",
    "X-Auth_User-Id": "3",
    "X-Auth-Scheme": "token",
    "X-Auth-Assertion": "root",
    "x.auth_assertion": "root",
    "X-Auth-Users": "stays",
}


@pytest.mark.parametrize("place", ["proxy", "proxy-open", "proxy-identity", "proxy-anonymous", "proxy-asserted"])
def test_forged_identities_reach_no_application(apache: Apache, site: Site, place: str) -> None:
    credentials = {} if place in ("proxy-open", "proxy-anonymous", "proxy-asserted") else site.token()
    headers = apache.ask(f"/{place}/x", {**FORGED, **credentials}).reached()
    assert headers["x-auth-users"] == "stays"
    assert "root" not in headers.values() and "3" not in headers.values()


def test_forged_identities_decide_nothing(apache: Apache, site: Site) -> None:
    assert apache.ask("/no-root/page.shtml", {**FORGED, **site.token()}).status == 200


def test_forged_identities_reach_no_page(apache: Apache) -> None:
    shown = apache.ask("/page.shtml", FORGED).variables()
    assert [name for name in shown if "AUTH" in name.upper()] == ["HTTP_X_AUTH_USERS"]


def test_an_application_is_told_who_it_is_where_it_is_wanted(apache: Apache, site: Site) -> None:
    headers = apache.ask("/proxy-identity/x", site.token()).reached()
    assert (headers["x-auth-user"], headers["x-auth-user-id"], headers["x-auth-scheme"]) == ("alice", "1", "token")
    assert "authorization" not in headers
    headers = apache.ask("/proxy/x", site.token()).reached()
    assert headers["authorization"] == site.token()["Authorization"]
    assert not [name for name in headers if name.startswith("x-auth")]
    headers = apache.ask("/proxy-anonymous/x").reached()
    assert not [name for name in headers if name.startswith("x-auth")]


def test_a_program_behind_can_check_who_it_is(apache: Apache, site: Site) -> None:
    headers = apache.ask("/proxy-asserted/x", {**site.token("bob"), "X-Auth-Assertion": "forged"}).reached()
    claims = jwt.decode(headers["x-auth-assertion"], BEHIND, ["HS256"], audience="app", issuer="authchain")
    assert (claims["preferred_username"], claims["sub"], claims["scheme"]) == ("bob", "2", "token")
    assert (claims["is_staff"], claims["is_superuser"]) == (True, False)
    assert "authorization" not in headers
    assert "x-auth-assertion" not in apache.ask("/proxy-asserted/x").reached()
    assert "x-auth-assertion" not in apache.ask("/proxy-identity/x", site.token()).reached()


def test_what_a_token_claims_is_in_no_group(apache: Apache) -> None:
    # bob, who is one of the readers, has the key 2; the issuer of a token that nobody looks up may mean somebody else.
    claims = {"user_id": "2", "username": "bob"}
    assert apache.ask("/readers-jwt/page.shtml", bearer(**claims)).status == 200
    assert apache.ask("/readers-claimed/page.shtml", bearer(**claims)).status == 403
    assert apache.ask("/claimed-user/page.shtml", bearer(**claims)).status == 200


# ---------------------------------------------------------------- bodies

UPLOAD = b"x" * 3_000_000


def test_a_connection_outlives_the_refusal_of_an_upload(apache: Apache, site: Site) -> None:
    connection = apache.connect()
    answer = ask_on(connection, "/proxy/x", method="POST", body=UPLOAD)
    assert (answer.status, answer.json()["detail"]) == (401, "Authentication credentials were not provided.")
    stream = connection.sock
    assert stream is not None, "the connection was closed"
    assert ask_on(connection, "/proxy/x", site.token()).status == 200
    assert connection.sock is stream
    connection.close()


def test_an_upload_arrives_whole(apache: Apache, site: Site) -> None:
    assert apache.ask("/proxy/x", site.token(), "POST", UPLOAD).json()["size"] == len(UPLOAD)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert apache.ask("/proxy/x", {**site.token(), **form}, "POST", UPLOAD).json()["size"] == len(UPLOAD)


def test_who_waits_for_100_continue_is_refused_at_once(apache: Apache) -> None:
    with socket.create_connection(("127.0.0.1", apache.port), SECONDS) as stream:
        stream.sendall(
            b"POST /protected/page.shtml HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        said = stream.recv(65536)
    assert said.startswith(b"HTTP/1.1 401")


CSRF = "c" * 32
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "body, status",
    [
        (b"csrfmiddlewaretoken=" + CSRF.encode() + b"&more=" + b"y" * 100_000, 200),
        (b"csrfmiddlewaretoken=" + b"d" * 32, 403),
        (b"", 403),
    ],
)
def test_a_form_is_read_for_its_csrf_token_and_given_to_the_application(
    apache: Apache, site: Site, body: bytes, status: int
) -> None:
    answer = apache.ask("/proxy/x", {**site.cookies(), **FORM}, "POST", body)
    assert answer.status == status
    if status == 200:
        assert answer.json()["size"] == len(body)
        assert str(answer.json()["head"]).startswith(f"csrfmiddlewaretoken={CSRF}&more=y")


def test_a_form_in_chunks_is_read_as_well(apache: Apache, site: Site) -> None:
    body = b"csrfmiddlewaretoken=" + CSRF.encode()
    connection = apache.connect()
    connection.request("POST", "/proxy/x", iter([body[:7], body[7:]]), {**site.cookies(), **FORM}, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 200
    assert f'"size": {len(body)}' in response.read().decode()
    connection.close()


def test_a_form_that_is_too_large_to_be_read_arrives_whole_or_not_at_all(apache: Apache, site: Site) -> None:
    headers = {**site.cookies(), **FORM}
    answer = apache.ask("/proxy/x", headers, "POST", UPLOAD)
    assert answer.status == 413
    answer = apache.ask("/proxy/x", site.token() | FORM, "POST", UPLOAD)
    assert answer.json()["size"] == len(UPLOAD)


# ---------------------------------------------------------------- endpoints


def test_a_token_is_given_for_a_password(apache: Apache, site: Site) -> None:
    json_type = {"Content-Type": "application/json"}
    answer = apache.ask("/api-token-auth/", json_type, "POST", b'{"username": "alice", "password": "wonderland"}')
    assert (answer.status, answer.json()) == (200, {"token": site.keys["alice"]})
    answer = apache.ask("/api-token-auth/", json_type, "POST", b'{"username": "alice", "password": "wrong"}')
    assert answer.status == 400
    assert answer.one("Content-Type") == "application/json"
    answer = apache.ask("/api-token-auth/")
    assert (answer.status, answer.one("Allow")) == (405, "POST, OPTIONS")


BROWSER = {"Accept": "text/html"}


def test_a_browser_logs_in_and_out(apache: Apache) -> None:
    page = apache.ask("/accounts/login/", BROWSER)
    assert page.status == 200
    csrf = re.match(r"csrftoken=(\w+)", page.one("Set-Cookie") or "")
    assert csrf, page.headers
    cookie = {"Cookie": f"csrftoken={csrf[1]}", **FORM, **BROWSER}
    answer = apache.ask(
        "/accounts/login/",
        cookie,
        "POST",
        f"csrfmiddlewaretoken={csrf[1]}&username=alice&password=wonderland".encode(),
    )
    assert (answer.status, answer.one("Location")) == (302, "/"), answer.body
    session = next(m[1] for m in map(re.compile(r"sessionid=(\w+)").match, answer.all("Set-Cookie")) if m)
    logged_in = {"Cookie": f"sessionid={session}; csrftoken={csrf[1]}"}
    assert apache.ask("/protected/page.shtml", logged_in).variables()["REMOTE_USER"] == "alice"
    fresh = next((m[1] for m in map(re.compile(r"csrftoken=(\w+)").match, answer.all("Set-Cookie")) if m), csrf[1])
    logged_in = {"Cookie": f"sessionid={session}; csrftoken={fresh}", **FORM, **BROWSER}
    assert apache.ask("/accounts/logout/", logged_in, "POST", f"csrfmiddlewaretoken={fresh}".encode()).status == 302
    assert apache.ask("/protected/page.shtml", logged_in).status == 401


def test_a_place_without_an_endpoint_is_not_there(apache: Apache) -> None:
    assert apache.ask("/endpoint-of-none").status == 404
    assert "AuthChainEndpoint is missing" in apache.log()
