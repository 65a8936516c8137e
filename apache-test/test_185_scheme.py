"""WebSocketSchemeHeader: a proxy's word about the scheme, and whose it must be."""
import json

import pytest

from harness.configuration import END_POINTS
from harness.event_stream import request
from harness.h2_client import H2Session
from harness.processes import free_port
from harness.raw import Connection, upgrade_request

PROXY = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n"
CONFIG = PROXY + """
WebSocketSchemeHeader X-Forwarded-Proto
WebSocketAlias /legacy /echo
<Location "/legacy">
  WebSocketLegacyProtocols On
</Location>
""" + END_POINTS
BY = {"X-Forwarded-For": "203.0.113.7"}  # what makes mod_remoteip trust the proxy


def host_of(httpd):
    return f"127.0.0.1:{httpd.port}"


def taken(httpd, headers, **options):
    """Which of a page's two schemes is this server's own: that is what it takes ours for."""
    host = host_of(httpd)
    answers = {scheme: httpd.ask(headers=headers | {"Origin": f"{scheme}://{host}"}, **options).status
               for scheme in ("http", "https")}
    assert sorted(answers.values()) == [101, 403], answers
    return min(answers, key=answers.get)


class TestTrusted:
    CONFIG = CONFIG

    @pytest.mark.parametrize("word", ["https", "HTTPS", "wss", " https "])
    def test_cws_185_a_trusted_proxy_says_https(self, httpd, word):
        headers = BY | {"X-Forwarded-Proto": word}
        assert taken(httpd, headers) == "https"
        with httpd.open("/probe", headers=headers) as ws:
            said = json.loads(ws.ask_text("properties"))
            assert said["https"] and said["location"] == f"wss://{host_of(httpd)}/probe"
            assert said["remote"].startswith("203.0.113.7:")
            ws.close()

    def test_cws_185_end_points_too(self, httpd):
        for scheme, status in (("https", 200), ("http", 403)):
            headers = [f"{k}: {v}" for k, v in BY.items()] + ["X-Forwarded-Proto: https",
                                                             f"Origin: {scheme}://{host_of(httpd)}"]
            assert httpd.get("/publish/x", headers=headers).status == status
            with httpd.connect() as connection:
                fields = dict(each.split(": ") for each in headers)
                connection.send(request("/subscribe/x", host_of(httpd), fields))
                assert connection.read_response(head_only=True).status == status

    def test_cws_185_a_drafts_location(self, httpd):
        """draft-75 clients compare it with theirs."""
        head = {"Upgrade": "WebSocket", "Sec-WebSocket-Key": None, "Sec-WebSocket-Version": None}
        for word, scheme in (("https", "wss"), ("http", "ws")):
            headers = BY | head | {"X-Forwarded-Proto": word, "Origin": f"{word}://{host_of(httpd)}"}
            answer = httpd.ask("/legacy", headers=headers)
            assert answer.status == 101, answer
            assert answer.get("websocket-location") == f"{scheme}://{host_of(httpd)}/legacy"

    @pytest.mark.parametrize("word", ["http", "ws", "", "ftp", "https, http", "http, https", "https https",
                                      "https,https"])
    def test_cws_185_one_word_or_none(self, httpd, word):
        """A list is what a proxy makes that adds its word to a client's."""
        assert taken(httpd, BY | {"X-Forwarded-Proto": word}) == "http"

    def test_cws_185_two_fields_are_a_list(self, httpd):
        more = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "https")]
        assert taken(httpd, BY, more=more) == "http"

    def test_cws_185_without_the_clients_address_nobody_knows_the_proxy(self, httpd):
        assert taken(httpd, {"X-Forwarded-Proto": "https"}) == "http"

    def test_cws_185_a_strangers_word_is_not_believed(self, httpd):
        host = host_of(httpd)
        mark = httpd.error_log.mark()
        for origin, status in ((f"http://{host}", 101), (f"https://{host}", 403)):
            headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "Origin": origin}
            with httpd.connect(source="127.0.0.2") as ws:
                assert ws.ask(upgrade_request("/echo", host, headers=headers)).status == status
        httpd.error_log.wait_for("CWS0012: .*ServerName .* says so; WebSocketSchemeHeader X-Forwarded-Proto is "
                                 "not believed, for mod_remoteip does not trust 127.0.0.2", mark)

    def test_cws_185_the_log_says_what_is_missing(self, httpd):
        origin = {"Origin": f"https://{host_of(httpd)}"}
        for headers, words in ((BY, "X-Forwarded-Proto did not come"),
                               (BY | {"X-Forwarded-Proto": "ftp"}, "is neither http nor https")):
            mark = httpd.error_log.mark()
            assert httpd.ask(headers=headers | origin).status == 403
            httpd.error_log.wait_for("CWS0012: .*; WebSocketSchemeHeader .*" + words, mark)


class TestWhereItHasNoSay:
    CONFIG = CONFIG + """
      <VirtualHost 127.0.0.1:{port}>
        ServerName first.example
        WebSocketSchemeHeader None
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName https://tls.example
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName http://plain.example
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName other.example
        WebSocketSchemeHeader X-Scheme
      </VirtualHost>"""

    @pytest.mark.parametrize("host, scheme", [("first.example", "http"), ("tls.example", "https"),
                                              ("plain.example", "http"), ("other.example", "http")])
    @pytest.mark.parametrize("word", ["http", "https"])
    def test_cws_185_none_and_server_name(self, httpd, host, scheme, word):
        for page in ("http", "https"):
            headers = BY | {"X-Forwarded-Proto": word, "Origin": f"{page}://{host}"}
            assert httpd.ask(host=host, headers=headers).status == (101 if page == scheme else 403)

    def test_cws_185_its_own_field(self, httpd):
        headers = BY | {"X-Scheme": "https", "Origin": "https://other.example"}
        assert httpd.ask(host="other.example", headers=headers).status == 101


def test_cws_185_off_by_default(make_httpd):
    assert taken(make_httpd(PROXY), BY | {"X-Forwarded-Proto": "https"}) == "http"


def test_cws_185_the_browser_may_speak_less_than_the_proxy(make_httpd):
    httpd = make_httpd(CONFIG, tls_config="")
    assert taken(httpd, BY | {"X-Forwarded-Proto": "http"}) == "http"
    assert taken(httpd, {"X-Forwarded-Proto": "http"}) == "https"


def test_cws_185_over_http2(make_httpd, mpm):
    if mpm == "prefork":
        pytest.skip("mod_http2 does not support prefork")
    httpd = make_httpd(CONFIG + "Protocols h2c http/1.1\nH2WebSockets On\nWebSocketHTTP2 On", modules=("http2",))
    with H2Session(httpd.address) as h2:
        for by, scheme in ((BY, "https"), ({}, "http")):
            headers = {name.lower(): value for name, value in by.items()} | {"x-forwarded-proto": "https"}
            answers = {page: h2.ask(headers=headers | {"origin": f"{page}://{host_of(httpd)}"}).response.status
                       for page in ("http", "https")}
            assert answers == {scheme: 200} | {other: 403 for other in ("http", "https") if other != scheme}


@pytest.mark.parametrize("http2", [False, True])
def test_cws_185_not_by_the_proxy_protocol(make_httpd, mpm, http2):
    """Who writes that need not know HTTP: then the fields are the client's own."""
    if http2 and mpm == "prefork":
        pytest.skip("mod_http2 does not support prefork")
    port = free_port()
    line = b"PROXY TCP4 203.0.113.9 198.51.100.1 45678 443\r\n"
    httpd = make_httpd(CONFIG + f"""
      {"H2WebSockets On" if http2 else ""}
      Listen 127.0.0.1:{port}
      <VirtualHost 127.0.0.1:{port}>
        RemoteIPProxyProtocol On
        {"Protocols h2c http/1.1" if http2 else ""}
        WebSocketHTTP2 On
      </VirtualHost>""", modules=("http2",) if http2 else ())
    headers = {"x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https"}
    for scheme, good in (("http", True), ("https", False)):
        headers["origin"] = f"{scheme}://127.0.0.1:{port}"
        if http2:
            with H2Session(("127.0.0.1", port), first=line) as h2:
                assert h2.ask(headers=headers).response.status == (200 if good else 403)
            continue
        with Connection(("127.0.0.1", port)) as ws:
            answer = ws.ask(line + upgrade_request("/echo", f"127.0.0.1:{port}", headers=headers))
            assert answer.status == (101 if good else 403)
