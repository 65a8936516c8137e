"""Strangers who mean harm, and what whoever means none sees of it: an echo beside them on the same
reactor goes on, pages are served, memory stays bounded, the child lives. --long: ten seconds of each, and
the bounds that docs/security.md promises."""
import os
import threading
import time
import traceback

import pytest

from harness.attacks import ATTACKS, bombs_below_the_limit, handshakes_and_resets, pings, tiny_messages
from harness.bystander import Bystander, p99

CONFIG = """
WebSocketThreads 1
WebSocketCompression On
WebSocketMaxConnections 300
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 1000
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 1000
</Location>
"""
MIB = 1 << 20
# For one address; and how fast it may send.
LIMITS = """
WebSocketThreads 1
WebSocketCompression On
WebSocketLimit address connections=20 handshakes=12/1min
WebSocketMessageRate messages=500/s bytes=512K/s
"""


def attacked(httpd, attack, seconds):
    """What the bystander saw meanwhile. Who attacks has another machine, so here it takes only what is left."""
    pid = os.fork()
    if pid == 0:
        try:
            os.nice(19)
            attack(httpd, seconds + 0.5)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    time.sleep(0.25)
    took = Bystander(httpd.port, seconds).took()
    assert os.waitpid(pid, 0)[1] == 0
    return took


class TestHostile:
    CONFIG = CONFIG
    OPTIONS = {"one_child": True}

    @pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
    def test_cws_270_others_go_on(self, httpd, attack, mpm, long):
        if mpm != "event" and (mpm == "prefork" or not long):
            pytest.skip("the reactors are the same; and prefork's one child has no place for a page")
        httpd.allow_log("CWS00(14|35)")  # no room for a connection; a reader was overtaken
        child, = httpd.children()
        quiet = Bystander(httpd.port, 5).took() if long else {"echo": [0.15]}
        before = httpd.memory(child, "RssAnon")
        took = attacked(httpd, attack, 10 if long else 1)
        grown = httpd.memory(child, "RssAnon") - before
        bound = max(3 * p99(quiet["echo"]), 0.020)
        print(f"{attack.__name__}: p99 of an echo {1000 * p99(took['echo']):.1f} ms (at most "
              f"{1000 * bound:.1f}), of a page {1000 * p99(took['page']):.1f} ms, {grown / MIB:.1f} MiB more")
        assert httpd.children() == [child]
        assert p99(took["echo"]) < bound
        assert p99(took["page"]) < 2
        assert grown < 40 * MIB


class From:
    """An httpd as somebody at another address reaches it."""

    def __init__(self, httpd, source):
        self.httpd = httpd
        self.source = source

    def connect(self, **options):
        return self.httpd.connect(source=self.source, **options)

    def open(self, path="/echo", *, receive_buffer=None, **options):
        connection = self.connect(receive_buffer=receive_buffer)
        try:
            return connection.upgrade(path, host=f"127.0.0.1:{self.httpd.port}", **options)
        except AssertionError as error:
            assert "status=429" in str(error)
            raise ConnectionRefusedError from None


def everything_at_once(httpd, seconds):
    floods = [pings, tiny_messages, bombs_below_the_limit, handshakes_and_resets]
    threads = [threading.Thread(target=flood, args=(From(httpd, "127.0.0.2"), seconds)) for flood in floods]
    for thread in threads[:-1]:
        thread.start()
    time.sleep(0.5)  # the last takes all the handshakes that there are
    threads[-1].start()
    for thread in threads:
        thread.join()


class TestFlood:
    """What limits are for: one address does all of it at once."""
    CONFIG = LIMITS
    OPTIONS = {"one_child": True}

    def test_cws_271_one_address_floods_and_others_go_on(self, httpd, mpm, long):
        if mpm == "prefork":
            pytest.skip("its one child has no place for a page")
        httpd.allow_log("CWS0086")
        quiet, beside, pages = [], [], []
        for _ in range(5 if long else 1):  # by turns: a machine has its moments
            quiet += Bystander(httpd.port, 5 if long else 1).took()["echo"]
            took = attacked(httpd, everything_at_once, 8 if long else 3)
            beside += took["echo"]
            pages += took["page"]
        bound = max(3 * p99(quiet), 0.001 if long else 0.5)
        print(f"p99 of an echo {1000 * p99(beside):.2f} ms, quiet {1000 * p99(quiet):.2f}, ratio "
              f"{p99(beside) / p99(quiet):.2f}; of a page {1000 * p99(pages):.1f} ms")
        assert p99(beside) < bound
        assert p99(pages) < 2
        assert httpd.error_log.wait_for("CWS0086: .*more handshakes in a time", 0, 5), "who floods was refused"
