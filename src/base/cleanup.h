/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Owning locals show their destructor: `SL_CLEANUP(sl_close) int fd = open(…);`.
 * An escape is explicit: `*ret_fd = sl_take_fd(&fd);`.
 */
#ifndef SLUICE_BASE_CLEANUP_H
#define SLUICE_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SL_CLEANUP(destructor) __attribute__((cleanup(destructor)))

static inline void sl_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void sl_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

/* For pointers of any type from malloc. */
static inline void sl_free(void *pointer)
{
	free(*(void **)pointer);
	*(void **)pointer = NULL;
}

static inline int sl_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
