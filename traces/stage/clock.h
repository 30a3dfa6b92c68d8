/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's counter beside the host's clock, found from what has to be the cause of what. Of each request that both
 * sides saw:
 *
 *   the guest began to make it available  before  the back-end fetched it
 *   the back-end was done with it         before  the guest saw it used
 *
 * whatever both do meanwhile, so that each request bounds the offset from both sides; the one in the middle is taken,
 * and half their distance is the error. Two more bounds, which are closer but hold only while both sides sleep
 * (the notification before the fetch, the publish before the handler), say where in between, and make the error
 * no smaller.
 *
 * Which request is which: the guest counts from when the queue began, and the back-end has said what it had fetched
 * then (TRACE_START). Where that is not recorded, the last request of one is the last one of the other.
 *
 * Nothing in an event is trusted.
 */
#ifndef TRACES_STAGE_CLOCK_H
#define TRACES_STAGE_CLOCK_H

#include "harness/spec/trace_event.h"

/* host ns = base_ns + ((ticks - base_ticks) * mult >> 32) */
struct guest_clock {
	u64 base_ticks, base_ns, mult;
	int64_t offset_ns; /* at base_ticks: the host's time less the guest's, which is ticks by its own rate */
	u64 error_ns;	 /* how far off at most, anywhere in the recording */
	double rate_ppm; /* how much faster the host's clock runs than the guest thinks its own does */
	u64 requests;	 /* that bound it */
};

struct clock_fit;

/*
 * `hz`: the guest's ticks per second, which is known to `error_ppm`. `host_hz`: of the host's counter, whose rate
 * the guest's has if the two look alike; 0: not known. NULL without memory.
 */
struct clock_fit *clock_fit_new(u64 hz, u32 error_ppm, double host_hz);
void clock_fit_free(struct clock_fit *f);

/* All events of the guest, in their order; then all of the back-end, in theirs. 0 or -ENOMEM. */
int clock_fit_guest(struct clock_fit *f, const struct trace_event *e);
int clock_fit_host(struct clock_fit *f, const struct trace_event *e, u64 ns);

/* NULL, or why there is none. */
const char *clock_fit_end(struct clock_fit *f, struct guest_clock *out);

#endif
