/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to the attachments of this network namespace, as it happens.
 *
 * Enters: samples of drops (load/samples.h), and the state that `status` shows, looked at twice a
 * second. Leaves: a line, or a JSON object, for each sample and each change; and packets in a file.
 * Promised: a rule is named only if it is of the generation that dropped the packet.
 */
#ifndef SLUICE_CLI_MONITOR_H
#define SLUICE_CLI_MONITOR_H

#include "cli/cli.h"
#include "cli/decider.h"
#include "lib/attachments.h"
#include "load/samples.h"

/* monitor_events.c: what has become of an attachment since it was looked at last. */
enum sl_monitor_event {
	SL_EVENT_ATTACHED,
	SL_EVENT_DETACHED,
	SL_EVENT_GONE, /* the device */
	SL_EVENT_CAME,
	SL_EVENT_RULES, /* another compile has taken over */
	SL_EVENT_STALE,
	SL_EVENT_FRESH,
	SL_EVENT_UNKEPT, /* no process keeps it in step */
	SL_EVENT_KEPT,
	SL_EVENT_LOST, /* samples, for want of room */
	SL_EVENTS,
};

struct sl_monitor_state {
	bool is_attached, is_alive, is_fresh, is_kept;
	u64 generations;
	u64 lost;
	u32 rules, read_ms, made_ms; /* of the last compile */
	u32 mode;                    /* enum sl_attach_mode */
	pid_t keeper;
};

/* A set of events, by bit. */
u32 sl_monitor_compare(const struct sl_monitor_state *before, const struct sl_monitor_state *now);
const char *sl_monitor_event_name(enum sl_monitor_event event); /* "attached" */

/* monitor_rules.c: whose drop it was. */
struct sl_monitor_rules {
	struct sl_compiled *compiled;
	struct sl_program *at_hooks; /* what is judged there, as lifted; NULL: nothing */
	struct sl_deciders deciders;
	u32 counters; /* id of the map that a generation of these rules counts in */
	u64 tried_ns; /* when they were read last */
};

enum sl_monitor_answer {
	SL_ANSWER_FOUND,
	SL_ANSWER_CHANGED, /* the rules that dropped it are not there any more */
	SL_ANSWER_UNKNOWN, /* what the kernel was asked decided: a rate, or what packets added */
};

/* A sample as a frame of Ethernet: one from a hook has a header that was made up. */
struct sl_monitor_frame {
	u8 bytes[14 + SL_SAMPLE_BYTES];
	u32 captured, length;
};

int sl_monitor_rules_open(struct sl_monitor_rules *rules); /* 0 or -ENOMEM */
void sl_monitor_rules_close(struct sl_monitor_rules *rules);

/* Whose rules; `own_program`: as for sl_compile_live(). */
struct sl_monitor_place {
	struct sl_observer *observer;
	u64 net_cookie;
	const char *device;
	u32 own_program;
};

/* What is returned lives until the next call. */
enum sl_monitor_answer sl_monitor_rules_find(struct sl_monitor_rules *rules,
					     const struct sl_monitor_place *place,
					     const struct sl_sample *sample,
					     struct sl_monitor_frame *ret_frame,
					     struct sl_decider *ret_decider);

/* A sampled drop, with all that is known of it. */
struct sl_monitor_drop {
	u64 at_ns; /* since 1970 */
	const char *device;
	const struct sl_sample *sample;
	struct sl_monitor_frame frame;
	const char *packet; /* in words */
	enum sl_monitor_answer answer;
	struct sl_decider decider; /* FOUND */
};

/* monitor_text.c */
void sl_monitor_print_drop(const struct sl_monitor_drop *drop);
void sl_monitor_print_event(u64 at_ns, const char *device, enum sl_monitor_event event,
			    const struct sl_monitor_state *before,
			    const struct sl_monitor_state *now);
/* "inet filter input rule …", or why there is none. */
void sl_monitor_print_cause(const struct sl_monitor_drop *drop, FILE *out);
const char *sl_monitor_place_name(enum sl_sample_place place); /* "xdp" */

/* monitor_json.c: docs/json.md; each prints one line. 0, or −1 out of memory. */
int sl_monitor_write_drop(const struct sl_monitor_drop *drop);
int sl_monitor_write_event(u64 at_ns, const char *device, enum sl_monitor_event event,
			   const struct sl_monitor_state *before,
			   const struct sl_monitor_state *now);

#endif
