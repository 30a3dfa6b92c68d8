/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run of `ringside conform` says of the checks, taken into the proof. */
#ifndef HARNESS_RUN_PROVE_TAKE_H
#define HARNESS_RUN_PROVE_TAKE_H

#include "harness/run/prove.h"

/* Does the check exercise the clause? */
bool prove_names(const struct check *k, const char *clause);

/*
 * The result in the file `out`, which is taken away, of the back-end with fault number `fault`, or of the clean
 * one (below 0). 0, or -1: there is none.
 */
int prove_take(struct proof *p, const char *out, int fault);

#endif
