/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sequence of a consistent read: generation, everything, generation again; and once more
 * while somebody writes.
 */
#include "source/dump.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/reader.h"
#include "source/source.h"

/* Writers that hold the field get this long, doubled on each try. */
#define PAUSE_FIRST_MS 1
#define PAUSE_LAST_MS  64

/*
 * A dump comes in messages of 32 kB, and for each of them the kernel walks all rules again that it
 * has sent before: seconds for 100,000. Asked for one chain it walks those of that chain alone;
 * which costs a request for each, and so is for many rules only.
 */
#define MANY_RULES 10000

struct request {
	_Alignas(struct nlmsghdr) char room[1024]; /* two names of 256 bytes and headers fit */
};

/* The same in requests for elements and for rules. */
#define TABLE_ATTR NFTA_RULE_TABLE
_Static_assert(TABLE_ATTR == (int)NFTA_SET_ELEM_LIST_TABLE, "one number for both");

static struct nlmsghdr *build_request(struct request *request, u32 type, u32 family, bool is_dump)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(request->room);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);

	message->nlmsg_type = (u16)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = is_dump ? NLM_F_DUMP : 0;
	header->nfgen_family = (u8)family;
	header->version = NFNETLINK_V0;
	return message;
}

static int take(void *context, const struct nlmsghdr *message)
{
	return sl_reader_take(context, message);
}

static int ask_generation(struct sl_netlink *netlink, struct sl_reader *reader, u32 *ret_generation)
{
	struct request request;
	int error = sl_netlink_ask(netlink,
				   build_request(&request, NFT_MSG_GETGEN, NFPROTO_UNSPEC, false),
				   take, reader, reader->diag);

	if (!error)
		*ret_generation = reader->generation;
	return error;
}

static int ask_all(struct sl_netlink *netlink, struct sl_reader *reader, u32 type)
{
	struct request request;

	return sl_netlink_ask(netlink, build_request(&request, type, NFPROTO_UNSPEC, true), take,
			      reader, reader->diag);
}

/* Dumps what belongs to something in a table, of which there are two names to give. */
static int ask_part(struct sl_netlink *netlink, struct sl_reader *reader, u32 type,
		    const struct sl_nft_table *table, u16 name_attr, const char *name)
{
	struct request request;
	struct nlmsghdr *message = build_request(&request, type, table->family, true);
	size_t room = sizeof request.room;

	if (!mnl_attr_put_check(message, room, TABLE_ATTR, strlen(table->name) + 1, table->name) ||
	    !mnl_attr_put_check(message, room, name_attr, strlen(name) + 1, name))
		return sl_reader_malformed(reader, "name");
	return sl_netlink_ask(netlink, message, take, reader, reader->diag);
}

static int ask_all_elements(struct sl_netlink *netlink, struct sl_reader *reader)
{
	const struct sl_ruleset *ruleset = reader->ruleset;
	int error = 0;

	for (u32 i = 0; i < ruleset->tables.count && !error; i++) {
		const struct sl_nft_table *table = ruleset->tables.items[i];

		for (u32 j = 0; j < table->sets.count && !error; j++)
			error = ask_part(netlink, reader, NFT_MSG_GETSETELEM, table,
					 NFTA_SET_ELEM_LIST_SET, table->sets.items[j]->name);
	}
	/* A set that was deleted in between. */
	return error == -ENOENT ? -EAGAIN : error;
}

static u64 count_uses(const struct sl_ruleset *ruleset)
{
	u64 uses = 0;

	for (u32 i = 0; i < ruleset->tables.count; i++)
		for (u32 j = 0; j < ruleset->tables.items[i]->chains.count; j++)
			uses += ruleset->tables.items[i]->chains.items[j]->uses;
	return uses;
}

static int ask_all_rules(struct sl_netlink *netlink, struct sl_reader *reader)
{
	const struct sl_ruleset *ruleset = reader->ruleset;
	int error = 0;

	if (count_uses(ruleset) <= MANY_RULES)
		return ask_all(netlink, reader, NFT_MSG_GETRULE);
	for (u32 i = 0; i < ruleset->tables.count && !error; i++) {
		const struct sl_nft_table *table = ruleset->tables.items[i];

		for (u32 j = 0; j < table->chains.count && !error; j++)
			error = ask_part(netlink, reader, NFT_MSG_GETRULE, table, NFTA_RULE_CHAIN,
					 table->chains.items[j]->name);
	}
	/* A chain or table that was deleted in between. */
	return error == -ENOENT ? -EAGAIN : error;
}

typedef int ask_fn(struct sl_netlink *netlink, struct sl_reader *reader);

static int ask_chains(struct sl_netlink *netlink, struct sl_reader *reader)
{
	int error = ask_all(netlink, reader, NFT_MSG_GETTABLE);

	return error ? error : ask_all(netlink, reader, NFT_MSG_GETCHAIN);
}

static int ask_everything(struct sl_netlink *netlink, struct sl_reader *reader)
{
	int error = ask_chains(netlink, reader);

	if (!error)
		error = ask_all(netlink, reader, NFT_MSG_GETSET);
	if (!error)
		error = ask_all_elements(netlink, reader);
	if (!error)
		error = ask_all(netlink, reader, NFT_MSG_GETOBJ);
	if (!error)
		error = ask_all(netlink, reader, NFT_MSG_GETFLOWTABLE);
	if (!error)
		error = ask_all_rules(netlink, reader);
	return error;
}

/* One try. -EINTR and -EAGAIN mean that somebody wrote meanwhile. */
static int read_once(struct sl_netlink *netlink, ask_fn *ask, struct sl_ruleset **ret_ruleset,
		     struct sl_diag *diag)
{
	SL_CLEANUP(sl_reader_release) struct sl_reader reader;
	u32 before = 0, after = 0;
	int error = sl_reader_init(&reader, diag);

	if (error)
		return error;
	reader.asked_at_ns = sl_monotonic_ns();
	error = ask_generation(netlink, &reader, &before);
	if (!error)
		error = ask(netlink, &reader);
	if (!error)
		error = ask_generation(netlink, &reader, &after);
	if (!error && before != after)
		error = -EAGAIN;
	if (!error) {
		reader.ruleset->generation = before;
		error = sl_reader_finish(&reader, ret_ruleset);
	}
	return error;
}

static void pause_ms(u64 pause)
{
	struct timespec time = {.tv_sec = (time_t)(pause / 1000),
				.tv_nsec = (long)(pause % 1000 * SL_NS_PER_MS)};

	nanosleep(&time, NULL);
}

static int explain(int error, struct sl_diag *diag)
{
	switch (error) {
	case -EPERM:
		return sl_fail(diag, EPERM,
			       "cannot read the nf_tables rules: the kernel wants CAP_NET_ADMIN in "
			       "this network namespace; run sluice as root");
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
		return sl_fail(diag, EOPNOTSUPP,
			       "cannot read the nf_tables rules: this kernel has no nf_tables");
	}
	return sl_fail_in(diag, error, "cannot read the nf_tables rules");
}

static int read_patiently(struct sl_netlink *netlink, ask_fn *ask, u32 patience_ms,
			  struct sl_ruleset **ret_ruleset, struct sl_diag *diag)
{
	u64 deadline_ns = sl_monotonic_ns() + patience_ms * SL_NS_PER_MS;
	u64 pause = PAUSE_FIRST_MS;

	for (;;) {
		int error = read_once(netlink, ask, ret_ruleset, diag);

		if (error != -EAGAIN && error != -EINTR)
			return error ? explain(error, diag) : 0;
		if (sl_monotonic_ns() + pause * SL_NS_PER_MS > deadline_ns)
			return sl_fail(diag, EAGAIN,
				       "the nf_tables rules changed on every attempt to read them "
				       "for %u ms; try again when their writer is done",
				       patience_ms);
		pause_ms(pause);
		pause = pause * 2 < PAUSE_LAST_MS ? pause * 2 : PAUSE_LAST_MS;
	}
}

int sl_dump_read(struct sl_netlink *netlink, u32 patience_ms, struct sl_ruleset **ret_ruleset,
		 struct sl_diag *diag)
{
	return read_patiently(netlink, ask_everything, patience_ms, ret_ruleset, diag);
}

void sl_source_wake(void)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *netlink = NULL;
	struct request request;

	if (!sl_netlink_open(NETLINK_NETFILTER, &netlink, NULL))
		sl_netlink_ask(netlink,
			       build_request(&request, NFT_MSG_GETGEN, NFPROTO_UNSPEC, false), NULL,
			       NULL, NULL);
}

static int read_live(ask_fn *ask, u32 patience_ms, struct sl_ruleset **ret_ruleset,
		     struct sl_diag *diag)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *netlink = NULL;
	int error = sl_netlink_open(NETLINK_NETFILTER, &netlink, diag);

	if (error)
		return explain(error, diag);
	return read_patiently(netlink, ask, patience_ms, ret_ruleset, diag);
}

int sl_source_read_live(u32 patience_ms, struct sl_ruleset **ret_ruleset, struct sl_diag *diag)
{
	return read_live(ask_everything, patience_ms, ret_ruleset, diag);
}

int sl_source_read_chains(u32 patience_ms, struct sl_ruleset **ret_ruleset, struct sl_diag *diag)
{
	return read_live(ask_chains, patience_ms, ret_ruleset, diag);
}
