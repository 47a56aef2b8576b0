/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of kernel functions, by their addresses. /proc/kallsyms has 200,000 lines, so a name
 * that was found is kept, until the kernel loads or unloads a module: another function may then be
 * where one was.
 */
#ifndef SLUICE_LOAD_SYMBOLS_H
#define SLUICE_LOAD_SYMBOLS_H

#include "base/types.h"

/* How many can be wanted from one renewal to the next. */
#define SL_SYMBOLS_WANTED_MAX 256
#define SL_SYMBOLS_LIKELY_MAX 128

struct sl_symbols {
	struct sl_symbol {
		u64 address;
		char name[48]; /* "" where it is not known */
	} items[2 * SL_SYMBOLS_WANTED_MAX];
	u32 count;
	u64 modules; /* what tells the list of modules from others */
	/*
	 * Names that somebody will want, sooner or later: the first reading that comes by finds
	 * SL_SYMBOLS_LIKELY_MAX of them, too. NULL: none.
	 */
	bool (*is_likely)(const char *name);
};

/*
 * What tells the kernel's modules from those of another time; 0: that is not known. `modules`:
 * /proc/modules, but for tests.
 */
u64 sl_symbols_modules(const char *modules);

/*
 * Calls `each` for all of `kallsyms` (/proc/kallsyms), with address 0 where that is hidden. 0, or
 * -errno where it could not be read to its end.
 */
int sl_symbols_each(const char *kallsyms,
		    void (*each)(void *context, u64 address, const char *name), void *context);

/* Forgets what may have changed. `modules`: /proc/modules, but for tests. */
void sl_symbols_renew(struct sl_symbols *symbols, const char *modules);

/* Notes an address to find the name of. */
void sl_symbols_want(struct sl_symbols *symbols, u64 address);

/* Reads `kallsyms` (/proc/kallsyms) if some name is wanted and not known. 0 or -errno. */
int sl_symbols_find(struct sl_symbols *symbols, const char *kallsyms);

/* "" where it is not known. */
const char *sl_symbols_name(const struct sl_symbols *symbols, u64 address);

#endif
