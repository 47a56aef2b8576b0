// SPDX-License-Identifier: GPL-2.0-only
/* Trap: accept ends one base chain, drop ends all, and equal priorities have no known order. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define CHAIN(name, priority, rules)                                                               \
	"chain " name " { type filter hook input priority " priority "; " rules " }\n"

static u64 kernel_counter(void)
{
	const char *at;

	run(ON_HOST, "nft list counter inet t seen");
	at = strstr(output, "packets ");
	return at ? strtoull(at + 8, NULL, 10) : 0;
}

static void accept_ends_one_chain_only(void)
{
	int server;

	build_lab();
	load_nft("table inet t {\n" CHAIN("first", "-10", "udp dport { 9, 5000 } accept;")
			 CHAIN("second", "10", "udp dport 9 drop;") "}\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server), "what both accept was lost");
}

static void later_chain_of_another_table_drops(void)
{
	build_lab();
	load_nft("table ip a {\n" CHAIN(
		"input", "0", "accept;") "}\n"
					 "table inet b {\n" CHAIN("input", "1",
								  "udp dport 9 drop;") "}\n");
	attach();
	prove_early_drops();
}

/* A counter that the kernel would raise first must not miss a packet. */
static void equal_priorities_with_an_effect(void)
{
	u64 before;

	build_lab();
	load_nft("table inet t {\n"
		 "	counter seen { }\n" CHAIN(
			 "one", "0", "udp dport 9 limit rate 1000/second counter name seen;")
			 CHAIN("two", "0", "udp dport 9 drop;") "}\n");
	attach();
	before = kernel_counter();
	expect_no_early_drops("the other chain may come first");
	note("the chain that counts came %s", kernel_counter() > before ? "first" : "last");
}

static void equal_priorities_without_effects(void)
{
	build_lab();
	load_nft("table inet t {\n" CHAIN("one", "0", "udp dport 7 drop;")
			 CHAIN("two", "0", "udp dport 9 drop;") "}\n");
	attach();
	prove_early_drops();
}

static void effect_ahead_of_the_drop(void)
{
	u64 before;

	build_lab();
	load_nft("table inet t {\n"
		 "	counter seen { }\n" CHAIN(
			 "first", "-10",
			 "meta mark set 1; udp dport 9 limit rate 1000/second "
			 "counter name seen;") CHAIN("second", "0", "udp dport 9 drop;") "}\n");
	attach();
	before = kernel_counter();
	expect_no_early_drops("an earlier chain marks and counts it");
	expect(eventually(kernel_counter() >= before + 3, 1), "the kernel counted too few");
}

/* A drop ahead of the effect needs nobody to wait for it. */
static void effect_behind_the_drop(void)
{
	build_lab();
	load_nft("table inet t {\n" CHAIN("first", "-10", "udp dport 9 drop;")
			 CHAIN("second", "0", "meta mark set 1; log;") "}\n");
	attach();
	prove_early_drops();
}

static void dormant_table_drops_nothing(void)
{
	int server;

	build_lab();
	load_nft("table inet t {\n" CHAIN(
		"one", "0", "udp dport 9 drop;") "}\n"
						 "table inet asleep { flags dormant;\n" CHAIN(
							 "one", "0", "udp dport 5000 drop;") "}\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server), "lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"accept ends one chain only", accept_ends_one_chain_only},
		{"later chain of another table drops", later_chain_of_another_table_drops},
		{"equal priorities with an effect", equal_priorities_with_an_effect},
		{"equal priorities without effects", equal_priorities_without_effects},
		{"effect ahead of the drop", effect_ahead_of_the_drop},
		{"effect behind the drop", effect_behind_the_drop},
		{"dormant table drops nothing", dormant_table_drops_nothing},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
