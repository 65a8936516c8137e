"""Several messages in one request: each line of the body is one."""
import json

import pytest

from harness.end_points import CONFIG, Talk, handlers  # noqa: F401, a fixture

CHANNELS = """
<Location "/channels">
  SetHandler websocket-channels
  Require all granted
</Location>
"""


class TestSeveralMessages(Talk):
    CONFIG = CONFIG + CHANNELS

    def lines(self, httpd, channel, body, headers=(), how="lines"):
        return self.post(httpd, f"{channel}?messages={how}", body, headers)

    def texts(self, httpd, channel):
        return [each["data"] for each in self.look(httpd, channel)["messages"]]

    def test_cws_252_each_line_is_a_message(self, httpd, channel):
        with httpd.open(f"/subscribe/{channel}") as ws:
            self.wait_members(httpd, channel, 1)
            answer = self.lines(httpd, channel, "one\r\n\nもも\n three ")
            assert answer.status == 200, answer
            assert [ws.read_text() for _ in range(3)] == ["one", "もも", " three "]
        told = json.loads(answer.body)
        seen = self.look(httpd, channel)["messages"]
        assert told == {"channel": channel, "members": 1, "positions": [each["position"] for each in seen]}
        assert len(seen) == 3

    def test_cws_252_without_it_the_body_is_one_message(self, httpd, channel):
        self.publish(httpd, channel, "one\ntwo\n")
        assert self.texts(httpd, channel) == ["one\ntwo\n"]

    @pytest.mark.parametrize("body, headers, how, says", [
        ("", [], "lines", "from 1 to 1000 lines"), ("\n\r\n", [], "lines", "from 1 to 1000 lines"),
        ("x\n" * 1001, [], "lines", "from 1 to 1000 lines"), ("x", [], "json", "messages=lines is all there is"),
        ("x", [], "", "messages=lines is all there is"),
        ("x", ["Content-Type: application/octet-stream"], "lines", "its body is text")])
    def test_cws_252_what_it_is_not(self, httpd, channel, body, headers, how, says):
        answer = self.lines(httpd, channel, body, headers, how)
        assert answer.status == 400 and says in answer.body.decode()
        assert self.texts(httpd, channel) == []

    def test_cws_252_a_thousand(self, httpd, channel):
        assert len(json.loads(self.lines(httpd, channel, "x\n" * 1000).body)["positions"]) == 1000

    def test_cws_252_not_to_several_channels(self, httpd, channel):
        with httpd.connect() as connection:
            head = f"POST /channels?channel={channel}&messages=lines HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\n"
            answer = connection.ask(head.encode() + b"Content-Length: 1\r\n\r\nx")
        assert answer.status == 400 and b"one channel" in answer.body

    def test_cws_252_a_retry_publishes_nothing(self, httpd, channel):
        key = ["Idempotency-Key: k"]
        first = self.lines(httpd, channel, "a\na\nb", key)
        assert first.status == 200 and first.get("idempotent-replayed") is None
        again = self.lines(httpd, channel, "a\na\nb", key)
        assert again.get("idempotent-replayed") == "true"
        assert json.loads(again.body)["positions"] == json.loads(first.body)["positions"]
        assert self.texts(httpd, channel) == ["a", "a", "b"]
        assert self.lines(httpd, channel, "a\nc\nb", key).status == 422
        assert self.texts(httpd, channel) == ["a", "a", "b"]
