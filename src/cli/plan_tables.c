// SPDX-License-Identifier: GPL-2.0-only
/* How long runs of rules are looked up: what optimise/gather.c chose, in words. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/names.h"
#include "cli/plan.h"

static u64 bytes_of(const struct sl_table *table)
{
	return (u64)table->word_count * sizeof(u64);
}

static u64 kilobytes(u64 bytes)
{
	return (bytes + 1023) / 1024;
}

/* A chain of a table for both families has been made into one each. */
static const char *packets_of(const struct sl_choice *choice)
{
	return choice->families == SL_IP ? "IPv4" : choice->families == SL_IP6 ? "IPv6" : "IP";
}

static void print_choice(const struct sl_choice *choice)
{
	printf("    %s ", sl_family_name(choice->chain->family));
	sl_print_name(choice->chain->table);
	printf(" ");
	sl_print_name(choice->chain->name);
	printf(", %s, from handle %" PRIu64 " to handle %" PRIu64 ": ", packets_of(choice),
	       choice->first, choice->last);
	if (choice->table)
		printf("%u rules in %u tree%s, %" PRIu64 " kB\n", choice->count,
		       choice->table->trees, choice->table->trees == 1 ? "" : "s",
		       kilobytes(bytes_of(choice->table)));
	else
		printf("%u rules without a table\n", choice->count);
	printf("        %s\n", choice->reason);
}

void sl_plan_print_tables(const struct sl_plan *plan, bool is_verbose)
{
	const struct sl_program *program = plan->compiled->program;
	u32 rules = 0, tables = 0, trees = 0;

	for (u32 i = 0; i < program->choices.count; i++) {
		const struct sl_choice *choice = &program->choices.items[i];

		if (!choice->table)
			continue;
		rules += choice->count;
		trees += choice->table->trees;
		tables++;
	}
	if (tables)
		printf("  tables       %u rules in %u tree%s of %u table%s, %" PRIu64 " kB\n",
		       rules, trees, trees == 1 ? "" : "s", tables, tables == 1 ? "" : "s",
		       kilobytes(program->image_words * sizeof *program->image));
	for (u32 i = 0; i < program->choices.count && is_verbose; i++)
		print_choice(&program->choices.items[i]);
}

static json_t *describe(const struct sl_choice *choice)
{
	json_t *object = json_object();

	json_object_set_new(object, "family", json_string(sl_family_name(choice->chain->family)));
	json_object_set_new(object, "table", sl_json_text(choice->chain->table));
	json_object_set_new(object, "chain", sl_json_text(choice->chain->name));
	json_object_set_new(object, "packets", json_string(packets_of(choice)));
	json_object_set_new(object, "first_handle", json_integer((json_int_t)choice->first));
	json_object_set_new(object, "last_handle", json_integer((json_int_t)choice->last));
	json_object_set_new(object, "rules", json_integer(choice->count));
	json_object_set_new(object, "trees",
			    json_integer(choice->table ? choice->table->trees : 0));
	json_object_set_new(object, "bytes",
			    json_integer(choice->table ? (json_int_t)bytes_of(choice->table) : 0));
	json_object_set_new(object, "reason", sl_json_text(choice->reason));
	return object;
}

json_t *sl_plan_describe_tables(const struct sl_plan *plan)
{
	json_t *list = json_array();

	for (u32 i = 0; i < plan->compiled->program->choices.count; i++)
		json_array_append_new(list, describe(&plan->compiled->program->choices.items[i]));
	return list;
}
