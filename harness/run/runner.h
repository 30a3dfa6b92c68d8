/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs checks against a target, one after the other, and grades what they say. */
#ifndef HARNESS_RUN_RUNNER_H
#define HARNESS_RUN_RUNNER_H

#include "harness/run/core/core.h"
#include "harness/run/core/devices.h"
#include "harness/run/expect.h"
#include "harness/run/result.h"
#include "harness/run/target.h"

struct runner_opts {
	const char *check_glob;	       /* NULL: all */
	const char *clause_glob;       /* NULL: all */
	const char *device;	       /* NULL: found from the configuration */
	enum check_ring ring;	       /* CHECK_RING_ANY: each check of a layout over its own */
	const struct expect *expect;   /* NULL: none */
	unsigned timeout_ms, quiet_ms; /* 0: the transport's defaults */
	unsigned jobs; /* targets at once, each with its share of the checks; 0: one */
	bool progress; /* a line on stderr that is overwritten */
};

/*
 * 0; -1 with one line in `error` when the target could not be reached at all (TP_EGONE) or what it is
 * could not be told. `r` is to be freed with run_free() either way.
 */
int runner_run(struct target *t, const struct runner_opts *o, struct run *r, char *error,
	       size_t room);

/*
 * The checks that `o` selects for a device (0: any) on a transport (NULL: any), sorted by id. Returns
 * how many; NULL-safe for `out`.
 */
unsigned runner_select(const struct runner_opts *o, u32 device, const char *transport,
		       const struct check **out, unsigned room);

#endif
