/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions, table-driven: each family states its vocabulary and what it cannot do without, and
 * a reader turns the attributes into the model. A reader that finds a value it does not know
 * returns `opaque(…)`; the caller then forgets all but the name and the reason.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "source/data.h"
#include "source/reader.h"

struct family {
	const char *name;
	enum sl_expr_kind kind;
	int (*read)(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr);
	sl_attr_policy policy;
	u64 required; /* bits of attributes */
};

#define HAS(attribute) (1ull << (attribute))

static int opaque(struct sl_expr *expr, const char *reason)
{
	expr->opaque = reason;
	return 0;
}

/*
 * Registers 1–4 are 16 bytes each; from 8 on the same bytes are counted by fours. False for the
 * verdict register and for what lies outside.
 */
static bool register_offset(u32 number, u32 *ret_offset)
{
	if (number >= NFT_REG_1 && number <= NFT_REG_4)
		*ret_offset = (number - NFT_REG_1) * NFT_REG_SIZE;
	else if (number >= NFT_REG32_00 && number <= NFT_REG32_15)
		*ret_offset = (number - NFT_REG32_00) * NFT_REG32_SIZE;
	else
		return false;
	return true;
}

/* The register in attribute `number`, with room for `length` bytes. */
static bool read_register(const struct sl_attrs *attrs, u32 number, u32 length, u32 *ret_offset)
{
	return register_offset(sl_attrs_u32(attrs, number), ret_offset) && length &&
	       length <= SL_REGISTER_FILE_SIZE - *ret_offset;
}

#define BAD_REGISTER "uses a register that does not exist"

static int read_payload(struct sl_reader *reader, const struct sl_attrs *attrs,
			struct sl_expr *expr)
{
	u32 source;

	(void)reader;
	expr->payload.base = sl_attrs_u32(attrs, NFTA_PAYLOAD_BASE);
	expr->payload.offset = sl_attrs_u32(attrs, NFTA_PAYLOAD_OFFSET);
	expr->payload.length = sl_attrs_u32(attrs, NFTA_PAYLOAD_LEN);
	expr->payload.writes = attrs->at[NFTA_PAYLOAD_SREG];
	if (expr->payload.writes == !!attrs->at[NFTA_PAYLOAD_DREG])
		return opaque(expr, "neither loads nor stores");
	if (expr->payload.writes)
		return read_register(attrs, NFTA_PAYLOAD_SREG, expr->payload.length, &source)
			       ? 0
			       : opaque(expr, BAD_REGISTER);
	if (!read_register(attrs, NFTA_PAYLOAD_DREG, expr->payload.length, &expr->payload.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_meta(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	(void)reader;
	expr->meta.key = sl_attrs_u32(attrs, NFTA_META_KEY);
	expr->meta.writes = attrs->at[NFTA_META_SREG];
	if (expr->meta.writes == !!attrs->at[NFTA_META_DREG])
		return opaque(expr, "neither loads nor stores");
	if (!read_register(attrs, expr->meta.writes ? NFTA_META_SREG : NFTA_META_DREG, 1,
			   &expr->meta.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_ct(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	(void)reader;
	expr->ct.key = sl_attrs_u32(attrs, NFTA_CT_KEY);
	expr->ct.writes = attrs->at[NFTA_CT_SREG];
	expr->ct.direction = -1;
	if (attrs->at[NFTA_CT_DIRECTION])
		expr->ct.direction = sl_attrs_u8(attrs, NFTA_CT_DIRECTION);
	if (expr->ct.writes == !!attrs->at[NFTA_CT_DREG])
		return opaque(expr, "neither loads nor stores");
	if (!expr->ct.writes && !read_register(attrs, NFTA_CT_DREG, 1, &expr->ct.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

/* A value; where it is none, `expr` becomes opaque. */
static int read_value(struct sl_reader *reader, const struct nlattr *nest, struct sl_expr *expr,
		      const u8 **ret_bytes, u32 *ret_length)
{
	struct sl_data data = {0};
	int error = sl_data_read(reader->arena, nest, &data);

	if (error == -ENOMEM)
		return error;
	if (error || data.opaque || !data.bytes)
		return opaque(expr, data.opaque ?: "compares with something that is not a value");
	*ret_bytes = data.bytes;
	*ret_length = data.length;
	return 0;
}

static int read_cmp(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	int error = read_value(reader, attrs->at[NFTA_CMP_DATA], expr, &expr->cmp.data,
			       &expr->cmp.length);

	if (error || expr->opaque)
		return error;
	expr->cmp.op = sl_attrs_u32(attrs, NFTA_CMP_OP);
	if (expr->cmp.op > NFT_CMP_GTE)
		return opaque(expr, "has an unknown comparison");
	if (!read_register(attrs, NFTA_CMP_SREG, expr->cmp.length, &expr->cmp.sreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_range(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	u32 to_length = 0;
	int error = read_value(reader, attrs->at[NFTA_RANGE_FROM_DATA], expr, &expr->range.from,
			       &expr->range.length);

	if (!error && !expr->opaque)
		error = read_value(reader, attrs->at[NFTA_RANGE_TO_DATA], expr, &expr->range.to,
				   &to_length);
	if (error || expr->opaque)
		return error;
	expr->range.op = sl_attrs_u32(attrs, NFTA_RANGE_OP);
	if (expr->range.op > NFT_RANGE_NEQ)
		return opaque(expr, "has an unknown comparison");
	if (expr->range.length != to_length)
		return opaque(expr, "has bounds of different lengths");
	if (!read_register(attrs, NFTA_RANGE_SREG, to_length, &expr->range.sreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_mask(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	u32 mask_length = 0, xor_length = 0;
	int error;

	if (!attrs->at[NFTA_BITWISE_MASK] || !attrs->at[NFTA_BITWISE_XOR])
		return opaque(expr, "lacks its mask");
	error = read_value(reader, attrs->at[NFTA_BITWISE_MASK], expr, &expr->bitwise.mask,
			   &mask_length);
	if (!error && !expr->opaque)
		error = read_value(reader, attrs->at[NFTA_BITWISE_XOR], expr, &expr->bitwise.xor,
				   &xor_length);
	if (error || expr->opaque)
		return error;
	if (mask_length != expr->bitwise.length || xor_length != expr->bitwise.length)
		return opaque(expr, "has a mask of another length");
	return 0;
}

static int read_shift(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	const u8 *bits;
	u32 length = 0;
	int error;

	if (!attrs->at[NFTA_BITWISE_DATA])
		return opaque(expr, "lacks its shift");
	error = read_value(reader, attrs->at[NFTA_BITWISE_DATA], expr, &bits, &length);
	if (error || expr->opaque)
		return error;
	if (length != sizeof expr->bitwise.shift)
		return opaque(expr, "has a shift of unknown form");
	memcpy(&expr->bitwise.shift, bits, sizeof expr->bitwise.shift); /* host order */
	if (!expr->bitwise.shift || expr->bitwise.shift > 31)
		return opaque(expr, "shifts by an impossible number of bits");
	return 0;
}

static int read_bitwise(struct sl_reader *reader, const struct sl_attrs *attrs,
			struct sl_expr *expr)
{
	u32 length = sl_attrs_u32(attrs, NFTA_BITWISE_LEN);

	expr->bitwise.length = length;
	expr->bitwise.op = sl_attrs_u32(attrs, NFTA_BITWISE_OP);
	if (!read_register(attrs, NFTA_BITWISE_SREG, length, &expr->bitwise.sreg) ||
	    !read_register(attrs, NFTA_BITWISE_DREG, length, &expr->bitwise.dreg))
		return opaque(expr, BAD_REGISTER);
	switch (expr->bitwise.op) {
	case NFT_BITWISE_BOOL:
		return read_mask(reader, attrs, expr);
	case NFT_BITWISE_LSHIFT:
	case NFT_BITWISE_RSHIFT:
		return read_shift(reader, attrs, expr);
	}
	return opaque(expr, "has an unknown operation");
}

static int read_byteorder(struct sl_reader *reader, const struct sl_attrs *attrs,
			  struct sl_expr *expr)
{
	u32 length = sl_attrs_u32(attrs, NFTA_BYTEORDER_LEN);

	(void)reader;
	expr->byteorder.length = length;
	expr->byteorder.op = sl_attrs_u32(attrs, NFTA_BYTEORDER_OP);
	expr->byteorder.size = sl_attrs_u32(attrs, NFTA_BYTEORDER_SIZE);
	if (expr->byteorder.op > NFT_BYTEORDER_HTON)
		return opaque(expr, "has an unknown operation");
	if (expr->byteorder.size != 2 && expr->byteorder.size != 4 && expr->byteorder.size != 8)
		return opaque(expr, "swaps words of an unknown size");
	if (!read_register(attrs, NFTA_BYTEORDER_SREG, length, &expr->byteorder.sreg) ||
	    !read_register(attrs, NFTA_BYTEORDER_DREG, length, &expr->byteorder.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_immediate(struct sl_reader *reader, const struct sl_attrs *attrs,
			  struct sl_expr *expr)
{
	bool to_verdict = sl_attrs_u32(attrs, NFTA_IMMEDIATE_DREG) == NFT_REG_VERDICT;
	struct sl_data data = {0};
	int error = sl_data_read(reader->arena, attrs->at[NFTA_IMMEDIATE_DATA], &data);

	if (error == -ENOMEM)
		return error;
	if (error || data.opaque)
		return opaque(expr, data.opaque ?: "holds something that is not a value");
	if (data.is_verdict != to_verdict)
		return opaque(expr, "loads a verdict into a data register or the other way round");
	expr->immediate.is_verdict = data.is_verdict;
	expr->immediate.verdict = data.verdict;
	expr->immediate.data = data.bytes;
	expr->immediate.length = data.length;
	if (!to_verdict &&
	    !read_register(attrs, NFTA_IMMEDIATE_DREG, data.length, &expr->immediate.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_lookup_result(const struct sl_attrs *attrs, struct sl_expr *expr)
{
	const struct sl_nft_set *set = expr->lookup.set;

	expr->lookup.has_dreg = attrs->at[NFTA_LOOKUP_DREG];
	if (!expr->lookup.has_dreg)
		return 0;
	expr->lookup.is_verdict = sl_attrs_u32(attrs, NFTA_LOOKUP_DREG) == NFT_REG_VERDICT;
	if (expr->lookup.is_verdict !=
	    ((set->flags & NFT_SET_MAP) && set->data_type == NFT_DATA_VERDICT))
		return opaque(expr, "expects other data than its set holds");
	if (!expr->lookup.is_verdict &&
	    !read_register(attrs, NFTA_LOOKUP_DREG, set->data_length, &expr->lookup.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_lookup(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	u32 flags = sl_attrs_u32(attrs, NFTA_LOOKUP_FLAGS);
	int error = sl_reader_find_set(reader, reader->table, sl_attrs_text(attrs, NFTA_LOOKUP_SET),
				       &expr->lookup.set);

	if (error)
		return error;
	expr->lookup.invert = flags & NFT_LOOKUP_F_INV;
	if (flags & ~(u32)NFT_LOOKUP_F_INV)
		return opaque(expr, "has an unknown flag");
	if (!read_register(attrs, NFTA_LOOKUP_SREG, expr->lookup.set->key_length,
			   &expr->lookup.sreg))
		return opaque(expr, BAD_REGISTER);
	return read_lookup_result(attrs, expr);
}

static int read_counter(struct sl_reader *reader, const struct sl_attrs *attrs,
			struct sl_expr *expr)
{
	(void)reader;
	expr->counter.packets = sl_attrs_u64(attrs, NFTA_COUNTER_PACKETS);
	expr->counter.bytes = sl_attrs_u64(attrs, NFTA_COUNTER_BYTES);
	return 0;
}

static const struct sl_nft_object *find_object(const struct sl_nft_table *table, u32 type,
					       const char *name)
{
	for (u32 i = 0; i < table->objects.count; i++)
		if (table->objects.items[i].type == type &&
		    !strcmp(table->objects.items[i].name, name))
			return &table->objects.items[i];
	return NULL;
}

static int read_objref_map(struct sl_reader *reader, const struct sl_attrs *attrs,
			   struct sl_expr *expr)
{
	const char *name = sl_attrs_text(attrs, NFTA_OBJREF_SET_NAME);
	struct sl_nft_set *set;
	int error = name ? sl_reader_find_set(reader, reader->table, name, &set) : 0;

	if (error)
		return error;
	if (!name)
		return opaque(expr, "refers to no object");
	expr->objref.type = set->data_type;
	return 0;
}

static int read_objref(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	const char *name = sl_attrs_text(attrs, NFTA_OBJREF_IMM_NAME);
	const struct sl_nft_object *object;

	if (!name)
		return read_objref_map(reader, attrs, expr);
	expr->objref.type = sl_attrs_u32(attrs, NFTA_OBJREF_IMM_TYPE);
	object = find_object(reader->table, expr->objref.type, name);
	if (!object)
		return sl_reader_missing(reader, "object", name);
	if (object->opaque)
		return opaque(expr, object->opaque);
	expr->objref.object = object->name;
	return 0;
}

/* Both of nf_tables_compat.h's vocabularies are the same: name, revision, info. */
static int read_xt(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	const struct nlattr *info = attrs->at[NFTA_MATCH_INFO];

	expr->name = sl_arena_strdup(reader->arena, sl_attrs_text(attrs, NFTA_MATCH_NAME));
	expr->xt.revision = sl_attrs_u32(attrs, NFTA_MATCH_REV);
	expr->xt.length = sl_attr_length(info);
	expr->xt.info = sl_arena_copy(reader->arena, sl_attr_payload(info), expr->xt.length);
	return expr->name && expr->xt.info ? 0 : -ENOMEM;
}

_Static_assert((int)NFTA_MATCH_NAME == (int)NFTA_TARGET_NAME &&
		       (int)NFTA_MATCH_REV == (int)NFTA_TARGET_REV &&
		       (int)NFTA_MATCH_INFO == (int)NFTA_TARGET_INFO,
	       "read_xt serves matches and targets");

#define XT_POLICY                                                                                  \
	{                                                                                          \
		[NFTA_MATCH_NAME] = SL_ATTR_TEXT, [NFTA_MATCH_REV] = SL_ATTR_U32,                  \
		[NFTA_MATCH_INFO] = SL_ATTR_BYTES,                                                 \
	}
#define XT_REQUIRED (HAS(NFTA_MATCH_NAME) | HAS(NFTA_MATCH_REV) | HAS(NFTA_MATCH_INFO))

static int read_fib(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	(void)reader;
	expr->fib.result = sl_attrs_u32(attrs, NFTA_FIB_RESULT);
	expr->fib.flags = sl_attrs_u32(attrs, NFTA_FIB_FLAGS);
	if (!read_register(attrs, NFTA_FIB_DREG, sizeof(u32), &expr->fib.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_exthdr(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	(void)reader;
	expr->exthdr.op = sl_attrs_u32(attrs, NFTA_EXTHDR_OP); /* 0 where not given: IPv6 */
	expr->exthdr.type = sl_attrs_u8(attrs, NFTA_EXTHDR_TYPE);
	expr->exthdr.offset = sl_attrs_u32(attrs, NFTA_EXTHDR_OFFSET);
	expr->exthdr.length = sl_attrs_u32(attrs, NFTA_EXTHDR_LEN);
	expr->exthdr.flags = sl_attrs_u32(attrs, NFTA_EXTHDR_FLAGS);
	expr->exthdr.writes = !attrs->at[NFTA_EXTHDR_DREG];
	if (expr->exthdr.writes)
		return 0;
	if (attrs->at[NFTA_EXTHDR_SREG])
		return opaque(expr, "both loads and stores");
	if (!read_register(attrs, NFTA_EXTHDR_DREG, expr->exthdr.length, &expr->exthdr.dreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static int read_limit(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	(void)reader;
	expr->limit.type = sl_attrs_u32(attrs, NFTA_LIMIT_TYPE);
	expr->limit.is_over = sl_attrs_u32(attrs, NFTA_LIMIT_FLAGS) & NFT_LIMIT_F_INV;
	return sl_attrs_u32(attrs, NFTA_LIMIT_FLAGS) & ~(u32)NFT_LIMIT_F_INV
		       ? opaque(expr, "has an unknown flag")
		       : 0;
}

static int read_dynset(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_expr *expr)
{
	u32 flags = sl_attrs_u32(attrs, NFTA_DYNSET_FLAGS);
	int error =
		sl_reader_find_set(reader, reader->table,
				   sl_attrs_text(attrs, NFTA_DYNSET_SET_NAME), &expr->dynset.set);

	if (error)
		return error;
	expr->dynset.op = sl_attrs_u32(attrs, NFTA_DYNSET_OP);
	expr->dynset.invert = flags & NFT_DYNSET_F_INV;
	expr->dynset.has_exprs = flags & NFT_DYNSET_F_EXPR || attrs->at[NFTA_DYNSET_EXPR] ||
				 attrs->at[NFTA_DYNSET_EXPRESSIONS];
	expr->dynset.timeout_ms = sl_attrs_u64(attrs, NFTA_DYNSET_TIMEOUT);
	if (flags & ~(u32)(NFT_DYNSET_F_INV | NFT_DYNSET_F_EXPR))
		return opaque(expr, "has an unknown flag");
	if (!read_register(attrs, NFTA_DYNSET_SREG_KEY, expr->dynset.set->key_length,
			   &expr->dynset.sreg))
		return opaque(expr, BAD_REGISTER);
	return 0;
}

static const struct family families[] = {
	{"payload",
	 SL_EXPR_PAYLOAD,
	 read_payload,
	 {[NFTA_PAYLOAD_DREG] = SL_ATTR_U32,
	  [NFTA_PAYLOAD_BASE] = SL_ATTR_U32,
	  [NFTA_PAYLOAD_OFFSET] = SL_ATTR_U32,
	  [NFTA_PAYLOAD_LEN] = SL_ATTR_U32,
	  [NFTA_PAYLOAD_SREG] = SL_ATTR_U32,
	  [NFTA_PAYLOAD_CSUM_TYPE] = SL_ATTR_HARMLESS, /* of writes only */
	  [NFTA_PAYLOAD_CSUM_OFFSET] = SL_ATTR_HARMLESS,
	  [NFTA_PAYLOAD_CSUM_FLAGS] = SL_ATTR_HARMLESS},
	 HAS(NFTA_PAYLOAD_BASE) | HAS(NFTA_PAYLOAD_OFFSET) | HAS(NFTA_PAYLOAD_LEN)},
	{"meta",
	 SL_EXPR_META,
	 read_meta,
	 {[NFTA_META_DREG] = SL_ATTR_U32,
	  [NFTA_META_KEY] = SL_ATTR_U32,
	  [NFTA_META_SREG] = SL_ATTR_U32},
	 HAS(NFTA_META_KEY)},
	{"ct",
	 SL_EXPR_CT,
	 read_ct,
	 {[NFTA_CT_DREG] = SL_ATTR_U32,
	  [NFTA_CT_KEY] = SL_ATTR_U32,
	  [NFTA_CT_DIRECTION] = SL_ATTR_U8,
	  [NFTA_CT_SREG] = SL_ATTR_U32},
	 HAS(NFTA_CT_KEY)},
	{"cmp",
	 SL_EXPR_CMP,
	 read_cmp,
	 {[NFTA_CMP_SREG] = SL_ATTR_U32,
	  [NFTA_CMP_OP] = SL_ATTR_U32,
	  [NFTA_CMP_DATA] = SL_ATTR_NESTED},
	 HAS(NFTA_CMP_SREG) | HAS(NFTA_CMP_OP) | HAS(NFTA_CMP_DATA)},
	{"range",
	 SL_EXPR_RANGE,
	 read_range,
	 {[NFTA_RANGE_SREG] = SL_ATTR_U32,
	  [NFTA_RANGE_OP] = SL_ATTR_U32,
	  [NFTA_RANGE_FROM_DATA] = SL_ATTR_NESTED,
	  [NFTA_RANGE_TO_DATA] = SL_ATTR_NESTED},
	 HAS(NFTA_RANGE_SREG) | HAS(NFTA_RANGE_OP) | HAS(NFTA_RANGE_FROM_DATA) |
		 HAS(NFTA_RANGE_TO_DATA)},
	/* The operation is missing before Linux 5.6: a mask, which is 0. */
	{"bitwise",
	 SL_EXPR_BITWISE,
	 read_bitwise,
	 {[NFTA_BITWISE_SREG] = SL_ATTR_U32,
	  [NFTA_BITWISE_DREG] = SL_ATTR_U32,
	  [NFTA_BITWISE_LEN] = SL_ATTR_U32,
	  [NFTA_BITWISE_MASK] = SL_ATTR_NESTED,
	  [NFTA_BITWISE_XOR] = SL_ATTR_NESTED,
	  [NFTA_BITWISE_OP] = SL_ATTR_U32,
	  [NFTA_BITWISE_DATA] = SL_ATTR_NESTED},
	 HAS(NFTA_BITWISE_SREG) | HAS(NFTA_BITWISE_DREG) | HAS(NFTA_BITWISE_LEN)},
	{"byteorder",
	 SL_EXPR_BYTEORDER,
	 read_byteorder,
	 {[NFTA_BYTEORDER_SREG] = SL_ATTR_U32,
	  [NFTA_BYTEORDER_DREG] = SL_ATTR_U32,
	  [NFTA_BYTEORDER_OP] = SL_ATTR_U32,
	  [NFTA_BYTEORDER_LEN] = SL_ATTR_U32,
	  [NFTA_BYTEORDER_SIZE] = SL_ATTR_U32},
	 HAS(NFTA_BYTEORDER_SREG) | HAS(NFTA_BYTEORDER_DREG) | HAS(NFTA_BYTEORDER_OP) |
		 HAS(NFTA_BYTEORDER_LEN) | HAS(NFTA_BYTEORDER_SIZE)},
	{"immediate",
	 SL_EXPR_IMMEDIATE,
	 read_immediate,
	 {[NFTA_IMMEDIATE_DREG] = SL_ATTR_U32, [NFTA_IMMEDIATE_DATA] = SL_ATTR_NESTED},
	 HAS(NFTA_IMMEDIATE_DREG) | HAS(NFTA_IMMEDIATE_DATA)},
	{"lookup",
	 SL_EXPR_LOOKUP,
	 read_lookup,
	 {[NFTA_LOOKUP_SET] = SL_ATTR_TEXT,
	  [NFTA_LOOKUP_SREG] = SL_ATTR_U32,
	  [NFTA_LOOKUP_DREG] = SL_ATTR_U32,
	  [NFTA_LOOKUP_SET_ID] = SL_ATTR_HARMLESS, /* only means something in a transaction */
	  [NFTA_LOOKUP_FLAGS] = SL_ATTR_U32},
	 HAS(NFTA_LOOKUP_SET) | HAS(NFTA_LOOKUP_SREG)},
	{"counter",
	 SL_EXPR_COUNTER,
	 read_counter,
	 {[NFTA_COUNTER_BYTES] = SL_ATTR_U64,
	  [NFTA_COUNTER_PACKETS] = SL_ATTR_U64,
	  [NFTA_COUNTER_PAD] = SL_ATTR_HARMLESS},
	 0},
	{"objref",
	 SL_EXPR_OBJREF,
	 read_objref,
	 {[NFTA_OBJREF_IMM_TYPE] = SL_ATTR_U32,
	  [NFTA_OBJREF_IMM_NAME] = SL_ATTR_TEXT,
	  [NFTA_OBJREF_SET_SREG] = SL_ATTR_U32,
	  [NFTA_OBJREF_SET_NAME] = SL_ATTR_TEXT,
	  [NFTA_OBJREF_SET_ID] = SL_ATTR_HARMLESS},
	 0},
	{"fib",
	 SL_EXPR_FIB,
	 read_fib,
	 {[NFTA_FIB_DREG] = SL_ATTR_U32,
	  [NFTA_FIB_RESULT] = SL_ATTR_U32,
	  [NFTA_FIB_FLAGS] = SL_ATTR_U32},
	 HAS(NFTA_FIB_DREG) | HAS(NFTA_FIB_RESULT) | HAS(NFTA_FIB_FLAGS)},
	{"exthdr",
	 SL_EXPR_EXTHDR,
	 read_exthdr,
	 {[NFTA_EXTHDR_DREG] = SL_ATTR_U32,
	  [NFTA_EXTHDR_TYPE] = SL_ATTR_U8,
	  [NFTA_EXTHDR_OFFSET] = SL_ATTR_U32,
	  [NFTA_EXTHDR_LEN] = SL_ATTR_U32,
	  [NFTA_EXTHDR_FLAGS] = SL_ATTR_U32,
	  [NFTA_EXTHDR_OP] = SL_ATTR_U32,
	  [NFTA_EXTHDR_SREG] = SL_ATTR_U32},
	 HAS(NFTA_EXTHDR_TYPE) | HAS(NFTA_EXTHDR_LEN)},
	{"limit",
	 SL_EXPR_LIMIT,
	 read_limit,
	 {[NFTA_LIMIT_RATE] = SL_ATTR_U64,
	  [NFTA_LIMIT_UNIT] = SL_ATTR_U64,
	  [NFTA_LIMIT_BURST] = SL_ATTR_U32,
	  [NFTA_LIMIT_TYPE] = SL_ATTR_U32,
	  [NFTA_LIMIT_FLAGS] = SL_ATTR_U32,
	  [NFTA_LIMIT_PAD] = SL_ATTR_HARMLESS},
	 HAS(NFTA_LIMIT_RATE) | HAS(NFTA_LIMIT_UNIT) | HAS(NFTA_LIMIT_TYPE)},
	{"dynset",
	 SL_EXPR_DYNSET,
	 read_dynset,
	 {[NFTA_DYNSET_SET_NAME] = SL_ATTR_TEXT,
	  [NFTA_DYNSET_SET_ID] = SL_ATTR_HARMLESS,
	  [NFTA_DYNSET_OP] = SL_ATTR_U32,
	  [NFTA_DYNSET_SREG_KEY] = SL_ATTR_U32,
	  [NFTA_DYNSET_SREG_DATA] = SL_ATTR_U32,
	  [NFTA_DYNSET_TIMEOUT] = SL_ATTR_U64,
	  [NFTA_DYNSET_EXPR] = SL_ATTR_NESTED,
	  [NFTA_DYNSET_PAD] = SL_ATTR_HARMLESS,
	  [NFTA_DYNSET_FLAGS] = SL_ATTR_U32,
	  [NFTA_DYNSET_EXPRESSIONS] = SL_ATTR_NESTED},
	 HAS(NFTA_DYNSET_SET_NAME) | HAS(NFTA_DYNSET_OP) | HAS(NFTA_DYNSET_SREG_KEY)},
	{"match", SL_EXPR_XT_MATCH, read_xt, XT_POLICY, XT_REQUIRED},
	{"target", SL_EXPR_XT_TARGET, read_xt, XT_POLICY, XT_REQUIRED},
};

static const struct family *find_family(const char *name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(families); i++)
		if (!strcmp(families[i].name, name))
			return &families[i];
	return NULL;
}

static int find_strangeness(struct sl_reader *reader, const struct family *family,
			    const struct sl_attrs *attrs, struct sl_expr *expr)
{
	if (attrs->oddity) {
		expr->opaque = sl_attrs_complaint(attrs, reader->arena);
		return expr->opaque ? 0 : -ENOMEM;
	}
	for (u32 i = 0; i < SL_ATTR_NUMBERS; i++) {
		if (!(family->required & HAS(i)) || attrs->at[i])
			continue;
		expr->opaque = sl_arena_printf(reader->arena, "lacks attribute %u", i);
		return expr->opaque ? 0 : -ENOMEM;
	}
	return 0;
}

static int read_family(struct sl_reader *reader, const struct family *family,
		       const struct nlattr *data, struct sl_expr *expr)
{
	struct sl_attrs attrs = {0};
	int error;

	if (data && sl_attrs_read_nested(&attrs, family->policy, data))
		return sl_reader_malformed(reader, family->name);
	expr->name = family->name;
	error = find_strangeness(reader, family, &attrs, expr);
	if (!error && !expr->opaque)
		error = family->read(reader, &attrs, expr);
	if (!error && !expr->opaque)
		expr->kind = family->kind;
	return error;
}

int sl_expr_read(struct sl_reader *reader, const struct nlattr *nest, struct sl_expr *ret_expr)
{
	static const sl_attr_policy policy = {
		[NFTA_EXPR_NAME] = SL_ATTR_TEXT,
		[NFTA_EXPR_DATA] = SL_ATTR_NESTED,
	};
	struct sl_expr expr = {.kind = SL_EXPR_OPAQUE};
	const struct family *family;
	struct sl_attrs attrs;
	const char *name;
	int error = 0;

	if (sl_attrs_read_nested(&attrs, policy, nest) || !attrs.at[NFTA_EXPR_NAME])
		return sl_reader_malformed(reader, "rule's expression");
	name = sl_attrs_text(&attrs, NFTA_EXPR_NAME);
	family = find_family(name);
	if (family && !attrs.oddity)
		error = read_family(reader, family, attrs.at[NFTA_EXPR_DATA], &expr);
	else
		expr.name = sl_arena_strdup(reader->arena, name);
	if (!error && attrs.oddity)
		expr.opaque = sl_attrs_complaint(&attrs, reader->arena);
	if (!error && (!expr.name || (attrs.oddity && !expr.opaque)))
		error = -ENOMEM;
	if (!error)
		*ret_expr = expr;
	return error;
}
