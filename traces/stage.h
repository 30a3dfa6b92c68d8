/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a back-end's time goes: the stages of its requests, from a trace that trace_session_*()
 * recorded. README.md beside this file defines each stage by the two events that bound it.
 */
#ifndef TRACES_STAGE_H
#define TRACES_STAGE_H

#include "harness/spec/types.h"

enum stage_id {
	STAGE_FETCH,   /* fetch -> serve_begin */
	STAGE_SERVE,   /* serve_begin -> serve_end */
	STAGE_PUBLISH, /* serve_end -> publish */
	STAGE_CALL,    /* publish -> call */
	STAGE_COUNT,
};

struct stage_row {
	const char *name; /* "fetch", "serve", "publish", "call" */
	u64 count;	  /* requests that had this stage */
	u64 p50_ns, p99_ns, max_ns, mean_ns;
};

struct stage_table {
	struct stage_row row[STAGE_COUNT];
	u64 events;    /* of ours, in the trace */
	u64 requests;  /* seen from their fetch to their publish without a gap */
	u64 unmatched; /* events whose partner is missing: lost, or outside the recording */
	u64 discarded; /* events that the trace says it lost */
	u32 processes; /* that the trace holds */
};

/*
 * Read the trace under `dir`. 0, or -1 with one line in `err`: no trace there, not a trace of
 * ours, or damaged. A trace without a request is not an error; all counts are 0 then.
 */
int stage_read(const char *dir, struct stage_table *table, char *err, size_t len);

#endif
