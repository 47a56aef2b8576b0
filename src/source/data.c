/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/data.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

static const sl_attr_policy data_policy = {
	[NFTA_DATA_VALUE] = SL_ATTR_BYTES,
	[NFTA_DATA_VERDICT] = SL_ATTR_NESTED,
};

static const sl_attr_policy verdict_policy = {
	[NFTA_VERDICT_CODE] = SL_ATTR_U32,
	[NFTA_VERDICT_CHAIN] = SL_ATTR_TEXT,
};

static int complain(struct sl_arena *arena, const struct sl_attrs *attrs, struct sl_data *data)
{
	if (!attrs->oddity || data->opaque)
		return 0;
	data->opaque = sl_attrs_complaint(attrs, arena);
	return data->opaque ? 0 : -ENOMEM;
}

static int read_verdict(struct sl_arena *arena, const struct nlattr *nest, struct sl_data *data)
{
	struct sl_attrs attrs;
	const char *chain;

	if (sl_attrs_read_nested(&attrs, verdict_policy, nest))
		return -EBADMSG;
	data->is_verdict = true;
	data->verdict.code = (s32)sl_attrs_u32(&attrs, NFTA_VERDICT_CODE);
	if (!attrs.at[NFTA_VERDICT_CODE])
		data->opaque = "its verdict has no code";
	chain = sl_attrs_text(&attrs, NFTA_VERDICT_CHAIN);
	if (chain) {
		data->verdict.chain = sl_arena_strdup(arena, chain);
		if (!data->verdict.chain)
			return -ENOMEM;
	} else if (data->verdict.code == NFT_JUMP || data->verdict.code == NFT_GOTO) {
		data->opaque = "its jump names no chain";
	}
	return complain(arena, &attrs, data);
}

static int read_value(struct sl_arena *arena, const struct nlattr *value, struct sl_data *data)
{
	data->length = sl_attr_length(value);
	if (!data->length || data->length > NFT_DATA_VALUE_MAXLEN)
		return -EBADMSG;
	data->bytes = sl_arena_copy(arena, sl_attr_payload(value), data->length);
	return data->bytes ? 0 : -ENOMEM;
}

int sl_data_read(struct sl_arena *arena, const struct nlattr *nest, struct sl_data *ret_data)
{
	struct sl_data data = {0};
	struct sl_attrs attrs;
	const struct nlattr *value, *verdict;
	int error;

	if (sl_attrs_read_nested(&attrs, data_policy, nest))
		return -EBADMSG;
	value = attrs.at[NFTA_DATA_VALUE];
	verdict = attrs.at[NFTA_DATA_VERDICT];
	if (value && !verdict)
		error = read_value(arena, value, &data);
	else if (verdict && !value)
		error = read_verdict(arena, verdict, &data);
	else if (attrs.oddity)
		error = 0;
	else
		error = -EBADMSG;
	if (!error)
		error = complain(arena, &attrs, &data);
	if (!error)
		*ret_data = data;
	return error;
}
