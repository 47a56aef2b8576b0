/* SPDX-License-Identifier: GPL-2.0-only */
/* A plan (lib/plan.h) as text or JSON. */
#ifndef SLUICE_CLI_PLAN_H
#define SLUICE_CLI_PLAN_H

#include <jansson.h>

#include "lib/plan.h"

/* plan_text.c */
void sl_plan_print(const struct sl_plan *plan, bool is_verbose);
void sl_plan_print_line(const struct sl_plan *plan);
/* plan_json.c: docs/json.md; NULL when out of memory. */
json_t *sl_plan_describe(const struct sl_plan *plan, bool is_verbose);
/* plan_idle.c: rules that decide nothing, part of both. */
void sl_plan_print_idle(const struct sl_plan *plan, bool is_verbose);
json_t *sl_plan_describe_idle(const struct sl_plan *plan);
/* plan_tables.c: how runs of rules are looked up, part of both. */
void sl_plan_print_tables(const struct sl_plan *plan, bool is_verbose);
json_t *sl_plan_describe_tables(const struct sl_plan *plan);

#endif
