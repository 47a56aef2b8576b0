// SPDX-License-Identifier: GPL-2.0-only
/* Trap: XDP on a veth splits the large packets that rules may count, so attaching changes verdicts.
 */
#include "frame.h"

#define INPUT(rules)                                                                               \
	"table inet t { chain input { type filter hook input priority 0; udp dport 9 drop; " rules \
	"; }; }\n"

static void attach_with(const char *rules, const char *mode)
{
	build_lab();
	load_nft(rules);
	attach();
	expect_mode(mode);
	prove_early_drops();
}

static void native_where_nothing_measures(void)
{
	attach_with(INPUT("accept"), "native");
}

static void tc_where_a_limit_counts(void)
{
	attach_with(INPUT("tcp dport 80 limit rate over 20000/second drop"), "tc");
}

static void tc_where_a_quota_counts(void)
{
	attach_with(INPUT("tcp dport 80 quota over 100 mbytes drop"), "tc");
}

static void tc_where_a_length_is_read(void)
{
	attach_with(INPUT("tcp dport 80 meta length > 1500 drop"), "tc");
}

static void tc_where_an_ip_length_is_read(void)
{
	attach_with(INPUT("tcp dport 80 ip length > 1500 drop"), "tc");
}

static void tc_where_a_limit_is_named(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	limit fast { rate over 20000/second }\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 9 drop\n"
		 "		tcp dport 80 limit name \"fast\" drop\n"
		 "	}\n"
		 "}\n");
	attach();
	expect_mode("tc");
	prove_early_drops();
}

static void native_when_asked_for(void)
{
	build_lab();
	load_nft(INPUT("tcp dport 80 limit rate over 20000/second drop"));
	attach_mode("native");
	expect_mode("native");
	prove_early_drops();
}

/* Its own program at TC is no stranger to it. */
static void tc_keeps_in_step(void)
{
	attach_with(INPUT("tcp dport 80 limit rate over 20000/second drop"), "tc");
	for (int i = 0; i < 3; i++) {
		run(ON_HOST, "nft add rule inet t input udp dport %d drop", 100 + i);
		settle();
		prove_early_drops();
	}
	detach();
	expect(!attempt(ON_HOST, "! bpftool net show dev dut0 | grep sluice"), "left behind: %s",
	       output);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"native where nothing measures", native_where_nothing_measures},
		{"tc where a limit counts", tc_where_a_limit_counts},
		{"tc where a quota counts", tc_where_a_quota_counts},
		{"tc where a length is read", tc_where_a_length_is_read},
		{"tc where an ip length is read", tc_where_an_ip_length_is_read},
		{"tc where a limit is named", tc_where_a_limit_is_named},
		{"native when asked for", native_when_asked_for},
		{"tc keeps in step", tc_keeps_in_step},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
