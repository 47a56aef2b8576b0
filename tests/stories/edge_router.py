# SPDX-License-Identifier: GPL-2.0-only
"""An edge router with a source filter for each of 2,000 customers, at two interfaces, which is loaded
as a whole again and again while packets come: what a customer may send gets out, nothing else does,
and what the router itself answers (time exceeded, too big) is the same to the byte.

    customers ── c0 ┐
                    ├ router ── up0 ── world
    customers ── c1 ┘     MTU 1400
"""
import collections
import itertools
import json
import re
import select
import socket
import tempfile
import time

import packets
from edge_traffic import CUSTOMERS, PER_LINK, Traffic, link_of, prefix
from places import Places, run
from story import Seen, Worker, attach, open_packets

LINKS = {"c0": "customers", "c1": "customers", "up0": "world"}
UPLINK_MTU = 1400
BATCH = 32  # less than any queue on the way holds
BATCHES = 60  # a round
PATIENCE_S = 10
RELOAD_S = 10  # in the long form
TAG = re.compile(rb"#(\d{8})")


def link_prefix(link, version):
    """What holds the prefixes of all of its customers."""
    return prefix(int(link[1]) * PER_LINK, version).supernet(new_prefix={4: 18, 6: 46}[version])


def rules():
    """One rule a customer and family, and behind them all that is not a customer's."""
    filters = "\n".join(f'\t\tiifname "{link_of(customer)}" {family} saddr {prefix(customer, version)} accept'
                        for version, family in ((4, "ip"), (6, "ip6")) for customer in range(CUSTOMERS))
    return f"""table inet edge
delete table inet edge
table inet edge {{
	chain sources {{
{filters}
		counter drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
		iifname {{ "c0", "c1" }} jump sources
		iifname "up0" ip saddr 100.64.0.0/10 drop
		iifname "up0" oifname {{ "c0", "c1" }} accept
	}}
}}
"""


class Edge(Places):
    """The router, and devices around it where all is written and read as bytes."""

    def __init__(self, build):
        super().__init__(build, "router", "customers", "world")

    def set_up(self):
        super().set_up()
        self.set("router", "ipv4.ip_forward=1", "ipv6.conf.all.forwarding=1", "ipv4.icmp_ratemask=0",
                 "ipv6.icmp.ratemask=2", "ipv4.conf.all.rp_filter=0", "ipv4.conf.default.rp_filter=0")
        for role in ("customers", "world"):
            self.set(role, "ipv6.conf.default.disable_ipv6=1")
        self.sockets = {}
        for number, (link, role) in enumerate(LINKS.items()):
            self.add_link(number, link, role)
        for link in ("c0", "c1"):
            for version in (4, 6):
                self.add_route(link, version, str(link_prefix(link, version)))
        for version in (4, 6):
            self.add_route("up0", version, "default")

    def set(self, role, *settings):
        self.run_in(role, "sysctl", "-qw", *(f"net.{setting}" for setting in settings))

    def gateway(self, link, version):
        number = list(LINKS).index(link)
        return {4: f"10.{number}.0.2", 6: f"fd0{number}::2"}[version]

    def add_link(self, number, link, role):
        run("ip", "link", "add", link, "netns", self.names["router"], "address", f"02:00:00:00:00:0{number}",
            "type", "veth", "peer", "name", link, "netns", self.names[role])
        self.ip(role, "link", "set", link, "up")
        self.ip("router", "addr", "add", f"10.{number}.0.1/24", "dev", link)
        self.ip("router", "addr", "add", f"fd0{number}::1/64", "dev", link, "nodad")
        if link == "up0":
            self.ip("router", "link", "set", link, "mtu", str(UPLINK_MTU))
        self.ip("router", "link", "set", link, "up")
        for version in (4, 6):
            self.ip("router", "neigh", "replace", self.gateway(link, version), "lladdr",
                    "02:00:00:00:01:00", "dev", link, "nud", "permanent")
        self.sockets[link] = open_packets(self, role, link)

    def add_route(self, link, version, destination):
        self.ip("router", f"-{version}", "route", "add", destination, "via", self.gateway(link, version),
                "dev", link)

    def send(self, link, packet):
        mac = packets.mac(f"02:00:00:00:00:0{list(LINKS).index(link)}")
        self.sockets[link].send(packets.ethernet(mac, packet))

    def tear_down(self):
        for each in getattr(self, "sockets", {}).values():
            each.close()
        super().tear_down()


class Watch:
    """What comes out of the router: `got` in the words of `wanted`, `bytes` as it is."""

    def __init__(self, edge):
        self.edge, self.got, self.bytes = edge, set(), collections.Counter()
        self.wanted, self.forbidden = set(), set()

    def look(self, seconds=0):
        """Takes what is there, waiting for the first so long; returns whether there was any."""
        ready = select.select(self.edge.sockets.values(), [], [], seconds)[0]
        for link, each in self.edge.sockets.items():
            if each in ready:
                self.take(link, each)
        return bool(ready)

    def take(self, link, packet_socket):
        try:
            while True:
                frame, about = packet_socket.recvfrom(2048, socket.MSG_DONTWAIT)
                if about[2] != socket.PACKET_OUTGOING:
                    self.note(link, frame[14:])
        except BlockingIOError:
            pass

    def note(self, link, packet):
        tag = TAG.search(packet)
        if tag:  # not the router's own neighbour discovery and the like
            answer, packet = read_answer(packet)
            self.got.add(f"{int(tag[1])} at {link}: {answer}")
            self.bytes[link, packet] += 1

    def wait(self):
        """Until all that is wanted has come; returns whether it did."""
        until = time.monotonic() + PATIENCE_S
        while not self.wanted <= self.got and time.monotonic() < until:
            self.look(0.1)
        return self.wanted <= self.got


def read_answer(packet):
    """("answer TYPE/CODE" or "itself", the packet without what the router counts up by itself)."""
    version = packet[0] >> 4
    protocol, size = (packet[9], 20) if version == 4 else (packet[6], 40)
    if protocol not in (packets.ICMP, packets.ICMP6):
        return "itself", packet
    if version == 4:  # identity and checksum
        packet = packet[:4] + bytes(2) + packet[6:10] + bytes(2) + packet[12:]
    return f"answer {packet[size]}/{packet[size + 1]}", packet


def play_round(edge, traffic, watch):
    """Sends and listens in turn; returns whether all came that was wanted."""
    for _ in range(BATCHES):
        for sent in itertools.islice(traffic, BATCH):
            for packet in sent.packets:
                edge.send(sent.link, packet)
            watch.wanted |= sent.wanted
            if not any(each.endswith("itself") for each in sent.wanted):
                watch.forbidden |= {f"{sent.number} at {link}: itself" for link in LINKS}
        if not watch.wait():
            return False
    return True


def live(edge, reloads, pause):
    """The rules are loaded anew in each round but the first, while packets come. Ends when one of
    these is missing."""
    traffic, watch = iter(Traffic()), Watch(edge)
    with tempfile.NamedTemporaryFile("w", suffix=".nft") as file:
        file.write(rules())
        file.flush()
        well = play_round(edge, traffic, watch)
        while well and reloads:
            with Worker(lambda _: edge.run_in("router", "nft", "-f", file.name)):
                well = play_round(edge, traffic, watch)
            time.sleep(pause)
            reloads -= 1
    while watch.look(0.3):
        pass
    return watch


def early_drops(edge):
    return sum(each["dropped_early"] for each in
               json.loads(edge.sluice_in("router", "status", "--json"))["devices"])


def play(build, with_sluice, long):
    seen, early = Seen(), 0
    with Edge(build) as edge:
        edge.run_in("router", "nft", "-f", "-", text=rules())
        if with_sluice:
            attach(edge, "router", *LINKS)
        watch = live(edge, *((30, RELOAD_S) if long else (3, 0)))
        if with_sluice:
            early = early_drops(edge)
    seen.all("what may leave leaves, and who is owed an answer gets it", watch.wanted, watch.got)
    seen.none("packet gets through that must not", watch.got & watch.forbidden)
    seen.clients["packets"] = watch.bytes
    if with_sluice:
        seen.promise("what must not get through is dropped early", early > 0)
    seen.figures["packets"] = f"{sum(watch.bytes.values())} came out, {early} were dropped early"
    return seen
