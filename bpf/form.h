/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NEW or INVALID, as far as a packet's form tells: src/ir/form.h says when and why; this is its
 * fast twin. Functions of their own, which the verifier proves once, for any packet.
 */
#ifndef SLUICE_BPF_FORM_H
#define SLUICE_BPF_FORM_H

#include "config.h"
#include "packet.h"
#include "worlds.h"

#define FORM_EITHER (WORLD_NEW | WORLD_INVALID)

#define TCP_FIN   0x01
#define TCP_SYN   0x02
#define TCP_RST   0x04
#define TCP_ACK   0x10
#define TCP_URG   0x20
#define TCP_ASKED (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG)

/* Flags that go together, a bit for each combination. */
#define TCP_COMBINATIONS                                                                           \
	(1ULL << TCP_SYN | 1ULL << (TCP_SYN | TCP_URG) | 1ULL << (TCP_SYN | TCP_ACK) |             \
	 1ULL << TCP_RST | 1ULL << (TCP_RST | TCP_ACK) | 1ULL << (TCP_FIN | TCP_ACK) |             \
	 1ULL << (TCP_FIN | TCP_ACK | TCP_URG) | 1ULL << TCP_ACK | 1ULL << (TCP_ACK | TCP_URG))

#define SUM_BLOCK 32 /* bytes that are added up between two looks at the end */

/* A sum under way. `end` of what can be read. */
struct sum {
	const void *at, *end;
	__u64 total;
};

/* Of four bytes at a time, which folds to the same as that of two; `bytes` is constant and even. */
static __always_inline bool add(struct sum *sum, __u32 bytes)
{
	const __u32 *words = sum->at;
	const void *next = sum->at + bytes;
	__u64 piece = 0;

	/* Lest clang compare with end + 1, which is not for verifiers. */
	asm volatile("" : "+r"(next));
	if (next > sum->end)
		return false;
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < bytes / 4; i++)
		piece += words[i];
	if (bytes & 2)
		piece += *(const __u16 *)sum->at;
	/* A sum of its own, so that the CPU can begin the next before this one is there. */
	asm volatile("" : "+r"(piece));
	sum->total += piece;
	sum->at = next;
	return true;
}

static __always_inline bool add_last(struct sum *sum)
{
	const __u8 *last = sum->at;

	if (sum->at + 1 > sum->end)
		return false;
	sum->total += bpf_htons(*last << 8);
	return true;
}

/* First what is no whole block, so that behind it the verifier goes one way, not sixteen. */
static __always_inline bool add_all(struct sum *sum, const void *start, __u32 length)
{
	sum->at = start;
#pragma clang loop unroll(full)
	for (__u32 piece = SUM_BLOCK / 2; piece >= 2; piece /= 2)
		if (length & piece && !add(sum, piece))
			return false;
	sum->at = start + (length & (SUM_BLOCK - 2));
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_FORM_BYTES_MAX / SUM_BLOCK; i++) {
		if (i >= length / SUM_BLOCK)
			break;
		if (!add(sum, SUM_BLOCK))
			return false;
	}
	return !(length & 1) || add_last(sum);
}

static __always_inline bool is_whole(__u64 total)
{
	total = (total & 0xffffffff) + (total >> 32);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	return total == 0xffff;
}

/* What IP carries. */
struct segment {
	const void *start, *end; /* the latter as in struct sum */
	__u32 length;
	__u8 protocol;
	__u64 pseudo; /* the sum of the header that the checksum covers besides, without length */
};

static __always_inline bool has_right_checksum(const struct segment *segment)
{
	struct sum sum = {.end = segment->end, .total = segment->pseudo};

	if (segment->length > SL_FORM_BYTES_MAX)
		return false;
	sum.total += bpf_htons(segment->length);
	return add_all(&sum, segment->start, segment->length) && is_whole(sum.total);
}

static __always_inline __u32 form_of_tcp(const struct segment *segment, bool adds_up)
{
	const __u8 *tcp = segment->start;

	if (segment->start + TCP_HEADER_MIN > segment->end)
		return FORM_EITHER;

	__u32 header = (tcp[12] >> 4) * 4, flags = tcp[13] & TCP_ASKED;

	if (header < TCP_HEADER_MIN || header > segment->length || !(TCP_COMBINATIONS >> flags & 1))
		return WORLD_INVALID;
	if ((flags & ~TCP_URG) != TCP_SYN || !adds_up || !has_right_checksum(segment))
		return FORM_EITHER;
	return WORLD_NEW;
}

static __always_inline __u32 form_of_udp(const struct segment *segment, bool adds_up)
{
	const struct udphdr *udp = segment->start;

	if (segment->start + sizeof *udp > segment->end)
		return FORM_EITHER;

	__u32 length = bpf_ntohs(udp->len);

	if (length < sizeof *udp || length > segment->length)
		return WORLD_INVALID;
	return adds_up && (!udp->check || has_right_checksum(segment)) ? WORLD_NEW : FORM_EITHER;
}

static __always_inline bool find_segment(const void *network, bool is_ip6, struct segment *segment)
{
	const struct iphdr *ip = network;
	const struct ipv6hdr *ip6 = network;
	struct sum pseudo = {.at = is_ip6 ? (void *)&ip6->saddr : (void *)&ip->saddr,
			     .end = segment->end};

	if (is_ip6) {
		if (!add(&pseudo, 2 * sizeof ip6->saddr))
			return false;
		segment->length = bpf_ntohs(ip6->payload_len);
		segment->protocol = ip6->nexthdr;
	} else {
		if (!add(&pseudo, 2 * sizeof ip->saddr))
			return false;
		segment->length = bpf_ntohs(ip->tot_len) - sizeof *ip;
		segment->protocol = ip->protocol;
	}
	segment->start = pseudo.at;
	segment->pseudo = pseudo.total + bpf_htons(segment->protocol);
	return true;
}

/* Of an ordinary packet. `adds_up`: the checksum is worth the time. */
static __always_inline __u32 form_of(const void *data, const void *end, bool is_ip6, bool adds_up)
{
	struct segment segment = {.end = end};

	if (!find_segment(data + CONFIG(link_length), is_ip6, &segment))
		return FORM_EITHER;
	if (segment.protocol == IPPROTO_TCP)
		return form_of_tcp(&segment, adds_up);
	if (segment.protocol == IPPROTO_UDP)
		return form_of_udp(&segment, adds_up);
	return FORM_EITHER;
}

__noinline __u32 form_at_xdp(struct xdp_md *context, __u32 is_ip6, __u32 adds_up)
{
	return form_of((void *)(long)context->data, (void *)(long)context->data_end, is_ip6,
		       adds_up);
}

__noinline __u32 form_at_tc(struct __sk_buff *context, __u32 is_ip6, __u32 adds_up)
{
	return form_of((void *)(long)context->data, (void *)(long)context->data_end, is_ip6,
		       adds_up);
}

#endif
