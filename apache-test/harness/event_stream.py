"""A reader of Server-Sent Events on a bare connection. It sees every line."""
import json
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
        self.chunked = connection.response.get("transfer-encoding") == "chunked"
        self.part = b""    # what was read and not looked at
        self.id = ""
        self.retry = None
        self.comments = 0
        self.begun = []    # what the events "subscribed" have said
        self.events = []   # all others

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.drop()

    def read_block(self):
        """Takes an event with its empty line, or a line that stands by itself."""
        name, lines, has_id = "message", None, False
        while line := self.read_line():
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field in ("", "retry"):
                assert lines is None and not has_id, "within an event"
                self.comments += field == ""
                self.retry = int(value) if field else self.retry
                return
            if field == "data":
                lines = (lines or []) + [value]
            elif field == "event":
                name = value
            elif field == "id":
                self.id, has_id = value, True
            else:
                raise AssertionError(f"no such field: {line!r}")
        # Firefox keeps no id without, and fetch-event-source tells an event for any empty line.
        assert lines is not None, "an empty line without data before it"
        if name == "subscribed":
            self.begun.append(json.loads("\n".join(lines)))
        else:
            self.events.append(Event("\n".join(lines), self.id, name))

    def read_line(self):
        while b"\n" not in self.part:
            self.part += self.read_chunk() if self.chunked else self.connection.read_exactly(1)
        line, _, self.part = self.part.partition(b"\n")
        return line.decode()

    def read_chunk(self):
        size = int(self.connection.read_until(b"\r\n"), 16)
        assert size, "the last chunk: to some clients that is a final end"
        chunk = self.connection.read_exactly(size)
        assert self.connection.read_exactly(2) == b"\r\n"
        return chunk

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
        assert not self.events and not self.part

    def read_to_end(self, timeout=10.0):
        """The server ends the stream, in no order where HTTP knows one: see read_chunk, and
        H2Stream.reset_code. Returns what came before."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.read_block()
            except EOFError:
                return self.events
            except socket.timeout:
                break
        raise AssertionError(f"the stream did not end within {timeout} s")


def request(path, host="127.0.0.1", headers=None, version="HTTP/1.1"):
    lines = {"Host": host, "Accept": "text/event-stream"} | (headers or {})
    head = f"GET {path} {version}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v)
    return (head + "\r\n").encode()


def open_stream(httpd, path, headers=None, version="HTTP/1.1", **options):
    """An event stream over HTTP/1, its head checked."""
    connection = httpd.connect(**options)
    connection.send(request(path, f"127.0.0.1:{httpd.port}", headers, version))
    connection.response = connection.read_response(head_only=True)
    assert connection.response.status == 200, connection.response
    assert connection.response.get("content-type") == "text/event-stream"
    chunked = connection.response.get("transfer-encoding") == "chunked"
    assert chunked == (version == "HTTP/1.1"), connection.response
    return EventStream(connection)
