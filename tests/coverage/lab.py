# SPDX-License-Identifier: GPL-2.0-only
"""A host behind one outer device, built the same way each time:

    world: w0 203.0.113.1 ── 203.0.113.10 eth0 :host: INSIDE ── x0 :inside
              2001:db8:1::1  2001:db8:1::10

The world has no stack of its own: it sends what it is told to, of any source. The host has one, and a
device to forward to where the ruleset names one. All namespaces carry the process id in their names and end with the lab.
"""
import contextlib
import ctypes
import json
import os
import socket
import struct
import subprocess
import time

from frames import MARKER_TYPE, number_of

CLONE_NEWNET, SO_RCVBUFFORCE, PACKET_OUTGOING = 0x40000000, 33, 4
HOST4, HOST6, WORLD4, WORLD6 = "203.0.113.10", "2001:db8:1::10", "203.0.113.1", "2001:db8:1::1"
LIBC = ctypes.CDLL(None, use_errno=True)

# Behind everything that a ruleset may have: what comes here was let through.
LAST = """table inet coverage_last {
	chain input {
		type filter hook input priority 2147483646; policy accept;
		iifname eth0 counter
	}
	chain forward {
		type filter hook forward priority 2147483646; policy accept;
		iifname eth0 counter
	}
}
"""


class LabError(Exception):
    """A command of the lab failed; the message is for the person who started it."""


def run(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def open_packets(device, ethertype):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    packets.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    packets.bind((device, ethertype))
    packets.settimeout(5)
    return packets


class Lab:
    count = 0

    def __init__(self, sluice, inside):
        Lab.count += 1
        self.sluice_path, self.inside_device = sluice, inside
        stem = f"sluice-coverage-{os.getpid()}-{Lab.count}"
        self.host, self.world, self.inside = (f"{stem}-{end}" for end in ("host", "world", "inside"))
        self.sockets, self.markers = [], 0

    def __enter__(self):
        try:
            self.set_up()
        except BaseException:
            self.tear_down()
            raise
        return self

    def __exit__(self, *_):
        self.tear_down()

    def set_up(self):
        for name in (self.host, self.world, self.inside):
            run("ip", "netns", "add", name)
        self.in_host("sysctl", "-eqw", "net.ipv6.conf.default.accept_dad=0",
                     "net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratelimit=0",
                     "net.ipv6.icmp.ratemask=", "net.ipv4.icmp_msgs_per_sec=100000",
                     "net.ipv4.icmp_msgs_burst=100000",
                     "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
        commands = [f"link add eth0 type veth peer name w0 netns {self.world}", "link set lo up",
                    f"addr add {HOST4}/24 dev eth0", f"addr add {HOST6}/64 dev eth0",
                    "link set eth0 up"]
        if self.inside_device:
            name, *addresses = self.inside_device
            commands.append(f"link add {name} type veth peer name x0 netns {self.inside}")
            commands += [f"addr add {address} dev {name}" for address in addresses]
            commands.append(f"link set {name} up arp off")  # nobody answers there
        self.batch(self.host, commands)
        run("ip", "netns", "exec", self.world, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        self.batch(self.world, ["link set w0 up"])
        self.mac, self.world_mac = self.mac_of(self.host, "eth0"), self.mac_of(self.world, "w0")
        self.batch(self.host, [f"neigh replace {address} dev eth0 lladdr {self.world_mac} nud permanent"
                               for address in (WORLD4, WORLD6)] +
                   [f"route add default via {WORLD4}", f"route add default via {WORLD6}"])
        if self.inside_device:
            self.batch(self.inside, ["link set x0 up"])
            self.in_host("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        with self.entered(self.host):
            self.arrivals = self.keep(open_packets("eth0", 3))
        with self.entered(self.world):
            self.wire = self.keep(open_packets("w0", 3))

    def tear_down(self):
        for each in self.sockets:
            each.close()
        subprocess.run([self.sluice_path, "-n", self.host, "detach"], capture_output=True, check=False)
        for name in (self.host, self.world, self.inside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    @staticmethod
    def batch(namespace, commands):
        run("ip", "-n", namespace, "-batch", "-", text="\n".join(commands) + "\n")

    @staticmethod
    def mac_of(namespace, device):
        return json.loads(run("ip", "-n", namespace, "-j", "link", "show", device))[0]["address"]

    @contextlib.contextmanager
    def entered(self, namespace):
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise LabError(f"setns: {os.strerror(ctypes.get_errno())}")
            yield
        finally:
            LIBC.setns(home, CLONE_NEWNET)
            os.close(home)
            os.close(there)

    def keep(self, closable):
        self.sockets.append(closable)
        return closable

    def in_host(self, *words, text=None):
        return run("nsenter", f"--net=/run/netns/{self.host}", *words, text=text)

    def load(self, ruleset):
        for tool, text in ruleset.parts:
            self.in_host(*(("nft", "-f", "-") if tool == "nft" else (f"{tool}-nft-restore",)), text=text)

    def sluice(self, *words):
        return run(self.sluice_path, "-n", self.host, *words)

    def serve(self, ports):
        """Real sockets for those who are let in; the host's kernel answers for them."""
        with self.entered(self.host):
            for port in ports:
                listener = self.keep(socket.socket(socket.AF_INET6))
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("::", port))
                listener.listen(64)

    def let_through(self):
        """Packets that no rule dropped, so far."""
        said = json.loads(self.in_host("nft", "-j", "list", "table", "inet", "coverage_last"))
        return sum(expression["counter"]["packets"] for item in said["nftables"] if "rule" in item
                   for expression in item["rule"]["expr"] if "counter" in expression)

    def send(self, frames):
        """Sends, and returns (numbers that passed XDP, how many were answered with an error)."""
        for frame in frames:
            self.wire.send(frame)
        self.markers += 1
        marker = struct.pack("!I", self.markers)
        here, there = bytes.fromhex(self.world_mac.replace(":", "")), bytes.fromhex(
            self.mac.replace(":", ""))
        link = MARKER_TYPE.to_bytes(2, "big")
        self.wire.send(there + here + link + marker + bytes(46))
        seen = self.numbers_until(marker)
        self.arrivals.send(here + there + link + marker + bytes(46))
        return seen, self.errors_until(marker)

    @staticmethod
    def incoming(packets, marker):
        """Frames that came in, up to the marker."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            frame, address = packets.recvfrom(65536)
            if address[2] == PACKET_OUTGOING:
                continue
            if frame[12:14] == MARKER_TYPE.to_bytes(2, "big"):
                if frame[14:18] == marker:
                    return
                continue
            if frame[12:14] in (b"\x08\0", b"\x86\xdd"):
                yield frame
        raise LabError("a marker frame did not come")

    def numbers_until(self, marker):
        return {number_of(frame[14:]) for frame in self.incoming(self.arrivals, marker)}

    def errors_until(self, marker):
        return sum(is_error(frame[14:]) for frame in self.incoming(self.wire, marker))


def is_error(ip):
    """An ICMP error or a reset: what REJECT sends."""
    protocol, body = (ip[6], ip[40:]) if ip[0] >> 4 == 6 else (ip[9], ip[20:])
    return (protocol == 1 and body[0] == 3) or (protocol == 58 and body[0] == 1) or (
        protocol == 6 and bool(body[13] & 4))
