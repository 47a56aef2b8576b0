// SPDX-License-Identifier: GPL-2.0-only
#include "attachment.h"

#include "cli/attachments.h"

static struct sl_attachments look(struct sl_observer *observer, const struct sl_lab *lab)
{
	struct sl_attachments attachments = {0};

	if (sl_lab_enter(lab, SL_DUT, NULL))
		return attachments;
	(void)sl_attachments_look(observer, "in0", &attachments, NULL);
	sl_lab_leave(lab);
	return attachments;
}

bool sl_attachment_is_fresh(struct sl_observer *observer, const struct sl_lab *lab)
{
	struct sl_attachments attachments = look(observer, lab);
	bool is_fresh = attachments.count && attachments.items[0].is_fresh;

	sl_attachments_free(&attachments);
	return is_fresh;
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
