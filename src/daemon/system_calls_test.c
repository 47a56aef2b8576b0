/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/system_calls.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a child, behind the filter: 0 if it was let through, else the errno; −1 if it died of it. */
static int behind(enum sl_caller caller, long (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct sl_diag diag;

		if (sl_system_calls_limit(caller, &diag))
			_exit(255);
		errno = 0;
		_exit(call() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return -1;
	}
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

#ifdef __SANITIZE_ADDRESS__
static const bool is_sanitized = true;
#else
static const bool is_sanitized;
#endif

static void refuses(enum sl_caller caller, long (*call)(void))
{
	assert_int_equal(behind(caller, call), is_sanitized ? -1 : ENOSYS);
}

static void lets_through(enum sl_caller caller, long (*call)(void))
{
	assert_int_equal(behind(caller, call), 0);
}

static long start_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static long enter_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static long look_into_others(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0UL, NULL, 0UL, 0UL);
}

static long mount_something(void)
{
	return mount("none", "/nonexistent", "tmpfs", 0, NULL);
}

static long load_module(void)
{
	return syscall(SYS_finit_module, -1, "", 0);
}

static long hear_all_packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static long put_others_first(void)
{
	const struct sched_param parameters = {0};

	return sched_setscheduler(getppid(), SCHED_OTHER, &parameters);
}

static long type_for_the_user(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long map(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
											      : 0;
}

static long map_memory(void)
{
	return map(PROT_READ | PROT_WRITE);
}

static long map_code(void)
{
	return map(PROT_READ | PROT_EXEC);
}

static long make_code_of_data(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long start_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

static long start_process_elsewhere(void)
{
	return syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long ask_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static void what_leads_out_is_refused_to_both(void **state)
{
	static long (*const calls[])(void) = {
		start_program,    enter_namespace,   look_into_others,  mount_something,
		load_module,      hear_all_packets,  type_for_the_user, map_code,
		put_others_first, make_code_of_data,
	};

	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		refuses(SL_CALLER_KEEPER, calls[i]);
		refuses(SL_CALLER_SERVICE, calls[i]);
	}
}

static void what_they_live_on_is_not(void **state)
{
	(void)state;
	lets_through(SL_CALLER_KEEPER, map_memory);
	lets_through(SL_CALLER_KEEPER, ask_netlink);
	lets_through(SL_CALLER_SERVICE, ask_netlink);
}

static void only_the_service_has_children(void **state)
{
	(void)state;
	lets_through(SL_CALLER_SERVICE, start_process);
	if (is_sanitized) /* it starts processes itself, to look for leaks */
		return;
	refuses(SL_CALLER_SERVICE, start_process_elsewhere);
	refuses(SL_CALLER_KEEPER, start_process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_leads_out_is_refused_to_both),
		cmocka_unit_test(what_they_live_on_is_not),
		cmocka_unit_test(only_the_service_has_children),
	};

	return cmocka_run_group_tests_name("daemon/system_calls", tests, NULL, NULL);
}
