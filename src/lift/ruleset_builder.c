// SPDX-License-Identifier: GPL-2.0-only
#include "lift/ruleset_builder.h"

#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

#define push(nft, list) ((__typeof__((list)->items))need(sl_list_push((nft)->rules->arena, list)))

static void *copy(struct nft *nft, const void *bytes, u32 length)
{
	return need(sl_arena_copy(nft->rules->arena, bytes, length));
}

/* Rulesets */

struct nft a_table(u32 family)
{
	struct sl_arena *arena = need(sl_arena_new());
	struct nft nft = {.rules = need(sl_arena_alloc(arena, sizeof *nft.rules))};

	nft.rules->arena = arena;
	nft.host.arena = arena;
	add_link(&nft, "eth0", "")->ifindex = 2;
	nft.table = add_table(&nft, family, "t");
	return nft;
}

struct nft an_input_chain(u32 family)
{
	struct nft nft = a_table(family);

	nft.chain = add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0);
	return nft;
}

void nft_free(struct nft *nft)
{
	sl_arena_free(nft->rules->arena);
}

struct sl_nft_table *add_table(struct nft *nft, u32 family, const char *name)
{
	struct sl_nft_table *table =
		copy(nft, &(struct sl_nft_table){.family = family, .name = name}, sizeof *table);

	*push(nft, &nft->rules->tables) = table;
	return table;
}

struct sl_nft_chain *add_chain(struct nft *nft, struct sl_nft_table *table, const char *name)
{
	struct sl_nft_chain *chain =
		copy(nft, &(struct sl_nft_chain){.name = name, .policy = NF_ACCEPT}, sizeof *chain);

	*push(nft, &table->chains) = chain;
	return chain;
}

struct sl_nft_chain *add_base(struct nft *nft, struct sl_nft_table *table, const char *name,
			      u32 hook, s32 priority)
{
	struct sl_nft_chain *chain = add_chain(nft, table, name);

	chain->is_base = true;
	chain->type = "filter";
	chain->hook = hook;
	chain->priority = priority;
	return chain;
}

void add_device(struct nft *nft, struct sl_nft_chain *chain, const char *device)
{
	*push(nft, &chain->devices) = device;
}

struct sl_link *add_link(struct nft *nft, const char *name, const char *kind)
{
	struct sl_link *link = push(nft, &nft->host.links);

	link->ifindex = nft->host.links.count + 1;
	link->type = ARPHRD_ETHER;
	snprintf(link->name, sizeof link->name, "%s", name);
	snprintf(link->kind, sizeof link->kind, "%s", kind);
	return link;
}

struct sl_link *eth0(struct nft *nft)
{
	return &nft->host.links.items[0];
}

struct sl_nft_rule *add_rule_of(struct nft *nft, struct sl_nft_chain *chain,
				const struct sl_expr *exprs, u32 count)
{
	struct sl_nft_rule *rule = push(nft, &chain->rules);

	rule->handle = ++nft->handles;
	for (u32 i = 0; i < count; i++)
		*push(nft, &rule->exprs) = exprs[i];
	return rule;
}

/* Sets */

struct sl_nft_set *add_set(struct nft *nft, u32 flags, u32 key_length)
{
	char *name = need(sl_arena_printf(nft->rules->arena, "s%u", nft->rules->set_count));
	struct sl_nft_set *set = copy(nft,
				      &(struct sl_nft_set){.name = name,
							   .id = nft->rules->set_count,
							   .flags = flags,
							   .key_length = key_length,
							   .table = nft->table},
				      sizeof *set);

	nft->rules->set_count++;
	*push(nft, &nft->table->sets) = set;
	return set;
}

struct sl_nft_element *add_element(struct nft *nft, struct sl_nft_set *set, const void *key,
				   const void *key_end)
{
	struct sl_nft_element *element = push(nft, &set->elements);

	element->is_catchall = !key;
	if (key) {
		element->key = copy(nft, key, set->key_length);
		element->key_end = copy(nft, key_end ? key_end : key, set->key_length);
	}
	return element;
}

struct sl_nft_set *add_vmap(struct nft *nft, u32 flags, u32 key_length)
{
	struct sl_nft_set *map = add_set(nft, flags | NFT_SET_MAP, key_length);

	map->data_type = NFT_DATA_VERDICT;
	return map;
}

void add_mapping(struct nft *nft, struct sl_nft_set *map, const void *key, s32 code,
		 const char *chain)
{
	add_element(nft, map, key, NULL)->verdict = (struct sl_nft_verdict){code, chain};
}

/* Expressions */

struct sl_expr load_payload(u32 base, u32 offset, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_PAYLOAD,
				.name = "payload",
				.payload = {.base = base, .offset = offset, .length = length}};
}

struct sl_expr load_meta(u32 key)
{
	return (struct sl_expr){.kind = SL_EXPR_META, .name = "meta", .meta = {.key = key}};
}

struct sl_expr load_ct(u32 key)
{
	return (struct sl_expr){.kind = SL_EXPR_CT, .name = "ct", .ct = {.key = key}};
}

struct sl_expr writing(struct sl_expr load)
{
	if (load.kind == SL_EXPR_PAYLOAD)
		load.payload.writes = true;
	else if (load.kind == SL_EXPR_META)
		load.meta.writes = true;
	else
		load.ct.writes = true;
	return load;
}

struct sl_expr load_bytes(const void *bytes, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_IMMEDIATE,
				.name = "immediate",
				.immediate = {.data = bytes, .length = length}};
}

struct sl_expr cmp_bytes(u32 op, const void *bytes, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_CMP,
				.name = "cmp",
				.cmp = {.op = op, .data = bytes, .length = length}};
}

struct sl_expr range_bytes(u32 op, const void *from, const void *to, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_RANGE,
				.name = "range",
				.range = {.op = op, .from = from, .to = to, .length = length}};
}

struct sl_expr mask_bytes(const void *mask, const void * xor, u32 length)
{
	return (struct sl_expr){
		.kind = SL_EXPR_BITWISE,
		.name = "bitwise",
		.bitwise = {
			.op = NFT_BITWISE_MASK_XOR, .mask = mask, .xor = xor, .length = length}};
}

struct sl_expr shift_bits(u32 op, u32 bits, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_BITWISE,
				.name = "bitwise",
				.bitwise = {.op = op, .shift = bits, .length = length}};
}

struct sl_expr swap_words(u32 length, u32 size)
{
	return (struct sl_expr){
		.kind = SL_EXPR_BYTEORDER,
		.name = "byteorder",
		.byteorder = {.op = NFT_BYTEORDER_HTON, .length = length, .size = size}};
}

struct sl_expr lookup(struct sl_nft_set *set)
{
	bool is_map = set->flags & NFT_SET_MAP;

	return (struct sl_expr){
		.kind = SL_EXPR_LOOKUP,
		.name = "lookup",
		.lookup = {.set = set,
			   .has_dreg = is_map,
			   .is_verdict = is_map && set->data_type == NFT_DATA_VERDICT}};
}

struct sl_expr lookup_not(struct sl_nft_set *set)
{
	struct sl_expr expr = lookup(set);

	expr.lookup.invert = true;
	return expr;
}

struct sl_expr jump_to(s32 code, const char *chain)
{
	return (struct sl_expr){.kind = SL_EXPR_IMMEDIATE,
				.name = "immediate",
				.immediate = {.is_verdict = true, .verdict = {code, chain}}};
}

struct sl_expr verdict(s32 code)
{
	return jump_to(code, NULL);
}

struct sl_expr count_packet(void)
{
	return (struct sl_expr){.kind = SL_EXPR_COUNTER, .name = "counter"};
}

struct sl_expr limit_of(u32 type, bool is_over)
{
	return (struct sl_expr){.kind = SL_EXPR_LIMIT, .name = "limit", .limit = {type, is_over}};
}

struct sl_expr fill_set(struct sl_nft_set *set, u32 op)
{
	return (struct sl_expr){
		.kind = SL_EXPR_DYNSET, .name = "dynset", .dynset = {.set = set, .op = op}};
}

struct sl_expr object(u32 type)
{
	return (struct sl_expr){.kind = SL_EXPR_OBJREF, .name = "objref", .objref = {.type = type}};
}

struct sl_expr opaque(const char *name)
{
	return (struct sl_expr){.kind = SL_EXPR_OPAQUE, .name = name};
}

struct sl_expr xt_match(const char *name, u32 revision, const void *info, u32 length)
{
	return (struct sl_expr){.kind = SL_EXPR_XT_MATCH,
				.name = name,
				.xt = {.revision = revision, .info = info, .length = length}};
}

struct sl_expr xt_target(const char *name, u32 revision, const void *info, u32 length)
{
	struct sl_expr expr = xt_match(name, revision, info, length);

	expr.kind = SL_EXPR_XT_TARGET;
	return expr;
}

struct sl_expr at(u32 offset, struct sl_expr expr)
{
	switch (expr.kind) {
	case SL_EXPR_PAYLOAD:
		expr.payload.dreg = offset;
		break;
	case SL_EXPR_META:
		expr.meta.dreg = offset;
		break;
	case SL_EXPR_CT:
		expr.ct.dreg = offset;
		break;
	case SL_EXPR_CMP:
		expr.cmp.sreg = offset;
		break;
	case SL_EXPR_RANGE:
		expr.range.sreg = offset;
		break;
	case SL_EXPR_BITWISE:
		expr.bitwise.sreg = expr.bitwise.dreg = offset;
		break;
	case SL_EXPR_BYTEORDER:
		expr.byteorder.sreg = expr.byteorder.dreg = offset;
		break;
	case SL_EXPR_IMMEDIATE:
		expr.immediate.dreg = offset;
		break;
	case SL_EXPR_LOOKUP:
		expr.lookup.sreg = offset;
		break;
	default:
		abort();
	}
	return expr;
}

/* Programs as text */

struct sl_program *lift(struct nft *nft)
{
	struct sl_diag diag = {""};
	struct sl_program *program;

	if (sl_lift(nft->rules, &nft->host, "eth0", &program, &diag))
		fail_msg("%s", diag.text);
	if (sl_program_verify(program, &diag))
		fail_msg("%s", diag.text);
	return program;
}

static char text[16384];

const char *rules_text(const struct sl_program *program, const char *name)
{
	FILE *out = need(fmemopen(text, sizeof text, "w"));

	for (u32 i = 0; i < program->chains.count; i++) {
		const struct sl_chain *chain = program->chains.items[i];

		for (u32 k = 0; !strcmp(chain->name, name) && k < chain->rules.count; k++) {
			sl_rule_print(program, &chain->rules.items[k], out);
			fputc('\n', out);
		}
	}
	fclose(out);
	return text;
}

static const char *families_text(u8 families)
{
	static const char *const names[] = {"none", "ip", "ip6", "both"};

	return names[families];
}

const char *path_text(const struct sl_program *program)
{
	FILE *out = need(fmemopen(text, sizeof text, "w"));

	for (u32 i = 0; i < program->path.count; i++) {
		const struct sl_step *step = &program->path.items[i];

		fprintf(out, "%s ", families_text(step->families));
		if (step->kind == SL_STEP_CHAIN)
			fprintf(out, "%s%s\n", step->chain->name,
				step->drops_by_policy ? " drop" : "");
		else if (step->kind == SL_STEP_KERNEL)
			fprintf(out, "kernel(%s)\n", step->reason);
		else
			fprintf(out, "%s\n",
				step->kind == SL_STEP_ROUTE     ? "ROUTE"
				: step->kind == SL_STEP_TRACKED ? "TRACKED"
								: "CONNTRACK");
	}
	fclose(out);
	return text;
}

void expect_rules(struct nft *nft, const char *chain, const char *expected)
{
	struct sl_program *program = lift(nft);

	assert_string_equal(rules_text(program, chain), expected);
	sl_program_free(program);
	nft_free(nft);
}

void expect_path(struct nft *nft, const char *expected)
{
	struct sl_program *program = lift(nft);

	assert_string_equal(path_text(program), expected);
	sl_program_free(program);
	nft_free(nft);
}
