/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small world that random programs and frames share, so that they meet: a handful of
 * addresses, ports and protocols.
 */
#ifndef SLUICE_TESTS_ORACLE_VALUES_H
#define SLUICE_TESTS_ORACLE_VALUES_H

#include "ir/ir.h"
#include "random.h"

void random_ip(struct dice *dice, u8 *ret_bytes);
void random_ip6(struct dice *dice, u8 *ret_bytes);
u16 random_port(struct dice *dice);
u8 random_protocol(struct dice *dice);

/* A value that the field is likely to have, as nf_tables' registers hold it. */
void random_value(struct dice *dice, const struct sl_program *program, const struct sl_field *field,
		  u8 *ret_bytes);

#endif
