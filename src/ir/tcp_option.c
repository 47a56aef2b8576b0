// SPDX-License-Identifier: GPL-2.0-only
#include "ir/tcp_option.h"

#include "ir/packet.h"

bool sl_key_asks_tcp_option(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++)
		if (sl_field_is_tcp_option(&key->parts[i].field))
			return true;
	return false;
}

/* End-of-list and no-operation are one byte long; and so is what says that it has none. */
static u32 option_length(const u8 *option)
{
	return option[0] <= 1 || option[1] == 0 ? 1 : option[1];
}

const u8 *sl_tcp_option_find(const u8 *tcp, u32 room, u8 kind, u32 need)
{
	u32 header = (tcp[12] >> 4) * 4u, length;

	if (header < SL_TCP_MIN || header > room)
		return NULL;
	/* Not only up to the end of the list; and not the last byte, which has no length. */
	for (u32 at = SL_TCP_MIN; at + 1 < header; at += length) {
		length = option_length(tcp + at);
		if (tcp[at] == kind)
			return at + length <= header && need <= length ? tcp + at : NULL;
	}
	return NULL;
}
