/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sl_fail(struct sl_diag *diag, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (diag)
		vsnprintf(diag->text, sizeof diag->text, format, args);
	va_end(args);
	return -error;
}

int sl_fail_memory(struct sl_diag *diag)
{
	return sl_fail(diag, ENOMEM, "out of memory");
}

int sl_fail_in(struct sl_diag *diag, int error, const char *format, ...)
{
	char inner[sizeof diag->text];
	va_list args;

	if (!diag)
		return error;
	memcpy(inner, diag->text, sizeof inner);
	va_start(args, format);
	int used = vsnprintf(diag->text, sizeof diag->text, format, args);
	va_end(args);
	if (used >= 0 && (size_t)used < sizeof diag->text)
		snprintf(diag->text + used, sizeof diag->text - (size_t)used, ": %s", inner);
	return error;
}
