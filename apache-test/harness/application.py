"""A small application that httpd asks and tells (WebSocketHook), on loopback or an AF_UNIX socket."""
import base64
import hashlib
import hmac
import json
import os
import socket
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler

SECRET = "a secret of some length"


class Told(dict):
    """An event: its JSON, and the request that brought it."""

    def __init__(self, headers, body, connection):
        super().__init__(json.loads(body))
        self.headers, self.body, self.connection = headers, body, connection

    def is_signed(self, secret=SECRET):
        text = b".".join([self.headers["webhook-id"].encode(), self.headers["webhook-timestamp"].encode(), self.body])
        digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
        return (hmac.compare_digest(self.headers.get("webhook-signature", ""), "v1," + base64.b64encode(digest).decode())
                and abs(time.time() - int(self.headers["webhook-timestamp"])) < 60)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.disable_nagle_algorithm = self.server.address_family == socket.AF_INET
        super().setup()

    def do_POST(self):
        told = Told(self.headers, self.rfile.read(int(self.headers["Content-Length"])), id(self))
        told.target = self.path
        app = self.server.application
        with app.changed:
            app.events.append(told)
            app.changed.notify_all()
        answer = app.answer(told)
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        if status is None:  # cut
            self.close_connection = True
            return
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)
        self.close_connection |= app.cuts

    def log_message(self, *_):
        pass

    def address_string(self):
        return ""


class Application:
    """`answer(event)` gives a JSON value, or (status, value or bytes); status None: the connection is cut."""

    def __init__(self, answer=lambda event: {}, path=None, certificate=None, port=0):
        family = socket.AF_UNIX if path else socket.AF_INET

        class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
            address_family, daemon_threads, allow_reuse_address = family, True, True
            request_queue_size = 128

            def handle_error(self, *_):  # httpd ends, and its connections with it
                pass

        self.answer, self.events, self.changed = answer, [], threading.Condition()
        self.cuts = False  # each connection, behind its first answer, without having said so
        self.server = Server(str(path) if path else ("127.0.0.1", port), Handler)
        if path:
            os.chmod(path, 0o777)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.application = self
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        scheme = "https" if certificate else "http"
        self.port = None if path else self.server.server_address[1]
        self.url = f"unix:{path}|http://application/hook" if path else f"{scheme}://127.0.0.1:{self.port}/hook"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, event, count=1, timeout=10):
        """So many of that name, once they are there."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while len(found := [each for each in self.events if each["event"] == event]) < count:
                left = deadline - time.monotonic()
                assert left > 0 and self.changed.wait(left) or time.monotonic() < deadline, \
                    f"{len(found)} of {count} {event} in {self.events}"
            return found
