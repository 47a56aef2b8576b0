// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much fits: rules that no pass can merge, up to and past every limit. Whatever does not fit
 * is the kernel's, and everything before it still drops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "ir/shorthand.h"
#include "optimise/optimise.h"
#include "run.h"

#define CLIENT "10.0.0.9"
#define HOST   "10.0.0.1"

/* What compile.c makes of rules, from a program that was written by hand. */
static void compile(struct sl_compiled *compiled, struct sl_program *p, u32 insn_limit)
{
	struct sl_diag diag = {0};

	*compiled = (struct sl_compiled){.program = p};
	if (sl_optimise(p, 1u << 20, &diag) || sl_program_verify(p, &diag) ||
	    sl_codegen(p, insn_limit, &compiled->code, &diag))
		fail_msg("%s", diag.text);
}

static u32 code_length(const struct sl_compiled *compiled)
{
	u32 length = 0;

	for (u32 i = 0; i < SL_STAGES; i++)
		length += compiled->code.stages[i].insns.count;
	return length;
}

static struct sl_dataplane *load(struct sl_compiled *compiled, enum sl_hook_point point)
{
	struct sl_dataplane *dataplane = NULL;
	struct sl_diag diag = {0};

	if (sl_compiled_load(compiled, point, NULL, &dataplane, &diag) ||
	    sl_run_publish(dataplane, &diag))
		fail_msg("%s", diag.text);
	print_message("%u instructions, %u verified\n", code_length(compiled),
		      sl_run_verified_insns(dataplane));
	return dataplane;
}

static bool drops(const struct sl_dataplane *dataplane, struct frame frame)
{
	int verdict = sl_run_frame(dataplane, frame.bytes, frame.length);

	assert_true(verdict >= 0);
	return verdict == XDP_DROP;
}

/* Two rules for `number`: what each tests differs from its neighbours. */
static void add_odd_rules(struct sl_program *p, struct sl_chain *chain, struct sl_chain *inner,
			  u32 number)
{
	char address[32], port[8];

	snprintf(address, sizeof address, "10.%u.%u.%u", 1 + number % 9, number / 9 % 256, number);
	snprintf(port, sizeof port, "%u", 1000 + number);
	rule(p, chain, is(p, L4PROTO, number % 2 ? "6" : "17"), is(p, IP_SADDR, address),
	     within(p, DPORT, "1", port), counter(p, chain), number % 3 ? DROP : ACCEPT);
	if (number % 8 == 0)
		rule(p, chain, state(SL_WORLD_NEW), is(p, SPORT, port), jump(inner));
	else
		rule(p, chain, compare(p, SPORT, SL_LT, port), is(p, DPORT, port),
		     state(SL_WORLD_NEW | SL_WORLD_INVALID), DROP);
}

static void odd_rules_load_uncut(enum sl_hook_point point)
{
	struct sl_program *p = host();
	struct sl_chain *input, *inner;
	struct sl_compiled compiled;

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	inner = chain(p, "inner");
	rule(p, inner, is(p, DPORT, "7"), RETURN);
	rule(p, inner, is(p, IP_SADDR, CLIENT), counter(p, inner), DROP);
	rule(p, input, state(SL_WORLD_ESTABLISHED | SL_WORLD_RELATED), ACCEPT);
	for (u32 i = 0; i < 100; i++)
		add_odd_rules(p, input, inner, i);
	rule(p, input, is(p, DPORT, "22"), DROP);
	compile(&compiled, p, SL_STAGE_INSNS_MAX);

	struct sl_dataplane *dataplane = load(&compiled, point);

	assert_false(compiled.code_is_cut);
	assert_int_equal(compiled.code.insn_limit, SL_STAGE_INSNS_MAX);
	if (point == SL_POINT_XDP) {
		assert_true(drops(dataplane, tcp(CLIENT, 1, HOST, 22)));
		assert_false(drops(dataplane, tcp(CLIENT, 1, HOST, 23)));
	}
	sl_dataplane_free(dataplane);
	sl_program_free(p);
}

static void two_hundred_rules_load_at_xdp(void **unused)
{
	(void)unused;
	odd_rules_load_uncut(SL_POINT_XDP);
}

static void two_hundred_rules_load_at_tc(void **unused)
{
	(void)unused;
	odd_rules_load_uncut(SL_POINT_TC);
}

/* Rules that drop ports from 1 on, in a way that cannot be merged, nor be a table. */
static void drop_ports(struct sl_program *p, struct sl_chain *chain, u32 count)
{
	for (u32 i = 1; i <= count; i++) {
		struct sl_field not_in_every_packet = {SL_TRANSPORT, 1, 13};
		char port[8];

		snprintf(port, sizeof port, "%u", i);
		rule(p, chain, within(p, SPORT, "1", "9"), within(p, DPORT, port, port),
		     compare(p, not_in_every_packet, SL_LT, "255"), DROP);
	}
}

static void rules_behind_the_limit_are_the_kernels(void **unused)
{
	struct sl_program *p = host();
	struct sl_compiled compiled;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	drop_ports(p, base_chain(p, SL_HOOK_INPUT, 0, DROPS), 4000);
	compile(&compiled, p, SL_STAGE_INSNS_MAX);

	struct sl_dataplane *dataplane = load(&compiled, SL_POINT_XDP);

	assert_true(compiled.code.over_limit[SL_MARKER_IP_INPUT - SL_MARKER_FIRST]);
	assert_true(drops(dataplane, tcp(CLIENT, 5, HOST, 1)));
	assert_true(drops(dataplane, tcp(CLIENT, 5, HOST, 400)));
	assert_false(drops(dataplane, tcp(CLIENT, 5, HOST, 4000)));
	sl_dataplane_free(dataplane);
	sl_program_free(p);
}

/* A hundred rules that are a table, and behind them one that is not. */
static struct sl_program *begin_with_a_run(void)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	for (u32 i = 0; i < 100; i++) {
		char address[16], port[8];

		snprintf(address, sizeof address, "10.1.0.%u", i);
		snprintf(port, sizeof port, "%u", 1000 + i % 7);
		rule(p, input, is(p, IP_SADDR, address), is(p, DPORT, port), DROP);
	}
	drop_ports(p, input, 1);
	return p;
}

static u32 loads_uncut(u32 insn_limit)
{
	struct sl_program *p = begin_with_a_run();
	struct sl_compiled compiled;
	struct sl_dataplane *dataplane;
	u32 length;

	compile(&compiled, p, insn_limit);
	dataplane = load(&compiled, SL_POINT_XDP);
	for (u32 i = 0; i < SL_STAGES; i++)
		assert_false(compiled.code.over_limit[i]);
	length = code_length(&compiled);
	assert_true(drops(dataplane, tcp("10.1.0.8", 20, HOST, 1001)));
	assert_false(drops(dataplane, tcp("10.1.0.8", 20, HOST, 1002)));
	assert_true(drops(dataplane, tcp(CLIENT, 5, HOST, 1)));
	sl_dataplane_free(dataplane);
	sl_program_free(p);
	return length;
}

/* They are for speed: where there is no room for them, the table is looked up. */
static void branches_cost_no_rule_its_place(void **unused)
{
	(void)unused;
	assert_true(loads_uncut(SL_STAGE_INSNS_MAX) > 500);
	assert_true(loads_uncut(200) < 200);
}

/* Refused for its size, in one line; then loaded with less. */
static void is_halved_until_it_loads(struct sl_program *p)
{
	struct sl_dataplane *dataplane;
	struct sl_compiled compiled;
	struct sl_diag diag = {0};

	compile(&compiled, p, 1000000);
	assert_int_equal(
		sl_dataplane_load(p, &compiled.code, SL_POINT_XDP, NULL, &dataplane, &diag),
		-E2BIG);
	assert_null(strchr(diag.text, '\n'));
	dataplane = load(&compiled, SL_POINT_XDP);
	assert_true(compiled.code_is_cut);
	assert_true(drops(dataplane, tcp(CLIENT, 5, HOST, 1)));
	sl_dataplane_free(dataplane);
}

/* Each stage by itself is short enough; all of them together are not. */
static void code_that_no_jump_crosses_is_halved(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	drop_ports(p, base_chain(p, SL_HOOK_PREROUTING, 0, ACCEPTS), 1000);
	step(p, SL_STEP_ROUTE);
	drop_ports(p, base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS), 1000);
	drop_ports(p, base_chain(p, SL_HOOK_FORWARD, 0, ACCEPTS), 1000);
	is_halved_until_it_loads(p);
	sl_program_free(p);
}

/* Each test that looks further into the packet than those before makes another state to prove. */
static void code_that_is_too_complex_is_halved(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	drop_ports(p, input, 1);
	for (u16 i = 0; i < 1400; i++) {
		struct sl_field late = {SL_TRANSPORT, 1, (u16)(20 + i)};

		rule(p, input, compare(p, late, SL_GT, "100"), DROP);
	}
	is_halved_until_it_loads(p);
	sl_program_free(p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hundred_rules_load_at_xdp),
		cmocka_unit_test(two_hundred_rules_load_at_tc),
		cmocka_unit_test(rules_behind_the_limit_are_the_kernels),
		cmocka_unit_test(branches_cost_no_rule_its_place),
		cmocka_unit_test(code_that_no_jump_crosses_is_halved),
		cmocka_unit_test(code_that_is_too_complex_is_halved),
	};
	int failed;

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	failed = cmocka_run_group_tests_name("oracle/size", tests, NULL, NULL);
	sl_run_end();
	return failed;
}
