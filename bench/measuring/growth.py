"""How the cost grows: with the connections, and with the size of the messages."""
import statistics
from dataclasses import dataclass

from . import measure
from .plots import write_plot
from .rows import Needs, Row

CONNECTIONS = [10, 100, 1000, 10_000, 50_000]
SIZES = [1, 16, 256, 4 << 10, 64 << 10, 1 << 20, 16 << 20]
PER_CHILD = 12_000  # connections; ours gets more children beyond that
PLOTS = [
    ("cpu-per-message", "CPU per message, 20 B echo"),
    ("memory-per-connection", "Memory per idle connection, user space"),
    ("throughput", "Throughput of an echo on 16 connections"),
]


@dataclass(frozen=True)
class Point:
    plot: str
    x: int
    row: Row
    figure_of: object  # a function from a round's figures to y


def points_of_plots():
    """All that is measured for the plots."""
    points = []
    for count in CONNECTIONS:
        needs = Needs(children=-(-count // PER_CHILD))
        points.append(Point("cpu-per-message", count,
                            Row(f"echo-20x{count}", "echo", count, 20, needs=needs),
                            lambda figures: figures["cpu_us"]))
        if count < 100:
            continue  # a page more or less would be all that is seen
        points.append(Point("memory-per-connection", count,
                            Row(f"idle-{count}", "idle", count, needs=needs),
                            lambda figures: figures["bytes_per_connection"]))
    for size in SIZES:
        points.append(Point("throughput", size, Row(f"echo-{size}x16", "echo", 16, size),
                            lambda figures, size=size: figures["messages_per_second"] * size / 1e6))
    return points


def grow(plots, contestants, setting, directory):
    """Measures `plots`, and writes them to `directory`. Returns {plot: {label: [(x, y)]}}."""
    points = {name: {label: [] for label, _ in contestants} for name, _ in PLOTS}
    for point in plots:
        setting.steps.begin_part()
        collect(points[point.plot], point, contestants, setting)
    labels = {"cpu-per-message": ("connections", "CPU µs per message"),
              "memory-per-connection": ("connections", "bytes"),
              "throughput": ("size of a message", "MB/s")}
    for name, title in PLOTS:
        write_plot(directory / f"{name}.svg", title, *labels[name], points[name],
                   bytes_on_x=name == "throughput")
    return points


def collect(lines, point, contestants, setting):
    results, _ = measure.run_row(point.row, contestants, setting)
    for label, rounds in results.items():
        y = statistics.median(point.figure_of(figures) for figures in rounds)
        if y > 0:  # memory may not have grown at all
            lines[label].append((point.x, y))
