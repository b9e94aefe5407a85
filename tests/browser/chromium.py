"""A headless Chromium, driven over its DevTools protocol: opens pages and tells what they asked for."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.processes import stop

PROGRAM = Path("/usr/bin/chromium")
QUIET_SECONDS = 0.5
"""A page has loaded when it shows what it should and has asked for nothing for this long."""

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to start as root with it, and opens nothing but our own pages here
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1400,1000",
    "--remote-debugging-port=0",
)


class Page:
    """One tab. `failed` are the requests that were answered with 400 or more, or not at all; `errors` are
    exceptions that nothing caught."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self._session: str | None = None
        self._asked: dict[str, tuple[str, str]] = {}
        self._pending: dict[str, str] = {}
        self._active = time.monotonic()
        self.failed: list[tuple[str, str, str]] = []
        self.errors: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Page", "Runtime"):
            self._call(f"{domain}.enable")

    def visit(self, url: str, shows: str, timeout: float = 40) -> str:
        """Open the address and wait until the page shows the words and has come to rest; gives its text."""
        self.failed.clear()
        self.errors.clear()
        self._pending.clear()
        self._active = time.monotonic()
        document = self._call("Page.navigate", url=url)["loaderId"]
        # What the page before had under way has ended with it, which is not always told.
        self._pending = {asked: of for asked, of in self._pending.items() if of == document}
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._listen(0.1)
            quiet = not self._pending and time.monotonic() - self._active > QUIET_SECONDS
            if quiet and shows in (text := self.text()):
                return text
        pending = [self._asked[request] for request in self._pending]
        raise AssertionError(
            f"{url} did not show {shows!r} within {timeout} s. It waits for {pending}; "
            f"failed: {self.failed}; errors: {self.errors}; it shows:\n{self.text()}"
        )

    def text(self) -> str:
        """What the page says, as a person would read it."""
        answer = self._call("Runtime.evaluate", expression="document.body ? document.body.innerText : ''")
        return answer["result"].get("value", "")

    def _send(self, method: str, **parameters: Any) -> int:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        return self._last

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        sent = self._send(method, **parameters)
        while True:
            given = json.loads(self._socket.recv(30))
            if given.get("id") == sent:
                assert "result" in given, f"{method}: {given}"
                return given["result"]
            self._note(given)

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._note(json.loads(self._socket.recv(left)))
            except TimeoutError:
                return

    def _note(self, event: dict[str, Any]) -> None:
        given = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                request = given["request"]
                self._asked[given["requestId"]] = (request["method"], request["url"])
                if not request["url"].startswith(("http://127.0.0.1", "ws://127.0.0.1")):
                    return  # Nothing answers for other machines, and what a page made itself needs no answer.
                self._pending[given["requestId"]] = given["loaderId"]
            case "Network.responseReceived":
                status = given["response"]["status"]
                if status >= 400:
                    self._fail(given["requestId"], str(status))
                return
            case "Network.loadingFinished":
                self._pending.pop(given["requestId"], None)
            case "Network.loadingFailed":
                self._pending.pop(given["requestId"], None)
                if not given.get("canceled"):
                    self._fail(given["requestId"], given["errorText"])
            case "Runtime.exceptionThrown":
                details = given["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", details["text"]))
                return
            case _:
                return
        self._active = time.monotonic()

    def _fail(self, request: str, why: str) -> None:
        method, url = self._asked.get(request, ("GET", "an unknown address"))
        self.failed.append((method, url, why))


@contextmanager
def chromium(home: Path) -> Iterator[Page]:
    """A browser with one tab, and its profile in that folder, until the block ends."""
    assert PROGRAM.exists(), "Chromium is not installed: run scripts/chromium.sh."
    with (home / "chromium.txt").open("wb") as output:
        process = subprocess.Popen(
            [PROGRAM, *_ARGUMENTS, f"--user-data-dir={home}", "about:blank"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        # No pings: a thread that draws their numbers from `random` would disturb hypothesis in other tests.
        with connect(_address(process, home), max_size=None, ping_interval=None) as socket:
            yield Page(socket)
    finally:
        stop(process)


def _address(process: subprocess.Popen[bytes], home: Path) -> str:
    """Where it listens, which it writes into its profile."""
    told = home / "DevToolsActivePort"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, f"Chromium ended: {(home / 'chromium.txt').read_text()}"
        lines = told.read_text().splitlines() if told.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not listen: {(home / 'chromium.txt').read_text()}")
