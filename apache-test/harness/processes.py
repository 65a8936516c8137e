"""Processes that we start: their ports, their children, their memory and their end."""
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, seconds=20, address="127.0.0.1"):
    """Until `process` accepts connections on `port`. Raises RuntimeError if it does not come to that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not answer")


def children_of(pid):
    """None if it has ended."""
    children = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        pass
    return children


def tree_of(pid):
    """`pid` and its descendants."""
    tree = [pid]
    for child in children_of(pid):
        tree += tree_of(child)
    return tree


def memory_bytes(pids):
    """{"private_dirty": …, "rss": …} of `pids` together, without the kernel's memory for them."""
    fields = {"Private_Dirty:": "private_dirty", "Rss:": "rss"}
    total = dict.fromkeys(fields.values(), 0)
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            words = line.split()
            if words[0] in fields:
                total[fields[words[0]]] += int(words[1]) * 1024
    return total


def allow_core(process):
    """What it starts from now on leaves a core when it dies, where the system's rules allow that."""
    with contextlib.suppress(ProcessLookupError):  # it has ended
        hard = resource.prlimit(process.pid, resource.RLIMIT_CORE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (hard, hard))


def stacks_of(core, program):
    """What each thread was doing, as gdb tells it."""
    if not shutil.which("gdb") or core.stat().st_size == 0:
        return ""
    asked = subprocess.run(["gdb", "-batch", "-nx", "-ex", "thread apply all backtrace 24", program, core],
                           text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=120)
    return asked.stdout[-12_000:]


def stop(process, how=signal.SIGTERM, seconds=20):
    """Ends it; with its group, if it leads one, where it does not go in time. Returns whether it went."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            return False
    return True
