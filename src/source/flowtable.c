/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "source/reader.h"

static const sl_attr_policy flowtable_policy = {
	[NFTA_FLOWTABLE_TABLE] = SL_ATTR_TEXT,      [NFTA_FLOWTABLE_NAME] = SL_ATTR_TEXT,
	[NFTA_FLOWTABLE_HOOK] = SL_ATTR_NESTED,     [NFTA_FLOWTABLE_USE] = SL_ATTR_HARMLESS,
	[NFTA_FLOWTABLE_HANDLE] = SL_ATTR_HARMLESS, [NFTA_FLOWTABLE_PAD] = SL_ATTR_HARMLESS,
	[NFTA_FLOWTABLE_FLAGS] = SL_ATTR_U32,
};

static const sl_attr_policy hook_policy = {
	[NFTA_FLOWTABLE_HOOK_NUM] = SL_ATTR_U32,
	[NFTA_FLOWTABLE_HOOK_PRIORITY] = SL_ATTR_U32,
	[NFTA_FLOWTABLE_HOOK_DEVS] = SL_ATTR_NESTED,
};

static int push_device(struct sl_reader *reader, void *context, const char *name)
{
	struct sl_nft_flowtable *flowtable = context;
	const char **slot = sl_list_push(reader->arena, &flowtable->devices);

	if (!slot)
		return -ENOMEM;
	*slot = name;
	return 0;
}

static int read_devices(struct sl_reader *reader, const struct nlattr *nest,
			struct sl_nft_flowtable *flowtable, bool *ret_all_known)
{
	struct sl_attrs hook;
	const struct nlattr *list;

	if (sl_attrs_read_nested(&hook, hook_policy, nest))
		return sl_reader_malformed(reader, "flowtable's hook");
	list = hook.at[NFTA_FLOWTABLE_HOOK_DEVS];
	*ret_all_known = !hook.oddity;
	if (!list)
		return 0;

	bool names_known;
	int error = sl_devices_read(reader, list, push_device, flowtable, &names_known);

	*ret_all_known &= !error && names_known;
	return error;
}

static int fill(struct sl_reader *reader, const struct sl_attrs *attrs,
		struct sl_nft_flowtable *flowtable)
{
	const struct nlattr *hook = attrs->at[NFTA_FLOWTABLE_HOOK];
	bool all_known = true;
	int error;

	flowtable->name = sl_arena_strdup(reader->arena, sl_attrs_text(attrs, NFTA_FLOWTABLE_NAME));
	if (!flowtable->name)
		return -ENOMEM;
	error = hook ? read_devices(reader, hook, flowtable, &all_known) : 0;
	if (error)
		return error;
	if (attrs->oddity || !all_known)
		return push_device(reader, flowtable, "*");
	return 0;
}

int sl_flowtable_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_flowtable *flowtable;
	struct sl_nft_table *table;
	struct sl_attrs attrs;
	int error;

	if (sl_attrs_read_message(&attrs, flowtable_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_FLOWTABLE_NAME])
		return sl_reader_malformed(reader, "flowtable");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_FLOWTABLE_TABLE),
				&table);
	if (error)
		return error;
	flowtable = sl_list_push(reader->arena, &table->flowtables);
	return flowtable ? fill(reader, &attrs, flowtable) : -ENOMEM;
}
