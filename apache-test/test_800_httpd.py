"""Inside httpd: its phases come first, its time limits do not reach a WebSocket."""
import base64
import hashlib
import json
import re
import time

import pytest

from harness import build
from harness.raw import PING, PONG, TEXT, Frame, close_frame, frame


def basic(user, password):
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"headers": {"Authorization": f"Basic {token}"}}


def sha_password(user, password):
    return f"{user}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}\n"


class TestAccess:
    OPTIONS = {"files": {"users": sha_password("ada", "lovelace") + sha_password("bob", "builder")}}
    CONFIG = """
      <Location /probe>
        AuthType Basic
        AuthName "probes"
        AuthUserFile "{root}/users"
        Require user ada
      </Location>
      <Location /close>
        Require all denied
      </Location>
      <Location /cookie>
        <RequireAny>
          Require env LET_IN
        </RequireAny>
      </Location>
      SetEnvIf X-Secret "^open sesame$" LET_IN"""

    def test_cws_800_401_without_credentials(self, httpd):
        mark = httpd.error_log.mark()
        answer = httpd.ask("/probe")
        assert answer.status == 401 and answer.get("www-authenticate").startswith("Basic")
        assert not httpd.error_log.find("probe: extra handshake", mark)

    def test_cws_801_401_with_wrong_ones(self, httpd):
        httpd.allow_log("AH01617|AH01618|AH01631")  # mod_auth_basic and mod_authz_core say so
        assert httpd.ask("/probe", **basic("ada", "byron")).status == 401
        assert httpd.ask("/probe", **basic("bob", "builder")).status == 401

    def test_cws_802_user_is_known_inside(self, httpd):
        with httpd.open("/probe", **basic("ada", "lovelace")) as ws:
            for phase in ("handshake", "properties"):
                assert json.loads(ws.ask_text(phase))["user"] == "ada"
            ws.close()

    def test_cws_803_require_all_denied(self, httpd):
        httpd.allow_log("AH01630")
        assert httpd.ask("/close").status == 403

    def test_cws_804_require_env(self, httpd):
        httpd.allow_log("AH01630")
        assert httpd.ask("/cookie").status == 403
        httpd.open("/cookie", headers={"X-Secret": "open sesame"}).drop()

    def test_cws_805_user_is_in_the_access_log(self, httpd):
        httpd.open("/probe", **basic("ada", "lovelace")).close()
        httpd.access_log.wait_for(r' ada .*"GET /probe HTTP/1.1" 101 ')


class TestRewrite:
    CONFIG = """
      RewriteEngine On
      RewriteRule ^/rooms/(\\w+)$ /probe?room=$1 [PT,QSA]
      RewriteRule ^/moved$ /echo [R=302]
      RewriteRule ^/forbidden$ - [F]
      RewriteCond %{HTTP:Upgrade} =websocket [NC]
      RewriteRule ^/both$ /echo [PT]
      Header set X-Always yes
      Header always set X-Really-Always yes
      RequestHeader set X-Probe "by mod_headers"
      Alias /aliased {root}/htdocs"""

    def test_cws_806_rewritten_to_a_handler(self, httpd):
        with httpd.open("/rooms/kitchen?seat=2") as ws:
            said = json.loads(ws.ask_text("properties"))
            assert said["resource"] == "/probe"
            assert said["query"] == "room=kitchen&seat=2"
            assert said["unparsed_uri"] == "/rooms/kitchen?seat=2"
            ws.close()

    def test_cws_807_redirected_and_forbidden(self, httpd):
        answer = httpd.ask("/moved")
        assert answer.status == 302 and answer.get("location").endswith("/echo")
        assert httpd.ask("/forbidden").status == 403

    def test_cws_808_one_path_two_worlds(self, httpd):
        (httpd.root / "htdocs/both").write_text("a page\n")
        assert httpd.get("/both").body == b"a page\n"
        with httpd.open("/both") as ws:
            assert ws.ask_text("a socket") == "a socket"

    def test_cws_809_mod_headers(self, httpd):
        with httpd.open("/probe") as ws:
            assert json.loads(ws.ask_text("properties"))["x_probe"] == "by mod_headers"
        assert httpd.ask("/probe").get("x-really-always") == "yes"


class TestVirtualHosts:
    OPTIONS = {"directories": ["one", "two"]}
    CONFIG = """
      WebSocketMaxMessageSize 2K
      <VirtualHost 127.0.0.1:{port}>
        ServerName one.example
        WebSocketHandlerRoot {root}/one
        ErrorLog {root}/logs/one.log
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName two.example
        WebSocketHandlerRoot {root}/two
        WebSocketAlias /alias /only_two
        WebSocketMaxMessageSize 1K
        <Location /only_two>
          WebSocketMaxMessageSize 4K
        </Location>
      </VirtualHost>
      <VirtualHost 127.0.0.1:{port}>
        ServerName three.example
      </VirtualHost>"""

    @pytest.fixture(autouse=True)
    def install(self, httpd):
        echo = build.HANDLERS / "echo_wsh.so"
        for name in ("one/only_one", "one/shared", "two/only_two", "two/shared"):
            target = httpd.root / f"{name}_wsh.so"
            if not target.exists():
                build.install(echo, target)

    def test_cws_810_each_has_its_root(self, httpd):
        for host, there, missing in (("one.example", "/only_one", "/only_two"),
                                     ("two.example", "/only_two", "/only_one"),
                                     ("three.example", "/echo", "/only_one")):
            httpd.open(there, host=host).close()
            assert httpd.ask(missing, host=host).status == 404
        assert httpd.ask("/echo", host="one.example").status == 404
        httpd.open("/alias", host="two.example").close()
        assert httpd.ask("/alias", host="one.example").status == 404

    @pytest.mark.parametrize("host, path, limit", [
        ("one.example", "/shared", 2048), ("two.example", "/shared", 1024),
        ("two.example", "/only_two", 4096), ("three.example", "/echo", 2048)])
    def test_cws_811_settings_are_inherited_and_overridden(self, httpd, host, path, limit):
        with httpd.open(path, host=host) as ws:
            assert len(ws.ask_text("x" * limit)) == limit
            ws.send(frame(TEXT, "x" * (limit + 1)))
            ws.expect_closed(1009)

    def test_cws_812_the_hosts_own_error_log(self, httpd):
        broken = httpd.root / "one/broken_wsh.so"
        broken.write_text("no handler")
        broken.chmod(0o644)
        assert httpd.ask("/broken", host="one.example").status == 404
        from harness.log import Log
        Log(httpd.root / "logs/one.log").wait_for(r"error.*broken_wsh\.so")
        broken.unlink()


class TestLogs:
    CONFIG = 'LogLevel cppwebsocket:debug'

    def test_cws_813_access_log_has_101(self, httpd):
        httpd.open("/echo?logged").close()
        line, = httpd.access_log.wait_for(r'"GET /echo\?logged HTTP/1.1" 101 ')
        assert line.startswith("127.0.0.1 - - [")
        time.sleep(0.1)
        assert len(httpd.access_log.find(r"/echo\?logged")) == 1

    def test_cws_814_refusals_are_logged_with_their_status(self, httpd):
        httpd.allow_log("probe refuses")
        httpd.ask("/probe?refuse=451&logged")
        httpd.access_log.wait_for(r'refuse=451&logged HTTP/1.1" 451 ')
        httpd.ask("/echo?bad", headers={"Sec-WebSocket-Key": "x"})
        httpd.access_log.wait_for(r'/echo\?bad HTTP/1.1" 400 ')

    def test_cws_815_open_and_close_are_in_the_error_log_at_debug(self, httpd):
        mark = httpd.error_log.mark()
        httpd.open("/echo").close(4000, "bye")
        httpd.error_log.wait_for(r"cppwebsocket.*echo_wsh\.so #\d+ /echo from .*OPEN -> ", mark)
        httpd.error_log.wait_for(r"cppwebsocket.*echo_wsh\.so #\d+ /echo from .*-> GONE", mark)


class TestTimeLimits:
    """The seed: KeepAlive Off or the end is delayed; a silent socket dies after Timeout."""
    CONFIG = """
      Timeout 2
      KeepAlive On
      KeepAliveTimeout 1
      RequestReadTimeout handshake=1 header=1-2,minrate=5000 body=1-2,minrate=5000
      WebSocketPingInterval Off"""

    def test_cws_816_silence_longer_than_every_limit(self, httpd):
        mark = httpd.error_log.mark()
        silent, blocking, spoken_to = (httpd.open(path) for path in
                                       ("/echo", "/echo_blocking", "/heartbeat?200"))
        get = f"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\n\r\n".encode()
        kept = httpd.connect()
        assert kept.ask(get).status == 200
        kept.upgrade(host=f"127.0.0.1:{httpd.port}")
        trickling = httpd.open()
        for byte in frame(TEXT, "a byte in a while")[:12]:
            trickling.send(bytes([byte]))
            time.sleep(0.4)
        trickling.send(frame(TEXT, "a byte in a while")[12:])
        assert trickling.read_text() == "a byte in a while"
        for ws in (silent, blocking, kept):  # silent for almost five seconds
            assert ws.ask_text("still here") == "still here"
            assert ws.close() < 0.5
        for i in range(10):  # only the server has spoken
            assert spoken_to.read_text() == f"tick {i + 1}"
        spoken_to.drop()
        assert not httpd.error_log.find("reqtimeout", mark)

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_817_tcp_ends_promptly_with_keep_alive_on(self, httpd, path):
        for _ in range(5):
            with httpd.open(path) as ws:
                assert ws.close() < 0.3
            with httpd.open(path.replace("echo", "probe")) as ws:
                ws.text("return")
                assert ws.read_close() == (1000, "")
                ws.send(close_frame(1000))
                assert ws.expect_eof() < 0.3

    def test_cws_818_large_message_slower_than_the_limits(self, httpd):
        payload = b"x" * 300
        with httpd.open() as ws:
            data = frame(TEXT, payload)
            ws.send(data, chop=len(data) // 6, pause=0.5)
            ws.expect(Frame(TEXT, payload))

    def test_cws_819_slow_reader_outlives_timeout(self, httpd):
        with httpd.open("/probe", receive_buffer=4096) as ws:
            ws.text("flood 3000 1000")
            time.sleep(2.5)
            for _ in range(3000):
                assert ws.read_frame().payload == b"*" * 1000
            ws.close()


class TestPingInterval:
    CONFIG = "WebSocketPingInterval 300ms"

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_820_a_dead_peer_is_closed(self, httpd, path):
        with httpd.open(path) as ws:
            begin = time.monotonic()
            assert ws.read_frame().opcode == PING
            ws.socket.settimeout(3)
            while ws.socket.recv(100):
                pass
            assert 0.4 < time.monotonic() - begin < 2

    def test_cws_821_a_peer_that_answers_lives(self, httpd):
        with httpd.open() as ws:
            for _ in range(5):
                ping = ws.read_frame()
                assert ping.opcode == PING
                ws.send(frame(PONG, ping.payload))
            assert ws.ask_text("alive") == "alive"
            ws.close()

    def test_cws_822_traffic_needs_no_pings(self, httpd):
        with httpd.open() as ws:
            for _ in range(20):
                assert ws.ask_text("busy") == "busy"
                time.sleep(0.05)
            ws.close()

    def test_cws_823_any_pong_or_frame_counts(self, httpd):
        with httpd.open() as ws:
            end, pings = time.monotonic() + 1.5, 0
            while time.monotonic() < end:
                if ws.read_frame().opcode == PING:
                    pings += 1
                    ws.send(frame(PONG, "not its body"))
            assert pings >= 3
            assert ws.ask_text("alive") == "alive"


class TestOtherTimes:
    CONFIG = """
      WebSocketPingInterval 200ms
      WebSocketIdleTimeout 700ms
      WebSocketCloseTimeout 500ms
      <Location /probe>
        WebSocketIdleTimeout Off
      </Location>
      <Location /probe_blocking>
        WebSocketIdleTimeout Off
      </Location>"""

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_824_idle_timeout(self, httpd, path):
        with httpd.open(path) as ws:
            begin = time.monotonic()
            while (got := ws.read_frame()).opcode == PING:  # pongs are no messages
                ws.send(frame(PONG, got.payload))
            assert got.opcode == 8 and got.payload[:2] == b"\x03\xe9"
            assert 0.5 < time.monotonic() - begin < 2

    def test_cws_825_messages_of_the_server_keep_it_open(self, httpd):
        with httpd.open("/heartbeat?300") as ws:
            ticks = 0
            while ticks < 5:
                got = ws.read_frame()
                if got.opcode == PING:
                    ws.send(frame(PONG, got.payload))
                else:
                    ticks += 1
                    assert got == Frame(TEXT, f"tick {ticks}".encode())

    @pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
    def test_cws_826_close_timeout(self, httpd, path):
        with httpd.open(path) as ws:
            ws.text("close 4000 answer me")
            assert ws.read_close() == (4000, "answer me")
            begin = time.monotonic()
            ws.expect_eof()
            assert 0.3 < time.monotonic() - begin < 2

    def test_cws_827_handler_that_does_not_receive_the_close(self, httpd):
        # The Close waits behind a message that the handler does not take.
        with httpd.open("/probe") as ws:
            begin = time.monotonic()
            ws.send(frame(TEXT, "block 1500") + frame(TEXT, "unread") + close_frame(1000))
            got = ws.read_frame()
            while got.opcode != 8:
                got = ws.read_frame()
            assert got.payload == b"\x03\xe8"
            assert time.monotonic() - begin < 1.4


class TestMaxConnections:
    CONFIG = "WebSocketMaxConnections 3\nWebSocketBlockingThreads 2\nWebSocketPingInterval Off"
    OPTIONS = {"one_child": True}

    def test_cws_828_503_above_the_limit(self, httpd):
        httpd.allow_log("WebSocketMaxConnections")
        sockets = [httpd.open() for _ in range(3)]
        answer = httpd.ask()
        assert answer.status == 503 and answer.get("sec-websocket-accept") is None
        assert httpd.get("/index.html").status == 200
        for ws in sockets:
            assert ws.ask_text("untouched") == "untouched"
        sockets[0].close()
        self.until_open(httpd, "/echo").close()
        for ws in sockets[1:]:
            ws.close()

    def test_cws_829_503_without_a_blocking_thread(self, httpd):
        httpd.allow_log("WebSocketBlockingThreads")
        sockets = [self.until_open(httpd, "/echo_blocking") for _ in range(2)]
        assert httpd.ask("/echo_blocking").status == 503
        with self.until_open(httpd, "/echo") as ws:
            assert ws.ask_text("coroutines go on") == "coroutines go on"
        sockets[0].drop()
        with self.until_open(httpd, "/echo_blocking") as ws:
            assert ws.ask_text("again") == "again"
        sockets[1].close()

    def until_open(self, httpd, path):
        httpd.allow_log("WebSocket(MaxConnections|BlockingThreads)")
        deadline = time.monotonic() + 3
        while True:
            try:
                return httpd.open(path)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)


class TestFewWorkers:
    """Idle sockets occupy no worker: more of them than httpd has processes or threads."""
    CONFIG = "<Location /server-status>\nSetHandler server-status\n</Location>"
    THREADS = ("ServerLimit 1\nStartServers 1\nThreadLimit 2\nThreadsPerChild 2\n"
               "MinSpareThreads 1\nMaxSpareThreads 2\nMaxRequestWorkers 2")
    PROCESSES = ("ServerLimit 2\nStartServers 2\nMinSpareServers 1\nMaxSpareServers 2\n"
                 "MaxRequestWorkers 2")
    OPTIONS = {"mpm_config": {"event": THREADS, "worker": THREADS, "prefork": PROCESSES}}

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_830_twenty_sockets_on_two_workers(self, httpd, path):
        httpd.allow_log("MaxRequestWorkers")
        sockets = [httpd.open(path) for _ in range(20)]
        for _ in range(5):
            assert httpd.get("/index.html").status == 200
        deadline = time.monotonic() + 3
        while True:
            status = httpd.get("/server-status?auto").body.decode()
            if re.search(r"^BusyWorkers: 1$", status, re.M):  # the status page's own
                break
            assert time.monotonic() < deadline, status
        for i, ws in enumerate(sockets):
            assert ws.ask_text(f"{i}") == f"{i}"
        for ws in sockets:
            ws.close()


class TestCompressionDirective:
    CONFIG = """
      WebSocketCompression On
      <Location /echo_blocking>
        WebSocketCompression Off
      </Location>
      <Location /probe>
        WebSocketCompression On context-takeover=on level=1 window-bits=10 min-size=1000
      </Location>
      <Location /heartbeat>
        WebSocketCompression On context-takeover=off
      </Location>"""
    OFFER = {"headers": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}}

    @pytest.mark.parametrize("path, client_forgets", [("/echo", False), ("/heartbeat", True)])
    def test_cws_831_clients_keep_their_context_unless_told(self, httpd, path, client_forgets):
        with httpd.open(path, **self.OFFER) as ws:
            answer = ws.response.get("sec-websocket-extensions")
            assert "server_no_context_takeover" in answer
            assert ("client_no_context_takeover" in answer) == client_forgets
            ws.drop()

    def test_cws_832_off(self, httpd):
        with httpd.open("/echo_blocking", **self.OFFER) as ws:
            assert ws.response.get("sec-websocket-extensions") is None

    def test_cws_833_window_bits_and_takeover(self, httpd):
        with httpd.open("/probe", **self.OFFER) as ws:
            answer = ws.response.get("sec-websocket-extensions")
            assert "server_max_window_bits=10" in answer and "client_max_window_bits=10" in answer
            assert "no_context_takeover" not in answer

    def test_cws_834_min_size(self, httpd):
        with httpd.open("/probe", **self.OFFER) as ws:
            ws.text("binary 999")
            assert ws.read_frame().rsv == 0
            ws.text("binary 1000")
            assert ws.read_frame().rsv == 4

    def test_cws_835_client_window_is_not_limited_unless_it_can(self, httpd):
        offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
        with httpd.open("/probe", headers=offer) as ws:
            answer = ws.response.get("sec-websocket-extensions")
            assert answer is None or "client_max_window_bits" not in answer


class TestOffByDefault:
    CONFIG = ""

    def test_cws_836_compression_is_off_by_default(self, httpd):
        with httpd.open(headers={"Sec-WebSocket-Extensions": "permessage-deflate"}) as ws:
            assert ws.response.get("sec-websocket-extensions") is None

    def test_cws_837_a_megabyte_is_the_default_limit(self, httpd):
        with httpd.open() as ws:
            assert len(ws.ask_text("x" * (1 << 20))) == 1 << 20
            ws.send(frame(TEXT, length=(1 << 20) + 1))
            ws.expect_closed(1009)


class TestHtaccess:
    OPTIONS = {"directories": ["htdocs/strict"]}
    CONFIG = """
      <Directory {root}/htdocs>
        AllowOverride AuthConfig
      </Directory>
      AllowEncodedSlashes Off"""

    def test_cws_838_htaccess_may_set_limits(self, httpd):
        build.install(build.HANDLERS / "echo_wsh.so", httpd.handler_root / "strict/echo_wsh.so")
        (httpd.root / "htdocs/strict/.htaccess").write_text("WebSocketMaxMessageSize 100\n")
        with httpd.open("/strict/echo") as ws:
            ws.send(frame(TEXT, "x" * 101))
            ws.expect_closed(1009)
        with httpd.open("/echo") as ws:
            assert ws.ask_text("x" * 101) == "x" * 101

    def test_cws_839_mistakes_there_are_a_500(self, httpd):
        (httpd.root / "htdocs/strict/.htaccess").write_text("WebSocketThreads 5\n")
        assert httpd.ask("/strict/echo").status == 500
        httpd.expect_log("WebSocketThreads not allowed here")


class TestForeignFilter:
    """Where another module wants to see every byte, it does; test_170 has more of them."""
    OPTIONS = {"modules": ["dumpio"]}
    CONFIG = "DumpIOInput On\nLogLevel dumpio:trace7"

    def test_cws_840_other_modules_filters_see_all(self, httpd):
        httpd.allow_log("(?i)dumpio")
        mark = httpd.error_log.mark()
        with httpd.open() as ws:
            assert ws.ask_text("of interest") == "of interest"
            ws.close()
        httpd.error_log.wait_for(r"dumpio_in \(data-HEAP\): \d+ bytes", mark, count=2)
