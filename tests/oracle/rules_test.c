// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole rulesets, from their text to a verdict of the kernel's: those that a generator writes
 * together with packets and the rule that each meets first. What is dropped early must be dropped
 * by the generator's book too, and exactly what the interpreter drops.
 *
 *	rules_test GENERATOR [PACKETS]
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compile.h"
#include "ir/packet.h"
#include "ir/shorthand.h"
#include "load/memory.h"
#include "run.h"

static const struct ruleset {
	const char *name, *options;
	u32 rules;
} rulesets[] = {
	{"acl", "--chain INPUT --flavour acl --counters", 100}, /* few enough to be branches */
	{"ipc IPv6", "--chain FORWARD --flavour ipc --v6 --counters", 100},
	{"acl", "--chain INPUT --flavour acl --counters", 1000},
	{"fw", "--chain INPUT --flavour fw --counters --policy DROP", 1000},
	{"ipc", "--chain INPUT --flavour ipc", 1000},
	{"acl in chains", "--chain INPUT --flavour acl --chains 32 --counters", 1000},
	{"acl behind conntrack", "--chain INPUT --flavour acl --chains 8 --ct --counters", 1000},
	{"acl IPv6", "--chain FORWARD --flavour acl --v6 --counters", 1000},
	{"acl", "--chain INPUT --flavour acl --counters", 10000},
	{"fw behind conntrack", "--chain INPUT --flavour fw --chains 64 --ct --counters", 10000},
	{"ipc IPv6", "--chain FORWARD --flavour ipc --v6 --counters", 10000},
};

struct paths {
	char rules[64], trace[64];
};

static bool generate(const char *generator, const struct ruleset *ruleset, u32 packets,
		     const struct paths *paths)
{
	char command[512];

	snprintf(command, sizeof command,
		 "python3 '%s' %s --rules %u --packets %u --miss 0.1 --seed 1 --format nft "
		 "--out %s --trace %s >&2",
		 generator, ruleset->options, ruleset->rules, packets, paths->rules, paths->trace);
	return !system(command);
}

static u8 flag_bits(const char *letters)
{
	static const char order[] = "FSRPAU";
	u8 bits = 0;

	for (u32 i = 0; order[i]; i++)
		if (strchr(letters, order[i]))
			bits |= (u8)(1 << i);
	return bits;
}

/* IPv6 is forwarded, from eth0 to eth1: random addresses are not ours. */
static bool set_up_host(void)
{
	return !system("ip link add eth0 address 02:00:00:00:00:01 type veth peer name eth1 && "
		       "ip link set eth0 addrgenmode none && ip link set eth1 addrgenmode none && "
		       "ip link set eth0 up && ip link set eth1 up && "
		       "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && "
		       "ip -6 route add default dev eth1");
}

static enum sl_fate default_route(void *context, const u8 *frame, u32 length)
{
	(void)context;
	(void)frame;
	(void)length;
	return SL_FATE_FORWARD;
}

/* One line: src dst proto sport dport tcpflags rule verdict. */
static bool read_packet(FILE *trace, struct frame *ret_frame, bool *ret_drops)
{
	char from[64], to[64], flags[16], verdict[16];
	unsigned protocol, sport, dport;
	int rule;

	if (fscanf(trace, "%63s %63s %u %u %u %15s %d %15s", from, to, &protocol, &sport, &dport,
		   flags, &rule, verdict) != 8)
		return false;
	*ret_frame = packet((u8)protocol, from, (u16)sport, to, (u16)dport);
	if (protocol == IPPROTO_TCP) {
		ret_frame->bytes[ret_frame->length - 20 + 12] = 5 << 4;
		ret_frame->bytes[ret_frame->length - 20 + 13] = flag_bits(flags);
	}
	if (protocol == IPPROTO_UDP) /* or conntrack would call it invalid */
		ret_frame->bytes[ret_frame->length - 8 + 5] = 8;
	*ret_drops = !strcmp(verdict, "DROP");
	return true;
}

/* What a kernel without connections answers. */
static u8 no_connection(void *context, const u8 *frame, u32 length)
{
	const struct sl_program *program = context;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet) ||
	    (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP))
		return SL_WORLDS_ALL;
	return program->miss_worlds;
}

struct tally {
	u32 packets, drops, kept; /* kept: dropped by the book, but passed early */
};

/* False, having said what is wrong. */
static bool judge(const struct sl_compiled *compiled, const struct sl_dataplane *dataplane,
		  const struct frame *frame, bool drops_by_book, u64 *expected, struct tally *tally)
{
	const struct sl_oracle oracle = {
		.conntrack = no_connection, .route = default_route, .context = compiled->meaning};
	struct sl_outcome outcome;
	int verdict = sl_run_frame(dataplane, frame->bytes, frame->length);

	sl_interp(compiled->meaning, frame->bytes, frame->length, &oracle, NULL, NULL, &outcome);
	for (u32 i = 0; i < outcome.hit_count; i++)
		expected[outcome.hits[i]]++;
	tally->packets++;
	tally->drops += verdict == XDP_DROP;
	tally->kept += drops_by_book && verdict == XDP_PASS;
	if (verdict == (outcome.drop ? XDP_DROP : XDP_PASS) && (!outcome.drop || drops_by_book))
		return true;
	printf("packet %u: the book says %s, the interpreter %s (%s), the kernel %d\n",
	       tally->packets, drops_by_book ? "drop" : "accept", outcome.drop ? "drop" : "pass",
	       outcome.reason, verdict);
	return false;
}

static bool counters_agree(const struct sl_compiled *compiled, const struct sl_dataplane *dataplane,
			   const u64 *expected)
{
	for (u32 i = 0; i < compiled->meaning->counters.count; i++) {
		u64 counted = sl_run_counted(dataplane, i);

		if (counted == expected[i])
			continue;
		printf("counter %u: %llu, expected %llu\n", i, (unsigned long long)counted,
		       (unsigned long long)expected[i]);
		return false;
	}
	return true;
}

static bool judge_trace(const struct sl_compiled *compiled, const struct sl_dataplane *dataplane,
			const char *path, struct tally *tally)
{
	u64 *expected = calloc(compiled->meaning->counters.count + 1, sizeof *expected);
	FILE *trace = fopen(path, "r");
	struct frame frame;
	bool drops, is_right = trace && expected;

	while (is_right && read_packet(trace, &frame, &drops))
		is_right = judge(compiled, dataplane, &frame, drops, expected, tally);
	is_right = is_right && counters_agree(compiled, dataplane, expected);
	if (trace)
		fclose(trace);
	free(expected);
	return is_right;
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

/* Nothing of these rulesets is left out for length, and most is in tables. */
static bool is_gathered(const struct sl_compiled *compiled, const struct ruleset *ruleset)
{
	u32 gathered = 0;

	for (u32 i = 0; i < compiled->program->choices.count; i++)
		if (compiled->program->choices.items[i].table)
			gathered += compiled->program->choices.items[i].count;
	printf("  %u rules in tables, %u kB\n", gathered, compiled->program->image_words / 128);
	return !compiled->code_is_cut && gathered > ruleset->rules / 2;
}

static bool try_ruleset(const char *generator, const struct ruleset *ruleset, u32 packets,
			const struct paths *paths)
{
	struct sl_compiled *compiled = NULL;
	struct sl_dataplane *dataplane = NULL;
	struct sl_diag diag = {0};
	struct tally tally = {0};
	u64 started;
	bool is_right;

	printf("%u rules, %s\n", ruleset->rules, ruleset->name);
	if (!generate(generator, ruleset, packets, paths))
		return false;
	started = now_ms();
	is_right = !sl_compile_file(paths->rules, "eth0", SL_MEMORY_LIMIT, &compiled, &diag) &&
		   !sl_compiled_load(compiled, SL_POINT_XDP, NULL, &dataplane, &diag) &&
		   !sl_run_publish(dataplane, &diag);
	if (is_right) {
		printf("  loaded in %llu ms, %u instructions verified\n",
		       (unsigned long long)(now_ms() - started), sl_run_verified_insns(dataplane));
		is_right = is_gathered(compiled, ruleset) &&
			   judge_trace(compiled, dataplane, paths->trace, &tally);
		printf("  %u packets, %u dropped, %u more by the kernel's rules\n", tally.packets,
		       tally.drops, tally.kept);
	} else {
		printf("  %s\n", diag.text);
	}
	sl_dataplane_free(dataplane);
	sl_compiled_free(compiled);
	return is_right && tally.drops; /* a test that never drops proves nothing */
}

int main(int argc, char **argv)
{
	u32 packets = argc > 2 ? (u32)atoi(argv[2]) : 300, failed = 0;
	struct paths paths;

	if (argc < 2 || access(argv[1], R_OK)) {
		printf("SKIP: no generator of rules at %s\n", argc > 1 ? argv[1] : "(none given)");
		return SL_RUN_SKIPPED;
	}
	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	if (!set_up_host()) {
		printf("SKIP: no veth devices, or no ip command\n");
		return SL_RUN_SKIPPED;
	}
	snprintf(paths.rules, sizeof paths.rules, "/tmp/sluice-rules-%d.nft", (int)getpid());
	snprintf(paths.trace, sizeof paths.trace, "/tmp/sluice-rules-%d.trace", (int)getpid());
	for (u32 i = 0; i < SL_ARRAY_SIZE(rulesets); i++)
		failed += !try_ruleset(argv[1], &rulesets[i], packets, &paths);
	unlink(paths.rules);
	unlink(paths.trace);
	sl_run_end();
	printf("%u failed\n", failed);
	return failed != 0;
}
