/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/rollback.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/confirm.h"
#include "daemon/detach.h"
#include "lib/attachments.h"
#include "lib/keep.h"
#include "load/attach.h"
#include "service/client.h"

/* 0 or −errno, and then it is as well to take it off. */
static int keep_as_before(u64 net_cookie, const struct sl_info *info,
			  void (*is_slow)(const char *device), char ret_text[SL_ROLLBACK_TEXT],
			  struct sl_diag *diag)
{
	const struct sl_wish wish = {
		.device = info->device, .asked = info->before, .is_slow = is_slow};
	struct sl_child_outcome outcome;

	sl_keeper_end(net_cookie, info->device);
	sl_keep(&wish, &outcome);
	if (outcome.error) {
		*diag = outcome.diag;
		return outcome.error;
	}
	snprintf(ret_text, SL_ROLLBACK_TEXT, "attached as before, mode %s",
		 sl_mode_name(outcome.mode));
	return 0;
}

/* How a device of sluiced's is attached is its configuration's to say; without that it is not. */
static bool was_service(const char *device)
{
	struct sl_diag diag;
	json_t *released = sl_service_release(device, &diag);
	bool was = released;

	json_decref(released);
	return was;
}

static int roll_back(u64 net_cookie, const struct sl_info *info,
		     void (*is_slow)(const char *device), char ret_text[SL_ROLLBACK_TEXT],
		     struct sl_diag *diag)
{
	bool was_its = was_service(info->device);
	int error;

	sl_confirm_take(net_cookie, info->device); /* this is the decision */
	if (!was_its && info->before.memory_limit &&
	    !keep_as_before(net_cookie, info, is_slow, ret_text, diag))
		return 0;
	error = sl_keeper_detach(net_cookie, info->device, diag);
	if (error)
		return error;
	if (was_its)
		snprintf(ret_text, SL_ROLLBACK_TEXT,
			 "detached, and sluiced leaves it alone until it is started or reloaded");
	else if (info->before.memory_limit)
		snprintf(ret_text, SL_ROLLBACK_TEXT, "detached, since as before it fails: %.200s",
			 diag->text);
	else
		snprintf(ret_text, SL_ROLLBACK_TEXT, "detached");
	return 0;
}

int sl_roll_back(const char *device, void (*is_slow)(const char *device),
		 char ret_text[SL_ROLLBACK_TEXT], struct sl_diag *diag)
{
	struct sl_attachments attachments;
	int error = sl_attachments_read(device, &attachments, diag);

	if (error)
		return error;
	if (attachments.count)
		error = roll_back(attachments.net_cookie, &attachments.items[0].info, is_slow,
				  ret_text, diag);
	else
		error = sl_fail(diag, ENOENT, "sluice is not attached to %s", device);
	sl_attachments_free(&attachments);
	return error;
}
