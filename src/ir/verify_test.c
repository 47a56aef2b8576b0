// SPDX-License-Identifier: GPL-2.0-only
/* Each test breaks one promise in a program that is otherwise right. */
#include <errno.h>
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"

/* The message must say where, and end in what. */
static void expect_rejected(struct sl_program *p, const char *where, const char *what)
{
	struct sl_diag diag = {""};

	assert_int_equal(sl_program_verify(p, &diag), -EINVAL);
	if (!strstr(diag.text, where) || !strstr(diag.text, what))
		fail_msg("\"%s\" does not say \"%s\" and \"%s\"", diag.text, where, what);
	sl_program_free(p);
}

static void expect_accepted(const struct sl_program *p)
{
	struct sl_diag diag = {""};

	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
}

/* routing, then an input chain */
static struct sl_program *plain(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	return p;
}

static void a_right_program_is_accepted(void **unused)
{
	struct sl_chain *input, *other;
	struct sl_program *p = plain(&input);
	struct sl_set *nets = set(p, SL_SET_INTERVAL, IP_SADDR);
	struct sl_set *boxes = set(p, SL_SET_BOXES, IP_SADDR, DPORT);

	(void)unused;
	other = chain(p, "other");
	nets->has_timeouts = true;
	add(p, nets, "\x0a\0\0\0", "\x0a\0\0\xff");
	add(p, nets, "\x0a\0\1\0", NULL)->expires_at_ns = 5;
	/* overlapping, which nf_tables allows */
	add(p, boxes, "\x0a\0\0\0\0\2\0\0", "\x0a\0\0\xff\0\3\0\0");
	add(p, boxes, "\x0a\0\0\0\0\1\0\0", "\x0a\0\0\xff\0\x10\0\0");
	rule(p, input, in_set(nets, key(p, IP_SADDR)), counter(p, input), jump(other));
	rule(p, input, in_set(boxes, key(p, IP_SADDR, DPORT)), DROP);
	rule(p, input, any(p, is(p, DPORT, "1"), within(p, DPORT, "3", "2")), ACCEPT);
	rule(p, input, is(p, META(3, IIFNAME), "1"), unknown("osf"), kernel("log"));
	rule(p, other, key_is(p, shifted(p, key(p, DPORT), SL_SHR, 31), "\0\0"), RETURN);
	expect_accepted(p);
	sl_program_free(p);
}

/* Rules: every case is one rule in the input chain. */

#define rejects_rule(what, ...)                                                                    \
	do {                                                                                       \
		rule(p, input, __VA_ARGS__);                                                       \
		expect_rejected(p, "chain filter input, rule 0 (handle 1): op 0", what);           \
		p = plain(&input);                                                                 \
	} while (0)

static struct sl_op with_key(struct sl_program *p, struct sl_key key)
{
	static const u8 data[SL_KEY_MAX];
	struct sl_op op = is(p, DPORT, "1");

	op.key = key;
	op.data = op.data_end = data;
	return op;
}

static struct sl_op with_part(struct sl_program *p, struct sl_field field, u8 at, u8 length)
{
	struct sl_part *part = sl_arena_alloc(p->arena, sizeof *part);

	*part = (struct sl_part){field, at};
	return with_key(p, (struct sl_key){.length = length, .part_count = 1, .parts = part});
}

static void reject_bad_keys(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_key none = {.length = 4}, empty, huge, many, lost;
	struct sl_part twice[2] = {{DPORT, 0}, {SPORT, 1}};

	(void)unused;
	rejects_rule("key of 0 parts", with_key(p, none));
	many = key(p, DPORT);
	many.part_count = SL_KEY_PARTS_MAX + 1;
	rejects_rule("key of 17 parts", with_key(p, many));
	empty = key(p, DPORT);
	empty.length = 0;
	rejects_rule("key of 0 bytes", with_key(p, empty));
	huge = key(p, DPORT);
	huge.length = SL_KEY_MAX + 1;
	rejects_rule("key of 65 bytes", with_key(p, huge));
	rejects_rule("part 0 reaches past", with_part(p, DPORT, 1, 2));
	rejects_rule("part 1 overlaps",
		     with_key(p, (struct sl_key){.length = 4, .part_count = 2, .parts = twice}));
	lost = key(p, DPORT);
	lost.transform_count = 1;
	rejects_rule("key without its transforms", with_key(p, lost));
	sl_program_free(p);
}

static void reject_bad_fields(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);

	(void)unused;
	rejects_rule("an empty field", with_part(p, (struct sl_field){SL_NETWORK, 0, 0}, 0, 4));
	rejects_rule("past the Ethernet header",
		     with_part(p, (struct sl_field){SL_LINK, 2, 13}, 0, 4));
	p->device.hides_vlan = true;
	rejects_rule("a VLAN tag may hide it",
		     with_part(p, (struct sl_field){SL_LINK, 2, 12}, 0, 4));
	rejects_rule("field base 6", with_part(p, (struct sl_field){6, 2, 0}, 0, 4));
	rejects_rule("5 bytes of a TCP option",
		     with_part(p, (struct sl_field){SL_TCP_OPTION, 5, 2 << 8}, 0, 8));
	rejects_rule("2 bytes of a TCP option",
		     with_part(p, (struct sl_field){SL_HAS_TCP_OPTION, 2, 2 << 8}, 0, 4));
	rejects_rule("past any TCP option",
		     with_part(p, (struct sl_field){SL_TCP_OPTION, 2, 2 << 8 | 254}, 0, 4));
	rejects_rule("metadata 200 does not exist",
		     with_part(p, (struct sl_field){SL_META, 1, 200}, 0, 4));
	rejects_rule("metadata 1 is 1 bytes long, not 2", with_part(p, META(2, L4PROTO), 0, 4));
	rejects_rule("said to stay", (struct sl_op){.kind = SL_OP_MARK});
	p->device.mark_is_zero = false;
	rejects_rule("not known on this device", is(p, MARK, "0"));
	rejects_rule("known at a netfilter hook only", is(p, CT_MARK, "0"));
	sl_program_free(p);
}

static void reject_bad_transforms(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_transform late = {.kind = SL_SHL, .at = 2, .length = 4, .width = 1},
			    past = {.kind = SL_SHL, .at = 4, .length = 1, .width = 1},
			    empty = {.kind = SL_SWAP, .width = 2},
			    blank = {.kind = SL_MASK, .length = 2}, odd = {.kind = 9, .length = 2};
	struct sl_key key = key(p, IP_SADDR, DPORT);

	(void)unused;
	rejects_rule("swap of 3-byte words", with_key(p, swapped(p, key(p, IP_SADDR), 3)));
	rejects_rule("not whole words of 4", with_key(p, swapped(p, key(p, DPORT), 4)));
	rejects_rule("shift by 0 bits", with_key(p, shifted(p, key(p, DPORT), SL_SHL, 0)));
	rejects_rule("shift by 32 bits", with_key(p, shifted(p, key(p, DPORT), SL_SHR, 32)));
	key = key(p, IP_SADDR, DPORT);
	key.transform_count = 1;
	key.transforms = &late;
	rejects_rule("starts within a word", with_key(p, key));
	key = key(p, DPORT);
	key.transform_count = 1;
	key.transforms = &past;
	rejects_rule("transform of bytes 4 to 8 of a key of 2", with_key(p, key));
	key = key(p, DPORT);
	key.transform_count = 1;
	key.transforms = &empty;
	rejects_rule("transform of bytes 0 to 0", with_key(p, key));
	key = key(p, DPORT);
	key.transform_count = 1;
	key.transforms = &blank;
	rejects_rule("mask without its bytes", with_key(p, key));
	key = key(p, DPORT);
	key.transform_count = 1;
	key.transforms = &odd;
	rejects_rule("transform 9 does not exist", with_key(p, key));
	sl_program_free(p);
}

static void reject_bad_comparisons(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_op op = is(p, DPORT, "1");

	(void)unused;
	op.data = NULL;
	rejects_rule("comparison without data", op);
	rejects_rule("comparison 6 does not exist", compare(p, DPORT, SL_GE + 1, "1"));
	op = within(p, DPORT, "1", "2");
	op.data_end = NULL;
	rejects_rule("range without an end", op);
	rejects_rule("inverted, which it cannot be", inverted(is(p, DPORT, "1")));
	rejects_rule("inverted, which it cannot be", inverted(state(SL_WORLD_NEW)));
	rejects_rule("worlds 0x20 do not exist", state(1 << 5));
	sl_program_free(p);
}

static void reject_bad_choices(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_op late = is(p, DPORT, "1");

	(void)unused;
	rejects_rule("a choice without alternatives", any_of(p, NULL, 0));
	rejects_rule("alternative 1 is not a comparison",
		     any(p, is(p, DPORT, "1"), state(SL_WORLD_NEW)));
	rejects_rule("alternative 0 is not a comparison", any(p, any(p, is(p, DPORT, "1"))));
	late = is(p, DPORT, "1");
	late.data = NULL;
	rejects_rule("comparison without data", any(p, is(p, DPORT, "1"), late));
	sl_program_free(p);
}

static void reject_bad_lookups(void **unused)
{
	struct sl_program *other = host();
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_set *foreign = set(other, SL_SET_EXACT, DPORT);

	(void)unused;
	rejects_rule("a set that is not in the program", in_set(NULL, key(p, DPORT)));
	rejects_rule("a set that is not in the program", in_set(foreign, key(p, DPORT)));
	rejects_rule("key of 4 bytes, but set set0 holds keys of 2",
		     in_set(set(p, SL_SET_EXACT, DPORT), key(p, IP_SADDR)));
	rejects_rule("set set0 is not a verdict map",
		     vmap(set(p, SL_SET_EXACT, DPORT), key(p, DPORT)));
	set(p, SL_SET_EXACT, DPORT)->is_vmap = true;
	rejects_rule("set set0 is a verdict map", in_set(p->sets.items[0], key(p, DPORT)));
	sl_program_free(other);
	sl_program_free(p);
}

static void reject_bad_effects_and_verdicts(void **unused)
{
	struct sl_program *other = host();
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_op accept_to = ACCEPT;

	(void)unused;
	rejects_rule("counter 0 does not exist", ((struct sl_op){.kind = SL_OP_COUNTER}));
	rejects_rule("no reason given", unknown(NULL));
	rejects_rule("no reason given", kernel(NULL));
	rejects_rule("limit 0 does not exist", ((struct sl_op){.kind = SL_OP_LIMIT}));
	rejects_rule("set 0 that packets fill does not exist",
		     ((struct sl_op){.kind = SL_OP_FILLED}));
	rejects_rule("op 15 does not exist", ((struct sl_op){.kind = SL_OP_TABLE + 1}));
	rejects_rule("verdict 7 does not exist",
		     ((struct sl_op){.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_KERNEL + 1}}));
	rejects_rule("jump to a chain that is not in the program", jump(NULL));
	rejects_rule("jump to a chain that is not in the program", go_to(chain(other, "there")));
	accept_to.verdict.chain = input;
	rejects_rule("names a chain", accept_to);
	rejects_rule("not the rule's last op", ACCEPT, is(p, DPORT, "1"));
	sl_program_free(other);
	sl_program_free(p);
}

/* Chains and jumps */

static void reject_bad_tables(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);
	struct sl_table *table;

	(void)unused;
	rule(p, input, is(p, DPORT, "1"), DROP);
	gather_all(p, input);
	expect_accepted(p);
	table = (struct sl_table *)input->rules.items[0].ops.items[0].table;
	table->root = 1;
	expect_rejected(p, "rule 0 (handle 1)", "not in the image");

	p = plain(&input);
	rule(p, input, is(p, DPORT, "1"), DROP);
	gather_all(p, input);
	gather_all(p, input);
	expect_rejected(p, "rule 0 of a run (handle 1)", "a table in a table");

	p = plain(&input);
	rule(p, input, is(p, DPORT, "1"), (struct sl_op){.kind = SL_OP_COUNTER, .counter = 99});
	gather_all(p, input);
	expect_rejected(p, "rule 0 of a run (handle 1): op 1", "counter 99 does not exist");

	p = plain(&input);
	rule(p, input, is(p, DPORT, "1"), DROP);
	gather_all(p, input);
	rule(p, input, is(p, SPORT, "1"), input->rules.items[0].ops.items[0]);
	expect_rejected(p, "rule 1 (handle 2)", "not the rule's only op");
}

static void reject_bad_chains(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);

	(void)unused;
	input->index = 3;
	expect_rejected(p, "chain 0", "has another index");
	p = plain(&input);
	input->name = NULL;
	expect_rejected(p, "chain 0", "unnamed");
	p = plain(&input);
	input->family = NFPROTO_BRIDGE;
	expect_rejected(p, "chain filter input", "family 7 is not");
}

static void reject_circles(void **unused)
{
	struct sl_chain *input, *other;
	struct sl_program *p = plain(&input);
	struct sl_set *ports;

	(void)unused;
	rule(p, input, jump(input));
	expect_rejected(p, "chain filter input", "can jump back to itself");

	p = plain(&input);
	other = chain(p, "other");
	ports = set(p, SL_SET_EXACT, DPORT);
	map(p, ports, "\0\1", go_to(input));
	rule(p, input, jump(other));
	rule(p, other, vmap(ports, key(p, DPORT)));
	expect_rejected(p, "chain filter input", "can jump back to itself");
}

static void reject_jumps_between_families(void **unused)
{
	struct sl_chain *input, *other;
	struct sl_program *p = plain(&input);

	(void)unused;
	other = chain(p, "other");
	other->family = NFPROTO_IPV4;
	rule(p, input, jump(other));
	expect_rejected(p, "chain filter other", "from another family");
}

/* Chains c0 → c1 → … of which the first is the input chain; added last to first, or first to last
 */
static struct sl_program *staircase(u32 jumps, bool last_first)
{
	struct sl_chain *stairs[SL_JUMP_DEPTH_MAX + 2];
	struct sl_program *p = plain(&stairs[0]);

	for (u32 i = 1; i <= jumps; i++)
		stairs[last_first ? jumps + 1 - i : i] = chain(p, "stair");
	for (u32 i = 0; i < jumps; i++)
		rule(p, stairs[i], jump(stairs[i + 1]));
	return p;
}

static void jumps_nest_only_so_deep(void **unused)
{
	struct sl_program *p;

	(void)unused;
	for (int last_first = 0; last_first <= 1; last_first++) {
		p = staircase(SL_JUMP_DEPTH_MAX, last_first);
		expect_accepted(p);
		sl_program_free(p);
		p = staircase(SL_JUMP_DEPTH_MAX + 1, last_first);
		expect_rejected(p, "chain filter", "more than 16 jumps deep");
	}
}

/* The deep end is known before the chain that makes it too deep is looked at. */
static void heights_that_are_known_count(void **unused)
{
	struct sl_chain *input, *stairs[SL_JUMP_DEPTH_MAX + 1];
	struct sl_program *p = host();

	(void)unused;
	for (u32 i = 0; i <= SL_JUMP_DEPTH_MAX; i++)
		stairs[i] = chain(p, "stair");
	for (u32 i = 0; i < SL_JUMP_DEPTH_MAX; i++)
		rule(p, stairs[i], jump(stairs[i + 1]));
	expect_accepted(p);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, jump(stairs[0]));
	expect_rejected(p, "chain filter stair", "more than 16 jumps deep");
}

/* Sets */

#define rejects_set(what)                                                                          \
	do {                                                                                       \
		expect_rejected(p, "set filter set0", what);                                       \
		p = host();                                                                        \
	} while (0)

static void reject_bad_sets(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	set(p, SL_SET_EXACT, DPORT)->index = 1;
	expect_rejected(p, "set 0", "has another index");
	p = host();
	set(p, SL_SET_BOXES + 1, DPORT);
	rejects_set("kind 3 does not exist");
	set(p, SL_SET_EXACT, DPORT)->key_length = 0;
	rejects_set("keys of 0 bytes");
	set(p, SL_SET_EXACT, DPORT)->key_length = SL_KEY_MAX + 1;
	rejects_set("keys of 65 bytes");
	set(p, SL_SET_BOXES, DPORT)->field_count = 0;
	rejects_set("boxes without fields");
	set(p, SL_SET_BOXES, DPORT)->field_count = SL_FIELDS_MAX + 1;
	rejects_set("17 fields");
	set(p, SL_SET_BOXES, DPORT)->field_lengths[0] = 0;
	rejects_set("field 0 is empty");
	set(p, SL_SET_BOXES, DPORT)->field_lengths[0] = 1u << 31;
	rejects_set("field 0 is larger than a key");
	set(p, SL_SET_BOXES, IP_SADDR, DPORT)->key_length = 12;
	rejects_set("fields fill 6 bytes, the key has 12");
	set(p, SL_SET_EXACT, DPORT)->has_catchall = true;
	p->sets.items[0]->is_vmap = true;
	p->sets.items[0]->catchall.kind = SL_VERDICT_JUMP;
	rejects_set("jump to a chain that is not in the program");
	sl_program_free(p);
}

static void reject_bad_elements(void **unused)
{
	struct sl_program *p = host();
	struct sl_set *ports;

	(void)unused;
	add(p, set(p, SL_SET_EXACT, DPORT), "\0\1", NULL)->key = NULL;
	rejects_set("element 0: no key");
	add(p, set(p, SL_SET_EXACT, DPORT), "\0\1", "\0\2");
	rejects_set("element 0: a range in a set of single values");
	add(p, set(p, SL_SET_INTERVAL, DPORT), "\0\2", "\0\1");
	rejects_set("element 0: a range that ends before it starts");
	add(p, set(p, SL_SET_BOXES, DPORT, SPORT), "\0\1\0\0\0\5\0\0", "\0\2\0\0\0\4\0\0");
	rejects_set("element 0: a range that ends before it starts");
	add(p, set(p, SL_SET_EXACT, DPORT), "\0\1", NULL)->expires_at_ns = 1;
	rejects_set("element 0: expires, in a set without timeouts");
	map(p, set(p, SL_SET_EXACT, DPORT), "\0\1", jump(NULL));
	rejects_set("element 0: jump to a chain that is not in the program");
	ports = set(p, SL_SET_EXACT, DPORT);
	add(p, ports, "\0\2", NULL);
	add(p, ports, "\0\1", NULL);
	rejects_set("element 1: not behind the element before it");
	ports = set(p, SL_SET_INTERVAL, DPORT);
	add(p, ports, "\0\1", "\0\5");
	add(p, ports, "\0\5", "\0\7");
	rejects_set("element 1: not behind the element before it");
	sl_program_free(p);
}

/* Path */

static void reject_bad_steps(void **unused)
{
	struct sl_program *p = host(), *other = host();

	(void)unused;
	step(p, SL_STEP_KERNEL)->families = 0;
	expect_rejected(p, "step 0 of the path", "families 0");
	p = host();
	step(p, SL_STEP_KERNEL)->families = 4;
	expect_rejected(p, "step 0 of the path", "families 0x4");
	p = host();
	step(p, SL_STEP_KERNEL)->hook = SL_HOOK_FORWARD + 1;
	expect_rejected(p, "step 0 of the path", "hook 4 does not exist");
	p = host();
	step(p, SL_STEP_KERNEL)->reason = NULL;
	expect_rejected(p, "step 0 of the path", "no reason given");
	p = host();
	step(p, SL_STEP_KERNEL + 1);
	expect_rejected(p, "step 0 of the path", "step 5 does not exist");
	p = host();
	step(p, SL_STEP_CHAIN)->chain = chain(other, "elsewhere");
	expect_rejected(p, "step 0 of the path", "chain is not in the program");
	p = host();
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS)->family = NFPROTO_IPV4;
	expect_rejected(p, "step 0 of the path", "never sees such packets");
	p = host();
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS)->family = NFPROTO_NETDEV;
	expect_rejected(p, "step 0 of the path", "never sees such packets");
	p = host();
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS);
	p->path.items[0].policy_counter = 0;
	expect_rejected(p, "step 0 of the path", "policy counter 0 does not exist");
	sl_program_free(other);
}

static void reject_steps_in_another_order_than_the_kernels(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	expect_rejected(p, "step 0", "before routing");
	p = host();
	step(p, SL_STEP_ROUTE);
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS);
	expect_rejected(p, "step 1", "behind routing");
	p = host();
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS);
	base_chain(p, SL_HOOK_INGRESS, 0, DROPS);
	expect_rejected(p, "step 1", "behind prerouting");
	p = host();
	step(p, SL_STEP_CONNTRACK);
	base_chain(p, SL_HOOK_INGRESS, 0, DROPS);
	expect_rejected(p, "step 1", "behind prerouting");
	p = host();
	base_chain(p, SL_HOOK_PREROUTING, 0, DROPS);
	base_chain(p, SL_HOOK_PREROUTING, -1, DROPS);
	expect_rejected(p, "step 1", "priority -1 behind 0");
	p = host();
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_CONNTRACK);
	expect_rejected(p, "step 1", "a second conntrack");
	p = host();
	step(p, SL_STEP_ROUTE);
	step(p, SL_STEP_CONNTRACK);
	expect_rejected(p, "step 1", "conntrack behind routing");
	p = host();
	step(p, SL_STEP_ROUTE);
	step(p, SL_STEP_ROUTE);
	expect_rejected(p, "step 1", "a second routing");
}

static void each_family_has_its_own_order(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	step(p, SL_STEP_ROUTE)->families = SL_IP;
	step(p, SL_STEP_CONNTRACK)->families = SL_IP6;
	step(p, SL_STEP_ROUTE)->families = SL_IP6;
	expect_accepted(p);
	sl_program_free(p);
}

static void reject_the_length_at_ingress(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *ingress = base_chain(p, SL_HOOK_INGRESS, 0, ACCEPTS), *other;

	(void)unused;
	other = chain(p, "other");
	rule(p, other, any(p, is(p, DPORT, "1"), is(p, LENGTH, "40")), DROP);
	expect_accepted(p);
	rule(p, ingress, is(p, DPORT, "1"), go_to(other));
	expect_rejected(p, "chain filter other", "not known at ingress");
}

/* The rest */

static void reject_bad_constants(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = plain(&input);

	(void)unused;
	p->miss_worlds = 0;
	expect_rejected(p, "conntrack miss", "worlds 0");
	p = plain(&input);
	p->miss_worlds = 1 << 5;
	expect_rejected(p, "conntrack miss", "worlds 0x20");
	p = plain(&input);
	p->route_ip6 = SL_ROUTE_PASS + 1;
	expect_rejected(p, "routing mode", "does not exist");
	p = plain(&input);
	memset(p->device.name, 'x', sizeof p->device.name);
	expect_rejected(p, "device's name", "does not end");
	p = plain(&input);
	new_counter(p, input, 1);
	p->counters.items[0].chain = NULL;
	expect_rejected(p, "counter 0", "does not say where it stands");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_program_is_accepted),
		cmocka_unit_test(reject_bad_keys),
		cmocka_unit_test(reject_bad_fields),
		cmocka_unit_test(reject_bad_transforms),
		cmocka_unit_test(reject_bad_comparisons),
		cmocka_unit_test(reject_bad_choices),
		cmocka_unit_test(reject_bad_lookups),
		cmocka_unit_test(reject_bad_effects_and_verdicts),
		cmocka_unit_test(reject_bad_tables),
		cmocka_unit_test(reject_bad_chains),
		cmocka_unit_test(reject_circles),
		cmocka_unit_test(reject_jumps_between_families),
		cmocka_unit_test(jumps_nest_only_so_deep),
		cmocka_unit_test(heights_that_are_known_count),
		cmocka_unit_test(reject_bad_sets),
		cmocka_unit_test(reject_bad_elements),
		cmocka_unit_test(reject_bad_steps),
		cmocka_unit_test(reject_steps_in_another_order_than_the_kernels),
		cmocka_unit_test(each_family_has_its_own_order),
		cmocka_unit_test(reject_the_length_at_ingress),
		cmocka_unit_test(reject_bad_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
