// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: what is not in the filter of known connections must not be in conntrack's table. Wherever a
 * connection comes from, it is let in as before; and strangers are told from it without a lookup.
 */
#include <bpf/bpf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "known.h"
#include "load/pins.h"

/* What begins at an open port is known afterwards, though the port is closed again. */
static const char server_rules[] = "table inet t {\n"
				   "	set open {\n"
				   "		type inet_service;\n"
				   "		elements = { 5000 }\n"
				   "	}\n"
				   "	chain input {\n"
				   "		type filter hook input priority 0; policy drop;\n"
				   "		meta l4proto ipv6-icmp accept\n"
				   "		ct state established accept\n"
				   "		tcp dport @open accept\n"
				   "		udp dport @open accept\n"
				   "	}\n"
				   "}\n";

static const char nat_rules[] =
	"table inet t {\n"
	"	set open {\n"
	"		type inet_service;\n"
	"		elements = { 5000 }\n"
	"	}\n"
	"	chain pre {\n"
	"		type nat hook prerouting priority -100;\n"
	"		ip daddr 10.77.0.1 tcp dport 8053 dnat ip to 10.88.0.2:5000\n"
	"		ip daddr 10.77.0.1 udp dport 8053 dnat ip to 10.88.0.2:5000\n"
	"	}\n"
	"	chain post {\n"
	"		type nat hook postrouting priority 100;\n"
	"		oif \"dut0\" masquerade\n"
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority 0; policy drop;\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority 0; policy drop;\n"
	"		ct state established accept\n"
	"		iif \"back0\" accept\n"
	"		ct status dnat th dport @open accept\n"
	"	}\n"
	"}\n";

/* Two ends of a connection that was begun and answered. */
struct flow {
	const char *what;
	int client, server;
};

#define FLOWS_MAX 24

static struct flow flows[FLOWS_MAX];
static u32 flow_count;

static void add_flow(const char *what, int client, int server)
{
	expect(flow_count < FLOWS_MAX, "too many flows");
	flows[flow_count++] = (struct flow){what, client, server};
}

static void begin_tcp(const char *what, enum place from, enum place to, const char *address,
		      u16 port, u16 server_port)
{
	int listener = listen_tcp(to, server_port), client = connect_tcp(from, address, port);

	expect(client >= 0, "%s: not even begun", what);
	add_flow(what, client, accept(listener, NULL, NULL));
	close(listener);
}

static void begin_udp(const char *what, enum place from, enum place to, const char *address,
		      u16 port, u16 server_port)
{
	int server = listen_udp(to, server_port), client = open_udp(from, address, port);
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;
	char byte;

	expect(send(client, "q", 1, 0) == 1, "%s: cannot ask", what);
	expect(recvfrom(server, &byte, 1, 0, (void *)&peer, &size) == 1, "%s: not asked", what);
	expect(!connect(server, (void *)&peer, size), "%s: cannot connect", what);
	expect(send(server, "r", 1, 0) == 1 && arrives(client), "%s: not even answered", what);
	add_flow(what, client, server);
}

static void begin_all(void)
{
	begin_tcp("TCP from outside", ON_WIRE, ON_HOST, "10.77.0.1", OPEN_PORT, OPEN_PORT);
	begin_tcp("TCP from outside, IPv6", ON_WIRE, ON_HOST, "fd77::1", OPEN_PORT, OPEN_PORT);
	begin_tcp("TCP of the host", ON_HOST, ON_WIRE, "10.77.0.2", 80, 80);
	begin_tcp("TCP of the host, IPv6", ON_HOST, ON_WIRE, "fd77::2", 80, 80);
	begin_udp("UDP from outside", ON_WIRE, ON_HOST, "10.77.0.1", OPEN_PORT, OPEN_PORT);
	begin_udp("UDP of the host", ON_HOST, ON_WIRE, "10.77.0.2", 53, 53);
	begin_udp("UDP of the host, IPv6", ON_HOST, ON_WIRE, "fd77::2", 54, 54);
}

static void close_ports(void)
{
	run(ON_HOST, "nft flush set inet t open");
	settle();
}

static bool passes(int from, int to)
{
	return send(from, "x", 1, 0) == 1 && arrives(to);
}

/* Both ways; several times, for batches and lists. */
static void expect_flows(const char *when)
{
	for (u32 i = 0; i < flow_count; i++)
		for (u32 n = 0; n < 3; n++)
			expect(passes(flows[i].client, flows[i].server) &&
				       passes(flows[i].server, flows[i].client),
			       "%s was cut %s", flows[i].what, when);
}

static struct sl_known_cell read_cell(void)
{
	int fd = sl_pins_get(net_cookie(), device, "known");
	struct sl_known_cell cell = {0};
	u32 zero = 0;

	if (fd >= 0) {
		bpf_map_lookup_elem(fd, &zero, &cell);
		close(fd);
	}
	return cell;
}

static bool is_live(void)
{
	return read_cell().version != 0;
}

static bool has_filter(void)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), device, "known");
	return !access(path, F_OK);
}

/* Linux 6.4 brought what it takes. */
static void attach_with_filter(void)
{
	attach();
	if (!has_filter())
		skip_case("this kernel takes no programs at netfilter's hooks");
}

static void wait_for_filter(void)
{
	expect(eventually(is_live(), 10), "no filter: state %u", read_cell().state);
}

/* The words that are read, writable. */
static u64 *map_words(u64 *ret_count)
{
	int fd = sl_pins_get(net_cookie(), device, "known_words");
	struct sl_known_cell cell = read_cell();
	struct bpf_map_info info = {0};
	u32 size = sizeof info, generation = cell.version & 1;
	u64 *words;

	expect(fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size), "no words");
	words = mmap(NULL, info.max_entries * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		     0);
	expect(words != MAP_FAILED, "the words cannot be mapped");
	close(fd);
	*ret_count = 1ULL << (64 - cell.shift[generation]);
	return words + cell.first[generation];
}

static void start(const char *rules)
{
	build_lab();
	load_nft(rules);
}

/* While it is being made, they may come between the hooks and the dump, or behind it. */
static void connections_of_any_age(void)
{
	start(server_rules);
	begin_all();
	attach_with_filter();
	prove_early_drops();
	for (u16 port = 6000; !is_live(); port++) {
		expect(port < 6100, "no filter: state %u", read_cell().state);
		if (flow_count < FLOWS_MAX)
			begin_udp("UDP while it was made", ON_HOST, ON_WIRE, "10.77.0.2", port,
				  port);
		pause_ms(100);
	}
	expect_flows("by the filter");
	flow_count = 0;
	begin_all();
	close_ports();
	expect_flows("at once");
	prove_early_drops();
	expect(is_live(), "the filter is gone");
}

static void translated_connections(void)
{
	build_lab();
	build_back();
	load_nft(nat_rules);
	begin_tcp("DNAT before the attach", ON_WIRE, ON_BACK, "10.77.0.1", 8053, OPEN_PORT);
	begin_tcp("SNAT before the attach", ON_BACK, ON_WIRE, "10.77.0.2", 80, 80);
	begin_udp("SNAT of UDP before the attach", ON_BACK, ON_WIRE, "10.77.0.2", 53, 53);
	attach_with_filter();
	wait_for_filter();
	begin_tcp("DNAT", ON_WIRE, ON_BACK, "10.77.0.1", 8053, OPEN_PORT);
	begin_udp("DNAT of UDP", ON_WIRE, ON_BACK, "10.77.0.1", 8053, OPEN_PORT);
	begin_tcp("SNAT", ON_BACK, ON_WIRE, "10.77.0.2", 81, 81);
	begin_udp("SNAT of UDP", ON_BACK, ON_WIRE, "10.77.0.2", 55, 55);
	close_ports();
	prove_early_drops();
	expect_flows("by the filter");
}

static void keeper_is_stopped_or_dead(void)
{
	start(server_rules);
	attach_with_filter();
	wait_for_filter();
	kill(keeper(), SIGSTOP);
	begin_all();
	prove_early_drops();
	expect_flows("while the keeper was stopped");
	kill(keeper(), SIGKILL);
	expect(eventually(!keeper(), 1), "it holds its lock in death");
	begin_udp("UDP of the host", ON_HOST, ON_WIRE, "10.77.0.2", 56, 56);
	expect_flows("when the keeper was dead");
	prove_early_drops();
	expect(is_live(), "the filter died with the keeper");
	attach_with_filter();
	prove_early_drops();
	expect_flows("when another had taken over");
	wait_for_filter();
	expect_flows("by another's filter");
}

/* What no packet begins, the data plane learns by conntrack's own counters; the keeper need not. */
static void connections_that_are_inserted(void)
{
	int server;

	start(server_rules);
	server = listen_udp(ON_HOST, 7000);
	attach_with_filter();
	wait_for_filter();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "conntrack -I -s 10.77.0.2 -d 10.77.0.1 -p udp --sport 7001 --dport 7000 -t "
		     "100 -u SEEN_REPLY");
	send_frame(&(struct frame){.sport = 7001, .dport = 7000});
	expect(arrives(server), "dropped as a stranger");
	prove_early_drops(); /* by lookups */
	kill(keeper(), SIGCONT);
	expect(eventually(!is_live(), 3), "the keeper goes by the old filter");
	expect(eventually(is_live(), 12), "no new filter");
	send_frame(&(struct frame){.sport = 7001, .dport = 7000});
	expect(arrives(server), "dropped by the new filter");
	prove_early_drops();
}

/* Full of others' bits, it is made anew from what there is. */
static void renewal_loses_nothing(void)
{
	u64 *words, count;
	u64 before;

	start(server_rules);
	attach_with_filter();
	begin_all();
	wait_for_filter();
	close_ports();
	before = read_cell().version;
	words = map_words(&count);
	memset(words, 0xff, count * sizeof *words);
	prove_early_drops(); /* by lookups */
	while (read_cell().version == before || !is_live()) {
		static u16 port = 6000;

		if (flow_count < FLOWS_MAX)
			begin_udp("UDP of the host", ON_HOST, ON_WIRE, "10.77.0.2", port, port);
		port++;
		expect(port < 6100, "it was not renewed");
		pause_ms(300);
	}
	expect((read_cell().version ^ before) & 1, "the same generation");
	expect_flows("by the renewed filter");
	prove_early_drops();
}

/* The filter decides: what is taken out of it is a stranger, which no lookup would say. */
static void strangers_are_not_looked_up(void)
{
	u64 *words, count;

	start(server_rules);
	begin_udp("UDP of the host", ON_HOST, ON_WIRE, "10.77.0.2", 53, 53);
	attach_with_filter();
	wait_for_filter();
	prove_early_drops();
	expect_flows("by the filter");
	words = map_words(&count);
	memset(words, 0, count * sizeof *words);
	expect(!passes(flows[0].server, flows[0].client), "it was looked up all the same");
}

/* Somebody takes the hooks away: what comes from then on is in no filter. */
static void hooks_are_taken_away(void)
{
	start(server_rules);
	attach_with_filter();
	wait_for_filter();
	kill(keeper(), SIGSTOP);
	run(ON_HOST,
	    "for info in /proc/%d/fdinfo/*; do "
	    "awk '/link_type:.*netfilter/ {is = 1} /link_id:/ {id = $2} END {if (is) print id}' "
	    "$info; done | while read id; do bpftool link detach id $id; done",
	    (int)keeper());
	begin_all();
	expect_flows("while the keeper was stopped");
	kill(keeper(), SIGCONT);
	settle();
	expect_flows("by a filter without hooks");
	expect(eventually(!is_live(), 2), "the filter is in use");
	prove_early_drops();
	expect_flows("by lookups");
}

static void change_modules(const char *verb, const char *module)
{
	if (attempt(ON_HOST, "%s %s", verb, module))
		skip_case("%s %s is refused: %s", verb, module, output);
}

/*
 * Whoever comes into the kernel may make connections by itself: until its symbols are read,
 * everybody is looked up. Modules are the machine's, so only a machine made for tests is asked.
 */
static void modules_come_and_go(void)
{
	u64 *words, count;

	if (!getenv("SLUICE_MODULES_ARE_OURS"))
		skip_case("modules are loaded in guests of tests/kernels only");
	start(server_rules);
	begin_udp("UDP of the host", ON_HOST, ON_WIRE, "10.77.0.2", 53, 53);
	attach_with_filter();
	wait_for_filter();
	words = map_words(&count);
	memset(words, 0, count * sizeof *words);
	expect(!passes(flows[0].server, flows[0].client), "the filter does not decide");
	kill(keeper(), SIGSTOP);
	change_modules("modprobe", "nlmon");
	expect(passes(flows[0].server, flows[0].client), "by a filter for other modules");
	kill(keeper(), SIGCONT);
	expect(eventually(!passes(flows[0].server, flows[0].client), 15), "no filter any more");
	change_modules("modprobe", "ip_vs");
	expect(eventually(!is_live(), 5), "a filter beside IPVS");
	expect_flows("by lookups");
	prove_early_drops();
	change_modules("rmmod", "ip_vs");
	expect(eventually(is_live(), 15), "no filter without IPVS");
	prove_early_drops();
}

/* Without connections in the rules there is nothing to know. */
static void no_filter_without_conntrack(void)
{
	start(server_rules);
	attach_with_filter();
	wait_for_filter();
	run(ON_HOST, "nft flush chain inet t input && nft add rule inet t input udp dport 9 drop");
	settle();
	expect(eventually(!has_filter(), 3), "it is still there");
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"connections of any age", connections_of_any_age},
		{"translated connections", translated_connections},
		{"keeper is stopped or dead", keeper_is_stopped_or_dead},
		{"connections that are inserted", connections_that_are_inserted},
		{"renewal loses nothing", renewal_loses_nothing},
		{"strangers are not looked up", strangers_are_not_looked_up},
		{"hooks are taken away", hooks_are_taken_away},
		{"modules come and go", modules_come_and_go},
		{"no filter without conntrack", no_filter_without_conntrack},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
