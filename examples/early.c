/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each rule has dropped early on a device, which is attached first if it is not:
 *
 *	cc early.c -o early $(pkg-config --cflags --libs libsluice) && ./early eth0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sluice.h>

static void give_up(struct sluice *sluice)
{
	fprintf(stderr, "early: %s\n", sluice_error(sluice));
	sluice_close(sluice);
	exit(1);
}

static void print_plan(struct sluice *sluice, const char *device)
{
	const struct sluice_obstacle *obstacle;
	struct sluice_plan *plan;

	if (sluice_plan_device(sluice, device, NULL, &plan))
		give_up(sluice);
	printf("%.1f %% decided early, by %s\n", sluice_plan_share(plan),
	       sluice_mode_name(sluice_plan_mode(plan)));
	for (size_t i = 0; (obstacle = sluice_plan_obstacle(plan, i)); i++)
		printf("  but %s: %s\n", obstacle->place, obstacle->reason);
	sluice_plan_free(plan);
}

static void print_counters(struct sluice *sluice, const char *device)
{
	const struct sluice_counter *counter;
	struct sluice_counters *counters;

	if (sluice_read_counters(sluice, device, 0, &counters))
		give_up(sluice);
	for (size_t i = 0; (counter = sluice_counter(counters, i)); i++)
		if (counter->counts)
			printf("%llu of %llu packets early: %s\n",
			       (unsigned long long)counter->early.packets,
			       (unsigned long long)counter->total.packets,
			       counter->rule->text ? counter->rule->text : "?");
	sluice_counters_free(counters);
}

int main(int argc, char **argv)
{
	struct sluice *sluice;
	int error;

	if (argc != 2) {
		fprintf(stderr, "usage: early DEVICE\n");
		return 2;
	}
	if (sluice_open(-1, &sluice)) {
		perror("early");
		return 1;
	}
	print_plan(sluice, argv[1]);
	error = sluice_attach(sluice, argv[1], NULL, NULL);
	if (error && error != -EALREADY)
		give_up(sluice);
	print_counters(sluice, argv[1]);
	sluice_close(sluice);
	return 0;
}
