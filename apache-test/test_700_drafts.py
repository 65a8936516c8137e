"""The drafts of 2010, by the vectors of their texts and by Perl's Protocol::WebSocket."""
import json
import socket
import subprocess
import time

import pytest

from harness import build

# draft-hixie-thewebsocketprotocol-76 section 1.2, but for the path.
DRAFT_76 = ("GET {path} HTTP/1.1\r\n"
            "Host: example.com\r\n"
            "Connection: Upgrade\r\n"
            "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"
            "{more}"
            "Upgrade: WebSocket\r\n"
            "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
            "Origin: http://example.com\r\n"
            "\r\n"
            "^n:ds[4U")
# The seed's example; draft-75 section 1.2.
DRAFT_75 = ("GET {path} HTTP/1.1\r\n"
            "Upgrade: WebSocket\r\n"
            "Connection: Upgrade\r\n"
            "Host: example.com\r\n"
            "Origin: http://example.com\r\n"
            "{more}"
            "\r\n")


def request(draft, path="/echo", more="", **replace):
    text = draft.replace("{path}", path).replace("{more}", more)
    for old, new in replace.get("change", {}).items():
        assert old in text
        text = text.replace(old, new)
    return text.encode("latin-1")


def text_frame(text):
    return b"\x00" + (text.encode() if isinstance(text, str) else text) + b"\xff"


def size_frame(kind, size):
    groups = [size & 0x7F]
    while size := size >> 7:
        groups.insert(0, 0x80 | size & 0x7F)
    return bytes([kind, *groups])


class Drafts:
    CONFIG = "ServerName example.com\nWebSocketLegacyProtocols On\nWebSocketMaxMessageSize 1M"

    def open(self, httpd, draft, path="/echo", more="", behind=b""):
        ws = httpd.connect()
        ws.send(request(draft, path, more) + behind)
        ws.response = ws.read_response()
        assert ws.response.status == 101, ws.response
        if draft is DRAFT_76:
            assert ws.read_exactly(16) == b"8jKS'y:G*Co,Wxa-"
        return ws

    def ask(self, ws, text):
        ws.send(text_frame(text))
        got = ws.read_until(b"\xff")
        assert got[:1] == b"\x00"
        return got[1:-1].decode()


BOTH = pytest.mark.parametrize("draft", [DRAFT_75, DRAFT_76], ids=["draft75", "draft76"])
STYLES = pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])


class TestDraftHandshakes(Drafts):
    def test_cws_700_answer_of_draft_76(self, httpd):
        with self.open(httpd, DRAFT_76) as ws:
            assert ws.response.reason == "WebSocket Protocol Handshake"
            assert ws.response.headers[:2] == [("upgrade", "WebSocket"), ("connection", "Upgrade")]
            assert ws.response.get("sec-websocket-origin") == "http://example.com"
            assert ws.response.get("sec-websocket-location") == "ws://example.com/echo"
            assert ws.response.get("sec-websocket-accept") is None

    def test_cws_701_answer_of_draft_75(self, httpd):
        with self.open(httpd, DRAFT_75) as ws:
            assert ws.response.reason == "Web Socket Protocol Handshake"
            assert ws.response.headers[:2] == [("upgrade", "WebSocket"), ("connection", "Upgrade")]
            assert ws.response.get("websocket-origin") == "http://example.com"
            assert ws.response.get("websocket-location") == "ws://example.com/echo"

    @pytest.mark.parametrize("draft, name", [(DRAFT_75, "WebSocket-Protocol"),
                                             (DRAFT_76, "Sec-WebSocket-Protocol")],
                             ids=["draft75", "draft76"])
    def test_cws_702_subprotocol(self, httpd, draft, name):
        with self.open(httpd, draft, "/probe?protocol=sample", f"{name}: sample\r\n") as ws:
            assert ws.response.all(name) == ["sample"]

    def test_cws_703_challenge_of_section_1_3(self, httpd):
        change = {"12998 5 Y3 1  .P00": "1_ tx7X d  <  nw  334J702) 7]o}` 0",
                  "4 @1  46546xW%0l 1 5": "18x 6]8vM;54 *(5:  {   U1]8  z [  8",
                  "^n:ds[4U": "Tm[K T2u"}
        with httpd.connect() as ws:
            assert ws.ask(request(DRAFT_76, change=change)).status == 101
            assert ws.read_exactly(16) == b"fQJ,fN/4F4!~K~MH"

    def test_cws_704_key3_in_a_packet_of_its_own(self, httpd):
        data = request(DRAFT_76)
        with httpd.connect() as ws:
            ws.send(data[:-8])
            time.sleep(0.1)
            ws.send(data[-8:], chop=3, pause=0.02)
            assert ws.read_response().status == 101
            assert ws.read_exactly(16) == b"8jKS'y:G*Co,Wxa-"
            assert self.ask(ws, "hello") == "hello"

    @BOTH
    def test_cws_705_frames_behind_the_handshake(self, httpd, draft):
        with self.open(httpd, draft, behind=text_frame("one") + b"\x00tw") as ws:
            assert ws.read_exactly(5) == text_frame("one")
            ws.send(b"o\xff")
            assert ws.read_exactly(5) == text_frame("two")

    @pytest.mark.parametrize("change", [
        {"12998 5 Y3 1  .P00": "12998"},          # no space
        {"12998 5 Y3 1  .P00": "12998 5 Y3 1  .P01"},  # does not divide
        {"12998 5 Y3 1  .P00": " a b "},          # no digit
        {"4 @1  46546xW%0l 1 5": "99999999999999999999 "},
        {"Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n": ""},
        {"Origin: http://example.com\r\n": ""}], ids=str)
    def test_cws_706_bad_handshakes_of_draft_76(self, httpd, change):
        with httpd.connect() as ws:
            assert ws.ask(request(DRAFT_76, change=change)).status == 400

    def test_cws_707_draft_75_needs_an_origin(self, httpd):
        with httpd.connect() as ws:
            change = {"Origin: http://example.com\r\n": ""}
            assert ws.ask(request(DRAFT_75, change=change)).status == 400

    @BOTH
    def test_cws_708_origin_policy_holds(self, httpd, draft):
        with httpd.connect() as ws:
            change = {"Origin: http://example.com": "Origin: http://evil.example"}
            assert ws.ask(request(draft, change=change)).status == 403

    @BOTH
    def test_cws_709_handler_may_refuse(self, httpd, draft):
        httpd.allow_log("probe refuses")
        with httpd.connect() as ws:
            assert ws.ask(request(draft, "/probe?refuse=451")).status == 451

    @pytest.mark.parametrize("draft, version", [(DRAFT_75, 2), (DRAFT_76, 1)],
                             ids=["draft75", "draft76"])
    def test_cws_710_properties(self, httpd, draft, version):
        with self.open(httpd, draft, "/probe?x=1") as ws:
            said = json.loads(self.ask(ws, "properties"))
            assert said["version"] == version
            assert said["location"] == "ws://example.com/probe?x=1"
            assert said["origin"] == "http://example.com"
            assert said["resource"] == "/probe"


class TestDraftFrames(Drafts):
    @BOTH
    @STYLES
    def test_cws_711_texts_are_echoed(self, httpd, draft, path):
        with self.open(httpd, draft, path) as ws:
            for message in ("", "Hello", "もももすももももものうち", "x" * 70_000):
                assert self.ask(ws, message) == message
            for byte in text_frame("slowly あ"):
                ws.send(bytes([byte]))
            assert ws.read_until(b"\xff") == text_frame("slowly あ")

    @BOTH
    def test_cws_712_bad_utf8_becomes_replacement_characters(self, httpd, draft):
        with self.open(httpd, draft) as ws:
            ws.send(text_frame(b"a\x80b") + text_frame(b"\xc3(") + text_frame(b"good"))
            assert ws.read_until(b"\xff") == text_frame("a\ufffdb")
            assert ws.read_until(b"\xff") == text_frame("\ufffd(")
            assert ws.read_until(b"\xff") == text_frame("good")

    @BOTH
    def test_cws_713_frames_with_a_length_are_discarded(self, httpd, draft):
        with self.open(httpd, draft) as ws:
            for kind in (0x80, 0x81, 0xFE):
                for size in (1, 127, 128, 5000, 70_000):
                    ws.send(size_frame(kind, size) + b"\x00\xff" * (size // 2) + b"x" * (size % 2))
                    assert self.ask(ws, f"behind {size}") == f"behind {size}"

    @BOTH
    def test_cws_714_other_kinds_of_text_are_discarded(self, httpd, draft):
        with self.open(httpd, draft) as ws:
            ws.send(b"\x01ignored\xff\x7f\xff")
            assert self.ask(ws, "heard") == "heard"

    @BOTH
    def test_cws_715_too_large_ends_the_connection(self, httpd, draft):
        with self.open(httpd, draft) as ws:
            ws.send(b"\x00" + b"x" * ((1 << 20) + 1))
            ws.socket.settimeout(3)
            rest = b""
            while more := ws.socket.recv(100):
                rest += more
            assert rest in (b"", b"\xff\x00")
        with self.open(httpd, draft) as ws:
            ws.send(b"\x80" + b"\xff" * 20)
            ws.socket.settimeout(3)
            while ws.socket.recv(100):
                pass

    def test_cws_716_closing_handshake_of_draft_76(self, httpd):
        with self.open(httpd, DRAFT_76) as ws:
            ws.send(text_frame("last") + b"\xff\x00" + text_frame("late"))
            assert ws.read_exactly(6) == text_frame("last")
            assert ws.read_exactly(2) == b"\xff\x00"
            assert ws.expect_eof() < 1

    def test_cws_717_server_closes_draft_76(self, httpd):
        with self.open(httpd, DRAFT_76, "/probe") as ws:
            ws.send(text_frame("return"))
            assert ws.read_exactly(2) == b"\xff\x00"
            ws.send(b"\xff\x00")
            assert ws.expect_eof() < 1

    def test_cws_718_server_closes_draft_75_by_ending_tcp(self, httpd):
        with self.open(httpd, DRAFT_75, "/probe") as ws:
            ws.send(text_frame("return"))
            assert ws.expect_eof() < 1

    def test_cws_719_client_ends_draft_75_by_ending_tcp(self, httpd):
        mark = httpd.error_log.mark()
        with self.open(httpd, DRAFT_75, "/probe") as ws:
            ws.socket.shutdown(socket.SHUT_WR)
            assert ws.expect_eof() < 1
        httpd.error_log.wait_for("probe: transfer ended", mark)

    @BOTH
    def test_cws_720_what_the_drafts_lack_is_a_bad_operation(self, httpd, draft):
        with self.open(httpd, draft, "/probe") as ws:
            assert self.ask(ws, "misuse ping") == "BadOperationException"
            assert self.ask(ws, "misuse text") == "InvalidUTF8Exception"


class TestDraftsOff:
    CONFIG = "WebSocketLegacyProtocols Off"

    @BOTH
    def test_cws_721_refused_as_an_unknown_version(self, httpd, draft):
        with httpd.connect() as ws:
            answer = ws.ask(request(draft))
            assert answer.status == 426
            assert answer.get("sec-websocket-version") == "13"

    def test_cws_722_rfc_6455_is_served(self, httpd):
        httpd.open().close()


class TestDraftsPerLocation:
    CONFIG = "ServerName example.com\n<Location /echo>\nWebSocketLegacyProtocols On\n</Location>"

    def test_cws_723_only_where_it_is_on(self, httpd):
        with httpd.connect() as ws:
            assert ws.ask(request(DRAFT_76)).status == 101
        with httpd.connect() as ws:
            assert ws.ask(request(DRAFT_76, "/probe")).status == 426


class TestPerl(Drafts):
    @STYLES
    @pytest.mark.parametrize("version", ["draft-hixie-75", "draft-ietf-hybi-00",
                                         "draft-ietf-hybi-17"])
    def test_cws_724_protocol_websocket(self, httpd, version, path):
        messages = ["Hello", "もももすももももものうち", "x" * 5000]
        done = subprocess.run(
            ["perl", str(build.TESTS / "clients/draft_client.pl"), version,
             f"ws://127.0.0.1:{httpd.port}{path}", f"http://127.0.0.1:{httpd.port}", *messages],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout.decode().split("\n") == ["handshake", *messages, "closed", ""]
