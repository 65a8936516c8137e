"""The servers that are compared. Each is a class with

    name, description                for the tables
    start(build, cores)              starts it on loopback; raises RuntimeError if it does not come
    port, path                       where it echoes
    processes()                      the ids whose CPU and memory count
    stop()                           ends it; raises RuntimeError if it has complained meanwhile

and a line in CONTESTANTS."""
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import processes


class EpollEcho:
    """The least that an echo can cost: bench/epoll_echo.cpp."""

    name = "limit"
    description = "minimal epoll echo (bench/epoll_echo.cpp), one thread"
    path = "/echo"

    def start(self, build, cores):
        program = build / "bench" / "bench_epoll_echo"
        if not program.exists():
            raise RuntimeError(f"{program} is missing: build the preset \"release\" first")
        self._process = processes.start([program, "--port", "0"], cores, stdout=subprocess.PIPE)
        self.port = int(self._process.stdout.readline().split()[-1])

    def processes(self):
        return [self._process.pid]

    def stop(self):
        processes.stop(self._process)
        self._process.stdout.close()


# What "apt install apache2" enables and configures on Debian 12, for connections to be set up as
# they are there.
DEBIAN_MODULES = """mpm_event authn_core authn_file authz_core authz_host authz_user auth_basic
    access_compat alias autoindex deflate dir env filter mime negotiation reqtimeout setenvif
    status""".split()

CONFIGURATION = """\
ServerRoot "{root}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{root}/httpd.pid"
DefaultRuntimeDir "{root}"
ErrorLog "{root}/error.log"
LogLevel warn
{load_modules}
LoadModule cppwebsocket_module "{module}"
{user}
TypesConfig /etc/mime.types
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog "{root}/access.log" combined
KeepAlive On
# One child, so that there is one process to look at, with as many workers as Debian gives it.
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
MinSpareThreads 1
MaxSpareThreads 25
ThreadLimit 25
DocumentRoot "{root}/htdocs"
<Directory />
  Options FollowSymLinks
  AllowOverride None
  Require all denied
</Directory>
<Directory "{root}/htdocs">
  Options Indexes FollowSymLinks
  AllowOverride None
  Require all granted
</Directory>
WebSocketHandlerRoot "{handlers}"
WebSocketThreads 1
WebSocketMaxConnections 12000
WebSocketMaxMessageSize 33554432
"""


class Ours:
    """A private httpd with mod_cppwebsocket and the example handler echo."""

    name = "ours"
    description = ("mod_cppwebsocket with handlers/echo, WebSocketThreads 1, in httpd with the event "
                   "MPM and Debian's default modules")
    path = "/echo"

    def start(self, build, cores):
        path = os.environ["PATH"] + ":/usr/sbin"
        httpd = shutil.which("apache2", path=path) or shutil.which("httpd", path=path)
        module = build / "mod_cppwebsocket.so"
        handlers = build / "handlers"
        if httpd is None:
            raise RuntimeError("there is no apache2 here (apt install apache2)")
        for needed in (module, handlers / "echo_wsh.so"):
            if not needed.exists():
                raise RuntimeError(f"{needed} is missing: build the preset \"release\" first")
        self._root = Path(tempfile.mkdtemp(prefix="cppwebsocket-bench-"))
        self._root.chmod(0o755)
        (self._root / "htdocs").mkdir()
        self.port = free_port()
        configuration = self._root / "httpd.conf"
        configuration.write_text(CONFIGURATION.format(
            root=self._root, port=self.port, module=module, handlers=handlers,
            load_modules=load_modules(httpd), user=user_directives()))
        self._process = processes.start([httpd, "-f", configuration, "-DFOREGROUND"], cores,
                                        stdin=subprocess.DEVNULL)
        wait_for_port(self.port, self._process, self._root / "error.log")

    def processes(self):
        # Not the parent: it only watches the child.
        return processes.children_of(self._process.pid)

    def stop(self):
        processes.stop(self._process)
        log = (self._root / "error.log").read_text(errors="replace").splitlines()
        complaints = [line for line in log if ":notice]" not in line]
        shutil.rmtree(self._root)
        if complaints:
            raise RuntimeError("httpd's error log says: " + "\n".join(complaints[:5]))


CONTESTANTS = {contestant.name: contestant for contestant in (EpollEcho, Ours)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def load_modules(httpd):
    """LoadModule lines for those of DEBIAN_MODULES that are not compiled in."""
    compiled_in = subprocess.run([httpd, "-l"], capture_output=True, text=True, check=True).stdout
    apxs = shutil.which("apxs") or shutil.which("apxs2")
    directory = "/usr/lib/apache2/modules"
    if apxs:
        directory = subprocess.run([apxs, "-q", "LIBEXECDIR"], capture_output=True, text=True,
                                   check=True).stdout.strip()
    return "\n".join(f'LoadModule {name}_module "{directory}/mod_{name}.so"'
                     for name in DEBIAN_MODULES if f"mod_{name}.c" not in compiled_in)


def user_directives():
    """httpd does not serve as root; Debian's user for it is www-data."""
    if os.geteuid() != 0:
        return ""
    for name in ("www-data", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return f"User {name}\nGroup #{entry.pw_gid}"
        except KeyError:
            continue
    return ""


def wait_for_port(port, process, log, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log.read_text(errors="replace") if log.exists() else ""
            raise RuntimeError(f"httpd did not start; its error log says: {said}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("httpd does not answer")
