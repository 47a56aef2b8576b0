/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nf_tables' register file while one rule is lifted: for each loaded byte range, where its value
 * comes from instead of the value itself.
 *
 * A register holds one of three things:
 *	a field  bytes of the packet or its metadata, with the transforms applied since;
 *	a value  known bytes, one set per world: an immediate is the same in all of them, `ct state`
 *		 is different in each. Everything computed from values is a value again, so that
 *		 any predicate on the conntrack state becomes the set of worlds in which it holds;
 *		 of a word some bits may be doubtful, until they are masked away;
 *	unknown  with a reason.
 * Loads fill whole 4-byte words; the kernel zeroes what a short load leaves of its last one.
 */
#ifndef SLUICE_LIFT_REGISTERS_H
#define SLUICE_LIFT_REGISTERS_H

#include "ir/ir.h"
#include "source/ruleset.h"

#define SL_WORLD_COUNT    5
#define SL_TRANSFORMS_MAX 24
#define SL_LOADS_MAX      (SL_REGISTER_FILE_SIZE / 2) /* a word may hold the rests of two */

/* A key under construction. Masks still point to where they came from: sl_emit copies them. */
struct sl_key_draft {
	u8 length, part_count, transform_count;
	struct sl_part parts[SL_KEY_PARTS_MAX];
	struct sl_transform transforms[SL_TRANSFORMS_MAX];
};

struct sl_values {
	u8 bytes[SL_WORLD_COUNT][SL_REGISTER_FILE_SIZE];
};

enum sl_load_kind { SL_LOAD_UNKNOWN, SL_LOAD_VALUE, SL_LOAD_FIELD };

struct sl_load {
	enum sl_load_kind kind;
	u8 at, length;      /* in the register file; whole words, except where said so */
	bool may_break;     /* the kernel may give up the rule right here (NFT_BREAK) … */
	bool is_unread;     /* … and no match has stood in for that yet */
	const char *reason; /* UNKNOWN; VALUE: of its doubtful bits */
	struct sl_values values;
	u32 doubtful; /* VALUE of one word: bits that are not known, as a host-order word */
	struct sl_key_draft key; /* FIELD; offsets are relative to the load */
};

struct sl_registers {
	struct sl_load loads[SL_LOADS_MAX];
	u32 count;
	bool lost_break; /* an unread load that may break was overwritten */
};

/* What a range of registers holds. */
struct sl_reading {
	enum sl_reading_kind {
		SL_READ_UNKNOWN,
		SL_READ_VALUE,
		SL_READ_KEY,
		SL_READ_SPLIT, /* fields beside values that differ from world to world */
	} kind;
	const char *reason;      /* UNKNOWN */
	struct sl_values values; /* VALUE */
	struct sl_key_draft key; /* KEY */
	bool has_values;         /* KEY: some of its masks point into the register file */
};

void sl_registers_load_field(struct sl_registers *registers, u32 at, struct sl_field field,
			     bool may_break);
void sl_registers_load_value(struct sl_registers *registers, u32 at, const u8 *bytes, u32 length);
/* A host-order word of which only some bits are known; whoever masks the others away may read it.
 */
void sl_registers_load_bits(struct sl_registers *registers, u32 at, u32 word, u32 doubtful,
			    const char *reason);
/* A host-order word for each world. */
void sl_registers_load_words(struct sl_registers *registers, u32 at,
			     const u32 words[SL_WORLD_COUNT]);
void sl_registers_load_unknown(struct sl_registers *registers, u32 at, u32 length, bool may_break,
			       const char *reason);
/* Somebody wrote, and it is not known where to. */
void sl_registers_forget(struct sl_registers *registers, const char *reason);

/* dreg = transform(sreg); `transform->at` is 0, its length the number of bytes. */
void sl_registers_transform(struct sl_registers *registers, u32 sreg, u32 dreg,
			    const struct sl_transform *transform);

void sl_registers_read(struct sl_registers *registers, u32 at, u32 length,
		       struct sl_reading *ret_reading);

/*
 * Whether a load that may break was not read since the last call: an effect that follows is then
 * reached only perhaps.
 */
bool sl_registers_take_break(struct sl_registers *registers);

bool sl_values_are_equal(const struct sl_values *values, u32 length);

#endif
