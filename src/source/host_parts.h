/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of sl_host_read, each of which fills in its share of struct sl_host.
 */
#ifndef SLUICE_SOURCE_HOST_PARTS_H
#define SLUICE_SOURCE_HOST_PARTS_H

#include "source/host.h"
#include "source/netlink.h"

/* rtnetlink requests: a message type and its fixed header, all zero. */
struct sl_route_request {
	_Alignas(struct nlmsghdr) char room[256];
};
/* Starts a dump request; the header behind it is *ret_header, `header_size` bytes. */
struct nlmsghdr *sl_route_request(struct sl_route_request *request, u32 type, size_t header_size,
				  void *ret_header);
/* A dump that is asked for again while it is interrupted; `restart` undoes what came so far. */
int sl_route_dump(struct sl_netlink *netlink, struct nlmsghdr *request, sl_netlink_message_fn *take,
		  void (*restart)(void *context), void *context, struct sl_diag *diag);

/* Names, kinds, relations and addresses of all devices. */
int sl_links_read(struct sl_netlink *route, struct sl_host *host, struct sl_diag *diag);
int sl_addresses_read(struct sl_netlink *route, struct sl_host *host, struct sl_diag *diag);
/* Whether a filter is at its TC ingress; what cannot be read is there. */
bool sl_tc_ingress_read(struct sl_netlink *route, u32 ifindex);

#endif
