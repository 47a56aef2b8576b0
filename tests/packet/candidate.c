/* SPDX-License-Identifier: GPL-2.0-only */
#include "candidate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attachment.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "mutants.skel.h"

int sl_mutants_load(struct mutants_bpf **ret_mutants, struct sl_diag *diag)
{
	struct mutants_bpf *mutants = mutants_bpf__open_and_load();

	if (!mutants)
		return sl_fail(diag, errno, "cannot load the built-in XDP programs: %s",
			       strerror(errno));
	*ret_mutants = mutants;
	return 0;
}

void sl_mutants_unload(struct mutants_bpf *mutants)
{
	if (mutants)
		mutants_bpf__destroy(mutants);
}

int sl_mutants_find(const struct mutants_bpf *mutants, const char *name,
		    struct sl_candidate *ret_candidate)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(mutants->obj, name);

	if (!program)
		return -ENOENT;
	*ret_candidate = (struct sl_candidate){
		.name = name, .program = program, .memory = mutants->maps.streams};
	return 0;
}

/* A negative `fd` takes the program off. */
static int set_program(const struct sl_lab *lab, int fd, struct sl_diag *diag)
{
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = bpf_xdp_attach((int)if_nametoindex("in0"), fd, XDP_FLAGS_DRV_MODE, NULL);
	sl_lab_leave(lab);
	if (error)
		return sl_fail(diag, -error, "cannot set the XDP program of in0: %s",
			       strerror(-error));
	return 0;
}

static int run_shell(const struct sl_lab *lab, const char *command, char **ret_output,
		     struct sl_diag *diag)
{
	const char *const argv[] = {"sh", "-c", command, NULL};

	return sl_lab_run(lab, SL_DUT, argv, NULL, ret_output, diag);
}

static int run_sluice(const char *sluice, const struct sl_lab *lab, const char *verb,
		      const char *mode, struct sl_diag *diag)
{
	const char *const argv[] = {sluice, verb, "dev", "in0", mode ? "mode" : NULL, mode, NULL};

	return sl_lab_run(lab, SL_DUT, argv, NULL, NULL, diag);
}

static void forget(const struct bpf_map *memory)
{
	int fd = bpf_map__fd(memory);
	u32 key;

	while (!bpf_map_get_next_key(fd, NULL, &key) && !bpf_map_delete_elem(fd, &key))
		;
}

int sl_candidate_attach(const struct sl_candidate *candidate, const struct sl_lab *lab, bool at_tc,
			struct sl_diag *diag)
{
	if (candidate->memory)
		forget(candidate->memory);
	if (candidate->program)
		return set_program(lab, bpf_program__fd(candidate->program), diag);
	if (candidate->sluice)
		return run_sluice(candidate->sluice, lab, "attach", at_tc ? "tc" : NULL, diag);
	return candidate->attach ? run_shell(lab, candidate->attach, NULL, diag) : 0;
}

static int check_nothing_left(const struct sl_lab *lab, struct sl_diag *diag)
{
	u32 id = 0;
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = bpf_xdp_query_id((int)if_nametoindex("in0"), 0, &id);
	sl_lab_leave(lab);
	if (error)
		return sl_fail(diag, -error, "cannot ask in0 for its XDP program: %s",
			       strerror(-error));
	if (id)
		return sl_fail(diag, EBUSY, "the detach left XDP program %u on the device", id);
	return 0;
}

int sl_candidate_detach(const struct sl_candidate *candidate, const struct sl_lab *lab,
			struct sl_diag *diag)
{
	int error = 0;

	if (candidate->program)
		error = set_program(lab, -1, diag);
	else if (candidate->sluice && lab->lasts) /* there are many, and a process takes its time */
		error = sl_attachment_remove(candidate->observer, lab, diag);
	else if (candidate->sluice)
		error = run_sluice(candidate->sluice, lab, "detach", NULL, diag);
	else if (candidate->detach)
		error = run_shell(lab, candidate->detach, NULL, diag);
	else
		return 0;
	return error ? error : check_nothing_left(lab, diag);
}

void sl_candidate_hold(const struct sl_candidate *candidate, const struct sl_lab *lab, bool holds)
{
	if (candidate->sluice)
		sl_attachment_hold_keeper(candidate->observer, lab, holds);
}

int sl_candidate_settle(const struct sl_candidate *candidate, const struct sl_lab *lab,
			u32 patience_ms, struct sl_diag *diag)
{
	u64 end_ns = sl_monotonic_ns() + patience_ms * SL_NS_PER_MS;

	if (!candidate->sluice)
		return 0;
	while (!sl_attachment_is_fresh(candidate->observer, lab)) {
		if (sl_monotonic_ns() > end_ns)
			return sl_fail(diag, ETIMEDOUT,
				       "sluice did not catch up with the dut within %u ms",
				       patience_ms);
		nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
	}
	return 0;
}

int sl_candidate_count_drops(const struct sl_candidate *candidate, const struct sl_lab *lab,
			     bool *ret_known, u64 *ret_drops, u64 *ret_hook_drops,
			     struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) char *output = NULL;
	u64 drops = 0, hook_drops = 0;
	bool known = false;
	int error = 0;

	if (candidate->sluice) {
		drops = sl_attachment_count(candidate->observer, lab, SL_DROPPED);
		hook_drops = sl_attachment_count(candidate->observer, lab, SL_HOOK_DROPPED);
		known = true;
	} else if (candidate->count) {
		error = run_shell(lab, candidate->count, &output, diag);
		known = !error;
		drops = known ? strtoull(output, NULL, 10) : 0;
	}
	if (error)
		return error;
	*ret_known = known;
	*ret_drops = drops;
	*ret_hook_drops = hook_drops;
	return 0;
}
