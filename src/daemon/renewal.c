/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/renewal.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/keeper_state.h"
#include "ir/flow.h"
#include "load/memory.h"
#include "load/pins.h"
#include "source/conntrack.h"

/*
 * Of two packets that begin the same connection at once, the kernel keeps what the second began for
 * one second, where no dump shows it. (nf_ct_resolve_clash_harder(); HZ, and a tick to begin with.)
 */
#define CLASH_NS 1100000000ULL
/*
 * Neither a full filter nor somebody who inserts entries all the time keeps us busier: from one to
 * the next it takes twice as long, if nothing good came of it.
 */
#define PAUSE_MIN_NS 1500000000ULL
#define PAUSE_MAX_NS 60000000000ULL

/* Of 1,000 bits. Then one stranger in 30 is looked up. */
#define FULL 300

static bool tracks(const struct sl_compiled *compiled)
{
	return sl_program_tracks(compiled->program, SL_IP | SL_IP6);
}

static const char *const link_pins[SL_KNOWN_LINKS] = {"known_in", "known_out", "known_in6",
						      "known_out6"};

static void pin(struct sl_keeper *keeper)
{
	struct sl_known_fds fds = sl_known_fds(keeper->renewal.known);

	sl_pins_put(keeper->net_cookie, keeper->device, "known", fds.cell, NULL);
	sl_pins_put(keeper->net_cookie, keeper->device, "known_words", fds.words, NULL);
	for (u32 i = 0; i < SL_KNOWN_LINKS; i++)
		sl_pins_put(keeper->net_cookie, keeper->device, link_pins[i], fds.links[i], NULL);
}

static void unpin(const struct sl_keeper *keeper)
{
	for (u32 i = 0; i < SL_KNOWN_LINKS; i++)
		sl_pins_drop(keeper->net_cookie, keeper->device, link_pins[i]);
	sl_pins_drop(keeper->net_cookie, keeper->device, "known");
	sl_pins_drop(keeper->net_cookie, keeper->device, "known_words");
}

void sl_renewal_end(struct sl_renewal *renewal)
{
	sl_known_free(renewal->known);
	renewal->known = NULL;
}

static bool wants_filter(const struct sl_keeper *keeper, const struct sl_compiled *compiled)
{
	struct sl_memory memory;

	return !keeper->audit && !keeper->renewal.is_refused && tracks(compiled) &&
	       !sl_memory_plan(compiled->program, keeper->memory_limit, &memory, NULL) &&
	       memory.known_bytes;
}

const struct sl_known *sl_renewal_prepare(struct sl_keeper *keeper, struct sl_compiled *compiled)
{
	struct sl_renewal *renewal = &keeper->renewal;

	if (renewal->known || !wants_filter(keeper, compiled))
		return renewal->known;
	if (sl_known_open(&renewal->known, NULL) || sl_known_hook(renewal->known, NULL)) {
		sl_renewal_end(renewal);
		renewal->is_refused = true;
		return NULL;
	}
	renewal->pause_ns = PAUSE_MIN_NS;
	pin(keeper);
	/* It was compiled without the hooks, which change nothing else. */
	sl_compiled_renew(compiled, keeper->observer, keeper->device,
			  sl_hold_program(&keeper->hold));
	return renewal->known;
}

/* All programs that had begun have ended. False where the kernel has no such wait. */
static bool wait_for_programs(void)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static void stop_reading(struct sl_renewal *renewal, enum sl_known_state state)
{
	volatile struct sl_known_cell *cell = sl_known_cell(renewal->known);

	__atomic_store_n(&cell->version, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the changes that follow */
	cell->state = state;
}

static void start_reading(struct sl_renewal *renewal, const struct sl_known_sight *sight,
			  u32 generation)
{
	volatile struct sl_known_cell *cell = sl_known_cell(renewal->known);

	stop_reading(renewal, SL_KNOWN_LIVE);
	cell->sight = *sight;
	renewal->version += 2;
	__atomic_store_n(&cell->version, renewal->version | generation, __ATOMIC_SEQ_CST);
}

static bool is_read(const struct sl_renewal *renewal)
{
	return sl_known_cell(renewal->known)->version;
}

#define COUNT   "/proc/sys/net/netfilter/nf_conntrack_count"
#define BUCKETS "/proc/sys/net/netfilter/nf_conntrack_buckets"

/* 0 where it cannot be read. */
static u64 read_number(const char *path)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	unsigned long long number;

	return file && fscanf(file, "%llu", &number) == 1 ? number : 0;
}

static void give_up(struct sl_renewal *renewal, enum sl_known_state state)
{
	stop_reading(renewal, state);
	renewal->is_making = false;
	renewal->pause_ns *= 2;
	if (renewal->pause_ns > PAUSE_MAX_NS)
		renewal->pause_ns = PAUSE_MAX_NS;
}

/* From here on, all that enters the table enters the next generation. */
static void begin(struct sl_renewal *renewal)
{
	volatile struct sl_known_cell *cell = sl_known_cell(renewal->known);
	u32 next = 1 - renewal->making;
	struct sl_known_sight sight;

	renewal->began_ns = sl_monotonic_ns();
	if (sl_known_look(renewal->known, &sight, NULL)) {
		give_up(renewal, SL_KNOWN_UNSAFE);
		return;
	}
	sl_known_clear(renewal->known, next, (u32)read_number(COUNT));
	cell->writes_all = true;
	cell->writing |= 1U << next;
	if (!wait_for_programs())
		return;
	if (!is_read(renewal))
		cell->state = SL_KNOWN_MADE;
	renewal->making = next;
	renewal->is_making = true;
	renewal->settled_ns = sl_monotonic_ns();
}

struct filling {
	struct sl_known *known;
	u32 generation;
};

static void add(void *context, const struct sl_known_tuple *tuple)
{
	const struct filling *filling = context;

	sl_known_add(filling->known, filling->generation, tuple);
}

/* While the table is resized, entries move to where the dump has been. */
static bool add_table(struct sl_keeper *keeper)
{
	struct filling filling = {keeper->renewal.known, keeper->renewal.making};
	u64 buckets = read_number(BUCKETS);

	return buckets && !sl_conntrack_each(keeper->conntrack, add, &filling) &&
	       read_number(BUCKETS) == buckets;
}

/* What is seen before the table is read holds for all that was read. */
static void finish(struct sl_keeper *keeper)
{
	struct sl_renewal *renewal = &keeper->renewal;
	volatile struct sl_known_cell *cell = sl_known_cell(renewal->known);
	struct sl_known_sight sight;

	if (sl_known_look(renewal->known, &sight, NULL)) {
		give_up(renewal, SL_KNOWN_UNSAFE);
		return;
	}
	if (!add_table(keeper)) {
		give_up(renewal, SL_KNOWN_MADE);
		return;
	}
	start_reading(renewal, &sight, renewal->making);
	cell->writes_all = false;
	cell->writing = 1U << renewal->making;
	renewal->is_making = false;
	renewal->published_ns = sl_monotonic_ns();
	renewal->first_fullness = sl_known_fullness(renewal->known, renewal->making);
}

static bool saw_inserts(const struct sl_known_sight *now,
			const volatile struct sl_known_sight *then)
{
	for (u32 i = 0; i < now->cpus; i++)
		if (now->inserts[i].value != then->inserts[i].value)
			return true;
	return false;
}

static bool saw_hooks(const struct sl_known_sight *now, const volatile struct sl_known_sight *then)
{
	return now->modules.value != then->modules.value ||
	       now->hooks[0][0].value != then->hooks[0][0].value ||
	       now->hooks[0][1].value != then->hooks[0][1].value ||
	       now->hooks[1][0].value != then->hooks[1][0].value ||
	       now->hooks[1][1].value != then->hooks[1][1].value;
}

/* The data plane has seen it by itself; here it is decided what follows. */
static void check(struct sl_renewal *renewal)
{
	volatile struct sl_known_cell *cell = sl_known_cell(renewal->known);
	struct sl_known_sight now;

	if (sl_monotonic_ns() - renewal->published_ns > renewal->pause_ns)
		renewal->pause_ns = PAUSE_MIN_NS;
	if (sl_known_look(renewal->known, &now, NULL)) {
		give_up(renewal, SL_KNOWN_UNSAFE);
		return;
	}
	if (saw_inserts(&now, &cell->sight)) {
		give_up(renewal, SL_KNOWN_MADE);
		return;
	}
	if (saw_hooks(&now, &cell->sight))
		start_reading(renewal, &now, cell->version & 1);
}

static bool is_full(const struct sl_renewal *renewal)
{
	u32 fullness = sl_known_fullness(renewal->known, renewal->making);

	return fullness >= FULL && fullness >= renewal->first_fullness * 3 / 2;
}

void sl_renewal_keep(struct sl_keeper *keeper)
{
	struct sl_renewal *renewal = &keeper->renewal;
	u64 now = sl_monotonic_ns();

	if (!renewal->known)
		return;
	if (!tracks(keeper->compiled)) {
		sl_renewal_end(renewal);
		unpin(keeper);
		return;
	}
	if (is_read(renewal))
		check(renewal);
	if (renewal->is_making) {
		if (now - renewal->settled_ns >= CLASH_NS)
			finish(keeper);
		return;
	}
	if (now - renewal->began_ns >= renewal->pause_ns && (!is_read(renewal) || is_full(renewal)))
		begin(renewal);
}
