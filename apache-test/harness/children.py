"""Which child of an httpd gets a connection: by chance, one can get them all."""
import contextlib
import os
import signal
import threading
import time
from pathlib import Path


def stop(child):
    """It stands still, with all its threads, when this returns: until then one of them may accept."""
    os.kill(child, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while any(each.read_text().rpartition(")")[2].split()[0] not in "TtZX"
              for each in Path(f"/proc/{child}/task").glob("*/stat")):
        assert time.monotonic() < deadline, f"{child} does not stand still"
        time.sleep(0.001)


@contextlib.contextmanager
def others_stopped(httpd, number):
    """All children but one stand still for a moment: who comes now gets that one."""
    children = httpd.children()
    children.pop(number % len(children))

    def go_on():
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)
    soon = threading.Timer(0.2, go_on)
    try:
        for child in children:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                stop(child)
        soon.start()
        yield
    finally:
        soon.cancel()
        go_on()


def spread(httpd, count, connect):
    """`count` results of `connect()`, one child after the other."""
    made = []
    for number in range(count):
        with others_stopped(httpd, number):
            made.append(connect())
    return made
