// SPDX-License-Identifier: GPL-2.0-only
#include "cli/exposition.h"

#include <inttypes.h>

/* Backslash, newline and, in a label's value, the quote are escaped; nothing else is. */
static void put_escaped(FILE *out, const char *text, bool is_quoted)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\\\", out);
		else if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' && is_quoted)
			fputs("\\\"", out);
		else
			fputc(*text, out);
	}
}

void sl_metric_begin(FILE *out, const struct sl_metric *metric)
{
	fprintf(out, "# HELP %s ", metric->name);
	put_escaped(out, metric->help, false);
	fprintf(out, "\n# TYPE %s %s\n", metric->name, metric->type);
}

static void put_labels(FILE *out, const struct sl_label *labels)
{
	for (u32 i = 0; i < SL_LABELS_MAX && labels[i].name; i++) {
		fputs(i ? "," : "{", out);
		fputs(labels[i].name, out);
		fputs("=\"", out);
		put_escaped(out, labels[i].value, true);
		fputc('"', out);
	}
	if (labels[0].name)
		fputc('}', out);
}

void sl_metric_count(FILE *out, const struct sl_metric *metric, const struct sl_label *labels,
		     u64 value)
{
	fputs(metric->name, out);
	put_labels(out, labels);
	fprintf(out, " %" PRIu64 "\n", value);
}

void sl_metric_gauge(FILE *out, const struct sl_metric *metric, const struct sl_label *labels,
		     double value)
{
	fputs(metric->name, out);
	put_labels(out, labels);
	fprintf(out, " %.15g\n", value);
}
