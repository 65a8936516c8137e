"""./serve: what a newcomer runs first."""
import re
import signal
import ssl
import subprocess
import urllib.request

import pytest

from harness import build, tls
from harness.raw import Connection

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
    with Connection(("127.0.0.1", int(found[2]))).upgrade("/echo") as ws:
        assert ws.ask_text("over TCP") == "over TCP"

    def trusting(plain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return tls.wrap(plain, context, name=None)

    with Connection(("127.0.0.1", int(found[3])), wrap=trusting).upgrade("/echo") as ws:
        assert ws.ask_text("over TLS") == "over TLS"


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
