"""Servers between machines, on free loopback ports, and a proxy that cuts the link to them."""
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from .processes import free_port, wait_for_port
from .tls import certificates


def program(*names):
    """A server's program: Debian has nats-server in /usr/sbin, and Redis's in redis-tools, too."""
    for name in names:
        if path := shutil.which(name, path="/usr/sbin:/usr/local/bin:/usr/bin:/bin"):
            return path
    return None


REDIS = program("redis-server", "redis-check-rdb")
NATS = program("nats-server")


class Server:
    address = "127.0.0.1"

    def __init__(self):
        self.port = free_port()
        self.root = Path(tempfile.mkdtemp(prefix="cppwebsocket-backplane-"))
        self.process = None

    def start(self):
        log = open(self.root / "log", "a")
        self.process = subprocess.Popen(self.command(), executable=self.executable, stdout=log,
                                        stderr=log, cwd=self.root)
        try:
            wait_for_port(self.port, self.process, address=self.address)
        except RuntimeError as error:
            raise RuntimeError(f"{error}:\n{(self.root / 'log').read_text()}") from error
        return self

    def stop(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(10)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)


class Redis(Server):
    executable = REDIS

    def __init__(self, password=None, options=(), tls=None, clients="no"):
        """`tls`: the name of its certificate; then it speaks nothing else, and `clients` says whether these need one."""
        super().__init__()
        self.password, self.options = password, tuple(options)
        self.by_tls = tls is not None
        if tls:
            path = certificates().path
            self.options += ("--tls-auth-clients", clients, "--tls-ca-cert-file", path("ca.crt"),
                             "--tls-cert-file", path(f"{tls}.crt"), "--tls-key-file", path(f"{tls}.key"))

    def ports(self):
        return ["--port", "0", "--tls-port", str(self.port)] if self.by_tls else ["--port", str(self.port)]

    def command(self):
        return ["redis-server", *self.ports(), "--bind", "127.0.0.1", "-::1", "--save", "",
                "--appendonly", "no", *(["--requirepass", self.password] if self.password else []), *self.options]

    def info(self, section):
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"INFO {section}\r\n".encode())
            reply = connection.makefile("rb")
            return reply.read(int(reply.readline()[1:])).decode()

    def ask(self, *words):
        """The first line of the reply to one command."""
        def pack(words):
            parts = [word.encode() for word in words]
            return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part)
                                                      for part in parts)
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            replies = connection.makefile("rb")
            if self.password:
                connection.sendall(pack(["AUTH", self.password]))
                replies.readline()
            connection.sendall(pack(words))
            return replies.readline().decode().strip()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


class Sentinel(Redis):
    """Of a master that it knows as `main`. The program is Redis's, run in another way."""

    def __init__(self, master, quorum=2, master_password=None, **options):
        super().__init__(**options)
        login = f"sentinel auth-pass main {master_password}\n" if master_password else ""
        own = f"requirepass {self.password}\n" if self.password else ""
        tls = "tls-replication yes\n" if self.by_tls else ""
        (self.root / "conf").write_text(f"{tls}{own}sentinel monitor main 127.0.0.1 {master.port} {quorum}\n{login}"
                                        "sentinel down-after-milliseconds main 1500\n"
                                        "sentinel failover-timeout main 10000\n")

    def command(self):
        return ["redis-server", str(self.root / "conf"), "--sentinel", *self.ports(), "--bind", "127.0.0.1",
                "--dir", str(self.root), *self.options]

    def master_port(self):
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"SENTINEL get-master-addr-by-name main\r\n")
            replies = connection.makefile()
            return int([replies.readline() for _ in range(5)][4])


class Nats(Server):
    executable = NATS

    def __init__(self, token=None, config="", address="127.0.0.1"):
        super().__init__()
        self.token, self.address = token, address
        self.configure(config)

    def configure(self, config):
        (self.root / "conf").write_text(config)

    def command(self):
        return ["nats-server", "-c", str(self.root / "conf"), "-a", self.address, "-p", str(self.port),
                *(["--auth", self.token] if self.token else [])]


class Proxy:
    """A link that can be cut: connections end at once, and new ones are refused. `rate`: bytes a second that it
    passes, all connections together."""

    def __init__(self, target, rate=None):
        self.target, self.rate = target, rate
        self.pairs = {}  # socket → its other end
        self.lock = threading.Lock()
        self.listener = None
        self.port = free_port()
        self.running = True
        self.wake, self.woken = socket.socketpair()
        self.mend()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def mend(self):
        with self.lock:
            if self.listener is None:
                self.listener = socket.socket()
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.listener.bind(("127.0.0.1", self.port))
                self.listener.listen(64)
        self.wake.send(b"x")

    def cut(self):
        with self.lock:
            if self.listener:
                self.listener.close()
                self.listener = None
            for end in self.pairs:
                end.close()
            self.pairs.clear()
        self.wake.send(b"x")

    def close(self):
        self.running = False
        self.cut()
        self.thread.join(5)

    def run(self):
        while self.running:
            with self.lock:
                watched = [self.woken, *self.pairs] + ([self.listener] if self.listener else [])
            try:
                ready = select.select(watched, [], [], 1)[0]
            except (OSError, ValueError):  # closed meanwhile
                continue
            for each in ready:
                if each is self.woken:
                    each.recv(100)
                    continue
                with self.lock:
                    self.move(each)

    def move(self, ready):
        try:
            if ready is self.listener:
                near = ready.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target), 5)
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.pairs[near], self.pairs[far] = far, near
            elif ready in self.pairs:
                if some := ready.recv(self.rate // 50 if self.rate else 1 << 16):
                    self.pairs[ready].sendall(some)
                    if self.rate:
                        time.sleep(len(some) / self.rate)
                    return
                raise OSError("closed")
        except OSError:
            if other := self.pairs.pop(ready, None):
                self.pairs.pop(other, None)
                ready.close()
                other.close()
