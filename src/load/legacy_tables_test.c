// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel makes of iptables-legacy's rules is read back, and what they mean to sluice. */
#include "load/legacy_tables.h"

#include "lift/ruleset_builder.h"
#include "source/legacy.h"
#include "source/testing.h"

static struct sl_observer *observer;

static int open_observer(void **state)
{
	struct sl_diag diag = {""};

	(void)state;
	return sl_observer_open(&observer, &diag);
}

static int close_observer(void **state)
{
	(void)state;
	sl_observer_free(observer);
	return 0;
}

/* The rules in a namespace of their own. */
static void restore(const char *tool, const char *text)
{
	enter_new_namespace();
	load(tool, text);
}

/* Beside an empty table of nf_tables, and on a host with the device eth0. */
static struct nft read_back(struct sl_legacy_tables *ret_tables)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_snapshot snapshot;
	struct sl_diag diag = {""};

	if (sl_observer_look(observer, 1, &snapshot, &diag) ||
	    sl_legacy_tables_take(observer, &nft.host, nft.rules, ret_tables, &diag))
		fail_msg("%s", diag.text);
	nft.host.has_legacy_ip = nft.host.has_legacy_ip6 = true;
	if (nft.rules->legacy_obstacles[0])
		fail_msg("%s", nft.rules->legacy_obstacles[0]);
	return nft;
}

static void expect_input(const char *expected)
{
	struct sl_legacy_tables tables;
	struct nft nft = read_back(&tables);

	expect_rules(&nft, "INPUT", expected);
}

static void matches_mean_what_they_say(void **state)
{
	(void)state;
	restore("iptables-legacy-restore", "*filter\n"
					   ":INPUT DROP [0:0]\n"
					   ":sub - [0:0]\n"
					   "-A INPUT\n"
					   "-A INPUT -s 192.0.2.1 -j DROP\n"
					   "-A INPUT ! -s 192.0.2.0/24 -d 10.0.0.0/9 -j DROP\n"
					   "-A INPUT -i eth0 -j DROP\n"
					   "-A INPUT ! -i eth+ -j DROP\n"
					   "-A INPUT -p tcp -j ACCEPT\n"
					   "-A INPUT ! -p icmp -j DROP\n"
					   "-A INPUT -f -j DROP\n"
					   "-A INPUT ! -f -j DROP\n"
					   "-A INPUT -p tcp --dport 22:23 -j DROP\n"
					   "-A INPUT -p udp ! --sport 53 -j DROP\n"
					   "-A INPUT -p tcp -m multiport --dports 80,443 -j sub\n"
					   "-A INPUT -m conntrack --ctstate NEW -g sub\n"
					   "-A INPUT -m comment --comment hello -j RETURN\n"
					   "-A INPUT -m limit --limit 1/s -j ACCEPT\n"
					   "-A INPUT -p tcp -j REJECT\n"
					   "COMMIT\n");
	expect_input("counter 0\n"
		     "ip saddr 192.0.2.1 counter 1 drop\n"
		     "ip saddr & 255.255.255.0 != 192.0.2.0 ip daddr & 255.128.0.0 == 10.0.0.0 "
		     "counter 2 drop\n"
		     "iifname \"eth0\" counter 3 drop\n"
		     "iifname != \"eth*\" counter 4 drop\n"
		     "meta l4proto 6 counter 5 accept\n"
		     "meta l4proto != 1 counter 6 drop\n"
		     "@nh,48,16 & 0x1fff != 0x0000 counter 7 drop\n"
		     "@nh,48,16 & 0x1fff == 0x0000 counter 8 drop\n"
		     "meta l4proto 6 th dport 22-23 counter 9 drop\n"
		     "meta l4proto 17 th sport != 53 counter 10 drop\n"
		     "meta l4proto 6 any(th dport 80, th dport 443) counter 11 jump sub\n"
		     "ct state new counter 12 goto sub\n"
		     "counter 13 return\n"
		     "kernel(xt limit)\n"
		     "meta l4proto 6 counter 14 kernel(xt REJECT)\n");
}

static void matches_of_ip6_mean_what_they_say(void **state)
{
	(void)state;
	restore("ip6tables-legacy-restore", "*filter\n"
					    "-A INPUT -s 2001:db8::/32 -j DROP\n"
					    "-A INPUT -p tcp --dport 22 -j DROP\n"
					    "-A INPUT ! -p ipv6-icmp ! -d fe80::1 -j DROP\n"
					    "COMMIT\n");
	expect_input("ip6 saddr & ffff:ffff:: == 2001:db8:: counter 0 drop\n"
		     "meta l4proto 6 th dport 22 counter 1 drop\n"
		     "ip6 daddr != fe80::1 meta l4proto != 58 counter 2 drop\n");
}

static void tables_stand_at_their_hooks(void **state)
{
	struct sl_legacy_tables tables;
	struct nft nft;

	(void)state;
	restore("iptables-legacy-restore", "*raw\n:PREROUTING DROP\nCOMMIT\n"
					   "*mangle\n:FORWARD DROP\nCOMMIT\n"
					   "*nat\nCOMMIT\n"
					   "*filter\n:INPUT DROP\nCOMMIT\n");
	nft = read_back(&tables);
	expect_path(&nft, "ip PREROUTING drop\n"
			  "ip CONNTRACK\n"
			  "ip PREROUTING\n"
			  "ip PREROUTING\n"
			  "both ROUTE\n"
			  "ip INPUT\n"
			  "ip INPUT drop\n"
			  "ip INPUT\n"
			  "ip FORWARD drop\n"
			  "ip FORWARD\n");
}

static u64 handle_of(const struct nft *nft, u32 rule)
{
	const struct sl_nft_table *table =
		sl_ruleset_find_table(nft->rules, NFPROTO_IPV4, "legacy filter");

	return sl_table_find_chain(table, "INPUT")->rules.items[rule].handle;
}

static void a_rule_keeps_its_handle(void **state)
{
	struct sl_legacy_tables tables;
	struct nft before, after;

	(void)state;
	restore("iptables-legacy-restore", "*filter\n"
					   "-A INPUT -s 192.0.2.1 -j DROP\n"
					   "-A INPUT -s 192.0.2.2 -j DROP\n"
					   "-A INPUT -s 192.0.2.1 -j DROP\n"
					   "COMMIT\n");
	before = read_back(&tables);
	load("sh -e", "iptables-legacy -I INPUT -p tcp -j ACCEPT\n");
	after = read_back(&tables);
	assert_int_not_equal(handle_of(&before, 0), handle_of(&before, 2));
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(handle_of(&before, i), handle_of(&after, i + 1));
	nft_free(&before);
	nft_free(&after);
}

/* A copy that was torn is of no state that ever was: any bytes may be in it. */
static void garbled_tables_are_no_harm(void **state)
{
	static struct sl_legacy_chunk chunks[SL_LEGACY_CHUNKS];
	const struct sl_legacy_family *family;
	struct sl_legacy_source source = {.protocol = NFPROTO_IPV4, .chunks = chunks};
	struct sl_legacy_tables tables;
	struct sl_diag diag = {""};
	struct nft nft;
	u32 refused = 0;

	(void)state;
	restore("iptables-legacy-restore", "*filter\n:sub -\n"
					   "-A INPUT -p tcp --dport 22 -j sub\n"
					   "-A sub -m comment --comment x -j DROP\n"
					   "COMMIT\n");
	nft = read_back(&tables);
	family = source.family = &sl_observer_legacy(observer)[0];
	memcpy(chunks, tables.chunks, family->chunks * sizeof *chunks);
	sl_legacy_find_extensions(&source);
	assert_int_equal(
		sl_observer_name_extensions(observer, source.names, source.name_count, &diag), 0);
	srand(1);
	for (u32 i = 0; i < 4000; i++) {
		struct nft garbled = a_table(NFPROTO_INET);
		__u64 *word = &chunks[(u32)rand() % family->chunks]
				       .words[(u32)rand() % SL_LEGACY_CHUNK_WORDS];
		u64 kept = *word;
		const char *obstacle = NULL;

		*word ^= (u64)(rand() & 0xff) << (rand() & 56);
		assert_int_equal(sl_legacy_read(&source, garbled.rules, &obstacle), 0);
		refused += obstacle != NULL;
		assert_int_equal(garbled.rules->tables.count, obstacle ? 1 : 2);
		if (!obstacle)
			sl_program_free(lift(&garbled));
		*word = kept;
		nft_free(&garbled);
	}
	assert_true(refused > 100 && refused < 3900);
	nft_free(&nft);
}

/* What was taken for x_tables' memory is another's, and there are tables after all. */
static void tables_that_cannot_be_found_are_an_obstacle(void **state)
{
	static const char found_none[] =
		"iptables-legacy rules are present, and cannot be found in this kernel";
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_legacy_tables tables;
	struct sl_snapshot snapshot;
	struct sl_diag diag = {""};

	(void)state;
	enter_new_namespace();
	nft.host.has_legacy_ip6 = true;
	assert_int_equal(sl_observer_look(observer, 1, &snapshot, &diag), 0);
	assert_int_equal(sl_legacy_tables_take(observer, &nft.host, nft.rules, &tables, &diag), 0);
	assert_null(nft.rules->legacy_obstacles[0]);
	assert_true(nft.rules->holds_legacy[0]);
	assert_string_equal(nft.rules->legacy_obstacles[1], found_none);
	assert_false(nft.rules->holds_legacy[1]);
	nft_free(&nft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_mean_what_they_say),
		cmocka_unit_test(matches_of_ip6_mean_what_they_say),
		cmocka_unit_test(tables_stand_at_their_hooks),
		cmocka_unit_test(a_rule_keeps_its_handle),
		cmocka_unit_test(garbled_tables_are_no_harm),
		cmocka_unit_test(tables_that_cannot_be_found_are_an_obstacle),
	};

	return cmocka_run_group_tests(tests, open_observer, close_observer);
}
