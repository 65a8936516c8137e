"""What messages cost in memory of the kernel's, however many are under way: nothing, once as many have been."""
import time

import pytest

from harness.processes import memory_bytes
from harness.raw import BINARY, frame

KIB = 1 << 10


def page_faults(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[7])


def interleaved(connections, other, message):
    """An echo of `message` on each, all of them under way at once: pieces of all in turn, and the last
    bytes when the others have gone."""
    for connection in connections:
        connection.socket.setblocking(True)
    for start in range(0, len(message) - 1, 32 * KIB):
        for connection in connections:
            connection.send(message[start:min(start + 32 * KIB, len(message) - 1)])
    for _ in range(3):
        other.send(frame(BINARY, b"by then it has read all that"))
        other.read_frame()
    for connection in connections:
        connection.send(message[-1:])
    for connection in connections:
        connection.read_exactly(len(message) - 4)  # no masking key


class TestMemory:
    CONFIG = "WebSocketThreads 1"
    OPTIONS = {"one_child": True}

    @pytest.mark.parametrize("size", [20, 16 * KIB, 100 * KIB, 256 * KIB, 1024 * KIB])
    def test_cws_460_no_page_faults_in_the_steady_state(self, httpd, size, mpm):
        if mpm == "prefork":
            pytest.skip("the reactors are the same")
        child, = httpd.children()
        message = memoryview(frame(BINARY, b"x" * size))
        connections = [httpd.open() for _ in range(48)]
        other = httpd.open()
        for _ in range(3):
            interleaved(connections, other, message)
        before = page_faults(child)
        rounds = 4
        for _ in range(rounds):
            interleaved(connections, other, message)
        faults = (page_faults(child) - before) / (rounds * len(connections))
        for connection in connections:
            connection.drop()
        assert faults < 0.25


class TestAfterAPeak:
    CONFIG = "WebSocketThreads 1"
    OPTIONS = {"one_child": True, "tls_config": ""}

    def test_cws_461_what_connections_had_is_given_back(self, httpd, mpm):
        if mpm == "prefork":
            pytest.skip("the reactors are the same")

        def private():
            return memory_bytes(httpd.children())["private_dirty"]

        for connection in [httpd.open() for _ in range(20)]:
            connection.drop()
        before = private()
        connections = [httpd.open() for _ in range(400)]
        grown = private() - before
        assert grown > 400 * 10 * KIB
        for connection in connections:
            connection.drop()
        end = time.monotonic() + 15
        while (kept := private() - before) > grown / 2 and time.monotonic() < end:
            time.sleep(0.2)
        assert kept <= grown / 2
