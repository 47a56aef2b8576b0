/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The samplers (load/samples.h) of the devices that `sluice top` shows.
 *
 * Enters: which devices. Leaves: their sources. Promised: some hundred samples a second of each
 * device, whatever its rate; a device whose samples somebody else reads is left to him, and tried
 * again at the next look.
 */
#ifndef SLUICE_CLI_TOP_SAMPLING_H
#define SLUICE_CLI_TOP_SAMPLING_H

#include "cli/top_model.h"
#include "cli/top_sources.h"

struct sl_top_sampling;

struct sl_top_sampling *sl_top_sampling_new(void);           /* NULL: out of memory */
void sl_top_sampling_free(struct sl_top_sampling *sampling); /* NULL is fine */

/*
 * Of the model's devices, or of the selected one alone, and of no others any more; at each look,
 * and whenever the selection changes. 0 or -ENOMEM.
 */
int sl_top_sampling_follow(struct sl_top_sampling *sampling, u64 net_cookie,
			   const struct sl_top_model *model, bool all);
/* Nobody is sampled; what is known stays. */
void sl_top_sampling_pause(struct sl_top_sampling *sampling);

/* To wait at: readable when there are samples. */
int sl_top_sampling_fd(const struct sl_top_sampling *sampling);
/* Takes what there is. At least so often, for the samplers' leases: */
#define SL_TOP_SAMPLING_MS 1000
void sl_top_sampling_read(struct sl_top_sampling *sampling);

/* Sorted; `*ret_why` says why there are none, or is NULL. NULL: the device is not followed. */
const struct sl_top_sources *sl_top_sampling_find(struct sl_top_sampling *sampling,
						  const char *device, const char **ret_why);

#endif
