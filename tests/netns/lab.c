// SPDX-License-Identifier: GPL-2.0-only
#include "lab.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/sched.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/detach.h"
#include "daemon/lock.h"
#include "daemon/tally.h"
#include "frame.h"
#include "info.h"
#include "load/observe.h"
#include "load/hold.h"
#include "load/pins.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define EXIT_SKIPPED 77
#define SILENCE_MS   60
#define PATIENCE_MS  1500
#define SETTLE_S     5

const char *sluice;
char device[16] = "dut0";
char output[8192];

static const char *case_name;
static int places[PLACES] = {-1, -1, -1, -1};
static u64 host_cookie;
static struct sl_observer *observer;
static void (*ending)(void);

/* Cases */

static int note_device(void *context, const char *name)
{
	snprintf(context, 16, "%s", name);
	return 1;
}

/* Whatever the case left attached, in whatever state. */
static void clean_up(void)
{
	char name[16];
	struct sl_diag diag;

	if (places[ON_HOST] < 0)
		return;
	setns(places[ON_HOST], CLONE_NEWNET);
	if (keeper() > 0)
		kill(keeper(), SIGKILL); /* it may be stopped, and detach would wait for it */
	while (sl_pins_each(host_cookie, note_device, name) == 1)
		if (sl_keeper_detach(host_cookie, name, &diag))
			break;
	sl_keeper_detach(host_cookie, device, &diag);
}

void at_end(void (*function)(void))
{
	ending = function;
}

static void leave(int status)
{
	fflush(stdout);
	if (ending)
		ending();
	clean_up();
	_exit(status);
}

#define PRINT_VERDICT(verdict, format)                                                             \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		printf(verdict " - %s: ", case_name);                                              \
		vprintf(format, args);                                                             \
		printf("\n");                                                                      \
		va_end(args);                                                                      \
	} while (0)

void fail_case(const char *format, ...)
{
	PRINT_VERDICT("not ok", format);
	leave(EXIT_FAILURE);
	abort();
}

void skip_case(const char *format, ...)
{
	PRINT_VERDICT("skip", format);
	leave(EXIT_SKIPPED);
	abort();
}

void note(const char *format, ...)
{
	PRINT_VERDICT("#", format);
}

/* A case that hangs is a failure, too. */
static void fail_late(int signal)
{
	(void)signal;
	printf("not ok - %s: it did not end in time\n", case_name);
	leave(EXIT_FAILURE);
}

static int run_case(const struct lab_case *one)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		case_name = one->name;
		signal(SIGALRM, fail_late);
		alarm(90);
		one->run();
		printf("ok - %s\n", one->name);
		leave(EXIT_SUCCESS);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_FAILURE;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("not ok - %s: ended by signal %d\n", one->name, WTERMSIG(status));
	return EXIT_FAILURE;
}

int lab_main(int argc, char **argv, const struct lab_case *cases, size_t count)
{
	size_t run_count = 0, failed = 0, skipped = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "usage: %s SLUICE [CASE]\n", argv[0]);
		return 2;
	}
	sluice = argv[1];
	if (geteuid()) {
		printf("skip - all: network namespaces and BPF programs want root\n");
		return EXIT_SKIPPED;
	}
	for (size_t i = 0; i < count; i++) {
		if (argc > 2 && !strstr(cases[i].name, argv[2]))
			continue;
		int status = run_case(&cases[i]);

		run_count++;
		failed += status != EXIT_SUCCESS && status != EXIT_SKIPPED;
		skipped += status == EXIT_SKIPPED;
	}
	printf("%zu cases, %zu failed, %zu skipped\n", run_count, failed, skipped);
	return failed || !run_count   ? EXIT_FAILURE
	       : skipped == run_count ? EXIT_SKIPPED
				      : EXIT_SUCCESS;
}

/* Places */

int place_fd(enum place place)
{
	return places[place];
}

void enter(enum place place)
{
	expect(!setns(places[place], CLONE_NEWNET), "setns: %s", strerror(errno));
}

static void make_place(enum place place)
{
	if (unshare(CLONE_NEWNET))
		skip_case("no network namespaces: %s", strerror(errno));
	places[place] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	expect(places[place] >= 0, "/proc/thread-self/ns/net: %s", strerror(errno));
	run(place, "ip link set lo up");
	set_sysctl(place, "ipv6/conf/default/accept_dad", "0");
	set_sysctl(place, "ipv6/conf/default/router_solicitations", "0");
	set_sysctl(place, "ipv4/ip_forward", "0");
	set_sysctl(place, "ipv4/conf/all/rp_filter", "0");
	set_sysctl(place, "ipv4/conf/default/rp_filter", "0");
}

/* A namespace counts as alive while a process is in it: this one, while the case goes around. */
static void leave_inhabitant(void)
{
	pid_t parent = getpid();

	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	if (getppid() == parent)
		pause();
	_exit(0);
}

static void read_cookie(void)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof host_cookie;

	expect(fd >= 0 && !getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &host_cookie, &size),
	       "the namespace's cookie: %s", strerror(errno));
}

u64 net_cookie(void)
{
	return host_cookie;
}

/* The other end is made in its namespace by the process's number, which is in that one now. */
static void link_places(const char *ours, const char *mac, const char *theirs,
			const char *their_mac, enum place other)
{
	enter(other);
	run(ON_HOST,
	    "ip link add %s address %s type veth peer name %s address %s netns /proc/%d/fd/%d",
	    ours, mac, theirs, their_mac, (int)getpid(), places[other]);
}

static void set_up(enum place place, const char *name, const char *ip, const char *ip6)
{
	run(place,
	    "ip link set %s addrgenmode none && ip link set %s up && "
	    "ip addr add %s/24 dev %s && ip addr add %s/64 dev %s nodad",
	    name, name, ip, name, ip6, name);
}

static void set_neighbour(enum place place, const char *name, const char *ip, const char *ip6,
			  const char *mac)
{
	run(place,
	    "ip neigh replace %s lladdr %s dev %s nud permanent && "
	    "ip neigh replace %s lladdr %s dev %s nud permanent",
	    ip, mac, name, ip6, mac, name);
}

void build_lab(void)
{
	struct sl_diag diag;

	expect(!sl_pins_init(&diag), "%s", diag.text);
	make_place(ON_HOST);
	read_cookie();
	leave_inhabitant();
	make_place(ON_WIRE);
	link_places("dut0", "02:00:00:00:00:01", "wire0", "02:00:00:00:00:02", ON_WIRE);
	set_up(ON_HOST, "dut0", "10.77.0.1", "fd77::1");
	set_up(ON_WIRE, "wire0", "10.77.0.2", "fd77::2");
	set_neighbour(ON_HOST, "dut0", "10.77.0.2", "fd77::2", "02:00:00:00:00:02");
	set_neighbour(ON_WIRE, "wire0", "10.77.0.1", "fd77::1", "02:00:00:00:00:01");
	enter(ON_HOST);
}

void remake_device(void)
{
	enter(ON_WIRE);
	run(ON_HOST,
	    "ip link add dut0 address 02:00:00:00:00:01 type veth peer name wire0 address "
	    "02:00:00:00:00:02 netns /proc/%d/fd/%d",
	    (int)getpid(), place_fd(ON_WIRE));
	run(ON_HOST, "ip link set dut0 up && ip addr add 10.77.0.1/24 dev dut0");
	run(ON_WIRE, "ip link set wire0 up && ip addr add 10.77.0.2/24 dev wire0");
}

void build_back(void)
{
	make_place(ON_BACK);
	link_places("back0", "02:00:00:00:08:01", "far0", "02:00:00:00:08:02", ON_BACK);
	set_up(ON_HOST, "back0", "10.88.0.1", "fd88::1");
	set_up(ON_BACK, "far0", "10.88.0.2", "fd88::2");
	set_neighbour(ON_HOST, "back0", "10.88.0.2", "fd88::2", "02:00:00:00:08:02");
	set_neighbour(ON_BACK, "far0", "10.88.0.1", "fd88::1", "02:00:00:00:08:01");
	set_sysctl(ON_HOST, "ipv4/ip_forward", "1");
	set_sysctl(ON_HOST, "ipv6/conf/all/forwarding", "1");
	run(ON_WIRE, "ip route add default via 10.77.0.1 && ip -6 route add default via fd77::1");
	run(ON_BACK, "ip route add default via 10.88.0.1 && ip -6 route add default via fd88::1");
	enter(ON_HOST);
}

void build_elsewhere(void)
{
	make_place(ELSEWHERE);
	leave_inhabitant();
	enter(ON_HOST);
}

/* Commands */

static int shell(enum place place, const char *command)
{
	FILE *pipe;
	size_t length;
	char *text = NULL;

	enter(place);
	expect(asprintf(&text, "exec 2>&1; %s", command) > 0, "out of memory");
	pipe = popen(text, "re");
	expect(pipe != NULL, "popen: %s", strerror(errno));
	length = fread(output, 1, sizeof output - 1, pipe);
	output[length] = '\0';
	free(text);

	int status = pclose(pipe);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int attempt(enum place place, const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	return shell(place, command);
}

void run(enum place place, const char *format, ...)
{
	char command[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	expect(!shell(place, command), "%s: %s", command, output);
}

void set_sysctl(enum place place, const char *path, const char *value)
{
	char file[256];

	enter(place);
	snprintf(file, sizeof file, "/proc/sys/net/%s", path);

	SL_CLEANUP(sl_close) int fd = open(file, O_WRONLY | O_CLOEXEC);

	expect(fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value), "%s: %s", file,
	       strerror(errno));
}

static int feed(const char *command, const char *text)
{
	FILE *pipe;

	enter(ON_HOST);
	pipe = popen(command, "we");
	expect(pipe != NULL, "popen: %s", strerror(errno));
	fputs(text, pipe);
	return pclose(pipe);
}

int try_nft(const char *text)
{
	return feed("nft -f - 2>/dev/null", text);
}

void load_nft(const char *text)
{
	expect(!feed("nft -f -", text), "nft does not take: %s", text);
}

void load_iptables(const char *command, const char *text)
{
	expect(!feed(command, text), "%s does not take: %s", command, text);
}

#define INPUT_CHAIN(rule)                                                                          \
	"table inet t {\n"                                                                         \
	"	chain input {\n"                                                                         \
	"		type filter hook input priority 0;\n"                                                   \
	"		" rule "\n"                                                                \
	"	}\n"                                                                                     \
	"}\n"

const char drop_closed[] = INPUT_CHAIN("udp dport 9 drop");
const char drop_closed_by_index[] = INPUT_CHAIN("iif \"dut0\" udp dport 9 drop");

/* sluice */

void attach_mode(const char *mode)
{
	run(ON_HOST, "%s attach dev %s%s%s", sluice, device, mode ? " mode " : "",
	    mode ? mode : "");
	settle();
}

void attach(void)
{
	attach_mode(NULL);
}

void expect_mode(const char *mode)
{
	char wanted[64] = "\"mode\": \"";

	run(ON_HOST, "%s status --json dev %s", sluice, device);
	expect(strstr(output, strcat(strcat(wanted, mode), "\"")) != NULL, "not %s: %s", mode,
	       output);
}

void attach_and_die(const char *mode, u32 ms)
{
	pid_t pid;

	enter(ON_HOST);
	pid = fork();
	if (!pid) {
		setsid();
		execl(sluice, sluice, "attach", "dev", device, mode ? "mode" : NULL, mode, NULL);
		_exit(127);
	}
	pause_ms(ms);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void detach(void)
{
	run(ON_HOST, "%s detach dev %s", sluice, device);
}

bool is_attached(void)
{
	struct sl_hold hold;
	bool exists;

	enter(ON_HOST);
	hold = sl_hold_find(host_cookie, device);
	exists = sl_hold_exists(&hold);
	sl_hold_close(&hold);
	return exists;
}

pid_t keeper(void)
{
	return sl_lock_holder(host_cookie, device);
}

static void look(u32 ifindex, struct sl_snapshot *ret_snapshot)
{
	struct sl_diag diag;

	enter(ON_HOST);
	if (!observer)
		expect(!sl_observer_open(&observer, &diag), "%s", diag.text);
	expect(!sl_observer_look(observer, ifindex, ret_snapshot, &diag), "%s", diag.text);
}

bool is_fresh(void)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(host_cookie, device, "live");
	struct sl_snapshot now;
	struct sl_live live;
	u32 zero = 0;

	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &live) || !live.epoch)
		return false;
	enter(ON_HOST);
	look(if_nametoindex(device), &now);
	return sl_snapshots_equal(&now, &live.expected);
}

void settle(void)
{
	expect(eventually(is_fresh(), SETTLE_S), "it did not become fresh within %d s", SETTLE_S);
}

u64 fate_packets(enum sl_fate_count fate)
{
	SL_CLEANUP(sl_close) int fates = sl_pins_get(host_cookie, device, "fates");
	struct sl_count counts[SL_FATE_COUNTS];

	if (fates < 0 || sl_tally_read_fates(fates, counts))
		return 0;
	return counts[fate].packets;
}

u64 compiles(void)
{
	struct sl_info info;

	return sl_pins_read_info(host_cookie, device, &info) ? 0 : info.generations;
}

u64 early_drops(void)
{
	return fate_packets(SL_DROPPED);
}

bool drops_early(void)
{
	u64 before = early_drops();

	for (int i = 0; i < 3; i++)
		send_udp(CLOSED_PORT);
	return eventually(early_drops() > before, 0.3);
}

void prove_early_drops(void)
{
	expect(eventually(drops_early(), 3),
	       "nothing is dropped early: the case would prove nothing");
}

void start_lab(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	prove_early_drops();
}

void expect_no_early_drops(const char *why)
{
	expect(!drops_early(), "dropped early although %s", why);
}

/* Sockets */

static void set_address(struct sockaddr_in6 *ret_address, const char *text, u16 port)
{
	char mapped[64];

	snprintf(mapped, sizeof mapped, "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	*ret_address = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	expect(inet_pton(AF_INET6, mapped, &ret_address->sin6_addr) == 1, "not an address: %s",
	       text);
}

static int open_socket(enum place place, int type)
{
	int zero = 0, one = 1, fd;

	enter(place);
	fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	expect(fd >= 0, "socket: %s", strerror(errno));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	return fd;
}

static int listen_on(enum place place, int type, u16 port)
{
	struct sockaddr_in6 address;
	int fd = open_socket(place, type);

	set_address(&address, "::", port);
	expect(!bind(fd, (struct sockaddr *)&address, sizeof address), "bind to port %u: %s", port,
	       strerror(errno));
	expect(type != SOCK_STREAM || !listen(fd, 128), "listen: %s", strerror(errno));
	return fd;
}

int listen_udp(enum place place, u16 port)
{
	return listen_on(place, SOCK_DGRAM, port);
}

int listen_tcp(enum place place, u16 port)
{
	return listen_on(place, SOCK_STREAM, port);
}

int connect_tcp(enum place place, const char *text, u16 port)
{
	struct timeval second = {.tv_sec = 1};
	struct sockaddr_in6 address;
	int fd = open_socket(place, SOCK_STREAM);

	set_address(&address, text, port);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
	if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

int open_udp(enum place place, const char *text, u16 port)
{
	struct sockaddr_in6 address;
	int fd = open_socket(place, SOCK_DGRAM);

	set_address(&address, text, port);
	expect(!connect(fd, (struct sockaddr *)&address, sizeof address), "connect: %s",
	       strerror(errno));
	return fd;
}

int open_icmp(enum place place, int family)
{
	int fd;

	enter(place);
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC,
		    family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	expect(fd >= 0, "raw socket: %s", strerror(errno));
	return fd;
}

int open_tap(enum place place, const char *name)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd, one = 1;

	enter(place);
	address.sll_ifindex = (int)if_nametoindex(name);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
	expect(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address), "%s: %s", name,
	       strerror(errno));
	return fd;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, timeout_ms) > 0;
}

static bool take(int fd, int timeout_ms)
{
	char byte;

	return readable(fd, timeout_ms) && recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0;
}

u32 patience(void)
{
	const char *text = getenv("SLUICE_PATIENCE");
	int factor = text ? atoi(text) : 1;

	return factor > 0 ? (u32)factor : 1;
}

bool arrives(int fd)
{
	return take(fd, PATIENCE_MS * (int)patience());
}

bool stays_silent(int fd)
{
	return !take(fd, SILENCE_MS);
}

void drain(int fd)
{
	while (take(fd, 0))
		;
}

/* IPv4's raw sockets show the IP header, IPv6's do not. */
bool hears(int icmp_fd, u8 type, u8 code)
{
	u64 now = monotonic_ms(), until = now + PATIENCE_MS * patience();

	for (; now < until; now = monotonic_ms()) {
		u8 bytes[2048];
		ssize_t length;
		size_t at;

		if (!readable(icmp_fd, (int)(until - now)))
			return false;
		length = recv(icmp_fd, bytes, sizeof bytes, MSG_DONTWAIT);
		at = length > 20 && bytes[0] >> 4 == 4 ? (size_t)(bytes[0] & 15) * 4 : 0;
		if (length > (ssize_t)at + 1 && bytes[at] == type && bytes[at + 1] == code)
			return true;
	}
	return false;
}

/* Behind at most one VLAN tag, and without IP options. */
static bool is_to_port(const u8 *bytes, ssize_t length, u16 port)
{
	ssize_t at = 12;
	u16 type;

	if (length > at + 4 && bytes[at] == 0x81)
		at += 4;
	type = (u16)(bytes[at] << 8 | bytes[at + 1]);
	at += 2 + (type == ETH_P_IPV6 ? 40 : 20);
	return (type == ETH_P_IP || type == ETH_P_IPV6) && length >= at + 8 &&
	       bytes[at + 2] == port >> 8 && bytes[at + 3] == (u8)port;
}

bool sees_port(int tap, u16 port)
{
	u64 now = monotonic_ms(), until = now + 300 * patience();

	for (; now < until; now = monotonic_ms()) {
		u8 bytes[2048];

		if (readable(tap, (int)(until - now)) &&
		    is_to_port(bytes, recv(tap, bytes, sizeof bytes, MSG_DONTWAIT), port))
			return true;
	}
	return false;
}

void stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((u32)sched_getcpu(), &cpus);
	expect(!sched_setaffinity(0, sizeof cpus, &cpus), "sched_setaffinity: %s", strerror(errno));
}

void pause_ms(u32 ms)
{
	poll(NULL, 0, (int)ms);
}

u64 monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}
