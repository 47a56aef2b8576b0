// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay DEV PROGRAM_ID DST_MAC FILE...
 *
 * What does the XDP program cost for each packet? Runs it with BPF_PROG_TEST_RUN over the frames of
 * each file, as if they came in by DEV, and an empty program in the same way; prints a line of JSON
 * for each file:
 *
 *	frames			how many
 *	dropped			of them, by the program
 *	empty_ns, program_ns	each round's mean for a packet, all frames in turn; the cost is the
 *				difference
 *	repeated_ns		the same cost when each frame comes many times in a row, so that all
 *				of its way is in the caches
 *	dearest_ns, dearest	of the frame that costs most then, and its position in the file
 *
 * Times are the kernel's own, which leaves out what other work took the core meanwhile for.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames_file.h"
#include "replay.h"

#include "bench/replay.skel.h"

#define ROUNDS       9
#define ROUND_FRAMES (1 << 19)
/* How often each frame's time is taken when it comes again and again; the best counts. */
#define SLOW_ROUNDS 4

struct stage {
	struct replay *skel;
	int program; /* under test */
	unsigned int ifindex;
};

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static void take(struct stage *stage, int program)
{
	const __u32 only = 0;

	if (bpf_map_update_elem(bpf_map__fd(stage->skel->maps.slot), &only, &program, BPF_ANY))
		fail("put the program behind ours", errno);
}

/* The mean of `times` packets in ns; `ret_verdict` is the last one's. */
static unsigned int run(struct stage *stage, const struct bpf_program *program, int times,
			__u32 *ret_verdict)
{
	struct frame frame = {{0}};
	struct xdp_md context = {.data_end = sizeof frame, .ingress_ifindex = stage->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &frame, .data_size_in = sizeof frame,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = times, );
	int error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	if (error)
		fail("BPF_PROG_TEST_RUN", error);
	if (options.retval == XDP_ABORTED)
		fail("the program did not run", ENOEXEC);
	if (ret_verdict)
		*ret_verdict = options.retval;
	return options.duration;
}

static unsigned int count_drops(struct stage *stage, unsigned int count)
{
	unsigned int drops = 0;
	__u32 verdict;

	take(stage, stage->program);
	for (unsigned int i = 0; i < count; i++) {
		run(stage, stage->skel->progs.replay, 1, &verdict);
		drops += verdict == XDP_DROP;
	}
	return drops;
}

/* Replays slowly, and sees which frame took longest, and how long all took on average. */
static __u64 time_each(struct stage *stage, unsigned int count, int program,
		       unsigned int *ret_dearest, double *ret_mean)
{
	int map = bpf_map__fd(stage->skel->maps.least_ns);
	__u64 ns, none = 0, most = 0, sum = 0;

	for (unsigned int i = 0; i < count; i++)
		bpf_map_update_elem(map, &i, &none, BPF_ANY);
	stage->skel->bss->frames_next = stage->skel->bss->times = 0;
	take(stage, program);
	run(stage, stage->skel->progs.replay_slowly, SLOW_ROUNDS * (int)count * (REPLAY_DWELL + 2),
	    NULL);
	for (unsigned int i = 0; i < count; i++) {
		if (bpf_map_lookup_elem(map, &i, &ns))
			fail("times", errno);
		sum += ns;
		if (ns > most) {
			most = ns;
			*ret_dearest = i;
		}
	}
	*ret_mean = (double)sum / count;
	return most;
}

static void print_dearest(struct stage *stage, unsigned int count)
{
	unsigned int dearest = 0, unused;
	double empty, mean;
	__u64 most;

	time_each(stage, count, bpf_program__fd(stage->skel->progs.empty), &unused, &empty);
	most = time_each(stage, count, stage->program, &dearest, &mean);
	printf(", \"repeated_ns\": %.1f, \"dearest_ns\": %.1f, \"dearest\": %u",
	       (mean - empty) / REPLAY_DWELL, ((double)most - empty) / REPLAY_DWELL, dearest);
}

static void print_times(const char *name, const unsigned int *ns)
{
	printf(", \"%s\": [", name);
	for (int i = 0; i < ROUNDS; i++)
		printf("%s%u", i ? ", " : "", ns[i]);
	printf("]");
}

/* In turns, so that a noisy minute hits both. */
static void print_rounds(struct stage *stage)
{
	unsigned int empty_ns[ROUNDS], program_ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		take(stage, bpf_program__fd(stage->skel->progs.empty));
		empty_ns[i] = run(stage, stage->skel->progs.replay, ROUND_FRAMES, NULL);
		take(stage, stage->program);
		program_ns[i] = run(stage, stage->skel->progs.replay, ROUND_FRAMES, NULL);
	}
	print_times("empty_ns", empty_ns);
	print_times("program_ns", program_ns);
}

static void measure(struct stage *stage, const char *path, const struct ether_addr *mac)
{
	struct frames frames;
	int error = frames_read(path, mac, &frames);

	if (error)
		fail(path, error);
	stage->skel = replay__open();
	if (!stage->skel)
		fail("open", errno);
	bpf_map__set_max_entries(stage->skel->maps.frames, frames.count);
	bpf_map__set_max_entries(stage->skel->maps.least_ns, frames.count);
	error = replay__load(stage->skel);
	stage->skel->bss->frames_last = frames.count - 1;
	if (!error)
		error = frames_store(&frames, bpf_map__fd(stage->skel->maps.frames));
	if (error)
		fail("load", error);
	printf("{\"frames\": %u, \"dropped\": %u", frames.count, count_drops(stage, frames.count));
	print_rounds(stage);
	print_dearest(stage, frames.count);
	printf("}\n");
	replay__destroy(stage->skel);
	free(frames.items);
}

int main(int argc, char **argv)
{
	const struct ether_addr *mac;
	struct stage stage = {0};

	if (argc < 5 || !(mac = ether_aton(argv[3]))) {
		fprintf(stderr, "usage: replay DEV PROGRAM_ID DST_MAC FILE...\n");
		return 2;
	}
	stage.ifindex = if_nametoindex(argv[1]);
	stage.program = bpf_prog_get_fd_by_id((__u32)atoi(argv[2]));
	if (stage.program < 0)
		fail("no such program", errno);
	for (int i = 4; i < argc; i++)
		measure(&stage, argv[i], mac);
	return 0;
}
