"""What happens to a client that keeps its place, and whether it has kept it."""
import http.client
import re
import signal
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

from .relay import Relay

CONFIG = """
WebSocketChannelMemory 512M
WebSocketDrainTimeout 1s
WebSocketOrigin Same http://127.0.0.1:*
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 20000
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 20000
</Location>
"""


class Publisher:
    """`with Publisher(httpd, channel) as publisher`: publishes numbers, from 1, about 50 a second, until the end or
    stop(). `published`: how many there are."""

    def __init__(self, httpd, channel):
        self.httpd, self.channel = httpd, channel
        self.published = 0
        self.goes_on = True
        self.fault = None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while self.goes_on:
                self.publish(self.published + 1)
                self.published += 1
                time.sleep(0.02)
        except (AssertionError, OSError, http.client.HTTPException) as fault:
            self.fault = fault

    def publish(self, number):
        """Once only: where httpd has closed the connection before it answered, it is not known whether it was."""
        connection = http.client.HTTPConnection(*self.httpd.address, timeout=60)
        connection.request("POST", f"/publish/{self.channel}", str(number), {"Content-Type": "text/plain"})
        response = connection.getresponse()
        said = response.read()
        assert response.status == 200, said
        connection.close()

    def some_more(self, count=5):
        """Waits until there are so many more."""
        wanted = self.published + count
        while self.published < wanted and not self.fault:
            time.sleep(0.01)

    def stop(self):
        self.goes_on = False
        self.thread.join()
        assert not self.fault, self.fault
        return self.published

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.goes_on = False
        self.thread.join()


def judge(lines, last):
    """What is wrong with what a client has told, which should be all from 1 to `last`, or gaps where it was. Empty:
    nothing."""
    expected, gap = 1, False
    for line in lines:
        if line.startswith("gap "):
            gap = True
        number = re.fullmatch(r"message (\d+)", line)
        if not number:
            continue
        if int(number[1]) < expected:
            return f"{number[1]} came again, or late: behind {expected - 1}"
        if int(number[1]) > expected and not gap:
            return f"{expected} to {int(number[1]) - 1} are missing, and it was not told"
        expected, gap = int(number[1]) + 1, False
    return "" if expected > last else f"{expected} to {last} have not come"


def told_gap(lines):
    """The history is long enough for all that is done here: so nothing is lost."""
    return next((f"it was told: {line}" for line in lines if line.startswith("gap ")), "")


# --- faults -----------------------------------------------------------------------------------------
# Each is done to a client that is open, by its relay, while somebody publishes. `seconds`: how long.

def link_cut(scene, client, seconds):
    before = client.opened()
    scene.relay.cut()
    client.open(before + 1)


def server_restarted(scene, client, seconds):
    before = client.opened()
    scene.restart()
    client.open(before + 1)


def packets_lost(scene, client, seconds):
    before = client.opened()
    scene.relay.flowing.clear()
    time.sleep(seconds)
    scene.relay.flowing.set()
    client.open(before + (seconds > 3))  # in less it need not have noticed


def link_dead(scene, client, seconds):
    """As behind a router that has forgotten it: nothing comes, and nobody says so."""
    before = client.opened()
    for pair in list(scene.relay.pairs):
        pair.forgotten.set()
    client.open(before + 1)


def port_shut(scene, client, seconds):
    before = client.opened()
    scene.relay.shut()
    scene.relay.cut()
    client.wait("state waiting", timeout=60)
    time.sleep(seconds)
    scene.relay.listen()
    client.open(before + 1)


def process_stopped(scene, client, seconds):
    client.signal(signal.SIGSTOP)
    time.sleep(seconds)
    client.signal(signal.SIGCONT)


def proxy_keeps(scene, client, seconds):
    scene.relay.keeps = True
    time.sleep(seconds)
    scene.relay.cut()  # what it has kept is lost
    time.sleep(seconds)
    scene.relay.keeps = False


FAULTS = {
    "link cut": link_cut,
    "server restarted": server_restarted,
    "packets lost": packets_lost,
    "link dead": link_dead,
    "port shut": port_shut,
    "process stopped": process_stopped,
    "proxy keeps": proxy_keeps,
}


def run(httpd, channel, kinds, faults, seconds, websockets=True):
    """One client of each kind, to which all faults are done, one after the other, while somebody publishes. `kinds`:
    {"name": function of an address, which starts one}. `websockets`: whether they get through. Returns {"name": what
    is wrong, or empty}."""
    with ExitStack() as stack:
        relays = [stack.enter_context(Relay(httpd.address)) for _ in kinds]
        for relay in relays:
            relay.websockets = websockets
        clients = [stack.enter_context(start(f"http://127.0.0.1:{relay.port}/subscribe/{channel}"))
                   for relay, start in zip(relays, kinds.values())]
        for client in clients:
            client.open()
        publisher = stack.enter_context(Publisher(httpd, channel))
        for fault in faults:
            publisher.some_more()
            at_once(fault, clients, relays, httpd, seconds)
        publisher.some_more()
        last = publisher.stop()
        for client in clients:
            client.wait(f"message {last}", timeout=90)
        return {kind: judge(client.lines(), last) or told_gap(client.lines())
                for kind, client in zip(kinds, clients)}


def at_once(fault, clients, relays, httpd, seconds):
    faults = []
    together = threading.Barrier(len(clients), httpd.graceful)

    def do(relay, client):
        try:
            FAULTS[fault](SimpleNamespace(relay=relay, restart=together.wait), client, seconds)
        except BaseException as error:  # of whatever kind, it is the test's
            together.abort()
            faults.append(error)

    threads = [threading.Thread(target=do, args=each) for each in zip(relays, clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, f"{fault}: {faults}"
