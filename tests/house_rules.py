"""Rules of the house that a compiler does not check: who may include whom, that every directive is
documented, and that the tests which the documents name exist.

usage: house_rules.py PROJECT"""

import pathlib
import re
import sys

PROJECT = pathlib.Path(sys.argv[1])
SOURCES = PROJECT / "mod_cppwebsocket"
problems = []


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line):
            yield number, match[1] == "<", match[2]


def check_layers():
    # folder → the project's own folders that it may include, besides itself and the public API
    layers = {
        "include": [],
        "protocol": [],
        "runtime": ["protocol"],
        "channels": ["runtime", "protocol"],
        "httpd": ["channels", "runtime", "protocol"],
    }
    foreign = re.compile(r"^(httpd|http_|ap_|apr_|apr\.|util_|mod_|scoreboard|mpm_|unixd)")
    for layer, below in layers.items():
        files = sorted((SOURCES / layer).rglob("*.[ch]pp"))
        if not files:
            problems.append(f"mod_cppwebsocket/{layer}: no sources, so this test tests nothing")
        for path in files:
            for number, is_system, name in includes(path):
                where = f"{path.relative_to(PROJECT)}:{number}"
                if layer != "httpd" and is_system and foreign.match(name):
                    problems.append(f"{where}: {name} belongs to httpd/")
                if is_system:
                    if layer == "include" and "/" in name and not name.startswith("cppwebsocket/"):
                        problems.append(f"{where}: the public API needs the standard library only")
                    continue
                folder = name.split("/")[0]
                if folder != layer and folder not in below:
                    problems.append(f"{where}: {layer}/ must not include {name}")
    for path in sorted((PROJECT / "handlers").glob("*.cpp")):
        for number, is_system, name in includes(path):
            if not is_system:
                problems.append(f"{path.name}:{number}: handlers include the public API with <>")


def check_directives():
    source = "".join(path.read_text() for path in sorted((SOURCES / "httpd").glob("*.cpp")))
    names = set(re.findall(r'"(WebSocket[A-Z]\w+)"', source))
    if len(names) < 10:
        problems.append(f"only {len(names)} directives were found in mod_cppwebsocket/httpd")
    documents = {
        "README.md": lambda name: f"`{name} ",
        "docs/directives.md": lambda name: f"## {name}\n",
        "conf/cppwebsocket.conf": lambda name: f"{name} ",
    }
    for document, wanted in documents.items():
        text = (PROJECT / document).read_text()
        for name in sorted(names):
            if wanted(name) not in text:
                problems.append(f"{document}: {name} is missing")
        for name in sorted(set(re.findall(r"\bWebSocket[A-Z]\w+", text)) - names):
            problems.append(f"{document}: there is no directive {name}")


def check_named_tests():
    live = "".join(path.read_text() for path in sorted((PROJECT / "apache-test").glob("test_*.py")))
    exists = set(re.findall(r"def (test_\w+)", live))
    for document in sorted(PROJECT.glob("docs/*.md")) + sorted(PROJECT.glob("*.md")):
        for name in sorted(set(re.findall(r"`(test_cws_\w+)`", document.read_text())) - exists):
            problems.append(f"{document.name}: there is no test {name}")
    rows = [row for row in (PROJECT / "docs/seed.md").read_text().splitlines()
            if row.startswith("| ") and not row.startswith("| the seed says")]
    problems.extend(f"docs/seed.md: no test is named in: {row}"
                    for row in rows if "`test_cws_" not in row)


check_layers()
check_directives()
check_named_tests()
print("\n".join(problems) or "the house is in order")
sys.exit(bool(problems))
