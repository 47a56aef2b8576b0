// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large sets, in every form that a trie has: run by the kernel, judged by the interpreter, as they
 * were compiled and after their elements came and went.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"
#include "run.h"

#define PROBES     250
#define PROBES_FEW 30 /* the interpreter looks at each element of a large set */

/* A set of `length` bytes of the source, asked by one rule. */
struct lab {
	struct sl_program *p;
	struct sl_chain *input;
	struct sl_set *set;
	struct sl_dataplane *dataplane;
	struct sl_field field;
	bool is_dense; /* its elements are close together */
};

static void begin(struct lab *lab, struct sl_field field, enum sl_set_kind kind)
{
	*lab = (struct lab){.p = host(), .field = field};
	step(lab->p, SL_STEP_ROUTE);
	lab->input = base_chain(lab->p, SL_HOOK_INPUT, 0, ACCEPTS);
	lab->set = set(lab->p, kind, field);
}

static void load(struct lab *lab)
{
	struct sl_diag diag = {0};

	if (sl_run_load(lab->p, SL_POINT_XDP, &lab->dataplane, &diag))
		fail_msg("%s", diag.text);
}

static void end(struct lab *lab)
{
	sl_dataplane_free(lab->dataplane);
	sl_program_free(lab->p);
}

/* The packet that the set is asked about `key` by. */
static struct frame frame_of(const struct lab *lab, const u8 *key)
{
	char address[INET6_ADDRSTRLEN];

	if (lab->field.length == 2)
		return udp("10.0.0.9", 1, "10.0.0.1", (u16)(key[0] << 8 | key[1]));
	inet_ntop(lab->field.length == 4 ? AF_INET : AF_INET6, key, address, sizeof address);
	return udp(address, 1, lab->field.length == 4 ? "10.0.0.1" : "fd00::1", 2);
}

static void expect(const struct lab *lab, const u8 *key)
{
	struct frame frame = frame_of(lab, key);
	struct sl_outcome outcome;
	int verdict = sl_run_frame(lab->dataplane, frame.bytes, frame.length);

	sl_interp(lab->p, frame.bytes, frame.length, NULL, NULL, NULL, &outcome);
	assert_int_equal(verdict, outcome.drop ? XDP_DROP : XDP_PASS);
}

/* The key, and those before and behind it. */
static void expect_around(const struct lab *lab, const u8 *key)
{
	for (int by = -1; by <= 1; by++) {
		u8 near[16];

		memcpy(near, key, lab->field.length);
		near[lab->field.length - 1] = (u8)(near[lab->field.length - 1] + by);
		expect(lab, near);
	}
}

static void probe(const struct lab *lab)
{
	u32 probes = lab->set->elements.count < 100000 ? PROBES : PROBES_FEW;

	for (u32 i = 0; i < probes; i++) {
		const struct sl_element *element =
			&lab->set->elements.items[(u32)rand() % lab->set->elements.count];

		expect_around(lab, element->key);
		expect_around(lab, element->key_end);
	}
}

/* Range number i: ascending, of many sizes, some of them neighbours. */
static void range(const struct lab *lab, u32 i, u32 of, u8 *ret_lo, u8 *ret_hi)
{
	u32 last = lab->field.length - 1, room = lab->field.length == 2 ? 0xffff : 0xdfffffff;
	u32 step = lab->is_dense ? 8 : room / of, lo = 1 + i * step;
	u32 size = lab->field.length == 2 ? i % 3 : lab->is_dense ? i % 7 : i % 40 * (i % 7);
	u32 first = lab->field.length == 16 ? 2 : 0, bytes = lab->field.length == 2 ? 2 : 4;

	if (lab->set->kind == SL_SET_EXACT)
		size = 0;
	memset(ret_lo, 0, lab->field.length);
	memset(ret_hi, 0, lab->field.length);
	if (lab->field.length == 16) {
		ret_lo[0] = ret_hi[0] = 0x20;
		ret_lo[9] = ret_hi[9] = (u8)(i % 3);
		ret_hi[last] = (u8)(i % 200);
		size = 0;
	}
	for (u32 k = 0; k < bytes; k++) {
		ret_lo[first + k] = (u8)(lo >> 8 * (bytes - 1 - k));
		ret_hi[first + k] = (u8)((lo + size) >> 8 * (bytes - 1 - k));
	}
}

static struct sl_element *add_range(struct lab *lab, u32 i, u32 of)
{
	u8 lo[16], hi[16];

	range(lab, i, of, lo, hi);
	return add(lab->p, lab->set, lo, hi);
}

/* What the kernel then tells of: the odd ones come, the others go. */
static void swap_elements(struct lab *lab, u32 of)
{
	struct sl_set_maps *maps = sl_dataplane_sets(lab->dataplane);

	for (u32 i = 0; i < lab->set->elements.count; i++) {
		const struct sl_element *old = &lab->set->elements.items[i];

		assert_int_equal(sl_set_map_remove(maps, lab->set, old->key, old->key_end), 0);
	}
	lab->set->elements.count = 0;
	for (u32 i = 1; i < of; i += 2) {
		const struct sl_element *new = add_range(lab, i, of);

		assert_int_equal(sl_set_map_add(maps, lab->set, new, 0), 0);
	}
}

/* Of `count` elements every second one is there at the start. */
static void hold_and_follow(struct lab *lab, u32 count)
{
	srand(count);
	for (u32 i = 0; i < count; i += 2)
		add_range(lab, i, count);
	rule(lab->p, lab->input, in_set(lab->set, key(lab->p, lab->field)), DROP);
	load(lab);
	probe(lab);
	swap_elements(lab, count);
	probe(lab);
	end(lab);
}

static void holds_and_follows(struct sl_field field, enum sl_set_kind kind, u32 count,
			      bool has_timeouts)
{
	struct lab lab;

	begin(&lab, field, kind);
	lab.set->has_timeouts = has_timeouts;
	hold_and_follow(&lab, count);
}

static void sets_of_addresses_hold_and_follow(void **unused)
{
	(void)unused;
	holds_and_follows(IP_SADDR, SL_SET_INTERVAL, 100, false);
	holds_and_follows(IP_SADDR, SL_SET_INTERVAL, 3000, false);
	holds_and_follows(IP_SADDR, SL_SET_INTERVAL, 80000, false);
	holds_and_follows(IP_SADDR, SL_SET_EXACT, 3000, false);
	holds_and_follows(IP6_SADDR, SL_SET_INTERVAL, 100, false);
	holds_and_follows(IP6_SADDR, SL_SET_INTERVAL, 20000, false);
}

/* Enough for lines (abi/trie.h): of borders, or of words where they are dense. */
static void sets_with_lines_hold_and_follow(void **unused)
{
	(void)unused;
	for (u32 is_dense = 0; is_dense < 2; is_dense++) {
		struct lab lab;

		begin(&lab, IP_SADDR, SL_SET_INTERVAL);
		lab.is_dense = is_dense;
		hold_and_follow(&lab, 400000);
	}
}

static void sets_with_timeouts_hold_and_follow(void **unused)
{
	(void)unused;
	holds_and_follows(IP_SADDR, SL_SET_INTERVAL, 3000, true);
	holds_and_follows(IP_SADDR, SL_SET_EXACT, 3000, true);
	holds_and_follows(IP6_SADDR, SL_SET_INTERVAL, 3000, true);
}

static void sets_of_ports_hold_and_follow(void **unused)
{
	(void)unused;
	holds_and_follows(DPORT, SL_SET_INTERVAL, 40, false);
	holds_and_follows(DPORT, SL_SET_INTERVAL, 10000, false);
	holds_and_follows(DPORT, SL_SET_EXACT, 400, true);
}

/* Rules that merge.c turns into a verdict map; its elements count. */
static void verdicts_of_ranges_are_those_of_their_rules(void **unused)
{
	struct lab lab;

	(void)unused;
	begin(&lab, IP_SADDR, SL_SET_INTERVAL);
	lab.set->is_vmap = true;
	for (u32 i = 0; i < 2000; i++) {
		static const enum sl_verdict_kind kinds[] = {
			SL_VERDICT_DROP, SL_VERDICT_ACCEPT, SL_VERDICT_RETURN, SL_VERDICT_CONTINUE};
		struct sl_element *element = add_range(&lab, i, 2000);

		element->verdict.kind = kinds[i % 4];
		element->counts = i % 3 == 0;
		if (element->counts)
			element->counter = new_counter(lab.p, lab.input, 100 + i);
	}
	rule(lab.p, lab.input, vmap(lab.set, key(lab.p, IP_SADDR)));
	rule(lab.p, lab.input, is(lab.p, DPORT, "2"), DROP);
	load(&lab);
	probe(&lab);

	struct sl_element *counted = &lab.set->elements.items[12];
	u64 before = sl_run_counted(lab.dataplane, counted->counter);

	expect(&lab, counted->key_end);
	assert_int_equal(sl_run_counted(lab.dataplane, counted->counter), before + 1);
	end(&lab);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_addresses_hold_and_follow),
		cmocka_unit_test(sets_with_lines_hold_and_follow),
		cmocka_unit_test(sets_with_timeouts_hold_and_follow),
		cmocka_unit_test(sets_of_ports_hold_and_follow),
		cmocka_unit_test(verdicts_of_ranges_are_those_of_their_rules),
	};
	int failed;

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	failed = cmocka_run_group_tests_name("oracle/sets", tests, NULL, NULL);
	sl_run_end();
	return failed;
}
