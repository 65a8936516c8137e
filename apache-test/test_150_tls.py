"""wss: the bytes. Frames behind the handshake, records of all sizes, ends, slow peers."""
import asyncio
import os
import queue
import ssl
import subprocess
import threading
import time

import pytest
import websockets

from harness import build, tls
from harness.raw import BINARY, TEXT, close_frame, frame, upgrade_request

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])


def wrap(version):
    return lambda plain: tls.wrap(plain, tls.client_context(version))


def open_in_memory(httpd, version=None, **options):
    """A connection whose socket is a MemoryTls: its records are ours to cut and join."""
    return httpd.open(wrap=lambda plain: tls.MemoryTls(plain, tls.client_context(version)),
                      **options)


class OnTls:
    CONFIG = "WebSocketMaxMessageSize 32M\nWebSocketPingInterval Off"
    OPTIONS = {"tls_config": ""}


class TestOpening(OnTls):
    @BOTH
    def test_cws_150_echo(self, httpd, version):
        async def talk():
            async with websockets.connect(
                    f"wss://localhost:{httpd.port}/echo", host="127.0.0.1", max_size=1 << 25,
                    ssl=tls.client_context(version), compression=None) as ws:
                for size in (0, 1, 125, 16 << 10, 64 << 10, 16 << 20):
                    message = os.urandom(size)
                    await ws.send(message)
                    assert await ws.recv() == message
                await (await ws.ping("are you there"))
        asyncio.run(talk())

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_151_handlers_of_both_styles(self, httpd, path):
        with httpd.open(path) as ws:
            assert ws.ask_text("x" * 70_000) == "x" * 70_000
            ws.close()

    @BOTH
    def test_cws_152_frames_behind_the_handshake(self, httpd, version):
        frames = b"".join(frame(TEXT, f"frame {i}") for i in range(500))
        for connection in (httpd.open(wrap=wrap(version), behind=frames),
                           open_in_memory(httpd, version, behind=frames)):
            with connection as ws:
                for i in range(500):
                    assert ws.read_text() == f"frame {i}"
                ws.close()

    @BOTH
    def test_cws_153_record_cut_at_the_takeover(self, httpd, version):
        # The server has part of a record, whose rest comes when the socket is no longer httpd's.
        cut = frame(TEXT, "cut " * 20)
        for kept in (1, 20, 80):
            memory = []

            def make(plain):
                memory.append(tls.MemoryTls(plain, tls.client_context(version)))
                return memory[0]
            with httpd.connect(wrap=make) as ws:
                head = memory[0].records(
                    upgrade_request("/echo", host="localhost"),
                    frame(TEXT, "whole") + cut[:4], cut[4:])
                memory[0].plain.sendall(head[:-kept])
                assert ws.read_response().status == 101
                assert ws.read_text() == "whole"
                memory[0].plain.sendall(head[-kept:])
                assert ws.read_text() == "cut " * 20
                assert ws.ask_text("and on") == "and on"
                ws.close()

    def test_cws_154_flood_behind_the_handshake_does_not_hold_the_worker(self, httpd):
        with httpd.open(behind=b"".join(frame(BINARY, bytes(60_000)) for _ in range(100)),
                        wrap=slow_writer) as ws:
            for _ in range(100):
                assert len(ws.read_message().payload) == 60_000
            ws.close()


class slow_writer:
    """A TLS client that writes in a thread, so that it can read while the server reads not."""

    def __init__(self, plain):
        self.memory = tls.MemoryTls(plain)

    def sendall(self, data):
        ciphertext = self.memory.records(data)
        threading.Thread(target=self.memory.plain.sendall, args=(ciphertext,), daemon=True).start()

    def __getattr__(self, name):
        return getattr(self.memory, name)


class TestRecords(OnTls):
    @BOTH
    @pytest.mark.parametrize("size", [1, 100, 16 << 10])
    def test_cws_155_record_sizes(self, httpd, version, size):
        message = os.urandom(max(600, size * 5))
        bytes_ = frame(BINARY, message)
        with open_in_memory(httpd, version) as ws:
            pieces = [bytes_[i:i + size] for i in range(0, len(bytes_), size)]
            ws.socket.plain.sendall(ws.socket.records(*pieces))
            assert ws.read_message().payload == message
            ws.close()

    @BOTH
    def test_cws_156_records_that_dribble_in(self, httpd, version):
        with open_in_memory(httpd, version) as ws:
            for byte in ws.socket.records(frame(TEXT, "drop by drop")):
                ws.socket.plain.sendall(bytes([byte]))
            assert ws.read_text() == "drop by drop"
            ws.close()

    @BOTH
    def test_cws_157_small_messages_share_a_record(self, httpd, version):
        with open_in_memory(httpd, version) as ws:
            ws.socket.plain.sendall(ws.socket.records(frame(TEXT, "x" * 100) * 50))
            time.sleep(0.2)
            records, bytes_ = 0, ws.socket.plain.recv(65536)
            while bytes_:  # RFC 8446 section 5.1: type, version, length
                records, bytes_ = records + 1, bytes_[5 + int.from_bytes(bytes_[3:5], "big"):]
            assert records <= 4

    @BOTH
    def test_cws_158_broken_record_ends_this_connection_only(self, httpd, version):
        with httpd.open(wrap=wrap(version)) as other, open_in_memory(httpd, version) as ws:
            mark = httpd.error_log.mark()
            record = bytearray(ws.socket.records(frame(TEXT, "changed on the way")))
            record[-3] ^= 1
            ws.socket.plain.sendall(record)
            with pytest.raises(ssl.SSLError, match="ALERT|alert"):
                while ws.socket.recv(1000):
                    pass
            httpd.error_log.wait_for(r"GONE \(Protocol error\)", mark)
            assert other.ask_text("not concerned") == "not concerned"


class Console:
    """openssl s_client. A line "K", "k" or "R" makes it do what no Python module can."""

    def __init__(self, httpd, *options):
        own = tls.certificates()
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{httpd.port}", "-servername",
             "localhost", "-CAfile", own.path("ca.crt"), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said, self.queue = b"", queue.Queue()
        threading.Thread(target=self.copy, daemon=True).start()

    def copy(self):
        while got := os.read(self.process.stdout.fileno(), 65536):
            self.queue.put(got)
        self.queue.put(b"")

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        time.sleep(0.1)  # a line is a command only if it comes alone

    def wait_for(self, text, timeout=10):
        deadline = time.monotonic() + timeout
        while text not in self.said:
            self.said += self.queue.get(timeout=max(0.01, deadline - time.monotonic()))
        self.said = self.said[self.said.index(text) + len(text):]

    def ask(self, text):
        self.write(frame(TEXT, text, key=bytes(4)))
        self.wait_for(b"\x81" + bytes([len(text)]) + text.encode())

    def __enter__(self):
        self.wait_for(b"---")
        self.write(upgrade_request("/echo", host="localhost"))
        self.wait_for(b"\r\n\r\n")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class TestTlsItself(OnTls):
    def test_cws_159_key_updates(self, httpd):
        with Console(httpd, "-tls1_3") as console:
            console.ask("first keys")
            for i, command in enumerate((b"K\n", b"k\n", b"K\n", b"K\n")):
                console.write(command)  # K: and the server is to change its own
                console.wait_for(b"KEYUPDATE")
                console.ask(f"new keys {i}")

    def test_cws_160_renegotiation_is_refused(self, httpd):
        mark = httpd.error_log.mark()
        with Console(httpd, "-tls1_2") as console:
            console.ask("before")
            console.write(b"R\n")
            console.wait_for(b"no renegotiation")  # and with that s_client gives up
            assert console.process.wait(10) != 0
        httpd.error_log.wait_for("-> GONE", mark)  # s_client's alert, or its end


class TestEnds(OnTls):
    @BOTH
    def test_cws_161_server_says_close_notify(self, httpd, version):
        for end in ("client", "server"):
            path = "/echo" if end == "client" else "/close"
            with open_in_memory(httpd, version, path=path) as ws:
                if end == "client":
                    ws.send(close_frame(1000))
                    ws.expect_closed(1000)
                else:
                    ws.text("1001")
                    ws.read_close()
                    ws.send(close_frame(1001))
                    ws.expect_eof()
                assert ws.socket.notified

    @BOTH
    def test_cws_162_client_says_close_notify_only(self, httpd, version):
        with open_in_memory(httpd, version) as ws:
            mark = httpd.error_log.mark()
            ws.socket.plain.sendall(ws.socket.records(frame(TEXT, "last words")))
            with pytest.raises(ssl.SSLWantReadError):
                ws.socket.tls.unwrap()
            ws.socket.flush()  # the socket stays open
            assert ws.read_text() == "last words"
            assert ws.socket.plain.recv(1000) == b""
            httpd.error_log.wait_for("GONE .the peer closed TCP without a closing handshake", mark)

    @BOTH
    def test_cws_163_close_notify_in_the_packet_of_the_handshake(self, httpd, version):
        memory = []

        def make(plain):
            memory.append(tls.MemoryTls(plain, tls.client_context(version)))
            return memory[0]
        with httpd.connect(wrap=make) as ws:
            mark = httpd.error_log.mark()
            packet = memory[0].records(upgrade_request("/echo", host="localhost"),
                                       frame(TEXT, "all at once"))
            with pytest.raises(ssl.SSLWantReadError):
                memory[0].tls.unwrap()
            memory[0].plain.sendall(packet + memory[0].outgoing.read())
            assert ws.read_response().status == 101
            assert ws.read_text() == "all at once"
            assert memory[0].plain.recv(1000) == b""
            httpd.error_log.wait_for("GONE .the peer closed TCP without a closing handshake", mark)

    @BOTH
    @pytest.mark.parametrize("how", ["drop", "reset"])
    def test_cws_164_abrupt_end(self, httpd, version, how):
        mark = httpd.error_log.mark()
        ws = open_in_memory(httpd, version, path="/probe")
        assert ws.ask_text("header host") != ""
        ws.socket.plain.sendall(ws.socket.records(frame(TEXT, "x" * 100))[:50])
        if how == "reset":
            ws.reset()
        else:
            ws.drop()
        httpd.error_log.wait_for("probe: lost 1006", mark)


class TestMany(OnTls):
    OPTIONS = {"tls_config": "", "one_child": True}

    @BOTH
    def test_cws_165_slow_reader_gets_all_and_holds_up_nobody(self, httpd, version):
        with httpd.open("/probe", wrap=wrap(version), receive_buffer=4096) as slow, \
                httpd.open("/echo", wrap=wrap(version)) as other:
            mark = httpd.error_log.mark()
            slow.text("flood 400 65536")
            time.sleep(0.3)
            assert not httpd.error_log.find("flood done", mark)
            begin = time.monotonic()
            for _ in range(20):
                assert other.ask_text("quick") == "quick"
            assert time.monotonic() - begin < 5
            for _ in range(400):
                assert slow.read_message().payload == b"*" * 65536
            slow.close()
            other.close()

    def test_cws_166_undelivered_bytes_are_counted(self, httpd):
        mark = httpd.error_log.mark()
        with httpd.open("/probe", receive_buffer=4096) as ws:
            ws.text("flood 1 16777216")  # of which the kernel takes some MiB
            ws.read_exactly(10)  # it has begun
        httpd.error_log.wait_for(r": \d+ bytes could not be delivered", mark)

    def test_cws_167_churn_leaves_nothing_behind(self, httpd):
        def round_of(count):
            for _ in range(count):
                with httpd.open() as ws:
                    assert ws.ask_text("hello") == "hello"
                    ws.close()

        def settled():
            deadline = time.monotonic() + 5
            while (now := httpd.descriptors()) != before and time.monotonic() < deadline:
                time.sleep(0.05)
            return now

        round_of(60)
        child, = httpd.children()
        time.sleep(0.5)
        before, memory = httpd.descriptors(), httpd.memory(child)
        round_of(200)
        assert settled() == before
        if not build.SANITIZER:
            assert httpd.memory(child) < memory + (600 << 10)
