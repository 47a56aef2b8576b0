// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/hooks.h"

#include <errno.h>
#include <stdio.h>

void sl_hooks_retire(struct sl_keeper *keeper)
{
	if (keeper->hooks)
		sl_hook_links_put(keeper->hooks, -1);
	sl_dataplane_free(keeper->hook_dataplane);
	keeper->hook_dataplane = NULL;
}

/* The links, where the generation wants them. */
static int stand(struct sl_keeper *keeper, bool *ret_changed, struct sl_diag *diag)
{
	static const struct sl_hook_place nowhere[SL_PLACES];
	const struct sl_program *program = keeper->compiled->hook_program;
	int error = 0;

	*ret_changed = false;
	if (!program && !keeper->hooks)
		return 0;
	if (!keeper->hooks)
		error = sl_hook_links_open(&keeper->hooks, diag);
	if (error)
		return error;
	sl_hook_links_aim(keeper->hooks, keeper->ifindex);
	return sl_hook_links_place(keeper->hooks, program ? program->places : nowhere,
				   keeper->net_cookie, keeper->device, ret_changed, diag);
}

static int make(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_compiled *compiled = keeper->compiled;
	int error = sl_compiled_make_hooks(compiled, keeper->memory_limit, diag);

	if (!error && compiled->hook_program)
		error = sl_compiled_load_hooks(compiled, keeper->dataplane, &keeper->hook_dataplane,
					       diag);
	if (error || !compiled->hook_program) { /* then nowhere */
		sl_program_free(compiled->hook_program);
		compiled->hook_program = NULL;
	}
	return error;
}

static u32 places_of(const struct sl_program *program)
{
	u32 places = 0;

	for (u32 i = 0; program && i < SL_PLACES; i++)
		places |= program->places[i].is_used ? 1u << i : 0;
	return places;
}

bool sl_hooks_follow(struct sl_keeper *keeper)
{
	struct sl_diag diag = {0};
	bool has_changed;
	int error;

	if (keeper->audit) /* it drops nothing anywhere */
		return false;
	if (!keeper->hooks && !keeper->lacks_hooks)
		keeper->lacks_hooks = !sl_hook_links_exist();
	if (keeper->lacks_hooks)
		return false;
	error = make(keeper, &diag);
	if (stand(keeper, &has_changed, &diag))
		error = -EAGAIN;
	if (!error && keeper->hook_dataplane)
		error = sl_hook_links_put(keeper->hooks,
					  sl_dataplane_program_fd(keeper->hook_dataplane));
	if (error)
		fprintf(stderr, "sluice: %s: at netfilter's hooks: %s\n", keeper->device,
			diag.text);
	keeper->info.hook_places = error ? 0 : places_of(keeper->compiled->hook_program);
	return has_changed;
}

/*
 * Their program stays loaded, for the device may come back, and to load it libbpf reads all of the
 * kernel's types.
 */
void sl_hooks_end(struct sl_keeper *keeper)
{
	static const struct sl_hook_place nowhere[SL_PLACES];
	bool has_changed;

	sl_hooks_retire(keeper);
	if (keeper->hooks && sl_hook_links_place(keeper->hooks, nowhere, keeper->net_cookie,
						 keeper->device, &has_changed, NULL)) {
		sl_hook_links_close(keeper->hooks); /* which ends those that no pin holds */
		keeper->hooks = NULL;
	}
	keeper->info.hook_places = 0;
}
