#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What attaching would do: of files, without root, and of live rules.
. "$(dirname "$0")/lib.sh"
make_namespaces

cat >"$work/simple.nft" <<'EOF'
table inet filter {
	set banned {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.0/24, 198.51.100.7 }
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		ct state invalid drop
		ip saddr @banned counter packets 90 bytes 9000 drop
		tcp dport { 22, 80 } accept
		udp dport 53 limit rate 5/second counter packets 10 bytes 1000 drop
		tcp dport 99 reject
	}
	chain output {
		type filter hook output priority 0; policy accept;
		tcp dport 25 drop
	}
}
EOF

# A file: where each rule is decided, and why. Before 6.4 there are no hooks to decide at.
run plan "$work/simple.nft" -v; exits 0
hooks=true; ! grep -qF "no netfilter links" "$work/out" || hooks=false
$hooks || echo "skipped: what is decided at netfilter's hooks: this kernel has no such links"
says "eth0: what these rules would do there"
says "3 of 6 decided early (at XDP), 1 "; says ", 2 left to the kernel"
! $hooks || says "just ahead of the rules of ip input, ip6 input"
says "1 more are never met by what arrives at eth0"
says "90.0 % of the 100 packets"
! $hooks || says "at XDP only TCP and UDP, behind conntrack; the others at netfilter's hooks"
$hooks || says "behind conntrack only TCP and UDP can be dropped early"
says "limit; 10 dropped packets"
! $hooks || says "netfilter  ct state invalid drop"
$hooks || says "only conntrack can tell most of its packets from new ones"
says "not met"; says "instructions made of the rules"
says "for packets that would be dropped after prerouting"
run plan "$work/simple.nft" -jv; exits 2 # letters do not pile up
run plan "$work/simple.nft" -j -v; exits 0
json '.devices | length == 1'
json '.devices[0] | .device == "eth0" and .live == false and .share == 90 and .share_is_of_packets'
json '.devices[0].rules | .early == 3 and .netfilter + .maybe == 1 and .kernel == 2 and .not_met == 1'
! $hooks || json '.devices[0] | .rules.netfilter == 1 and .netfilter == ["ip input", "ip6 input"]'
json '.devices[0].obstacles[0] | .reason == "limit" and .dropped_packets == 10'
json '[.devices[0].rule_by_rule[] | select(.policy)] | length == 2'
json '.devices[0].rule_by_rule[0].decided == "early"'
json '.devices[0].size | .maps > 2 and .entries >= 2 and .bytes > 1000 and .instructions > 10'

# Long runs of rules are tables, within a limit
{
	echo 'table ip filter { chain input { type filter hook input priority 0; policy accept;'
	for i in $(seq 200); do echo "ip saddr 10.1.$i.0/24 tcp dport $((i % 9 + 1)) counter drop"; done
	printf '}\n}\n'
} >"$work/long.nft"
run plan "$work/long.nft"; exits 0; says "200 rules in "; says "of 1 table, "; says_not "a packet as a table"
run plan "$work/long.nft" -v; exits 0
says "ip filter input, IPv4, from handle 2 to handle 201: "; says " ns a packet as branches, 60 as a table, 600 without"
run plan "$work/long.nft" -j; exits 0
json '.devices[0].lookups | length == 1'
json '.devices[0].lookups[0] | .rules == 200 and .trees > 0 and .bytes > 1000 and .packets == "IPv4"'
run plan "$work/long.nft" --memory 2K; exits 1
complains "the tables for the rules of chain filter input would take more than the 2 kB"
run plan "$work/long.nft" --memory 100K; exits 1; complains "more than the limit of 100 kB"
run plan "$work/long.nft" --memory 1G; exits 0
run plan "$work/long.nft" --memory 1T; exits 2; complains "--memory takes a size like 64M"
run status --memory 1G; exits 2

# The exit status for scripts
run plan "$work/simple.nft" --check 90%; exits 0
run plan --check 90.5 "$work/simple.nft"; exits 1; complains "90.0 % would be decided early, less than 90.5 %"
run plan "$work/simple.nft" --check=80% -j; exits 0; json '.devices[0].share == 90'

# Without counters the share is of the rules
sed 's/counter packets [0-9]* bytes [0-9]*//' "$work/simple.nft" >"$work/uncounted.nft"
run plan "$work/uncounted.nft"; exits 0; says "no counters show a dropped packet; by rules: "
run plan "$work/uncounted.nft" --check 67; exits 1
run plan "$work/uncounted.nft" --check 50; exits 0

# What stops everything is named first, with what is behind it
cat >"$work/logged.nft" <<'EOF'
table ip t {
	chain input {
		type filter hook input priority 0; policy drop;
		tcp dport 1 drop
		log prefix "all of it "
		tcp dport 2 drop
		tcp dport 3 drop
	}
}
EOF
run plan "$work/logged.nft" -j -v; exits 0
json '.devices[0].rules == {"early": 1, "netfilter": 0, "maybe": 0, "kernel": 1, "behind": 2, "not_met": 0}'
json '.devices[0].obstacles[0] | .reason == "log" and .rules_behind == 2'
json '[.devices[0].rule_by_rule[].decided] == ["early", "kernel", "behind", "behind", "behind"]'

# Rules that decide nothing
cat >"$work/idle.nft" <<'EOF'
table inet t {
	chain input {
		type filter hook input priority 0; policy drop;
		ip saddr 10.0.0.0/8 udp dport 53 accept
		ip saddr 10.1.0.0/16 udp dport 53 counter drop
		tcp dport 22 drop
		tcp dport 23 counter drop
		udp dport 123 accept
		udp dport 0-65535 accept
		meta l4proto udp counter drop
	}
}
EOF
run plan "$work/idle.nft"; exits 0
says "1 rule no packet from eth0 can match, 2 change nothing"
says "can never match: handle 2 takes its packets"
says "changes nothing: handle 7 does the same with its packets"
says "changes nothing: its packets fare the same at the end of the chain"
run plan "$work/idle.nft" -j; exits 0
json '[.devices[0].idle[] | [.handle, .never_matches, .by, .by_end]] ==
	[[3, true, 2, false], [4, false, null, true], [6, false, 7, false]]'
json '.devices[0].idle[0] | .chain == "input" and (.text | contains("53"))'
run plan "$work/simple.nft" -j; json '.devices[0].idle == []'
cat >"$work/open.nft" <<'EOF'
table inet t {
	chain input {
		type filter hook input priority 0; policy accept;
		accept
		tcp dport 22 drop
		udp dport 53 counter drop
	}
}
EOF
run plan "$work/open.nft"; exits 0
says "2 rules no packet from eth0 can match, 0 change nothing"
says "can never match: handle 2 takes its packets"

# Only a jump's own packets pass behind it
cat >"$work/jump.nft" <<'EOF'
table ip t {
	chain logged { log; drop; }
	chain input {
		type filter hook input priority 0;
		tcp dport 1 jump logged
		tcp dport 2 drop
	}
}
EOF
run plan "$work/jump.nft" -j -v; exits 0
json '[.devices[0].rule_by_rule[] | select(.handle) | .decided] == ["kernel", "behind", "early", "early"]'

# iptables-save output, with counters
cat >"$work/saved" <<'EOF'
*filter
:INPUT DROP [40:4000]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
[5:300] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[60:6000] -A INPUT -s 203.0.113.0/24 -j DROP
[0:0] -A INPUT -p tcp -m recent --name x --set -j ACCEPT
COMMIT
EOF
run plan "$work/saved"; exits 0; says "xt recent"; says "of the 100 packets"

# Files that cannot be
run plan "$work/nosuch"; exits 1; complains "$work/nosuch"; complains "No such file"
printf 'table ip t {\n\tchain c { frob }\n}\n' >"$work/broken.nft"
run plan "$work/broken.nft"; exits 1; complains "broken.nft:2"; complains "syntax error"
run plan "$work/simple.nft" dev nosuch0; exits 1; complains "nosuch0"
if setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$sluice"; then
	run_as_nobody plan "$work/simple.nft" -j; exits 0; json '.devices[0].rules.early == 3'
	chmod 600 "$work/saved"
	run_as_nobody plan "$work/saved"; exits 1; complains "Permission denied"
else
	echo "skipped: nobody cannot run $sluice"
fi

# Live: text by nft, the device's side, one line a device
in_ns nft -f "$work/simple.nft"
run plan dev v0 -v; exits 0
says "v0: what attaching would do"; says "mode         tc"
says "native: refused: rule"; says "splits the large ones"
says 'ip saddr @banned counter packets 90 bytes 9000 drop # handle'
run plan dev v0 mode native; exits 0; says "mode         native"; says "largest MTU 65535 → 3506"
run plan dev v0 mode native -j; exits 0
json '.devices[0] | .mode == "native" and .attached == "none" and (.side_effects | length) >= 1'
run plan; exits 0; says "v0 "; says "3 of 6 rules early, "; says "90.0 % of 100 dropped packets"; says_not "lo "
run plan --check 95; exits 1; complains "less than 95 %"
ip -n "$ns" link add br0 type bridge
ip -n "$ns" link set br0 up
run plan dev br0; exits 0; says "all packets pass"; says " rules behind it"
! $hooks || says "0 of 6 decided early (at TC), 4 at netfilter's hooks, 2 left to the kernel"
run plan -j; exits 0; json '[.devices[].device] | sort == ["br0", "v0"]'
ip -n "$ns" link del br0

# Sniffers do not see what is dropped early
nsenter --net="/run/netns/$ns" python3 -c '
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print("ready", flush=True)
time.sleep(60)' >"$work/ready" &
sniffer=$!
while ! [ -s "$work/ready" ]; do sleep 0.05; done
run plan dev v0; exits 0; says "python3 ($sniffer)"; says "will not see what is dropped early"
run plan dev v0 -j; json ".devices[0].sniffers | any(.pid == $sniffer)"
kill $sniffer
wait $sniffer 2>/dev/null

# Planning attaches nothing, and knows what is attached
run status; says "not attached"
run attach dev v0 mode tc; exits 0
run plan dev v0; exits 0; says "attached     now: tc"; says "mode         tc"
says_not "TC ingress filter"
run detach; exits 0

# The real rulesets, where they are at hand
rulesets=$source_root/../shared/rulesets
if [ -d "$rulesets" ]; then
	for file in "$rulesets"/*.nft "$rulesets"/*.golden; do
		run plan "$file" -v; exits 0; says "decided early"
		run plan "$file" -j -v; exits 0
		json '.devices[0].rules | .early + .maybe + .kernel + .behind > 0'
	done
else
	echo "skipped: no real rulesets at ../shared/rulesets"
fi

finish
