// SPDX-License-Identifier: GPL-2.0-only
#include "run.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "generate.h"

int sl_run_frame(const struct sl_dataplane *dataplane, const u8 *frame, u32 length)
{
	u8 out[SL_RANDOM_FRAME_MAX + 512];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = length,
		    .data_out = out, .data_size_out = sizeof out, .repeat = 1);

	if (bpf_prog_test_run_opts(sl_dataplane_program_fd(dataplane), &opts))
		return -errno;
	return (int)opts.retval;
}

u32 sl_verified_insns(const struct sl_dataplane *dataplane)
{
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	if (bpf_obj_get_info_by_fd(sl_dataplane_program_fd(dataplane), &info, &size))
		return 0;
	return info.verified_insns;
}
