/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/host.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/xfrm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "source/host_parts.h"

/*
 * Whether a setting under /proc/sys/net, which shows the calling thread's namespace, is not 0. A
 * missing file is a feature or a device that is not there; anything else unreadable counts as on.
 */
__attribute__((format(printf, 1, 2))) static bool is_on(const char *format, ...)
{
	char path[128];
	int value;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof path, format, args);
	va_end(args);
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");

	if (!file)
		return errno != ENOENT || access("/proc/sys/net", F_OK) != 0;
	return fscanf(file, "%d", &value) != 1 || value != 0;
}

/* A list in /proc, of names one a line; one that cannot be read is not empty. */
static bool holds_lines(const char *path)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");

	if (!file)
		return errno != ENOENT || access("/proc/thread-self/net", F_OK) != 0;
	return fgetc(file) != EOF;
}

static int ask_ethtool(int socket_fd, const struct sl_link *link, void *question)
{
	struct ifreq request = {.ifr_data = question};

	memcpy(request.ifr_name, link->name, sizeof request.ifr_name);
	return ioctl(socket_fd, SIOCETHTOOL, &request);
}

#define FEATURES_MAX 128

/* By name: their numbers are the kernel's own. All of them are the same for every device. */
static int name_features(int socket_fd, const struct sl_link *link,
			 char ret_names[FEATURES_MAX][ETH_GSTRING_LEN])
{
	struct {
		struct ethtool_sset_info info;
		u32 count;
	} sets = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1u << ETH_SS_FEATURES}};
	struct {
		struct ethtool_gstrings head;
		char names[FEATURES_MAX][ETH_GSTRING_LEN];
	} strings = {.head = {.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES}};

	if (ask_ethtool(socket_fd, link, &sets) || !sets.info.sset_mask ||
	    sets.count > FEATURES_MAX)
		return -1;
	strings.head.len = sets.count;
	if (ask_ethtool(socket_fd, link, &strings))
		return -1;
	memcpy(ret_names, strings.names, sizeof strings.names);
	return 0;
}

/* Of either kind, 802.1Q's and 802.1ad's. */
static bool strips_vlan(int socket_fd, const struct sl_link *link)
{
	struct {
		struct ethtool_gfeatures head;
		struct ethtool_get_features_block blocks[FEATURES_MAX / 32];
	} features = {.head = {.cmd = ETHTOOL_GFEATURES, .size = FEATURES_MAX / 32}};
	char names[FEATURES_MAX][ETH_GSTRING_LEN];

	if (name_features(socket_fd, link, names) || ask_ethtool(socket_fd, link, &features))
		return true;
	for (u32 i = 0; i < FEATURES_MAX; i++)
		if (features.blocks[i / 32].active >> i % 32 & 1 &&
		    (!strcmp(names[i], "rx-vlan-hw-parse") ||
		     !strcmp(names[i], "rx-vlan-stag-hw-parse")))
			return true;
	return false;
}

static void read_driver(int socket_fd, struct sl_link *link)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};

	if (!ask_ethtool(socket_fd, link, &info))
		snprintf(link->driver, sizeof link->driver, "%.31s", info.driver);
}

/* What other devices are not asked for: each of these questions waits for rtnetlink's lock. */
static int read_device(struct sl_netlink *route, struct sl_link *link, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (socket_fd < 0)
		return sl_fail(diag, errno, "cannot open a socket to ask for offloads: %m");
	link->strips_vlan = !strcmp(link->kind, "veth") || strips_vlan(socket_fd, link);
	read_driver(socket_fd, link);
	link->forwards_ip = is_on("/proc/sys/net/ipv4/conf/%s/forwarding", link->name);
	link->forwards_ip6 = is_on("/proc/sys/net/ipv6/conf/%s/forwarding", link->name);
	link->has_tc_ingress = sl_tc_ingress_read(route, link->ifindex);
	return 0;
}

static int read_asked(struct sl_netlink *route, struct sl_host *host, const char *device,
		      struct sl_diag *diag)
{
	const struct sl_link *asked = sl_host_find_link(host, device);
	int error = 0;

	for (u32 i = 0; i < host->links.count && asked && !error; i++) {
		struct sl_link *link = &host->links.items[i];

		if (link == asked || link == sl_host_find_below(host, asked))
			error = read_device(route, link, diag);
	}
	return error;
}

static void read_settings(struct sl_host *host)
{
	host->forwards_ip6 = is_on("/proc/sys/net/ipv6/conf/all/forwarding");
	host->routes_multicast = is_on("/proc/sys/net/ipv4/conf/all/mc_forwarding") ||
				 is_on("/proc/sys/net/ipv6/conf/all/mc_forwarding");
	host->has_legacy_ip = holds_lines("/proc/thread-self/net/ip_tables_names");
	host->has_legacy_ip6 = holds_lines("/proc/thread-self/net/ip6_tables_names");
}

static int take_xfrm(void *context, const struct nlmsghdr *message)
{
	(void)message;
	*(bool *)context = true;
	return 0;
}

static bool has_xfrm_objects(struct sl_netlink *xfrm, u32 type)
{
	_Alignas(struct nlmsghdr) char room[64];
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	bool found = false;

	message->nlmsg_type = (u16)type;
	message->nlmsg_flags = NLM_F_DUMP;
	return sl_netlink_ask(xfrm, message, take_xfrm, &found, NULL) || found;
}

/* xfrm may be there without its netlink half; its settings tell. */
static bool has_xfrm(void)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *xfrm = NULL;
	int error = sl_netlink_open(NETLINK_XFRM, &xfrm, NULL);

	if (error)
		return error != -EPROTONOSUPPORT || is_on("/proc/sys/net/core/xfrm_aevent_etime");
	return has_xfrm_objects(xfrm, XFRM_MSG_GETSA) || has_xfrm_objects(xfrm, XFRM_MSG_GETPOLICY);
}

static int read_all(struct sl_host *host, const char *device, struct sl_diag *diag)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *route = NULL;
	int error = sl_netlink_open(NETLINK_ROUTE, &route, diag);

	if (!error)
		error = sl_links_read(route, host, diag);
	if (!error)
		error = sl_addresses_read(route, host, diag);
	if (!error && device)
		error = read_asked(route, host, device, diag);
	if (error)
		return error;
	read_settings(host);
	host->has_xfrm = has_xfrm();
	return 0;
}

int sl_host_read(const char *device, struct sl_host **ret_host, struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_host *host = arena ? sl_arena_alloc(arena, sizeof *host) : NULL;
	int error;

	if (!host) {
		sl_arena_free(arena);
		return sl_fail_memory(diag);
	}
	host->arena = arena;
	error = read_all(host, device, diag);
	if (error) {
		sl_host_free(host);
		return sl_fail_in(diag, error, "cannot read the state of the network namespace");
	}
	*ret_host = host;
	return 0;
}

void sl_host_free(struct sl_host *host)
{
	if (host)
		sl_arena_free(host->arena);
}

const struct sl_link *sl_host_find_link(const struct sl_host *host, const char *name)
{
	for (u32 i = 0; i < host->links.count; i++)
		if (!strcmp(host->links.items[i].name, name))
			return &host->links.items[i];
	return NULL;
}

const struct sl_link *sl_host_find_below(const struct sl_host *host, const struct sl_link *link)
{
	if (strcmp(link->kind, "vlan") != 0 || link->has_netnsid)
		return NULL;
	for (u32 i = 0; i < host->links.count; i++)
		if (host->links.items[i].ifindex == link->lower)
			return &host->links.items[i];
	return NULL;
}

bool sl_link_has_own_driver(const struct sl_link *link)
{
	return !link->kind[0] || !strcmp(link->kind, "tun") || !strcmp(link->kind, "veth");
}
