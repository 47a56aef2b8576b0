/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sluice-differential: the same packets at the same host, with and without a candidate attached
 * to its device. Prints what differs; exits with 0 where nothing does.
 *
 * What a release is to stand (an hour of a processor; in two processes, with half the seeds each,
 * of two; a seed shows itself again with --rulesets 1):
 *
 *	taskset -c 0 sluice-differential --sluice build-release/src/sluice --standing --seed 1 \
 *		--rulesets 10000 --frames 300 --keep-going --save differences --limit 14400
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "load/observe.h"
#include "self_proof.h"
#include "session.h"
#include "shrink.h"
#include "standing.h"
#include "trial_file.h"

#define EXIT_SKIPPED 77  /* meson's */
#define PROGRESS     100 /* rulesets: what is known of a campaign that takes hours */

struct options {
	u64 seed;
	u32 rulesets, frames, for_s, limit_s;
	const char *rules_path, *replay_path, *save_path, *mutant;
	struct sl_candidate candidate;
	bool is_bare, is_standing, proves_itself, only_prints, keeps_going, shows_noise;
};

struct tally {
	u32 trials, verdicts[SL_TRIAL_VERDICT_COUNT], errors, miscounts, slow;
	u64 acts, silent, doomed, early_drops, hook_drops, early_hits, counts_off, connections;
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
	"  --standing           labs that stand for many trials, in which sluice follows the "
	"rules: ten\n"
	"                       times as many rulesets; what differs is confirmed in labs of its "
	"own\n"
	"  --keep-going         after a difference too\n"
	"  --show-noise         print every difference at once, also what proves not to count\n"
	"  --save DIR           write each difference, shrunk, to DIR/seed-S.trial, what differs "
	"to\n"
	"                       DIR/seed-S.txt\n"
	"  --replay FILE        such a trial, or all *.trial of a folder, instead of random ones\n"
	"  --for SECONDS        begin no trial after this time\n"
	"  --limit SECONDS      end after this time whatever happens (default 3600)\n"
	"  --print              print the first trial and do nothing\n"
	"  --self-proof         show that the lab sees every built-in mutant and nothing else\n"
	"Exit status: 0 no difference, 1 a difference or an error, 2 usage, 77 not root.\n";

enum option_kind { FLAG, TEXT, NUMBER, SEED };

/* The command line: where in `struct options` each value goes. */
static const struct {
	const char *name;
	enum option_kind kind;
	size_t offset;
} slots[] = {
	{"seed", SEED, offsetof(struct options, seed)},
	{"rulesets", NUMBER, offsetof(struct options, rulesets)},
	{"frames", NUMBER, offsetof(struct options, frames)},
	{"for", NUMBER, offsetof(struct options, for_s)},
	{"limit", NUMBER, offsetof(struct options, limit_s)},
	{"rules", TEXT, offsetof(struct options, rules_path)},
	{"replay", TEXT, offsetof(struct options, replay_path)},
	{"save", TEXT, offsetof(struct options, save_path)},
	{"mutant", TEXT, offsetof(struct options, mutant)},
	{"sluice", TEXT, offsetof(struct options, candidate.sluice)},
	{"attach", TEXT, offsetof(struct options, candidate.attach)},
	{"detach", TEXT, offsetof(struct options, candidate.detach)},
	{"count", TEXT, offsetof(struct options, candidate.count)},
	{"bare", FLAG, offsetof(struct options, is_bare)},
	{"standing", FLAG, offsetof(struct options, is_standing)},
	{"keep-going", FLAG, offsetof(struct options, keeps_going)},
	{"show-noise", FLAG, offsetof(struct options, shows_noise)},
	{"print", FLAG, offsetof(struct options, only_prints)},
	{"self-proof", FLAG, offsetof(struct options, proves_itself)},
};

/* False on a number that is none, or 0 where something has to be counted. */
static bool store_option(struct options *options, u32 slot, const char *value)
{
	void *place = (char *)options + slots[slot].offset;
	char *end = NULL;

	switch (slots[slot].kind) {
	case FLAG:
		*(bool *)place = true;
		return true;
	case TEXT:
		*(const char **)place = value;
		return true;
	case SEED:
		*(u64 *)place = strtoull(value, &end, 0);
		return *value && !*end;
	case NUMBER:
		*(u32 *)place = (u32)strtoul(value, &end, 0);
		return *(u32 *)place && !*end;
	}
	return false;
}

/* Exactly one candidate, or something to do without one. */
static bool choose_candidate(struct options *options)
{
	struct sl_candidate *candidate = &options->candidate;
	u32 count = !!candidate->sluice + !!candidate->attach + !!options->mutant;

	candidate->name = candidate->sluice   ? candidate->sluice
			  : candidate->attach ? candidate->attach
					      : options->mutant;
	return count == !(options->proves_itself || options->only_prints);
}

static bool read_options(int argc, char **argv, struct options *ret_options)
{
	struct options options = {
		.seed = (u64)time(NULL), .rulesets = 100, .frames = 300, .limit_s = 3600};
	struct option names[SL_ARRAY_SIZE(slots) + 1] = {0};
	int slot = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(slots); i++)
		names[i] = (struct option){.name = slots[i].name,
					   .has_arg = slots[i].kind == FLAG ? no_argument
									    : required_argument};
	for (int found; (found = getopt_long(argc, argv, "", names, &slot)) != -1;)
		if (found || !store_option(&options, (u32)slot, optarg))
			return false;
	if (optind != argc || !choose_candidate(&options))
		return false;
	*ret_options = options;
	return true;
}

/*
 * Everything on one processor: queues stay in order, and the others are somebody else's. Which one
 * falls as it may, so that two of these side by side mostly share none.
 */
static void stay_on_one_processor(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof all, &all))
		return;
	CPU_ZERO(&one);
	for (int i = 0, left = getpid() % CPU_COUNT(&all); i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &all) && left-- == 0)
			CPU_SET(i, &one);
	}
	(void)sched_setaffinity(0, sizeof one, &one);
}

static void close_trial(struct sl_trial **trial)
{
	sl_trial_free(*trial);
}

static int write_difference(const struct sl_trial *trial, const struct sl_sides *sides, FILE *out,
			    struct sl_diag *diag)
{
	sl_trial_write(trial, out);
	return sl_trial_report(trial, sides, out, diag);
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
	int error = write_difference(trial, sides, stdout, diag);
	if (error || !options->save_path)
		return error;
	(void)mkdir(options->save_path, 0755);
	snprintf(path, sizeof path, "%s/seed-%llu.trial", options->save_path,
		 (unsigned long long)trial->seed);
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "we");
	if (!file)
		return sl_fail(diag, errno, "%s: %s", path, strerror(errno));
	return write_difference(trial, sides, file, diag);
}

static void add_result(struct tally *tally, const struct sl_trial_result *result)
{
	tally->verdicts[result->verdict]++;
	tally->acts += result->acts;
	tally->silent += result->silent;
	tally->doomed += result->doomed;
	tally->early_drops += result->early_drops;
	tally->hook_drops += result->hook_drops;
	tally->early_hits += result->early_hits;
	tally->counts_off += result->counts_off;
	tally->connections += result->connections;
	tally->miscounts += result->miscounts;
	tally->slow += result->elapsed_ms > SL_TRIAL_STEADY_MS;
}

/* `standing` is NULL where each trial has labs of its own. */
static int run_trial(struct sl_trial *trial, struct sl_standing *standing,
		     const struct sl_sides *sides, struct sl_trial_result *ret_result,
		     struct sl_diag *diag)
{
	struct sl_trial_result result;
	trial->stands = standing;
	int error = standing ? sl_standing_run(standing, trial, &result, diag) : 0;

	if (!error && (!standing || result.verdict != SL_TRIAL_SAME)) {
		trial->stands = false;
		error = sl_trial_run(trial, sides, &result, diag);
		if (standing && result.verdict == SL_TRIAL_SAME)
			result.verdict = SL_TRIAL_UNSTEADY;
	}
	if (!error)
		*ret_result = result;
	return error;
}

/* One trial, by a name. Returns false where the campaign should end. */
static bool try_trial(struct sl_trial *trial, const char *name, const struct sl_sides *sides,
		      struct sl_standing *standing, const struct options *options,
		      struct tally *tally)
{
	struct sl_trial_result result;
	struct sl_diag diag = {""};
	int error = run_trial(trial, standing, sides, &result, &diag);

	if (!error) {
		add_result(tally, &result);
		if (result.verdict == SL_TRIAL_UNSTEADY || result.verdict == SL_TRIAL_NOISY)
			printf("%s: %s\n", name,
			       result.verdict == SL_TRIAL_NOISY
				       ? "noisy: two labs without a candidate differ"
				       : "unsteady: a difference that did not come again");
		if (result.verdict == SL_TRIAL_DIFFERENT)
			error = show_difference(trial, sides, options, &diag);
	}
	tally->trials++;
	if (error) {
		tally->errors++;
		printf("%s: %s\n%s\n", name, diag.text, trial->rules.text);
	}
	bool went_wrong = error || result.verdict == SL_TRIAL_DIFFERENT;
	return !went_wrong || options->keeps_going;
}

static bool try_seed(u64 seed, const struct sl_rules *rules, const struct sl_sides *sides,
		     struct sl_standing *standing, const struct options *options,
		     struct tally *tally)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_diag diag = {""};
	char name[32];

	snprintf(name, sizeof name, "seed %llu", (unsigned long long)seed);
	if (!sl_trial_draw(seed, options->frames, rules, &trial, &diag))
		return try_trial(trial, name, sides, standing, options, tally);
	tally->errors++;
	printf("%s: %s\n", name, diag.text);
	return false;
}

static void print_verdicts(const struct tally *tally, u32 seconds)
{
	printf("%u rulesets, %llu acts in %u s: %u same, %u different, %u unsteady, %u noisy, "
	       "%u errors\n",
	       tally->trials, (unsigned long long)tally->acts, seconds,
	       tally->verdicts[SL_TRIAL_SAME], tally->verdicts[SL_TRIAL_DIFFERENT],
	       tally->verdicts[SL_TRIAL_UNSTEADY], tally->verdicts[SL_TRIAL_NOISY], tally->errors);
}

static void print_tally(const struct tally *tally, u32 seconds)
{
	print_verdicts(tally, seconds);
	printf("without the candidate %llu acts left no trace (dropped, most of them), as the "
	       "interpreter foretold of %llu; with it %llu frames were dropped early, %llu more at "
	       "netfilter's hooks\n",
	       (unsigned long long)tally->silent, (unsigned long long)tally->doomed,
	       (unsigned long long)tally->early_drops, (unsigned long long)tally->hook_drops);
	printf("%llu connections tracked; rules counted %llu packets early and are off by %llu; "
	       "%u trials in which the candidate's count is not the driver's; %u slow\n",
	       (unsigned long long)tally->connections, (unsigned long long)tally->early_hits,
	       (unsigned long long)tally->counts_off, tally->miscounts, tally->slow);
}

/* One is no share yet, however few trials there were. */
static bool is_too_many(u32 count, const struct tally *tally, u32 in)
{
	return count > 1 && count * in > tally->trials;
}

/* A candidate that drops nothing would pass every comparison. */
static bool is_success(const struct tally *tally)
{
	bool is_unsteady = is_too_many(tally->verdicts[SL_TRIAL_UNSTEADY], tally, 100);
	bool is_noisy = is_too_many(tally->verdicts[SL_TRIAL_NOISY], tally, 50);

	if (!tally->early_drops)
		printf("FAIL: nothing was dropped early, so nothing was proved\n");
	if (is_unsteady)
		printf("FAIL: more than one trial in a hundred is unsteady\n");
	if (is_noisy)
		printf("FAIL: more than one trial in fifty is noisy\n");
	return tally->early_drops && !tally->errors && !tally->verdicts[SL_TRIAL_DIFFERENT] &&
	       !is_unsteady && !is_noisy;
}

static bool replay(const char *path, const struct sl_sides *sides, const struct options *options,
		   struct tally *tally)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_diag diag = {""};

	if (!sl_trial_read(path, &trial, &diag))
		return try_trial(trial, path, sides, NULL, options, tally);
	tally->errors++;
	printf("%s\n", diag.text);
	return options->keeps_going;
}

/* A trial, or a folder of them. Nothing need be dropped early: they tell what must not be. */
static bool replay_all(const struct options *options, const struct sl_sides *sides)
{
	SL_CLEANUP(globfree) glob_t found = {0};
	struct tally tally = {0};
	time_t start = time(NULL);
	char pattern[512];

	snprintf(pattern, sizeof pattern, "%s/*.trial", options->replay_path);
	if (glob(pattern, 0, NULL, &found) == GLOB_NOMATCH)
		(void)glob(options->replay_path, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!replay(found.gl_pathv[i], sides, options, &tally))
			break;
	print_tally(&tally, (u32)(time(NULL) - start));
	return tally.trials && tally.verdicts[SL_TRIAL_SAME] == tally.trials && !tally.errors;
}

static bool run_campaign(const struct options *options, const struct sl_sides *sides,
			 const struct sl_rules *rules)
{
	SL_CLEANUP(sl_standing_close) struct sl_standing standing = SL_STANDING_NONE;
	struct tally tally = {0};
	time_t start = time(NULL);

	printf("first seed %llu, %u rulesets, %u acts each, candidate %s\n",
	       (unsigned long long)options->seed, options->rulesets, options->frames,
	       sides->candidate->name);
	sl_standing_init(&standing, sides);
	for (u32 i = 0; i < options->rulesets; i++) {
		if (options->for_s && time(NULL) - start >= options->for_s)
			break;
		if (!try_seed(options->seed + i, rules, sides,
			      options->is_standing ? &standing : NULL, options, &tally))
			break;
		if (tally.trials % PROGRESS == 0 && tally.trials < options->rulesets)
			print_verdicts(&tally, (u32)(time(NULL) - start));
	}
	print_tally(&tally, (u32)(time(NULL) - start));
	return is_success(&tally);
}

static int print_trial(const struct options *options, const struct sl_rules *rules)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_diag diag;

	if (sl_trial_draw(options->seed, options->frames, rules, &trial, &diag)) {
		fprintf(stderr, "%s\n", diag.text);
		return EXIT_FAILURE;
	}
	sl_trial_write(trial, stdout);
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
	if (!error && options->candidate.sluice)
		error = sl_observer_open(&options->candidate.observer, diag);
	struct sl_sides sides = {.reference = options->is_bare ? NULL : &pass_all,
				 .candidate = &options->candidate,
				 .noise = options->shows_noise ? stdout : NULL};
	if (!error && options->proves_itself)
		good = sl_self_proof(mutants, options->seed);
	else if (!error && options->replay_path)
		good = replay_all(options, &sides);
	else if (!error)
		good = run_campaign(options, &sides, rules);
	sl_observer_free(options->candidate.observer);
	sl_mutants_unload(mutants);
	return error ? error : !good;
}

static void close_arena(struct sl_arena **arena)
{
	sl_arena_free(*arena);
}

/* What was asked for, as an exit status. */
static int serve(struct options *options, const struct sl_rules *rules, struct sl_diag *diag)
{
	if (options->only_prints)
		return print_trial(options, rules);
	if (geteuid()) {
		puts("SKIP: network namespaces and XDP need root");
		return EXIT_SKIPPED;
	}
	stay_on_one_processor();
	int error = sl_session_start(options->limit_s, diag);
	return error ? error : run(options, rules, diag);
}

int main(int argc, char **argv)
{
	SL_CLEANUP(close_arena) struct sl_arena *arena = sl_arena_new();
	struct options options;
	struct sl_diag diag = {""};
	struct sl_rules rules = {0};

	if (!read_options(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	int status = arena ? 0 : sl_fail_memory(&diag);
	if (!status && options.rules_path)
		status = sl_rules_read(options.rules_path, arena, &rules, &diag);
	if (!status)
		status = serve(&options, options.rules_path ? &rules : NULL, &diag);
	if (status < 0)
		fprintf(stderr, "sluice-differential: %s\n", diag.text);
	return status < 0 ? EXIT_FAILURE : status;
}
