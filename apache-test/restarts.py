"""Graceful restarts under load: clients that echo, and come back when they are sent away.

usage: python3 restarts.py [--mpm event] [--restarts 50] [--plain 500] [--secure 100]

The exit code is 0 if every connection ended with 1001, no message was lost, and httpd's parent has
no more descriptors, children or mappings than before.
"""
import asyncio
import os
import signal
import time
from pathlib import Path

import websockets

from harness import build, tls
from harness.httpd import Httpd
from harness.program import Program

PATHS = ["/echo", "/echo", "/echo", "/echo_blocking"]

# Room for several generations side by side.
ROOM = {
    "event": "StartServers 2\nServerLimit 40\nMinSpareThreads 5\nMaxSpareThreads 200\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 1000",
    "prefork": "StartServers 8\nMinSpareServers 4\nMaxSpareServers 20\nServerLimit 300\n"
               "MaxRequestWorkers 300",
}
ROOM["worker"] = ROOM["event"]

CONFIG = """
WebSocketPingInterval Off
WebSocketBlockingThreads 500
WebSocketDrainTimeout {drain}
LogLevel notice
GracefulShutdownTimeout 10
"""
SECURE = """
Listen 127.0.0.1:{secure_port}
<VirtualHost 127.0.0.1:{secure_port}>
""" + "{tls}</VirtualHost>\n"


class Client:
    """Echoes until it is sent away, and comes back, as often as need be."""

    def __init__(self, crowd, number, url, **options):
        self.crowd = crowd
        self.url = url + PATHS[number % len(PATHS)]
        self.options = dict(options, compression=None, ping_interval=None, open_timeout=60,
                            close_timeout=20)
        self.number = number

    async def run(self):
        while not self.crowd.over:
            try:
                ws = await websockets.connect(self.url, **self.options)
            except (OSError, websockets.InvalidStatusCode, websockets.InvalidMessage,
                    EOFError) as error:
                # httpd's parent or a child may be between two states: that is no connection yet.
                self.crowd.refused += 1
                self.crowd.refusals.add(repr(error)[:100])
                await asyncio.sleep(0.1)
                continue
            self.crowd.opened += 1
            await self.talk(ws)

    async def talk(self, ws):
        sent = 0
        try:
            while not self.crowd.over:
                await ws.send(f"{self.number} {sent}")
                sent += 1
                got = await ws.recv()
                if got != f"{self.number} {sent - 1}":
                    self.crowd.problem(f"{self.url}: {got!r} instead of {sent - 1}")
                self.crowd.echoes += 1
                await asyncio.sleep(self.crowd.pause)
            await ws.close()
        except websockets.ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            if code == 1001:
                self.crowd.sent_away += 1
            else:
                self.crowd.problem(f"{self.url}: closed with {code} ({closed!r})")


class Ticked:
    """Hears a handler count; every number up to the Close must come."""

    def __init__(self, crowd, url, **options):
        self.crowd = crowd
        self.url = url + "/count"
        self.options = dict(options, compression=None, ping_interval=None, open_timeout=60)

    async def run(self):
        while not self.crowd.over:
            try:
                ws = await websockets.connect(self.url, **self.options)
            except (OSError, websockets.InvalidStatusCode, websockets.InvalidMessage, EOFError):
                self.crowd.refused += 1
                await asyncio.sleep(0.1)
                continue
            await self.count(ws)

    async def count(self, ws):
        last = -1
        try:
            while not self.crowd.over:
                got = await ws.recv()
                if got.startswith("accepted "):  # the handler's goodbye: so many were accepted
                    if int(got.split()[1]) != last + 1:
                        self.crowd.problem(f"{got}, but {last + 1} have come")
                    self.crowd.counted += 1
                    continue
                if int(got) != last + 1:
                    self.crowd.problem(f"{got} came behind {last}")
                last = int(got)
            await ws.close()
        except websockets.ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            if code != 1001:
                self.crowd.problem(f"{self.url}: closed with {code}")


class Crowd:
    def __init__(self, pause):
        self.pause = pause  # between two messages of a client, in seconds
        self.over = False
        self.opened = self.sent_away = self.echoes = self.refused = self.counted = 0
        self.refusals = set()
        self.problems = []

    def problem(self, text):
        if len(self.problems) < 50:
            self.problems.append(text)


def footprint(server):
    """What must not grow: of the parent, which all generations descend from."""
    pid = server.process.pid
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "shared mappings": sum(line.split()[1].endswith("s") for line in maps),
        "mappings": len(maps),
    }


async def settle(condition, timeout):
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return condition()


async def restart(server, crowd, number):
    mark = server.error_log.mark()
    server.process.send_signal(signal.SIGUSR1)
    def resumed():
        return server.error_log.find("AH00(489|163|292|493|094)", mark)
    if not await settle(resumed, 30):
        crowd.problem(f"restart {number}: httpd did not resume")


async def play(server, crowd, clients, restarts, interval):
    tasks = [asyncio.create_task(client.run()) for client in clients]
    if not await settle(lambda: crowd.opened >= 0.9 * len(tasks), 60):
        crowd.problem(f"only {crowd.opened} of {len(tasks)} connections at the start")
    sizes = []
    for number in range(restarts):
        await restart(server, crowd, number)
        await asyncio.sleep(interval)
        sizes.append(footprint(server))
    await asyncio.sleep(1)
    crowd.over = True
    done, pending = await asyncio.wait(tasks, timeout=60)
    for task in pending:
        crowd.problem("a client hangs")
        task.cancel()
    for task in done:
        if task.exception():
            crowd.problem(repr(task.exception()))
    return sizes


def grown(sizes):
    """What the last restarts added. The first ones may still fill caches and pools."""
    if len(sizes) < 4:
        return []
    early, late = sizes[len(sizes) // 3], sizes[-1]
    return [f"{name}: {early[name]} -> {late[name]}" for name in early
            if late[name] > early[name] + 2]


def run(mpm, handlers, restarts=50, plain=500, secure=100, interval=1.0, drain="500ms",
        pause=0.5):
    """Returns a list of what went wrong, and what happened."""
    server = Httpd(mpm, handlers, mpm_config=ROOM, modules=tls.MODULES if secure else ())
    server.config = CONFIG.format(drain=drain)
    if secure:
        from harness.processes import free_port
        secure_port = free_port()
        server.config = tls.SESSION_CACHE + server.config + SECURE.format(
            secure_port=secure_port, tls=tls.config())
    crowd = Crowd(pause)
    try:
        server.start()
        server.tolerate("restarts under load")
        url = f"ws://127.0.0.1:{server.port}"
        clients = [Client(crowd, i, url) for i in range(plain)]
        clients += [Ticked(crowd, url) for _ in range(4)]
        if secure:
            wss = dict(ssl=tls.client_context())
            secure_url = f"wss://127.0.0.1:{secure_port}"
            clients += [Client(crowd, i, secure_url, **wss) for i in range(secure)]
        sizes = asyncio.run(play(server, crowd, clients, restarts, interval))
        if crowd.sent_away == 0 and restarts:
            crowd.problem("nobody was sent away")
        crowd.problems += grown(sizes)
        children = len(server.children())
        time.sleep(1)
        if children > 2 * len(server.children()) + 20:
            crowd.problem(f"{children} children at the end")
    finally:
        crowd.problems += server.close()
    happened = (f"{crowd.opened} connections, {crowd.sent_away} sent away, {crowd.echoes} echoes, "
                f"{crowd.counted} counts compared, {crowd.refused} refused {crowd.refusals or ''}")
    return crowd.problems, happened


def main():
    def add_options(add):
        add("--restarts", type=int, default=50)
        add("--plain", type=int, default=500)
        add("--secure", type=int, default=100)
        add("--interval", type=float, default=1.0)
        add("--drain", default="500ms")
    program = Program(__doc__, add_options)
    options = program.options
    problems, happened = run(options.mpm, build.all_handlers(), options.restarts, options.plain,
                             options.secure, options.interval, options.drain)
    print(happened)
    program.end(problems, f"{options.restarts} restarts of {options.mpm}, ")


if __name__ == "__main__":
    main()
