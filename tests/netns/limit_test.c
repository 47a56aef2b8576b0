// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: how much is left of a rate only the kernel knows. A packet within it must pass, and takes
 * off; one beyond it may be dropped early, and takes nothing.
 */
#include <stdio.h>
#include <string.h>

#include "frame.h"

#define SENT 20

static const struct frame to_service = {.dport = OPEN_PORT, .payload = 1};

static u32 count_arrivals(int fd)
{
	u32 count = 0;

	while (arrives(fd))
		count++;
	return count;
}

static void send_all(void)
{
	for (u32 i = 0; i < SENT; i++)
		send_frame(&to_service);
}

static void expect_counted(u32 packets)
{
	char want[64];

	run(ON_HOST, "%s list", sluice);
	snprintf(want, sizeof want, "packets %u bytes", packets);
	expect(strstr(output, want), "not %s: %s", want, output);
}

/* Five of a rate that brings no more while the test runs: no packet's fate is another. */
static void five_and_no_more(const char *rules)
{
	u32 arrived;
	int fd;

	build_lab();
	load_nft(rules);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	send_all();
	arrived = count_arrivals(fd);
	expect(arrived == 5, "%u packets arrived instead of 5", arrived);
	expect(early_drops() == SENT - 5, "%llu were dropped early",
	       (unsigned long long)early_drops());
	expect_counted(SENT - 5);
}

static void beyond_what_is_accepted(void)
{
	five_and_no_more("table inet t {\n"
			 "	chain c {\n"
			 "		type filter hook input priority 0;\n"
			 "		udp dport 5000 limit rate 1/hour burst 5 packets accept\n"
			 "		udp dport 5000 counter drop\n"
			 "	}\n"
			 "}\n");
}

static void over_a_rate(void)
{
	five_and_no_more("table inet t {\n"
			 "	chain c {\n"
			 "		type filter hook input priority 0;\n"
			 "		udp dport 5000 limit rate over 1/hour burst 5 packets "
			 "counter drop\n"
			 "	}\n"
			 "}\n");
}

static void in_a_chain_that_is_jumped_to(void)
{
	five_and_no_more("table ip other {\n	chain c {\n		type filter hook input "
			 "priority -5\n	}\n}\n"
			 "table inet t {\n"
			 "	chain flood {\n"
			 "		meta l4proto udp limit rate 1/hour burst 5 packets return\n"
			 "		counter drop\n"
			 "	}\n"
			 "	chain c {\n"
			 "		type filter hook prerouting priority -300;\n"
			 "		udp dport 5000 jump flood\n"
			 "	}\n"
			 "}\n");
}

static void what_is_logged_is_still_logged(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	chain c {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 5000 limit rate 1/hour burst 5 packets counter log group "
		 "7\n"
		 "		udp dport 5000 drop\n"
		 "	}\n"
		 "}\n");
	attach();
	send_all();
	expect(eventually(early_drops() == SENT - 5, 1), "%llu were dropped early",
	       (unsigned long long)early_drops());
	expect_counted(5);
}

static void what_comes_in_again_passes_again(void)
{
	int fd;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain c {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 5000 limit rate 2/second burst 1 packets accept\n"
		 "		udp dport 5000 drop\n"
		 "	}\n"
		 "}\n");
	fd = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	send_all();
	expect(eventually(early_drops() > 0, 1), "nothing was dropped early");
	drain(fd);
	pause_ms(600);
	send_frame(&to_service);
	expect(arrives(fd), "a packet within the rate did not arrive");
}

static void a_new_rule_has_a_rate_of_its_own(void)
{
	static const char rules[] =
		"table inet t {\n"
		"	chain c {\n"
		"		type filter hook input priority 0;\n"
		"		udp dport 5000 limit rate 1/hour burst 5 packets accept\n"
		"		udp dport 5000 drop\n"
		"	}\n"
		"}\n";
	u32 arrived;
	int fd;

	build_lab();
	load_nft(rules);
	fd = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	send_all();
	count_arrivals(fd);
	run(ON_HOST, "nft flush chain inet t c");
	load_nft(rules);
	settle();
	send_all();
	arrived = count_arrivals(fd);
	expect(arrived == 5, "%u packets arrived instead of 5", arrived);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"beyond what is accepted", beyond_what_is_accepted},
		{"over a rate", over_a_rate},
		{"in a chain that is jumped to", in_a_chain_that_is_jumped_to},
		{"what is logged is still logged", what_is_logged_is_still_logged},
		{"what comes in again passes again", what_comes_in_again_passes_again},
		{"a new rule has a rate of its own", a_new_rule_has_a_rate_of_its_own},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
