"""A private httpd on a free loopback port, configured as Debian ships it."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from . import build, installed, processes, tls
from .configuration import CONFIG, MODULES, MPM, ONE_CHILD
from .log import Log
from .processes import free_port
from .raw import Connection
from .verdict import MPMS_WORDS, TOLERATED, is_mpms_own_death, remarks


class Httpd:
    def __init__(self, mpm, handlers, config="", *, one_child=False, mpm_config=None,
                 modules=(), files=None, directories=(), tls_config=None):
        """`handlers`: {"echo": path of the .so}. `config` may use {root} and {port}.
        `mpm_config`: the lines for each MPM. `modules`: httpd's, besides the usual ones.
        `files`: {"name": text} and `directories` are made in the root.
        `tls_config`: the whole server speaks TLS, with these lines, and so does connect()."""
        self.mpm = mpm
        self.module = build.MODULE
        self.modules = (f"mpm_{mpm}", *MODULES, *modules)
        self.root = Path(tempfile.mkdtemp(prefix="cppwebsocket-test-"))
        self.root.chmod(0o755)
        for name in ("run", "logs", "htdocs", "handlers", "reports", "cores"):
            (self.root / name).mkdir()
        for name in ("reports", "cores"):  # written by the children
            (self.root / name).chmod(0o777)
        (self.root / "htdocs/index.html").write_text("<p>It works</p>\n")
        (self.root / "mime.types").write_text("text/html html\ntext/plain txt\ntext/javascript js\ntext/css css\n"
                                              "image/svg+xml svg\n")
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
        if "H2WebSockets" in config and installed.version() < (2, 4, 60):
            pytest.skip("httpd below 2.4.60 has no WebSockets over HTTP/2")
        if "ssl" in self.modules and installed.version() < (2, 4, 52):
            pytest.skip("mod_ssl of httpd below 2.4.52 does not load with OpenSSL 3")
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
        config = self.config.replace("{root}", str(self.root)).replace("{port}", str(self.port))
        self.config_file.write_text(CONFIG.format(
            root=self.root, port=self.port, modules=installed.load_modules(self.modules),
            module=self.module, mpm=self.mpm_config, config=config, user=installed.user_directives()),
            errors="surrogateescape")  # "\udcXX": a byte that is not UTF-8

    def environment(self):
        env = dict(os.environ, LANG="C")
        if apr := os.environ.get("CPPWEBSOCKET_APR"):  # scripts/build-debug-apr makes one
            env["LD_LIBRARY_PATH"] = apr
        supp = build.TESTS / "harness"
        reports = f"log_path={self.root}/reports/report"
        if build.SANITIZER == "address":
            env["LD_PRELOAD"] = " ".join(build.compiler_file(f"lib{n}.so") for n in ("asan", "ubsan"))
            # The interceptor of __tls_get_addr guesses what stands before a library's thread-local
            # block, and where the block begins 16 bytes behind a page (libgnutls's did) guesses wrong:
            # LeakSanitizer would then read at an address that is none.
            env["ASAN_OPTIONS"] = (f"{reports}:detect_leaks=1:fast_unwind_on_malloc=0:"
                                   "intercept_tls_get_addr=0")
            env["UBSAN_OPTIONS"] = f"{reports}:print_stacktrace=1"
            env["LSAN_OPTIONS"] = f"suppressions={supp}/lsan.supp:print_suppressions=0"
        elif build.SANITIZER == "thread":
            env["LD_PRELOAD"] = build.compiler_file("libtsan.so")
            env["TSAN_OPTIONS"] = (f"{reports}:suppressions={supp}/tsan.supp:"
                                   "print_suppressions=0:second_deadlock_stack=1:history_size=4")
        return env

    def command(self, *arguments):
        return [installed.PROGRAM, "-d", str(self.root), "-f", str(self.config_file), *arguments]

    def check_config(self):
        """What `httpd -t` says: (exit code, text)."""
        self.write_config()
        done = subprocess.run(self.command("-t"), env=self.environment(), text=True, errors="replace",
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
            processes.allow_core(self.process)
            if self.wait_ready():
                return self
            said = "\n".join(self.console.lines() + self.error_log.lines()[-20:])
            if "could not bind" not in said and "Address already in use" not in said:
                break
            self.port = free_port()  # somebody else was quicker
            self.console.checked = self.console.mark()
        self.stop()
        found = [problem for problem in self.problems() if problem not in said]
        raise RuntimeError("httpd did not start:\n" + "\n".join([said, *found]))

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
            processes.stop(self.process, how, timeout)
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
        """The faults since the last call: in the logs, of a sanitizer, cores."""
        if build.SANITIZER:
            self.tolerate("sanitizer")
        is_to_die = any("exit signal" in pattern for pattern in self.error_log.announced)
        found = self.error_log.faults() + self.console.faults()
        for core in sorted((self.root / "cores").iterdir()):
            if not is_to_die:
                stacks = processes.stacks_of(core, installed.PROGRAM)
                if is_mpms_own_death(stacks):
                    found = [line for line in found if not MPMS_WORDS.search(line)]
                    remarks.add("the MPM's exit() in its handler of SIGTERM has met malloc()")
                    core.unlink()
                    continue
                found.append(f"a child left a core: {core.name}\n{stacks}")
            core.unlink()
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

    def tolerate(self, circumstance):
        """Announces what harness/verdict.py tolerates in it."""
        self.allow_log(TOLERATED[circumstance][0])

    def graceful(self):
        """SIGUSR1, and waits until the new generation answers."""
        mark = self.error_log.mark()
        self.process.send_signal(signal.SIGUSR1)
        self.error_log.wait_for("AH00(489|163|292|493|094)", mark, 20)  # "resuming", "restart"
        time.sleep(0.1)
        assert self.wait_ready()

    # --- looking at it ---------------------------------------------------------------------------

    def children(self):
        return processes.children_of(self.process.pid)

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
