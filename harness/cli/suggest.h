/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "Did you mean": the known names that are nearest to one that is not known.
 */
#ifndef HARNESS_CLI_SUGGEST_H
#define HARNESS_CLI_SUGGEST_H

#include "harness/spec/types.h"

#define SUGGEST_MAX 3

struct suggest {
	const char *wanted;
	const char *near[SUGGEST_MAX]; /* best first; borrowed */
	unsigned distance[SUGGEST_MAX];
	unsigned n;
};

/* Insertions, deletions, replacements and swaps of neighbours that make one of the other. */
unsigned suggest_distance(const char *a, const char *b);

/* Consider one known name. Set `wanted`, and all else to 0, before the first. */
void suggest_add(struct suggest *s, const char *name);

/* ": did you mean A, B or C?", or "" when nothing is near. */
const char *suggest_text(const struct suggest *s, char *buf, size_t size);

#endif
