"""This machine's descriptors and cores for processes, and what the kernel accounts to them."""
import os
import resource
import subprocess
import sys
from pathlib import Path

from harness import processes


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


def stop(process):
    if not processes.stop(process, seconds=10):
        print(f"bench: had to kill {process.args[0]}", file=sys.stderr)


def cpu_seconds(pids):
    """CPU time of all threads of `pids`, as the scheduler accounts it: in nanoseconds and, unlike
    /proc/PID/stat, not by sampling. Exact when the threads are asleep."""
    nanoseconds = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((task / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def socket_memory_bytes():
    """What the kernel holds for all TCP sockets of this machine, ours and the clients' and all."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize()
    return 0
