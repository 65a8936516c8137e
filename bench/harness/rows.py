"""The rows of the table: what is measured."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    kind: str             # "echo", "idle" or "setup"
    connections: int
    size: int = 20        # bytes of a message
    in_flight: int = 1    # messages that a connection has under way
    load: tuple = ()      # further options of bench_load

    def load_options(self, seconds):
        options = ["--connections", str(self.connections), "--size", str(self.size),
                   "--in-flight", str(self.in_flight), *self.load]
        if self.kind == "idle":
            return [*options, "--idle"]
        if self.kind == "setup":
            options.append("--setup")
        return [*options, "--sync", "--duration", str(seconds)]


ROWS = [
    Row("echo-20x200", "echo", 200, 20),
    Row("echo-125x200", "echo", 200, 125),
    Row("echo-1Kx200", "echo", 200, 1 << 10),
    Row("echo-16Kx200", "echo", 200, 16 << 10),
    Row("echo-20x1000", "echo", 1000, 20),
    Row("echo-20x200x16", "echo", 200, 20, in_flight=16),
    Row("echo-1Mx16", "echo", 16, 1 << 20),
    Row("idle-10000", "idle", 10_000),
    Row("setup", "setup", 16),
]


def rows_named(names):
    """The rows of these names, in their order here; all if there are none."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise ValueError(f"there is no row {name}; there are {', '.join(known)}")
    return [row for row in ROWS if not names or row.name in names]
