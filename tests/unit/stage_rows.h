/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of stages that a test has made: its rows by their names. */
#ifndef TESTS_UNIT_STAGE_ROWS_H
#define TESTS_UNIT_STAGE_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "traces/stage.h"

static struct stage_table t;

static inline const struct stage_row *row(const char *name)
{
	for (unsigned i = 0; i < t.rows; i++)
		if (strcmp(t.row[i].name, name) == 0)
			return &t.row[i];
	fail_msg("there is no stage %s", name);
	return NULL;
}

struct longest {
	const char *stage;
	u64 ns;
};

static inline void are_longest(const struct longest *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (row(l[i].stage)->max_ns != l[i].ns)
			fail_msg("the longest '%s' took %llu ns, not %llu", l[i].stage,
				 (unsigned long long)row(l[i].stage)->max_ns,
				 (unsigned long long)l[i].ns);
}

/* How long each of these stages took, or the longest of each: LONGEST({ "fetch", 10 }, { "serve", 20 }). */
#define LONGEST(...)                                                                               \
	are_longest((const struct longest[]){ __VA_ARGS__ },                                       \
		    sizeof((const struct longest[]){ __VA_ARGS__ }) / sizeof(struct longest))

#endif
