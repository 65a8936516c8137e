"""What made tests fail, each cause told once with the names of the tests that it failed."""
from .verdict import without_details


def first_sentence(report):
    """What the failure says itself: of an exception its words, of pytest.fail() its reason."""
    crash = getattr(report.longrepr, "reprcrash", None)
    words = []
    for line in (crash.message if crash else str(report.longrepr)).splitlines():
        words.append(line.strip())
        if words[-1] and not words[-1].endswith(":"):  # that would be a heading
            break
    return without_details(" ".join(words))


def place(report):
    """Where it broke, so that the same words of two asserts are two causes."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return f"{crash.path}:{crash.lineno}" if crash else ""


class Causes:
    def __init__(self):
        self.terminal = None  # pytest's reporter
        self.reports = {}     # (first sentence, place): the reports
        self.second_try = []  # lines about it, see unsteady.py

    def add(self, report):
        """True if nothing has failed so before."""
        same = self.reports.setdefault((first_sentence(report), place(report)), [])
        same.append(report)
        return len(same) == 1

    def tell(self):
        """The first of each in full, then who else failed by it."""
        for number, ((sentence, _), reports) in enumerate(self.reports.items(), 1):
            first, names = reports[0], list(dict.fromkeys(map(name_of, reports)))
            self.terminal.section(f"cause {number} of {len(self.reports)}: {names[0]}", "_")
            self.terminal.write_line(first.longreprtext)
            for title, text in first.sections:
                self.terminal.write_line(f"{title}:\n{text}")
            if len(names) > 1:
                self.terminal.write_line(f"{len(names)} tests failed by it: " + " ".join(names))
        if self.reports:
            self.terminal.section("failed", "-")
        for (sentence, _), reports in self.reports.items():
            names = {name_of(report) for report in reports}
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            self.terminal.write_line(f"FAILED {name_of(reports[0])}{more}: {sentence}")


def name_of(report):
    return report.nodeid.rpartition("::")[2]
