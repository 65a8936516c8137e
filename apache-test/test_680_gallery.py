"""The examples of handlers/gallery, each as its page or client would use it."""
import json
import struct
import time

import pytest

from harness import build
from harness.raw import BINARY, frame


@pytest.fixture(scope="session")
def handlers(handlers):
    return handlers | build.gallery()


class TestGallery:
    CONFIG = """
      SetEnv UPLOAD_DIRECTORY {root}/uploads
      SetEnv TAIL_FILE {root}/uploads/log
      SetEnv LOGIN_TOKENS {root}/tokens"""
    OPTIONS = {"directories": ("uploads",), "files": {"tokens": "s3cret ann\nother bob\n"}}

    @pytest.fixture
    def uploads(self, httpd):
        (httpd.root / "uploads").chmod(0o777)
        return httpd.root / "uploads"

    def test_cws_680_json_rpc(self, httpd, handlers):
        if "gallery/jsonrpc" not in handlers:
            pytest.skip("nlohmann-json is not here")
        with httpd.open("/gallery/jsonrpc") as ws:
            def call(**members):
                return json.loads(ws.ask_text(json.dumps({"jsonrpc": "2.0", **members})))
            assert call(method="subtract", params=[42, 23], id=1) == {"jsonrpc": "2.0", "result": 19, "id": 1}
            assert call(method="nothing", id="x")["error"]["code"] == -32601
            assert call(method="subtract", params=["a"], id=2)["error"]["code"] == -32602
            ws.text(json.dumps({"jsonrpc": "2.0", "method": "echo"}))  # a notification
            assert json.loads(ws.ask_text("{"))["error"]["code"] == -32700
            assert json.loads(ws.ask_text("[]"))["error"]["code"] == -32600
            batch = [{"jsonrpc": "2.0", "method": "echo", "params": {"a": i}, "id": i} for i in range(2)]
            assert [each["result"] for each in json.loads(ws.ask_text(json.dumps([*batch, 1])))[:2]] == [
                {"a": 0}, {"a": 1}]
            ws.close()

    def test_cws_681_upload_with_progress(self, httpd, uploads):
        content = bytes(range(256)) * 12_345
        with httpd.open("/gallery/upload") as ws:
            ws.text("put data.bin")
            ws.send(frame(BINARY, content))
            told = [ws.read_text()]
            while not told[-1].startswith("stored"):
                told.append(ws.read_text())
            assert told[-1] == f"stored {len(content)}" and len(told) >= 3
            assert all(each.startswith("progress ") for each in told[:-1])
            assert (uploads / "data.bin").read_bytes() == content
            ws.text("get data.bin")
            assert ws.read_message().payload == content
            ws.text("put ../tokens")
            assert ws.read_close()[0] == 1003

    def test_cws_682_an_upload_that_is_not_complete_goes(self, httpd, uploads):
        with httpd.open("/gallery/upload") as ws:
            ws.text("put half.bin")
            ws.send(frame(BINARY, length=1 << 20, key=bytes(4)) + b"x" * 1000)
            wait_for(lambda: list(uploads.glob("half.bin*")))
        wait_for(lambda: not list(uploads.glob("half.bin*")))

    def test_cws_683_a_game_of_two(self, httpd):
        with httpd.open("/gallery/game") as ann, httpd.open("/gallery/game") as bob:
            ids = [ws.read_message().payload for ws in (ann, bob)]
            seen = numbers = None
            deadline = time.monotonic() + 20
            while seen != {ids[0]: (1, -2), ids[1]: (300, 4)} and time.monotonic() < deadline:
                ann.send(frame(BINARY, struct.pack("<hh", 1, -2)))
                bob.send(frame(BINARY, struct.pack("<hh", 300, 4)))
                got = ann.read_message().payload
                number, = struct.unpack("<I", got[:4])
                assert numbers is None or number > numbers
                numbers = number
                seen = {got[i:i + 8]: struct.unpack("<hh", got[i + 8:i + 12]) for i in range(4, len(got), 12)}
            assert seen == {ids[0]: (1, -2), ids[1]: (300, 4)}
            ann.text("text")
            while (got := ann.read_frame()).opcode == BINARY:
                pass
            assert got.payload[:2] == (1003).to_bytes(2, "big")

    def test_cws_684_a_log_is_followed_and_rotated(self, httpd, uploads):
        log = uploads / "log"
        log.write_text("old\n")
        log.chmod(0o644)
        with httpd.open("/gallery/tail") as ws:
            assert ws.read_text() == "old"
            with open(log, "a") as file:
                file.write("new\nha")
                file.flush()
                assert ws.read_text() == "new"
                file.write("lf\n")
            assert ws.read_text() == "half"
            log.rename(uploads / "log.1")
            log.write_text("rotated\n")
            log.chmod(0o644)
            assert ws.read_text() == "rotated"
            ws.close()

    def test_cws_685_a_login_by_token(self, httpd):
        with httpd.open("/gallery/login") as ws:
            assert ws.ask_text("s3cret") == "hello ann"
            assert ws.ask_text("hi") == "ann: hi"
            ws.close()
        for token in ("s3creT", "", "s3cret "):
            with httpd.open("/gallery/login") as ws:
                ws.text(token)
                assert ws.read_close() == (4001, "a token, please")


class TestWithoutSettings:
    CONFIG = ""

    @pytest.mark.parametrize("name", ["upload", "tail", "login"])
    def test_cws_686_what_is_not_set_up_is_refused(self, httpd, name):
        assert httpd.ask(f"/gallery/{name}").status == 503
        httpd.allow_log("is missing")


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
