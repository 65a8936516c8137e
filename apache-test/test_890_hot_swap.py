"""Handler files that change under running connections."""
import asyncio
import os
import re
import time
from pathlib import Path

import pytest
import websockets

from harness import build

QUIET = "WebSocketPingInterval Off\n"


def version(number, name="version"):
    return build.compile_handler(build.TESTS / f"handlers/{name}_wsh.cpp",
                                 defines=(f'PROBE_VERSION="{number}"',))


@pytest.fixture(scope="module")
def versions():
    return [version(1), version(2)]


@pytest.fixture
def httpd(make_httpd):
    return make_httpd(QUIET, one_child=True)


def child_of(httpd):
    child, = httpd.children()
    return child


def mapped(child, name="version_wsh"):
    """How many mappings of the copies of `name` the child has."""
    return sum(re.search(rf"/copies/\w+/{name}\.\d+\.so$", line) is not None
               for line in Path(f"/proc/{child}/maps").read_text().splitlines())


def settles(look, wanted, timeout=10):
    deadline = time.monotonic() + timeout
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"{seen}, not {wanted}"
        time.sleep(0.02)


def spoil(target, content, mode=0o644):
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.chmod(mode)
    part.rename(target)


class TestSwap:
    def test_cws_890_old_connections_finish_on_the_old_version(self, httpd, versions):
        target = httpd.handler_root / "version_wsh.so"
        build.install(versions[0], target)
        child = child_of(httpd)
        old = httpd.open("/version")
        assert old.read_text() == "version 1"
        once = mapped(child)
        assert once > 0
        build.install(versions[1], target)
        new = httpd.open("/version")
        assert new.read_text() == "version 2"
        assert old.ask_text("x") == "1: x"
        assert mapped(child) == 2 * once
        old.close()
        old.drop()
        settles(lambda: mapped(child), once)
        assert new.ask_text("y") == "2: y"
        target.unlink()
        assert httpd.ask("/version").status == 404
        assert new.ask_text("still open") == "2: still open"
        new.close()
        new.drop()
        settles(lambda: mapped(child), 0)

    @pytest.mark.parametrize("name, command", [("version", "raise"), ("version_blocking", "raise"),
                                               ("version_blocking", "raise in a thread")])
    def test_cws_890_unloaded_when_its_last_exception_is_gone(self, httpd, name, command):
        target = httpd.handler_root / f"{name}_wsh.so"
        build.install(version(1, name), target)
        child = child_of(httpd)
        old = httpd.open(f"/{name}")
        assert old.read_text() == "version 1"
        target.unlink()
        assert httpd.ask(f"/{name}").status == 404
        assert mapped(child, f"{name}_wsh") > 0
        old.text(command)
        assert old.read_close()[0] == 1011
        httpd.expect_log("raised an exception: of version 1")
        old.drop()
        settles(lambda: mapped(child, f"{name}_wsh"), 0)
        assert child_of(httpd) == child

    @pytest.mark.parametrize("how", ["half", "text", "empty", "wrong_abi", "missing_symbol"])
    def test_cws_890_unusable_version_keeps_the_previous_one(self, httpd, versions, how):
        target = httpd.handler_root / "version_wsh.so"
        build.install(versions[0], target)
        with httpd.open("/version") as ws:
            assert ws.read_text() == "version 1"
            ws.close()
        content = {"half": versions[1].read_bytes()[:6000], "text": b"not yet",
                   "empty": b""}.get(how)
        if content is None:
            content = build.compile_handler(build.TESTS / f"broken/{how}.cpp",
                                            strict=False).read_bytes()
        mark = httpd.error_log.mark()
        spoil(target, content)
        for _ in range(5):
            with httpd.open("/version") as ws:
                assert ws.read_text() == "version 1"
                ws.close()
        httpd.expect_log(r"CWS0029: .*version_wsh\.so: the previous version goes on serving")
        assert len(httpd.error_log.find("CWS0029", mark)) == 1
        build.install(versions[1], target)
        with httpd.open("/version") as ws:
            assert ws.read_text() == "version 2"
            ws.close()

    def test_cws_890_refused_version_ends_the_previous_one(self, httpd, versions):
        target = httpd.handler_root / "version_wsh.so"
        build.install(versions[0], target)
        with httpd.open("/version") as ws:
            assert ws.read_text() == "version 1"
            spoil(target, versions[1].read_bytes(), 0o666)
            assert httpd.ask("/version").status == 404
            httpd.expect_log(r"CWS0005: .*others may write")
            assert ws.ask_text("x") == "1: x"

    def test_cws_890_written_bit_by_bit(self, httpd, versions):
        # The careless way, while clients come: never a crash, and at last the new version.
        target = httpd.handler_root / "version_wsh.so"
        build.install(versions[0], target)
        with httpd.open("/version") as ws:
            assert ws.read_text() == "version 1"
        httpd.allow_log("CWS0029")
        content = versions[1].read_bytes()
        with open(target, "wb", buffering=0) as file:
            for start in range(0, len(content), 2000):
                file.write(content[start:start + 2000])
                with httpd.open("/version") as ws:
                    assert ws.read_text() in ("version 1", "version 2")
        with httpd.open("/version") as ws:
            assert ws.read_text() == "version 2"


class Load:
    """Clients that connect, echo, and connect again, and check which version they get."""

    def __init__(self, httpd):
        self.url = f"ws://127.0.0.1:{httpd.port}/version"
        self.current = 0       # installed last
        self.installing = 0    # a look-up may see this one already
        self.stopping = False
        self.echoes = 0

    async def client(self, rounds):
        while not self.stopping:
            least = self.current
            async with websockets.connect(self.url, compression=None) as ws:
                got = await ws.recv()
                # Versions alternate; it is one that was installed while the client connected.
                allowed = {f"version {number % 2 + 1}"
                           for number in range(least, self.installing + 1)}
                assert got in allowed, (got, least, self.installing)
                for i in range(rounds):
                    await ws.send(f"{i}")
                    assert await ws.recv() == f"{got[-1]}: {i}"
                    self.echoes += 1


def test_cws_890_a_thousand_swaps_under_load(httpd, versions):
    swaps = 1000
    target = httpd.handler_root / "version_wsh.so"
    build.install(versions[0], target)
    child = child_of(httpd)

    async def run():
        load = Load(httpd)
        clients = [asyncio.create_task(load.client(rounds)) for rounds in (1, 5, 25, 125)]
        measured = None
        for number in range(1, swaps + 1):
            load.installing = number
            build.install(versions[number % 2], target)
            load.current = number
            # Each version is taken up: someone asks for it.
            async with websockets.connect(load.url, compression=None) as ws:
                assert await ws.recv() == f"version {number % 2 + 1}"
            for each in clients:
                if each.done():
                    each.result()
            if number == swaps // 5:
                measured = httpd.memory(child), len(os.listdir(f"/proc/{child}/fd"))
        load.stopping = True
        await asyncio.gather(*clients)
        return measured, load.echoes

    (memory, files), echoes = asyncio.run(asyncio.wait_for(run(), 240))
    assert echoes > 100
    assert child_of(httpd) == child, "the child did not survive"
    settles(lambda: len(set(re.findall(r"^\S+ \S+ \S+ \S+ (\d+) +\S+/copies/\w+/version_wsh\.",
                                       Path(f"/proc/{child}/maps").read_text(), re.M))), 1)
    assert len(os.listdir(f"/proc/{child}/fd")) <= files + 2
    if not build.SANITIZER:
        assert httpd.memory(child) < memory + (4 << 20)
