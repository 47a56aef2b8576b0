// SPDX-License-Identifier: GPL-2.0-only
#include "meaning.h"

#include <errno.h>
#include <stdio.h>

#include "codegen/codegen.h"
#include "generate.h"
#include "optimise/optimise.h"
#include "twins.h"

#define FRAMES     6 /* for each pass */
#define WORD_LIMIT (1u << 16)

struct sl_host *fuzz_host(struct nft *nft)
{
	static const struct sl_address local[] = {{false, {10, 0, 0, 1}},
						  {true, {0xfe, 0x80, [15] = 1}}};

	*nft = a_table(NFPROTO_INET);
	memcpy(eth0(nft)->mac, "\2\0\0\0\0\1", 6);
	eth0(nft)->mtu = 1500;
	eth0(nft)->forwards_ip = true;
	nft->host.forwards_ip6 = true;
	nft->host.tracks_ip = nft->host.tracks_ip6 = true;
	for (u32 i = 0; i < SL_ARRAY_SIZE(local); i++) {
		struct sl_address *address = sl_list_push(nft->host.arena, &nft->host.local);

		if (!address)
			abort();
		*address = local[i];
	}
	return &nft->host;
}

static void need(int error, const struct sl_diag *diag)
{
	if (!error)
		return;
	fprintf(stderr, "%d: %s\n", error, diag->text);
	abort();
}

void fuzz_settle_timeouts(struct sl_program *program)
{
	for (u32 i = 0; i < program->sets.count; i++) {
		struct sl_set *set = program->sets.items[i];

		for (u32 e = 0; e < set->elements.count; e++)
			if (set->elements.items[e].expires_at_ns)
				set->elements.items[e].expires_at_ns = UINT64_MAX / 2;
	}
}

static int flatten(struct sl_program *program)
{
	return sl_optimise_flatten(program, 2); /* so that few rules will do */
}

static int gather(struct sl_program *program)
{
	struct sl_diag diag = {""};

	return sl_optimise_gather(program, WORD_LIMIT, &diag);
}

static int (*const passes[])(struct sl_program *program) = {
	sl_optimise_specialise, sl_optimise_shadow, flatten, gather, sl_optimise_merge,
};

void fuzz_program(const struct sl_program *plain, struct sl_program *program)
{
	struct sl_diag diag = {""};
	struct sl_code code;

	for (u32 i = 0; i < SL_ARRAY_SIZE(passes); i++) {
		int error = passes[i](program);

		if (error == -ENOSPC)
			return;
		need(error, &diag);
		need(sl_program_verify(program, &diag), &diag);
		sl_twins_compare(i, plain, program, FRAMES, true);
	}
	need(sl_optimise_legalise(program), &diag);
	need(sl_program_verify(program, &diag), &diag);
	sl_twins_compare_legal(SL_ARRAY_SIZE(passes), plain, program, FRAMES);
	int error = sl_codegen(program, SL_STAGE_INSNS_MAX, &code, &diag);

	if (error != -E2BIG) /* a compile leaves rules out, and comes again */
		need(error, &diag);
}

/*
 * NULL where chains jump in a circle or too deep, which the kernel never lets happen; a compile
 * refuses them.
 */
static struct sl_program *lift_rules(const struct sl_ruleset *rules, const struct sl_host *host)
{
	struct sl_program *program = NULL;
	struct sl_diag diag = {""};

	need(sl_lift(rules, host, "eth0", &program, &diag), &diag);
	int error = sl_program_verify(program, &diag);
	if (error && strstr(diag.text, "jump")) {
		sl_program_free(program);
		return NULL;
	}
	need(error, &diag);
	fuzz_settle_timeouts(program);
	return program;
}

void fuzz_rules(const struct sl_ruleset *rules, const struct sl_host *host)
{
	struct sl_program *plain = lift_rules(rules, host), *program = lift_rules(rules, host);

	if (plain && program)
		fuzz_program(plain, program);
	sl_program_free(plain);
	sl_program_free(program);
}
