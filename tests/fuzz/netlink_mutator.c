// SPDX-License-Identifier: GPL-2.0-only
#include "netlink_mutator.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "random.h"
#include "source/netlink.h"

size_t LLVMFuzzerMutate(u8 *bytes, size_t size, size_t room);

#define DEPTH_MAX    8 /* a rule's deepest are verdicts within immediates within expressions */
#define MESSAGES_MAX 256
#define CHANGE_MAX   512

/* Where an attribute is: the message, and the attributes around it, by their offsets. */
struct place {
	size_t message;
	size_t around[DEPTH_MAX];
	u32 depth;
	size_t at; /* the attribute */
};

struct editor {
	struct dice dice;
	u8 *bytes;
	size_t size, room;
};

static struct nlmsghdr *message_at(const struct editor *editor, size_t at)
{
	return (void *)(editor->bytes + at);
}

static struct nlattr *attr_at(const struct editor *editor, size_t at)
{
	return (void *)(editor->bytes + at);
}

static bool find_message(struct editor *editor, size_t *ret_at)
{
	const struct nlmsghdr *message = (const void *)editor->bytes;
	size_t starts[MESSAGES_MAX];
	int left = (int)editor->size;
	u32 count = 0;

	for (; sl_netlink_is_message(message, left) && count < MESSAGES_MAX;
	     message = mnl_nlmsg_next(message, &left))
		if (mnl_nlmsg_get_payload_len(message) >= sizeof(struct nfgenmsg))
			starts[count++] = (size_t)((const u8 *)message - editor->bytes);
	if (count)
		*ret_at = starts[roll_below(&editor->dice, count)];
	return count > 0;
}

/* One of the attributes in [from, to). */
static bool pick_attr(struct editor *editor, size_t from, size_t to, size_t *ret_at)
{
	size_t starts[MESSAGES_MAX];
	u32 count = 0;

	while (from < to && count < MESSAGES_MAX &&
	       mnl_attr_ok(attr_at(editor, from), (int)(to - from))) {
		starts[count++] = from;
		from += MNL_ALIGN(attr_at(editor, from)->nla_len);
	}
	if (count)
		*ret_at = starts[roll_below(&editor->dice, count)];
	return count > 0;
}

/* Goes down by chance into what looks like a nest. */
static bool find_place(struct editor *editor, struct place *ret_place)
{
	struct place place = {0};
	size_t from, to;

	if (!find_message(editor, &place.message))
		return false;
	from = place.message + MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct nfgenmsg));
	to = place.message + message_at(editor, place.message)->nlmsg_len;
	if (!pick_attr(editor, from, to, &place.at))
		return false;
	while (place.depth < DEPTH_MAX && roll_percent(&editor->dice, 85)) {
		size_t inner;

		from = place.at + MNL_ATTR_HDRLEN;
		to = place.at + attr_at(editor, place.at)->nla_len;
		if (!pick_attr(editor, from, to, &inner))
			break;
		place.around[place.depth++] = place.at;
		place.at = inner;
	}
	*ret_place = place;
	return true;
}

/*
 * Puts `length` bytes in the place of `old` (both multiples of 4), and all lengths around it right.
 */
static bool replace(struct editor *editor, const struct place *place, size_t at, size_t old,
		    const u8 *bytes, size_t length)
{
	size_t change = length - old; /* may wrap, and back again */

	if (editor->size + change > editor->room || at + old > editor->size)
		return false;
	for (u32 i = 0; i < place->depth; i++)
		if (attr_at(editor, place->around[i])->nla_len + change > UINT16_MAX)
			return false;
	memmove(editor->bytes + at + length, editor->bytes + at + old, editor->size - at - old);
	if (length)
		memcpy(editor->bytes + at, bytes, length);
	editor->size += change;
	message_at(editor, place->message)->nlmsg_len += (u32)change;
	for (u32 i = 0; i < place->depth; i++)
		attr_at(editor, place->around[i])->nla_len += (u16)change;
	return true;
}

static size_t padded_length(const struct editor *editor, const struct place *place)
{
	size_t length = MNL_ALIGN(attr_at(editor, place->at)->nla_len);
	size_t left = editor->size - place->at;

	return length < left ? length : left;
}

static bool change_payload(struct editor *editor, const struct place *place)
{
	u8 attr[MNL_ATTR_HDRLEN + CHANGE_MAX] = {0};
	size_t length = mnl_attr_get_payload_len(attr_at(editor, place->at));

	if (length > CHANGE_MAX)
		return false;
	memcpy(attr, editor->bytes + place->at, MNL_ATTR_HDRLEN + length);
	/* Mostly in place: numbers and names keep their sizes. */
	length = LLVMFuzzerMutate(attr + MNL_ATTR_HDRLEN, length,
				  roll_percent(&editor->dice, 70) ? length : CHANGE_MAX);
	((struct nlattr *)(void *)attr)->nla_len = (u16)(MNL_ATTR_HDRLEN + length);
	memset(attr + MNL_ATTR_HDRLEN + length, 0, MNL_ALIGN(length) - length);
	return replace(editor, place, place->at, padded_length(editor, place), attr,
		       MNL_ALIGN(MNL_ATTR_HDRLEN + length));
}

static bool remove_attr(struct editor *editor, const struct place *place)
{
	return replace(editor, place, place->at, padded_length(editor, place), NULL, 0);
}

/* A copy of one attribute in front of another. */
static bool insert_copy(struct editor *editor, const struct place *place)
{
	u8 copy[CHANGE_MAX];
	struct place other;

	if (!find_place(editor, &other) || padded_length(editor, &other) > sizeof copy)
		return false;
	size_t length = MNL_ALIGN(padded_length(editor, &other));
	memcpy(copy, editor->bytes + other.at, length);
	return replace(editor, place, place->at, 0, copy, length);
}

static bool change_type(struct editor *editor, const struct place *place)
{
	attr_at(editor, place->at)->nla_type = (u16)roll_below(&editor->dice, 24);
	return true;
}

static bool mutate(struct editor *editor)
{
	struct place place;
	u32 which = roll_below(&editor->dice, 100);

	if (which < 15 || !find_place(editor, &place))
		return false;
	if (which < 65)
		return change_payload(editor, &place);
	if (which < 80)
		return insert_copy(editor, &place);
	return which < 92 ? remove_attr(editor, &place) : change_type(editor, &place);
}

size_t fuzz_mutate_netlink(u8 *bytes, size_t size, size_t room, unsigned int seed)
{
	struct editor editor = {
		.dice = {.state = seed}, .bytes = bytes, .size = size, .room = room};

	return mutate(&editor) ? editor.size : LLVMFuzzerMutate(bytes, size, room);
}
