"""RFC 6455 section 4.2: which opening handshakes are accepted, and how the others are refused."""
import base64
import time

import pytest

from harness.conformance import text
from harness.raw import PING, TEXT, frame, upgrade_request

BASE64_16 = base64.b64encode(b"0123456789abcdef").decode()


class TestAccepted:
    def test_cws_100_answer(self, httpd):
        with httpd.open() as ws:
            answer = ws.response
            assert (answer.status, answer.reason) == (101, "Switching Protocols")
            assert answer.all("upgrade") == ["websocket"]
            assert [value.lower() for value in answer.all("connection")] == ["upgrade"]
            assert answer.get("sec-websocket-protocol") is None
            assert answer.get("sec-websocket-extensions") is None
            assert answer.get("content-length") is None
            ws.close()

    def test_cws_101_accept_value_of_the_rfc(self, httpd):
        # RFC 6455 section 1.3
        key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        answer = httpd.ask(headers=key)
        assert answer.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    @pytest.mark.parametrize("headers", [
        {"Upgrade": "WebSocket"}, {"Upgrade": "WEBSOCKET"}, {"Connection": "upgrade"},
        {"Connection": "keep-alive, Upgrade"}, {"Connection": "Upgrade,keep-alive"},
        {"Connection": "foo, , UPGRADE"}, {"Sec-WebSocket-Version": " 13 "},
        {"Sec-WebSocket-Protocol": None}, {"User-Agent": "x" * 4000},
        {"Sec-WebSocket-Protocol": ""}, {"Sec-WebSocket-Protocol": ", ,"}, {"Sec-WebSocket-Extensions": ""},
        {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}],
        ids=lambda headers: str(headers)[:50])
    def test_cws_102_spellings(self, httpd, headers):
        with httpd.open(headers=headers) as ws:
            assert ws.ask_text("works") == "works"
            ws.close()

    def test_cws_103_connection_in_two_headers(self, httpd):
        with httpd.open(headers={"Connection": "keep-alive"}, more=[("Connection", "Upgrade")]) as ws:
            assert ws.ask_text("works") == "works"

    def test_cws_104_lower_case_header_names(self, httpd):
        request = upgrade_request(host=f"127.0.0.1:{httpd.port}")
        lines = request.split(b"\r\n")
        lower = [lines[0]] + [name.lower() + b":" + value for name, colon, value in
                              (line.partition(b":") for line in lines[1:-2])]
        with httpd.connect() as ws:
            assert ws.ask(b"\r\n".join(lower) + b"\r\n\r\n").status == 101

    def test_cws_105_upgrade_of_a_kept_alive_connection(self, httpd):
        get = f"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\n\r\n".encode()
        with httpd.connect() as ws:
            for _ in range(3):
                assert ws.ask(get).status == 200
            ws.upgrade(host=f"127.0.0.1:{httpd.port}")
            assert ws.ask_text("after keep-alive") == "after keep-alive"
            ws.close()

    def test_cws_106_upgrade_pipelined_behind_a_request(self, httpd):
        get = f"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\n\r\n".encode()
        with httpd.connect() as ws:
            ws.send(get + upgrade_request(host=f"127.0.0.1:{httpd.port}") + frame(TEXT, "third"))
            assert ws.read_response().status == 200
            assert ws.read_response().status == 101
            assert ws.read_text() == "third"
            ws.close()

    def test_cws_107_frames_in_the_packet_of_the_handshake(self, httpd):
        with httpd.open(behind=b"".join(frame(TEXT, f"{i}") for i in range(200))) as ws:
            ws.expect(*(text(f"{i}") for i in range(200)))
            ws.close()

    @pytest.mark.parametrize("cut", [1, 3, 6, 20, 199])
    def test_cws_108_part_of_a_frame_in_the_packet_of_the_handshake(self, httpd, cut):
        whole = frame(TEXT, "*" * 200)
        with httpd.open(behind=frame(PING, "first") + whole[:cut]) as ws:
            time.sleep(0.05)
            ws.send(whole[cut:])
            from harness.conformance import pong
            ws.expect(pong(b"first"), text("*" * 200))
            ws.close()

    def test_cws_109_large_message_in_the_packet_of_the_handshake(self, httpd):
        with httpd.open(behind=frame(TEXT, "*" * 300_000) + frame(TEXT, "next")) as ws:
            ws.expect(text("*" * 300_000), text("next"))
            ws.close()

    def test_cws_110_handshake_in_single_bytes(self, httpd):
        with httpd.connect() as ws:
            ws.send(upgrade_request(host=f"127.0.0.1:{httpd.port}"), chop=1)
            assert ws.read_response().status == 101
            assert ws.ask_text("slow") == "slow"

    def test_cws_111_silence_then_a_message(self, httpd):
        with httpd.open() as ws:
            ws.expect_silence(0.3)
            assert ws.ask_text("hello") == "hello"


# What is wrong, the status, and words of the body that say so.
REFUSED = {
    "no_key": (dict(headers={"Sec-WebSocket-Key": None}), 400, "Sec-WebSocket-Key"),
    "empty_key": (dict(headers={"Sec-WebSocket-Key": ""}), 400, "Sec-WebSocket-Key"),
    "short_key": (dict(headers={"Sec-WebSocket-Key": "YWJj"}), 400, "Sec-WebSocket-Key"),
    "long_key": (dict(headers={"Sec-WebSocket-Key": BASE64_16[:-2] + "Z2g="}), 400,
                 "Sec-WebSocket-Key"),
    "key_not_base64": (dict(headers={"Sec-WebSocket-Key": "!" * 22 + "=="}), 400,
                       "Sec-WebSocket-Key"),
    "key_without_padding": (dict(headers={"Sec-WebSocket-Key": BASE64_16[:-2]}), 400,
                            "Sec-WebSocket-Key"),
    "two_keys": (dict(more=[("Sec-WebSocket-Key", BASE64_16)]), 400, "Sec-WebSocket-Key"),
    "version_0": (dict(headers={"Sec-WebSocket-Version": "0"}), 426, "13"),
    "version_7": (dict(headers={"Sec-WebSocket-Version": "7"}), 426, "13"),
    "version_8": (dict(headers={"Sec-WebSocket-Version": "8"}), 426, "13"),
    "version_12": (dict(headers={"Sec-WebSocket-Version": "12"}), 426, "13"),
    "version_14": (dict(headers={"Sec-WebSocket-Version": "14"}), 426, "13"),
    "version_013": (dict(headers={"Sec-WebSocket-Version": "013"}), 400, "Sec-WebSocket-Version"),
    "version_130": (dict(headers={"Sec-WebSocket-Version": "130"}), 426, "13"),
    "version_word": (dict(headers={"Sec-WebSocket-Version": "thirteen"}), 400,
                     "Sec-WebSocket-Version"),
    "no_connection": (dict(headers={"Connection": None}), 400, "Connection"),
    "connection_keep_alive": (dict(headers={"Connection": "keep-alive"}), 400, "Connection"),
    "connection_upgraded": (dict(headers={"Connection": "upgraded"}), 400, "Connection"),
    "protocol_not_a_token": (dict(headers={"Sec-WebSocket-Protocol": "a b"}), 400,
                             "Sec-WebSocket-Protocol"),
    "protocol_twice": (dict(headers={"Sec-WebSocket-Protocol": "chat, chat"}), 400,
                       "Sec-WebSocket-Protocol"),
}


class TestRefused:
    @pytest.mark.parametrize("name", REFUSED)
    def test_cws_120_refused_with_a_reason(self, httpd, name):
        options, status, words = REFUSED[name]
        answer = httpd.ask(**options)
        assert answer.status == status
        assert words in answer.body.decode()
        assert answer.get("sec-websocket-accept") is None
        if status == 426:  # RFC 6455 section 4.4
            assert answer.all("sec-websocket-version") == ["13"]
            assert "websocket" in answer.get("upgrade").lower()

    def test_cws_121_no_version_is_refused(self, httpd):
        answer = httpd.ask(headers={"Sec-WebSocket-Version": None})
        assert answer.status in (400, 426)
        assert answer.get("sec-websocket-version") == "13"

    def test_cws_122_http_1_0_is_refused(self, httpd):
        answer = httpd.ask(version="HTTP/1.0")
        assert answer.status == 505 and "proxy_http_version 1.1" in answer.body.decode()

    def test_cws_123_no_host_is_refused(self, httpd):
        assert httpd.ask(headers={"Host": None}).status == 400

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
    def test_cws_124_other_methods_are_refused(self, httpd, method):
        answer = httpd.ask(method=method, headers={"Content-Length": "0"})
        assert answer.status in (400, 404, 405, 200 if method == "OPTIONS" else 405)
        assert answer.get("sec-websocket-accept") is None

    def test_cws_125_head_is_not_upgraded(self, httpd):
        with httpd.connect() as ws:
            answer = ws.ask(upgrade_request(method="HEAD", host=f"127.0.0.1:{httpd.port}"),
                            head_only=True)
            assert answer.status in (400, 404, 405)

    def test_cws_126_a_refused_connection_serves_on(self, httpd):
        # 400 of a request without a body leaves the connection usable or closes it; either way
        # the next client is served.
        assert httpd.ask(headers={"Sec-WebSocket-Key": "x"}).status == 400
        assert httpd.get("/index.html").status == 200
        with httpd.open() as ws:
            assert ws.ask_text("fine") == "fine"

    def test_cws_127_body_of_a_refusal_shows_no_markup_of_the_client(self, httpd):
        answer = httpd.ask(headers={"Sec-WebSocket-Version": "<script>alert(1)</script>"})
        assert answer.status in (400, 426) and b"<script>" not in answer.body


class TestUntouched:
    def test_cws_130_no_handler_is_httpds_404(self, httpd):
        upgraded, plain = httpd.ask("/no_such_handler"), httpd.get("/no_such_handler")
        assert upgraded.status == plain.status == 404
        assert upgraded.get("sec-websocket-version") is None

    def test_cws_131_no_upgrade_goes_to_httpd(self, httpd):
        answer = httpd.get("/echo")
        assert answer.status == 426 and answer.get("upgrade") == "websocket"
        assert b"without Upgrade: websocket" in answer.body
        (httpd.root / "htdocs/echo").write_text("a file named echo\n")
        try:
            assert httpd.get("/echo").body == b"a file named echo\n"
            with httpd.open() as ws:  # the same path, upgraded, is the handler
                assert ws.ask_text("hello") == "hello"
        finally:
            (httpd.root / "htdocs/echo").unlink()

    def test_cws_132_upgrade_of_a_file_is_the_file(self, httpd):
        answer = httpd.ask("/index.html")
        assert answer.status == 200 and b"It works" in answer.body

    @pytest.mark.parametrize("value", ["h2c", "TLS/1.0", "websocketx", "foo/1"])
    def test_cws_133_other_upgrades_go_to_httpd(self, httpd, value):
        assert httpd.ask(headers={"Upgrade": value}).status == 404
        answer = httpd.ask("/index.html", headers={"Upgrade": value})
        assert answer.status == 200 and b"It works" in answer.body

    def test_cws_134_upgrade_list_may_name_websocket(self, httpd):
        assert httpd.ask(headers={"Upgrade": "h2c, websocket"}).status in (101, 400)

    def test_cws_135_server_root_and_odd_paths(self, httpd):
        httpd.allow_log("AH10244: invalid URI path|AH00127: Cannot map GET /%2e%2e/echo")  # which, by httpd's version
        for path in ("/", "/echo/", "/echo/more", "//echo", "/echo%00", "/echo%2f", "/.", "/../echo",
                     "/echo_wsh.so", "/%2e%2e/echo", "*"):
            answer = httpd.ask(path)
            assert answer.status != 101 or path in ("//echo", "/../echo"), path
            assert answer.status < 500, path


class TestSubprotocols:
    def test_cws_140_handler_chooses(self, httpd):
        with httpd.open("/probe?protocol=b", headers={"Sec-WebSocket-Protocol": "a, b, c"}) as ws:
            assert ws.response.all("sec-websocket-protocol") == ["b"]

    def test_cws_141_handler_prefers(self, httpd):
        offer = {"Sec-WebSocket-Protocol": "other, echo.example, chat.example"}
        with httpd.open("/subprotocol", headers=offer) as ws:
            assert ws.response.all("sec-websocket-protocol") == ["chat.example"]
            assert ws.read_text() == "subprotocol: chat.example"

    def test_cws_142_offered_in_several_headers(self, httpd):
        with httpd.open("/probe?protocol=c", headers={"Sec-WebSocket-Protocol": "a"},
                        more=[("Sec-WebSocket-Protocol", "b"),
                              ("Sec-WebSocket-Protocol", "c")]) as ws:
            assert ws.response.all("sec-websocket-protocol") == ["c"]

    def test_cws_143_none_offered_none_answered(self, httpd):
        with httpd.open("/subprotocol") as ws:
            assert ws.response.get("sec-websocket-protocol") is None
            assert ws.read_text() == "subprotocol: none"

    def test_cws_144_none_chosen_on_purpose(self, httpd):
        with httpd.open("/subprotocol", headers={"Sec-WebSocket-Protocol": "other"}) as ws:
            assert ws.response.get("sec-websocket-protocol") is None

    def test_cws_145_none_chosen_by_neglect_is_400(self, httpd):
        answer = httpd.ask("/probe?ignore_protocols", headers={"Sec-WebSocket-Protocol": "a"})
        assert answer.status == 400

    def test_cws_146_not_offered_cannot_be_chosen(self, httpd):
        httpd.allow_log("did not offer the subprotocol")
        answer = httpd.ask("/probe?protocol=z", headers={"Sec-WebSocket-Protocol": "a"})
        assert answer.status == 403
        answer = httpd.ask("/probe?protocol=z")
        assert answer.status == 403


class TestResponseHeaders:
    def test_cws_150_added_headers(self, httpd):
        with httpd.open("/probe?header=some%20value") as ws:
            assert ws.response.all("x-probe-answer") == ["some value", "again"]

    @pytest.mark.parametrize("name", ["Upgrade", "connection", "Sec-WebSocket-Accept",
                                      "sec-websocket-protocol", "bad%20name", "a:b", ""])
    def test_cws_151_some_cannot_be_added(self, httpd, name):
        httpd.allow_log("this header name cannot be added")
        assert httpd.ask(f"/probe?bad_header={name}").status == 403

    def test_cws_152_cookies(self, httpd):
        with httpd.open("/cookie?set") as ws:
            assert ws.response.get("set-cookie") == "foo=bar; Max-Age=86400"
        with httpd.open("/cookie?clear", headers={"Cookie": "foo=bar"}) as ws:
            assert len(ws.response.all("set-cookie")) == 2
            assert ws.read_text() == "foo=bar"

    def test_cws_153_hsts(self, httpd):
        with httpd.open("/hsts") as ws:
            assert ws.response.get("strict-transport-security") == "max-age=86400"
            assert ws.read_text() == "Hello"
            assert ws.read_close() == (1000, "")
            ws.send(frame(8, b"\x03\xe8"))
            ws.expect_eof()
