// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dump of nf_tables from a kernel that may lie: an input is the messages of a datagram, which are
 * read as rules, and what comes of those as a transaction on top of them.
 */
#include "meaning.h"
#include "netlink_mutator.h"

#include "source/netlink.h"
#include "source/reader.h"
#include "source/transaction.h"

#define ASKED_AT_NS 1000000000ULL

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(u8 *bytes, size_t size, size_t room, unsigned int seed);

static int take_rules(void *context, const struct nlmsghdr *message)
{
	return sl_reader_take(context, message);
}

static struct sl_ruleset *read_rules(const u8 *bytes, size_t size)
{
	struct sl_ruleset *rules = NULL;
	struct sl_reader reader;
	struct sl_diag diag = {""};
	struct sl_netlink_answer answer = {.take = take_rules, .context = &reader};

	if (sl_reader_init(&reader, &diag))
		abort();
	reader.asked_at_ns = ASKED_AT_NS;
	int error = sl_netlink_answer_read(&answer, bytes, size);
	if (!error)
		error = answer.error;
	if (!error && sl_reader_finish(&reader, &rules))
		rules = NULL;
	sl_reader_release(&reader);
	return rules;
}

struct watching {
	struct sl_transaction transaction;
	const struct sl_ruleset *known;
};

static int take_notice(void *context, const struct nlmsghdr *message)
{
	struct watching *watching = context;
	int result =
		sl_transaction_take(&watching->transaction, message, watching->known, ASKED_AT_NS);

	if (result == 1 && sl_transaction_reset(&watching->transaction))
		abort();
	return result < 0 ? result : 0;
}

static void read_notices(const u8 *bytes, size_t size, const struct sl_ruleset *known)
{
	struct watching watching = {.known = known};
	struct sl_netlink_answer answer = {.take = take_notice, .context = &watching};

	if (sl_transaction_reset(&watching.transaction))
		abort();
	sl_netlink_answer_read(&answer, bytes, size);
	sl_transaction_release(&watching.transaction);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct sl_ruleset *rules = read_rules(bytes, size);
	struct nft nft;

	read_notices(bytes, size, rules);
	if (!rules)
		return 0;
	fuzz_rules(rules, fuzz_host(&nft));
	nft_free(&nft);
	sl_ruleset_free(rules);
	return 0;
}

size_t LLVMFuzzerCustomMutator(u8 *bytes, size_t size, size_t room, unsigned int seed)
{
	return fuzz_mutate_netlink(bytes, size, room, seed);
}
