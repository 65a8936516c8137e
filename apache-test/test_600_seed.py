"""The seed's rules: origin, mapping of files to resources, order of calls, properties."""
import json
import time

import pytest

from harness import build
from harness.deflate import Deflate
from harness.raw import close_frame


def origin(value):
    return {"headers": {"Origin": value}}


class TestSameOrigin:
    CONFIG = ""

    def test_cws_600_no_origin_is_allowed(self, httpd):
        httpd.open().close()

    def test_cws_601_same_origin_is_allowed(self, httpd):
        httpd.open(**origin(f"http://127.0.0.1:{httpd.port}")).close()
        httpd.open(host="LocalHost:80", **origin("http://localhost")).close()
        httpd.open(host="localhost", **origin("http://localhost:80")).close()

    @pytest.mark.parametrize("value", [
        "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1", "null", "",
        "http://127.0.0.1:{port}.evil.example", "http://evil.example/127.0.0.1:{port}",
        "http://127.0.0.1:{port}/", "http://127.0.0.1:{port} http://evil.example",
        "127.0.0.1:{port}", "http://x@127.0.0.1:{port}", "file://", "http://127.0.0.1:{port}0"])
    def test_cws_602_other_origins_are_403(self, httpd, value):
        answer = httpd.ask(**origin(value.replace("{port}", str(httpd.port))))
        assert answer.status == 403
        assert answer.get("sec-websocket-accept") is None

    def test_cws_603_two_origins_are_refused(self, httpd):
        own = f"http://127.0.0.1:{httpd.port}"
        answer = httpd.ask(headers={"Origin": own}, more=[("Origin", "http://evil.example")])
        assert answer.status in (400, 403)

    def test_cws_604_handler_is_not_asked_about_refused_origins(self, httpd):
        mark = httpd.error_log.mark()
        assert httpd.ask("/probe", **origin("http://evil.example")).status == 403
        assert not httpd.error_log.find("probe: extra handshake", mark)


class TestOriginList:
    CONFIG = """
      WebSocketOrigin https://app.example.com http://localhost
      <Location /origin_check>
        WebSocketOrigin Any
      </Location>
      <Location /probe>
        WebSocketOrigin Same http://other.example:8080
      </Location>"""

    @pytest.mark.parametrize("value", ["https://app.example.com", "https://app.example.com:443",
                                       "HTTPS://APP.example.com", "http://localhost"])
    def test_cws_605_listed_is_allowed(self, httpd, value):
        httpd.open(**origin(value)).close()

    @pytest.mark.parametrize("value", ["http://app.example.com", "https://app.example.com.evil.org",
                                       "https://evilapp.example.com", "https://app.example.com:444",
                                       "http://localhost:8080", "null"])
    def test_cws_606_not_listed_is_403(self, httpd, value):
        assert httpd.ask(**origin(value)).status == 403

    def test_cws_607_own_origin_must_be_listed_too(self, httpd):
        assert httpd.ask(**origin(f"http://127.0.0.1:{httpd.port}")).status == 403

    def test_cws_608_absent_is_allowed(self, httpd):
        httpd.open().close()

    def test_cws_609_same_and_list(self, httpd):
        httpd.open("/probe", **origin(f"http://127.0.0.1:{httpd.port}")).close()
        httpd.open("/probe", **origin("http://other.example:8080")).close()
        assert httpd.ask("/probe", **origin("http://localhost")).status == 403

    def test_cws_610_any_leaves_it_to_the_handler(self, httpd):
        # The seed's own recipe: accept http://localhost only.
        httpd.allow_log("origin not allowed")
        with httpd.open("/origin_check", **origin("http://localhost")) as ws:
            assert ws.read_text() == "/origin_check welcomes http://localhost"
        for value in ("http://localhost.evil.example", "null", None):
            assert httpd.ask("/origin_check", **origin(value)).status == 403


class TestMapping:
    CONFIG = """
      WebSocketAlias /old/chat /echo
      WebSocketAlias /deep /foo/bar/baz
      """

    def install(self, httpd, name, built=None, mode=0o644):
        path = httpd.handler_root / f"{name}_wsh.so"
        build.install(built or build.HANDLERS / "echo_wsh.so", path)
        path.chmod(mode)
        return path

    def greeting(self, httpd, path="/version"):
        with httpd.open(path) as ws:
            return ws.read_text()

    def version(self, number):
        return build.compile_handler(build.TESTS / "handlers/version_wsh.cpp",
                                     defines=[f'PROBE_VERSION="{number}"'])

    def test_cws_611_sub_directories(self, httpd):
        self.install(httpd, "foo/bar/baz")
        with httpd.open("/foo/bar/baz") as ws:
            assert ws.ask_text("deep") == "deep"
        assert httpd.ask("/foo/bar").status == 404
        assert httpd.ask("/baz").status == 404

    def test_cws_612_query_is_not_part_of_the_match(self, httpd):
        for query in ("?", "?a=b", "?/../x", "?echo2", "?a?b"):
            httpd.open("/echo" + query).close()
        assert httpd.ask("/echo2?echo").status == 404

    def test_cws_613_aliases(self, httpd):
        self.install(httpd, "foo/bar/baz")
        for path in ("/old/chat", "/old/chat?x=1", "/deep"):
            with httpd.open(path) as ws:
                assert ws.ask_text("aliased") == "aliased"
        assert httpd.ask("/old").status == 404

    def test_cws_614_new_file_needs_no_restart(self, httpd):
        assert httpd.ask("/fresh").status == 404
        self.install(httpd, "fresh")
        with httpd.open("/fresh") as ws:
            assert ws.ask_text("hello") == "hello"

    def test_cws_615_changed_file_takes_effect_and_old_connections_stay(self, httpd):
        self.install(httpd, "version", self.version(1))
        with httpd.open("/version") as old:
            assert old.read_text() == "version 1"
            self.install(httpd, "version", self.version(2))
            with httpd.open("/version") as new:
                assert new.read_text() == "version 2"
                assert new.ask_text("x") == "2: x"
                assert old.ask_text("x") == "1: x"
            old.close()

    def test_cws_616_many_changes_in_a_row(self, httpd):
        for number in (1, 2, 3, 1, 2, 3):
            self.install(httpd, "version", self.version(number))
            for _ in range(8):  # every child
                assert self.greeting(httpd) == f"version {number}"

    def test_cws_617_removed_file_is_gone(self, httpd):
        path = self.install(httpd, "leaving")
        with httpd.open("/leaving") as ws:
            path.unlink()
            assert httpd.ask("/leaving").status == 404
            assert ws.ask_text("still here") == "still here"
            ws.close()

    @pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o777])
    def test_cws_618_writable_by_others_is_refused(self, httpd, mode):
        path = self.install(httpd, "writable", mode=mode)
        answer = httpd.ask("/writable")
        httpd.expect_log(r"writable_wsh\.so.*others may write")
        assert answer.status == 404
        path.unlink()

    def test_cws_619_link_inside_the_root(self, httpd):
        link = httpd.handler_root / "linked_wsh.so"
        link.symlink_to("echo_wsh.so")
        with httpd.open("/linked") as ws:
            assert ws.ask_text("hello") == "hello"
        link.unlink()

    @pytest.mark.parametrize("name", ["outside", "handlers-evil/outside"])
    def test_cws_620_link_out_of_the_root_is_refused(self, httpd, name):
        # "handlers-evil" begins with the root's path, and is not in it.
        target = httpd.root / f"{name}_wsh.so"
        build.install(build.HANDLERS / "echo_wsh.so", target)
        link = httpd.handler_root / "escaped_wsh.so"
        link.symlink_to(target)
        answer = httpd.ask("/escaped")
        httpd.expect_log(r"escaped_wsh\.so.*outside")
        assert answer.status == 404
        link.unlink()

    def test_cws_621_linked_directory_out_of_the_root_is_refused(self, httpd):
        build.install(build.HANDLERS / "echo_wsh.so", httpd.root / "elsewhere/inside_wsh.so")
        link = httpd.handler_root / "way"
        link.symlink_to(httpd.root / "elsewhere")
        answer = httpd.ask("/way/inside")
        httpd.expect_log(r"inside_wsh\.so.*outside")
        assert answer.status == 404
        link.unlink()

    def test_cws_622_suffix_is_exact(self, httpd):
        for name in ("upper_WSH.so", "upper_wsh.SO", "plain.so", "text_wsh.py"):
            (httpd.handler_root / name).write_bytes(
                (build.HANDLERS / "echo_wsh.so").read_bytes())
        for path in ("/upper", "/plain", "/text", "/UPPER", "/Echo"):
            assert httpd.ask(path).status == 404

    def test_cws_623_escaped_characters(self, httpd):
        self.install(httpd, "日本 語")
        with httpd.open("/%E6%97%A5%E6%9C%AC%20%E8%AA%9E") as ws:
            assert ws.ask_text("hello") == "hello"
        httpd.open("/%65cho").close()


class TestOutsideAllowed:
    CONFIG = "WebSocketAllowHandlersOutsideRoot On"

    def test_cws_624_link_out_of_the_root_is_followed(self, httpd):
        build.install(build.HANDLERS / "echo_wsh.so", httpd.root / "outside_wsh.so")
        (httpd.handler_root / "escaped_wsh.so").symlink_to(httpd.root / "outside_wsh.so")
        with httpd.open("/escaped") as ws:
            assert ws.ask_text("hello") == "hello"

    def test_cws_625_writable_target_is_still_refused(self, httpd):
        build.install(build.HANDLERS / "echo_wsh.so", httpd.root / "open_wsh.so")
        (httpd.root / "open_wsh.so").chmod(0o666)
        (httpd.handler_root / "open_wsh.so").symlink_to(httpd.root / "open_wsh.so")
        answer = httpd.ask("/open")
        httpd.expect_log(r"open_wsh\.so.*others may write")
        assert answer.status == 404


class TestOrder:
    @pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
    def test_cws_626_order_of_calls(self, httpd, path):
        # The picture of the seed: handshake, transfer, closing handshake, end.
        mark = httpd.error_log.mark()
        with httpd.open(path) as ws:
            ws.close(1001, "bye")
        httpd.error_log.wait_for("probe: clean 1001 bye", mark)
        said = [line.split("probe: ")[1].split(",")[0]
                for line in httpd.error_log.find("probe: (extra|transfer begins|passive|clean)", mark)]
        assert said == ["extra handshake", "transfer begins", "passive closing handshake",
                        "clean 1001 bye"]

    def test_cws_627_refusal_ends_it(self, httpd):
        httpd.allow_log("probe refuses")
        mark = httpd.error_log.mark()
        assert httpd.ask("/probe?refuse=451").status == 451
        time.sleep(0.05)
        assert httpd.error_log.find("probe: extra handshake", mark)
        # An earlier connection's end may be logged as late as this.
        assert not httpd.error_log.find("probe: transfer begins", mark)

    def test_cws_628_valid_handshake_only(self, httpd):
        # "This function is called if the client's handshake message is valid."
        mark = httpd.error_log.mark()
        assert httpd.ask("/probe", headers={"Sec-WebSocket-Key": "x"}).status == 400
        assert not httpd.error_log.find("probe: extra handshake", mark)


class TestProperties:
    def ask(self, httpd, path, phase, **options):
        with httpd.open(path, **options) as ws:
            agreed = ws.response.get("sec-websocket-extensions")
            ws.text(phase)
            said = ws.read_message(agreed and Deflate(agreed).decompress).payload
            ws.close()
        return json.loads(said)

    @pytest.mark.parametrize("path", ["/probe", "/probe_blocking"])
    @pytest.mark.parametrize("phase", ["handshake", "properties"])
    def test_cws_629_properties(self, httpd, path, phase):
        headers = {"Origin": f"http://127.0.0.1:{httpd.port}", "X-Probe": "seen",
                   "Sec-WebSocket-Protocol": "a, b",
                   "Sec-WebSocket-Extensions": "foo; x=1, permessage-deflate"}
        said = self.ask(httpd, f"{path}?protocol=b&x=%41", phase, headers=headers)
        first = phase == "handshake"
        assert said["phase"] == ("handshake" if first else "open")
        assert said["location"] == f"ws://127.0.0.1:{httpd.port}{path}?protocol=b&x=%41"
        assert said["origin"] == f"http://127.0.0.1:{httpd.port}"
        assert said["resource"] == path
        assert said["query"] == "protocol=b&x=%41"
        assert said["unparsed_uri"] == f"{path}?protocol=b&x=%41"
        assert said["version"] == 0  # Version::rfc6455
        assert said["protocol"] == "b"
        assert said["requested_protocols"] == (["a", "b"] if first else [])
        assert said["requested_extensions"] == (["foo", "permessage-deflate"] if first else [])
        if not first:
            assert said["extensions"].startswith("permessage-deflate")
            assert said["deflate"] is True
        assert said["user"] == ""
        assert said["remote"].startswith("127.0.0.1:")
        assert said["local"] == f"127.0.0.1:{httpd.port}"
        assert said["https"] is False
        assert said["id"] > 0
        assert said["state"] == (0 if first else 1)  # connecting, open
        assert said["x_probe"] == "seen"
        assert said["env"] == "from httpd"
        assert said["max_message_size"] == 32 << 20
        assert said["httpd_request"] is first

    def test_cws_630_absent_things_are_absent(self, httpd):
        said = self.ask(httpd, "/probe", "properties")
        assert said["origin"] is None and said["protocol"] is None and said["query"] == ""
        assert said["extensions"] == "" and said["deflate"] is False and said["x_probe"] is None

    def test_cws_631_location_takes_the_host_header(self, httpd):
        said = self.ask(httpd, "/probe", "properties", host="chat.example.com")
        assert said["location"] == "ws://chat.example.com/probe"

    def test_cws_632_headers_and_environment(self, httpd):
        with httpd.open("/probe", headers={"X-A": "1"}, more=[("X-A", "2")]) as ws:
            assert ws.ask_text("header x-a") == "1, 2"
            assert ws.ask_text("header x-b") == "none"
            assert ws.ask_text("env PROBE_ENV") == "from httpd"
            assert ws.ask_text("env NOT_SET") == "none"

    def test_cws_633_ids_are_unique(self, httpd):
        with httpd.open("/probe") as a, httpd.open("/probe") as b:
            ids = [(json.loads(ws.ask_text("properties"))["id"]) for ws in (a, b)]
            pids = {line.split("[pid ")[1].split("]")[0].split(":")[0]
                    for line in httpd.error_log.find("probe: transfer begins")[-2:]}
            assert len(pids) == 2 or ids[0] != ids[1]

    def test_cws_634_extensions_can_be_declined(self, httpd):
        offer = {"Sec-WebSocket-Extensions": "permessage-deflate"}
        for path in ("/echo_noext", "/probe?noext"):
            with httpd.open(path, headers=offer) as ws:
                assert ws.response.get("sec-websocket-extensions") is None

    def test_cws_635_japanese_text(self, httpd):
        # As the seed says: UTF-8 as it is, three bytes a character, no encodeURIComponent.
        for path in ("/echo", "/echo_blocking"):
            with httpd.open(path) as ws:
                for message in ("あいう", "あいうえお", "もももすももももものうち"):
                    assert ws.ask_text(message) == message
                ws.send(close_frame(1000, "さようなら"))
                ws.expect_closed(1000)
