/* SPDX-License-Identifier: BSD-3-Clause */
/* The judge's book, for tests of its rules: it is open while main() runs, and read as others read it. */
#ifndef TESTS_UNIT_JUDGE_BOOK_H
#define TESTS_UNIT_JUDGE_BOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/spec/clause.h"
#include "ref-backends/judge/judge.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/watch.h"

static char book_path[] = "/tmp/judge_test_XXXXXX";

/* How often a clause was broken so far, or (NULL) all of them. */
static inline u64 count_of(const char *clause)
{
	json_error_t err;
	json_t *root, *one;
	u64 count = 0;
	size_t i;

	jd_write();
	root = json_load_file(book_path, 0, &err);
	assert_non_null(root);
	json_array_foreach(json_object_get(root, "checks"), i, one)
	{
		json_t *names = json_object_get(one, "clauses");

		if (!clause || !strcmp(json_string_value(json_array_get(names, 0)), clause))
			count += (u64)json_integer_value(json_object_get(one, "broken"));
	}
	json_decref(root);
	return count;
}

static unsigned claims;

/* For jd_claims() and its like. */
static inline void claim_of_the_other_side(const char *clause, u64 looked)
{
	const struct clause *c = clause_find(clause);

	if (!c || c->actor != CLAUSE_DRIVER)
		fail_msg("%s is no clause of a driver or front-end", clause);
	claims++;
}

static inline int book_open(void **state)
{
	const int fd = mkstemp(book_path);

	if (fd < 0)
		return -1;
	close(fd);
	judge_open(book_path);
	return 0;
}

static inline int book_close(void **state)
{
	return unlink(book_path);
}

#endif
