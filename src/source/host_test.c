/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/testing.h"

#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <grp.h>

#include "source/host.h"

static struct sl_host *read_host(const char *device)
{
	struct sl_host *host = NULL;
	struct sl_diag diag = {0};
	int error = sl_host_read(device, &host, &diag);

	if (error)
		fail_msg("%d: %s", error, diag.text);
	return host;
}

/* A namespace that `script` has changed, and one device of it. */
static struct sl_host *set_up_device(const char *device, const char *script)
{
	enter_new_namespace();
	/* /proc/sys/net follows the reader's namespace, so that plain echo sets it. */
	load("sh -e", script);
	return read_host(device);
}

static struct sl_host *set_up(const char *script)
{
	return set_up_device(NULL, script);
}

static void find_nothing_special_in_a_new_namespace(void **state)
{
	(void)state;
	struct sl_host *host = set_up("true\n");

	assert_non_null(sl_host_find_link(host, "lo"));
	assert_null(sl_host_find_link(host, "nothing"));
	assert_false(host->forwards_ip6);
	assert_false(host->routes_multicast);
	assert_false(host->has_legacy_ip);
	assert_false(host->has_legacy_ip6);
	assert_false(host->has_xfrm);
	sl_host_free(host);
}

static void read_links_and_their_relations(void **state)
{
	(void)state;
	struct sl_host *host = set_up("ip link add va type veth peer name vb\n"
				      "ip link add bridge0 type bridge\n"
				      "ip link set vb master bridge0 mtu 1400 group 7\n"
				      "ip link set va address 02:00:00:00:00:aa up\n"
				      "ip link add link va name mv type macvlan\n");
	const struct sl_link *va = sl_host_find_link(host, "va");
	const struct sl_link *vb = sl_host_find_link(host, "vb");
	const struct sl_link *br = sl_host_find_link(host, "bridge0");
	const struct sl_link *mv = sl_host_find_link(host, "mv");

	assert_string_equal(va->kind, "veth");
	assert_string_equal(br->kind, "bridge");
	assert_string_equal(mv->kind, "macvlan");
	assert_int_equal(vb->master, br->ifindex);
	assert_int_equal(vb->mtu, 1400);
	assert_int_equal(vb->group, 7);
	assert_int_equal(va->lower, vb->ifindex);
	assert_false(va->has_netnsid);
	assert_int_equal(mv->lower, va->ifindex);
	assert_int_equal(va->type, ARPHRD_ETHER);
	assert_memory_equal(va->mac, "\2\0\0\0\0\252", 6);
	assert_true(va->flags & IFF_UP);
	assert_false(br->flags & IFF_UP);
	assert_false(va->has_tc_ingress);
	sl_host_free(host);
}

static bool has_address(const struct sl_host *host, bool is_ip6, const char *text)
{
	u8 bytes[16] = {0};

	assert_int_equal(inet_pton(is_ip6 ? AF_INET6 : AF_INET, text, bytes), 1);
	for (u32 i = 0; i < host->local.count; i++)
		if (host->local.items[i].is_ip6 == is_ip6 &&
		    !memcmp(host->local.items[i].bytes, bytes, sizeof bytes))
			return true;
	return false;
}

static void list_the_addresses_of_all_devices(void **state)
{
	(void)state;
	struct sl_host *host = set_up("ip link add va type veth peer name vb\n"
				      "ip addr add 10.1.2.3/24 dev va\n"
				      "ip addr add 10.9.0.1 peer 10.9.0.2 dev vb\n"
				      "ip addr add fd00::5/64 dev vb\n");

	assert_true(has_address(host, false, "10.1.2.3"));
	assert_true(has_address(host, false, "10.9.0.1"));
	assert_false(has_address(host, false, "10.9.0.2"));
	assert_true(has_address(host, true, "fd00::5"));
	sl_host_free(host);
}

static void notice_forwarding(void **state)
{
	(void)state;
	struct sl_host *host =
		set_up_device("va", "ip link add va type veth peer name vb\n"
				    "echo 1 > /proc/sys/net/ipv4/conf/va/forwarding\n"
				    "echo 1 > /proc/sys/net/ipv6/conf/vb/forwarding\n");

	assert_false(host->forwards_ip6);
	assert_true(sl_host_find_link(host, "va")->forwards_ip);
	assert_false(sl_host_find_link(host, "va")->forwards_ip6);
	sl_host_free(host);
	host = set_up_device("vb", "ip link add va type veth peer name vb\n"
				   "echo 1 > /proc/sys/net/ipv4/conf/va/forwarding\n"
				   "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n");
	assert_true(host->forwards_ip6);
	assert_false(sl_host_find_link(host, "vb")->forwards_ip);
	assert_true(sl_host_find_link(host, "vb")->forwards_ip6);
	sl_host_free(host);
}

static void ask_one_device_for_its_driver(void **state)
{
	(void)state;
	struct sl_host *host = set_up_device("va", "ip link add va type veth peer name vb\n");

	assert_string_equal(sl_host_find_link(host, "va")->driver, "veth");
	assert_string_equal(sl_host_find_link(host, "vb")->driver, "");
	sl_host_free(host);
}

static void notice_filters_at_tc_ingress(void **state)
{
	(void)state;
	const struct {
		const char *device;
		bool expected;
	} vectors[] = {{"va", true}, {"vb", true}, {"vc", false}, {"vd", false}, {"ve", true}};
	struct sl_host *host =
		set_up("ip link add va type veth peer name vb\n"
		       "ip link add vc type veth peer name vd\n"
		       "tc qdisc add dev va ingress\n"
		       "tc filter add dev va parent ffff: u32 match u32 0 0 flowid 1:1\n"
		       "tc qdisc add dev vb clsact\n"
		       "tc filter add dev vb ingress u32 match u32 0 0 flowid 1:1\n"
		       "tc qdisc add dev vc clsact\n"
		       "tc filter add dev vc egress u32 match u32 0 0 flowid 1:1\n"
		       "tc qdisc add dev vd ingress\n"
		       "ip link add ve type veth peer name vf\n"
		       "tc qdisc add dev ve ingress_block 22 ingress\n"
		       "tc filter add block 22 u32 match u32 0 0 flowid 1:1\n");

	sl_host_free(host);
	for (size_t i = 0; i < SL_ARRAY_SIZE(vectors); i++) {
		host = read_host(vectors[i].device);
		assert_int_equal(sl_host_find_link(host, vectors[i].device)->has_tc_ingress,
				 vectors[i].expected);
		sl_host_free(host);
	}
}

/* A veth's tags lie beside the frames, though it says otherwise. */
static void tell_who_strips_vlan_tags(void **state)
{
	(void)state;
	struct sl_host *host =
		set_up_device("va", "ip link add va type veth peer name vb\n"
				    "ip link add mv link va type macvlan\n"
				    "ethtool -K va rxvlan off rx-vlan-stag-hw-parse off\n");

	assert_true(sl_host_find_link(host, "va")->strips_vlan);
	sl_host_free(host);
	host = read_host("mv");
	assert_false(sl_host_find_link(host, "mv")->strips_vlan);
	sl_host_free(host);
}

static void notice_legacy_tables(void **state)
{
	(void)state;
	struct sl_host *host = set_up("iptables-legacy -A INPUT -j ACCEPT\n");

	assert_true(host->has_legacy_ip);
	assert_false(host->has_legacy_ip6);
	sl_host_free(host);
}

static void notice_ipsec(void **state)
{
	(void)state;
	struct sl_host *host = set_up("ip xfrm policy add dir in src 10.0.0.0/8 dst 10.0.0.0/8 "
				      "tmpl proto esp mode tunnel\n");

	assert_true(host->has_xfrm);
	sl_host_free(host);
}

static void name_the_process_behind_a_packet_socket(void **state)
{
	(void)state;
	struct sl_arena *arena = sl_arena_new();
	struct sl_listeners listeners = {0};

	enter_new_namespace();
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(sl_host_listeners(arena, &listeners, NULL), 0);
	close(fd);
	assert_int_equal(listeners.count, 1);
	assert_int_equal(listeners.items[0].pid, getpid());
	assert_int_equal(listeners.items[0].protocol, ETH_P_ALL);
	assert_string_equal(listeners.items[0].process, "test-source-hos");
	sl_arena_free(arena);
}

static void assume_the_worst_without_privileges(void **state)
{
	(void)state;
	struct sl_host *host = NULL;
	struct sl_diag diag;
	need_root();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		bool is_cautious = !setgroups(0, NULL) && !setgid(65534) && !setuid(65534) &&
				   !sl_host_read(NULL, &host, &diag) && host->has_xfrm &&
				   host->has_legacy_ip;
		_exit(is_cautious ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_nothing_special_in_a_new_namespace),
		cmocka_unit_test(read_links_and_their_relations),
		cmocka_unit_test(list_the_addresses_of_all_devices),
		cmocka_unit_test(notice_forwarding),
		cmocka_unit_test(ask_one_device_for_its_driver),
		cmocka_unit_test(notice_filters_at_tc_ingress),
		cmocka_unit_test(tell_who_strips_vlan_tags),
		cmocka_unit_test(notice_legacy_tables),
		cmocka_unit_test(notice_ipsec),
		cmocka_unit_test(name_the_process_behind_a_packet_socket),
		cmocka_unit_test(assume_the_worst_without_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
