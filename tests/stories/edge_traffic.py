# SPDX-License-Identifier: GPL-2.0-only
"""What customers and the world send through the edge router, and what shall come of each packet."""
import collections
import ipaddress
import random

import packets

CUSTOMERS, PER_LINK = 2000, 1024
SMALL, LARGE = 100, 1450  # bytes; the latter is too big for the uplink
TOO_LATE, TOO_BIG = {4: "answer 11/0", 6: "answer 3/0"}, {4: "answer 3/4", 6: "answer 2/0"}
FAR = {4: "198.18.0.9", 6: "2001:db8:ffff::9"}
UNASSIGNED = {4: "100.127.0.1", 6: "2001:db8:f000::1"}

# Packets that go into the router by a link, and what is to come out: {"NUMBER at LINK: WHAT"}.
Sent = collections.namedtuple("Sent", "number link packets wanted")


def link_of(customer):
    return f"c{customer // PER_LINK}"


def other_link(customer):
    return f"c{1 - customer // PER_LINK}"


def prefix(customer, version):
    """A /28 of 100.64.0.0/10, or a /56 of 2001:db8::/32."""
    if version == 4:
        return ipaddress.ip_network((0x64400000 + (customer << 4), 28))
    return ipaddress.ip_network(((0x20010db8 << 96) + (customer << 72), 56))


def text(number, size):
    """Its number again and again, so that each fragment and each quotation shows it."""
    return (f"#{number:08d}" * (size // 9 + 1))[:size].encode()


class Traffic:
    """The same packets for every run: one of each kind in turn, of customers at random."""

    def __init__(self):
        self.rng, self.number = random.Random(1), 0
        self.kinds = (self.good, self.on_wrong_link, self.unassigned, self.late, self.late_on_wrong_link,
                      self.late_unassigned, self.large, self.large_on_wrong_link, self.large_in_parts,
                      self.fragments, self.fragments_on_wrong_link, self.to_customer, self.from_outside,
                      self.late_to_customer)

    def __iter__(self):
        while True:
            for kind in self.kinds:
                self.number += 1
                version = self.rng.choice((4, 6))
                customer = self.rng.randrange(CUSTOMERS)
                yield kind(version, customer, str(prefix(customer, version)[self.rng.randrange(1, 15)]))

    def make(self, source, destination, size=SMALL, **options):
        return packets.udp_packet(source, destination, 1024 + self.number % 60000, 443,
                                  text(self.number, size), **options)

    def sent(self, link, made, wanted):
        return Sent(self.number, link, made, wanted)

    def says(self, link, what="itself"):
        return {f"{self.number} at {link}: {what}"}

    def good(self, version, customer, source):
        return self.sent(link_of(customer), [self.make(source, FAR[version])], self.says("up0"))

    def on_wrong_link(self, version, customer, source):
        return self.sent(other_link(customer), [self.make(source, FAR[version])], set())

    def unassigned(self, version, customer, _):
        return self.sent(link_of(customer), [self.make(UNASSIGNED[version], FAR[version])], set())

    def late(self, version, customer, source):
        """As traceroute's first packet; the router answers before any rule."""
        return self.sent(link_of(customer), [self.make(source, FAR[version], ttl=1)],
                    self.says(link_of(customer), TOO_LATE[version]))

    def late_on_wrong_link(self, version, customer, source):
        """Goes to whom the address belongs."""
        return self.late(version, customer, source)._replace(link=other_link(customer))

    def late_unassigned(self, version, customer, _):
        return self.sent(link_of(customer), [self.make(UNASSIGNED[version], FAR[version], ttl=1)],
                    self.says("up0", TOO_LATE[version]))

    def large(self, version, customer, source):
        return self.sent(link_of(customer), [self.make(source, FAR[version], LARGE)],
                    self.says(link_of(customer), TOO_BIG[version]))

    def large_on_wrong_link(self, version, customer, source):
        return self.large(version, customer, source)._replace(link=other_link(customer))

    def large_in_parts(self, _, customer, __):
        """IPv4 without "don't fragment": the router cuts it."""
        source = str(prefix(customer, 4)[1])
        return self.sent(link_of(customer), [self.make(source, FAR[4], LARGE, fragment=0, identity=7)],
                    self.says("up0"))

    def fragments(self, _, customer, __):
        source, whole = str(prefix(customer, 4)[1]), packets.udp(4000, 443, text(self.number, 600))
        parts = [packets.ip(source, FAR[4], packets.UDP, part, fragment=where, identity=self.number & 0xffff)
                 for part, where in ((whole[:304], packets.MORE_FRAGMENTS), (whole[304:], 304 // 8))]
        return self.sent(link_of(customer), parts, self.says("up0"))

    def fragments_on_wrong_link(self, *about):
        return self.fragments(*about)._replace(link=other_link(about[1]), wanted=set())

    def to_customer(self, version, customer, address):
        return self.sent("up0", [self.make(FAR[version], address)], self.says(link_of(customer)))

    def from_outside(self, _, customer, __):
        """From the world, as if a customer had sent it."""
        return self.sent("up0", [self.make(str(prefix(customer, 4)[1]), str(prefix(0, 4)[1]))], set())

    def late_to_customer(self, version, _, address):
        return self.sent("up0", [self.make(FAR[version], address, ttl=1)], self.says("up0", TOO_LATE[version]))
