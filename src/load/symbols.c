/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

/*
 * Which modules there are, of what size, and where: how often each is used changes with every
 * socket. 0: the list cannot be read; a kernel without modules has none, and never will.
 */
static u64 identify_modules(const char *path)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	SL_CLEANUP(sl_free) char *line = NULL;
	char name[64], size[24], address[24];
	size_t room = 0;
	u64 sum = HASH_BEGIN;

	if (!file)
		return errno == ENOENT ? sum : 0;
	while (getline(&line, &room, file) > 0) {
		if (sscanf(line, "%63s %23s %*s %*s %*s %23s", name, size, address) != 3)
			return 0;
		sum = hash(hash(hash(sum, name), size), address);
	}
	return ferror(file) ? 0 : sum;
}

void sl_symbols_renew(struct sl_symbols *symbols, const char *modules)
{
	u64 now = identify_modules(modules);

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

/* One that was hidden (kernel.kptr_restrict) may be there to read by now. */
static bool lacks_names(const struct sl_symbols *symbols)
{
	for (u32 i = 0; i < symbols->count; i++)
		if (!symbols->items[i].name[0])
			return true;
	return false;
}

int sl_symbols_find(struct sl_symbols *symbols, const char *kallsyms)
{
	SL_CLEANUP(sl_fclose) FILE *file = NULL;
	char line[512], name[sizeof symbols->items->name];
	u64 address;

	if (!lacks_names(symbols))
		return 0;
	file = fopen(kallsyms, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof line, file)) {
		struct sl_symbol *symbol;

		if (sscanf(line, "%" SCNx64 " %*c %47s", &address, name) != 2 || !address)
			continue;
		symbol = find(symbols, address);
		/* aliases at the same address begin with __pfx_ or the like: the last wins */
		if (symbol && strncmp(name, "__", 2) != 0)
			memcpy(symbol->name, name, sizeof name);
	}
	return 0;
}

const char *sl_symbols_name(const struct sl_symbols *symbols, u64 address)
{
	for (u32 i = 0; i < symbols->count; i++)
		if (symbols->items[i].address == address)
			return symbols->items[i].name;
	return "";
}
