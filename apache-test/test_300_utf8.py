"""RFC 6455 section 8.1: text is UTF-8 (RFC 3629), and a server fails at the first wrong byte."""
import pytest

from harness.raw import BINARY, CLOSE, CONTINUATION, TEXT, Frame, close_body, fragments, frame

KOSME = "κόσμε".encode()


def encode(point, size):
    """Code point `point` in `size` bytes by the pattern of UTF-8, allowed or not."""
    if size == 1:
        return bytes([point])
    tail = [0x80 | (point >> 6 * i) & 0x3F for i in reversed(range(size - 1))]
    return bytes([(0xFF00 >> size) & 0xFF | point >> 6 * (size - 1), *tail])


def surrounded(cases):
    for name, middle in cases:
        yield name, middle
        yield name + "_surrounded", KOSME + middle + b"edited"


def valid():
    yield "ascii", b"Hello, world"
    yield "greek", KOSME
    yield "german", "Hello-µ@ßöäüàá-UTF-8!!".encode()
    yield "japanese", "もももすももももものうち".encode()
    yield "astral", "𠮷野家で𩸽 🎉👩‍👩‍👧‍👦".encode()
    yield "nul", b"\x00"
    yield "byte_order_mark", b"\xef\xbb\xbfx"
    yield "replacement", b"\xef\xbf\xbd"
    # First and last of each length, and around the surrogates.
    for point in (0x00, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000,
                  0xFFFD, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF):
        yield f"u{point:x}", chr(point).encode()
    # Characters that are none are still valid text.
    for plane in range(17):
        for low in (0xFFFE, 0xFFFF):
            yield f"noncharacter_{plane:x}{low:x}", chr(plane << 16 | low).encode()
    for point in (0xFDD0, 0xFDEF, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC):
        yield f"special_{point:x}", chr(point).encode()
    for size in (31, 32, 33, 63, 64, 65, 127, 128, 129):
        yield f"ascii_then_three_bytes_at_{size}", b"a" * size + "あ".encode() + b"b" * 40


def invalid():
    yield "kosme_with_surrogate", bytes.fromhex("cebae1bdb9cf83cebceda080656469746564")
    yield "beyond_unicode", bytes.fromhex("cebae1bdb9cf83cebcf4908080656469746564")
    for point, size in ((0x110000, 4), (0x1FFFFF, 4), (0x200000, 5), (0x3FFFFFF, 5),
                        (0x4000000, 6), (0x7FFFFFFF, 6)):
        yield f"beyond_{point:x}", encode(point, size)
    for count in range(1, 8):  # continuations of nothing
        yield f"lone_continuations_{count}", bytes([0x80, 0xBF] * 4)[:count]
    yield "all_continuations", bytes(range(0x80, 0xC0))
    for first, last, name in ((0xC0, 0xE0, "two"), (0xE0, 0xF0, "three"), (0xF0, 0xF8, "four"),
                              (0xF8, 0xFC, "five"), (0xFC, 0xFE, "six")):
        yield f"lonely_starts_of_{name}", b" ".join(bytes([b]) for b in range(first, last)) + b" "
        yield f"lonely_start_{first:x}", bytes([first]) + b" "
    last = [encode(*pair) for pair in ((0x7FF, 2), (0xFFFF, 3), (0x1FFFFF, 4), (0x3FFFFFF, 5),
                                       (0x7FFFFFFF, 6))]
    for sequence in last + [encode(0, size) for size in range(2, 7)]:
        yield f"cut_{sequence.hex()}", sequence[:-1]
        yield f"cut_{sequence.hex()}_then_ascii", sequence[:-1] + b"x"
    yield "cut_all_in_a_row", b"".join(sequence[:-1] for sequence in last)
    for byte in (0xFE, 0xFF, 0xF5, 0xF7, 0xC0, 0xC1):
        yield f"impossible_{byte:x}", bytes([byte])
        yield f"impossible_{byte:x}_twice", bytes([byte, byte])
    yield "impossible_mixed", b"\xfe\xfe\xff\xff"
    for size in range(2, 7):
        yield f"overlong_slash_{size}", encode(0x2F, size)
        yield f"overlong_nul_{size}", encode(0, size)
        maximum = {2: 0x7F, 3: 0x7FF, 4: 0xFFFF, 5: 0x1FFFFF, 6: 0x3FFFFFF}[size]
        yield f"overlong_max_{size}", encode(maximum, size)
    for point in (0xD800, 0xDB7F, 0xDB80, 0xDBFF, 0xDC00, 0xDF80, 0xDFFF):
        yield f"surrogate_{point:x}", encode(point, 3)
    for high in (0xD800, 0xDB7F, 0xDB80, 0xDBFF):
        for low in (0xDC00, 0xDFFF):
            yield f"surrogates_{high:x}_{low:x}", encode(high, 3) + encode(low, 3)
    yield "latin1", "Grüße".encode("latin-1")
    yield "shift_jis", "もももすもももももも".encode("shift_jis")
    for size in (15, 16, 31, 32, 33, 63, 64, 65):
        yield f"bad_byte_at_{size}", b"a" * size + b"\xff" + b"b" * 40
        yield f"cut_at_{size}", b"a" * size + "あ".encode()[:2]


def _is_whole(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


FAIL_FAST = [  # the bytes up to the first wrong one
    bytes.fromhex("cebae1bdb9cf83cebcf490"),  # above U+10FFFF at its second byte
    bytes.fromhex("cebae1bdb9cf83cebceda0"),  # a surrogate at its second byte
    b"abc\xff", b"abc\x80", b"abc\xc0", b"abc\xc1", b"abc\xe0\x9f", b"abc\xf0\x8f", b"abc\xf5",
    b"abc\xe3\x81\x41", b"abc\xe3\x41", b"a" * 200 + b"\xfe"]

VALID = dict(surrounded(valid()))
INVALID = dict(surrounded(invalid()))


class TestUtf8:
    def test_cws_300_empty_messages(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT))
            ws.expect(Frame(TEXT))
            ws.send(frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) + frame(CONTINUATION))
            ws.expect(Frame(TEXT))
            ws.close()

    @pytest.mark.parametrize("name", VALID)
    def test_cws_310_valid_text_is_echoed(self, target, name):
        payload = VALID[name]
        with target.open() as ws:
            ws.send(frame(TEXT, payload) + b"".join(fragments(TEXT, payload, 1)))
            ws.expect(Frame(TEXT, payload), Frame(TEXT, payload))
            ws.send(frame(TEXT, payload), chop=1)
            ws.expect(Frame(TEXT, payload))
            ws.close()

    @pytest.mark.parametrize("delivery", ["whole", "fragments", "bytes"])
    @pytest.mark.parametrize("name", INVALID)
    def test_cws_320_invalid_text_closes_1007(self, target, name, delivery):
        payload = INVALID[name]
        with target.open() as ws:
            if delivery == "fragments":
                ws.send(b"".join(fragments(TEXT, payload, 1)))
            else:
                ws.send(frame(TEXT, payload), chop=1 if delivery == "bytes" else None)
            ws.expect_closed(1007)

    @pytest.mark.parametrize("end", range(1, len(KOSME) + 1))
    def test_cws_321_prefixes_are_judged_at_the_end_of_the_message(self, target, end):
        payload = KOSME[:end]
        with target.open() as ws:
            ws.send(frame(TEXT, payload))
            if _is_whole(payload):
                ws.expect(Frame(TEXT, payload))
                ws.close()
            else:
                ws.expect_closed(1007)

    @pytest.mark.parametrize("beginning", FAIL_FAST, ids=[b[-4:].hex() for b in FAIL_FAST])
    def test_cws_330_fails_in_the_fragment_with_the_wrong_byte(self, target, beginning):
        with target.open() as ws:
            ws.send(frame(TEXT, beginning, fin=False))
            ws.expect_closed(1007)

    @pytest.mark.parametrize("beginning", FAIL_FAST, ids=[b[-4:].hex() for b in FAIL_FAST])
    def test_cws_331_fails_within_the_frame_at_the_wrong_byte(self, target, beginning):
        with target.open() as ws:
            whole = frame(TEXT, beginning + b"edited" * 10)
            ws.send(whole[:-60])
            ws.expect_closed(1007)

    def test_cws_332_split_character_waits_for_its_rest(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, b"\xe3\x81", fin=False))
            ws.expect_silence(0.1)
            ws.send(frame(CONTINUATION, b"\x82"))
            ws.expect(Frame(TEXT, "あ".encode()))
            ws.close()

    def test_cws_340_binary_may_be_anything(self, target):
        with target.open() as ws:
            for payload in INVALID.values():
                ws.send(frame(BINARY, payload))
                ws.expect(Frame(BINARY, payload))
            ws.close()

    @pytest.mark.parametrize("name", INVALID)
    def test_cws_350_invalid_close_reason_closes_1007(self, target, name):
        reason = INVALID[name][:123]
        if _is_whole(reason):
            reason = b"\xff"
        with target.open() as ws:
            ws.send(frame(CLOSE, close_body(1000, reason)))
            ws.expect_closed(1007)
