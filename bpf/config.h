/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_CONFIG_H
#define SLUICE_BPF_CONFIG_H

#include "../abi/config.h"

#define CONFIG(field)                                                                              \
	({                                                                                         \
		__u64 value_;                                                                      \
                                                                                                   \
		asm("%0 = %1"                                                                      \
		    : "=r"(value_)                                                                 \
		    : "i"(SL_CONFIG_MARK | sizeof(((struct sl_config *)0)->field) << 8 |           \
			  offsetof(struct sl_config, field)));                                     \
		value_;                                                                            \
	})

#endif
