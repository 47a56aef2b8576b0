// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "api/handle.h"
#include "load/attach.h"
#include "load/memory.h"

#define CONFIRM_SECONDS_MAX 86400

_Static_assert((int)SLUICE_MODE_AUTO == (int)SL_WANT_AUTO &&
		       (int)SLUICE_MODE_OFFLOAD == (int)SL_WANT_OFFLOAD &&
		       (int)SLUICE_MODE_NATIVE == (int)SL_WANT_NATIVE &&
		       (int)SLUICE_MODE_TC == (int)SL_WANT_TC &&
		       (int)SLUICE_MODE_GENERIC == (int)SL_WANT_GENERIC,
	       "one is cast to the other");

enum sluice_mode sl_mode_told(enum sl_attach_mode mode)
{
	static const enum sluice_mode modes[] = {
		[SL_MODE_NONE] = SLUICE_MODE_NONE,
		[SL_MODE_NATIVE] = SLUICE_MODE_NATIVE,
		[SL_MODE_TC] = SLUICE_MODE_TC,
		[SL_MODE_GENERIC] = SLUICE_MODE_GENERIC,
	};

	return modes[mode];
}

const char *sluice_mode_name(enum sluice_mode mode)
{
	static const char *const names[] = {"auto", "offload", "native", "tc", "generic", "none"};

	return (size_t)mode < SL_ARRAY_SIZE(names) ? names[mode] : "none";
}

/* What a newer header has behind what is known here must not have been meant. */
static bool is_zero(const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((const u8 *)bytes)[i])
			return false;
	return true;
}

static int check(struct sluice *sluice, const struct sluice_options *options)
{
	const size_t known = sizeof *options;

	if (options->size < known)
		return sl_fail(&sluice->diag, EINVAL,
			       "options of %zu bytes are too small: use SLUICE_OPTIONS()",
			       options->size);
	if (options->flags & ~SLUICE_REPLACE || options->reserved ||
	    !is_zero((const u8 *)options + known, options->size - known))
		return sl_fail(&sluice->diag, E2BIG,
			       "options that this version of libsluice (%s) does not know",
			       sluice_version());
	if ((unsigned int)options->mode > SLUICE_MODE_GENERIC)
		return sl_fail(&sluice->diag, EINVAL, "no mode that can be asked for: %d",
			       (int)options->mode);
	if (options->confirm_seconds > CONFIRM_SECONDS_MAX)
		return sl_fail(&sluice->diag, EINVAL, "confirm_seconds: 1 to %d, not %u",
			       CONFIRM_SECONDS_MAX, options->confirm_seconds);
	return 0;
}

int sl_wishes_read(struct sluice *sluice, const struct sluice_options *options,
		   struct sl_wishes *ret_wishes)
{
	int error = options ? check(sluice, options) : 0;

	if (error)
		return error;
	*ret_wishes = (struct sl_wishes){.memory_limit = SL_MEMORY_LIMIT};
	if (!options)
		return 0;
	ret_wishes->mode = (enum sl_wanted_mode)options->mode;
	if (options->memory_limit)
		ret_wishes->memory_limit = options->memory_limit;
	ret_wishes->confirm_seconds = options->confirm_seconds;
	ret_wishes->replaces = options->flags & SLUICE_REPLACE;
	return 0;
}
