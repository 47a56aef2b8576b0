/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attach ladder: offload, native XDP, TC; generic on request. Each rung is taken or refused
 * with a reason, and a mode that could change a verdict counts as refused.
 */
#ifndef SLUICE_DAEMON_LADDER_H
#define SLUICE_DAEMON_LADDER_H

#include "compile.h"
#include "info.h"

enum sl_wanted_mode { SL_WANT_AUTO, SL_WANT_OFFLOAD, SL_WANT_NATIVE, SL_WANT_TC, SL_WANT_GENERIC };

#define SL_LADDER_TEXT 1024

/* "auto", "native" … as people write it; false where it is none. */
bool sl_wanted_mode_parse(const char *text, enum sl_wanted_mode *ret_wanted);

struct sl_ladder {
	const struct sl_compiled *compiled;
	const struct sl_link *link;
	enum sl_wanted_mode wanted;
	char text[SL_LADDER_TEXT]; /* each rung on a line: "native: refused: …" */
};

/* Why attaching in this mode could change a verdict; NULL if it cannot. */
const char *sl_ladder_objection(const struct sl_compiled *compiled, const struct sl_link *link,
				enum sl_attach_mode mode, char ret_reason[256]);

/* The device that a mode's program would stand on; NULL: it is in another namespace. */
const struct sl_link *sl_ladder_place(const struct sl_compiled *compiled,
				      const struct sl_link *link, enum sl_attach_mode mode);

/* The modes to try, best first, ended by SL_MODE_NONE; the others' refusals are in `text`. */
void sl_ladder_plan(struct sl_ladder *ladder, enum sl_attach_mode ret_modes[4]);
void sl_ladder_note(struct sl_ladder *ladder, const char *rung, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
