/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which frames sluice ever judges. Everything else passes, whatever the rules say: PASS is always
 * exact, and the odd frames are where the kernel acts on its own before, between or behind the
 * hooks. bpf/parse.h implements the same list for the data plane; tests hold the two together.
 *
 * A frame is *ordinary* if all of this holds:
 *  - its destination MAC is the device's own, or a group address (else the kernel's stack would
 *    not see it, but a sniffer or a macvlan child may);
 *  - ethertype IPv4 or IPv6, no VLAN tag in the frame;
 *  - IPv4: version 4, header length 20 (options can be answered by ICMP before INPUT), total
 *    length ≥ 28 and within the frame, not a fragment (MF or offset; reassembly answers too);
 *  - IPv6: version 6, payload length ≥ 8 and within the frame, no extension header at all (next
 *    header not one of 0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 253, 254);
 *  - protocol not ESP (50) or AH (51); TCP has room for 20 bytes of header;
 *  - UDP: destination port not 67, 68 (IPv4), 546, 547 (IPv6: DHCP clients and servers listen on
 *    packet sockets), 4500 (ESP in UDP).
 * So at least 8 bytes of transport header are always there, and 20 of TCP's.
 */
#ifndef SLUICE_IR_PACKET_H
#define SLUICE_IR_PACKET_H

#include "base/types.h"
#include "ir/ir.h"

#define SL_TRANSPORT_MIN 8
#define SL_TCP_MIN       20

struct sl_packet {
	const u8 *frame;
	u32 frame_length;
	u8 family;      /* SL_IP or SL_IP6 */
	u8 protocol;    /* transport */
	u32 network;    /* offset of the IP header: 14 */
	u32 transport;  /* offset of what follows it: 34 or 54 */
	u32 ip_end;     /* offset of the first byte behind the IP packet; padding may follow */
	u8 packet_type; /* PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST */
};

/* NULL when the frame is ordinary (`ret_packet` is filled in), else why not, a static string. */
const char *sl_packet_parse(const struct sl_device *device, const u8 *frame, u32 length,
			    struct sl_packet *ret_packet);

#endif
