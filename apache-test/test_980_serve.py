"""./serve: what a newcomer runs first."""
import os
import re
import signal
import ssl
import subprocess
import urllib.request

import pytest

from harness import build, tls
from harness.raw import Connection, upgrade_request

SERVE = build.SOURCE / "serve"
RELEASE = build.SOURCE / "build/release/mod_cppwebsocket.so"


@pytest.fixture
def serve(mpm):
    if not RELEASE.exists():
        pytest.skip("./serve would have to build first: ./check does that")
    process = subprocess.Popen(
        [SERVE, "--no-install", "--port", "0", "--tls-port", "0", "--mpm", mpm],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said


def test_cws_980_answers_where_it_says(serve):
    line = serve.stdout.readline()
    found = re.fullmatch(r"ready http://127\.0\.0\.1:(\d+)/ ws://127\.0\.0\.1:(\d+)/echo "
                         r"wss://127\.0\.0\.1:(\d+)/echo\n", line)
    assert found, line or serve.stderr.read()
    assert found[1] == found[2] != found[3]
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=10) as page:
        assert b"mod_cppwebsocket" in page.read()
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/client/connect.js", timeout=10) as script:
        assert script.headers.get_content_type() == "text/javascript"  # else no page's module would run
    with Connection(("127.0.0.1", int(found[2]))).upgrade("/echo") as ws:
        assert ws.ask_text("over TCP") == "over TCP"

    def trusting(plain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return tls.wrap(plain, context, name=None)

    with Connection(("127.0.0.1", int(found[3])), wrap=trusting).upgrade("/echo") as ws:
        assert ws.ask_text("over TLS") == "over TLS"


def test_cws_982_answers_to_its_own_names_only(serve):
    port = int(re.search(r"ready http://127\.0\.0\.1:(\d+)/", serve.stdout.readline())[1])

    def status(path, host, **headers):
        with Connection(("127.0.0.1", port)) as connection:
            return connection.ask(upgrade_request(path, host=host, headers=headers)).status

    def get(path, host):
        with Connection(("127.0.0.1", port)) as connection:
            return connection.ask(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status

    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = f"{name}:{port}"
        assert status("/echo", host, Origin=f"http://{host}") == 101
        assert get("/", host) == get("/channels/publish/x", host) == 200
    for name in ("attacker.example", "127.0.0.1.attacker.example", "localhost.attacker.example"):
        host = f"{name}:{port}"
        for path in ("/echo", "/origin_check"):
            assert status(path, host, Origin=f"http://{host}") == 403
        assert get("/", host) == get("/channels/publish/x", host) == 403


@pytest.mark.parametrize("arguments, complaint", [
    (["--tls-port", "x"], '--tls-port must be a number from 0 to 65535, not "x".'),
    (["--port", "70000"], '--port must be a number from 0 to 65535, not "70000".'),
    (["--mpm", "winnt"], '--mpm must be event, worker or prefork, not "winnt".'),
    (["--tls-port"], "--tls-port needs a value"),
])
def test_cws_981_wrong_options_are_named(arguments, complaint):
    done = subprocess.run([SERVE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=30)
    assert done.returncode != 0 and done.stdout == ""
    assert complaint in done.stderr


# Instead of CMake: notes what it is to do, finds a mistake in what it builds, and goes on when told.
FAKE_CMAKE = """#!/bin/bash
[[ $1 == --build ]] || exit 0
echo "$*" >{folder}/asked
echo "[  5%] Building CXX object echo.cpp.o"
echo "echo.cpp:7: error: no such thing"
for ((i = 0; i < 600; ++i)); do [[ ! -e {folder}/go_on ]] || break; sleep 0.05; done
echo "[ 50%] Building CXX object chat.cpp.o"
exit 2
"""


@pytest.fixture
def serve_with_mistake(tmp_path):
    """Starts ./serve with arguments, whose build fails once go_on() was called."""
    (tmp_path / "cmake").write_text(FAKE_CMAKE.format(folder=tmp_path))
    (tmp_path / "cmake").chmod(0o755)
    started = []

    def start(*arguments):
        process = subprocess.Popen([SERVE, "--no-install", "--port", "0", *arguments], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}"))
        started.append(process)
        return process

    start.go_on = (tmp_path / "go_on").touch
    start.asked = lambda: (tmp_path / "asked").read_text()
    yield start
    start.go_on()
    for process in started:
        process.communicate(timeout=30)


@pytest.mark.parametrize("own", [False, True])
def test_cws_982_builds_the_examples_only_to_serve_them(serve_with_mistake, tmp_path, own):
    serve_with_mistake.go_on()
    said = serve_with_mistake(*(["--handlers", tmp_path] if own else [])).communicate(timeout=30)[1]
    assert "serve: the build failed" in said
    targets = serve_with_mistake.asked().partition("--target ")[2].partition(" -j")[0].split()
    assert targets == ["mod_cppwebsocket", "check-handlers"] + ["handlers"] * (not own)


def test_cws_983_a_mistake_is_seen_at_once(serve_with_mistake):
    serving = serve_with_mistake()
    lines = [serving.stderr.readline() for _ in range(2)]
    assert lines == ["serve: building the module and the examples\n",
                     "echo.cpp:7: error: no such thing\n"]
    assert serving.poll() is None
    serve_with_mistake.go_on()
    assert serving.communicate(timeout=30)[1].splitlines() == [
        "serve: the build failed; its messages are above."]
