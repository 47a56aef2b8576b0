/* SPDX-License-Identifier: GPL-2.0-only */
#include "lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "frames.h"
#include "pools.h"

#define COMMAND_TIMEOUT_MS 60000 /* guests without KVM take seconds for an attach */

extern char **environ;

struct sl_lab_config sl_lab_config_draw(struct sl_random *random)
{
	static const u32 mtus[] = {1500, 1500, 1400, 1280};

	return (struct sl_lab_config){
		.forwards_ip = sl_random_chance(random, 70),
		.forwards_ip6 = sl_random_chance(random, 70),
		.rp_filter =
			sl_random_chance(random, 70) ? 0 : (u8)(1 + sl_random_below(random, 2)),
		.accepts_source_route = sl_random_chance(random, 30),
		.sends_redirects = sl_random_chance(random, 30),
		.ignores_broadcast_echo = sl_random_chance(random, 60),
		.tracks_loosely = sl_random_chance(random, 70),
		.has_guest = sl_random_chance(random, 8),
		.out_mtu = sl_random_pick(random, mtus),
	};
}

#define SETTING(text, field)                                                                       \
	{                                                                                          \
		text, offsetof(struct sl_lab_config, field),                                       \
			sizeof(((struct sl_lab_config *)0)->field)                                 \
	}

const struct sl_lab_setting sl_lab_settings[] = {
	SETTING("forwarding", forwards_ip),
	SETTING("forwarding6", forwards_ip6),
	SETTING("rp_filter", rp_filter),
	SETTING("source_route", accepts_source_route),
	SETTING("redirects", sends_redirects),
	SETTING("ignore_broadcast_echo", ignores_broadcast_echo),
	SETTING("loose", tracks_loosely),
	SETTING("guest", has_guest),
	SETTING("out_mtu", out_mtu),
};
const u32 sl_lab_setting_count = SL_ARRAY_SIZE(sl_lab_settings);

/* Numbers of one byte or four, least significant first. */
u32 sl_lab_get_setting(const struct sl_lab_config *config, u32 setting)
{
	u32 value = 0;

	memcpy(&value, (const u8 *)config + sl_lab_settings[setting].offset,
	       sl_lab_settings[setting].size);
	return value;
}

void sl_lab_put_setting(struct sl_lab_config *config, u32 setting, u32 value)
{
	memcpy((u8 *)config + sl_lab_settings[setting].offset, &value,
	       sl_lab_settings[setting].size);
}

int sl_lab_enter(const struct sl_lab *lab, enum sl_place place, struct sl_diag *diag)
{
	if (setns(lab->namespaces[place], CLONE_NEWNET))
		return sl_fail(diag, errno, "cannot enter the lab's namespace: %s",
			       strerror(errno));
	return 0;
}

void sl_lab_leave(const struct sl_lab *lab)
{
	/* Working on in a strange namespace would be worse than dying. */
	if (lab->home >= 0 && setns(lab->home, CLONE_NEWNET))
		abort();
}

/* Waits for a child, but not for ever. Returns its wait status, or a negative errno. */
static int await_child(pid_t pid)
{
	SL_CLEANUP(sl_close) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd exit_event = {.fd = fd, .events = POLLIN};
	bool in_time = fd >= 0 && poll(&exit_event, 1, COMMAND_TIMEOUT_MS) == 1;
	int status = 0;

	if (!in_time)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return in_time ? status : -ETIMEDOUT;
}

/* Reads what a child wrote into a memory file. NULL when out of memory. */
static char *read_memory_file(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);

	if (text && pread(fd, text, (size_t)size, 0) != size)
		text[0] = '\0';
	return text;
}

static int spawn(const char *const argv[], int input, int output, int errors, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_adddup2(&actions, errors, 2);
	error = posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
			     environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int sl_lab_run(const struct sl_lab *lab, enum sl_place place, const char *const argv[],
	       const char *input, char **ret_output, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int in = memfd_create("in", MFD_CLOEXEC);
	SL_CLEANUP(sl_close) int out = memfd_create("out", MFD_CLOEXEC);
	SL_CLEANUP(sl_close) int err = memfd_create("err", MFD_CLOEXEC);
	size_t length = input ? strlen(input) : 0;
	pid_t pid;

	if (in < 0 || out < 0 || err < 0)
		return sl_fail(diag, errno, "memfd_create: %s", strerror(errno));
	if (length && pwrite(in, input, length, 0) != (ssize_t)length)
		return sl_fail(diag, EIO, "cannot write the input of %s", argv[0]);
	int error = sl_lab_enter(lab, place, diag);
	if (error)
		return error;
	error = spawn(argv, in, out, err, &pid);
	sl_lab_leave(lab);
	if (error)
		return sl_fail(diag, error, "cannot run %s: %s", argv[0], strerror(error));
	int status = await_child(pid);
	if (status == -ETIMEDOUT)
		return sl_fail(diag, ETIMEDOUT, "%s did not end within %d s", argv[0],
			       COMMAND_TIMEOUT_MS / 1000);
	if (status) {
		SL_CLEANUP(sl_free) char *message = read_memory_file(err);

		return sl_fail(diag, EINVAL, "%s failed (wait status 0x%x): %.1500s", argv[0],
			       (unsigned)status, message ? message : "");
	}
	if (ret_output) {
		char *text = read_memory_file(out);

		if (!text)
			return sl_fail_memory(diag);
		*ret_output = text;
	}
	return 0;
}

static int write_sysctl(const char *path, const char *value, struct sl_diag *diag)
{
	char full[128];

	snprintf(full, sizeof full, "/proc/sys/net/%s", path);
	SL_CLEANUP(sl_close) int fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return sl_fail(diag, errno, "cannot write %s to %s: %s", value, full,
			       strerror(errno));
	return 0;
}

/*
 * What the dut is told so that two runs behave alike: no rate limits (they depend on time), no
 * unsolicited traffic, no random fields. "!" marks settings that some kernels lack.
 */
static const char *const steady_settings[][2] = {
	{"ipv4/icmp_ratelimit", "0"},
	{"ipv4/icmp_ratemask", "0"},
	{"!ipv4/icmp_msgs_per_sec", "1000000"}, /* global, and out of reach, before 6.11 */
	{"!ipv4/icmp_msgs_burst", "1000000"},
	/* Not by a ratelimit of 0: each error would empty the bucket that redirects draw from. */
	{"ipv6/icmp/ratemask", "255"},
	{"ipv4/tcp_timestamps", "0"},
	/* Not for steadiness: the table then shows an early drop within a connection. */
	{"netfilter/nf_conntrack_acct", "1"},
	{"ipv4/tcp_invalid_ratelimit", "0"},
	{"ipv4/tcp_challenge_ack_limit", "1000000"},
	{"ipv4/tcp_early_retrans", "0"},
	{"ipv6/auto_flowlabels", "0"},
	{"ipv6/conf/default/mldv2_unsolicited_report_interval", "100000000"},
	{"ipv4/igmp_link_local_mcast_reports", "0"},
	{"ipv6/conf/all/accept_ra", "0"},
	{"ipv6/conf/default/accept_ra", "0"},
	{"ipv6/conf/default/autoconf", "0"},
	{"ipv6/conf/default/router_solicitations", "0"},
	{"ipv6/conf/default/accept_dad", "0"},
	{"ipv6/conf/default/addr_gen_mode", "1"},
};

static int write_both_confs(const char *name, const char *value, struct sl_diag *diag)
{
	static const char *const scopes[] = {"all", "default"};
	char path[96];
	int error = 0;

	for (u32 i = 0; !error && i < SL_ARRAY_SIZE(scopes); i++) {
		snprintf(path, sizeof path, "ipv4/conf/%s/%s", scopes[i], name);
		error = write_sysctl(path, value, diag);
	}
	return error;
}

static int configure_dut(const struct sl_lab_config *config, struct sl_diag *diag)
{
	static const char *const flags[] = {"0", "1"};
	char rp_filter[4];
	int error = 0;

	for (u32 i = 0; !error && i < SL_ARRAY_SIZE(steady_settings); i++) {
		const char *path = steady_settings[i][0];
		bool may_lack = path[0] == '!';

		error = write_sysctl(path + may_lack, steady_settings[i][1], diag);
		if (may_lack)
			error = 0;
	}
	snprintf(rp_filter, sizeof rp_filter, "%u", config->rp_filter);
	if (!error)
		error = write_both_confs("rp_filter", rp_filter, diag);
	if (!error)
		error = write_both_confs("accept_source_route", flags[config->accepts_source_route],
					 diag);
	if (!error)
		error = write_both_confs("send_redirects", flags[config->sends_redirects], diag);
	if (!error)
		error = write_sysctl("ipv4/icmp_echo_ignore_broadcasts",
				     flags[config->ignores_broadcast_echo], diag);
	if (!error)
		error = write_sysctl("netfilter/nf_conntrack_tcp_loose",
				     flags[config->tracks_loosely], diag);
	/* These copy themselves to every device, so they come last. */
	if (!error)
		error = write_sysctl("ipv4/ip_forward", flags[config->forwards_ip], diag);
	if (!error)
		error = write_sysctl("ipv6/conf/all/forwarding", flags[config->forwards_ip6], diag);
	return error;
}

static int unshare_namespaces(struct sl_lab *lab, struct sl_diag *diag)
{
	int error = 0;

	lab->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (lab->home < 0)
		return sl_fail(diag, errno, "cannot open /proc/thread-self/ns/net: %s",
			       strerror(errno));
	for (u32 i = 0; !error && i < SL_PLACE_COUNT; i++) {
		if (i == SL_GUEST && !lab->has_guest)
			continue;
		if (unshare(CLONE_NEWNET))
			error = sl_fail(diag, errno, "cannot make a network namespace: %s",
					strerror(errno));
		else
			lab->namespaces[i] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	}
	sl_lab_leave(lab);
	return error;
}

static void print_mac(FILE *out, const u8 *mac)
{
	fprintf(out, " %02x:%02x:%02x:%02x:%02x:%02x ", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

/* Every address on the links has a permanent neighbour entry: no ARP and ND in between. */
static void print_neighbours(FILE *out, enum sl_pool pool, const u8 *mac, const char *device,
			     const char *on_link4, const char *on_link6)
{
	for (u32 version = 0; version < 2; version++) {
		const struct sl_pool_texts *texts = &sl_pool_addresses[version][pool];
		const char *prefix = version ? on_link6 : on_link4;

		for (u32 i = 0; i < texts->count; i++) {
			if (strncmp(texts->texts[i], prefix, strlen(prefix)))
				continue;
			fprintf(out, "neigh replace %s lladdr", texts->texts[i]);
			print_mac(out, mac);
			fprintf(out, "nud permanent dev %s\n", device);
		}
	}
}

static void print_links(FILE *out, const struct sl_lab *lab, const struct sl_lab_config *config)
{
	pid_t pid = getpid();

	fputs("link add in0 index 10 address", out);
	print_mac(out, sl_mac_in);
	fputs("type veth peer name peer0 address", out);
	print_mac(out, sl_mac_peer);
	fprintf(out, "netns /proc/%d/fd/%d\n", pid, lab->namespaces[SL_PEER]);
	fputs("link add out0 index 20 address", out);
	print_mac(out, sl_mac_out);
	fputs("type veth peer name back0 address", out);
	print_mac(out, sl_mac_back);
	fprintf(out, "netns /proc/%d/fd/%d\n", pid, lab->namespaces[SL_BACK]);
	if (lab->has_guest) {
		fputs("link add link in0 name guest0 address", out);
		print_mac(out, sl_mac_guest);
		fprintf(out, "netns /proc/%d/fd/%d type macvlan mode bridge\n", pid,
			lab->namespaces[SL_GUEST]);
	}
	fprintf(out, "link set lo up\nlink set out0 mtu %u up\nlink set in0 up\n", config->out_mtu);
}

/* rto_min and quickack keep TCP's timers out of the picture. */
static void print_route(FILE *out, const char *network, const char *via, const char *device)
{
	fprintf(out, "route replace %s", network);
	if (via)
		fprintf(out, " via %s", via);
	fprintf(out, " dev %s rto_min 60s quickack 1\n", device);
}

static void print_addresses(FILE *out)
{
	fputs("addr add 10.77.1.1/24 brd + dev in0\n"
	      "addr add 10.77.1.11/24 brd + dev in0\n"
	      "addr add 10.77.2.1/24 brd + dev out0\n"
	      "addr add fd00:77:1::1/64 dev in0 nodad noprefixroute\n"
	      "addr add fd00:77:1::11/64 dev in0 nodad noprefixroute\n"
	      "addr add fe80::1/64 dev in0 nodad\n"
	      "addr add fd00:77:2::1/64 dev out0 nodad noprefixroute\n"
	      "addr add fe80::1/64 dev out0 nodad\n",
	      out);
	print_route(out, "10.77.1.0/24", NULL, "in0");
	print_route(out, "10.77.2.0/24", NULL, "out0");
	print_route(out, "fd00:77:1::/64", NULL, "in0");
	print_route(out, "fd00:77:2::/64", NULL, "out0");
	print_route(out, "192.0.2.0/24", SL_PEER_ROUTER4, "in0");
	print_route(out, "198.51.100.0/24", SL_PEER_ROUTER4, "in0");
	print_route(out, "203.0.113.0/24", SL_BACK_ROUTER4, "out0");
	print_route(out, "2001:db8:1::/48", SL_PEER_ROUTER6, "in0");
	print_route(out, "2001:db8:2::/48", SL_BACK_ROUTER6, "out0");
	print_neighbours(out, SL_POOL_PEER, sl_mac_peer, "in0", "10.77.1.", "fd00:77:1:");
	print_neighbours(out, SL_POOL_BACK, sl_mac_back, "out0", "10.77.2.", "fd00:77:2:");
}

static int run_ip_batch(const struct sl_lab *lab, enum sl_place place, const char *text,
			struct sl_diag *diag)
{
	static const char *const argv[] = {"ip", "-batch", "-", NULL};

	return sl_lab_run(lab, place, argv, text, NULL, diag);
}

static int build_links(const struct sl_lab *lab, const struct sl_lab_config *config,
		       struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) char *script = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&script, &size);

	if (!out)
		return sl_fail_memory(diag);
	print_links(out, lab, config);
	print_addresses(out);
	if (fclose(out))
		return sl_fail_memory(diag);
	return run_ip_batch(lab, SL_DUT, script, diag);
}

/* Brings a device up without a word: no IPv6 address, so no router or neighbour discovery. */
static int raise_silent(const struct sl_lab *lab, enum sl_place place, const char *device,
			struct sl_diag *diag)
{
	char path[96];
	int error = sl_lab_enter(lab, place, diag);

	if (error)
		return error;
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_flags = IFF_UP};
	strcpy(request.ifr_name, device);
	snprintf(path, sizeof path, "ipv6/conf/%s/disable_ipv6", device);
	error = write_sysctl(path, "1", diag);
	if (!error && ioctl(fd, SIOCSIFFLAGS, &request))
		error = sl_fail(diag, errno, "cannot raise %s: %s", device, strerror(errno));
	sl_lab_leave(lab);
	return error;
}

/* Checksums in observed frames are to be real ones. In the dut's namespace. */
static int turn_off_checksum_offload(const char *device, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = 0};
	struct ifreq request = {.ifr_data = (char *)&value};

	strcpy(request.ifr_name, device);
	if (ioctl(fd, SIOCETHTOOL, &request))
		return sl_fail(diag, errno, "cannot turn off checksum offload on %s: %s", device,
			       strerror(errno));
	return 0;
}

/* Ethertype of our own: accept whole, else nothing. */
static struct sock_filter markers_only[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SL_MARKER_TYPE, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* IPv4 without options, UDP, first fragment, destination port 67 or 68: what dhclient asks for. */
static struct sock_filter dhcp_only[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 8),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 22),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Bound last, so that nothing gets in that the filter would keep out. */
static int open_packet_socket(const struct sl_lab *lab, enum sl_place place, const char *device,
			      int type, u16 protocol, struct sock_fprog *filter, int *ret_fd,
			      struct sl_diag *diag)
{
	int error = sl_lab_enter(lab, place, diag), one = 1, buffer = 4 << 20;

	if (error)
		return error;
	SL_CLEANUP(sl_close) int fd = socket(AF_PACKET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll link = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(protocol),
				   .sll_ifindex = (int)if_nametoindex(device)};
	sl_lab_leave(lab);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) ||
	    (filter && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof *filter)) ||
	    bind(fd, (struct sockaddr *)&link, sizeof link))
		return sl_fail(diag, errno, "cannot open a packet socket on %s: %s", device,
			       strerror(errno));
	*ret_fd = sl_take_fd(&fd);
	return 0;
}

static int open_packet_sockets(struct sl_lab *lab, struct sl_diag *diag)
{
	struct sock_fprog markers = {SL_ARRAY_SIZE(markers_only), markers_only};
	struct sock_fprog dhcp = {SL_ARRAY_SIZE(dhcp_only), dhcp_only};
	int error = open_packet_socket(lab, SL_PEER, "peer0", SOCK_RAW, ETH_P_ALL, NULL,
				       &lab->peer_socket, diag);

	if (!error)
		error = open_packet_socket(lab, SL_BACK, "back0", SOCK_RAW, ETH_P_ALL, NULL,
					   &lab->back_socket, diag);
	if (!error && lab->has_guest)
		error = open_packet_socket(lab, SL_GUEST, "guest0", SOCK_RAW, ETH_P_ALL, NULL,
					   &lab->guest_socket, diag);
	if (!error)
		error = open_packet_socket(lab, SL_DUT, "in0", SOCK_RAW, ETH_P_ALL, &markers,
					   &lab->in_markers, diag);
	if (!error)
		error = open_packet_socket(lab, SL_DUT, "out0", SOCK_RAW, ETH_P_ALL, &markers,
					   &lab->out_markers, diag);
	if (!error)
		error = open_packet_socket(lab, SL_DUT, "in0", SOCK_DGRAM, ETH_P_IP, &dhcp,
					   &lab->dhcp_socket, diag);
	return error;
}

static int prepare_dut(const struct sl_lab *lab, const struct sl_lab_config *config,
		       struct sl_diag *diag)
{
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = configure_dut(config, diag);
	sl_lab_leave(lab);
	return error;
}

/* A neighbour that does not answer is asked once in a run, not every second. */
static int slow_down_neighbours(const char *device, struct sl_diag *diag)
{
	char path[96];

	snprintf(path, sizeof path, "ipv4/neigh/%s/retrans_time_ms", device);
	int error = write_sysctl(path, "60000", diag);
	snprintf(path, sizeof path, "ipv6/neigh/%s/retrans_time_ms", device);
	return error ? error : write_sysctl(path, "60000", diag);
}

static int steady_devices(const struct sl_lab *lab, struct sl_diag *diag)
{
	static const char *const devices[] = {"in0", "out0"};
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	for (u32 i = 0; !error && i < SL_ARRAY_SIZE(devices); i++) {
		error = turn_off_checksum_offload(devices[i], diag);
		if (!error)
			error = slow_down_neighbours(devices[i], diag);
	}
	sl_lab_leave(lab);
	return error;
}

static int settle_inhabitant(struct sl_lab *lab, struct sl_diag *diag)
{
	static const char *const argv[] = {"sleep", "infinity", NULL};
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = spawn(argv, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, &lab->inhabitant);
	sl_lab_leave(lab);
	return error ? sl_fail(diag, error, "cannot run sleep: %s", strerror(error)) : 0;
}

int sl_lab_open(const struct sl_lab_config *config, struct sl_lab *ret_lab, struct sl_diag *diag)
{
	struct sl_lab *lab = ret_lab;

	*lab = (struct sl_lab)SL_LAB_NONE;
	lab->has_guest = config->has_guest;
	int error = unshare_namespaces(lab, diag);
	if (!error)
		error = prepare_dut(lab, config, diag);
	if (!error)
		error = build_links(lab, config, diag);
	if (!error)
		error = raise_silent(lab, SL_PEER, "peer0", diag);
	if (!error)
		error = raise_silent(lab, SL_BACK, "back0", diag);
	if (!error && lab->has_guest)
		error = raise_silent(lab, SL_GUEST, "guest0", diag);
	if (!error)
		error = steady_devices(lab, diag);
	if (!error)
		error = open_packet_sockets(lab, diag);
	if (!error)
		error = settle_inhabitant(lab, diag);
	return error;
}

void sl_lab_close(struct sl_lab *lab)
{
	if (lab->inhabitant) {
		kill(lab->inhabitant, SIGKILL);
		waitpid(lab->inhabitant, NULL, 0);
		lab->inhabitant = 0;
	}
	sl_close(&lab->peer_socket);
	sl_close(&lab->back_socket);
	sl_close(&lab->guest_socket);
	sl_close(&lab->in_markers);
	sl_close(&lab->out_markers);
	sl_close(&lab->dhcp_socket);
	for (u32 i = 0; i < SL_PLACE_COUNT; i++)
		sl_close(&lab->namespaces[i]);
	sl_close(&lab->home);
}

/* An ethtool call on in0, in the dut's namespace. */
static int ask_ethtool(int fd, void *command)
{
	struct ifreq request = {.ifr_name = "in0", .ifr_data = command};

	return ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
}

static int sum_xdp_drops(int fd, u64 *ret_drops)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int error = ask_ethtool(fd, &info);
	u32 count = error ? 0 : info.n_stats;
	SL_CLEANUP(sl_free)
	struct ethtool_gstrings *names = calloc(1, sizeof *names + (size_t)count * ETH_GSTRING_LEN);
	SL_CLEANUP(sl_free)
	struct ethtool_stats *values = calloc(1, sizeof *values + (size_t)count * sizeof(u64));
	u64 drops = 0;

	if (error || !names || !values)
		return error ? error : -ENOMEM;
	*names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = count};
	*values = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = count};
	error = ask_ethtool(fd, names);
	if (!error)
		error = ask_ethtool(fd, values);
	for (u32 i = 0; !error && i < count; i++)
		if (strstr((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, "xdp_drops"))
			drops += values->data[i];
	if (!error)
		*ret_drops = drops;
	return error;
}

int sl_lab_count_xdp_drops(const struct sl_lab *lab, u64 *ret_drops, struct sl_diag *diag)
{
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	SL_CLEANUP(sl_close) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	error = sum_xdp_drops(fd, ret_drops);
	sl_lab_leave(lab);
	if (error)
		return sl_fail(diag, -error, "cannot read in0's statistics: %s", strerror(-error));
	return 0;
}

/*
 * A line is "ipv4 2 tcp 6 431999 ESTABLISHED src=…", with the seconds left as its fifth word
 * (missing in entries that do not time out), and "use=N" at its end. Ports that NAT chose at random
 * are left out too.
 */
static void print_steady_words(FILE *out, char *line)
{
	char *rest = NULL;
	u32 column = 0;

	for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		bool is_time = column++ == 4 && word[strspn(word, "0123456789")] == '\0';
		bool is_port = !strncmp(word, "sport=", 6) || !strncmp(word, "dport=", 6);

		if (is_port && !sl_pool_knows_port((u16)strtoul(word + 6, NULL, 10)))
			fprintf(out, "%.6s? ", word);
		else if (!is_time && strncmp(word, "use=", 4))
			fprintf(out, "%s ", word);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads the table's lines without their times into one text, sorted. */
static int read_conntrack_lines(FILE *file, FILE *out)
{
	SL_CLEANUP(sl_free) char *line = NULL;
	char **lines = NULL;
	size_t size = 0, count = 0;
	int error = 0;

	while (!error && getline(&line, &size, file) > 0) {
		size_t length = 0;
		char **more = reallocarray(lines, count + 1, sizeof *lines);
		FILE *clean = more ? open_memstream(&more[count], &length) : NULL;

		lines = more ? more : lines;
		if (!clean) {
			error = -ENOMEM;
			break;
		}
		print_steady_words(clean, line);
		if (!fclose(clean))
			count++;
	}
	if (count)
		qsort(lines, count, sizeof *lines, compare_lines);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	return error;
}

int sl_lab_read_conntrack(const struct sl_lab *lab, char **ret_text, struct sl_diag *diag)
{
	char *text = NULL;
	size_t size = 0;
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	SL_CLEANUP(sl_fclose) FILE *file = fopen("/proc/thread-self/net/nf_conntrack", "re");
	FILE *out = open_memstream(&text, &size);
	error = file && out ? read_conntrack_lines(file, out) : -errno;
	sl_lab_leave(lab);
	if (out && fclose(out))
		error = -ENOMEM;
	if (error) {
		free(text);
		return sl_fail(diag, -error, "cannot read /proc/net/nf_conntrack: %s",
			       strerror(-error));
	}
	*ret_text = text;
	return 0;
}
