// SPDX-License-Identifier: GPL-2.0-only
/* As Prometheus' exposition format has it, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exposition.h"

struct page {
	FILE *file;
	char *text;
	size_t size;
};

static const struct sl_metric metric = {"sluice_things_total", "counter", "Things."};
static const struct sl_label no_labels[1] = {{NULL, NULL}};

static void open_page(struct page *page)
{
	page->file = open_memstream(&page->text, &page->size);
	assert_non_null(page->file);
}

static void expect_page(struct page *page, const char *text)
{
	fclose(page->file);
	assert_string_equal(page->text, text);
	free(page->text);
}

static void a_family_has_help_and_type(void **state)
{
	const struct sl_metric awkward = {"sluice_x", "gauge", "\"a\\b\"\nc"};
	struct page page;

	(void)state;
	open_page(&page);
	sl_metric_begin(page.file, &metric);
	sl_metric_count(page.file, &metric, no_labels, 3);
	sl_metric_begin(page.file, &awkward);
	expect_page(&page, "# HELP sluice_things_total Things.\n"
			   "# TYPE sluice_things_total counter\n"
			   "sluice_things_total 3\n"
			   "# HELP sluice_x \"a\\\\b\"\\nc\n"
			   "# TYPE sluice_x gauge\n");
}

static void labels_are_escaped(void **state)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"table", "a\"b\\c\nd"},
						       {"chain", "größe {x=\"1\"}"}};
	struct page page;

	(void)state;
	open_page(&page);
	sl_metric_count(page.file, &metric, labels, 1);
	expect_page(&page, "sluice_things_total{table=\"a\\\"b\\\\c\\nd\","
			   "chain=\"größe {x=\\\"1\\\"}\"} 1\n");
}

static void all_labels_are_there(void **state)
{
	const struct sl_label labels[SL_LABELS_MAX] = {{"a", "1"}, {"b", "2"}, {"c", "3"},
						       {"d", "4"}, {"e", "5"}, {"f", ""}};
	struct page page;

	(void)state;
	open_page(&page);
	sl_metric_count(page.file, &metric, labels, 0);
	expect_page(&page,
		    "sluice_things_total{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\",f=\"\"} 0\n");
}

static void numbers_are_exact(void **state)
{
	struct page page;

	(void)state;
	open_page(&page);
	sl_metric_count(page.file, &metric, no_labels, UINT64_MAX);
	sl_metric_gauge(page.file, &metric, no_labels, 0.25);
	sl_metric_gauge(page.file, &metric, no_labels, 123456789012.0);
	expect_page(&page, "sluice_things_total 18446744073709551615\n"
			   "sluice_things_total 0.25\n"
			   "sluice_things_total 123456789012\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_has_help_and_type),
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(all_labels_are_there),
		cmocka_unit_test(numbers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
