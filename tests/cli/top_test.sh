#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# sluice top: as text, and on a terminal of 80 × 24 that tmux plays, with traffic that is counted
# where it is sent.
. "$(dirname "$0")/lib.sh"
make_namespaces
meet_neighbours

sender=
end_sender() {
	[ -z "$sender" ] || { kill "$sender"; wait "$sender"; } 2>/dev/null
	sender=
}
screen() { # ARGUMENT…: a tmux of our own
	tmux -L "$ns" -f /dev/null "$@" 2>>"$work/err"
}
trap 'end_sender; screen kill-server; clean_up' EXIT

# What the screen shows now goes to $work/out.
capture() {
	screen capture-pane -p >"$work/out"
}

# TEXT…: all of it is on the screen, sooner or later
shows() {
	ran="sluice top, on the screen"
	for _ in $(seq 200); do
		capture
		missing=
		for text in "$@"; do
			grep -qF -e "$text" "$work/out" || missing=$text
		done
		[ -n "$missing" ] || return
		sleep 0.1
	done
	fail "does not show: $missing"
}

# The text of the first rule, where the line above is the heading.
first_rule() {
	sed -n '/  RULE, early drops/{n;p;}' "$work/out"
}

# iptables-legacy's rules go by their places. At the end: its policies go on counting.
legacy_rules() {
	if ! in_ns iptables-legacy -A INPUT -p udp --dport 1 -j DROP 2>"$work/err"; then
		echo "skipped: rules of iptables-legacy: $(tail -1 "$work/err")"
		return
	fi
	in_ns iptables-legacy -A INPUT -p udp --dport 1003 -j DROP
	for _ in $(seq 100); do # nobody tells of such changes: it is noticed within half a second
		run status -j
		jq -e '.devices[0] | .fresh and .rules == 6' "$work/out" >/dev/null && break
		sleep 0.2
	done
	send_udp 50 10.9.0.1 1003 10
	run top --once --interval 0.1; exits 0; says "        50  ip legacy filter INPUT: rule 2"
	in_ns iptables-legacy -D INPUT 1
	run top --once --interval 0.1; exits 0; says "        50  ip legacy filter INPUT: rule 1"
}

in_ns nft -f - <<'RULES'
table inet filter {
	set blocked {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}
	chain input {
		type filter hook input priority 0; policy accept;
		ip saddr @blocked counter drop
		udp dport 1000 counter drop
		udp dport 1001 counter drop comment "the hot one"
		udp dport 1002 drop
	}
}
RULES

# Nothing to watch, and nowhere to show it
run top --once; exits 1; complains "nothing to watch: sluice is not attached to any device"
run top --once dev v0; exits 1; complains "sluice is not attached to v0"
run top --once dev nosuch0; exits 1; complains "no device nosuch0"
run top --json; exits 2; complains "it has no use for --json"
run top extra; exits 2; complains '"extra" is one word too many'
run top --interval 0; exits 2; complains "--interval takes seconds"
run top --batch 0; exits 2; complains "--batch takes how many times"
run list --once; exits 2; complains "it has no use for --once"
run attach dev v0; exits 0
run top; exits 1; complains "not a terminal"; complains "sluice top --once"
run top --once --interval 0.1; exits 0; says "v0"; says "no rule with a counter has dropped anything early"

# As text: counts to the packet, the hottest rule first by what is counted
send_udp 3 10.9.0.1 1000 1000
send_udp 20 10.9.0.1 1001 10
send_udp 4 10.9.0.1 1002 10
run top --batch 2 --interval 0.1; exits 0
[ "$(grep -c "^sluice top" "$work/out")" = 2 ] || fail "not two frames"
says "        20  inet filter input: udp dport 1001 counter drop comment \"the hot one\""
says "         3  inet filter input: udp dport 1000 counter drop"
first_rule | grep -q 1001 || fail "another rule is first: $(first_rule)"
says_not "192.0.2.1"
! grep -q "$(printf '\033')" "$work/out" || fail "it is not plain"

if ! command -v tmux >/dev/null; then
	echo "skipped: the screen: tmux is not installed"
	legacy_rules
	finish
fi

# Some 400 packets a second, a quarter of them to another port, and a fifth from another address:
# what it really was is in $work/sent.
ip -n "$peer" addr add 10.9.0.3/24 dev v1
nsenter --net="/run/netns/$peer" python3 -c '
import os, signal, socket, sys, time
running = True
def end(*_):
    global running
    running = False
signal.signal(signal.SIGTERM, end)
sockets = []
for address in ["10.9.0.2"] * 4 + ["10.9.0.3"]:
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sockets[-1].bind((address, 0))
began, sent = time.monotonic(), 0
while running:
    sockets[sent % 5].sendto(b"x" * 10, ("10.9.0.1", 1000 if sent % 4 else 1001))
    sent += 1
    if sent % 20 == 0:
        time.sleep(0.05)
        open(sys.argv[1] + ".new", "w").write(f"{sent} {sent / (time.monotonic() - began)}\n")
        os.rename(sys.argv[1] + ".new", sys.argv[1])
' "$work/sent" &
sender=$!

screen new-session -d -x 80 -y 24 "env LC_ALL=C.UTF-8 PS1='ready> ' sh" || skip "tmux does not start"
shows "ready>"
screen send-keys "stty -g >$work/before; $sluice -n $ns top --interval 0.5; stty -g >$work/after; echo status \$?" Enter
shows "> v0              native  fresh" "udp dport 1000 counter drop" "█ peak" "q quit"
[ "$(wc -l <"$work/out")" = 24 ] || fail "it is not 24 lines"
first_rule | grep -q "udp dport 1000" || fail "another rule is first: $(first_rule)"

# Who sends it, by samples: their share is what is sure to be theirs, and small numbers vary
shows "  10.9.0.2" "  10.9.0.3"
sed -n '/  SOURCE, /{n;p;}' "$work/out" | grep -q "  10.9.0.2$" || fail "another source is first"
run top --once --interval 0.1; exits 0; says "reads the samples of v0 already"; says "udp dport 1000"

# The rate that it shows is about the one at which they are sent: at one of several looks, since
# either may be held up.
ran="the rate on the screen"
for _ in $(seq 40); do
	capture
	shown=$(sed -n 's/^> v0  *native  *fresh  *\([0-9.k]*\) .*/\1/p' "$work/out")
	read -r sent rate <"$work/sent"
	echo "$shown $rate" | awk '{ if ($1 ~ /k/) $1 *= 1000; exit !($1 > 0.7 * $2 && $1 < 1.4 * $2) }' &&
		break
	shown=
	sleep 0.25
done
[ -n "$shown" ] || fail "it is nowhere near what is sent: $(cat "$work/sent")"

# Keys
screen send-keys s; shows "BIT/s     bytes  RULE"
screen send-keys s; shows "packets/s   PACKETS  RULE"
screen send-keys '?'; shows "pause, and go on"
screen send-keys '?' p; shows "PAUSED" "p go on"
end_sender
ran="a pause"
before=$(cat "$work/out"); sleep 1; capture
[ "$(cat "$work/out")" = "$before" ] || fail "the screen changes in a pause"
screen send-keys p
shows " 0    0.0%        0"

# Other sizes, down to none worth mentioning
screen resize-window -x 40 -y 8; shows "> v0" "sluice top"
screen resize-window -x 3 -y 1; sleep 0.3
screen resize-window -x 100 -y 30; shows "> v0" "q quit"

# A second device, which goes while it is watched
ip -n "$ns" link add v2 type veth peer name v3
ip -n "$ns" link set v2 up
run attach dev v2; exits 0
shows "> v0" "  v2" "2 devices"
screen send-keys Tab; shows "> v2" "since v2 was attached"
screen send-keys Tab; shows "> v0"
screen send-keys Up; shows "> v2"
ip -n "$ns" link del v2
run detach dev v2
shows "> v0" "sluice is no longer attached to v2"
run detach dev v0; exits 0
shows "sluice is no longer attached to any device"
run attach dev v0; exits 0
shows "> v0" "native"

# q, and signals, leave the terminal as it was
gives_back() { # STATUS
	shows "ready>" "status $1"
	! grep -q "sluice top  " "$work/out" || fail "the screen is still there"
	cmp -s "$work/before" "$work/after" || fail "the terminal is not as it was"
	screen send-keys "clear" Enter
}
again() { # VARIABLE…
	screen send-keys "stty -g >$work/before; $* $sluice -n $ns top; e=\$?; stty -g >$work/after; echo status \$e" Enter
}
screen send-keys q; gives_back 0
again; shows "> v0"; screen send-keys C-c; gives_back 0
again NO_COLOR=1; shows "> v0"
kill "$(pgrep -P "$(screen display-message -p '#{pane_pid}')")"; gives_back 0
again TERM=dumb; shows "cannot move its cursor" "status 1"
screen send-keys "clear" Enter
again TERM=nonsense; shows "the terminal is not known" "status 1"
legacy_rules

finish
