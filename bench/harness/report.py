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


def summarise(row, results):
    """One dict per contestant. The first is the reference: ratio = its CPU per message ÷ this
    one's, so 1 is as good as the reference and less is worse."""
    reference = next(iter(results.values()))
    lines = []
    for label, rounds in results.items():
        line = {"row": row.name, "kind": row.kind, "contestant": label}
        names = [name for name in rounds[0] if name != "errors"]
        for name in names:
            line[name] = spread_of([figures[name] for figures in rounds])
        if "cpu_us" in rounds[0]:
            pairs = list(zip(reference, rounds))
            line["ratio"] = spread_of([one["cpu_us"] / other["cpu_us"] for one, other in pairs])
            line["inverse"] = spread_of([other["cpu_us"] / one["cpu_us"] for one, other in pairs])
        lines.append(line)
    return lines


def spread_of(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def tables(lines):
    """Markdown; the ratios first."""
    cpu = [line for line in lines if "ratio" in line]
    idle = [line for line in lines if line["kind"] == "idle"]
    parts = []
    if cpu:
        parts.append(table(
            ["row", "contestant", "ratio", "min–max", "× the CPU", "CPU µs per message", "min–max",
             "messages/s", "p50 µs", "p99 µs"],
            [[line["row"], line["contestant"], number(line["ratio"]["median"]), range_of(line["ratio"]),
              number(line["inverse"]["median"]), number(line["cpu_us"]["median"]),
              range_of(line["cpu_us"]), f"{line['messages_per_second']['median']:,.0f}",
              f"{line['p50_us']['median']:,.0f}", f"{line['p99_us']['median']:,.0f}"]
             for line in cpu]))
    if idle:
        parts.append(table(
            ["row", "contestant", "bytes per connection", "min–max", "RSS before, MiB",
             "RSS after, MiB"],
            [[line["row"], line["contestant"], f"{line['bytes_per_connection']['median']:,.0f}",
              f"{line['bytes_per_connection']['min']:,.0f}–{line['bytes_per_connection']['max']:,.0f}",
              f"{line['rss_before']['median'] / 2**20:.1f}",
              f"{line['rss_after']['median'] / 2**20:.1f}"] for line in idle]))
    return "\n".join(parts)


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


def circumstances(setting, source, descriptions):
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
                   f"{setting.message_type} messages"),
        *((f"contestant {label}", description) for label, description in descriptions.items()),
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
    changed = git("status", "--porcelain", "--", ".", ":!bench/RESULTS.md")
    return commit + (" with local changes" if changed else "")


def write_results(path, lines, facts):
    facts = "".join(f"- {name}: {value}\n" for name, value in facts)
    path.write_text(f"# Results\n\n{NOTE}\n{facts}\n{tables(lines)}")


def write_raw(path, lines, facts, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"circumstances": dict(facts), "summary": lines, "rounds": results},
                               indent=1) + "\n")
