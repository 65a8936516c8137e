"""One connection whose turns would take long: those that share its reactor are served meanwhile. What
each turn does is counted in tests/; here the bounds are wide, and far below what it once took."""
import random
import socket
import threading
import time
import zlib

import pytest

from harness.raw import BINARY, TEXT, frame

RSV1 = 4
MAX = 1 << 20  # WebSocketMaxMessageSize
OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate"}
BOUND = 1.0  # seconds; a bomb once stopped the reactor for eight


def compressed(payload):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return frame(BINARY, (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4], rsv=RSV1)


def words(size):
    rng = random.Random(7692)
    vocabulary = ["".join(rng.choices("abcdefghij", k=rng.randrange(2, 9))) for _ in range(2000)]
    return " ".join(rng.choices(vocabulary, k=size // 3)).encode()[:size]


class Attacker:
    """Sends `data` without end, and reads what comes back."""

    def __init__(self, httpd, data, path="/echo"):
        self.ws = httpd.open(path, headers=OFFER, timeout=0.2)
        self.data = data
        self.going_on = True
        self.threads = [threading.Thread(target=each) for each in (self.throw, self.drain)]
        for thread in self.threads:
            thread.start()

    def throw(self):
        view = memoryview(self.data)
        at = 0
        while self.going_on and self.data:
            try:
                at = (at + self.ws.socket.send(view[at:])) % len(view)
            except socket.timeout:
                pass
            except OSError:
                return

    def drain(self):
        while self.going_on:
            try:
                if not self.ws.socket.recv(1 << 16):
                    return
            except socket.timeout:
                pass
            except OSError:
                return

    def stop(self):
        self.going_on = False
        for thread in self.threads:
            thread.join()
        self.ws.reset()


def slowest_echo(ws, seconds=2.0):
    """What the longest of many echoes took that a well-behaved client asked for."""
    worst = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        assert ws.ask_text("me too") == "me too"
        worst = max(worst, time.monotonic() - begin)
    return worst


@pytest.fixture
def one_reactor(make_httpd):
    return make_httpd("WebSocketCompression On\nWebSocketThreads 1", one_child=True)


def attack(httpd, attackers):
    with httpd.open("/echo", timeout=60) as bystander:
        assert bystander.ask_text("quiet") == "quiet"
        others = [each() for each in attackers]
        try:
            worst = slowest_echo(bystander)
        finally:
            for other in others:
                other.stop()
    assert worst < BOUND, f"an echo beside it took {worst:.2f} s"


class TestWhatAConnectionMayPin:
    CONFIG = """
      WebSocketMessageTimeout 1s
      WebSocketSocketBufferSize 16K
    """

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_a_message_that_is_never_finished(self, httpd, path):
        with httpd.open(path) as ws:
            assert ws.ask_text("whole") == "whole"
            begin = time.monotonic()
            ws.send(frame(TEXT, "begun", fin=False))
            assert ws.read_close() == (1008, "a message took too long to arrive")
            assert time.monotonic() - begin > 0.9

    def test_a_client_that_never_reads_has_the_kernel_keep_little(self, httpd):
        # What the server's kernel takes of an echo before it waits: with buffers that grow, some MiB.
        with httpd.open("/echo", receive_buffer=4096, timeout=1.0) as ws:
            ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            taken = 0
            with pytest.raises(TimeoutError):
                while True:
                    ws.socket.sendall(frame(BINARY, bytes(10_000)))
                    taken += 10_000
            assert taken < 2_000_000

    def test_a_head_above_all_that_a_handler_reads(self, httpd):
        fields = {f"X-Large-{i}": "x" * 8000 for i in range(8)}
        with httpd.open("/echo", headers=fields) as ws:
            assert ws.ask_text("64,000 bytes are fine") == "64,000 bytes are fine"
        fields["X-Large-8"] = "x" * 8000
        assert httpd.ask("/echo", headers=fields).status == 431


class TestHostileTurns:
    @pytest.mark.parametrize("count", [1, 4])
    def test_messages_that_inflate_a_thousandfold(self, one_reactor, count):
        bombs = compressed(bytes(MAX - 1)) * 60
        attack(one_reactor, [lambda: Attacker(one_reactor, bombs)] * count)

    def test_messages_that_take_long_to_compress(self, one_reactor):
        large = frame(BINARY, words(MAX))
        attack(one_reactor, [lambda: Attacker(one_reactor, large)] * 4)

    @pytest.mark.parametrize("command", ["nap", "look", "zeros"])
    def test_a_handler_that_never_has_enough(self, one_reactor, command):
        attack(one_reactor, [lambda: Attacker(one_reactor, frame(TEXT, command), "/greedy")])
