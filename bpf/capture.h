/* SPDX-License-Identifier: GPL-2.0-only */
/* The first bytes of a packet, for people to look at. */
#ifndef SLUICE_BPF_CAPTURE_H
#define SLUICE_BPF_CAPTURE_H

#include <linux/if_ether.h>

#include "config.h"
#include "kernel.h"

/* The verifier shall see the number that it compares be the one that is used. */
static __always_inline __u32 at_most(__u32 length, __u32 max)
{
	asm volatile("" : "+r"(length));
	if (length > max)
		length = max;
	asm volatile("" : "+r"(length));
	return length;
}

/* The frame's length without a tag by which it came to the device below. */
static __always_inline __u32 frame_length(const struct xdp_md *context)
{
	__u32 length = context->data_end - context->data;

	asm volatile("" : "+r"(length)); /* lest the tag be taken off a pointer, first */
	return length - (CONFIG(link_length) - ETH_HLEN);
}

/* True if its first bytes are there now, more than the Ethernet header; without the tag. */
static __always_inline bool capture_frame(struct xdp_md *context, __u8 *bytes, __u32 captured)
{
	__u32 tag = CONFIG(link_length) - ETH_HLEN;

	return captured > ETH_HLEN && !bpf_xdp_load_bytes(context, tag, bytes, captured) &&
	       (!tag || !bpf_xdp_load_bytes(context, 0, bytes, 2 * ETH_ALEN));
}

/* The same of a TC buffer. */
static __always_inline bool capture_skb(struct __sk_buff *context, __u8 *bytes, __u32 captured)
{
	return captured > ETH_HLEN && !bpf_skb_load_bytes(context, 0, bytes, captured);
}

#endif
