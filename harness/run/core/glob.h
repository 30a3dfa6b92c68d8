/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns that select checks and clauses, the same on the host and in a guest: '*', '?', '[a-z]',
 * '[!a-z]', '\' before a character, and bash's ?(a|b) *(a|b) +(a|b) @(a|b) !(a|b).
 *
 * Freestanding.
 */
#ifndef HARNESS_RUN_CORE_GLOB_H
#define HARNESS_RUN_CORE_GLOB_H

#include "harness/spec/types.h"

/* Does all of `s` match? A NULL pattern matches everything. */
bool glob_match(const char *pattern, const char *s);

#endif
