// SPDX-License-Identifier: GPL-2.0-only
/*
 * The symbolic register file against its stupid twin: nf_tables' own register machine, as the
 * kernel runs it, on random rules and packets. What the lifted program drops the machine must
 * drop, in every world; where no op is UNKNOWN they must agree.
 */
#include "lift/ruleset_builder.h"

#include <stdio.h>
#include <stdlib.h>

#include "ir/packet.h"
#include "ir/shorthand.h"

#define ROUNDS      4000
#define EXPRS_MAX   6
#define PACKET_BITS 3 /* few different bytes, so that comparisons match now and then */

/* Random numbers: a fixed seed, so that a failure can be repeated. */
static u64 seed = 1;

static u32 below(u32 limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 32) % limit;
}

static const u8 *random_bytes(struct nft *nft, u32 length)
{
	u8 *bytes = sl_arena_alloc(nft->rules->arena, length);

	assert_non_null(bytes);
	for (u32 i = 0; i < length; i++)
		bytes[i] = (u8)below(1 << PACKET_BITS);
	return bytes;
}

/* The machine */

struct machine {
	const struct sl_packet *packet;
	const struct sl_program *program; /* for the device's constants */
	u32 state;
	u8 registers[SL_REGISTER_FILE_SIZE + 4];
};

/* Zeroes the last word first, as nft_payload_eval() and nft_reg_store8() do. */
static void store_bytes(struct machine *machine, u32 dreg, const void *bytes, u32 length)
{
	memset(machine->registers + dreg, 0, (length + 3) & ~3u);
	memcpy(machine->registers + dreg, bytes, length);
}

static bool run_payload(struct machine *machine, const struct sl_expr *expr)
{
	const struct sl_packet *packet = machine->packet;
	u32 base = expr->payload.base == NFT_PAYLOAD_LL_HEADER        ? 0
		   : expr->payload.base == NFT_PAYLOAD_NETWORK_HEADER ? packet->network
								      : packet->transport;
	u32 from = base + expr->payload.offset;

	if (from + expr->payload.length > packet->ip_end)
		return false;
	store_bytes(machine, expr->payload.dreg, packet->frame + from, expr->payload.length);
	return true;
}

static void run_meta(struct machine *machine, const struct sl_expr *expr)
{
	const struct sl_device *device = &machine->program->device;

	switch (expr->meta.key) {
	case NFT_META_L4PROTO:
		store_bytes(machine, expr->meta.dreg, &machine->packet->protocol, 1);
		break;
	case NFT_META_IIF:
		store_bytes(machine, expr->meta.dreg, &device->ifindex, 4);
		break;
	case NFT_META_IIFNAME:
		store_bytes(machine, expr->meta.dreg, device->name, 16);
		break;
	default: /* oifname */
		memset(machine->registers + expr->meta.dreg, 0, 16);
		break;
	}
}

static void run_bitwise(struct machine *machine, const struct sl_expr *expr)
{
	u32 words = (expr->bitwise.length + 3) / 4, mask[16] = {0},
	    xor[16] =
		    {
			    0},
	    word;
	u8 *source = machine->registers + expr->bitwise.sreg;
	u8 *target = machine->registers + expr->bitwise.dreg;

	if (expr->bitwise.op == NFT_BITWISE_MASK_XOR) {
		memcpy(mask, expr->bitwise.mask, expr->bitwise.length);
		memcpy(xor, expr->bitwise.xor, expr->bitwise.length);
	}
	for (u32 i = 0; i < words; i++) { /* of shifts there is only ever one */
		memcpy(&word, source + i * 4, 4);
		if (expr->bitwise.op == NFT_BITWISE_MASK_XOR)
			word = (word & mask[i]) ^ xor[i];
		else if (expr->bitwise.op == NFT_BITWISE_LSHIFT)
			word <<= expr->bitwise.shift;
		else
			word >>= expr->bitwise.shift;
		memcpy(target + i * 4, &word, 4);
	}
}

static void run_byteorder(struct machine *machine, const struct sl_expr *expr)
{
	u8 kept[SL_REGISTER_FILE_SIZE];
	u32 size = expr->byteorder.size;

	memcpy(kept, machine->registers + expr->byteorder.sreg, expr->byteorder.length);
	for (u32 i = 0; i < expr->byteorder.length; i++)
		machine->registers[expr->byteorder.dreg + i] =
			kept[i / size * size + size - 1 - i % size];
}

static bool run_cmp(struct machine *machine, const struct sl_expr *expr)
{
	int order = memcmp(machine->registers + expr->cmp.sreg, expr->cmp.data, expr->cmp.length);

	switch (expr->cmp.op) {
	case NFT_CMP_EQ:
		return order == 0;
	case NFT_CMP_NEQ:
		return order != 0;
	case NFT_CMP_LT:
		return order < 0;
	case NFT_CMP_LTE:
		return order <= 0;
	case NFT_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool run_range(struct machine *machine, const struct sl_expr *expr)
{
	const u8 *value = machine->registers + expr->range.sreg;
	u32 length = expr->range.length;
	bool inside = memcmp(value, expr->range.from, length) >= 0 &&
		      memcmp(value, expr->range.to, length) <= 0;

	return inside == (expr->range.op == NFT_RANGE_EQ);
}

static bool run_expr(struct machine *machine, const struct sl_expr *expr)
{
	switch (expr->kind) {
	case SL_EXPR_PAYLOAD:
		return run_payload(machine, expr);
	case SL_EXPR_META:
		run_meta(machine, expr);
		return true;
	case SL_EXPR_CT:
		store_bytes(machine, expr->ct.dreg, &machine->state, 4);
		return true;
	case SL_EXPR_IMMEDIATE:
		if (!expr->immediate.is_verdict)
			store_bytes(machine, expr->immediate.dreg, expr->immediate.data,
				    expr->immediate.length);
		return true;
	case SL_EXPR_BITWISE:
		run_bitwise(machine, expr);
		return true;
	case SL_EXPR_BYTEORDER:
		run_byteorder(machine, expr);
		return true;
	case SL_EXPR_CMP:
		return run_cmp(machine, expr);
	case SL_EXPR_RANGE:
		return run_range(machine, expr);
	default:
		return true;
	}
}

/* Every rule ends in a drop. The registers live on from rule to rule, and start as rubbish. */
static bool machine_drops(struct machine *machine, const struct sl_nft_chain *chain)
{
	memset(machine->registers, 0x5a, sizeof machine->registers);
	for (u32 i = 0; i < chain->rules.count; i++) {
		const struct sl_nft_rule *rule = &chain->rules.items[i];
		bool matches = true;

		for (u32 k = 0; matches && k < rule->exprs.count; k++)
			matches = run_expr(machine, &rule->exprs.items[k]);
		if (matches)
			return true;
	}
	return false;
}

/* Random rules */

/* Only the first words are used, so that what is compared has often been loaded. */
#define FILLED 16

static u32 random_register(u32 length)
{
	return below((FILLED - ((length + 3) & ~3u)) / 4 + 1) * 4;
}

static struct sl_expr random_load(struct nft *nft)
{
	static const u32 keys[] = {NFT_META_L4PROTO, NFT_META_IIF, NFT_META_IIFNAME,
				   NFT_META_OIFNAME};
	u32 length = 1 + below(8);

	switch (below(5)) {
	case 0:
		return at(random_register(16), load_meta(keys[below(4)]));
	case 1:
		return at(random_register(4), load_state());
	case 2:
		return at(random_register(length), load_bytes(random_bytes(nft, length), length));
	case 3:
		return at(random_register(length), load_th(below(30), length));
	default:
		return at(random_register(length), load_ip(8 + below(12), length));
	}
}

static struct sl_expr random_transform(struct nft *nft)
{
	u32 length = 1 + below(8), register_at = random_register(8);
	struct sl_expr expr;

	switch (below(3)) {
	case 0:
		expr = swap_words(below(2) ? 2 : 4, 0);
		expr.byteorder.size = expr.byteorder.length;
		expr = at(register_at, expr);
		if (!below(4))
			expr.byteorder.dreg = random_register(4);
		return expr;
	case 1:
		return at(register_at,
			  shift_bits(below(2) ? NFT_BITWISE_LSHIFT : NFT_BITWISE_RSHIFT,
				     1 + below(9), 1 + below(4)));
	default:
		expr = at(register_at,
			  mask_bytes(random_bytes(nft, length), random_bytes(nft, length), length));
		if (!below(4))
			expr.bitwise.dreg = random_register(length);
		return expr;
	}
}

static struct sl_expr random_match(struct nft *nft)
{
	u32 length = 1 + below(10);

	if (!below(3))
		return at(random_register(length), range_bytes(below(2), random_bytes(nft, length),
							       random_bytes(nft, length), length));
	return at(random_register(length), cmp_bytes(below(6), random_bytes(nft, length), length));
}

static struct sl_expr random_expr(struct nft *nft)
{
	switch (below(8)) {
	case 0:
	case 1:
		return random_transform(nft);
	case 2:
	case 3:
	case 4:
		return random_match(nft);
	default:
		return random_load(nft);
	}
}

/* The first words are loaded, then anything happens to them. */
static void add_random_rule(struct nft *nft)
{
	struct sl_expr exprs[FILLED / 4 + EXPRS_MAX + 1];
	u32 count = 0, end = FILLED / 4 + 1 + below(EXPRS_MAX);

	for (; count < FILLED / 4; count++)
		exprs[count] = at(count * 4,
				  below(4) ? load_ip(12 + below(8), 1 + below(4)) : load_state());
	for (; count < end; count++)
		exprs[count] = random_expr(nft);
	exprs[count++] = drop_it();
	add_rule_of(nft, nft->chain, exprs, count);
}

static struct frame random_frame(void)
{
	struct frame frame = tcp("1.2.3.4", 1, "4.3.2.1", 2);

	for (u32 i = 0; i < 12; i++) /* addresses and ports */
		frame.bytes[26 + i] = (u8)below(1 << PACKET_BITS);
	return frame;
}

/* Both judge */

static u8 answer_world(void *context, const u8 *bytes, u32 length)
{
	(void)bytes, (void)length;
	return *(u8 *)context;
}

static bool is_certain(const struct sl_program *program)
{
	for (u32 i = 0; i < program->chains.count; i++)
		for (u32 k = 0; k < program->chains.items[i]->rules.count; k++) {
			const struct sl_rule *rule = &program->chains.items[i]->rules.items[k];

			for (u32 o = 0; o < rule->ops.count; o++)
				if (rule->ops.items[o].kind == SL_OP_UNKNOWN)
					return false;
		}
	return true;
}

struct tally {
	u32 drops, certain, agreed;
};

static void judge_in_world(const struct sl_program *program, const struct nft *nft,
			   const struct frame *frame, u8 world, u32 nft_state, struct tally *tally)
{
	struct sl_oracle oracle = {.conntrack = answer_world, .context = &world};
	struct sl_packet packet;
	struct machine machine = {.packet = &packet, .program = program, .state = nft_state};
	struct sl_outcome outcome;
	bool drops;

	assert_null(sl_packet_parse(&program->device, frame->bytes, frame->length, &packet));
	sl_interp(program, frame->bytes, frame->length, &oracle, NULL, NULL, &outcome);
	drops = machine_drops(&machine, nft->chain);
	if (outcome.drop && !drops)
		fail_msg("dropped, which nf_tables would not, in world %u:\n%s", world,
			 rules_text(program, "in"));
	if (is_certain(program) && outcome.drop != drops)
		fail_msg("passed, and nothing is unknown, in world %u:\n%s", world,
			 rules_text(program, "in"));
	tally->drops += outcome.drop;
	tally->certain += is_certain(program);
	tally->agreed += outcome.drop == drops;
}

static void judge_all(struct nft *nft, struct tally *tally)
{
	struct sl_program *program = lift(nft);

	for (u32 i = 0; i < 8; i++) {
		struct frame frame = random_frame();

		judge_in_world(program, nft, &frame, SL_WORLD_NEW, 8, tally);
		judge_in_world(program, nft, &frame, SL_WORLD_INVALID, 1, tally);
		judge_in_world(program, nft, &frame, SL_WORLD_UNTRACKED, 64, tally);
	}
	sl_program_free(program);
}

static void lifted_rules_mean_what_the_register_machine_does(void **state)
{
	static const u8 mac[6] = {2, 0, 0, 0, 0, 1}; /* that of the frames */
	struct tally tally = {0};
	u32 total = ROUNDS * 24;

	(void)state;
	for (u32 round = 0; round < ROUNDS; round++) {
		struct nft nft = an_input_chain(NFPROTO_INET);

		/* Conntrack is always asked, so that the oracle can name the world. */
		nft_rule(&nft, add_chain(&nft, nft.table, "unused"), load_state());
		memcpy(eth0(&nft)->mac, mac, sizeof mac);
		for (u32 i = 1 + below(3); i > 0; i--)
			add_random_rule(&nft);
		judge_all(&nft, &tally);
		nft_free(&nft);
	}
	print_message("%u judgements: %u early drops, %u certain, %u agree\n", total, tally.drops,
		      tally.certain, tally.agreed);
	/* A lift that gave up on everything would be right, and useless. */
	assert_true(tally.drops > total / 20);
	assert_true(tally.certain > total / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifted_rules_mean_what_the_register_machine_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
