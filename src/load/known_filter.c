/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/known_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "known.skel.h"
#include "load/dataplane.h"
#include "load/hook_links.h"
#include "load/symbols.h"

/* A generation's words, as a power of 2: from 32 KiB to 4 MiB. */
#define WORDS_LOG_MIN 12
#define WORDS_LOG_MAX 19

/* Words that tell how full the filter is. */
#define SAMPLE (1U << WORDS_LOG_MIN)

struct sl_known {
	struct known_bpf *skeleton;
	u64 *words;   /* both generations */
	u32 word_log; /* of one, at most */
	int links[SL_KNOWN_LINKS];
	bool is_searched;     /* nobody else was found to make connections … */
	u64 searched_modules; /* … while this was the youngest module */
};

/*
 * A word for each connection, with two tuples: so of 1,000 strangers one is looked up, and a third
 * of the bits is set when there are four times as many.
 */
static u32 fitting_log(u64 connections, u32 max)
{
	u32 log = WORDS_LOG_MIN;

	while (log < max && 1UL << log < connections)
		log++;
	return log;
}

static u32 greatest_log(void)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen("/proc/sys/net/netfilter/nf_conntrack_max", "re");
	unsigned long max;

	return fitting_log(file && fscanf(file, "%lu", &max) == 1 ? max : 0, WORDS_LOG_MAX);
}

static u64 map_bytes(u32 log)
{
	return (u64)SL_KNOWN_GENERATIONS * sizeof(u64) << log;
}

u64 sl_known_bytes(void)
{
	return map_bytes(greatest_log());
}

/* Older kernels refuse, which is no error of anybody's. */
static int load_quietly(struct known_bpf *skeleton)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int error = known_bpf__load(skeleton);

	libbpf_set_print(print);
	return error;
}

static int load(struct sl_known *known, struct sl_diag *diag)
{
	struct bpf_program *writer;
	int error;

	known->skeleton = known_bpf__open();
	if (!known->skeleton)
		return sl_fail(diag, errno, "cannot open the BPF object: %s", strerror(errno));
	writer = known->skeleton->progs.sluice_known;
	bpf_program__set_type(writer, SL_PROGRAM_NETFILTER);
	bpf_program__set_expected_attach_type(writer, SL_ATTACH_NETFILTER);
	bpf_map__set_max_entries(known->skeleton->maps.known_words,
				 SL_KNOWN_GENERATIONS << known->word_log);
	error = load_quietly(known->skeleton);
	if (error)
		return sl_fail(diag, EOPNOTSUPP,
			       "this kernel takes no programs at netfilter's hooks (%s): they came "
			       "with Linux 6.4 and CONFIG_NETFILTER_BPF_LINK",
			       strerror(-error));
	known->words = mmap(NULL, map_bytes(known->word_log), PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(known->skeleton->maps.known_words), 0);
	if (known->words != MAP_FAILED)
		return 0;
	known->words = NULL;
	return sl_fail(diag, errno, "the map of known connections: %s", strerror(errno));
}

static int prepare(struct sl_known *known, struct sl_diag *diag)
{
	volatile struct sl_known_cell *cell = sl_known_cell(known);
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;
	u64 seeds[3];

	if (getrandom(seeds, sizeof seeds, 0) != sizeof seeds)
		return sl_fail(diag, errno, "no random numbers: %s", strerror(errno));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(known->skeleton->progs.sluice_known), &info,
				   &size))
		return sl_fail(diag, errno, "a program has no id: %s", strerror(errno));
	for (u32 i = 0; i < SL_ARRAY_SIZE(seeds); i++)
		cell->seeds[i] = seeds[i];
	for (u32 i = 0; i < SL_KNOWN_GENERATIONS; i++) {
		cell->first[i] = i << known->word_log;
		cell->shift[i] = (u8)(64 - WORDS_LOG_MIN);
	}
	cell->state = SL_KNOWN_MADE;
	known->skeleton->bss->writer = info.id;
	known->skeleton->bss->cpus = (u32)abs(libbpf_num_possible_cpus());
	return 0;
}

int sl_known_open(struct sl_known **ret_known, struct sl_diag *diag)
{
	struct sl_known *known = calloc(1, sizeof *known);
	int error;

	if (!known)
		return sl_fail_memory(diag);
	for (u32 i = 0; i < SL_KNOWN_LINKS; i++)
		known->links[i] = -1;
	known->word_log = greatest_log();
	error = load(known, diag);
	if (!error)
		error = prepare(known, diag);
	if (error) {
		sl_known_free(known);
		return error;
	}
	*ret_known = known;
	return 0;
}

void sl_known_free(struct sl_known *known)
{
	if (!known)
		return;
	for (u32 i = 0; i < SL_KNOWN_LINKS; i++)
		sl_close(&known->links[i]);
	if (known->words)
		munmap(known->words, map_bytes(known->word_log));
	known_bpf__destroy(known->skeleton);
	free(known);
}

int sl_known_hook(struct sl_known *known, struct sl_diag *diag)
{
	int program_fd = bpf_program__fd(known->skeleton->progs.sluice_known);

	for (u32 i = 0; i < SL_KNOWN_LINKS; i++) {
		int fd = sl_hook_link_create(program_fd, i / 2 ? NFPROTO_IPV6 : NFPROTO_IPV4,
					     i % 2 ? NF_INET_POST_ROUTING : NF_INET_LOCAL_IN,
					     SL_KNOWN_PRIORITY, SL_KNOWN_PRIORITIES);

		known->links[i] = fd < 0 ? -1 : fd;
		if (fd >= 0)
			continue;
		while (i--)
			sl_close(&known->links[i]);
		return sl_fail(diag, -fd, "no program at netfilter's hooks: %s", strerror(-fd));
	}
	return 0;
}

/* What runs our programs at netfilter's hooks. */
static const char runner[] = "nf_hook_run_bpf";

/* Who confirms connections besides nf_confirm(): some function of each, and its name. */
static const struct rival {
	const char *function, *name;
} rivals[] = {
	{"tcf_ct_act", "TC's action ct"},
	{"ovs_ct_execute", "Open vSwitch"},
	{"nf_ct_bridge_post", "bridge conntrack"},
	{"ip_vs_nfct_", "IPVS"},
	{"ip_vs_tunnel_xmit", "IPVS"},
};

static const struct rival *find_rival(const char *function)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(rivals); i++)
		if (!strncmp(function, rivals[i].function, strlen(rivals[i].function)))
			return &rivals[i];
	return NULL;
}

/* What /proc/kallsyms tells of the kernel. */
struct symbols {
	const struct rival *rival; /* NULL: none */
	bool has_runner, is_whole;
	u64 confirm, modules; /* addresses, 0: none */
};

static void take_symbol(void *context, u64 address, const char *name)
{
	struct symbols *symbols = context;

	if (!strcmp(name, runner))
		symbols->has_runner = true;
	else if (!strcmp(name, "nf_confirm"))
		symbols->confirm = address;
	else if (!strcmp(name, "modules"))
		symbols->modules = address;
	else if (!symbols->rival)
		symbols->rival = find_rival(name);
}

static struct symbols read_symbols(void)
{
	struct symbols symbols = {0};

	symbols.is_whole = !sl_symbols_each("/proc/kallsyms", take_symbol, &symbols);
	return symbols;
}

/* What follows from it. */
static bool has_obstacle(const struct symbols *symbols, char ret_reason[128])
{
	if (!symbols->is_whole)
		snprintf(ret_reason, 128, "/proc/kallsyms cannot be read");
	else if (!symbols->has_runner)
		snprintf(ret_reason, 128,
			 "this kernel takes no programs at netfilter's hooks (Linux 6.4 brought "
			 "them)");
	else if (symbols->rival)
		snprintf(ret_reason, 128, "%s makes connections of its own", symbols->rival->name);
	else if (libbpf_num_possible_cpus() > SL_KNOWN_CPUS_MAX)
		snprintf(ret_reason, 128, "there can be more than %d processors",
			 SL_KNOWN_CPUS_MAX);
	else
		return false;
	return true;
}

bool sl_known_obstacle(char ret_reason[128])
{
	struct symbols symbols = read_symbols();

	return has_obstacle(&symbols, ret_reason);
}

/* Who is in the kernel, once for each list of modules. */
static int search(struct sl_known *known, struct sl_diag *diag)
{
	struct symbols symbols = read_symbols();
	char reason[128];

	known->is_searched = false;
	if (has_obstacle(&symbols, reason))
		return sl_fail(diag, ENOENT, "%s", reason);
	if (!symbols.modules && !access("/proc/modules", F_OK))
		return sl_fail(diag, ENOENT, "the kernel's list of modules cannot be found");
	known->skeleton->bss->confirm = symbols.confirm;
	known->skeleton->bss->modules = symbols.modules;
	known->searched_modules = known->skeleton->bss->sight.modules.value;
	known->is_searched = true;
	return 0;
}

static int look(struct sl_known *known, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(known->skeleton->progs.look), &opts))
		return sl_fail(diag, errno, "cannot look at the kernel's state: %s",
			       strerror(errno));
	return 0;
}

int sl_known_look(struct sl_known *known, struct sl_known_sight *ret_sight, struct sl_diag *diag)
{
	const struct sl_known_sight *sight = &known->skeleton->bss->sight;
	int error = look(known, diag);

	/* A module may come while the symbols are read; the first time, where they lie is not known
	 * yet. */
	for (u32 i = 0; !error && i < 3; i++) {
		if (known->is_searched && sight->modules.value == known->searched_modules)
			break;
		error = search(known, diag);
		if (!error)
			error = look(known, diag);
	}
	if (error)
		return error;
	if (!known->skeleton->bss->found || sight->modules.value != known->searched_modules)
		return sl_fail(diag, ENOENT,
			       "conntrack's own hooks are not right behind those of the filter");
	*ret_sight = *sight;
	return 0;
}

volatile struct sl_known_cell *sl_known_cell(const struct sl_known *known)
{
	return (volatile struct sl_known_cell *)&known->skeleton->data_known->known;
}

struct sl_known_fds sl_known_fds(const struct sl_known *known)
{
	struct sl_known_fds fds = {
		.cell = bpf_map__fd(known->skeleton->maps.data_known),
		.words = bpf_map__fd(known->skeleton->maps.known_words),
	};

	memcpy(fds.links, known->links, sizeof fds.links);
	return fds;
}

/* Hooks that have not ended may still write by the old size: that is within the half, too. */
void sl_known_clear(struct sl_known *known, u32 generation, u32 connections)
{
	volatile struct sl_known_cell *cell = sl_known_cell(known);

	memset(known->words + cell->first[generation], 0, sizeof(u64) << known->word_log);
	cell->shift[generation] = (u8)(64 - fitting_log(connections, known->word_log));
}

void sl_known_add(struct sl_known *known, u32 generation, const struct sl_known_tuple *tuple)
{
	const volatile struct sl_known_cell *cell = sl_known_cell(known);
	u64 hash = sl_known_hash(cell, tuple);

	__atomic_fetch_or(&known->words[sl_known_index(cell, hash, generation)],
			  sl_known_bits(hash), __ATOMIC_SEQ_CST);
}

u32 sl_known_fullness(const struct sl_known *known, u32 generation)
{
	const u64 *words = known->words + sl_known_cell(known)->first[generation];
	u64 set = 0;

	for (u32 i = 0; i < SAMPLE; i++)
		set += (u64)__builtin_popcountll(words[i]);
	return (u32)(set * 1000 / (SAMPLE * 64));
}
