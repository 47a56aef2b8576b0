/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own structures, as far as sluice reads them. CO-RE fits the offsets to the running
 * kernel, so only names and types matter here; vmlinux.h is not used because the kernel that
 * builds sluice may be older than these fields.
 */
#ifndef SLUICE_BPF_KERNEL_H
#define SLUICE_BPF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct timespec64 {
	__s64 tv_sec;
};

struct list_head {
	struct list_head *next, *prev;
};

struct nf_hook_entry {
	void *hook, *priv;
};

struct nf_hook_entries {
	__u16 num_hook_entries;
	struct nf_hook_entry hooks[0];
};

enum nf_hook_ops_type {
	NF_HOOK_OP_NF_TABLES = 1,
	NF_HOOK_OP_BPF = 2,
};

struct nf_hook_ops {
	void *hook, *priv;
	enum nf_hook_ops_type hook_ops_type : 8;
	int priority;
};

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5], *hooks_ipv6[5]; /* by NF_INET_* */
};

struct ip_conntrack_stat {
	unsigned int insert;
};

struct netns_ct {
	struct ip_conntrack_stat *stat; /* of each CPU */
};

struct netns_nftables {
	unsigned int base_seq; /* here since 6.17; before, in struct nftables_pernet */
};

struct nftables_pernet {
	unsigned int base_seq;
};

struct net_generic {
	struct {
		unsigned int len;
	} s;
	void *ptr[0]; /* by the pernet id of a module */
};

struct ipv4_devconf {
	int data[IPV4_DEVCONF_ACCEPT_LOCAL]; /* [IPV4_DEVCONF_FORWARDING − 1] is the first */
};

struct ipv6_devconf {
	__s32 forwarding;
	atomic_t mc_forwarding; /* since 5.18 */
};

/* Routing tables: IPv4's are tries of tnodes, IPv6's binary trees. */
struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct key_vector {
	__u32 key;
	unsigned char pos, bits, slen;
	struct hlist_head leaf; /* its routes; an inner node has its children here */
};

struct tnode {
	struct key_vector *parent;
	struct key_vector kv[1];
};

struct fib_table {
	unsigned long *tb_data;
};

struct fib_nh_common {
	int nhc_oif;
	unsigned char nhc_flags;
};

struct fib_nh {
	struct fib_nh_common nh_common;
};

struct fib_info {
	unsigned int fib_flags;
	unsigned char fib_dead;
	int fib_nhs;
	void *nh;
	struct fib_nh fib_nh[0];
};

struct fib_alias {
	struct hlist_node fa_list;
	struct fib_info *fa_info;
	__u8 fa_dscp; /* fa_tos before 5.18 */
	__u8 fa_type, fa_slen;
};

struct fib6_nh {
	struct fib_nh_common nh_common;
};

struct rt6key {
	struct in6_addr addr;
	int plen;
};

struct fib6_info {
	struct fib6_info *fib6_next;
	unsigned int fib6_nsiblings;
	struct rt6key fib6_dst;
	__u32 fib6_flags;
	__u8 fib6_type;
	void *nh;
	struct fib6_nh fib6_nh[0];
};

struct fib6_node {
	struct fib6_node *parent, *left, *right;
	struct fib6_node *subtree; /* of routes by source */
	struct fib6_info *leaf;
	__u16 fn_bit, fn_flags;
};

struct fib6_table {
	struct fib6_node tb6_root;
};

struct netns_ipv4 {
	struct ipv4_devconf *devconf_all;
	struct fib_table *fib_main, *fib_default;
	bool fib_has_custom_rules;
	atomic_t dev_addr_genid;
};

struct netns_ipv6 {
	struct ipv6_devconf *devconf_all;
	struct fib6_info *fib6_null_entry;
	struct fib6_table *fib6_main_tbl, *fib6_local_tbl;
	bool fib6_has_custom_rules;
	atomic_t dev_addr_genid;
};

struct net {
	struct list_head dev_base_head;
	__u64 net_cookie;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
	struct netns_nf nf;
	struct netns_ct ct;
	struct netns_nftables nft;
	struct net_generic *gen;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in_device {
	struct ipv4_devconf cnf;
};

struct bpf_mprog_bundle {
	__u32 count;
};

struct bpf_mprog_entry {
	struct bpf_mprog_bundle *parent;
};

struct tcf_proto {
	struct tcf_proto *next;
	void *root;
};

struct mini_Qdisc {
	struct tcf_proto *filter_list;
};

struct tcx_entry {
	struct mini_Qdisc *miniq;
	struct bpf_mprog_bundle bundle;
};

struct vlan_group {
	unsigned int nr_vlan_devs;
	/* By protocol (802.1Q first), then by 512 numbers at a time: [2][8], flat in its BTF. */
	struct net_device **vlan_devices_arrays[16];
};

struct vlan_info {
	struct vlan_group grp;
};

struct vlan_dev_priv {
	__be16 vlan_proto;
	__u16 vlan_id;
	struct net_device *real_dev;
};

struct net_device {
	struct list_head dev_list;
	char name[16];
	int ifindex, group;
	unsigned long priv_flags; /* a bit-field since 6.12 */
	unsigned long long features;
	void *rx_handler, *xdp_prog;         /* the latter is generic XDP's */
	struct bpf_mprog_entry *tcx_ingress; /* since 6.6, for clsact and TCX alike */
	struct mini_Qdisc *miniq_ingress;    /* before */
	struct vlan_info *vlan_info;         /* only with 802.1Q support */
	struct nf_hook_entries *nf_hooks_ingress;
	struct in_device *ip_ptr;
	possible_net_t nd_net;
};

struct xdp_rxq_info {
	struct net_device *dev;
};

struct xdp_buff {
	struct xdp_rxq_info *rxq;
};

struct sk_buff {
	struct net_device *dev;
	int skb_iif;
	unsigned long _nfct; /* its connection, and in the low bits its part in it (IP_CT_*) */
	unsigned int len, end;
	__u32 mark;
	__u8 pkt_type : 3;
	__be16 protocol;
	__u16 network_header, mac_header; /* from `head` */
	unsigned char *head, *data;
};

struct nf_hook_state {
	__u8 hook, pf;
	struct net_device *in, *out;
	struct net *net;
};

struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff *skb;
};

struct bpf_prog_aux {
	__u32 id;
	char name[16];
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

/* nf_tables' rules, as far as it takes to find an expression. Modules have them, and their BTF. */
struct nft_table {
	struct list_head chains, sets;
	__u64 handle;
};

struct nft_chain {
	struct list_head rules, list;
	struct nft_table *table;
	__u64 handle;
};

struct nft_rule {
	struct list_head list;
	__u64 handle : 42;
	unsigned char data[0];
};

struct nft_expr_ops {
	unsigned int size;
	const void *data; /* nft_compat's: its struct xt_match */
};

struct nft_expr {
	struct nft_expr_ops *ops;
	unsigned char data[0];
};

struct spinlock {
	int word; /* alone, but on kernels whose locks sleep or are debugged */
};

struct nft_limit {
	struct spinlock lock;
	__u64 last, tokens;
};

struct nft_limit_priv {
	struct nft_limit *limit;
};

struct nft_limit_priv_pkts {
	struct nft_limit_priv limit;
	__u64 cost;
};

/* Sets, and the one kind of them that packets can add to: nft_rhash. */
struct nft_set_ops {
	void *lookup;
};

struct nft_set_type {
	struct nft_set_ops ops;
	__u32 features; /* NFT_SET_*: what it can be asked for */
};

struct nft_set {
	struct list_head list;
	__u64 handle;
	struct nft_set_ops *ops;
	__u8 klen;
	unsigned char data[0];
};

struct rhashtable_params {
	__u16 key_len, head_offset;
};

struct rhash_lock_head;

struct bucket_table {
	unsigned int size, nest; /* nest: the buckets are not in one piece */
	__u32 hash_rnd;
	struct bucket_table *future_tbl;    /* that elements move to */
	struct rhash_lock_head *buckets[0]; /* to the first node; bit 0 is a lock */
};

struct rhashtable {
	struct bucket_table *tbl;
	unsigned int key_len;
	struct rhashtable_params p;
};

struct nft_rhash {
	struct rhashtable ht;
};

struct rhash_head {
	struct rhash_head *next; /* odd: the end of the bucket that it names */
};

struct nft_set_ext {
	__u8 genmask;   /* not 0: comes or goes */
	__u8 offset[0]; /* to what the element has, by NFT_SET_EXT_*; 0: has not */
};

struct nft_rhash_elem {
	struct rhash_head node;
	struct nft_set_ext ext;
};

struct nft_timeout { /* since 6.12 */
	__u64 timeout, expiration;
};

enum nft_set_extensions {
	NFT_SET_EXT_KEY = 0,
	NFT_SET_EXT_TIMEOUT = 4,
	NFT_SET_EXT_EXPRESSIONS = 7,
};

/* iptables-legacy's tables. */
struct xt_table_info {
	unsigned int size; /* of the entries */
	unsigned char entries[0];
};

struct xt_table {
	struct list_head list;
	struct xt_table_info *private;
	int priority;
	char name[32];
};

struct xt_pernet {
	struct list_head tables[16]; /* by NFPROTO_*, and fewer */
};

struct xt_match { /* and struct xt_target, which begins alike */
	char name[29];
	__u8 revision;
};

struct nsproxy {
	struct net *net_ns;
};

struct file {
	void *private_data;
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	struct nsproxy *nsproxy;
	struct files_struct *files;
};

struct seq_file {
	void *private;
};

union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
	__u16 l3num;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__be16 all;
		} u;
		__u8 protonum;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2]; /* original, reply */
	unsigned long status;
	__u32 mark; /* not in every kernel */
};

/* xt_recent's lists: addresses by their hash, and by how long nothing came. */
struct recent_entry {
	struct list_head list, lru_list;
	union nf_inet_addr addr;
	__u16 family, nstamps;
	unsigned long stamps[0];
};

struct recent_table {
	union nf_inet_addr mask;
	unsigned int entries;
	__u16 nstamps_max_mask; /* since 6.12, and where it was put into older ones; else u8 */
	struct list_head lru_list, iphash[0];
};

struct recent_iter_state {
	const struct recent_table *table;
};

struct bpf_array {
	void *pptrs[0];
};

#pragma clang attribute pop

/* Since Linux 6.4. */
static __always_inline bool hook_is_program(const struct nf_hook_ops *ops)
{
	return bpf_core_enum_value_exists(enum nf_hook_ops_type, NF_HOOK_OP_BPF) &&
	       BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) ==
		       bpf_core_enum_value(enum nf_hook_ops_type, NF_HOOK_OP_BPF);
}

static __always_inline __u64 read_word(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof word, (void *)address);
	return word;
}

/*
 * Keeps the loads before it ahead of those behind it, on processors that would not. An exchange,
 * since an addition whose result nobody reads has no order.
 */
static __always_inline void fence(void)
{
	__u64 word = 0;

	__sync_lock_test_and_set(&word, 1);
}

struct bpf_ct_opts___12 {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *context, struct bpf_sock_tuple *tuple,
					 __u32 tuple_size, struct bpf_ct_opts___12 *opts,
					 __u32 opts_size) __ksym __weak;
extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *context, struct bpf_sock_tuple *tuple,
					 __u32 tuple_size, struct bpf_ct_opts___12 *opts,
					 __u32 opts_size) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *connection) __ksym __weak;
extern int bpf_dynptr_from_skb(struct __sk_buff *skb, __u64 flags,
			       struct bpf_dynptr *ret_bytes) __ksym __weak;

#endif
