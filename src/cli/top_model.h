/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `sluice top` knows: two moments of the counts become rates.
 *
 * Enters: what the pins say (attachments.h), look by look. Leaves: for each device its rates, its
 * last minute, and its rules, the hottest first. Promised: no rate is ever of more packets than
 * came between two looks, whatever was attached anew, swapped or renamed between them; nothing is
 * asked of the kernel here.
 */
#ifndef SLUICE_CLI_TOP_MODEL_H
#define SLUICE_CLI_TOP_MODEL_H

#include "cli/top_history.h"
#include "lib/attachments.h"
#include "lib/early.h"

struct sl_top_rate {
	double packets, bytes; /* a second */
};

enum sl_top_sort { SL_TOP_BY_RATE, SL_TOP_BY_BYTES, SL_TOP_BY_COUNT, SL_TOP_SORTS };

struct sl_top_rule {
	struct sl_rule_entry entry; /* since it was attached */
	struct sl_top_rate rate;
};

struct sl_top_device {
	struct sl_attachment attachment; /* of the last look, without rules */
	double stale_seconds;
	bool is_measured; /* there were two looks: the rates are known */
	struct sl_top_rate fates[SL_FATE_COUNTS];
	struct sl_top_rate early;  /* dropped on the device or at netfilter's hooks */
	struct sl_top_rate passed; /* on to the kernel's own rules */
	struct sl_top_history early_history, passed_history;
	struct sl_early counts;    /* of all its rules */
	struct sl_top_rule *rules; /* that have counted something, sorted */
	u32 rule_count;
};

struct sl_top_model {
	u64 looked_ns;                 /* CLOCK_MONOTONIC of the last look; 0: none yet */
	struct sl_top_device *devices; /* by name */
	u32 count, selected;
	enum sl_top_sort sort;
	char gone[IF_NAMESIZE]; /* what was attached at a look before, and is not; "": nothing */
	u64 gone_ns;
};

/* 0 or -ENOMEM, and then it is as before. */
int sl_top_model_look(struct sl_top_model *model, const struct sl_attachments *attachments,
		      u64 now_ns);
void sl_top_model_free(struct sl_top_model *model);

void sl_top_model_sort(struct sl_top_model *model, enum sl_top_sort sort);
/* The next device, or with -1 the one before; round and round. */
void sl_top_model_select(struct sl_top_model *model, int step);

/* Its share of all packets, 0 to 1. */
double sl_top_device_share(const struct sl_top_device *device);
/* All that it has dropped, as `early` does. */
struct sl_count sl_top_device_dropped(const struct sl_top_device *device);

#endif
