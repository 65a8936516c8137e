"""How far something long is. scripts/progress does the same for the builds of shell scripts."""
import shutil
import sys
import time


class Progress:
    """On a terminal one moving line, elsewhere a line at the beginning and one a minute."""

    def __init__(self, title, beginning, stream=None):
        self.title = title
        self.stream = stream or sys.stdout
        self.is_terminal = self.stream.isatty()
        self.began = self.last = time.monotonic()
        if not self.is_terminal:
            self.say(f"{title}: {beginning}")

    def show(self, text, share=0):
        """`share` of all, from 0 to 1, if it tells how long the rest will take."""
        now = time.monotonic()
        spent = now - self.began
        line = f"{self.title}: {text}, {in_minutes(spent)}"
        if share and spent >= 5:
            line += f", {in_minutes(spent * (1 - share) / share)} left"
        if self.is_terminal and now - self.last >= 0.1:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{line[:width]}", end="", file=self.stream, flush=True)
        elif not self.is_terminal and now - self.last >= 60:
            print(line, file=self.stream, flush=True)
        else:
            return
        self.last = now

    def say(self, *lines):
        """What is to stay, above the moving line."""
        print("\r\033[K" * self.is_terminal + "\n".join(lines), file=self.stream, flush=True)

    def end(self):
        if self.is_terminal:
            print("\r\033[K", end="", file=self.stream, flush=True)


def in_minutes(seconds):
    return "{}:{:02} min".format(*divmod(int(seconds), 60))
