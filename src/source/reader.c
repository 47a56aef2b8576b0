/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/reader.h"

#include <errno.h>
#include <string.h>

int sl_reader_init(struct sl_reader *reader, struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();

	memset(reader, 0, sizeof *reader);
	reader->diag = diag;
	if (!arena)
		return sl_fail_memory(diag);
	reader->ruleset = sl_arena_alloc(arena, sizeof *reader->ruleset);
	if (!reader->ruleset) {
		sl_arena_free(arena);
		return sl_fail_memory(diag);
	}
	reader->arena = reader->ruleset->arena = arena;
	return 0;
}

void sl_reader_release(struct sl_reader *reader)
{
	sl_arena_free(reader->waiting_arena);
	sl_ruleset_free(reader->ruleset);
	memset(reader, 0, sizeof *reader);
}

u32 sl_message_family(const struct nlmsghdr *message)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
}

int sl_reader_malformed(struct sl_reader *reader, const char *what)
{
	return sl_fail(reader->diag, EBADMSG,
		       "the kernel's description of a %s is malformed; sluice cannot rely on it",
		       what);
}

int sl_reader_missing(struct sl_reader *reader, const char *what, const char *name)
{
	return sl_fail(reader->diag, EAGAIN, "%s \"%s\" vanished while the rules were read", what,
		       name ? name : "");
}

int sl_reader_owner(struct sl_reader *reader, const struct nlmsghdr *message, const char *name,
		    struct sl_nft_table **ret_table)
{
	u32 family = sl_message_family(message);
	struct sl_nft_table *table = reader->table;

	if (!name)
		return sl_reader_malformed(reader, "reference to a table");
	if (!table || table->family != family || strcmp(table->name, name) != 0) {
		table = sl_ruleset_find_table(reader->ruleset, family, name);
		if (!table)
			return sl_reader_missing(reader, "table", name);
		reader->table = table;
		reader->chain = NULL;
	}
	*ret_table = table;
	return 0;
}

static int generation_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	static const sl_attr_policy policy = {
		[NFTA_GEN_ID] = SL_ATTR_U32,
		[NFTA_GEN_PROC_PID] = SL_ATTR_HARMLESS,
		[NFTA_GEN_PROC_NAME] = SL_ATTR_HARMLESS,
	};
	struct sl_attrs attrs;

	if (sl_attrs_read_message(&attrs, policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_GEN_ID])
		return sl_reader_malformed(reader, "generation");
	reader->generation = sl_attrs_u32(&attrs, NFTA_GEN_ID);
	return 0;
}

/* Elements wait until a message is about something else. */
static int close_set_before(struct sl_reader *reader, u32 type)
{
	return type == NFT_MSG_NEWSETELEM ? 0 : sl_set_close(reader);
}

int sl_reader_take(struct sl_reader *reader, const struct nlmsghdr *message)
{
	static int (*const readers[NFT_MSG_MAX])(struct sl_reader *, const struct nlmsghdr *) = {
		[NFT_MSG_NEWTABLE] = sl_table_read, [NFT_MSG_NEWCHAIN] = sl_chain_read,
		[NFT_MSG_NEWSET] = sl_set_read,     [NFT_MSG_NEWSETELEM] = sl_set_read_elements,
		[NFT_MSG_NEWOBJ] = sl_object_read,  [NFT_MSG_NEWFLOWTABLE] = sl_flowtable_read,
		[NFT_MSG_NEWRULE] = sl_rule_read,   [NFT_MSG_NEWGEN] = generation_read,
	};
	u32 type = NFNL_MSG_TYPE(message->nlmsg_type);
	int error;

	if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES || type >= NFT_MSG_MAX ||
	    !readers[type])
		return sl_fail(reader->diag, EBADMSG,
			       "the kernel answered with an unexpected message of type %u",
			       message->nlmsg_type);
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return sl_reader_malformed(reader, "message");
	error = close_set_before(reader, type);
	if (!error)
		error = readers[type](reader, message);
	if (error == -ENOMEM)
		sl_fail_memory(reader->diag);
	return error;
}

/* What an unknown table attribute means, it may mean for every chain of the table. */
static void spread_suspicion(struct sl_ruleset *ruleset)
{
	for (u32 i = 0; i < ruleset->tables.count; i++) {
		struct sl_nft_table *table = ruleset->tables.items[i];

		for (u32 j = 0; table->opaque && j < table->chains.count; j++) {
			table->chains.items[j]->is_base = true;
			table->chains.items[j]->opaque_hook = true;
		}
	}
}

int sl_reader_finish(struct sl_reader *reader, struct sl_ruleset **ret_ruleset)
{
	int error = sl_set_close(reader);

	if (error)
		return error;
	spread_suspicion(reader->ruleset);
	*ret_ruleset = reader->ruleset;
	reader->ruleset = NULL;
	return 0;
}
