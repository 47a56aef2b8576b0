/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the rules go. Each of these calls becomes, when the program is loaded, the code that
 * src/codegen/ made of the rules of one hook and family; it is spliced in place, so that it costs
 * no call. Until then it is a call to a helper that no kernel has.
 *
 * Register contract: r1 = the cursor, r2 = worlds (abi/cursor.h) on entry; r0 = worlds on exit;
 * r0–r9 are the generated code's to use.
 */
#ifndef SLUICE_BPF_RULES_H
#define SLUICE_BPF_RULES_H

#include "cursor.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x)  STRINGIFY_(x)

#define DEFINE_RULES(name, marker)                                                                 \
	static __always_inline __u64 name(struct sl_cursor *cursor, __u64 worlds)                  \
	{                                                                                          \
		register struct sl_cursor *r1 asm("r1") = cursor;                                  \
		register __u64 r2 asm("r2") = worlds;                                              \
		register __u64 r0 asm("r0");                                                       \
                                                                                                   \
		asm volatile("call %[id]"                                                          \
			     : "=r"(r0), "+r"(r1), "+r"(r2)                                        \
			     : [id] "i"(marker)                                                    \
			     : "r3", "r4", "r5", "r6", "r7", "r8", "r9", "memory");                \
		return r0;                                                                         \
	}

DEFINE_RULES(rules_ip_prerouting, SL_MARKER_IP_PREROUTING)
DEFINE_RULES(rules_ip_input, SL_MARKER_IP_INPUT)
DEFINE_RULES(rules_ip_forward, SL_MARKER_IP_FORWARD)
DEFINE_RULES(rules_ip6_prerouting, SL_MARKER_IP6_PREROUTING)
DEFINE_RULES(rules_ip6_input, SL_MARKER_IP6_INPUT)
DEFINE_RULES(rules_ip6_forward, SL_MARKER_IP6_FORWARD)

static __always_inline __u64 live_worlds(__u64 worlds)
{
	return worlds >> SL_LIVE_SHIFT & SL_WORLDS_MASK;
}

/* At the end of the path: who was told to pass, and who met no drop. */
static __always_inline __u64 passing_worlds(__u64 worlds)
{
	return (worlds >> SL_PASS_SHIFT | worlds >> SL_LIVE_SHIFT) & SL_WORLDS_MASK;
}

#endif
