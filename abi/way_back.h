/* SPDX-License-Identifier: GPL-2.0-only */
/* What the data plane can say of the way back to a packet's source (bpf/way_back.h). */
#ifndef SLUICE_ABI_WAY_BACK_H
#define SLUICE_ABI_WAY_BACK_H

#include <linux/types.h>

enum sl_way_back {
	SL_WAY_UNKNOWN,
	SL_WAY_MISSING, /* surely not through the device that the packet came by */
	SL_WAY_FOUND,   /* surely through it */
};

/*
 * A walk through IPv4's trie, in cursor.scratch: whoever asks fills in the address, and zeros. It
 * is about to look at a route of a leaf, or at a node, or on its way up.
 */
struct sl_walk {
	__u64 branch; /* the node to come back to … */
	__u64 index;  /* … and which of its children the walk is in */
	__u64 node, route;
	__u32 address; /* as in the packet */
	__u32 differs; /* where it is another than the leaf's */
	__u64 is_past; /* a node that the address does not lie in was met */
};

_Static_assert(sizeof(struct sl_walk) == 48, "generated code clears it by words");

#endif
