/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/dataplane.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config.h"
#include "ir/drops.h"
#include "ir/flow.h"
#include "known.h"
#include "load/maps.h"
#include "load/splice.h"
#include "sampling.h"

#define VLAN_HLEN         4
#define VERIFIER_LOG_SIZE (1u << 20)

/* What the verifier writes down: its complaint and its figures, or all that it went through. */
enum { LOG_SUMMARY = 4, LOG_EVERYTHING = 1 };

struct sl_dataplane {
	int program_fd;
	int maps[SL_MAPS];             /* −1: none */
	volatile struct sl_live *live; /* the memory of SL_MAP_LIVE */
	struct sl_config config;
	struct sl_set_maps sets;
	u64 epoch;         /* the last one published */
	bool shares_notes; /* with the data plane before it */
	bool has_known;
};

/* One load: what it is made from. */
struct work {
	const struct sl_program *program;
	const struct sl_code *code;
	const struct sl_template *template;
	struct sl_map_shape shapes[SL_MAPS];
	struct sl_dataplane *dataplane;
};

static int resolve(void *context, const struct sl_reloc *reloc)
{
	const struct work *work = context;

	switch (reloc->kind) {
	case SL_RELOC_SET:
		return work->dataplane->sets.fds[reloc->index];
	case SL_RELOC_LOCAL:
		return work->dataplane->maps[SL_MAP_LOCAL];
	case SL_RELOC_FUNCTION:
		return work->template->functions[reloc->index];
	}
	return -EINVAL;
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

static bool asks_recent(const struct sl_program *program)
{
	for (u32 i = 0; i < program->filled.count; i++)
		if (program->filled.items[i].is_recent)
			return true;
	return false;
}

static bool takes_notes(const struct sl_config *config)
{
	return config->notes_batch || config->asks_filled;
}

static void configure(const struct work *work, enum sl_hook_point point)
{
	const struct sl_program *program = work->program;
	const struct sl_code *code = work->code;
	struct sl_dataplane *dataplane = work->dataplane;
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
		.has_recent = asks_recent(program),
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
}

/* Those maps whose sizes go by the program. */
static void size_maps(struct work *work)
{
	const struct sl_program *program = work->program;
	const struct sl_dataplane *dataplane = work->dataplane;
	struct sl_map_shape *shapes = work->shapes;

	memcpy(shapes, work->template->maps, sizeof work->shapes);
	shapes[SL_MAP_RULE_COUNTERS].max_entries =
		program->counters.count ? program->counters.count : 1;
	if (program->image_words)
		shapes[SL_MAP_TABLES].value_size = image_bytes(program);
	shapes[SL_MAP_TRIES].value_size = dataplane->sets.trie_units * (u32)sizeof(u64);
	if (takes_notes(&dataplane->config))
		shapes[SL_MAP_BATCH_NOTES].max_entries = SL_BATCH_ENTRIES;
	shapes[SL_MAP_SAMPLES].max_entries = (u32)getpagesize(); /* nobody's, unless shared */
}

static int fail_privileges(struct sl_diag *diag)
{
	return sl_fail(diag, EPERM,
		       "the kernel refuses to load a BPF program: it wants root, or "
		       "CAP_SYS_ADMIN and CAP_NET_ADMIN");
}

/* The tables of iptables-legacy that it watches. */
static void size_legacy(struct work *work, const struct sl_legacy_tables *legacy)
{
	if (!legacy)
		return;
	for (u32 i = 0; i < SL_LEGACY_FAMILIES; i++)
		work->dataplane->config.watches_legacy |= legacy->cell.counts[i] != 0;
	if (legacy->chunk_count)
		work->shapes[SL_MAP_LEGACY_CHUNKS].max_entries = legacy->chunk_count;
}

/* Takes another's map for its own. */
static int share(struct sl_dataplane *dataplane, enum sl_map map, int fd, struct sl_diag *diag)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return sl_fail(diag, errno, "the map %s: %s", sl_map_name(map), strerror(errno));
	dataplane->maps[map] = copy;
	return 0;
}

/* The maps of an audit are the witness's; in earnest there are none. */
static int share_audit(struct sl_dataplane *dataplane, const struct sl_witness *witness,
		       struct sl_diag *diag)
{
	int fds[SL_WITNESS_MAPS], error = 0;

	if (!witness)
		return 0;
	sl_witness_maps(witness, fds);
	for (u32 i = 0; i < SL_WITNESS_MAPS && !error; i++)
		error = share(dataplane, SL_MAP_AUDIT_EVEN + i, fds[i], diag);
	return error;
}

/* At hooks: what is counted and what vouches is the front's. */
static int share_front(struct sl_dataplane *dataplane, const struct sl_dataplane *front,
		       struct sl_diag *diag)
{
	static const enum sl_map maps[] = {SL_MAP_LIVE,  SL_MAP_FATES,    SL_MAP_RULE_COUNTERS,
					   SL_MAP_LOCAL, SL_MAP_SAMPLING, SL_MAP_SAMPLES};
	int error = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(maps) && !error; i++)
		error = share(dataplane, maps[i], front->maps[maps[i]], diag);
	return error;
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
	if (!last || !notes_suffice(&last->config, &dataplane->config))
		return 0;
	dataplane->shares_notes = true;
	return share(dataplane, SL_MAP_BATCH_NOTES, last->maps[SL_MAP_BATCH_NOTES], diag);
}

static int share_known(struct sl_dataplane *dataplane, const struct sl_known *known,
		       struct sl_diag *diag)
{
	struct sl_known_fds fds;
	int error;

	if (!dataplane->has_known)
		return 0;
	fds = sl_known_fds(known);
	error = share(dataplane, SL_MAP_KNOWN, fds.cell, diag);
	return error ? error : share(dataplane, SL_MAP_KNOWN_WORDS, fds.words, diag);
}

static int share_sampling(struct sl_dataplane *dataplane, const struct sl_sampling *sampling,
			  struct sl_diag *diag)
{
	int error;

	if (!sampling)
		return 0;
	error = share(dataplane, SL_MAP_SAMPLING, sampling->cell, diag);
	return error ? error : share(dataplane, SL_MAP_SAMPLES, sampling->ring, diag);
}

static int share_maps(struct sl_dataplane *dataplane, const struct sl_handover *handover,
		      struct sl_diag *diag)
{
	int error = handover->front ? share_front(dataplane, handover->front, diag)
				    : share_notes(dataplane, handover->last, diag);

	if (!error)
		error = share_audit(dataplane, handover->witness, diag);
	if (!error)
		error = share_sampling(dataplane, handover->sampling, diag);
	return error ? error : share_known(dataplane, handover->known, diag);
}

/* Types are for people who look at the map; a kernel that does not take them makes it without. */
static int make_map(const struct sl_map_shape *shape, enum sl_map map, int btf_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = shape->flags);
	int fd = -1;

	if (btf_fd && shape->value_type) {
		opts.btf_fd = (u32)btf_fd;
		opts.btf_key_type_id = shape->key_type;
		opts.btf_value_type_id = shape->value_type;
		fd = bpf_map_create(shape->type, sl_map_name(map), shape->key_size,
				    shape->value_size, shape->max_entries, &opts);
		opts.btf_fd = opts.btf_key_type_id = opts.btf_value_type_id = 0;
	}
	if (fd < 0)
		fd = bpf_map_create(shape->type, sl_map_name(map), shape->key_size,
				    shape->value_size, shape->max_entries, &opts);
	return fd < 0 ? -errno : fd;
}

/* Those that are nobody else's, all zero. */
static int make_maps(const struct work *work, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane = work->dataplane;
	void *live;

	for (u32 i = 0; i < SL_MAPS; i++) {
		int fd;

		if (!work->shapes[i].exists || dataplane->maps[i] >= 0)
			continue;
		fd = make_map(&work->shapes[i], i, work->template->btf_fd);
		if (fd == -EPERM)
			return fail_privileges(diag);
		if (fd < 0)
			return sl_fail(diag, -fd, "cannot make the map %s: %s", sl_map_name(i),
				       strerror(-fd));
		dataplane->maps[i] = fd;
	}
	live = mmap(NULL, sizeof *dataplane->live, PROT_READ | PROT_WRITE, MAP_SHARED,
		    dataplane->maps[SL_MAP_LIVE], 0);
	if (live == MAP_FAILED)
		return sl_fail(diag, errno, "the memory of a map: %s", strerror(errno));
	dataplane->live = live;
	dataplane->config.counters_id = sl_map_id(dataplane->maps[SL_MAP_RULE_COUNTERS]);
	return 0;
}

static int fill_local(const struct work *work)
{
	const struct sl_program *program = work->program;
	int fd = work->dataplane->maps[SL_MAP_LOCAL];

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
static int fill_tables(const struct work *work)
{
	const struct sl_program *program = work->program;
	void *image;

	if (!program->image_words)
		return 0;
	image = mmap(NULL, image_bytes(program), PROT_READ | PROT_WRITE, MAP_SHARED,
		     work->dataplane->maps[SL_MAP_TABLES], 0);
	if (image == MAP_FAILED)
		return -errno;
	memcpy(image, program->image, image_bytes(program));
	munmap(image, image_bytes(program));
	return 0;
}

static int fill_legacy(const struct sl_dataplane *dataplane, const struct sl_legacy_tables *legacy)
{
	u32 zero = 0;

	if (!legacy)
		return 0;
	if (bpf_map_update_elem(dataplane->maps[SL_MAP_LEGACY], &zero, &legacy->cell, BPF_ANY))
		return -errno;
	for (u32 i = 0; i < legacy->chunk_count; i++)
		if (bpf_map_update_elem(dataplane->maps[SL_MAP_LEGACY_CHUNKS], &i,
					&legacy->chunks[i], BPF_ANY))
			return -errno;
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
		return fail_privileges(diag);
	return sl_fail(diag, -error,
		       "the kernel refuses the program (%s). Please report this with the rules. "
		       "The verifier's last lines:\n%s",
		       strerror(-error), last_lines(log));
}

/* The template's instructions with this data plane's maps; malloc'd. */
static struct bpf_insn *put_maps(const struct sl_template *template, const int maps[SL_MAPS])
{
	struct bpf_insn *insns = malloc(template->count * sizeof *insns);

	for (u32 i = 0; insns && i < template->count; i++) {
		insns[i] = template->insns[i];
		if (sl_names_map(&insns[i]))
			insns[i].imm = maps[insns[i].imm];
	}
	return insns;
}

/*
 * BTF's func_info and line_info, with offsets that follow the instructions; malloc'd. NULL: out of
 * memory.
 */
static void *move_records(const struct sl_records *records, const u32 *moved)
{
	char *copy = malloc((size_t)records->count * records->size + 1);

	for (u32 i = 0; copy && i < records->count; i++) {
		char *record = copy + (size_t)i * records->size;
		u32 offset;

		memcpy(record, (const char *)records->items + (size_t)i * records->size,
		       records->size);
		memcpy(&offset, record, sizeof offset);
		offset = moved[offset];
		memcpy(record, &offset, sizeof offset);
	}
	return copy;
}

/* A file descriptor, or -errno. */
static int load_spliced(const struct sl_template *template, const struct sl_spliced *spliced,
			u32 log_level, char *log)
{
	SL_CLEANUP(sl_free) void *functions = move_records(&template->func_info, spliced->moved);
	SL_CLEANUP(sl_free) void *lines = move_records(&template->line_info, spliced->moved);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = template->attach_type,
		    .prog_flags = template->flags, .prog_btf_fd = (u32) template->btf_fd,
		    .fd_array = template->module_fds, .func_info = functions,
		    .func_info_cnt = template->func_info.count,
		    .func_info_rec_size = template->func_info.size, .line_info = lines,
		    .line_info_cnt = template->line_info.count,
		    .line_info_rec_size = template->line_info.size, .log_level = log_level,
		    .log_buf = log, .log_size = VERIFIER_LOG_SIZE);
	int fd;

	if (!functions || !lines)
		return -ENOMEM;
	fd = bpf_prog_load(template->type, template->name, "GPL", spliced->insns, spliced->count,
			   &opts);
	return fd < 0 ? -errno : fd;
}

static int load_program(struct work *work, u32 log_level, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane = work->dataplane;
	SL_CLEANUP(sl_free) char *log = calloc(1, VERIFIER_LOG_SIZE);
	SL_CLEANUP(sl_free)
	struct bpf_insn *insns = put_maps(work->template, dataplane->maps);
	struct sl_spliced spliced;
	int error;

	if (!log || !insns)
		return sl_fail_memory(diag);
	error = sl_splice(insns, work->template->count, work->code, &dataplane->config, resolve,
			  work, &spliced);
	if (error)
		return fail_load(diag, error, log);
	dataplane->program_fd = load_spliced(work->template, &spliced, log_level, log);
	sl_spliced_free(&spliced);
	return dataplane->program_fd < 0 ? fail_load(diag, dataplane->program_fd, log) : 0;
}

static int load(struct work *work, u32 log_level, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane = work->dataplane;
	int error = load_program(work, log_level, diag);

	if (error)
		return error;
	error = fill_local(work);
	if (error)
		return sl_fail(diag, -error, "the map of local addresses: %s", strerror(-error));
	error = fill_tables(work);
	if (error)
		return sl_fail(diag, -error, "the map of tables: %s", strerror(-error));
	error = sl_set_maps_place_tries(&dataplane->sets, dataplane->maps[SL_MAP_TRIES]);
	return error ? sl_fail(diag, -error, "the map of interval sets: %s", strerror(-error)) : 0;
}

static struct sl_dataplane *new_dataplane(void)
{
	struct sl_dataplane *dataplane = calloc(1, sizeof *dataplane);

	if (!dataplane)
		return NULL;
	dataplane->program_fd = -1;
	for (u32 i = 0; i < SL_MAPS; i++)
		dataplane->maps[i] = -1;
	return dataplane;
}

static int try_load(const struct sl_program *program, const struct sl_code *code,
		    enum sl_hook_point point, const struct sl_handover *handover, u32 log_level,
		    struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane = new_dataplane();
	struct work work = {.program = program, .code = code, .dataplane = dataplane};
	int error;

	if (!dataplane)
		return sl_fail_memory(diag);
	error = sl_template_get(point, handover->witness, &work.template, diag);
	if (!error)
		error = sl_set_maps_create(program, &dataplane->sets, diag);
	if (!error) {
		dataplane->has_known =
			handover->known && sl_program_tracks(program, SL_IP | SL_IP6);
		configure(&work, point);
		size_maps(&work);
		size_legacy(&work, handover->legacy);
		error = share_maps(dataplane, handover, diag);
	}
	if (!error)
		error = make_maps(&work, diag);
	if (!error && dataplane->shares_notes)
		dataplane->live->began_ns = handover->last->live->began_ns;
	if (!error)
		error = load(&work, log_level, diag);
	if (!error && fill_legacy(dataplane, handover->legacy))
		error = sl_fail(diag, errno, "the map of legacy tables: %s", strerror(errno));
	if (error) {
		sl_dataplane_free(dataplane);
		return error;
	}
	*ret_dataplane = dataplane;
	return 0;
}

/* ENXIO: of a module that has just gone. */
static bool is_refusal(int error)
{
	return error == -EACCES || error == -EINVAL || error == -ENXIO;
}

int sl_dataplane_load(const struct sl_program *program, const struct sl_code *code,
		      enum sl_hook_point point, const struct sl_handover *handover,
		      struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	static const struct sl_handover nothing;
	struct sl_diag details = {0};
	struct sl_handover plain;
	int error, again;

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
	/* A bug of ours: once more, from the start, to report what led to it. */
	sl_template_forget(point, plain.witness);
	again = try_load(program, code, point, &plain, LOG_EVERYTHING, ret_dataplane, &details);
	if (again == error)
		*diag = details;
	return again ? error : 0;
}

int sl_dataplane_place_limits(struct sl_dataplane *dataplane,
			      const struct sl_limit_place places[SL_LIMITS_MAX])
{
	int fd = dataplane->maps[SL_MAP_LIMITS];

	for (u32 i = 0; i < SL_LIMITS_MAX; i++)
		if (bpf_map_update_elem(fd, &i, &places[i], BPF_ANY))
			return -errno;
	return 0;
}

int sl_dataplane_place_filled(struct sl_dataplane *dataplane,
			      const struct sl_filled_place places[SL_FILLED_MAX],
			      const struct sl_recent_place recents[SL_FILLED_MAX])
{
	int fd = dataplane->maps[SL_MAP_FILLED], recents_fd = dataplane->maps[SL_MAP_RECENTS];

	for (u32 i = 0; i < SL_FILLED_MAX; i++)
		if (bpf_map_update_elem(fd, &i, &places[i], BPF_ANY) ||
		    bpf_map_update_elem(recents_fd, &i, &recents[i], BPF_ANY))
			return -errno;
	return 0;
}

void sl_dataplane_free(struct sl_dataplane *dataplane)
{
	if (!dataplane)
		return;
	sl_close(&dataplane->program_fd);
	if (dataplane->live)
		munmap((void *)dataplane->live, sizeof *dataplane->live);
	for (u32 i = 0; i < SL_MAPS; i++)
		sl_close(&dataplane->maps[i]);
	sl_set_maps_close(&dataplane->sets);
	free(dataplane);
}

int sl_dataplane_program_fd(const struct sl_dataplane *dataplane)
{
	return dataplane->program_fd;
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
	const int *maps = dataplane->maps;

	return (struct sl_dataplane_maps){
		.live = maps[SL_MAP_LIVE],
		.fates = maps[SL_MAP_FATES],
		.rule_counters = maps[SL_MAP_RULE_COUNTERS],
		.local = maps[SL_MAP_LOCAL],
		.batch_notes = maps[SL_MAP_BATCH_NOTES],
	};
}

struct sl_set_maps *sl_dataplane_sets(struct sl_dataplane *dataplane)
{
	return &dataplane->sets;
}

void sl_dataplane_begin(struct sl_dataplane *dataplane)
{
	if (!dataplane->shares_notes)
		dataplane->live->began_ns = sl_monotonic_ns();
}

void sl_dataplane_withdraw(struct sl_dataplane *dataplane)
{
	__atomic_store_n(&dataplane->live->epoch, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the changes that follow */
}

void sl_dataplane_publish(struct sl_dataplane *dataplane, const struct sl_snapshot *snapshot,
			  bool related_possible)
{
	volatile struct sl_live *live = dataplane->live;

	sl_dataplane_withdraw(dataplane);
	live->expected = *snapshot;
	live->related_possible = related_possible;
	__atomic_store_n(&live->epoch, ++dataplane->epoch, __ATOMIC_SEQ_CST);
}

void sl_dataplane_set_related(struct sl_dataplane *dataplane, bool related_possible)
{
	dataplane->live->related_possible = related_possible;
}
