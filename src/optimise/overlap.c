/* SPDX-License-Identifier: GPL-2.0-only */
#include "optimise/overlap.h"

#include <stdlib.h>

#include "classify/cut.h"

#define NONE UINT32_MAX

/* A prefix; they stand in the order of a walk from the root on. */
struct node {
	u32 lo, hi;
	u32 parent;
	u32 end; /* the first node behind it that is not below it */
};

/* One lane: its prefixes, and each box's. */
struct forest {
	struct node *nodes;
	u32 count;
	u32 *node_of;
};

struct sl_overlap {
	const struct sl_boxes *boxes;
	struct forest first, second;
	u32 *order;  /* boxes by first node, second node, position */
	u32 *starts; /* by first node, and one more: where its boxes begin in `order` */
};

/* A search under way. */
struct search {
	const struct sl_overlap *overlap;
	sl_overlap_fn *visit;
	void *context;
	u32 *work;
	bool is_over;
};

bool sl_box_holds(const struct sl_lanes *lanes, const struct sl_box *outer,
		  const struct sl_box *inner)
{
	for (u32 i = 0; i < lanes->count; i++)
		if (!sl_range_covers(&outer->lanes[i], &inner->lanes[i]))
			return false;
	return true;
}

bool sl_box_meets(const struct sl_lanes *lanes, const struct sl_box *a, const struct sl_box *b)
{
	for (u32 i = 0; i < lanes->count; i++)
		if (a->lanes[i].lo > b->lanes[i].hi || a->lanes[i].hi < b->lanes[i].lo)
			return false;
	return true;
}

/* Building */

static struct node find_prefix(struct sl_range range)
{
	u32 differ = range.lo ^ range.hi;
	u32 below = differ ? UINT32_MAX >> __builtin_clz(differ) : 0;

	return (struct node){.lo = range.lo & ~below, .hi = range.lo | below};
}

struct entry {
	struct node node;
	u32 box;
};

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->node.lo != b->node.lo)
		return a->node.lo < b->node.lo ? -1 : 1;
	return (a->node.hi < b->node.hi) - (a->node.hi > b->node.hi); /* the wider first */
}

/* Entries are sorted, so a node's parent is the last before it that reaches as far. */
static void add_node(struct forest *forest, const struct node *prefix)
{
	u32 parent = forest->count ? forest->count - 1 : NONE;

	while (parent != NONE && forest->nodes[parent].hi < prefix->hi)
		parent = forest->nodes[parent].parent;
	forest->nodes[forest->count] = *prefix;
	forest->nodes[forest->count++].parent = parent;
}

/* From the last to the first: a node ends where the last one below it does. */
static void find_ends(struct forest *forest)
{
	for (u32 i = forest->count; i-- > 0;) {
		struct node *node = &forest->nodes[i];

		if (node->end < i + 1)
			node->end = i + 1;
		if (node->parent != NONE && forest->nodes[node->parent].end < node->end)
			forest->nodes[node->parent].end = node->end;
	}
}

static int plant(struct forest *forest, const struct sl_boxes *boxes, u32 lane,
		 struct sl_arena *arena)
{
	u32 count = boxes->list.count;
	struct entry *entries = sl_arena_alloc(arena, count * sizeof *entries);

	forest->nodes = sl_arena_alloc(arena, count * sizeof *forest->nodes);
	forest->node_of = sl_arena_alloc(arena, count * sizeof *forest->node_of);
	if (!entries || !forest->nodes || !forest->node_of)
		return -1;
	for (u32 i = 0; i < count; i++)
		entries[i] = (struct entry){find_prefix(boxes->list.items[i].lanes[lane]), i};
	qsort(entries, count, sizeof *entries, compare_entries);
	for (u32 i = 0; i < count; i++) {
		if (!i || compare_entries(&entries[i - 1], &entries[i]) != 0)
			add_node(forest, &entries[i].node);
		forest->node_of[entries[i].box] = forest->count - 1;
	}
	find_ends(forest);
	return 0;
}

/* About how many ranges the boxes ask of a lane: bits that their hashes set. */
static u32 estimate_ranges(const struct sl_boxes *boxes, u32 lane)
{
	u64 seen[256] = {0};
	u32 count = 0;

	for (u32 i = 0; i < boxes->list.count; i++) {
		const struct sl_range *range = &boxes->list.items[i].lanes[lane];
		u32 hash = (range->lo * 0x9e3779b1u ^ range->hi * 0x85ebca6bu) >> 18;
		u64 bit = 1ULL << (hash & 63);

		count += !(seen[hash >> 6] & bit);
		seen[hash >> 6] |= bit;
	}
	return count;
}

static void choose_lanes(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 *ret_first,
			 u32 *ret_second)
{
	u32 most = 0, next = 0;

	*ret_first = *ret_second = 0;
	for (u32 lane = 0; lane < lanes->count; lane++) {
		u32 count = estimate_ranges(boxes, lane);

		if (count > most) {
			*ret_second = *ret_first;
			next = most;
			*ret_first = lane;
			most = count;
		} else if (count > next) {
			*ret_second = lane;
			next = count;
		}
	}
}

static int compare_boxes(const void *left, const void *right, void *context)
{
	const struct sl_overlap *overlap = context;
	u32 a = *(const u32 *)left, b = *(const u32 *)right;

	if (overlap->first.node_of[a] != overlap->first.node_of[b])
		return overlap->first.node_of[a] < overlap->first.node_of[b] ? -1 : 1;
	if (overlap->second.node_of[a] != overlap->second.node_of[b])
		return overlap->second.node_of[a] < overlap->second.node_of[b] ? -1 : 1;
	return (a > b) - (a < b);
}

static void sort_boxes(struct sl_overlap *overlap)
{
	u32 count = overlap->boxes->list.count, node = 0;

	for (u32 i = 0; i < count; i++)
		overlap->order[i] = i;
	qsort_r(overlap->order, count, sizeof *overlap->order, compare_boxes, overlap);
	for (u32 i = 0; i < count; i++)
		while (node <= overlap->first.node_of[overlap->order[i]])
			overlap->starts[node++] = i;
	while (node <= overlap->first.count)
		overlap->starts[node++] = count;
}

struct sl_overlap *sl_overlap_new(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
				  struct sl_arena *arena)
{
	struct sl_overlap *overlap = sl_arena_alloc(arena, sizeof *overlap);
	u32 first, second, count = boxes->list.count;

	if (!overlap)
		return NULL;
	overlap->boxes = boxes;
	choose_lanes(boxes, lanes, &first, &second);
	if (plant(&overlap->first, boxes, first, arena) ||
	    plant(&overlap->second, boxes, second, arena))
		return NULL;
	overlap->order = sl_arena_alloc(arena, count * sizeof *overlap->order);
	overlap->starts =
		sl_arena_alloc(arena, (overlap->first.count + 1) * sizeof *overlap->starts);
	if (!overlap->order || !overlap->starts)
		return NULL;
	sort_boxes(overlap);
	return overlap;
}

/* Searching */

static void spend(struct search *search)
{
	if (*search->work)
		--*search->work;
	else
		search->is_over = true;
}

/* order[from … to) */
static void visit_slice(struct search *search, u32 from, u32 to)
{
	const struct sl_overlap *overlap = search->overlap;

	for (u32 i = from; i < to && !search->is_over; i++) {
		spend(search);
		if (!search->is_over)
			search->is_over = search->visit(
				search->context, &overlap->boxes->list.items[overlap->order[i]]);
	}
}

/* Where in a first node's boxes those of a second node begin, or would. */
static u32 find_second(const struct sl_overlap *overlap, u32 first, u32 second)
{
	u32 low = overlap->starts[first], high = overlap->starts[first + 1];

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (overlap->second.node_of[overlap->order[middle]] < second)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of one first node: what is at the second node or above it; `below`: or below it. */
static void visit_second(struct search *search, u32 first, u32 second, bool below)
{
	const struct forest *forest = &search->overlap->second;
	u32 end = below ? forest->nodes[second].end : second + 1;

	if (search->overlap->starts[first] == search->overlap->starts[first + 1])
		return;
	for (u32 node = second; node != NONE && !search->is_over;
	     node = forest->nodes[node].parent) {
		spend(search);
		visit_slice(search, find_second(search->overlap, first, node),
			    find_second(search->overlap, first, end));
		end = forest->nodes[node].parent + 1; /* from now on each by itself */
	}
}

static bool run(const struct sl_overlap *overlap, const struct sl_box *box, sl_overlap_fn *visit,
		void *context, bool below, u32 *work)
{
	struct search search = {.overlap = overlap, .visit = visit, .context = context};
	const struct forest *forest = &overlap->first;
	u32 index = (u32)(box - overlap->boxes->list.items);
	u32 first = forest->node_of[index], second = overlap->second.node_of[index];

	search.work = work;
	for (u32 node = first; node != NONE && !search.is_over; node = forest->nodes[node].parent)
		visit_second(&search, node, second, below);
	if (below)
		visit_slice(&search, overlap->starts[first + 1],
			    overlap->starts[forest->nodes[first].end]);
	return *work;
}

bool sl_overlap_around(const struct sl_overlap *overlap, const struct sl_box *box,
		       sl_overlap_fn *visit, void *context, u32 *work)
{
	return run(overlap, box, visit, context, false, work);
}

bool sl_overlap_meeting(const struct sl_overlap *overlap, const struct sl_box *box,
			sl_overlap_fn *visit, void *context, u32 *work)
{
	return run(overlap, box, visit, context, true, work);
}
