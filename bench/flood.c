// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood DEV DST_MAC DST_IP SECONDS MPPS SOURCE/COUNT:PORT/COUNT...
 *
 * Sends 60-byte UDP frames out of DEV as fast as one core can, or at MPPS where that is not 0, and
 * prints "PACKETS SECONDS". Several swarms of senders take turns. SIGTERM ends it early.
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

#include "bench/flood.skel.h"

#define FRAME_SIZE 60
#define IP_OFFSET  14
#define UDP_OFFSET 34

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
	put16(ip + 2, FRAME_SIZE - IP_OFFSET);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 16, &destination, 4);
	put16(udp, 4242);
	put16(udp + 4, FRAME_SIZE - UDP_OFFSET);
	for (int i = 0; i < UDP_OFFSET - IP_OFFSET; i += 2)
		sum += (unsigned int)ip[i] << 8 | ip[i + 1];
	return sum;
}

static int run(const struct flood *skel, const unsigned char *frame, double seconds)
{
	struct xdp_md context = {.data_end = FRAME_SIZE};
	double start = now(), elapsed = 0;
	int error = 0;

	while (!stopped && !error && elapsed < seconds) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
			    .data_size_in = FRAME_SIZE, .ctx_in = &context,
			    .ctx_size_in = sizeof context, .repeat = 1 << 20, .batch_size = 64,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, );

		error = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.flood), &options);
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
			"SOURCE/COUNT:PORT/COUNT...\n");
	return 2;
}

int main(int argc, char **argv)
{
	/* No SA_RESTART: a signal shall end a run in the kernel, too. */
	const struct sigaction action = {.sa_handler = stop};
	unsigned char frame[FRAME_SIZE] = {0};
	const struct ether_addr *mac;
	struct in_addr destination;
	struct flood *skel;
	int status;

	if (argc < 7 || argc - 6 > SWARMS_MAX || !(mac = ether_aton(argv[2])) ||
	    inet_pton(AF_INET, argv[3], &destination) != 1)
		return usage();
	skel = flood__open();
	if (!skel)
		return 1;
	skel->rodata->ifindex = if_nametoindex(argv[1]);
	skel->rodata->header_sum = build_frame(frame, mac, destination);
	skel->rodata->interval_ns =
		atof(argv[5]) > 0 ? (unsigned long long)(1e3 / atof(argv[5])) : 0;
	skel->rodata->swarm_count = (unsigned int)argc - 6;
	for (int i = 6; i < argc; i++)
		if (parse_swarm(argv[i], (struct swarm *)&skel->rodata->swarms[i - 6]))
			return usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	status = flood__load(skel) ? 1 : run(skel, frame, atof(argv[4]));
	flood__destroy(skel);
	return status;
}
