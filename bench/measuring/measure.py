"""Runs a row: every contestant in every round, and what it cost."""
import subprocess
import time
from dataclasses import dataclass

from harness import processes

from . import machine
from .loads import Loads, clients_for, command_for

FRESH = ("idle", "deaf")  # a new server for every round: memory depends on what was before


@dataclass(frozen=True)
class Setting:
    build: object         # the build tree, a Path
    pem: object           # certificate and key for TLS, a Path
    rounds: int
    seconds: float
    server_cores: set
    client_cores: set
    binary: bool          # messages instead of text
    descriptors: int      # that a process may have
    say: object = print   # a function for what went wrong
    steps: object = None  # a Steps


def run_row(row, contestants, setting):
    """({label: [figures of each round]}, {label: why it was left out}). `contestants`: a list of
    (label, function that makes one)."""
    results, left_out = {}, {}
    servers = []
    for label, make in contestants:
        server = make()
        reason = server.cannot(row, setting)
        if reason:
            left_out[label] = reason
        else:
            servers.append((label, server))
            results[label] = []
    measure_all = in_turns_afresh if row.kind in FRESH else in_turns
    measure_all(row, servers, setting, results, left_out)
    for label in left_out:
        results.pop(label, None)
    return results, left_out


def in_turns(row, servers, setting, results, left_out):
    """All servers are up throughout, and asleep when it is not their turn. Each round begins with
    another one, so that what wanders (frequency, neighbours) meets all alike."""
    running = []
    for label, server in servers:
        try:
            server.start(setting, setting.server_cores, row.needs)
            running.append((label, server))
        except RuntimeError as error:
            leave_out(row, label, error, setting, left_out)
    try:
        for number in range(setting.rounds):
            turn = number % max(1, len(running))
            for label, server in running[turn:] + running[:turn]:
                measure_one(row, label, server, setting, number, results, left_out)
    finally:
        for label, server in running:
            stop(row, label, server, setting, left_out)


def in_turns_afresh(row, servers, setting, results, left_out):
    for number in range(setting.rounds):
        for label, server in servers:
            if label in left_out:
                continue
            try:
                server.start(setting, setting.server_cores, row.needs)
            except RuntimeError as error:
                leave_out(row, label, error, setting, left_out)
                continue
            try:
                measure_one(row, label, server, setting, number, results, left_out)
            finally:
                stop(row, label, server, setting, left_out)


def leave_out(row, label, reason, setting, left_out):
    left_out.setdefault(label, str(reason))
    setting.say(f"{row.name} {label} is left out: {reason}")


def measure_one(row, label, server, setting, number, results, left_out):
    if label in left_out:
        return
    try:
        figures = (measure_memory if row.kind in FRESH else measure_cpu)(row, server, setting)
    except RuntimeError as error:
        leave_out(row, label, error, setting, left_out)
        return
    results[label].append(figures)
    main = "cpu_us" if "cpu_us" in figures else "bytes_per_connection"
    setting.steps.done(f"{row.name} {number + 1}/{setting.rounds} {label}: {main} {figures[main]:,.3f}")


def stop(row, label, server, setting, left_out):
    try:
        server.stop()
    except RuntimeError as complaint:
        leave_out(row, label, complaint, setting, left_out)


def loads_for(row, server, setting, options):
    clients = clients_for(row.connections, setting.descriptors)
    options = [*row.load_options(setting.seconds, clients), *options]
    if row.kind == "fan-out":
        options += ["--fan-out", server.publish_path]
    return Loads(server.name, server, setting, options, [setting.client_cores] * clients)


def measure_cpu(row, server, setting, options=()):
    with loads_for(row, server, setting, options) as loads:
        loads.expect_ready()
        pids = server.processes()
        before = machine.cpu_seconds(pids)
        loads.go()
        figures = loads.result()
        time.sleep(0.02)  # let the server fall asleep: then its account is exact
        after = machine.cpu_seconds(pids)
    if figures["messages"] == 0:
        raise RuntimeError("it answered nothing")
    figures["cpu_us"] = (after - before) * 1e6 / figures["messages"]
    figures["bytes_back"] = figures["bytes_received"] / figures["messages"]
    return figures


def measure_memory(row, server, setting):
    warm_up(row, server, setting)
    before = processes.memory_bytes(server.processes())
    with loads_for(row, server, setting, []) as loads:
        loads.expect_ready()
        if row.kind == "deaf":
            loads.go()
            sent = loads.result()["bytes_sent"]
        else:
            time.sleep(0.5)
            sent = 0
        after = processes.memory_bytes(server.processes())
        kernel = machine.socket_memory_bytes()
        loads.end_input()
        if row.kind == "idle":
            loads.result()
    growth = after["private_dirty"] - before["private_dirty"]
    return {"bytes_per_connection": growth / row.connections, "rss_before": before["rss"],
            "rss_after": after["rss"], "sent_per_connection": sent / row.connections,
            "kernel_after": kernel}


def warm_up(row, server, setting):
    """Connections that come and go, so that what a server makes once in each child is not counted."""
    options = ["--connections", str(16 if row.needs.children == 1 else 256), "--messages", "4000"]
    options += ["--tls"] if row.needs.tls else []
    options += ["--compress", row.needs.compress] if row.needs.compress else []
    done = subprocess.run(command_for(server, setting, options), stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip().replace("bench_load: ", ""))
