"""The example pages, as people see them who see less."""
import os
import shutil

from harness import build
from harness.node import run_node


class TestPages:
    CONFIG = """
<Location "/channels/publish">
  SetHandler websocket-publish
</Location>
<Location "/channels/subscribe">
  SetHandler websocket-subscribe
</Location>
"""

    def test_cws_935_the_pages_are_accessible(self, httpd):
        """WCAG 2.1 AA as far as axe can tell, in both themes."""
        build.install_pages(httpd.root / "htdocs/pages")
        found = run_node("accessible.mjs", shutil.which("chromium"), f"http://127.0.0.1:{httpd.port}/pages/",
                         os.environ.get("CPPWEBSOCKET_SCREENSHOTS", ""))
        assert not found, "\n".join(found)
