// SPDX-License-Identifier: GPL-2.0-only
/* A packet in words, for `sluice trace`: what is understood becomes a frame that can be judged. */
#include "meaning.h"

#include "lib/frames.h"
#include "ir/packet.h"

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

static void describe(const struct sl_program *program, const char *text)
{
	struct sl_frames frames = {0};
	struct sl_diag diag = {""};
	struct sl_packet packet;

	if (sl_frames_describe(program->arena, text, program, &frames, &diag)) {
		if (!*diag.text)
			abort();
		return;
	}
	for (u32 i = 0; i < frames.list.count; i++)
		(void)sl_packet_parse(&program->device, frames.list.items[i].bytes,
				      frames.list.items[i].length, &packet);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	char *text = malloc(size + 1);
	struct nft nft;

	if (!text)
		abort();
	memcpy(text, bytes, size);
	text[size] = '\0';
	fuzz_host(&nft);
	struct sl_program *program = lift(&nft);
	describe(program, text);
	sl_program_free(program);
	nft_free(&nft);
	free(text);
	return 0;
}
