#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draws docs/cost.svg from a result of bench/cost: bench/cost_chart.py bench/results/NAME.json"""
import json
import math
import pathlib
import sys
from xml.sax.saxutils import escape

from places import ROOT

WIDTH, HEIGHT = 860, 446
LEFT, RIGHT, TOP, BOTTOM = 60, 640, 56, 350
COLORS = {"sluice": "#1a7f5a", "nft": "#c2704a", "iptables-legacy": "#7b5ea7",
          "iptables-legacy with ipset": "#7b5ea7", "bpfilter": "#2f6fb3"}
GREY = "#9aa5b1"
# Measured once, and drawn across: which packets they say something about.
REFERENCES = {"bare XDP_DROP": "dropped", "no rules": "accepted"}
# Class, how its line is drawn, what the legend says of it.
CLASSES = (("dropped", "", "dropped by a rule"), ("accepted", "6 4", "accepted by a rule"))


def chosen(cells):
    """The first flavour and family of which there are rules to draw, by their number."""
    about = [(cell["flavour"], cell["family"]) for cell in cells if cell["rules"]][0]
    return [cell for cell in cells if cell["rules"] and (cell["flavour"], cell["family"]) == about]


def points(cells, contestant, kind):
    for cell in cells:
        row = cell["contestants"].get(contestant, {}).get("mpps", {}).get(kind)
        if row and row["mpps"] > 0:
            yield cell["rules"], row["mpps"]


class Axes:
    """Both logarithmic, in whole decades."""

    def __init__(self, cells, values):
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.last = max(1, math.ceil(math.log10(max(cell["rules"] for cell in cells))))

    def x(self, rules):
        return LEFT + (RIGHT - LEFT) * math.log10(rules) / self.last

    def y(self, mpps):
        share = (math.log10(mpps) - self.low) / max(1, self.high - self.low)
        return BOTTOM - (BOTTOM - TOP) * share

    def draw(self):
        for decade in range(self.low, self.high + 1):
            y = self.y(10 ** decade)
            yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" stroke="#e4e7eb"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** decade:g}</text>'
        for decade in range(self.last + 1):
            x = self.x(10 ** decade)
            yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{BOTTOM}" stroke="#e4e7eb"/>'
            yield f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{10 ** decade:,}</text>'
        yield (f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 36}" text-anchor="middle">rules</text>')


def curve(axes, cells, contestant, kind, dashes):
    color = COLORS[contestant]
    spots = [(axes.x(rules), axes.y(mpps)) for rules, mpps in points(cells, contestant, kind)]
    if spots:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        yield (f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
               f'stroke-dasharray="{dashes}"/>')
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in spots)


def reference(axes, cells, contestant):
    kind = REFERENCES[contestant]
    dashes = next(dashes for name, dashes, _ in CLASSES if name == kind)
    for _, mpps in list(points(cells, contestant, kind))[:1]:
        y = axes.y(mpps)
        yield (f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" stroke="{GREY}" '
               f'stroke-width="2" stroke-dasharray="{dashes}"/>')
        yield f'<text x="{RIGHT + 8}" y="{y + 4:.1f}" class="note">{escape(contestant)}</text>'


def legend(names):
    y = TOP + 170  # below where references end
    for name in names:
        yield f'<rect x="{RIGHT + 20}" y="{y - 10}" width="12" height="12" fill="{COLORS[name]}"/>'
        yield f'<text x="{RIGHT + 38}" y="{y}">{escape(name)}</text>'
        y += 20
    for _, dashes, what in CLASSES:
        yield (f'<line x1="{RIGHT + 12}" y1="{y - 4}" x2="{RIGHT + 34}" y2="{y - 4}" stroke="#24292f" '
               f'stroke-width="2" stroke-dasharray="{dashes}"/>')
        yield f'<text x="{RIGHT + 38}" y="{y}">{what}</text>'
        y += 20


def draw(result, path):
    cells = chosen(result["cells"])
    names = list(dict.fromkeys(name for cell in cells for name in cell["contestants"]))
    values = [mpps for name in names for kind, *_ in CLASSES for _, mpps in points(cells, name, kind)]
    axes, about = Axes(cells, values), result["machine"]
    family = {"ip": "IPv4", "ip6": "IPv6"}[cells[0]["family"]]
    lines = list(axes.draw())
    for name in names:
        if name in REFERENCES:
            lines += reference(axes, cells, name)
            continue
        for kind, dashes, _ in CLASSES:
            lines += curve(axes, cells, name, kind, dashes)
    lines += legend([name for name in names if name in COLORS])
    notes = (about["command"],
             f"rules like ClassBench's “{cells[0]['flavour']}”, {family}; every packet has another header; "
             "medians; one core receives",
             f"{about['cores']} × {about['cpu']}, Linux {about['kernel']}, {about['date']}")
    path.write_text("\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        "<style>text{fill:#24292f}.note{fill:#57606a;font-size:11px}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        '<text x="12" y="20" font-size="15" font-weight="bold">Packets handled, million per second, '
        'the more rules there are</text>', *lines,
        *(f'<text x="12" y="{HEIGHT - 38 + 14 * row}" class="note">{escape(note)}</text>'
          for row, note in enumerate(notes)), "</svg>", ""]), encoding="utf-8")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        draw(json.load(file), pathlib.Path(ROOT / "docs/cost.svg"))


if __name__ == "__main__":
    main()
