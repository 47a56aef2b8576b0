// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/monitor.h"
#include "lift/lift.h"
#include "load/maps.h"
#include "load/memory.h"
#include "load/pins.h"

#define PATIENCE_MS 500
/* Rules that change all the time are read no more often. */
#define PAUSE_NS (500 * SL_NS_PER_MS)

int sl_monitor_rules_open(struct sl_monitor_rules *rules)
{
	*rules = (struct sl_monitor_rules){0};
	return sl_deciders_open(&rules->deciders);
}

static void forget(struct sl_monitor_rules *rules)
{
	sl_program_free(rules->at_hooks);
	sl_compiled_free(rules->compiled);
	rules->at_hooks = NULL;
	rules->compiled = NULL;
	rules->counters = 0;
}

void sl_monitor_rules_close(struct sl_monitor_rules *rules)
{
	forget(rules);
	sl_deciders_close(&rules->deciders);
}

/* Each generation of the data plane counts in a map of its own. */
static bool is_of(const struct sl_monitor_rules *rules, const struct sl_sample *sample)
{
	return rules->compiled && rules->compiled->snapshot.generation == sample->generation &&
	       rules->counters == sample->counters;
}

static bool has_legacy(const struct sl_compiled *compiled)
{
	for (u32 i = 0; i < SL_LEGACY_FAMILIES; i++)
		if (compiled->legacy.cell.counts[i])
			return true;
	return false;
}

/*
 * nf_tables' generation says nothing of iptables-legacy's rules. So the data plane that dropped it
 * has to be there still, and to expect those that were read.
 */
static bool is_legacy_of(const struct sl_monitor_place *place, const struct sl_compiled *compiled,
			 const struct sl_sample *sample)
{
	SL_CLEANUP(sl_close)
	int counters = sl_pins_get(place->net_cookie, place->device, "rule_counters");
	SL_CLEANUP(sl_close) int cell = sl_pins_get(place->net_cookie, place->device, "live");
	struct sl_live live;
	u32 zero = 0;

	if (!has_legacy(compiled))
		return true;
	return counters >= 0 && sl_map_id(counters) == sample->counters && cell >= 0 &&
	       !bpf_map_lookup_elem(cell, &zero, &live) &&
	       live.expected.legacy_hash == compiled->snapshot.legacy_hash;
}

/* Until they are those that dropped it; if those are gone, no others are of use. */
static bool follow(struct sl_monitor_rules *rules, const struct sl_monitor_place *place,
		   const struct sl_sample *sample)
{
	u64 now = sl_monotonic_ns();
	struct sl_compiled *compiled;
	struct sl_diag diag;

	if (is_of(rules, sample))
		return true;
	if (now - rules->tried_ns < PAUSE_NS)
		return false;
	rules->tried_ns = now;
	if (sl_compile_live(place->observer, place->device, place->own_program, false, PATIENCE_MS,
			    SL_MEMORY_UNLIMITED, &compiled, &diag))
		return false;
	forget(rules);
	rules->compiled = compiled;
	if (is_legacy_of(place, compiled, sample))
		rules->counters = sample->counters;
	if (sl_lift_hooks(compiled->rules, compiled->host, compiled->meaning, &rules->at_hooks,
			  &diag))
		rules->at_hooks = NULL;
	return is_of(rules, sample);
}

/* What is not known of the header at a hook: who sent it. It is for the device, as it must be. */
static void make_up_header(const struct sl_compiled *compiled, bool is_ip6, struct ethhdr *header)
{
	*header = (struct ethhdr){.h_proto = __builtin_bswap16(is_ip6 ? ETH_P_IPV6 : ETH_P_IP)};
	if (compiled)
		memcpy(header->h_dest, compiled->meaning->device.mac, ETH_ALEN);
}

static void make_frame(const struct sl_compiled *compiled, const struct sl_sample *sample,
		       struct sl_monitor_frame *frame)
{
	u32 captured = sample->captured < SL_SAMPLE_BYTES ? sample->captured : SL_SAMPLE_BYTES;
	u32 header = sample->place == SL_SAMPLE_HOOK ? ETH_HLEN : 0;

	if (header)
		make_up_header(compiled, sample->bytes[0] >> 4 == 6, (void *)frame->bytes);
	memcpy(frame->bytes + header, sample->bytes, captured);
	frame->captured = header + captured;
	frame->length = header + sample->length;
}

static bool drops(const struct sl_rule *rule)
{
	const struct sl_op *last = rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;

	return last && last->kind == SL_OP_VERDICT && last->verdict.kind == SL_VERDICT_DROP;
}

static const struct sl_rule *find_dropping_rule(const struct sl_chain *chain, u64 handle)
{
	for (u32 i = 0; i < chain->rules.count; i++)
		if (chain->rules.items[i].handle == handle && drops(&chain->rules.items[i]))
			return &chain->rules.items[i];
	return NULL;
}

/*
 * The last that counted the packet, if he drops: behind him it met nobody else. Numbers are the
 * same in each lift of the same rules.
 */
static bool find_by_counter(const struct sl_program *meaning, u32 number,
			    struct sl_outcome *ret_outcome)
{
	const struct sl_counter *counter;

	if (number >= meaning->counters.count)
		return false;
	counter = &meaning->counters.items[number];
	for (u32 i = 0; i < meaning->chains.count; i++) {
		const struct sl_chain *chain = meaning->chains.items[i];
		const struct sl_rule *rule;

		if (chain->family != counter->family || strcmp(chain->table, counter->table) != 0 ||
		    strcmp(chain->name, counter->chain) != 0)
			continue;
		rule = find_dropping_rule(chain, counter->handle);
		if (!rule)
			continue;
		*ret_outcome = (struct sl_outcome){.drop = true, .chain = chain, .rule = rule};
		return true;
	}
	return false;
}

static bool find(struct sl_monitor_rules *rules, const struct sl_sample *sample,
		 const struct sl_monitor_frame *frame, struct sl_outcome *ret_outcome)
{
	const struct sl_compiled *compiled = rules->compiled;
	bool is_hook = sample->place == SL_SAMPLE_HOOK;
	const struct sl_program *meaning = is_hook ? rules->at_hooks : compiled->meaning;
	struct sl_frame whole =
		sl_deciders_frame(&rules->deciders, frame->bytes, frame->captured, frame->length);

	if (!meaning)
		return false;
	return sl_deciders_find_drop(is_hook ? meaning : compiled->program, meaning, &whole,
				     sample->worlds, ret_outcome) ||
	       find_by_counter(meaning, sample->counter, ret_outcome);
}

enum sl_monitor_answer sl_monitor_rules_find(struct sl_monitor_rules *rules,
					     const struct sl_monitor_place *place,
					     const struct sl_sample *sample,
					     struct sl_monitor_frame *ret_frame,
					     struct sl_decider *ret_decider)
{
	bool is_known = follow(rules, place, sample);
	struct sl_outcome outcome;

	make_frame(rules->compiled, sample, ret_frame);
	if (!is_known)
		return SL_ANSWER_CHANGED;
	if (!find(rules, sample, ret_frame, &outcome))
		return SL_ANSWER_UNKNOWN;
	*ret_decider =
		sl_deciders_name(&rules->deciders, rules->compiled, outcome.chain, outcome.rule);
	return outcome.chain ? SL_ANSWER_FOUND : SL_ANSWER_UNKNOWN;
}
