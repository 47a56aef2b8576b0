// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"

#define BIT(capability) (1ULL << (capability))

/* Keepers wait ahead of others' work (daemon/follow.c). False where that takes CAP_SYS_NICE. */
static bool allow_urgency(void)
{
	const struct rlimit realtime = {1, 1}, nice = {40, 40}; /* 20 - (-20) */

	return !setrlimit(RLIMIT_RTPRIO, &realtime) && !setrlimit(RLIMIT_NICE, &nice);
}

static u64 list_kept(bool watches)
{
	/*
	 * SYS_ADMIN holds BPF and PERFMON, and alone lets one find the types of modules
	 * (BPF_BTF_GET_NEXT_ID), as nf_tables and conntrack are; libbpf 1.1 loads nothing without.
	 * SYSLOG: where kallsyms tells addresses to nobody else, it tells whose a foreign hook is.
	 */
	u64 kept = BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_ADMIN) | BIT(CAP_SYSLOG);

	if (watches) /* others' /proc/PID/ns, which is for equals */
		kept |= BIT(CAP_SYS_PTRACE);
	if (!allow_urgency())
		kept |= BIT(CAP_SYS_NICE);
	return kept;
}

static void limit(struct __user_cap_data_struct data[2], u64 kept)
{
	for (u32 capability = 0; capability < 64; capability++) {
		struct __user_cap_data_struct *word = &data[capability / 32];
		u32 bit = 1u << capability % 32;

		if (kept & BIT(capability))
			continue;
		prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* fails beyond the last one */
		word->permitted &= ~bit;
		word->effective &= ~bit;
		word->inheritable &= ~bit;
	}
}

int sl_privileges_drop(bool watches, struct sl_diag *diag)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return sl_fail(diag, errno, "cannot read the capabilities: %s", strerror(errno));
	limit(data, list_kept(watches));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capset, &header, data))
		return sl_fail(diag, errno, "cannot give up privileges: %s", strerror(errno));
	return 0;
}
