/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who sends most of what is dropped, estimated from samples.
 *
 * Enters: samples, and the time that goes by. Leaves: addresses with their share, the largest
 * first. Promised: memory for SL_TOP_SOURCES addresses, however many there are. Who sends more than
 * that part of all is among them, and nobody is told of with more than was sampled of him
 * (space-saving: Metwally, Agrawal, El Abbadi, 2005).
 */
#ifndef SLUICE_CLI_TOP_SOURCES_H
#define SLUICE_CLI_TOP_SOURCES_H

#include "base/types.h"
#include "sampling.h"

#define SL_TOP_SOURCES 256

struct sl_top_address {
	u8 family; /* AF_INET or AF_INET6 */
	u8 bytes[16];
};

struct sl_top_source {
	struct sl_top_address address;
	double packets; /* that the samples stand for; old ones count less and less */
	double excess;  /* of these may be of others that had its place before */
};

/* Starts as zeros. */
struct sl_top_sources {
	struct sl_top_source items[SL_TOP_SOURCES];
	u32 count;
	double packets; /* of all, likewise */
	double silence; /* seconds without a sample */
};

/* False: the sample has no IP header. */
bool sl_top_address_of(const struct sl_sample *sample, struct sl_top_address *ret_address);

void sl_top_sources_add(struct sl_top_sources *sources, const struct sl_top_address *address,
			double packets);
void sl_top_sources_age(struct sl_top_sources *sources, double seconds);

/* Sorts them; after that items[] begin with the largest shares. */
void sl_top_sources_sort(struct sl_top_sources *sources);
/* Of all, 0 to 1, as far as it is sure to be its own. */
double sl_top_source_share(const struct sl_top_sources *sources,
			   const struct sl_top_source *source);

#endif
