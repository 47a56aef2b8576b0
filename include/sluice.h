/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libsluice: what sluice(8) does, for programs.
 *
 * Errors. What returns an int returns 0, or a negative errno and leaves its outputs untouched;
 * sluice_error() then says what failed, where, why, and what to do.
 *
 * Ownership. What a function hands out by `ret_…` is freed with the function that is named for it,
 * all of it before the handle that it was asked of. Strings and structures behind const pointers
 * belong to that which they were asked of, and live as long. Where something is asked for by its
 * `index`, from 0, NULL ends the list. Structures may get more members at their ends.
 *
 * Strings. Names of tables and chains, and texts of rules, are the kernel's bytes: not always
 * UTF-8. Messages and reasons are English sentences, and may change with any version.
 *
 * Threads. A handle, with all that came of it, is for one thread at a time. Several threads may
 * have a handle each; inside the library their calls take turns.
 *
 * The process. Whatever takes a handle and returns an int works on a thread of its own, which ends
 * before the call does. The caller's namespaces, working directory, signal mask and libbpf's print
 * function are as before; handlers of programs whose section names begin with "sluice/" stay
 * registered with libbpf. Children are forked and waited for, such as nft, so calls fail in a
 * process that ignores SIGCHLD or collects all of its children. sluice_attach() leaves a process
 * behind, which is no child of the caller's: see there.
 *
 * Privileges. What sluice(8) needs: root, or a good part of it. sluice_plan_file() needs none.
 *
 * sluice is licensed under the GPL, version 2; so are programs that use this.
 */
#ifndef SLUICE_H
#define SLUICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define SLUICE_VERSION_MAJOR 0
#define SLUICE_VERSION_MINOR 1
#define SLUICE_VERSION_PATCH 0

/* "0.1.0": of the library that runs, which may be newer than this header. */
const char *sluice_version(void);

/*
 * A handle: sluice in one network namespace, which the handle keeps alive. `netns_fd` is an open
 * /run/netns/NAME or /proc/PID/ns/net, and stays the caller's; -1: that of the calling thread.
 * Where that fails there is no handle, and the errno is all.
 */
struct sluice;
int sluice_open(int netns_fd, struct sluice **ret_sluice);
void sluice_close(struct sluice *sluice); /* NULL is fine */

/* Of the last call that failed: one or more lines, without a newline at the end. */
const char *sluice_error(const struct sluice *sluice);

enum sluice_mode {
	SLUICE_MODE_AUTO,    /* asked for: the best that changes no verdict */
	SLUICE_MODE_OFFLOAD, /* asked for: in the card */
	SLUICE_MODE_NATIVE,  /* XDP in the driver */
	SLUICE_MODE_TC,      /* TC ingress */
	SLUICE_MODE_GENERIC, /* XDP behind the allocation of a buffer; never without being asked */
	SLUICE_MODE_NONE,    /* told: not attached, or it cannot be */
};

const char *sluice_mode_name(enum sluice_mode mode); /* "native" */

#define SLUICE_REPLACE (1u << 0) /* take another XDP program off first */

/* What is 0 is as if it were not said. */
struct sluice_options {
	size_t size;              /* of this structure: SLUICE_OPTIONS() sets it */
	uint64_t memory_limit;    /* bytes of the kernel's that maps may take; 64 MiB */
	enum sluice_mode mode;    /* AUTO */
	uint32_t confirm_seconds; /* 1 to 86,400: sluice_attach() with a way back */
	uint32_t flags;           /* SLUICE_… */
	uint32_t reserved;
};

#define SLUICE_OPTIONS(...)                                                                        \
	{                                                                                          \
		.size = sizeof(struct sluice_options), __VA_ARGS__                                 \
	}

/* A rule, by what nf_tables knows it by. Tables of iptables-legacy are called "legacy …". */
struct sluice_rule {
	const char *family; /* "ip", "ip6", "inet", "netdev", "arp", "bridge" */
	const char *table, *chain;
	uint64_t handle;  /* 0: the policy of the chain */
	const char *text; /* nft's; without nft sluice's own words, or NULL; of a policy "accept"
			     or "drop" */
};

/* Attaching */

/*
 * Compiles the live rules and attaches; answers when the device is attached. A process stays
 * behind that keeps it in step, until it is detached or everybody has left the network namespace.
 * It is the caller's fork, with none of its file descriptors, but with its memory, copied on write:
 * a large program attaches best from a small one.
 * Where sluiced runs and keeps the device, sluiced is asked instead; then options are refused,
 * since they are its configuration's: -EPERM. -EPROTO: sluiced refuses.
 * With `confirm_seconds`, all goes back to how it was unless sluice_confirm() comes in time, from
 * any process; so it does if this one dies.
 * -EALREADY: it is attached. -ENODEV: no such device. `options` and `ret_mode` may be NULL.
 */
int sluice_attach(struct sluice *sluice, const char *device, const struct sluice_options *options,
		  enum sluice_mode *ret_mode);

/* Keeps what was attached with `confirm_seconds`. -ENOENT: nobody waits for that. */
int sluice_confirm(struct sluice *sluice, const char *device);

/*
 * Back to how it was before the last attach; *ret_now (NULL: not asked for) says how that is, and
 * lives until the next call with this handle. -ENOENT: it is not attached.
 */
int sluice_rollback(struct sluice *sluice, const char *device, const char **ret_now);

/*
 * Takes it off, whoever attached it, with nothing left behind; sluiced leaves the device alone from
 * then on. -ENOENT: sluice is not attached to it.
 */
int sluice_detach(struct sluice *sluice, const char *device);

/* What is attached, at one moment */

struct sluice_count {
	uint64_t packets, bytes;
};

/* What became of packets, at XDP or TC, and of those that passed, at netfilter's hooks. */
enum sluice_fate {
	SLUICE_DROPPED,
	SLUICE_PASSED_RULES,
	SLUICE_PASSED_NOT_ORDINARY,
	SLUICE_PASSED_CONNTRACK,
	SLUICE_PASSED_ROUTE,
	SLUICE_PASSED_STALE,
	SLUICE_PASSED_UNDER_WAY,
	SLUICE_HOOK_DROPPED,
	SLUICE_HOOK_PASSED,
	SLUICE_HOOK_STALE,
};

/* Where netfilter's hooks have sluice's programs, by bit. */
#define SLUICE_AT_IP_INPUT    (1u << 0)
#define SLUICE_AT_IP_FORWARD  (1u << 1)
#define SLUICE_AT_IP6_INPUT   (1u << 2)
#define SLUICE_AT_IP6_FORWARD (1u << 3)

struct sluice_attachment {
	const char *device;
	const char *place; /* the device that the program is on: this one, or the one below */
	uint32_t ifindex;
	enum sluice_mode mode;     /* NONE: half attached, and only good to be detached */
	bool is_alive;             /* the program is on a device */
	bool is_fresh;             /* it knows the present rules; else everything passes */
	bool is_service;           /* sluiced has it kept */
	pid_t keeper;              /* the process that keeps it in step; 0: nobody does */
	uint64_t stale_ms;         /* for how long it has not been fresh; 0 while it is */
	uint32_t confirm_ms;       /* left for sluice_confirm(); 0: nobody waits for that */
	uint32_t hooks;            /* SLUICE_AT_… */
	const char *known;         /* the filter of known connections: "none", "in use" … */
	uint64_t generation;       /* compiles that took the packets */
	uint32_t rules;            /* of the last one */
	uint32_t read_ms, made_ms; /* it took: to read the rules, and then until its program ran */
	const char *pin;           /* what holds the program */
	const char *last_resort;   /* a shell command that takes it off if all else fails */
};

/* Of one device, or of all (NULL); none is fine, too. */
struct sluice_status;
int sluice_read_status(struct sluice *sluice, const char *device,
		       struct sluice_status **ret_status);
void sluice_status_free(struct sluice_status *status); /* NULL is fine */

const struct sluice_attachment *sluice_status_attachment(const struct sluice_status *status,
							 size_t index);
/* Since it was attached; zero for a fate or an index that there is not. */
struct sluice_count sluice_status_count(const struct sluice_status *status, size_t index,
					enum sluice_fate fate);
/* What sluiced says of its devices, attached or not, in JSON (docs/json.md); NULL: none runs here.
 */
const char *sluice_status_service(const struct sluice_status *status);
const char *sluice_status_no_answer(const struct sluice_status *status);
/* What switches sluice off for the machine: a file, or a word of the kernel's; NULL: nothing. */
const char *sluice_status_switched_off(const struct sluice_status *status);

/* The rules, with what they have counted */

struct sluice_counter {
	const struct sluice_rule *rule;
	bool counts;               /* it has a counter; else all is 0 */
	struct sluice_count total; /* the kernel's and the early ones */
	struct sluice_count early; /* by this device, or by all */
};

#define SLUICE_WITHOUT_TEXT (1u << 0) /* spares running nft: texts are NULL */

/* Rules in their order, a policy that counts behind its chain; early ones of one device, or of all
 * (NULL). */
struct sluice_counters;
int sluice_read_counters(struct sluice *sluice, const char *device, uint32_t flags,
			 struct sluice_counters **ret_counters);
void sluice_counters_free(struct sluice_counters *counters); /* NULL is fine */

const struct sluice_counter *sluice_counter(const struct sluice_counters *counters, size_t index);

/* A plan: what attaching would do, without doing it */

enum sluice_decision {
	SLUICE_NOT_MET, /* packets of this device do not come here */
	SLUICE_EARLY,   /* decided at XDP or TC */
	SLUICE_AT_HOOK, /* … at netfilter's hooks, just ahead of the rules */
	SLUICE_MAYBE,   /* it holds a match that sluice cannot make: others decide, or it passes */
	SLUICE_KERNEL,  /* the kernel must do what it says */
	SLUICE_BEHIND,  /* all packets have passed before they get here */
};

struct sluice_decided {
	const struct sluice_rule *rule;
	enum sluice_decision decision;
	const char *reason; /* of MAYBE, KERNEL and BEHIND; else NULL */
	bool drops;         /* its verdict is drop */
	bool counts;
	struct sluice_count kernel; /* what it has counted in the kernel */
};

struct sluice_obstacle {
	const char *place; /* a rule or a step that makes packets pass, in words */
	const char *reason;
	uint32_t rules_behind; /* that are not met early because of it */
	uint64_t packets;      /* dropped by it or behind it, as the kernel has counted */
};

struct sluice_plan;
/* Of the live rules, for a device that is there: -ENODEV. `options` may be NULL. */
int sluice_plan_device(struct sluice *sluice, const char *device,
		       const struct sluice_options *options, struct sluice_plan **ret_plan);
/*
 * Of an nft script or the output of iptables-save, which is loaded in a private network namespace;
 * for a device of that name, or one that stands for any (NULL).
 */
int sluice_plan_file(struct sluice *sluice, const char *path, const char *device,
		     const struct sluice_options *options, struct sluice_plan **ret_plan);
void sluice_plan_free(struct sluice_plan *plan); /* NULL is fine */

/* Which mode it would be; NONE: none is left, or the rules are a file's. */
enum sluice_mode sluice_plan_mode(const struct sluice_plan *plan);
/* Why not a better one, a mode a line; "" where nothing is in the way. */
const char *sluice_plan_refusals(const struct sluice_plan *plan);
/* Of the packets that rules have dropped, or of the rules where none count, in percent, how many
 * are decided early. */
double sluice_plan_share(const struct sluice_plan *plan);
/* How many rules, without policies, are decided so. */
uint32_t sluice_plan_rules(const struct sluice_plan *plan, enum sluice_decision decision);

const struct sluice_decided *sluice_plan_decided(const struct sluice_plan *plan, size_t index);
/* The worst first. */
const struct sluice_obstacle *sluice_plan_obstacle(const struct sluice_plan *plan, size_t index);
/* What attaching changes besides the rules, and what it costs; a sentence each. */
const char *sluice_plan_warning(const struct sluice_plan *plan, size_t index);

/* Tracing: packets through a copy of the program; no traffic is touched, and no counter moves */

/* The live rules, as they are now, for one device. */
struct sluice_tracer;
int sluice_tracer_open(struct sluice *sluice, const char *device,
		       struct sluice_tracer **ret_tracer);
void sluice_tracer_close(struct sluice_tracer *tracer); /* NULL is fine */

struct sluice_step {
	const struct sluice_rule *rule;
	bool matched;
	const char *verdict; /* "drop", "jump tcp_in", "drop if invalid"; NULL: it did not match */
};

struct sluice_trace {
	bool drops;         /* the verdict: dropped early, or passed to the kernel's rules */
	const char *reason; /* in words */
	bool disagrees;     /* program and interpreter differ: a bug, please report it */
};

/* An Ethernet frame, as it arrives at the device. The trace is the tracer's, and lives as long. */
int sluice_trace_frame(struct sluice_tracer *tracer, const void *frame, size_t length,
		       const struct sluice_trace **ret_trace);
/* One in nft's words: "ip saddr 192.0.2.1 tcp dport 22". */
int sluice_trace_packet(struct sluice_tracer *tracer, const char *packet,
			const struct sluice_trace **ret_trace);
/* Rules that were met, in order. */
const struct sluice_step *sluice_trace_step(const struct sluice_trace *trace, size_t index);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
