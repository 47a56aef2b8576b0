/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets to trace, as a person describes them. */
#ifndef SLUICE_LIB_FRAMES_H
#define SLUICE_LIB_FRAMES_H

#include "base/arena.h"
#include "base/diag.h"
#include "ir/ir.h"

struct sl_frame {
	const u8 *bytes; /* from the Ethernet header on */
	u32 length;
};

struct sl_frames {
	SL_LIST(struct sl_frame) list;
};

/*
 * One packet in nft's words: "ip saddr 192.0.2.1 tcp dport 22 tcp flags syn". What is not said is
 * sensible: for the device's MAC and an address of its namespace, TCP, SYN.
 */
int sl_frames_describe(struct sl_arena *arena, const char *text, const struct sl_program *program,
		       struct sl_frames *ret_frames, struct sl_diag *diag);

#endif
