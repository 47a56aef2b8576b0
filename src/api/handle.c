// SPDX-License-Identifier: GPL-2.0-only
#include "api/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define TEXT(number)   #number
#define DIGITS(number) TEXT(number)

const char *sluice_version(void)
{
	return DIGITS(SLUICE_VERSION_MAJOR) "." DIGITS(SLUICE_VERSION_MINOR) "." DIGITS(
		SLUICE_VERSION_PATCH);
}

int sluice_open(int netns_fd, struct sluice **ret_sluice)
{
	SL_CLEANUP(sl_close)
	int fd = netns_fd < 0 ? open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
			      : fcntl(netns_fd, F_DUPFD_CLOEXEC, 0);
	struct sluice *sluice;

	if (fd < 0)
		return -errno;
	sluice = calloc(1, sizeof *sluice);
	if (!sluice)
		return -ENOMEM;
	sluice->netns_fd = sl_take_fd(&fd);
	*ret_sluice = sluice;
	return 0;
}

void sluice_close(struct sluice *sluice)
{
	if (!sluice)
		return;
	sl_close(&sluice->netns_fd);
	free(sluice);
}

const char *sluice_error(const struct sluice *sluice)
{
	return sluice->diag.text;
}

const struct sluice_rule *sl_rule_told(struct sl_arena *arena, const struct sluice_rule *rule)
{
	return sl_arena_copy(arena, rule, sizeof *rule);
}
