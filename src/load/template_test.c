/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "load/template.h"

static const struct sl_template *get(enum sl_hook_point point, bool is_audit)
{
	const struct sl_template *template;
	struct sl_diag diag = {0};

	if (geteuid() != 0) {
		print_message("skipped: only root may ask for the kernel's types\n");
		skip();
	}
	if (sl_template_get(point, is_audit, &template, &diag))
		fail_msg("%s", diag.text);
	return template;
}

static u32 count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void template_is_made_once(void **state)
{
	const struct bpf_insn *insns = get(SL_POINT_XDP, false)->insns;

	(void)state;
	get(SL_POINT_TC, false);
	assert_ptr_equal(get(SL_POINT_XDP, false)->insns, insns);
}

static void forgotten_template_comes_back_as_it_was(void **state)
{
	struct sl_template before = *get(SL_POINT_XDP, false);
	struct bpf_insn *insns = malloc(before.count * sizeof *insns);
	const struct sl_template *after;
	u32 files = count_files();

	(void)state;
	assert_non_null(insns);
	memcpy(insns, before.insns, before.count * sizeof *insns);
	sl_template_forget(SL_POINT_XDP, false);
	after = get(SL_POINT_XDP, false);
	assert_int_equal(after->count, before.count);
	assert_memory_equal(after->insns, insns, before.count * sizeof *insns);
	assert_memory_equal(after->functions, before.functions, sizeof before.functions);
	assert_memory_equal(after->maps, before.maps, sizeof before.maps);
	assert_int_equal(count_files(), files);
	free(insns);
}

static void every_map_that_is_named_has_a_shape(void **state)
{
	const struct sl_template *template = get(SL_POINT_XDP, false);
	u32 named = 0;

	(void)state;
	for (u32 i = 0; i < template->count; i++) {
		if (!sl_names_map(&template->insns[i]))
			continue;
		assert_in_range(template->insns[i].imm, 0, SL_MAPS - 1);
		assert_true(template->maps[template->insns[i].imm].exists);
		assert_true(template->maps[template->insns[i].imm].max_entries);
		named++;
	}
	assert_true(named > 0);
}

static void maps_are_those_of_the_place(void **state)
{
	const struct sl_template *template = get(SL_POINT_XDP, false);

	(void)state;
	assert_true(template->maps[SL_MAP_LIVE].exists);
	assert_false(template->maps[SL_MAP_AUDIT_EVEN].exists);
	assert_false(template->maps[SL_MAP_PACKET_COPIES].exists);
	assert_true(get(SL_POINT_XDP, true)->maps[SL_MAP_AUDIT_EVEN].exists);
}

static void what_generated_code_calls_is_there(void **state)
{
	const struct sl_template *template = get(SL_POINT_XDP, false);

	(void)state;
	for (u32 i = 0; i < SL_FUNCTIONS; i++)
		assert_in_range(template->functions[i], 1, template->count - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_is_made_once),
		cmocka_unit_test(forgotten_template_comes_back_as_it_was),
		cmocka_unit_test(every_map_that_is_named_has_a_shape),
		cmocka_unit_test(maps_are_those_of_the_place),
		cmocka_unit_test(what_generated_code_calls_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
