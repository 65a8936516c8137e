"""Who and where: client addresses behind proxies, ws_location behind TLS offload, names, IPv6."""
import json
import re
import socket

import pytest

from harness import tls
from harness.h2_client import H2Session
from harness.processes import free_port
from harness.raw import Connection, upgrade_request


def properties(ws):
    said = json.loads(ws.ask_text("properties"))
    assert json.loads(ws.ask_text("handshake"))["remote"] == said["remote"]
    ws.close()
    return said


PROXY_LINE = b"PROXY TCP4 203.0.113.9 198.51.100.1 45678 443\r\n"
PROXY_V2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("203.0.113.10") +
            socket.inet_aton("198.51.100.1") + b"\xb2\x6e\x01\xbb")


class TestRemoteIP:
    CONFIG = """
      RemoteIPHeader X-Forwarded-For
      RemoteIPInternalProxy 127.0.0.1"""

    @pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
    def test_cws_195_address_from_a_trusted_proxys_header(self, httpd, path):
        with httpd.open(path, headers={"X-Forwarded-For": "203.0.113.7"}) as ws:
            assert properties(ws)["remote"].startswith("203.0.113.7:")
        with httpd.open(path, headers={"X-Forwarded-For": "2001:db8::7"}) as ws:
            assert re.match(r"\[2001:db8::7\]:\d+$", properties(ws)["remote"])
        with httpd.open(path) as ws:
            assert properties(ws)["remote"].startswith("127.0.0.1:")
        httpd.error_log.wait_for(r"/probe\w* from 203.0.113.7:\d+: OPEN -> ")


class TestUntrusted:
    CONFIG = """
      RemoteIPHeader X-Forwarded-For
      RemoteIPInternalProxy 192.0.2.1"""

    def test_cws_196_anybody_elses_header_means_nothing(self, httpd):
        with httpd.open("/probe", headers={"X-Forwarded-For": "203.0.113.7"}) as ws:
            assert properties(ws)["remote"].startswith("127.0.0.1:")


class TestTlsAndHttp2:
    """The same over wss and HTTP/2."""
    OPTIONS = {"tls_config": "", "modules": ("http2",)}
    CONFIG = """
      RemoteIPHeader X-Forwarded-For
      RemoteIPInternalProxy 127.0.0.1
      Protocols h2 http/1.1
      H2WebSockets On
      WebSocketHTTP2 On"""

    def test_cws_197_wss(self, httpd):
        httpd.allow_log("AH10034")  # mod_http2 does not support prefork
        with httpd.open("/probe", headers={"X-Forwarded-For": "203.0.113.7"}) as ws:
            said = properties(ws)
            assert said["remote"].startswith("203.0.113.7:")
            assert said["https"] and said["location"] == f"wss://127.0.0.1:{httpd.port}/probe"

    def test_cws_198_http2(self, httpd, mpm):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        context = tls.client_context()
        context.set_alpn_protocols(["h2"])
        with H2Session(httpd.address, tls=context) as h2:
            ws = h2.open("/probe", headers={"x-forwarded-for": "203.0.113.7",
                                            "origin": f"https://127.0.0.1:{httpd.port}"})
            said = properties(ws)
            assert said["remote"].startswith("203.0.113.7:")
            assert said["https"] and said["location"] == f"wss://127.0.0.1:{httpd.port}/probe"


@pytest.fixture
def make_proxied(make_httpd):
    """An httpd with a second port, behind a proxy that speaks the PROXY protocol."""
    def make(virtual_host="", server="", **options):
        port = free_port()
        httpd = make_httpd(f"""
          {server}
          Listen 127.0.0.1:{port}
          <VirtualHost 127.0.0.1:{port}>
            RemoteIPProxyProtocol On
            {virtual_host}
          </VirtualHost>""", **options)
        httpd.proxied_port = port
        return httpd
    return make


class TestProxyProtocol:
    def test_cws_199_ws(self, make_proxied):
        httpd = make_proxied()
        for line, remote in ((PROXY_LINE, "203.0.113.9:45678"),
                             (PROXY_V2, "203.0.113.10:45678")):
            with Connection(("127.0.0.1", httpd.proxied_port)) as ws:
                ws.send(line)
                ws.upgrade("/probe")
                assert properties(ws)["remote"] == remote

    def test_cws_187_wss(self, make_proxied):
        httpd = make_proxied(tls.config(), tls.SESSION_CACHE, modules=tls.MODULES)

        def wrap(sock):
            sock.sendall(PROXY_LINE)
            return tls.wrap(sock)
        with Connection(("127.0.0.1", httpd.proxied_port), wrap=wrap) as ws:
            ws.upgrade("/probe")
            said = properties(ws)
            assert said["remote"] == "203.0.113.9:45678" and said["https"]

    def test_cws_188_http2(self, make_proxied, mpm):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        httpd = make_proxied("Protocols h2c http/1.1\nWebSocketHTTP2 On", "H2WebSockets On",
                             modules=("http2",))
        with H2Session(("127.0.0.1", httpd.proxied_port), first=PROXY_LINE) as h2:
            assert properties(h2.open("/probe"))["remote"] == "203.0.113.9:45678"


class TestTlsEndsBefore:
    """ServerName https://...: httpd's own way to say that a proxy in front speaks TLS."""
    CONFIG = """
      <VirtualHost 127.0.0.1:{port}>
        ServerName https://public.example
        ServerAlias www.public.example *.alias.example
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName plain.example
      </VirtualHost>"""

    def test_cws_189_location_and_origin(self, httpd):
        with httpd.open("/probe", host="public.example",
                        headers={"Origin": "https://public.example"}) as ws:
            said = properties(ws)
            assert said["location"] == "wss://public.example/probe" and said["https"]
        for origin in ("http://public.example", "https://other.example"):
            answer = httpd.ask("/probe", host="public.example", headers={"Origin": origin})
            assert answer.status == 403
        with httpd.open("/probe", host="plain.example",
                        headers={"Origin": "http://plain.example"}) as ws:
            said = properties(ws)
            assert said["location"] == "ws://plain.example/probe" and not said["https"]
        answer = httpd.ask("/probe", host="plain.example",
                           headers={"Origin": "https://plain.example"})
        assert answer.status == 403

    @pytest.mark.parametrize("host", ["www.public.example", "any.alias.example"])
    def test_cws_188_server_alias(self, httpd, host):
        with httpd.open("/probe", host=host, headers={"Origin": f"https://{host}"}) as ws:
            assert properties(ws)["location"] == f"wss://{host}/probe"


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class TestIPv6:
    @pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
    def test_cws_189_listener(self, make_httpd):
        port = free_port()
        httpd = make_httpd(f"Listen [::1]:{port}")
        with Connection(("::1", port)) as ws:
            ws.upgrade("/probe", host=f"[::1]:{port}", headers={"Origin": f"http://[::1]:{port}"})
            said = properties(ws)
            assert said["location"] == f"ws://[::1]:{port}/probe"
            assert re.match(r"\[::1\]:\d+$", said["remote"])
            assert said["local"] == f"[::1]:{port}"
        with Connection(("::1", port)) as other:
            assert other.ask(upgrade_request(host=f"[::1]:{port}", headers={
                "Origin": "http://[::2]"})).status == 403
        httpd.open().close()
