// SPDX-License-Identifier: GPL-2.0-only
#include "lib/explain.h"

#include "base/clock.h"

static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	(void)frame;
	(void)length;
	return ((const struct sl_answers *)context)->worlds;
}

static enum sl_fate answer_route(void *context, const u8 *frame, u32 length)
{
	(void)frame;
	(void)length;
	return ((const struct sl_answers *)context)->route;
}

static enum sl_way_back answer_way_back(void *context, const u8 *frame, u32 length)
{
	(void)frame;
	(void)length;
	return ((const struct sl_answers *)context)->way_back;
}

void sl_explain(const struct sl_program *program, const struct sl_frame *frame,
		const struct sl_answers *answers, sl_trace_fn *trace, void *trace_context,
		struct sl_outcome *ret_outcome)
{
	struct sl_answers told = *answers;
	const struct sl_oracle oracle = {
		.conntrack = answer_conntrack,
		.route = answer_route,
		.way_back = answer_way_back,
		.context = &told,
		.now_ns = sl_monotonic_ns(),
	};

	sl_interp(program, frame->bytes, frame->length, &oracle, trace, trace_context, ret_outcome);
}

static bool find_route(const struct sl_program *program, const struct sl_frame *frame, bool drop,
		       struct sl_answers *answers)
{
	static const enum sl_fate routes[] = {SL_FATE_FORWARD, SL_FATE_INPUT, SL_FATE_UNKNOWN};
	struct sl_outcome outcome;

	for (size_t i = 0; i < SL_ARRAY_SIZE(routes); i++) {
		answers->route = routes[i];
		sl_explain(program, frame, answers, NULL, NULL, &outcome);
		if (outcome.drop == drop)
			return true;
	}
	return false;
}

bool sl_explain_find_route(const struct sl_program *program, const struct sl_frame *frame,
			   bool drop, struct sl_answers *answers)
{
	static const enum sl_way_back ways[] = {SL_WAY_FOUND, SL_WAY_MISSING, SL_WAY_UNKNOWN};

	for (size_t i = 0; i < SL_ARRAY_SIZE(ways); i++) {
		answers->way_back = ways[i];
		if (find_route(program, frame, drop, answers))
			return true;
	}
	return false;
}
