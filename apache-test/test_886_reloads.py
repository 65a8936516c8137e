"""Old children that drain leave room for new ones. In full it is reloads.py."""
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from reloads import LIMIT, run
from test_885_drain import QUIET, open_all, read_closes

DIRECTIVE = {"event": "ServerLimit", "worker": "ServerLimit", "prefork": "MaxRequestWorkers"}
# A child that has served five connections goes, and there is no place for many.
FEW_PLACES = {
    "event": "StartServers 1\nServerLimit 4\nMinSpareThreads 5\nMaxSpareThreads 100\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 100\nMaxConnectionsPerChild 5",
    "prefork": "StartServers 2\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 8\n"
               "MaxConnectionsPerChild 5",
}
FEW_PLACES["worker"] = FEW_PLACES["event"]
LAST_PLACE = "AH00288|AH03490|AH10159"  # httpd's own word for it, meanwhile


def seconds_to_answer_anew(httpd, mark, begin):
    httpd.error_log.wait_for("AH00(489|163|292)", mark)  # "resuming": the former have no listeners
    assert httpd.get("/index.html").status == 200
    return time.monotonic() - begin


class TestRestartsInARow:
    @pytest.mark.parametrize("drain", ["1h keep", "1min close"])
    def test_cws_891_httpd_answers_after_each(self, mpm, handlers, drain):
        problems, guests, said, happened = run(mpm, handlers, reloads=10, drain=drain)
        assert problems == [], happened
        assert said and all(DIRECTIVE[mpm] in line for line in said), happened
        if "keep" in drain:  # the oldest go, and nobody sooner than need be
            assert guests.sent_away
            assert all(went - came >= 3 for came, went in guests.sent_away), guests.sent_away
            left = {came for _, came in guests.held.values()}
            assert left >= {8, 9}, left

    def test_cws_891_former_children_that_cannot_end_are_not_waited_for(self, mpm, handlers):
        # A worker of theirs waits for the rest of a request.
        problems, _, _, happened = run(mpm, handlers, reloads=8, drain="1h keep", stuck=3)
        assert problems == [], happened


class TestTheLastPlace:
    """Nothing can serve before the only child has gone."""

    def test_cws_891_is_given_up_at_once(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep", one_child=True)
        httpd.allow_log("CWS0050|" + LAST_PLACE)
        sockets = open_all(httpd, 20, ["/echo"])
        mark = httpd.error_log.mark()
        begin = time.monotonic()
        httpd.process.send_signal(signal.SIGUSR1)
        with ThreadPoolExecutor() as beside:
            answered = beside.submit(seconds_to_answer_anew, httpd, mark, begin)
            times = read_closes(sockets, begin, 10)
        assert len(times) == 20
        assert times[-1] - times[0] > 0.4, f"not spread: {times}"
        assert answered.result() < LIMIT

    def test_cws_891_sigterm_meanwhile(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep", one_child=True)
        httpd.allow_log("CWS0050|" + LAST_PLACE)
        sockets = open_all(httpd, 20)
        mark = httpd.error_log.mark()
        httpd.process.send_signal(signal.SIGUSR1)
        httpd.error_log.wait_for("CWS0050", mark)
        begin = time.monotonic()
        httpd.process.send_signal(signal.SIGTERM)
        assert len(read_closes(sockets, begin, 3)) == 20
        assert httpd.process.wait(15) == 0
        assert time.monotonic() - begin < 8


class TestMaxConnectionsPerChild:
    def test_cws_891_children_that_have_served_enough_make_room(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep", mpm_config=FEW_PLACES)
        # worker starts new children at once, faster than those make room that such a crowd ends.
        httpd.allow_log("CWS0050|CWS0036|" + LAST_PLACE)
        sockets = [httpd.open() for _ in range(40)]
        assert [ws.read_close()[0] for ws in sockets[:20]] == [1001] * 20
        assert httpd.error_log.find("CWS0050")
