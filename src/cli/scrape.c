// SPDX-License-Identifier: GPL-2.0-only
#include "cli/scrape.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lib/attachments.h"
#include "cli/chain_names.h"
#include "lib/early.h"
#include "cli/exposition.h"
#include "cli/names.h"
#include "config.h"
#include "daemon/off_switch.h"
#include "load/attach.h"
#include "load/usage.h"

/* One attachment. */
struct device {
	const struct sl_attachment *attachment;
	json_t *name; /* valid UTF-8, whatever the kernel has */
	struct sl_early early;
	struct sl_usage usage;
};

struct scrape {
	FILE *out;
	struct sl_attachments attachments;
	struct device *devices; /* of each */
	struct sl_chain_names *chains;
	u64 began_ns;
};

/* Samples come from one of the two: once, or of each device. */
struct family {
	struct sl_metric metric;
	void (*write_once)(const struct scrape *scrape, const struct sl_metric *metric);
	void (*write)(const struct scrape *scrape, const struct sl_metric *metric,
		      const struct device *at);
};

static const struct sl_label no_labels[SL_LABELS_MAX];

static void gauge(const struct scrape *scrape, const struct sl_metric *metric,
		  const struct device *device, double value)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"device", json_string_value(device->name)}};

	sl_metric_gauge(scrape->out, metric, labels, value);
}

/* With one more label. */
static void gauge_of(const struct scrape *scrape, const struct sl_metric *metric,
		     const struct device *device, struct sl_label label, double value)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"device", json_string_value(device->name)},
						       label};

	sl_metric_gauge(scrape->out, metric, labels, value);
}

static void write_version(const struct scrape *scrape, const struct sl_metric *metric)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"version", SLUICE_VERSION}};

	sl_metric_gauge(scrape->out, metric, labels, 1);
}

static void write_switched_off(const struct scrape *scrape, const struct sl_metric *metric)
{
	sl_metric_gauge(scrape->out, metric, no_labels, sl_off_switch_by() != NULL);
}

static void write_attached(const struct scrape *scrape, const struct sl_metric *metric,
			   const struct device *at)
{
	enum sl_attach_mode mode = (enum sl_attach_mode)at->attachment->info.mode;

	gauge_of(scrape, metric, at, (struct sl_label){"mode", sl_mode_name(mode)},
		 at->attachment->is_alive);
}

static void write_fresh(const struct scrape *scrape, const struct sl_metric *metric,
			const struct device *at)
{
	gauge(scrape, metric, at, at->attachment->is_fresh);
}

static void write_stale(const struct scrape *scrape, const struct sl_metric *metric,
			const struct device *at)
{
	gauge(scrape, metric, at, sl_attachment_stale_seconds(at->attachment));
}

static void write_kept(const struct scrape *scrape, const struct sl_metric *metric,
		       const struct device *at)
{
	gauge(scrape, metric, at, at->attachment->is_kept);
}

static void write_unconfirmed(const struct scrape *scrape, const struct sl_metric *metric,
			      const struct device *at)
{
	gauge(scrape, metric, at, at->attachment->confirm_ms / 1e3);
}

static void write_generations(const struct scrape *scrape, const struct sl_metric *metric,
			      const struct device *at)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"device", json_string_value(at->name)}};

	sl_metric_count(scrape->out, metric, labels, at->attachment->info.generations);
}

static void write_rules(const struct scrape *scrape, const struct sl_metric *metric,
			const struct device *at)
{
	gauge(scrape, metric, at, at->attachment->info.rules);
}

static void write_compile(const struct scrape *scrape, const struct sl_metric *metric,
			  const struct device *at)
{
	const struct sl_info *info = &at->attachment->info;

	gauge_of(scrape, metric, at, (struct sl_label){"phase", "read"}, info->read_ms / 1e3);
	gauge_of(scrape, metric, at, (struct sl_label){"phase", "make"}, info->made_ms / 1e3);
}

static void write_memory(const struct scrape *scrape, const struct sl_metric *metric,
			 const struct device *at)
{
	gauge_of(scrape, metric, at, (struct sl_label){"of", "programs"},
		 (double)at->usage.program_bytes);
	gauge_of(scrape, metric, at, (struct sl_label){"of", "maps"}, (double)at->usage.map_bytes);
}

static void write_addresses(const struct scrape *scrape, const struct sl_metric *metric,
			    const struct device *at)
{
	gauge(scrape, metric, at, at->usage.addresses);
}

static void write_addresses_max(const struct scrape *scrape, const struct sl_metric *metric,
				const struct device *at)
{
	gauge(scrape, metric, at, SL_LOCAL_ADDRESSES_MAX);
}

/* What became of packets */

struct fate {
	enum sl_fate_count fate;
	const char *verdict;
};

static const struct fate at_device[] = {
	{SL_DROPPED, "drop"},          {SL_PASSED_RULES, "pass"}, {SL_PASSED_ODD, "pass"},
	{SL_PASSED_CONNTRACK, "pass"}, {SL_PASSED_ROUTE, "pass"}, {SL_PASSED_STALE, "pass"},
	{SL_PASSED_UNDER_WAY, "pass"},
};

static const struct fate at_hooks[] = {
	{SL_HOOK_DROPPED, "drop"},
	{SL_HOOK_PASSED, "pass"},
	{SL_HOOK_STALE, "pass"},
};

_Static_assert(SL_ARRAY_SIZE(at_device) + SL_ARRAY_SIZE(at_hooks) == SL_FATE_COUNTS, "all of them");

static void write_fates(const struct scrape *scrape, const struct sl_metric *metric,
			const struct device *device, const struct fate *fates, u32 count,
			bool is_bytes)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_count *seen = &device->attachment->fates[fates[i].fate];
		const struct sl_label labels[SL_LABELS_MAX] = {
			{"device", json_string_value(device->name)},
			{"verdict", fates[i].verdict},
			{"reason", sl_fate_reason(fates[i].fate)}};

		sl_metric_count(scrape->out, metric, labels,
				is_bytes ? seen->bytes : seen->packets);
	}
}

static void write_packets(const struct scrape *scrape, const struct sl_metric *metric,
			  const struct device *at)
{
	write_fates(scrape, metric, at, at_device, SL_ARRAY_SIZE(at_device), false);
}

static void write_bytes(const struct scrape *scrape, const struct sl_metric *metric,
			const struct device *at)
{
	write_fates(scrape, metric, at, at_device, SL_ARRAY_SIZE(at_device), true);
}

static void write_hook_packets(const struct scrape *scrape, const struct sl_metric *metric,
			       const struct device *at)
{
	write_fates(scrape, metric, at, at_hooks, SL_ARRAY_SIZE(at_hooks), false);
}

static void write_hook_bytes(const struct scrape *scrape, const struct sl_metric *metric,
			     const struct device *at)
{
	write_fates(scrape, metric, at, at_hooks, SL_ARRAY_SIZE(at_hooks), true);
}

/* Rules */

static void write_rule(const struct scrape *scrape, const struct sl_metric *metric,
		       const struct device *device, const struct sl_rule_entry *entry, u64 value)
{
	const struct sl_chain_name *chain =
		sl_chain_names_find(scrape->chains, entry->table_handle, entry->chain_handle);
	char handle[24] = "policy";

	if (!chain) /* it has gone, and so has what it counted */
		return;
	if (entry->rule_handle)
		snprintf(handle, sizeof handle, "%" PRIu64, (u64)entry->rule_handle);

	const struct sl_label labels[SL_LABELS_MAX] = {{"device", json_string_value(device->name)},
						       {"family", chain->family},
						       {"table", json_string_value(chain->table)},
						       {"chain", json_string_value(chain->name)},
						       {"handle", handle}};

	sl_metric_count(scrape->out, metric, labels, value);
}

static void write_rule_packets(const struct scrape *scrape, const struct sl_metric *metric,
			       const struct device *at)
{
	for (u32 i = 0; i < at->early.count; i++)
		write_rule(scrape, metric, at, &at->early.entries[i], at->early.entries[i].packets);
}

static void write_rule_bytes(const struct scrape *scrape, const struct sl_metric *metric,
			     const struct device *at)
{
	for (u32 i = 0; i < at->early.count; i++)
		write_rule(scrape, metric, at, &at->early.entries[i], at->early.entries[i].bytes);
}

static void write_duration(const struct scrape *scrape, const struct sl_metric *metric)
{
	sl_metric_gauge(scrape->out, metric, no_labels,
			(double)(sl_monotonic_ns() - scrape->began_ns) / 1e9);
}

static const struct family families[] = {
	{{"sluice_info", "gauge", "1, with the version of sluice that tells this."},
	 .write_once = write_version},
	{{"sluice_switched_off", "gauge",
	  "Whether sluice is switched off for this machine, by a file or from the boot on."},
	 .write_once = write_switched_off},
	{{"sluice_attached", "gauge",
	  "Whether the program is on the device, and in which mode; 0: the device is gone."},
	 .write = write_attached},
	{{"sluice_fresh", "gauge",
	  "Whether the program knows the present rules; while 0 all packets pass to the kernel's."},
	 .write = write_fresh},
	{{"sluice_stale_seconds", "gauge", "For how long it has not been fresh."},
	 .write = write_stale},
	{{"sluice_kept", "gauge", "Whether a process keeps the device in step with the rules."},
	 .write = write_kept},
	{{"sluice_unconfirmed_seconds", "gauge",
	  "Until it is rolled back unless it is confirmed; 0: nobody waits for that."},
	 .write = write_unconfirmed},
	{{"sluice_generations_total", "counter",
	  "Compiles that took the device's packets, the first with the attach, each other one a "
	  "swap."},
	 .write = write_generations},
	{{"sluice_rules", "gauge", "Rules of the last compile."}, .write = write_rules},
	{{"sluice_compile_seconds", "gauge",
	  "What the last compile took: read, until the rules were read; make, from then until the "
	  "program ran."},
	 .write = write_compile},
	{{"sluice_memory_bytes", "gauge", "What programs and maps take of the kernel's memory."},
	 .write = write_memory},
	{{"sluice_local_addresses", "gauge", "Addresses of the host in the map that holds them."},
	 .write = write_addresses},
	{{"sluice_local_addresses_max", "gauge", "How many it has room for."},
	 .write = write_addresses_max},
	{{"sluice_packets_total", "counter",
	  "Packets of the device by what was decided at XDP or TC, and why."},
	 .write = write_packets},
	{{"sluice_bytes_total", "counter", "Their bytes."}, .write = write_bytes},
	{{"sluice_hook_packets_total", "counter",
	  "Of those that passed: packets by what was decided at netfilter's hooks, and why."},
	 .write = write_hook_packets},
	{{"sluice_hook_bytes_total", "counter", "Their bytes."}, .write = write_hook_bytes},
	{{"sluice_rule_packets_total", "counter",
	  "Packets dropped early that the counter of this rule, or of this policy, would have "
	  "counted."},
	 .write = write_rule_packets},
	{{"sluice_rule_bytes_total", "counter", "Their bytes."}, .write = write_rule_bytes},
	{{"sluice_scrape_seconds", "gauge", "What it took to find all this out."},
	 .write_once = write_duration},
};

static int read_device(struct scrape *scrape, u32 index, bool with_rules)
{
	struct device *device = &scrape->devices[index];
	const struct sl_attachment *attachment = &scrape->attachments.items[index];
	const struct sl_attachments alone = {.items = &scrape->attachments.items[index],
					     .count = 1};

	device->attachment = attachment;
	device->name = sl_json_text(attachment->info.device);
	device->usage = sl_usage_read(scrape->attachments.net_cookie, attachment->info.device,
				      sl_attachment_program(&scrape->attachments, attachment));
	if (!device->name)
		return -1;
	return with_rules ? sl_early_sum(&alone, &device->early) : 0;
}

static int read_all(struct scrape *scrape, struct sl_observer *observer, bool with_rules,
		    struct sl_diag *diag)
{
	int error = sl_attachments_look(observer, NULL, &scrape->attachments, diag);

	if (error)
		return error;
	scrape->devices = calloc((size_t)scrape->attachments.count + 1, sizeof *scrape->devices);
	if (!scrape->devices)
		return sl_fail_memory(diag);
	for (u32 i = 0; i < scrape->attachments.count; i++)
		if (read_device(scrape, i, with_rules))
			return sl_fail_memory(diag);
	if (with_rules && scrape->attachments.count)
		error = sl_chain_names_read(&scrape->chains, diag);
	return error;
}

static void release(struct scrape *scrape)
{
	for (u32 i = 0; scrape->devices && i < scrape->attachments.count; i++) {
		json_decref(scrape->devices[i].name);
		sl_early_free(&scrape->devices[i].early);
	}
	free(scrape->devices);
	sl_chain_names_free(scrape->chains);
	sl_attachments_free(&scrape->attachments);
}

static void write_family(const struct scrape *scrape, const struct family *family)
{
	sl_metric_begin(scrape->out, &family->metric);
	if (family->write_once)
		family->write_once(scrape, &family->metric);
	for (u32 i = 0; family->write && i < scrape->attachments.count; i++)
		family->write(scrape, &family->metric, &scrape->devices[i]);
}

int sl_scrape(struct sl_observer *observer, FILE *out, bool with_rules, struct sl_diag *diag)
{
	struct scrape scrape = {.out = out, .began_ns = sl_monotonic_ns()};
	int error = read_all(&scrape, observer, with_rules, diag);

	for (u32 i = 0; i < SL_ARRAY_SIZE(families) && !error; i++)
		write_family(&scrape, &families[i]);
	release(&scrape);
	return error;
}
