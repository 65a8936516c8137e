"""What a part of the matrix says, and the page that it stands on.

A part is a module beside this one:

    TITLE     "Clients"                        the heading of its table
    ABOUT     one paragraph below the heading
    COLUMNS   ("ws", "wss")                    in this order
    PACKAGES  ("python3-websockets",)          of apt, which `run` installs before
    EXPECTED  {("name", "column"): Expected("what differs", "why that is right")}
    PAGE      the page's path                  if it is another than docs/compatibility.md
    rows()    yields a Row for each piece of software, in the order of the page
"""
import datetime
import re
import subprocess
from dataclasses import dataclass, field

from harness import build, installed

PAGE = build.SOURCE / "docs/compatibility.md"
YES, NONE = "yes", "–"

only = []  # words of --only


@dataclass(frozen=True)
class Row:
    name: str
    version: str
    results: dict[str, str] = field(default_factory=dict)  # column: YES, or what differs


@dataclass(frozen=True)
class Expected:
    result: str  # as in Row.results
    reason: str  # a sentence for the page


def wanted(name):
    """Whether --only lets a row with this name run. For rows() to ask before it does the work."""
    return not only or any(word in name for word in only)


def problems_of(row, expected):
    """What of a row is neither YES nor expected, or expected and otherwise."""
    found = []
    for column, result in row.results.items():
        should = expected[row.name, column].result if (row.name, column) in expected else YES
        if result != should and not (result == NONE and should == YES):
            found.append(f"{column}: {result}" + (f" (expected: {should})" if should != YES else ""))
    return found


def unseen(rows, expected):
    """What is expected of rows or columns that have not been there."""
    seen = {(row.name, column) for row in rows for column in row.results}
    return [f"{name}: {column}: nothing to be seen, but expected: {expected[name, column].result}"
            for name, column in sorted(set(expected) - seen)]


def debian_version(package):
    """Of an installed package, without Debian's own part."""
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], text=True, check=True,
                          stdout=subprocess.PIPE).stdout
    return re.sub(r"^\d+:|-[^-]*$|[+~](dfsg|ds|repack).*", "", said)


def httpd_version():
    said = subprocess.run([installed.PROGRAM, "-v"], text=True, check=True, stdout=subprocess.PIPE).stdout
    return re.search(r"Apache/(\S+)", said)[1]


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def section(part, rows):
    today = datetime.date.today().isoformat()
    lines = [f"## {part.TITLE}", "", part.ABOUT, "", f"httpd {httpd_version()}, {today}.", "",
             "| | version | " + " | ".join(part.COLUMNS) + " |",
             "|---|---|" + "---|" * len(part.COLUMNS)]
    for row in rows:
        results = [cell(row.results.get(column, NONE)) for column in part.COLUMNS]
        lines.append(f"| {cell(row.name)} | {cell(row.version)} | " + " | ".join(results) + " |")
    reasons = [f"- {name}, {column}: {part.EXPECTED[name, column].reason}"
               for row in rows for name, column in [(row.name, column) for column in part.COLUMNS]
               if (name, column) in part.EXPECTED]
    return "\n".join(lines + [""] * bool(reasons) + reasons) + "\n"


def write(name, part, rows):
    """Puts this part's table on the page; the other parts' stay as they are."""
    page = getattr(part, "PAGE", PAGE)
    text = page.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, rest = text.split(begin, 1)
    page.write_text(before + begin + section(part, rows) + end + rest.split(end, 1)[1])
