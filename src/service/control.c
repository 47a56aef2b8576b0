// SPDX-License-Identifier: GPL-2.0-only
#include "service/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "service/waiter.h"

#define CLIENTS     16
#define LINE_SIZE   256
#define PATIENCE_NS (5000 * SL_NS_PER_MS)

/* It says what it wants, waits, is answered; each step once. */
struct client {
	struct sl_control *control;
	struct sl_waiter waiter; /* fd −1: a free place */
	char line[LINE_SIZE];
	size_t length;
	bool has_asked;
	char *answer; /* malloc'd; NULL until there is one */
	size_t sent;
	u64 due_ns; /* 0 while it waits for us */
};

struct sl_control {
	int epoll_fd;
	struct sl_waiter listener;
	bool is_full;
	sl_control_answer_fn *answer;
	void *context;
	struct client clients[CLIENTS];
};

static struct client *find_place(struct sl_control *control)
{
	for (u32 i = 0; i < CLIENTS; i++)
		if (control->clients[i].waiter.fd < 0)
			return &control->clients[i];
	return NULL;
}

/* A full house does not hear the bell. */
static void open_door(struct sl_control *control)
{
	bool is_full = !find_place(control);

	if (is_full != control->is_full)
		sl_waiter_change(control->epoll_fd, &control->listener, is_full ? 0 : EPOLLIN);
	control->is_full = is_full;
}

static void end_client(struct client *client)
{
	sl_waiter_close(client->control->epoll_fd, &client->waiter);
	free(client->answer);
	client->answer = NULL;
	open_door(client->control);
}

static void send_answer(struct client *client)
{
	size_t left = strlen(client->answer) - client->sent;
	ssize_t sent = send(client->waiter.fd, client->answer + client->sent, left,
			    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		end_client(client);
		return;
	}
	client->sent += sent > 0 ? (size_t)sent : 0;
	if (!client->answer[client->sent])
		end_client(client);
}

static void take_answer(struct client *client, char *answer)
{
	client->answer = answer;
	client->due_ns = sl_monotonic_ns() + PATIENCE_NS;
	sl_waiter_change(client->control->epoll_fd, &client->waiter, EPOLLOUT);
	send_answer(client);
}

static void ask(struct client *client, bool is_new)
{
	char *answer = client->control->answer(client->control->context, client->line, is_new);

	if (answer)
		take_answer(client, answer);
}

/* What it wants is known: nothing more is read, but its end is heard of. */
static void take_line(struct client *client)
{
	client->has_asked = true;
	client->due_ns = 0;
	sl_waiter_change(client->control->epoll_fd, &client->waiter, 0);
	ask(client, true);
}

static void read_line(struct client *client)
{
	size_t room = LINE_SIZE - client->length;
	ssize_t length = recv(client->waiter.fd, client->line + client->length, room, MSG_DONTWAIT);
	char *end;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		end_client(client);
		return;
	}
	client->length += (size_t)length;
	end = memchr(client->line, '\n', client->length);
	if (end) {
		*end = '\0';
		take_line(client);
	} else if (client->length == LINE_SIZE) {
		end_client(client); /* nothing that we understand is so long */
	}
}

static void client_ready(void *context)
{
	struct client *client = context;

	if (!client->has_asked)
		read_line(client);
	else if (client->answer)
		send_answer(client);
	else
		end_client(client); /* it hung up */
}

static bool may_command(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.uid == 0;
}

static void listener_ready(void *context)
{
	struct sl_control *control = context;
	struct client *client = find_place(control);
	SL_CLEANUP(sl_close)
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 || !client || !may_command(fd))
		return;
	*client = (struct client){
		.control = control,
		.waiter = {.fd = fd, .ready = client_ready, .context = client},
		.due_ns = sl_monotonic_ns() + PATIENCE_NS,
	};
	if (sl_waiter_add(control->epoll_fd, &client->waiter, EPOLLIN)) {
		client->waiter = SL_NO_WAITER;
		return;
	}
	sl_take_fd(&fd);
	open_door(control);
}

struct sl_control *sl_control_new(int epoll_fd, int fd, sl_control_answer_fn *answer, void *context)
{
	struct sl_control *control = calloc(1, sizeof *control);

	if (!control) {
		sl_close(&fd);
		return NULL;
	}
	control->epoll_fd = epoll_fd;
	control->answer = answer;
	control->context = context;
	control->listener =
		(struct sl_waiter){.fd = fd, .ready = listener_ready, .context = control};
	for (u32 i = 0; i < CLIENTS; i++)
		control->clients[i].waiter = SL_NO_WAITER;
	if (sl_waiter_add(epoll_fd, &control->listener, EPOLLIN)) {
		sl_control_free(control);
		return NULL;
	}
	return control;
}

void sl_control_free(struct sl_control *control)
{
	if (!control)
		return;
	for (u32 i = 0; i < CLIENTS; i++) {
		sl_waiter_close(control->epoll_fd, &control->clients[i].waiter);
		free(control->clients[i].answer);
	}
	sl_waiter_close(control->epoll_fd, &control->listener);
	free(control);
}

void sl_control_settle(struct sl_control *control, u64 now_ns)
{
	for (u32 i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->waiter.fd < 0)
			continue;
		if (client->due_ns && now_ns >= client->due_ns)
			end_client(client);
		else if (client->has_asked && !client->answer)
			ask(client, false);
	}
}

u64 sl_control_due_ns(const struct sl_control *control)
{
	u64 due_ns = 0;

	for (u32 i = 0; i < CLIENTS; i++) {
		const struct client *client = &control->clients[i];

		if (client->waiter.fd >= 0 && client->due_ns &&
		    (!due_ns || client->due_ns < due_ns))
			due_ns = client->due_ns;
	}
	return due_ns;
}
