/* SPDX-License-Identifier: BSD-3-Clause */
/* The traced run of ringside bench, and the untraced one beside it. */
#ifndef HARNESS_CLI_BENCH_TRACE_H
#define HARNESS_CLI_BENCH_TRACE_H

#include "harness/cli/bench_result.h"

struct bench_trace_opts {
	const char *dir;
	unsigned sources; /* enum tracer_source; 0: the best of what is there */
};

/* "buffer,lttng" or "auto". 0, or -1 after an error line. */
int bench_trace_parse(const char *option, const char *arg, unsigned *sources);

/* 0, 1: the target failed, 2: the tracer did; with one line in `error`. */
enum {
	BENCH_TRACED,
	BENCH_TARGET_FAILED,
	BENCH_TRACER_FAILED,
};
int bench_measure_traced(const struct bench_trace_opts *o, struct bench_session *s,
			 struct bench_result *r, char *error, size_t room);

#endif
