/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What writes the filter of known connections (known.h), and what finds in the kernel that which
 * the filter takes for granted.
 */
#include <linux/in.h>

#include "known.h"

#define AF_INET6             10
#define NF_ACCEPT            1
#define NF_INET_LOCAL_IN     1
#define NF_INET_POST_ROUTING 4
#define IPS_CONFIRMED        (1 << 3)
#define NFCT_PTRMASK         ~7UL

static __always_inline void set_bits(__u64 hash, __u32 generation)
{
	__u32 index = sl_known_index(&known, hash, generation);
	__u64 *word = bpf_map_lookup_elem(&known_words, &index);
	__u64 bits = sl_known_bits(hash);

	if (known.writing & 1 << generation && word && bits & ~*(volatile __u64 *)word)
		__sync_fetch_and_or(word, bits);
}

/* A field of the tuple at `address`, of the width of `type` and as it lies there. */
#define TUPLE(type, address, field)                                                                \
	({                                                                                         \
		__u64 word = load_word((address) +                                                 \
				       bpf_core_field_offset(struct nf_conntrack_tuple, field));   \
                                                                                                   \
		*(type *)&word;                                                                    \
	})

static __always_inline void note_tuple(__u64 address)
{
	struct sl_known_tuple tuple = {
		.source_port = TUPLE(__u16, address, src.u.all),
		.destination_port = TUPLE(__u16, address, dst.u.all),
		.protocol = TUPLE(__u8, address, dst.protonum),
		.is_ip6 = TUPLE(__u16, address, src.l3num) == AF_INET6,
		.source = {TUPLE(__u64, address, src.u3), TUPLE(__u64, address + 8, src.u3)},
		.destination = {TUPLE(__u64, address, dst.u3), TUPLE(__u64, address + 8, dst.u3)},
	};

	if (tuple.protocol != IPPROTO_TCP && tuple.protocol != IPPROTO_UDP)
		return;

	__u64 hash = sl_known_hash(&known, &tuple);

	for (__u32 generation = 0; generation < SL_KNOWN_GENERATIONS; generation++)
		set_bits(hash, generation);
}

/* Just ahead of nf_confirm(), which puts the packet's connection into the table if it is new. */
SEC("netfilter")
int sluice_known(struct bpf_nf_ctx *context)
{
	__u64 connection = context->skb->_nfct & NFCT_PTRMASK;
	__u64 status = connection + bpf_core_field_offset(struct nf_conn, status);

	if (!connection)
		return NF_ACCEPT;
	if (load_word(status) & IPS_CONFIRMED && !known.writes_all)
		return NF_ACCEPT;
	note_tuple(connection + bpf_core_field_offset(struct nf_conn, tuplehash[0].tuple));
	note_tuple(connection + bpf_core_field_offset(struct nf_conn, tuplehash[1].tuple));
	return NF_ACCEPT;
}

/* Tells by how far a CPU's own memory lies from that which pointers to it say. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} each_cpu SEC(".maps");

__u32 cpus;                  /* in: as many as there can be */
__u32 writer;                /* in: the id of the program at the hooks */
__u64 confirm, modules;      /* in: addresses of nf_confirm() and the list of modules, or 0 */
__u32 found;                 /* out: all that is wanted */
struct sl_known_sight sight; /* out */

/* The verifier does no arithmetic with pointers; behind this they are numbers. */
static volatile __u64 laundry;

static __always_inline __u64 number_of(const void *pointer)
{
	laundry = (__u64)pointer;
	return laundry;
}

static __always_inline void see(struct sl_known_word *word, __u64 address)
{
	word->address = address;
	word->value = read_word(address);
}

static __always_inline bool is_writer(const struct nf_hook_ops *ops)
{
	const struct bpf_prog *program = BPF_CORE_READ(ops, priv);

	return BPF_CORE_READ(program, aux, id) == writer;
}

/*
 * Our program is in the list, and whatever comes behind it is other programs, which change no
 * packet, and at the very end nf_confirm(), if anything. The list is a count, the functions, and
 * then pointers to who registered them.
 */
static __always_inline bool hook_is_ours(struct nf_hook_entries *entries)
{
	__u32 count = entries ? BPF_CORE_READ(entries, num_hook_entries) : 0;
	__u64 ops = (__u64)entries + bpf_core_field_offset(struct nf_hook_entries, hooks) +
		    (__u64)count * bpf_core_type_size(struct nf_hook_entry);

	for (__u32 i = 0; i <= SL_KNOWN_PRIORITIES && i < count; i++) {
		const struct nf_hook_ops *one =
			(void *)read_word(ops + (__u64)(count - 1 - i) * sizeof one);

		if (hook_is_program(one) && is_writer(one))
			return true;
		if (!hook_is_program(one) && (i || (__u64)BPF_CORE_READ(one, hook) != confirm))
			return false;
	}
	return false;
}

/* Where each CPU counts the entries that were inserted by request, and not by a packet. */
static __always_inline bool see_inserts(struct net *net)
{
	__u64 map = number_of(&each_cpu);
	__u64 base = read_word(map + bpf_core_field_offset(struct bpf_array, pptrs));
	__u64 counts = (__u64)BPF_CORE_READ(net, ct.stat) +
		       bpf_core_field_offset(struct ip_conntrack_stat, insert);
	__u32 zero = 0;

	if (cpus > SL_KNOWN_CPUS_MAX || bpf_map_lookup_percpu_elem(&each_cpu, &zero, cpus))
		return false;
	for (__u32 cpu = 0; cpu < SL_KNOWN_CPUS_MAX && cpu < cpus; cpu++) {
		void *own = bpf_map_lookup_percpu_elem(&each_cpu, &zero, cpu);

		if (!own)
			return false;
		see(&sight.inserts[cpu], counts + number_of(own) - base);
		sight.inserts[cpu].value = (__u32)sight.inserts[cpu].value;
	}
	sight.cpus = cpus;
	return true;
}

static __always_inline bool see_hook(struct sl_known_word *list, __u64 address)
{
	see(list, address);
	return hook_is_ours((void *)list->value);
}

static __always_inline bool see_hooks(struct net *net)
{
	__u64 ip = (__u64)net + bpf_core_field_offset(struct net, nf.hooks_ipv4);
	__u64 ip6 = (__u64)net + bpf_core_field_offset(struct net, nf.hooks_ipv6);
	__u32 in = NF_INET_LOCAL_IN * sizeof(void *), post = NF_INET_POST_ROUTING * sizeof(void *);

	return see_hook(&sight.hooks[0][0], ip + in) && see_hook(&sight.hooks[0][1], ip + post) &&
	       see_hook(&sight.hooks[1][0], ip6 + in) && see_hook(&sight.hooks[1][1], ip6 + post);
}

/* Never attached: user space runs it, in a thread of the network namespace. */
SEC("raw_tp")
int look(void *context)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);

	found = 0;
	if (modules)
		see(&sight.modules, modules);
	if (see_inserts(net) && see_hooks(net))
		found = 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
