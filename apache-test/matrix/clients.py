"""Client stacks: each sends back what examiner_wsh.cpp sends it, over ws, wss and HTTP/2."""
import itertools
import os
import platform
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import install
from client_stacks import NPM, STACKS
from harness import build, tls
from harness.httpd import Httpd
from harness.log import Log
from report import NONE, YES, Expected, Row, debian_version, wanted

TITLE = "Clients"
ABOUT = """\
*ws*: a Japanese text, the empty one, texts and binaries of 125, 126, 65535, 65536 bytes and 1 MiB,
similar messages, silence of more than two ping intervals, and then the server's Close. *wss*: the same
over TLS, from a server that offers HTTP/2. *HTTP/2*: the same and a refusal, of clients that go there by
themselves; their *wss* is from a server without it. *compression*: the same messages with
permessage-deflate. *closes*: the client's own Close, with a code. *subprotocol*: offers two, gets the
second. *refusal*: is answered 403, and says so."""
COLUMNS = ("ws", "wss", "HTTP/2", "compression", "closes", "subprotocol", "refusal")
PACKAGES = tuple(sorted({package for stack in STACKS for package in stack.packages}))
EXPECTED = {
    ("Go: x/net/websocket", "closes"): Expected(
        "closed 1000 instead of closed 4002", "its `Close` takes no code."),
    ("JavaScript: Node.js 26.0", "HTTP/2"): Expected(
        "nothing instead of refused", "it tells neither an error nor a close when it is refused over HTTP/2."),
    ("Tcl: tcllib", "closes"): Expected(
        "nothing instead of closed 4002", "its `close` ends the connection without a Close frame."),
}

HERE = Path(__file__).resolve().parent
FOLDER = install.FOLDER / "clients"
CONFIG = """
WebSocketAlias /deflate /examiner
WebSocketAlias /browser-examiner /examiner
WebSocketAlias /browser-deflate /examiner
WebSocketMaxMessageSize 2M
<LocationMatch "deflate$">
  WebSocketCompression On
</LocationMatch>
<LocationMatch "^/browser-">
  WebSocketOrigin http://127.0.0.1:*
</LocationMatch>
LogFormat "%H %>s %U%q" over
CustomLog {root}/logs/over.log over
"""
H2 = "Protocols h2 http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\nWebSocketFilterConnections 40\n"

numbers = itertools.count()


def servers(stack):
    """The httpds: without TLS, with it, and with HTTP/2 on it."""
    handlers = {"examiner": build.compile_handler(HERE / "examiner_wsh.cpp")}

    def start(config="", **options):
        httpd = Httpd("event", handlers, CONFIG + config, **options)
        stack.callback(end, httpd)
        httpd.allow_log("as it was asked for")
        return httpd.start()

    def end(httpd):
        if problems := httpd.close():
            raise RuntimeError("unexpected of httpd:\n" + "\n".join(problems))

    return SimpleNamespace(ws=start(), wss=start(tls_config=""),
                           h2=start(H2, tls_config="", modules=("http2",)))


class CannotBeBuilt(Exception):
    """Its words are the compiler's."""


# --- one client -------------------------------------------------------------------------------------


def command_of(stack):
    """What runs its program; built if that is older than its source."""
    source = HERE / "clients" / stack.program
    made = FOLDER / "built" / source.stem
    if stack.build and not (made.exists() and made.stat().st_mtime > source.stat().st_mtime):
        made.parent.mkdir(parents=True, exist_ok=True)
        command = [part.replace("{out}", str(made)).replace("{}", str(source)) for part in stack.build]
        done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace")
            raise CannotBeBuilt(next((line for line in said.splitlines() if "rror" in line), said)[:200])
    return [part.replace("{}", str(made if stack.build else source)) for part in stack.run]


def environment():
    ca = tls.certificates().path("ca.crt")
    return dict(os.environ, CA=ca, SSL_CERT_FILE=ca, NODE_EXTRA_CA_CERTS=ca, DENO_CERT=ca,
                NPM=str(FOLDER / "npm"), HOME=str(FOLDER), GO111MODULE="off", GOPATH="/usr/share/gocode",
                GOCACHE=str(FOLDER / "go"), CRYSTAL_CACHE_DIR=str(FOLDER / "crystal"), NO_COLOR="1")


@dataclass
class Seen:
    told: list     # lines of the client: "open two", "closed 4001"
    reports: list  # of the examiner
    over: str      # the version of HTTP
    error: str

    @property
    def messages(self):
        if "good" in self.reports:
            return YES
        bad = [each for each in self.reports if not each.startswith(("open", "closed"))]
        return (bad + self.told[-1:] + [self.error or "says nothing"])[0]


def talk(httpd, stack, query="", *protocols, path="examiner"):
    run = f"{stack.slug}-{next(numbers)}"
    mark = httpd.error_log.mark()
    scheme = "wss" if httpd.wrap else "ws"
    url = f"{scheme}://127.0.0.1:{httpd.port}{stack.prefix}{path}?run={run}{stack.query}{query}"
    try:
        done = subprocess.run([*command_of(stack), url, *protocols], env=environment(), timeout=90, cwd=FOLDER,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.TimeoutExpired as late:
        done = SimpleNamespace(stdout=late.stdout or b"", stderr=b"does not end")
    told = done.stdout.decode(errors="replace").split("\n")[:-1]
    if told and told[0].startswith("open"):
        lines_with(httpd.error_log, f"examiner: {run}: (closed|lost|no answer|.* came back)", mark)
    reports = [line.split(f"examiner: {run}: ")[1] for line in httpd.error_log.find(f"examiner: {run}: ", mark)]
    over = [line.split()[0]
            for line in lines_with(Log(httpd.root / "logs/over.log"), f"run={run}(&|$)")]
    return Seen(told, [re.sub(", referer: .*", "", each) for each in reports], "".join(over[-1:]),
                done.stderr.decode(errors="replace").strip().split("\n")[-1][:120])


def lines_with(log, pattern, mark=0):
    """Those that come soon, if any."""
    try:
        return log.wait_for(pattern, mark)
    except AssertionError:
        return []


def compare(expected, seen):
    return YES if expected == seen else f"{seen or 'nothing'} instead of {expected}"


def closing(stack, seen):
    """After the server's Close: what the client has told of it, and answered."""
    if seen.messages != YES:
        return seen.messages
    told = seen.told[-1] if seen.told else ""
    return compare("closed 4001" if stack.tells_code else "closed", told if stack.tells_code else told[:6])


def refused(stack, seen):
    return compare("refused 403" if stack.tells_status else "refused",
                   "".join(seen.told[:1]) if stack.tells_status else "".join(seen.told[:1])[:7])


def over_http2(stack, httpd):
    seen = talk(httpd, stack, "&idle")
    if seen.over != "HTTP/2.0":
        return f"over {seen.over or 'nothing'}"
    result = closing(stack, seen)
    return result if result != YES else refused(stack, talk(httpd, stack, "&refuse"))


def compression(stack, httpd):
    seen = talk(httpd, stack, path="deflate")
    if seen.messages == YES and seen.reports[0] != "open compressed":
        return "offers none"
    return closing(stack, seen)


def subprotocol(stack, httpd):
    seen = talk(httpd, stack, "", "one,two")
    told = seen.told[0] if seen.told else seen.error
    return compare("open two" if stack.tells_choice else "open", told if stack.tells_choice else told[:4])


def closes(stack, httpd):
    seen = talk(httpd, stack, "&end=client")
    codes = [each for each in seen.reports if each.startswith("closed")]
    return seen.messages if seen.messages != YES else compare("closed 4002", "".join(codes[:1]))


def row_of(stack, servers):
    wss = servers.h2 if "HTTP/2" in stack.lacks else servers.wss
    tests = {
        "ws": lambda: closing(stack, talk(servers.ws, stack, "&idle")),
        "wss": lambda: closing(stack, talk(wss, stack, "&idle")),
        "HTTP/2": lambda: over_http2(stack, servers.h2),
        "compression": lambda: compression(stack, servers.ws),
        "closes": lambda: closes(stack, servers.ws),
        "subprotocol": lambda: subprotocol(stack, servers.ws),
        "refusal": lambda: refused(stack, talk(servers.ws, stack, "&refuse")),
    }
    try:
        command_of(stack)
        results = {column: NONE if column in stack.lacks else test() for column, test in tests.items()}
    except CannotBeBuilt as error:
        results = {column: f"cannot be built: {error}" for column in tests}
    return Row(stack.name, stack.version or debian_version(stack.packages[0]), results)


def rows():
    if platform.machine() != "x86_64":
        raise SystemExit("the matrix of clients: npm's packages of JavaScript runtimes are for x86_64")
    install.npm("clients", NPM)
    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
        here = servers(stack)
        yield from pool.map(lambda each: row_of(each, here), [each for each in STACKS if wanted(each.name)])
