"""A channel's history that is deleted by HTTP."""
import json
import time

import pytest

from harness.backplane import REDIS, Redis
from harness.configuration import FEW
from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import open_stream
from test_236_backplane_refusals import UP

CHANNELS = """
<Location "/channels">
  SetHandler websocket-channels
  WebSocketChannelHistory 50 1h
</Location>
"""


class TestDeletion(Talk):
    CONFIG = CONFIG + CHANNELS

    @staticmethod
    def delete(httpd, channel, headers=(), location="/publish"):
        return httpd.get(f"{location}/{channel}", "DELETE", list(headers))

    def events(self, httpd, path, count):
        with httpd.open(path, headers={"Sec-WebSocket-Protocol": "channel.json"}) as ws:
            return [json.loads(ws.read_text()) for _ in range(count)]

    def test_cws_241_delete_says_what_is_gone(self, httpd, channel):
        positions = self.publish(httpd, channel, "a", "b", "c")
        answer = self.delete(httpd, channel)
        assert answer.status == 200 and answer.get("content-type") == "application/json"
        assert answer.get("cache-control") == "no-store"
        assert json.loads(answer.body) == {"channel": channel, "deleted": 3, "position": positions[2]}
        assert json.loads(self.delete(httpd, channel).body)["deleted"] == 0
        seen = self.look(httpd, channel)
        assert (seen["messages"], seen["position"]) == ([], positions[2])
        seen = self.look(httpd, channel, f"?after={positions[0]}")
        assert (seen["messages"], seen["complete"]) == ([], False)
        positions += self.publish(httpd, channel, "d")
        assert positions[3].endswith("-4")
        assert [each["data"] for each in self.look(httpd, channel)["messages"]] == ["d"]

    def test_cws_241_delete_of_what_is_not_known(self, httpd, channel):
        assert json.loads(self.delete(httpd, channel).body) == {
            "channel": channel, "deleted": 0, "position": None}

    def test_cws_241_who_comes_back_is_told(self, httpd, channel):
        positions = self.publish(httpd, channel, "a", "b", "c")
        assert self.delete(httpd, channel).status == 200
        begin, = self.events(httpd, f"/subscribe/{channel}?after={positions[1]}&history=10", 1)
        assert (begin["recovered"], begin["position"]) == (False, positions[2])
        begin, = self.events(httpd, f"/subscribe/{channel}?after={positions[2]}", 1)
        assert begin["recovered"] is True
        with open_stream(httpd, f"/subscribe/{channel}?after={positions[0]}") as stream:
            assert [(each.name, each.text) for each in stream.read()] == [("gap", channel)]

    def test_cws_241_who_listens_goes_on(self, httpd, channel):
        self.publish(httpd, channel, "a")
        with httpd.open(f"/subscribe/{channel}?history=1",
                        headers={"Sec-WebSocket-Protocol": "channel.json"}) as ws:
            assert [json.loads(ws.read_text())["type"] for _ in range(2)] == ["subscribed", "message"]
            assert self.delete(httpd, channel).status == 200
            self.publish(httpd, channel, "b")
            event = json.loads(ws.read_text())
            assert (event["type"], event["data"]) == ("message", "b")

    def test_cws_241_the_same_may_delete_who_may_publish(self, httpd, channel):
        self.publish(httpd, channel, "a")
        assert self.delete(httpd, channel, ["Origin: https://elsewhere.example"]).status == 403
        assert self.delete(httpd, "closed").status == 403
        assert self.delete(httpd, channel, location="/status").status == 403
        assert self.delete(httpd, channel, location="/keyed").status == 403
        httpd.allow_log("AH01630")
        assert [each["data"] for each in self.look(httpd, channel)["messages"]] == ["a"]
        assert self.delete(httpd, channel, ["X-Key: open sesame"], "/keyed").status == 200
        assert self.look(httpd, channel)["messages"] == []

    @pytest.mark.parametrize("query", ["?before=5f3a-4", "?after=", "?limit=3"])
    def test_cws_241_a_part_cannot_be_deleted(self, httpd, channel, query):
        self.publish(httpd, channel, "a")
        answer = self.delete(httpd, channel + query)
        assert answer.status == 400 and b"whole history" in answer.body
        assert len(self.look(httpd, channel)["messages"]) == 1

    def test_cws_241_not_where_visitors_publish(self, httpd, channel):
        """Who may talk in a channel by websocket-channels may not make others forget it."""
        self.publish(httpd, channel, "a")
        for location in ("/channels", "/subscribe"):
            answer = self.delete(httpd, channel, location=location)
            assert answer.status == 405 and "DELETE" not in answer.get("allow")
        assert len(self.look(httpd, channel)["messages"]) == 1


@pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")
class TestWithABackplane(Talk):
    def test_cws_241_what_other_machines_have_is_not_deleted_here(self, make_httpd, things, channel):
        redis = things(Redis().start())
        httpd = make_httpd(f"WebSocketBackplane redis://127.0.0.1:{redis.port}\n" + CONFIG, mpm_config=FEW, **self.OPTIONS)
        httpd.error_log.wait_for(UP, count=2, timeout=30)
        httpd.allow_log("CWS0039|CWS0040")  # the server ends first
        self.publish(httpd, channel, "a")
        deadline = time.monotonic() + 10
        while not self.look(httpd, channel)["messages"]:
            assert time.monotonic() < deadline, "it gets no number"
            time.sleep(0.05)
        answer = httpd.get(f"/publish/{channel}", "DELETE")
        assert answer.status == 501 and b"other machines have this history" in answer.body
        assert len(self.look(httpd, channel)["messages"]) == 1
