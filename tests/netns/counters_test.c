// SPDX-License-Identifier: GPL-2.0-only
/* Trap: what a packet measures depends on the hook: the padding is cut off behind ingress. */
#include <stdio.h>
#include <string.h>

#include "frame.h"

static const struct frame padded = {.dport = CLOSED_PORT, .payload = 1, .padding = 17};

/* One packet is counted by the kernel, one dropped early: together as if by the kernel alone. */
static void count_padded(const char *rules, u32 bytes)
{
	char want[64];

	build_lab();
	load_nft(rules);
	send_frame(&padded);
	run(ON_HOST, "nft list ruleset");
	snprintf(want, sizeof want, "packets 1 bytes %u", bytes);
	expect(strstr(output, want), "the kernel itself counts otherwise: %s", output);
	attach();
	send_frame(&padded);
	expect(eventually(early_drops() == 1, 1), "it was not dropped early");
	run(ON_HOST, "%s list", sluice);
	snprintf(want, sizeof want, "packets 2 bytes %u", 2 * bytes);
	expect(strstr(output, want), "not %s: %s", want, output);
}

static void padding_counts_at_ingress(void)
{
	count_padded("table netdev t {\n"
		     "	chain c {\n"
		     "		type filter hook ingress device dut0 priority 0;\n"
		     "		udp dport 9 counter drop\n"
		     "	}\n"
		     "}\n",
		     20 + 8 + 1 + 17);
}

static void padding_counts_in_a_long_ingress_chain(void)
{
	char rules[2048] = "table netdev t {\n"
			   "	chain c {\n"
			   "		type filter hook ingress device dut0 priority 0;\n";

	for (int port = 100; port < 130; port++)
		sprintf(rules + strlen(rules), "		udp sport %d udp dport %d accept\n",
			port, port);
	strcat(rules, "		udp dport 9 counter drop\n	}\n}\n");
	count_padded(rules, 20 + 8 + 1 + 17);
}

static void padding_does_not_count_at_input(void)
{
	count_padded("table inet t {\n"
		     "	chain c {\n"
		     "		type filter hook input priority 0;\n"
		     "		udp dport 9 counter drop\n"
		     "	}\n"
		     "}\n",
		     20 + 8 + 1);
}

/* Trap: of two pins that are replaced one after the other, one is new and one is old for a moment.
 */
static void swaps_count_nothing_twice(void)
{
	u64 counted;

	start_lab();
	pause_ms(100); /* none is under way */
	counted = early_drops();
	for (int i = 0; i < 10; i++) {
		u64 before = compiles();

		run(ON_HOST, "nft add rule inet t input udp dport %d accept", 2000 + i);
		/* The pins come behind the swap. */
		for (int looks = 0; looks<500; looks += compiles()> before)
			expect(early_drops() == counted, "another count in swap %d", i);
	}
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"padding counts at ingress", padding_counts_at_ingress},
		{"padding counts in a long ingress chain", padding_counts_in_a_long_ingress_chain},
		{"padding does not count at input", padding_does_not_count_at_input},
		{"swaps count nothing twice", swaps_count_nothing_twice},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
