"""What a stranger cannot make the server forget: the histories of others' channels, and that without a word."""
import http.client
import json
import threading
from contextlib import ExitStack

import pytest

from harness.event_stream import open_stream
from harness.raw import TEXT, frame

# Few children, so that the little memory is much for each; the table has room for 4,096 channels.
CHILDREN = {
    "event": "StartServers 2\nServerLimit 2\nMinSpareThreads 2\nMaxSpareThreads 100\n"
             "ThreadLimit 50\nThreadsPerChild 50\nMaxRequestWorkers 100",
    "prefork": "StartServers 4\nMinSpareServers 4\nMaxSpareServers 6\nServerLimit 6\n"
               "MaxRequestWorkers 6",
}
CHILDREN["worker"] = CHILDREN["event"]
TABLE = 4096
PER_REQUEST = 64  # names that one connection may listen to
CONFIG = """
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 30
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
WebSocketChannelMemory 1M
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 10 1h
</Location>
<Location "/lately">
  SetHandler websocket-publish
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 10 1h
</Location>
<Location "/many">
  SetHandler websocket-subscribe
  WebSocketChannel %s
</Location>
""" % " ".join(f"%{{QUERY_STRING}}-{i}" for i in range(PER_REQUEST))
ROOMS = [f"room-{i}" for i in range(30)]
PING = b"\x89\x80\0\0\0\0"


class Poster:
    """One connection, so that all of it is published by one child. `address`: whose it seems to be."""

    def __init__(self, httpd, address=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", httpd.port, timeout=20)
        self.headers = {"X-Forwarded-For": address} if address else {}

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def post(self, channel, body, location="publish"):
        status, answer = self.ask("POST", f"/{location}/{channel}", body)
        assert status == 200, answer

    def history(self, channel):
        return [each["data"] for each in json.loads(self.ask("GET", f"/publish/{channel}")[1])["messages"]]


def everywhere(count, work):
    """Has 4 threads call work(numbers), with a part of `count` each."""
    failures = []

    def run(part):
        try:
            work(range(part, count, 4))
        except Exception as failure:  # for the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(part,)) for part in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failures, failures


@pytest.fixture
def several(make_httpd):
    def start():
        httpd = make_httpd(CONFIG, mpm_config=CHILDREN)
        httpd.allow_log("CWS0035")  # so little memory may be too fast for a reader
        return httpd
    return start


class TestKept:
    def fill(self, poster):
        for text in ("one", "two"):
            for room in ROOMS:
                poster.post(room, f"{text} in {room}")

    @staticmethod
    def wait_all(stream):
        while len(stream.begun) < PER_REQUEST:
            stream.read_block()

    def lost(self, poster):
        return [room for room in ROOMS
                if poster.history(room) != [f"one in {room}", f"two in {room}"]]

    def test_cws_284_names_that_a_stranger_makes_up(self, several):
        httpd = several()
        poster = Poster(httpd)
        self.fill(poster)

        def listen(numbers):
            for i in numbers:
                with open_stream(httpd, f"/many?listened-{i}") as stream:
                    self.wait_all(stream)

        everywhere(3 * TABLE // PER_REQUEST, listen)
        assert self.lost(poster) == [], "to who listened"

        def refused(numbers):
            stranger = Poster(httpd, "192.0.2.7")
            for i in numbers:
                assert stranger.ask("POST", f"/publish/refused-{i}", b"\xff")[0] == 400
                assert stranger.ask("GET", f"/publish/looked-at-{i}")[0] == 200

        everywhere(500, refused)

        def publish(numbers):
            stranger = Poster(httpd, "192.0.2.7")
            for i in numbers:
                stranger.post(f"published-{i}", "x" * (i % 500))

        everywhere(3 * TABLE // 2, publish)
        assert self.lost(poster) == [], "to who published"

    @pytest.mark.parametrize("address", [None, "192.0.2.7"])
    def test_cws_285_a_busy_room(self, several, address):
        httpd = several()
        poster = Poster(httpd)
        self.fill(poster)
        # By the same child, as much as its memory is several times over.
        poster.headers = {"X-Forwarded-For": address} if address else {}
        for i in range(1500):
            poster.post("busy", str(i) + "x" * 1000)
        assert self.lost(poster) == []
        assert [each[:4] for each in poster.history("busy")] == [str(i) for i in range(1490, 1500)]

    # In one child, as each connection is on prefork.
    def test_cws_286_a_busy_member_of_many_rooms(self, make_httpd, mpm):
        if mpm == "prefork":
            pytest.skip("each connection publishes in a child of its own")
        httpd = make_httpd(CONFIG, one_child=True)
        httpd.allow_log("CWS0035")

        def enter(room, address):
            ws = httpd.open("/chat", headers={"X-Forwarded-For": address})
            ws.send(frame(TEXT, f"{room}\n{address}\n"))
            return ws

        def say(ws, *texts):
            ws.send(b"".join(frame(TEXT, text) for text in texts) + PING)
            while ws.read_frame().opcode != 0xA:
                pass

        for i, room in enumerate(ROOMS[:20]):
            with enter(room, f"198.51.100.{i}") as ws:
                say(ws, f"one in {room}", f"two in {room}")
        for i in range(20):
            with enter(f"busy-{i}", "192.0.2.7") as ws:
                for _ in range(6):
                    say(ws, *["x" * 300] * 50)
        poster = Poster(httpd)
        for room in ROOMS[:20]:
            assert [each.split("\n")[-1] for each in poster.history(f"chat/{room}")] == [
                f"one in {room}", f"two in {room}"]

    def test_cws_287_members_of_channels_that_were_given_up(self, several):
        httpd = several()
        httpd.allow_log("CWS0054")
        poster = Poster(httpd)
        watched = [f"format=json&watched-{i}" for i in range(PER_REQUEST)]
        with open_stream(httpd, "/many?format=json&watched") as stream, ExitStack() as crowd:
            heard = {json.loads(each.text)["channel"]: [] for each in stream.read(PER_REQUEST)}
            assert sorted(heard) == sorted(watched)

            def say(text):
                for channel in watched:
                    poster.post(channel, text, "lately")
                while not all(events and events[-1].get("data") == text for events in heard.values()):
                    event = json.loads(stream.read()[0].text)
                    heard[event["channel"]].append(event)

            say("before")
            # Each has a member and a message, and they are half as many again as there is room for.
            count = 3 * TABLE // 2 // PER_REQUEST
            for i in range(count):
                self.wait_all(crowd.enter_context(open_stream(httpd, f"/many?crowd-{i}")))

            def publish(numbers):
                to_all = Poster(httpd)
                for i in numbers:
                    for n in range(PER_REQUEST):
                        to_all.post(f"crowd-{i}-{n}", "x", "lately")

            everywhere(count, publish)
            say("after")

        given_up = 0
        for channel, events in heard.items():
            before, after = events[0], events[-1]
            if before["position"].split("-")[0] == after["position"].split("-")[0]:
                assert [each["type"] for each in events] == ["message"] * 2, channel
            else:
                given_up += 1
                assert [each["type"] for each in events] == ["message", "gap", "message"], channel
        assert given_up
        httpd.error_log.wait_for("CWS0054: ")
