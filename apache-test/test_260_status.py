"""What mod_status shows of WebSockets and channels: all children's, whichever is asked."""
import os
import re
import signal
import time

import pytest

from harness.backplane import REDIS, Redis
from harness.raw import TEXT, frame
from test_250_channels import CHILDREN, crowd, join, publish

STATUS = '<Location "/server-status">\nSetHandler server-status\n</Location>\n'


def status(httpd):
    text = httpd.get("/server-status?auto").body.decode()
    return {name: int(value) for name, value in re.findall(r"^WebSocket(\w+): (\d+)$", text, re.M)}


def expect_status(httpd, timeout=15, **expected):
    deadline = time.monotonic() + timeout
    while True:
        seen = status(httpd)
        if all(seen[name] == value for name, value in expected.items()):
            return seen
        assert time.monotonic() < deadline, {name: seen[name] for name in expected}
        time.sleep(0.05)


def test_cws_600_the_auto_form_counts_what_all_children_do(make_httpd):
    httpd = make_httpd(STATUS, mpm_config=CHILDREN)
    first = expect_status(httpd, Connections=0, Memberships=0, Published=0, Backplanes=0)
    assert first["Dropped"] == first["Gaps"] == first["ClosedSlow"] == 0
    members = crowd(httpd, "chat", 12)
    publish(members[0], "a", "b", "c")
    for ws in members:
        assert [ws.read_text() for _ in range(3)] == ["a", "b", "c"]
    expect_status(httpd, Connections=12, Memberships=12, Published=3, Delivered=36, Channels=1, Opened=12,
                  MessagesIn=3, MessagesOut=48, BytesIn=6, Refused=0, Exceptions=0)  # each is told that it has joined
    for ws in members[:5]:
        ws.close()
    expect_status(httpd, Connections=7, Memberships=7, Published=3)


def test_cws_601_a_child_that_dies_takes_its_connections_and_leaves_what_it_did(make_httpd):
    httpd = make_httpd(STATUS, mpm_config=CHILDREN)
    httpd.allow_log("exit signal Killed|children are killed successively")
    members = crowd(httpd, "chat", 8)
    for ws in members:
        publish(ws, "x")
    for ws in members:
        assert [ws.read_text() for _ in members] == ["x"] * 8
    expect_status(httpd, Connections=8, Published=8, Delivered=64)
    for child in httpd.children():
        os.kill(child, signal.SIGKILL)
    httpd.wait_ready()
    expect_status(httpd, Connections=0, Memberships=0, Published=8, Delivered=64)


def test_cws_602_what_slow_members_lose_is_shown(make_httpd):
    httpd = make_httpd(STATUS + "WebSocketSendBufferSize 64K\n", one_child=True)
    slow = join(httpd, "chat&queued=10000&slow=oldest", receive_buffer=4096)
    fast = httpd.open("/room?other")
    fast.read_text()
    publisher = join(httpd, "chat")
    text = "y" * 1000
    published = 0
    deadline = time.monotonic() + 30
    while status(httpd)["Dropped"] == 0:
        assert time.monotonic() < deadline
        publish(publisher, *[text] * 200)
        published += 200
        for _ in range(200):
            assert publisher.read_text() == text
    assert status(httpd)["Published"] == published
    slow.drop()


def test_cws_603_the_page_has_a_row_for_each_child(make_httpd):
    httpd = make_httpd(STATUS, mpm_config=CHILDREN)
    with join(httpd, "chat"):
        page = httpd.get("/server-status").body.decode()
        section = page[page.index("<h2>WebSockets</h2>"):]
        shown = {int(pid) for pid in re.findall(r"<tr><td>(\d+)</td>", section)}
        assert len(shown & set(httpd.children())) >= 2
        assert re.search(r"<tr><td>all, with ended ones</td><td>1</td><td>1</td>", section)
        assert "Backplane" not in section
        lines = httpd.get("/server-status?notable").body.decode()
        assert "WebSocketConnections: 1\n" in lines
        assert "<th>memberships" not in lines


@pytest.mark.skipif(not REDIS, reason="no redis-server (redis-tools) is installed")
def test_cws_604_the_backplanes_state_is_shown(make_httpd):
    redis = Redis().start()
    try:
        httpd = make_httpd(STATUS + f"WebSocketBackplane redis://127.0.0.1:{redis.port}/0\n",
                           one_child=True)
        httpd.allow_log("CWS003[89]|CWS0040")
        expect_status(httpd, Backplanes=1, BackplanesUp=1, BackplaneTimesDown=0)
        assert "<h3>Backplane</h3>" in httpd.get("/server-status").body.decode()
        room = join(httpd, "chat&history")
        publish(room, "one")
        assert room.read_text() == "one"
        expect_status(httpd, BackplaneSent=1, BackplaneWaiting=0)
        redis.stop()
        expect_status(httpd, BackplanesUp=0, BackplaneTimesDown=1)
        room.send(frame(TEXT, "+two"))
        assert room.read_text() == "two"  # here it goes on
        expect_status(httpd, BackplaneWaiting=1)
    finally:
        redis.close()
