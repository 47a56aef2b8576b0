/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libbpf hands over what it has made of a program right before it would load it: that is kept, and
 * it loads two instructions in its place.
 */
#include "load/template.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "known.h"
#include "load/symbols.h"
#include "sampling.h"
#include "state.h"
#include "xt_tables.h"

#include "sluice.skel.h" /* behind the types of what is in its maps */

static const char *const map_names[SL_MAPS] = {
	[SL_MAP_LIVE] = ".data.live",
	[SL_MAP_FATES] = "fates",
	[SL_MAP_RULE_COUNTERS] = "rule_counters",
	[SL_MAP_LOCAL] = "local_addresses",
	[SL_MAP_TABLES] = "tables",
	[SL_MAP_TRIES] = "tries",
	[SL_MAP_LIMITS] = "limits",
	[SL_MAP_FILLED] = "filled",
	[SL_MAP_FILLED_SEARCHES] = "filled_searches",
	[SL_MAP_RECENTS] = "recents",
	[SL_MAP_RECENT_SEARCHES] = "recent_searches",
	[SL_MAP_LEGACY] = ".data.legacy",
	[SL_MAP_LEGACY_CHUNKS] = "legacy_chunks",
	[SL_MAP_LEGACY_LOOKS] = "legacy_looks",
	[SL_MAP_BATCH_NOTES] = "batch_notes",
	[SL_MAP_PACKET_COPIES] = "packet_copies",
	[SL_MAP_KNOWN] = ".data.known",
	[SL_MAP_KNOWN_WORDS] = "known_words",
	[SL_MAP_SAMPLING] = ".data.sampling",
	[SL_MAP_SAMPLES] = "samples",
	[SL_MAP_SAMPLING_TURNS] = "sampling_turns",
	[SL_MAP_AUDIT_EVEN] = "audit_even",
	[SL_MAP_AUDIT_ODD] = "audit_odd",
	[SL_MAP_AUDIT_CONTROL] = "audit_control",
	[SL_MAP_AUDIT_COUNTS] = "audit_counts",
	[SL_MAP_AUDIT_DRAFTS] = "audit_drafts",
};

const char *sl_map_name(enum sl_map map)
{
	return map_names[map];
}

static const char *const function_names[SL_FUNCTIONS] = {
	[SL_FUNCTION_TABLE_STEP] = "table_step",
	[SL_FUNCTION_TRIE_HAS] = "trie_has",
	[SL_FUNCTION_TRIE_VALUE] = "trie_value",
	[SL_FUNCTION_LIMIT_IS_SPENT] = "limit_is_spent",
	[SL_FUNCTION_TCP_OPTION] = "tcp_option",
	[SL_FUNCTION_WAY_BACK_IP] = "way_back_ip",
	[SL_FUNCTION_WAY_BACK_IP6] = "way_back_ip6",
	[SL_FUNCTION_FILLED_HAS] = "filled_has",
	[SL_FUNCTION_RECENT_HAS] = "recent_has",
};

/* What libbpf's callback needs to know; it is called from within one bpf_object__load(). */
struct capture {
	const struct sluice_bpf *skeleton;
	struct sl_template *template;
};

static _Thread_local struct capture *capture;

static void release(struct sl_template *template)
{
	free(template->insns);
	free(template->func_info.items);
	free(template->line_info.items);
	if (template->btf_fd > 0)
		close(template->btf_fd);
	for (u32 i = 0; i < SL_TEMPLATE_MODULES; i++)
		if (template->module_fds[i] > 0)
			close(template->module_fds[i]);
	*template = (struct sl_template){0};
}

static int copy_fd(int fd, int *ret_copy)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 1);

	if (copy < 0)
		return -errno;
	*ret_copy = copy;
	return 0;
}

static int copy_records(const void *items, u32 count, u32 size, struct sl_records *ret_records)
{
	struct sl_records records = {malloc((size_t)count * size + 1), count, size};

	if (!records.items)
		return -ENOMEM;
	if (count)
		memcpy(records.items, items, (size_t)count * size);
	*ret_records = records;
	return 0;
}

/* The instruction that a function begins at. */
static int find_function(const struct sl_records *functions, const struct btf *btf,
			 const char *name)
{
	for (u32 i = 0; i < functions->count; i++) {
		const char *record = (const char *)functions->items + (size_t)i * functions->size;
		const struct btf_type *type;
		struct bpf_func_info info;

		memcpy(&info, record, sizeof info);
		type = btf__type_by_id(btf, info.type_id);
		if (type && !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return (int)info.insn_off;
	}
	return -ENOENT;
}

static struct bpf_map *find_map(const struct sluice_bpf *skeleton, u32 map)
{
	return bpf_object__find_map_by_name(skeleton->obj, map_names[map]);
}

static int number_of_map(const struct sluice_bpf *skeleton, int fd)
{
	for (u32 i = 0; i < SL_MAPS; i++) {
		const struct bpf_map *map = find_map(skeleton, i);

		if (map && bpf_map__fd(map) == fd)
			return (int)i;
	}
	return -EINVAL;
}

static bool calls_module(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL &&
	       insn->off;
}

/* Its second half has a file descriptor that would have to be kept; no program of ours does. */
static bool names_module_variable(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg == BPF_PSEUDO_BTF_ID &&
	       insn[1].imm;
}

/* What of the instruction is libbpf's own, and ends with its object, becomes ours. */
static int take_over(struct sl_template *template, const struct sluice_bpf *skeleton,
		     struct bpf_insn *insn, const int *fd_array)
{
	int number;

	if (sl_names_map(insn)) {
		number = number_of_map(skeleton, insn->imm);
		if (number < 0)
			return number;
		insn->imm = number;
		return 0;
	}
	if (names_module_variable(insn))
		return -ENOTSUP;
	if (!calls_module(insn))
		return 0;
	if (insn->off < 0 || insn->off >= SL_TEMPLATE_MODULES)
		return -E2BIG;
	return template->module_fds[insn->off]
		       ? 0
		       : copy_fd(fd_array[insn->off], &template->module_fds[insn->off]);
}

static int take_insns(struct sl_template *template, const struct sluice_bpf *skeleton,
		      const struct bpf_program *program, const int *fd_array)
{
	u32 count = (u32)bpf_program__insn_cnt(program);
	int error = 0;

	template->insns = calloc(count, sizeof *template->insns);
	if (!template->insns)
		return -ENOMEM;
	template->count = count;
	memcpy(template->insns, bpf_program__insns(program), count * sizeof *template->insns);
	for (u32 i = 0; i < count && !error; i++) {
		error = take_over(template, skeleton, &template->insns[i], fd_array);
		if (template->insns[i].code == (BPF_LD | BPF_DW | BPF_IMM))
			i++; /* its second half */
	}
	return error;
}

static int take_program(struct sl_template *template, const struct sluice_bpf *skeleton,
			const struct bpf_program *program, const struct bpf_prog_load_opts *opts)
{
	const struct btf *btf = bpf_object__btf(skeleton->obj);
	int error = take_insns(template, skeleton, program, opts->fd_array);

	template->type = bpf_program__type(program);
	template->attach_type = opts->expected_attach_type;
	snprintf(template->name, sizeof template->name, "%s", bpf_program__name(program));
	template->flags = opts->prog_flags;
	if (!error)
		error = copy_records(opts->func_info, opts->func_info_cnt, opts->func_info_rec_size,
				     &template->func_info);
	if (!error)
		error = copy_records(opts->line_info, opts->line_info_cnt, opts->line_info_rec_size,
				     &template->line_info);
	if (!error && opts->prog_btf_fd)
		error = copy_fd((int)opts->prog_btf_fd, &template->btf_fd);
	for (u32 i = 0; i < SL_FUNCTIONS; i++)
		template->functions[i] =
			find_function(&template->func_info, btf, function_names[i]);
	return error;
}

static int capture_before_load(struct bpf_program *program, struct bpf_prog_load_opts *opts,
			       long cookie)
{
	struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int error;

	(void)cookie;
	if (!capture)
		return -EINVAL;
	error = take_program(capture->template, capture->skeleton, program, opts);
	if (error)
		return error;
	opts->func_info = opts->line_info = NULL;
	opts->func_info_cnt = opts->line_info_cnt = 0;
	return bpf_program__set_insns(program, nothing, SL_ARRAY_SIZE(nothing));
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
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = capture_before_load);
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

/* Of the object's programs and maps those that are wanted, and no others. */
static void choose(const struct sluice_bpf *skeleton, enum sl_hook_point point, bool is_audit)
{
	struct bpf_program *const programs[][2] = {
		[SL_POINT_XDP] = {skeleton->progs.sluice_xdp, skeleton->progs.sluice_xdp_audit},
		[SL_POINT_TC] = {skeleton->progs.sluice_tc, skeleton->progs.sluice_tc_audit},
		/* An audit has none. */
		[SL_POINT_HOOK] = {skeleton->progs.sluice_netfilter,
				   skeleton->progs.sluice_netfilter},
	};

	for (u32 i = 0; i < SL_ARRAY_SIZE(programs); i++)
		for (u32 j = 0; j < SL_ARRAY_SIZE(programs[i]); j++)
			bpf_program__set_autoload(programs[i][j],
						  programs[i][j] == programs[point][is_audit]);
	for (u32 i = SL_MAP_AUDIT_EVEN; i <= SL_MAP_AUDIT_DRAFTS; i++)
		bpf_map__set_autocreate(find_map(skeleton, i), is_audit);
	bpf_map__set_autocreate(skeleton->maps.packet_copies, point == SL_POINT_HOOK);
}

static int take_shapes(struct sl_template *template, const struct sluice_bpf *skeleton)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		int number = bpf_map__autocreate(map) ? number_of_map(skeleton, bpf_map__fd(map))
						      : SL_MAPS;

		if (number < 0) /* one that nobody would make */
			return number;
		if (number == SL_MAPS)
			continue;
		template->maps[number] = (struct sl_map_shape){
			.exists = true,
			.type = bpf_map__type(map),
			.key_size = bpf_map__key_size(map),
			.value_size = bpf_map__value_size(map),
			.max_entries = bpf_map__max_entries(map),
			.flags = bpf_map__map_flags(map),
			.key_type = bpf_map__btf_key_type_id(map),
			.value_type = bpf_map__btf_value_type_id(map),
		};
	}
	return 0;
}

static int make(struct sl_template *template, enum sl_hook_point point, bool is_audit,
		struct sl_diag *diag)
{
	struct sluice_bpf *skeleton;
	struct capture work = {.template = template};
	int error;

	if (register_handlers())
		return sl_fail(diag, EINVAL, "libbpf does not take program handlers");
	skeleton = sluice_bpf__open();
	if (!skeleton)
		return sl_fail(diag, errno, "cannot open the BPF object: %s", strerror(errno));
	choose(skeleton, point, is_audit);
	work.skeleton = skeleton;
	capture = &work;
	error = sluice_bpf__load(skeleton);
	capture = NULL;
	if (!error)
		error = take_shapes(template, skeleton);
	sluice_bpf__destroy(skeleton);
	if (!error)
		return 0;
	release(template);
	if (error == -EPERM)
		return sl_fail(diag, EPERM,
			       "the kernel refuses to load a BPF program: it wants root, or "
			       "CAP_SYS_ADMIN and CAP_NET_ADMIN");
	return sl_fail(diag, -error, "libbpf cannot make the program fit this kernel (%s): %s",
		       strerror(-error), complaint);
}

/* What there is, and the modules that it was made with; 0: not known, so it is for once. */
static struct cached {
	struct sl_template template;
	u64 modules;
} cache[SL_POINT_HOOK + 1][2];

int sl_template_get(enum sl_hook_point point, bool is_audit,
		    const struct sl_template **ret_template, struct sl_diag *diag)
{
	struct cached *cached = &cache[point][is_audit];
	u64 modules = sl_symbols_modules("/proc/modules"); /* first: the next call sees who comes */
	struct sl_template template = {0};
	int error;

	if (!modules || modules != cached->modules) {
		error = make(&template, point, is_audit, diag);
		if (error)
			return error;
		release(&cached->template);
		cached->template = template;
		cached->modules = modules;
	}
	*ret_template = &cached->template;
	return 0;
}

void sl_template_forget(enum sl_hook_point point, bool is_audit)
{
	cache[point][is_audit].modules = 0;
}
