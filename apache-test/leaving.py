"""Each example of the manual as a handler, and handlers whose tasks and threads use what the main
function has, under clients that leave in every way. For the sanitizers, but true without them too.

usage: python3 leaving.py [--mpm event] [--connections 1000] [--at-once 60]

Exit code 0: no child died, every client could join, and nothing was reported. CPPWEBSOCKET_SANITIZER as
for soak.py.
"""
import argparse
import asyncio
import os
import random
import sys
import tempfile
import time

from harness import build, manual
from harness.httpd import Httpd
from harness.raw import TEXT, close_frame, frame, upgrade_request
from soak import PATIENCE, read_frame, read_until_end, reset

OWN = ["beside_wsh", "beside_blocking_wsh"]
OWN_PATHS = ["/beside", "/beside_blocking", "/beside_blocking?spawn"]
ANY = ["close", "reset", "half_close", "vanish", "at_once", "stay"]
OWN_WAYS = ANY + ["return", "raise", "abort", "server_close", "leave", "others"]
CONFIG = """WebSocketBlockingThreads 400
WebSocketMaxConnections 2000
WebSocketCloseTimeout 2s
LogLevel info
<LocationMatch "^/(readme|handlers)">
  WebSocketOrigin Any
</LocationMatch>
"""


async def talk(address, path, way, rng):
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(upgrade_request(path, f"{address[0]}:{address[1]}"))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise AssertionError(f"{path}: {head.decode()}")
        if way != "at_once":
            for _ in range(rng.randrange(1, 4)):
                writer.write(frame(TEXT, "hello"))
            await asyncio.sleep(rng.random() / 20)
        await leave(reader, writer, way)
    except (OSError, asyncio.IncompleteReadError):
        pass  # it has ended already: by a restart, or by another
    finally:
        writer.close()


async def leave(reader, writer, way):
    if way == "close":
        writer.write(close_frame(1000))
        await read_until_end(reader)
    elif way in ("reset", "at_once"):
        reset(writer)
    elif way == "half_close":
        writer.write_eof()
        await read_until_end(reader)
    elif way == "stay":  # until the server goes away, or some other ends it
        try:
            await asyncio.wait_for(read_until_end(reader), 2)
        except asyncio.TimeoutError:
            pass
    elif way != "vanish":
        writer.write(frame(TEXT, "close" if way == "server_close" else way))
        await read_frame(reader)
        if way == "leave":
            writer.write(close_frame(1000))
        await asyncio.wait_for(read_until_end(reader), 30) if way != "others" else None


async def restart(server, times, seconds):
    for _ in range(times):
        await asyncio.sleep(seconds)
        await asyncio.to_thread(server.graceful)


async def run_clients(server, handlers, connections, at_once, rng):
    gate = asyncio.Semaphore(at_once)
    paths = [f"/{name}" for name in handlers if name not in ("beside", "beside_blocking")]
    jobs = [(path, rng.choice(ANY)) for path in paths for _ in range(connections // 2 // len(paths))]
    while len(jobs) < connections:
        jobs.append((rng.choice(OWN_PATHS), rng.choice(OWN_WAYS)))
    rng.shuffle(jobs)

    async def one(path, way):
        async with gate:
            try:
                await asyncio.wait_for(talk(server.address, path, way, rng), 60)
            except asyncio.TimeoutError:
                raise AssertionError(f"{path}, {way}: it does not end")

    done = asyncio.gather(*(one(*job) for job in jobs), return_exceptions=True)
    restarts = asyncio.ensure_future(restart(server, 2, 4))
    results = await done
    await restarts
    return [str(result) for result in results if result is not None]


def leaving(mpm, connections=1000, at_once=60, seed=1):
    """Returns a list of what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        handlers = manual.compile_examples(folder)
    own = [build.TESTS / "handlers" / f"{name}.cpp" for name in OWN]
    handlers |= {path.stem.removesuffix("_wsh"): built for path, built in zip(own, build.compile_all(own))}
    threads = ("ServerLimit 4\nStartServers 1\nMinSpareThreads 1\nMaxSpareThreads 50\n"
               "ThreadLimit 50\nThreadsPerChild 50\nMaxRequestWorkers 50")
    processes = "ServerLimit 8\nStartServers 2\nMinSpareServers 1\nMaxSpareServers 8\nMaxRequestWorkers 8"
    server = Httpd(mpm, handlers, CONFIG + PATIENCE,
                   mpm_config={"event": threads, "worker": threads, "prefork": processes})
    problems = []
    try:
        server.start()
        server.allow_log("AH10159")  # all workers were busy
        # A task that publishes where the main function has left.
        server.allow_log("the handler raised an exception: the channel was left")
        problems += asyncio.run(run_clients(server, handlers, connections, at_once, random.Random(seed)))
    finally:
        problems += server.close()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mpm", choices=["event", "worker", "prefork"], default="event")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2), "big"))
    options = parser.parse_args()
    if not build.MODULE.exists():
        sys.exit(f"{build.MODULE} is missing: build it, or set CPPWEBSOCKET_MODULE")
    print(f"{options.connections} connections on {options.mpm}, "
          f"sanitizer: {build.SANITIZER or 'none'}, seed {options.seed}", flush=True)
    begin = time.monotonic()
    problems = leaving(options.mpm, options.connections, options.at_once, options.seed)
    for problem in problems[:20]:
        print(problem)
    print(f"{len(problems)} problems in {time.monotonic() - begin:.0f} s")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
