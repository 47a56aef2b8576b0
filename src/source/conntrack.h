/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connections can still bring, besides what the rules say: RELATED packets come of
 * expectations, and those come of connections that were given a helper, perhaps by rules that are
 * long gone.
 */
#ifndef SLUICE_SOURCE_CONNTRACK_H
#define SLUICE_SOURCE_CONNTRACK_H

#include "base/types.h"

/* An expectation waits in the calling thread's network namespace; true when in doubt. */
bool sl_conntrack_expects(void);

/* Some connection has a helper; walks the whole table. True when in doubt. */
bool sl_conntrack_has_helpers(void);

#endif
