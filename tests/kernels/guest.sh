#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The init of a guest kernel: what sluice must do on it, in few words. Ends with the power off.
export PATH=/usr/sbin:/bin:/sluice
/bin/busybox --install -s /bin
rm -f /bin/ip /bin/sh # busybox's own are not enough
ln -s bash /bin/sh
ln -s bin /sbin # the kernel calls /sbin/modprobe
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t devtmpfs dev /dev
mount -t bpf bpf /sys/fs/bpf
export SLUICE_PATIENCE=6 # a guest of a guest takes its time
failed=0
report() { # NAME STATUS
	local when
	when="at $(cut -d. -f1 /proc/uptime) s"
	case $2 in
	0) echo "ok - $1, $when" ;;
	77) echo "skip - $1, $when" ;;
	*) echo "not ok - $1, $when"; failed=1 ;;
	esac
}

is_before() { # MAJOR MINOR: this kernel
	local major minor
	IFS=.- read -r major minor _ <<<"$(uname -r)"
	((major * 1000 + minor < $1 * 1000 + $2))
}

# The cases of a test that ask the kernel something that another may answer otherwise. Each takes half a
# minute on a busy machine; all of them run on every host.
cases() { # NAME PROGRAM CASE…
	local name=$1 program=$2 what
	shift 2
	for what; do
		"$program" /sluice/sluice "$what"
		report "$name: $what" $?
	done
}

# An emulated processor takes seconds to verify a program.
is_fresh_within() { # SECONDS [OPTION…]
	local seconds=$1
	shift
	for _ in $(seq $((seconds * 2))); do
		sluice "$@" status | grep -q fresh && return 0
		sleep 0.5
	done
	return 1
}

# Nothing is loaded yet: the kernel fetches what it is asked for.
early() {
	modprobe veth
	ip link add early type veth peer name late
	ip link set early up; ip link set late up
	lsmod | grep -q '^nf_tables '
	report "nf_tables is not loaded" $((!$?))
	sluice attach dev early -v 2>&1
	report "attach before nf_tables is there" $?
	sleep 1
	sluice status | grep -q fresh
	report "fresh before any rules" $?
	nft add table inet t
	nft 'add chain inet t input { type filter hook input priority 0; policy drop; }'
	is_fresh_within 10
	report "fresh behind the first rules" $?
	sluice detach
	nft flush ruleset
	ip link del early
}

# All that anybody below may ask for, but for who makes connections: beside bridges' conntrack and IPVS
# no filter of connections is used.
load_modules() {
	local module
	for module in nf_tables nf_conntrack nf_nat veth bridge macvlan 8021q bonding vrf dummy ifb tun act_vlan \
		$(find /lib/modules -name 'nft_*.ko' -o -name 'xt_*.ko' -o -name 'ip*t_*.ko' -o -name 'nf_conntrack_*.ko' \
			-o -name 'nf_log_*.ko' -o -name 'nfnetlink*.ko' -o -name 'ip*_tables.ko' -o -name 'nf_reject*.ko' |
			sed 's|.*/||; s|\.ko$||' | grep -v -e nf_conntrack_bridge -e xt_ipvs); do
		modprobe "$module" 2>/dev/null
	done
}

# What every attachment must do; the first argument is for people, the second the port that is asked.
try() {
	local how=$1 port=$2 before after
	sleep 3 # the first question of all loads conntrack's module
	ip netns exec a bash -c "for i in 1 2 3 4 5 6 7 8 9 10; do echo x >/dev/udp/10.9.0.2/$port; done"
	sluice -n b status
	sluice -n b status --json | grep -q '"dropped_early": [1-9]'
	report "policy drop behind conntrack drops early $how" $?
	ip netns exec b nft add rule inet filter input udp dport "$port" accept
	before=$(sluice -n b status --json | sed -n 's/.*"dropped_early": \([0-9]*\).*/\1/p')
	ip netns exec a bash -c "echo x >/dev/udp/10.9.0.2/$port"
	after=$(sluice -n b status --json | sed -n 's/.*"dropped_early": \([0-9]*\).*/\1/p')
	[ "$before" = "$after" ]
	report "a rule that changes is honoured at once $how" $?
	is_fresh_within 10 -n b
	report "fresh again after the change $how" $?
	sluice -n b detach
	report "detach $how" $?
}

attachments() {
	local n
	ip netns add a && ip netns add b
	ip link add va netns a type veth peer name vb netns b
	ip -n a addr add 10.9.0.1/24 dev va; ip -n b addr add 10.9.0.2/24 dev vb
	for n in a b; do ip -n $n link set lo up; done
	ip -n a link set va up; ip -n b link set vb up
	ip netns exec b nft -f - <<-'N'
	table inet filter {
		chain input {
			type filter hook input priority 0; policy drop;
			ct state established,related accept
			udp dport 53 accept
		}
	}
	N
	sluice -n b attach dev vb -v 2>&1
	report "attach natively" $?
	try "natively" 1234
	# By a link where the kernel has TCX (6.6), by a filter before.
	sluice -n b attach dev vb mode tc -v 2>&1
	report "attach at TC" $?
	try "at TC" 4321
	! ip netns exec b tc qdisc show dev vb | grep -q clsact
	report "detach at TC leaves nothing" $?
	ip netns del a; ip netns del b
}

code() {
	codegen 1 10 40
	report "generated code agrees with the interpreter" $?
	codegen 1 5 40 tc
	report "generated code agrees with the interpreter at TC" $?
	codegen 1 30 40 below # of fewer none drops
	report "generated code agrees with the interpreter below a VLAN device" $?
}

filter() {
	is_before 6 6 || { echo "skip - attached by a filter: this kernel has TCX"; return; }
	cases "attached by a filter" without_tcx "drops, and leaves nothing" "change of rules is honoured" \
		"filter ahead is noticed" "drops go on without the keeper" "filter without pins is cleaned up"
}

audit() {
	cases audit netns-audit "agrees natively" "agrees at TC"
}

rates() {
	cases "rates are read where this kernel keeps them" netns-limit "beyond what is accepted" "over a rate"
}

filled() {
	is_before 6 12 && { echo "skip - sets that packets fill: asked on 6.12 and later"; return; }
	cases "sets that packets fill are asked where this kernel keeps them" netns-filled \
		"who was added is dropped, at TC" "by IPv6 addresses" "what nft deletes" "large sets grow"
}

# Where this kernel keeps iptables-legacy's tables, and that their changes are seen.
legacy() {
	local what
	for what in "legacy rules drop early" "changes that come to the same place"; do
		netns-legacy /sluice/sluice "$what"
		report "iptables-legacy: $what" $?
	done
}

recent() {
	local what
	for what in "who was set is dropped" "who is not in it" "it is counted" "who may be pushed"; do
		netns-recent /sluice/sluice "$what"
		report "lists of recent are asked where this kernel keeps them: $what" $?
	done
}

# Devices that not every host's kernel has; of VLANs' other cases none is needed.
devices() {
	cases "devices on devices" netns-vlan "of a vlan device are followed"
	cases "devices on devices" netns-bond "joins while attached" "vlan device on a bond"
	cases "devices on devices" netns-vrf "joins while attached"
}

below() {
	cases "natively on the device below" netns-vlan "judged below" "goes to another" "second tag"
}

# Whose filter stands at netfilter's hooks, where the kernel has them (6.4).
known() {
	is_before 6 4 && { echo "skip - known connections: this kernel has no netfilter links"; return; }
	SLUICE_MODULES_ARE_OURS=1 cases "known connections" netns-known "connections of any age" \
		"hooks are taken away" "modules come and go"
}

hooks() {
	is_before 6 4 && { echo "skip - at netfilter's hooks: this kernel has no links there"; return; }
	cases "at netfilter's hooks" netfilter_hooks "icmp of a policy drop" "established connections live" \
		"rules go while the keeper is stopped" "detaching leaves nothing"
}

# A flood that leaves this slow processor time for others.
story() {
	FLOOD_RATE=1000 /usr/bin/python3 /tree/tests/stories/run docker-host --build /tree/build | tee /tmp/story
	[ "${PIPESTATUS[0]}" = 0 ] && grep -q 'with sluice: a bond: lost a member' /tmp/story
	report "a Docker host on a VLAN over a bond" $?
}

# Some random rules want modules that cloud kernels do not have: those trials do not count.
compare() { # NAME OPTION…
	local name=$1
	shift
	/sluice/differential --seed 1 --rulesets 1000 --frames 60 --for 45 --limit 300 --keep-going "$@" | tee /tmp/differential
	grep -q '[1-9][0-9]* same, 0 different, [01] unsteady' /tmp/differential &&
		! grep -q 'with it 0 frames were dropped early' /tmp/differential
	report "differential, $name" $?
}

differential() {
	# Of the whole machine before 6.11: labs cannot lift them.
	echo 1000000 >/proc/sys/net/ipv4/icmp_msgs_per_sec
	echo 1000000 >/proc/sys/net/ipv4/icmp_msgs_burst
	# Whatever the ladder would say.
	compare native --attach '/sluice/sluice attach dev in0 mode native' \
		--detach '/sluice/sluice detach dev in0'
	compare "as attach chooses, and at TC" --sluice /sluice/sluice
}

echo "guest: $(uname -r)"
read -ra parts </parts
[ ${#parts[@]} -gt 0 ] || parts=(early attachments code filter audit rates filled recent legacy devices below known hooks story differential)
if [ "${parts[0]}" = early ]; then
	early
	parts=("${parts[@]:1}")
fi
load_modules
for part in "${parts[@]}"; do
	$part
done
[ $failed = 0 ] && echo "guest: all well"
poweroff -f
