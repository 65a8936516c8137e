"""Graceful ends of httpd's children: every client is told, in its time, whatever the way out."""
import os
import select
import signal
import time

import pytest

from harness.raw import close_frame

PATHS = ["/echo", "/echo_blocking", "/heartbeat?60000"]
QUIET = "WebSocketPingInterval Off\n"

# Children that come when there is work and go when there is none.
SPARE = {
    "event": "StartServers 1\nServerLimit 4\nMinSpareThreads 5\nMaxSpareThreads 30\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 100",
    "prefork": "StartServers 2\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 40",
}
SPARE["worker"] = SPARE["event"]
# A child that has served five connections goes.
FEW = {
    "event": "StartServers 1\nServerLimit 24\nMinSpareThreads 5\nMaxSpareThreads 100\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 600\nMaxConnectionsPerChild 5",
    "prefork": "StartServers 2\nMinSpareServers 1\nMaxSpareServers 3\nMaxRequestWorkers 40\n"
               "MaxConnectionsPerChild 5",
}
FEW["worker"] = FEW["event"]


def wait_until(condition, what, timeout=15):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def open_all(httpd, count, paths=PATHS):
    sockets = [httpd.open(paths[i % len(paths)]) for i in range(count)]
    time.sleep(0.1)  # see Httpd.stop
    return sockets


def read_closes(sockets, begin, limit, codes=(1001,)):
    """Answers each connection's Close as it comes. Returns when they came, in seconds from
    `begin`; whoever got none by `limit` is missing."""
    left = {ws.socket: ws for ws in sockets}
    times = []
    while left and (rest := begin + limit - time.monotonic()) > 0:
        for ready in select.select(list(left), [], [], rest)[0]:
            ws = left.pop(ready)
            code = ws.read_close()[0]
            assert code in codes, code
            times.append(time.monotonic() - begin)
            ws.send(close_frame(code))
            ws.expect_eof(10)
            ws.drop()
    return sorted(times)


def echo(sockets):
    for ws in sockets[:2]:  # the others do not echo
        assert ws.ask_text("still here?") == "still here?"


def busy(httpd):
    """A connection that holds a worker: it waits for the rest of a request."""
    held = httpd.connect()
    held.send(b"GET /index.html HTTP/1.1\r\n")
    return held


class TestClose:
    """WebSocketDrainTimeout TIME close."""

    @pytest.mark.parametrize("name", ["SIGUSR1", "SIGWINCH"])
    def test_cws_888_closes_are_spread_over_the_time(self, make_httpd, name):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 2s")
        sockets = open_all(httpd, 30)
        before = set(httpd.children())
        begin = time.monotonic()
        httpd.process.send_signal(getattr(signal, name))
        times = read_closes(sockets, begin, 15)
        assert len(times) == 30
        assert times[-1] - times[0] > 1, f"not spread: {times}"
        if name == "SIGUSR1":
            wait_until(lambda: not before & set(httpd.children()), "an old child did not exit")
            with httpd.open() as ws:
                assert ws.ask_text("new generation") == "new generation"
                ws.close()
        else:
            assert httpd.process.wait(15) == 0

    def test_cws_888_whoever_comes_back_at_once_may_stay(self, make_httpd):
        """He is served by a new child: nobody is refused, and nobody is told twice."""
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1s")
        left = {ws.socket: ws for ws in open_all(httpd, 20, ["/echo"])}
        httpd.process.send_signal(signal.SIGUSR1)
        back = []
        while left:
            for ready in select.select(list(left), [], [], 10)[0]:
                with left.pop(ready) as ws:
                    assert ws.read_close()[0] == 1001
                back.append(httpd.open())
                assert back[-1].ask_text("back") == "back"
        time.sleep(0.5)
        for ws in back:
            assert ws.ask_text("still there") == "still there"
            ws.close()

    def test_cws_888_the_code_can_be_chosen(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 500ms 1012")
        sockets = open_all(httpd, 6)
        httpd.process.send_signal(signal.SIGUSR1)
        assert len(read_closes(sockets, time.monotonic(), 15, codes=(1012,))) == 6
        with httpd.open() as ws:  # of a stop at once there is nothing to come back to
            httpd.process.send_signal(signal.SIGTERM)
            assert ws.read_close()[0] == 1001

    def test_cws_888_term_does_not_wait(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h")
        sockets = open_all(httpd, 12)
        begin = time.monotonic()
        httpd.process.send_signal(signal.SIGTERM)
        assert len(read_closes(sockets, begin, 2)) == 12
        assert httpd.process.wait(15) == 0

    def test_cws_888_max_connections_per_child(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1s", mpm_config=FEW)
        httpd.allow_log("this child is stopping")
        first = set(httpd.children())
        sockets, refused = [], 0
        while len(sockets) < 24:
            try:
                sockets.append(httpd.open())
            except AssertionError as error:  # by a child that has no time left
                assert "status=503" in str(error)
                refused += 1
                assert refused < 20
        wait_until(lambda: not first & set(httpd.children()), "the first children did not exit")
        told = read_closes(sockets, time.monotonic(), 1)
        assert len(told) >= 4
        with httpd.open() as ws:
            assert ws.ask_text("a later child") == "a later child"

    def test_cws_888_spare_children(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1s", mpm_config=SPARE)
        httpd.allow_log("AH00159|AH00286|AH00288|AH00513")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:  # a spared child may be one that had got no WebSocket
            sockets = open_all(httpd, 8, ["/echo"])  # in the older children, and later in the new ones
            few, held = len(httpd.children()), []
            while len(httpd.children()) <= few:
                held.append(busy(httpd))
                assert len(held) < 40, "no further child came"
                time.sleep(0.1)
            time.sleep(1)
            sockets += open_all(httpd, 8, ["/echo"])
            many = set(httpd.children())
            for each in held:
                each.drop()
            wait_until(lambda: not many <= set(httpd.children()), "no child was spared", 30)
            if told := read_closes(sockets, time.monotonic(), 1):
                break
            for ws in sockets:
                ws.drop()
        assert told, "those of the spared child were not told"
        assert httpd.get("/index.html").status == 200

    def test_cws_888_clients_that_do_not_answer_are_cut_off(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 500ms\nWebSocketCloseTimeout 1h")
        sockets = open_all(httpd, 6, ["/echo", "/echo_blocking"])
        before = set(httpd.children())
        mark = httpd.error_log.mark()
        httpd.graceful()
        wait_until(lambda: not before & set(httpd.children()), "an old child did not exit")
        cut = httpd.error_log.find("CWS0028: .*connections cut off", mark)
        assert sum(int(line.rsplit(" ", 1)[1]) for line in cut) == 6, cut
        for ws in sockets:
            assert ws.read_close()[0] == 1001


class TestKeep:
    """WebSocketDrainTimeout TIME keep."""

    @pytest.mark.parametrize("name", ["SIGUSR1", "SIGWINCH"])
    def test_cws_889_serves_on_until_the_time_is_over(self, make_httpd, name):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 4s keep")
        sockets = open_all(httpd, 12)
        begin = time.monotonic()
        httpd.process.send_signal(getattr(signal, name))
        if name == "SIGUSR1":
            time.sleep(0.5)
            wait_until(lambda: httpd.wait_ready(1), "no new generation")
            with httpd.open() as ws:
                assert ws.ask_text("beside the old one") == "beside the old one"
                ws.close()
        while time.monotonic() < begin + 3:
            echo(sockets)
            time.sleep(0.1)
        times = read_closes(sockets, begin, 15)
        assert len(times) == 12
        assert times[0] > 3.4
        if name == "SIGWINCH":
            assert httpd.process.wait(15) == 0

    def test_cws_889_ends_with_the_last_connection(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep")
        sockets = open_all(httpd, 6)
        before = set(httpd.children())
        httpd.graceful()
        echo(sockets)
        for ws in sockets:
            ws.close()
        wait_until(lambda: not before & set(httpd.children()), "an old child did not exit")

    def test_cws_889_max_connections_per_child(self, make_httpd):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep", mpm_config=FEW)
        httpd.allow_log("AH00485|AH00288")
        sockets = [httpd.open() for _ in range(12)]
        time.sleep(1.5)
        for ws in sockets:
            assert ws.ask_text("kept") == "kept"
        for ws in sockets:
            ws.close()

    # Debian's "systemctl stop" is WINCH and soon TERM. (Of a TERM that comes in the instant in which
    # it hears of the first signal, httpd's parent knows nothing any more.)
    @pytest.mark.parametrize("names, pause", [(["SIGUSR1", "SIGTERM"], 1.0),
                                              (["SIGWINCH", "SIGTERM"], 1.0),
                                              (["SIGWINCH", "SIGTERM"], 0.3),
                                              (["SIGUSR1", "SIGUSR1", "SIGTERM"], 1.0)])
    def test_cws_889_term_in_the_middle(self, make_httpd, names, pause):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep")
        if pause < 1:  # on a busy machine SIGTERM may come before a child has heard of the WINCH
            httpd.allow_log("AH00045")
        sockets = open_all(httpd, 12)
        for name in names[:-1]:
            httpd.process.send_signal(getattr(signal, name))
            time.sleep(pause)
        echo(sockets)
        begin = time.monotonic()
        httpd.process.send_signal(signal.SIGTERM)
        assert len(read_closes(sockets, begin, 8)) == 12
        assert httpd.process.wait(15) == 0
        assert time.monotonic() - begin < 8

    def test_cws_889_term_for_one_child(self, make_httpd):
        # What the parent does at last, done to a child that drains.
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 1h keep")
        sockets = open_all(httpd, 6)
        before = httpd.children()
        httpd.graceful()
        echo(sockets)
        begin = time.monotonic()
        for child in before:
            try:
                os.kill(child, signal.SIGTERM)
            except ProcessLookupError:  # it had no connection
                pass
        assert len(read_closes(sockets, begin, 3)) == 6


class TestGoodbye:
    @pytest.mark.parametrize("name", ["SIGUSR1", "SIGTERM"])
    def test_cws_889_handlers_say_goodbye_and_end(self, make_httpd, name):
        httpd = make_httpd(QUIET + "WebSocketDrainTimeout 500ms\nWebSocketCloseTimeout 2s")
        sockets = open_all(httpd, 8, ["/goodbye", "/goodbye_blocking", "/goodbye?slow",
                                      "/goodbye_blocking?slow"])
        before = set(httpd.children())
        mark = httpd.error_log.mark()
        begin = time.monotonic()
        httpd.process.send_signal(getattr(signal, name))
        for ws in sockets:
            assert ws.read_text() == "goodbye"
        assert len(read_closes(sockets, begin, 10)) == 8
        wait_until(lambda: not before & set(httpd.children()), "an old child did not exit")
        for what in ("main function", "farewell"):  # all locals are gone before the child is
            assert len(httpd.error_log.find(f"goodbye: {what} gone", mark)) == 8
