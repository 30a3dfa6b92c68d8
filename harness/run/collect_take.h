/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking a guest's messages, one function each: collect.c has those of every job and of conform, collect_bench.c those
 * of bench. False: the stream is broken, and c->error says why.
 */
#ifndef HARNESS_RUN_COLLECT_TAKE_H
#define HARNESS_RUN_COLLECT_TAKE_H

#include "harness/run/collect.h"

/* The first thing that is wrong counts: what follows is its consequence. False, always. */
bool collect_broken(struct collect *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool collect_out_of_order(struct collect *c, const char *what);

/* The job under way, when it is of that kind. */
struct collect_job *collect_current_of(struct collect *c, enum wire_job_kind kind);

bool collect_take_bench(struct collect *c);
bool collect_take_untraced(struct collect *c);
bool collect_take_hist(struct collect *c);
bool collect_take_trace(struct collect *c);
bool collect_take_events(struct collect *c);
bool collect_take_raw(struct collect *c);
/* Has all come that the figures speak of? Asked at the end of the job. */
bool collect_bench_whole(struct collect *c, const struct collect_job *j);

#endif
