/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: what conntrack means for a program, and what the rules make of the packets of one
 * connection before it is known. bpf/batch.h says why that matters, and what the data plane does
 * about it.
 */
#ifndef SLUICE_IR_FLOW_H
#define SLUICE_IR_FLOW_H

#include "ir/ir.h"

/* Packets of one of these families (SL_IP | SL_IP6) meet conntrack on their path, or have met it.
 */
bool sl_program_tracks(const struct sl_program *program, u8 families);

/* They have met it: the program is for a netfilter hook. */
bool sl_program_is_at_hook(const struct sl_program *program);

/* Its rules ask for what only a hook knows. */
bool sl_program_asks_facts(const struct sl_program *program);

/*
 * Whether it makes a difference which of NEW and INVALID a packet is, and its form may tell: a miss
 * means one of the two, and rules tell them apart.
 */
bool sl_program_asks_form(const struct sl_program *program);

/*
 * Whether rules may let in the packet that begins a TCP or UDP connection, and drop another packet
 * of it only because they do not know the connection yet:
 *
 *	the same way  they ask a new packet for more than its connection (its addresses, ports and
 *	              protocol), so that not all of its packets are alike to them; ahead of
 *	              conntrack only if something there is left to the kernel
 *	the other way they may forward a new packet, and nothing asks whether its answer comes in
 *	              by the same device
 *
 * True when in doubt. Of an optimised program it knows more: there a family's chains hold only
 * what packets of this family and device can meet.
 */
bool sl_program_minds_batch(const struct sl_program *program);

/* Rules ask what is in sets that packets fill, and what passes may add to them (bpf/filled.h). */
bool sl_program_asks_filled(const struct sl_program *program);

#endif
