// SPDX-License-Identifier: GPL-2.0-only
/* TCP options as rules see them, malformed ones too: one header each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/judge.h"
#include "ir/tcp_option.h"

#define MAXSEG     ((struct sl_field){SL_TCP_OPTION, 2, 2 << 8 | 2})
#define HAS_SACK   ((struct sl_field){SL_HAS_TCP_OPTION, 1, 4 << 8})
#define HAS_MAXSEG ((struct sl_field){SL_HAS_TCP_OPTION, 1, 2 << 8 | 3})

/* With these options, whose length is a multiple of 4. */
static struct frame with_options(const char *options, u32 length)
{
	struct frame frame = tcp_to(22);
	u32 at = frame.length;

	memcpy(frame.bytes + at, options, length);
	frame.bytes[at - 20 + 12] = (u8)((20 + length) / 4 << 4);
	frame.bytes[17] = (u8)(frame.bytes[17] + length);
	frame.length += length;
	return frame;
}
#define with(options) with_options(options, sizeof(options) - 1)

/* Drops where the option is, or where it says so; all else is accepted. */
static struct sl_program *asking(enum sl_hook hook, struct sl_field field, const char *text)
{
	struct sl_program *p = host();
	struct sl_chain *chain;

	if (hook == SL_HOOK_INPUT)
		step(p, SL_STEP_ROUTE);
	chain = base_chain(p, hook, 0, ACCEPTS);
	rule(p, chain, is(p, field, text), DROP);
	return p;
}

static void the_first_of_its_kind_counts(void **unused)
{
	struct sl_program *p = asking(SL_HOOK_INPUT, MAXSEG, "1460");

	(void)unused;
	drops(p, with("\2\4\5\xb4"));
	drops(p, with("\1\1\4\2\2\4\5\xb4"));
	drops(p, with("\0\0\0\0\2\4\5\xb4")); /* the end of the list ends nothing */
	drops(p, with("\3\3\7\2\4\5\xb4\1"));
	passes(p, with("\2\4\5\xb3"));
	passes(p, with("\2\4\5\xb3\2\4\5\xb4"));
	passes(p, with("\1\1\1\1"));
	passes(p, tcp_to(22));
	passes(p, udp(CLIENT, 1, HOST, 22));
	sl_program_free(p);
}

static void malformed_options_are_walked_as_the_kernel_does(void **unused)
{
	struct sl_program *p = asking(SL_HOOK_INPUT, MAXSEG, "1460");

	(void)unused;
	drops(p, with("\4\0\2\4\5\xb4\1\1"));    /* without a length: one byte; then 0 */
	drops(p, with("\5\1\1\1\2\4\5\xb4"));    /* a length of 1 */
	drops(p, with("\2\5\5\xb4\1\1\1\1"));    /* longer than it should be */
	passes(p, with("\2\3\5\xb4"));           /* too short for what is asked */
	passes(p, with("\2\0\5\xb4"));           /* one byte, and found */
	passes(p, with("\2\5\5\xb4"));           /* longer than the header */
	passes(p, with("\4\xff\1\1\2\4\5\xb4")); /* the rest is its own */
	passes(p, with("\1\1\1\2"));             /* the last byte */
	sl_program_free(p);
}

static void a_header_that_is_not_there_has_no_options(void **unused)
{
	struct sl_program *p = asking(SL_HOOK_INPUT, MAXSEG, "1460");
	struct frame frame = with("\2\4\5\xb4");

	(void)unused;
	frame.bytes[34 + 12] = 4 << 4;
	passes(p, frame);
	frame.bytes[34 + 12] = 7 << 4; /* 28 bytes, of which 24 are there */
	passes(p, frame);
	frame.length += 4; /* padding, which was cut off by then … */
	passes(p, frame);
	sl_program_free(p);
	p = asking(SL_HOOK_INGRESS, MAXSEG, "1460");
	drops(p, frame); /* … but not at ingress */
	sl_program_free(p);
}

static void presence_is_a_byte_of_any_packet(void **unused)
{
	struct sl_program *p = asking(SL_HOOK_INPUT, HAS_SACK, "0");

	(void)unused;
	passes(p, with("\4\2\1\1"));
	drops(p, with("\2\4\5\xb4"));
	drops(p, with("\1\1\4\4")); /* longer than the header */
	drops(p, tcp_to(22));
	drops(p, udp(CLIENT, 1, HOST, 22));
	sl_program_free(p);
	p = asking(SL_HOOK_INPUT, HAS_MAXSEG, "1");
	drops(p, with("\2\4\5\xb4"));
	passes(p, with("\2\3\5\1"));
	sl_program_free(p);
}

/* Sixty bytes; what is asked for lies at their very end. */
static void the_longest_header_is_walked_to_its_end(void **unused)
{
	struct sl_program *p = asking(SL_HOOK_INPUT, MAXSEG, "1460");
	char options[41];

	(void)unused;
	memset(options, 1, 40);
	memcpy(options + 36, "\2\4\5\xb4", 4);
	drops(p, with_options(options, 40));
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_of_its_kind_counts),
		cmocka_unit_test(malformed_options_are_walked_as_the_kernel_does),
		cmocka_unit_test(a_header_that_is_not_there_has_no_options),
		cmocka_unit_test(presence_is_a_byte_of_any_packet),
		cmocka_unit_test(the_longest_header_is_walked_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
