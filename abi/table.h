/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classifier's tables: which rules of a long run a packet matches, in their order, found in a
 * few decision trees rather than one rule after the other. src/classify/ builds the image,
 * bpf/table.h walks it, and so does everything that wants to check it: the walk is here, once.
 *
 * The image is an array of 64-bit words; all references are word indices. A *table* is
 *
 *	word 0        how many trees, 1 … SL_TABLE_TREES_MAX
 *	then a tree   its root node; and the lowest position in it: trees stand in that order, so
 *	              that a walk ends at the first tree that cannot do better
 *
 * A *node* is one word, which lies in its parent:
 *
 *	bits 0–1      enum sl_node_kind
 *	bits 4–7      CUT, RANGE: the lane that is asked
 *	bits 8–12     CUT: how far the value is shifted right
 *	bits 16–31    CUT: mask of the shifted value, 2^n − 1; LEAF: how many items
 *	bits 32–63    CUT: the first child of mask + 1
 *	              RANGE: four words with seven borders in ascending order (two a word, the lower
 *	              half first; the eighth half word is not used), then eight children; a value
 *	              goes to the child whose number is how many borders are ≤ the value
 *	              LEAF: the first item; they stand in the order of their positions
 *
 * An *item* is one box of one rule:
 *
 *	word 0        bits 0–23   position of the rule in the run
 *	              bits 24–31  worlds in which it matches (ir/ir.h)
 *	              bits 32–35  enum sl_item_action
 *	              bits 36–39  how many lanes are compared; the nodes above have settled the rest
 *	              bits 40–63  1 + index of the counter, or 0
 *	word 1        the numbers of those lanes, four bits each, the first lowest
 *	then a lane   bits 0–31 lowest value, bits 32–63 highest − lowest: a value matches if
 *	              (u32)(value − lowest) ≤ highest − lowest
 *
 * After HiCuts (Gupta and McKeown, 1999) and EffiCuts (Vamanan et al., SIGCOMM 2010).
 */
#ifndef SLUICE_ABI_TABLE_H
#define SLUICE_ABI_TABLE_H

#include <stdbool.h>

#include <linux/types.h>

#define SL_TABLE_TREES_MAX    4
#define SL_TABLE_DEPTH_MAX    32 /* nodes from a root to a leaf, the leaf included */
#define SL_TABLE_LEAF_MAX     32 /* items */
#define SL_TABLE_LANES_MAX    15
#define SL_TABLE_POSITION_MAX ((1u << 24) - 2)
#define SL_TABLE_COUNTER_MAX  ((1u << 24) - 2)
#define SL_RANGE_BORDERS      7
#define SL_RANGE_WORDS        4 /* that hold the borders */

enum sl_node_kind { SL_NODE_LEAF, SL_NODE_CUT, SL_NODE_RANGE };

/* What becomes of the worlds in which an item matches. */
enum sl_item_action {
	SL_ITEM_CONTINUE, /* they go on; the rule only counts */
	SL_ITEM_ACCEPT,
	SL_ITEM_DROP,
	SL_ITEM_PASS, /* the kernel must see the packet */
	SL_ITEM_RETURN,
};

/* What is asked of a table, and answered: filled in by generated code, on the stack. */
struct sl_question {
	__u32 lanes[16]; /* the packet's values, in host order; four bits select one */
	__u32 root;      /* the table's first word */
	__u32 from;      /* lowest position that is still to be looked at */
	__u32 worlds;    /* live | accepted << 8 | pass << 16, as in cursor.h */
	__u32 returned;  /* worlds that met a RETURN */
	__u32 hit;       /* what the step counted: counter << 8 | worlds; or 0 */
	__u32 padding;
};

/* What a step leaves to be done. */
enum sl_step_result {
	SL_STEP_FINISHED, /* nothing is live, or nothing else matches */
	SL_STEP_AGAIN,    /* one rule was met; there may be others */
	SL_STEP_BROKEN,   /* the image is not what it should be: pass */
};

/* Keeps the compiler from proving a bound in a way that the verifier could not follow. */
#define SL_TABLE_HIDE(value) asm volatile("" : "+r"(value))

/* Reads a word of the image; leaves the function, as broken, where there is none. */
#define SL_TABLE_READ(ret_word, words, count, index)                                               \
	{                                                                                          \
		__u64 at_ = (index);                                                               \
                                                                                                   \
		SL_TABLE_HIDE(at_);                                                                \
		if (at_ >= (count))                                                                \
			return SL_STEP_BROKEN;                                                     \
		(ret_word) = (words)[at_];                                                         \
	}

static inline __u32 sl_item_position(__u64 item)
{
	return item & 0xffffff;
}

/* The leaf of a tree, from its root. Only SL_STEP_BROKEN means something; so also below. */
static inline enum sl_step_result sl_table_descend(const __u64 *words, __u64 count,
						   const struct sl_question *question, __u64 node,
						   __u64 *ret_leaf)
{
	for (__u32 depth = 0; depth < SL_TABLE_DEPTH_MAX; depth++) {
		__u32 value = question->lanes[node >> 4 & 15];
		__u64 child = node >> 32;

		if ((node & 3) == SL_NODE_LEAF) {
			*ret_leaf = node;
			return SL_STEP_FINISHED;
		}
		if ((node & 3) == SL_NODE_CUT) {
			child += value >> (node >> 8 & 31) & (node >> 16 & 0xffff);
		} else {
			__u64 borders, below = 0;

			/* Without branches, of which each would double the verifier's work. */
			for (__u32 i = 0; i < SL_RANGE_WORDS; i++) {
				SL_TABLE_READ(borders, words, count, child + i);
				below += 1 + (((__u64)value - (borders & 0xffffffff)) >> 63) * -1;
				if (2 * i + 1 < SL_RANGE_BORDERS)
					below += 1 + (((__u64)value - (borders >> 32)) >> 63) * -1;
			}
			child += SL_RANGE_WORDS + below;
		}
		SL_TABLE_READ(node, words, count, child);
	}
	return SL_STEP_BROKEN;
}

/* Whether the packet is in an item's box. */
static inline enum sl_step_result sl_item_compare(const __u64 *words, __u64 count,
						  const struct sl_question *question, __u64 at,
						  __u32 lanes, bool *ret_matches)
{
	__u64 ids, lane;

	SL_TABLE_READ(ids, words, count, at + 1);
	*ret_matches = false;
	for (__u32 i = 0; i < SL_TABLE_LANES_MAX; i++) {
		if (i >= lanes)
			break;
		SL_TABLE_READ(lane, words, count, at + 2 + i);
		if ((__u32)(question->lanes[ids & 15] - (__u32)lane) > lane >> 32)
			return SL_STEP_FINISHED;
		ids >>= 4;
	}
	*ret_matches = true;
	return SL_STEP_FINISHED;
}

/* The leaf's first item that matches some live world and comes before *best, if there is one. */
static inline enum sl_step_result sl_table_search(const __u64 *words, __u64 count,
						  const struct sl_question *question, __u64 leaf,
						  __u64 *best)
{
	__u32 items = leaf >> 16 & 0xffff;
	__u64 at = leaf >> 32, item;

	for (__u32 i = 0; i < SL_TABLE_LEAF_MAX; i++) {
		bool matches;

		if (i >= items)
			break;
		SL_TABLE_READ(item, words, count, at);

		__u32 lanes = item >> 36 & 15;

		if (*best && sl_item_position(item) >= sl_item_position(*best))
			break;
		if (sl_item_position(item) >= question->from &&
		    item >> 24 & question->worlds & 0xff) {
			if (sl_item_compare(words, count, question, at, lanes, &matches) ==
			    SL_STEP_BROKEN)
				return SL_STEP_BROKEN;
			if (matches) {
				*best = item;
				break;
			}
		}
		at += 2 + lanes;
	}
	return SL_STEP_FINISHED;
}

/* The first word of the item that comes next, 0 if none does. */
static inline enum sl_step_result sl_table_find(const __u64 *words, __u64 count,
						const struct sl_question *question, __u64 *ret_item)
{
	__u64 at = question->root, trees, root, lowest, leaf = 0, best = 0;

	SL_TABLE_READ(trees, words, count, at);
	for (__u32 i = 0; i < SL_TABLE_TREES_MAX; i++) {
		if (i >= trees)
			break;
		SL_TABLE_READ(root, words, count, at + 1 + 2 * i);
		SL_TABLE_READ(lowest, words, count, at + 2 + 2 * i);
		if (best && lowest >= sl_item_position(best))
			break;
		if (sl_table_descend(words, count, question, root, &leaf) == SL_STEP_BROKEN)
			return SL_STEP_BROKEN;
		if (sl_table_search(words, count, question, leaf, &best) == SL_STEP_BROKEN)
			return SL_STEP_BROKEN;
	}
	*ret_item = best;
	return SL_STEP_FINISHED;
}

/* Meets the next rule that matches: moves its worlds, and says what it counts. */
static inline enum sl_step_result sl_table_step(const __u64 *words, __u64 count,
						struct sl_question *question)
{
	__u64 item = 0;

	question->hit = 0;
	if (sl_table_find(words, count, question, &item) == SL_STEP_BROKEN)
		return SL_STEP_BROKEN;
	if (!item)
		return SL_STEP_FINISHED;

	__u32 matched = item >> 24 & question->worlds & 0xff, counter = item >> 40;
	enum sl_item_action action = item >> 32 & 15;

	question->from = sl_item_position(item) + 1;
	if (counter)
		question->hit = (counter - 1) << 8 | matched;
	if (action == SL_ITEM_CONTINUE)
		return SL_STEP_AGAIN;
	question->worlds ^= matched;
	if (action == SL_ITEM_ACCEPT)
		question->worlds |= matched << 8;
	if (action == SL_ITEM_PASS)
		question->worlds |= matched << 16;
	if (action == SL_ITEM_RETURN)
		question->returned |= matched;
	return question->worlds & 0xff ? SL_STEP_AGAIN : SL_STEP_FINISHED;
}

#endif
