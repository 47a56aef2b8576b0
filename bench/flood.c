// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood DEV DST_MAC DST_IP SECONDS MPPS SOURCE/COUNT:PORT/COUNT...
 * flood DEV DST_MAC frames SECONDS MPPS FILE
 *
 * Sends 60-byte UDP frames, or those of a file (frames.h), out of DEV as fast as one core can, or
 * at MPPS where that is not 0, and prints "PACKETS SECONDS". Several swarms of senders take turns,
 * and so do the frames of a file. SIGTERM ends it early.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flood.h" /* the skeleton names its struct */
#include "frames_file.h"

#include "bench/flood.skel.h"

#define UDP_FRAME_SIZE 60
#define IP_OFFSET      14
#define UDP_OFFSET     34

/* What is sent: a program, and the frame that it is given to change. */
struct source {
	const struct bpf_program *program;
	const void *frame;
	unsigned int size;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put16(unsigned char *bytes, unsigned int value)
{
	bytes[0] = (unsigned char)(value >> 8);
	bytes[1] = (unsigned char)value;
}

static int parse_swarm(const char *text, struct swarm *ret_swarm)
{
	struct swarm swarm;
	struct in_addr source;
	char address[16];

	if (sscanf(text, "%15[0-9.]/%u:%u/%u", address, &swarm.sources, &swarm.first_port,
		   &swarm.ports) != 4 ||
	    inet_pton(AF_INET, address, &source) != 1 || !swarm.sources || !swarm.ports)
		return -EINVAL;
	swarm.first_source = ntohl(source.s_addr);
	*ret_swarm = swarm;
	return 0;
}

/* One frame with everything but its source; returns the sum of its IP header without that. */
static unsigned int build_frame(unsigned char *frame, const struct ether_addr *mac,
				struct in_addr destination)
{
	unsigned char *ip = frame + IP_OFFSET, *udp = frame + UDP_OFFSET;
	unsigned int sum = 0;

	memcpy(frame, mac, ETH_ALEN);
	frame[6] = 0x02; /* a locally administered sender */
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, UDP_FRAME_SIZE - IP_OFFSET);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 16, &destination, 4);
	put16(udp, 4242);
	put16(udp + 4, UDP_FRAME_SIZE - UDP_OFFSET);
	for (int i = 0; i < UDP_OFFSET - IP_OFFSET; i += 2)
		sum += (unsigned int)ip[i] << 8 | ip[i + 1];
	return sum;
}

static int run(const struct flood *skel, const struct source *source, double seconds)
{
	struct xdp_md context = {.data_end = source->size};
	double start = now(), elapsed = 0;
	int error = 0;

	while (!stopped && !error && elapsed < seconds) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = source->frame,
			    .data_size_in = source->size, .ctx_in = &context,
			    .ctx_size_in = sizeof context, .repeat = 1 << 20, .batch_size = 64,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, );

		error = bpf_prog_test_run_opts(bpf_program__fd(source->program), &options);
		elapsed = now() - start;
	}
	if (error && error != -EINTR) {
		fprintf(stderr, "flood: live frames: %s\n", strerror(-error));
		return 1;
	}
	printf("%llu %.4f\n", (unsigned long long)skel->bss->sent, elapsed);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: flood DEV DST_MAC DST_IP SECONDS MPPS "
			"SOURCE/COUNT:PORT/COUNT...\n"
			"       flood DEV DST_MAC frames SECONDS MPPS FILE\n");
	return 2;
}

static int flood_swarms(struct flood *skel, char **argv, int count, const struct ether_addr *mac)
{
	static unsigned char frame[UDP_FRAME_SIZE];
	const struct source source = {skel->progs.flood, frame, sizeof frame};
	struct in_addr destination;

	if (count > SWARMS_MAX || inet_pton(AF_INET, argv[3], &destination) != 1)
		return usage();
	skel->rodata->header_sum = build_frame(frame, mac, destination);
	skel->rodata->swarm_count = (unsigned int)count;
	for (int i = 0; i < count; i++)
		if (parse_swarm(argv[6 + i], (struct swarm *)&skel->rodata->swarms[i]))
			return usage();
	return flood__load(skel) ? 1 : run(skel, &source, atof(argv[4]));
}

static int flood_file(struct flood *skel, char **argv, const struct ether_addr *mac)
{
	static const struct frame frame; /* all of it is written for each packet */
	const struct source source = {skel->progs.flood_frames, &frame, sizeof frame};
	struct frames frames;
	int error = frames_read(argv[6], mac, &frames);

	if (!error)
		error = bpf_map__set_max_entries(skel->maps.frames, frames.count);
	if (!error)
		error = flood__load(skel);
	if (!error)
		error = frames_store(&frames, bpf_map__fd(skel->maps.frames));
	if (error) {
		fprintf(stderr, "flood: %s: %s\n", argv[6], strerror(-error));
		return 1;
	}
	skel->bss->frames_last = frames.count - 1;
	free(frames.items);
	return run(skel, &source, atof(argv[4]));
}

int main(int argc, char **argv)
{
	/* No SA_RESTART: a signal shall end a run in the kernel, too. */
	const struct sigaction action = {.sa_handler = stop};
	const struct ether_addr *mac;
	struct flood *skel;
	int status;

	if (argc < 7 || !(mac = ether_aton(argv[2])))
		return usage();
	skel = flood__open();
	if (!skel)
		return 1;
	skel->rodata->ifindex = if_nametoindex(argv[1]);
	skel->rodata->interval_ns =
		atof(argv[5]) > 0 ? (unsigned long long)(1e3 / atof(argv[5])) : 0;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	status = strcmp(argv[3], "frames") ? flood_swarms(skel, argv, argc - 6, mac)
					   : flood_file(skel, argv, mac);
	flood__destroy(skel);
	return status;
}
