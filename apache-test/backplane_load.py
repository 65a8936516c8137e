"""Messages a second from one httpd to another through Redis, each checked: none lost, none twice,
all in order.

usage: backplane_load.py [--count 200000] [--mpm event] [--no-history]"""
import argparse
import sys
import time

from harness import build
from harness.backplane import Redis
from harness.httpd import Httpd
from harness.raw import TEXT, frame

BURST = 10_000

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("--count", type=int, default=200_000)
parser.add_argument("--mpm", default="event")
parser.add_argument("--no-history", action="store_true")
options = parser.parse_args()

redis = Redis().start()
machines = []
try:
    handlers = {"room": build.compile_handler(build.TESTS / "handlers/room_wsh.cpp")}
    for _ in range(2):
        machine = Httpd(options.mpm, handlers, "WebSocketPingInterval Off\nLogLevel warn cppwebsocket:info\n"
                        "WebSocketSendBufferSize 64M\n"
                        f"WebSocketBackplane redis://127.0.0.1:{redis.port}/0", one_child=True)
        machines.append(machine)
        machine.start()
        machine.error_log.wait_for("CWS0038", timeout=20)
    room = "/room?load" if options.no_history else "/room?load&history=100000"
    near, far = [machine.open(room, timeout=120) for machine in machines]
    for member in (near, far):
        assert member.read_text().startswith("in ")
    time.sleep(1)  # until the subscriptions are there
    began = time.monotonic()
    sent = 0
    for i in range(options.count):
        if i >= sent - BURST and sent < options.count:  # two bursts are under way
            near.send(frame(TEXT, f"={BURST}"))
            sent += BURST
        text = far.read_text()
        assert text == str(i % BURST), f"{text} instead of {i % BURST}"
    took = time.monotonic() - began
    kind = "without history" if options.no_history else "with history"
    print(f"{options.count / took:.0f} messages/s {kind}, from one httpd to the other, in order")
finally:
    problems = [problem for machine in machines for problem in machine.close()]
    redis.close()
sys.exit("\n".join(problems) or 0)
