"""A handler root full of broken files: each is named in the log, the rest goes on."""
import os

import pytest

from harness import build
from harness.raw import upgrade_request

# File name and what the log says of it.
REASONS = {
    "blank": "empty|too short|not a shared object|ELF",
    "text": "too short|ELF|not a shared object",
    "no_table": "does not export cppwebsocket_handler",
    "wrong_abi": r"ABI.*999|999.*rebuild|rebuild",
    "wrong_toolchain": r"libfoo\+\+ 7",
    "no_functions": "function",
    "missing_symbol": "function_that_nobody_has",
    "truncated": "not complete",
    "preallocated": "not complete",
    "sparse": "larger than",
    "debug_containers": "_GLIBCXX_DEBUG.*rebuild",
    "directory": "not a (regular )?file|directory",
    "unreadable": "Permission denied|permission",
    "dangling": "No such file|dangling|not exist",
    "fifo": "not a (regular )?file",
}


def fill(root, handlers):
    built = {name: build.compile_handler(build.TESTS / f"broken/{name}.cpp", strict=False)
             for name in ("no_table", "wrong_abi", "wrong_toolchain", "no_functions",
                          "missing_symbol")}
    built["debug_containers"] = build.compile_handler(
        build.TESTS / "broken/no_functions.cpp", defines=["_GLIBCXX_DEBUG"], strict=False)
    for name, path in built.items():
        build.install(path, root / f"{name}_wsh.so")
    whole = handlers["echo"].read_bytes()
    contents = {"blank": b"", "text": b"print('hello')\n",
                "truncated": whole[:3000], "preallocated": whole[:4096].ljust(len(whole), b"\0"),
                "sparse": whole, "unreadable": whole}
    for name, content in contents.items():
        (root / f"{name}_wsh.so").write_bytes(content)
        (root / f"{name}_wsh.so").chmod(0o600 if name == "unreadable" else 0o644)
    os.truncate(root / "sparse_wsh.so", 1 << 30)
    (root / "directory_wsh.so").mkdir()
    (root / "dangling_wsh.so").symlink_to("nothing_wsh.so")
    os.mkfifo(root / "fifo_wsh.so")
    os.chmod(root / "fifo_wsh.so", 0o644)


@pytest.fixture(scope="class")
def zoo(mpm, handlers, running):
    from conftest import stop
    from harness.httpd import Httpd
    server = Httpd(mpm, handlers)
    fill(server.handler_root, handlers)
    running.append(server)
    server.start()
    server.allow_log(r"_wsh\.so")
    yield server
    server.allow_log(r"_wsh\.so")
    stop(server, running)


class TestBrokenHandlers:
    @pytest.mark.parametrize("name", REASONS)
    def test_cws_950_named_in_the_log_and_404(self, zoo, name):
        zoo.allow_log(r"_wsh\.so")
        mark = zoo.error_log.mark()
        assert zoo.ask(f"/{name}").status == 404
        # Whichever came first: the look at all files at the start, or this request.
        zoo.error_log.wait_for(rf"(error|warn)\].*{name}_wsh\.so.*({REASONS[name]})")
        for good in ("/echo", "/echo_blocking"):
            with zoo.open(good) as ws:
                assert ws.ask_text("good") == "good"
        assert zoo.get("/index.html").status == 200
        assert not zoo.error_log.find("exit signal", mark)

    def test_cws_951_says_what_to_rebuild(self, zoo):
        zoo.allow_log(r"_wsh\.so")
        zoo.ask("/wrong_abi")
        zoo.error_log.wait_for(r"wrong_abi_wsh\.so.*[Rr]ebuild")
        zoo.ask("/wrong_toolchain")
        zoo.error_log.wait_for(r"wrong_toolchain_wsh\.so.*[Rr]ebuild")

    def test_cws_952_not_logged_for_every_request(self, zoo, mpm):
        zoo.allow_log(r"_wsh\.so")
        children = len(zoo.children())
        mark = zoo.error_log.mark()
        for _ in range(50):
            assert zoo.ask("/no_table").status == 404
        assert len(zoo.error_log.find(r"(error|warn)\].*no_table_wsh\.so", mark)) <= children

    def test_cws_953_repaired_file_works_at_once(self, zoo):
        zoo.allow_log(r"_wsh\.so")
        assert zoo.ask("/repaired").status == 404
        broken = zoo.handler_root / "repaired_wsh.so"
        broken.write_text("not yet")
        broken.chmod(0o644)
        assert zoo.ask("/repaired").status == 404
        build.install(build.HANDLERS / "echo_wsh.so", broken)
        with zoo.open("/repaired") as ws:
            assert ws.ask_text("fixed") == "fixed"

    def test_cws_954_replaced_by_a_broken_one(self, zoo):
        zoo.allow_log(r"_wsh\.so")
        target = zoo.handler_root / "spoilt_wsh.so"
        build.install(build.HANDLERS / "echo_wsh.so", target)
        with zoo.open("/spoilt") as ws:
            part = target.with_suffix(".part")
            part.write_text("spoilt")
            part.chmod(0o644)
            part.rename(target)
            # A child that has served it goes on with the old one; another knows none.
            assert zoo.ask("/spoilt").status in (101, 404)
            assert ws.ask_text("the old one lives") == "the old one lives"

    def test_cws_955_overwritten_in_place(self, zoo):
        # The careless way: the file of a running handler is truncated and written again.
        zoo.allow_log(r"_wsh\.so")
        target = zoo.handler_root / "careless_wsh.so"
        build.install(build.HANDLERS / "echo_wsh.so", target)
        with zoo.open("/careless") as ws:
            target.write_bytes(b"")
            assert ws.ask_text("not mapped from the file") == "not mapped from the file"
            target.write_bytes((build.HANDLERS / "echo_wsh.so").read_bytes())
            assert ws.ask_text("still fine") == "still fine"
            ws.close()


class TestKiller:
    CONFIG = ""

    def test_cws_956_kills_one_child_at_most(self, httpd, mpm):
        """What cannot be seen beforehand: a constructor that crashes."""
        killer = httpd.handler_root / "killer_wsh.so"
        build.install(build.compile_handler(build.TESTS / "broken/killer.cpp", strict=False), killer)
        httpd.allow_log("exit signal|CWS0094")  # the crash, and where it was
        mark = httpd.error_log.mark()
        with httpd.connect() as connection, pytest.raises((EOFError, ConnectionError)):
            connection.ask(upgrade_request("/killer"))
        httpd.allow_log("CWS0005: handler")
        for _ in range(20):
            assert httpd.ask("/killer").status == 404
        httpd.error_log.wait_for(
            r"CWS0005: handler \S+/killer_wsh.so is not used: a process that loaded it died", mark)
        httpd.error_log.wait_for("exit signal", mark)
        assert len(httpd.error_log.find("exit signal", mark)) == 1
        build.install(build.HANDLERS / "echo_wsh.so", killer)
        with httpd.open("/killer") as ws:
            assert ws.ask_text("mended") == "mended"
