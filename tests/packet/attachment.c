// SPDX-License-Identifier: GPL-2.0-only
#include "attachment.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <signal.h>

#include "base/cleanup.h"
#include "lib/attachments.h"
#include "daemon/detach.h"
#include "daemon/lock.h"
#include "load/pins.h"

static struct sl_attachments look(struct sl_observer *observer, const struct sl_lab *lab)
{
	struct sl_attachments attachments = {0};

	if (sl_lab_enter(lab, SL_DUT, NULL))
		return attachments;
	(void)sl_attachments_look(observer, "in0", &attachments, NULL);
	sl_lab_leave(lab);
	return attachments;
}

/* An observer that is older than nf_tables does not find its generation. */
static int look_at_kernel(struct sl_observer *observer, struct sl_snapshot *ret_now,
			  struct sl_diag *diag)
{
	u32 ifindex = if_nametoindex("in0");
	int error = sl_observer_look(observer, ifindex, ret_now, diag);

	if (error || ret_now->generation_address)
		return error;
	error = sl_observer_renew(observer, diag);
	return error ? error : sl_observer_look(observer, ifindex, ret_now, diag);
}

static int look_from(struct sl_observer *observer, const struct sl_lab *lab,
		     struct sl_snapshot *ret_now, struct sl_diag *diag)
{
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = look_at_kernel(observer, ret_now, diag);
	sl_lab_leave(lab);
	return error;
}

/* It is asked over and over, so nothing is read but what answers it. */
bool sl_attachment_is_fresh(struct sl_observer *observer, const struct sl_lab *lab)
{
	struct sl_snapshot now = {0};
	struct sl_live live = {0};
	u32 zero = 0;

	if (look_from(observer, lab, &now, NULL))
		return false;
	SL_CLEANUP(sl_close) int fd = sl_pins_get(now.net_cookie, "in0", "live");
	return fd >= 0 && !bpf_map_lookup_elem(fd, &zero, &live) && live.epoch &&
	       sl_snapshots_equal(&live.expected, &now);
}

void sl_attachment_hold_keeper(struct sl_observer *observer, const struct sl_lab *lab, bool holds)
{
	struct sl_snapshot now;
	pid_t keeper =
		look_from(observer, lab, &now, NULL) ? 0 : sl_lock_holder(now.net_cookie, "in0");

	if (keeper > 0)
		kill(keeper, holds ? SIGSTOP : SIGCONT);
}

int sl_attachment_remove(struct sl_observer *observer, const struct sl_lab *lab,
			 struct sl_diag *diag)
{
	struct sl_snapshot now;
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = look_at_kernel(observer, &now, diag);
	if (!error)
		error = sl_keeper_detach(now.net_cookie, "in0", diag);
	sl_lab_leave(lab);
	return error;
}

u64 sl_attachment_count(struct sl_observer *observer, const struct sl_lab *lab,
			enum sl_fate_count fate)
{
	struct sl_attachments attachments = look(observer, lab);
	u64 packets = attachments.count ? attachments.items[0].fates[fate].packets : 0;

	sl_attachments_free(&attachments);
	return packets;
}

/* A rule may have several counters there: one for each family. */
u64 sl_attachment_count_hits(struct sl_observer *observer, const struct sl_lab *lab,
			     struct sl_rule_counts *counts)
{
	struct sl_attachments attachments = look(observer, lab);
	u64 hits = 0;

	for (u32 i = 0; attachments.count && i < attachments.items[0].rule_count; i++) {
		const struct sl_rule_entry *entry = &attachments.items[0].rules[i];

		for (u32 k = 0; k < counts->count; k++) {
			struct sl_rule_count *count = &counts->items[k];

			if (!entry->rule_handle || count->rule != entry->rule_handle ||
			    count->table != entry->table_handle)
				continue;
			count->packets += entry->packets;
			hits += entry->packets;
		}
	}
	sl_attachments_free(&attachments);
	return hits;
}
