/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NEW or INVALID: what conntrack makes of a packet of no connection that it knows, as far as the
 * packet's form tells. Slowly, for the interpreter; bpf/form.h is the fast twin. As read in Linux
 * 6.1 to 6.18 (tcp_error(), tcp_new(), udp_error()):
 *
 *	INVALID  TCP whose header is longer than the packet or shorter than itself, or with flags
 *		 that never go together; UDP whose length is none. Whatever conntrack knows, so a
 *		 packet on its way that begins the connection makes no difference
 *	NEW      TCP's SYN, perhaps with URG, PSH, ECE or CWR, and UDP: with a right checksum, or
 *		 for UDP without one. The kernel calls no right checksum wrong, whether it believes
 *		 the device, adds up itself, or is not to look (net.netfilter.nf_conntrack_checksum)
 *	either   all others. A wrong checksum may be none that anybody looks at: one that the device
 *		 on the other side was to fill in, as between veth devices; an ACK alone begins a
 *		 connection or does not, by net.netfilter.nf_conntrack_tcp_loose; and what can only
 *		 be of a connection (RST, FIN, SYN with ACK) may be of one that has just begun
 */
#ifndef SLUICE_IR_FORM_H
#define SLUICE_IR_FORM_H

#include "ir/packet.h"

/* Of a packet that conntrack does not know: SL_WORLD_NEW, SL_WORLD_INVALID, or both. */
u8 sl_form_worlds(const struct sl_packet *packet);

/* Gives the packet, which was parsed from `frame`, a right checksum, if it is TCP or UDP. */
void sl_form_seal(const struct sl_packet *packet, u8 *frame);

#endif
