// SPDX-License-Identifier: GPL-2.0-only
/* xt_comment.c: always matches, and is the rule's comment. */
#include "lift/xt.h"

#include <errno.h>
#include <linux/netfilter/xt_comment.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_comment_info *info = data;

	rule->comment = sl_arena_printf(rule->lifter->program->arena, "%.*s", XT_MAX_COMMENT_LEN,
					info->comment);
	return rule->comment ? 0 : -ENOMEM;
}

const struct sl_xt_match sl_xt_comment = {"comment", 0, sizeof(struct xt_comment_info), lift};
