/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A script: what is to happen around the dut, act by act. Conversations (handshake, data, goodbye;
 * errors that quote them; fragments in any order) are interleaved with odd and broken frames.
 *
 * Enters: a seed. Leaves: acts. Promised: the same seed gives the same script; every subset of the
 * acts, in order, is a script too (what shrinking needs).
 */
#ifndef SLUICE_PACKET_SCRIPT_H
#define SLUICE_PACKET_SCRIPT_H

#include "base/arena.h"
#include "frames.h"
#include "lab.h"
#include "services.h"

enum sl_act_kind {
	SL_ACT_PEER_SENDS,  /* a frame from peer0 to in0 */
	SL_ACT_BACK_SENDS,  /* a frame from back0 to out0 */
	SL_ACT_DUT_CALLS,   /* a client of the dut's own */
	SL_ACT_DUT_CHANGES, /* a command in the dut (changes.h) */
};

/*
 * The dut chooses its sequence numbers itself: frames that acknowledge them have the 32 bits at
 * `at` filled in when they are sent, with the next one that the stream of `port` expects.
 */
struct sl_patch {
	bool is_wanted;
	u16 port;
	u32 at, checksum_at;
};

struct sl_act {
	enum sl_act_kind kind;
	const char *what; /* for reports; DUT_CHANGES: the shell's command */
	bool settles;     /* DUT_CHANGES: what is attached is given time to follow */
	const u8 *bytes;  /* the frame */
	u32 length;
	struct sl_patch patch;
	enum sl_client_kind client; /* DUT_CALLS */
	struct sl_endpoint from, to;
};

struct sl_script {
	SL_LIST(struct sl_act) acts;
};

/* About `length` acts, all in `arena`. NULL when out of memory. */
struct sl_script *sl_script_draw(struct sl_arena *arena, u64 seed, u32 length);

/* One of the acts changes the dut. */
bool sl_script_changes(const struct sl_script *script);

void sl_act_describe(const struct sl_act *act, char *ret_text, size_t size);

#endif
