# SPDX-License-Identifier: BSD-3-Clause
"""A browser without a screen, told what to do over a pair of pipes (the DevTools protocol).

Keys are real ones: what has the focus gets them, and what they do is the browser's and the page's business. As a
program it makes a picture of a page:

    browser.py FILE.html FILE.png [VIEW [WIDTH HEIGHT [SELECTOR…]]]

with what the selectors name clicked before.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DEADLINE = 60  # seconds, for one answer
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
        "ArrowDown": 40, "/": 191}
TEXT = {"Enter": "\r", " ": " ", "/": "/"}


def program():
    """The browser's path, or None."""
    return shutil.which("chromium")


def _pipe():
    """Both ends out of the way of the descriptors that it wants."""
    ends = os.pipe()
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in ends]
    for fd in ends:
        os.close(fd)
    return moved


class Browser:
    """To be used in a `with`."""

    def __init__(self, profile):
        here, its_out = _pipe()
        its_in, there = _pipe()
        self.read_from, self.write_to, self.buffer, self.last, self.events = here, there, b"", 0, []
        # It wants to be told on descriptor 3, and answers on 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{its_in} 4>&{its_out} {its_in}<&- {its_out}>&-', "bash", program(),
             "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--remote-debugging-pipe", f"--user-data-dir={profile}"],
            pass_fds=(its_in, its_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(its_in)
        os.close(its_out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.send("Browser.close")
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.read_from)
            os.close(self.write_to)

    def _message(self, end):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_from], [], [], max(0, end - time.monotonic()))
            data = os.read(self.read_from, 1 << 16) if ready else b""
            assert data, "the browser says nothing"
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def send(self, method, session=None, **params):
        """Its result."""
        self.last += 1
        told = {"id": self.last, "method": method, "params": params, **({"sessionId": session} if session else {})}
        data = json.dumps(told).encode() + b"\0"
        while data:
            data = data[os.write(self.write_to, data):]
        end = time.monotonic() + DEADLINE
        while True:
            message = self._message(end)
            if message.get("id") == self.last:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self.events.append(message)

    def wait(self, method, session):
        """Until an event of that name has come."""
        end = time.monotonic() + DEADLINE
        while not any(e.get("method") == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self._message(end))

    def page(self, path, width=1280, height=900, script=True):
        return Page(self, path, width, height, script)


class Page:
    """A file, shown."""

    def __init__(self, browser, path, width, height, script):
        self.browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)
        if not script:
            self.send("Emulation.setScriptExecutionDisabled", value=True)
        self.send("Page.navigate", url=path.as_uri())
        browser.wait("Page.loadEventFired", self.session)
        self.send("Page.bringToFront")

    def send(self, method, **params):
        return self.browser.send(method, self.session, **params)

    def ask(self, expression):
        """What an expression says there."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, expression):
        """It becomes true before a deadline."""
        end = time.monotonic() + DEADLINE
        while not self.ask(expression):
            assert time.monotonic() < end, f"{expression} did not become true"
            time.sleep(0.01)

    def key(self, name, times=1):
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                text = {"text": TEXT[name]} if kind == "keyDown" and name in TEXT else {}
                self.send("Input.dispatchKeyEvent", type=kind, key=name, code="Space" if name == " " else name,
                          windowsVirtualKeyCode=KEYS[name], **text)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def focus(self, selector):
        self.ask(f"document.querySelector({json.dumps(selector)}).focus()")

    def picture(self, path):
        """What is in view, as PNG."""
        data = self.send("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _events(self, method):
        return [e["params"] for e in self.browser.events
                if e.get("method") == method and e.get("sessionId") == self.session]

    @property
    def asked_for(self):
        """All that it wanted to fetch."""
        return [e["request"]["url"] for e in self._events("Network.requestWillBeSent")]

    @property
    def complaints(self):
        """Exceptions of its script, and what the browser refused it."""
        return [str(e["exceptionDetails"]) for e in self._events("Runtime.exceptionThrown")] + \
            [e["entry"]["text"] for e in self._events("Log.entryAdded") if e["entry"]["level"] == "error"]


def main(html, png, view="", width=1280, height=900, *clicked):
    with tempfile.TemporaryDirectory(prefix="ringside-") as profile, Browser(profile) as b:
        page = b.page(Path(html).resolve(), int(width), int(height))
        if view:
            page.ask(f"document.getElementById({json.dumps(view)}).scrollIntoView()")
        for selector in clicked:
            page.ask(f"document.querySelector({json.dumps(selector)}).click()")
        page.picture(Path(png))


if __name__ == "__main__":
    main(*sys.argv[1:])
