/* SPDX-License-Identifier: GPL-2.0-only */
/* Conntrack states as SL_WORLD_* in src/ir/ir.h has them. */
#ifndef SLUICE_BPF_WORLDS_H
#define SLUICE_BPF_WORLDS_H

#define WORLD_NEW         (1 << 0)
#define WORLD_ESTABLISHED (1 << 1)
#define WORLD_RELATED     (1 << 2)
#define WORLD_INVALID     (1 << 3)
#define WORLD_UNTRACKED   (1 << 4)
#define WORLDS_ALL        ((1 << 5) - 1)

#endif
