"""Channels without C++: websocket-publish and websocket-subscribe, on the wire."""
import asyncio
import base64
import gzip
import json
import subprocess
import time
from contextlib import ExitStack

import pytest
import websockets

from harness.configuration import FEW
from harness.event_stream import Event, open_stream, request
from harness.raw import close_frame

CONFIG = """
LogLevel cppwebsocket:debug
# Of prefork's many children each gets a small part, and a message may take a quarter of that.
WebSocketChannelMemory 512M
<Location "/publish">
  SetHandler websocket-publish
  WebSocketMaxMessageSize 100000
  WebSocketChannelHistory 50 1h
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 50 1h
</Location>
<Location "/publish/closed">
  Require all denied
</Location>
<Location "/subscribe/closed">
  Require user nobody-is
</Location>
<Location "/keyed">
  SetHandler websocket-publish
  Require expr "%{req:X-Key} == file('{root}/key')"
</Location>
<Location "/status">
  SetHandler websocket-publish
  Require method GET
</Location>
<Location "/both">
  SetHandler websocket-subscribe
  WebSocketChannel one two-%{QUERY_STRING} %{reqenv:THREE}
</Location>
<Location "/none">
  SetHandler websocket-subscribe
  WebSocketChannel %{reqenv:NOTHING}
</Location>
<Location "/publish-several">
  SetHandler websocket-publish
  WebSocketChannel a b
</Location>
<Location "/login">
  SetHandler websocket-publish
  WebSocketChannel user-%{req:X-Login}
</Location>
<LocationMatch "^/match/">
  SetHandler websocket-publish
</LocationMatch>
<Location "/listed">
  SetHandler websocket-subscribe
  WebSocketOrigin https://app.example
</Location>
<Location "/listed/publish">
  SetHandler websocket-publish
</Location>
<Location "/any">
  SetHandler websocket-subscribe
  WebSocketOrigin Any
</Location>
<Location "/lively">
  SetHandler websocket-subscribe
  WebSocketPingInterval 300ms
</Location>
"""


@pytest.fixture(scope="session")
def handlers():
    """None: this is what goes without them."""
    return {}


class Talk:
    """An httpd with the end points, and ways to talk to them."""

    CONFIG = CONFIG
    OPTIONS = {"files": {"key": "open sesame"}}
    names = 0

    @pytest.fixture
    def channel(self):
        Talk.names += 1
        return f"channel-{Talk.names}"

    @staticmethod
    def post(httpd, channel, body=b"", headers=(), location="/publish"):
        body = body.encode() if isinstance(body, str) else body
        head = [f"POST {location}/{channel} HTTP/1.1", f"Host: 127.0.0.1:{httpd.port}",
                f"Content-Length: {len(body)}", *headers]
        with httpd.connect() as connection:
            return connection.ask("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def publish(self, httpd, channel, *texts):
        """The positions of the messages."""
        positions = []
        for text in texts:
            response = self.post(httpd, channel, text)
            assert response.status == 200, response
            positions.append(json.loads(response.body)["position"])
        return positions

    def look(self, httpd, channel, query=""):
        response = httpd.get(f"/publish/{channel}{query}")
        assert response.status == 200, response
        return json.loads(response.body)

    def wait_members(self, httpd, channel, count):
        """Until that many have joined, in whatever child."""
        deadline = time.monotonic() + 10
        while self.look(httpd, channel)["members"] != count:
            assert time.monotonic() < deadline, f"never {count} members"
            time.sleep(0.02)


class TestPublish(Talk):
    def test_cws_240_curl_publishes(self, httpd, channel):
        url = f"http://127.0.0.1:{httpd.port}/publish/{channel}"
        with open_stream(httpd, f"/subscribe/{channel}") as stream:
            stream.wait_id()
            done = subprocess.run(["curl", "-sS", "--fail", "--data-binary", "もも\nもも", url],
                                  stdout=subprocess.PIPE, timeout=20, check=True)
            answer = json.loads(done.stdout)
            assert answer["channel"] == channel and answer["members"] in (0, 1)
            assert stream.read() == [Event("もも\nもも", answer["position"])]

    def test_cws_240_answer(self, httpd, channel):
        response = self.post(httpd, channel, "x")
        assert response.get("content-type") == "application/json"
        assert response.get("cache-control") == "no-store"
        first = json.loads(response.body)["position"]
        second = json.loads(self.post(httpd, channel, "y").body)["position"]
        epoch, offset = first.split("-")
        assert int(offset) == 1 and second == f"{epoch}-2"

    @pytest.mark.parametrize("content_type, kind", [
        ("text/plain", "data"), ("application/json; charset=utf-8", "data"), (None, "data"),
        ("application/x-www-form-urlencoded", "data"), ("application/octet-stream", "base64"),
        ("image/png", "base64")])
    def test_cws_241_kinds_of_bodies(self, httpd, channel, content_type, kind):
        body = "ほ{}&=".encode()
        headers = [f"Content-Type: {content_type}"] if content_type else []
        assert self.post(httpd, channel, body, headers).status == 200
        message, = self.look(httpd, channel)["messages"]
        assert message[kind] == (body.decode() if kind == "data"
                                 else base64.b64encode(body).decode())

    @pytest.mark.parametrize("body, headers, status, says", [
        (b"\xff", (), 400, b"not UTF-8"),
        (b"x\xe3\x81", ("Content-Type: text/plain",), 400, b"not UTF-8"),
        (b"x", ("Content-Type: multipart/form-data; boundary=x",), 415, b"message as it is"),
        (b"x", ("Content-Type: text/plain; charset=latin1",), 415, b"other character set"),
        (gzip.compress(b"x"), ("Content-Encoding: gzip",), 415, b"encoded"),
        (b"x" * 100_001, (), 413, b""),
        (b"x", ("Origin: https://elsewhere.example",), 403, b"origin"),
    ])
    def test_cws_241_bad_bodies_are_refused(self, httpd, channel, body, headers, status, says):
        response = self.post(httpd, channel, body, headers)
        assert response.status == status
        assert says in response.body
        assert self.look(httpd, channel)["messages"] == []

    def test_cws_241_largest_and_empty(self, httpd, channel):
        self.publish(httpd, channel, "x" * 100_000, "")
        assert [len(each["data"]) for each in self.look(httpd, channel)["messages"]] == [100_000, 0]

    def test_cws_241_chunked_bodies(self, httpd, channel):
        def ask(size):
            head = f"POST /publish/{channel} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            with httpd.connect() as connection:
                return connection.ask(head.encode() + f"{size:x}\r\n".encode() + b"y" * size
                                      + b"\r\n0\r\n\r\n")
        assert ask(10).status == 200
        assert ask(150_000).status == 413
        assert [each["data"] for each in self.look(httpd, channel)["messages"]] == ["y" * 10]

    def test_cws_242_addresses_and_methods(self, httpd):
        for path in ("/publish", "/publish/"):
            assert httpd.get(path).status == 404, path
        assert httpd.get("/publish/" + "x" * 255).status == 200
        for method in ("PUT", "DELETE", "PATCH"):
            response = httpd.get("/publish/x", method)
            assert response.status == 405
            assert set(response.get("allow").split(",")) >= {"GET", "POST", "OPTIONS"}
        options = httpd.get("/publish/x", "OPTIONS")
        assert options.status == 200 and "POST" in options.get("allow")
        head = httpd.get("/publish/x", "HEAD")
        assert head.status == 200 and head.get("content-type") == "application/json"

    def test_cws_242_names_are_what_the_path_says(self, httpd, channel):
        for written, name in ((f"{channel}/b,c", f"{channel}/b,c"), (f"{channel}%20%22x", f'{channel} "x'),
                              (f"{channel}%E3%82%82", f"{channel}も")):
            answer = json.loads(self.post(httpd, written, "x").body)
            assert answer["channel"] == name
            assert self.look(httpd, written)["position"] == answer["position"]

    @pytest.mark.parametrize("written, why", [
        ("caf%E9", "is UTF-8"), ("a%C0%AFb", "is UTF-8"), ("a%0Ab", "no control characters"),
        ("x" * 256, "1 to 255 bytes")])
    def test_cws_242_names_that_no_channel_can_have(self, httpd, written, why):
        """Else a name would be told as another, or cut off whoever is told of it."""
        for headers, location in (([], "/publish"), (["Accept: text/event-stream"], "/subscribe")):
            mark = httpd.error_log.mark()
            answer = httpd.get(f"{location}/{written}", headers=headers)
            assert answer.status == 400 and why in answer.body.decode()
            httpd.error_log.wait_for("CWS0056: the address gives .*" + why, mark)
        assert httpd.ask(f"/subscribe/{written}").status == 400
        assert self.post(httpd, written, "x").status == 400

    @pytest.mark.parametrize("login, why", [(b"caf\xe9", b"is UTF-8"), (b"a\tb", b"control characters"),
                                            (b"x" * 255, b"1 to 255 bytes")])
    def test_cws_242_names_that_an_expression_cannot_give(self, httpd, login, why):
        for method in (b"GET", b"POST"):
            mark = httpd.error_log.mark()
            with httpd.connect() as connection:
                answer = connection.ask(method + b" /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Login: " + login
                                        + b"\r\nContent-Length: 0\r\n\r\n")
            assert answer.status == 400 and why in answer.body
            httpd.error_log.wait_for("CWS0056: an expression of WebSocketChannel gives .*" + why.decode(), mark)

    def test_cws_242_get_tells_history(self, httpd, channel):
        assert self.look(httpd, channel) == {
            "channel": channel, "members": 0, "position": None, "presence": [], "complete": False,
            "messages": []} | {"complete": self.look(httpd, channel)["complete"]}
        positions = self.publish(httpd, channel, *(f"message {i}" for i in range(10)))

        def texts(query):
            seen = self.look(httpd, channel, query)
            assert seen["position"] == positions[-1]
            return [int(each["data"].split()[1]) for each in seen["messages"]], seen["complete"]
        assert texts("") == (list(range(10)), True)
        assert texts("?limit=3")[0] == [7, 8, 9]
        assert texts("?limit=0")[0] == []
        assert texts(f"?after={positions[6]}") == ([7, 8, 9], True)
        assert texts(f"?after={positions[9]}") == ([], True)
        assert texts("?after=ffff-3")[1] is False
        for wrong in ("?limit=", "?limit=1001", "?limit=x", "?after=x", "?after=1-1-1"):
            assert httpd.get(f"/publish/{channel}{wrong}").status == 400

    def test_cws_243_require_guards(self, httpd, channel):
        assert self.post(httpd, "closed", "x").status == 403
        assert self.post(httpd, "closed/below", "x").status == 403
        assert httpd.get("/publish/closed").status == 403
        assert self.post(httpd, channel, "x", location="/keyed").status == 403
        assert self.post(httpd, channel, "x", ["X-Key: open"], location="/keyed").status == 403
        assert self.post(httpd, channel, "x", ["X-Key: open sesame"],
                         location="/keyed").status == 200
        assert self.post(httpd, channel, "x", location="/status").status == 403
        assert httpd.get(f"/status/{channel}").status == 200
        httpd.allow_log("AH01630")

    def test_cws_243_mistakes_of_the_configuration(self, httpd):
        assert self.post(httpd, "x", "x", location="/publish-several").status == 500
        httpd.expect_log("CWS0047: WebSocketChannel names several channels")
        assert httpd.get("/match/x").status == 404
        httpd.expect_log("CWS0044: this SetHandler is outside of <Location>")

    def test_cws_243_pages_of_other_origins(self, httpd, channel):
        own = f"http://127.0.0.1:{httpd.port}"
        response = self.post(httpd, channel, "x", [f"Origin: {own}"])
        assert response.get("access-control-allow-origin") == own
        allowed = self.post(httpd, channel, "x", ["Origin: https://app.example"], "/listed/publish")
        assert allowed.status == 200
        assert allowed.get("access-control-allow-origin") == "https://app.example"
        assert "Origin" in allowed.get("vary")
        assert self.post(httpd, channel, "x", [f"Origin: {own}"], "/listed/publish").status == 403


class TestWebSocketSubscribers(Talk):
    @staticmethod
    def uri(httpd, path):
        return f"ws://127.0.0.1:{httpd.port}{path}"

    def test_cws_244_messages_stay_plain(self, httpd, channel):
        async def talk():
            loop = asyncio.get_running_loop()
            async with websockets.connect(self.uri(httpd, f"/subscribe/{channel}")) as one, \
                    websockets.connect(self.uri(httpd, f"/subscribe/{channel}")) as two:
                await loop.run_in_executor(None, self.wait_members, httpd, channel, 2)
                await loop.run_in_executor(None, self.publish, httpd, channel, "Hello", "もも", "")
                binary = ["Content-Type: application/octet-stream"]
                await loop.run_in_executor(None, self.post, httpd, channel, b"\0\xff", binary)
                for ws in (one, two):
                    assert [await ws.recv() for _ in range(4)] == ["Hello", "もも", "", b"\0\xff"]
        asyncio.run(talk())
        self.wait_members(httpd, channel, 0)

    def test_cws_244_a_subscriber_that_sends_is_closed_with_1008(self, httpd, channel):
        with httpd.open(f"/subscribe/{channel}") as ws:
            ws.text("hello?")
            assert ws.read_close() == (1008, "messages are published elsewhere, not here")
            ws.send(close_frame(1008))
            ws.expect_eof()

    def test_cws_244_json_resumes_exactly(self, httpd, channel):
        json_protocol = {"Sec-WebSocket-Protocol": "channel.json"}

        def events(path, count):
            with httpd.open(path, headers=json_protocol) as ws:
                assert ws.response.get("sec-websocket-protocol") == "channel.json"
                return [json.loads(ws.read_text()) for _ in range(count)]
        positions = self.publish(httpd, channel, "0", "1", "2")
        begin, = events(f"/subscribe/{channel}", 1)
        assert begin == {"type": "subscribed", "channel": channel, "position": positions[2],
                         "recovered": False}
        positions += self.publish(httpd, channel, "3", "4")
        begin, *missed = events(f"/subscribe/{channel}?after={positions[2]}", 3)
        assert begin["recovered"] is True
        assert [(each["data"], each["position"]) for each in missed] == [("3", positions[3]),
                                                                        ("4", positions[4])]
        begin, *newest = events(f"/subscribe/{channel}?history=2", 3)
        assert [each["data"] for each in newest] == ["3", "4"]
        begin, = events(f"/subscribe/{channel}?after=ffff-1", 1)
        assert begin["recovered"] is False and begin["position"] == positions[4]
        for unreadable in ("undefined", "1-1,2-2", "x"):
            begin, = events(f"/subscribe/{channel}?after={unreadable}", 1)
            assert begin["recovered"] is False and begin["position"] == positions[4]

    @pytest.mark.parametrize("query", ["history=x", "history=10001",
                                       "format=xml"])
    def test_cws_244_wrong_queries(self, httpd, channel, query):
        assert httpd.ask(f"/subscribe/{channel}?{query}").status == 400

    def test_cws_244_the_handshake_has_its_rules_here_too(self, httpd, channel):
        def ask(path, **headers):
            return httpd.ask(path, headers={name.replace("_", "-"): value
                                            for name, value in headers.items()}).status
        path = f"/subscribe/{channel}"
        assert ask(path, Origin="https://elsewhere.example") == 403
        assert ask(path, Sec_WebSocket_Version="9") == 426
        assert ask(path, Sec_WebSocket_Protocol="other") == 400
        assert ask("/subscribe") == 404
        assert ask("/none/x") == 404
        assert ask("/subscribe/closed") in (401, 403, 500)
        httpd.allow_log("AH00027|AuthType not set")

    def test_cws_244_several_channels(self, httpd, channel):
        with httpd.open(f"/both?{channel}", headers={"Sec-WebSocket-Protocol": "channel.json"}) as ws:
            assert {json.loads(ws.read_text())["channel"] for _ in "12"} == {"one", f"two-{channel}"}
            self.publish(httpd, f"two-{channel}", "to two")
            event = json.loads(ws.read_text())
            assert (event["channel"], event["data"]) == (f"two-{channel}", "to two")


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
            assert json.loads(event.text) == {"type": "message", "channel": channel,
                                              "position": position, "data": "x"}

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
