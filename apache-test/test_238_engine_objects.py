"""Engines are objects beside the module: one that is missing, and one of another version."""
import shutil
import subprocess

import pytest

from harness import build

FOREIGN = """const char cppwebsocket_engine_version[] = "0.0.0";
void *cppwebsocket_make_backplane(void) { return 0; }
"""


@pytest.fixture
def make_alone(mpm, make_httpd):
    """An httpd that is not started, with a copy of the module in a folder without engines."""
    if mpm != "event":
        pytest.skip("the same on every MPM")

    def make(config):
        httpd = make_httpd(config, start=False)
        httpd.module = shutil.copy(build.MODULE, httpd.root / "run")
        return httpd

    return make


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "nats://127.0.0.1:1"])
def test_cws_2380_a_missing_one_is_named_with_its_library(make_alone, url):
    code, said = make_alone(f"WebSocketBackplane {url}").check_config()
    engine = url.partition(":")[0]
    assert code != 0
    assert f"cppwebsocket_{engine}.so is missing" in said
    assert {"redis": "libhiredis", "nats": "libnats"}[engine] in said


def test_cws_2381_one_of_another_version_is_not_used(make_alone):
    httpd = make_alone("WebSocketBackplane redis://127.0.0.1:1")
    (httpd.root / "foreign.c").write_text(FOREIGN)
    subprocess.run(["cc", "-shared", "-fPIC", "foreign.c", "-o", "run/cppwebsocket_redis.so"], cwd=httpd.root, check=True)
    httpd.start()
    httpd.expect_log("CWS0040: cannot use the backplane .*of version 0.0.0, and mod_cppwebsocket of [0-9.]*: both")
    with httpd.open() as ws:
        assert ws.ask_text("without others") == "without others"


def test_cws_2382_a_hook_without_its_part_is_named_with_its_library(make_alone):
    code, said = make_alone("WebSocketHook connect http://127.0.0.1:1/").check_config()
    assert code != 0
    assert "cppwebsocket_hooks.so is missing" in said and "libcurl" in said
