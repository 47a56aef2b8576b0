/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small world that rulesets and frames draw from. Both use the same few values, so that a
 * random rule often speaks of a random packet. lab.c gives these addresses to the devices:
 *
 *	    peer                       dut                        back
 *	10.77.1.2 …4   ── in0  10.77.1.1, .11           10.77.2.2, .3
 *	192.0.2.0/24 and               10.77.2.1  out0 ── 203.0.113.0/24
 *	198.51.100.0/24 behind it                         behind it
 */
#ifndef SLUICE_PACKET_POOLS_H
#define SLUICE_PACKET_POOLS_H

#include "base/types.h"

enum sl_pool { SL_POOL_PEER, SL_POOL_DUT, SL_POOL_BACK, SL_POOL_ODD, SL_POOL_COUNT };

struct sl_pool_texts {
	const char *const *texts;
	u32 count;
};

/* Addresses of a pool, [0] IPv4 and [1] IPv6. */
extern const struct sl_pool_texts sl_pool_addresses[2][SL_POOL_COUNT];
/* Networks that rules may name, [0] IPv4 and [1] IPv6. */
extern const struct sl_pool_texts sl_pool_networks[2];

/* The dut serves all of these; 81 and 9000 only look as if. */
extern const u16 sl_pool_udp_services[], sl_pool_tcp_services[];
extern const u32 sl_pool_udp_service_count, sl_pool_tcp_service_count;
extern const u16 sl_pool_ports[];
extern const u32 sl_pool_port_count;

/* Every conversation has a port of its own in this range, so that an answer finds its flow. */
#define SL_FLOW_PORT_FIRST 20000
#define SL_FLOW_PORT_LAST  22047

/* False for a port that nobody in this world has chosen: NAT did, at random, after a clash. */
bool sl_pool_knows_port(u16 port);

extern const u8 sl_mac_peer[6], sl_mac_in[6], sl_mac_out[6], sl_mac_back[6], sl_mac_guest[6],
	sl_mac_stranger[6], sl_mac_broadcast[6];

#define SL_PEER_ROUTER4 "10.77.1.2"
#define SL_PEER_ROUTER6 "fd00:77:1::2"
#define SL_BACK_ROUTER4 "10.77.2.2"
#define SL_BACK_ROUTER6 "fd00:77:2::2"

#endif
