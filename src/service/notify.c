// SPDX-License-Identifier: GPL-2.0-only
#include "service/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"

static void send_to(const char *name, const char *text)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(name);

	if (fd < 0 || length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@') /* in the abstract namespace */
		address.sun_path[0] = '\0';
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void sl_notify(const char *format, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char text[512];
	va_list args;

	if (!name || (name[0] != '/' && name[0] != '@'))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	send_to(name, text);
}

void sl_notify_reloading(void)
{
	sl_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, sl_monotonic_ns() / 1000);
}

u64 sl_notify_watchdog_ns(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!text || (pid && atoi(pid) != getpid()))
		return 0;
	return strtoull(text, NULL, 10) * 1000;
}
