// SPDX-License-Identifier: GPL-2.0-only
#include "ir/shorthand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "ir/form.h"

/* A test has nothing to do when memory is exhausted. */
static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

#define push(p, list) ((__typeof__((list)->items))need(sl_list_push((p)->arena, list)))

/* Fields */

static bool is_host_order(struct sl_field field)
{
	if (field.base != SL_META)
		return false;
	switch (field.offset) {
	case SL_META_IIF:
	case SL_META_IIFTYPE:
	case SL_META_IIFGROUP:
	case SL_META_LENGTH:
	case SL_META_MARK:
	case SL_META_DADDR_TYPE:
	case SL_META_WAY_BACK:
	case SL_META_WAY_BACK_IF:
	case SL_META_CT_STATUS:
	case SL_META_CT_MARK:
	case SL_META_HOOK_MARK:
	case SL_META_OIF:
		return true;
	default:
		return false;
	}
}

static void read_number(struct sl_field field, const char *text, u8 *bytes)
{
	u64 number = strtoull(text, NULL, 0);

	if (is_host_order(field)) {
		memcpy(bytes, &number, field.length);
		return;
	}
	for (u32 i = field.length; i-- > 0; number >>= 8)
		bytes[i] = (u8)number;
}

const u8 *value(struct sl_program *p, struct sl_field field, const char *text)
{
	u8 *bytes = need(sl_arena_alloc(p->arena, SL_KEY_MAX));

	if (field.base == SL_META &&
	    (field.offset == SL_META_IIFNAME || field.offset == SL_META_OIFNAME))
		memcpy(bytes, text, strlen(text));
	else if (strchr(text, '.') && inet_pton(AF_INET, text, bytes) != 1)
		abort();
	else if (strchr(text, ':') && inet_pton(AF_INET6, text, bytes) != 1)
		abort();
	else if (!strpbrk(text, ".:"))
		read_number(field, text, bytes);
	return bytes;
}

struct sl_key key_of(struct sl_program *p, const struct sl_field *fields, u32 count)
{
	struct sl_part *parts = need(sl_arena_alloc(p->arena, count * sizeof *parts));
	u32 at = 0, end = 0;

	for (u32 i = 0; i < count; i++) {
		parts[i] = (struct sl_part){fields[i], (u8)at};
		end = at + fields[i].length;
		at = (end + 3) & ~3u;
	}
	/* nf_tables pads concatenations, not single values */
	return (struct sl_key){
		.length = (u8)(count > 1 ? at : end), .part_count = (u8)count, .parts = parts};
}

static struct sl_key transformed(struct sl_program *p, struct sl_key key,
				 struct sl_transform transform)
{
	size_t size = key.transform_count * sizeof transform;
	struct sl_transform *longer = need(sl_arena_alloc(p->arena, size + sizeof transform));

	if (size)
		memcpy(longer, key.transforms, size);
	longer[key.transform_count++] = transform;
	key.transforms = longer;
	return key;
}

struct sl_key swapped(struct sl_program *p, struct sl_key key, u32 width)
{
	return transformed(
		p, key,
		(struct sl_transform){.kind = SL_SWAP, .length = key.length, .width = (u8)width});
}

struct sl_key masked(struct sl_program *p, struct sl_key key, const void *mask, const void * xor)
{
	const u8 *kept = need(sl_arena_copy(p->arena, mask, key.length));
	const u8 *flipped = need(xor? sl_arena_copy(p->arena, xor, key.length)
				    : sl_arena_alloc(p->arena, key.length));

	return transformed(
		p, key,
		(struct sl_transform){
			.kind = SL_MASK, .length = key.length, .mask = kept, .xor = flipped});
}

struct sl_key shifted(struct sl_program *p, struct sl_key key, enum sl_transform_kind kind,
		      u32 bits)
{
	return transformed(
		p, key,
		(struct sl_transform){.kind = (u8)kind, .length = key.length, .width = (u8)bits});
}

/* Ops */

struct sl_op compare(struct sl_program *p, struct sl_field field, enum sl_compare compare,
		     const char *text)
{
	return (struct sl_op){.kind = SL_OP_COMPARE,
			      .compare = (u8)compare,
			      .key = key(p, field),
			      .data = value(p, field, text)};
}

struct sl_op is(struct sl_program *p, struct sl_field field, const char *text)
{
	return compare(p, field, SL_EQ, text);
}

struct sl_op within(struct sl_program *p, struct sl_field field, const char *from, const char *to)
{
	return (struct sl_op){.kind = SL_OP_RANGE,
			      .key = key(p, field),
			      .data = value(p, field, from),
			      .data_end = value(p, field, to)};
}

struct sl_op key_is(struct sl_program *p, struct sl_key key, const void *data)
{
	return (struct sl_op){.kind = SL_OP_COMPARE,
			      .compare = SL_EQ,
			      .key = key,
			      .data = need(sl_arena_copy(p->arena, data, key.length))};
}

struct sl_op in_set(struct sl_set *set, struct sl_key key)
{
	return (struct sl_op){.kind = SL_OP_SET, .set = set, .key = key};
}

struct sl_op vmap(struct sl_set *map, struct sl_key key)
{
	return (struct sl_op){.kind = SL_OP_VMAP, .set = map, .key = key};
}

struct sl_op inverted(struct sl_op op)
{
	op.invert = !op.invert;
	return op;
}

struct sl_op any_of(struct sl_program *p, const struct sl_op *alternatives, u32 count)
{
	return (struct sl_op){.kind = SL_OP_ANY,
			      .alternatives = need(sl_arena_copy(p->arena, alternatives,
								 count * sizeof *alternatives)),
			      .alternative_count = count};
}

struct sl_op state(u8 worlds)
{
	return (struct sl_op){.kind = SL_OP_STATE, .worlds = worlds};
}

struct sl_op unknown(const char *reason)
{
	return (struct sl_op){.kind = SL_OP_UNKNOWN, .reason = reason};
}

struct sl_op limit(struct sl_program *p, bool is_over)
{
	*(struct sl_limit *)sl_list_push(p->arena, &p->limits) = (struct sl_limit){.rule = 1};
	return (struct sl_op){.kind = SL_OP_LIMIT,
			      .limit = p->limits.count - 1,
			      .invert = is_over,
			      .reason = "limit"};
}

struct sl_op set_mark(struct sl_program *p, u32 keep, u32 flip)
{
	p->device.mark_moves = true;
	return (struct sl_op){.kind = SL_OP_MARK, .keep = keep, .flip = flip};
}

struct sl_op lose_mark(struct sl_program *p)
{
	p->device.mark_moves = true;
	return (struct sl_op){.kind = SL_OP_MARK, .reason = "ct mark"};
}

u32 filled(struct sl_program *p, u32 key_length)
{
	*(struct sl_filled *)sl_list_push(p->arena, &p->filled) =
		(struct sl_filled){.name = "seen", .set = 1, .key_length = key_length};
	return p->filled.count - 1;
}

struct sl_op in_filled(u32 filled, struct sl_key key)
{
	return (struct sl_op){
		.kind = SL_OP_FILLED, .key = key, .filled = filled, .reason = "set seen"};
}

struct sl_op fill(u32 filled, struct sl_key key)
{
	return (struct sl_op){.kind = SL_OP_FILL, .key = key, .filled = filled, .reason = "add"};
}

struct sl_op kernel(const char *reason)
{
	return (struct sl_op){.kind = SL_OP_KERNEL, .reason = reason};
}

struct sl_op counter(struct sl_program *p, const struct sl_chain *chain)
{
	return (struct sl_op){.kind = SL_OP_COUNTER,
			      .counter = new_counter(p, chain, chain->rules.count + 1)};
}

struct sl_op jump(struct sl_chain *chain)
{
	return (struct sl_op){.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_JUMP, chain}};
}

struct sl_op go_to(struct sl_chain *chain)
{
	return (struct sl_op){.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_GOTO, chain}};
}

struct sl_rule *rule_of(struct sl_program *p, struct sl_chain *chain, const struct sl_op *ops,
			u32 count)
{
	struct sl_rule *rule = push(p, &chain->rules);

	rule->handle = chain->rules.count;
	for (u32 i = 0; i < count; i++)
		*push(p, &rule->ops) = ops[i];
	return rule;
}

void gather_all(struct sl_program *p, struct sl_chain *chain)
{
	static const u64 empty_image[1];
	struct sl_table *table = need(sl_arena_alloc(p->arena, sizeof *table));
	struct sl_rule rule = {.handle = chain->rules.items[0].handle};

	p->image = empty_image;
	p->image_words = 1;
	table->rules = chain->rules.items;
	table->count = chain->rules.count;
	*push(p, &rule.ops) = (struct sl_op){.kind = SL_OP_TABLE, .table = table};
	chain->rules.items = NULL;
	chain->rules.count = chain->rules.capacity = 0;
	*push(p, &chain->rules) = rule;
}

/* Programs */

static void add_local(struct sl_program *p, int family, const char *text)
{
	struct sl_local_address *address = push(p, &p->local);

	address->is_ip6 = family == AF_INET6;
	if (inet_pton(family, text, address->bytes) != 1)
		abort();
}

struct sl_program *host(void)
{
	struct sl_program *p = need(sl_program_new());

	p->device = (struct sl_device){.ifindex = 2,
				       .name = "eth0",
				       .type = 1,
				       .mtu = 1500,
				       .mac = {2, 0, 0, 0, 0, 1},
				       .mark_is_zero = true};
	p->route_ip = SL_ROUTE_INPUT_ONLY;
	p->route_ip6 = SL_ROUTE_LOCAL_ONLY;
	p->miss_worlds = SL_WORLD_NEW | SL_WORLD_INVALID;
	add_local(p, AF_INET, "10.0.0.1");
	add_local(p, AF_INET6, "fd00::1");
	return p;
}

struct sl_chain *chain(struct sl_program *p, const char *name)
{
	return need(sl_program_add_chain(p, NFPROTO_INET, "filter", name));
}

struct sl_step *step(struct sl_program *p, enum sl_step_kind kind)
{
	struct sl_step *step = push(p, &p->path);

	*step = (struct sl_step){.kind = kind,
				 .families = SL_IP | SL_IP6,
				 .hook = SL_HOOK_PREROUTING,
				 .policy_counter = SL_NO_COUNTER,
				 .reason = "foreign hook"};
	return step;
}

struct sl_chain *base_chain(struct sl_program *p, enum sl_hook hook, s32 priority, int policy)
{
	static const char *const names[] = {"ingress", "prerouting", "input", "forward"};
	struct sl_step *added = step(p, SL_STEP_CHAIN);

	added->hook = hook;
	added->priority = priority;
	added->drops_by_policy = policy == DROPS;
	added->chain = chain(p, names[hook]);
	return added->chain;
}

u32 new_counter(struct sl_program *p, const struct sl_chain *chain, u64 handle)
{
	*push(p, &p->counters) =
		(struct sl_counter){chain->table, chain->name, chain->family, handle};
	return p->counters.count - 1;
}

struct sl_set *set_of(struct sl_program *p, enum sl_set_kind kind, const struct sl_field *fields,
		      u32 count)
{
	char *name = need(sl_arena_printf(p->arena, "set%u", p->sets.count));
	struct sl_set *set = need(sl_program_add_set(p, NFPROTO_INET, "filter", name));

	set->kind = kind;
	set->key_length = key_of(p, fields, count).length;
	set->field_count = count > 1 || kind == SL_SET_BOXES ? count : 0;
	for (u32 i = 0; i < set->field_count; i++)
		set->field_lengths[i] = fields[i].length;
	return set;
}

struct sl_element *add(struct sl_program *p, struct sl_set *set, const void *key,
		       const void *key_end)
{
	struct sl_element *element = push(p, &set->elements);

	element->key = need(sl_arena_copy(p->arena, key, set->key_length));
	element->key_end =
		key_end ? need(sl_arena_copy(p->arena, key_end, set->key_length)) : element->key;
	return element;
}

void map(struct sl_program *p, struct sl_set *map, const void *key, struct sl_op verdict)
{
	map->is_vmap = true;
	add(p, map, key, NULL)->verdict = verdict.verdict;
}

/* Frames */

static void put_be16(u8 *at, u32 number)
{
	at[0] = (u8)(number >> 8);
	at[1] = (u8)number;
}

/* Returns where the transport header starts. */
static u32 put_ip(u8 *frame, u8 protocol, const char *from, const char *to, u32 payload)
{
	u8 *ip = frame + ETH_HLEN;

	put_be16(frame + 12, ETH_P_IP);
	ip[0] = 0x45;
	put_be16(ip + 2, 20 + payload);
	ip[8] = 64;
	ip[9] = protocol;
	if (inet_pton(AF_INET, from, ip + 12) != 1 || inet_pton(AF_INET, to, ip + 16) != 1)
		abort();
	return ETH_HLEN + 20;
}

static u32 put_ip6(u8 *frame, u8 protocol, const char *from, const char *to, u32 payload)
{
	u8 *ip6 = frame + ETH_HLEN;

	put_be16(frame + 12, ETH_P_IPV6);
	ip6[0] = 0x60;
	put_be16(ip6 + 4, payload);
	ip6[6] = protocol;
	ip6[7] = 64;
	if (inet_pton(AF_INET6, from, ip6 + 8) != 1 || inet_pton(AF_INET6, to, ip6 + 24) != 1)
		abort();
	return ETH_HLEN + 40;
}

struct frame packet(u8 protocol, const char *from, u16 sport, const char *to, u16 dport)
{
	static const u8 macs[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9};
	struct frame frame = {0};
	u32 payload = protocol == IPPROTO_TCP ? 20 : 8;
	u32 transport;

	memcpy(frame.bytes, macs, sizeof macs);
	transport = strchr(from, ':') ? put_ip6(frame.bytes, protocol, from, to, payload)
				      : put_ip(frame.bytes, protocol, from, to, payload);
	put_be16(frame.bytes + transport, sport);
	put_be16(frame.bytes + transport + 2, dport);
	frame.length = transport + payload;
	return frame;
}

struct frame tcp(const char *from, u16 sport, const char *to, u16 dport)
{
	struct frame frame = packet(IPPROTO_TCP, from, sport, to, dport);

	frame.bytes[frame.length - 20 + 12] = 5 << 4;
	frame.bytes[frame.length - 20 + 13] = TH_SYN;
	return frame;
}

struct frame udp(const char *from, u16 sport, const char *to, u16 dport)
{
	struct frame frame = packet(IPPROTO_UDP, from, sport, to, dport);

	put_be16(frame.bytes + frame.length - 8 + 4, 8);
	return frame;
}

struct frame sealed(struct frame frame)
{
	static const struct sl_device eth0 = {.mac = {2, 0, 0, 0, 0, 1}};
	struct sl_packet packet;

	if (sl_packet_parse(&eth0, frame.bytes, frame.length, &packet))
		abort();
	sl_form_seal(&packet, frame.bytes);
	return frame;
}
