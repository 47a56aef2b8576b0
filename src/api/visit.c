// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread for each call: what it enters (the network namespace of the handle, the mounts of
 * process 1 for the pins) is left with it, and the caller's never notice.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/libbpf.h>

#include "api/handle.h"
#include "base/cleanup.h"

struct visit {
	struct sluice *sluice;
	int (*work)(struct sluice *sluice, void *context);
	void *context;
	int error;
};

/* What is remembered of the kernel, here and in libbpf, is one for the process. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* Entering one's own takes privileges that plans of files do without. */
static bool is_there(int netns_fd)
{
	struct stat here, there;

	return !stat("/proc/thread-self/ns/net", &here) && !fstat(netns_fd, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int enter(struct sluice *sluice)
{
	/* The mounts can only be entered by a thread that shares no working directory. */
	if (unshare(CLONE_FS))
		return sl_fail(&sluice->diag, errno, "cannot part from the caller's directory: %s",
			       strerror(errno));
	if (is_there(sluice->netns_fd) || !setns(sluice->netns_fd, CLONE_NEWNET))
		return 0;
	return sl_fail(&sluice->diag, errno, "cannot enter the network namespace: %s",
		       strerror(errno));
}

static void *run(void *argument)
{
	struct visit *visit = argument;

	visit->error = enter(visit->sluice);
	if (!visit->error)
		visit->error = visit->work(visit->sluice, visit->context);
	return NULL;
}

/* What a compile recurses in; the default is the caller's to change, and keepers live on it. */
#define STACK_BYTES (8u << 20)

/* No signal handler of the caller's runs on the thread. */
static int start_thread(struct visit *visit, pthread_t *ret_thread)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (!error)
		error = pthread_create(ret_thread, &attributes, run, visit);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static int run_thread(struct visit *visit)
{
	pthread_t thread;
	int error = start_thread(visit, &thread);

	if (error)
		return sl_fail(&visit->sluice->diag, error, "cannot start a thread: %s",
			       strerror(error));
	pthread_join(thread, NULL);
	return visit->error;
}

int sl_visit(struct sluice *sluice, int (*work)(struct sluice *sluice, void *context),
	     void *context)
{
	static libbpf_print_fn_t ours; /* silence, or load/template.c's, which collects */
	struct visit visit = {sluice, work, context, 0};
	libbpf_print_fn_t theirs;
	int error;

	pthread_mutex_lock(&turn);
	theirs = libbpf_set_print(ours);
	error = run_thread(&visit);
	ours = libbpf_set_print(theirs);
	pthread_mutex_unlock(&turn);
	return error;
}
