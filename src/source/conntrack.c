/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/conntrack.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "source/netlink.h"

/* The message is as good as any other reason to stop early. */
#define FOUND (-ECANCELED)

static int look_for_anything(void *context, const struct nlmsghdr *message)
{
	(void)message;
	*(bool *)context = true;
	return FOUND;
}

static int look_for_helper(void *context, const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != CTA_HELP)
			continue;
		*(bool *)context = true;
		return FOUND;
	}
	return 0;
}

/* `netlink` NULL: by a socket of the moment. */
static int dump(struct sl_netlink *netlink, u16 subsystem, u16 type, sl_netlink_message_fn *take,
		void *context)
{
	__attribute__((cleanup(sl_netlink_cleanup))) struct sl_netlink *own = NULL;
	char buffer[64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;
	int error = netlink ? 0 : sl_netlink_open(NETLINK_NETFILTER, &own, NULL);

	request->nlmsg_type = (u16)(subsystem << 8 | type);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header = mnl_nlmsg_put_extra_header(request, sizeof *header);
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	return error ? error
		     : sl_netlink_ask(netlink ? netlink : own, request, take, context, NULL);
}

/* True if the dump had what `look` wants, or could not be had. */
static bool dump_has(struct sl_netlink *netlink, u16 subsystem, u16 type,
		     sl_netlink_message_fn *look)
{
	bool found = false;
	int error = dump(netlink, subsystem, type, look, &found);

	return found || error;
}

bool sl_conntrack_expects(struct sl_netlink *netlink)
{
	return dump_has(netlink, NFNL_SUBSYS_CTNETLINK_EXP, IPCTNL_MSG_EXP_GET, look_for_anything);
}

bool sl_conntrack_has_helpers(struct sl_netlink *netlink)
{
	return dump_has(netlink, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, look_for_helper);
}

struct each_tuple {
	sl_conntrack_tuple_fn *call;
	void *context;
};

/* A nest's attributes by their type; false: there is no nest. */
static bool find_attributes(const struct nlattr *nest, u32 last, const struct nlattr **ret_found)
{
	const struct nlattr *attr;

	for (u32 i = 0; i <= last; i++)
		ret_found[i] = NULL;
	if (!nest)
		return false;
	mnl_attr_for_each_nested(attr, nest) if (mnl_attr_get_type(attr) <= last)
		ret_found[mnl_attr_get_type(attr)] = attr;
	return true;
}

static bool copy(void *to, const struct nlattr *attr, size_t length)
{
	if (!attr || mnl_attr_get_payload_len(attr) != length)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), length);
	return true;
}

static bool read_addresses(const struct nlattr *nest, struct sl_known_tuple *tuple)
{
	const struct nlattr *found[CTA_IP_MAX + 1];

	if (!find_attributes(nest, CTA_IP_MAX, found))
		return false;
	tuple->is_ip6 = found[CTA_IP_V6_SRC] != NULL;
	if (tuple->is_ip6)
		return copy(tuple->source, found[CTA_IP_V6_SRC], 16) &&
		       copy(tuple->destination, found[CTA_IP_V6_DST], 16);
	return copy(tuple->source, found[CTA_IP_V4_SRC], 4) &&
	       copy(tuple->destination, found[CTA_IP_V4_DST], 4);
}

/* 1: read; 0: neither TCP nor UDP; -EBADMSG. */
static int read_tuple(const struct nlattr *nest, struct sl_known_tuple *tuple)
{
	const struct nlattr *parts[CTA_TUPLE_MAX + 1], *found[CTA_PROTO_MAX + 1];

	*tuple = (struct sl_known_tuple){0};
	if (!find_attributes(nest, CTA_TUPLE_MAX, parts) ||
	    !find_attributes(parts[CTA_TUPLE_PROTO], CTA_PROTO_MAX, found) ||
	    !copy(&tuple->protocol, found[CTA_PROTO_NUM], 1))
		return -EBADMSG;
	if (tuple->protocol != IPPROTO_TCP && tuple->protocol != IPPROTO_UDP)
		return 0;
	if (!copy(&tuple->source_port, found[CTA_PROTO_SRC_PORT], 2) ||
	    !copy(&tuple->destination_port, found[CTA_PROTO_DST_PORT], 2) ||
	    !read_addresses(parts[CTA_TUPLE_IP], tuple))
		return -EBADMSG;
	return 1;
}

static int take_connection(void *context, const struct nlmsghdr *message)
{
	const struct each_tuple *each = context;
	const struct nlattr *attr, *tuples[] = {NULL, NULL};
	struct sl_known_tuple tuple;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == CTA_TUPLE_ORIG)
			tuples[0] = attr;
		if (mnl_attr_get_type(attr) == CTA_TUPLE_REPLY)
			tuples[1] = attr;
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(tuples); i++) {
		int read = read_tuple(tuples[i], &tuple);

		if (read < 0)
			return read;
		if (read)
			each->call(each->context, &tuple);
	}
	return 0;
}

int sl_conntrack_each(struct sl_netlink *netlink, sl_conntrack_tuple_fn *call, void *context)
{
	struct each_tuple each = {call, context};

	return dump(netlink, NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, take_connection, &each);
}
