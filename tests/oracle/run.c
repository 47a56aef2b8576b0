// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "config.h"
#include "generate.h"
#include "load/observe.h"
#include "optimise/optimise.h"

#define LOOPBACK 1
#define CPUS_MAX 1024

static struct sl_observer *observer;

bool sl_run_begin(void)
{
	struct sl_diag diag = {0};

	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of our own wants root\n");
		return false;
	}
	if (sl_observer_open(&observer, &diag)) {
		printf("SKIP: %s\n", diag.text);
		return false;
	}
	return true;
}

void sl_run_end(void)
{
	sl_observer_free(observer);
	observer = NULL;
}

int sl_run_publish(struct sl_dataplane *dataplane, struct sl_diag *diag)
{
	struct sl_snapshot snapshot;
	int error = sl_observer_look(observer, LOOPBACK, &snapshot, diag);

	if (!error)
		sl_dataplane_publish(dataplane, &snapshot, false);
	return error;
}

/* Each frame is a batch of its own: the notes of those before it have had their time. */
static void begin_batch(const struct sl_dataplane *dataplane)
{
	static u64 notes, counts[CPUS_MAX];
	u32 last = SL_BATCH_SLOTS;

	notes += SL_FILLED_PASSES + 2; /* the longer of both */
	for (u32 i = 0; i < CPUS_MAX; i++)
		counts[i] = notes;
	/* Fails where the program makes none. */
	bpf_map_update_elem(sl_dataplane_maps(dataplane).batch_notes, &last, counts, BPF_ANY);
}

/* Of the image of tables: 8 MiB. */
#define WORD_LIMIT (1u << 20)

int sl_run_load(struct sl_program *program, enum sl_hook_point point,
		struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	struct sl_code code;
	int error = sl_optimise(program, WORD_LIMIT, diag);

	if (!error)
		error = sl_program_verify(program, diag);
	if (!error)
		error = sl_codegen(program, SL_STAGE_INSNS_MAX, &code, diag);
	if (!error)
		error = sl_dataplane_load(program, &code, point, NULL, &dataplane, diag);
	if (error)
		return error;
	error = sl_run_publish(dataplane, diag);
	if (error)
		sl_dataplane_free(dataplane);
	else
		*ret_dataplane = dataplane;
	return error;
}

int sl_run_frame(const struct sl_dataplane *dataplane, const u8 *frame, u32 length)
{
	u8 out[SL_RANDOM_FRAME_MAX + 512];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .data_out = out, .data_size_out = sizeof out, .repeat = 1);

	begin_batch(dataplane);
	if (bpf_prog_test_run_opts(sl_dataplane_program_fd(dataplane), &opts))
		return -errno;
	return (int)opts.retval;
}

static u64 sum_packets(int map_fd, u32 index)
{
	struct sl_count counts[CPUS_MAX] = {0};
	u64 packets = 0;

	bpf_map_lookup_elem(map_fd, &index, counts);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++)
		packets += counts[cpu].packets;
	return packets;
}

u64 sl_run_counted(const struct sl_dataplane *dataplane, u32 counter)
{
	return sum_packets(sl_dataplane_maps(dataplane).rule_counters, counter);
}

u64 sl_run_fated(const struct sl_dataplane *dataplane, enum sl_fate_count fate)
{
	return sum_packets(sl_dataplane_maps(dataplane).fates, fate);
}

u32 sl_run_verified_insns(const struct sl_dataplane *dataplane)
{
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	if (bpf_obj_get_info_by_fd(sl_dataplane_program_fd(dataplane), &info, &size))
		return 0;
	return info.verified_insns;
}
