/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet in words, in nft's order of fields: iif "eth0" ether saddr … ip saddr … tcp dport 22 */
#ifndef SLUICE_CLI_PACKET_TEXT_H
#define SLUICE_CLI_PACKET_TEXT_H

#include <stdio.h>

#include "ir/ir.h"

/* An Ethernet frame as it arrives at the device, which has this name. */
void sl_packet_print(const struct sl_device *device, const char *name, const u8 *frame, u32 length,
		     FILE *out);

#endif
