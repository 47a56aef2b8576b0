/* SPDX-License-Identifier: GPL-2.0-only */
/* How generated code asks for an option of the TCP header (bpf/tcp_option.h). */
#ifndef SLUICE_ABI_TCP_OPTIONS_H
#define SLUICE_ABI_TCP_OPTIONS_H

#define SL_TCP_OPTIONS_MAX      40 /* bytes in one header */
#define SL_TCP_OPTION_VALUE_MAX 4  /* bytes that can be asked for at once */

/* Which option, and `length` bytes of it from byte `from` on, its kind being the first. */
#define SL_TCP_OPTION_WANTED(kind, from, length) ((kind) | (from) << 8 | (length) << 16)
#define SL_TCP_OPTION_FOUND                      (1ULL << 32)

#endif
