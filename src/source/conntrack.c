/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/conntrack.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
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

/* True if the dump had what `look` wants, or could not be had. */
static bool dump_has(struct sl_netlink *netlink, u16 subsystem, u16 type,
		     sl_netlink_message_fn *look)
{
	__attribute__((cleanup(sl_netlink_cleanup))) struct sl_netlink *own = NULL;
	char buffer[64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;
	bool found = false;
	int error;

	request->nlmsg_type = (u16)(subsystem << 8 | type);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header = mnl_nlmsg_put_extra_header(request, sizeof *header);
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	if (!netlink && sl_netlink_open(NETLINK_NETFILTER, &own, NULL))
		return true;
	error = sl_netlink_ask(netlink ? netlink : own, request, look, &found, NULL);
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
