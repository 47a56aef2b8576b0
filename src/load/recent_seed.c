// SPDX-License-Identifier: GPL-2.0-only
#include "load/recent_seed.h"

#include "jenkins.h"

/* An accident among some hundred words is then one in a trillion. */
#define PROOF_BITS 48

static bool explains(u32 seed, const struct sl_recent_witness *witnesses, u32 count, u32 buckets)
{
	for (u32 i = 0; i < count; i++) {
		const u32 words[4] = {witnesses[i].address};

		if ((sl_jenkins_hash(words, sizeof(u32), seed) & (buckets - 1)) !=
		    witnesses[i].bucket)
			return false;
	}
	return true;
}

static bool are_enough(u32 witness_count, u32 buckets)
{
	if (!buckets || buckets & (buckets - 1))
		return false;
	return witness_count * (u32)__builtin_ctz(buckets) >= PROOF_BITS;
}

bool sl_recent_seed_find(const u32 *words, u32 word_count,
			 const struct sl_recent_witness *witnesses, u32 witness_count, u32 buckets,
			 u32 *ret_index)
{
	bool is_found = false;
	u32 found = 0;

	if (!are_enough(witness_count, buckets))
		return false;
	for (u32 i = 0; i < word_count; i++) {
		if (!explains(words[i], witnesses, witness_count, buckets))
			continue;
		if (is_found && words[i] != words[found])
			return false;
		found = i;
		is_found = true;
	}
	if (is_found)
		*ret_index = found;
	return is_found;
}
