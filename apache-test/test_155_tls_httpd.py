"""wss: what httpd's configuration makes of it. Certificates, resumption, virtual hosts, logs."""
import ssl
import time

import pytest

from harness import build, tls
from harness.raw import upgrade_request

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
QUIET = "WebSocketPingInterval Off"


def wrap(version=None, certificate=None, **options):
    context = tls.client_context(version, certificate)
    return lambda plain: tls.wrap(plain, context, **options)


def variables(httpd, *names, **options):
    """What a handler reads of them in its handshake."""
    with httpd.open("/variables?" + ",".join(names), **options) as ws:
        values = {name: ws.read_text() for name in names}
        assert ws.ask_text("and on") == "and on"
        ws.close()
    return values


class TestResumption:
    CONFIG = QUIET
    OPTIONS = {"tls_config": "SSLSessionTickets Off"}

    def resume_twice(self, httpd, context):
        """A WebSocket, then another with its session, then a page with that one's."""
        session = None
        for turn in range(3):
            with httpd.connect(wrap=lambda plain: tls.wrap(plain, context, session=session)) as ws:
                if turn == 2:
                    assert ws.ask(b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 200
                else:
                    ws.upgrade("/echo", host="localhost")
                    assert ws.ask_text("hello") == "hello"
                    ws.close()
                assert ws.socket.session_reused == (turn > 0)
                session = ws.socket.session

    @BOTH
    def test_cws_170_from_the_cache_of_sessions(self, httpd, version):
        self.resume_twice(httpd, tls.client_context(version))

    @BOTH
    def test_cws_171_by_tickets(self, make_httpd, version):
        self.resume_twice(make_httpd(QUIET, tls_config=""), tls.client_context(version))

    @BOTH
    def test_cws_172_after_a_connection_that_was_cut(self, httpd, version):
        context = tls.client_context(version)
        with httpd.open(wrap=lambda plain: tls.wrap(plain, context)) as ws:
            assert ws.ask_text("hello") == "hello"
            session = ws.socket.session
        with httpd.open(wrap=lambda plain: tls.wrap(plain, context, session=session)) as ws:
            assert ws.socket.session_reused
            ws.close()


class TestClientCertificates:
    CONFIG = QUIET
    OPTIONS = {"tls_config": "SSLVerifyClient optional\n<Location /variables>\n"
                             "Require expr \"%{QUERY_STRING} !~ /staff/ || "
                             "%{SSL_CLIENT_S_DN_CN} == 'alice'\"\n</Location>"}

    @BOTH
    def test_cws_173_handler_reads_the_certificate(self, httpd, version):
        names = ("SSL_PROTOCOL", "SSL_CLIENT_VERIFY", "SSL_CLIENT_S_DN", "SSL_CLIENT_S_DN_CN",
                 "SSL_CLIENT_CERT", "SSL_CIPHER", "HTTPS", "SSL_NO_SUCH")
        with_one = variables(httpd, *names, wrap=wrap(version, "alice"))
        assert with_one["SSL_PROTOCOL"] == {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[version]
        assert with_one["SSL_CLIENT_VERIFY"] == "SUCCESS"
        assert with_one["SSL_CLIENT_S_DN"] == "CN=alice,O=Tests"
        assert with_one["SSL_CLIENT_S_DN_CN"] == "alice"
        pem = with_one["SSL_CLIENT_CERT"]
        with open(tls.certificates().path("alice.crt")) as own:
            assert ssl.PEM_cert_to_DER_cert(pem) == ssl.PEM_cert_to_DER_cert(own.read())
        assert with_one["HTTPS"] == "on" and with_one["SSL_NO_SUCH"] == "none"
        without = variables(httpd, *names, wrap=wrap(version))
        assert without["SSL_CLIENT_VERIFY"] == "NONE" and without["SSL_CLIENT_S_DN"] == "none"

    def test_cws_174_require_judges_the_certificate(self, httpd):
        httpd.allow_log("AH01630")
        assert variables(httpd, "staff", wrap=wrap(certificate="alice")) == {"staff": "none"}
        with httpd.connect() as connection:
            answer = connection.ask(upgrade_request("/variables?staff", host="localhost"))
        assert answer.status == 403

    @BOTH
    def test_cws_175_required_for_the_whole_server(self, make_httpd, version):
        httpd = make_httpd(QUIET, tls_config="SSLVerifyClient require", start=False)
        httpd.wrap = wrap(version, "alice")  # httpd.start() asks for a page, too
        httpd.start()
        assert variables(httpd, "SSL_CLIENT_S_DN_CN")["SSL_CLIENT_S_DN_CN"] == "alice"
        for certificate in (None, "mallory"):
            with pytest.raises((ssl.SSLError, OSError, EOFError)):
                httpd.open(wrap=wrap(version, certificate))

    @BOTH
    def test_cws_176_required_for_a_location(self, make_httpd, version):
        # mod_ssl asks in the middle of the connection: TLS 1.2 by a new handshake, 1.3 behind it.
        httpd = make_httpd(QUIET, tls_config="<Location /variables>\nSSLVerifyClient require\n"
                                             "</Location>")
        context = tls.client_context(version, "alice")
        context.post_handshake_auth = True
        values = variables(httpd, "SSL_CLIENT_S_DN_CN", "SSL_PROTOCOL",
                           wrap=lambda plain: tls.wrap(plain, context))
        assert values["SSL_CLIENT_S_DN_CN"] == "alice"
        with httpd.open("/echo", wrap=lambda plain: tls.wrap(plain, context)) as ws:
            assert ws.ask_text("nobody asks here") == "nobody asks here"

    def test_cws_177_certificates_are_not_left_behind(self, make_httpd):
        # mod_ssl frees its copy when it shuts TLS down, which it must also do when we go on. Pages
        # make httpd grow, too, so they are what WebSockets are measured against.
        httpd = make_httpd(QUIET, tls_config="SSLVerifyClient optional", one_child=True)
        httpd.wrap = wrap(certificate="alice")
        child, = httpd.children()

        def growth(connect):
            before = httpd.memory(child, "RssAnon")
            for _ in range(250):
                connect()
            time.sleep(0.3)
            return httpd.memory(child, "RssAnon") - before

        def page():
            assert httpd.get("/index.html").status == 200

        def websocket():
            with httpd.open() as ws:
                ws.close()
        for _ in range(80):
            page()
            websocket()
        by_pages, by_websockets = growth(page), growth(websocket)
        if not build.SANITIZER:  # one certificate is some 3 KiB
            assert by_websockets < by_pages + (400 << 10)


class TestWays:
    def test_cws_178_optional_engine(self, make_httpd):
        # Once for TLS by Upgrade (RFC 2817), which httpd has given up in 2.4.64 (CVE-2025-49812).
        httpd = make_httpd(tls.SESSION_CACHE + tls.config(engine="optional") + QUIET,
                           modules=tls.MODULES)
        assert variables(httpd, "HTTPS", "SSL_PROTOCOL") == {"HTTPS": "off", "SSL_PROTOCOL": "none"}

    def test_cws_179_virtual_hosts_by_server_name(self, make_httpd):
        hosts = "".join(
            f'<VirtualHost 127.0.0.1:{{port}}>\nServerName {name}\n{tls.config(name=certificate)}\n'
            f'{lines}\n</VirtualHost>\n' for name, certificate, lines in (
                ("localhost", "server", ""),
                ("other.test", "other.test",
                 'WebSocketHandlerRoot "{root}/other"\n')))
        httpd = make_httpd(tls.SESSION_CACHE + QUIET + "\n" + hosts, modules=tls.MODULES,
                           directories=["other"], start=False)
        httpd.wrap = tls.wrap
        build.install(httpd.handler_root / "close_wsh.so", httpd.root / "other/only_here_wsh.so")
        httpd.start()
        with httpd.open("/echo", host="localhost") as ws:
            assert ws.ask_text("the first") == "the first"
            ws.close()
        other = wrap(name="other.test")
        with httpd.open("/only_here", host="other.test", wrap=other) as ws:
            assert ws.socket.getpeercert()["subject"][1][0][1] == "other.test"
            ws.text("4001 here")
            assert ws.read_close() == (4001, "here")
        for path, host, chosen in (("/only_here", "localhost", None), ("/echo", "other.test", other)):
            with pytest.raises(AssertionError, match="status=404"):
                httpd.open(path, host=host, wrap=chosen)

    @BOTH
    def test_cws_180_loudest_log(self, make_httpd, version):
        httpd = make_httpd(QUIET + "\nLogLevel trace8", tls_config="")
        with httpd.open(wrap=wrap(version)) as ws:
            assert ws.ask_text("x" * 100_000) == "x" * 100_000
            ws.close()
        with httpd.open(wrap=wrap(version)) as ws:
            ws.text("dropped")
        assert httpd.get("/index.html").status == 200

    @BOTH
    def test_cws_181_access_log_has_variables_of_tls(self, make_httpd, version):
        httpd = make_httpd('LogFormat "%U %>s %{SSL_PROTOCOL}x %{SSL_CLIENT_S_DN_CN}x" tls\n'
                           'CustomLog "{root}/logs/tls.log" tls\n' + QUIET,
                           tls_config="SSLVerifyClient optional")
        with httpd.open("/echo", wrap=wrap(version, "alice")) as ws:
            deadline = time.monotonic() + 5
            wanted = {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[version]
            while f"/echo 101 {wanted} alice" not in (httpd.root / "logs/tls.log").read_text():
                assert time.monotonic() < deadline, (httpd.root / "logs/tls.log").read_text()
                time.sleep(0.02)
            assert ws.ask_text("logged, and on") == "logged, and on"
            ws.close()

    def test_cws_182_graceful_restart_says_1001(self, make_httpd):
        httpd = make_httpd(QUIET, tls_config="")
        sockets = [httpd.open() for _ in range(8)]
        httpd.graceful()
        for ws in sockets:
            assert ws.read_close()[0] == 1001
            ws.drop()
        with httpd.open() as ws:
            assert ws.ask_text("new generation") == "new generation"
            ws.close()
