# SPDX-License-Identifier: GPL-2.0-only
"""The result of bench/cost as text."""
import traffic
from lab import machine_lines

FAMILIES = {"ip": "IPv4", "ip6": "IPv6"}
NOTES = """\
Each packet has another header than the one before. “late” is dropped by one of the last twentieth of
the rules, “no match” by the policy behind all of them; where there is one rule, the policy accepts.
IPv4 is judged at input, IPv6 at prerouting (bench/traffic.py says why).
"""
NS_NOTES = """\
Over an empty program, median; “dearest” is the one header that costs most when it comes again and
again. 0 rules: parsing, the policy, the comparison with the kernel's state, the count.
"""


def title(about):
    return f"{about['flavour']}, {FAMILIES[about['family']]}, {about['rules']:,} rules"


def one_line(fact):
    """While it runs."""
    if "refused" in fact:
        return f"refused: {fact['refused']}"
    parts = [f"{name} {row['mpps']:.3f} Mpps" for name, row in fact.get("mpps", {}).items()]
    parts += [f"{name} {row['ns']:.0f} ns" for name, row in fact.get("ns", {}).items()]
    if "attach_s" in fact:
        parts.append(f"attached in {fact['attach_s']:.2f} s")
    return ", ".join(parts)


def groups(result):
    """Cells of one flavour and family, which differ in their number of rules."""
    found = {}
    for cell in result["cells"]:
        found.setdefault((cell["family"], cell["flavour"]), []).append(cell)
    return found


def line(label, fields):
    return f"  {label:28}" + "".join(f"{field:>14}" for field in fields)


def ns_lines(cells):
    yield line("ns a packet", [*traffic.CLASSES, "dearest", "early"])
    for cell in cells:
        rows = cell["contestants"]["sluice"].get("ns")
        if not rows:
            continue
        dropping = [row for name, row in rows.items() if name != "accepted"]
        early = sum(row["dropped"] for row in dropping) / max(1, sum(row["frames"] for row in dropping))
        yield line(f"{cell['rules']:,} rules",
                   [*(f"{rows[name]['ns']:.0f}" if name in rows else "" for name in traffic.CLASSES),
                    max(row["dearest_ns"] for row in rows.values()), f"{early:.0%}"])


def mpps_field(cell, contestant, name):
    fact = cell["contestants"].get(contestant, {})
    if "refused" in fact:
        return "refused"
    row = fact.get("mpps", {}).get(name)
    if not row:
        return ""
    mark = "*" if row.get("early_share", 1) < 0.95 else ""
    return f"{row['mpps']:.4f}"[:6] + mark


def mpps_lines(cells):
    """A table for each class of packets: contestants down, rules across."""
    names = list(dict.fromkeys(name for cell in cells for name in cell["contestants"]))
    for kind in traffic.CLASSES:
        rows = [(name, [mpps_field(cell, name, kind) for cell in cells]) for name in names]
        rows = [(name, fields) for name, fields in rows if any(fields)]
        if rows:
            yield line(f"Mpps, {kind}", [f"{cell['rules']:,} rules" for cell in cells])
            yield from (line(name, fields) for name, fields in rows)


def build_lines(cells):
    yield line("sluice loads", ["plan says", "maps", "insns", "early", "attach in", "nft -f in"])
    for cell in cells:
        fact = cell["contestants"]["sluice"]
        if "attach_s" not in fact:
            continue
        size, rules = fact["plan"]["size"], fact["plan"]["rules"]
        yield line(f"{cell['rules']:,} rules",
                   [f"{size['bytes'] / 1e3:,.0f} kB", size["maps"], size["instructions"],
                    f"{rules['early']:,}", f"{fact['attach_s']:.3f} s", f"{fact['load_s']:.3f} s"])


def refusals(cells):
    for cell in cells:
        for name, fact in cell["contestants"].items():
            for key in ("refused", "ns_refused"):
                if key in fact:
                    yield f"  {name}, {cell['rules']:,} rules: {fact[key]}"
            shares = [row["early_share"] for row in fact.get("mpps", {}).values()
                      if row.get("early_share", 1) < 0.95]
            if shares:
                yield f"  * {name}, {cell['rules']:,} rules: only {min(shares):.0%} dropped early"


def text(result):
    lines = [*machine_lines(result["machine"]), "", NOTES + NS_NOTES.rstrip()]
    for (family, flavour), cells in groups(result).items():
        lines += ["", f"{flavour}, {FAMILIES[family]}"]
        for part in (ns_lines, mpps_lines, build_lines):
            rows = list(part(cells))
            lines += rows if len(rows) > 1 else []
        lines += refusals(cells)
    return "\n".join(lines) + "\n"
