/* SPDX-License-Identifier: GPL-2.0-only */
/* What the data plane can say of the way back to a packet's source (bpf/way_back.h). */
#ifndef SLUICE_ABI_WAY_BACK_H
#define SLUICE_ABI_WAY_BACK_H

enum sl_way_back {
	SL_WAY_UNKNOWN,
	SL_WAY_MISSING, /* surely not through the device that the packet came by */
	SL_WAY_FOUND,   /* surely through it */
};

#endif
