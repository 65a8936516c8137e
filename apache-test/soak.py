"""Thousands of connections, half of them rude; for the sanitizer presets, but true without them too.

usage: python3 soak.py [--mpm event] [--connections 5000] [--at-once 400]

CPPWEBSOCKET_SANITIZER=address or thread runs httpd under that sanitizer's runtime. The exit code
is 0 if every polite client was served, the descriptors came back, and nothing was reported.
"""
import asyncio
import os
import random
import socket
import struct
import time

from harness import build
from harness.httpd import Httpd
from harness.raw import BINARY, CLOSE, CONTINUATION, PING, TEXT, close_frame, frame, upgrade_request
from harness.program import Program

# An event thread gets on ten times as slowly, and one of 20 s hangs there, too.
PATIENCE = "\nWebSocketStallWarning 20s" if build.SANITIZER else ""

PATHS = ["/echo"] * 6 + ["/echo_blocking"] * 2 + ["/heartbeat?20", "/probe"]
RUDE = ["reset", "half_close", "mid_frame", "mid_handshake", "mid_sending", "bad_frame",
        "no_close_answer", "leave_after_handshake"]


async def read_frame(reader):
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size, = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        size, = struct.unpack("!Q", await reader.readexactly(8))
    return first & 0xF, await reader.readexactly(size), bool(first & 0x80)


async def read_until_end(reader):
    while await reader.read(65536):
        pass


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))
    writer.transport.abort()


class Client:
    def __init__(self, address, rng):
        self.address = address
        self.rng = rng
        self.kind = "polite" if rng.random() < 0.5 else rng.choice(RUDE)
        self.path = "/probe" if self.kind == "mid_sending" else rng.choice(PATHS)

    async def run(self):
        self.reader, self.writer = await asyncio.open_connection(*self.address)
        try:
            await asyncio.wait_for(self.talk(), 120)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            if self.kind == "polite":
                raise AssertionError(f"{self.path}: {error!r}") from error
        finally:
            self.writer.close()

    async def talk(self):
        request = upgrade_request(self.path, f"{self.address[0]}:{self.address[1]}", headers={
            "Sec-WebSocket-Extensions": self.rng.choice([None, "permessage-deflate"])})
        if self.kind == "mid_handshake":
            self.writer.write(request[:self.rng.randrange(len(request))])
            await asyncio.sleep(self.rng.random() / 50)
            return reset(self.writer)
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise AssertionError(f"{self.path}: {head.decode()}")
        if self.kind == "leave_after_handshake":
            return reset(self.writer) if self.rng.random() < 0.5 else None
        if self.path.startswith("/echo"):
            for _ in range(self.rng.randrange(1, 5)):
                await self.echo()
        await getattr(self, self.kind)()

    async def echo(self):
        size = self.rng.choice([0, 10, 125, 1000, 70_000])
        opcode = self.rng.choice([TEXT, BINARY])
        self.writer.write(frame(opcode, b"x" * size))
        await self.writer.drain()
        got = [await read_frame(self.reader)]  # the payload may be compressed
        while not got[-1][2]:  # and then, if it is large, in pieces
            got.append(await read_frame(self.reader))
        assert [each[0] for each in got] == [opcode] + [CONTINUATION] * (len(got) - 1)

    async def polite(self):
        self.writer.write(frame(PING, "p") + close_frame(1000, "bye"))
        while (got := await read_frame(self.reader))[0] != CLOSE:
            pass
        assert got[1][:2] == b"\x03\xe8", got
        await read_until_end(self.reader)

    async def reset(self):
        reset(self.writer)

    async def half_close(self):
        self.writer.write_eof()
        await read_until_end(self.reader)

    async def mid_frame(self):
        whole = frame(TEXT, b"y" * 5000)
        self.writer.write(whole[:self.rng.randrange(1, len(whole))])
        await self.writer.drain()
        reset(self.writer) if self.rng.random() < 0.5 else self.writer.close()

    async def mid_sending(self):
        self.writer.write(frame(TEXT, "flood 3000 1000"))
        await self.reader.readexactly(self.rng.randrange(1, 10_000))  # it may be compressed
        reset(self.writer) if self.rng.random() < 0.5 else self.writer.close()

    async def bad_frame(self):
        self.writer.write(self.rng.choice([frame(3), frame(TEXT, b"\xff"), frame(PING, b"x" * 126),
                                           frame(TEXT, "x", key=None), frame(0, "x"), b"\xff" * 50]))
        await read_until_end(self.reader)

    async def no_close_answer(self):
        if self.path == "/probe":
            self.writer.write(frame(TEXT, "close 4000 bye"))
        else:
            self.writer.write(close_frame(1000))
        await asyncio.sleep(self.rng.random() / 20)
        self.writer.close()


async def run_clients(address, count, at_once, seed):
    rng = random.Random(seed)
    gate = asyncio.Semaphore(at_once)

    async def one():
        async with gate:
            await Client(address, random.Random(rng.random())).run()

    results = await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
    return [result for result in results if result is not None]


def descriptors_settle(server, before, timeout=30):
    deadline = time.monotonic() + timeout
    while True:
        now = {child: count for child, count in server.descriptors().items() if child in before}
        grown = {child: (before[child], count) for child, count in now.items()
                 if count > before[child]}
        if not grown or time.monotonic() > deadline:
            return grown
        time.sleep(0.1)


def soak(mpm, handlers, connections=5000, at_once=400, seed=1):
    """Returns a list of what went wrong."""
    # Few children that stay, so that their descriptors can be compared.
    threads = ("ServerLimit 2\nStartServers 2\nMinSpareThreads 1\nMaxSpareThreads 50\n"
               "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 50")
    processes = ("ServerLimit 4\nStartServers 4\nMinSpareServers 1\nMaxSpareServers 4\n"
                 "MaxRequestWorkers 4")
    server = Httpd(mpm, handlers, "WebSocketCompression On\nWebSocketCloseTimeout 2s\n"
                   "WebSocketBlockingThreads 400\nWebSocketMaxConnections 2000\nLogLevel info" + PATIENCE,
                   mpm_config={"event": threads, "worker": threads, "prefork": processes})
    problems = []
    try:
        server.start()
        # Once before counting: what is opened for good is open then.
        problems += asyncio.run(run_clients(server.address, 100, 50, 0))
        time.sleep(3)
        before = server.descriptors()
        problems += asyncio.run(run_clients(server.address, connections, at_once, seed))
        grown = descriptors_settle(server, before)
        if grown:
            problems.append(f"descriptors (child: before, after): {grown}")
        if not set(before) <= set(server.children()):
            problems.append("a child has gone")
    finally:
        problems = server.close() + problems  # the reason first: not all are told
    return problems


def main():
    def add_options(add):
        add("--connections", type=int, default=5000)
        add("--at-once", type=int, default=400)
        add("--seed", type=int, default=int.from_bytes(os.urandom(2), "big"))
    program = Program(__doc__, add_options)
    options = program.options
    handlers = build.all_handlers()
    print(f"{options.connections} connections on {options.mpm}, "
          f"sanitizer: {build.SANITIZER or 'none'}, seed {options.seed}", flush=True)
    program.end(soak(options.mpm, handlers, options.connections, options.at_once, options.seed))


if __name__ == "__main__":
    main()
