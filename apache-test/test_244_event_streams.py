"""Channels without C++: websocket-subscribe as Server-Sent Events, on the wire."""
import json
import time
from contextlib import ExitStack

import pytest

from harness.configuration import FEW
from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import Event, open_stream, request


class TestEventStreams(Talk):
    def test_cws_245_head(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            assert stream.response.get("cache-control") == "no-cache, no-transform"
            assert stream.response.get("access-control-allow-origin") is None
            stream.wait_id()
            assert 1000 <= stream.retry < 3000
        httpd.access_log.wait_for(f'"GET /subscribe/{channel} HTTP/1.1" 200 ')

    def test_cws_245_events(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            stream.wait_id()
            positions = self.publish(httpd, channel, "one", "two\nlines\r\nthree\rfour", "", "もも" * 9000)
            assert stream.read(4) == [
                Event("one", positions[0]), Event("two\nlines\nthree\nfour", positions[1]),
                Event("", positions[2]), Event("もも" * 9000, positions[3])]
            self.post(httpd, channel, b"\0\xff\n", ["Content-Type: application/octet-stream"])
            event, = stream.read()
            assert (event.name, event.text) == ("binary", "AP8K")

    @pytest.mark.parametrize("how", ["header", "query", "polyfill"])
    def test_cws_245_resumes_exactly(self, httpd, channel, how):
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            stream.wait_id()
            self.publish(httpd, channel, "0", "1", "2")
            assert stream.texts(2) == ["0", "1"]
            last = stream.id
        self.publish(httpd, channel, "3", "4")

        def again():
            if how == "query":
                return open_stream(httpd, f"/subscribe/{channel}?after={last}")
            if how == "polyfill":
                return open_stream(httpd, f"/subscribe/{channel}?after=1-1&lastEventId={last}")
            return open_stream(httpd, f"/subscribe/{channel}?after=1-1&history=1",
                               {"Last-Event-ID": last})
        with again() as stream:
            assert stream.texts(3) == ["2", "3", "4"]
            self.publish(httpd, channel, "5")
            assert stream.texts(1) == ["5"]

    def test_cws_245_resumes_before_any_message(self, httpd, channel):
        self.publish(httpd, channel, "before")
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            begin = stream.wait_id().id
        self.publish(httpd, channel, "missed")
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": begin}) as stream:
            assert stream.texts(1) == ["missed"]

    def test_cws_245_the_beginning_is_told(self, httpd, channel):
        before, = self.publish(httpd, channel, "before")
        begun = {"type": "subscribed", "channel": channel, "position": before, "recovered": False}
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            assert stream.wait_id().begun == [begun]
            assert stream.id == before
        after, = self.publish(httpd, channel, "after")
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": before}) as stream:
            assert stream.read() == [Event("after", after)]
            assert stream.begun == [begun | {"position": after, "recovered": True}]

    def test_cws_245_of_several_channels_each_beginning_is_told(self, httpd, channel):
        two = f"two-{channel}"
        with open_stream(httpd, f"/both?{channel}") as stream:
            while len(stream.begun) < 2:
                stream.read_block()
            assert sorted(each["channel"] for each in stream.begun) == ["one", two]
            begin = stream.id
            assert sorted(begin.split(",")) == sorted(each["position"] for each in stream.begun)
        self.publish(httpd, two, "x")
        # The one goes on, the other begins anew: that, too, is told, and kept.
        first, second = begin.split(",")
        for last in (f"{first},", f",{second}"):
            with open_stream(httpd, f"/both?{channel}", {"Last-Event-ID": last}) as stream:
                while len(stream.begun) < 2:
                    stream.read_block()
                assert all(stream.id.split(","))

    def test_cws_245_http_1_0_has_no_chunks(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}", version="HTTP/1.0") as stream:
            stream.wait_id()
            self.publish(httpd, channel, "x")
            assert stream.texts(1) == ["x"]

    @pytest.mark.parametrize("last", ["ffff-7", "nonsense", "1-1,2-2"])
    def test_cws_245_a_gap_is_told(self, httpd, channel, last):
        position, = self.publish(httpd, channel, "lost")
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": last}) as stream:
            assert stream.read() == [Event(channel, position, "gap")]
            assert stream.begun[0]["recovered"] is False
            self.publish(httpd, channel, "new")
            assert stream.texts(1) == ["new"]

    def test_cws_245_history_to_begin_with(self, httpd, channel):
        self.publish(httpd, channel, *"abcdef")
        with open_stream(httpd, f"/subscribe/{channel}?history=3") as stream:
            assert stream.texts(3) == ["d", "e", "f"]

    def test_cws_245_json(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}?format=json") as stream:
            event, = stream.read()
            begin = json.loads(event.text)
            assert (begin["type"], begin["recovered"]) == ("subscribed", False)
            assert event.id == begin["position"]
            position, = self.publish(httpd, channel, "x")
            event, = stream.read()
            assert event.id == position
            message = json.loads(event.text)
            assert abs(message.pop("time") - time.time() * 1000) < 60_000
            assert message == {"type": "message", "channel": channel,
                               "position": position, "data": "x"}

    def test_cws_245_json_of_several_channels_has_the_time(self, httpd):
        with open_stream(httpd, "/both?format=json") as stream:
            stream.read(2)  # that both have begun
            self.publish(httpd, "one", "x")
            event, = stream.read()
            message = json.loads(event.text)
            assert message["data"] == "x" and abs(message["time"] - time.time() * 1000) < 60_000

    def test_cws_245_several_channels_resume_together(self, httpd, channel):
        two = f"two-{channel}"
        with open_stream(httpd, f"/both?{channel}") as stream:
            stream.wait_id()
            self.publish(httpd, "one", "a")
            self.publish(httpd, two, "b", "c")
            assert sorted(stream.texts(3)) == ["a", "b", "c"]
            last = stream.id
            assert last.count(",") == 1
        self.publish(httpd, two, "d")
        with open_stream(httpd, f"/both?{channel}", {"Last-Event-ID": last}) as stream:
            assert stream.texts(1) == ["d"]
            self.publish(httpd, "one", "e")
            assert stream.texts(1) == ["e"]

    def test_cws_246_comments_keep_it_alive(self, httpd, channel):
        with open_stream(httpd, f"/lively/{channel}") as stream:
            while stream.comments < 4:  # a WebSocket would be dead after the second
                stream.read_block()
            self.publish(httpd, channel, "still here")
            assert stream.texts(1) == ["still here"]

    def test_cws_246_who_does_not_ask_for_it(self, httpd, channel):
        response = httpd.get(f"/subscribe/{channel}", headers=["Accept: text/html, */*"])
        assert response.status == 426 and response.get("upgrade") == "websocket"
        assert httpd.get(f"/subscribe/{channel}", "POST").status == 405
        with httpd.connect() as connection:
            head = request(f"/subscribe/{channel}").replace(b"GET", b"HEAD", 1)
            response = connection.ask(head, head_only=True)
        assert (response.status, response.get("content-type")) == (200, "text/event-stream")

    @pytest.mark.parametrize("path, origin, answer", [
        ("/listed", "https://app.example", "https://app.example"), ("/any", "https://x.example", "*"),
        ("/listed", "https://x.example", None), ("/subscribe", "https://x.example", None)])
    def test_cws_246_cross_origin(self, httpd, channel, path, origin, answer):
        with httpd.connect() as connection:
            connection.send(request(f"{path}/{channel}", headers={"Origin": origin}))
            response = connection.read_response(head_only=True)
        assert response.status == (200 if answer else 403)
        assert response.get("access-control-allow-origin") == answer
        assert (response.get("access-control-allow-credentials") == "true") == (path == "/listed"
                                                                                and bool(answer))

    def test_cws_246_the_clients_end_is_noticed(self, httpd, channel):
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(open_stream(httpd, f"/subscribe/{channel}"))
            self.wait_members(httpd, channel, 3)
        self.wait_members(httpd, channel, 0)

    def test_cws_246_input_means_nothing(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            stream.wait_id()
            stream.connection.send(b"GET / HTTP/1.1\r\n\r\n" * 10_000)
            self.publish(httpd, channel, "still here")
            assert stream.texts(1) == ["still here"]


class TestLimits(Talk):
    CONFIG = CONFIG + "WebSocketMaxConnections 2"
    OPTIONS = Talk.OPTIONS | {"one_child": True}

    # Another status than 200 would end an EventSource for good.
    @pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
    def test_cws_247_no_room_is_for_now(self, httpd, channel, version):
        httpd.allow_log("CWS0014: no room for a connection: WebSocketMaxConnections is reached")
        path = f"/subscribe/{channel}"
        with open_stream(httpd, path) as one, open_stream(httpd, path) as two:
            one.wait_id(), two.wait_id()
            assert httpd.ask(path).status == 503  # a WebSocket
            times = []
            for _ in range(5):
                with open_stream(httpd, path, version=version) as third:
                    assert third.read_to_end() == []
                    times.append(third.retry)
                time.sleep(0.01)
            assert all(5000 <= each < 10_000 for each in times) and len(set(times)) > 1
        self.wait_members(httpd, channel, 0)
        with open_stream(httpd, path) as third:
            third.wait_id()
        self.wait_members(httpd, channel, 0)  # the next test wants both places

    def test_cws_247_pages_of_other_origins_may_read_that(self, httpd, channel):
        httpd.allow_log("CWS0014")
        headers = {"Origin": "https://x.example"}
        with open_stream(httpd, f"/any/{channel}") as one, open_stream(httpd, f"/any/{channel}") as two:
            one.wait_id(), two.wait_id()
            with open_stream(httpd, f"/any/{channel}", headers) as third:
                assert third.response.get("access-control-allow-origin") == "*"
                third.read_to_end()


class TestSlow(Talk):
    CONFIG = CONFIG + "WebSocketSendBufferSize 20000"
    OPTIONS = Talk.OPTIONS | {"mpm_config": FEW}  # one may publish all of it, and has to keep it

    def test_cws_247_a_slow_reader_is_cut_off_and_resumes(self, httpd, channel):
        text = "x" * 90_000
        with open_stream(httpd, f"/subscribe/{channel}", receive_buffer=4096) as stream:
            stream.wait_id()
            self.publish(httpd, channel, *[text] * 40)
            httpd.error_log.wait_for(f"{channel} .*-> LINGERING")
            got = len(stream.read_to_end())
            last = stream.id
        assert 0 < got < 40
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": last}) as stream:
            assert stream.texts(40 - got) == [text] * (40 - got)


class TestStop(Talk):
    def test_cws_247_a_restart_ends_the_stream_and_the_client_resumes(self, httpd, channel):
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            stream.wait_id()
            self.publish(httpd, channel, "before")
            assert stream.texts(1) == ["before"]
            httpd.graceful()
            assert stream.read_to_end() == []
            last = stream.id
        self.publish(httpd, channel, "meanwhile")
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": last}) as stream:
            assert stream.texts(1) == ["meanwhile"]


class TestWithoutRoot:
    def test_cws_247_needs_no_handler_root(self, make_httpd):
        httpd = make_httpd(CONFIG + "WebSocketDrainTimeout 1s", files={"key": ""})
        config = httpd.config_file.read_text().splitlines()
        httpd.stop()
        httpd.config_file.write_text("\n".join(line for line in config
                                               if "WebSocketHandlerRoot" not in line))
        httpd.write_config = lambda: None
        httpd.start()
        with open_stream(httpd, "/subscribe/x") as stream:
            stream.wait_id()
            assert Talk.post(httpd, "x", "hello").status == 200
            assert stream.texts(1) == ["hello"]
