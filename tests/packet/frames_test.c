/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <net/ethernet.h>

#include "frames.h"
#include "pools.h"
#include "responder.h"

static struct sl_frame_plan plan_udp(const char *from, const char *to)
{
	return (struct sl_frame_plan){
		.source_mac = sl_mac_peer,
		.destination_mac = sl_mac_in,
		.source = sl_address_from(from),
		.destination = sl_address_from(to),
		.hops = 64,
		.protocol = IPPROTO_UDP,
		.source_port = 20000,
		.destination_port = 53,
		.payload = (const u8 *)"twenty-four bytes of it!",
		.payload_length = 24,
	};
}

/* A packet that other people's tools agree about: RFC 1071 arithmetic done by hand. */
static void checksum_of_a_known_header(void **state)
{
	static const u8 header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
				    0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

	(void)state;
	assert_int_equal(sl_checksum(header, sizeof header, 0), 0xb861);
}

static void built_frames_have_right_checksums(void **state)
{
	static const char *const ends[][2] = {{"10.77.1.2", "10.77.1.1"},
					      {"fd00:77:1::2", "fd00:77:1::1"}};
	static const u8 protocols[] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_ICMP, IPPROTO_ICMPV6};

	(void)state;
	for (u32 i = 0; i < 2 * SL_ARRAY_SIZE(protocols); i++) {
		struct sl_frame_plan plan = plan_udp(ends[i % 2][0], ends[i % 2][1]);
		struct sl_frame frame;
		struct sl_layout layout;

		plan.protocol = protocols[i / 2];
		sl_frame_build(&plan, &frame);
		assert_true(sl_layout_read(frame.bytes, frame.length, ETH_HLEN, &layout));
		assert_int_equal(layout.protocol, plan.protocol);
		assert_int_equal(layout.end, frame.length);
		assert_int_equal(sl_checksum_transport(frame.bytes, &layout), 0);
		if (!layout.is_ip6)
			assert_int_equal(sl_checksum(frame.bytes + ETH_HLEN, 20, 0), 0);
	}
}

static void patch_keeps_a_checksum_right_and_a_wrong_one_wrong(void **state)
{
	struct sl_frame_plan plan = plan_udp("10.77.1.2", "10.77.1.1");
	struct sl_frame frame;
	struct sl_layout layout;

	(void)state;
	plan.protocol = IPPROTO_TCP;
	sl_frame_build(&plan, &frame);
	assert_true(sl_layout_read(frame.bytes, frame.length, ETH_HLEN, &layout));
	sl_frame_patch(&frame, layout.transport + 8, layout.transport + 16, 0xfeed1234);
	assert_int_equal(sl_get32(frame.bytes + layout.transport + 8), 0xfeed1234);
	assert_int_equal(sl_checksum_transport(frame.bytes, &layout), 0);
	frame.bytes[layout.transport + 16] ^= 1;
	sl_frame_patch(&frame, layout.transport + 8, layout.transport + 16, 7);
	assert_int_not_equal(sl_checksum_transport(frame.bytes, &layout), 0);
}

static void fragments_carry_the_whole_between_them(void **state)
{
	static const char *const ends[][2] = {{"10.77.1.2", "10.77.1.1"},
					      {"fd00:77:1::2", "fd00:77:1::1"}};

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		struct sl_frame_plan plan = plan_udp(ends[i][0], ends[i][1]);
		struct sl_frame whole, first, last;
		struct sl_layout layout;

		sl_frame_build(&plan, &whole);
		sl_frame_fragment(&whole, 0, 16, 9, &first);
		sl_frame_fragment(&whole, 16, 1000, 9, &last);
		assert_true(sl_layout_read(first.bytes, first.length, ETH_HLEN, &layout));
		assert_true(layout.is_fragment && !layout.is_later_fragment);
		assert_int_equal(first.length - layout.transport, 16);
		assert_true(sl_layout_read(last.bytes, last.length, ETH_HLEN, &layout));
		assert_true(layout.is_later_fragment);
		assert_int_equal(last.length - layout.transport, 8 + 24 - 16);
		assert_memory_equal(last.bytes + layout.transport, whole.bytes + whole.length - 16,
				    16);
	}
}

static void layout_refuses_what_is_cut_off(void **state)
{
	struct sl_frame_plan plan = plan_udp("fd00:77:1::2", "fd00:77:1::1");
	static const u8 options[8] = {IPPROTO_UDP, 0, 1, 4};
	struct sl_frame frame;
	struct sl_layout layout;

	(void)state;
	plan.extra = options;
	plan.extra_length = sizeof options;
	plan.extra_kind = IPPROTO_HOPOPTS;
	sl_frame_build(&plan, &frame);
	assert_true(sl_layout_read(frame.bytes, frame.length, ETH_HLEN, &layout));
	assert_int_equal(layout.protocol, IPPROTO_UDP);
	assert_int_equal(layout.transport, ETH_HLEN + 48);
	for (u32 length = 0; length < ETH_HLEN + 48; length++)
		assert_false(sl_layout_read(frame.bytes, length, ETH_HLEN, &layout));
}

static void spoilt_frames_stay_in_their_buffer(void **state)
{
	struct sl_random random = {42};

	(void)state;
	for (u32 i = 0; i < 20000; i++) {
		struct sl_frame_plan plan = plan_udp(i % 2 ? "10.77.1.2" : "fd00:77:1::2",
						     i % 2 ? "10.77.1.1" : "fd00:77:1::1");
		u8 payload[1500] = {0};
		struct sl_frame frame;

		plan.payload = payload;
		plan.payload_length = sl_random_below(&random, sizeof payload);
		sl_frame_build(&plan, &frame);
		sl_frame_spoil(&frame, &random);
		sl_frame_spoil(&frame, &random);
		assert_true(frame.length >= ETH_HLEN && frame.length <= sizeof frame.bytes);
	}
}

static void responder_never_answers_an_answer(void **state)
{
	struct sl_frame_plan plan = plan_udp("10.77.1.1", "10.77.1.2");
	struct sl_frame question, answer, none;

	(void)state;
	sl_frame_build(&plan, &question);
	assert_true(sl_responder_answer(question.bytes, question.length, sl_mac_in, &answer));
	assert_false(sl_responder_answer(question.bytes, question.length, sl_mac_back, &none));
	assert_int_equal(answer.length, question.length + 3);
	assert_false(sl_responder_answer(answer.bytes, answer.length, sl_mac_peer, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum_of_a_known_header),
		cmocka_unit_test(built_frames_have_right_checksums),
		cmocka_unit_test(patch_keeps_a_checksum_right_and_a_wrong_one_wrong),
		cmocka_unit_test(fragments_carry_the_whole_between_them),
		cmocka_unit_test(layout_refuses_what_is_cut_off),
		cmocka_unit_test(spoilt_frames_stay_in_their_buffer),
		cmocka_unit_test(responder_never_answers_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
