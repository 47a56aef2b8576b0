// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/top.h"
#include "cli/top_screen.h"

/* False: that is all. */
static bool obey(struct sl_top *top, enum sl_top_key key)
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

static bool obey_all(struct sl_top *top)
{
	enum sl_top_key key;

	while ((key = sl_top_screen_key()) != SL_TOP_KEY_NONE)
		if (!obey(top, key))
			return false;
	return true;
}

/* Who watches a screen that stands still needs no samples. */
static int look(struct sl_top *top, u64 *next_ns, struct sl_diag *diag)
{
	if (top->view.is_paused) {
		sl_top_sampling_pause(top->sampling);
		*next_ns = UINT64_MAX;
		return 0;
	}
	if (*next_ns != UINT64_MAX && sl_monotonic_ns() < *next_ns)
		return sl_top_sample(top, diag); /* perhaps of another device */
	*next_ns = sl_top_next_look(top, *next_ns);
	return sl_top_look(top, diag);
}

static int draw(struct sl_top *top, struct sl_diag *diag)
{
	sl_top_screen_size(&top->view.rows, &top->view.columns);
	return sl_top_show(top, sl_top_screen_draw, diag);
}

static int run(struct sl_top *top, struct sl_diag *diag)
{
	u64 next_ns = sl_monotonic_ns() + top->interval_ns;
	int error = draw(top, diag);

	while (!error && sl_top_wait(top, next_ns, STDIN_FILENO) != SL_TOP_END && obey_all(top)) {
		error = look(top, &next_ns, diag);
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

int sl_top_run_live(struct sl_top *top, struct sl_diag *diag)
{
	int error = sl_top_screen_open(wants_colours(top->cli), diag);

	if (error)
		return error;
	error = run(top, diag);
	sl_top_screen_close();
	return error;
}
