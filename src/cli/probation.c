/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/probation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "daemon/confirm.h"

/* True when somebody pressed Enter. Where nobody can, others may still confirm. */
static bool is_entered(struct pollfd *input)
{
	char line[16];

	if (!input->revents)
		return false;
	if (read(input->fd, line, sizeof line) > 0)
		return true;
	input->fd = -1;
	return false;
}

static int say(const struct sl_ending *ending, const char *device, FILE *out)
{
	if (ending->error)
		return sl_cli_refuse(&ending->diag);
	if (ending->is_confirmed) {
		fprintf(out, "%s: confirmed\n", device);
		return SL_EXIT_DONE;
	}
	fflush(stdout);
	fprintf(stderr, "sluice: %s: not confirmed, %s\n", device, ending->text);
	return SL_EXIT_REFUSED;
}

int sl_probation_wait(int fd, u64 net_cookie, const char *device, u32 seconds, bool json)
{
	FILE *out = json ? stderr : stdout;
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = STDIN_FILENO, .events = POLLIN}};
	struct sl_ending ending;
	bool is_told;

	fprintf(out,
		"Press Enter within %u seconds to keep it, or say elsewhere: sluice confirm dev "
		"%s\n",
		seconds, device);
	fflush(out);
	tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before the question is no answer */
	while (!fds[0].revents) {
		if (poll(fds, 2, -1) > 0 && is_entered(&fds[1]))
			sl_confirm_take(net_cookie, device);
	}
	is_told = read(fd, &ending, sizeof ending) == sizeof ending;
	close(fd);
	if (is_told)
		return say(&ending, device, out);

	struct sl_diag diag;

	sl_fail(&diag, ECHILD,
		"%s: the process that waited for its confirmation has ended; see `sluice status`",
		device);
	return sl_cli_refuse(&diag);
}
