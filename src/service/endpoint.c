/* SPDX-License-Identifier: GPL-2.0-only */
#include "service/endpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

#define BACKLOG    16
#define PATIENCE_S 10 /* for a place in it */

int sl_endpoint_find(struct sl_endpoint *ret_endpoint, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof ret_endpoint->net_cookie;
	u64 net_cookie;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &net_cookie, &size))
		return sl_fail(diag, errno, "cannot tell which network namespace this is: %s",
			       strerror(errno));
	ret_endpoint->net_cookie = net_cookie;
	snprintf(ret_endpoint->path, sizeof ret_endpoint->path,
		 SL_ENDPOINT_DIRECTORY "/%" PRIu64 ".control", net_cookie);
	return 0;
}

static struct sockaddr_un address_of(const struct sl_endpoint *endpoint)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	_Static_assert(sizeof endpoint->path <= sizeof address.sun_path, "it fits");
	memcpy(address.sun_path, endpoint->path, sizeof endpoint->path);
	return address;
}

int sl_endpoint_connect(const struct sl_endpoint *endpoint)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_un address = address_of(endpoint);
	const struct timeval patience = {.tv_sec = PATIENCE_S};

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof address))
		return -errno;
	return sl_take_fd(&fd);
}

int sl_endpoint_listen(const struct sl_endpoint *endpoint, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_un address = address_of(endpoint);
	mode_t mask = umask(0177);
	bool is_bound;

	unlink(endpoint->path);
	is_bound = fd >= 0 && !bind(fd, (const struct sockaddr *)&address, sizeof address) &&
		   !listen(fd, BACKLOG);
	umask(mask);
	if (!is_bound)
		return sl_fail(diag, errno, "cannot listen at %s: %s", endpoint->path,
			       strerror(errno));
	return sl_take_fd(&fd);
}
