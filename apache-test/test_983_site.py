"""scripts/site: all of the documentation, each link of which leads somewhere, and nothing from elsewhere."""
import shutil
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from harness import build
from harness.node import run_node


class Page(HTMLParser):
    """Where its links and parts lead to, its anchors, and its text outside of code."""

    def __init__(self, file):
        super().__init__()
        self.links, self.parts, self.anchors, self.text, self.in_code = [], [], set(), "", 0
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors |= {attributes.get("id"), attributes.get("name")}
        self.in_code += tag in ("code", "pre", "script")
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        elif tag in ("img", "script", "link", "iframe"):
            self.parts += [attributes[name] for name in ("src", "href") if attributes.get(name)]

    def handle_endtag(self, tag):
        self.in_code -= tag in ("code", "pre", "script")

    def handle_data(self, data):
        if not self.in_code:
            self.text += data


@pytest.fixture
def handlers():
    return {}


@pytest.fixture
def site(make_httpd):
    httpd = make_httpd()
    folder = httpd.root / "htdocs/site"
    subprocess.run(["/usr/bin/python3", build.SOURCE / "scripts/site", folder], check=True)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return httpd, folder


def test_cws_983_the_documentation_as_a_site(site):
    httpd, folder = site
    pages = {str(path.relative_to(folder)): Page(path) for path in folder.rglob("*.html")}
    for page in ("index.html", "docs/directives.html", "docs/operations.html", "client/index.html", "bench/RESULTS.html",
                 "mod_cppwebsocket/include/cppwebsocket/channel.hpp.html"):
        assert page in pages
    broken = []
    for name, page in pages.items():
        assert "```" not in page.text, name
        assert not [part for part in page.parts if "//" in part], name
        for link in [*page.links, *page.parts]:
            if "//" in link or link.startswith(("mailto:", "#", "javascript:")) or link == ".":
                continue
            target, anchor = urldefrag(urljoin(name, link))
            target = unquote(target)
            if not (folder / target).is_file() or (anchor and anchor not in pages[target].anchors):
                broken.append(f"{name}: {link}")
    assert not broken

    here = f"http://127.0.0.1:{httpd.port}/site/"
    seen = run_node("site.mjs", shutil.which("chromium"), here, "backplane")
    assert seen["errors"] == []
    assert [url for url in seen["requests"] if not url.startswith(here) and not url.startswith("data:")] == []
    assert any("Backplane" in found for found in seen["found"])
    assert len(seen["pictures"]) == 3 and all(seen["pictures"])
