/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "source/reader.h"

static const sl_attr_policy rule_policy = {
	[NFTA_RULE_TABLE] = SL_ATTR_TEXT,           [NFTA_RULE_CHAIN] = SL_ATTR_TEXT,
	[NFTA_RULE_HANDLE] = SL_ATTR_U64,           [NFTA_RULE_EXPRESSIONS] = SL_ATTR_NESTED,
	[NFTA_RULE_COMPAT] = SL_ATTR_HARMLESS, /* what xt extensions were checked against */
	[NFTA_RULE_POSITION] = SL_ATTR_HARMLESS,    [NFTA_RULE_USERDATA] = SL_ATTR_BYTES,
	[NFTA_RULE_PAD] = SL_ATTR_HARMLESS,         [NFTA_RULE_ID] = SL_ATTR_HARMLESS,
	[NFTA_RULE_POSITION_ID] = SL_ATTR_HARMLESS, [NFTA_RULE_CHAIN_ID] = SL_ATTR_HARMLESS,
};

/* libnftnl's userdata: one byte of type, one of length, then the value; repeated. */
#define USERDATA_COMMENT 0

static int read_comment(struct sl_reader *reader, const struct nlattr *userdata,
			struct sl_nft_rule *rule)
{
	const u8 *next = sl_attr_payload(userdata);
	const u8 *end = next + sl_attr_length(userdata);

	/* nft keeps it for itself and the kernel does not look: nonsense is no comment. */
	while (end - next >= 2 && end - next - 2 >= next[1]) {
		const char *value = (const char *)next + 2;

		if (next[0] == USERDATA_COMMENT && next[1]) {
			rule->comment = sl_arena_printf(reader->arena, "%.*s",
							(int)strnlen(value, next[1]), value);
			return rule->comment ? 0 : -ENOMEM;
		}
		next += 2 + next[1];
	}
	return 0;
}

static int push_oddity(struct sl_reader *reader, const struct sl_attrs *attrs,
		       struct sl_nft_rule *rule)
{
	struct sl_expr *expr = sl_list_push(reader->arena, &rule->exprs);

	if (!expr)
		return -ENOMEM;
	expr->name = "rule";
	expr->opaque = sl_attrs_complaint(attrs, reader->arena);
	return expr->opaque ? 0 : -ENOMEM;
}

static int read_exprs(struct sl_reader *reader, const struct nlattr *list, struct sl_nft_rule *rule)
{
	int error = 0;

	if (!sl_attr_nest_is_sound(list))
		return sl_reader_malformed(reader, "rule");
	for (const struct nlattr *nest = sl_attr_first(list); nest && !error;
	     nest = sl_attr_next(list, nest)) {
		struct sl_expr *expr = sl_list_push(reader->arena, &rule->exprs);

		error = expr ? sl_expr_read(reader, nest, expr) : -ENOMEM;
	}
	return error;
}

static int fill(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_nft_rule *rule)
{
	const struct nlattr *userdata = attrs->at[NFTA_RULE_USERDATA];
	const struct nlattr *exprs = attrs->at[NFTA_RULE_EXPRESSIONS];
	int error = 0;

	rule->handle = sl_attrs_u64(attrs, NFTA_RULE_HANDLE);
	if (userdata)
		error = read_comment(reader, userdata, rule);
	if (!error && attrs->oddity)
		error = push_oddity(reader, attrs, rule);
	if (!error && exprs)
		error = read_exprs(reader, exprs, rule);
	return error;
}

static struct sl_nft_chain *find_chain(struct sl_reader *reader, const struct sl_nft_table *table,
				       const char *name)
{
	if (!reader->chain || strcmp(reader->chain->name, name) != 0)
		reader->chain = sl_table_find_chain(table, name);
	return reader->chain;
}

int sl_rule_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_table *table;
	struct sl_nft_chain *chain;
	struct sl_nft_rule *rule;
	struct sl_attrs attrs;
	const char *name;
	int error;

	if (sl_attrs_read_message(&attrs, rule_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_RULE_CHAIN])
		return sl_reader_malformed(reader, "rule");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_RULE_TABLE), &table);
	if (error)
		return error;
	name = sl_attrs_text(&attrs, NFTA_RULE_CHAIN);
	chain = find_chain(reader, table, name);
	if (!chain)
		return sl_reader_missing(reader, "chain", name);
	rule = sl_list_push(reader->arena, &chain->rules);
	return rule ? fill(reader, &attrs, rule) : -ENOMEM;
}
