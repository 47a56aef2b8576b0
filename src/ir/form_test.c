// SPDX-License-Identifier: GPL-2.0-only
/* What a packet's form says of its conntrack state: one packet each. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"
#include "ir/form.h"
#include "ir/judge.h"

#define EITHER (NEW | INVALID)

#define TCP_AT 34 /* the transport header, behind IPv4's */

static u8 form_of_bytes(const u8 *bytes, u32 length)
{
	static const struct sl_device device = {.mac = {2, 0, 0, 0, 0, 1}};
	struct sl_packet packet;

	assert_null(sl_packet_parse(&device, bytes, length, &packet));
	return sl_form_worlds(&packet);
}

static u8 form_of(struct frame frame)
{
	return form_of_bytes(frame.bytes, frame.length);
}

static struct frame with_flags(u8 flags)
{
	struct frame frame = tcp_to(22);

	frame.bytes[TCP_AT + 13] = flags;
	return frame;
}

/* With so many bytes behind the headers, of which UDP's length may know nothing. */
static struct frame with_payload(struct frame frame, u32 bytes)
{
	u32 total = (u32)(frame.bytes[16] << 8 | frame.bytes[17]) + bytes;

	for (u32 i = 0; i < bytes; i++)
		frame.bytes[frame.length + i] = (u8)(i * 7 + 1);
	frame.bytes[16] = (u8)(total >> 8);
	frame.bytes[17] = (u8)total;
	frame.length += bytes;
	return frame;
}

static struct frame with_length(struct frame udp, u16 length)
{
	udp.bytes[TCP_AT + 4] = (u8)(length >> 8);
	udp.bytes[TCP_AT + 5] = (u8)length;
	return udp;
}

static struct frame query(void)
{
	return udp(CLIENT, 1000, HOST, 53);
}

/* Made elsewhere, so that sealing and looking cannot be wrong alike. */
static void known_packets_are_right(void **unused)
{
	static const u8 syn[] = "\2\0\0\0\0\1\2\0\0\0\0\11\10\0"
				"\105\0\0\53\0\7\0\0\71\6\155\275\12\0\0\11\12\0\0\1"
				"\3\350\0\26\0\0\33\227\0\0\0\0\120\2\372\360\274\355\0\0abc";
	static const u8 ip6[] = "\2\0\0\0\0\1\2\0\0\0\0\11\206\335"
				"\140\0\0\7\0\13\21\71"
				"\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\11"
				"\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
				"\3\350\0\65\0\13\75\115abc";

	(void)unused;
	assert_int_equal(form_of_bytes(syn, sizeof syn - 1), NEW);
	assert_int_equal(form_of_bytes(ip6, sizeof ip6 - 1), NEW);
}

static void a_syn_begins_if_its_checksum_is_right(void **unused)
{
	static const u8 flags[] = {TH_SYN, TH_SYN | TH_URG, TH_SYN | TH_PUSH, TH_SYN | 0xc0};

	(void)unused;
	for (size_t i = 0; i < sizeof flags; i++) {
		assert_int_equal(form_of(sealed(with_flags(flags[i]))), NEW);
		assert_int_equal(form_of(with_flags(flags[i])), EITHER);
	}
}

static void flags_of_a_known_connection_tell_nothing(void **unused)
{
	static const u8 flags[] = {
		TH_SYN | TH_ACK,          TH_RST, TH_RST | TH_ACK, TH_FIN | TH_ACK,
		TH_FIN | TH_ACK | TH_URG, TH_ACK, TH_ACK | TH_URG, TH_ACK | TH_PUSH};

	(void)unused;
	for (size_t i = 0; i < sizeof flags; i++)
		assert_int_equal(form_of(sealed(with_flags(flags[i]))), EITHER);
}

/* Whether the checksum is right or wrong. */
static void flags_that_never_go_together_are_invalid(void **unused)
{
	static const u8 flags[] = {0,
				   TH_PUSH,
				   TH_FIN,
				   TH_URG,
				   TH_SYN | TH_FIN,
				   TH_SYN | TH_RST,
				   TH_FIN | TH_PUSH | TH_URG,
				   TH_RST | TH_URG,
				   TH_RST | TH_FIN,
				   TH_SYN | TH_ACK | TH_URG,
				   0x3f,
				   0xff,
				   0xc0};

	(void)unused;
	for (size_t i = 0; i < sizeof flags; i++) {
		assert_int_equal(form_of(sealed(with_flags(flags[i]))), INVALID);
		assert_int_equal(form_of(with_flags(flags[i])), INVALID);
	}
}

static void a_tcp_header_fits_its_packet(void **unused)
{
	struct frame frame = tcp_to(22);

	(void)unused;
	frame.bytes[TCP_AT + 12] = 4 << 4;
	assert_int_equal(form_of(sealed(frame)), INVALID);
	frame.bytes[TCP_AT + 12] = 6 << 4;
	assert_int_equal(form_of(sealed(frame)), INVALID);
	assert_int_equal(form_of(sealed(with_payload(frame, 4))), NEW);
	/* What follows in the frame is padding. */
	frame.length += 4;
	assert_int_equal(form_of(sealed(frame)), INVALID);
}

static void udp_begins_without_a_checksum_or_with_a_right_one(void **unused)
{
	struct frame frame = query(), wrong = sealed(query());

	(void)unused;
	assert_int_equal(form_of(frame), NEW);
	assert_int_equal(form_of(sealed(frame)), NEW);
	wrong.bytes[TCP_AT + 7] ^= 1;
	assert_int_equal(form_of(wrong), EITHER);
}

static void udp_length_fits_its_packet(void **unused)
{
	(void)unused;
	assert_int_equal(form_of(with_length(query(), 7)), INVALID);
	assert_int_equal(form_of(with_length(query(), 0)), INVALID);
	assert_int_equal(form_of(with_length(query(), 9)), INVALID);
	assert_int_equal(form_of(with_length(with_payload(query(), 1), 9)), NEW);
}

/* The checksum covers what IP carries, even if UDP itself is shorter. */
static void all_bytes_of_the_packet_count(void **unused)
{
	struct frame frame = sealed(with_payload(query(), 3));

	(void)unused;
	assert_int_equal(form_of(frame), NEW);
	for (u32 at = 26; at < frame.length; at++) {
		struct frame changed = frame;

		changed.bytes[at] ^= 4;
		if (at != TCP_AT + 4 && at != TCP_AT + 5) /* lengths have a say of their own */
			assert_int_equal(form_of(changed), EITHER);
	}
	frame.bytes[frame.length++] = 1; /* padding */
	assert_int_equal(form_of(frame), NEW);
}

static void what_is_too_long_is_not_added_up(void **unused)
{
	(void)unused;
	assert_int_equal(form_of(sealed(with_payload(tcp_to(22), SL_FORM_BYTES_MAX - 20))), NEW);
	assert_int_equal(form_of(sealed(with_payload(tcp_to(22), SL_FORM_BYTES_MAX - 19))), EITHER);
}

static void other_protocols_tell_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(form_of(packet(IPPROTO_ICMP, CLIENT, 0x800, HOST, 0)), EITHER);
	assert_int_equal(form_of(packet(IPPROTO_UDPLITE, CLIENT, 1, HOST, 2)), EITHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_packets_are_right),
		cmocka_unit_test(a_syn_begins_if_its_checksum_is_right),
		cmocka_unit_test(flags_of_a_known_connection_tell_nothing),
		cmocka_unit_test(flags_that_never_go_together_are_invalid),
		cmocka_unit_test(a_tcp_header_fits_its_packet),
		cmocka_unit_test(udp_begins_without_a_checksum_or_with_a_right_one),
		cmocka_unit_test(udp_length_fits_its_packet),
		cmocka_unit_test(all_bytes_of_the_packet_count),
		cmocka_unit_test(what_is_too_long_is_not_added_up),
		cmocka_unit_test(other_protocols_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
