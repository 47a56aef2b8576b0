// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit: it agrees with the kernel where the data plane is right, tells where it is wrong,
 * drops nothing, and leaves nothing.
 *
 * Wrong it is made by hand: an element is put into the data plane's copy of a set that the kernel's
 * own set does not have.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit.h"
#include "base/cleanup.h"
#include "cursor.h"
#include "frame.h"
#include "load/pins.h"
#include "load/tc_filter.h"

static const char mixed_rules[] = "table inet t {\n"
				  "	chain input {\n"
				  "		type filter hook input priority 0;\n"
				  "		udp dport 9 counter drop\n"
				  "		tcp dport 9 counter drop\n"
				  "	}\n"
				  "}\n";

static const char banned_rules[] = "table inet t {\n"
				   "	set banned { type ipv4_addr . inet_service; }\n"
				   "	chain input {\n"
				   "		type filter hook input priority 0;\n"
				   "		ip saddr . udp dport @banned drop\n"
				   "		udp dport 9 drop\n"
				   "	}\n"
				   "}\n";

/* The audit as a process */

static pid_t audit;
static char report[64];

static void start_audit(const char *mode, const char *format)
{
	snprintf(report, sizeof report, "/tmp/sluice-audit-%d", (int)getpid());
	enter(ON_HOST);
	audit = fork();
	if (!audit) {
		int fd = open(report, O_CREAT | O_TRUNC | O_WRONLY, 0600);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(sluice, sluice, "audit", "dev", device, "mode", mode, format, NULL);
		_exit(127);
	}
	/* A guest of a guest takes its time. */
	expect(eventually(keeper() == audit || waitpid(audit, NULL, WNOHANG), 40),
	       "it does not begin");
	if (keeper() != audit) {
		attempt(ON_HOST, "cat %s", report);
		fail_case("it ended: %s", output);
	}
	pause_ms(300); /* for what the kernel still tells of the new devices */
}

static int end_audit(void)
{
	SL_CLEANUP(sl_close) int fd = -1;
	int status;
	ssize_t length;

	kill(audit, SIGINT);
	expect(waitpid(audit, &status, 0) == audit && WIFEXITED(status), "it was killed");
	fd = open(report, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, output, sizeof output - 1);
	unlink(report);
	expect(length >= 0, "it left no report");
	output[length] = '\0';
	return WEXITSTATUS(status);
}

/* Ends one that was started with --json. */
static json_t *end_audit_with(int expected_status)
{
	int status = end_audit();
	json_t *root = json_loads(output, 0, NULL);

	expect(root != NULL, "not JSON: %s", output);
	expect(status == expected_status, "exit status %d: %s", status, output);
	return root;
}

static json_int_t number(const json_t *root, const char *name)
{
	const json_t *value = json_object_get(root, name);

	expect(json_is_integer(value), "no number %s: %s", name, output);
	return json_integer_value(value);
}

static json_int_t unknown(const json_t *root)
{
	const json_t *object = json_object_get(root, "unknown");

	return number(object, "no_reason") + number(object, "rules_changed") +
	       number(object, "not_seen") + number(object, "not_examined");
}

static const char *text_in(const json_t *root, const char *name)
{
	const char *text = json_string_value(json_object_get(root, name));

	return text ? text : "";
}

/* Nothing is lost count of. */
static void expect_complete(const json_t *root)
{
	expect(number(root, "agreed") + number(root, "dropped_anyway") + number(root, "disagreed") +
			       unknown(root) ==
		       number(root, "would_drop"),
	       "the parts are not the whole: %s", output);
}

static u32 program_on_device(void)
{
	u32 id = 0;

	enter(ON_HOST);
	bpf_xdp_query_id((int)if_nametoindex(device), 0, &id);
	return id;
}

/* A map of the attached program, by its name; the caller closes it. */
static int map_of_program(const char *name)
{
	u32 ids[64], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (u64)(uintptr_t)ids};
	SL_CLEANUP(sl_close) int program = bpf_prog_get_fd_by_id(program_on_device());

	expect(program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &size), "no program");
	for (u32 i = 0; i < info.nr_map_ids && i < 64; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info map = {0};

		size = sizeof map;
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &map, &size) && !strcmp(map.name, name))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	fail_case("the program has no map %s", name);
}

/* Agreement */

static void send_mix(void)
{
	for (u16 i = 0; i < 20; i++)
		send_frame(&(struct frame){.dport = CLOSED_PORT, .sport = (u16)(5000 + i)});
	send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
	send_many(&(struct frame){.dport = CLOSED_PORT, .protocol = IPPROTO_TCP}, 10);
	send_many(&(struct frame){.dport = CLOSED_PORT, .to = "fd77::1"}, 10);
	send_many(&(struct frame){.dport = OPEN_PORT}, 10);
}

#define MIX_DROPPED 45
#define MIX_OPEN    10

/* By the counters of all rules together, as this command shows them. */
static u64 counted_by(const char *command)
{
	u64 packets = 0;

	run(ON_HOST, "%s", command);
	for (const char *at = output; (at = strstr(at, "packets ")); at++)
		packets += strtoull(at + strlen("packets "), NULL, 10);
	return packets;
}

static u64 kernel_drops(void)
{
	return counted_by("nft list ruleset");
}

static u64 listed_drops(void)
{
	char command[256];

	snprintf(command, sizeof command, "%s list", sluice);
	return counted_by(command);
}

static u32 count_waiting(int fd)
{
	u32 count = 0;

	pause_ms(50);
	for (char byte; recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0;)
		count++;
	return count;
}

static void agrees_by(const char *mode)
{
	json_t *root;
	int server;

	build_lab();
	load_nft(mixed_rules);
	server = listen_udp(ON_HOST, OPEN_PORT);
	start_audit(mode, "--json");
	send_mix();
	expect(count_waiting(server) == MIX_OPEN, "what is let in did not come");
	expect(kernel_drops() == MIX_DROPPED, "the kernel's rules did not see all: %s", output);
	expect(listed_drops() == MIX_DROPPED, "the list counts them again: %s", output);
	expect(!is_attached(), "it left pins");
	root = end_audit_with(0);
	expect_complete(root);
	expect(!strcmp(text_in(root, "mode"), mode), "another mode: %s", output);
	expect(number(root, "would_drop") == MIX_DROPPED && number(root, "agreed") == MIX_DROPPED,
	       "not all are agreed on: %s", output);
	expect(number(root, "dropped_by_rules") == MIX_DROPPED &&
		       number(root, "dropped_by_rules_early") == MIX_DROPPED,
	       "not all would be dropped early: %s", output);
	expect(number(root, "packets") >= MIX_DROPPED + MIX_OPEN, "packets are missing: %s",
	       output);
}

static void agrees_natively(void)
{
	agrees_by("native");
}

static void agrees_in_generic_mode(void)
{
	agrees_by("generic");
}

static void agrees_at_tc(void)
{
	agrees_by("tc");
}

/* GRO makes one packet of what XDP sees one by one. */
static void packets_that_gro_joins(void)
{
	json_t *root;
	u64 seen;

	build_lab();
	load_nft(mixed_rules);
	start_audit("native", "--json");
	if (attempt(ON_HOST, "ethtool -K dut0 gro on && unshare -m sh -c 'mount -t sysfs s /sys && "
			     "echo 100000000 >/sys/class/net/dut0/gro_flush_timeout'"))
		skip_case("GRO cannot be made to wait: %s", output);
	for (u32 i = 0; i < 8; i++)
		send_frame(&(struct frame){.dport = CLOSED_PORT,
					   .protocol = IPPROTO_TCP,
					   .tcp_flags = 0x10,
					   .payload = 100,
					   .df = true,
					   .sequence = 0xffffff00 + i * 100});
	pause_ms(300);
	seen = kernel_drops();
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "agreed") == 8 && number(root, "dropped_by_rules") == 8,
	       "not 8 as the device saw them: %s", output);
	if (seen == 8)
		skip_case("GRO joined nothing");
	note("the rules saw %" PRIu64 " of 8", seen);
}

static void what_the_rules_have_to_drop_is_explained(void)
{
	json_t *root, *rest, *row;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 9 drop\n"
		 "		udp dport 7 log drop\n"
		 "	}\n"
		 "}\n");
	start_audit("native", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 6);
	send_many(&(struct frame){.dport = 7}, 6);
	pause_ms(50);
	root = end_audit_with(0);
	expect(number(root, "dropped_by_rules") == 6 + 6, "not 12: %s", output);
	expect(number(root, "dropped_by_rules_early") == 6, "not 6: %s", output);
	rest = json_object_get(root, "rest");
	row = json_array_get(json_object_get(rest, "reasons"), 0);
	expect(number(rest, "looked_at") == 6 && number(row, "packets") == 6, "not 6: %s", output);
	expect(strstr(text_in(row, "reason"), "log"), "another reason: %s", output);
	expect(strstr(text_in(row, "text"), "udp dport 7 log"), "another rule: %s", output);
}

static void ping_many(u32 count)
{
	send_many(&(struct frame){.protocol = IPPROTO_ICMP, .type = 8}, count);
	pause_ms(50);
}

/* Where an attachment would drop what XDP cannot judge, an audit does not stand. */
static void nothing_is_dropped_at_netfilters_hooks(void)
{
	json_t *root;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state established,related accept\n"
		 "		icmp type echo-request counter drop\n"
		 "		udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	start_audit("native", "--json");
	ping_many(5);
	expect(kernel_drops() == 5, "the kernel's rules did not see all: %s", output);
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "would_drop") == 0 && number(root, "dropped_by_rules") == 5,
	       "not 0 of 5: %s", output);
	attach();
	ping_many(5);
	if (!fate_packets(SL_HOOK_DROPPED))
		skip_case("on this kernel an attachment drops nothing there, either");
}

static void what_dies_before_the_rules_is_no_disagreement(void)
{
	json_t *root;

	build_lab();
	load_nft(mixed_rules);
	start_audit("native", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT, .bad_ip_checksum = true}, 3);
	pause_ms(50);
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "dropped_anyway") == 3, "not 3: %s", output);
	expect(number(json_object_get(root, "dropped_anyway_reasons"), "IP_CSUM") == 3,
	       "another reason: %s", output);
}

/* With packets that nobody waits for. */
static void fill(const char *name)
{
	static const struct sl_audit_entry nothing;
	SL_CLEANUP(sl_close) int table = map_of_program(name);
	struct sl_audit_key key = {0};

	while (!bpf_map_update_elem(table, &key, &nothing, BPF_ANY))
		key.head++;
	expect(key.head == SL_AUDIT_KEYS, "%s has room for %u", name, key.head);
}

static void too_many_are_counted(void)
{
	json_t *root;

	build_lab();
	load_nft(mixed_rules);
	start_audit("native", "--json");
	kill(audit, SIGSTOP); /* or it would take them out again */
	fill("audit_even");
	fill("audit_odd");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
	kill(audit, SIGCONT);
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "would_drop") == 5 && unknown(root) == 5, "not 5: %s", output);
	expect(number(json_object_get(root, "unknown"), "not_examined") == 5, "otherwise: %s",
	       output);
}

/* Disagreement */

/* From now on the data plane, and it alone, holds that the wire is banned from this port. */
static void make_wrong(u16 port)
{
	SL_CLEANUP(sl_close) int set = map_of_program("sluice_set");
	struct sl_set_value value = {.counter = SL_NO_HIT};
	struct {
		struct in_addr address;
		u16 port, padding;
	} key = {.port = htons(port)};

	inet_pton(AF_INET, "10.77.0.2", &key.address);
	expect(!bpf_map_update_elem(set, &key, &value, BPF_ANY), "the set's map takes nothing");
}

static void a_wrong_drop_is_told(void)
{
	json_t *root, *one;
	int server;

	build_lab();
	load_nft(banned_rules);
	server = listen_udp(ON_HOST, OPEN_PORT);
	start_audit("native", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 4);
	make_wrong(OPEN_PORT);
	send_many(&(struct frame){.dport = OPEN_PORT}, 3);
	expect(count_waiting(server) == 3, "what is let in did not come");
	root = end_audit_with(1);
	expect_complete(root);
	expect(number(root, "agreed") == 4 && number(root, "disagreed") == 3, "not 4 and 3: %s",
	       output);
	one = json_array_get(json_object_get(root, "disagreements"), 0);
	expect(number(one, "packets") == 3, "not 3 alike: %s", output);
	expect(strstr(text_in(one, "packet"), "ip saddr 10.77.0.2 ip daddr 10.77.0.1") &&
		       strstr(text_in(one, "packet"), "udp dport 5000"),
	       "another packet: %s", output);
	expect(json_is_null(json_object_get(one, "kernel_reason")), "a reason: %s", output);
}

static void a_packet_without_a_socket_was_let_in(void)
{
	int icmp;

	build_lab();
	load_nft(banned_rules);
	start_audit("native", NULL);
	make_wrong(OPEN_PORT);
	icmp = open_icmp(ON_WIRE, AF_INET);
	send_udp(OPEN_PORT);
	expect(hears(icmp, 3, 3), "no answer, so that a drop would not show");
	expect(end_audit() == 1, "no disagreement: %s", output);
	expect(strstr(output, "DISAGREEMENT: sluice would have dropped 1 packet that"), "%s",
	       output);
	expect(strstr(output, "freed it, but not by its rules: NO_SOCKET"), "no reason: %s",
	       output);
	expect(strstr(output, "by no rule that the interpreter finds"), "a cause: %s", output);
}

/* A test run of the program that is attached: decided as any packet, but nobody gets it. */
static void decide(const struct frame *frame)
{
	SL_CLEANUP(sl_close) int program = bpf_prog_get_fd_by_id(program_on_device());
	u8 bytes[FRAME_MAX];
	u32 length = frame_build(bytes, frame);
	struct xdp_md context = {.data_end = length, .ingress_ifindex = if_nametoindex(device)};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = length,
		    .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1);

	expect(program >= 0 && !bpf_prog_test_run_opts(program, &opts), "it does not run");
	expect(opts.retval == XDP_PASS, "it does not pass all: %u", opts.retval);
}

static void the_rule_is_named(void)
{
	build_lab();
	load_nft(banned_rules);
	start_audit("native", NULL);
	decide(&(struct frame){.dport = CLOSED_PORT});
	decide(&(struct frame){.dport = CLOSED_PORT});
	decide(&(struct frame){.dport = OPEN_PORT});
	expect(end_audit() == 1, "no disagreement: %s", output);
	expect(strstr(output, "DISAGREEMENT: sluice would have dropped 2 packets that"), "%s",
	       output);
	expect(strstr(output, "udp sport 4000 udp dport 9\n"), "another packet: %s", output);
	expect(strstr(output, "sluice  inet t input rule udp dport 9 drop # handle"), "%s", output);
	expect(strstr(output, "kernel  did not drop it"), "%s", output);
}

/* Rules */

static void rules_are_followed(void)
{
	json_t *root;
	int server;

	build_lab();
	load_nft(mixed_rules);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	start_audit("native", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
	run(ON_HOST, "nft flush chain inet t input");
	for (int i = 0; i < 5; i++) {
		send_many(&(struct frame){.dport = CLOSED_PORT}, 2);
		pause_ms(50);
	}
	expect(count_waiting(server) == 10, "what is let in did not come");
	run(ON_HOST, "nft add rule inet t input udp dport 9 drop");
	for (int i = 0; i < 20; i++) {
		send_many(&(struct frame){.dport = CLOSED_PORT}, 2);
		pause_ms(50);
	}
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "generations") > 1, "it follows nothing: %s", output);
	expect(number(root, "agreed") > 5, "the new rule did not count: %s", output);
}

static void the_device_comes_back(void)
{
	json_t *root;

	build_lab();
	load_nft(mixed_rules);
	start_audit("native", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
	pause_ms(50);
	run(ON_HOST, "ip link del dut0");
	remake_device();
	expect(eventually(program_on_device(), 3), "it did not come back");
	pause_ms(300);
	send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
	pause_ms(50);
	root = end_audit_with(0);
	expect_complete(root);
	expect(number(root, "agreed") == 10, "not 5 and 5: %s", output);
}

/* Its end */

static void expect_nothing_on_device(void)
{
	char path[SL_PIN_PATH_MAX];

	expect(eventually(!program_on_device(), 2), "a program is left");
	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
	expect(!keeper(), "a lock is held");
}

static void kill_audit(void)
{
	kill(audit, SIGKILL);
	waitpid(audit, NULL, 0);
	unlink(report);
}

static void killed_it_leaves_nothing(void)
{
	build_lab();
	load_nft(drop_closed);
	start_audit("native", "--json");
	expect(program_on_device(), "nothing is attached");
	kill_audit();
	expect_nothing_on_device();
	attach();
	prove_early_drops();
}

static void killed_at_a_filter_it_is_found(void)
{
	setenv("SLUICE_WITHOUT_TCX", "1", 1);
	build_lab();
	load_nft(drop_closed);
	start_audit("tc", "--json");
	expect(sl_tc_filter_program(if_nametoindex(device)), "no filter");
	kill_audit();
	start_audit("tc", "--json");
	send_many(&(struct frame){.dport = CLOSED_PORT}, 4);
	json_t *root = end_audit_with(0);

	expect(number(root, "agreed") == 4, "not 4: %s", output);
	expect(!sl_tc_filter_program(if_nametoindex(device)), "a filter is left");
}

static void it_ends_by_itself(void)
{
	build_lab();
	load_nft(drop_closed);
	run(ON_HOST, "%s audit dev dut0 --for 1s", sluice);
	expect(strstr(output, "auditing, mode native; nothing is dropped"), "%s", output);
	expect(strstr(output, "would be dropped early"), "no summary: %s", output);
	expect_nothing_on_device();
}

static void expect_refusal(const char *command, const char *reason)
{
	expect(attempt(ON_HOST, "%s %s", sluice, command) == 1, "%s is not refused: %s", command,
	       output);
	expect(strstr(output, reason), "not \"%s\": %s", reason, output);
}

static void not_beside_an_attachment(void)
{
	start_lab();
	expect_refusal("audit dev dut0 --for 1s", "sluice is attached to dut0 already");
	prove_early_drops();
	detach();
	start_audit("native", "--json");
	expect_refusal("audit dev dut0 --for 1s", "already keeps dut0 in step, or audits it");
	expect_refusal("attach dev dut0", "already keeps dut0 in step, or audits it");
	json_decref(end_audit_with(0));
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"agrees natively", agrees_natively},
		{"agrees in generic mode", agrees_in_generic_mode},
		{"agrees at TC", agrees_at_tc},
		{"packets that GRO joins", packets_that_gro_joins},
		{"what the rules have to drop is explained",
		 what_the_rules_have_to_drop_is_explained},
		{"nothing is dropped at netfilter's hooks", nothing_is_dropped_at_netfilters_hooks},
		{"what dies before the rules is no disagreement",
		 what_dies_before_the_rules_is_no_disagreement},
		{"too many are counted", too_many_are_counted},
		{"a wrong drop is told", a_wrong_drop_is_told},
		{"a packet without a socket was let in", a_packet_without_a_socket_was_let_in},
		{"the rule is named", the_rule_is_named},
		{"rules are followed", rules_are_followed},
		{"the device comes back", the_device_comes_back},
		{"killed, it leaves nothing", killed_it_leaves_nothing},
		{"killed at a filter, it is found", killed_at_a_filter_it_is_found},
		{"it ends by itself", it_ends_by_itself},
		{"not beside an attachment", not_beside_an_attachment},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
