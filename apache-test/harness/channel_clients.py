"""Publishers and subscribers of channels that check all they hear, and come back when they are cut
off. What they have in common is a Book for each channel: which message has which offset."""
import asyncio
import base64
import json
import zlib
from array import array

import websockets

FILLER = "storm 嵐 Sturm 🌩 " * 2000
SIZES = (0, 10, 50, 100, 200, 500, 1000, 2000)  # characters
LARGE = SIZES * 4 + (30_000,)
LONG = 60  # seconds in which a living server has answered, however busy

# httpd's parent or a child may be between two states: that is no connection yet, or no more.
CUT_OFF = (OSError, EOFError, websockets.InvalidHandshake, websockets.InvalidMessage)


def make_text(publisher, number, crowd):
    size = crowd.rng.choice(SIZES if crowd.is_tight else LARGE)
    text = f"{publisher} {number} {FILLER[:size]}"
    return f"{text} {zlib.crc32(text.encode()):08x}"


def key_of(text):
    """Publisher << 32 | number; None if the text is not as it was made."""
    body, _, crc = text.rpartition(" ")
    try:
        if int(crc, 16) == zlib.crc32(body.encode()):
            publisher, number, _ = body.split(" ", 2)
            return int(publisher) << 32 | int(number)
    except ValueError:
        pass
    return None


def shown(key):
    return f"message {key & 0xffffffff} of publisher {key >> 32}"


class Book:
    """A channel: every offset has one message, and every message one offset."""

    def __init__(self, crowd, name, history):
        self.crowd = crowd
        self.name = name
        self.history = history  # messages that it keeps
        self.epoch = None
        self.keys = {}          # by offset
        self.offsets = {}       # by key
        self.acknowledged = set()
        self.lives = []
        self.is_complete = True  # nobody was told of a gap
        self.holes = 0           # on plain connections

    def place(self, position):
        """The offset in `position`. The epoch is the same for ever."""
        epoch, _, offset = position.rpartition("-")
        if epoch != self.epoch and self.epoch is not None:
            self.crowd.problem(f"{self.name}: epoch {epoch} after {self.epoch}")
        self.epoch = epoch
        return int(offset)

    def note(self, offset, key):
        if self.keys.setdefault(offset, key) != key:
            self.crowd.problem(f"{self.name}-{offset}: {shown(key)} and {shown(self.keys[offset])}")
        if self.offsets.setdefault(key, offset) != offset:
            self.crowd.problem(f"{self.name}: {shown(key)} at {offset} and {self.offsets[key]}")

    def acknowledge(self, key):
        self.acknowledged.add(key)
        self.crowd.acknowledged[key >> 32] = self.crowd.acknowledged.get(key >> 32, 0) + 1

    def judge(self, may_miss):
        """In the end: what no single client can see. `may_miss`: httpd has counted messages that
        members without positions have missed."""
        for key in self.acknowledged - self.offsets.keys() if self.is_complete else ():
            self.crowd.problem(f"{self.name}: {shown(key)} was acknowledged and came to nobody")
        for life in self.lives:
            life.judge(self, may_miss and life.misses)


class Life:
    """What came on one plain connection, which tells no positions."""

    def __init__(self, misses):
        self.misses = misses   # rather than be closed with 1013
        self.start = None      # offset of the newest message when it joined, if it was told
        self.keys = array("q")

    def judge(self, book, may_miss):
        # The nth message has the nth offset after the first, whichever of them the book knows.
        before = None if self.start is None else (self.start, None)
        for index, key in enumerate(self.keys):
            if key not in book.offsets:
                continue
            begin = book.offsets[key] - index - 1
            if before is not None and begin != before[0]:
                book.holes += 1
            if before is not None and (begin < before[0] or begin > before[0] and not may_miss):
                last = "the beginning" if before[1] is None else shown(before[1])
                book.crowd.problem(f"{book.name}: {begin - before[0]} messages are missing between "
                                   f"{last} and {shown(key)} on a plain connection")
            before = begin, key


class Crowd:
    """All clients of one storm, and what went wrong."""

    def __init__(self, address, rng, is_tight=False):
        """`is_tight`: there is so little memory that readers are overtaken."""
        self.host, self.port = address
        self.rng = rng
        self.is_tight = is_tight
        self.begun = asyncio.Event()  # publishing has
        self.publishing = True
        self.over = False
        self.clients = []
        self.problems = []
        self.acknowledged = {}  # by publisher: how many
        self.received = self.connections = self.resumed = self.told = 0
        self.closed = {}        # close code → how often
        self.spread = []        # in how many children the clients were

    def problem(self, text):
        if len(self.problems) < 50:
            self.problems.append(text)

    async def pause(self):
        """Between a publisher's messages."""
        await asyncio.sleep(self.rng.random() / (500 if self.is_tight else 50))

    def url(self, path):
        return f"ws://{self.host}:{self.port}{path}"

    def connected(self):
        return sum(client.connected for client in self.clients)

    def members_of(self, book):
        return sum(client.book is book for client in self.clients)


class Subscriber:
    """Connects again and again. `live()` is one connection."""

    def __init__(self, crowd, book):
        self.crowd = crowd
        self.book = book
        self.connected = False
        self.newest = {}  # by publisher: number
        crowd.clients.append(self)

    async def run(self):
        while not self.crowd.over:
            await asyncio.sleep(self.crowd.rng.random() / 2)
            try:
                await self.live()
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                self.crowd.closed[code] = self.crowd.closed.get(code, 0) + 1
                if code not in (1001, 1006) and not (code == 1013 and self.crowd.is_tight):
                    self.crowd.problem(f"{self.book.name}: closed with {closed!r}")
            except CUT_OFF:
                pass
            self.connected = False

    def connect(self, path, **options):
        return websockets.connect(self.crowd.url(path), compression=None, ping_interval=None,
                                  open_timeout=LONG, close_timeout=LONG, **options)

    def joined(self):
        self.connected = True
        self.crowd.connections += 1

    def take(self, text):
        """The message's key, if it is whole and the next of its publisher."""
        key = key_of(text.decode(errors="replace") if isinstance(text, bytes) else text)
        if key is None:
            self.crowd.problem(f"{self.book.name}: corrupt: {text[:60]!r}...{text[-60:]!r}")
            return None
        publisher, number = key >> 32, key & 0xffffffff
        if self.newest.get(publisher, 0) >= number:
            self.crowd.problem(f"{self.book.name}: {shown(key)} behind {self.newest[publisher]} "
                               f"({type(self).__name__})")
        self.newest[publisher] = number
        self.crowd.received += 1
        return key

    def has(self, key):
        return self.newest.get(key >> 32, 0) >= (key & 0xffffffff)


class Resuming(Subscriber):
    """Knows its position, and comes back with it: then no offset may be missing that it was not
    told of."""

    position = ""
    last = None

    def take_at(self, position, text):
        offset, key = self.book.place(position), self.take(text)
        if offset != self.last + 1:
            self.crowd.problem(f"{self.book.name}: offset {offset} follows {self.last}, untold "
                               f"({type(self).__name__})")
        self.position, self.last = position, offset
        if key is not None:
            self.book.note(offset, key)

    def begin(self, position, recovered):
        self.joined()
        if self.last is None or not recovered:
            self.lose(position)
        else:
            self.crowd.resumed += 1

    def lose(self, position):
        """It was told that it has missed what is up to `position`."""
        offset, before = self.book.place(position), self.last
        self.position, self.last = position, offset
        if before is None:
            return
        self.crowd.told += 1
        self.book.is_complete = False
        # The channel is short, then, or has no history at all.
        if offset - before <= self.book.history and not self.crowd.is_tight:
            self.crowd.problem(f"{self.book.name}: {before} to {offset} are said to be lost, but it "
                               f"keeps {self.book.history} ({type(self).__name__})")


class JsonSubscriber(Resuming):
    async def live(self):
        path = f"/subscribe/{self.book.name}?after={self.position}"
        async with self.connect(path, subprotocols=["channel.json"]) as ws:
            while not self.crowd.over:
                event = json.loads(await ws.recv())
                if event["type"] == "subscribed":
                    self.begin(event["position"], event["recovered"])
                elif event["type"] == "gap":
                    self.lose(event["position"])
                else:
                    self.take_event(event)

    def take_event(self, event):
        self.take_at(event["position"],
                     event["data"] if "data" in event else base64.b64decode(event["base64"]))


class EventSource(Resuming):
    async def live(self):
        reader, writer = await asyncio.open_connection(self.crowd.host, self.crowd.port,
                                                       limit=1 << 20)
        try:
            lines = (f"GET /subscribe/{self.book.name} HTTP/1.1\r\nHost: {self.crowd.host}\r\n"
                     "Accept: text/event-stream\r\n"
                     + (f"Last-Event-ID: {self.position}\r\n" if self.position else "")
                     + "\r\n")
            writer.write(lines.encode())
            status, _ = await read_head(reader)
            if status != 200:
                raise ConnectionError(status)
            while not self.crowd.over:
                async for event in self.read_events(reader):
                    self.event(event)
        finally:
            writer.close()

    @staticmethod
    async def read_events(reader):
        """Those of one chunk, which has whole ones."""
        size = int(await reader.readuntil(b"\r\n"), 16)
        chunk = (await reader.readexactly(size + 2)).decode()
        for block in chunk[:-2].split("\n\n")[:-1]:
            yield dict(line.partition(": ")[::2] for line in block.split("\n"))

    def event(self, fields):
        name = fields.get("event", "message")
        if name == "gap":
            self.lose(fields["id"])
        elif name == "subscribed":
            if not self.connected:
                self.joined()
            if "id" in fields and self.last is None:
                self.lose(fields["id"])
        elif "data" in fields:
            data = fields["data"]
            self.take_at(fields["id"], base64.b64decode(data) if name == "binary" else data)


class PlainSubscriber(Subscriber):
    path = "/subscribe/{0}"
    misses = True

    async def live(self):
        life = Life(self.misses)
        self.book.lives.append(life)
        async with self.connect(self.path.format(self.book.name, self.book.history)) as ws:
            self.opened(ws)
            while not self.crowd.over:
                self.hear(life, await ws.recv())

    def opened(self, ws):
        self.joined()

    def hear(self, life, text):
        key = self.take(text)
        if key is not None:
            life.keys.append(key)


class RoomMember(PlainSubscriber):
    """A member of what a handler joins. The handler says where it begins."""

    path = "/room?{0}&history={1}"
    misses = False

    def opened(self, ws):
        pass

    def hear(self, life, text):
        if isinstance(text, str) and text.startswith("in "):
            life.start = self.book.place(text[3:])
            self.joined()
        else:
            super().hear(life, text)


class RoomPublisher(RoomMember):
    """Publishes as a member, and takes its own message that comes back for the answer."""

    def __init__(self, crowd, book, number):
        super().__init__(crowd, book)
        self.number = number
        self.sent = 0
        self.heard = asyncio.Event()

    async def live(self):
        try:
            await super().live()
        finally:
            self.heard.set()

    def opened(self, ws):
        asyncio.ensure_future(self.publish(ws))

    async def publish(self, ws):
        rng = self.crowd.rng
        try:
            await self.crowd.begun.wait()
            while self.crowd.publishing:
                self.sent += 1
                self.heard.clear()
                await ws.send(rng.choice("++*") + make_text(self.number, self.sent, self.crowd))
                await self.heard.wait()
                await self.crowd.pause()
        except websockets.ConnectionClosed:
            pass

    def hear(self, life, text):
        super().hear(life, text)
        if self.newest.get(self.number) == self.sent and not self.heard.is_set():
            self.book.acknowledge(self.number << 32 | self.sent)
            self.heard.set()


class Poster:
    """Publishes by HTTP. What was not answered may have been published, or not: it is not sent
    again."""

    def __init__(self, crowd, book, number):
        self.crowd = crowd
        self.book = book
        self.number = number
        self.sent = 0

    async def run(self):
        while self.crowd.publishing:
            try:
                reader, writer = await asyncio.open_connection(self.crowd.host, self.crowd.port)
                try:
                    while self.crowd.publishing and await self.post(reader, writer):
                        await self.crowd.pause()
                finally:
                    writer.close()
            except CUT_OFF:
                await asyncio.sleep(self.crowd.rng.random() / 10)

    async def post(self, reader, writer):
        """One message. Returns whether the connection stays."""
        self.sent += 1
        key = self.number << 32 | self.sent
        body = make_text(self.number, self.sent, self.crowd).encode()
        kind = self.crowd.rng.choice(("text/plain", "text/plain", "application/octet-stream"))
        writer.write(f"POST /publish/{self.book.name} HTTP/1.1\r\nHost: {self.crowd.host}\r\n"
                     f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        try:
            status, headers = await asyncio.wait_for(read_head(reader), LONG)
        except asyncio.TimeoutError:
            self.crowd.problem(f"{self.book.name}: no answer to {shown(key)}")
            return False
        answer = await reader.readexactly(int(headers["content-length"]))
        if status != 200:
            self.crowd.problem(f"{self.book.name}: {status} for a message: {answer!r}")
            return False
        answer = json.loads(answer)
        self.book.note(self.book.place(answer["position"]), key)
        self.book.acknowledge(key)
        return headers.get("connection") != "close"


async def read_head(reader):
    """A response's status and fields."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return int(lines[0].split()[1]), {name.lower(): value.strip() for name, _, value in
                                      (line.partition(":") for line in lines[1:] if line)}
