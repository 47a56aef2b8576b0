// SPDX-License-Identifier: GPL-2.0-only
/* `sluice monitor`: each packet that is dropped early is in the stream, with its rule. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* it has names of the kernel's */
#include <pcap/pcap.h>

#include "base/cleanup.h"
#include "frame.h"
#include "load/hook_links.h"
#include "load/samples.h"

static const char rules[] = "table inet t {\n"
			    "	chain input {\n"
			    "		type filter hook input priority 0; policy drop;\n"
			    "		ct state established,related accept\n"
			    "		udp dport 7 counter drop\n"
			    "		udp dport 8 drop comment \"eight\"\n"
			    "		icmp type echo-request counter drop\n"
			    "		udp dport 5000 accept\n"
			    "		meta l4proto ipv6-icmp accept\n"
			    "	}\n"
			    "}\n";

/* The monitor as a process */

static pid_t monitor;
static char stream[64], capture[64];

static void remove_files(void)
{
	if (monitor > 0)
		kill(monitor, SIGKILL);
	unlink(stream);
	unlink(capture);
}

static bool is_watched(void)
{
	struct sl_sampling sampling;
	struct sl_sampling_cell cell = {0};
	u32 zero = 0;

	if (sl_sampling_find(net_cookie(), device, &sampling))
		return false;
	bpf_map_lookup_elem(sampling.cell, &zero, &cell);
	sl_sampling_close(&sampling);
	return cell.every;
}

static void start_monitor(const char *format)
{
	snprintf(stream, sizeof stream, "/tmp/sluice-monitor-%d", (int)getpid());
	snprintf(capture, sizeof capture, "/tmp/sluice-monitor-%d.pcapng", (int)getpid());
	at_end(remove_files);
	enter(ON_HOST);
	monitor = fork();
	if (!monitor) {
		int fd = open(stream, O_CREAT | O_TRUNC | O_WRONLY, 0600);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl(sluice, sluice, "monitor", "dev", device, "--every", "1", "--pcap", capture,
		      format, NULL);
		_exit(127);
	}
	expect(eventually(is_watched(), 5), "it does not begin");
}

static void end_monitor(void)
{
	int status;

	expect(!kill(monitor, SIGTERM) && waitpid(monitor, &status, 0) == monitor, "it is gone");
	monitor = 0;
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "it fails: %d", status);
	expect(!is_watched(), "sampling goes on");
}

/* How many lines of the stream have both. */
static u32 count_lines(const char *first, const char *second)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(stream, "re");
	char line[2048];
	u32 count = 0;

	while (file && fgets(line, sizeof line, file))
		count += strstr(line, first) && strstr(line, second);
	return count;
}

static void expect_line(const char *first, const char *second)
{
	if (eventually(count_lines(first, second) == 1, 3))
		return;
	attempt(ON_HOST, "cat %s", stream);
	fail_case("not one line with \"%s\" and \"%s\": %s", first, second, output);
}

static void attach_to_rules(void)
{
	build_lab();
	load_nft(rules);
	attach();
}

static void send_known(void)
{
	send_udp(7);
	send_udp(8);
	send_udp(9);
	send_udp(OPEN_PORT);
	send_frame(&(struct frame){.to = "fd77::1", .dport = 8, .payload = 900});
}

static void each_drop_is_told_with_its_rule(void)
{
	attach_to_rules();
	start_monitor(NULL);
	send_known();
	expect_line("udp dport 7\n", "xdp drop by inet t input rule udp dport 7 counter");
	expect_line("ip saddr 10.77.0.2 ip daddr 10.77.0.1",
		    "drop by inet t input rule udp dport 8 drop comment \"eight\" # handle");
	expect_line("udp dport 9\n", "xdp drop by inet t input policy drop: iif \"dut0\"");
	expect_line("ip6 saddr fd77::2", "rule udp dport 8 drop");
	end_monitor();
	expect(count_lines(" drop by ", "") == 4, "other drops than four");
}

static void drops_at_hooks_are_told(void)
{
	if (!sl_hook_links_exist())
		skip_case("this kernel has no netfilter links");
	attach_to_rules();
	start_monitor(NULL);
	send_frame(&(struct frame){.protocol = IPPROTO_ICMP, .type = 8});
	expect_line("icmp type 8", "netfilter drop by inet t input rule icmp type echo-request");
	end_monitor();
}

/* The objects of the stream; every line is one. */
static json_t *read_objects(void)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(stream, "re");
	json_t *objects = json_array();
	char line[2048];

	expect(file, "no stream");
	while (fgets(line, sizeof line, file)) {
		json_error_t why;
		json_t *object = json_loads(line, 0, &why);

		expect(object, "%s: %s", why.text, line);
		json_array_append_new(objects, object);
	}
	return objects;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void json_is_a_line_each(void)
{
	json_t *objects, *first, *decider;

	attach_to_rules();
	start_monitor("--json");
	send_udp(8);
	send_udp(9);
	expect(eventually(count_lines("\"drop\"", "") == 2, 3), "not two drops");
	end_monitor();
	objects = read_objects();
	first = json_array_get(objects, 0);
	decider = json_object_get(first, "decided_by");
	expect(!strcmp(text_of(first, "event"), "drop") &&
		       !strcmp(text_of(first, "device"), device) &&
		       !strcmp(text_of(first, "at"), "xdp"),
	       "not a drop of the device");
	expect(json_integer_value(json_object_get(first, "length")) == 14 + 20 + 8 + 16,
	       "another length");
	expect(!strcmp(text_of(decider, "table"), "t") &&
		       !strcmp(text_of(decider, "text"), "udp dport 8 drop comment \"eight\""),
	       "another rule: %s", text_of(decider, "text"));
	decider = json_object_get(json_array_get(objects, 1), "decided_by");
	expect(!strcmp(text_of(decider, "policy"), "drop"), "not the policy");
	json_decref(objects);
}

static void expect_captured(pcap_t *file, const struct frame *frame)
{
	u8 bytes[FRAME_MAX];
	u32 length = frame_build(bytes, frame);
	u32 captured = length < SL_SAMPLE_BYTES ? length : SL_SAMPLE_BYTES;
	struct pcap_pkthdr *header;
	const u8 *read;

	expect(pcap_next_ex(file, &header, &read) == 1, "a packet is missing");
	expect(header->len == length && header->caplen == captured, "%u of %u bytes, not %u of %u",
	       header->caplen, header->len, captured, length);
	/* but for identification and checksum of IPv4 */
	expect(!memcmp(read, bytes, 18) && !memcmp(read + 26, bytes + 26, captured - 26),
	       "another packet");
}

/* The comments, which libpcap does not read, are in the file as they are. */
static bool file_has(const char *text)
{
	return !attempt(ON_HOST, "grep -aqF '%s' %s", text, capture);
}

static void capture_has_packets_and_comments(void)
{
	const struct frame small = {.dport = 8}, large = {.dport = 9, .payload = 900};
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u8 *read;
	pcap_t *file;

	attach_to_rules();
	start_monitor(NULL);
	send_frame(&small);
	send_frame(&large);
	expect(eventually(count_lines(" drop by ", "") == 2, 3), "not two drops");
	end_monitor();
	file = pcap_open_offline(capture, why);
	expect(file, "%s", why);
	expect_captured(file, &small);
	expect_captured(file, &large);
	expect(pcap_next_ex(file, &header, &read) == PCAP_ERROR_BREAK, "one packet more");
	pcap_close(file);
	expect(file_has("drop at xdp by inet t input rule udp dport 8 drop comment \"eight\""),
	       "no comment for a rule");
	expect(file_has("drop at xdp by inet t input policy drop"), "no comment for a policy");
	expect(file_has(device), "no name of the device");
}

static void changes_are_told(void)
{
	attach_to_rules();
	start_monitor(NULL);
	run(ON_HOST, "nft insert rule inet t input udp dport 9 counter drop");
	settle();
	expect_line("rules: generation 2", "read in");
	send_udp(9);
	expect_line("drop by inet t input rule udp dport 9 counter", "udp dport 9\n");
	expect(!kill(keeper(), SIGKILL), "no keeper");
	expect_line("unkept:", device);
	run(ON_HOST, "nft add rule inet t input udp dport 99 accept");
	expect_line("stale:", device);
	detach();
	expect_line(" detached\n", device);
	attach();
	expect_line(" attached: ", device);
	expect(eventually(is_watched(), 3), "it does not go on");
	send_udp(7);
	expect_line("udp dport 7\n", "drop by inet t input rule udp dport 7 counter");
	end_monitor();
}

/* Trap: nf_tables' generation stays the same when iptables-legacy's rules change. */
static void legacy_rules_are_those_of_then(void)
{
	build_lab();
	if (attempt(ON_HOST, "iptables-legacy -A INPUT -p udp --dport 9 -j DROP"))
		skip_case("no iptables-legacy: %s", output);
	attach();
	start_monitor(NULL);
	send_udp(9);
	expect_line("udp dport 9\n",
		    "drop by ip legacy filter INPUT rule meta l4proto 17 th dport 9 ");
	run(ON_HOST, "iptables-legacy -F INPUT && "
		     "iptables-legacy -A INPUT -s 10.77.0.2 -p udp -j DROP");
	settle();
	pause_ms(600); /* rules are not read more often than that */
	send_udp(8);
	expect_line("udp dport 8\n", "INPUT rule ip saddr 10.77.0.2 meta l4proto 17 counter");
	end_monitor();
}

static void expect_refusal(const char *command, const char *why)
{
	expect(attempt(ON_HOST, "timeout 10 %s %s", sluice, command) == 1, "%s: not refused: %s",
	       command, output);
	expect(strstr(output, why), "it does not say \"%s\": %s", why, output);
}

static void what_cannot_be_watched_is_refused(void)
{
	build_lab();
	load_nft(rules);
	expect_refusal("monitor", "is not attached to any device");
	expect_refusal("monitor dev dut0", "is not attached to dut0");
	attach();
	start_monitor(NULL);
	expect_refusal("monitor dev dut0 --every 9", "reads the samples of dut0 already");
	end_monitor();
	expect_refusal("monitor dev dut0 --pcap /nowhere/file", "cannot write /nowhere/file");
}

static void ends_when_it_has_enough(void)
{
	attach_to_rules();
	run(ON_HOST,
	    "timeout 10 %s monitor dev dut0 --every 1 --count 2 >/tmp/sluice-monitor-%d 2>&1 &",
	    sluice, (int)getpid());
	snprintf(stream, sizeof stream, "/tmp/sluice-monitor-%d", (int)getpid());
	at_end(remove_files);
	expect(eventually(is_watched(), 5), "it does not begin");
	send_many(&(struct frame){.dport = 8}, 5);
	expect(eventually(!is_watched(), 5), "it does not end");
	expect(count_lines(" drop by ", "") == 2, "not two samples");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"each drop is told with its rule", each_drop_is_told_with_its_rule},
		{"drops at hooks are told", drops_at_hooks_are_told},
		{"JSON is a line each", json_is_a_line_each},
		{"a capture has packets and comments", capture_has_packets_and_comments},
		{"changes are told", changes_are_told},
		{"legacy rules are those of then", legacy_rules_are_those_of_then},
		{"what cannot be watched is refused", what_cannot_be_watched_is_refused},
		{"it ends when it has enough", ends_when_it_has_enough},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
