"""Clients that others wrote: python3-websockets, npm's ws, Chromium on the console page."""
import asyncio
import os
import shutil

import pytest
import tornado.websocket
import websocket
import websockets

from harness import build, tls
from harness.node import run_node

BOTH = pytest.mark.parametrize("path", ["/echo", "/echo_blocking"])


def uri(httpd, path):
    return f"ws://127.0.0.1:{httpd.port}{path}"


class TestPythonWebsockets:
    @BOTH
    @pytest.mark.parametrize("compression", [None, "deflate"])
    def test_cws_900_echo(self, httpd, path, compression):
        async def talk():
            async with websockets.connect(uri(httpd, path), compression=compression,
                                          max_size=1 << 25) as ws:
                assert bool(ws.extensions) == bool(compression)
                for message in ("", "Hello", "もももすももももものうち", "x" * 70_000, b"", b"\xff" * 1000,
                                os.urandom(2 << 20), "桃" * 500_000, ["part ", "by ", "part"]):
                    await ws.send(message)
                    expected = "".join(message) if isinstance(message, list) else message
                    assert await ws.recv() == expected
                await (await ws.ping("are you there"))
                await ws.close(4321, "さようなら")
                assert ws.close_code == 4321
        asyncio.run(talk())

    @BOTH
    def test_cws_901_fifty_at_once(self, httpd, path):
        async def one(number):
            async with websockets.connect(uri(httpd, path)) as ws:
                for i in range(20):
                    await ws.send(f"{number} {i}" * 50)
                    assert await ws.recv() == f"{number} {i}" * 50

        async def talk():
            await asyncio.gather(*(one(number) for number in range(50)))
        asyncio.run(talk())

    def test_cws_902_subprotocol_and_headers(self, httpd):
        async def talk():
            async with websockets.connect(uri(httpd, "/subprotocol"),
                                          subprotocols=["chat.example", "other"]) as ws:
                assert ws.subprotocol == "chat.example"
                assert await ws.recv() == "subprotocol: chat.example"
            async with websockets.connect(uri(httpd, "/cookie?set")) as ws:
                assert ws.response_headers["Set-Cookie"] == "foo=bar; Max-Age=86400"
        asyncio.run(talk())

    def test_cws_903_refusals(self, httpd):
        httpd.allow_log("probe refuses")

        async def talk():
            for path, status in (("/no_such", 404), ("/probe?refuse=451", 451)):
                with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
                    await websockets.connect(uri(httpd, path))
                assert refused.value.status_code == status
        asyncio.run(talk())

    def test_cws_904_server_closes(self, httpd):
        async def talk():
            async with websockets.connect(uri(httpd, "/close")) as ws:
                await ws.send("4001 see you")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await ws.recv()
                assert (closed.value.code, closed.value.reason) == (4001, "see you")
        asyncio.run(talk())


class TestTornado:
    CONFIG = "WebSocketCompression On"

    @BOTH
    def test_cws_905_similar_compressed_messages(self, httpd, path):
        # It reads over client_no_context_takeover: python3-tornado 6.2 and later.
        async def talk():
            ws = await tornado.websocket.websocket_connect(uri(httpd, path), compression_options={})
            assert ws.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate")
            for i in range(5):
                await ws.write_message(f"もももすももももものうち, {i}" * 100)
                assert await ws.read_message() == f"もももすももももものうち, {i}" * 100
            ws.close(4321, "bye")
            assert await ws.read_message() is None and ws.close_code == 4321
        asyncio.run(talk())


class TestWebsocketClient:
    """python3-websocket names http:// as its origin on wss, too."""
    OPTIONS = {"tls_config": ""}
    CONFIG = """
      <Location "/echo_blocking">
        WebSocketOrigin Same http://127.0.0.1:{port}
      </Location>"""

    def connect(self, httpd, path, **options):
        return websocket.create_connection(f"wss://127.0.0.1:{httpd.port}{path}", timeout=10,
                                           sslopt={"ca_certs": tls.certificates().path("ca.crt")}, **options)

    def test_cws_906_the_log_names_the_cures(self, httpd):
        mark = httpd.error_log.mark()
        with pytest.raises(websocket.WebSocketBadStatusException) as refused:
            self.connect(httpd, "/echo")
        assert refused.value.status_code == 403
        httpd.allow_log("CWS0012: ")
        own = f"127.0.0.1:{httpd.port}"
        httpd.error_log.wait_for(
            f"CWS0012: origin http://{own} is not allowed; expected is https://{own} .*without TLS.*"
            f"a client told its origin or to send none; WebSocketOrigin Same http://{own} lets", mark)

    def test_cws_906_the_cures(self, httpd):
        for path, options in (("/echo", {"suppress_origin": True}), ("/echo_blocking", {}),
                              ("/echo", {"origin": f"https://127.0.0.1:{httpd.port}"})):
            ws = self.connect(httpd, path, **options)
            ws.send("すもも")
            assert ws.recv() == "すもも"
            ws.close()


class TestNodeWs:
    @BOTH
    @pytest.mark.parametrize("mode", ["plain", "deflate"])
    def test_cws_910_echo(self, httpd, path, mode):
        said = run_node("ws_client.mjs", uri(httpd, path), mode)
        assert said["code"] == 4321
        assert bool(said["extensions"]) == (mode == "deflate")


class TestChromium:
    CONFIG = "WebSocketCompression On"

    def test_cws_920_console_page(self, httpd):
        executable = shutil.which("chromium")
        assert executable, "chromium is missing"
        build.install_pages(httpd.root / "htdocs/pages")
        sample = httpd.root / "sample.bin"
        sample.write_bytes(bytes(range(256)) * 8)
        mark = httpd.error_log.mark()
        seen = run_node("console.mjs", executable,
                        f"http://127.0.0.1:{httpd.port}/pages/console.html", uri(httpd, "/echo"),
                        str(sample))
        assert seen["errors"] == []
        assert seen["charset"] == "UTF-8"
        assert all(url.startswith(f"http://127.0.0.1:{httpd.port}/") or url == "about:blank"
                   for url in seen["requests"]), seen["requests"]
        assert "2.0 KiB" in seen["binary"] and "00 01 02 03" in seen["binary"]
        assert "4001" in seen["closed"] and "4002" in seen["serverClosed"]
        assert "server says bye" in seen["log"]
        assert "permessage-deflate" in seen["log"]
        httpd.error_log.wait_for(r"probe: clean (1000|1001|1005)", mark)  # of pagehide

    def test_cws_921_another_sites_page_is_refused(self, httpd):
        # The same page under another name: its origin is not the socket's.
        code = run_node("other_origin.mjs", shutil.which("chromium"),
                        f"http://localhost:{httpd.port}/index.html", uri(httpd, "/echo"))
        assert code == 1006
        httpd.access_log.wait_for('"GET /echo HTTP/1.1" 403 ')
