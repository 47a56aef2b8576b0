/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walks behind decided.h: which rules packets meet early, and what keeps them from the others.
 *
 * Enters: a lifted program, and the code made of it. Leaves: a note on each lifted rule and each
 * step's policy. Two walks over the path, of all packets at once: the strict one goes as far as
 * packets get early; the other walks on behind what makes them pass, and remembers what that was.
 */
#ifndef SLUICE_LIB_SURVEY_H
#define SLUICE_LIB_SURVEY_H

#include "lib/decided.h"

/* What the walks found out about one lifted rule, or one step's policy. */
struct meeting {
	u8 worlds;        /* in which it is met early */
	bool drops_early; /* a packet's drop can rest on it */
	bool is_behind;   /* met, were it not for `obstacle` */
	u32 obstacle;     /* index; NO_OBSTACLE: connections, which are conntrack's */
	u32 own;          /* index + 1 of the obstacle that it is itself; 0: none */
};

#define NO_OBSTACLE ((u32)-1)

struct chain_walk {
	struct meeting *rules;
	/* Of the step at hand, in worlds: */
	u8 walked, walked_free; /* … the latter with no obstacle before it */
	u8 returns, passes;
	u32 obstacle; /* that is left to who calls it, with none before */
};

struct survey {
	struct sl_program *program;
	struct sl_decisions *decisions;
	struct chain_walk *chains; /* by index */
	struct meeting *policies;  /* by step */
	const struct sl_code *code;
	const struct sl_decisions *hooks; /* or NULL */
	const struct sl_code_cut *cut;    /* of the stage at hand; NULL: none */
	u8 family;                        /* of the packets under way */
	u8 stranger; /* what most packets can be that conntrack does not know: well-formed ones */
	bool is_strict, is_tracked, is_cut;
	bool knows_state; /* each packet is in one world, and sluice knows in which */
	u32 obstacle;     /* not strict: what all packets here have passed at */
	u32 cut_obstacle;
	int error;
};

/* Notes in the program's arena, all blank. 0 or -ENOMEM. */
int sl_survey_open(struct survey *survey);

/* Both walks; what runs out of memory is noted in `error`. */
void sl_survey_walk(struct survey *survey);

/* One obstacle for each rule or step, however often it is met: its index. */
u32 sl_survey_blame(struct survey *survey, struct meeting *meeting,
		    const struct sl_obstacle *obstacle);

#endif
