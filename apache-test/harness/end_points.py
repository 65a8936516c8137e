"""The end points of channels in one configuration, and a test class that talks to them."""
import json
import time

import pytest

CONFIG = """
LogLevel cppwebsocket:debug
# Of prefork's many children each gets a small part, and a message may take a quarter of that.
WebSocketChannelMemory 512M
<Location "/publish">
  SetHandler websocket-publish
  WebSocketMaxMessageSize 100000
  WebSocketChannelHistory 50 1h
</Location>
<Location "/subscribe">
  SetHandler websocket-subscribe
  WebSocketChannelHistory 50 1h
</Location>
<Location "/publish/closed">
  Require all denied
</Location>
<Location "/subscribe/closed">
  Require user nobody-is
</Location>
<Location "/keyed">
  SetHandler websocket-publish
  Require expr "%{req:X-Key} == file('{root}/key')"
</Location>
<Location "/status">
  SetHandler websocket-publish
  Require method GET
</Location>
<Location "/both">
  SetHandler websocket-subscribe
  WebSocketChannel one two-%{QUERY_STRING} %{reqenv:THREE}
</Location>
<Location "/none">
  SetHandler websocket-subscribe
  WebSocketChannel %{reqenv:NOTHING}
</Location>
<Location "/publish-several">
  SetHandler websocket-publish
  WebSocketChannel a b
</Location>
<Location "/login">
  SetHandler websocket-publish
  WebSocketChannel user-%{req:X-Login}
</Location>
<LocationMatch "^/match/">
  SetHandler websocket-publish
</LocationMatch>
<Location "/listed">
  SetHandler websocket-subscribe
  WebSocketOrigin https://app.example
</Location>
<Location "/listed/publish">
  SetHandler websocket-publish
</Location>
<Location "/any">
  SetHandler websocket-subscribe
  WebSocketOrigin Any
</Location>
<Location "/lively">
  SetHandler websocket-subscribe
  WebSocketPingInterval 300ms
</Location>
"""


@pytest.fixture(scope="session")
def handlers():
    """None: this is what goes without them."""
    return {}


class Talk:
    """An httpd with the end points, and ways to talk to them."""

    CONFIG = CONFIG
    OPTIONS = {"files": {"key": "open sesame"}}
    names = 0

    @pytest.fixture
    def channel(self):
        Talk.names += 1
        return f"channel-{Talk.names}"

    @staticmethod
    def post(httpd, channel, body=b"", headers=(), location="/publish"):
        body = body.encode() if isinstance(body, str) else body
        head = [f"POST {location}/{channel} HTTP/1.1", f"Host: 127.0.0.1:{httpd.port}",
                f"Content-Length: {len(body)}", *headers]
        with httpd.connect() as connection:
            return connection.ask("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def publish(self, httpd, channel, *texts):
        """The positions of the messages."""
        positions = []
        for text in texts:
            response = self.post(httpd, channel, text)
            assert response.status == 200, response
            positions.append(json.loads(response.body)["position"])
        return positions

    def look(self, httpd, channel, query=""):
        response = httpd.get(f"/publish/{channel}{query}")
        assert response.status == 200, response
        return json.loads(response.body)

    def wait_members(self, httpd, channel, count):
        """Until that many have joined, in whatever child."""
        deadline = time.monotonic() + 10
        while self.look(httpd, channel)["members"] != count:
            assert time.monotonic() < deadline, f"never {count} members"
            time.sleep(0.02)
