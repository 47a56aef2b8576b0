// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_sources.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* After so many seconds a sample counts for 1/e of what it did; and without any, none counts. */
#define MEMORY_S  5.0
#define SILENCE_S 10.0

/* Where the source address is in an IP header. */
enum { IP_SOURCE = 12, IP6_SOURCE = 8 };

bool sl_top_address_of(const struct sl_sample *sample, struct sl_top_address *ret_address)
{
	u32 header = sample->place == SL_SAMPLE_HOOK ? 0 : ETH_HLEN;
	struct sl_top_address address = {0};
	u32 at, size;

	if (sample->captured > SL_SAMPLE_BYTES || sample->captured <= header)
		return false;
	switch (sample->bytes[header] >> 4) {
	case 4:
		address.family = AF_INET;
		at = header + IP_SOURCE;
		size = 4;
		break;
	case 6:
		address.family = AF_INET6;
		at = header + IP6_SOURCE;
		size = 16;
		break;
	default:
		return false;
	}
	if (at + size > sample->captured)
		return false;
	memcpy(address.bytes, sample->bytes + at, size);
	*ret_address = address;
	return true;
}

/* Of a full table the place of the one with the least: what that had is the newcomer's excess. */
static struct sl_top_source *take_place(struct sl_top_sources *sources,
					const struct sl_top_address *address)
{
	struct sl_top_source *least = &sources->items[0];

	if (sources->count < SL_TOP_SOURCES) {
		least = &sources->items[sources->count++];
		*least = (struct sl_top_source){.address = *address};
		return least;
	}
	for (u32 i = 1; i < sources->count; i++)
		if (sources->items[i].packets < least->packets)
			least = &sources->items[i];
	least->address = *address;
	least->excess = least->packets;
	return least;
}

void sl_top_sources_add(struct sl_top_sources *sources, const struct sl_top_address *address,
			double packets)
{
	sources->packets += packets;
	sources->silence = 0;
	for (u32 i = 0; i < sources->count; i++) {
		if (memcmp(&sources->items[i].address, address, sizeof *address) != 0)
			continue;
		sources->items[i].packets += packets;
		return;
	}
	take_place(sources, address)->packets += packets;
}

void sl_top_sources_age(struct sl_top_sources *sources, double seconds)
{
	double left = exp(-seconds / MEMORY_S);

	sources->packets *= left;
	sources->silence += seconds;
	if (sources->silence > SILENCE_S)
		*sources = (struct sl_top_sources){0};
	for (u32 i = 0; i < sources->count; i++) {
		sources->items[i].packets *= left;
		sources->items[i].excess *= left;
	}
}

static double own(const struct sl_top_source *source)
{
	return source->packets - source->excess;
}

static int compare(const void *left, const void *right)
{
	const struct sl_top_source *a = left, *b = right;

	if (own(a) != own(b))
		return own(a) > own(b) ? -1 : 1;
	return memcmp(&a->address, &b->address, sizeof a->address);
}

void sl_top_sources_sort(struct sl_top_sources *sources)
{
	qsort(sources->items, sources->count, sizeof *sources->items, compare);
}

double sl_top_source_share(const struct sl_top_sources *sources, const struct sl_top_source *source)
{
	return sources->packets > 0 ? own(source) / sources->packets : 0;
}
