// SPDX-License-Identifier: GPL-2.0-only
#include "load/recents.h"

#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load/recent_seed.h"
#include "source/command.h"
#include "source/namespace.h"

#define PARAMETERS      "/sys/module/xt_recent/parameters/"
#define WITNESS_LIST    "/proc/self/net/xt_recent/sluice"
#define TOOL_TIMEOUT_MS 10000
#define GRACE_MS        250 /* that a packet may need to come to the rule, and more */

static bool read_parameter(const char *path, u32 *ret_value)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");

	return file && fscanf(file, "%u", ret_value) == 1;
}

/* The coarse clock goes by the kernel's ticks. */
static u32 ticks_per_second(void)
{
	struct timespec tick;
	u64 ns;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || tick.tv_sec || !tick.tv_nsec)
		return 0;
	ns = (u64)tick.tv_nsec;
	return (u32)((1000 * SL_NS_PER_MS + ns / 2) / ns);
}

/* Learning the seed */

static int add_rule(const struct sl_namespace *namespace)
{
	static const char rules[] = "*filter\n-A INPUT -m recent --name sluice --set\nCOMMIT\n";
	static const char *const argv[] = {"iptables-nft-restore", NULL};
	SL_CLEANUP(sl_command_result_free) struct sl_command_result result = {0};
	SL_CLEANUP(sl_close) int fd = memfd_create("rules", MFD_CLOEXEC);
	const struct sl_command command = {.argv = argv,
					   .input_fd = fd,
					   .timeout_ms = TOOL_TIMEOUT_MS,
					   .namespace = namespace};
	struct sl_diag diag;

	if (fd < 0 || write(fd, rules, strlen(rules)) != (ssize_t)strlen(rules) ||
	    lseek(fd, 0, SEEK_SET))
		return -1;
	return sl_command_run(&command, &result, &diag) || result.status ? -1 : 0;
}

static int fill(int fd)
{
	for (u32 i = 1; i <= SL_RECENT_WITNESSES; i++) {
		char line[32];
		int length = snprintf(line, sizeof line, "+192.0.2.%u\n", i);

		if (lseek(fd, 0, SEEK_SET) || write(fd, line, (size_t)length) != length)
			return -1;
	}
	return 0;
}

/* Lessons are of one list in a namespace of its own, whose entries nobody changes. */
static bool learn(struct sl_observer *observer, const struct sl_limit *rule, u32 buckets,
		  struct sl_recent_lesson *ret_lesson)
{
	SL_CLEANUP(sl_namespace_cleanup) struct sl_namespace *namespace = NULL;
	SL_CLEANUP(sl_close) int fd = -1;
	struct sl_diag diag;

	return !sl_namespace_new(&namespace, &diag) && !add_rule(namespace) &&
	       !sl_namespace_open_file(namespace, WITNESS_LIST, O_RDWR, &fd) && !fill(fd) &&
	       !sl_observer_learn_of_recents(observer, rule, fd, buckets, ret_lesson, &diag) &&
	       ret_lesson->match;
}

/* It stays what it is while the module does, and another one's would be another. */
static bool is_known(struct sl_observer *observer, const struct sl_limit *rule, u32 buckets)
{
	const struct sl_recent_seed *seed = sl_observer_recent_seed(observer);
	struct sl_recent_lesson lesson;
	struct sl_diag diag;

	return seed->match &&
	       !sl_observer_learn_of_recents(observer, rule, -1, buckets, &lesson, &diag) &&
	       lesson.match == seed->match && lesson.words[seed->index] == seed->seed;
}

static bool find_seed(struct sl_observer *observer, const struct sl_limit *rule, u32 buckets)
{
	struct sl_recent_seed *seed = sl_observer_recent_seed(observer);
	struct sl_recent_lesson lesson;
	u32 index;

	if (is_known(observer, rule, buckets))
		return true;
	seed->match = 0;
	if (!learn(observer, rule, buckets, &lesson) ||
	    !sl_recent_seed_find(lesson.words, SL_RECENT_WORDS, lesson.witnesses,
				 lesson.witness_count, buckets, &index))
		return false;
	*seed = (struct sl_recent_seed){lesson.match, index, lesson.words[index]};
	return true;
}

/* Lists */

struct recent_kind {
	u32 room, buckets, ticks;
};

static bool read_kind(struct recent_kind *ret_kind)
{
	ret_kind->ticks = ticks_per_second();
	return ret_kind->ticks && read_parameter(PARAMETERS "ip_list_tot", &ret_kind->room) &&
	       read_parameter(PARAMETERS "ip_list_hash_size", &ret_kind->buckets) &&
	       ret_kind->buckets && !(ret_kind->buckets & (ret_kind->buckets - 1));
}

static int open_list(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "/proc/thread-self/net/xt_recent/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void finish(const struct recent_kind *kind, u32 seed, const struct sl_filled *filled,
		   struct sl_recent_place *place)
{
	place->seed = seed;
	place->buckets = kind->buckets;
	place->room = kind->room;
	place->window = filled->seconds * kind->ticks; /* 32 bits, as there */
	place->grace = kind->ticks * GRACE_MS / 1000 + 1;
	place->hits = filled->hits ?: 1;
	place->length = filled->key_length;
	place->family = (u16)filled->family;
}

static void find_lists(struct sl_observer *observer, const struct recent_kind *kind,
		       const struct sl_filled *filled, u32 count,
		       struct sl_recent_place ret_places[SL_FILLED_MAX])
{
	struct sl_recent_query queries[SL_FILLED_MAX] = {0};
	struct sl_diag diag;
	int error;

	for (u32 i = 0; i < count; i++) {
		queries[i].fd = filled[i].is_recent ? open_list(filled[i].name) : -1;
		queries[i].is_ip6 = filled[i].family == NFPROTO_IPV6;
	}
	error = sl_observer_find_recents(observer, queries, count, &diag);
	for (u32 i = 0; i < count; i++) {
		sl_close(&queries[i].fd);
		if (error || !queries[i].place.table)
			continue;
		ret_places[i] = queries[i].place;
		finish(kind, sl_observer_recent_seed(observer)->seed, &filled[i], &ret_places[i]);
	}
}

void sl_recent_find(struct sl_observer *observer, const struct sl_filled *filled, u32 count,
		    struct sl_recent_place ret_places[SL_FILLED_MAX])
{
	struct recent_kind kind;
	u32 i = 0;

	memset(ret_places, 0, SL_FILLED_MAX * sizeof *ret_places);
	if (count > SL_FILLED_MAX)
		count = SL_FILLED_MAX;
	while (i < count && !filled[i].is_recent)
		i++;
	if (i < count && read_kind(&kind) && find_seed(observer, &filled[i].asked_by, kind.buckets))
		find_lists(observer, &kind, filled, count, ret_places);
}
