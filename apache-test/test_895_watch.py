"""Handlers that hold up an event thread, and handlers that crash: both are told of by name, and others are served."""
import time

import pytest

from harness import build
from harness.raw import close_frame, frame

TEXT = 1
# One child at first, and room for those that stand in for it.
CHILDREN = {
    "event": "StartServers 1\nServerLimit 4\nMinSpareThreads 5\nMaxSpareThreads 30\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 100",
    "prefork": "StartServers 1\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 20",
}
CHILDREN["worker"] = CHILDREN["event"]
VERSION = r"\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)"
STALLED = r"CWS0090: an event thread has been held up for \d+\.\d s, .* by handler harm_wsh\.so " + VERSION + r" #\d+ /harm; "

# What a crashing handler does, the signal, and what is on the stack.
CRASHES = [("segv", "SIGSEGV at 0x0", "segv_here"), ("overflow", "SIGSEGV at 0x[0-9a-f]+", "overflow_here"),
           ("abort", "SIGABRT", "do_harm"), ("divide", "SIGFPE", "do_harm"),
           ("terminate", r"SIGABRT \(std::terminate after std::runtime_error: of no use\)", "terminate_here")]
no_sanitizer = pytest.mark.skipif(bool(build.SANITIZER), reason="a sanitizer has reports of its own")


def say(ws, text):
    ws.send(frame(TEXT, text.encode()))


def wait_until(condition, what, timeout=20):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def time_of(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


class TestOneThreadOfTwo:
    CONFIG = ("WebSocketThreads 2\nWebSocketStallWarning 500ms\nWebSocketStallTimeout Off\n"
              "WebSocketPingInterval Off\n")
    OPTIONS = {"one_child": True}

    @pytest.mark.parametrize("what", ["spin", "sleep"])
    def test_cws_895_a_stall_is_told_of_with_its_stack(self, httpd, what):
        with httpd.open("/harm") as ws:
            say(ws, f"{what} 2500")
            line, = httpd.expect_log(STALLED)
            if build.SANITIZER != "thread":  # which delivers signals late
                assert f"stack: " in line and f"harm::{what}_here (harm_wsh." in line, line
            assert ws.read_text() == "done"
            httpd.expect_log(r"CWS0091: the event thread goes on that was held up for more than \d")
            ws.close()

    def test_cws_895_others_are_served_meanwhile(self, httpd):
        """Those of the other thread in their usual time, and whoever comes: he goes there."""
        before = [httpd.open() for _ in range(4)]
        for ws in before:
            assert ws.ask_text("here") == "here"
        mark = httpd.error_log.mark()
        with httpd.open("/harm") as harmful:
            httpd.allow_log("CWS0090")
            begin = time.monotonic()
            say(harmful, "spin 3000")
            time.sleep(0.1)
            came = []
            for _ in range(6):
                came.append(httpd.open())
                assert time_of(lambda: came[-1].ask_text("new")) < 1
            for ws in before:
                say(ws, "still here")
            assert sum(time_of(ws.read_text) < 0.5 for ws in before) >= 2
            assert harmful.read_text() == "done"
            assert time.monotonic() - begin >= 2.5
            harmful.close()
        for ws in before + came:
            ws.close()
        assert len(httpd.error_log.find("CWS0090", mark)) == 1

    def test_cws_895_a_blocking_handler_holds_up_nobody(self, httpd):
        mark = httpd.error_log.mark()
        others = [httpd.open() for _ in range(4)]
        with httpd.open("/harm_blocking") as ws:
            say(ws, "spin 1500")
            for other in others:
                assert time_of(lambda other=other: other.ask_text("served")) < 0.5
                other.close()
            assert ws.read_text() == "done"
            ws.close()
        assert not httpd.error_log.find("CWS009[02]", mark)


class TestOnlyThread:
    CONFIG = ("WebSocketThreads 1\nWebSocketStallWarning 500ms\nWebSocketStallTimeout Off\n"
              "WebSocketPingInterval Off\n")
    OPTIONS = {"one_child": True}

    def test_cws_896_nobody_gets_a_101_and_then_silence(self, httpd):
        """Who was accepted before the stall was known is told to come again; who comes then is refused."""
        with httpd.open("/harm") as ws:
            say(ws, "spin 3500")
            time.sleep(0.1)
            with httpd.open() as early:
                httpd.expect_log(STALLED)
                assert early.read_close()[0] == 1013
            httpd.allow_log("CWS0014: no room for a connection: all event threads are held up")
            refused = httpd.ask()
            assert refused.status == 503 and refused.get("Retry-After") == "5"
            assert ws.read_text() == "done"
            ws.close()
        with httpd.open() as again:
            assert again.ask_text("served") == "served"
            again.close()


class TestTooLong:
    def test_cws_897_a_child_that_is_held_up_for_too_long_is_replaced(self, make_httpd, mpm):
        httpd = make_httpd("WebSocketThreads 2\nWebSocketStallWarning 300ms\nWebSocketStallTimeout 1s\n"
                           "WebSocketPingInterval Off\nWebSocketDrainTimeout 500ms\n", mpm_config=CHILDREN)
        others = [httpd.open() for _ in range(6)]
        harmful = httpd.open("/harm")
        before = set(httpd.children())
        httpd.allow_log("CWS0090")
        say(harmful, "spin 60000")
        line, = httpd.expect_log(r"CWS0092: this child ends, because an event thread has been held up for .* by handler "
                                 r"harm_wsh\.so " + VERSION + r" #\d+ /harm; ")
        told = 0
        if mpm != "prefork":  # whose connections may be in several children
            for ws in others:
                ws.socket.settimeout(2)
                try:
                    assert ws.read_close()[0] == 1001
                    ws.send(close_frame(1001))
                    told += 1
                except TimeoutError:  # of the thread that is held up
                    pass
            assert told >= 2
        httpd.allow_log("AH00046|AH00045")  # a process that spins is slow to go
        deadline = time.monotonic() + 10
        while True:  # the old child may still have a request before it
            answer = httpd.ask()
            if answer.status == 101:
                break
            assert answer.status == 503 and time.monotonic() < deadline
            time.sleep(0.1)
        with httpd.open() as ws:
            assert ws.ask_text("a new child") == "a new child"
            assert set(httpd.children()) - before or mpm == "prefork"
            ws.close()
        wait_until(lambda: before - set(httpd.children()), "the old child did not go", 30)
        for ws in [*others, harmful]:
            ws.drop()

    def test_cws_897_threads_of_blocking_handlers_that_are_all_taken(self, make_httpd):
        httpd = make_httpd("WebSocketBlockingThreads 2\nWebSocketStallWarning 300ms\n", one_child=True)
        taken = [httpd.open("/harm_blocking") for _ in range(2)]
        httpd.expect_log(r"CWS0093: all 2 threads of blocking handlers have been taken for \d+ s, .*; handler "
                         r"harm_blocking_wsh\.so holds 2")
        for ws in taken:
            ws.close()


@no_sanitizer
class TestCrash:
    CONFIG = "WebSocketPingInterval Off\n"
    OPTIONS = {"mpm_config": CHILDREN}

    @staticmethod
    def served_again(httpd):
        wait_until(lambda: httpd.wait_ready(1), "httpd does not answer")
        with httpd.open() as ws:
            assert ws.ask_text("served") == "served"
            ws.close()

    @staticmethod
    def looks_like_httpds(line):
        stamp = line[1:line.index("]")]
        written = time.mktime(time.strptime(stamp[:19] + stamp[26:], "%a %b %d %H:%M:%S %Y"))
        assert abs(time.time() - written) < 60, line
        assert "] [cppwebsocket:crit] [pid " in line, line

    def crash(self, httpd, path, text, said, function, whose):
        httpd.allow_log("exit signal")
        httpd.allow_log("CWS0094:   ")
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            say(ws, text)
            httpd.expect_log(f"CWS0094: {said} in {whose}$")
            httpd.error_log.wait_for(rf"CWS0094:   \d+: .*{function} \(harm", mark)
            httpd.error_log.wait_for("exit signal", mark)  # the former action
        for line in httpd.error_log.find("CWS0094", mark):
            self.looks_like_httpds(line)
        self.served_again(httpd)

    @pytest.mark.parametrize(("what", "said", "function"), CRASHES, ids=[each[0] for each in CRASHES])
    @pytest.mark.parametrize("style", ["harm", "harm_blocking"])
    def test_cws_898_a_crash_names_its_handler(self, httpd, style, what, said, function):
        self.crash(httpd, f"/{style}", what, said, function, rf"handler {style}_wsh\.so {VERSION} #\d+ /{style}")

    @pytest.mark.parametrize(("path", "prefix"), [("/harm", "pool "), ("/harm_blocking", "spawn ")])
    def test_cws_898_on_threads_that_work_for_a_handler(self, httpd, path, prefix):
        self.crash(httpd, path, prefix + "overflow", "SIGSEGV at 0x[0-9a-f]+", "overflow_here",
                   rf"handler {path[1:]}_wsh\.so {VERSION} #\d+ {path}")

    def test_cws_898_on_a_thread_of_the_handlers_own(self, httpd):
        self.crash(httpd, "/harm", "thread", "SIGSEGV at 0x0", "segv_here", "a thread of httpd's or one that a handler has started")

    def test_cws_898_in_the_handshake(self, httpd):
        """Which runs on a thread of httpd's."""
        httpd.allow_log("exit signal")
        httpd.allow_log("CWS0094:   ")
        mark = httpd.error_log.mark()
        with httpd.connect() as client:
            client.send(b"GET /harm?overflow HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            httpd.expect_log(rf"CWS0094: SIGSEGV at 0x[0-9a-f]+ in handler harm_wsh\.so {VERSION} #\d+ /harm$")
            httpd.error_log.wait_for("exit signal", mark)
        self.served_again(httpd)
