// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_history.h"

#include <string.h>

#define SLOTS     (SL_TOP_SECONDS + 1)
#define SECOND_NS 1000000000ull

static void go_on_to(struct sl_top_history *history, u64 second)
{
	if (second >= history->second + SLOTS) {
		memset(history->packets, 0, sizeof history->packets);
		history->second = second;
	}
	while (history->second < second)
		history->packets[++history->second % SLOTS] = 0;
}

void sl_top_history_add(struct sl_top_history *history, u64 from_ns, u64 to_ns, double packets)
{
	u64 first = from_ns / SECOND_NS, last = to_ns / SECOND_NS;

	go_on_to(history, last);
	if (from_ns >= to_ns)
		return;
	if (last - first >= SLOTS)
		first = last - SL_TOP_SECONDS;
	for (u64 second = first; second <= last; second++) {
		u64 begin = second * SECOND_NS, end = begin + SECOND_NS;

		if (begin < from_ns)
			begin = from_ns;
		if (end > to_ns)
			end = to_ns;
		history->packets[second % SLOTS] +=
			packets * (double)(end - begin) / (double)(to_ns - from_ns);
	}
}

double sl_top_history_at(const struct sl_top_history *history, u32 ago)
{
	return history->second >= ago ? history->packets[(history->second - ago) % SLOTS] : 0;
}

double sl_top_history_peak(const struct sl_top_history *history)
{
	double peak = 0;

	for (u32 ago = 1; ago <= SL_TOP_SECONDS; ago++)
		if (sl_top_history_at(history, ago) > peak)
			peak = sl_top_history_at(history, ago);
	return peak;
}
