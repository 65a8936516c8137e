"""Who is present and who leads, in all children: the chat, the ticker, and children that die."""
import json
import os
import shutil
import signal
import time

import pytest

from harness import build
from harness.children import others_stopped, spread
from harness.configuration import THREE
from harness.raw import CLOSE, TEXT, close_frame

from test_900_clients import run_node


class Guest:
    """A connection in a chat room, and what it has seen."""

    def __init__(self, httpd, name, room="lobby", position=""):
        self.name, self.ws = name, httpd.open("/chat")
        self.ws.text(f"{room}\n{name}\n{position}")
        self.events, self.alive = [], True
        self.recovered = self.wait(lambda e: e["type"] == "subscribed")["recovered"]

    def read(self, timeout):
        self.ws.socket.settimeout(timeout)
        try:
            got = self.ws.read_frame()
        except TimeoutError:
            return False
        except (OSError, EOFError, AssertionError):
            self.alive = False
            return False
        finally:
            self.ws.socket.settimeout(10)
        if got.opcode == CLOSE:
            self.alive = False
            return False
        if got.opcode == TEXT:
            self.events.append(json.loads(got.payload))
        return True

    def wait(self, wanted, timeout=10.0):
        deadline = time.monotonic() + timeout
        seen = 0
        while True:
            for event in self.events[seen:]:
                if wanted(event):
                    return event
            seen = len(self.events)
            left = deadline - time.monotonic()
            assert left > 0 and self.alive, f"{self.name} has only seen {self.events[-20:]}"
            self.read(min(left, 0.2))

    @property
    def members(self):
        """Of the room, as this guest's page would show it: {id: name}."""
        members = {}
        for event in self.events:
            if event["type"] == "subscribed":
                members = {each["id"]: each["info"] for each in event["members"]}
            elif event["type"] == "joined":
                members[event["member"]["id"]] = event["member"]["info"]
            elif event["type"] == "left":
                members.pop(event["member"]["id"], None)
        return members

    def expect_members(self, names, timeout=10.0):
        deadline = time.monotonic() + timeout
        while sorted(self.members.values()) != sorted(names):
            assert self.alive and time.monotonic() < deadline, (self.name, self.members, names)
            self.read(0.2)

    def left(self):
        return [e["member"]["info"] for e in self.events if e["type"] == "left"]

    def leave(self):
        self.ws.send(close_frame(1000))  # what others do may come before the answer
        while self.alive:
            self.read(5)
        self.ws.expect_eof()

    def said(self):
        return [e["data"].split("\n", 2)[::2] for e in self.events if e["type"] == "message"]


def origins(members):
    return {member.split("-")[0] for member in members}


def fill(httpd, room="lobby", most=30):
    """Guests until two children serve some, and all of them see each other."""
    guests = []
    while True:
        with others_stopped(httpd, len(guests)):
            guests.append(Guest(httpd, f"guest {len(guests)}", room))
        names = [guest.name for guest in guests]
        if len(guests) < (4 if httpd.mpm == "prefork" else 8):
            continue
        for guest in guests:
            guest.expect_members(names)
        if len(origins(guests[0].members)) > 1:
            return guests
        assert len(guests) < most, "one child has them all"


class TestPresence:
    OPTIONS = {"mpm_config": THREE}

    def test_cws_255_all_see_all(self, httpd):
        guests = fill(httpd)
        guests[0].ws.text("もももすももももものうち\n二行目")
        for guest in guests:
            said = guest.wait(lambda e: e["type"] == "message")["data"]
            name, seconds, text = said.split("\n", 2)
            assert (name, text) == ("guest 0", "もももすももももものうち\n二行目")
            assert abs(int(seconds) - time.time()) < 60
        guests[1].leave()
        gone = [guest.name for guest in guests if guest is not guests[1]]
        for guest in guests[:1] + guests[2:]:
            guest.expect_members(gone)
            assert guest.left() == ["guest 1"]
        for guest in guests[:1] + guests[2:]:
            guest.leave()

    def test_cws_256_rooms_are_apart_and_remember(self, httpd):
        ann, bob = Guest(httpd, "Ann", "茶室"), Guest(httpd, "Bob", "elsewhere")
        for text in "one", "two", "three":
            ann.ws.text(text)
        position = ann.wait(lambda e: e.get("data", "").endswith("\ntwo"))["position"]
        ann.wait(lambda e: e.get("data", "").endswith("\nthree"))
        ann.leave()
        back = Guest(httpd, "Ann", "茶室", position)
        assert back.recovered
        new = Guest(httpd, "Eve", "茶室")
        new.wait(lambda e: e.get("data", "").endswith("\nthree"))
        assert [text for _, text in new.said()] == ["one", "two", "three"]
        back.expect_members(["Ann", "Eve"])
        assert [text for _, text in back.said()] == ["three"]
        bob.expect_members(["Bob"])
        assert bob.said() == []
        lost = Guest(httpd, "Old", "茶室", "1-1")
        assert not lost.recovered
        for guest in back, new, bob, lost:
            guest.leave()

    @pytest.mark.parametrize("hello", ["", "room", "room\n", "\nname", "r" * 81 + "\nname"])
    def test_cws_257_who_says_no_room_or_name_is_refused(self, httpd, hello):
        with httpd.open("/chat") as ws:
            ws.text(hello)
            assert ws.read_close()[0] == 1008
            ws.send(close_frame(1008))
            ws.expect_eof()


class TestDeath:
    def test_cws_258_who_dies_leaves_once(self, make_httpd):
        httpd = make_httpd(mpm_config=THREE)
        httpd.allow_log("exit signal Killed")
        guests = fill(httpd, "doomed")
        before = httpd.children()
        for child in before:  # until one with guests was hit: only some need to have any
            os.kill(child, signal.SIGKILL)
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline and all(guest.alive for guest in guests):
                for guest in guests:
                    guest.read(0.01)
            for guest in guests:
                while guest.read(0.02):
                    pass
            if not all(guest.alive for guest in guests):
                break
        dead = sorted(guest.name for guest in guests if not guest.alive)
        living = [guest for guest in guests if guest.alive]
        assert dead and living
        for guest in living:
            guest.expect_members([each.name for each in living])
        new = Guest(httpd, "new", "doomed")
        for guest in living:
            guest.wait(lambda e: e["type"] == "joined" and e["member"]["info"] == "new")
            assert sorted(guest.left()) == dead
        new.expect_members([each.name for each in living] + ["new"])
        for guest in living + [new]:
            guest.leave()

    def test_cws_259_a_graceful_restart_empties_the_room_and_keeps_the_talk(self, make_httpd):
        httpd = make_httpd(mpm_config=THREE)
        guests = fill(httpd, "restarted")
        guests[0].ws.text("before")
        position = guests[0].wait(lambda e: e["type"] == "message")["position"]
        httpd.graceful()
        deadline = time.monotonic() + 10
        for guest in guests:
            while guest.alive and time.monotonic() < deadline:
                guest.read(0.5)
            assert not guest.alive
            guest.ws.send(close_frame(1001))
        back = Guest(httpd, "back", "restarted", position)
        assert back.recovered
        back.expect_members(["back"])
        back.ws.text("after")
        back.wait(lambda e: e["type"] == "message")
        assert back.said() == [["back", "after"]]
        back.leave()


class TestTicker:
    def test_cws_260_one_ticks_for_all_and_is_replaced(self, make_httpd):
        httpd = make_httpd(mpm_config=THREE)
        httpd.allow_log("exit signal Killed")
        clients = spread(httpd, 12, lambda: httpd.open("/ticker"))
        ticks = {ws: [] for ws in clients}

        def watch(seconds):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and ticks:
                for ws in list(ticks):
                    ws.socket.settimeout(0.02)
                    try:
                        text = ws.read_text()
                        ticks[ws].append(tuple(int(n) for n in text.split(" by ")))
                    except TimeoutError:
                        pass
                    except (OSError, EOFError, AssertionError):
                        del ticks[ws]  # its child is dead

        watch(4)
        leaders = {pid for seen in ticks.values() for _, pid in seen}
        assert len(leaders) == 1 and all(len(seen) >= 2 for seen in ticks.values()), ticks
        leader = leaders.pop()
        os.kill(leader, signal.SIGKILL)
        watch(7)
        assert ticks, "one child had them all"
        for seen in ticks.values():
            seconds = [second for second, _ in seen]
            assert sorted(set(seconds)) == seconds, seconds
            assert max(b - a for a, b in zip(seconds, seconds[1:])) <= 5, seconds
            assert len({pid for _, pid in seen}) == 2 and seen[-1][1] != leader, seen
        for ws in ticks:
            ws.drop()  # the next tick may come at any time


class TestPages:
    def test_cws_261_the_chat_in_chromium(self, make_httpd):
        httpd = make_httpd(mpm_config=THREE)
        httpd.allow_log("CWS0050")  # prefork has few places here for those that drain
        build.install_pages(httpd.root / "htdocs/pages")
        seen = run_node("chat.mjs", shutil.which("chromium"),
                        f"http://127.0.0.1:{httpd.port}/pages/", str(httpd.process.pid),
                        os.environ.get("CPPWEBSOCKET_SCREENSHOTS", ""))
        assert seen["errors"] == []
        assert all(url.startswith(f"http://127.0.0.1:{httpd.port}/") for url in seen["requests"])
        httpd.access_log.wait_for('"GET /ticker HTTP/1.1" 101 ')
