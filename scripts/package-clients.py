"""Clients of channels while httpd is upgraded below them: they come back and resume whenever they are sent away,
and messages are published at a steady rate all the while.

usage: package-clients.py [--plain 500] [--secure 100] [--rate 20]

Says "ready" when each of them has had a message, and ends at SIGTERM, when each has had the last. The exit code is 0
if each has been sent away, always with 1001, and has had each message of its channel once and in order. Tells for how
long nobody listened. It needs http://127.0.0.1/load/publish, ws:// and wss://127.0.0.1/load/subscribe.
"""
import argparse
import asyncio
import http.client
import itertools
import json
import resource
import signal
import socket
import ssl
import sys
import threading
import time

import websockets

CHANNELS = [f"{time.time():.0f}-{number}" for number in range(10)]  # of this run alone


class Client:
    """Hears its channel, and says what it has had twice, late or not at all."""

    def __init__(self, crowd, number, address, **options):
        self.crowd = crowd
        self.name = f"{address} {number}"
        self.channel = CHANNELS[number % len(CHANNELS)]
        self.url = f"{address}/load/subscribe/{self.channel}?after="
        self.options = dict(options, subprotocols=["channel.json"], compression=None, ping_interval=None,
                            open_timeout=60, close_timeout=20)
        self.position = ""
        self.without_number = set()  # ids; whoever resumes before the number is known gets them once more
        self.heard = self.sent_away = 0
        self.away_since = None

    async def run(self):
        while True:
            try:
                ws = await websockets.connect(self.url + self.position, **self.options)
            except (OSError, EOFError, asyncio.TimeoutError, websockets.InvalidHandshake) as error:
                # A child that was about to end had taken it: that is no connection yet.
                self.crowd.refusals.append(repr(error)[:100])
                await asyncio.sleep(0.1)
                continue
            try:
                while True:
                    self.hear(json.loads(await ws.recv()))
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                if code != 1001:
                    self.crowd.problem(f"{self.name}: closed with {code}")
                self.sent_away += 1
                self.away_since = time.monotonic()

    def hear(self, event):
        if event["type"] == "message" and event.get("id") not in self.without_number:
            if event["data"] != f"{self.channel} {self.heard}":
                self.crowd.problem(f"{self.name}: {event['data']!r} in the place of {self.heard}")
            self.heard += 1
            if "id" in event and not event.get("position"):
                self.without_number.add(event["id"])
        elif event["type"] == "subscribed":
            self.crowd.doubts += bool(self.position) and not event["recovered"]
            if self.away_since:
                self.crowd.longest_away = max(self.crowd.longest_away, time.monotonic() - self.away_since)
        elif event["type"] == "gap":
            self.crowd.doubts += 1
        if event.get("position") and not event.get("recovered"):
            self.position = event["position"]


class Crowd:
    def __init__(self):
        self.problems = []
        self.refusals = []
        self.doubts = 0  # what the server could not promise, whatever came then
        self.longest_away = 0.0

    def problem(self, text):
        if len(self.problems) < 20:
            self.problems.append(text)


class Publisher(threading.Thread):
    """One message after the other. What was not answered is sent again with its key, so that it is published once."""

    def __init__(self, crowd, rate):
        super().__init__(daemon=True)
        self.crowd, self.rate = crowd, rate
        self.published = dict.fromkeys(CHANNELS, 0)
        self.over = False
        self.again, self.longest = 0, 0.0

    def run(self):
        due = time.monotonic()
        for channel in itertools.cycle(CHANNELS):
            if self.over:
                return
            began = time.monotonic()
            while refused := self.post(channel, f"{channel} {self.published[channel]}"):
                if time.monotonic() - began > 60:
                    self.crowd.problem(f"nothing could be published for a minute: {refused}")
                    return
                self.again += 1
                time.sleep(0.1)
            self.published[channel] += 1
            self.longest = max(self.longest, time.monotonic() - began)
            due += 1 / self.rate
            time.sleep(max(0.0, due - time.monotonic()))

    @staticmethod
    def post(channel, text):
        server = http.client.HTTPConnection("127.0.0.1", timeout=10)
        try:
            server.request("POST", f"/load/publish/{channel}", text, {"Idempotency-Key": text.replace(" ", "-")})
            answer = server.getresponse()
            said = answer.read()
            return None if answer.status == 200 else f"{answer.status} {said}"
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            server.close()


class Knocking(threading.Thread):
    """How long nobody listens."""

    def __init__(self):
        super().__init__(daemon=True)
        self.longest = 0.0

    def run(self):
        refused = dict.fromkeys((80, 443))
        while True:
            for port, since in refused.items():
                begin = time.monotonic()
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=2).close()
                    refused[port] = None
                except OSError:
                    refused[port] = since or begin
                    self.longest = max(self.longest, time.monotonic() - refused[port])
            time.sleep(0.02)


async def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return condition()


async def run(options):
    crowd = Crowd()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    clients = [Client(crowd, number, "ws://127.0.0.1") for number in range(options.plain)]
    clients += [Client(crowd, number, "wss://127.0.0.1", ssl=trusting) for number in range(options.secure)]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    if not await until(lambda: all(client.position for client in clients), 60):
        sys.exit(f"not all are connected: {crowd.refusals[:3]}")
    publisher, knocking = Publisher(crowd, options.rate), Knocking()
    publisher.start()
    knocking.start()
    if not await until(lambda: all(client.heard for client in clients), 60):
        sys.exit(f"not all have had a message: {crowd.problems}")
    print("ready", flush=True)
    await over.wait()
    await until(lambda: all(client.sent_away for client in clients), 30)

    publisher.over = True
    await asyncio.to_thread(publisher.join)
    await until(lambda: all(client.heard >= publisher.published[client.channel] for client in clients), 30)
    await asyncio.sleep(1)  # for what would come twice
    for client in clients:
        if client.heard != publisher.published[client.channel]:
            crowd.problem(f"{client.name}: has had {client.heard} of {publisher.published[client.channel]}")
        if not client.sent_away:
            crowd.problem(f"{client.name}: was never sent away")
    for task in tasks:
        if task.done():
            crowd.problem(repr(task.exception()))
        task.cancel()
    print(f"{options.plain} ws and {options.secure} wss clients had {sum(client.heard for client in clients)} messages of "
          f"{sum(publisher.published.values())}, and were sent away {sum(client.sent_away for client in clients)} times")
    print(f"nobody listened for at most {knocking.longest * 1000:.0f} ms; a client was away for at most "
          f"{crowd.longest_away * 1000:.0f} ms; a message was published within {publisher.longest * 1000:.0f} ms")
    print(f"again: {publisher.again} publications, {crowd.doubts} doubts, {len(crowd.refusals)} handshakes {sorted(set(crowd.refusals))[:3]}")
    for problem in crowd.problems:
        print("PROBLEM:", problem)
    return 1 if crowd.problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plain", type=int, default=500)
    parser.add_argument("--secure", type=int, default=100)
    parser.add_argument("--rate", type=float, default=20, help="messages a second")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
