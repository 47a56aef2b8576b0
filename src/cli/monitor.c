// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/signals.h"
#include "cli/monitor.h"
#include "cli/packet_text.h"
#include "cli/pcapng.h"
#include "load/pins.h"

#define TICK_MS 500
/* Where nobody says otherwise: under a flood it costs nothing that could be measured. */
#define EVERY 100
/*
 * Samples of one round may take so long: with many thousands of rules to walk, one takes
 * milliseconds. Behind that they count as lost.
 */
#define ROUND_NS (200 * SL_NS_PER_MS)
/* More devices are not watched at once. */
#define DEVICES_MAX 64

/* A device, from when it was seen to be attached on; also when it is no more. */
struct watched {
	char device[IF_NAMESIZE];
	u32 own_program; /* at TC, which is no stranger to a compile; else 0 */
	struct sl_monitor_state state;
	struct sl_sampler *sampler; /* NULL: none, or somebody else reads them */
	u64 lost;                   /* by samplers before, and by us */
	struct sl_monitor_rules rules;
	u32 interface; /* in the capture, from 1; 0: none yet */
};

struct monitor {
	const struct sl_cli *cli;
	struct sl_observer *observer;
	u64 net_cookie;
	struct watched devices[DEVICES_MAX];
	u32 count;
	FILE *capture; /* NULL: none */
	u32 interfaces;
	bool is_quiet; /* the capture is standard output */
	u64 epoch_ns;  /* CLOCK_REALTIME − CLOCK_MONOTONIC */
	u64 shown;     /* samples */
	int error;     /* that ends it */
	struct sl_diag *diag;
	u64 ticked_ns, round_ns; /* when the last tick was, and when the round began */
};

static u64 realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* Samples */

/* In words; malloc'd, or NULL. */
static char *describe_packet(struct watched *watched, const struct sl_monitor_frame *frame)
{
	static const struct sl_device any;
	const struct sl_compiled *compiled = watched->rules.compiled;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct sl_frame whole = sl_deciders_frame(&watched->rules.deciders, frame->bytes,
						  frame->captured, frame->length);

	if (!out)
		return NULL;
	sl_packet_print(compiled ? &compiled->meaning->device : &any, watched->device, whole.bytes,
			whole.length, out);
	fclose(out);
	return text;
}

static char *describe_cause(const struct sl_monitor_drop *drop)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "drop at %s by ", sl_monitor_place_name(drop->sample->place));
	sl_monitor_print_cause(drop, out);
	fclose(out);
	return text;
}

static void capture(struct monitor *monitor, struct watched *watched,
		    const struct sl_monitor_drop *drop)
{
	static const enum sl_pcapng_verdict verdicts[] = {
		[SL_SAMPLE_XDP] = SL_PCAPNG_XDP_DROP,
		[SL_SAMPLE_TC] = SL_PCAPNG_TC_SHOT,
		[SL_SAMPLE_HOOK] = SL_PCAPNG_NO_VERDICT,
	};
	SL_CLEANUP(sl_free) char *comment = describe_cause(drop);

	if (!watched->interface) {
		watched->interface = ++monitor->interfaces;
		sl_pcapng_interface(monitor->capture, watched->device, "early drops, sampled",
				    sizeof drop->frame.bytes);
	}
	sl_pcapng_packet(monitor->capture, &(struct sl_pcapng_packet){
						   .interface = watched->interface - 1,
						   .at_ns = drop->at_ns,
						   .bytes = drop->frame.bytes,
						   .captured = drop->frame.captured,
						   .length = drop->frame.length,
						   .comment = comment,
						   .verdict = verdicts[drop->sample->place],
					   });
	if (fflush(monitor->capture))
		monitor->error = sl_fail(monitor->diag, errno, "cannot write %s: %s",
					 monitor->cli->pcap, strerror(errno));
}

static void show(struct monitor *monitor, const struct sl_monitor_drop *drop)
{
	if (monitor->is_quiet)
		return;
	if (!monitor->cli->json)
		sl_monitor_print_drop(drop);
	else if (sl_monitor_write_drop(drop))
		monitor->error = sl_fail_memory(monitor->diag);
}

static bool is_enough(const struct monitor *monitor)
{
	return monitor->cli->count && monitor->shown >= monitor->cli->count;
}

struct hearing {
	struct monitor *monitor;
	struct watched *watched;
};

static void hear(void *context, const struct sl_sample *sample)
{
	const struct hearing *hearing = context;
	struct monitor *monitor = hearing->monitor;
	struct watched *watched = hearing->watched;
	struct sl_monitor_drop drop = {.device = watched->device, .sample = sample};
	const struct sl_monitor_place place = {monitor->observer, monitor->net_cookie,
					       watched->device, watched->own_program};
	SL_CLEANUP(sl_free) char *packet = NULL;

	if (is_enough(monitor) || monitor->error || sample->place > SL_SAMPLE_HOOK)
		return;
	if (sl_monotonic_ns() - monitor->round_ns > ROUND_NS) {
		watched->lost++;
		return;
	}
	drop.at_ns = monitor->epoch_ns + sample->at_ns;
	drop.answer =
		sl_monitor_rules_find(&watched->rules, &place, sample, &drop.frame, &drop.decider);
	/* To read the rules is no sample's fault. */
	if (watched->rules.tried_ns > monitor->round_ns)
		monitor->round_ns = sl_monotonic_ns();
	packet = describe_packet(watched, &drop.frame);
	drop.packet = packet ? packet : "";
	show(monitor, &drop);
	if (monitor->capture)
		capture(monitor, watched, &drop);
	monitor->shown++;
}

static void read_samples(struct monitor *monitor)
{
	monitor->round_ns = sl_monotonic_ns();
	for (u32 i = 0; i < monitor->count; i++) {
		struct hearing hearing = {monitor, &monitor->devices[i]};

		if (hearing.watched->sampler)
			sl_sampler_read(hearing.watched->sampler, hear, &hearing);
	}
}

/* State */

static struct sl_monitor_state state_of(const struct sl_attachment *attachment)
{
	const struct sl_info *info = &attachment->info;

	return (struct sl_monitor_state){
		.is_attached = info->mode != SL_MODE_NONE,
		.is_alive = attachment->is_alive,
		.is_fresh = attachment->is_fresh,
		.is_kept = attachment->is_kept,
		.generations = info->generations,
		.rules = info->rules,
		.read_ms = info->read_ms,
		.made_ms = info->made_ms,
		.mode = info->mode,
		.keeper = attachment->keeper,
	};
}

static void tell(struct monitor *monitor, const struct watched *watched,
		 const struct sl_monitor_state *now)
{
	u32 events = sl_monitor_compare(&watched->state, now);
	u64 at_ns = realtime_ns();

	for (u32 event = 0; event < SL_EVENTS && !monitor->is_quiet; event++) {
		if (!(events & 1u << event))
			continue;
		if (!monitor->cli->json)
			sl_monitor_print_event(at_ns, watched->device, event, &watched->state, now);
		else if (sl_monitor_write_event(at_ns, watched->device, event, &watched->state,
						now))
			monitor->error = sl_fail_memory(monitor->diag);
	}
}

static struct watched *find_watched(struct monitor *monitor, const char *device)
{
	struct watched *watched = &monitor->devices[monitor->count];

	for (u32 i = 0; i < monitor->count; i++)
		if (!strcmp(monitor->devices[i].device, device))
			return &monitor->devices[i];
	if (monitor->count == DEVICES_MAX)
		return NULL;
	*watched = (struct watched){0};
	if (sl_monitor_rules_open(&watched->rules))
		return NULL;
	snprintf(watched->device, sizeof watched->device, "%s", device);
	monitor->count++;
	return watched;
}

static void stop_sampling(struct watched *watched)
{
	if (watched->sampler)
		watched->lost += sl_sampler_lost(watched->sampler);
	sl_sampler_close(watched->sampler);
	watched->sampler = NULL;
}

/* It may have been detached, and attached again, since. */
static int keep_sampling(struct monitor *monitor, struct watched *watched, struct sl_diag *diag)
{
	if (watched->sampler &&
	    sl_sampler_is_of(watched->sampler, monitor->net_cookie, watched->device))
		return sl_sampler_renew(watched->sampler, diag);
	stop_sampling(watched);
	return sl_sampler_open(monitor->net_cookie, watched->device, monitor->cli->every,
			       &watched->sampler, diag);
}

/* What is wrong with one device is said when it begins, and ends nothing. */
static void follow_sampling(struct monitor *monitor, struct watched *watched)
{
	bool had = watched->sampler;
	struct sl_diag diag;

	if (!keep_sampling(monitor, watched, &diag) || !had)
		return;
	stop_sampling(watched);
	fflush(stdout);
	fprintf(stderr, "sluice: %s\n", diag.text);
}

static const struct sl_attachment *find_attachment(const struct sl_attachments *attachments,
						   const char *device)
{
	for (u32 i = 0; i < attachments->count; i++)
		if (!strcmp(attachments->items[i].info.device, device))
			return &attachments->items[i];
	return NULL;
}

static void look_at(struct monitor *monitor, struct watched *watched,
		    const struct sl_attachments *attachments)
{
	const struct sl_attachment *attachment = find_attachment(attachments, watched->device);
	struct sl_monitor_state now = {0};

	if (attachment)
		now = state_of(attachment);
	if (now.is_attached) {
		follow_sampling(monitor, watched);
		watched->own_program =
			now.mode == SL_MODE_TC ? sl_attachment_program(attachments, attachment) : 0;
	} else {
		stop_sampling(watched);
	}
	now.lost = watched->lost;
	if (watched->sampler)
		now.lost += sl_sampler_lost(watched->sampler);
	tell(monitor, watched, &now);
	watched->state = now;
}

static void tick(struct monitor *monitor)
{
	struct sl_attachments attachments;
	struct sl_diag diag;

	monitor->ticked_ns = sl_monotonic_ns();
	monitor->epoch_ns = realtime_ns() - monitor->ticked_ns;
	if (sl_attachments_look(monitor->observer, monitor->cli->device, &attachments, &diag))
		return; /* for a moment, as while pins are replaced */
	for (u32 i = 0; i < attachments.count; i++)
		find_watched(monitor, attachments.items[i].info.device);
	for (u32 i = 0; i < monitor->count; i++)
		look_at(monitor, &monitor->devices[i], &attachments);
	sl_attachments_free(&attachments);
}

/* The whole */

/* At the start, what cannot be watched is refused. */
static int begin_watching(struct monitor *monitor, const struct sl_attachments *attachments)
{
	const char *device = monitor->cli->device;
	int error = 0;

	if (!attachments->count)
		return sl_fail(monitor->diag, ENOENT,
			       "sluice is not attached to %s: there is nothing to watch (`sluice "
			       "attach dev D`)",
			       device ? device : "any device of this network namespace");
	for (u32 i = 0; i < attachments->count && !error; i++) {
		const struct sl_attachment *attachment = &attachments->items[i];
		struct watched *watched = find_watched(monitor, attachment->info.device);

		if (!watched)
			return sl_fail_memory(monitor->diag);
		watched->state = state_of(attachment);
		error = keep_sampling(monitor, watched, monitor->diag);
		if (attachment->info.mode == SL_MODE_TC)
			watched->own_program = sl_attachment_program(attachments, attachment);
	}
	return error;
}

static int open_monitor(struct monitor *monitor)
{
	struct sl_attachments attachments;
	int error = sl_pins_init(monitor->diag);

	if (!error)
		error = sl_observer_open(&monitor->observer, monitor->diag);
	if (!error)
		error = sl_attachments_look(monitor->observer, monitor->cli->device, &attachments,
					    monitor->diag);
	if (error)
		return error;
	monitor->net_cookie = attachments.net_cookie;
	monitor->epoch_ns = realtime_ns() - sl_monotonic_ns();
	error = begin_watching(monitor, &attachments);
	sl_attachments_free(&attachments);
	return error;
}

static int open_capture(struct monitor *monitor)
{
	const char *path = monitor->cli->pcap;

	if (!path)
		return 0;
	monitor->is_quiet = !strcmp(path, "-");
	monitor->capture = monitor->is_quiet ? stdout : fopen(path, "we");
	if (!monitor->capture)
		return sl_fail(monitor->diag, errno, "cannot write %s: %s", path, strerror(errno));
	sl_pcapng_begin(monitor->capture, "sluice " SLUICE_VERSION);
	fflush(monitor->capture);
	return 0;
}

/* True when a signal asks for the end. */
static bool wait_for_samples(const struct monitor *monitor, int signals)
{
	struct pollfd fds[DEVICES_MAX + 1] = {{.fd = signals, .events = POLLIN}};

	for (u32 i = 0; i < monitor->count; i++)
		fds[i + 1] = (struct pollfd){
			.fd = monitor->devices[i].sampler
				      ? sl_sampler_fd(monitor->devices[i].sampler)
				      : -1,
			.events = POLLIN,
		};
	poll(fds, monitor->count + 1, TICK_MS);
	return fds[0].revents;
}

static int run(struct monitor *monitor)
{
	SL_CLEANUP(sl_close) int signals = sl_signals_open((const int[]){SIGTERM, SIGINT, 0});

	if (signals < 0)
		return sl_fail(monitor->diag, errno, "cannot wait for signals: %s",
			       strerror(errno));
	while (!is_enough(monitor) && !monitor->error && !ferror(stdout)) {
		bool ends = wait_for_samples(monitor, signals);

		read_samples(monitor);
		if (ends)
			break;
		if (sl_monotonic_ns() - monitor->ticked_ns >= TICK_MS * SL_NS_PER_MS)
			tick(monitor);
		fflush(stdout);
	}
	return monitor->error;
}

static void announce(const struct monitor *monitor)
{
	const struct sl_cli *cli = monitor->cli;

	if (cli->every > 1)
		fprintf(stderr, "sluice: one in %u early drops is shown (--every 1: all)\n",
			cli->every);
}

static void close_monitor(struct monitor *monitor)
{
	for (u32 i = 0; i < monitor->count; i++) {
		sl_sampler_close(monitor->devices[i].sampler);
		sl_monitor_rules_close(&monitor->devices[i].rules);
	}
	if (monitor->capture && !monitor->is_quiet)
		fclose(monitor->capture);
	sl_observer_free(monitor->observer);
	free(monitor);
}

static int watch(struct monitor *monitor)
{
	int error = open_monitor(monitor);

	if (!error)
		error = open_capture(monitor);
	if (error)
		return error;
	announce(monitor);
	return run(monitor);
}

int sl_command_monitor(const struct sl_cli *cli)
{
	struct monitor *monitor;
	struct sl_cli settled = *cli;
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count)
		return sl_cli_usage("monitor", "\"%s\" is one word too many", cli->arguments[0]);
	if (!settled.every)
		settled.every = EVERY;
	monitor = calloc(1, sizeof *monitor); /* large */
	if (!monitor) {
		sl_fail_memory(&diag);
		return sl_cli_refuse(&diag);
	}
	monitor->cli = &settled;
	monitor->diag = &diag;
	error = watch(monitor);
	close_monitor(monitor);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}
