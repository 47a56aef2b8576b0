// SPDX-License-Identifier: GPL-2.0-only
#include "cli/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void expect_clip(const char *text, u32 most, const char *html)
{
	SL_CLEANUP(sl_free) char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	sl_html_clip(out, text, most);
	fclose(out);
	assert_string_equal(got, html);
}

static void expect(const char *text, const char *html)
{
	expect_clip(text, UINT32_MAX, html);
}

static void escapes_what_is_markup(void **state)
{
	(void)state;
	expect("<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
	expect("\" onmouseover=\"x", "&quot; onmouseover=&quot;x");
	expect("a && b &lt;", "a &amp;&amp; b &amp;lt;");
	expect("</title><!--", "&lt;/title&gt;&lt;!--");
	expect("", "");
}

static void keeps_other_alphabets(void **state)
{
	(void)state;
	expect("Grüße, 世界 🦆", "Grüße, 世界 🦆");
}

static void shows_what_is_no_utf8_by_its_bytes(void **state)
{
	(void)state;
	expect("a\xff", "a\\xff");
	expect("\xc3", "\\xc3");               /* cut off */
	expect("\xc3(", "\\xc3(");             /* not continued */
	expect("\xe4\xb8<", "\\xe4\\xb8&lt;"); /* swallows no markup */
	expect("\xc0\xbc", "\\xc0\\xbc");      /* '<', too long */
	expect("\xe0\x80\xbc", "\\xe0\\x80\\xbc");
	expect("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half of a pair */
	expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	expect("\xfc\x84\x80\x80", "\\xfc\\x84\\x80\\x80");
	expect("\x80", "\\x80");
}

static void shows_what_hides_or_reorders_by_its_number(void **state)
{
	(void)state;
	expect("a\x1b[2Jb", "a\\u{1b}[2Jb");
	expect("\u202egpj.exe", "\\u{202e}gpj.exe");
	expect("a\u200bb", "a\\u{200b}b");
	expect("\x7f", "\\u{7f}");
	expect("a\tb\nc", "a b c");
}

static void clips_by_characters(void **state)
{
	(void)state;
	expect_clip("世界", 2, "世界");
	expect_clip("世界<", 2, "世界…");
	expect_clip("<<<", 2, "&lt;&lt;…");
	expect_clip("", 0, "");
}

static void expect_number(void (*print)(FILE *out, u64 number), u64 number, const char *text)
{
	SL_CLEANUP(sl_free) char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	print(out, number);
	fclose(out);
	assert_string_equal(got, text);
}

static void groups_digits(void **state)
{
	(void)state;
	expect_number(sl_html_count, 0, "0");
	expect_number(sl_html_count, 999, "999");
	expect_number(sl_html_count, 1000, "1,000");
	expect_number(sl_html_count, 1002003, "1,002,003");
	expect_number(sl_html_count, UINT64_MAX, "18,446,744,073,709,551,615");
}

static void says_bytes_in_their_unit(void **state)
{
	(void)state;
	expect_number(sl_html_bytes, 999, "999 B");
	expect_number(sl_html_bytes, 1000, "1.0 kB");
	expect_number(sl_html_bytes, 123456, "123 kB");
	expect_number(sl_html_bytes, 999999, "1.0 MB");
	expect_number(sl_html_bytes, UINT64_MAX, "18447 PB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_is_markup),
		cmocka_unit_test(keeps_other_alphabets),
		cmocka_unit_test(shows_what_is_no_utf8_by_its_bytes),
		cmocka_unit_test(shows_what_hides_or_reorders_by_its_number),
		cmocka_unit_test(clips_by_characters),
		cmocka_unit_test(groups_digits),
		cmocka_unit_test(says_bytes_in_their_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
