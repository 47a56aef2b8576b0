// SPDX-License-Identifier: GPL-2.0-only
#include "lift/registers.h"

#include <assert.h>
#include <string.h>

static u32 round_up_to_word(u32 length)
{
	return (length + 3) & ~3u;
}

/* Loads */

static void note_lost_break(struct sl_registers *registers, const struct sl_load *load)
{
	if (load->may_break && load->is_unread)
		registers->lost_break = true;
}

/* Cuts [at, end) out of a load that reaches into it: what is left of it is not worth tracking. */
static bool is_overwritten(struct sl_load *load, u32 at, u32 end)
{
	u32 load_end = load->at + load->length;

	if (load_end <= at || load->at >= end)
		return false;
	if (load->at >= at && load_end <= end)
		return true;
	load->kind = SL_LOAD_UNKNOWN;
	load->reason = "a register that was overwritten in part";
	if (load->at < at) {
		load->length = (u8)(at - load->at);
	} else {
		load->length = (u8)(load_end - end);
		load->at = (u8)end;
	}
	return false;
}

/*
 * Makes room for a load and returns it zeroed. A load strictly inside an older one makes all of
 * the older one's upper part undefined, which reads as unknown.
 */
static struct sl_load *store(struct sl_registers *registers, u32 at, u32 length)
{
	u32 kept = 0, end = at + length;

	for (u32 i = 0; i < registers->count; i++) {
		struct sl_load *load = &registers->loads[i];

		if (load->at < end && load->at + load->length > at)
			note_lost_break(registers, load);
		if (!is_overwritten(load, at, end))
			registers->loads[kept++] = *load;
	}

	struct sl_load *load = &registers->loads[kept];

	registers->count = kept + 1;
	memset(load, 0, sizeof *load);
	load->at = (u8)at;
	load->length = (u8)length;
	load->is_unread = true;
	return load;
}

/* The reader promises registers within the file; a load elsewhere would be a bug of either side. */
static bool fits(u32 at, u32 length)
{
	return length && at % 4 == 0 && at < SL_REGISTER_FILE_SIZE &&
	       length <= SL_REGISTER_FILE_SIZE - at;
}

static const char outside[] = "a register outside the register file";

void sl_registers_load_field(struct sl_registers *registers, u32 at, struct sl_field field,
			     bool may_break)
{
	if (!fits(at, field.length)) {
		sl_registers_forget(registers, outside);
		return;
	}

	struct sl_load *load = store(registers, at, round_up_to_word(field.length));

	load->kind = SL_LOAD_FIELD;
	load->may_break = may_break;
	load->key.length = load->length;
	load->key.part_count = 1;
	load->key.parts[0].field = field;
}

void sl_registers_load_value(struct sl_registers *registers, u32 at, const u8 *bytes, u32 length)
{
	if (!fits(at, length)) {
		sl_registers_forget(registers, outside);
		return;
	}

	struct sl_load *load = store(registers, at, round_up_to_word(length));

	load->kind = SL_LOAD_VALUE;
	for (u32 world = 0; world < SL_WORLD_COUNT; world++)
		memcpy(load->values.bytes[world], bytes, length);
}

void sl_registers_load_bits(struct sl_registers *registers, u32 at, u32 word, u32 doubtful,
			    const char *reason)
{
	const u32 words[SL_WORLD_COUNT] = {word, word, word, word, word};

	sl_registers_load_words(registers, at, words);
	for (u32 i = 0; i < registers->count; i++)
		if (registers->loads[i].at == at) {
			registers->loads[i].doubtful = doubtful;
			registers->loads[i].reason = reason;
		}
}

void sl_registers_load_words(struct sl_registers *registers, u32 at,
			     const u32 words[SL_WORLD_COUNT])
{
	if (!fits(at, sizeof *words)) {
		sl_registers_forget(registers, outside);
		return;
	}

	struct sl_load *load = store(registers, at, sizeof *words);

	load->kind = SL_LOAD_VALUE;
	for (u32 world = 0; world < SL_WORLD_COUNT; world++)
		memcpy(load->values.bytes[world], &words[world], sizeof *words);
}

void sl_registers_load_unknown(struct sl_registers *registers, u32 at, u32 length, bool may_break,
			       const char *reason)
{
	if (!fits(at, length)) {
		sl_registers_forget(registers, outside);
		return;
	}

	struct sl_load *load = store(registers, at, round_up_to_word(length));

	assert(reason); /* NULL is how readers say that all is known */
	load->kind = SL_LOAD_UNKNOWN;
	load->reason = reason;
	load->may_break = may_break;
}

void sl_registers_forget(struct sl_registers *registers, const char *reason)
{
	sl_registers_load_unknown(registers, 0, SL_REGISTER_FILE_SIZE, true, reason);
}

/* Transforms of known bytes, as the kernel's own words. */

static void mask_bytes(u8 *bytes, const struct sl_transform *transform)
{
	for (u32 i = 0; i < transform->length; i++)
		bytes[i] = (u8)((bytes[i] & transform->mask[i]) ^ transform->xor [i]);
	memset(bytes + transform->length, 0,
	       round_up_to_word(transform->length) - transform->length);
}

static void swap_bytes(u8 *bytes, const struct sl_transform *transform)
{
	for (u32 word = 0; word < transform->length; word += transform->width) {
		for (u32 i = 0; i < transform->width / 2u; i++) {
			u8 *low = &bytes[word + i];
			u8 *high = &bytes[word + transform->width - 1 - i], kept = *low;

			*low = *high;
			*high = kept;
		}
	}
}

/* One word: shifts of several are not tracked (see sl_registers_transform). */
static void shift_word(u8 *bytes, const struct sl_transform *transform)
{
	u32 word;

	memcpy(&word, bytes, sizeof word);
	word = transform->kind == SL_SHL ? word << transform->width : word >> transform->width;
	memcpy(bytes, &word, sizeof word);
}

static void transform_bytes(u8 *bytes, const struct sl_transform *transform)
{
	switch (transform->kind) {
	case SL_MASK:
		mask_bytes(bytes, transform);
		break;
	case SL_SWAP:
		swap_bytes(bytes, transform);
		break;
	default:
		shift_word(bytes, transform);
		break;
	}
}

/* Transforms */

static struct sl_load *find_load(struct sl_registers *registers, u32 at)
{
	for (u32 i = 0; i < registers->count; i++) {
		struct sl_load *load = &registers->loads[i];

		if (load->at <= at && at < load->at + load->length)
			return load;
	}
	return NULL;
}

static bool is_shift(const struct sl_transform *transform)
{
	return transform->kind == SL_SHL || transform->kind == SL_SHR;
}

static bool has(const struct sl_key_draft *key, enum sl_transform_kind kind)
{
	for (u32 i = 0; i < key->transform_count; i++)
		if (key->transforms[i].kind == kind)
			return true;
	return false;
}

/*
 * What the kernel makes of the last word. A mask clears the rest of it, a shift works on all of it,
 * a swap leaves the rest alone: in place that is the whole word again, elsewhere only its bytes.
 */
struct extent {
	u32 read, written; /* bytes */
};

static struct extent find_extent(const struct sl_transform *transform, bool in_place)
{
	u32 bytes = transform->length, words = round_up_to_word(bytes);

	if (transform->kind == SL_MASK)
		return (struct extent){bytes, words};
	if (is_shift(transform) || in_place)
		return (struct extent){words, words};
	return (struct extent){bytes, bytes};
}

static void store_value(struct sl_registers *registers, u32 dreg, u32 length,
			const struct sl_reading *reading, const struct sl_transform *transform)
{
	struct sl_load *load = store(registers, dreg, length);

	load->kind = SL_LOAD_VALUE;
	load->values = reading->values;
	for (u32 world = 0; world < SL_WORLD_COUNT; world++)
		transform_bytes(load->values.bytes[world], transform);
}

static void store_key(struct sl_registers *registers, u32 dreg, u32 length, bool may_break,
		      const struct sl_reading *reading, const struct sl_transform *transform)
{
	struct sl_load *load = store(registers, dreg, length);

	load->kind = SL_LOAD_FIELD;
	load->may_break = may_break;
	load->key = reading->key;
	load->key.length = (u8)length;
	load->key.transforms[load->key.transform_count++] = *transform;
}

static bool range_may_break(const struct sl_registers *registers, u32 at, u32 length)
{
	for (u32 i = 0; i < registers->count; i++) {
		const struct sl_load *load = &registers->loads[i];

		if (load->at < at + length && load->at + load->length > at && load->may_break)
			return true;
	}
	return false;
}

/* Why a transform of this reading can't be tracked; NULL where it can. */
static const char *check_transform(const struct sl_reading *reading,
				   const struct sl_transform *transform)
{
	if (reading->kind == SL_READ_UNKNOWN)
		return reading->reason;
	if (is_shift(transform) && transform->length > 4)
		return "a shift of several words"; /* kernels disagree, see ir.h */
	if (reading->kind == SL_READ_SPLIT || reading->has_values)
		return "a transform of a field and a constant at once";
	if (reading->kind == SL_READ_KEY && reading->key.transform_count == SL_TRANSFORMS_MAX)
		return "too many transforms";
	/* The kernel's mask clears the rest of the word, where bits may have been shifted to. */
	if (reading->kind == SL_READ_KEY && transform->kind == SL_MASK && transform->length % 4 &&
	    has(&reading->key, SL_SHL))
		return "a mask of part of a word that was shifted";
	return NULL;
}

/* Reads what is to be transformed; bits that the transform masks away need not be known. */
static void read_masked(struct sl_registers *registers, u32 sreg, u32 length,
			const struct sl_transform *transform, struct sl_reading *ret_reading)
{
	struct sl_load *load = find_load(registers, sreg);
	u32 doubtful = load ? load->doubtful : 0, mask;

	if (doubtful && transform->kind == SL_MASK && load->at == sreg && length == sizeof mask) {
		memcpy(&mask, transform->mask, sizeof mask);
		load->doubtful &= mask;
	}
	sl_registers_read(registers, sreg, length, ret_reading);
	if (load)
		load->doubtful = doubtful;
}

void sl_registers_transform(struct sl_registers *registers, u32 sreg, u32 dreg,
			    const struct sl_transform *transform)
{
	struct extent extent = find_extent(transform, sreg == dreg);
	struct sl_reading reading;
	const char *problem;
	bool may_break;

	if (!fits(dreg, extent.written)) {
		sl_registers_forget(registers, outside);
		return;
	}
	may_break = range_may_break(registers, sreg, extent.read);
	read_masked(registers, sreg, extent.read, transform, &reading);
	problem = check_transform(&reading, transform);
	if (problem)
		sl_registers_load_unknown(registers, dreg, extent.written, may_break, problem);
	else if (reading.kind == SL_READ_VALUE)
		store_value(registers, dreg, extent.written, &reading, transform);
	else
		store_key(registers, dreg, extent.written, may_break, &reading, transform);
}

/* Reading */

/* The parts that a key's first bytes are made of; false where one would have to be cut. */
static bool shorten_parts(struct sl_key_draft *key, u32 length, bool may_cut)
{
	u32 kept = 0;

	for (u32 i = 0; i < key->part_count; i++) {
		struct sl_part part = key->parts[i];

		if (part.at + part.field.length > length) {
			if (!may_cut)
				return false;
			if (part.at >= length)
				continue;
			part.field.length = (u8)(length - part.at);
		}
		key->parts[kept++] = part;
	}
	key->part_count = (u8)kept;
	return true;
}

/* Shifts go on working on their whole word, which the IR grants the last bytes of a key too. */
static bool shorten_transforms(struct sl_key_draft *key, u32 length, bool may_cut)
{
	u32 kept = 0;

	for (u32 i = 0; i < key->transform_count; i++) {
		struct sl_transform transform = key->transforms[i];
		u32 room = transform.at < length ? length - transform.at : 0;

		if (!room)
			continue;
		if (transform.length > room) {
			if (!is_shift(&transform) && !may_cut)
				return false;
			if (transform.kind == SL_SWAP && room % transform.width)
				return false;
			transform.length = (u8)room;
		}
		key->transforms[kept++] = transform;
	}
	key->transform_count = (u8)kept;
	return true;
}

/*
 * Cuts a key down to its first bytes; false where they alone would not mean the same: a load of
 * fewer bytes breaks less often, and a right shift brings bits down from the bytes cut off, which
 * are only nothing if no part or mask put something there.
 */
static bool shorten(struct sl_key_draft *key, u32 length, bool may_break)
{
	bool shifts_right = has(key, SL_SHR);

	if (!shorten_parts(key, length, !may_break && !shifts_right) ||
	    !shorten_transforms(key, length, !shifts_right))
		return false;
	key->length = (u8)length;
	return true;
}

/* Puts `key` at byte `at` of a longer one; false where there is no room. */
static bool append_key(struct sl_key_draft *longer, const struct sl_key_draft *key, u32 at)
{
	if (longer->part_count + key->part_count > SL_KEY_PARTS_MAX ||
	    longer->transform_count + key->transform_count > SL_TRANSFORMS_MAX)
		return false;
	for (u32 i = 0; i < key->part_count; i++) {
		struct sl_part *part = &longer->parts[longer->part_count++];

		*part = key->parts[i];
		part->at = (u8)(part->at + at);
	}
	for (u32 i = 0; i < key->transform_count; i++) {
		struct sl_transform *transform = &longer->transforms[longer->transform_count++];

		*transform = key->transforms[i];
		transform->at = (u8)(transform->at + at);
	}
	return true;
}

bool sl_values_are_equal(const struct sl_values *values, u32 length)
{
	for (u32 world = 1; world < SL_WORLD_COUNT; world++)
		if (memcmp(values->bytes[world], values->bytes[0], length) != 0)
			return false;
	return true;
}

static bool is_zero(const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Known bytes beside a field: no part covers them, so they are zero, xor the value. */
static bool append_constant(struct sl_reading *reading, const struct sl_load *load, u32 at,
			    u32 length)
{
	static const u8 zeroes[SL_REGISTER_FILE_SIZE];
	struct sl_key_draft *key = &reading->key;

	if (is_zero(load->values.bytes[0], length))
		return true;
	if (key->transform_count == SL_TRANSFORMS_MAX)
		return false;
	key->transforms[key->transform_count++] = (struct sl_transform){
		.kind = SL_MASK,
		.at = (u8)at,
		.length = (u8)length,
		.mask = zeroes,
		.xor = load->values.bytes[0],
	};
	reading->has_values = true;
	return true;
}

static void fail(struct sl_reading *reading, const char *reason)
{
	reading->kind = SL_READ_UNKNOWN;
	reading->reason = reason;
}

static const char too_complex[] = "a key of too many parts";

static void append_field(struct sl_reading *reading, const struct sl_load *load, u32 at, u32 length)
{
	struct sl_key_draft key = load->key;

	if (length < load->length && !shorten(&key, length, load->may_break))
		fail(reading, "a part of what a register holds");
	else if (!append_key(&reading->key, &key, at))
		fail(reading, too_complex);
}

/* The loads that cover a range, in order. */
struct cover {
	struct sl_load *loads[SL_LOADS_MAX];
	u32 count, fields;
	bool differs; /* a value that is not the same in all worlds */
};

static const char *find_cover(struct sl_registers *registers, u32 at, u32 length,
			      struct cover *cover)
{
	for (u32 next = at; next < at + length;) {
		struct sl_load *load = find_load(registers, next);

		if (!load)
			return "a register that this rule has not loaded";
		load->is_unread = false;
		if (load->kind == SL_LOAD_UNKNOWN || load->doubtful)
			return load->reason;
		if (load->at != next)
			return "a part of what a register holds";
		if (load->kind == SL_LOAD_FIELD)
			cover->fields++;
		else if (!sl_values_are_equal(&load->values, load->length))
			cover->differs = true;
		cover->loads[cover->count++] = load;
		next += load->length;
	}
	return NULL;
}

static void read_values(const struct cover *cover, u32 at, u32 length, struct sl_reading *reading)
{
	reading->kind = SL_READ_VALUE;
	for (u32 i = 0; i < cover->count; i++) {
		const struct sl_load *load = cover->loads[i];
		u32 to = load->at - at, room = length - to;

		for (u32 world = 0; world < SL_WORLD_COUNT; world++)
			memcpy(reading->values.bytes[world] + to, load->values.bytes[world],
			       load->length < room ? load->length : room);
	}
}

static void read_key(const struct cover *cover, u32 at, u32 length, struct sl_reading *reading)
{
	reading->kind = SL_READ_KEY;
	reading->key.length = (u8)length;
	for (u32 i = 0; i < cover->count && reading->kind == SL_READ_KEY; i++) {
		const struct sl_load *load = cover->loads[i];
		u32 to = load->at - at, room = length - to;

		if (room > load->length)
			room = load->length;
		if (load->kind == SL_LOAD_FIELD)
			append_field(reading, load, to, room);
		else if (!append_constant(reading, load, to, room))
			fail(reading, too_complex);
	}
	if (reading->kind == SL_READ_KEY && !reading->key.part_count)
		fail(reading, "a part of what a register holds");
}

void sl_registers_read(struct sl_registers *registers, u32 at, u32 length,
		       struct sl_reading *ret_reading)
{
	struct cover cover = {0};
	const char *problem;

	memset(ret_reading, 0, sizeof *ret_reading);
	if (!fits(at, length)) {
		fail(ret_reading, outside);
		return;
	}
	problem = find_cover(registers, at, length, &cover);
	if (problem)
		fail(ret_reading, problem);
	else if (!cover.fields)
		read_values(&cover, at, length, ret_reading);
	else if (cover.differs)
		ret_reading->kind = SL_READ_SPLIT;
	else
		read_key(&cover, at, length, ret_reading);
}

bool sl_registers_take_break(struct sl_registers *registers)
{
	bool breaks = registers->lost_break;

	registers->lost_break = false;
	for (u32 i = 0; i < registers->count; i++) {
		struct sl_load *load = &registers->loads[i];

		breaks |= load->may_break && load->is_unread;
		load->is_unread = false;
	}
	return breaks;
}
