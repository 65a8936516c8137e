"""bench_load, one or several of it, in step with us."""
import json
import subprocess

from . import machine

PORTS = 20_000  # that one source address may use; Linux gives some 28,000


class Loads:
    """`options`: bench_load's, besides where to connect. `places`: the cores of each client. One
    that waits its turn is right for what a message costs, and wrong for how long it takes."""

    def __init__(self, what, server, setting, options, places, waits_its_turn=True):
        self._what = what
        self._processes = []
        for number, cores in enumerate(places):
            command = command_for(server, setting, options)
            if len(places) > 1:
                command += ["--source", f"127.0.0.{number + 2}"]
            self._processes.append(machine.start(
                command, cores, waits_its_turn, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            self.end_input()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                machine.stop(process)
            process.stdout.close()
            process.stderr.close()

    def expect_ready(self):
        for process in self._processes:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(self._complaint(process))

    def go(self):
        for process in self._processes:
            process.stdin.write("go\n")
            process.stdin.flush()

    def end_input(self):
        for process in self._processes:
            if not process.stdin.closed:
                process.stdin.close()

    def result(self):
        """The figures of all clients together."""
        figures = []
        for process in self._processes:
            line = process.stdout.readline()
            if not line or json.loads(line)["errors"]:
                raise RuntimeError(self._complaint(process))
            figures.append(json.loads(line))
        count = len(figures)
        together = {name: sum(one[name] for one in figures) for name in figures[0]}
        together["seconds"] /= count
        together["p50_us"] /= count
        together["p99_us"] = max(one["p99_us"] for one in figures)
        return together

    def _complaint(self, process):
        self.end_input()
        said = process.stderr.read().strip().replace("bench_load: ", "")
        return f"{self._what}: {said or 'bench_load ended'}"


def command_for(server, setting, options):
    kind = "--binary" if setting.binary and "--json" not in options else None
    command = [str(setting.build / "bench" / "bench_load"), "--port", str(server.port),
               "--path", server.path, *options]
    return [*command, kind] if kind else command


def clients_for(connections, limit):
    """How many bench_load it takes, for descriptors and ports."""
    return -(-connections // min(PORTS, limit - 100))
