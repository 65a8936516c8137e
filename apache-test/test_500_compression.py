"""RFC 7692, permessage-deflate: what is agreed on, and the messages."""
import json
import random
import zlib

import pytest

from harness.deflate import Deflate, parse_extension
from harness.raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_body, fragments,
                         frame)

RSV1 = 4
SIZES = (0, 1, 16, 63, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)


def json_text(size, rng):
    rows = []
    while sum(map(len, rows)) < size:
        rows.append(json.dumps({"id": rng.randrange(10**6), "name": rng.choice(["Ada", "桜", "Ünal"]),
                                "value": rng.random(), "tags": rng.sample(WORDS, 3)},
                               ensure_ascii=False))
    return "\n".join(rows)


def prose(size, rng):
    return " ".join(rng.choice(WORDS) for _ in range(size // 4 + 1))


WORDS = ("the socket that httpd gave away answers in one turn and waits without a buffer "
         "もも すもも ももの うち größer straße naïve").split()
CORPORA = {
    "json": (TEXT, lambda size, rng: json_text(size, rng)),
    "prose": (TEXT, lambda size, rng: prose(size, rng)),
    "zeros": (BINARY, lambda size, rng: bytes(size)),
    "noise": (BINARY, lambda size, rng: rng.randbytes(size)),
}
OFFERS = {
    "plain": "permessage-deflate",
    "bits": "permessage-deflate; client_max_window_bits",
    "no_takeover": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    "client_no_takeover": "permessage-deflate; client_no_context_takeover; client_max_window_bits",
    "server_no_takeover": "permessage-deflate; server_no_context_takeover",
    "server_8": "permessage-deflate; server_max_window_bits=8",
    "server_9": "permessage-deflate; server_max_window_bits=9",
    "both_9": "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    "both_12": "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
    "both_15": "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    "all": "permessage-deflate; client_no_context_takeover; server_no_context_takeover; "
           "server_max_window_bits=10; client_max_window_bits=10",
    "browser": "permessage-deflate; client_max_window_bits, permessage-deflate",
}


def payload_of(corpus, size, rng):
    opcode, make = CORPORA[corpus]
    payload = make(size, rng)
    if opcode == BINARY:
        return opcode, payload
    return opcode, payload.encode()[:size].decode(errors="ignore").encode()


def offer(value):
    return {"headers": {"Sec-WebSocket-Extensions": value}}


def deflated(open_, value="permessage-deflate"):
    ws = open_(**offer(value))
    answer = ws.response.get("sec-websocket-extensions")
    assert answer, f"{value!r} was declined"
    return ws, Deflate(answer)


def exchange(ws, deflate, opcode, payload, cut=None):
    packed = deflate.compress(payload)
    if cut:
        pieces = fragments(opcode, packed, cut)
        pieces[0] = frame(opcode, packed[:cut], fin=len(pieces) == 1, rsv=RSV1)
        ws.send(b"".join(pieces))
    else:
        ws.send(frame(opcode, packed, rsv=RSV1))
    got = ws.read_message(deflate.decompress)
    assert got.opcode == opcode and got.payload == payload


class TestCompressedMessages:
    @pytest.mark.parametrize("corpus", CORPORA)
    @pytest.mark.parametrize("name", OFFERS)
    def test_cws_500_messages_of_all_sizes(self, target, name, corpus):
        rng = random.Random(f"{name} {corpus}")
        ws, deflate = deflated(target.open, OFFERS[name])
        with ws:
            for size in SIZES:
                for cut in (None, 1 + size // 7, 256):
                    exchange(ws, deflate, *payload_of(corpus, size, rng), cut=cut)
            ws.close()

    @pytest.mark.parametrize("name", ["plain", "no_takeover", "both_9"])
    def test_cws_501_thousand_messages(self, target, name):
        rng = random.Random(name)
        ws, deflate = deflated(target.open, OFFERS[name])
        with ws:
            for _ in range(1000):
                exchange(ws, deflate, *payload_of("json", rng.randrange(2000), rng))
            ws.close()

    @pytest.mark.parametrize("level", [0, 1, 9], ids=["stored", "fast", "best"])
    def test_cws_502_any_kind_of_block(self, target, level):
        rng = random.Random(level)
        ws, deflate = deflated(target.open)
        deflate.level = level
        with ws:
            for size in SIZES:
                exchange(ws, deflate, *payload_of("json", size, rng))
            ws.close()

    def test_cws_503_large_message(self, target):
        ws, deflate = deflated(lambda **options: target.open(30, **options))
        with ws:
            exchange(ws, deflate, TEXT, b"*" * (16 << 20))
            exchange(ws, deflate, *payload_of("prose", 4 << 20, random.Random(1)), cut=1000)
            ws.close()

    def test_cws_504_uncompressed_messages_stay_allowed(self, target):
        ws, deflate = deflated(target.open)
        with ws:
            for payload in (b"", b"plain", b"*" * 10_000):
                ws.send(frame(TEXT, payload))
                got = ws.read_message(deflate.decompress)
                assert got == Frame(TEXT, payload)
                exchange(ws, deflate, TEXT, payload)
            ws.close()

    def test_cws_505_final_blocks(self, target):
        ws, deflate = deflated(target.open)
        with ws:
            for payload in (b"Hello", b"", b"*" * 70_000, b"again"):
                packed = deflate.compress(payload, zlib.Z_FINISH)
                ws.send(frame(TEXT, packed, rsv=RSV1))
                assert ws.read_message(deflate.decompress) == Frame(TEXT, payload)
            exchange(ws, deflate, TEXT, b"and an ordinary one")
            ws.close()

    @pytest.mark.parametrize("packed, payload", [
        ("f248cdc9c90700", b"Hello"),                # RFC 7692 section 7.2.3.1
        ("000500faff48656c6c6f00", b"Hello"),        # 7.2.3.3: a block without compression
        ("f348cdc9c9070000", b"Hello"),              # 7.2.3.4: BFINAL
        ("f248050000 00ffffcac9c90700".replace(" ", ""), b"Hello"),  # 7.2.3.5: two blocks
        ("00", b""),                                 # 7.2.3.6
    ])
    def test_cws_506_examples_of_the_rfc(self, target, packed, payload):
        ws, deflate = deflated(target.open)
        with ws:
            ws.send(frame(TEXT, bytes.fromhex(packed), rsv=RSV1))
            assert ws.read_message(deflate.decompress) == Frame(TEXT, payload)
            ws.close()

    def test_cws_507_context_of_the_message_before(self, target):
        # RFC 7692 section 7.2.3.2: the second "Hello" refers back to the first.
        ws, deflate = deflated(target.open, "permessage-deflate; server_no_context_takeover")
        if deflate.send_reset:
            ws.drop()
            pytest.skip("this server keeps no context")
        with ws:
            for packed in ("f248cdc9c90700", "f200110000"):
                ws.send(frame(TEXT, bytes.fromhex(packed), rsv=RSV1))
                assert ws.read_message(deflate.decompress) == Frame(TEXT, b"Hello")
            ws.close()

    def test_cws_508_control_frames_between_fragments(self, target):
        ws, deflate = deflated(target.open)
        with ws:
            packed = deflate.compress(b"Hello, Hello, Hello")
            ws.send(frame(TEXT, packed[:3], fin=False, rsv=RSV1) + frame(PING, "p") +
                    frame(CONTINUATION, packed[3:]))
            ws.expect(Frame(PONG, b"p"))
            assert ws.read_message(deflate.decompress) == Frame(TEXT, b"Hello, Hello, Hello")
            ws.close()

    def test_cws_509_large_answers_are_compressed(self, target):
        ws, deflate = deflated(target.open)
        with ws:
            ws.send(frame(TEXT, b"*" * 10_000))
            got = ws.read_frame()
            assert got.rsv == RSV1 and len(got.payload) < 200
            assert deflate.decompress(got.payload) == b"*" * 10_000
            ws.close()


class TestBadCompression:
    @pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
    def test_cws_510_rsv1_on_control_closes_1002(self, target, opcode):
        ws, _ = deflated(target.open)
        with ws:
            ws.send(frame(opcode, close_body(1000) if opcode == CLOSE else b"x", rsv=RSV1))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
    def test_cws_511_other_reserved_bits_close_1002(self, target, rsv):
        ws, _ = deflated(target.open)
        with ws:
            ws.send(frame(TEXT, b"x", rsv=rsv))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("first", [0, RSV1])
    def test_cws_512_rsv1_on_continuation_closes_1002(self, target, first):
        ws, deflate = deflated(target.open)
        with ws:
            packed = deflate.compress(b"Hello, Hello")
            ws.send(frame(TEXT, packed[:2] if first else b"a", fin=False, rsv=first) +
                    frame(CONTINUATION, packed[2:], rsv=RSV1))
            ws.expect_closed(1002)

    def test_cws_513_rsv1_without_the_extension_closes_1002(self, target):
        with target.open() as ws:
            ws.send(frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=RSV1))
            ws.expect_closed(1002)

    @pytest.mark.parametrize("packed", [
        "ff" * 20, "07", "06000000", "f248cdc9c907ffffffff", "0005000000", "0400c0ffff" * 4,
        "aa00ff0011",
        # The second example of 7.2.3.2 without the first: there is nothing to refer to.
        "f200110000"], ids=lambda packed: packed[:12])
    def test_cws_514_corrupt_stream_closes_1007(self, target, packed):
        ws, _ = deflated(target.open)
        with ws:
            ws.send(frame(BINARY, bytes.fromhex(packed), rsv=RSV1))
            ws.expect_closed(1007)

    @pytest.mark.parametrize("payload", [b"\xff", b"abc\xc0\x80", b"\xed\xa0\x80", b"\xe3\x81"])
    @pytest.mark.parametrize("cut", [None, 1])
    def test_cws_516_invalid_utf8_inside_closes_1007(self, target, payload, cut):
        ws, deflate = deflated(target.open)
        with ws:
            packed = deflate.compress(payload)
            pieces = fragments(TEXT, packed, cut or 1000)
            pieces[0] = frame(TEXT, packed[:cut or 1000], fin=len(pieces) == 1, rsv=RSV1)
            ws.send(b"".join(pieces))
            ws.expect_closed(1007)


class TestDecompressionLimits:
    def test_cws_520_inflated_size_counts(self, shared_httpd):
        # 33 MB of zeros in 32 kB.
        ws, deflate = deflated(lambda **options: shared_httpd.open(timeout=30, **options))
        with ws:
            ws.send(frame(BINARY, deflate.compress(bytes((32 << 20) + 1)), rsv=RSV1))
            ws.expect_closed(1009, timeout=10)

    def test_cws_521_inflated_size_counts_across_fragments(self, shared_httpd):
        ws, deflate = deflated(lambda **options: shared_httpd.open(timeout=30, **options))
        with ws:
            packed = deflate.compress(bytes(64 << 20))
            pieces = fragments(BINARY, packed, 1000)
            pieces[0] = frame(BINARY, packed[:1000], fin=False, rsv=RSV1)
            ws.send(b"".join(pieces))
            ws.expect_closed(1009, timeout=10)


DECLINED = [
    "permessage-deflate; unknown", "permessage-deflate; unknown=1",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits=010",
    "permessage-deflate; server_max_window_bits=x", "permessage-deflate; server_max_window_bits=+9",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=09",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_no_context_takeover=true",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=9; server_max_window_bits=10",
    "x-webkit-deflate-frame", "deflate", "permessage-bzip2", "mux"]


class TestNegotiation:
    @pytest.mark.parametrize("value", DECLINED)
    def test_cws_530_bad_offers_are_declined(self, target, value):
        with target.open(**offer(value)) as ws:
            assert ws.response.get("sec-websocket-extensions") is None
            ws.send(frame(TEXT, "still works"))
            ws.expect(Frame(TEXT, b"still works"))
            ws.close()

    @pytest.mark.parametrize("bad", DECLINED)
    def test_cws_531_the_next_good_offer_counts(self, target, bad):
        ws, deflate = deflated(target.open, f"{bad}, permessage-deflate")
        with ws:
            exchange(ws, deflate, TEXT, b"Hello")
            ws.close()

    @pytest.mark.parametrize("bits", range(8, 16))
    def test_cws_532_server_window_bits_are_kept(self, target, bits):
        ws, _ = deflated(target.open, f"permessage-deflate; server_max_window_bits={bits}")
        with ws:
            _, agreed = parse_extension(ws.response.get("sec-websocket-extensions"))
            assert int(agreed["server_max_window_bits"]) <= bits

    @pytest.mark.parametrize("bits", range(8, 16))
    def test_cws_533_client_window_bits_are_a_hint(self, target, bits):
        ws, deflate = deflated(target.open, f"permessage-deflate; client_max_window_bits={bits}")
        with ws:
            _, agreed = parse_extension(ws.response.get("sec-websocket-extensions"))
            assert 8 <= int(agreed.get("client_max_window_bits") or 15) <= 15
            exchange(ws, deflate, TEXT, b"Hello " * 1000)
            ws.close()

    def test_cws_534_client_window_bits_only_if_offered(self, target):
        # RFC 7692 section 7.1.2.2
        for value in ("permessage-deflate", "permessage-deflate; server_max_window_bits=10"):
            with target.open(**offer(value)) as ws:
                assert "client_max_window_bits" not in ws.response.get("sec-websocket-extensions")

    def test_cws_535_server_no_context_takeover_is_confirmed(self, target):
        # RFC 7692 section 7.1.1.1
        ws, _ = deflated(target.open, "permessage-deflate; server_no_context_takeover")
        with ws:
            assert "server_no_context_takeover" in ws.response.get("sec-websocket-extensions")

    @pytest.mark.parametrize("value", [
        'permessage-deflate; server_max_window_bits="10"', "permessage-deflate;server_max_window_bits=10",
        "permessage-deflate ; server_max_window_bits = 10".replace(" = ", "="),
        "unknown; a=1, , permessage-deflate; server_max_window_bits=10"])
    def test_cws_536_spellings(self, target, value):
        ws, deflate = deflated(target.open, value)
        with ws:
            assert deflate.receive_bits == 10
            exchange(ws, deflate, TEXT, b"Hello")

    def test_cws_537_offers_in_several_headers(self, target):
        with target.open(headers={"Sec-WebSocket-Extensions": "unknown"},
                         more=[("Sec-WebSocket-Extensions", "permessage-deflate")]) as ws:
            assert ws.response.get("sec-websocket-extensions").startswith("permessage-deflate")

    def test_cws_538_one_extension_is_answered_once(self, target):
        with target.open(**offer("permessage-deflate, permessage-deflate")) as ws:
            answers = ws.response.all("sec-websocket-extensions")
            assert len(answers) == 1 and answers[0].count("permessage-deflate") == 1

    @pytest.mark.parametrize("value", ["permessage-deflate; =1", "permessage-deflate; a b",
                                       "permessage-deflate; a=\"unfinished", "per message",
                                       "permessage-deflate;", "(comment)"])
    def test_cws_539_malformed_header_is_refused_or_ignored(self, target, value):
        from harness.raw import Connection, upgrade_request
        with Connection(target.address) as ws:
            answer = ws.ask(upgrade_request(target.path, f"127.0.0.1:{target.address[1]}",
                                            headers={"Sec-WebSocket-Extensions": value}))
            assert answer.status in (101, 400)
            assert answer.get("sec-websocket-extensions") is None
