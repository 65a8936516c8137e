"""What a stranger may do who means harm. Each takes (httpd, seconds), goes on for so long and ends by
itself; an answer is what it provokes. Whoever is cut off comes again."""
import select
import threading
import time
import zlib

from .raw import BINARY, CONTINUATION, PING, TEXT, close_frame, frame, upgrade_request

PACKED = {"Sec-WebSocket-Extensions": "permessage-deflate"}


def packed(payload):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def until(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def pour(httpd, seconds, data, first=b"", reads=True, **options):
    """Sends `data` as fast as it is taken, and reads what comes, or nothing."""
    connection = None
    for _ in until(seconds):
        try:
            if connection is None:
                connection = httpd.open(**options)
                connection.send(first)
                connection.socket.setblocking(False)
                rest = memoryview(data)
            readable, writable, _ = select.select([connection.socket] if reads else [],
                                                  [connection.socket], [], 0.05)
            if readable and not connection.socket.recv(1 << 20):
                raise EOFError
            if writable:
                rest = rest[connection.socket.send(rest):] or memoryview(data)
        except (BlockingIOError, InterruptedError):
            pass
        except (OSError, EOFError):
            connection = None
    if connection:
        connection.drop()


def drain(connection):
    while select.select([connection.socket], [], [], 0)[0]:
        if not connection.socket.recv(1 << 20):
            raise EOFError


def pour_from(count, *args, **options):
    threads = [threading.Thread(target=pour, args=args, kwargs=options) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- frames -----------------------------------------------------------------------------------------

def pings_whose_pongs_nobody_reads(httpd, seconds):
    pour(httpd, seconds, frame(PING, b"x" * 125) * 500, reads=False)


def pings(httpd, seconds):
    pour(httpd, seconds, frame(PING) * 5000)


def messages_whose_echoes_nobody_reads(httpd, seconds):
    pour(httpd, seconds, frame(TEXT, b"x" * 10_000) * 10, reads=False)


def tiny_messages(httpd, seconds):
    pour(httpd, seconds, frame(TEXT, b"x") * 5000)


def empty_fragments_without_end(httpd, seconds):
    pour(httpd, seconds, frame(CONTINUATION, fin=False) * 5000, frame(TEXT, fin=False))


def fragments_of_a_byte(httpd, seconds):
    message = frame(BINARY, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 5000
    pour(httpd, seconds, message + frame(CONTINUATION, b"x"))


def garbage(httpd, seconds):
    pour(httpd, seconds, bytes(range(256)) * 100)


def lengths_of_exabytes(httpd, seconds):
    pour(httpd, seconds, frame(BINARY, b"x", length=(1 << 63) - 1, length_size=8))


# --- compression ------------------------------------------------------------------------------------

def bombs_below_the_limit(httpd, seconds):
    bomb = frame(BINARY, packed(b"\0" * ((1 << 20) - 1)), rsv=4)
    pour(httpd, seconds, bomb * 20, headers=PACKED)


def bombs_above_the_limit(httpd, seconds):
    bomb = frame(BINARY, packed(b"\0" * (64 << 20)), rsv=4)
    pour(httpd, seconds, bomb, headers=PACKED)


def bombs_of_fragments(httpd, seconds):
    data = packed(b"\0" * ((1 << 20) - 1))
    pieces = [data[i:i + 1] for i in range(len(data))]
    bomb = b"".join(frame(CONTINUATION if i else BINARY, piece, rsv=0 if i else 4,
                          fin=i == len(pieces) - 1) for i, piece in enumerate(pieces))
    pour(httpd, seconds, bomb * 5, headers=PACKED)


def bombs_of_many(httpd, seconds):
    bomb = frame(BINARY, packed(b"\0" * ((1 << 20) - 1)), rsv=4)
    pour_from(20, httpd, seconds, bomb * 20, headers=PACKED)


def large_texts_of_many(httpd, seconds):
    """Each comes back compressed."""
    words = b" ".join(b"word %d" % (i * 7919 % 10007) for i in range(1 << 16))
    pour_from(8, httpd, seconds, frame(TEXT, words[:1 << 20]), headers=PACKED)


# --- connections ------------------------------------------------------------------------------------

def handshakes_and_resets(httpd, seconds):
    for _ in until(seconds):
        try:
            httpd.open().reset()
        except (OSError, EOFError):
            pass


def handshakes_and_closes(httpd, seconds):
    for _ in until(seconds):
        try:
            with httpd.open() as connection:
                connection.send(close_frame(1000))
        except (OSError, EOFError):
            pass


def halves_of_handshakes(httpd, seconds):
    """As many as half of httpd's workers; mod_reqtimeout ends them."""
    half = upgrade_request()[:-20]
    connections = []
    for _ in until(seconds):
        if len(connections) < 12:
            connections.append(httpd.connect())
            connections[-1].send(half)
        time.sleep(0.01)
    for connection in connections:
        connection.drop()


def handshakes_with_control_characters(httpd, seconds):
    for _ in until(seconds):
        for path in ("/echo%0a%1b[31mforged", "/echo\x1b[2J", "/%00", "/echo?\x9b31m"):
            httpd.ask(path)
        httpd.ask(headers={"Sec-WebSocket-Protocol": "\x1b[31m", "User-Agent": "\x1b]0;x\x07"})


def large_heads_that_stay(httpd, seconds):
    """Each keeps as much of its head as it may; a larger one is refused."""
    headers = {f"X-{i}": "x" * 8000 for i in range(90)}
    assert httpd.ask(headers=headers).status == 431
    headers = {f"X-{i}": "x" * 8000 for i in range(7)}
    connections = []
    for _ in until(seconds):
        if len(connections) < 200:
            connections.append(httpd.open(headers=headers))
        else:
            time.sleep(0.05)
    for connection in connections:
        connection.drop()


# --- channels ---------------------------------------------------------------------------------------

def histories_that_nobody_reads(httpd, seconds):
    """What is kept is 8 MiB."""
    for _ in range(130):
        with httpd.connect() as connection:
            connection.send(b"POST /publish/full HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                            b"Content-Length: 65536\r\n\r\n" + b"x" * 65536)
            assert connection.read_response().status == 200
    connections = []
    for _ in until(seconds):
        if len(connections) < 60:
            connections.append(httpd.open("/subscribe/full?history=10000", receive_buffer=4096))
        else:
            time.sleep(0.05)
    for connection in connections:
        connection.drop()


def large_publications_in_every_format(httpd, seconds):
    """What each window needs is compressed for it."""
    readers = [httpd.open("/subscribe/large", headers={
        "Sec-WebSocket-Extensions": f"permessage-deflate; server_max_window_bits={bits}"})
        for bits in range(9, 16)]
    words = b" ".join(b"word %d" % (i * 7919 % 10007) for i in range(1 << 15))[:200_000]
    post = (b"POST /publish/large HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" %
            len(words)) + words
    for _ in until(seconds):
        with httpd.connect() as publisher:
            publisher.send(post)
            assert publisher.read_response().status == 200
        for reader in readers:
            drain(reader)
    for reader in readers:
        reader.drop()


def names_of_no_channel(httpd, seconds):
    number = 0
    for _ in until(seconds):
        number += 1
        with httpd.open(f"/subscribe/stranger-{number}"):
            pass


def forged_positions(httpd, seconds):
    for _ in until(seconds):
        for position in ("1-1", f"{1 << 63}-{1 << 62}", "x", "-1", "0-0," * 500):
            httpd.ask(f"/subscribe/full?after={position}")


def crowds_that_come_and_go(httpd, seconds):
    """A visible member more tells all who are there, and is told of them."""
    members = []
    for _ in until(seconds):
        if len(members) > 150:
            members.pop(0).reset()
        members.append(httpd.open("/chat", receive_buffer=4096))
        members[-1].send(frame(TEXT, f"crowd\nmember {len(members)}\n"))
    for member in members:
        member.drop()


ATTACKS = [pings_whose_pongs_nobody_reads, pings, messages_whose_echoes_nobody_reads, tiny_messages,
           empty_fragments_without_end, fragments_of_a_byte, garbage, lengths_of_exabytes,
           bombs_below_the_limit, bombs_above_the_limit, bombs_of_fragments, bombs_of_many,
           large_texts_of_many, large_publications_in_every_format, handshakes_and_resets,
           handshakes_and_closes, halves_of_handshakes, handshakes_with_control_characters,
           large_heads_that_stay, histories_that_nobody_reads, names_of_no_channel, forged_positions,
           crowds_that_come_and_go]
