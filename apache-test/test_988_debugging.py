"""What debuggers, profilers and cores see of handlers."""
import re
from pathlib import Path

import pytest

from harness import build
from test_984_command import Serving, until, words

RELEASE = build.SOURCE / "build/release/mod_cppwebsocket.so"
HANDLER = """#include <cppwebsocket/handler.hpp>
#include "word.hpp"
using namespace cppwebsocket;
void web_socket_do_extra_handshake(Request&) {}
Task<std::string> answer(Request& request) {
  auto message = co_await msgutil::receive_message(request);
  co_return message ? word() : "";
}
Task<> web_socket_transfer_data(Request& request) {
  for (;;) {
    const std::string text = co_await answer(request);
    co_await msgutil::send_message(request, text);
  }
}
"""
PATIENT = 240  # seconds, of a client whose server stands in a debugger
# Stops once in each version of the handler; the second time with another connection that waits.
COMMANDS = """set confirm off
set pagination off
break asked_wsh.cpp:12
run
echo \\nFIRST\\n
backtrace 1
continue
echo \\nSECOND\\n
backtrace 1
info websockets
generate-core-file {core}
shell gdb -batch -ex 'source {script}' -ex 'backtrace 1' -ex 'info websockets' "$(apxs -q SBINDIR)/$(apxs -q PROGNAME)" {core} >{seen} 2>&1
kill
quit
"""
STANDS = re.compile(r"^(?:\(gdb\) )?#0 .*web_socket_transfer_data.*?asked_wsh\.cpp:12$", re.M | re.S)
WAITS = re.compile(r"""^(?:\(gdb\) )? +\d+  /asked  asked_wsh\.so
        message: answer\S* at asked_wsh\.cpp:6
          awaited by web_socket_transfer_data""", re.M)


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_cws_988_gdb_names_lines_and_who_waits_where(mpm, tmp_path, monkeypatch, long, compiler):
    if compiler != "g++" and not long:
        pytest.skip("with --long")
    if mpm != "event" or not RELEASE.exists() or build.SANITIZER:
        pytest.skip("once is enough, and ./check builds first")
    folder = tmp_path / "handlers"
    folder.mkdir()
    (folder / "asked_wsh.cpp").write_text(HANDLER)
    (folder / "word.hpp").write_text(words('"one"'))
    commands = tmp_path / "commands"
    core, seen = tmp_path / "core", tmp_path / "seen"
    commands.write_text(COMMANDS.format(core=core, seen=seen, script=build.SOURCE / "tools/gdb.py"))
    monkeypatch.setenv("CXX", compiler)
    with commands.open() as file:
        serving = Serving(folder, "--gdb", stdin=file)
    try:
        with serving.open(PATIENT) as waiting:
            assert waiting.ask_text("x") == "one"
            serving.write(words('"two"'))
            until(lambda: serving.said().count("serve: compiled") == 2, serving.said)
            with serving.open(PATIENT) as asking:
                asking.text("x")
                serving.process.communicate(timeout=240)
    finally:
        if serving.process.poll() is None:
            serving.process.kill()
    first, second = serving.said().partition("\nFIRST\n")[2].split("\nSECOND\n")
    assert STANDS.search(first) and STANDS.search(second), serving.said()
    assert WAITS.search(second) and "2 connections" in second, second
    of_core = seen.read_text()
    assert STANDS.search(of_core) and WAITS.search(of_core), of_core


class TestCopies:
    OPTIONS = {"one_child": True}

    def test_cws_988_a_child_has_copies_that_only_it_finds(self, httpd):
        with httpd.open("/echo") as ws:
            assert ws.ask_text("x") == "x"
        child, = httpd.children()
        place = httpd.root / "copies"
        found = set(re.findall(rf"{place}/(\w{{32}})/echo_wsh\.\d+\.so$",
                               Path(f"/proc/{child}/maps").read_text(), re.M))
        assert len(found) == 1
        assert place.stat().st_mode & 0o777 == 0o711
        own = place / found.pop()
        assert own.stat().st_mode & 0o777 == 0o700
        user = re.search(r"^Uid:\s+(\d+)", Path(f"/proc/{child}/status").read_text(), re.M)
        assert own.stat().st_uid == int(user[1])

    def test_cws_988_handlers_are_loaded_from_memory_where_no_file_can_be(self, make_httpd):
        httpd = make_httpd("WebSocketHandlerCopies /proc/nowhere", one_child=True)
        httpd.expect_log(r"CWS0072: handlers are loaded from memory.*/proc/nowhere.*No such file")
        with httpd.open("/echo") as ws:
            assert ws.ask_text("x") == "x"
        child, = httpd.children()
        assert "/memfd:echo_wsh.so" in Path(f"/proc/{child}/maps").read_text()
