"""A PostgreSQL server of a test's own, on a Unix socket."""
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .processes import stop

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


class PostgreSql:
    """Runs as the user of Debian's package where the test is root, which PostgreSQL refuses to be."""

    def __init__(self):
        self.programs = PROGRAMS[-1].parent
        self.root = Path(tempfile.mkdtemp(prefix="cppwebsocket-pg-"))
        self.root.chmod(0o755)  # httpd's user has to come to the socket
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self.user:
            os.chown(self.root, self.user.pw_uid, self.user.pw_gid)
        self.conninfo = f"host={self.root} user=tester dbname=postgres"
        self.process = None

    def as_user(self):
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}

    def run(self, program, *arguments):
        return subprocess.run([self.programs / program, *arguments], text=True, cwd=self.root, timeout=300,
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self.as_user()).stdout

    def start(self):
        self.run("initdb", "-D", self.root / "data", "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C",
                 "--no-sync", "--no-instructions")
        with open(self.root / "log", "w") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.root / "data", "-k", self.root, "-c", "listen_addresses=",
                 "-c", "fsync=off"], stdout=log, stderr=log, cwd=self.root, **self.as_user())
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(subprocess.CalledProcessError):
                self.ask("SELECT 1")
                return self
            time.sleep(0.05)
        raise RuntimeError("PostgreSQL does not start:\n" + (self.root / "log").read_text())

    def ask(self, query):
        """The answer's values, a row a line."""
        return self.run("psql", "-X", "-A", "-t", "-q", "-d", self.conninfo, "-c", query).strip()

    def close(self):
        if self.process:
            stop(self.process)  # SIGTERM: waits for the clients
        shutil.rmtree(self.root, ignore_errors=True)
