// SPDX-License-Identifier: BSD-3-Clause
/*
 * Unit tests in one program: which of them it is says the name that it is called by, tests/NAME_test in the build
 * tree, or the first argument.
 */
#include <stdio.h>
#include <string.h>

#define UNIT(name) int name##_main(void);
#include "tests/unit/names.h"
#undef UNIT

static const struct {
	const char *name;
	int (*main)(void);
} tests[] = {
#define UNIT(name) { #name, name##_main },
#include "tests/unit/names.h"
#undef UNIT
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	const char *name = last_part(argv[argc > 1 ? 1 : 0]);
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(tests[i].name, name) == 0)
			return tests[i].main();
	fprintf(stderr, "%s: no unit test has this name. Those that are here:\n", name);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		fprintf(stderr, "%s\n", tests[i].name);
	return 2;
}
