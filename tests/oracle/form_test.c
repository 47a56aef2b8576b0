// SPDX-License-Identifier: GPL-2.0-only
/*
 * NEW or INVALID by a packet's form: bpf/form.h against src/ir/form.h, over all flags and lengths,
 * by two programs each of which drops what is surely the one or the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"
#include "run.h"

struct pair {
	struct sl_program *programs[2]; /* drop what is NEW; what is INVALID */
	struct sl_dataplane *dataplanes[2];
	enum sl_hook_point point;
	u32 drops[2], frames;
};

static struct pair pair;

static u8 miss(void *context, const u8 *frame, u32 length)
{
	(void)frame;
	(void)length;
	return ((const struct sl_program *)context)->miss_worlds;
}

static void load(enum sl_hook_point point)
{
	struct sl_diag diag = {0};

	pair = (struct pair){.point = point};
	for (int i = 0; i < 2; i++) {
		struct sl_program *p = host();
		struct sl_chain *input;

		step(p, SL_STEP_CONNTRACK);
		step(p, SL_STEP_ROUTE);
		input = base_chain(p, SL_HOOK_INPUT, 0, i ? ACCEPTS : DROPS);
		rule(p, input, state(SL_WORLD_INVALID), i ? DROP : ACCEPT);
		if (sl_run_load(p, point, &pair.dataplanes[i], &diag))
			fail_msg("%s", diag.text);
		pair.programs[i] = p;
	}
}

static void unload(void)
{
	for (int i = 0; i < 2; i++) {
		assert_true(pair.drops[i] > 10 && pair.drops[i] < pair.frames);
		sl_dataplane_free(pair.dataplanes[i]);
		sl_program_free(pair.programs[i]);
	}
}

static void expect_same(const struct frame *frame)
{
	int drop = pair.point == SL_POINT_TC ? TC_ACT_SHOT : XDP_DROP;

	pair.frames++;
	for (int i = 0; i < 2; i++) {
		const struct sl_oracle oracle = {.conntrack = miss, .context = pair.programs[i]};
		struct sl_outcome outcome;
		bool drops = sl_run_frame(pair.dataplanes[i], frame->bytes, frame->length) == drop;

		sl_interp(pair.programs[i], frame->bytes, frame->length, &oracle, NULL, NULL,
			  &outcome);
		if (drops != outcome.drop)
			fail_msg("frame %u of %u bytes: %s, not %s", pair.frames, frame->length,
				 drops ? "dropped" : "passed", outcome.drop ? "dropped" : "passed");
		pair.drops[i] += drops;
	}
}

/* As it is, and with a right checksum, and with one bit of what that covers changed. */
static void expect_same_in_all(struct frame frame, u32 transport)
{
	struct frame changed = sealed(frame);
	u32 at = transport + pair.frames * 31 % (frame.length - transport);

	expect_same(&frame);
	expect_same(&changed);
	changed.bytes[at] ^= (u8)(1 << pair.frames % 8);
	expect_same(&changed);
	changed.bytes[at] ^= (u8)(1 << pair.frames % 8);
	memset(changed.bytes + changed.length, 0xa5, 7); /* padding is not covered */
	changed.length += 7;
	expect_same(&changed);
}

static struct frame with_payload(struct frame frame, bool is_ip6, u32 bytes)
{
	u8 *length = frame.bytes + (is_ip6 ? 18 : 16);
	u32 said = (u32)(length[0] << 8 | length[1]) + bytes;

	for (u32 i = 0; i < bytes; i++)
		frame.bytes[frame.length + i] = (u8)(i * i * 37 + bytes);
	length[0] = (u8)(said >> 8);
	length[1] = (u8)said;
	frame.length += bytes;
	return frame;
}

static struct frame tcp_of(bool is_ip6, u32 payload)
{
	struct frame frame = is_ip6 ? tcp("fd00::9", 1000, "fd00::1", 22)
				    : tcp("10.0.0.9", 1000, "10.0.0.1", 22);

	return with_payload(frame, is_ip6, payload);
}

static struct frame udp_of(bool is_ip6, u32 payload, u32 said)
{
	struct frame frame = is_ip6 ? udp("fd00::9", 1000, "fd00::1", 53)
				    : udp("10.0.0.9", 1000, "10.0.0.1", 53);
	u8 *length = frame.bytes + (is_ip6 ? 54 : 34) + 4;

	length[0] = (u8)(said >> 8);
	length[1] = (u8)said;
	return with_payload(frame, is_ip6, payload);
}

static void try_all(bool is_ip6)
{
	u32 transport = is_ip6 ? 54 : 34;

	for (u32 flags = 0; flags < 256; flags++) {
		struct frame frame = tcp_of(is_ip6, 0);

		frame.bytes[transport + 13] = (u8)flags;
		expect_same_in_all(frame, transport);
	}
	for (u32 words = 0; words < 16; words++) {
		for (u32 payload = 0; payload < 45; payload += 1 + payload / 4 % 2) {
			struct frame frame = tcp_of(is_ip6, payload);

			frame.bytes[transport + 12] = (u8)(words << 4);
			expect_same_in_all(frame, transport);
		}
	}
	for (u32 said = 0; said < 40; said++)
		expect_same_in_all(udp_of(is_ip6, 16, said), transport);
	/* As far as an Ethernet goes; what is too long for that, the kernel does not run. */
	for (u32 payload = 0; payload < 1500 - 60; payload += payload < 100 ? 1 : 41) {
		expect_same_in_all(tcp_of(is_ip6, payload), transport);
		expect_same_in_all(udp_of(is_ip6, payload, 8 + payload), transport);
	}
}

static void at_xdp(void **unused)
{
	(void)unused;
	load(SL_POINT_XDP);
	try_all(false);
	try_all(true);
	unload();
}

static void at_tc(void **unused)
{
	(void)unused;
	load(SL_POINT_TC);
	try_all(false);
	try_all(true);
	unload();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(at_xdp), cmocka_unit_test(at_tc)};
	int failed;

	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	sl_run_end();
	return failed;
}
