/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules go in through nft, iptables-nft and ip, come back over netlink, and must mean the same. */
#include "source/testing.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "source/source.h"

static struct sl_ruleset *read_rules(void)
{
	struct sl_ruleset *ruleset = NULL;
	struct sl_diag diag = {0};
	int error = sl_source_read_live(2000, &ruleset, &diag);

	if (error)
		fail_msg("%d: %s", error, diag.text);
	return ruleset;
}

static struct sl_ruleset *load_nft(const char *text)
{
	enter_new_namespace();
	load("nft -f -", text);
	return read_rules();
}

static void read_an_empty_namespace(void **state)
{
	(void)state;
	enter_new_namespace();
	struct sl_ruleset *ruleset = read_rules();

	assert_int_equal(ruleset->tables.count, 0);
	sl_ruleset_free(ruleset);
}

static void read_tables_and_chains(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset =
		load_nft("table inet filter {\n"
			 "  chain in { type filter hook input priority -5; policy drop; }\n"
			 "  chain out { type filter hook output priority 10; counter; }\n"
			 "  chain plain { }\n"
			 "}\n"
			 "table ip sleeping { flags dormant; chain c { type nat hook prerouting "
			 "priority 7; }; }\n");
	const struct sl_nft_chain *in = get_chain(ruleset, NFPROTO_INET, "filter", "in");
	const struct sl_nft_chain *plain = get_chain(ruleset, NFPROTO_INET, "filter", "plain");
	const struct sl_nft_chain *nat = get_chain(ruleset, NFPROTO_IPV4, "sleeping", "c");

	assert_true(in->is_base);
	assert_false(in->opaque_hook);
	assert_string_equal(in->type, "filter");
	assert_int_equal(in->hook, NF_INET_LOCAL_IN);
	assert_int_equal(in->priority, -5);
	assert_int_equal(in->policy, NF_DROP);
	assert_false(plain->is_base);
	assert_false(plain->opaque_hook);
	assert_string_equal(nat->type, "nat");
	assert_int_equal(nat->policy, NF_ACCEPT);
	assert_int_equal(ruleset->tables.items[0]->flags, 0);
	assert_int_equal(ruleset->tables.items[1]->flags, NFT_TABLE_F_DORMANT);
	assert_null(ruleset->tables.items[0]->opaque);
	assert_int_not_equal(ruleset->generation, 0);
	sl_ruleset_free(ruleset);
}

static void read_devices_of_ingress_chains(void **state)
{
	(void)state;
	enter_new_namespace();
	load("sh", "ip link add va type veth peer name vb\n");
	load("nft -f -",
	     "table netdev t {\n"
	     "  chain one { type filter hook ingress device va priority 1; }\n"
	     "  chain two { type filter hook ingress devices = { va, vb } priority 2; }\n"
	     "}\n"
	     "table inet i {\n"
	     "  chain c { type filter hook ingress device vb priority 3; }\n"
	     "}\n");
	struct sl_ruleset *ruleset = read_rules();
	const struct sl_nft_chain *one = get_chain(ruleset, NFPROTO_NETDEV, "t", "one");
	const struct sl_nft_chain *two = get_chain(ruleset, NFPROTO_NETDEV, "t", "two");
	const struct sl_nft_chain *ingress = get_chain(ruleset, NFPROTO_INET, "i", "c");

	assert_int_equal(one->devices.count, 1);
	assert_string_equal(one->devices.items[0], "va");
	assert_int_equal(one->hook, NF_NETDEV_INGRESS);
	assert_false(one->opaque_hook);
	assert_int_equal(two->devices.count, 2);
	assert_int_equal(ingress->hook, NF_INET_INGRESS);
	assert_string_equal(ingress->devices.items[0], "vb");
	sl_ruleset_free(ruleset);
}

static const struct sl_expr *find_expr(const struct sl_nft_chain *chain, enum sl_expr_kind kind)
{
	for (u32 i = 0; i < chain->rules.count; i++)
		for (u32 j = 0; j < chain->rules.items[i].exprs.count; j++)
			if (get_expr(chain, i, j)->kind == kind)
				return get_expr(chain, i, j);
	fail_msg("no expression of kind %d", kind);
	return NULL;
}

static void decode_payload_meta_cmp_and_verdict(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = load_nft("table inet t { chain c {\n"
					      "  tcp dport 22 counter drop comment \"ssh\"\n"
					      "}; }\n");
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_INET, "t", "c");
	const struct sl_expr *meta = get_expr(chain, 0, 0), *proto = get_expr(chain, 0, 1);
	const struct sl_expr *payload = get_expr(chain, 0, 2), *port = get_expr(chain, 0, 3);
	const struct sl_expr *verdict = get_expr(chain, 0, 5);

	assert_string_equal(chain->rules.items[0].comment, "ssh");
	assert_int_not_equal(chain->rules.items[0].handle, 0);
	assert_int_equal(meta->kind, SL_EXPR_META);
	assert_int_equal(meta->meta.key, NFT_META_L4PROTO);
	assert_int_equal(meta->meta.dreg, 0);
	assert_false(meta->meta.writes);
	assert_int_equal(proto->cmp.length, 1);
	assert_int_equal(proto->cmp.data[0], 6);
	assert_int_equal(payload->kind, SL_EXPR_PAYLOAD);
	assert_int_equal(payload->payload.base, NFT_PAYLOAD_TRANSPORT_HEADER);
	assert_int_equal(payload->payload.offset, 2);
	assert_int_equal(payload->payload.length, 2);
	assert_int_equal(port->cmp.op, NFT_CMP_EQ);
	assert_memory_equal(port->cmp.data, "\0\26", 2);
	assert_int_equal(get_expr(chain, 0, 4)->kind, SL_EXPR_COUNTER);
	assert_true(verdict->immediate.is_verdict);
	assert_int_equal(verdict->immediate.verdict.code, NF_DROP);
	sl_ruleset_free(ruleset);
}

static void decode_the_other_expressions(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset =
		load_nft("table ip t { chain d { }; chain c {\n"
			 "  ct original saddr 1.2.3.4 jump d\n"
			 "  ip saddr & 255.0.0.255 == 10.0.0.1 return\n"
			 "  tcp dport != 100-200 goto d\n"
			 "  ip dscp 8 accept\n"
			 "  meta mark > 0x10 accept\n"
			 "  meta mark set 7\n"
			 "  ip ttl set 9\n"
			 "  tcp option maxseg size 100 limit rate 1/second accept\n"
			 "  ct mark set meta mark << 4\n"
			 "  fib daddr type local limit rate over 1/second accept\n"
			 "  tcp option maxseg size set 1400\n"
			 "}; }\n");
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_IPV4, "t", "c");
	const struct sl_expr *ct = get_expr(chain, 0, 0), *jump = get_expr(chain, 0, 2);
	const struct sl_expr *bitwise = find_expr(chain, SL_EXPR_BITWISE);
	const struct sl_expr *range = find_expr(chain, SL_EXPR_RANGE);
	const struct sl_expr *swap = find_expr(chain, SL_EXPR_BYTEORDER);

	assert_int_equal(ct->kind, SL_EXPR_CT);
	assert_int_equal(ct->ct.key, NFT_CT_SRC);
	assert_int_equal(ct->ct.direction, 0);
	assert_int_equal(jump->immediate.verdict.code, NFT_JUMP);
	assert_string_equal(jump->immediate.verdict.chain, "d");
	assert_int_equal(bitwise->bitwise.op, NFT_BITWISE_BOOL);
	assert_int_equal(bitwise->bitwise.length, 4);
	assert_memory_equal(bitwise->bitwise.mask, "\377\0\0\377", 4);
	assert_memory_equal(bitwise->bitwise.xor, "\0\0\0\0", 4);
	assert_int_equal(range->range.op, NFT_RANGE_NEQ);
	assert_memory_equal(range->range.from, "\0\144", 2);
	assert_memory_equal(range->range.to, "\0\310", 2);
	assert_int_equal(swap->byteorder.size, 4);
	assert_int_equal(swap->byteorder.op, NFT_BYTEORDER_HTON);
	assert_true(get_expr(chain, 5, 1)->meta.writes);
	assert_int_equal(get_expr(chain, 7, 0)->exthdr.op, NFT_EXTHDR_OP_TCPOPT);
	assert_false(get_expr(chain, 7, 0)->exthdr.writes);
	assert_int_equal(get_expr(chain, 7, 2)->kind, SL_EXPR_LIMIT);
	assert_int_equal(get_expr(chain, 7, 2)->limit.type, NFT_LIMIT_PKTS);
	assert_false(get_expr(chain, 7, 2)->limit.is_over);
	assert_int_equal(get_expr(chain, 9, 0)->kind, SL_EXPR_FIB);
	assert_int_equal(get_expr(chain, 9, 0)->fib.result, NFT_FIB_RESULT_ADDRTYPE);
	assert_int_equal(get_expr(chain, 9, 0)->fib.flags, NFTA_FIB_F_DADDR);
	assert_true(get_expr(chain, 9, 2)->limit.is_over);
	assert_true(find_expr(chain, SL_EXPR_EXTHDR));
	assert_true(get_expr(chain, 10, chain->rules.items[10].exprs.count - 1)->exthdr.writes);

	const struct sl_nft_rule *ttl = &chain->rules.items[6], *shift = &chain->rules.items[8];

	assert_true(ttl->exprs.items[ttl->exprs.count - 1].payload.writes);
	assert_int_equal(shift->exprs.items[1].bitwise.op, NFT_BITWISE_LSHIFT);
	assert_int_equal(shift->exprs.items[1].bitwise.shift, 4);
	sl_ruleset_free(ruleset);
}

static void resolve_sets_maps_and_verdict_maps(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset =
		load_nft("table ip t { set s { type ipv4_addr; elements = { 1.1.1.1, 2.2.2.2 }; }\n"
			 "chain d { }; chain c {\n"
			 "  ip saddr @s drop\n"
			 "  ip daddr != { 3.3.3.3, 4.4.4.4 } drop\n"
			 "  tcp dport vmap { 22 : accept, 80 : jump d }\n"
			 "  meta mark set ip saddr map { 5.5.5.5 : 0x2a }\n"
			 "}; }\n");
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_IPV4, "t", "c");
	const struct sl_expr *named = get_expr(chain, 0, 1), *anonymous = get_expr(chain, 1, 1);
	const struct sl_expr *vmap = get_expr(chain, 2, 3), *map = get_expr(chain, 3, 1);

	assert_int_equal(named->kind, SL_EXPR_LOOKUP);
	assert_ptr_equal(named->lookup.set, get_set(ruleset, NFPROTO_IPV4, "t", "s"));
	assert_int_equal(named->lookup.set->elements.count, 2);
	assert_int_equal(named->lookup.set->key_length, 4);
	assert_false(named->lookup.invert);
	assert_true(anonymous->lookup.invert);
	assert_true(anonymous->lookup.set->flags & NFT_SET_ANONYMOUS);
	assert_true(vmap->lookup.is_verdict);
	assert_int_equal(vmap->lookup.set->data_type, NFT_DATA_VERDICT);
	for (u32 i = 0; i < 2; i++) {
		const struct sl_nft_element *element = &vmap->lookup.set->elements.items[i];

		if (element->key[1] == 22)
			assert_int_equal(element->verdict.code, NF_ACCEPT);
		else
			assert_string_equal(element->verdict.chain, "d");
		assert_ptr_equal(element->key, element->key_end);
		assert_null(element->opaque);
	}
	assert_true(map->lookup.has_dreg);
	assert_false(map->lookup.is_verdict);
	assert_int_equal(map->lookup.set->elements.items[0].data_length, 4);
	assert_int_equal(map->lookup.set->elements.items[0].data[0], 0x2a);
	sl_ruleset_free(ruleset);
}

struct range {
	const char *from, *to;
};

static void expect_ranges(const struct sl_nft_set *set, const struct range *ranges, u32 count)
{
	assert_null(set->opaque);
	assert_int_equal(set->elements.count, count);
	for (u32 i = 0; i < count; i++) {
		const struct sl_nft_element *element = &set->elements.items[i];

		assert_null(element->opaque);
		assert_memory_equal(element->key, ranges[i].from, set->key_length);
		assert_memory_equal(element->key_end, ranges[i].to, set->key_length);
	}
}

static void close_intervals(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = load_nft(
		"table ip t {\n"
		"set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, "
		"192.168.1.0/24,"
		" 1.2.3.4 }; }\n"
		"set edges { type inet_service; flags interval; elements = { 0-9, 65000-65535 }; "
		"}\n"
		"set whole { type inet_service; flags interval; elements = { 0-65535 }; }\n"
		"set touching { type inet_service; flags interval; elements = { 10-19, 20-29 }; }\n"
		"chain c { tcp dport { 5-6, 8 } drop\n"
		"  tcp sport vmap { 0-9 : accept, 10-19 : drop, 30-65535 : accept }; }; }\n");
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_IPV4, "t", "c");

	expect_ranges(get_set(ruleset, NFPROTO_IPV4, "t", "nets"),
		      (struct range[]){{"\1\2\3\4", "\1\2\3\4"},
				       {"\12\0\0\0", "\12\377\377\377"},
				       {"\300\250\1\0", "\300\250\1\377"}},
		      3);
	expect_ranges(get_set(ruleset, NFPROTO_IPV4, "t", "edges"),
		      (struct range[]){{"\0\0", "\0\11"}, {"\375\350", "\377\377"}}, 2);
	expect_ranges(get_set(ruleset, NFPROTO_IPV4, "t", "whole"),
		      (struct range[]){{"\0\0", "\377\377"}}, 1);
	expect_ranges(get_set(ruleset, NFPROTO_IPV4, "t", "touching"),
		      (struct range[]){{"\0\12", "\0\23"}, {"\0\24", "\0\35"}}, 2);
	expect_ranges(get_expr(chain, 0, 3)->lookup.set,
		      (struct range[]){{"\0\5", "\0\6"}, {"\0\10", "\0\10"}}, 2);

	const struct sl_nft_set *vmap = get_expr(chain, 1, 3)->lookup.set;

	expect_ranges(
		vmap,
		(struct range[]){{"\0\0", "\0\11"}, {"\0\12", "\0\23"}, {"\0\36", "\377\377"}}, 3);
	assert_int_equal(vmap->elements.items[1].verdict.code, NF_DROP);
	assert_int_equal(vmap->elements.items[2].verdict.code, NF_ACCEPT);
	sl_ruleset_free(ruleset);
}

static void keep_concatenations_field_by_field(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = load_nft(
		"table ip t {\n"
		"set exact { type ipv4_addr . inet_service; elements = { 1.2.3.4 . 80 }; }\n"
		"set boxes { type ipv4_addr . inet_service; flags interval;\n"
		"  elements = { 10.0.0.0/8 . 1-1023, 1.2.3.4 . 80 }; }; }\n");
	const struct sl_nft_set *exact = get_set(ruleset, NFPROTO_IPV4, "t", "exact");
	const struct sl_nft_set *boxes = get_set(ruleset, NFPROTO_IPV4, "t", "boxes");

	assert_int_equal(exact->key_length, 8);
	assert_memory_equal(exact->elements.items[0].key, "\1\2\3\4\0\120\0\0", 8);
	assert_int_equal(boxes->field_count, 2);
	assert_int_equal(boxes->field_lengths[0], 4);
	assert_int_equal(boxes->field_lengths[1], 2);
	assert_null(boxes->opaque);
	assert_int_equal(boxes->elements.count, 2);
	for (u32 i = 0; i < 2; i++) {
		const struct sl_nft_element *element = &boxes->elements.items[i];
		bool is_net = element->key[0] == 10;

		assert_memory_equal(element->key,
				    is_net ? "\12\0\0\0\0\1\0\0" : "\1\2\3\4\0\120\0\0", 8);
		assert_memory_equal(element->key_end,
				    is_net ? "\12\377\377\377\3\377\0\0" : "\1\2\3\4\0\120\0\0", 8);
	}
	sl_ruleset_free(ruleset);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

static void expire_early_rather_than_late(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -",
	     "table ip t {\n"
	     "set s { type ipv4_addr; flags timeout; timeout 1h;\n"
	     "  elements = { 1.1.1.1, 2.2.2.2 timeout 60s }; }\n"
	     "set n { type ipv4_addr; flags timeout, interval;\n"
	     "  elements = { 9.9.9.9, 10.0.0.0/8 timeout 60s, 240.0.0.0/4 timeout 1h }; }; }\n");
	u64 loaded_ns = now_ns();
	struct sl_ruleset *ruleset = read_rules();
	const struct sl_nft_set *set = get_set(ruleset, NFPROTO_IPV4, "t", "s");
	const struct sl_nft_set *nets = get_set(ruleset, NFPROTO_IPV4, "t", "n");

	assert_int_equal(set->timeout_ms, 3600000);
	for (u32 i = 0; i < 2; i++) {
		const struct sl_nft_element *element = &set->elements.items[i];
		u64 life_ms = element->key[0] == 1 ? 3600000 : 60000;

		assert_int_equal(element->timeout_ms, life_ms);
		assert_true(element->expires_at_ns > loaded_ns + (life_ms - 2000) * 1000000);
		assert_true(element->expires_at_ns <= loaded_ns + life_ms * 1000000);
	}
	assert_int_equal(nets->elements.count, 3);
	assert_int_equal(nets->elements.items[0].expires_at_ns, 0);
	assert_int_equal(nets->elements.items[1].timeout_ms, 60000);
	assert_null(nets->elements.items[1].opaque);
	assert_null(nets->elements.items[2].opaque);
	assert_memory_equal(nets->elements.items[2].key_end, "\377\377\377\377", 4);
	sl_ruleset_free(ruleset);
}

static void leave_out_expired_ranges(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -", "table ip t {\n"
			 "set n { type ipv4_addr; flags timeout, interval; elements = {\n"
			 "  8.0.0.0/8, 9.0.0.0/8 timeout 20ms, 10.0.0.0/8 timeout 60s }; }; }\n");
	usleep(60000);
	struct sl_ruleset *ruleset = read_rules();

	expect_ranges(get_set(ruleset, NFPROTO_IPV4, "t", "n"),
		      (struct range[]){{"\10\0\0\0", "\10\377\377\377"},
				       {"\12\0\0\0", "\12\377\377\377"}},
		      2);
	sl_ruleset_free(ruleset);
}

static void read_catch_all_elements(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset =
		load_nft("table ip t { map m { type ipv4_addr : verdict; flags interval;\n"
			 "  elements = { 10.0.0.0/8 : accept, * : drop }; }; }\n");
	const struct sl_nft_set *map = get_set(ruleset, NFPROTO_IPV4, "t", "m");
	u32 catchalls = 0;

	assert_int_equal(map->elements.count, 2);
	for (u32 i = 0; i < 2; i++) {
		const struct sl_nft_element *element = &map->elements.items[i];

		assert_int_equal(element->verdict.code, element->is_catchall ? NF_DROP : NF_ACCEPT);
		assert_true(element->is_catchall == !element->key);
		catchalls += element->is_catchall;
	}
	assert_int_equal(catchalls, 1);
	sl_ruleset_free(ruleset);
}

static void call_elements_with_expressions_opaque(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = load_nft(
		"table ip t {\n"
		"set counted { type ipv4_addr; counter; elements = { 1.1.1.1 }; }\n"
		"set limited { type ipv4_addr; flags dynamic; limit rate 1/second;\n"
		"  elements = { 1.1.1.1 }; }\n"
		"counter hits { }\n"
		"map objects { type ipv4_addr : counter; elements = { 1.1.1.1 : \"hits\" }; }\n"
		"chain c { counter name hits drop\n counter name ip saddr map @objects; }; }\n");
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_IPV4, "t", "c");
	const struct sl_nft_table *table = sl_ruleset_find_table(ruleset, NFPROTO_IPV4, "t");
	const struct sl_expr *direct = get_expr(chain, 0, 0), *mapped = get_expr(chain, 1, 1);

	assert_string_equal(
		get_set(ruleset, NFPROTO_IPV4, "t", "counted")->elements.items[0].opaque,
		SL_ELEMENT_COUNTS);
	assert_string_equal(
		get_set(ruleset, NFPROTO_IPV4, "t", "limited")->elements.items[0].opaque,
		"carries a limit expression");
	assert_string_equal(
		get_set(ruleset, NFPROTO_IPV4, "t", "objects")->elements.items[0].opaque,
		"refers to object hits");
	assert_int_equal(table->objects.count, 1);
	assert_int_equal(table->objects.items[0].type, NFT_OBJECT_COUNTER);
	assert_int_equal(direct->kind, SL_EXPR_OBJREF);
	assert_int_equal(direct->objref.type, NFT_OBJECT_COUNTER);
	assert_string_equal(direct->objref.object, "hits");
	assert_int_equal(mapped->kind, SL_EXPR_OBJREF);
	assert_int_equal(mapped->objref.type, NFT_OBJECT_COUNTER);
	assert_null(mapped->objref.object);
	sl_ruleset_free(ruleset);
}

static void read_xtables_extensions_of_iptables_nft(void **state)
{
	(void)state;
	enter_new_namespace();
	load("iptables-nft-restore -c", "*filter\n:INPUT DROP [3:4]\n:MINE - [0:0]\n"
					"-A INPUT -p tcp -m multiport --dports 22,80 -m comment "
					"--comment hello -j MINE\n"
					"-A MINE -j REJECT\nCOMMIT\n");
	struct sl_ruleset *ruleset = read_rules();
	const struct sl_nft_chain *input = get_chain(ruleset, NFPROTO_IPV4, "filter", "INPUT");
	const struct sl_expr *multiport = find_expr(input, SL_EXPR_XT_MATCH);
	const struct sl_expr *reject =
		find_expr(get_chain(ruleset, NFPROTO_IPV4, "filter", "MINE"), SL_EXPR_XT_TARGET);
	const struct xt_multiport_v1 *info = (const void *)multiport->xt.info;

	assert_int_equal(input->policy, NF_DROP);
	assert_true(input->has_counters);
	assert_int_equal(input->packets, 3);
	assert_int_equal(input->bytes, 4);
	assert_string_equal(multiport->name, "multiport");
	assert_int_equal(multiport->xt.revision, 1);
	assert_true(multiport->xt.length >= sizeof *info);
	assert_int_equal(info->count, 2);
	assert_int_equal(info->ports[1], 80);
	assert_string_equal(reject->name, "REJECT");
	sl_ruleset_free(ruleset);
}

static void distrust_tables_that_vanish_with_their_owner(void **state)
{
	(void)state;
	enter_new_namespace();
	FILE *owner = popen("exec nft -i >/dev/null", "we");

	assert_non_null(owner);
	fputs("add table ip t { flags owner; }\n"
	      "add chain ip t c { type filter hook input priority 0; policy drop; }\n",
	      owner);
	fflush(owner);
	struct sl_ruleset *ruleset = read_rules();

	for (u32 i = 0;
	     i < 100 && (!ruleset->tables.count || !ruleset->tables.items[0]->chains.count); i++) {
		usleep(20000);
		sl_ruleset_free(ruleset);
		ruleset = read_rules();
	}
	pclose(owner);
	assert_non_null(ruleset->tables.items[0]->opaque);
	assert_true(get_chain(ruleset, NFPROTO_IPV4, "t", "c")->opaque_hook);

	/* The reason: the table is gone, and the generation says that nothing happened. */
	struct sl_ruleset *later = read_rules();

	assert_int_equal(later->tables.count, 0);
	assert_int_equal(later->generation, ruleset->generation);
	sl_ruleset_free(later);
	sl_ruleset_free(ruleset);
}

static pid_t start_writer(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("sh", "sh", "-c",
		       "while :; do nft -f - <<X\n"
		       "flush chain ip t c\n"
		       "add rule ip t c ip saddr { 1.1.1.1, 2.2.2.2 } drop\n"
		       "add rule ip t c ip daddr { 1.1.1.1, 2.2.2.2 } drop\n"
		       "X\ndone",
		       NULL);
		_exit(127);
	}
	return pid;
}

static void never_show_half_a_transaction(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -", "table ip t { chain c { }; }\n");
	pid_t writer = start_writer();
	u32 reads = 0, refusals = 0;

	while (reads < 50 && refusals < 50) {
		struct sl_ruleset *ruleset = NULL;
		struct sl_diag diag;
		int error = sl_source_read_live(200, &ruleset, &diag);

		if (error) {
			assert_int_equal(error, -EAGAIN);
			refusals++;
			continue;
		}
		const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_IPV4, "t", "c");

		assert_true(chain->rules.count == 0 || chain->rules.count == 2);
		for (u32 i = 0; i < chain->rules.count; i++)
			assert_int_equal(get_expr(chain, i, 1)->lookup.set->elements.count, 2);
		sl_ruleset_free(ruleset);
		reads++;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	assert_true(reads > 0);
}

static void say_who_is_missing_a_capability(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = NULL;
	struct sl_diag diag;
	need_root();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		bool is_refused = !setuid(65534) &&
				  sl_source_read_live(0, &ruleset, &diag) == -EPERM &&
				  strstr(diag.text, "CAP_NET_ADMIN");
		_exit(is_refused ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* `count` rules for ports from 1 on, each of which is another. */
static size_t print_rules(char *text, size_t room, u32 count)
{
	size_t used = 0;

	for (u32 port = 1; port <= count; port++)
		used += (size_t)snprintf(text + used, room - used, "udp dport %u drop\n", port);
	return used;
}

static u16 last_port(const struct sl_nft_chain *chain)
{
	const struct sl_nft_rule *rule = &chain->rules.items[chain->rules.count - 1];
	const u8 *data = rule->exprs.items[rule->exprs.count - 2].cmp.data;

	return (u16)(data[0] << 8 | data[1]);
}

/* They are asked for chain by chain then; names alone do not tell chains apart. */
static void read_each_of_many_rules_once(void **state)
{
	(void)state;
	enum { FIRST = 6000, SECOND = 5000, THIRD = 3, ROOM = 400000 };
	char *text = malloc(ROOM);
	size_t used = 0;

	assert_non_null(text);
	used += (size_t)snprintf(text + used, ROOM - used, "table ip t { chain c {\n");
	used += print_rules(text + used, ROOM - used, FIRST);
	used += (size_t)snprintf(text + used, ROOM - used, "}; }\ntable ip6 t { chain c {\n");
	used += print_rules(text + used, ROOM - used, SECOND);
	used += (size_t)snprintf(text + used, ROOM - used, "}; chain d {\n");
	used += print_rules(text + used, ROOM - used, THIRD);
	snprintf(text + used, ROOM - used, "}; chain empty { }; }\n");

	struct sl_ruleset *ruleset = load_nft(text);
	const struct sl_nft_chain *first = get_chain(ruleset, NFPROTO_IPV4, "t", "c");
	const struct sl_nft_chain *second = get_chain(ruleset, NFPROTO_IPV6, "t", "c");
	const struct sl_nft_chain *third = get_chain(ruleset, NFPROTO_IPV6, "t", "d");

	assert_int_equal(first->rules.count, FIRST);
	assert_int_equal(last_port(first), FIRST);
	assert_int_equal(second->rules.count, SECOND);
	assert_int_equal(last_port(second), SECOND);
	assert_int_equal(third->rules.count, THIRD);
	assert_int_equal(get_chain(ruleset, NFPROTO_IPV6, "t", "empty")->rules.count, 0);
	sl_ruleset_free(ruleset);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_an_empty_namespace),
		cmocka_unit_test(read_tables_and_chains),
		cmocka_unit_test(read_devices_of_ingress_chains),
		cmocka_unit_test(decode_payload_meta_cmp_and_verdict),
		cmocka_unit_test(decode_the_other_expressions),
		cmocka_unit_test(resolve_sets_maps_and_verdict_maps),
		cmocka_unit_test(close_intervals),
		cmocka_unit_test(keep_concatenations_field_by_field),
		cmocka_unit_test(expire_early_rather_than_late),
		cmocka_unit_test(leave_out_expired_ranges),
		cmocka_unit_test(read_catch_all_elements),
		cmocka_unit_test(call_elements_with_expressions_opaque),
		cmocka_unit_test(read_xtables_extensions_of_iptables_nft),
		cmocka_unit_test(distrust_tables_that_vanish_with_their_owner),
		cmocka_unit_test(never_show_half_a_transaction),
		cmocka_unit_test(read_each_of_many_rules_once),
		cmocka_unit_test(say_who_is_missing_a_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
