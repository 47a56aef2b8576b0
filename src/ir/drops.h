/* SPDX-License-Identifier: GPL-2.0-only */
/* Drops: in which worlds there can be any, whatever the packet. */
#ifndef SLUICE_IR_DROPS_H
#define SLUICE_IR_DROPS_H

#include "ir/ir.h"

/*
 * Behind conntrack, a packet in none of these worlds meets no drop: the rules that nearly all begin
 * with let in what is known. All worlds where a closer look would be needed.
 */
u8 sl_program_drop_worlds(const struct sl_program *program);

#endif
