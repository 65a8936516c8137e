"""Many clients of client/ that come back at once, after a graceful restart: each message comes once and in order to each.

usage: python3 crowd.py [--clients 5000] [--mpm event]

Prints how long it took until all were connected again. The exit code is 0 if nothing was lost, doubled or told as a gap.
"""
import argparse
import http.client
import json
import resource
import shutil
import subprocess
import sys
import threading
import time

from harness import build, faults
from harness.httpd import Httpd
from harness.keepers import CLIENT

OPTIONS = {"heartbeat": 10, "timeout": 30, "backoff": {"base": 0.5, "most": 5}}
PATIENCE = 120  # seconds
# None of the children that httpd starts for so many ends when there is less to do: that would close connections, too.
ROOM = ("StartServers 2\nServerLimit 6\nThreadLimit 64\nThreadsPerChild 64\nMaxRequestWorkers 128\n"
        "MinSpareThreads 1\nMaxSpareThreads 128")


class Crowd:
    """They run in one process, whose lines are read as they come."""

    def __init__(self, httpd, count):
        self.open = self.opened = 0  # now, and ever
        self.result, self.changed = None, threading.Condition()
        url = f"http://{httpd.address[0]}:{httpd.port}/subscribe/crowd"
        self.process = subprocess.Popen(
            [shutil.which("node"), str(build.TESTS / "clients/crowd.mjs"), str(CLIENT / "source/connect.js"), url, str(count),
             json.dumps(OPTIONS)], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                if line.startswith("open "):
                    self.open, self.opened = map(int, line.split()[1:])
                else:
                    self.result = json.loads(line)
                self.changed.notify_all()

    def wait(self, what):
        """The seconds that it took."""
        begin = time.monotonic()
        with self.changed:
            assert self.changed.wait_for(what, PATIENCE), f"{self.open} are connected"
        return time.monotonic() - begin


class Numbers:
    """Publishes them five times a second, until the end."""

    def __init__(self, httpd):
        self.httpd, self.goes_on, self.published = httpd, True, 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def publish(self, text):
        connection = http.client.HTTPConnection(*self.httpd.address, timeout=60)
        connection.request("POST", "/publish/crowd", text, {"Idempotency-Key": f"number-{text}"})
        assert connection.getresponse().status == 200
        connection.close()

    def run(self):
        while self.goes_on:
            text = str(self.published + 1)
            try:
                self.publish(text)
            except (OSError, http.client.HTTPException):  # the same once more
                continue
            self.published += 1
            time.sleep(0.2)

    def end(self):
        self.goes_on = False
        self.thread.join()
        self.publish("last")


def run(mpm, count):
    """(seconds until all were connected again, what is wrong)"""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * count + 1000)), hard))
    httpd = Httpd(mpm, {}, faults.CONFIG + f"WebSocketMaxConnections {2 * count}\n", mpm_config={mpm: ROOM}).start()
    crowd = Crowd(httpd, count)
    try:
        crowd.wait(lambda: crowd.open == count)
        numbers = Numbers(httpd)
        time.sleep(2)
        httpd.graceful()
        took = crowd.wait(lambda: crowd.open == count and crowd.opened >= 2 * count)
        time.sleep(2)
        numbers.end()
        crowd.wait(lambda: crowd.result)
    finally:
        crowd.process.kill()
        crowd.process.wait()
        problems = httpd.close()
    wrong = problems + crowd.result["wrong"]
    if crowd.result["gaps"]:
        wrong.append(f"{crowd.result['gaps']} gaps were told")
    if crowd.result["received"] < count * (numbers.published - 1):
        wrong.append(f"{crowd.result['received']} messages came of {count} times {numbers.published}")
    return took, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=5000, metavar="N")
    parser.add_argument("--mpm", default="event")
    options = parser.parse_args()
    took, wrong = run(options.mpm, options.clients)
    print(f"{options.clients} clients were all connected again after {took:.1f} s")
    for each in wrong:
        print(f"WRONG: {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
