/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* FNV-1a. */
#define HASH_BEGIN 0xcbf29ce484222325ULL
#define HASH_PRIME 0x100000001b3ULL

static u64 hash(u64 sum, const char *text)
{
	do
		sum = (sum ^ (u8)*text) * HASH_PRIME;
	while (*text++);
	return sum;
}

/* "ffffffffc0a00100 t ip_vs_in_hook\t[ip_vs]": there are very many of these, too many for sscanf().
 */
static bool parse(char *line, u64 *ret_address, char **ret_name)
{
	char *end;

	*ret_address = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	*ret_name = end + 3;
	(*ret_name)[strcspn(*ret_name, "\t\n")] = '\0';
	return true;
}

int sl_symbols_each(const char *kallsyms,
		    void (*each)(void *context, u64 address, const char *name), void *context)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(kallsyms, "re");
	SL_CLEANUP(sl_free) char *line = NULL;
	size_t room = 0;
	char *name;
	u64 address;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0) {
		if (!parse(line, &address, &name))
			return -EBADMSG;
		each(context, address, name);
	}
	return feof(file) ? 0 : -EIO;
}

/*
 * Which modules there are, of what size, whether they have come whole, and where: how often each is
 * used changes with every socket. A kernel without modules has none, and never will.
 */
u64 sl_symbols_modules(const char *path)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	SL_CLEANUP(sl_free) char *line = NULL;
	char name[64], size[24], state[24], address[24];
	size_t room = 0;
	u64 sum = HASH_BEGIN;

	if (!file)
		return errno == ENOENT ? sum : 0;
	while (getline(&line, &room, file) > 0) {
		if (sscanf(line, "%63s %23s %*s %*s %23s %23s", name, size, state, address) != 4)
			return 0;
		sum = hash(hash(hash(hash(sum, name), size), state), address);
	}
	return ferror(file) ? 0 : sum;
}

void sl_symbols_renew(struct sl_symbols *symbols, const char *modules)
{
	u64 now = sl_symbols_modules(modules);

	if (!now || now != symbols->modules || symbols->count > SL_SYMBOLS_WANTED_MAX)
		symbols->count = 0;
	symbols->modules = now;
}

static struct sl_symbol *find(struct sl_symbols *symbols, u64 address)
{
	for (u32 i = 0; i < symbols->count; i++)
		if (symbols->items[i].address == address)
			return &symbols->items[i];
	return NULL;
}

void sl_symbols_want(struct sl_symbols *symbols, u64 address)
{
	if (!find(symbols, address) && symbols->count < SL_ARRAY_SIZE(symbols->items))
		symbols->items[symbols->count++] = (struct sl_symbol){.address = address};
}

/* Those that lack a name: one that was hidden (kernel.kptr_restrict) may be there to read by now.
 */
struct search {
	struct sl_symbols *symbols;
	struct sl_symbol *nameless[2 * SL_SYMBOLS_WANTED_MAX];
	u32 count;
};

static void list_nameless(struct search *search)
{
	for (u32 i = 0; i < search->symbols->count; i++)
		if (!search->symbols->items[i].name[0])
			search->nameless[search->count++] = &search->symbols->items[i];
}

static struct sl_symbol *find_nameless(const struct search *search, u64 address)
{
	for (u32 i = 0; i < search->count; i++)
		if (search->nameless[i]->address == address)
			return search->nameless[i];
	return NULL;
}

static void add_likely(struct sl_symbols *symbols, u64 address, const char *name)
{
	struct sl_symbol *symbol;

	if (symbols->count >= SL_SYMBOLS_LIKELY_MAX || find(symbols, address))
		return;
	symbol = &symbols->items[symbols->count++];
	symbol->address = address;
	snprintf(symbol->name, sizeof symbol->name, "%s", name);
}

/* Aliases at the same address begin with __pfx_ or the like: the last wins. */
static void take_name(void *context, u64 address, const char *name)
{
	struct search *search = context;
	struct sl_symbols *symbols = search->symbols;
	struct sl_symbol *symbol;

	if (!address || !strncmp(name, "__", 2))
		return;
	symbol = find_nameless(search, address);
	if (symbol)
		snprintf(symbol->name, sizeof symbol->name, "%s", name);
	else if (symbols->is_likely && symbols->is_likely(name))
		add_likely(symbols, address, name);
}

int sl_symbols_find(struct sl_symbols *symbols, const char *kallsyms)
{
	struct search search = {.symbols = symbols};

	list_nameless(&search);
	return search.count ? sl_symbols_each(kallsyms, take_name, &search) : 0;
}

const char *sl_symbols_name(const struct sl_symbols *symbols, u64 address)
{
	for (u32 i = 0; i < symbols->count; i++)
		if (symbols->items[i].address == address)
			return symbols->items[i].name;
	return "";
}
