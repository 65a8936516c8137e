"""WebSockets over HTTP/2 (RFC 8441): the same handlers, on streams of one connection."""
import json
import os
import platform
import shutil
import subprocess
import time

import pytest

from harness import build, tls
from harness.h2_client import H2Session
from harness.log import Log
from harness.raw import BINARY, PING, PONG, TEXT, Frame, close_frame, frame
from harness.stopping import STOPS, expect_goodbyes, restart_while_messages_flow

H2 = "Protocols h2c http/1.1\nH2WebSockets On\n"
ON = H2 + "WebSocketHTTP2 On\nWebSocketPingInterval Off\n"
MODULES = {"modules": ("http2",)}


@pytest.fixture(autouse=True, scope="class")
def threaded(mpm):
    if mpm == "prefork":
        pytest.skip("mod_http2 does not support prefork")


class TestTalk:
    OPTIONS = MODULES
    CONFIG = ON + """
      WebSocketFilterConnections 20
      WebSocketCompression On
      <Location /close>
        WebSocketOrigin https://app.example
      </Location>"""

    @pytest.fixture
    def h2(self, httpd):
        with H2Session(httpd.address) as session:
            yield session

    def test_cws_160_several_streams(self, h2):
        assert h2.offers_websockets
        streams = [h2.open(path) for path in ("/echo", "/echo_blocking", "/probe?header=yes")]
        assert streams[2].response.get("x-probe-answer") == "yes, again"
        for name in ("upgrade", "connection", "sec-websocket-accept"):
            assert streams[0].response.get(name) is None
        for i in range(20):
            for ws in streams[:2]:
                ws.text(f"{ws.id} {i}" * (i + 1))
            assert h2.get("/index.html").body == b"<p>It works</p>\n"
            for ws in reversed(streams[:2]):
                assert ws.read_text() == f"{ws.id} {i}" * (i + 1)
        for ws in streams:
            ws.close()

    def test_cws_160_a_key_is_answered(self, httpd, h2):
        mark = httpd.access_log.mark()
        # RFC 6455 section 1.3
        key, accept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        streams = [h2.open("/subprotocol", headers={"sec-websocket-key": key,
                                                    "sec-websocket-protocol": "chat.example"}),
                   h2.open(headers={"sec-websocket-key": key}), h2.open(),
                   h2.open(headers={"sec-websocket-key": "no key"})]
        assert [ws.response.get("sec-websocket-accept") for ws in streams] == [accept, accept, None,
                                                                              None]
        assert streams[0].response.get("sec-websocket-protocol") == "chat.example"
        for ws in streams:
            assert ws.response.status == 200
            for name in ("upgrade", "connection"):
                assert ws.response.get(name) is None
        for ws in streams[1:]:  # and so their handshakes are over
            assert ws.ask_text("hello") == "hello"
        httpd.access_log.wait_for('"GET /echo HTTP/2.0" 101 ', mark, count=3)  # they are the handshakes'
        streams[1].close(4321, "bye")
        h2.drop()
        httpd.get("/index.html")
        httpd.access_log.wait_for('"GET /index.html HTTP/1.1" ', mark)
        assert len(httpd.access_log.find('"GET /echo HTTP/2.0" 101 ', mark)) == 3

    @pytest.mark.parametrize("greedy", [True, False])
    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_161_large_messages(self, h2, path, greedy):
        ws = h2.open(path, greedy=greedy)
        for size in (0, 1, 125, 126, 16_384, 65_536, 1 << 20):
            payload = os.urandom(size)
            ws.send(frame(BINARY, payload))
            assert ws.read_message() == Frame(BINARY, payload)
        ws.send(frame(TEXT, "in pieces"), chop=1)
        ws.expect(Frame(TEXT, b"in pieces"))
        ws.send(frame(PING, "too"))
        ws.expect(Frame(PONG, b"too"))
        ws.close(4321, "bye")

    def test_cws_162_what_the_handler_sees(self, httpd, h2):
        origin = f"http://127.0.0.1:{httpd.port}"
        ws = h2.open("/probe?q=1", headers={
            "origin": origin, "sec-websocket-protocol": "one, two", "x-probe": "over h2"})
        for phase in ("handshake", "properties"):
            said = json.loads(ws.ask_text(phase))
            assert said["location"] == f"ws://127.0.0.1:{httpd.port}/probe?q=1"
            assert said["origin"] == origin and said["https"] is False
            assert said["resource"] == "/probe" and said["query"] == "q=1"
            if phase == "handshake":
                assert said["requested_protocols"] == ["one", "two"]
            assert said["x_probe"] == "over h2"
            assert said["remote"].startswith("127.0.0.1:")
        assert ws.ask_text("header Host") == f"127.0.0.1:{httpd.port}"
        assert ws.ask_text("header Transfer-Encoding") == "none"
        ws.close()
        ws = h2.open("/subprotocol", headers={"sec-websocket-protocol": "other, chat.example"})
        assert ws.response.get("sec-websocket-protocol") == "chat.example"
        assert ws.read_text() == "subprotocol: chat.example"

    def test_cws_163_the_server_speaks_first(self, h2):
        beat, tick = h2.open("/heartbeat?50"), h2.open("/probe_blocking")
        tick.text("spawn 20")
        for ws in (beat, tick):
            for _ in range(3):
                ws.read_message()
            ws.drop()

    def test_cws_164_pings_of_the_server(self, httpd, h2):
        mark = httpd.error_log.mark()
        ws = h2.open("/probe?limit_ping=200")
        for _ in range(3):
            ws.expect(Frame(PING, b""))
            ws.send(frame(PONG, b""))
        silent = h2.open("/probe?limit_ping=200")
        httpd.error_log.wait_for("probe: lost 1006", mark)
        silent.expect(Frame(PING, b""))
        silent.expect_eof()

    @pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
    @pytest.mark.parametrize("command, code", [("close 4001 bye", 4001), ("return", 1000)])
    def test_cws_165_the_server_closes(self, h2, path, command, code):
        ws = h2.open(path)
        ws.text(command)
        assert ws.read_close()[0] == code
        ws.send(close_frame(code))
        ws.session.wait(lambda: ws.over)
        assert ws.ended

    def test_cws_166_the_client_closes(self, httpd, h2):
        for code, path in ((1000, "/probe"), (4999, "/probe_blocking"), (None, "/probe")):
            mark = httpd.error_log.mark()
            ws = h2.open(path)
            ws.send(close_frame(code))
            ws.end()
            assert ws.read_close()[0] == code
            ws.session.wait(lambda: ws.over)
            assert ws.ended and ws.reset_code in (None, 0)
            httpd.error_log.wait_for(f"probe: clean {code or 1005}", mark)
        ws = h2.open()
        ws.send(frame(TEXT, "not masked", key=None))
        ws.expect_closed(1002)

    @pytest.mark.parametrize("how", ["end", "reset", "goaway", "tcp"])
    def test_cws_167_the_handler_is_told_when_the_client_vanishes(self, httpd, h2, how):
        mark = httpd.error_log.mark()
        ws = h2.open("/probe")
        ws.ask_text("handshake")
        if how == "goaway":
            h2.h2.close_connection()
            h2.flush()
            h2.drop()
        elif how == "tcp":
            h2.drop()
        else:
            getattr(ws, how)()
        httpd.error_log.wait_for("probe: lost 1006", mark)
        if how in ("end", "reset"):  # the others on the connection go on
            assert h2.open().ask_text("next") == "next"

    def test_cws_168_refusals(self, httpd, h2):
        httpd.allow_log("probe refuses")
        for path, headers, status in (
                ("/no_such", {}, 404), ("/index.html", {}, 502), ("/probe?refuse=451", {}, 451),
                ("/close", {"origin": "https://evil.example"}, 403),
                ("/echo", {"sec-websocket-version": "12"}, 426)):
            stream = h2.ask(path, headers=headers)
            assert stream.response.status == status, path
            h2.wait(lambda: stream.over)
        h2.open("/close", headers={"origin": "https://app.example"}).drop()

    def test_cws_169_compression(self, h2):
        ws = h2.open(headers={"sec-websocket-extensions": "permessage-deflate"})
        assert ws.response.get("sec-websocket-extensions").startswith("permessage-deflate")
        ws.text("x" * 10_000)
        got = ws.read_frame()
        assert got.rsv == 4 and len(got.payload) < 100
        for packed in ("f248cdc9c90700", "f200110000"):  # RFC 7692 section 7.2.3.2
            ws.send(frame(TEXT, bytes.fromhex(packed), rsv=4))
            assert ws.read_frame() == Frame(TEXT, b"Hello")
        ws.close()


class TestChromium:
    OPTIONS = {"modules": ("http2",), "tls_config": ""}
    CONFIG = """
      Protocols h2 http/1.1
      H2WebSockets On
      WebSocketHTTP2 On
      WebSocketCompression On
      LogFormat "%H %>s %U %{remote}p" over
      CustomLog {root}/logs/over.log over"""

    def test_cws_189_a_browser_takes_the_pages_connection(self, httpd):
        executable = shutil.which("chromium")
        assert executable, "chromium is missing"
        host = f"127.0.0.1:{httpd.port}"
        mark = httpd.error_log.mark()
        script = build.TESTS / "clients/over_http2.mjs"
        done = subprocess.run(
            ["node", str(script), executable, f"https://{host}/index.html",
             f"wss://{host}/echo"],
            cwd=build.SOURCE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        seen = json.loads(done.stdout)
        assert seen["page"] == "h2"
        assert [ws["got"] for ws in seen["sockets"]] == [["Hello", "すもも", 70_000], [True],
                                                         ["", "third"]]
        for ws in seen["sockets"]:
            assert ws["code"] == 1000 and ws["wasClean"]
            assert ws["extensions"].startswith("permessage-deflate")
        # All on one connection: the client's port is the same.
        lines = Log(httpd.root / "logs/over.log").wait_for("HTTP/2.0 101 /echo ", count=3)
        page, = Log(httpd.root / "logs/over.log").find("HTTP/2.0 200 /index.html ")
        assert {line.split()[-1] for line in lines} == {page.split()[-1]}
        assert httpd.error_log.find("/echo from .*OPEN -> ", mark)


class TestNode:
    OPTIONS = {"modules": ("http2",), "tls_config": ""}
    CONFIG = "Protocols h2 http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\n"

    # Up to 26.10 it goes to HTTP/2 where it can, sends a key, and wants its answer.
    @pytest.mark.parametrize("version", ["26.10", "26.12"])
    def test_cws_189_node_gets_in(self, httpd, version):
        if platform.machine() != "x86_64":
            pytest.skip("npm's packages of these are for x86_64")
        node = build.SOURCE / f"node_modules/node-{version}/bin/node"
        done = subprocess.run(
            [str(node), str(build.TESTS / "clients/websocket_echo.mjs"),
             f"wss://localhost:{httpd.port}/echo"],
            env=dict(os.environ, NODE_EXTRA_CA_CERTS=tls.certificates().path("ca.crt")),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(done.stdout) == {"got": ["すもも"], "code": 1000, "wasClean": True}


class TestIdle:
    OPTIONS = MODULES
    CONFIG = ON + """
      Timeout 3
      H2StreamTimeout 2
      KeepAliveTimeout 1
      RequestReadTimeout handshake=1 header=1-2,minrate=5000 body=1-2,minrate=5000
      LogFormat "%H %>s %U %D" over
      CustomLog {root}/logs/over.log over"""

    def test_cws_190_idle_longer_than_every_timeout(self, httpd):
        with H2Session(httpd.address) as h2:
            ws = h2.open()
            blocking = h2.open("/echo_blocking")
            ws.expect_silence(9)
            assert ws.ask_text("still here") == "still here"
            assert blocking.ask_text("and here") == "and here"
            ws.close()
        line, = Log(httpd.root / "logs/over.log").wait_for("/echo ")
        assert line.startswith("HTTP/2.0 101 /echo ") and int(line.split()[-1]) < 9_000_000  # the handshake


class TestSwitch:
    OPTIONS = MODULES
    CONFIG = H2 + """
      <VirtualHost 127.0.0.1:{port}>
        ServerName off.example
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName on.example
        WebSocketHTTP2 On
      </VirtualHost>"""

    def test_cws_191_off_by_default(self, httpd):
        with H2Session(httpd.address) as h2:
            h2.open(authority="on.example").drop()
            assert h2.ask(authority="off.example").response.status == 501
            httpd.expect_log("CWS0013.*WebSocketHTTP2")


class TestCap:
    def test_cws_192_ordinary_requests_do_not_starve(self, make_httpd):
        httpd = make_httpd(ON, one_child=True, modules=("http2",))  # 25 threads: 6 places
        httpd.allow_log("CWS0014.*WebSocketFilterConnections is reached")
        with H2Session(httpd.address) as one, H2Session(httpd.address) as other:
            streams = [session.open() for session in (one, other) for _ in range(3)]
            refused = one.ask()
            assert refused.response.status == 503 and refused.response.get("retry-after") == "5"
            with H2Session(httpd.address) as third:
                begin = time.monotonic()
                assert third.get("/index.html").status == 200
                assert time.monotonic() - begin < 15  # not until a stream ends
            httpd.open().close()
            for ws in streams:
                assert ws.ask_text("served") == "served"
            streams[0].close()
            deadline = time.monotonic() + 30
            while one.ask().response.status != 200:
                assert time.monotonic() < deadline
                time.sleep(0.02)


    def test_cws_198_a_page_keeps_a_stream_for_its_requests(self, make_httpd):
        httpd = make_httpd(ON + "WebSocketFilterConnections 20", one_child=True, modules=("http2",))
        httpd.allow_log("CWS0014.*one HTTP/2 connection has too many WebSockets")
        with H2Session(httpd.address) as h2, H2Session(httpd.address) as other:
            streams = [h2.open() for _ in range(5)]
            refused = h2.ask()
            assert refused.response.status == 503 and refused.response.get("retry-after") == "5"
            assert h2.get("/index.html").status == 200
            for ws in [*streams, other.open()]:
                assert ws.ask_text("served") == "served"
                ws.close()


class TestStop:
    @pytest.mark.parametrize("name", STOPS)
    def test_cws_193_is_told_of_a_stop(self, make_httpd, name):
        httpd = make_httpd(ON, modules=("http2",))
        with H2Session(httpd.address) as one, H2Session(httpd.address) as other:
            streams = [session.open(path) for session in (one, other)
                       for path in ("/echo", "/echo_blocking", "/heartbeat?5000")]
            time.sleep(0.2)
            expect_goodbyes(httpd, streams, name)

    def test_cws_194_restart_while_messages_flow(self, make_httpd):
        httpd = make_httpd(ON, modules=("http2",))
        for _ in range(3):
            with H2Session(httpd.address) as h2:
                restart_while_messages_flow(httpd, h2.open())
            assert httpd.wait_ready()
