"""The rows of the table: what is measured."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Needs:
    """What a row wants of a server, besides echoing."""
    tls: bool = False
    compress: str = ""      # permessage-deflate with "takeover" or "no-takeover" of the context
    window_bits: int = 0    # of compression, where it can be told; 0: the default
    fan_out: bool = False   # what comes on /publish goes to all others
    blocking: bool = False  # handlers in the blocking style, where there is one
    threads: int = 1
    children: int = 1       # processes, where a server has several


DEAF_SECONDS = 10  # at most: until all buffers are full, of a server that has an end of them


@dataclass(frozen=True)
class Row:
    name: str
    kind: str             # "echo", "setup", "get", "fan-out": CPU per message
                          # "idle", "deaf": memory per connection
                          # "setup-204", "reactors", "neighbours", "spread", "memberships": see
                          # special.py
    connections: int
    size: int = 20        # bytes of a message
    in_flight: int = 1    # messages that a connection has under way
    needs: Needs = field(default_factory=Needs)
    json: bool = False    # messages that look like an API's answers

    def load_options(self, seconds, clients=1):
        """bench_load's, for one of so many clients."""
        options = ["--connections", str(self.connections // clients), "--size", str(self.size),
                   "--in-flight", str(self.in_flight)]
        if self.json:
            options.append("--json")
        if self.needs.tls:
            options.append("--tls")
        if self.needs.compress:
            options += ["--compress", self.needs.compress]
        if self.needs.children > 1:
            options.append("--again-if-busy")
        if self.kind == "idle":
            return [*options, "--idle"]
        if self.kind in ("setup", "get", "deaf"):
            options.append("--" + self.kind)
        duration = DEAF_SECONDS if self.kind == "deaf" else seconds
        return [*options, "--sync", "--duration", str(duration)]


TLS = Needs(tls=True)
FAN_OUT = Needs(fan_out=True)

ROWS = [
    Row("echo-20x200", "echo", 200, 20),
    Row("echo-125x200", "echo", 200, 125),
    Row("echo-1Kx200", "echo", 200, 1 << 10),
    Row("echo-16Kx200", "echo", 200, 16 << 10),
    Row("echo-20x1000", "echo", 1000, 20),
    Row("echo-20x200x16", "echo", 200, 20, in_flight=16),
    Row("echo-1Mx16", "echo", 16, 1 << 20),
    Row("wss-125x200", "echo", 200, 125, needs=TLS),
    Row("wss-16Kx200", "echo", 200, 16 << 10, needs=TLS),
    Row("deflate-1Kx200", "echo", 200, 1 << 10, needs=Needs(compress="no-takeover"), json=True),
    Row("deflate-context-1Kx200", "echo", 200, 1 << 10, needs=Needs(compress="takeover"),
        json=True),
    Row("deflate-context-15-1Kx200", "echo", 200, 1 << 10,
        needs=Needs(compress="takeover", window_bits=15), json=True),
    Row("blocking-125x200", "echo", 200, 125, needs=Needs(blocking=True)),
    Row("setup", "setup", 16),
    Row("setup-wss", "setup", 16, needs=TLS),
    Row("fan-out-1000", "fan-out", 1000, 64, needs=FAN_OUT),
    Row("fan-out-1000x8", "fan-out", 1000, 64, in_flight=8, needs=FAN_OUT),
    Row("fan-out-10000", "fan-out", 10_000, 64, needs=FAN_OUT),
    Row("idle-10000", "idle", 10_000),
    Row("idle-50000", "idle", 50_000, needs=Needs(children=4)),
    Row("idle-wss-4000", "idle", 4000, needs=TLS),
    Row("deaf-1000", "deaf", 1000, 1 << 10),
    Row("setup-204", "setup-204", 16),
    Row("reactors", "reactors", 200, 125),
    Row("neighbours", "neighbours", 200, 125),
    Row("fan-out-children", "spread", 10_000, 64, needs=FAN_OUT),
    Row("memberships", "memberships", 100, needs=FAN_OUT),
]


def rows_named(names):
    """The rows of these names, in their order here; all if there are none."""
    known = {row.name: row for row in ROWS}
    for name in names:
        if name not in known:
            raise ValueError(f"there is no row {name}; there are {', '.join(known)}")
    return [row for row in ROWS if not names or row.name in names]
