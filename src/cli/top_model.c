// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One device's two moments. */
struct interval {
	u64 from_ns, to_ns;
	double seconds; /* 0: only the second moment is known */
};

static u64 larger(u64 a, u64 b)
{
	return a > b ? a : b;
}

/* A swap moves counts from map to map: between the two steps they look smaller than they are. */
static struct sl_count no_less(struct sl_count before, struct sl_count now)
{
	return (struct sl_count){larger(before.packets, now.packets),
				 larger(before.bytes, now.bytes)};
}

static struct sl_top_rate rate_of(struct sl_count before, struct sl_count now,
				  const struct interval *interval)
{
	if (interval->seconds <= 0)
		return (struct sl_top_rate){0};
	return (struct sl_top_rate){(double)(now.packets - before.packets) / interval->seconds,
				    (double)(now.bytes - before.bytes) / interval->seconds};
}

static void add_rate(struct sl_top_rate *sum, struct sl_top_rate rate)
{
	sum->packets += rate.packets;
	sum->bytes += rate.bytes;
}

/* Not what was there a moment ago, though the name is: it counts from zero. */
static bool is_same(const struct sl_attachment *before, const struct sl_attachment *now)
{
	return before->info.attached_at == now->info.attached_at &&
	       before->info.generations <= now->info.generations;
}

/* Fates */

/* What the hooks drop has passed the device before. GRO may have made one packet of several. */
static void sum_fates(struct sl_top_device *device)
{
	const struct sl_top_rate *hooks = &device->fates[SL_HOOK_DROPPED];

	device->early = device->fates[SL_DROPPED];
	device->passed = (struct sl_top_rate){0};
	for (int i = SL_PASSED_ODD; i <= SL_PASSED_UNDER_WAY; i++)
		add_rate(&device->passed, device->fates[i]);
	add_rate(&device->early, *hooks);
	device->passed.packets -= hooks->packets;
	device->passed.bytes -= hooks->bytes;
	if (device->passed.packets < 0)
		device->passed.packets = 0;
	if (device->passed.bytes < 0)
		device->passed.bytes = 0;
}

static void measure_fates(struct sl_top_device *device, const struct sl_top_device *before,
			  const struct interval *interval)
{
	for (int i = 0; i < SL_FATE_COUNTS; i++) {
		struct sl_count *now = &device->attachment.fates[i];

		if (!before)
			continue;
		*now = no_less(before->attachment.fates[i], *now);
		device->fates[i] = rate_of(before->attachment.fates[i], *now, interval);
	}
	sum_fates(device);
	sl_top_history_add(&device->early_history, interval->from_ns, interval->to_ns,
			   device->early.packets * interval->seconds);
	sl_top_history_add(&device->passed_history, interval->from_ns, interval->to_ns,
			   device->passed.packets * interval->seconds);
}

/* Rules */

static double key_of(const struct sl_top_rule *rule, enum sl_top_sort sort)
{
	if (sort == SL_TOP_BY_RATE)
		return rule->rate.packets;
	return sort == SL_TOP_BY_BYTES ? rule->rate.bytes : (double)rule->entry.packets;
}

/* Of those that are as hot, the one that has counted more; else as they were, by handles. */
static int compare_rules(const void *left, const void *right, void *sort)
{
	const struct sl_top_rule *a = left, *b = right;
	double hot = key_of(a, *(enum sl_top_sort *)sort),
	       cold = key_of(b, *(enum sl_top_sort *)sort);

	if (hot != cold)
		return hot > cold ? -1 : 1;
	if (a->entry.packets != b->entry.packets)
		return a->entry.packets > b->entry.packets ? -1 : 1;
	return (a->entry.rule_handle > b->entry.rule_handle) -
	       (a->entry.rule_handle < b->entry.rule_handle);
}

static void sort_rules(struct sl_top_device *device, enum sl_top_sort sort)
{
	qsort_r(device->rules, device->rule_count, sizeof *device->rules, compare_rules, &sort);
}

/* While a swap is under way there may be no counts at all: then nothing is known of before. */
static void measure_rule(struct sl_top_rule *rule, const struct sl_early *before,
			 const struct interval *interval)
{
	struct sl_rule_entry *entry = &rule->entry;
	struct sl_count last =
		sl_early_find(before, entry->table_handle, entry->chain_handle, entry->rule_handle);
	struct sl_count now = no_less(last, (struct sl_count){entry->packets, entry->bytes});

	entry->packets = now.packets;
	entry->bytes = now.bytes;
	if (before->count)
		rule->rate = rate_of(last, now, interval);
}

/* 0 or -ENOMEM. */
static int measure_rules(struct sl_top_device *device, const struct sl_attachment *now,
			 const struct sl_top_device *before, const struct interval *interval)
{
	static const struct sl_early none;
	struct sl_attachment copy = *now;
	const struct sl_attachments alone = {.items = &copy, .count = 1};

	if (sl_early_sum(&alone, &device->counts))
		return -ENOMEM;
	device->rules = calloc((size_t)device->counts.count + 1, sizeof *device->rules);
	if (!device->rules)
		return -ENOMEM;
	for (u32 i = 0; i < device->counts.count; i++) {
		struct sl_top_rule *rule = &device->rules[device->rule_count];

		*rule = (struct sl_top_rule){.entry = device->counts.entries[i]};
		measure_rule(rule, before ? &before->counts : &none, interval);
		device->counts.entries[i] = rule->entry;
		device->rule_count += rule->entry.packets != 0;
	}
	return 0;
}

/* Devices */

static struct sl_top_device *find_device(const struct sl_top_model *model, const char *name)
{
	for (u32 i = 0; i < model->count; i++)
		if (!strcmp(model->devices[i].attachment.info.device, name))
			return &model->devices[i];
	return NULL;
}

static int look_at(const struct sl_top_model *model, const struct sl_attachment *now, u64 now_ns,
		   struct sl_top_device *device)
{
	const struct sl_top_device *before = find_device(model, now->info.device);
	struct interval interval = {now_ns, now_ns, 0};

	if (before && is_same(&before->attachment, now) && now_ns > model->looked_ns) {
		interval = (struct interval){model->looked_ns, now_ns,
					     (double)(now_ns - model->looked_ns) / 1e9};
		device->is_measured = true;
	}
	if (before) {
		device->early_history = before->early_history;
		device->passed_history = before->passed_history;
	}
	if (!device->is_measured)
		before = NULL;
	device->attachment = *now;
	device->attachment.rules = NULL;
	device->attachment.rule_count = 0;
	device->stale_seconds = sl_attachment_stale_seconds(now);
	measure_fates(device, before, &interval);
	if (measure_rules(device, now, before, &interval))
		return -ENOMEM;
	sort_rules(device, model->sort);
	return 0;
}

static void free_devices(struct sl_top_device *devices, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		sl_early_free(&devices[i].counts);
		free(devices[i].rules);
	}
	free(devices);
}

static int compare_names(const void *left, const void *right)
{
	const struct sl_top_device *a = left, *b = right;

	return strcmp(a->attachment.info.device, b->attachment.info.device);
}

/* Who was selected stays so; in the place of one that has gone comes its neighbour. */
static void reselect(struct sl_top_model *next, const struct sl_top_model *last)
{
	const char *name;

	if (!last->count)
		return;
	name = last->devices[last->selected].attachment.info.device;
	while (next->selected + 1 < next->count &&
	       strcmp(next->devices[next->selected].attachment.info.device, name) < 0)
		next->selected++;
}

static void note_gone(struct sl_top_model *next, const struct sl_top_model *last)
{
	if (find_device(next, next->gone))
		next->gone[0] = '\0';
	for (u32 i = 0; i < last->count; i++) {
		const char *name = last->devices[i].attachment.info.device;

		if (find_device(next, name))
			continue;
		memcpy(next->gone, name, sizeof next->gone);
		next->gone_ns = next->looked_ns;
	}
}

int sl_top_model_look(struct sl_top_model *model, const struct sl_attachments *attachments,
		      u64 now_ns)
{
	struct sl_top_model next = *model;
	int error = 0;

	next.looked_ns = now_ns;
	next.count = next.selected = 0;
	next.devices = calloc((size_t)attachments->count + 1, sizeof *next.devices);
	if (!next.devices)
		return -ENOMEM;
	while (!error && next.count < attachments->count) {
		error = look_at(model, &attachments->items[next.count], now_ns,
				&next.devices[next.count]);
		next.count++;
	}
	if (error) {
		free_devices(next.devices, next.count);
		return error;
	}
	qsort(next.devices, next.count, sizeof *next.devices, compare_names);
	reselect(&next, model);
	note_gone(&next, model);
	free_devices(model->devices, model->count);
	*model = next;
	return 0;
}

void sl_top_model_free(struct sl_top_model *model)
{
	free_devices(model->devices, model->count);
	*model = (struct sl_top_model){0};
}

void sl_top_model_sort(struct sl_top_model *model, enum sl_top_sort sort)
{
	model->sort = sort;
	for (u32 i = 0; i < model->count; i++)
		sort_rules(&model->devices[i], sort);
}

void sl_top_model_select(struct sl_top_model *model, int step)
{
	if (model->count)
		model->selected = (model->selected + model->count + (u32)step) % model->count;
}

double sl_top_device_share(const struct sl_top_device *device)
{
	double all = device->early.packets + device->passed.packets;

	return all > 0 ? device->early.packets / all : 0;
}

struct sl_count sl_top_device_dropped(const struct sl_top_device *device)
{
	const struct sl_count *fates = device->attachment.fates;

	return (struct sl_count){fates[SL_DROPPED].packets + fates[SL_HOOK_DROPPED].packets,
				 fates[SL_DROPPED].bytes + fates[SL_HOOK_DROPPED].bytes};
}
