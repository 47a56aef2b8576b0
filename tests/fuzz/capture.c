// SPDX-License-Identifier: GPL-2.0-only
/* A file that somebody gave us as a capture, and its packets judged. */
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "meaning.h"

#include "cli/capture.h"
#include "ir/interp.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

/* One for all inputs: rewinding it is cheaper than another. */
static int capture = -1;

static void write_capture(const u8 *bytes, size_t size)
{
	if (capture < 0)
		capture = memfd_create("capture", MFD_CLOEXEC);
	if (capture < 0 || ftruncate(capture, 0) || pwrite(capture, bytes, size, 0) < 0)
		abort();
}

static void judge(const struct sl_program *program, const struct sl_frames *frames)
{
	struct sl_oracle nothing_known = {0};
	struct sl_outcome outcome;

	for (u32 i = 0; i < frames->list.count; i++) {
		/* Alone, so that the sanitizer sees its end. */
		const struct sl_frame *frame = &frames->list.items[i];
		u8 *alone = malloc(frame->length);

		if (frame->length)
			memcpy(alone, frame->bytes, frame->length);
		sl_interp(program, alone, frame->length, &nothing_known, NULL, NULL, &outcome);
		free(alone);
	}
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct sl_frames frames = {0};
	struct sl_diag diag = {""};
	char path[64];
	struct nft nft;

	fuzz_host(&nft);
	nft.chain = add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0);
	nft_rule(&nft, nft.chain, load_th(12, 4), cmp_eq("abcd"), drop_it());
	write_capture(bytes, size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", capture);
	if (!sl_frames_read(nft.rules->arena, path, &frames, &diag)) {
		struct sl_program *program = lift(&nft);

		judge(program, &frames);
		sl_program_free(program);
	}
	nft_free(&nft);
	return 0;
}
