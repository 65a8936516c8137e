"""The servers that are compared. Each is a class whose objects have

    name, description                for the tables
    cannot(row, setting)             why it has no part in that row, or None
    start(setting, cores, needs)     starts it on loopback; raises RuntimeError if it does not come
    port, path, publish_path         where it echoes; what comes on publish_path goes to all there
    processes()                      the ids whose CPU and memory count
    stop()                           ends it; raises RuntimeError if it has complained meanwhile"""
import shlex
import shutil
import subprocess
from functools import partial
from pathlib import Path

from harness import processes

from . import machine
from .httpd import Httpd
from .nchan import Nchan

SOURCE = Path(__file__).resolve().parent.parent


class Program:
    """A server that is one command. In its text {port}, {pem} and {compress} are filled in; what is
    in [brackets] is left out where it is not needed, and a program that has no such part cannot."""

    path = "/echo"
    publish_path = "/publish"

    def __init__(self, name, description, command, fans_out=False):
        self.name = name
        self.description = description
        self._command = command
        self._fans_out = fans_out

    def cannot(self, row, setting):
        program = shutil.which(self._words(setting.build, 0, row.needs)[0])
        if program is None:
            return "it is not here; scripts/setup bench, then build again"
        if row.kind in ("setup-204", "reactors", "neighbours"):
            return "this row compares ours with itself"
        if row.needs.tls and "{pem}" not in self._command:
            return "it has no TLS"
        if row.needs.compress and "{compress}" not in self._command:
            return "it does not compress"
        if row.needs.fan_out and not self._fans_out:
            return "it does not send to many"
        if row.connections + 100 > setting.descriptors:
            return f"it is one process, which may have {setting.descriptors} descriptors here"
        return None

    def start(self, setting, cores, needs):
        self.port = processes.free_port()
        words = self._words(setting.build, self.port, needs, setting.pem)
        self._process = machine.start(words, cores, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        processes.wait_for_port(self.port, self._process)

    def _words(self, build, port, needs, pem=""):
        text = self._command
        for wanted, part in ((needs.tls, "{pem}"), (needs.compress, "{compress}")):
            text = with_part(text, part) if wanted else without_part(text, part)
        return shlex.split(text.format(build=build / "bench", bench=SOURCE, port=port, pem=pem,
                                       compress=needs.compress))

    def processes(self):
        return processes.tree_of(self._process.pid)

    def stop(self):
        machine.stop(self._process)


def with_part(text, part):
    """`text` with the brackets around `part` taken away."""
    start, stop = bracket(text, part)
    return text if start < 0 else text[:start] + text[start + 1:stop] + text[stop + 1:]


def without_part(text, part):
    start, stop = bracket(text, part)
    return text if start < 0 else text[:start] + text[stop + 1:]


def bracket(text, part):
    at = text.find(part)
    return (-1, -1) if at < 0 else (text.rfind("[", 0, at), text.find("]", at))


def version(package):
    found = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True,
                           text=True)
    return found.stdout or "not installed"


def node_versions():
    def ask(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd=SOURCE)
            return done.stdout.strip()
        except OSError:
            return "not installed"
    ws = ask("node", "-p", "require('ws/package.json').version")
    return f"npm ws {ws} on Node.js {ask('node', '--version')}"


OPTIONS = "--port {port} [--tls {pem}] [--compress {compress}]"


def contestants(extras):
    """{name: a function that makes one}. `extras`: "NAME[:DESCRIPTION]=COMMAND"."""
    known = {
        "limit": partial(
            Program, "limit", "minimal epoll echo (bench/peers/epoll_echo.cpp), one thread",
            "{build}/bench_epoll_echo --port {port} [--tls {pem}]", True),
        "ours": Httpd,
        "beast": partial(
            Program, "beast", f"Boost.Beast, Boost {version('libboost-dev')}, one thread "
            "(bench/peers/beast_echo.cpp)", "{build}/bench_beast_echo " + OPTIONS),
        "lws": partial(
            Program, "lws", f"libwebsockets {version('libwebsockets-dev')}, one thread "
            "(bench/peers/lws_echo.cpp)", "{build}/bench_lws_echo " + OPTIONS),
        "ws": partial(
            Program, "ws", f"{node_versions()} (bench/peers/ws_echo.js)",
            "node {bench}/peers/ws_echo.js " + OPTIONS, True),
        "nchan": partial(Nchan, version("libnginx-mod-nchan"), version("nginx")),
    }
    for extra in extras:
        start, separator, command = extra.partition("=")
        name, _, description = start.partition(":")
        if not separator or "{port}" not in command:
            raise ValueError(f"--extra wants NAME[:DESCRIPTION]=COMMAND with {{port}}, not {extra}")
        known[name] = partial(Program, name, description.strip() or "built elsewhere", command, True)
    return known
