// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_sampling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load/samples.h"

/* Samples a second that tell enough, and in a burst when it is time to take fewer at once. */
#define ENOUGH    300
#define TOO_MANY  1000
#define EVERY_MAX (1u << 24)

/* One device. */
struct watch {
	char device[IF_NAMESIZE];
	struct sl_sampler *sampler; /* NULL: there is none, for the reason in `diag` */
	struct sl_top_sources sources;
	u64 read_ns; /* until when they are of */
	u32 every;   /* one of so many is sampled */
	u64 since_ns;
	u32 taken; /* samples since then */
	bool is_wanted;
	struct sl_diag diag;
};

struct sl_top_sampling {
	struct watch **watches;
	u32 count;
	int epoll;
};

struct sl_top_sampling *sl_top_sampling_new(void)
{
	struct sl_top_sampling *sampling = calloc(1, sizeof *sampling);

	if (!sampling)
		return NULL;
	sampling->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sampling->epoll >= 0)
		return sampling;
	free(sampling);
	return NULL;
}

static void stop(struct sl_top_sampling *sampling, struct watch *watch)
{
	if (watch->sampler)
		epoll_ctl(sampling->epoll, EPOLL_CTL_DEL, sl_sampler_fd(watch->sampler), NULL);
	sl_sampler_close(watch->sampler);
	watch->sampler = NULL;
}

void sl_top_sampling_pause(struct sl_top_sampling *sampling)
{
	for (u32 i = 0; i < sampling->count; i++)
		stop(sampling, sampling->watches[i]);
}

void sl_top_sampling_free(struct sl_top_sampling *sampling)
{
	if (!sampling)
		return;
	sl_top_sampling_pause(sampling);
	for (u32 i = 0; i < sampling->count; i++)
		free(sampling->watches[i]);
	free(sampling->watches);
	sl_close(&sampling->epoll);
	free(sampling);
}

/* Reading */

static void add_sample(void *context, const struct sl_sample *sample)
{
	struct watch *watch = context;
	struct sl_top_address address;

	watch->taken++;
	if (sl_top_address_of(sample, &address))
		sl_top_sources_add(&watch->sources, &address, sample->every);
}

static void set_every(struct watch *watch, double every)
{
	if (every < 1)
		every = 1;
	watch->every = every < EVERY_MAX ? (u32)every : EVERY_MAX;
	sl_sampler_set_every(watch->sampler, watch->every);
}

/*
 * A flood that begins fills the ring at once, and from then on each drop pays for finding it full:
 * so it is not waited for until the second is over.
 */
static void adapt(struct watch *watch, u64 now_ns)
{
	double seconds = (double)(now_ns - watch->since_ns) / 1e9;

	if (watch->taken > TOO_MANY && seconds < 1)
		set_every(watch, watch->every * 16.0);
	else if (seconds >= 1 &&
		 (watch->taken > 2.0 * ENOUGH * seconds || watch->taken < ENOUGH / 4.0 * seconds))
		set_every(watch, watch->every * (watch->taken / seconds) / ENOUGH);
	else if (seconds < 1)
		return;
	watch->since_ns = now_ns;
	watch->taken = 0;
}

static void read_samples(struct sl_top_sampling *sampling, struct watch *watch)
{
	u64 now_ns = sl_monotonic_ns();

	sl_sampler_read(watch->sampler, add_sample, watch);
	sl_top_sources_age(&watch->sources, (double)(now_ns - watch->read_ns) / 1e9);
	watch->read_ns = now_ns;
	adapt(watch, now_ns);
	if (sl_sampler_renew(watch->sampler, &watch->diag))
		stop(sampling, watch);
}

void sl_top_sampling_read(struct sl_top_sampling *sampling)
{
	for (u32 i = 0; i < sampling->count; i++)
		if (sampling->watches[i]->sampler)
			read_samples(sampling, sampling->watches[i]);
}

/* Following */

/* What was known is of another time. */
static void start(struct sl_top_sampling *sampling, u64 net_cookie, struct watch *watch)
{
	struct epoll_event event = {.events = EPOLLIN};

	watch->every = 1;
	watch->diag.text[0] = '\0';
	if (sl_sampler_open(net_cookie, watch->device, watch->every, &watch->sampler, &watch->diag))
		return;
	watch->sources = (struct sl_top_sources){0};
	watch->read_ns = watch->since_ns = sl_monotonic_ns();
	watch->taken = 0;
	if (epoll_ctl(sampling->epoll, EPOLL_CTL_ADD, sl_sampler_fd(watch->sampler), &event))
		stop(sampling, watch);
}

static struct watch *find(const struct sl_top_sampling *sampling, const char *device)
{
	for (u32 i = 0; i < sampling->count; i++)
		if (!strcmp(sampling->watches[i]->device, device))
			return sampling->watches[i];
	return NULL;
}

/* NULL: out of memory. */
static struct watch *find_or_add(struct sl_top_sampling *sampling, const char *device)
{
	struct watch *watch = find(sampling, device), **watches;

	if (watch)
		return watch;
	watches = realloc(sampling->watches, (sampling->count + 1) * sizeof(struct watch *));
	if (!watches)
		return NULL;
	sampling->watches = watches;
	watch = calloc(1, sizeof *watch);
	if (!watch)
		return NULL;
	memccpy(watch->device, device, 0, sizeof watch->device - 1);
	watches[sampling->count++] = watch;
	return watch;
}

static void drop_unwanted(struct sl_top_sampling *sampling)
{
	u32 kept = 0;

	for (u32 i = 0; i < sampling->count; i++) {
		struct watch *watch = sampling->watches[i];

		if (watch->is_wanted) {
			sampling->watches[kept++] = watch;
			watch->is_wanted = false;
			continue;
		}
		stop(sampling, watch);
		free(watch);
	}
	sampling->count = kept;
}

int sl_top_sampling_follow(struct sl_top_sampling *sampling, u64 net_cookie,
			   const struct sl_top_model *model, bool all)
{
	for (u32 i = 0; i < model->count; i++) {
		const char *device = model->devices[i].attachment.info.device;
		struct watch *watch;

		if (!all && i != model->selected)
			continue;
		watch = find_or_add(sampling, device);
		if (!watch)
			return -ENOMEM;
		watch->is_wanted = true;
		if (watch->sampler && !sl_sampler_is_of(watch->sampler, net_cookie, device))
			stop(sampling, watch);
		if (!watch->sampler)
			start(sampling, net_cookie, watch);
	}
	drop_unwanted(sampling);
	return 0;
}

int sl_top_sampling_fd(const struct sl_top_sampling *sampling)
{
	return sampling->epoll;
}

const struct sl_top_sources *sl_top_sampling_find(struct sl_top_sampling *sampling,
						  const char *device, const char **ret_why)
{
	struct watch *watch = find(sampling, device);

	if (!watch)
		return NULL;
	*ret_why = watch->diag.text[0] ? watch->diag.text : NULL;
	sl_top_sources_sort(&watch->sources);
	return &watch->sources;
}
