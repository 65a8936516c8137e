"""What a publisher says of one message: its event's name, who is not to get it, how long it counts."""
import json
import time

import pytest

from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import Event, open_stream
from harness.raw import TEXT, frame

JSON = {"Sec-WebSocket-Protocol": "channel.json"}
CHANNELS = """
<Location "/channels">
  SetHandler websocket-channels
  Require all granted
</Location>
<Location "/channels/many">
  SetHandler websocket-channels
  WebSocketChannelHistory 50
</Location>
"""


class TestRemarks(Talk):
    CONFIG = CONFIG + CHANNELS

    def say(self, httpd, channel, text, query, headers=()):
        answer = self.post(httpd, f"{channel}?{query}", text, headers)
        assert answer.status == 200, answer
        return json.loads(answer.body)["position"]

    def next(self, ws):
        return json.loads(ws.read_text())

    def test_cws_253_an_event_has_a_name(self, httpd, channel):
        with (open_stream(httpd, f"/subscribe/{channel}") as stream, httpd.open(f"/subscribe/{channel}") as plain,
              httpd.open(f"/subscribe/{channel}", headers=JSON) as enveloped):
            stream.wait_id()
            self.next(enveloped)
            self.wait_members(httpd, channel, 3)
            at = self.say(httpd, channel, "19.90", "event=price&retry=7000")
            assert stream.read() == [Event("19.90", at, "price")]
            assert stream.retry == 7000
            assert plain.read_text() == "19.90"
            told = self.next(enveloped)
            assert (told["event"], told["data"]) == ("price", "19.90")
            self.publish(httpd, channel, "no name")
            assert stream.read()[0].name == "message" and "event" not in self.next(enveloped)
        with open_stream(httpd, f"/subscribe/{channel}", {"Last-Event-ID": at.rpartition("-")[0] + "-0"}) as stream:
            assert [(each.name, each.text) for each in stream.read(2)] == [("price", "19.90"), ("message", "no name")]
        assert self.look(httpd, channel)["messages"][0]["event"] == "price"

    def test_cws_253_of_several_channels_too(self, httpd, channel):
        with open_stream(httpd, f"/both?{channel}") as stream:
            while len(stream.begun) < 2:
                stream.read_block()
            self.say(httpd, f"two-{channel}", "x", "event=y&retry=5000")
            event, = stream.read()
            assert (event.name, event.text, stream.retry) == ("y", "x", 5000)

    def test_cws_253_who_is_excepted_does_not_get_it(self, httpd, channel):
        with (httpd.open(f"/subscribe/{channel}?tag=me", headers=JSON) as mine, open_stream(httpd, f"/subscribe/{channel}?tag=me") as stream,
              httpd.open(f"/subscribe/{channel}?tag=you", headers=JSON) as yours, httpd.open(f"/subscribe/{channel}?tag=me") as plain):
            for ws in (mine, yours):
                self.next(ws)
            stream.wait_id()
            self.wait_members(httpd, channel, 4)
            at = self.say(httpd, channel, "mine", "except=me")
            self.publish(httpd, channel, "all")
            assert [self.next(yours)["data"] for _ in range(2)] == ["mine", "all"]
            assert self.next(mine) == {"type": "position", "channel": channel, "position": at}
            assert self.next(mine)["data"] == "all"
            assert [(each.name, each.id) for each in stream.read()] == [("position", at)]
            assert stream.texts(1) == ["all"]
            assert plain.read_text() == "all"

    def test_cws_253_nor_when_it_comes_back(self, httpd, channel):
        with httpd.open(f"/subscribe/{channel}", headers=JSON) as ws:
            begin = self.next(ws)["position"]
        self.say(httpd, channel, "mine", "except=me")
        self.publish(httpd, channel, "all")
        for tag, texts in (("me", [None, "all"]), ("you", ["mine", "all"])):
            with httpd.open(f"/subscribe/{channel}?tag={tag}&after={begin}", headers=JSON) as ws:
                assert self.next(ws)["recovered"] is True
                assert [self.next(ws).get("data") for _ in range(2)] == texts

    def test_cws_253_what_counts_for_a_time_only(self, httpd, channel):
        self.publish(httpd, channel, "before")
        with httpd.open(f"/subscribe/{channel}", headers=JSON) as ws:
            begin = self.next(ws)["position"]
            self.say(httpd, channel, "offer", "ttl=2")
            assert self.next(ws)["data"] == "offer"
        self.publish(httpd, channel, "after")
        assert [each["data"] for each in self.look(httpd, channel)["messages"]] == ["before", "offer", "after"]
        with httpd.open(f"/subscribe/{channel}?after={begin}", headers=JSON) as ws:
            assert [self.next(ws).get("data") for _ in range(3)] == [None, "offer", "after"]
        time.sleep(2.2)
        assert [each["data"] for each in self.look(httpd, channel)["messages"]] == ["before", "after"]
        with httpd.open(f"/subscribe/{channel}?after={begin}", headers=JSON) as ws:
            assert [self.next(ws)["type"] for _ in range(3)] == ["subscribed", "position", "message"]

    def test_cws_253_by_command(self, httpd, channel):
        with httpd.open("/channels/many?tag=me", headers={"Sec-WebSocket-Protocol": "channels.json"}) as ws:
            self.next(ws)
            for number, command in enumerate([
                    {"type": "subscribe"}, {"type": "publish", "data": "mine", "except": "me", "event": "e", "ttl": 60},
                    {"type": "publish", "data": "all"}], 1):
                ws.send(frame(TEXT, json.dumps(command | {"id": number, "channel": channel})))
            seen = [self.next(ws) for _ in range(6)]
            assert [each["data"] for each in seen if each["type"] == "message"] == ["all"]
            assert [each["type"] for each in seen].count("position") == 1
            ws.send(frame(TEXT, json.dumps({"type": "publish", "id": 9, "channel": channel, "data": "", "event": "gap"})))
            assert self.next(ws)["error"] == "bad_command"
        with httpd.open(f"/channels/many?tag=you", headers={"Sec-WebSocket-Protocol": "channels.json"}) as ws:
            self.next(ws)
            ws.send(frame(TEXT, json.dumps({"type": "subscribe", "id": 1, "channel": channel, "history": 10})))
            seen = [self.next(ws) for _ in range(4)]
            assert [(each["data"], each.get("event")) for each in seen[2:]] == [("mine", "e"), ("all", None)]

    @pytest.mark.parametrize("query", [
        "event=", "event=gap", "event=message", "event=a%0Ab", "event=" + "x" * 65, "retry=0", "retry=1s", "retry=3600001", "ttl=0",
        "ttl=-1", "ttl=x", "except=", "except=" + "x" * 65, "except=%00"])
    def test_cws_253_what_none_of_them_is(self, httpd, channel, query):
        answer = self.post(httpd, f"{channel}?{query}", "x")
        assert answer.status == 400 and query.partition("=")[0].encode() + b"=" in answer.body
        assert self.look(httpd, channel)["messages"] == []

    def test_cws_253_bytes_have_no_name(self, httpd, channel):
        answer = self.post(httpd, f"{channel}?event=x", b"\0", ["Content-Type: application/octet-stream"])
        assert answer.status == 400

    def test_cws_253_a_tag_is_short(self, httpd, channel):
        assert httpd.ask(f"/subscribe/{channel}?tag=" + "x" * 65).status == 400
