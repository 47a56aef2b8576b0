/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial as a file: what a difference leaves behind, to be read, bent by hand and played again.
 *
 *	seed 42
 *	host forwarding 1 forwarding6 0 rp_filter 0 … out_mtu 1500
 *	attach tc waits
 *	rules nft
 *	table inet filter { …
 *	end of rules
 *	peer 020000770101… # SYN
 *	back 020000770201… ack of 41001 at 42 sum 50 # ACK
 *	dut tcp 10.77.1.1 40001 10.77.1.2 80
 *	change nft flush ruleset
 *	settle ip link del late0
 *
 * Either word behind `attach` may be missing, and rules may be those of iptables or ip6tables.
 * `peer` and `back` send a frame to in0 and out0; with "ack of", the 32 bits at 42 become what the
 * stream of that port expects. `dut` is a client of the dut's own, `change` a shell's command
 *there, and `settle` one that sluice is given time to follow.
 *
 * Lines that start with # are for people. Promised: what is written is read back the same.
 */
#ifndef SLUICE_PACKET_TRIAL_FILE_H
#define SLUICE_PACKET_TRIAL_FILE_H

#include "trial.h"

void sl_trial_write(const struct sl_trial *trial, FILE *out);

/* Refuses what it does not understand, and says which line it is. */
int sl_trial_read(const char *path, struct sl_trial **ret_trial, struct sl_diag *diag);

#endif
