/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel fills dump buffers of at most 32 kB; a larger one of ours makes it use them. */
#define RECEIVE_SIZE ((size_t)128 * 1024)

/* The kernel answers at once. This only ends a wait for an answer that was lost. */
#define ANSWER_TIMEOUT_S 10

struct sl_netlink {
	int fd;
	u32 sequence;
	u8 *buffer; /* RECEIVE_SIZE bytes */
};

void sl_netlink_close(struct sl_netlink *netlink)
{
	if (!netlink)
		return;
	sl_close(&netlink->fd);
	free(netlink->buffer);
	free(netlink);
}

void sl_netlink_cleanup(struct sl_netlink **netlink)
{
	sl_netlink_close(*netlink);
	*netlink = NULL;
}

int sl_netlink_adopt(int *fd, struct sl_netlink **ret_netlink, struct sl_diag *diag)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *netlink = calloc(1, sizeof *netlink);
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};

	if (!netlink)
		return sl_fail_memory(diag);
	netlink->fd = -1;
	netlink->buffer = malloc(RECEIVE_SIZE);
	if (!netlink->buffer)
		return sl_fail_memory(diag);
	if (setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout))
		return sl_fail(diag, errno, "cannot prepare a netlink socket: %m");
	netlink->fd = sl_take_fd(fd);
	*ret_netlink = netlink;
	netlink = NULL;
	return 0;
}

int sl_netlink_open(int bus, struct sl_netlink **ret_netlink, struct sl_diag *diag)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	SL_CLEANUP(sl_close) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus);

	if (fd < 0)
		return sl_fail(diag, errno, "cannot open a netlink socket (bus %d): %m", bus);
	if (bind(fd, (struct sockaddr *)&self, sizeof self))
		return sl_fail(diag, errno, "cannot bind a netlink socket (bus %d): %m", bus);
	return sl_netlink_adopt(&fd, ret_netlink, diag);
}

bool sl_netlink_is_message(const struct nlmsghdr *message, int left)
{
	return left >= (int)sizeof *message && message->nlmsg_len >= sizeof *message &&
	       message->nlmsg_len <= (u32)left;
}

static void take_error(struct sl_netlink_answer *answer, const struct nlmsghdr *message)
{
	int code = -EBADMSG;

	/* DONE carries an int where the dump failed; ERROR starts with one, 0 for an ACK. */
	if (mnl_nlmsg_get_payload_len(message) >= sizeof code)
		memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
	else if (message->nlmsg_type == NLMSG_DONE)
		code = 0;
	if (code < 0 && !answer->error) {
		answer->error = code;
		answer->is_refused = true;
	}
	answer->is_done = true;
}

static void take_message(struct sl_netlink_answer *answer, const struct nlmsghdr *message)
{
	if (message->nlmsg_seq != answer->sequence)
		return; /* the rest of an answer that nobody waits for any more */
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->was_interrupted = true;

	switch (message->nlmsg_type) {
	case NLMSG_NOOP:
		break;
	case NLMSG_OVERRUN:
		answer->error = answer->error ?: -ENOBUFS;
		break;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		take_error(answer, message);
		break;
	default:
		if (answer->take && !answer->error)
			answer->error = answer->take(answer->context, message);
	}
}

int sl_netlink_answer_read(struct sl_netlink_answer *answer, const void *datagram, size_t length)
{
	const struct nlmsghdr *message = datagram;
	int left = (int)length;

	while (left > 0 && !answer->is_done) {
		if (!sl_netlink_is_message(message, left))
			return -EBADMSG;
		take_message(answer, message);
		message = mnl_nlmsg_next(message, &left);
	}
	return 0;
}

static int receive(struct sl_netlink *netlink, size_t *ret_length, struct sl_diag *diag)
{
	struct sockaddr_nl from = {0};
	struct iovec room = {.iov_base = netlink->buffer, .iov_len = RECEIVE_SIZE};
	struct msghdr header = {
		.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &room, .msg_iovlen = 1};
	ssize_t length;

	do {
		length = recvmsg(netlink->fd, &header, 0);
	} while (length < 0 && errno == EINTR);

	if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return sl_fail(diag, ETIMEDOUT, "the kernel did not answer within %d seconds",
			       ANSWER_TIMEOUT_S);
	if (length < 0)
		return sl_fail(diag, errno, "cannot receive from netlink: %m");
	if (header.msg_flags & MSG_TRUNC)
		return sl_fail(diag, EBADMSG, "the kernel sent a netlink message above %zu bytes",
			       RECEIVE_SIZE);
	/* Any process may write to our port; only port 0 is the kernel. */
	*ret_length = from.nl_pid == 0 ? (size_t)length : 0;
	return 0;
}

static int send_request(struct sl_netlink *netlink, struct nlmsghdr *request, struct sl_diag *diag)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	request->nlmsg_flags |= NLM_F_REQUEST;
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++netlink->sequence;
	if (sendto(netlink->fd, request, request->nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof kernel) < 0)
		return sl_fail(diag, errno, "cannot send to netlink: %m");
	return 0;
}

int sl_netlink_ask(struct sl_netlink *netlink, struct nlmsghdr *request,
		   sl_netlink_message_fn *take, void *context, struct sl_diag *diag)
{
	int error = send_request(netlink, request, diag);
	struct sl_netlink_answer answer = {
		.sequence = netlink->sequence, .take = take, .context = context};

	/* An answer is heard to its end even after a failure: the socket stays usable. */
	while (!error && !answer.is_done) {
		size_t length = 0;

		error = receive(netlink, &length, diag);
		if (!error && sl_netlink_answer_read(&answer, netlink->buffer, length))
			error = sl_fail(diag, EBADMSG, "the kernel's netlink answer is malformed");
	}
	if (error)
		return error;
	if (answer.was_interrupted)
		return sl_fail(diag, EINTR, "somebody wrote while the kernel listed");
	if (answer.is_refused)
		sl_fail(diag, -answer.error, "%s", strerror(-answer.error));
	return answer.error;
}
