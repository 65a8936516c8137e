"""Clients that keep their place, by client/, in what runs JavaScript."""
import json
import os
import shutil

from . import build
from .event_clients import Page, Telling

CLIENT = build.SOURCE / "client"
# So that a dead link is noticed within 2.5 seconds, and a handshake that nobody answers within 3.
OPTIONS = {"heartbeat": 1, "timeout": 3, "backoff": {"base": 0.2, "most": 1}}


def install_client(httpd):
    shutil.copytree(CLIENT / "source", httpd.root / "htdocs/client", dirs_exist_ok=True)


class Keeper:
    """What both kinds have."""

    def open(self, count=1):
        """Until it has been connected so often."""
        self.wait("state open", count, timeout=90)

    def opened(self):
        return sum(line.startswith("state open") for line in self.lines())

    def signal(self, number):
        os.killpg(self.process.pid, number)


class Program(Keeper, Telling):
    """place_keeper.mjs in a runtime, with its own WebSocket, that of the package ws, or none."""

    def __init__(self, command, url, sockets="own", module=CLIENT / "source/connect.js", **options):
        script = build.TESTS / "clients/place_keeper.mjs"
        super().__init__([*command, str(script), str(module), url, json.dumps({**OPTIONS, **options}), sockets])


class Browser(Keeper, Page):
    """place_keeper.html in a browser without a driver: it tells by publishing."""

    page = "place_keeper.html"

    def __init__(self, browser, httpd, channel, url, **options):
        install_client(httpd)
        self.query = {"url": url, "options": json.dumps({**OPTIONS, **options})}
        self.told, self.position = [], ""
        super().__init__(browser, httpd, channel)

    def lines(self):
        """It tells more than one answer holds."""
        while True:
            answer = self.httpd.get(f"/publish/{self.report}?limit=1000&after={self.position}")
            messages = json.loads(answer.body)["messages"]
            if not messages:
                return list(self.told)
            self.told += [each["data"] for each in messages]
            self.position = messages[-1]["position"]
