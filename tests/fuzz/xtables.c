// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables' rules with info structs of any bytes: an input is matches in a row, each a head of two
 * bytes and as much as its struct takes.
 */
#include "meaning.h"

#include "lift/xt.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

static const struct sl_xt_match *const decoders[] = {
	&sl_xt_tcp,        &sl_xt_udp,       &sl_xt_icmp,       &sl_xt_icmp6,
	&sl_xt_comment,    &sl_xt_multiport, &sl_xt_conntrack1, &sl_xt_conntrack2,
	&sl_xt_conntrack3, &sl_xt_state,     &sl_xt_iprange,    &sl_xt_mac,
	&sl_xt_mark,       &sl_xt_addrtype0, &sl_xt_addrtype1,  &sl_xt_pkttype,
};

#define RULE_MATCHES_MAX 4
#define INFO_MAX         512

/* The head's second byte. */
enum {
	OTHER_REVISION = 1 << 0,
	OTHER_SIZE = 1 << 1,
	ENDS_RULE = 1 << 2,
	ACCEPTS = 1 << 3,
	COUNTS = 1 << 4,
	IS_PADDED = 1 << 5,
};

struct input {
	const u8 *at, *end;
};

/* Zeros behind the end. */
static void take_bytes(struct input *input, u8 *ret_bytes, u32 length)
{
	size_t left = (size_t)(input->end - input->at), count = left < length ? left : length;

	memset(ret_bytes, 0, length);
	memcpy(ret_bytes, input->at, count);
	input->at += count;
}

static struct sl_expr draw_match(struct nft *nft, struct input *input, u8 *ret_flags)
{
	u8 head[2], *info = sl_arena_alloc(nft->rules->arena, INFO_MAX);

	take_bytes(input, head, sizeof head);
	const struct sl_xt_match *decoder = decoders[head[0] % SL_ARRAY_SIZE(decoders)];
	u32 length = decoder->size;
	if (head[1] & IS_PADDED)
		length = (length + 7) & ~7u;
	if (head[1] & OTHER_SIZE)
		length = head[0];
	if (!info)
		abort();
	take_bytes(input, info, length);
	*ret_flags = head[1];
	return xt_match(decoder->name, decoder->revision ^ (head[1] & OTHER_REVISION), info,
			length);
}

static void draw_rule(struct nft *nft, struct input *input)
{
	struct sl_expr exprs[RULE_MATCHES_MAX + 2];
	u8 flags = 0;
	u32 count = 0;

	while (input->at < input->end && count < RULE_MATCHES_MAX && !(flags & ENDS_RULE))
		exprs[count++] = draw_match(nft, input, &flags);
	if (flags & COUNTS)
		exprs[count++] = count_packet();
	exprs[count++] = verdict(flags & ACCEPTS ? NF_ACCEPT : NF_DROP);
	add_rule_of(nft, nft->chain, exprs, count);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct input input = {bytes, bytes + size};
	struct nft nft;
	u8 head;

	fuzz_host(&nft);
	take_bytes(&input, &head, 1);
	nft.table->family = head & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	nft.chain = add_base(&nft, nft.table, "in",
			     head & 2 ? NF_INET_PRE_ROUTING : NF_INET_LOCAL_IN, 0);
	nft.chain->policy = head & 4 ? NF_DROP : NF_ACCEPT;
	while (input.at < input.end)
		draw_rule(&nft, &input);
	fuzz_rules(nft.rules, &nft.host);
	nft_free(&nft);
	return 0;
}
