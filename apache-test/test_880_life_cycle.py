"""httpd's children come and go: nobody loses a connection without a word."""
import os
import signal
import time

import pytest

from harness import installed
from harness.raw import TEXT, close_frame, frame

PATHS = ["/echo", "/echo_blocking", "/heartbeat?5000"]


def open_all(httpd, count=4):
    sockets = [httpd.open(path) for path in PATHS for _ in range(count)]
    time.sleep(0.1)  # see Httpd.stop
    return sockets


def expect_going_away(sockets, limit=3.0):
    begin = time.monotonic()
    for ws in sockets:
        assert ws.read_close()[0] == 1001
        ws.send(close_frame(1001))
    for ws in sockets:
        ws.expect_eof()
    assert time.monotonic() - begin < limit


class TestStop:
    @pytest.mark.parametrize("name", ["SIGTERM", "SIGWINCH"])
    def test_cws_880_stop_closes_with_1001(self, make_httpd, name):
        httpd = make_httpd("WebSocketPingInterval Off")
        sockets = open_all(httpd)
        httpd.process.send_signal(getattr(signal, name))
        expect_going_away(sockets)
        assert httpd.process.wait(15) == 0

    def test_cws_881_graceful_restart(self, make_httpd):
        httpd = make_httpd("WebSocketPingInterval Off")
        sockets = open_all(httpd)
        before = set(httpd.children())
        httpd.graceful()
        expect_going_away(sockets, 5)
        with httpd.open() as ws:
            assert ws.ask_text("new generation") == "new generation"
            ws.close()
        deadline = time.monotonic() + 10
        while before & set(httpd.children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not before & set(httpd.children()), "an old child did not exit"

    def test_cws_882_many_restarts(self, make_httpd):
        httpd = make_httpd()
        for i in range(4):
            with httpd.open() as ws:
                assert ws.ask_text(f"{i}") == f"{i}"
                httpd.graceful()
                assert ws.read_close()[0] == 1001

    def test_cws_883_clients_that_do_not_answer_do_not_hold_it_up(self, make_httpd):
        httpd = make_httpd("WebSocketPingInterval Off")
        sockets = open_all(httpd)
        begin = time.monotonic()
        httpd.process.send_signal(signal.SIGTERM)
        assert httpd.process.wait(15) == 0
        assert time.monotonic() - begin < 8
        for ws in sockets:
            assert ws.read_close()[0] == 1001

    def test_cws_884_work_in_progress_is_told_and_ends(self, make_httpd):
        httpd = make_httpd("WebSocketPingInterval Off")
        mark = httpd.error_log.mark()
        sockets = []
        for path, command in (("/probe", "spawn 10"), ("/probe_blocking", "spawn 10"),
                              ("/probe", "sleep 60000"), ("/probe_blocking", "sleep 60000"),
                              ("/probe", "flood 1000000 1000"),
                              ("/probe_blocking", "flood 1000000 1000")):
            ws = httpd.open(path, receive_buffer=4096)
            ws.text(command)
            sockets.append(ws)
        time.sleep(0.2)
        httpd.process.send_signal(signal.SIGTERM)
        assert httpd.process.wait(15) == 0
        assert len(httpd.error_log.find("probe: ticker gone", mark)) == 2
        for ws in sockets:
            ws.drop()

    def test_cws_885_child_that_has_served_enough(self, make_httpd, mpm):
        # MaxConnectionsPerChild makes a child leave while its sockets are open.
        from harness.configuration import MPM
        if mpm == "event" and installed.version() < (2, 4, 52):
            pytest.skip("httpd below 2.4.52 loses count of such children, and has none left")
        httpd = make_httpd("WebSocketPingInterval Off", mpm_config={
            name: lines.replace("MaxConnectionsPerChild 0", "MaxConnectionsPerChild 5")
            for name, lines in MPM.items()})
        httpd.allow_log("this child is stopping")
        sockets, refused = [], 0
        while len(sockets) < 40:
            try:
                sockets.append(httpd.open())
            except AssertionError as error:  # by a child that is about to go
                assert "status=503" in str(error)
                refused += 1
                assert refused < 20
        time.sleep(0.5)
        for ws in sockets:  # each is told, or still served
            ws.text("anyone")
            got = ws.read_frame()
            assert got.payload == b"anyone" or got.payload[:2] == b"\x03\xe9", got
            ws.close() if got.payload == b"anyone" else ws.send(close_frame(1001))
        assert httpd.get("/index.html").status == 200

    def test_cws_886_killed_child_takes_nobody_else_with_it(self, make_httpd):
        httpd = make_httpd("WebSocketPingInterval Off")
        httpd.allow_log("exit signal Killed")
        with httpd.open("/echo") as ws:
            assert ws.ask_text("alive") == "alive"
            for child in httpd.children():
                os.kill(child, signal.SIGKILL)
            ws.socket.settimeout(5)
            assert ws.socket.recv(100) == b""
        deadline = time.monotonic() + 10
        while True:
            try:
                with httpd.open() as ws:
                    assert ws.ask_text("reborn") == "reborn"
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def test_cws_887_configuration_is_read_anew(self, make_httpd):
        httpd = make_httpd("WebSocketMaxMessageSize 1K")
        with httpd.open() as ws:
            ws.send(frame(TEXT, length=4096))
            ws.expect_closed(1009)
        httpd.config = "WebSocketMaxMessageSize 8K"
        httpd.write_config()
        httpd.graceful()
        with httpd.open() as ws:
            assert len(ws.ask_text("x" * 4096)) == 4096
