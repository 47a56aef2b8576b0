/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classifier's tables: which rules of a long run a packet matches, in their order, found in a
 * few decision trees rather than one rule after the other. src/classify/ builds the image,
 * bpf/table.h walks it, and so does everything that wants to check it: the walk is here, once.
 *
 * The image is an array of 64-bit words; all references are word indices. Its last
 * SL_TABLE_TAIL words belong to no table, so that one look at an index tells that all is there of
 * what begins at it. A *table* is
 *
 *	word 0        how many trees there are besides the first, less than SL_TABLE_TREES_MAX
 *	then          SL_TABLE_TREES_MAX root nodes; those of no tree are leaves without items
 *
 * A *node* is one word, which lies in its parent:
 *
 *	bits 0–1      enum sl_node_kind
 *	bits 2–5      the lane that is asked
 *	bits 8–13     how far its value is shifted right
 *	bits 16–31    mask of the shifted value: CUT: 2^n − 1; RANGE: 0
 *	bits 32–63    CUT: the first child of mask + 1
 *	              RANGE: four words with seven borders in ascending order (two a word, the lower
 *	              half first; the eighth half word is not used), then eight children; a value
 *	              goes to the child whose number is how many borders are ≤ the value
 *	              LEAF: a word that is this node again, so that one can go on and on through a
 *	              leaf; then the items in the order of their positions; then a word
 *	              SL_ITEM_NONE, or another leaf, whose bits 0–31 are all ones
 *
 * A CUT may leave bits above unasked: what differs there is in no box below, as the items tell.
 *
 * An *item* is one box of one rule:
 *
 *	word 0        bits 0–23   position of the rule in the run
 *	              bits 24–31  worlds in which it matches (ir/ir.h)
 *	              bits 32–35  enum sl_item_action
 *	              bits 36–39  how many lanes are compared, 1 at least; the nodes above have
 *	                          settled the rest
 *	              bits 40–63  1 + index of the counter, or 0
 *	word 1        the numbers of those lanes, four bits each, the first lowest; then
 *	              SL_LANE_END, up to the top
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
#define SL_TABLE_LEVELS_MAX   24  /* of a tree, above the leaves */
#define SL_TABLE_STEPS_MAX    192 /* in a leaf of each tree: one a lane, and one to leave the leaf */
#define SL_TABLE_LANES_MAX    15
#define SL_TABLE_POSITION_MAX ((1u << 24) - 2)
#define SL_TABLE_COUNTER_MAX  ((1u << 24) - 2)
#define SL_TABLE_TAIL         18 /* the longest item, or what is read of a range node */
#define SL_LINE_WORDS         8  /* of a cache line; less than the tail */
#define SL_RANGE_BORDERS      7
#define SL_RANGE_WORDS        4 /* that hold the borders */

/* Bits, of which each is asked for by itself: that it is no range, and that it is a leaf. */
enum sl_node_kind { SL_NODE_RANGE = 0, SL_NODE_CUT = 1, SL_NODE_LEAF = 3 };

#define SL_NODE_NO_RANGE  1
#define SL_NODE_IS_LEAF   2
#define SL_NODE_LANE      0x3c /* a lane's number, times its size */
#define SL_NODE_SHIFT_AT  8
#define SL_NODE_MASK_AT   16
#define SL_NODE_LEAF_BITS 0xffffffffull /* a shift of 63 leaves no value to be masked */

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

/*
 * What is asked of a table, and answered: filled in by generated code, on its stack. The walk's own
 * notes are here too, since the verifier loses sight of what a function keeps in its argument (see
 * below); it wants to see something in them before the first step.
 */
struct sl_question {
	__u32 lanes[16]; /* the packet's values, in host order; four bits select one */
	__u32 root;      /* the table's first word */
	__u32 from;      /* lowest position to be looked at: 0, and then as a step left it */
	__u32 worlds;    /* live | accepted << 8 | pass << 16, as in cursor.h */
	__u32 returned;  /* worlds that met a RETURN */
	__u32 hit;       /* what the step counted: counter << 8 | worlds; or 0 */

	__u32 trees;                     /* as in the table's first word */
	__u64 nodes[SL_TABLE_TREES_MAX]; /* where we are in each tree; then its leaf */
	__u32 leaf;                      /* how many of the leaves are still to be searched */
	__u32 padding;
	__u64 best;    /* the first word of the item found so far */
	__u64 nothing; /* 0 */
};

/* What a step leaves to be done. */
enum sl_step_result {
	SL_STEP_FINISHED, /* nothing is live, or nothing else matches */
	SL_STEP_AGAIN,    /* one rule was met; there may be others */
	SL_STEP_BROKEN,   /* the image is not what it should be: pass */
};

/*
 * For the verifier. It follows a loop turn by turn, and every path within until it comes to one
 * that it has seen in the same state. So that all turns look alike,
 *	- loops stay loops (clang would unroll them), and none is within another;
 *	- numbers that go from turn to turn are unknown to it: mixed with a 0 that it does not know,
 *	  or kept in the question, whose numbers it does not follow;
 *	- a loop's last instruction is a jump, or 6.1 does not see a loop: nothing that its head
 *	  reads may be known to clang, who would read it ahead of the jump back;
 *	- a choice between numbers is arithmetic, of which clang must not make branches.
 * 6.18 looks at 52,000 instructions then; without any one of these, at more than a million.
 */
#ifdef __clang__
#define SL_TABLE_LOOP _Pragma("clang loop unroll(disable)")
#else
#define SL_TABLE_LOOP
#endif
#ifdef __bpf__
#define SL_TABLE_FORGET(value, nothing) asm volatile("%0 ^= %1" : "+r"(value) : "r"(nothing))
#else
#define SL_TABLE_FORGET(value, nothing) ((value) ^= (nothing))
#endif
#define SL_TABLE_HIDE(value) asm volatile("" : "+r"(value)) /* from clang */

/* By the lowest six bits of a number: what an instruction does, and C leaves open. */
#ifdef __bpf__
#define SL_TABLE_SHIFT_RIGHT(value, bits) asm("%0 >>= %1" : "+r"(value) : "r"(bits))
#else
#define SL_TABLE_SHIFT_RIGHT(value, bits) ((value) >>= (bits)&63)
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

/* Reads a word for the sake of its cache line, which will be needed. */
static inline void sl_table_fetch(const __u64 *word)
{
	(void)*(const volatile __u64 *)word;
}

/* How many borders of a range node are ≤ the value. */
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

/* One level down in a tree; a leaf stays where it is. Leaves in `nodes` what it has in common with
 * all. */
static inline __attribute__((always_inline)) bool sl_tree_descend(const __u64 *words, __u64 count,
								  struct sl_question *question,
								  __u32 tree, __u64 *nodes)
{
	__u64 node = *(volatile __u64 *)&question->nodes[tree];
	__u64 value = *(__u32 *)((char *)question->lanes + (node & SL_NODE_LANE)), child = value;
	const __u64 *next;

	SL_TABLE_SHIFT_RIGHT(child, node >> SL_NODE_SHIFT_AT);
	child &= (__u32)node >> SL_NODE_MASK_AT;
	next = sl_table_at(words, count, (node >> 32) + child);
	if (!next)
		return false;
	if (!(node & SL_NODE_NO_RANGE)) {
		sl_table_fetch(next + SL_LINE_WORDS);
		next += SL_RANGE_WORDS + sl_range_child(next, value);
	}
	question->nodes[tree] = *next;
	*nodes &= *next;
	return true;
}

/* The leaf's first lines. */
static inline __attribute__((always_inline)) bool
sl_leaf_fetch(const __u64 *words, __u64 count, struct sl_question *question, __u32 tree)
{
	const __u64 *leaf = sl_table_at(words, count, question->nodes[tree] >> 32);

	if (!leaf)
		return false;
	sl_table_fetch(leaf);
	sl_table_fetch(leaf + SL_LINE_WORDS);
	return true;
}

/* Of all trees at the same time: searching waits for one leaf after the other. */
static inline bool sl_leaves_fetch(const __u64 *words, __u64 count, struct sl_question *question)
{
	__u32 trees = *(volatile __u32 *)&question->trees;

	return sl_leaf_fetch(words, count, question, 0) &&
	       (trees < 1 || sl_leaf_fetch(words, count, question, 1)) &&
	       (trees < 2 || sl_leaf_fetch(words, count, question, 2)) &&
	       (trees < 3 || sl_leaf_fetch(words, count, question, 3));
}

/*
 * Finds the leaf of every tree: level by level in all of them, so that the processor waits for
 * their memory at the same time.
 */
static inline bool sl_table_descend(const __u64 *words, __u64 count, struct sl_question *question)
{
	__u32 left = SL_TABLE_LEVELS_MAX;

	SL_TABLE_LOOP
	do {
		__u64 nodes = ~sl_question_nothing(question);
		__u32 trees = *(volatile __u32 *)&question->trees;

		if (!sl_tree_descend(words, count, question, 0, &nodes))
			return false;
		if (trees > 0 && !sl_tree_descend(words, count, question, 1, &nodes))
			return false;
		if (trees > 1 && !sl_tree_descend(words, count, question, 2, &nodes))
			return false;
		if (trees > 2 && !sl_tree_descend(words, count, question, 3, &nodes))
			return false;
		if (nodes & SL_NODE_IS_LEAF)
			return sl_leaves_fetch(words, count, question);
	} while (--left);
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

/* Whether the packet is in the range of a lane, whose number is the lowest of `lanes`. */
static inline bool sl_lane_matches(const struct sl_question *question, __u64 lanes, __u64 range)
{
	return (__u32)(question->lanes[lanes & 15] - (__u32)range) <= range >> 32;
}

/* Of the leaf that is next. */
static inline __u64 sl_leaf_item(const struct sl_question *question)
{
	return (question->nodes[question->leaf & 3] >> 32) + 1;
}

/*
 * The first of the leaves' items that matches. SL_ITEM_NONE if none does; 0 if the image is broken,
 * for an item has worlds.
 *
 * A step compares one lane, or goes on to the next leaf.
 */
static inline __u64 sl_table_search(const __u64 *words, __u64 count, struct sl_question *question)
{
	__u64 nothing = sl_question_nothing(question), lane = sl_question_nothing(question);
	__u64 at = sl_leaf_item(question), lanes;
	const __u64 *item = sl_table_at(words, count, at);

	if (!item)
		return 0;
	lanes = item[1];
	SL_TABLE_LOOP
	for (__u32 step = 0; step < SL_TABLE_STEPS_MAX; step++) {
		__u64 there;

		if (sl_item_position(item[0]) >= sl_item_position(question->best)) {
			if (!question->leaf--)
				return question->best;
			at = sl_leaf_item(question);
		} else {
			if (sl_lane_matches(question, lanes, item[2 + (lane & 15)])) {
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
		there = at; /* not known to be the same, or what is found out of it holds for `at`
			     */
		SL_TABLE_FORGET(there, nothing);
		item = sl_table_at(words, count, there);
		if (!item)
			return 0;
		lanes = item[1];
		lane = sl_question_nothing(question);
	}
	return 0;
}

/* Begins at the roots. */
static inline bool sl_table_enter(const __u64 *words, __u64 count, struct sl_question *question)
{
	const __u64 *table = sl_table_at(words, count, question->root);

	if (!table)
		return false;
	question->nothing = 0;
	question->nodes[0] = table[1];
	question->nodes[1] = table[2];
	question->nodes[2] = table[3];
	question->nodes[3] = table[4];
	/* Volatile, or clang would know it and not read it back. */
	*(volatile __u32 *)&question->trees = table[0];
	return sl_table_descend(words, count, question);
}

/*
 * The first word of the item that comes next; SL_ITEM_NONE, or 0 if the image is broken. The leaves
 * are found once for a question.
 */
static inline __u64 sl_table_find(const __u64 *words, __u64 count, struct sl_question *question)
{
	if (!question->from && !sl_table_enter(words, count, question))
		return 0;
	question->best = SL_ITEM_NONE;
	*(volatile __u32 *)&question->leaf = question->trees;
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

_Static_assert(sizeof(struct sl_question) == 144, "no holes");

#endif
