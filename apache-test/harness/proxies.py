"""The proxies of docs/proxies.md, as that page configures them, each in front of an httpd. Only addresses,
certificates and time limits are a test's own."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from . import build, tls
from .configuration import END_POINTS
from .httpd import Httpd
from .processes import free_port, stop, wait_for_port

PAGE = build.SOURCE / "docs/proxies.md"
HOST = "www.example.com"
PATHS = os.environ.get("PATH", "") + ":/usr/sbin"


def blocks(section):
    """(what stands behind the fence, the text) of each block below the heading."""
    text = PAGE.read_text()
    assert f"\n## {section}\n" in text, f"{PAGE.name} has no section {section}"
    body = text.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    for indent, tag, block in re.findall(r"^( *)```(\w+[^\n]*)\n(.*?)^\1```$", body, re.M | re.S):
        yield tag, re.sub(rf"^{indent}", "", block, flags=re.M)


def replace(text, changes):
    """Each change is (pattern, replacement), and has to find something."""
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.M)
        assert count, f"{pattern} is not in the configuration of {PAGE.name}:\n{text}"
    return text


def certificate_folder():
    """With www.example.com.crt, .key, and .pem, which has both."""
    own = tls.certificates()
    pem = Path(own.path(f"{HOST}.pem"))
    if not pem.exists():
        tls.make_certificate(own.folder, HOST, names=(HOST,), issuer="ca")
        pem.write_text("".join(Path(own.path(f"{HOST}.{kind}")).read_text() for kind in ("crt", "key")))
        for kind in ("key", "pem"):
            Path(own.path(f"{HOST}.{kind}")).chmod(0o644)  # proxies read them as users of their own
    return own.folder


class Behind:
    """The httpd behind: all of the page's virtual hosts for it, each on a port of its own."""

    def __init__(self, mpm, handlers, config=""):
        self.ports = {}
        certificate_folder()  # before several proxies want it at once
        texts = [text for tag, text in blocks("httpd behind it") if tag == "apache behind"]
        texts += [text for tag, text in blocks("HAProxy") if tag == "apache behind" and mpm != "prefork"]
        self.httpd = Httpd(mpm, handlers, END_POINTS + config + "\n".join(map(self.placed, texts)),
                           modules=() if mpm == "prefork" else ("http2",))

    def placed(self, text):
        for port in re.findall(r"^Listen 127\.0\.0\.1:(\d+)$", text, re.M):
            self.ports[port] = free_port()
            text = replace(text, [(rf"127\.0\.0\.1:{port}\b", f"127.0.0.1:{self.ports[port]}")])
        return text


class Proxy:
    """One of them, running. A kind says how the page's text becomes a program's configuration."""

    name = None
    section = None      # of the page
    tag = None          # of its block there
    program = None
    package = None      # of Debian
    scheme = "https"    # of its front
    by_its_word = False  # httpd knows the scheme from it
    reload_signal = signal.SIGHUP

    def __init__(self, behind, changes=()):
        self.behind, self.changes = behind, list(changes)
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="cppwebsocket-proxy-"))
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self.process = None

    # --- what a kind says -------------------------------------------------------------------------

    SHORT = [(r"\b75(s?)\b", r"5\1")]  # changes that make its time limit 5 s; none: it has no limit

    def own_changes(self):
        """To its block; the ports behind and the certificates are changed already."""
        return [(r"\b443\b", f"127.0.0.1:{self.port}")]

    def whole(self, block):
        """The configuration file."""
        return block

    def command(self):
        raise NotImplementedError

    # --- its life ---------------------------------------------------------------------------------

    @classmethod
    def is_here(cls):
        return shutil.which(cls.program, path=PATHS) is not None

    @property
    def file(self):
        return self.folder / "configuration"

    @property
    def executable(self):
        return shutil.which(self.program, path=PATHS)

    @classmethod
    def block(cls):
        return next(text for tag, text in blocks(cls.section) if tag == cls.tag)

    def write(self):
        text = replace(self.block(), self.own_changes() + self.changes)
        for port, own in self.behind.ports.items():
            text = re.sub(rf"\b{port}\b", str(own), text)
        text = text.replace("/etc/ssl/", f"{certificate_folder()}/")
        self.file.write_text(self.whole(text))

    def start(self):
        assert self.is_here(), f"{self.program} is not installed"
        self.write()
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.folder, start_new_session=True)
        try:
            wait_for_port(self.port, self.process)
        except RuntimeError as error:
            said = self.log.read_text()[-3000:]
            self.close()
            raise RuntimeError(f"{error}:\n{said}") from None
        return self

    def reload(self):
        self.process.send_signal(self.reload_signal)

    def close(self):
        if self.process:
            stop(self.process)
            with contextlib.suppress(ProcessLookupError):  # some leave their old ones behind at a reload
                os.killpg(self.process.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
