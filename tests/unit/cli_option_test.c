// SPDX-License-Identifier: BSD-3-Clause
/* Options as tables: what each kind takes, complaints, and the help text. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ref-backends/cli/common/option.h"

static struct {
	bool flag;
	const char *text;
	unsigned number;
	u64 size;
	int word, own;
} got;

static int parse_own(const char *arg, void *out)
{
	*(int *)out = arg ? (int)strlen(arg) : -1;
	return arg && strcmp(arg, "no") == 0 ? cli_usage_error("no is no") : 0;
}

static const char *const words[] = { "one", "two", NULL };

/* clang-format off */
static const struct cli_option first[] = {
	CLI_TITLED("Some:"),
	CLI_OPTION(CLI_FLAG, "flag", NULL, &got.flag, "raises it"),
	CLI_OPTION(CLI_TEXT, "text", "T", &got.text, "one line\nand another"),
	CLI_OPTION(CLI_TEXT, "alias", "T", &got.text, NULL),
};
static const struct cli_option second[] = {
	CLI_OPTION(CLI_NUMBER, "number", "N", &got.number, "a number", .min = 2, .max = 9),
	CLI_OPTION(CLI_SIZE, "size", "S", &got.size, "a size", .min = 512, .max = 1 << 20),
	CLI_OPTION(CLI_WORD, "word", "one|two", &got.word, "a word", .words = words),
	CLI_OPTION(CLI_OWN, "own", "[=X]", &got.own, "its own", .parse = parse_own),
};
static const struct cli_table tables[] = { CLI_TABLE(first), CLI_TABLE(second) };
/* clang-format on */

static const struct cli_program program = {
	.name = "prog",
	.synopsis = "usage: prog\n",
	.ending = "The end.\n",
	.tables = tables,
	.num_tables = ARRAY_SIZE(tables),
};

/* What went to `stream` while the arguments were read; the status, or -1 for "go on". */
static int parse(FILE *stream, char *said, size_t room, const char *const *args)
{
	char *argv[12] = { (char *)"prog" };
	int argc = 1, status = -1;
	int saved = dup(fileno(stream));
	FILE *file = tmpfile();
	size_t n;

	assert_non_null(file);
	while (args[argc - 1]) {
		argv[argc] = (char *)args[argc - 1];
		argc++;
	}
	memset(&got, 0, sizeof(got));
	fflush(stream);
	dup2(fileno(file), fileno(stream));
	optind = 0;
	if (cli_parse(&program, argc, argv, &status))
		status = -1;
	fflush(stream);
	dup2(saved, fileno(stream));
	close(saved);
	rewind(file);
	n = fread(said, 1, room - 1, file);
	said[n] = '\0';
	fclose(file);
	return status;
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_each_kind(void **state)
{
	char said[200];

	(void)state;
	assert_int_equal(parse(stderr, said, sizeof(said),
			       ARGS("--flag", "--alias", "abc", "--number=9", "--size", "1k",
				    "--word", "two", "--own", "rest")),
			 -1);
	assert_string_equal(said, "");
	assert_true(got.flag);
	assert_string_equal(got.text, "abc");
	assert_int_equal(got.number, 9);
	assert_int_equal(got.size, 1024);
	assert_int_equal(got.word, 1);
	assert_int_equal(got.own, -1); /* what may be left out follows at once or not at all */
	parse(stderr, said, sizeof(said), ARGS("--own=four"));
	assert_int_equal(got.own, 4);
}

static void test_complaints(void **state)
{
	static const struct {
		const char *arg, *said;
	} bad[] = {
		{ "--number=1", "--number: '1' is not a number from 2 to 9" },
		{ "--number=10", "--number: '10' is not a number from 2 to 9" },
		{ "--number=x", "--number: 'x' is not a number from 2 to 9" },
		{ "--size=2m", "--size: '2m' is not a size from 512 to 1m" },
		{ "--size=-1", "--size: '-1' is not a size from 512 to 1m" },
		{ "--word=three", "--word: 'three' is none of one, two" },
		{ "--own=no", "no is no" },
	};
	char said[200], want[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(want, sizeof(want), "prog: %s (--help tells more)\n", bad[i].said);
		assert_int_equal(parse(stderr, said, sizeof(said), ARGS(bad[i].arg)), CLI_USAGE);
		assert_string_equal(said, want);
	}
	assert_int_equal(parse(stderr, said, sizeof(said), ARGS("--none")), CLI_USAGE);
	assert_non_null(strstr(said, "--none"));
}

static void test_help(void **state)
{
	char said[1000];

	(void)state;
	assert_int_equal(parse(stdout, said, sizeof(said), ARGS("--help")), 0);
	assert_string_equal(said, "usage: prog\n"
				  "Some:\n"
				  "  --flag                 raises it\n"
				  "  --text T               one line\n"
				  "                         and another\n"
				  "  --number N             a number\n"
				  "  --size S               a size\n"
				  "  --word one|two         a word\n"
				  "  --own[=X]              its own\n"
				  "  --help, --version\n"
				  "The end.\n");
	assert_int_equal(parse(stdout, said, sizeof(said), ARGS("--version")), 0);
	assert_memory_equal(said, "prog ", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind),
		cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
