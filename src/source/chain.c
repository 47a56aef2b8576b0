/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "source/reader.h"

/* Since Linux 6.18; not in the headers of 6.1: a name's beginning. */
#define DEVICE_PREFIX 2

static const sl_attr_policy chain_policy = {
	[NFTA_CHAIN_TABLE] = SL_ATTR_TEXT,   [NFTA_CHAIN_HANDLE] = SL_ATTR_U64,
	[NFTA_CHAIN_NAME] = SL_ATTR_TEXT,    [NFTA_CHAIN_HOOK] = SL_ATTR_NESTED,
	[NFTA_CHAIN_POLICY] = SL_ATTR_U32,   [NFTA_CHAIN_USE] = SL_ATTR_U32,
	[NFTA_CHAIN_TYPE] = SL_ATTR_TEXT,    [NFTA_CHAIN_COUNTERS] = SL_ATTR_NESTED,
	[NFTA_CHAIN_PAD] = SL_ATTR_HARMLESS, [NFTA_CHAIN_FLAGS] = SL_ATTR_U32,
	[NFTA_CHAIN_ID] = SL_ATTR_HARMLESS,  [NFTA_CHAIN_USERDATA] = SL_ATTR_HARMLESS,
};

static const sl_attr_policy hook_policy = {
	[NFTA_HOOK_HOOKNUM] = SL_ATTR_U32,
	[NFTA_HOOK_PRIORITY] = SL_ATTR_U32,
	[NFTA_HOOK_DEV] = SL_ATTR_TEXT,
	[NFTA_HOOK_DEVS] = SL_ATTR_NESTED,
};

static const sl_attr_policy counter_policy = {
	[NFTA_COUNTER_BYTES] = SL_ATTR_U64,
	[NFTA_COUNTER_PACKETS] = SL_ATTR_U64,
	[NFTA_COUNTER_PAD] = SL_ATTR_HARMLESS,
};

/*
 * A device's name, or its beginning and a '*'. Linux 6.16 and 6.17 sent a beginning as a name
 * without its NUL.
 */
static const char *device_name(struct sl_arena *arena, const struct nlattr *attr)
{
	const char *name = sl_attr_payload(attr);
	int length = (int)strnlen(name, sl_attr_length(attr));
	bool is_prefix =
		mnl_attr_get_type(attr) == DEVICE_PREFIX || (u32)length == sl_attr_length(attr);

	return sl_arena_printf(arena, "%.*s%s", length, name, is_prefix ? "*" : "");
}

int sl_devices_read(struct sl_reader *reader, const struct nlattr *nest, sl_device_fn *push,
		    void *context, bool *ret_all_known)
{
	bool all_known = sl_attr_nest_is_sound(nest);

	for (const struct nlattr *attr = sl_attr_first(nest); attr;
	     attr = sl_attr_next(nest, attr)) {
		u32 type = mnl_attr_get_type(attr);
		const char *name;
		int error;

		if (type != NFTA_DEVICE_NAME && type != DEVICE_PREFIX) {
			all_known = false;
			continue;
		}
		name = device_name(reader->arena, attr);
		error = name ? push(reader, context, name) : -ENOMEM;
		if (error)
			return error;
	}
	*ret_all_known = all_known;
	return 0;
}

static int push_device(struct sl_reader *reader, void *context, const char *name)
{
	struct sl_nft_chain *chain = context;
	const char **slot = sl_list_push(reader->arena, &chain->devices);

	if (!slot)
		return -ENOMEM;
	*slot = name;
	return 0;
}

static int read_hook_devices(struct sl_reader *reader, const struct sl_attrs *hook,
			     struct sl_nft_chain *chain)
{
	const struct nlattr *list = hook->at[NFTA_HOOK_DEVS];
	const char *single = sl_attrs_text(hook, NFTA_HOOK_DEV);
	bool all_known = true;
	int error = 0;

	if (list)
		error = sl_devices_read(reader, list, push_device, chain, &all_known);
	else if (single)
		error = push_device(reader, chain, sl_arena_strdup(reader->arena, single));
	chain->opaque_hook |= !all_known;
	return error;
}

static int read_hook(struct sl_reader *reader, const struct nlattr *nest,
		     struct sl_nft_chain *chain)
{
	struct sl_attrs hook;

	if (sl_attrs_read_nested(&hook, hook_policy, nest))
		return sl_reader_malformed(reader, "hook");
	chain->is_base = true;
	chain->hook = sl_attrs_u32(&hook, NFTA_HOOK_HOOKNUM);
	chain->priority = (s32)sl_attrs_u32(&hook, NFTA_HOOK_PRIORITY);
	if (hook.oddity || !hook.at[NFTA_HOOK_HOOKNUM] || !hook.at[NFTA_HOOK_PRIORITY])
		chain->opaque_hook = true;
	return read_hook_devices(reader, &hook, chain);
}

static int read_counters(struct sl_reader *reader, const struct nlattr *nest,
			 struct sl_nft_chain *chain)
{
	struct sl_attrs counters;

	if (sl_attrs_read_nested(&counters, counter_policy, nest))
		return sl_reader_malformed(reader, "chain counter");
	chain->has_counters = true;
	chain->packets = sl_attrs_u64(&counters, NFTA_COUNTER_PACKETS);
	chain->bytes = sl_attrs_u64(&counters, NFTA_COUNTER_BYTES);
	return 0;
}

static void judge(const struct sl_attrs *attrs, struct sl_nft_chain *chain)
{
	bool lacks = chain->is_base && (!chain->type || !attrs->at[NFTA_CHAIN_POLICY]);
	bool is_strange = chain->flags & ~(u32)NFT_CHAIN_FLAGS;
	bool disagrees = (chain->flags & NFT_CHAIN_BASE) && !chain->is_base;
	bool odd_policy = chain->is_base && chain->policy != NF_ACCEPT && chain->policy != NF_DROP;

	if (attrs->oddity || lacks || is_strange || disagrees || odd_policy)
		chain->opaque_hook = true;
	if (chain->opaque_hook)
		chain->is_base = true;
}

static int fill(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_nft_chain *chain)
{
	const char *type = sl_attrs_text(attrs, NFTA_CHAIN_TYPE);
	int error = 0;

	chain->name = sl_arena_strdup(reader->arena, sl_attrs_text(attrs, NFTA_CHAIN_NAME));
	chain->handle = sl_attrs_u64(attrs, NFTA_CHAIN_HANDLE);
	chain->policy = (s32)sl_attrs_u32(attrs, NFTA_CHAIN_POLICY);
	chain->flags = sl_attrs_u32(attrs, NFTA_CHAIN_FLAGS);
	chain->uses = sl_attrs_u32(attrs, NFTA_CHAIN_USE);
	if (type)
		chain->type = sl_arena_strdup(reader->arena, type);
	if (!chain->name || (type && !chain->type))
		return -ENOMEM;
	if (attrs->at[NFTA_CHAIN_HOOK])
		error = read_hook(reader, attrs->at[NFTA_CHAIN_HOOK], chain);
	if (!error && attrs->at[NFTA_CHAIN_COUNTERS])
		error = read_counters(reader, attrs->at[NFTA_CHAIN_COUNTERS], chain);
	judge(attrs, chain);
	return error;
}

int sl_chain_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_chain **slot, *chain;
	struct sl_nft_table *table;
	struct sl_attrs attrs;
	int error;

	if (sl_attrs_read_message(&attrs, chain_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_CHAIN_NAME])
		return sl_reader_malformed(reader, "chain");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_CHAIN_TABLE), &table);
	if (error)
		return error;
	chain = sl_arena_alloc(reader->arena, sizeof *chain);
	slot = sl_list_push(reader->arena, &table->chains);
	if (!chain || !slot)
		return -ENOMEM;
	*slot = chain;
	return fill(reader, &attrs, chain);
}
