// SPDX-License-Identifier: GPL-2.0-only
/*
 * gauge PIN_DIRECTORY
 *
 * Looks four thousand times a second at what an attached sluice counts, while packets come that the
 * rules drop at all times, and listens for changes of the rules; runs in the network namespace of
 * those. SIGTERM ends it; it then prints one JSON object:
 *
 *	seconds		it looked for
 *	dropped_early, passed_stale, passed_otherwise	packets
 *	gaps_ms		times in which such packets passed, since the rules had changed
 *	returns_ms	from a change to the first early drop after it: no less than that, and
 *			at most two looks more
 *
 * It reads the pinned maps by itself, since sluice's own `status` takes longer than a gap.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "abi/state.h"

#define PERIOD_NS 250000
#define TIMES_MAX 100000
#define CPUS_MAX  1024

struct counts {
	__u64 dropped, stale, otherwise;
};

struct times {
	double ms[TIMES_MAX];
	unsigned int count;
};

struct gauge {
	const char *pin;
	int fd;             /* the map of the present generation */
	__u32 id;           /* … and its number in the kernel */
	struct counts last; /* of this map */
	struct counts sum;  /* of all */
	int notices;
	double changed_ms; /* when the rules changed that are not enforced early yet; 0: none */
	double gap_ms;     /* of the gap that lasts; 0: none does */
	struct times gaps, returns;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "gauge: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static __u64 read_fate(int fd, __u32 fate)
{
	static struct sl_count counts[CPUS_MAX];
	__u64 sum = 0;

	if (bpf_map_lookup_elem(fd, &fate, counts))
		fail("the counts");
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		sum += counts[cpu].packets;
	return sum;
}

static struct counts read_counts(int fd)
{
	struct counts counts = {read_fate(fd, SL_DROPPED), read_fate(fd, SL_PASSED_STALE), 0};

	for (__u32 fate = SL_PASSED_ODD; fate < SL_PASSED_STALE; fate++)
		counts.otherwise += read_fate(fd, fate);
	return counts;
}

static void add(struct counts *sum, struct counts more)
{
	sum->dropped += more.dropped;
	sum->stale += more.stale;
	sum->otherwise += more.otherwise;
}

/* What the present map has counted since the last look. */
static struct counts read_news(struct gauge *gauge)
{
	struct counts now = read_counts(gauge->fd), last = gauge->last;

	gauge->last = now;
	return (struct counts){now.dropped - last.dropped, now.stale - last.stale,
			       now.otherwise - last.otherwise};
}

/* A new generation of the program has new maps, which count from 0. */
static bool follow_pin(struct gauge *gauge)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof info;
	int fd = bpf_obj_get(gauge->pin);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		fail(gauge->pin);
	if (info.id == gauge->id) {
		close(fd);
		return false;
	}
	if (gauge->fd >= 0)
		close(gauge->fd);
	gauge->fd = fd;
	gauge->id = info.id;
	gauge->last = (struct counts){0};
	return true;
}

static struct counts look(struct gauge *gauge)
{
	struct counts news = read_news(gauge);

	if (follow_pin(gauge))
		add(&news, read_news(gauge));
	add(&gauge->sum, news);
	return news;
}

static void note(struct times *times, double ms)
{
	if (times->count < TIMES_MAX)
		times->ms[times->count++] = ms;
}

/*
 * A look that saw both kinds saw an edge of a gap, somewhere within; how many of each there were
 * tells where. One that saw nothing tells nothing: a gap lasts until something is dropped.
 */
static void add_to_gap(struct gauge *gauge, struct counts news, double took_ms)
{
	if (news.stale) {
		gauge->gap_ms += took_ms * (double)news.stale / (double)(news.stale + news.dropped);
	} else if (!news.dropped && gauge->gap_ms > 0) {
		gauge->gap_ms += took_ms;
	} else if (gauge->gap_ms > 0) {
		note(&gauge->gaps, gauge->gap_ms);
		gauge->gap_ms = 0;
	}
}

static int listen_for_changes(void)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int group = NFNLGRP_NFTABLES, room = 8 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group))
		fail("a netlink socket");
	return fd;
}

/* Whether a transaction ended; its notices come with the commit itself. */
static bool has_changed(int notices)
{
	static char buffer[64 << 10];
	bool changed = false;

	while (recv(notices, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
		changed = true;
	return changed;
}

/* Once the rules have changed nothing is dropped early until sluice has followed. */
static void time_return(struct gauge *gauge, bool dropped, double then, double now)
{
	if (dropped && gauge->changed_ms > 0) {
		note(&gauge->returns, now - gauge->changed_ms);
		gauge->changed_ms = 0;
	}
	if (has_changed(gauge->notices) && gauge->changed_ms <= 0)
		gauge->changed_ms = then;
}

static void print_times(const char *name, const struct times *times)
{
	printf(", \"%s\": [", name);
	for (unsigned int i = 0; i < times->count; i++)
		printf("%s%.3f", i ? ", " : "", times->ms[i]);
	printf("]");
}

static void print(const struct gauge *gauge, double seconds)
{
	printf("{\"seconds\": %.3f, \"dropped_early\": %llu, \"passed_stale\": %llu, "
	       "\"passed_otherwise\": %llu",
	       seconds, gauge->sum.dropped, gauge->sum.stale, gauge->sum.otherwise);
	print_times("gaps_ms", &gauge->gaps);
	print_times("returns_ms", &gauge->returns);
	printf("}\n");
}

static void watch(struct gauge *gauge)
{
	const struct timespec period = {.tv_nsec = PERIOD_NS};
	double then = now_ms();

	while (!stopped) {
		struct counts news;
		double now;

		nanosleep(&period, NULL);
		news = look(gauge);
		now = now_ms();
		add_to_gap(gauge, news, now - then);
		time_return(gauge, news.dropped > 0, then, now);
		then = now;
	}
	if (gauge->gap_ms > 0) /* it lasts */
		note(&gauge->gaps, gauge->gap_ms);
}

int main(int argc, char **argv)
{
	static struct gauge gauge = {.fd = -1};
	static char pin[256]; /* the gauge points there */
	double start;

	if (argc != 2) {
		fprintf(stderr, "usage: gauge PIN_DIRECTORY\n");
		return 2;
	}
	signal(SIGTERM, stop);
	snprintf(pin, sizeof pin, "%s/fates", argv[1]);
	gauge.pin = pin;
	gauge.notices = listen_for_changes();
	follow_pin(&gauge);
	read_news(&gauge); /* what was before does not count */
	printf("ready\n");
	fflush(stdout);
	start = now_ms();
	watch(&gauge);
	print(&gauge, (now_ms() - start) / 1e3);
	return 0;
}
