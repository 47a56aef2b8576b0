# SPDX-License-Identifier: GPL-2.0-only
# What the tests of the command line share: two private namespaces joined by a veth pair, and words
# to say what is expected. Sourced with $1 = the sluice to test, $2 = the source tree.
#
#	$ns: v0 10.9.0.1/24 2001:db8:9::1/64        $peer: v1 10.9.0.2/24 2001:db8:9::2/64

sluice=$1
source_root=$2
ns=sluice-cli-$$
peer=$ns-peer
failures=0

skip() {
	echo "skipped: $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip "network namespaces and BPF want root"
for tool in ip nft jq python3 nsenter setpriv; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

work=$(mktemp -d)
chmod 755 "$work"

clean_up() {
	if [ -e "/run/netns/$ns" ]; then
		"$sluice" -n "$ns" detach >/dev/null 2>&1
		ip netns del "$ns"
	fi
	[ -e "/run/netns/$peer" ] && ip netns del "$peer"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

make_namespaces() {
	ip netns add "$ns" && ip netns add "$peer" || skip "cannot make network namespaces"
	ip -n "$ns" link add v0 type veth peer name v1 netns "$peer" || skip "no veth devices"
	in_ns sysctl -qw net.ipv6.conf.v0.accept_dad=0
	in_peer sysctl -qw net.ipv6.conf.v1.accept_dad=0
	ip -n "$ns" addr add 10.9.0.1/24 dev v0
	ip -n "$ns" addr add 2001:db8:9::1/64 dev v0
	ip -n "$peer" addr add 10.9.0.2/24 dev v1
	ip -n "$peer" addr add 2001:db8:9::2/64 dev v1
	ip -n "$ns" link set lo up
	ip -n "$ns" link set v0 up
	ip -n "$peer" link set v1 up
}

in_ns() {
	nsenter --net="/run/netns/$ns" "$@"
}

in_peer() {
	nsenter --net="/run/netns/$peer" "$@"
}

# Runs sluice in $ns; leaves its output in $work/out and $work/err, its exit status in $status.
run() {
	"$sluice" -n "$ns" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	ran="sluice $*"
}

run_as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$sluice" "$@" \
		>"$work/out" 2>"$work/err" </dev/null
	status=$?
	ran="sluice $* (as nobody)"
}

fail() {
	failures=$((failures + 1))
	echo "FAILED: $ran: $*"
	sed 's/^/  out: /' "$work/out" | head -40
	sed 's/^/  err: /' "$work/err" | head -10
}

exits() { # STATUS
	[ "$status" = "$1" ] || fail "exit status $status, not $1"
}

says() { # TEXT: on standard output
	grep -qF -e "$1" "$work/out" || fail "does not say: $1"
}

says_not() {
	! grep -qF -e "$1" "$work/out" || fail "says: $1"
}

complains() { # TEXT: on standard error
	grep -qF -e "$1" "$work/err" || fail "does not complain: $1"
}

json() { # FILTER: a jq filter that must hold
	jq -e "$1" "$work/out" >/dev/null 2>&1 || fail "JSON: not so: $1"
}

# COUNT ADDRESS PORT SIZE: UDP packets of SIZE payload bytes, from the peer
send_udp() {
	in_peer python3 -c '
import socket, sys
count, address, port, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
for i in range(count):
    try:
        s.sendto(b"x" * size, (address, port))
    except ConnectionRefusedError:
        pass
' "$@"
}

# Neighbours are found before rules that could drop what finds them.
meet_neighbours() {
	in_peer ping -q -c1 -W2 10.9.0.1 >/dev/null 2>&1
	in_peer ping -q -c1 -W2 2001:db8:9::1 >/dev/null 2>&1
	ip -n "$peer" neigh replace 10.9.0.1 dev v1 lladdr "$(mac_of v0)" nud permanent
	ip -n "$peer" neigh replace 2001:db8:9::1 dev v1 lladdr "$(mac_of v0)" nud permanent
}

mac_of() {
	ip -n "$ns" -j link show "$1" | jq -r '.[0].address'
}

finish() {
	[ "$failures" = 0 ] || exit 1
	exit 0
}
