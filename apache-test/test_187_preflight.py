"""What browsers ask for first, for pages of other origins: by OPTIONS, without cookies or passwords."""
import shutil

import pytest

from harness.configuration import END_POINTS
from harness.node import run_node

CONFIG = END_POINTS + """
<LocationMatch "^/(publish|subscribe)/guarded">
  <RequireAny>
    Require expr "%{req:Authorization} == 'Basic YW5uOmFubg=='"
    Require method OPTIONS
  </RequireAny>
</LocationMatch>
<Location "/publish/shut">
  Require expr "%{req:Authorization} == 'Basic YW5uOmFubg=='"
</Location>
<LocationMatch "^/(publish|subscribe)">
  WebSocketOrigin Same https://app.example http://127.0.0.1:*
</LocationMatch>
<Location "/publish/any">
  WebSocketOrigin Any
</Location>
"""
ASKS = ["Origin: https://app.example", "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization,content-type"]


class TestPreflight:
    CONFIG = CONFIG

    @staticmethod
    def options(httpd, path, lines):
        return httpd.get(path, "OPTIONS", lines)

    def test_cws_187_allowed_origins_may_send_what_they_ask_for(self, httpd):
        answer = self.options(httpd, "/publish/guarded/x", ASKS)
        assert answer.status == 204 and answer.body == b""
        assert answer.get("access-control-allow-origin") == "https://app.example"
        assert answer.get("access-control-allow-credentials") == "true"
        assert answer.get("access-control-allow-methods") == "GET, POST, DELETE"
        assert answer.get("access-control-allow-headers") == "authorization, content-type"
        assert int(answer.get("access-control-max-age")) == 3600
        assert "Origin" in answer.get("vary")
        answer = self.options(httpd, "/subscribe/x", ASKS[:2])
        assert answer.status == 204
        assert answer.get("access-control-allow-methods") == "GET"
        assert answer.get("access-control-allow-headers") is None
        answer = self.options(httpd, "/publish/any", ASKS)
        assert answer.get("access-control-allow-origin") == "*"
        assert answer.get("access-control-allow-credentials") is None

    def test_cws_187_others_may_not(self, httpd):
        other = ["Origin: https://other.example", *ASKS[1:]]
        answer = self.options(httpd, "/publish/x", other)
        assert answer.status == 403 and answer.get("access-control-allow-origin") is None
        httpd.expect_log("CWS0012: origin https://other.example is not allowed")
        assert self.options(httpd, "/publish/shut", ASKS).status == 403
        httpd.allow_log("AH01630")

    @pytest.mark.parametrize("names", ["a b", "x, (y)", "x" * 2000])
    def test_cws_187_only_names_are_repeated(self, httpd, names):
        answer = self.options(httpd, "/publish/x",
                              [*ASKS[:2], f"Access-Control-Request-Headers: {names}"])
        assert answer.status == 204
        assert answer.get("access-control-allow-headers") is None

    def test_cws_187_other_options_requests_are_httpds(self, httpd):
        answer = self.options(httpd, "/publish/x", [])
        assert answer.status == 200 and answer.get("allow")
        assert answer.get("access-control-allow-methods") is None

    def test_cws_187_in_chromium(self, httpd, mpm):
        if mpm != "event":
            pytest.skip("the answers are the same")
        at = f"http://localhost:{httpd.port}"
        seen = run_node("fetch_other_origin.mjs", shutil.which("chromium"),
                        f"http://127.0.0.1:{httpd.port}/index.html", f"{at}/publish/guarded",
                        f"{at}/subscribe/guarded")
        assert seen == {"posted": [200, "guarded"], "streamed": [200, True]}
