"""What a browser far away does through a proxy. Each question raises AssertionError where it goes otherwise."""
import json
import time

from . import tls
from .event_stream import EventStream, request
from .h2_client import H2Session
from .proxies import HOST
from .raw import CLOSE, PING, PONG, TEXT, Connection, close_frame, frame

CLIENT = "127.0.0.2"  # where the browser is: another address than the proxy's


class Through:
    def __init__(self, proxy):
        self.proxy = proxy
        self.address = ("127.0.0.1", proxy.port)
        self.origin = f"{proxy.scheme}://{HOST}"

    def connect(self, alpn=("http/1.1",)):
        def wrap(plain):
            context = tls.client_context()
            context.set_alpn_protocols(alpn)
            return tls.wrap(plain, context, name=HOST)
        return Connection(self.address, 20, wrap=wrap if self.proxy.scheme == "https" else None, source=CLIENT)

    def open(self, path="/echo", origin=None):
        return self.connect().upgrade(path, host=HOST, headers={"Origin": origin or self.origin})

    def stream(self, channel):
        connection = self.connect()
        connection.send(request(f"/subscribe/{channel}", HOST, {"Origin": self.origin}))
        connection.response = connection.read_response(head_only=True)
        assert connection.response.status == 200, connection.response
        return EventStream(connection)

    def post(self, channel, text, origin=None):
        lines = (f"POST /publish/{channel} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {origin or self.origin}\r\n"
                 f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}")
        with self.connect() as connection:
            return connection.ask(lines.encode())

    def publish(self, channel, text):
        answer = self.post(channel, text)
        assert answer.status == 200, answer

    # --- questions --------------------------------------------------------------------------------

    def echo(self):
        with self.open() as ws:
            for text in ("もも", "", "x" * 125, "x" * 126, "x" * 65536, "x" * (1 << 20)):
                assert ws.ask_text(text) == text
            ws.send(close_frame(1000))
            assert ws.read_close()[0] == 1000

    def origins(self):
        """The site's own are taken, by handlers and by end points, and no others."""
        other = "http" if self.proxy.scheme == "https" else "https"
        for origin in ("https://elsewhere.example", f"{other}://{HOST}"):
            try:
                self.open(origin=origin).drop()
            except AssertionError as refusal:
                assert "status=403" in str(refusal), refusal
            else:
                raise AssertionError(f"{origin} is let in")
            assert self.post("x", "x", origin).status == 403
        self.open().drop()

    def address_of_client(self):
        with self.open("/probe") as ws:
            said = json.loads(ws.ask_text("properties"))
            assert said["remote"].startswith(f"{CLIENT}:"), f"it is taken for {said['remote']}"
            scheme = "wss" if self.proxy.scheme == "https" else "ws"
            assert said["location"] == f"{scheme}://{HOST}/probe", said["location"]

    def forged_address(self):
        """What a client says of itself is not believed."""
        headers = {"Origin": self.origin, "X-Forwarded-For": "192.0.2.99", "X-Forwarded-Proto": "gopher"}
        with self.connect().upgrade("/probe", host=HOST, headers=headers) as ws:
            assert json.loads(ws.ask_text("properties"))["remote"].startswith(f"{CLIENT}:")

    def events(self):
        """Each comes when it is published, and not when a buffer is full."""
        channel = f"news-{self.proxy.port}"
        with self.stream(channel) as stream, self.open(f"/subscribe/{channel}") as ws:
            stream.wait_id()
            for text in ("one", "two", "three"):
                self.publish(channel, text)
                assert stream.texts(1) == [text]
                assert ws.read_text() == text

    def idle(self, seconds):
        """Nobody says anything for so long but our pings, which the client answers."""
        channel = f"idle-{self.proxy.port}"
        with self.open() as ws, self.stream(channel) as stream:
            stream.wait_id()
            answer_pings(ws, seconds)
            self.go_on(ws, stream, channel)

    def go_on(self, ws, stream, channel):
        """Both are open still."""
        assert ask_between_pings(ws, "still there") == "still there"
        self.publish(channel, "still there")
        assert stream.texts(1) == ["still there"]

    def silence(self, seconds):
        """How long a WebSocket lives on which nobody says anything; at /silent we do not ping."""
        with self.open("/silent") as ws:
            begin = time.monotonic()
            try:
                ws.expect_silence(seconds)
            except AssertionError:
                return time.monotonic() - begin
            return None

    def reload(self, seconds=2):
        """What is open stays open, and what comes is served."""
        channel = f"reload-{self.proxy.port}"
        with self.open() as ws, self.stream(channel) as stream:
            stream.wait_id()
            self.proxy.reload()
            answer_pings(ws, seconds)
            with self.open() as new:
                assert ask_between_pings(new, "new") == "new"
            self.go_on(ws, stream, channel)

    def over_http2(self):
        """An event stream, a publication and an echo on one HTTP/2 connection."""
        with self.connect(["h2", "http/1.1"]) as probe:
            assert probe.socket.selected_alpn_protocol() == "h2", "no HTTP/2"
        context = tls.client_context()
        context.set_alpn_protocols(["h2"])
        with H2Session(self.address, tls=context, name=HOST) as h2:
            channel = f"h2-{self.proxy.port}"
            stream = h2.request(f"/subscribe/{channel}", authority=HOST, headers={"accept": "text/event-stream"})
            stream.wait_response()
            assert stream.response.status == 200, stream.response
            events = EventStream(stream)
            events.wait_id()
            self.publish(channel, "x")
            assert events.texts(1) == ["x"]
            assert h2.offers_websockets, "pages, posts and events only"
            ws = h2.open("/echo", authority=HOST, headers={"origin": self.origin})
            assert ws.ask_text("もも") == "もも"




def read_between_pings(ws):
    """The next frame that is none of them, or None: an answer to one is all that there was."""
    got = ws.read_frame()
    assert got.opcode != CLOSE, f"the WebSocket is closed with {int.from_bytes(got.payload[:2], 'big')}"
    if got.opcode != PING:
        return got
    ws.send(frame(PONG, got.payload))
    return None


def ask_between_pings(ws, text):
    ws.text(text)
    while (got := read_between_pings(ws)) is None:
        pass
    assert got.opcode == TEXT, f"instead of an echo came {got}"
    return got.payload.decode()


def answer_pings(ws, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not ws.buffer:
            ws.socket.settimeout(left)
            try:
                ws.buffer += ws.socket.recv(65536)
            except TimeoutError:
                break
            assert ws.buffer, f"cut off after {seconds - left:.1f} s of silence"
        ws.socket.settimeout(ws.timeout)
        got = read_between_pings(ws)
        assert got is None, f"a silent WebSocket got {got}"
    ws.socket.settimeout(ws.timeout)
