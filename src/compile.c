/* SPDX-License-Identifier: GPL-2.0-only */
#include "compile.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <malloc.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "lift/lift.h"
#include "load/attach.h"
#include "load/foreign.h"
#include "load/recents.h"
#include "load/memory.h"
#include "optimise/optimise.h"

/* Who changes a host mostly does it in steps, and a compile would wait for the last one, too. */
#define RENEW_TRIES 5

void sl_compiled_free(struct sl_compiled *compiled)
{
	if (!compiled)
		return;
	sl_program_free(compiled->hook_program);
	sl_program_free(compiled->program);
	sl_program_free(compiled->meaning);
	sl_host_free(compiled->host);
	sl_ruleset_free(compiled->rules);
	free(compiled);
}

static void replace_program(struct sl_program **program, struct sl_program *by)
{
	sl_program_free(*program);
	*program = by;
}

void sl_compiled_trim(struct sl_compiled *compiled)
{
	struct sl_ruleset *rules = sl_ruleset_outline(compiled->rules);
	struct sl_program *program = sl_program_outline(compiled->program), *hooks = NULL;

	if (compiled->hook_program)
		hooks = sl_program_outline(compiled->hook_program);
	if (!rules || !program || (compiled->hook_program && !hooks)) {
		sl_ruleset_free(rules);
		sl_program_free(program);
		sl_program_free(hooks);
		return;
	}
	sl_ruleset_free(compiled->rules);
	compiled->rules = rules;
	replace_program(&compiled->program, program);
	replace_program(&compiled->hook_program, hooks);
	replace_program(&compiled->meaning, NULL);
	memset(&compiled->code, 0, sizeof compiled->code);
	memset(&compiled->hook_code, 0, sizeof compiled->hook_code);
	memset(&compiled->legacy, 0, sizeof compiled->legacy);
	malloc_trim(0); /* or the allocator would keep most of it for the next compile */
}

/* Code with stages of at most `insn_limit` instructions, or of less where that is too much. */
static int generate(const struct sl_program *program, u32 insn_limit, struct sl_code *ret_code,
		    struct sl_diag *diag)
{
	int error = sl_codegen(program, insn_limit, ret_code, diag);

	while (error == -E2BIG && insn_limit) {
		insn_limit /= 2;
		error = sl_codegen(program, insn_limit, ret_code, diag);
	}
	return error;
}

static bool is_cut(const struct sl_code *code)
{
	bool is_cut = false;

	for (u32 i = 0; i < SL_STAGES; i++)
		is_cut |= code->over_limit[i];
	return is_cut;
}

/* Half of the room that the code was given, or of what the longest stage took of it. */
static u32 half_the_room(const struct sl_code *code)
{
	u32 longest = 0;

	for (u32 i = 0; i < SL_STAGES; i++)
		if (code->stages[i].insns.count > longest)
			longest = code->stages[i].insns.count;
	return (longest < code->insn_limit ? longest : code->insn_limit) / 2;
}

static int load(const struct sl_program *program, struct sl_code *code, enum sl_hook_point point,
		const struct sl_handover *handover, struct sl_dataplane **ret_dataplane,
		struct sl_diag *diag)
{
	int error = sl_dataplane_load(program, code, point, handover, ret_dataplane, diag);

	while (error == -E2BIG && code->insn_limit) {
		error = generate(program, half_the_room(code), code, diag);
		if (!error)
			error = sl_dataplane_load(program, code, point, handover, ret_dataplane,
						  diag);
	}
	return error;
}

static bool are_same_set(const struct sl_filled *a, const struct sl_filled *b)
{
	return a->is_recent == b->is_recent && a->family == b->family && a->table == b->table &&
	       a->set == b->set && a->seconds == b->seconds && a->hits == b->hits &&
	       !strcmp(a->name, b->name);
}

/* The number of the same one in what was compiled, or SL_FILLED_MAX. */
static u32 find_same_set(const struct sl_compiled *compiled, const struct sl_filled *filled)
{
	for (u32 i = 0; i < compiled->program->filled.count && i < SL_FILLED_MAX; i++)
		if (are_same_set(filled, &compiled->program->filled.items[i]))
			return i;
	return SL_FILLED_MAX;
}

/* The same for the sets that packets fill: of those without a place nothing is clear. */
static void place_filled(const struct sl_compiled *compiled, const struct sl_program *program,
			 struct sl_dataplane *dataplane)
{
	struct sl_filled_place places[SL_FILLED_MAX] = {0};
	struct sl_recent_place recents[SL_FILLED_MAX] = {0};

	for (u32 i = 0; i < program->filled.count && i < SL_FILLED_MAX; i++) {
		u32 same = find_same_set(compiled, &program->filled.items[i]);

		if (same == SL_FILLED_MAX)
			continue;
		places[i] = compiled->filled[same];
		recents[i] = compiled->recents[same];
	}
	if (program->filled.count)
		sl_dataplane_place_filled(dataplane, places, recents);
}

static bool are_same_limit(const struct sl_limit *a, const struct sl_limit *b)
{
	return a->table == b->table && a->chain == b->chain && a->rule == b->rule &&
	       a->expression == b->expression;
}

/*
 * Tells a data plane where the rates of its program are, of all that were found for the front's.
 * Without its place it takes none for spent.
 */
static void place_limits(const struct sl_compiled *compiled, const struct sl_program *program,
			 struct sl_dataplane *dataplane)
{
	struct sl_limit_place places[SL_LIMITS_MAX] = {0};

	for (u32 i = 0; i < program->limits.count && i < SL_LIMITS_MAX; i++)
		for (u32 k = 0; k < compiled->program->limits.count && k < SL_LIMITS_MAX; k++)
			if (are_same_limit(&program->limits.items[i],
					   &compiled->program->limits.items[k]))
				places[i] = compiled->limits[k];
	if (program->limits.count)
		sl_dataplane_place_limits(dataplane, places);
}

int sl_compiled_load(struct sl_compiled *compiled, enum sl_hook_point point,
		     const struct sl_handover *handover, struct sl_dataplane **ret_dataplane,
		     struct sl_diag *diag)
{
	struct sl_handover with_tables = handover ? *handover : (struct sl_handover){0};
	int error;

	with_tables.legacy = &compiled->legacy;
	error = load(compiled->program, &compiled->code, point, &with_tables, ret_dataplane, diag);

	if (error)
		return error;
	compiled->code_is_cut = is_cut(&compiled->code);
	place_limits(compiled, compiled->program, *ret_dataplane);
	place_filled(compiled, compiled->program, *ret_dataplane);
	return 0;
}

int sl_compiled_load_hooks(struct sl_compiled *compiled, const struct sl_dataplane *front,
			   struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	const struct sl_handover handover = {.front = front};
	int error = load(compiled->hook_program, &compiled->hook_code, SL_POINT_HOOK, &handover,
			 ret_dataplane, diag);

	if (error)
		return error;
	place_limits(compiled, compiled->hook_program, *ret_dataplane);
	place_filled(compiled, compiled->hook_program, *ret_dataplane);
	return 0;
}

/* From what was read to code. */
static int compile(struct sl_compiled *compiled, const char *device, u64 memory_limit,
		   struct sl_diag *diag)
{
	int error = sl_lift(compiled->rules, compiled->host, device, &compiled->meaning, diag);

	if (!error)
		error = sl_program_verify(compiled->meaning, diag);
	if (!error)
		error = sl_lift(compiled->rules, compiled->host, device, &compiled->program, diag);
	if (!error)
		error = sl_optimise(compiled->program, sl_memory_image_words(memory_limit), diag);
	if (!error)
		error = sl_program_verify(compiled->program, diag);
	if (!error)
		error = sl_memory_check(compiled->program, memory_limit, diag);
	if (!error)
		error = generate(compiled->program, SL_STAGE_INSNS_MAX, &compiled->code, diag);
	if (!error)
		compiled->code_is_cut = is_cut(&compiled->code);
	return error;
}

static bool has_place(const struct sl_program *program)
{
	bool is_used = false;

	for (u32 i = 0; i < SL_PLACES; i++)
		is_used |= program->places[i].is_used;
	return is_used;
}

/* What the front's maps leave of a limit. */
static int find_room(const struct sl_compiled *compiled, u64 memory_limit, u64 *ret_room,
		     struct sl_diag *diag)
{
	struct sl_memory front;
	int error = sl_memory_plan(compiled->program, memory_limit, &front, diag);

	if (error)
		return error;
	*ret_room = memory_limit > front.bytes ? memory_limit - front.bytes : 0;
	return 0;
}

static int compile_hooks(const struct sl_compiled *compiled, u64 memory_limit,
			 struct sl_program *program, struct sl_code *ret_code, struct sl_diag *diag)
{
	u64 room;
	int error = find_room(compiled, memory_limit, &room, diag);

	if (!error)
		error = sl_optimise(program, sl_memory_image_words(room), diag);
	if (!error)
		error = sl_program_verify(program, diag);
	if (!error)
		error = sl_memory_check(program, room, diag);
	return error ? error : generate(program, SL_STAGE_INSNS_MAX, ret_code, diag);
}

int sl_compiled_make_hooks(struct sl_compiled *compiled, u64 memory_limit, struct sl_diag *diag)
{
	struct sl_program *program;
	int error =
		sl_lift_hooks(compiled->rules, compiled->host, compiled->meaning, &program, diag);

	if (error)
		return error;
	if (has_place(program))
		error = compile_hooks(compiled, memory_limit, program, &compiled->hook_code, diag);
	if (error || !has_place(program))
		sl_program_free(program);
	else
		compiled->hook_program = program;
	return error;
}

/* Those ahead of the rules of whom netlink does not tell: tcx programs, and devices above. */
static void note_takers(struct sl_host *host, const char *device, u32 own_program, bool is_below,
			const struct sl_snapshot *snapshot)
{
	for (u32 i = 0; i < host->links.count; i++) {
		struct sl_link *link = &host->links.items[i];

		if (strcmp(link->name, device) != 0)
			continue;
		link->is_taken = snapshot->rx_handler != 0;
		link->has_vlans = snapshot->vlan_devices != 0;
		link->is_below = is_below && snapshot->tag;
		link->vlan = (u16)snapshot->tag;
		link->is_tagged_otherwise = snapshot->tag >> 16 != ETH_P_8021Q;
		link->is_crowded_below = snapshot->below_tc || snapshot->below_hooks;
		if (sl_attach_count_tcx(link->ifindex, own_program))
			link->has_tc_ingress = true;
	}
}

/* Neither its list of tables, though x_tables is there. */
static bool misses_legacy(const struct sl_observer *observer)
{
	static const char *const names[SL_LEGACY_FAMILIES] = {
		"/proc/thread-self/net/ip_tables_names", "/proc/thread-self/net/ip6_tables_names"};
	bool misses = false;

	for (u32 i = 0; i < SL_LEGACY_FAMILIES; i++)
		misses |= !sl_observer_legacy(observer)[i].head.address && !access(names[i], F_OK);
	return misses;
}

/* It was loaded since the observer looked for what modules have; where it is built in, never. */
static bool has_missed_recent(struct sl_observer *observer)
{
	return !access("/sys/kernel/btf/xt_recent", F_OK) && !sl_observer_knows_recent(observer);
}

/* An observer that is older than a module does not find what is its own. */
static int look(struct sl_observer *observer, u32 ifindex, struct sl_snapshot *ret_snapshot,
		struct sl_diag *diag)
{
	int error = sl_observer_look(observer, ifindex, ret_snapshot, diag);

	if (error || (ret_snapshot->generation_address && !misses_legacy(observer) &&
		      !has_missed_recent(observer)))
		return error;
	if (!ret_snapshot->generation_address)
		sl_source_wake();
	error = sl_observer_renew(observer, diag);
	return error ? error : sl_observer_look(observer, ifindex, ret_snapshot, diag);
}

/* Rules whose changes the data plane could not see must never be published. */
static int check_generation(const struct sl_compiled *compiled, struct sl_diag *diag)
{
	if (compiled->snapshot.generation_address || !compiled->rules->tables.count)
		return 0;
	return sl_fail(diag, ENOENT,
		       "cannot find nf_tables' generation in this kernel, so that a change of the "
		       "rules would go unnoticed; if kernel.kptr_restrict is 2, set it to 1");
}

/* Of a kernel that tells too little of its memory none is found, and they stay the kernel's. */
static int find_limits(struct sl_observer *observer, struct sl_compiled *compiled,
		       struct sl_diag *diag)
{
	const struct sl_program *program = compiled->program;

	if (!program->limits.count)
		return 0;
	return sl_observer_find_limits(observer, program->limits.items, program->limits.count,
				       compiled->limits, diag);
}

static int find_filled(struct sl_observer *observer, struct sl_compiled *compiled,
		       struct sl_diag *diag)
{
	const struct sl_program *program = compiled->program;

	if (!program->filled.count)
		return 0;
	sl_recent_find(observer, program->filled.items, program->filled.count, compiled->recents);
	return sl_observer_find_filled(observer, program->filled.items, program->filled.count,
				       compiled->filled, diag);
}

/* The host, read behind a snapshot: whoever takes another then knows if it changed meanwhile. */
static int read_host(struct sl_observer *observer, const char *device, u32 own_program,
		     bool is_below, struct sl_host **ret_host, struct sl_snapshot *ret_snapshot,
		     struct sl_diag *diag)
{
	struct sl_host *host;
	u32 ifindex = if_nametoindex(device);
	int error;

	if (!ifindex)
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", device);
	error = look(observer, ifindex, ret_snapshot, diag);
	if (!error)
		error = sl_host_read(device, &host, diag);
	if (error)
		return error;
	note_takers(host, device, own_program, is_below, ret_snapshot);
	host->knows_filled = sl_observer_knows_filled(observer);
	host->knows_recent = sl_observer_knows_recent(observer);
	error = sl_foreign_note(sl_observer_hooks(observer), host);
	if (error) {
		sl_host_free(host);
		return sl_fail(diag, -error, "netfilter's hooks cannot be told apart: %s",
			       strerror(-error));
	}
	*ret_host = host;
	return 0;
}

/* Whether nothing but the rules has changed from one snapshot to now; false also if it is gone. */
static bool stands(struct sl_observer *observer, const char *device,
		   const struct sl_snapshot *snapshot)
{
	u32 ifindex = if_nametoindex(device);
	struct sl_snapshot now;

	if (!ifindex || sl_observer_look(observer, ifindex, &now, NULL))
		return false;
	now.generation = snapshot->generation;
	return sl_snapshots_equal(snapshot, &now);
}

/* Host and rules, read between two snapshots; *ret_consistent says whether those are equal. */
static int read_once(struct sl_observer *observer, const char *device, u32 own_program,
		     bool is_below, u32 patience_ms, struct sl_compiled *compiled,
		     bool *ret_consistent, struct sl_diag *diag)
{
	int error = read_host(observer, device, own_program, is_below, &compiled->host,
			      &compiled->snapshot, diag);

	if (!error)
		error = sl_source_read_live(patience_ms, &compiled->rules, diag);
	if (!error)
		error = check_generation(compiled, diag);
	if (error)
		return error;
	/*
	 * The generation that counts is the rules' own, which their reader has seen to; with one
	 * that came before or after it the rest need not be read again.
	 */
	compiled->snapshot.generation = compiled->rules->generation;
	*ret_consistent = stands(observer, device, &compiled->snapshot);
	return 0;
}

/* -ESTALE: a compile would start from another host. -EAGAIN: it changed while it was read. */
static int renew_once(struct sl_compiled *compiled, struct sl_observer *observer,
		      const char *device, u32 own_program)
{
	const struct sl_link *link = sl_host_find_link(compiled->host, device);
	struct sl_snapshot snapshot;
	struct sl_host *host;
	int error = read_host(observer, device, own_program, link && link->is_below, &host,
			      &snapshot, NULL);

	if (error)
		return error;
	snapshot.generation = compiled->snapshot.generation;
	if (!sl_lift_hosts_equal(compiled->host, host, device) ||
	    snapshot.legacy_hash != compiled->snapshot.legacy_hash)
		error = -ESTALE;
	else if (!stands(observer, device, &snapshot))
		error = -EAGAIN;
	sl_host_free(host);
	if (!error)
		compiled->snapshot = snapshot;
	return error;
}

bool sl_compiled_renew(struct sl_compiled *compiled, struct sl_observer *observer,
		       const char *device, u32 own_program)
{
	int error = -EAGAIN;

	for (u32 i = 0; i < RENEW_TRIES && error == -EAGAIN; i++)
		error = renew_once(compiled, observer, device, own_program);
	return !error;
}

int sl_compile_live(struct sl_observer *observer, const char *device, u32 own_program,
		    bool is_below, u32 patience_ms, u64 memory_limit,
		    struct sl_compiled **ret_compiled, struct sl_diag *diag)
{
	u64 began_ns = sl_monotonic_ns(), deadline_ns = began_ns + patience_ms * SL_NS_PER_MS;

	for (;;) {
		struct sl_compiled *compiled = calloc(1, sizeof *compiled);
		bool consistent = false;
		int error;

		if (!compiled)
			return sl_fail_memory(diag);
		error = read_once(observer, device, own_program, is_below, patience_ms, compiled,
				  &consistent, diag);
		compiled->began_ns = began_ns;
		compiled->read_ns = sl_monotonic_ns();
		if (!error && consistent)
			error = sl_legacy_tables_take(observer, compiled->host, compiled->rules,
						      &compiled->legacy, diag);
		if (!error && consistent)
			error = compile(compiled, device, memory_limit, diag);
		if (!error && consistent)
			error = find_limits(observer, compiled, diag);
		if (!error && consistent)
			error = find_filled(observer, compiled, diag);
		if (!error && consistent) {
			*ret_compiled = compiled;
			return 0;
		}
		sl_compiled_free(compiled);
		if (error)
			return error;
		if (sl_monotonic_ns() >= deadline_ns)
			return sl_fail(diag, EAGAIN,
				       "the rules or devices kept changing while they were read");
	}
}

/* A device for files that are looked at far from the host that they are for. */
static int add_stand_in(struct sl_host *host)
{
	static const struct sl_link eth0 = {
		.ifindex = 2,
		.name = "eth0",
		.type = ARPHRD_ETHER,
		.mtu = 1500,
		.mac = {0x02, 0, 0, 0, 0, 1},
		.flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST,
	};
	struct sl_link *link = sl_list_push(host->arena, &host->links);

	if (!link)
		return -ENOMEM;
	*link = eth0;
	return 0;
}

/* The host's reader says "may be there" of all that it may not read; it would hide the rules. */
static void take_as_absent(struct sl_host *host)
{
	host->has_xfrm = host->has_legacy_ip = host->has_legacy_ip6 = false;
	for (u32 i = 0; i < host->links.count; i++)
		host->links.items[i].has_tc_ingress = false;
}

int sl_compile_file(const char *path, const char *device, u64 memory_limit,
		    struct sl_compiled **ret_compiled, struct sl_diag *diag)
{
	struct sl_compiled *compiled = calloc(1, sizeof *compiled);
	int error;

	if (!compiled)
		return sl_fail_memory(diag);
	error = sl_host_read(device ? device : "eth0", &compiled->host, diag);
	if (!error && geteuid() != 0)
		take_as_absent(compiled->host);
	if (!error)
		/* The kernel that they are for may. */
		compiled->host->knows_filled = compiled->host->knows_recent = true;
	if (!error && !device) {
		device = "eth0";
		if (!sl_host_find_link(compiled->host, device) && add_stand_in(compiled->host))
			error = sl_fail_memory(diag);
	}
	if (!error)
		error = sl_source_read_file(path, compiled->host, &compiled->rules, diag);
	if (!error)
		error = compile(compiled, device, memory_limit, diag);
	if (error) {
		sl_compiled_free(compiled);
		return error;
	}
	*ret_compiled = compiled;
	return 0;
}
