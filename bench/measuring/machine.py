"""Starting processes on chosen cores, and what the kernel accounts to them."""
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path


def raise_descriptor_limit(wanted=200_000):
    """As many descriptors as we may have; children inherit it. Returns the limit."""
    try:
        ceiling = int(Path("/proc/sys/fs/nr_open").read_text())
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, ceiling),) * 2)
    except (ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def start(command, cores, waits_its_turn=False, **options):
    """Starts `command` so that it and all its descendants run on `cores` only. One that waits its
    turn interrupts nobody when it wakes up."""
    def prepare():
        os.sched_setaffinity(0, cores)
        if waits_its_turn:
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))

    return subprocess.Popen([str(part) for part in command], text=True, preexec_fn=prepare,
                            **options)


def stop(process, seconds=10):
    """Ends a process that we started; harder if it does not go."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            print(f"bench: had to kill {process.args[0]}", file=sys.stderr)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not answer")


def children_of(pid):
    children = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return children


def tree_of(pid):
    """`pid` and its descendants."""
    tree = [pid]
    for child in children_of(pid):
        tree += tree_of(child)
    return tree


def cpu_seconds(pids):
    """CPU time of all threads of `pids`, as the scheduler accounts it: in nanoseconds and, unlike
    /proc/PID/stat, not by sampling. Exact when the threads are asleep."""
    nanoseconds = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def memory_bytes(pids):
    """{"private_dirty": …, "rss": …} of `pids` together."""
    fields = {"Private_Dirty:": "private_dirty", "Rss:": "rss"}
    total = dict.fromkeys(fields.values(), 0)
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            words = line.split()
            if words[0] in fields:
                total[fields[words[0]]] += int(words[1]) * 1024
    return total


def socket_memory_bytes():
    """What the kernel holds for all TCP sockets of this machine, ours and the clients' and all."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize()
    return 0
