"""How a request came: TLS, HTTP/2, proxies; and places where a hook could be missed."""

from __future__ import annotations

import http.client
import ssl
import subprocess

from conftest import CONFIG, LOADED, MODULES, SECONDS, Apache, Servers, Site, ask_on, basic, wait_for

PLACE = """
<Location />
  AuthType authchain
  Require authchain-authenticated
</Location>
"""


# ---------------------------------------------------------------- TLS

TLS = """
Listen 127.0.0.1:{tls} https
SSLSessionCache none
<VirtualHost 127.0.0.1:{tls}>
  SSLEngine on
  SSLCertificateFile {folder}/server.pem
  SSLCACertificateFile {folder}/server.pem
  SSLVerifyClient optional_no_ca
  <Location /certificate>
    SSLUserName SSL_CLIENT_S_DN_CN
    AuthChain remote
  </Location>
</VirtualHost>
"""


def make_certificate(apache: Apache, name: str, subject: str) -> str:
    """A certificate that signs itself, in a file with its key."""
    path = str(apache.folder / name)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={subject}",
        "-keyout",
        path,
        "-out",
        path + ".crt",
    ]
    subprocess.run(command, check=True, capture_output=True)
    with open(path, "a") as file, open(path + ".crt") as certificate:
        file.write(certificate.read())
    return path


def ask_tls(port: int, path: str, headers: dict[str, str], method: str = "GET", certificate: str = "") -> int:
    """The status of a request over TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS, context=context)
    try:
        return ask_on(connection, path, headers, method).status
    finally:
        connection.close()


def test_over_tls_a_post_has_to_say_where_it_comes_from(servers: Servers, site: Site) -> None:
    apache = servers.make("", loaded=[*LOADED, "socache_shmcb", "ssl"])
    tls = apache.port_beside()
    apache.add(PLACE + TLS.replace("{tls}", str(tls)))
    make_certificate(apache, "server.pem", "localhost")
    for page in ("index.html", "certificate/index.html"):
        apache.page(page)
    apache.start()
    headers = {**site.cookies(), "X-CSRFToken": "c" * 32}
    assert apache.ask("/index.html", headers, "POST").status == 200
    assert ask_tls(tls, "/index.html", headers, "POST") == 403, "no Referer"
    referer = {"Referer": f"https://127.0.0.1:{tls}/form"}
    assert ask_tls(tls, "/index.html", {**headers, **referer}, "POST") == 200
    assert ask_tls(tls, "/index.html", site.token()) == 200
    bob = make_certificate(apache, "bob.pem", "bob")
    assert ask_tls(tls, "/certificate/index.html", {}, certificate=bob) == 200, "SSLUserName"
    stranger = make_certificate(apache, "stranger.pem", "stranger")
    assert ask_tls(tls, "/certificate/index.html", {}, certificate=stranger) == 403
    assert ask_tls(tls, "/certificate/index.html", {}) == 403


# ---------------------------------------------------------------- HTTP/2


def test_every_stream_of_http_2_is_judged(servers: Servers, site: Site) -> None:
    apache = servers.make("Protocols h2 http/1.1\n", loaded=[*LOADED, "socache_shmcb", "ssl", "http2"])
    tls = apache.port_beside()
    apache.add(PLACE + TLS.replace("{tls}", str(tls)))
    make_certificate(apache, "server.pem", "localhost")
    apache.page("index.html")
    apache.start()
    command = [
        "curl",
        "-sk",
        "--noproxy",
        "*",
        "--max-time",
        str(SECONDS),
        "--http2",
        "-w",
        "%{http_version} %{http_code} ",
    ]
    urls = [part for _ in range(3) for part in ("-o", "/dev/null", f"https://127.0.0.1:{tls}/index.html")]
    for credentials, status in ((site.token()["Authorization"], 200), ("Token wrong", 401)):
        run = subprocess.run([*command, "-H", f"Authorization: {credentials}", *urls], capture_output=True, text=True)
        assert run.stdout == f"2 {status} " * 3
    assert apache.log().count("ok user=alice") == 3


# ---------------------------------------------------------------- proxies in front


def test_the_client_behind_a_proxy_is_who_mod_remoteip_says(servers: Servers, site: Site) -> None:
    config = CONFIG.replace("[chains.open]", "require_tls = true\n[chains.open]")
    # Loaded behind us, so that the order of the hooks is not the order of the modules by chance.
    text = PLACE + f"""
LoadModule remoteip_module {MODULES}/mod_remoteip.so
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
"""
    apache = servers.start(text, config=config, loaded=[name for name in LOADED if name != "remoteip"])
    apache.page("index.html")
    assert apache.ask("/index.html", site.token()).status == 200, "this machine"
    assert apache.ask("/index.html", {**site.token(), "X-Client": "192.0.2.7"}).status == 403, "clear text"
    assert "192.0.2.7" in apache.log()


# ---------------------------------------------------------------- ways around


def test_rewriting_and_fallbacks_lead_to_no_open_door(servers: Servers, site: Site) -> None:
    apache = servers.make(f"""
<Location /private>
  AuthType authchain
  Require authchain-authenticated
</Location>
RewriteEngine On
RewriteRule ^/short$ /private/index.html [PT]
<Directory {{folder}}/htdocs/dir>
  RewriteEngine On
  RewriteRule ^long$ /private/index.html
</Directory>
<Directory {{folder}}/htdocs/fallback>
  FallbackResource /private/index.html
</Directory>
Alias /private/alias {{folder}}/htdocs/private
<Location /metrics>
  SetHandler authchain-metrics
</Location>
""")
    for page in ("private/index.html", "dir/index.html", "fallback/index.html"):
        apache.page(page, f"{page}\n")
    apache.start()
    for path in (
        "/short",
        "/dir/long",
        "/fallback/nosuch",
        "/private/alias/index.html",
        "//private/index.html",
        "/private/./index.html",
        "/x/../private/index.html",
        "/%70rivate/index.html",
    ):
        assert apache.ask(path).status == 401, path
        answer = apache.ask(path, site.token())
        assert (answer.status, answer.body) == (200, "private/index.html\n"), path


def test_satisfy_any_needs_one_of_both(servers: Servers, site: Site) -> None:
    apache = servers.make(
        """
<Location />
  AuthType authchain
  Require authchain-authenticated
  Order deny,allow
  Deny from env=!friend
  Satisfy any
</Location>
SetEnvIf X-Friend yes friend
""",
        loaded=[*LOADED, "access_compat", "setenvif"],
    )
    apache.page("index.html")
    apache.start()
    assert apache.ask("/index.html").status == 401
    assert apache.ask("/index.html", {"X-Friend": "yes"}).status == 200
    assert apache.ask("/index.html", site.token()).status == 200
    assert apache.ask("/index.html", {"Authorization": "Token wrong"}).status == 401


def test_an_administrators_own_header_stays(servers: Servers, site: Site, back_end: int) -> None:
    apache = servers.start(f"""
<Location /proxy>
  AuthType authchain
  Require authchain-authenticated
  AuthChainForward identity
  RequestHeader set X-Auth-Scheme "of the administrator"
  ProxyPass http://127.0.0.1:{back_end}/
</Location>
""")
    headers = apache.ask("/proxy/x", site.token()).reached()
    assert (headers["x-auth-user"], headers["x-auth-scheme"]) == ("alice", "of the administrator")


def test_what_a_place_was_told_is_not_told_to_the_next(servers: Servers, site: Site, back_end: int) -> None:
    apache = servers.make(f"""
<Directory {{folder}}/htdocs/first>
  AuthType authchain
  Require authchain-authenticated
  AuthChainForward identity
  RewriteEngine On
  RewriteRule (.*) /next/$1
</Directory>
<Location /next>
  ProxyPass http://127.0.0.1:{back_end}/
</Location>
""")
    apache.page("first/index.html")
    apache.start()
    headers = apache.ask("/first/index.html", site.token()).reached()
    assert not [name for name in headers if name.startswith("x-auth")]


def test_an_error_page_may_be_the_login_form(servers: Servers) -> None:
    apache = servers.start(PLACE + """
<Location />
  AuthChainErrors server
  ErrorDocument 401 /accounts/login/
</Location>
<Location /accounts/login/>
  AuthType None
  Require all granted
  SetHandler authchain
  AuthChainEndpoint login
</Location>
""")
    answer = apache.ask("/index.html", {"Accept": "text/html"})
    assert (answer.status, answer.one("WWW-Authenticate")) == (401, 'Basic realm="api"')
    assert "csrfmiddlewaretoken" in answer.body
    assert answer.all("Set-Cookie")
    answer = apache.ask("/index.html", {"Accept": "text/html"}, "POST", b"username=alice&password=wonderland")
    assert "csrfmiddlewaretoken" in answer.body and not [c for c in answer.all("Set-Cookie") if "sessionid" in c]


def test_a_client_that_goes_away_in_its_body_leaves_the_child_alive(servers: Servers, site: Site) -> None:
    apache = servers.start(
        PLACE + "<Location /metrics>\nAuthType None\nSetHandler authchain-metrics\nRequire all granted\n</Location>"
    )
    before = apache.ask("/metrics").body.split("\n")[0]
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nCookie: sessionid={site.session}; csrftoken=c\r\nContent-Length: 1000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrf"
    )
    for _ in range(5):
        assert not apache.raw(head.encode()).startswith("HTTP/1.1 200")
    chunked = head.replace("Content-Length: 1000", "Transfer-Encoding: chunked").replace(
        "\r\n\r\ncsrf", "\r\n\r\nzz\r\n"
    )
    assert apache.raw(chunked.encode()).startswith("HTTP/1.1 400")
    wait_for(lambda: apache.ask("/metrics").body.split("\n")[0] == before, "alive")


def test_no_cookie_is_sent_twice(servers: Servers, site: Site) -> None:
    config = "session_save_every_request = true\n" + CONFIG
    apache = servers.make(
        """
DirectoryIndex page.html
<Directory {folder}/htdocs>
  AuthType authchain
  Require authchain-authenticated
</Directory>
<Files page.html>
  AuthChain session
</Files>
<Location /staff>
  Require authchain-flag staff
</Location>
""",
        config=config,
    )
    apache.page("page.html", "by two chains")
    apache.start()
    answer = apache.ask("/", site.cookies())
    assert (answer.status, answer.body, len(answer.all("Set-Cookie"))) == (200, "by two chains", 1)
    answer = apache.ask("/staff", site.cookies())
    assert (answer.status, len(answer.all("Set-Cookie"))) == (403, 1)


def test_a_redirect_that_httpd_does_not_ask_again_about_is_told_who_asks(servers: Servers, site: Site) -> None:
    apache = servers.make("""
<Directory {folder}/htdocs>
  AuthType authchain
  Require authchain-authenticated
  RewriteEngine On
  RewriteRule ^nosuch$ /page.shtml
</Directory>
""")
    apache.page("page.shtml", "<!--#printenv -->")
    apache.start()
    shown = apache.ask("/nosuch", site.token()).variables()
    assert (shown["REMOTE_USER"], shown["AUTHCHAIN_USER_ID"]) == ("alice", "1")
    assert apache.log().count("Require authchain-authenticated : granted") == 1


def test_a_request_that_cannot_be_judged_reaches_nothing(servers: Servers, site: Site, back_end: int) -> None:
    # Beyond a MiB the library takes no request, so nobody has looked which of its headers say who it is.
    apache = servers.start(f"""
LimitRequestFieldSize 16380
<Location /proxy>
  ProxyPass http://127.0.0.1:{back_end}/
</Location>
""")
    forged = {"X-Auth-User": "root", "X-Auth-Assertion": "forged"}
    assert apache.ask("/proxy/x", {**forged, "X-Large": "x" * 16000}).status == 200
    assert apache.ask("/proxy/x", {**forged, **{f"X-Large-{n}": "x" * 16000 for n in range(80)}}).status == 400


def test_an_assertion_is_of_whom_a_chain_has_found(servers: Servers, site: Site, back_end: int) -> None:
    apache = servers.start(f"""
<Location /proxy>
  AuthType Basic
  AuthName stock
  AuthBasicProvider authchain
  AuthChainAssertion app
  ProxyPass http://127.0.0.1:{back_end}/
  Require valid-user
</Location>
""")
    assert apache.ask("/proxy/x", basic("alice", "wonderland")).status == 500
    assert "no assertion for app: the user was not found by a chain" in apache.log()
