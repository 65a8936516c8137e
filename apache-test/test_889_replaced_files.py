"""An upgrade while httpd runs: new files take the place of the module's and an engine's, as dpkg does it, and a
graceful restart is enough for httpd to have them."""
import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from harness import build
from harness.raw import close_frame

VERSION = re.search(r" VERSION ([\d.]+)", (build.SOURCE / "CMakeLists.txt").read_text())[1].encode()
NEXT = VERSION[:-1] + (b"9" if VERSION[-1:] != b"9" else b"8")
DIRECTIVE, NEW_DIRECTIVE = b"WebSocketCloseTimeout", b"WebSocketCloseTimeou2"


def put(folder, file, **replaced):
    """What was built, into the folder in one step; with words of the same length in the place of others."""
    content = (build.MODULE.parent / file).read_bytes()
    for old, new in replaced.get("words", {}).items():
        assert old in content
        content = content.replace(old, new)
    aside = folder / f"{file}.dpkg-new"
    aside.write_bytes(content)
    shutil.copymode(build.MODULE, aside)
    aside.rename(folder / file)


@pytest.fixture
def replaceable(make_httpd):
    """An httpd, not started, whose module and engines are in a folder of its own, {httpd.root}/run."""
    def make(config=""):
        httpd = make_httpd(config, start=False)
        httpd.module = httpd.root / "run" / build.MODULE.name
        put(httpd.root / "run", build.MODULE.name)
        return httpd

    return make


def old_files_of(httpd):
    """What processes of httpd have mapped of the module's folder, and is no more."""
    return {line.split()[5] for process in (httpd.process.pid, *httpd.children())
            for line in Path(f"/proc/{process}/maps").read_text().splitlines()
            if f"{httpd.root}/run/" in line and line.endswith("(deleted)")}


def wait_for_new_files(httpd):
    deadline = time.monotonic() + 10
    while old := old_files_of(httpd):
        assert time.monotonic() < deadline, old
        time.sleep(0.1)


def test_cws_8898_a_replaced_module_is_renewed_by_a_graceful_restart(replaceable):
    httpd = replaceable()
    httpd.start()
    with httpd.open() as open_before:
        put(httpd.root / "run", build.MODULE.name, words={b"et/" + VERSION: b"et/" + NEXT, DIRECTIVE: NEW_DIRECTIVE})
        httpd.config += f"\n{NEW_DIRECTIVE.decode()} 4s\n"  # which only the new file knows
        assert old_files_of(httpd)
        code, said = httpd.check_config()
        assert code == 0, said
        mark = httpd.error_log.mark()
        httpd.graceful()
        httpd.error_log.wait_for(f"CWS0001: mod_cppwebsocket/{re.escape(NEXT.decode())} configured", mark, 10)
        assert open_before.read_close()[0] == 1001
        open_before.send(close_frame(1001))
        open_before.expect_eof()
    wait_for_new_files(httpd)
    with httpd.open() as ws:
        assert ws.ask_text("new") == "new"


def test_cws_8899_a_replaced_engine_is_renewed_by_a_graceful_restart(replaceable):
    """And one that is of another version than the module is not used."""
    httpd = replaceable("WebSocketBackplane redis://127.0.0.1:1")
    httpd.allow_log("CWS0040: .*Connection refused")  # nobody listens there
    put(httpd.root / "run", "cppwebsocket_redis.so", words={VERSION: NEXT})
    httpd.start()
    httpd.expect_log(f"CWS0040: cannot use the backplane .*of version {re.escape(NEXT.decode())}, and mod")
    put(httpd.root / "run", "cppwebsocket_redis.so")
    mark = httpd.error_log.mark()
    httpd.graceful()
    wait_for_new_files(httpd)
    httpd.error_log.wait_for("CWS0040: .*Connection refused", mark, 10)
    # One of the former generation may have been starting until then.
    new = {str(child) for child in httpd.children()}
    assert not [line for line in httpd.error_log.find("cppwebsocket_redis.so is of version", mark)
                if re.search(r"\[pid (\d+)", line)[1] in new]


def test_cws_8897_between_unpack_and_configure_a_new_child_has_the_engine_of_its_module(replaceable):
    """Both files are the next version's by then, while httpd's parent is of this one."""
    httpd = replaceable("WebSocketBackplane redis://127.0.0.1:1")
    httpd.allow_log("CWS0040: .*Connection refused")
    httpd.allow_log("exit signal Killed")
    put(httpd.root / "run", "cppwebsocket_redis.so")
    httpd.start()
    for file in (build.MODULE.name, "cppwebsocket_redis.so"):
        put(httpd.root / "run", file, words={VERSION: NEXT})
    before = httpd.children()
    mark = httpd.error_log.mark()
    for child in before:
        os.kill(child, signal.SIGKILL)
    httpd.error_log.wait_for("CWS0040: .*Connection refused", mark, 10)
    assert not set(before) & set(httpd.children())
    assert not httpd.error_log.find("of version", mark)
    # The new module's text is another, and what the compiler has made of the comparison is as before.
    httpd.allow_log(f"CWS0040: .*is of version {NEXT.decode()}")
    httpd.graceful()
    wait_for_new_files(httpd)
