"""Channels without C++: many of them on one WebSocket, with the subprotocol channels.json."""
import hashlib
import json
import re
import subprocess
import time
from urllib.parse import quote

import pytest

from harness import build
from harness.end_points import Talk, handlers  # noqa: F401, a fixture
from harness.event_stream import open_stream
from harness.h2_client import H2Session

EXAMPLES = json.loads((build.SOURCE / "docs/channels-protocol.json").read_text())["examples"]
CONFIG = """
LogLevel cppwebsocket:info
WebSocketChannelMemory 512M
<Location "/channels">
  SetHandler websocket-channels
  WebSocketChannelHistory 50 1h
  WebSocketMaxMessageSize 100000
</Location>
<Location "/channels/closed">
  Require all denied
</Location>
<Location "/channels/read">
  Require method GET
</Location>
<Location "/channels/forgets">
  WebSocketChannelHistory 0
  WebSocketMaxMessageSize 100
</Location>
<Location "/own">
  SetHandler websocket-channels
  WebSocketChannelHistory 50 1h
  WebSocketChannel own-news %{reqenv:NOTHING} own-%{QUERY_STRING}
  WebSocketChannelsPerConnection 3
</Location>
<Location "/who">
  SetHandler websocket-channels
  AuthType Basic
  AuthName who
  AuthUserFile "{root}/users"
  Require valid-user
</Location>
<Location "/who/ann">
  Require user ann
</Location>
<Location "/where">
  SetHandler websocket-channels
  Require expr "%{REMOTE_ADDR} == '192.0.2.7' && %{req:X-Key} == 'sesame' && %{QUERY_STRING} == 'q=1'"
</Location>
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
<Location "/fields">
  SetHandler websocket-channels
  Require expr "%{req:X-Key} == 'sesame'"
</Location>
RequestHeader unset X-Key
RewriteEngine On
RewriteRule "^/where/broken$" - [R=500]
"""
# ann: ann, bob: bob
USERS = ("ann:{SHA}dEy5qfs9VYN0TqPs6bTYGdkL3uI=\n"
         "bob:{SHA}SBgazSKz7a68ikR4aKfffOYpkgo=\n")


class Client:
    def __init__(self, httpd, path="/channels", headers=()):
        self.connection = httpd.open(path, headers={"Sec-WebSocket-Protocol": "channels.json", **dict(headers)})
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.drop()

    def send(self, **command):
        self.id += 1
        self.connection.text(json.dumps({"id": self.id, **command}).encode())
        return self.id

    def read(self):
        return json.loads(self.connection.read_text())

    def read_until(self, kind):
        """The event, and what came before it."""
        before = []
        while (event := self.read())["type"] != kind:
            before.append(event)
        return event, before

    def ask(self, type, **command):  # noqa: A002
        """The answer or error; what comes before it is lost."""
        number = self.send(type=type, **command)
        while (event := self.read()).get("id") != number or event["type"] not in ("answer", "error"):
            pass
        return event

    def subscribe(self, channel, **options):
        answer = self.ask("subscribe", channel=channel, **options)
        assert answer["type"] == "answer", answer
        return self.read_until("subscribed")[0]


class Example:
    """One of docs/channels-protocol.json, played against a server."""

    def __init__(self, httpd, things):
        self.known = {}
        self.connections = {}
        self.httpd, self.things = httpd, things

    def play(self, steps):
        for step in steps:
            self.play_one(step)

    def play_one(self, step):
        if "any order" in step:
            return self.play_in_any_order(step["any order"])
        number = step.get("connection", 1)
        if number not in self.connections:
            self.connections[number] = self.things(Client(self.httpd)).connection
        connection = self.connections[number]
        if "client text" in step:
            return connection.text(step["client text"].encode())
        if "client" in step:
            return connection.text(json.dumps(self.filled(step["client"])).encode())
        said = json.loads(connection.read_text())
        assert self.matches(step["server"], said), (self.filled(step["server"]), said)

    def play_in_any_order(self, steps):
        left = [step["server"] for step in steps]
        while left:
            said = json.loads(self.connections[1].read_text())
            fitting = next((each for each in left if self.matches(each, said)), None)
            assert fitting, (left, said)
            left.remove(fitting)

    def filled(self, value):
        if isinstance(value, dict):
            return {name: self.filled(each) for name, each in value.items()}
        return self.known.get(value, value) if isinstance(value, str) else value

    def matches(self, expected, said):
        known = dict(self.known)
        if self.bind(expected, said, known):
            self.known = known
            return True
        return False

    def bind(self, expected, said, known):
        if isinstance(expected, dict):
            return isinstance(said, dict) and expected.keys() == said.keys() and all(
                self.bind(expected[name], said[name], known) for name in expected)
        if isinstance(expected, list):
            return isinstance(said, list) and len(expected) == len(said) and all(
                self.bind(one, other, known) for one, other in zip(expected, said))
        if isinstance(expected, str) and expected.startswith("$"):
            return known.setdefault(expected, said) == said
        return type(expected) is type(said) and expected == said


class TestManyChannels(Talk):
    CONFIG = CONFIG
    OPTIONS = {"files": {"users": USERS}}

    @pytest.mark.parametrize("example", EXAMPLES, ids=[each["name"] for each in EXAMPLES])
    def test_cws_246_the_protocols_examples(self, httpd, things, example):
        Example(httpd, things).play(example["steps"])

    def test_cws_246_the_subprotocol_is_needed(self, httpd):
        for headers in ({}, {"Sec-WebSocket-Protocol": "channel.json"}):
            answer = httpd.ask("/channels", headers=headers)
            assert (answer.status, b"channels.json" in answer.body) == (400, True)
        answer = httpd.get("/channels")
        assert (answer.status, answer.get("upgrade")) == (426, "websocket")
        assert httpd.get("/channels", "PUT", ["Content-Length: 0"]).status == 405

    def test_cws_246_a_channels_own_address(self, httpd, channel):
        """What is asked about is there: GET follows or looks, POST publishes."""
        path = f"/channels/{channel}"
        with httpd.open(path, headers={"Sec-WebSocket-Protocol": "channel.json"}) as one, \
                open_stream(httpd, path) as stream, Client(httpd) as many:
            assert json.loads(one.read_text())["type"] == "subscribed"
            stream.wait_id()
            many.subscribe(channel)
            posted = self.post(httpd, channel, "to all", location="/channels")
            assert posted.status == 200
            assert json.loads(one.read_text())["data"] == stream.texts(1)[0] == many.read()["data"] == "to all"
            assert json.loads(httpd.get(path).body)["messages"][0]["data"] == "to all"
            many.ask("publish", channel=channel, data="by socket")
            assert json.loads(one.read_text())["data"] == stream.texts(1)[0] == "by socket"
        assert self.post(httpd, "read/x", "no", location="/channels").status == 403
        httpd.allow_log("AH01630")

    def test_cws_246_sections_govern_channels(self, httpd):
        """Their Require, their history, their limit."""
        with Client(httpd) as client:
            assert client.ask("subscribe", channel="closed")["error"] == "forbidden"
            httpd.expect_log("CWS0081: .*GET /channels/closed would be answered with 403")
            assert client.ask("publish", channel="forgets/x", data="x" * 100)["type"] == "answer"
            assert client.ask("history", channel="forgets/x")["messages"] == []
            assert client.ask("publish", channel="forgets/x", data="x" * 101)["error"] == "too_large"
            assert client.ask("publish", channel="kept", data="x" * 101)["type"] == "answer"
            assert len(client.ask("history", channel="kept")["messages"]) == 1

    def test_cws_246_names_that_are_other_addresses(self, httpd):
        with Client(httpd) as client:
            for name in ("a/../closed/x", "closed/../a", "/a", "a//b", "./a", "a/.", "..", "../own/x", "../who/x"):
                assert client.ask("subscribe", channel=name)["error"] in ("bad_channel", "forbidden"), name
                assert client.ask("publish", channel=name, data="x")["error"] in ("bad_channel", "forbidden"), name
            for name in ("a b", "a?b#c", "a%2e%2e", "a;b", "%2e%2e/x", "日本/語", "a&b=c", "~.-_", "x" * 255):
                assert client.subscribe(name)["channel"] == name

    def test_cws_246_the_servers_own_channels(self, httpd, channel):
        with Client(httpd, f"/own?{channel}") as client:
            assert client.read() == {"type": "welcome", "channels": 3}
            begun = [client.read(), client.read()]
            assert [each["channel"] for each in begun] == ["own-news", f"own-{channel}"]
            assert client.ask("subscribe", channel="own-news")["error"] == "already"
            client.subscribe("third")
            assert client.ask("subscribe", channel="fourth")["error"] == "too_many"
            assert client.ask("unsubscribe", channel="own-news")["type"] == "answer"
            client.subscribe("fourth")
            self.post(httpd, f"own-{channel}", "missed", location="/own")
            message, _ = client.read_until("message")
            assert (message["channel"], message["data"]) == (f"own-{channel}", "missed")
        self.post(httpd, f"own-{channel}", "while away", location="/own")
        places = f",{message['position']}"
        with httpd.open(f"/own?after={places}&x=1", headers={"Sec-WebSocket-Protocol": "channels.json"}) as again:
            assert json.loads(again.read_text())["type"] == "welcome"

    def test_cws_246_who_may_do_what_is_httpds_to_say(self, httpd):
        bob = {"Authorization": "Basic Ym9iOmJvYg=="}
        ann = {"Authorization": "Basic YW5uOmFubg=="}
        assert httpd.ask("/who", headers={"Sec-WebSocket-Protocol": "channels.json"}).status == 401
        with Client(httpd, "/who", bob) as client:
            assert client.subscribe("all")
            assert client.ask("subscribe", channel="ann")["error"] == "forbidden"
            assert client.ask("publish", channel="ann/x", data="x")["error"] == "forbidden"
        with Client(httpd, "/who", ann) as client:
            assert client.subscribe("ann")
            assert client.ask("publish", channel="ann/x", data="x")["type"] == "answer"
        httpd.allow_log("AH01631|AH01630|AH01617")

    def test_cws_246_a_question_has_what_the_handshake_had(self, httpd):
        """The client's address behind a proxy, a field that another module changes, the query."""
        said = {"X-Forwarded-For": "192.0.2.7", "X-Key": "sesame"}
        with Client(httpd, "/where?q=1", said) as client:
            assert client.subscribe("here")
            assert client.ask("subscribe", channel="broken")["error"] == "unavailable"
            httpd.expect_log("CWS0081: .*GET /where/broken would be answered with 500")
        published = self.post(httpd, "?channel=a", b"x", ["X-Key: sesame"], "/fields")
        assert published.status == 200, published
        httpd.allow_log("CWS0081")

    def test_cws_246_one_message_to_several_channels(self, httpd, channel):
        names = [f"{channel}/{i}" for i in range(5)]

        def post(names, body=b"to all", headers=()):
            query = "&".join(f"channel={quote(name)}" for name in names)
            return self.post(httpd, f"?{query}", body, headers, "/channels")
        with Client(httpd) as client:
            for name in names:
                client.subscribe(name)
            answer = post(names)
            assert answer.status == 200, answer
            published = {each["channel"]: each["position"] for each in json.loads(answer.body)["channels"]}
            came = [client.read() for _ in names]
            assert {each["channel"]: each["position"] for each in came} == published
            assert {each["data"] for each in came} == {"to all"}
            assert all(abs(each["time"] - time.time() * 1000) < 60_000 for each in came)
            for refused, status in ((["read/x"], 403), (["a/../b"], 400), ([""], 400), ([], 400), (["x"] * 101, 400)):
                answer = post([names[0], *refused] if refused else [])
                assert answer.status == status, (refused, answer)
            assert post(["kept-it", "forgets/x"], b"x" * 101).status == 413  # the smallest counts
            assert post(names[:1], b"\xff").status == 400
            assert post(names[:1], b"x", ["Origin: https://other.example"]).status == 403
            assert client.ask("history", channel=names[0])["messages"] == [
                each for each in came if each["channel"] == names[0]]
        httpd.allow_log("CWS0012")

    def test_cws_246_answers_come_while_others_publish(self, httpd, channel):
        names = [f"{channel}-{i}" for i in range(100)]
        with Client(httpd) as client:
            for name in names:
                client.send(type="subscribe", channel=name)
            begun = set()
            while len(begun) < 100:
                event = client.read()
                if event["type"] == "subscribed":
                    begun.add(event["channel"])
            assert client.ask("subscribe", channel="one more")["error"] == "too_many"
            for name in names:
                client.send(type="publish", channel=name, data=f"to {name}")
            seen = {}
            while len(seen) < 100:
                event = client.read()
                if event["type"] == "message":
                    seen[event["channel"]] = event["data"]
            assert seen == {name: f"to {name}" for name in names}

    def test_cws_246_heartbeats(self, httpd):
        with Client(httpd, "/channels?heartbeat=1") as client:
            client.read_until("heartbeat")
            began = time.monotonic()
            client.read_until("heartbeat")
            assert 0.8 < time.monotonic() - began < 5
        assert httpd.ask("/channels?heartbeat=x", headers={"Sec-WebSocket-Protocol": "channels.json"}).status == 400


class TestQuestionsOverTls(Talk):
    """What TLS said at the handshake holds; TLS rules of an address cannot be asked again."""

    CONFIG = """
LogLevel cppwebsocket:info
<Location "/channels">
  SetHandler websocket-channels
  Require expr "%{HTTPS} == 'on'"
</Location>
<Location "/channels/own-rules">
  SSLRequire true
</Location>
<Location "/channels/ssl">
  Require ssl
</Location>
"""
    OPTIONS = {"tls_config": ""}

    def test_cws_246_the_scheme_holds_and_tls_rules_refuse(self, httpd):
        with Client(httpd) as client:
            assert client.subscribe("any")
            assert client.ask("publish", channel="any", data="x")["type"] == "answer"
            assert client.ask("subscribe", channel="own-rules/x")["error"] == "forbidden"
            httpd.expect_log("CWS0081: .*answered with 403, for the address has TLS rules of its own")
            assert client.subscribe("ssl/x")
        httpd.allow_log("CWS0081")


class TestWhoIsBelieved(Talk):
    """Digest proves one request only, so the handshake's user is believed where the realm is the same."""

    CONFIG = """
LogLevel cppwebsocket:info
<Location "/digest">
  SetHandler websocket-channels
  AuthType Digest
  AuthName one
  AuthDigestProvider file
  AuthUserFile "{root}/digest"
  Require valid-user
</Location>
<Location "/digest/bob">
  Require user bob
</Location>
<Location "/digest/other">
  AuthName other
</Location>
"""
    OPTIONS = {"modules": ("auth_digest",),
               "files": {"digest": "ann:one:" + hashlib.md5(b"ann:one:secret").hexdigest() + "\n"}}

    @staticmethod
    def authorization(challenge, uri):
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
        digest = lambda *all: hashlib.md5(":".join(all).encode()).hexdigest()  # noqa: E731
        answer = digest(digest("ann", "one", "secret"), parts["nonce"], "00000001", "abc", "auth", digest("GET", uri))
        return (f'Digest username="ann", realm="one", nonce="{parts["nonce"]}", uri="{uri}", algorithm=MD5, qop=auth, '
                f'nc=00000001, cnonce="abc", response="{answer}"')

    def test_cws_246_digest(self, httpd):
        offered = {"Sec-WebSocket-Protocol": "channels.json"}
        challenge = httpd.ask("/digest", headers=offered).get("www-authenticate")
        with Client(httpd, "/digest", {"Authorization": self.authorization(challenge, "/digest")}) as client:
            assert client.subscribe("any")
            assert client.ask("subscribe", channel="bob/x")["error"] == "forbidden"
            assert client.ask("subscribe", channel="other/x")["error"] in ("forbidden", "bad_channel")


class TestClient(Talk):
    """connectMany() of client/."""

    CONFIG = CONFIG
    OPTIONS = {"files": {"users": USERS}}

    def test_cws_246_many_channels_lose_nothing_over_a_restart(self, httpd, channel):
        script = build.TESTS / "clients/many_channels.mjs"
        with subprocess.Popen(["node", script, f"http://127.0.0.1:{httpd.port}", channel, "20"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as node:
            try:
                assert node.stderr.readline() == "restart\n"
                httpd.graceful()
                out, errors = node.communicate(timeout=60)
            finally:
                node.kill()
        assert node.returncode == 0, errors
        told = json.loads(out)
        texts = [str(i) for i in range(30)]
        assert told.pop("seen") == [[*texts, [0, 255]], *[texts] * 19]
        assert told.pop("opened") >= 2 and ["room", "Ann"] in told.pop("joined")
        assert told.pop("refused")[0] == ["closed/x", "forbidden"]
        assert told == {"gaps": 0, "present": ["Ann"], "past": [[0, 255]]}


class TestOverHttp2(Talk):
    """RFC 8441: the connection of a question is no stream."""

    CONFIG = CONFIG + "Protocols h2c http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\n"
    OPTIONS = {"files": {"users": USERS}, "modules": ("http2",)}

    def test_cws_246_over_http2(self, mpm, httpd):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        with H2Session(httpd.address) as session:
            ws = session.open("/who", headers={"sec-websocket-protocol": "channels.json",
                                               "authorization": "Basic Ym9iOmJvYg=="})
            assert json.loads(ws.read_text())["type"] == "welcome"
            for number, channel, answer in ((1, "all", "answer"), (2, "ann", "error"), (3, "all", "error")):
                ws.text(json.dumps({"type": "subscribe", "id": number, "channel": channel}).encode())
                while (said := json.loads(ws.read_text())).get("id") != number:
                    pass
                assert (said["type"], channel) == (answer, channel), said
            ws.close()
