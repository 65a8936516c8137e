"""The handler API through two probe handlers, which do as the client tells them."""
import json
import socket
import threading
import time

import pytest

from harness.conformance import pong
from harness.raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_body,
                         close_frame, frame)

BOTH = pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
COROUTINE = "/probe"

# What leaves web_socket_transfer_data, and the Close that follows (exceptions.hpp).
CLOSE_CODES = [("handshake", 1011), ("operation", 1011), ("unsupported", 1003), ("utf8", 1007),
               ("frame", 1002), ("timeout", 1011), ("std", 1011), ("int", 1011)]


class TestHandshakeExceptions:
    @BOTH
    @pytest.mark.parametrize("kind, status", [
        ("handshake", 418), ("operation", 403), ("unsupported", 403), ("utf8", 403),
        ("frame", 403), ("terminated", 403), ("std", 403), ("int", 403)])
    def test_cws_640_status_of_an_exception(self, httpd, path, kind, status):
        httpd.allow_log(f"{path[1:]}_wsh")
        answer = httpd.ask(f"{path}?raise={kind}")
        assert answer.status == status
        assert answer.get("sec-websocket-accept") is None

    @pytest.mark.parametrize("status, answered", [
        (400, 400), (401, 401), (404, 404), (451, 451), (500, 500), (503, 503), (599, 599),
        (200, 403), (101, 403), (302, 403), (600, 403), (0, 403)])
    def test_cws_641_status_of_the_handlers_choice(self, httpd, status, answered):
        httpd.allow_log("probe refuses")
        assert httpd.ask(f"/probe?refuse={status}").status == answered

    def test_cws_642_the_text_reaches_the_body_and_the_log(self, httpd):
        mark = httpd.error_log.mark()
        httpd.allow_log("probe refuses")
        assert b"probe refuses" in httpd.ask("/probe?refuse=403").body
        httpd.error_log.wait_for(r"probe_wsh\.so.*probe refuses", mark)

    @BOTH
    def test_cws_643_aborted_is_no_answer_at_all(self, httpd, path):
        with httpd.connect() as ws:
            from harness.raw import upgrade_request
            ws.send(upgrade_request(f"{path}?raise=aborted", f"127.0.0.1:{httpd.port}"))
            ws.expect_eof()

    def test_cws_644_shipped_abort_handlers(self, httpd):
        from harness.raw import upgrade_request
        with httpd.connect() as ws:
            ws.send(upgrade_request("/abort_handshake", f"127.0.0.1:{httpd.port}"))
            ws.expect_eof()
        with httpd.open("/abort") as ws:
            ws.expect_eof()


class TestExceptions:
    @BOTH
    @pytest.mark.parametrize("kind, code", CLOSE_CODES)
    def test_cws_645_close_code_of_an_exception(self, httpd, path, kind, code):
        httpd.allow_log(f"{path[1:]}_wsh")
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            ws.text(f"raise {kind}")
            assert ws.read_close()[0] == code
            ws.send(close_frame(code))
            ws.expect_eof()
        if code == 1011:  # a bug: who, where and what is in the log
            what = "" if kind == "int" else f"probe raises {kind}"
            line, = httpd.error_log.wait_for(rf"error.*{path[1:]}_wsh\.so.*{what}", mark)
            assert path in line

    @BOTH
    def test_cws_646_the_client_learns_no_secrets(self, httpd, path):
        httpd.allow_log("probe raises std")
        with httpd.open(path) as ws:
            ws.text("raise std")
            assert "probe raises" not in ws.read_close()[1]

    @BOTH
    def test_cws_647_aborted_drops_without_close(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("raise aborted")
            ws.expect_eof()

    @BOTH
    def test_cws_648_others_are_not_touched(self, httpd, path):
        httpd.allow_log("probe raises std")
        with httpd.open(path) as bystander:
            for _ in range(10):
                with httpd.open(path) as ws:
                    ws.text("raise std")
                    assert ws.read_close()[0] == 1011
            bystander.text("deadline 50")
            assert bystander.read_text() == "TimeoutException"

    def test_cws_649_shipped_internal_error(self, httpd):
        with httpd.open("/internal_error") as ws:
            assert ws.read_close()[0] == 1011
        httpd.expect_log(r"internal_error_wsh\.so.*fails on purpose")

    @pytest.mark.parametrize("command", ["spawn_raise", "block_raise"])
    def test_cws_650_from_a_spawned_task_or_through_run_blocking(self, httpd, command):
        httpd.allow_log("probe raises")
        with httpd.open(COROUTINE) as ws:
            ws.text(f"{command} unsupported")
            assert ws.read_close()[0] == 1003

    @BOTH
    def test_cws_652_from_a_pong_handler(self, httpd, path):
        httpd.allow_log("probe raises pong")
        with httpd.open(path) as ws:
            ws.send(frame(PONG, "raise"))
            assert ws.read_close()[0] == 1011


class TestClosing:
    @BOTH
    def test_cws_653_return_closes_1000(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("return")
            assert ws.read_close() == (1000, "")
            ws.send(close_frame(1000))
            assert ws.expect_eof() < 0.5

    @BOTH
    @pytest.mark.parametrize("code, reason", [(1000, "done"), (1008, "policy"), (3000, ""),
                                              (4999, "さようなら"), (4000, "r" * 123)])
    def test_cws_654_code_and_reason(self, httpd, path, code, reason):
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            ws.text(f"close {code} {reason}")
            assert ws.read_close() == (code, reason)
            ws.send(close_frame(code, "seen"))
            ws.expect_eof()
        httpd.error_log.wait_for(f"probe: closed {code} seen", mark)
        httpd.error_log.wait_for("send after close: BadOperationException", mark)

    @BOTH
    def test_cws_655_empty_close(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("close_empty")
            assert ws.read_close() == (None, "")
            ws.send(close_frame())
            ws.expect_eof()

    @pytest.mark.parametrize("code", [1001, 1002])
    def test_cws_656_handler_does_not_wait_after_some_codes(self, httpd, code):
        mark = httpd.error_log.mark()
        with httpd.open(COROUTINE) as ws:
            ws.text(f"close {code} leaving")
            assert ws.read_close() == (code, "leaving")
            httpd.error_log.wait_for("probe: closed", mark, timeout=2)  # and we said nothing yet
            ws.send(close_frame(code))
            ws.expect_eof()

    @BOTH
    @pytest.mark.parametrize("query, answer", [("4321", (4321, "passive")), ("empty", (None, ""))])
    def test_cws_657_passive_closing_handshake_chooses_the_answer(self, httpd, path, query, answer):
        with httpd.open(f"{path}?passive={query}") as ws:
            ws.send(close_frame(1000, "client"))
            assert ws.read_close() == answer
            ws.expect_eof()

    @BOTH
    def test_cws_658_passive_closing_handshake_may_fail(self, httpd, path):
        httpd.allow_log("probe raises passive")
        with httpd.open(f"{path}?passive=raise") as ws:
            ws.send(close_frame(1000))
            ws.read_close()
            ws.expect_eof()

    @BOTH
    def test_cws_659_default_echoes_code(self, httpd, path):
        for sent in ((1000, ""), (1001, "pagehide"), (4000, "mine"), (None, "")):
            with httpd.open(path.replace("probe", "echo")) as ws:
                ws.send(close_frame(*sent))
                ws.expect_closed(sent[0])

    def test_cws_660_shipped_close(self, httpd):
        with httpd.open("/close") as ws:
            ws.text("4001 see you")
            assert ws.read_close() == (4001, "see you")
            ws.send(close_frame(4001))
            ws.expect_eof()
        with httpd.open("/close") as ws:
            ws.send(close_frame(4002, "mine"))
            assert ws.read_close() == (4002, "mine")

    @BOTH
    def test_cws_661_handler_learns_how_it_ended(self, httpd, path):
        log = httpd.error_log
        mark = log.mark()
        httpd.open(path).close(4000, "さようなら")
        assert log.wait_for("probe: clean 4000", mark)
        with httpd.open(path) as ws:
            ws.send(close_frame())
            ws.expect_closed(None)
        assert log.wait_for("probe: clean 1005", mark)
        httpd.open(path).drop()
        assert log.wait_for("probe: lost 1006", mark)
        httpd.open(path).reset()
        assert log.wait_for("probe: lost 1006", mark, count=2)

    def test_cws_662_handler_learns_of_broken_protocol(self, httpd):
        mark = httpd.error_log.mark()
        for bad, code, said in ((frame(3), 1002, "invalid frame"),
                                (frame(TEXT, b"\xff"), 1007, "invalid text")):
            with httpd.open(COROUTINE) as ws:
                ws.send(bad)
                ws.expect_closed(code)
            httpd.error_log.wait_for(f"probe: {said}", mark)


class TestMessages:
    @BOTH
    def test_cws_663_fragments(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("fragments")
            ws.expect(Frame(TEXT, b"\xe3\x81", fin=False), Frame(CONTINUATION, b"\x82", fin=False),
                      Frame(CONTINUATION, b"!"))
            ws.close()

    @pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20])
    def test_cws_664_binary_of_the_server(self, httpd, size):
        with httpd.open(COROUTINE) as ws:
            ws.text(f"binary {size}")
            ws.expect(Frame(BINARY, bytes(i & 0xFF for i in range(size))))
            ws.close()

    @BOTH
    def test_cws_665_pings_of_the_handler(self, httpd, path):
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            ws.text("ping are you there")
            ws.expect(Frame(PING, b"are you there"))
            ws.send(frame(PONG, "are you there"))
            httpd.error_log.wait_for("probe: pong are you there", mark)
            ws.send(frame(PING, "and you"))
            ws.expect(pong(b"and you"))
            httpd.error_log.wait_for("probe: ping and you", mark)
            ws.close()

    @BOTH
    @pytest.mark.parametrize("what, said", [("text", "InvalidUTF8Exception"),
                                            ("ping", "BadOperationException"),
                                            ("code", "BadOperationException"),
                                            ("header", "BadOperationException")])
    def test_cws_666_misuse_is_refused_and_changes_nothing(self, httpd, path, what, said):
        with httpd.open(path) as ws:
            assert ws.ask_text(f"misuse {what}") == said
            assert ws.ask_text("what") == "unknown command"
            ws.close()

    @pytest.mark.parametrize("what", ["reason", "reason_utf8"])
    def test_cws_667_bad_close_reasons_are_refused(self, httpd, what):
        with httpd.open(COROUTINE) as ws:
            assert ws.ask_text(f"misuse {what}") == "BadOperationException"
            assert ws.ask_text("what") == "unknown command"

    def test_cws_668_two_receives_at_once(self, httpd):
        with httpd.open(COROUTINE) as ws:
            assert ws.ask_text("misuse receive") == "BadOperationException"
            assert ws.read_close()[0] == 1011  # the probe's own next receive is one too many, too
        httpd.expect_log("a receive is already waiting")

    def test_cws_669_type_may_not_change_within_a_message(self, httpd):
        with httpd.open(COROUTINE) as ws:
            ws.text("misuse type")
            assert ws.read_text() == "first part, "
            assert ws.read_text() == "BadOperationException"

    def test_cws_670_try_receive(self, httpd):
        with httpd.open(COROUTINE) as ws:
            assert ws.ask_text("try") == "nothing there"
            ws.send(frame(TEXT, "sleep 50") + frame(TEXT, "try") + frame(TEXT, "next"))
            assert ws.read_text() == "slept"
            assert ws.read_text() == "had: next"

    @BOTH
    def test_cws_671_deadline(self, httpd, path):
        with httpd.open(path) as ws:
            begin = time.monotonic()
            assert ws.ask_text("deadline 200") == "TimeoutException"
            assert 0.15 < time.monotonic() - begin < 2
            ws.text("deadline 5000")
            assert ws.ask_text("hello") == "in time: hello"
            assert ws.read_text() == "nothing raised"
            ws.close()


class TestTasks:
    @BOTH
    def test_cws_672_sleep(self, httpd, path):
        with httpd.open(path) as ws:
            begin = time.monotonic()
            assert ws.ask_text("sleep 100") == "slept"
            assert 0.09 < time.monotonic() - begin < 2
            assert ws.ask_text("sleep 0") == "slept"

    def test_cws_673_run_blocking_leaves_the_others_running(self, httpd):
        with httpd.open(COROUTINE) as blocked, httpd.open() as other:
            blocked.text("block 400")
            begin = time.monotonic()
            for i in range(50):
                assert other.ask_text(f"{i}") == f"{i}"
            assert time.monotonic() - begin < 0.35
            assert blocked.read_text() == "blocked"
            blocked.close()

    END = {"close": lambda ws: ws.send(close_frame(1000)), "drop": lambda ws: ws.drop(),
           "reset": lambda ws: ws.reset(), "return": lambda ws: ws.text("return"),
           "broken": lambda ws: ws.send(frame(3)), "server": lambda ws: ws.text("close 1000")}

    @BOTH
    @pytest.mark.parametrize("end", END)
    def test_cws_674_spawned_work_ends_with_the_connection(self, httpd, path, end):
        # The seed: "don't forget to end your thread".
        if end == "server":  # the ticker may want to send while the server closes
            httpd.allow_log("send_message after the connection was closed")
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            ws.text("spawn 10")
            ws.expect(Frame(TEXT, b"tick"), Frame(TEXT, b"tick"))
            self.END[end](ws)
            httpd.error_log.wait_for("probe: ticker gone", mark, timeout=8)
            if end in ("server", "return"):
                ws.send(close_frame(1000))

    def test_cws_675_heartbeat(self, httpd):
        mark = httpd.error_log.mark()
        with httpd.open("/heartbeat?10") as ws:
            ws.expect(Frame(TEXT, b"tick 1"), Frame(TEXT, b"tick 2"))
            ws.send(close_frame(1000))
            while (got := ws.read_frame()).opcode == TEXT:
                pass
            assert got == Frame(CLOSE, close_body(1000))
            ws.expect_eof()
        httpd.error_log.wait_for("heartbeat: the ticker has ended", mark)

    def test_cws_676_end_during_run_blocking(self, httpd):
        mark = httpd.error_log.mark()
        with httpd.open(COROUTINE) as ws:
            ws.text("block 300")
            ws.reset()
        httpd.error_log.wait_for("probe: transfer ended", mark)

    @BOTH
    def test_cws_677_sending_from_another_thread(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("thread 500")
            for i in range(500):
                assert ws.read_text() == f"from a thread {i}"
            ws.close()

    def test_cws_678_sender_never_waits(self, httpd):
        mark = httpd.error_log.mark()
        with httpd.open(COROUTINE) as ws:
            ws.text("fill")
            line, = httpd.error_log.wait_for("probe: full after", mark)
            assert 1 <= int(line.split("full after ")[1].split()[0]) < 100_000
            ws.drop()

    def test_cws_679_two_styles_side_by_side(self, httpd):
        sockets = [httpd.open(path) for path in ("/echo", "/echo_blocking") * 15]
        for round_ in range(3):
            for i, ws in enumerate(sockets):
                ws.text(f"{round_} {i}")
            for i, ws in enumerate(sockets):
                assert ws.read_text() == f"{round_} {i}"
        for ws in sockets:
            ws.close()


class TestLimitsOfTheHandler:
    @BOTH
    def test_cws_680_message_size(self, httpd, path):
        with httpd.open(f"{path}?limit_message=100") as ws:
            ws.send(frame(TEXT, "x" * 100))
            assert ws.read_text() == "unknown command"
            ws.send(frame(TEXT, "x" * 101))
            ws.expect_closed(1009)

    def test_cws_681_never_raised(self, httpd):
        with httpd.open(f"/probe?limit_message={1 << 31}") as ws:
            assert json.loads(ws.ask_text("properties"))["max_message_size"] == 32 << 20

    def test_cws_682_idle_time(self, httpd):
        with httpd.open("/probe?limit_idle=300") as ws:
            for _ in range(3):
                time.sleep(0.15)
                ws.ask_text("x")
            assert ws.read_close()[0] == 1001
            ws.send(close_frame(1001))
            ws.expect_eof()

    def test_cws_683_ping_interval(self, httpd):
        with httpd.open("/probe?limit_ping=100") as ws:
            assert ws.read_frame().opcode == PING


class TestBackPressure:
    CONFIG = "WebSocketMaxMessageSize 32M\nWebSocketPingInterval Off"
    OPTIONS = {"one_child": True}

    def child(self, httpd):
        child, = [pid for pid in httpd.children() if httpd.memory(pid, "VmRSS")]
        return child

    def growth(self, httpd, begin):
        return httpd.memory(self.child(httpd)) - begin

    @BOTH
    def test_cws_684_slow_reader_slows_its_own_handler_only(self, httpd, path):
        begin = httpd.memory(self.child(httpd))
        mark = httpd.error_log.mark()
        with httpd.open(path, receive_buffer=4096) as slow, httpd.open() as other:
            slow.text("flood 100000 1000")  # 100 MB
            for i in range(100):
                assert other.ask_text(f"{i}") == f"{i}"
                time.sleep(0.005)
            assert self.growth(httpd, begin) < 12 << 20
            assert not httpd.error_log.find("probe: flood done", mark)
            slow.drop()
        httpd.error_log.wait_for("probe: (flood )?lost", mark)

    @BOTH
    def test_cws_685_all_of_it_arrives_in_the_end(self, httpd, path):
        begin = httpd.memory(self.child(httpd))
        with httpd.open(path, receive_buffer=4096) as ws:
            ws.text("flood 30000 1000")
            time.sleep(0.2)
            for _ in range(30000):
                assert ws.read_frame() == Frame(BINARY, b"*" * 1000)
            ws.close()
        assert self.growth(httpd, begin) < 12 << 20

    @BOTH
    def test_cws_686_handler_that_does_not_receive_stops_the_sender(self, httpd, path):
        begin = httpd.memory(self.child(httpd))
        with httpd.open(path) as ws, httpd.open() as other:
            ws.text("sleep 1500")
            ws.socket.settimeout(0.3)
            chunk, sent = frame(BINARY, b"*" * 60_000), 0
            try:
                while sent < 100 << 20:
                    ws.socket.sendall(chunk)
                    sent += len(chunk)
            except socket.timeout:
                pass
            assert sent < 50 << 20, "the server reads on although nobody takes it"
            assert self.growth(httpd, begin) < 12 << 20
            assert other.ask_text("alive") == "alive"

    def test_cws_687_close_is_found_behind_a_full_inbox(self, httpd):
        # The handler is slow; all its messages are answered, then the Close.
        with httpd.open(COROUTINE) as ws:
            count = 3000
            data = frame(TEXT, "sleep 300") + frame(TEXT, "x" * 300) * count + close_frame(4000)
            sender = threading.Thread(target=ws.send, args=(data,))
            sender.start()
            assert ws.read_text() == "slept"
            for _ in range(count):
                assert ws.read_text() == "unknown command"
            ws.expect_closed(4000)
            sender.join()

    def test_cws_688_idle_connections_are_small(self, httpd):
        child = self.child(httpd)
        sockets = [httpd.open() for _ in range(100)]
        begin = httpd.memory(child)
        sockets += [httpd.open() for _ in range(900)]
        for ws in sockets:
            assert ws.ask_text("x") == "x"
        each = (httpd.memory(child) - begin) / 900
        for ws in sockets:
            ws.close()
        assert each < 4096, f"{each:.0f} bytes for an idle connection"

    def test_cws_689_descriptors_come_back(self, httpd):
        child = self.child(httpd)
        httpd.open().close()
        time.sleep(0.1)
        begin = httpd.descriptors()[child]
        for _ in range(3):
            sockets = [httpd.open() for _ in range(50)]
            for i, ws in enumerate(sockets):
                if i % 3 == 0:
                    ws.close()
                elif i % 3 == 1:
                    ws.reset()
                else:
                    ws.drop()
        deadline = time.monotonic() + 5
        while (now := httpd.descriptors()[child]) > begin and time.monotonic() < deadline:
            time.sleep(0.05)
        assert now <= begin
