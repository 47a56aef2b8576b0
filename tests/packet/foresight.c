// SPDX-License-Identifier: GPL-2.0-only
#include "foresight.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "compile.h"
#include "frames.h"
#include "ir/interp.h"
#include "ir/packet.h"
#include "source/netlink.h"

#define PATIENCE_MS  2000
#define MEMORY_LIMIT (64ULL << 20)

struct sl_foresight {
	struct sl_observer *observer;
	const struct sl_lab *lab;
	struct sl_compiled *compiled;
	struct sl_netlink *netfilter;
	u32 out_mtu;
	bool has_changed; /* so routes may have, too */
};

static u32 find_mtu(const struct sl_host *host, const char *device)
{
	const struct sl_link *link = sl_host_find_link(host, device);

	return link ? link->mtu : 0;
}

/* In the dut. */
static int read_dut(struct sl_foresight *foresight, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	int error = sl_compile_live(foresight->observer, "in0", 0, false, PATIENCE_MS, MEMORY_LIMIT,
				    &compiled, diag);

	if (error)
		return error;
	sl_compiled_free(foresight->compiled);
	foresight->compiled = compiled;
	foresight->out_mtu = find_mtu(compiled->host, "out0");
	return foresight->netfilter
		       ? 0
		       : sl_netlink_open(NETLINK_NETFILTER, &foresight->netfilter, diag);
}

static int look(struct sl_foresight *foresight, struct sl_diag *diag)
{
	int error = sl_lab_enter(foresight->lab, SL_DUT, diag);

	if (error)
		return error;
	error = read_dut(foresight, diag);
	sl_lab_leave(foresight->lab);
	return error;
}

int sl_foresight_open(struct sl_observer *observer, const struct sl_lab *lab,
		      struct sl_foresight **ret_foresight, struct sl_diag *diag)
{
	struct sl_foresight *foresight = calloc(1, sizeof *foresight);

	if (!foresight)
		return sl_fail_memory(diag);
	foresight->observer = observer;
	foresight->lab = lab;
	int error = look(foresight, diag);
	if (error)
		sl_foresight_close(foresight);
	else
		*ret_foresight = foresight;
	return error;
}

int sl_foresight_renew(struct sl_foresight *foresight, struct sl_diag *diag)
{
	if (!foresight)
		return 0;
	foresight->has_changed = true;
	return look(foresight, diag);
}

void sl_foresight_close(struct sl_foresight *foresight)
{
	if (!foresight)
		return;
	sl_netlink_close(foresight->netfilter);
	sl_compiled_free(foresight->compiled);
	free(foresight);
}

/* Connections */

static void put_tuple(struct nlmsghdr *request, const struct sl_packet *packet)
{
	bool is_ip6 = packet->family == SL_IP6;
	const u8 *ip = packet->frame + packet->network, *ports = packet->frame + packet->transport;
	const u8 *source = ip + (is_ip6 ? 8 : 12);
	u32 each = is_ip6 ? 16 : 4;
	struct nlattr *tuple = mnl_attr_nest_start(request, CTA_TUPLE_ORIG);
	struct nlattr *part = mnl_attr_nest_start(request, CTA_TUPLE_IP);

	mnl_attr_put(request, is_ip6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, each, source);
	mnl_attr_put(request, is_ip6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, each, source + each);
	mnl_attr_nest_end(request, part);
	part = mnl_attr_nest_start(request, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(request, CTA_PROTO_NUM, packet->protocol);
	mnl_attr_put(request, CTA_PROTO_SRC_PORT, 2, ports);
	mnl_attr_put(request, CTA_PROTO_DST_PORT, 2, ports + 2);
	mnl_attr_nest_end(request, part);
	mnl_attr_nest_end(request, tuple);
}

/* Whether a connection has these ends, either way; true when in doubt. */
static bool is_tracked(const struct sl_foresight *foresight, const struct sl_packet *packet)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(request, sizeof *header);

	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	*header = (struct nfgenmsg){
		.nfgen_family = packet->family == SL_IP6 ? AF_INET6 : AF_INET,
		.version = NFNETLINK_V0,
	};
	put_tuple(request, packet);
	return sl_netlink_ask(foresight->netfilter, request, NULL, NULL, NULL) != -ENOENT;
}

static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	const struct sl_foresight *foresight = context;
	const struct sl_program *program = foresight->compiled->meaning;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet) ||
	    (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP) ||
	    is_tracked(foresight, &packet))
		return SL_WORLDS_ALL;
	return program->miss_worlds;
}

/* Routes, as lab.c lays them */

/* Which routing takes for a broadcast or an anycast address. */
static bool is_edge(const u8 *address, bool is_ip6)
{
	static const u8 zeros[8];

	return is_ip6 ? !memcmp(address + 8, zeros, sizeof zeros)
		      : address[3] == 0 || address[3] == 255;
}

static bool lies_behind(const u8 *address, bool is_ip6)
{
	static const struct {
		bool is_ip6;
		u8 length;
		u8 bytes[8];
	} networks[] = {
		{false, 3, {10, 77, 2}},
		{false, 3, {203, 0, 113}},
		{true, 8, {0xfd, 0, 0, 0x77, 0, 2}},
		{true, 6, {0x20, 1, 0x0d, 0xb8, 0, 2}},
	};

	if (is_edge(address, is_ip6))
		return false;
	for (u32 i = 0; i < SL_ARRAY_SIZE(networks); i++)
		if (networks[i].is_ip6 == is_ip6 &&
		    !memcmp(address, networks[i].bytes, networks[i].length))
			return true;
	return false;
}

/* The same sources from which nothing is forwarded as the kernel knows: not ours to foretell. */
static bool is_plain_source(const u8 *address, bool is_ip6)
{
	if (is_ip6)
		return (address[0] & 0xe0) == 0x20 || address[0] == 0xfd;
	return address[0] != 0 && address[0] != 127 && address[0] < 224;
}

static enum sl_fate answer_route(void *context, const u8 *frame, u32 length)
{
	const struct sl_foresight *foresight = context;
	struct sl_packet packet;

	if (foresight->has_changed ||
	    sl_packet_parse(&foresight->compiled->meaning->device, frame, length, &packet))
		return SL_FATE_UNKNOWN;
	bool is_ip6 = packet.family == SL_IP6;
	const u8 *source = frame + packet.network + (is_ip6 ? 8 : 12);
	const u8 *destination = source + (is_ip6 ? 16 : 4);
	if (packet.ip_end - packet.network > foresight->out_mtu ||
	    !is_plain_source(source, is_ip6) || !lies_behind(destination, is_ip6))
		return SL_FATE_UNKNOWN;
	return SL_FATE_FORWARD;
}

bool sl_foresight_dooms(const struct sl_foresight *foresight, const u8 *frame, u32 length)
{
	struct sl_foresight *context = (struct sl_foresight *)(uintptr_t)foresight;
	struct sl_oracle oracle = {.conntrack = answer_conntrack,
				   .route = answer_route,
				   .context = context,
				   .now_ns = sl_monotonic_ns()};
	struct sl_outcome outcome;

	if (!foresight)
		return false;
	sl_interp(foresight->compiled->meaning, frame, length, &oracle, NULL, NULL, &outcome);
	return outcome.drop;
}
