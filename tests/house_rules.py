"""Rules of the house that a compiler does not check: that every directive and every numbered log line
is where CONTRIBUTING.md says, that the tests which the documents name exist, and that no path of
somebody's machine is in the tree. Who may include whom is in layers.py.

usage: house_rules.py PROJECT"""

import pathlib
import re
import sys

PROJECT = pathlib.Path(sys.argv[1])
SOURCES = PROJECT / "mod_cppwebsocket"
problems = []


def files_of(change):
    """The files that CONTRIBUTING.md's row for this change names with their whole path."""
    row = re.search(rf"^\| {change} \| (.*) \|$", (PROJECT / "CONTRIBUTING.md").read_text(), re.M)
    named = re.findall(r"`([\w./*-]+)`", row[1].split(". ")[0]) if row else []
    if not named:
        problems.append(f"CONTRIBUTING.md: no row with files for: {change}")
    return named


def check_directives():
    """A directive is in each file that a change of one touches, in the form which belongs there."""
    rows = SOURCES / "httpd/configuration"
    tables = {path: set(re.findall(r'"(WebSocket[A-Z]\w+)"', path.read_text()))
              for path in sorted(SOURCES.rglob("*.?pp"))}
    names = set().union(*(found for path, found in tables.items() if path.parent == rows))
    if len(names) < 10:
        problems.append(f"only {len(names)} directives were found in {rows}")
    form = {"README.md": "`{} ", "docs/directives.md": "## {}\n", "conf/cppwebsocket.conf": "{} "}
    files = files_of("a directive")
    for file in files:
        if "*" in file:
            continue
        text = (PROJECT / file).read_text()
        problems.extend(f"{file}: {name} is missing" for name in sorted(names)
                        if form.get(file, "{}").format(name) not in text)
        problems.extend(f"{file}: there is no directive {name}" for name in
                        sorted(set(re.findall(r"\bWebSocket[A-Z]\w+", text)) - names) if file in form)
    pattern = next((file for file in files if "*" in file), "")
    places = sorted(PROJECT.glob(pattern)) if pattern else []
    for name in sorted(names):
        has = [path for path, found in tables.items() if name in found]
        if len(has) != 1 or has[0] not in places:
            problems.append(f"{name} is in {', '.join(map(str, has))}; CONTRIBUTING.md says once, in "
                            f"{pattern}")


def check_log_numbers():
    """Numbers of log lines: listed, documented, and not made up on the way."""
    listed = None
    for file in files_of("a kind of log line"):
        found = set(re.findall(r"CWS\d{4}", (PROJECT / file).read_text()))
        listed = found if listed is None else listed
        problems.extend(f"{file}: {number} is missing" for number in sorted(listed ^ found))
        twice = re.findall(r"^//   (CWS\d{4})", (PROJECT / file).read_text(), re.M)
        problems.extend(f"{file}: {number} is there twice" for number in sorted(set(twice)) if twice.count(number) > 1)
    used = {number for path in SOURCES.rglob("*.cpp") for number in re.findall(r"CWS\d{4}", path.read_text())}
    problems.extend(f"{number} is listed and written nowhere, or written and not listed"
                    for number in sorted(used ^ (listed or set())))


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


def check_named_files():
    """Files that ARCHITECTURE.md and CONTRIBUTING.md name."""
    for document in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        folder = ""  # of the last that was named whole: then a name alone is a neighbour's
        for name in re.findall(r"`([\w/]+\.[hc]pp)`", (PROJECT / document).read_text()):
            places = [PROJECT / name, SOURCES / name, SOURCES / "httpd" / name, SOURCES / folder / name]
            if not any(place.is_file() for place in places):
                problems.append(f"{document}: there is no file {name}")
            folder = name.rpartition("/")[0] or folder


def check_paths():
    """A path of the machine that a file was written on means nothing on another."""
    machine = re.compile(r"(?<![\w.$}*-])/(?:home|root|work|farm|Users|tmp)/[\w.-]+/?")
    made = {".git", "build", "node_modules", "__pycache__", ".pytest_cache", "seeds"}
    for path in sorted(PROJECT.rglob("*")):
        name = path.relative_to(PROJECT)
        if not path.is_file() or made & set(name.parts):
            continue
        text = path.read_bytes().decode(errors="replace")
        problems.extend(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]} is a path of a "
                        "machine" for found in machine.finditer(text))


def check_described_handlers():
    """The index page says of each of our handlers what it does."""
    described = set(re.findall(r"'(/[\w/]+)': '", (PROJECT / "handlers/pages/index.js").read_text()))
    for path in sorted((PROJECT / "handlers").rglob("*_wsh.cpp")):
        resource = "/" + str(path.relative_to(PROJECT / "handlers")).removesuffix("_wsh.cpp")
        if resource not in described:
            problems.append(f"handlers/pages/index.js: {resource} is not described")


check_described_handlers()
check_paths()
check_named_files()
check_directives()
check_log_numbers()
check_named_tests()
print("\n".join(problems) or "the house is in order")
sys.exit(bool(problems))
