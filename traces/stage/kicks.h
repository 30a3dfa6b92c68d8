/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest's counter beside the host's clock where the back-end has no tracepoints: from its notifications, which the
 * kernel saw on their way. The guest's processor takes each to the hypervisor and back itself, so
 *
 *   the guest began to notify  before  the hypervisor had it
 *   it was passed on           before  the guest's next event of any kind
 *
 * whoever else sleeps or is busy. Which is which is known from the end: guest and recording end with the same one, if
 * the recording goes on until the guest is gone. That an interrupt which was alone between two notifications came before
 * its handler ran is used as clock.h uses what holds only while both sides sleep.
 *
 * Nothing in an event is trusted.
 */
#ifndef TRACES_STAGE_KICKS_H
#define TRACES_STAGE_KICKS_H

#include "traces/stage/clock.h"

struct kicks;

/* NULL without memory. */
struct kicks *kicks_new(void);
void kicks_free(struct kicks *k);

/* All events of the guest, in their order; then all that was seen from outside, in theirs. 0 or -ENOMEM. */
int kicks_guest(struct kicks *k, const struct trace_event *e);
int kicks_host(struct kicks *k, const struct trace_event *e, u64 ns);

/*
 * `spoken`: when front-end and back-end last said something to each other, which is when the guest goes. `hz` and so on:
 * as for clock_fit_new(). NULL, or why there is no clock.
 */
const char *kicks_end(struct kicks *k, u64 spoken, u64 hz, u32 error_ppm, double host_hz,
		      struct guest_clock *out);

#endif
