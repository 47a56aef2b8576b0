/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FDS_MAX 2

struct sl_namespace {
	int net_fd, user_fd; /* user_fd is −1 where no user namespace was needed */
	struct sl_netlink *route;
};

/* What a child brings back from a namespace that its parent does not enter. */
struct delivery {
	int error; /* 0 or −errno */
	u32 count;
	int fds[FDS_MAX];
};

struct rights {
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
};

static void send_delivery(int socket_fd, const struct delivery *delivery)
{
	struct iovec data = {.iov_base = (void *)delivery, .iov_len = sizeof *delivery};
	struct rights rights = {0};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	if (delivery->count) {
		message.msg_control = rights.room;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * delivery->count);

		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * delivery->count);
		memcpy(CMSG_DATA(header), delivery->fds, sizeof(int) * delivery->count);
	}
	(void)!sendmsg(socket_fd, &message, MSG_NOSIGNAL);
}

static int receive_delivery(int socket_fd, struct delivery *ret_delivery)
{
	struct iovec data = {.iov_base = ret_delivery, .iov_len = sizeof *ret_delivery};
	struct rights rights = {0};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = rights.room,
				 .msg_controllen = sizeof rights.room};
	ssize_t length = TEMP_FAILURE_RETRY(recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC));
	struct cmsghdr *header;

	if (length != (ssize_t)sizeof *ret_delivery)
		return -ECHILD; /* it died before it had anything to say */
	if (ret_delivery->error)
		return ret_delivery->error;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int) * ret_delivery->count))
		return -ECHILD;
	memcpy(ret_delivery->fds, CMSG_DATA(header), sizeof(int) * ret_delivery->count);
	return 0;
}

/* Lets a child open things where it may go for good, and takes them over. */
static int fetch(int (*open_there)(const void *context, struct delivery *delivery),
		 const void *context, struct delivery *ret_delivery)
{
	SL_CLEANUP(sl_close) int here = -1;
	SL_CLEANUP(sl_close) int there = -1;
	int pair[2], error;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	here = pair[0];
	there = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		struct delivery delivery = {0};

		delivery.error = open_there(context, &delivery);
		send_delivery(there, &delivery);
		_exit(0);
	}
	sl_close(&there);
	error = receive_delivery(here, ret_delivery);
	TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	return error;
}

static int write_text(const char *path, const char *text)
{
	SL_CLEANUP(sl_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -errno;
	return 0;
}

/* Makes the caller root in the user namespace that it has just created. */
static int map_root(uid_t uid, gid_t gid)
{
	char uid_map[32], gid_map[32];
	int error;

	snprintf(uid_map, sizeof uid_map, "0 %u 1", uid);
	snprintf(gid_map, sizeof gid_map, "0 %u 1", gid);
	error = write_text("/proc/self/setgroups", "deny");
	if (!error)
		error = write_text("/proc/self/uid_map", uid_map);
	return error ? error : write_text("/proc/self/gid_map", gid_map);
}

static int push_fd(struct delivery *delivery, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	delivery->fds[delivery->count++] = fd;
	return 0;
}

/* The child's side of sl_namespace_new: the network namespace first, then the user's if any. */
static int create(const void *context, struct delivery *delivery)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int error;

	(void)context;
	if (!unshare(CLONE_NEWNET))
		return push_fd(delivery, "/proc/self/ns/net");
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	error = map_root(uid, gid);
	if (!error)
		error = push_fd(delivery, "/proc/self/ns/net");
	return error ? error : push_fd(delivery, "/proc/self/ns/user");
}

int sl_namespace_new(struct sl_namespace **ret_namespace, struct sl_diag *diag)
{
	struct sl_namespace *namespace = calloc(1, sizeof *namespace);
	struct delivery delivery = {0};
	int error;

	if (!namespace)
		return sl_fail_memory(diag);
	error = fetch(create, NULL, &delivery);
	if (error) {
		free(namespace);
		return sl_fail(diag, -error,
			       "cannot create a private network namespace: %s; run as root, or let "
			       "users create namespaces (sysctl user.max_user_namespaces)",
			       strerror(-error));
	}
	namespace->net_fd = delivery.fds[0];
	namespace->user_fd = delivery.count > 1 ? delivery.fds[1] : -1;
	*ret_namespace = namespace;
	return 0;
}

void sl_namespace_free(struct sl_namespace *namespace)
{
	if (!namespace)
		return;
	sl_netlink_close(namespace->route);
	sl_close(&namespace->net_fd);
	sl_close(&namespace->user_fd);
	free(namespace);
}

void sl_namespace_cleanup(struct sl_namespace **namespace)
{
	sl_namespace_free(*namespace);
	*namespace = NULL;
}

int sl_namespace_enter(const struct sl_namespace *namespace)
{
	if (namespace->user_fd >= 0 && setns(namespace->user_fd, CLONE_NEWUSER))
		return -errno;
	if (setns(namespace->net_fd, CLONE_NEWNET))
		return -errno;
	return 0;
}

struct netlink_wish {
	const struct sl_namespace *namespace;
	int bus;
};

static int open_netlink(const void *context, struct delivery *delivery)
{
	const struct netlink_wish *wish = context;
	struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	int error = sl_namespace_enter(wish->namespace);
	int fd = error ? -1 : socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, wish->bus);

	if (error)
		return error;
	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self))
		return -errno;
	delivery->fds[delivery->count++] = fd;
	return 0;
}

int sl_namespace_open_netlink(const struct sl_namespace *namespace, int bus,
			      struct sl_netlink **ret_netlink, struct sl_diag *diag)
{
	struct netlink_wish wish = {.namespace = namespace, .bus = bus};
	struct delivery delivery = {.fds = {-1, -1}};
	int error = fetch(open_netlink, &wish, &delivery);

	if (error)
		return sl_fail(diag, -error,
			       "cannot open a netlink socket in the private namespace: %s",
			       strerror(-error));
	SL_CLEANUP(sl_close) int fd = delivery.fds[0];

	return sl_netlink_adopt(&fd, ret_netlink, diag);
}

struct file_wish {
	const struct sl_namespace *namespace;
	const char *path;
	int flags;
};

static int open_file(const void *context, struct delivery *delivery)
{
	const struct file_wish *wish = context;
	int error = sl_namespace_enter(wish->namespace);
	int fd = error ? -1 : open(wish->path, wish->flags | O_CLOEXEC);

	if (error)
		return error;
	if (fd < 0)
		return -errno;
	delivery->fds[delivery->count++] = fd;
	return 0;
}

int sl_namespace_open_file(const struct sl_namespace *namespace, const char *path, int flags,
			   int *ret_fd)
{
	struct file_wish wish = {.namespace = namespace, .path = path, .flags = flags};
	struct delivery delivery = {.fds = {-1, -1}};
	int error = fetch(open_file, &wish, &delivery);

	if (!error)
		*ret_fd = delivery.fds[0];
	return error;
}

static int try_device(struct sl_netlink *route, const char *kind, const char *name, u32 ifindex,
		      struct sl_diag *diag)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
	struct nlattr *info;

	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	header->ifi_index = (int)ifindex;
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_str(message, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(message, info);
	return sl_netlink_ask(route, message, NULL, NULL, diag);
}

int sl_namespace_add_device(struct sl_namespace *namespace, const char *name, u32 ifindex,
			    struct sl_diag *diag)
{
	static const char *const kinds[] = {"dummy", "bridge", "veth"};
	int error = 0;

	if (!namespace->route)
		error = sl_namespace_open_netlink(namespace, NETLINK_ROUTE, &namespace->route,
						  diag);
	if (error)
		return error;
	error = -EOPNOTSUPP;
	for (size_t i = 0; i < SL_ARRAY_SIZE(kinds) && error == -EOPNOTSUPP; i++)
		error = try_device(namespace->route, kinds[i], name, ifindex, diag);
	return error ? sl_fail_in(diag, error, "cannot create a stand-in for device %s", name) : 0;
}
