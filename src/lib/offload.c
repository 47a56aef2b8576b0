// SPDX-License-Identifier: GPL-2.0-only
#include "lib/offload.h"

#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "source/netlink.h"

/* linux/netdev.h came with 6.3, after Debian 12's headers. */
enum {
	NETDEV_COMMAND_DEV_GET = 1,
	NETDEV_ATTR_IFINDEX = 1,
	NETDEV_ATTR_XDP_FEATURES = 3,
	NETDEV_XDP_BASIC = 1 << 0,
};

static int ask_ethtool(const char *device, void *request)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_data = request};

	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", device);
	return fd < 0 ? -1 : ioctl(fd, SIOCETHTOOL, &ifr);
}

enum sl_answer sl_offload_is_on(const char *device, enum sl_offload offload)
{
	struct ethtool_value value = {.cmd = offload == SL_OFFLOAD_TSO ? ETHTOOL_GTSO
								       : ETHTOOL_GFLAGS};

	if (ask_ethtool(device, &value))
		return SL_NOT_KNOWN;
	if (offload == SL_OFFLOAD_LRO)
		value.data &= ETH_FLAG_LRO;
	return value.data ? SL_YES : SL_NO;
}

/* Generic netlink */

static struct nlmsghdr *start(void *buffer, u16 type, u8 command)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *family = mnl_nlmsg_put_extra_header(header, sizeof *family);

	header->nlmsg_type = type;
	family->cmd = command;
	family->version = 1;
	return header;
}

struct wanted {
	u16 type; /* of the attribute */
	u64 value;
	bool found;
};

static int take_attribute(const struct nlattr *attribute, void *context)
{
	struct wanted *wanted = context;
	u16 size = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != wanted->type || size > sizeof wanted->value)
		return MNL_CB_OK;
	if (size == sizeof(u16))
		wanted->value = mnl_attr_get_u16(attribute);
	else if (size == sizeof(u64))
		wanted->value = mnl_attr_get_u64(attribute);
	wanted->found = true;
	return MNL_CB_OK;
}

static int take_message(void *context, const struct nlmsghdr *message)
{
	mnl_attr_parse(message, sizeof(struct genlmsghdr), take_attribute, context);
	return 0;
}

static bool find_family(struct sl_netlink *netlink, u16 *ret_type)
{
	char buffer[256];
	struct nlmsghdr *request = start(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	struct wanted id = {.type = CTRL_ATTR_FAMILY_ID};
	struct sl_diag diag;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, "netdev");
	if (sl_netlink_ask(netlink, request, take_message, &id, &diag) || !id.found)
		return false;
	*ret_type = (u16)id.value;
	return true;
}

enum sl_answer sl_offload_has_xdp(u32 ifindex)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *netlink = NULL;
	struct wanted features = {.type = NETDEV_ATTR_XDP_FEATURES};
	struct nlmsghdr *request;
	struct sl_diag diag;
	char buffer[256];
	u16 type;

	if (sl_netlink_open(NETLINK_GENERIC, &netlink, &diag) || !find_family(netlink, &type))
		return SL_NOT_KNOWN;
	request = start(buffer, type, NETDEV_COMMAND_DEV_GET);
	mnl_attr_put_u32(request, NETDEV_ATTR_IFINDEX, ifindex);
	if (sl_netlink_ask(netlink, request, take_message, &features, &diag) || !features.found)
		return SL_NOT_KNOWN;
	return features.value & NETDEV_XDP_BASIC ? SL_YES : SL_NO;
}
