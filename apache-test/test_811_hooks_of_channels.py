"""WebSocketHook subscribe, publish and message: an application says what goes on in channels. One of them is docs/examples'."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from harness import build
from harness.application import SECRET, Application
from harness.event_stream import open_stream
from harness.processes import free_port
from harness.raw import BINARY, TEXT, frame
from test_246_many_channels import Client
from test_810_hooks import app, config, hooked, metric, post  # noqa: F401, fixtures among them

CHAT = build.SOURCE / "docs/examples/chat.php"


def refuses(channel, status=403, reason="not there"):
    """An application's answer about what concerns that channel."""
    return lambda event: (status, {"reason": reason}) if event.get("channel") == channel else {}


# --- subscribe ----------------------------------------------------------------------------------


def test_cws_8140_each_way_to_read_a_channel_is_asked_about(hooked, app):
    app.answer = refuses("closed")
    httpd = hooked(subscribe="")
    client = Client(httpd)
    assert client.ask("subscribe", channel="closed") == {"type": "error", "id": 1, "error": "forbidden", "text": "not there"}
    for command in ("presence", "history"):
        assert client.ask(command, channel="closed")["error"] == "forbidden"
    assert len(app.events) == 1  # what it has said holds for a minute
    for path in ("/subscribe/closed", "/channels/closed"):
        refused = httpd.ask(path)
        assert (refused.status, refused.body) == (403, b"not there\n")
        stream = httpd.get(path, headers=["Accept: text/event-stream"])
        assert stream.status == 403
    for path in ("/publish/closed", "/channels/closed"):
        assert httpd.get(path).status == 403
    client.subscribe("open")
    assert client.ask("history", channel="open")["type"] == "answer"
    with open_stream(httpd, "/subscribe/open"):
        pass
    assert httpd.get("/publish/open").status == httpd.get("/publish-freely/closed").status == 200
    event = app.events[-1]
    assert (event["event"], event["channel"], event.is_signed()) == ("subscribe", "open", True)
    client.close()


def test_cws_8141_the_application_says_as_whom_a_member_is_seen(hooked, app):
    app.answer = lambda event: {"user": "ann"} if event["event"] == "connect" else {"presence": f"{event['user']}, 7"}
    httpd = hooked(connect="", subscribe="")
    client = Client(httpd)
    client.subscribe("room", presence="somebody else")
    present = client.ask("presence", channel="room")["presence"]
    assert [each["info"] for each in present] == ["ann, 7"]
    assert app.events[0]["connection"] == app.events[1]["connection"]
    client.close()


def test_cws_8142_while_it_is_down_nobody_new_reads_unless_it_is_open(hooked, app):
    app.answer = lambda event: (500, {})
    httpd = hooked(f"<Location /channels/open>\nWebSocketHook subscribe {app.url} open\n</Location>\n", subscribe="")
    httpd.allow_log("CWS0121")
    client = Client(httpd)
    assert client.ask("subscribe", channel="news")["error"] == "unavailable"
    client.subscribe("open/news")
    assert httpd.ask("/subscribe/news").status == httpd.get("/publish/news").status == 503
    app.answer = lambda event: {}
    client.subscribe("news")
    client.close()


# --- publish ------------------------------------------------------------------------------------


def test_cws_8150_each_way_to_publish_is_asked_about_and_may_be_changed(hooked, app):
    app.answer = lambda event: {"data": f"{event['user']} says {event['data']}"} if event["event"] == "publish" else {"user": "ann"}
    httpd = hooked(connect="", publish="")
    client = Client(httpd)
    client.subscribe("room")
    assert client.ask("publish", channel="room", data="1")["type"] == "answer"
    assert post(httpd, "/publish/room", "2").status == 200
    assert post(httpd, "/channels/room", "3").status == 200
    assert post(httpd, "/channels?channel=room&channel=hall", "4").status == 200
    assert post(httpd, "/publish/room?messages=lines", "5\n6").status == 200
    assert post(httpd, "/publish-freely/room", "7").status == 200
    said = [each["data"] for each in client.ask("history", channel="room")["messages"]]
    assert said == ["ann says 1", "None says 2", "None says 3", "None says 4", "None says 5", "None says 6", "7"]
    assert [each["channel"] for each in app.events if each["event"] == "publish"] == ["room"] * 4 + ["hall"] + ["room"] * 2
    assert all(each.is_signed() for each in app.events)
    client.close()


def test_cws_8151_bytes_come_and_go_as_base64(hooked, app):
    app.answer = lambda event: {"base64": "AAEC"}
    httpd = hooked(publish="")
    assert post(httpd, "/publish/bytes", "xyz", ["Content-Type: application/octet-stream"]).status == 200
    assert app.events[0]["base64"] == "eHl6" and "data" not in app.events[0]
    assert json.loads(httpd.get("/publish/bytes").body)["messages"][0]["base64"] == "AAEC"


def test_cws_8152_what_is_refused_is_not_published_by_any_way(hooked, app):
    app.answer = refuses("room", 422, "no such words")
    httpd = hooked(publish="")
    client = Client(httpd)
    assert client.ask("publish", channel="room", data="x") == {"type": "error", "id": 1, "error": "forbidden", "text": "no such words"}
    for path in ("/publish/room", "/channels/room"):
        refused = post(httpd, path)
        assert (refused.status, refused.body) == (422, b"no such words\n")
    assert post(httpd, "/channels?channel=hall&channel=room").status == 403  # to all of them or none
    assert client.ask("history", channel="room")["messages"] == client.ask("history", channel="hall")["messages"] == []
    client.close()


def test_cws_8153_while_it_is_down_nothing_is_published_unless_it_is_open(hooked, app):
    app.answer = lambda event: (None, {})
    httpd = hooked(f"<Location /publish/open>\nWebSocketHook publish {app.url} open\n</Location>\n", publish="")
    httpd.allow_log("CWS0121")
    refused = post(httpd, "/publish/news")
    assert (refused.status, refused.get("Retry-After")) == (503, "5")
    assert post(httpd, "/publish/open/news").status == 200
    client = Client(httpd)
    assert client.ask("publish", channel="news", data="x")["error"] == "unavailable"
    client.close()


def test_cws_8154_a_retry_by_its_key_asks_nobody_and_a_refusal_uses_no_key_up(hooked, app):
    app.answer = lambda event: (403, {})
    httpd = hooked(publish="")
    key = ["Idempotency-Key: one"]
    assert post(httpd, "/publish/news", "x", key).status == 403
    app.answer = lambda event: {}
    for _ in range(2):
        assert post(httpd, "/publish/news", "x", key).status == 200
    assert len(app.events) == 2
    assert len(json.loads(httpd.get("/publish/news").body)["messages"]) == 1


# --- message ------------------------------------------------------------------------------------


def test_cws_8160_what_a_client_sends_goes_to_the_application_in_order_one_at_a_time(hooked, app):
    running = []

    def answer(event):
        running.append(event["data"])
        assert len(running) == 1, running
        time.sleep(0.01)
        running.pop()
        return {"send": [event["data"] + "!"]}

    app.answer = answer
    httpd = hooked(message="")
    with httpd.open("/subscribe/news") as ws:
        ws.send(b"".join(frame(TEXT, str(i)) for i in range(50)))
        assert [ws.read_text() for _ in range(50)] == [f"{i}!" for i in range(50)]
    assert [each["data"] for each in app.events] == [str(i) for i in range(50)]
    assert len({each["connection"] for each in app.events}) == 1


def test_cws_8161_who_sends_more_than_is_answered_is_not_read_from(hooked, app):
    app.answer = lambda event: time.sleep(0.3) or {}
    httpd = hooked(message="")
    ws = httpd.connect(timeout=2).upgrade("/subscribe/news", host=f"127.0.0.1:{httpd.port}")
    ws.socket.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 64 << 20:
            sent += ws.socket.send(frame(TEXT, b"x" * 60_000))
    assert sent < 32 << 20
    ws.drop()


def test_cws_8162_the_answer_sends_publishes_and_closes(hooked, app):
    answers = {"all": {"channel": "news", "data": "to all", "send": ["done", "twice"]}, "end": {"send": ["bye"], "close": 4000}}
    app.answer = lambda event: answers[event["data"]]
    httpd = hooked(message="")
    with httpd.open("/subscribe/news") as other, httpd.open("/subscribe/x", headers={"Sec-WebSocket-Protocol": "channel.json"}) as ws:
        assert json.loads(ws.read_text())["type"] == "subscribed"
        ws.text(b"all")
        assert [json.loads(ws.read_text()) for _ in "12"] == [{"type": "reply", "data": each} for each in ("done", "twice")]
        assert other.read_text() == "to all"
        ws.text(b"end")
        assert json.loads(ws.read_text())["data"] == "bye"
        assert ws.read_close() == (4000, "")


@pytest.mark.parametrize("answer, code, reason", [((403, {"reason": "no"}), 1008, "no"),
                                                  ((500, {}), 1013, "the application does not answer")])
def test_cws_8163_a_refused_message_closes_where_nothing_else_tells(hooked, app, answer, code, reason):
    app.answer = lambda event: answer
    httpd = hooked(message="")
    httpd.allow_log("CWS0121")
    with httpd.open("/subscribe/news") as ws:
        ws.text(b"hello")
        assert ws.read_close() == (code, reason)


def test_cws_8164_on_many_channels_it_has_an_id_and_an_answer(hooked, app):
    answers = {"in": {"subscribe": ["a", "b"], "send": ["hi"]}, "out": {"unsubscribe": ["a"]}, "no": (403, {"reason": "why"}),
               "down": (500, {}), "all": {"channel": "b", "data": "to b"}}
    app.answer = lambda event: answers[event["data"]]
    httpd = hooked(message="")
    httpd.allow_log("CWS0121")
    client = Client(httpd)
    assert client.ask("message", data="in") == {"type": "answer", "id": 1, "send": ["hi"]}
    assert [(each["type"], each["channel"]) for each in (client.read(), client.read())] == [("subscribed", "a"), ("subscribed", "b")]
    assert client.ask("message", data="no") == {"type": "error", "id": 2, "error": "forbidden", "text": "why"}
    assert client.ask("message", data="down")["error"] == "unavailable"
    client.send(type="message", data="all")
    assert [each["type"] for each in sorted((client.read(), client.read()), key=lambda each: each["type"])] == ["answer", "message"]
    client.ask("message", data="out")
    assert client.ask("unsubscribe", channel="a")["error"] == "not_subscribed"
    client.close()


def test_cws_8165_without_it_messages_go_nowhere(hooked, app):
    httpd = hooked(connect="")
    client = Client(httpd)
    assert client.ask("message", data="x")["error"] == "bad_command"
    client.close()
    with httpd.open("/subscribe/news") as ws:
        ws.text(b"x")
        assert ws.read_close()[0] == 1008


# --- a whole chat in PHP ------------------------------------------------------------------------


@pytest.fixture
def php(tmp_path, things):
    """docs/examples/chat.php, behind a page that logs in whoever it is told."""
    (tmp_path / "sessions").mkdir()
    (tmp_path / "chat.php").write_text(CHAT.read_text())
    (tmp_path / "login.php").write_text("<?php session_start(); $_SESSION['name'] = $_GET['name'];")
    port = free_port()
    process = subprocess.Popen(
        ["php", "-d", f"session.save_path={tmp_path}/sessions", "-S", f"127.0.0.1:{port}", "-t", str(tmp_path)],
        env={**os.environ, "HOOK_SECRET": SECRET, "PHP_CLI_SERVER_WORKERS": "4"}, stdout=subprocess.DEVNULL, stderr=open(tmp_path / "log", "w"),
        start_new_session=True)

    class Php:
        url, log = f"http://127.0.0.1:{port}", tmp_path / "log"

        @staticmethod
        def close():
            os.killpg(process.pid, signal.SIGTERM)  # its workers do not end with it
            process.wait(10)

        def login(self, name):
            with urllib.request.urlopen(f"{self.url}/login.php?name={name}", timeout=5) as page:
                return re.search(r"PHPSESSID=\w+", page.headers["Set-Cookie"])[0]

    things(Php)
    deadline = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(f"{Php.url}/nothing.txt", timeout=5)
        except urllib.error.HTTPError:
            return Php()
        except OSError:
            assert time.monotonic() < deadline, Php.log.read_text()
            time.sleep(0.05)


def test_cws_8170_a_chat_with_presence_and_permissions_in_php(make_httpd, php):
    events = ("connect", "disconnect", "subscribe", "publish", "message")
    httpd = make_httpd(config(**{event: f"{php.url}/chat.php" for event in events}), files={"secret": SECRET})
    refused = httpd.ask("/channels", headers={"Sec-WebSocket-Protocol": "channels.json"})
    assert (refused.status, refused.body) == (401, b"Please log in.\n")
    ann, bob = (Client(httpd, headers={"Cookie": php.login(name)}) for name in ("Ann", "Bob"))
    assert [each.read()["data"] for each in (ann, bob)] == ["Welcome, Ann", "Welcome, Bob"]
    assert ann.read()["channel"] == "user-Ann" and bob.read()["channel"] == "user-Bob"
    for each in (ann, bob):
        each.subscribe("room-1")
    assert ann.ask("subscribe", channel="user-Bob") == {"type": "error", "id": 2, "error": "forbidden", "text": "This room is closed."}
    assert sorted(each["info"] for each in ann.ask("presence", channel="room-1")["presence"]) == ["Ann", "Bob"]
    ann.ask("publish", channel="room-1", data="hello")
    said, _ = bob.read_until("message")
    assert json.loads(said["data"]) == {"from": "Ann", "text": "hello"}
    assert ann.ask("publish", channel="room-1", data=" ")["text"] == "Say something."
    assert bob.ask("message", data="/join 2")["send"] == ["You are in 2."]
    bob.read_until("subscribed")
    bob.send(type="message", data="/tell Ann psst")
    assert ann.read_until("message")[0]["data"] == "Bob: psst"
    for name, client in (("Bob", bob), ("Ann", ann)):
        client.close()
        deadline = time.monotonic() + 10
        while f"{name} is gone after" not in php.log.read_text():
            assert time.monotonic() < deadline, php.log.read_text()
            time.sleep(0.05)
    unsigned = urllib.request.Request(f"{php.url}/chat.php", data=b'{"event":"connect"}')
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(unsigned, timeout=5)
