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
 *	dearest_ns		of the frame that costs most when it comes again and again, over the
 *				empty program
 *	dearest			its position in the file
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

#include "bench/replay.skel.h"

#define ROUNDS       9
#define ROUND_FRAMES (1 << 19)
/* A frame by itself: as often as it takes to tell nanoseconds, the best of a few. */
#define ALONE_ROUNDS 3
#define ALONE_TIMES  1024

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
static unsigned int run(struct stage *stage, int times, __u32 *ret_verdict)
{
	struct frame frame = {{0}};
	struct xdp_md context = {.data_end = sizeof frame, .ingress_ifindex = stage->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = &frame, .data_size_in = sizeof frame,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = times, );
	int error = bpf_prog_test_run_opts(bpf_program__fd(stage->skel->progs.replay), &options);

	if (error)
		fail("BPF_PROG_TEST_RUN", error);
	if (options.retval == XDP_ABORTED)
		fail("the program did not run", ENOEXEC);
	if (ret_verdict)
		*ret_verdict = options.retval;
	return options.duration;
}

static void choose(struct stage *stage, unsigned int first, unsigned int last)
{
	stage->skel->bss->frames_first = stage->skel->bss->frames_next = first;
	stage->skel->bss->frames_last = last;
}

static unsigned int count_drops(struct stage *stage, unsigned int count)
{
	unsigned int drops = 0;
	__u32 verdict;

	take(stage, stage->program);
	choose(stage, 0, count - 1);
	for (unsigned int i = 0; i < count; i++) {
		run(stage, 1, &verdict);
		drops += verdict == XDP_DROP;
	}
	return drops;
}

static unsigned int time_alone(struct stage *stage)
{
	unsigned int best = ~0u;

	for (int i = 0; i < ALONE_ROUNDS; i++) {
		unsigned int ns = run(stage, ALONE_TIMES, NULL);

		best = ns < best ? ns : best;
	}
	return best;
}

static void print_dearest(struct stage *stage, unsigned int count)
{
	unsigned int dearest = 0, most = 0, empty;

	choose(stage, 0, 0);
	take(stage, bpf_program__fd(stage->skel->progs.empty));
	empty = time_alone(stage);
	take(stage, stage->program);
	for (unsigned int i = 0; i < count; i++) {
		unsigned int ns;

		choose(stage, i, i);
		ns = time_alone(stage);
		if (ns > most) {
			most = ns;
			dearest = i;
		}
	}
	printf(", \"dearest_ns\": %d, \"dearest\": %u", (int)most - (int)empty, dearest);
}

static void print_times(const char *name, const unsigned int *ns)
{
	printf(", \"%s\": [", name);
	for (int i = 0; i < ROUNDS; i++)
		printf("%s%u", i ? ", " : "", ns[i]);
	printf("]");
}

/* In turns, so that a noisy minute hits both. */
static void print_rounds(struct stage *stage, unsigned int count)
{
	unsigned int empty_ns[ROUNDS], program_ns[ROUNDS];

	choose(stage, 0, count - 1);
	for (int i = 0; i < ROUNDS; i++) {
		take(stage, bpf_program__fd(stage->skel->progs.empty));
		empty_ns[i] = run(stage, ROUND_FRAMES, NULL);
		take(stage, stage->program);
		program_ns[i] = run(stage, ROUND_FRAMES, NULL);
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
	error = replay__load(stage->skel);
	if (!error)
		error = frames_store(&frames, bpf_map__fd(stage->skel->maps.frames));
	if (error)
		fail("load", error);
	printf("{\"frames\": %u, \"dropped\": %u", frames.count, count_drops(stage, frames.count));
	print_rounds(stage, frames.count);
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
