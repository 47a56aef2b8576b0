/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/elements.h"

#include <string.h>

#include "codegen/codegen.h"
#include "load/maps.h"

static bool is_set_of(const struct sl_set *set, const struct sl_element_change *change)
{
	return set->family == change->family && !strcmp(set->name, change->set) &&
	       !strcmp(set->table, change->table);
}

static bool is_plain(const struct sl_set *set, const struct sl_nft_element *element)
{
	return !set->is_vmap && !element->is_catchall && !element->opaque &&
	       (!element->expires_at_ns || set->has_timeouts);
}

/* Of sets that packets fill it is only the elements of their own that nobody need follow. */
static bool is_followed(const struct sl_filled *filled, const struct sl_element_change *change)
{
	return filled->family != change->family || strcmp(filled->name, change->set) != 0 ||
	       strcmp(filled->table_name, change->table) != 0 ||
	       (!change->element.is_catchall && !change->element.opaque);
}

static bool apply(struct sl_set_maps *maps, const struct sl_set *set,
		  const struct sl_element_change *change)
{
	struct sl_element element = {
		.key = change->element.key,
		.key_end = change->element.key_end,
		.expires_at_ns = change->element.expires_at_ns,
	};

	if (!is_plain(set, &change->element))
		return false;
	if (sl_set_holds_all(set))
		return true;
	if (!sl_set_needs_map(set))
		return false;
	if (change->is_added)
		return !sl_set_map_add(maps, set, &element, 0);
	return !sl_set_map_remove(maps, set, element.key, element.key_end);
}

bool sl_elements_apply(const struct sl_program *program, struct sl_dataplane *dataplane,
		       const struct sl_rules_event *event)
{
	for (u32 i = 0; i < event->changes.count; i++) {
		const struct sl_element_change *change = &event->changes.items[i];

		/* A set can have several copies, one a family that looks it up. */
		for (u32 s = 0; s < program->sets.count; s++) {
			const struct sl_set *set = program->sets.items[s];

			if (is_set_of(set, change) && set->is_used &&
			    !apply(sl_dataplane_sets(dataplane), set, change))
				return false;
		}
		for (u32 f = 0; f < program->filled.count; f++)
			if (!is_followed(&program->filled.items[f], change))
				return false;
	}
	return true;
}
