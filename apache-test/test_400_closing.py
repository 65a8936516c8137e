"""RFC 6455 sections 5.5.1 and 7: the closing handshake, codes and reasons."""
import pytest

from harness.conformance import text
from harness.raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_body,
                         close_frame, frame)

VALID_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
               3000, 3999, 4000, 4999]
INVALID_CODES = [0, 1, 125, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32768,
                 65535]


class TestCloseSequences:
    def test_cws_400_message_then_close(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, "Hello") + close_frame(1000))
            ws.expect(text("Hello"))
            ws.expect_closed(1000)

    @pytest.mark.parametrize("behind", [
        close_frame(1000), close_frame(1001, "again"), frame(PING, "late"), frame(PONG),
        frame(TEXT, "late"), frame(BINARY, b"\0" * 1000), frame(3), frame(TEXT, "x", key=None),
        frame(TEXT, b"\xff"), b"\xff" * 1000],
        ids=["close", "other_close", "ping", "pong", "text", "binary", "reserved", "unmasked",
             "bad_utf8", "rubbish"])
    @pytest.mark.parametrize("together", [True, False], ids=["one_packet", "two_packets"])
    def test_cws_401_nothing_behind_the_close_counts(self, target, behind, together):
        with target.open() as ws:
            if together:
                ws.send(close_frame(1000) + behind)
            else:
                ws.send(close_frame(1000))
                ws.send(behind)
            ws.expect_closed(1000)

    def test_cws_402_close_within_a_fragmented_message(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, "fragment1", fin=False) + close_frame(1000) +
                    frame(CONTINUATION, "fragment2"))
            ws.expect_closed(1000)

    def test_cws_403_256k_then_close_then_ping(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, b"*" * 262144) + frame(TEXT, "Hello") + close_frame(1000) +
                    frame(PING))
            ws.expect(text(b"*" * 262144), text("Hello"))
            ws.expect_closed(1000)

    def test_cws_404_all_messages_are_answered_before_the_close(self, target):
        with target.open() as ws:
            ws.send(b"".join(frame(TEXT, f"{i}") for i in range(500)) + close_frame(4000, "done"))
            ws.expect(*(text(f"{i}") for i in range(500)))
            ws.expect_closed(4000)

    def test_cws_405_close_byte_by_byte(self, target):
        with target.open() as ws:
            ws.send(close_frame(1000, "slowly"), chop=1)
            ws.expect_closed(1000)

    def test_cws_406_server_ends_tcp_at_once(self, target):
        with target.open() as ws:
            assert ws.close() < 0.5

    def test_cws_407_end_of_tcp_without_close_ends_the_connection(self, target):
        import socket
        with target.open() as ws:
            ws.socket.shutdown(socket.SHUT_WR)
            ws.socket.settimeout(5)
            assert ws.socket.recv(100) == b""


class TestCloseBodies:
    def test_cws_410_empty_body_is_echoed_empty(self, target):
        with target.open() as ws:
            ws.send(close_frame())
            ws.expect_closed(None)

    def test_cws_411_one_byte_closes_1002(self, target):
        with target.open() as ws:
            ws.send(frame(CLOSE, b"\x03"))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("reason", ["", "Hello, world!", "さようなら", "*" * 123])
    def test_cws_412_reasons(self, target, reason):
        with target.open() as ws:
            ws.send(close_frame(1000, reason))
            ws.expect_closed(1000)

    def test_cws_413_reason_of_124_bytes_closes_1002(self, target):
        with target.open() as ws:
            ws.send(close_frame(1000, "*" * 124))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("reason", [b"", b"with a reason"])
    @pytest.mark.parametrize("code", VALID_CODES)
    def test_cws_420_valid_code_is_echoed(self, target, code, reason):
        with target.open() as ws:
            ws.send(close_frame(code, reason))
            ws.expect_closed(code)

    @pytest.mark.parametrize("reason", [b"", b"with a reason"])
    @pytest.mark.parametrize("code", INVALID_CODES)
    def test_cws_421_invalid_code_closes_1002(self, target, code, reason):
        with target.open() as ws:
            ws.send(close_frame(code, reason))
            ws.expect_closed(1002)

    def test_cws_422_failure_closes_tcp_at_once(self, target):
        with target.open() as ws:
            ws.send(frame(3))
            assert ws.expect_closed(1002) < 0.5

    def test_cws_423_failure_has_a_readable_reason(self, target):
        for bad, code in ((frame(3), 1002), (frame(TEXT, b"\xff"), 1007),
                          (frame(CLOSE, close_body(999)), 1002)):
            with target.open() as ws:
                ws.send(bad)
                got = ws.read_frame()
                assert got.opcode == CLOSE and got.payload[:2] == code.to_bytes(2, "big")
                assert 5 < len(got.payload[2:].decode()) <= 123
                ws.expect_eof()

    def test_cws_424_large_unread_input_does_not_lose_the_close(self, target):
        # Unread input makes a closing kernel send RST, which would throw the Close away.
        with target.open() as ws:
            ws.send(frame(3) + b"\0" * 300_000)
            ws.expect_closed(1002)

    def test_cws_425_message_answered_before_a_failure(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, "kept") + frame(CONTINUATION, "bad"))
            ws.expect(Frame(TEXT, b"kept"))
            ws.expect_closed(1002)
