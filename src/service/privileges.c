// SPDX-License-Identifier: GPL-2.0-only
#include "service/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"

/* Keepers wait ahead of others' work (daemon/follow.c), which CAP_SYS_NICE need not stay for. */
static void allow_urgency(void)
{
	const struct rlimit realtime = {1, 1}, nice = {40, 40}; /* 20 - (-20) */

	setrlimit(RLIMIT_RTPRIO, &realtime);
	setrlimit(RLIMIT_NICE, &nice);
}

static bool is_kept(u32 capability)
{
	/*
	 * SYS_ADMIN holds BPF and PERFMON, and alone lets one find the types of modules
	 * (BPF_BTF_GET_NEXT_ID), as nf_tables and conntrack are; libbpf 1.1 loads nothing without.
	 * SYSLOG: where kallsyms tells addresses to nobody else, it tells whose a foreign hook is.
	 */
	static const u32 kept[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYSLOG};

	for (size_t i = 0; i < SL_ARRAY_SIZE(kept); i++)
		if (kept[i] == capability)
			return true;
	return false;
}

static void limit(struct __user_cap_data_struct data[2])
{
	for (u32 capability = 0; capability < 64; capability++) {
		struct __user_cap_data_struct *word = &data[capability / 32];
		u32 bit = 1u << capability % 32;

		if (is_kept(capability))
			continue;
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* fails beyond the last one */
		word->permitted &= ~bit;
		word->effective &= ~bit;
		word->inheritable &= ~bit;
	}
}

int sl_privileges_drop(struct sl_diag *diag)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	allow_urgency();
	if (syscall(SYS_capget, &header, data))
		return sl_fail(diag, errno, "cannot read the capabilities: %s", strerror(errno));
	limit(data);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, data))
		return sl_fail(diag, errno, "cannot give up privileges: %s", strerror(errno));
	return 0;
}
