// SPDX-License-Identifier: GPL-2.0-only
#include "load/samples.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "load/maps.h"
#include "load/pins.h"

/* As many as the ring holds: under a flood, reading would have no end. */
#define TAKEN_MAX (SL_SAMPLING_RING_BYTES / sizeof(struct sl_sample))

struct sl_sampler {
	volatile struct sl_sampling_cell *cell;
	int ring_fd;
	struct ring_buffer *ring;
	sl_drop_sample_fn *each; /* of the reading that is going on; NULL: nobody's */
	void *context;
	u32 taken;       /* of it, so far */
	char device[32]; /* for messages */
	u32 every;
	u64 lost; /* before */
};

/* What another version made may look otherwise. */
static bool is_as_ours(int fd, u32 type, u32 value_size, u32 entries)
{
	struct bpf_map_info info = {0};
	u32 size = sizeof info;

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == type &&
	       info.value_size == value_size && info.max_entries == entries;
}

int sl_sampling_find(u64 net_cookie, const char *device, struct sl_sampling *ret_sampling)
{
	SL_CLEANUP(sl_close) int cell = sl_pins_get(net_cookie, device, SL_SAMPLING_PIN);
	SL_CLEANUP(sl_close) int ring = sl_pins_get(net_cookie, device, SL_SAMPLES_PIN);

	if (!is_as_ours(cell, BPF_MAP_TYPE_ARRAY, sizeof(struct sl_sampling_cell), 1) ||
	    !is_as_ours(ring, BPF_MAP_TYPE_RINGBUF, 0, SL_SAMPLING_RING_BYTES))
		return -ENOENT;
	*ret_sampling = (struct sl_sampling){sl_take_fd(&cell), sl_take_fd(&ring)};
	return 0;
}

static int create(struct sl_sampling *ret_sampling, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
	SL_CLEANUP(sl_close)
	int cell = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_sampling", sizeof(u32),
				  sizeof(struct sl_sampling_cell), 1, &mapped);
	SL_CLEANUP(sl_close) int ring = -1;

	if (cell >= 0)
		ring = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "sluice_samples", 0, 0,
				      SL_SAMPLING_RING_BYTES, NULL);
	if (ring < 0)
		return sl_fail(diag, errno, "cannot create the maps of samples: %s",
			       strerror(errno));
	*ret_sampling = (struct sl_sampling){sl_take_fd(&cell), sl_take_fd(&ring)};
	return 0;
}

int sl_sampling_open(u64 net_cookie, const char *device, struct sl_sampling *ret_sampling,
		     struct sl_diag *diag)
{
	return sl_sampling_find(net_cookie, device, ret_sampling) ? create(ret_sampling, diag) : 0;
}

void sl_sampling_close(struct sl_sampling *sampling)
{
	sl_close(&sampling->cell);
	sl_close(&sampling->ring);
}

static int take(void *context, void *data, size_t size)
{
	struct sl_sampler *sampler = context;

	if (sampler->each && size >= sizeof(struct sl_sample))
		sampler->each(sampler->context, data);
	return ++sampler->taken < TAKEN_MAX ? 0 : -EAGAIN;
}

static int fail_busy(const struct sl_sampler *sampler, struct sl_diag *diag)
{
	return sl_fail(diag, EBUSY,
		       "process %u reads the samples of %s already: they go to one reader at a "
		       "time",
		       sampler->cell->watcher, sampler->device);
}

/* The lease is what two readers meet at. */
static int take_lease(struct sl_sampler *sampler, struct sl_diag *diag)
{
	volatile struct sl_sampling_cell *cell = sampler->cell;
	u64 now = sl_monotonic_ns();
	__u64 until = cell->until_ns; /* another type than u64, though as long */

	if (until > now || !__atomic_compare_exchange_n(&cell->until_ns, &until,
							(__u64)(now + SL_SAMPLER_LEASE_NS), false,
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return fail_busy(sampler, diag);
	cell->watcher = (u32)getpid();
	return 0;
}

static bool has_lease(const struct sl_sampler *sampler)
{
	return sampler->cell->watcher == (u32)getpid();
}

static int map_cell(struct sl_sampler *sampler, int fd)
{
	void *cell = mmap(NULL, sizeof *sampler->cell, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (cell == MAP_FAILED)
		return -errno;
	sampler->cell = cell;
	return 0;
}

static int begin(struct sl_sampler *sampler, const struct sl_sampling *sampling,
		 struct sl_diag *diag)
{
	int error = map_cell(sampler, sampling->cell);

	if (error)
		return sl_fail(diag, -error, "the map of samples: %s", strerror(-error));
	error = take_lease(sampler, diag);
	if (error) {
		munmap((void *)sampler->cell, sizeof *sampler->cell);
		sampler->cell = NULL; /* nothing of it is ours */
		return error;
	}
	sampler->ring_fd = fcntl(sampling->ring, F_DUPFD_CLOEXEC, 0);
	sampler->ring = ring_buffer__new(sampler->ring_fd, take, sampler, NULL);
	if (!sampler->ring)
		return sl_fail(diag, errno, "the ring of samples: %s", strerror(errno));
	sampler->cell->every = 0; /* until what a reader before has left is read */
	sl_sampler_read(sampler, NULL, NULL);
	sampler->lost = sampler->cell->lost;
	return sl_sampler_renew(sampler, diag);
}

int sl_sampler_start(const struct sl_sampling *sampling, const char *device, u32 every,
		     struct sl_sampler **ret_sampler, struct sl_diag *diag)
{
	struct sl_sampler *sampler = calloc(1, sizeof *sampler);
	int error;

	if (!sampler)
		return sl_fail_memory(diag);
	sampler->ring_fd = -1;
	sampler->every = every;
	strncpy(sampler->device, device, sizeof sampler->device - 1);
	error = begin(sampler, sampling, diag);
	if (error) {
		sl_sampler_close(sampler);
		return error;
	}
	*ret_sampler = sampler;
	return 0;
}

int sl_sampler_open(u64 net_cookie, const char *device, u32 every, struct sl_sampler **ret_sampler,
		    struct sl_diag *diag)
{
	SL_CLEANUP(sl_sampling_close) struct sl_sampling sampling = SL_NO_SAMPLING;

	if (sl_sampling_find(net_cookie, device, &sampling))
		return sl_fail(diag, ENOENT,
			       "%s is not attached, or by a version of sluice that takes no "
			       "samples (`sluice reattach dev %s`)",
			       device, device);
	return sl_sampler_start(&sampling, device, every, ret_sampler, diag);
}

void sl_sampler_close(struct sl_sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->cell && has_lease(sampler)) {
		sampler->cell->every = 0;
		sampler->cell->until_ns = 0;
	}
	ring_buffer__free(sampler->ring);
	sl_close(&sampler->ring_fd);
	if (sampler->cell)
		munmap((void *)sampler->cell, sizeof *sampler->cell);
	free(sampler);
}

int sl_sampler_fd(const struct sl_sampler *sampler)
{
	return ring_buffer__epoll_fd(sampler->ring);
}

int sl_sampler_read(struct sl_sampler *sampler, sl_drop_sample_fn *each, void *context)
{
	int error;

	sampler->each = each;
	sampler->context = context;
	sampler->taken = 0;
	error = ring_buffer__consume(sampler->ring);
	sampler->each = NULL;
	return error < 0 && error != -EAGAIN ? error : (int)sampler->taken;
}

void sl_sampler_set_every(struct sl_sampler *sampler, u32 every)
{
	sampler->every = every;
}

/* The data plane may have turned it off, which is right only as long as the lease is over. */
int sl_sampler_renew(struct sl_sampler *sampler, struct sl_diag *diag)
{
	if (!has_lease(sampler))
		return fail_busy(sampler, diag);
	sampler->cell->until_ns = sl_monotonic_ns() + SL_SAMPLER_LEASE_NS;
	sampler->cell->every = sampler->every;
	return 0;
}

bool sl_sampler_is_of(const struct sl_sampler *sampler, u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, SL_SAMPLES_PIN);
	u32 id = sl_map_id(fd);

	return id && id == sl_map_id(sampler->ring_fd);
}

u64 sl_sampler_lost(const struct sl_sampler *sampler)
{
	return sampler->cell->lost - sampler->lost;
}
