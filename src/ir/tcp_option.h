/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of a TCP header, walked as the kernel walks them (nft_exthdr.c): slowly, for the
 * interpreter. bpf/tcp_option.h is its fast twin.
 */
#ifndef SLUICE_IR_TCP_OPTION_H
#define SLUICE_IR_TCP_OPTION_H

#include "base/types.h"
#include "ir/ir.h"

/* What a field of base TCP_OPTION or HAS_TCP_OPTION asks for (ir.h). */
static inline bool sl_field_is_tcp_option(const struct sl_field *field)
{
	return field->base == SL_TCP_OPTION || field->base == SL_HAS_TCP_OPTION;
}

static inline u8 sl_tcp_option_kind(const struct sl_field *field)
{
	return (u8)(field->offset >> 8);
}

static inline u8 sl_tcp_option_from(const struct sl_field *field)
{
	return (u8)field->offset;
}

/* Of any part of the key. */
bool sl_key_asks_tcp_option(const struct sl_key *key);

/*
 * The first option of the kind, in the header that `tcp` points to, with `room` bytes from there to
 * the packet's end, at least SL_TCP_MIN. NULL if there is none, if it is shorter than `need` bytes,
 * or if the option or the header is longer than what it lies in.
 */
const u8 *sl_tcp_option_find(const u8 *tcp, u32 room, u8 kind, u32 need);

#endif
