"""Reads a log file while httpd writes it."""
import re
import time

LOUD = re.compile(r"\[[^\] ]*:?(warn|error|crit|alert|emerg)\]")
CRASH = re.compile(r"exit signal|Segmentation|Sanitizer|runtime error:|terminate called")


class Log:
    def __init__(self, path):
        self.path = path
        self.checked = 0      # lines before this one were judged
        self.announced = []   # patterns of loud lines that the running test allows

    def lines(self, start=0):
        try:
            text = self.path.read_text(errors="replace")
        except FileNotFoundError:
            return []
        return [line for line in text.split("\n") if line][start:]

    def mark(self):
        return len(self.lines())

    def find(self, pattern, start=0):
        return [line for line in self.lines(start) if re.search(pattern, line)]

    def wait_for(self, pattern, start=0, timeout=5.0, count=1):
        """The lines that match, once there are `count` of them."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.find(pattern, start)
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                tail = "\n".join(self.lines(start)[-30:])
                raise AssertionError(
                    f"{self.path.name}: {len(found)} of {count} lines like {pattern!r} in:\n{tail}")
            time.sleep(0.01)

    def unannounced(self):
        """The loud lines since the last call that no test announced."""
        lines = self.lines(self.checked)
        self.checked += len(lines)
        announced, self.announced = self.announced, []
        return [line for line in lines
                if (LOUD.search(line) or CRASH.search(line) or not line.startswith("["))
                and not any(re.search(pattern, line) for pattern in announced)]
