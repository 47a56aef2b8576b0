// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "daemon/tally.h"
#include "lib/tracer.h"

#define TC_DROP 2 /* TC_ACT_SHOT */
/* What fits in one page beside XDP's headroom and the kernel's own trailer. */
#define FRAME_MAX 3520

/* 0 and the program's answer, or -errno. */
static int test_xdp(int program_fd, u32 ifindex, const struct sl_frame *frame, u32 *ret_answer)
{
	struct xdp_md context = {.data_end = frame->length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->length,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1);

	if (bpf_prog_test_run_opts(program_fd, &opts))
		return -errno;
	*ret_answer = opts.retval;
	return 0;
}

static int test_tc(int program_fd, u32 ifindex, const struct sl_frame *frame, u32 *ret_answer)
{
	struct __sk_buff context = {.ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->bytes, .data_size_in = frame->length,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1);

	if (bpf_prog_test_run_opts(program_fd, &opts))
		return -errno;
	*ret_answer = opts.retval;
	return 0;
}

static int test(const struct sl_runner *runner, const struct sl_frame *frame, bool *ret_drop)
{
	int fd = sl_dataplane_program_fd(runner->dataplane);
	bool is_tc = runner->point == SL_POINT_TC;
	u32 answer;
	int error = (is_tc ? test_tc : test_xdp)(fd, runner->ifindex, frame, &answer);

	if (!error)
		*ret_drop = answer == (is_tc ? TC_DROP : XDP_DROP);
	return error;
}

static int load(struct sl_compiled *compiled, enum sl_hook_point point, bool may_relate,
		struct sl_runner *runner, struct sl_diag *diag)
{
	int error = sl_compiled_load(compiled, point, NULL, &runner->dataplane, diag);

	if (error)
		return error;
	runner->point = point;
	sl_dataplane_publish(runner->dataplane, &compiled->snapshot, may_relate);
	return 0;
}

int sl_runner_open(struct sl_compiled *compiled, enum sl_hook_point point, bool may_relate,
		   struct sl_runner *ret_runner, struct sl_diag *diag)
{
	static const u8 zeros[ETH_ZLEN];
	struct sl_runner runner = {.ifindex = compiled->meaning->device.ifindex};
	bool drop;
	int error;

	/*
	 * What is left of a rate, and what packets have added, is of the moment; packets that ask
	 * for it pass, for both.
	 */
	memset(compiled->limits, 0, sizeof compiled->limits);
	memset(compiled->filled, 0, sizeof compiled->filled);
	memset(compiled->recents, 0, sizeof compiled->recents);
	error = load(compiled, point, may_relate, &runner, diag);
	if (error)
		return error;
	if (point == SL_POINT_XDP &&
	    test(&runner, &(struct sl_frame){zeros, sizeof zeros}, &drop) == -EINVAL) {
		sl_runner_close(&runner);
		error = load(compiled, SL_POINT_TC, may_relate, &runner, diag);
		if (error)
			return error;
	}
	*ret_runner = runner;
	return 0;
}

void sl_runner_close(struct sl_runner *runner)
{
	sl_dataplane_free(runner->dataplane);
	runner->dataplane = NULL;
}

/* The copy's own counters tell which way the packet went. */
static void read_fates(const struct sl_runner *runner, struct sl_count counts[SL_FATE_COUNTS])
{
	if (sl_tally_read(sl_dataplane_maps(runner->dataplane).fates, SL_FATE_COUNTS, counts))
		memset(counts, 0, SL_FATE_COUNTS * sizeof *counts);
}

struct sl_run sl_runner_run(const struct sl_runner *runner, const struct sl_frame *frame)
{
	struct sl_count before[SL_FATE_COUNTS], after[SL_FATE_COUNTS];
	struct sl_run run = {0};

	if (frame->length < ETH_HLEN)
		run.why_not = "shorter than an Ethernet header";
	else if (frame->length > FRAME_MAX)
		run.why_not = "longer than what XDP takes";
	if (run.why_not)
		return run;
	read_fates(runner, before);
	if (test(runner, frame, &run.drop)) {
		run.why_not = "the kernel cannot test a frame of this length";
		return run;
	}
	read_fates(runner, after);
	run.ran = true;
	for (u32 i = 0; i < SL_FATE_COUNTS; i++)
		if (after[i].packets != before[i].packets)
			run.fate = (enum sl_fate_count)i;
	return run;
}
