"""SetHandler websocket-metrics: true numbers of all children, in both formats, as a real Prometheus takes them."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from harness.h2_client import H2Session
from harness.installed import UNPACKED
from harness.processes import free_port
from harness.raw import TEXT, frame
from test_250_channels import CHILDREN

METRICS = ('<Location "/metrics">\nSetHandler websocket-metrics\n</Location>\n'
           '<Location "/publish">\nSetHandler websocket-publish\n</Location>\n')
PROMETHEUS, PROMTOOL = UNPACKED / "usr/bin/prometheus", UNPACKED / "usr/bin/promtool"
MONITORING = UNPACKED.parents[1] / "conf/monitoring"
OPEN = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+)\})? (\S+)$')


def parsed(text):
    """{(name, labels): value}; fails for a series that is there twice."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, line
        labels = tuple(sorted(re.findall(r'([a-z]+)="((?:[^"\\]|\\.)*)"', match[2] or "")))
        assert (match[1], labels) not in samples, line
        samples[match[1], labels] = float(match[3])
    return samples


def fetch(httpd, accept=None):
    answer = httpd.get("/metrics", headers=[f"Accept: {accept}"] if accept else [])
    assert answer.status == 200
    return answer


def value(httpd, name, **labels):
    samples = parsed(fetch(httpd).body.decode())
    return sum(number for (its, have), number in samples.items()
               if its == name and set(labels.items()) <= set(have))


def expect(httpd, wanted, name, **labels):
    deadline = time.monotonic() + 15
    while (seen := value(httpd, name, **labels)) != wanted:
        assert time.monotonic() < deadline, f"{name} is {seen}"
        time.sleep(0.05)


def test_cws_770_both_formats_are_what_each_demands(make_httpd):
    httpd = make_httpd(METRICS)
    ws = httpd.open("/echo")
    ws.ask_text("hello")
    text, other = fetch(httpd), fetch(httpd, OPEN)
    assert text.get("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    assert other.get("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert b"# TYPE cppwebsocket_messages_total counter\n" in text.body and b"# EOF" not in text.body
    assert b"# TYPE cppwebsocket_messages counter\n" in other.body and other.body.endswith(b"\n# EOF\n")
    assert parsed(text.body.decode()).keys() == parsed(other.body.decode()).keys()
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text.body, capture_output=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert httpd.get("/metrics", method="POST", headers=["Content-Length: 0"]).status == 405
    assert httpd.get("/metrics", method="HEAD").status == 200


def test_cws_771_all_children_are_summed_whichever_is_asked_and_whoever_dies(make_httpd):
    httpd = make_httpd(METRICS, mpm_config=CHILDREN)
    sockets = [httpd.open("/echo") for _ in range(12)]
    for ws in sockets:
        for _ in range(3):
            ws.ask_text("hello")
    echo = {"handler": "echo_wsh.so", "way": "tcp"}
    expect(httpd, 12, "cppwebsocket_connections", **echo)
    expect(httpd, 36, "cppwebsocket_messages_total", direction="in", **echo)
    expect(httpd, 180, "cppwebsocket_payload_bytes_total", direction="out", **echo)
    for ws in sockets[:4]:
        ws.close(4000)
    expect(httpd, 4, "cppwebsocket_connections_closed_total", code="4000", **echo)
    for pid in httpd.children():
        os.kill(pid, signal.SIGKILL)
    httpd.allow_log("AH00051|AH00052|exit signal Killed")
    time.sleep(0.5)
    expect(httpd, 0, "cppwebsocket_connections")
    assert value(httpd, "cppwebsocket_messages_total", direction="in", **echo) == 36
    httpd.open("/echo").ask_text("hello")
    expect(httpd, 37, "cppwebsocket_messages_total", direction="in", **echo)
    httpd.graceful()
    expect(httpd, 37, "cppwebsocket_messages_total", direction="in", **echo)


def test_cws_772_refusals_exceptions_and_channels_are_counted(make_httpd):
    httpd = make_httpd(METRICS)
    assert httpd.get("/echo", headers=["Upgrade: websocket", "Connection: Upgrade"]).status == 426
    with httpd.connect() as connection:
        answer = connection.ask(b"GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                        b"Origin: http://elsewhere.example\r\n\r\n")
        assert answer.status == 403
    expect(httpd, 1, "cppwebsocket_handshakes_refused_total", reason="malformed")
    expect(httpd, 1, "cppwebsocket_handshakes_refused_total", reason="origin")
    ws = httpd.open("/internal_error")
    ws.send(frame(TEXT, b"hello"))
    ws.read_close()
    httpd.allow_log("CWS0020")
    expect(httpd, 1, "cppwebsocket_handler_exceptions_total", handler="internal_error_wsh.so")
    expect(httpd, 1, "cppwebsocket_connections_closed_total", code="1011")
    answer = httpd.get("/publish/news", method="POST", headers=["Content-Length: 0"])
    assert answer.status == 200
    expect(httpd, 1, "cppwebsocket_published_messages_total")
    assert value(httpd, "cppwebsocket_handshake_seconds_count") >= 3


def test_cws_772_a_handshake_is_over_when_it_is_answered(make_httpd):
    """Over HTTP/2, whose request goes on for as long as the connection."""
    httpd = make_httpd("Protocols h2c http/1.1\nH2WebSockets On\nWebSocketHTTP2 On\n" + METRICS, modules=("http2",))
    with H2Session(httpd.address) as h2:
        ws = h2.open()
        assert ws.ask_text("hello") == "hello"
        expect(httpd, 1, "cppwebsocket_handshake_seconds_count")
        time.sleep(1.5)
        ws.close()
    expect(httpd, 0, "cppwebsocket_connections")
    assert value(httpd, "cppwebsocket_handshake_seconds_count") == 1
    assert value(httpd, "cppwebsocket_handshake_seconds_sum") < 1.5


@pytest.fixture
def prometheus(tmp_path):
    """Starts one that scrapes the httpd; returns a function for its queries."""
    started = []

    def start(httpd):
        port = free_port()
        (tmp_path / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "300ms", "scrape_timeout": "300ms"},
            "scrape_configs": [{"job_name": "httpd", "metrics_path": "/metrics",
                                "static_configs": [{"targets": [f"127.0.0.1:{httpd.port}"]}]}]}))
        started.append(subprocess.Popen(
            [PROMETHEUS, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
            stderr=(tmp_path / "stderr").open("w")))

        def query(text):
            where = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
            with urllib.request.urlopen(where, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        return query

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def eventually(function, timeout=60):
    deadline = time.monotonic() + timeout
    while True:
        try:
            if found := function():
                return found
        except OSError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_cws_773_a_real_prometheus_has_every_sample(make_httpd, prometheus):
    httpd = make_httpd(METRICS)
    ws = httpd.open("/echo")
    for _ in range(5):
        ws.ask_text("hello")
    query = prometheus(httpd)
    eventually(lambda: [each for each in query("up") if each["value"][1] == "1"])
    expected = parsed(fetch(httpd, OPEN).body.decode())
    own = {"job", "instance", "__name__"}

    def seen():
        found = {}
        for each in query('{job="httpd",__name__=~"cppwebsocket.+"}'):
            labels = tuple(sorted((name, text) for name, text in each["metric"].items() if name not in own))
            found[each["metric"]["__name__"], labels] = float(each["value"][1])
        return found

    # Scraping does not change them but for what is busy with it.
    moving = re.compile("network_bytes|round_seconds|turn_seconds")
    still = {key: number for key, number in expected.items() if not moving.search(key[0])}
    eventually(lambda: {key: number for key, number in seen().items() if not moving.search(key[0])} == still)
    names = {(name, tuple((k, v) for k, v in labels if k != "le")) for name, labels in expected}
    assert {(name, tuple((k, v) for k, v in labels if k != "le")) for name, labels in seen()} == names


def test_cws_774_the_alerts_are_rules_and_their_names_are_served(make_httpd):
    checked = subprocess.run([PROMTOOL, "check", "rules", MONITORING / "alerts.yml"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    httpd = make_httpd(METRICS)
    httpd.open("/echo").close()
    served = {name for name, _ in parsed(fetch(httpd).body.decode())} | {"cppwebsocket_connections_closed_total"}
    for file in ("alerts.yml", "grafana.json"):
        used = set(re.findall(r"cppwebsocket_[a-z_]+", (MONITORING / file).read_text()))
        assert used and used <= served, used - served
    json.loads((MONITORING / "grafana.json").read_text())
