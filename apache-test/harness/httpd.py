"""A private httpd on a free loopback port, configured as Debian ships it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import build, tls
from .log import Log
from .raw import Connection

APACHE = os.environ.get("CPPWEBSOCKET_HTTPD") or next(
    (path for name in ("apache2", "httpd")
     if (path := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin"))), "apache2")
APACHE_MODULES = Path(os.environ.get("CPPWEBSOCKET_HTTPD_MODULES", "/usr/lib/apache2/modules"))

# Debian's default set, and three that tests need.
MODULES = ("access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user "
           "autoindex deflate dir env filter mime negotiation reqtimeout setenvif status "
           "headers rewrite remoteip").split()

# Debian's mpm_*.conf.
MPM = {
    "event": "StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadLimit 64\n"
             "ThreadsPerChild 25\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0",
    "worker": "StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadLimit 64\n"
              "ThreadsPerChild 25\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0",
    "prefork": "StartServers 5\nMinSpareServers 5\nMaxSpareServers 10\nMaxRequestWorkers 150\n"
               "MaxConnectionsPerChild 0",
}
# One child that everything lands in: for limits, and for looking at its memory and descriptors.
ONE_CHILD = {
    "event": "ServerLimit 1\nStartServers 1\nMinSpareThreads 1\nMaxSpareThreads 50\n"
             "ThreadLimit 25\nThreadsPerChild 25\nMaxRequestWorkers 25",
    "prefork": "ServerLimit 1\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\n"
               "MaxRequestWorkers 1",
}
ONE_CHILD["worker"] = ONE_CHILD["event"]

CONFIG = """\
ServerRoot "{root}"
DefaultRuntimeDir "{root}/run"
PidFile "{root}/run/httpd.pid"
CoreDumpDirectory "{root}/cores"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
{user}
{modules}
{mpm}
Timeout 60
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
HostnameLookups Off
GracefulShutdownTimeout 10
<IfModule reqtimeout_module>
  RequestReadTimeout header=20-40,minrate=500
  RequestReadTimeout body=10,minrate=500
</IfModule>
ErrorLog "{root}/logs/error.log"
LogLevel info cppwebsocket:debug
LogFormat "%h %l %u %t \\"%r\\" %>s %O %D" common
CustomLog "{root}/logs/access.log" common
TypesConfig "{root}/mime.types"
AddOutputFilterByType DEFLATE text/html text/plain text/css
DocumentRoot "{root}/htdocs"
DirectoryIndex index.html
AccessFileName .htaccess
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
WebSocketHandlerRoot "{root}/handlers"
WebSocketDrainTimeout 500ms
{config}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Httpd:
    def __init__(self, mpm, handlers, config="", *, one_child=False, mpm_config=None,
                 modules=(), files=None, directories=(), tls_config=None):
        """`handlers`: {"echo": path of the .so}. `config` may use {root} and {port}.
        `mpm_config`: the lines for each MPM. `modules`: httpd's, besides the usual ones.
        `files`: {"name": text} and `directories` are made in the root.
        `tls_config`: the whole server speaks TLS, with these lines, and so does connect()."""
        self.mpm = mpm
        self.modules = (f"mpm_{mpm}", *MODULES, *modules)
        self.root = Path(tempfile.mkdtemp(prefix="cppwebsocket-test-"))
        self.root.chmod(0o755)
        for name in ("run", "logs", "htdocs", "handlers", "reports", "cores"):
            (self.root / name).mkdir()
        for name in ("reports", "cores"):  # written by the children
            (self.root / name).chmod(0o777)
        (self.root / "htdocs/index.html").write_text("<p>It works</p>\n")
        (self.root / "mime.types").write_text("text/html html\ntext/plain txt\n")
        for name, content in (files or {}).items():
            (self.root / name).write_text(content)
        for name in directories:
            (self.root / name).mkdir()
        self.handler_root = self.root / "handlers"
        for name, built in handlers.items():
            build.install(built, self.handler_root / f"{name}_wsh.so")
        self.wrap = None
        if tls_config is not None:
            self.modules += tls.MODULES
            self.wrap = tls.wrap
            config = tls.SESSION_CACHE + tls.config(tls_config) + config
        self.config = config
        self.one_child = one_child
        self.mpm_config = (mpm_config or (ONE_CHILD if one_child else MPM))[mpm]
        self.error_log = Log(self.root / "logs/error.log")
        self.access_log = Log(self.root / "logs/access.log")
        self.console = Log(self.root / "logs/console.log")
        self.process = None
        self.port = free_port()

    # --- configuration -----------------------------------------------------------------------

    @property
    def address(self):
        return "127.0.0.1", self.port

    @property
    def config_file(self):
        return self.root / "httpd.conf"

    def write_config(self):
        modules = [f'LoadModule {name}_module "{APACHE_MODULES}/mod_{name}.so"'
                   for name in self.modules]
        modules.append(f'LoadModule cppwebsocket_module "{build.MODULE}"')
        config = self.config.replace("{root}", str(self.root)).replace("{port}", str(self.port))
        self.config_file.write_text(CONFIG.format(
            root=self.root, port=self.port, modules="\n".join(modules), mpm=self.mpm_config,
            config=config, user="User www-data\nGroup www-data" if os.geteuid() == 0 else ""))

    def environment(self):
        env = dict(os.environ, LANG="C")
        if apr := os.environ.get("CPPWEBSOCKET_APR"):  # scripts/build-debug-apr makes one
            env["LD_LIBRARY_PATH"] = apr
        supp = build.TESTS / "harness"
        reports = f"log_path={self.root}/reports/report"
        if build.SANITIZER == "address":
            env["LD_PRELOAD"] = " ".join(build.compiler_file(f"lib{n}.so") for n in ("asan", "ubsan"))
            env["ASAN_OPTIONS"] = f"{reports}:detect_leaks=1:fast_unwind_on_malloc=0"
            env["UBSAN_OPTIONS"] = f"{reports}:print_stacktrace=1"
            env["LSAN_OPTIONS"] = f"suppressions={supp}/lsan.supp:print_suppressions=0"
        elif build.SANITIZER == "thread":
            env["LD_PRELOAD"] = build.compiler_file("libtsan.so")
            env["TSAN_OPTIONS"] = (f"{reports}:suppressions={supp}/tsan.supp:"
                                   "print_suppressions=0:second_deadlock_stack=1:history_size=4")
        return env

    def command(self, *arguments):
        return [APACHE, "-d", str(self.root), "-f", str(self.config_file), *arguments]

    def check_config(self):
        """What `httpd -t` says: (exit code, text)."""
        self.write_config()
        done = subprocess.run(self.command("-t"), env=self.environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.returncode, done.stdout

    # --- life ----------------------------------------------------------------------------------

    def start(self):
        for _ in range(5):
            self.write_config()
            with open(self.console.path, "a") as console:
                self.process = subprocess.Popen(self.command("-DFOREGROUND"), stdout=console,
                                                stderr=console, env=self.environment(),
                                                start_new_session=True)
            if self.wait_ready():
                return self
            said = "\n".join(self.console.lines() + self.error_log.lines()[-20:])
            if "could not bind" not in said and "Address already in use" not in said:
                break
            self.port = free_port()
        raise RuntimeError(f"httpd did not start:\n{said}")

    def wait_ready(self, timeout=20.0 if not build.SANITIZER else 60.0):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get("/index.html").status == 200:
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self, how=signal.SIGTERM, timeout=20.0):
        if self.process is None:
            return 0
        if self.process.poll() is None:
            # event.c, close_worker_sockets: a child crashes if SIGTERM comes in the instant in
            # which a worker is done with a connection. Not ours; so let the workers finish.
            time.sleep(0.1)
            self.process.send_signal(how)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)  # our own session
                self.process.wait()
        code, self.process = self.process.returncode, None
        return code

    def close(self):
        """Stops it, judges what is left in the log, and removes its files."""
        code = self.stop()
        problems = self.problems()
        if code != 0:
            problems.append(f"httpd ended with {code}")
        shutil.rmtree(self.root, ignore_errors=True)
        return problems

    def problems(self):
        if build.SANITIZER:  # looking for leaks takes longer than httpd likes to wait
            self.allow_log("AH00045: child process .* still did not exit")
        if self.one_child:  # on prefork it is the one worker, and may be busy when httpd looks
            self.allow_log("AH00161")
        found = self.error_log.unannounced() + self.console.unannounced()
        for report in sorted((self.root / "reports").glob("report*")):
            found.append(f"{report.name}:\n{report.read_text(errors='replace')[:8000]}")
            report.unlink()
        return found

    def expect_log(self, pattern, timeout=5.0):
        """Announces a loud line of the error log, and waits for it."""
        self.error_log.announced.append(pattern)
        return self.error_log.wait_for(pattern, self.error_log.checked, timeout)

    def allow_log(self, pattern):
        """Announces a loud line that may come."""
        self.error_log.announced.append(pattern)

    def graceful(self):
        """SIGUSR1, and waits until the new generation answers."""
        mark = self.error_log.mark()
        self.process.send_signal(signal.SIGUSR1)
        self.error_log.wait_for("AH00(489|163|292|493|094)", mark, 20)  # "resuming", "restart"
        time.sleep(0.1)
        assert self.wait_ready()

    # --- looking at it ---------------------------------------------------------------------------

    def children(self):
        pid = self.process.pid
        try:
            return [int(child)
                    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def descriptors(self):
        """How many each child has open, without the copies of handlers: a child of prefork may
        load one for the first time at any moment."""
        return {child: sum(not self.is_handler_copy(entry)
                           for entry in Path(f"/proc/{child}/fd").iterdir())
                for child in self.children()}

    @staticmethod
    def is_handler_copy(entry):
        try:
            return os.readlink(entry).startswith("/memfd:")
        except OSError:  # closed since
            return False

    def memory(self, child, field="VmRSS"):
        """A line of /proc/PID/status in bytes."""
        status = Path(f"/proc/{child}/status").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) * 1024

    def connect(self, **options):
        options.setdefault("wrap", self.wrap)
        return Connection(self.address, **options)

    def open(self, path="/echo", *, timeout=10.0, receive_buffer=None, wrap=None, **options):
        """A connection with its opening handshake done."""
        options.setdefault("host", f"127.0.0.1:{self.port}")
        connection = self.connect(timeout=timeout, receive_buffer=receive_buffer,
                                  wrap=wrap or self.wrap)
        return connection.upgrade(path, **options)

    def get(self, path, method="GET", headers=()):
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close",
                 *headers]
        with self.connect() as connection:
            return connection.ask(("\r\n".join(lines) + "\r\n\r\n").encode(),
                                  head_only=method == "HEAD")

    def ask(self, path="/echo", **options):
        """The response to an opening handshake that may be refused."""
        from .raw import upgrade_request
        options.setdefault("host", f"127.0.0.1:{self.port}")
        with self.connect() as connection:
            return connection.ask(upgrade_request(path, **options))
