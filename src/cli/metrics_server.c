// SPDX-License-Identifier: GPL-2.0-only
#include "cli/metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "cli/listen.h"
#include "cli/scrape.h"

#define CONNECTIONS_MAX  16u
#define CONNECTION_BYTES ((size_t)16384)
#define TIMEOUT_S        10u

/* What every page is made of. */
struct source {
	struct sl_observer *observer;
	bool with_rules;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, char *text, size_t size,
			      enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status, char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text),
		      MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer_page(struct MHD_Connection *connection, const struct source *source)
{
	struct sl_diag diag = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size);
	int error = page ? sl_scrape(source->observer, page, source->with_rules, &diag)
			 : sl_fail_memory(&diag);

	if (page && fclose(page) && !error)
		error = sl_fail_memory(&diag);
	if (!error)
		return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
			      text, size, MHD_RESPMEM_MUST_FREE);
	free(text);
	return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, diag.text);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	static char not_found[] = "sluice has one page: /metrics\n";
	static char not_allowed[] = "this page can only be read\n";
	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, not_allowed);
	if (strcmp(path, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, not_found);
	return answer_page(connection, context);
}

/*
 * At least so often it looks for itself: behind the last of too many connections libmicrohttpd
 * listens again only when it is asked to, and its epoll descriptor does not say so.
 */
#define LOOK_MS 1000

static int wait_ms(struct MHD_Daemon *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	if (MHD_get_timeout(server, &timeout_ms) == MHD_YES && timeout_ms < LOOK_MS)
		return (int)timeout_ms;
	return LOOK_MS;
}

/* All in this thread, when the epoll descriptor or a timeout of its connections says so. */
static int run(struct MHD_Daemon *server, int signals)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = {{.fd = info ? info->epoll_fd : -1, .events = POLLIN},
			       {.fd = signals, .events = POLLIN}};

	while (!fds[1].revents) {
		if (poll(fds, 2, wait_ms(server)) < 0 && errno != EINTR)
			return -errno;
		MHD_run(server);
	}
	return 0;
}

static int serve(int fd, struct source *source, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int signals = sl_signals_open((const int[]){SIGTERM, SIGINT, 0});
	struct MHD_Daemon *server;
	int error;

	signal(SIGPIPE, SIG_IGN);
	if (signals < 0)
		return sl_fail(diag, errno, "cannot wait for signals: %s", strerror(errno));
	server = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, handle, source, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_END);
	if (!server) {
		close(fd);
		return sl_fail(diag, EIO, "the HTTP server does not start");
	}
	error = run(server, signals);
	MHD_stop_daemon(server); /* and closes what it listens at */
	return error ? sl_fail(diag, -error, "cannot wait for requests: %s", strerror(-error)) : 0;
}

int sl_metrics_serve(struct sl_observer *observer, const char *where, bool with_rules,
		     struct sl_diag *diag)
{
	char text[SL_LISTEN_TEXT];
	const char *path = sl_listen_path(where);
	struct source source = {observer, with_rules};
	int fd, error = sl_listen(where, &fd, text, diag);

	if (error)
		return error;
	printf("listening at %s%s%s\n", path ? "" : "http://", text, path ? "" : "/metrics");
	fflush(stdout);
	error = serve(fd, &source, diag);
	if (path)
		unlink(path);
	return error;
}
