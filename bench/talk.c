// SPDX-License-Identifier: GPL-2.0-only
/*
 * Good traffic, in both roles:
 *	talk serve ADDRESS PORT			answers UDP and TCP requests, swallows streams
 *	talk ask ADDRESS PORT RATE SECONDS	UDP requests at a fixed rate, whatever comes back;
 *						prints "ASKED ANSWERED" every half second
 *	talk send ADDRESS PORT RATE		UDP at a fixed rate until SIGTERM; prints how many
 *	talk count ADDRESS PORT			how many UDP packets came until SIGTERM
 *	talk rr ADDRESS PORT SECONDS AWAY_US	one TCP connection, one byte there and back in turn,
 *						by a client so many microseconds away; prints
 *						transactions per second
 *	talk stream ADDRESS PORT SECONDS	one TCP stream; prints MB per second as received
 *
 * A TCP client's first byte says what it wants: 'r' or 's'.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKING_SOCKETS 32
#define STREAM_CHUNK   (128 << 10)

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "talk: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleep_until(double when)
{
	struct timespec time = {.tv_sec = (time_t)when,
				.tv_nsec = (long)((when - (double)(time_t)when) * 1e9)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	if (inet_pton(AF_INET, address, &place.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	return place;
}

static int connect_to(int type, const char *address, const char *port)
{
	struct sockaddr_in place = address_of(address, port);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&place, sizeof place))
		fail("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* A stream is measured where it arrives: every byte is swallowed, and the sum sent back. */
static void swallow(int fd)
{
	static __thread char buffer[STREAM_CHUNK];
	uint64_t sum = 0;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		sum += (uint64_t)got;
	if (write(fd, &sum, sizeof sum) != sizeof sum)
		fprintf(stderr, "talk: the client did not wait for its sum\n");
}

static void *answer_client(void *argument)
{
	int fd = (int)(intptr_t)argument, one = 1;
	char byte;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (read(fd, &byte, 1) == 1 && byte == 's')
		swallow(fd);
	else
		while (write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1)
			;
	close(fd);
	return NULL;
}

static void *serve_tcp(void *argument)
{
	int listener = (int)(intptr_t)argument, fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, answer_client, (void *)(intptr_t)fd))
			fail("thread");
		pthread_detach(thread);
	}
	fail("accept");
}

static int listen_at(int type, const struct sockaddr_in *place)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (const struct sockaddr *)place, sizeof *place) ||
	    (type == SOCK_STREAM && listen(fd, 64)))
		fail("listen");
	return fd;
}

static int serve(char **argv)
{
	struct sockaddr_in place = address_of(argv[0], argv[1]);
	int udp = listen_at(SOCK_DGRAM, &place), tcp = listen_at(SOCK_STREAM, &place);
	pthread_t thread;
	char buffer[2048];

	if (pthread_create(&thread, NULL, serve_tcp, (void *)(intptr_t)tcp))
		fail("thread");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		struct sockaddr_in client;
		socklen_t length = sizeof client;
		ssize_t got = recvfrom(udp, buffer, sizeof buffer, 0, (struct sockaddr *)&client,
				       &length);

		if (got >= 0)
			sendto(udp, buffer, (size_t)got, 0, (struct sockaddr *)&client, length);
	}
}

static unsigned long collect_answers(const int *sockets)
{
	unsigned long answered = 0;
	char buffer[64];

	for (int i = 0; i < ASKING_SOCKETS; i++)
		while (recv(sockets[i], buffer, sizeof buffer, MSG_DONTWAIT) > 0)
			answered++;
	return answered;
}

/* Open loop: a server that answers slowly is asked no less. */
static int ask(char **argv)
{
	double rate = atof(argv[2]), seconds = atof(argv[3]), start = now();
	unsigned long asked = 0, answered = 0, asked_then = 0, answered_then = 0;
	double report = start + 0.5, look = start;
	int sockets[ASKING_SOCKETS];

	for (int i = 0; i < ASKING_SOCKETS; i++)
		sockets[i] = connect_to(SOCK_DGRAM, argv[0], argv[1]);
	for (; now() < start + seconds; asked++) {
		sleep_until(start + (double)asked / rate);
		send(sockets[asked % ASKING_SOCKETS], "a fair question", 15, MSG_DONTWAIT);
		if (now() < look)
			continue;
		answered += collect_answers(sockets);
		look = now() + 1e-3;
		if (now() < report)
			continue;
		printf("%lu %lu\n", asked - asked_then, answered - answered_then);
		fflush(stdout);
		asked_then = asked;
		answered_then = answered;
		report += 0.5;
	}
	return 0;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* No SA_RESTART: the signal ends a wait, too. */
static void stop_on_sigterm(void)
{
	const struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	printf("ready\n");
	fflush(stdout);
}

static int send_on(char **argv)
{
	double rate = atof(argv[2]), start = now();
	int fd = connect_to(SOCK_DGRAM, argv[0], argv[1]);
	unsigned long sent = 0;

	stop_on_sigterm();
	for (unsigned long due = 1; !stopped; due++) {
		sent += send(fd, "one of many", 11, 0) > 0;
		sleep_until(start + (double)due / rate);
	}
	printf("%lu\n", sent);
	return 0;
}

/* With room for what comes while nobody reads: what is counted is what came, not what was read. */
static int count(char **argv)
{
	struct sockaddr_in place = address_of(argv[0], argv[1]);
	const struct timeval patience = {.tv_usec = 100000};
	int fd = listen_at(SOCK_DGRAM, &place), room = 64 << 20;
	unsigned long came = 0;
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	stop_on_sigterm();
	while (!stopped)
		came += recv(fd, &byte, 1, 0) >= 0;
	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		came++;
	printf("%lu\n", came);
	return 0;
}

static int take_turns(char **argv)
{
	int fd = connect_to(SOCK_STREAM, argv[0], argv[1]);
	double start = now(), seconds = atof(argv[2]), way = atof(argv[3]) / 1e6;
	unsigned long transactions = 0;
	char byte = 'r';

	prctl(PR_SET_TIMERSLACK, 1);
	for (; now() - start < seconds; transactions++) {
		if (way > 0)
			sleep_until(now() + way);
		if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
			fail("request");
	}
	printf("%.1f\n", (double)transactions / (now() - start));
	return 0;
}

static int stream(char **argv)
{
	static char chunk[STREAM_CHUNK];
	int fd = connect_to(SOCK_STREAM, argv[0], argv[1]);
	double start = now(), seconds = atof(argv[2]);
	uint64_t sum;

	memset(chunk, 's', sizeof chunk);
	while (now() - start < seconds)
		if (write(fd, chunk, sizeof chunk) < 0)
			fail("stream");
	shutdown(fd, SHUT_WR);
	if (read(fd, &sum, sizeof sum) != sizeof sum)
		fail("sum");
	printf("%.1f\n", (double)sum / (now() - start) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **argv);
	} roles[] = {{"serve", 2, serve}, {"ask", 4, ask},       {"send", 3, send_on},
		     {"count", 2, count}, {"rr", 4, take_turns}, {"stream", 3, stream}};

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		if (argc == roles[i].arguments + 2 && !strcmp(argv[1], roles[i].name))
			return roles[i].run(argv + 2);
	fprintf(stderr, "usage: talk serve ADDRESS PORT | ask ADDRESS PORT RATE SECONDS | "
			"send ADDRESS PORT RATE | count ADDRESS PORT | "
			"rr ADDRESS PORT SECONDS AWAY_US | stream ADDRESS PORT SECONDS\n");
	return 2;
}
