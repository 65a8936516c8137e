"""`cppwebsocket serve DIR`: what an author works with. The other commands are in tests/author/outside.py."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from harness import build
from harness.raw import Connection
from test_900_clients import run_node

COMMAND = build.SOURCE / "tools/cppwebsocket"
RELEASE = build.SOURCE / "build/release/mod_cppwebsocket.so"

HANDLER = """#include <cppwebsocket/handler.hpp>
#include "word.hpp"
using namespace cppwebsocket;
void web_socket_do_extra_handshake(Request&) {}
Task<> web_socket_transfer_data(Request& request) {
  std::vector<int> numbers(4);
  while (auto message = co_await msgutil::receive_message(request)) {
    numbers.data()[message->size()] = 1;
    const std::string answer = word();
    co_await msgutil::send_message(request, answer);
  }
}
"""


def words(text):
    return f"inline const char* word() {{ return {text}; }}\n"


class Serving:
    def __init__(self, folder, *options, stdin=None):
        self.folder = folder
        self.log = folder.parent / "said"
        self.process = subprocess.Popen(
            [COMMAND, "serve", folder, "--port", "0", *options], stdin=stdin, stdout=subprocess.PIPE,
            stderr=self.log.open("wb"), text=True, env=dict(os.environ, CPPWEBSOCKET_NO_INSTALL="yes"))
        self.ready = self.process.stdout.readline()
        found = re.fullmatch(r"ready http://127\.0\.0\.1:(\d+)/ ws://127\.0\.0\.1:\d+(/\S+)\n", self.ready)
        assert found, self.ready + self.said()
        self.port, self.path = int(found[1]), found[2]

    def said(self):
        return self.log.read_bytes().decode(errors="replace")

    def open(self, timeout=10.0):
        return Connection(("127.0.0.1", self.port), timeout).upgrade(self.path)

    def ask(self, text):
        with self.open() as ws:
            return ws.ask_text(text)

    def write(self, text):
        (self.folder / "word.hpp").write_text(text)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)


@pytest.fixture
def serve(mpm, tmp_path):
    if mpm != "event" or not RELEASE.exists():
        pytest.skip("once is enough, and ./check builds first")
    folder = tmp_path / "with a space"
    folder.mkdir()
    (folder / "häl lo_wsh.cpp").write_text(HANDLER)
    (folder / "word.hpp").write_text(words('"one"'))
    started = []

    def start(*options, below=None):
        if below:
            (folder / below).mkdir()
            (folder / below / "a_wsh.cpp").write_text(HANDLER.replace("word.hpp", "../word.hpp"))
        started.append(Serving(folder, *options))
        return started[-1]
    yield start
    for each in started:
        each.stop()


def until(condition, what):
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.2)


def test_cws_984_a_saved_header_is_served_and_a_mistake_is_not(serve):
    serving = serve(below="build")  # which comes first by its name
    assert urllib.parse.unquote(serving.path) == "/häl lo" and " " not in serving.path
    assert serving.ask("x") == "one"
    serving.write(words('"two"'))
    until(lambda: serving.ask("x") == "two", serving.said)
    serving.write(words("two"))
    until(lambda: "is skipped; the rest goes on" in serving.said(), serving.said)
    assert re.search(r"word\.hpp:1:\d+: error", serving.said())
    assert serving.ask("x") == "two"
    serving.write(words('"three"'))
    until(lambda: serving.ask("x") == "three", serving.said)


def test_cws_984_a_sanitizer_names_the_line(serve):
    if build.SANITIZER:
        pytest.skip("httpd has one already")
    serving = serve("--sanitize", "address")
    assert serving.ask("xx") == "one"
    with Connection(("127.0.0.1", serving.port)).upgrade(serving.path) as ws:
        ws.text("xxxxx")
        until(lambda: re.search(r"heap-buffer-overflow.*lo_wsh\.cpp:8", serving.said(), re.S), serving.said)


@pytest.mark.parametrize("page", ["index.html", "console.html"])
def test_cws_984_a_mistake_is_on_the_page_until_it_is_gone(serve, page):
    serving = serve()
    seen = run_node("faults.mjs", shutil.which("chromium"), f"http://127.0.0.1:{serving.port}/{page}",
                    str(serving.folder / "word.hpp"), words("two"), words('"two"'))
    assert seen["errors"] == [] and not seen["before"] and not seen["after"]
    assert "häl lo_wsh.cpp" in seen["said"] and "word.hpp:1" in seen["said"]


def test_cws_984_what_the_server_would_refuse_is_said(serve):
    serving = serve()
    (serving.folder / "text_wsh.so").write_text("no object")
    until(lambda: "serve: not loaded: /text" in serving.said(), serving.said)
    with urllib.request.urlopen(f"http://127.0.0.1:{serving.port}/faults.json", timeout=10) as answer:
        faults = json.load(answer)
    assert [each["file"] for each in faults] == ["text_wsh.so"] and "not a shared object" in faults[0]["said"]
    (serving.folder / "text_wsh.so").unlink()
    until(lambda: not json.load(urllib.request.urlopen(f"http://127.0.0.1:{serving.port}/faults.json")),
          serving.said)
