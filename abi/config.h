/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load-time configuration: constants of one program. In the object that clang built, each use is an
 * instruction that loads a mark; load/splice.c puts the value in its place. So the verifier folds
 * them away with the branches that they decide, and what remains costs no load.
 */
#ifndef SLUICE_ABI_CONFIG_H
#define SLUICE_ABI_CONFIG_H

#include <stddef.h>

#include <linux/types.h>

enum sl_config_route {
	SL_CONFIG_ROUTE_INPUT_ONLY, /* the same order as enum sl_route_mode in ir/ir.h */
	SL_CONFIG_ROUTE_LOCAL_ONLY,
	SL_CONFIG_ROUTE_LOOKUP,
	SL_CONFIG_ROUTE_PASS,
};

/* Room for the namespace's addresses. Full: the load fails, nothing is guessed. */
#define SL_LOCAL_ADDRESSES_MAX 4096

/* The notes of bpf/batch.h: how many slots, and how long one counts, there and in filled.h. */
#define SL_BATCH_SLOT_BITS 14
#define SL_BATCH_SLOTS     (1u << SL_BATCH_SLOT_BITS)
#define SL_BATCH_ENTRIES   (SL_BATCH_SLOTS + 2) /* of bpf/batch.h's map */
#define SL_BATCH_PASSES    2048
#define SL_FILLED_PASSES   (4 * SL_BATCH_PASSES)
#define SL_BATCH_NS        1000000000LL

/* A packet whose IP header is followed by more is not added up (bpf/form.h): Ethernet's fit. */
#define SL_FORM_BYTES_MAX 1536

/* Behind the IP header, at a netfilter hook: bytes that rules can ask for (bpf/hook.h). */
#define SL_HOOK_REACH 64

struct sl_config {
	__u32 mac_low; /* the device's address, as it lies in memory */
	__u16 mac_high;
	__u8 judges_ip, judges_ip6; /* there is something to decide for the family */
	__u8 route_ip, route_ip6;   /* enum sl_config_route */
	__u8 hit_max;               /* counted rules that a packet can meet at most; 0: none */
	__u8 uses_conntrack;        /* the path has conntrack in it */
	__u8 miss_worlds;           /* worlds that a conntrack miss can mean */
	/* verdicts of the family rest on whose an address is, or on forwarding */
	__u8 asks_addresses_ip, asks_addresses_ip6;
	__u8 asks_device;   /* verdicts rest on the device's name or group */
	__u8 notes_batch;   /* a packet's verdict may rest on others of its batch (bpf/batch.h) */
	__u8 drops_nothing; /* here the device's own packets cannot be told from others */
	__u8 asks_packet_type; /* the device's address alone does not say whose a packet is */
	__u8 drop_worlds;      /* at a netfilter hook: in others no packet is dropped */
	__u8 has_known;      /* a filter of known connections comes before lookups (bpf/known.h) */
	__u8 asks_facts;     /* at a netfilter hook: rules ask for what is in struct sl_facts */
	__u8 mark_moves;     /* rules may set the packet's mark */
	__u8 link_length;    /* of the header before IP, with a VLAN tag in it if `tag` is not 0 */
	__u8 has_filled;     /* rules ask sets that packets fill (bpf/filled.h) … */
	__u8 asks_filled;    /* … where others may be under way that add to them */
	__u8 has_recent;     /* … and some of these are xt_recent's lists (bpf/recent.h) */
	__u8 watches_legacy; /* there are iptables-legacy tables, or there may be */
	__u8 asks_form; /* rules tell NEW from INVALID, and a miss is one of the two (bpf/form.h) */
	__u8 padding[3];
	__u32 ifindex;
	__u32 tag;         /* on the device below: which frames are ours, as they lie in memory */
	__u32 table_words; /* of the image in the map `tables` */
	__u32 trie_units;  /* of the image in the map `tries` */
	__u32 counters_id; /* of the map `rule_counters`, which tells generations apart */
};

/* Where a value is wanted: `mov reg, SL_CONFIG_MARK | size << 8 | offset in struct sl_config`. */
#define SL_CONFIG_MARK 0x51cf0000u

_Static_assert(sizeof(struct sl_config) == 52, "no holes");

#endif
