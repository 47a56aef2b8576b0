/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "source/reader.h"

/* Since Linux 6.9; not in the headers of 6.1. The table stays when its owner goes. */
#define TABLE_F_PERSIST 0x4

static const sl_attr_policy table_policy = {
	[NFTA_TABLE_NAME] = SL_ATTR_TEXT,      [NFTA_TABLE_FLAGS] = SL_ATTR_U32,
	[NFTA_TABLE_USE] = SL_ATTR_HARMLESS,   [NFTA_TABLE_HANDLE] = SL_ATTR_U64,
	[NFTA_TABLE_PAD] = SL_ATTR_HARMLESS,   [NFTA_TABLE_USERDATA] = SL_ATTR_HARMLESS,
	[NFTA_TABLE_OWNER] = SL_ATTR_HARMLESS,
};

/*
 * A table with an owner goes when the owner's socket closes, and then the kernel neither raises the
 * generation nor sends a notice (seen on 6.18): nobody could take back a drop by its rules.
 */
static bool can_vanish(const struct sl_nft_table *table)
{
	return (table->flags & NFT_TABLE_F_OWNER) && !(table->flags & TABLE_F_PERSIST);
}

static int find_strangeness(struct sl_reader *reader, const struct sl_attrs *attrs,
			    struct sl_nft_table *table)
{
	u32 strange = table->flags & ~(u32)(NFT_TABLE_F_MASK | TABLE_F_PERSIST);

	if (attrs->oddity)
		table->opaque = sl_attrs_complaint(attrs, reader->arena);
	else if (strange)
		table->opaque = sl_arena_printf(reader->arena, "has unknown flags 0x%x", strange);
	else if (can_vanish(table))
		table->opaque = "belongs to a process and vanishes with it unannounced";
	else
		return 0;
	return table->opaque ? 0 : -ENOMEM;
}

int sl_table_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_table **slot, *table;
	struct sl_attrs attrs;

	if (sl_attrs_read_message(&attrs, table_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_TABLE_NAME])
		return sl_reader_malformed(reader, "table");
	table = sl_arena_alloc(reader->arena, sizeof *table);
	slot = sl_list_push(reader->arena, &reader->ruleset->tables);
	if (!table || !slot)
		return -ENOMEM;
	*slot = table;
	table->family = sl_message_family(message);
	table->name = sl_arena_strdup(reader->arena, sl_attrs_text(&attrs, NFTA_TABLE_NAME));
	table->handle = sl_attrs_u64(&attrs, NFTA_TABLE_HANDLE);
	table->flags = sl_attrs_u32(&attrs, NFTA_TABLE_FLAGS);
	if (!table->name)
		return -ENOMEM;
	return find_strangeness(reader, &attrs, table);
}
