/* SPDX-License-Identifier: GPL-2.0-only */
/* What two records may differ in, and what not; and that seeds reproduce. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compare.h"
#include "frames.h"
#include "rulesets.h"

static struct sl_frame_plan plan_tcp(void)
{
	return (struct sl_frame_plan){
		.source_mac = sl_mac_in,
		.destination_mac = sl_mac_peer,
		.source = sl_address_from("10.77.1.1"),
		.destination = sl_address_from("10.77.1.2"),
		.hops = 64,
		.protocol = IPPROTO_TCP,
		.source_port = 80,
		.destination_port = 20001,
		.seq = 1000,
		.ack = 77,
		.tcp_flags = SL_TCP_SYN | SL_TCP_ACK,
	};
}

/* Records one moment that sees one frame. */
static struct sl_record *record_frame(const struct sl_frame_plan *plan, u32 break_byte)
{
	static struct sl_recorder recorder;
	struct sl_frame frame;
	struct sl_diag diag;

	sl_frame_build(plan, &frame);
	if (break_byte)
		frame.bytes[break_byte] ^= 1;
	memset(&recorder, 0, sizeof recorder);
	assert_int_equal(sl_record_new(&recorder.record, &diag), 0);
	sl_recorder_begin(&recorder);
	sl_recorder_note_frame(&recorder, SL_PEER, frame.bytes, frame.length);
	sl_recorder_end(&recorder);
	recorder.record->conntrack = calloc(1, 1);
	return recorder.record;
}

static u32 count_differences(const struct sl_frame_plan *a, const struct sl_frame_plan *b,
			     u32 broken)
{
	struct sl_act act = {0};
	struct sl_script script = {.acts = {&act, 1, 1}};
	struct sl_record *left = record_frame(a, 0), *right = record_frame(b, broken);
	u32 differences = sl_compare(&script, left, right, NULL);

	sl_record_free(left);
	sl_record_free(right);
	return differences;
}

static void random_fields_are_no_difference(void **state)
{
	struct sl_frame_plan a = plan_tcp(), b = plan_tcp();

	(void)state;
	b.id = 4711;
	b.seq = 0x87654321; /* an initial sequence number of the dut's own choice */
	assert_int_equal(count_differences(&a, &b, 0), 0);
}

static void a_random_number_near_nothing_is_no_difference(void **state)
{
	struct sl_frame_plan a = plan_tcp(), b;

	(void)state;
	a.tcp_flags = SL_TCP_SYN;
	a.ack = 0;
	b = a;
	b.seq = 0xfffffff0;
	assert_int_equal(count_differences(&a, &b, 0), 0);
}

/* Broken frames of a script: they acknowledge what the dut has said, whatever their flags say. */
static void what_is_acknowledged_counts_from_the_beginning_without_the_flag_too(void **state)
{
	struct sl_frame_plan a = plan_tcp(), b;

	(void)state;
	a.tcp_flags = SL_TCP_SYN | SL_TCP_PSH;
	a.ack = a.seq + 1;
	b = a;
	b.seq = 0x87654321;
	b.ack = b.seq + 1;
	assert_int_equal(count_differences(&a, &b, 0), 0);
}

static void every_other_field_is_a_difference(void **state)
{
	struct sl_frame_plan a = plan_tcp();
	struct sl_frame_plan changed[7];

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(changed); i++)
		changed[i] = a;
	changed[0].hops = 63;
	changed[1].tos = 4;
	changed[2].tcp_flags = SL_TCP_ACK | SL_TCP_RST;
	changed[3].source = sl_address_from("10.77.1.11");
	changed[4].source_port = 443;
	changed[5].ack = 78;
	changed[6].dont_fragment = true;
	for (u32 i = 0; i < SL_ARRAY_SIZE(changed); i++)
		assert_int_not_equal(count_differences(&a, &changed[i], 0), 0);
}

static void wrong_checksum_is_a_difference(void **state)
{
	struct sl_frame_plan a = plan_tcp();

	(void)state;
	assert_int_not_equal(count_differences(&a, &a, 14 + 10), 0);
	assert_int_not_equal(count_differences(&a, &a, 14 + 20 + 16), 0);
}

static void missing_frame_is_a_difference(void **state)
{
	struct sl_act act = {0};
	struct sl_script script = {.acts = {&act, 1, 1}};
	struct sl_frame_plan plan = plan_tcp();
	struct sl_record *full = record_frame(&plan, 0), *empty = record_frame(&plan, 0);

	(void)state;
	empty->moments.items[0].seen.count = 0;
	assert_int_equal(sl_compare(&script, full, empty, NULL), 1);
	assert_int_equal(sl_compare(&script, empty, full, NULL), 1);
	sl_record_free(full);
	sl_record_free(empty);
}

static void lost_connection_is_a_difference(void **state)
{
	struct sl_act act = {0};
	struct sl_script script = {.acts = {&act, 1, 1}};
	struct sl_frame_plan plan = plan_tcp();
	struct sl_record *one = record_frame(&plan, 0), *none = record_frame(&plan, 0);

	(void)state;
	free(one->conntrack);
	one->conntrack = strdup("tcp ESTABLISHED\n");
	assert_int_equal(sl_compare(&script, one, none, NULL), 1);
	sl_record_free(one);
	sl_record_free(none);
}

static void same_seed_same_trial(void **state)
{
	struct sl_arena *arena = sl_arena_new();

	(void)state;
	for (u64 seed = 0; seed < 50; seed++) {
		struct sl_rules rules = sl_rules_draw(arena, seed),
				again = sl_rules_draw(arena, seed);
		struct sl_script *script = sl_script_draw(arena, seed, 100);
		struct sl_script *twin = sl_script_draw(arena, seed, 100);

		assert_int_equal(rules.format, again.format);
		assert_string_equal(rules.text, again.text);
		assert_int_equal(script->acts.count, 100);
		for (u32 i = 0; i < script->acts.count; i++) {
			struct sl_act *a = &script->acts.items[i], *b = &twin->acts.items[i];

			assert_int_equal(a->length, b->length);
			if (a->length)
				assert_memory_equal(a->bytes, b->bytes, a->length);
		}
	}
	sl_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_fields_are_no_difference),
		cmocka_unit_test(a_random_number_near_nothing_is_no_difference),
		cmocka_unit_test(
			what_is_acknowledged_counts_from_the_beginning_without_the_flag_too),
		cmocka_unit_test(every_other_field_is_a_difference),
		cmocka_unit_test(wrong_checksum_is_a_difference),
		cmocka_unit_test(missing_frame_is_a_difference),
		cmocka_unit_test(lost_connection_is_a_difference),
		cmocka_unit_test(same_seed_same_trial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
