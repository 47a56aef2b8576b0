/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_CONFIG_H
#define SLUICE_BPF_CONFIG_H

#include "../abi/config.h"

/* Filled in by src/load/ before the program is loaded. */
const volatile struct sl_config config;

#endif
