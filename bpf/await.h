/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of a data plane that is audited: notes a packet that it would have dropped, for the witness
 * (audit.bpf.c) to see its end.
 */
#ifndef SLUICE_BPF_AWAIT_H
#define SLUICE_BPF_AWAIT_H

#include "audit.h"
#include "capture.h"

/* Where an entry is made: the stack has no room for it. */
struct audit_draft {
	struct sl_audit_key key;
	__u32 padding;
	struct sl_audit_entry entry;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct audit_draft);
} audit_drafts SEC(".maps");

static __always_inline struct audit_draft *audit_new_draft(void)
{
	__u32 zero = 0;
	struct audit_draft *draft = bpf_map_lookup_elem(&audit_drafts, &zero);

	if (draft)
		__builtin_memset(draft->entry.bytes, 0, sizeof draft->entry.bytes);
	return draft;
}

/* A map's address in a variable would be of either table; so each has its own call. */
static __always_inline struct sl_audit_entry *audit_find(const struct sl_audit_key *key, bool odd)
{
	return odd ? bpf_map_lookup_elem(&audit_odd, key) : bpf_map_lookup_elem(&audit_even, key);
}

static __always_inline long audit_add(const struct audit_draft *draft, bool odd)
{
	return odd ? bpf_map_update_elem(&audit_odd, &draft->key, &draft->entry, BPF_NOEXIST)
		   : bpf_map_update_elem(&audit_even, &draft->key, &draft->entry, BPF_NOEXIST);
}

static __always_inline bool audit_add_again(struct sl_audit_entry *entry, __u64 now)
{
	if (!entry)
		return false;
	__sync_fetch_and_add(&entry->decided, 1);
	entry->last_ns = now;
	return true;
}

/*
 * `draft` holds the packet's first bytes, zeros behind them; data planes judge only packets of
 * known form, so it has 8 bytes of transport. A function of its own, for the stack.
 */
static __noinline int audit_await(struct audit_draft *draft, __u32 length, __u32 captured)
{
	const struct sl_audit_control *control = audit_control_now();
	struct sl_audit_entry *entry = &draft->entry;
	__be16 type = *(__be16 *)(entry->bytes + 2 * ETH_ALEN);
	__u64 now = bpf_ktime_get_ns();

	if (!control)
		return 0;
	if (type == bpf_htons(ETH_P_IP))
		audit_key_ip(&draft->key, (void *)entry->bytes + ETH_HLEN);
	else
		audit_key_ip6(&draft->key, (void *)entry->bytes + ETH_HLEN);

	bool odd = control->period & 1;

	if (audit_add_again(audit_find(&draft->key, odd), now))
		return 0;
	entry->decided = 1;
	entry->dropped = entry->freed = entry->reason = 0;
	entry->first_ns = entry->last_ns = now;
	entry->length = length;
	entry->captured = captured;
	/* If not for want of room, another CPU was first. */
	if (audit_add(draft, odd) && !audit_add_again(audit_find(&draft->key, odd), now))
		audit_count(SL_AUDIT_UNEXAMINED, 1);
	return 0;
}

/* On the device below without the tag, which is off when the packet comes to its end. */
static __always_inline void await_xdp(struct xdp_md *context)
{
	__u32 length = frame_length(context), captured = at_most(length, SL_AUDIT_BYTES);
	struct audit_draft *draft = audit_new_draft();

	if (!draft || !capture_frame(context, draft->entry.bytes, captured))
		audit_count(SL_AUDIT_UNEXAMINED, 1);
	else
		audit_await(draft, length, captured);
}

static __always_inline void await_tc(struct __sk_buff *context)
{
	__u32 length = context->len, captured = at_most(length, SL_AUDIT_BYTES);
	struct audit_draft *draft = audit_new_draft();

	if (!draft || !capture_skb(context, draft->entry.bytes, captured))
		audit_count(SL_AUDIT_UNEXAMINED, 1);
	else
		audit_await(draft, length, captured);
}

#endif
