/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sits at a device's TC ingress, ahead of netfilter, by an ingress or clsact qdisc. The tcx
 * programs of the same place are counted by load/attach.h, which can tell sluice's own.
 */
#include "source/tc_ingress.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "source/attr.h"
#include "source/host_parts.h"
#include "tc.h"

/* Where both kinds of qdisc keep the filters of arriving packets. */
#define INGRESS_FILTERS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

static struct sl_link *find_link(struct sl_host *host, u32 ifindex)
{
	for (u32 i = 0; i < host->links.count; i++)
		if (host->links.items[i].ifindex == ifindex)
			return &host->links.items[i];
	return NULL;
}

/* Until its filters are looked at, an ingress qdisc is taken to hold some. */
static int take_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);
	struct sl_host *host = context;
	struct sl_link *link;

	if (message->nlmsg_type != RTM_NEWQDISC)
		return 0;
	if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
		return -EBADMSG;
	link = find_link(host, (u32)header->tcm_ifindex);
	if (link && header->tcm_parent == TC_H_INGRESS)
		link->has_tc_ingress = true;
	return 0;
}

static int read_qdiscs(struct sl_netlink *route, struct sl_host *host)
{
	struct sl_route_request request;
	struct tcmsg *header;
	struct nlmsghdr *message =
		sl_route_request(&request, RTM_GETQDISC, sizeof *header, &header);

	return sl_route_dump(route, message, take_qdisc, NULL, host, NULL);
}

/* "sluice_tc:[17]", as libbpf names filters. */
static bool has_own_name(const struct nlattr *options)
{
	static const sl_attr_policy policy = {[TCA_BPF_NAME] = SL_ATTR_TEXT};
	const size_t length = strlen(SL_TC_PROGRAM);
	struct sl_attrs attrs;
	const char *name;

	if (!options || sl_attrs_read_nested(&attrs, policy, options) || !attrs.at[TCA_BPF_NAME])
		return false;
	name = sl_attrs_text(&attrs, TCA_BPF_NAME);
	return !strncmp(name, SL_TC_PROGRAM, length) && name[length] == ':';
}

/* Ours never changes a packet, and drops only what the rules drop. */
static bool is_own(const struct nlmsghdr *message)
{
	static const sl_attr_policy policy = {
		[TCA_KIND] = SL_ATTR_TEXT, [TCA_OPTIONS] = SL_ATTR_NESTED};
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);
	struct sl_attrs attrs;

	if (mnl_nlmsg_get_payload_len(message) < sizeof *header ||
	    TC_H_MAJ(header->tcm_info) >> 16 != SL_TC_PRIORITY ||
	    sl_attrs_read_message(&attrs, policy, message, sizeof *header) || !attrs.at[TCA_KIND] ||
	    strcmp(sl_attrs_text(&attrs, TCA_KIND), "bpf") != 0)
		return false;
	/* The classifier is listed by itself, ahead of the filters in it. */
	return !header->tcm_handle ||
	       (header->tcm_handle == SL_TC_HANDLE && has_own_name(attrs.at[TCA_OPTIONS]));
}

static int take_filter(void *context, const struct nlmsghdr *message)
{
	bool *holds_filters = context;

	if (message->nlmsg_type == RTM_NEWTFILTER && !is_own(message))
		*holds_filters = true;
	return 0;
}

/* Filters of a block that several devices share are listed for each of them. */
bool sl_tc_holds_filters(struct sl_netlink *route, u32 ifindex, u32 parent)
{
	struct sl_route_request request;
	struct tcmsg *header;
	struct nlmsghdr *message =
		sl_route_request(&request, RTM_GETTFILTER, sizeof *header, &header);
	bool found = false;

	header->tcm_family = AF_UNSPEC;
	header->tcm_ifindex = (int)ifindex;
	header->tcm_parent = parent;
	return sl_route_dump(route, message, take_filter, NULL, &found, NULL) || found;
}

void sl_tc_ingress_read(struct sl_netlink *route, struct sl_host *host)
{
	int error = read_qdiscs(route, host);
	/* A kernel without qdiscs answers that it does not know the request. */
	bool is_unknown = error && error != -EOPNOTSUPP;

	for (u32 i = 0; i < host->links.count; i++) {
		struct sl_link *link = &host->links.items[i];

		if (!is_unknown && link->has_tc_ingress)
			link->has_tc_ingress =
				sl_tc_holds_filters(route, link->ifindex, INGRESS_FILTERS);
		link->has_tc_ingress |= is_unknown;
	}
}
