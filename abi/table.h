/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classifier's tables: which rules of a long run a packet matches, in their order, found in a
 * few decision trees rather than one rule after the other. src/classify/ builds the image,
 * bpf/table.h walks it, and so does everything that wants to check it: the walk is here, once.
 *
 * The image is an array of 64-bit words; all references are word indices. Its last
 * SL_TABLE_TAIL words are empty, so that whatever begins before them is there as a whole: one
 * look at the index does for a node or an item. A *table* is
 *
 *	word 0        how many trees there are besides the first, less than SL_TABLE_TREES_MAX
 *	then a tree   its root node; the walk begins with the last
 *
 * A *node* is one word, which lies in its parent:
 *
 *	bits 0–1      enum sl_node_kind
 *	bits 4–7      CUT, RANGE: the lane that is asked
 *	bits 8–12     CUT: how far the value is shifted right
 *	bits 16–31    CUT: mask of the shifted value, 2^n − 1; else 0
 *	bits 32–63    CUT: the first child of mask + 1
 *	              RANGE: four words with seven borders in ascending order (two a word, the lower
 *	              half first; the eighth half word is not used), then eight children; a value
 *	              goes to the child whose number is how many borders are ≤ the value
 *	              LEAF: the first item; they stand in the order of their positions, and
 *	              behind the last there is the word SL_ITEM_NONE
 *
 * An *item* is one box of one rule:
 *
 *	word 0        bits 0–23   position of the rule in the run
 *	              bits 24–31  worlds in which it matches (ir/ir.h)
 *	              bits 32–35  enum sl_item_action
 *	              bits 36–39  how many lanes are compared; the nodes above have settled the rest
 *	              bits 40–63  1 + index of the counter, or 0
 *	word 1        the numbers of those lanes, four bits each, the first lowest; then SL_LANE_END
 *	then a lane   bits 0–31 lowest value, bits 32–63 highest − lowest: a value matches if
 *	              (u32)(value − lowest) ≤ highest − lowest
 *
 * After HiCuts (Gupta and McKeown, 1999) and EffiCuts (Vamanan et al., SIGCOMM 2010).
 */
#ifndef SLUICE_ABI_TABLE_H
#define SLUICE_ABI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

#define SL_TABLE_TREES_MAX    4
#define SL_TABLE_NODES_MAX    48
#define SL_TABLE_STEPS_MAX    192
#define SL_TABLE_LANES_MAX    15
#define SL_TABLE_POSITION_MAX ((1u << 24) - 2)
#define SL_TABLE_COUNTER_MAX  ((1u << 24) - 2)
#define SL_TABLE_TAIL         18 /* the longest item */
#define SL_RANGE_BORDERS      7
#define SL_RANGE_WORDS        4 /* that hold the borders */

enum sl_node_kind { SL_NODE_LEAF, SL_NODE_CUT, SL_NODE_RANGE, SL_NODE_BROKEN };

/* What becomes of the worlds in which an item matches. */
enum sl_item_action {
	SL_ITEM_CONTINUE, /* they go on; the rule only counts */
	SL_ITEM_ACCEPT,
	SL_ITEM_DROP,
	SL_ITEM_PASS, /* the kernel must see the packet */
	SL_ITEM_RETURN,
};

/* Where there is none: an item behind the highest position. */
#define SL_ITEM_NONE 0xffffffull

/* Behind the last of an item's lanes. */
#define SL_LANE_END 15

/* What is asked of a table, and answered: filled in by generated code, on the stack. */
struct sl_question {
	__u32 lanes[16]; /* the packet's values, in host order; four bits select one */
	__u64 best, nothing;
	__u64 leaves[SL_TABLE_TREES_MAX];
	__u32 left, found;
	__u32 root;      /* the table's first word */
	__u32 from;      /* lowest position that is still to be looked at */
	__u32 worlds;    /* live | accepted << 8 | pass << 16, as in cursor.h */
	__u32 returned;  /* worlds that met a RETURN */
	__u32 padding;
	__u32 hit;       /* what the step counted: counter << 8 | worlds; or 0 */
};

/* What a step leaves to be done. */
enum sl_step_result {
	SL_STEP_FINISHED, /* nothing is live, or nothing else matches */
	SL_STEP_AGAIN,    /* one rule was met; there may be others */
	SL_STEP_BROKEN,   /* the image is not what it should be: pass */
};

/* Keeps the compiler from proving a bound in a way that the verifier could not follow. */
#define SL_TABLE_HIDE(value) asm volatile("" : "+r"(value))

#ifdef __bpf__
#define SL_TABLE_FORGET(value, nothing) asm volatile("%0 ^= %1" : "+r"(value) : "r"(nothing))
#else
#define SL_TABLE_FORGET(value, nothing) ((value) ^= (nothing))
#endif

/* A loop stays one: unrolled, each of its exits would be proved for each copy. */
#ifdef __clang__
#define SL_TABLE_LOOP _Pragma("clang loop unroll(disable)")
#else
#define SL_TABLE_LOOP
#endif

/* A zero of which the verifier knows nothing. */
static inline __u64 sl_question_nothing(const struct sl_question *question)
{
	return *(const volatile __u64 *)&question->nothing;
}

static inline __u32 sl_item_position(__u64 item)
{
	return item & 0xffffff;
}

static inline __u32 sl_leaf_position(__u64 node)
{
	return node >> 8 & 0xffffff;
}

static inline __u32 sl_item_lanes(__u64 item)
{
	return item >> 36 & 15;
}

/* The words from an index on, SL_TABLE_TAIL of them at least; NULL where there are none. */
static inline const __u64 *sl_table_at(const __u64 *words, __u64 count, __u64 at)
{
	SL_TABLE_HIDE(at);
	return at < count - SL_TABLE_TAIL ? words + at : NULL;
}

/* How many borders of a range node are ≤ the value; a branch for each would make 2^7 paths. */
static inline __u64 sl_range_child(const __u64 *borders, __u64 value)
{
	__u64 above = 0;

	for (__u32 i = 0; i < SL_RANGE_BORDERS; i++) {
		__s64 distance = value - (borders[i / 2] >> (i % 2 ? 32 : 0) & 0xffffffff);

		SL_TABLE_HIDE(distance);
		above += distance >> 63;
	}
	above += SL_RANGE_BORDERS;
	SL_TABLE_HIDE(above);
	return above & SL_RANGE_BORDERS;
}

/*
 * Finds the leaf of every tree: one loop for all, so that the verifier proves one. Here as below,
 * the numbers that change from turn to turn are read from the question at first, and so unknown to
 * the verifier: it sees that a turn is as good as another, and looks at each once.
 */
static inline bool sl_table_descend(const __u64 *words, __u64 count, struct sl_question *question,
				    const __u64 *table)
{
	__u64 node = table[1 + (question->left & 3)];

	SL_TABLE_LOOP
	for (__u32 step = 0; step < SL_TABLE_NODES_MAX; step++) {
		const __u64 *next;
		__u32 value;

		if ((node & 3) == SL_NODE_LEAF) {
			question->leaves[question->found & 3] = node;
			question->found += sl_leaf_position(node) != SL_ITEM_NONE;
			if (!question->left--)
				return true;
			node = table[1 + (question->left & 3)];
			continue;
		}
		value = question->lanes[node >> 4 & 15];
		next = sl_table_at(words, count,
				   (node >> 32) + (value >> (node >> 8 & 31) & (node >> 16 & 0xffff)));
		if (!next)
			return false;
		if (node & SL_NODE_RANGE)
			next += SL_RANGE_WORDS + sl_range_child(next, value);
		node = *next;
	}
	return false;
}

/* Whether what matches is news: in a world that still lives, and not behind us. */
static inline bool sl_item_counts(const struct sl_question *question, __u64 item)
{
	__u64 live = (item >> 24 & question->worlds & 0xff) - 1;
	__u64 ahead = sl_item_position(item) - (__u64)question->from;

	SL_TABLE_HIDE(live);
	SL_TABLE_HIDE(ahead);
	return (__s64)(live | ahead) >= 0;
}

/*
 * The first of the leaves' items that matches: 0 if the image is broken, for an item has worlds;
 * SL_ITEM_NONE if none does. A step compares one lane, or goes on to the next leaf.
 */
static inline __u64 sl_table_search(const __u64 *words, __u64 count, struct sl_question *question)
{
	__u64 nothing = sl_question_nothing(question), lane = sl_question_nothing(question);
	__u64 at = question->leaves[--question->found & 3] >> 32, there = at, lanes;
	const __u64 *item = sl_table_at(words, count, there);

	if (!item)
		return 0;
	lanes = item[1];
	SL_TABLE_LOOP
	for (__u32 step = 0; step < SL_TABLE_STEPS_MAX; step++) {
		__u64 range;

		if (sl_item_position(item[0]) >= sl_item_position(question->best)) {
			if (!question->found--)
				return question->best;
			at = question->leaves[question->found & 3];
			if (sl_leaf_position(at) >= sl_item_position(question->best))
				continue;
			at >>= 32;
		} else {
			range = item[2 + (lane & 15)];
			if ((__u32)(question->lanes[lanes & 15] - (__u32)range) <= range >> 32) {
				lanes = (__s64)lanes >> 4;
				SL_TABLE_FORGET(lanes, nothing);
				lane++;
				if ((lanes & 15) != SL_LANE_END)
					continue;
				if (sl_item_counts(question, item[0])) {
					question->best = item[0];
					continue;
				}
			}
			at += 2 + sl_item_lanes(item[0]);
		}
		SL_TABLE_FORGET(at, nothing);
		there = at;
		SL_TABLE_FORGET(there, nothing);
		item = sl_table_at(words, count, there);
		if (!item)
			return 0;
		lanes = item[1];
		lane = sl_question_nothing(question);
	}
	return 0;
}

/* The first word of the item that comes next; SL_ITEM_NONE, or 0 if the image is broken. */
static inline __u64 sl_table_find(const __u64 *words, __u64 count, struct sl_question *question)
{
	const __u64 *table = sl_table_at(words, count, question->root);

	question->nothing = 0;
	question->best = SL_ITEM_NONE;
	if (!table)
		return 0;
	*(volatile __u32 *)&question->left = table[0];
	*(volatile __u32 *)&question->found = 0;
	if (!sl_table_descend(words, count, question, table))
		return 0;
	if (!question->found)
		return SL_ITEM_NONE;
	return sl_table_search(words, count, question);
}

/* Meets the next rule that matches: moves its worlds, and says what it counts. */
static inline enum sl_step_result sl_table_step(const __u64 *words, __u64 count,
						struct sl_question *question)
{
	__u64 item;

	question->hit = 0;
	if (count < SL_TABLE_TAIL)
		return SL_STEP_BROKEN;
	item = sl_table_find(words, count, question);
	if (!item)
		return SL_STEP_BROKEN;
	if (item == SL_ITEM_NONE)
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
