/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An option of the TCP header. A function of its own, that the verifier proves once, for any header
 * and any option. src/ir/tcp_option.c is its slow twin; both follow the kernel's nft_exthdr.c.
 */
#ifndef SLUICE_BPF_TCP_OPTION_H
#define SLUICE_BPF_TCP_OPTION_H

#include "../abi/tcp_options.h"
#include "kernel.h"

/* The last bytes of a header, of which as many are options as there is room for in any. */
struct tcp_options {
	__u8 bytes[SL_TCP_OPTIONS_MAX];
};

/* The option's bytes from `from` on, the first lowest. Known to be there, but not to the verifier.
 */
static __always_inline __u32 read_option(const struct tcp_options *options, __u32 from,
					 __u32 length)
{
	__u32 value = 0;

	for (__u32 i = 0; i < SL_TCP_OPTION_VALUE_MAX; i++)
		if (i < length && from + i < SL_TCP_OPTIONS_MAX)
			value |= (__u32)options->bytes[from + i] << 8 * i;
	return value;
}

/* End-of-list and no-operation are one byte long; and so is what says that it has none. */
static __always_inline __u32 option_length(__u8 kind, __u8 length)
{
	return kind <= 1 || !length ? 1 : length;
}

/*
 * `count`: bytes at the end that are options; `wanted`: SL_TCP_OPTION_WANTED(). SL_TCP_OPTION_FOUND
 * and the value in the lower half, or 0.
 */
__noinline __u64 tcp_option(const struct tcp_options *options, __u32 count, __u32 wanted)
{
	__u32 from = wanted >> 8 & 0xff, length = wanted >> 16 & 0xff;
	__u32 at = SL_TCP_OPTIONS_MAX - count;

	if (!options)
		return 0;
	for (__u32 i = 0; i < SL_TCP_OPTIONS_MAX; i++) {
		asm volatile("" : "+r"(at)); /* the verifier of 6.1 shall see one number, not two */
		if (at >= SL_TCP_OPTIONS_MAX - 1)
			break;

		__u8 kind = options->bytes[at];
		__u32 step = option_length(kind, options->bytes[at + 1]);

		if (kind != (__u8)wanted) {
			at += step;
			continue;
		}
		if (at + step > SL_TCP_OPTIONS_MAX || from + length > step)
			return 0;
		return SL_TCP_OPTION_FOUND | read_option(options, at + from, length);
	}
	return 0;
}

#endif
