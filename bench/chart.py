#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Draws docs/speed.svg from a result of bench/run: bench/chart.py bench/results/NAME.json"""
import json
import sys
from xml.sax.saxutils import escape

from places import ROOT

LEFT, WIDTH, ROW, BAR = 250, 860, 24, 15
SHOWN = (0, 1, 2)  # the comparisons under a flood
COLORS = {"sluice": "#1a7f5a", "bare": "#9aa5b1"}
OTHER = "#c2704a"


def bars(comparison, top):
    """The lines of SVG for one comparison, and where the next may begin."""
    longest = max(row["median"] for row in comparison["rows"])
    y = top + 22
    yield f'<text x="12" y="{top + 12}" class="title">{escape(comparison["title"])}</text>'
    for row in comparison["rows"]:
        width = max(1, (WIDTH - LEFT - 90) * row["median"] / longest)
        color = COLORS.get(row["what"].split()[0], OTHER)
        yield f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(row["what"])}</text>'
        yield f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{color}"/>'
        yield f'<text x="{LEFT + width + 6:.1f}" y="{y + 12}">{row["median"]:.2f}</text>'
        y += ROW


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    lines, top = [], 40
    for index in SHOWN:
        comparison = result["comparisons"][index]
        lines += bars(comparison, top)
        top += 22 + ROW * len(comparison["rows"]) + 18
    about = result["machine"]
    note = (f"{about['command']}: {about['cores']} × {about['cpu']}, Linux {about['kernel']}, "
            f"{about['date']}; medians, one core receives")
    svg = "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 16}" '
        f'font-family="sans-serif" font-size="12">',
        "<style>text{fill:#24292f}.title{font-weight:bold}.note{fill:#57606a;font-size:11px}</style>",
        f'<rect width="{WIDTH}" height="{top + 16}" fill="#ffffff"/>',
        '<text x="12" y="20" font-size="15" font-weight="bold">Packets of an attack handled, million '
        'per second</text>',
        *lines, f'<text x="12" y="{top + 4}" class="note">{escape(note)}</text>', "</svg>", ""])
    (ROOT / "docs/speed.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
