/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The optimiser and the generated code against the interpreter: random programs, random frames,
 * run by the kernel with BPF_PROG_TEST_RUN. Verdicts and counters must be equal.
 *
 *	codegen_test [SEED [PROGRAMS [FRAMES [xdp|tc|below]]]]
 *
 * "below": as XDP on the device below a VLAN device, with a tag in each frame. There is none here,
 * so that all is as expected but for that, and a drop shows as a packet that passed as stale.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include "codegen/codegen.h"
#include "generate.h"
#include "ir/interp.h"
#include "ir/packet.h"
#include "load/dataplane.h"
#include "optimise/optimise.h"
#include "run.h"
#include "twins.h"

struct campaign {
	enum sl_hook_point point;
	bool is_below;
	u64 seed;
	u32 frames, drops, passes, cut;
	u32 tables, rules_in_tables, branched; /* the last: tables that are code */
	u32 verified; /* instructions that the verifier went through, at most … */
	u64 dearest;  /* … for this program */
};

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* What a kernel without connections answers. */
static u8 no_connection(void *context, const u8 *frame, u32 length)
{
	const struct sl_program *program = context;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet))
		return SL_WORLDS_ALL;
	if (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP)
		return SL_WORLDS_ALL;
	return program->miss_worlds;
}

/* At XDP what comes from an IPv6 address of the host's own passes all the same (bpf/batch.h). */
static u8 no_connection_of_others(void *context, const u8 *frame, u32 length)
{
	const struct sl_program *program = context;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet))
		return SL_WORLDS_ALL;
	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *local = &program->local.items[i];
		if (packet.family == SL_IP6 && local->is_ip6 &&
		    !memcmp(frame + packet.network + 8, local->bytes, 16))
			return SL_WORLDS_ALL;
	}
	return no_connection(context, frame, length);
}

/* Routes within routes; what they do not cover leaves by the default route out of eth1. */
static const struct route {
	bool is_ip6;
	u8 bytes[16];
	u32 length;
	enum sl_way_back way; /* FOUND: through eth0, which packets come by */
	const char *command;
} routes[] = {
	/* the longest come first */
	{false, {192, 168, 0, 2}, 31, SL_WAY_MISSING, "ip route add 192.168.0.2/31 dev eth1"},
	{false, {192, 168, 0, 0}, 29, SL_WAY_FOUND, "ip route add 192.168.0.0/29 dev eth0"},
	{false, {10, 0, 1, 4}, 30, SL_WAY_MISSING, "ip route add blackhole 10.0.1.4/30"},
	{false, {10, 0, 1, 0}, 24, SL_WAY_FOUND, "ip route add 10.0.1.0/24 dev eth0"},
	{false, {10, 0, 0, 7}, 32, SL_WAY_FOUND, "ip route add 10.0.0.7 dev eth0"},
	{false, {10, 0, 0, 6}, 32, SL_WAY_UNKNOWN, "ip route add broadcast 10.0.0.6 dev eth0"},
	{true, {0xfd, [15] = 2}, 127, SL_WAY_MISSING, "ip -6 route add fd00::2/127 dev eth1"},
	{true, {0xfd, [15] = 0}, 125, SL_WAY_FOUND, "ip -6 route add fd00::/125 dev eth0"},
	{true, {0x20, 1, [15] = 4}, 126, SL_WAY_MISSING, "ip -6 route add unreachable 2001::4/126"},
};

static bool covers(const struct route *route, const u8 *address, bool is_ip6)
{
	u32 bytes = route->length / 8, bits = route->length % 8;

	return route->is_ip6 == is_ip6 && !memcmp(route->bytes, address, bytes) &&
	       (!bits || !((route->bytes[bytes] ^ address[bytes]) >> (8 - bits)));
}

/* NULL: the default route. */
static const struct route *find_route(const u8 *address, bool is_ip6)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(routes); i++)
		if (covers(&routes[i], address, is_ip6))
			return &routes[i];
	return NULL;
}

static bool is_apart(const u8 *address, bool is_ip6)
{
	static const u8 zero[15];

	if (!is_ip6)
		return !address[0];
	return address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) ||
	       (!memcmp(address, zero, sizeof zero) && address[15] <= 1);
}

static enum sl_way_back way_back(void *context, const u8 *frame, u32 length)
{
	const struct sl_program *program = context;
	const struct route *route;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet))
		return SL_WAY_UNKNOWN;

	bool is_ip6 = packet.family == SL_IP6;
	const u8 *source = frame + packet.network + (is_ip6 ? 8 : 12);

	if (is_apart(source, is_ip6))
		return SL_WAY_UNKNOWN;
	route = find_route(source, is_ip6);
	return route ? route->way : SL_WAY_MISSING;
}

static bool lay_routes(void)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(routes); i++)
		if (system(routes[i].command))
			return false;
	return true;
}

/* Whatever has a route of its own, but those out of eth1. */
static bool stays_here(const u8 *address, bool is_ip6)
{
	const struct route *route = find_route(address, is_ip6);

	return route && !strstr(route->command, "eth1");
}

/*
 * All is forwarded by eth1 that the kernel forwards at all: no loopback address, no link-local
 * destination (it stands for another device), and for IPv6 no source that must not leave its link.
 */
static enum sl_fate default_route(void *context, const u8 *frame, u32 length)
{
	const struct sl_program *program = context;
	struct sl_packet packet;

	if (sl_packet_parse(&program->device, frame, length, &packet))
		return SL_FATE_UNKNOWN;
	if (packet.ip_end - packet.network > program->device.mtu)
		return SL_FATE_UNKNOWN;
	if (stays_here(frame + packet.network + (packet.family == SL_IP ? 16 : 24),
		       packet.family == SL_IP6))
		return SL_FATE_UNKNOWN;
	if (packet.family == SL_IP)
		return SL_FATE_FORWARD;

	const u8 *from = frame + packet.network + 8, *to = from + 16;
	static const u8 zero[12];

	if (from[0] == 0xff || !memcmp(from, zero, sizeof zero) ||
	    (from[0] == 0xfe && (from[1] & 0xc0) == 0x80) ||
	    (to[0] == 0xfe && (to[1] & 0xc0) == 0x80))
		return SL_FATE_UNKNOWN;
	return SL_FATE_FORWARD;
}

/* A host that forwards: what comes in by eth0 (the programs' device) leaves by eth1. */
static bool set_up_host(void)
{
	return !system("ip link add eth0 index 2 address 02:00:00:00:00:01 type veth "
		       "peer name eth1 index 3 && "
		       "ip link set eth0 addrgenmode none && ip link set eth1 addrgenmode none && "
		       "ip link set eth0 up && ip link set eth1 up && "
		       "echo 1 >/proc/sys/net/ipv4/ip_forward && "
		       "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && "
		       "ip route add default dev eth1 && ip -6 route add default dev eth1");
}

/* The kernel's clock cannot be set: what has expired by the generator's clock is long past, the
 * rest never ends. */
static void settle_timeouts(struct sl_program *program)
{
	for (u32 i = 0; i < program->sets.count; i++) {
		struct sl_set *set = program->sets.items[i];

		for (u32 e = 0; e < set->elements.count; e++)
			if (set->elements.items[e].expires_at_ns > SL_RANDOM_NOW_NS)
				set->elements.items[e].expires_at_ns = UINT64_MAX / 2;
	}
}

static void report(const struct campaign *campaign, const struct sl_program *program, u64 number,
		   u64 frame_number, const u8 *frame, u32 length, const char *what)
{
	printf("seed %llu program %llu frame %llu: %s\n", (unsigned long long)campaign->seed,
	       (unsigned long long)number, (unsigned long long)frame_number, what);
	for (u32 i = 0; i < length && i < 96; i++)
		printf("%02x", frame[i]);
	printf("\n");
	sl_program_print(program, stdout);
}

/* An Ethernet header, and for a TC program a whole IP header too. */
static bool test_run_takes(const struct campaign *campaign, const u8 *frame, u32 length)
{
	if (length < ETH_HLEN || length > ETH_FRAME_LEN)
		return false;
	if (campaign->point == SL_POINT_XDP)
		return true;
	if (!memcmp(frame + 12, "\x08\x00", 2))
		return length >= ETH_HLEN + 20;
	return memcmp(frame + 12, "\x86\xdd", 2) || length >= ETH_HLEN + 40;
}

static int verdict_of(const struct campaign *campaign, bool drop)
{
	if (campaign->point == SL_POINT_TC)
		return drop ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	return drop ? XDP_DROP : XDP_PASS;
}

/* One random program in its three forms. */
struct forms {
	struct sl_program *meaning; /* as drawn */
	struct sl_program *folded;  /* not legalised yet: must mean exactly the same */
	struct sl_program *program; /* legalised too: may pass more; the code must do the same … */
	bool is_cut;                /* … or pass more itself */
};

#define VLAN 100

/* The fate of a frame with a tag: would it have been dropped? */
static bool drops_tagged(const struct sl_dataplane *dataplane, const u8 *frame, u32 length, u16 tag)
{
	u64 before = sl_run_fated(dataplane, SL_PASSED_STALE);
	u8 tagged[SL_RANDOM_FRAME_MAX + 4];

	memcpy(tagged, frame, 2 * ETH_ALEN);
	memcpy(tagged + 2 * ETH_ALEN, (u8[]){0x81, 0, (u8)(tag >> 8), (u8)tag}, 4);
	memcpy(tagged + 2 * ETH_ALEN + 4, frame + 2 * ETH_ALEN, length - 2 * ETH_ALEN);
	sl_run_frame(dataplane, tagged, length + 4);
	return sl_run_fated(dataplane, SL_PASSED_STALE) > before;
}

/* The verdict that stands for what the program did below; −1: it takes others' frames, too. */
static int judge_below(const struct sl_dataplane *dataplane, const u8 *frame, u32 length)
{
	u64 before = sl_run_fated(dataplane, SL_PASSED_STALE);

	sl_run_frame(dataplane, frame, length);
	if (sl_run_fated(dataplane, SL_PASSED_STALE) != before ||
	    drops_tagged(dataplane, frame, length, VLAN + 1))
		return -1;
	/* With some priority. */
	return drops_tagged(dataplane, frame, length, VLAN | (u16)(frame[length - 1] << 12))
		       ? XDP_DROP
		       : XDP_PASS;
}

/* What no device may ask whose frames have tags, the verifier refuses. */
static bool put_below(const struct forms *forms)
{
	struct sl_program *const all[] = {forms->meaning, forms->folded, forms->program};
	struct sl_diag diag;

	for (int i = 0; i < 3; i++) {
		all[i]->device.is_below = all[i]->device.hides_vlan = true;
		all[i]->device.vlan = VLAN;
	}
	return !sl_program_verify(forms->meaning, &diag);
}

static void note_cost(struct campaign *campaign, u64 number, const struct sl_dataplane *dataplane)
{
	u32 verified = sl_run_verified_insns(dataplane);

	if (verified <= campaign->verified)
		return;
	campaign->verified = verified;
	campaign->dearest = number;
}

static void note_tables(struct campaign *campaign, const struct sl_program *program)
{
	for (u32 i = 0; i < program->choices.count; i++) {
		const struct sl_choice *choice = &program->choices.items[i];

		campaign->tables += choice->table != NULL;
		campaign->rules_in_tables += choice->table ? choice->count : 0;
		campaign->branched += choice->table && choice->table->forks;
	}
}

/* Adds up what each counter should have counted. */
static void expect_hits(u64 *expected, const struct sl_outcome *outcome)
{
	for (u32 i = 0; i < outcome->hit_count; i++)
		expected[outcome->hits[i]]++;
}

static bool counters_agree(const struct sl_dataplane *dataplane, const struct sl_program *program,
			   const u64 *expected)
{
	for (u32 i = 0; i < program->counters.count; i++) {
		if (sl_run_counted(dataplane, i) == expected[i])
			continue;
		printf("counter %u: %llu, expected %llu\n", i,
		       (unsigned long long)sl_run_counted(dataplane, i),
		       (unsigned long long)expected[i]);
		return false;
	}
	return true;
}

static int judge_frames(struct campaign *campaign, u64 number, const struct forms *forms,
			const struct sl_dataplane *dataplane)
{
	const struct sl_program *meaning = forms->meaning, *program = forms->program;
	struct sl_oracle oracle = {
		.conntrack =
			campaign->point == SL_POINT_XDP ? no_connection_of_others : no_connection,
		.route = default_route,
		.way_back = way_back,
		.context = (void *)meaning,
		.now_ns = now_ns(),
	};
	u64 *expected = calloc(program->counters.count + 1, sizeof *expected);
	int failed = 0;

	for (u32 i = 0; i < campaign->frames && !failed; i++) {
		u8 frame[SL_RANDOM_FRAME_MAX];
		u64 frame_seed = number * 1000003 + i;
		u32 length = sl_random_frame(frame_seed, meaning, frame);
		struct sl_outcome plain, folded, legal;

		if (!test_run_takes(campaign, frame, length))
			continue;
		sl_interp(meaning, frame, length, &oracle, NULL, NULL, &plain);
		sl_interp(forms->folded, frame, length, &oracle, NULL, NULL, &folded);
		sl_interp(program, frame, length, &oracle, NULL, NULL, &legal);
		if (!sl_outcomes_equal(&plain, &folded) ||
		    !sl_outcome_is_cautious(&plain, &legal)) {
			printf("plain: drop %d pass %x hits %u (%s), optimised: drop %d pass %x "
			       "hits %u (%s), legalised: drop %d pass %x hits %u (%s)\n",
			       plain.drop, plain.pass, plain.hit_count, plain.reason, folded.drop,
			       folded.pass, folded.hit_count, folded.reason, legal.drop, legal.pass,
			       legal.hit_count, legal.reason);
			report(campaign, meaning, number, i, frame, length,
			       "the optimiser differs");
			printf("optimised:\n");
			sl_program_print(forms->folded, stdout);
			failed = 1;
			break;
		}

		int verdict = campaign->is_below ? judge_below(dataplane, frame, length)
						 : sl_run_frame(dataplane, frame, length);

		bool drops = verdict == verdict_of(campaign, true);

		if (verdict != verdict_of(campaign, forms->is_cut ? drops : legal.drop) ||
		    (drops && !legal.drop)) {
			printf("interpreter: %s (%s), kernel: %d\n", legal.drop ? "drop" : "pass",
			       legal.reason, verdict);
			report(campaign, program, number, i, frame, length, "the code differs");
			failed = 1;
		}
		if (drops && !campaign->is_below)
			expect_hits(expected, &legal);
		campaign->drops += drops;
		campaign->passes += !drops;
	}
	if (!failed && !counters_agree(dataplane, program, expected)) {
		printf("seed %llu program %llu: counters differ\n",
		       (unsigned long long)campaign->seed, (unsigned long long)number);
		sl_program_print(program, stdout);
		failed = 1;
	}
	free(expected);
	return failed;
}

/* Some programs get so little room that rules are cut off. */
static u32 insn_limit(u64 number)
{
	return number % 8 == 7 ? 50 + (u32)(number % 500) : SL_STAGE_INSNS_MAX;
}

static bool is_cut(const struct sl_code *code)
{
	bool cut = false;

	for (u32 i = 0; i < SL_STAGES; i++)
		cut |= code->over_limit[i];
	return cut;
}

/* With half the room as long as it is too much, as sl_compiled_load() does. */
static int load(const struct campaign *campaign, u32 limit, struct forms *forms,
		struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_code code;
	int error;

	do {
		error = sl_codegen(forms->program, limit, &code, diag);
		if (!error)
			error = sl_dataplane_load(forms->program, &code, campaign->point, NULL,
						  ret_dataplane, diag);
		limit /= 2;
	} while (error == -E2BIG && limit);
	forms->is_cut = !error && is_cut(&code);
	return error;
}

/* Of few rules, some programs look up in the image what the others have as branches. */
static void forget_branches(struct sl_program *program)
{
	for (u32 i = 0; i < program->choices.count; i++)
		if (program->choices.items[i].table)
			((struct sl_table *)program->choices.items[i].table)->forks = NULL;
}

static int prepare(const struct campaign *campaign, u64 number, struct forms *forms,
		   struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	int error = sl_optimise_specialise(forms->folded);

	if (!error)
		error = sl_optimise_shadow(forms->folded);
	if (!error)
		error = sl_optimise_flatten(forms->folded, SL_RUN_MIN);
	if (!error)
		error = sl_optimise_gather(forms->folded, 1u << 20, diag);
	if (!error)
		error = sl_optimise_merge(forms->folded);
	if (!error)
		error = sl_program_verify(forms->folded, diag);
	if (!error)
		error = sl_optimise(forms->program, 1u << 20, diag);
	if (!error && number % 4 == 3)
		forget_branches(forms->program);
	if (!error)
		error = sl_program_verify(forms->program, diag);
	if (!error)
		error = load(campaign, insn_limit(number), forms, ret_dataplane, diag);
	if (!error)
		error = sl_run_publish(*ret_dataplane, diag);
	return error;
}

static int try_program(struct campaign *campaign, u64 number)
{
	u32 size = 1 + (u32)(number % 12);
	struct forms forms = {sl_random_program(number, size), sl_random_program(number, size),
			      sl_random_program(number, size), false};
	struct sl_dataplane *dataplane = NULL;
	struct sl_diag diag = {0};
	int failed;

	settle_timeouts(forms.meaning);
	settle_timeouts(forms.folded);
	settle_timeouts(forms.program);
	if (campaign->is_below && !put_below(&forms)) {
		failed = 0;
	} else if ((failed = prepare(campaign, number, &forms, &dataplane, &diag))) {
		printf("seed %llu program %llu: %s\n", (unsigned long long)campaign->seed,
		       (unsigned long long)number, diag.text);
		sl_program_print(forms.meaning, stdout);
	} else {
		note_cost(campaign, number, dataplane);
		note_tables(campaign, forms.program);
		campaign->cut += forms.is_cut;
		failed = judge_frames(campaign, number, &forms, dataplane);
	}
	sl_dataplane_free(dataplane);
	sl_program_free(forms.meaning);
	sl_program_free(forms.folded);
	sl_program_free(forms.program);
	return failed != 0;
}

int main(int argc, char **argv)
{
	struct campaign campaign = {
		.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1,
		.frames = argc > 3 ? (u32)atoi(argv[3]) : 60,
		.point = argc > 4 && !strcmp(argv[4], "tc") ? SL_POINT_TC : SL_POINT_XDP,
		.is_below = argc > 4 && !strcmp(argv[4], "below"),
	};
	u32 programs = argc > 2 ? (u32)atoi(argv[2]) : 250;
	u32 failed = 0;

	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	if (!set_up_host() || !lay_routes()) {
		printf("SKIP: no veth devices, or no ip command\n");
		return SL_RUN_SKIPPED;
	}
	for (u32 i = 0; i < programs && failed < 3; i++)
		failed += (u32)try_program(&campaign, campaign.seed * 1000000 + i);
	printf("seed %llu: %u programs, %u drops, %u passes, %u cut for length, %u failed\n"
	       "%u tables of %u rules, %u of them branches\n"
	       "dearest for the verifier: program %llu, %u instructions\n",
	       (unsigned long long)campaign.seed, programs, campaign.drops, campaign.passes,
	       campaign.cut, failed, campaign.tables, campaign.rules_in_tables, campaign.branched,
	       (unsigned long long)campaign.dearest, campaign.verified);
	sl_run_end();
	/* A test that never drops proves nothing. Below, few programs ask what may be asked there.
	 */
	return failed || !campaign.drops || !campaign.passes ||
	       (!campaign.tables && !campaign.is_below);
}
