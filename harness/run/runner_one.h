/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the runner: one target, and the checks that are run on it one after the other. */
#ifndef HARNESS_RUN_RUNNER_ONE_H
#define HARNESS_RUN_RUNNER_ONE_H

#include "harness/run/carrier.h"
#include "harness/run/core/core.h"
#include "harness/run/evidence.h"
#include "harness/run/runner.h"

struct runner {
	struct target *target;
	const struct runner_opts *opts;
	struct run *run; /* what it adds to: tally, died */
	struct carrier carrier;
	struct core core;
	struct evidence evidence;
	const char *last; /* id of the check before; "" at first */
	bool used;	  /* a check was run since the target was started */
	bool gone;	  /* and cannot be started again: the checks that are left are not run */
};

/* False without memory. runner_close() either way. */
bool runner_open(struct runner *rn, struct target *t, const struct runner_opts *o, struct run *r);
void runner_close(struct runner *rn);

/* Run res->check and say in *res what came of it. */
void runner_check(struct runner *rn, struct result *res);

/*
 * All of rn->run by rn->opts->jobs processes, each with a target of its own: started as rn's is, which is
 * not running. 0, or -1 with one line in `error`.
 */
int crew_run(struct runner *rn, char *error, size_t room);

#endif
