/* SPDX-License-Identifier: GPL-2.0-only */
/* The netfilter hooks of a namespace, as bpf/snapshot.bpf.c lists them. */
#ifndef SLUICE_ABI_HOOKS_H
#define SLUICE_ABI_HOOKS_H

#include <linux/types.h>

#define SL_HOOKS_MAX  32 /* in one list; with more, `count` tells */
#define SL_HOOK_LISTS 7  /* IPv4 and IPv6: prerouting, input, forward; the device's ingress */

struct sl_hook_list {
	__u32 count, padding;
	struct {
		__u64 function; /* kernel address; /proc/kallsyms has its name */
		__s32 priority;
		__u32 padding;
		char program[16]; /* of a netfilter link: its BPF program's name */
	} hooks[SL_HOOKS_MAX];
};

#endif
