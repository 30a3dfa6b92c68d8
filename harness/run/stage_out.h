/* SPDX-License-Identifier: BSD-3-Clause */
/* The stage table of a traced run, as it stands in results and on the terminal. */
#ifndef HARNESS_RUN_STAGE_OUT_H
#define HARNESS_RUN_STAGE_OUT_H

#include <jansson.h>
#include <stdio.h>

#include "traces/stage.h"

/* New reference: [{name, from, to, p50_ns, p99_ns, mean_ns, max_ns, sum_ns, count}, …]; count 0: did not happen. */
json_t *stage_rows_json(const struct stage_table *t);

/*
 * New reference: {dir, events, requests, end_to_end, heat, …}. `discarded`: what the recording session
 * counted, which knows of losses that the trace does not (0: not known).
 */
json_t *stage_trace_json(const struct stage_table *t, const char *dir, u64 discarded);

/* A table of microseconds, and a line for each thing that makes it less than the whole truth. */
void stage_write_text(const struct stage_table *t, u64 discarded, FILE *f);

#endif
