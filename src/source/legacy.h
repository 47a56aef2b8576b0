/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables-legacy's tables, as rules. They are read as they lie in the kernel's memory, not asked
 * for: what is read is, byte for byte, what the data plane compares before a drop (bpf/legacy.h).
 *
 * Enters: copies of the tables of one family (abi/xt_tables.h), perhaps torn. Leaves: tables in a
 * ruleset, named "legacy filter" and so on, with base chains at the hooks and priorities of the
 * kernel's; matches and targets are those of nft_compat, with the same bytes behind their names.
 * Promised: what is not understood makes the rule's expression opaque; where it is not clear which
 * rules there are, nothing is added and the family has an obstacle, for a person to read.
 *
 * How ipt_do_table() walks is how nf_tables does: matches in order, then the counter, then the
 * verdict; RETURN in a base chain, and its end, is the policy.
 */
#ifndef SLUICE_SOURCE_LEGACY_H
#define SLUICE_SOURCE_LEGACY_H

#include "xt_tables.h"
#include "source/ruleset.h"

struct sl_legacy_source {
	u32 protocol;    /* NFPROTO_IPV4, _IPV6 */
	bool has_tables; /* says the kernel: then memory without any is not where they are */
	const struct sl_legacy_family *family;
	const struct sl_legacy_chunk *chunks; /* its own */
	struct sl_legacy_name names[SL_LEGACY_NAMES_MAX];
	u32 name_count;
};

/* The extensions that the tables point to: addresses in `names`, for somebody to fill in the rest.
 */
void sl_legacy_find_extensions(struct sl_legacy_source *source);

/*
 * Adds all tables of the family to the ruleset, or none and tells the obstacle. 0 or -ENOMEM.
 * A rule's handle stays the same while the rule does, wherever it moves in its table.
 */
int sl_legacy_read(const struct sl_legacy_source *source, struct sl_ruleset *ruleset,
		   const char **ret_obstacle);

#endif
