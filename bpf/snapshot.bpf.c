/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes a snapshot of what a compile assumes (abi/state.h), for one device of the caller's network
 * namespace. Never attached: user space runs it with BPF_PROG_TEST_RUN in its own thread.
 * It also lists the netfilter hooks, so that user space sees who else sits on a packet's path, and
 * copies iptables-legacy's tables.
 */
#include "find_filled.h"
#include "find_legacy.h"
#include "find_limits.h"
#include "find_recent.h"
#include "hooks.h"
#include "kernel.h"
#include "snapshot.h"

#define DEVICES_MAX 65536

__u32 wanted_ifindex; /* in */
__u64 nf_tables_id;   /* in: the address of nf_tables_net_id before Linux 6.17; 0: not known */
__u32 found;          /* out: the device was there */
struct sl_snapshot snapshot;
struct sl_hook_list hook_lists[SL_HOOK_LISTS];

#define PROBE(base, field)           BPF_CORE_READ(base, field)
#define PROBE2(base, pointer, field) BPF_CORE_READ(base, pointer, field)
#define PROBE_BITS(base, field)      BPF_CORE_READ_BITFIELD_PROBED(base, field)
#define TAKE_FIELD(name, value)      snapshot.name = value;

/* nf_tables' pernet memory, by the id that its module was given; 0 while it is not loaded. */
static __always_inline __u64 find_generation(struct net *net)
{
	struct nftables_pernet *pernet;
	struct net_generic *generic = BPF_CORE_READ(net, gen);
	__u32 id = 0;

	if (HAS_GENERATION_IN_NET())
		return (__u64)net + bpf_core_field_offset(struct net, nft.base_seq);
	/* Else there are no types of the module yet, and no program that asks for them. */
	if (!bpf_core_type_exists(struct nftables_pernet))
		return 0;
	if (!nf_tables_id || bpf_probe_read_kernel(&id, sizeof id, (void *)nf_tables_id) || !id)
		return 0;
	if (bpf_probe_read_kernel(&pernet, sizeof pernet, (void **)generic + id) || !pernet)
		return 0;
	return (__u64)pernet + bpf_core_field_offset(struct nftables_pernet, base_seq);
}

static __always_inline __u32 read_generation(void)
{
	__u32 generation = 0;

	if (snapshot.generation_address)
		bpf_probe_read_kernel(&generation, sizeof generation,
				      (void *)snapshot.generation_address);
	return generation;
}

#define GENERATION(net)    read_generation()
#define NAME_WORD(dev, at) PROBE_NAME_WORD(dev, at)

struct search {
	struct list_head *head, *at;
	struct net_device *device;
};

static long look_at_device(__u32 index, struct search *search)
{
	struct list_head *at = search->at;
	struct net_device *device = (void *)at - bpf_core_field_offset(struct net_device, dev_list);

	if (at == search->head)
		return 1;
	if ((__u32)BPF_CORE_READ(device, ifindex) == wanted_ifindex) {
		search->device = device;
		return 1;
	}
	search->at = BPF_CORE_READ(at, next);
	return 0;
}

static struct net_device *find_device(struct net *net)
{
	struct list_head *head = (void *)net + bpf_core_field_offset(struct net, dev_base_head);
	struct search search = {.head = head, .at = BPF_CORE_READ(head, next)};

	bpf_loop(DEVICES_MAX, look_at_device, &search, 0);
	return search.device;
}

/*
 * Of a netfilter link (NF_HOOK_OP_BPF, read for all since who asks knows the function), `priv` is
 * the program.
 */
static __always_inline void read_program_name(struct nf_hook_ops *ops, char name[16])
{
	const struct bpf_prog *program = BPF_CORE_READ(ops, priv);
	const struct bpf_prog_aux *aux = BPF_CORE_READ(program, aux);

	bpf_probe_read_kernel(name, 16,
			      (void *)aux + bpf_core_field_offset(struct bpf_prog_aux, name));
}

/* struct nf_hook_entries: a count, the functions, then a pointer to each one's struct nf_hook_ops
 */
static __always_inline struct nf_hook_ops **hook_ops(struct nf_hook_entries *entries, __u32 count)
{
	return (void *)entries + bpf_core_field_offset(struct nf_hook_entries, hooks) +
	       (__u64)count * bpf_core_type_size(struct nf_hook_entry);
}

static __always_inline void list_hooks(struct nf_hook_entries *entries, struct sl_hook_list *list)
{
	__u32 count = entries ? BPF_CORE_READ(entries, num_hook_entries) : 0;
	struct nf_hook_ops **ops = hook_ops(entries, count);

	list->count = count;
	snapshot.hooks_hash += count;
	for (__u32 i = 0; i < SL_HOOKS_MAX && i < count; i++) {
		struct nf_hook_ops *one;

		bpf_probe_read_kernel(&one, sizeof one, ops + i);
		list->hooks[i].function = (__u64)BPF_CORE_READ(one, hook);
		list->hooks[i].priority = BPF_CORE_READ(one, priority);
		read_program_name(one, list->hooks[i].program);
		snapshot.hooks_hash += list->hooks[i].function + list->hooks[i].priority;
		snapshot.hooks_hash *= 0x9e3779b97f4a7c15;
	}
}

#define IS_VLAN_DEVICE 1 /* IFF_802_1Q_VLAN in priv_flags */
#define DEVICE_ALIGN   32

/* A driver's own memory lies behind the device. */
static __always_inline void look_below(void *vlan_device)
{
	struct vlan_dev_priv *vlan =
		vlan_device + ((bpf_core_type_size(struct net_device) + DEVICE_ALIGN - 1) &
			       ~(__u64)(DEVICE_ALIGN - 1));
	struct net_device *dev = BPF_CORE_READ(vlan, real_dev);

	snapshot.below_address = (__u64)dev;
	snapshot.below_ifindex = BPF_CORE_READ(dev, ifindex);
	snapshot.tag = (__u32)bpf_ntohs(BPF_CORE_READ(vlan, vlan_proto)) << 16 |
		       BPF_CORE_READ(vlan, vlan_id);
	SL_EACH_BELOW_FIELD(TAKE_FIELD, PROBE)
}

static __always_inline void look_nowhere(void)
{
	snapshot.below_address = snapshot.below_hooks = snapshot.below_features = 0;
	snapshot.below_ifindex = snapshot.below_tc = snapshot.tag = 0;
}

SEC("raw_tp")
int take_snapshot(void *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	struct net_device *dev = find_device(net);

	found = dev != NULL;
	if (!dev)
		return 0;
	snapshot.device_address = (__u64)dev;
	snapshot.generation_address = find_generation(net);
	SL_EACH_SNAPSHOT_FIELD(TAKE_FIELD, PROBE, PROBE2)
	if (bpf_core_type_exists(struct vlan_dev_priv) && snapshot.device_flags & IS_VLAN_DEVICE)
		look_below(dev);
	else
		look_nowhere();
	snapshot.hooks_hash = 0;
	for (int i = 0; i < 3; i++) {
		list_hooks((void *)snapshot.hooks_ip[i], &hook_lists[i]);
		list_hooks((void *)snapshot.hooks_ip6[i], &hook_lists[3 + i]);
	}
	list_hooks((void *)snapshot.hooks_ingress, &hook_lists[6]);
	note_legacy(net);
	return 0;
}

/* Whose extensions they are that rules of those tables point to. */
SEC("raw_tp")
int name_extensions(void *context)
{
	if (KNOWS_LEGACY())
		bpf_loop(legacy_name_count, note_name, NULL, 0);
	return 0;
}

static __always_inline void note_tables(struct nf_hook_entries *entries)
{
	__u32 count = entries ? BPF_CORE_READ(entries, num_hook_entries) : 0;
	struct nf_hook_ops **ops = hook_ops(entries, count);

	for (__u32 i = 0; i < SL_HOOKS_MAX && i < count; i++) {
		struct nf_hook_ops *one;

		bpf_probe_read_kernel(&one, sizeof one, ops + i);
		note_table(one);
	}
}

static __always_inline void note_all_tables(void)
{
	tables_met_count = 0;
	for (int i = 0; i < 3; i++) {
		note_tables((void *)snapshot.hooks_ip[i]);
		note_tables((void *)snapshot.hooks_ip6[i]);
	}
	note_tables((void *)snapshot.hooks_ingress);
}

/* All of these go behind take_snapshot(), whose hooks they take. */

SEC("raw_tp")
int find_limits(void *context)
{
	if (!KNOWS_LIMITS())
		return 0;
	note_all_tables();
	bpf_loop(limit_count, find_limit, NULL, 0);
	return 0;
}

SEC("raw_tp")
int find_filled(void *context)
{
	knows_filled = KNOWS_FILLED();
	if (!knows_filled)
		return 0;
	note_all_tables();
	bpf_loop(filled_count, find_one_filled, NULL, 0);
	return 0;
}

SEC("raw_tp")
int find_recents(void *context)
{
	knows_recent = KNOWS_RECENT();
	if (knows_recent)
		bpf_loop(recent_count, find_one_recent, NULL, 0);
	return 0;
}

SEC("raw_tp")
int learn_of_recents(void *context)
{
	if (!KNOWS_RECENT())
		return 0;
	note_all_tables();
	learn_of_recent();
	return 0;
}

char _license[] SEC("license") = "GPL";
