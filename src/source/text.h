/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be told from the text of a rules file, and of a tool's complaint about it, without
 * parsing either: the kernel's tools do that.
 */
#ifndef SLUICE_SOURCE_TEXT_H
#define SLUICE_SOURCE_TEXT_H

#include <net/if.h>

#include "source/source.h"

enum sl_file_format sl_text_format(const char *text);

/* Whether iptables-save wrote every rule with its counters (-c). */
bool sl_text_has_counters(const char *text);

/* 0, or a negative errno that ends the search. */
typedef int sl_name_fn(void *context, const char *name);

/* The devices that nft's `device` and `devices` name, directly or through a `define`. */
int sl_text_find_devices(const char *text, sl_name_fn *take, void *context);

/* The devices that nft says do not exist, from the text under its carets. */
int sl_text_find_missing(const char *complaint, sl_name_fn *take, void *context);

#endif
