/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: /etc/sluice/sluice.conf (sluice.conf(5)).
 *
 * Enters: text in sections of "name = value". Leaves: this structure. Promised: a file is good as a
 * whole, or refused with its name, the line, what is wrong there and what was expected; what is
 * unknown, or said twice, is a mistake.
 *
 * The parser is our own since those of Debian 12 cannot promise that: libinih hands no line number
 * to its caller as it is built there, and libconfuse takes the second of two settings in silence.
 */
#ifndef SLUICE_SERVICE_CONFIG_H
#define SLUICE_SERVICE_CONFIG_H

#include <net/if.h>

#include "base/diag.h"
#include "base/types.h"
#include "daemon/ladder.h"

#define SL_CONFIG_PATH "/etc/sluice/sluice.conf"

/* One [device …]. */
struct sl_device_config {
	char device[IF_NAMESIZE];
	u32 line;
	enum sl_wanted_mode mode;
	u64 memory_limit;
	bool replaces;
};

struct sl_config {
	struct sl_device_config *devices; /* malloc'd */
	u32 count;
	bool detaches_on_stop;
};

int sl_config_read(const char *path, struct sl_config *ret_config, struct sl_diag *diag);
void sl_config_free(struct sl_config *config);

const struct sl_device_config *sl_config_find(const struct sl_config *config, const char *device);

#endif
