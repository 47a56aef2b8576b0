/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/hold.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "info.h"
#include "load/hook_links.h"
#include "load/pins.h"
#include "load/tc_filter.h"

static u32 pinned_program(u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "program");
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/*
 * A filter says nothing of who put it there. It is this attachment's if it runs the program that
 * is pinned, or, where a keeper died between the two, if the device has the name of the pins. An
 * index alone is not enough: it may have gone to another device, with a filter of its own.
 */
static u32 find_filter(u64 net_cookie, const char *device)
{
	struct sl_info info;
	char name[IF_NAMESIZE];
	u32 program;

	if (sl_pins_read_info(net_cookie, device, &info) || !(info.filter & SL_FILTER_IS_HOLD))
		return 0;
	program = sl_tc_filter_program(info.ifindex);
	if (!program)
		return 0;
	if (program == pinned_program(net_cookie, device) ||
	    (if_indextoname(info.ifindex, name) && !strcmp(name, device)))
		return info.ifindex;
	return 0;
}

struct sl_hold sl_hold_find(u64 net_cookie, const char *device)
{
	struct sl_hold hold = {.link_fd = sl_pins_get(net_cookie, device, "link")};

	if (hold.link_fd < 0)
		hold = (struct sl_hold){-1, find_filter(net_cookie, device)};
	return hold;
}

bool sl_hold_exists(const struct sl_hold *hold)
{
	return hold->link_fd >= 0 || hold->filter_ifindex;
}

const char *sl_hold_pin_name(const struct sl_hold *hold)
{
	return hold->filter_ifindex ? "program" : "link";
}

int sl_hold_pin(const struct sl_hold *hold, int program_fd, u64 net_cookie, const char *device,
		struct sl_diag *diag)
{
	return sl_pins_put(net_cookie, device, sl_hold_pin_name(hold),
			   hold->filter_ifindex ? program_fd : hold->link_fd, diag);
}

int sl_hold_swap(const struct sl_hold *hold, int program_fd)
{
	if (hold->filter_ifindex)
		return sl_tc_filter_put(hold->filter_ifindex, program_fd, NULL);
	return bpf_link_update(hold->link_fd, program_fd, NULL) ? -errno : 0;
}

static bool read_link(const struct sl_hold *hold, struct bpf_link_info *ret_info)
{
	u32 size = sizeof *ret_info;

	memset(ret_info, 0, size);
	return hold->link_fd >= 0 && !bpf_obj_get_info_by_fd(hold->link_fd, ret_info, &size);
}

u32 sl_hold_ifindex(const struct sl_hold *hold)
{
	struct bpf_link_info info;

	if (hold->filter_ifindex)
		return sl_tc_filter_program(hold->filter_ifindex) ? hold->filter_ifindex : 0;
	/* XDP and TCX links keep their index at the same place of the union. */
	return read_link(hold, &info) ? info.xdp.ifindex : 0;
}

u32 sl_hold_program(const struct sl_hold *hold)
{
	struct bpf_link_info info;

	if (hold->filter_ifindex)
		return sl_tc_filter_program(hold->filter_ifindex);
	return read_link(hold, &info) ? info.prog_id : 0;
}

void sl_hold_end(struct sl_hold *hold)
{
	if (hold->filter_ifindex)
		sl_tc_filter_remove(hold->filter_ifindex);
	if (hold->link_fd >= 0)
		bpf_link_detach(hold->link_fd);
	sl_hold_close(hold);
}

void sl_hold_close(struct sl_hold *hold)
{
	sl_close(&hold->link_fd);
	hold->filter_ifindex = 0;
}

/* Made before the filter; where a keeper died between, only the name tells the device. */
static void remove_qdisc(u64 net_cookie, const char *device)
{
	char name[IF_NAMESIZE];
	struct sl_info info;

	if (!sl_pins_read_info(net_cookie, device, &info) && info.filter & SL_FILTER_MADE_QDISC &&
	    if_indextoname(info.ifindex, name) && !strcmp(name, device))
		sl_tc_qdisc_remove(info.ifindex);
}

int sl_hold_remove(u64 net_cookie, const char *device)
{
	struct sl_hold hold = sl_hold_find(net_cookie, device);

	sl_hold_end(&hold);
	sl_hook_links_remove(net_cookie, device);
	remove_qdisc(net_cookie, device);
	return sl_pins_remove(net_cookie, device);
}
