/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "source/reader.h"

static const sl_attr_policy object_policy = {
	[NFTA_OBJ_TABLE] = SL_ATTR_TEXT,   [NFTA_OBJ_NAME] = SL_ATTR_TEXT,
	[NFTA_OBJ_TYPE] = SL_ATTR_U32,     [NFTA_OBJ_DATA] = SL_ATTR_NESTED,
	[NFTA_OBJ_USE] = SL_ATTR_HARMLESS, [NFTA_OBJ_HANDLE] = SL_ATTR_U64,
	[NFTA_OBJ_PAD] = SL_ATTR_HARMLESS, [NFTA_OBJ_USERDATA] = SL_ATTR_HARMLESS,
};

static const sl_attr_policy counter_policy = {
	[NFTA_COUNTER_BYTES] = SL_ATTR_U64,
	[NFTA_COUNTER_PACKETS] = SL_ATTR_U64,
	[NFTA_COUNTER_PAD] = SL_ATTR_HARMLESS,
};

static int complain(struct sl_reader *reader, const struct sl_attrs *attrs,
		    struct sl_nft_object *object)
{
	if (!attrs->oddity || object->opaque)
		return 0;
	object->opaque = sl_attrs_complaint(attrs, reader->arena);
	return object->opaque ? 0 : -ENOMEM;
}

static int read_counter(struct sl_reader *reader, const struct nlattr *nest,
			struct sl_nft_object *object)
{
	struct sl_attrs attrs;

	if (sl_attrs_read_nested(&attrs, counter_policy, nest))
		return sl_reader_malformed(reader, "counter");
	object->packets = sl_attrs_u64(&attrs, NFTA_COUNTER_PACKETS);
	object->bytes = sl_attrs_u64(&attrs, NFTA_COUNTER_BYTES);
	return complain(reader, &attrs, object);
}

static int fill(struct sl_reader *reader, const struct sl_attrs *attrs,
		struct sl_nft_object *object)
{
	const struct nlattr *data = attrs->at[NFTA_OBJ_DATA];
	int error = 0;

	object->name = sl_arena_strdup(reader->arena, sl_attrs_text(attrs, NFTA_OBJ_NAME));
	object->type = sl_attrs_u32(attrs, NFTA_OBJ_TYPE);
	object->handle = sl_attrs_u64(attrs, NFTA_OBJ_HANDLE);
	if (!object->name)
		return -ENOMEM;
	/* What the other types hold is the kernel's business; an objref of them is too. */
	if (object->type == NFT_OBJECT_COUNTER && data)
		error = read_counter(reader, data, object);
	return error ? error : complain(reader, attrs, object);
}

int sl_object_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_object *object;
	struct sl_nft_table *table;
	struct sl_attrs attrs;
	int error;

	if (sl_attrs_read_message(&attrs, object_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_OBJ_NAME])
		return sl_reader_malformed(reader, "object");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_OBJ_TABLE), &table);
	if (error)
		return error;
	object = sl_list_push(reader->arena, &table->objects);
	return object ? fill(reader, &attrs, object) : -ENOMEM;
}
