/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/foreign.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Functions whose hooks are accounted for: nf_tables' by its dump, conntrack, defragmentation and
 * NAT by the path (lift/path.c), legacy tables by sl_host's flags; the rest comes behind every
 * filter chain or only ever drops (security modules).
 */
static const char *const known[] = {
	"nft_do_chain",       "nf_nat_",       "ipv4_conntrack_", "ipv6_conntrack_",
	"ipv6_defrag",        "nf_confirm",    "ipv4_confirm",    "ipv6_confirm",
	"ipt_do_table",       "ip6t_do_table", "iptable_",        "ip6table_",
	"selinux_",           "apparmor_",     "smack_",          "ipv4_synproxy_",
	"ipv6_synproxy_hook",
};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(known); i++)
		if (!strncmp(name, known[i], strlen(known[i])))
			return true;
	return false;
}

#define FUNCTIONS_MAX (SL_HOOK_LISTS * SL_HOOKS_MAX)

/* Function names change with reboots and modules only: each address is looked up once. */
struct function {
	u64 address;
	char name[48];
};

static struct function functions[FUNCTIONS_MAX];
static u32 function_count;

static struct function *find_function(u64 address)
{
	for (u32 i = 0; i < function_count; i++)
		if (functions[i].address == address)
			return &functions[i];
	return NULL;
}

/* Notes every address that has no name yet; true if there is any. */
static bool collect(const struct sl_hook_list *lists)
{
	u32 before = function_count;

	for (u32 l = 0; l < SL_HOOK_LISTS; l++) {
		for (u32 i = 0; i < lists[l].count && i < SL_HOOKS_MAX; i++) {
			u64 address = lists[l].hooks[i].function;

			if (find_function(address))
				continue;
			if (function_count == FUNCTIONS_MAX) /* modules came and went */
				function_count = before = 0;
			functions[function_count++] = (struct function){.address = address};
		}
	}
	return function_count > before;
}

static int name_functions(void)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen("/proc/kallsyms", "r");
	char line[512], name[48];
	u64 address;

	if (!file)
		return -errno;
	while (fgets(line, sizeof line, file)) {
		struct function *function;

		if (sscanf(line, "%" SCNx64 " %*c %47s", &address, name) != 2 || !address)
			continue;
		function = find_function(address);
		/* aliases at the same address begin with __pfx_ or the like: the last wins */
		if (function && strncmp(name, "__", 2) != 0)
			memcpy(function->name, name, sizeof name);
	}
	return 0;
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

static int note_list(const struct sl_hook_list *list, struct sl_host *host, u32 family, u32 hook)
{
	int error = 0;

	if (list->count > SL_HOOKS_MAX)
		return add_foreign(host, family, hook, list->hooks[0].priority,
				   "too many hooks to look at");
	for (u32 i = 0; i < list->count && !error; i++) {
		const struct function *function = find_function(list->hooks[i].function);
		const char *name = function ? function->name : "";

		if (!strncmp(name, "ipv4_conntrack_in", 17))
			host->tracks_ip = true;
		if (!strncmp(name, "ipv6_conntrack_in", 17))
			host->tracks_ip6 = true;
		if (!name[0])
			error = add_foreign(host, family, hook, list->hooks[i].priority,
					    "a function whose name /proc/kallsyms hides "
					    "(kernel.kptr_restrict)");
		else if (!is_known(name))
			error = add_foreign(host, family, hook, list->hooks[i].priority, name);
	}
	return error;
}

int sl_foreign_note(const struct sl_hook_list *lists, struct sl_host *host)
{
	int error = collect(lists) ? name_functions() : 0;

	for (u32 i = 0; i < 3 && !error; i++)
		error = note_list(&lists[i], host, NFPROTO_IPV4, NF_INET_PRE_ROUTING + i);
	for (u32 i = 0; i < 3 && !error; i++)
		error = note_list(&lists[3 + i], host, NFPROTO_IPV6, NF_INET_PRE_ROUTING + i);
	if (!error)
		error = note_list(&lists[6], host, NFPROTO_NETDEV, NF_NETDEV_INGRESS);
	return error;
}
