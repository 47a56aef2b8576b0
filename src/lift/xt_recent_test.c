// SPDX-License-Identifier: GPL-2.0-only
/* Lists of xt_recent's: the rules on the left, the IR as text on the right. */
#include "lift/ruleset_builder.h"

#include <linux/netfilter/xt_recent.h>

#define SETS    .check_set = XT_RECENT_SET
#define CHECKS  .check_set = XT_RECENT_CHECK
#define UPDATES .check_set = XT_RECENT_UPDATE
#define REMOVES .check_set = XT_RECENT_REMOVE

#define ON(list, ...)                                                                              \
	recent(1, &(struct xt_recent_mtinfo_v1){.name = list, __VA_ARGS__},                        \
	       sizeof(struct xt_recent_mtinfo_v1))

/* Infos live as long as the test, padded to 8 bytes as the kernel dumps them. */
static struct sl_expr recent(u32 revision, const void *info, u32 size)
{
	static _Alignas(u32) u8 room[16][256];
	static u32 next;
	u8 *copy = room[next++ % 16];

	memset(copy, 0, sizeof room[0]);
	memcpy(copy, info, size);
	return xt_match("recent", revision, copy, (size + 7) & ~7u);
}

static struct nft a_chain_that_knows_recent(u32 family)
{
	struct nft nft = an_input_chain(family);

	nft.host.knows_recent = true;
	return nft;
}

static void who_came_is_asked_for(void **state)
{
	struct nft nft = a_chain_that_knows_recent(NFPROTO_IPV4);

	(void)state;
	nft_rule(&nft, nft.chain, ON("seen", CHECKS), count_packet(), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", CHECKS, .invert = 1), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", CHECKS, .seconds = 60, .hit_count = 4), drop_it());
	nft_rule(&nft, nft.chain, ON("other", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", CHECKS), drop_it());
	nft_rule(&nft, nft.chain,
		 recent(0, &(struct xt_recent_mtinfo){.name = "seen", CHECKS},
			sizeof(struct xt_recent_mtinfo)),
		 drop_it());
	expect_rules(&nft, "in",
		     "ip saddr in filled 0 counter 0 drop\n"
		     "ip saddr not in filled 0 drop\n"
		     "ip saddr in filled 1 drop\n"
		     "ip saddr in filled 2 drop\n"
		     "ip saddr in filled 0 drop\n"
		     "ip saddr in filled 0 drop\n");
	nft = a_chain_that_knows_recent(NFPROTO_IPV6);
	nft_rule(&nft, nft.chain, ON("seen", CHECKS), drop_it());
	expect_rules(&nft, "in", "ip6 saddr in filled 0 drop\n");
}

static void what_changes_a_list_is_the_kernels(void **state)
{
	struct nft nft = a_chain_that_knows_recent(NFPROTO_IPV4);

	(void)state;
	nft_rule(&nft, nft.chain, ON("seen", SETS), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", UPDATES, .seconds = 60), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", UPDATES, .seconds = 60, .invert = 1), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", CHECKS), drop_it());
	expect_rules(&nft, "in",
		     "kernel(xt recent)\n"
		     "ip saddr in filled 0 kernel(xt recent)\n"
		     "kernel(xt recent)\n"
		     "ip saddr in filled 1 drop\n");
}

/* To look into it has no effect all the same. */
static void list_that_loses_or_is_not_of_sources_is_unknown(void **state)
{
	struct nft nft = a_chain_that_knows_recent(NFPROTO_IPV4);
	struct sl_nft_chain *out = add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0);

	(void)state;
	nft_rule(&nft, out, ON("gone", REMOVES));
	nft_rule(&nft, out, ON("reaped", .check_set = XT_RECENT_CHECK | XT_RECENT_REAP));
	nft_rule(&nft, out, ON("target", SETS, .side = XT_RECENT_DEST));
	nft_rule(&nft, out, ON("sent", SETS));
	nft_rule(&nft, nft.chain, ON("sent", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("gone", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("gone", UPDATES), drop_it());
	nft_rule(&nft, nft.chain, ON("reaped", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("target", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("good", CHECKS, .side = XT_RECENT_DEST), drop_it());
	nft_rule(&nft, nft.chain, ON("good", CHECKS, .hit_count = 33), drop_it());
	nft_rule(&nft, nft.chain, ON("good", .check_set = XT_RECENT_CHECK | XT_RECENT_TTL),
		 drop_it());
	nft_rule(&nft, nft.chain, ON("good", .check_set = XT_RECENT_CHECK | XT_RECENT_REAP),
		 drop_it());
	expect_rules(&nft, "in",
		     "unknown(xt recent) drop\n"
		     "unknown(xt recent) drop\n"
		     "kernel(xt recent)\n"
		     "unknown(xt recent) drop\n"
		     "unknown(xt recent) drop\n"
		     "unknown(xt recent) drop\n"
		     "unknown(xt recent) drop\n"
		     "unknown(xt recent) drop\n"
		     "kernel(xt recent)\n");
}

/* Somebody's rule that cannot be read may do anything to any list. */
static void beside_what_cannot_be_read_nothing_is_asked(void **state)
{
	static const char *const odd[] = {"match", "rule", "recent"};

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(odd); i++) {
		struct nft nft = a_chain_that_knows_recent(NFPROTO_IPV4);
		struct sl_nft_chain *out = add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0);

		nft_rule(&nft, out, (struct sl_expr){.kind = SL_EXPR_OPAQUE, .name = odd[i]});
		nft_rule(&nft, nft.chain, ON("seen", CHECKS), drop_it());
		expect_rules(&nft, "in", "unknown(xt recent) drop\n");
	}
}

static void kernel_that_does_not_tell_is_not_asked(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);

	(void)state;
	nft_rule(&nft, nft.chain, ON("seen", CHECKS), drop_it());
	nft_rule(&nft, nft.chain, ON("seen", UPDATES), drop_it());
	expect_rules(&nft, "in",
		     "unknown(xt recent) drop\n"
		     "kernel(xt recent)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_came_is_asked_for),
		cmocka_unit_test(what_changes_a_list_is_the_kernels),
		cmocka_unit_test(list_that_loses_or_is_not_of_sources_is_unknown),
		cmocka_unit_test(beside_what_cannot_be_read_nothing_is_asked),
		cmocka_unit_test(kernel_that_does_not_tell_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
