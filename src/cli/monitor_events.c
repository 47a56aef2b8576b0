// SPDX-License-Identifier: GPL-2.0-only
#include "cli/monitor.h"

static u32 bit(enum sl_monitor_event event, bool is_set)
{
	return is_set ? 1u << event : 0;
}

u32 sl_monitor_compare(const struct sl_monitor_state *before, const struct sl_monitor_state *now)
{
	if (!now->is_attached)
		return bit(SL_EVENT_DETACHED, before->is_attached);
	if (!before->is_attached)
		return bit(SL_EVENT_ATTACHED, true);
	return bit(SL_EVENT_GONE, before->is_alive && !now->is_alive) |
	       bit(SL_EVENT_CAME, !before->is_alive && now->is_alive) |
	       bit(SL_EVENT_RULES, now->generations != before->generations) |
	       bit(SL_EVENT_STALE, before->is_fresh && !now->is_fresh) |
	       bit(SL_EVENT_FRESH, !before->is_fresh && now->is_fresh) |
	       bit(SL_EVENT_UNKEPT, before->is_kept && !now->is_kept) |
	       bit(SL_EVENT_KEPT, !before->is_kept && now->is_kept) |
	       bit(SL_EVENT_LOST, now->lost > before->lost);
}

const char *sl_monitor_event_name(enum sl_monitor_event event)
{
	static const char *const names[SL_EVENTS] = {
		[SL_EVENT_ATTACHED] = "attached", [SL_EVENT_DETACHED] = "detached",
		[SL_EVENT_GONE] = "gone",         [SL_EVENT_CAME] = "came",
		[SL_EVENT_RULES] = "rules",       [SL_EVENT_STALE] = "stale",
		[SL_EVENT_FRESH] = "fresh",       [SL_EVENT_UNKEPT] = "unkept",
		[SL_EVENT_KEPT] = "kept",         [SL_EVENT_LOST] = "lost",
	};

	return names[event];
}
