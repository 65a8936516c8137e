"""Runs a row: every contestant in every round, and what it cost."""
import json
import subprocess
import time
from dataclasses import dataclass

from . import processes
from .contestants import CONTESTANTS


@dataclass(frozen=True)
class Setting:
    build: object         # the build tree, a Path
    rounds: int
    seconds: float
    server_cores: set
    client_cores: set
    message_type: str     # "text" or "binary"


def run_row(row, contestants, setting, descriptions, say):
    """{label: [figures of each round]}. `contestants`: [(label, name)]. Fills `descriptions`."""
    results = {label: [] for label, _ in contestants}
    if row.kind == "idle":
        run_with_fresh_servers(row, contestants, setting, results, say)
    else:
        run_with_standing_servers(row, contestants, setting, results, say)
    descriptions.update({label: CONTESTANTS[name].description for label, name in contestants})
    return results


def run_with_standing_servers(row, contestants, setting, results, say):
    """All servers are up throughout, and asleep when it is not their turn. Each round begins with
    another one, so that what wanders (frequency, neighbours) meets all alike."""
    servers = []
    try:
        for label, name in contestants:
            server = CONTESTANTS[name]()
            server.start(setting.build, setting.server_cores)
            servers.append((label, server))
        for round_number in range(setting.rounds):
            turn = round_number % len(servers)
            for label, server in servers[turn:] + servers[:turn]:
                figures = measure_cpu(row, server, setting)
                results[label].append(figures)
                say(f"{row.name} {round_number + 1}/{setting.rounds} {label}: "
                    f"{figures['cpu_us']:.3f} us")
    finally:
        stop_all(server for _, server in servers)


def run_with_fresh_servers(row, contestants, setting, results, say):
    """A new server for every round: for memory, which depends on what was before."""
    for round_number in range(setting.rounds):
        for label, name in contestants:
            server = CONTESTANTS[name]()
            server.start(setting.build, setting.server_cores)
            try:
                figures = measure_memory(row, server, setting)
            finally:
                server.stop()
            results[label].append(figures)
            say(f"{row.name} {round_number + 1}/{setting.rounds} {label}: "
                f"{figures['bytes_per_connection']:.0f} bytes")


def measure_cpu(row, server, setting):
    with Load(row, server, setting) as load:
        load.expect_ready()
        pids = server.processes()
        before = processes.cpu_seconds(pids)
        load.go()
        figures = load.result()
        time.sleep(0.02)  # let the server fall asleep: then its account is exact
        after = processes.cpu_seconds(pids)
    if figures["messages"] == 0:
        raise RuntimeError(f"{server.name} answered nothing in row {row.name}")
    figures["cpu_us"] = (after - before) * 1e6 / figures["messages"]
    return figures


def measure_memory(row, server, setting):
    warm_up(row, server, setting)
    before = processes.memory_bytes(server.processes())
    with Load(row, server, setting) as load:
        load.expect_ready()
        time.sleep(0.5)
        after = processes.memory_bytes(server.processes())
        load.end_input()
        figures = load.result()
    growth = after["private_dirty"] - before["private_dirty"]
    return {"bytes_per_connection": growth / row.connections, "errors": figures["errors"],
            "rss_before": before["rss"], "rss_after": after["rss"]}


def warm_up(row, server, setting):
    """A few connections that come and go, so that what a server makes once is not counted."""
    command = load_command(row, server, setting, ["--connections", "16", "--messages", "1000"])
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def load_command(row, server, setting, options):
    return [str(setting.build / "bench" / "bench_load"), "--port", str(server.port),
            "--path", server.path, f"--{setting.message_type}", *options]


class Load:
    """bench_load, in step with us."""

    def __init__(self, row, server, setting):
        self._what = f"{server.name} in row {row.name}"
        command = load_command(row, server, setting, row.load_options(setting.seconds))
        self._process = processes.start(command, setting.client_cores, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end_input()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            processes.stop(self._process)
        self._process.stdout.close()

    def expect_ready(self):
        line = self._process.stdout.readline()
        if line != "ready\n":
            raise RuntimeError(f"bench_load could not open its connections: {self._what}")

    def go(self):
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def end_input(self):
        if not self._process.stdin.closed:
            self._process.stdin.close()

    def result(self):
        line = self._process.stdout.readline()
        figures = json.loads(line) if line else {"errors": 1}
        if figures["errors"]:
            raise RuntimeError(f"bench_load met errors: {self._what}: {line.strip()}")
        return figures


def stop_all(servers):
    """Stops every one, and raises what the first of them has to say."""
    error = None
    for server in servers:
        try:
            server.stop()
        except RuntimeError as complaint:
            error = error or complaint
    if error:
        raise error
