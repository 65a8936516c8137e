"""WebSocketHook: an application, in whatever language, says who may connect, and is told who has gone."""
import json
import signal
import time

import pytest

from harness import tls
from harness.application import SECRET, Application
from harness.event_stream import open_stream
from harness.log import Log
from harness.processes import free_port



def config(**hooks):
    """`hooks`: what follows the event's name."""
    return ("LogLevel cppwebsocket:info\nWebSocketChannelMemory 512M\nWebSocketChannelHistory 50 1h\nWebSocketHookSecret {root}/secret\n"
            + "".join(f"WebSocketHook {event} {rest}\n" for event, rest in hooks.items()) + """
<Location "/channels">
  SetHandler websocket-channels
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
</Location>
<Location "/mine">
  SetHandler websocket-subscribe
  WebSocketChannel %{reqenv:NOTHING}
</Location>
<Location "/publish">
  SetHandler websocket-publish
</Location>
<Location "/metrics">
  SetHandler websocket-metrics
</Location>
<Location "/publish-freely">
  SetHandler websocket-publish
  WebSocketHook publish None
  WebSocketHook subscribe None
</Location>
""")


@pytest.fixture
def app():
    with Application() as application:
        yield application


@pytest.fixture
def hooked(make_httpd, app):
    """Starts an httpd; each keyword is an event, and what follows the application's URL."""
    def make(_more="", **hooks):
        return make_httpd(config(**{event: f"{app.url} {rest}" for event, rest in hooks.items()}) + _more,
                          files={"secret": SECRET + "\n"})
    return make


def channels(httpd, path="/channels", headers=()):
    return httpd.open(path, headers={"Sec-WebSocket-Protocol": "channels.json", **dict(headers)})


def read(ws):
    return json.loads(ws.read_text())


def post(httpd, path, body="hello", headers=()):
    head = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{httpd.port}", f"Content-Length: {len(body)}", *headers]
    with httpd.connect() as connection:
        return connection.ask("\r\n".join(head).encode() + b"\r\n\r\n" + body.encode())


def metric(httpd, line):
    for each in httpd.get("/metrics").body.decode().splitlines():
        if each.startswith(line + " "):
            return float(each.split()[-1])
    return None


# --- connect ------------------------------------------------------------------------------------


def test_cws_8100_the_application_is_asked_who_connects_and_names_user_channels_and_data(hooked, app):
    app.answer = lambda event: {"user": "ann", "channels": ["for-ann"], "data": "welcome, Ann"}
    httpd = hooked(connect="")
    headers = {"Cookie": "PHPSESSID=abc", "Authorization": "Bearer x", "Origin": f"http://127.0.0.1:{httpd.port}"}
    ws = channels(httpd, "/channels?token=1", headers)
    assert read(ws) == {"type": "welcome", "channels": 100, "data": "welcome, Ann"}
    begun = read(ws)
    assert (begun["type"], begun["channel"]) == ("subscribed", "for-ann")
    event, = app.events
    assert event.is_signed()
    assert {**event, "time": 0} == {
        "event": "connect", "time": 0, "connection": event["connection"], "host": "127.0.0.1", "path": "/channels",
        "query": "token=1", "address": "127.0.0.1", "user": None, "origin": headers["Origin"], "channels": []}
    assert abs(event["time"] / 1000 - time.time()) < 60
    pid, _, number = event["connection"].partition("-")
    assert int(pid) in httpd.children() and int(number) > 0
    assert (event.headers["Cookie"], event.headers["Authorization"]) == ("PHPSESSID=abc", "Bearer x")
    assert event.headers["User-Agent"].startswith("mod_cppwebsocket/")
    assert post(httpd, "/publish/for-ann").status == 200
    assert read(ws)["data"] == "hello"
    httpd.access_log.wait_for(" ann .*GET /channels")


def test_cws_8101_a_handler_knows_the_user_that_the_application_has_named(hooked, app):
    app.answer = lambda event: {"user": "bob"}
    httpd = hooked('WebSocketLog logs/ws.log "%{user}W"\n', connect="")
    with httpd.open("/echo") as ws:
        assert ws.ask_text("hello") == "hello"
    httpd.access_log.wait_for(" bob .*GET /echo")
    Log(httpd.root / "logs/ws.log").wait_for("^bob$")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
def test_cws_8102_its_refusal_is_the_clients_with_its_reason(hooked, app, status):
    app.answer = lambda event: (status, {"reason": "not you"})
    httpd = hooked(connect="open")
    answer = httpd.ask("/echo")
    assert (answer.status, answer.body) == (status, b"not you\n")
    httpd.error_log.wait_for(f"CWS0120: connect: the application {app.url} refuses with {status}: not you")
    assert metric(httpd, 'cppwebsocket_handshakes_refused_total{reason="application"}') == 1
    assert metric(httpd, 'cppwebsocket_hook_requests_total{answer="no"}') == 1


@pytest.mark.parametrize("answer, why", [
    ((500, {}), "it has answered 500"), ((302, {}), "it has answered 302"), ((200, b"<html>"), "no JSON object"),
    ({"user": 7}, '"user" is no string'), ({"channels": ["a\n"]}, "control characters"), ({"expires_at": "x"}, "no whole number"),
    ((None, {}), "Empty reply"), ((200, b"x" * (2 << 20)), "larger than 1 MiB")])
def test_cws_8103_what_is_no_answer_refuses_for_now_or_where_it_is_open_lets_in(hooked, app, answer, why):
    app.answer = lambda event: answer
    httpd = hooked("<Location /mine>\nWebSocketHook connect " + app.url + " open\nWebSocketChannel news\n</Location>\n",
                   connect="")
    httpd.allow_log("CWS0121")
    refused = httpd.ask("/echo")
    assert (refused.status, refused.get("Retry-After")) == (503, "5")
    httpd.error_log.wait_for(f"CWS0121: connect: the application .* gives no answer: .*{why}")
    httpd.open("/mine").drop()
    assert metric(httpd, 'cppwebsocket_hook_requests_total{answer="none"}') == 2


def test_cws_8104_an_application_that_hangs_holds_a_handshake_for_its_time_limit_and_no_longer(hooked, app):
    app.answer = lambda event: time.sleep(4)
    httpd = hooked("<Location /subscribe>\nWebSocketHook connect " + app.url + "\n</Location>\n", connect="timeout=300ms")
    httpd.allow_log("CWS0121")
    begin = time.monotonic()
    assert httpd.ask("/echo").status == 503
    assert 0.25 < time.monotonic() - begin < 1.5
    begin = time.monotonic()
    assert httpd.ask("/subscribe/news").status == 503  # the default
    assert 2.9 < time.monotonic() - begin < 3.9


def test_cws_8105_one_that_is_down_refuses_at_once_and_is_found_when_it_is_back(make_httpd):
    port = free_port()
    httpd = make_httpd(config(connect=f"http://127.0.0.1:{port}/hook"), files={"secret": SECRET})
    httpd.allow_log("CWS0121")
    begin = time.monotonic()
    assert httpd.ask("/echo").status == 503
    assert time.monotonic() - begin < 1
    with Application(port=port):
        httpd.open("/echo").drop()


def test_cws_8106_a_hanging_application_leaves_threads_for_pages(hooked, app, mpm):
    if mpm == "prefork":
        pytest.skip("each request has a process")
    app.answer = lambda event: time.sleep(2)
    httpd = hooked(connect="timeout=2s")
    httpd.allow_log("CWS0121")
    waiting = [httpd.connect() for _ in range(150)]
    for connection in waiting:
        connection.send(f"GET /echo HTTP/1.1\r\nHost: 127.0.0.1:{httpd.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    httpd.error_log.wait_for("CWS0121: .* wait for an application already")
    begin = time.monotonic()
    assert httpd.get("/index.html").status == 200
    assert time.monotonic() - begin < 1
    for connection in waiting:
        connection.drop()


def test_cws_8107_event_streams_are_asked_about_too_and_not_now_brings_them_back(hooked, app):
    app.answer = lambda event: {"channels": ["second"]}
    httpd = hooked(connect="")
    with open_stream(httpd, "/subscribe/first") as stream:
        for channel in ("first", "second"):
            post(httpd, f"/publish/{channel}", channel)
        assert sorted(stream.texts(2)) == ["first", "second"]
        last = stream.id
    post(httpd, "/publish/second", "meanwhile")
    assert app.events[0]["channels"] == ["first"]
    with open_stream(httpd, "/subscribe/first", headers={"Last-Event-ID": last}) as stream:
        assert stream.texts(1) == ["meanwhile"]
    app.answer = lambda event: (500, {})
    httpd.allow_log("CWS0121")
    with open_stream(httpd, "/subscribe/first") as stream:
        assert stream.read_to_end() == [] and stream.retry >= 5000


def test_cws_8108_the_channels_may_be_the_applications_alone(hooked, app):
    app.answer = lambda event: {"channels": ["user-7"]}
    httpd = hooked(connect="")
    with httpd.open("/mine") as ws:
        post(httpd, "/publish/user-7")
        assert ws.read_text() == "hello"
    app.answer = lambda event: {}
    assert httpd.ask("/mine").status == 404


def test_cws_8109_a_connection_ends_when_the_application_says(hooked, app):
    app.answer = lambda event: {"expires_at": int(time.time()) + 2}
    httpd = hooked(connect="", disconnect="")
    ws = httpd.open("/echo")
    assert ws.read_close()[0] == 1008
    assert app.wait_for("disconnect")[0]["code"] == 1008
    app.answer = lambda event: {"expires_at": int(time.time()) - 1}
    assert httpd.ask("/echo").status == 403


def test_cws_8110_unix_sockets_are_connected_to(make_httpd):
    httpd = make_httpd(config(connect="unix:{root}/run/app|http://application/hook"), files={"secret": SECRET}, start=False)
    with Application(path=httpd.root / "run/app") as local:
        httpd.start()
        httpd.open("/echo").drop()
        assert (local.events[0].target, local.events[0].headers["Host"]) == ("/hook", "application")


def test_cws_8111_the_certificate_of_an_https_application_is_checked(make_httpd, tmp_path):
    certificates = tls.certificates()
    both = tmp_path / "both.pem"
    both.write_text("".join(open(certificates.path(f"server.{kind}")).read() for kind in ("crt", "key")))
    with Application(certificate=both) as app:
        httpd = make_httpd(config(connect=app.url) + f"""<Location /subscribe>
            WebSocketHookCACertificateFile {certificates.path("ca.crt")}
            </Location>\n""", files={"secret": SECRET})
        httpd.allow_log("CWS0121")
        assert httpd.ask("/echo").status == 503
        httpd.error_log.wait_for("CWS0121: .*certificate")
        assert app.events == []
        httpd.open("/subscribe/news").drop()
        assert len(app.events) == 1


def test_cws_8112_connections_to_the_application_are_kept(hooked, app):
    httpd = hooked(connect="")
    for _ in range(10):
        httpd.open("/echo").drop()
    assert len({each.connection for each in app.events}) <= len(httpd.children())


def test_cws_8113_a_kept_connection_that_the_application_has_closed_is_made_anew(hooked, app):
    app.cuts = True
    httpd = hooked(connect="")
    for _ in range(10):
        httpd.open("/echo").drop()
    assert len(app.events) == 10


def test_cws_8114_429_is_not_now(hooked, app):
    app.answer = lambda event: (429, {"reason": "too many of you"})
    httpd = hooked(connect="")
    refused = httpd.ask("/echo")
    assert (refused.status, refused.get("Retry-After"), refused.body) == (429, "5", b"too many of you\n")
    with open_stream(httpd, "/subscribe/news") as stream:
        assert stream.read_to_end() == [] and stream.retry >= 5000


# --- disconnect ---------------------------------------------------------------------------------


def test_cws_8120_it_is_told_of_each_end_once_with_code_and_duration(hooked, app):
    httpd = hooked(connect="", disconnect="")
    ws = httpd.open("/echo")
    ws.close(4001, "bye")
    gone, = app.wait_for("disconnect")
    assert gone.is_signed()
    assert (gone["code"], gone["reason"], gone["connection"]) == (4001, "bye", app.events[0]["connection"])
    assert gone["duration_ms"] < 10_000
    with open_stream(httpd, "/subscribe/news"):
        pass
    gone = app.wait_for("disconnect", 2)[1]
    assert gone["path"] == "/subscribe/news" and gone["code"] in (1005, 1006)


def test_cws_8124_what_was_allowed_and_not_opened_is_told_of_too(hooked, app):
    httpd = hooked(connect="", disconnect="")
    assert httpd.ask("/subscribe/news", headers={"Sec-WebSocket-Protocol": "unknown"}).status == 400  # by the end point
    begun, gone = app.wait_for("connect")[0], app.wait_for("disconnect")[0]
    assert (gone["connection"], gone["code"], gone["duration_ms"]) == (begun["connection"], 1006, 0)


def test_cws_8121_what_was_not_taken_is_told_again_with_the_same_id(hooked, app):
    answers = [(503, {}), (None, {}), (200, {})]
    app.answer = lambda event: answers.pop(0) if event["event"] == "disconnect" else {}
    httpd = hooked(disconnect="")
    httpd.open("/echo").close(1000)
    first, second, third = app.wait_for("disconnect", 3, timeout=15)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.body == third.body and third.is_signed()
    time.sleep(0.5)
    assert len(app.events) == 3
    assert metric(httpd, "cppwebsocket_hook_events_lost_total") == 0


def test_cws_8122_what_the_application_refuses_is_lost_counted_and_logged(hooked, app):
    app.answer = lambda event: (410, {})
    httpd = hooked(disconnect="")
    httpd.allow_log("CWS0122")
    httpd.open("/echo").close(1000)
    httpd.error_log.wait_for("CWS0122: the application .* could not be told of an event: answered with 410")
    assert metric(httpd, "cppwebsocket_hook_events_lost_total") == 1


def test_cws_8123_a_stop_tells_of_all_its_connections(hooked, app):
    httpd = hooked(disconnect="")
    sockets = [httpd.open("/echo") for _ in range(20)]
    httpd.process.send_signal(signal.SIGTERM)
    assert {each["code"] for each in app.wait_for("disconnect", 20)} == {1001}
    for each in sockets:
        each.drop()


# --- the directives -----------------------------------------------------------------------------


def test_cws_8130_no_htaccess_says_whom_httpd_calls(make_httpd):
    httpd = make_httpd("<Directory {root}/htdocs>\nAllowOverride All\n</Directory>")
    (httpd.root / "htdocs/.htaccess").write_text("WebSocketHook connect http://127.0.0.1:1/\n")
    assert httpd.get("/index.html").status == 500
    httpd.expect_log("WebSocketHook not allowed here")
