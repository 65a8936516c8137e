"""A WebSocket client on a bare socket. It keeps no rule by itself, so tests can break any."""
import base64
import hashlib
import os
import socket
import struct
import time
from typing import NamedTuple, Optional

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = b"\x37\xfa\x21\x3d"  # a masking key; any four bytes do
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Frame(NamedTuple):
    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0

    def __repr__(self):
        shown = self.payload if len(self.payload) <= 40 else self.payload[:40] + b"..."
        return (f"Frame(opcode={self.opcode:#x}, {len(self.payload)} bytes {shown!r}, "
                f"fin={self.fin}, rsv={self.rsv})")


class Response(NamedTuple):
    status: int
    reason: str
    headers: list  # (lower-case name, value), in order
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


def masked(payload, key):
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")).to_bytes(
        size, "little")


def frame(opcode, payload=b"", *, fin=True, rsv=0, key: Optional[bytes] = KEY, length=None,
          length_size=None):
    """One frame's bytes. `length`: what to announce; `length_size`: 0, 2 or 8 extended bytes."""
    payload = payload.encode() if isinstance(payload, str) else bytes(payload)
    length = len(payload) if length is None else length
    if length_size is None:
        length_size = 0 if length <= 125 else 2 if length <= 0xFFFF else 8
    marker = {0: length & 0x7F, 2: 126, 8: 127}[length_size]
    head = struct.pack("!BB", (fin << 7) | (rsv << 4) | opcode, (0x80 if key else 0) | marker)
    head += {0: b"", 2: struct.pack("!H", length & 0xFFFF),
             8: struct.pack("!Q", length)}[length_size]
    return head + key + masked(payload, key) if key else head + payload


def close_body(code=None, reason=b""):
    reason = reason.encode() if isinstance(reason, str) else reason
    return b"" if code is None else struct.pack("!H", code) + reason


def close_frame(code=None, reason=b""):
    return frame(CLOSE, close_body(code, reason))


def fragments(opcode, payload, size, **options):
    """The frames of a message cut into pieces of `size` bytes (at least one frame)."""
    pieces = [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]
    return [frame(CONTINUATION if i else opcode, piece, fin=i == len(pieces) - 1, **options)
            for i, piece in enumerate(pieces)]


def upgrade_request(path="/echo", host="127.0.0.1", *, method="GET", version="HTTP/1.1",
                    headers=None, more=()):
    """An opening handshake. `headers` replaces defaults (None removes one); `more` appends."""
    lines = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    lines.update(headers or {})
    pairs = [(k, v) for k, v in lines.items() if v is not None] + list(more)
    head = f"{method} {path} {version}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in pairs)
    return (head + "\r\n").encode("latin-1")


class Connection:
    def __init__(self, address, timeout=10.0, receive_buffer=None, wrap=None, source=None):
        """`wrap`: makes of the connected socket what this talks through, e.g. tls.wrap. `source`: the
        address to come from; all of 127.0.0.0/8 are this machine's."""
        if receive_buffer is None:
            self.socket = socket.create_connection(address, timeout, source and (source, 0))
        else:  # must be set before the connection's window is negotiated
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap is not None:
            self.socket = wrap(self.socket)
        self.timeout = timeout
        self.buffer = bytearray()
        self.response = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # --- bytes ---------------------------------------------------------------------------------

    def send(self, data, chop=None, pause=0.0):
        """Sends everything, `chop` bytes at a time. A server that has gone is no error here: what
        it said before is what the test looks at."""
        try:
            if chop is None:
                self.socket.sendall(data)
                return
            view = memoryview(data)
            for start in range(0, len(view), chop):
                self.socket.sendall(view[start:start + chop])
                if pause:
                    time.sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def read_exactly(self, size):
        out = bytearray(size)
        have = min(size, len(self.buffer))
        out[:have] = self.buffer[:have]
        del self.buffer[:have]
        view = memoryview(out)
        while have < size:
            got = self.socket.recv_into(view[have:])
            if not got:
                raise EOFError(f"the server closed after {have} of {size} bytes: {bytes(out[:have])!r}")
            have += got
        return bytes(out)

    def read_until(self, mark):
        while mark not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(f"the server closed after {bytes(self.buffer)!r}")
            self.buffer += more
        end = self.buffer.index(mark) + len(mark)
        out = bytes(self.buffer[:end])
        del self.buffer[:end]
        return out

    def expect_eof(self, timeout=3.0):
        """The server ends TCP, in order and without another byte. Returns the seconds it took."""
        begin = time.monotonic()
        self.socket.settimeout(timeout)
        assert not self.buffer, f"bytes behind the end: {bytes(self.buffer[:80])!r}"
        try:
            rest = self.socket.recv(65536)
        except socket.timeout:
            raise AssertionError(f"the server did not close TCP within {timeout} s") from None
        finally:
            self.socket.settimeout(self.timeout)
        assert rest == b"", f"bytes behind the end: {rest[:80]!r}"
        return time.monotonic() - begin

    def expect_silence(self, seconds):
        """Nothing comes for so long, not even the end."""
        assert not self.buffer, f"unexpected bytes: {bytes(self.buffer[:80])!r}"
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
            raise AssertionError(f"expected silence, got {data[:80]!r}")
        except socket.timeout:
            pass
        finally:
            self.socket.settimeout(self.timeout)

    # --- HTTP ------------------------------------------------------------------------------------

    def read_response(self, head_only=False):
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        _, status, reason = (status_line + " ").split(" ", 2)
        headers = [(name.strip().lower(), value.strip())
                   for name, _, value in (line.partition(":") for line in lines)]
        response = Response(int(status), reason.strip(), headers)
        if head_only or response.status < 200 or response.status in (204, 304):
            return response
        if response.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
                body += self.read_exactly(size)
                self.read_until(b"\r\n")
            self.read_until(b"\r\n")
        elif response.get("content-length") is not None:
            body = self.read_exactly(int(response.get("content-length")))
        else:
            body = b""
            try:
                while True:
                    body += self.read_exactly(1)
            except EOFError:
                pass
        return response._replace(body=body)

    def ask(self, request, **options):
        self.send(request)
        return self.read_response(**options)

    def upgrade(self, path="/echo", *, behind=b"", **options):
        """The opening handshake, checked. `behind` goes out in the same packet."""
        request = upgrade_request(path, **options)
        self.send(request + behind)
        self.response = self.read_response()
        assert self.response.status == 101, f"no upgrade: {self.response}"
        key = next(line.split(b":", 1)[1].strip() for line in request.split(b"\r\n")
                   if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest()).decode()
        assert self.response.get("sec-websocket-accept") == accept
        return self

    # --- frames ----------------------------------------------------------------------------------

    def read_frame(self):
        first, second = self.read_exactly(2)
        assert not second & 0x80, "a server must not mask (RFC 6455 section 5.1)"
        size = second & 0x7F
        if size == 126:
            size, = struct.unpack("!H", self.read_exactly(2))
            assert size > 125, "length is not minimal (RFC 6455 section 5.2)"
        elif size == 127:
            size, = struct.unpack("!Q", self.read_exactly(8))
            assert 0xFFFF < size < 1 << 63, "length is not minimal (RFC 6455 section 5.2)"
        return Frame(first & 0xF, self.read_exactly(size), bool(first & 0x80), (first >> 4) & 7)

    def read_message(self, inflate=None):
        """The next data message as Frame(opcode, whole payload); control frames are an error."""
        first = self.read_frame()
        assert first.opcode in (TEXT, BINARY), f"expected a message, got {first}"
        parts, last = [first.payload], first
        while not last.fin:
            last = self.read_frame()
            assert last.opcode == CONTINUATION and last.rsv == 0, f"bad continuation {last}"
            parts.append(last.payload)
        payload = b"".join(parts)
        if first.rsv & 4 and inflate:
            return Frame(first.opcode, inflate(payload))
        return Frame(first.opcode, payload, rsv=first.rsv)

    def text(self, payload):
        self.send(frame(TEXT, payload))

    def read_text(self):
        message = self.read_message()
        assert message.opcode == TEXT and message.rsv == 0, f"expected text, got {message}"
        return message.payload.decode()

    def ask_text(self, payload):
        self.text(payload)
        return self.read_text()

    def expect(self, *frames):
        for wanted in frames:
            got = self.read_frame()
            assert got == wanted, f"expected {wanted}, got {got}"

    def read_close(self):
        """The server's Close as (code or None, reason)."""
        got = self.read_frame()
        assert got.opcode == CLOSE and got.fin and got.rsv == 0, f"expected Close, got {got}"
        assert len(got.payload) != 1
        if not got.payload:
            return None, ""
        return struct.unpack("!H", got.payload[:2])[0], got.payload[2:].decode()

    def expect_closed(self, code, reason=None, timeout=3.0):
        """The server sends Close `code` and ends TCP. Returns the seconds that TCP took."""
        got = self.read_close()
        assert got[0] == code, f"expected Close {code}, got {got}"
        if reason is not None:
            assert got[1] == reason
        return self.expect_eof(timeout)

    def close(self, code=1000, reason=""):
        """The closing handshake, begun by us: the server echoes the code and ends TCP."""
        self.send(close_frame(code, reason))
        return self.expect_closed(code)
