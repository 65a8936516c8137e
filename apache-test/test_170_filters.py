"""Connections with a filter that we do not know: mod_rot changes bytes, and keeps some back."""
import os
import signal
import time

import pytest

from conftest import stop
from harness.raw import (BINARY, CLOSE, PING, PONG, TEXT, Frame, close_frame, frame,
                         upgrade_request)
from harness.stopping import STOPS, expect_goodbyes, restart_while_messages_flow
from harness.rot import RotHttpd


@pytest.fixture
def make_rot(mpm, handlers, running):
    made = []

    def make(config="", **options):
        server = RotHttpd(mpm, handlers, config, **options)
        running.append(server)
        made.append(server)
        return server.start()

    yield make
    for server in made:
        stop(server, running)


@pytest.fixture(scope="class")
def rot(request, mpm, handlers, running):
    server = RotHttpd(mpm, handlers, request.cls.CONFIG)
    running.append(server)
    server.start()
    yield server
    stop(server, running)


class TestTalk:
    CONFIG = "WebSocketFilterConnections 20\nWebSocketCompression On\nWebSocketMaxMessageSize 8M"

    def test_cws_170_ordinary_requests_pass_the_filter(self, rot):
        with rot.rot() as connection:
            answer = connection.ask(b"GET /index.html HTTP/1.1\r\nHost: x\r\n"
                                    b"Connection: close\r\n\r\n")
            assert answer.status == 200 and b"It works" in answer.body

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 8192, 70_000, 3 << 20])
    def test_cws_171_echo(self, rot, path, size):
        with rot.rot_open(path) as ws:
            payload = os.urandom(size)
            ws.send(frame(BINARY, payload))
            assert ws.read_message() == Frame(BINARY, payload)
            ws.close(4321, "bye")

    def test_cws_172_frames_right_behind_the_handshake(self, rot):
        frames = b"".join(frame(TEXT, f"{i} " + "x" * (i % 300)) for i in range(500))
        with rot.rot_open(behind=frames + frame(PING, "end")[:3]) as ws:
            for i in range(500):
                assert ws.read_text() == f"{i} " + "x" * (i % 300)
            ws.send(frame(PING, "end")[3:])
            ws.expect(Frame(PONG, b"end"))
            ws.close()

    def test_cws_173_byte_by_byte(self, rot):
        with rot.rot_open() as ws:
            ws.send(frame(TEXT, "one at a time") + frame(PING, "p"), chop=1, pause=0.001)
            ws.expect(Frame(TEXT, b"one at a time"), Frame(PONG, b"p"))
            ws.close()

    def test_cws_174_the_server_speaks_first_and_pings(self, rot):
        with rot.rot_open("/probe?limit_ping=200") as ws:
            for _ in range(3):
                ws.expect(Frame(PING, b""))
                ws.send(frame(PONG, b""))
            ws.text("spawn 20")
            for _ in range(5):
                ws.read_text()

    def test_cws_175_a_silent_peer_is_lost(self, rot):
        mark = rot.error_log.mark()
        with rot.rot_open("/probe?limit_ping=200") as ws:
            rot.error_log.wait_for(r"probe: lost 1006", mark)
            ws.expect(Frame(PING, b""))
            ws.expect_eof()

    @pytest.mark.parametrize("command, code", [("close 4001 bye", 4001), ("return", 1000),
                                               ("raise int", 1011)])
    def test_cws_176_the_server_closes(self, rot, command, code):
        if code == 1011:
            rot.allow_log("something that is no std::exception|raised")
        with rot.rot_open("/probe") as ws:
            ws.text(command)
            assert ws.read_close()[0] == code
            ws.send(close_frame(code))
            ws.expect_eof()

    def test_cws_177_protocol_error(self, rot):
        with rot.rot_open() as ws:
            ws.send(frame(TEXT, "not masked", key=None))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("how", ["drop", "reset"])
    def test_cws_178_the_handler_is_told_when_the_client_vanishes(self, rot, how):
        mark = rot.error_log.mark()
        ws = rot.rot_open("/probe")
        ws.ask_text("handshake")
        getattr(ws, how)()
        rot.error_log.wait_for("probe: lost 1006", mark)

    def test_cws_179_slow_reader(self, rot):
        # 4 MB to a client that takes nothing for a while: the handler waits, and nothing is lost.
        mark = rot.error_log.mark()
        with rot.rot_open("/probe", receive_buffer=4096) as ws:
            ws.text("flood 4000 1000")
            time.sleep(1.5)
            assert not rot.error_log.find("probe: flood done", mark)
            with rot.rot_open() as other:
                assert other.ask_text("meanwhile") == "meanwhile"
            for _ in range(4000):
                assert ws.read_message().payload == b"*" * 1000
            rot.error_log.wait_for("probe: flood done", mark)
            ws.close()

    def test_cws_180_handler_that_takes_nothing(self, rot):
        # What the client sends must wait outside, and a Close behind it, too.
        with rot.rot_open("/probe") as ws:
            ws.text("sleep 1000")
            payload = "try" + " " * 1000
            for _ in range(200):
                ws.send(frame(TEXT, payload))
            assert ws.read_text() == "slept"
            ws.text("return")
            while (got := ws.read_frame()).opcode != CLOSE:
                assert got.payload in (b"nothing there",) or got.payload.startswith(b"had: try")

    def test_cws_181_idle_longer_than_timeout(self, make_rot):
        rot = make_rot("Timeout 1\nKeepAliveTimeout 1\n"
                       "RequestReadTimeout handshake=1 header=1-2,minrate=5000 "
                       "body=1-2,minrate=5000")
        with rot.rot_open() as ws:
            ws.expect_silence(3.5)
            assert ws.ask_text("still here") == "still here"
            ws.close()

    def test_cws_182_access_log(self, rot):
        mark = rot.access_log.mark()
        with rot.rot_open("/echo?logged") as ws:
            rot.access_log.wait_for(r'"GET /echo\?logged HTTP/1.1" 101 ', mark)  # the handshake's
            ws.close()
        rot.get("/index.html")
        rot.access_log.wait_for('"GET /index.html ', mark)
        assert len(rot.access_log.find(r'"GET /echo\?logged HTTP/1.1" 101 ', mark)) == 1

    def test_cws_182_its_price_is_told_once(self, rot):
        for _ in range(5):
            rot.rot_open().close()
        assert len(rot.error_log.find("warn.*CWS0062: the filter rot_in of mod_rot.*so")) == 1


class TestCap:
    def test_cws_183_one_more_gets_503(self, make_rot, mpm):
        if mpm == "prefork":
            pytest.skip("a child of prefork has one connection at a time")
        rot = make_rot("WebSocketFilterConnections 2", one_child=True)
        rot.allow_log("CWS0014.*WebSocketFilterConnections is reached")
        with rot.rot_open() as first, rot.rot_open():
            with rot.rot() as third:
                answer = third.ask(upgrade_request())
                assert answer.status == 503 and answer.get("retry-after") == "5"
            rot.open().close()  # others do not need a place
            first.close()
            deadline = time.monotonic() + 5
            while True:  # the place is free when the request is done
                try:
                    rot.rot_open().close()
                    break
                except AssertionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)

    def test_cws_184_auto_leaves_threads_for_requests(self, make_rot, mpm):
        if mpm == "prefork":
            pytest.skip("a child of prefork has one connection at a time")
        rot = make_rot(one_child=True)  # of 25 threads
        rot.allow_log("CWS0014")
        opened = [rot.rot_open() for _ in range(6)]
        with pytest.raises(AssertionError, match="503"):
            rot.rot_open()
        for _ in range(20):
            assert rot.get("/index.html").status == 200
        for ws in opened:
            ws.close()


class TestStop:
    @pytest.mark.parametrize("name", STOPS)
    def test_cws_185_is_told_of_a_stop(self, make_rot, mpm, name):
        rot = make_rot()
        sockets = [rot.rot_open(path) for path in ("/echo", "/echo_blocking", "/heartbeat?5000")]
        sockets.append(rot.open())
        time.sleep(0.1)  # see Httpd.stop
        expect_goodbyes(rot, sockets, name)

    def test_cws_186_restart_while_messages_flow(self, make_rot):
        rot = make_rot()
        for _ in range(2):
            with rot.rot_open() as ws:
                restart_while_messages_flow(rot, ws)
            assert rot.wait_ready()

    def test_cws_187_a_client_that_does_not_answer_does_not_hold_it_up(self, make_rot):
        rot = make_rot()
        with rot.rot_open() as ws:
            ws.ask_text("here")
            begin = time.monotonic()
            rot.process.send_signal(signal.SIGTERM)
            assert rot.process.wait(15) == 0
            assert time.monotonic() - begin < 8
            assert ws.read_close()[0] == 1001
