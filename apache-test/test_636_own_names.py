"""Whose pages are this server's own: names that lead here, and only by the administrator's word."""
import re
import socket
import time

import pytest

from harness.event_stream import EventStream

CONFIG = """
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 10 1min
  Require local
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 10 1min
</Location>
<Location "/any">
  SetHandler websocket-publish
  WebSocketOrigin Any
</Location>
"""
MACHINE = socket.gethostname().split(".")[0]


def ask(httpd, path, host, method="GET", body="", headers=()):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *headers]
    with httpd.connect() as connection:
        return connection.ask(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def ask_stream(httpd, path, host, headers=()):
    """The head that a request for an event stream gets."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept: text/event-stream", *headers]
    with httpd.connect() as connection:
        connection.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.read_response(head_only=True)


def handshake(httpd, host, origin, path="/echo"):
    return httpd.ask(path, host=host, headers={"Origin": origin}).status


class TestRebinding:
    """attacker.example has served a page, and now its name leads to 127.0.0.1."""
    CONFIG = CONFIG

    @pytest.fixture(params=["attacker.example", "127.0.0.1.attacker.example", "xlocalhost"])
    def host(self, request, httpd):
        return f"{request.param}:{httpd.port}"

    def test_cws_636_it_opens_nothing(self, httpd, host):
        assert handshake(httpd, host, f"http://{host}") == 403
        assert handshake(httpd, host, f"http://{host}", "/subscribe/news") == 403
        # A GET of the same origin has no Origin.
        for headers in ([], [f"Origin: http://{host}"]):
            answer = ask_stream(httpd, "/subscribe/news", host, headers)
            assert answer.status == 403
            assert answer.get("access-control-allow-origin") is None

    def test_cws_636_it_neither_writes_nor_reads(self, httpd, host):
        origin = [f"Origin: http://{host}"]
        assert ask(httpd, "/publish/news", f"127.0.0.1:{httpd.port}", "POST", "secret").status == 200
        for answer in (ask(httpd, "/publish/news", host, "POST", "x", origin),
                       ask(httpd, "/publish/news", host, headers=origin),
                       ask(httpd, "/publish/news", host)):
            assert answer.status == 403 and b"secret" not in answer.body
            assert answer.get("access-control-allow-origin") is None

    def test_cws_636_what_no_page_can_send_goes_on(self, httpd, host):
        assert ask(httpd, "/publish/news", host, "POST", "x").status == 200
        httpd.open(host=host).close()
        assert ask(httpd, "/any/news", host).status == 200


class TestNames:
    CONFIG = CONFIG + """
      <VirtualHost 127.0.0.1:{port}>
        ServerName named.example
        ServerAlias other.example *.wild.example
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName second.example
      </VirtualHost>"""

    @pytest.mark.parametrize("name", [
        "named.example", "NAMED.Example", "named.example.", "other.example", "a.b.wild.example",
        "second.example", "127.0.0.1", "192.0.2.1", "[::1]", "localhost", MACHINE, f"{MACHINE}.local"])
    def test_cws_637_own_names(self, httpd, name):
        for host in (name, f"{name}:{httpd.port}"):
            assert handshake(httpd, host, f"http://{host}") == 101
            assert ask(httpd, "/publish/x", host).status == 200
            assert ask_stream(httpd, "/subscribe/x", host).status == 200
            with httpd.connect() as connection:
                connection.send(f"GET /subscribe/x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
                                "Accept: text/event-stream\r\n\r\n".encode())
                connection.response = connection.read_response(head_only=True)
                with EventStream(connection) as stream:
                    assert stream.response.get("access-control-allow-origin") == f"http://{host}"
            assert handshake(httpd, host, "http://attacker.example") == 403
            assert handshake(httpd, host, f"https://{host}") == 403

    def test_cws_637_not_every_other_port(self, httpd):
        assert handshake(httpd, "named.example:81", "http://named.example") == 403
        assert handshake(httpd, "backend:81", "http://named.example") == 403

    @pytest.mark.parametrize("name", ["attacker.example", "wild.example", "xother.example",
                                      "named.example.attacker.example", f"{MACHINE}.attacker.example"])
    def test_cws_637_other_names_reach_the_first_host_and_are_refused(self, httpd, name):
        assert handshake(httpd, name, f"http://{name}") == 403
        assert ask(httpd, "/publish/x", name).status == 403


class TestUnnamedHost:
    """As Debian's 000-default.conf: no ServerName, so it has the main server's."""
    CONFIG = CONFIG + "<VirtualHost 127.0.0.1:{port}>\n</VirtualHost>"

    @pytest.mark.parametrize("name", ["127.0.0.1", "localhost", MACHINE])
    def test_cws_637_serves_the_machines_names(self, httpd, name):
        host = f"{name}:{httpd.port}"
        assert handshake(httpd, host, f"http://{host}") == 101
        assert handshake(httpd, "attacker.example", "http://attacker.example") == 403


class TestProxyInFront:
    """It speaks TLS and makes a Host of its own; ServerName is what browsers know."""
    CONFIG = CONFIG + """
      <VirtualHost 127.0.0.1:{port}>
        ServerName https://public.example
      </VirtualHost>"""

    @pytest.mark.parametrize("host", ["public.example", "backend.internal:8080"])
    def test_cws_638_server_name_with_a_scheme(self, httpd, host):
        assert handshake(httpd, host, "https://public.example") == 101
        assert handshake(httpd, host, "https://public.example:443") == 101
        for origin in ("http://public.example", "https://public.example:8443", "https://x.example"):
            assert handshake(httpd, host, origin) == 403

    def test_cws_638_no_header_of_a_page_changes_that(self, httpd):
        for name in ("X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"):
            assert httpd.ask(host="attacker.example", headers={
                "Origin": "https://attacker.example", name: "attacker.example"}).status == 403


class TestFetchMetadata:
    CONFIG = CONFIG

    @pytest.mark.parametrize("site, allowed", [("cross-site", False), ("same-site", False),
                                               ("something new", False), ("same-origin", True),
                                               ("none", True), ("Same-Origin", True)])
    def test_cws_639_a_page_that_says_no_origin(self, httpd, site, allowed):
        host = f"127.0.0.1:{httpd.port}"
        says = f"Sec-Fetch-Site: {site}"
        for method in ("GET", "POST"):
            assert (ask(httpd, "/publish/x", host, method, headers=[says]).status == 200) == allowed
            assert ask(httpd, "/any/x", host, method, headers=[says]).status == 200
        assert (ask_stream(httpd, "/subscribe/x", host, [says]).status == 200) == allowed
        assert (httpd.ask(headers={"Sec-Fetch-Site": site}).status == 101) == allowed

    def test_cws_639_the_origin_is_better_evidence(self, httpd):
        own = f"http://127.0.0.1:{httpd.port}"
        assert httpd.ask(headers={"Origin": own, "Sec-Fetch-Site": "cross-site"}).status == 101


class TestPatterns:
    CONFIG = """
      <Location "/echo">
        WebSocketOrigin https://*.example.com http://localhost:* capacitor://localhost moz-extension://* file://
      </Location>"""

    @pytest.mark.parametrize("origin, status", [
        ("https://a.example.com", 101), ("https://a.b.example.com", 101), ("https://example.com", 403),
        ("https://evilexample.com", 403), ("https://a.example.com.evil.test", 403),
        ("http://a.example.com", 403), ("https://a.example.com:8443", 403),
        ("http://localhost:5173", 101), ("http://localhost", 101), ("https://localhost", 403),
        ("capacitor://localhost", 101), ("ionic://localhost", 403),
        ("moz-extension://0e4f6a3b-5d3f-4a53-9c77-53f7f1ab0001", 101), ("chrome-extension://abc", 403),
        ("file://", 101), ("null", 403), ("https://*.example.com", 403), ("moz-extension://*", 403)])
    def test_cws_639_of_origins(self, httpd, origin, status):
        assert handshake(httpd, "www.example.com", origin) == status


class TestRefusalsInTheLog:
    CONFIG = CONFIG + """
      <Location "/listed">
        SetHandler websocket-publish
        WebSocketOrigin https://a.example http://b.example:81
      </Location>
      <Location "/both">
        SetHandler websocket-publish
        WebSocketOrigin Same https://a.example
      </Location>"""

    @pytest.mark.parametrize("path, host, origin, words", [
        ("/publish", "127.0.0.1:{port}", "http://x.example",
         "origin http://x.example is not allowed; expected is http://127.0.0.1:{port}. If its pages may "
         "connect, WebSocketOrigin Same http://x.example says so"),
        ("/publish", "127.0.0.1:{port}", "https://127.0.0.1:{port}",
         "origin https://127.0.0.1:{port} is not allowed; expected is http://127.0.0.1:{port} "
         "(WebSocketOrigin Same). If a proxy in front speaks TLS, ServerName https://127.0.0.1:{port} "
         "says so"),
        ("/publish", "127.0.0.1:{port}", f"http://{MACHINE}",
         f"origin http://{MACHINE} is not allowed; expected is http://127.0.0.1:{{port}}. If a proxy in front "
         "has sent Host: 127.0.0.1:{port} instead of the browser's, it should pass that on (httpd: "
         f"ProxyPreserveHost On). If its pages may connect, WebSocketOrigin Same http://{MACHINE} says so"),
        ("/publish", "localhost:{port}", "http://127.0.0.1:{port}",
         "origin http://127.0.0.1:{port} is not allowed; expected is http://localhost:{port} "
         "(WebSocketOrigin Same): 127.0.0.1 and localhost are two origins. The page should connect to the "
         "name by which it was opened, or WebSocketOrigin Same http://127.0.0.1:{port} lets it in"),
        ("/publish", "x.example:{port}", "http://x.example:{port}",
         "origin http://x.example:{port} is not allowed; expected is http://127.0.0.1:{port} "
         "(WebSocketOrigin Same): x.example:{port} is no name of this virtual host (127.0.0.1). If it "
         "should be one, ServerName or ServerAlias makes it one"),
        ("/publish", "x.example", None,
         "a request without Origin is not allowed: x.example is no name of this virtual host "
         "(127.0.0.1). If it should be one, ServerName or ServerAlias makes it one"),
        ("/listed", "127.0.0.1:{port}", "http://127.0.0.1:{port}",
         "origin http://127.0.0.1:{port} is not allowed; expected is https://a.example or "
         "http://b.example:81 (WebSocketOrigin)"),
        ("/both", "127.0.0.1:{port}", "null",
         "origin null is not allowed; expected is http://127.0.0.1:{port} or https://a.example. If its "
         "pages may connect, WebSocketOrigin Same null says so"),
    ])
    def test_cws_639_what_came_what_was_expected_and_what_makes_it_right(self, httpd, path, host,
                                                                         origin, words):
        host, words = (text.replace("{port}", str(httpd.port)) for text in (host, words))
        headers = [f"Origin: {origin.replace('{port}', str(httpd.port))}"] if origin else []
        mark = httpd.error_log.mark()
        assert ask(httpd, f"{path}/x", host, headers=headers).status == 403
        httpd.error_log.wait_for("CWS0012: " + re.escape(words) + "$", mark)

    def test_cws_639_of_each_cause_one_warning_a_minute(self, make_httpd, long):
        """Of all children together: a crowd of strangers must not fill the log."""
        httpd = make_httpd()
        own = f"127.0.0.1:{httpd.port}"
        causes = [("one.example", "http://one.example"), (own, f"https://{own}"), (own, "http://x.example")]

        def levels(host, origin, times):
            mark = httpd.error_log.mark()
            for _ in range(times):
                assert handshake(httpd, host, origin) == 403
            lines = httpd.error_log.wait_for(f"CWS0012: origin {origin} ", mark, count=times)
            return [re.search(r"\[cppwebsocket:(\w+)\]", line)[1] for line in lines]
        for cause in causes:
            assert levels(*cause, 20) == ["warn"] + ["info"] * 19
        if long:
            time.sleep(61)
            for cause in causes:
                assert levels(*cause, 2) == ["warn", "info"]

    def test_cws_639_a_long_origin_does_not_fill_it(self, httpd):
        mark = httpd.error_log.mark()
        assert handshake(httpd, f"127.0.0.1:{httpd.port}", "http://" + "x" * 4000) == 403
        line = httpd.error_log.wait_for("CWS0012: origin http://xxx", mark)[0]
        assert len(line) < 1000
