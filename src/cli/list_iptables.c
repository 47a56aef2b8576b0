// SPDX-License-Identifier: GPL-2.0-only
/*
 * iptables-save knows no handles, but it writes the rules of a chain in their order, and all of
 * them; so the n-th "-A CHAIN" is the n-th rule of the chain in the dump, as long as nobody
 * changes them between. That is what the generation is compared for, and of iptables-legacy's
 * tables the hash.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/list.h"
#include "load/legacy_tables.h"
#include "source/command.h"
#include "source/source.h"

#define READ_PATIENCE_MS 2000
#define TOOL_PATIENCE_MS 60000
#define TRIES            10
#define TRY_AGAIN_US     20000
#define LOOPBACK         1 /* every namespace has it */

/* The variant for nf_tables by its own name, where the plain one may be the legacy tool. */
static const struct saved {
	const char *tool, *plain_tool;
	u32 family;
	bool is_legacy;
} saved[] = {
	{"iptables-nft-save", "iptables-save", NFPROTO_IPV4, false},
	{"ip6tables-nft-save", "ip6tables-save", NFPROTO_IPV6, false},
	{"iptables-legacy-save", "iptables-save", NFPROTO_IPV4, true},
	{"ip6tables-legacy-save", "ip6tables-save", NFPROTO_IPV6, true},
};

struct save {
	const struct sl_early *early;
	const struct sl_ruleset *rules;
	u32 family;
	bool is_legacy;
	const struct sl_nft_table *table; /* of the "*table" at hand; NULL: not in nf_tables */
	u32 *met;                         /* rules seen so far, by the table's chains; malloc'd */
};

/* Chain names hold no spaces, so that the first one ends it. */
static const struct sl_nft_chain *find_chain(const struct save *save, const char *name,
					     u32 *ret_index)
{
	size_t length = strcspn(name, " ");

	for (u32 i = 0; save->table && i < save->table->chains.count; i++) {
		const struct sl_nft_chain *chain = save->table->chains.items[i];

		if (strlen(chain->name) == length && !strncmp(chain->name, name, length)) {
			*ret_index = i;
			return chain;
		}
	}
	return NULL;
}

static const struct sl_nft_table *find_table(const struct save *save, const char *name)
{
	char legacy_name[64];

	if (save->is_legacy) {
		snprintf(legacy_name, sizeof legacy_name, SL_LEGACY_PREFIX "%s", name);
		name = legacy_name;
	}
	return sl_ruleset_find_table(save->rules, save->family, name);
}

static int start_table(struct save *save, const char *name)
{
	free(save->met);
	save->table = find_table(save, name);
	save->met = calloc(save->table ? save->table->chains.count + 1 : 1, sizeof *save->met);
	return save->met ? 0 : -ENOMEM;
}

/* ":INPUT DROP [12:3456]" */
static void print_policy(struct save *save, const char *line)
{
	const char *counts = strrchr(line, '[');
	unsigned long long packets, bytes;
	const struct sl_nft_chain *chain;
	struct sl_count early;
	u32 index;

	chain = find_chain(save, line + 1, &index);
	if (!chain || !counts || sscanf(counts, "[%llu:%llu]", &packets, &bytes) != 2) {
		printf("%s\n", line);
		return;
	}
	early = sl_early_find(save->early, save->table->handle, chain->handle, 0);
	printf("%.*s[%llu:%llu]\n", (int)(counts - line), line, packets + early.packets,
	       bytes + early.bytes);
}

/* "[12:3456] -A INPUT …" */
static void print_rule(struct save *save, const char *line)
{
	unsigned long long packets, bytes;
	const struct sl_nft_chain *chain;
	struct sl_count early = {0};
	int start = 0;
	u32 index;

	if (sscanf(line, "[%llu:%llu] -A %n", &packets, &bytes, &start) != 2 || !start) {
		printf("%s\n", line);
		return;
	}
	chain = find_chain(save, line + start, &index);
	if (chain && save->met[index] < chain->rules.count)
		early = sl_early_find(save->early, save->table->handle, chain->handle,
				      chain->rules.items[save->met[index]++].handle);
	printf("[%llu:%llu] -A %s\n", packets + early.packets, bytes + early.bytes, line + start);
}

static int print_line(struct save *save, const char *line)
{
	switch (*line) {
	case '*':
		printf("%s\n", line);
		return start_table(save, line + 1);
	case ':':
		print_policy(save, line);
		return 0;
	case '[':
		print_rule(save, line);
		return 0;
	default:
		printf("%s\n", line);
		return 0;
	}
}

static int print_save(const struct sl_early *early, const struct sl_ruleset *rules,
		      const struct saved *which, char *text)
{
	struct save save = {.early = early,
			    .rules = rules,
			    .family = which->family,
			    .is_legacy = which->is_legacy};
	int error = start_table(&save, "");

	for (char *rest = text, *line; !error && (line = strsep(&rest, "\n"));)
		if (*line)
			error = print_line(&save, line);
	free(save.met);
	return error;
}

static int run_save(const char *name, const char *plain_name, struct sl_command_result *ret_result,
		    struct sl_diag *diag)
{
	const char *argv[] = {name, "-c", NULL};
	struct sl_command command = {.argv = argv, .input_fd = -1, .timeout_ms = TOOL_PATIENCE_MS};
	int error = sl_command_run(&command, ret_result, diag);

	if (error == -ENOENT) {
		argv[0] = plain_name;
		error = sl_command_run(&command, ret_result, diag);
	}
	if (!error && ret_result->status) {
		error = sl_fail(diag, EIO, "%s -c failed: %.1500s", argv[0], ret_result->errors);
		sl_command_result_free(ret_result);
	}
	return error;
}

struct saves {
	struct sl_ruleset *rules;
	struct sl_command_result texts[SL_ARRAY_SIZE(saved)];
};

static void free_saves(struct saves *saves)
{
	sl_ruleset_free(saves->rules);
	for (size_t i = 0; i < SL_ARRAY_SIZE(saved); i++)
		sl_command_result_free(&saves->texts[i]);
	*saves = (struct saves){0};
}

/* The rules, iptables-legacy's among them, and what would be another if those were. */
static int read_rules(struct sl_observer *observer, struct sl_ruleset **ret_rules, u64 *ret_hash,
		      struct sl_diag *diag)
{
	static const struct sl_host nobody; /* asks how they are watched */
	struct sl_legacy_tables tables;
	struct sl_snapshot snapshot;
	int error = sl_source_read_live(READ_PATIENCE_MS, ret_rules, diag);

	if (!error)
		error = sl_observer_look(observer, LOOPBACK, &snapshot, diag);
	if (!error)
		error = sl_legacy_tables_take(observer, &nobody, *ret_rules, &tables, diag);
	if (!error)
		*ret_hash = snapshot.legacy_hash;
	return error;
}

static bool has_legacy(const struct sl_ruleset *rules, u32 family)
{
	for (u32 i = 0; i < rules->tables.count; i++)
		if (rules->tables.items[i]->is_legacy && rules->tables.items[i]->family == family)
			return true;
	return false;
}

static int run_saves(struct saves *saves, struct sl_diag *diag)
{
	int error = 0;

	for (size_t i = 0; i < SL_ARRAY_SIZE(saved) && !error; i++)
		if (!saved[i].is_legacy || has_legacy(saves->rules, saved[i].family))
			error = run_save(saved[i].tool, saved[i].plain_tool, &saves->texts[i],
					 diag);
	return error;
}

/* The dump and all texts of one generation; -EAGAIN when the rules changed between. */
static int read_saves(struct sl_observer *observer, struct saves *ret_saves, struct sl_diag *diag)
{
	struct sl_ruleset *after = NULL;
	struct saves saves = {0};
	u64 hash = 0, hash_after = 0;
	int error = read_rules(observer, &saves.rules, &hash, diag);

	if (!error)
		error = run_saves(&saves, diag);
	if (!error)
		error = read_rules(observer, &after, &hash_after, diag);
	if (!error && (after->generation != saves.rules->generation || hash != hash_after))
		error = sl_fail(diag, EAGAIN, "the rules kept changing while they were listed");
	sl_ruleset_free(after);
	if (error)
		free_saves(&saves);
	else
		*ret_saves = saves;
	return error;
}

static int print_saves(const struct sl_early *early, const struct saves *saves)
{
	int error = 0;

	for (size_t i = 0; i < SL_ARRAY_SIZE(saved) && !error; i++)
		if (saves->texts[i].output)
			error = print_save(early, saves->rules, &saved[i], saves->texts[i].output);
	return error;
}

int sl_list_iptables(const struct sl_early *early, struct sl_diag *diag)
{
	struct sl_observer *observer = NULL;
	struct saves saves = {0};
	int error = sl_observer_open(&observer, diag);

	if (error)
		return error;
	for (int i = 0; i < TRIES; i++) {
		if (i)
			usleep(TRY_AGAIN_US);
		error = read_saves(observer, &saves, diag);
		if (error != -EAGAIN)
			break;
	}
	sl_observer_free(observer);
	if (error)
		return error;
	error = print_saves(early, &saves);
	free_saves(&saves);
	return error ? sl_fail_memory(diag) : 0;
}
