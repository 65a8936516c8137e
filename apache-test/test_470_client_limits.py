"""What one client may have (WebSocketLimit), how fast it may send (WebSocketMessageRate), and for how long
(WebSocketMaxAge)."""
import os
import signal
import time

import pytest

from harness.configuration import FEW
from harness.raw import BINARY, PING, TEXT, frame

CONFIG = """
WebSocketAlias /keyed /echo
WebSocketAlias /rated /echo
WebSocketAlias /rated/free /echo
WebSocketAlias /free /echo
WebSocketBlockingThreads 8
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
<Location "/echo">
  WebSocketLimit address connections=3
  WebSocketLimit %{HTTP:X-User} connections=1
</Location>
<Location "/keyed">
  WebSocketLimit %{HTTP:X-Key} handshakes=2/1h
</Location>
<Location "/rated">
  WebSocketLimit address connections=1 handshakes=1/1s
</Location>
<Location "/rated/free">
  WebSocketLimit None
</Location>
<Location "/free">
  WebSocketLimit address connections=off
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketLimit address connections=1
</Location>
"""
OVER = "CWS0086"


def from_address(address, **headers):
    return {"headers": {"X-Forwarded-For": address, **headers}}


def wait_for_room(opens, seconds=10):
    """What `opens` opens, as soon as it may."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return opens()
        except AssertionError as error:
            assert "status=429" in str(error) and time.monotonic() < deadline, error
            time.sleep(0.02)


class TestClientLimits:
    CONFIG = CONFIG

    def test_cws_470_connections_of_an_address_in_all_children(self, httpd, things):
        httpd.allow_log(OVER)
        client = from_address("198.51.100.1")
        opened = [httpd.open(**client) for _ in range(3)]
        for _ in range(10):  # whichever child answers
            refused = httpd.ask(**client)
            assert refused.status == 429 and refused.get("retry-after") == "5"
            assert b"as many connections here as it may have" in refused.body
        with httpd.open(**from_address("198.51.100.2")) as other:
            assert other.ask_text("another address") == "another address"
        opened.pop().close()
        opened.append(wait_for_room(lambda: httpd.open(**client)))
        assert opened[-1].ask_text("room again") == "room again"
        assert httpd.ask(**client).status == 429
        for ws in opened:
            ws.close()
        httpd.error_log.wait_for("CWS0086: .* more connections .WebSocketLimit address connections=3.", 0, 5)

    def test_cws_470_a_network_of_ipv6_is_one_client(self, httpd):
        httpd.allow_log(OVER)
        opened = [httpd.open(**from_address(f"2001:db8:0:1::{i}")) for i in range(1, 4)]
        assert httpd.ask(**from_address("2001:db8:0:1:ffff::1")).status == 429
        with httpd.open(**from_address("2001:db8:0:2::1")) as other:
            assert other.ask_text("next door") == "next door"
        for ws in opened:
            ws.close()

    def test_cws_470_expressions_name_clients(self, httpd):
        httpd.allow_log(OVER)
        with httpd.open(headers={"X-User": "ann"}) as ann:
            refused = httpd.ask(headers={"X-User": "ann"})
            assert refused.status == 429
            with httpd.open(headers={"X-User": "bob"}), httpd.open():  # who has no name is not limited by it
                pass
            ann.close()
        wait_for_room(lambda: httpd.open(headers={"X-User": "ann"})).close()

    def test_cws_471_handshakes_at_a_rate(self, httpd):
        httpd.allow_log(OVER)
        key = {"headers": {"X-Key": "k1"}}
        for _ in range(2):
            httpd.open("/keyed", **key).close()
        for _ in range(6):
            refused = httpd.ask("/keyed", **key)
            assert refused.status == 429 and 1700 <= int(refused.get("retry-after")) <= 1800
            assert b"opens connections too often" in refused.body
        httpd.open("/keyed", headers={"X-Key": "k2"}).close()
        httpd.open("/keyed").close()

    def test_cws_471_a_rate_lets_in_again(self, httpd):
        httpd.allow_log(OVER)
        client = from_address("198.51.100.7")
        httpd.open("/rated", **client).drop()
        assert httpd.ask("/rated", **client).status == 429
        wait_for_room(lambda: httpd.open("/rated", **client)).drop()

    def test_cws_472_sections_take_over_what_they_do_not_set(self, httpd):
        client = from_address("203.0.113.5")
        with httpd.open("/free", **client), httpd.open("/free", **client):
            pass
        for _ in range(3):  # below /rated
            httpd.open("/rated/free", **client).close()

    def test_cws_472_event_streams_are_told_when_to_come_back(self, httpd):
        httpd.allow_log(OVER)
        request = (b"GET /subscribe/a HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                   b"X-Forwarded-For: 198.51.100.9\r\n\r\n")
        with httpd.connect() as first, httpd.connect() as second:
            for connection in (first, second):
                connection.send(request)
                head = connection.read_until(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
            second.read_until(b"retry: ")
            assert 5000 <= int(second.read_until(b"\n")) < 10_000
            with pytest.raises(EOFError):  # the end, at once
                second.read_until(b"never")

    def test_cws_473_refused_and_failed_handshakes_give_back(self, httpd):
        httpd.allow_log(OVER)
        client = from_address("198.51.100.11")
        for _ in range(5):
            with httpd.connect() as gone:  # in the middle of it
                gone.send(b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 198.51.100.11\r\n")
            assert httpd.ask(**client, more=[("Origin", "http://elsewhere.example")]).status == 403
        httpd.allow_log("CWS0012")
        opened = [httpd.open(**client) for _ in range(3)]
        for ws in opened:
            ws.drop()


class TestDefaultLimits:
    CONFIG = """
WebSocketBlockingThreads 8
WebSocketMaxConnections 12
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
"""
    OPTIONS = {"one_child": True}

    @pytest.mark.parametrize("path, most", [("/echo_blocking", 6), ("/echo", 9)])
    def test_cws_474_one_public_address_leaves_a_quarter(self, httpd, mpm, path, most):
        if mpm == "prefork":
            pytest.skip("its one child has no place for a refusal beside")
        httpd.allow_log(OVER)
        client = from_address("192.0.2.77")
        opened = [httpd.open(path, **client) for _ in range(most)]
        assert httpd.ask(path, **client).status == 429
        with httpd.open(path, **from_address("192.0.2.78")) as other:
            assert other.ask_text("room for others") == "room for others"
        httpd.error_log.wait_for("CWS0086: .*75% of what a child has: .*mod_remoteip", 0, 5)
        for ws in opened:
            ws.close()
        opened = [wait_for_room(lambda: httpd.open(path, **client)) for _ in range(most)]
        for ws in opened:
            ws.close()

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "172.31.1.1", "192.168.1.1", "100.64.1.1", "fd00::1"])
    def test_cws_474_private_addresses_are_proxies_and_offices(self, httpd, mpm, address):
        if mpm == "prefork":
            pytest.skip("as above")
        opened = [httpd.open("/echo_blocking", **from_address(address)) for _ in range(8)]
        for ws in opened:
            ws.close()


class TestLimitsOutlast:
    def test_cws_475_killed_children_leave_nothing(self, make_httpd):
        httpd = make_httpd("WebSocketLimit address connections=5\n", mpm_config=FEW)
        httpd.allow_log(OVER)
        httpd.allow_log("exit signal|AH00052")
        for _ in range(3):
            opened = [wait_for_room(httpd.open) for _ in range(5)]
            assert httpd.ask().status == 429
            for child in httpd.children():
                os.kill(child, signal.SIGKILL)
            for ws in opened:
                ws.drop()
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                try:
                    if httpd.get("/index.html").status == 200:
                        break
                except OSError:
                    pass
                time.sleep(0.05)

    def test_cws_475_graceful_restarts_keep_count(self, make_httpd):
        httpd = make_httpd("WebSocketLimit address connections=4\nWebSocketDrainTimeout 1min keep\n")
        httpd.allow_log(OVER)
        opened = [httpd.open() for _ in range(4)]
        for _ in range(2):
            httpd.graceful()
            assert httpd.ask().status == 429, "those of the children that drain count"
            opened.pop().close()
            opened.insert(0, wait_for_room(httpd.open))
            assert httpd.ask().status == 429
        for ws in opened:
            assert ws.ask_text("still there") == "still there"
            ws.close()
        for ws in [wait_for_room(httpd.open) for _ in range(4)]:
            ws.close()


RATES = """
WebSocketAlias /large /echo
WebSocketAlias /closing /echo
WebSocketAlias /closing_blocking /echo_blocking
<Location "/echo">
  WebSocketMessageRate messages=20/1s
</Location>
<Location "/echo_blocking">
  WebSocketMessageRate messages=20/1s bytes=1M/s slow
</Location>
<Location "/large">
  WebSocketMessageRate bytes=100K/1s
</Location>
<Location "/closing">
  WebSocketMessageRate messages=20/1min close=1008
</Location>
<Location "/closing_blocking">
  WebSocketMessageRate bytes=10K/1min close=1013
</Location>
"""


class TestMessageRate:
    CONFIG = RATES

    @pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])
    def test_cws_476_who_is_too_fast_is_slowed(self, httpd, path):
        with httpd.open(path, timeout=30) as ws:
            begin = time.monotonic()
            ws.send(frame(TEXT, "x") * 60)
            for _ in range(20):
                assert ws.read_text() == "x"
            assert time.monotonic() - begin < 1.5
            for _ in range(40):
                assert ws.read_text() == "x"
            assert 1.8 < time.monotonic() - begin < 6
            ws.close()

    def test_cws_476_pings_count(self, httpd):
        with httpd.open("/echo", timeout=30) as ws:
            begin = time.monotonic()
            ws.send(frame(PING) * 39 + frame(TEXT, "behind"))
            for _ in range(39):
                ws.read_frame()
            assert ws.read_text() == "behind"
            assert time.monotonic() - begin > 0.8

    def test_cws_476_bytes_of_a_large_message(self, httpd):
        with httpd.open("/large", timeout=30) as ws:
            begin = time.monotonic()
            ws.send(frame(BINARY, b"x" * 300_000))
            ws.read_message()
            assert 1.5 < time.monotonic() - begin < 8

    @pytest.mark.parametrize("path, code, data", [("/closing", 1008, frame(TEXT, "echo x") * 21),
                                                  ("/closing_blocking", 1013, frame(TEXT, "x" * 12_000))],
                             ids=["messages", "bytes"])
    def test_cws_477_or_closed(self, httpd, path, code, data):
        with httpd.open(path) as ws:
            ws.send(data)
            while (got := ws.read_frame()).opcode != 8:
                pass
            assert int.from_bytes(got.payload[:2], "big") == code
            assert b"in a short time" in got.payload


AGES = """
WebSocketAlias /token /echo
<Location "/echo">
  WebSocketMaxAge 1s
</Location>
<Location "/echo_blocking">
  WebSocketMaxAge 1s 4001
</Location>
<Location "/token">
  WebSocketMaxAge expr=%{HTTP:X-Expires} 1013
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketMaxAge 1s
</Location>
"""


class TestMaxAge:
    CONFIG = AGES

    @pytest.mark.parametrize("path, code", [("/echo", 1008), ("/echo_blocking", 4001), ("/subscribe/a", 1008)])
    def test_cws_478_a_connection_ends_at_its_age(self, httpd, path, code):
        with httpd.open(path) as ws:
            begin = time.monotonic()
            while True:  # whatever goes on
                if path.startswith("/echo"):
                    ws.send(frame(TEXT, "x"))
                got = ws.read_frame()
                if got.opcode == 8:
                    break
                time.sleep(0.02)
            assert 0.7 < time.monotonic() - begin < 3
            assert int.from_bytes(got.payload[:2], "big") == code and got.payload[2:] == b"too old"

    def test_cws_478_an_event_stream_ends_as_well(self, httpd):
        with httpd.connect() as connection:
            connection.send(b"GET /subscribe/a HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
            begin = time.monotonic()
            try:
                while connection.socket.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            assert 0.7 < time.monotonic() - begin < 5

    @pytest.mark.parametrize("form", ["{:.0f}", "{:.2f}"])
    def test_cws_479_a_token_s_expiry(self, httpd, form):
        expires = form.format(time.time() + 2)
        with httpd.open("/token", headers={"X-Expires": expires}) as ws:
            begin = time.monotonic()
            assert ws.read_close()[0] == 1013
            assert 0.5 < time.monotonic() - begin < 4

    def test_cws_479_seconds_none_and_nonsense(self, httpd):
        httpd.allow_log("CWS0088: WebSocketMaxAge: the expression gives no number")
        with httpd.open("/token", headers={"X-Expires": "1"}) as ws:
            assert ws.read_close()[0] == 1013
        with httpd.open("/token") as ws:
            ws.expect_silence(1.5)
        past = httpd.ask("/token", headers={"X-Expires": "1500000000"})
        assert past.status == 403 and b"time for this connection is over" in past.body
        assert httpd.ask("/token", headers={"X-Expires": "tomorrow"}).status == 500


class TestMemory:
    CONFIG = "WebSocketMemory 2M\nWebSocketMaxMessageSize 2M\nWebSocketSendBufferSize 2M\n"
    OPTIONS = {"one_child": True}

    def test_cws_480_the_greediest_is_closed(self, httpd, mpm):
        if mpm == "prefork":
            pytest.skip("its one child has no place for another connection's handshake")
        httpd.allow_log("more than WebSocketMemory")
        with httpd.open(receive_buffer=4096, timeout=30) as greedy, httpd.open() as other:
            greedy.socket.settimeout(0.2)
            try:
                for _ in range(100):  # the kernel takes some MiB
                    greedy.socket.sendall(frame(BINARY, b"x" * 1_000_000))
            except OSError:
                pass
            httpd.error_log.wait_for(r"closing with 1013: .* more than WebSocketMemory .2097152.", 0, 10)
            assert other.ask_text("goes on") == "goes on"
            other.close()
