// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: who came of late only xt_recent's lists know. Who is in one, often enough, may be dropped
 * early, for as long as he is; who is not, only if nobody ahead of the packet adds him, and nobody
 * pushes him out.
 */
#include <stdio.h>
#include <string.h>

#include "frame.h"

#define TRAP_PORT 23
#define MANY      20

static const struct frame to_service = {.dport = OPEN_PORT}, to_trap = {.dport = TRAP_PORT};

static void send_times(const struct frame *frame, u32 count)
{
	for (u32 i = 0; i < count; i++)
		send_frame(frame);
}

/* How many of them are dropped early. */
static u64 dropped_of(const struct frame *frame, u32 count)
{
	u64 before = early_drops();

	send_times(frame, count);
	pause_ms(50);
	return early_drops() - before;
}

static void wait_for_notes_to_end(void)
{
	pause_ms(1100);
}

static void begin_with(const char *command, const char *mode, const char *rules)
{
	char text[2048];

	stay_on_this_cpu();
	build_lab();
	snprintf(text, sizeof text, "*filter\n:INPUT ACCEPT [0:0]\n%sCOMMIT\n", rules);
	load_iptables(command, text);
	if (attempt(ON_HOST, "%s plan dev dut0 -v | grep -q 'early.*xt match recent'", sluice))
		skip_case("this kernel does not tell how it keeps lists of recent");
	attach_mode(mode);
	wait_for_notes_to_end();
}

static void begin(const char *rules)
{
	begin_with("iptables-nft-restore", "native", rules);
}

static const char portscan[] =
	"-A INPUT -m recent --name portscan --rcheck --seconds 3600 -j DROP\n"
	"-A INPUT -p udp --dport 23 -m recent --name portscan --set -j DROP\n"
	"-A INPUT -p udp --dport 9 -j DROP\n";

static void echo_to(const char *list, const char *text)
{
	run(ON_HOST, "echo %s > /proc/self/net/xt_recent/%s", text, list);
}

static void drop_who_was_set(const char *mode)
{
	int fd;

	begin_with("iptables-nft-restore", mode, portscan);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_times(&to_service, MANY);
	expect(arrives(fd), "what nobody drops did not arrive");
	drain(fd);
	expect(!dropped_of(&to_trap, 1), "the packet that is set was dropped early");
	expect(dropped_of(&to_service, MANY) == MANY, "who is in the list was not dropped early");
	expect(stays_silent(fd), "a packet of a scanner arrived");
	run(ON_HOST, "%s list", sluice);
	expect(strstr(output, "packets 20 bytes"), "not counted: %s", output);
}

static void who_was_set_is_dropped(void)
{
	drop_who_was_set("native");
}

static void who_was_set_is_dropped_at_tc(void)
{
	drop_who_was_set("tc");
}

static void by_ip6_addresses(void)
{
	const struct frame six = {.from = "fd77::2", .to = "fd77::1", .dport = TRAP_PORT};
	const struct frame other = {.from = "fd77::3", .to = "fd77::1", .dport = OPEN_PORT};

	begin_with("ip6tables-nft-restore", "native", portscan);
	expect(!dropped_of(&six, 1), "the packet that is set was dropped early");
	expect(dropped_of(&six, MANY) == MANY, "who is in the list was not dropped early");
	expect(!dropped_of(&other, MANY), "somebody else was");
}

/* Behind a miss all that the rules say is known, but not beside a packet that may add it. */
static void who_is_not_in_it_is_judged_on(void)
{
	const struct frame closed = {.dport = CLOSED_PORT};

	begin(portscan);
	expect(dropped_of(&closed, 1) == 1, "behind a list that was missed nothing is early");
	send_frame(&to_service);
	expect(!dropped_of(&closed, 1), "dropped, though one ahead of it might have been set");
	wait_for_notes_to_end();
	expect(dropped_of(&closed, 1) == 1, "it is never dropped again");
}

static void what_is_over_is_over(void)
{
	int fd;

	begin("-A INPUT -m recent --name portscan --rcheck --seconds 3 -j DROP\n"
	      "-A INPUT -p udp --dport 23 -m recent --name portscan --set -j DROP\n");
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_frame(&to_trap);
	pause_ms(50);
	expect(dropped_of(&to_service, MANY) == MANY, "who is in the list was not dropped early");
	pause_ms(3200);
	drain(fd);
	send_frame(&to_service);
	expect(arrives(fd), "dropped, though it was too long ago");
}

static void what_is_removed_by_hand_is_gone(void)
{
	int fd;

	begin(portscan);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	echo_to("portscan", "+10.77.0.2");
	expect(dropped_of(&to_service, MANY) == MANY, "who was added was not dropped early");
	echo_to("portscan", "-10.77.0.2");
	send_frame(&to_service);
	expect(arrives(fd), "dropped, though removed");
	echo_to("portscan", "+10.77.0.2");
	expect(dropped_of(&to_service, MANY) == MANY, "who was added again was not dropped early");
	echo_to("portscan", "/");
	send_frame(&to_service);
	expect(arrives(fd), "dropped, though all were removed");
}

/* What updates the list is the kernel's; who has not come so often changes nothing. */
static void it_is_counted_how_often_somebody_came(void)
{
	const struct frame asks = {.dport = 7}, closed = {.dport = CLOSED_PORT};

	begin("-A INPUT -p udp --dport 23 -m recent --name often --set -j DROP\n"
	      "-A INPUT -p udp --dport 7 -m recent --name often --update --seconds 60 --hitcount 3 "
	      "-j DROP\n"
	      "-A INPUT -p udp --dport 7 -j DROP\n"
	      "-A INPUT -m recent --name often --rcheck --seconds 60 --hitcount 3 -j DROP\n"
	      "-A INPUT -p udp --dport 9 -m recent --name often ! --rcheck -j DROP\n");
	expect(dropped_of(&asks, 1) == 1, "who never came was not dropped early");
	expect(dropped_of(&closed, 1) == 1, "who is not in the list was not");
	expect(!dropped_of(&to_trap, 2), "a packet that is set was dropped early");
	wait_for_notes_to_end();
	expect(dropped_of(&asks, 1) == 1, "who came twice was not dropped early");
	expect(!dropped_of(&closed, 1),
	       "who is in the list was, where those are dropped who are not");
	send_frame(&to_trap);
	pause_ms(50);
	expect(!dropped_of(&asks, 1), "an update was dropped early");
	expect(dropped_of(&closed, 1) == 1, "who came often enough was not dropped early");
}

/* In one batch: what is knocked for comes right behind. */
static void who_knocks_is_let_in_at_once(void)
{
	u32 arrived = 0;
	int fd;

	begin("-A INPUT -p udp --dport 5000 -m recent --name knocked --rcheck --seconds 30 -j "
	      "ACCEPT\n"
	      "-A INPUT -p udp --dport 23 -m recent --name knocked --set -j DROP\n"
	      "-A INPUT -p udp --dport 5000 -j DROP\n");
	expect(dropped_of(&to_service, MANY) == MANY, "who did not knock was not dropped early");
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_frame(&to_trap);
	send_times(&to_service, MANY);
	while (arrived < MANY && arrives(fd))
		arrived++;
	expect(arrived == MANY, "%u of %u arrived behind the knock", arrived, MANY);
}

static void set_from(u32 first, u32 count)
{
	for (u32 i = first; i < first + count; i++) {
		char from[32];

		snprintf(from, sizeof from, "10.77.1.%u", i);
		send_frame(&(struct frame){.from = from, .dport = TRAP_PORT});
	}
	pause_ms(50);
}

/* Of a full list (100) the oldest go, and packets on their way may push them out. */
static void who_may_be_pushed_out_passes(void)
{
	begin(portscan);
	set_from(1, 36);
	expect(dropped_of(&(struct frame){.from = "10.77.1.1"}, 1) == 1, "not full, and not early");
	set_from(37, 64);
	expect(!dropped_of(&(struct frame){.from = "10.77.1.1"}, 1), "the oldest was dropped");
	expect(!dropped_of(&(struct frame){.from = "10.77.1.64"}, 1), "the 64th was dropped");
	expect(dropped_of(&(struct frame){.from = "10.77.1.65"}, 1) == 1, "the 65th was not");
	expect(dropped_of(&(struct frame){.from = "10.77.1.100"}, 1) == 1, "the youngest was not");
	set_from(101, 36);
	expect(!dropped_of(&(struct frame){.from = "10.77.1.1"}, 1), "who is gone was dropped");
	expect(!dropped_of(&(struct frame){.from = "10.77.1.65"}, 1), "he has grown old");
}

static void lists_that_lose_by_packets_are_not_asked(void)
{
	stay_on_this_cpu();
	build_lab();
	load_iptables(
		"iptables-nft-restore",
		"*filter\n:INPUT ACCEPT [0:0]\n"
		"-A INPUT -p udp --dport 1 -m recent --name gone --remove\n"
		"-A INPUT -p udp --dport 1 -m recent --name reaped --rcheck --seconds 9 --reap\n"
		"-A INPUT -p udp --dport 1 -m recent --name target --set --rdest\n"
		"-A INPUT -p udp --dport 1 -m recent --name net --set --mask 255.255.255.0\n"
		"-A INPUT -p udp --dport 2 -m recent --name gone --rcheck -j DROP\n"
		"-A INPUT -p udp --dport 3 -m recent --name reaped --rcheck -j DROP\n"
		"-A INPUT -p udp --dport 4 -m recent --name target --rcheck -j DROP\n"
		"-A INPUT -p udp --dport 5 -m recent --name net --rcheck "
		"--mask 255.255.255.0 -j DROP\n"
		"-A INPUT -p udp --dport 6 -m recent --name ttl --rcheck --rttl -j DROP\n"
		"COMMIT\n");
	attach_mode("native");
	wait_for_notes_to_end();
	echo_to("gone", "+10.77.0.2");
	echo_to("reaped", "+10.77.0.2");
	echo_to("target", "+10.77.0.2");
	echo_to("net", "+10.77.0.0");
	echo_to("ttl", "+10.77.0.2");
	for (u16 port = 2; port <= 6; port++)
		send_udp(port);
	pause_ms(50);
	expect(!early_drops(), "%llu were dropped early", (unsigned long long)early_drops());
}

/* A list that is gone with its rules, and made again, is another. */
static void lists_come_and_go_with_their_rules(void)
{
	int fd;

	begin(portscan);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	send_frame(&to_trap);
	pause_ms(50);
	expect(dropped_of(&to_service, MANY) == MANY, "who is in the list was not dropped early");
	run(ON_HOST, "iptables -F INPUT");
	send_frame(&to_service);
	expect(arrives(fd), "dropped without a rule");
	load_iptables("iptables-nft-restore",
		      "*filter\n"
		      "-A INPUT -m recent --name portscan --rcheck --seconds 3600 -j DROP\n"
		      "-A INPUT -p udp --dport 23 -m recent --name portscan --set -j DROP\n"
		      "COMMIT\n");
	send_frame(&to_service);
	expect(arrives(fd), "dropped by a list that is gone");
	settle();
	send_frame(&to_service);
	expect(arrives(fd), "dropped by a list that is gone");
	send_frame(&to_trap);
	pause_ms(50);
	expect(dropped_of(&to_service, MANY) == MANY, "the new list is not asked");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"who was set is dropped", who_was_set_is_dropped},
		{"who was set is dropped, at TC", who_was_set_is_dropped_at_tc},
		{"by IPv6 addresses", by_ip6_addresses},
		{"who is not in it is judged on", who_is_not_in_it_is_judged_on},
		{"what is over is over", what_is_over_is_over},
		{"what is removed by hand is gone", what_is_removed_by_hand_is_gone},
		{"it is counted how often somebody came", it_is_counted_how_often_somebody_came},
		{"who knocks is let in at once", who_knocks_is_let_in_at_once},
		{"who may be pushed out passes", who_may_be_pushed_out_passes},
		{"lists that lose by packets are not asked",
		 lists_that_lose_by_packets_are_not_asked},
		{"lists come and go with their rules", lists_come_and_go_with_their_rules},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
