"""WebSockets over HTTP/2 (RFC 8441): one connection, many streams, on python3-h2."""
import socket
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

from .raw import Connection, Response


class H2Session:
    """One HTTP/2 connection: with prior knowledge, or after ALPN if `tls` is an SSLContext (for the server `name`).
    `first`: bytes to send before anything else."""

    def __init__(self, address, *, tls=None, name="localhost", timeout=10.0, first=b""):
        self.address = address
        self.timeout = timeout
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(first)
        self.scheme = "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name)
            assert self.socket.selected_alpn_protocol() == "h2"
            self.scheme = "https"
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.streams = {}
        self.closed = False     # the server has ended TCP
        self.goaway = None      # the error code of its GOAWAY
        self.partial = b""      # of a frame that has not come whole
        self.h2.initiate_connection()
        self.flush()
        self.settings = None
        self.wait(lambda: self.settings is not None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        self.socket.close()

    def flush(self):
        if data := self.h2.data_to_send():
            try:
                self.socket.sendall(data)
            except OSError:
                self.closed = True

    def wait(self, condition, timeout=None):
        """Takes what the server sends until `condition`."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not within {timeout or self.timeout} s")
            if self.closed:
                raise EOFError("the server has closed the HTTP/2 connection")
            self.receive(left)

    def receive(self, timeout):
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(1 << 16)
        except socket.timeout:
            return
        except OSError:
            data = b""
        finally:
            self.socket.settimeout(self.timeout)
        if not data:
            self.closed = True
            return
        for event in self.h2.receive_data(self.without_goaway(data)):
            self.handle(event)
        self.flush()

    def without_goaway(self, data):
        """After a GOAWAY the streams go on (RFC 9113 section 6.8), but python3-h2 takes nothing."""
        self.partial += data
        out = b""
        while len(self.partial) >= 9:
            size = 9 + int.from_bytes(self.partial[:3], "big")
            if len(self.partial) < size:
                break
            whole, self.partial = self.partial[:size], self.partial[size:]
            if whole[3] == 7:
                self.goaway = int.from_bytes(whole[13:17], "big")
            else:
                out += whole
        return out

    def handle(self, event):
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings = {code: change.new_value
                             for code, change in event.changed_settings.items()}
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.headers = list(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            stream.buffer += event.data
            stream.received(event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset_code = int(event.error_code)

    @property
    def offers_websockets(self):
        return (self.settings or {}).get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) == 1

    def request(self, path, *, method="GET", protocol=None, headers=None, authority=None, end=True,
                greedy=True):
        stream = H2Stream(self, self.h2.get_next_available_stream_id(), greedy)
        self.streams[stream.id] = stream
        fields = [(":method", method), (":scheme", self.scheme), (":path", path),
                  (":authority", authority or f"{self.address[0]}:{self.address[1]}")]
        if protocol:
            fields.append((":protocol", protocol))
        fields += [(name, value) for name, value in (headers or {}).items() if value is not None]
        self.h2.send_headers(stream.id, fields, end_stream=end)
        self.flush()
        return stream

    def ask(self, path="/echo", **options):
        """An extended CONNECT; the stream with its response, whatever that is."""
        headers = {"sec-websocket-version": "13", "origin": None} | options.pop("headers", {})
        stream = self.request(path, method="CONNECT", protocol="websocket", headers=headers,
                              end=False, **options)
        stream.wait_response()
        return stream

    def open(self, path="/echo", **options):
        stream = self.ask(path, **options)
        assert stream.response.status == 200, f"no WebSocket: {stream.response}"
        return stream

    def get(self, path):
        stream = self.request(path)
        stream.wait_response()
        self.wait(lambda: stream.ended or stream.reset_code is not None)
        return stream.response._replace(body=bytes(stream.buffer))


class H2Stream(Connection):
    """A WebSocket on a stream, with the methods that raw.Connection has for frames."""

    def __init__(self, session, number, greedy):
        self.session = session
        self.id = number
        self.greedy = greedy    # opens the window again at once; else read_exactly does
        self.unread_window = 0
        self.timeout = session.timeout
        self.buffer = bytearray()
        self.headers = None
        self.ended = False      # END_STREAM
        self.reset_code = None  # of RST_STREAM

    def drop(self):
        """Like a client whose user has closed the page."""
        if not self.over:
            self.reset(8)

    @property
    def over(self):
        return self.ended or self.reset_code is not None or self.session.closed

    @property
    def response(self):
        fields = dict(self.headers)
        return Response(int(fields[":status"]), "", [pair for pair in self.headers
                                                     if not pair[0].startswith(":")])

    def wait_response(self):
        self.session.wait(lambda: self.headers is not None or self.over)
        assert self.headers is not None, f"no response: reset {self.reset_code}"

    def reset(self, code=8):
        self.session.h2.reset_stream(self.id, code)
        self.session.flush()

    def end(self):
        self.session.h2.end_stream(self.id)
        self.session.flush()

    def received(self, size):
        self.unread_window += size
        if self.greedy:
            self.open_window()

    def open_window(self):
        if self.unread_window and not self.over:
            self.session.h2.acknowledge_received_data(self.unread_window, self.id)
        self.unread_window = 0
        self.session.flush()

    def send(self, data, chop=None, pause=0.0):
        view = memoryview(data)
        while view:
            window = self.session.h2.local_flow_control_window(self.id)
            size = min(len(view), window, self.session.h2.max_outbound_frame_size, chop or 1 << 24)
            if size <= 0:
                self.session.wait(
                    lambda: self.over or self.session.h2.local_flow_control_window(self.id) > 0)
                if self.over:
                    return
                continue
            self.session.h2.send_data(self.id, bytes(view[:size]))
            self.session.flush()
            view = view[size:]
            if pause:
                time.sleep(pause)

    def read_exactly(self, size):
        while len(self.buffer) < size:
            if self.over:
                raise EOFError(f"the stream has ended (reset {self.reset_code}) "
                               f"behind {bytes(self.buffer)!r}")
            self.open_window()
            self.session.wait(lambda: len(self.buffer) >= size or self.over or self.unread_window)
        out = bytes(self.buffer[:size])
        del self.buffer[:size]
        return out

    def expect_eof(self, timeout=3.0):
        """The server ends the stream, in order and without another byte."""
        begin = time.monotonic()
        self.session.wait(lambda: self.over, timeout)
        assert not self.buffer, f"bytes behind the end: {bytes(self.buffer[:80])!r}"
        assert self.ended or self.reset_code == 0, f"reset with {self.reset_code}"
        return time.monotonic() - begin

    def expect_silence(self, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.session.receive(left)
        assert not self.buffer and not self.over
