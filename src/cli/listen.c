// SPDX-License-Identifier: GPL-2.0-only
#include "cli/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BACKLOG 16

static const char unix_mark[] = "unix:";

const char *sl_listen_path(const char *where)
{
	const size_t length = sizeof unix_mark - 1;

	return strncmp(where, unix_mark, length) != 0 ? NULL : where + length;
}

/* One that nobody listens at any more is in the way; anything else is somebody's. */
static void remove_dead(const struct sockaddr_un *address)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat file;

	if (fd < 0 || lstat(address->sun_path, &file) || !S_ISSOCK(file.st_mode))
		return;
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) && errno == ECONNREFUSED)
		unlink(address->sun_path);
}

static int fail_listen(const char *where, int error, struct sl_diag *diag)
{
	if (error == EADDRINUSE)
		return sl_fail(diag, error, "cannot listen at %s: something else does already",
			       where);
	return sl_fail(diag, error, "cannot listen at %s: %s", where, strerror(error));
}

static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0117); /* from the moment on that it is there */
	int error = bind(fd, (const struct sockaddr *)address, sizeof *address) ? errno : 0;

	umask(before);
	return error;
}

static int listen_at_path(const char *path, int *ret_fd, struct sl_diag *diag)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int error;

	if (!*path || strlen(path) >= sizeof address.sun_path)
		return sl_fail(diag, EINVAL, "unix: wants a path of at most %zu bytes, not \"%s\"",
			       sizeof address.sun_path - 1, path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	remove_dead(&address);

	SL_CLEANUP(sl_close)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	error = fd < 0 ? errno : bind_private(fd, &address);
	if (!error && listen(fd, BACKLOG))
		error = errno;
	if (error)
		return fail_listen(path, error, diag);
	*ret_fd = sl_take_fd(&fd);
	return 0;
}

/* "host:port", "[host]:port" or "port", taken apart in place; false for what is none of them. */
static bool split(char *where, const char **ret_host, const char **ret_port)
{
	char *colon = strrchr(where, ':');

	*ret_host = "127.0.0.1";
	*ret_port = where;
	if (!colon)
		return *where;
	*colon = '\0';
	*ret_port = colon + 1;
	*ret_host = where;
	if (*where == '[' && colon > where && colon[-1] == ']') {
		colon[-1] = '\0';
		*ret_host = where + 1;
	} else if (strchr(where, ':')) {
		return false;
	}
	return **ret_host && **ret_port;
}

static int resolve(const char *where, struct addrinfo **ret_address, struct sl_diag *diag)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				       .ai_socktype = SOCK_STREAM};
	const char *host, *port;
	char copy[SL_LISTEN_TEXT];

	snprintf(copy, sizeof copy, "%s", where);
	if (strlen(where) >= sizeof copy || !split(copy, &host, &port) ||
	    strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 || atoi(port) > 65535 ||
	    getaddrinfo(host, port, &hints, ret_address))
		return sl_fail(diag, EINVAL,
			       "--listen takes a port, an address and a port like 127.0.0.1:9469 "
			       "or [::1]:9469, or unix:PATH, not \"%s\"",
			       where);
	return 0;
}

static void describe(int fd, char ret_text[SL_LISTEN_TEXT])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;
	char host[64] = "?", port[8] = "?";

	if (!getsockname(fd, (struct sockaddr *)&address, &size))
		getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(ret_text, SL_LISTEN_TEXT, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_at_address(const char *where, int *ret_fd, char ret_text[SL_LISTEN_TEXT],
			     struct sl_diag *diag)
{
	struct addrinfo *address;
	int one = 1, error = resolve(where, &address, diag);

	if (error)
		return error;

	SL_CLEANUP(sl_close)
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
	    bind(fd, address->ai_addr, address->ai_addrlen) || listen(fd, BACKLOG))
		error = errno;
	freeaddrinfo(address);
	if (error)
		return fail_listen(where, error, diag);
	describe(fd, ret_text);
	*ret_fd = sl_take_fd(&fd);
	return 0;
}

int sl_listen(const char *where, int *ret_fd, char ret_text[SL_LISTEN_TEXT], struct sl_diag *diag)
{
	const char *path = sl_listen_path(where);
	int error;

	if (!path)
		return listen_at_address(where, ret_fd, ret_text, diag);
	error = listen_at_path(path, ret_fd, diag);
	if (!error)
		snprintf(ret_text, SL_LISTEN_TEXT, "%s", where);
	return error;
}
