"""What the programs beside the tests have in common: soak.py, restarts.py, channel_storm.py."""
import argparse
import sys
import time

from . import build
from .verdict import remarks


class Program:
    """Parses its arguments: --mpm, and what `add_options` adds with the function that it gets."""

    def __init__(self, text, add_options):
        parser = argparse.ArgumentParser(description=text.split("\n")[0])
        parser.add_argument("--mpm", choices=["event", "worker", "prefork"], default="event")
        add_options(parser.add_argument)
        self.options = parser.parse_args()
        if not build.MODULE.exists():
            sys.exit(f"{build.MODULE} is missing: build it, or set CPPWEBSOCKET_MODULE")
        self.began = time.monotonic()

    def end(self, problems, of_what=""):
        """Tells the first of them, and exits with 1 if there are any."""
        for problem in problems[:30]:
            print(f"FAILED {problem}")
        remarks.print()
        print(f"{of_what}{len(problems)} problems in {time.monotonic() - self.began:.0f} s")
        sys.exit(1 if problems else 0)
