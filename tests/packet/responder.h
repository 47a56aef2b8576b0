/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hosts around the dut: each frame that reaches them is answered, or not, from that frame
 * alone. No state, no clock, no chance: two labs that hear the same say the same.
 *
 *	UDP to a service     "re:" and the payload
 *	TCP to a service     SYN → SYN ACK; data → its acknowledgement and "re:"; FIN → FIN ACK
 *	ICMP echo request    the reply
 */
#ifndef SLUICE_PACKET_RESPONDER_H
#define SLUICE_PACKET_RESPONDER_H

#include "frames.h"

/* `mac` is the host's own. False where there is nothing to say. */
bool sl_responder_answer(const u8 *bytes, u32 length, const u8 *mac, struct sl_frame *ret_answer);

#endif
