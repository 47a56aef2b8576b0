/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the readers of iptables-legacy's tables: legacy.c cuts a table into chains,
 * legacy_rule.c makes rules of their entries.
 */
#ifndef SLUICE_SOURCE_LEGACY_PARTS_H
#define SLUICE_SOURCE_LEGACY_PARTS_H

#include <linux/netfilter.h>

#include "source/legacy.h"

/*
 * A match or a target in the kernel (struct xt_entry_match, _target): its size, what is left of its
 * name, where the extension lies, its revision; then what it is told.
 */
#define EXTENSION_NAME    2
#define EXTENSION_ADDRESS 8
#define EXTENSION_HEAD    32 /* bytes; the revision is the last of them */

struct sl_legacy_extension {
	const u8 *head, *info;
	u16 size; /* of both */
	u64 address;
};

/* Where things are in struct ipt_entry and struct ip6t_entry. */
struct sl_legacy_layout {
	u32 asks; /* bytes at the beginning that say what packets it is for */
	u32 offsets, size;
};

const struct sl_legacy_layout *sl_legacy_layout(u32 protocol);

struct sl_legacy_entry {
	u32 at; /* in the table: what verdicts tell */
	const u8 *bytes;
	const struct sl_legacy_layout *layout;
	u32 target_offset, length;
	struct sl_legacy_extension target;
};

/* One of the matches, from `*at` on, which starts as layout->size; false behind the last. */
bool sl_legacy_next_match(const struct sl_legacy_entry *entry, u32 *at,
			  struct sl_legacy_extension *ret_match);

struct sl_legacy_chain {
	struct sl_nft_chain *chain;
	u32 begin, end; /* entries: its rules, and what ends it */
};

struct sl_legacy_blob {
	const struct sl_legacy_source *source;
	u32 hooks[NF_INET_NUMHOOKS], policies[NF_INET_NUMHOOKS];
	SL_LIST(struct sl_legacy_entry) entries;
	SL_LIST(struct sl_legacy_chain) chains;
};

/* NULL where it is not known, or not the one that the rule was made with. */
const char *sl_legacy_name(const struct sl_legacy_source *source,
			   const struct sl_legacy_extension *extension, u32 *ret_revision);

/* The chain, none of a hook's, whose first entry is there; or NULL. */
const struct sl_legacy_chain *sl_legacy_find_chain(const struct sl_legacy_blob *blob, u32 at);

/* With a hash of what it says for its handle. 0, -ENOMEM, or -EINVAL: it leads nowhere. */
int sl_legacy_read_rule(struct sl_arena *arena, const struct sl_legacy_blob *blob,
			const struct sl_legacy_entry *entry, struct sl_nft_rule *rule);

/* Goes on from `hash`. At most 32 bits, so that people can read it. */
u64 sl_legacy_hash(u64 hash, const void *bytes, size_t length);

#endif
