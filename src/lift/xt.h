/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The xtables matches that sluice understands: one file each, which ends in its decoders; and the
 * targets, whose names are in capitals. What is not among them is classified by name in xt.c.
 *
 * A decoder is chosen by name, revision and size of the info struct; any other revision or size is
 * an UNKNOWN. They follow the kernel's match functions for ordinary frames (ir/packet.h): no
 * fragment, all headers there.
 */
#ifndef SLUICE_LIFT_XT_H
#define SLUICE_LIFT_XT_H

#include "lift/emit.h"

struct sl_xt_match {
	const char *name;
	u32 revision;
	u32 size; /* of the info struct, before the kernel's padding to 8 bytes */
	/* `info` is aligned; the table's family is IPv4 or IPv6. */
	int (*lift)(struct sl_rule_lift *rule, const void *info);
	bool has_state; /* of another revision or size it is the kernel's */
};

/* Targets of the same kind, which let the packet walk on; all others are the kernel's. */
extern const struct sl_xt_match sl_xt_MARK, sl_xt_CONNMARK1, sl_xt_CONNMARK2;

extern const struct sl_xt_match sl_xt_recent0, sl_xt_recent1; /* xt_recent.c */
extern const struct sl_xt_match sl_xt_tcp, sl_xt_udp, sl_xt_icmp, sl_xt_icmp6, sl_xt_comment,
	sl_xt_multiport, sl_xt_conntrack1, sl_xt_conntrack2, sl_xt_conntrack3, sl_xt_state,
	sl_xt_iprange, sl_xt_mac, sl_xt_mark, sl_xt_connmark, sl_xt_rpfilter, sl_xt_addrtype0,
	sl_xt_addrtype1, sl_xt_pkttype, sl_xt_rt, sl_xt_frag, sl_xt_hbh, sl_xt_dst;

#define SL_SOURCE_PORT      0 /* offsets in the transport header */
#define SL_DESTINATION_PORT 2

/* low ≤ port ≤ high, or with `invert` not; nothing is emitted for all ports. */
int sl_xt_port_range(struct sl_rule_lift *rule, u32 offset, u16 low, u16 high, bool invert);

/* The bytes of a port as the packet has them. */
void sl_xt_port_bytes(u16 port, u8 ret_bytes[2]);

#endif
