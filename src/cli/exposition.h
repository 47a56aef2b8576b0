/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Prometheus' text format: families of metrics, each with its samples behind it.
 */
#ifndef SLUICE_CLI_EXPOSITION_H
#define SLUICE_CLI_EXPOSITION_H

#include <stdio.h>

#include "base/types.h"

struct sl_metric {
	const char *name;
	const char *type; /* "counter", and then the name ends in _total; "gauge" */
	const char *help;
};

#define SL_LABELS_MAX 6

/* `value` is UTF-8; NULL ends the labels of a sample. */
struct sl_label {
	const char *name, *value;
};

void sl_metric_begin(FILE *out, const struct sl_metric *metric);
/* One sample; `labels` ends behind SL_LABELS_MAX, or with a name that is NULL. */
void sl_metric_count(FILE *out, const struct sl_metric *metric, const struct sl_label *labels,
		     u64 value);
void sl_metric_gauge(FILE *out, const struct sl_metric *metric, const struct sl_label *labels,
		     double value);

#endif
