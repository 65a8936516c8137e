"""Proxies in front, as docs/proxies.md configures them, and with its time limits."""
import re
from concurrent.futures import ThreadPoolExecutor

import report
from harness import build, proxies, proxy_kinds
from harness.through import Through
from report import YES, Expected, Row

TITLE = "Proxies"
ABOUT = """Each as [proxies.md](proxies.md) configures it, with its time limits, in front of an httpd with our
defaults. *echo*: texts up to 1 MiB; *origin*: the site's own pages are let in, others are not; *scheme*: the same where
httpd has the proxy's word for it; *address*: httpd has the client's, whatever the client says of itself; *events*: an event
stream and a subscriber get each message when it is posted; *idle*: 70 seconds in which only our pings go; *reload*: what is
open goes on. The last column is what a browser may do over an HTTP/2 connection to the proxy; else it takes HTTP/1.1 for
WebSockets, by itself."""
QUESTIONS = {
    "echo": Through.echo,
    "origin": Through.origins,
    "address": lambda through: (through.address_of_client(), through.forged_address()),
    "events": Through.events,
    "idle": lambda through: through.idle(70),
    "reload": Through.reload,
    "HTTP/2": Through.over_http2,
}
COLUMNS = ("echo", "origin", "scheme", "address", "events", "idle", "reload", "HTTP/2")
KINDS = (proxy_kinds.Nginx, proxy_kinds.Haproxy, proxy_kinds.HaproxyH2Behind, proxy_kinds.Varnish,
         proxy_kinds.VarnishBehindHitch, proxy_kinds.Caddy, proxy_kinds.Stunnel, proxy_kinds.Hitch,
         proxy_kinds.HttpdInFront, proxy_kinds.Lighttpd, proxy_kinds.Squid)
PACKAGES = tuple(kind.package for kind in KINDS) + ("lighttpd-mod-openssl",)

ONE_BY_ONE = Expected("pages, posts and events only", "it has no RFC 8441 in this version.")
NO_HTTP2 = Expected("no HTTP/2", "it negotiates no protocol as it is configured.")
EXPECTED = {
    ("nginx", "HTTP/2"): ONE_BY_ONE,
    ("Caddy", "HTTP/2"): ONE_BY_ONE,
    ("httpd", "HTTP/2"): Expected("pages, posts and events only",
                                  "`H2WebSockets` is off there, for six of them would hold up a page's requests."),
    ("stunnel", "HTTP/2"): NO_HTTP2,
    ("hitch", "HTTP/2"): NO_HTTP2,
    ("Varnish behind hitch", "HTTP/2"): NO_HTTP2,
    ("Caddy", "reload"): Expected("the WebSocket is closed with 1001",
                                  "it closes WebSockets at a reload, in order; event streams go on."),
}


def answer(question, through):
    try:
        question(through)
    except AssertionError as difference:
        return str(difference).split("\n")[0]
    except (OSError, EOFError) as error:
        return f"{type(error).__name__}: {error}"
    return YES


def look(kind, behind):
    with kind(behind) as proxy:
        through = Through(proxy)
        results = {name: answer(question, through) for name, question in QUESTIONS.items()
                   if name != "HTTP/2" or proxy.scheme == "https"}
    if kind.by_its_word:
        results["scheme"] = results["origin"]
    elif re.search(proxy_kinds.BY_ITS_WORD[0], kind.block()):
        with kind(behind, [proxy_kinds.BY_ITS_WORD]) as proxy:
            results["scheme"] = answer(QUESTIONS["origin"], Through(proxy))
    return Row(kind.name, report.debian_version(kind.package), results)


def rows():
    behind = proxies.Behind("event", build.all_handlers())
    behind.httpd.start()
    try:
        kinds = [kind for kind in KINDS if report.wanted(kind.name)]
        with ThreadPoolExecutor(len(kinds)) as pool:
            yield from pool.map(lambda kind: look(kind, behind), kinds)
    finally:
        assert not behind.httpd.close()
