"""Line plots as SVG: both axes logarithmic, one line per contestant. Without a library, because a
picture of points, lines and words needs none."""
import math

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 76, 110, 44, 52
COLOURS = ["#777777", "#c8102e", "#1f6fb4", "#2e8b57", "#b8860b", "#7b4fa3", "#008b8b", "#d2691e"]
STYLE = ("text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}"
         "line.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}")


def write_plot(path, title, x_label, y_label, series, bytes_on_x=False):
    """`series`: {contestant: [(x, y)]}, all positive."""
    points = [point for line in series.values() for point in line]
    if not points:
        return
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    upward = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             f'role="img" aria-label="{title}">', f"<style>{STYLE}</style>",
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             text(LEFT, 24, title, "start", "title"),
             text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle"),
             f'<g transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">'
             f'{text(0, 0, y_label, "middle")}</g>']
    for value in sorted({x for x, _ in points}) if bytes_on_x else across.decades():
        parts.append(rule(across.at(value), TOP, across.at(value), HEIGHT - BOTTOM))
        label = size_text(value) if bytes_on_x else number_text(value)
        parts.append(text(across.at(value), HEIGHT - BOTTOM + 18, label, "middle"))
    for value in upward.ticks():
        parts.append(rule(LEFT, upward.at(value), WIDTH - RIGHT, upward.at(value)))
        parts.append(text(LEFT - 8, upward.at(value) + 4, number_text(value), "end"))
    ends = spread_out({name: upward.at(line[-1][1]) for name, line in series.items() if line})
    for colour, (name, line) in zip(COLOURS, series.items()):
        if not line:
            continue
        path_points = " ".join(f"{across.at(x):.1f},{upward.at(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path_points}" stroke="{colour}"/>')
        parts += [f'<circle cx="{across.at(x):.1f}" cy="{upward.at(y):.1f}" r="3" '
                  f'fill="{colour}"><title>{name}: {number_text(x)}, {number_text(y)}</title>'
                  '</circle>' for x, y in line]
        parts.append(f'<text x="{across.at(line[-1][0]) + 8:.1f}" y="{ends[name] + 4:.1f}" '
                     f'style="fill:{colour}">{name}</text>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


class Axis:
    def __init__(self, values, start, stop):
        low, high = math.log10(min(values)), math.log10(max(values))
        margin = max(0.05, (high - low) * 0.04)
        self._low, self._high = low - margin, high + margin
        self._start, self._stop = start, stop

    def at(self, value):
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._stop - self._start)

    def decades(self):
        return [10.0 ** n for n in range(math.ceil(self._low), math.floor(self._high) + 1)]

    def ticks(self):
        """Decades; 1, 2, 5 where these are few."""
        if self._high - self._low > 3:
            return self.decades()
        candidates = [step * 10.0 ** n for n in range(math.floor(self._low), math.ceil(self._high))
                      for step in (1, 2, 5)]
        return [value for value in candidates if self._low <= math.log10(value) <= self._high]


def spread_out(heights, distance=14):
    """Moves labels that would cover each other down."""
    placed, last = {}, -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        last = max(height, last + distance)
        placed[name] = last
    return placed


def text(x, y, words, anchor, style=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
            f'{f" class={chr(34)}{style}{chr(34)}" if style else ""}>{words}</text>')


def rule(x1, y1, x2, y2):
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def number_text(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size_text(value):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:.0f} B"
