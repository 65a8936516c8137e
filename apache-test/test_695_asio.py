"""Asio in handlers: the TCP bridge of handlers/gallery."""
import contextlib
import os
import resource
import selectors
import socket
import threading
import time
from pathlib import Path

import pytest

from harness import build
from harness.raw import BINARY, close_frame, frame

MANY = 2000


class EchoServer:
    """Any number of TCP connections that get back what they send, or what `greeting` is and then the end."""

    def __init__(self, greeting=None):
        self.greeting = greeting
        self.accepted = 0
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.waker.close()
        self.thread.join()
        for each in (self.listener, self.wake, *self.open):
            each.close()

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            selector.register(self.wake, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.wake:
                        return
                    if key.fileobj is self.listener:
                        self.accept(selector)
                    else:
                        self.echo(selector, key.fileobj)

    def accept(self, selector):
        connection, _ = self.listener.accept()
        self.accepted += 1
        if self.greeting is not None:
            connection.sendall(self.greeting)
            connection.close()
            return
        self.open.add(connection)
        selector.register(connection, selectors.EVENT_READ)

    def echo(self, selector, connection):
        with contextlib.suppress(ConnectionError):
            if received := connection.recv(65536):
                connection.sendall(received)
                return
        selector.unregister(connection)
        self.open.discard(connection)
        connection.close()


@pytest.fixture(scope="session")
def handlers(handlers):
    return handlers | build.gallery()


@pytest.fixture
def bridge(handlers, make_httpd):
    """Starts an httpd whose bridge leads to an address, with one thread for all connections."""
    assert "gallery/tcp_bridge" in handlers, "it was not built: scripts/setup check installs Asio"
    return lambda address, **options: make_httpd(
        f'WebSocketThreads 1\nSetEnv TCP_BRIDGE "{address}"\n', one_child=True, **options)


def read_bytes(ws, size):
    """What TCP brings comes in messages of any size."""
    received = b""
    while len(received) < size:
        message = ws.read_frame()
        assert message.opcode == BINARY, message
        received += message.payload
    return received


def threads_of_asio(child):
    names = []
    for thread in os.listdir(f"/proc/{child}/task"):
        with contextlib.suppress(FileNotFoundError):  # one that ends
            names.append(Path(f"/proc/{child}/task/{thread}/comm").read_text().strip())
    return names.count("asio")


class TestBridge:
    def test_cws_695_two_thousand_connections_through_one_reactor(self, bridge):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 3 * MANY
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        with EchoServer() as server, contextlib.ExitStack() as clients:
            httpd = bridge(server.address)
            all_of_them = [clients.enter_context(httpd.open("/gallery/tcp_bridge", timeout=60))
                           for _ in range(MANY)]
            said = [f"{number}: one, two, three".encode() for number in range(MANY)]
            for ws, text in zip(all_of_them, said):
                ws.send(b"".join(frame(BINARY, text[start:start + 9]) for start in range(0, len(text), 9)))
            assert [read_bytes(ws, len(text)) for ws, text in zip(all_of_them, said)] == said
            assert server.accepted == MANY
            for ws in all_of_them:
                ws.send(close_frame(1000))
            assert {ws.read_close()[0] for ws in all_of_them} == {1000}
            httpd.stop()

    def test_cws_696_the_end_of_either_side_is_the_others(self, bridge):
        with EchoServer(b"only this") as server:
            httpd = bridge(server.address)
            with httpd.open("/gallery/tcp_bridge") as ws:
                assert read_bytes(ws, 9) == b"only this"
                assert ws.read_close()[0] == 1000
                ws.send(close_frame(1000))
                ws.expect_eof()

    def test_cws_697_whom_nobody_answers_is_told(self, bridge):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = "127.0.0.1:%d" % closed.getsockname()[1]
        httpd = bridge(address)
        with httpd.open("/gallery/tcp_bridge") as ws:
            assert ws.read_close() == (1014, "Connection refused")

    def test_cws_698_a_lost_client_ends_the_bridge_and_a_stop_too(self, bridge):
        with EchoServer() as server:
            httpd = bridge(server.address)
            with httpd.open("/gallery/tcp_bridge") as lost, httpd.open("/gallery/tcp_bridge") as stays:
                for ws in (lost, stays):
                    ws.send(frame(BINARY, b"x"))
                    assert read_bytes(ws, 1) == b"x"
                lost.reset()
                deadline = time.monotonic() + 30
                while len(server.open) != 1:
                    assert time.monotonic() < deadline, "the lost client's TCP connection is still there"
                    time.sleep(0.01)
                stays.send(frame(BINARY, b"y"))
                assert read_bytes(stays, 1) == b"y"
                httpd.stop()  # whose fixtures see a child that does not end
                assert stays.read_close()[0] == 1001

    def test_cws_699_its_thread_ends_before_the_file_is_unloaded(self, bridge):
        with EchoServer() as server:
            httpd = bridge(server.address)
            child, = httpd.children()
            with httpd.open("/gallery/tcp_bridge") as ws:
                ws.send(frame(BINARY, b"x"))
                assert read_bytes(ws, 1) == b"x"
                ws.close()
            assert threads_of_asio(child) >= 1  # its resolver has one, too
            (httpd.handler_root / "gallery/tcp_bridge_wsh.so").unlink()
            assert httpd.ask("/gallery/tcp_bridge").status == 404
            deadline = time.monotonic() + 30
            maps = Path(f"/proc/{child}/maps")
            while "tcp_bridge_wsh" in maps.read_text() or threads_of_asio(child):
                assert time.monotonic() < deadline, "the file is still mapped, or its thread there"
                time.sleep(0.02)
            assert httpd.children() == [child]
