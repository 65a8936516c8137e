"""What every way in must do when httpd stops."""
import signal
import time

from .raw import CLOSE, close_frame

STOPS = ["SIGUSR1", "SIGHUP", "SIGWINCH", "SIGTERM"]


def expect_goodbyes(httpd, sockets, name):
    """All are told of the stop, and httpd ends or begins anew, as the signal `name` says."""
    mark = httpd.error_log.mark()
    httpd.process.send_signal(getattr(signal, name))
    for ws in sockets:
        assert ws.read_close()[0] == 1001
        ws.send(close_frame(1001))
    for ws in sockets:
        ws.expect_eof()
    if name in ("SIGWINCH", "SIGTERM"):
        assert httpd.process.wait(15) == 0
    else:
        httpd.error_log.wait_for("AH00094", mark, 20)


def restart_while_messages_flow(httpd, ws):
    """Each is echoed, or the restart's Close comes."""
    httpd.process.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while True:
        ws.text("x" * 5000)
        got = ws.read_frame()
        if got.opcode == CLOSE:
            break
        assert got.payload == b"x" * 5000 and time.monotonic() < deadline
    assert got.payload[:2] == b"\x03\xe9"
