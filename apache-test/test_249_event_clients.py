"""Event streams, as the libraries and browsers see them that people use."""
import shutil
import threading
from contextlib import ExitStack

import pytest

from harness import build
from harness.configuration import MPM
from harness.event_clients import LIBRARIES, Library, Page
from harness.event_stream import open_stream
from harness.end_points import Talk, handlers  # noqa: F401, a fixture
from test_900_clients import run_node

CONFIG = """
WebSocketChannelMemory 512M
<Location "/publish">
  SetHandler websocket-publish
  WebSocketChannelHistory 100
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 100
</Location>
<Location "/subscribe/beats">
  WebSocketPingInterval 200ms
</Location>
Redirect 204 "/subscribe/over"
"""


def url(httpd, channel):
    return f"http://127.0.0.1:{httpd.port}/subscribe/{channel}"


class Restarted(Talk):
    CONFIG = CONFIG
    OPTIONS = {}

    def resume(self, httpd, channel, client):
        """Before there is any message, the stream is cut; one is published before it is back."""
        client.wait("subscribed", timeout=90)
        httpd.graceful()
        client.wait("error")
        self.publish(httpd, channel, "missed")
        assert client.wait("message") == ["message missed"]
        self.publish(httpd, channel, "after")
        assert client.wait("message", 2) == ["message missed", "message after"]
        assert client.lines().count("open") >= 2
        assert not [line for line in client.lines() if line.startswith(("gap", "closed"))]


class TestLibraries(Restarted):
    @pytest.mark.parametrize("library", LIBRARIES)
    def test_cws_249_resumes_after_a_restart(self, httpd, channel, library):
        with Library(library, url(httpd, channel)) as client:
            self.resume(httpd, channel, client)

    @pytest.mark.parametrize("library", LIBRARIES)
    def test_cws_249_heartbeats_are_no_messages(self, httpd, channel, library):
        with Library(library, url(httpd, f"beats/{channel}")) as client:
            client.wait("subscribed")
            with open_stream(httpd, f"/subscribe/beats/{channel}") as stream:
                while stream.comments < 3:
                    stream.read_block()
            self.publish(httpd, f"beats/{channel}", "one")
            client.wait("message one")
            assert [line.split()[0] for line in client.lines()] == ["open", "subscribed", "message"]

    def test_cws_249_204_is_final(self, httpd):
        with Library("eventsource", url(httpd, "over")) as client:
            client.wait("closed")
        httpd.access_log.wait_for('"GET /subscribe/over HTTP/1.1" 204 ')


class TestBrowsers(Restarted):
    @pytest.mark.parametrize("browser", ["chromium", "firefox", "webkit"])
    def test_cws_249_resumes_after_a_restart(self, httpd, channel, browser):
        with Page(browser, httpd, channel) as client:
            self.resume(httpd, channel, client)


class TestLimit(Talk):
    CONFIG = CONFIG + "WebSocketMaxConnections 4"
    OPTIONS = {"one_child": True}

    def test_cws_249_comes_back_when_there_is_room(self, httpd, channel):
        httpd.allow_log("CWS0014: no room for a connection: WebSocketMaxConnections is reached")
        with ExitStack() as room, ExitStack() as clients:
            for _ in range(4):
                room.enter_context(open_stream(httpd, f"/subscribe/{channel}")).wait_id()
            refused = [clients.enter_context(Library(name, url(httpd, channel))) for name in LIBRARIES]
            for client in refused:
                client.wait("error")
            room.close()
            for client in refused:
                client.wait("subscribed")  # after the 5 to 10 seconds that it was told
                assert "closed" not in client.lines()


class TestChildrenThatEnd(Talk):
    CONFIG = CONFIG
    OPTIONS = {"mpm_config": {mpm: text.replace("PerChild 0", "PerChild 40") for mpm, text in MPM.items()}}

    def test_cws_249_resumes_after_its_child_has_served_enough(self, httpd, channel):
        with ExitStack() as clients:
            all_clients = [clients.enter_context(Library(name, url(httpd, channel)))
                           for name in LIBRARIES]
            for client in all_clients:
                client.wait("subscribed")
            for _ in range(2000):
                if all("error" in client.lines() for client in all_clients):
                    break
                assert httpd.get("/index.html").status == 200
            self.publish(httpd, channel, "missed")
            for client in all_clients:
                assert client.wait("message") == ["message missed"]
                assert "error" in client.lines()
                assert not [line for line in client.lines() if line.startswith(("gap", "closed"))]


class TestOverHttp2(Talk):
    OPTIONS = {"modules": ("http2",), "tls_config": "", "one_child": True}
    CONFIG = CONFIG + """
      WebSocketMaxConnections 3
      Protocols h2 http/1.1
      # As their files import each other, and as no file is named.
      <Location "/library">
        ForceType text/javascript
      </Location>"""

    def test_cws_249_fetch_event_source_comes_back(self, httpd, channel, mpm):
        if mpm == "prefork":
            pytest.skip("mod_http2 does not support prefork")
        library = build.SOURCE / "node_modules/@microsoft/fetch-event-source/lib/esm"
        (httpd.root / "htdocs/library").mkdir()
        for name in ("index", "fetch", "parse"):
            shutil.copy(library / f"{name}.js", httpd.root / "htdocs/library" / name)
        httpd.allow_log("CWS0014: no room for a connection: WebSocketMaxConnections is reached|"
                        "CWS0050")  # one child has one place
        httpd.tolerate("restarts under load")
        taken = [open_stream(httpd, "/subscribe/taken", wrap=httpd.wrap) for _ in range(3)]

        def make_room():
            httpd.access_log.wait_for(f'"GET /subscribe/{channel} HTTP/2.0" 503 ', count=3, timeout=60)
            for stream in taken:
                stream.connection.drop()

        room = threading.Thread(target=make_room)
        room.start()
        host = f"https://127.0.0.1:{httpd.port}"
        seen = run_node("fetch_over_http2.mjs", shutil.which("chromium"), f"{host}/index.html",
                        f"{host}/library/index", channel, str(httpd.process.pid))
        room.join()
        assert seen["protocol"] == "h2" and len(seen["told"]) == 3
        for told in seen["told"]:
            assert not {"gap", "closed"} & set(told), seen["told"]
            assert [what for what in told if what in ("now", "missed")] == ["now", "missed"]
