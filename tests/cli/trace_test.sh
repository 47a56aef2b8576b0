#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packets, described and captured, through a copy of the program: which way, which verdict, why.
. "$(dirname "$0")/lib.sh"
make_namespaces
meet_neighbours

in_ns nft -f - <<'EOF'
table inet filter {
	set banned {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.0/24 }
	}
	chain tcp_in {
		tcp dport { 22, 80 } accept
		tcp flags & (syn | fin) == syn | fin drop
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		ip saddr @banned counter drop
		meta l4proto tcp jump tcp_in
		udp dport 53 counter drop
		udp dport 54 limit rate 3/second drop
		icmpv6 type nd-neighbor-solicit accept
	}
}
EOF

# PACKET…: the verdict, and a line that tells why
drops() {
	run trace dev v0 "$1"; exits 0; says "sluice: dropped early, at $tier"; says "$2"
}
passes() {
	run trace dev v0 "$1"; exits 0; says "sluice: passed to the kernel"; says "$2"
}

trace_all() {
	drops 'ip saddr 192.0.2.9 tcp dport 22' 'rule ip saddr @banned counter packets 0 bytes 0 drop'
	drops 'ip saddr 10.9.0.2 udp dport 53' 'rule udp dport 53 counter'
	drops 'ip saddr 10.9.0.2 udp dport domain payload length 100' 'ip length 128'
	drops 'ip saddr 10.9.0.2 udp dport 1' 'inet filter input policy drop'
	drops 'ip saddr 10.9.0.2 tcp dport 1 tcp flags syn,fin' 'tcp flags == fin|syn'
	drops 'ip6 saddr 2001:db8:9::2 udp dport 53' 'ip6 daddr 2001:db8:9::1'
	passes 'ip saddr 10.9.0.2 tcp dport ssh' 'accepted by a rule'
	passes 'ip saddr 10.9.0.2 tcp dport 22' 'rule meta l4proto tcp jump tcp_in # handle'
	passes 'ip saddr 10.9.0.2 udp dport 54' 'limit'
	passes 'ip saddr 10.9.0.2 icmp type echo-request' 'a connection may exist'
	passes 'ip saddr 10.9.0.2 meta l4proto 47' 'ip protocol 47'
	passes 'ip saddr 10.9.0.2 udp dport 67' 'DHCP'
	passes 'ether daddr 02:00:00:00:00:99 tcp dport 1' 'for another MAC address'
	passes 'ip6 saddr 2001:db8:9::2 icmpv6 type nd-neighbor-solicit' 'icmpv6 type 135'
}
tier=XDP
trace_all

# Unquoted, and the words that have defaults
run trace dev v0 ip saddr 192.0.2.9 tcp dport == 22 ip ttl 3; exits 0; says "ip ttl 3"; says "dropped early"
run trace dev v0 ip saddr 192.0.2.9; exits 0; says "tcp flags == syn"; says "ip daddr 10.9.0.1"
run trace dev v0 -v udp dport 53; exits 0; says "(no match)"; says "as new,invalid,untracked"

# JSON
run trace dev v0 -j 'ip saddr 10.9.0.2 udp dport 53'; exits 0
json '.device == "v0" and .attached == "none" and .disagreements == 0 and (.packets | length == 1)'
json '.packets[0] | .verdict == "drop" and .program == "drop" and .interpreter == "drop"'
json '.packets[0].decided_by | .table == "filter" and .chain == "input" and .handle > 0'
json '.packets[0].rules | length == 1 and .[0].verdict == "drop"'
run trace dev v0 -j -v 'ip saddr 10.9.0.2 udp dport 54'; exits 0
json '.packets[0] | .verdict == "pass" and .subject == "limit"'
json '.packets[0].rules | length > 3 and (map(select(.matched)) | length == 1)'

# Descriptions that cannot be
complains_of() { # PACKET COMPLAINT
	run trace dev v0 "$1"; exits 1; complains "$2"
}
complains_of 'ip saddr here' 'ip saddr is an IPv4 address, not "here"'
complains_of 'ip6 saddr 1.2.3.4' 'ip6 saddr is an IPv6 address'
complains_of 'ether saddr 1:2' 'ether saddr is a MAC address'
complains_of 'ip ttl 256' 'ip ttl is a number up to 255'
complains_of 'tcp dport 65536' 'tcp dport is a port'
complains_of 'tcp flags sin' 'tcp flags is flags such as syn,ack'
complains_of 'icmp type shout' 'icmp type is a type such as echo-request'
complains_of 'meta l4proto frob' 'meta l4proto is a protocol'
complains_of 'payload length 5000' 'payload length is a number of bytes up to 1400'
complains_of 'tcp dport' 'tcp dport wants a value'
complains_of 'frob nicate 3' '"frob nicate" is neither a file nor a field of a packet'
complains_of 'ip saddr 1.2.3.4 ip6 daddr ::1' 'cannot be IPv4 and IPv6 at once'
complains_of 'tcp dport 1 udp dport 2' 'cannot be of two protocols'

# Captures
python3 - "$work" "$(mac_of v0)" <<'EOF'
import struct, sys
work, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))

def udp(source, port, size=10):
    data = b"x" * size
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + size, 0, 0, 64, 17, 0, bytes(source),
                     bytes([10, 9, 0, 1]))
    return mac + bytes.fromhex("020000000001") + b"\x08\x00" + ip + struct.pack(
        "!HHHH", 4000, port, 8 + size, 0) + data

def write(name, packets, link=1, cut=0, magic=0xa1b2c3d4):
    with open(f"{work}/{name}", "wb") as f:
        f.write(struct.pack("=IHHiIII", magic, 2, 4, 0, 0, 65535, link))
        for packet in packets:
            f.write(struct.pack("=IIII", 0, 0, len(packet) - cut, len(packet)))
            f.write(packet[:len(packet) - cut])

some = [udp([192, 0, 2, 1], 9), udp([10, 9, 0, 2], 53), udp([10, 9, 0, 2], 54), b"\x01" * 60]
write("some.pcap", some)
write("cut.pcap", some, cut=4)
write("cooked.pcap", some, link=113)
write("none.pcap", [])
write("long.pcap", [udp([192, 0, 2, 1], 9, 20000)])
write("short.pcap", [b"\x01" * 10])
with open(f"{work}/torn.pcap", "wb") as f:
    f.write(open(f"{work}/some.pcap", "rb").read()[:-7])
EOF
run trace dev v0 "$work/some.pcap"; exits 0
[ "$(grep -c 'dropped early' "$work/out")" = 2 ] || fail "two of the packets should be dropped"
[ "$(grep -c 'passed to the kernel' "$work/out")" = 2 ] || fail "two of the packets should pass"
run trace dev v0 "$work/some.pcap" -j; exits 0
json '[.packets[].verdict] == ["drop", "drop", "pass", "pass"]'
json '[.packets[].number] == [1, 2, 3, 4]'
run trace dev v0 "$work/short.pcap"; exits 0; says "shorter than an Ethernet header"
run trace dev v0 "$work/long.pcap"; exits 0; says "longer than what XDP takes"
run trace dev v0 "$work/cut.pcap"; exits 1; complains "packet 1 is cut off: 48 of its 52 bytes"
run trace dev v0 "$work/cooked.pcap"; exits 1; complains "LINUX_SLL"; complains "not Ethernet"
run trace dev v0 "$work/none.pcap"; exits 1; complains "holds no packets"
run trace dev v0 "$work/torn.pcap"; exits 1; complains "behind packet 3: truncated dump file"
run trace dev v0 "$work/nosuch.pcap"; exits 1; complains "No such file"
run trace dev v0 /etc/passwd; exits 1; complains "unknown file format"

# Attached: the same answers, and no counter moves
for mode in native tc; do
	run attach dev v0 mode $mode; exits 0
	tier=XDP; [ $mode = tc ] && tier=TC
	run status -j; before=$(jq '.devices[0].fates.dropped.packets' "$work/out")
	[ "$before" -ge 0 ] || fail "status does not say how many packets were dropped"
	trace_all
	run status -j; json ".devices[0].fates.dropped.packets == $before"
	run list; says "udp dport 53 counter packets 0 bytes 0 drop"
	run detach; exits 0
done

# A connection that conntrack knows passes, on the same port that is dropped otherwise
in_ns python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.1", 53)); s.sendto(b"x", ("10.9.0.2", 4444))'
run trace dev v0 'ip saddr 10.9.0.2 udp sport 4444 udp dport 53'; exits 0
says "passed to the kernel: conntrack: a connection may exist"
run trace dev v0 'ip saddr 10.9.0.2 udp sport 4445 udp dport 53'; exits 0; says "dropped early"

# Forwarding: sluice asks the FIB, as the kernel will
ip -n "$ns" link add v2 type veth peer name v3 netns "$peer"
ip -n "$ns" addr add 10.8.0.1/24 dev v2
ip -n "$ns" link set v2 up
ip -n "$peer" link set v3 up
in_ns sysctl -qw net.ipv4.ip_forward=1
in_ns nft 'add chain inet filter forward { type filter hook forward priority 0; policy drop; }'
run trace dev v0 'ip saddr 10.9.0.2 ip daddr 10.8.0.9 udp dport 9'; exits 0
says "inet filter forward policy drop"; says "dropped early"
run trace dev v0 'ip saddr 10.9.0.2 ip daddr 10.8.0.9 udp dport 9 ip ttl 1'; exits 0
says "passed to the kernel: routing"

finish
