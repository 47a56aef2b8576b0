// SPDX-License-Identifier: GPL-2.0-only
#include "attachment.h"

#include <bpf/bpf.h>
#include <net/if.h>

#include "base/cleanup.h"
#include "daemon/tally.h"
#include "load/pins.h"

#define DEVICE "in0"

/* The dut's state now; false where it cannot be had. */
static bool look(struct sl_observer *observer, const struct sl_lab *lab,
		 struct sl_snapshot *ret_now)
{
	if (sl_lab_enter(lab, SL_DUT, NULL))
		return false;
	int error = sl_observer_look(observer, if_nametoindex(DEVICE), ret_now, NULL);
	sl_lab_leave(lab);
	return !error;
}

bool sl_attachment_is_fresh(struct sl_observer *observer, const struct sl_lab *lab)
{
	struct sl_snapshot now;
	struct sl_live live;
	u32 zero = 0;

	if (!look(observer, lab, &now))
		return false;
	SL_CLEANUP(sl_close) int fd = sl_pins_get(now.net_cookie, DEVICE, "live");
	return fd >= 0 && !bpf_map_lookup_elem(fd, &zero, &live) && live.epoch &&
	       sl_snapshots_equal(&live.expected, &now);
}

u64 sl_attachment_count(struct sl_observer *observer, const struct sl_lab *lab,
			enum sl_fate_count fate)
{
	struct sl_count counts[SL_FATE_COUNTS] = {0};
	struct sl_info info = {0};
	struct sl_snapshot now;

	if (!look(observer, lab, &now) || sl_pins_read_info(now.net_cookie, DEVICE, &info))
		return 0;
	SL_CLEANUP(sl_close) int fd = sl_pins_get(now.net_cookie, DEVICE, "fates");
	if (fd < 0 || sl_tally_read(fd, SL_FATE_COUNTS, counts))
		return 0;
	return info.carried[2 * fate] + counts[fate].packets;
}
