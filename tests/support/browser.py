"""A real Chromium without a network, driven by the DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any

import pytest

#: Keys that are pressed by name, and their codes.
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40}
TEXTS = {"Enter": "\r"}
#: The protocol reads from file descriptor 3 and writes to 4, which may be among the pipes' own numbers.
USE_PIPES = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(reading, 3)
os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
LONGEST_WAIT_SECONDS = 120


class Browser:
    """One page of the browser. Its requests are recorded."""

    def __init__(self, program: str, profile) -> None:
        from_browser, to_us = os.pipe()
        from_us, to_browser = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
        offline = ["--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", USE_PIPES, str(from_us), str(to_us), program, *options, *offline, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(from_us, to_us),
        )
        os.close(from_us)
        os.close(to_us)
        self._out, self._in = to_browser, from_browser
        self._numbers, self._buffer, self._session = itertools.count(1), b"", None
        self.requests: list[str] = []
        self.problems: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a page, and wait until its charts are drawn."""
        self.requests.clear()
        self.problems.clear()
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && document.body.classList.contains('drawn')")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true."""
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str, times: int = 1, *, shift: bool = False) -> None:
        """Press a key."""
        event = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": 8 * shift}
        for _ in range(times):
            self._call("Input.dispatchKeyEvent", type="keyDown", text=TEXTS.get(key, ""), **event)
            self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def move_mouse(self, x: float, y: float) -> None:
        """Move the mouse to a point of the window."""
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, *, whole: bool = True) -> bytes:
        """Return a picture of the page as PNG."""
        if whole:
            size = self._call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
            answer = self._call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        else:
            answer = self._call("Page.captureScreenshot")
        return base64.b64decode(answer["data"])

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._receive()).get("id") != number:
            self._record(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _record(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        elif event["method"] == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


def browser_program() -> str:
    """Return the path of the browser; skip the test if there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("pages are tested in a real browser: apt-get install chromium")
    return program


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A browser, with one page."""
    started = Browser(browser_program(), tmp_path_factory.mktemp("browser"))
    yield started
    started.close()
