// SPDX-License-Identifier: BSD-3-Clause
/* Wrapping of text, and suggestions for names that do not exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "harness/cli/suggest.h"
#include "harness/cli/text.h"

static void wraps_to(unsigned width, unsigned at, unsigned indent, const char *text,
		     const char *expected)
{
	char *got = NULL;
	size_t len;
	FILE *f = open_memstream(&got, &len);

	assert_non_null(f);
	text_wrap(f, width, at, indent, text);
	fclose(f);
	assert_string_equal(got, expected);
	free(got);
}

static void wrap(void **state)
{
	wraps_to(0, 0, 4, "one line, however long it may be", "one line, however long it may be\n");
	wraps_to(10, 0, 0, "aaa bbb ccc", "aaa bbb\nccc\n");
	wraps_to(11, 0, 0, "aaa bbb ccc", "aaa bbb ccc\n");
	wraps_to(10, 5, 2, "aaa bbb ccc", "aaa\n  bbb ccc\n");
	wraps_to(5, 0, 0, "a verylongword b", "a\nverylongword\nb\n");
	wraps_to(10, 0, 0, "", "\n");
	wraps_to(10, 0, 0, "  a   b ", "a b\n");
	wraps_to(5, 0, 0, "\xe2\x80\xa6\xe2\x80\xa6 bb", "\xe2\x80\xa6\xe2\x80\xa6 bb\n");
}

static void no_terminal_no_width(void **state)
{
	FILE *f = tmpfile();

	assert_int_equal(text_width(f), 0);
	fclose(f);
}

static void distance(void **state)
{
	assert_int_equal(suggest_distance("", ""), 0);
	assert_int_equal(suggest_distance("abc", "abc"), 0);
	assert_int_equal(suggest_distance("abc", ""), 3);
	assert_int_equal(suggest_distance("abc", "abd"), 1);
	assert_int_equal(suggest_distance("abc", "acb"), 1);
	assert_int_equal(suggest_distance("abc", "bc"), 1);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
}

static void suggestions(void **state)
{
	struct suggest s = { .wanted = "used-len" };
	char text[100];

	assert_string_equal(suggest_text(&s, text, sizeof(text)), "");
	suggest_add(&s, "nothing-like-it");
	assert_int_equal(s.n, 0);
	suggest_add(&s, "used-lan");
	assert_string_equal(suggest_text(&s, text, sizeof(text)), ": did you mean used-lan?");
	suggest_add(&s, "used-le");
	suggest_add(&s, "long-name-with-used-len-in-it");
	suggest_add(&s, "used-line");
	suggest_add(&s, "usedlen");
	assert_string_equal(suggest_text(&s, text, sizeof(text)),
			    ": did you mean used-lan, used-le or usedlen?");
}

/* Truncated, never beyond its end. */
static void long_suggestions(void **state)
{
	struct suggest s = { .wanted = "aaaaaaaaaaaaaaaaaaaa" };
	char text[16];

	suggest_add(&s, "aaaaaaaaaaaaaaaaaaab");
	suggest_add(&s, "aaaaaaaaaaaaaaaaaaac");
	assert_int_equal(strlen(suggest_text(&s, text, sizeof(text))), sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrap),
		cmocka_unit_test(no_terminal_no_width),
		cmocka_unit_test(distance),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(long_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
