/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of early drops (abi/sampling.h): their maps, and who reads them.
 *
 * Enters: the pins of an attachment, kept by a process or not. Leaves: samples, as the data plane
 * wrote them. Promised: one reader at a time; and sampling ends with the reader, whatever ends
 * that.
 */
#ifndef SLUICE_LOAD_SAMPLES_H
#define SLUICE_LOAD_SAMPLES_H

#include "base/diag.h"
#include "base/types.h"
#include "sampling.h"

/* Of an attachment: they stay when generations come and go. */
struct sl_sampling {
	int cell, ring; /* −1: none */
};

#define SL_NO_SAMPLING ((struct sl_sampling){-1, -1})

#define SL_SAMPLING_PIN "sampling"
#define SL_SAMPLES_PIN  "samples"

/* Those that are pinned, or new ones. */
int sl_sampling_open(u64 net_cookie, const char *device, struct sl_sampling *ret_sampling,
		     struct sl_diag *diag);
/* -ENOENT: none are pinned, or another version's. */
int sl_sampling_find(u64 net_cookie, const char *device, struct sl_sampling *ret_sampling);
void sl_sampling_close(struct sl_sampling *sampling);

/* A reader. */
struct sl_sampler;

/* Borrowed, until the call returns. */
typedef void sl_drop_sample_fn(void *context, const struct sl_sample *sample);

/* For so long a reader that says nothing is taken to live; it renews in half of it at most. */
#define SL_SAMPLER_LEASE_NS 3000000000ULL

/*
 * One of `every` drops is sampled from now on. -EBUSY: somebody else reads them; -ENOENT: the
 * device is not attached, or was by a version that has no samples. sl_pins_init() comes before.
 */
int sl_sampler_open(u64 net_cookie, const char *device, u32 every, struct sl_sampler **ret_sampler,
		    struct sl_diag *diag);
/* Of maps that are at hand, for tests; the device is for messages. Their files stay the caller's.
 */
int sl_sampler_start(const struct sl_sampling *sampling, const char *device, u32 every,
		     struct sl_sampler **ret_sampler, struct sl_diag *diag);
void sl_sampler_close(struct sl_sampler *sampler); /* ends sampling; NULL is fine */

/* Readable when there are samples. */
int sl_sampler_fd(const struct sl_sampler *sampler);

/* Hands over what is there, at most as many as the ring holds; how many they were, or -errno. */
int sl_sampler_read(struct sl_sampler *sampler, sl_drop_sample_fn *each, void *context);

/* From the next renewal on; each sample says what it stands for. */
void sl_sampler_set_every(struct sl_sampler *sampler, u32 every);

/* Once a second or so. -EBUSY: it was silent for too long, and somebody else reads them now. */
int sl_sampler_renew(struct sl_sampler *sampler, struct sl_diag *diag);

/* Whether the attachment's samples still come here: it may have ended, and begun anew. */
bool sl_sampler_is_of(const struct sl_sampler *sampler, u64 net_cookie, const char *device);

/* Samples that found no room, since it was opened. */
u64 sl_sampler_lost(const struct sl_sampler *sampler);

#endif
