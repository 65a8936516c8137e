"""A POST that is sent again with its Idempotency-Key publishes nothing."""
import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.configuration import THREE
from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture
from test_242_members import kill_all

LOCATIONS = """
<Location "/named">
  SetHandler websocket-publish
  WebSocketChannel by-users
  WebSocketChannelHistory 50 1h
  AuthType Basic
  AuthName named
  AuthUserFile "{root}/users"
  Require valid-user
</Location>
<Location "/channels">
  SetHandler websocket-channels
  WebSocketChannelHistory 50 1h
  Require all granted
</Location>
"""


def sha(password):
    return "{SHA}" + base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()


def login(user):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{user}".encode()).decode()


class TestIdempotencyKey(Talk):
    CONFIG = CONFIG + LOCATIONS
    OPTIONS = {"files": {**Talk.OPTIONS["files"], "users": "".join(f"{name}:{sha(name)}\n" for name in ("ann", "bob"))}}

    def again(self, httpd, channel, body, key, headers=(), location="/publish"):
        return self.post(httpd, channel, body, [f"Idempotency-Key: {key}", *headers], location)

    def texts(self, httpd, channel):
        return [each["data"] for each in self.look(httpd, channel)["messages"]]

    def test_cws_243_a_retry_gets_the_first_answer(self, httpd, channel):
        first = self.again(httpd, channel, "paid", '"8e03978e-40d5-43dd-bc93-6894a57f9324"')
        assert first.status == 200 and first.get("idempotent-replayed") is None
        self.publish(httpd, channel, "meanwhile")
        with httpd.open(f"/subscribe/{channel}"):
            retry = self.again(httpd, channel, "paid", '"8e03978e-40d5-43dd-bc93-6894a57f9324"')
        assert retry.status == 200 and retry.get("idempotent-replayed") == "true"
        assert json.loads(retry.body) == json.loads(first.body)
        assert self.texts(httpd, channel) == ["paid", "meanwhile"]
        other = self.again(httpd, channel, "paid", "another")
        assert json.loads(other.body)["position"].endswith("-3")

    def test_cws_243_a_key_is_of_its_channel(self, httpd, channel):
        assert self.again(httpd, channel, "x", "k").status == 200
        assert self.again(httpd, f"other-{channel}", "y", "k").status == 200
        assert self.texts(httpd, f"other-{channel}") == ["y"]

    def test_cws_243_a_key_is_of_one_message(self, httpd, channel):
        assert self.again(httpd, channel, "x", "k").status == 200
        for body, headers in (("y", []), ("x", ["Content-Type: application/octet-stream"])):
            answer = self.again(httpd, channel, body, "k", headers)
            assert answer.status == 422 and b"another message" in answer.body
        assert self.texts(httpd, channel) == ["x"]

    def test_cws_243_a_key_is_of_its_user(self, httpd):
        for user, replayed in (("ann", None), ("bob", None), ("ann", "true")):
            answer = self.again(httpd, "x", "x", "k", [login(user)], "/named")
            assert (answer.status, answer.get("idempotent-replayed")) == (200, replayed)
        assert self.texts(httpd, "by-users") == ["x", "x"]

    @pytest.mark.parametrize("key", ["", "a b", "x" * 256, "k\u00e9y"])
    def test_cws_243_what_is_no_key_is_refused(self, httpd, channel, key):
        answer = self.again(httpd, channel, "x", key)
        assert answer.status == 400 and b"1 to 255 visible ASCII characters" in answer.body
        assert self.texts(httpd, channel) == []

    def test_cws_243_two_keys_are_none(self, httpd, channel):
        assert self.again(httpd, channel, "x", "one", ["Idempotency-Key: two"]).status == 400

    def test_cws_243_what_was_refused_is_not_remembered(self, httpd, channel):
        assert self.again(httpd, channel, b"\xff", "k").status == 400
        assert self.again(httpd, channel, "x" * 100_001, "k").status == 413
        assert self.again(httpd, channel, "x", "k").get("idempotent-replayed") is None
        assert self.texts(httpd, channel) == ["x"]

    def test_cws_243_of_many_at_once_one_is_published(self, httpd, channel):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.again(httpd, channel, "x", "k"), range(40)))
        assert {each.status for each in answers} <= {200, 409}
        assert len({each.body for each in answers if each.status == 200}) == 1
        assert self.texts(httpd, channel) == ["x"]

    def test_cws_243_in_channels_of_many(self, httpd, channel):
        for _ in range(2):
            assert self.again(httpd, channel, "x", "k", location="/channels").status == 200
        assert self.texts(httpd, channel) == ["x"]
        answer = self.again(httpd, "", "x", "k", location=f"/channels?channel={channel}")
        assert answer.status == 400 and b"one channel" in answer.body


class TestChildren(Talk):
    def test_cws_243_holds_over_children_their_deaths_and_restarts(self, make_httpd, channel):
        httpd = make_httpd(CONFIG, mpm_config=THREE, **self.OPTIONS)
        httpd.allow_log("exit signal Killed")

        def again():
            answer = self.post(httpd, channel, "x", ["Idempotency-Key: k"])
            assert answer.status == 200, answer
            return answer.body
        bodies = {again() for _ in range(12)}
        kill_all(httpd)
        bodies |= {again() for _ in range(6)}
        httpd.graceful()
        bodies |= {again() for _ in range(6)}
        assert len(bodies) == 1
        assert len(self.look(httpd, channel)["messages"]) == 1
