/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices and addresses, from rtnetlink. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "source/attr.h"
#include "source/host_parts.h"

#define TRIES 16

struct nlmsghdr *sl_route_request(struct sl_route_request *request, u32 type, size_t header_size,
				  void *ret_header)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(request->room);
	void *header = mnl_nlmsg_put_extra_header(message, header_size);

	message->nlmsg_type = (u16)type;
	message->nlmsg_flags = NLM_F_DUMP;
	memcpy(ret_header, &header, sizeof header);
	return message;
}

int sl_route_dump(struct sl_netlink *netlink, struct nlmsghdr *request, sl_netlink_message_fn *take,
		  void (*restart)(void *context), void *context, struct sl_diag *diag)
{
	int error = -EINTR;

	for (u32 i = 0; i < TRIES && error == -EINTR; i++) {
		if (restart)
			restart(context);
		error = sl_netlink_ask(netlink, request, take, context, diag);
	}
	return error;
}

static const sl_attr_policy link_policy = {
	[IFLA_ADDRESS] = SL_ATTR_BYTES,   [IFLA_IFNAME] = SL_ATTR_TEXT,
	[IFLA_MTU] = SL_ATTR_U32,         [IFLA_LINK] = SL_ATTR_U32,
	[IFLA_MASTER] = SL_ATTR_U32,      [IFLA_GROUP] = SL_ATTR_U32,
	[IFLA_LINKINFO] = SL_ATTR_NESTED, [IFLA_LINK_NETNSID] = SL_ATTR_U32,
};

static const sl_attr_policy info_policy = {
	[IFLA_INFO_KIND] = SL_ATTR_TEXT,
};

/* rtnetlink's integers are in host order. */
static u32 host_u32(const struct sl_attrs *attrs, u32 number)
{
	return attrs->at[number] ? mnl_attr_get_u32(attrs->at[number]) : 0;
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static void fill_kind(struct sl_link *link, const struct nlattr *nest)
{
	struct sl_attrs info;

	if (!sl_attrs_read_nested(&info, info_policy, nest) && info.at[IFLA_INFO_KIND])
		copy_text(link->kind, sizeof link->kind, sl_attrs_text(&info, IFLA_INFO_KIND));
}

static void fill_link(struct sl_link *link, const struct ifinfomsg *header,
		      const struct sl_attrs *attrs)
{
	const struct nlattr *mac = attrs->at[IFLA_ADDRESS];

	link->ifindex = (u32)header->ifi_index;
	link->type = header->ifi_type;
	link->flags = header->ifi_flags;
	copy_text(link->name, sizeof link->name, sl_attrs_text(attrs, IFLA_IFNAME));
	link->mtu = host_u32(attrs, IFLA_MTU);
	link->group = host_u32(attrs, IFLA_GROUP);
	link->master = host_u32(attrs, IFLA_MASTER);
	link->lower = host_u32(attrs, IFLA_LINK);
	link->has_netnsid = attrs->at[IFLA_LINK_NETNSID];
	if (mac && sl_attr_length(mac) == sizeof link->mac)
		memcpy(link->mac, sl_attr_payload(mac), sizeof link->mac);
	if (attrs->at[IFLA_LINKINFO])
		fill_kind(link, attrs->at[IFLA_LINKINFO]);
}

static int take_link(void *context, const struct nlmsghdr *message)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct sl_host *host = context;
	struct sl_attrs attrs;
	struct sl_link *link;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	/* Also finds messages that are too short for their header. */
	if (sl_attrs_read_message(&attrs, link_policy, message, sizeof *header) ||
	    !attrs.at[IFLA_IFNAME])
		return -EBADMSG;
	link = sl_list_push(host->arena, &host->links);
	if (!link)
		return -ENOMEM;
	fill_link(link, header, &attrs);
	return 0;
}

static void forget_links(void *context)
{
	struct sl_host *host = context;

	host->links.count = host->links.capacity = 0;
	host->links.items = NULL;
}

int sl_links_read(struct sl_netlink *route, struct sl_host *host, struct sl_diag *diag)
{
	struct sl_route_request request;
	struct ifinfomsg *header;
	struct nlmsghdr *message = sl_route_request(&request, RTM_GETLINK, sizeof *header, &header);
	int error = sl_route_dump(route, message, take_link, forget_links, host, diag);

	return error ? sl_fail_in(diag, error, "cannot list the network devices") : 0;
}

static const sl_attr_policy address_policy = {
	[IFA_ADDRESS] = SL_ATTR_BYTES,
	[IFA_LOCAL] = SL_ATTR_BYTES,
};

static u32 address_size(u32 family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static int take_address(void *context, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct sl_host *host = context;
	struct sl_address *address;
	const struct nlattr *attr;
	struct sl_attrs attrs;
	u32 size;

	if (message->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (sl_attrs_read_message(&attrs, address_policy, message, sizeof *header))
		return -EBADMSG;
	size = address_size(header->ifa_family);
	/* On point-to-point links ADDRESS is the peer's. */
	attr = attrs.at[IFA_LOCAL] ?: attrs.at[IFA_ADDRESS];
	if (!size)
		return 0;
	if (!attr || sl_attr_length(attr) != size)
		return -EBADMSG;
	address = sl_list_push(host->arena, &host->local);
	if (!address)
		return -ENOMEM;
	address->is_ip6 = header->ifa_family == AF_INET6;
	memcpy(address->bytes, sl_attr_payload(attr), size);
	return 0;
}

static void forget_addresses(void *context)
{
	struct sl_host *host = context;

	host->local.count = host->local.capacity = 0;
	host->local.items = NULL;
}

int sl_addresses_read(struct sl_netlink *route, struct sl_host *host, struct sl_diag *diag)
{
	struct sl_route_request request;
	struct ifaddrmsg *header;
	struct nlmsghdr *message = sl_route_request(&request, RTM_GETADDR, sizeof *header, &header);
	int error = sl_route_dump(route, message, take_address, forget_addresses, host, diag);

	return error ? sl_fail_in(diag, error, "cannot list the addresses") : 0;
}
