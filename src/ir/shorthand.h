/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests only: programs and frames in the fewest words, so that a test reads top to bottom as
 * rules, packet, verdict.
 *
 *	struct sl_program *p = host();
 *	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
 *	rule(p, input, is(p, TCP), is(p, DPORT, "22"), ACCEPT);
 *	tcp("10.0.0.9", 1000, "10.0.0.1", 22)
 *
 * Names carry no prefix for that reason. Running out of memory ends the test.
 */
#ifndef SLUICE_IR_SHORTHAND_H
#define SLUICE_IR_SHORTHAND_H

#include "ir/interp.h"
#include "ir/ir.h"

/* Fields */

#define ETHER_SADDR         ((struct sl_field){SL_LINK, 6, 6})
#define IP_SADDR            ((struct sl_field){SL_NETWORK, 4, 12})
#define IP_DADDR            ((struct sl_field){SL_NETWORK, 4, 16})
#define IP6_SADDR           ((struct sl_field){SL_NETWORK, 16, 8})
#define IP6_DADDR           ((struct sl_field){SL_NETWORK, 16, 24})
#define SPORT               ((struct sl_field){SL_TRANSPORT, 2, 0})
#define DPORT               ((struct sl_field){SL_TRANSPORT, 2, 2})
#define META(length, which) ((struct sl_field){SL_META, length, SL_META_##which})
#define NFPROTO             META(1, NFPROTO)
#define L4PROTO             META(1, L4PROTO)
#define IIFNAME             META(16, IIFNAME)
#define MARK                META(4, MARK)
#define LENGTH              META(4, LENGTH)
#define PKTTYPE             META(1, PKTTYPE)
#define DADDR_TYPE          META(4, DADDR_TYPE)
#define WAY_BACK            META(4, WAY_BACK)
#define WAY_BACK_IF         META(4, WAY_BACK_IF)
#define CT_STATUS           META(4, CT_STATUS)
#define CT_MARK             META(4, CT_MARK)
#define CT_DIRECTION        META(1, CT_DIRECTION)
#define HOOK_MARK           META(4, HOOK_MARK)
#define OIF                 META(4, OIF)
#define OIFNAME             META(16, OIFNAME)

/* The bytes of `text` as nf_tables holds this field: an address, a name, a number. */
const u8 *value(struct sl_program *p, struct sl_field field, const char *text);

struct sl_key key_of(struct sl_program *p, const struct sl_field *fields, u32 count);
#define key(p, ...)                                                                                \
	key_of(p, (const struct sl_field[]){__VA_ARGS__},                                          \
	       sizeof((const struct sl_field[]){__VA_ARGS__}) / sizeof(struct sl_field))

/* Appends a transform of the whole key, the way nf_tables' registers are worked on. */
struct sl_key swapped(struct sl_program *p, struct sl_key key, u32 width);
struct sl_key masked(struct sl_program *p, struct sl_key key, const void *mask, const void * xor);
struct sl_key shifted(struct sl_program *p, struct sl_key key, enum sl_transform_kind, u32 bits);

/* Ops */

struct sl_op compare(struct sl_program *p, struct sl_field field, enum sl_compare compare,
		     const char *text);
struct sl_op is(struct sl_program *p, struct sl_field field, const char *text);
struct sl_op within(struct sl_program *p, struct sl_field field, const char *from, const char *to);
struct sl_op key_is(struct sl_program *p, struct sl_key key, const void *data);
struct sl_op in_set(struct sl_set *set, struct sl_key key);
struct sl_op vmap(struct sl_set *map, struct sl_key key);
struct sl_op inverted(struct sl_op op);
struct sl_op any_of(struct sl_program *p, const struct sl_op *alternatives, u32 count);
#define any(p, ...)                                                                                \
	any_of(p, (const struct sl_op[]){__VA_ARGS__},                                             \
	       sizeof((const struct sl_op[]){__VA_ARGS__}) / sizeof(struct sl_op))
struct sl_op state(u8 worlds);
struct sl_op unknown(const char *reason);
struct sl_op kernel(const char *reason);
u32 filled(struct sl_program *p, u32 key_length); /* a set that packets fill */
struct sl_op in_filled(u32 filled, struct sl_key key);
struct sl_op fill(u32 filled, struct sl_key key);
struct sl_op limit(struct sl_program *p, bool is_over); /* a rate of its own */
struct sl_op counter(struct sl_program *p, const struct sl_chain *chain);
struct sl_op set_mark(struct sl_program *p, u32 keep, u32 flip); /* which moves from now on */
struct sl_op lose_mark(struct sl_program *p);
struct sl_op jump(struct sl_chain *chain);
struct sl_op go_to(struct sl_chain *chain);

#define VERDICT(which) ((struct sl_op){.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_##which}})
#define ACCEPT         VERDICT(ACCEPT)
#define DROP           VERDICT(DROP)
#define RETURN         VERDICT(RETURN)
#define CONTINUE       VERDICT(CONTINUE)

struct sl_rule *rule_of(struct sl_program *p, struct sl_chain *chain, const struct sl_op *ops,
			u32 count);
#define rule(p, chain, ...)                                                                        \
	rule_of(p, chain, (const struct sl_op[]){__VA_ARGS__},                                     \
		sizeof((const struct sl_op[]){__VA_ARGS__}) / sizeof(struct sl_op))

/* The rules of the chain become one table; without lanes or an image, so not for codegen/. */
void gather_all(struct sl_program *p, struct sl_chain *chain);

/* Programs: eth0 has 02:00:00:00:00:01, 10.0.0.1 and fd00::1, and forwards nothing. */
struct sl_program *host(void);

enum { ACCEPTS = 0, DROPS = 1 };

struct sl_chain *chain(struct sl_program *p, const char *name);
struct sl_chain *base_chain(struct sl_program *p, enum sl_hook hook, s32 priority, int policy);
struct sl_step *step(struct sl_program *p, enum sl_step_kind kind);
u32 new_counter(struct sl_program *p, const struct sl_chain *chain, u64 handle);

struct sl_set *set_of(struct sl_program *p, enum sl_set_kind kind, const struct sl_field *fields,
		      u32 count);
#define set(p, kind, ...)                                                                          \
	set_of(p, kind, (const struct sl_field[]){__VA_ARGS__},                                    \
	       sizeof((const struct sl_field[]){__VA_ARGS__}) / sizeof(struct sl_field))
/* Keys as raw bytes, `set->key_length` of them; `key_end` NULL for a single value. */
struct sl_element *add(struct sl_program *p, struct sl_set *set, const void *key,
		       const void *key_end);
/* In a verdict map of one field. */
void map(struct sl_program *p, struct sl_set *map, const void *key, struct sl_op verdict);

/* Frames: for eth0's own MAC address; ports of 0 where the protocol has none. */

struct frame {
	u8 bytes[2048];
	u32 length;
};

struct frame packet(u8 protocol, const char *from, u16 sport, const char *to, u16 dport);
struct frame tcp(const char *from, u16 sport, const char *to, u16 dport); /* a SYN */
struct frame udp(const char *from, u16 sport, const char *to, u16 dport);
struct frame sealed(struct frame frame); /* with a right checksum, instead of 0 */

#endif
