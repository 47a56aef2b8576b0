# SPDX-License-Identifier: GPL-2.0-only
"""What nf_tables itself says about each packet: NFT_MSG_TRACE, as `nft monitor trace` prints it.
Nothing else tells which rule dropped a packet."""
import socket
import struct

from frames import number_of

NETLINK_NETFILTER, NFNLGRP_NFTRACE, NFT_MSG_TRACE = 12, 9, 10 << 8 | 17
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, SO_RCVBUFFORCE = 270, 1, 33
TABLE, CHAIN, HANDLE, TYPE, VERDICT, ID, NETWORK, POLICY = 1, 2, 3, 4, 5, 6, 8, 16
TYPE_POLICY, NF_DROP = 1, 0

START = """table netdev coverage_trace {
	chain ingress {
		type filter hook ingress device eth0 priority -2147483648; policy accept;
		ether type { ip, ip6 } meta nftrace set 1
	}
}
"""


def attributes(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & 0x3FFF] = data[at + 4:at + length]
        at += (length + 3) & ~3
    return found


def text(data):
    return data.rstrip(b"\0").decode()


class Trace:
    """Opened in the namespace that it listens to. `drops` has for each packet's number the rule
    (family, table, chain, handle; 0: the policy) that dropped it, `chains` those that it walked."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self.socket.bind((0, 0))
        self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE)
        self.socket.setblocking(False)
        self.numbers, self.drops, self.chains = {}, {}, {}

    def close(self):
        self.socket.close()

    def read(self):
        """What has been said so far: it is said before the packet goes on."""
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return
            at = 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == NFT_MSG_TRACE:
                    self.note(data[at + 16], attributes(data[at + 20:at + length]))
                at += (length + 3) & ~3

    def note(self, family, said):
        trace = said[ID]
        if NETWORK in said:
            self.numbers[trace] = number_of(said[NETWORK])
        if trace not in self.numbers:
            return
        number, chain = self.numbers[trace], (family, text(said[TABLE]), text(said[CHAIN]))
        self.chains.setdefault(number, set()).add(chain)
        if said[TYPE][3] == TYPE_POLICY:
            verdict, handle = struct.unpack("!I", said[POLICY])[0], 0
        else:
            verdict = struct.unpack("!i", attributes(said[VERDICT])[1])[0]
            handle = struct.unpack("!Q", said[HANDLE])[0] if HANDLE in said else 0
        if verdict == NF_DROP:
            self.drops[number] = (*chain, handle)
