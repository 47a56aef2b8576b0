/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/detach.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "daemon/confirm.h"
#include "daemon/lock.h"
#include "load/hold.h"

int sl_keeper_pid(u64 net_cookie, const char *device)
{
	return (int)sl_lock_holder(net_cookie, device);
}

static bool is_gone(u64 net_cookie, const char *device, pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (sl_lock_holder(net_cookie, device) != pid)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

void sl_keeper_end(u64 net_cookie, const char *device)
{
	pid_t pid = sl_lock_holder(net_cookie, device);

	if (pid <= 0 || kill(pid, SIGTERM) || is_gone(net_cookie, device, pid))
		return;
	kill(pid, SIGKILL); /* stopped, or hanging; it keeps nothing that is not pinned */
	is_gone(net_cookie, device, pid);
}

int sl_keeper_detach(u64 net_cookie, const char *device, struct sl_diag *diag)
{
	pid_t pid = sl_lock_holder(net_cookie, device);
	int error;

	/* First the keeper, or it would take the link's end for a device to attach to again. */
	sl_keeper_end(net_cookie, device);
	error = sl_hold_remove(net_cookie, device);
	sl_lock_remove(net_cookie, device);
	sl_confirm_take(net_cookie, device); /* there is nothing left to confirm */
	if (error == -ENOENT && pid <= 0)
		return sl_fail(diag, ENOENT, "sluice is not attached to %s", device);
	return error == -ENOENT ? 0 : error;
}
