// SPDX-License-Identifier: GPL-2.0-only
#include "cli/service.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *ward, const char *key)
{
	return json_string_value(json_object_get(ward, key)) ?: "";
}

static void print_ward(const json_t *ward, int pid)
{
	const char *state = text_of(ward, "state"), *why = text_of(ward, "why");
	double wait_s = json_real_value(json_object_get(ward, "retry_seconds"));

	printf("%s: not attached\n", text_of(ward, "now"));
	if (!strcmp(state, "waiting"))
		printf("  why          there is no such device yet\n");
	else if (!strcmp(state, "off"))
		printf("  why          %s\n", *why ? why : "it was detached on request");
	else if (*why)
		printf("  why          %s\n", why);
	printf("  kept by      sluiced, process %d: ", pid);
	if (!strcmp(state, "retrying"))
		printf("it tries again in %.0f s\n", wait_s);
	else if (!strcmp(state, "off"))
		printf("not until `sluice attach dev %s`, or a reload\n", text_of(ward, "now"));
	else
		printf("%s\n", state);
}

void sl_service_print(const json_t *status, const char *only)
{
	int pid = (int)json_integer_value(json_object_get(status, "pid"));
	const json_t *ward;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i,
			   ward) if (strcmp(text_of(ward, "state"), "kept") != 0 &&
				     (!only || ward == sl_service_find(status, only)))
		print_ward(ward, pid);
}
