/* SPDX-License-Identifier: GPL-2.0-only */
#include "ir/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	struct answers *answers = context;

	(void)frame, (void)length;
	answers->asked++;
	return answers->worlds;
}

static enum sl_fate answer_route(void *context, const u8 *frame, u32 length)
{
	(void)frame, (void)length;
	return ((struct answers *)context)->fate;
}

static enum sl_way_back answer_way_back(void *context, const u8 *frame, u32 length)
{
	(void)frame, (void)length;
	return ((struct answers *)context)->way_back;
}

static bool answer_spent(void *context, u32 limit)
{
	(void)limit;
	return ((struct answers *)context)->is_spent;
}

static enum sl_filled_answer answer_filled(void *context, u32 filled, const u8 *key)
{
	(void)filled, (void)key;
	return ((struct answers *)context)->filled;
}

struct sl_outcome judge_with(const struct sl_program *p, struct frame frame,
			     struct answers *answers)
{
	struct sl_oracle oracle = {.conntrack = answers->worlds ? answer_conntrack : NULL,
				   .route = answer_route,
				   .is_spent = answer_spent,
				   .has = answer_filled,
				   .context = answers,
				   .facts = answers->facts,
				   .way_back = answer_way_back,
				   .now_ns = answers->now_ns};
	struct sl_outcome outcome;
	struct sl_diag diag = {""};

	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

struct sl_outcome judge(const struct sl_program *p, struct frame frame)
{
	return judge_with(p, frame, &(struct answers){0});
}

struct frame tcp_to(u16 port)
{
	return tcp(CLIENT, 1000, HOST, port);
}

struct sl_program *strict_host(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	return p;
}

struct sl_program *tracking_host(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	return p;
}
