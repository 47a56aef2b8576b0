/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/generation.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/hooks.h"
#include "load/attach.h"
#include "load/pins.h"
#include "source/conntrack.h"

/* Reading the rules while somebody writes them without a pause. */
#define PATIENCE_MS 2000
/* The whole conntrack table is walked for helpers no more of the time than one part in so many. */
#define HELPER_CHECK_SHARE  50
#define HELPER_CHECK_MAX_NS 10000000000ULL

struct pin {
	const char *name;
	int fd;
};

static int put_pins(struct sl_keeper *keeper, const struct pin *pins, size_t count,
		    struct sl_diag *diag)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = sl_pins_put(keeper->net_cookie, keeper->device, pins[i].name, pins[i].fd,
				    diag);
	return error;
}

/* What it does. A link's pin holds whatever it runs; a filter's is of the program. */
static int pin_state(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_dataplane_maps maps = sl_dataplane_maps(keeper->dataplane);
	const struct pin pins[] = {{"live", maps.live},
				   {"local", maps.local},
				   {SL_SAMPLING_PIN, keeper->sampling.cell},
				   {SL_SAMPLES_PIN, keeper->sampling.ring}};
	int error = 0;

	if (keeper->audit)
		return 0;
	if (keeper->hold.filter_ifindex)
		error = sl_hold_pin(&keeper->hold, sl_dataplane_program_fd(keeper->dataplane),
				    keeper->net_cookie, keeper->device, diag);
	return error ? error : put_pins(keeper, pins, SL_ARRAY_SIZE(pins), diag);
}

/* What it counts. The rules before their counters, for alone they say what was carried over. */
static int pin_counts(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_dataplane_maps maps = sl_dataplane_maps(keeper->dataplane);
	const struct pin pins[] = {{"fates", maps.fates},
				   {"rules", keeper->tally.fd},
				   {"rule_counters", maps.rule_counters},
				   {"info", keeper->info_fd}};
	int error;

	if (keeper->audit)
		return 0;
	error = sl_tally_bind(&keeper->tally, maps.rule_counters);
	if (error)
		return sl_fail(diag, -error, "a map of counters: %s", strerror(-error));
	return put_pins(keeper, pins, SL_ARRAY_SIZE(pins), diag);
}

int sl_generation_pin(struct sl_keeper *keeper, struct sl_diag *diag)
{
	int error = pin_state(keeper, diag);

	if (!error)
		error = pin_counts(keeper, diag);
	keeper->wants_pins = error;
	return error;
}

static bool assigns_helpers(const struct sl_compiled *compiled)
{
	return compiled->program->miss_worlds & SL_WORLD_RELATED;
}

/*
 * Whether a connection may have been given a helper up to `next` which the last walk over all of
 * them did not see: by rules of either generation, or of one between, that nobody has read.
 */
static bool may_have_helped(const struct sl_compiled *last, const struct sl_compiled *next)
{
	return !last || assigns_helpers(last) || assigns_helpers(next) ||
	       next->snapshot.generation - last->snapshot.generation > 1;
}

/* Until it is known that there is none, little can be dropped: so soon, if that is cheap. */
static void look_for_helpers(struct sl_keeper *keeper)
{
	u64 began = sl_monotonic_ns(), ended, pause;

	if (began < keeper->helpers_due_ns)
		return;
	keeper->has_helpers = sl_conntrack_has_helpers(keeper->conntrack);
	ended = sl_monotonic_ns();
	pause = (ended - began) * HELPER_CHECK_SHARE;
	keeper->helpers_due_ns =
		ended + (pause < HELPER_CHECK_MAX_NS ? pause : HELPER_CHECK_MAX_NS);
}

bool sl_generation_may_relate(struct sl_keeper *keeper)
{
	if (assigns_helpers(keeper->compiled))
		return true;
	if (keeper->has_helpers)
		look_for_helpers(keeper);
	return keeper->has_helpers || sl_conntrack_expects(keeper->conntrack);
}

void sl_generation_publish(struct sl_keeper *keeper, const struct sl_snapshot *now)
{
	/* The next transaction is there already: its notice is on the way, and may be followed. */
	if (now->generation != keeper->compiled->snapshot.generation)
		return;
	if (!sl_snapshots_equal(now, &keeper->compiled->snapshot)) {
		keeper->wants_look = true;
		return;
	}
	sl_dataplane_publish(keeper->dataplane, now, sl_generation_may_relate(keeper));
	keeper->info.published_ns = sl_monotonic_ns();
	keeper->info.withdrawn_ns = 0;
	sl_keeper_write_info(keeper);
}

static void publish_now(struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	if (sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL))
		keeper->wants_compile = true;
	else
		sl_generation_publish(keeper, &now);
}

/* For `status`. */
static void describe_compile(struct sl_keeper *keeper)
{
	const struct sl_compiled *compiled = keeper->compiled;
	const struct sl_program *meaning = compiled->meaning;

	keeper->info.generations++;
	keeper->info.read_ms = (u32)((compiled->read_ns - compiled->began_ns) / SL_NS_PER_MS);
	keeper->info.made_ms = (u32)((sl_monotonic_ns() - compiled->read_ns) / SL_NS_PER_MS);
	keeper->info.rules = 0;
	for (u32 i = 0; i < meaning->chains.count; i++)
		keeper->info.rules += meaning->chains.items[i]->rules.count;
}

/* Until no CPU runs the program that was replaced; at once where the kernel has no such wait. */
static void wait_for_packets(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

const struct sl_witness *sl_generation_witness(const struct sl_keeper *keeper)
{
	return keeper->audit ? sl_audit_witness(keeper->audit) : NULL;
}

const struct sl_sampling *sl_generation_sampling(const struct sl_keeper *keeper)
{
	return keeper->audit ? NULL : &keeper->sampling;
}

/* Of the generation that was replaced; of another keeper's, which has died, they are still pinned.
 */
static int carry_counts(const struct sl_keeper *keeper, const struct sl_dataplane *dataplane,
			struct sl_tally *tally)
{
	int fates = sl_dataplane_maps(keeper->dataplane).fates;
	struct sl_dataplane_maps maps;

	wait_for_packets();
	if (dataplane) {
		maps = sl_dataplane_maps(dataplane);
		return sl_tally_carry(tally, &keeper->tally, &maps, fates);
	}

	SL_CLEANUP(sl_close)
	int counters = sl_pins_get(keeper->net_cookie, keeper->device, "rule_counters");
	SL_CLEANUP(sl_close)
	int last_fates = sl_pins_get(keeper->net_cookie, keeper->device, "fates");

	maps = (struct sl_dataplane_maps){.rule_counters = counters, .fates = last_fates};
	return sl_tally_carry(tally, &keeper->tally, &maps, fates);
}

/* Ends the generation that was replaced; what it counted goes on in `tally`, which is taken over.
 */
static int bury(struct sl_keeper *keeper, struct sl_compiled *compiled,
		struct sl_dataplane *dataplane, struct sl_tally *tally, struct sl_diag *diag)
{
	int error = 0;

	if (dataplane || keeper->tally.entries)
		error = carry_counts(keeper, dataplane, tally);
	sl_tally_close(&keeper->tally);
	keeper->tally = *tally;
	sl_dataplane_free(dataplane);
	if (keeper->audit)
		sl_audit_retire(keeper->audit, compiled);
	else
		sl_compiled_free(compiled);
	return error ? sl_fail(diag, -error, "counters cannot be carried over: %s",
			       strerror(-error))
		     : 0;
}

/* Behind the publication, so that nobody waits for it; links that come or go want another one. */
static void stand_at_hooks(struct sl_keeper *keeper)
{
	if (!sl_hooks_follow(keeper))
		return;
	if (sl_compiled_renew(keeper->compiled, keeper->observer, keeper->device,
			      sl_hold_program(&keeper->hold)))
		publish_now(keeper);
	else
		keeper->wants_compile = true;
}

int sl_generation_adopt(struct sl_keeper *keeper, struct sl_compiled *compiled,
			struct sl_dataplane *dataplane, struct sl_tally *tally,
			struct sl_diag *diag)
{
	struct sl_compiled *last_compiled = keeper->compiled;
	struct sl_dataplane *last_dataplane = keeper->dataplane;
	int error, carry_error;

	sl_hooks_retire(keeper); /* before what it is of, and what it counts in */
	keeper->has_helpers |= may_have_helped(last_compiled, compiled);
	keeper->dataplane = dataplane;
	keeper->compiled = compiled;
	keeper->wants_compile = false;
	describe_compile(keeper);
	if (keeper->audit)
		sl_audit_adopt(keeper->audit, compiled, keeper->ifindex, keeper->mode);
	/* First, for until then everything passes. */
	sl_dataplane_begin(dataplane);
	publish_now(keeper);
	error = pin_state(keeper, diag);
	carry_error = bury(keeper, last_compiled, last_dataplane, tally, diag);
	stand_at_hooks(keeper);
	if (!keeper->audit) /* which shows what it found by the rules of that moment */
		sl_compiled_trim(compiled);
	sl_keeper_write_info(keeper);
	if (!error)
		error = pin_counts(keeper, diag);
	keeper->wants_pins = error;
	return error ? error : carry_error;
}

/* Another keeper's program may stand where this one would not have put it. */
static bool is_below(const struct sl_keeper *keeper)
{
	return keeper->mode == SL_MODE_NONE ? keeper->wanted == SL_WANT_NATIVE
					    : keeper->mode == SL_MODE_NATIVE;
}

int sl_generation_compile(struct sl_keeper *keeper, struct sl_compiled **ret_compiled,
			  struct sl_tally *ret_tally, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	int error = sl_compile_live(keeper->observer, keeper->device,
				    sl_hold_program(&keeper->hold), is_below(keeper), PATIENCE_MS,
				    keeper->memory_limit, &compiled, diag);

	if (error)
		return error;
	error = sl_tally_open(compiled, &keeper->tally, ret_tally);
	if (error) {
		sl_compiled_free(compiled);
		return sl_fail(diag, -error, "a map of counters: %s", strerror(-error));
	}
	*ret_compiled = compiled;
	return 0;
}

int sl_generation_load(struct sl_compiled *compiled, enum sl_attach_mode mode,
		       const struct sl_handover *handover, struct sl_dataplane **ret_dataplane,
		       struct sl_diag *diag)
{
	return sl_compiled_load(compiled, mode == SL_MODE_TC ? SL_POINT_TC : SL_POINT_XDP, handover,
				ret_dataplane, diag);
}

/* The data plane that has the device's packets; NULL: another keeper's, which has died. */
static const struct sl_dataplane *running(const struct sl_keeper *keeper)
{
	u32 id = keeper->dataplane ? sl_dataplane_program_id(keeper->dataplane) : 0;

	return id && id == sl_hold_program(&keeper->hold) ? keeper->dataplane : NULL;
}

/* Loads and swaps what was compiled, or leaves all as it was. */
static int replace(struct sl_keeper *keeper, struct sl_compiled *compiled,
		   struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	const struct sl_handover handover = {.last = running(keeper),
					     .witness = sl_generation_witness(keeper),
					     .sampling = sl_generation_sampling(keeper),
					     .known = sl_renewal_prepare(keeper, compiled)};
	int error = sl_generation_load(compiled, keeper->mode, &handover, &dataplane, diag);

	if (error)
		return error;
	error = sl_hold_swap(&keeper->hold, sl_dataplane_program_fd(dataplane));
	if (error) {
		sl_dataplane_free(dataplane);
		return sl_fail(diag, -error, "cannot replace the program on %s: %s", keeper->device,
			       strerror(-error));
	}
	*ret_dataplane = dataplane;
	return 0;
}

int sl_generation_refresh(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	struct sl_dataplane *dataplane = NULL;
	struct sl_tally tally;
	int error = sl_generation_compile(keeper, &compiled, &tally, diag);

	if (error)
		return error;
	error = replace(keeper, compiled, &dataplane, diag);
	if (error) {
		sl_tally_close(&tally);
		sl_compiled_free(compiled);
		return error;
	}
	return sl_generation_adopt(keeper, compiled, dataplane, &tally, diag);
}
