// SPDX-License-Identifier: GPL-2.0-only
#include "lib/words.h"

#include "info.h"

const char *sl_hook_name(enum sl_hook hook)
{
	static const char *const names[] = {
		[SL_HOOK_INGRESS] = "ingress",
		[SL_HOOK_PREROUTING] = "prerouting",
		[SL_HOOK_INPUT] = "input",
		[SL_HOOK_FORWARD] = "forward",
	};

	return names[hook];
}

const char *sl_place_name(u32 place)
{
	static const char *const names[SL_PLACES] = {"ip input", "ip forward", "ip6 input",
						     "ip6 forward"};

	return names[place];
}

const char *sl_fate_reason(enum sl_fate_count fate)
{
	static const char *const reasons[SL_FATE_COUNTS] = {
		[SL_DROPPED] = "rules",
		[SL_PASSED_ODD] = "not ordinary",
		[SL_PASSED_RULES] = "rules",
		[SL_PASSED_CONNTRACK] = "conntrack",
		[SL_PASSED_ROUTE] = "route",
		[SL_PASSED_STALE] = "stale",
		[SL_PASSED_UNDER_WAY] = "under way",
		[SL_HOOK_DROPPED] = "rules",
		[SL_HOOK_PASSED] = "rules",
		[SL_HOOK_STALE] = "stale",
	};

	return reasons[fate];
}
