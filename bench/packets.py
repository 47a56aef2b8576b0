# SPDX-License-Identifier: GPL-2.0-only
"""Packets as bytes. Addresses are what ipaddress takes: text, or a number."""
import ipaddress
import struct

ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SYN = 0x02
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000  # beside an offset, in units of eight bytes


def checksum(data):
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return (~total & 0xffff).to_bytes(2, "big")


def packed(address):
    return ipaddress.ip_address(address).packed


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ethernet(destination, payload, source=bytes(6)):
    """MAC addresses as bytes; the payload is IPv4 or IPv6."""
    return destination + source + (b"\x08\0" if payload[0] >> 4 == 4 else b"\x86\xdd") + payload


def ip(source, destination, protocol, payload, ttl=64, fragment=DONT_FRAGMENT, identity=0):
    """IPv4 or IPv6, as the addresses are; `fragment` and `identity` are IPv4's."""
    source, destination = packed(source), packed(destination)
    if len(source) == 16:
        head = b"\x60\0\0\0" + struct.pack("!HBB", len(payload), protocol, ttl)
        return head + source + destination + payload
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(payload), identity, fragment, ttl, protocol)
    return head + checksum(head + source + destination) + source + destination + payload


def pseudo_sum(source, destination, protocol, segment):
    """The checksum of what goes over TCP, UDP or ICMPv6, with those bytes 0 in the segment."""
    about = packed(source) + packed(destination) + struct.pack("!II", len(segment), protocol)
    return checksum(about + segment + bytes(len(segment) % 2))


def udp(source_port, port, payload=b""):
    """Without a checksum, which IPv4 allows."""
    return struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload


def udp_packet(source, destination, source_port, port, payload=b"", **options):
    segment = udp(source_port, port, payload)
    total = pseudo_sum(source, destination, UDP, segment)
    return ip(source, destination, UDP, segment[:6] + (total if any(total) else b"\xff\xff") + payload,
              **options)


def tcp_packet(source, destination, source_port, port, flags, **options):
    segment = struct.pack("!HHIIBBHHH", source_port, port, 1, 0, 0x50, flags, 0x2000, 0, 0)
    total = pseudo_sum(source, destination, TCP, segment)
    return ip(source, destination, TCP, segment[:16] + total + segment[18:], **options)
