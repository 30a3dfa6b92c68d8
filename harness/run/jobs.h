/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs commands side by side: at most so many at once, each with a deadline. */
#ifndef HARNESS_RUN_JOBS_H
#define HARNESS_RUN_JOBS_H

#include <sys/types.h>

#include "harness/spec/types.h"

struct job {
	char **argv;	    /* NULL-terminated; not owned */
	const char *output; /* file for stdout and stderr, NULL: /dev/null */
	int status;	    /* exit status; -1 it did not end by itself in time, or by a signal */

	/* Filled in while it runs. */
	pid_t pid;
	u64 deadline_ms;
};

struct jobs_opts {
	unsigned parallel;
	unsigned timeout_s;
	/* Called whenever one has ended. */
	void (*done)(void *arg, unsigned finished, unsigned total);
	void *arg;
};

/* 0 when all ran (whatever their status), -1 when one could not be started or we were interrupted. */
int jobs_run(struct job *jobs, unsigned count, const struct jobs_opts *o);

#endif
