/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages that no kernel sends today: truncated, bent, and from kernels to come. */
#include "source/testing.h"

#include <linux/netfilter.h>

#include "source/dump.h"
#include "source/reader.h"
#include "source/transaction.h"

struct message {
	u8 *bytes; /* exactly `length` of them, so that the sanitizer sees the end */
	u32 length;
};

struct recording {
	struct message items[256];
	u32 count;
};

static void record(struct recording *recording, const struct nlmsghdr *message)
{
	struct message *slot = &recording->items[recording->count++];

	assert_true(recording->count < SL_ARRAY_SIZE(recording->items));
	slot->length = message->nlmsg_len;
	slot->bytes = malloc(slot->length);
	assert_non_null(slot->bytes);
	memcpy(slot->bytes, message, slot->length);
}

static int take_recording(void *context, const struct nlmsghdr *message)
{
	record(context, message);
	return 0;
}

static void forget(struct recording *recording)
{
	for (u32 i = 0; i < recording->count; i++)
		free(recording->items[i].bytes);
	recording->count = 0;
}

/* Feeds everything; a ruleset that comes out is freed. */
static int replay(const struct recording *recording, struct sl_ruleset **ret_ruleset)
{
	struct sl_ruleset *ruleset = NULL;
	struct sl_reader reader;
	struct sl_diag diag = {0};
	int error = sl_reader_init(&reader, &diag);

	for (u32 i = 0; i < recording->count && !error; i++)
		error = sl_reader_take(&reader, (const void *)recording->items[i].bytes);
	if (!error)
		error = sl_reader_finish(&reader, &ruleset);
	sl_reader_release(&reader);
	assert_true(error <= 0);
	assert_true(!error || *diag.text);
	if (ret_ruleset)
		*ret_ruleset = ruleset;
	else
		sl_ruleset_free(ruleset);
	return error;
}

/* The builder of requests and of messages. */
struct builder {
	_Alignas(struct nlmsghdr) char room[4096];
	struct nlmsghdr *message;
};

static void begin(struct builder *builder, u32 type, u32 family)
{
	struct nfgenmsg *header;

	memset(builder->room, 0, sizeof builder->room);
	builder->message = mnl_nlmsg_put_header(builder->room);
	builder->message->nlmsg_type = (u16)(NFNL_SUBSYS_NFTABLES << 8 | type);
	header = mnl_nlmsg_put_extra_header(builder->message, sizeof *header);
	header->nfgen_family = (u8)family;
}

static void put_u32(struct builder *builder, u32 type, u32 value)
{
	mnl_attr_put_u32(builder->message, (u16)type, htobe32(value));
}

static void put_text(struct builder *builder, u32 type, const char *text)
{
	mnl_attr_put_strz(builder->message, (u16)type, text);
}

static void ask(struct sl_netlink *netlink, struct recording *recording, u32 type, const char *set)
{
	struct builder builder;
	struct sl_diag diag = {0};

	begin(&builder, type, set ? NFPROTO_INET : NFPROTO_UNSPEC);
	builder.message->nlmsg_flags = NLM_F_DUMP;
	if (set) {
		put_text(&builder, NFTA_SET_ELEM_LIST_TABLE, "t");
		put_text(&builder, NFTA_SET_ELEM_LIST_SET, set);
	}
	assert_int_equal(sl_netlink_ask(netlink, builder.message, take_recording, recording, &diag),
			 0);
}

/* One of everything that the reader decodes. */
static const char rules[] =
	"table inet t {\n"
	" counter hits { }\n"
	" set nets { type ipv4_addr; flags interval, timeout;\n"
	"  elements = { 10.0.0.0/8 timeout 60s, 1.2.3.4, 250.0.0.0-255.255.255.255 } }\n"
	" set boxes { type ipv4_addr . inet_service; flags interval;\n"
	"  elements = { 10.0.0.0/8 . 1-9 } }\n"
	" map verdicts { type inet_service : verdict; counter; elements = { 22 : jump d, * : drop "
	"} }\n"
	" chain d { }\n"
	" chain c { type filter hook input priority 0; policy drop;\n"
	"  ct direction original ct state new counter name hits comment \"hello\"\n"
	"  ip saddr @nets ip saddr & 255.0.0.255 == 10.0.0.1 tcp dport != 5-6 counter drop\n"
	"  ip daddr . tcp dport @boxes meta mark set 5 limit rate 1/second accept\n"
	"  tcp dport vmap @verdicts\n"
	"  meta mark > 7 ct mark set meta mark << 4\n"
	" }\n"
	"}\n";

static void record_rules(struct recording *recording)
{
	struct sl_netlink *netlink;
	struct sl_diag diag;

	enter_new_namespace();
	load("nft -f -", rules);
	load("iptables-nft-restore",
	     "*filter\n:INPUT DROP [0:0]\n"
	     "-A INPUT -p tcp -m multiport --dports 22,80 -j REJECT\nCOMMIT\n");
	assert_int_equal(sl_netlink_open(NETLINK_NETFILTER, &netlink, &diag), 0);
	recording->count = 0;
	ask(netlink, recording, NFT_MSG_GETTABLE, NULL);
	ask(netlink, recording, NFT_MSG_GETCHAIN, NULL);
	ask(netlink, recording, NFT_MSG_GETSET, NULL);
	ask(netlink, recording, NFT_MSG_GETSETELEM, "nets");
	ask(netlink, recording, NFT_MSG_GETSETELEM, "boxes");
	ask(netlink, recording, NFT_MSG_GETSETELEM, "verdicts");
	ask(netlink, recording, NFT_MSG_GETOBJ, NULL);
	ask(netlink, recording, NFT_MSG_GETRULE, NULL);
	sl_netlink_close(netlink);
}

static void survive_truncation_at_every_byte(void **state)
{
	struct recording recording;

	(void)state;
	record_rules(&recording);
	assert_int_equal(replay(&recording, NULL), 0);
	for (u32 i = 0; i < recording.count; i++) {
		struct message whole = recording.items[i];

		for (u32 length = sizeof(struct nlmsghdr); length < whole.length; length++) {
			struct message *cut = &recording.items[i];

			cut->bytes = malloc(length);
			memcpy(cut->bytes, whole.bytes, length);
			((struct nlmsghdr *)cut->bytes)->nlmsg_len = length;
			replay(&recording, NULL);
			free(cut->bytes);
		}
		recording.items[i] = whole;
	}
	forget(&recording);
}

static void survive_bent_bytes(void **state)
{
	static const u8 bends[] = {0x00, 0x01, 0x04, 0x7f, 0x80, 0xff};
	struct recording recording;

	(void)state;
	record_rules(&recording);
	for (u32 i = 0; i < recording.count; i++) {
		struct message *message = &recording.items[i];

		/* The length of the whole is the transport's business. */
		for (u32 at = sizeof(u32); at < message->length; at++) {
			u8 whole = message->bytes[at];

			for (u32 j = 0; j < sizeof bends; j++) {
				message->bytes[at] = bends[j];
				replay(&recording, NULL);
			}
			message->bytes[at] = whole;
		}
	}
	forget(&recording);
}

static void survive_messages_out_of_order(void **state)
{
	struct recording recording, shuffled;

	(void)state;
	record_rules(&recording);
	for (u32 seed = 0; seed < 2000; seed++) {
		srand(seed);
		shuffled = recording;
		for (u32 i = shuffled.count; i-- > 1;) {
			u32 j = (u32)rand() % (i + 1);
			struct message swapped = shuffled.items[i];

			shuffled.items[i] = shuffled.items[j];
			shuffled.items[j] = swapped;
		}
		replay(&shuffled, NULL);
	}
	forget(&recording);
}

static void survive_bent_transactions(void **state)
{
	static const u8 bends[] = {0x00, 0x01, 0x04, 0x80, 0xff};
	struct recording recording;
	struct sl_ruleset *known;

	(void)state;
	record_rules(&recording);
	assert_int_equal(replay(&recording, &known), 0);
	for (u32 i = 0; i < recording.count; i++) {
		struct message *message = &recording.items[i];

		for (u32 at = sizeof(u32); at < message->length; at++) {
			u8 whole = message->bytes[at];

			for (u32 j = 0; j < sizeof bends; j++) {
				struct sl_transaction transaction = {0};

				message->bytes[at] = bends[j];
				assert_int_equal(sl_transaction_reset(&transaction), 0);
				sl_transaction_take(&transaction, (const void *)message->bytes,
						    known, 1);
				sl_transaction_release(&transaction);
			}
			message->bytes[at] = whole;
		}
	}
	sl_ruleset_free(known);
	forget(&recording);
}

static int count_message(void *context, const struct nlmsghdr *message)
{
	(void)message;
	++*(u32 *)context;
	return 0;
}

static void refuse_datagrams_that_do_not_add_up(void **state)
{
	struct recording recording;

	(void)state;
	record_rules(&recording);
	struct message *first = &recording.items[0];
	u32 heard = 0;
	struct sl_netlink_answer answer = {.sequence = ((struct nlmsghdr *)first->bytes)->nlmsg_seq,
					   .take = count_message,
					   .context = &heard};

	assert_int_equal(sl_netlink_answer_read(&answer, first->bytes, first->length), 0);
	assert_int_equal(heard, 1);
	for (u32 length = 1; length < first->length; length++) {
		u8 *cut = malloc(length);

		memcpy(cut, first->bytes, length);
		assert_int_equal(sl_netlink_answer_read(&answer, cut, length), -EBADMSG);
		free(cut);
	}
	assert_int_equal(heard, 1);
	forget(&recording);
}

/* libmnl compares lengths as ints. */
static void refuse_messages_of_negative_length(void **state)
{
	static const u32 lengths[] = {0x7fffffff, 0x80000000, 0x80000010, 0xfffffff0, 0xffffffff};
	_Alignas(struct nlmsghdr) char room[64];
	u32 heard = 0;
	struct sl_netlink_answer answer = {.take = count_message, .context = &heard};

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(lengths); i++) {
		mnl_nlmsg_put_header(room)->nlmsg_len = lengths[i];
		assert_int_equal(sl_netlink_answer_read(&answer, room, sizeof room), -EBADMSG);
	}
	assert_int_equal(heard, 0);
}

static void notice_interrupted_dumps_and_ignore_stale_answers(void **state)
{
	_Alignas(struct nlmsghdr) char room[64];
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);
	struct sl_netlink_answer answer = {.sequence = 7};

	(void)state;
	message->nlmsg_type = NLMSG_DONE;
	message->nlmsg_flags = NLM_F_DUMP_INTR;
	message->nlmsg_seq = 6;
	assert_int_equal(sl_netlink_answer_read(&answer, message, message->nlmsg_len), 0);
	assert_false(answer.is_done);
	assert_false(answer.was_interrupted);
	message->nlmsg_seq = 7;
	assert_int_equal(sl_netlink_answer_read(&answer, message, message->nlmsg_len), 0);
	assert_true(answer.is_done);
	assert_true(answer.was_interrupted);
}

/* A small world, built by hand; `odd` is the level that gets an attribute from the future. */
enum odd {
	NOTHING,
	TABLE,
	CHAIN,
	HOOK,
	HOOK_DEVICE,
	SET,
	ELEMENT,
	OBJECT,
	RULE,
	EXPR,
	UNKNOWN_VERDICT_FIELD,
	FLOWTABLE,
	FLOWTABLE_DEVICE,
};

#define FUTURE 39

static void put_future(struct builder *builder, bool is_here)
{
	if (is_here)
		put_u32(builder, FUTURE, 1);
}

static void build_table(struct recording *recording, enum odd odd)
{
	struct builder builder;

	begin(&builder, NFT_MSG_NEWTABLE, NFPROTO_NETDEV);
	put_text(&builder, NFTA_TABLE_NAME, "t");
	put_future(&builder, odd == TABLE);
	record(recording, builder.message);
}

static void build_chain(struct recording *recording, enum odd odd)
{
	struct builder builder;
	struct nlattr *hook, *devices;

	begin(&builder, NFT_MSG_NEWCHAIN, NFPROTO_NETDEV);
	put_text(&builder, NFTA_CHAIN_TABLE, "t");
	put_text(&builder, NFTA_CHAIN_NAME, "c");
	put_text(&builder, NFTA_CHAIN_TYPE, "filter");
	put_u32(&builder, NFTA_CHAIN_POLICY, NF_DROP);
	hook = mnl_attr_nest_start(builder.message, NFTA_CHAIN_HOOK);
	put_u32(&builder, NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
	put_u32(&builder, NFTA_HOOK_PRIORITY, 0);
	devices = mnl_attr_nest_start(builder.message, NFTA_HOOK_DEVS);
	put_text(&builder, NFTA_DEVICE_NAME, "whole");
	/* A prefix as Linux 6.18 sends it, and as 6.16 did. */
	put_text(&builder, NFTA_DEVICE_NAME + 1, "begin");
	mnl_attr_put_str(builder.message, NFTA_DEVICE_NAME, "other");
	put_future(&builder, odd == HOOK_DEVICE);
	mnl_attr_nest_end(builder.message, devices);
	put_future(&builder, odd == HOOK);
	mnl_attr_nest_end(builder.message, hook);
	put_future(&builder, odd == CHAIN);
	record(recording, builder.message);
}

static void build_set(struct recording *recording, enum odd odd)
{
	struct builder builder;
	struct nlattr *list, *element, *data;

	begin(&builder, NFT_MSG_NEWSET, NFPROTO_NETDEV);
	put_text(&builder, NFTA_SET_TABLE, "t");
	put_text(&builder, NFTA_SET_NAME, "s");
	put_u32(&builder, NFTA_SET_FLAGS, 0);
	put_u32(&builder, NFTA_SET_KEY_LEN, 4);
	put_future(&builder, odd == SET);
	record(recording, builder.message);

	begin(&builder, NFT_MSG_NEWSETELEM, NFPROTO_NETDEV);
	put_text(&builder, NFTA_SET_ELEM_LIST_TABLE, "t");
	put_text(&builder, NFTA_SET_ELEM_LIST_SET, "s");
	list = mnl_attr_nest_start(builder.message, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(builder.message, NFTA_LIST_ELEM);
	data = mnl_attr_nest_start(builder.message, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(builder.message, NFTA_DATA_VALUE, 5);
	mnl_attr_nest_end(builder.message, data);
	put_future(&builder, odd == ELEMENT);
	mnl_attr_nest_end(builder.message, element);
	mnl_attr_nest_end(builder.message, list);
	record(recording, builder.message);
}

static void build_object_and_flowtable(struct recording *recording, enum odd odd)
{
	struct builder builder;
	struct nlattr *hook, *devices;

	begin(&builder, NFT_MSG_NEWOBJ, NFPROTO_NETDEV);
	put_text(&builder, NFTA_OBJ_TABLE, "t");
	put_text(&builder, NFTA_OBJ_NAME, "o");
	put_u32(&builder, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	put_future(&builder, odd == OBJECT);
	record(recording, builder.message);

	begin(&builder, NFT_MSG_NEWFLOWTABLE, NFPROTO_NETDEV);
	put_text(&builder, NFTA_FLOWTABLE_TABLE, "t");
	put_text(&builder, NFTA_FLOWTABLE_NAME, "f");
	hook = mnl_attr_nest_start(builder.message, NFTA_FLOWTABLE_HOOK);
	devices = mnl_attr_nest_start(builder.message, NFTA_FLOWTABLE_HOOK_DEVS);
	put_text(&builder, NFTA_DEVICE_NAME, "va");
	put_future(&builder, odd == FLOWTABLE_DEVICE);
	mnl_attr_nest_end(builder.message, devices);
	put_future(&builder, odd == FLOWTABLE);
	mnl_attr_nest_end(builder.message, hook);
	record(recording, builder.message);
}

static void put_objref(struct builder *builder)
{
	struct nlattr *expr = mnl_attr_nest_start(builder->message, NFTA_LIST_ELEM), *data;

	put_text(builder, NFTA_EXPR_NAME, "objref");
	data = mnl_attr_nest_start(builder->message, NFTA_EXPR_DATA);
	put_u32(builder, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	put_text(builder, NFTA_OBJREF_IMM_NAME, "o");
	mnl_attr_nest_end(builder->message, data);
	mnl_attr_nest_end(builder->message, expr);
}

static void put_drop(struct builder *builder, enum odd odd)
{
	struct nlattr *expr = mnl_attr_nest_start(builder->message, NFTA_LIST_ELEM);
	struct nlattr *data, *immediate, *verdict;

	put_text(builder, NFTA_EXPR_NAME, "immediate");
	data = mnl_attr_nest_start(builder->message, NFTA_EXPR_DATA);
	put_u32(builder, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	immediate = mnl_attr_nest_start(builder->message, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(builder->message, NFTA_DATA_VERDICT);
	put_u32(builder, NFTA_VERDICT_CODE, NF_DROP);
	put_future(builder, odd == UNKNOWN_VERDICT_FIELD);
	mnl_attr_nest_end(builder->message, verdict);
	mnl_attr_nest_end(builder->message, immediate);
	put_future(builder, odd == EXPR);
	mnl_attr_nest_end(builder->message, data);
	mnl_attr_nest_end(builder->message, expr);
}

static void build_rule(struct recording *recording, enum odd odd)
{
	struct builder builder;
	struct nlattr *list;

	begin(&builder, NFT_MSG_NEWRULE, NFPROTO_NETDEV);
	put_text(&builder, NFTA_RULE_TABLE, "t");
	put_text(&builder, NFTA_RULE_CHAIN, "c");
	list = mnl_attr_nest_start(builder.message, NFTA_RULE_EXPRESSIONS);
	put_objref(&builder);
	put_drop(&builder, odd);
	mnl_attr_nest_end(builder.message, list);
	put_future(&builder, odd == RULE);
	record(recording, builder.message);
}

static struct sl_ruleset *build(enum odd odd)
{
	struct recording recording = {.count = 0};
	struct sl_ruleset *ruleset;

	build_table(&recording, odd);
	build_chain(&recording, odd);
	build_set(&recording, odd);
	build_object_and_flowtable(&recording, odd);
	build_rule(&recording, odd);
	assert_int_equal(replay(&recording, &ruleset), 0);
	forget(&recording);
	return ruleset;
}

static void read_what_a_kernel_without_surprises_says(void **state)
{
	(void)state;
	struct sl_ruleset *ruleset = build(NOTHING);
	const struct sl_nft_table *table = ruleset->tables.items[0];
	const struct sl_nft_chain *chain = get_chain(ruleset, NFPROTO_NETDEV, "t", "c");

	assert_false(chain->opaque_hook);
	assert_int_equal(chain->devices.count, 3);
	assert_string_equal(chain->devices.items[0], "whole");
	assert_string_equal(chain->devices.items[1], "begin*");
	assert_string_equal(chain->devices.items[2], "other*");
	assert_null(table->sets.items[0]->opaque);
	assert_null(table->sets.items[0]->elements.items[0].opaque);
	assert_int_equal(table->flowtables.items[0].devices.count, 1);
	assert_string_equal(table->flowtables.items[0].devices.items[0], "va");
	assert_int_equal(get_expr(chain, 0, 0)->kind, SL_EXPR_OBJREF);
	assert_int_equal(get_expr(chain, 0, 1)->kind, SL_EXPR_IMMEDIATE);
	assert_int_equal(chain->rules.items[0].exprs.count, 2);
	sl_ruleset_free(ruleset);
}

static void distrust_what_an_unknown_attribute_touches(void **state)
{
	(void)state;
	for (enum odd odd = TABLE; odd <= FLOWTABLE_DEVICE; odd++) {
		struct sl_ruleset *ruleset = build(odd);
		const struct sl_nft_table *table = ruleset->tables.items[0];
		const struct sl_nft_chain *chain = table->chains.items[0];
		const struct sl_nft_set *set = table->sets.items[0];
		const struct sl_nft_flowtable *flowtable = &table->flowtables.items[0];
		bool hook_is_odd =
			odd == TABLE || odd == CHAIN || odd == HOOK || odd == HOOK_DEVICE;
		bool verdict_is_odd = odd == EXPR || odd == UNKNOWN_VERDICT_FIELD;
		u32 drop = odd == RULE ? 2 : 1;

		assert_int_equal(!!table->opaque, odd == TABLE);
		assert_int_equal(chain->opaque_hook, hook_is_odd);
		assert_true(chain->is_base);
		assert_int_equal(!!set->opaque, odd == SET);
		assert_int_equal(!!set->elements.items[0].opaque, odd == ELEMENT);
		assert_int_equal(flowtable->devices.count, odd >= FLOWTABLE ? 2 : 1);
		assert_int_equal(chain->rules.items[0].exprs.count, odd == RULE ? 3 : 2);
		assert_int_equal(get_expr(chain, 0, drop)->kind,
				 verdict_is_odd ? SL_EXPR_OPAQUE : SL_EXPR_IMMEDIATE);
		if (verdict_is_odd)
			assert_string_equal(get_expr(chain, 0, drop)->opaque,
					    "attribute 39 is not known");
		if (odd == OBJECT || odd == RULE)
			assert_int_equal(get_expr(chain, 0, 0)->kind, SL_EXPR_OPAQUE);
		if (odd == RULE)
			assert_string_equal(get_expr(chain, 0, 0)->name, "rule");
		sl_ruleset_free(ruleset);
	}
}

/* Never a 0 that reads as NF_DROP. */
static void distrust_verdict_maps_without_verdicts(void **state)
{
	struct recording recording = {.count = 0};
	struct sl_ruleset *ruleset;

	(void)state;
	build_table(&recording, NOTHING);
	build_set(&recording, NOTHING);
	struct builder builder;

	begin(&builder, NFT_MSG_NEWSET, NFPROTO_NETDEV);
	put_text(&builder, NFTA_SET_TABLE, "t");
	put_text(&builder, NFTA_SET_NAME, "s");
	put_u32(&builder, NFTA_SET_FLAGS, NFT_SET_MAP);
	put_u32(&builder, NFTA_SET_KEY_LEN, 4);
	put_u32(&builder, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	free(recording.items[1].bytes);
	recording.items[1] = recording.items[2];
	recording.count = 1;
	struct message elements = recording.items[1];

	record(&recording, builder.message);
	recording.items[recording.count++] = elements;
	assert_int_equal(replay(&recording, &ruleset), 0);
	assert_string_equal(ruleset->tables.items[0]->sets.items[0]->elements.items[0].opaque,
			    "lacks its verdict");
	sl_ruleset_free(ruleset);
	forget(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survive_truncation_at_every_byte),
		cmocka_unit_test(survive_bent_bytes),
		cmocka_unit_test(survive_messages_out_of_order),
		cmocka_unit_test(survive_bent_transactions),
		cmocka_unit_test(refuse_datagrams_that_do_not_add_up),
		cmocka_unit_test(refuse_messages_of_negative_length),
		cmocka_unit_test(notice_interrupted_dumps_and_ignore_stale_answers),
		cmocka_unit_test(read_what_a_kernel_without_surprises_says),
		cmocka_unit_test(distrust_what_an_unknown_attribute_touches),
		cmocka_unit_test(distrust_verdict_maps_without_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
