/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/foreign.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "known.h"
#include "load/hook_links.h"
#include "load/symbols.h"

/*
 * Functions whose hooks are accounted for: nf_tables' by its dump, conntrack, defragmentation and
 * NAT by the path (lift/path.c); the rest comes behind every filter chain or only ever drops
 * (security modules).
 */
static const char *const known[] = {
	"nft_do_chain", "nf_nat_",        "ipv4_conntrack_",    "ipv6_conntrack_", "ipv6_defrag",
	"nf_confirm",   "ipv4_confirm",   "ipv6_confirm",       "selinux_",        "apparmor_",
	"smack_",       "ipv4_synproxy_", "ipv6_synproxy_hook",
};

/* Legacy tables', which are accounted for by source/legacy.h and sl_host's flags. */
static const char *const legacy[] = {"ipt_do_table", "ip6t_do_table", "iptable_", "ip6table_"};

static bool is_among(const char *const *beginnings, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static bool is_known(const char *name)
{
	return is_among(known, SL_ARRAY_SIZE(known), name);
}

static bool is_legacy(const char *name)
{
	return is_among(legacy, SL_ARRAY_SIZE(legacy), name);
}

/*
 * Those of sluice, for whichever device, drop what the rules drop, or write down connections (abi/
 * known.h), and do nothing else.
 */
static bool is_own(const char *name, const char program[16])
{
	return !strcmp(name, "nf_hook_run_bpf") &&
	       (!strncmp(program, SL_HOOK_PROGRAM, 16) || !strncmp(program, SL_KNOWN_PROGRAM, 16));
}

/* What tables of most hosts bring along: so that their first chain of a kind costs no reading. */
static bool is_likely(const char *name)
{
	static const char *const likely[] = {
		"nft_do_chain", "nf_nat_",    "ipv4_conntrack_", "ipv6_conntrack_",
		"ipv6_defrag",  "nf_confirm", "nf_hook_run_bpf",
	};

	if (name[0] != 'n' && name[0] != 'i')
		return false;
	for (size_t i = 0; i < SL_ARRAY_SIZE(likely); i++)
		if (!strncmp(name, likely[i], strlen(likely[i])))
			return true;
	return false;
}

static struct sl_symbols symbols = {.is_likely = is_likely};

_Static_assert(SL_SYMBOLS_WANTED_MAX >= SL_HOOK_LISTS * SL_HOOKS_MAX, "one look fits");

static int name_functions(const struct sl_hook_list *lists)
{
	sl_symbols_renew(&symbols, "/proc/modules");
	for (u32 l = 0; l < SL_HOOK_LISTS; l++)
		for (u32 i = 0; i < lists[l].count && i < SL_HOOKS_MAX; i++)
			sl_symbols_want(&symbols, lists[l].hooks[i].function);
	return sl_symbols_find(&symbols, "/proc/kallsyms");
}

static int add_foreign(struct sl_host *host, u32 family, u32 hook, s32 priority, const char *name)
{
	struct sl_foreign_hook *foreign = sl_list_push(host->arena, &host->foreign_hooks);

	if (!foreign)
		return -ENOMEM;
	*foreign = (struct sl_foreign_hook){
		.family = family,
		.hook = hook,
		.priority = priority,
		.name = sl_arena_strdup(host->arena, name),
	};
	return foreign->name ? 0 : -ENOMEM;
}

/* The list is in the order in which packets meet them. */
static int add_legacy(const struct sl_hook_list *list, u32 index, struct sl_host *host, u32 family,
		      u32 hook)
{
	struct sl_legacy_hook *slot = sl_list_push(host->arena, &host->legacy_hooks);
	s32 priority = list->hooks[index].priority;
	bool is_first = !index || list->hooks[index - 1].priority != priority;
	bool is_last = index + 1 == list->count || list->hooks[index + 1].priority != priority;

	if (!slot)
		return -ENOMEM;
	*slot = (struct sl_legacy_hook){
		.family = family,
		.hook = hook,
		.priority = priority,
		.rank = is_first  ? -1
			: is_last ? 1
				  : 0,
	};
	return 0;
}

static int note_list(const struct sl_hook_list *list, struct sl_host *host, u32 family, u32 hook)
{
	int error = 0;

	if (list->count > SL_HOOKS_MAX)
		return add_foreign(host, family, hook, list->hooks[0].priority,
				   "too many hooks to look at");
	for (u32 i = 0; i < list->count && !error; i++) {
		const char *name = sl_symbols_name(&symbols, list->hooks[i].function);

		if (!strncmp(name, "ipv4_conntrack_in", 17))
			host->tracks_ip = true;
		if (!strncmp(name, "ipv6_conntrack_in", 17))
			host->tracks_ip6 = true;
		if (!strncmp(name, "nf_nat_", 7))
			*(family == NFPROTO_IPV6 ? &host->nats_ip6 : &host->nats_ip) = true;
		if (!name[0])
			error = add_foreign(host, family, hook, list->hooks[i].priority,
					    "a function whose name /proc/kallsyms hides "
					    "(kernel.kptr_restrict)");
		else if (is_legacy(name))
			error = add_legacy(list, i, host, family, hook);
		else if (!is_known(name) && !is_own(name, list->hooks[i].program))
			error = add_foreign(host, family, hook, list->hooks[i].priority, name);
	}
	return error;
}

int sl_foreign_note(const struct sl_hook_list *lists, struct sl_host *host)
{
	int error = name_functions(lists);

	for (u32 i = 0; i < 3 && !error; i++)
		error = note_list(&lists[i], host, NFPROTO_IPV4, NF_INET_PRE_ROUTING + i);
	for (u32 i = 0; i < 3 && !error; i++)
		error = note_list(&lists[3 + i], host, NFPROTO_IPV6, NF_INET_PRE_ROUTING + i);
	if (!error)
		error = note_list(&lists[6], host, NFPROTO_NETDEV, NF_NETDEV_INGRESS);
	return error;
}
