"""A headless Chromium that a test drives through a pipe (`--remote-debugging-pipe`, Chrome DevTools Protocol)."""

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wallcloud.build.tools import prerequisites
from wallcloud.progress import Silent

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


class Chromium:
    """One browser with one page; it ends with `close`. Messages are JSON, each ended by a NUL."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("chromium") is None:
            if os.geteuid() != 0:
                pytest.skip("needs chromium: apt-get install chromium, or run as root")
            prerequisites(("chromium",), Silent())
        # The protocol is at descriptors 3 (in) and 4 (out).
        plumbing = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'
        argv = ["chromium", *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", plumbing, "sh", *argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = ""
        self.told: list[str] = []
        """What the browser logged: errors of scripts, what the Content-Security-Policy refused."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while (answer := self._read()).get("id") != number:
            if answer.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.told.append(json.dumps(answer["params"]))
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Returns when the page's script has shown everything."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.run(
            "new Promise(done => { const look = () => document.body?.dataset.ready ? done()"
            " : requestAnimationFrame(look); look(); })"
        )

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def close(self) -> None:
        self._session = ""
        self.call("Browser.close")
        self._process.wait(20)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        while b"\0" not in self._rest:
            more = os.read(self._process.stdout.fileno(), 1 << 16)
            assert more, "chromium ended"
            self._rest += more
        message, self._rest = self._rest.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer
