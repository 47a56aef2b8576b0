// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "api/handle.h"
#include "daemon/confirm.h"
#include "daemon/detach.h"
#include "lib/attachments.h"
#include "service/client.h"

/* sluiced first, or it would attach it again; what is in the way there is not in the way here. */
static bool was_released(const char *device)
{
	struct sl_diag diag;
	json_t *released = sl_service_release(device, &diag);
	bool was = released;

	json_decref(released);
	return was;
}

static int detach(struct sluice *sluice, void *context)
{
	const char *device = context;
	bool was_service = was_released(device);
	struct sl_attachments attachments;
	int error = sl_attachments_read(device, &attachments, &sluice->diag);

	if (error)
		return error;
	if (attachments.count)
		error = sl_keeper_detach(attachments.net_cookie, device, &sluice->diag);
	else if (!was_service)
		error = sl_fail(&sluice->diag, ENOENT, "sluice is not attached to %s", device);
	sl_attachments_free(&attachments);
	return error;
}

int sluice_detach(struct sluice *sluice, const char *device)
{
	return sl_visit(sluice, detach, (void *)device);
}

struct rolled_back {
	int error;
	char now[SL_ROLLBACK_TEXT];
	struct sl_diag diag;
};

_Static_assert(sizeof(struct rolled_back) <= PIPE_BUF, "one write");

static void roll_back(const void *device, void *result)
{
	struct rolled_back *back = result;

	back->error = sl_roll_back(device, NULL, back->now, &back->diag);
}

static int visit_to_roll_back(struct sluice *sluice, void *device)
{
	struct rolled_back back = {0};
	int error = sl_depute(sluice, roll_back, device, &back, sizeof back);

	if (error)
		return error;
	if (back.error)
		sluice->diag = back.diag;
	else
		memcpy(sluice->now, back.now, sizeof back.now);
	return back.error;
}

int sluice_rollback(struct sluice *sluice, const char *device, const char **ret_now)
{
	int error = sl_visit(sluice, visit_to_roll_back, (void *)device);

	if (!error && ret_now)
		*ret_now = sluice->now;
	return error;
}

static int confirm(struct sluice *sluice, void *context)
{
	const char *device = context;
	struct sl_attachments attachments;
	struct sl_diag *diag = &sluice->diag;
	int error = sl_attachments_read(device, &attachments, diag);
	u64 net_cookie;
	bool is_attached, waits;

	if (error)
		return error;
	net_cookie = attachments.net_cookie;
	is_attached = attachments.count;
	sl_attachments_free(&attachments);
	if (!is_attached)
		return sl_fail(diag, ENOENT, "sluice is not attached to %s", device);
	waits = sl_confirm_left_ms(net_cookie, device);
	error = sl_confirm_take(net_cookie, device);
	if (error == -ENOENT || (!error && !waits))
		return sl_fail(diag, ENOENT, "%s does not wait to be confirmed: it stays attached",
			       device);
	if (error)
		return sl_fail(diag, -error, "cannot confirm %s: %s", device, strerror(-error));
	return 0;
}

int sluice_confirm(struct sluice *sluice, const char *device)
{
	return sl_visit(sluice, confirm, (void *)device);
}
