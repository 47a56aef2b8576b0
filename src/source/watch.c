/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/netlink.h"
#include "source/transaction.h"

#define RECEIVE_SIZE ((size_t)128 * 1024)

/* What may pile up while the daemon compiles; more is an OVERRUN and costs a dump. */
#define BACKLOG_SIZE (8 * 1024 * 1024)

struct watch_source {
	int fd;
	bool is_rules;
};

struct sl_watch {
	int epoll_fd;
	struct watch_source sources[2];
	u8 *buffer; /* RECEIVE_SIZE bytes: the datagram being read */
	const struct nlmsghdr *next;
	int left; /* bytes behind `next` */
	struct sl_transaction transaction;
	bool is_delivered; /* the caller has the transaction's event */
	u32 generation;    /* of the last transaction; 0: none yet */
	u64 idle_at_ns;    /* nothing was waiting then */
};

static int join_groups(int fd, const u32 *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof groups[i]))
			return -errno;
	return 0;
}

static int open_source(struct sl_watch *watch, struct watch_source *source, int bus,
		       const u32 *groups, size_t count)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	struct epoll_event event = {.events = EPOLLIN};
	int backlog = BACKLOG_SIZE, error;

	source->is_rules = bus == NETLINK_NETFILTER;
	source->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, bus);
	if (source->fd < 0 || bind(source->fd, (struct sockaddr *)&self, sizeof self))
		return -errno;
	/* Unprivileged, the system's limit holds, and overruns come sooner. */
	if (setsockopt(source->fd, SOL_SOCKET, SO_RCVBUFFORCE, &backlog, sizeof backlog))
		(void)setsockopt(source->fd, SOL_SOCKET, SO_RCVBUF, &backlog, sizeof backlog);
	error = join_groups(source->fd, groups, count);
	if (!error && epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, source->fd, &event))
		error = -errno;
	return error;
}

static int open_sources(struct sl_watch *watch)
{
	static const u32 rules[] = {NFNLGRP_NFTABLES, NFNLGRP_CONNTRACK_EXP_NEW};
	static const u32 route[] = {
		RTNLGRP_LINK,         RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_TC,
		RTNLGRP_IPV4_ROUTE,   RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,
		RTNLGRP_IPV6_RULE,
	};
	int error;

	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll_fd < 0)
		return -errno;
	error = open_source(watch, &watch->sources[0], NETLINK_NETFILTER, rules,
			    SL_ARRAY_SIZE(rules));
	if (error)
		return error;
	return open_source(watch, &watch->sources[1], NETLINK_ROUTE, route, SL_ARRAY_SIZE(route));
}

void sl_watch_close(struct sl_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < SL_ARRAY_SIZE(watch->sources); i++)
		sl_close(&watch->sources[i].fd);
	sl_close(&watch->epoll_fd);
	sl_transaction_release(&watch->transaction);
	free(watch->buffer);
	free(watch);
}

int sl_watch_open(struct sl_watch **ret_watch, struct sl_diag *diag)
{
	struct sl_watch *watch = calloc(1, sizeof *watch);
	int error;

	if (!watch)
		return sl_fail_memory(diag);
	watch->epoll_fd = watch->sources[0].fd = watch->sources[1].fd = -1;
	watch->idle_at_ns = sl_monotonic_ns();
	watch->buffer = malloc(RECEIVE_SIZE);
	error = watch->buffer ? sl_transaction_reset(&watch->transaction) : -ENOMEM;
	if (!error)
		error = open_sources(watch);
	if (error) {
		sl_watch_close(watch);
		return sl_fail(diag, -error, "cannot watch the network namespace for changes: %s",
			       strerror(-error));
	}
	*ret_watch = watch;
	return 0;
}

int sl_watch_fd(const struct sl_watch *watch)
{
	return watch->epoll_fd;
}

/* How the route messages map to events. */
static int take_route(const struct nlmsghdr *message, struct sl_event *event)
{
	static const struct {
		u16 first, last; /* message types */
		enum sl_event_kind kind;
	} kinds[] = {
		{RTM_NEWLINK, RTM_DELLINK, SL_EVENT_LINK},
		{RTM_NEWADDR, RTM_DELADDR, SL_EVENT_ADDRESS},
		{RTM_NEWQDISC, RTM_DELQDISC, SL_EVENT_TC},
		{RTM_NEWTFILTER, RTM_DELTFILTER, SL_EVENT_TC},
		{RTM_NEWCHAIN, RTM_DELCHAIN, SL_EVENT_TC},
		{RTM_NEWROUTE, RTM_DELROUTE, SL_EVENT_ROUTE},
		{RTM_NEWRULE, RTM_DELRULE, SL_EVENT_ROUTE},
		{RTM_NEWNETCONF, RTM_DELNETCONF, SL_EVENT_NETCONF},
	};

	for (size_t i = 0; i < SL_ARRAY_SIZE(kinds); i++) {
		if (message->nlmsg_type < kinds[i].first || message->nlmsg_type > kinds[i].last)
			continue;
		event->kind = kinds[i].kind;
		return 1;
	}
	return 0;
}

static int deliver(struct sl_watch *watch, struct sl_event *event)
{
	struct sl_rules_event *rules = &watch->transaction.event;

	/* Every transaction raises the generation by one; 0 is left out when it wraps. */
	if (watch->generation && rules->generation != watch->generation + 1)
		rules->needs_dump = true;
	watch->generation = rules->generation;
	watch->is_delivered = true;
	event->kind = SL_EVENT_RULES;
	event->rules = *rules;
	return 1;
}

static int take_netfilter(struct sl_watch *watch, const struct nlmsghdr *message,
			  const struct sl_ruleset *known, struct sl_event *event)
{
	int result;

	switch (NFNL_SUBSYS_ID(message->nlmsg_type)) {
	case NFNL_SUBSYS_CTNETLINK_EXP:
		event->kind = SL_EVENT_EXPECTATION;
		return 1;
	case NFNL_SUBSYS_NFTABLES:
		result =
			sl_transaction_take(&watch->transaction, message, known, watch->idle_at_ns);
		return result == 1 ? deliver(watch, event) : result;
	}
	return 0;
}

/*
 * Lost notices may have been anything, half of a transaction too. What still waits came before them
 * in part and is worthless beside the dump that must follow; and the transaction that comes next
 * may be the second half of one.
 */
static int overrun(struct sl_watch *watch, struct sl_event *event)
{
	struct sl_rules_event *rules = &watch->transaction.event;

	event->kind = SL_EVENT_OVERRUN;
	for (size_t i = 0; i < SL_ARRAY_SIZE(watch->sources); i++)
		while (recv(watch->sources[i].fd, watch->buffer, RECEIVE_SIZE, MSG_DONTWAIT) >= 0 ||
		       errno == ENOBUFS || errno == EINTR)
			;
	watch->left = 0;
	if (sl_transaction_reset(&watch->transaction))
		return -ENOMEM;
	rules->needs_dump = true;
	return 1;
}

/* The next message of the datagram at hand, if it has any: 1 for an event, 0 for none. */
static int take_message(struct sl_watch *watch, const struct sl_ruleset *known,
			struct sl_event *event)
{
	const struct nlmsghdr *message = watch->next;

	if (!sl_netlink_is_message(message, watch->left))
		return -EBADMSG;
	u16 type = message->nlmsg_type;
	watch->next = mnl_nlmsg_next(message, &watch->left);
	if (type < NLMSG_MIN_TYPE)
		return type == NLMSG_OVERRUN ? overrun(watch, event) : 0;
	/* nfnetlink puts its subsystem there, rtnetlink's numbers stay below. */
	if (type >> 8)
		return take_netfilter(watch, message, known, event);
	return take_route(message, event);
}

/* 1 with a datagram at hand, 0 without, or −errno. */
static int receive(struct sl_watch *watch, const struct watch_source *source)
{
	struct sockaddr_nl from = {0};
	struct iovec room = {.iov_base = watch->buffer, .iov_len = RECEIVE_SIZE};
	struct msghdr header = {
		.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &room, .msg_iovlen = 1};
	ssize_t length = TEMP_FAILURE_RETRY(recvmsg(source->fd, &header, MSG_DONTWAIT));

	if (length < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	if (header.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	watch->next = (const void *)watch->buffer;
	watch->left = from.nl_pid == 0 ? (int)length : 0;
	return 1;
}

/* From whichever socket has something: rules first. */
static int receive_any(struct sl_watch *watch)
{
	u64 asked_at_ns = sl_monotonic_ns();

	for (size_t i = 0; i < SL_ARRAY_SIZE(watch->sources); i++) {
		int result = receive(watch, &watch->sources[i]);

		if (result)
			return result;
		if (watch->sources[i].is_rules)
			watch->idle_at_ns = asked_at_ns;
	}
	return 0;
}

static int next_event(struct sl_watch *watch, const struct sl_ruleset *known,
		      struct sl_event *event)
{
	for (;;) {
		int result = 0;

		if (watch->left > 0)
			result = take_message(watch, known, event);
		/* What cannot be read is as good as lost. */
		if (result == -EBADMSG)
			return overrun(watch, event);
		if (result)
			return result;
		if (watch->left > 0)
			continue;
		result = receive_any(watch);
		if (result == -ENOBUFS)
			return overrun(watch, event);
		if (result <= 0)
			return result;
	}
}

int sl_watch_next(struct sl_watch *watch, const struct sl_ruleset *known,
		  struct sl_event *ret_event, struct sl_diag *diag)
{
	struct sl_event event = {0};
	int result = watch->is_delivered ? sl_transaction_reset(&watch->transaction) : 0;

	watch->is_delivered = false;
	if (!result)
		result = next_event(watch, known, &event);
	if (result > 0)
		*ret_event = event;
	else if (result < 0)
		sl_fail(diag, -result, "cannot watch for changes any more: %s", strerror(-result));
	return result;
}
