# SPDX-License-Identifier: GPL-2.0-only
"""Ethernet frames from a few words about them. Each carries a number that tells it from all others:
IPv4's identification, IPv6's flow label."""
import ipaddress
import struct

TCP, UDP, ICMP, ICMP6, GRE, ESP = 6, 17, 1, 58, 47, 50
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MARKER_TYPE = 0x88B5  # IEEE's local experimental ethertype


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def seal(segment, at, pseudo):
    """With its checksum at `at`."""
    value = checksum(pseudo + segment) or 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def transport(packet, source, destination):
    """The bytes behind the IP header."""
    protocol, payload = packet["protocol"], packet.get("payload", b"")
    sport, dport = packet.get("sport", 0), packet.get("dport", 0)
    options = packet.get("options", b"")
    if protocol == TCP:
        segment, at = struct.pack("!HHIIBBHHH", sport, dport, packet["number"] * 1009, 0,
                                  (5 + len(options) // 4) << 4, packet["flags"], 64240, 0, 0), 16
        segment += options + payload
    elif protocol == UDP:
        segment, at = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload, 6
    elif protocol in (ICMP, ICMP6):
        segment, at = struct.pack("!BBHI", packet["type"], packet.get("code", 0), 0,
                                  packet["number"]) + payload, 2
    else:
        return payload or bytes(8)
    pseudo = b"" if protocol == ICMP else (source + destination +
                                           struct.pack("!II", len(segment), protocol))
    return seal(segment, at, pseudo)


def network(packet, source, destination, body, fragment=0):
    """`fragment` is IPv4's field of flags and offset."""
    hops, protocol = packet.get("hops", 57), packet["protocol"]
    if len(source) == 16:
        return (struct.pack("!IHBB", 6 << 28 | packet["number"], len(body), protocol, hops) +
                source + destination + body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), packet["number"], fragment, hops,
                       protocol, 0) + source + destination
    return seal(head, 10, b"") + body


def build(packet, destination_mac, source_mac):
    """The frames of one packet: one, or its fragments."""
    source = ipaddress.ip_address(packet["source"]).packed
    destination = ipaddress.ip_address(packet["destination"]).packed
    body = transport(packet, source, destination)
    link = destination_mac + source_mac + (b"\x86\xdd" if len(source) == 16 else b"\x08\0")
    if packet.get("cut") and len(source) == 4:
        cut = packet["cut"]
        return [link + network(packet, source, destination, body[:cut], 0x2000),
                link + network(packet, source, destination, body[cut:], cut // 8)]
    return [link + network(packet, source, destination, body)]


def number_of(ip):
    """The number of an IP packet's header."""
    if ip[0] >> 4 == 6:
        return struct.unpack_from("!I", ip)[0] & 0xFFFFF
    return struct.unpack_from("!H", ip, 4)[0]


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
