#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo: one server, one flood, the same rules; first the kernel alone, then with sluice.

On a terminal the chart is live; elsewhere each half second is a line.
"""
import argparse
import os
import re
import shutil
import signal
import sys
import time

import rules
from lab import STRANGERS, Lab
from places import LabError

TICK = 0.5
ASK_RATE = 5000
BARS = " ▁▂▃▄▅▆▇█"
ALONE, SLUICE = "the kernel's rules alone", "the same rules, with sluice"
DIM, BOLD, RED, GREEN, PLAIN = "\033[2m", "\033[1m", "\033[31m", "\033[32m", "\033[0m"


class Chart:
    """Two columns side by side, one tick after the other: answers on top, attack below."""

    def __init__(self, title, mpps, ticks, live):
        self.title, self.mpps, self.live = title, mpps, live
        self.width = max(ticks, len(SLUICE) - 6)
        self.samples = {ALONE: [], SLUICE: []}
        self.sent = {}
        self.drawn = 0
        if live:
            print(f"\n{BOLD}{title}{PLAIN}")
        else:
            print(f"\n{title}")

    def add(self, column, answered, attack_mpps):
        self.samples[column].append((answered, attack_mpps))
        if self.live:
            self.draw()
        else:
            print(f"{column:28} answered {answered:6.0f}/s   attack handled {attack_mpps:.3f} Mpps",
                  flush=True)

    def bars(self, column, index, top, color):
        row = [BARS[min(8, round(8 * sample[index] / top))] for sample in self.samples[column]]
        return f"{color}{''.join(row).ljust(self.width)}{PLAIN}"

    def rows(self):
        now = {name: ticks[-1] if ticks else (0, 0) for name, ticks in self.samples.items()}
        yield f"{'':22}{ALONE:{self.width + 12}}{SLUICE}"
        for label, index, top, color, text in (
                ("good requests/s", 0, ASK_RATE, GREEN, "{:9.0f}"),
                ("attack Mpps handled", 1, self.mpps, RED, "{:9.3f}")):
            yield f"{label:22}" + "".join(
                f"{self.bars(name, index, top, color)}{text.format(now[name][index])}   "
                for name in self.samples)
        yield f"{DIM}{'':22}full bar: {ASK_RATE} requests/s asked; {self.mpps} Mpps of attack{PLAIN}"

    def draw(self):
        if self.drawn:
            print(f"\033[{self.drawn}A", end="")
        rows = list(self.rows())
        print("".join(f"\033[2K{row}\n" for row in rows), end="", flush=True)
        self.drawn = len(rows)

    def summary(self, column):
        """(answers per second, attack Mpps handled, attack Mpps sent): medians without the first
        tick, in which things start."""
        ticks = self.samples[column][1:]
        middle = [sorted(tick[index] for tick in ticks)[len(ticks) // 2] for index in (0, 1)]
        return (*middle, self.sent[column])


def flood_and_ask(lab, chart, column, options):
    """One phase: a flood from strangers and from blocked senders, and a client who asks on."""
    asker = lab.start_asking(ASK_RATE, options.seconds + 0.25)
    flood = lab.start_flood(options.seconds + 1, options.mpps, STRANGERS, rules.BLOCKED)
    received, then = lab.received(), time.monotonic()
    for line in asker.stdout:
        answered = int(line.split()[1])
        received_now, now = lab.received(), time.monotonic()
        attack = max(0, received_now - received - answered) / (now - then) / 1e6
        chart.add(column, answered / TICK, attack)
        received, then = received_now, now
    flood.send_signal(signal.SIGTERM)
    output, errors = flood.communicate()
    if flood.returncode or not chart.samples[column]:
        raise LabError(f"the flood did not run: {errors.strip()}")
    sent, took = (float(word) for word in output.split())
    chart.sent[column] = sent / took / 1e6


class Frontend:
    """One way to load the server's rules, and to look at them afterwards."""

    def __init__(self, name, load, text, save):
        self.name, self.load, self.text, self.save = name, load, text, save

    def saved(self, lab):
        """The rules without what moves by itself: counters and dates."""
        text = lab.in_server(*self.save)
        return re.sub(r"^#.*\n", "", re.sub(r" ?\[\d+:\d+\]", "", text), flags=re.M)


FRONTENDS = (
    Frontend("iptables-restore", ["iptables-restore"], rules.server_iptables(), ["iptables-save"]),
    Frontend("nft -f", ["nft", "-f", "-"], rules.server_nft(), ["nft", "-s", "list", "ruleset"]),
)


def is_clean(lab):
    """Nothing of sluice is left: no attachment, no program on the device."""
    link = lab.in_server("ip", "link", "show", "dev", "vb")
    return "not attached" in lab.sluice("status", "dev", "vb") and "xdp" not in link


def show(frontend, options, live):
    """Runs one side-by-side comparison; returns its medians and whether all was left as found."""
    with Lab(options.build) as lab:
        lab.in_server(*frontend.load, text=frontend.text)
        lab.serve()
        before = frontend.saved(lab)
        count = len(re.findall(r"^-A |^\t\t(?!type).* (?:drop|accept|\w+)$", before, re.M))
        chart = Chart(f"{count} rules loaded with {frontend.name}, flood of {options.mpps} Mpps "
                      f"from 60,000 strangers and {rules.BLOCKED_NETWORKS} blocked networks",
                      options.mpps, int(options.seconds / TICK), live)
        flood_and_ask(lab, chart, ALONE, options)
        lab.sluice("attach", "dev", "vb")
        flood_and_ask(lab, chart, SLUICE, options)
        early = lab.dropped_early()
        lab.sluice("detach", "dev", "vb")
        untouched, clean = frontend.saved(lab) == before, is_clean(lab)
    save = " ".join(frontend.save)
    print(f"  sluice dropped {early:,} packets early.")
    print(f"  `{save}` before and after: {'no difference' if untouched else 'THEY DIFFER'};"
          f" {'all detached' if clean else 'SOMETHING IS STILL ATTACHED'}.")
    return chart.summary(ALONE), chart.summary(SLUICE), untouched and clean


def tell(name, alone, sluice):
    """What was seen, in words that fit what was seen."""
    share = [100 * min(1, side[0] / ASK_RATE) for side in (alone, sluice)]
    times = f", {sluice[1] / alone[1]:.0f} times as many" if alone[1] > 0 else ""
    print(f"{name}:\n"
          f"  of {ASK_RATE} good requests a second {alone[0]:.0f} ({share[0]:.0f} %) were answered by "
          f"the kernel alone, {sluice[0]:.0f} ({share[1]:.0f} %) with sluice;\n"
          f"  of the attack {alone[1]:.3f} of {alone[2]:.2f} Mpps were handled by the kernel alone, "
          f"{sluice[1]:.3f} of {sluice[2]:.2f} with sluice{times}."
          + ("" if sluice[0] > alone[0] else "\n  sluice did not help in this run."))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build directory")
    parser.add_argument("--mpps", type=float, default=0.4, help="the flood's rate")
    parser.add_argument("--seconds", type=float, default=8, help="length of each of four phases")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    live = sys.stdout.isatty() and shutil.get_terminal_size().columns >= 90
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results = [(frontend.name, *show(frontend, options, live)) for frontend in FRONTENDS]
    print("\nWhat was seen (medians of this run; all traffic stayed in two namespaces, now gone):")
    for name, alone, sluice, _ in results:
        tell(name, alone, sluice)
    if load > 1:
        print(f"The machine was busy with other work (load {load:.1f}) when this began: both sides "
              "would do better on a quiet one.")
    return 0 if all(good for *_, good in results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
