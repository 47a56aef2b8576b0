/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width integers under the kernel's short names. */
#ifndef SLUICE_BASE_TYPES_H
#define SLUICE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define SL_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
