/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys. A key is handled in chunks of up to eight bytes, each assembled in one register with its
 * first byte lowest, which on a little-endian machine is just how it lies in the packet. So an
 * equality costs a load and a compare, and only ordered comparisons swap bytes.
 */
#include "codegen/gen.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "ir/key.h"
#include "ir/packet.h"
#include "ir/tcp_option.h"
#include "tcp_options.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "chunks are little endian");

#define ETHER_HEADER 14
#define VLAN_TAG     4

/* The value of a TCP option that a check has found: where no key under construction is. */
#define TCP_OPTION_VALUE (SL_CURSOR(key) + 4)

static u32 network_header(const struct sl_gen *gen)
{
	return gen->family == SL_IP ? 20 : 40;
}

bool sl_gen_key_const(const struct sl_gen *gen, const struct sl_key *key, u8 *ret_value)
{
	return sl_key_fold(key, &gen->program->device, gen->family, gen->chain_family, ret_value);
}

/* Bytes of the frame that the key wants behind the start of the transport header. */
static u32 transport_need(const struct sl_gen *gen, const struct sl_field *field)
{
	u32 end = (u32)field->offset + field->length;

	if (field->base == SL_TRANSPORT)
		return end;
	if (field->base == SL_NETWORK && end > network_header(gen))
		return end - network_header(gen);
	return 0;
}

static u32 key_need(const struct sl_gen *gen, const struct sl_key *key)
{
	u32 need = 0;

	for (u32 i = 0; i < key->part_count; i++) {
		u32 end = transport_need(gen, &key->parts[i].field);

		if (end > need)
			need = end;
	}
	return need;
}

/* In a TC buffer what is needed may lie behind the linear part: unknown, so pass. */
static void pass_if_out_of_reach(struct sl_gen *gen, u32 need, enum sl_reg at, enum sl_reg end)
{
	sl_asm_alu64_reg(gen->code, BPF_MOV, at, R8);
	sl_asm_alu64_imm(gen->code, BPF_ADD, at, (s32)need);
	sl_asm_load(gen->code, 8, end, R6, SL_CURSOR(end));
	sl_asm_jump_reg(gen->code, BPF_JGT, at, end, gen->pass_all);
}

/* dst = bytes behind the start of the transport header that the rules at hand can see. */
static void load_room(struct sl_gen *gen, enum sl_reg dst)
{
	bool sees_padding = gen->hook == SL_HOOK_INGRESS;

	sl_asm_load(gen->code, 4, dst, R6, sees_padding ? SL_CURSOR(frame_room) : SL_CURSOR(room));
}

/*
 * r2 = bytes of options in the TCP header, all of which is there; jumps to `absent` if it is not,
 * or is none. Uses r1.
 */
static void measure_tcp_options(struct sl_gen *gen, sl_label absent)
{
	sl_asm_load(gen->code, 1, R1, R6, SL_CURSOR(protocol));
	sl_asm_jump32_imm(gen->code, BPF_JNE, R1, IPPROTO_TCP, absent);
	pass_if_out_of_reach(gen, SL_TCP_MIN, R1, R2);
	sl_asm_load(gen->code, 1, R2, R8, 12);
	sl_asm_alu64_imm(gen->code, BPF_RSH, R2, 4);
	sl_asm_alu64_imm(gen->code, BPF_LSH, R2, 2);
	load_room(gen, R1);
	sl_asm_jump_reg(gen->code, BPF_JGT, R2, R1, absent);
	sl_asm_jump_imm(gen->code, BPF_JLT, R2, SL_TCP_MIN, absent);
	sl_asm_alu64_imm(gen->code, BPF_SUB, R2, SL_TCP_MIN);
}

/*
 * r0 = what tcp_option() finds. It is shown the last 40 bytes up to the header's end, whatever of
 * them is options: so the verifier sees one length, and one check. Before that many options at
 * least as many bytes of IP header lie.
 */
static void call_tcp_option(struct sl_gen *gen, const struct sl_field *field)
{
	u32 from = sl_tcp_option_from(field), length = field->length;
	s32 before = (s32)network_header(gen) + SL_TCP_MIN - SL_TCP_OPTIONS_MAX;

	sl_asm_alu64_reg(gen->code, BPF_MOV, R1, R7);
	sl_asm_alu64_reg(gen->code, BPF_ADD, R1, R2);
	sl_asm_alu64_imm(gen->code, BPF_ADD, R1, before);
	sl_asm_alu64_reg(gen->code, BPF_MOV, R3, R1);
	sl_asm_alu64_imm(gen->code, BPF_ADD, R3, SL_TCP_OPTIONS_MAX);
	sl_asm_load(gen->code, 8, R4, R6, SL_CURSOR(end));
	sl_asm_jump_reg(gen->code, BPF_JGT, R3, R4, gen->pass_all);
	sl_asm_const(gen->code, R3,
		     SL_TCP_OPTION_WANTED((u32)sl_tcp_option_kind(field), from, length));
	sl_asm_call_function(gen->code, SL_FUNCTION_TCP_OPTION);
}

/* Leaves the field's value where load_field() looks for it. */
static void find_tcp_option(struct sl_gen *gen, const struct sl_field *field, sl_label broke)
{
	sl_label absent = sl_asm_label(gen->code), done = sl_asm_label(gen->code);
	bool asks_presence = field->base == SL_HAS_TCP_OPTION;

	measure_tcp_options(gen, absent);
	call_tcp_option(gen, field);
	sl_asm_alu64_reg(gen->code, BPF_MOV, R1, R0);
	sl_asm_alu64_imm(gen->code, BPF_RSH, R1, 32);
	sl_asm_jump_imm(gen->code, BPF_JEQ, R1, 0, absent);
	sl_asm_store(gen->code, 4, R6, TCP_OPTION_VALUE, asks_presence ? R1 : R0);
	sl_asm_jump(gen->code, done);
	sl_asm_bind(gen->code, absent);
	if (asks_presence)
		sl_asm_store_imm(gen->code, 4, R6, TCP_OPTION_VALUE, 0);
	else
		sl_asm_jump(gen->code, broke);
	sl_asm_bind(gen->code, done);
}

void sl_gen_key_check(struct sl_gen *gen, const struct sl_key *key, sl_label broke)
{
	u32 need = key_need(gen, key);

	if (need > SL_TRANSPORT_MIN) {
		load_room(gen, R1);
		sl_asm_jump32_imm(gen->code, BPF_JLT, R1, need, broke);
		pass_if_out_of_reach(gen, need, R1, R2);
	}
	for (u32 i = 0; i < key->part_count; i++)
		if (sl_field_is_tcp_option(&key->parts[i].field))
			find_tcp_option(gen, &key->parts[i].field, broke);
}

/* dst = `length` bytes at base + offset; 3, 5, 6 and 7 are put together. Uses r5. */
static void load_bytes(struct sl_gen *gen, enum sl_reg dst, enum sl_reg base, s32 offset,
		       u32 length)
{
	u32 done = 0;

	for (u32 size = 8; size; size /= 2) {
		if (length - done < size)
			continue;

		enum sl_reg to = done ? R5 : dst;

		sl_asm_load(gen->code, size, to, base, offset + (s32)done);
		if (done) {
			sl_asm_alu64_imm(gen->code, BPF_LSH, R5, (s32)(8 * done));
			sl_asm_alu64_reg(gen->code, BPF_OR, dst, R5);
		}
		done += size;
		if (done == length)
			return;
	}
}

/* The metadata that differs from packet to packet. */
static void load_meta(struct sl_gen *gen, enum sl_reg dst, enum sl_meta meta)
{
	switch (meta) {
	case SL_META_L4PROTO:
		sl_asm_load(gen->code, 1, dst, R6, SL_CURSOR(protocol));
		return;
	case SL_META_PKTTYPE:
		sl_asm_load(gen->code, 1, dst, R6, SL_CURSOR(packet_type));
		sl_asm_alu32_imm(gen->code, BPF_XOR, dst, SL_CURSOR_MARK);
		return;
	case SL_META_MARK:
		sl_asm_load(gen->code, 4, dst, R6, SL_CURSOR(mark));
		sl_asm_alu32_imm(gen->code, BPF_XOR, dst, (s32)SL_CURSOR_VEIL);
		return;
	case SL_META_LENGTH: /* total length, or payload length + header */
		sl_asm_load(gen->code, 4, dst, R6, SL_CURSOR(room));
		sl_asm_alu64_imm(gen->code, BPF_ADD, dst, (s32)network_header(gen));
		return;
	default:
		assert(!"constant metadata is folded, address types are compared in match.c");
	}
}

/* Where what a netfilter hook knows lies, from the network header. */
static s32 fact_offset(enum sl_meta meta)
{
	static const s32 offsets[SL_META_COUNT] = {
		[SL_META_CT_STATUS] = SL_FACT(status),
		[SL_META_CT_MARK] = SL_FACT(ct_mark),
		[SL_META_CT_DIRECTION] = SL_FACT(direction),
		[SL_META_HOOK_MARK] = SL_FACT(mark),
		[SL_META_OIF] = SL_FACT(oif),
		[SL_META_OIFNAME] = SL_FACT(oifname),
	};

	return offsets[meta];
}

/* dst = bytes [skip, skip + length) of the field. Uses r5. */
static void load_field(struct sl_gen *gen, enum sl_reg dst, const struct sl_field *field, u32 skip,
		       u32 length)
{
	s32 offset = (s32)(field->offset + skip);
	u8 constant[16];

	switch (field->base) {
	case SL_LINK:
		/* A tag may lie between the addresses and the network header. */
		load_bytes(gen, dst, R7,
			   offset - ETHER_HEADER - (gen->program->device.is_below ? VLAN_TAG : 0),
			   length);
		return;
	case SL_NETWORK:
		load_bytes(gen, dst, R7, offset, length);
		return;
	case SL_TRANSPORT:
		load_bytes(gen, dst, R8, offset, length);
		return;
	default:
		break;
	}
	if (field->base == SL_META &&
	    sl_meta_fold((enum sl_meta)field->offset, &gen->program->device, gen->family,
			 gen->chain_family, constant)) {
		sl_asm_const(gen->code, dst, sl_chunk_const(constant + skip, length));
		return;
	}
	if (sl_field_is_fact(field)) {
		load_bytes(gen, dst, R7, fact_offset((enum sl_meta)field->offset) + (s32)skip,
			   length);
		return;
	}
	if (sl_field_is_tcp_option(field))
		sl_asm_load(gen->code, 4, dst, R6, TCP_OPTION_VALUE);
	else
		load_meta(gen, dst, (enum sl_meta)field->offset);
	if (skip)
		sl_asm_alu64_imm(gen->code, BPF_RSH, dst, (s32)(8 * skip));
	if (length < 4) /* what is wider than asked for would run into the bytes behind */
		sl_asm_alu64_imm(gen->code, BPF_AND, dst, (1 << 8 * length) - 1);
}

static bool overlaps(u32 a, u32 a_length, u32 b, u32 b_length)
{
	return a < b + b_length && b < a + a_length;
}

u32 sl_gen_chunk_length(const struct sl_key *key, u32 at)
{
	u32 length = key->length - at < 8 ? key->length - at : 8;

	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];

		if (transform->kind == SL_MASK)
			continue;

		u32 word = transform->kind == SL_SWAP ? transform->width : 4;

		if (at >= transform->at && at < (u32)transform->at + transform->length)
			length = word < length ? word : length;
		else if (transform->at > at && transform->at - at < length)
			length = transform->at - at; /* stop where it begins */
	}
	return length;
}

static void mask_chunk(struct sl_gen *gen, const struct sl_transform *transform, u32 at, u32 length,
		       enum sl_reg dst)
{
	u8 mask[8], xor[8] = {
			    0};

	memset(mask, 0xff, sizeof mask);
	for (u32 i = 0; i < length; i++) {
		if (at + i < transform->at || at + i >= (u32)transform->at + transform->length)
			continue;
		mask[i] = transform->mask[at + i - transform->at];
		xor[i] = transform->xor [at + i - transform->at];
	}

	u64 keep = sl_chunk_const(mask, length), flip = sl_chunk_const(xor, length);
	u64 all = length == 8 ? UINT64_MAX : ((u64)1 << (8 * length)) - 1;

	if (keep != all && keep <= INT32_MAX) {
		sl_asm_alu64_imm(gen->code, BPF_AND, dst, (s32)keep);
	} else if (keep != all) {
		sl_asm_const(gen->code, R4, keep);
		sl_asm_alu64_reg(gen->code, BPF_AND, dst, R4);
	}
	if (flip) {
		sl_asm_const(gen->code, R4, flip);
		sl_asm_alu64_reg(gen->code, BPF_XOR, dst, R4);
	}
}

static void transform_chunk(struct sl_gen *gen, const struct sl_transform *transform, u32 at,
			    u32 length, enum sl_reg dst)
{
	switch ((enum sl_transform_kind)transform->kind) {
	case SL_MASK:
		mask_chunk(gen, transform, at, length, dst);
		return;
	case SL_SWAP:
		sl_asm_swap(gen->code, dst, (s32)(8 * length));
		return;
	case SL_SHL: /* 32-bit operations: what leaves the word is gone */
		sl_asm_alu32_imm(gen->code, BPF_LSH, dst, transform->width);
		return;
	case SL_SHR:
		sl_asm_alu32_imm(gen->code, BPF_RSH, dst, transform->width);
		return;
	}
}

void sl_gen_chunk(struct sl_gen *gen, const struct sl_key *key, u32 at, u32 length, enum sl_reg dst)
{
	bool empty = true;

	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (!overlaps(at, length, part->at, part->field.length))
			continue;

		u32 from = part->at > at ? part->at : at;
		u32 part_end = (u32)part->at + part->field.length;
		u32 end = part_end < at + length ? part_end : at + length;

		load_field(gen, empty ? dst : R4, &part->field, from - part->at, end - from);
		if (from > at)
			sl_asm_alu64_imm(gen->code, BPF_LSH, empty ? dst : R4,
					 (s32)(8 * (from - at)));
		if (!empty)
			sl_asm_alu64_reg(gen->code, BPF_OR, dst, R4);
		empty = false;
	}
	if (empty)
		sl_asm_const(gen->code, dst, 0);
	for (u32 i = 0; i < key->transform_count; i++)
		if (overlaps(at, length, key->transforms[i].at, key->transforms[i].length))
			transform_chunk(gen, &key->transforms[i], at, length, dst);
}

u64 sl_chunk_const(const u8 *bytes, u32 length)
{
	u64 value = 0;

	memcpy(&value, bytes, length);
	return value;
}

void sl_gen_chunk_order(struct sl_gen *gen, enum sl_reg dst, u32 length)
{
	u32 word = length <= 2 ? length : length <= 4 ? 4 : 8;

	if (length == 1)
		return;
	if (word > length)
		sl_asm_alu64_imm(gen->code, BPF_LSH, dst, (s32)(8 * (word - length)));
	sl_asm_swap(gen->code, dst, (s32)(8 * word));
}

/*
 * A lane is in every ordinary packet, or in every one of TCP: then jumps to `absent` with any
 * other, and dst is some number. Uses r3 and r4.
 */
static void check_lane(struct sl_gen *gen, const struct sl_key *key, enum sl_reg dst,
		       sl_label absent)
{
	u32 need = key_need(gen, key);

	if (need <= SL_TRANSPORT_MIN)
		return;
	sl_asm_load(gen->code, 1, dst, R6, SL_CURSOR(protocol));
	sl_asm_jump32_imm(gen->code, BPF_JNE, dst, IPPROTO_TCP, absent);
	pass_if_out_of_reach(gen, need, R3, R4);
}

void sl_gen_lane(struct sl_gen *gen, const struct sl_key *key, enum sl_reg dst)
{
	sl_label absent = sl_asm_label(gen->code);

	check_lane(gen, key, dst, absent);
	for (u32 at = 0, length; at < key->length; at += length) {
		enum sl_reg piece = at ? R3 : dst;

		length = sl_gen_chunk_length(key, at);
		sl_gen_chunk(gen, key, at, length, piece);
		sl_gen_chunk_order(gen, piece, length);
		if (!at)
			continue;
		sl_asm_alu64_imm(gen->code, BPF_LSH, dst, (s32)(8 * length));
		sl_asm_alu64_reg(gen->code, BPF_OR, dst, piece);
	}
	sl_asm_bind(gen->code, absent);
}

/* r1, a chunk, to the key under construction. The verifier wants stack stores aligned. */
static void store_chunk(struct sl_gen *gen, u32 at, u32 length)
{
	s32 key = SL_CURSOR(key) + 8;

	for (u32 end = at + length, size; at < end; at += size) {
		for (size = 8; end - at < size || at % size; size /= 2)
			;
		sl_asm_store(gen->code, size, R6, key + (s32)at, R1);
		if (at + size < end)
			sl_asm_alu64_imm(gen->code, BPF_RSH, R1, (s32)(8 * size));
	}
}

_Static_assert(offsetof(struct sl_cursor, key) % 8 == 0,
	       "aligned in the key is aligned on the stack");

void sl_gen_key_store(struct sl_gen *gen, const struct sl_key *key)
{
	for (u32 at = 0, length; at < key->length; at += length) {
		length = sl_gen_chunk_length(key, at);
		sl_gen_chunk(gen, key, at, length, R1);
		store_chunk(gen, at, length);
	}
}
