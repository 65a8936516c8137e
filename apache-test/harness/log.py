"""Reads a log file while httpd writes it."""
import re
import time

from .verdict import FAULT, REMARK, judge, remarks


class Log:
    def __init__(self, path):
        self.path = path
        self.checked = 0      # lines before this one were judged
        self.announced = []   # patterns of lines that the running test permits

    def lines(self, start=0):
        return [line for line in self.read().split("\n") if line][start:]

    def read(self):
        """A line that is being written is read when it is whole, or when nobody goes on with it."""
        for _ in range(10):
            try:
                text = self.path.read_text(errors="replace")
            except FileNotFoundError:
                return ""
            if not text or text.endswith("\n"):
                break
            time.sleep(0.01)
        return text

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

    def faults(self):
        """Those since the last call that no test announced. Remarks go to where all are kept."""
        lines = self.lines(self.checked)
        self.checked += len(lines)
        announced, self.announced = self.announced, []
        judged = [(judge(line), line) for line in lines
                  if not any(re.search(pattern, line) for pattern in announced)]
        for verdict, line in judged:
            if verdict == REMARK:
                remarks.add(line)
        return [line for verdict, line in judged if verdict == FAULT]
