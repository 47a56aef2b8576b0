// SPDX-License-Identifier: GPL-2.0-only
#include "base/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

int sl_signals_open(const int *signals)
{
	sigset_t set;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}
