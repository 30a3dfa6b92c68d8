/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that takes its time: a struct rdev in front of another, which gets each request a fixed time
 * after the driver's, in the same order. Requests are then seen in flight: a reset that has to wait for
 * them, a device that is drained before it is suspended.
 */
#ifndef REF_BACKENDS_BINDING_MACHINE_SLOW_H
#define REF_BACKENDS_BINDING_MACHINE_SLOW_H

#include "ref-backends/device/through.h"

/* More than any binding has in flight. */
#define SLOW_MAX 256

struct slow {
	struct rthrough through;
	u64 delay_ns;
	struct {
		struct rdev_req *req;
		u64 due;
	} wait[SLOW_MAX];
	unsigned first, count;
};

/* Returns what to serve in place of `below`. */
struct rdev *slow_init(struct slow *s, struct rdev *below, unsigned delay_ms);

/* Pass on what is due. */
void slow_run(struct slow *s);

/* Milliseconds until something is due, as for poll(2): -1 when nothing waits. */
int slow_wait_ms(const struct slow *s);

#endif
