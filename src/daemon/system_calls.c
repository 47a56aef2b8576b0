// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/system_calls.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/types.h"

/*
 * Tests run with sanitizers, and there whoever makes a call that is not listed dies of it, so that
 * it is noticed. Sanitizers make some of their own, the search for leaks at the end of sluiced
 * most.
 */
#ifdef __SANITIZE_ADDRESS__
#define OTHERWISE SCMP_ACT_KILL_PROCESS
/* What is left out with open eyes (system_calls.h), and refused as everywhere. */
static const int renounced[] = {SCMP_SYS(socketpair)};
static const int sanitizers[] = {
	SCMP_SYS(clone),      SCMP_SYS(dup),         SCMP_SYS(getdents), SCMP_SYS(getrlimit),
	SCMP_SYS(lstat),      SCMP_SYS(open),        SCMP_SYS(ptrace),   SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(sigaltstack), SCMP_SYS(stat),     SCMP_SYS(wait4),
};
#else
static const int renounced[] = {};
#define OTHERWISE SCMP_ACT_ERRNO(ENOSYS)
static const int sanitizers[] = {};
#endif

/* Some exist on one architecture only, and are skipped on others. */
static const int common[] = {
	/* memory; to map some that can be run is not among it */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),

	/* BPF, and the rules, devices and connections over netlink */
	SCMP_SYS(bpf),
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),

	/* files: /proc, /sys, pins, locks */
	SCMP_SYS(access),
	SCMP_SYS(chdir),
	SCMP_SYS(close),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(openat),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(rmdir),
	SCMP_SYS(statfs),
	SCMP_SYS(umask),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	SCMP_SYS(writev),

	/* waiting, time, and whose turn it is */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(futex),
	SCMP_SYS(membarrier),
	SCMP_SYS(nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(signalfd4),

	/* itself and the machine */
	SCMP_SYS(capget),
	SCMP_SYS(capset),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(gettid),
	SCMP_SYS(prctl),
	SCMP_SYS(prlimit64),
	SCMP_SYS(rseq),
	SCMP_SYS(seccomp),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setsid),
	SCMP_SYS(sysinfo),
	SCMP_SYS(tgkill),
	SCMP_SYS(uname),
};

/* Clients and keepers. */
static const int service_only[] = {
	SCMP_SYS(accept4), SCMP_SYS(close_range), SCMP_SYS(kill), SCMP_SYS(pipe2), SCMP_SYS(wait4),
};

/* With these arguments alone; any of several for the same call. */
struct argument {
	int call;
	struct scmp_arg_cmp is;
};

static const struct argument arguments[] = {
	{SCMP_SYS(mmap), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
	{SCMP_SYS(mprotect), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},

	{SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK)},
	{SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX)},
	{SCMP_SYS(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_INET)}, /* for ioctls, and the cookie */

	/* itself only */
	{SCMP_SYS(sched_setscheduler), SCMP_A0_64(SCMP_CMP_EQ, 0)},
	{SCMP_SYS(setpriority), SCMP_A1_64(SCMP_CMP_EQ, 0)},

	{SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_EQ, SIOCETHTOOL)},
	{SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_EQ, SIOCGIFINDEX)},
	{SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_EQ, SIOCGIFNAME)},
};

/* What clone3 is asked for cannot be looked at, and the C library does without it. */
static const struct argument service_arguments[] = {
	{SCMP_SYS(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ,
				     CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
					     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
				     0)},
};

static int answer(scmp_filter_ctx filter, u32 action, const int *calls, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = seccomp_rule_add(filter, action, calls[i], 0);
	return error;
}

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	return answer(filter, SCMP_ACT_ALLOW, calls, count);
}

static int allow_with(scmp_filter_ctx filter, const struct argument *with, size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, with[i].call, 1,
					       &with[i].is);
	return error;
}

static int fill(scmp_filter_ctx filter, enum sl_caller caller)
{
	int error = allow(filter, common, SL_ARRAY_SIZE(common));

	if (!error)
		error = allow_with(filter, arguments, SL_ARRAY_SIZE(arguments));
	if (!error)
		error = allow(filter, sanitizers, SL_ARRAY_SIZE(sanitizers));
	if (!error)
		error = answer(filter, SCMP_ACT_ERRNO(ENOSYS), renounced, SL_ARRAY_SIZE(renounced));
	if (error || caller != SL_CALLER_SERVICE)
		return error;
	error = allow(filter, service_only, SL_ARRAY_SIZE(service_only));
	return error ? error
		     : allow_with(filter, service_arguments, SL_ARRAY_SIZE(service_arguments));
}

int sl_system_calls_limit(enum sl_caller caller, struct sl_diag *diag)
{
	scmp_filter_ctx filter = seccomp_init(OTHERWISE);
	int error = filter ? 0 : -ENOMEM;

	/* calls of other architectures end the process: that is libseccomp's choice, and nobody's
	 * need */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	if (!error)
		error = fill(filter, caller);
	if (!error)
		error = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return error ? sl_fail(diag, -error,
			       "the kernel takes no filter of system calls (%s): it goes on "
			       "without",
			       strerror(-error))
		     : 0;
}
