/* SPDX-License-Identifier: GPL-2.0-only */
/* What the chains of the live rules are called, by nf_tables' handles. */
#ifndef SLUICE_CLI_CHAIN_NAMES_H
#define SLUICE_CLI_CHAIN_NAMES_H

#include <jansson.h>

#include "base/diag.h"
#include "base/types.h"

struct sl_chain_name {
	u64 table_handle, handle;
	const char *family;   /* "inet" */
	json_t *table, *name; /* valid UTF-8, whatever the kernel has */
};

struct sl_chain_names;

int sl_chain_names_read(struct sl_chain_names **ret_names, struct sl_diag *diag);
void sl_chain_names_free(struct sl_chain_names *names); /* NULL is fine */

/* NULL: there is none, any more. */
const struct sl_chain_name *sl_chain_names_find(const struct sl_chain_names *names, u64 table,
						u64 chain);

#endif
