// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: XDP judges all packets of a batch before conntrack has seen the first of them, so that a
 * connection which one of them begins is not there yet for the others (bpf/batch.h).
 *
 * Each case sends one batch without sluice and one with it, from fresh ports, and compares how many
 * packets the rule for established connections took.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define SYN 0x02
#define ACK 0x10

/* Nobody has these: what the host answers them goes nowhere, and brings nothing back. */
#define STRANGER "10.77.0.98"
#define FLOOD    "10.77.0.99"

/* Sluice leaves it to the kernel, whose rules drop it. */
#define IPSEC_PORT 4500

#define ESTABLISHED "		ct state established counter accept\n"
#define TABLE(hook, rules)                                                                         \
	"table inet t {\n"                                                                         \
	"	chain c {\n"                                                                             \
	"		type filter hook " hook " priority 0; policy drop;\n" rules "	}\n"         \
	"}\n"

/* Sending a batch: a full bucket keeps frames waiting, until it is exchanged for a wide one. */

static void hold_wire(void)
{
	run(ON_WIRE, "tc qdisc add dev wire0 root tbf rate 8bit burst 1000 limit 100000");
	send_frame(&(struct frame){.dport = CLOSED_PORT, .payload = 1000 - 42});
}

static void release_wire(void)
{
	run(ON_WIRE, "tc qdisc change dev wire0 root tbf rate 10gbit burst 1000000 limit 100000");
	send_udp(CLOSED_PORT); /* it takes those that wait with it */
	run(ON_WIRE, "tc qdisc del dev wire0 root");
}

static void send_apart(const char *from)
{
	send_frame(&(struct frame){.from = from, .dport = IPSEC_PORT});
}

/*
 * GRO hands packets over in lists. Those of one list and family all meet prerouting before the
 * first is confirmed, and the kernel itself takes the second for new. With one of the other family
 * in between it is not.
 */
static void send_batch(const struct frame *first, const struct frame *second)
{
	hold_wire();
	send_frame(first);
	send_apart("fd77::99");
	send_apart("10.77.0.99");
	send_frame(second);
	release_wire();
	pause_ms(50);
}

static u64 count_established(void)
{
	run(ON_HOST, "nft list chain inet t c | sed -n 's/.*counter packets "
		     "\\([0-9]*\\).*/\\1/p'");
	return strtoull(output, NULL, 10);
}

/* What the established rule takes of a batch, which ends in a port of its own. */
typedef void batch_fn(u16 port);

static u64 taken_of(batch_fn *batch, u16 port)
{
	u64 before = count_established();

	batch(port);
	return count_established() - before;
}

static void compare(const char *rules, batch_fn *batch, u64 expected)
{
	u64 without, with;

	load_nft(rules);
	without = taken_of(batch, 4001);
	expect(without == expected, "without sluice %llu of the batch are of a known connection",
	       (unsigned long long)without);
	attach();
	prove_early_drops();
	with = taken_of(batch, 4002);
	expect(with == without, "with sluice %llu of the batch were let in, without it %llu",
	       (unsigned long long)with, (unsigned long long)without);
}

/* One direction */

#define ONLY_SYN                                                                                   \
	ESTABLISHED                                                                                \
	"		tcp dport 22 tcp flags & (syn|ack) == syn accept\n"

static void syn_and_ack(u16 port)
{
	struct frame syn = {.protocol = IPPROTO_TCP, .from = STRANGER, .sport = port, .dport = 22};
	struct frame ack = syn;

	ack.tcp_flags = ACK;
	send_batch(&syn, &ack);
}

static void syn_and_ack_at_once(u16 port)
{
	struct frame syn = {.protocol = IPPROTO_TCP, .from = STRANGER, .sport = port, .dport = 22};
	struct frame ack = syn;

	ack.tcp_flags = ACK;
	hold_wire();
	send_frame(&syn);
	send_frame(&ack);
	release_wire();
	pause_ms(50);
}

/* The host answers a SYN on the spot, and what follows is of an established connection. */
static void build_liberal_host(void)
{
	build_lab();
	load_nft("table inet t { chain c { ct state new accept; }; }");
	set_sysctl(ON_HOST, "netfilter/nf_conntrack_tcp_be_liberal", "1");
	listen_tcp(ON_HOST, 22);
	enter(ON_HOST);
	run(ON_HOST, "nft flush ruleset");
}

static void ack_behind_its_syn(void)
{
	build_liberal_host();
	compare(TABLE("input", ONLY_SYN), syn_and_ack, 1);
}

/* Steered packets wait in a backlog, and leave it one by one. */
static void steered_to_another_cpu(void)
{
	build_liberal_host();
	if (attempt(ON_HOST, "unshare -m sh -c 'mount -t sysfs sysfs /sys && "
			     "echo 3 >/sys/class/net/dut0/queues/rx-0/rps_cpus'"))
		skip_case("no packet steering: %s", output);
	compare(TABLE("input", ONLY_SYN), syn_and_ack_at_once, 1);
}

static void syn_twice(u16 port)
{
	struct frame syn = {.protocol = IPPROTO_TCP, .from = STRANGER, .sport = port, .dport = 22};
	struct frame again = syn;

	again.ttl = 63;
	send_batch(&syn, &again);
}

static void syn_again_by_another_way(void)
{
	build_lab();
	listen_tcp(ON_HOST, 22);
	compare(TABLE("input", ESTABLISHED "		tcp dport 22 ip ttl 64 accept\n"),
		syn_twice, 1);
}

static void long_and_short(u16 port)
{
	struct frame large = {.sport = port, .dport = OPEN_PORT, .payload = 200};
	struct frame small = large;

	small.payload = 20;
	send_batch(&large, &small);
}

/* Without an answer the connection stays new. */
static void datagrams_of_two_lengths(void)
{
	build_lab();
	listen_udp(ON_HOST, OPEN_PORT);
	compare(TABLE("input", ESTABLISHED "		udp dport 5000 meta length > 100 accept\n"),
		long_and_short, 0);
}

/* What the first one leaves at the connection, rules can ask of the second. */
static void mark_of_the_connection(void)
{
	build_lab();
	listen_udp(ON_HOST, OPEN_PORT);
	compare(TABLE("input",
		      "		ct state established accept\n"
		      "		udp dport 5000 ct mark 7 counter accept\n"
		      "		udp dport 5000 meta length > 100 ct mark set 7 accept\n"),
		long_and_short, 1);
}

/* Both directions */

static void there_and_back(const char *one, const char *other, u16 port)
{
	struct frame there = {.from = one, .to = other, .sport = port, .dport = port};
	struct frame back = {.from = other, .to = one, .sport = port, .dport = port};

	send_batch(&there, &back);
}

static void across_the_router(u16 port)
{
	there_and_back("10.88.0.2", "10.77.0.2", port);
}

/* The network behind the host has a second way to it. */
static void both_directions_from_one_side(void)
{
	build_lab();
	build_back();
	compare("table inet t {\n"
		"	chain in { type filter hook input priority 0; policy drop; }\n"
		"	chain c {\n"
		"		type filter hook forward priority 0; policy drop;\n" ESTABLISHED
		"		ip saddr 10.88.0.0/24 accept\n"
		"	}\n"
		"}\n",
		across_the_router, 1);
}

static void to_itself(u16 port)
{
	there_and_back("fd77::1", "fd77::3", port);
}

/* IPv6 takes packets that come from its own addresses. */
static void both_addresses_are_ours(void)
{
	build_lab();
	run(ON_HOST, "ip addr add fd77::3/64 dev dut0 nodad");
	compare(TABLE("input", ESTABLISHED "		ip6 daddr fd77::3 accept\n"), to_itself, 1);
}

static void to_itself_by_ip(u16 port)
{
	there_and_back("10.77.0.1", "10.77.0.5", port);
}

static void both_addresses_are_ours_by_ip(void)
{
	build_lab();
	set_sysctl(ON_HOST, "ipv4/conf/dut0/accept_local", "1");
	run(ON_HOST, "ip addr add 10.77.0.5/24 dev dut0");
	compare(TABLE("input", ESTABLISHED "		ip daddr 10.77.0.5 accept\n"),
		to_itself_by_ip, 1);
}

static void accept_local_is_set_later(void)
{
	build_lab();
	load_nft(TABLE("input", ESTABLISHED));
	attach();
	prove_early_drops();
	set_sysctl(ON_HOST, "ipv4/conf/all/accept_local", "1");
	expect_no_early_drops("the compile knows nothing of accept_local");
	settle();
	prove_early_drops();
}

static void masqueraded(u16 port)
{
	struct frame there = {.to = "10.77.0.3", .sport = port, .dport = port};
	struct frame back = {.from = "10.77.0.3", .sport = port, .dport = port};

	send_batch(&there, &back);
}

#define NEIGHBOUR "ip neigh replace 10.77.0.3 lladdr 02:00:00:00:00:02 dev dut0 nud permanent"

static void masqueraded_on_the_same_side(void)
{
	build_lab();
	build_back();
	run(ON_HOST, NEIGHBOUR);
	compare("table inet t {\n"
		"	chain in { type filter hook input priority 0; policy drop; }\n"
		"	chain post { type nat hook postrouting priority 100; masquerade; }\n"
		"	chain c {\n"
		"		type filter hook forward priority 0; policy drop;\n" ESTABLISHED
		"		ip daddr 10.77.0.3 accept\n"
		"	}\n"
		"}\n",
		masqueraded, 1);
}

static void redirected(u16 port)
{
	struct frame there = {.from = "10.88.0.2", .sport = port, .dport = 53};
	struct frame back = {.from = "10.77.0.3", .to = "10.88.0.2", .sport = 53, .dport = port};

	send_batch(&there, &back);
}

static void redirected_on_the_same_side(void)
{
	build_lab();
	build_back();
	run(ON_HOST, NEIGHBOUR);
	compare("table inet t {\n"
		"	chain in { type filter hook input priority 0; policy drop; }\n"
		"	chain pre {\n"
		"		type nat hook prerouting priority -100;\n"
		"		udp dport 53 dnat ip to 10.77.0.3\n"
		"	}\n"
		"	chain c {\n"
		"		type filter hook forward priority 0; policy drop;\n" ESTABLISHED
		"		ip daddr 10.77.0.3 accept\n"
		"	}\n"
		"}\n",
		redirected, 1);
}

static void syn_and_ack_to_the_back(u16 port)
{
	struct frame syn = {.protocol = IPPROTO_TCP, .to = "10.88.0.2", .sport = port, .dport = 22};
	struct frame ack = syn;

	ack.tcp_flags = ACK;
	send_batch(&syn, &ack);
}

/* A host that serves TCP 22 by these rules, attached. */
static void serve(const char *rules)
{
	build_lab();
	listen_tcp(ON_HOST, 22);
	load_nft(rules);
	attach();
	prove_early_drops();
}

/* The tracker refuses it, which is among what a miss may be. */
static void ack_behind_a_syn_without_an_answer(void)
{
	build_lab();
	build_back();
	run(ON_BACK, "ip link set far0 down");
	compare("table inet t {\n"
		"	chain in { type filter hook input priority 0; policy drop; }\n"
		"	chain c {\n"
		"		type filter hook forward priority 0; policy drop;\n" ONLY_SYN "	}\n"
		"}\n",
		syn_and_ack_to_the_back, 0);
}

/* What must go on being dropped */

/*
 * How many of a flood at a closed port are dropped early. Behind a swap they are seen when no CPU
 * runs the program before it any more, which the kernel takes its time to say.
 */
static u64 dropped_of(const char *from, u32 packets)
{
	u64 before = early_drops();

	send_many(&(struct frame){.from = from, .dport = CLOSED_PORT}, packets);
	eventually(early_drops() - before >= packets, 0.5);
	return early_drops() - before;
}

static void plain_rules_need_no_notes(void)
{
	u64 before;

	serve(TABLE("input", ESTABLISHED "		tcp dport 22 accept\n"));
	before = early_drops();
	hold_wire();
	send_frame(&(struct frame){.protocol = IPPROTO_TCP, .dport = 22});
	send_many(&(struct frame){.dport = CLOSED_PORT}, 20);
	release_wire();
	expect(eventually(early_drops() - before >= 20, 1), "%llu of 20 were dropped",
	       (unsigned long long)(early_drops() - before));
}

static void strangers_are_dropped_beside_friends(void)
{
	u64 drops;

	serve(TABLE("input", ONLY_SYN));
	for (int i = 0; i < 5; i++)
		send_frame(&(struct frame){.protocol = IPPROTO_TCP, .dport = 22});
	drops = dropped_of(FLOOD, 200);
	expect(drops == 200, "%llu of 200 were dropped", (unsigned long long)drops);
}

static void a_note_does_not_last(void)
{
	stay_on_this_cpu();
	serve(TABLE("input", ONLY_SYN));
	send_frame(&(struct frame){.protocol = IPPROTO_TCP, .from = FLOOD, .dport = 22});
	expect(dropped_of(FLOOD, 10) == 0, "dropped right behind what may be its first packet");
	expect(eventually(dropped_of(FLOOD, 10) == 10, 3), "never dropped again");
}

/* Of old, each change of the rules began with a second in which nothing is known. */
static void drops_go_on_behind_a_swap(void)
{
	u64 drops;

	stay_on_this_cpu();
	serve(TABLE("input", ONLY_SYN));
	run(ON_HOST, "nft add chain inet t other");
	settle();
	drops = dropped_of(FLOOD, 200);
	expect(drops == 200, "%llu of 200 were dropped", (unsigned long long)drops);
}

static void notes_outlive_a_swap(void)
{
	u64 noted;

	stay_on_this_cpu();
	serve(TABLE("input", ONLY_SYN));
	noted = monotonic_ms();
	send_frame(&(struct frame){.protocol = IPPROTO_TCP, .from = FLOOD, .dport = 22});
	run(ON_HOST, "nft add chain inet t other");
	settle();
	if (dropped_of(FLOOD, 10))
		expect(monotonic_ms() - noted > 900, "what the last program noted is forgotten");
	expect(dropped_of(STRANGER, 10) == 10, "what nobody noted passes");
}

/* What was under way at the attach is still not known. */
static void a_swap_does_not_end_the_first_second(void)
{
	u64 began;

	build_lab();
	listen_tcp(ON_HOST, 22);
	load_nft(TABLE("input", ONLY_SYN));
	run(ON_HOST, "%s attach dev dut0", sluice);
	began = monotonic_ms();
	run(ON_HOST, "nft add chain inet t other");
	settle();
	if (dropped_of(FLOOD, 10))
		expect(monotonic_ms() - began > 900, "dropped too early");
	expect(eventually(dropped_of(FLOOD, 10) == 10, 3), "never dropped");
}

static void the_first_rule_that_minds_begins_a_second(void)
{
	u64 began;

	serve(TABLE("input", ESTABLISHED "		tcp dport 22 accept\n"));
	began = monotonic_ms();
	run(ON_HOST, "nft add rule inet t c tcp dport 23 ip ttl 64 accept");
	settle();
	if (dropped_of(FLOOD, 10))
		expect(monotonic_ms() - began > 900, "dropped too early");
	expect(eventually(dropped_of(FLOOD, 10) == 10, 3), "never dropped");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"ack behind its syn", ack_behind_its_syn},
		{"steered to another cpu", steered_to_another_cpu},
		{"ack behind a syn without an answer", ack_behind_a_syn_without_an_answer},
		{"syn again by another way", syn_again_by_another_way},
		{"datagrams of two lengths", datagrams_of_two_lengths},
		{"mark of the connection", mark_of_the_connection},
		{"both directions from one side", both_directions_from_one_side},
		{"both addresses are ours", both_addresses_are_ours},
		{"both addresses are ours by ip", both_addresses_are_ours_by_ip},
		{"accept_local is set later", accept_local_is_set_later},
		{"masqueraded on the same side", masqueraded_on_the_same_side},
		{"redirected on the same side", redirected_on_the_same_side},
		{"plain rules need no notes", plain_rules_need_no_notes},
		{"strangers are dropped beside friends", strangers_are_dropped_beside_friends},
		{"a note does not last", a_note_does_not_last},
		{"drops go on behind a swap", drops_go_on_behind_a_swap},
		{"notes outlive a swap", notes_outlive_a_swap},
		{"a swap does not end the first second", a_swap_does_not_end_the_first_second},
		{"the first rule that minds begins a second",
		 the_first_rule_that_minds_begins_a_second},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
