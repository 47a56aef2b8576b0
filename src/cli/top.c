// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/signals.h"
#include "cli/top.h"
#include "load/observe.h"
#include "load/pins.h"

/* Looking */

static void read_clock(char text[16])
{
	time_t now = time(NULL);
	struct tm local;

	if (!localtime_r(&now, &local) || !strftime(text, 16, "%H:%M:%S", &local))
		text[0] = '\0';
}

int sl_top_sample(struct sl_top *top, struct sl_diag *diag)
{
	return sl_top_sampling_follow(top->sampling, top->net_cookie, &top->model, top->cli->batch)
		       ? sl_fail_memory(diag)
		       : 0;
}

int sl_top_look(struct sl_top *top, struct sl_diag *diag)
{
	SL_CLEANUP(sl_attachments_free) struct sl_attachments attachments = {0};
	int error = sl_attachments_look(top->observer, top->cli->device, &attachments, diag);

	if (error)
		return error;
	read_clock(top->clock);
	top->net_cookie = attachments.net_cookie;
	if (sl_top_model_look(&top->model, &attachments, sl_monotonic_ns()))
		return sl_fail_memory(diag);
	return sl_top_sample(top, diag);
}

/* At the start; later that is only something to be told of. */
static int refuse_nothing(const struct sl_top *top, struct sl_diag *diag)
{
	const char *device = top->cli->device;

	if (top->model.count)
		return 0;
	if (device && !if_nametoindex(device))
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", device);
	return sl_fail(diag, ENOENT, "nothing to watch: sluice is not attached to %s",
		       device ? device : "any device of this network namespace");
}

static const char *describe(void *context, struct sl_arena *arena, const struct sl_rule_entry *rule)
{
	struct sl_top *top = context;

	return sl_top_texts_find(top->texts, arena, rule);
}

static const struct sl_top_sources *find_sources(void *context, const char *device,
						 const char **ret_why)
{
	struct sl_top *top = context;

	return sl_top_sampling_find(top->sampling, device, ret_why);
}

/* How many rules nft would have to list, by what was compiled of them. */
static u32 count_rules(const struct sl_top_model *model)
{
	u32 count = 0;

	for (u32 i = 0; i < model->count; i++)
		if (model->devices[i].attachment.info.rules > count)
			count = model->devices[i].attachment.info.rules;
	return count;
}

/* Showing */

static int show(struct sl_top *top, sl_top_put_fn *put, struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_top_frame frame = {.is_lost = true};

	if (arena)
		frame = sl_top_frame_make(arena, &top->model, &top->view);
	if (!frame.is_lost)
		put(&frame);
	sl_arena_free(arena);
	return frame.is_lost ? sl_fail_memory(diag) : 0;
}

/* Many rules take nft a second: first they are there, then by name. */
int sl_top_show(struct sl_top *top, sl_top_put_fn *put, struct sl_diag *diag)
{
	int error = show(top, put, diag);

	if (!error && sl_top_texts_renew(top->texts, count_rules(&top->model)))
		error = show(top, put, diag);
	return error;
}

/* Waiting */

/* Milliseconds until then, rounded up; not longer than a sampler may be silent. */
static int wait_ms(u64 until_ns)
{
	u64 now_ns = sl_monotonic_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	if (left_ns > SL_TOP_SAMPLING_MS * SL_NS_PER_MS)
		return SL_TOP_SAMPLING_MS;
	return (int)((left_ns + SL_NS_PER_MS - 1) / SL_NS_PER_MS);
}

enum sl_top_event sl_top_wait(struct sl_top *top, u64 until_ns, int input)
{
	struct pollfd fds[] = {{.fd = top->signals, .events = POLLIN},
			       {.fd = sl_top_sampling_fd(top->sampling), .events = POLLIN},
			       {.fd = input, .events = POLLIN}};

	do {
		if (poll(fds, SL_ARRAY_SIZE(fds), wait_ms(until_ns)) < 0)
			return errno == EINTR ? SL_TOP_INPUT : SL_TOP_END;
		if (fds[0].revents || fds[2].revents & (POLLHUP | POLLERR | POLLNVAL))
			return SL_TOP_END;
		sl_top_sampling_read(top->sampling);
		if (fds[2].revents)
			return SL_TOP_INPUT;
	} while (sl_monotonic_ns() < until_ns);
	return SL_TOP_TIME;
}

u64 sl_top_next_look(const struct sl_top *top, u64 last_ns)
{
	u64 now_ns = sl_monotonic_ns(), next_ns = last_ns + top->interval_ns;

	return last_ns < now_ns && next_ns > now_ns ? next_ns : now_ns + top->interval_ns;
}

/* The command */

static int begin(struct sl_top *top, struct sl_diag *diag)
{
	int error = sl_pins_init(diag);

	if (!error)
		error = sl_observer_open(&top->observer, diag);
	if (error)
		return error;
	top->texts = sl_top_texts_new(top->observer);
	top->sampling = sl_top_sampling_new();
	if (!top->texts || !top->sampling)
		return sl_fail_memory(diag);
	error = sl_top_look(top, diag);
	return error ? error : refuse_nothing(top, diag);
}

static void end(struct sl_top *top)
{
	sl_top_sampling_free(top->sampling);
	sl_top_model_free(&top->model);
	sl_top_texts_free(top->texts);
	sl_observer_free(top->observer);
	sl_close(&top->signals);
}

int sl_command_top(const struct sl_cli *cli)
{
	struct sl_top top = {.cli = cli,
			     .signals = sl_signals_open((const int[]){SIGTERM, SIGINT, SIGHUP, 0})};
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count)
		return sl_cli_usage("top", "\"%s\" is one word too many", cli->arguments[0]);
	if (cli->json)
		return sl_cli_usage("top", "it has no use for --json: see `sluice status -j` and "
					   "`sluice list -j`");
	setlocale(LC_CTYPE, "");
	top.interval_ns = (u64)(cli->interval_seconds * 1e9);
	top.view = (struct sl_top_view){
		.device = cli->device,
		.clock = top.clock,
		.interval_s = cli->interval_seconds,
		.is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.describe = describe,
		.sources = find_sources,
		.context = &top,
	};
	error = begin(&top, &diag);
	if (!error)
		error = cli->batch ? sl_top_run_batch(&top, &diag) : sl_top_run_live(&top, &diag);
	end(&top);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}
