"""Real proxies in front, each as docs/proxies.md configures it: what a browser does, an idle connection, a
reload. Those that are no part of `scripts/setup check` are looked at by matrix/run proxies."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import proxies, proxy_kinds
from harness.through import Through

# Our pings come each second, and the proxies' limits are five; at /silent there are no pings.
QUICK = """
WebSocketPingInterval 1s
WebSocketAlias /silent /echo
<Location "/silent">
  WebSocketPingInterval Off
</Location>
"""
KINDS = [proxy_kinds.HttpdInFront, proxy_kinds.Haproxy, proxy_kinds.HaproxyH2Behind, proxy_kinds.Stunnel,
         proxy_kinds.Nginx]


def why_not(kind, mpm):
    if mpm == "prefork" and kind is proxy_kinds.HaproxyH2Behind:
        return "mod_http2 does not support prefork"
    if kind is proxy_kinds.Nginx and not kind.is_here():
        return "nginx is not installed: as a package of Debian it would listen everywhere"
    return None


@pytest.fixture(scope="module")
def behind(mpm, handlers, running):
    server = proxies.Behind(mpm, handlers, QUICK)
    running.append(server.httpd)
    server.httpd.start()
    yield server
    running.remove(server.httpd)
    assert not server.httpd.close()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def through(request, behind, mpm):
    if why := why_not(request.param, mpm):
        pytest.skip(why)
    with request.param(behind) as proxy:
        yield Through(proxy)


class TestProxies:
    def test_cws_920_echo(self, through):
        through.echo()

    def test_cws_921_origins(self, through):
        through.origins()

    def test_cws_922_the_clients_address(self, through):
        through.address_of_client()
        through.forged_address()

    def test_cws_923_events(self, through):
        through.events()

    def test_cws_925_reload(self, through):
        through.reload()


@pytest.mark.parametrize("kind", [proxy_kinds.HttpdInFront, proxy_kinds.Haproxy, proxy_kinds.Nginx],
                         ids=lambda kind: kind.__name__)
def test_cws_927_the_proxys_word_about_the_scheme(behind, mpm, kind):
    if why := why_not(kind, mpm):
        pytest.skip(why)
    with kind(behind, [proxy_kinds.BY_ITS_WORD]) as proxy:
        Through(proxy).origins()
        Through(proxy).forged_address()


def test_cws_924_our_pings_keep_what_the_proxy_would_cut(behind, mpm):
    def look(kind):
        with kind(behind, kind.SHORT) as proxy:
            through = Through(proxy)
            through.idle(7)
            assert through.silence(60), f"{kind.__name__}: its limit is none"
    kinds = [kind for kind in KINDS if not why_not(kind, mpm)]
    with ThreadPoolExecutor(len(kinds)) as pool:
        list(pool.map(look, kinds))


@pytest.mark.parametrize("change, words", [
    (("ProxyPreserveHost On", "ProxyPreserveHost Off"),
     "origin https://www.example.com is not allowed; expected is https?://127.0.0.1:{port}. If a proxy in front "
     "has sent Host: 127.0.0.1:{port} instead of the browser's, it should pass that on .httpd: "
     "ProxyPreserveHost On."),
    (("^.*X-Forwarded-Proto.*\n", ""),
     "origin https://www.example.com is not allowed; expected is http://www.example.com .WebSocketOrigin Same.. "
     "If a proxy in front speaks TLS, ServerName https://www.example.com says so; WebSocketSchemeHeader "
     "X-Forwarded-Proto did not come"),
])
def test_cws_926_what_the_log_says_of_a_line_that_is_missing(behind, change, words):
    changes = [proxy_kinds.BY_ITS_WORD, change]
    mark = behind.httpd.error_log.mark()
    with proxy_kinds.HttpdInFront(behind, changes) as proxy:
        assert Through(proxy).post("x", "x").status == 403
    behind.httpd.error_log.wait_for("CWS0012: " + words.replace("{port}", str(behind.ports["8082"])), mark)


def test_cws_926_a_server_name_with_a_scheme_needs_no_host(behind):
    with proxy_kinds.HttpdInFront(behind, [("ProxyPreserveHost On", "ProxyPreserveHost Off")]) as proxy:
        Through(proxy).echo()
