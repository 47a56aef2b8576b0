/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/attachment.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/generation.h"
#include "load/attach.h"
#include "load/pins.h"

/* With --replace, somebody else's program goes, but only now that ours is loaded and ready. */
static int attach_or_replace(struct sl_keeper *keeper, const struct sl_link *link,
			     enum sl_attach_mode mode, int program_fd, struct sl_diag *diag)
{
	int error = sl_attach(link->ifindex, keeper->device, link->mtu, mode, program_fd,
			      &keeper->link_fd, diag);

	if (error != -EBUSY || !keeper->replaces)
		return error;
	sl_attach_remove_foreign(link->ifindex);
	return sl_attach(link->ifindex, keeper->device, link->mtu, mode, program_fd,
			 &keeper->link_fd, diag);
}

/* One rung: load for the mode, link, pin the link. */
static int try_mode(struct sl_keeper *keeper, struct sl_compiled *compiled,
		    const struct sl_link *link, enum sl_attach_mode mode,
		    struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	int error = sl_generation_load(compiled, mode, &dataplane, diag);

	if (error)
		return error;
	error = attach_or_replace(keeper, link, mode, sl_dataplane_program_fd(dataplane), diag);
	if (!error)
		error = sl_pins_put(keeper->net_cookie, keeper->device, "link", keeper->link_fd,
				    diag);
	if (error) {
		sl_close(&keeper->link_fd);
		sl_dataplane_free(dataplane);
		return error;
	}
	if (mode == SL_MODE_TC)
		compiled->snapshot.tc_programs++;
	keeper->mode = mode;
	*ret_dataplane = dataplane;
	return 0;
}

static int climb(struct sl_keeper *keeper, struct sl_compiled *compiled,
		 struct sl_dataplane **ret_dataplane, char *ret_ladder, struct sl_diag *diag)
{
	enum sl_attach_mode modes[4];
	struct sl_ladder ladder = {
		.compiled = compiled,
		.link = sl_host_find_link(compiled->host, keeper->device),
		.wanted = keeper->wanted,
	};
	int error = -EOPNOTSUPP;

	sl_ladder_plan(&ladder, modes);
	/* Beside somebody's program only when asked for: it sees packets first, and sluice fewer.
	 */
	for (u32 i = 0; modes[i] != SL_MODE_NONE && error && error != -EBUSY; i++) {
		struct sl_diag why = {0};

		error = try_mode(keeper, compiled, ladder.link, modes[i], ret_dataplane, &why);
		sl_ladder_note(&ladder, sl_mode_name(modes[i]), "%s%s",
			       error ? "refused: " : "attached", error ? why.text : "");
	}
	if (ret_ladder)
		memcpy(ret_ladder, ladder.text, SL_LADDER_TEXT);
	if (error)
		return sl_fail(diag, -error, "%s takes no program:\n%s", keeper->device,
			       ladder.text);
	return 0;
}

/* What a keeper that died left: its link, if it is alive. */
static bool find_orphan(struct sl_keeper *keeper)
{
	struct sl_info info;
	u32 zero = 0;
	int link_fd = sl_pins_get(keeper->net_cookie, keeper->device, "link");
	SL_CLEANUP(sl_close)
	int info_fd = sl_pins_get(keeper->net_cookie, keeper->device, "info");

	if (link_fd >= 0 && info_fd >= 0 && sl_attach_ifindex(link_fd) == keeper->ifindex &&
	    !bpf_map_lookup_elem(info_fd, &zero, &info) && info.abi_version == SL_ABI_VERSION) {
		keeper->link_fd = link_fd;
		keeper->mode = (enum sl_attach_mode)info.mode;
		return true;
	}
	sl_close(&link_fd);
	sl_pins_remove(keeper->net_cookie, keeper->device);
	return false;
}

static bool mode_fits(enum sl_attach_mode mode, enum sl_wanted_mode wanted)
{
	switch (wanted) {
	case SL_WANT_AUTO:
		return mode != SL_MODE_GENERIC;
	case SL_WANT_NATIVE:
		return mode == SL_MODE_NATIVE;
	case SL_WANT_TC:
		return mode == SL_MODE_TC;
	case SL_WANT_GENERIC:
		return mode == SL_MODE_GENERIC;
	case SL_WANT_OFFLOAD:
		break;
	}
	return false;
}

int sl_attachment_begin(struct sl_keeper *keeper, char *ret_ladder, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	struct sl_dataplane *dataplane;
	int error;

	if (find_orphan(keeper) && mode_fits(keeper->mode, keeper->wanted)) {
		if (ret_ladder)
			snprintf(ret_ladder, SL_LADDER_TEXT, "%s: taken over from before",
				 sl_mode_name(keeper->mode));
		return sl_generation_refresh(keeper, diag);
	}
	if (keeper->link_fd >= 0) {
		sl_close(&keeper->link_fd);
		sl_pins_remove(keeper->net_cookie, keeper->device);
		keeper->mode = SL_MODE_NONE;
	}
	error = sl_generation_compile(keeper, &compiled, diag);
	if (error)
		return error;
	error = sl_pins_make_directory(keeper->net_cookie, keeper->device, diag);
	if (!error)
		error = climb(keeper, compiled, &dataplane, ret_ladder, diag);
	if (error) {
		sl_compiled_free(compiled);
		sl_pins_remove(keeper->net_cookie, keeper->device);
		return error;
	}
	error = sl_generation_adopt(keeper, compiled, dataplane, diag);
	if (error) /* nothing half-attached */
		sl_pins_remove(keeper->net_cookie, keeper->device);
	return error;
}

bool sl_attachment_is_pinned(const struct sl_keeper *keeper)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, keeper->net_cookie, keeper->device, "link");
	return !access(path, F_OK);
}

bool sl_attachment_is_here(const struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	return keeper->link_fd >= 0 && sl_attach_ifindex(keeper->link_fd) == keeper->ifindex &&
	       !sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) &&
	       now.device_address == keeper->compiled->snapshot.device_address;
}

/* What is left then is what `status` and `detach` go by. */
static void let_go(struct sl_keeper *keeper)
{
	if (keeper->link_fd < 0)
		return;
	bpf_link_detach(keeper->link_fd);
	sl_close(&keeper->link_fd);
	sl_pins_drop(keeper->net_cookie, keeper->device, "link");
	keeper->info.withdrawn_ns = sl_monotonic_ns();
	sl_keeper_write_info(keeper);
}

bool sl_attachment_resume(struct sl_keeper *keeper, struct sl_diag *diag)
{
	u32 ifindex = if_nametoindex(keeper->device);

	let_go(keeper);
	if (!ifindex)
		return false;
	keeper->ifindex = ifindex;
	keeper->mode = SL_MODE_NONE;
	if (!sl_attachment_begin(keeper, NULL, diag))
		return true;
	if (!sl_pins_make_directory(keeper->net_cookie, keeper->device, diag))
		sl_pins_put(keeper->net_cookie, keeper->device, "info", keeper->info_fd, diag);
	return false;
}
