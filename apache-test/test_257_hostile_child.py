"""A child that has been taken over: it writes what it likes into the channels' shared memory, and
dies. httpd's parent, which is root on most machines, does not mind, and the other children serve."""
import os
import time

import pytest

from harness.children import spread
from harness.raw import TEXT, frame
from test_250_channels import wait_until

# Three children, and others for those that are killed.
CHILDREN = {
    "event": "StartServers 3\nServerLimit 4\nMinSpareThreads 75\nMaxSpareThreads 100\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 100",
    "prefork": "StartServers 4\nMinSpareServers 4\nMaxSpareServers 20\nServerLimit 20\n"
               "MaxRequestWorkers 20",
}
CHILDREN["worker"] = CHILDREN["event"]
MEMORY = 3 << 20  # a size that no other shared memory has
WORD = {"ones": "ffffffffffffffff", "zeros": "0", "small": "3", "large": "7fffffffffff"}


def command(ws, text):
    ws.send(frame(TEXT, text))
    return ws.read_text()


class TestHostileChild:
    @pytest.fixture
    def several(self, make_httpd, mpm):
        def start():
            httpd = make_httpd("WebSocketChannelMemory 3M\nWebSocketDrainTimeout 1s",
                               mpm_config=CHILDREN)
            # What it has written may look like anything, and its death is told.
            httpd.allow_log(r"exit signal Killed|CWS003[56]|CWS0046")
            return httpd
        return start

    def parent_lives_on(self, httpd, parent, others):
        """Long enough for httpd to have looked at its children; and those who were not killed serve."""
        for ws in others:
            assert ws.ask_text("still here") == "still here"
        assert httpd.process.poll() is None and httpd.process.pid == parent
        with httpd.open("/echo") as ws:
            assert ws.ask_text("a new one") == "a new one"

    def attack(self, httpd, *commands):
        parent = httpd.process.pid
        wait_until(lambda: len(httpd.children()) > 2, "too few children")
        before = set(httpd.children())
        ws = httpd.open(f"/hostile?{MEMORY}")
        others = spread(httpd, 2 * len(before), lambda: httpd.open("/echo"))
        for each in commands:
            assert command(ws, each) == "done"
        ws.send(frame(TEXT, "die"))
        wait_until(lambda: before - set(httpd.children()), "nobody has died")
        alive = []
        for other in others:
            try:
                if other.ask_text("?") == "?":
                    alive.append(other)
            except (AssertionError, OSError, EOFError):
                pass
        time.sleep(1.5)  # httpd looks after its children once a second
        self.parent_lives_on(httpd, parent, alive)
        assert alive, "all connections were in the child that was killed"

    # The first words are said to be what locks are made of: with them, and without.
    @pytest.mark.parametrize("first", [0, 5])
    @pytest.mark.parametrize("word", WORD)
    def test_cws_296_a_word_everywhere(self, several, first, word):
        httpd = several()
        self.attack(httpd, f"fill {first} {WORD[word]}")

    def test_cws_297_anything_anywhere_and_restarts(self, several):
        httpd = several()
        # How many places httpd has stands there, too: a child may make others drain sooner, and no more.
        httpd.allow_log("CWS0050")
        for seed in range(4):
            self.attack(httpd, f"random {seed}")
        old = set(httpd.children())
        httpd.graceful()
        wait_until(lambda: not old & set(httpd.children()), "old children are still there")
        self.attack(httpd, "random 9", "fill 5 ffffffffffffffff")
        httpd.graceful()
