/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/testing.h"

#include <netinet/in.h> /* ahead of the kernel's in.h */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "source/source.h"
#include "source/watch.h"

/* A namespace with rules in it, and a watch over both. */
struct scene {
	struct sl_watch *watch;
	struct sl_ruleset *known;
	struct sl_event event;
};

static void set_up(struct scene *scene, const char *rules)
{
	struct sl_ruleset *whole;
	struct sl_diag diag = {0};

	*scene = (struct scene){0};
	enter_new_namespace();
	load("nft -f -", rules);
	assert_int_equal(sl_source_read_live(1000, &whole, &diag), 0);
	scene->known = sl_ruleset_outline(whole); /* which is all that a keeper keeps */
	assert_non_null(scene->known);
	sl_ruleset_free(whole);
	assert_int_equal(sl_watch_open(&scene->watch, &diag), 0);
}

static void tear_down(struct scene *scene)
{
	sl_watch_close(scene->watch);
	sl_ruleset_free(scene->known);
}

static int next(struct scene *scene)
{
	struct sl_diag diag = {0};
	int result = sl_watch_next(scene->watch, scene->known, &scene->event, &diag);

	if (result < 0)
		fail_msg("%s", diag.text);
	return result;
}

static void expect_kind(struct scene *scene, enum sl_event_kind kind)
{
	while (next(scene))
		if (scene->event.kind == kind)
			return;
	fail_msg("no event of kind %d", kind);
}

static void expect_nothing(struct scene *scene)
{
	assert_int_equal(next(scene), 0);
}

static const char sets[] = "table ip t {\n"
			   " set s { type ipv4_addr; }\n"
			   " set n { type ipv4_addr; flags interval; }\n"
			   " set e { type ipv4_addr; flags timeout; }\n"
			   " map m { type inet_service : verdict; }\n"
			   " set b { type ipv4_addr . inet_service; flags interval; }\n"
			   " chain d { }\n"
			   "}\n";

static void tell_who_changed_the_rules(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add rule ip t d drop\nadd rule ip t d drop\n");
	expect_kind(&scene, SL_EVENT_RULES);
	assert_false(scene.event.rules.elements_only);
	assert_true(scene.event.rules.needs_dump);
	assert_int_equal(scene.event.rules.generation, scene.known->generation + 1);
	assert_string_equal(scene.event.rules.process, "nft");
	assert_int_not_equal(scene.event.rules.pid, 0);
	expect_nothing(&scene);
	tear_down(&scene);
}

static void expect_changes(struct scene *scene, u32 count)
{
	expect_kind(scene, SL_EVENT_RULES);
	assert_true(scene->event.rules.elements_only);
	assert_false(scene->event.rules.needs_dump);
	assert_int_equal(scene->event.rules.changes.count, count);
}

static void expect_change(const struct scene *scene, u32 i, bool is_added, const char *set,
			  const char *key, const char *key_end, size_t length)
{
	const struct sl_element_change *change = &scene->event.rules.changes.items[i];

	assert_int_equal(change->family, NFPROTO_IPV4);
	assert_string_equal(change->table, "t");
	assert_string_equal(change->set, set);
	assert_int_equal(change->is_added, is_added);
	assert_memory_equal(change->element.key, key, length);
	assert_memory_equal(change->element.key_end, key_end, length);
}

static void tell_elements_that_come_and_go(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add element ip t s { 1.2.3.4, 1.2.3.5 }\n");
	expect_changes(&scene, 2);
	load("nft -f -", "delete element ip t s { 1.2.3.4 }\n");
	expect_changes(&scene, 1);
	expect_change(&scene, 0, false, "s", "\1\2\3\4", "\1\2\3\4", 4);
	load("nft -f -", "flush set ip t s\nadd element ip t s { 9.9.9.9 }\n");
	expect_changes(&scene, 2);
	expect_change(&scene, 0, false, "s", "\1\2\3\5", "\1\2\3\5", 4);
	expect_change(&scene, 1, true, "s", "\11\11\11\11", "\11\11\11\11", 4);
	tear_down(&scene);
}

static void tell_whole_ranges(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add element ip t n { 10.0.0.0/8, 11.0.0.0/8, 1.1.1.1 }\n");
	expect_changes(&scene, 3);
	expect_change(&scene, 0, true, "n", "\1\1\1\1", "\1\1\1\1", 4);
	expect_change(&scene, 1, true, "n", "\12\0\0\0", "\12\377\377\377", 4);
	expect_change(&scene, 2, true, "n", "\13\0\0\0", "\13\377\377\377", 4);
	load("nft -f -", "delete element ip t n { 10.0.0.0/8 }\n"
			 "add element ip t n { 10.1.0.0/16 }\n");
	expect_changes(&scene, 2);
	expect_change(&scene, 0, false, "n", "\12\0\0\0", "\12\377\377\377", 4);
	expect_change(&scene, 1, true, "n", "\12\1\0\0", "\12\1\377\377", 4);
	load("nft -f -", "add element ip t b { 10.0.0.0/8 . 1-9 }\n");
	expect_changes(&scene, 1);
	expect_change(&scene, 0, true, "b", "\12\0\0\0\0\1\0\0", "\12\377\377\377\0\11\0\0", 8);
	tear_down(&scene);
}

static void ask_for_a_dump_where_a_range_has_no_end(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add element ip t n { 240.0.0.0/4 }\n");
	expect_kind(&scene, SL_EVENT_RULES);
	assert_true(scene.event.rules.elements_only);
	assert_true(scene.event.rules.needs_dump);
	assert_int_equal(scene.event.rules.changes.count, 0);
	tear_down(&scene);
}

static void tell_verdicts(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add element ip t m { 22 : drop, 80 : jump d }\n");
	expect_changes(&scene, 2);
	for (u32 i = 0; i < 2; i++) {
		const struct sl_nft_element *element = &scene.event.rules.changes.items[i].element;

		if (element->key[1] == 22)
			assert_int_equal(element->verdict.code, NF_DROP);
		else
			assert_string_equal(element->verdict.chain, "d");
	}
	tear_down(&scene);
}

static void expire_early_rather_than_late(void **state)
{
	struct scene scene;
	struct timespec now;

	(void)state;
	set_up(&scene, sets);
	expect_nothing(&scene);
	load("nft -f -", "add element ip t e { 1.1.1.1 timeout 60s }\n");
	clock_gettime(CLOCK_MONOTONIC, &now);
	u64 latest = ((u64)now.tv_sec + 60) * 1000000000 + (u64)now.tv_nsec;

	usleep(50000);
	expect_changes(&scene, 1);
	u64 expires = scene.event.rules.changes.items[0].element.expires_at_ns;

	assert_true(expires <= latest);
	assert_true(expires > latest - 5000000000);
	assert_int_equal(scene.event.rules.changes.items[0].element.timeout_ms, 60000);
	tear_down(&scene);
}

static void ask_for_a_dump_about_unknown_sets(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("nft -f -", "add set ip t late { type ipv4_addr; }\n"
			 "add element ip t late { 1.1.1.1 }\n");
	expect_kind(&scene, SL_EVENT_RULES);
	assert_true(scene.event.rules.needs_dump);
	load("nft -f -", "add element ip t late { 1.1.1.2 }\n");
	expect_kind(&scene, SL_EVENT_RULES);
	assert_true(scene.event.rules.elements_only);
	assert_true(scene.event.rules.needs_dump);
	tear_down(&scene);
}

static void notice_devices_addresses_settings_and_routes(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	load("sh -e", "ip link add va type veth peer name vb\n");
	expect_kind(&scene, SL_EVENT_LINK);
	load("sh -e", "ip link set va up\nip addr add 10.0.0.1/24 dev va\n");
	expect_kind(&scene, SL_EVENT_ADDRESS);
	load("sh -e", "ip route add 10.9.0.0/16 dev va 2>/dev/null || ip rule add from 10.0.0.9\n");
	expect_kind(&scene, SL_EVENT_ROUTE);
	load("sh -e", "echo 1 > /proc/sys/net/ipv4/conf/va/forwarding\n");
	expect_kind(&scene, SL_EVENT_NETCONF);
	load("sh -e", "tc qdisc add dev va clsact\n"
		      "tc filter add dev va ingress u32 match u32 0 0 flowid 1:1\n");
	expect_kind(&scene, SL_EVENT_TC);
	while (next(&scene))
		;
	load("sh -e", "ip link del vb\n");
	expect_kind(&scene, SL_EVENT_LINK);
	tear_down(&scene);
}

static int talk_to_myself(int *ret_server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(21), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	*ret_server = accept(listener, NULL, NULL);
	assert_true(*ret_server >= 0);
	close(listener);
	return client;
}

/* An FTP server announces a data port; conntrack's helper overhears it. */
static void notice_expected_connections(void **state)
{
	static const char announcement[] = "227 Entering Passive Mode (127,0,0,1,39,16).\r\n";
	struct scene scene;
	char heard[128];
	int server;

	(void)state;
	set_up(&scene, sets);
	load("ip link set lo up; nft -f -",
	     "table ip h {\n ct helper f { type \"ftp\" protocol tcp; }\n"
	     " chain o { type filter hook output priority 0; tcp dport 21 ct state new ct helper "
	     "set \"f\"; "
	     "}\n}\n");
	int client = talk_to_myself(&server);

	/* The helper only listens behind a line's end, so there has to be one before. */
	assert_int_equal(write(server, "220 hello\r\n", 11), 11);
	assert_int_equal(read(client, heard, sizeof heard), 11);
	assert_int_equal(write(client, "PASV\r\n", 6), 6);
	assert_int_equal(read(server, heard, sizeof heard), 6);
	assert_true(write(server, announcement, sizeof announcement - 1) > 0);
	assert_true(read(client, heard, sizeof heard) > 0);
	expect_kind(&scene, SL_EVENT_EXPECTATION);
	close(client);
	close(server);
	tear_down(&scene);
}

static void wake_up_a_poller(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	while (next(&scene))
		;
	struct pollfd poller = {.fd = sl_watch_fd(scene.watch), .events = POLLIN};

	assert_int_equal(poll(&poller, 1, 0), 0);
	load("nft -f -", "add element ip t s { 1.2.3.4 }\n");
	assert_int_equal(poll(&poller, 1, 1000), 1);
	expect_changes(&scene, 1);
	assert_int_equal(poll(&poller, 1, 0), 0);
	tear_down(&scene);
}

static void say_when_notices_were_lost(void **state)
{
	struct scene scene;

	(void)state;
	set_up(&scene, sets);
	/* 250,000 elements do not fit into the backlog. */
	load("sh -e",
	     "awk 'BEGIN { printf \"add element ip t s { \"; for (i = 0; i < 250000; i++) "
	     "printf \"10.%d.%d.%d,\", i / 65536, i / 256 % 256, i % 256; print \"}\" }' | "
	     "nft -f -\n");
	expect_kind(&scene, SL_EVENT_OVERRUN);
	expect_nothing(&scene);
	load("nft -f -", "add element ip t s { 1.2.3.4 }\n");
	expect_kind(&scene, SL_EVENT_RULES);
	assert_true(scene.event.rules.needs_dump);
	assert_int_equal(scene.event.rules.changes.count, 0);
	load("nft -f -", "add element ip t s { 1.2.3.5 }\n");
	expect_changes(&scene, 1);
	tear_down(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_who_changed_the_rules),
		cmocka_unit_test(tell_elements_that_come_and_go),
		cmocka_unit_test(tell_whole_ranges),
		cmocka_unit_test(ask_for_a_dump_where_a_range_has_no_end),
		cmocka_unit_test(tell_verdicts),
		cmocka_unit_test(expire_early_rather_than_late),
		cmocka_unit_test(ask_for_a_dump_about_unknown_sets),
		cmocka_unit_test(notice_devices_addresses_settings_and_routes),
		cmocka_unit_test(notice_expected_connections),
		cmocka_unit_test(wake_up_a_poller),
		cmocka_unit_test(say_when_notices_were_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
