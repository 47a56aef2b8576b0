/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/transaction.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

static const sl_attr_policy generation_policy = {
	[NFTA_GEN_ID] = SL_ATTR_U32,
	[NFTA_GEN_PROC_PID] = SL_ATTR_U32,
	[NFTA_GEN_PROC_NAME] = SL_ATTR_TEXT,
};

static const sl_attr_policy list_policy = {
	[NFTA_SET_ELEM_LIST_TABLE] = SL_ATTR_TEXT,
	[NFTA_SET_ELEM_LIST_SET] = SL_ATTR_TEXT,
	[NFTA_SET_ELEM_LIST_ELEMENTS] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_LIST_SET_ID] = SL_ATTR_HARMLESS,
};

int sl_transaction_reset(struct sl_transaction *transaction)
{
	sl_transaction_release(transaction);
	transaction->arena = sl_arena_new();
	return transaction->arena ? 0 : -ENOMEM;
}

void sl_transaction_release(struct sl_transaction *transaction)
{
	sl_arena_free(transaction->arena);
	memset(transaction, 0, sizeof *transaction);
}

static int push_change(struct sl_transaction *transaction, const struct sl_nft_element *element)
{
	struct sl_element_change *change;

	if (transaction->event.changes.count >= SL_TRANSACTION_CHANGES_MAX) {
		transaction->event.needs_dump = true;
		return 0;
	}
	change = sl_list_push(transaction->arena, &transaction->event.changes);
	if (!change)
		return -ENOMEM;
	change->family = transaction->set->table->family;
	change->table = transaction->set->table->name;
	change->set = transaction->set->name;
	change->is_added = transaction->is_adding;
	change->element = *element;
	if (!change->element.key_end)
		change->element.key_end = change->element.key;
	return 0;
}

/* An end at 0 only says that nothing lies below the first range. */
static bool is_harmless_end(const struct sl_raw_element *end)
{
	for (u32 i = 0; i < end->key_length; i++)
		if (end->element.key[i])
			return false;
	return true;
}

/* Ranges whose borders did not change together cannot be told without the rest of the set. */
static bool are_paired(const struct sl_raw_elements *raws)
{
	for (u32 i = 0; i < raws->count; i++) {
		const struct sl_raw_element *raw = &raws->items[i];
		bool is_start = !raw->is_end;
		bool has_end = i + 1 < raws->count && raws->items[i + 1].is_end;
		bool has_start = i > 0 && !raws->items[i - 1].is_end;

		if (is_start ? !has_end : !has_start && !is_harmless_end(raw))
			return false;
	}
	return true;
}

/* The row of elements is over: borders become ranges, and changes. */
static int close_row(struct sl_transaction *transaction)
{
	struct sl_raw_elements *raws = &transaction->waiting;
	int error = 0;

	if (raws->count)
		error = sl_elements_join(transaction->arena, raws, transaction->set->key_length,
					 NULL);
	if (error == -EBADMSG || (!error && !are_paired(raws))) {
		transaction->event.needs_dump = true;
		error = 0;
	}
	for (u32 i = 0; i < raws->count && !error && !transaction->event.needs_dump; i++)
		if (!raws->items[i].is_end)
			error = push_change(transaction, &raws->items[i].element);
	*raws = (struct sl_raw_elements){0};
	return error;
}

static u32 family_of(const struct nlmsghdr *message)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(message))->nfgen_family;
}

static bool is_row_of(const struct sl_transaction *transaction, u32 family, const char *table,
		      const char *set)
{
	return transaction->set && transaction->set->table->family == family &&
	       !strcmp(transaction->set->name, set) &&
	       !strcmp(transaction->set->table->name, table);
}

/* The caller may replace its rules while a transaction is still coming in: keep a copy. */
static struct sl_nft_set *copy_set(struct sl_arena *arena, const struct sl_nft_set *set)
{
	struct sl_nft_set *copy = sl_arena_copy(arena, set, sizeof *set);
	struct sl_nft_table *table = sl_arena_copy(arena, set->table, sizeof *table);

	if (!copy || !table)
		return NULL;
	copy->table = table;
	copy->name = sl_arena_strdup(arena, set->name);
	table->name = sl_arena_strdup(arena, table->name);
	return copy->name && table->name ? copy : NULL;
}

/* Starts a row of elements of another set. */
static int open_row(struct sl_transaction *transaction, const struct sl_ruleset *known, u32 family,
		    const char *table_name, const char *set_name)
{
	const struct sl_nft_table *table =
		known ? sl_ruleset_find_table(known, family, table_name) : NULL;
	const struct sl_nft_set *set = table ? sl_table_find_set(table, set_name) : NULL;

	if (!set || set->opaque) {
		transaction->event.needs_dump = true;
		return 0;
	}
	transaction->set = copy_set(transaction->arena, set);
	return transaction->set ? 0 : -ENOMEM;
}

static bool fits(const struct sl_nft_set *set, const struct sl_raw_element *raw, bool is_adding)
{
	bool is_map = set->flags & NFT_SET_MAP;
	bool lacks_data = set->data_type == NFT_DATA_VERDICT
				  ? !raw->has_verdict
				  : raw->element.data_length != set->data_length;

	if (raw->element.opaque)
		return false;
	if (is_map && is_adding && !raw->is_end && lacks_data)
		return false;
	return raw->element.is_catchall || raw->key_length == set->key_length;
}

static int take_element(struct sl_transaction *transaction, const struct sl_raw_element *raw)
{
	const struct sl_nft_set *set = transaction->set;
	bool has_borders = (set->flags & NFT_SET_INTERVAL) && !(set->flags & NFT_SET_CONCAT);
	struct sl_raw_element *slot;

	if (!fits(set, raw, transaction->is_adding) || (raw->is_end && !has_borders)) {
		transaction->event.needs_dump = true;
		return 0;
	}
	if (!has_borders || raw->element.is_catchall)
		return push_change(transaction, &raw->element);
	slot = sl_list_push(transaction->arena, &transaction->waiting);
	if (!slot)
		return -ENOMEM;
	*slot = *raw;
	return 0;
}

static int take_elements(struct sl_transaction *transaction, const struct nlattr *list,
			 u64 asked_at_ns)
{
	struct sl_element_context context = {.arena = transaction->arena,
					     .set_timeout_ms = transaction->set->timeout_ms,
					     .asked_at_ns = asked_at_ns};
	int error = sl_attr_nest_is_sound(list) ? 0 : -EBADMSG;

	for (const struct nlattr *nest = sl_attr_first(list);
	     nest && !error && !transaction->event.needs_dump; nest = sl_attr_next(list, nest)) {
		struct sl_raw_element raw;

		error = sl_element_read(&context, nest, &raw);
		if (!error)
			error = take_element(transaction, &raw);
	}
	return error;
}

static int take_list(struct sl_transaction *transaction, const struct nlmsghdr *message,
		     const struct sl_ruleset *known, bool is_adding, u64 asked_at_ns)
{
	struct sl_attrs attrs;
	const char *table, *set;
	int error = sl_attrs_read_message(&attrs, list_policy, message, sizeof(struct nfgenmsg));

	if (error || transaction->event.needs_dump)
		return error;
	table = sl_attrs_text(&attrs, NFTA_SET_ELEM_LIST_TABLE);
	set = sl_attrs_text(&attrs, NFTA_SET_ELEM_LIST_SET);
	if (!table || !set || attrs.oddity) {
		transaction->event.needs_dump = true;
		return 0;
	}
	if (!is_row_of(transaction, family_of(message), table, set)) {
		error = close_row(transaction);
		if (!error)
			error = open_row(transaction, known, family_of(message), table, set);
	} else if (is_adding != transaction->is_adding) {
		error = close_row(transaction);
	}
	transaction->is_adding = is_adding;
	if (error || transaction->event.needs_dump || !attrs.at[NFTA_SET_ELEM_LIST_ELEMENTS])
		return error;
	return take_elements(transaction, attrs.at[NFTA_SET_ELEM_LIST_ELEMENTS], asked_at_ns);
}

static int finish(struct sl_transaction *transaction, const struct nlmsghdr *message)
{
	struct sl_rules_event *event = &transaction->event;
	struct sl_attrs attrs;
	const char *process;
	int error =
		sl_attrs_read_message(&attrs, generation_policy, message, sizeof(struct nfgenmsg));

	if (!error && !attrs.at[NFTA_GEN_ID])
		error = -EBADMSG;
	if (!error)
		error = close_row(transaction);
	if (error)
		return error;
	process = sl_attrs_text(&attrs, NFTA_GEN_PROC_NAME) ?: "";
	event->generation = sl_attrs_u32(&attrs, NFTA_GEN_ID);
	event->pid = sl_attrs_u32(&attrs, NFTA_GEN_PROC_PID);
	event->process = sl_arena_strdup(transaction->arena, process);
	event->elements_only = !transaction->is_structural;
	event->needs_dump |= transaction->is_structural;
	if (event->needs_dump)
		event->changes.count = 0;
	return event->process ? 1 : -ENOMEM;
}

int sl_transaction_take(struct sl_transaction *transaction, const struct nlmsghdr *message,
			const struct sl_ruleset *known, u64 asked_at_ns)
{
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return -EBADMSG;
	switch (NFNL_MSG_TYPE(message->nlmsg_type)) {
	case NFT_MSG_NEWGEN:
		return finish(transaction, message);
	case NFT_MSG_NEWSETELEM:
		return take_list(transaction, message, known, true, asked_at_ns);
	case NFT_MSG_DELSETELEM:
		return take_list(transaction, message, known, false, asked_at_ns);
	}
	transaction->is_structural = true;
	return 0;
}
