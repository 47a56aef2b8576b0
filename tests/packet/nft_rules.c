/* SPDX-License-Identifier: GPL-2.0-only */
/* Random rulesets in nft's syntax. */
#include <string.h>

#include "filler.h"
#include "pools.h"
#include "rulesets.h"

enum family { FAMILY_IP, FAMILY_IP6, FAMILY_INET, FAMILY_NETDEV };
static const char *const family_names[] = {"ip", "ip6", "inet", "netdev"};

/* Where a chain stands; a user chain may be reached from INPUT and FORWARD only. */
enum hook {
	PREROUTING = 1,
	INPUT = 2,
	FORWARD = 4,
	OUTPUT = 8,
	POSTROUTING = 16,
	INGRESS = 32,
	USER = 64
};

/* What a rule is about: rules that mix IPv4 with IPv6, or TCP with ICMP, do not load. */
enum network { ANY_NETWORK, IP4, IP6 };
enum transport { ANY_TRANSPORT, TCP, UDP, ICMP };

struct writer {
	FILE *out;
	struct sl_random *random;
	enum family family;
	u32 hook;
	u32 user_count, first_user; /* jumps go forward only: no loops */
	enum network network;
	enum transport transport;
	bool is_long; /* some chains go on and on */
};

static bool chance(struct writer *writer, u32 percent)
{
	return sl_random_chance(writer->random, percent);
}

static u32 below(struct writer *writer, u32 bound)
{
	return sl_random_below(writer->random, bound);
}

static const char *address(struct writer *writer)
{
	static const enum sl_pool pools[] = {SL_POOL_PEER, SL_POOL_PEER, SL_POOL_DUT, SL_POOL_BACK};
	const struct sl_pool_texts *texts =
		&sl_pool_addresses[writer->network == IP6][sl_random_pick(writer->random, pools)];

	return texts->texts[below(writer, texts->count)];
}

static const char *network(struct writer *writer)
{
	const struct sl_pool_texts *texts = &sl_pool_networks[writer->network == IP6];

	return texts->texts[below(writer, texts->count)];
}

static u16 port(struct writer *writer)
{
	return sl_pool_ports[below(writer, sl_pool_port_count)];
}

static const char * not(struct writer * writer)
{
	return chance(writer, 18) ? "!= " : "";
}

static const char *ip(struct writer *writer)
{
	return writer->network == IP6 ? "ip6" : "ip";
}

static const char *l4(struct writer *writer)
{
	return writer->transport == TCP ? "tcp" : "udp";
}

static char version(struct writer *writer)
{
	return writer->network == IP6 ? '6' : '4';
}

/* An address is matched alone, by prefix, by range, in an anonymous or in a named set. */
static void write_address(struct writer *writer, const char *field)
{
	FILE *out = writer->out;

	fprintf(out, "%s %s ", ip(writer), field);
	switch (below(writer, 6)) {
	case 0:
		fprintf(out, "%s%s", not(writer), address(writer));
		break;
	case 1:
		fprintf(out, "%s%s", not(writer), network(writer));
		break;
	case 2:
		if (writer->network == IP6)
			fputs("fd00:77:1::2-fd00:77:1::9", out);
		else
			fputs("10.77.1.2-10.77.1.3", out);
		break;
	case 3:
		fprintf(out, "%s@addrs%c", not(writer), version(writer));
		break;
	case 4:
		fprintf(out, "%s@nets%c", not(writer), version(writer));
		break;
	default:
		fprintf(out, "%s@timed%c", not(writer), version(writer));
		break;
	}
}

static void match_source(struct writer *writer)
{
	write_address(writer, "saddr");
}

static void match_destination(struct writer *writer)
{
	write_address(writer, "daddr");
}

static void write_ports(struct writer *writer, const char *field)
{
	FILE *out = writer->out;

	fprintf(out, "%s %s ", l4(writer), field);
	switch (below(writer, 5)) {
	case 0:
	case 1:
		fprintf(out, "%s%u", not(writer), port(writer));
		break;
	case 2:
		fprintf(out, "%s%s", not(writer), chance(writer, 50) ? "1-1023" : "1024-65535");
		break;
	case 3:
		fprintf(out, "%s{ 22, 53, 80, 4500-9000 }", not(writer));
		break;
	default:
		fprintf(out, "%s@ports", not(writer));
		break;
	}
}

static void match_destination_port(struct writer *writer)
{
	write_ports(writer, "dport");
}

static void match_source_port(struct writer *writer)
{
	if (chance(writer, 50))
		fprintf(writer->out, "%s sport >= 1024", l4(writer));
	else
		write_ports(writer, "sport");
}

static void match_flags(struct writer *writer)
{
	static const char *const texts[] = {
		"tcp flags syn",
		"tcp flags & (fin | syn | rst | ack) == syn",
		"tcp flags & (fin | syn) == fin | syn",
		"tcp flags != syn",
		"tcp flags & ack != 0",
		"tcp flags & (fin | syn | rst | psh | ack | urg) == 0x0",
		"tcp option maxseg exists",
		"tcp option maxseg size 1-500",
		"tcp option maxseg size != 1460",
		"tcp option sack-perm missing",
		"tcp option window count < 8",
		"tcp window 8192",
		"tcp sequence 0-1000",
		"tcp doff 5"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_udp_length(struct writer *writer)
{
	fprintf(writer->out, "udp length %s", chance(writer, 50) ? "< 40" : "!= 8-100");
}

static void match_icmp(struct writer *writer)
{
	static const char *const texts4[] = {
		"icmp type echo-request", "icmp type { echo-request, destination-unreachable }",
		"icmp type != echo-request", "icmp code 0", "icmp type time-exceeded"};
	static const char *const texts6[] = {
		"icmpv6 type echo-request",
		"icmpv6 type { echo-request, packet-too-big, nd-neighbor-solicit }",
		"icmpv6 type != echo-request", "icmpv6 code 0",
		"icmpv6 type destination-unreachable"};

	fputs(writer->network == IP6 ? sl_random_pick(writer->random, texts6)
				     : sl_random_pick(writer->random, texts4),
	      writer->out);
}

static void match_network_field(struct writer *writer)
{
	static const char *const texts4[] = {
		"ip ttl 64",           "ip ttl < 10",
		"ip dscp cs1",         "ip frag-off & 0x1fff != 0",
		"ip hdrlength 5",      "ip hdrlength != 5",
		"ip length < 60",      "ip length 40-100",
		"ip id != 0",          "ip version 4",
		"ip option ra exists", "ip protocol tcp",
		"ip protocol != udp",  "ip protocol { tcp, icmp, gre }",
		"ip checksum != 0",    "@nh,64,8 0x40",
		"@nh,72,8 17",         "ip frag-off & 0x2000 != 0"};
	static const char *const texts6[] = {
		"ip6 hoplimit 64",    "ip6 hoplimit < 10",     "ip6 nexthdr tcp",
		"ip6 nexthdr != udp", "ip6 length < 60",       "ip6 dscp cs0",
		"ip6 flowlabel 0",    "exthdr hbh exists",     "exthdr frag exists",
		"exthdr dst missing", "frag more-fragments 1", "@nh,48,8 17",
		"rt type 0",          "ip6 version 6"};

	fputs(writer->network == IP6 ? sl_random_pick(writer->random, texts6)
				     : sl_random_pick(writer->random, texts4),
	      writer->out);
}

static void match_pair(struct writer *writer)
{
	static const char *const sets[] = {"pairs", "boxes"};

	fprintf(writer->out, "%s saddr . %s dport %s@%s%c", ip(writer), l4(writer), not(writer),
		sl_random_pick(writer->random, sets), version(writer));
}

static void match_triple(struct writer *writer)
{
	fprintf(writer->out, "%s daddr . meta l4proto . th dport { %s . tcp . %u, %s . udp . %u }",
		ip(writer), address(writer), port(writer), address(writer), port(writer));
}

static void match_l4proto(struct writer *writer)
{
	static const char *const texts[] = {
		"meta l4proto tcp",    "meta l4proto { tcp, udp }",
		"meta l4proto != udp", "meta l4proto { icmp, ipv6-icmp }",
		"meta l4proto 6-17",   "meta l4proto { gre, sctp, 253 }"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_nfproto(struct writer *writer)
{
	fprintf(writer->out, "meta nfproto ipv%c", version(writer));
}

static void match_interface(struct writer *writer)
{
	static const char *const texts[] = {"iifname in0",
					    "iif in0",
					    "iifname != in0",
					    "iifname \"in*\"",
					    "iifname { in0, eth7 }",
					    "meta iiftype ether",
					    "iif lo",
					    "iifname out0",
					    "meta iifgroup default"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_output_interface(struct writer *writer)
{
	static const char *const texts[] = {"oifname out0", "oif out0", "oifname != out0",
					    "oifname in0", "iif in0 oif out0"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_link(struct writer *writer)
{
	static const char *const texts[] = {
		"ether saddr 02:00:00:77:01:02", "ether saddr != 02:00:00:77:01:02",
		"ether daddr 02:00:00:77:01:01", "ether daddr ff:ff:ff:ff:ff:ff", "ether type ip"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_meta(struct writer *writer)
{
	static const char *const texts[] = {"meta pkttype host",
					    "meta pkttype != host",
					    "meta pkttype { broadcast, multicast }",
					    "meta length < 60",
					    "meta length 60-200",
					    "meta length > 1000",
					    "meta mark 0",
					    "meta mark != 0",
					    "meta mark and 0x1 == 0x1",
					    "meta mark 7",
					    "meta protocol ip",
					    "meta protocol != ip6",
					    "meta priority 0"};
	const char *text = sl_random_pick(writer->random, texts);

	/* nft refuses both of "meta protocol ip" and an IPv6 field in one rule. */
	if (writer->network == IP6 && !strcmp(text, "meta protocol ip"))
		text = "meta protocol ip6";
	fputs(text, writer->out);
}

static void match_state(struct writer *writer)
{
	static const char *const texts[] = {"ct state established",
					    "ct state established,related",
					    "ct state new",
					    "ct state invalid",
					    "ct state != established",
					    "ct state related",
					    "ct state untracked",
					    "ct state { new, untracked }",
					    "ct state & (established | related) == 0",
					    "ct state new,invalid",
					    "ct direction original",
					    "ct direction reply",
					    "ct status dnat",
					    "ct status & seen-reply != 0",
					    "ct mark 0",
					    "ct mark != 0",
					    "ct mark 3",
					    "ct status assured",
					    "ct expiration > 1h"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_fib(struct writer *writer)
{
	static const char *const texts[] = {"fib daddr type local", "fib daddr type != local",
					    "fib daddr type { broadcast, multicast }",
					    "fib saddr . iif oif missing",
					    "fib saddr . iif oif exists"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_raw(struct writer *writer)
{
	static const char *const texts[] = {"@th,16,16 80", "@th,0,16 != 53", "@th,16,16 < 1024",
					    "@th,16,16 { 22, 53, 443 }", "@ll,0,48 0x020000770101"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

/* Matches that keep state in the kernel; what they count is the same in two equal runs. */
static void match_stateful(struct writer *writer)
{
	static const char *const texts[] = {"limit rate 4/hour burst 5 packets",
					    "limit rate over 3/hour burst 9 packets",
					    "limit rate 1000000/second burst 100000 packets",
					    "quota 3000 bytes",
					    "quota over 2000 bytes",
					    "numgen inc mod 3 == 1",
					    "limit rate 10 bytes/hour burst 900 bytes"};

	fputs(sl_random_pick(writer->random, texts), writer->out);
}

static void match_hash(struct writer *writer)
{
	fprintf(writer->out, "jhash %s saddr mod 4 seed 0xabcd %s%u", ip(writer), not(writer),
		below(writer, 4));
}

static void match_dynamic(struct writer *writer)
{
	fprintf(writer->out, "%s saddr %s@seen%c", ip(writer), not(writer), version(writer));
}

static void match_vlan(struct writer *writer)
{
	fprintf(writer->out, "%s",
		chance(writer, 50) ? "ether type vlan vlan id 2" : "vlan id != 1");
}

#define NEEDS_TCP       1u
#define NEEDS_UDP       2u
#define NEEDS_PORTS     4u /* TCP or UDP */
#define NEEDS_ICMP      8u
#define NEEDS_NETWORK   16u /* IPv4 or IPv6 */
#define NEEDS_INET      32u
#define NEEDS_ANY_L4    64u
#define NEEDS_ANY_L3    128u
#define L3_HOOKS        (PREROUTING | INPUT | FORWARD | OUTPUT | POSTROUTING | USER)
#define RECEIVING_HOOKS (PREROUTING | INPUT | FORWARD | USER)
#define ALL_HOOKS       (L3_HOOKS | INGRESS)

static const struct match {
	u32 weight, needs, hooks;
	void (*write)(struct writer *writer);
} matches[] = {
	{20, NEEDS_NETWORK, ALL_HOOKS, match_source},
	{14, NEEDS_NETWORK, ALL_HOOKS, match_destination},
	{22, NEEDS_PORTS, ALL_HOOKS, match_destination_port},
	{6, NEEDS_PORTS, ALL_HOOKS, match_source_port},
	{7, NEEDS_TCP, ALL_HOOKS, match_flags},
	{3, NEEDS_UDP, ALL_HOOKS, match_udp_length},
	{9, NEEDS_ICMP, ALL_HOOKS, match_icmp},
	{7, NEEDS_NETWORK | NEEDS_ANY_L4, ALL_HOOKS, match_network_field},
	{6, NEEDS_NETWORK | NEEDS_PORTS, ALL_HOOKS, match_pair},
	{3, NEEDS_NETWORK | NEEDS_ANY_L4, ALL_HOOKS, match_triple},
	{6, NEEDS_ANY_L4, ALL_HOOKS, match_l4proto},
	{3, NEEDS_INET | NEEDS_NETWORK, L3_HOOKS, match_nfproto},
	{7, 0, RECEIVING_HOOKS, match_interface},
	{8, 0, FORWARD | POSTROUTING, match_output_interface},
	{3, NEEDS_ANY_L3 | NEEDS_ANY_L4, PREROUTING | INPUT | INGRESS, match_link},
	{6, 0, ALL_HOOKS, match_meta},
	{12, 0, L3_HOOKS, match_state},
	{6, 0, PREROUTING | INPUT, match_fib},
	{3, NEEDS_ANY_L4, RECEIVING_HOOKS, match_raw},
	{3, 0, RECEIVING_HOOKS | INGRESS,
	 match_stateful}, /* the dut's own reports come by chance */
	{1, NEEDS_NETWORK, L3_HOOKS, match_hash},
	{3, NEEDS_NETWORK, L3_HOOKS, match_dynamic},
	{6, NEEDS_ANY_L3 | NEEDS_ANY_L4, INGRESS, match_vlan},
};

static bool is_possible(const struct writer *writer, const struct match *match)
{
	u32 needs = match->needs;
	bool has_ports = writer->transport == TCP || writer->transport == UDP;

	return match->hooks & writer->hook && (!(needs & NEEDS_TCP) || writer->transport == TCP) &&
	       (!(needs & NEEDS_UDP) || writer->transport == UDP) &&
	       (!(needs & NEEDS_PORTS) || has_ports) &&
	       (!(needs & NEEDS_ICMP) || (writer->transport == ICMP && writer->network)) &&
	       (!(needs & NEEDS_NETWORK) || writer->network) &&
	       (!(needs & NEEDS_INET) || writer->family == FAMILY_INET) &&
	       (!(needs & NEEDS_ANY_L4) || writer->transport == ANY_TRANSPORT) &&
	       (!(needs & NEEDS_ANY_L3) || writer->network == ANY_NETWORK);
}

/* Both may say the ethertype: of one kind. */
static bool is_of_link(const struct match *match)
{
	return match->write == match_link || match->write == match_vlan;
}

/* Each match at most once in a rule: two of a kind can contradict each other, which nft refuses. */
static u32 write_matches(struct writer *writer, u32 wanted)
{
	u32 used = 0, written = 0;
	bool has_link = false;

	for (u32 tries = 0; written < wanted && tries < 40; tries++) {
		u32 i = below(writer, SL_ARRAY_SIZE(matches));

		if (used & 1u << i || below(writer, 22) >= matches[i].weight ||
		    !is_possible(writer, &matches[i]) || (has_link && is_of_link(&matches[i])))
			continue;
		used |= 1u << i;
		has_link |= is_of_link(&matches[i]);
		matches[i].write(writer);
		fputc(' ', writer->out);
		written++;
	}
	return written;
}

static void draw_subject(struct writer *writer)
{
	static const enum network networks[] = {ANY_NETWORK, IP4, IP4, IP6};
	static const enum transport transports[] = {
		ANY_TRANSPORT, ANY_TRANSPORT, ANY_TRANSPORT, TCP, TCP, UDP, UDP, ICMP};

	writer->network = sl_random_pick(writer->random, networks);
	if (writer->family == FAMILY_IP && writer->network == IP6)
		writer->network = IP4;
	if (writer->family == FAMILY_IP6 && writer->network == IP4)
		writer->network = IP6;
	writer->transport = sl_random_pick(writer->random, transports);
}

/* Side effects, which sluice must leave to the kernel. */
static void write_effects(struct writer *writer)
{
	static const char *const anywhere[] = {
		"meta mark set 1 ",  "meta mark set 7 ", "meta priority set 1:2 ",
		"log prefix \"x\" ", "log group 5 ",     "meta mark set meta mark or 0x2 "};
	static const char *const tracked[] = {"ct mark set 3 ", "ct mark set meta mark "};
	bool is_ingress = writer->hook == INGRESS;

	if (chance(writer, 40))
		fputs("counter ", writer->out);
	if (chance(writer, 7))
		fputs(sl_random_pick(writer->random, anywhere), writer->out);
	if (chance(writer, 4) && !is_ingress)
		fputs(sl_random_pick(writer->random, tracked), writer->out);
	if (chance(writer, 4) && !is_ingress && writer->network)
		fprintf(writer->out, "%s @seen%c { %s saddr } ",
			chance(writer, 50) ? "add" : "update", version(writer), ip(writer));
	if (chance(writer, 2) && !is_ingress && writer->network == IP4)
		fputs("ip dscp set cs2 ", writer->out);
}

static bool write_jump(struct writer *writer)
{
	u32 count = writer->user_count - writer->first_user;

	if (!count || writer->hook & (INGRESS | PREROUTING | OUTPUT | POSTROUTING))
		return false;
	fprintf(writer->out, "%s u%u", chance(writer, 70) ? "jump" : "goto",
		writer->first_user + below(writer, count));
	return true;
}

static void write_reject(struct writer *writer)
{
	static const char *const texts4[] = {"reject", "reject with icmp type port-unreachable",
					     "reject with icmp type admin-prohibited"};

	if (!(writer->hook & (INPUT | FORWARD | PREROUTING | USER)))
		fputs("drop", writer->out);
	else if (writer->transport == TCP && chance(writer, 50))
		fputs("reject with tcp reset", writer->out);
	else if (writer->network == IP4)
		fputs(sl_random_pick(writer->random, texts4), writer->out);
	else
		fputs("reject", writer->out);
}

static void write_verdict(struct writer *writer)
{
	u32 dice = below(writer, 100);

	if (dice < 30)
		fputs("accept", writer->out);
	else if (dice < 68)
		fputs("drop", writer->out);
	else if (dice < 74)
		write_reject(writer);
	else if (dice < 88 && write_jump(writer))
		return;
	else if (dice < 94)
		fputs("return", writer->out);
	else
		fputs("counter", writer->out);
}

/* A whole verdict map, or one that the table declares. */
static void write_vmap(struct writer *writer)
{
	const char *lookup = writer->transport == TCP ? "tcp dport" : "udp dport";

	/* It jumps to u0, so from a user chain it would be a loop. */
	if (chance(writer, 40) && writer->hook & (INPUT | FORWARD))
		fprintf(writer->out, "%s vmap @verdicts", lookup);
	else if (chance(writer, 50))
		fprintf(writer->out,
			"%s vmap { 22 : accept, 53 : drop, 80 : accept, 1000-9999 : drop }",
			lookup);
	else if (writer->hook & L3_HOOKS)
		fputs("ct state vmap { established : accept, related : accept, invalid : drop }",
		      writer->out);
	else
		fprintf(writer->out, "%s vmap { 81 : drop, 53 : accept }", lookup);
}

static void write_rule(struct writer *writer)
{
	static const u32 counts[] = {1, 1, 1, 2, 2, 3};

	draw_subject(writer);
	fputs("\t\t", writer->out);
	u32 written = write_matches(writer, sl_random_pick(writer->random, counts));
	if (!written) { /* it would decide everything: let it only count or look into a chain */
		fputs("counter ", writer->out);
		if (chance(writer, 60))
			write_jump(writer);
	} else if (chance(writer, 5) && (writer->transport == TCP || writer->transport == UDP)) {
		write_vmap(writer);
	} else {
		write_effects(writer);
		write_verdict(writer);
	}
	fputc('\n', writer->out);
}

/* What nearly every real chain begins with. */
static void write_opening(struct writer *writer)
{
	static const char *const openings[] = {
		"ct state established,related accept",
		"ct state invalid drop",
		"ct state vmap { established : accept, related : accept, invalid : drop }",
		"iif lo accept",
		"meta l4proto ipv6-icmp accept",
		"tcp dport { 22, 80 } accept",
		"udp dport 53 accept"};

	for (u32 i = 0; i < SL_ARRAY_SIZE(openings); i++)
		if (chance(writer, i < 3 ? 18 : 12))
			fprintf(writer->out, "\t\t%s\n", openings[i]);
}

/* Between the chain's other rules. */
static void write_filler(struct writer *writer)
{
	bool is_ip6 =
		writer->family == FAMILY_IP6 || (writer->family != FAMILY_IP && chance(writer, 30));

	if (writer->is_long && chance(writer, 60))
		sl_filler_write_nft(writer->out, writer->random, is_ip6);
}

static void write_base_chain(struct writer *writer, const char *name, const char *hook,
			     int priority, u32 rule_max, u32 drop_percent)
{
	fprintf(writer->out, "\tchain %s {\n\t\ttype filter hook %s %spriority %d; policy %s;\n",
		name, hook, writer->hook == INGRESS ? "device in0 " : "", priority,
		chance(writer, drop_percent) ? "drop" : "accept");
	if (writer->hook & (INPUT | FORWARD))
		write_opening(writer);
	write_filler(writer);
	for (u32 i = 1 + below(writer, rule_max); i > 0; i--)
		write_rule(writer);
	write_filler(writer);
	fputs("\t}\n", writer->out);
}

static void write_sets_of(struct writer *writer, enum network version_wanted)
{
	writer->network = version_wanted;
	char v = version(writer);
	const char *type = version_wanted == IP6 ? "ipv6_addr" : "ipv4_addr";
	FILE *out = writer->out;

	fprintf(out, "\tset addrs%c { type %s; elements = { %s, %s }; }\n", v, type,
		version_wanted == IP6 ? "fd00:77:1::3" : "10.77.1.3",
		version_wanted == IP6 ? "2001:db8:1::10" : "192.0.2.10");
	fprintf(out, "\tset nets%c { type %s; flags interval; elements = { %s }; }\n", v, type,
		version_wanted == IP6 ? "2001:db8:1::/48, fd00:77:1::3-fd00:77:1::8"
				      : "192.0.2.0/26, 198.51.100.0/24, 10.77.1.3-10.77.1.4");
	fprintf(out, "\tset timed%c { type %s; flags timeout; elements = { %s timeout 1h }; }\n", v,
		type, address(writer));
	fprintf(out, "\tset seen%c { type %s; size 4096; flags dynamic,timeout; timeout 1h; }\n", v,
		type);
	fprintf(out, "\tset pairs%c { type %s . inet_service; elements = { %s . 80, %s . 53 }; }\n",
		v, type, version_wanted == IP6 ? "fd00:77:1::2" : "10.77.1.2",
		version_wanted == IP6 ? "fd00:77:1::3" : "10.77.1.3");
	fprintf(out,
		"\tset boxes%c { type %s . inet_service; flags interval; elements = { %s . 50-100, "
		"%s . 443 }; }\n",
		v, type, version_wanted == IP6 ? "fd00:77:1::/64" : "10.77.1.0/24",
		version_wanted == IP6 ? "2001:db8:1::/48" : "192.0.2.0/24");
}

static void write_sets(struct writer *writer)
{
	if (writer->family != FAMILY_IP6)
		write_sets_of(writer, IP4);
	if (writer->family != FAMILY_IP)
		write_sets_of(writer, IP6);
	fputs("\tset ports { type inet_service; flags interval; elements = { 22, 80, 5000-9000 }; "
	      "}\n",
	      writer->out);
	if (writer->family == FAMILY_NETDEV)
		return;
	fputs("\tmap verdicts { type inet_service : verdict; elements = { 22 : accept, 80 : drop",
	      writer->out);
	if (writer->user_count)
		fputs(", 443 : jump u0, 53 : goto u0", writer->out);
	fputs(" }; }\n", writer->out);
}

/* Written first: nft wants to know a chain that an element jumps to. */
static void write_user_chains(struct writer *writer)
{
	writer->hook = USER;
	for (u32 i = writer->user_count; i-- > 0;) {
		writer->first_user = i + 1;
		fprintf(writer->out, "\tchain u%u {\n", i);
		for (u32 j = 1 + below(writer, 4); j > 0; j--)
			write_rule(writer);
		write_filler(writer);
		fputs("\t}\n", writer->out);
	}
	writer->first_user = 0;
}

static void write_filter_table(struct writer *writer, u32 number)
{
	static const int priorities[] = {0, 0, 0, 10, -10, -150, -300, -250};
	static const struct {
		const char *name;
		u32 hook, percent, drop_percent;
	} chains[] = {{"prerouting", PREROUTING, 35, 4},
		      {"input", INPUT, 85, 40},
		      {"forward", FORWARD, 60, 45},
		      {"output", OUTPUT, 8, 0},
		      {"postrouting", POSTROUTING, 5, 0}};

	writer->user_count = below(writer, 4);
	fprintf(writer->out, "table %s filter%u {\n", family_names[writer->family], number);
	write_user_chains(writer);
	write_sets(writer);
	for (u32 i = 0; i < SL_ARRAY_SIZE(chains); i++) {
		writer->hook = chains[i].hook;
		if (chance(writer, chains[i].percent))
			write_base_chain(writer, chains[i].name, chains[i].name,
					 sl_random_pick(writer->random, priorities), 7,
					 chains[i].drop_percent);
	}
	fputs("}\n", writer->out);
}

static void write_netdev_table(struct writer *writer)
{
	writer->family = FAMILY_NETDEV;
	writer->user_count = 0;
	fputs("table netdev early {\n", writer->out);
	write_sets(writer);
	writer->hook = INGRESS;
	write_base_chain(writer, "ingress", "ingress", (int)below(writer, 3) * 10, 4, 4);
	fputs("}\n", writer->out);
}

static void write_nat_rules(struct writer *writer, bool is_ip6, bool is_inet)
{
	const char *kind = !is_inet ? "" : is_ip6 ? "ip6 " : "ip ";
	const char *inside = is_ip6 ? "fd00:77:2::2" : "10.77.2.2";
	const char *inside_port = is_ip6 ? "[fd00:77:2::2]:80" : "10.77.2.2:80";
	FILE *out = writer->out;

	fputs("\tchain dstnat {\n\t\ttype nat hook prerouting priority -100; policy accept;\n",
	      out);
	if (chance(writer, 50))
		fprintf(out, "\t\tiifname in0 tcp dport { 8080, 443 } dnat %sto %s\n", kind,
			inside);
	if (chance(writer, 50))
		fprintf(out, "\t\tiifname in0 tcp dport 81 dnat %sto %s\n", kind, inside_port);
	if (chance(writer, 50))
		fprintf(out, "\t\tiifname in0 udp dport 9000 redirect to :7\n");
	if (chance(writer, 30))
		fprintf(out, "\t\tudp dport 53 dnat %sto %s\n", kind, inside);
	fputs("\t}\n\tchain srcnat {\n\t\ttype nat hook postrouting priority 100; policy accept;\n",
	      out);
	if (chance(writer, 60))
		fputs("\t\toifname out0 masquerade\n", out);
	else
		fprintf(out, "\t\toifname out0 snat %sto %s\n", kind,
			is_ip6 ? "fd00:77:2::1" : "10.77.2.1");
	fputs("\t}\n", out);
}

static void write_nat_table(struct writer *writer)
{
	bool is_ip6 = chance(writer, 30), is_inet = chance(writer, 40);

	fprintf(writer->out, "table %s nat0 {\n", is_inet ? "inet" : is_ip6 ? "ip6" : "ip");
	write_nat_rules(writer, is_ip6, is_inet);
	fputs("}\n", writer->out);
}

static void write_notrack_table(struct writer *writer)
{
	fprintf(writer->out,
		"table inet raw0 {\n\tchain prerouting {\n\t\ttype filter hook prerouting priority "
		"-300;\n\t\t%s notrack\n\t}\n}\n",
		chance(writer, 50) ? "udp dport 53" : "ip saddr 10.77.1.0/24");
}

void sl_nft_rules_write(FILE *out, struct sl_random *random)
{
	static const enum family families[] = {FAMILY_INET, FAMILY_INET, FAMILY_INET,
					       FAMILY_IP,   FAMILY_IP,   FAMILY_IP6};
	struct writer writer = {
		.out = out, .random = random, .is_long = sl_filler_is_wanted(random)};
	u32 tables = 1 + (sl_random_below(random, 4) == 0);

	if (chance(&writer, 15))
		write_netdev_table(&writer);
	if (chance(&writer, 20))
		write_nat_table(&writer);
	if (chance(&writer, 8))
		write_notrack_table(&writer);
	for (u32 i = 0; i < tables; i++) {
		writer.family = sl_random_pick(random, families);
		write_filter_table(&writer, i);
	}
}
