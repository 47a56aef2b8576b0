// SPDX-License-Identifier: GPL-2.0-only
/* What this host's own nft and iptables write, read back and lifted: text in, text out. */
#include "source/testing.h"

#include <stdio.h>

#include "lift/ruleset_builder.h"
#include "source/source.h"

/* A namespace with rules and a device. */
static struct sl_program *lift_live(void)
{
	struct sl_diag diag = {""};
	struct sl_ruleset *rules;
	struct sl_host *host;
	struct sl_program *program;

	assert_int_equal(system("ip link add eth0 type veth peer name peer"), 0);
	if (sl_source_read_live(1000, &rules, &diag) || sl_host_read("eth0", &host, &diag) ||
	    sl_lift(rules, host, "eth0", &program, &diag) || sl_program_verify(program, &diag))
		fail_msg("%s", diag.text);
	sl_host_free(host);
	sl_ruleset_free(rules);
	return program;
}

static void expect_live(const char *chain, const char *expected)
{
	struct sl_program *program = lift_live();

	assert_string_equal(rules_text(program, chain), expected);
	sl_program_free(program);
}

static void nft_rules_keep_their_meaning(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -",
	     "table inet t {\n"
	     "	set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }\n"
	     "	chain in { type filter hook input priority 0; policy drop;\n"
	     "		ct state vmap { established : accept, related : accept, invalid : drop }\n"
	     "		ct state new,untracked ip saddr @nets counter drop\n"
	     "		iifname \"eth*\" tcp flags & (syn|ack) == syn drop\n"
	     "		meta l4proto { tcp, udp } th dport vmap { 53 : accept, 54 : drop }\n"
	     "		ip daddr & 0.0.0.255 == 0.0.0.9 tcp dport != 1-1000 drop\n"
	     "		iifname . ip saddr . tcp dport { \"eth0\" . 1.1.1.1 . 80-90 } drop\n"
	     "		oif \"lo\" drop\n"
	     "		limit rate 5/second accept\n"
	     "		fib daddr type local drop\n"
	     "		ct status dnat accept\n"
	     "		tcp option maxseg size 1-500 drop\n"
	     "		tcp option sack-perm missing drop\n"
	     "		tcp option timestamp tsval 1 drop\n"
	     "		tcp option maxseg size set 1400\n"
	     "		meta mark set 0x10\n"
	     "		meta mark set meta mark & 0xffff00ff | 0x100\n"
	     "		meta mark set ct mark\n"
	     "		ct mark set meta mark\n"
	     "	}\n"
	     "}\n");
	expect_live("in", "ct state established accept\n"
			  "ct state related accept\n"
			  "ct state invalid drop\n"
			  "ct state new,untracked meta nfproto 2 ip saddr @nets counter 0 drop\n"
			  "iifname \"eth*\" meta l4proto 6 @th,104,8 & 0x12 == 0x02 drop\n"
			  "meta l4proto @__set0 th dport vmap @__map1\n"
			  "meta nfproto 2 ip daddr & 0.0.0.255 == 0.0.0.9 meta l4proto 6 "
			  "th dport != 1-1000 drop\n"
			  "meta nfproto 2 meta l4proto 6 iifname . ip saddr . th dport @__set1 "
			  "drop\n"
			  "\n"
			  "limit 0\n"
			  "unknown(fib) drop\n"
			  "ct state established unknown(ct status) accept\n"
			  "ct state related unknown(ct status) accept\n"
			  "tcp option maxseg size >= 1 tcp option maxseg size <= 500 drop\n"
			  "tcp option 4 has 1 0x00 drop\n"
			  "unknown(TCP option) drop\n"
			  "kernel(sets an option of the packet)\n"
			  "mark = 0x10\n"
			  "mark(mark set to what sluice does not know)\n"
			  "mark(mark set to what sluice does not know)\n"
			  "unknown(a load that may fail and is not compared) "
			  "kernel(sets something of the connection)\n");
}

/* Behind prerouting a socket may be asked instead; and one chain may be met on both sides. */
static void the_way_back_is_known_in_prerouting(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -", "table inet t {\n"
			 "	chain pre { type filter hook prerouting priority -300;\n"
			 "		fib saddr . iif oif missing drop\n"
			 "		fib saddr . mark . iif oif exists accept\n"
			 "		fib saddr . iif oif 0 drop\n"
			 "		fib saddr oif 0 drop\n"
			 "		fib daddr . iif oif missing drop\n"
			 "		fib saddr . iif type local drop\n"
			 "	}\n"
			 "}\n");
	expect_live("pre", "fib saddr . iif exists 0 drop\n"
			   "fib saddr . iif exists 1 accept\n"
			   "fib saddr . iif oif 0 drop\n"
			   "unknown(fib) drop\n"
			   "unknown(fib) drop\n"
			   "unknown(fib) drop\n");
	enter_new_namespace();
	load("nft -f -", "table inet t {\n"
			 "	chain c { fib saddr . iif oif missing drop; }\n"
			 "	chain pre { type filter hook prerouting priority -300; jump c; }\n"
			 "	chain in { type filter hook input priority 0; jump c; }\n"
			 "}\n");
	expect_live("c", "unknown(fib) drop\n");
}

static void addresses_and_headers_of_one_family_keep_their_meaning(void **state)
{
	(void)state;
	enter_new_namespace();
	load("nft -f -", "table ip t { chain in { type filter hook input priority 0;\n"
			 "	fib daddr type local accept\n"
			 "	fib daddr . iif type local accept\n"
			 "	fib saddr . iif oif missing drop\n"
			 "}\n}\n");
	expect_live("in", "fib daddr type 2 accept\n"
			  "unknown(fib) accept\n"
			  "unknown(fib) drop\n");
	enter_new_namespace();
	load("nft -f -", "table ip6 t { chain in { type filter hook input priority 0;\n"
			 "	rt type 0 drop\n"
			 "	frag id 7 drop\n"
			 "	exthdr frag exists drop\n"
			 "	exthdr hbh missing drop\n"
			 "	fib daddr type local accept\n"
			 "}\n}\n");
	expect_live("in", "\n\n\ndrop\nunknown(fib) accept\n");
	enter_new_namespace();
	load("ip6tables-nft-restore", "*filter\n:INPUT ACCEPT\n"
				      "-A INPUT -m rt --rt-type 0 -j DROP\n"
				      "-A INPUT -m frag --fragfirst -j DROP\nCOMMIT\n");
	expect_live("INPUT", "\n\n");
}

static void iptables_rules_keep_their_meaning(void **state)
{
	(void)state;
	enter_new_namespace();
	if (system("command -v iptables-nft-restore > /dev/null")) {
		print_message("skipped: no iptables-nft-restore\n");
		skip();
	}
	load("iptables-nft-restore",
	     "*filter\n"
	     ":INPUT DROP [0:0]\n"
	     "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	     "-A INPUT -p tcp --syn -m multiport ! --dports 22,80:90 -j DROP\n"
	     "-A INPUT -p icmp --icmp-type echo-request -j ACCEPT\n"
	     "-A INPUT -m addrtype --dst-type LOCAL -j DROP\n"
	     "-A INPUT -s 10.1.0.0/16 ! -d 10.2.3.4/31 -i eth+ -j REJECT\n"
	     "-A INPUT -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
	     "-A INPUT -m recent --name x --rcheck -j DROP\n"
	     "-A INPUT -j MARK --set-xmark 0x4000/0x4000\n"
	     "-A INPUT -m mark ! --mark 0x4000/0xc000 -j DROP\n"
	     "-A INPUT -j CONNMARK --restore-mark\n"
	     "-A INPUT -j CONNMARK --save-mark\n"
	     "COMMIT\n");
	expect_live("INPUT",
		    "ct state established,related counter 0 accept\n"
		    "meta l4proto 6 @th,104,8 & 0x17 == 0x02 none(th dport 22, th dport 80-90) "
		    "counter 1 drop\n"
		    "meta l4proto 1 th sport 2048-2303 counter 2 accept\n"
		    "fib daddr type 2 counter 3 drop\n"
		    "iifname \"eth*\" @nh,96,16 0x0a01 ip daddr & 255.255.255.254 != 10.2.3.4 "
		    "counter 4 kernel(xt REJECT)\n"
		    "ct state new,invalid,untracked counter 5 drop\n"
		    "unknown(xt recent) counter 6 drop\n"
		    "counter 7 mark = mark & 0xffffbfff ^ 0x4000\n"
		    "unknown(mark: something may set it before the rules) counter 8 drop\n"
		    "counter 9 mark(mark set to the connection's)\n"
		    "counter 10 kernel(xt CONNMARK)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nft_rules_keep_their_meaning),
		cmocka_unit_test(the_way_back_is_known_in_prerouting),
		cmocka_unit_test(addresses_and_headers_of_one_family_keep_their_meaning),
		cmocka_unit_test(iptables_rules_keep_their_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
