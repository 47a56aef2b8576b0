// SPDX-License-Identifier: GPL-2.0-only
/* libsluice, asked from another network namespace than the host's: it works there, not here. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sluice.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "frame.h"

static struct sluice *host;

static void close_host(void)
{
	sluice_detach(host, "dut0");
	sluice_close(host);
}

static void open_host(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy accept;\n"
		 "		udp dport 5000 counter accept\n"
		 "		udp dport 9 counter drop\n"
		 "	}\n"
		 "}\n");
	enter(ON_WIRE);
	expect(!sluice_open(place_fd(ON_HOST), &host), "no handle");
	at_end(close_host);
}

#define expect_done(call) expect(!(call), "%s: %s", #call, sluice_error(host))
#define expect_error(error, call, message)                                                         \
	do {                                                                                       \
		int got = (call);                                                                  \
		expect(got == -(error) && strstr(sluice_error(host), message), "%s: %d, %s",       \
		       #call, got, sluice_error(host));                                            \
	} while (0)

static const struct sluice_attachment *read_status(struct sluice_status **ret_status)
{
	expect_done(sluice_read_status(host, NULL, ret_status));
	return sluice_status_attachment(*ret_status, 0);
}

static bool waits_for_confirmation(void)
{
	struct sluice_status *status;
	const struct sluice_attachment *attachment = read_status(&status);
	bool waits = attachment && attachment->confirm_ms;

	sluice_status_free(status);
	return waits;
}

static void send_closed(int count)
{
	const struct frame frame = {.dport = CLOSED_PORT, .payload = 1};

	for (int i = 0; i < count; i++)
		send_frame(&frame);
}

static u64 dropped_early(void)
{
	struct sluice_status *status;
	u64 dropped;

	expect_done(sluice_read_status(host, "dut0", &status));
	dropped = sluice_status_count(status, 0, SLUICE_DROPPED).packets;
	sluice_status_free(status);
	return dropped;
}

static void attaches_and_detaches(void)
{
	const struct sluice_attachment *attachment;
	struct sluice_status *status;
	enum sluice_mode mode = SLUICE_MODE_NONE;

	open_host();
	expect(!read_status(&status), "attached before it was asked for");
	sluice_status_free(status);
	expect_error(ENOENT, sluice_detach(host, "dut0"), "not attached to dut0");
	expect_done(sluice_attach(host, "dut0", NULL, &mode));
	expect(mode == SLUICE_MODE_NATIVE, "mode %s", sluice_mode_name(mode));
	expect_error(EALREADY, sluice_attach(host, "dut0", NULL, &mode), "dut0");
	settle();
	attachment = read_status(&status);
	expect(attachment && !strcmp(attachment->device, "dut0") && attachment->is_alive &&
		       attachment->is_fresh && attachment->mode == mode &&
		       attachment->keeper == keeper() && !attachment->is_service &&
		       attachment->rules == 2 && attachment->generation &&
		       !strcmp(attachment->place, "dut0") && !access(attachment->pin, F_OK),
	       "what status says is not so");
	expect(!sluice_status_attachment(status, 1), "one too many");
	sluice_status_free(status);
	expect_done(sluice_detach(host, "dut0"));
	expect(!is_attached() && !keeper(), "it stays attached");
	expect_error(ENODEV, sluice_attach(host, "nothing0", NULL, NULL), "nothing0");
}

/* A rule's count is the kernel's and the early ones, and both are told apart. */
static void counts_by_rule(void)
{
	struct sluice_counters *counters;
	const struct sluice_counter *rule;

	open_host();
	send_closed(2);
	expect_done(sluice_attach(host, "dut0", NULL, NULL));
	settle();
	send_closed(3);
	expect(eventually(dropped_early() == 3, 2), "%llu early",
	       (unsigned long long)dropped_early());
	expect_done(sluice_read_counters(host, "dut0", 0, &counters));
	rule = sluice_counter(counters, 1);
	expect(rule && rule->counts && rule->total.packets == 5 && rule->early.packets == 3 &&
		       rule->total.bytes == 5 * 29 && rule->early.bytes == 3 * 29,
	       "the counts are others");
	expect(!strcmp(rule->rule->family, "inet") && !strcmp(rule->rule->table, "t") &&
		       !strcmp(rule->rule->chain, "input") && rule->rule->handle &&
		       strstr(rule->rule->text, "udp dport 9 counter"),
	       "another rule: %s", rule->rule->text);
	expect(!sluice_counter(counters, 2), "one too many");
	sluice_counters_free(counters);
	expect_done(sluice_read_counters(host, NULL, SLUICE_WITHOUT_TEXT, &counters));
	expect(sluice_counter(counters, 1)->total.packets == 5 &&
		       !sluice_counter(counters, 1)->rule->text,
	       "other counts of all devices, or a text");
	sluice_counters_free(counters);
	expect_error(ENODEV, sluice_read_counters(host, "nothing0", 0, &counters), "nothing0");
}

static void goes_back_unless_confirmed(void)
{
	const struct sluice_options options = SLUICE_OPTIONS(.confirm_seconds = 2);
	const char *now;

	open_host();
	expect_done(sluice_attach(host, "dut0", &options, NULL));
	expect(waits_for_confirmation(), "it does not wait");
	expect(eventually(!is_attached() && !keeper(), 10), "it stays attached");
	expect_done(sluice_attach(host, "dut0", &options, NULL));
	expect_done(sluice_confirm(host, "dut0"));
	expect(!waits_for_confirmation(), "it still waits");
	expect_error(ENOENT, sluice_confirm(host, "dut0"), "does not wait to be confirmed");
	pause_ms(2500);
	expect(is_attached(), "it went back though it was confirmed");
	expect_done(sluice_rollback(host, "dut0", &now));
	expect(!is_attached() && !strcmp(now, "detached"), "it stays attached: %s", now);
}

static void plans(void)
{
	const struct sluice_options tc = SLUICE_OPTIONS(.mode = SLUICE_MODE_TC);
	const struct sluice_decided *rule;
	struct sluice_plan *plan;

	open_host();
	expect_done(sluice_plan_device(host, "dut0", NULL, &plan));
	expect(sluice_plan_mode(plan) == SLUICE_MODE_NATIVE, "mode %s: %s",
	       sluice_mode_name(sluice_plan_mode(plan)), sluice_plan_refusals(plan));
	expect(sluice_plan_share(plan) == 100 && sluice_plan_rules(plan, SLUICE_EARLY) == 2,
	       "%g %%", sluice_plan_share(plan));
	rule = sluice_plan_decided(plan, 1);
	expect(rule && rule->decision == SLUICE_EARLY && rule->drops && rule->counts &&
		       strstr(rule->rule->text, "udp dport 9"),
	       "another rule");
	expect(strstr(sluice_plan_warning(plan, 0), "tcp-segmentation-offload"), "no warning");
	sluice_plan_free(plan);
	expect_done(sluice_plan_device(host, "dut0", &tc, &plan));
	expect(sluice_plan_mode(plan) == SLUICE_MODE_TC, "not TC: %s", sluice_plan_refusals(plan));
	sluice_plan_free(plan);
	expect_error(ENODEV, sluice_plan_device(host, "nothing0", NULL, &plan), "nothing0");
	expect(!is_attached(), "a plan attached it");
}

static void plans_a_file(void)
{
	const struct sluice_obstacle *obstacle;
	struct sluice_plan *plan;
	char path[64];
	FILE *file;

	open_host();
	snprintf(path, sizeof path, "/tmp/sluice-library-test-%d.nft", (int)getpid());
	file = fopen(path, "w");
	expect(file, "cannot write %s", path);
	fputs("table ip f {\n"
	      "	chain in {\n"
	      "		type filter hook input priority 0;\n"
	      "		udp dport 9 reject\n"
	      "		udp dport 10 drop\n"
	      "	}\n"
	      "}\n",
	      file);
	fclose(file);
	expect_done(sluice_plan_file(host, path, NULL, NULL, &plan));
	obstacle = sluice_plan_obstacle(plan, 0);
	expect(obstacle && strstr(obstacle->place, "ip f in") && obstacle->reason[0],
	       "not the obstacle");
	expect(sluice_plan_decided(plan, 0)->decision == SLUICE_KERNEL &&
		       sluice_plan_decided(plan, 1)->decision == SLUICE_EARLY,
	       "decided otherwise");
	sluice_plan_free(plan);
	unlink(path);
	expect_error(ENOENT, sluice_plan_file(host, path, NULL, NULL, &plan), path);
}

static void traces(void)
{
	const struct sluice_trace *trace;
	struct sluice_tracer *tracer;
	const struct sluice_step *step;

	open_host();
	expect_done(sluice_tracer_open(host, "dut0", &tracer));
	expect_done(sluice_trace_packet(tracer, "ip saddr 10.77.0.2 udp dport 9", &trace));
	expect(trace->drops && strstr(trace->reason, "dropped early") && !trace->disagrees, "%s",
	       trace->reason);
	step = sluice_trace_step(trace, 1);
	expect(step && step->matched && !strcmp(step->verdict, "drop") &&
		       strstr(step->rule->text, "udp dport 9"),
	       "another way");
	expect(!sluice_trace_step(trace, 0)->matched && !sluice_trace_step(trace, 2),
	       "another way");
	expect_done(sluice_trace_packet(tracer, "udp dport 5000", &trace));
	expect(!trace->drops && strstr(trace->reason, "passed to the kernel"), "%s", trace->reason);
	expect_error(EINVAL, sluice_trace_packet(tracer, "udp dport abc", &trace), "abc");
	expect_done(sluice_trace_frame(tracer, "short", 5, &trace));
	expect(!trace->drops, "a frame without a header is dropped");
	sluice_tracer_close(tracer);
	expect_error(ENODEV, sluice_tracer_open(host, "nothing0", &tracer), "nothing0");
}

static void refuses_options_it_does_not_know(void)
{
	struct sluice_options options = SLUICE_OPTIONS(.flags = 1u << 31);
	struct {
		struct sluice_options known;
		u64 later;
	} newer = {{.size = sizeof newer}, 1};

	open_host();
	expect_error(E2BIG, sluice_attach(host, "dut0", &options, NULL), "does not know");
	expect_error(E2BIG, sluice_attach(host, "dut0", &newer.known, NULL), "does not know");
	options = (struct sluice_options)SLUICE_OPTIONS(.mode = SLUICE_MODE_NONE);
	expect_error(EINVAL, sluice_attach(host, "dut0", &options, NULL), "no mode");
	options = (struct sluice_options){0};
	expect_error(EINVAL, sluice_attach(host, "dut0", &options, NULL), "SLUICE_OPTIONS()");
	expect(!is_attached(), "attached all the same");
}

/* What a call must leave as it was. */
struct caller {
	ino_t net, mounts;
	char directory[PATH_MAX];
	sigset_t mask;
	libbpf_print_fn_t print;
};

static ino_t inode(const char *path)
{
	struct stat stat_of;

	return stat(path, &stat_of) ? 0 : stat_of.st_ino;
}

static struct caller look_at_caller(void)
{
	struct caller caller = {.net = inode("/proc/thread-self/ns/net"),
				.mounts = inode("/proc/thread-self/ns/mnt")};

	expect(getcwd(caller.directory, sizeof caller.directory), "no directory");
	pthread_sigmask(SIG_SETMASK, NULL, &caller.mask);
	caller.print = libbpf_set_print(NULL);
	libbpf_set_print(caller.print);
	return caller;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void leaves_the_caller_as_it_was(void)
{
	struct caller before, after;
	struct sluice_counters *counters;

	open_host();
	/* As under `ip netns exec`, where pins are in mounts that the caller does not have. */
	expect(!unshare(CLONE_NEWNS) && !chdir("/tmp"), "unshare: %m");
	libbpf_set_print(print_nothing);
	signal(SIGTERM, SIG_IGN); /* which the keeper must not inherit, or it could not be ended */
	before = look_at_caller();
	expect_done(sluice_attach(host, "dut0", NULL, NULL));
	expect_done(sluice_read_counters(host, NULL, 0, &counters));
	sluice_counters_free(counters);
	after = look_at_caller();
	expect(before.net == after.net && before.mounts == after.mounts, "other namespaces");
	expect(!strcmp(before.directory, after.directory), "another directory: %s",
	       after.directory);
	expect(!memcmp(&before.mask, &after.mask, sizeof before.mask), "another signal mask");
	expect(before.print == after.print, "another print function of libbpf's");
	expect(attempt(ON_HOST, "grep '^PPid:.%d$' /proc/%d/status", getpid(), keeper()) == 1,
	       "the keeper is its child");
	expect(!kill(keeper(), SIGTERM) && eventually(!keeper(), 5), "the keeper does not end");
}

static void *ask_often(void *failed)
{
	struct sluice *own;
	bool *has_failed = failed;

	*has_failed = sluice_open(place_fd(ON_HOST), &own);
	for (int i = 0; i < 5 && !*has_failed; i++) {
		struct sluice_status *status;

		*has_failed = sluice_read_status(own, "dut0", &status) ||
			      !sluice_status_attachment(status, 0)->is_alive;
		if (!*has_failed)
			sluice_status_free(status);
	}
	sluice_close(own);
	return NULL;
}

static void answers_threads_in_turn(void)
{
	pthread_t threads[4];
	bool failed[4];

	open_host();
	expect_done(sluice_attach(host, "dut0", NULL, NULL));
	for (u32 i = 0; i < SL_ARRAY_SIZE(threads); i++)
		expect(!pthread_create(&threads[i], NULL, ask_often, &failed[i]), "no thread");
	for (u32 i = 0; i < SL_ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		expect(!failed[i], "thread %u got no answer", i);
	}
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"attaches and detaches", attaches_and_detaches},
		{"counts by rule", counts_by_rule},
		{"goes back unless confirmed", goes_back_unless_confirmed},
		{"plans", plans},
		{"plans a file", plans_a_file},
		{"traces", traces},
		{"refuses options it does not know", refuses_options_it_does_not_know},
		{"leaves the caller as it was", leaves_the_caller_as_it_was},
		{"answers threads in turn", answers_threads_in_turn},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
