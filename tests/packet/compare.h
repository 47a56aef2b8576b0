/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two records of the same script, told apart: per act the multisets of observations, at the end
 * the redirects and the connection tracking table. Where the interpreter foretold that nothing
 * would come of an act, all that did come without the candidate is a difference too. Rule counters
 * are compared apart, since early drops are missing from the kernel's by contract.
 */
#ifndef SLUICE_PACKET_COMPARE_H
#define SLUICE_PACKET_COMPARE_H

#include <stdio.h>

#include "record.h"
#include "script.h"

/*
 * The number of differences between `without` and `with` the candidate. Written to `report` for
 * people, where it is not NULL.
 */
u32 sl_compare(const struct sl_script *script, const struct sl_record *without,
	       const struct sl_record *with, FILE *report);

/* By how many packets the rules' counts differ, the early ones included. */
u64 sl_compare_counts(const struct sl_record *without, const struct sl_record *with);
u64 sl_record_sum_counts(const struct sl_record *record); /* of all rules */

/* Acts of which the interpreter foretold that nothing would come. */
u32 sl_record_count_doomed(const struct sl_record *record);

/* Acts of the script after which nothing at all was seen: dropped, most of them. */
u32 sl_record_count_silent(const struct sl_record *record);

#endif
