"""Strangers who mean harm, and what whoever means none sees of it: an echo beside them on the same
reactor goes on, pages are served, memory stays bounded, the child lives. --long: ten seconds of each, and
the bounds that docs/security.md promises."""
import threading
import time

import pytest

from harness.attacks import ATTACKS
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


def attacked(httpd, attack, seconds):
    """What the bystander saw meanwhile."""
    raised = []

    def run():
        try:
            attack(httpd, seconds + 0.5)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.25)
    took = Bystander(httpd.port, seconds).took()
    thread.join()
    assert not raised, raised
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
