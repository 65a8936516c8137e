"""Channels while children are killed and httpd restarts: nothing corrupt, nothing twice, and every
gap that a client could see was announced to it.

usage: python3 channel_storm.py [--mpm event] [--kills 100] [--restarts 20] [--tight] [--seed 1]

Publishers and subscribers of all kinds talk in three channels, with a long history, with a short
one and with none. The exit code is 0 if all that was acknowledged came to everyone who was there,
who came back got exactly what it missed or was told that it is lost, and nothing is left over.
"""
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import sys
import time
from pathlib import Path

from harness import build
from harness.channel_clients import (Book, Crowd, EventSource, JsonSubscriber, PlainSubscriber,
                                     Poster, RoomMember, RoomPublisher)
from harness.httpd import Httpd
from harness.program import Program
from restarts import footprint, restart, settle

HISTORIES = {"kept": 5000, "short": 20, "live": 0}
AMPLE = {"event": "512M", "worker": "512M", "prefork": "512M"}
TIGHT = {"event": "1M", "worker": "1M", "prefork": "5M"}  # little more than httpd takes
SUBSCRIBERS = [JsonSubscriber, EventSource, PlainSubscriber, RoomMember]
LAST = 1000 << 32 | 1  # the last message of each channel, and its publisher
PATIENCE = 60  # seconds for what takes a moment, on a machine that has much else to do

ROOM = {
    "event": "StartServers 4\nServerLimit 8\nMinSpareThreads 50\nMaxSpareThreads 200\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 200",
    "prefork": "StartServers 6\nMinSpareServers 4\nMaxSpareServers 20\nServerLimit 60\n"
               "MaxRequestWorkers 60",
}
ROOM["worker"] = ROOM["event"]

CONFIG = """
LogLevel notice
WebSocketChannelMemory {memory}
WebSocketSendBufferSize 8M
WebSocketFilterConnections 100
WebSocketPingInterval Off
""" + "".join(f"""
<Location "/{verb}">
  SetHandler websocket-{verb}
  Require all granted
</Location>
""" for verb in ("publish", "subscribe")) + "".join(f"""
<Location "/publish/{name}">
  WebSocketChannelHistory {history} 1h
</Location>
""" for name, history in HISTORIES.items() if history) + """
<Location "/server-status">
  SetHandler server-status
  Require all granted
</Location>
"""


class Ask:
    """What httpd itself says. Nothing, if the child that was asked has just gone."""

    def __init__(self, server):
        self.server = server

    def text(self, path):
        try:
            response = self.server.get(path)
        except (OSError, EOFError, AssertionError):
            return None
        return response.body.decode() if response.status == 200 else None

    def channel(self, name, query="limit=0"):
        text = self.text(f"/publish/{name}?{query}")
        return json.loads(text) if text else {}

    def counters(self):
        lines = (self.text("/server-status?auto") or "").splitlines()
        return {name: int(value) for name, _, value in (line.partition(": ") for line in lines)
                if name.startswith("WebSocket")}

    def seats(self):
        """The children that channels know."""
        _, _, table = (self.text("/server-status") or "").partition("<h2>WebSockets")
        return {int(pid) for pid in re.findall(r"<tr><td>(\d+)</td>", table)}


def make_crowd(crowd, each):
    """`each`: how many of every kind of subscriber are in every channel."""
    books = [Book(crowd, name, history) for name, history in HISTORIES.items()]
    publishers = []
    for book in books:
        for _ in range(each):
            for kind in SUBSCRIBERS:
                kind(crowd, book)
        for kind in (Poster, Poster, RoomPublisher):
            publishers.append(kind(crowd, book, len(publishers) + 1))
    return books, publishers


async def calm(crowd, publishers):
    """Until there is something to disturb: everybody is back, and gets on."""
    before = dict(crowd.acknowledged)
    def is_calm():
        return (crowd.connected() >= 0.9 * len(crowd.clients) and
                all(crowd.acknowledged.get(each.number, 0) > before.get(each.number, 0) + 1
                    for each in publishers))
    if not await settle(is_calm, PATIENCE):
        crowd.problem(f"it stands still: {crowd.connected()} of {len(crowd.clients)} clients, "
                      f"acknowledged {before} -> {crowd.acknowledged}")


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it was quicker


async def jostle(server, crowd):
    """Stops all children but one for an instant: their readers fall behind, and who comes back just
    then spreads over the others. Else one child would have nearly everybody."""
    rng, longest = crowd.rng, 0.5 if crowd.is_tight else 0.1  # seconds
    while True:
        stopped = server.children()
        rng.shuffle(stopped)
        try:
            for child in stopped[1:]:
                send(child, signal.SIGSTOP)
            await asyncio.sleep(rng.random() * longest)
        finally:
            for child in stopped[1:]:
                send(child, signal.SIGCONT)
        await asyncio.sleep(rng.random() / 5)


def children_in_use(server):
    """How many children have connections."""
    address = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), sys.byteorder):08X}:{server.port:04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = {f"socket:[{words[9]}]" for words in lines if words[1] == address and words[3] == "01"}
    return sum(bool(ours & open_files(child)) for child in server.children())


def open_files(pid):
    found = set()
    with contextlib.suppress(FileNotFoundError):  # it has ended, or closed one meanwhile
        for entry in os.scandir(f"/proc/{pid}/fd"):
            found.add(os.readlink(entry.path))
    return found


async def storm(server, crowd, publishers, kills, restarts):
    """Returns all children that must be gone after it."""
    rng, old = crowd.rng, set()
    deeds = ["kill"] * kills + ["restart"] * restarts
    rng.shuffle(deeds)
    for number, deed in enumerate(deeds):
        if crowd.problems:
            break  # the first one tells most
        if number == 0 or rng.random() < 0.75:  # else the next blow comes at once
            await calm(crowd, publishers)
            crowd.spread.append(children_in_use(server))
        await asyncio.sleep(rng.random() / 5)  # at any point of what the children do
        if deed == "restart":
            old |= set(server.children())
            await restart(server, crowd, number)
        elif children := server.children():
            victim = rng.choice(children)
            send(victim, signal.SIGKILL)
            old.add(victim)
    await calm(crowd, publishers)
    return old


async def end(server, crowd, books, old):
    """Everybody hears the last message; then all leave, and nothing is left over."""
    ask = Ask(server)

    async def expect(question, wanted, what):
        """Asks until the answer is right."""
        deadline = time.monotonic() + PATIENCE
        while (answer := await asyncio.to_thread(question)) != wanted:
            if time.monotonic() > deadline:
                return crowd.problem(f"{what}: {answer} instead of {wanted}")
            await asyncio.sleep(0.1)

    await expect(lambda: old & set(server.children()), set(), "children that should be gone")
    crowd.publishing = False
    await expect(crowd.connected, len(crowd.clients), "connected in the end")
    for book in books:
        await expect(lambda: ask.channel(book.name).get("members"), crowd.members_of(book),
                     f"members of {book.name}")
        reader, writer = await asyncio.open_connection(crowd.host, crowd.port)
        await Poster(crowd, book, LAST >> 32).post(reader, writer)
        writer.close()
    for client in crowd.clients:
        await expect(lambda: client.has(LAST), True,
                     f"{type(client).__name__} in {client.book.name} has heard the last message")
    for book in books:
        newest = min(book.history, 500)
        judge_history(crowd, book, await asyncio.to_thread(ask.channel, book.name,
                                                           f"limit={newest}"), newest)
    crowd.over = True
    for task in crowd.tasks:
        task.cancel()
    await asyncio.wait(crowd.tasks, timeout=PATIENCE)
    for book in books:
        await expect(lambda: ask.channel(book.name).get("members"), 0, f"members of {book.name}")
    await expect(lambda: ask.seats() ^ set(server.children()), set(), "seats without a child")
    for name in ("Connections", "Memberships"):
        await expect(lambda: ask.counters().get(f"WebSocket{name}"), 0, name)
    crowd.counters = await asyncio.to_thread(ask.counters)


def judge_history(crowd, book, found, newest):
    """What is kept is what everyone has heard."""
    kept = found.get("messages", [])
    last = max(book.keys)
    if crowd.is_tight:
        newest = min(newest, len(kept))
    wanted = list(range(max(last - newest, 0) + 1, last + 1)) if newest else []
    offsets = [book.place(each["position"]) for each in kept]
    if offsets != wanted:
        crowd.problem(f"{book.name}: the history is {offsets[:3]}...{offsets[-3:]} ({len(offsets)}) "
                      f"instead of {wanted[:1]}...{wanted[-1:]}")
    client = JsonSubscriber(Crowd(("", 0), crowd.rng), book)
    for each in kept:
        client.last = client.last or book.place(each["position"]) - 1
        client.take_event(each)
    crowd.problems += client.crowd.problems


async def play(server, crowd, books, publishers, kills, restarts):
    jostling = asyncio.create_task(jostle(server, crowd))
    crowd.tasks = [asyncio.create_task(client.run()) for client in crowd.clients]
    if not await settle(lambda: crowd.connected() == len(crowd.clients), PATIENCE):
        crowd.problem(f"only {crowd.connected()} of {len(crowd.clients)} at the start")
    crowd.tasks += [asyncio.create_task(each.run()) for each in publishers
                    if isinstance(each, Poster)]
    crowd.begun.set()
    before = footprint(server)
    old = await storm(server, crowd, publishers, kills, restarts)
    jostling.cancel()
    await end(server, crowd, books, old)
    for task in crowd.tasks:
        if not task.done():
            crowd.problem("a client hangs")
        elif not task.cancelled() and task.exception():
            crowd.problem(repr(task.exception()))
    after = footprint(server)
    for name in before:
        if restarts and not build.SANITIZER and after[name] > before[name] + 2:
            crowd.problem(f"httpd's parent has more {name}: {before[name]} -> {after[name]}")


def run(mpm, handlers, kills=100, restarts=20, each=2, tight=False, seed=None):
    """Returns a list of what went wrong, and what happened. `tight`: with so little memory that
    messages are lost, which everyone who can be told must be told."""
    seed = seed if seed is not None else int.from_bytes(os.urandom(2), "big")
    config = CONFIG.replace("{memory}", (TIGHT if tight else AMPLE)[mpm])
    server = Httpd(mpm, handlers, config, mpm_config=ROOM)
    crowd = Crowd(server.address, random.Random(seed), tight)
    crowd.counters = {}
    books, publishers = make_crowd(crowd, each)
    try:
        server.start()
        crowd.port = server.port
        server.allow_log("AH00052: child pid \\d+ exit signal Killed")
        server.tolerate("restarts under load")
        server.allow_log("AH1039[23]")
        server.allow_log("CWS0050: ")  # a restart comes before the old children of the last have gone
        asyncio.run(play(server, crowd, books, publishers, kills, restarts))
        missed = sum(crowd.counters.get(f"WebSocket{name}", 0) for name in
                     ("Dropped", "ClosedSlow", "ReadersOvertaken"))
        if tight:
            server.allow_log("CWS0035: a reader of channels was overtaken")
        elif missed:
            crowd.problem(f"some were too slow: {crowd.counters}")
        for book in books:
            book.judge(missed != 0)
        if restarts and not tight and not crowd.resumed:
            crowd.problem("nobody came back to resume")
        if len(crowd.spread) >= 20 and sum(crowd.spread) < 1.5 * len(crowd.spread):
            crowd.problem(f"the clients were in too few children: {crowd.spread}")
    finally:
        crowd.problems += server.close()
    happened = (f"seed {seed}: {sum(crowd.acknowledged.values())} messages acknowledged, "
                f"{crowd.received} received on {crowd.connections} connections, "
                f"{crowd.resumed} times resumed, {crowd.told} gaps announced and "
                f"{sum(book.holes for book in books)} on plain connections, "
                f"in {sum(crowd.spread) / max(len(crowd.spread), 1):.1f} children, "
                f"closed {dict(sorted(crowd.closed.items()))}")
    return crowd.problems, happened


def main():
    def add_options(add):
        add("--kills", type=int, default=100)
        add("--restarts", type=int, default=20)
        add("--each", type=int, default=2, help="subscribers of every kind in every channel")
        add("--tight", action="store_true", help="with little memory")
        add("--seed", type=int)
    program = Program(__doc__, add_options)
    options = program.options
    problems, happened = run(options.mpm, build.all_handlers(), options.kills, options.restarts,
                             options.each, options.tight, options.seed)
    print(happened)
    program.end(problems, f"{options.kills} kills and {options.restarts} restarts of {options.mpm}, ")


if __name__ == "__main__":
    main()
