"""The JavaScript client of client/: under trouble, and beside what it needs."""
import json
import re
import shutil
import subprocess

from harness import build, faults, keepers
from harness.keepers import Browser, Program
from harness.node import run_node
from harness.event_stream import open_stream
from harness.end_points import Talk, handlers  # noqa: F401, a fixture


class TestFaults(Talk):
    CONFIG = faults.CONFIG
    OPTIONS = {}

    def test_cws_930_each_message_once_and_in_order(self, httpd, channel):
        """In short; matrix/run faults does each to more clients, and for longer."""
        kinds = {
            "ws": lambda url: Program(["node"], url, "ws"),
            "event stream": lambda url: Program(["node"], url, "none"),
            "chromium": lambda url: Browser("chromium", httpd, channel, url),
        }
        assert faults.run(httpd, channel, kinds, faults.FAULTS, 1) == dict.fromkeys(kinds, "")


def example(language, number=0):
    """Of docs/frontend.md."""
    page = (build.SOURCE / "docs/frontend.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)[number]


class TestServed(Talk):
    """The manual's first configuration."""

    CONFIG = example("apache")
    OPTIONS = {}

    def test_cws_938_the_client_comes_from_httpd(self, httpd):
        for name, form in (("client.mjs", "module"), ("client.js", "classic"), ("many.mjs", "many"), ("worker.js", "worker")):
            answer = httpd.get(f"/client/{name}")
            made = subprocess.run([keepers.CLIENT / "bundle", form], stdout=subprocess.PIPE, check=True).stdout
            assert (answer.status, answer.body) == (200, made)
            assert answer.get("content-type") == "text/javascript; charset=utf-8"
            assert answer.get("cache-control") == "no-cache"
            again = httpd.get(f"/client/{name}", headers=[f"If-None-Match: {answer.get('etag')}"])
            assert (again.status, again.body) == (304, b"")
            head = httpd.get(f"/client/{name}", "HEAD")
            assert (head.status, head.get("content-length")) == (200, str(len(made)))

    def test_cws_938_nothing_else_does(self, httpd):
        answer = httpd.get("/client/connect.js")
        assert (answer.status, b"client.mjs, client.js, many.mjs and worker.js" in answer.body) == (404, True)
        answer = httpd.get("/client/client.mjs", "POST")
        assert (answer.status, "GET" in answer.get("allow")) == (405, True)

    def test_cws_931_tabs_share_a_connection_and_the_cache_loses_nothing(self, httpd, channel):
        (httpd.root / "htdocs/plain.html").write_text("<!doctype html><meta charset=utf-8>" + example("html"))
        shutil.copy(build.TESTS / "clients/shared_and_cached.html", httpd.root / "htdocs")
        seen = run_node("shared_and_cached.mjs", shutil.which("chromium"), f"http://127.0.0.1:{httpd.port}", channel)
        assert seen["connections"] == 1
        assert seen["published"] == f"{channel}-shared"
        assert seen["shared"] == ["first", "second", "third"]
        assert seen["cached"] == ["before", "from the cache", "while it was away"]
        assert seen["asleep"] == ["asleep 1", "asleep 2", "asleep 3"]
        assert seen["plain"] == ["もも"]


class TestBesideIt(Talk):
    CONFIG = faults.CONFIG + example("apache", 2)
    OPTIONS = {}

    @staticmethod
    def program(httpd, channel, sockets, **options):
        return Program(["node"], f"http://127.0.0.1:{httpd.port}/subscribe/{channel}", sockets, **options)

    def test_cws_933_a_token_goes_both_ways(self, httpd):
        httpd.allow_log("AH01630: client denied by server configuration")
        with self.program(httpd, "secret", "ws", token="right") as by_socket, \
                self.program(httpd, "secret", "none", token="right") as by_stream, \
                self.program(httpd, "secret", "ws", token="wrong") as refused:
            by_socket.wait("state open websocket")
            by_stream.wait("state open events")
            refused.wait("state stopped events 403")

    def test_cws_934_refusals_are_final_and_told(self, httpd):
        with self.program(httpd, "a%01b", "ws") as client:
            assert "no control character" in client.wait("state stopped events 400")[0]

    def test_cws_936_heartbeats_where_they_are_asked_for(self, httpd, channel):
        path = f"/subscribe/{channel}?heartbeat=1"
        with httpd.open(path, headers={"Sec-WebSocket-Protocol": "channel.json"}) as ws, open_stream(httpd, path + "&format=json") as stream:
            seen = {json.loads(ws.read_text())["type"] for _ in range(3)}
            assert seen == {"subscribed", "heartbeat"}
            seen = {json.loads(text)["type"] for text in stream.texts(3)}
            assert seen == {"subscribed", "heartbeat"}
            assert stream.id  # of the subscription: none is taken away
        for wrong in ("x", "-1", "3601"):
            assert httpd.ask(f"/subscribe/{channel}?heartbeat={wrong}").status == 400

    def test_cws_937_the_package_that_npm_packs(self, httpd, channel, tmp_path):
        shutil.copytree(keepers.CLIENT, tmp_path / "client")
        scratch = tmp_path / "scratch"
        scratch.mkdir()

        def npm(*arguments, cwd):
            subprocess.run(["npm", *arguments, "--offline", "--no-audit", "--no-fund", "--no-update-notifier"], cwd=cwd,
                           check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)

        npm("pack", cwd=tmp_path / "client")
        [package] = (tmp_path / "client").glob("*.tgz")
        (scratch / "package.json").write_text("{}")
        npm("install", str(package), cwd=scratch)
        self.publish(httpd, channel, "kept")
        (scratch / "use.mjs").write_text("""
import { createRequire } from 'node:module';
import { connect } from 'mod-cppwebsocket-client';
for (const part of ['many', 'classic', 'worker']) createRequire(import.meta.url).resolve(`mod-cppwebsocket-client/${part}`);
const client = connect(process.argv[2], { history: 1, WebSocket: null });
client.on('message', ({ data }) => { console.log(data); client.close(); });
""")
        done = subprocess.run(["node", "use.mjs", f"http://127.0.0.1:{httpd.port}/subscribe/{channel}"], cwd=scratch,
                              stdout=subprocess.PIPE, text=True, timeout=100)
        assert (done.returncode, done.stdout) == (0, "kept\n")
