/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/session.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SSH_CONNECTION: client address, client port, our address, our port. */
static bool session_address(char ret_address[64])
{
	const char *connection = getenv("SSH_CONNECTION");

	return connection && sscanf(connection, "%*s %*s %63s", ret_address) == 1;
}

bool sl_session_uses(const char *device)
{
	char ours[64], text[NI_MAXHOST];
	struct ifaddrs *addresses;
	bool found = false;

	if (!session_address(ours) || getifaddrs(&addresses))
		return false;
	for (struct ifaddrs *at = addresses; at && !found; at = at->ifa_next) {
		socklen_t size = sizeof(struct sockaddr_in6);

		if (!at->ifa_addr || strcmp(at->ifa_name, device) != 0)
			continue;
		if (at->ifa_addr->sa_family == AF_INET)
			size = sizeof(struct sockaddr_in);
		else if (at->ifa_addr->sa_family != AF_INET6)
			continue;
		if (!getnameinfo(at->ifa_addr, size, text, sizeof text, NULL, 0, NI_NUMERICHOST)) {
			text[strcspn(text, "%")] = '\0';
			found = !strcmp(text, ours);
		}
	}
	freeifaddrs(addresses);
	return found;
}
