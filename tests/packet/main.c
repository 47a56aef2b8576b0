/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sluice-differential: the same packets at the same host, with and without a candidate attached
 * to its device. Prints what differs; exits with 0 where nothing does.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "self_proof.h"
#include "session.h"
#include "trial.h"

#define EXIT_SKIPPED 77 /* meson's */

struct options {
	u64 seed;
	u32 rulesets, frames, limit_s;
	const char *rules_path, *save_path, *mutant;
	struct sl_candidate candidate;
	bool is_bare, proves_itself, only_prints, keeps_going, shows_noise;
};

struct tally {
	u32 trials, verdicts[SL_TRIAL_VERDICT_COUNT], errors, miscounts, slow;
	u64 acts, silent, early_drops, counters_miss, connections;
};

static const char usage[] =
	"Usage: sluice-differential [OPTIONS]\n"
	"Candidate, what is attached to in0 in the second lab:\n"
	"  --sluice PATH        PATH attach dev in0; PATH status --json; PATH detach dev in0\n"
	"  --attach CMD         shell commands instead, run in the dut's network namespace\n"
	"  --detach CMD\n"
	"  --count CMD          prints the number of early drops (default: ask the veth driver)\n"
	"  --mutant NAME        a built-in program (pass_all, exact_udp_9000, mutant_ttl_one, "
	"...)\n"
	"  --bare               attach nothing in the first lab (default: a program that passes)\n"
	"Campaign:\n"
	"  --seed S             first seed; a trial's seed reproduces it (default: the time)\n"
	"  --rulesets N         number of trials (default 100)\n"
	"  --frames M           acts of each script (default 300)\n"
	"  --rules FILE         these rules (nft or iptables-save) instead of random ones\n"
	"  --keep-going         after a difference too\n"
	"  --show-noise         print every difference at once, also what proves not to count\n"
	"  --save DIR           write each difference, shrunk, to DIR/seed-S.txt\n"
	"  --limit SECONDS      end after this time whatever happens (default 3600)\n"
	"  --print              print the first trial's rules and script and do nothing\n"
	"  --self-proof         show that the lab sees every built-in mutant and nothing else\n"
	"Exit status: 0 no difference, 1 a difference or an error, 2 usage, 77 not root.\n";

static const struct option long_options[] = {
	{"seed", required_argument, NULL, 's'},   {"rulesets", required_argument, NULL, 'n'},
	{"frames", required_argument, NULL, 'm'}, {"rules", required_argument, NULL, 'r'},
	{"sluice", required_argument, NULL, 'S'}, {"attach", required_argument, NULL, 'a'},
	{"detach", required_argument, NULL, 'd'}, {"count", required_argument, NULL, 'c'},
	{"mutant", required_argument, NULL, 'M'}, {"save", required_argument, NULL, 'o'},
	{"bare", no_argument, NULL, 'b'},         {"self-proof", no_argument, NULL, 'p'},
	{"print", no_argument, NULL, 'P'},        {"keep-going", no_argument, NULL, 'k'},
	{"show-noise", no_argument, NULL, 'N'},   {"limit", required_argument, NULL, 'l'},
	{"help", no_argument, NULL, 'h'},         {0},
};

/* Returns false on a mistake. */
static bool read_option(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->seed = strtoull(optarg, NULL, 0);
		return true;
	case 'n':
		options->rulesets = (u32)strtoul(optarg, NULL, 0);
		return options->rulesets > 0;
	case 'm':
		options->frames = (u32)strtoul(optarg, NULL, 0);
		return options->frames > 0;
	case 'l':
		options->limit_s = (u32)strtoul(optarg, NULL, 0);
		return options->limit_s > 0;
	case 'r':
		options->rules_path = optarg;
		return true;
	case 'S':
		options->candidate.sluice = options->candidate.name = optarg;
		return true;
	case 'a':
		options->candidate.attach = options->candidate.name = optarg;
		return true;
	case 'd':
		options->candidate.detach = optarg;
		return true;
	case 'c':
		options->candidate.count = optarg;
		return true;
	case 'M':
		options->mutant = optarg;
		return true;
	case 'o':
		options->save_path = optarg;
		return true;
	case 'b':
		return options->is_bare = true;
	case 'p':
		return options->proves_itself = true;
	case 'P':
		return options->only_prints = true;
	case 'N':
		return options->shows_noise = true;
	case 'k':
		return options->keeps_going = true;
	}
	return false;
}

static bool read_options(int argc, char **argv, struct options *ret_options)
{
	struct options options = {
		.seed = (u64)time(NULL), .rulesets = 100, .frames = 300, .limit_s = 3600};
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		if (!read_option(&options, option))
			return false;
	bool has_candidate = options.candidate.name || options.mutant;
	if (optind != argc || (!has_candidate && !options.proves_itself && !options.only_prints))
		return false;
	*ret_options = options;
	return true;
}

/* Everything on one processor: queues stay in order, and the other one is somebody else's. */
static void stay_on_one_processor(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof all, &all))
		return;
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all) && !CPU_COUNT(&one))
			CPU_SET(i, &one);
	}
	(void)sched_setaffinity(0, sizeof one, &one);
}

static void close_trial(struct sl_trial **trial)
{
	sl_trial_free(*trial);
}

/* Shrinks the trial and writes it to standard output, and where --save says. */
static int show_difference(struct sl_trial *trial, const struct sl_sides *sides,
			   const struct options *options, struct sl_diag *diag)
{
	char path[512];

	printf("\nseed %llu: with %s something differs; shrinking …\n",
	       (unsigned long long)trial->seed, sides->candidate->name);
	fflush(stdout);
	(void)sl_trial_shrink(trial, sides, diag);
	int error = sl_trial_report(trial, sides, stdout, diag);
	if (error || !options->save_path)
		return error;
	(void)mkdir(options->save_path, 0755);
	snprintf(path, sizeof path, "%s/seed-%llu.txt", options->save_path,
		 (unsigned long long)trial->seed);
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "we");
	if (!file)
		return sl_fail(diag, errno, "%s: %s", path, strerror(errno));
	return sl_trial_report(trial, sides, file, diag);
}

static void add_result(struct tally *tally, const struct sl_trial_result *result)
{
	tally->verdicts[result->verdict]++;
	tally->acts += result->acts;
	tally->silent += result->silent;
	tally->early_drops += result->early_drops;
	tally->counters_miss += result->counters_miss;
	tally->connections += result->connections;
	tally->miscounts += result->miscounts;
	tally->slow += result->elapsed_ms > 900;
}

/* One seed. Returns false where the campaign should end. */
static bool try_seed(u64 seed, const struct sl_rules *rules, const struct sl_sides *sides,
		     const struct options *options, struct tally *tally)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_trial_result result;
	struct sl_diag diag = {""};
	int error = sl_trial_draw(seed, options->frames, rules, &trial, &diag);

	if (!error)
		error = sl_trial_run(trial, sides, &result, &diag);
	if (!error) {
		add_result(tally, &result);
		if (result.verdict == SL_TRIAL_UNSTEADY || result.verdict == SL_TRIAL_NOISY)
			printf("seed %llu: %s\n", (unsigned long long)seed,
			       result.verdict == SL_TRIAL_NOISY
				       ? "noisy: two labs without a candidate differ"
				       : "unsteady: a difference that did not come again");
		if (result.verdict == SL_TRIAL_DIFFERENT)
			error = show_difference(trial, sides, options, &diag);
	}
	tally->trials++;
	if (error) {
		tally->errors++;
		printf("seed %llu: %s\n", (unsigned long long)seed, diag.text);
		if (trial)
			printf("%s\n", trial->rules.text);
	}
	bool went_wrong = error || result.verdict == SL_TRIAL_DIFFERENT;
	return !went_wrong || options->keeps_going;
}

static void print_tally(const struct tally *tally, u32 seconds)
{
	printf("%u rulesets, %llu acts in %u s: %u same, %u different, %u unsteady, %u noisy, "
	       "%u errors\n",
	       tally->trials, (unsigned long long)tally->acts, seconds,
	       tally->verdicts[SL_TRIAL_SAME], tally->verdicts[SL_TRIAL_DIFFERENT],
	       tally->verdicts[SL_TRIAL_UNSTEADY], tally->verdicts[SL_TRIAL_NOISY], tally->errors);
	printf("without the candidate %llu acts left no trace (dropped, most of them); "
	       "with it %llu frames were dropped early\n",
	       (unsigned long long)tally->silent, (unsigned long long)tally->early_drops);
	printf("%llu connections tracked; rule counters miss %llu packets; "
	       "%u trials in which the candidate's count is not the driver's; %u slow\n",
	       (unsigned long long)tally->connections, (unsigned long long)tally->counters_miss,
	       tally->miscounts, tally->slow);
}

/* A candidate that drops nothing would pass every comparison. */
static bool is_success(const struct tally *tally)
{
	if (!tally->early_drops)
		printf("FAIL: nothing was dropped early, so nothing was proved\n");
	if (tally->verdicts[SL_TRIAL_UNSTEADY] * 100 > tally->trials)
		printf("FAIL: more than one trial in a hundred is unsteady\n");
	if (tally->verdicts[SL_TRIAL_NOISY] * 50 > tally->trials)
		printf("FAIL: more than one trial in fifty is noisy\n");
	return tally->early_drops && !tally->errors && !tally->verdicts[SL_TRIAL_DIFFERENT] &&
	       tally->verdicts[SL_TRIAL_UNSTEADY] * 100 <= tally->trials &&
	       tally->verdicts[SL_TRIAL_NOISY] * 50 <= tally->trials;
}

static bool run_campaign(const struct options *options, const struct sl_sides *sides,
			 const struct sl_rules *rules)
{
	struct tally tally = {0};
	time_t start = time(NULL);

	printf("first seed %llu, %u rulesets, %u acts each, candidate %s\n",
	       (unsigned long long)options->seed, options->rulesets, options->frames,
	       sides->candidate->name);
	for (u32 i = 0; i < options->rulesets; i++) {
		if (!try_seed(options->seed + i, rules, sides, options, &tally))
			break;
		if (isatty(STDOUT_FILENO) && i % 10 == 9) {
			printf("\r%u ", i + 1);
			fflush(stdout);
		}
	}
	print_tally(&tally, (u32)(time(NULL) - start));
	return is_success(&tally);
}

static int print_trial(const struct options *options, const struct sl_rules *rules)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_diag diag;
	char text[512];

	if (sl_trial_draw(options->seed, options->frames, rules, &trial, &diag)) {
		fprintf(stderr, "%s\n", diag.text);
		return EXIT_FAILURE;
	}
	sl_lab_config_describe(&trial->config, text, sizeof text);
	printf("%s\n%s\n", text, trial->rules.text);
	for (u32 i = 0; i < trial->script->acts.count; i++) {
		sl_act_describe(&trial->script->acts.items[i], text, sizeof text);
		printf("%3u %s\n", i, text);
	}
	return EXIT_SUCCESS;
}

/* Inside the session: loads the built-in programs and runs what was asked for. */
static int run(struct options *options, const struct sl_rules *rules, struct sl_diag *diag)
{
	struct mutants_bpf *mutants = NULL;
	struct sl_candidate pass_all = {0};
	int error = sl_mutants_load(&mutants, diag);
	bool good = false;

	if (error)
		return error;
	error = sl_mutants_find(mutants, "pass_all", &pass_all);
	if (!error && options->mutant)
		error = sl_mutants_find(mutants, options->mutant, &options->candidate);
	if (error)
		sl_fail(diag, -error, "there is no built-in program \"%s\"", options->mutant);
	struct sl_sides sides = {.reference = options->is_bare ? NULL : &pass_all,
				 .candidate = &options->candidate,
				 .noise = options->shows_noise ? stdout : NULL};
	if (!error && options->proves_itself)
		good = sl_self_proof(mutants, options->seed);
	else if (!error)
		good = run_campaign(options, &sides, rules);
	sl_mutants_unload(mutants);
	return error ? error : !good;
}

int main(int argc, char **argv)
{
	struct options options;
	struct sl_diag diag = {""};
	struct sl_rules rules = {0};

	if (!read_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct sl_arena *arena = sl_arena_new();
	int status = arena ? 0 : sl_fail_memory(&diag);
	if (!status && options.rules_path)
		status = sl_rules_read(options.rules_path, arena, &rules, &diag);
	const struct sl_rules *given = options.rules_path ? &rules : NULL;
	if (!status && options.only_prints)
		return print_trial(&options, given);
	if (!status && geteuid()) {
		puts("SKIP: network namespaces and XDP need root");
		return EXIT_SKIPPED;
	}
	stay_on_one_processor();
	if (!status)
		status = sl_session_start(options.limit_s, &diag);
	if (!status)
		status = run(&options, given, &diag);
	if (diag.text[0] && status < 0)
		fprintf(stderr, "sluice-differential: %s\n", diag.text);
	sl_arena_free(arena);
	return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
