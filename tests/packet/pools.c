/* SPDX-License-Identifier: GPL-2.0-only */
#include "pools.h"

static const char *const peer4[] = {"10.77.1.2",  "10.77.1.3",  "10.77.1.4",
				    "192.0.2.10", "192.0.2.77", "198.51.100.5"};
static const char *const peer6[] = {"fd00:77:1::2", "fd00:77:1::3", "2001:db8:1::10",
				    "2001:db8:1::77"};
static const char *const dut4[] = {"10.77.1.1", "10.77.1.1", "10.77.1.11", "10.77.2.1"};
static const char *const dut6[] = {"fd00:77:1::1", "fd00:77:1::1", "fd00:77:1::11", "fd00:77:2::1"};
static const char *const back4[] = {"10.77.2.2", "10.77.2.3", "203.0.113.7", "203.0.113.80"};
static const char *const back6[] = {"fd00:77:2::2", "fd00:77:2::3", "2001:db8:2::7"};
/* No route (100.64.9.9), no neighbour (10.77.2.99), and addresses with a meaning of their own. */
static const char *const odd4[] = {"0.0.0.0",     "127.0.0.1",   "255.255.255.255", "10.77.1.255",
				   "224.0.0.1",   "224.0.0.251", "239.1.1.1",       "169.254.1.1",
				   "240.0.0.1",   "100.64.9.9",  "10.77.2.99",      "10.77.1.1",
				   "10.77.2.255", "10.77.1.0"};
static const char *const odd6[] = {
	"::",      "::1",       "ff02::1",       "ff02::fb",     "ff05::2",         "fe80::2",
	"fe80::1", "100:64::9", "fd00:77:2::99", "fd00:77:1::1", "::ffff:10.77.1.1"};
static const char *const networks4[] = {"10.77.1.0/24",   "10.77.0.0/16",   "192.0.2.0/24",
					"192.0.2.64/26",  "203.0.113.0/24", "224.0.0.0/4",
					"198.51.100.0/25"};
static const char *const networks6[] = {"fd00:77:1::/64", "fd00::/8", "2001:db8:1::/48",
					"2001:db8::/32", "ff00::/8"};

#define TEXTS(array)                                                                               \
	{                                                                                          \
		array, SL_ARRAY_SIZE(array)                                                        \
	}

const struct sl_pool_texts sl_pool_addresses[2][SL_POOL_COUNT] = {
	{TEXTS(peer4), TEXTS(dut4), TEXTS(back4), TEXTS(odd4)},
	{TEXTS(peer6), TEXTS(dut6), TEXTS(back6), TEXTS(odd6)},
};
const struct sl_pool_texts sl_pool_networks[2] = {TEXTS(networks4), TEXTS(networks6)};

const u16 sl_pool_udp_services[] = {7, 53, 67, 68, 123, 546, 547, 4500, 5353, 8080};
const u32 sl_pool_udp_service_count = SL_ARRAY_SIZE(sl_pool_udp_services);
const u16 sl_pool_tcp_services[] = {22, 53, 80, 443, 8080};
const u32 sl_pool_tcp_service_count = SL_ARRAY_SIZE(sl_pool_tcp_services);
/* The common ones are listed twice: weights. */
const u16 sl_pool_ports[] = {22, 53, 80,  443, 8080, 53,   80,   443,  7,    67,
			     68, 81, 123, 546, 547,  4500, 5353, 9000, 9000, 1000};
const u32 sl_pool_port_count = SL_ARRAY_SIZE(sl_pool_ports);

bool sl_pool_knows_port(u16 port)
{
	for (u32 i = 0; i < sl_pool_port_count; i++)
		if (sl_pool_ports[i] == port)
			return true;
	return port >= SL_FLOW_PORT_FIRST && port <= SL_FLOW_PORT_LAST;
}

const u8 sl_mac_peer[6] = {2, 0, 0, 0x77, 1, 2};
const u8 sl_mac_in[6] = {2, 0, 0, 0x77, 1, 1};
const u8 sl_mac_out[6] = {2, 0, 0, 0x77, 2, 1};
const u8 sl_mac_back[6] = {2, 0, 0, 0x77, 2, 2};
const u8 sl_mac_guest[6] = {2, 0, 0, 0x77, 3, 1};
const u8 sl_mac_stranger[6] = {2, 0, 0, 0x77, 9, 9};
const u8 sl_mac_broadcast[6] = {255, 255, 255, 255, 255, 255};
