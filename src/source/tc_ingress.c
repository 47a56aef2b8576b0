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

struct qdisc_search {
	u32 ifindex;
	bool found;
};

static int take_qdisc(void *context, const struct nlmsghdr *message)
{
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);
	struct qdisc_search *search = context;

	if (message->nlmsg_type != RTM_NEWQDISC)
		return 0;
	if (mnl_nlmsg_get_payload_len(message) < sizeof *header)
		return -EBADMSG;
	if ((u32)header->tcm_ifindex == search->ifindex && header->tcm_parent == TC_H_INGRESS)
		search->found = true;
	return 0;
}

/* Kernels list those of all devices, whichever they are asked for. */
static int find_qdisc(struct sl_netlink *route, struct qdisc_search *search)
{
	struct sl_route_request request;
	struct tcmsg *header;
	struct nlmsghdr *message =
		sl_route_request(&request, RTM_GETQDISC, sizeof *header, &header);

	return sl_route_dump(route, message, take_qdisc, NULL, search, NULL);
}

static bool begins_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* "sluice_tc:[17]", as libbpf names filters. */
static bool has_own_name(const struct nlattr *options)
{
	static const sl_attr_policy policy = {[TCA_BPF_NAME] = SL_ATTR_TEXT};
	struct sl_attrs attrs;
	const char *name;

	if (!options || sl_attrs_read_nested(&attrs, policy, options) || !attrs.at[TCA_BPF_NAME])
		return false;
	name = sl_attrs_text(&attrs, TCA_BPF_NAME);
	return begins_with(name, SL_TC_PROGRAM ":") || begins_with(name, SL_TC_AUDIT_PROGRAM ":");
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

bool sl_tc_ingress_read(struct sl_netlink *route, u32 ifindex)
{
	struct qdisc_search search = {.ifindex = ifindex};
	int error = find_qdisc(route, &search);

	/* A kernel without qdiscs answers that it does not know the request. */
	if (error)
		return error != -EOPNOTSUPP;
	return search.found && sl_tc_holds_filters(route, ifindex, INGRESS_FILTERS);
}
