"""WebSocketLog: what a connection leaves when it has ended, who writes it, and that nobody waits for that."""
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from harness.raw import CLOSE, TEXT, close_frame, frame
from test_260_status import expect_status, STATUS

LOG = 'WebSocketLog {root}/logs/ws.log json\n'
WHOLE = {"time", "begin", "duration", "host", "port", "address", "user", "target", "origin", "handler", "handler_version",
         "resource", "pid",
         "id", "version", "way", "protocol", "extensions", "messages_in", "messages_out", "bytes_in", "bytes_out", "wire_in",
         "wire_out", "ratio", "longest_wait", "dropped", "close_code", "close_reason", "closed_by"}


def lines(path, count, timeout=15):
    """That many lines, or more, each of them whole."""
    deadline = time.monotonic() + timeout
    while True:
        text = Path(path).read_text() if Path(path).exists() else ""
        if text.count("\n") >= count:
            return text.splitlines()
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


def entries(httpd, count, name="ws.log"):
    return [json.loads(line) for line in lines(httpd.root / "logs" / name, count)]


def test_cws_760_a_line_says_what_has_passed(make_httpd):
    httpd = make_httpd(LOG)
    ws = httpd.open("/echo?who=me", headers={"User-Agent": "test"})
    for payload in (b"hello", b"x" * 1000):
        ws.send(frame(TEXT, payload))
        ws.read_message()
    ws.close(4321, "bye")
    [entry] = entries(httpd, 1)
    assert set(entry) == WHOLE
    assert (entry["messages_in"], entry["messages_out"], entry["bytes_in"], entry["bytes_out"]) == (2, 2, 1005, 1005)
    assert (entry["close_code"], entry["close_reason"], entry["closed_by"]) == (4321, "bye", "client")
    assert (entry["target"], entry["resource"], entry["handler"]) == ("/echo?who=me", "/echo", "echo_wsh.so")
    assert (entry["version"], entry["way"], entry["ratio"], entry["dropped"]) == ("rfc6455", "tcp", None, 0)
    # The head of the handshake and the frames: the kernel counts both.
    assert 1100 < entry["wire_in"] < 2000 and 1100 < entry["wire_out"] < 2000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["handler_version"])
    assert entry["pid"] in httpd.children() and re.fullmatch(r"127\.0\.0\.1:\d+", entry["address"])


def test_cws_761_the_format_is_that_of_httpd_and_what_a_client_sends_is_escaped(make_httpd):
    httpd = make_httpd('WebSocketLog logs/ws.log "%h %l %u %m %H %>s %U|%q|\\"%{User-Agent}i\\" %{a}C '
                       '%{%Y}t %{close_code}W %{closed_by}W %{messages_in}W %X %% %P"\n')
    ws = httpd.open("/echo?a=b", headers={"User-Agent": 'x"y\\z\xe9', "Cookie": "b=2; a=1"})
    ws.ask_text("hello")
    pid = httpd.children()
    ws.drop()
    [line] = lines(httpd.root / "logs/ws.log", 1)
    expected = r'127.0.0.1 - - GET HTTP/1.1 101 /echo|?a=b|"x\"y\\z\xe9" 1 %d 1006 nobody 1 X %% ' % time.gmtime().tm_year
    assert line.startswith(expected) and int(line[len(expected):]) in pid


@pytest.mark.parametrize("path, code, by", [("/close", 1003, "handler"), ("/echo", 1009, "server")])
def test_cws_762_whoever_began_it_is_named(make_httpd, path, code, by):
    httpd = make_httpd(LOG + "WebSocketMaxMessageSize 100\n")
    ws = httpd.open(path)
    ws.send(frame(TEXT, b"x" * 101 if by == "server" else b"hello"))
    while ws.read_frame().opcode != CLOSE:
        pass
    ws.send(close_frame(1000))
    ws.drop()
    [entry] = entries(httpd, 1)
    assert (entry["close_code"], entry["closed_by"]) == (code, by)


def test_cws_763_blocking_handlers_event_streams_and_compression(make_httpd):
    httpd = make_httpd(LOG + 'WebSocketCompression On\n<Location "/events">\nSetHandler websocket-subscribe\n</Location>\n'
                       '<Location "/publish">\nSetHandler websocket-publish\n</Location>\n')
    ws = httpd.open("/echo_blocking")
    for _ in range(3):
        ws.ask_text("hello")
    ws.close()
    stream = httpd.connect()
    stream.send(b"GET /events/news HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    assert stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert httpd.get("/publish/news", method="POST", headers=["Content-Length: 0"]).status == 200
    stream.drop()
    by_handler = {entry["handler"]: entry for entry in entries(httpd, 2)}
    blocking = by_handler["echo_blocking_wsh.so"]
    assert (blocking["messages_in"], blocking["messages_out"], blocking["bytes_out"]) == (3, 3, 15)
    events = by_handler["websocket-subscribe"]
    assert (events["version"], events["target"]) == ("event_stream", "/events/news")


def test_cws_764_a_connection_that_outlives_rotations_and_restarts_leaves_its_line_in_the_new_file(make_httpd):
    """As logrotate does it: the file is moved and later deleted, httpd told by `graceful`."""
    httpd = make_httpd(LOG + "WebSocketDrainTimeout 10min keep\n" + STATUS)
    old = httpd.open("/echo?old")
    old.ask_text("hello")
    log = httpd.root / "logs/ws.log"
    for turn in range(3):
        httpd.open(f"/echo?{turn}").close()
        assert any(f"/echo?{turn}" in line for line in lines(log, 1))
        log.rename(httpd.root / f"logs/ws.log.{turn}")
        httpd.graceful()
        assert old.ask_text("still here") == "still here"
    for turn in range(3):
        os.unlink(httpd.root / f"logs/ws.log.{turn}")  # no one may write there any more
    old.close()
    [entry] = entries(httpd, 1)
    assert (entry["target"], entry["messages_in"]) == ("/echo?old", 4)


def test_cws_765_a_program_gets_all_lines_over_restarts(make_httpd):
    httpd = make_httpd('WebSocketLog "|/bin/cat >>{root}/logs/piped" json\n'.replace("|/bin", "|$/bin") +
                       "WebSocketDrainTimeout 10min keep\n")
    old = httpd.open("/echo?old")
    for turn in range(3):
        httpd.open(f"/echo?{turn}").close()
        httpd.graceful()
    old.close()
    targets = [entry["target"] for entry in entries(httpd, 4, "piped")]
    assert targets == ["/echo?0", "/echo?1", "/echo?2", "/echo?old"]


def test_cws_766_a_program_that_does_not_read_holds_up_nobody(make_httpd):
    """8 MB of lines for it: they are dropped, the other log has all of them, and everybody is served."""
    many = 1500
    httpd = make_httpd('WebSocketLog "|/bin/sleep 1000" "%{X-Long}i"\n'
                       'WebSocketLog logs/ws.log "%q"\n')
    long = "x" * 5000
    for turn in range(many):
        ws = httpd.open(f"/echo?{turn}", headers={"X-Long": long})
        ws.close()
    written = lines(httpd.root / "logs/ws.log", many)
    assert sorted(written) == sorted(f"?{turn}" for turn in range(many))
    httpd.expect_log(r"CWS0096: \d+ lines are lost for WebSocketLog \|/bin/sleep 1000: it does not take them")
    httpd.allow_log("CWS0096")
    assert httpd.open("/echo").ask_text("hello") == "hello"


def test_cws_767_the_process_that_writes_is_begun_again(make_httpd):
    httpd = make_httpd(LOG)
    httpd.open("/echo?0").close()
    entries(httpd, 1)
    [writer] = [pid for pid in other_processes(httpd) if writes(pid, httpd.root / "logs/ws.log")]
    os.kill(writer, signal.SIGKILL)
    httpd.open("/echo?1").close()
    assert [entry["target"] for entry in entries(httpd, 2)] == ["/echo?0", "/echo?1"]
    httpd.expect_log("CWS0095")
    httpd.allow_log("CWS0095")


def test_cws_768_a_virtual_host_has_its_own(make_httpd):
    httpd = make_httpd('WebSocketLog logs/all.log "%v"\n<VirtualHost *:{port}>\nServerName one.example\n'
                       'WebSocketHandlerRoot {root}/handlers\nWebSocketLog logs/one.log "%v %{id}W"\n</VirtualHost>\n'
                       '<VirtualHost *:{port}>\nServerName two.example\nWebSocketHandlerRoot {root}/handlers\n'
                       'WebSocketLog None\n</VirtualHost>\n'
                       '<VirtualHost *:{port}>\nServerName three.example\nWebSocketHandlerRoot {root}/handlers\n'
                       '</VirtualHost>\n')
    for name in ("one", "two", "three"):
        httpd.open("/echo", host=f"{name}.example").close()
    assert lines(httpd.root / "logs/one.log", 1)[0].startswith("one.example ")
    assert lines(httpd.root / "logs/all.log", 1) == ["three.example"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGWINCH])
def test_cws_769_a_stop_leaves_a_line_for_each(make_httpd, how):
    httpd = make_httpd(LOG)
    sockets = [httpd.open("/echo") for _ in range(40)]
    os.kill(httpd.process.pid, how)
    for ws in sockets:
        assert ws.read_close()[0] == 1001
        ws.send(close_frame(1001))
        ws.drop()
    httpd.process.wait(30)
    assert [(entry["close_code"], entry["closed_by"]) for entry in entries(httpd, 40)] == [(1001, "server")] * 40


def other_processes(httpd):
    """The parent's children that are no httpd children, or are: all of them."""
    parent = httpd.process.pid
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(entry.name))
        except (OSError, IndexError):
            pass
    return found


def writes(pid, path):
    """The process that writes has the file, and no socket that listens."""
    has_file = listens = False
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            has_file |= os.readlink(entry) == str(path)
            inode = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            listens |= bool(inode) and listening(inode[1])
        except OSError:
            pass
    return has_file and not listens


def listening(inode):
    return any(line.split()[9] == inode and line.split()[3] == "0A"
               for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:])
