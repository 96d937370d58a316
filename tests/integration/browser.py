"""A browser without any network, driven over a pipe (Chromium's DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

SECONDS = 120
# The pipe's ends are file 3, which Chromium reads, and 4, which it writes. Its namespace has not even a loopback.
START = (
    "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    " --remote-debugging-pipe --user-data-dir=$1 about:blank 3<&$2 4>&$3"
)


class Browser:
    """A page in a browser, and what it complained about (`complaints`) or asked for (`requests`)."""

    def __enter__(self) -> Browser:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded, self._number, self._rest, self._session = False, 0, b"", ""
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (reads, self._write), (self._read, writes) = os.pipe(), os.pipe()
        command = ["unshare", "--net", "bash", "-c", START, "bash", self._folder.name, str(reads), str(writes)]
        self._process = subprocess.Popen(
            command,
            pass_fds=(reads, writes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reads)
        os.close(writes)
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; it leaves nothing behind."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._folder.cleanup()

    def load(self, path: Path, colours: str = "light", width: int = 1280, height: int = 1000) -> None:
        """Load a file, as somebody sees it who likes light or dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._receive()

    def look(self, script: str) -> Any:
        """Return the value of an expression in the page, of a promise what becomes of it."""
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self) -> bytes:
        """Return what is seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def print(self) -> bytes:
        """Return the page on paper, as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call the browser; AssertionError when it refuses, or does not answer in time."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message.update({"sessionId": self._session} if self._session else {})
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            ready, _writable, _odd = select.select([self._read], [], [], max(0, end - time.monotonic()))
            part = os.read(self._read, 1 << 20) if ready else b""
            assert part, "the browser does not answer"
            self._rest += part
        line, _end, self._rest = self._rest.partition(b"\0")
        event: dict[str, Any] = json.loads(line)
        self._note(event.get("method", ""), event.get("params", {}))
        return event

    def _note(self, method: str, told: dict[str, Any]) -> None:
        self._loaded = self._loaded or method == "Page.loadEventFired"
        if method in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(told))
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
