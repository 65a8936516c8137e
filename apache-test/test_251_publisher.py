"""Who has published a message, told where the channel's location says so, and nowhere else."""
import base64
import json
import time

import pytest

from harness.backplane import REDIS, Redis
from harness.channel_json import JsonMember
from harness.configuration import FEW
from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import open_stream
from test_236_backplane_refusals import UP
from test_246_many_channels import USERS, Client

LOGIN = """
  AuthType Basic
  AuthName named
  AuthUserFile "{root}/users"
  Require valid-user"""
LOCATIONS = """
<Location "/named">
  SetHandler websocket-publish
  WebSocketChannelHistory 50 1h
  WebSocketChannelPublisher On%(login)s
</Location>
<Location "/named/silent">
  WebSocketChannelPublisher Off
</Location>
<Location "/open">
  SetHandler websocket-publish
  WebSocketChannelHistory 50 1h
  WebSocketChannelPublisher On
</Location>
<Location "/talk">
  SetHandler websocket-channels
  WebSocketChannelHistory 50 1h
  WebSocketChannelPublisher On%(login)s
</Location>
""" % {"login": LOGIN}
FILES = {"files": {**Talk.OPTIONS["files"], "users": USERS}}


def login(user):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()


class TestPublisher(Talk):
    CONFIG = CONFIG + LOCATIONS
    OPTIONS = FILES

    def by(self, httpd, user, channel, body, location="/named"):
        answer = self.post(httpd, channel, body, [login(user)], location)
        assert answer.status == 200, answer

    def told(self, httpd, channel):
        return [(each["data"], each.get("publisher")) for each in self.look(httpd, channel)["messages"]]

    def test_cws_251_members_and_histories_are_told(self, httpd, things, channel):
        member = things(JsonMember(httpd, f"/subscribe/{channel}"))
        self.by(httpd, "ann", channel, "from ann")
        self.by(httpd, "bob", channel, "from bob")
        member.wait_for("from bob")
        assert [each["publisher"] for each in member.events] == ["ann", "bob"]
        assert self.told(httpd, channel) == [("from ann", "ann"), ("from bob", "bob")]
        late = things(JsonMember(httpd, f"/subscribe/{channel}?history=2"))
        late.wait_for("from bob")
        assert [each["publisher"] for each in late.events] == ["ann", "bob"]

    def test_cws_251_event_streams_in_json_are_told(self, httpd):
        with open_stream(httpd, "/both?format=json") as stream:
            stream.read(2)
            self.by(httpd, "ann", "one", "x")
            assert json.loads(stream.read()[0].text)["publisher"] == "ann"

    def test_cws_251_nobody_is_told_without_it(self, httpd, channel):
        self.by(httpd, "ann", f"silent/{channel}", "x")
        assert self.told(httpd, f"silent/{channel}") == [("x", None)]
        self.by(httpd, "ann", channel, "x", "/publish")  # who publishes by a location without it
        assert self.told(httpd, channel) == [("x", None)]

    def test_cws_251_who_is_not_logged_in_has_no_name(self, httpd, channel):
        assert self.post(httpd, channel, "x", location="/open").status == 200
        assert self.told(httpd, channel) == [("x", None)]

    def test_cws_251_on_one_connection_for_many_channels(self, httpd, channel):
        ann, bob = (Client(httpd, "/talk", {"Authorization": login(user).partition(": ")[2]}.items())
                    for user in ("ann", "bob"))
        with ann, bob:
            ann.subscribe(channel)
            assert bob.ask("publish", channel=channel, data="hello")["type"] == "answer"
            event = ann.read()
            assert (event["data"], event["publisher"]) == ("hello", "bob")
            message, = ann.ask("history", channel=channel)["messages"]
            assert message["publisher"] == "bob"

    def test_cws_251_to_several_channels(self, httpd, channel):
        head = f"POST /talk?channel={channel} HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\nContent-Length: 1\r\n"
        with httpd.connect() as connection:
            answer = connection.ask((head + login("ann") + "\r\n\r\nx").encode())
        assert answer.status == 200, answer
        assert self.told(httpd, channel) == [("x", "ann")]

    def test_cws_251_over_a_graceful_restart(self, make_httpd, channel):
        httpd = make_httpd(self.CONFIG, **FILES)
        self.by(httpd, "ann", channel, "x")
        httpd.graceful()
        assert self.told(httpd, channel) == [("x", "ann")]


@pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")
class TestMachines(Talk):
    @pytest.mark.parametrize("location", ["/named", "/plain"])
    def test_cws_251_on_other_machines(self, make_httpd, things, location):
        redis = things(Redis().start())
        plain = LOCATIONS[:LOCATIONS.index("<Location \"/named/silent\">")].replace("/named", "/plain").replace(
            "  WebSocketChannelHistory 50 1h\n", "")
        config = (f"WebSocketBackplane redis://127.0.0.1:{redis.port}\n" + CONFIG + LOCATIONS + plain)
        here, there = (make_httpd(config, mpm_config=FEW, **FILES) for _ in range(2))
        for machine in (here, there):
            machine.error_log.wait_for(UP, count=2, timeout=30)
            machine.allow_log("CWS0039|CWS0040")  # the server ends first
        member = things(JsonMember(there, "/subscribe/news"))
        assert self.post(here, "news", "hello", [login("ann")], location).status == 200
        member.wait_for("hello")
        assert [each.get("publisher") for each in member.events if each["type"] == "message"] == ["ann"]
        if location == "/named":
            deadline = time.monotonic() + 10
            while not (seen := self.look(there, "news")["messages"]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert seen[0]["publisher"] == "ann"
