/* SPDX-License-Identifier: GPL-2.0-only */
/* Random rulesets as iptables-save prints them. */
#include <string.h>

#include "filler.h"
#include "pools.h"
#include "rulesets.h"

enum { IN_RAW = 1, IN_MANGLE = 2, IN_FILTER = 4, ANY_TABLE = 7 };
enum { TCP = 1, UDP = 2, ICMP = 4, NO_PROTOCOL = 8, ANY_PROTOCOL = 15 };

struct writer {
	FILE *out;
	struct sl_random *random;
	bool is_ip6;
	bool is_long; /* some chains go on and on */
	u32 table;    /* IN_* */
	u32 protocol; /* of the rule being written */
	bool is_forward, is_prerouting;
	u32 user_count, first_user;
};

static bool chance(struct writer *writer, u32 percent)
{
	return sl_random_chance(writer->random, percent);
}

static u32 below(struct writer *writer, u32 bound)
{
	return sl_random_below(writer->random, bound);
}

static const char * not(struct writer * writer)
{
	return chance(writer, 15) ? "! " : "";
}

static u16 port(struct writer *writer)
{
	return sl_pool_ports[below(writer, sl_pool_port_count)];
}

static const char *source(struct writer *writer)
{
	const struct sl_pool_texts *texts =
		chance(writer, 50) ? &sl_pool_networks[writer->is_ip6]
				   : &sl_pool_addresses[writer->is_ip6][SL_POOL_PEER];

	return texts->texts[below(writer, texts->count)];
}

static const char *destination(struct writer *writer)
{
	const struct sl_pool_texts *texts =
		&sl_pool_addresses[writer->is_ip6][chance(writer, 50) ? SL_POOL_DUT : SL_POOL_BACK];

	return texts->texts[below(writer, texts->count)];
}

static void match_source(struct writer *writer)
{
	fprintf(writer->out, "%s-s %s ", not(writer), source(writer));
}

static void match_destination(struct writer *writer)
{
	fprintf(writer->out, "%s-d %s ", not(writer), destination(writer));
}

static void match_device(struct writer *writer)
{
	static const char *const names[] = {"in0", "in0", "in+", "out0", "lo", "eth7"};

	fprintf(writer->out, "%s-i %s ", not(writer), sl_random_pick(writer->random, names));
}

static void match_out_device(struct writer *writer)
{
	fprintf(writer->out, "%s-o %s ", not(writer), chance(writer, 70) ? "out0" : "in0");
}

static void match_port(struct writer *writer)
{
	if (chance(writer, 75))
		fprintf(writer->out, "%s--dport %u ", not(writer), port(writer));
	else
		fprintf(writer->out, "--sport 1024:65535 ");
}

static void match_multiport(struct writer *writer)
{
	static const char *const texts[] = {"--dports 22,53,80", "--dports 80,443,1000:9000",
					    "! --dports 22,443", "--ports 53,80",
					    "--sports 1024:65535"};

	fprintf(writer->out, "-m multiport %s ", sl_random_pick(writer->random, texts));
}

static void match_flags(struct writer *writer)
{
	static const char *const texts[] = {"--syn",
					    "! --syn",
					    "--tcp-flags FIN,SYN,RST,ACK SYN",
					    "--tcp-flags ALL NONE",
					    "--tcp-flags SYN,FIN SYN,FIN",
					    "--tcp-flags RST RST",
					    "--tcp-option 2"};

	fprintf(writer->out, "%s ", sl_random_pick(writer->random, texts));
}

static void match_icmp(struct writer *writer)
{
	static const char *const types4[] = {"8", "3", "3/4", "11", "0", "255"};
	static const char *const types6[] = {"128", "1", "1/4", "2", "135"};

	if (writer->is_ip6)
		fprintf(writer->out, "-m icmp6 %s--icmpv6-type %s ", not(writer),
			sl_random_pick(writer->random, types6));
	else
		fprintf(writer->out, "-m icmp %s--icmp-type %s ", not(writer),
			sl_random_pick(writer->random, types4));
}

static void match_state(struct writer *writer)
{
	static const char *const texts[] = {"-m conntrack --ctstate RELATED,ESTABLISHED",
					    "-m conntrack --ctstate NEW",
					    "-m conntrack --ctstate INVALID",
					    "-m state --state NEW",
					    "-m state --state RELATED,ESTABLISHED",
					    "-m conntrack ! --ctstate NEW",
					    "-m conntrack --ctstate UNTRACKED",
					    "-m conntrack --ctstate DNAT",
					    "-m conntrack --ctdir ORIGINAL",
					    "-m conntrack --ctproto 17",
					    "-m connmark --mark 0x3",
					    "-m conntrack --ctstatus ASSURED",
					    "-m conntrack --ctorigdstport 80 --ctproto 6"};

	fprintf(writer->out, "%s ", sl_random_pick(writer->random, texts));
}

static void match_common(struct writer *writer)
{
	static const char *const texts[] = {"-m length --length 0:60",
					    "-m length --length 200:65535",
					    "-m length ! --length 28:100",
					    "-m mark --mark 0x1",
					    "-m mark ! --mark 0x1/0xff",
					    "-m mark --mark 0x0",
					    "-m pkttype --pkt-type unicast",
					    "-m pkttype --pkt-type broadcast",
					    "-m pkttype ! --pkt-type unicast",
					    "-m mac --mac-source 02:00:00:77:01:02",
					    "-m mac ! --mac-source 02:00:00:77:01:02",
					    "-m addrtype --dst-type LOCAL",
					    "-m addrtype ! --dst-type LOCAL",
					    "-m addrtype --dst-type MULTICAST",
					    "-m addrtype --src-type UNICAST",
					    "-m comment --comment \"a comment\"",
					    "-m dscp --dscp 0x00",
					    "-m tos --tos 0x00/0xff"};

	fprintf(writer->out, "%s ", sl_random_pick(writer->random, texts));
}

static void match_version(struct writer *writer)
{
	static const char *const texts4[] = {"-m iprange --src-range 10.77.1.2-10.77.1.3",
					     "-m iprange ! --src-range 192.0.2.0-192.0.2.80",
					     "-f",
					     "! -f",
					     "-m ttl --ttl-eq 64",
					     "-m ttl --ttl-lt 5",
					     "-m addrtype --dst-type BROADCAST",
					     "-m u32 --u32 \"0x6&0xff=0x11\""};
	static const char *const texts6[] = {"-m iprange --src-range fd00:77:1::2-fd00:77:1::3",
					     "-m hl --hl-eq 64",
					     "-m hl --hl-lt 5",
					     "-m frag --fragmore",
					     "-m ipv6header --header hop-by-hop --soft",
					     "-m hbh --hbh-len 8",
					     "-m rt --rt-type 0"};

	fprintf(writer->out, "%s ",
		writer->is_ip6 ? sl_random_pick(writer->random, texts6)
			       : sl_random_pick(writer->random, texts4));
}

/* Time only enters where an hour is as good as never. */
static void match_stateful(struct writer *writer)
{
	static const char *const texts[] = {
		"-m limit --limit 3/hour --limit-burst 5",
		"-m statistic --mode nth --every 3 --packet 1",
		"-m hashlimit --hashlimit-upto 5/hour --hashlimit-burst 4 --hashlimit-mode srcip "
		"--hashlimit-name h1",
		"-m quota --quota 3000",
		"-m string --string question --algo bm",
		"-m connbytes --connbytes 3: "
		"--connbytes-dir both --connbytes-mode packets"};

	fprintf(writer->out, "%s ", sl_random_pick(writer->random, texts));
}

/* One list that only grows, and one that anything happens to. */
static void match_recent(struct writer *writer)
{
	static const char *const growing[] = {"--set",
					      "--set",
					      "--rcheck",
					      "--rcheck",
					      "--rcheck --seconds 3600",
					      "--rcheck --hitcount 3",
					      "--update --seconds 3600 --hitcount 2"};
	static const char *const odd[] = {"--set --rdest",   "--remove",
					  "--rcheck",        "--update",
					  "--rcheck --rttl", "--rcheck --seconds 3600 --reap"};

	if (chance(writer, 85))
		fprintf(writer->out, "-m recent --name r1 %s%s ", not(writer),
			sl_random_pick(writer->random, growing));
	else
		fprintf(writer->out, "-m recent --name r2 %s ",
			sl_random_pick(writer->random, odd));
}

static void match_rpfilter(struct writer *writer)
{
	fprintf(writer->out, "-m rpfilter %s", chance(writer, 50) ? "--invert " : "");
}

static const struct match {
	u32 weight, protocols, tables;
	void (*write)(struct writer *writer);
} matches[] = {
	{20, ANY_PROTOCOL, ANY_TABLE, match_source},
	{12, ANY_PROTOCOL, ANY_TABLE, match_destination},
	{10, ANY_PROTOCOL, ANY_TABLE, match_device},
	{10, ANY_PROTOCOL, IN_FILTER, match_out_device},
	{20, TCP | UDP, ANY_TABLE, match_port},
	{10, TCP | UDP, ANY_TABLE, match_multiport},
	{6, TCP, ANY_TABLE, match_flags},
	{12, ICMP, ANY_TABLE, match_icmp},
	{12, ANY_PROTOCOL, IN_FILTER | IN_MANGLE, match_state},
	{10, ANY_PROTOCOL, ANY_TABLE, match_common},
	{6, ANY_PROTOCOL, ANY_TABLE, match_version},
	{3, ANY_PROTOCOL, IN_FILTER, match_stateful},
	{4, ANY_PROTOCOL, IN_FILTER, match_recent},
	{4, ANY_PROTOCOL, IN_RAW | IN_MANGLE, match_rpfilter},
};

static bool is_possible(const struct writer *writer, const struct match *match)
{
	if (match->write == match_out_device && !writer->is_forward)
		return false;
	if (match->write == match_rpfilter && !writer->is_prerouting)
		return false;
	return match->protocols & writer->protocol && match->tables & writer->table;
}

static u32 write_matches(struct writer *writer, u32 wanted)
{
	u32 used = 0, written = 0;

	for (u32 tries = 0; written < wanted && tries < 40; tries++) {
		u32 i = below(writer, SL_ARRAY_SIZE(matches));

		if (used & 1u << i || below(writer, 20) >= matches[i].weight ||
		    !is_possible(writer, &matches[i]))
			continue;
		used |= 1u << i;
		matches[i].write(writer);
		written++;
	}
	return written;
}

static void write_protocol(struct writer *writer)
{
	static const u32 protocols[] = {TCP,  TCP,         UDP,         UDP,
					ICMP, NO_PROTOCOL, NO_PROTOCOL, NO_PROTOCOL};

	writer->protocol = sl_random_pick(writer->random, protocols);
	if (writer->protocol == TCP)
		fputs("-p tcp -m tcp ", writer->out);
	else if (writer->protocol == UDP)
		fputs("-p udp -m udp ", writer->out);
	else if (writer->protocol == ICMP)
		fputs(writer->is_ip6 ? "-p ipv6-icmp " : "-p icmp ", writer->out);
	else if (chance(writer, 8))
		fputs(chance(writer, 50) ? "-p 47 " : "! -p 17 ", writer->out);
}

static bool write_jump(struct writer *writer)
{
	u32 count = writer->user_count - writer->first_user;

	if (!count || writer->table != IN_FILTER)
		return false;
	fprintf(writer->out, "-%c u%u", chance(writer, 70) ? 'j' : 'g',
		writer->first_user + below(writer, count));
	return true;
}

static void write_reject(struct writer *writer)
{
	static const char *const types4[] = {"icmp-port-unreachable", "icmp-admin-prohibited",
					     "icmp-host-unreachable"};
	static const char *const types6[] = {"icmp6-port-unreachable", "icmp6-adm-prohibited"};

	fprintf(writer->out, "-j REJECT --reject-with %s",
		writer->protocol == TCP && chance(writer, 50) ? "tcp-reset"
		: writer->is_ip6 ? sl_random_pick(writer->random, types6)
				 : sl_random_pick(writer->random, types4));
}

static void write_target(struct writer *writer)
{
	static const char *const odd[] = {"-j LOG --log-prefix \"x \"", "-j NFLOG --nflog-group 5",
					  "-j RETURN", "-j RETURN", ""};
	static const char *const mangling[] = {
		"-j MARK --set-xmark 0x1/0xffffffff", "-j CONNMARK --set-xmark 0x3/0xffffffff",
		"-j DSCP --set-dscp 0x08",
		"-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff"};
	u32 dice = below(writer, 100);

	if (writer->table == IN_RAW && dice < 30)
		fputs("-j CT --notrack", writer->out);
	else if (writer->table == IN_MANGLE && dice < 60)
		fputs(sl_random_pick(writer->random, mangling), writer->out);
	else if (dice < 30)
		fputs("-j ACCEPT", writer->out);
	else if (dice < 68)
		fputs("-j DROP", writer->out);
	else if (dice < 75 && writer->table == IN_FILTER)
		write_reject(writer);
	else if (dice < 90 && write_jump(writer))
		return;
	else
		fputs(sl_random_pick(writer->random, odd), writer->out);
}

static void write_rule(struct writer *writer, const char *chain)
{
	fprintf(writer->out, "-A %s ", chain);
	write_protocol(writer);
	u32 written = write_matches(writer, 1 + below(writer, 3));
	if (written)
		write_target(writer);
	fputc('\n', writer->out);
}

static void write_chain(struct writer *writer, const char *chain, u32 rule_max)
{
	writer->is_forward = !strcmp(chain, "FORWARD");
	writer->is_prerouting = !strcmp(chain, "PREROUTING");
	if (writer->table == IN_FILTER && (writer->is_forward || !strcmp(chain, "INPUT"))) {
		if (chance(writer, 45))
			fprintf(writer->out,
				"-A %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
				chain);
		if (chance(writer, 25))
			fprintf(writer->out, "-A %s -m conntrack --ctstate INVALID -j DROP\n",
				chain);
		if (chance(writer, 20))
			fprintf(writer->out, "-A %s -p tcp -m tcp --dport 22 -j ACCEPT\n", chain);
	}
	for (u32 i = below(writer, rule_max + 1); i > 0; i--)
		write_rule(writer, chain);
	if (writer->is_long && chance(writer, 70))
		sl_filler_write_xt(writer->out, writer->random, writer->is_ip6, chain);
}

static void write_raw(struct writer *writer)
{
	writer->table = IN_RAW;
	fputs("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n", writer->out);
	write_chain(writer, "PREROUTING", 3);
	fputs("COMMIT\n", writer->out);
}

static void write_mangle(struct writer *writer)
{
	writer->table = IN_MANGLE;
	fputs("*mangle\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"
	      ":OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n",
	      writer->out);
	write_chain(writer, "PREROUTING", 3);
	if (chance(writer, 30))
		fputs("-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS "
		      "--clamp-mss-to-pmtu\n",
		      writer->out);
	fputs("COMMIT\n", writer->out);
}

static void write_nat(struct writer *writer)
{
	const char *inside = writer->is_ip6 ? "fd00:77:2::2" : "10.77.2.2";
	const char *inside_port = writer->is_ip6 ? "[fd00:77:2::2]:80" : "10.77.2.2:80";
	FILE *out = writer->out;

	fputs("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
	      ":POSTROUTING ACCEPT [0:0]\n",
	      out);
	if (chance(writer, 50))
		fprintf(out,
			"-A PREROUTING -i in0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination "
			"%s\n",
			inside_port);
	if (chance(writer, 40))
		fprintf(out,
			"-A PREROUTING -i in0 -p udp -m udp --dport 53 -j DNAT --to-destination "
			"%s\n",
			inside);
	if (chance(writer, 40))
		fputs("-A PREROUTING -p udp -m udp --dport 9000 -j REDIRECT --to-ports 7\n", out);
	if (chance(writer, 60))
		fputs("-A POSTROUTING -o out0 -j MASQUERADE\n", out);
	else
		fprintf(out, "-A POSTROUTING -o out0 -j SNAT --to-source %s\n",
			writer->is_ip6 ? "fd00:77:2::1" : "10.77.2.1");
	fputs("COMMIT\n", out);
}

static void write_filter(struct writer *writer)
{
	FILE *out = writer->out;
	char name[16];

	writer->table = IN_FILTER;
	writer->user_count = below(writer, 4);
	fprintf(out, "*filter\n:INPUT %s [0:0]\n:FORWARD %s [0:0]\n:OUTPUT ACCEPT [0:0]\n",
		chance(writer, 45) ? "DROP" : "ACCEPT", chance(writer, 45) ? "DROP" : "ACCEPT");
	for (u32 i = 0; i < writer->user_count; i++)
		fprintf(out, ":u%u - [0:0]\n", i);
	write_chain(writer, "INPUT", 7);
	write_chain(writer, "FORWARD", 5);
	for (u32 i = 0; i < writer->user_count; i++) {
		writer->first_user = i + 1;
		snprintf(name, sizeof name, "u%u", i);
		write_chain(writer, name, 4);
	}
	fputs("COMMIT\n", out);
}

void sl_xt_rules_write(FILE *out, struct sl_random *random, bool is_ip6)
{
	struct writer writer = {.out = out,
				.random = random,
				.is_ip6 = is_ip6,
				.is_long = sl_filler_is_wanted(random)};

	if (chance(&writer, 20))
		write_raw(&writer);
	if (chance(&writer, 15))
		write_mangle(&writer);
	if (chance(&writer, 25))
		write_nat(&writer);
	write_filter(&writer);
}
