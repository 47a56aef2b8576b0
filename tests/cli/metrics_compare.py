#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Whether a page of metrics says what `status -j` and `list -j` say: PAGE STATUS LIST

The page is read by the letter of Prometheus' exposition format, so that a slip of it is an error.
"""
import json
import re
import sys

LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:' + LABEL.pattern + r',?)*)\})? (\S+)')
FATES = {
    "dropped": ("", "drop", "rules"), "passed_rules": ("", "pass", "rules"),
    "passed_not_ordinary": ("", "pass", "not ordinary"), "passed_conntrack": ("", "pass", "conntrack"),
    "passed_route": ("", "pass", "route"), "passed_stale": ("", "pass", "stale"),
    "passed_under_way": ("", "pass", "under way"),
    "hook_dropped": ("hook_", "drop", "rules"), "hook_passed": ("hook_", "pass", "rules"),
    "hook_stale": ("hook_", "pass", "stale"),
}


def fail(text):
    print(text)
    sys.exit(1)


def parse(path):
    """{(name, sorted labels): value}; families must be whole, typed, and no sample said twice."""
    samples, seen, family = {}, set(), None
    for line in open(path, encoding="utf-8").read().splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            if family in seen:
                fail(f"twice: {line}")
            seen.add(family)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            if name != family or (kind == "counter") != name.endswith("_total"):
                fail(f"not the type of {family}: {line}")
        else:
            match = SAMPLE.fullmatch(line)
            if not match or match[1] != family:
                fail(f"no sample of {family}: {line}")
            labels = tuple(sorted(LABEL.findall(match[2] or "")))
            if (family, labels) in samples:
                fail(f"twice: {line}")
            samples[family, labels] = float(match[match.lastindex])
    return samples


def main():
    page, status, listed = sys.argv[1:4]
    samples = parse(page)
    compared = 0

    def expect(name, value, **labels):
        nonlocal compared
        has = samples.get((name, tuple(sorted(labels.items()))))
        if has != value:
            fail(f"{name} {labels}: {has}, not {value}")
        compared += 1

    devices = json.load(open(status, encoding="utf-8"))["devices"]
    for device in devices:
        of = {"device": device["device"]}
        expect("sluice_attached", device["attached"], mode=device["mode"], **of)
        expect("sluice_fresh", device["fresh"], **of)
        expect("sluice_kept", device["keeper"] > 0, **of)
        expect("sluice_generations_total", device["generation"], **of)
        expect("sluice_rules", device["rules"], **of)
        expect("sluice_compile_seconds", device["read_ms"] / 1000, phase="read", **of)
        expect("sluice_compile_seconds", device["made_ms"] / 1000, phase="make", **of)
        for fate, (where, verdict, reason) in FATES.items():
            for unit in ("packets", "bytes"):
                expect(f"sluice_{where}{unit}_total", device["fates"][fate][unit], verdict=verdict,
                       reason=reason, **of)
    rules = json.load(open(listed, encoding="utf-8"))
    early = [(rule, str(rule["handle"])) for rule in rules["rules"] if "packets" in rule]
    early += [(policy, "policy") for policy in rules["policies"]]
    for rule, handle in early:
        if not rule["early_packets"]:  # perhaps one that sluice does not count
            continue
        where = {key: rule[key] for key in ("family", "table", "chain")}
        for unit in ("packets", "bytes"):
            expect(f"sluice_rule_{unit}_total", rule[f"early_{unit}"], handle=handle,
                   device=devices[0]["device"], **where)
    told = sum(value > 0 for (name, _), value in samples.items() if name == "sluice_rule_packets_total")
    if told != sum(rule["early_packets"] > 0 for rule, _ in early):
        fail(f"{told} rules have counted something, not as many as in the list")
    print(f"{compared} numbers agree")


if __name__ == "__main__":
    main()
