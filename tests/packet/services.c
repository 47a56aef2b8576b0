/* SPDX-License-Identifier: GPL-2.0-only */
#include "services.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "frames.h"
#include "pools.h"

#define DATAGRAM_MAX 4096

enum socket_kind { UDP, TCP_LISTENER, TCP_SERVER, TCP_CLIENT, RAW };

struct service {
	int fd;
	enum socket_kind kind;
	bool is_ip6, is_connecting;
	u8 protocol;   /* RAW */
	char name[24]; /* where its observations say they come from */
};

struct sl_services {
	struct sl_arena *arena; /* outlives the sockets; names of observations live in the record */
	int epoll, dhcp;
	const struct sl_lab *lab;
	SL_LIST(struct service *) all;
};

union socket_address {
	struct sockaddr any;
	struct sockaddr_in ip;
	struct sockaddr_in6 ip6;
	struct sockaddr_storage storage;
};

static socklen_t address_fill(union socket_address *address, bool is_ip6, const u8 *bytes, u16 port)
{
	*address = (union socket_address){0};
	if (is_ip6) {
		address->ip6.sin6_family = AF_INET6;
		address->ip6.sin6_port = htons(port);
		if (bytes)
			memcpy(&address->ip6.sin6_addr, bytes, 16);
		return sizeof address->ip6;
	}
	address->ip.sin_family = AF_INET;
	address->ip.sin_port = htons(port);
	if (bytes)
		memcpy(&address->ip.sin_addr, bytes, 4);
	return sizeof address->ip;
}

static void address_print(const union socket_address *address, char *ret_text, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	u16 port = 0;

	if (address->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->ip6.sin6_addr, host, sizeof host);
		port = ntohs(address->ip6.sin6_port);
	} else if (address->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->ip.sin_addr, host, sizeof host);
		port = ntohs(address->ip.sin_port);
	}
	snprintf(ret_text, size, "%s %u", host, port);
}

/* The record outlives the services, so the name is copied there. */
static void note(struct sl_recorder *recorder, const struct service *service, enum sl_form form,
		 const void *bytes, u32 length)
{
	const char *where = sl_arena_strdup(recorder->record->arena, service->name);

	if (where)
		sl_recorder_note(recorder, where, form, service->protocol, bytes, length);
	else
		recorder->out_of_memory = true;
}

__attribute__((format(printf, 3, 4))) static void
note_text(struct sl_recorder *recorder, const struct service *service, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	note(recorder, service, SL_FORM_DATA, text, (u32)strlen(text));
}

/* "from ADDRESS PORT: " and the data, as one observation. */
static void note_data(struct sl_recorder *recorder, const struct service *service,
		      const union socket_address *from, const u8 *data, u32 length)
{
	u8 text[DATAGRAM_MAX + 80];
	char host[64];

	address_print(from, host, sizeof host);
	int used = snprintf((char *)text, sizeof text, "from %s: ", host);
	memcpy(text + used, data, length);
	note(recorder, service, SL_FORM_DATA, text, (u32)used + length);
}

static int watch(struct sl_services *services, struct service *service, u32 events)
{
	struct epoll_event event = {.events = events, .data.ptr = service};

	return epoll_ctl(services->epoll, EPOLL_CTL_ADD, service->fd, &event) ? -errno : 0;
}

/* Takes the descriptor over, also when it fails. */
static struct service *adopt(struct sl_services *services, int fd, enum socket_kind kind,
			     bool is_ip6)
{
	struct service *service = sl_arena_alloc(services->arena, sizeof *service);
	struct service **slot = service ? sl_list_push(services->arena, &services->all) : NULL;

	if (!slot) {
		close(fd);
		return NULL;
	}
	*service = (struct service){.fd = fd, .kind = kind, .is_ip6 = is_ip6};
	*slot = service;
	return service;
}

static void set_flag(int fd, int level, int option)
{
	int one = 1;

	/* Refused only where the option makes no sense for the socket's kind. */
	(void)setsockopt(fd, level, option, &one, sizeof one);
}

static int open_bound(bool is_ip6, int type, int protocol, const u8 *address, u16 port)
{
	SL_CLEANUP(sl_close)
	int fd = socket(is_ip6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	union socket_address local;
	socklen_t length = address_fill(&local, is_ip6, address, port);

	if (fd < 0)
		return -errno;
	set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
	if (is_ip6) {
		set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	} else {
		set_flag(fd, IPPROTO_IP, IP_PKTINFO);
	}
	if (type != SOCK_RAW && bind(fd, &local.any, length))
		return -errno;
	return sl_take_fd(&fd);
}

/* mDNS groups: a link-local group makes no reports. */
static void join_groups(int fd, bool is_ip6)
{
	if (is_ip6) {
		struct ipv6_mreq group = {.ipv6mr_interface = 10};

		inet_pton(AF_INET6, "ff02::fb", &group.ipv6mr_multiaddr);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof group);
	} else {
		struct ip_mreqn group = {.imr_ifindex = 10};

		inet_pton(AF_INET, "224.0.0.251", &group.imr_multiaddr);
		(void)setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
	}
}

static int open_udp(struct sl_services *services, bool is_ip6, u16 port)
{
	int fd = open_bound(is_ip6, SOCK_DGRAM, 0, NULL, port);
	struct service *service = fd < 0 ? NULL : adopt(services, fd, UDP, is_ip6);

	if (!service)
		return fd < 0 ? fd : -ENOMEM;
	set_flag(fd, is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ip6 ? IPV6_RECVERR : IP_RECVERR);
	set_flag(fd, SOL_SOCKET, SO_BROADCAST);
	if (port == 5353)
		join_groups(fd, is_ip6);
	snprintf(service->name, sizeof service->name, "udp%d/%u", is_ip6 ? 6 : 4, port);
	return watch(services, service, EPOLLIN);
}

static int open_tcp(struct sl_services *services, bool is_ip6, u16 port)
{
	int fd = open_bound(is_ip6, SOCK_STREAM, 0, NULL, port);
	struct service *service = fd < 0 ? NULL : adopt(services, fd, TCP_LISTENER, is_ip6);

	if (!service)
		return fd < 0 ? fd : -ENOMEM;
	if (listen(fd, 1024))
		return -errno;
	snprintf(service->name, sizeof service->name, "tcp%d/%u", is_ip6 ? 6 : 4, port);
	return watch(services, service, EPOLLIN);
}

static int open_raw(struct sl_services *services, bool is_ip6, u8 protocol)
{
	int fd = open_bound(is_ip6, SOCK_RAW, protocol, NULL, 0);
	struct service *service = fd < 0 ? NULL : adopt(services, fd, RAW, is_ip6);

	if (!service)
		return fd < 0 ? fd : -ENOMEM;
	service->protocol = protocol;
	snprintf(service->name, sizeof service->name, "raw%d/%u", is_ip6 ? 6 : 4, protocol);
	return watch(services, service, EPOLLIN);
}

/* One raw socket per protocol that frames come in; 254 has none, so that it is unreachable. */
static int open_all(struct sl_services *services)
{
	static const u8 raw_protocols[] = {IPPROTO_IGMP, IPPROTO_TCP, IPPROTO_UDP,  IPPROTO_GRE,
					   IPPROTO_ESP,  IPPROTO_AH,  IPPROTO_SCTP, 253};
	int error = 0;

	for (u32 is_ip6 = 0; !error && is_ip6 < 2; is_ip6++) {
		for (u32 i = 0; !error && i < sl_pool_udp_service_count; i++)
			error = open_udp(services, is_ip6, sl_pool_udp_services[i]);
		for (u32 i = 0; !error && i < sl_pool_tcp_service_count; i++)
			error = open_tcp(services, is_ip6, sl_pool_tcp_services[i]);
		for (u32 i = 0; !error && i < SL_ARRAY_SIZE(raw_protocols); i++)
			error = open_raw(services, is_ip6, raw_protocols[i]);
		if (!error)
			error = open_raw(services, is_ip6, is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	}
	return error;
}

int sl_services_open(const struct sl_lab *lab, struct sl_services **ret_services,
		     struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_services *services = arena ? sl_arena_alloc(arena, sizeof *services) : NULL;

	if (!services) {
		sl_arena_free(arena);
		return sl_fail_memory(diag);
	}
	services->arena = arena;
	services->lab = lab;
	services->epoll = epoll_create1(EPOLL_CLOEXEC);
	int error = services->epoll < 0 ? -errno : sl_lab_enter(lab, SL_DUT, diag);
	if (!error) {
		error = open_all(services);
		sl_lab_leave(lab);
	}
	if (error) {
		sl_services_close(services);
		return sl_fail(diag, -error, "cannot open the dut's sockets: %s", strerror(-error));
	}
	*ret_services = services;
	return 0;
}

/* Connections end at once, so that a lab that lasts has heard the last of them. */
static void abandon(struct service *service)
{
	const struct linger at_once = {.l_onoff = 1};

	if (service->fd >= 0 && (service->kind == TCP_SERVER || service->kind == TCP_CLIENT))
		(void)setsockopt(service->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	sl_close(&service->fd);
}

void sl_services_close(struct sl_services *services)
{
	if (!services)
		return;
	for (u32 i = 0; i < services->all.count; i++)
		abandon(services->all.items[i]);
	sl_close(&services->epoll);
	sl_arena_free(services->arena);
}

/* An ICMP error that reached a UDP socket. */
static bool read_error(struct service *service, struct sl_recorder *recorder)
{
	u8 data[DATAGRAM_MAX];
	char control[512], host[64];
	union socket_address to = {0};
	struct iovec part = {data, sizeof data};
	struct msghdr message = {.msg_name = &to,
				 .msg_namelen = sizeof to,
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control};
	ssize_t length = recvmsg(service->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (length < 0)
		return false;
	address_print(&to, host, sizeof host);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct sock_extended_err error;

		if (c->cmsg_type != IP_RECVERR && c->cmsg_type != IPV6_RECVERR)
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof error);
		note_text(recorder, service, "error %u origin %u type %u code %u info %u to %s",
			  error.ee_errno, error.ee_origin, error.ee_type, error.ee_code,
			  error.ee_info, host);
	}
	return true;
}

static void note_socket_error(struct service *service, struct sl_recorder *recorder)
{
	int error = 0;
	socklen_t length = sizeof error;

	if (!getsockopt(service->fd, SOL_SOCKET, SO_ERROR, &error, &length) && error)
		note_text(recorder, service, "socket error %d", error);
}

/*
 * Answers from the address that was asked. The control message of the question, a pktinfo, serves
 * for the answer too; a multicast destination can't be a source.
 */
static void answer_datagram(const struct service *service, struct msghdr *message, u8 *data,
			    size_t length)
{
	static const char prefix[] = {'r', 'e', ':'};
	struct iovec parts[] = {{(void *)(uintptr_t)prefix, sizeof prefix}, {data, length}};
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (length >= sizeof prefix && !memcmp(data, prefix, sizeof prefix))
		return;
	if (control && service->is_ip6) {
		struct in6_pktinfo *info = (struct in6_pktinfo *)CMSG_DATA(control);

		if (info->ipi6_addr.s6_addr[0] == 0xff)
			message->msg_controllen = 0;
	} else if (control) {
		((struct in_pktinfo *)CMSG_DATA(control))->ipi_ifindex = 0;
	}
	message->msg_iov = parts;
	message->msg_iovlen = SL_ARRAY_SIZE(parts);
	message->msg_flags = 0;
	(void)sendmsg(service->fd, message,
		      MSG_DONTWAIT); /* may have no route: same in both labs */
}

static bool read_datagram(struct service *service, struct sl_recorder *recorder)
{
	u8 data[DATAGRAM_MAX];
	_Alignas(struct cmsghdr) char control[256];
	union socket_address from = {0};
	struct iovec part = {data, sizeof data};
	struct msghdr message = {.msg_name = &from,
				 .msg_namelen = sizeof from,
				 .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof control};
	ssize_t length = recvmsg(service->fd, &message, MSG_DONTWAIT);

	if (length < 0)
		return false;
	if (service->kind == RAW) {
		if (!service->is_ip6)
			note(recorder, service, SL_FORM_IP, data, (u32)length);
		else
			note(recorder, service, SL_FORM_TRANSPORT, data, (u32)length);
		return true;
	}
	note_data(recorder, service, &from, data, (u32)length);
	answer_datagram(service, &message, data, (size_t)length);
	return true;
}

static void serve_datagrams(struct service *service, struct sl_recorder *recorder, u32 events)
{
	if (events & EPOLLERR) {
		while (service->kind == UDP && read_error(service, recorder))
			;
		note_socket_error(service, recorder);
	}
	while (read_datagram(service, recorder))
		;
}

static void accept_one(struct sl_services *services, struct service *listener,
		       struct sl_recorder *recorder)
{
	union socket_address from = {0};
	socklen_t length = sizeof from;
	int fd = accept4(listener->fd, &from.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	char host[64];

	if (fd < 0)
		return;
	set_flag(fd, IPPROTO_TCP, TCP_NODELAY);
	address_print(&from, host, sizeof host);
	note_text(recorder, listener, "accepted %s", host);
	struct service *service = adopt(services, fd, TCP_SERVER, listener->is_ip6);
	if (!service || watch(services, service, EPOLLIN))
		recorder->out_of_memory = true;
	if (service)
		snprintf(service->name, sizeof service->name, "%.18s conn", listener->name);
}

static void answer_stream(const struct service *service, const u8 *data, size_t length)
{
	static const char prefix[] = {'r', 'e', ':'};
	struct iovec parts[] = {{(void *)(uintptr_t)prefix, sizeof prefix},
				{(void *)(uintptr_t)data, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = SL_ARRAY_SIZE(parts)};

	(void)sendmsg(service->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void serve_stream(struct service *service, struct sl_recorder *recorder)
{
	u8 data[DATAGRAM_MAX];
	union socket_address from = {0};
	socklen_t size = sizeof from;
	ssize_t length = recv(service->fd, data, sizeof data, MSG_DONTWAIT);

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		note_text(recorder, service, length ? "closed by error %d" : "closed",
			  length ? errno : 0);
		sl_close(&service->fd);
		return;
	}
	(void)getpeername(service->fd, &from.any, &size);
	note_data(recorder, service, &from, data, (u32)length);
	if (service->kind == TCP_SERVER)
		answer_stream(service, data, (size_t)length);
	else
		sl_close(&service->fd); /* a client has heard enough: it hangs up */
}

/* connect() has come to an end. */
static void greet(struct sl_services *services, struct service *service,
		  struct sl_recorder *recorder)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = service};
	int error = 0;
	socklen_t length = sizeof error;

	service->is_connecting = false;
	(void)getsockopt(service->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	note_text(recorder, service, "connect says %d", error);
	if (error) {
		sl_close(&service->fd);
		return;
	}
	(void)send(service->fd, "hello", 5, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)epoll_ctl(services->epoll, EPOLL_CTL_MOD, service->fd, &event);
}

static void serve_one(struct sl_services *services, struct service *service,
		      struct sl_recorder *recorder, u32 events)
{
	switch (service->kind) {
	case UDP:
	case RAW:
		serve_datagrams(service, recorder, events);
		break;
	case TCP_LISTENER:
		accept_one(services, service, recorder);
		break;
	case TCP_CLIENT:
		if (service->is_connecting)
			greet(services, service, recorder);
		else
			serve_stream(service, recorder);
		break;
	case TCP_SERVER:
		serve_stream(service, recorder);
		break;
	}
}

static void drain_dhcp(struct sl_services *services, struct sl_recorder *recorder)
{
	u8 data[DATAGRAM_MAX];
	ssize_t length;

	while ((length = recv(services->lab->dhcp_socket, data, sizeof data, MSG_DONTWAIT)) > 0)
		sl_recorder_note(recorder, "dhcp", SL_FORM_IP, 0, data, (u32)length);
}

int sl_services_serve(struct sl_services *services, struct sl_recorder *recorder)
{
	struct epoll_event events[32];
	int count = epoll_wait(services->epoll, events, SL_ARRAY_SIZE(events), 0);

	for (int i = 0; i < count; i++) {
		struct service *service = events[i].data.ptr;

		if (service->fd >= 0)
			serve_one(services, service, recorder, events[i].events);
	}
	drain_dhcp(services, recorder);
	if (recorder->out_of_memory)
		return -ENOMEM;
	return count < 0 ? -errno : count;
}

/* An echo request as a raw socket takes it. */
static void send_ping(int fd, const struct sl_endpoint *to, u16 id)
{
	u8 packet[12] = {to->address.is_ip6 ? 128 : 8,
			 0,
			 0,
			 0,
			 (u8)(id >> 8),
			 (u8)id,
			 0,
			 1,
			 'p',
			 'i',
			 'n',
			 'g'};
	union socket_address remote;
	socklen_t length = address_fill(&remote, to->address.is_ip6, to->address.bytes, 0);

	if (!to->address.is_ip6) /* the kernel does it for ICMPv6 */
		sl_put16(packet + 2, sl_checksum(packet, sizeof packet, 0));
	(void)sendto(fd, packet, sizeof packet, MSG_DONTWAIT, &remote.any, length);
}

static int open_client(enum sl_client_kind kind, const struct sl_endpoint *from)
{
	bool is_ip6 = from->address.is_ip6;

	switch (kind) {
	case SL_CLIENT_TCP:
		return open_bound(is_ip6, SOCK_STREAM, 0, from->address.bytes, from->port);
	case SL_CLIENT_UDP:
		return open_bound(is_ip6, SOCK_DGRAM, 0, from->address.bytes, from->port);
	case SL_CLIENT_PING:
		return open_bound(is_ip6, SOCK_RAW, is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, NULL,
				  0);
	}
	return -EINVAL;
}

/* connect() and the first words; from here on the socket's own events tell. */
static void begin_client(struct service *service, enum sl_client_kind kind,
			 const struct sl_endpoint *to, u16 id, struct sl_recorder *recorder)
{
	union socket_address remote;
	socklen_t length = address_fill(&remote, to->address.is_ip6, to->address.bytes, to->port);

	if (kind == SL_CLIENT_PING) {
		send_ping(service->fd, to, id);
		sl_close(&service->fd); /* the raw services hear the answer */
		return;
	}
	if (connect(service->fd, &remote.any, length) && errno != EINPROGRESS)
		note_text(recorder, service, "connect fails at once with %d", errno);
	else if (kind == SL_CLIENT_UDP)
		(void)send(service->fd, "hello", 5, MSG_DONTWAIT);
}

int sl_services_start_client(struct sl_services *services, enum sl_client_kind kind,
			     const struct sl_endpoint *from, const struct sl_endpoint *to,
			     struct sl_recorder *recorder, struct sl_diag *diag)
{
	int error = sl_lab_enter(services->lab, SL_DUT, diag);

	if (error)
		return error;
	int fd = open_client(kind, from);
	sl_lab_leave(services->lab);
	if (fd == -EADDRINUSE)
		return 0; /* the same in both labs */
	if (fd < 0)
		return sl_fail(diag, -fd, "cannot open a client socket in the dut: %s",
			       strerror(-fd));
	struct service *service =
		adopt(services, fd, kind == SL_CLIENT_TCP ? TCP_CLIENT : UDP, from->address.is_ip6);
	if (!service)
		return sl_fail_memory(diag);
	service->is_connecting = kind == SL_CLIENT_TCP;
	snprintf(service->name, sizeof service->name, "client/%u", from->port);
	begin_client(service, kind, to, from->port, recorder);
	if (service->fd >= 0)
		error = watch(services, service, kind == SL_CLIENT_TCP ? EPOLLOUT : EPOLLIN);
	return error ? sl_fail(diag, -error, "cannot watch a client socket") : 0;
}
