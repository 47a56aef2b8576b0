#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The page of a plan: well-formed, true, closed to whatever the rules are called, whole or not there.
. "$(dirname "$0")/lib.sh"
make_namespaces

page=$work/page.html
looks_right() { # ARGUMENT…: what else to compare it with (report_page.py)
	python3 "$source_root/tests/cli/report_page.py" "$page" "$@" >"$work/out" 2>"$work/err" ||
		fail "the page is not right"
}

holds() { # TEXT: on the page
	grep -qF -e "$1" "$page" || fail "the page does not hold: $1"
}

holds_not() {
	! grep -qF -e "$1" "$page" || fail "the page holds: $1"
}

# A file, whose name is text. One chain is long, some are not met.
rules="$work/rules <i>.nft"
{
	cat <<'EOF'
table netdev edge {
	chain early {
		type filter hook ingress device "eth0" priority 0; policy accept;
		ip saddr 192.0.2.0/24 counter packets 90 bytes 9000 drop
	}
}
table inet filter {
	map ports {
		type inet_service : verdict
		elements = { 22 : jump ssh, 80 : jump web }
	}
	chain ssh {
		ip saddr 10.0.0.0/8 accept
		jump refuse
	}
	chain web {
		accept
	}
	chain refuse {
		limit rate 5/second counter packets 10 bytes 1000 drop
		counter packets 1 bytes 1 drop
	}
	chain unused {
		tcp dport 1 drop
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related counter accept
		tcp dport vmap @ports
		tcp dport 99 log reject
		ct state invalid drop
	}
	chain output {
		type filter hook output priority 0; policy accept;
		tcp dport 25 drop
	}
	chain long {
		type filter hook input priority 5; policy accept;
EOF
	for i in $(seq 250); do echo "ip saddr 10.1.$i.0/24 tcp dport $i counter drop"; done
	printf '}\n}\n'
} >"$rules"
run plan "$rules" -j -v; exits 0; cp "$work/out" "$work/plan"
run report --html "$page" "$rules"; exits 0; says "eth0: $page"
looks_right --plan "$work/plan" --cost "$source_root/bench/results/2026-11-21-cost.json"
holds "rules of a file: not loaded"; holds "rules &lt;i&gt;.nft"
holds "sluice at XDP"; holds "would be dropped by sluice"; holds "Not on its way"
holds "<summary>201–250 "
holds_not "<i>.nft"
[ "$(stat -c %a "$page")" = 600 ] || fail "the page is for others, too"
run report --html - "$rules"; exits 0; says "<!DOCTYPE html>"
run report --json --html "$page" "$rules"; exits 0
json '.device == "eth0" and (.html | endswith("/page.html"))'

# More chains than can be drawn
{
	echo 'table ip t {'
	for i in $(seq 40); do printf 'chain c%s {\naccept\n}\n' "$i"; done
	echo 'chain in { type filter hook input priority 0; policy accept;'
	echo "tcp dport vmap { $(for i in $(seq 40); do printf '%s : jump c%s, ' "$i" "$i"; done) }"
	printf '}\n}\n'
} >"$work/many.nft"
run plan "$work/many.nft" -j -v; exits 0; cp "$work/out" "$work/plan"
run report --html "$page" "$work/many.nft"; exits 0
looks_right --plan "$work/plan"
holds "… and 17 more chains"; holds "<summary>jumps to 40 chains</summary>"

# Chains may be called nearly anything by iptables
if command -v iptables-nft-restore >/dev/null; then
	cat >"$work/odd.iptables" <<'EOF'
*filter
:INPUT DROP [7:70]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:<script>a(1)&lt;</script> - [0:0]
-A INPUT -p tcp -j <script>a(1)&lt;</script>
-A <script>a(1)&lt;</script> -p tcp --dport 1 -j DROP
COMMIT
EOF
	run plan "$work/odd.iptables" -j -v; exits 0; cp "$work/out" "$work/plan"
	run report --html "$page" "$work/odd.iptables"; exits 0
	looks_right --plan "$work/plan"
	holds "&lt;script&gt;a(1)&amp;lt;&lt;/script&gt;"; holds_not "<script"
else
	echo "skipped: no iptables-nft-restore"
fi

# Live: planned, of a device with such a name
odd='v<b>"&'
ip -n "$ns" link add "$odd" type veth peer name v3 netns "$peer"
in_ns nft -f - <<'EOF'
table inet filter {
	chain input {
		type filter hook input priority 0; policy accept;
		udp dport 1000 counter drop comment "</code><script>alert(1)</script><b title='"
		udp dport 1001 counter jump deeper
		ct state invalid counter drop
	}
	chain deeper {
		counter drop
	}
}
EOF
printf 'add rule inet filter deeper tcp dport 1 drop comment "no UTF-8: \377\300\274"' | in_ns nft -f -
run plan dev "$odd" -j -v; exits 0; cp "$work/out" "$work/plan"
run report --html "$page" dev "$odd"; exits 0
looks_right --plan "$work/plan"
holds "not attached"; holds "No rule or policy that drops has counted a packet."
holds "v&lt;b&gt;&quot;&amp;"; holds_not "$odd"
holds "&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b title=&#39;"; holds_not "<script"
holds 'no UTF-8: \xff\xc0\xbc'

# … and attached: the counts are those of `list`
meet_neighbours
send_udp 10 10.9.0.1 1000 10
run attach dev v0; exits 0
send_udp 30 10.9.0.1 1000 10
send_udp 5 2001:db8:9::1 1001 10
sleep 0.2
run report --html "$page" dev v0; exits 0
run plan dev v0 -j -v; exits 0; cp "$work/out" "$work/plan"
run list dev v0 -j; exits 0; cp "$work/out" "$work/list"
looks_right --plan "$work/plan" --list "$work/list"
holds "● attached: native"; holds "● rules fresh"; holds "● kept in step"
holds "<b>77.8<small> %</small></b> were dropped by sluice"; holds "30 early"
run detach; exits 0

# A browser's opinion: the same rules, no name that became a tag, and something to be seen
if command -v chromium >/dev/null; then
	browse() {
		timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
			--disable-background-networking --disable-component-update --disable-sync \
			--user-data-dir="$work/chromium" --window-size=1280,2000 "$@" "file://$page" \
			>"$work/out" 2>"$work/err"
		status=$?
		ran="chromium $1"
		exits 0
	}
	count_rules() { grep -cE '<li class="[a-z]+( drops)?"><b title' "$1"; }
	browse --dump-dom
	[ "$(count_rules "$work/out")" = "$(count_rules "$page")" ] || fail "it does not find all rules"
	! grep -qF '<script' "$work/out" || fail "a name has become a tag"
	browse --screenshot="$work/page.png"
	[ "$(od -A n -t x1 -N 4 "$work/page.png" | tr -d ' ')" = 89504e47 ] || fail "no picture"
	[ "$(stat -c %s "$work/page.png")" -gt 50000 ] || fail "the picture is empty"
else
	echo "skipped: what a browser makes of it: chromium is not installed"
fi

# Whole or not at all
run report --html "$work/nowhere/page.html" dev v0; exits 1
complains "cannot write $work/nowhere/page.html: No such file or directory"
run report --html "$work" dev v0; exits 1; complains "$work is there and is no plain file"
run report --html /dev/full dev v0; exits 1; complains "/dev/full is there and is no plain file"
"$sluice" -n "$ns" report --html - dev v0 >/dev/full 2>"$work/err"
status=$?
ran="sluice report --html - >/dev/full"
exits 1; complains "cannot write the output"
mkdir "$work/small"
unshare -m sh -c 'mount -t tmpfs -o size=8k tmpfs "$2" && echo before >"$2/page.html" &&
	{ "$1" -n "$3" report --html "$2/page.html" dev v0; echo $? >"$4"; ls "$2"; cat "$2/page.html"; }' \
	sh "$sluice" "$work/small" "$ns" "$work/status" >"$work/out" 2>"$work/err"
status=$(cat "$work/status" 2>/dev/null)
ran="sluice report, on a full disk"
exits 1; complains "cannot write $work/small/page.html: No space left on device"
printf 'page.html\nbefore\n' | cmp -s - "$work/out" || fail "something else is left there"

run report dev v0; exits 2; complains "where to? --html FILE"
run report --html "$page"; exits 2; complains "which device?"
run report --html "$page" a b; exits 2; complains '"b" is one word too many'
run report --html "$page" dev nosuch0; exits 1; complains "no device nosuch0 in this network namespace"
run report --html; exits 2; complains "--html wants a value"
finish
