// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loops as older verifiers want them: until 6.2 check_cfg() goes no way back but by a jump; an
 * ordinary instruction in front of a loop's head must not be its end. clang places blocks as it
 * likes, and newer kernels do not mind, so this is looked for in what the kernel at hand holds.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/shorthand.h"
#include "run.h"

enum state { UNSEEN, OPEN, CLOSED };

struct search {
	const struct bpf_insn *insns;
	u32 count;
	u8 *states; /* enum state, of each instruction */
	u8 *ways;   /* how many of its ways were gone */
	u32 *stack;
	u32 depth,
		bad; /* the first instruction that falls back into a loop's head; `count`: none */
};

static bool is_jump(const struct bpf_insn *insn)
{
	u32 class = BPF_CLASS(insn->code);

	return (class == BPF_JMP || class == BPF_JMP32) && BPF_OP(insn->code) != BPF_CALL;
}

/* The way number `way` out of an instruction; −1 when there are no more. */
static s64 way_out(const struct search *search, u32 at, u32 way)
{
	const struct bpf_insn *insn = &search->insns[at];

	if (is_jump(insn) && BPF_OP(insn->code) == BPF_EXIT)
		return -1;
	if (is_jump(insn) && BPF_OP(insn->code) == BPF_JA)
		return way ? -1 : (s64)at + 1 + insn->off;
	if (way == 0)
		return (s64)at + (insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1);
	return way == 1 && is_jump(insn) ? (s64)at + 1 + insn->off : -1;
}

static void push(struct search *search, u32 at)
{
	search->states[at] = OPEN;
	search->stack[search->depth++] = at;
}

/* One function, depth first, in the order of check_cfg(). */
static void follow(struct search *search, u32 first)
{
	if (search->states[first] == UNSEEN)
		push(search, first);
	while (search->depth) {
		u32 at = search->stack[search->depth - 1];
		s64 next = way_out(search, at, search->ways[at]++);

		if (next < 0 || next >= search->count) {
			search->states[at] = CLOSED;
			search->depth--;
		} else if (search->states[next] == UNSEEN) {
			push(search, (u32)next);
		} else if (search->states[next] == OPEN && !is_jump(&search->insns[at]) &&
			   search->bad == search->count) {
			search->bad = at;
		}
	}
}

static bool is_local_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

/* jit_subprogs() of the kernel puts the distance into `off`, and a number of its own into `imm`. */
static u32 callee(const struct bpf_insn *insns, u32 at)
{
	return at + 1 + (u32)insns[at].off;
}

/* The first instruction that is bad, or `count`. */
static u32 search_all(const struct bpf_insn *insns, u32 count)
{
	struct search search = {
		.insns = insns,
		.count = count,
		.states = calloc(count, 1),
		.ways = calloc(count, 1),
		.stack = calloc(count, sizeof(u32)),
		.bad = count,
	};

	if (!search.states || !search.ways || !search.stack)
		abort();
	follow(&search, 0);
	for (u32 i = 0; i < count; i++)
		if (is_local_call(&insns[i]) && callee(insns, i) < count)
			follow(&search, callee(insns, i));
	free(search.states);
	free(search.ways);
	free(search.stack);
	return search.bad;
}

static struct bpf_insn *read_insns(int fd, u32 *ret_count)
{
	struct bpf_prog_info info = {0};
	u32 size = sizeof info, bytes;
	struct bpf_insn *insns;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) || !info.xlated_prog_len)
		return NULL;
	bytes = info.xlated_prog_len;
	insns = malloc(bytes);
	info = (struct bpf_prog_info){.xlated_prog_len = bytes,
				      .xlated_prog_insns = (u64)(unsigned long)insns};
	size = sizeof info;
	if (!insns || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		free(insns);
		return NULL;
	}
	*ret_count = bytes / sizeof *insns;
	return insns;
}

/* The search itself: a loop that ends in a jump, and one whose end is a plain instruction. */
static bool finds_what_it_looks_for(void)
{
	static const struct bpf_insn good[] = {
		{.code = BPF_ALU | BPF_ADD | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .off = -2},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static const struct bpf_insn bad[] = {
		{.code = BPF_JMP | BPF_JA, .off = 1},
		{.code = BPF_ALU | BPF_ADD | BPF_K, .imm = 1},  /* falls into the head … */
		{.code = BPF_JMP | BPF_JNE | BPF_K, .off = -2}, /* … which jumps back to it */
		{.code = BPF_JMP | BPF_EXIT},
	};

	return search_all(good, SL_ARRAY_SIZE(good)) == SL_ARRAY_SIZE(good) &&
	       search_all(bad, SL_ARRAY_SIZE(bad)) == 1;
}

/* Enough that differ for a table. */
static struct sl_program *write_program(void)
{
	struct sl_program *p = host();
	struct sl_chain *input;
	char address[32], port[8];

	input = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	rule(p, input, is(p, WAY_BACK, "0"), DROP);
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	for (u32 i = 0; i < 200; i++) {
		snprintf(address, sizeof address, "10.%u.%u.7", i % 7, i);
		snprintf(port, sizeof port, "%u", 1000 + i * 13 % 97);
		rule(p, input, is(p, L4PROTO, i % 2 ? "6" : "17"), is(p, IP_SADDR, address),
		     is(p, DPORT, port), counter(p, input), i % 3 ? DROP : ACCEPT);
	}
	rule(p, input, is(p, DPORT, "22"), state(SL_WORLD_NEW), DROP);
	rule(p, input, is(p, ((struct sl_field){SL_TCP_OPTION, 2, 2 << 8 | 2}), "100"), DROP);
	return p;
}

static bool check(enum sl_hook_point point)
{
	struct sl_program *p = write_program();
	struct sl_dataplane *dataplane;
	struct sl_diag diag = {0};
	struct bpf_insn *insns;
	u32 count = 0, bad;
	bool has_table;

	if (sl_run_load(p, point, &dataplane, &diag)) {
		printf("not ok - %s\n", diag.text);
		return false;
	}
	has_table = p->image_words;
	if (!has_table)
		printf("not ok - there is no table\n");
	insns = read_insns(sl_dataplane_program_fd(dataplane), &count);
	bad = insns ? search_all(insns, count) : 0;
	if (!insns)
		printf("not ok - the program cannot be read back: %s\n", strerror(errno));
	else if (bad < count)
		printf("not ok - back-edge from insn %u to %u, which Linux 6.1 refuses\n", bad,
		       bad + 1);
	else
		printf("ok - %u instructions\n", count);
	free(insns);
	sl_dataplane_free(dataplane);
	sl_program_free(p);
	return has_table && insns && bad == count;
}

int main(void)
{
	bool fine = finds_what_it_looks_for();

	printf("%s - the search finds what it looks for\n", fine ? "ok" : "not ok");
	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	fine &= check(SL_POINT_XDP);
	fine &= check(SL_POINT_TC);
	sl_run_end();
	return !fine;
}
