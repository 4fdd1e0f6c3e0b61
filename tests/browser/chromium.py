"""Open a page in headless Chromium and see what it did: requests, console, what it ran."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websocket import WebSocketTimeoutException, create_connection

__all__ = ["FOUND", "Visit", "chromium"]

FOUND = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-default-apps "
    "--disable-dev-shm-usage --hide-scrollbars --remote-debugging-port=0 about:blank"
)


@dataclass
class Visit:
    """What a page did while it was open."""

    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    answer: Any = None


class Browser:
    """One tab, driven over the DevTools protocol."""

    def __init__(self, address: str) -> None:
        self._socket = create_connection(address, suppress_origin=True, timeout=30)
        self._numbers = itertools.count(1)
        self._visit = Visit()
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def open(self, page: Path, *, script: str = "null", seconds: float = 0.5) -> Visit:
        """Open a file, wait for its load event and some more, and evaluate a script in it."""
        self._visit = visit = Visit()
        self.send("Page.navigate", url=page.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass
        self._listen(seconds)
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        self._listen(0.1)
        visit.answer = found["result"].get("value")
        return visit

    def picture(self, width: int, height: int) -> bytes:
        """Return a screenshot of what is open."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        return b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with suppress(WebSocketTimeoutException):
                self._next()
        self._socket.settimeout(30)

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        about = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self._visit.requests.append(about["request"]["url"][:200])
            case "Log.entryAdded":
                self._visit.console.append(about["entry"]["text"][:300])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self._visit.console.append(json.dumps(about)[:300])
        return message


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own; end it afterwards."""
    profile.mkdir(parents=True)
    process = subprocess.Popen(
        [FOUND, f"--user-data-dir={profile}", *FLAGS.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Browser(_address(profile / "DevToolsActivePort"))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(told: Path) -> str:
    """Wait until the browser has said where it listens, and find its tab there."""
    until = time.monotonic() + 60
    while not (told.exists() and "\n" in told.read_text()):
        assert time.monotonic() < until, "Chromium did not start"
        time.sleep(0.05)
    port, path = told.read_text().splitlines()[:2]
    hall = create_connection(f"ws://127.0.0.1:{port}{path}", suppress_origin=True, timeout=30)
    hall.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    targets = json.loads(hall.recv())["result"]["targetInfos"]
    hall.close()
    tab = next(target["targetId"] for target in targets if target["type"] == "page")
    return f"ws://127.0.0.1:{port}/devtools/page/{tab}"
