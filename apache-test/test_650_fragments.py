"""Messages of any size: received in fragments, and sent out of files. What they take of memory."""
import zlib

import pytest

from harness import build
from harness.deflate import TAIL
from harness.h2_client import H2Session
from harness.raw import BINARY, CONTINUATION, PING, PONG, TEXT, frame
from test_700_drafts import DRAFT_76, Drafts

MIB = 1 << 20
BOTH_STYLES = pytest.mark.parametrize("path", ["/parts", "/parts_blocking"])
BYTES = bytes(range(256)) * 4096
WORDS = ("fast and 速い, 😀 " * 60_000).encode()
DEFLATE = {"headers": {"Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover"}}


class Peak:
    """How much a child's memory has grown at most since this was made."""

    def __init__(self, httpd):
        self.httpd = httpd
        self.child, = httpd.children()
        with open(f"/proc/{self.child}/clear_refs", "w") as refs:
            refs.write("5")  # proc(5): the peak counts from now on
        self.before = httpd.memory(self.child)

    def require_below(self, most):
        grown = self.httpd.memory(self.child, "VmHWM") - self.before
        assert build.SANITIZER or grown < most, f"{grown >> 10} KiB more than before"


def upload(ws, opcode, chunk, count, ask=lambda ws: ws.read_text()):
    """One frame with `count` times the chunk."""
    ws.send(frame(opcode, length=count * len(chunk), key=bytes(4)))
    for _ in range(count):
        ws.send(chunk)
    return ask(ws)


def deflated(opcode, chunk, count):
    """The frames of one compressed message."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    for i in range(count):
        packed = compressor.compress(chunk) + compressor.flush(zlib.Z_SYNC_FLUSH)
        end = i == count - 1
        yield frame(CONTINUATION if i else opcode, packed.removesuffix(TAIL) if end else packed, fin=end,
                    rsv=0 if i else 4, key=bytes(4))


def told(answer, kind, chunk, count):
    """The handler has seen these bytes, and never many of them at once."""
    was, size, checksum, largest = answer.split()
    adler = 1
    for _ in range(count):
        adler = zlib.adler32(chunk, adler)
    assert (was, int(size), int(checksum)) == (kind, count * len(chunk), adler)
    assert int(largest) <= 192 << 10


def fetch(ws, path, *, offset=0, length="all", kind="binary", inflate=None):
    ws.text(f"file {offset} {length} {kind} {path}")
    return ws.read_message(inflate).payload


class TestReceiving:
    CONFIG = "WebSocketCompression On"
    OPTIONS = {"one_child": True}

    @BOTH_STYLES
    def test_cws_650_a_large_message_takes_little_memory(self, httpd, path, long):
        count = 1024 if long else 96
        with httpd.open(path, timeout=60) as ws:
            told(upload(ws, BINARY, BYTES, 2), "binary", BYTES, 2)
            peak = Peak(httpd)
            told(upload(ws, BINARY, BYTES, count), "binary", BYTES, count)
            peak.require_below(2 * MIB)
            ws.close()

    @BOTH_STYLES
    def test_cws_651_nor_does_a_text_or_with_a_slow_handler(self, httpd, path):
        with httpd.open(path + "?slow") as ws:
            told(upload(ws, TEXT, WORDS, 1), "text", WORDS, 1)
            peak = Peak(httpd)
            told(upload(ws, TEXT, WORDS, 10), "text", WORDS, 10)
            peak.require_below(2 * MIB)

    @BOTH_STYLES
    def test_cws_652_nor_one_that_is_compressed(self, httpd, path):
        with httpd.open(path + "?slow", **DEFLATE) as ws:
            def exchange(chunk, count, kind):
                for each in deflated(TEXT if kind == "text" else BINARY, chunk, count):
                    ws.send(each)
                told(ws.read_text(), kind, chunk, count)
            exchange(WORDS, 1, "text")
            peak = Peak(httpd)
            exchange(WORDS, 10, "text")
            exchange(bytes(MIB), 32, "binary")
            peak.require_below(2 * MIB)

    @BOTH_STYLES
    def test_cws_653_control_frames_in_between(self, httpd, path):
        with httpd.open(path) as ws:
            for i in range(3):
                ws.send(frame(CONTINUATION if i else BINARY, BYTES[:1000], fin=False) + frame(PING, str(i)))
                assert ws.read_frame()[:2] == (PONG, str(i).encode())
            ws.send(frame(CONTINUATION, b""))
            told(ws.read_text(), "binary", BYTES[:1000], 3)

    @BOTH_STYLES
    def test_cws_654_text_is_validated_across_the_pieces(self, httpd, path):
        with httpd.open(path) as ws:
            ws.send(frame(TEXT, "語".encode()[:2], fin=False) + frame(CONTINUATION, b"a", fin=False))
            ws.expect_closed(1007)

    @BOTH_STYLES
    def test_cws_655_above_the_handlers_limit_is_1009(self, httpd, path):
        with httpd.open(path) as ws:
            ws.send(frame(BINARY, length=(2 << 30) + 1))
            ws.expect_closed(1009)

    @BOTH_STYLES
    @pytest.mark.parametrize("how, code", [("return", 1000), ("throw", 1003)])
    def test_cws_656_the_rest_of_a_message_is_dropped_in_order(self, httpd, path, how, code):
        with httpd.open(f"{path}?{how}") as ws:
            ws.send(frame(BINARY, length=8 * MIB, key=bytes(4)) + b"x" * 1000)
            assert ws.read_close()[0] == code
            ws.send(bytes(8 * MIB - 1000))
            ws.send(frame(PING, b"means nothing now"))
            ws.send(frame(8, code.to_bytes(2, "big")))
            ws.expect_eof()

    @BOTH_STYLES
    def test_cws_657_what_is_gathered_is_bounded(self, httpd, path):
        with httpd.open(path + "?whole") as ws:
            ws.send(frame(BINARY, BYTES))
            assert ws.read_text().split()[:2] == ["binary", str(len(BYTES))]
            ws.send(frame(BINARY, BYTES + b"x"))
            ws.expect_closed(1009)


class TestSending:
    CONFIG = "WebSocketCompression On"
    OPTIONS = {"one_child": True}

    @pytest.fixture
    def file(self, httpd):
        path = httpd.root / "htdocs/file"
        path.write_bytes(BYTES * 64)
        return path

    @BOTH_STYLES
    def test_cws_658_a_large_file_takes_little_memory(self, httpd, path, file):
        with httpd.open(path) as ws, httpd.open("/echo") as other:
            assert fetch(ws, file, length=MIB) == BYTES
            peak = Peak(httpd)
            ws.text(f"file 0 all binary {file}")
            first = ws.read_frame()
            assert other.ask_text("meanwhile") == "meanwhile"  # while nobody reads the file
            ws.send(frame(PING, b"x"))
            adler, size, got, ponged = zlib.adler32(first.payload), len(first.payload), first, False
            while not got.fin or got.opcode == PONG:
                got = ws.read_frame()
                ponged = ponged or got.opcode == PONG
                if got.opcode == CONTINUATION:
                    adler, size = zlib.adler32(got.payload, adler), size + len(got.payload)
            assert size == 64 * MIB and adler == zlib.adler32(BYTES * 64) and ponged
            peak.require_below(2 * MIB)

    @BOTH_STYLES
    def test_cws_659_longer_and_shorter_files(self, httpd, path, file):
        with httpd.open(path) as ws:
            assert fetch(ws, file, offset=255, length=100_000) == BYTES[255:100_255]
            assert fetch(ws, file, offset=64 * MIB) == b""
            ws.text(f"file 1000 {64 * MIB} binary {file}")
            while (got := ws.read_frame()).opcode != 8:
                assert not got.fin
            assert got.payload[:2] == (1011).to_bytes(2, "big")
            httpd.expect_log("the file is shorter than that")

    @BOTH_STYLES
    def test_cws_660_texts_compressed(self, httpd, path):
        text = httpd.root / "htdocs/text"
        text.write_bytes(WORDS)
        with httpd.open(path, **DEFLATE) as ws:
            takeover = zlib.decompressobj(-15)
            assert fetch(ws, text, kind="text",
                         inflate=lambda packed: takeover.decompress(packed + TAIL)) == WORDS


class TestOverTls:
    CONFIG = ""
    OPTIONS = {"tls_config": "", "one_child": True}

    @BOTH_STYLES
    def test_cws_661_both_ways(self, httpd, path):
        file = httpd.root / "htdocs/file"
        file.write_bytes(BYTES * 8)
        with httpd.open(path) as ws:
            told(upload(ws, BINARY, BYTES, 2), "binary", BYTES, 2)
            assert fetch(ws, file) == BYTES * 8
            peak = Peak(httpd)
            told(upload(ws, BINARY, BYTES, 32), "binary", BYTES, 32)
            peak.require_below(2 * MIB)


class TestOverHttp2:
    CONFIG = "Protocols h2c http/1.1\nH2WebSockets On\nWebSocketHTTP2 On"
    OPTIONS = {"modules": ("http2",), "one_child": True}

    @BOTH_STYLES
    def test_cws_662_both_ways(self, httpd, path):
        file = httpd.root / "htdocs/file"
        file.write_bytes(BYTES * 2)
        with H2Session(httpd.address) as session:
            ws = session.open(path)
            told(upload(ws, BINARY, BYTES, 2), "binary", BYTES, 2)
            assert fetch(ws, file) == BYTES * 2
            peak = Peak(httpd)
            told(upload(ws, BINARY, BYTES, 16), "binary", BYTES, 16)
            peak.require_below(4 * MIB)  # mod_http2 has buffers of its own
            ws.close()


class TestOfDrafts(Drafts):
    OPTIONS = {"one_child": True}

    @BOTH_STYLES
    def test_cws_663_a_large_text(self, httpd, path):
        def send(count):
            ws.send(b"\x00")
            for _ in range(count):
                ws.send(WORDS)
            ws.send(b"\xff")
            told(ws.read_until(b"\xff")[1:-1].decode(), "text", WORDS, count)
        with self.open(httpd, DRAFT_76, path) as ws:
            send(1)
            peak = Peak(httpd)
            send(20)
            peak.require_below(2 * MIB)
