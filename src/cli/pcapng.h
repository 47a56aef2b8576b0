/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets with comments, as Wireshark and tcpdump read them: the blocks of draft-ietf-opsawg-pcapng
 * that it takes, since libpcap writes none. All in this machine's byte order.
 *
 *	section header │ interface 0 │ interface 1 │ … │ packet │ packet │ interface 2 │ packet …
 *
 * Enters: a file that is open. Leaves: blocks, each whole. Whether they could be written, ferror()
 * tells.
 */
#ifndef SLUICE_CLI_PCAPNG_H
#define SLUICE_CLI_PCAPNG_H

#include <stdio.h>

#include "base/types.h"

/* `application` wrote it: "sluice 0.1.0". */
void sl_pcapng_begin(FILE *out, const char *application);

/*
 * The interfaces of a file are numbered from 0, as they come. All are Ethernet, and times of their
 * packets are nanoseconds since 1970. `snap_length` is to be the same for all, or libpcap refuses
 * the file.
 */
void sl_pcapng_interface(FILE *out, const char *name, const char *description, u32 snap_length);

enum sl_pcapng_verdict { SL_PCAPNG_NO_VERDICT, SL_PCAPNG_XDP_DROP, SL_PCAPNG_TC_SHOT };

struct sl_pcapng_packet {
	u32 interface;
	u64 at_ns;
	const u8 *bytes;
	u32 captured, length; /* how many of them there are; how long the packet was */
	const char *comment;  /* UTF-8; NULL: none */
	enum sl_pcapng_verdict verdict;
};

void sl_pcapng_packet(FILE *out, const struct sl_pcapng_packet *packet);

#endif
