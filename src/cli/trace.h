/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of a packet (lib/tracer.h), as text or JSON. */
#ifndef SLUICE_CLI_TRACE_H
#define SLUICE_CLI_TRACE_H

#include <jansson.h>

#include "lib/tracer.h"

/* trace_text.c, in the shape of `nft monitor trace`; `with_all`: rules that do not match, too. */
void sl_trace_print(const struct sl_tracer *tracer, const struct sl_trace *trace, bool with_all);
/* trace_json.c: docs/json.md. */
json_t *sl_trace_describe(const struct sl_tracer *tracer, const struct sl_trace *trace,
			  bool with_all);

#endif
