"""websocket-admin: what an administrator sees of all children, and has them do; and `cppwebsocket` on top of it."""
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from harness import build, children
from harness.raw import TEXT, frame
from test_250_channels import CHILDREN, crowd, join, wait_until

CONFIG = """
<Location "/admin">
  SetHandler websocket-admin
  Require local
</Location>
<Location "/open">
  SetHandler websocket-admin
</Location>
<Location "/granted">
  SetHandler websocket-admin
  Require all granted
</Location>
<Location "/board">
  SetHandler websocket-dashboard
  Require local
</Location>
<Location "/locked">
  SetHandler websocket-admin
  AuthType Basic
  AuthName administrators
  AuthUserFile "{root}/passwords"
  Require valid-user
</Location>
<Location "/echo">
  <If "-n req('Authorization')">
    AuthType Basic
    AuthName users
    AuthUserFile "{root}/passwords"
    Require valid-user
  </If>
</Location>
<Location "/publish">
  SetHandler websocket-publish
</Location>
"""
# ann:secret, bob:secret
SECRET = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
FILES = {"passwords": f"ann:{SECRET}\nbob:{SECRET}\n"}
BASIC = {"ann": "Basic YW5uOnNlY3JldA==", "bob": "Basic Ym9iOnNlY3JldA=="}
COMMAND = build.SOURCE / "tools/cppwebsocket"


def look(httpd, what, location="/admin", **query):
    answer = httpd.get(f"{location}/{what}?{urllib.parse.urlencode(query)}")
    assert answer.status == 200, (answer.status, answer.body)
    assert answer.get("content-type") == "application/json" and answer.get("cache-control") == "no-store"
    return json.loads(answer.body)


def post(httpd, body, *headers, location="/admin", content_type="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"POST {location} HTTP/1.1", f"Host: 127.0.0.1:{httpd.port}", f"Content-Length: {len(body)}",
            f"Content-Type: {content_type}", *headers]
    with httpd.connect() as connection:
        return connection.ask("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def tell(httpd, verb, **members):
    answer = post(httpd, {"verb": verb, **members})
    assert answer.status == 200, (answer.status, answer.body)
    return json.loads(answer.body)


def error(answer):
    return answer.status, json.loads(answer.body)["error"]


def user(httpd, name):
    return httpd.open("/echo", headers={"Authorization": BASIC[name]})


@pytest.fixture(scope="session")
def handlers():
    """A few."""
    built = build.built_handlers()
    return {"echo": built["echo"], "echo_blocking": built["echo_blocking"],
            "room": build.compile_handler(build.TESTS / "handlers/room_wsh.cpp")}


@pytest.fixture
def several(make_httpd):
    return make_httpd(CONFIG, mpm_config=CHILDREN, files=FILES)


@pytest.fixture
def fill(several):
    """Puts members into a channel, in all children, who stay to the test's end."""
    kept = []

    def fill(room, count):
        kept.append(crowd(several, room, count))
        return kept[-1]
    yield fill


def wait_seen(httpd, count):
    """A reactor has a connection a moment after its client knows."""
    wait_until(lambda: look(httpd, "connections")["count"] == count, f"never {count} connections")


class TestSight:
    def test_cws_263_the_connections_of_all_children_are_listed(self, several, fill):
        sockets = fill("chat", 9) + [user(several, "ann"), user(several, "bob")]
        wait_seen(several, 11)
        seen = look(several, "connections")
        assert (seen["count"], len(seen["connections"]), seen["next"], seen["unanswered"]) == (11, 11, None, [])
        assert len({each["child"] for each in seen["connections"]}) > 1
        assert {each["child"] for each in seen["connections"]} <= set(several.children())
        by_port = {each["address"]: each for each in seen["connections"]}
        for ws in sockets:
            assert f"127.0.0.1:{ws.socket.getsockname()[1]}" in by_port
        room = next(each for each in seen["connections"] if each["handler"] == "room_wsh.so")
        assert (room["user"], room["channels"], room["memberships"], room["open"], room["way"]) == ("", ["chat"], 1, True, "tcp")
        assert room["resource"].startswith("/room") and 0 <= room["age"] < 60

    def test_cws_263_any_part_of_them_is_found(self, several, fill):
        fill("chat", 4)
        fill("talk", 3)
        kept = [user(several, "ann"), user(several, "ann"), user(several, "bob"), several.open("/echo")]
        wait_seen(several, 11)

        def count(**query):
            found = look(several, "connections", **query)
            assert found["count"] == len(found["connections"])
            return found["count"]
        assert count(user="ann") == 2 and count(user="") == 8 and count(user="nobody") == 0
        assert count(handler="echo") == count(handler="echo_wsh.so") == 4
        assert count(channel="chat") == 4 and count(channel="cha") == 0
        assert count(address="127.0.0.1") == 11 and count(address="127.0.0.2") == 0
        assert count(search="ECHO") == 4 and count(search="ann") == 2 and count(search="ann", channel="chat") == 0
        one = look(several, "connections", user="bob")["connections"][0]
        assert count(child=one["child"], id=one["id"]) == 1
        assert count(child=1) == 0
        for ws in kept:
            assert ws.ask_text("x") == "x"

    def test_cws_263_pages_have_each_connection_once(self, several, fill):
        fill("chat", 10)
        seen, after, pages = [], "", 0
        while after is not None:
            page = look(several, "connections", limit=3, **({"after": after} if after else {}))
            assert page["count"] == 10 and len(page["connections"]) <= 3
            seen += [(each["child"], each["id"]) for each in page["connections"]]
            after, pages = page["next"], pages + 1
        assert len(seen) == len(set(seen)) == 10 and seen == sorted(seen) and pages == 4

    def test_cws_263_what_has_passed_is_counted(self, make_httpd):
        httpd = make_httpd(CONFIG, one_child=True, files=FILES)
        with httpd.open("/echo") as ws:
            for text in ("one", "three"):
                assert ws.ask_text(text) == text
            [seen] = look(httpd, "connections")["connections"]
            assert [seen[name] for name in ("messages_in", "messages_out", "bytes_in", "bytes_out", "unsent")] == [2, 2, 8, 8, 0]
            status = look(httpd, "status")
            [handler] = [each for each in status["handlers"] if each["handler"] == "echo_wsh.so"]
            assert (handler["open"], handler["opened"], handler["messages_in"]) == (1, 1, 2)
        httpd.ask("/echo", headers={"Origin": "https://other.example"})
        httpd.allow_log("CWS0012")
        assert look(httpd, "status")["refused"]["origin"] == 1

    def test_cws_263_a_blocking_handlers_connection_is_seen_and_closed(self, make_httpd):
        httpd = make_httpd(CONFIG, one_child=True, files=FILES)
        with httpd.open("/echo_blocking") as ws:
            for _ in range(20):
                assert ws.ask_text("x") == "x"
                [seen] = look(httpd, "connections", handler="echo_blocking")["connections"]
            assert seen["messages_in"] == seen["messages_out"] == 20
            assert tell(httpd, "close", handler="echo_blocking", code=4001)["closed"] == 1
            assert ws.read_close()[0] == 4001

    def test_cws_263_the_status_has_each_child(self, several, fill):
        fill("chat", 5)
        status = look(several, "status")
        assert {each["child"] for each in status["children"]} == set(several.children())
        assert all(each["answered"] and not each["draining"] and each["reactors"] for each in status["children"])
        assert all(lag["lag_us"] < 1_000_000 for each in status["children"] for lag in each["reactors"])
        assert sum(each["connections"] for each in status["children"]) == status["totals"]["connections"] == 5
        assert status["totals"]["memberships"] == 5 and status["draining_children"] == 0
        assert look(several, "")["version"] == status["version"]

    def test_cws_263_channels_have_the_members_of_all_children(self, several, fill):
        fill("chat", 6)
        fill("talk", 2)
        tell(several, "publish", channel="chat", data="x")
        channels = look(several, "channels")
        assert [(each["channel"], each["members"]) for each in channels["channels"]] == [("chat", 6), ("talk", 2)]
        assert channels["channels"][0]["position"].endswith("-1")
        assert [each["channel"] for each in look(several, "channels", search="al")["channels"]] == ["talk"]

    def test_cws_263_a_child_that_stands_still_holds_up_nobody(self, several, fill):
        fill("chat", 6)
        status = look(several, "status")
        stopped = next(each for each in status["children"] if each["child"] != status["answered_by"])["child"]
        children.stop(stopped)
        try:
            began = time.monotonic()
            for _ in range(20):  # which another child answers
                seen = look(several, "status")
                if seen["unanswered"]:
                    break
            assert time.monotonic() - began < 20
            assert seen["unanswered"] == [{"child": stopped, "why": "has not answered in time"}]
        finally:
            os.kill(stopped, signal.SIGCONT)

    def test_cws_263_the_last_lines_of_the_log_are_shown(self, several):
        several.ask("/echo", headers={"Origin": "https://other.example"})
        several.expect_log("CWS0012")
        lines = look(several, "log")["lines"]
        [line] = [each for each in lines if "CWS0012" in each["text"]]
        assert "other.example" in line["text"] and line["level"] == "warn" and line["child"] in several.children()


class TestDoing:
    def test_cws_264_one_connection_is_closed(self, several):
        ann, other = user(several, "ann"), user(several, "bob")
        wait_seen(several, 2)
        [seen] = look(several, "connections", user="ann")["connections"]
        assert tell(several, "close", child=seen["child"], id=seen["id"], reason="bye") == \
            {"closed": 1, "silent_reactors": 0, "unanswered": []}
        assert ann.read_close() == (1008, "bye")
        assert other.ask_text("x") == "x"
        wait_seen(several, 1)  # it does not answer, and goes nevertheless
        several.expect_log(r'CWS0110: by nobody in particular from 127\.0\.0\.1: close id="\d+" child=\d+ with 1008: 1 connection')

    def test_cws_264_a_user_a_channel_an_address_and_a_handler_are(self, several, fill):
        several.allow_log("CWS0110")
        anns, bob = [user(several, "ann") for _ in range(3)], user(several, "bob")
        chat, talk = fill("chat", 5), fill("talk", 2)
        wait_seen(several, 11)
        assert tell(several, "close", user="ann", code=4000)["closed"] == 3
        for ws in anns:
            assert ws.read_close()[0] == 4000
        assert tell(several, "close", channel="chat", code=1012)["closed"] == 5
        for ws in chat:
            assert ws.read_close()[0] == 1012
        assert bob.ask_text("x") == "x"
        assert tell(several, "close", handler="room")["closed"] == 2
        for ws in talk:
            assert ws.read_close()[0] == 1008
        assert tell(several, "close", address="127.0.0.1")["closed"] == 1
        assert bob.read_close()[0] == 1008
        assert tell(several, "close", address="127.0.0.1")["closed"] == 0

    def test_cws_264_who_has_done_it_is_in_the_log(self, several):
        answer = post(several, {"verb": "publish", "channel": "chat", "data": "x\n"}, f"Authorization: {BASIC['ann']}", location="/locked")
        assert answer.status == 200
        several.expect_log(r'CWS0110: by ann from 127\.0\.0\.1: publish to "chat": 2 bytes')
        several.allow_log("AH01617|AH01618")
        assert post(several, {"verb": "publish", "channel": "chat", "data": "x"}, location="/locked").status == 401

    def test_cws_264_what_is_published_reaches_all(self, several, fill):
        several.allow_log("CWS0110")
        members = fill("chat", 6)
        tell(several, "publish", channel="chat", data="hé\u0000llo")
        for ws in members:
            assert ws.read_text() == "hé\u0000llo"

    def test_cws_264_a_child_drains_and_another_takes_its_place(self, several, fill):
        several.allow_log("CWS0110")
        members = fill("chat", 8)
        seen = look(several, "connections")["connections"]
        child = seen[0]["child"]
        theirs = {each["address"] for each in seen if each["child"] == child}
        assert tell(several, "drain", child=child) == {"child": child, "draining": True}
        for ws in members:
            if f"127.0.0.1:{ws.socket.getsockname()[1]}" in theirs:
                assert ws.read_close()[0] == 1001
            else:
                assert ws.ask_text("?").startswith("here ")

        def is_gone():
            several.get("/index.html")  # one that it declines to accept
            return child not in several.children()
        wait_until(is_gone, "the child is still there", 30)
        several.expect_log(f"CWS0110: by nobody in particular from 127.0.0.1: drain child={child}")
        assert child not in {each["child"] for each in look(several, "status")["children"]}
        with several.open("/echo") as ws:
            assert ws.ask_text("x") == "x"


class TestGuards:
    CONFIG = CONFIG
    OPTIONS = {"files": FILES}

    def test_cws_265_without_a_require_nobody_may(self, httpd):
        for answer in (httpd.get("/open/status"), post(httpd, {"verb": "drain", "child": 1}, location="/open")):
            assert error(answer) == (403, "unguarded")
        httpd.expect_log("CWS0111: .*needs a Require")
        assert httpd.get("/granted/status").status == 200  # somebody has said so

    @pytest.mark.parametrize("headers", [
        ["Origin: https://other.example"],
        ["Origin: null"],
        ["Sec-Fetch-Site: cross-site"],
    ])
    def test_cws_265_pages_of_other_origins_may_not(self, httpd, headers):
        httpd.allow_log("CWS0012")
        if "Origin: " in headers[0]:
            assert error(post(httpd, {"verb": "drain", "child": 1}, *headers)) == (403, "other-origin")
        assert error(httpd.get("/admin/status", headers=headers)) == (403, "other-origin")

    def test_cws_265_another_name_for_this_server_may_not(self, httpd):
        """As a page has it whose name an attacker has lead here."""
        httpd.allow_log("CWS0012")
        with httpd.connect() as connection:
            answer = connection.ask(b"GET /admin/status HTTP/1.1\r\nHost: attacker.example\r\n\r\n")
        assert error(answer) == (403, "other-origin")

    def test_cws_265_forms_may_not(self, httpd):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert error(post(httpd, {"verb": "drain", "child": 1}, content_type=kind)) == (415, "not-json")

    @pytest.mark.parametrize("body, name", [
        (b"[]", "bad-json"), (b'{"verb":"close"', "bad-json"), (b'{"verb":"\xff"}', "bad-json"),
        ({"verb": "stop"}, "unknown-verb"), ({}, "unknown-verb"),
        ({"verb": "close"}, "nothing-selected"), ({"verb": "close", "child": 1}, "nothing-selected"),
        ({"verb": "close", "user": ["ann"]}, "bad-selection"), ({"verb": "close", "channel": ""}, "bad-selection"),
        ({"verb": "close", "id": 1}, "bad-id"), ({"verb": "close", "id": "x", "child": 1}, "bad-id"),
        ({"verb": "close", "user": "a", "child": "x"}, "bad-child"),
        ({"verb": "close", "user": "a", "code": 1005}, "bad-code"), ({"verb": "close", "user": "a", "code": "x"}, "bad-code"),
        ({"verb": "close", "user": "a", "reason": "x" * 124}, "bad-reason"),
        ({"verb": "publish", "data": "x"}, "bad-channel"), ({"verb": "publish", "channel": "a\u0001", "data": "x"}, "bad-channel"),
        ({"verb": "publish", "channel": "a"}, "bad-data"), ({"verb": "drain"}, "bad-child"),
    ])
    def test_cws_265_bad_orders_have_names(self, httpd, body, name):
        assert error(post(httpd, body)) == (400, name)

    def test_cws_265_bad_questions_have_names(self, httpd):
        for query, name in {"connections?limit=x": "bad-limit", "connections?limit=0": "bad-limit", "connections?limit=1001": "bad-limit",
                            "connections?after=x": "bad-after", "connections?child=x": "bad-child", "channels?limit=x": "bad-limit"}.items():
            assert error(httpd.get(f"/admin/{query}")) == (400, name)
        assert error(httpd.get("/admin/stat")) == (404, "not-found")
        assert error(post(httpd, {"verb": "drain", "child": 1})) == (404, "no-such-child")
        assert error(post(httpd, {"verb": "close", "user": "a", "child": 1})) == (404, "no-such-child")
        answer = httpd.get("/admin", "DELETE")
        assert (answer.status, "POST" in answer.get("allow")) == (405, True)
        assert error(post(httpd, b"x" * (4 << 20))) == (413, "bad-body")

    def test_cws_265_only_children_may_ask_children(self, httpd):
        """Their sockets are open to whoever finds them, and say nothing to others."""
        names = re.findall(r" @([0-9a-f]{5})$", open("/proc/net/unix").read(), re.M)
        assert names
        for name in names:
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.settimeout(5)
                try:
                    stranger.connect(b"\0" + name.encode())
                    stranger.sendall(b'{"ask":"status"}\n')
                    assert stranger.recv(100) == b""
                except (ConnectionError, PermissionError):
                    pass

    def test_cws_265_a_table_is_for_terminals(self, httpd):
        with httpd.open("/echo?\x1b[31m".replace("\x1b", "%1b")) as ws:
            ws.ask_text("its event thread has it")
            answer = httpd.get("/admin/connections?format=tsv")
            assert answer.get("content-type") == "text/tab-separated-values; charset=utf-8"
            lines = answer.body.decode().splitlines()
            assert lines[0].split("\t")[:4] == ["child", "id", "user", "address"]
            assert b"\x1b" not in answer.body and len(lines) == 2


class TestCommand:
    CONFIG = CONFIG
    OPTIONS = {"files": FILES}

    @staticmethod
    def run(httpd, *arguments, location="/admin", fails=False, stdin=""):
        done = subprocess.run([COMMAND, *arguments, "--url", f"http://127.0.0.1:{httpd.port}{location}"], input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert (done.returncode != 0) == fails, done
        return done.stderr if fails else done.stdout

    def test_cws_266_the_command_lists_closes_publishes(self, httpd):
        httpd.allow_log("CWS0110")
        ann, echo, member = user(httpd, "ann"), httpd.open("/echo"), join(httpd, "chat")
        wait_seen(httpd, 3)
        lines = self.run(httpd, "connections").splitlines()
        assert re.match(r"child +id +user +address +handler", lines[0]) and len(lines) == 4
        assert json.loads(self.run(httpd, "connections", "--json", "--user=ann"))["count"] == 1
        status = self.run(httpd, "status").splitlines()
        assert re.match(r"child +generation", status[0]) and len(status) == 1 + len(httpd.children())
        assert self.run(httpd, "close", "--user", "ann", "--code", "4000", "--reason", 'so "long"\\') == "closed: 1\n"
        assert ann.read_close() == (4000, 'so "long"\\')
        self.run(httpd, "publish", "chat", stdin='a "text"\n of two\tlines & more\n')
        assert member.read_text() == 'a "text"\n of two\tlines & more'
        self.run(httpd, "publish", "chat", "short")
        assert member.read_text() == "short"
        assert echo.ask_text("x") == "x"

    def test_cws_266_what_is_wrong_is_said(self, httpd):
        assert "Which?" in self.run(httpd, "close", fails=True)
        assert "answers 404: There is no such child" in self.run(httpd, "drain", "1", fails=True)
        assert "answers 403: Nothing says who" in self.run(httpd, "status", location="/open", fails=True)
        httpd.allow_log("CWS0111|AH0161[78]")
        assert "answers 401" in self.run(httpd, "status", location="/locked", fails=True)
        assert "unknown option --user" in self.run(httpd, "publish", "a", "b", "--user", "x", fails=True)
        done = subprocess.run([COMMAND, "status", "--url", "http://127.0.0.1:9/x"], text=True, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 1 and "does not answer" in done.stderr
