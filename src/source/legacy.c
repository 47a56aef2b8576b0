/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/legacy.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "source/legacy_parts.h"

/* What lies ahead of the entries: struct xt_table_info, the same from 4.x on. */
struct info {
	u32 size, number, initial_entries;
	u32 hook_entry[NF_INET_NUMHOOKS], underflow[NF_INET_NUMHOOKS];
	u32 stacksize;
	u64 jumpstack;
};

/* Deeper than nf_tables lets rules jump, and so deeper than the stages behind expect. */
#define DEPTH_MAX 16

static const char torn[] = "iptables-legacy rules changed while they were read";

/* Entries */

/* The bytes of one table, in one piece; NULL: out of memory. */
static u8 *assemble(struct sl_arena *arena, const struct sl_legacy_source *source,
		    const struct sl_legacy_table *table)
{
	u8 *bytes = sl_arena_alloc(arena, table->size);

	for (u32 i = 0; bytes && i < table->count; i++) {
		const struct sl_legacy_chunk *chunk = &source->chunks[table->first + i];
		u64 at = chunk->address - table->info.value;

		if (at <= table->size - SL_LEGACY_CHUNK_BYTES)
			memcpy(bytes + at, chunk->words, SL_LEGACY_CHUNK_BYTES);
	}
	return bytes;
}

/* Whether the family's tables are all here. */
static const char *find_gap(const struct sl_legacy_source *source)
{
	const struct sl_legacy_family *family = source->family;

	if (!family->head.address || (source->has_tables && !family->count))
		return "iptables-legacy rules are present, and cannot be found in this kernel";
	if (family->count > SL_LEGACY_TABLES)
		return "iptables-legacy has more tables than any kernel that sluice knows";
	if (family->chunks > SL_LEGACY_CHUNKS)
		return "iptables-legacy rules are present, and more than sluice can watch (64 kB)";
	for (u32 i = 0; i < family->count; i++)
		if (family->tables[i].size < SL_LEGACY_CHUNK_BYTES)
			return torn;
	return NULL;
}

static bool take_extension(const u8 *bytes, u32 length, struct sl_legacy_extension *ret_extension)
{
	struct sl_legacy_extension extension = {.head = bytes, .info = bytes + EXTENSION_HEAD};
	u16 size;

	if (length < EXTENSION_HEAD)
		return false;
	memcpy(&size, bytes, sizeof size);
	if (size < EXTENSION_HEAD || size > length || size % 8)
		return false;
	extension.size = size;
	memcpy(&extension.address, bytes + EXTENSION_ADDRESS, sizeof extension.address);
	*ret_extension = extension;
	return true;
}

bool sl_legacy_next_match(const struct sl_legacy_entry *entry, u32 *at,
			  struct sl_legacy_extension *ret_match)
{
	if (*at >= entry->target_offset ||
	    !take_extension(entry->bytes + *at, entry->target_offset - *at, ret_match))
		return false;
	*at += ret_match->size;
	return true;
}

static bool take_entry(const u8 *bytes, u32 length, u32 protocol, struct sl_legacy_entry *ret_entry)
{
	const struct sl_legacy_layout *layout = sl_legacy_layout(protocol);
	struct sl_legacy_entry entry = {.bytes = bytes, .layout = layout};
	struct sl_legacy_extension match;
	u16 offsets[2];
	u32 at = layout->size;

	if (length < layout->size)
		return false;
	memcpy(offsets, bytes + layout->offsets, sizeof offsets);
	entry.target_offset = offsets[0];
	entry.length = offsets[1];
	if (entry.target_offset < layout->size || entry.length > length || entry.length % 8 ||
	    entry.target_offset > entry.length)
		return false;
	while (sl_legacy_next_match(&entry, &at, &match))
		continue;
	if (at != entry.target_offset ||
	    !take_extension(bytes + at, entry.length - at, &entry.target) ||
	    entry.target.size < EXTENSION_HEAD + sizeof(u32))
		return false;
	*ret_entry = entry;
	return true;
}

static int take_entries(struct sl_arena *arena, struct sl_legacy_blob *blob, const u8 *bytes,
			u32 size, u32 protocol)
{
	for (u32 at = 0; at < size;) {
		struct sl_legacy_entry entry, *slot;

		if (!take_entry(bytes + at, size - at, protocol, &entry))
			return -EINVAL;
		entry.at = at;
		slot = sl_list_push(arena, &blob->entries);
		if (!slot)
			return -ENOMEM;
		*slot = entry;
		at += entry.length;
	}
	return 0;
}

/* -EINVAL for what is no table. */
static int open_blob(struct sl_arena *arena, const struct sl_legacy_source *source,
		     const struct sl_legacy_table *table, struct sl_legacy_blob *ret_blob)
{
	struct sl_legacy_blob blob = {.source = source};
	const u8 *bytes = assemble(arena, source, table);
	struct info info;
	int error;

	if (!bytes)
		return -ENOMEM;
	memcpy(&info, bytes, sizeof info);
	if (info.size != table->size - sizeof info)
		return -EINVAL;
	memcpy(blob.hooks, info.hook_entry, sizeof blob.hooks);
	memcpy(blob.policies, info.underflow, sizeof blob.policies);
	error = take_entries(arena, &blob, bytes + sizeof info, info.size, source->protocol);
	if (!error)
		*ret_blob = blob;
	return error;
}

/* Extensions */

static void want(struct sl_legacy_source *source, u64 address)
{
	for (u32 i = 0; i < source->name_count; i++)
		if (source->names[i].address == address)
			return;
	if (source->name_count < SL_LEGACY_NAMES_MAX)
		source->names[source->name_count++].address = address;
}

static void want_all(struct sl_legacy_source *source, const struct sl_legacy_blob *blob)
{
	for (u32 i = 0; i < blob->entries.count; i++) {
		const struct sl_legacy_entry *entry = &blob->entries.items[i];
		u32 at = entry->layout->size;
		struct sl_legacy_extension match;

		while (sl_legacy_next_match(entry, &at, &match))
			want(source, match.address);
		want(source, entry->target.address);
	}
}

void sl_legacy_find_extensions(struct sl_legacy_source *source)
{
	struct sl_arena *arena = sl_arena_new();

	source->name_count = 0;
	for (u32 i = 0; arena && !find_gap(source) && i < source->family->count; i++) {
		struct sl_legacy_blob blob;

		if (!open_blob(arena, source, &source->family->tables[i], &blob))
			want_all(source, &blob);
	}
	sl_arena_free(arena);
}

/* Of the name that the rule was made with, the kernel has kept the first bytes beside the address.
 */
const char *sl_legacy_name(const struct sl_legacy_source *source,
			   const struct sl_legacy_extension *extension, u32 *ret_revision)
{
	for (u32 i = 0; i < source->name_count; i++) {
		const struct sl_legacy_name *name = &source->names[i];

		if (name->address != extension->address)
			continue;
		if (!memchr(name->name, '\0', sizeof name->name) ||
		    strncmp(name->name, (const char *)extension->head + EXTENSION_NAME,
			    EXTENSION_ADDRESS - EXTENSION_NAME) != 0 ||
		    name->revision != extension->head[EXTENSION_HEAD - 1])
			return NULL;
		*ret_revision = name->revision;
		return name->name;
	}
	return NULL;
}

/* Chains */

static bool targets(const struct sl_legacy_blob *blob, const struct sl_legacy_entry *entry,
		    const char *wanted)
{
	u32 revision;
	const char *name = sl_legacy_name(blob->source, &entry->target, &revision);

	return name && !strcmp(name, wanted);
}

static bool is_head(const struct sl_legacy_blob *blob, const struct sl_legacy_entry *entry)
{
	return targets(blob, entry, XT_ERROR_TARGET);
}

/* The hook whose chain begins at an entry; NF_INET_NUMHOOKS: none. */
static u32 find_hook(const u32 hooks[NF_INET_NUMHOOKS], u32 at)
{
	u32 hook = 0;

	while (hook < NF_INET_NUMHOOKS && hooks[hook] != at)
		hook++;
	return hook;
}

/* Whether a chain ends behind the entry. */
static bool is_last(const struct sl_legacy_blob *blob, u32 index)
{
	const struct sl_legacy_entry *next = &blob->entries.items[index + 1];

	return is_head(blob, next) || find_hook(blob->hooks, next->at) < NF_INET_NUMHOOKS;
}

static bool is_verdict(const struct sl_legacy_blob *blob, const struct sl_legacy_entry *entry,
		       s32 *ret_verdict)
{
	if (!targets(blob, entry, XT_STANDARD_TARGET))
		return false;
	memcpy(ret_verdict, entry->target.info, sizeof *ret_verdict);
	return true;
}

/* Asks for nothing: the kernel wants policies and the ends of chains to be so. */
static bool is_unconditional(const struct sl_legacy_entry *entry)
{
	for (u32 i = 0; i < entry->layout->asks; i++)
		if (entry->bytes[i])
			return false;
	return entry->target_offset == entry->layout->size;
}

static const char *hook_name(u32 hook)
{
	static const char *const names[NF_INET_NUMHOOKS] = {
		[NF_INET_PRE_ROUTING] = "PREROUTING",   [NF_INET_LOCAL_IN] = "INPUT",
		[NF_INET_FORWARD] = "FORWARD",          [NF_INET_LOCAL_OUT] = "OUTPUT",
		[NF_INET_POST_ROUTING] = "POSTROUTING",
	};

	return names[hook];
}

static s32 find_priority(const struct sl_legacy_table *table, u32 hook)
{
	if (strcmp(table->name, "nat") != 0)
		return table->priority;
	return hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_OUT ? NF_IP_PRI_NAT_DST
									: NF_IP_PRI_NAT_SRC;
}

/* The last entry of a chain is no rule: the policy of a base chain, the return of another. */
static bool end_chain(const struct sl_legacy_blob *blob, struct sl_legacy_chain *chain, u32 index)
{
	const struct sl_legacy_entry *entry = &blob->entries.items[index];
	s32 verdict;

	if (!is_verdict(blob, entry, &verdict) || !is_unconditional(entry))
		return false;
	chain->end = index;
	if (!chain->chain->is_base)
		return verdict == XT_RETURN;
	chain->chain->policy = -verdict - 1;
	return entry->at == blob->policies[chain->chain->hook] &&
	       (chain->chain->policy == NF_ACCEPT || chain->chain->policy == NF_DROP);
}

static struct sl_nft_chain *new_chain(struct sl_arena *arena, const struct sl_legacy_table *table,
				      const struct sl_legacy_entry *entry, u32 hook)
{
	struct sl_nft_chain *chain = sl_arena_alloc(arena, sizeof *chain);

	if (!chain)
		return NULL;
	chain->is_base = hook < NF_INET_NUMHOOKS;
	if (chain->is_base) {
		chain->name = hook_name(hook);
		chain->type = strcmp(table->name, "nat") != 0 ? "filter" : "nat";
		chain->hook = hook;
		chain->priority = find_priority(table, hook);
		chain->has_counters = true;
	} else {
		chain->name = sl_arena_printf(arena, "%.*s", XT_FUNCTION_MAXNAMELEN,
					      (const char *)entry->target.info);
	}
	if (!chain->name)
		return NULL;
	chain->handle = sl_legacy_hash(0, chain->name, strlen(chain->name));
	return chain;
}

static bool is_named(const struct sl_legacy_blob *blob, const char *name)
{
	for (u32 i = 0; i < blob->chains.count; i++)
		if (!strcmp(blob->chains.items[i].chain->name, name))
			return true;
	return false;
}

/* Begins a chain at an entry: a base chain with its first rule, another with a head of its own. */
static int begin_chain(struct sl_arena *arena, struct sl_legacy_blob *blob,
		       const struct sl_legacy_table *table, u32 index,
		       struct sl_legacy_chain **ret_chain)
{
	const struct sl_legacy_entry *entry = &blob->entries.items[index];
	u32 hook = find_hook(blob->hooks, entry->at);
	struct sl_nft_chain *chain;

	if (hook == NF_INET_NUMHOOKS && !is_head(blob, entry))
		return -EINVAL;
	chain = new_chain(arena, table, entry, hook);
	if (!chain)
		return -ENOMEM;
	if (is_named(blob, chain->name))
		return -EINVAL;
	*ret_chain = sl_list_push(arena, &blob->chains);
	if (!*ret_chain)
		return -ENOMEM;
	(*ret_chain)->chain = chain;
	(*ret_chain)->begin = chain->is_base ? index : index + 1;
	return 0;
}

/* Cuts the entries into chains; the last entry of a table is in none. -EINVAL: it can't be done. */
static int find_chains(struct sl_arena *arena, struct sl_legacy_blob *blob,
		       const struct sl_legacy_table *table)
{
	struct sl_legacy_chain *chain = NULL;
	u32 last = blob->entries.count - 1;

	if (!blob->entries.count || !is_head(blob, &blob->entries.items[last]))
		return -EINVAL;
	for (u32 i = 0; i < last; i++) {
		int error = chain ? 0 : begin_chain(arena, blob, table, i, &chain);

		if (error)
			return error;
		if (i < chain->begin) /* its head */
			continue;
		if (!is_last(blob, i))
			continue;
		if (!end_chain(blob, chain, i))
			return -EINVAL;
		chain = NULL;
	}
	return chain ? -EINVAL : 0;
}

const struct sl_legacy_chain *sl_legacy_find_chain(const struct sl_legacy_blob *blob, u32 at)
{
	for (u32 i = 0; i < blob->chains.count; i++) {
		const struct sl_legacy_chain *chain = &blob->chains.items[i];

		if (!chain->chain->is_base && blob->entries.items[chain->begin].at == at)
			return chain;
	}
	return NULL;
}

/* Rules */

static bool is_taken(const struct sl_nft_table *table, u64 handle)
{
	for (u32 i = 0; i < table->chains.count; i++)
		for (u32 k = 0; k < table->chains.items[i]->rules.count; k++)
			if (table->chains.items[i]->rules.items[k].handle == handle)
				return true;
	return false;
}

static int add_rules(struct sl_arena *arena, const struct sl_legacy_blob *blob,
		     const struct sl_legacy_chain *chain, struct sl_nft_table *table)
{
	for (u32 i = chain->begin; i < chain->end; i++) {
		struct sl_nft_rule rule = {0}, *slot;
		int error = sl_legacy_read_rule(arena, blob, &blob->entries.items[i], &rule);

		if (error)
			return error;
		rule.handle =
			sl_legacy_hash(rule.handle, chain->chain->name, strlen(chain->chain->name));
		while (!rule.handle || is_taken(table, rule.handle))
			rule.handle++;
		slot = sl_list_push(arena, &chain->chain->rules);
		if (!slot)
			return -ENOMEM;
		*slot = rule;
	}
	return 0;
}

static u32 find_depth(const struct sl_nft_table *table, const u32 *depths,
		      const struct sl_nft_chain *chain)
{
	u32 depth = 0;

	for (u32 i = 0; i < chain->rules.count; i++) {
		const struct sl_nft_rule *rule = &chain->rules.items[i];
		const struct sl_expr *last = &rule->exprs.items[rule->exprs.count - 1];

		if (last->kind != SL_EXPR_IMMEDIATE || !last->immediate.verdict.chain)
			continue;
		for (u32 k = 0; k < table->chains.count; k++)
			if (!strcmp(table->chains.items[k]->name, last->immediate.verdict.chain) &&
			    depth <= depths[k])
				depth = depths[k] + 1;
	}
	return depth;
}

/* -EINVAL: rules jump too deep, or in a circle. */
static int check_depth(struct sl_arena *arena, const struct sl_nft_table *table)
{
	u32 *depths = sl_arena_alloc(arena, (table->chains.count + 1) * sizeof *depths);
	bool grows = true;

	if (!depths)
		return -ENOMEM;
	for (u32 round = 0; grows; round++) {
		grows = false;
		if (round > DEPTH_MAX)
			return -EINVAL;
		for (u32 i = 0; i < table->chains.count; i++) {
			u32 depth = find_depth(table, depths, table->chains.items[i]);

			grows |= depth > depths[i];
			depths[i] = depth;
		}
	}
	return 0;
}

/* Tables */

static int read_table(const struct sl_legacy_source *source, const struct sl_legacy_table *from,
		      struct sl_arena *arena, struct sl_nft_table *table)
{
	struct sl_legacy_blob blob;
	int error = open_blob(arena, source, from, &blob);

	if (!error)
		error = find_chains(arena, &blob, from);
	for (u32 i = 0; !error && i < blob.chains.count; i++) {
		struct sl_nft_chain **slot = sl_list_push(arena, &table->chains);

		if (!slot)
			return -ENOMEM;
		*slot = blob.chains.items[i].chain;
	}
	for (u32 i = 0; !error && i < blob.chains.count; i++)
		error = add_rules(arena, &blob, &blob.chains.items[i], table);
	return error ? error : check_depth(arena, table);
}

static struct sl_nft_table *new_table(struct sl_arena *arena, u32 protocol,
				      const struct sl_legacy_table *from)
{
	struct sl_nft_table *table = sl_arena_alloc(arena, sizeof *table);

	if (!table)
		return NULL;
	table->family = protocol;
	table->is_legacy = true;
	table->name =
		sl_arena_printf(arena, SL_LEGACY_PREFIX "%.*s", (int)sizeof from->name, from->name);
	if (!table->name)
		return NULL;
	table->handle = sl_legacy_hash(protocol, table->name, strlen(table->name));
	return table;
}

/* So that two counters never share a name. */
static bool is_known(const struct sl_ruleset *ruleset, const struct sl_nft_table *table)
{
	for (u32 i = 0; i < ruleset->tables.count; i++)
		if (ruleset->tables.items[i]->handle == table->handle)
			return true;
	return sl_ruleset_find_table(ruleset, table->family, table->name);
}

static int read_tables(const struct sl_legacy_source *source, struct sl_ruleset *ruleset)
{
	for (u32 i = 0; i < source->family->count; i++) {
		const struct sl_legacy_table *from = &source->family->tables[i];
		struct sl_nft_table *table = new_table(ruleset->arena, source->protocol, from);
		struct sl_nft_table **slot;
		int error;

		if (!table)
			return -ENOMEM;
		if (is_known(ruleset, table))
			return -EINVAL;
		error = read_table(source, from, ruleset->arena, table);
		if (error)
			return error;
		slot = sl_list_push(ruleset->arena, &ruleset->tables);
		if (!slot)
			return -ENOMEM;
		*slot = table;
	}
	return 0;
}

int sl_legacy_read(const struct sl_legacy_source *source, struct sl_ruleset *ruleset,
		   const char **ret_obstacle)
{
	const char *gap = find_gap(source);
	u32 before = ruleset->tables.count;
	int error = gap ? -EINVAL : read_tables(source, ruleset);

	if (error)
		ruleset->tables.count = before;
	if (error != -EINVAL)
		return error;
	*ret_obstacle =
		gap ? gap : "iptables-legacy rules are present, and are not understood as a whole";
	return 0;
}
