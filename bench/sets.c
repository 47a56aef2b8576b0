// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a lookup in a set costs: `ip saddr @set drop`, from 1,000 prefixes to a million; and the
 * same of prefixes that are crowded in some networks, as in real blocklists, and of addresses.
 * Arguments: how many, if others than these.
 *
 * Prints for each size the nanoseconds over a rule that matches without a set, for addresses that
 * are in the set and for others, each time another; how long it takes to build the maps and load;
 * and to add or remove one prefix. BPF_PROG_TEST_RUN counts the nanoseconds. The last line is how
 * long one read takes in memory as large as a set of a million, over one that is in the cache: what
 * a set that finds with one access what it looks for costs where others use the last cache as well.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>

#include "inject.h"
#include "inject.skel.h"
#include "ir/shorthand.h"
#include "optimise/optimise.h"
#include "run.h"

#define CHANGES 2000
#define RUNS    16
#define REPEAT  32768

/* Prefixes as they come: hosts, /24s, and what lies between. */
static const u8 lengths_ip[] = {32, 32, 32, 32, 24, 24, 24, 22, 20, 28};
static const u8 lengths_clustered[] = {32, 32, 32, 32, 32, 32, 31, 30, 29, 28};
static const u8 lengths_ip6[] = {128, 64, 64, 64, 48, 48, 56, 40, 128, 44};

struct prefix {
	u8 lo[16], hi[16];
};

enum kind { PREFIXES, CLUSTERED, HOSTS, HASH };

struct prefixes {
	struct prefix *items;
	u32 count, length; /* bytes of an address */
	enum kind kind;
};

static u64 random_state = 1;

static u32 random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 16);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

static void random_address(u8 *address, u32 length)
{
	for (u32 i = 0; i < length; i++)
		address[i] = (u8)random_number();
	if (length == 16) { /* 2a00::/12 in 4,096 networks */
		address[0] = 0x2a;
		address[1] &= 0x0f;
		address[3] = 0;
	} else {
		address[0] = 1 + address[0] % 223;
	}
}

/* Three of four are in 512 networks of 65,536 addresses. */
static void gather_address(u8 *address)
{
	u32 network = random_number() % 512;

	if (random_number() % 4) {
		address[0] = (u8)(1 + network % 223);
		address[1] = (u8)(network * 151);
	}
}

static void random_prefix(const struct prefixes *prefixes, struct prefix *ret_prefix)
{
	u32 number = random_number() % 10, bits = 8 * prefixes->length;

	random_address(ret_prefix->lo, prefixes->length);
	if (prefixes->kind == PREFIXES)
		bits = prefixes->length == 4 ? lengths_ip[number] : lengths_ip6[number];
	if (prefixes->kind == CLUSTERED) {
		bits = lengths_clustered[number];
		gather_address(ret_prefix->lo);
	}
	memcpy(ret_prefix->hi, ret_prefix->lo, prefixes->length);
	for (u32 bit = bits; bit < 8 * prefixes->length; bit++) {
		ret_prefix->lo[bit / 8] &= (u8) ~(0x80 >> bit % 8);
		ret_prefix->hi[bit / 8] |= (u8)(0x80 >> bit % 8);
	}
}

static int by_address(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Sorted and disjoint, `count` of them. */
static void make_prefixes(struct prefixes *prefixes, u32 count)
{
	u32 made = 0, kept;

	prefixes->items = calloc(2 * (size_t)count, sizeof *prefixes->items);
	while (made < count) {
		for (u32 i = made; i < made + count; i++)
			random_prefix(prefixes, &prefixes->items[i]);
		qsort(prefixes->items, made + count, sizeof *prefixes->items, by_address);
		kept = 1;
		for (u32 i = 1; i < made + count; i++)
			if (memcmp(prefixes->items[i].lo, prefixes->items[kept - 1].hi, 16) > 0)
				prefixes->items[kept++] = prefixes->items[i];
		made = kept;
	}
	/* Some of each part of the space, not the first. */
	for (u32 i = 0; i < count; i++)
		prefixes->items[i] = prefixes->items[(u64)i * made / count];
	prefixes->count = count;
}

static void fail(const char *what, const struct sl_diag *diag)
{
	fprintf(stderr, "%s: %s\n", what, diag ? diag->text : strerror(errno));
	exit(1);
}

/* Drops what is in the set; or everything, without one. */
static struct sl_program *make_program(const struct prefixes *prefixes, bool with_set,
				       struct sl_set **ret_set)
{
	struct sl_field address = prefixes->length == 4 ? IP_SADDR : IP6_SADDR;
	struct sl_program *p = host();
	struct sl_chain *input;

	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	if (!with_set) {
		rule(p, input,
		     compare(p, address, SL_GT, prefixes->length == 4 ? "0.0.0.1" : "::1"), DROP);
		return p;
	}
	*ret_set = set(p, prefixes->kind == HASH ? SL_SET_EXACT : SL_SET_INTERVAL, address);
	for (u32 i = 0; i < prefixes->count; i++)
		add(p, *ret_set, prefixes->items[i].lo, prefixes->items[i].hi);
	rule(p, input, in_set(*ret_set, key(p, address)), DROP);
	return p;
}

static struct sl_dataplane *load(struct sl_program *p)
{
	struct sl_dataplane *dataplane;
	struct sl_diag diag = {0};

	if (sl_run_load(p, SL_POINT_XDP, &dataplane, &diag))
		fail("load", &diag);
	return dataplane;
}

static struct inject *open_injector(u32 length, union inject_addresses **ret_addresses)
{
	struct inject *injector = inject__open();

	if (!injector)
		fail("inject", NULL);
	injector->rodata->length = length;
	if (inject__load(injector))
		fail("inject", NULL);
	*ret_addresses = mmap(NULL, sizeof **ret_addresses, PROT_READ | PROT_WRITE, MAP_SHARED,
			      bpf_map__fd(injector->maps.addresses), 0);
	if (*ret_addresses == MAP_FAILED)
		fail("mmap", NULL);
	return injector;
}

static void fill_addresses(union inject_addresses *addresses, const struct prefixes *prefixes,
			   bool hits)
{
	for (u32 i = 0; i < INJECT_ADDRESSES; i++) {
		const struct prefix *prefix = &prefixes->items[random_number() % prefixes->count];
		u8 *to = prefixes->length == 4 ? addresses->ip[i] : addresses->ip6[i];

		random_address(to, prefixes->length);
		for (u32 k = 0; hits && k < prefixes->length; k++)
			to[k] = (u8)(prefix->lo[k] | (to[k] & (prefix->lo[k] ^ prefix->hi[k])));
	}
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/*
 * Runs that are short, so that most are not interrupted, each with other addresses; of their
 * averages the one that a quarter of them stay below.
 */
static u32 run(const struct bpf_program *program, u32 length)
{
	struct frame frame =
		length == 4 ? udp("10.0.0.9", 1, "10.0.0.1", 2) : udp("fd00::9", 1, "fd00::1", 2);
	u32 averages[RUNS];

	frame.length = frame.length < INJECT_FRAME ? INJECT_FRAME : frame.length;
	for (u32 i = 0; i < RUNS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.bytes,
			    .data_size_in = frame.length, .repeat = REPEAT);

		if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
			fail("run", NULL);
		averages[i] = opts.duration;
	}
	qsort(averages, RUNS, sizeof *averages, by_number);
	return averages[RUNS / 4];
}

static u32 measure(struct inject *injector, const struct sl_dataplane *dataplane, u32 length)
{
	int fd = sl_dataplane_program_fd(dataplane);
	u32 first = 0;

	if (bpf_map_update_elem(bpf_map__fd(injector->maps.measured), &first, &fd, BPF_ANY))
		fail("tail call", NULL);
	return run(injector->progs.inject, length);
}

/* Nanoseconds for one prefix to come or go; all that go come again. */
static u32 measure_changes(struct sl_dataplane *dataplane, const struct sl_set *set,
			   const struct prefixes *prefixes)
{
	struct sl_set_maps *maps = sl_dataplane_sets(dataplane);
	u64 start = now_ns();

	for (u32 i = 0; i < 2 * CHANGES; i++) {
		const struct prefix *prefix = &prefixes->items[i / 2 * 7919ULL % prefixes->count];
		struct sl_element element = {.key = prefix->lo, .key_end = prefix->hi};

		if (i % 2 ? sl_set_map_add(maps, set, &element, 0)
			  : sl_set_map_remove(maps, set, prefix->lo, prefix->hi))
			fail("change", NULL);
	}
	return (u32)((now_ns() - start) / (2 * CHANGES));
}

static void bench(u32 count, u32 length, enum kind kind)
{
	static const char *const names[] = {"prefixes", "clustered", "hosts", "hash"};
	struct prefixes prefixes = {.length = length, .kind = kind};
	union inject_addresses *addresses;
	struct inject *injector = open_injector(length, &addresses);
	struct sl_set *set = NULL;
	struct sl_program *p, *bare;
	struct sl_dataplane *dataplane, *bare_dataplane;
	u32 hit, miss, base_hit, base_miss;
	u64 start, loaded;

	make_prefixes(&prefixes, count);
	bare = make_program(&prefixes, false, NULL);
	bare_dataplane = load(bare);
	p = make_program(&prefixes, true, &set);
	start = now_ns();
	dataplane = load(p);
	loaded = now_ns() - start;
	fill_addresses(addresses, &prefixes, true);
	base_hit = measure(injector, bare_dataplane, length);
	hit = measure(injector, dataplane, length);
	fill_addresses(addresses, &prefixes, false);
	base_miss = measure(injector, bare_dataplane, length);
	miss = measure(injector, dataplane, length);
	printf("%-5s %-9s %8u %8d %8d %8.1f %8.1f %8u\n", length == 4 ? "IPv4" : "IPv6",
	       names[kind], count, (int)(hit - base_hit), (int)(miss - base_miss),
	       (double)loaded / 1e6, sl_dataplane_sets(dataplane)->tries.count * 8 / 1e6,
	       measure_changes(dataplane, set, &prefixes));
	fflush(stdout);
	sl_dataplane_free(dataplane);
	sl_dataplane_free(bare_dataplane);
	sl_program_free(p);
	sl_program_free(bare);
	munmap(addresses, sizeof *addresses);
	inject__destroy(injector);
	free(prefixes.items);
}

static void bench_all(u32 count)
{
	bench(count, 4, PREFIXES);
	bench(count, 4, CLUSTERED);
	bench(count, 4, HOSTS);
	bench(count, 4, HASH);
	bench(count, 16, PREFIXES);
}

static void bench_read(void)
{
	union inject_addresses *addresses;
	struct inject *injector = open_injector(4, &addresses);
	u32 near, far;

	for (u32 i = 0; i < INJECT_ADDRESSES; i++)
		random_address(addresses->ip[i], 4);
	near = run(injector->progs.read_once, 4);
	injector->bss->reach = INJECT_MEMORY - 1;
	far = run(injector->progs.read_once, 4);
	printf("one read in %.1f MB: %d ns\n", INJECT_MEMORY / 1e6, (int)(far - near));
	munmap(addresses, sizeof *addresses);
	inject__destroy(injector);
}

int main(int argc, char **argv)
{
	static const u32 counts[] = {1000, 10000, 100000, 1000000};

	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	printf("%-5s %-9s %8s %8s %8s %8s %8s %8s\n", "", "", "prefixes", "hit ns", "miss ns",
	       "load ms", "MB", "change ns");
	for (int i = 1; i < argc; i++)
		bench_all((u32)strtoul(argv[i], NULL, 10));
	for (u32 i = 0; argc == 1 && i < SL_ARRAY_SIZE(counts); i++)
		bench_all(counts[i]);
	bench_read();
	sl_run_end();
	return 0;
}
