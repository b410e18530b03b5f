"""A headless Chromium, as much of it as these tests use: the W3C WebDriver protocol, which is JSON over HTTP, spoken to
chromedriver. (Selenium would bring fourteen packages for the same.)"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib import error, request

PATIENCE = 30  # seconds, longer than anything takes
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # W3C WebDriver, "web element identifier"


class Browser:
    """A browser with a profile of its own; ended by `close`."""

    def __init__(self, profile: Path) -> None:
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        port = None
        for line in self.driver.stdout or ():
            if started := re.search(r"started successfully on port (\d+)", line):
                port = started[1]
                break
        assert port, "chromedriver does not start"
        self.base = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", f"--user-data-dir={profile}", "--no-first-run", "--disable-gpu"]
        arguments += ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium's sandbox refuses root
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{made['sessionId']}"
        # So long a search for an element waits for the page that has it.
        self._call("POST", "/timeouts", {"implicit": PATIENCE * 1000})

    def close(self) -> None:
        """Ends the browser, then its driver."""
        try:
            self._call("DELETE", "", None)
        finally:
            self.driver.terminate()
            self.driver.wait()

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    @property
    def url(self) -> str:
        return str(self._call("GET", "/url", None))

    def text(self, selector: str) -> str:
        """What is seen of the first element that a CSS selector finds."""
        return str(self._call("GET", f"/element/{self._find(selector)}/text", None))

    def see(self, text: str) -> None:
        """Waits for a page of plain text, which Chromium shows in a `pre`, that has this in it."""
        self._find(f"//pre[contains(., '{text}')]", "xpath")

    def type(self, selector: str, text: str) -> None:
        self._call("POST", f"/element/{self._find(selector)}/value", {"text": text})

    def click(self, selector: str) -> None:
        self._call("POST", f"/element/{self._find(selector)}/click", {})

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The cookies of the page's host, by name."""
        return {cookie["name"]: cookie for cookie in self._call("GET", "/cookie", None)}

    def forget(self) -> None:
        """Deletes the cookies of the page's host."""
        self._call("DELETE", "/cookie", None)

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of the promise that a function body returns."""
        body = f"const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, e => done(String(e)))"
        return self._call("POST", "/execute/async", {"script": body, "args": list(arguments)})

    def _find(self, selector: str, using: str = "css selector") -> str:
        found = self._call("POST", "/element", {"using": using, "value": selector})
        return str(found[ELEMENT])

    def _call(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        call = request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with request.urlopen(call, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except error.HTTPError as failed:
            raise AssertionError(json.load(failed)["value"]["message"].split("\n")[0]) from None
