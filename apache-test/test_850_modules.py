"""Beside modules of httpd that others wrote."""
import re
import time

import pytest

from harness import installed
from harness.event_stream import request as event_request
from harness.h2_client import H2Session
from harness.raw import upgrade_request


class TestProcessForEachConnection:
    """mpm_itk."""

    CONFIG = installed.load_others(mpm_itk="mpm_itk.so") + """
      <Location /publish>
        SetHandler websocket-publish
      </Location>
      <Location /subscribe>
        SetHandler websocket-subscribe
      </Location>
      <Location /server-status>
        SetHandler server-status
      </Location>"""

    @pytest.fixture(autouse=True, scope="class")
    def prefork(self, mpm):
        if mpm != "prefork":
            pytest.skip("mpm_itk sits on prefork")

    @pytest.fixture(autouse=True)
    def announced(self, httpd):
        httpd.allow_log("CWS0060")

    def status(self, httpd):
        return dict(re.findall(r"^(WebSocket\w+): (\d+)", httpd.get("/server-status?auto").body.decode(),
                               re.M))

    def test_cws_850_is_refused_before_it_counts(self, httpd):
        before = self.status(httpd)
        for path in ("/echo", "/echo_blocking", "/subscribe/news"):
            mark = httpd.error_log.mark()
            answer = httpd.ask(path)
            assert answer.status == 501 and b"a process for each connection" in answer.body
            httpd.error_log.wait_for("CWS0060: refused.*use the MPM event", mark)
        with httpd.connect() as connection:
            assert connection.ask(event_request("/subscribe/news")).status == 501
        assert httpd.get("/publish/news", method="POST").status == 501
        assert httpd.get("/publish/news").status == 501
        assert self.status(httpd) == before and before["WebSocketConnections"] == "0"

    def test_cws_851_pages_and_what_is_not_ours(self, httpd):
        assert httpd.get("/index.html").status == 200
        assert httpd.ask("/no_handler").status == 404
        assert httpd.get("/echo").status == 404
        httpd.graceful()
        assert httpd.get("/index.html").status == 200

    def test_cws_852_the_start_and_the_test_of_the_configuration_warn(self, httpd):
        assert len(httpd.error_log.find("warn.*CWS0060: mpm_itk is loaded", 0)) >= 1
        code, said = httpd.check_config()
        assert code == 0 and said.count("CWS0060") == 1


class TestOutputFilters:
    """Their turn at the answers that are not httpd's own."""

    @pytest.fixture(params=["ws", "stream", "http2", "stream over http2"])
    def ask(self, request, httpd, mpm):
        if "http2" in request.param and mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")

        def ask(query="", **headers):
            path = ("/subscribe/news" if "stream" in request.param else "/probe") + query
            if "http2" in request.param:
                with H2Session(httpd.address) as session:
                    if "stream" in request.param:
                        stream = session.request(path, headers={"accept": "text/event-stream", **headers})
                        stream.wait_response()
                    else:
                        stream = session.request(path, method="CONNECT", protocol="websocket", end=False,
                                                 headers={"sec-websocket-version": "13", **headers})
                        stream.wait_response()
                    return stream.response
            with httpd.connect() as connection:
                if "stream" in request.param:
                    connection.send(event_request(path, headers=headers))
                else:
                    connection.send(upgrade_request(path, headers=headers))
                return connection.read_response(head_only=True)
        ask.is_stream = "stream" in request.param
        return ask

    OPTIONS = {"modules": ("session", "session_cookie", "http2", "expires", "cache", "cache_disk",
                           "brotli", "substitute", "unique_id"), "directories": ["cache"]}
    CONFIG = installed.load_others(security2="mod_security2.so") + """
      Protocols h2c http/1.1
      H2WebSockets On
      WebSocketHTTP2 On
      <Location /subscribe>
        SetHandler websocket-subscribe
        WebSocketChannelHistory 10
      </Location>
      Header always set X-Status "expr=%{REQUEST_STATUS}"
      Header set X-Kind "expr=%{CONTENT_TYPE}"
      Header always add Set-Cookie a=b
      Session On
      SessionCookieName sid path=/
      SessionMaxAge 1000
      CacheRoot "{root}/cache"
      CacheEnable disk /
      ExpiresActive On
      ExpiresDefault "access plus 1 hour"
      SetOutputFilter BROTLI_COMPRESS;DEFLATE;SUBSTITUTE
      Substitute s/a/b/
      SecRuleEngine On
      SecDataDir "{root}/run"
      SecTmpDir "{root}/run"
      SecRule RESPONSE_STATUS "!@streq 404" "id:1,phase:3,deny,status:451,chain"
      SecRule QUERY_STRING "@streq phase3"
      SecRule RESPONSE_STATUS "@rx ^(101|200)$" "id:2,phase:4,deny,status:409,chain"
      SecRule QUERY_STRING "@streq phase4"
      SecRule RESPONSE_HEADERS:Sec-WebSocket-Protocol|RESPONSE_HEADERS:X-Probe-Answer "@rx ." "id:3,phase:3,deny,status:406,chain"
      SecRule QUERY_STRING "@contains leak"
    """

    def test_cws_853_they_see_the_status_and_the_kind(self, ask):
        answer = ask()
        assert answer.get("x-status") == ("200" if ask.is_stream else "101")
        assert not ask.is_stream or answer.get("x-kind") == "text/event-stream"
        assert answer.get("content-encoding") is None and answer.get("content-length") is None

    def test_cws_854_mod_session_renews_its_cookie(self, ask):
        until = (int(time.time()) + 60) * 1_000_000
        answer = ask(cookie=f"sid=expiry={until}&user=ada")
        cookies = ", ".join(answer.all("set-cookie"))  # mod_http2 joins them by itself
        assert "user=ada" in cookies and int(re.search(r"expiry=(\d+)", cookies)[1]) > until
        assert cookies.count("a=b") == 1

    @pytest.mark.parametrize("query, status", [("?phase3", 451), ("?phase4", 409)])
    def test_cws_855_mod_security_refuses(self, httpd, ask, query, status):
        httpd.allow_log("ModSecurity: ")
        mark = httpd.error_log.mark()
        answer = ask(query)
        assert answer.status == status
        for name in ("upgrade", "sec-websocket-accept", "transfer-encoding"):
            assert answer.get(name) is None
        assert answer.get("content-type") == "text/html; charset=iso-8859-1"
        httpd.error_log.wait_for(f"CWS0061: .* {status}", mark)
        httpd.access_log.wait_for(rf'\{query} HTTP/[12].. {status} |\{query} HTTP/[12].[01]?" {status} ')

    def test_cws_856_it_sees_what_the_handler_says(self, httpd):
        httpd.allow_log("ModSecurity: ")
        assert httpd.ask("/probe?header=yes&leak").status == 406
        httpd.open("/probe?header=yes").close()
        httpd.open("/probe?leak").close()

    def test_cws_857_the_place_is_given_back(self, httpd):
        httpd.allow_log("ModSecurity: ")
        with httpd.open("/probe") as ws:
            for _ in range(20):
                assert httpd.ask("/probe?phase3").status == 451
            assert "x" in ws.ask_text("properties")

    def test_cws_858_mod_cache_keeps_nothing_of_a_stream(self, httpd):
        for _ in range(2):
            with httpd.connect() as connection:
                connection.send(event_request("/subscribe/cached"))
                answer = connection.read_response(head_only=True)
                assert answer.get("content-type") == "text/event-stream" and answer.get("age") is None
                assert answer.get("cache-control") == "no-cache, no-transform"


class TestLookersOn:
    """Connection filters that keep no bytes: more connections than the child has threads."""

    OPTIONS = {"modules": ("dumpio", "unique_id"), "one_child": True}
    CONFIG = installed.load_others(qos="mod_qos.so") + """
      WebSocketPingInterval Off
      WebSocketFilterConnections 1
      DumpIOInput On
      DumpIOOutput On
      LogLevel info dumpio:trace7 cppwebsocket:debug
      QS_SrvMinDataRate 1000
      QS_ClientEntries 1000
      QS_SrvMaxConnPerIP 12"""

    def test_cws_859_cost_no_thread_and_mod_qos_does_not_count(self, httpd):
        mark = httpd.error_log.mark()
        opened = [httpd.open() for _ in range(40)]
        assert httpd.get("/index.html").status == 200
        for ws in opened:
            assert ws.ask_text("still here") == "still here"
            ws.close()
        assert httpd.error_log.find("dumpio:trace7.*101 Switching", mark)
        assert not httpd.error_log.find("CWS0062|CWS0014|mod_qos.*access denied", mark)

    def test_cws_860_mod_qos_counts_what_httpd_serves(self, httpd, mpm):
        if mpm == "prefork":
            pytest.skip("this child has one connection at a time")
        httpd.allow_log("mod_qos.031.: access denied, QS_SrvMaxConnPerIP rule")
        waiting = [httpd.connect() for _ in range(18)]
        for connection in waiting:
            connection.send(b"GET / HTTP/1.1\r\n")
        httpd.error_log.wait_for("QS_SrvMaxConnPerIP rule: max=12")
        for connection in waiting:
            connection.drop()


class TestEvasive:
    """mod_evasive, which counts requests of an address in each child."""

    OPTIONS = {"one_child": True}
    CONFIG = installed.load_others(evasive20="mod_evasive20.so") + """
      DOSPageCount 5
      DOSPageInterval 60
      DOSSiteCount 1000
      DOSBlockingPeriod 60
      DOSLogDir {root}/reports"""

    def test_cws_861_refuses_a_storm_of_reconnects_and_sees_no_messages(self, httpd):
        httpd.allow_log("client denied by server configuration")
        with httpd.open("/echo?calm") as ws:
            for i in range(100):
                ws.ask_text(str(i))
            answers = [httpd.ask().status for _ in range(20)]
            assert answers[0] == 101 and answers[-1] == 403
            assert ws.ask_text("who is open stays") == "who is open stays"
            ws.close()
