/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the frequency of the processor's counter on a host, or doing without it. */
#ifndef HARNESS_BENCH_HOST_CLOCK_H
#define HARNESS_BENCH_HOST_CLOCK_H

#include "harness/bench/clock.h"

/*
 * Fill in `c`. Takes about 20 ms, more when the machine is so busy that the first tries are no
 * good; never fails. Where the counter is not invariant (its rate changes, or it stops in deep
 * sleep) or cannot be calibrated, the clock is clock_gettime(CLOCK_MONOTONIC_RAW) and `c->source`
 * says so: a read then costs more and a result should carry that as a warning.
 */
void clock_calibrate(struct clock *c);

/* clock_gettime(CLOCK_MONOTONIC_RAW) as a clock, without looking at the counter. */
void clock_use_gettime(struct clock *c);

/* True when the counter runs at one rate, always. */
bool clock_counter_invariant(void);

/* What one start/stop pair around nothing reads: the smallest of many, ns. */
u64 clock_overhead_ns(const struct clock *c);

#endif
