"""What may be between a client and a server: a relay of bytes that can be told to misbehave."""
import select
import socket
import threading

from .processes import free_port

BUFFER = 64 << 10  # bytes that a relay which keeps them passes on at once


class Pair:
    """A client's connection and the relay's own to the server."""

    def __init__(self, relay, client):
        self.relay, self.client = relay, client
        self.server = socket.create_connection(relay.target)
        self.kept = b""  # of the server's
        self.forgotten = threading.Event()  # nothing goes any more, and nobody is told
        self.over = threading.Event()
        self.running = threading.Thread(target=self.run, daemon=True)

    def run(self):
        relay = self.relay
        try:
            head = self.client.recv(1 << 16)
            if not relay.websockets and b"\r\nupgrade: websocket" in head.lower():
                self.client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            relay.flowing.wait()
            self.server.sendall(head)
            while head:
                readable, _, _ = select.select([self.client, self.server], [], [], 0.05)
                relay.flowing.wait()
                if self.forgotten.is_set():
                    self.over.wait()
                    return
                for source in readable:
                    head = source.recv(1 << 16)
                    if not head:
                        return
                    self.pass_on(source, head)
                self.release()
        except OSError:
            pass  # somebody is gone
        finally:
            self.end()
            relay.pairs.discard(self)

    def pass_on(self, source, data):
        if source is self.client:
            self.server.sendall(data)
        else:
            self.kept += data

    def release(self):
        if self.kept and (not self.relay.keeps or len(self.kept) >= BUFFER):
            self.client.sendall(self.kept)
            self.kept = b""

    def end(self):
        for each in (self.client, self.server):
            each.close()

    def cut(self):
        self.over.set()
        for each in (self.client, self.server):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is gone already


class Relay:
    """`with Relay(address) as relay`: what connects to relay.port is connected to `address`."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.pairs = set()
        self.flowing = threading.Event()  # else what comes is neither passed on nor refused
        self.flowing.set()
        self.keeps = False                # what the server sends, until there is much of it
        self.websockets = True            # else a proxy that knows none
        self.listener = None

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                pair = Pair(self, client)
            except OSError:
                client.close()  # the server refuses
                continue
            self.pairs.add(pair)
            pair.running.start()

    def shut(self):
        """Nobody listens there any more."""
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()

    def cut(self):
        for pair in list(self.pairs):
            pair.cut()

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_):
        self.flowing.set()
        self.shut()
        pairs = list(self.pairs)
        self.cut()
        for pair in pairs:
            pair.running.join()
