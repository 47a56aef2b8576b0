/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of this folder share: a network namespace of their own, and rules in it. */
#ifndef SLUICE_SOURCE_TESTING_H
#define SLUICE_SOURCE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/ruleset.h"

/* The test's process leaves every namespace that it was in; nothing needs to be deleted. */
static inline void enter_new_namespace(void)
{
	if (!unshare(CLONE_NEWNET))
		return;
	print_message("skipped: cannot create a network namespace: %s\n", strerror(errno));
	skip();
}

/* For tests that give privileges up. */
static inline void need_root(void)
{
	if (!geteuid())
		return;
	print_message("skipped: only root can become somebody else\n");
	skip();
}

/* Feeds `text` to a shell command. */
static inline int feed(const char *command, const char *text)
{
	FILE *pipe = popen(command, "we");

	assert_non_null(pipe);
	fputs(text, pipe);
	return pclose(pipe);
}

static inline void load(const char *command, const char *text)
{
	assert_int_equal(feed(command, text), 0);
}

static inline const struct sl_nft_chain *get_chain(const struct sl_ruleset *ruleset, u32 family,
						   const char *table, const char *chain)
{
	const struct sl_nft_table *found = sl_ruleset_find_table(ruleset, family, table);

	assert_non_null(found);
	const struct sl_nft_chain *ret = sl_table_find_chain(found, chain);

	assert_non_null(ret);
	return ret;
}

static inline const struct sl_expr *get_expr(const struct sl_nft_chain *chain, u32 rule, u32 expr)
{
	assert_true(rule < chain->rules.count);
	assert_true(expr < chain->rules.items[rule].exprs.count);
	return &chain->rules.items[rule].exprs.items[expr];
}

static inline const struct sl_nft_set *get_set(const struct sl_ruleset *ruleset, u32 family,
					       const char *table, const char *set)
{
	const struct sl_nft_table *found = sl_ruleset_find_table(ruleset, family, table);

	assert_non_null(found);
	const struct sl_nft_set *ret = sl_table_find_set(found, set);

	assert_non_null(ret);
	return ret;
}

#endif
