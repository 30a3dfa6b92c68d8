/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a conformance run found, and how it is written down. JSON is the result
 * (reports/schema/conform-1.json); text, JUnit, TAP and KTAP are renderings of the same structure.
 */
#ifndef HARNESS_RUN_RESULT_H
#define HARNESS_RUN_RESULT_H

#include <stdio.h>

#include "harness/run/core/evidence.h"

struct result {
	const struct check *check;
	enum verdict verdict;
	const char *clause;	  /* what was accused under, NULL = nothing */
	char reason[RESULT_TEXT]; /* one line; "" for a pass */
	char expected[RESULT_TEXT];
	char **log; /* evidence, on anything but a pass */
	unsigned log_lines;
	double duration_ms;
	enum verdict anticipated;    /* by the expectation file; VERDICT_PASS without */
	const char *anticipated_why; /* NULL: not in the expectation file */
	bool unexpected;
	bool fixed; /* the expectation file says otherwise, and it is better than that */
};

struct run_guest;

struct run_target {
	const char *uri;
	const char *name; /* what the report calls it */
	const char *command;
	const char *device;
	const char *transport;
	const char
		*ring; /* layout that was asked for: "split", "packed", "both"; NULL: not known */
	u64 features, protocol_features;
	unsigned queues;
	const struct run_guest *guest; /* that it was seen from; NULL: from the host */
};

struct run {
	struct run_target target;
	struct result *results;
	unsigned count;
	unsigned tally[VERDICTS];
	unsigned unexpected, fixed;
	double duration_s;
	/* The target's death that nobody expected, with the check under way. */
	char died[RESULT_TEXT + 128];
};

struct expect;

/* Grade a result by what was expected of it (NULL: a pass), and count it. */
void run_compare(struct run *r, struct result *res, const struct expect *expect);

/* Writers; `f` is flushed and checked by the caller. */
void run_write_text(const struct run *r, FILE *f);
void run_write_json(const struct run *r, FILE *f);
void run_write_junit(const struct run *r, FILE *f);
void run_write_tap(const struct run *r, FILE *f);
/* Documentation/dev-tools/ktap.rst of Linux: what is known is an expected failure there. */
void run_write_ktap(const struct run *r, FILE *f);

void run_free(struct run *r);

#endif
