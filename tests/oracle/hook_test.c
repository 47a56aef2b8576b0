/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At netfilter's input hook: random programs and packets, run by the kernel, against the
 * interpreter. A test run gives a packet no connection, so its world is INVALID; and neither a
 * device nor a namespace, so that what should be dropped passes as stale, and nothing is counted.
 *
 *	hook_test [SEED [PROGRAMS [FRAMES]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_packet.h>
#include <linux/netfilter.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "config.h"
#include "daemon/tally.h"
#include "generate.h"
#include "ir/interp.h"
#include "ir/packet.h"
#include "load/hook_links.h"
#include "optimise/optimise.h"
#include "run.h"

/* Of the namespace, whose device stands for the program's. */
#define LOOPBACK 1

struct campaign {
	u64 seed;
	u32 frames, drops, passes;
};

/* The kernel's struct nf_hook_state, of which a test run takes the first two. */
struct hook_state {
	u8 hook, family;
	void *others[5];
};

/*
 * From a path by way of a device to one behind the hook. What only the hook knows stands there for
 * something that the device tells, so that it is met in all of its forms; a test run has none of
 * it.
 */
static const struct sl_facts no_facts;

static u16 known_at_hook(u16 meta)
{
	switch (meta) {
	case SL_META_MARK:
	case SL_META_WAY_BACK:
		return SL_META_HOOK_MARK;
	case SL_META_IIFGROUP:
		return SL_META_CT_STATUS;
	case SL_META_IIF:
	case SL_META_WAY_BACK_IF:
		return SL_META_OIF;
	case SL_META_IIFNAME:
		return SL_META_OIFNAME;
	default:
		return meta;
	}
}

/* The link header is gone there, and what is far behind the headers is not looked at. */
static void move_key(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++) {
		struct sl_field *field = (struct sl_field *)&key->parts[i].field;

		if (field->base == SL_LINK)
			field->base = SL_NETWORK;
		if (field->base == SL_META)
			field->offset = known_at_hook(field->offset);
		if (field->base != SL_META && field->offset + field->length > SL_HOOK_REACH)
			field->offset = (u16)(SL_HOOK_REACH - field->length);
	}
}

static void move_rules(const struct sl_chain *chain)
{
	for (u32 i = 0; i < chain->rules.count; i++) {
		const struct sl_rule *rule = &chain->rules.items[i];

		for (u32 k = 0; k < rule->ops.count; k++) {
			const struct sl_op *op = &rule->ops.items[k];

			move_key(&op->key);
			for (u32 j = 0; j < op->alternative_count; j++)
				move_key(&op->alternatives[j].key);
		}
	}
}

static bool is_behind(const struct sl_step *step)
{
	return step->kind == SL_STEP_ROUTE || step->hook == SL_HOOK_INPUT;
}

static void move_behind_hook(struct sl_program *program)
{
	const struct sl_step tracked = {.kind = SL_STEP_TRACKED,
					.families = SL_IP | SL_IP6,
					.hook = SL_HOOK_PREROUTING,
					.policy_counter = SL_NO_COUNTER};
	struct sl_step *steps =
		sl_arena_alloc(program->arena, (program->path.count + 1) * sizeof *steps);
	u32 count = 0;

	steps[count++] = tracked;
	for (u32 i = 0; i < program->path.count; i++)
		if (is_behind(&program->path.items[i]))
			steps[count++] = program->path.items[i];
	program->path.items = steps;
	program->path.count = program->path.capacity = count;
	for (u32 i = 0; i < program->chains.count; i++)
		move_rules(program->chains.items[i]);
	program->route_ip = program->route_ip6 = SL_ROUTE_INPUT_ONLY;
	program->device.ifindex = LOOPBACK;
	for (u32 i = 0; i < program->sets.count; i++) /* the kernel's clock cannot be set */
		for (u32 e = 0; e < program->sets.items[i]->elements.count; e++)
			if (program->sets.items[i]->elements.items[e].expires_at_ns >
			    SL_RANDOM_NOW_NS)
				program->sets.items[i]->elements.items[e].expires_at_ns =
					UINT64_MAX / 2;
}

static struct sl_program *draw(u64 number)
{
	struct sl_program *program = sl_random_program(number, 1 + (u32)(number % 12));

	move_behind_hook(program);
	return program;
}

/* Running */

static u8 invalid(void *context, const u8 *frame, u32 length)
{
	(void)context, (void)frame, (void)length;
	return SL_WORLD_INVALID;
}

static int load(struct sl_program *program, struct sl_dataplane **ret_front,
		struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_code code;
	int error = sl_optimise(program, 1u << 20, diag);

	if (!error)
		error = sl_program_verify(program, diag);
	/* No rules at the device: what they ask for is not known there. */
	if (!error)
		error = sl_codegen(program, 0, &code, diag);
	if (!error)
		error = sl_dataplane_load(program, &code, SL_POINT_TC, NULL, ret_front, diag);
	if (!error)
		error = sl_codegen(program, SL_STAGE_INSNS_MAX, &code, diag);
	if (!error)
		error = sl_dataplane_load(program, &code, SL_POINT_HOOK,
					  &(struct sl_handover){.front = *ret_front}, ret_dataplane,
					  diag);
	return error ? error : sl_run_publish(*ret_front, diag);
}

static u64 stale_packets(const struct sl_dataplane *dataplane)
{
	struct sl_count counts[SL_FATE_COUNTS];

	if (sl_tally_read(sl_dataplane_maps(dataplane).fates, SL_FATE_COUNTS, counts))
		return 0;
	return counts[SL_HOOK_STALE].packets;
}

/* Whether it would be dropped; −1: it did not run. The loopback device's address is all zero. */
static int run(const struct sl_dataplane *dataplane, const u8 *frame,
	       const struct sl_packet *packet)
{
	struct hook_state state = {.hook = NF_INET_LOCAL_IN,
				   .family = packet->family == SL_IP ? NFPROTO_IPV4 : NFPROTO_IPV6};
	u8 bytes[SL_RANDOM_FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = packet->ip_end,
		    .ctx_in = &state, .ctx_size_in = sizeof state, .repeat = 1);
	u64 before = stale_packets(dataplane);

	memcpy(bytes, frame, packet->ip_end);
	if (packet->packet_type == PACKET_HOST)
		memset(bytes, 0, 6);
	if (bpf_prog_test_run_opts(sl_dataplane_program_fd(dataplane), &opts) ||
	    opts.retval != NF_ACCEPT)
		return -1;
	return stale_packets(dataplane) > before;
}

static int fail(const struct campaign *campaign, u64 number, const struct sl_program *program,
		const char *what)
{
	printf("seed %llu program %llu: %s\n", (unsigned long long)campaign->seed,
	       (unsigned long long)number, what);
	sl_program_print(program, stdout);
	return 1;
}

static int judge_frames(struct campaign *campaign, u64 number, const struct sl_program *meaning,
			const struct sl_program *program, const struct sl_dataplane *dataplane)
{
	const struct sl_oracle oracle = {
		.conntrack = invalid, .now_ns = sl_monotonic_ns(), .facts = &no_facts};
	int failed = 0;

	for (u32 i = 0; i < campaign->frames && !failed; i++) {
		u8 frame[SL_RANDOM_FRAME_MAX];
		u32 length = sl_random_frame(number * 1000003 + i, meaning, frame);
		struct sl_outcome plain, legal;
		struct sl_packet packet;

		/* A test run's packets are for this host. */
		if (sl_packet_parse(&program->device, frame, length, &packet) || packet.packet_type)
			continue;
		/* What a test run takes for a packet has no padding. */
		sl_interp(meaning, frame, packet.ip_end, &oracle, NULL, NULL, &plain);
		sl_interp(program, frame, packet.ip_end, &oracle, NULL, NULL, &legal);

		int verdict = run(dataplane, frame, &packet);

		if (verdict != legal.drop || (legal.drop && !plain.drop)) {
			printf("frame %u, meaning: %d (%s), interpreter: %d (%s), kernel: %d\n", i,
			       plain.drop, plain.reason, legal.drop, legal.reason, verdict);
			failed = fail(campaign, number, program, "the verdicts differ");
		}
		campaign->drops += legal.drop;
		campaign->passes += !legal.drop;
	}
	return failed;
}

static int try_program(struct campaign *campaign, u64 number)
{
	struct sl_program *meaning = draw(number), *program = draw(number);
	struct sl_dataplane *front = NULL, *dataplane = NULL;
	struct sl_diag diag = {0};
	int failed;

	if (load(program, &front, &dataplane, &diag))
		failed = fail(campaign, number, program, diag.text);
	else
		failed = judge_frames(campaign, number, meaning, program, dataplane);
	sl_dataplane_free(dataplane);
	sl_dataplane_free(front);
	sl_program_free(program);
	sl_program_free(meaning);
	return failed;
}

int main(int argc, char **argv)
{
	struct campaign campaign = {
		.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
		.frames = argc > 3 ? (u32)atoi(argv[3]) : 100,
	};
	u32 programs = argc > 2 ? (u32)atoi(argv[2]) : 60;
	u32 failed = 0;

	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	if (!sl_hook_links_exist()) {
		printf("SKIP: this kernel has no netfilter links\n");
		return SL_RUN_SKIPPED;
	}
	for (u32 i = 0; i < programs && failed < 3; i++)
		failed += (u32)try_program(&campaign, campaign.seed * 1000000 + i);
	printf("seed %llu: %u programs, %u drops, %u passes, %u failed\n",
	       (unsigned long long)campaign.seed, programs, campaign.drops, campaign.passes,
	       failed);
	sl_run_end();
	return failed || !campaign.drops || !campaign.passes;
}
