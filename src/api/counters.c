// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdlib.h>

#include "api/handle.h"
#include "lib/early.h"
#include "lib/listing.h"
#include "source/source.h"

#define PATIENCE_MS 2000

struct sluice_counters {
	struct sl_ruleset *rules; /* owns the names and texts */
	SL_LIST(struct sluice_counter) list;
};

struct reading {
	const char *device;
	u32 flags;
	struct sluice_counters *counters;
	struct sl_early early;
	struct sl_listing listing; /* empty without nft */
};

/* `kernel` NULL: it has no counter. */
static int add(struct reading *reading, const struct sluice_rule *rule,
	       const struct sluice_count *kernel, struct sl_count early)
{
	struct sluice_counters *counters = reading->counters;
	struct sluice_counter *slot = sl_list_push(counters->rules->arena, &counters->list);

	if (!slot)
		return -ENOMEM;
	slot->rule = sl_rule_told(counters->rules->arena, rule);
	if (!slot->rule)
		return -ENOMEM;
	if (!kernel)
		return 0;
	slot->counts = true;
	slot->early = (struct sluice_count){early.packets, early.bytes};
	slot->total =
		(struct sluice_count){kernel->packets + early.packets, kernel->bytes + early.bytes};
	return 0;
}

static int add_rule(struct reading *reading, const struct sl_nft_table *table,
		    const struct sl_nft_chain *chain, const struct sl_nft_rule *rule)
{
	const struct sluice_rule told = {
		.family = sl_family_name(table->family),
		.table = table->name,
		.chain = chain->name,
		.handle = rule->handle,
		.text = sl_listing_find(&reading->listing, table->handle, rule->handle),
	};

	for (u32 i = 0; i < rule->exprs.count; i++) {
		const struct sl_expr *expr = &rule->exprs.items[i];
		const struct sluice_count kernel = {expr->counter.packets, expr->counter.bytes};

		if (expr->kind == SL_EXPR_COUNTER)
			return add(reading, &told, &kernel,
				   sl_early_find(&reading->early, table->handle, chain->handle,
						 rule->handle));
	}
	return add(reading, &told, NULL, (struct sl_count){0});
}

static int add_chain(struct reading *reading, const struct sl_nft_table *table,
		     const struct sl_nft_chain *chain)
{
	const struct sluice_rule policy = {
		.family = sl_family_name(table->family),
		.table = table->name,
		.chain = chain->name,
		.text = chain->policy == NF_DROP ? "drop" : "accept",
	};
	const struct sluice_count kernel = {chain->packets, chain->bytes};
	int error = 0;

	for (u32 i = 0; i < chain->rules.count && !error; i++)
		error = add_rule(reading, table, chain, &chain->rules.items[i]);
	if (error || !chain->is_base || !chain->has_counters)
		return error;
	return add(reading, &policy, &kernel,
		   sl_early_find(&reading->early, table->handle, chain->handle, 0));
}

static int add_all(struct reading *reading)
{
	const struct sl_ruleset *rules = reading->counters->rules;
	int error = 0;

	for (u32 t = 0; t < rules->tables.count; t++)
		for (u32 c = 0; c < rules->tables.items[t]->chains.count && !error; c++)
			error = add_chain(reading, rules->tables.items[t],
					  rules->tables.items[t]->chains.items[c]);
	return error;
}

/* A device that is not attached has dropped nothing early; one that is not there is a mistake. */
static int read_early(struct reading *reading, struct sl_diag *diag)
{
	struct sl_attachments attachments;
	int error = sl_attachments_read(reading->device, &attachments, diag);

	if (error)
		return error;
	if (reading->device && !attachments.count && !if_nametoindex(reading->device))
		error = sl_fail(diag, ENODEV, "no device %s in this network namespace",
				reading->device);
	if (!error && sl_early_sum(&attachments, &reading->early))
		error = sl_fail_memory(diag);
	sl_attachments_free(&attachments);
	return error;
}

static int read_counters(struct sluice *sluice, void *context)
{
	struct reading *reading = context;
	struct sluice_counters *counters = reading->counters;
	struct sl_diag without_text;
	int error = read_early(reading, &sluice->diag);

	if (!error)
		error = sl_source_read_live(PATIENCE_MS, &counters->rules, &sluice->diag);
	if (error)
		return error;
	if (!(reading->flags & SLUICE_WITHOUT_TEXT))
		sl_listing_read(counters->rules->arena, true, &reading->listing, &without_text);
	return add_all(reading) ? sl_fail_memory(&sluice->diag) : 0;
}

int sluice_read_counters(struct sluice *sluice, const char *device, uint32_t flags,
			 struct sluice_counters **ret_counters)
{
	struct reading reading = {.device = device, .flags = flags};
	int error;

	if (flags & ~SLUICE_WITHOUT_TEXT)
		return sl_fail(&sluice->diag, EINVAL, "no such flags: %#x", flags);
	reading.counters = calloc(1, sizeof *reading.counters);
	if (!reading.counters)
		return sl_fail_memory(&sluice->diag);
	error = sl_visit(sluice, read_counters, &reading);
	sl_early_free(&reading.early);
	if (error)
		sluice_counters_free(reading.counters);
	else
		*ret_counters = reading.counters;
	return error;
}

void sluice_counters_free(struct sluice_counters *counters)
{
	if (!counters)
		return;
	sl_ruleset_free(counters->rules);
	free(counters);
}

const struct sluice_counter *sluice_counter(const struct sluice_counters *counters, size_t index)
{
	return index < counters->list.count ? &counters->list.items[index] : NULL;
}
