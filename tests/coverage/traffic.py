# SPDX-License-Identifier: GPL-2.0-only
"""What a host on the open net meets, for one ruleset: mostly what it should drop, and a minority that
it should not. The same ruleset and seed give the same packets.

A ruleset says in its head what traffic would look for, a line each:

    open: tcp/22 udp/53         what the host itself serves
    blocked: 192.0.2.0/24 …     senders that its lists name; blocked6 likewise
    brute: tcp/22               a port that one sender hammers
    inside: eth1 192.168.1.1/24 2001:db8:2::1/64    a device to forward to
    targets: tcp/192.168.1.10/443 tcp6/ADDRESS/PORT  hosts behind it, and what is tried there
    forwarded: tcp/8443         ports that NAT sends on
"""
import ipaddress
import random

from frames import ACK, FIN, GRE, ICMP, ICMP6, PSH, RST, SYN, TCP, UDP, URG
from lab import HOST4, HOST6, WORLD4

PROTOCOLS = {"tcp": TCP, "udp": UDP, "tcp6": TCP, "udp6": UDP}
SCANNED = (21, 23, 25, 110, 139, 445, 1433, 3306, 3389, 5432, 5900, 6379, 8080, 9200, 27017)
REFLECTORS = (19, 53, 123, 161, 389, 1900, 11211)
BOGONS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15")
MSS = bytes((2, 4, 5, 180))
FLOOD = 6


class Mix:
    def __init__(self, wants, seed, size):
        self.wants, self.random, self.size = wants, random.Random(seed), size
        self.number = 0
        self.open = {kind: [int(port) for name, port in self.pairs("open") if name == kind]
                     for kind in ("tcp", "udp")}

    def pairs(self, key):
        return [word.split("/") for word in self.wants.get(key, ())]

    # Who sends

    def anyone(self):
        """An address of the open net."""
        while True:
            address = ipaddress.ip_address(self.random.getrandbits(32))
            if address.is_global and not address.is_multicast:
                return str(address)

    def anyone6(self):
        return str(ipaddress.ip_address(0x2A00 << 112 | self.random.getrandbits(100)))

    def one_of(self, networks):
        network = ipaddress.ip_network(self.random.choice(networks))
        return str(network[self.random.randrange(network.num_addresses)])

    def high(self):
        return self.random.randint(32768, 60999)

    def closed(self, kind):
        while True:
            port = self.random.randint(1, 65535)
            if port not in self.open[kind] and port not in (67, 68, 546, 547, 4500):
                return port

    # What is sent

    def packet(self, source, **words):
        self.number += 1
        words.setdefault("destination", HOST6 if ":" in source else HOST4)
        return {"number": self.number, "source": source, **words}

    def tcp(self, source, port, flags=SYN, **words):
        if flags == SYN:
            words.setdefault("options", MSS)
        return self.packet(source, protocol=TCP, sport=self.high(), dport=port, flags=flags, **words)

    def udp(self, source, port, size=40, **words):
        words.setdefault("sport", self.high())
        return self.packet(source, protocol=UDP, dport=port, payload=bytes(size), **words)

    def ping(self, source, kind=None):
        six = ":" in source
        return self.packet(source, protocol=ICMP6 if six else ICMP, payload=bytes(56),
                           type=kind if kind is not None else (128 if six else 8))

    def classes(self):
        """(name, packets), in the order in which they are sent; of floods there are more."""
        for name, make in self.makers():
            size = self.size * (FLOOD if name.startswith("flood") else 1)
            packets = [packet for _ in range(size) for packet in (make(),) if packet]
            if packets:
                yield name, packets

    def makers(self):
        yield from self.attacks()
        if self.wants.get("blocked") or self.wants.get("blocked6"):
            yield from self.blocked()
        if self.wants.get("targets"):
            yield "at hosts inside", self.at_target
        if self.wants.get("forwarded"):
            yield "at forwarded ports", self.at_forwarded
        if self.wants.get("brute"):
            yield "one sender hammers", self.brute
        yield from self.other_protocols()

    def attacks(self):
        choice = self.random.choice
        yield "flood of SYNs, closed ports", lambda: self.tcp(self.anyone(), self.closed("tcp"))
        yield "port scan", lambda: self.tcp("185.220.101.7", choice(SCANNED))
        yield "SYN, IPv6", lambda: self.tcp(self.anyone6(), choice(SCANNED))
        yield "flood of UDP, closed ports", lambda: self.udp(self.anyone(), self.closed("udp"))
        yield "UDP, IPv6", lambda: self.udp(self.anyone6(), self.closed("udp"))
        yield "reflection", lambda: self.udp(self.anyone(), self.high(), 440, sport=choice(REFLECTORS))
        yield "odd flags", lambda: self.tcp(self.anyone(), self.any_port("tcp"), choice(
            (0, FIN, FIN | PSH | URG, SYN | FIN, SYN | RST, FIN | SYN | RST | PSH | ACK | URG)))
        yield "ACK and RST, closed ports", lambda: self.tcp(self.anyone(), self.closed("tcp"),
                                                            choice((ACK, RST, PSH | ACK)))
        yield "spoofed bogons", lambda: self.from_bogon(choice((TCP, UDP)))
        if self.open["tcp"]:
            yield "SYN, open ports", self.legitimate_syn

    def any_port(self, kind):
        return self.random.choice([*self.open[kind], self.closed(kind)])

    def from_bogon(self, protocol):
        source = self.one_of(BOGONS)
        if protocol == TCP:
            return self.tcp(source, self.any_port("tcp"))
        return self.udp(source, self.any_port("udp"))

    def legitimate_syn(self):
        """A quarter of the others: somebody who has come to be served."""
        if self.random.random() > 0.25:
            return None
        return self.tcp(self.anyone(), self.random.choice(self.open["tcp"]))

    def blocked(self):
        if self.wants.get("blocked"):
            yield "blocked senders", lambda: self.tcp(self.one_of(self.wants["blocked"]),
                                                      self.any_port("tcp"))
            yield "blocked senders, UDP", lambda: self.udp(self.one_of(self.wants["blocked"]),
                                                           self.any_port("udp"))
        if self.wants.get("blocked6"):
            yield "blocked senders, IPv6", lambda: self.tcp(self.one_of(self.wants["blocked6"]),
                                                            self.any_port("tcp"))

    def at_target(self):
        kind, address, port = self.random.choice(self.pairs("targets"))
        source = self.anyone6() if kind.endswith("6") else self.anyone()
        if self.random.random() < 0.5:
            port = self.random.randint(1, 65535)
        make = self.tcp if PROTOCOLS[kind] == TCP else self.udp
        return make(source, int(port), destination=address)

    def at_forwarded(self):
        kind, port = self.random.choice(self.pairs("forwarded"))
        if self.random.random() > 0.25:
            return None
        make = self.tcp if kind == "tcp" else self.udp
        return make(self.anyone(), int(port))

    def brute(self):
        kind, port = self.pairs("brute")[0]
        make = self.tcp if kind == "tcp" else self.udp
        return make("203.0.113.99", int(port))

    def other_protocols(self):
        choice = self.random.choice
        yield "flood of pings", lambda: self.ping(self.anyone())
        yield "pings, IPv6", lambda: self.ping(self.anyone6())
        yield "odd ICMP", lambda: self.ping(self.anyone(), choice((5, 13, 17)))
        yield "GRE", lambda: self.packet(self.anyone(), protocol=GRE)
        yield "fragments", lambda: self.udp(self.anyone(), self.closed("udp"), 400, cut=208)
        yield "the gateway pings", lambda: self.ping(WORLD4) if self.random.random() < 0.1 else None
