/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expectation files: the known deviations of a target, each with its reason.
 *
 * One line each: check id (a glob), verdict, reason. Where it depends on the target's moment which it is, the
 * verdicts with commas between them. '#' starts a comment. The first line that
 * matches a check counts. A reason is required: a deviation that nobody can explain is not known.
 */
#ifndef HARNESS_RUN_EXPECT_H
#define HARNESS_RUN_EXPECT_H

#include "harness/check/check.h"

struct expectation {
	char *pattern;
	char *reason;
	enum verdict verdict; /* the first */
	unsigned verdicts;    /* each as a bit */
	unsigned line;
};

struct expect {
	struct expectation *entries;
	unsigned count;
};

/* 0, or -1 with one line (file, line, what is wrong) in `error`. */
int expect_load(struct expect *e, const char *path, char *error, size_t room);
void expect_free(struct expect *e);

/* What is expected of a check, NULL = nothing special. */
const struct expectation *expect_find(const struct expect *e, const char *check_id);

#endif
