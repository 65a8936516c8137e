#!/usr/bin/python3
"""Who means no harm, beside one who does: asks an echo and a page in turn, each hundredth of a second.
usage: bystander.py PORT SECONDS; prints JSON, the seconds that each answer took. In a process of its own,
so that an attack's client does not slow it down."""
import json
import subprocess
import sys
import time
from pathlib import Path

if __package__:
    from .raw import TEXT, Connection, frame
else:
    sys.path.insert(0, str(Path(__file__).parent))
    from raw import TEXT, Connection, frame


def watch(port, seconds):
    took = {"echo": [], "page": []}
    page = f"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    with Connection(("127.0.0.1", port), timeout=60) as echo:
        echo.upgrade("/echo", host=f"127.0.0.1:{port}")
        end = time.monotonic() + seconds
        while (begin := time.monotonic()) < end:
            echo.send(frame(TEXT, "still here"))
            assert echo.read_text() == "still here"
            took["echo"].append(time.monotonic() - begin)
            if len(took["echo"]) % 10 == 1:
                begin = time.monotonic()
                with Connection(("127.0.0.1", port), timeout=60) as other:
                    assert other.ask(page).status == 200
                took["page"].append(time.monotonic() - begin)
            time.sleep(0.01)
    return took


class Bystander:
    """What `watch` has seen in `seconds` from now on; waits for it."""

    def __init__(self, port, seconds):
        self.process = subprocess.Popen([sys.executable, __file__, str(port), str(seconds)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def took(self):
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, err.decode()
        return json.loads(out)


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), float(sys.argv[2]))))
