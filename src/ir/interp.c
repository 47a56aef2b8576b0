// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle. One walk over the path judges all worlds at once; each function takes the worlds it
 * is asked about and returns those that go on.
 */
#include "ir/interp.h"

#include <assert.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "ir/form.h"
#include "ir/key.h"
#include "ir/packet.h"
#include "ir/tcp_option.h"

#define WORLD_COUNT 5

/* Why a world ended as it did, or was last accepted. */
struct cause {
	const char *reason, *subject;
	const struct sl_chain *chain;
	const struct sl_rule *rule;
};

struct hit {
	u32 counter;
	u8 worlds; /* that the packet was counted in */
};

struct walk {
	const struct sl_program *program;
	const struct sl_oracle *oracle;
	struct sl_packet packet;
	sl_trace_fn *trace;
	void *trace_context;

	const struct sl_step *step;
	bool tracked;      /* conntrack has looked at the packet */
	enum sl_fate fate; /* UNKNOWN before routing */
	u8 accepted, pass; /* as ir.h defines them; `live` is passed along and returned */
	struct cause causes[WORLD_COUNT];
	struct hit hits[SL_HITS_MAX];
	u32 hit_count;
	u8 doubtful;         /* worlds in which a drop was ignored: it may have taken the packet */
	u8 miscounted;       /* those of them that met a counter behind it */
	u32 mark;            /* the packet's, … */
	u8 marked;           /* … in the worlds in which it is known */
	const char *escapes; /* the packet passes, whatever else: why; NULL: it does not */
};

/* A rule under way: where, in which worlds its matches held, and if one of them only may have. */
struct progress {
	const struct sl_chain *chain;
	const struct sl_rule *rule;
	u8 worlds;
	const char *unsure; /* the last match that sluice cannot make; NULL while all are certain */
	const char *needs;  /* what the kernel must do */
};

/* Keys: loading */

static const char *subject_of_field(const struct sl_field *field)
{
	if (sl_field_is_fact(field))
		return "what is known at the netfilter hook";
	if (field->base != SL_META)
		return NULL;
	switch (field->offset) {
	case SL_META_DADDR_TYPE:
		return "type of the destination address";
	case SL_META_WAY_BACK:
	case SL_META_WAY_BACK_IF:
		return "fib: the way back to the source";
	default:
		return NULL;
	}
}

/* What a key asks for that may not be known, for a person. */
static const char *subject_of(const struct sl_op *op)
{
	const char *subject = NULL;

	for (u32 i = 0; i < op->key.part_count && !subject; i++)
		subject = subject_of_field(&op->key.parts[i].field);
	for (u32 i = 0; i < op->alternative_count && !subject; i++)
		subject = subject_of(&op->alternatives[i]);
	return subject;
}

/* In the order of their force: a header that is not there breaks whatever else is unknown. */
enum loaded { LOADED, NOT_KNOWN, NOT_THERE };

/* Where headers end for the rules at hand: ip_rcv() cuts the padding off. */
static u32 packet_end(const struct walk *walk)
{
	bool is_trimmed = walk->step->hook != SL_HOOK_INGRESS;

	return is_trimmed ? walk->packet.ip_end : walk->packet.frame_length;
}

static enum loaded load_bytes(const struct walk *walk, const struct sl_field *field, u8 *ret_bytes)
{
	const struct sl_packet *packet = &walk->packet;
	u32 end = field->base == SL_LINK ? packet->frame_length : packet_end(walk);
	u32 start = field->offset;

	if (field->base == SL_NETWORK)
		start += packet->network;
	else if (field->base == SL_TRANSPORT)
		start += packet->transport;
	if (start + field->length > end)
		return NOT_THERE;
	memcpy(ret_bytes, packet->frame + start, field->length);
	return LOADED;
}

static enum loaded load_tcp_option(const struct walk *walk, const struct sl_field *field,
				   u8 *ret_bytes)
{
	const struct sl_packet *packet = &walk->packet;
	u32 from = sl_tcp_option_from(field), need = from + field->length;
	const u8 *option = NULL;

	if (packet->protocol == IPPROTO_TCP)
		option = sl_tcp_option_find(packet->frame + packet->transport,
					    packet_end(walk) - packet->transport,
					    sl_tcp_option_kind(field), need);
	if (field->base == SL_HAS_TCP_OPTION)
		*ret_bytes = option != NULL;
	else if (option)
		memcpy(ret_bytes, option + from, field->length);
	else
		return NOT_THERE;
	return LOADED;
}

struct destination {
	bool is_ip6;
	const u8 *bytes;
};

static struct destination find_destination(const struct sl_packet *packet)
{
	bool is_ip6 = packet->family == SL_IP6;

	return (struct destination){is_ip6, packet->frame + packet->network + (is_ip6 ? 24 : 16)};
}

static bool is_multicast(struct destination to)
{
	return to.is_ip6 ? to.bytes[0] == 0xff : to.bytes[0] >> 4 == 0xe;
}

static bool is_broadcast(struct destination to)
{
	return !to.is_ip6 && !memcmp(to.bytes, "\xff\xff\xff\xff", 4);
}

static bool is_local(const struct sl_program *program, struct destination to)
{
	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *local = &program->local.items[i];

		if (local->is_ip6 == to.is_ip6 &&
		    !memcmp(local->bytes, to.bytes, to.is_ip6 ? 16 : 4))
			return true;
	}
	return false;
}

static enum loaded load_address_type(const struct walk *walk, u32 *ret_type)
{
	struct destination to = find_destination(&walk->packet);

	if (is_broadcast(to))
		*ret_type = RTN_BROADCAST;
	else if (is_multicast(to))
		*ret_type = RTN_MULTICAST;
	else if (is_local(walk->program, to))
		*ret_type = RTN_LOCAL;
	else
		return NOT_KNOWN;
	return LOADED;
}

static enum loaded load_way_back(const struct walk *walk, u32 found, u32 *ret_value)
{
	const struct sl_oracle *oracle = walk->oracle;
	enum sl_way_back way = SL_WAY_UNKNOWN;

	if (oracle->way_back)
		way = oracle->way_back(oracle->context, walk->packet.frame,
				       walk->packet.frame_length);
	*ret_value = way == SL_WAY_FOUND ? found : 0;
	return way == SL_WAY_UNKNOWN ? NOT_KNOWN : LOADED;
}

/* NULL where nobody could be asked. */
static const void *find_fact(const struct walk *walk, u32 meta)
{
	const struct sl_facts *facts = walk->oracle->facts;

	if (!facts)
		return NULL;
	switch (meta) {
	case SL_META_CT_STATUS:
		return &facts->status;
	case SL_META_CT_MARK:
		return &facts->ct_mark;
	case SL_META_CT_DIRECTION:
		return &facts->direction;
	case SL_META_HOOK_MARK:
		return &facts->mark;
	case SL_META_OIF:
		return &facts->oif;
	default:
		return facts->oifname;
	}
}

static u8 nfproto(const struct walk *walk)
{
	if (walk->step->chain->family == NFPROTO_NETDEV)
		return NFPROTO_NETDEV;
	return walk->packet.family == SL_IP ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

/* A shorter field is the first bytes of the value, as when only a name's prefix is compared. */
static enum loaded load_meta(const struct walk *walk, const struct sl_field *field, u8 *ret_bytes)
{
	const struct sl_device *device = &walk->program->device;
	const struct sl_packet *packet = &walk->packet;
	u8 nf = nfproto(walk);
	u32 ip_length = packet->ip_end - packet->network, number;
	const void *value;

	switch (field->offset) {
	case SL_META_NFPROTO:
		value = &nf;
		break;
	case SL_META_L4PROTO:
		value = &packet->protocol;
		break;
	case SL_META_PROTOCOL:
		value = packet->frame + 12;
		break;
	case SL_META_IIF:
		value = &device->ifindex;
		break;
	case SL_META_IIFNAME:
		value = device->name;
		break;
	case SL_META_IIFTYPE:
		value = &device->type;
		break;
	case SL_META_IIFGROUP:
		value = &device->group;
		break;
	case SL_META_LENGTH:
		value = &ip_length;
		break;
	case SL_META_MARK:
		value = &walk->mark;
		break;
	case SL_META_PKTTYPE:
		value = &packet->packet_type;
		break;
	case SL_META_DADDR_TYPE:
		if (load_address_type(walk, &number) != LOADED)
			return NOT_KNOWN;
		value = &number;
		break;
	case SL_META_WAY_BACK:
	case SL_META_WAY_BACK_IF:
		if (load_way_back(walk, field->offset == SL_META_WAY_BACK ? 1 : device->ifindex,
				  &number) != LOADED)
			return NOT_KNOWN;
		value = &number;
		break;
	default:
		assert(sl_field_is_fact(field));
		value = find_fact(walk, field->offset);
		if (!value)
			return NOT_KNOWN;
	}
	memcpy(ret_bytes, value, field->length);
	return LOADED;
}

static void swap_words(u8 *bytes, u32 length, u32 width)
{
	for (u32 word = 0; word < length; word += width) {
		for (u32 i = 0; i < width / 2; i++) {
			u8 *low = &bytes[word + i], *high = &bytes[word + width - 1 - i],
			   kept = *low;

			*low = *high;
			*high = kept;
		}
	}
}

static void mask_bytes(u8 *bytes, u32 length, const u8 *kept, const u8 *flipped)
{
	for (u32 i = 0; i < length; i++)
		bytes[i] = (u8)((bytes[i] & kept[i]) ^ flipped[i]);
}

/* nft_bitwise_eval_lshift(): from the last word to the first. */
static void shift_left(u8 *bytes, u32 length, u32 bits)
{
	u32 carry = 0, word;

	for (u32 i = (length + 3) / 4; i-- > 0;) {
		memcpy(&word, bytes + i * 4, 4);
		u32 shifted = word << bits | carry;

		carry = word >> (32 - bits);
		memcpy(bytes + i * 4, &shifted, 4);
	}
}

/* nft_bitwise_eval_rshift(): from the first word to the last. */
static void shift_right(u8 *bytes, u32 length, u32 bits)
{
	u32 carry = 0, word;

	for (u32 i = 0; i < (length + 3) / 4; i++) {
		memcpy(&word, bytes + i * 4, 4);
		u32 shifted = carry | word >> bits;

		carry = word << (32 - bits);
		memcpy(bytes + i * 4, &shifted, 4);
	}
}

static void apply_transform(const struct sl_transform *transform, u8 *key)
{
	u8 *bytes = key + transform->at;

	switch (transform->kind) {
	case SL_SWAP:
		swap_words(bytes, transform->length, transform->width);
		break;
	case SL_MASK:
		mask_bytes(bytes, transform->length, transform->mask, transform->xor);
		break;
	case SL_SHL:
		shift_left(bytes, transform->length, transform->width);
		break;
	case SL_SHR:
		shift_right(bytes, transform->length, transform->width);
		break;
	}
}

static enum loaded load_field(const struct walk *walk, const struct sl_field *field, u8 *ret_bytes)
{
	if (sl_field_is_tcp_option(field))
		return load_tcp_option(walk, field, ret_bytes);
	if (field->base == SL_META)
		return load_meta(walk, field, ret_bytes);
	return load_bytes(walk, field, ret_bytes);
}

/* `ret_bytes` has room for SL_KEY_MAX bytes: transforms may reach into the last word's padding. */
static enum loaded load_key(const struct walk *walk, const struct sl_key *key, u8 *ret_bytes)
{
	enum loaded worst = LOADED;

	memset(ret_bytes, 0, SL_KEY_MAX);
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];
		enum loaded loaded = load_field(walk, &part->field, ret_bytes + part->at);

		if (loaded > worst)
			worst = loaded;
	}
	for (u32 i = 0; i < key->transform_count; i++)
		apply_transform(&key->transforms[i], ret_bytes);
	return worst;
}

/* Keys: matching */

enum match {
	MISS,
	HIT,
	UNSURE,
	BROKEN, /* the key is not there: fails, inverted or not */
};

static bool compare_holds(enum sl_compare compare, int order)
{
	switch (compare) {
	case SL_EQ:
		return order == 0;
	case SL_NE:
		return order != 0;
	case SL_LT:
		return order < 0;
	case SL_LE:
		return order <= 0;
	case SL_GT:
		return order > 0;
	case SL_GE:
		return order >= 0;
	}
	return false;
}

static bool in_range(const u8 *key, const u8 *from, const u8 *to, u32 length)
{
	return memcmp(from, key, length) <= 0 && memcmp(key, to, length) <= 0;
}

static bool in_box(const struct sl_set *set, const struct sl_element *element, const u8 *key)
{
	for (u32 field = 0, at = 0; field < set->field_count; field++) {
		u32 length = set->field_lengths[field];

		if (!in_range(key + at, element->key + at, element->key_end + at, length))
			return false;
		at += (length + 3) & ~3u;
	}
	return true;
}

static bool element_covers(const struct sl_set *set, const struct sl_element *element,
			   const u8 *key)
{
	if (set->kind == SL_SET_BOXES)
		return in_box(set, element, key);
	return in_range(key, element->key, element->key_end, set->key_length);
}

/* The first element that covers the key decides; boxes of one set may overlap. */
static const struct sl_element *find_in_set(struct walk *walk, const struct sl_set *set,
					    const u8 *key)
{
	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		if (!element_covers(set, element, key))
			continue;
		if (element->expires_at_ns && element->expires_at_ns <= walk->oracle->now_ns) {
			if (walk->oracle->now_ns - element->expires_at_ns < SL_EXPIRY_GRACE_NS)
				walk->escapes = "a set element is just expiring";
			continue;
		}
		return element;
	}
	return NULL;
}

static enum sl_filled_answer ask_filled(const struct walk *walk, u32 filled, const u8 *key)
{
	const struct sl_oracle *oracle = walk->oracle;

	return oracle->has ? oracle->has(oracle->context, filled, key) : SL_FILLED_UNCLEAR;
}

static enum match match_filled(struct walk *walk, const struct sl_op *op, const u8 *key)
{
	switch (ask_filled(walk, op->filled, key)) {
	case SL_FILLED_MISS:
		return op->invert ? HIT : MISS;
	case SL_FILLED_HIT:
		return op->invert ? MISS : HIT;
	case SL_FILLED_UNCLEAR:
		break;
	case SL_FILLED_COUNTS:
		walk->escapes = "a set element counts";
	}
	return UNSURE;
}

static enum match match_key(struct walk *walk, const struct sl_op *op)
{
	u8 key[SL_KEY_MAX];
	enum loaded loaded = load_key(walk, &op->key, key);
	u32 length = op->key.length;
	bool holds;

	if (loaded == NOT_THERE)
		return BROKEN;
	if (loaded == NOT_KNOWN)
		return UNSURE;
	if (op->kind == SL_OP_FILLED)
		return match_filled(walk, op, key);
	if (op->kind == SL_OP_COMPARE)
		holds = compare_holds(op->compare, memcmp(key, op->data, length));
	else if (op->kind == SL_OP_RANGE)
		holds = in_range(key, op->data, op->data_end, length) != op->invert;
	else
		holds = (find_in_set(walk, op->set, key) || op->set->has_catchall) != op->invert;
	return holds ? HIT : MISS;
}

/* All alternatives are looked at, since one key that is not there breaks them all. */
static enum match match_any(struct walk *walk, const struct sl_op *op)
{
	bool hit = false, unsure = false;

	for (u32 i = 0; i < op->alternative_count; i++) {
		enum match match = match_key(walk, &op->alternatives[i]);

		if (match == BROKEN)
			return BROKEN;
		hit |= match == HIT;
		unsure |= match == UNSURE;
	}
	if (unsure && !hit)
		return UNSURE;
	return hit != op->invert ? HIT : MISS;
}

/* Rules */

static const struct sl_verdict to_kernel = {.kind = SL_VERDICT_KERNEL};

static void narrow(struct walk *walk, const struct sl_op *op, struct progress *at)
{
	enum match match;

	switch (op->kind) {
	case SL_OP_STATE:
		if (walk->tracked)
			at->worlds &= op->worlds;
		else if (!(op->worlds & SL_WORLD_INVALID))
			at->worlds = 0;
		return;
	case SL_OP_UNKNOWN:
		at->unsure = op->reason;
		return;
	case SL_OP_ANY:
		match = match_any(walk, op);
		break;
	default:
		match = match_key(walk, op);
	}
	if (match == UNSURE)
		at->unsure = op->kind == SL_OP_FILLED ? op->reason : subject_of(op);
	else if (match != HIT)
		at->worlds = 0;
}

static void count(struct walk *walk, u32 counter, u8 worlds)
{
	walk->miscounted |= worlds & walk->doubtful;
	if (walk->hit_count == SL_HITS_MAX)
		walk->escapes = "it meets too many counters";
	else
		walk->hits[walk->hit_count++] = (struct hit){counter, worlds};
}

/* NULL, and no world left, on a miss. Behind an UNKNOWN even a miss is not looked for. */
static const struct sl_verdict *find_verdict(struct walk *walk, const struct sl_op *op,
					     struct progress *at)
{
	const struct sl_element *element;
	u8 key[SL_KEY_MAX];

	if (at->unsure)
		return &to_kernel;
	switch (load_key(walk, &op->key, key)) {
	case LOADED:
		element = find_in_set(walk, op->set, key);
		if (element && element->counts)
			count(walk, element->counter, at->worlds);
		if (element)
			return &element->verdict;
		if (op->set->has_catchall)
			return &op->set->catchall;
		break;
	case NOT_KNOWN:
		at->unsure = subject_of(op);
		return &to_kernel;
	case NOT_THERE:
		break;
	}
	at->worlds = 0;
	return NULL;
}

/* Within the rate or not: to the kernel with it, a miss, or on. */
static const struct sl_verdict *take_off(const struct walk *walk, const struct sl_op *op,
					 struct progress *at)
{
	const struct sl_oracle *oracle = walk->oracle;

	at->needs = op->reason;
	if (at->unsure || !oracle->is_spent || !oracle->is_spent(oracle->context, op->limit))
		return &to_kernel;
	if (!op->invert)
		at->worlds = 0;
	return NULL;
}

/* What was kept is another mark in each world that had one. */
static void set_mark(struct walk *walk, const struct sl_op *op, const struct progress *at)
{
	if (at->unsure || op->reason) {
		walk->marked &= (u8)~at->worlds;
		return;
	}
	walk->marked = op->keep ? walk->marked & at->worlds : at->worlds;
	walk->mark = (walk->mark & op->keep) ^ op->flip;
}

static bool misses_mark(const struct walk *walk, const struct sl_op *op, const struct progress *at)
{
	return sl_op_reads_mark(op) && at->worlds & ~walk->marked;
}

/* To the kernel, unless it is surely there. */
static const struct sl_verdict *fill(struct walk *walk, const struct sl_op *op, struct progress *at)
{
	u8 key[SL_KEY_MAX];

	at->needs = op->reason;
	if (at->unsure)
		return &to_kernel;
	switch (load_key(walk, &op->key, key)) {
	case LOADED:
		return ask_filled(walk, op->filled, key) == SL_FILLED_HIT ? NULL : &to_kernel;
	case NOT_KNOWN:
		return &to_kernel;
	case NOT_THERE:
		break;
	}
	at->worlds = 0;
	return NULL;
}

/* The verdict that ends the rule here, or NULL to go on with its next op. */
static const struct sl_verdict *walk_op(struct walk *walk, const struct sl_op *op,
					struct progress *at)
{
	if (misses_mark(walk, op, at)) {
		at->needs = "mark: set in a way that sluice does not follow";
		return &to_kernel;
	}
	switch (op->kind) {
	case SL_OP_COUNTER:
		if (at->unsure)
			return &to_kernel;
		count(walk, op->counter, at->worlds);
		return NULL;
	case SL_OP_KERNEL:
		at->needs = op->reason;
		return &to_kernel;
	case SL_OP_LIMIT:
		return take_off(walk, op, at);
	case SL_OP_MARK:
		set_mark(walk, op, at);
		return NULL;
	case SL_OP_FILL:
		return fill(walk, op, at);
	case SL_OP_VERDICT:
		return &op->verdict;
	case SL_OP_VMAP:
		return find_verdict(walk, op, at);
	case SL_OP_TABLE:
		assert(!"a run that is walked as one rule");
		return NULL;
	default:
		narrow(walk, op, at);
		return NULL;
	}
}

static void note(struct walk *walk, u8 worlds, struct cause cause)
{
	for (u32 i = 0; i < WORLD_COUNT; i++)
		if (worlds & 1 << i)
			walk->causes[i] = cause;
}

static void pass_worlds(struct walk *walk, u8 worlds, struct cause cause)
{
	walk->pass |= worlds;
	note(walk, worlds, cause);
}

static u8 walk_chain(struct walk *walk, const struct sl_chain *chain, u8 live);

/*
 * Carries out a verdict that is certain. Returns the worlds that go on with the next rule; those
 * that leave the chain, by a return or behind a goto, are added to `returned`.
 */
static u8 decide(struct walk *walk, const struct progress *at, const struct sl_verdict *verdict,
		 u8 *returned)
{
	struct cause cause = {"", NULL, at->chain, at->rule};

	switch (verdict->kind) {
	case SL_VERDICT_CONTINUE:
		return at->worlds;
	case SL_VERDICT_ACCEPT:
		cause.reason = "accepted by a rule";
		walk->accepted |= at->worlds;
		note(walk, at->worlds, cause);
		return 0;
	case SL_VERDICT_DROP:
		note(walk, at->worlds, cause);
		return 0;
	case SL_VERDICT_JUMP:
		return walk_chain(walk, verdict->chain, at->worlds);
	case SL_VERDICT_GOTO:
		*returned |= walk_chain(walk, verdict->chain, at->worlds);
		return 0;
	case SL_VERDICT_RETURN:
		*returned |= at->worlds;
		return 0;
	case SL_VERDICT_KERNEL:
		cause.reason = "the kernel must do this";
		cause.subject = at->needs ? at->needs : "verdict";
		pass_worlds(walk, at->worlds, cause);
		return 0;
	}
	assert(!"a program that was not verified");
	return 0;
}

/*
 * Behind an UNKNOWN, the worlds in which it did not match walk on after a continue or a drop. Any
 * other verdict is a way out that the packet may have taken.
 */
static u8 decide_unsure(struct walk *walk, const struct progress *at,
			const struct sl_verdict *verdict)
{
	if (verdict->kind == SL_VERDICT_DROP)
		walk->doubtful |= at->worlds;
	if (verdict->kind == SL_VERDICT_CONTINUE || verdict->kind == SL_VERDICT_DROP)
		return at->worlds;
	pass_worlds(
		walk, at->worlds,
		(struct cause){"not known whether this matches", at->unsure, at->chain, at->rule});
	return 0;
}

static u8 walk_rules(struct walk *walk, const struct sl_chain *chain, const struct sl_rule *rules,
		     u32 count, u8 live, u8 *returned);

static u8 walk_rule(struct walk *walk, const struct sl_chain *chain, const struct sl_rule *rule,
		    u8 live, u8 *returned)
{
	struct progress at = {.chain = sl_rule_home(rule, chain), .rule = rule, .worlds = live};
	const struct sl_verdict *verdict = NULL;
	const struct sl_table *run = sl_rule_table(rule);
	u8 failed;

	if (run)
		return walk_rules(walk, chain, run->rules, run->count, live, returned);
	for (u32 i = 0; i < rule->ops.count && at.worlds && !verdict; i++)
		verdict = walk_op(walk, &rule->ops.items[i], &at);
	if (walk->trace)
		walk->trace(walk->trace_context, at.chain, rule, live, at.worlds != 0);
	if (!verdict)
		return live;
	failed = live & (u8)~at.worlds;
	if (at.unsure)
		return failed | decide_unsure(walk, &at, verdict);
	return failed | decide(walk, &at, verdict, returned);
}

static u8 walk_rules(struct walk *walk, const struct sl_chain *chain, const struct sl_rule *rules,
		     u32 count, u8 live, u8 *returned)
{
	for (u32 i = 0; i < count && live; i++)
		live = walk_rule(walk, chain, &rules[i], live, returned);
	return live;
}

/* Returns the worlds that come back to the caller: to the rule after a jump, or to the policy. */
static u8 walk_chain(struct walk *walk, const struct sl_chain *chain, u8 live)
{
	u8 returned = 0;

	live = walk_rules(walk, chain, chain->rules.items, chain->rules.count, live, &returned);
	return live | returned;
}

/* Steps. Each returns the worlds that are live after it. */

static u8 walk_base_chain(struct walk *walk, u8 live)
{
	const struct sl_step *step = walk->step;
	struct cause cause = {"accepted by policy", NULL, step->chain, NULL};

	walk->accepted = 0;
	live = walk_chain(walk, step->chain, live);
	if (!live)
		return walk->accepted;
	if (step->policy_counter != SL_NO_COUNTER)
		count(walk, step->policy_counter, live);
	if (step->drops_by_policy)
		cause.reason = "";
	else
		walk->accepted |= live;
	note(walk, live, cause);
	return walk->accepted;
}

static u8 walk_conntrack(struct walk *walk, u8 live)
{
	u8 connected = live & (SL_WORLD_ESTABLISHED | SL_WORLD_RELATED);

	walk->tracked = true;
	pass_worlds(walk, connected, (struct cause){"conntrack: a connection may exist"});
	return live & (u8)~connected;
}

static u8 walk_tracked(struct walk *walk, u8 live)
{
	walk->tracked = true;
	return live;
}

static u8 ttl(const struct sl_packet *packet)
{
	return packet->frame[packet->network + (packet->family == SL_IP ? 8 : 7)];
}

/* Where a forwarding host takes the packet; what it may answer or copy is not known. */
static enum sl_fate look_up_route(const struct walk *walk, struct destination to, u8 live)
{
	const struct sl_oracle *oracle = walk->oracle;
	const struct sl_packet *packet = &walk->packet;
	enum sl_fate fate = SL_FATE_UNKNOWN;

	if (packet->packet_type != PACKET_HOST || is_multicast(to) || is_broadcast(to))
		return SL_FATE_UNKNOWN;
	if (is_local(walk->program, to))
		return SL_FATE_INPUT;
	if (walk->program->device.mark_moves && (walk->mark || live & ~walk->marked))
		return SL_FATE_UNKNOWN;
	if (oracle->route)
		fate = oracle->route(oracle->context, packet->frame, packet->frame_length);
	if (fate == SL_FATE_FORWARD && ttl(packet) <= 1)
		return SL_FATE_UNKNOWN;
	return fate;
}

static enum sl_fate find_fate(const struct walk *walk, u8 live)
{
	const struct sl_program *program = walk->program;
	struct destination to = find_destination(&walk->packet);

	switch (walk->packet.family == SL_IP ? program->route_ip : program->route_ip6) {
	case SL_ROUTE_INPUT_ONLY:
		return SL_FATE_INPUT;
	case SL_ROUTE_LOCAL_ONLY:
		return is_multicast(to) || is_local(program, to) ? SL_FATE_INPUT : SL_FATE_UNKNOWN;
	case SL_ROUTE_LOOKUP:
		return look_up_route(walk, to, live);
	case SL_ROUTE_PASS:
		break;
	}
	return SL_FATE_UNKNOWN;
}

static u8 walk_route(struct walk *walk, u8 live)
{
	walk->fate = find_fate(walk, live);
	if (walk->fate != SL_FATE_UNKNOWN)
		return live;
	pass_worlds(walk, live, (struct cause){"routing: not known where the packet goes"});
	return 0;
}

/* Not for the other family; not for the other fate, once routing has told. */
static bool meets_step(const struct walk *walk, const struct sl_step *step)
{
	if (!(step->families & walk->packet.family))
		return false;
	if (walk->fate == SL_FATE_INPUT)
		return step->hook != SL_HOOK_FORWARD;
	if (walk->fate == SL_FATE_FORWARD)
		return step->hook != SL_HOOK_INPUT;
	return true;
}

static u8 walk_step(struct walk *walk, u8 live)
{
	switch (walk->step->kind) {
	case SL_STEP_CHAIN:
		return walk_base_chain(walk, live);
	case SL_STEP_CONNTRACK:
		return walk_conntrack(walk, live);
	case SL_STEP_TRACKED:
		return walk_tracked(walk, live);
	case SL_STEP_ROUTE:
		return walk_route(walk, live);
	case SL_STEP_KERNEL:
		pass_worlds(walk, live,
			    (struct cause){"the kernel must do this", walk->step->reason});
		return 0;
	}
	assert(!"a program that was not verified");
	return 0;
}

static void walk_path(struct walk *walk)
{
	u8 live = SL_WORLDS_ALL;

	note(walk, live, (struct cause){"no rule drops it"});
	for (u32 i = 0; i < walk->program->path.count && live; i++) {
		walk->step = &walk->program->path.items[i];
		if (meets_step(walk, walk->step))
			live = walk_step(walk, live);
	}
	walk->pass |= live; /* the causes already say who accepted them last */
	pass_worlds(walk, walk->miscounted,
		    (struct cause){"not known whether it comes as far as a counter"});
	if (walk->escapes)
		pass_worlds(walk, SL_WORLDS_ALL, (struct cause){walk->escapes});
}

/* Outcome */

/*
 * Asks conntrack only where its answer can tell a drop from a pass. Ahead of its step no world has
 * parted from the others, and the step itself leaves some that pass. Of NEW and INVALID the
 * packet's form may tell which.
 */
static u8 find_possible(const struct walk *walk)
{
	const struct sl_oracle *oracle = walk->oracle;
	const struct sl_packet *packet = &walk->packet;
	u8 possible;

	if (!walk->tracked || walk->pass == SL_WORLDS_ALL || !oracle->conntrack)
		return SL_WORLDS_ALL;
	possible = oracle->conntrack(oracle->context, packet->frame, packet->frame_length);
	assert(possible && !(possible & ~SL_WORLDS_ALL));
	return possible == (SL_WORLD_NEW | SL_WORLD_INVALID) ? sl_form_worlds(packet) : possible;
}

static u32 lowest_world(u8 worlds)
{
	return (u32)__builtin_ctz(worlds);
}

/*
 * The packet is in one world, but sluice may not know in which: after a conntrack miss NEW and
 * INVALID cannot always be told apart. The verdict is the same in all of them; for the counters the
 * lowest stands for all, so that what could be new counts as new.
 */
static void collect_hits(const struct walk *walk, u32 world, struct sl_outcome *outcome)
{
	for (u32 i = 0; i < walk->hit_count; i++)
		if (walk->hits[i].worlds & 1 << world)
			outcome->hits[outcome->hit_count++] = walk->hits[i].counter;
}

static void judge(const struct walk *walk, struct sl_outcome *outcome)
{
	u8 possible = find_possible(walk), passing = possible & walk->pass;
	u32 world = lowest_world(passing ? passing : possible);
	const struct cause *cause = &walk->causes[world];

	outcome->drop = !passing;
	outcome->pass = walk->pass;
	outcome->reason = cause->reason;
	outcome->subject = cause->subject;
	outcome->chain = cause->chain;
	outcome->rule = cause->rule;
	if (outcome->drop)
		collect_hits(walk, world, outcome);
}

void sl_interp(const struct sl_program *program, const u8 *frame, u32 length,
	       const struct sl_oracle *oracle, sl_trace_fn *trace, void *trace_context,
	       struct sl_outcome *ret_outcome)
{
	struct walk walk = {
		.program = program,
		.oracle = oracle,
		.trace = trace,
		.trace_context = trace_context,
		.marked = SL_WORLDS_ALL,
	};
	struct sl_outcome outcome = {.pass = SL_WORLDS_ALL};

	outcome.reason = sl_packet_parse(&program->device, frame, length, &walk.packet);
	if (!outcome.reason) {
		walk_path(&walk);
		judge(&walk, &outcome);
	}
	*ret_outcome = outcome;
}
