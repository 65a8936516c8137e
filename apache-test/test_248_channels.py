"""Channels without C++, by other ways: TLS, HTTP/2, and Chromium on the page that shows them."""
import contextlib
import json
import shutil
import time
import urllib.request

import pytest

from harness import build, tls
from harness.event_stream import Event, EventStream, open_stream
from harness.h2_client import H2Session
from harness.end_points import Talk, handlers  # noqa: F401, a fixture
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
    CONFIG = CONFIG + ("Protocols h2c http/1.1\nWebSocketFilterConnections 12\n"
                       "WebSocketOrigin Same https://x.example\n")

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

    def test_cws_248_the_sixth_is_told_when_to_come_back(self, httpd, channel):
        httpd.allow_log("CWS0014: no room for a connection")
        with H2Session(httpd.address) as session:
            for _ in range(5):
                assert self.open(session, channel).response.status == 200
            for _ in range(20):  # and mod_http2 does not take it for a bad client
                sixth = EventStream(self.open(session, channel, cache_control="no-cache"))
                assert sixth.response.status == 200
                assert sixth.response.get("content-type") == "text/event-stream"
                assert sixth.read_to_end() == []
                assert 5000 <= sixth.retry < 10_000
                assert sixth.connection.ended
            # Who reads by fetch would take that end for the last word.
            for _ in range(20):
                sixth = self.open(session, channel, origin="https://x.example")
                assert sixth.response.status == 503
                assert sixth.response.get("retry-after") == "5"
                assert sixth.response.get("access-control-allow-origin") == "https://x.example"
            assert session.get("/index.html").body == b"<p>It works</p>\n"

    def test_cws_248_all_places_taken_keep_out_nobody_else(self, make_httpd, channel):
        """They need no WebSocketHTTP2, which is off here: the cap bounds their threads all the same."""
        httpd = make_httpd(self.CONFIG, **self.OPTIONS)
        with contextlib.ExitStack() as all_sessions:
            sessions = [all_sessions.enter_context(H2Session(httpd.address)) for _ in range(8)]
            streams = [EventStream(self.open(session, channel, cache_control="no-cache"))
                       for session in sessions for _ in range(5)]
            for stream in streams:
                assert stream.response.status == 200
                stream.read_block()
            refused = [stream for stream in streams if stream.retry >= 5000]
            children = len(httpd.children())
            assert 12 <= len(streams) - len(refused) <= 12 * children < len(streams)
            for stream in refused:
                assert stream.read_to_end() == []
            httpd.allow_log("CWS0014: no room for a connection")
            assert httpd.get("/index.html").status == 200
            assert sessions[0].get("/index.html").status == 200
            with open_stream(httpd, f"/channels/subscribe/{channel}") as stream:
                stream.wait_id()
                self.publish(httpd, channel, "to who has a socket of its own")
                assert stream.texts(1) == ["to who has a socket of its own"]

    # An EventSource asks with Cache-Control, and comes back after any end; a script that reads by
    # fetch, after an error only.
    @pytest.mark.parametrize("cache_control, error", [("no-cache", None), ("", 2)])
    def test_cws_248_a_stop_ends_streams(self, httpd, channel, cache_control, error):
        with H2Session(httpd.address) as session:
            headers = {"cache_control": cache_control} if cache_control else {}
            streams = [EventStream(self.open(session, channel, **headers)).wait_id()
                       for _ in range(5)]
            self.publish(httpd, channel, "last")
            for stream in streams:
                assert stream.texts(1) == ["last"]
            httpd.graceful()
            for stream in streams:
                assert stream.read_to_end() == []
                assert stream.connection.ended == (error is None)
                assert stream.connection.reset_code in ((None, 0) if error is None else (error,))


class TestLargeHistory(Here):
    """JSON has six bytes for a control character, and a history may be as large as the memory."""
    CONFIG = CONFIG.replace("512M", "256M") + "WebSocketMaxMessageSize 8M\n"
    OPTIONS = {"one_child": True}

    def test_cws_248_its_answer_is_never_in_memory_as_a_whole(self, httpd, channel, mpm):
        if mpm == "prefork":
            pytest.skip("one child of prefork would have to be the same one")
        size, count = 1 << 20, 36
        self.publish(httpd, channel, *["\x01" * size] * count)
        child, = httpd.children()
        before = httpd.memory(child, "VmHWM")
        with urllib.request.urlopen(f"http://127.0.0.1:{httpd.port}/channels/publish/{channel}") as answer:
            body = answer.read()
        assert len(body) > 6 * size * count
        assert [len(each["data"]) for each in json.loads(body)["messages"]] == [size] * count
        # The messages, and a few of them as JSON.
        assert httpd.memory(child, "VmHWM") - before < 6 * size * count // 2


class TestChromium(Here):
    @pytest.fixture
    def pages(self, httpd):
        build.install_pages(httpd.root / "htdocs/pages")
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
