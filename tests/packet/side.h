/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One side of a trial: a lab with its services and, in it, what is attached to in0.
 *
 * Enters: a configuration and a candidate. Leaves: records of what was played.
 * Promised: either for one trial, loaded before the attach; or for many, with rules that are
 * replaced under the candidate. What a trial leaves behind (connections, sockets) is gone before
 * the next but for what the kernel keeps by time (fragments, neighbours), in both labs alike;
 * sl_side_age_ms says when that might run out.
 */
#ifndef SLUICE_PACKET_SIDE_H
#define SLUICE_PACKET_SIDE_H

#include "candidate.h"
#include "rulesets.h"
#include "script.h"

struct sl_netlink;

struct sl_side {
	struct sl_lab lab;
	struct sl_services *services;
	const struct sl_candidate *candidate; /* may be NULL */
	bool at_tc, is_attached;
	struct sl_observer *foresees; /* what to look into the kernel with; NULL: it does not */
	u64 opened_ns;
	u64 drops_before, hook_drops_before, xdp_drops_before; /* of trials before */
	struct sl_netlink *netfilter;
};

#define SL_SIDE_NONE                                                                               \
	{                                                                                          \
		.lab = SL_LAB_NONE                                                                 \
	}

/* `ret_side` is to be closed whatever comes back, and must not move until then. */
int sl_side_open(const struct sl_lab_config *config, const struct sl_candidate *candidate,
		 struct sl_side *ret_side, struct sl_diag *diag);
void sl_side_close(struct sl_side *side); /* SL_SIDE_NONE is fine */

int sl_side_attach(struct sl_side *side, struct sl_diag *diag);
int sl_side_detach(struct sl_side *side, struct sl_diag *diag);

/* Ends what the trial before left and puts these rules in its rules' place. */
int sl_side_renew(struct sl_side *side, const struct sl_rules *rules, struct sl_diag *diag);
/* Waits until the candidate has followed. */
int sl_side_settle(const struct sl_side *side, struct sl_diag *diag);

int sl_side_play(struct sl_side *side, const struct sl_script *script,
		 struct sl_record **ret_record, struct sl_diag *diag);

#endif
