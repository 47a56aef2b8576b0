// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>

#include "api/handle.h"
#include "lib/probation.h"
#include "load/pins.h"

struct attach {
	const char *device;
	struct sl_wishes wishes;
	enum sl_attach_mode mode; /* found out */
};

_Static_assert(sizeof(struct sl_child_outcome) <= PIPE_BUF, "one write");

static void keep(const void *context, void *result)
{
	const struct attach *attach = context;
	struct sl_child_outcome *outcome = result;
	const struct sl_wish wish = {
		.device = attach->device,
		.asked = {attach->wishes.memory_limit, attach->wishes.mode, 0},
		.replaces = attach->wishes.replaces,
		.asks_service = true,
	};
	int ending_fd;

	if (attach->wishes.confirm_seconds)
		sl_probation_begin(&wish, attach->wishes.confirm_seconds, &ending_fd, outcome);
	else
		sl_keep(&wish, outcome);
}

static int attach(struct sluice *sluice, void *context)
{
	struct sl_child_outcome outcome = {0};
	struct attach *attach = context;
	int error = sl_pins_init(&sluice->diag);

	if (!error)
		error = sl_depute(sluice, keep, attach, &outcome, sizeof outcome);
	if (error)
		return error;
	if (outcome.error)
		sluice->diag = outcome.diag;
	attach->mode = outcome.mode;
	return outcome.error;
}

int sluice_attach(struct sluice *sluice, const char *device, const struct sluice_options *options,
		  enum sluice_mode *ret_mode)
{
	struct attach wish = {.device = device};
	int error = sl_wishes_read(sluice, options, &wish.wishes);

	if (!error)
		error = sl_visit(sluice, attach, &wish);
	if (!error && ret_mode)
		*ret_mode = sl_mode_told(wish.mode);
	return error;
}
