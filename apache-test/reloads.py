"""Graceful restarts in a row, with WebSockets open on every child: httpd answers after each of them,
and nobody is sent away but with 1001, the oldest first.

usage: python3 reloads.py [--mpm event] [--reloads 30] [--drain "1h keep"] [--interval 0]

The exit code is 0 if httpd has answered within three seconds each time.
"""
import argparse
import contextlib
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

from harness import build
from harness.configuration import MPM
from harness.httpd import Httpd
from harness.raw import CLOSE, TEXT, Frame, close_body, close_frame, frame

LIMIT = 3.0  # seconds from the signal to an answer
CONFIG = "WebSocketPingInterval Off\nWebSocketDrainTimeout {drain}\n"
# As Debian ships it, but for limits on children that a few restarts reach on the others, too.
ROOM = dict(MPM, worker=MPM["worker"] + "\nServerLimit 8",
            prefork=MPM["prefork"].replace("MaxRequestWorkers 150", "MaxRequestWorkers 40"))


def has_open(pid, file):
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        with contextlib.suppress(OSError):  # closed since
            if os.readlink(f"{folder}/{name}") == file:
                return True
    return False


def child_of(server, connection):
    """The child that has the other end of it."""
    ours, theirs = (f":{port:04X}" for port in (connection.socket.getsockname()[1], server.port))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(theirs) and fields[2].endswith(ours):
            inode = f"socket:[{fields[9]}]"
            return next((child for child in server.children() if has_open(child, inode)), None)
    return None


class Guests:
    """Connections that stay until they are sent away, and answer then, but for every fifth."""

    def __init__(self, server, problems):
        self.server = server
        self.problems = problems
        self.held = {}  # socket: (connection, restarts before it)
        self.sent_away = []  # (restarts before it came, restarts before it went)
        self.reload = 0
        self.lock = threading.Lock()
        self.over = False
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def come(self):
        """Opens a connection. Returns the child that has it."""
        connection = self.server.open(timeout=20)
        child = child_of(self.server, connection)
        with self.lock:
            self.held[connection.socket] = connection, self.reload
        return child

    def occupy(self, former):
        """Opens connections until each child that is not a former one has one."""
        empty = set(self.server.children()) - former
        deadline = time.monotonic() + 10
        while empty and time.monotonic() < deadline:
            empty.discard(self.come())
            empty &= set(self.server.children())

    def listen(self):
        while not self.over:
            with self.lock:
                sockets = list(self.held)
            by_number = {each.fileno(): each for each in sockets}
            poll = select.poll()  # not select(): there may be more than 1,024
            for number in by_number:
                poll.register(number, select.POLLIN)
            for number, _ in poll.poll(50):
                with self.lock:
                    connection, came = self.held.pop(by_number[number])
                try:
                    code = connection.read_close()[0]
                except (AssertionError, EOFError, OSError) as error:
                    code = repr(error)
                if code != 1001:
                    self.problems.append(f"closed with {code}")
                self.sent_away.append((came, self.reload))
                if len(self.sent_away) % 5:
                    connection.send(close_frame(code))

    def finish(self):
        """Who is left still is served, or is sent away just now."""
        self.over = True
        self.thread.join()
        allowed = Frame(TEXT, b"still here?"), Frame(CLOSE, close_body(1001))
        for connection, came in self.held.values():
            connection.send(frame(TEXT, "still here?"))
            try:
                got = connection.read_frame()
            except (EOFError, OSError) as error:
                got = error
            if got not in allowed:
                self.problems.append(f"a connection of restart {came}: {got!r}")
            connection.drop()


def seconds_to_answer(guests, former):
    """From a restart until a child answers that is not a former one."""
    begin = time.monotonic()
    guests.server.process.send_signal(signal.SIGUSR1)
    try:
        while guests.come() in former:
            time.sleep(0.1)  # httpd's parent hears of a signal within a second
    except OSError as error:
        guests.problems.append(f"restart {guests.reload}: {error!r}")
    return time.monotonic() - begin


def run(mpm, handlers, reloads=30, drain="1h keep", interval=0.0, stuck=0):
    """Before each of the first `stuck` restarts a request begins that does not end. Returns a list
    of what went wrong, the Guests, the lines that say who made room, and what happened."""
    problems, times, occupied, requests = [], [], set(), []
    server = Httpd(mpm, handlers, CONFIG.format(drain=drain), mpm_config=ROOM)
    try:
        server.start()
        server.allow_log("CWS0050|AH00045")
        guests = Guests(server, problems)
        try:
            for guests.reload in range(reloads):
                guests.occupy(occupied)
                occupied = set(server.children())
                if guests.reload < stuck:
                    requests.append(server.connect())
                    requests[-1].send(b"GET /index.html HTTP/1.1\r\n")
                times.append(seconds_to_answer(guests, occupied))
                time.sleep(interval)
            guests.occupy(occupied)
        finally:
            guests.finish()
            for each in requests:
                each.drop()
        said = server.error_log.find("CWS0050")
    finally:
        problems += server.close()
    problems += [f"restart {number}: {seconds:.1f} s to an answer"
                 for number, seconds in enumerate(times) if seconds > LIMIT]
    happened = (f"an answer after {sum(times) / len(times):.1f} s, at most {max(times):.1f} s; "
                f"{len(guests.held)} connections stayed, {len(guests.sent_away)} were sent away; "
                f"{len(said)} times for want of room")
    return problems, guests, said, happened


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mpm", choices=["event", "worker", "prefork"], default="event")
    parser.add_argument("--reloads", type=int, default=30)
    parser.add_argument("--drain", default="1h keep")
    parser.add_argument("--interval", type=float, default=0.0)
    options = parser.parse_args()
    if not build.MODULE.exists():
        sys.exit(f"{build.MODULE} is missing: build it, or set CPPWEBSOCKET_MODULE")
    problems, guests, said, happened = run(options.mpm, build.all_handlers(), options.reloads,
                                           options.drain, options.interval)
    print(happened)
    for line in said[:3] + problems[:30]:
        print(line)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
