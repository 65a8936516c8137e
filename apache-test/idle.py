"""What an idle WebSocket costs its child, for each way in and each MPM.

usage: python3 idle.py [--connections 1000]

Prints a table row for each way: the growth of the children's private memory (Private_Dirty of
/proc/PID/smaps_rollup, so without the kernel's socket memory) divided by the connections, and the
threads that were started for them. MPM threads that httpd has anyway and that a connection holds do
not count as started, but cannot serve anything else.
"""
import argparse
import sys
import time
from pathlib import Path

from harness import build, tls
from harness.h2_client import H2Session
from harness.configuration import MPM
from harness.httpd import Httpd
from harness.processes import memory_bytes
from harness.rot import RotHttpd

QUIET = "WebSocketPingInterval Off\nLogLevel notice\nKeepAliveTimeout 600\nTimeout 600\n"
ALONE = "StartServers 1\nServerLimit 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1"
# prefork: a child for each connection that holds one.
PROCESSES = ("StartServers 12\nServerLimit 12\nMinSpareServers 1\nMaxSpareServers 12\n"
             "MaxRequestWorkers 12")


def private_bytes(server):
    return memory_bytes(server.children())["private_dirty"]


def threads(server):
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in server.children())


def measure(server, open_all, count):
    """(bytes, threads) per connection, with `count` of them."""
    server.start()
    try:
        # What a child needs once: each of its threads has then served some.
        first = open_all(server, count if count > 100 else 1)
        time.sleep(1)
        bytes_before, threads_before = private_bytes(server), threads(server)
        opened = open_all(server, count)
        for ws in opened:
            assert ws.ask_text("hello") == "hello"
        time.sleep(1)
        growth = private_bytes(server) - bytes_before
        started = threads(server) - threads_before
        for ws in first + opened:
            ws.drop()
        return growth / count, started
    finally:
        server.stop()
        server.close()


def direct(server, count):
    return [server.open("/echo") for _ in range(count)]


def over_http2(server, count):
    opened = []
    for start in range(0, count, 5):  # so many go over one HTTP/2 connection
        context = tls.client_context()
        context.set_alpn_protocols(["h2"])
        session = H2Session(server.address, tls=context)
        opened += [session.open("/echo") for _ in range(min(5, count - start))]
    return opened


def rotten(server, count):
    return [server.rot_open("/echo") for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=int, default=1000, metavar="N")
    count = parser.parse_args().connections
    handlers = {"echo": build.all_handlers()["echo"]}
    held = QUIET + "WebSocketFilterConnections 25\n"
    print("| way in | MPM | connections | KiB each | threads started |\n|---|---|---|---|---|")
    for mpm in MPM:
        one = {"one_child": mpm != "prefork", "mpm_config": {mpm: ALONE} if mpm == "prefork" else None}
        ways = [("ws", Httpd(mpm, handlers, QUIET, **one), direct, count),
                ("wss", Httpd(mpm, handlers, QUIET, tls_config="", **one), direct, count)]
        if mpm != "prefork":  # which mod_http2 does not support
            config = held + "Protocols h2 http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\n"
            ways.append(("HTTP/2 over TLS",
                         Httpd(mpm, handlers, config, tls_config="", modules=("http2",), **one),
                         over_http2, 20))
        room = {} if mpm != "prefork" else {"mpm_config": {mpm: PROCESSES}}
        ways.append(("foreign filter", RotHttpd(mpm, handlers, held, **(room or one)), rotten, 10))
        for name, server, open_all, number in ways:
            size, started = measure(server, open_all, number)
            print(f"| {name} | {mpm} | {number} | {size / 1024:.1f} | {started} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
