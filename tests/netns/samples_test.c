// SPDX-License-Identifier: GPL-2.0-only
/* Samples of early drops: which packets they are of, and that they end with who reads them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "frame.h"
#include "load/hook_links.h"
#include "load/samples.h"

#define SEEN_MAX 64

static struct sl_sample seen[SEEN_MAX];
static u32 seen_count;

static void see(void *context, const struct sl_sample *sample)
{
	(void)context;
	expect(seen_count < SEEN_MAX, "more samples than packets");
	seen[seen_count++] = *sample;
}

static struct sl_sampler *watch(u32 every)
{
	struct sl_sampler *sampler;
	struct sl_diag diag;

	expect(!sl_sampler_open(net_cookie(), device, every, &sampler, &diag), "%s", diag.text);
	return sampler;
}

static bool has_seen(struct sl_sampler *sampler, u32 count)
{
	struct sl_diag diag;

	expect(sl_sampler_read(sampler, see, NULL) >= 0, "the ring cannot be read");
	expect(!sl_sampler_renew(sampler, &diag), "%s", diag.text);
	return seen_count >= count;
}

static void expect_seen(struct sl_sampler *sampler, u32 count)
{
	expect(eventually(has_seen(sampler, count), 2) && seen_count == count, "%u samples, not %u",
	       seen_count, count);
}

static struct sl_sampling_cell read_cell(void)
{
	struct sl_sampling sampling;
	struct sl_sampling_cell cell;
	u32 zero = 0;

	expect(!sl_sampling_find(net_cookie(), device, &sampling), "nothing is pinned");
	expect(!bpf_map_lookup_elem(sampling.cell, &zero, &cell), "the cell cannot be read");
	sl_sampling_close(&sampling);
	return cell;
}

static void expect_is_of(const struct sl_sample *sample, const struct frame *frame)
{
	u8 bytes[FRAME_MAX];
	u32 length = frame_build(bytes, frame);
	u32 captured = length < SL_SAMPLE_BYTES ? length : SL_SAMPLE_BYTES;

	expect(sample->length == length && sample->captured == captured, "%u of %u bytes, not %u",
	       sample->captured, sample->length, length);
	/* but for what the kernel may fill in: identification and checksum of IPv4 */
	expect(!memcmp(sample->bytes, bytes, 18) &&
		       !memcmp(sample->bytes + 26, bytes + 26, captured - 26),
	       "other bytes than were sent");
	expect(sample->every == 1 && sample->worlds, "it does not say what it stands for");
}

static void each_drop_is_a_sample(const char *mode, enum sl_sample_place place)
{
	const struct frame small = {.dport = CLOSED_PORT},
			   large = {.dport = CLOSED_PORT, .payload = 900};
	u64 before = sl_monotonic_ns();
	struct sl_sampler *sampler;

	build_lab();
	load_nft(drop_closed);
	attach_mode(mode);
	sampler = watch(1);
	send_frame(&small);
	send_udp(OPEN_PORT);
	send_frame(&large);
	expect_seen(sampler, 2);
	expect_is_of(&seen[0], &small);
	expect_is_of(&seen[1], &large);
	expect(seen[0].place == place, "place %u", seen[0].place);
	expect(seen[0].at_ns > before && seen[0].at_ns <= seen[1].at_ns, "at another time");
	expect(!sl_sampler_lost(sampler), "some were lost");
	sl_sampler_close(sampler);
}

static void at_xdp(void)
{
	each_drop_is_a_sample("native", SL_SAMPLE_XDP);
}

static void at_tc(void)
{
	each_drop_is_a_sample("tc", SL_SAMPLE_TC);
}

static void at_a_hook(void)
{
	struct sl_sampler *sampler;
	struct iphdr ip;

	if (!sl_hook_links_exist())
		skip_case("this kernel has no netfilter links");
	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state established accept\n"
		 "		icmp type echo-request counter drop\n"
		 "	}\n"
		 "}\n");
	attach();
	sampler = watch(1);
	send_frame(&(struct frame){.protocol = IPPROTO_ICMP, .type = 8});
	expect_seen(sampler, 1);
	memcpy(&ip, seen[0].bytes, sizeof ip);
	expect(seen[0].place == SL_SAMPLE_HOOK, "place %u", seen[0].place);
	expect(ip.version == 4 && ip.protocol == IPPROTO_ICMP, "it does not begin with IP");
	expect(seen[0].length == 20 + 8 + 16 && seen[0].captured == seen[0].length,
	       "%u of %u bytes", seen[0].captured, seen[0].length);
	expect(seen[0].counter == 0, "not the first counter: %u", seen[0].counter);
	sl_sampler_close(sampler);
}

/* The sample has the number of the last rule with a counter, and whose numbers they are. */
static void counters_are_told(void)
{
	struct sl_sampler *sampler;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 7 drop\n"
		 "		udp dport 8 counter drop\n"
		 "		udp dport 9 counter drop\n"
		 "	}\n"
		 "}\n");
	attach();
	sampler = watch(1);
	send_udp(9);
	send_udp(8);
	send_udp(7);
	expect_seen(sampler, 3);
	expect(seen[0].counter == 1 && seen[1].counter == 0 && seen[2].counter == SL_NO_HIT,
	       "counters %u, %u, %u", seen[0].counter, seen[1].counter, seen[2].counter);
	expect(seen[0].counters && seen[0].counters == seen[1].counters, "of no generation");
	run(ON_HOST, "nft add rule inet t input udp dport 6 counter drop");
	settle();
	send_udp(6);
	expect_seen(sampler, 4);
	expect(seen[3].counter == 2, "counter %u", seen[3].counter);
	expect(seen[3].counters != seen[0].counters, "of the same generation");
	expect(sl_sampler_is_of(sampler, net_cookie(), device), "the ring is another now");
	sl_sampler_close(sampler);
}

static void nobody_watches_nothing_is_taken(void)
{
	struct sl_sampler *sampler;

	start_lab();
	send_many(&(struct frame){.dport = CLOSED_PORT}, 20);
	expect(!read_cell().every, "it is on without a reader");
	sampler = watch(1);
	expect(!has_seen(sampler, 1), "samples of before");
	sl_sampler_close(sampler);
	send_udp(CLOSED_PORT);
	sampler = watch(1);
	expect(!has_seen(sampler, 1), "a sample of between");
	sl_sampler_close(sampler);
}

static void expect_turned_off(void)
{
	send_udp(CLOSED_PORT);
	expect(!read_cell().every, "it is on for nobody");
}

/* Trap: the reader is killed, and nobody turns it off. */
static void ends_with_a_killed_reader(void)
{
	struct sl_sampler *sampler;
	struct sl_diag diag;
	pid_t reader;

	start_lab();
	reader = fork();
	if (!reader) {
		watch(1);
		pause();
	}
	expect(eventually(read_cell().every == 1, 2), "the reader does not begin");
	expect(sl_sampler_open(net_cookie(), device, 1, &sampler, &diag) == -EBUSY,
	       "two readers at once");
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	pause_ms(SL_SAMPLER_LEASE_NS / SL_NS_PER_MS + 50);
	expect_turned_off();
	sampler = watch(1);
	send_udp(CLOSED_PORT);
	expect(eventually(has_seen(sampler, 1), 1), "the next reader sees nothing");
	sl_sampler_close(sampler);
}

static void outlives_the_keeper(void)
{
	struct sl_sampler *sampler;

	start_lab();
	sampler = watch(1);
	expect(!kill(keeper(), SIGKILL), "no keeper");
	expect(eventually(!keeper(), 1), "it holds its lock in death");
	send_udp(CLOSED_PORT);
	expect_seen(sampler, 1);
	attach();
	send_udp(CLOSED_PORT);
	expect_seen(sampler, 2);
	detach();
	expect(!sl_sampler_is_of(sampler, net_cookie(), device), "pins are left");
	sl_sampler_close(sampler);
}

static void one_in_so_many(void)
{
	struct sl_sampler *sampler;

	start_lab();
	sampler = watch(1000);
	send_many(&(struct frame){.dport = CLOSED_PORT}, 2000);
	has_seen(sampler, 0);
	/* Two are to be expected; 30 would come once in 10^25 runs. */
	expect(seen_count < 30, "%u samples of 2000 drops", seen_count);
	expect(!seen_count || seen[0].every == 1000, "it stands for %u", seen[0].every);
	sl_sampler_close(sampler);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"each drop is a sample at XDP", at_xdp},
		{"each drop is a sample at TC", at_tc},
		{"each drop is a sample at a hook", at_a_hook},
		{"counters are told", counters_are_told},
		{"nobody watches, nothing is taken", nobody_watches_nothing_is_taken},
		{"sampling ends with a killed reader", ends_with_a_killed_reader},
		{"samples outlive the keeper", outlives_the_keeper},
		{"one in so many", one_in_so_many},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
