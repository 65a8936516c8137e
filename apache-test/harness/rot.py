"""An httpd with mod_rot, a connection filter that our module does not know, and clients for it."""
from . import build
from .httpd import Httpd
from .processes import free_port
from .raw import Connection

KEY = 0x5A
ROT = bytes(byte ^ KEY for byte in range(256))


class RotSocket:
    """What mod_rot does, at the client's end."""

    def __init__(self, sock):
        self.plain = sock

    def __getattr__(self, name):
        return getattr(self.plain, name)

    def sendall(self, data):
        self.plain.sendall(bytes(data).translate(ROT))

    def recv(self, size):
        return self.plain.recv(size).translate(ROT)

    def recv_into(self, view):
        size = self.plain.recv_into(view)
        view[:size] = bytes(view[:size]).translate(ROT)
        return size


class RotHttpd(Httpd):
    """Beside its ordinary port one that mod_rot listens to."""

    def __init__(self, mpm, handlers, config="", **options):
        self.rot_port = free_port()
        module = build.compile_httpd_module(build.TESTS / "modules/mod_rot.c")
        super().__init__(mpm, handlers, f"""
            LoadModule rot_module "{module}"
            Listen 127.0.0.1:{self.rot_port}
            WebSocketPingInterval Off
            {config}
            <VirtualHost 127.0.0.1:{self.rot_port}>
              RotConnections On
            </VirtualHost>""", **options)

    def problems(self):
        self.allow_log("CWS0062: the filter rot_in of mod_rot")
        return super().problems()

    def rot(self, **options):
        return Connection(("127.0.0.1", self.rot_port), wrap=RotSocket, **options)

    def rot_open(self, path="/echo", *, behind=b"", receive_buffer=None, **options):
        return self.rot(receive_buffer=receive_buffer).upgrade(path, behind=behind, **options)
