// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"

static void expect_rule(const struct sl_program *p, const struct sl_rule *rule,
			const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	sl_rule_print(p, rule, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void rules_read_like_nft(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input = chain(p, "input"), *web = chain(p, "web");
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
#define reads(text, ...) expect_rule(p, rule(p, input, __VA_ARGS__), text)
	reads("ip saddr 10.0.0.9 drop", is(p, IP_SADDR, "10.0.0.9"), DROP);
	reads("ip6 daddr != fd00::9 accept", compare(p, IP6_DADDR, SL_NE, "fd00::9"), ACCEPT);
	reads("meta l4proto 6 th dport 22 jump web", is(p, L4PROTO, "6"), is(p, DPORT, "22"),
	      jump(web));
	reads("th dport 1024-65535 goto web", within(p, DPORT, "1024", "65535"), go_to(web));
	reads("th dport != 20-21 return", inverted(within(p, DPORT, "20", "21")), RETURN);
	reads("th sport >= 1024", compare(p, SPORT, SL_GE, "1024"));
	reads("iifname \"eth0\" continue", is(p, IIFNAME, "eth0"), CONTINUE);
	reads("iifname \"eth*\"", key_is(p, key(p, META(3, IIFNAME)), "eth"));
	reads("ether saddr 02:00:00:00:00:09",
	      key_is(p, key(p, ((struct sl_field){SL_LINK, 6, 6})), "\2\0\0\0\0\x09"));
	reads("tcp option maxseg size 1-500",
	      within(p, ((struct sl_field){SL_TCP_OPTION, 2, 2 << 8 | 2}), "1", "500"));
	reads("tcp option @3,16,8 0x07",
	      is(p, ((struct sl_field){SL_TCP_OPTION, 1, 3 << 8 | 2}), "7"));
	reads("tcp option 4 has 1 0x01",
	      is(p, ((struct sl_field){SL_HAS_TCP_OPTION, 1, 4 << 8}), "1"));
	reads("mark = 0x5", set_mark(p, 0, 5));
	reads("mark = mark & 0xfffffffe ^ 0x2 drop", set_mark(p, ~1u, 2), DROP);
	reads("mark(ct mark)", lose_mark(p));
	reads("meta mark 7 kernel", is(p, MARK, "7"), VERDICT(KERNEL));
	reads("ct mark 7 ct direction 1 oifname \"eth1\" drop", is(p, CT_MARK, "7"),
	      is(p, CT_DIRECTION, "1"), is(p, OIFNAME, "eth1"), DROP);
	reads("ct state established,related accept", state(SL_WORLD_ESTABLISHED | SL_WORLD_RELATED),
	      ACCEPT);
	reads("ct state none", state(0));
	reads("th dport @set0", in_set(ports, key(p, DPORT)));
	reads("th dport != @set0", inverted(in_set(ports, key(p, DPORT))));
	reads("th dport vmap @set0", vmap(ports, key(p, DPORT)));
	reads("any(th sport 22, th dport @set0)",
	      any(p, is(p, SPORT, "22"), in_set(ports, key(p, DPORT))));
	reads("none(th sport 22)", inverted(any(p, is(p, SPORT, "22"))));
	reads("unknown(osf) kernel(limit) counter 0 drop", unknown("osf"), kernel("limit"),
	      counter(p, input), DROP);
	sl_program_free(p);
}

static void keys_show_how_they_are_made(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input = chain(p, "input");
	const struct sl_field raw = {SL_TRANSPORT, 1, 13};
	struct sl_part far = {DPORT, 4};
	struct sl_key address = key(p, IP_SADDR), port = key(p, DPORT), part;

	(void)unused;
	part = masked(p, address, "\xff\xff\xff\0", NULL);
	reads("ip saddr & 255.255.255.0 == 10.0.0.0", key_is(p, part, "\x0a\0\0\0"));
	part = masked(p, address, "\xff\xff\xff\0", "\0\0\0\1");
	reads("ip saddr & 255.255.255.0 ^ 0x00000001 == 10.0.0.1", key_is(p, part, "\x0a\0\0\1"));
	reads("@th,104,8 & 0x12 == 0x02", key_is(p, masked(p, key(p, raw), "\x12", NULL), "\2"));
	reads("th dport swap2 == 0x1600", key_is(p, swapped(p, port, 2), "\x16\0"));
	reads("th dport << 3 >> 4 == 0x0001",
	      key_is(p, shifted(p, shifted(p, port, SL_SHL, 3), SL_SHR, 4), "\0\1"));
	reads("ip saddr . th dport 10.0.0.9 . 22",
	      key_is(p, key(p, IP_SADDR, DPORT), "\x0a\0\0\x09\0\x16\0\0"));
	/* bytes outside of any part are shown */
	reads("ip saddr . th dport 0x0a00000900160001",
	      key_is(p, key(p, IP_SADDR, DPORT), "\x0a\0\0\x09\0\x16\0\1"));
	reads("th dport[4] 22",
	      key_is(p, (struct sl_key){8, 1, 0, &far, NULL}, "\0\0\0\0\0\x16\0\0"));
	part = key(p, IP_SADDR, DPORT);
	part.transform_count = 1;
	part.transforms = &(struct sl_transform){.kind = SL_SWAP, .at = 4, .length = 2, .width = 2};
	reads("ip saddr . th dport swap2 [4,2] == 0x0a00000916000000",
	      key_is(p, part, "\x0a\0\0\x09\x16\0\0\0"));
	sl_program_free(p);
}

static void the_chains_family_tells_what_bytes_mean(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input = chain(p, "input");

	(void)unused;
	input->family = NFPROTO_IPV6;
	reads("@nh,96,32 0x0a000009", is(p, IP_SADDR, "10.0.0.9"));
	reads("ip6 length 8", key_is(p, key(p, ((struct sl_field){SL_NETWORK, 2, 4})), "\0\x08"));
	input->family = NFPROTO_IPV4;
	reads("@nh,32,16 0x0008",
	      key_is(p, key(p, ((struct sl_field){SL_NETWORK, 2, 4})), "\0\x08"));
	sl_program_free(p);
}

static void the_whole_program_as_text(void **unused)
{
	static const char expected[] =
		"generation 7\n"
		"device eth0 index 2 type 1 group 0 mtu 1500 mac 02:00:00:00:00:01\n"
		"local 10.0.0.1 fd00::1\n"
		"route ip input-only, ip6 local-only\n"
		"conntrack miss new,invalid\n"
		"path\n"
		"\tip,ip6 prerouting 0 kernel(foreign hook)\n"
		"\tip conntrack\n"
		"\tip,ip6 route\n"
		"\tip,ip6 input 10 chain inet filter input policy drop counter 1\n"
		"\n"
		"chain inet filter input {\n"
		"\tip saddr @set0 counter 0 drop # handle 1 \"bad \\x22guys\\x1b\"\n"
		"\tth dport vmap @set1 # handle 2\n"
		"\t# handle 3\n"
		"}\n"
		"\n"
		"set inet filter set0 { # interval, 4 bytes, timeouts\n"
		"\t10.0.0.0 - 10.0.0.255\n"
		"\t10.0.1.1 expires at 5ns\n"
		"}\n"
		"\n"
		"map inet filter set1 { # exact, 2 bytes, constant\n"
		"\t22 : accept\n"
		"\t* : goto input\n"
		"}\n"
		"\n"
		"set inet filter set2 { # boxes, 8 bytes: 4.2\n"
		"\t0x0000000100020000 - 0x0000000300040000\n"
		"\t*\n"
		"}\n"
		"\n"
		"counter 0 inet filter input handle 1\n"
		"counter 1 inet filter input policy\n";
	struct sl_program *p = host();
	struct sl_chain *input;
	struct sl_set *nets, *ports, *boxes;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)unused;
	p->generation = 7;
	step(p, SL_STEP_KERNEL);
	step(p, SL_STEP_CONNTRACK)->families = SL_IP;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 10, DROPS);
	nets = set(p, SL_SET_INTERVAL, IP_SADDR);
	nets->has_timeouts = true;
	add(p, nets, "\x0a\0\0\0", "\x0a\0\0\xff");
	add(p, nets, "\x0a\0\1\1", NULL)->expires_at_ns = 5;
	ports = set(p, SL_SET_EXACT, DPORT);
	ports->is_constant = ports->has_catchall = true;
	ports->catchall = go_to(input).verdict;
	map(p, ports, "\0\x16", ACCEPT);
	boxes = set(p, SL_SET_BOXES, IP_SADDR, DPORT);
	boxes->has_catchall = true;
	add(p, boxes, "\0\0\0\1\0\2\0\0", "\0\0\0\3\0\4\0\0");
	rule(p, input, in_set(nets, key(p, IP_SADDR)), counter(p, input), DROP)->comment =
		"bad \"guys\x1b";
	rule(p, input, vmap(ports, key(p, DPORT)));
	rule_of(p, input, NULL, 0);
	p->path.items[3].policy_counter = new_counter(p, input, 0);

	sl_program_print(p, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	sl_program_free(p);
}

static void the_rules_of_a_table_stand_below_it(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, DPORT, "23"), ACCEPT);
	gather_all(p, input);
	sl_program_print(p, out);
	fclose(out);
	assert_non_null(strstr(text, "{\n\ttable of 2 rules: # handle 1\n"
				     "\t\tth dport 22 drop # handle 1\n"
				     "\t\tth dport 23 accept # handle 2\n}"));
	free(text);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_read_like_nft),
		cmocka_unit_test(keys_show_how_they_are_made),
		cmocka_unit_test(the_chains_family_tells_what_bytes_mean),
		cmocka_unit_test(the_whole_program_as_text),
		cmocka_unit_test(the_rules_of_a_table_stand_below_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
