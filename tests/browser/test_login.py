"""A real browser at two doors of one house: who logs in at one is known at the other, and who logs out at one is a
stranger at both."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import Sites
from webdriver import Browser

NOBODY = [403, None]
ANNA = [204, "anna"]


def fill(browser: Browser, password: str = "geheim") -> None:
    """Both login forms have Django's names."""
    browser.type("input[name=username]", "anna")
    browser.type("input[name=password]", password)


def log_in_at_ours(browser: Browser, sites: Sites) -> None:
    browser.open(f"{sites.ours}/accounts/login/")
    fill(browser)
    browser.click("button")
    browser.see("ok")
    assert browser.url == f"{sites.ours}/healthz"


def log_in_at_django(browser: Browser, sites: Sites) -> None:
    browser.open(f"{sites.django}/admin/login/?next=/admin/")
    fill(browser)
    browser.click("input[type=submit]")
    assert "anna" in browser.text("#user-tools").lower()


def who(browser: Browser, sites: Sites, method: str = "GET") -> list[object]:
    """What `/auth/site` says about a request that comes from this browser."""
    browser.open(f"{sites.ours}/healthz")
    script = """
        const answer = await fetch("/auth/site", {headers: {"X-Original-Method": arguments[0]}});
        return [answer.status, answer.headers.get("X-Auth-User")];
    """.replace("arguments[0]", repr(method))
    answer = browser.run(script)
    assert isinstance(answer, list), answer
    return answer


def is_known_to_django(browser: Browser, sites: Sites) -> bool:
    browser.open(f"{sites.django}/admin/")
    return "/admin/login/" not in browser.url and "anna" in browser.text("#user-tools").lower()


def test_who_logs_in_at_ours_is_known_to_django(browser: Browser, sites: Sites) -> None:
    assert who(browser, sites) == NOBODY
    assert not is_known_to_django(browser, sites)
    log_in_at_ours(browser, sites)
    assert who(browser, sites) == ANNA
    assert is_known_to_django(browser, sites)


def test_who_logs_in_at_django_is_known_to_ours(browser: Browser, sites: Sites) -> None:
    log_in_at_django(browser, sites)
    assert who(browser, sites) == ANNA
    assert who(browser, sites, "POST") == NOBODY, "without the CSRF token"


def test_a_logout_at_django_is_one_at_ours(browser: Browser, sites: Sites) -> None:
    log_in_at_ours(browser, sites)
    assert is_known_to_django(browser, sites)
    browser.click("#logout-form button")
    assert "Logged out" in browser.text("#content")
    assert who(browser, sites) == NOBODY


def test_a_logout_at_ours_is_one_at_django(browser: Browser, sites: Sites) -> None:
    log_in_at_django(browser, sites)
    assert who(browser, sites) == ANNA
    browser.open(f"{sites.ours}/healthz")
    browser.run("""
        const form = document.createElement("form");
        form.method = "post";
        form.action = "/accounts/logout/";
        const token = document.createElement("input");
        token.name = "csrfmiddlewaretoken";
        token.value = document.cookie.match(/csrftoken=([^;]+)/)[1];
        form.id = "leave";
        form.append(token);
        const button = document.createElement("button");
        button.append("leave");
        form.append(button);
        document.body.append(form);
    """)
    browser.click("#leave button")
    browser.see("authchain_serve_connections")
    assert who(browser, sites) == NOBODY
    assert not is_known_to_django(browser, sites)


def test_a_wrong_password_shows_the_form_again(browser: Browser, sites: Sites) -> None:
    browser.open(f"{sites.ours}/accounts/login/")
    fill(browser, "falsch")
    browser.click("button")
    assert "correct user name and password" in browser.text("[role=alert]")
    assert "sessionid" not in browser.cookies()
    fill(browser)
    browser.click("button")
    browser.see("ok")
    assert who(browser, sites) == ANNA


def test_a_login_goes_on_where_the_visitor_wanted_to_be(browser: Browser, sites: Sites) -> None:
    browser.open(f"{sites.ours}/accounts/login/?next=/healthz%3Fa=b")
    fill(browser)
    browser.click("button")
    browser.see("ok")
    assert browser.url == f"{sites.ours}/healthz?a=b"


def test_scripts_do_not_see_the_session(browser: Browser, sites: Sites) -> None:
    log_in_at_ours(browser, sites)
    cookies = browser.cookies()
    assert (cookies["sessionid"]["httpOnly"], cookies["sessionid"]["sameSite"]) == (True, "Lax")
    assert "sessionid" not in browser.run("return document.cookie")
    assert "csrftoken" in browser.run("return document.cookie")


@pytest.fixture
def stranger() -> Iterator[str]:
    """A page of another site (`localhost` is not `127.0.0.1`) whose form goes to the URL after `?`."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            target = self.path.partition("?")[2]
            body = f'<form method="post" action="{target}"><button>win</button></form>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_form_of_another_site_ends_no_session(browser: Browser, sites: Sites, stranger: str) -> None:
    log_in_at_ours(browser, sites)
    browser.open(f"{stranger}?{sites.ours}/accounts/logout/")
    browser.click("button")
    browser.see("CSRF Failed")
    assert who(browser, sites) == ANNA
