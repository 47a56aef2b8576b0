#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Counters = the kernel's + early drops, exactly: known packets are sent, half of them before the
# rules are attached.
. "$(dirname "$0")/lib.sh"
make_namespaces
meet_neighbours

in_ns nft -f - <<'EOF'
table inet filter {
	set banned {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2 }
	}
	chain input {
		type filter hook input priority 0; policy accept;
		udp dport 1000 counter drop comment "say # handle 7 counter packets 7 bytes 8"
		udp dport 1001 drop
		udp dport 1002 meta mark set 0 counter drop
		udp dport { 1003, 1004 } counter drop
		udp dport 1005 counter jump deeper
	}
	chain deeper {
		counter drop
	}
}
EOF

# 28 bytes of headers and 10 of payload, 48 and 10 of IPv6
send_all() {
	send_udp 5 10.9.0.1 1000 10
	send_udp 3 2001:db8:9::1 1000 10
	send_udp 2 10.9.0.1 1001 10
	send_udp 4 10.9.0.1 1002 10
	send_udp 6 10.9.0.1 1004 100
	send_udp 1 10.9.0.1 1005 10
}

counted() { # TEXT: what `list` must hold after both rounds
	says "udp dport 1000 counter packets 16 bytes 728 drop comment \"say # handle 7 counter packets 7 bytes 8\""
	says "counter packets 8 bytes 304 drop"
	says "udp dport { 1003, 1004 } counter packets 12 bytes 1536 drop"
	says "udp dport 1005 counter packets 2 bytes 76 jump deeper"
	says "counter packets 2 bytes 76 drop"
}

run list; exits 0; says "udp dport 1000 counter packets 0 bytes 0 drop"
send_all
run attach dev v0; exits 0
run list; exits 0; says "udp dport 1000 counter packets 8 bytes 364 drop"
send_all
sleep 0.2
run list; exits 0; counted
in_ns nft list ruleset >"$work/kernel"
grep -q "udp dport 1000 counter packets 8 bytes 364" "$work/kernel" || fail "nothing was dropped early"
run list dev v0; exits 0; counted
run list --format nft; exits 0; counted
run list -j; exits 0
json '.rules | map(select(.early_packets > 0)) | length == 5'
json '.rules[] | select(.text | startswith("udp dport 1000")) |
	.packets == 16 and .bytes == 728 and .early_packets == 8 and .early_bytes == 364'
json '.rules[] | select(.text == "udp dport 1001 drop") | has("packets") | not'

# The sum survives a change of the rules, and the loss of the keeper
in_ns nft add rule inet filter input udp dport 2000 drop
sleep 0.3
run list; exits 0; counted
# Nothing changes but the two sums when nothing is attached any more
run detach; exits 0
run list; exits 0; says "udp dport 1000 counter packets 8 bytes 364 drop"
in_ns nft flush ruleset

# iptables: counters by place, not by handle; policies, too
if command -v iptables-nft-restore >/dev/null; then
	in_ns iptables-nft-restore <<'EOF'
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:odd.name-x_1 - [0:0]
-A INPUT -p udp -m udp --dport 1000 -m comment --comment "say \"hi\" [9:9] -A INPUT" -j DROP
-A INPUT -p udp -m udp --dport 1001 -j odd.name-x_1
-A INPUT -p udp -m multiport --dports 1003,1004 -j DROP
-A odd.name-x_1 -j DROP
COMMIT
EOF
	in_ns ip6tables-nft-restore <<'EOF'
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 1000 -j DROP
COMMIT
EOF
	send_all
	run attach dev v0; exits 0
	send_all
	sleep 0.2
	run list --format iptables; exits 0
	says ":INPUT DROP [10:380]"
	says '[10:380] -A INPUT -p udp -m udp --dport 1000 -m comment --comment "say \"hi\" [9:9] -A INPUT" -j DROP'
	says "[4:152] -A INPUT -p udp -m udp --dport 1001 -j odd.name-x_1"
	says "[4:152] -A odd.name-x_1 -j DROP"
	says "[12:1536] -A INPUT -p udp -m multiport --dports 1003,1004 -j DROP"
	says "[6:348] -A INPUT -p udp -m udp --dport 1000 -j DROP"
	in_ns iptables-nft-save -c >"$work/kernel"
	grep -qF ":INPUT DROP [5:190]" "$work/kernel" || fail "the policy dropped nothing early"
	run list -j; exits 0
	json '.policies[] | select(.family == "ip" and .chain == "INPUT") |
		.packets == 10 and .early_packets == 5'
	run detach; exits 0
else
	echo "skipped: no iptables-nft-restore"
fi

# Two devices add up; each has its own share
in_ns nft flush ruleset
in_ns nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }
	add rule ip t in udp dport 1000 counter drop'
ip -n "$ns" link add v2 type veth peer name v3 netns "$peer"
ip -n "$ns" addr add 10.8.0.1/24 dev v2
ip -n "$peer" addr add 10.8.0.2/24 dev v3
ip -n "$ns" link set v2 up
ip -n "$peer" link set v3 up
ip -n "$peer" neigh replace 10.8.0.1 dev v3 lladdr "$(mac_of v2)" nud permanent
run attach dev v0; exits 0
run attach dev v2; exits 0
send_udp 5 10.9.0.1 1000 10
send_udp 7 10.8.0.1 1000 10
sleep 0.2
run list; exits 0; says "counter packets 12 bytes 456 drop"
run list dev v0; exits 0; says "counter packets 5 bytes 190 drop"
run list dev v2 -j; exits 0; json '.rules[0] | .early_packets == 7 and .early_bytes == 266'
run detach; exits 0; says "v0: detached"; says "v2: detached"

# A tool that is not there is named: hidden in a mount namespace, which sluice may leave
mkdir "$work/empty"
unshare -m sh -c 'mount --bind "$1" /usr/sbin && PATH=$1 exec "$2" -n "$3" list' \
	sh "$work/empty" "$sluice" "$ns" >"$work/out" 2>"$work/err"
status=$?
ran="sluice list, without nft"
if [ $status = 0 ]; then
	echo "skipped: nft could not be hidden"
else
	exits 1; complains "cannot run nft: it is not installed"
fi

finish
