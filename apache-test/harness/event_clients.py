"""Clients of event streams that others wrote, and what they tell: libraries and browsers."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from . import build

LIBRARIES = ("eventsource", "fetch-event-source", "event-source-polyfill")
WEBKIT = next(iter(sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))), None)


class Client:
    """A process. `lines()` is what it has told."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, start_new_session=True, cwd=build.SOURCE, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)  # its own session
        self.process.wait()

    def wait(self, text, count=1, timeout=30.0):
        """Until `count` lines begin so."""
        deadline = time.monotonic() + timeout
        while len(found := [line for line in self.lines() if line.startswith(text)]) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} {text!r}: {self.lines()}"
            time.sleep(0.05)
        return found


class Telling(Client):
    """A process that tells by lines on its standard output."""

    def __init__(self, command, env=None):
        super().__init__(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, **(env or {})))
        self.told = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.told.append(line.rstrip("\n"))

    def lines(self):
        return list(self.told)

    def __exit__(self, *_):
        super().__exit__()
        self.reader.join()
        self.process.stdout.close()


class Library(Telling):
    def __init__(self, name, url, node="node", env=None):
        super().__init__([node, str(build.TESTS / "clients/event_library.mjs"), name, url], env)


class Page(Client):
    """event_source.html in a browser without a driver: it tells by publishing."""

    page = "event_source.html"
    query = {}

    def __init__(self, browser, httpd, channel):
        self.httpd = httpd
        self.report = f"told-{channel}"
        self.home = tempfile.TemporaryDirectory(prefix="cppwebsocket-browser-")
        shutil.copy(build.TESTS / "clients" / self.page, httpd.root / "htdocs")
        query = urlencode({"channel": channel, "report": self.report, **self.query})
        url = f"http://127.0.0.1:{httpd.port}/{self.page}?{query}"
        env = dict(os.environ, HOME=self.home.name, WEBKIT_DISABLE_COMPOSITING_MODE="1",
                   WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS="1")
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            env.pop(name, None)
        command = {
            "chromium": ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                         f"--user-data-dir={self.home.name}/chromium", url],
            "firefox": ["firefox-esr", "--headless", "--no-remote", "--profile", self.home.name, url],
            "webkit": ["xvfb-run", "-a", "dbus-run-session", "--", str(WEBKIT), url],
        }[browser]
        super().__init__(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lines(self):
        response = self.httpd.get(f"/publish/{self.report}?limit=1000")
        return [each["data"] for each in json.loads(response.body)["messages"]]

    def __exit__(self, *_):
        super().__exit__()
        self.home.cleanup()
