// SPDX-License-Identifier: BSD-3-Clause
/* Expectation files: what they say, and what is said about a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/run/expect.h"

static char path[] = "/tmp/ringside-expect-XXXXXX";

static int load(struct expect *e, const char *text, char *error, size_t room)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return expect_load(e, path, error, room);
}

static void entries(void **state)
{
	char error[200];
	struct expect e;

	assert_int_equal(load(&e,
			      "# a comment\n\n"
			      "blk.one fail   it has its reason # and a sign\n"
			      "vu.*\twarn\tall of them\n"
			      "vu.x info never reached\n"
			      "split.a fail,warn,error as it comes",
			      error, sizeof(error)),
			 0);
	assert_int_equal(e.count, 4);
	assert_string_equal(expect_find(&e, "blk.one")->reason, "it has its reason # and a sign");
	assert_int_equal(expect_find(&e, "blk.one")->verdict, VERDICT_FAIL);
	assert_int_equal(expect_find(&e, "vu.x")->verdict, VERDICT_WARN);
	assert_int_equal(expect_find(&e, "vu.x")->verdicts, 1u << VERDICT_WARN);
	assert_int_equal(expect_find(&e, "split.a")->verdict, VERDICT_FAIL);
	assert_int_equal(expect_find(&e, "split.a")->verdicts,
			 1u << VERDICT_FAIL | 1u << VERDICT_WARN | 1u << VERDICT_ERROR);
	assert_null(expect_find(&e, "split.other"));
	expect_free(&e);
}

static void complaints(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "blk.one fail\n", ":1: a line is" },
		{ "blk.one\n", ":1: a line is" },
		{ "# fine\nblk.one bad a reason\n", ":2: 'bad' is not a verdict" },
		{ "blk.one fail   \n", ":1: a line is" },
		{ "blk.one fail, a reason\n", ":1: 'fail,' is not a verdict" },
		{ "blk.one fail,,warn a reason\n", "is not a verdict" },
		{ "blk.one failfailfailfailfail a reason\n", "is not a verdict" },
	};
	char error[200];
	struct expect e;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(load(&e, cases[i].text, error, sizeof(error)), -1);
		assert_non_null(strstr(error, cases[i].says));
		assert_int_equal(e.count, 0);
	}
	assert_int_equal(expect_load(&e, "/nonexistent/file", error, sizeof(error)), -1);
	assert_non_null(strstr(error, "/nonexistent/file"));
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(complaints),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
