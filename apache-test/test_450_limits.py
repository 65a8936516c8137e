"""Large messages, in one frame, in many, and in small packets. The server takes 32 MiB."""
import threading

import pytest

from harness.raw import BINARY, TEXT, Frame, close_frame, fragments, frame

KIB, MIB = 1024, 1024 * 1024
KINDS = pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])


def echo(ws, opcode, payload, frames, chop=None):
    ws.send(b"".join(frames), chop=chop)
    got = ws.read_message()
    assert got.opcode == opcode and got.payload == payload  # no diff of megabytes
    ws.close()


class TestLargeMessages:
    @KINDS
    @pytest.mark.parametrize("size", [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB])
    def test_cws_450_one_frame(self, target, opcode, size):
        payload = b"*" * size
        with target.open(30) as ws:
            echo(ws, opcode, payload, [frame(opcode, payload)])

    @KINDS
    @pytest.mark.parametrize("size", [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB,
                                      4 * MIB])
    def test_cws_451_4m_in_fragments(self, target, opcode, size):
        payload = b"*" * 4 * MIB
        with target.open(30) as ws:
            echo(ws, opcode, payload, fragments(opcode, payload, size))

    @KINDS
    @pytest.mark.parametrize("chop", [64, 128, 256, 512, KIB, 2 * KIB])
    def test_cws_452_1m_in_small_packets(self, target, opcode, chop):
        payload = b"*" * MIB
        with target.open(30) as ws:
            echo(ws, opcode, payload, [frame(opcode, payload)], chop)

    @KINDS
    @pytest.mark.parametrize("size", [0, 16, 64, 256, KIB, 4 * KIB])
    def test_cws_453_thousand_round_trips(self, target, opcode, size):
        message, answer = frame(opcode, b"*" * size), Frame(opcode, b"*" * size)
        with target.open() as ws:
            for _ in range(1000):
                ws.send(message)
                ws.expect(answer)
            ws.close()

    @pytest.mark.parametrize("size", [1300, 65536, 100_000])
    def test_cws_454_64k_fragmented_by_the_sender(self, target, size):
        payload = b"*" * 65536
        with target.open() as ws:
            echo(ws, TEXT, payload, fragments(TEXT, payload, size))

    def test_cws_455_large_multibyte_text(self, target):
        payload = ("もももすももももものうち" * 120_000).encode()
        with target.open(30) as ws:
            echo(ws, TEXT, payload, fragments(TEXT, payload, 10_007))

    def test_cws_456_a_megabyte_of_messages_without_waiting(self, target):
        # Both directions are full at once: neither side may wait for the other to read.
        count, payload = 20_000, b"*" * 60
        with target.open(30) as ws:
            sender = threading.Thread(
                target=ws.send, args=(frame(TEXT, payload) * count + close_frame(1000),))
            sender.start()
            for _ in range(count):
                ws.expect(Frame(TEXT, payload))
            ws.expect_closed(1000)
            sender.join()


class TestMaxMessageSize:
    def test_cws_460_frame_over_the_limit_closes_1009_before_its_payload(self, shared_httpd):
        with shared_httpd.open() as ws:
            ws.send(frame(TEXT, length=32 * MIB + 1, length_size=8))
            ws.expect_closed(1009)

    def test_cws_461_fragments_over_the_limit_close_1009(self, shared_httpd):
        with shared_httpd.open(timeout=30) as ws:
            ws.send(b"".join(fragments(BINARY, b"*" * 32 * MIB, MIB)[:-1]))
            ws.send(frame(0, b"*" * MIB, fin=False) + frame(0, b"x"))
            ws.expect_closed(1009)

    def test_cws_462_message_of_exactly_the_limit_passes(self, shared_httpd):
        with shared_httpd.open(timeout=30) as ws:
            echo(ws, BINARY, b"*" * 32 * MIB, [frame(BINARY, b"*" * 32 * MIB)])
