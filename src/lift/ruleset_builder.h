/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests only: rulesets by hand, in the fewest words, as the reader would give them.
 *
 *	struct nft nft = an_input_chain(NFPROTO_INET);
 *	nft_rule(&nft, nft.chain, load_meta(NFT_META_L4PROTO), cmp_eq("\x06"), verdict(NF_DROP));
 *	expect_rules(&nft, "in", "meta l4proto 6 drop\n");
 *
 * Loads go to register 1 (offset 0) unless moved by at(). Out of memory ends the test.
 */
#ifndef SLUICE_LIFT_RULESET_BUILDER_H
#define SLUICE_LIFT_RULESET_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lift/lift.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

struct nft {
	struct sl_ruleset *rules;
	struct sl_host host;        /* one device: eth0, hardware */
	struct sl_nft_table *table; /* the first one, "t" */
	struct sl_nft_chain *chain; /* its chain "in" */
	u64 handles;                /* given out so far */
};

/* A table "t" with a base chain "in" at input 0, policy accept. */
struct nft an_input_chain(u32 family);
/* The same without chains. */
struct nft a_table(u32 family);
void nft_free(struct nft *nft);

struct sl_nft_table *add_table(struct nft *nft, u32 family, const char *name);
struct sl_nft_chain *add_chain(struct nft *nft, struct sl_nft_table *table, const char *name);
struct sl_nft_chain *add_base(struct nft *nft, struct sl_nft_table *table, const char *name,
			      u32 hook, s32 priority);
void add_device(struct nft *nft, struct sl_nft_chain *chain, const char *device);
/* Further devices of the host. */
struct sl_link *add_link(struct nft *nft, const char *name, const char *kind);
struct sl_link *eth0(struct nft *nft);

/* Handles count from 1 over the whole ruleset. */
struct sl_nft_rule *add_rule_of(struct nft *nft, struct sl_nft_chain *chain,
				const struct sl_expr *exprs, u32 count);
#define nft_rule(nft, chain, ...)                                                                  \
	add_rule_of(nft, chain, (const struct sl_expr[]){__VA_ARGS__},                             \
		    sizeof((const struct sl_expr[]){__VA_ARGS__}) / sizeof(struct sl_expr))

struct sl_nft_set *add_set(struct nft *nft, u32 flags, u32 key_length);
/* `key_end` NULL for a single value. */
struct sl_nft_element *add_element(struct nft *nft, struct sl_nft_set *set, const void *key,
				   const void *key_end);
struct sl_nft_set *add_vmap(struct nft *nft, u32 flags, u32 key_length);
void add_mapping(struct nft *nft, struct sl_nft_set *map, const void *key, s32 code,
		 const char *chain);

/* Expressions */

struct sl_expr load_payload(u32 base, u32 offset, u32 length);
struct sl_expr load_meta(u32 key);
struct sl_expr load_ct(u32 key);
struct sl_expr writing(struct sl_expr load);
struct sl_expr load_bytes(const void *bytes, u32 length);
struct sl_expr cmp_bytes(u32 op, const void *bytes, u32 length);
struct sl_expr range_bytes(u32 op, const void *from, const void *to, u32 length);
struct sl_expr mask_bytes(const void *mask, const void * xor, u32 length);
struct sl_expr shift_bits(u32 op, u32 bits, u32 length);
struct sl_expr swap_words(u32 length, u32 size);
struct sl_expr lookup(struct sl_nft_set *set);
struct sl_expr lookup_not(struct sl_nft_set *set);
struct sl_expr verdict(s32 code);
struct sl_expr jump_to(s32 code, const char *chain);
struct sl_expr count_packet(void);
struct sl_expr limit_of(u32 type, bool is_over);
struct sl_expr fill_set(struct sl_nft_set *set, u32 op); /* NFT_DYNSET_OP_* */
struct sl_expr object(u32 type);
struct sl_expr opaque(const char *name);
struct sl_expr xt_match(const char *name, u32 revision, const void *info, u32 length);
struct sl_expr xt_target(const char *name, u32 revision, const void *info, u32 length);
/* The same on another register; for bitwise and byteorder on both. */
struct sl_expr at(u32 offset, struct sl_expr expr);

#define cmp_eq(bytes)     cmp_bytes(NFT_CMP_EQ, bytes, sizeof(bytes) - 1)
#define cmp_ne(bytes)     cmp_bytes(NFT_CMP_NEQ, bytes, sizeof(bytes) - 1)
#define load_ip(off, len) load_payload(NFT_PAYLOAD_NETWORK_HEADER, off, len)
#define load_th(off, len) load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, off, len)
#define load_state()      load_ct(NFT_CT_STATE)
#define accept_it()       verdict(NF_ACCEPT)
#define drop_it()         verdict(NF_DROP)

/* The program of eth0, verified. */
struct sl_program *lift(struct nft *nft);
/* A chain's rules as text, each on a line; the path likewise. Static storage. */
const char *rules_text(const struct sl_program *program, const char *chain);
const char *path_text(const struct sl_program *program);

/* Lifts, compares, frees everything. */
void expect_rules(struct nft *nft, const char *chain, const char *text);
void expect_path(struct nft *nft, const char *text);

#endif
