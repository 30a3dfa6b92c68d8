/* SPDX-License-Identifier: BSD-3-Clause */
/* What ringside bench writes: JSON (reports/schema/bench-1.json) and text. */
#ifndef HARNESS_CLI_BENCH_RESULT_H
#define HARNESS_CLI_BENCH_RESULT_H

#include <stdio.h>

#include "harness/bench/host/floor.h"
#include "harness/bench/host/session.h"
#include "harness/run/guest.h"
#include "traces/stage.h"

struct bench_result {
	/* Of the target and the workload. */
	const char *uri, *name, *command, *op;
	const char *device;	       /* type; NULL: what opts->type says */
	const char *transport;	       /* NULL: vhost-user */
	const struct run_guest *guest; /* that it was measured in; NULL: the host */
	u64 features, protocol_features;
	const struct bench_opts *opts;

	struct bench_figures figures;
	struct clock clock;

	bool has_floor;
	struct floor_result floor;

	const char *trace_dir; /* NULL: not traced */
	unsigned tracers;      /* enum tracer_source */
	struct stage_table stages;
	u64 discarded;
	struct bench_figures untraced;

	const char *warnings[16];
	unsigned warning_count;
};

void bench_write_json(const struct bench_result *r, FILE *f);
void bench_write_text(const struct bench_result *r, FILE *f);

struct spoil;

/* What of the run, and of the machine meanwhile, a reader has to know. */
void bench_add_warnings(const struct spoil *spoil, struct bench_result *r);

/* Time stamps of single requests, as tab-separated values. */
void bench_write_raw_head(FILE *f);
void bench_write_raw_rows(FILE *f, const struct clock *clock, const struct load_stamp *raw,
			  u32 count);

#endif
