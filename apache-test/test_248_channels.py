"""Channels without C++, by other ways: TLS, HTTP/2, and Chromium on the page that shows them."""
import json
import shutil
import time

import pytest

from harness import build, tls
from harness.event_stream import Event, EventStream, open_stream
from harness.h2_client import H2Session
from test_240_channels import Talk, handlers  # noqa: F401, a fixture
from test_900_clients import run_node

CONFIG = """
WebSocketChannelMemory 512M
<Location "/channels/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 100 10min
</Location>
<Location "/channels/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 100 10min
</Location>
"""


class Here(Talk):
    CONFIG = CONFIG

    def publish(self, httpd, channel, *texts):
        for text in texts:
            assert self.post(httpd, channel, text, location="/channels/publish").status == 200


class TestTls(Here):
    OPTIONS = {"tls_config": ""}

    def test_cws_248_streams_and_sockets_over_tls(self, httpd, channel):
        path = f"/channels/subscribe/{channel}"
        with open_stream(httpd, path, wrap=httpd.wrap) as stream, httpd.open(path) as ws:
            stream.wait_id()
            ws.send(b"\x89\x80\0\0\0\0")  # a ping: its pong says that the handler runs
            assert ws.read_frame().opcode == 0xA
            self.publish(httpd, channel, "secret", "x" * 30_000)
            assert stream.texts(2) == ["secret", "x" * 30_000]
            assert [ws.read_text() for _ in "12"] == ["secret", "x" * 30_000]
            httpd.graceful()
            assert stream.read_to_end() == []


class TestHttp2(Here):
    OPTIONS = {"modules": ("http2",)}
    CONFIG = CONFIG + "Protocols h2c http/1.1\nWebSocketFilterConnections 12\n"

    @pytest.fixture(autouse=True, scope="class")
    def threaded(self, mpm):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")

    @staticmethod
    def open(session, channel, **headers):
        stream = session.request(
            f"/channels/subscribe/{channel}",
            headers={"accept": "text/event-stream"} | {name.replace("_", "-"): value
                                                       for name, value in headers.items()})
        stream.wait_response()
        return stream

    def test_cws_248_streams_over_http2(self, httpd, channel):
        with H2Session(httpd.address) as session:
            streams = [EventStream(self.open(session, channel)) for _ in range(3)]
            for stream in streams:
                assert stream.response.status == 200
                assert stream.response.get("content-type") == "text/event-stream"
                assert stream.response.get("connection") is None
                stream.wait_id()
            self.publish(httpd, channel, "one", "two")
            for stream in streams:
                assert stream.texts(2) == ["one", "two"]
            last = streams[0].id
            streams[0].connection.reset()
            self.publish(httpd, channel, "three")
            assert streams[1].texts(1) == ["three"]
            again = EventStream(self.open(session, channel, last_event_id=last))
            assert again.texts(1) == ["three"]
            assert session.get("/index.html").body == b"<p>It works</p>\n"

    def test_cws_248_a_stream_that_the_client_resets_gives_its_place_back(self, httpd, channel):
        with H2Session(httpd.address) as session:
            for _ in range(8):  # five at a time are allowed on one connection
                stream = EventStream(self.open(session, channel))
                assert stream.response.status == 200
                stream.wait_id()
                stream.connection.reset()
                deadline = time.monotonic() + 10
                while self.members(httpd, channel):
                    assert time.monotonic() < deadline
                    time.sleep(0.05)

    @staticmethod
    def members(httpd, channel):
        return json.loads(httpd.get(f"/channels/publish/{channel}").body)["members"]

    def test_cws_248_the_sixth_gets_503(self, httpd, channel):
        with H2Session(httpd.address) as session:
            for _ in range(5):
                assert self.open(session, channel).response.status == 200
            assert self.open(session, channel).response.status == 503
            httpd.allow_log("CWS0014: no room for a connection")

    def test_cws_248_a_stop_ends_streams_in_order(self, httpd, channel):
        with H2Session(httpd.address) as session:
            stream = EventStream(self.open(session, channel)).wait_id()
            self.publish(httpd, channel, "last")
            assert stream.texts(1) == ["last"]
            httpd.graceful()
            assert stream.read_to_end() == []
            assert stream.connection.reset_code in (None, 0)


class TestChromium(Here):
    @pytest.fixture
    def pages(self, httpd):
        shutil.copytree(build.SOURCE / "handlers/pages", httpd.root / "htdocs/pages",
                        dirs_exist_ok=True)
        return f"http://127.0.0.1:{httpd.port}/pages"

    def test_cws_249_two_windows(self, httpd, pages):
        seen = run_node("channels.mjs", shutil.which("chromium"), f"{pages}/channels.html", "")
        assert seen["errors"] == []
        assert seen["both"] == [["もも 1", "second"]] * 4
        assert seen["missed"] == {"websocket": ["missed 1", "missed 2"],
                                  "stream": ["missed 1", "missed 2"]}
        assert seen["binary"] == ["AP8K (Base64)"] * 4
        assert "members here" in seen["answer"]

    def test_cws_249_event_source_comes_back_by_itself(self, httpd, pages, channel):
        mark = httpd.access_log.mark()
        seen = run_node("event_source.mjs", shutil.which("chromium"), f"{pages}/index.html",
                        f"http://127.0.0.1:{httpd.port}", channel, str(httpd.process.pid))
        assert seen["texts"] == ["before", "while it was away", "after"]
        assert seen["opened"] >= 2
        assert len(httpd.access_log.find(f"GET /channels/subscribe/{channel}", mark)) >= 2
