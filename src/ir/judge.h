/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests only: the interpreter's verdict on one packet, with made-up answers of the kernel.
 * Like shorthand.h, without a prefix. Every program is verified before it judges.
 */
#ifndef SLUICE_IR_JUDGE_H
#define SLUICE_IR_JUDGE_H

#include "filled.h"
#include "ir/shorthand.h"

#define NEW         SL_WORLD_NEW
#define ESTABLISHED SL_WORLD_ESTABLISHED
#define RELATED     SL_WORLD_RELATED
#define INVALID     SL_WORLD_INVALID
#define ALL         SL_WORLDS_ALL

#define CLIENT "10.0.0.9"
#define HOST   "10.0.0.1"

/* What the kernel would answer, and how often it was asked. */
struct answers {
	u8 worlds; /* 0: nobody to ask */
	enum sl_fate fate;
	u64 now_ns;
	bool is_spent;                /* all rates */
	enum sl_filled_answer filled; /* all sets that packets fill */
	const struct sl_facts *facts;
	enum sl_way_back way_back;
	u32 asked;
};

struct sl_outcome judge_with(const struct sl_program *p, struct frame frame,
			     struct answers *answers);

/* Nothing is known of the packet beyond its bytes. */
struct sl_outcome judge(const struct sl_program *p, struct frame frame);

#define drops(p, frame)  assert_true(judge(p, frame).drop)
#define passes(p, frame) assert_false(judge(p, frame).drop)

/* From CLIENT to HOST. */
struct frame tcp_to(u16 port);

/* A host that drops by policy what its input chain does not accept; … behind conntrack. */
struct sl_program *strict_host(struct sl_chain **ret_input);
struct sl_program *tracking_host(struct sl_chain **ret_input);

#endif
