# SPDX-License-Identifier: GPL-2.0-only
"""Rules to be measured and the packets to measure them with: what bench/cost asks about.

The rules come from a generator, which is not part of sluice: a Python file with gen(), write_rules(),
header(), frame() and Oracle, as gen_rules.py has them. Its oracle says for each header which rule
matches first; that sorts the frames into classes:

    dropped     by a rule
    late        by one of the last twentieth of the rules
    accepted    by a rule; or, where there is but one rule and that one drops, by the policy
    no match    dropped by the policy, behind all rules
"""
import argparse
import importlib.util
import io
import ipaddress
import random
import re

import packets
from places import LabError

FRAME_SIZE = 80  # as frames.h says
CLASSES = ("dropped", "late", "accepted", "no match")
FLAVOURS = ("acl", "fw", "ipc")
BLOCKLIST = "blocklist"
LATE = 0.95
DHCP, ESP_IN_UDP, ESP, AH = (67, 68, 546, 547), 4500, 50, 51


class Cell:
    """A ruleset in every firewall's words, and frames by class; all else about it in `about`."""

    def __init__(self, about, classes):
        self.about = about
        self.nft = self.iptables = self.ipset = self.bpfilter = None
        self.classes = {name: frames for name, frames in classes.items() if frames}


def load_generator(path):
    if not path.is_file():
        raise LabError(f"{path}: there is no generator of rules; name one with --generator, or "
                       f"measure --flavours {BLOCKLIST} alone")
    spec = importlib.util.spec_from_file_location("generator", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_unicast(address, width):
    """Neither martian nor multicast: what routing does not throw away before any rule."""
    if width == 128:
        return address >> 125 == 1
    return 0 < address >> 24 < 224 and address >> 24 != 127


def is_judged(header, width):
    """Not of the kinds that sluice leaves to the kernel under all rules."""
    source, destination, protocol, _, port = header
    if protocol in (ESP, AH) or (protocol == 17 and port in (*DHCP, ESP_IN_UDP)):
        return False
    return is_unicast(source, width) and is_unicast(destination, width)


class Sorter:
    """Makes headers and puts each where the oracle says, until every class is full."""

    def __init__(self, generator, rules, verdicts, width, rng):
        self.generator, self.rules, self.verdicts = generator, rules, verdicts
        self.width, self.rng = width, rng
        self.oracle = generator.Oracle(rules, width)
        self.late = int(LATE * len(rules)) if len(rules) > 1 else 1
        drops = [i for i, verdict in enumerate(verdicts) if verdict == "DROP"]
        self.aims = {"dropped": drops, "late": [i for i in drops if i >= self.late],
                     "accepted": [i for i, verdict in enumerate(verdicts) if verdict != "DROP"]}

    def make(self, name):
        if self.aims.get(name):
            return self.generator.header(self.rng, self.width,
                                         self.rules[self.rng.choice(self.aims[name])])
        return self.make_stray()

    def make_stray(self):
        """Parts of two rules, or nothing of any."""
        if len(self.rules) > 1 and self.rng.random() < 0.8:
            first, second = self.rng.choice(self.rules), self.rng.choice(self.rules)
            return self.generator.header(self.rng, self.width, first, second)
        ports = (1024, 65535)
        any_source = ((1 << 125), 3) if self.width == 128 else (0, 0)
        return self.generator.header(self.rng, self.width,
                                     (any_source, any_source, self.rng.choice((6, 17)), ports, ports))

    def classes_of(self, header):
        rule = self.oracle(header)
        if rule < 0:
            return ("accepted",) if len(self.rules) == 1 else ("no match",)
        if self.verdicts[rule] != "DROP":
            return ("accepted",)
        return ("dropped", "late") if rule >= self.late else ("dropped",)

    def fill(self, count):
        """Up to `count` frames of each class, different from each other."""
        found = {name: {} for name in CLASSES}
        for name in CLASSES:
            for _ in range(4 * count):
                if len(found[name]) >= count:
                    break
                header = self.make(name)
                if is_judged(header, self.width):
                    for each in self.classes_of(header):
                        if len(found[each]) < count:
                            found[each][header] = self.frame(header)
        return {name: list(frames.values()) for name, frames in found.items()}

    def frame(self, header):
        flags = self.rng.choice(("S", "A", "PA")) if header[2] == 6 else "-"
        return pad(self.generator.frame(header, flags, self.width))


def pad(frame):
    return frame.ljust(FRAME_SIZE, b"\0")


def hook_of(family):
    """IPv6 asks for each packet whether its destination is one of the host's addresses, of which
    no host has as many as there are in these rules; IPv4 need not, unless it forwards."""
    return "input" if family == "ip" else "prerouting"


def make_cell(generator, flavour, family, count, headers):
    if flavour == BLOCKLIST:
        return make_blocklist(family, count, headers)
    options = argparse.Namespace(
        flavour=flavour, rules=count, seed=1, v6=family == "ip6", chains=0, chain="INPUT",
        policy="DROP" if count != 1 else "ACCEPT", ct=False, counters=False, comments=False)
    rng = random.Random(f"{flavour}/{count}/{family}")
    rules, verdicts, chains, width = generator.gen(options, rng)
    if count == 1:
        verdicts = ["DROP"]
    classes = Sorter(generator, rules, verdicts, width, rng).fill(headers)
    cell = Cell({"flavour": flavour, "family": family, "rules": len(rules),
                 "hook": hook_of(family), "policy": options.policy.lower()}, classes)

    def write(form):
        text = io.StringIO()
        generator.write_rules(argparse.Namespace(**vars(options), format=form), rules, verdicts,
                              chains, width, text)
        return text.getvalue()

    cell.nft, cell.iptables = write("nft"), write("iptables")
    if cell.about["hook"] == "prerouting":
        cell.nft = cell.nft.replace("hook input", "hook prerouting")
        cell.iptables = move_to_raw(cell.iptables, options.policy)
    cell.bpfilter = write_bpfilter(rules, verdicts, width, options.policy)
    return cell


def move_to_raw(text, policy):
    body = re.sub(r"^:.*\n", "", text, flags=re.MULTILINE).replace("-A INPUT", "-A PREROUTING")
    return body.replace("*filter\n", f"*raw\n:PREROUTING {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n")


def write_bpfilter(rules, verdicts, width, policy):
    """As of facebook/bpfilter 0.6; {ifindex} is filled in where it is loaded."""
    family = "ip4" if width == 32 else "ip6"
    address = ipaddress.IPv4Address if width == 32 else ipaddress.IPv6Address
    lines = [f"chain bench BF_HOOK_XDP{{{{ifindex={{ifindex}}}}}} {policy}"]
    for (source, destination, protocol, *ports), verdict in zip(rules, verdicts):
        lines.append("rule")
        for name, (value, length) in (("snet", source), ("dnet", destination)):
            if length:
                lines.append(f"{family}.{name} eq {address(value)}/{length}")
        if protocol:
            lines.append(f"meta.l4_proto eq {protocol}")
        for name, (low, high) in zip(("sport", "dport"), ports):
            if (low, high) != (0, 65535):
                lines.append(f"meta.{name} eq {low}" if low == high
                             else f"meta.{name} range {low}-{high}")
        lines.append(verdict)
    return "\n".join(lines) + "\n"


def make_blocklist(family, count, headers):
    """One rule and a set: four of five elements are hosts, the fifth is a network."""
    rng = random.Random(f"{BLOCKLIST}/{family}/{count}")
    width, subnet = (32, 24) if family == "ip" else (128, 64)
    address = ipaddress.IPv4Address if family == "ip" else ipaddress.IPv6Address
    elements, taken = [], set()
    while len(elements) < count:
        network = random_network(rng, width, subnet)
        if network in taken:
            continue
        taken.add(network)
        host = rng.random() < 0.8
        elements.append((network | rng.getrandbits(width - subnet), width) if host
                        else (network, subnet))
    destination = int(ipaddress.ip_address("10.9.0.2" if family == "ip" else "2001:db8::2"))
    frames = {"dropped": [], "accepted": []}
    for _ in range(headers):
        value, length = rng.choice(elements)
        frames["dropped"].append(build_udp(value | rng.getrandbits(width - length) if length < width
                                           else value, destination, width, rng))
        network = random_network(rng, width, subnet)
        while network in taken:
            network = random_network(rng, width, subnet)
        frames["accepted"].append(build_udp(network | rng.getrandbits(width - subnet), destination,
                                            width, rng))
    cell = Cell({"flavour": BLOCKLIST, "family": family, "rules": count, "hook": hook_of(family),
                 "policy": "accept"}, frames)
    texts = [f"{address(value)}/{length}" for value, length in elements]
    write_blocklist(cell, family, texts)
    return cell


def random_network(rng, width, length):
    while True:
        value = rng.getrandbits(length) << width - length
        if width == 128:
            value = value & (1 << 125) - 1 | 1 << 125
        if is_unicast(value, width) and value >> 24 != 10:
            return value


def write_blocklist(cell, family, elements):
    nft_type, ipset_family = {"ip": ("ipv4_addr", "inet"), "ip6": ("ipv6_addr", "inet6")}[family]
    hook = cell.about["hook"]
    cell.nft = f"""table {family} gen {{
	set blocked {{ type {nft_type}; flags interval; elements = {{ {", ".join(elements)} }}; }}
	chain input {{
		type filter hook {hook} priority 0; policy accept;
		{family} saddr @blocked drop
	}}
}}
"""
    cell.ipset = "".join([f"create blocked hash:net family {ipset_family} hashsize 1024 "
                          f"maxelem {max(65536, 2 * len(elements))}\n",
                          *(f"add blocked {element}\n" for element in elements)])
    table, chain = ("filter", "INPUT") if hook == "input" else ("raw", "PREROUTING")
    cell.iptables = (f"*{table}\n-A {chain} -m set --match-set blocked src -j DROP\nCOMMIT\n")


def build_udp(source, destination, width, rng):
    """From a random port to 9, discard; nobody looks at its checksum."""
    segment = packets.udp(rng.randint(1024, 65535), 9, bytes(18))
    return pad(packets.ethernet(bytes(6), packets.ip(source, destination, packets.UDP, segment)))
