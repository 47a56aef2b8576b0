/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config.h"
#include "ir/drops.h"
#include "ir/flow.h"
#include "known.h"
#include "load/maps.h"
#include "load/splice.h"
#include "sluice.skel.h"

#define VLAN_HLEN         4
#define VERIFIER_LOG_SIZE (1u << 20)

/* What the verifier writes down: its complaint and its figures, or all that it went through. */
enum { LOG_SUMMARY = 4, LOG_EVERYTHING = 1 };

struct sl_dataplane {
	struct sluice_bpf *skeleton;
	struct bpf_program *program;
	struct sl_config config;
	struct sl_set_maps sets;
	u64 epoch;         /* the last one published */
	bool shares_notes; /* with the data plane before it */
	bool has_known;
};

/* What libbpf's callback needs to know; it is called from within one bpf_object__load(). */
struct splicing {
	const struct sl_code *code;
	struct sl_dataplane *dataplane;
	struct sl_spliced spliced;
	int functions[SL_FUNCTIONS]; /* where they begin, before splicing */
	void *func_info, *line_info; /* moved copies, malloc'd */
};

static _Thread_local struct splicing *splicing;

static int resolve(void *context, const struct sl_reloc *reloc)
{
	const struct splicing *work = context;

	switch (reloc->kind) {
	case SL_RELOC_SET:
		return work->dataplane->sets.fds[reloc->index];
	case SL_RELOC_LOCAL:
		return bpf_map__fd(work->dataplane->skeleton->maps.local_addresses);
	case SL_RELOC_FUNCTION:
		return work->functions[reloc->index];
	}
	return -EINVAL;
}

/* The instruction that a function begins at; -ENOENT: libbpf did not take it along. */
static int find_function(const struct splicing *work, const struct bpf_prog_load_opts *opts,
			 const char *name)
{
	const struct btf *btf = bpf_object__btf(work->dataplane->skeleton->obj);

	for (u32 i = 0; i < opts->func_info_cnt; i++) {
		const char *record =
			(const char *)opts->func_info + (size_t)i * opts->func_info_rec_size;
		const struct btf_type *type;
		struct bpf_func_info info;

		memcpy(&info, record, sizeof info);
		type = btf__type_by_id(btf, info.type_id);
		if (type && !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return (int)info.insn_off;
	}
	return -ENOENT;
}

static void find_functions(struct splicing *work, const struct bpf_prog_load_opts *opts)
{
	static const char *const names[] = {
		[SL_FUNCTION_TABLE_STEP] = "table_step",
		[SL_FUNCTION_TRIE_HAS] = "trie_has",
		[SL_FUNCTION_TRIE_VALUE] = "trie_value",
		[SL_FUNCTION_LIMIT_IS_SPENT] = "limit_is_spent",
		[SL_FUNCTION_TCP_OPTION] = "tcp_option",
		[SL_FUNCTION_WAY_BACK_IP] = "way_back_ip",
		[SL_FUNCTION_WAY_BACK_IP6] = "way_back_ip6",
		[SL_FUNCTION_FILLED_HAS] = "filled_has",
	};

	for (u32 i = 0; i < SL_FUNCTIONS; i++)
		work->functions[i] = find_function(work, opts, names[i]);
}

/*
 * BTF's func_info and line_info are arrays of records that begin with an instruction offset.
 * Returns a copy whose offsets follow the instructions, or NULL.
 */
static void *move_records(const void *records, u32 count, u32 size, const u32 *moved)
{
	char *copy = malloc((size_t)count * size + 1);

	if (!copy)
		return NULL;
	for (u32 i = 0; i < count; i++) {
		u32 offset;

		memcpy(copy + (size_t)i * size, (const char *)records + (size_t)i * size, size);
		memcpy(&offset, copy + (size_t)i * size, sizeof offset);
		offset = moved[offset];
		memcpy(copy + (size_t)i * size, &offset, sizeof offset);
	}
	return copy;
}

static int splice_before_load(struct bpf_program *program, struct bpf_prog_load_opts *opts,
			      long cookie)
{
	struct splicing *work = splicing;

	(void)cookie;
	if (!work)
		return -EINVAL;

	find_functions(work, opts);

	int error = sl_splice(bpf_program__insns(program), (u32)bpf_program__insn_cnt(program),
			      work->code, &work->dataplane->config, resolve, work, &work->spliced);

	if (error)
		return error;
	work->func_info = move_records(opts->func_info, opts->func_info_cnt,
				       opts->func_info_rec_size, work->spliced.moved);
	work->line_info = move_records(opts->line_info, opts->line_info_cnt,
				       opts->line_info_rec_size, work->spliced.moved);
	if (!work->func_info || !work->line_info)
		return -ENOMEM;
	opts->func_info = work->func_info;
	opts->line_info = work->line_info;
	return bpf_program__set_insns(program, work->spliced.insns, work->spliced.count);
}

/* What libbpf would print itself: the last of it goes into our message. */
static _Thread_local char complaint[512];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vsnprintf(complaint, sizeof complaint, format, args);
	return 0;
}

/* libbpf keeps handlers for the life of the process. */
static int register_handlers(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = splice_before_load);
	static bool registered;

	if (registered)
		return 0;
	if (libbpf_register_prog_handler("sluice/xdp", BPF_PROG_TYPE_XDP, BPF_XDP, &opts) < 0 ||
	    libbpf_register_prog_handler("sluice/tc", BPF_PROG_TYPE_SCHED_CLS, 0, &opts) < 0 ||
	    libbpf_register_prog_handler("sluice/netfilter", SL_PROGRAM_NETFILTER,
					 SL_ATTACH_NETFILTER, &opts) < 0)
		return -EINVAL;
	libbpf_set_print(keep_complaint);
	registered = true;
	return 0;
}

static bool judges(const struct sl_program *program, u8 family)
{
	for (u32 i = 0; i < program->path.count; i++)
		if (program->path.items[i].kind == SL_STEP_CHAIN &&
		    program->path.items[i].families & family)
			return true;
	return false;
}

/* A conntrack miss asks for the source (batch.h). */
static bool asks_addresses(const struct sl_program *program, const struct sl_code *code, u8 family)
{
	enum sl_route_mode route = family == SL_IP ? program->route_ip : program->route_ip6;
	u32 first = family == SL_IP ? 0 : SL_STAGES / 2;

	if (route != SL_ROUTE_INPUT_ONLY || sl_program_tracks(program, family))
		return true;
	for (u32 stage = first; stage < first + SL_STAGES / 2; stage++)
		for (u32 i = 0; i < code->stages[stage].relocs.count; i++)
			if (code->stages[stage].relocs.items[i].kind == SL_RELOC_LOCAL)
				return true;
	return false;
}

static u32 image_bytes(const struct sl_program *program)
{
	return program->image_words * (u32)sizeof *program->image;
}

static bool takes_notes(const struct sl_config *config)
{
	return config->notes_batch || config->asks_filled;
}

static void configure(struct sl_dataplane *dataplane, const struct sl_program *program,
		      const struct sl_code *code, enum sl_hook_point point)
{
	const struct sl_device *device = &program->device;
	struct sl_config *config = &dataplane->config;

	*config = (struct sl_config){
		.judges_ip = judges(program, SL_IP),
		.judges_ip6 = judges(program, SL_IP6),
		.route_ip = (u8)program->route_ip,
		.route_ip6 = (u8)program->route_ip6,
		.hit_max = (u8)code->hit_max,
		.uses_conntrack = sl_program_tracks(program, SL_IP | SL_IP6),
		.miss_worlds = program->miss_worlds,
		.asks_form = sl_program_asks_form(program),
		/* TC stands behind what the notes are for (batch.h). */
		.notes_batch = point == SL_POINT_XDP && sl_program_minds_batch(program),
		.has_filled = sl_program_asks_filled(program),
		.asks_filled = point != SL_POINT_HOOK && sl_program_asks_filled(program),
		.asks_addresses_ip = asks_addresses(program, code, SL_IP),
		.asks_addresses_ip6 = asks_addresses(program, code, SL_IP6),
		.drop_worlds = sl_program_drop_worlds(program),
		.ifindex = device->ifindex,
		.tag = device->is_below ? htonl((u32)ETH_P_8021Q << 16 | device->vlan) : 0,
		.link_length = device->is_below ? ETH_HLEN + VLAN_HLEN : ETH_HLEN,
		.asks_device = device->is_asked_for,
		.drops_nothing = point == SL_POINT_XDP && device->wants_tc,
		.asks_packet_type = point == SL_POINT_TC && device->has_members,
		.has_known = dataplane->has_known,
		.asks_facts = point == SL_POINT_HOOK && sl_program_asks_facts(program),
		.mark_moves = device->mark_moves,
		.table_words = program->image_words,
		.trie_units = dataplane->sets.trie_units,
	};

	memcpy(&config->mac_low, device->mac, sizeof config->mac_low);
	memcpy(&config->mac_high, device->mac + 4, sizeof config->mac_high);
	bpf_map__set_max_entries(dataplane->skeleton->maps.rule_counters,
				 program->counters.count ? program->counters.count : 1);
	if (program->image_words)
		bpf_map__set_value_size(dataplane->skeleton->maps.tables, image_bytes(program));
	bpf_map__set_value_size(dataplane->skeleton->maps.tries,
				dataplane->sets.trie_units * (u32)sizeof(u64));
	if (takes_notes(config))
		bpf_map__set_max_entries(dataplane->skeleton->maps.batch_notes, SL_BATCH_ENTRIES);
}

static volatile struct sl_live *live_cell(const struct sl_dataplane *dataplane)
{
	return (volatile struct sl_live *)&dataplane->skeleton->data_live->live;
}

static int reuse(struct sl_dataplane *dataplane, const struct sl_witness_map *map,
		 struct sl_diag *diag)
{
	struct bpf_map *own = bpf_object__find_map_by_name(dataplane->skeleton->obj, map->name);
	int error = own ? bpf_map__reuse_fd(own, map->fd) : -ENOENT;

	return error ? sl_fail(diag, -error, "the map %s: %s", map->name, strerror(-error)) : 0;
}

/* The maps of an audit are the witness's; in earnest there are none. */
static int share_audit(struct sl_dataplane *dataplane, const struct sl_witness *witness,
		       struct sl_diag *diag)
{
	struct sluice_bpf *skeleton = dataplane->skeleton;
	struct sl_witness_map shared[SL_WITNESS_MAPS];
	struct bpf_map *const own[] = {skeleton->maps.audit_even, skeleton->maps.audit_odd,
				       skeleton->maps.audit_control, skeleton->maps.audit_counts,
				       skeleton->maps.audit_drafts};
	int error = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(own) && !witness; i++)
		bpf_map__set_autocreate(own[i], false);
	if (!witness)
		return 0;
	sl_witness_maps(witness, shared);
	for (u32 i = 0; i < SL_WITNESS_MAPS && !error; i++)
		error = reuse(dataplane, &shared[i], diag);
	return error;
}

/* At hooks: what is counted and what vouches is the front's. */
static int share_front(struct sl_dataplane *dataplane, const struct sl_dataplane *front,
		       struct sl_diag *diag)
{
	const struct sluice_bpf *to = dataplane->skeleton, *from = front->skeleton;
	const struct {
		struct bpf_map *to, *from;
	} pairs[] = {
		{to->maps.data_live, from->maps.data_live},
		{to->maps.fates, from->maps.fates},
		{to->maps.rule_counters, from->maps.rule_counters},
		{to->maps.local_addresses, from->maps.local_addresses},
	};

	for (u32 i = 0; i < SL_ARRAY_SIZE(pairs); i++) {
		int error = bpf_map__reuse_fd(pairs[i].to, bpf_map__fd(pairs[i].from));

		if (error)
			return sl_fail(diag, -error, "the map %s: %s", bpf_map__name(pairs[i].to),
				       strerror(-error));
	}
	return 0;
}

/* Those of the one are all that the other would have taken; of all that passes some take all. */
static bool notes_suffice(const struct sl_config *last, const struct sl_config *next)
{
	return takes_notes(last) && takes_notes(next) && last->asks_filled >= next->asks_filled;
}

/* Both note into one map while packets meet the one or the other. */
static int share_notes(struct sl_dataplane *dataplane, const struct sl_dataplane *last,
		       struct sl_diag *diag)
{
	int error;

	if (!last || !notes_suffice(&last->config, &dataplane->config))
		return 0;
	error = bpf_map__reuse_fd(dataplane->skeleton->maps.batch_notes,
				  bpf_map__fd(last->skeleton->maps.batch_notes));
	if (error)
		return sl_fail(diag, -error, "the map of notes: %s", strerror(-error));
	live_cell(dataplane)->began_ns = live_cell(last)->began_ns;
	dataplane->shares_notes = true;
	return 0;
}

static int share_known(struct sl_dataplane *dataplane, const struct sl_known *known,
		       struct sl_diag *diag)
{
	struct sluice_bpf *skeleton = dataplane->skeleton;
	struct sl_known_fds fds;
	int error;

	if (!dataplane->has_known)
		return 0;
	fds = sl_known_fds(known);
	error = bpf_map__reuse_fd(skeleton->maps.data_known, fds.cell);
	if (!error)
		error = bpf_map__reuse_fd(skeleton->maps.known_words, fds.words);
	return error ? sl_fail(diag, -error, "the map of known connections: %s", strerror(-error))
		     : 0;
}

static int fill_local(struct sluice_bpf *skeleton, const struct sl_program *program)
{
	int fd = bpf_map__fd(skeleton->maps.local_addresses);

	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *address = &program->local.items[i];
		u8 key[16] = {0}, one = 1;

		memcpy(key, address->bytes, address->is_ip6 ? 16 : 4);
		if (bpf_map_update_elem(fd, key, &one, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* By way of memory: the kernel would copy a value of this size once more. */
static int fill_tables(struct sluice_bpf *skeleton, const struct sl_program *program)
{
	void *image;

	if (!program->image_words)
		return 0;
	image = mmap(NULL, image_bytes(program), PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skeleton->maps.tables), 0);
	if (image == MAP_FAILED)
		return -errno;
	memcpy(image, program->image, image_bytes(program));
	munmap(image, image_bytes(program));
	return 0;
}

/* The verifier's last words: the complaint stands in the last few lines. */
static const char *last_lines(char *log)
{
	char *at = log + strlen(log);

	for (int lines = 0; at > log; at--)
		if (at[-1] == '\n' && ++lines > 12)
			break;
	return at;
}

/* Where jumps wait for the verifier's return; older kernels make it EFAULT, as for their own bugs.
 */
static bool is_too_complex(const char *log)
{
	return strstr(log, "jumps is too complex");
}

static int fail_load(struct sl_diag *diag, int error, char *log)
{
	if (error == -E2BIG || is_too_complex(log))
		return sl_fail(diag, E2BIG, "the rules make a program that is too large");
	if (error == -EPERM)
		return sl_fail(diag, EPERM,
			       "the kernel refuses to load a BPF program: it wants root, or "
			       "CAP_SYS_ADMIN and CAP_NET_ADMIN");
	return sl_fail(diag, -error,
		       "the kernel refuses the program (%s). Please report this with the rules. "
		       "The verifier's last lines:\n%s",
		       strerror(-error), log[0] ? last_lines(log) : complaint);
}

/* Before the load, which no address can come into behind. */
static void size_legacy(struct sl_dataplane *dataplane, const struct sl_legacy_tables *legacy)
{
	struct sluice_bpf *skeleton = dataplane->skeleton;

	if (!legacy)
		return;
	memcpy((void *)&skeleton->data_legacy->legacy, &legacy->cell, sizeof legacy->cell);
	for (u32 i = 0; i < SL_LEGACY_FAMILIES; i++)
		dataplane->config.watches_legacy |= legacy->cell.counts[i] != 0;
	if (legacy->chunk_count)
		bpf_map__set_max_entries(skeleton->maps.legacy_chunks, legacy->chunk_count);
}

static int fill_legacy(const struct sl_dataplane *dataplane, const struct sl_legacy_tables *legacy)
{
	int fd = bpf_map__fd(dataplane->skeleton->maps.legacy_chunks);

	for (u32 i = 0; legacy && i < legacy->chunk_count; i++)
		if (bpf_map_update_elem(fd, &i, &legacy->chunks[i], BPF_ANY))
			return -errno;
	return 0;
}

static int load(struct sl_dataplane *dataplane, const struct sl_program *program,
		const struct sl_code *code, struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) char *log = calloc(1, VERIFIER_LOG_SIZE);
	struct splicing work = {.code = code, .dataplane = dataplane};
	int error;

	if (!log)
		return sl_fail_memory(diag);
	bpf_program__set_log_buf(dataplane->program, log, VERIFIER_LOG_SIZE);
	splicing = &work;
	error = sluice_bpf__load(dataplane->skeleton);
	splicing = NULL;
	sl_spliced_free(&work.spliced);
	free(work.func_info);
	free(work.line_info);
	if (error)
		return fail_load(diag, error, log);
	error = fill_local(dataplane->skeleton, program);
	if (error)
		return sl_fail(diag, -error, "the map of local addresses: %s", strerror(-error));
	error = fill_tables(dataplane->skeleton, program);
	if (error)
		return sl_fail(diag, -error, "the map of tables: %s", strerror(-error));
	error = sl_set_maps_place_tries(&dataplane->sets,
					bpf_map__fd(dataplane->skeleton->maps.tries));
	return error ? sl_fail(diag, -error, "the map of interval sets: %s", strerror(-error)) : 0;
}

/* Of the object's programs the one that is wanted, and no other. */
static void choose(struct sl_dataplane *dataplane, enum sl_hook_point point, bool is_audit)
{
	const struct sluice_bpf *skeleton = dataplane->skeleton;
	struct bpf_program *const programs[][2] = {
		[SL_POINT_XDP] = {skeleton->progs.sluice_xdp, skeleton->progs.sluice_xdp_audit},
		[SL_POINT_TC] = {skeleton->progs.sluice_tc, skeleton->progs.sluice_tc_audit},
		/* An audit has none. */
		[SL_POINT_HOOK] = {skeleton->progs.sluice_netfilter,
				   skeleton->progs.sluice_netfilter},
	};

	dataplane->program = programs[point][is_audit];
	for (u32 i = 0; i < SL_ARRAY_SIZE(programs); i++)
		for (u32 j = 0; j < SL_ARRAY_SIZE(programs[i]); j++)
			bpf_program__set_autoload(programs[i][j],
						  programs[i][j] == dataplane->program);
	bpf_map__set_autocreate(skeleton->maps.packet_copies, point == SL_POINT_HOOK);
}

static int try_load(const struct sl_program *program, const struct sl_code *code,
		    enum sl_hook_point point, const struct sl_handover *handover, u32 log_level,
		    struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane = calloc(1, sizeof *dataplane);
	int error;

	if (!dataplane)
		return sl_fail_memory(diag);
	dataplane->skeleton = sluice_bpf__open();
	if (!dataplane->skeleton) {
		error = sl_fail(diag, errno, "cannot open the BPF object: %s", strerror(errno));
		goto fail;
	}
	choose(dataplane, point, handover->witness);
	bpf_program__set_log_level(dataplane->program, log_level);
	error = sl_set_maps_create(program, &dataplane->sets, diag);
	if (error)
		goto fail;
	dataplane->has_known = handover->known && sl_program_tracks(program, SL_IP | SL_IP6);
	configure(dataplane, program, code, point);
	size_legacy(dataplane, handover->legacy);
	error = handover->front ? share_front(dataplane, handover->front, diag)
				: share_notes(dataplane, handover->last, diag);
	if (!error)
		error = share_audit(dataplane, handover->witness, diag);
	if (!error)
		error = share_known(dataplane, handover->known, diag);
	if (error)
		goto fail;
	error = load(dataplane, program, code, diag);
	if (!error && fill_legacy(dataplane, handover->legacy))
		error = sl_fail(diag, errno, "the map of legacy tables: %s", strerror(errno));
	if (!error) {
		*ret_dataplane = dataplane;
		return 0;
	}
fail:
	sl_dataplane_free(dataplane);
	return error;
}

static bool is_refusal(int error)
{
	return error == -EACCES || error == -EINVAL;
}

int sl_dataplane_load(const struct sl_program *program, const struct sl_code *code,
		      enum sl_hook_point point, const struct sl_handover *handover,
		      struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	static const struct sl_handover nothing;
	struct sl_diag details = {0};
	struct sl_handover plain;
	int error, again;

	if (register_handlers())
		return sl_fail(diag, EINVAL, "libbpf does not take program handlers");
	if (!handover)
		handover = &nothing;
	plain = *handover;
	error = try_load(program, code, point, &plain, LOG_SUMMARY, ret_dataplane, diag);
	if (is_refusal(error) && plain.known) { /* a help, which nothing must fail for */
		plain.known = NULL;
		error = try_load(program, code, point, &plain, LOG_SUMMARY, ret_dataplane, diag);
	}
	if (!is_refusal(error))
		return error;
	/* A bug of ours: once more, to report what led to it. */
	again = try_load(program, code, point, &plain, LOG_EVERYTHING, ret_dataplane, &details);
	if (again == error)
		*diag = details;
	return again ? error : 0;
}

int sl_dataplane_place_limits(struct sl_dataplane *dataplane,
			      const struct sl_limit_place places[SL_LIMITS_MAX])
{
	int fd = bpf_map__fd(dataplane->skeleton->maps.limits);

	for (u32 i = 0; i < SL_LIMITS_MAX; i++)
		if (bpf_map_update_elem(fd, &i, &places[i], BPF_ANY))
			return -errno;
	return 0;
}

int sl_dataplane_place_filled(struct sl_dataplane *dataplane,
			      const struct sl_filled_place places[SL_FILLED_MAX])
{
	int fd = bpf_map__fd(dataplane->skeleton->maps.filled);

	for (u32 i = 0; i < SL_FILLED_MAX; i++)
		if (bpf_map_update_elem(fd, &i, &places[i], BPF_ANY))
			return -errno;
	return 0;
}

void sl_dataplane_free(struct sl_dataplane *dataplane)
{
	if (!dataplane)
		return;
	sluice_bpf__destroy(dataplane->skeleton);
	sl_set_maps_close(&dataplane->sets);
	free(dataplane);
}

int sl_dataplane_program_fd(const struct sl_dataplane *dataplane)
{
	return bpf_program__fd(dataplane->program);
}

u32 sl_dataplane_program_id(const struct sl_dataplane *dataplane)
{
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	return bpf_obj_get_info_by_fd(sl_dataplane_program_fd(dataplane), &info, &size) ? 0
											: info.id;
}

struct sl_dataplane_maps sl_dataplane_maps(const struct sl_dataplane *dataplane)
{
	const struct sluice_bpf *skeleton = dataplane->skeleton;

	return (struct sl_dataplane_maps){
		.live = bpf_map__fd(skeleton->maps.data_live),
		.fates = bpf_map__fd(skeleton->maps.fates),
		.rule_counters = bpf_map__fd(skeleton->maps.rule_counters),
		.local = bpf_map__fd(skeleton->maps.local_addresses),
		.batch_notes = bpf_map__fd(skeleton->maps.batch_notes),
	};
}

struct sl_set_maps *sl_dataplane_sets(struct sl_dataplane *dataplane)
{
	return &dataplane->sets;
}

void sl_dataplane_begin(struct sl_dataplane *dataplane)
{
	if (!dataplane->shares_notes)
		live_cell(dataplane)->began_ns = sl_monotonic_ns();
}

void sl_dataplane_withdraw(struct sl_dataplane *dataplane)
{
	__atomic_store_n(&live_cell(dataplane)->epoch, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the changes that follow */
}

void sl_dataplane_publish(struct sl_dataplane *dataplane, const struct sl_snapshot *snapshot,
			  bool related_possible)
{
	volatile struct sl_live *live = live_cell(dataplane);

	sl_dataplane_withdraw(dataplane);
	live->expected = *snapshot;
	live->related_possible = related_possible;
	__atomic_store_n(&live->epoch, ++dataplane->epoch, __ATOMIC_SEQ_CST);
}

void sl_dataplane_set_related(struct sl_dataplane *dataplane, bool related_possible)
{
	live_cell(dataplane)->related_possible = related_possible;
}
