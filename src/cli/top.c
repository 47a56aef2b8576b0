// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/top_frame.h"
#include "cli/top_model.h"
#include "cli/top_screen.h"
#include "cli/top_texts.h"
#include "load/observe.h"
#include "load/pins.h"

struct top {
	const struct sl_cli *cli;
	struct sl_observer *observer;
	struct sl_top_model model;
	struct sl_top_texts *texts;
	struct sl_top_view view;
	char clock[16];
	u64 interval_ns;
	int signals;
};

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

/* Looking */

static void read_clock(char text[16])
{
	time_t now = time(NULL);
	struct tm local;

	if (!localtime_r(&now, &local) || !strftime(text, 16, "%H:%M:%S", &local))
		text[0] = '\0';
}

static int look(struct top *top, struct sl_diag *diag)
{
	SL_CLEANUP(sl_attachments_free) struct sl_attachments attachments = {0};
	int error = sl_attachments_look(top->observer, top->cli->device, &attachments, diag);

	if (error)
		return error;
	read_clock(top->clock);
	error = sl_top_model_look(&top->model, &attachments, sl_monotonic_ns());
	return error ? sl_fail_memory(diag) : 0;
}

/* At the start; later that is only something to be told of. */
static int refuse_nothing(const struct top *top, struct sl_diag *diag)
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
	struct top *top = context;

	return sl_top_texts_find(top->texts, arena, rule);
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

typedef void show_fn(const struct sl_top_frame *frame);

static int show(struct top *top, show_fn *put, struct sl_diag *diag)
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

static int draw(struct top *top, struct sl_diag *diag)
{
	int error;

	sl_top_screen_size(&top->view.rows, &top->view.columns);
	error = show(top, sl_top_screen_draw, diag);
	/* Many rules take nft a second: first they are there, then by name. */
	if (!error && sl_top_texts_renew(top->texts, count_rules(&top->model)))
		error = show(top, sl_top_screen_draw, diag);
	return error;
}

static void leave_out(const struct sl_top_frame *frame)
{
	(void)frame;
}

static void print(const struct sl_top_frame *frame)
{
	for (u32 i = 0; i < frame->lines.count; i++)
		puts(frame->lines.items[i].text);
	fflush(stdout);
}

/* Waiting: the milliseconds until then, rounded up. */
static int wait_ms(u64 until_ns)
{
	u64 now_ns = sl_monotonic_ns();

	return until_ns > now_ns ? (int)((until_ns - now_ns + SL_NS_PER_MS - 1) / SL_NS_PER_MS) : 0;
}

/* A look that took long is not made up for by several. */
static u64 next_look(const struct top *top, u64 last_ns)
{
	u64 next_ns = last_ns + top->interval_ns, now_ns = sl_monotonic_ns();

	return next_ns > now_ns ? next_ns : now_ns + top->interval_ns;
}

/* Frame by frame as text. */

static int run_batch(struct top *top, struct sl_diag *diag)
{
	struct pollfd signals = {.fd = top->signals, .events = POLLIN};
	u64 next_ns = sl_monotonic_ns() + top->interval_ns;
	int error = show(top, leave_out, diag); /* tells which texts are missed */

	sl_top_texts_renew(top->texts, count_rules(&top->model));
	for (u32 shown = 0; !error && shown < top->cli->batch; shown++) {
		while (poll(&signals, 1, wait_ms(next_ns)) < 0 && errno == EINTR)
			;
		if (signals.revents)
			return 0;
		next_ns = next_look(top, next_ns);
		error = look(top, diag);
		if (!error)
			error = show(top, leave_out, diag);
		if (!error)
			sl_top_texts_renew(top->texts, count_rules(&top->model));
		if (!error && shown)
			puts("");
		if (!error)
			error = show(top, print, diag);
	}
	return error;
}

/* On the screen */

/* False: that is all. */
static bool obey(struct top *top, enum sl_top_key key)
{
	switch (key) {
	case SL_TOP_KEY_QUIT:
		return false;
	case SL_TOP_KEY_NEXT:
		sl_top_model_select(&top->model, 1);
		break;
	case SL_TOP_KEY_PREVIOUS:
		sl_top_model_select(&top->model, -1);
		break;
	case SL_TOP_KEY_SORT:
		sl_top_model_sort(&top->model, (top->model.sort + 1) % SL_TOP_SORTS);
		break;
	case SL_TOP_KEY_PAUSE:
		top->view.is_paused = !top->view.is_paused;
		break;
	case SL_TOP_KEY_HELP:
		top->view.shows_help = !top->view.shows_help;
		break;
	case SL_TOP_KEY_OTHER:
	case SL_TOP_KEY_NONE:
		break;
	}
	return true;
}

static bool obey_all(struct top *top)
{
	enum sl_top_key key;

	while ((key = sl_top_screen_key()) != SL_TOP_KEY_NONE)
		if (!obey(top, key))
			return false;
	return true;
}

/* Until then, or until somebody wants something. False: that is all, or the terminal is gone. */
static bool wait_on_screen(struct top *top, u64 until_ns)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = top->signals, .events = POLLIN}};
	int ready = poll(fds, 2, top->view.is_paused ? -1 : wait_ms(until_ns));

	if (ready < 0 && errno != EINTR)
		return false;
	if (ready > 0 && (fds[1].revents || fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
		return false;
	return obey_all(top);
}

static int run_screen(struct top *top, struct sl_diag *diag)
{
	u64 next_ns = sl_monotonic_ns() + top->interval_ns;
	int error = draw(top, diag);

	while (!error && wait_on_screen(top, next_ns)) {
		if (!top->view.is_paused && sl_monotonic_ns() >= next_ns) {
			next_ns = next_look(top, next_ns);
			error = look(top, diag);
		}
		if (!error)
			error = draw(top, diag);
	}
	return error;
}

static bool wants_colours(const struct sl_cli *cli)
{
	const char *no_color = getenv("NO_COLOR");

	return !cli->no_colour && !(no_color && *no_color);
}

static int run(struct top *top, struct sl_diag *diag)
{
	int error;

	if (top->cli->batch)
		return run_batch(top, diag);
	error = sl_top_screen_open(wants_colours(top->cli), diag);
	if (error)
		return error;
	error = run_screen(top, diag);
	sl_top_screen_close();
	return error;
}

static int begin(struct top *top, struct sl_diag *diag)
{
	int error = sl_pins_init(diag);

	if (!error)
		error = sl_observer_open(&top->observer, diag);
	if (error)
		return error;
	top->texts = sl_top_texts_new(top->observer);
	if (!top->texts)
		return sl_fail_memory(diag);
	error = look(top, diag);
	return error ? error : refuse_nothing(top, diag);
}

static void end(struct top *top)
{
	sl_top_model_free(&top->model);
	sl_top_texts_free(top->texts);
	sl_observer_free(top->observer);
	sl_close(&top->signals);
}

int sl_command_top(const struct sl_cli *cli)
{
	struct top top = {.cli = cli, .signals = open_signals()};
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
		.context = &top,
	};
	error = begin(&top, &diag);
	if (!error)
		error = run(&top, &diag);
	end(&top);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}
