// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the classifier's tables cost, in the kernel: reads rules in ClassBench's format and a trace
 * of headers with the rule that each matches first (−1: none), builds the table, checks it against
 * the trace, and times table_step() over many different headers.
 *
 *	classifier RULES TRACE
 *
 * Prints for headers that match, and those that do not, the nanoseconds of a packet over a program
 * that does all but the step: going from header to header, the least of several rounds; and with
 * each header again and again, the median and the worst of them.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "classifier.skel.h"
#include "classify/table.h"

#define HEADERS 65536
#define ROUNDS  15
#define TURNS   16

struct header {
	u32 lanes[16];
};

struct sample {
	const char *name;
	struct header *headers;
	s32 *rules;
	u32 count;
};

struct bench {
	struct sl_arena *arena;
	struct sl_lanes lanes;
	struct sl_boxes boxes;
	struct sl_image image;
	struct sl_table_shape shape;
	u32 root;
	bool is_ip6;
	struct sample samples[2]; /* no match, match */
	struct classifier *skeleton;
	u32 *headers, *times; /* the maps' memory */
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/* An address as lanes; how many. */
static u32 parse_address(const char *text, u32 *lanes)
{
	struct in6_addr address;
	bool is_ip6 = strchr(text, ':');
	u32 count = is_ip6 ? 4 : 1;

	if (inet_pton(is_ip6 ? AF_INET6 : AF_INET, text, &address) != 1)
		die("'%s' is not an address", text);
	for (u32 i = 0; i < count; i++)
		lanes[i] = ntohl(address.s6_addr32[i]);
	return count;
}

static u32 parse_prefix(char *text, struct sl_range *ranges)
{
	char *slash = strchr(text, '/');
	u32 lanes[4], count;
	int bits;

	if (!slash)
		die("'%s' is not a prefix", text);
	*slash = 0;
	bits = atoi(slash + 1);
	count = parse_address(text, lanes);
	for (u32 i = 0; i < count; i++, bits -= 32) {
		u32 rest = bits >= 32 ? 0 : bits <= 0 ? UINT32_MAX : UINT32_MAX >> bits;

		ranges[i] = (struct sl_range){lanes[i] & ~rest, lanes[i] | rest};
	}
	return count;
}

static void add_rule(struct bench *bench, char *source, char *destination, const u32 *ports,
		     u32 protocol, u32 mask)
{
	struct sl_box *box = sl_list_push(bench->arena, &bench->boxes.list);
	u32 lane;

	if (!box)
		die("out of memory");
	box->position = box->counter = bench->boxes.list.count - 1;
	box->worlds = 1;
	box->action = SL_ITEM_DROP;
	box->counts = true;
	lane = parse_prefix(source, box->lanes);
	bench->is_ip6 = lane == 4;
	lane += parse_prefix(destination, box->lanes + lane);
	box->lanes[lane++] =
		mask ? (struct sl_range){protocol, protocol} : (struct sl_range){0, 255};
	box->lanes[lane++] = (struct sl_range){ports[0], ports[1]};
	box->lanes[lane++] = (struct sl_range){ports[2], ports[3]};
	bench->lanes.count = lane;
}

static void read_rules(struct bench *bench, const char *path)
{
	FILE *file = fopen(path, "re");
	char source[64], destination[64];
	u32 ports[4], protocol, mask;

	if (!file)
		die("%s: %s", path, strerror(errno));
	while (fscanf(file, " @%63s %63s %u : %u %u : %u %x/%x", source, destination, &ports[0],
		      &ports[1], &ports[2], &ports[3], &protocol, &mask) == 8)
		add_rule(bench, source, destination, ports, protocol, mask);
	fclose(file);
	if (!bench->boxes.list.count)
		die("%s: no rules in ClassBench's format", path);
	for (u32 i = 0; i < bench->lanes.count; i++)
		bench->lanes.keys[i].length = i + 2 >= bench->lanes.count   ? 2
					      : i + 3 == bench->lanes.count ? 1
									    : 4;
}

static void add_header(struct sample *sample, const struct header *header, s32 rule)
{
	if (sample->count == HEADERS)
		return;
	sample->headers[sample->count] = *header;
	sample->rules[sample->count++] = rule;
}

static void read_trace(struct bench *bench, const char *path)
{
	FILE *file = fopen(path, "re");
	char source[64], destination[64];
	u32 protocol, ports[2];
	s32 rule;

	if (!file)
		die("%s: %s", path, strerror(errno));
	for (u32 i = 0; i < 2; i++) {
		bench->samples[i] = (struct sample){i ? "match" : "no match",
						    calloc(HEADERS, sizeof(struct header)),
						    calloc(HEADERS, sizeof(s32)), 0};
		if (!bench->samples[i].headers || !bench->samples[i].rules)
			die("out of memory");
	}
	while (fscanf(file, "%63s %63s %u %u %u %*s %d %*s", source, destination, &protocol,
		      &ports[0], &ports[1], &rule) == 6) {
		struct header header = {0};
		u32 lane = parse_address(source, header.lanes);

		lane += parse_address(destination, header.lanes + lane);
		header.lanes[lane++] = protocol;
		header.lanes[lane++] = ports[0];
		header.lanes[lane++] = ports[1];
		add_header(&bench->samples[rule >= 0], &header, rule);
	}
	fclose(file);
}

static void build(struct bench *bench)
{
	double before = now_ms();
	int error = sl_table_build(&bench->boxes, &bench->lanes, UINT32_MAX, &bench->image,
				   &bench->root, &bench->shape);

	if (error)
		die("the table cannot be built: %s", strerror(-error));
	printf("%u rules, IPv%d: built in %.1f ms of processor time; %.2f MB; %u trees, depth %u, "
	       "steps %u, leaf %u, "
	       "%.2f items a rule, %u nodes, expected %.0f ns\n",
	       bench->boxes.list.count, bench->is_ip6 ? 6 : 4, now_ms() - before,
	       bench->image.count * 8 / 1e6, bench->shape.trees, bench->shape.depth,
	       bench->shape.steps, bench->shape.leaf_max,
	       (double)bench->shape.items / bench->boxes.list.count, bench->shape.nodes,
	       bench->shape.cost_ns);
}

static void check(const struct bench *bench, const struct sample *sample)
{
	for (u32 i = 0; i < sample->count; i++) {
		struct sl_question question = {.root = bench->root, .worlds = 1};
		s32 found;

		memcpy(question.lanes, sample->headers[i].lanes, sizeof question.lanes);
		sl_table_step(bench->image.words, bench->image.count, &question);
		found = question.hit ? (s32)(question.hit >> 8) : -1;
		if (found != sample->rules[i])
			die("header %u of '%s': rule %d, not %d", i, sample->name, found,
			    sample->rules[i]);
	}
}

/* See classifier.bpf.c. */
static u32 header_size(const struct bench *bench)
{
	return bench->is_ip6 ? 40 : 16;
}

static void set_header(struct bench *bench, u32 index, const struct header *header)
{
	u32 addresses = bench->is_ip6 ? 8 : 2;
	u32 *words = bench->headers + (size_t)index * header_size(bench) / sizeof *words;

	memcpy(words, header->lanes, addresses * sizeof *words);
	words[addresses] = header->lanes[addresses + 1] << 16 | header->lanes[addresses + 2];
	words[addresses + 1] = header->lanes[addresses];
}

static void *map_memory(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return memory;
}

static void load(struct bench *bench)
{
	static char log[1 << 16];

	bench->skeleton = classifier__open();
	if (!bench->skeleton)
		die("the program cannot be opened");
	bench->skeleton->rodata->table_words = bench->image.count;
	bench->skeleton->rodata->root = bench->root;
	bench->skeleton->rodata->is_ip6 = bench->is_ip6;
	bpf_map__set_value_size(bench->skeleton->maps.headers, header_size(bench));
	bpf_map__set_value_size(bench->skeleton->maps.tables, bench->image.count * 8);
	bpf_program__set_log_buf(bench->skeleton->progs.classify, log, sizeof log);
	bpf_program__set_log_level(bench->skeleton->progs.classify, 4);
	if (classifier__load(bench->skeleton))
		die("%s\nthe program cannot be loaded", log);
	if (strstr(log, "processed"))
		printf("%s", strstr(log, "processed"));
	memcpy(map_memory(bench->skeleton->maps.tables, bench->image.count * 8ul),
	       bench->image.words, bench->image.count * 8ul);
	bench->headers = map_memory(bench->skeleton->maps.headers, HEADERS * header_size(bench));
	bench->times = map_memory(bench->skeleton->maps.times, HEADERS * 8);
}

static double run_ns(const struct bpf_program *program, u32 repeat)
{
	char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof packet,
		    .repeat = (int)repeat);

	if (bpf_prog_test_run_opts(bpf_program__fd(program), &opts))
		die("the program cannot be run: %s", strerror(errno));
	if (opts.retval != 2 /* XDP_PASS */)
		die("the program says %u", opts.retval);
	return opts.duration;
}

static int by_value(const void *left, const void *right)
{
	u32 one = *(const u32 *)left, other = *(const u32 *)right;

	return (one > other) - (one < other);
}

static double least_ns(const struct bpf_program *program, u32 repeat, u32 rounds)
{
	double least = 1e9;

	for (u32 i = 0; i < rounds; i++) {
		double ns = run_ns(program, repeat);

		least = ns < least ? ns : least;
	}
	return least;
}

static void time_sample(struct bench *bench, const struct sample *sample)
{
	u32 each[HEADERS];
	double rest, many;

	if (!sample->count)
		return;
	for (u32 i = 0; i < HEADERS; i++)
		set_header(bench, i, &sample->headers[i % sample->count]);
	rest = least_ns(bench->skeleton->progs.nothing, 4 * HEADERS, ROUNDS);
	many = least_ns(bench->skeleton->progs.classify, 4 * HEADERS, ROUNDS);
	memset(bench->times, 0, HEADERS * 8);
	run_ns(bench->skeleton->progs.time_each, ROUNDS * HEADERS);
	for (u32 i = 0; i < HEADERS; i++)
		each[i] = bench->times[2 * i] / TURNS; /* elements of an array are 8 bytes apart */
	qsort(each, HEADERS, sizeof *each, by_value);
	printf("%-9s %5u headers: %3.0f ns; each again and again: median %u, worst %u\n",
	       sample->name, sample->count, many - rest, each[HEADERS / 2], each[HEADERS - 1]);
}

int main(int count, char **arguments)
{
	struct bench bench = {.arena = sl_arena_new()};

	if (count != 3 || !bench.arena) {
		fprintf(stderr, "usage: classifier RULES TRACE\n");
		return 2;
	}
	read_rules(&bench, arguments[1]);
	read_trace(&bench, arguments[2]);
	build(&bench);
	check(&bench, &bench.samples[0]);
	check(&bench, &bench.samples[1]);
	load(&bench);
	time_sample(&bench, &bench.samples[1]);
	time_sample(&bench, &bench.samples[0]);
	classifier__destroy(bench.skeleton);
	sl_image_free(&bench.image);
	sl_arena_free(bench.arena);
	return 0;
}
