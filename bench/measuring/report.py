"""From the rounds' figures to tables."""
import json
import os
import platform
import statistics
import subprocess
from datetime import datetime, timezone
from pathlib import Path

NOTE = """\
Written by `bench/run`; what the columns mean and how far to trust them is in
[README.md](README.md). A ratio compares two servers in the same round on the same cores and is what
to look at; microseconds and rates belong to this machine on this day.
"""


# For each kind of row: the head of its table, and a line's cells. The ratio is what to look at.
def cpu_cells(line):
    return [ratio_of(line), range_of(line["ratio"]), number(line["inverse"]["median"]),
            number(line["cpu_us"]["median"]), range_of(line["cpu_us"]),
            whole(line["messages_per_second"]), whole(line["p50_us"]), whole(line["p99_us"]),
            whole(line["bytes_back"])]


def idle_cells(line):
    return [whole(line["bytes_per_connection"]), whole_range(line["bytes_per_connection"]),
            mebibytes(line["rss_before"]), mebibytes(line["rss_after"])]


def deaf_cells(line):
    return [*idle_cells(line), whole(line["sent_per_connection"]), mebibytes(line["kernel_after"])]


def reactor_cells(line):
    return [ratio_of(line), range_of(line["ratio"]), whole(line["messages_per_second"]),
            number(line["cpu_us"]["median"])]


def neighbour_cells(line):
    return [ratio_of(line), range_of(line["ratio"]), whole(line["p99_us"]), whole(line["p50_us"]),
            whole(line["messages_per_second"]), whole(line["echoes_per_second"])]


def spread_cells(line):
    return [whole(line["first_to_last_us"]), whole_range(line["first_to_last_us"]),
            whole(line["p50_us"]), number(line["cpu_us"]["median"])]


def membership_cells(line):
    return [whole(line["bytes_per_connection"]), whole_range(line["bytes_per_connection"]),
            whole(line["left_bytes"]), whole(line["added_bytes"])]


CPU_HEAD = ["ratio", "min–max", "× the CPU", "CPU µs per message", "min–max", "messages/s",
            "p50 µs", "p99 µs", "bytes back"]
MEMORY_HEAD = ["bytes per connection", "min–max", "RSS before, MiB", "RSS after, MiB"]
TABLES = [
    (("echo", "setup", "fan-out"), CPU_HEAD, cpu_cells),
    (("setup-204",), CPU_HEAD, cpu_cells),
    (("idle",), MEMORY_HEAD, idle_cells),
    (("deaf",), [*MEMORY_HEAD, "bytes sent to it", "kernel's TCP memory, MiB"], deaf_cells),
    (("reactors",), ["messages/s, ratio", "min–max", "messages/s", "CPU µs per message"],
     reactor_cells),
    (("neighbours",), ["p99, ratio", "min–max", "p99 µs", "p50 µs", "files/s", "echoes/s"],
     neighbour_cells),
    (("spread",), ["first to last, µs", "min–max", "until all have it, p50 µs",
                   "CPU µs per delivery"], spread_cells),
    (("memberships",), ["bytes per membership", "min–max", "after all have left",
                        "after another such crowd, more"], membership_cells),
]
# What a ratio is made of, and whether it is reference ÷ this one (more is worse) or the reverse.
RATIOS = {"reactors": ("messages_per_second", False), "neighbours": ("p99_us", False)}


def summarise(row, results):
    """One dict per contestant. The first is the reference: its ratio is 1."""
    reference = next(iter(results.values()), None)
    figure, is_inverse = RATIOS.get(row.kind, ("cpu_us", True))
    lines = []
    for label, rounds in results.items():
        line = {"row": row.name, "kind": row.kind, "contestant": label}
        for name in rounds[0]:
            line[name] = spread_of([figures[name] for figures in rounds])
        if figure in rounds[0]:
            forward = spread_of([own[figure] / first[figure]
                                 for first, own in zip(reference, rounds)])
            backward = spread_of([first[figure] / own[figure]
                                  for first, own in zip(reference, rounds)])
            line["ratio"], line["inverse"] = ((backward, forward) if is_inverse
                                              else (forward, backward))
        lines.append(line)
    return lines


def spread_of(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def tables(lines, left_out):
    """Markdown; the ratios first. `left_out`: [(row, contestant, why)]."""
    parts = []
    for kinds, head, cells in TABLES:
        chosen = [line for line in lines if line["kind"] in kinds]
        if chosen:
            parts.append(table(["row", "contestant", *head],
                               [[line["row"], line["contestant"], *cells(line)]
                                for line in chosen]))
    if left_out:
        parts.append("Left out:\n\n" + reasons(left_out))
    return "\n".join(parts)


def reasons(left_out):
    rows = {}
    for row, contestant, why in left_out:
        rows.setdefault((contestant, " ".join(why.split())[:200]), []).append(row)
    return "".join(f"- {contestant}: {why} ({', '.join(names)})\n"
                   for (contestant, why), names in rows.items())


def ratio_of(line):
    return number(line["ratio"]["median"])


def whole(spread):
    return f"{spread['median']:,.0f}"


def whole_range(spread):
    return f"{spread['min']:,.0f}–{spread['max']:,.0f}"


def mebibytes(spread):
    return f"{spread['median'] / 2**20:.1f}"


def number(value):
    """Three significant digits, and no more than two behind the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def range_of(spread):
    return f"{number(spread['min'])}–{number(spread['max'])}"


def table(head, body):
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    # Words to the left, numbers to the right.
    def aligned(line):
        return [cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))]
    rule = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "".join(f"| {' | '.join(line)} |\n"
                   for line in [aligned(head), rule, *(aligned(line) for line in body)])


def circumstances(setting, source, contestants):
    """What a reader must know to compare: [(name, value)]."""
    same = setting.server_cores == setting.client_cores
    return [
        ("date", datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("commit", commit_of(source)),
        ("machine", f"{cpu_model()}, {os.cpu_count()} cores, Linux {platform.release()}"),
        ("TCP", congestion_control()),
        ("load average", "%.1f %.1f %.1f" % os.getloadavg()),
        ("method", f"{setting.rounds} rounds of {setting.seconds:g} s, interleaved; server and "
                   f"client on {'the same core' if same else 'a core each'}; "
                   f"{'binary' if setting.binary else 'text'} messages"),
        *((f"contestant {label}", make().description) for label, make in contestants),
    ]


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def congestion_control():
    # It is part of what a message costs: bbr, for one, paces.
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def commit_of(source):
    def git(*arguments):
        return subprocess.run(["git", "-C", source, *arguments], capture_output=True,
                              text=True).stdout.strip()
    commit = git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    # The results themselves do not make the sources another version.
    changed = git("status", "--porcelain", "--", ".", ":!bench/RESULTS.md", ":!bench/plots")
    return commit + (" with local changes" if changed else "")


def write_results(path, text, facts, plots):
    facts = "".join(f"- {name}: {value}\n" for name, value in facts)
    pictures = "".join(f"\n![{title}](plots/{name}.svg)\n" for name, title in plots)
    path.write_text(f"# Results\n\n{NOTE}\n{facts}\n{text}{pictures}")


def write_raw(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
