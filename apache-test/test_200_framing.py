"""RFC 6455 section 5: frames, ping and pong, reserved bits, opcodes, fragments."""
import pytest

from harness.conformance import Case, binary, deliveries, play, pong, text
from harness.raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_body, frame,
                         fragments)

SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536, 65537)
CONTROL = (CLOSE, PING, PONG)


def sizes():
    for size in SIZES:
        yield Case(f"text_{size}", [frame(TEXT, b"*" * size)], [text(b"*" * size)])
        yield Case(f"binary_{size}", [frame(BINARY, b"\xfe" * size)], [binary(b"\xfe" * size)])
    yield Case("several_messages", [frame(TEXT, f"m{i}") for i in range(50)],
               [text(f"m{i}") for i in range(50)])
    for key in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x00\x00\x80"):
        for size in (1, 2, 3, 5, 63, 64, 65, 1000):
            payload = bytes(i & 0x7F for i in range(size))
            yield Case(f"key_{key.hex()}_size_{size}", [frame(TEXT, payload, key=key)],
                       [text(payload)])


def masking_and_lengths():
    yield Case("unmasked_text", [frame(TEXT, "hello", key=None)], end=1002)
    yield Case("unmasked_empty", [frame(TEXT, key=None)], end=1002)
    yield Case("unmasked_ping", [frame(PING, key=None)], end=1002)
    yield Case("unmasked_close", [frame(CLOSE, close_body(1000), key=None)], end=1002)
    yield Case("second_unmasked", [frame(TEXT, "a"), frame(TEXT, "b", key=None)], [text("a")], 1002)
    for size in (0, 1, 125):
        yield Case(f"length_{size}_in_two_bytes",
                   [frame(TEXT, b"*" * size, length_size=2)], end=1002)
    for size in (0, 125, 126, 65535):
        yield Case(f"length_{size}_in_eight_bytes",
                   [frame(TEXT, b"*" * size, length_size=8)], end=1002)
    yield Case("length_with_top_bit", [frame(TEXT, length=1 << 63, length_size=8)], end=1002)
    yield Case("length_all_ones", [frame(TEXT, length=(1 << 64) - 1, length_size=8)], end=1002)


def pings():
    yield Case("ping_empty", [frame(PING)], [pong()])
    yield Case("ping_text", [frame(PING, "Hello, world!")], [pong(b"Hello, world!")])
    payload = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield Case("ping_binary", [frame(PING, payload)], [pong(payload)])
    yield Case("ping_125", [frame(PING, b"\xfe" * 125)], [pong(b"\xfe" * 125)])
    yield Case("ping_126", [frame(PING, b"\xfe" * 126)], end=1002)
    yield Case("ping_65536", [frame(PING, b"\xfe" * 65536)], end=1002)
    yield Case("pong_empty_unasked", [frame(PONG)])
    yield Case("pong_text_unasked", [frame(PONG, "unsolicited")])
    yield Case("pong_126_unasked", [frame(PONG, b"." * 126)], end=1002)
    yield Case("pong_unasked_then_ping", [frame(PONG, "no"), frame(PING, "yes")], [pong(b"yes")])
    yield Case("ten_pings", [frame(PING, f"ping {i}") for i in range(10)],
               [pong(f"ping {i}".encode()) for i in range(10)])
    yield Case("ping_between_messages", [frame(TEXT, "a"), frame(PING, "p"), frame(TEXT, "b")],
               [text("a"), pong(b"p"), text("b")])


def reserved_bits():
    for rsv in range(1, 8):
        yield Case(f"rsv_{rsv}_text", [frame(TEXT, "Hello", rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_binary", [frame(BINARY, b"\0" * 200, rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_ping", [frame(PING, "Hello", rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_pong", [frame(PONG, "Hello", rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_close", [frame(CLOSE, close_body(1000), rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_continuation", [frame(TEXT, "a", fin=False),
                                               frame(CONTINUATION, "b", rsv=rsv)], end=1002)
        yield Case(f"rsv_{rsv}_after_text", [frame(TEXT, "first"), frame(TEXT, "second", rsv=rsv),
                                             frame(PING)], [text("first")], 1002)


def opcodes():
    for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF):
        yield Case(f"opcode_{opcode:x}_empty", [frame(opcode)], end=1002)
        yield Case(f"opcode_{opcode:x}_payload", [frame(opcode, "reserved")], end=1002)
        yield Case(f"opcode_{opcode:x}_after_text", [frame(TEXT, "Hello"), frame(opcode),
                                                     frame(PING)], [text("Hello")], 1002)
        yield Case(f"opcode_{opcode:x}_long_after_text",
                   [frame(TEXT, "Hello"), frame(opcode, "." * 200), frame(PING)], [text("Hello")],
                   1002)
        yield Case(f"opcode_{opcode:x}_within_message",
                   [frame(TEXT, "a", fin=False), frame(opcode, "b")], end=1002)


def fragmentation():
    for opcode in CONTROL:
        body = close_body(1000) if opcode == CLOSE else b"fragment1"
        yield Case(f"control_{opcode:x}_fragmented",
                   [frame(opcode, body, fin=False), frame(CONTINUATION, "fragment2")], end=1002)
    both = [frame(TEXT, "fragment1", fin=False), frame(CONTINUATION, "fragment2")]
    yield Case("two_fragments", both, [text("fragment1fragment2")])
    yield Case("two_fragments_binary", fragments(BINARY, b"\xff" * 20, 10), [binary(b"\xff" * 20)])
    yield Case("ping_between_fragments", [both[0], frame(PING, "ping"), both[1]],
               [pong(b"ping"), text("fragment1fragment2")])
    yield Case("pong_between_fragments", [both[0], frame(PONG, "pong"), both[1]],
               [text("fragment1fragment2")])
    yield Case("pings_between_five_fragments",
               [part for i, fragment in enumerate(fragments(TEXT, b"fragment." * 5, 9))
                for part in (fragment, frame(PING, f"{i}"))],
               [pong(b"0"), pong(b"1"), pong(b"2"), pong(b"3"), text("fragment." * 5), pong(b"4")])
    yield Case("empty_fragments", [frame(TEXT, fin=False), frame(CONTINUATION, fin=False),
                                   frame(CONTINUATION)], [text()])
    yield Case("empty_first_and_last", [frame(TEXT, fin=False), frame(CONTINUATION, "x", fin=False),
                                        frame(CONTINUATION)], [text("x")])
    yield Case("one_byte_fragments", fragments(TEXT, b"octets" * 30, 1), [text("octets" * 30)])
    yield Case("two_messages_in_fragments", both + both, [text("fragment1fragment2")] * 2)
    for fin in (True, False):
        yield Case(f"continuation_of_nothing_fin_{fin:d}",
                   [frame(CONTINUATION, "no", fin=fin), frame(TEXT, "Hello")], end=1002)
        yield Case(f"continuation_of_nothing_fin_{fin:d}_empty",
                   [frame(CONTINUATION, fin=fin), frame(TEXT, "Hello")], end=1002)
        yield Case(f"continuation_after_message_fin_{fin:d}",
                   both + [frame(CONTINUATION, "no", fin=fin), frame(TEXT, "Hello")],
                   [text("fragment1fragment2")], 1002)
    for opcode in (TEXT, BINARY):
        for fin in (True, False):
            yield Case(f"new_message_{opcode:x}_within_message_fin_{fin:d}",
                       [frame(TEXT, "a", fin=False), frame(opcode, "b", fin=fin)], end=1002)
    yield Case("continuation_text_continuation",
               [frame(CONTINUATION, "1", fin=False), frame(TEXT, "2", fin=False),
                frame(CONTINUATION, "3")] * 2, end=1002)


class TestFraming:
    @pytest.mark.parametrize("case, delivery", **deliveries(sizes()))
    def test_cws_200_sizes_are_echoed(self, target, case, delivery):
        play(target.open(), case, delivery)

    @pytest.mark.parametrize("opcode", [TEXT, BINARY])
    @pytest.mark.parametrize("chop", [997, 1, 4096])
    def test_cws_201_chopped_64k_is_echoed(self, target, opcode, chop):
        size = 65536 if chop > 1 else 3000
        with target.open() as ws:
            ws.send(frame(opcode, b"*" * size), chop=chop)
            ws.expect(Frame(opcode, b"*" * size))
            ws.close()

    @pytest.mark.parametrize("case, delivery", **deliveries(masking_and_lengths()))
    def test_cws_210_bad_masking_or_length_closes_1002(self, target, case, delivery):
        play(target.open(), case, delivery)

    def test_cws_211_bad_header_closes_before_its_payload(self, target):
        for bad in (frame(TEXT, length=100, key=None), frame(3, length=100), frame(PING, length=126),
                    frame(TEXT, length=100, rsv=2), frame(CONTINUATION, length=100)):
            with target.open() as ws:
                ws.send(bad)
                ws.expect_closed(1002)


class TestPings:
    @pytest.mark.parametrize("case, delivery", **deliveries(pings()))
    def test_cws_220_pings_and_pongs(self, target, case, delivery):
        play(target.open(), case, delivery)

    def test_cws_221_ping_is_answered_within_a_frame_that_is_not_complete(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, "a", fin=False) + frame(PING, "now"))
            ws.expect(pong(b"now"))
            ws.send(frame(CONTINUATION, "b"))
            ws.expect(text("ab"))
            ws.close()

    def test_cws_222_thousand_pings_in_one_packet(self, target):
        with target.open() as ws:
            ws.send(b"".join(frame(PING, f"{i}") for i in range(1000)))
            ws.expect(*(pong(f"{i}".encode()) for i in range(1000)))
            ws.close()


class TestReserved:
    @pytest.mark.parametrize("case, delivery", **deliveries(reserved_bits()))
    def test_cws_230_reserved_bits_close_1002(self, target, case, delivery):
        play(target.open(), case, delivery)

    @pytest.mark.parametrize("case, delivery", **deliveries(opcodes()))
    def test_cws_240_reserved_opcodes_close_1002(self, target, case, delivery):
        play(target.open(), case, delivery)


class TestFragmentation:
    @pytest.mark.parametrize("case, delivery", **deliveries(fragmentation()))
    def test_cws_250_fragments(self, target, case, delivery):
        play(target.open(), case, delivery)

    def test_cws_251_fragments_with_pauses(self, target):
        with target.open() as ws:
            for i, fragment in enumerate(fragments(TEXT, b"fragment." * 5, 9)):
                ws.send(fragment)
                ws.send(frame(PING, f"{i}"))
                if i < 4:
                    ws.expect(pong(f"{i}".encode()))
            ws.expect(text("fragment." * 5), pong(b"4"))
            ws.close()
