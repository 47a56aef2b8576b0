/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The intermediate representation: what the rules of one device mean, small enough to print, to
 * verify, and to interpret slowly and obviously.
 *
 * Enters: lift/. Leaves: optimise/, codegen/ and the interpreter, which is the judge of both.
 *
 * A program is a *path*: the base chains that a packet from this device meets, in order, with the
 * two places between them where the kernel does something of its own (conntrack, routing).
 *
 * Evaluation is over *worlds*. What XDP cannot know of a packet (its conntrack state) is a set of
 * possibilities, one bit each, and all worlds are evaluated in one walk:
 *
 *	live      worlds that are still walking the current chain
 *	accepted  worlds that this base chain accepted; live again in the next one
 *	pass      worlds in which the kernel must see the packet
 *
 * A drop verdict removes the live worlds; an accept moves them to `accepted`; a rule that needs
 * the kernel moves them to `pass`. What is live at the end of the path passes too. The packet may
 * be dropped early if and only if none of the worlds it can be in is in `pass`.
 *
 * A match whose key cannot be loaded (a header that is not there) fails, inverted or not: that is
 * NFT_BREAK. Values are byte strings, exactly as nf_tables holds them in its registers (network
 * order for packet bytes, host order for metadata), and ordered comparisons are memcmp.
 */
#ifndef SLUICE_IR_IR_H
#define SLUICE_IR_IR_H

#include <stdio.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/types.h"
#include "cursor.h"
#include "info.h"

/* Worlds: the conntrack states of IP_CT_* and nf_tables' NF_CT_STATE_*, our own bit order. */
enum {
	SL_WORLD_NEW = 1 << 0,
	SL_WORLD_ESTABLISHED = 1 << 1, /* either direction */
	SL_WORLD_RELATED = 1 << 2,     /* either direction */
	SL_WORLD_INVALID = 1 << 3,
	SL_WORLD_UNTRACKED = 1 << 4,
	SL_WORLDS_ALL = (1 << 5) - 1,
	/* In which the packet has a connection, if only one that begins with it. */
	SL_WORLDS_CONNECTED = SL_WORLD_NEW | SL_WORLD_ESTABLISHED | SL_WORLD_RELATED,
};

enum sl_field_base {
	SL_LINK,      /* from the Ethernet header's first byte; offset + length ≤ 14 */
	SL_NETWORK,   /* from the IP header's first byte */
	SL_TRANSPORT, /* from the first byte behind the IP header(s) */
	SL_META,      /* offset is an enum sl_meta */
	/*
	 * Of the first TCP option of kind `offset >> 8` the bytes from `offset & 0xff` on, its kind
	 * being byte 0; at most 4. Like the kernel's walk (tcp_option.h): not there if the option
	 * is shorter than that, or malformed.
	 */
	SL_TCP_OPTION,
	SL_HAS_TCP_OPTION, /* 1 byte, always there: 1 if such a byte is, else 0 */
};

/* Metadata that is known at XDP; lengths and byte order are nf_tables'. */
enum sl_meta {
	SL_META_NFPROTO,     /* 1 byte; NFPROTO_NETDEV itself in a chain of that family */
	SL_META_L4PROTO,     /* 1 byte */
	SL_META_PROTOCOL,    /* 2 bytes, network order: the ethertype */
	SL_META_IIF,         /* 4 bytes, host order */
	SL_META_IIFNAME,     /* 16 bytes, NUL padded */
	SL_META_IIFTYPE,     /* 2 bytes, host order: ARPHRD_* */
	SL_META_IIFGROUP,    /* 4 bytes, host order */
	SL_META_LENGTH,      /* 4 bytes, host order: of the IP packet; not in ingress chains */
	SL_META_MARK,        /* 4 bytes, host order; only if the device's mark_is_zero: 0, until
				rules set it. A match on it where it is not known passes */
	SL_META_PKTTYPE,     /* 1 byte: PACKET_HOST, _BROADCAST, _MULTICAST */
	SL_META_DADDR_TYPE,  /* 4 bytes, host order: RTN_LOCAL, _BROADCAST, _MULTICAST, _UNICAST;
				network header's destination as seen by the namespace. Known for
				what is in the program's `local` and for IPv4's 255.255.255.255,
				224/4 and ff00::/8; for others a match on it acts as UNKNOWN (in
				VMAP: passes), unless another part of its key is not there */
	SL_META_WAY_BACK,    /* 4 bytes, host order: 1 if the way back to the packet's source leads
				through the device, else 0. Where the data plane cannot tell
				(bpf/way_back.h) a match on it acts as UNKNOWN, likewise */
	SL_META_WAY_BACK_IF, /* the same, with the device's index for 1 */
	/*
	 * What the packet has come to have by a netfilter hook (struct sl_facts): only with a
	 * TRACKED step in the path. Of the first three a packet without a connection has 0, where
	 * the kernel gives up the rule; so a STATE match for the worlds that have one comes first.
	 */
	SL_META_CT_STATUS,    /* 4 bytes, host order: IPS_* */
	SL_META_CT_MARK,      /* 4 bytes, host order */
	SL_META_CT_DIRECTION, /* 1 byte: IP_CT_DIR_* */
	SL_META_HOOK_MARK,    /* 4 bytes, host order: the packet's own */
	SL_META_OIF,          /* 4 bytes, host order; 0 where it leaves by no device */
	SL_META_OIFNAME,      /* 16 bytes, NUL padded; all zero there */
	SL_META_COUNT,
};

struct sl_field {
	u8 base;    /* enum sl_field_base */
	u8 length;  /* bytes, ≥ 1; of metadata the first bytes, at most all */
	u16 offset; /* bytes from the base, or enum sl_meta */
};

/* What is known at a netfilter hook only. */
static inline bool sl_field_is_fact(const struct sl_field *field)
{
	return field->base == SL_META && field->offset >= SL_META_CT_STATUS &&
	       field->offset <= SL_META_OIFNAME;
}

#define SL_KEY_MAX       64
#define SL_KEY_PARTS_MAX 16

/* One piece of a key: `field` is loaded to key[at…]; bytes that no part covers are zero. */
struct sl_part {
	struct sl_field field;
	u8 at;
};

enum sl_transform_kind {
	SL_SWAP, /* reverse the bytes of every `width`-byte word (nft byteorder) */
	SL_MASK, /* key = (key & mask) ^ xor */
	SL_SHL, /* shift as nf_tables does: `length` bytes, rounded up to whole u32 words in host */
	SL_SHR, /* order, carrying towards the first (SHL) or the last (SHR) word. Kernels disagree
		   on the carry when a shift of several words has sreg == dreg: that is UNKNOWN */
};

/*
 * Applied in order, each to key[at … at + length). They may reach past the key into the rest of
 * its last 4-byte word, as registers do; it starts as zero and is not compared.
 */
struct sl_transform {
	u8 kind; /* enum sl_transform_kind */
	u8 at, length;
	u8 width;             /* SWAP: 2, 4 or 8; shifts: bits, 1–31 */
	const u8 *mask, *xor; /* MASK: `length` bytes each */
};

/* The left side of every comparison. */
struct sl_key {
	u8 length; /* bytes, 1 … SL_KEY_MAX */
	u8 part_count, transform_count;
	const struct sl_part *parts;
	const struct sl_transform *transforms;
};

enum sl_compare { SL_EQ, SL_NE, SL_LT, SL_LE, SL_GT, SL_GE };

enum sl_verdict_kind {
	SL_VERDICT_CONTINUE, /* the next rule */
	SL_VERDICT_ACCEPT,
	SL_VERDICT_DROP,
	SL_VERDICT_JUMP,
	SL_VERDICT_GOTO,
	SL_VERDICT_RETURN,
	SL_VERDICT_KERNEL, /* a verdict that sluice leaves to the kernel (queue, unknown) */
};

struct sl_verdict {
	enum sl_verdict_kind kind;
	struct sl_chain *chain; /* JUMP, GOTO */
};

enum sl_op_kind {
	/* Matches: on failure evaluation goes on with the next rule. */
	SL_OP_COMPARE, /* key <compare> data */
	SL_OP_RANGE,   /* data ≤ key ≤ data_end; `invert`: outside it */
	SL_OP_SET,     /* key in set; `invert`: not in it */
	SL_OP_STATE,   /* conntrack state is one of `worlds`; splits the live worlds */
	SL_OP_ANY,     /* one of `alternatives` matches (each COMPARE, RANGE or SET, none
			  inverted by failing to load); `invert`: none does. A key that cannot be
			  loaded fails the whole op */
	SL_OP_UNKNOWN, /* might match or not, without side effect; see below */
	SL_OP_FILLED,  /* key in a set that packets fill, as of now; `invert`: not in it. Where that
			  is not clear it acts as UNKNOWN */
	/* Effects: never fail. */
	SL_OP_COUNTER, /* count the packet in `counter` */
	SL_OP_KERNEL,  /* the kernel must do this: the live worlds pass */
	/*
	 * A rate: the packet may be within what `limit` allows, and then the live worlds pass, for
	 * the kernel must take it off. If there is surely nothing left to take, the rule fails, or
	 * with `invert` goes on; that the packet asked changes nothing in the kernel's bucket.
	 */
	SL_OP_LIMIT,
	/*
	 * The packet's mark = (mark & keep) ^ flip; with a `reason` it is not known from here on.
	 * There is one mark for all worlds, and a set of worlds in which it is known to be the
	 * packet's: those outside of the rule's keep another, and leave the set; where nothing is
	 * kept, the rule's worlds are the set. Behind an UNKNOWN they leave it instead. If any of
	 * a rule's worlds is not in the set, a match on the mark makes all of them pass, whatever
	 * else it asks for.
	 */
	SL_OP_MARK,
	/*
	 * A set that packets fill is to have the key. If it has it, nothing changes and the rule
	 * goes on; else the live worlds pass, for the kernel must add it.
	 */
	SL_OP_FILL,
	/* Verdicts: the last op of a rule. */
	SL_OP_VERDICT,
	SL_OP_VMAP, /* key's verdict in `set`; a miss is a failed match */
	/* Made by optimise/; the only op of its rule. */
	SL_OP_TABLE, /* the rules of `table`, in order, as if they stood here in the chain */
};

/*
 * UNKNOWN splits every world in two, one in which it matches. So behind it in the same rule
 *	drop     is ignored: those in which it does not match walk on, and decide; yet the packet
 *		   may be gone already, so a counter met behind it, here or in a later rule or
 *		   chain, makes the world pass: sluice could not keep the count exact
 *	accept, jump, goto, return, kernel, vmap   pass: some completion escapes (of a vmap
 *		   even if its key is missed)
 *	counter  passes, for the same reason
 * with the matches between them still tested.
 */
struct sl_op {
	enum sl_op_kind kind;
	bool invert;
	u8 compare; /* enum sl_compare */
	u8 worlds;  /* STATE */
	struct sl_key key;
	const u8 *data, *data_end; /* key.length bytes each */
	struct sl_set *set;
	const struct sl_op *alternatives;
	u32 alternative_count;
	u32 counter;    /* index into the program's counters */
	u32 limit;      /* LIMIT: index into the program's limits */
	u32 filled;     /* FILLED, FILL: index into the program's sets that packets fill */
	u32 keep, flip; /* MARK: bits, as a word of host order */
	/*
	 * UNKNOWN, KERNEL, LIMIT, FILLED, FILL: what it is, for a person: "limit", "xt recent";
	 * MARK: or NULL
	 */
	const char *reason;
	struct sl_verdict verdict;
	const struct sl_table *table;
};

struct sl_rule {
	u64 handle;
	const char *comment; /* NULL without one */
	const struct sl_chain
		*home; /* where it stood before flatten.c inlined its chain; or NULL */
	SL_LIST(struct sl_op) ops;
};

struct sl_forks;

/*
 * Neighbouring rules that are found by decision trees rather than one after the other. The rules
 * say what they mean (the interpreter walks them); the rest says where codegen/ finds them.
 */
struct sl_table {
	const struct sl_rule *rules; /* none ever jumps, for a table cannot */
	u32 count;
	const struct sl_key *lanes; /* the values that the trees ask for, 1–4 bytes each */
	u32 lane_count;
	u32 root;  /* its table's first word in the program's image */
	u32 steps; /* rules that one packet can meet at most, and one look that finds no more */
	u32 hits;  /* counters that one packet can meet at most */
	u32 trees, word_count; /* of the table, for people */
	/* Of a few rules: how code finds them without the image (classify/forks.h); else NULL. */
	const struct sl_forks *forks;
};

struct sl_chain {
	const char *name;
	const char *table;
	u32 family; /* NFPROTO_* */
	u32 index;  /* in the program's chains */
	SL_LIST(struct sl_rule) rules;
};

/* The chain that a person finds the rule in. */
static inline const struct sl_chain *sl_rule_home(const struct sl_rule *rule,
						  const struct sl_chain *chain)
{
	return rule->home ? rule->home : chain;
}

enum sl_set_kind {
	SL_SET_EXACT,    /* key == key_end in every element */
	SL_SET_INTERVAL, /* disjoint closed ranges under memcmp of the whole key */
	SL_SET_BOXES,    /* concatenated intervals: each field in its own closed range */
};

struct sl_element {
	const u8 *key, *key_end; /* key_length bytes each */
	/*
	 * CLOCK_MONOTONIC; 0: never. Ours is a little early, and the kernel ends an element at
	 * its own next tick: a packet that meets one within SL_EXPIRY_GRACE_NS behind this time
	 * passes, whatever else; then it is gone for both.
	 */
	u64 expires_at_ns;
	struct sl_verdict verdict; /* verdict maps */
	bool counts;               /* verdict maps that optimise/ made of counted rules: … */
	u32 counter;               /* … count the packet here before the verdict */
};

#define SL_FIELDS_MAX 16

struct sl_set {
	const char *name, *table;
	u32 family;
	u32 index; /* in the program's sets */
	enum sl_set_kind kind;
	bool is_constant; /* anonymous or flagged constant: its elements never change */
	bool is_vmap;
	bool has_timeouts;
	bool is_used; /* generated code looks it up; set by legalise.c, the last pass */
	u32 key_length;
	u32 field_lengths[SL_FIELDS_MAX], field_count; /* unpadded; each field starts on a 4-byte
							  boundary */
	bool has_catchall;
	struct sl_verdict catchall; /* verdict maps; plain sets just match */
	SL_LIST(struct sl_element) elements;
};

/* How neighbouring rules of a chain are looked up, and why so: for people. */
struct sl_choice {
	const struct sl_chain *chain;
	u8 families;                  /* that meet this copy of the chain */
	u64 first, last;              /* handles, of this chain or of one that was inlined */
	u32 count;                    /* rules */
	const struct sl_table *table; /* NULL: no table */
	const char *reason;
};

/* A rule that decides nothing of what arrives at the device: for people. */
struct sl_idle {
	const struct sl_chain *chain;
	struct sl_rule rule;
	bool is_redundant; /* behind it its packets fare alike; else: before it others take them */
	bool by_end;       /* redundant: they do at the chain's end */
	u64 by; /* the handle of the one rule that decides them; 0: several, or the end */
};

/* Where a counted rule stands, so that counters survive a recompile and `list` finds them. */
struct sl_counter {
	const char *table, *chain;
	u32 family;
	u64 handle; /* the rule's; 0: the chain's policy */
};

/* Where the kernel keeps a rate: in an expression of a rule, all by the kernel's handles. */
struct sl_limit {
	u64 table, chain, rule;
	u32 expression; /* in the rule, from 0 */
};

/*
 * A set that packets fill, and where the kernel keeps it, by its handles. The keys that ops ask it
 * for, and those that rules add, begin with the packet's source (bpf/filled.h says why).
 */
struct sl_filled {
	const char *name, *table_name;
	u32 family;
	u64 table, set;
	u32 key_length; /* whole words, at most SL_FILLED_KEY_MAX */
	/*
	 * No set, but a list of xt_recent's by its name: it has a source that came at least `hits`
	 * times (or once) within so many seconds (or ever). No table, then, but a rule that asks.
	 */
	bool is_recent;
	u32 seconds, hits;
	struct sl_limit asked_by;
};

enum sl_hook { SL_HOOK_INGRESS, SL_HOOK_PREROUTING, SL_HOOK_INPUT, SL_HOOK_FORWARD };

/* Which packets meet a step. */
enum { SL_IP = 1 << 0, SL_IP6 = 1 << 1 };

enum sl_step_kind {
	SL_STEP_CHAIN,
	/*
	 * Conntrack looks the packet up and refreshes its connection's timer: worlds in which a
	 * connection exists pass. Before this step no state is attached to the packet and every
	 * STATE match sees INVALID, in every world (nft_ct.c, xt_conntrack.c: no ct, no template).
	 */
	SL_STEP_CONNTRACK,
	/*
	 * Instead of conntrack, at a netfilter hook: it has seen the packet, so the one world that
	 * is possible is known before anything is judged. STATE matches see it from here on, and
	 * no world passes on account of a connection.
	 */
	SL_STEP_TRACKED,
	/*
	 * Routing: from here INPUT chains decide local packets and FORWARD chains forwarded ones.
	 * Rules of routing may ask for the mark: what only the FIB can tell, it tells of packets
	 * without one. Where rules have set a live world's mark, not to 0, all live worlds pass.
	 */
	SL_STEP_ROUTE,
	SL_STEP_KERNEL, /* somebody else's hook: all that is live passes */
};

struct sl_step {
	enum sl_step_kind kind;
	u8 families; /* SL_IP | SL_IP6 */
	enum sl_hook hook;
	s32 priority;
	struct sl_chain *chain; /* CHAIN */
	bool drops_by_policy;   /* CHAIN */
	u32 policy_counter;     /* CHAIN: index into counters, or SL_NO_COUNTER; counts what
				   reaches the policy, accept or drop */
	const char *reason;     /* KERNEL */
};

#define SL_NO_COUNTER ((u32)-1)

/*
 * Where a program for netfilter hooks stands: below the first base chain of a hook, by one of so
 * many priorities, which somebody else may have taken.
 */
#define SL_HOOK_SLOTS 8

struct sl_hook_place {
	bool is_used; /* something is to be decided there */
	s32 priority; /* of that first chain */
};

/* What routing can do with a packet of one family. */
enum sl_route_mode {
	SL_ROUTE_INPUT_ONLY, /* nothing is forwarded, and what is not ours dies silently: INPUT
				decides (IPv4 without forwarding) */
	SL_ROUTE_LOCAL_ONLY, /* INPUT decides what is for a local or multicast address; the rest
				passes, since the kernel may answer it (IPv6 without forwarding) */
	SL_ROUTE_LOOKUP,     /* forwarding: a local address meets INPUT; what the FIB forwards to
				another device, with TTL > 1 and within its MTU, meets FORWARD;
				the rest passes, and so do broadcasts and multicasts (of either
				header) */
	SL_ROUTE_PASS,       /* not decidable here: all that reaches routing passes */
};

/* The device that the program is for, as constants. */
struct sl_device {
	u32 ifindex;
	char name[16];
	u16 type; /* ARPHRD_* */
	u32 group;
	u32 mtu;
	u8 mac[6];
	bool mark_is_zero; /* packets arrive with mark 0; else it is not known */
	bool mark_moves;   /* rules may set it (MARK) on the packet's way */
	bool is_asked_for; /* rules ask for its name or group, which may change */
	bool hides_vlan;   /* a VLAN tag may have been stripped before XDP: the link header's
			      ethertype is not known */
	bool wants_tc;     /* only there its packets can be told from others: XDP drops nothing */
	bool is_below;     /* the program is for the device below this VLAN device, … */
	u16 vlan;          /* … and judges frames with this tag */
	bool has_members; /* packets come by other devices, whose address may be another: what these
			     took them for counts */
};

struct sl_local_address {
	bool is_ip6;
	u8 bytes[16];
};

struct sl_program {
	struct sl_arena *arena; /* owns everything here */
	u32 generation;         /* of the rules it was lifted from */
	struct sl_device device;
	enum sl_route_mode route_ip, route_ip6;
	struct sl_hook_place places[SL_PLACES]; /* with a TRACKED step only; by SL_PLACE_* */
	u8 miss_worlds; /* worlds that a conntrack miss can mean, unless the connection has just
			   begun (bpf/batch.h); if NEW and INVALID, a packet's form may tell which
			   (ir/form.h) */
	SL_LIST(struct sl_step) path;
	SL_LIST(struct sl_chain *) chains;
	SL_LIST(struct sl_set *) sets;
	SL_LIST(struct sl_counter) counters;
	SL_LIST(struct sl_limit) limits;
	SL_LIST(struct sl_filled) filled;
	SL_LIST(struct sl_local_address) local; /* for ROUTE_* and DADDR_TYPE */
	SL_LIST(struct sl_choice) choices;      /* of optimise/ */
	const u64 *image;                       /* the tables of all runs (abi/table.h) */
	u32 image_words;
	SL_LIST(struct sl_idle) idle; /* by handle; shadow.c finds them */
};

void sl_program_free(struct sl_program *program); /* NULL is fine; frees the arena */

/*
 * outline.c: what is left to know of a program that has been loaded, in an arena of its own: all
 * that src/daemon/ asks of it (elements.c, generation.c, renewal.c), which is the device, the kinds
 * of its steps, its sets without their elements, and the sets that packets fill. NULL when out of
 * memory.
 */
struct sl_program *sl_program_outline(const struct sl_program *program);

/* build.c: constructors that keep indices right. All return NULL when out of memory. */
struct sl_program *sl_program_new(void);
struct sl_chain *sl_program_add_chain(struct sl_program *program, u32 family, const char *table,
				      const char *name);
struct sl_set *sl_program_add_set(struct sl_program *program, u32 family, const char *table,
				  const char *name);

/* The run of a rule that is a table; NULL of any other. */
static inline const struct sl_table *sl_rule_table(const struct sl_rule *rule)
{
	return rule->ops.count && rule->ops.items[0].kind == SL_OP_TABLE ? rule->ops.items[0].table
									 : NULL;
}

/*
 * verify.c: the rules that every stage may rely on (lengths, bounds, one verdict at a rule's end,
 * no jump cycle, jumps at most SL_JUMP_DEPTH_MAX deep and within one family, set elements in
 * order and disjoint except for boxes, of which the first wins; no table in a table).
 * 0, or -EINVAL with `diag` naming the rule. A failure is a bug in the stage before.
 */
#define SL_JUMP_DEPTH_MAX 16
int sl_program_verify(const struct sl_program *program, struct sl_diag *diag);

/* print.c: the whole program as text, stable from run to run (goldens rely on it). */
void sl_program_print(const struct sl_program *program, FILE *out);
void sl_rule_print(const struct sl_program *program, const struct sl_rule *rule, FILE *out);
const char *sl_family_name(u32 family); /* NFPROTO_*: "inet" */

#endif
