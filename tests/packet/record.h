/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a run of a script could be seen to do: everything that came out of the dut and everything
 * that its sockets were given, moment by moment (one moment per act of the script).
 *
 * Enters: raw observations. Leaves: observations in a canonical form in which two runs can be
 * compared byte for byte. Promised: only these fields are masked or rewritten
 *  - IPv4 id and IPv6 fragment id (random where the dut makes them),
 *  - TCP sequence numbers that count from an initial one which the dut chose (made relative),
 *  - ports that nobody uses, chosen by NAT at random where two connections clash,
 *  - the times in IPv4 timestamp options and ICMP timestamp replies,
 *  - checksums over these fields (kept as "right", "wrong" or "none"),
 * and only these are put aside: the dut's IGMP and MLD reports, whose time is random; redirects,
 * which the kernel rations by the clock, are compared as a set at the end.
 */
#ifndef SLUICE_PACKET_RECORD_H
#define SLUICE_PACKET_RECORD_H

#include "base/arena.h"
#include "base/diag.h"
#include "lab.h"
#include "pools.h"

enum sl_form {
	SL_FORM_FRAME,     /* Ethernet frame */
	SL_FORM_IP,        /* from the IP header on: IPv4 raw sockets */
	SL_FORM_TRANSPORT, /* from behind the IPv6 header(s) on: IPv6 raw sockets */
	SL_FORM_DATA,      /* nothing to canonicalise */
};

struct sl_observation {
	const char *where; /* "peer", "back", "udp4/53" … */
	enum sl_form form;
	u8 protocol; /* TRANSPORT */
	const u8 *bytes;
	u32 length;
};

struct sl_moment {
	SL_LIST(struct sl_observation) seen;
	bool is_doomed; /* the interpreter said that nothing would come of it (foresight.h) */
};

/* One rule with a counter; with several, their sum. */
struct sl_rule_count {
	u64 table, rule; /* handles */
	u64 packets;
};

struct sl_rule_counts {
	struct sl_rule_count *items;
	u32 count, capacity;
};

struct sl_record {
	struct sl_arena *arena;
	SL_LIST(struct sl_moment) moments;
	struct sl_moment redirects;   /* a set, over the whole run */
	char *conntrack;              /* at the end */
	struct sl_rule_counts counts; /* at the end, in the order of the rules; early ones too */
	u64 early_hits;               /* of these */
	u64 xdp_drops;                /* by the driver's count */
	u64 early_drops;              /* by the candidate's own count, where it has one */
	u64 hook_drops;               /* … at netfilter's hooks */
	bool has_early_drops;
	u32 elapsed_ms;
};

/* TCP streams that the lab's hosts follow, by the port of their conversation. */
struct sl_stream {
	bool has_base, has_next;
	u32 base; /* the initial sequence number seen */
	u32 next; /* what is to be acknowledged */
};

#define SL_STREAM_COUNT (SL_FLOW_PORT_LAST - SL_FLOW_PORT_FIRST + 1)

struct sl_recorder {
	struct sl_record *record;
	struct sl_moment *moment;
	/* As seen at peer and at back. */
	struct sl_stream streams[2][SL_STREAM_COUNT];
	bool out_of_memory;
	bool skips_rationed; /* redirects and IPv4's unreachables, which depend on the clock */
};

int sl_record_new(struct sl_record **ret_record, struct sl_diag *diag);
void sl_record_free(struct sl_record *record); /* NULL is fine */

void sl_recorder_begin(struct sl_recorder *recorder);
/* Copies the bytes. `where` must outlive the record. */
void sl_recorder_note(struct sl_recorder *recorder, const char *where, enum sl_form form,
		      u8 protocol, const void *bytes, u32 length);
/* A frame that came out of the dut at `place`: noted, and its TCP stream followed. */
void sl_recorder_note_frame(struct sl_recorder *recorder, enum sl_place place, const u8 *bytes,
			    u32 length);
/* Canonicalises and sorts what the moment has seen. */
void sl_recorder_end(struct sl_recorder *recorder);

const struct sl_stream *sl_recorder_find_stream(const struct sl_recorder *recorder,
						enum sl_place place, u16 port);

int sl_observation_compare(const void *a, const void *b);

#endif
