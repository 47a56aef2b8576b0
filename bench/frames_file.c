// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frames_file.h"

static int read_all(FILE *stream, struct frames *ret_frames)
{
	struct frames frames;
	struct stat about;

	if (fstat(fileno(stream), &about))
		return -errno;
	frames.count = (unsigned int)((size_t)about.st_size / sizeof(struct frame));
	if (!frames.count || (size_t)about.st_size % sizeof(struct frame))
		return -EINVAL;
	frames.items = calloc(frames.count, sizeof(struct frame));
	if (!frames.items)
		return -ENOMEM;
	if (fread(frames.items, sizeof(struct frame), frames.count, stream) != frames.count) {
		free(frames.items);
		return -EIO;
	}
	*ret_frames = frames;
	return 0;
}

int frames_read(const char *path, const struct ether_addr *mac, struct frames *ret_frames)
{
	FILE *stream = fopen(path, "re");
	int error = stream ? read_all(stream, ret_frames) : -errno;

	if (stream)
		fclose(stream);
	for (unsigned int i = 0; !error && i < ret_frames->count; i++)
		memcpy(&ret_frames->items[i], mac, sizeof *mac);
	return error;
}

int frames_store(const struct frames *frames, int map)
{
	for (unsigned int i = 0; i < frames->count; i++)
		if (bpf_map_update_elem(map, &i, &frames->items[i], BPF_ANY))
			return -errno;
	return 0;
}
