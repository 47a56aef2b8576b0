/* SPDX-License-Identifier: GPL-2.0-only */
#include "classify/stretch.h"

#include <errno.h>
#include <string.h>

#include "ir/key.h"

struct cutter {
	const struct sl_key *key;
	const struct sl_set *boxes;
	const struct sl_place *place;
	u32 header; /* bytes of it that are there */
	struct sl_lanes *lanes;
	struct sl_arena *arena;
	u8 mask[SL_KEY_MAX], xor[SL_KEY_MAX]; /* what all of the key's transforms do together */
};

/* Where one byte of the key comes from. */
struct source {
	bool is_constant;
	u8 value;
	u8 base;
	u16 offset;
	u16 meta_byte; /* of metadata, whose offset says which it is */
};

/* Lanes that rules share, however many of their first bytes each of them asks. */
static const struct {
	u8 families;
	struct sl_field field;
} usual[] = {
	{SL_IP, {SL_NETWORK, 4, 12}},           {SL_IP, {SL_NETWORK, 4, 16}},
	{SL_IP6, {SL_NETWORK, 4, 8}},           {SL_IP6, {SL_NETWORK, 4, 12}},
	{SL_IP6, {SL_NETWORK, 4, 16}},          {SL_IP6, {SL_NETWORK, 4, 20}},
	{SL_IP6, {SL_NETWORK, 4, 24}},          {SL_IP6, {SL_NETWORK, 4, 28}},
	{SL_IP6, {SL_NETWORK, 4, 32}},          {SL_IP6, {SL_NETWORK, 4, 36}},
	{SL_IP | SL_IP6, {SL_TRANSPORT, 2, 0}}, {SL_IP | SL_IP6, {SL_TRANSPORT, 2, 2}},
	{SL_IP | SL_IP6, {SL_LINK, 4, 0}},      {SL_IP | SL_IP6, {SL_LINK, 2, 4}},
	{SL_IP | SL_IP6, {SL_LINK, 4, 6}},      {SL_IP | SL_IP6, {SL_LINK, 2, 10}},
};

#define IP_PROTOCOL 9
#define IP6_NEXT    6

static u32 network_header(const struct sl_place *place)
{
	return place->family == SL_IP ? 20 : 40;
}

/* One name for each byte: an ordinary packet's headers have a fixed length. */
static struct source name_byte(const struct sl_place *place, u8 base, u32 offset)
{
	if (base == SL_NETWORK && offset >= network_header(place))
		return (struct source){.base = SL_TRANSPORT,
				       .offset = (u16)(offset - network_header(place))};
	if (base == SL_NETWORK && offset == (place->family == SL_IP ? IP_PROTOCOL : IP6_NEXT))
		return (struct source){.base = SL_META, .offset = SL_META_L4PROTO};
	return (struct source){.base = base, .offset = (u16)offset};
}

static int find_meta(const struct sl_place *place, const struct sl_field *field, u32 byte,
		     struct source *ret_source)
{
	enum sl_meta meta = (enum sl_meta)field->offset;
	u8 value[16];

	if (sl_meta_fold(meta, place->device, place->family, place->chain_family, value)) {
		*ret_source = (struct source){.is_constant = true, .value = value[byte]};
		return 0;
	}
	if (meta != SL_META_L4PROTO && meta != SL_META_PKTTYPE && meta != SL_META_LENGTH)
		return -ENOTSUP;
	*ret_source =
		(struct source){.base = SL_META, .offset = field->offset, .meta_byte = (u16)byte};
	return 0;
}

static int find_source(const struct cutter *cutter, u32 at, struct source *ret_source)
{
	for (u32 i = 0; i < cutter->key->part_count; i++) {
		const struct sl_part *part = &cutter->key->parts[i];
		struct source source;

		if (at < part->at || at >= (u32)part->at + part->field.length)
			continue;
		if (part->field.base > SL_META)
			return -ENOTSUP;
		if (part->field.base == SL_META)
			return find_meta(cutter->place, &part->field, at - part->at, ret_source);
		source = name_byte(cutter->place, part->field.base,
				   part->field.offset + at - part->at);
		if (source.base == SL_TRANSPORT && source.offset >= cutter->header)
			return -ENOTSUP;
		*ret_source = source;
		return 0;
	}
	*ret_source = (struct source){.is_constant = true}; /* what no part covers is zero */
	return 0;
}

/* `next` lies right behind `source`, `distance` bytes on. */
static bool goes_on(const struct source *source, const struct source *next, u32 distance)
{
	if (next->is_constant || next->base != source->base)
		return false;
	if (source->base == SL_META)
		return next->offset == source->offset && next->meta_byte == distance;
	return next->offset == source->offset + distance;
}

/* The lane for a stretch that starts here, as long as it could get. */
static struct sl_field lane_field(const struct cutter *cutter, const struct source *source)
{
	struct sl_field field = {source->base, 4, source->offset};

	for (u32 i = 0; i < SL_ARRAY_SIZE(usual) && source->base != SL_META; i++) {
		const struct sl_field *lane = &usual[i].field;
		u32 end = lane->offset + lane->length;

		if (!(usual[i].families & cutter->place->family) || lane->base != source->base)
			continue;
		if (lane->offset == source->offset)
			return *lane;
		if (lane->offset < source->offset && end > source->offset)
			end -= source->offset; /* the rest of it, by itself */
		else if (lane->offset > source->offset)
			end = lane->offset - source->offset;
		else
			continue;
		if (end < field.length)
			field.length = (u8)end;
	}
	return field;
}

static bool is_usual(const struct cutter *cutter, const struct sl_field *field)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(usual); i++)
		if (usual[i].families & cutter->place->family && field->base != SL_META &&
		    usual[i].field.base == field->base && usual[i].field.offset == field->offset &&
		    usual[i].field.length == field->length)
			return true;
	return false;
}

/* Where the field of the set that `at` lies in ends, or the padding behind it. */
static u32 next_border(const struct cutter *cutter, u32 at)
{
	const struct sl_set *set = cutter->boxes;
	u32 start = 0, end;

	for (u32 i = 0; set && i < set->field_count; i++) {
		end = start + set->field_lengths[i];
		if (at < end)
			return end;
		start = (end + 3) & ~3u;
		if (at < start)
			return start < cutter->key->length ? start : cutter->key->length;
	}
	return cutter->key->length;
}

static int find_lane(struct cutter *cutter, const struct sl_key *key, u32 *ret_lane)
{
	struct sl_lanes *lanes = cutter->lanes;
	u32 lane = 0;

	while (lane < lanes->count && !sl_key_equals(&lanes->keys[lane], key))
		lane++;
	if (lane == SL_TABLE_LANES_MAX)
		return -ENOTSUP;
	if (lane == lanes->count) {
		if (sl_key_copy(cutter->arena, key, &lanes->keys[lane]))
			return -ENOMEM;
		lanes->count++;
	}
	*ret_lane = lane;
	return 0;
}

static int add_plain(struct cutter *cutter, const struct sl_field *field,
		     struct sl_stretch *stretch)
{
	struct sl_part part = {.field = *field};
	struct sl_key key = {.length = field->length, .part_count = 1, .parts = &part};

	stretch->shift = 8u * (field->length - stretch->length);
	return find_lane(cutter, &key, &stretch->lane);
}

/* With a mask that no range can tell, or that flips bits: the masked bytes are the lane. */
static int add_masked(struct cutter *cutter, struct sl_field field, struct sl_stretch *stretch)
{
	struct sl_part part = {.field = field};
	struct sl_transform mask = {
		.kind = SL_MASK,
		.length = stretch->length,
		.mask = cutter->mask + stretch->at,
		.xor = cutter->xor +stretch->at,
	};
	struct sl_key key = {.length = stretch->length,
			     .part_count = 1,
			     .transform_count = 1,
			     .parts = &part,
			     .transforms = &mask};

	part.field.length = stretch->length;
	stretch->mask = (u32)sl_value_max(stretch->length);
	return find_lane(cutter, &key, &stretch->lane);
}

static bool is_prefix(u32 mask, u32 length)
{
	u32 rest = ~mask & (u32)sl_value_max(length);

	return !(rest & (rest + 1));
}

static int add_field(struct cutter *cutter, const struct source *source, u32 room,
		     struct sl_stretch *stretch)
{
	struct sl_field field = lane_field(cutter, source);
	struct source next;

	if (source->base == SL_META && source->meta_byte)
		return -ENOTSUP; /* metadata is loaded from its first byte on */
	while (stretch->length < field.length && stretch->length < room &&
	       !find_source(cutter, stretch->at + stretch->length, &next) &&
	       goes_on(source, &next, stretch->length))
		stretch->length++;
	if (!is_usual(cutter, &field))
		field.length = stretch->length;

	u32 flips = (u32)sl_value_number(cutter->xor +stretch->at, stretch->length);

	stretch->mask = (u32)sl_value_number(cutter->mask + stretch->at, stretch->length);
	if (!stretch->mask) {
		stretch->is_constant = true;
		stretch->value = flips;
		return 0;
	}
	if (flips || !is_prefix(stretch->mask, stretch->length))
		return add_masked(cutter, field, stretch);
	return add_plain(cutter, &field, stretch);
}

static int cut_bytes(struct cutter *cutter, struct sl_stretches *ret_stretches)
{
	ret_stretches->count = 0;
	for (u32 at = 0; at < cutter->key->length;) {
		struct sl_stretch *stretch = &ret_stretches->items[ret_stretches->count++];
		struct source source;
		int error = find_source(cutter, at, &source);

		*stretch = (struct sl_stretch){.at = (u8)at, .length = 1};
		if (!error && source.is_constant) {
			stretch->is_constant = true;
			stretch->value = (source.value & cutter->mask[at]) ^ cutter->xor [at];
		} else if (!error) {
			error = add_field(cutter, &source, next_border(cutter, at) - at, stretch);
		}
		if (error)
			return error;
		at += stretch->length;
	}
	return 0;
}

/* True, and what they come to, if all of the key's transforms are masks. */
static bool compose_masks(struct cutter *cutter)
{
	memset(cutter->mask, 0xff, sizeof cutter->mask);
	memset(cutter->xor, 0, sizeof cutter->xor);
	for (u32 i = 0; i < cutter->key->transform_count; i++) {
		const struct sl_transform *transform = &cutter->key->transforms[i];

		if (transform->kind != SL_MASK)
			return false;
		for (u32 j = 0; j < transform->length && transform->at + j < SL_KEY_MAX; j++) {
			u32 at = transform->at + j;

			cutter->mask[at] &= transform->mask[j];
			cutter->xor [at] =
				(cutter->xor [at] & transform -> mask[j]) ^ transform->xor [j];
		}
	}
	return true;
}

/* Codegen has code for it whatever stands around: one word that is the whole key. */
static bool is_one_word(const struct sl_key *key)
{
	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];

		if (transform->kind == SL_MASK &&
		    (u32)transform->at + transform->length <= key->length)
			continue;
		if (transform->at || transform->length != key->length)
			return false;
		if (transform->kind == SL_SWAP ? transform->width != key->length : key->length != 4)
			return false;
	}
	return true;
}

/* Bytes in another order are a lane of their own, if they are no more than that. */
static int cut_word(struct cutter *cutter, struct sl_stretches *ret_stretches)
{
	const struct sl_key *key = cutter->key;
	struct sl_stretch stretch = {.length = key->length};
	struct source source;

	if (key->length > 4 || !is_one_word(key) || next_border(cutter, 0) != key->length)
		return -ENOTSUP;
	for (u32 at = 0; at < key->length; at++)
		if (find_source(cutter, at, &source))
			return -ENOTSUP;
	stretch.mask = (u32)sl_value_max(key->length);
	ret_stretches->count = 1;
	ret_stretches->items[0] = stretch;
	return find_lane(cutter, key, &ret_stretches->items[0].lane);
}

int sl_key_cut(const struct sl_key *key, const struct sl_set *boxes, const struct sl_place *place,
	       u32 header, struct sl_lanes *lanes, struct sl_arena *arena,
	       struct sl_stretches *ret_stretches)
{
	struct cutter cutter = {.key = key,
				.boxes = boxes,
				.place = place,
				.header = header,
				.lanes = lanes,
				.arena = arena};

	if (place->family != SL_IP && place->family != SL_IP6)
		return -ENOTSUP;
	return compose_masks(&cutter) ? cut_bytes(&cutter, ret_stretches)
				      : cut_word(&cutter, ret_stretches);
}
