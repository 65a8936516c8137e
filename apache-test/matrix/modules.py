"""Modules of httpd: each in an httpd of its own, loaded and switched on for the paths that are asked."""
import json
import signal
import subprocess
import time

import report
from harness import build, installed, tls
from harness.configuration import MODULES
from harness.event_stream import open_stream
from harness.httpd import Httpd
from harness.processes import free_port
from report import YES, Expected, Row
from module_table import ENTRIES

TITLE = "Modules of httpd"
ABOUT = ("Each module in a private httpd, switched on for the paths asked. *ws*, *wss*: three texts and 64 KiB "
         "echoed, and the close; *events*: an event stream with what is published; *publish*: a POST and the "
         "history; *refusals*: a bad key, another origin; *page*: a file, or what the module itself answers; "
         "*child*: an application and WebSockets in one child, over a graceful restart.")
COLUMNS = ("ws", "wss", "events", "publish", "refusals", "page", "child")
# What the unpacked modules are linked with; see scripts/httpd-modules.
PACKAGES = ("libargon2-1", "libcap2", "libcurl3-gnutls", "liblua5.1-0", "libperl5.36", "libpython3.11",
            "libsodium23", "libxml2", "libyajl2")

ALONE = "501, and a line in the log that says what to do"
PROCESSES = "it forks a process for each connection, without this module's threads"
EXPECTED = {("mpm_itk", column): Expected(ALONE, PROCESSES)
            for column in ("ws", "wss", "events", "publish", "refusals")}

END_POINTS = """
WebSocketFilterConnections 2
<Location /publish>
  SetHandler websocket-publish
  WebSocketChannelHistory 10
</Location>
<Location /subscribe>
  SetHandler websocket-subscribe
</Location>
"""
ONE_AND_ITS_SUCCESSOR = {
    "event": "ServerLimit 2\nStartServers 1\nMinSpareThreads 1\nMaxSpareThreads 50\nThreadLimit 25\n"
             "ThreadsPerChild 25\nMaxRequestWorkers 50",
    "prefork": "ServerLimit 10\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 10",
}
TEXTS = ("", "日本語", "x" * 65_536)


class Trial:
    """One module's httpd, and what is asked of it."""

    def __init__(self, entry, handlers):
        self.entry = entry
        self.tls_port = free_port()
        config = tls.SESSION_CACHE + installed.load_others(**entry.others) + END_POINTS + entry.config
        if entry.wss:
            config += (f"\nListen 127.0.0.1:{self.tls_port}\n<VirtualHost 127.0.0.1:{self.tls_port}>\n"
                       f"{tls.config()}{entry.config if entry.in_hosts else ''}</VirtualHost>\n")
        wanted = dict.fromkeys((*entry.modules, *(tls.MODULES if entry.wss else ())))
        modules = [name for name in wanted if name not in MODULES]
        self.httpd = Httpd(entry.mpm, handlers, config, modules=modules, files=entry.files,
                           directories=("cache", "store", "pages"), mpm_config=ONE_AND_ITS_SUCCESSOR)
        for name in ("cache", "store", "run"):
            (self.httpd.root / name).chmod(0o777)
        (self.httpd.root / "htdocs/.htaccess").write_text(entry.htaccess)

    def post(self, channel, text):
        head = "".join(f"{name}: {value}\r\n" for name, value in self.entry.headers.items())
        with self.httpd.connect() as connection:
            return connection.ask((f"POST /publish/{channel} HTTP/1.1\r\nHost: 127.0.0.1:{self.httpd.port}\r\n"
                                   f"{head}Content-Length: {len(text)}\r\n\r\n{text}").encode())

    def open(self, path="/echo", **options):
        return self.httpd.open(path, headers=dict(self.entry.headers), **options)

    # --- the columns ---------------------------------------------------------------------------------

    def echo(self, ws):
        for text in TEXTS:
            assert ws.ask_text(text) == text, f"{len(text)} characters did not come back"
        ws.close(4000, "bye")

    def ws(self):
        with self.open() as ws:
            self.echo(ws)

    def wss(self):
        from harness.raw import Connection
        connection = Connection(("127.0.0.1", self.tls_port), wrap=tls.wrap)
        with connection.upgrade("/echo", host=f"127.0.0.1:{self.tls_port}",
                                headers=dict(self.entry.headers)) as ws:
            self.echo(ws)

    def events(self):
        with open_stream(self.httpd, "/subscribe/news", dict(self.entry.headers)) as stream:
            stream.wait_id()
            for text in ("one", "two"):
                self.post("news", text)
            assert stream.texts(2) == ["one", "two"], "other events"

    def publish(self):
        answer = self.post("history", "hello")
        assert answer.status == 200, f"{answer.status}"
        assert json.loads(answer.body)["channel"] == "history"
        lines = [f"{name}: {value}" for name, value in self.entry.headers.items()]
        history = json.loads(self.httpd.get("/publish/history", headers=lines).body)
        assert [each["data"] for each in history["messages"]] == ["hello"], "another history"

    def refusals(self):
        for headers, status in (({"Sec-WebSocket-Key": "x"}, 400), ({"Origin": "http://other.example"}, 403)):
            answer = self.httpd.ask("/echo", headers=self.entry.headers | headers)
            assert answer.status == status, f"{answer.status} instead of {status}"

    def page(self):
        path, status, part = self.entry.page
        lines = [f"{name}: {value}" for name, value in self.entry.headers.items()]
        answer = self.httpd.get(path, headers=lines)
        assert answer.status == status and part in answer.body, f"{answer.status} {answer.body[:60]!r}"

    def child(self):
        """The application tells its process, and fails when it is asked for /app/fail."""
        def process():
            return int(self.httpd.get("/app").body)
        assert process() in self.httpd.children()
        with self.open() as ws:
            for i in range(20):
                assert self.httpd.get("/app/fail").status == 500
                first = process()
                assert ws.ask_text(f"{i}") == f"{i}"
            self.httpd.process.send_signal(signal.SIGUSR1)
            assert ws.read_close()[0] == 1001
            deadline = time.monotonic() + 20
            while process() == first:
                assert time.monotonic() < deadline, "the child stays"
                time.sleep(0.1)
        self.ws()

    # --- all of them ---------------------------------------------------------------------------------

    def results(self):
        self.httpd.allow_log(self.entry.log)
        self.httpd.start()
        found = {}
        columns = [name for name in COLUMNS if name not in ("wss", "child") or getattr(self.entry, name)]
        for name in columns:
            try:
                getattr(self, name)()
                found[name] = YES
            except Exception as error:  # whatever it is, it is what differs
                found[name] = self.sentence(error)
        self.httpd.allow_log(self.entry.log)
        if problems := self.httpd.close():
            found["page"] = problems[0]
        return found

    def sentence(self, error):
        said = str(error).split("\n")[0] or type(error).__name__
        if "501" in said and self.httpd.error_log.find("CWS0060: refused"):
            return ALONE
        return said[:200]


def version_of(entry):
    if not entry.package:
        return report.httpd_version()
    name, = (installed.UNPACKED / "packages").glob(f"{entry.package}_*.deb")
    return name.name.split("_")[1].split("%3a")[-1].rsplit("-", 1)[0]


def rows():
    entries = [entry for entry in ENTRIES if report.wanted(entry.name)]
    packages = [package for entry in entries for package in (entry.package, *entry.needs) if package]
    if packages:
        subprocess.run([build.SOURCE / "scripts/httpd-modules", *packages], check=True)
    handlers = build.all_handlers()
    for entry in entries:
        try:
            results = Trial(entry, handlers).results()
        except RuntimeError as error:
            results = {"page": " ".join(str(error).split("\n")[:2])[:300]}
        yield Row(entry.name, version_of(entry), results)
