// SPDX-License-Identifier: GPL-2.0-only
/* What libpcap reads of a file that was written, and what it does not: options, found block by
 * block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pcapng.h"

#define AT_NS 1763777777123456789ULL

static const u8 bytes[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [59] = 0x77};

static struct sl_pcapng_packet packet_of(u32 captured, const char *comment)
{
	return (struct sl_pcapng_packet){
		.at_ns = AT_NS,
		.bytes = bytes,
		.captured = captured,
		.length = 900,
		.comment = comment,
		.verdict = SL_PCAPNG_XDP_DROP,
	};
}

/* A file with two interfaces and a packet of each; malloc'd. */
static char *write_file(u32 captured, const char *comment, size_t *ret_size)
{
	struct sl_pcapng_packet packet = packet_of(captured, comment);
	char *file = NULL;
	FILE *out = open_memstream(&file, ret_size);

	assert_non_null(out);
	sl_pcapng_begin(out, "sluice test");
	sl_pcapng_interface(out, "eth0", NULL, 142);
	sl_pcapng_packet(out, &packet);
	sl_pcapng_interface(out, "eth1.5", "a device", 142);
	packet.interface = 1;
	packet.verdict = SL_PCAPNG_NO_VERDICT;
	sl_pcapng_packet(out, &packet);
	assert_false(ferror(out));
	fclose(out);
	return file;
}

static u32 u32_at(const char *at)
{
	u32 value;

	memcpy(&value, at, sizeof value);
	return value;
}

/* The so-and-so-many-th block of a type, or NULL; each ends in the length that it begins with. */
static const char *find_block(const char *file, size_t size, u32 type, u32 number)
{
	for (size_t at = 0; at < size;) {
		u32 length = u32_at(file + at + 4);

		assert_true(length >= 12 && !(length % 4) && at + length <= size);
		assert_int_equal(u32_at(file + at + length - 4), length);
		if (u32_at(file + at) == type && !number--)
			return file + at;
		at += length;
	}
	return NULL;
}

/* The value of an option, which are from `at` on; NULL: not there. They end as they should. */
static const char *find_option(const char *block, u32 at, u16 wanted, u16 *ret_length)
{
	const char *found = NULL;

	for (;;) {
		u16 head[2];

		memcpy(head, block + at, sizeof head);
		if (!head[0])
			break;
		if (head[0] == wanted) {
			found = block + at + 4;
			*ret_length = head[1];
		}
		at += 4 + ((head[1] + 3u) & ~3u);
		assert_true(at < u32_at(block + 4));
	}
	assert_int_equal(at + 8, u32_at(block + 4));
	return found;
}

static void expect_text(const char *block, u32 at, u16 option, const char *text)
{
	u16 length = 0;
	const char *found = find_option(block, at, option, &length);

	assert_non_null(found);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(found, text, length);
}

static void blocks_say_what_was_dropped(void **state)
{
	static const char comment[] = "drop at xdp: inet t in rule udp dport 9 drop";
	static const u8 xdp_drop[9] = {2, 1};
	size_t size;
	char *file = write_file(60, comment, &size);
	const char *first = find_block(file, size, 6, 0), *second = find_block(file, size, 6, 1);
	u16 length = 0;

	(void)state;
	expect_text(find_block(file, size, 0x0a0d0d0a, 0), 24, 4, "sluice test");
	expect_text(find_block(file, size, 1, 0), 16, 2, "eth0");
	expect_text(find_block(file, size, 1, 1), 16, 2, "eth1.5");
	expect_text(find_block(file, size, 1, 1), 16, 3, "a device");
	assert_null(find_option(find_block(file, size, 1, 0), 16, 3, &length));
	expect_text(first, 28 + 60, 1, comment);
	assert_memory_equal(find_option(first, 28 + 60, 7, &length), xdp_drop, 9);
	assert_int_equal(length, 9);
	assert_null(find_option(second, 28 + 60, 7, &length));
	assert_int_equal(u32_at(first + 8), 0);
	assert_int_equal(u32_at(second + 8), 1);
	free(file);
}

static void odd_lengths_are_padded(void **state)
{
	(void)state;
	for (u32 captured = 56; captured <= 60; captured++) {
		size_t size;
		char *file = write_file(captured, "odd", &size);

		expect_text(find_block(file, size, 6, 0), 28 + ((captured + 3) & ~3u), 1, "odd");
		assert_null(find_block(file, size, 6, 2));
		free(file);
	}
}

static void packet_without_a_comment_has_none(void **state)
{
	size_t size;
	char *file = write_file(60, NULL, &size);
	u16 length;

	(void)state;
	assert_null(find_option(find_block(file, size, 6, 0), 28 + 60, 1, &length));
	free(file);
}

static void long_comment_is_cut(void **state)
{
	size_t size;
	char *comment = calloc(1, 70001), *file;
	u16 length = 0;

	(void)state;
	memset(comment, 'x', 70000);
	file = write_file(60, comment, &size);
	assert_non_null(find_option(find_block(file, size, 6, 0), 28 + 60, 1, &length));
	assert_int_equal(length, 65535);
	free(file);
	free(comment);
}

static void libpcap_reads_it(void **state)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u8 *read;
	size_t size;
	char *file = write_file(59, "cut short", &size);
	FILE *in = fmemopen(file, size, "r");
	pcap_t *capture =
		pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, why);

	(void)state;
	if (!capture)
		fail_msg("%s", why);
	assert_int_equal(pcap_datalink(capture), DLT_EN10MB);
	for (u32 i = 0; i < 2; i++) {
		assert_int_equal(pcap_next_ex(capture, &header, &read), 1);
		assert_int_equal(header->caplen, 59);
		assert_int_equal(header->len, 900);
		assert_int_equal(header->ts.tv_sec, AT_NS / 1000000000);
		assert_int_equal(header->ts.tv_usec, AT_NS % 1000000000);
		assert_memory_equal(read, bytes, 59);
	}
	assert_int_equal(pcap_next_ex(capture, &header, &read), PCAP_ERROR_BREAK);
	pcap_close(capture);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_say_what_was_dropped),
		cmocka_unit_test(odd_lengths_are_padded),
		cmocka_unit_test(packet_without_a_comment_has_none),
		cmocka_unit_test(long_comment_is_cut),
		cmocka_unit_test(libpcap_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
