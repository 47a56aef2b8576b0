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

# An emulated processor takes seconds to verify a program.
is_fresh_within() { # SECONDS
	for _ in $(seq $(($1 * 2))); do
		sluice status | grep -q fresh && return 0
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
	sleep 1
	sluice -n b status | grep -q fresh
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
	codegen 1 20 40
	report "generated code agrees with the interpreter" $?
	codegen 1 10 40 tc
	report "generated code agrees with the interpreter at TC" $?
	codegen 1 100 40 below
	report "generated code agrees with the interpreter below a VLAN device" $?
}

filter() {
	without_tcx /sluice/sluice
	report "attached by a filter" $?
}

audit() {
	local what
	for what in "agrees natively" "agrees in generic" "agrees at TC"; do
		netns-audit /sluice/sluice "$what"
		report "audit: $what" $?
	done
}

rates() {
	netns-limit /sluice/sluice
	report "rates are read where this kernel keeps them" $?
}

filled() {
	case $(uname -r) in
	6.[0-9].* | 6.1[01].*)
		echo "skip - sets that packets fill: asked on 6.12 and later"
		;;
	*)
		netns-filled /sluice/sluice
		report "sets that packets fill are asked where this kernel keeps them" $?
		;;
	esac
}

# Where this kernel keeps iptables-legacy's tables, and that their changes are seen.
legacy() {
	local what
	for what in "legacy rules drop early" "changes that come to the same place"; do
		netns-legacy /sluice/sluice "$what"
		report "iptables-legacy: $what" $?
	done
}

# Devices that not every host's kernel has; of VLANs' other cases none is needed.
devices() {
	local what
	netns-vlan /sluice/sluice "vlan device"
	report "devices on devices: vlan" $?
	for what in bond vrf; do
		netns-$what /sluice/sluice
		report "devices on devices: $what" $?
	done
}

below() {
	local what
	for what in below "goes to another"; do
		netns-vlan /sluice/sluice "$what"
		report "natively on the device below: $what" $?
	done
}

# Whose filter stands at netfilter's hooks, where the kernel has them (6.4).
known() {
	SLUICE_MODULES_ARE_OURS=1 netns-known /sluice/sluice
	report "known connections" $?
}

hooks() {
	netfilter_hooks /sluice/sluice
	report "at netfilter's hooks" $?
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
	/sluice/differential --seed 1 --rulesets 1000 --frames 60 --for 90 --limit 300 --keep-going "$@" | tee /tmp/differential
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
[ ${#parts[@]} -gt 0 ] || parts=(early attachments code filter audit rates filled legacy devices below known hooks story differential)
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
