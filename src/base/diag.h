/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A diagnostic is the one message that a failed operation leaves for the person at the terminal:
 * what, where, why, and what to do. Libraries fill it in and return a negative errno; only the
 * program prints it.
 */
#ifndef SLUICE_BASE_DIAG_H
#define SLUICE_BASE_DIAG_H

#include "base/types.h"

struct sl_diag {
	char text[2048]; /* one or more lines without a trailing newline; "" while nothing failed */
};

/* Writes the message and returns -error, so that a caller can `return sl_fail(…)`. */
int sl_fail(struct sl_diag *diag, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for an exhausted heap, which every allocation site can meet. */
int sl_fail_memory(struct sl_diag *diag);

/* Puts "context: " before a message that a deeper layer wrote; returns `error` as it is. */
int sl_fail_in(struct sl_diag *diag, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
