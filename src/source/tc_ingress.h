/* SPDX-License-Identifier: GPL-2.0-only */
/* The filters of a device's ingress or clsact qdisc; who put them there, sluice or somebody else.
 */
#ifndef SLUICE_SOURCE_TC_INGRESS_H
#define SLUICE_SOURCE_TC_INGRESS_H

#include "source/netlink.h"

/*
 * Whether filters other than sluice's own are there: those of arriving packets, or of `parent`
 * (TC_H_MAKE(TC_H_CLSACT, …)). True also where it cannot be found out.
 */
bool sl_tc_holds_filters(struct sl_netlink *route, u32 ifindex, u32 parent);

#endif
