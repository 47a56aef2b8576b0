/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From rules to meaning: nf_tables' register programs and xtables' blobs become the IR.
 *
 * Enters: a ruleset and the host it was read on. Leaves: the program of one device.
 * Promised: the program drops nothing that the kernel might let through. What lift does not
 * understand becomes an UNKNOWN or KERNEL op, or a KERNEL step, with a reason for a person to read
 * (`sluice plan`); it never fails a lift.
 *
 *	lift.c       the story in one page
 *	device.c     what about the device itself forbids early drops
 *	census.c     what the whole ruleset says about conntrack
 *	path.c       the base chains that the device's packets meet, in order
 *	hook.c       the same of packets that have come as far as netfilter's hooks
 *	chain.c      chains and rules;  set.c  their sets
 *	registers.c  nf_tables' register file, symbolically
 *	expr.c       the table of expressions, one file each;  xt.c  that of xtables matches
 */
#ifndef SLUICE_LIFT_LIFT_H
#define SLUICE_LIFT_LIFT_H

#include "base/diag.h"
#include "ir/ir.h"
#include "source/host.h"
#include "source/ruleset.h"

/*
 * Lifts what packets arriving at `device` meet. While there are iptables-legacy tables (`host`)
 * that are not among the rules, everything from their first hook on passes.
 *
 * A rule may become several, with the same handle and counter, of which a packet in one world meets
 * one. Sets keep nft's names, chains and counters their table, name and handle.
 *
 * 0, or -errno with `diag` filled in: -ENODEV when `host` has no such device, -ENOMEM. The program
 * owns all that it refers to.
 */
int sl_lift(const struct sl_ruleset *rules, const struct sl_host *host, const char *device,
	    struct sl_program **ret_program, struct sl_diag *diag);

/*
 * The same for packets of the device that have come as far as netfilter's hooks for input and
 * forwarding, just ahead of the rules there; `places` of the program says where that is worth it.
 * `front`, the device's program as lifted from the same, is what is ahead; counters have the same
 * numbers in both.
 */
int sl_lift_hooks(const struct sl_ruleset *rules, const struct sl_host *host,
		  const struct sl_program *front, struct sl_program **ret_program,
		  struct sl_diag *diag);

/* Whether two hosts are the same in all that a lift for `device` reads of them. */
bool sl_lift_hosts_equal(const struct sl_host *a, const struct sl_host *b, const char *device);

#endif
