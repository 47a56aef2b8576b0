// SPDX-License-Identifier: GPL-2.0-only
/* Descriptions, and what sl_packet_parse() makes of the frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/frames.h"
#include "ir/form.h"
#include "ir/packet.h"

struct made {
	struct sl_program *program;
	struct sl_frame frame;
	struct sl_packet packet;
	const char *odd;
	struct sl_diag diag;
	int error;
};

static void add_local(struct sl_program *program, const u8 *bytes, bool is_ip6)
{
	struct sl_local_address *local = sl_list_push(program->arena, &program->local);

	assert_non_null(local);
	local->is_ip6 = is_ip6;
	memcpy(local->bytes, bytes, is_ip6 ? 16 : 4);
}

static struct made make(const char *text)
{
	static const u8 link_local[16] = {0xfe, 0x80, [15] = 7};
	struct made made = {.program = sl_program_new()};
	struct sl_frames frames = {0};

	assert_non_null(made.program);
	memcpy(made.program->device.mac, "\2\0\0\0\0\x42", 6);
	add_local(made.program, (const u8 *)"\x7f\0\0\1", false);
	add_local(made.program, (const u8 *)"\x0a\1\2\3", false);
	add_local(made.program, link_local, true);
	made.error =
		sl_frames_describe(made.program->arena, text, made.program, &frames, &made.diag);
	if (made.error)
		return made;
	assert_int_equal(frames.list.count, 1);
	made.frame = frames.list.items[0];
	made.odd = sl_packet_parse(&made.program->device, made.frame.bytes, made.frame.length,
				   &made.packet);
	return made;
}

static void expect_bytes(const struct made *made, u32 at, const char *bytes, u32 length)
{
	assert_memory_equal(made->frame.bytes + at, bytes, length);
}

static void defaults_make_an_ordinary_syn(void **state)
{
	struct made made = make("");

	(void)state;
	assert_int_equal(made.error, 0);
	assert_null(made.odd);
	assert_int_equal(made.packet.family, SL_IP);
	assert_int_equal(made.packet.protocol, 6);
	expect_bytes(&made, 0, "\2\0\0\0\0\x42", 6);
	expect_bytes(&made, 30, "\x0a\1\2\3", 4); /* not the loopback address */
	assert_int_equal(made.frame.bytes[47], 2);
	sl_program_free(made.program);
}

static void all_that_is_said_is_there(void **state)
{
	struct made made = make("ether saddr 02:11:22:33:44:55 ip saddr 192.0.2.9 ip daddr "
				"192.0.2.10 ip ttl 3 tcp sport 258 tcp dport == 772 tcp flags "
				"syn|ack payload length 10");

	(void)state;
	assert_int_equal(made.error, 0);
	assert_null(made.odd);
	expect_bytes(&made, 6, "\2\x11\x22\x33\x44\x55", 6);
	expect_bytes(&made, 16, "\0\x32", 2); /* 20 + 20 + 10 */
	assert_int_equal(made.frame.bytes[22], 3);
	expect_bytes(&made, 26, "\xc0\0\2\x09\xc0\0\2\x0a", 8);
	expect_bytes(&made, 34, "\1\2\3\4", 4);
	assert_int_equal(made.frame.bytes[47], 0x12);
	assert_int_equal(made.frame.length, 14 + 50);
	sl_program_free(made.program);
}

static void ip_header_has_a_checksum(void **state)
{
	struct made made = make("udp dport 53");
	u32 sum = 0;

	(void)state;
	for (u32 i = 14; i < 34; i += 2)
		sum += (u32)(made.frame.bytes[i] << 8 | made.frame.bytes[i + 1]);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	sl_program_free(made.program);
}

/* So that a trace tells what the kernel would make of such a packet. */
static void transport_headers_have_checksums(void **state)
{
	static const char *const texts[] = {"tcp dport 22", "udp dport 53 payload length 20",
					    "ip6 saddr fd00::9 tcp dport 22"};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		struct made made = make(texts[i]);
		struct sl_packet packet;

		assert_null(sl_packet_parse(&made.program->device, made.frame.bytes,
					    made.frame.length, &packet));
		assert_true(made.frame.bytes[packet.transport + (i == 1 ? 6 : 16)]);
		assert_int_equal(sl_form_worlds(&packet), SL_WORLD_NEW);
		sl_program_free(made.program);
	}
}

static void ip6_is_implied_and_meets_the_host(void **state)
{
	struct made made = make("icmpv6 type nd-neighbor-solicit icmpv6 code 1");

	(void)state;
	assert_int_equal(made.error, 0);
	assert_null(made.odd);
	assert_int_equal(made.packet.family, SL_IP6);
	expect_bytes(&made, 54, "\x87\1", 2);
	expect_bytes(&made, 38, "\xfe\x80", 2);
	assert_int_equal(made.frame.bytes[53], 7);
	sl_program_free(made.program);
}

static void nonsense_is_named(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"tcp", "\"tcp\" is neither"},
		{"tcp frob 1", "\"tcp frob\" is neither"},
		{"tcp dport", "tcp dport wants a value"},
		{"tcp dport ==", "tcp dport wants a value"},
		{"tcp dport -1", "tcp dport is a port"},
		{"ip ttl 1x", "ip ttl is a number"},
		{"ether saddr 02:11:22:33:44:55:66", "is a MAC address"},
		{"ip saddr 1.2.3.4.5", "is an IPv4 address"},
		{"tcp flags syn,", "flags such as"},
		{"ip ttl 1 icmpv6 type 1", "IPv4 and IPv6 at once"},
		{"meta l4proto tcp udp dport 1", "of two protocols"},
		{"udp dport 1 meta l4proto tcp", "of two protocols"},
	};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct made made = make(cases[i].text);

		assert_int_equal(made.error, -22);
		assert_non_null(strstr(made.diag.text, cases[i].message));
		sl_program_free(made.program);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_make_an_ordinary_syn),
		cmocka_unit_test(all_that_is_said_is_there),
		cmocka_unit_test(ip_header_has_a_checksum),
		cmocka_unit_test(transport_headers_have_checksums),
		cmocka_unit_test(ip6_is_implied_and_meets_the_host),
		cmocka_unit_test(nonsense_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
