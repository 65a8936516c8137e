"""websocket-dashboard: the page, in browsers."""
import os
import shutil

import pytest

from harness.node import run_node
from test_250_channels import CHILDREN, join
from test_263_administration import CONFIG, FILES, handlers, user  # noqa: F401, a fixture

PICTURES = os.environ.get("CPPWEBSOCKET_SCREENSHOTS", "")


class TestPage:
    CONFIG = CONFIG
    OPTIONS = {"files": FILES, "mpm_config": CHILDREN}

    def test_cws_267_the_page_lets_nothing_in_but_itself(self, httpd):
        first, second = httpd.get("/board"), httpd.get("/board/")
        for answer in (first, second):
            assert (answer.status, answer.get("content-type")) == (200, "text/html; charset=utf-8")
            policy = answer.get("content-security-policy")
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
            nonce = policy.split("script-src 'nonce-")[1].split("'")[0]
            assert answer.body.decode().count(f'nonce="{nonce}"') == 2 and b"NONCE" not in answer.body
            assert b"http:" not in answer.body and b"https:" not in answer.body and b"//cdn" not in answer.body
        assert first.get("content-security-policy") != second.get("content-security-policy")
        assert httpd.get("/admin", headers=["Accept: text/html"]).get("content-type") == "application/json"

    def test_cws_267_the_page_works_in_chromium(self, httpd):
        """WCAG 2.1 AA as far as axe can tell, in both themes, wide and narrow; all with the keyboard."""
        httpd.allow_log("CWS0110|CWS0012")
        httpd.ask("/echo", headers={"Origin": "https://other.example"})
        anns, bob, member = [user(httpd, "ann"), user(httpd, "ann")], user(httpd, "bob"), join(httpd, "chat")
        base = f"http://127.0.0.1:{httpd.port}/"
        seen = run_node("dashboard.mjs", shutil.which("chromium"), base + "board", PICTURES)
        assert not seen["faults"], "\n".join(seen["faults"])
        assert all(each.startswith(base) for each in seen["requests"])
        assert seen["children"] >= 2 and seen["found"] == 2 and seen["asked"] == 2  # code and reason
        assert seen["kept"].startswith("Close connection ")
        assert seen["said"][0] == "Closed 2" and seen["said"][1].startswith("Published at ") and seen["said"][2] == "Closed 1"
        for ann in anns:
            assert ann.read_close() == (1012, "by the page")
        assert member.read_text() == "from the page"
        assert member.read_close()[0] == 1008
        assert bob.ask_text("x") == "x"

    def test_cws_267_the_page_works_in_firefox(self, httpd):
        if not shutil.which("firefox-esr"):
            pytest.skip("no firefox-esr is installed")
        httpd.allow_log("CWS0110")
        with user(httpd, "ann") as ann:
            seen = run_node("dashboard_firefox.mjs", shutil.which("firefox-esr"), f"http://127.0.0.1:{httpd.port}/board", PICTURES)
            assert max(seen["widths"]) <= 0  # less where there is a scrollbar
            assert seen["said"] == "Closed 1"
            assert ann.read_close()[0] == 1008
