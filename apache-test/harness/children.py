"""Which child of an httpd gets a connection: by chance, one can get them all."""
import contextlib
import os
import signal
import threading


@contextlib.contextmanager
def others_stopped(httpd, number):
    """All children but one stand still for a moment: who comes now gets that one, unless another was
    just about to accept."""
    children = httpd.children()
    children.pop(number % len(children))

    def send(which):
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, which)
    go_on = threading.Timer(0.2, send, [signal.SIGCONT])
    send(signal.SIGSTOP)
    go_on.start()
    try:
        yield
    finally:
        go_on.cancel()
        send(signal.SIGCONT)


def spread(httpd, count, connect):
    """`count` results of `connect()`, one child after the other."""
    made = []
    for number in range(count):
        with others_stopped(httpd, number):
            made.append(connect())
    return made
