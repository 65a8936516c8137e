"""How a member begins: what is published once its client knows that it is connected reaches it, and what it
is given of the past waits for it in the channel, not in its connection."""
import http.client
import subprocess
import sys

import pytest

from idle import private_bytes

from harness.event_stream import open_stream

CONFIG = """
WebSocketChannelMemory 256M
WebSocketThreads 1
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 10000 1h
  Require local
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  Require all granted
</Location>
"""
JSON = {"headers": {"Sec-WebSocket-Protocol": "channel.json"}}


class Publisher:
    def __init__(self, httpd):
        self.connection = http.client.HTTPConnection("127.0.0.1", httpd.port, timeout=60)

    def publish(self, channel, text):
        self.connection.request("POST", f"/publish/{channel}", text)
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == 200


class Messages:
    """What a WebSocket gets, as text."""

    def __init__(self, httpd, path, **options):
        self.ws = httpd.open(path, timeout=60, **options)

    def wait_for(self, text):
        while text not in self.ws.read_text():
            pass

    def close(self):
        self.ws.drop()


class Events:
    def __init__(self, httpd, path):
        self.stream = open_stream(httpd, path, timeout=60)

    def wait_for(self, text):
        assert self.stream.texts(1) == [text]

    def close(self):
        self.stream.connection.drop()


WAYS = {
    "websocket": lambda httpd, channel: Messages(httpd, f"/subscribe/{channel}"),
    "channel.json": lambda httpd, channel: Messages(httpd, f"/subscribe/{channel}", **JSON),
    "event_stream": lambda httpd, channel: Events(httpd, f"/subscribe/{channel}"),
    "handler": lambda httpd, channel: Messages(httpd, f"/room?{channel}&reserve"),
    "blocking_handler": lambda httpd, channel: Messages(httpd, f"/room_blocking?{channel}&reserve"),
}


@pytest.fixture
def busy():
    """Something that takes the processors away from httpd now and then."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for each in processes:
        each.kill()
        each.wait()


def expect_all(httpd, way, rounds):
    """Every other channel has a member already, on the same reactor."""
    publisher = Publisher(httpd)
    for i in range(rounds):
        channel = f"{way}-{i}"
        first = WAYS["websocket"](httpd, channel) if i % 2 else None
        client = WAYS[way](httpd, channel)
        publisher.publish(channel, "at once")
        client.wait_for("at once")
        client.close()
        if first:
            first.close()


@pytest.mark.parametrize("way", WAYS)
def test_cws_273_what_is_published_in_onopen_arrives(make_httpd, busy, way, long):
    """--long: ten thousand times in all."""
    expect_all(make_httpd(CONFIG), way, 2_000 if long else 300)


def test_cws_275_deaf_clients_hold_no_history(make_httpd):
    httpd = make_httpd(CONFIG, one_child=True)
    publisher = Publisher(httpd)
    for i in range(3_000):
        publisher.publish("news", f"{i} " + "x" * 1000)
    publisher.connection.close()  # which may hold the only worker
    path = "/subscribe/news?history=3000"
    WAYS["websocket"](httpd, "news").close()
    before = private_bytes(httpd)
    deaf = [Messages(httpd, path, receive_buffer=4096) for _ in range(30)]
    deaf[0].ws.read_text()
    publisher.publish("news", "3000 and one more")
    assert (private_bytes(httpd) - before) / len(deaf) < 200_000
    texts = [deaf[0].ws.read_text() for _ in range(3_000)]
    assert [int(text.split()[0]) for text in texts] == list(range(1, 3_001))
