// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: what packets have added to a set only the kernel knows. Who is in it may be dropped early;
 * who is not is still not, only if nobody ahead of the packet adds it.
 */
#include <stdio.h>
#include <string.h>

#include "frame.h"

#define KNOCK_PORT 1111
#define TRAP_PORT  23
#define MANY       20

static const struct frame to_service = {.dport = OPEN_PORT}, to_trap = {.dport = TRAP_PORT},
			  knock = {.dport = KNOCK_PORT};

static u32 send_times(const struct frame *frame, u32 count)
{
	for (u32 i = 0; i < count; i++)
		send_frame(frame);
	return count;
}

static u64 packets_judged(void)
{
	u64 count = 0;

	for (u32 fate = SL_DROPPED; fate <= SL_PASSED_UNDER_WAY; fate++)
		count += fate_packets(fate);
	return count;
}

static u64 dropped_for(u32 (*send)(void))
{
	u64 before = early_drops(), wanted = packets_judged();

	wanted += send();
	expect(eventually(packets_judged() >= wanted, 3), "packets have not come");
	pause_ms(50);
	return early_drops() - before;
}

static void expect_listed(const char *text)
{
	run(ON_HOST, "%s list", sluice);
	expect(strstr(output, text), "not %s: %s", text, output);
}

static void wait_for_notes_to_end(void)
{
	pause_ms(1100);
}

#define SCANNERS(rest)                                                                             \
	"table inet t {\n"                                                                         \
	"	set scanners { type ipv4_addr; flags dynamic,timeout; timeout 1h; }\n"                   \
	"	set scanners6 { type ipv6_addr; flags dynamic; size 1000; }\n"                           \
	"	set pairs { type ipv4_addr . inet_service; flags dynamic; size 1000; }\n"                \
	"	chain c {\n"                                                                             \
	"		type filter hook input priority 0;\n" rest "	}\n"                          \
	"}\n"

static void begin_in(const char *mode, const char *rules)
{
	stay_on_this_cpu();
	build_lab();
	load_nft(rules);
	attach_mode(mode);
	wait_for_notes_to_end();
}

static void begin(const char *rules)
{
	begin_in("native", rules); /* sluice itself would take TC: rules might count packets */
}

static const char trapped[] =
	SCANNERS("		ip saddr @scanners counter drop\n"
		 "		udp dport 23 add @scanners { ip saddr } counter drop\n"
		 "		udp dport 9 counter drop\n");

static u32 send_to_trap(void)
{
	return send_times(&to_trap, 1);
}

static u32 send_to_service(void)
{
	return send_times(&to_service, MANY);
}

static u32 send_to_closed(void)
{
	send_udp(CLOSED_PORT);
	return 1;
}

static void drop_who_was_added(const char *mode)
{
	int fd;

	begin_in(mode, trapped);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_to_service();
	expect(arrives(fd), "what nobody drops did not arrive");
	drain(fd);
	expect(!dropped_for(send_to_trap), "the packet that adds was dropped early");
	expect(dropped_for(send_to_service) == MANY, "who is in the set was not dropped early");
	expect(stays_silent(fd), "a packet of a scanner arrived");
	expect_listed("packets 20 bytes");
}

static void who_was_added_is_dropped(void)
{
	drop_who_was_added("native");
}

static void who_was_added_is_dropped_at_tc(void)
{
	drop_who_was_added("tc");
}

static void by_ip6_addresses_and_by_pairs(void)
{
	const struct frame six = {.from = "fd77::2", .to = "fd77::1", .dport = TRAP_PORT};
	const struct frame closed = {.from = "fd77::2", .to = "fd77::1", .dport = OPEN_PORT};
	u64 before;

	begin(SCANNERS("		ip6 saddr @scanners6 counter drop\n"
		       "		ip saddr . udp dport @pairs drop\n"
		       "		udp dport 23 add @scanners6 { ip6 saddr }\n"
		       "		udp dport 5000 add @pairs { ip saddr . udp dport }\n"));
	send_frame(&six);
	send_frame(&to_service);
	pause_ms(50);
	before = early_drops();
	send_frame(&closed);
	send_frame(&to_service);
	expect(eventually(early_drops() == before + 2, 1), "%llu of 2 were dropped early",
	       (unsigned long long)(early_drops() - before));
	send_frame(&(struct frame){.dport = OPEN_PORT + 1});
	pause_ms(50);
	expect(early_drops() == before + 2, "another pair was dropped");
}

/* Behind a miss: all that the rules say is known. */
static void who_is_not_in_it_is_judged_on(void)
{
	begin(trapped);
	expect(dropped_for(send_to_closed) == 1, "behind a set that was missed nothing is early");
}

/* Beside packets of others it is not known what they add. */
static void behind_a_packet_that_passed_a_miss_is_none(void)
{
	u64 began, drops;

	begin(trapped);
	do { /* again where the machine took longer than notes last */
		began = monotonic_ms();
		send_frame(&to_service);
		drops = dropped_for(send_to_closed);
	} while (monotonic_ms() - began > 900);
	expect(!drops, "dropped, though one ahead of it might have added it");
	wait_for_notes_to_end();
	expect(dropped_for(send_to_closed) == 1, "it is never dropped again");
}

static void a_packet_that_is_there_need_not_be_added(void)
{
	begin(SCANNERS("		udp dport 23 add @scanners { ip saddr } counter drop\n"
		       "		udp dport 9 update @scanners { ip saddr } drop\n"));
	expect(!dropped_for(send_to_trap), "the packet that adds was dropped early");
	expect(dropped_for(send_to_trap) == 1, "one that is there was not");
	/* Its time begins again, and only the kernel can do that. */
	expect(!dropped_for(send_to_closed), "an update was dropped early");
	expect_listed("packets 2 bytes");
}

static void what_is_over_is_gone(void)
{
	u32 seconds = 3 * patience();
	char rules[512];
	int fd;

	snprintf(rules, sizeof rules,
		 "table ip t {\n"
		 "	set scanners { type ipv4_addr; flags dynamic,timeout; timeout %us; }\n"
		 "	chain c {\n"
		 "		type filter hook input priority 0;\n"
		 "		ip saddr @scanners drop\n"
		 "		udp dport 23 add @scanners { ip saddr } drop\n"
		 "	}\n"
		 "}\n",
		 seconds);
	begin(rules);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_to_trap();
	pause_ms(50);
	expect(dropped_for(send_to_service), "who is in the set was not dropped early");
	pause_ms(seconds * 1000 + 200);
	drain(fd);
	send_frame(&to_service);
	expect(arrives(fd), "dropped by an element that is over");
}

static void what_nft_deletes_is_gone(void)
{
	int fd;

	begin(trapped);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_to_trap();
	pause_ms(50);
	expect(dropped_for(send_to_service) == MANY, "who is in the set was not dropped early");
	run(ON_HOST, "nft delete element inet t scanners '{ 10.77.0.2 }'");
	send_frame(&to_service);
	expect(arrives(fd), "dropped by an element that was deleted");
	settle();
	run(ON_HOST, "nft add element inet t scanners '{ 10.77.0.2 timeout 1h }'");
	settle();
	expect(dropped_for(send_to_service) == MANY, "who was added by hand was not dropped early");
}

/* In one batch: what is knocked for comes right behind. */
static void let_in_who_knocks(const char *mode)
{
	u32 arrived = 0;
	int fd;

	begin_in(mode, "table ip t {\n"
		       "	set one { type ipv4_addr; flags dynamic,timeout; timeout 10s; }\n"
		       "	set two { type ipv4_addr; flags dynamic,timeout; timeout 10s; }\n"
		       "	chain c {\n"
		       "		type filter hook input priority 0;\n"
		       "		ip saddr @two udp dport 5000 accept\n"
		       "		ip saddr @one udp dport 1111 add @two { ip saddr } drop\n"
		       "		udp dport 23 add @one { ip saddr } drop\n"
		       "		udp dport { 1111, 5000 } drop\n"
		       "	}\n"
		       "}\n");
	expect(dropped_for(send_to_service) == MANY, "who did not knock was not dropped early");
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_frame(&to_trap);
	send_frame(&knock);
	send_to_service();
	while (arrived < MANY && arrives(fd))
		arrived++;
	expect(arrived == MANY, "%u of %u arrived behind the knock", arrived, MANY);
}

static void who_knocks_is_let_in_at_once(void)
{
	let_in_who_knocks("native");
}

static void who_knocks_is_let_in_at_once_at_tc(void)
{
	let_in_who_knocks("tc");
}

static void sets_that_lose_by_packets_or_count_are_not_asked(void)
{
	begin("table ip t {\n"
	      "	set gone { type ipv4_addr; flags dynamic; size 100; elements = { 10.77.0.2 } }\n"
	      "	set counting { type ipv4_addr; flags dynamic; size 100; }\n"
	      "	set odd { type ipv4_addr; flags dynamic; size 100; elements = { 10.77.0.2 } }\n"
	      "	chain c {\n"
	      "		type filter hook input priority 0;\n"
	      "		udp dport 1 delete @gone { ip saddr }\n"
	      "		udp dport 1 add @counting { ip saddr counter }\n"
	      "		udp dport 1 add @odd { ip daddr }\n"
	      "		udp dport 2 ip saddr @gone drop\n"
	      "		udp dport 3 ip saddr @counting drop\n"
	      "		udp dport 4 ip saddr @odd drop\n"
	      "	}\n"
	      "}\n");
	for (u16 port = 1; port <= 4; port++)
		send_udp(port);
	for (u16 port = 1; port <= 4; port++)
		send_udp(port);
	pause_ms(50);
	expect(!early_drops(), "%llu were dropped early", (unsigned long long)early_drops());
}

static void send_from_each(u32 senders, u16 port)
{
	for (u32 i = 0; i < senders; i++) {
		char from[32];

		snprintf(from, sizeof from, "10.77.%u.%u", 1 + i / 200, 1 + i % 200);
		send_frame(&(struct frame){.from = from, .dport = port});
	}
}

static void large_sets_grow(void)
{
	u32 senders = 2000 / patience(); /* the kernel's table doubles several times all the same */

	begin("table ip t {\n"
	      "	set scanners { type ipv4_addr; flags dynamic,timeout; timeout 1h; }\n"
	      "	chain c {\n"
	      "		type filter hook prerouting priority -300;\n"
	      "		ip saddr @scanners drop\n"
	      "		udp dport 23 add @scanners { ip saddr } drop\n"
	      "	}\n"
	      "}\n");
	send_from_each(senders, TRAP_PORT);
	pause_ms(300);
	u64 before = early_drops();
	send_from_each(senders, OPEN_PORT);
	expect(eventually(early_drops() == before + senders, 2), "%llu of %u were dropped early",
	       (unsigned long long)(early_drops() - before), senders);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"who was added is dropped", who_was_added_is_dropped},
		{"who was added is dropped, at TC", who_was_added_is_dropped_at_tc},
		{"by IPv6 addresses and by pairs", by_ip6_addresses_and_by_pairs},
		{"who is not in it is judged on", who_is_not_in_it_is_judged_on},
		{"behind a packet that passed a miss is none",
		 behind_a_packet_that_passed_a_miss_is_none},
		{"what is there need not be added", a_packet_that_is_there_need_not_be_added},
		{"what is over is gone", what_is_over_is_gone},
		{"what nft deletes is gone", what_nft_deletes_is_gone},
		{"who knocks is let in at once", who_knocks_is_let_in_at_once},
		{"who knocks is let in at once, at TC", who_knocks_is_let_in_at_once_at_tc},
		{"sets that lose by packets, or count, are not asked",
		 sets_that_lose_by_packets_or_count_are_not_asked},
		{"large sets grow", large_sets_grow},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
