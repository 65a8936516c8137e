"""A reader of Server-Sent Events on a bare connection. It sees every line."""
import socket
import time
from typing import NamedTuple


class Event(NamedTuple):
    text: str
    id: str = ""       # the last one that the stream has told
    name: str = "message"


class EventStream:
    def __init__(self, connection):
        """`connection`: what is behind the response's head (raw.Connection, or an H2Stream)."""
        self.connection = connection
        self.response = connection.response
        self.id = ""
        self.retry = None
        self.comments = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.drop()

    def read_block(self):
        """Takes what is before the next empty line."""
        name, lines = "message", None
        while line := self.read_line():
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "":
                self.comments += 1
            elif field == "data":
                lines = (lines or []) + [value]
            elif field == "event":
                name = value
            elif field == "id":
                self.id = value
            elif field == "retry":
                self.retry = int(value)
            else:
                raise AssertionError(f"no such field: {line!r}")
        if lines is not None:
            self.events.append(Event("\n".join(lines), self.id, name))

    def read_line(self):
        line = b""
        while not line.endswith(b"\n"):
            line += self.connection.read_exactly(1)
        return line[:-1].decode()

    def read(self, count=1):
        while len(self.events) < count:
            self.read_block()
        taken, self.events = self.events[:count], self.events[count:]
        return taken

    def texts(self, count):
        return [event.text for event in self.read(count)]

    def wait_id(self):
        """Until the stream has told where it begins: then the client is a member."""
        while not self.id:
            self.read_block()
        return self

    def expect_nothing(self, seconds):
        self.connection.expect_silence(seconds)
        assert not self.events

    def read_to_end(self, timeout=10.0):
        """The server ends the stream, in order. Returns what came before."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.read_block()
            except EOFError:
                return self.events
            except socket.timeout:
                break
        raise AssertionError(f"the stream did not end within {timeout} s")


def request(path, host="127.0.0.1", headers=None):
    lines = {"Host": host, "Accept": "text/event-stream"} | (headers or {})
    head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v)
    return (head + "\r\n").encode()


def open_stream(httpd, path, headers=None, **options):
    """An event stream over HTTP/1.1, its head checked."""
    connection = httpd.connect(**options)
    connection.send(request(path, f"127.0.0.1:{httpd.port}", headers))
    connection.response = connection.read_response(head_only=True)
    assert connection.response.status == 200, connection.response
    assert connection.response.get("content-type") == "text/event-stream"
    return EventStream(connection)
