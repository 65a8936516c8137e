"""Channels without C++: publishing by HTTP, and WebSockets that subscribe, on the wire."""
import asyncio
import base64
import gzip
import json
import subprocess
import time

import pytest
import websockets

from harness.end_points import Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import Event, open_stream
from harness.raw import close_frame


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
        for method in ("PUT", "PATCH"):
            response = httpd.get("/publish/x", method)
            assert response.status == 405
            assert set(response.get("allow").split(",")) >= {"GET", "POST", "DELETE", "OPTIONS"}
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
            assert all(abs(each["time"] - time.time() * 1000) < 60_000 for each in seen["messages"])
            assert seen["position"] == positions[-1]
            return [int(each["data"].split()[1]) for each in seen["messages"]], seen["complete"]
        assert texts("") == (list(range(10)), True)
        assert texts("?limit=3")[0] == [7, 8, 9]
        assert texts("?limit=0")[0] == []
        assert texts(f"?after={positions[6]}") == ([7, 8, 9], True)
        assert texts(f"?after={positions[9]}") == ([], True)
        assert texts("?after=ffff-3")[1] is False
        forward, at = [], positions[0]
        while page := self.look(httpd, channel, f"?limit=4&after={at}")["messages"]:
            forward.append([int(each["data"].split()[1]) for each in page])
            at = page[-1]["position"]
        assert forward == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]
        assert texts(f"?limit=4&before={positions[9]}") == ([5, 6, 7, 8], True)
        assert texts(f"?limit=4&before={positions[2]}") == ([0, 1], True)
        assert texts(f"?before={positions[0]}") == ([], True)
        assert texts("?before=ffff-3") == ([], False)
        for wrong in ("?before=x", f"?before={positions[1]}&after={positions[0]}",
                      "?limit=", "?limit=1001", "?limit=x", "?after=x", "?after=1-1-1"):
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
